"""What arithmetic says of the claims of a ledger: a table of rules, for any ledger. No claim is known by its name, and
nothing is simulated.

A rule is a row of `RULES`. To add one, add a row and a test beside those of `tests/studies/test_relations.py`:

* `of` matches statements that are about one thing: `pairs(ShareFact, ShareOfWhole)` takes any two of these kinds, the
  other matchers are in `matches.py`. In a match `m`, `m.first` and `m.last` are the statements; a finding is about the
  last of `m.names` and rests on the others.
* `when` tells to which matches it applies, `bound` the number that decides, `verdict` what follows from it (None:
  nothing worth saying), and `conditions` on what that rests besides the figures; "independent" rests on nothing.
* `formula`, `figures` and `says` are what the reader is told. A figure is its name, its value and its unit, a share as
  a part of 1 and a time in ticks; one whose value is None is left out. In a sentence {0} is the first figure, {first}
  and {last} are what the statements give, {share} is the share that is asked, {about} and {other} are the claims.

Rules of one matcher stand together: they are applied in turn to one match before the next is looked at.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, Generic, TypeVar

from sim.dynamics.clock import MINUTE
from sim.scenario.claims import Availability, CostRatio, GrowthBetween, GrowthRate, ShareFact, ShareOfWhole, Volume
from sim.scenario.ledger import Ledger
from sim.studies.claims import matches as on
from sim.studies.claims.matches import (
    COMMON_CVS,
    Match,
    TimesMatch,
    exponential_mean,
    least_shares,
    lognormal_of_cv,
    pairs,
)
from sim.studies.claims.statements import (
    NEAR,
    Condition,
    FigureFound,
    FigureUnit,
    Finding,
    Range,
    Standing,
    bounds,
    every,
    horizons,
    text,
    three,
    yearly,
)

VACUOUS: Final = 2.0
"""A figure that is implied so many times over says nothing."""

LEAST_RATIO: Final = 0.1
"""A threshold below this part of a mean is not looked at: nobody takes the two for one clock."""

PARTS_OF_A_MEAN: Final = (2, 4, 8, 24)
"""The mean of a class is also looked at where it is so many times shorter than claimed."""

MOST_SURGES: Final = 3
"""So many surges a year are looked at."""

Figures = Iterable[tuple[str, float | None, FigureUnit]]
M = TypeVar("M", bound=Match[Any, Any])


@dataclass(frozen=True, kw_only=True)
class Rule(Generic[M]):
    """What follows from statements that are about one thing."""

    name: str
    name_of_class: str = ""
    """Its name where the last is on a class of the first's tips, if that is another."""
    of: Callable[[Ledger], Iterator[M]]
    when: Callable[[M], bool] = lambda m: True
    bound: Callable[[M], float] = lambda m: math.nan
    verdict: Standing | Callable[[M, float], Standing | None] = "independent"
    conditions: tuple[Condition, ...] | Callable[[M], tuple[Condition, ...]] = ()
    formula: str | Callable[[M], str]
    figures: Callable[[M, float], Figures] = lambda m, bound: ()
    says: str | Callable[[M, float], str]

    def finding(self, m: M) -> Finding | None:
        """What the rule finds in a match of its own matcher; None where it does not apply or says nothing."""
        if not self.when(m):
            return None
        bound = self.bound(m)
        verdict = self.verdict(m, bound) if callable(self.verdict) else self.verdict
        if verdict is None:
            return None
        given = [(what, value, unit) for what, value, unit in self.figures(m, bound) if value is not None]
        says = self.says(m, bound) if callable(self.says) else self.says
        told = [text(value, unit) for _, value, unit in given]
        supposed: tuple[Condition, ...] = ("one clock",) if m.supposed else ()
        conditions = self.conditions(m) if callable(self.conditions) else self.conditions
        return Finding(
            relation=self.name_of_class if self.name_of_class and m.is_part else self.name,
            about=m.about,
            rests_on=m.names[:-1],
            verdict=verdict,
            formula=self.formula(m) if callable(self.formula) else self.formula,
            figures=tuple(FigureFound(what, _in_unit(value, unit), unit) for what, value, unit in given),
            says=says.format(*told, **m.words),
            plainly=says.format(*told, **m.plain_words),
            conditions=(*supposed, *(conditions if verdict != "independent" else ())),
            clocks=m.clocks,
            readings=m.readings,
        )


def relations(ledger: Ledger) -> list[Finding]:
    """Every finding between the claims of a ledger, those on one claim together, in the ledger's order."""
    found: list[Finding] = []
    rules: Iterable[Rule[Any]] = RULES
    for of, some in groupby(rules, key=lambda rule: rule.of):
        together = list(some)
        found += [one for m in of(ledger) for rule in together if (one := rule.finding(m)) is not None]
    order = {name: number for number, name in enumerate(ledger.claims)}
    return sorted(found, key=lambda one: order[one.about])


