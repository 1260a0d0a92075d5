"""The tables of what values of paths do: a plausibility map cell by cell; sensitivity, its effects, turns and points; a
runway year by year, with the staff of the years to come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sim.measures.estimates import by_size
from sim.studies.ranges import column
from sim.studies.runway import Course
from sim.tables.declared import (
    Column,
    Family,
    Table,
    estimate_columns,
    for_each,
    number,
    of,
    of_unknowns,
    people_at_posts,
    per_target,
    range_unit,
    text,
    whole,
    yes,
)

if TYPE_CHECKING:
    from sim.measures.estimates import Estimate, Verdict
    from sim.studies.effects import Effects
    from sim.studies.map import Cell, MapFound
    from sim.studies.ranges import Axis
    from sim.studies.runway import GrowthYear, Needs, RunwayFound
    from sim.studies.sensitivity import Along, PlausibleRange, PointOutcome, SensitivityFound, Turn


# A map


@dataclass(frozen=True, slots=True)
class MapPlace:
    """A cell where it stands in its map."""

    found: MapFound
    row: int
    column: int

    @property
    def cell(self) -> Cell:
        return self.found.cells[self.row][self.column]


def _value(axis: Axis, at: int) -> float | int | str:
    """A value of an axis in the unit of its column."""
    if not axis.numbers or isinstance(axis.values[at], int):
        return axis.values[at]
    return axis.numbers[at]


def _of_axes(rows: Sequence[MapPlace]) -> Iterable[Column[MapPlace]]:
    if rows:
        x, y = rows[0].found.x, rows[0].found.y
        yield number(x.column, "", lambda row: _value(x, row.column), "the value of the first range")
        yield number(y.column, "", lambda row: _value(y, row.row), "the value of the second range")


def _judged(rows: Sequence[MapPlace]) -> Iterable[Column[MapPlace]]:
    if rows:
        yield whole(f"judged_{rows[0].found.per}s", "", lambda row: row.cell.judged, "periods with something to judge")


def _held(target: str) -> Column[MapPlace]:
    def share(row: MapPlace) -> float | None:
        told = zip(row.cell.targets, row.cell.held, strict=True)
        return next((held for one, held in told if one.name == target), None)

    return number(f"{target}_held", "share", share, "periods in which it held")


CELLS: Final = Table[MapPlace](
    "map",
    "a cell: the share of runs or periods in which all targets hold, and which fails first",
    "The cells of the map",
    (
        Family("<path of x>, <path of y>", "the values of the two ranges, in the units of their heads", _of_axes),
        whole("replications", "", lambda row: row.cell.replications, "that were run; 0 of an inferred cell"),
        Family("judged_<period>s", "periods with something to judge", _judged),
        *estimate_columns("all_held", "share", lambda row: row.cell.share, "periods in which all targets hold"),
        yes("holds", lambda row: row.found.holds(row.cell), "whether that is the wanted share or more"),
        text("verdict", lambda row: row.cell.verdict, "on all targets together"),
        text("first_to_fail", lambda row: row.cell.first, "the target that holds in the fewest periods"),
        yes("inferred", lambda row: row.cell.inferred, "whether it was not run: as the cells on either side of it"),
        per_target(lambda row: row.cell.targets, interval=False, also=_held),
    ),
)


def cells(found: MapFound) -> Iterator[MapPlace]:
    """Every cell, row by row of y."""
    return (MapPlace(found, row, column) for row in range(len(found.y)) for column in range(len(found.x)))


# Sensitivity


ALL_TOGETHER: Final = "all together"
"""What the effects on whether all targets hold stand under."""


@dataclass(frozen=True, slots=True)
class OfRange:
    """The effects of one range on one result."""

    on: str
    path: str
    rank: int | None
    """From 1 for the range that matters most; None where no result varied."""
    first: Estimate
    total: Estimate
    rows: int


EFFECTS: Final = Table[OfRange](
    "sensitivity",
    "a result and an unknown: its effects with intervals",
    "Effects of each unknown",
    (
        text("effect_on", lambda row: row.on, f"the result: `{ALL_TOGETHER}`, or the margin of a target"),
        text("range", lambda row: row.path, "the path of the unknown"),
        whole("rank", "", lambda row: row.rank, "by its total effect on that result, from 1"),
        *estimate_columns("first_order", "share", lambda row: row.first, "of the variance, by itself"),
        *estimate_columns("total", "share", lambda row: row.total, "of the variance, with all that it does together"),
        whole("rows_used", "", lambda row: row.rows, "rows of the design that the effects come from"),
    ),
)


def _points(verdict: Verdict) -> Column[SensitivityFound]:
    return whole(
        f"{verdict}_points",
        "",
        lambda row: sum(one.verdict == verdict for one in row.sampled),
        f"points at which all targets together are {verdict}",
    )


SHARE: Final = Table["SensitivityFound"](
    "sensitivity_share",
    "the share of the ranges in which all targets hold",
    "The share of the ranges in which all targets hold",
    (
        *estimate_columns("holding", "share", lambda row: row.share, "of the ranges, in which all targets hold"),
        whole("points", "", lambda row: len(row.sampled), "points that are spread over the ranges"),
        whole("impossible_points", "", lambda row: row.n_impossible, "points that the document does not allow"),
        *(_points(verdict) for verdict in ("met", "undecided", "missed")),
        whole("replications", "", lambda row: row.replications, "of a point"),
    ),
)


@dataclass(frozen=True, slots=True)
class OfTurn:
    """A turn of the verdict along one range, or that none turns it."""

    along: Along
    present: float | None
    turn: Turn | None

    @property
    def unknown(self) -> PlausibleRange:
        return self.along.unknown

    @property
    def holds(self) -> str:
        if self.turn is not None:
            return "below" if self.turn.holds_below else "above"
        return "everywhere" if all(self.along.holds_at_ends) else "nowhere"


TURNS: Final = Table[OfTurn](
    "sensitivity_turns",
    "an unknown: the value at which the verdict turns, the others as in the scenario",
    "Where the verdict turns along each range",
    (
        text("range", lambda row: row.unknown.path, "the path of the unknown"),
        range_unit(lambda row: row.unknown.range),
        number("from_in_unit", "", lambda row: row.unknown.range.from_, "the lower end of the range"),
        number("to_in_unit", "", lambda row: row.unknown.range.to, "its upper end"),
        number("present_in_unit", "", lambda row: row.present, "what the file says"),
        text("turns", lambda row: "yes" if row.turn else "never", "whether the verdict turns within the range"),
        number(
            "turns_at_in_unit", "", of(lambda row: row.turn, lambda turn: turn.value), "half way between the next two"
        ),
        number(
            "turns_above_in_unit",
            "",
            of(lambda row: row.turn, lambda turn: turn.below),
            "the last value before it turns",
        ),
        number("turns_below_in_unit", "", of(lambda row: row.turn, lambda turn: turn.above), "the first value after"),
        text("holds", lambda row: row.holds, "where all targets hold: below, above, everywhere or nowhere"),
        text(
            "first_to_fail",
            of(lambda row: row.turn, lambda turn: turn.first),
            "the target that fails first on the other side",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class PointRow:
    """A point of the design."""

    row: int
    name: str
    outcome: PointOutcome
    unknowns: tuple[PlausibleRange, ...]


def _possible(row: PointRow) -> PointOutcome | None:
    return row.outcome if row.outcome.possible else None


POINTS: Final = Table[PointRow](
    "sensitivity_points",
    "a point of the ranges that was run",
    "The points that were run",
    (
        whole("row", "", lambda row: row.row, "of the design, from 0"),
        text("point", lambda row: row.name, "`a` and `b` are spread over the ranges; the others mix them"),
        of_unknowns(lambda row: row.unknowns, lambda row: row.outcome.numbers),
        whole("replications", "", lambda row: row.outcome.replications, "0 where the document does not allow it"),
        yes("holds", of(_possible, lambda one: one.holds), "whether every target is on its good side"),
        number("all_held", "share", lambda row: row.outcome.held, "runs in which all targets hold"),
        text("verdict", of(_possible, lambda one: one.verdict), "on all targets together"),
        text("first_to_fail", lambda row: row.outcome.first, "the target that uses up most of what it allows"),
        per_target(lambda row: row.outcome.targets, interval=False, verdict=False),
    ),
)


def effects(found: SensitivityFound) -> Iterator[OfRange]:
    """The effects on whether all targets hold, then on the margin of each."""
    yield from _ranked(found, ALL_TOGETHER, found.together)
    for name, one in found.each.items():
        yield from _ranked(found, f"margin of {name}", one)


def _ranked(found: SensitivityFound, on: str, effect: Effects) -> Iterator[OfRange]:
    """The ranges by their total effect on one result, the one that matters most first."""
    for rank, i in enumerate(by_size(effect.total), start=1):
        own = rank if effect.known else None
        yield OfRange(on, found.unknowns[i].path, own, effect.first[i], effect.total[i], effect.rows)


def turns(found: SensitivityFound) -> Iterator[OfTurn]:
    """The turns along each range, the others at their present values; one row too where none turns it."""
    for along, present in zip(found.along, found.present, strict=True):
        for turn in along.turns or (None,):
            yield OfTurn(along, present, turn)


def points(found: SensitivityFound) -> Iterator[PointRow]:
    """Every point of the design, row by row."""
    names = ["a", "b", *(f"a with {unknown.path} of b" for unknown in found.unknowns)]
    for number_, row in enumerate(found.outcomes):
        for name, outcome in zip(names, row, strict=True):
            yield PointRow(number_, name, outcome, found.unknowns)


# A runway


@dataclass(frozen=True, slots=True)
class OfYear:
    """A year at a rate of growth."""

    growth: float
    year: GrowthYear
    unit: str
    """Of its volume, as the file writes it."""

    @property
    def volume(self) -> float:
        return self.year.volume


_VOLUME: Final[Family[Any]] = for_each(
    "volume_per_<unit>",
    "the tips that come",
    lambda row: [row.unit],
    lambda unit: [number(f"volume{column('', unit)}", "", lambda row: row.volume, "the tips that come")],
)
"""The volume of a year or of the staff of one, in the unit of the file."""


YEARS: Final = Table[OfYear](
    "runway",
    "a year at a growth rate",
    "Each year of growth",
    (
        number("growth", "share_a_year", lambda row: row.growth, "the rate"),
        number("year", "years", lambda row: row.year.year, "from now, 0 for the volume of the file"),
        _VOLUME,
        whole("replications", "", lambda row: row.year.replications, "that were run"),
        text("verdict", lambda row: row.year.verdict, "on all targets together"),
        *estimate_columns("all_held", "share", lambda row: row.year.held, "runs in which all targets hold"),
        text("first_to_fail", lambda row: row.year.first, "the target that uses up most of what it allows"),
        per_target(lambda row: row.year.joint.results),
    ),
    run_with=("year", "growth"),
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
class YearStaff:
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


RUNWAY_STAFF: Final = Table[YearStaff](
    "runway_staff",
    "a year at a growth rate: the staff that it needs",
    "The staff that each year needs",
    (
        number("growth", "share_a_year", lambda row: row.growth, "the rate; empty for today"),
        whole("year", "years", lambda row: row.year, "from now"),
        _VOLUME,
        text(
            "found", lambda row: row.found, "`now` for the staff there is, `yes` for one found, else why there is none"
        ),
        number("fte", "", lambda row: row.fte, "full-time equivalents, overtime apart"),
        people_at_posts(lambda row: row.paths, lambda row: row.people),
    ),
)


def years(found: RunwayFound) -> Iterator[OfYear]:
    """Every year that was run."""
    return (OfYear(course.growth, year, found.unit) for course in found.courses for year in course.every)


def people(found: RunwayFound, needs: Needs) -> Iterator[YearStaff]:
    """The present staff, what today needs, and what the years to come need."""
    paths, now = tuple(needs.now), found.courses[0].years[0].volume
    yield YearStaff(None, 0, now, found.unit, "now", needs.full_time_now, needs.now, paths)
    for one in needs.years:
        growth = one.growth if one.year else None
        yield YearStaff(
            growth, one.year, one.volume, found.unit, one.answer.why or "yes", one.full_time, one.people, paths
        )
