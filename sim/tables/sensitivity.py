"""The tables of a study of sensitivity: effects, the share of the ranges that holds, turns, and every point."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sim.tables.declared import Column, Family, Table, number, text, whole, yes
from sim.tables.figures import estimate_columns, of, per_target

if TYPE_CHECKING:
    from sim.measures.estimates import Estimate, Verdict
    from sim.studies.effects import Effects
    from sim.studies.sensitivity import Along, PointOutcome, SensitivityFound, Turn, Unknown

TOGETHER: Final = "all together"
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
        text("effect_on", lambda row: row.on, f"the result: `{TOGETHER}`, or the margin of a target"),
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
    def unknown(self) -> Unknown:
        return self.along.unknown

    @property
    def holds(self) -> str:
        if self.turn is not None:
            return "below" if self.turn.holds_below else "above"
        return "everywhere" if all(self.along.holds_at_ends) else "nowhere"


def _turn(row: OfTurn) -> Turn | None:
    return row.turn


TURNS: Final = Table[OfTurn](
    "sensitivity_turns",
    "an unknown: the value at which the verdict turns, the others as in the scenario",
    "Where the verdict turns along each range",
    (
        text("range", lambda row: row.unknown.path, "the path of the unknown"),
        text("unit", lambda row: {"%": "share", "": "number"}.get(row.unknown.unit, row.unknown.unit), "of the values"),
        number("from_in_unit", "", lambda row: row.unknown.range.from_, "the lower end of the range"),
        number("to_in_unit", "", lambda row: row.unknown.range.to, "its upper end"),
        number("present_in_unit", "", lambda row: row.present, "what the file says"),
        text("turns", lambda row: "yes" if row.turn else "never", "whether the verdict turns within the range"),
        number("turns_at_in_unit", "", of(_turn, lambda turn: turn.value), "half way between the next two"),
        number("turns_above_in_unit", "", of(_turn, lambda turn: turn.below), "the last value before it turns"),
        number("turns_below_in_unit", "", of(_turn, lambda turn: turn.above), "the first value after"),
        text("holds", lambda row: row.holds, "where all targets hold: below, above, everywhere or nowhere"),
        text("first_to_fail", of(_turn, lambda turn: turn.first), "the target that fails first on the other side"),
    ),
)


@dataclass(frozen=True, slots=True)
class PointRow:
    """A point of the design."""

    row: int
    name: str
    outcome: PointOutcome
    unknowns: tuple[Unknown, ...]


def _values(rows: Sequence[PointRow]) -> Iterable[Column[PointRow]]:
    for i, unknown in enumerate(rows[0].unknowns if rows else ()):

        def value(row: PointRow, i: int = i, whole: bool = unknown.range.whole) -> float | int:
            return int(row.outcome.numbers[i]) if whole else row.outcome.numbers[i]

        yield number(unknown.column, "", value, "the value of the unknown")


def _possible(row: PointRow) -> PointOutcome | None:
    return row.outcome if row.outcome.possible else None


POINTS: Final = Table[PointRow](
    "sensitivity_points",
    "a point of the ranges that was run",
    "The points that were run",
    (
        whole("row", "", lambda row: row.row, "of the design, from 0"),
        text("point", lambda row: row.name, "`a` and `b` are spread over the ranges; the others mix them"),
        Family("<path of an unknown>", "its value, in the unit of the head", _values),
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
    yield from _ranked(found, TOGETHER, found.together)
    for name, one in found.each.items():
        yield from _ranked(found, f"margin of {name}", one)


def _ranked(found: SensitivityFound, on: str, effect: Effects) -> Iterator[OfRange]:
    """The ranges by their total effect on one result, the one that matters most first."""
    totals = [one.value for one in effect.total]
    order = sorted(range(len(totals)), key=lambda i: (-totals[i] if effect.known else 0.0, i))
    for rank, i in enumerate(order, start=1):
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
