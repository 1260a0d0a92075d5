"""What each tip is to each target: every tip of the cohort is counted once, in one column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import NEVER
from sim.dynamics.kernels import njit
from sim.dynamics.replication import Flags, Ticks
from sim.measures import passes
from sim.measures.cohort import Cohort
from sim.scenario.moments import of_stage
from sim.scenario.targets import LostAs, OfTips, Target, Timed

COLUMNS: Final = ("met", "missed", "lost", "open", "merged", "left_out", "without_start", "without_end", "not_of")
MET, MISSED, LOST, OPEN, MERGED, LEFT_OUT, WITHOUT_START, WITHOUT_END, NOT_OF = range(len(COLUMNS))
"""Where a tip is counted, for every kind of target; the columns add up to the tips that arrived.

met, missed: within the threshold or not. For a mean: counted, at most the mean or above it. For `lost`: met is kept.
lost: gave up for good before `to`, and counts as a miss of a share; a mean only counts it beside.
open: at the horizon nothing is decided yet, and what the target asks for may still come. For `lost`: open, and may
    still give up.
merged: left after `from` and before `to`, its incident being known; no time of it is judged. For `lost` and its like:
    kept.
left_out: lost, and the target leaves lost tips out.
without_start: through, or merged, without ever passing `from`; or open, and will never come to it.
without_end: through without ever passing `to`, which a mean cannot count (it misses a share); or will never come to it.
not_of: not a tip that the target is about.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """The tips of the cohort as one target sees them, (n,) each."""

    column: NDArray[np.int8]
    timed: Flags
    """Whether the tip passed both moments, and is one that the target is about."""
    since: Ticks
    until: Ticks
    """When it passed them, or NEVER."""
    ticks: Ticks
    """From one moment to the other by the clock of the target, 0 if it passed `to` before `from`; of an open tip its
    age since `from`; of a lost tip that counts as good until it gave up; else 0."""

    def only(self, some: Flags) -> Tally:
        """As if the target were about some of the tips only."""
        # The others are few, as a rule.
        return self.without(np.flatnonzero(~some))

    def without(self, rows: NDArray[np.int64]) -> Tally:
        """As if the target were not about some of the tips."""
        if not rows.size:
            return self
        column, timed, ticks = self.column.copy(), self.timed.copy(), self.ticks.copy()
        column[rows], timed[rows], ticks[rows] = NOT_OF, False, 0
        return replace(self, column=column, timed=timed, ticks=ticks)


def unlabelled(target: Target, cohort: Cohort) -> tuple[int, int]:
    """How many tips a target on tiers cannot judge, since they had no label yet: lost, and still open."""
    of = target.of if isinstance(target, OfTips) else None
    if target.in_each != "tier" and (of is None or (of.tier is None and of.labelled_by is None)):
        return 0, 0
    rows = cohort.unlabelled
    assert isinstance(target, OfTips)
    without = cohort.frame.of_target(target, but_for_label=True)[cohort.combination[rows]]
    if target.at_stage is not None:
        without &= cohort.when(of_stage(target.at_stage, "enter"))[rows] != NEVER
    state = cohort.state[rows]
    lost, under_way = (int(np.sum(without & (state == one))) for one in (passes.LOST, passes.UNDER_WAY))
    return lost, under_way


def timed_tally(target: Timed, never: int, late: int, cohort: Cohort) -> Tally:
    """The tally of a target on times. `never` is the column of a tip that was through without ever passing `to`, `late`
    that of an open one that has taken longer than the limit."""
    n = len(cohort)
    column, timed, ticks = np.empty(n, np.int8), np.empty(n, np.bool_), np.empty(n, np.int64)
    since, until = cohort.when(target.from_), cohort.when(target.to)
    state, gave_up = fates(target, cohort)
    state = _settled(target, cohort, state, since, until)
    frame = cohort.frame
    horizon = int(frame.by_clock_of(target, np.array([frame.scenario.horizon]))[0])
    early, before = _EARLY[target.lost_tips.how]
    _judge(
        cohort.mine(target),
        state,
        cohort.not_through if state is cohort.state else np.flatnonzero(state != passes.THROUGH),
        tuple(frame.by_clock_of(target, tick) for tick in (since, until, gave_up)),
        (horizon, target.limit, target.lost_tips.left_out_before - 1 if before else target.limit),
        (never, late, LEFT_OUT if target.lost_tips.how == "left_out" else LOST, early),
        column,
        timed,
        ticks,
    )
    return Tally(column, timed, since, until, ticks)


