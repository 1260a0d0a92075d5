"""What the claims of a ledger say formally: of times, one statement for every sense that differs; of numbers, bounds.
And what arithmetic finds between them: each finding with its claims, figures and formula, its verdict, and on what the
verdict rests. Nothing is compared here; how findings are made is said in `rules.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeVar

from sim.dynamics.clock import DAY, MINUTE, YEAR
from sim.scenario.claims import (
    BestCase,
    Claim,
    CostRatio,
    GrowthBetween,
    GrowthRate,
    Mean,
    Median,
    MoneyACase,
    MoneyAYear,
    NumberFact,
    Percentile,
    PerHead,
    ShareFact,
    ShareOfWhole,
    ShareWithin,
    Volume,
)
from sim.scenario.ledger import Ledger
from sim.scenario.readings import READINGS
from sim.scenario.target_kinds import MeanTarget, ShareTarget
from sim.scenario.target_kinds import PercentileOrMedian as PercentileOfTips

Kind = TypeVar("Kind")

STATED: Final = "stated"
"""The source's own figure, as a reading beside lenient, moderate and strict."""

NEAR: Final = 0.05
"""Two figures that both say "about" agree within this part."""

SOME_YEARS: Final = 5
"""Growth is looked at over so many years where no claim says over how many."""


def every(ledger: Ledger, kind: type[Kind]) -> dict[str, Kind]:
    """The claims or the facts of one kind, by name; growth that repeats growth at the same rate is left out."""
    found = {
        name: one for known in (ledger.claims, ledger.facts) for name, one in known.items() if isinstance(one, kind)
    }
    return {name: one for name, one in found.items() if not (isinstance(one, GrowthRate) and _again(one, ledger))}


def _again(growth: GrowthRate, ledger: Ledger) -> bool:
    before = ledger.claims.get(growth.repeats or "")
    return isinstance(before, GrowthRate) and before.quantity == growth.quantity


# Times


OfTime = ShareWithin | Mean | Median | Percentile | BestCase
"""The claims that are about a time by a clock."""


@dataclass(frozen=True, slots=True)
class TimedStatement:
    """A claim about a time in one sense."""

    claim: str
    readings: tuple[str, ...]
    subject: str
    clock: str
    form: Literal["mean", "share", "some"]
    """The mean is at most `ticks`; at least `share` are within them; the fastest is."""
    ticks: int
    share: float = 0.0
    whole_run: bool = True
    """Whether a share is over all of the time, not in every month or place."""
    is_level: bool = field(default=False, compare=False)
    """Whether the source gives the time as the one that exactly this share does not exceed, as a median is."""

    @property
    def is_all(self) -> bool:
        return self.form == "share" and self.share >= 1


def timed(ledger: Ledger) -> list[TimedStatement]:
    """All statements on times, claim by claim; senses of a claim that say the same are one.

    What a claim says again after the one that it repeats is left out.
    """
    found: list[TimedStatement] = []
    for name, claim in ledger.claims.items():
        if isinstance(claim, OfTime):
            said = {replace(one, claim=name) for one in found if one.claim == claim.repeats}
            found += [one for one in _of_claim(ledger, name, claim) if one not in said]
    return found


def _of_claim(ledger: Ledger, name: str, claim: OfTime) -> list[TimedStatement]:
    senses: dict[TimedStatement, list[str]] = {}
    of_whole_run: set[TimedStatement] = set()
    if (stated := _stated(name, claim)) is not None:
        senses[stated] = [STATED]
        of_whole_run.add(stated)
    for sense in READINGS:
        reading = ledger.reading(name, sense)
        if reading is not None and reading.arithmetic_only is not None and stated is not None:
            # What no line can test is said all the same.
            senses[stated].append(sense)
            continue
        if reading is None or not isinstance(target := reading.target, ShareTarget | MeanTarget | PercentileOfTips):
            continue
        subject = reading.subject or claim.subject
        if isinstance(target, PercentileOfTips):
            one = TimedStatement(name, (), subject, claim.clock, "share", target.limit, target.share_in_time)
        elif isinstance(target, MeanTarget):
            one = TimedStatement(name, (), subject, claim.clock, "mean", target.mean)
        else:
            one = TimedStatement(name, (), subject, claim.clock, "share", target.within, target.share)
        senses.setdefault(one, []).append(sense)
        if target.per == "run" and target.in_each is None:
            of_whole_run.add(one)
    return [replace(one, readings=tuple(said), whole_run=one in of_whole_run) for one, said in senses.items()]


