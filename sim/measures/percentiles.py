"""Percentiles and longest times: kinds of targets whose value is a time that some of the tips take at most.

A percentile is that of the tips of all replications together, which adds up over nothing: a replication keeps how many
of its tips took how long, by bins of times that are narrow beside what chance makes of them. One of them ends with the
limit of the target, so that a percentile is within it just where the share of the tips in time is what is asked for.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from sim.measures.bins import EDGES, LONGEST, N_BINS
from sim.measures.estimates import Estimate, mean_interval, share_interval
from sim.measures.held import HIGH, LOW, VALUE
from sim.measures.kind_bases import (
    Enough,
    ErlangLine,
    Floats,
    InPlace,
    Ints,
    TimedKind,
    ValueKind,
    Watched,
    enough_in_time,
    measured,
)
from sim.measures.tallies import LOST, MET, MISSED, OPEN, WITHOUT_END
from sim.scenario.target_kinds import LongestTarget, PercentileOrMedian

SETTLED, STILL_OPEN, LEAST, MOST, N_PLANES = range(5)
"""What a replication keeps of its tips by bin: how many are settled, how many are still open, by their age; and the
shortest and the longest time among them."""

ENDLESS: Final = N_BINS + 1
"""The bin of the tips that never come to the end."""

NEAR: Final = 0.25
"""How far from a percentile, as a part of what is left on the smaller side, one looks for how dense the times are."""


@measured("percentile")
@measured("median")
class Percentiles(TimedKind[PercentileOrMedian], ValueKind[PercentileOrMedian]):
    """The time that a share of the tips do not exceed: a lost tip takes for ever, an open one as long as it has waited
    by now, at worst for ever.

    The interval has the times at which the interval of the share that took no longer just holds the share that is
    asked for. Source: R. S. Woodruff, J. Am. Stat. Assoc. 47 (1952).
    """

    judged = (MET, MISSED, LOST)
    failed = (MISSED, LOST)
    curve = (MET, MISSED, LOST)
    never = WITHOUT_END
    late = OPEN

    def values(self, target: PercentileOrMedian, watched: Watched, cell: Ints, n_cells: int) -> Floats:
        column, ticks = watched.tips.column, watched.tips.ticks.astype(float)
        mine = np.isin(column, (MET, MISSED, LOST, OPEN))
        ticks = np.where(column == LOST, math.inf, ticks)
        at_worst = np.where(column == OPEN, math.inf, ticks)
        cell = cell[mine]
        now, worst = (_percentiles(cell, some[mine], n_cells, target.share_in_time) for some in (ticks, at_worst))
        return np.stack([now, now, worst], axis=-1)

    def extra(self, target: PercentileOrMedian, watched: Watched, cell: Ints, n_cells: int) -> Floats:
        column, ticks = watched.tips.column, watched.tips.ticks
        found = np.zeros((n_cells, N_PLANES, ENDLESS + 1))
        found[:, LEAST], bins = math.inf, np.searchsorted(_starts(target.limit), ticks, side="right") - 1
        bins = np.where(column == LOST, ENDLESS, bins)
        for plane, columns in ((SETTLED, (MET, MISSED, LOST)), (STILL_OPEN, (OPEN,))):
            mine = np.isin(column, columns)
            np.add.at(found[:, plane], (cell[mine], bins[mine]), 1)
            timed = mine & (column != LOST)
            np.minimum.at(found[:, LEAST], (cell[timed], bins[timed]), ticks[timed])
            np.maximum.at(found[:, MOST], (cell[timed], bins[timed]), ticks[timed])
        return found

    def weighed(self, one: InPlace, bound: int) -> Floats:
        """By how many tips more or less than their share took longer than the percentile, over how dense the times are
        there: what a replication adds to the percentile of all. Source: R. R. Bahadur, Ann. Math. Stat. 37 (1966)."""
        target = one.target
        assert isinstance(target, PercentileOrMedian)
        times = _Times(one, bound)
        if not times.total:
            return np.zeros((len(times.n), 2))
        value, share = times.at(target.share_in_time), target.share_in_time
        if math.isinf(value):
            # Beyond all times it is told by how many tips too many never come.
            never = times.by_bin[:, ENDLESS] - (1 - share) * times.n
            return np.stack([LONGEST * (times.n + never), times.n], axis=-1)
        beyond = times.beyond(share)
        return np.stack([value * times.n + (beyond - (1 - share) * times.n) / times.density(share), times.n], axis=-1)

    def estimate(self, one: InPlace, confidence: float) -> Estimate:
        target = one.target
        assert isinstance(target, PercentileOrMedian)
        share, units = target.share_in_time, one.units * len(one.ratio)
        value, low, high = (_Times(one, bound) for bound in (VALUE, LOW, HIGH))
        if not value.total:
            return Estimate(math.nan, 0.0, math.inf)
        middle = value.at(share)
        least, most = low.limit(share, confidence, units, upper=False), high.limit(share, confidence, units, upper=True)
        return Estimate(middle, min(least, middle), max(most, middle))

    def lower_bound(self, one: InPlace) -> bool:
        target = one.target
        assert isinstance(target, PercentileOrMedian)
        value, high = (_Times(one, bound) for bound in (VALUE, HIGH))
        share = target.share_in_time
        return value.total > 0 and not math.isinf(value.at(share)) and math.isinf(high.at(share))

    def interval(self, parts: Floats, wholes: Floats, confidence: float, units: int) -> Estimate:
        return mean_interval(np.maximum(parts, 0.0), wholes, confidence)

    def enough(self, target: PercentileOrMedian, line: ErlangLine) -> Enough:
        return enough_in_time(target.share_in_time, line)


@measured("longest")
class LongestTimes(TimedKind[LongestTarget], ValueKind[LongestTarget]):
    """The longest time of the tips that came to the end, of those that are still open their age; judged by windows."""

    judged = (MET, MISSED)
    failed = (MISSED,)
    curve = (MET, MISSED, LOST, WITHOUT_END, OPEN)
    never = WITHOUT_END
    late = OPEN

    def values(self, target: LongestTarget, watched: Watched, cell: Ints, n_cells: int) -> Floats:
        column, ticks = watched.tips.column, watched.tips.ticks.astype(float)
        mine = np.isin(column, (MET, MISSED, OPEN))
        at_worst = np.where(column == OPEN, math.inf, ticks)
        found = np.full((3, n_cells), -math.inf)
        for row, some in enumerate((ticks, ticks, at_worst)):
            np.maximum.at(found[row], cell[mine], some[mine])
        return np.where(np.isneginf(found), math.nan, found).T

    def interval(self, parts: Floats, wholes: Floats, confidence: float, units: int) -> Estimate:
        return mean_interval(parts, wholes, confidence)

    def enough(self, target: LongestTarget, line: ErlangLine) -> Enough:
        return enough_in_time(_NEARLY_ALL, line)


_NEARLY_ALL: Final = 0.999
"""The share of tips within the longest time from which a search starts."""

_STARTS: Final = np.concatenate([EDGES[:1], [1.0], np.ceil(EDGES[2:-1])])
"""(N_BINS,) the shortest time of each of `bins`, in whole ticks."""


def _starts(limit: int) -> Floats:
    """(N_BINS + 1,) the shortest time of each bin of a target, of which one has nothing longer than the limit."""
    return np.insert(_STARTS, int(np.searchsorted(_STARTS, limit + 1)), float(limit + 1))


class _Times:
    """How long the tips of one place took in all replications, by bin."""

    def __init__(self, one: InPlace, bound: int):
        planes = one.extra
        assert isinstance(one.target, PercentileOrMedian)
        self.starts = _starts(one.target.limit)
        self.by_bin: Floats = planes[:, SETTLED].copy()
        """(n_replications, ENDLESS + 1)."""
        if bound == HIGH:
            self.by_bin[:, ENDLESS] += planes[:, STILL_OPEN].sum(axis=1)
        else:
            self.by_bin += planes[:, STILL_OPEN]
        self.n: Floats = self.by_bin.sum(axis=1)
        self.total = float(self.n.sum())
        self.least, self.most = planes[:, LEAST].min(axis=0), planes[:, MOST].max(axis=0)
        self.up_to = np.cumsum(self.by_bin, axis=1)
        self.shares = self.up_to.sum(axis=0) / max(self.total, 1.0)

    def within(self, k: int, into: float) -> float:
        """The time so far into a bin, between the shortest and the longest that were seen in it."""
        if k >= ENDLESS:
            return math.inf
        if not self.by_bin[:, k].any():
            return float(self.starts[k])
        return float(self.least[k] + into * (self.most[k] - self.least[k]))

    def place(self, share: float) -> tuple[int, float]:
        """The bin in which a share of the tips is reached, and how far into it."""
        k = int(np.searchsorted(self.shares, share * (1 - 1e-12)))
        k = min(k, int(np.flatnonzero(self.by_bin.sum(axis=0))[-1]))
        count = float(self.by_bin[:, k].sum())
        before = float(self.up_to[:, k].sum()) - count
        # Of the tips in the bin, from the first to the last, the one at which the share is reached.
        nth = math.ceil(share * self.total * (1 - 1e-12)) - before
        return k, min(max((nth - 1) / (count - 1), 0.0), 1.0) if count > 1 else 1.0

    def at(self, share: float) -> float:
        """The time that a share of the tips do not exceed."""
        return self.within(*self.place(share))

    def beyond(self, share: float) -> Floats:
        """(n_replications,) tips that took longer, those of its bin in part, so that all together are what is left."""
        k, _ = self.place(share)
        count = float(self.by_bin[:, k].sum())
        part = (float(self.up_to[:, k].sum()) - share * self.total) / count
        return self.n - self.up_to[:, k] + part * self.by_bin[:, k]

    def density(self, share: float) -> float:
        """The share of the tips a tick at the time that a share do not exceed; infinite where many took just that."""
        reach = NEAR * min(share, 1 - share)
        times = [self.at(share - reach), self.at(share + reach)]
        if math.isinf(times[1]):
            reach, times[1] = reach / 2, self.at(share)
        return 2 * reach / (times[1] - times[0]) if times[1] > times[0] else math.inf

    def limit(self, share: float, confidence: float, units: int, *, upper: bool) -> float:
        """The longest time (the shortest if not `upper`) that the share may be reached at, by the interval of the share
        that took no longer."""

        def reached(k: int) -> float:
            found = share_interval(np.minimum(self.up_to[:, k], self.n), self.n, confidence, units)
            return found.low if upper else found.high

        first, last = 0, ENDLESS
        while first < last:
            middle = (first + last) // 2
            first, last = (first, middle) if reached(middle) >= share else (middle + 1, last)
        if first >= ENDLESS:
            return math.inf
        here, before = reached(first), reached(first - 1) if first else 0.0
        into = (share - before) / (here - before) if here > before else 1.0
        while not self.by_bin[:, first].any() and first:
            first, into = first - 1, 1.0
        return self.within(first, min(max(into, 0.0), 1.0))


def _percentiles(cell: Ints, ticks: Floats, n_cells: int, share: float) -> Floats:
    """(n_cells,) the time that a share of the tips of each cell do not exceed; NaN where there are none."""
    order = np.lexsort((ticks, cell))
    n = np.bincount(cell, minlength=n_cells)
    first = np.cumsum(n) - n
    nth = np.maximum(np.ceil(share * n * (1 - 1e-12)).astype(np.int64), 1)
    found = np.full(n_cells, math.nan)
    some = n > 0
    found[some] = ticks[order][(first + nth - 1)[some]]
    return found
