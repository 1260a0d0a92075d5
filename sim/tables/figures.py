"""Columns that several tables have alike: what a target came to, what it asks, and shares with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sim.tables.declared import Column, Family, number, text, whole

if TYPE_CHECKING:
    from sim.measures.estimates import Estimate
    from sim.measures.targets import TargetResult

R = TypeVar("R")

WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def asked_columns(result: Callable[[R], TargetResult | None]) -> tuple[Column[R], ...]:
    """What a target asks: the unit of its figures, the time within which, the threshold."""
    return (
        text("unit", of(result, lambda one: one.unit), "of threshold, value and interval: share, or min"),
        number("within", "min", of(result, lambda one: one.within_minutes), "the time in which a share is asked for"),
        number("threshold", "", of(result, lambda one: one.in_unit(one.threshold)), "what is asked, in the unit"),
    )


def came_columns(result: Callable[[R], TargetResult | None], before: str = "") -> tuple[Column[R], ...]:
    """What a target came to, in its unit, and the verdict; heads begin with `before`."""
    return (
        number(f"{before}value", "", of(result, lambda one: one.in_unit(one.value)), "what it came to, in the unit"),
        number(f"{before}low", "", of(result, lambda one: one.in_unit(one.low)), "the lower end of its interval"),
        number(f"{before}high", "", of(result, lambda one: one.in_unit(one.high)), "the upper end of its interval"),
        text(f"{before}verdict", of(result, lambda one: one.word), "met, missed or undecided; kept or broken"),
    )


def estimate_columns(name: str, unit: str, get: Callable[[R], Estimate], says: str) -> tuple[Column[R], ...]:
    """An estimate with its interval: `<name>`, `<name>_low`, `<name>_high`."""
    return (
        number(name, unit, lambda row: get(row).value, says),
        number(f"{name}_low", unit, lambda row: get(row).low, "the lower end of its interval"),
        number(f"{name}_high", unit, lambda row: get(row).high, "the upper end of its interval"),
    )


def hour_columns(hour: Callable[[R], int]) -> tuple[Column[R], ...]:
    """Which hour of the week it is."""
    return (
        whole("hour_of_week", "h", hour, "from 0, Monday at midnight"),
        text("weekday", lambda row: WEEKDAYS[hour(row) // 24], "Mon to Sun"),
        whole("hour", "h", lambda row: hour(row) % 24, "of the day"),
    )


def per_target(
    results: Callable[[R], Sequence[TargetResult]],
    *,
    interval: bool = True,
    verdict: bool = True,
    also: Callable[[str], Column[R]] | None = None,
) -> Family[R]:
    """For each target what it came to in a row: `<target>_<unit>`, with its interval, and `<target>_verdict`.

    `also` gives one column more of each target. Cells stay empty in a row that has no such target.
    """

    def columns(rows: Sequence[R]) -> Iterable[Column[R]]:
        units = {one.name: one.unit for row in rows for one in results(row)}
        for name, unit in units.items():
            mine = _named(results, name)
            yield number(name, unit, of(mine, lambda one: one.in_unit(one.value)), "what the target came to")
            if interval:
                yield number(f"{name}_low", unit, of(mine, lambda one: one.in_unit(one.low)), "its lower end")
                yield number(f"{name}_high", unit, of(mine, lambda one: one.in_unit(one.high)), "its upper end")
            if verdict:
                yield text(f"{name}_verdict", of(mine, lambda one: one.word), "its verdict")
            if also is not None:
                yield also(name)

    heads = ["<target>_<unit>"]
    heads += ["<target>_low_<unit>", "<target>_high_<unit>"] if interval else []
    heads += ["<target>_verdict"] if verdict else []
    heads += [also("<target>").head] if also is not None else []
    return Family(", ".join(heads), "what each target came to", columns)


def of(get: Callable[[R], Any], then: Callable[[Any], Any]) -> Callable[[R], Any]:
    """What `then` says of what `get` gives; None where that is None."""

    def cell(row: R) -> Any:
        found = get(row)
        return None if found is None else then(found)

    return cell


def _named(results: Callable[[R], Sequence[TargetResult]], name: str) -> Callable[[R], TargetResult | None]:
    return lambda row: next((one for one in results(row) if one.name == name), None)
