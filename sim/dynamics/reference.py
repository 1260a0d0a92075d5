"""The reference engine: SimPy, one process a tip, written to be read. It is the specification of the dynamics.

It refuses to draw, to configure itself and to be fast. SimPy keeps the clock and the order of events; a process tells
the life of one tip; a `_Place` keeps the line and the servers of one pool in one centre. SimPy resumes processes at its
own priorities 0 and 1, the pools settle at 2, and the kinds of `order` follow: so all that one event sets off is over
before the pools settle, and the pools have settled before the next event is taken.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import simpy
from simpy.events import EventPriority

from sim.dynamics import order
from sim.dynamics.clock import NEVER
from sim.dynamics.log import ABANDONED, CUT, DONE, OPEN, PREEMPTED, RELIEVED, SERVED, UNREACHED, Log, Overtime, Spells
from sim.dynamics.replication import FINISH, NO_PLACE, Replication

SETTLE = 2
Life = Generator[simpy.Event, object, None]


def simulate(replication: Replication) -> Log:
    """The log of a replication, by the rules of the dynamics; events at or after the horizon do not happen."""
    return _Line(replication).run()


class _Moment(simpy.Event):
    """An event that is bound to happen at a tick, with a priority of ours; never, at or after the horizon."""

    def __init__(self, env: simpy.Environment, priority: int, delay: int = 0, act: Callable[[], None] | None = None):
        super().__init__(env)
        self._ok, self._value = True, None
        if act is not None:
            self.callbacks.append(lambda _: act())
        env.schedule(self, EventPriority(priority), delay)


@dataclass(slots=True)
class _Tip:
    """Where one tip stands on its visit to a staffed stage."""

    index: int
    turn: simpy.Event
    visit: int = 0
    attempt: int = 0
    entry: int = 0
    left: int = 0
    rank: int = 0
    overflow_rank: int = 0
    own: _Place | None = None
    overflow: _Place | None = None
    watched: bool = False
    in_both: bool = False
    waiting: bool = False
    behind_gate: bool = False
    started: bool = False
    served_at: _Place | None = None
    served_rank: int = 0
    began: int = 0
    ends: int = NEVER
    overtime_since: int = NEVER

    @property
    def stands_in(self) -> list[_Place]:
        """The places in whose lines the tip waits, each once."""
        return [p for p in (self.own, self.overflow if self.in_both else None) if p is not None]


@dataclass(slots=True)
class _Place:
    """One pool in one centre: a line in order, and slots that are idle, busy on duty, or busy in overtime."""

    index: int
    at_shift_end: int
    hand_over: int
    concurrency: int
    idle: int = 0
    line: list[_Tip] = field(default_factory=list)
    busy: list[_Tip] = field(default_factory=list)
    overtime: list[_Tip] = field(default_factory=list)

    def rank(self, tip: _Tip) -> int:
        """The rank of a tip in this line: a tip that overflows here is ranked by this pool's rule."""
        return tip.rank if tip.own is self else tip.overflow_rank

    def join(self, tip: _Tip) -> None:
        """Put a tip into its place in line."""
        insort(self.line, tip, key=lambda one: order.line_key(self.rank(one), one.entry, one.index))


