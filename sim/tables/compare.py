"""The table of a comparison: every target in every scenario, its difference from the base, and what it all costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sim.tables.declared import Column, Table, asked_columns, came_columns, number, of, text, yes

if TYPE_CHECKING:
    from sim.measures.targets import TargetResult
    from sim.studies.compare import Contender, SideBySide, TargetChange

NO_TARGET: Final = "no such target"
"""What stands for the verdict where a scenario lacks a target."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A target in one of the scenarios."""

    one: Contender
    target: str
    result: TargetResult | None
    """None where the scenario has no such target."""
    change: TargetChange | None
    """None for the base, and where the base has no such target or one of another kind."""


def _difference(name: str, says: str, get: Callable[[TargetChange], float]) -> Column[Compared]:
    return number(name, "", of(lambda row: row.change, lambda one: get(one) / one.scale), says)


COMPARED: Final = Table[Compared](
    "compare",
    "a target in a scenario: its value, and the paired difference from the base with its interval",
    "Every target in every scenario",
    (
        text("scenario", lambda row: row.one.label, "a file, or a variant of one"),
        text("target", lambda row: row.target, "its name in the document"),
        *asked_columns(lambda row: row.result),
        *came_columns(lambda row: row.result)[:3],
        text("verdict", lambda row: row.result.verdict if row.result else NO_TARGET, "met, missed or undecided"),
        _difference("difference", "from the base, in the unit", lambda one: one.difference.value),
        _difference("difference_low", "the lower end of its interval", lambda one: one.difference.low),
        _difference("difference_high", "the upper end; all hold at once", lambda one: one.difference.high),
        yes("real", of(lambda row: row.change, lambda one: one.difference.real), "whether that is more than noise"),
        number(
            "paired_over_unpaired",
            "",
            of(lambda row: row.change, lambda one: one.pairing),
            "width of the interval over that of runs on tips of their own",
        ),
        number(
            "paired_over_unpaired_by_tips",
            "",
            of(lambda row: row.change, lambda one: one.pairing_by_tips),
            "what that would be if tips fared independently",
        ),
        yes(
            "asks_otherwise",
            of(lambda row: row.change, lambda one: one.asks_otherwise),
            "whether it asks something else there",
        ),
        text("together", lambda row: row.one.joint.word, "the verdict on all targets of the scenario"),
        number("paid", "h_a_week", lambda row: row.one.cost.paid_hours, "in all pools, overtime included"),
        number("overtime", "h_a_week", lambda row: row.one.cost.overtime_hours, "hours after the end of shifts"),
        number("fte", "", lambda row: row.one.cost.fte, "full-time equivalents"),
        number("cost_a_week", "", lambda row: row.one.cost.money, "paid hours times the prices"),
    ),
)


def compared(found: SideBySide) -> Iterator[Compared]:
    """Every scenario, target by target."""
    changes = {(change.label, change.target): change for change in found.changes}
    for one in found.contenders:
        for name in found.targets:
            yield Compared(one, name, one.results.get(name), changes.get((one.label, name)))
