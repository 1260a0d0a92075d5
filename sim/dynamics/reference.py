"""The reference engine: SimPy, one process a visit, written to be read. It is the specification of the dynamics.

It refuses to draw, to configure itself and to be fast. SimPy keeps the clock and the order of events; a process tells
one visit of a tip; a `_Place` keeps the line and the servers of one pool in one centre. SimPy resumes processes at its
own priorities 0 and 1, the pools settle at 2, and the kinds of `order` follow: so all that one event sets off is over
before the pools settle, and the pools have settled before the next event is taken.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import simpy
from numpy.typing import NDArray
from simpy.events import NORMAL, EventPriority

from sim.dynamics import order
from sim.dynamics.clock import NEVER
from sim.dynamics.log import (
    ABANDONED,
    CUT,
    DONE,
    MERGED,
    OPEN,
    PREEMPTED,
    RELIEVED,
    SERVED,
    TURNED_AWAY,
    UNREACHED,
    Log,
    Overtime,
    Spells,
)
from sim.dynamics.replication import (
    COMES_BACK,
    COMES_ON,
    DUE_FIRST,
    FULL_SPEED,
    GOES_HOME,
    IN_RANDOM_ORDER,
    LAST_COME,
    LEAVES,
    NO_INCIDENT,
    NO_LIMIT,
    NO_PLACE,
    NO_VISIT,
    NOBODY,
    REPEATS,
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


def _ignore(_: object) -> None:
    """What an act gives is nobody's concern."""


class _Moment(simpy.Event):
    """An event that is bound to happen at a tick, with a priority of ours; never, at or after the horizon."""

    def __init__(self, env: simpy.Environment, priority: int, delay: int = 0, act: Callable[[], object] | None = None):
        super().__init__(env)
        self._ok, self._value = True, None
        if act is not None:
            self.callbacks.append(lambda _: _ignore(act()))
        env.schedule(self, EventPriority(priority), delay)


