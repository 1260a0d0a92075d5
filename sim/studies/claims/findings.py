"""What arithmetic finds between claims: each finding with its claims, figures and formula, its verdict, and on what the
verdict rests. How findings are made is said in `rules.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sim.dynamics.clock import MINUTE

Verdict = Literal["implied", "vacuous", "at odds", "independent"]
"""Follows from the others; follows so amply that it says nothing; cannot hold beside them; neither."""

Condition = Literal["one clock", "levels", "usual shape", "one thing", "out of reach", "lost count"]
CONDITIONS: Final[dict[Condition, str]] = {
    "one clock": "if both count by one clock",
    "levels": "if the figure is what is reached, not a bound",
    "usual shape": "if the times are lognormal, gamma or Weibull",
    "one thing": "if both words mean one thing",
    "out of reach": "unless the others are reached in another way",
    "lost count": "if lost ones count as received",
}
"""What a verdict rests on besides the figures."""

Unit = Literal["%", "min", "times", "a year", "years", "surges", ""]


@dataclass(frozen=True, slots=True)
class FigureFound:
    """A number with what it is of."""

    what: str
    value: float
    unit: Unit


@dataclass(frozen=True, slots=True)
class Finding:
    """One relation between claims."""

    relation: str
    """Its kind, such as "mean bounds tail"."""
    about: str
    """The claim that the verdict is on."""
    rests_on: tuple[str, ...]
    """The claims and facts that speak for it."""
    verdict: Verdict
    formula: str
    figures: tuple[FigureFound, ...]
    says: str
    """The finding in one sentence."""
    conditions: tuple[Condition, ...] = ()
    """What the verdict needs besides; without it the claims are independent."""
    clocks: tuple[str, ...] = ()
    """The clocks compared, that of `about` last; one where both name the same; none where no time is compared."""
    readings: tuple[str, ...] = ("stated",)
    """The readings in which the claims say this; "stated" is the source's own figure."""

    @property
    def claims(self) -> tuple[str, ...]:
        """All that it is between, that which it is about last."""
        return (*self.rests_on, self.about)

    @property
    def on_own_clocks(self) -> Verdict | None:
        """The verdict where the claims count by clocks of their own; None where clocks do not matter."""
        return "independent" if "one clock" in self.conditions else None

    def figure(self, what: str) -> float:
        """The value of a figure by its name; KeyError when there is none."""
        for one in self.figures:
            if one.what == what:
                return one.value
        raise KeyError(what)


def three(value: float) -> str:
    """A number to three digits, thousands apart.

    >>> three(97.9166), three(316240.5), three(0.0208)
    ('97.9', '316,000', '0.0208')
    """
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 1000 else f"{rounded:.6g}"


def text(value: float, unit: Unit) -> str:
    """A figure in a sentence, to three digits: a part of 1 in per cent, ticks as minutes or hours, others as a number.

    >>> text(0.979166, "%"), text(100 * MINUTE, "min"), text(864 * MINUTE, "min"), text(2.5, "times")
    ('97.9 %', '100 min', '14.4 h', '2.5')
    """
    if unit == "%":
        return f"{three(100 * value)} %"
    if unit != "min":
        return three(value)
    minutes = value / MINUTE
    return f"{three(minutes / 60)} h" if minutes >= 240 else f"{three(minutes)} min"
