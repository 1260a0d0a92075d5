"""Two statements on times that may be compared, and what every finding on them has alike."""

from __future__ import annotations

from dataclasses import dataclass

from sim.studies.claims.findings import Condition, Figure, Finding, Verdict
from sim.studies.claims.statements import Range, Timed


@dataclass(frozen=True, slots=True)
class Pair:
    """Two statements that may be compared: the first bounds its clock, the second is asked about."""

    first: Timed
    second: Timed
    share: Range
    """The share of the second's subject in the first's; 1 where they are one."""
    readings: tuple[str, ...]
    one_clock: bool
    """Whether that they count by one clock is supposed, not said."""

    @property
    def rests_on(self) -> tuple[str, ...]:
        return (self.first.claim, *self.share.by)

    @property
    def clocks(self) -> tuple[str, ...]:
        clocks = (self.first.clock, self.second.clock)
        return clocks[:1] if clocks[0] == clocks[1] else clocks

    @property
    def is_part(self) -> bool:
        return self.first.subject != self.second.subject

    def found(
        self,
        relation: str,
        verdict: Verdict,
        formula: str,
        figures: list[Figure],
        says: str,
        *conditions: Condition,
    ) -> Finding:
        """A finding on the second statement."""
        supposed: tuple[Condition, ...] = ("one clock",) if self.one_clock else ()
        return Finding(
            relation,
            self.second.claim,
            self.rests_on,
            verdict,
            formula,
            tuple(figures),
            says,
            (*supposed, *conditions),
            self.clocks,
            self.readings,
        )
