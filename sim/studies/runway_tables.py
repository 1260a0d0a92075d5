"""A runway as tables: the years that each rate leaves, every year that was run, and the staff of years to come."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.studies.ranges import column

if TYPE_CHECKING:
    from sim.studies.runway import Course, Runway, Year
    from sim.studies.runway_staff import Needs


def years(found: Runway) -> pd.DataFrame:
    """One row a rate and year that was run: its volume, the verdict, and what every target came to."""
    rows = [
        {"growth_share_a_year": course.growth, "year_years": year.year, **_year(found, year)}
        for course in found.courses
        for year in course.every
    ]
    return pd.DataFrame(rows)


def lengths(found: Runway) -> pd.DataFrame:
    """One row a rate: the last year that is met, the first that is open or missed, and the first that is missed."""
    return pd.DataFrame([_length(course) for course in found.courses])


def staff(found: Runway, needs: Needs) -> pd.DataFrame:
    """One row for the present staff, one for what today needs, and one a rate and year to come: people at every post.

    Posts go by the path of the document.
    """
    volume = f"volume{column('', found.unit)}"
    now = found.courses[0].years[0].volume
    first = {"growth_share_a_year": math.nan, "year_years": 0, volume: now, "found": "now"}
    rows = [first | {"fte": needs.full_time_now} | needs.now]
    for one in needs.years:
        rows.append(
            {
                "growth_share_a_year": one.growth if one.year else math.nan,
                "year_years": one.year,
                volume: one.volume,
                "found": one.answer.why or "yes",
                "fte": one.full_time,
                **{path: one.people.get(path) for path in needs.now},
            }
        )
    frame = pd.DataFrame(rows)
    people = list(needs.now)
    frame[people] = frame[people].astype("Int64")
    return frame.rename(columns={path: f"{path}_people" for path in people})


def _length(course: Course) -> dict[str, Any]:
    met, opened, missed = course.met_until, course.open_from, course.missed_from
    return {
        "growth_share_a_year": course.growth,
        "met_until_years": math.nan if met is None else met.year,
        "open_or_missed_from_years": math.nan if opened is None else opened.year,
        "missed_from_years": math.nan if missed is None else missed.year,
        "looked_until_years": course.every[-1].year,
        "first_to_fail": missed.first if missed else opened.first if opened else None,
    }


def _year(found: Runway, year: Year) -> dict[str, Any]:
    row: dict[str, Any] = {
        f"volume{column('', found.unit)}": year.volume,
        "replications": year.replications,
        "verdict": year.verdict,
        "all_held_share": year.held.value,
        "all_held_low_share": year.held.low,
        "all_held_high_share": year.held.high,
        "first_to_fail": year.first,
    }
    for one in year.joint.results:
        row[f"{one.name}_{one.unit}"] = one.in_unit(one.value)
        row[f"{one.name}_low_{one.unit}"] = one.in_unit(one.low)
        row[f"{one.name}_high_{one.unit}"] = one.in_unit(one.high)
        row[f"{one.name}_verdict"] = one.verdict
    return row
