"""What a comparison says: a table a target, what each scenario costs, and which changes matter, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from rich.text import Text

from sim.text import page
from sim.text.words import came_to, listed, percent, short, so_many, time_unit

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.studies.compare import Contender, SideBySide, TargetChange

_WEEK: Final = "week"


def parts(found: SideBySide) -> list[RenderableType]:
    """A table a target, and what each scenario costs."""
    base = found.base.scenario
    return [
        page.title(base.scenario, base.path),
        page.text(_on_what(found)),
        *(part for name in found.targets for part in _target(found, name)),
        page.heading("Cost, in an average week"),
        _costs(found),
    ]


def _on_what(found: SideBySide) -> str:
    if found.certain:
        return (
            f"Nothing is left to chance, so that each is run once. Differences from {found.base.label} in this period."
        )
    return (
        f"{so_many(found.replications, 'replication')} of each on the same tips, seed {found.seed}. Differences from "
        f"{found.base.label}, whose {percent(found.confidence)} intervals hold all at once."
    )


def answer(found: SideBySide) -> list[str]:
    """Which changes matter and which are noise, in sentences."""
    return [*(_of(found, one) for one in found.contenders[1:]), _together(found)]


def finding(found: SideBySide) -> str:
    """What came out, in one sentence."""
    others = [one.label for one in found.contenders[1:]]
    matter = [label for label in others if any(change.matters for change in found.of(label))]
    if not matter:
        return f"No change from {found.base.label} is more than noise"
    return f"{listed(matter)} {'matters' if len(matter) == 1 else 'matter'} beside {found.base.label}"


def change_text(change: TargetChange, told_in: str) -> str:
    """A difference with its interval in points, or in minutes or seconds for a time."""
    found = change.difference
    if change.nothing:
        return "none"
    if math.isnan(found.value):
        return "nothing counted"
    size, unit = scale(told_in, [found.low, found.high] if not found.real else [found.value])
    digits = 1 if told_in == "min" else 2
    value, low, high = (f"{number / size:+.{digits}f}" for number in (found.value, found.low, found.high))
    unit = f" {unit}" if told_in == "min" else ""
    if found.exact:
        return f"{value}{unit}"
    return f"{value}{unit} ({low} to {high})" if found.real else f"noise ({low} to {high}{unit})"


def scale(told_in: str, numbers: Sequence[float]) -> tuple[float, str]:
    """The size and the name of the unit in which some values or differences of a target are read well.

    >>> from sim.dynamics.clock import HOUR, MINUTE
    >>> scale("share", [0.1, 0.2]), scale("min", [-5 * HOUR, MINUTE])
    ((0.01, '%'), (3600000000, 'h'))
    """
    if told_in != "min":
        return 0.01, "%"
    return time_unit(max((abs(number) for number in numbers if math.isfinite(number)), default=0.0))


def _target(found: SideBySide, name: str) -> Iterator[RenderableType]:
    first = found.first(name)
    told_in = first.unit
    unit = "" if told_in == "min" else "; difference in points"
    yield page.heading(f"{name}: {first.asked}{unit}")
    changes = {change.label: change for change in found.changes if change.target == name}
    table = page.table("", "", "", "")
    for one in found.contenders:
        result = one.results.get(name)
        if result is None:
            table.add_row(short(one.label), Text("no such target"), "", "")
            continue
        change = changes.get(one.label)
        told = change_text(change, told_in) if change else ""
        if change is None and one is not found.base:
            told = "no such target in the base" if name not in found.base.results else "of another kind"
        elif change is not None and change.asks_otherwise:
            told += "; asks otherwise"
        style = "bold" if change is not None and change.difference.real else ""
        table.add_row(short(one.label), page.text(came_to(result)), page.verdict(result.word), page.text(told, style))
    yield table


def _costs(found: SideBySide) -> RenderableType:
    titles = ("", "paid hours", "FTE", "cost", "more", "together", "weeks all held")
    table = page.table(*titles, numbers=(1, 2, 3, 4, 6))
    for one in found.contenders:
        more = "" if one is found.base else f"{one.cost.money - found.base.cost.money:+,.0f}"
        table.add_row(
            short(one.label),
            f"{one.cost.paid_hours:,.1f}",
            f"{one.cost.fte:.1f}",
            f"{one.cost.money:,.0f}",
            more,
            page.verdict(one.joint.word),
            _weeks(one),
        )
    return table


def _weeks(one: Contender) -> str:
    held = one.joint.shares[_WEEK]
    if not held.n_judged:
        return ""
    return percent(round(held.share.value, 3))


def _of(found: SideBySide, one: Contender) -> str:
    """One sentence on one contender."""
    changes = [change for change in found.of(one.label) if not change.asks_otherwise]
    elsewhere = [change.target for change in found.of(one.label) if change.asks_otherwise]
    real = [change for change in changes if change.matters]
    noise = [change.target for change in changes if not change.difference.real and not change.nothing]
    none = [change.target for change in changes if change.nothing]
    if changes and len(none) == len(changes) and not elsewhere:
        price, where = _price(found, one), "in this period" if found.certain else "in any replication"
        return f"{one.label} changes no target: not one comes to anything else {where}. {price[0].upper()}{price[1:]}."
    said = []
    for better, word in ((True, "better"), (False, "worse")):
        told = [f"{change.target} ({_amount(change, found)})" for change in real if change.better == better]
        if told:
            said.append(f"{listed(told)} {word}")
    parts = [f"{one.label} makes {'; '.join(said)}" if said else f"{one.label}: no difference is more than noise"]
    turned = dict(_turned(found, one))
    if for_certain := [words for name, words in turned.items() if name not in noise]:
        parts.append(f"it turns {listed(for_certain)}")
    if noise and said:
        parts.append(f"noise: {listed(noise)}")
    if by_noise := [words for name, words in turned.items() if name in noise]:
        parts.append(f"noise alone may turn {listed(by_noise)}")
    if none:
        parts.append(f"untouched: {listed(none)}")
    if elsewhere:
        parts.append(f"asked otherwise there, so no effect of it: {listed(elsewhere)}")
    parts.append(_price(found, one))
    return f"{'. '.join(part[0].upper() + part[1:] if i else part for i, part in enumerate(parts))}."


def _amount(change: TargetChange, found: SideBySide) -> str:
    told_in = found.first(change.target).unit
    size, unit = scale(told_in, [change.difference.value])
    if told_in == "min":
        return f"{change.difference.value / size:+.1f} {unit}"
    return f"{change.difference.value / size:+.2f} points"


def _turned(found: SideBySide, one: Contender) -> Iterator[tuple[str, str]]:
    """The targets with another verdict than in the base, each with what it was and is."""
    for name, result in one.results.items():
        before = found.base.results.get(name)
        if before is not None and before.verdict != result.verdict and before.target == result.target:
            yield name, f"{name} from {before.word} to {result.word}"


def _price(found: SideBySide, one: Contender) -> str:
    more = one.cost.paid_hours - found.base.cost.paid_hours
    if abs(more) < 0.05:
        return "it costs the same"
    money = one.cost.money - found.base.cost.money
    priced = "" if math.isclose(money, more, rel_tol=1e-9) else f", at a cost of {money:+,.0f}"
    return f"it takes {abs(more):,.1f} paid hours a week {'more' if more > 0 else 'less'}{priced}"


def _together(found: SideBySide) -> str:
    met = [one for one in found.contenders if one.joint.verdict == "met"]
    if not met:
        unsure = [one.label for one in found.contenders if one.joint.verdict == "undecided"]
        rest = f"; undecided for {listed(unsure)}" if unsure else ""
        return f"All targets together are met by none of them{rest}."
    cheapest = min(met, key=lambda one: one.cost.money)
    told = f", the cheapest of them {cheapest.label}" if len(met) > 1 else ""
    return f"All targets together are met by {listed([one.label for one in met])}{told}."