class _Line:
    """The whole line at work on one replication."""

    def __init__(self, replication: Replication) -> None:
        self.tips, self.visits, self.rules = replication.tips, replication.visits, replication.rules
        self.plan = replication.plan
        self.env = simpy.Environment(initial_time=0)
        places = self.rules.places
        self.places = [
            _Place(i, int(places.at_shift_end[i]), int(places.hand_over[i]), int(places.concurrency[i]))
            for i in range(len(places.pool))
        ]
        self.behind_gate: dict[int, list[_Tip]] = {s: [] for s in range(len(self.rules.stages.every))}
        self.settling = False
        n_visits, n_tips = len(self.visits), len(self.tips)
        self.enter = np.full(n_visits, NEVER, np.int64)
        self.start = np.full(n_visits, NEVER, np.int64)
        self.end = np.full(n_visits, NEVER, np.int64)
        self.outcome = np.full(n_visits, UNREACHED, np.int8)
        self.attempt = np.zeros(n_visits, np.int32)
        self.lost = np.full(n_tips, NEVER, np.int64)
        self.gave_up = np.full(len(self.visits.patience), NEVER, np.int64)
        self.spells: list[tuple[int, int, int, int, int, int]] = []
        self.overtime: list[tuple[int, int, int, int]] = []

    @property
    def now(self) -> int:
        return int(self.env.now)

    # Events

    def at(self, tick: int, key: int, act: Callable[[], None] | None = None) -> simpy.Event:
        """An event that happens at a tick, in the order of its key within the tick, and does `act`."""
        if tick >= self.rules.horizon:
            return simpy.Event(self.env)
        return _Moment(self.env, key, tick - self.now, act)

    def run(self) -> Log:
        for row in range(len(self.plan)):
            key = order.event_key(order.SHIFT, int(self.plan.place[row]))
            self.at(int(self.plan.tick[row]), key, partial(self.change_shift, row))
        backlog = self.at(0, order.event_key(order.ARRIVAL, 0)) if self.tips.n_backlog else None
        for tip in range(len(self.tips)):
            arrival = backlog if backlog is not None and tip < self.tips.n_backlog else None
            self.env.process(self.life(tip, arrival))
        self.env.run()
        return self.close()

    # The life of a tip

    def life(self, index: int, arrival: simpy.Event | None) -> Life:
        """Arrive, make each visit in turn, and leave; or give up for good on the way."""
        yield arrival or self.at(int(self.tips.arrival[index]), order.event_key(order.ARRIVAL, index))
        tip = _Tip(index, simpy.Event(self.env))
        for visit in range(int(self.tips.first_visit[index]), int(self.tips.first_visit[index + 1])):
            stage = int(self.rules.kinds.stage[self.visits.kind[visit]])
            tip.visit = visit
            self.enter[visit], self.outcome[visit] = self.now, OPEN
            if self.rules.stages.place[stage] == NO_PLACE:
                yield from self.pass_time(tip, visit, stage)
            else:
                yield from self.be_served(tip, visit, stage)
                if self.outcome[visit] == ABANDONED:
                    return

    def pass_time(self, tip: _Tip, visit: int, stage: int) -> Life:
        """A delay: nobody works, nobody waits, but for the gate."""
        self.attempt[visit] = 1
        yield from self.pass_gate(tip, stage)
        self.start[visit] = self.now
        yield self.at(self.now + int(self.visits.work[visit]), order.event_key(order.END, tip.index))
        self.end[visit], self.outcome[visit] = self.now, SERVED

    def be_served(self, tip: _Tip, visit: int, stage: int) -> Life:
        """One or more attempts to be served at a staffed stage; the last one given up loses the tip."""
        self.take_up(tip, visit, stage)
        attempts = int(self.rules.stages.attempts[stage])
        while True:
            tip.attempt += 1
            self.attempt[visit] = tip.attempt
            tip.entry, tip.started = self.now, False
            draws = int(self.visits.first_attempt[visit]) + tip.attempt - 1
            if attempts:
                bears = int(self.visits.patience[draws])
                give_up = partial(self.lose_patience, tip, visit, tip.attempt)
                self.at(self.now + bears, order.event_key(order.ABANDON, tip.index), give_up)
            released = yield from self.pass_gate(tip, stage)
            if released:
                self.watch_overflow(tip, visit, stage)
                tip.turn = simpy.Event(self.env)
                self.wait(tip)
                if (yield tip.turn):
                    self.end[visit], self.outcome[visit] = self.now, SERVED
                    return
            self.settle_soon()
            self.gave_up[draws] = self.now
            back_after = int(self.visits.retry_after[draws])
            if back_after == NEVER:
                self.outcome[visit], self.lost[tip.index] = ABANDONED, self.now
                return
            yield self.at(self.now + back_after, order.event_key(order.ARRIVAL, tip.index, order.COMES))

    def take_up(self, tip: _Tip, visit: int, stage: int) -> None:
        """Fix what a visit needs to know of its lines: the places, and the ranks there."""
        stages, kinds = self.rules.stages, self.rules.kinds
        kind, centre = int(self.visits.kind[visit]), int(self.tips.centre[tip.index])
        tip.attempt, tip.left = 0, int(self.visits.work[visit])
        tip.watched = tip.in_both = False
        tip.rank, tip.overflow_rank = int(kinds.rank[kind]), int(kinds.overflow_rank[kind])
        tip.own = self.places[int(stages.place[stage]) + centre * int(stages.place_step[stage])]
        tip.overflow = None
        if stages.overflow[stage] != NO_PLACE:
            tip.overflow = self.places[int(stages.overflow[stage]) + centre * int(stages.overflow_step[stage])]

    def pass_gate(self, tip: _Tip, stage: int) -> Generator[simpy.Event, object, bool]:
        """Wait until the stage's gate opens; false when the tip gave up behind it."""
        opens = order.opening(self.now, int(self.rules.stages.every[stage]), self.rules.since_midnight)
        if opens == self.now:
            return True
        tip.behind_gate, tip.turn = True, simpy.Event(self.env)
        self.behind_gate[stage].append(tip)
        self.at(
            opens,
            order.event_key(order.ARRIVAL, tip.index, order.PASSES),
            partial(self.open_gate, tip, tip.visit, stage),
        )
        return bool((yield tip.turn))

    def open_gate(self, tip: _Tip, visit: int, stage: int) -> None:
        """Release all who are held at a stage, in the event of the lowest tip that is still held."""
        if tip.visit == visit and tip.behind_gate:
            for held in self.behind_gate[stage]:
                held.behind_gate = False
                held.turn.succeed(True)
            self.behind_gate[stage].clear()

    def watch_overflow(self, tip: _Tip, visit: int, stage: int) -> None:
        """From a while after the first entry to its line the tip stands in the overflow line too, whenever it waits."""
        if tip.overflow is not None and not tip.watched:
            tip.watched = True
            shows = self.now + int(self.rules.stages.overflow_after[stage])
            self.at(shows, order.event_key(order.ARRIVAL, tip.index, order.SHOWS), partial(self.show, tip, visit))

    def show(self, tip: _Tip, visit: int) -> None:
        if tip.visit == visit and not tip.in_both and self.outcome[visit] == OPEN:
            tip.in_both = True
            if tip.waiting and tip.overflow is not None:
                tip.overflow.join(tip)
                self.settle_soon()

    def lose_patience(self, tip: _Tip, visit: int, attempt: int) -> None:
        """Give up, unless the attempt has started or is over."""
        if tip.visit != visit or tip.attempt != attempt or tip.started or self.outcome[visit] != OPEN:
            return
        if tip.behind_gate:
            tip.behind_gate = False
            stage = int(self.rules.kinds.stage[self.visits.kind[visit]])
            self.behind_gate[stage].remove(tip)
        else:
            self.stop_waiting(tip)
        tip.turn.succeed(False)

    # The lines and the servers

    def wait(self, tip: _Tip) -> None:
        tip.waiting = True
        for place in tip.stands_in:
            place.join(tip)
        self.settle_soon()

    def stop_waiting(self, tip: _Tip) -> None:
        tip.waiting = False
        for place in tip.stands_in:
            place.line.remove(tip)

    def settle_soon(self) -> None:
        """Settle once all that this event sets off is over."""
        if not self.settling:
            self.settling = True
            _Moment(self.env, SETTLE, act=self.settle)

    def settle(self) -> None:
        """Pass over the pools in their order, each starting whoever can start, until a pass starts nothing."""
        self.settling = False
        started = True
        while started:
            started = False
            for place in self.places:
                while self.start_next(place) or self.preempt(place):
                    started = True

    def start_next(self, place: _Place) -> bool:
        """Let an idle server take the first in line."""
        if place.idle == 0 or not place.line:
            return False
        place.idle -= 1
        self.begin(place, place.line[0])
        return True

    def preempt(self, place: _Place) -> bool:
        """Let the best waiting tip that may, take the server of a tip that it outranks, if no server is free."""
        if place.idle > 0:
            return False
        taker = next((tip for tip in place.line if self.may_preempt(place, tip)), None)
        if taker is None:
            return False
        rank = place.rank(taker)
        givers = [tip for tip in place.busy if order.outranks(rank, tip.served_rank) and tip.ends > self.now]
        if not givers:
            return False
        giver = min(givers, key=lambda tip: order.yielding_key(tip.served_rank, tip.began, tip.index))
        place.busy.remove(giver)
        self.interrupt(giver, PREEMPTED, giver.ends - self.now)
        self.begin(place, taker)
        return True

    def may_preempt(self, place: _Place, tip: _Tip) -> bool:
        kinds = self.rules.kinds
        allowed = kinds.preempts if tip.own is place else kinds.overflow_preempts
        return bool(allowed[self.visits.kind[tip.visit]])

    def begin(self, place: _Place, tip: _Tip) -> None:
        """Start a spell of work at a place."""
        tip.served_rank = place.rank(tip)
        self.stop_waiting(tip)
        place.busy.append(tip)
        tip.served_at, tip.began, tip.ends = place, self.now, self.now + tip.left
        tip.started = True
        if self.start[tip.visit] == NEVER:
            self.start[tip.visit] = self.now
        self.at(tip.ends, order.event_key(order.END, tip.index), partial(self.end_spell, tip, tip.visit, self.now))

    def end_spell(self, tip: _Tip, visit: int, began: int) -> None:
        """The work is done: the server is free, unless it was in overtime; the tip goes on in this same event."""
        place = tip.served_at
        if place is None or (tip.visit, tip.began, tip.ends) != (visit, began, self.now):
            return
        if tip.overtime_since == NEVER:
            place.busy.remove(tip)
            place.idle += 1
        else:
            place.overtime.remove(tip)
            self.end_overtime(tip)
        self.write_spell(tip, DONE)
        tip.served_at = None
        tip.turn.succeed(True)
        self.settle_soon()

    def interrupt(self, tip: _Tip, why: int, left: int) -> None:
        """Stop a spell with work left: the tip returns to its place in line."""
        self.write_spell(tip, why)
        tip.served_at, tip.left, tip.ends = None, left, NEVER
        self.wait(tip)

    def change_shift(self, row: int) -> None:
        """Let people leave, then those back from a break return, then the new ones join."""
        place = self.places[int(self.plan.place[row])]
        leaving, returning, joining = (
            int(column[row]) * place.concurrency
            for column in (self.plan.leaving, self.plan.returning, self.plan.joining)
        )
        while leaving > 0 and place.idle > 0:
            place.idle -= 1
            leaving -= 1
        for _ in range(leaving):
            self.relieve(place, self.first_to_leave(place.busy))
        while returning > 0 and place.overtime:
            tip = self.first_to_leave(place.overtime)
            place.overtime.remove(tip)
            self.end_overtime(tip)
            place.busy.append(tip)
            returning -= 1
        place.idle += returning + joining
        self.settle_soon()

    def first_to_leave(self, tips: list[_Tip]) -> _Tip:
        return min(tips, key=lambda tip: order.leaving_key(tip.began, tip.index))

    def relieve(self, place: _Place, tip: _Tip) -> None:
        """Take the server of a tip off duty: it stays in overtime, or goes at once and the tip returns to the line."""
        place.busy.remove(tip)
        if place.at_shift_end == FINISH or tip.ends == self.now:
            place.overtime.append(tip)
            tip.overtime_since = self.now
            return
        drawn = int(self.visits.work[tip.visit])
        left = order.work_after_relief(place.at_shift_end, tip.ends - self.now, drawn, place.hand_over)
        self.interrupt(tip, RELIEVED, left)

    # The log

    def write_spell(self, tip: _Tip, why: int) -> None:
        assert tip.served_at is not None
        ended = self.rules.horizon if why == CUT else self.now
        self.spells.append((tip.visit, tip.attempt, tip.served_at.index, tip.began, ended, why))

    def end_overtime(self, tip: _Tip, ended: int | None = None) -> None:
        assert tip.served_at is not None
        until = self.now if ended is None else ended
        self.overtime.append((tip.overtime_since, tip.served_at.index, tip.visit, until))
        tip.overtime_since = NEVER

    def close(self) -> Log:
        """Cut what is still under way at the horizon, and put the log in order."""
        for place in self.places:
            for tip in place.overtime:
                self.end_overtime(tip, self.rules.horizon)
            for tip in place.busy + place.overtime:
                self.write_spell(tip, CUT)
        spells = np.array(sorted(self.spells, key=lambda s: (s[0], s[3])), np.int64).reshape(-1, 6)
        overtime = np.array(sorted(self.overtime), np.int64).reshape(-1, 4)
        visit, attempt, place_, began, ended, why = (np.ascontiguousarray(column) for column in spells.T)
        since, where, whose, until = (np.ascontiguousarray(column) for column in overtime.T)
        return Log(
            enter=self.enter,
            start=self.start,
            end=self.end,
            outcome=self.outcome,
            attempt=self.attempt,
            lost=self.lost,
            gave_up=self.gave_up,
            spells=Spells(visit, attempt.astype(np.int32), place_.astype(np.int32), began, ended, why.astype(np.int32)),
            overtime=Overtime(where.astype(np.int32), whose, since, until),
        )
