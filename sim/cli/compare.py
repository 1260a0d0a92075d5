"""The command `compare`: several files or variants on the same tips, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sim.cli.options import DONE, NOT_MET, SOME_FAILED, Files, Options, print_data, say

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario
    from sim.studies.compare import Change, Comparison, Contender


def compare(files: Files, options: Options) -> int:
    """Compare files, or a file with its variants, on the same tips: what matters, and what is noise.

    The first file as it stands is the base. One file without --variant is compared with all its variants.
    """
    from sim.cli.studying import noted, shown_below, study
    from sim.plots.comparison import comparison
    from sim.plots.style import save
    from sim.studies import compare as studies
    from sim.studies.frames import write_csv
    from sim.studies.trials import TrialError
    from sim.text.compare import answer, show_comparison

    scenarios = list(_scenarios(files, options))
    if len(scenarios) < 2:
        raise typer.BadParameter("there is nothing to compare: give several files, or one that has variants")
    base = scenarios[0][1]
    try:
        with study("compare", base, options) as under_way:
            under_way.expect(len(scenarios) * base.run.replications)
            found = studies.compare(scenarios, under_way.trials)
            folder = under_way.folder
            write_csv(folder / "compare.csv", studies.table(found))
            (folder / "plots").mkdir(exist_ok=True)
            save(comparison(found), folder / "plots", "compare")
    except TrialError as error:
        say(f"tipline compare: {error}")
        return SOME_FAILED
    told = noted("compare", base, comparison_data(found, folder), folder)
    if options.json:
        print_data([told], files[:1])
    elif not options.quiet:
        show_comparison(found)
        shown_below(answer(found), folder, ("compare.csv", "plots/compare.png", "plots/compare.svg"))
    return NOT_MET if options.strict and any(one.joint.verdict != "met" for one in found.contenders) else DONE


def _scenarios(files: list[Path], options: Options) -> Iterator[tuple[str, Scenario]]:
    """Every scenario with its label: each file as it stands, then with each variant."""
    from sim.scenario.loading import read

    plain = replace(options, variant=[])
    stems = [file.stem for file in files]
    for file, stem in zip(files, stems, strict=True):
        label = stem if stems.count(stem) == 1 else str(file)
        yield label, plain.load(file)
        variants = options.variant or (list(read(file).variants) if len(files) == 1 else [])
        for variant in dict.fromkeys(variants):
            yield variant if len(files) == 1 else f"{label}.{variant}", plain.load(file, variant)


def comparison_data(found: Comparison, folder: Path) -> dict[str, Any]:
    """The comparison as data."""
    from sim.text.compare import answer

    return {
        "file": str(found.base.scenario.path),
        "base": found.base.label,
        "seed": found.seed,
        "replications": found.replications,
        "confidence": found.confidence,
        "scenarios": {one.label: _contender_data(one) for one in found.contenders},
        "differences": {
            one.label: {change.target: _change_data(change, found) for change in found.of(one.label)}
            for one in found.contenders[1:]
        },
        "answer": answer(found),
        "folder": str(folder),
    }


def _contender_data(one: Contender) -> dict[str, Any]:
    return {
        "file": str(one.scenario.path),
        "variant": one.scenario.variant,
        "hash": one.scenario.hash,
        "targets": {
            name: {
                "value": result.in_unit(result.value),
                "low": result.in_unit(result.low),
                "high": result.in_unit(result.high),
                "threshold": result.in_unit(result.threshold),
                "unit": result.unit,
                "verdict": result.word,
            }
            for name, result in one.results.items()
        },
        "together": one.joint.word,
        "paid_hours_a_week": one.cost.paid_hours,
        "overtime_hours_a_week": one.cost.overtime_hours,
        "fte": one.cost.fte,
        "cost_a_week": one.cost.money,
    }


def _change_data(change: Change, found: Comparison) -> dict[str, Any]:
    scale = change.scale
    return {
        "difference": change.difference.value / scale,
        "low": change.difference.low / scale,
        "high": change.difference.high / scale,
        "unit": found.first(change.target).unit,
        "real": change.difference.real,
        "paired_over_unpaired": change.pairing,
        "paired_over_unpaired_by_tips": change.pairing_by_tips,
        "asks_otherwise": change.asks_otherwise,
    }