def _stated(name: str, claim: OfTime) -> TimedStatement | None:
    """The source's own figure; None where it gives a time and no share."""
    if isinstance(claim, ShareWithin):
        if claim.share is None:
            return None
        return TimedStatement(name, (), claim.subject, claim.clock, "share", claim.quantity, claim.share)
    if isinstance(claim, Median | Percentile):
        share = 0.5 if isinstance(claim, Median) else claim.share
        return TimedStatement(name, (), claim.subject, claim.clock, "share", claim.quantity, share, is_level=True)
    return TimedStatement(
        name, (), claim.subject, claim.clock, "mean" if claim.kind == "mean" else "some", claim.quantity
    )


def is_later(ledger: Ledger, clock: str, other: str) -> bool:
    """Whether a clock ends after another one on every tip."""
    seen, left = set[str](), [clock]
    while left:
        before = ledger.clocks[left.pop()].ends_after
        if other in before:
            return True
        left += before - seen
        seen |= before
    return False


# Numbers


@dataclass(frozen=True, slots=True)
class Range:
    """A number between two bounds, and the figure that was given (of a range of facts the lower end)."""

    low: float
    high: float
    figure: float
    by: tuple[str, ...] = ()
    """The claims or facts that give it."""

    def times(self, other: Range) -> Range:
        """The product of two numbers that are not negative."""
        return Range(self.low * other.low, self.high * other.high, self.figure * other.figure, (*self.by, *other.by))

    def over(self, other: Range) -> Range:
        """The quotient of two positive numbers."""
        high = self.high / other.low if other.low > 0 else float("inf")
        return Range(self.low / other.high, high, self.figure / other.figure, (*self.by, *other.by))


WHOLE: Final = Range(1.0, 1.0, 1.0)
"""The share of a subject in itself."""


def yearly(volume: Volume) -> float:
    """How many a year."""
    return volume.quantity * YEAR / DAY


def bounds(name: str, claim: Claim) -> Range:
    """The bounds that a claim of a number sets, at least, at most, or about: of a share, a number a year, of one head,
    or money. What grew is so many times as many."""
    assert isinstance(claim, Volume | ShareOfWhole | CostRatio | PerHead | MoneyACase | MoneyAYear | GrowthBetween)
    if isinstance(claim, GrowthBetween):
        return grown(name, claim, 1)
    most = 1.0 if isinstance(claim, ShareOfWhole | CostRatio) else float("inf")
    figure = claim.each if isinstance(claim, PerHead) else claim.quantity
    figure = yearly(claim) if isinstance(claim, Volume) else figure
    low = {"at least": figure, "at most": 0.0, "about": figure * (1 - NEAR)}[claim.sense]
    high = {"at least": most, "at most": figure, "about": min(figure * (1 + NEAR), most)}[claim.sense]
    return Range(low, high, figure, (name,))


def grown(name: str, claim: GrowthRate | GrowthBetween, n: int) -> Range:
    """So many times as many after n times the growth that is claimed; about: by so much, a little less or more."""
    growth = claim.quantity
    near = sorted((growth * (1 - NEAR), growth * (1 + NEAR)))
    least = {"at least": growth, "at most": -1.0, "about": near[0]}[claim.sense]
    most = {"at least": float("inf"), "at most": growth, "about": near[1]}[claim.sense]
    return Range(_power(1 + least, n), _power(1 + most, n), _power(1 + growth, n), (name,))


def _power(factor: float, n: int) -> float:
    """So many times, n times over; endless where no number is so large."""
    try:
        return float(factor**n)
    except OverflowError:
        return float("inf")


def shares_of(ledger: Ledger, subject: str, whole: str) -> list[Range]:
    """What claims and facts say of the share of a subject in a whole, from each as given; along the way up if the
    subject lies in a part of the whole. Claims come before facts."""
    wanted = (subject, whole)
    found = [bounds(name, one) for name, one in every(ledger, ShareOfWhole).items() if (one.subject, one.of) == wanted]
    known = ((name, fact) for name, fact in every(ledger, ShareFact).items() if (fact.subject, fact.of) == wanted)
    found += [Range(fact.low, fact.high, fact.low, (name,)) for name, fact in known]
    outer = ledger.subjects[subject].part_of
    if not found and outer is not None and outer != whole and whole in ledger.within(outer):
        ways = shares_of(ledger, subject, outer)[:1], shares_of(ledger, outer, whole)[:1]
        found = [own.times(above) for own in ways[0] for above in ways[1]]
    return found


def share_in(ledger: Ledger, subject: str, whole: str) -> Range | None:
    """The share of a subject in a whole, by the first claim or fact that tells it; None where none does."""
    if subject == whole:
        return WHOLE
    if whole not in ledger.within(subject):
        return None
    return next((one for one in shares_of(ledger, subject, whole) if one.figure > 0), None)


