"""The command `sensitivity`: which plausible range decides the verdict, and in how much of them the targets hold."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.options import BAD_INPUT, DONE, NOT_MET, SOME_FAILED, File, Options, print_data, say

if TYPE_CHECKING:
    from sim.studies.effects import Effects
    from sim.studies.sensitivity import Sensitivity

FEW = 4
"""Replications of a point, unless another number is asked for: points tell more than replications do."""


def sensitivity(
    file: File,
    options: Options,
    points: Annotated[
        int, typer.Option(min=4, max=65536, metavar="N", help="Rows of the design, up to a power of 2.")
    ] = 64,
    with_staff: Annotated[bool, typer.Option("--with-staff", help="Take ranges of staff in, too.")] = False,
) -> int:
    """Find which plausible range decides the verdict, and in how much of the ranges all targets hold.

    Runs N x (ranges + 2) points of the ranges under `plausible:` on the same tips, 4 replications each unless
    --replications says otherwise, and looks along each range for the value at which the verdict turns: there with all
    replications of the scenario, where few do not decide.
    """
    from sim.cli.studying import noted, shown_below, study
    from sim.plots.sensitivity import write_sensitivity
    from sim.studies import sensitivity_tables as tables
    from sim.studies.frames import write_csv
    from sim.studies.sensitivity import sensitivity as studied
    from sim.studies.trials import TrialError
    from sim.studies.unknowns import Box
    from sim.text.sensitivity import answer

    scenario = options.load(file)
    replications = options.replications or min(FEW, scenario.run.replications)
    try:
        box = Box(scenario, replications, with_staff=with_staff)
    except ValueError as error:
        say(f"tipline sensitivity: {file}: {error}")
        return BAD_INPUT
    try:
        with study("sensitivity", scenario, options) as under_way:
            found = studied(box, under_way.trials, n_rows=points, expect=under_way.expect)
            folder = under_way.folder
            write_csv(folder / "sensitivity.csv", tables.effects(found))
            write_csv(folder / "sensitivity_share.csv", tables.share(found))
            write_csv(folder / "sensitivity_turns.csv", tables.turns(found))
            write_csv(folder / "sensitivity_points.csv", tables.points(found))
            plots = write_sensitivity(found, folder / "plots")
    except TrialError as error:
        say(f"tipline sensitivity: {error}")
        return SOME_FAILED
    told = noted("sensitivity", scenario, sensitivity_data(found, folder), folder)
    if options.json:
        print_data([told], [file])
    elif not options.quiet:
        names = [f"sensitivity{part}.csv" for part in ("", "_share", "_turns", "_points")]
        shown_below(answer(found), folder, (*names, *(f"plots/{path.name}" for path in plots)))
    return NOT_MET if options.strict and not all(one.holds for one in found.every) else DONE


def sensitivity_data(found: Sensitivity, folder: Path) -> dict[str, Any]:
    """The study as data."""
    from sim.text.sensitivity import answer

    return {
        "file": str(found.scenario.path),
        "scenario": found.scenario.scenario,
        "variant": found.scenario.variant,
        "hash": found.scenario.hash,
        "seed": found.scenario.run.seed,
        "rows": found.n_rows,
        "replications": found.replications,
        "scenarios_run": found.n_run,
        "impossible_points": found.n_impossible,
        "share": {"value": found.share.value, "low": found.share.low, "high": found.share.high},
        "verdict_changes": found.changes,
        "binding": found.binding,
        "ranked": [found.unknowns[i].path for i in found.ranked] if found.deciding.known else [],
        "effects": {
            "all_together": _effects_data(found, found.together),
            "margins": {name: _effects_data(found, one) for name, one in found.each.items()},
        },
        "turns": {
            along.unknown.path: {
                "unit": along.unknown.unit,
                "holds_at_ends": list(along.holds_at_ends),
                "at": [
                    {
                        "value": turn.value,
                        "holds": "below" if turn.holds_below else "above",
                        "first_to_fail": turn.first,
                    }
                    for turn in along.turns
                ],
            }
            for along in found.along
        },
        "answer": answer(found),
        "folder": str(folder),
    }


def _effects_data(found: Sensitivity, effects: Effects) -> dict[str, Any]:
    return {
        unknown.path: {
            "first_order": {"value": first.value, "low": first.low, "high": first.high},
            "total": {"value": total.value, "low": total.low, "high": total.high},
        }
        for unknown, first, total in zip(found.unknowns, effects.first, effects.total, strict=True)
    }
