"""The tips that count: what became of each, its last label, and when its moments were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import NEVER
from sim.dynamics.log import ABANDONED, OPEN, SERVED, TURNED_AWAY, UNREACHED, Log
from sim.dynamics.replication import NO_LABEL, NO_PLACE, NO_VISIT, Codes, Flags, Replication, Rules, Ticks
from sim.dynamics.waits import next_visits
from sim.measures import passes
from sim.measures.frame import WHAT, Frame
from sim.scenario.moments import Milestone
from sim.scenario.pools import Filter
from sim.scenario.targets import OfTips, Period, Place, Target, Timed


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """The first visits to stages that tips may still make, or have not ended, at the horizon: (n_ahead,) each."""

    n: int
    """Tips of the cohort."""
    tip: NDArray[np.int64]
    """Row of the cohort."""
    stage: Codes
    begun: Flags
    """Whether somebody has begun to serve it, or its delay has begun."""

    def at(self, stages: Sequence[int], *, every: bool = False, unbegun: bool = False) -> Flags:
        """(n,) which tips may still come to one of the stages or be through there, or are under way at all with
        `every`; only where the visit is not `begun` if `unbegun`."""
        mine = np.ones(len(self.tip), np.bool_) if every else np.isin(self.stage, stages)
        found = np.zeros(self.n, np.bool_)
        found[self.tip[mine & ~self.begun] if unbegun else self.tip[mine]] = True
        return found


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
    """THROUGH, LOST, UNDER_WAY at the horizon, or IN_ANOTHER of `passes`."""
    label: Codes
    """The label after the last stage that served it: a lost or open tip has the one that it had got by then."""
    leave: Ticks
    """When it was through, or NEVER."""
    lost: Ticks
    """When it gave up for good, or NEVER."""
    turned_away: Ticks
    """When it was first turned away for good, at any stage, or NEVER."""
    at_risk: Flags
    """Whether an open tip may still give up: it waits at a stage with patience, or one lies ahead, or it is in a delay
    that has some."""
    moments: NDArray[np.int64]
    """(n_moments, n) tick of each moment that targets ask for, of the tip's first visit to the stage; or NEVER."""
    combination: NDArray[np.int64]
    """The row of each tip in the frame's grid of attributes."""
    frame: Frame
    on_way: dict[int, Flags] = field(default_factory=dict)
    """Whether some stages lie on the way of each tip: those that milestones name which take the latest of several."""
    passed: dict[Milestone | int, Ticks] = field(default_factory=dict)
    """Milestones that were asked for already, those of targets by their number in the frame."""
    cells: dict[tuple[Place | None, Period], NDArray[np.int64]] = field(default_factory=dict)
    """The cell of each tip by the places and windows of the cuts that were asked for already."""
    few_cells: dict[tuple[Place | None, Period], Codes] = field(default_factory=dict)
    """The same, in half of the memory."""
    unlabelled: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """The rows of the tips without a label."""
    run: tuple[Log, Replication] | None = None
    """What it was read from."""
    looked_ahead: list[Ahead] = field(default_factory=list)
    """`ahead`, once it was asked for."""
    not_through: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """The rows of the tips that are lost, under way or merged."""
    members: dict[int, Flags] = field(default_factory=dict)
    """The tips that were asked for already, by the identity of the combinations of attributes that count."""

    def __len__(self) -> int:
        return len(self.arrival)

    @property
    def ahead(self) -> Ahead:
        """What may still come at the horizon."""
        if not self.looked_ahead:
            assert self.run is not None
            self.looked_ahead.append(look_ahead(*self.run, self.first, self.last))
        return self.looked_ahead[0]

    @property
    def may_merge(self) -> bool:
        """Whether any tip may."""
        assert self.run is not None
        return self.run[1].may_merge

    def may_pass(self, milestone: Milestone) -> Flags:
        """Which tips may still pass a moment of a milestone after the horizon."""
        stages = [self.frame.scenario.stage_index(one.stage) for one in milestone.moments if one.stage is not None]
        others = any(one.what in ("leave", "lost") for one in milestone.moments if one.stage is None)
        return self.ahead.at(stages, every=others)

    def matching(self, of: Filter | None) -> Flags:
        """Which tips a target's `of` means; all where there is none."""
        return self.frame.matching(of)[self.combination]

    def mine(self, target: OfTips) -> Flags:
        """Which tips a target is about, as `matching` has them."""
        of = self.frame.of_target(target)
        if id(of) not in self.members:
            self.members[id(of)] = of.take(self.combination)
        return self.members[id(of)]

    def when(self, milestone: Milestone) -> Ticks:
        """The tick at which each tip passed a milestone, or NEVER."""
        key = self.frame.milestones.get(id(milestone), milestone)
        if key not in self.passed:
            ticks = [self._moment(moment.stage, moment.what) for moment in milestone.moments]
            found = ticks[0]
            if milestone.all_of:
                found = self._all_of(milestone, ticks)
            for tick in ticks[1:] if not milestone.all_of else ():
                found = np.minimum(found, tick) if milestone.first_of else np.where(found == NEVER, tick, found)
            self.passed[key] = found
        return self.passed[key]

    def _all_of(self, milestone: Milestone, ticks: list[Ticks]) -> Ticks:
        """The latest of the moments that lie on a tip's way; NEVER if one of these never comes, or none lies on it."""
        found = np.full(len(self), -1)
        for moment, tick in zip(milestone.moments, ticks, strict=True):
            stage = moment.stage
            on_way = True if stage is None else self.on_way[self.frame.scenario.stage_index(stage)]
            found = np.where(on_way, np.maximum(found, tick), found)
        return np.where(found < 0, NEVER, found)

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
        (log.enter, log.start, log.end, log.outcome, log.lost, log.attempt, log.gave_up, log.turned_away, log.merged),
        (_in_vain_until(rules), np.full(len(rules.stages.attempts), -1)),
        (visits.follows, visits.given_up_to, visits.turned_away_to, visits.last_tier, visits.labels_as),
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
        if size > 1:
            combination *= size
            combination += code[first:last]
    combination *= frame.sizes[-1]
    combination += label
    combination += 1
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
        combination=combination,
        frame=frame,
        on_way=_on_way(log, replication, frame, first, last),
        unlabelled=np.flatnonzero(label == NO_LABEL),
        run=(log, replication),
        not_through=np.flatnonzero(state != passes.THROUGH),
    )


