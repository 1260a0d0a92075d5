"""The command `runway`: how many years of growth the staffing bears, and the staff that the years to come need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.options import BAD_INPUT, DONE, NOT_MET, SOME_FAILED, File, Options, print_data, say

if TYPE_CHECKING:
    from sim.studies.runway import Course, Runway
    from sim.studies.runway_staff import Needs


def runway(
    file: File,
    options: Options,
    growth: Annotated[
        str, typer.Option(metavar="A,B", help="Rates of growth a year.", show_default=True)
    ] = "15 %,20 %,25 %,40 %",
    years: Annotated[int, typer.Option(min=1, max=50, metavar="N", help="Look so many years ahead.")] = 10,
    staff_years: Annotated[
        int, typer.Option(min=0, max=50, metavar="N", help="Find the staff of so many years; 0 for none.")
    ] = 3,
) -> int:
    """Tell how many years of growth the present staffing bears, and the staff that each further year needs.

    The volume grows by each rate, year after year; a year is run as the file says, until one is missed.
    """
    from sim.cli.studying import noted, shown_below, study
    from sim.plots.runway import runway_years
    from sim.plots.style import save
    from sim.studies import runway_tables as tables
    from sim.studies.frames import write_csv
    from sim.studies.runway import Growing
    from sim.studies.runway import runway as looked
    from sim.studies.runway_staff import needs as searched
    from sim.studies.trials import TrialError
    from sim.text.runway import answer, show_staff

    scenario = options.load(file)
    rates = _rates(growth)
    try:
        growing = Growing(scenario)
    except ValueError as error:
        say(f"tipline runway: {file}: {error}")
        return BAD_INPUT
    try:
        with study("runway", scenario, options) as under_way:
            trials, expect, folder = under_way.trials, under_way.expect, under_way.folder
            found = looked(growing, rates, trials, most_years=years, expect=expect)
            needs = searched(growing, rates, min(staff_years, years), trials, expect=expect)
            write_csv(folder / "runway.csv", tables.years(found))
            write_csv(folder / "runway_lengths.csv", tables.lengths(found))
            write_csv(folder / "runway_staff.csv", tables.staff(found, needs))
            (folder / "plots").mkdir(exist_ok=True)
            save(runway_years(found), folder / "plots", "runway")
    except TrialError as error:
        say(f"tipline runway: {error}")
        return SOME_FAILED
    told = noted("runway", scenario, runway_data(found, needs, folder), folder)
    if options.json:
        print_data([told], [file])
    elif not options.quiet:
        show_staff(found, needs)
        names = ("runway.csv", "runway_lengths.csv", "runway_staff.csv", "plots/runway.png", "plots/runway.svg")
        shown_below(answer(found, needs), folder, names)
    return NOT_MET if options.strict and any(course.open_from for course in found.courses) else DONE


def _rates(text: str) -> list[float]:
    """The rates of growth that a text names, as shares a year."""
    from sim.scenario import units

    rates: list[float] = []
    for part in (part.strip() for part in text.split(",")):
        try:
            rate = units.growth(part if part.endswith("%") else float(part))
        except ValueError as error:
            raise typer.BadParameter(f"{error} (got '{part}')", param_hint="--growth") from None
        if rate <= 0 or rate in rates:
            rule = "a growth lies above 0 %" if rate <= 0 else "a growth is asked for twice"
            raise typer.BadParameter(f"{rule} (got '{part}')", param_hint="--growth")
        rates.append(rate)
    return rates


def runway_data(found: Runway, needs: Needs, folder: Path) -> dict[str, Any]:
    """The runway as data."""
    from sim.text.runway import answer

    return {
        "file": str(found.scenario.path),
        "scenario": found.scenario.scenario,
        "variant": found.scenario.variant,
        "hash": found.scenario.hash,
        "seed": found.scenario.run.seed,
        "volume_unit": found.unit,
        "growths": [_course_data(course) for course in found.courses],
        "staff": {
            "beyond_staff": list(needs.beyond_staff),
            "now": {"staffing": needs.now, "fte": needs.full_time_now},
            "years": [
                {
                    "growth": one.growth,
                    "year": one.year,
                    "volume": one.volume,
                    "staffing": one.people,
                    "fte": one.full_time,
                    "why_none": one.answer.why,
                }
                for one in needs.years
            ],
        },
        "answer": answer(found, needs),
        "folder": str(folder),
    }


def _course_data(course: Course) -> dict[str, Any]:
    met, opened, missed = course.met_until, course.open_from, course.missed_from
    return {
        "growth": course.growth,
        "met_until_years": None if met is None else met.year,
        "open_or_missed_from_years": None if opened is None else opened.year,
        "missed_from_years": None if missed is None else missed.year,
        "first_to_fail": missed.first if missed else opened.first if opened else None,
        "years": [
            {"year": one.year, "volume": one.volume, "verdict": one.verdict, "first_to_fail": one.first}
            for one in course.every
        ],
    }
