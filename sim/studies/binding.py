"""At which times of the week a target fails most, said only where it is beyond chance.

Failures come in bunches, for a busy hour fails many tips at once; so replications are the unit of evidence. In each of
them the failures of a stretch of hours beyond those that its tips would bring if all its hours were alike are counted.
The largest such excess over all stretches is compared with the largest over all stretches when the signs of whole
replications are turned at random: that allows for all that was looked at, however alike the stretches are (a max-type
test by sign-flipping; Westfall and Young, *Resampling-Based Multiple Testing*, 1993, chapter 2; Winkler and others,
*Permutation inference for the general linear model*, NeuroImage 92, 2014). It takes it that without a difference an
excess is as likely one way as the other, which holds on average over many tips and not for single ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.draw.streams import Streams
from sim.dynamics.clock import DAY, HOUR

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

LONGEST: Final = DAY // 2
"""A stretch at most: more is most of the day."""
FEW: Final = 12
"""Up to so many intervals a stretch is of every length, beyond of whole hours."""
BLOCK: Final = 4096
"""Cells that are looked at at once, which bounds memory."""
DAYS: Final[Mapping[str, Sequence[int]]] = {
    "every day": range(7),
    "Mondays to Fridays": range(5),
    "Saturdays and Sundays": (5, 6),
}

SURE: Final = 0.95
"""What is named as the worst is so by chance at most in one case of twenty, all that was looked at together."""
TURNS: Final = 1999
"""So many random signs of all units; fewer where there are no more."""

ENOUGH_UNITS: Final = 10
"""Replications with which a difference is found that is there."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time of some days of the week in which a target fails more than elsewhere."""

    days: str
    begins: int
    """Ticks since midnight."""
    length: int
    """Ticks; it may pass midnight."""
    of_failures: float
    """Share of the target's failures that arrive then."""
    of_tips: float
    """Share of the tips that it judges."""

    @property
    def ends(self) -> int:
        """Ticks since midnight, DAY at midnight."""
        return (self.begins + self.length - 1) % DAY + 1


def worst_stretch(failing: Ints) -> Stretch | None:
    """The stretch in which one target fails most, beyond chance; None where chance may explain it all.

    `failing` is (n_units, n_intervals, 2), tips judged and failed by interval of the week in each replication or group
    of some. Of all stretches it has the most failures beyond those that its tips would bring if all times were alike.

    >>> failing = np.tile([10, 1], (8, 168, 1))
    >>> worst_stretch(failing) is None
    True
    >>> failing[:, [2, 26, 50, 74, 98, 122, 146], 1] = 8
    >>> worst_stretch(failing).begins // HOUR, worst_stretch(failing).ends // HOUR, worst_stretch(failing).days
    (2, 3, 'every day')
    """
    judged, failed = failing.sum(axis=(0, 1))
    if not failed:
        return None
    cells, which = _stretches(failing)
    worst = beyond_chance(cells, failing.sum(axis=1))
    if worst is None:
        return None
    tips, failures = cells[:, worst].sum(axis=0)
    name, begins, length = which[worst]
    return Stretch(name, begins, length, float(failures / failed), float(tips / judged))


def beyond_chance(cells: Ints, whole: Ints, *, least: bool = False) -> int | None:
    """The cell that fails most for its tips (or least), where that is beyond chance over all cells, else None.

    `cells` is (n_units, n_cells, 2) and `whole` (n_units, 2), tips judged and failed in each unit; cells may overlap.
    """
    share = whole[:, 1] / np.maximum(whole[:, 0], 1)
    excess = cells[..., 1] - cells[..., 0] * share[:, None]
    return largest_excess(-excess if least else excess)


def largest_excess(excess: Floats) -> int | None:
    """The cell with the largest excess, where that is beyond chance over all cells, else None.

    `excess` is (n_units, n_cells), what each cell has beyond its part; without a difference it is 0 on average. With
    fewer than five units nothing is ever beyond chance, for so few have too few signs.
    """
    total = excess.sum(axis=0)
    worst = int(np.argmax(total))
    if total[worst] <= 0:
        return None
    signs = _signs(len(excess))
    largest = np.full(len(signs), -np.inf)
    for first in range(0, excess.shape[1], BLOCK):
        np.maximum(largest, (signs @ excess[:, first : first + BLOCK]).max(axis=1), out=largest)
    # The signs as they are count among those that might have been.
    as_large = 1 + int(np.count_nonzero(largest >= total[worst] * (1 - 1e-9)))
    return worst if as_large <= (1 - SURE) * (1 + len(signs)) else None


def _stretches(failing: Ints) -> tuple[Ints, list[tuple[str, int, int]]]:
    """(n_units, n_stretches, 2) tips of every stretch, and its days, when it begins and how long it is."""
    a_day = failing.shape[1] // 7
    interval = DAY // a_day
    lengths = [n for n in range(1, max(LONGEST // interval, 1) + 1) if n <= FEW or n * interval % HOUR == 0]
    found, which = [], []
    for name, days in DAYS.items():
        by_day = failing.reshape(-1, 7, a_day, 2)[:, list(days)].sum(axis=1)
        twice = np.cumsum(np.concatenate([np.zeros_like(by_day[:, :1]), by_day, by_day], axis=1), axis=1)
        for first in range(a_day):
            for n in lengths:
                found.append(twice[:, first + n] - twice[:, first])
                which.append((name, first * interval, n * interval))
    return np.stack(found, axis=1), which


def _signs(n: int) -> Floats:
    """(n_turns, n) signs, all but those as they are; every one where there are few, else some at random."""
    if 2**n <= TURNS + 1:
        number = np.arange(1, 2**n)[:, None]
        return np.where(number >> np.arange(n) & 1, -1.0, 1.0)
    coins: Floats = Streams(0, 0, "signs").generator("units").random((TURNS, n))
    return np.where(coins < 0.5, -1.0, 1.0)
