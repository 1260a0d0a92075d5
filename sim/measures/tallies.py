"""What each tip is to each target: one function a kind. Every tip of the cohort is counted once, in one column.

A target's measure is a ratio, and its open tips leave a low and a high bound: the last axes of `ratio` are
(value, low, high) x (numerator, denominator), so that cells add up to any period.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import NEVER
from sim.dynamics.replication import NO_LABEL, Flags, Ticks
from sim.measures import passes
from sim.measures.cohort import Cohort
from sim.measures.frame import AnyTarget, without_tier
from sim.scenario.targets import LostTarget, MeanTarget, OccupancyTarget, ShareTarget

COLUMNS: Final = ("met", "missed", "lost", "open", "left_out", "without_start", "without_end", "not_of")
MET, MISSED, LOST, OPEN, LEFT_OUT, WITHOUT_START, WITHOUT_END, NOT_OF = range(len(COLUMNS))
"""Where a tip is counted, for every kind of target; the columns add up to the tips that arrived.

met, missed: within the threshold or not. For a mean: counted, at most the mean or above it. For `lost`: met is kept.
lost: gave up for good before `to`, and counts as a miss of a share; a mean only counts it beside.
open: at the horizon nothing is decided yet. For `lost`: open, and may still give up.
left_out: lost, and the target leaves lost tips out.
without_start: through without ever passing `from`.
without_end: through without ever passing `to`, which a mean cannot count (it misses a share).
not_of: not a tip that the target is about.
"""

FAILED: Final = {"share": (MISSED, LOST), "mean": (MISSED,), "lost": (LOST,)}
JUDGED: Final = {"share": (MET, MISSED, LOST), "mean": (MET, MISSED), "lost": (MET, LOST)}


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """The tips of the cohort as one target sees them, (n,) each."""

    column: NDArray[np.int64]
    timed: Flags
    """Whether the tip passed both moments, and is one that the target is about."""
    since: Ticks
    until: Ticks
    """When it passed them, or NEVER; `until` is not before `since`."""
    horizon: int
    ratio: NDArray[np.float64]
    """(n_centres or 1, n_days, 3, 2), by the day of arrival."""

    @property
    def elapsed(self) -> Ticks:
        """From one moment to the other, 0 if it passed `to` before `from`; 0 where not timed."""
        return np.where(self.timed, self.until - self.since, 0)

    @property
    def age(self) -> Ticks:
        """How long a tip that did not pass `to` had been under way since `from` at the horizon; 0 elsewhere."""
        return np.where(~self.timed & (self.since < NEVER), self.horizon - self.since, 0)


def tally(target: AnyTarget, cohort: Cohort) -> Tally:
    """What each tip of the cohort is to a target; a ValueError for one that is not about tips."""
    if isinstance(target, ShareTarget):
        return _share(target, cohort)
    if isinstance(target, MeanTarget):
        return _mean(target, cohort)
    if isinstance(target, LostTarget):
        return _lost(target, cohort)
    raise ValueError("an occupancy is not about tips")


def _share(target: ShareTarget, cohort: Cohort) -> Tally:
    rows, since, until, column, timed = _between(target, cohort)
    column[column == WITHOUT_END] = MISSED
    late = (column == OPEN) & (cohort.frame.scenario.horizon - since > target.within)
    column[late | timed] = MISSED
    column[timed & (until - since <= target.within)] = MET
    met, missed, lost, still_open = _cells(target, cohort, rows, column)[:4]
    judged = met + missed + lost
    ratio = _ratio((met, judged), (met, judged + still_open), (met + still_open, judged + still_open))
    return _spread(cohort, rows, column, timed, since, until, ratio)


def _mean(target: MeanTarget, cohort: Cohort) -> Tally:
    rows, since, until, column, timed = _between(target, cohort)
    column[timed] = np.where((until - since)[timed] <= target.mean, MET, MISSED)
    begun_and_open = (column == OPEN) & (since < NEVER)
    ticks = np.where(timed, until - since, np.where(begun_and_open, cohort.frame.scenario.horizon - since, 0))
    cells = _cells(target, cohort, rows, column)
    counted, still_open = cells[MET] + cells[MISSED], cells[OPEN]
    total = np.bincount(_cell(target, cohort)[rows], weights=ticks, minlength=counted.size).reshape(counted.shape)
    least = (total, counted + still_open)
    ratio = _ratio(least, least, (np.where(still_open > 0, math.inf, total), counted + still_open))
    return _spread(cohort, rows, column, timed, since, until, ratio)


def _lost(target: LostTarget, cohort: Cohort) -> Tally:
    rows = np.flatnonzero(cohort.matching(target.of))
    column = np.where(cohort.state[rows] == passes.LOST, LOST, np.where(cohort.at_risk[rows], OPEN, MET))
    kept, _, lost, still_open = _cells(target, cohort, rows, column)[:4]
    total = kept + lost + still_open
    ratio = _ratio((lost, total), (lost, total), (lost + still_open, total))
    never = np.full(len(rows), NEVER)
    return _spread(cohort, rows, column, np.zeros(len(rows), np.bool_), never, never, ratio)


def unlabelled(target: AnyTarget, cohort: Cohort) -> tuple[int, int]:
    """How many tips a target on a tier cannot judge, since they had no label yet: lost, and still open."""
    of = None if isinstance(target, OccupancyTarget) else target.of
    if of is None or of.tier is None:
        return 0, 0
    without = cohort.matching(without_tier(of)) & (cohort.label == NO_LABEL)
    lost, under_way = (int(np.sum(without & (cohort.state == state))) for state in (passes.LOST, passes.UNDER_WAY))
    return lost, under_way


def occupancy(busy: NDArray[np.float64], on_duty: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ratio of an occupancy target from slot ticks by (centre or 1, day)."""
    return _ratio(*[(busy, on_duty)] * 3)


