"""What claims of growth say: over years, beside a floor, of a part and its whole, and of the staff that bears it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import permutations
from typing import Final

from sim.scenario.claims import GainFact, GrowthRate, StaffingChange, Volume
from sim.scenario.ledger import Ledger
from sim.studies.claims.counts import shares, volumes, yearly
from sim.studies.claims.findings import Condition, Figure, Finding, a_year, percent, three, times, years

SOME_YEARS: Final = 5
"""Growth is looked at over so many years where no claim says over how many."""


def growth_found(ledger: Ledger) -> Iterator[Finding]:
    """Every finding on growth."""
    for name in growths(ledger):
        yield from _compounded(ledger, name)
        yield from _floor(ledger, name)
    yield from _growth_of_part(ledger)
    yield from _staff(ledger)


def growths(ledger: Ledger) -> dict[str, GrowthRate]:
    """The claims of growth; one that repeats another at the same rate is left out."""
    found = {name: claim for name, claim in ledger.claims.items() if isinstance(claim, GrowthRate)}
    return {
        name: claim
        for name, claim in found.items()
        if claim.repeats not in found or found[claim.repeats].quantity != claim.quantity
    }


def horizons(ledger: Ledger) -> list[int]:
    """The numbers of years over which growth is looked at: those that claims speak of."""
    found = {claim.over for claim in growths(ledger).values() if claim.over is not None and claim.over > 1}
    if ledger.figures_of is not None:
        since = (claim.since for claim in growths(ledger).values() if claim.since is not None)
        found |= {ledger.figures_of - year for year in since if year < ledger.figures_of}
    return sorted(found) or [SOME_YEARS]


def _compounded(ledger: Ledger, name: str) -> Iterator[Finding]:
    """What a rate of growth comes to over years, from the volumes that are claimed."""
    growth = growths(ledger)[name]
    rate = growth.quantity
    if growth.over == 1:
        return
    figures = [times(f"in {n} years", (1 + rate) ** n) for n in horizons(ledger)]
    if rate > 0:
        figures.append(years("to double", math.log(2) / math.log1p(rate)))
    rests: tuple[str, ...] = ()
    for volume, claim in _related(ledger, growth):
        now = yearly(claim.quantity)
        rests = (*rests, volume)
        n = horizons(ledger)[0]
        figures.append(a_year(f"{n} years after {three(now)}", now * (1 + rate) ** n))
        figures.append(a_year(f"{n} years before {three(now)}", now / (1 + rate) ** n))
    doubling = f" and doubles in {three(math.log(2) / math.log1p(rate))} years" if rate > 0 else ""
    yield Finding(
        "growth compounded",
        name,
        rests,
        "independent",
        "(1 + g)^n",
        tuple(figures),
        f"{three(100 * rate)} % a year is {figures[0].text} in {horizons(ledger)[0]} years{doubling}",
    )


def _related(ledger: Ledger, growth: GrowthRate) -> Iterator[tuple[str, Volume]]:
    """Volumes of what grows, or of a whole of which it is part or partly part."""
    subject = growth.subject
    around = {*ledger.within(subject), ledger.subjects[subject].overlaps}
    for name, claim in volumes(ledger).items():
        if claim.subject in around and ledger.subjects[claim.subject].part_of is None:
            yield name, claim


def _floor(ledger: Ledger, name: str) -> Iterator[Finding]:
    """Growth in every year, beside a volume in every year: what the level was, or must be by now."""
    growth = growths(ledger)[name]
    rate = growth.quantity
    n = max(horizons(ledger))
    if growth.since is not None and ledger.figures_of is not None:
        n = ledger.figures_of - growth.since
    for other, claim in volumes(ledger).items():
        if claim.subject != growth.subject or not claim.each_year or claim.sense == "at most" or rate <= 0 or n < 2:
            continue
        now = yearly(claim.quantity)
        first, before = now / (1 + rate) ** n, now / (1 + rate)
        needed = now * (1 + rate) ** (n - 1)
        figures = (
            a_year("a year before, at that level now", before),
            a_year("two years before", before / (1 + rate)),
            a_year(f"{n} years before", first),
            a_year(f"now, with that level {n - 1} years before", needed),
        )
        says = (
            f"growing by {three(100 * rate)} % a year, {three(now)} now were {three(first)} {n} years before; with "
            f"{three(now)} in the first full year they would be {three(needed)} now"
        )
        formula = "v / (1 + g)^n; v (1 + g)^(n - 1)"
        conditions: tuple[Condition, ...] = ("levels",) if claim.sense == "at least" else ()
        yield Finding("floor and growth", other, (name,), "at odds", formula, figures, says, conditions)


def _growth_of_part(ledger: Ledger) -> Iterator[Finding]:
    """A part that grows at another rate than the whole: its share changes."""
    found = growths(ledger)
    for name, other in permutations(found, 2):
        part, whole = found[name], found[other]
        if part.subject == whole.subject or whole.subject not in ledger.within(part.subject):
            continue
        ratio = (1 + part.quantity) / (1 + whole.quantity)
        n = horizons(ledger)[0]
        share = next(
            (one for one in shares(ledger).values() if (one.subject, one.of) == (part.subject, whole.subject)), None
        )
        figures = [times("the share, a year", ratio), percent(f"of its share left after {n} years", ratio**n)]
        says = f"its share of all changes by {three(ratio)} a year, to {three(100 * ratio**n)} % of itself in {n} years"
        if share is not None and 0 < share.quantity < 1 and ratio > 1:
            full = -math.log(share.quantity) / math.log(ratio)
            figures.append(years("until it is all", full))
            says += f", and it would be all in {three(full)} years"
        yield Finding(
            "growth of a part", name, (other,), "independent", "(1 + g_part) / (1 + g_whole)", tuple(figures), says
        )


def _staff(ledger: Ledger) -> Iterator[Finding]:
    """Fewer staff, beside growth and what helpers are known to gain: what each person must do more."""
    for name, change in ledger.claims.items():
        if not isinstance(change, StaffingChange) or change.quantity <= -1:
            continue
        steady = 1 / (1 + change.quantity)
        n = horizons(ledger)[0]
        figures = [times("work a person, at the same volume", steady)]
        rests: tuple[str, ...] = ()
        for growth, claim in growths(ledger).items():
            if not any(True for _ in _related(ledger, claim)):
                continue
            rests = (*rests, growth)
            figures.append(times(f"with a year of {growth}", steady * (1 + claim.quantity)))
            figures.append(times(f"with {n} years of {growth}", steady * (1 + claim.quantity) ** n))
        says = f"{three(-100 * change.quantity)} % fewer people do the same with {three(steady)} times the work each"
        if change.quantity > 0:
            says = f"{three(100 * change.quantity)} % more people do the same with {three(steady)} times the work each"
        for fact, gain in ledger.facts.items():
            if not isinstance(gain, GainFact):
                continue
            rests = (*rests, fact)
            figures += [percent("known gain from", gain.low), percent("known gain to", gain.high)]
            if gain.low > 0:
                figures.append(Figure("gain needed over the least known", (steady - 1) / gain.low, "times"))
            if steady - 1 > gain.high:
                known = f"{three(100 * gain.low)} to {three(100 * gain.high)} %"
                says += f"; helpers are known to gain {known}, so work must fall away"
        yield Finding("staff and growth", name, rests, "independent", "(1 + g)^n / (1 + change)", tuple(figures), says)
