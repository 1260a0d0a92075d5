"""The tips that count: what became of each, its last label, and when its moments were."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import NEVER
from sim.dynamics.log import SERVED, Log
from sim.dynamics.replication import NO_VISIT, Codes, Flags, Replication, Ticks
from sim.dynamics.waits import next_visits
from sim.measures import passes
from sim.measures.frame import WHAT, Frame
from sim.scenario.moments import Milestone
from sim.scenario.pools import Filter


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """The tips that arrive in the measured time, backlog left out: rows `first` to `last` of Tips, (n,) each."""

    first: int
    last: int
    arrival: Ticks
    day: NDArray[np.int64]
    """Day of arrival, from the first of the measured time."""
    centre: Codes
    state: NDArray[np.int8]
    """THROUGH, LOST or UNDER_WAY at the horizon."""
    label: Codes
    """The label after the last stage that served it: a lost or open tip has the one that it had got by then."""
    leave: Ticks
    """When it was through, or NEVER."""
    lost: Ticks
    """When it gave up for good, or NEVER."""
    turned_away: Ticks
    """When it was first turned away for good, at any stage, or NEVER."""
    at_risk: Flags
    """Whether an open tip may still give up: it waits at a stage with patience, or one lies ahead."""
    moments: NDArray[np.int64]
    """(n_moments, n) tick of each moment that targets ask for, of the tip's first visit to the stage; or NEVER."""
    combination: NDArray[np.int64]
    """The row of each tip in the frame's grid of attributes."""
    frame: Frame
    passed: dict[Milestone, Ticks] = field(default_factory=dict)
    """Milestones that were asked for already."""

    def __len__(self) -> int:
        return len(self.arrival)

    def matching(self, of: Filter | None) -> Flags:
        """Which tips a target's `of` means; all where there is none."""
        return self.frame.matching(of)[self.combination]

    def when(self, milestone: Milestone) -> Ticks:
        """The tick at which each tip passed a milestone, or NEVER."""
        if milestone not in self.passed:
            ticks = [self._moment(moment.stage, moment.what) for moment in milestone.moments]
            found = ticks[0]
            for tick in ticks[1:]:
                found = np.minimum(found, tick) if milestone.first_of else np.where(found == NEVER, tick, found)
            self.passed[milestone] = found
        return self.passed[milestone]

    def _moment(self, stage: str | None, what: str) -> Ticks:
        if stage is None:
            given: Ticks = getattr(self, what)
            return given
        index = self.frame.scenario.stage_index(stage)
        row = self.frame.moments[index, WHAT.index(what)]
        tick: Ticks = self.moments[row]
        return tick


def read(log: Log, replication: Replication, frame: Frame) -> Cohort:
    """The cohort of a replication."""
    tips, visits, rules = replication.tips, replication.visits, replication.rules
    later = tips.arrival[tips.n_backlog :]
    first, last = (tips.n_backlog + int(np.searchsorted(later, tick)) for tick in (frame.first, frame.last))
    n = last - first
    state, at_risk = np.empty(n, np.int8), np.empty(n, np.bool_)
    label, leave = np.empty(n, np.int32), np.empty(n, np.int64)
    moments, turned_away = np.full((frame.n_moments, n), NEVER), np.full(n, NEVER)
    passes.read_tips(
        (tips.first_visit, tips.arrival, visits.final_tier, first),
        (visits.kind, visits.tier, rules.kinds.stage, visits.first_attempt),
        (log.enter, log.start, log.end, log.outcome, log.lost, log.attempt, log.gave_up, log.turned_away),
        rules.stages.attempts.astype(np.int64),
        (visits.follows, visits.given_up_to, visits.turned_away_to, visits.last_tier),
        frame.moments,
        last,
        (state, label, leave, at_risk, turned_away),
        moments,
    )
    combination = np.zeros(n, np.int64)
    own = list(frame.scenario.own)
    for size, name in zip(frame.sizes[:-1], frame.attributes, strict=False):
        if name == "labelled_by":
            code = label_so_far(log, replication, who_gave=True) + 1
        else:
            code = tips.own[own.index(name)] if name in own else getattr(tips, name)
        combination = combination * size + code[first:last]
    return Cohort(
        first=first,
        last=last,
        arrival=tips.arrival[first:last],
        day=frame.day(tips.arrival[first:last]),
        centre=tips.centre[first:last],
        state=state,
        label=label,
        leave=leave,
        lost=log.lost[first:last],
        turned_away=turned_away,
        at_risk=at_risk,
        moments=moments,
        combination=combination * frame.sizes[-1] + label + 1,
        frame=frame,
    )


def label_so_far(log: Log, replication: Replication, *, who_gave: bool = False) -> Codes:
    """(n_tips,) the label that each tip had by the horizon, or by giving up, or who gave it: NO_LABEL where none."""
    visits, first_visit = replication.visits, replication.tips.first_visit
    at_visit, at_last, after_last = (
        (visits.labeller, visits.final_labeller, visits.last_labeller)
        if who_gave
        else (visits.tier, visits.final_tier, visits.last_tier)
    )
    found = at_last.copy()
    if not visits.follows.size:
        unserved = np.flatnonzero(log.outcome != SERVED)
        tip = np.searchsorted(first_visit, unserved, side="right") - 1
        stopped, first = np.unique(tip, return_index=True)
        found[stopped] = at_visit[unserved[first]]
        return found
    tip = np.flatnonzero(np.diff(first_visit))
    visit = first_visit[tip]
    while tip.size:
        found[tip] = np.where(log.outcome[visit] == SERVED, after_last[visit], at_visit[visit])
        to = next_visits(log, replication, visit)
        tip, visit = tip[to != NO_VISIT], to[to != NO_VISIT]
    return found