def _spread(
    cohort: Cohort,
    rows: NDArray[np.int64],
    column: NDArray[np.int64],
    timed: Flags,
    since: Ticks,
    until: Ticks,
    ratio: NDArray[np.float64],
) -> Tally:
    """What was found out about some rows, among all tips of the cohort."""
    columns, timed_ones = np.full(len(cohort), NOT_OF), np.zeros(len(cohort), np.bool_)
    begun, done = np.full(len(cohort), NEVER), np.full(len(cohort), NEVER)
    for whole, part in ((columns, column), (timed_ones, timed), (begun, since), (done, until)):
        whole[rows] = part
    return Tally(columns, timed_ones, begun, done, cohort.frame.scenario.horizon, ratio)


def _between(
    target: ShareTarget | MeanTarget, cohort: Cohort
) -> tuple[NDArray[np.int64], Ticks, Ticks, NDArray[np.int64], Flags]:
    """The tips that a target is about, when they passed the two moments, where those count that did not pass both, and
    which did."""
    rows = np.flatnonzero(cohort.matching(target.of))
    since, until, state = cohort.when(target.from_)[rows], cohort.when(target.to)[rows], cohort.state[rows]
    begun = since < NEVER
    column = np.where(begun, WITHOUT_END, WITHOUT_START)
    column[state == passes.LOST] = LEFT_OUT if target.lost_tips == "left_out" else LOST
    column[state == passes.UNDER_WAY] = OPEN
    return rows, since, np.maximum(until, since), column, begun & (until < NEVER)


def _cell(target: AnyTarget, cohort: Cohort) -> NDArray[np.int64]:
    """The cell of each tip: its centre, where the target asks for each, and its day of arrival."""
    return cohort.day if target.in_each is None else cohort.centre * cohort.frame.n_days + cohort.day


def _cells(
    target: AnyTarget, cohort: Cohort, rows: NDArray[np.int64], column: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Tips by column, centre (or all of them as one) and day of arrival."""
    n_centres = 1 if target.in_each is None else len(cohort.frame.scenario.centres)
    n_cells = n_centres * cohort.frame.n_days
    code = column * n_cells + _cell(target, cohort)[rows]
    counts = np.bincount(code, minlength=len(COLUMNS) * n_cells).astype(float)
    return counts.reshape(len(COLUMNS), n_centres, cohort.frame.n_days)


def _ratio(*bounds: tuple[NDArray[np.float64], NDArray[np.float64]]) -> NDArray[np.float64]:
    """Value, low and high bound, each a numerator and a denominator, as the last two axes."""
    return np.stack([np.stack(pair, axis=-1) for pair in bounds], axis=-2)
