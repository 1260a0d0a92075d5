"""What a target comes to for every draw, by bounds alone: each law, gate and wait has a least and a most.

They are added up along every way that a tip can go, and the extremes of all ways are kept. Shares and labels count only
where they are 0 or 100 %. Nothing is certain because no draw showed otherwise: nothing is drawn here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY
from sim.scenario.branches import branching
from sim.scenario.calendars import LONGEST_LOOK, open_time
from sim.scenario.distributions import Law
from sim.scenario.flow import values_of
from sim.scenario.levels import MOST_STAFF
from sim.scenario.pools import Pool
from sim.scenario.routes import FROM, TO, Crowd, asides_of, crowd, ways
from sim.scenario.schema import (
    AbandonedTarget,
    AnswerTimeTarget,
    LostTarget,
    MeanTarget,
    Milestone,
    Moment,
    OccupancyTarget,
    Scenario,
    ServiceLevelTarget,
    ShareTarget,
    Stage,
    Target,
)
from sim.scenario.stages import LawByAttribute
from sim.scenario.target_kinds import LongestTarget, PercentileOrMedian, TurnedAwayTarget
from sim.scenario.targets import OfTips

Floats = NDArray[np.float64]

MOST_SWEEPS = 500
"""Rework that needs more passes over the stages than this leaves everything possible."""


@dataclass(frozen=True, slots=True)
class CertainBounds:
    """The least and the most that something comes to, whatever is drawn: a share, or ticks."""

    least: float
    most: float

    def also(self, other: CertainBounds) -> CertainBounds:
        """One of the two, whichever it is."""
        return CertainBounds(min(self.least, other.least), max(self.most, other.most))


_Known = (
    ShareTarget
    | MeanTarget
    | LostTarget
    | PercentileOrMedian
    | LongestTarget
    | ServiceLevelTarget
    | AnswerTimeTarget
    | AbandonedTarget
)
"""The kinds of targets of which bounds are known."""

SHARE = CertainBounds(0.0, 1.0)
NOBODY = CertainBounds(0.0, 0.0)
TIME = CertainBounds(0.0, math.inf)


def value_bounds(scenario: Scenario, target: Target) -> CertainBounds:
    """The least and the most that the value of a target can come to: a share, or ticks.

    The target is certain where both lie on one side of its threshold. With a trace everything is left possible: its
    rows may say what the document does not; and so it is where tips are in several places at a time. A pool of
    MOST_STAFF people has no line while it is open.

    Open tips are taken to what they come to in the end, however short the run is cut.
    """
    anything = CertainBounds(0.0, target.rule.most)
    if scenario.demand.trace is not None or branching(scenario.stages):
        return anything
    if isinstance(target, OfTips) and any(one.all_of for one in target.asked_for):
        return anything
    if isinstance(target, OccupancyTarget):
        return _occupancy(scenario, target)
    if isinstance(target, TurnedAwayTarget):
        return SHARE if any(one.limited for one in scenario.stages if target.stage in (None, one.name)) else NOBODY
    if not isinstance(target, _Known):
        return anything
    if target.at_stage is not None and scenario.stage(target.at_stage).asides:
        return anything
    if isinstance(target, AbandonedTarget) and scenario.stage(target.stage).pool is None:
        # Who hangs up in a delay has begun it.
        return NOBODY if scenario.stage(target.stage).patience is None else SHARE
    found = _Ends.of(scenario, target)
    if found is None:
        return anything
    if target.runs_by is not None and found.timed:
        found.took = _by_clock(scenario, target.runs_by, found.took)
    match target:
        case LostTarget() | AbandonedTarget():
            return CertainBounds(float(not found.kept and found.lost), float(found.lost))
        case ShareTarget() | ServiceLevelTarget():
            counts_lost = found.lost_before and target.lost_tips.how != "left_out"
            late = found.timed and found.took.most > target.limit
            may_miss = found.stuck or counts_lost or found.without_end or late
            may_meet = found.timed and found.took.least <= target.limit
            may_meet |= found.lost_before and target.lost_tips.how == "good_if_early"
            return CertainBounds(float(may_meet and not may_miss), float(may_meet or not may_miss))
        case PercentileOrMedian():
            for_ever = found.stuck or (found.lost_before and target.lost_tips.how != "left_out")
            at_once = found.lost_before and target.lost_tips.how == "good_if_early"
            if not found.timed:
                return TIME
            return CertainBounds(0.0 if at_once else found.took.least, math.inf if for_ever else found.took.most)
        case AnswerTimeTarget():
            return found.took if found.timed and not found.stuck else TIME
        case _:
            # A tip that never comes to the end is in no mean; what the mean may leave out is not settled here.
            whole = not (found.stuck or found.lost_before or found.without_end or found.merged)
            return CertainBounds(found.took.least, found.took.most if whole else math.inf) if found.timed else TIME


def line_bounds(scenario: Scenario) -> tuple[tuple[object, ...], ...]:
    """All that bounds depend on in the people of each pool: staffings for which it is equal have equal bounds."""
    zoned = scenario.run.zone is not None
    return tuple(
        (_wait(pool, zoned), _interrupted(pool), *(pool.speeds_at(stage.name) for stage in scenario.stages))
        for pool in scenario.pools.values()
    )


def law_bounds(law: Law) -> CertainBounds:
    """The least and the most time of a law, in ticks.

    >>> from sim.scenario.bounded import Uniform
    >>> law_bounds(Uniform.model_validate({"from": "1 min", "to": "5 min"}))
    CertainBounds(least=60000000.0, most=300000000.0)
    """
    return CertainBounds(law.least, law.most)


def _by_clock(scenario: Scenario, calendar: str, span: CertainBounds) -> CertainBounds:
    """The open ticks of a calendar in spans of wall time that begin in the run."""
    clock, last = open_time(scenario, calendar), scenario.horizon

    def elapsed(ticks: float) -> NDArray[np.int64]:
        length = int(ticks)
        clock.look(last + length)
        # What has elapsed rises or falls only between these.
        edges = np.concatenate([clock.begins, clock.ends, clock.begins - length, clock.ends - length, [0, last - 1]])
        since = edges[(edges >= 0) & (edges < last)]
        return clock.elapsed(since, since + length)

    if span.least > LONGEST_LOOK:
        return CertainBounds(math.inf if math.isinf(span.least) else 0.0, span.most)
    most = float(elapsed(span.most).max()) if span.most <= LONGEST_LOOK else span.most
    return CertainBounds(float(elapsed(span.least).min()), most)


def _occupancy(scenario: Scenario, target: OccupancyTarget) -> CertainBounds:
    tips = crowd(scenario.demand, scenario.labels, scenario.stages, (), only_positive=True)
    reached = ways(tips, scenario.stages).entering
    comes = any(
        came.any() and any(stage.share.values.values())
        for stage, came in zip(scenario.stages, reached, strict=True)
        if target.pool in stage.pools
    )
    return SHARE if comes else CertainBounds(0.0, 0.0)


def _wait(pool: Pool, zoned: bool) -> CertainBounds:
    """How long the line of a pool may last: 0 with unlimited people, until it opens where they are not always there.

    Unbounded with some people, endless with none.
    """
    heads = [] if pool.levels is None else pool.levels.week()[1].tolist()
    people = [pool.staff, *(shift.staff for shift in pool.shifts), *heads]
    if pool.staff >= MOST_STAFF:
        return CertainBounds(0.0, 0.0)
    if not any(people):
        return CertainBounds(math.inf, math.inf)
    plenty = [shift for shift in pool.shifts if shift.staff >= MOST_STAFF]
    dated = any(shift.on for shift in pool.shifts)
    if not plenty or dated or pool.at_shift_end != "finish" or pool.breaks or pool.absence or pool.last_start:
        return TIME
    week = 7 * DAY
    times = [(day * DAY + shift.from_, shift.length) for shift in plenty for day in shift.days]
    opens = sorted((begin + late, begin + late + length) for begin, length in times for late in (0, week))
    longest, until = 0, opens[0][1]
    for begin, end in opens[1:]:
        longest, until = max(longest, begin - until), max(until, end)
    # Where the clock is put forward or back, a night may be longer.
    return CertainBounds(0.0, float(longest + DAY if longest and zoned else longest))


def _interrupted(pool: Pool) -> bool:
    """Whether work that has begun may be put aside."""
    unlimited = pool.staff >= MOST_STAFF
    return not unlimited and (bool(pool.preempt) or (bool(pool.shifts) and pool.at_shift_end != "finish"))


class _State:
    """Tips on their way, (rows, columns, 4): the bits FROM and TO that they have had, and the time between the two."""

    def __init__(self, least: Floats, most: Floats):
        self.least, self.most = least, most

    @classmethod
    def nobody(cls, shape: tuple[int, ...]) -> _State:
        """No tip, of kinds (rows, columns)."""
        return cls(np.full((*shape, 4), math.inf), np.full((*shape, 4), -math.inf))

    @property
    def can_be(self) -> NDArray[np.bool_]:
        return self.most > -math.inf

    def __bool__(self) -> bool:
        return bool(self.can_be.any())

    def where(self, flags: NDArray[np.bool_]) -> _State:
        """Only the kinds of tips (rows, columns) that are marked."""
        marked = flags[..., None]
        return _State(np.where(marked, self.least, math.inf), np.where(marked, self.most, -math.inf))

    def add(self, other: _State) -> None:
        """Tips that may be here too."""
        self.least = np.minimum(self.least, other.least)
        self.most = np.maximum(self.most, other.most)

    def after(self, least: Floats | float, most: Floats | float) -> _State:
        """So much later: the time of those counts that have had FROM and not TO."""
        found = _State(self.least.copy(), self.most.copy())
        here = self.can_be[..., FROM]
        found.least[..., FROM] = np.where(here, self.least[..., FROM] + least, math.inf)
        found.most[..., FROM] = np.where(here, np.maximum(self.most[..., FROM], 0) + most, -math.inf)
        return found

    def passing(self, bits: int) -> _State:
        """After a moment that is FROM, TO, both or neither."""
        if not bits:
            return self
        found = _State.nobody(self.least.shape[:-1])
        for had in range(4):
            now = had | bits
            # Whoever had TO first took no time.
            found.least[..., now] = np.minimum(found.least[..., now], self.least[..., had])
            found.most[..., now] = np.maximum(found.most[..., now], self.most[..., had])
        return found


@dataclass(slots=True)
class _Ends:
    """How the tips that a target judges may end."""

    timed: bool = False
    """With both moments behind them, in a time of"""
    took: CertainBounds = field(default_factory=lambda: CertainBounds(math.inf, 0.0))
    lost: bool = False
    kept: bool = False
    lost_before: bool = False
    """Lost without both moments."""
    without_end: bool = False
    """Through, with FROM and without TO."""
    stuck: bool = False
    """Waiting for ever, without both moments."""
    merged: bool = False
    """Merged without both moments."""

    @classmethod
    def of(cls, scenario: Scenario, target: _Known) -> _Ends | None:
        """By all ways that tips can go; None where there are too many, or where no tip is judged."""
        walk = _Walk(scenario, target)
        if not walk.done:
            return None
        found = cls()
        for fate, state in walk.ends.items():
            if target.at_stage is None:
                found._count(fate, state.where(walk.tips.of(target.of)))
            else:
                found._count_at_stage(fate, state.where(walk.tips.of(target.of)))
        for milestone, bit in ((walk.start, FROM), (walk.stop, TO)):
            if milestone is not None and not milestone.first_of and len(milestone.moments) > 1:
                # Of moments in order of preference the first alone was looked at: that is all if nobody lacks it.
                without = [state.where(walk.tips.of(target.of)).can_be for state in walk.ends.values()]
                if any(can_be[..., had].any() for can_be in without for had in range(4) if not had & bit):
                    return None
        return found if found.lost or found.kept else None

    def _count(self, fate: str, state: _State) -> None:
        if not state:
            return
        can_be = state.can_be
        both = can_be[..., FROM | TO]
        if both.any():
            self.timed = True
            self.took = self.took.also(_took(state))
        lacking = bool(can_be[..., :3].any())
        if fate == "lost":
            self.lost = True
            self.lost_before |= lacking
        else:
            self.kept = True
            self.stuck |= fate == "stuck" and lacking
            self.merged |= fate == "merged" and lacking
            self.without_end |= fate == "through" and bool(can_be[..., FROM].any())

    def _count_at_stage(self, fate: str, state: _State) -> None:
        """Only tips that came to the stage are judged: FROM is its enter, TO its start."""
        can_be = state.can_be
        waited, begun = bool(can_be[..., FROM].any()), bool(can_be[..., FROM | TO].any())
        if begun:
            self.timed, self.kept, self.took = True, True, self.took.also(_took(state))
        if waited and fate == "lost":
            self.lost = self.lost_before = True
        elif waited and fate == "merged":
            self.kept = self.merged = True
        elif waited:
            self.kept = self.stuck = True


def _took(state: _State) -> CertainBounds:
    """How long the judged tips took at least and at most."""
    return CertainBounds(float(state.least[..., FROM | TO].min()), float(state.most[..., FROM | TO].max()))


class _Walk:
    """All kinds of tips through all stages, rework and all."""

    def __init__(self, scenario: Scenario, target: _Known):
        self.scenario = scenario
        self.start: Milestone | None = None if isinstance(target, LostTarget) else target.from_
        self.stop: Milestone | None = None if isinstance(target, LostTarget) else target.to
        self.tips = crowd(scenario.demand, scenario.labels, scenario.stages, [target.of], only_positive=True)
        self.ends = {fate: _State.nobody(self.tips.alive.shape) for fate in ("through", "lost", "stuck", "merged")}
        self.done = self._go()

    def _go(self) -> bool:
        stages = self.scenario.stages
        index = {stage.name: number for number, stage in enumerate(stages)}
        arriving = _State.nobody(self.tips.alive.shape)
        arriving.least[self.tips.alive, 0] = arriving.most[self.tips.alive, 0] = 0.0
        arriving = arriving.passing(self._bits(None, "arrival"))
        waiting: dict[tuple[int, ...], dict[int, _State]] = {tuple(0 for _ in stages): {}}
        for sweep in range(MOST_SWEEPS):
            if not waiting:
                return True
            counts = min(waiting, key=sum)
            sent_back = waiting.pop(counts)
            moving = arriving if sweep == 0 else _State.nobody(self.tips.alive.shape)
            self.led = {name: _State.nobody(self.tips.alive.shape) for name in asides_of(stages)}
            for number, stage in enumerate(stages):
                share = np.broadcast_to(values_of(stage.share, self.tips, float), self.tips.alive.shape)
                coming = self.led.get(stage.name, moving)
                inside = coming.where(self.tips.admitted[number] & (share > 0))
                passing = coming.where(~self.tips.admitted[number] | (share < 1))
                if stage.name in self.led:
                    self._in_vain(None, passing)
                else:
                    moving = passing
                if number in sent_back:
                    inside.add(sent_back[number])
                if not inside:
                    continue
                served = self._served(stage, inside)
                if stage.rework is not None and counts[number] < stage.rework.at_most and stage.rework.share > 0:
                    more = (*counts[:number], counts[number] + 1, *counts[number + 1 :])
                    queue = waiting.setdefault(more, {})
                    queue.setdefault(index[stage.rework.back_to], _State.nobody(self.tips.alive.shape)).add(served)
                    if stage.rework.share == 1:
                        continue
                moving.add(served)
            self.ends["through"].add(moving.passing(self._bits(None, "leave")))
        return not waiting

    def _served(self, stage: Stage, entering: _State) -> _State:
        """Those who come to the end of a stage; who gives up or waits for ever there is noted."""
        inside = entering.passing(self._bits(stage.name, "enter"))
        began = self._started(stage, inside).passing(self._bits(stage.name, "start"))
        if stage.merge is not None:
            self._merged(stage, inside, began)
        least, most = self._worked(stage, stage.time)
        if stage.pool is None and stage.patience is not None:
            began, most = self._borne(stage, stage.patience, began, least, most)
        ended = began.after(least, most).passing(self._bits(stage.name, "end"))
        return ended if stage.label is None else _labelled(ended, self.tips, stage.label)

    def _borne(
        self, stage: Stage, patience: LawByAttribute, began: _State, least: Floats, most: Floats
    ) -> tuple[_State, Floats]:
        """Those who bear a delay of `least` to `most` to its end, and the most that it may take them; who hangs up
        before is noted. Patience runs from the enter, and the end comes first."""
        gate, (shortest, longest) = self._gate(stage), self._times(patience)
        again = stage.retry is not None and stage.retry.share > 0
        may_hang_up, must_hang_up = (
            np.broadcast_to(one, self.tips.alive.shape) for one in (shortest < gate + most, longest < least)
        )
        hung_up = began.where(may_hang_up).after(np.maximum(shortest - gate, 0.0), math.inf if again else longest)
        self._in_vain(stage.gives_up_to, hung_up)
        return began.where(~must_hang_up), np.where(may_hang_up & again, math.inf, most)

    def _worked(self, stage: Stage, laws: LawByAttribute) -> tuple[Floats, Floats]:
        """The least and the most time from a start to the end of such work."""
        least, most = self._times(laws)
        if speeds := [speed for name in stage.pools for speed in self.scenario.pools[name].speeds_at(stage.name)]:
            least, most = least / max(speeds), np.ceil(most / min(speeds))
        if stage.pool is not None and _interrupted(self.scenario.pools[stage.pool]):
            most = np.full_like(most, math.inf)
        return least, most

    def _merged(self, stage: Stage, inside: _State, began: _State) -> None:
        """Note those who may leave merged: before they begin, once interrupted, or at the end of a repeat."""
        assert stage.merge is not None
        if stage.merge.repeat is not None:
            leaving = began.after(*self._worked(stage, stage.merge.repeat))
        else:
            longest = math.inf if stage.retry is not None else self._gate(stage) + self._line(stage).most
            leaving = inside.after(0.0, longest)
            if stage.pool is not None and _interrupted(self.scenario.pools[stage.pool]):
                leaving.add(began.after(0.0, math.inf))
        about = leaving.where(np.broadcast_to(self.tips.of_incidents, self.tips.alive.shape))
        self.ends["merged"].add(about.passing(self._bits(stage.name, "merged")))

    def _in_vain(self, to: str | None, state: _State) -> None:
        """Note those who are lost, or come to an aside."""
        if to is None:
            self.ends["lost"].add(state.passing(self._bits(None, "lost")))
        else:
            self.led[to].add(state)

    def _started(self, stage: Stage, inside: _State) -> _State:
        wait = self._line(stage)
        gate = self._gate(stage)
        if stage.limited:
            tries_again = stage.retry is not None and stage.retry.share > 0
            self._in_vain(stage.turned_away_to, inside.after(0.0, math.inf if tries_again or gate else 0.0))
            if tries_again:
                wait = CertainBounds(wait.least, math.inf)
        if stage.patience is None:
            if math.isinf(wait.least):
                self.ends["stuck"].add(inside)
                return _State.nobody(self.tips.alive.shape)
            return inside.after(wait.least, gate + wait.most)
        least, most = self._times(stage.patience)
        again = stage.retry is not None and stage.retry.share > 0
        may_give_up = np.broadcast_to((gate + wait.most > 0) & (least <= gate + wait.most), self.tips.alive.shape)
        must_give_up = np.broadcast_to(wait.least > most, self.tips.alive.shape)
        given_up = inside.where(may_give_up).after(least, math.inf if again else most)
        self._in_vain(stage.gives_up_to, given_up)
        # Who calls again may have waited before, and between the calls.
        longest = np.where(may_give_up & again, math.inf, np.minimum(gate + wait.most, most))
        return inside.where(~must_give_up).after(np.where(must_give_up, 0.0, wait.least), longest)

    def _gate(self, stage: Stage) -> float:
        """How long a tip may wait for the gate at most."""
        gate = math.inf if stage.open is not None else float(stage.every or 0)
        # With a zone the clock may be changed.
        return gate + DAY if self.scenario.run.zone is not None and gate else gate

    def _line(self, stage: Stage) -> CertainBounds:
        """How long a tip may wait for people once it is let through the gate."""
        if stage.pool is None:
            return CertainBounds(0.0, 0.0)
        zoned = self.scenario.run.zone is not None
        found = _wait(self.scenario.pools[stage.pool], zoned)
        for one in stage.overflow:
            other, after = _wait(self.scenario.pools[one.to], zoned), float(one.after)
            found = CertainBounds(min(found.least, after + other.least), min(found.most, after + other.most))
        return found

    def _times(self, laws: LawByAttribute) -> tuple[Floats, Floats]:
        return (
            values_of(laws, self.tips, lambda law: law_bounds(law).least),
            values_of(laws, self.tips, lambda law: law_bounds(law).most),
        )

    def _bits(self, stage: str | None, what: str) -> int:
        return FROM * _names(self.start, stage, what) | TO * _names(self.stop, stage, what)


def _names(milestone: Milestone | None, stage: str | None, what: str) -> bool:
    return any(one.stage == stage and one.what == what for one in _looked_at(milestone))


def _looked_at(milestone: Milestone | None) -> Iterator[Moment]:
    """The moments of a milestone that end a time: the earliest of all, or the one preferred."""
    if milestone is not None:
        yield from milestone.moments if milestone.first_of else milestone.moments[:1]


def _labelled(state: _State, tips: Crowd, name: str) -> _State:
    """The tips after a labeller has seen them."""
    plain = np.zeros(tips.alive.shape, np.bool_)
    plain[:, 0] = True
    can_get = tips.labelled(name, plain)
    found = state.where(np.broadcast_to(can_get[:, :1], tips.alive.shape))
    seen = _State.nobody(tips.alive.shape)
    seen.least[:] = state.least.min(axis=1, keepdims=True)
    seen.most[:] = state.most.max(axis=1, keepdims=True)
    can_get[:, 0] = False
    found.add(seen.where(can_get))
    return found
