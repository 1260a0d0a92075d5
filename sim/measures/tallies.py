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
from sim.dynamics.kernels import njit
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

    column: NDArray[np.int8]
    timed: Flags
    """Whether the tip passed both moments, and is one that the target is about."""
    since: Ticks
    until: Ticks
    """When it passed them, or NEVER."""
    horizon: int
    ratio: NDArray[np.float64]
    """(n_centres or 1, n_days, 3, 2), by the day of arrival."""

    @property
    def elapsed(self) -> Ticks:
        """From one moment to the other, 0 if it passed `to` before `from`; 0 where not timed."""
        return np.where(self.timed, np.maximum(self.until - self.since, 0), 0)

    @property
    def age(self) -> Ticks:
        """How long a tip that did not pass `to` had been under way since `from` at the horizon; 0 elsewhere."""
        return np.where((self.until == NEVER) & (self.since < NEVER), self.horizon - self.since, 0)


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
    column, timed, _ = _judged(target, target.within, cohort)
    met, missed, lost, still_open = _cells(target, cohort, column)[:4]
    judged = met + missed + lost
    ratio = _ratio((met, judged), (met, judged + still_open), (met + still_open, judged + still_open))
    since, until = cohort.when(target.from_), cohort.when(target.to)
    return Tally(column, timed, since, until, cohort.frame.scenario.horizon, ratio)


def _mean(target: MeanTarget, cohort: Cohort) -> Tally:
    column, timed, ticks = _judged(target, target.mean, cohort)
    cells = _cells(target, cohort, column)
    counted, still_open = cells[MET] + cells[MISSED], cells[OPEN]
    total = np.bincount(_cell(target, cohort), weights=ticks, minlength=counted.size).reshape(counted.shape)
    least = (total, counted + still_open)
    ratio = _ratio(least, least, (np.where(still_open > 0, math.inf, total), counted + still_open))
    since, until = cohort.when(target.from_), cohort.when(target.to)
    return Tally(column, timed, since, until, cohort.frame.scenario.horizon, ratio)


def _lost(target: LostTarget, cohort: Cohort) -> Tally:
    column = np.where(cohort.state == passes.LOST, LOST, np.where(cohort.at_risk, OPEN, MET)).astype(np.int8)
    column[~cohort.matching(target.of)] = NOT_OF
    kept, _, lost, still_open = _cells(target, cohort, column)[:4]
    total = kept + lost + still_open
    ratio = _ratio((lost, total), (lost, total), (lost + still_open, total))
    never = np.full(len(cohort), NEVER)
    timed = np.zeros(len(cohort), np.bool_)
    return Tally(column, timed, never, never, cohort.frame.scenario.horizon, ratio)


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


def _judged(
    target: ShareTarget | MeanTarget, limit: int, cohort: Cohort
) -> tuple[NDArray[np.int8], Flags, NDArray[np.int64]]:
    """The column of each tip, whether it passed both moments, and the ticks that a mean counts for it."""
    column, timed = np.empty(len(cohort), np.int8), np.zeros(len(cohort), np.bool_)
    ticks = np.zeros(len(cohort), np.int64)
    _judge(
        cohort.matching(target.of),
        cohort.state,
        (cohort.when(target.from_), cohort.when(target.to)),
        (limit, cohort.frame.scenario.horizon),
        isinstance(target, ShareTarget),
        LEFT_OUT if target.lost_tips == "left_out" else LOST,
        column,
        timed,
        ticks,
    )
    return column, timed, ticks


@njit(cache=True, nogil=True)
def _judge(of, state, moments, limits, is_share, lost_column, column, timed, ticks):  # type: ignore[no-untyped-def]
    """The rules of shares and means, tip by tip; `ticks` is from one moment to the other, or the age of an open tip."""
    since, until = moments
    limit, horizon = limits
    for i in range(of.shape[0]):
        if not of[i]:
            column[i] = NOT_OF
        elif since[i] != NEVER and until[i] != NEVER:
            timed[i] = True
            ticks[i] = max(until[i] - since[i], 0)
            column[i] = MET if ticks[i] <= limit else MISSED
        elif state[i] == passes.LOST:
            column[i] = lost_column
        elif state[i] == passes.THROUGH:
            column[i] = WITHOUT_START if since[i] == NEVER else MISSED if is_share else WITHOUT_END
        else:
            ticks[i] = 0 if since[i] == NEVER else horizon - since[i]
            column[i] = MISSED if is_share and ticks[i] > limit else OPEN


def _cell(target: AnyTarget, cohort: Cohort) -> NDArray[np.int64]:
    """The cell of each tip: its centre, where the target asks for each, and its day of arrival."""
    return cohort.day if target.in_each is None else cohort.centre * cohort.frame.n_days + cohort.day


def _cells(target: AnyTarget, cohort: Cohort, column: NDArray[np.int8]) -> NDArray[np.float64]:
    """Tips by column, centre (or all of them as one) and day of arrival."""
    n_centres = 1 if target.in_each is None else len(cohort.frame.scenario.centres)
    n_cells = n_centres * cohort.frame.n_days
    code = _cell(target, cohort) + column * np.int64(n_cells)
    counts = np.bincount(code, minlength=len(COLUMNS) * n_cells).astype(float)
    return counts.reshape(len(COLUMNS), n_centres, cohort.frame.n_days)


def _ratio(*bounds: tuple[NDArray[np.float64], NDArray[np.float64]]) -> NDArray[np.float64]:
    """Value, low and high bound, each a numerator and a denominator, as the last two axes."""
    return np.stack([np.stack(pair, axis=-1) for pair in bounds], axis=-2)
