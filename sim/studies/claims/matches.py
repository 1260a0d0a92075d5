"""Which statements of a ledger are about one thing, so that arithmetic may say something of them.

Each function takes a ledger and gives matches, which rules are applied to; what follows from a match is in `rules.py`.
For it stands here too what the usual shapes of times say of a share within a threshold, given the mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import permutations
from typing import Final, Generic, Literal, TypeVar

from sim.dynamics.clock import DAY, YEAR
from sim.scenario.claims import (
    Availability,
    BestCase,
    Claim,
    GainFact,
    GrowthBetween,
    GrowthRate,
    Mean,
    Median,
    MoneyACase,
    MoneyAYear,
    Percentile,
    PerHead,
    ShareOfWhole,
    ShareWithin,
    StaffingChange,
    SurgeFact,
    Volume,
    Zero,
)
from sim.scenario.ledger import Ledger
from sim.scenario.readings import READINGS
from sim.studies.claims.statements import (
    STATED,
    WHOLE,
    Condition,
    FigureUnit,
    Range,
    TimedStatement,
    bounds,
    counted_with,
    every,
    grown,
    is_later,
    money,
    numbers,
    share_in,
    shares_of,
    text,
    three,
    timed,
    totals,
    with_share,
    yearly,
)

COMMON_CVS: Final = (0.8, 1.0, 1.28, 2.0)
"""Coefficients of variation that service times are seen to have (1.28: Brown et al., JASA 2005, a bank's calls)."""

_SHAPES: Final = (1e-3, 1e3)


@dataclass(frozen=True, slots=True)
class Least:
    """The smallest share within a threshold that a law can have at a given mean."""

    share: float
    shape: float
    """Where: sigma of a lognormal, else the shape."""


def lognormal_share(threshold: float, sigma: float) -> float:
    """The share of lognormal times of mean 1 that is at most `threshold`."""
    from scipy.special import ndtr

    return float(ndtr(math.log(threshold) / sigma + sigma / 2))


def gamma_share(threshold: float, shape: float) -> float:
    """The share of gamma times of mean 1 that is at most `threshold`."""
    from scipy.special import gammainc

    return float(gammainc(shape, shape * threshold))


def weibull_share(threshold: float, shape: float) -> float:
    """The share of Weibull times of mean 1 that is at most `threshold`."""
    exponent = shape * (math.log(threshold) + math.lgamma(1 + 1 / shape))
    return -math.expm1(-math.exp(min(exponent, 700.0)))


def lognormal_of_cv(threshold: float, cv: float) -> float:
    """The share of lognormal times of mean 1 and this cv that is at most `threshold`.

    >>> round(lognormal_of_cv(1 / 3, 1.0), 2)
    0.18
    """
    return lognormal_share(threshold, math.sqrt(math.log1p(cv**2)))


def exponential_mean(threshold: float, share: float) -> float:
    """The mean of an exponential law of which `share` is at most `threshold`.

    >>> round(exponential_mean(60, 0.8), 1)
    37.3
    """
    return -threshold / math.log1p(-share)


def least_shares(threshold: float) -> dict[str, Least]:
    """By law, the smallest share within `threshold` (above 1) over all its shapes at a mean of 1.

    The lognormal has it where sigma^2 = 2 ln(threshold); the others are searched.

    >>> {law: round(least.share, 3) for law, least in least_shares(2.0).items()}
    {'lognormal': 0.88, 'gamma': 0.841, 'Weibull': 0.853}
    """
    if threshold <= 1:
        raise ValueError(f"only above the mean is there a smallest share (got {threshold} means)")
    sigma = math.sqrt(2 * math.log(threshold))
    return {
        "lognormal": Least(lognormal_share(threshold, sigma), sigma),
        "gamma": _searched(lambda shape: gamma_share(threshold, shape)),
        "Weibull": _searched(lambda shape: weibull_share(threshold, shape)),
    }


def _searched(share: Callable[[float], float]) -> Least:
    """The smallest share over the shapes: the best of a coarse grid, then golden section between its neighbours."""
    steps = 240
    low, high = (math.log(shape) for shape in _SHAPES)
    grid = [low + (high - low) * step / steps for step in range(steps + 1)]
    best = min(range(len(grid)), key=lambda at: share(math.exp(grid[at])))
    left, right = grid[max(best - 1, 0)], grid[min(best + 1, steps)]
    golden = (math.sqrt(5) - 1) / 2
    while right - left > 1e-9:
        inner, outer = right - golden * (right - left), left + golden * (right - left)
        if share(math.exp(inner)) <= share(math.exp(outer)):
            right = outer
        else:
            left = inner
    shape = math.exp((left + right) / 2)
    return Least(share(shape), shape)


NAMING: Final = ("about", "other", "mean")
"""What of the words of a match is the name of a claim or a fact."""

First = TypeVar("First")
Last = TypeVar("Last")


@dataclass(frozen=True)
class Match(Generic[First, Last]):
    """Statements that are about one thing; a finding on them is about the last and rests on the others."""

    ledger: Ledger
    names: tuple[str, ...]
    """The claims and facts, that which a finding is about last; each once."""
    first: First
    last: Last
    share: Range = WHOLE
    """How large a share the one is of the other, where that matters."""
    clocks: tuple[str, ...] = ()
    readings: tuple[str, ...] = (STATED,)
    supposed: bool = False
    """Whether that they count by one clock is supposed, not said."""

    @property
    def about(self) -> str:
        return self.names[-1]

    @property
    def is_part(self) -> bool:
        """Whether the last of two times is on a part of the first's subject."""
        return False

    @property
    def plain_words(self) -> dict[str, str]:
        """The same, with claims and facts by their words instead of their names."""
        return {what: self._called(word) if what in NAMING else word for what, word in self.words.items()}

    def _called(self, name: str) -> str:
        one = self.ledger.claims.get(name) or self.ledger.facts.get(name)
        return "this claim" if name == self.about else "" if one is None else f"“{one.says.removesuffix('.')}”"

    @property
    def words(self) -> dict[str, str]:
        """What a sentence may name."""
        claim = self.ledger.claims[self.about]
        return {
            "about": self.about,
            "other": self.names[0],
            "first": _words(self.first),
            "last": _words(self.last),
            "share": text(self.last.share if isinstance(self.last, TimedStatement) else self.share.figure, "%"),
            "sense": getattr(claim, "sense", ""),
            "by": self.ledger.subjects[claim.subject].by or "",
        }


def _words(one: object) -> str:
    """The figure of a statement in words."""
    if isinstance(one, TimedStatement):
        return text(one.ticks, "min")
    if isinstance(one, Volume | Range):
        return three(yearly(one) if isinstance(one, Volume) else one.figure)
    with_share = ShareOfWhole | GrowthRate | GrowthBetween | StaffingChange
    return text(one.quantity, "%") if isinstance(one, with_share) else ""


Matcher = Callable[[Ledger], Iterator[Match[First, Last]]]


def pairs(first: type[First], last: type[Last], *, once: bool = False) -> Matcher[First, Last]:
    """Every claim or fact of one kind with every other of another, or `once` the earlier with the later.

    What they need in common is for `when` to say.
    """

    def matched(ledger: Ledger) -> Iterator[Match[First, Last]]:
        for number, (name, one) in enumerate(every(ledger, first).items()):
            for other, two in [*every(ledger, last).items()][number if once else 0 :]:
                if name != other:
                    yield Match(ledger, (name, other), one, two)

    return matched


# Times


@dataclass(frozen=True)
class TimesMatch(Match[TimedStatement, TimedStatement]):
    """Two statements on times: what the first says of its clock is a bound from above, the second is asked about."""

    step: bool = False
    """Whether the second clock ends after the first, so that nothing is said of it."""

    @property
    def is_part(self) -> bool:
        return self.first.subject != self.last.subject

    def are(self, first: Literal["all", "mean", "share"], *last: Literal["mean", "share", "some"]) -> bool:
        """Whether the first bounds the second, and the two are of these forms; "all" is all within a time."""
        form = "all" if self.first.is_all else self.first.form
        return not self.step and form == first and self.last.form in last


def times(ledger: Ledger) -> Iterator[TimesMatch]:
    """Two statements by one clock, or by two of which one may end after the other, on a subject and a part of it."""
    for first, last in permutations(timed(ledger), 2):
        readings = _common(first, last)
        if first.claim == last.claim or not readings:
            continue
        clocks = tuple(dict.fromkeys((first.clock, last.clock)))
        if is_later(ledger, last.clock, first.clock):
            if ledger.claims[first.claim].subject == ledger.claims[last.claim].subject:
                yield TimesMatch(ledger, (first.claim, last.claim), first, last, WHOLE, clocks, readings, step=True)
            continue
        share = share_in(ledger, last.subject, first.subject)
        if first.is_all and first.subject in ledger.within(last.subject):
            share = WHOLE  # what holds for all holds for any part, however large
        if share is not None:
            names = (first.claim, *share.by, last.claim)
            supposed = len(clocks) > 1 and not is_later(ledger, first.clock, last.clock)
            yield TimesMatch(ledger, names, first, last, share, clocks, readings, supposed)


def _common(one: TimedStatement, other: TimedStatement) -> tuple[str, ...]:
    """The readings in which two statements are made together."""
    return tuple(sense for sense in (STATED, *READINGS) if sense in one.readings and sense in other.readings)


# A share in time, and what keeps some of its subject from being there in time


@dataclass(frozen=True)
class LimitMatch(Match[Range, TimedStatement]):
    """A share within a time, and the share of its subject that is recognised, or lost, or comes in a surge."""

    by: Literal["labels", "lost", "lost beside a mean", "surge"] = "labels"
    mean: TimedStatement | None = None
    surge: SurgeFact | None = None

    @property
    def words(self) -> dict[str, str]:
        return {**super().words, "mean": self.mean.claim if self.mean is not None else ""}

    @property
    def sure(self) -> float:
        """The share of those that are not lost which the mean leaves in time for certain."""
        return 1 - self.mean.ticks / self.last.ticks if self.mean is not None else 0.0

    def of_year(self, n: float) -> float:
        """The share of a year's tips that come in n such surges.

        Source: n surges of d days each at f times the other days' number, over a year of 365 days.
        """
        if self.surge is None:
            return 0.0
        days = min(n * self.surge.lasts / DAY, YEAR / DAY)
        return days * self.surge.factor / (YEAR / DAY + days * (self.surge.factor - 1))


def limits(ledger: Ledger) -> Iterator[LimitMatch]:
    """Every share in time with each thing that limits it."""
    statements = timed(ledger)
    for one in statements:
        if one.form != "share" or one.share <= 0:
            continue
        alone = partial(LimitMatch, ledger, last=one, clocks=(one.clock,), readings=one.readings)
        for names, seen in _recognised(ledger, one):
            yield alone(names=(*names, one.claim), first=seen, by="labels")
        for none, lost in _lost(ledger, one):
            yield alone(names=(*none, *lost.by, one.claim), first=lost, by="lost")
            for mean in statements:
                readings = _common(one, mean)
                if mean.form == "mean" and mean.subject == one.subject and mean.ticks < one.ticks and readings:
                    names, clocks = (*none, mean.claim, *lost.by, one.claim), dict.fromkeys((mean.clock, one.clock))
                    beside = partial(alone, clocks=tuple(clocks), readings=readings, supposed=len(clocks) > 1)
                    yield beside(names=names, first=lost, by="lost beside a mean", mean=mean)
        if 0.5 <= one.share < 1 and one.whole_run and ledger.subjects[one.subject].part_of is None:
            for name, surge in every(ledger, SurgeFact).items():
                yield alone(names=(name, one.claim), first=WHOLE, by="surge", surge=surge)


def _recognised(ledger: Ledger, one: TimedStatement) -> Iterator[tuple[tuple[str, ...], Range]]:
    """The share that alone reaches the end of a clock, by each claim and fact that tells it and says not all."""
    only = ledger.clocks[one.clock].reached_by
    if only is None or only == one.subject or one.subject not in ledger.within(only):
        return
    claims = every(ledger, ShareOfWhole).items()
    told = [name for name, claim in claims if (claim.subject, claim.of) == (only, one.subject) and name != one.claim]
    for cap in shares_of(ledger, only, one.subject):
        if cap.high < 1:
            yield tuple(dict.fromkeys((*told, *cap.by))), cap


def _lost(ledger: Ledger, one: TimedStatement) -> Iterator[tuple[tuple[str, ...], Range]]:
    """The share that never reaches the end of a clock, with the claims that there is none such."""
    for name, subject in ledger.subjects.items():
        if one.clock in subject.hinders and subject.part_of == one.subject:
            none = tuple(claim for claim, zero in every(ledger, Zero).items() if zero.subject == name)
            yield from ((none, share) for share in shares_of(ledger, name, one.subject))


# Numbers


def repeated(ledger: Ledger) -> Iterator[Match[int, int]]:
    """Claims that give one figure of one thing: how much the one says that says more, and the other."""
    seen: list[str] = []
    for name, claim in ledger.claims.items():
        thing, said = _thing(claim)
        other = next((one for one in seen if thing is not None and _thing(ledger.claims[one])[0] == thing), None)
        if other is None:
            seen.append(name)
        elif said <= (before := _thing(ledger.claims[other])[1]):
            yield Match(ledger, (other, name), before, said)
        else:
            yield Match(ledger, (name, other), said, before)


def _thing(claim: Claim) -> tuple[tuple[object, ...] | None, int]:
    """What a claim gives a figure of, with the figure, and how much it says beside others of the same; None for kinds
    that are not compared so."""
    if isinstance(claim, ShareWithin | Mean | BestCase):
        return ("time", claim.subject, claim.clock, claim.quantity), int(not isinstance(claim, BestCase))
    if isinstance(claim, Median | Percentile):
        share = 0.5 if isinstance(claim, Median) else claim.share
        return ("time of a share", claim.subject, claim.clock, claim.quantity, share), 1
    if isinstance(claim, PerHead):
        return (claim.kind, claim.subject, claim.of, claim.each), 1
    if isinstance(claim, MoneyACase | MoneyAYear | GrowthBetween):
        return (*_of_one(claim), claim.quantity), 1
    if isinstance(claim, Availability):
        return (claim.kind, claim.subject, claim.quantity), int(claim.of is not None)
    if isinstance(claim, ShareOfWhole):
        return (claim.kind, claim.subject, claim.of, claim.quantity), 1
    if isinstance(claim, Volume | GrowthRate):
        return (claim.kind, claim.subject, claim.quantity), int(claim.each_year)
    return ((claim.kind, claim.subject, claim.quantity) if isinstance(claim, Zero) else None), 1


def _of_one(claim: Claim) -> tuple[object, ...]:
    """What a claim of a head, of money or of growth between two years gives a figure of; () for other kinds."""
    match claim:
        case PerHead():
            return claim.kind, claim.subject, claim.of
        case MoneyACase():
            return claim.kind, claim.subject, claim.of, claim.currency
        case MoneyAYear():
            return claim.kind, claim.subject, claim.currency
        case GrowthBetween():
            return claim.kind, claim.subject, claim.given_from, claim.given_to
    return ()


A_YEAR, A_YEAR_AND_HEAD, TIMES_AS_MANY = "a year", "a year and head", "times as many"
"""What a number that is reckoned is of, where it is no money."""


@dataclass(frozen=True)
class Reckoned(Match[Range, Range]):
    """A number that others imply, and the one that is claimed of the same."""

    per: str = ""
    """What the number is of, in words."""
    conditions: tuple[Condition, ...] = ()
    """What it takes besides for the two to be of the same."""

    @property
    def unit(self) -> FigureUnit:
        """What its figures are in."""
        if self.per == TIMES_AS_MANY:
            return "times"
        return "a year" if self.per in (A_YEAR, A_YEAR_AND_HEAD) else "money"

    @property
    def words(self) -> dict[str, str]:
        return {**super().words, "per": self.per}

    @property
    def factor(self) -> float:
        """The one that is implied over the one that is claimed."""
        return self.first.figure / self.last.figure if self.last.figure else float("inf")


def figures_of_one(ledger: Ledger) -> Iterator[Reckoned]:
    """Two claims that give a figure of one thing: of a head, of a case, of a year's money, of growth between years."""
    claims = [(name, claim) for name, claim in ledger.claims.items() if _of_one(claim)]
    for number, (name, one) in enumerate(claims):
        for other, two in claims[number + 1 :]:
            if _of_one(one) == _of_one(two):
                yield Reckoned(ledger, (name, other), bounds(name, one), bounds(other, two), per=_per(two))


def _per(claim: Claim) -> str:
    match claim:
        case PerHead():
            return A_YEAR_AND_HEAD
        case MoneyACase():
            return f"{claim.currency} a case"
        case MoneyAYear():
            return f"{claim.currency} a year"
    return TIMES_AS_MANY


def heads(ledger: Ledger) -> Iterator[Reckoned]:
    """The number a year that follows from that of one head, and a claim of the number a year."""
    for name, each in every(ledger, PerHead).items():
        for people in numbers(ledger, each.of):
            for other, volume in every(ledger, Volume).items():
                if volume.subject == each.subject:
                    implied = bounds(name, each).times(people)
                    yield Reckoned(ledger, (*implied.by, other), implied, bounds(other, volume), per=A_YEAR)


def costs_of_cases(ledger: Ledger) -> Iterator[Reckoned]:
    """Money a case by what all cost and how many there are, and a claim of the money a case."""
    for name, claim in every(ledger, MoneyACase).items():
        for cost in money(ledger, claim.subject, claim.currency):
            for cases in (*totals(ledger, claim.of), *numbers(ledger, claim.of)):
                implied = cost.over(cases) if cases.figure > 0 else None
                if implied is not None and name not in implied.by:
                    per = _per(claim)
                    yield Reckoned(ledger, (*dict.fromkeys(implied.by), name), implied, bounds(name, claim), per=per)


def budgets(ledger: Ledger) -> Iterator[Reckoned]:
    """A year's money by a share of what costs so much, or as it is known, and a claim of that money."""
    for name, claim in every(ledger, MoneyAYear).items():
        for cost in money(ledger, claim.subject, claim.currency):
            if cost.by != (name,) and not isinstance(ledger.claims.get(cost.by[0]), MoneyAYear):
                yield Reckoned(ledger, (*cost.by, name), cost, bounds(name, claim), per=_per(claim))


def growths(ledger: Ledger) -> Iterator[Reckoned]:
    """Growth a year over as many years as a claim of growth between two years has between them, and that claim."""
    for name, rate in every(ledger, GrowthRate).items():
        for other, between in every(ledger, GrowthBetween).items():
            if rate.subject != between.subject or (rate.since or 0) > between.given_from:
                continue
            if rate.over not in (None, between.years) and not rate.each_year:
                continue
            told = rate.each_year or (rate.since, ledger.figures_of) == (between.given_from, between.given_to)
            conditions: tuple[Condition, ...] = () if told else ("same years",)
            factors = grown(name, rate, between.years), bounds(other, between)
            yield Reckoned(ledger, (name, other), *factors, per=TIMES_AS_MANY, conditions=conditions)


def wholes(ledger: Ledger) -> Iterator[Match[Range, Volume]]:
    """The number of a part a year with its share, and a claim of the number of the whole."""
    volumes, shares = every(ledger, Volume), every(ledger, ShareOfWhole)
    for part, share in with_share(ledger):
        for name, whole in volumes.items():
            if whole.subject == shares[share].of and shares[share].quantity > 0:
                of = bounds(share, shares[share])
                yield Match(ledger, (part, share, name), bounds(part, volumes[part]), whole, of)


def parts(ledger: Ledger) -> Iterator[Match[list[Range], list[Range]]]:
    """The claimed shares of parts that exclude each other, and what is claimed of the number of the whole."""
    shares = every(ledger, ShareOfWhole)
    groups: dict[tuple[str, str], dict[str, str]] = {}
    for name, share in shares.items():
        subject = ledger.subjects[share.subject]
        if subject.part_of == share.of and subject.by is not None:
            groups.setdefault((share.of, subject.by), {})[share.subject] = name
    for (whole, _), of_subject in groups.items():
        if len(of_subject) > 1:
            *others, last = of_subject.values()
            found, known = [bounds(name, shares[name]) for name in (*others, last)], totals(ledger, whole)
            yield Match(ledger, (*_besides(last, known, others), last), found, known)


def shares_of_totals(ledger: Ledger) -> Iterator[Match[list[Range], ShareOfWhole]]:
    """A share of what there are claims of the number of, unless its own number is claimed."""
    claimed = {share for _, share in with_share(ledger)}
    for name, share in every(ledger, ShareOfWhole).items():
        if name not in claimed and (found := totals(ledger, share.of)):
            yield Match(ledger, (*_besides(name, found), name), found, share)


def volumes_in_totals(ledger: Ledger) -> Iterator[Match[list[Range], Range]]:
    """The number of a part, unless its share is claimed, and what is claimed of the number of a whole."""
    claimed = {volume for volume, _ in with_share(ledger)}
    for name, part in every(ledger, Volume).items():
        for whole in ledger.within(part.subject)[1:]:
            if name not in claimed and (found := totals(ledger, whole)):
                yield Match(ledger, (*_besides(name, found), name), found, bounds(name, part))


def _besides(about: str, found: list[Range], names: list[str] | None = None) -> tuple[str, ...]:
    """All claims that numbers rest on, each once."""
    return tuple(dict.fromkeys((*(names or ()), *(by for one in found for by in one.by if by != about))))


GrowthMatch = Match[Mapping[str, Volume], GrowthRate]
StaffMatch = Match[tuple[Mapping[str, GrowthRate], list[GainFact]], StaffingChange]


def growing(ledger: Ledger) -> Iterator[GrowthMatch]:
    """The growth over more than one year, and volumes to look at it from."""
    for name, growth in every(ledger, GrowthRate).items():
        if growth.over != 1:
            around = counted_with(ledger, growth)
            yield Match(ledger, (*around, name), around, growth)


def staffs(ledger: Ledger) -> Iterator[StaffMatch]:
    """A change of the staff, the growth of what it works on, and what helpers are known to gain."""
    gains = every(ledger, GainFact)
    grows = {name: growth for name, growth in every(ledger, GrowthRate).items() if counted_with(ledger, growth)}
    for name, change in every(ledger, StaffingChange).items():
        yield Match(ledger, (*grows, *gains, name), (grows, list(gains.values())), change)