_EARLY: Final[Mapping[LostAs, tuple[int, bool]]] = {
    "miss": (LOST, False),
    "left_out": (LEFT_OUT, False),
    "good_if_early": (MET, False),
    "left_out_if_early": (LEFT_OUT, False),
    "left_out_before": (LEFT_OUT, True),
}
"""The column of a tip that gave up early, and whether early is before a time of its own."""


def _settled(target: Timed, cohort: Cohort, state: NDArray[np.int8], since: Ticks, until: Ticks) -> NDArray[np.int8]:
    """The same fates, but for open tips of which all is known that the target minds: they are as good as through if
    nothing that lies ahead of them is a moment that they lack, and they cannot be lost or merged any more either."""
    lacking = (state == passes.UNDER_WAY) & ((since == NEVER) | (until == NEVER))
    if target.at_stage is None:
        lacking &= ~cohort.at_risk
    if not lacking.any():
        return state
    starts, may_end = ~cohort.may_pass(target.from_), cohort.may_pass(target.to) | cohort.may_merge
    settled = lacking & np.where(since == NEVER, starts, ~may_end)
    return np.where(settled, passes.THROUGH, state).astype(np.int8)


def fates(target: OfTips, cohort: Cohort) -> tuple[NDArray[np.int8], Ticks]:
    """What became of each tip as far as a target minds it, and when it gave up, or NEVER.

    At a stage it is lost where it gave up the last attempt there, or found no room for good, and merged where it left
    that merged, whatever else befell it; who was lost or merged elsewhere and never came there is as good as through.
    """
    if target.at_stage is None:
        return cohort.state, cohort.lost
    gave_up, turned_away = (cohort.when(of_stage(target.at_stage, what)) for what in ("gave_up", "turned_away"))
    came = cohort.when(of_stage(target.at_stage, "enter")) != NEVER
    merged = cohort.when(of_stage(target.at_stage, "merged")) != NEVER
    gone = (cohort.state == passes.LOST) | (cohort.state == passes.IN_ANOTHER)
    elsewhere = np.where(came, passes.UNDER_WAY, passes.THROUGH)
    in_vain = (gave_up != NEVER) | (turned_away != NEVER)
    state = np.where(gone, elsewhere, cohort.state)
    state = np.where(in_vain, passes.LOST, np.where(merged, passes.IN_ANOTHER, state))
    return state.astype(np.int8), gave_up


@njit(cache=True, nogil=True)
def _judge(mine, state, not_through, moments, limits, columns, column, timed, ticks):  # type: ignore[no-untyped-def]
    """The rules of targets on times, tip by tip; `ticks` is from one moment to the other, of an open tip its age, of
    one that gave up in time and counts as good how long that took. `mine` says which tips count."""
    since, until, gave_up = moments
    horizon, limit, before = limits
    never, late, lost, early = columns
    # As if all were through, without a branch, so that several tips are judged at once.
    for i in range(column.shape[0]):
        both = (since[i] != NEVER) & (until[i] != NEVER)
        took = max(until[i] - since[i], 0)
        in_time = np.int8(MET) if took <= limit else np.int8(MISSED)
        lacks = np.int8(WITHOUT_START) if since[i] == NEVER else np.int8(never)
        judged = in_time if both else lacks
        column[i] = judged if mine[i] else np.int8(NOT_OF)
        timed[i] = both & mine[i]
        ticks[i] = took if both & mine[i] else 0
    for i in not_through:
        if timed[i] or not mine[i]:
            continue
        took = 0
        if state[i] == passes.LOST:
            own = lost
            if early != lost and since[i] != NEVER and gave_up[i] - since[i] <= before:
                own = early
                if early == MET:
                    took = max(gave_up[i] - since[i], 0)
        elif state[i] == passes.IN_ANOTHER:
            own = WITHOUT_START if since[i] == NEVER else MERGED
        else:
            took = 0 if since[i] == NEVER else horizon - since[i]
            own = late if took > limit else OPEN
        column[i], ticks[i] = own, took


@njit(cache=True, nogil=True)
def count_columns(column, into):  # type: ignore[no-untyped-def]
    """Tips by column."""
    # Column by column, so that dozens of tips are compared at once.
    for own in range(into.shape[0]):
        n = 0
        for i in range(column.shape[0]):
            n += column[i] == own
        into[own] += n
