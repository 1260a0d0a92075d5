"""Limits that claims set each other beyond times: labels, surges, those who are lost, out of reach or not covered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sim.dynamics.clock import DAY, YEAR
from sim.scenario.claims import Availability, ShareFact, ShareOfWhole, SurgeFact, Zero
from sim.scenario.ledger import Ledger
from sim.studies.claims.findings import Figure, Finding, Verdict, percent, three, times
from sim.studies.claims.statements import STATED, Range, Timed, bounds, shares_of, timed

MOST_SURGES: Final = 3
"""So many surges a year are looked at."""


def limits_found(ledger: Ledger) -> Iterator[Finding]:
    """Every finding on a limit."""
    statements = timed(ledger)
    for one in statements:
        if one.form == "share" and one.share > 0:
            yield from _label(ledger, one)
            yield from _lost(ledger, one, statements)
            if 0.5 <= one.share < 1 and one.whole_run:
                yield from _surges(ledger, one)
    yield from _against_facts(ledger)
    yield from _out_of_reach(ledger)
    yield from _coverage(ledger)


def _label(ledger: Ledger, one: Timed) -> Iterator[Finding]:
    """A clock whose end only a part of the subject reaches: no share within any time is above that part's."""
    only = ledger.clocks[one.clock].reached_by
    if only is None or only == one.subject or one.subject not in ledger.within(only):
        return
    for cap in shares_of(ledger, only, one.subject):
        if cap.high >= 1:
            continue  # a claim that all are recognised caps nothing
        claimed = tuple(
            name
            for name, claim in ledger.claims.items()
            if isinstance(claim, ShareOfWhole)
            and (claim.subject, claim.of) == (only, one.subject)
            and name != one.claim
        )
        over = one.share > cap.high
        figures = [
            percent("share recognised at least", cap.low),
            percent("share recognised at most", cap.high),
            percent("share claimed", one.share),
            percent("of the others to be brought there in time", max((one.share - cap.high) / (1 - cap.high), 0.0)),
        ]
        beyond = "is out of reach, whatever the staff" if over else "may be within reach"
        yield Finding(
            "cap of labels",
            one.claim,
            tuple(dict.fromkeys((*claimed, *cap.by))),
            "at odds" if over else "independent",
            "P(T <= w | true) <= P(recognised | true)",
            tuple(figures),
            f"of those who truly are so {_range(cap)} are recognised, and no others get there: "
            f"{three(100 * one.share)} % {beyond}",
            ("out of reach",) if over else (),
            (one.clock,),
            one.readings,
        )


def _range(cap: Range) -> str:
    low, high = three(100 * cap.low), three(100 * cap.high)
    return f"{high} %" if low == high else f"{low} to {high} %"


def _lost(ledger: Ledger, one: Timed, statements: list[Timed]) -> Iterator[Finding]:
    """Those who never reach the end of a clock count as too late, if they count."""
    for name, subject in ledger.subjects.items():
        if one.clock not in subject.hinders or subject.part_of != one.subject:
            continue
        lost = shares_of(ledger, name, one.subject)
        none = tuple(c for c, claim in ledger.claims.items() if isinstance(claim, Zero) and claim.subject == name)
        for share in lost:
            best = 1 - share.figure
            figures = [
                percent("share lost", share.figure),
                percent("share within at most", best),
                percent("lost at most, if all others are in time", 1 - one.share),
            ]
            verdict: Verdict = "at odds" if best < one.share - 1e-12 else "independent"
            says = (
                f"if {three(100 * share.figure)} % are lost and count, at most {three(100 * best)} % are in time, "
                f"and {one} asks {three(100 * one.share)} %"
            )
            yield Finding(
                "lost and in time",
                one.claim,
                (*none, *share.by),
                verdict,
                "P(in time) <= (1 - a) P(in time | not lost)",
                tuple(figures),
                says,
                ("lost count",) if verdict == "at odds" else (),
                (one.clock,),
                one.readings,
            )
            yield from _lost_beside_mean(one, statements, share, none)


def _lost_beside_mean(one: Timed, statements: list[Timed], lost: Range, none: tuple[str, ...]) -> Iterator[Finding]:
    """The same where a mean leaves only so many of the others in time for certain."""
    for mean in statements:
        shared = set(mean.readings) & set(one.readings)
        if mean.form != "mean" or mean.subject != one.subject or mean.ticks >= one.ticks or not shared:
            continue
        sure = 1 - mean.ticks / one.ticks
        together = sure * (1 - lost.figure)
        if sure < one.share or together >= one.share or 1 - lost.figure < one.share - 1e-12:
            continue
        yield Finding(
            "lost and in time",
            one.claim,
            (*none, mean.claim, *lost.by),
            "independent",
            "P(in time) >= (1 - a) (1 - E[T] / w)",
            (
                percent("share lost", lost.figure),
                percent("in time of those not lost, for certain", sure),
                percent("in time of all, for certain", together),
            ),
            f"{mean} alone would imply {one}, with {three(100 * sure)} % in time; once {three(100 * lost.figure)} % "
            f"are lost and count it is {three(100 * together)} %, and no longer does",
            ("one clock",) if mean.clock != one.clock else (),
            (mean.clock, one.clock) if mean.clock != one.clock else (one.clock,),
            tuple(sense for sense in one.readings if sense in shared),
        )


