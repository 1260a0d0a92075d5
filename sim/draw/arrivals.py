"""Arrivals: unit exponentials, added up until the cumulative rate is used up, and turned into ticks by its inverse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim.draw.rate import Rate
    from sim.draw.streams import Stream
    from sim.dynamics.replication import Ticks


def arrivals(rate: Rate, exponential: Stream, size: int) -> Iterator[tuple[int, Ticks]]:
    """The ticks of arrival, never falling, in blocks of up to `size`, each with the index of its first tip.

    Tip i comes where the cumulative rate reaches the sum of the first i + 1 exponentials, so a larger volume or a
    longer run keeps every tip and adds others behind.
    """
    first, reached = 0, 0.0
    while rate.total > reached:
        left = rate.total - reached
        gaps = exponential.fill(first, np.empty(min(size, int(left + 4 * left**0.5) + 16)))
        gaps[0] += reached
        sums = np.cumsum(gaps, out=gaps)
        count = int(sums.searchsorted(rate.total))
        if count:
            yield first, rate.invert(sums[:count])
        if count < sums.size:
            return
        first += count
        reached = float(sums[-1])
