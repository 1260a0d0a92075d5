"""The tables of a runway: the years that each rate leaves, every year that was run, and the staff of years to come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from sim.studies.ranges import column
from sim.studies.runway import Course
from sim.tables.declared import Column, Family, Table, number, text, whole
from sim.tables.figures import estimate_columns, per_target

if TYPE_CHECKING:
    from sim.studies.runway import RunwayFound, Year
    from sim.studies.runway_staff import Needs


class HasVolume(Protocol):
    """What has a volume in a unit."""

    @property
    def volume(self) -> float: ...
    @property
    def unit(self) -> str: ...


Y = TypeVar("Y", bound=HasVolume)


@dataclass(frozen=True, slots=True)
class OfYear:
    """A year at a rate of growth."""

    growth: float
    year: Year
    unit: str
    """Of its volume, as the file writes it."""

    @property
    def volume(self) -> float:
        return self.year.volume


def _volume(rows: Sequence[Y]) -> Iterable[Column[Y]]:
    if rows:
        yield number(f"volume{column('', rows[0].unit)}", "", lambda row: row.volume, "the tips that come")


YEARS: Final = Table[OfYear](
    "runway",
    "a year at a growth rate",
    "Each year of growth",
    (
        number("growth", "share_a_year", lambda row: row.growth, "the rate"),
        number("year", "years", lambda row: row.year.year, "from now, 0 for the volume of the file"),
        Family("volume_per_<unit>", "the tips that come", _volume),
        whole("replications", "", lambda row: row.year.replications, "that were run"),
        text("verdict", lambda row: row.year.verdict, "on all targets together"),
        *estimate_columns("all_held", "share", lambda row: row.year.held, "runs in which all targets hold"),
        text("first_to_fail", lambda row: row.year.first, "the target that uses up most of what it allows"),
        per_target(lambda row: row.year.joint.results),
    ),
)

LENGTHS: Final = Table[Course](
    "runway_lengths",
    "a growth rate: the years until a target is first missed",
    "Years until a target is first missed",
    (
        number("growth", "share_a_year", lambda row: row.growth, "the rate"),
        number("met_until", "years", lambda row: row.met_until and row.met_until.year, "the last year that is met"),
        number(
            "open_or_missed_from", "years", lambda row: row.open_from and row.open_from.year, "the first that is not"
        ),
        number(
            "missed_from", "years", lambda row: row.missed_from and row.missed_from.year, "the first that is missed"
        ),
        number("looked_until", "years", lambda row: row.every[-1].year, "the last year that was run"),
        text("first_to_fail", lambda row: row.first_to_fail, "the target that fails first then"),
    ),
)


@dataclass(frozen=True, slots=True)
class People:
    """The staff of a year."""

    growth: float | None
    year: int
    volume: float
    unit: str
    found: str
    fte: float
    people: dict[str, int]
    """By the path of each post."""
    paths: tuple[str, ...]


def _posts(rows: Sequence[People]) -> Iterable[Column[People]]:
    for path in rows[0].paths if rows else ():
        yield whole(f"{path}_people", "", lambda row, path=path: row.people.get(path), "people there")  # type: ignore[misc]


STAFF: Final = Table[People](
    "runway_staff",
    "a year at a growth rate: the staff that it needs",
    "The staff that each year needs",
    (
        number("growth", "share_a_year", lambda row: row.growth, "the rate; empty for today"),
        whole("year", "years", lambda row: row.year, "from now"),
        Family("volume_per_<unit>", "the tips that come", _volume),
        text(
            "found", lambda row: row.found, "`now` for the staff there is, `yes` for one found, else why there is none"
        ),
        number("fte", "", lambda row: row.fte, "full-time equivalents, overtime apart"),
        Family("<post>_people", "people at each post, by its path in the document", _posts),
    ),
)


def years(found: RunwayFound) -> Iterator[OfYear]:
    """Every year that was run."""
    return (OfYear(course.growth, year, found.unit) for course in found.courses for year in course.every)


def people(found: RunwayFound, needs: Needs) -> Iterator[People]:
    """The present staff, what today needs, and what the years to come need."""
    paths, now = tuple(needs.now), found.courses[0].years[0].volume
    yield People(None, 0, now, found.unit, "now", needs.full_time_now, needs.now, paths)
    for one in needs.years:
        growth = one.growth if one.year else None
        yield People(
            growth, one.year, one.volume, found.unit, one.answer.why or "yes", one.full_time, one.people, paths
        )