def _in_unit(value: float, unit: FigureUnit) -> float:
    """A share in per cent, ticks in minutes, and others as they are."""
    return 100 * value if unit == "%" else value / MINUTE if unit == "min" else value


def _odds(at_odds: bool) -> Standing:
    return "at odds" if at_odds else "independent"


def _by_margin(margin: float) -> Standing:
    """The verdict on a figure that others imply so many times over (less than once: not at all)."""
    return "vacuous" if margin >= VACUOUS else "implied" if margin >= 1 else "independent"


def _between(low: float, high: float) -> str:
    """Two shares in words, or one where they read alike."""
    return text(high, "%") if text(low, "%") == text(high, "%") else f"{three(100 * low)} to {text(high, '%')}"


# What rules on two times reckon with: E[T] is the mean, w the threshold, p the share asked, s that of the class.


def _over(m: TimesMatch) -> float:
    """The share over the second threshold at most, by Markov's inequality on the mean: E[T] / (s w)."""
    return m.first.ticks / (m.share.figure * m.last.ticks)


def _slow(m: TimesMatch) -> float:
    """The share of the last's tips over the first threshold at most: (1 - p) / s."""
    return (1 - m.first.share) / m.share.figure


def _slow_mean(m: TimesMatch, fast: float) -> float:
    """The mean that the slow ones need for that of all, with the others at a mean of `fast`."""
    return (m.last.ticks - (1 - _slow(m)) * fast) / _slow(m)


def _exponential(m: TimesMatch) -> float | None:
    """The mean of an exponential law with the share that the last asks; None where no law has it."""
    return exponential_mean(m.last.ticks, m.last.share) if 0 < m.last.share < 1 else None


def _least(m: TimesMatch) -> float:
    """The least share within the second threshold that a usual shape can have at the mean."""
    return min(one.share for one in least_shares(m.last.ticks / m.first.ticks).values())


def _is_usual(m: TimesMatch) -> bool:
    """Whether every usual shape has as many within the second threshold as are asked."""
    return not m.is_part and _least(m) >= m.last.share


def _rest(m: TimesMatch) -> float | None:
    """The mean of all others at most, with a class at the second threshold; None where that leaves them nothing."""
    share = m.share.figure
    left = m.first.ticks - share * m.last.ticks
    return left / (1 - share) if m.is_part and share < 1 and left >= 0 else None


def _tail(m: TimesMatch, over: float) -> Figures:
    """What Markov's inequality gives, and usual shapes where it is not enough."""
    yield "share over the threshold at most", over, "%"
    yield "share within at least", 1 - over, "%"
    if m.last.form == "share" and m.last.share > 1 - over and not m.is_part:
        ratio = m.last.ticks / m.first.ticks
        for law, one in least_shares(ratio).items():
            yield f"least share within, {law}", one.share, "%"
            yield "at sigma" if law == "lognormal" else f"at {law} shape", one.shape, ""
        yield "share within, exponential", -math.expm1(-ratio), "%"


# What rules on numbers reckon with: a year's number of a part over its share is the whole.


def _gap(m: Match[ShareFact, ShareOfWhole]) -> float:
    """How far a share as claimed is from what is known of it; not above 0 where the ranges meet."""
    claimed = bounds(m.about, m.last)
    return max(claimed.low - m.first.high, m.first.low - claimed.high)


def _factor(m: Match[Range, Volume]) -> float:
    """The whole by a part and its share over the whole that is claimed."""
    return m.first.over(m.share).figure / yearly(m.last)


def _of_whole(m: Match[Range, Volume], factor: float) -> Standing:
    """The verdict on a whole as it bounds, beside the one that a part and its share imply."""
    return _beside(m.first.over(m.share), bounds(m.about, m.last), factor)


def _beside(implied: Range, stated: Range, factor: float) -> Standing:
    """The verdict on a number as it bounds, beside the one that others imply, so many times as large."""
    if implied.low > stated.high or implied.high < stated.low:
        return "at odds"
    if implied.low >= stated.low and implied.high <= stated.high:
        return "vacuous" if factor >= VACUOUS or factor <= 1 / VACUOUS else "implied"
    return "implied" if abs(factor - 1) <= NEAR else "independent"


def _reckoned(m: on.Reckoned, factor: float) -> Figures:
    yield f"implied, {m.per}", m.first.figure, m.unit
    yield f"claimed, {m.per}", m.last.figure, m.unit
    yield "the one over the other", factor, "times"


