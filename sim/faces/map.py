"""The command `map`: where all targets hold over two ranges, as a table, a picture and a few sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sim.faces.options import DONE, NOT_MET, SOME_FAILED, File, Options, print_data, say

if TYPE_CHECKING:
    from sim.faces.paths import Wording
    from sim.studies.plausibility import Cell, Map
    from sim.studies.ranges import Axis

Range = Annotated[
    str, typer.Option(metavar="PATH=RANGE", help="Such as demand.volume=8000..60000/year:12.", show_default=False)
]


def map_(
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
    from sim.faces.plots.map import plausibility_map
    from sim.faces.plots.style import save
    from sim.faces.studying import finite, shown_below, study
    from sim.studies.frames import write_csv
    from sim.studies.map_table import table
    from sim.studies.plausibility import plausibility
    from sim.studies.trials import TrialError

    scenario = options.load(file)
    x_axis, y_axis = _axis(x, "--x"), _axis(y, "--y")
    try:
        with study("map", scenario, options) as under_way:
            found = plausibility(scenario, x_axis, y_axis, under_way.trials, per=per, expect=under_way.expect)
            folder = under_way.folder
            write_csv(folder / "map.csv", table(found))
            (folder / "plots").mkdir(exist_ok=True)
            save(plausibility_map(found), folder / "plots", "map")
    except TrialError as error:
        say(f"tipline map: {error}")
        return SOME_FAILED
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--x, --y") from None
    if options.json:
        print_data([finite(map_data(found, folder))], [file])
    elif not options.quiet:
        shown_below(answer(found), folder, ("map.csv", "plots/map.png", "plots/map.svg"))
    return NOT_MET if options.strict and not any(found.holds(cell) for cell in found) else DONE


def _axis(text: str, option: str) -> Axis:
    from sim.studies.ranges import axis

    try:
        return axis(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def answer(found: Map) -> list[str]:
    """What the map says, in sentences."""
    return list(_answer(found))


def finding(found: Map) -> str:
    """What the map says, in one sentence."""
    from sim.faces.words import percent

    n_cells, n_hold = len(list(found)), sum(found.holds(cell) for cell in found)
    wanted, periods = percent(found.wanted), _PERIODS[found.per]
    if not n_hold:
        best = max(found, key=lambda cell: (cell.share.value == cell.share.value, cell.share.value))
        return f"Nowhere here do all targets hold in {wanted} of the {periods}: at best in {percent(best.share.value)}"
    if n_hold == n_cells:
        return f"All targets hold everywhere here, in at least {wanted} of the {periods}"
    return f"All targets hold in at least {wanted} of the {periods} in {n_hold} of {n_cells} cells"


def wordings(found: Map) -> tuple[Wording, Wording]:
    """How the two ranges are spoken of."""
    from sim.faces.paths import wording

    x, y = (wording(found.scenario, axis.path, axis.unit) for axis in (found.x, found.y))
    return x, y


def failing_first(found: Map) -> list[tuple[str, int]]:
    """The targets that fail first where not all hold, and in how many cells, most first."""
    order = list(found.scenario.targets)
    many = Counter(cell.first for cell in found if not found.holds(cell) and cell.first is not None)
    return sorted(many.items(), key=lambda item: (-item[1], order.index(item[0])))


_PERIODS = {"run": "runs", "month": "months", "week": "weeks", "day": "days"}


def _answer(found: Map) -> Iterator[str]:
    yield f"{finding(found)}."
    if first := failing_first(found):
        yield "Where they do not, what fails first: " + ", ".join(f"{name} in {n} cells" for name, n in first) + "."
    x, y = wordings(found)
    column, row = found.nearest
    if column is not None and row is not None:
        cell = found.cells[row][column]
        on_grid = all(place == round(place) for place in found.present if place is not None)
        where = f"{x.value(_number(found.x, column))} and {y.value(_number(found.y, row))}"
        yield f"{'As it is' if on_grid else 'Nearest to what is'}, with {where}: {_cell_words(found, cell)}."
    if row is not None:
        along = [found.holds(cell) for cell in found.cells[row]]
        yield f"With {y.value(_number(found.y, row))}, all hold {_where(along, found.x, x)}."
    if column is not None:
        along = [found.holds(cells[column]) for cells in found.cells]
        yield f"With {x.value(_number(found.x, column))}, all hold {_where(along, found.y, y)}."


def _cell_words(found: Map, cell: Cell) -> str:
    from sim.faces.terminal import with_interval

    share = with_interval(cell.share.value, cell.share.low, cell.share.high)
    verdict = {"met": "met", "missed": "missed", "undecided": "undecided"}[cell.verdict]
    fails = f"; {cell.first} fails first" if not found.holds(cell) and cell.first else ""
    return f"together {verdict}, all hold in {share} of the {_PERIODS[found.per]}{fails}"


def _where(along: Sequence[bool], axis: Axis, words: Wording) -> str:
    """Along which values of a range all targets hold."""
    if not any(along):
        return "nowhere in the range"
    if all(along):
        return "in the whole range"
    parts = []
    for first, last in _stretches(along):
        least, most = (words.value(_number(axis, at)) for at in (first, last))
        if first == last:
            parts.append(f"with {least}")
        elif first == 0:
            parts.append(f"up to {most}")
        elif last == len(along) - 1:
            parts.append(f"from {least} on")
        else:
            parts.append(f"from {words.number(_number(axis, first))} to {most}")
    return " and ".join(parts)


def _stretches(along: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """First and last place of each run of places that hold."""
    begin = None
    for at, one in enumerate([*along, False]):
        if one and begin is None:
            begin = at
        elif not one and begin is not None:
            yield begin, at - 1
            begin = None


def _number(axis: Axis, at: int) -> float | str:
    return axis.numbers[at] if axis.numbers else str(axis.values[at])


def map_data(found: Map, folder: Path) -> dict[str, Any]:
    """The map as data."""
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
    from sim.studies.tables import in_unit

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
                "value": in_unit(one, one.value),
                "low": in_unit(one, one.low),
                "high": in_unit(one, one.high),
                "unit": "min" if one.kind == "mean" else "share",
                "verdict": one.verdict,
                "held_share": held,
            }
            for one, held in zip(cell.targets, cell.held, strict=True)
        },
    }