def _in_vain_until(rules: Rules) -> Codes:
    """(n_stages,) NOT_IN_VAIN, UNTIL_BEGUN or UNTIL_ENDED of `passes`."""
    staffed = np.where(rules.stages.place == NO_PLACE, passes.UNTIL_ENDED, passes.UNTIL_BEGUN)
    return np.where(rules.stages.attempts > 0, staffed, passes.NOT_IN_VAIN).astype(np.int32)


def look_ahead(log: Log, replication: Replication, first: int, last: int) -> Ahead:
    """What may still come of the tips from `first` to `last`; with asides on whichever way they will go."""
    tips, visits = replication.tips, replication.visits
    begins, ends = int(tips.first_visit[first]), int(tips.first_visit[last])
    outcome = log.outcome[begins:ends]
    tip = np.repeat(np.arange(last - first), np.diff(tips.first_visit[first : last + 1]))
    under_way = np.zeros(last - first, np.bool_)
    under_way[tip[outcome == OPEN]] = True
    may_come = outcome == UNREACHED
    if visits.follows.size:
        may_come, visit = np.zeros(len(outcome), np.bool_), begins + np.flatnonzero(outcome == OPEN)
        while visit.size:
            to = np.concatenate([one[visit] for one in (visits.follows, visits.given_up_to, visits.turned_away_to)])
            to = np.unique(to[to != NO_VISIT])
            visit = to[~may_come[to - begins]]
            may_come[visit - begins] = True
    row = np.flatnonzero(under_way[tip] & (may_come | (outcome != UNREACHED)))
    stage = replication.rules.kinds.stage[visits.kind[begins + row]]
    visited = tip[row] * np.int64(len(replication.rules.stages.attempts)) + stage
    still = (outcome[row] == OPEN) | (outcome[row] == UNREACHED)
    still &= ~np.isin(visited, visited[~still])
    row, stage = row[still], stage[still]
    return Ahead(last - first, tip[row], stage, log.start[begins + row] != NEVER)


