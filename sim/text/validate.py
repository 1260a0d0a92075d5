"""What a validation says: what was fitted to what, and how what was predicted came out, in sentences and tables."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sim.scenario.units import percent
from sim.text import page
from sim.text.words import listed, so_many, time_unit, with_interval

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.studies.validate import FittedUnknown, ObservedResult, Role, ValidateFound

HEADS = {"fitted": "Fitted to", "predicted": "Predicted"}


def parts(found: ValidateFound) -> list[RenderableType]:
    """What was fitted, and then what it was fitted to and what it predicts, apart."""
    shown: list[RenderableType] = [page.title(found.scenario.scenario, found.scenario.path), page.text(_on_what(found))]
    if found.fits:
        table = page.table("unknown", "fitted", "within", "to")
        for fit in found.fits:
            table.add_row(fit.name, page.text(fitted_text(fit)), page.text(_range(fit)), ", ".join(fit.unknown.by))
        shown += [page.heading("Unknowns"), table]
    for role, head in HEADS.items():
        if some := [one for one in found.seen if one.role == role]:
            table = page.table("", "observed", "", "comes to", "")
            for one in some:
                table.add_row(
                    one.name,
                    page.text(figure(one, one.value)),
                    page.text(tolerance_text(one)),
                    page.text(came_to(one)),
                    page.verdict(one.sense),
                )
            shown += [page.heading(head), table]
    return shown


def _on_what(found: ValidateFound) -> str:
    interval = f"{percent(found.scenario.run.confidence)} intervals"
    return f"{so_many(found.replications, 'replication')} of each, seed {found.scenario.run.seed}; {interval}."


def finding(found: ValidateFound) -> str:
    """What came out, in one sentence."""
    some = found.of("predicted")
    what = "predicted values" if found.fits else "observed values"
    if not some:
        some, what = list(found.seen), "values that it was fitted to"
    good = [one for one in some if one.sense == "reproduced"]
    if len(some) == 1:
        is_it = {"reproduced": "is", "not reproduced": "is not", "undecided": "may or may not be"}[some[0].sense]
        role = (
            "as observed" if not found.fits else "which it was fitted to" if some[0].role == "fitted" else "predicted"
        )
        return f"{some[0].name}, {role}, {is_it} reproduced"
    if len(good) == len(some):
        return f"{'Both' if len(some) == 2 else f'All {len(some)}'} {what} are reproduced"
    return f"{len(good) or 'None'} of {len(some)} {what} {'is' if len(good) < 2 else 'are'} reproduced"


def answer(found: ValidateFound) -> list[str]:
    """The finding, what was fitted, and every value that is not reproduced, in sentences."""
    said = [f"{finding(found)}."]
    for one in found.fits:
        to = listed(one.unknown.by)
        beyond = "; that is an end of its range, and what fits may lie beyond" if one.at_end else ""
        where = f" in {one.unknown.variant}" if one.unknown.variant else ""
        said.append(f"{one.name}{where} was fitted to {to}: {fitted_text(one)}{beyond}.")
    roles: Sequence[Role] = ("predicted", "fitted")
    for role in roles:
        said += [_sentence(one, told=bool(found.fits)) for one in found.of(role)]
    if found.fits and not found.of("predicted"):
        said.append("Nothing is left that it was not fitted to, so that nothing is shown of what it would predict.")
    return said


def _sentence(one: ObservedResult, *, told: bool) -> str:
    role = f" ({one.role})" if told else ""
    return (
        f"{one.name}{role} comes to {came_to(one)} where {figure(one, one.value)} was observed, "
        f"{tolerance_text(one)}: {one.sense}."
    )


def fitted_text(one: FittedUnknown) -> str:
    """A fitted value with its interval, as the document would write it."""
    unit = one.unknown.unit
    size = 100.0 if unit == "%" else 1.0
    value, low, high = (f"{size * number:.4g}" for number in (one.value, one.low, one.high))
    return f"{value}{'' if unit.startswith('/') or not unit else ' '}{unit} ({low} to {high})"


def _range(one: FittedUnknown) -> str:
    return f"{one.unknown.from_text} to {one.unknown.to_text}"


def figure(one: ObservedResult, value: float) -> str:
    """A value in words, times in the unit in which what was observed reads well."""
    if math.isnan(value):
        return "nothing counted"
    if one.result.unit != "min":
        return f"{100 * value:.1f} %"
    size, unit = time_unit(one.value)
    return f"{value / size:.1f} {unit}"


def tolerance_text(one: ObservedResult) -> str:
    """The tolerance, and what the observed value may be off by."""
    told = f"within {_size(one, one.tolerance)}"
    return f"{told}, give or take {_size(one, one.give_or_take)}" if one.give_or_take else told


def _size(one: ObservedResult, size: float) -> str:
    if one.result.unit != "min":
        return f"{100 * size:.3g} point{'' if size == 0.01 else 's'}"
    whole, unit = time_unit(one.value)
    return f"{size / whole:.3g} {unit}"


def came_to(one: ObservedResult) -> str:
    """What the scenario comes to, with its interval."""
    result = one.result
    if math.isnan(result.value):
        return "nothing counted"
    if result.unit != "min":
        return with_interval(result.value, one.low, one.high)
    size, unit = time_unit(one.value)
    return f"{result.value / size:.1f} {unit} ({one.low / size:.1f} to {one.high / size:.1f})"
