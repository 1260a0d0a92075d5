"""The reference engine: SimPy, one process a tip, written to be read. It is the specification of the dynamics.

It refuses to draw, to configure itself and to be fast. SimPy keeps the clock and the order of events; a process tells
the life of one tip; a `_Place` keeps the line and the servers of one pool in one centre. SimPy resumes processes at its
own priorities 0 and 1, the pools settle at 2, and the kinds of `order` follow: so all that one event sets off is over
before the pools settle, and the pools have settled before the next event is taken.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import simpy
from numpy.typing import NDArray
from simpy.events import EventPriority

from sim.dynamics import order
from sim.dynamics.clock import NEVER
from sim.dynamics.log import ABANDONED, CUT, DONE, OPEN, PREEMPTED, RELIEVED, SERVED, UNREACHED, Log, Overtime, Spells
from sim.dynamics.replication import (
    COMES_BACK,
    COMES_ON,
    FULL_SPEED,
    GOES_HOME,
    NO_PLACE,
    NOBODY,
    TAKES_BREAK,
    TAKES_NO_MORE,
    Codes,
    Replication,
    Ticks,
)

SETTLE = 2
OFF = 0
ON_DUTY = 1
FINISHING = 2
CLEARING = 3
"""Where a person is: away, on duty, in overtime with what is in hand, or in overtime until the line is clear."""

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


@dataclass(slots=True, eq=False)
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

    @property
    def stands_in(self) -> list[_Place]:
        """The places in whose lines the tip waits, each once."""
        return [p for p in (self.own, self.overflow if self.in_both else None) if p is not None]


@dataclass(slots=True, eq=False)
class _Person:
    """One of a row of the roster on one date, with the spells of work in hand."""

    index: int
    end: int
    where: int = OFF
    takes_no_more: bool = False
    since: int = 0
    off_since: int = NEVER
    in_hand: list[_Spell] = field(default_factory=list)

    @property
    def key(self) -> tuple[int, int, int]:
        """The place among those who could take a tip."""
        return order.serving_key(len(self.in_hand), self.since, self.index)

    def may_clear(self, tip: _Tip) -> bool:
        return order.may_clear(tip.entry, self.end)


@dataclass(slots=True, eq=False)
class _Spell:
    """Work on one visit of a tip, or on its wrap-up, by a person or by one of the heads of a place."""

    tip: _Tip
    visit: int
    attempt: int
    place: _Place
    person: _Person | None
    rank: int
    began: int
    need: int
    by_tick: int
    by_stage: int
    wrapping: bool = False
    left: int = 0
    """Of what was needed, as it was when last reckoned."""
    reckoned: int = 0
    speed: int = FULL_SPEED
    ends: int = NEVER
    over: bool = False


@dataclass(slots=True, eq=False)
class _Place:
    """One pool in one centre: a line in order, and people, or heads that are only counted."""

    index: int
    at_shift_end: int
    hand_over: int
    slots: int
    tells_apart: bool
    people: dict[int, _Person]
    free: int = 0
    """Slots of the heads less those in use: below 0 when there are fewer heads than are at work."""
    line: list[_Tip] = field(default_factory=list)
    spells: list[_Spell] = field(default_factory=list)

    def rank(self, tip: _Tip) -> int:
        """The rank of a tip in this line: a tip that overflows here is ranked by this pool's rule."""
        return tip.rank if tip.own is self else tip.overflow_rank

    def join(self, tip: _Tip) -> None:
        """Put a tip into its place in line."""
        insort(self.line, tip, key=lambda one: order.line_key(self.rank(one), one.entry, one.index))

    def able(self, where: int) -> list[_Person]:
        """The people there who could take one more tip."""
        return [
            one
            for one in self.people.values()
            if one.where == where and not one.takes_no_more and len(one.in_hand) < self.slots
        ]


