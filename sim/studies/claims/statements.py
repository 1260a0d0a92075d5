"""What the claims of a ledger say formally: of times, one statement for every sense that differs; of numbers, bounds.

Nothing is compared here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from sim.scenario.claims import BestCase, Claim, GrowthRate, Mean, ShareFact, ShareOfWhole, ShareWithin, Volume
from sim.scenario.ledger import Ledger
from sim.scenario.readings import READINGS
from sim.scenario.targets import MeanTarget, ShareTarget

STATED = "stated"
"""The source's own figure, as a reading beside lenient, moderate and strict."""

NEAR = 0.05
"""Two figures that both say "about" agree within this part."""


@dataclass(frozen=True, slots=True)
class Timed:
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

    @property
    def is_all(self) -> bool:
        return self.form == "share" and self.share >= 1

    def __str__(self) -> str:
        return self.claim


def timed(ledger: Ledger) -> list[Timed]:
    """All statements on times, claim by claim; senses of a claim that say the same are one.

    What a claim says again after the one that it repeats is left out.
    """
    found: list[Timed] = []
    for name, claim in ledger.claims.items():
        if isinstance(claim, ShareWithin | Mean | BestCase):
            said = {replace(one, claim=name) for one in found if one.claim == claim.repeats}
            found += [one for one in _of_claim(ledger, name, claim) if one not in said]
    return found


def _of_claim(ledger: Ledger, name: str, claim: ShareWithin | Mean | BestCase) -> list[Timed]:
    senses: dict[Timed, list[str]] = {}
    of_whole_run: set[Timed] = set()
    if (stated := _stated(name, claim)) is not None:
        senses[stated] = [STATED]
        of_whole_run.add(stated)
    for sense in READINGS:
        reading = ledger.reading(name, sense)
        if reading is None or not isinstance(target := reading.target, ShareTarget | MeanTarget):
            continue
        subject = reading.subject or claim.subject
        if isinstance(target, MeanTarget):
            one = Timed(name, (), subject, claim.clock, "mean", target.mean)
        else:
            one = Timed(name, (), subject, claim.clock, "share", target.within, target.share)
        senses.setdefault(one, []).append(sense)
        if target.per == "run" and target.in_each is None:
            of_whole_run.add(one)
    return [replace(one, readings=tuple(said), whole_run=one in of_whole_run) for one, said in senses.items()]


def _stated(name: str, claim: ShareWithin | Mean | BestCase) -> Timed | None:
    """The source's own figure; None where it gives a time and no share."""
    if isinstance(claim, Mean):
        return Timed(name, (), claim.subject, claim.clock, "mean", claim.quantity)
    if isinstance(claim, BestCase):
        return Timed(name, (), claim.subject, claim.clock, "some", claim.quantity)
    if claim.share is None:
        return None
    return Timed(name, (), claim.subject, claim.clock, "share", claim.quantity, claim.share)


def common_readings(one: Timed, other: Timed) -> tuple[str, ...]:
    """The readings in which two statements are made together."""
    return tuple(sense for sense in (STATED, *READINGS) if sense in one.readings and sense in other.readings)


@dataclass(frozen=True, slots=True)
class Range:
    """A number between two bounds, and the figure that was given (of a range of facts the lower end)."""

    low: float
    high: float
    figure: float
    by: tuple[str, ...]
    """The claims or facts that give it."""

    def times(self, other: Range) -> Range:
        """The product of two numbers that are not negative."""
        return Range(self.low * other.low, self.high * other.high, self.figure * other.figure, (*self.by, *other.by))

    def over(self, other: Range) -> Range:
        """The quotient of two positive numbers."""
        high = self.high / other.low if other.low > 0 else float("inf")
        return Range(self.low / other.high, high, self.figure / other.figure, (*self.by, *other.by))


def bounds(name: str, claim: Claim) -> Range:
    """The bounds that a claim of a number sets: at least, at most, or about."""
    assert isinstance(claim, Volume | ShareOfWhole | GrowthRate)
    figure = claim.quantity
    most = 1.0 if isinstance(claim, ShareOfWhole) else float("inf")
    if claim.sense == "at least":
        return Range(figure, most, figure, (name,))
    if claim.sense == "at most":
        return Range(0.0 if not isinstance(claim, GrowthRate) else -1.0, figure, figure, (name,))
    return Range(figure * (1 - NEAR), min(figure * (1 + NEAR), most), figure, (name,))


def shares_of(ledger: Ledger, subject: str, whole: str) -> list[Range]:
    """What claims and facts say of the share of a subject in a whole, from each as given; along the way up if the
    subject lies in a part of the whole. Claims come before facts."""
    found = [
        bounds(name, claim)
        for name, claim in ledger.claims.items()
        if isinstance(claim, ShareOfWhole) and (claim.subject, claim.of) == (subject, whole)
    ]
    found += [
        Range(fact.low, fact.high, fact.low, (name,))
        for name, fact in ledger.facts.items()
        if isinstance(fact, ShareFact) and (fact.subject, fact.of) == (subject, whole)
    ]
    outer = ledger.subjects[subject].part_of
    if not found and outer is not None and outer != whole and whole in ledger.within(outer):
        found = [
            own.times(above)
            for own in shares_of(ledger, subject, outer)[:1]
            for above in shares_of(ledger, outer, whole)[:1]
        ]
    return found


def share_in(ledger: Ledger, subject: str, whole: str) -> Range | None:
    """The share of a subject in a whole, by the first claim or fact that tells it; None where none does.

    A subject is all of itself.
    """
    if subject == whole:
        return Range(1.0, 1.0, 1.0, ())
    if whole not in ledger.within(subject):
        return None
    return next((one for one in shares_of(ledger, subject, whole) if one.figure > 0), None)


def is_later(ledger: Ledger, clock: str, other: str) -> bool:
    """Whether a clock ends after another one on every tip."""
    seen: set[str] = set()
    left = [clock]
    while left:
        for before in ledger.clocks[left.pop()].ends_after:
            if before == other:
                return True
            if before not in seen:
                seen.add(before)
                left.append(before)
    return False
