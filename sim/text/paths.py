"""Paths of a document in words: what a reader calls `pools.analysts.staff` or `demand.volume`, and their values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sim.text.words import clock

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario


_PERIODS: Final = {"h": "an hour", "hour": "an hour", "d": "a day", "min": "a minute", "wk": "a week", "yr": "a year"}


@dataclass(frozen=True, slots=True)
class Wording:
    """How a path is spoken of."""

    label: str
    """As the title of an axis, with its unit: "tips a year", "true share of high (%)"."""
    said: str
    """A value in a sentence, its number where the braces are: "{} tips a year"."""
    unit: str

    def value(self, number: float | str) -> str:
        """A value in a sentence; a share is given as a fraction."""
        return self.said.format(self.number(number))

    def number(self, number: float | str) -> str:
        """A value alone, in the unit of the label."""
        if isinstance(number, str):
            return number
        return number_text(100 * number if self.unit == "%" else number)


def wording(scenario: Scenario, path: str, unit: str) -> Wording:
    """The words for a path whose values are in a unit."""
    label, said = _words(scenario, path.split("."), unit)
    return Wording(label, said, unit)


def number_text(number: float) -> str:
    """A number in a few digits, its thousands apart.

    >>> number_text(16363.6), number_text(2.0), number_text(0.03575)
    ('16,364', '2', '0.03575')
    """
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def _words(scenario: Scenario, path: list[str], unit: str) -> tuple[str, str]:
    """The label, and the pattern of a value in a sentence."""
    match path:
        case ["demand", "volume"] if unit:
            period = _PERIODS.get(unit[1:], f"a {unit[1:]}")
            return f"tips {period}", f"{{}} tips {period}"
        case ["demand", "risk", risk]:
            return f"true share of {risk} (%)", f"{{}} % truly {risk}"
        case ["demand", "risk", channel, risk]:
            return f"true share of {risk} by {channel} (%)", f"{{}} % truly {risk} by {channel}"
        case ["pools", pool, "staff"]:
            return f"people at {pool}, around the clock", f"{{}} at {pool}"
        case ["pools", pool, "shifts", number, "staff"] if number.isdigit():
            shift = scenario.pools[pool].shifts[int(number)]
            hours = f"from {clock(shift.from_)} to {clock(shift.to)}"
            return f"people at {pool} {hours}", f"{{}} at {pool} {hours}"
        case ["labels", labeller, "decides"]:
            return f"share of tips that {labeller} labels (%)", f"{labeller} labelling {{}} %"
        case ["labels", labeller, "assigns", risk, tier]:
            return (
                f"share of {risk} tips that {labeller} labels {tier} (%)",
                f"{labeller} labelling {{}} % of {risk} {tier}",
            )
        case ["stages", stage, ("service" | "delay" | "patience") as what, *_, "mean"] if unit:
            return f"mean {what} at {stage} ({unit})", f"a mean {what} of {{}} {unit} at {stage}"
        case ["centres"]:
            return "centres", "{} centres"
    name = ".".join(path)
    return (f"{name} ({unit})", f"{name} {{}} {unit}") if unit else (name, f"{name} {{}}")