def with_share(ledger: Ledger) -> Iterator[tuple[str, str]]:
    """The claims of a volume and of a share that are on one subject."""
    for name, volume in every(ledger, Volume).items():
        for other, share in every(ledger, ShareOfWhole).items():
            if volume.subject == share.subject:
                yield name, other


def totals(ledger: Ledger, subject: str) -> list[Range]:
    """What claims say of the number of a subject a year: directly, or by that of a part and its share."""
    volumes, shares = every(ledger, Volume), every(ledger, ShareOfWhole)
    found = [bounds(name, claim) for name, claim in volumes.items() if claim.subject == subject]
    for volume, share in with_share(ledger):
        if shares[share].of == subject and shares[share].quantity > 0:
            found.append(bounds(volume, volumes[volume]).over(bounds(share, shares[share])))
    for name, each in every(ledger, PerHead).items():
        if each.subject == subject:
            found += [bounds(name, each).times(people) for people in numbers(ledger, each.of)]
    return found


def numbers(ledger: Ledger, subject: str, currency: str | None = None) -> list[Range]:
    """What is known of the number of a subject; with a currency, of its money a year."""
    known = ((name, fact) for name, fact in every(ledger, NumberFact).items() if fact.subject == subject)
    return [Range(fact.low, fact.high, fact.low, (name,)) for name, fact in known if fact.currency == currency]


def money(ledger: Ledger, subject: str, currency: str) -> list[Range]:
    """What claims and facts say of the money that a subject costs a year: directly, or as a share of what costs so
    much."""
    costs = every(ledger, MoneyAYear).items()
    found = [bounds(name, one) for name, one in costs if (one.subject, one.currency) == (subject, currency)]
    found += numbers(ledger, subject, currency)
    for name, ratio in every(ledger, CostRatio).items():
        if ratio.subject == subject and ratio.quantity > 0:
            direct = [bounds(one, cost) for one, cost in costs if (cost.subject, cost.currency) == (ratio.of, currency)]
            found += [bounds(name, ratio).times(one) for one in (*direct, *numbers(ledger, ratio.of, currency))]
    return found


def horizons(ledger: Ledger) -> list[int]:
    """The numbers of years over which growth is looked at: those that claims speak of."""
    claims = every(ledger, GrowthRate).values()
    found = {claim.over for claim in claims if claim.over is not None and claim.over > 1}
    if (now := ledger.figures_of) is not None:
        found |= {now - claim.since for claim in claims if claim.since is not None and claim.since < now}
    return sorted(found) or [SOME_YEARS]


def counted_with(ledger: Ledger, growth: GrowthRate) -> dict[str, Volume]:
    """Volumes of what grows, or of a whole of which it is part or partly part."""
    around = {*ledger.within(growth.subject), ledger.subjects[growth.subject].overlaps}
    return {
        name: claim
        for name, claim in every(ledger, Volume).items()
        if claim.subject in around and ledger.subjects[claim.subject].part_of is None
    }


# What is found


Standing = Literal["implied", "vacuous", "at odds", "independent"]
"""Follows from the others; follows so amply that it says nothing; cannot hold beside them; neither."""

Condition = Literal["one clock", "levels", "same years", "usual shape", "one thing", "out of reach", "lost count"]
CONDITIONS: Final[dict[Condition, str]] = {
    "one clock": "if both count by one clock",
    "levels": "if the figure is what is reached, not a bound",
    "same years": "if both speak of the same years",
    "usual shape": "if the times are lognormal, gamma or Weibull",
    "one thing": "if both words mean one thing",
    "out of reach": "unless the others are reached in another way",
    "lost count": "if lost ones count as received",
}
"""What a verdict rests on besides the figures."""

FigureUnit = Literal["%", "min", "times", "a year", "years", "surges", "money", ""]


@dataclass(frozen=True, slots=True)
class FigureFound:
    """A number with what it is of."""

    what: str
    value: float
    unit: FigureUnit


@dataclass(frozen=True, slots=True)
class Finding:
    """One relation between claims."""

    relation: str
    """Its kind, such as "mean bounds tail"."""
    about: str
    """The claim that the verdict is on."""
    rests_on: tuple[str, ...]
    """The claims and facts that speak for it."""
    verdict: Standing
    formula: str
    figures: tuple[FigureFound, ...]
    says: str
    """The finding in one sentence."""
    plainly: str = ""
    """The same with the claims by their words: the one that it is about is "this claim"."""
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
    def on_own_clocks(self) -> Standing | None:
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


def text(value: float, unit: FigureUnit) -> str:
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