def _surges(ledger: Ledger, one: Timed) -> Iterator[Finding]:
    """How many surges in which all are late a share over the year survives."""
    if ledger.subjects[one.subject].part_of is not None:
        return
    for name, fact in ledger.facts.items():
        if not isinstance(fact, SurgeFact):
            continue
        shares = [_of_year(fact, n) for n in range(1, MOST_SURGES + 1)]
        survived = next((n for n in range(366) if _of_year(fact, n + 1) > 1 - one.share), 366)
        figures = [percent(f"share of the year in {n}", share) for n, share in enumerate(shares, 1)]
        figures += [percent("share that may be late", 1 - one.share), Figure("surges survived", survived, "surges")]
        how_many = "not one" if survived == 0 else f"{survived}"
        yield Finding(
            "share of a year and surges",
            one.claim,
            (name,),
            "independent",
            "n d f / (365 + n d (f - 1)) <= 1 - p",
            tuple(figures),
            f"one such surge holds {three(100 * shares[0])} % of a year: {one} bears {how_many} in which all are late",
            (),
            (one.clock,),
            one.readings,
        )


def _of_year(fact: SurgeFact, n: int) -> float:
    """The share of a year's tips that come in n surges.

    Source: n surges of d days each at f times the other days' number, over a year of 365 days.
    """
    days = min(n * fact.lasts / DAY, YEAR / DAY)
    return days * fact.factor / (YEAR / DAY + days * (fact.factor - 1))


def _against_facts(ledger: Ledger) -> Iterator[Finding]:
    """A share that is claimed, beside the same share as it is known from elsewhere."""
    for name, claim in ledger.claims.items():
        if not isinstance(claim, ShareOfWhole):
            continue
        for known, fact in ledger.facts.items():
            if not isinstance(fact, ShareFact) or (fact.subject, fact.of) != (claim.subject, claim.of):
                continue
            claimed = bounds(name, claim)
            apart = claimed.low > fact.high or claimed.high < fact.low
            elsewhere = _range(Range(fact.low, fact.high, fact.low, ()))
            yield Finding(
                "share and what is known",
                name,
                (known,),
                "at odds" if apart else "independent",
                "the ranges do not meet" if apart else "the ranges meet",
                (percent("share claimed", claim.quantity), percent("from", fact.low), percent("to", fact.high)),
                f"{name} says {three(100 * claim.quantity)} %, and elsewhere it is {elsewhere}",
                ("levels",) if apart else (),
            )


def _out_of_reach(ledger: Ledger) -> Iterator[Finding]:
    """A share that is served, beside the share of those who cannot be."""
    claims = {name: claim for name, claim in ledger.claims.items() if isinstance(claim, ShareOfWhole)}
    for name, served in claims.items():
        for other, hindered in claims.items():
            if served.of != hindered.of or served.subject not in ledger.subjects[hindered.subject].hinders:
                continue
            cap = 1 - hindered.quantity
            needed = max(served.quantity - cap, 0.0) / hindered.quantity if hindered.quantity else 0.0
            over = served.quantity > cap
            yield Finding(
                "share out of reach",
                name,
                (other,),
                "at odds" if over else "independent",
                "p <= (1 - a) + a r",
                (
                    percent("share that can be reached", cap),
                    percent("of the others to be reached", needed),
                ),
                f"with {three(100 * hindered.quantity)} % out of reach at most {three(100 * cap)} % are served; "
                f"{name} needs {three(100 * needed)} % of the others too",
                () if not over else ("levels", "out of reach") if hindered.sense == "at most" else ("out of reach",),
            )


def _coverage(ledger: Ledger) -> Iterator[Finding]:
    """Something that is there everywhere, beside the share of places that are covered."""
    for name, claim in ledger.claims.items():
        if not isinstance(claim, Availability) or claim.of is None:
            continue
        for other, covered in ledger.claims.items():
            if not isinstance(covered, ShareOfWhole) or covered.of != claim.of or covered.quantity >= 1:
                continue
            without = 1 - covered.quantity
            excluded = covered.sense != "at least"
            yield Finding(
                "everywhere and coverage",
                name,
                (other,),
                "at odds",
                "everywhere  =>  coverage = 100 %",
                (percent("without", without), times("hops for those at least", 2)),
                f"{name} speaks of all, and {other} of {three(100 * covered.quantity)} %: the other "
                f"{three(100 * without)} % are there only by way of others",
                () if excluded else ("levels",),
                (),
                (STATED,),
            )