class _Line:
    """The whole line at work on one replication."""

    def __init__(self, replication: Replication) -> None:
        self.tips, self.visits, self.rules = replication.tips, replication.visits, replication.rules
        self.plan, self.gates = replication.plan, replication.rules.gates
        self.env = simpy.Environment(initial_time=0)
        places, people = self.rules.places, self.plan.people
        self.people = [_Person(i, int(end)) for i, end in enumerate(people.end)]
        self.places = [
            _Place(
                i,
                int(places.at_shift_end[i]),
                int(places.hand_over[i]),
                int(places.concurrency[i]),
                bool(places.tells_apart[i]),
                {},
            )
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
        self.spells: list[tuple[int, ...]] = []
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
        yield self.at(self.now + int(self.visits.work[visit]), self.end_key(tip.index, visit))
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
        opens = order.opening(self.now, stage, self.gates)
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
        for place in self.places:
            self.clear(place)

    def start_next(self, place: _Place) -> bool:
        """Let the next to serve take the first in line that they may, if anybody is free."""
        if not place.line:
            return False
        if not place.tells_apart:
            if place.free <= 0:
                return False
            self.begin(place, None, place.line[0])
            return True
        tip, able = place.line[0], place.able(ON_DUTY)
        if not able:
            # Who stays to clear the line comes after everybody on duty, and takes only who came before the shift ended.
            clearing = place.able(CLEARING)
            first = next((tip for tip in place.line if any(one.may_clear(tip) for one in clearing)), None)
            if first is None:
                return False
            tip, able = first, [one for one in clearing if one.may_clear(first)]
        self.begin(place, min(able, key=lambda one: one.key), tip)
        return True

    def preempt(self, place: _Place) -> bool:
        """Let the best waiting tip that may, take the server of a tip that it outranks, if no server is free."""
        if place.able(ON_DUTY) if place.tells_apart else place.free != 0:
            return False
        taker = next((tip for tip in place.line if self.may_preempt(place, tip)), None)
        if taker is None:
            return False
        rank = place.rank(taker)
        givers = [one for one in place.spells if order.outranks(rank, one.rank) and self.may_give_way(one)]
        if not givers:
            return False
        giver = min(givers, key=lambda one: order.yielding_key(one.rank, one.began, one.tip.index))
        self.interrupt(giver, PREEMPTED)
        self.begin(place, giver.person, taker)
        return True

    def may_preempt(self, place: _Place, tip: _Tip) -> bool:
        kinds = self.rules.kinds
        allowed = kinds.preempts if tip.own is place else kinds.overflow_preempts
        return bool(allowed[self.visits.kind[tip.visit]])

    def may_give_way(self, spell: _Spell) -> bool:
        """Not a wrap-up, not what ends at this tick, and nobody in overtime or at the very end of a shift."""
        person = spell.person
        on_duty = person is None or (person.where == ON_DUTY and not person.takes_no_more)
        return on_duty and not spell.wrapping and spell.ends > self.now

    # Spells of work, and their speed

    def begin(self, place: _Place, person: _Person | None, tip: _Tip) -> None:
        """Start a spell of work on a tip."""
        rank, stage = place.rank(tip), int(self.rules.kinds.stage[self.visits.kind[tip.visit]])
        self.stop_waiting(tip)
        tip.started = True
        if self.start[tip.visit] == NEVER:
            self.start[tip.visit] = self.now
        speeds = self.rules.speeds
        step = int(np.searchsorted(self.steps(place), self.now, side="right")) - 1
        spell = _Spell(
            tip,
            tip.visit,
            tip.attempt,
            place,
            person,
            rank,
            self.now,
            tip.left,
            int(speeds.by_tick[int(speeds.first_step[place.index]) + step]),
            int(speeds.by_stage[place.index, stage]),
        )
        place.spells.append(spell)
        if person is None:
            place.free -= 1
        else:
            person.in_hand.append(spell)
            self.number_changes(person, spell)
        self.set_out(spell)

    def steps(self, place: _Place) -> NDArray[np.int64]:
        """The ticks at which the first factor of a place changes."""
        speeds = self.rules.speeds
        return speeds.tick[int(speeds.first_step[place.index]) : int(speeds.first_step[place.index + 1])]

    def set_out(self, spell: _Spell) -> None:
        """Begin the work of a spell, at the speed of now."""
        spell.left, spell.reckoned = spell.need, self.now
        self.expect(spell, self.speed(spell))

    def speed(self, spell: _Spell) -> int:
        """The speed of a spell by what its person has in hand."""
        in_hand = len(spell.person.in_hand) if spell.person else 1
        by_hand = int(self.rules.speeds.by_hand[spell.place.index, in_hand - 1])
        return order.speed(spell.by_tick, spell.by_stage, by_hand)

    def expect(self, spell: _Spell, speed: int) -> None:
        """From now on a spell goes at a speed: its end follows."""
        spell.speed, spell.ends = speed, self.now + order.time_for(spell.left, speed)
        self.at(spell.ends, self.end_key(spell.tip.index, spell.visit), partial(self.end_spell, spell))

    def end_key(self, tip: int, visit: int) -> int:
        stage = int(self.rules.kinds.stage[self.visits.kind[visit]])
        return order.event_key(order.END, tip, order.end_later(visit - int(self.tips.first_visit[tip])), stage)

    def number_changes(self, person: _Person, but: _Spell | None = None) -> None:
        """The number that a person has in hand has changed: the ends of all but one are reckoned anew."""
        person.since = self.now
        for spell in person.in_hand:
            if spell is not but and spell.ends > self.now and self.speed(spell) != spell.speed:
                self.reckon(spell)
                self.expect(spell, self.speed(spell))

    def reckon(self, spell: _Spell, tick: int | None = None) -> None:
        """Take off what was done of a spell since it was last reckoned."""
        until = self.now if tick is None else tick
        spell.left -= order.work_done(until - spell.reckoned, spell.speed)
        spell.reckoned = until

    def end_spell(self, spell: _Spell) -> None:
        """The work is done: the tip goes on in this same event, and the person is free, or has a wrap-up to do."""
        if spell.over or spell.ends != self.now:
            return
        spell.left, spell.reckoned = 0, self.now
        self.write_spell(spell, DONE)
        after = 0 if spell.wrapping or not self.visits.wrap_up.size else int(self.visits.wrap_up[spell.visit])
        if after:
            # The same person goes on at the same speed, and has as many in hand as before.
            wrap_up = replace(spell, wrapping=True, began=self.now, need=after, over=False)
            spell.place.spells.append(wrap_up)
            if spell.person:
                spell.person.in_hand[spell.person.in_hand.index(spell)] = wrap_up
            self.set_out(wrap_up)
        else:
            self.let_go(spell)
        if not spell.wrapping:
            spell.tip.turn.succeed(True)
        self.settle_soon()

    def let_go(self, spell: _Spell) -> None:
        """Free the slot of a spell that is over; who was in overtime for it alone goes."""
        person = spell.person
        if person is None:
            spell.place.free += 1
            return
        person.in_hand.remove(spell)
        self.number_changes(person)
        if person.where == FINISHING and not person.in_hand:
            self.leave_overtime(spell.place, person, OFF)

    def interrupt(self, spell: _Spell, why: int) -> None:
        """Stop a spell with work left: the tip returns to its place in line."""
        self.reckon(spell)
        self.write_spell(spell, why)
        self.let_go(spell)
        spell.tip.left = spell.left
        self.wait(spell.tip)

    # The plan

    def change_shift(self, row: int) -> None:
        """Let people go, change the number of heads, and let people take no more, come back and come on, in that order.

        The actions lie in that order in the plan; a place has people or heads, so that the heads are in nobody's way.
        """
        plan = self.plan
        place = self.places[int(plan.place[row])]
        place.free += int(plan.heads[row]) * place.slots
        for at in range(int(plan.first_action[row]), int(plan.first_action[row + 1])):
            person, action = self.people[int(plan.person[at])], int(plan.action[at])
            if action in (GOES_HOME, TAKES_BREAK):
                self.go(place, person, action)
            elif action == TAKES_NO_MORE:
                person.takes_no_more = True
            elif action in (COMES_BACK, COMES_ON):
                place.people[person.index] = person
                self.leave_overtime(place, person, ON_DUTY)
                person.since = self.now
        self.settle_soon()

    def go(self, place: _Place, person: _Person, action: int) -> None:
        """Take a person off duty: with tips to finish in overtime, until the line is clear, or at once."""
        person.where, person.off_since = CLEARING if order.clears(place.at_shift_end, action) else FINISHING, self.now
        for spell in list(person.in_hand):
            if not order.finishes(place.at_shift_end, spell.ends - self.now, spell.wrapping):
                self.interrupt(spell, RELIEVED)
                drawn = int(self.visits.work[spell.visit])
                spell.tip.left = order.work_after_relief(place.at_shift_end, spell.left, drawn, place.hand_over)
        if person.where == FINISHING and not person.in_hand:
            self.leave_overtime(place, person, OFF)

    def leave_overtime(self, place: _Place, person: _Person, to: int) -> None:
        """A person goes home or on a break, or is on duty again, whatever is in hand."""
        if person.where in (FINISHING, CLEARING):
            self.write_overtime(place, person, self.now)
        person.where = to
        if to == OFF:
            place.people.pop(person.index, None)

    def clear(self, place: _Place) -> None:
        """Once all have settled, who stayed to clear the line and has nothing in hand finds nobody left to take."""
        for person in list(place.people.values()):
            if person.where == CLEARING and not person.in_hand:
                self.leave_overtime(place, person, OFF)

    # The log

    def write_spell(self, spell: _Spell, why: int) -> None:
        spell.over = True
        spell.place.spells.remove(spell)
        person = spell.person.index if spell.person else NOBODY
        ended, work = spell.reckoned, spell.need - spell.left
        self.spells.append(
            (spell.visit, spell.wrapping, spell.began, ended, spell.attempt, spell.place.index, person, work, why)
        )

    def write_overtime(self, place: _Place, person: _Person, ended: int) -> None:
        if ended > person.off_since:
            self.overtime.append((person.off_since, place.index, person.index, ended))

    def close(self) -> Log:
        """Cut what is still under way at the horizon, and put the log in order."""
        for place in self.places:
            for spell in list(place.spells):
                self.reckon(spell, self.rules.horizon)
                self.write_spell(spell, CUT)
            for person in place.people.values():
                if person.where in (FINISHING, CLEARING):
                    self.write_overtime(place, person, self.rules.horizon)
        in_order = sorted(self.spells, key=lambda spell: spell[:3])
        spells = np.array(in_order, np.int64).reshape(-1, 9)
        visit, wrapping, began, ended, attempt, place_, person_, work, why = spells.T
        since, where, whose, until = np.array(sorted(self.overtime), np.int64).reshape(-1, 4).T
        return Log(
            enter=self.enter,
            start=self.start,
            end=self.end,
            outcome=self.outcome,
            attempt=self.attempt,
            lost=self.lost,
            gave_up=self.gave_up,
            spells=Spells(
                visit=_ticks(visit),
                attempt=_codes(attempt),
                place=_codes(place_),
                person=_codes(person_),
                began=_ticks(began),
                ended=_ticks(ended),
                work=_ticks(work),
                why=_codes(why),
                wrapping=np.ascontiguousarray(wrapping, np.bool_),
            ),
            overtime=Overtime(_codes(where), _codes(whose), _ticks(since), _ticks(until)),
        )


def _ticks(column: NDArray[np.int64]) -> Ticks:
    return np.ascontiguousarray(column, np.int64)


def _codes(column: NDArray[np.int64]) -> Codes:
    return np.ascontiguousarray(column, np.int32)