def _only_as_levels(m: on.Reckoned, factor: float) -> Standing | None:
    """At odds where only the bounds leave room, and the figures as they are given do not."""
    return "at odds" if _beside(m.first, m.last, factor) != "at odds" and abs(factor - 1) > NEAR else None


def _one_year(factor: float, years: int) -> float:
    """The mean growth a year that makes so many times as many in so many years."""
    return float(max(factor, 0.0) ** (1 / years)) - 1


def _later(m: Match[GrowthBetween, GrowthBetween]) -> int:
    """The years between two years that lie outside two other ones within these; 0 where the two do not lie so."""
    inner, outer = m.first, m.last
    lies = outer.given_from <= inner.given_from and inner.given_to <= outer.given_to
    return outer.years - inner.years if lies and inner.subject == outer.subject else 0


def _part_and_whole(m: Match[Range, Volume], factor: float) -> Figures:
    yield "total by volume and share", m.first.over(m.share).figure, "a year"
    yield "total claimed", yearly(m.last), "a year"
    yield "the one over the other", factor, "times"
    yield "part by total and share", yearly(m.last) * m.share.figure, "a year"


def _together(m: Match[list[Range], list[Range]], together: float) -> Figures:
    left = max(1 - together, 0.0)
    yield "together", together, "%"
    yield "left for all others", left, "%"
    yield from ((f"left, of {three(total.figure)}", left * total.figure, "a year") for total in m.last)


def _too_many(m: Match[list[Range], list[Range]]) -> bool:
    return sum(one.low for one in m.first) > 1 + 1e-9


def _by_total(m: Match[list[Range], Any]) -> str:
    """The figures by each total that is claimed, in words."""
    return ", or ".join(f"{{{n}}} of {three(total.figure)}" for n, total in enumerate(m.first))


def _is_one(m: Match[CostRatio, CostRatio]) -> bool:
    """Whether two cost ratios are of one cost and one base."""
    return (m.first.subject, m.first.of) == (m.last.subject, m.last.of)


# What rules on growth reckon with: (1 + g)^n over n years.


def _doubling(growth: GrowthRate) -> float | None:
    return math.log(2) / math.log1p(growth.quantity) if growth.quantity > 0 else None


def _compounded(m: on.GrowthMatch, factor: float) -> Figures:
    some = horizons(m.ledger)
    yield from ((f"in {n} years", factor**n, "times") for n in some)
    yield "to double", _doubling(m.last), "years"
    for now in map(yearly, m.first.values()):
        yield f"{some[0]} years after {three(now)}", now * factor ** some[0], "a year"
        yield f"{some[0]} years before {three(now)}", now / factor ** some[0], "a year"


def _since(m: Match[GrowthRate, Volume]) -> int:
    """The years since a growth began, or the most that are looked at."""
    if m.first.since is not None and m.ledger.figures_of is not None:
        return m.ledger.figures_of - m.first.since
    return max(horizons(m.ledger))


def _levels(m: Match[GrowthRate, Volume], n: float) -> Figures:
    now, grown = yearly(m.last), 1 + m.first.quantity
    yield "a year before, at that level now", now / grown, "a year"
    yield "two years before", now / grown / grown, "a year"
    yield f"{n} years before", now / grown**n, "a year"
    yield f"now, with that level {n - 1} years before", now * grown ** (n - 1), "a year"


def _full(m: Match[GrowthRate, GrowthRate], ratio: float) -> float | None:
    """The years until a part that grows faster is the whole; None where it never is."""
    of = (m.last.subject, m.first.subject)
    claimed = every(m.ledger, ShareOfWhole).values()
    share = next((one.quantity for one in claimed if (one.subject, one.of) == of), 0.0)
    return -math.log(share) / math.log(ratio) if 0 < share < 1 < ratio else None


def _work(m: on.StaffMatch, each: float) -> Figures:
    n = horizons(m.ledger)[0]
    yield "work a person, at the same volume", each, "times"
    for name, growth in m.first[0].items():
        yield f"with a year of {name}", each * (1 + growth.quantity), "times"
        yield f"with {n} years of {name}", each * (1 + growth.quantity) ** n, "times"
    for gain in m.first[1]:
        yield "known gain from", gain.low, "%"
        yield "known gain to", gain.high, "%"
        yield "gain needed over the least known", (each - 1) / gain.low if gain.low > 0 else None, "times"


def _too_little(m: on.StaffMatch, each: float) -> str:
    """The known gains that do not make up for the people who are fewer, in words."""
    return "".join(
        f"; helpers are known to gain {three(100 * gain.low)} to {text(gain.high, '%')}, so work must fall away"
        for gain in m.first[1]
        if each - 1 > gain.high
    )


