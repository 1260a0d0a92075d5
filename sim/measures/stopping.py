"""When to stop adding replications: looking several times at growing numbers without being wrong more often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sim.measures.estimates import Verdict, each_of

FIRST_LOOK: Final = 10
"""Replications before the first look; intervals promise little over fewer."""


@dataclass(frozen=True, slots=True)
class Looks:
    """At which numbers of replications a study looks at its verdicts, and how sure each look has to be.

    The numbers double from the first to the most, and are fixed before the first look. The error that `confidence`
    allows is spent in equal parts over the looks and the targets (Bonferroni), so the chance that any target is ever
    called met or missed wrongly is at most 1 - `confidence`, at whichever look the study stops, and however the looks
    depend on each other. Doubling keeps the number of looks small: 10 to 320 replications are six.

    Source: error spending, K. K. G. Lan and D. L. DeMets, Biometrika 70 (1983), here by the sum of the parts rather
    than by the joint law of the looks.

    >>> looks = Looks(first=10, most=100, confidence=0.95)
    >>> looks.numbers, round(looks.each, 6)
    ((10, 20, 40, 80, 100), 0.99)
    """

    first: int
    most: int
    confidence: float = 0.95
    n_targets: int = 1

    def __post_init__(self) -> None:
        if not 2 <= self.first <= self.most:
            raise ValueError(
                f"the first look comes after 2 replications or more, and before the last ({self.first}, {self.most})"
            )

    @property
    def numbers(self) -> tuple[int, ...]:
        """Replications at each look, growing."""
        found = [self.first]
        while found[-1] * 2 < self.most:
            found.append(found[-1] * 2)
        return (*found, self.most) if found[-1] < self.most else tuple(found)

    @property
    def each(self) -> float:
        """The confidence of one target's interval at one look."""
        return each_of(self.confidence, len(self.numbers) * self.n_targets)

    def goes_on(self, n_replications: int, verdicts: list[Verdict]) -> bool:
        """Whether more replications are needed: something is undecided, and the most is not reached."""
        return n_replications < self.most and "undecided" in verdicts
