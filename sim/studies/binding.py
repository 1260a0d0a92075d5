"""At which hours of the week a target fails most: the one stretch of hours with most failures beyond its tips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

HOURS_A_DAY: Final = 24
LONGEST: Final = 12
"""Hours of a stretch at most: more is most of the day."""
DAYS: Final[Mapping[str, Sequence[int]]] = {
    "every day": range(7),
    "Mondays to Fridays": range(5),
    "Saturdays and Sundays": (5, 6),
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Hours of some days of the week in which a target fails more than elsewhere."""

    days: str
    first_hour: int
    hours: int
    of_failures: float
    """Share of the target's failures that arrive then."""
    of_tips: float
    """Share of the tips that it judges."""

    @property
    def last_hour(self) -> int:
        """When it is over; 24 at midnight."""
        return (self.first_hour + self.hours - 1) % HOURS_A_DAY + 1


def worst_stretch(failing: NDArray[np.int64]) -> Stretch | None:
    """The stretch of one target from (168, 2) tips judged and failed by hour of the week; None where nothing fails.

    Of all stretches it has the most failures beyond those that its tips would bring if all hours were alike.

    >>> failing = np.tile([10, 1], (168, 1))
    >>> failing[[2, 26, 50, 74, 98, 122, 146], 1] = 8
    >>> worst_stretch(failing).first_hour, worst_stretch(failing).hours, worst_stretch(failing).days
    (2, 1, 'every day')
    """
    judged, failed = failing.sum(axis=0)
    if not failed:
        return None
    found: list[tuple[float, int, Stretch]] = []
    for order, (name, days) in enumerate(DAYS.items()):
        by_hour = failing.reshape(7, HOURS_A_DAY, 2)[list(days)].sum(axis=0)
        twice = np.concatenate([np.zeros((1, 2), np.int64), np.cumsum(np.vstack([by_hour, by_hour]), axis=0)])
        for first in range(HOURS_A_DAY):
            for hours in range(1, LONGEST + 1):
                tips, failures = twice[first + hours] - twice[first]
                excess = failures / failed - tips / judged
                stretch = Stretch(name, first, hours, float(failures / failed), float(tips / judged))
                found.append((float(excess), -order, stretch))
    return max(found, key=lambda one: one[:2])[2]
