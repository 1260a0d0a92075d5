"""What arithmetic finds between claims: each finding with its claims, figures and formula, its verdict, and on what the
verdict rests. How findings are made is said in `relations.py`."""

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

VACUOUS: Final = 2.0
"""A figure that is implied so many times over says nothing."""

Unit = Literal["%", "min", "times", "a year", "years", "surges", ""]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with what it is of."""

    what: str
    value: float
    unit: Unit

    @property
    def text(self) -> str:
        """The number with its unit, to three digits."""
        if self.unit == "min":
            return time_text(self.value)
        if self.unit == "times":
            return f"{three(self.value)} times"
        return f"{three(self.value)} {self.unit}".strip()

    def __str__(self) -> str:
        return f"{self.what} {self.text}"


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
    figures: tuple[Figure, ...]
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


def percent(what: str, share: float) -> Figure:
    """A figure of a share."""
    return Figure(what, 100 * share, "%")


def minutes(what: str, ticks: float) -> Figure:
    """A figure of a time in ticks."""
    return Figure(what, ticks / MINUTE, "min")


def times(what: str, factor: float) -> Figure:
    """A figure of a factor."""
    return Figure(what, factor, "times")


def a_year(what: str, number: float) -> Figure:
    """A figure of how many come in a year."""
    return Figure(what, number, "a year")


def years(what: str, number: float) -> Figure:
    """A figure of a number of years."""
    return Figure(what, number, "years")


def three(value: float) -> str:
    """A number to three digits, thousands apart.

    >>> three(97.9166), three(316240.5), three(0.0208)
    ('97.9', '316,000', '0.0208')
    """
    rounded = float(f"{value:.3g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 1000 else f"{rounded:.6g}"


def time_text(minutes_: float) -> str:
    """A time in the unit that reads best, to three digits.

    >>> time_text(100), time_text(864), time_text(5760)
    ('100 min', '14.4 h', '96 h')
    """
    return f"{three(minutes_ / 60)} h" if minutes_ >= 240 else f"{three(minutes_)} min"


def by_margin(margin: float) -> Verdict:
    """The verdict on a figure that others imply so many times over (less than once: not at all)."""
    if margin >= VACUOUS:
        return "vacuous"
    return "implied" if margin >= 1 else "independent"
