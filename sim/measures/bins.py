"""Durations in bins of equal ratio, so that percentiles over many runs need no list of durations."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, NEVER, SECOND

PER_DECADE: Final = 60
"""Bins from one second to ten: each is 3.9 % wide, and a percentile that is read within it is right to about 1 %."""

LONGEST: Final = 100 * DAY

N_BINS: Final = 2 + math.ceil(PER_DECADE * math.log10(LONGEST / SECOND)) + 1
"""Nothing at all, less than a second, the bins of equal ratio, and everything longer."""

EDGES: Final = np.concatenate([[0.0, 0.0], SECOND * 10 ** (np.arange(N_BINS - 1) / PER_DECADE)])
"""(N_BINS + 1,) ticks: bin k holds durations from EDGES[k] up to EDGES[k + 1]; bin 0 those of no tick at all."""


MANTISSA_BITS: Final = 52 - 6
FIRST_ROW: Final = 1023 << 6
"""The first 6 bits of a float's fraction tell its bin but for one neighbour; row 0 of the guide is for 1.0."""


def _guide() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where to begin to look for the bin of a number of ticks: by the first bits of its float, and the edges, whole."""
    edge = np.ceil(EDGES).astype(np.int64)
    edge[1] = 1
    edge[-1] = NEVER
    begins = ((np.arange(64 * 64) + FIRST_ROW) << MANTISSA_BITS).view(np.float64)
    return np.searchsorted(edge, begins, side="right") - 1, edge


GUIDE: Final = _guide()


def percentile(counts: NDArray[np.int64], share: float) -> float:
    """The duration, in ticks, that `share` of the counted durations do not exceed; NaN where none was counted.

    Read within a bin as if its durations lay evenly; those beyond 100 days count as if just beyond.

    >>> counts = np.zeros(N_BINS, np.int64)
    >>> counts[0], counts[2] = 50, 50
    >>> percentile(counts, 0.3), round(percentile(counts, 0.75) / SECOND, 3)
    (0.0, 1.02)
    """
    total = int(counts.sum())
    if total == 0:
        return math.nan
    at_or_below = np.cumsum(counts)
    k = int(np.searchsorted(at_or_below, share * total))
    k = min(k, int(np.flatnonzero(counts)[-1]))
    if counts[k] == 0:
        return float(EDGES[k + 1])
    into = (share * total - (at_or_below[k] - counts[k])) / counts[k]
    return float(EDGES[k] + min(max(into, 0.0), 1.0) * (EDGES[k + 1] - EDGES[k]))


def at_most(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many durations lie below the upper edge of each bin: the curve over EDGES[1:], (N_BINS,)."""
    return np.cumsum(counts)