@dataclass(slots=True, eq=False)
class _Tip:
    """Where one tip stands on one of its visits."""

    index: int
    turn: simpy.Event
    visit: int = 0
    attempt: int = 0
    entry: int = 0
    left: int = 0
    due: int = NEVER
    lot: int = 0
    stage: int = 0
    lines: list[_Place] = field(default_factory=list)
    """The places in whose lines it may stand: the own one, then those that it may overflow to."""
    seen: set[int] = field(default_factory=set)
    """Which of these it stands in whenever it waits."""
    ranks: dict[int, int] = field(default_factory=dict)
    """Its rank in each line in which it stands, by the index of the place."""
    room: tuple[int, int] | None = None
    """Whose room it fills, if it fills any: the stage, and the centre unless the pool is shared."""
    waiting: bool = False
    behind_gate: bool = False
    started: bool = False
    called_back: bool = False
    away: bool = False
    watched: tuple[int, int] = (NO_VISIT, 0)
    """The visit whose overflow is watched, and the attempt that first joined its line."""
    incident: int = NO_INCIDENT
    repeating: bool = False
    """Whether it started when its incident was known at the stage, so that its work is the repeat."""
    spell: _Spell | None = None
    """The spell of work that is under way, if one is."""
    ends: int = NEVER
    """When its delay ends, once that has begun."""

    @property
    def stands_in(self) -> list[_Place]:
        """The places in whose lines the tip waits."""
        return [place for which, place in enumerate(self.lines) if which in self.seen]


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
    order: int
    people: dict[int, _Person]
    steps: list[int]
    """The ticks at which the first factor of its speed changes."""
    free: int = 0
    """Slots of the heads less those in use: below 0 when there are fewer heads than are at work."""
    starts: int = 0
    line: list[_Tip] = field(default_factory=list)
    spells: list[_Spell] = field(default_factory=list)

    def join(self, tip: _Tip, rank: int) -> None:
        """Put a tip into its place in line."""
        tip.ranks[self.index] = rank
        insort(self.line, tip, key=self.key)

    def key(self, tip: _Tip) -> tuple[int, ...]:
        """The place of a tip in this line, but for what a random order shuffles; of one tip's visits to a stage, the
        earlier first."""
        entry = order.newest_first(tip.entry) if self.order == LAST_COME else tip.entry
        due = tip.due if self.order == DUE_FIRST else NEVER
        return *order.line_key(tip.ranks[self.index], entry, tip.index, tip.stage, due), tip.visit

    def next_of(self, tips: Iterable[_Tip]) -> _Tip | None:
        """The next in line among some of those who wait, in their order; None of none."""
        if self.order != IN_RANDOM_ORDER:
            return next(iter(tips), None)
        if not (tips := list(tips)):
            return None
        best = [tip for tip in tips if tip.ranks[self.index] == tips[0].ranks[self.index]]
        return min(best, key=lambda tip: (order.shuffled(tip.lot, self.starts), self.key(tip)))

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
                int(places.order[i]),
                {},
                self.rules.speeds.tick[first:beyond].tolist(),
            )
            for i, (first, beyond) in enumerate(pairwise(self.rules.speeds.first_step.tolist()))
        ]
        self.lines_of: dict[tuple[int, int], list[_Place]] = {}
        """The places of a stage in a centre, once somebody has come there."""
        stages = self.rules.stages
        self.behind_gate: dict[int, list[_Tip]] = {s: [] for s in range(len(stages.every))}
        self.limited = bool((stages.waiting_room != NO_LIMIT).any() or (stages.lines != NO_LIMIT).any())
        self.filled: Counter[tuple[int, int]] = Counter()
        """Tips that wait or are served, by the room that they fill."""
        self.joined: dict[tuple[int, int], list[_Tip]] = {}
        """Who joined in this event where there is a waiting room."""
        self.some_preempt = bool(self.rules.kinds.preempts.any() or self.rules.kinds.overflow_preempts.any())
        """Whether any tip may take another's server."""
        self.clearing: list[tuple[_Place, _Person]] = []
        """Who stays to clear the line, and where."""
        self.settling = False
        n_visits, n_tips = len(self.visits), len(self.tips)
        self.enter = np.full(n_visits, NEVER, np.int64)
        self.start = np.full(n_visits, NEVER, np.int64)
        self.end = np.full(n_visits, NEVER, np.int64)
        self.outcome = np.full(n_visits, UNREACHED, np.int8)
        self.attempt = np.zeros(n_visits, np.int32)
        self.lost = np.full(n_tips, NEVER, np.int64)
        self.gave_up = np.full(len(self.visits.patience), NEVER, np.int64)
        self.turned_away = np.full(len(self.visits.patience) if self.limited else 0, NEVER, np.int64)
        self.may_merge = replication.may_merge
        self.merged = np.full(n_visits if self.may_merge else 0, NEVER, np.int64)
        self.awaited = self.visits.awaits.copy()
        """How many moments every visit still awaits."""
        self.came = np.zeros(len(self.visits.sets_off), np.bool_)
        """Which moments have come, or are awaited no longer."""
        self.forsaken = np.zeros(len(self.visits.awaits), np.int64)
        """How many of the moments that every visit awaited are so no longer."""
        self.known: set[tuple[int, int]] = set()
        """Incidents, each with a stage at which one of its tips has been served."""
        self.about: dict[int, list[_Tip]] = {}
        """Tips on a visit, by incident, in the order in which they came to it."""
        self.served: set[tuple[int, int]] = set()
        """Tips, each with a stage at which it has been served; kept where tips merge."""
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
        together = self.tips.n_backlog
        if together:
            self.at(0, order.event_key(order.ARRIVAL, 0), partial(self.arrive, *range(together)))
        for tip in range(together, len(self.tips)):
            self.at(int(self.tips.arrival[tip]), order.event_key(order.ARRIVAL, tip), partial(self.arrive, tip))
        self.env.run()
        return self.close()

    # The life of a tip

    def arrive(self, *tips: int) -> None:
        """Make every visit that begins on arrival; what a visit sets off when it is over goes on from there."""
        for tip in tips:
            first, beyond = int(self.tips.first_visit[tip]), int(self.tips.first_visit[tip + 1])
            if self.visits.branch:
                self.set_off(tip, [visit for visit in range(first, beyond) if self.visits.awaits[visit] == 0])
            else:
                self.set_off(tip, range(first, min(first + 1, beyond)))

    def set_off(self, index: int, visits: Iterable[int]) -> None:
        """Let a tip begin these visits in this same event, in their order, after those that are to begin already."""
        for visit in visits:
            start = partial(self.env.process, self.stay(index, visit))
            _Moment(self.env, NORMAL, act=start)

    def stay(self, index: int, visit: int) -> Life:
        """Make one visit, and go on to what it sets off."""
        tip = _Tip(index, simpy.Event(self.env), visit, stage=int(self.rules.kinds.stage[self.visits.kind[visit]]))
        if self.may_merge:
            tip.incident = int(self.tips.incident[index])
            self.about.setdefault(tip.incident, []).append(tip)
        self.enter[visit], self.outcome[visit] = self.now, OPEN
        if self.merges(tip, tip.stage, LEAVES):
            self.merge(tip, visit)
        else:
            yield from self.try_until_over(tip, visit)
        if self.may_merge:
            self.about[tip.incident].remove(tip)
        self.set_off(index, self.following(index, visit))

    def following(self, tip: int, visit: int) -> list[int]:
        """What begins when a visit is over; nothing where its branch ends."""
        visits = self.visits
        if self.outcome[visit] == MERGED:
            return []
        if self.outcome[visit] == SERVED:
            if visits.branch:
                return self.come(visit, NEVER)
            to = int(visits.follows[visit]) if visits.follows.size else visit + 1
            return [to] if NO_VISIT < to < int(self.tips.first_visit[tip + 1]) else []
        aside = visits.given_up_to if self.outcome[visit] == ABANDONED else visits.turned_away_to
        to = int(aside[visit]) if aside.size else NO_VISIT
        if to == NO_VISIT:
            self.lost[tip] = min(self.lost[tip], self.now)
            return []
        return [to, *self.forsake(tip, visit, to)] if visits.branch else [to]

    # Branches

    def moments(self, visit: int) -> range:
        """The moments of a visit that others await."""
        return range(int(self.visits.first_moment[visit]), int(self.visits.first_moment[visit + 1]))

    def come(self, visit: int, after: int) -> list[int]:
        """Let those moments of a visit come that are due so long after its start; gives what begins, in order."""
        begin = []
        for moment in self.moments(visit):
            if not self.came[moment] and self.visits.moment_after[moment] <= after:
                self.came[moment] = True
                to = int(self.visits.sets_off[moment])
                self.awaited[to] -= 1
                if self.awaited[to] == 0:
                    begin.append(to)
        return begin

    def forsake(self, tip: int, visit: int, aside: int) -> list[int]:
        """A visit was in vain that has an aside: await no longer what cannot come any more; gives what begins."""
        visits, begin, gone = self.visits, [], {visit}
        carries = {(int(visits.sets_off[one]), int(visits.cue[one])) for one in self.moments(aside)}
        for row in range(visit, int(self.tips.first_visit[tip + 1])):
            for moment in self.moments(row) if row in gone else ():
                to, cue = int(visits.sets_off[moment]), int(visits.cue[moment])
                at_end = visits.moment_after[moment] == NEVER
                if self.came[moment] or (at_end and (to, cue) in carries):
                    continue
                self.came[moment] = True
                self.awaited[to] -= 1
                self.forsaken[to] += 1
                if self.awaited[to] == 0 and self.forsaken[to] < visits.awaits[to]:
                    begin.append(to)
                elif self.awaited[to] == 0:
                    gone.add(to)
        return begin

    def first_start(self, tip: _Tip) -> None:
        """Stamp the first start of a visit; what hangs on it, and on a while after it, are events of their own."""
        if self.start[tip.visit] != NEVER:
            return
        self.start[tip.visit] = self.now
        if self.visits.branch:
            for after in sorted(
                {int(self.visits.moment_after[moment]) for moment in self.moments(tip.visit)} - {NEVER}
            ):
                self.at(self.now + after, self.end_key(tip.index, tip.visit), partial(self.pass_mark, tip))

    def pass_mark(self, tip: _Tip) -> None:
        """So long after its start a visit sets off what hangs on that; if it ends at this tick, its END does."""
        ends = tip.spell.ends if tip.spell else tip.ends
        if self.outcome[tip.visit] == OPEN and ends != self.now:
            self.set_off(tip.index, self.come(tip.visit, self.now - int(self.start[tip.visit])))

    def try_until_over(self, tip: _Tip, visit: int) -> Life:
        """One or more attempts at a visit, until one is not in vain or none is left."""
        self.take_up(tip, visit)
        while True:
            tip.attempt += 1
            self.attempt[visit] = tip.attempt
            tip.entry, tip.started, tip.called_back, tip.away = self.now, False, False, False
            draws = int(self.visits.first_attempt[visit]) + tip.attempt - 1
            if self.rules.stages.attempts[tip.stage]:
                self.expect_giving_up(tip, visit, draws)
            for after in sorted({after for which in range(len(tip.lines)) for after, _ in self.moves(tip, which)}):
                self.at(self.now + after, self.own_key(tip, order.MOVES_UP), partial(self.move_up, tip, tip.attempt))
            became = yield from self.attempt_once(tip, visit)
            if became == SERVED and not tip.repeating:
                self.end[visit], self.outcome[visit] = self.now, SERVED
                self.make_known(tip, tip.stage)
                return
            if became in (SERVED, MERGED):
                self.merge(tip, visit)
                return
            self.settle_soon()
            tip.away = True
            (self.gave_up if became == ABANDONED else self.turned_away)[draws] = self.now
            back_after = int(self.visits.retry_after[draws])
            if back_after == NEVER:
                self.outcome[visit] = became
                return
            yield self.at(self.now + back_after, self.own_key(tip, order.COMES))
            if self.merges(tip, tip.stage, LEAVES):
                self.merge(tip, visit)
                return

    # Tips of one incident

    def merges(self, tip: _Tip, stage: int, how: int) -> bool:
        """Whether a stage merges so, and knows the incident of a tip that has not itself been served there."""
        return (
            self.may_merge
            and int(self.rules.stages.merges[stage]) == how
            and tip.incident != NO_INCIDENT
            and (tip.incident, stage) in self.known
            and (tip.index, stage) not in self.served
        )

    def merge(self, tip: _Tip, visit: int) -> None:
        """A tip leaves, merged: this branch of it goes on to nothing."""
        self.outcome[visit], self.merged[visit] = MERGED, self.now

    def make_known(self, tip: _Tip, stage: int) -> None:
        """The first tip of its incident has been served at a stage: those that need not wait there any more leave."""
        if not self.may_merge:
            return
        self.served.add((tip.index, stage))
        if tip.incident == NO_INCIDENT or (tip.incident, stage) in self.known:
            return
        self.known.add((tip.incident, stage))
        for other in self.about[tip.incident]:
            if other is tip or other.stage != stage or not self.merges(other, stage, LEAVES):
                continue
            if other.behind_gate:
                other.behind_gate = False
                self.behind_gate[stage].remove(other)
            elif other.waiting:
                self.stop_waiting(other)
                self.leave_room(other)
            else:
                continue
            other.turn.succeed(MERGED)

    def attempt_once(self, tip: _Tip, visit: int) -> Generator[simpy.Event, Any, int]:
        """Pass the gate, then a delay, or the line and the service; gives SERVED or what it became in vain."""
        if (passed := (yield from self.pass_gate(tip, tip.stage))) != OPEN:
            return passed
        tip.turn = simpy.Event(self.env)
        if not tip.lines:
            self.first_start(tip)
            tip.ends = self.now + tip.left
            yield self.at(tip.ends, self.end_key(tip.index, visit)) | tip.turn
            tip.ends = NEVER
            return ABANDONED if tip.turn.triggered else SERVED
        if not self.finds_a_line(tip):
            return TURNED_AWAY
        self.watch_overflow(tip, visit)
        self.wait(tip)
        became: int = yield tip.turn
        return became

    def expect_giving_up(self, tip: _Tip, visit: int, draws: int) -> None:
        """Set off what an attempt does by itself: it loses patience, or accepts a call-back."""
        visits = self.visits
        if (bears := int(visits.patience[draws])) != NEVER:
            give_up = partial(self.lose_patience, tip, tip.attempt)
            self.at(self.now + bears, self.own_key(tip, 0, order.ABANDON), give_up)
        if visits.called_back.size and (after := int(visits.called_back[draws])) != NEVER:
            accept = partial(self.accept_call_back, tip, tip.attempt)
            self.at(self.now + after, self.own_key(tip, order.ACCEPTS), accept)

    def own_key(self, tip: _Tip, what: int, kind: int = order.ARRIVAL) -> int:
        """The place of what a visit does of its own within its tick."""
        nth = tip.visit - int(self.tips.first_visit[tip.index])
        return order.event_key(kind, tip.index, order.own_later(what, nth), tip.stage)

    def take_up(self, tip: _Tip, visit: int) -> None:
        """Fix what a visit needs to know of its lines."""
        stages, visits = self.rules.stages, self.visits
        centre, stage = int(self.tips.centre[tip.index]), tip.stage
        tip.attempt, tip.left, tip.room = 0, int(visits.work[visit]), None
        tip.lines, tip.seen, tip.repeating = self.lines(stage, centre), {0}, False
        since = self.now if stages.due_from_enter[stage] else int(self.tips.arrival[tip.index])
        tip.due = min(since + int(visits.due[visit]), NEVER) if visits.due.size else NEVER
        tip.lot = int(visits.lot[visit]) if visits.lot.size else 0

    def lines(self, stage: int, centre: int) -> list[_Place]:
        """The places of a stage in a centre: the own one, then those that its tips may overflow to."""
        if (stage, centre) not in self.lines_of:
            stages = self.rules.stages
            places = [(stages.place[stage], stages.place_step[stage])]
            places += zip(stages.overflow[stage], stages.overflow_step[stage], strict=True)
            self.lines_of[stage, centre] = [
                self.places[int(first) + centre * int(step)] for first, step in places if first != NO_PLACE
            ]
        return self.lines_of[stage, centre]

    def pass_gate(self, tip: _Tip, stage: int) -> Generator[simpy.Event, Any, int]:
        """Wait until the stage's gate opens; gives OPEN, or what the attempt became behind it."""
        opens = order.opening(self.now, stage, self.gates)
        if opens == self.now:
            return OPEN
        tip.behind_gate, tip.turn = True, simpy.Event(self.env)
        self.behind_gate[stage].append(tip)
        self.at(opens, self.own_key(tip, order.PASSES), partial(self.open_gate, tip, stage))
        became: int = yield tip.turn
        return became

    def open_gate(self, tip: _Tip, stage: int) -> None:
        """Release all who are held at a stage, in the event of the lowest tip that is still held."""
        if tip.behind_gate:
            for held in sorted(self.behind_gate[stage], key=lambda one: (one.index, one.visit)):
                held.behind_gate = False
                held.turn.succeed(OPEN)
            self.behind_gate[stage].clear()

    def watch_overflow(self, tip: _Tip, visit: int) -> None:
        """From a while after the first entry to its line the tip stands in each overflow line, whenever it waits."""
        if tip.watched[0] != visit:
            tip.watched = visit, tip.attempt
            for which in range(1, len(tip.lines)):
                shows = self.now + int(self.rules.stages.overflow_after[tip.stage, which - 1])
                self.at(shows, self.own_key(tip, order.SHOWS + which - 1), partial(self.show, tip, tip.watched, which))

    def show(self, tip: _Tip, watched: tuple[int, int], which: int) -> None:
        if tip.watched == watched and tip.visit == watched[0] and self.outcome[tip.visit] == OPEN:
            self.stand_there_too(tip, which)

    def stand_there_too(self, tip: _Tip, which: int) -> None:
        if which not in tip.seen:
            tip.seen.add(which)
            if tip.waiting:
                tip.lines[which].join(tip, self.rank(tip, which))
                self.settle_soon()

    def lose_patience(self, tip: _Tip, attempt: int) -> None:
        """Give up, unless the attempt has started or is over; a delay is given up until it ends."""
        if not self.is_waiting_at(tip, attempt):
            return
        if tip.behind_gate:
            tip.behind_gate = False
            self.behind_gate[tip.stage].remove(tip)
        elif tip.lines:
            self.stop_waiting(tip)
            self.leave_room(tip)
        tip.turn.succeed(ABANDONED)

    def accept_call_back(self, tip: _Tip, attempt: int) -> None:
        """From now on the attempt fills no room; its patience is endless, as was settled when it was drawn."""
        if self.is_waiting_at(tip, attempt):
            tip.called_back = True
            self.leave_room(tip)
            self.settle_soon()

    def is_waiting_at(self, tip: _Tip, attempt: int) -> bool:
        """Whether an attempt is under way and has not started."""
        here = tip.attempt == attempt and self.outcome[tip.visit] == OPEN
        return here and not tip.started and not tip.away

    # The lines and the rooms

    def wait(self, tip: _Tip) -> None:
        """Stand in line, in the rank of its age; an event of its own lets it move up."""
        tip.waiting = True
        for which, place in enumerate(tip.lines):
            if which in tip.seen:
                place.join(tip, self.rank(tip, which))
        self.settle_soon()

    def stop_waiting(self, tip: _Tip) -> None:
        tip.waiting = False
        for place in tip.stands_in:
            place.line.remove(tip)

    def rank(self, tip: _Tip, which: int) -> int:
        """The rank of a tip in one of its lines, by how long it has waited there."""
        kinds, kind = self.rules.kinds, int(self.visits.kind[tip.visit])
        found = kinds.rank[kind] if which == 0 else kinds.overflow_rank[kind, which - 1]
        for after, to in self.moves(tip, which):
            if self.now - tip.entry >= after:
                found = to
        return int(found)

    def moves(self, tip: _Tip, which: int) -> list[tuple[int, int]]:
        """After how long a wait a tip moves up in one of its lines, and the rank that it then has."""
        kinds = self.rules.kinds
        row = int(self.visits.kind[tip.visit]) * (1 + kinds.overflow_rank.shape[1]) + which
        if not kinds.moves_after.size:
            return []
        mine = slice(int(kinds.first_move[row]), int(kinds.first_move[row + 1]))
        return [(int(after), int(to)) for after, to in zip(kinds.moves_after[mine], kinds.moves_to[mine], strict=True)]

    def move_up(self, tip: _Tip, attempt: int) -> None:
        """Let a tip that waits have the ranks of its age."""
        if tip.attempt != attempt or not tip.waiting:
            return
        for which, place in enumerate(tip.lines):
            if which in tip.seen:
                place.line.remove(tip)
                place.join(tip, self.rank(tip, which))
        self.settle_soon()

    def finds_a_line(self, tip: _Tip) -> bool:
        """Whether there is room for one more at the stage; with it the tip fills that room."""
        stages, stage = self.rules.stages, tip.stage
        if stages.waiting_room[stage] == NO_LIMIT and stages.lines[stage] == NO_LIMIT:
            return True
        if tip.called_back:
            return True
        room = stage, int(self.tips.centre[tip.index]) if stages.place_step[stage] else 0
        first = int(self.tips.first_visit[tip.index])
        waits = tip.index < self.tips.n_backlog and tip.visit == first and tip.attempt == 1
        if not waits and stages.lines[stage] != NO_LIMIT and self.filled[room] >= stages.lines[stage]:
            return False
        tip.room = room
        self.filled[room] += 1
        if not waits and stages.waiting_room[stage] != NO_LIMIT:
            self.joined.setdefault(room, []).append(tip)
        return True

    def leave_room(self, tip: _Tip) -> None:
        if tip.room is not None:
            self.filled[tip.room] -= 1
            tip.room = None

    def turn_away(self) -> bool:
        """Turn away the highest tips of those that joined in this event and have not started, until all rooms fit.

        Before that they stand in the lines to which they overflow at once. It is asked again once that has settled: who
        goes on to an aside joins in this event too, with those before.
        """
        crowds: list[tuple[int, list[_Tip]]] = []
        for room, tips in self.joined.items():
            waiting = [tip for place in self.places for tip in place.line if tip.room == room]
            too_many = len({tip.visit for tip in waiting}) - int(self.rules.stages.waiting_room[room[0]])
            if too_many > 0:
                fresh = [tip for tip in tips if tip.room == room and tip.waiting and not tip.started]
                crowds.append((too_many, sorted(fresh, key=lambda tip: (-tip.index, -tip.visit))))
        at_once = [(tip, which) for _, fresh in crowds for tip in fresh for which in self.overflows_at_once(tip)]
        for tip, which in at_once:
            self.stand_there_too(tip, which)
        if at_once:
            return True
        turned = False
        for too_many, fresh in crowds:
            for tip in fresh[:too_many]:
                self.stop_waiting(tip)
                self.leave_room(tip)
                if tip.watched == (tip.visit, tip.attempt):
                    tip.watched, tip.seen = (NO_VISIT, 0), {0}
                tip.turn.succeed(TURNED_AWAY)
                turned = True
        return turned

    def overflows_at_once(self, tip: _Tip) -> list[int]:
        """The lines in which a tip stands from its joining on, but does not stand yet."""
        after = self.rules.stages.overflow_after[tip.stage]
        return [which for which in range(1, len(tip.lines)) if after[which - 1] == 0 and which not in tip.seen]

    # The servers

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
                while place.line and (self.start_next(place) or self.preempt(place)):
                    started = True
        if self.joined and self.turn_away():
            self.settle_soon()
            return
        self.joined.clear()
        self.clear()

    def start_next(self, place: _Place) -> bool:
        """Let the next to serve take the first in line that they may, if anybody is free."""
        if not place.tells_apart:
            if place.free <= 0:
                return False
            tip = place.next_of(place.line)
            assert tip is not None
            self.begin(place, None, tip)
            return True
        able, first = place.able(ON_DUTY), place.next_of(place.line)
        if not able:
            # Who stays to clear the line comes after everybody on duty, and takes only who came before the shift ended.
            clearing = place.able(CLEARING)
            if not clearing:
                return False
            first = place.next_of(tip for tip in place.line if any(one.may_clear(tip) for one in clearing))
            able = [one for one in clearing if first is not None and one.may_clear(first)]
        if first is None or not able:
            return False
        self.begin(place, min(able, key=lambda one: one.key), first)
        return True

    def preempt(self, place: _Place) -> bool:
        """Let the best waiting tip that may, take the server of a tip that it outranks, if no server is free."""
        if not self.some_preempt:
            return False
        if place.able(ON_DUTY) if place.tells_apart else place.free != 0:
            return False
        taker = place.next_of(tip for tip in place.line if self.may_preempt(place, tip))
        if taker is None:
            return False
        rank = taker.ranks[place.index]
        givers = [one for one in place.spells if order.outranks(rank, one.rank) and self.may_give_way(one)]
        if not givers:
            return False
        giver = min(
            givers, key=lambda one: (order.yielding_key(one.rank, one.began, one.tip.index, one.tip.stage), one.visit)
        )
        self.interrupt(giver, PREEMPTED)
        self.begin(place, giver.person, taker)
        return True

    def may_preempt(self, place: _Place, tip: _Tip) -> bool:
        kinds, kind, which = self.rules.kinds, self.visits.kind[tip.visit], tip.lines.index(place)
        return bool(kinds.preempts[kind] if which == 0 else kinds.overflow_preempts[kind, which - 1])

    def may_give_way(self, spell: _Spell) -> bool:
        """Not a wrap-up, not what ends at this tick, and nobody in overtime or at the very end of a shift."""
        person = spell.person
        on_duty = person is None or (person.where == ON_DUTY and not person.takes_no_more)
        return on_duty and not spell.wrapping and spell.ends > self.now

    # Spells of work, and their speed

    def begin(self, place: _Place, person: _Person | None, tip: _Tip) -> None:
        """Start a spell of work on a tip."""
        rank, stage = tip.ranks[place.index], tip.stage
        place.starts += 1
        self.stop_waiting(tip)
        tip.started = True
        if self.start[tip.visit] == NEVER and self.merges(tip, stage, REPEATS):
            tip.repeating, tip.left = True, int(self.visits.repeat[tip.visit])
        self.first_start(tip)
        speeds = self.rules.speeds
        step = bisect_right(place.steps, self.now) - 1
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
        tip.spell = spell
        if person is None:
            place.free -= 1
        else:
            person.in_hand.append(spell)
            self.number_changes(person, spell)
        self.set_out(spell)

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
        spell.left = order.left_after(spell.left, until - spell.reckoned, spell.speed)
        spell.reckoned = until

    def end_spell(self, spell: _Spell) -> None:
        """The work is done: the tip goes on in this same event, and the person is free, or has a wrap-up to do."""
        if spell.over or spell.ends != self.now:
            return
        spell.left, spell.reckoned = 0, self.now
        self.write_spell(spell, DONE)
        goes_on_at_once = spell.wrapping or spell.tip.repeating or not self.visits.wrap_up.size
        after = 0 if goes_on_at_once else int(self.visits.wrap_up[spell.visit])
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
            self.leave_room(spell.tip)
            spell.tip.turn.succeed(SERVED)
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
        """Shifts end and begin: people go, heads change, people take no more, come back and come on, in that order.

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
        clears = order.clears_at_shift_end(place.at_shift_end, action)
        person.where, person.off_since = CLEARING if clears else FINISHING, self.now
        if person.where == CLEARING:
            self.clearing.append((place, person))
        for spell in list(person.in_hand):
            if not order.finishes_at_shift_end(place.at_shift_end, spell.ends - self.now, spell.wrapping):
                self.interrupt(spell, RELIEVED)
                drawn = int((self.visits.repeat if spell.tip.repeating else self.visits.work)[spell.visit])
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

    def clear(self) -> None:
        """Once all have settled, who stayed to clear the line and has nothing in hand finds nobody left to take."""
        for place, person in self.clearing:
            if person.where == CLEARING and not person.in_hand:
                self.leave_overtime(place, person, OFF)
        self.clearing = [one for one in self.clearing if one[1].where == CLEARING]

    # The log

    def write_spell(self, spell: _Spell, why: int) -> None:
        spell.over = True
        spell.tip.spell = None
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
            turned_away=self.turned_away,
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
            merged=self.merged,
        )


def _ticks(column: NDArray[np.int64]) -> Ticks:
    return np.ascontiguousarray(column, np.int64)


def _codes(column: NDArray[np.int64]) -> Codes:
    return np.ascontiguousarray(column, np.int32)
