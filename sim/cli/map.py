"""The command `map`: where all targets hold over two ranges, as a table, a picture and a few sentences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sim.cli.options import DONE, NOT_MET, SOME_FAILED, File, Options, print_data, say

if TYPE_CHECKING:
    from sim.studies.plausibility import Cell, Map
    from sim.studies.ranges import Axis

Range = Annotated[
    str, typer.Option(metavar="PATH=RANGE", help="Such as demand.volume=8000..60000/year:12.", show_default=False)
]


def map(
    file: File,
    options: Options,
    x: Range,
    y: Range,
    per: Annotated[
        Literal["run", "month", "week", "day"], typer.Option(help="Count the runs, or the periods, that hold.")
    ] = "run",
) -> int:
    """Map where all targets hold over two ranges, and which one fails first.

    A range is PATH=FROM..TO, with :N for N points and a word log to spread them by ratios (FROM..TO:12 log), or a list
    PATH=A,B,C. Few replications are run far from the line, and at most --replications near it.
    """
    from sim.cli.studying import noted, shown_below, study
    from sim.plots.map import plausibility_map
    from sim.plots.style import save
    from sim.studies.frames import write_csv
    from sim.studies.map_table import table
    from sim.studies.plausibility import Grid, plausibility
    from sim.studies.trials import TrialError
    from sim.text.map import answer

    scenario = options.load(file)
    x_axis, y_axis = _axis(x, "--x"), _axis(y, "--y")
    try:
        grid = Grid(scenario, x_axis, y_axis)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--x, --y") from None
    try:
        with study("map", scenario, options) as under_way:
            found = plausibility(grid, under_way.trials, per=per, expect=under_way.expect)
            folder = under_way.folder
            write_csv(folder / "map.csv", table(found))
            (folder / "plots").mkdir(exist_ok=True)
            save(plausibility_map(found), folder / "plots", "map")
    except TrialError as error:
        say(f"tipline map: {error}")
        return SOME_FAILED
    told = noted("map", found.scenario, map_data(found, folder), folder)
    if options.json:
        print_data([told], [file])
    elif not options.quiet:
        shown_below(answer(found), folder, ("map.csv", "plots/map.png", "plots/map.svg"))
    return NOT_MET if options.strict and not any(found.holds(cell) for cell in found) else DONE


def _axis(text: str, option: str) -> Axis:
    from sim.studies.ranges import axis

    try:
        return axis(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def map_data(found: Map, folder: Path) -> dict[str, Any]:
    """The map as data."""
    from sim.text.map import answer

    return {
        "file": str(found.scenario.path),
        "scenario": found.scenario.scenario,
        "variant": found.scenario.variant,
        "hash": found.scenario.hash,
        "seed": found.scenario.run.seed,
        "per": found.per,
        "wanted_share": found.wanted,
        "x": _axis_data(found.x, found.present[0]),
        "y": _axis_data(found.y, found.present[1]),
        "cells": [
            {"x": found.x.values[column], "y": found.y.values[row], **_cell_data(found, cell)}
            for row, cells in enumerate(found.cells)
            for column, cell in enumerate(cells)
        ],
        "answer": answer(found),
        "folder": str(folder),
    }


def _axis_data(axis: Axis, present: float | None) -> dict[str, Any]:
    return {"path": axis.path, "unit": axis.unit, "values": list(axis.values), "present_place": present}


def _cell_data(found: Map, cell: Cell) -> dict[str, Any]:
    return {
        "replications": cell.replications,
        "judged": cell.judged,
        "share": cell.share.value,
        "low": cell.share.low,
        "high": cell.share.high,
        "holds": found.holds(cell),
        "verdict": cell.verdict,
        "first_to_fail": cell.first,
        "targets": {
            one.name: {
                "value": one.in_unit(one.value),
                "low": one.in_unit(one.low),
                "high": one.in_unit(one.high),
                "unit": one.unit,
                "verdict": one.verdict,
                "held_share": held,
            }
            for one, held in zip(cell.targets, cell.held, strict=True)
        },
    }