# A table, laid out by hand: what a row matches, then what follows, then what is said.
# fmt: off
RULES: Final = (
    Rule(
        name="one figure", of=on.repeated, verdict="implied", formula="the same figure of the same thing",
        says=lambda m, _: "{about} says " + ("the same as" if m.first == m.last else "less than")
        + " {other}: score them once"),

    # Two times: what the first says is a bound from above, and the question is what it leaves of the last.
    Rule(
        name="all within a limit", of=on.times,
        when=lambda m: m.are("all", "mean") and m.last.ticks >= m.first.ticks,
        bound=lambda m: m.last.ticks / m.first.ticks, verdict=lambda m, margin: _by_margin(margin),
        formula="T <= w for all  =>  E[T] <= w",
        figures=lambda m, margin: [
            ("limit of all", m.first.ticks, "min"), ("mean claimed", m.last.ticks, "min"),
            ("implied so many times over", margin, "times")],
        says="if all take at most {0}, no mean is longer: {about} says {2} times that"),
    Rule(
        name="all within a limit", of=on.times,
        when=lambda m: m.are("all", "share", "some") and m.last.ticks >= m.first.ticks,
        verdict="implied", formula="T <= w for all  =>  P(T > w') = 0 for w' >= w",
        figures=lambda m, _: [
            ("limit of all", m.first.ticks, "min"), ("threshold", m.last.ticks, "min"),
            ("share over the threshold", 0.0, "%")],
        says="if all take at most {0}, none takes longer than {1}"),
    Rule(
        name="two means", name_of_class="mean of a class", of=on.times, when=lambda m: m.are("mean", "mean"),
        bound=lambda m: m.first.ticks / m.share.figure, verdict=lambda m, most: _by_margin(m.last.ticks / most),
        formula=lambda m: "s E[T | class] <= E[T]" if m.is_part else "E[T] <= m",
        figures=lambda m, most: [
            ("share of the class", m.share.figure, "%"), ("mean of the class at most", most, "min"),
            ("implied so many times over", m.last.ticks / most, "times"),
            ("share over the claimed mean at most", min(m.first.ticks / m.last.ticks, 1.0), "%")],
        says=lambda m, _: "a mean of {first} over all leaves " + ("the class" if m.is_part else "the same tips")
        + " at most {1} on average, and {about} says {last}"),
    Rule(
        name="two means", name_of_class="mean of a class", of=on.times, when=lambda m: m.are("mean", "mean"),
        bound=lambda m: m.share.figure * m.last.ticks,
        verdict=lambda m, overall: "at odds" if overall > m.first.ticks else None, conditions=("levels",),
        formula=lambda m: "s E[T | class] <= E[T]" if m.is_part else "E[T] <= m",
        figures=lambda m, overall: [
            ("share of the class", m.share.figure, "%"), ("overall mean at least", overall, "min"),
            ("times the mean over all", overall / m.first.ticks, "times"),
            *((f"overall mean at least, with {text(m.last.ticks / part, 'min')}", overall / part, "min")
              for part in PARTS_OF_A_MEAN if m.is_part)],
        says="a mean near {last} alone makes the mean over all at least {1}, {2} times what {other} says"),
    Rule(
        name="mean bounds tail", of=on.times, when=lambda m: m.are("mean", "some"),
        bound=_over, verdict=lambda m, over: "implied" if over <= 1 else None,
        formula=lambda m: "P(T > w | class) <= E[T] / (s w)" if m.is_part else "P(T > w) <= E[T] / w", figures=_tail,
        says="a mean of {first} leaves at most {0} over {last}, so some take no longer"),
    Rule(
        name="mean bounds tail", of=on.times, when=lambda m: m.are("mean", "share") and _over(m) < 1,
        bound=_over,
        verdict=lambda m, over: "implied" if m.last.share <= 1 - over else None if _is_usual(m) else "independent",
        formula=lambda m: "P(T > w | class) <= E[T] / (s w)" if m.is_part else "P(T > w) <= E[T] / w", figures=_tail,
        says=lambda m, over: "a mean of {first} leaves at most {0} over {last}; {about} asks "
        + ("less" if m.last.share <= 1 - over else "more")),
    Rule(
        name="mean bounds tail", of=on.times, when=lambda m: m.are("mean", "share") and _over(m) < 1,
        bound=_over, verdict=lambda m, over: "implied" if m.last.share > 1 - over and _is_usual(m) else None,
        conditions=("usual shape",),
        formula="P(T > w) <= E[T] / w; least over lognormal, gamma and Weibull shapes", figures=_tail,
        says=lambda m, _: "a mean of {first} leaves at most {0} over {last}; of usual shapes none has less than "
        f"{text(_least(m), '%')} within"),
    Rule(
        name="usual shapes at a mean", of=on.times,
        when=lambda m: m.are("mean", "share") and _over(m) >= 1 and m.last.share > 0,
        bound=lambda m: m.last.ticks / m.first.ticks,
        verdict=lambda m, ratio: "independent" if m.last.ticks >= LEAST_RATIO * m.first.ticks else None,
        formula="P(T <= w) by law and cv at E[T]",
        figures=lambda m, ratio: [
            ("exponential mean needed", _exponential(m), "min"),
            *((f"share within, lognormal of cv {cv:g}", lognormal_of_cv(ratio, cv), "%") for cv in COMMON_CVS),
            ("share of the class", None if _rest(m) is None else m.share.figure, "%"),
            ("mean of the rest at most", _rest(m), "min")],
        says=lambda m, ratio: "a mean of {first} says nothing of {last}: lognormal times of cv 1 would have "
        f"{text(lognormal_of_cv(ratio, 1.0), '%')} within"
        + ("" if (rest := _rest(m)) is None
           else f"; with the class at {{last}} the rest may take {text(rest, 'min')}")),
    Rule(
        name="tail bounds mean", of=on.times, when=lambda m: m.are("mean", "share") and 0 < m.last.share < 1,
        bound=lambda m: m.share.figure * (1 - m.last.share) * m.last.ticks, conditions=("levels",),
        verdict=lambda m, least: "at odds" if least > m.first.ticks else None if m.is_part else "independent",
        formula=lambda m: "E[T] >= s (1 - p) w" if m.is_part else "E[T] >= (1 - p) w",
        figures=lambda m, least: [
            ("mean at least, if only just met", least, "min"),
            ("times the mean claimed", least / m.first.ticks, "times"),
            *(() if m.is_part else (
                ("share within that the mean allows", max(1 - m.first.ticks / m.last.ticks, 0.0), "%"),
                ("mean of an exponential law with that share", _exponential(m), "min")))],
        says=lambda m, least: "if only just {share} are within {last}, the mean is at least {0}, "
        + ("{1} times what {other} says" if least > m.first.ticks else "and may be as long as you like")),
    Rule(
        name="tail and mean", name_of_class="tail and mean of a class", of=on.times,
        when=lambda m: m.are("share", "mean") and m.last.ticks > m.first.ticks,
        bound=_slow, verdict=lambda m, slow: "independent" if slow < 1 else None,
        formula="P(T > w | class) <= (1 - p) / s;  E[T | class] = q E[slow] + (1 - q) E[fast]",
        figures=lambda m, slow: [
            ("slow ones at most", slow, "%"),
            ("mean of the slow at least, the others at the threshold", _slow_mean(m, m.first.ticks), "min"),
            ("mean of the slow, the others at once", _slow_mean(m, 0), "min")],
        says=lambda m, _: "at most {0} " + ("of the class" if m.is_part else "of them")
        + " take longer than {first}: for a mean of {last} these would take {1} or more"),
    Rule(
        name="share sooner", of=on.times,
        when=lambda m: m.are("share", "share", "some") and m.last.ticks >= m.first.ticks, bound=_slow,
        verdict=lambda m, over:
            "implied" if (over < 1 if m.last.form == "some" else over <= 1 - m.last.share + 1e-12) else None,
        formula=lambda m:
            "P(T > w' | class) <= (1 - p) / s for w' >= w" if m.is_part else "P(T > w') <= P(T > w) for w' >= w",
        figures=lambda m, over: [
            ("share over the threshold at most", over, "%"), ("threshold", m.first.ticks, "min")],
        says="at most {0} take longer than {first}; {about} asks no more"),
    Rule(
        name="order of percentiles", of=on.times,
        when=lambda m: m.are("share", "share") and not m.is_part and m.first.is_level and m.last.is_level
        and m.first.share > m.last.share and m.first.ticks < m.last.ticks,
        verdict="at odds", conditions=("levels",), formula="Q(p) <= Q(p') for p <= p'",
        figures=lambda m, _: [
            ("the larger share", m.first.share, "%"), ("takes no longer than", m.first.ticks, "min"),
            ("the smaller share", m.last.share, "%"), ("is said to take", m.last.ticks, "min")],
        says="{0} take no longer than {1}, so {2} of them cannot take as long as {3}"),
    Rule(
        name="time left between", of=on.times,
        when=lambda m: m.step and m.first.form == m.last.form == "share" and m.last.ticks > m.first.ticks,
        formula="T' >= T",
        figures=lambda m, _: [
            ("time left for the steps between", m.last.ticks - m.first.ticks, "min"),
            ("exponential mean needed for the later", _exponential(m), "min")],
        says="after the {first} of {other} there are {0} left; {about} bounds {other} by {last} only, and {other} says "
        "nothing of {about}"),

    # A share in time, and those who are not recognised, who are lost, or who come all at once.
    Rule(
        name="cap of labels", of=on.limits, when=lambda m: m.by == "labels",
        bound=lambda m: m.first.high, verdict=lambda m, cap: _odds(m.last.share > cap), conditions=("out of reach",),
        formula="P(T <= w | true) <= P(recognised | true)",
        figures=lambda m, cap: [
            ("share recognised at least", m.first.low, "%"), ("share recognised at most", cap, "%"),
            ("share claimed", m.last.share, "%"),
            ("of the others to be brought there in time", max((m.last.share - cap) / (1 - cap), 0.0), "%")],
        says=lambda m, cap: f"of those who truly are so {_between(m.first.low, cap)} are recognised, and no others get "
        "there: {2} " + ("is out of reach, whatever the staff" if m.last.share > cap else "may be within reach")),
    Rule(
        name="lost and in time", of=on.limits, when=lambda m: m.by == "lost",
        bound=lambda m: 1 - m.first.figure, verdict=lambda m, best: _odds(best < m.last.share - 1e-12),
        conditions=("lost count",), formula="P(in time) <= (1 - a) P(in time | not lost)",
        figures=lambda m, best: [
            ("share lost", m.first.figure, "%"), ("share within at most", best, "%"),
            ("lost at most, if all others are in time", 1 - m.last.share, "%")],
        says="if {0} are lost and count, at most {1} are in time, and {about} asks {share}"),
    Rule(
        name="lost and in time", of=on.limits,
        when=lambda m: m.by == "lost beside a mean" and 1 - m.first.figure >= m.last.share - 1e-12,
        bound=lambda m: m.sure * (1 - m.first.figure),
        verdict=lambda m, together: "independent" if m.sure >= m.last.share > together else None,
        formula="P(in time) >= (1 - a) (1 - E[T] / w)",
        figures=lambda m, together: [
            ("share lost", m.first.figure, "%"), ("in time of those not lost, for certain", m.sure, "%"),
            ("in time of all, for certain", together, "%")],
        says="{mean} alone would imply {about}, with {1} in time; once {0} are lost and count it is {2}, and no longer "
        "does"),
    Rule(
        name="share of a year and surges", of=on.limits, when=lambda m: m.by == "surge",
        bound=lambda m: next((n for n in range(366) if m.of_year(n + 1) > 1 - m.last.share), 366),
        formula="n d f / (365 + n d (f - 1)) <= 1 - p",
        figures=lambda m, survived: [
            *((f"share of the year in {n}", m.of_year(n), "%") for n in range(1, MOST_SURGES + 1)),
            ("share that may be late", 1 - m.last.share, "%"), ("surges survived", survived, "surges")],
        says=lambda m, survived:
            f"one such surge holds {{0}} of a year: {{about}} bears {survived or 'not one'} in which all are late"),

    # Shares beside what is known of them, and beside those who cannot be among them.
    Rule(
        name="share and what is known", of=pairs(ShareFact, ShareOfWhole),
        when=lambda m: (m.first.subject, m.first.of) == (m.last.subject, m.last.of),
        bound=_gap, verdict=lambda m, gap: _odds(gap > 0), conditions=("levels",),
        formula=lambda m: "the ranges do not meet" if _gap(m) > 0 else "the ranges meet",
        figures=lambda m, _: [
            ("share claimed", m.last.quantity, "%"), ("from", m.first.low, "%"), ("to", m.first.high, "%")],
        says=lambda m, _: "{about} says {0}, and elsewhere it is " + _between(m.first.low, m.first.high)),
    Rule(
        name="share out of reach", of=pairs(ShareOfWhole, ShareOfWhole),
        when=lambda m: m.first.of == m.last.of and m.last.subject in m.ledger.subjects[m.first.subject].hinders,
        bound=lambda m: 1 - m.first.quantity, verdict=lambda m, cap: _odds(m.last.quantity > cap),
        conditions=lambda m: ("levels", "out of reach") if m.first.sense == "at most" else ("out of reach",),
        formula="p <= (1 - a) + a r",
        figures=lambda m, cap: [
            ("share that can be reached", cap, "%"),
            ("of the others to be reached", max(m.last.quantity - cap, 0.0) / (m.first.quantity or 1.0), "%")],
        says="with {first} out of reach at most {0} are served; {about} needs {1} of the others too"),
    Rule(
        name="everywhere and coverage", of=pairs(ShareOfWhole, Availability),
        when=lambda m: m.first.of == m.last.of and m.first.quantity < 1,
        verdict="at odds", conditions=lambda m: ("levels",) if m.first.sense == "at least" else (),
        formula="everywhere  =>  coverage = 100 %",
        figures=lambda m, _: [("without", 1 - m.first.quantity, "%"), ("hops for those at least", 2, "times")],
        says="{about} speaks of all, and {other} of {first}: the other {0} are there only by way of others"),

    # Numbers a year, and shares of them.
    Rule(
        name="volume and share", of=on.wholes, bound=_factor, verdict=_of_whole,
        formula="total = volume of part / share of part", figures=_part_and_whole,
        says="{first} a year that are {share} make a total of {0}; {about} says {sense} {last}"),
    Rule(
        name="volume and share", of=on.wholes, bound=_factor,
        verdict=lambda m, factor: "at odds" if _of_whole(m, factor) != "at odds" and abs(factor - 1) > NEAR else None,
        conditions=("levels",), formula="total = volume of part / share of part", figures=_part_and_whole,
        says="{first} a year that are {share} make a total of {0}, {2} times the {last} of {about}"),
    Rule(
        name="parts of a whole", of=on.parts, bound=lambda m: sum(one.figure for one in m.first),
        verdict=lambda m, _: _odds(_too_many(m)), formula="sum of shares <= 1", figures=_together,
        says=lambda m, _:
            "by {by} they make {0} together" + (", more than all" if _too_many(m) else ", which leaves {1}")),
    Rule(
        name="share of a volume", of=on.shares_of_totals, formula="part = share x total",
        figures=lambda m, _: [(f"of {three(one.figure)}", m.last.quantity * one.figure, "a year") for one in m.first],
        says=lambda m, _: "{last} are " + _by_total(m)),
    Rule(
        name="volume in a volume", of=on.volumes_in_totals,
        bound=lambda m: max(m.last.low - one.high for one in m.first),
        verdict=lambda m, over: _odds(over > 0 or all(m.last.figure > one.figure for one in m.first)),
        conditions=lambda m: () if any(m.last.low > one.high for one in m.first) else ("levels",),
        formula="volume of part <= volume of whole",
        figures=lambda m, _: [(f"of {three(one.figure)}", m.last.figure / one.figure, "%") for one in m.first],
        says=lambda m, _: "{last} a year are " + _by_total(m)),
    Rule(
        name="cost ratios", of=pairs(CostRatio, CostRatio, once=True),
        when=lambda m: m.first.quantity > 0 and m.last.quantity > 0,
        bound=lambda m: m.first.quantity / m.last.quantity,
        verdict=lambda m, factor: "at odds" if abs(factor - 1) > NEAR else "implied" if _is_one(m) else "independent",
        conditions=lambda m: () if _is_one(m) else ("one thing",), formula="q1 / q2 = base2 / base1 of one cost",
        figures=lambda m, factor: [
            ("base of the second, if one cost", factor, "times"),
            ("cost of the second, if one base", 1 / factor, "times")],
        says="if the costs are one, the second base is {0} times the first; if the bases are one, the second cost is "
        "{1} times the first"),
    Rule(
        name="two figures of one thing", of=on.figures_of_one, bound=lambda m: m.factor,
        verdict=lambda m, factor: "at odds" if _beside(m.first, m.last, factor) == "at odds" else None,
        formula="q1 = q2", figures=_reckoned, says="{other} says {0} {per}, and {about} says {1}"),
    Rule(
        name="two figures of one thing", of=on.figures_of_one, bound=lambda m: m.factor, verdict=_only_as_levels,
        conditions=("levels",), formula="q1 = q2", figures=_reckoned,
        says="{other} says {0} {per}, and {about} says {1}"),
    Rule(
        name="heads and volume", of=on.heads, bound=lambda m: m.factor,
        verdict=lambda m, factor: _beside(m.first, m.last, factor), formula="volume = heads x number of one head",
        figures=_reckoned, says="by heads they are {0} a year; {about} says {sense} {1}"),
    Rule(
        name="heads and volume", of=on.heads, bound=lambda m: m.factor, verdict=_only_as_levels,
        conditions=("levels",), formula="volume = heads x number of one head", figures=_reckoned,
        says="by heads they are {0} a year, {2} times the {1} of {about}"),
    Rule(
        name="money and cases", of=on.costs_of_cases, bound=lambda m: m.factor,
        verdict=lambda m, factor: _beside(m.first, m.last, factor),
        formula="money a case = money a year / cases a year", figures=_reckoned,
        says="by cost and number it is {0} {per}; {about} says {sense} {1}"),
    Rule(
        name="money and cases", of=on.costs_of_cases, bound=lambda m: m.factor, verdict=_only_as_levels,
        conditions=("levels",), formula="money a case = money a year / cases a year", figures=_reckoned,
        says="by cost and number it is {0} {per}, {2} times the {1} of {about}"),
    Rule(
        name="money and budget", of=on.budgets, bound=lambda m: m.factor,
        verdict=lambda m, factor: _beside(m.first, m.last, factor), formula="cost = share x budget",
        figures=_reckoned, says="by the budget it is {0} {per}; {about} says {sense} {1}"),
    Rule(
        name="money and budget", of=on.budgets, bound=lambda m: m.factor, verdict=_only_as_levels,
        conditions=("levels",), formula="cost = share x budget", figures=_reckoned,
        says="by the budget it is {0} {per}, {2} times the {1} of {about}"),

    # Growth over years, and the staff that bears it.
    Rule(
        name="growth compounded", of=on.growing, bound=lambda m: 1 + m.last.quantity, formula="(1 + g)^n",
        figures=_compounded,
        says=lambda m, _: f"{{last}} a year is {{0}} times in {horizons(m.ledger)[0]} years"
        + ("" if (double := _doubling(m.last)) is None else f" and doubles in {three(double)} years")),
    Rule(
        name="floor and growth", of=pairs(GrowthRate, Volume),
        when=lambda m: m.first.subject == m.last.subject and m.first.quantity > 0 and _since(m) > 1,
        bound=_since,
        verdict=lambda m, _: "at odds" if m.last.each_year and m.last.sense != "at most" else None,
        conditions=lambda m: ("levels",) if m.last.sense == "at least" else (),
        formula="v / (1 + g)^n; v (1 + g)^(n - 1)", figures=_levels,
        says=lambda m, n: f"growing by {{first}} a year, {{last}} now were {{2}} {n} years before; with {{last}} in "
        "the first full year they would be {3} now"),
    Rule(
        name="growth between years", of=on.growths, bound=lambda m: m.factor,
        verdict=lambda m, factor: _beside(m.first, m.last, factor), conditions=lambda m: m.conditions,
        formula="(1 + g)^n = 1 + growth in all", figures=_reckoned,
        says="by {other} there are {0} times as many in the end, and by {about} {1} times"),
    Rule(
        name="growth between years", of=on.growths, bound=lambda m: m.factor, verdict=_only_as_levels,
        conditions=lambda m: ("levels", *m.conditions), formula="(1 + g)^n = 1 + growth in all", figures=_reckoned,
        says="by {other} there are {0} times as many in the end, and by {about} {1} times"),
    Rule(
        name="growth within growth", of=pairs(GrowthBetween, GrowthBetween), when=lambda m: _later(m) > 0,
        bound=lambda m: (1 + m.last.quantity) / (1 + m.first.quantity) if m.first.quantity > -1 else math.inf,
        formula="(1 + growth in all) / (1 + growth of some years)",
        figures=lambda m, factor: [
            ("in the other years", factor, "times"), ("the other years", _later(m), "years"),
            ("growth a year in them", _one_year(factor, _later(m)), "%")],
        says="{other} takes {first} of the {last} of {about}: the other years come to {0} times, {2} a year"),
    Rule(
        name="floor and growth between", of=pairs(GrowthBetween, Volume),
        when=lambda m: m.first.subject == m.last.subject and m.first.quantity > 0,
        bound=lambda m: yearly(m.last) / (1 + m.first.quantity),
        verdict=lambda m, _: "at odds" if m.last.each_year and m.last.sense != "at most" else None,
        conditions=lambda m: ("levels",) if m.last.sense == "at least" else (),
        formula="v / (1 + growth in all)",
        figures=lambda m, before: [
            ("before, at that level now", before, "a year"),
            ("growth a year", _one_year(1 + m.first.quantity, m.first.years), "%")],
        says="growing by {first} in all, {last} now were {0} before, and {about} says {last} of every year"),
    Rule(
        name="growth of a part", of=pairs(GrowthRate, GrowthRate),
        when=lambda m: m.first.subject in m.ledger.within(m.last.subject)[1:],
        bound=lambda m: (1 + m.last.quantity) / (1 + m.first.quantity), formula="(1 + g_part) / (1 + g_whole)",
        figures=lambda m, ratio: [
            ("the share, a year", ratio, "times"),
            (f"of its share left after {(n := horizons(m.ledger)[0])} years", ratio**n, "%"),
            ("until it is all", _full(m, ratio), "years")],
        says=lambda m, ratio:
            f"its share of all changes by {{0}} a year, to {{1}} of itself in {horizons(m.ledger)[0]} years"
            + ("" if _full(m, ratio) is None else ", and it would be all in {2} years")),
    Rule(
        name="staff and growth", of=on.staffs, bound=lambda m: 1 / (1 + m.last.quantity),
        formula="(1 + g)^n / (1 + change)", figures=_work,
        says=lambda m, each:
            f"{text(abs(m.last.quantity), '%')} {'more' if m.last.quantity > 0 else 'fewer'} people do "
            "the same with {0} times the work each"
            + _too_little(m, each)),
)
# fmt: on