def ways_to(
    target: Target, replication: Replication, frame: Frame
) -> tuple[Ticks, Ticks, Ticks, Ticks, Ticks, NDArray[np.int64], Ticks] | None:
    """What `passes.time_spent` has to know to follow the way that came last to the end of a target, None without any.

    The moments that visits await, and where those lead that are in vain; (n, 2) the stages whose moment ends the
    target, each with which it is there: 0 enter, 1 start, 2 end; -1 in place of a stage where
    tips leave; and room for until when a tip went through each visit.
    """
    visits = replication.visits
    if not visits.first_moment.size:
        return None
    to: list[tuple[int, int]] = []
    if visits.branch and isinstance(target, Timed):
        for moment in target.to.moments:
            if moment.stage is not None and moment.what in WHAT[:3]:
                to.append((frame.scenario.stage_index(moment.stage), WHAT.index(moment.what)))
            elif moment.what == "leave":
                to.append((-1, 2))
    table = np.array(to, dtype=np.int64).reshape(-1, 2)
    most = int(np.diff(replication.tips.first_visit).max(initial=0))
    ways = visits.first_moment, visits.moment_after, visits.sets_off
    given_up_to, turned_away_to = visits.given_up_to, visits.turned_away_to
    if not given_up_to.size:
        given_up_to = turned_away_to = np.full(len(visits), NO_VISIT)
    return *ways, given_up_to, turned_away_to, table, np.zeros(most + 1, np.int64)


def _on_way(log: Log, replication: Replication, frame: Frame, first: int, last: int) -> dict[int, Flags]:
    """`Cohort.on_way`: what a tip did not come to because it went to an aside instead does not lie on its way."""
    if not frame.all_of:
        return {}
    tips, visits = replication.tips, replication.visits
    mine = slice(int(tips.first_visit[first]), int(tips.first_visit[last]))
    stage = replication.rules.kinds.stage[visits.kind[mine]]
    tip = np.repeat(np.arange(last - first), np.diff(tips.first_visit[first : last + 1]))
    lies = np.ones(stage.size, dtype=np.bool_)
    if visits.follows.size:
        lies[:] = False
        visit = tips.first_visit[first:last][np.diff(tips.first_visit[first : last + 1]) > 0]
        while visit.size:
            lies[visit - mine.start] = True
            over = np.isin(log.outcome[visit], (SERVED, ABANDONED, TURNED_AWAY))
            to = np.where(over, next_visits(log, replication, visit), visits.follows[visit])
            visit = to[to != NO_VISIT]
    elif visits.cue.size:
        whole = np.ones(len(visits), dtype=np.bool_)
        of_visit = visits.first_moment, visits.sets_off, visits.awaits
        asides = visits.given_up_to, visits.turned_away_to
        passes.mark_way((tips.first_visit, first, last), (*of_visit, *asides), log.outcome, whole.copy(), whole)
        lies = whole[mine]
    found = {}
    for one in frame.all_of:
        found[one] = np.zeros(last - first, dtype=np.bool_)
        found[one][tip[lies & (stage == one)]] = True
    return found


def label_so_far(log: Log, replication: Replication, *, who_gave: bool = False) -> Codes:
    """(n_tips,) the label that each tip had by the horizon, or by giving up, or who gave it: NO_LABEL where none."""
    visits, first_visit = replication.visits, replication.tips.first_visit
    at_visit, at_last, after_last = (
        (visits.labeller, visits.final_labeller, visits.last_labeller)
        if who_gave
        else (visits.tier, visits.final_tier, visits.last_tier)
    )
    found = at_last.copy()
    if visits.branch:
        return _label_beside(log, replication, who_gave=who_gave)
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


def _label_beside(log: Log, replication: Replication, *, who_gave: bool) -> Codes:
    """The same where tips may be in several places at a time: of the labels given on all branches the last in order."""
    visits, first_visit = replication.visits, replication.tips.first_visit
    found = (visits.final_labeller if who_gave else visits.final_tier).copy()
    some = np.flatnonzero(np.diff(first_visit))
    found[some] = (visits.labeller if who_gave else visits.tier)[first_visit[:-1][some]]
    gave = np.flatnonzero((log.outcome == SERVED) & (visits.labels_as != NO_LABEL))
    tip = np.searchsorted(first_visit, gave, side="right") - 1
    # Of several in one place numpy keeps the last.
    found[tip] = (visits.gives_as if who_gave else visits.labels_as)[gave]
    return found
