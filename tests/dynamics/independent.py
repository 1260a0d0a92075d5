"""A third engine, plain and slow, written from what is said of the dynamics by somebody who had read neither other one.

With them it shares what it is given and gives back (`replication` and `log`), and one formula, that of a random order.
There is one heap of events in the order of their keys (tick, kind, tip, stage, later). Nothing is ever taken out of it
but the next event: at its turn an event looks whether what it speaks of is still so.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

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
from sim.dynamics.order import shuffled
from sim.dynamics.replication import (
    BY_WINDOWS,
    CLEAR_LINE,
    COMES_BACK,
    COMES_ON,
    DUE_FIRST,
    FIRST_COME,
    FULL_SPEED,
    GOES_HOME,
    HAND_OVER,
    IN_RANDOM_ORDER,
    KEEPS,
    LAST_COME,
    LEAVES,
    NO_INCIDENT,
    NO_LIMIT,
    NO_PLACE,
    NO_VISIT,
    NOBODY,
    REPEATS,
    RESTART,
    RESUME,
    TAKES_BREAK,
    TAKES_NO_MORE,
    Replication,
)

SHIFT, END, ARRIVAL, ABANDON = range(4)
"""The kinds of events, in the order in which they happen within a tick."""

ARRIVES, MOVES_UP, BECOMES_VISIBLE, ACCEPTS, JOINS = 0, 1, 2, 8, 9
"""The events of the kind ARRIVAL, in the order in which they happen to one visit: a tip arrives, moves up in its lines,
becomes visible (this and the place in the list), accepts a call-back, is released by a gate or comes back."""

AWAY, HELD, WAITING, IN_SERVICE, IN_DELAY, GONE = range(6)
"""Where a visit is: between two attempts, behind a gate, in line, with a person, in a delay, or over."""

OWN = 0
"""The line of a stage's own pool; the overflow lines follow from 1."""


@dataclass(eq=False)
class Person:
    index: int
    ends: int
    on_duty: bool = False
    takes_no_more: bool = False
    clears_line: bool = False
    since: int = 0
    """Since when the number in hand has been what it is."""
    in_hand: list[Spell] = field(default_factory=list)
    overtime_since: int | None = None


@dataclass(eq=False)
class Place:
    index: int
    rule: int
    hand_over: int
    slots: int
    order: int
    tells_apart: bool
    people: list[Person] = field(default_factory=list)
    heads: int = 0
    starts: int = 0
    line: dict[Visit, int] = field(default_factory=dict)
    """Who waits here, and which of the visit's lines this is."""
    in_use: list[Spell] = field(default_factory=list)


@dataclass(eq=False)
class Visit:
    row: int
    tip: int
    stage: int
    centre: int
    kind: int
    places: list[int]
    """Of its own line and of its overflow lines."""
    of_backlog: bool
    """Whether its first attempt waits already when the run starts."""
    state: int = AWAY
    attempt: int = 0
    entry: int = 0
    """When this attempt reached the stage: what its place in line and its age count from."""
    opens_at: int = NEVER
    ranks: list[int] = field(default_factory=list)
    visible: list[bool] = field(default_factory=list)
    joined: int = 0
    """The attempt that first joined the line, from which the time to each overflow counts."""
    started: bool = False
    called_back: bool = False
    whole: int = 0
    left: int = 0
    repeats: bool = False
    ends_delay: int = NEVER


@dataclass(eq=False)
class Spell:
    visit: Visit
    place: Place
    person: Person | None
    began: int
    rank: int
    base: int
    """The speed by the clock and by the stage, as the factors."""
    wrapping: bool
    total: int
    left: int
    """Work left at the tick `at`, since which the speed has been `speed`."""
    at: int
    speed: int = FULL_SPEED
    ends: int = NEVER
    ended: int | None = None
    done: int = 0
    why: int = CUT
    attempt: int = 0


def simulate(replication: Replication) -> Log:
    """The log of a replication."""
    return Engine(replication).run()


class Engine:
    def __init__(self, replication: Replication) -> None:
        self.given = replication
        self.tips, self.visits, self.rules = replication.tips, replication.visits, replication.rules
        self.stages, self.kinds, self.speeds = self.rules.stages, self.rules.kinds, self.rules.speeds
        self.horizon = self.rules.horizon
        self.heap: list[tuple[tuple[int, ...], int, Callable[[], None]]] = []
        self.n_events = 0
        self.now = 0
        self.present: list[Visit] = []
        self.joined_in_event: list[Visit] = []
        self.spells: list[Spell] = []
        self.overtime: list[tuple[int, int, int, int]] = []
        self.known: set[tuple[int, int]] = set()
        """(stage, incident) of which a tip has ended there."""
        self.ended: set[tuple[int, int]] = set()
        """(tip, stage) where it has."""
        p = self.rules.places
        self.places = [
            Place(i, int(p.at_shift_end[i]), int(p.hand_over[i]), int(p.concurrency[i]), int(p.order[i]), bool(told))
            for i, told in enumerate(p.tells_apart)
        ]
        people = replication.plan.people
        self.people = [Person(i, int(people.end[i])) for i in range(len(people))]
        for person in self.people:
            self.places[people.place[person.index]].people.append(person)
        n_visits, n_tips, n_attempts = len(self.visits), len(self.tips), len(self.visits.patience)
        self.enter, self.start, self.end = (np.full(n_visits, NEVER) for _ in range(3))
        self.outcome = np.full(n_visits, UNREACHED, np.int8)
        self.attempt = np.zeros(n_visits, np.int32)
        self.lost, self.merged = np.full(n_tips, NEVER), np.full(n_visits, NEVER)
        self.to_come = self.visits.awaits.tolist()
        self.without: dict[int, int] = {}
        """Of how many moments each visit does without."""
        self.has_come: set[int] = set()
        self.gave_up, self.turned_away = np.full(n_attempts, NEVER), np.full(n_attempts, NEVER)
        self.limited = bool((self.stages.waiting_room != NO_LIMIT).any() or (self.stages.lines != NO_LIMIT).any())

    # The loop.

    def at(self, tick: int, kind: int, tip: int, stage: int, later: int, do: Callable[[], None]) -> None:
        if tick < self.horizon:
            self.n_events += 1
            heapq.heappush(self.heap, ((int(tick), kind, tip, stage, later), self.n_events, do))

    def run(self) -> Log:
        plan = self.given.plan
        for row in range(len(plan)):
            self.at(plan.tick[row], SHIFT, int(plan.place[row]), 0, 0, partial(self.change_shift, row))
        backlog = range(self.tips.n_backlog)
        if backlog:
            self.at(0, ARRIVAL, 0, 0, ARRIVES, partial(self.arrive, backlog))
        for tip in range(len(backlog), len(self.tips)):
            self.at(self.tips.arrival[tip], ARRIVAL, tip, 0, ARRIVES, partial(self.arrive, [tip]))
        while self.heap:
            key, _, do = heapq.heappop(self.heap)
            self.now = key[0]
            self.joined_in_event = []
            do()
            self.settle()
            while self.turn_away_who_finds_no_room():
                self.settle()
            self.let_go_who_has_cleared_the_line()
        return self.log()

    def arrive(self, tips: Iterable[int]) -> None:
        for tip in tips:
            first, beyond = int(self.tips.first_visit[tip]), int(self.tips.first_visit[tip + 1])
            if self.to_come:
                for row in range(first, beyond):
                    if self.visits.awaits[row] == 0:
                        self.reach(tip, row)
            elif first < beyond:
                self.reach(tip, first)

    # Shifts.

    def change_shift(self, row: int) -> None:
        """Those going, the level, those who take no more, those back and those coming, as the plan has them."""
        plan = self.given.plan
        place = self.places[plan.place[row]]
        actions = [
            (int(plan.action[i]), self.people[plan.person[i]])
            for i in range(plan.first_action[row], plan.first_action[row + 1])
        ]
        for action, person in actions:
            if action in (GOES_HOME, TAKES_BREAK):
                self.go(place, person, home=action == GOES_HOME)
        place.heads += int(plan.heads[row])
        for action, person in actions:
            if action == TAKES_NO_MORE:
                person.takes_no_more = True
        for coming in (COMES_BACK, COMES_ON):
            for action, person in actions:
                if action == coming:
                    self.end_overtime(place, person)
                    person.on_duty, person.since = True, self.now

    def go(self, place: Place, person: Person, *, home: bool) -> None:
        person.on_duty = False
        if place.rule in (RESUME, HAND_OVER, RESTART):
            for spell in list(person.in_hand):
                if not spell.wrapping and spell.ends > self.now:
                    self.interrupt(spell, RELIEVED)
                    if place.rule == HAND_OVER:
                        spell.visit.left += place.hand_over
                    elif place.rule == RESTART:
                        spell.visit.left = spell.visit.whole
        person.clears_line = home and place.rule == CLEAR_LINE
        if person.in_hand or person.clears_line:
            person.overtime_since = self.now

    def end_overtime(self, place: Place, person: Person) -> None:
        if person.overtime_since is not None and person.overtime_since < self.now:
            self.overtime.append((person.overtime_since, place.index, person.index, self.now))
        person.overtime_since = None

    def let_go_who_has_cleared_the_line(self) -> None:
        for place in self.places:
            for person in place.people:
                is_needed = person.in_hand or any(visit.entry < person.ends for visit in place.line)
                if person.clears_line and not is_needed:
                    person.clears_line = False
                    self.end_overtime(place, person)

    # Reaching a stage, and the way to its line.

    def reach(self, tip: int, row: int) -> None:
        kind = int(self.visits.kind[row])
        stage, centre = int(self.kinds.stage[kind]), int(self.tips.centre[tip])
        s = self.stages
        places = []
        if s.place[stage] != NO_PLACE:
            places.append(int(s.place[stage] + s.place_step[stage] * centre))
            for other, step in zip(s.overflow[stage], s.overflow_step[stage], strict=True):
                if other != NO_PLACE:
                    places.append(int(other + step * centre))
        waits_already = tip < self.tips.n_backlog and row == self.tips.first_visit[tip]
        visit = Visit(row, tip, stage, centre, kind, places, waits_already)
        visit.visible = [line == OWN for line in range(len(places))]
        visit.whole = visit.left = int(self.visits.work[row])
        self.enter[row] = self.now
        self.outcome[row] = OPEN
        self.present.append(visit)
        self.attempt_to_be_served(visit)

    def attempt_to_be_served(self, visit: Visit) -> None:
        """A first attempt, or one more: leave merged, or begin the attempt at the gate."""
        if self.rule_of_merging(visit) == LEAVES and self.is_known(visit):
            self.leave_merged(visit)
            return
        visit.attempt += 1
        visit.entry, visit.called_back = self.now, False
        self.attempt[visit.row] = visit.attempt
        if self.stages.attempts[visit.stage]:
            draws = self.attempt_row(visit)
            self.expect(visit, int(self.visits.patience[draws]), ABANDON, 0, self.lose_patience)
            if len(self.visits.called_back):
                self.expect(visit, int(self.visits.called_back[draws]), ARRIVAL, ACCEPTS, self.accept_call_back)
        for after in {after for line in range(len(visit.places)) for after, _ in self.moves(visit, line)}:
            self.expect(visit, after, ARRIVAL, MOVES_UP, self.move_up)
        visit.opens_at = self.opening(visit.stage)
        if visit.opens_at == self.now:
            self.join(visit)
        else:
            visit.state = HELD
            self.expect(visit, visit.opens_at - self.now, ARRIVAL, JOINS, self.release)

    def expect(self, visit: Visit, after: int, kind: int, later: int, do: Callable[[Visit], None]) -> None:
        """Something that happens to this attempt of a visit after a while, unless it is over or another has begun."""
        attempt = visit.attempt

        def happen() -> None:
            if visit.attempt == attempt and visit.state != GONE:
                do(visit)

        self.at(self.now + after, kind, visit.tip, visit.stage, 16 * visit.row + later, happen)

    def moves(self, visit: Visit, line: int) -> list[tuple[int, int]]:
        """The moves up of a visit in one of its lines: after how long, to which rank."""
        kinds = self.kinds
        row = visit.kind * (1 + kinds.overflow_rank.shape[1]) + line
        rows = range(kinds.first_move[row], kinds.first_move[row + 1])
        return [(int(kinds.moves_after[i]), int(kinds.moves_to[i])) for i in rows]

    def attempt_row(self, visit: Visit) -> int:
        return int(self.visits.first_attempt[visit.row]) + visit.attempt - 1

    def opening(self, stage: int) -> int:
        """The first tick from now on at which the gate of the stage is open."""
        every = int(self.stages.every[stage])
        if every == BY_WINDOWS:
            windows = self.rules.windows
            for i in range(windows.first[stage], windows.first[stage + 1]):
                if self.now < windows.closes[i]:
                    return max(self.now, int(windows.opens[i]))
            return NEVER
        if every == 0:
            return self.now
        return self.now + -(self.now + self.rules.since_midnight) % every

    def release(self, lowest: Visit) -> None:
        """One opening of a gate: the event of the lowest tip that it still holds releases all, in the order of tips."""
        if lowest.state == HELD:
            held = [v for v in self.present if v.stage == lowest.stage and v.state == HELD and v.opens_at == self.now]
            for visit in sorted(held, key=lambda v: (v.tip, v.row)):
                self.join(visit)

    def join(self, visit: Visit) -> None:
        if not visit.places:
            visit.state = IN_DELAY
            if self.start[visit.row] == NEVER:
                self.start[visit.row] = self.now
                self.mark(visit)
            visit.ends_delay = self.now + visit.whole
            self.expect(visit, visit.whole, END, 0, self.end_delay)
            return
        limit = self.stages.lines[visit.stage]
        full = limit != NO_LIMIT and self.number_in_room(visit, WAITING, IN_SERVICE) >= limit
        if full and self.needs_room(visit):
            self.turn_away(visit)
            return
        self.stand_in_line(visit)
        self.joined_in_event.append(visit)
        if not visit.joined:
            visit.joined = visit.attempt
            for line in range(1, len(visit.places)):
                shows = self.now + int(self.stages.overflow_after[visit.stage, line - 1])
                show = partial(self.become_visible, visit, line, visit.joined)
                self.at(shows, ARRIVAL, visit.tip, visit.stage, 16 * visit.row + BECOMES_VISIBLE + line, show)

    def end_delay(self, visit: Visit) -> None:
        if visit.state == IN_DELAY:
            self.end_visit(visit)

    def stand_in_line(self, visit: Visit) -> None:
        visit.state = WAITING
        self.take_ranks(visit)
        for line, place in enumerate(visit.places):
            if visit.visible[line]:
                self.places[place].line[visit] = line

    def leave_line(self, visit: Visit, state: int) -> None:
        visit.state = state
        for place in visit.places:
            self.places[place].line.pop(visit, None)

    # What happens to who waits.

    def become_visible(self, visit: Visit, line: int, joined: int) -> None:
        if visit.joined != joined:
            return
        self.show(visit, line)

    def show(self, visit: Visit, line: int) -> None:
        visit.visible[line] = True
        if visit.state == WAITING:
            self.places[visit.places[line]].line[visit] = line

    def rank_of_its_age(self, visit: Visit, line: int) -> int:
        rank = self.kinds.rank[visit.kind] if line == OWN else self.kinds.overflow_rank[visit.kind, line - 1]
        due = [to for after, to in self.moves(visit, line) if visit.entry + after <= self.now]
        return int(due[-1] if due else rank)

    def take_ranks(self, visit: Visit) -> None:
        visit.ranks = [self.rank_of_its_age(visit, line) for line in range(len(visit.places))]

    def move_up(self, visit: Visit) -> None:
        if visit.state == WAITING:
            self.take_ranks(visit)

    def accept_call_back(self, visit: Visit) -> None:
        if not visit.started:
            visit.called_back = True

    def lose_patience(self, visit: Visit) -> None:
        if visit.state in (WAITING, HELD, IN_DELAY) and not visit.started:
            self.leave_line(visit, AWAY)
            self.gave_up[self.attempt_row(visit)] = self.now
            self.try_again_or_not(visit, ABANDONED, self.visits.given_up_to)

    def turn_away(self, visit: Visit) -> None:
        self.leave_line(visit, AWAY)
        self.turned_away[self.attempt_row(visit)] = self.now
        self.try_again_or_not(visit, TURNED_AWAY, self.visits.turned_away_to)

    def try_again_or_not(self, visit: Visit, outcome: int, asides: np.ndarray) -> None:
        """Come back after a pause if one is left; else go on to the aside, or be lost."""
        pause = int(self.visits.retry_after[self.attempt_row(visit)])
        if pause < NEVER:
            self.expect(visit, pause, ARRIVAL, JOINS, self.attempt_to_be_served)
            return
        self.finish(visit, outcome)
        aside = int(asides[visit.row]) if len(asides) else NO_VISIT
        if aside == NO_VISIT:
            self.lost[visit.tip] = min(self.lost[visit.tip], self.now)
        else:
            self.reach(visit.tip, aside)
            if self.to_come:
                self.do_without(visit, aside)

    def do_without(self, visit: Visit, aside: int) -> None:
        """What cannot come any more is awaited no longer; what is left with nothing that came is not made either."""
        v = self.visits
        mine = range(v.first_moment[aside], v.first_moment[aside + 1])
        goes_on = {(int(v.sets_off[i]), int(v.cue[i])) for i in mine}
        never = [visit.row]
        while never:
            row = min(never)
            never.remove(row)
            for i in range(v.first_moment[row], v.first_moment[row + 1]):
                to = int(v.sets_off[i])
                if i in self.has_come or (v.moment_after[i] == NEVER and (to, int(v.cue[i])) in goes_on):
                    continue
                self.has_come.add(i)
                self.to_come[to] -= 1
                self.without[to] = self.without.get(to, 0) + 1
                if self.to_come[to] == 0 and self.without[to] == self.visits.awaits[to]:
                    never.append(to)
                elif self.to_come[to] == 0:
                    self.reach(visit.tip, to)

    def finish(self, visit: Visit, outcome: int) -> None:
        visit.state = GONE
        self.present.remove(visit)
        self.outcome[visit.row] = outcome

    # Rooms.

    def room(self, visit: Visit) -> tuple[int, int]:
        return visit.stage, visit.centre if self.stages.place_step[visit.stage] else -1

    def needs_room(self, visit: Visit) -> bool:
        """Not who has accepted a call-back, and not who was there before the run."""
        return not visit.called_back and not (visit.of_backlog and visit.attempt == 1)

    def number_in_room(self, visit: Visit, *states: int) -> int:
        room = self.room(visit)
        return sum(v.state in states and not v.called_back and self.room(v) == room for v in self.present)

    def turn_away_who_finds_no_room(self) -> bool:
        """Of those who joined in this event and still wait, the highest tips leave until the others fit.

        Before that they stand in the lines to which they overflow at once. All rooms are asked before anybody goes on
        to an aside, the one first that was joined first.
        """
        leaving, hidden = [], []
        for room in dict.fromkeys(map(self.room, self.joined_in_event)):
            limit = int(self.stages.waiting_room[room[0]])
            fresh = [v for v in self.joined_in_event if self.room(v) == room and v.state == WAITING and not v.started]
            fresh = sorted({v for v in fresh if self.needs_room(v)}, key=lambda v: (-v.tip, -v.row))
            too_many = self.number_in_room(fresh[0], WAITING) - limit if limit != NO_LIMIT and fresh else 0
            if too_many > 0:
                leaving += fresh[:too_many]
                hidden += [(v, line) for v in fresh for line in self.overflows_at_once(v)]
        for visit, line in hidden:
            self.show(visit, line)
        if hidden:
            return True
        for visit in leaving:
            if visit.joined == visit.attempt:
                visit.joined = 0
                visit.visible = [line == OWN for line in range(len(visit.places))]
            self.turn_away(visit)
        return bool(leaving)

    def overflows_at_once(self, visit: Visit) -> list[int]:
        """The lines of other pools in which it is to stand from its joining on, and does not stand yet."""
        after = self.stages.overflow_after[visit.stage]
        return [line for line, seen in enumerate(visit.visible) if not seen and after[line - 1] == 0]

    # Merging.

    def rule_of_merging(self, visit: Visit) -> int:
        return int(self.stages.merges[visit.stage]) if len(self.stages.merges) else KEEPS

    def is_known(self, visit: Visit) -> bool:
        """Whether another tip of the incident has ended at the stage, and this one never has."""
        known = (visit.stage, self.incident(visit)) in self.known
        return known and (visit.tip, visit.stage) not in self.ended

    def incident(self, visit: Visit) -> int:
        return int(self.tips.incident[visit.tip]) if len(self.tips.incident) else NO_INCIDENT

    def leave_merged(self, visit: Visit) -> None:
        self.leave_line(visit, GONE)
        self.finish(visit, MERGED)
        self.merged[visit.row] = self.now

    def make_known(self, visit: Visit) -> None:
        """The first of an incident to end at a stage: who waits there for nothing leaves in this event."""
        self.ended.add((visit.tip, visit.stage))
        rule, known = self.rule_of_merging(visit), (visit.stage, self.incident(visit))
        if rule == KEEPS or known[1] == NO_INCIDENT or known in self.known:
            return
        self.known.add(known)
        if rule == LEAVES:
            same = [v for v in self.present if (v.stage, self.incident(v)) == known]
            for other in sorted(same, key=lambda v: v.tip):
                if other.state in (WAITING, HELD) and self.is_known(other):
                    self.leave_merged(other)

    # Settling.

    def settle(self) -> None:
        """Passes over the places, each starting whoever can start, until a pass starts nothing."""
        started = True
        while started:
            started = False
            for place in self.places:
                while place.line and self.start_one(place):
                    started = True

    def start_one(self, place: Place) -> bool:
        """Start the next tip of a place with somebody free, with somebody who stays, or in the place of another tip."""
        if place.tells_apart:
            free = [p for p in place.people if p.on_duty and not p.takes_no_more and len(p.in_hand) < place.slots]
            if free:
                self.begin(self.first_in_line(place, place.line), place, self.next_to_serve(free))
                return True
            stay = [p for p in place.people if p.clears_line and len(p.in_hand) < place.slots]
            for_them = [visit for visit in place.line if any(visit.entry < p.ends for p in stay)]
            if for_them:
                visit = self.first_in_line(place, for_them)
                self.begin(visit, place, self.next_to_serve([p for p in stay if visit.entry < p.ends]))
                return True
            servers = [p for p in place.people if p.on_duty and not p.takes_no_more]
            in_service = [spell for p in servers for spell in p.in_hand]
        else:
            if len(place.in_use) < place.heads * place.slots:
                self.begin(self.first_in_line(place, place.line), place, None)
                return True
            in_service = place.in_use if len(place.in_use) == place.heads * place.slots else []
        return self.displace_one(place, in_service)

    def displace_one(self, place: Place, in_service: list[Spell]) -> bool:
        urgent = [visit for visit, line in place.line.items() if self.preempts(visit, line)]
        if not urgent:
            return False
        visit = self.first_in_line(place, urgent)
        rank = visit.ranks[place.line[visit]]
        may_stop = [s for s in in_service if not s.wrapping and s.ends > self.now and s.rank > rank]
        if not may_stop:
            return False
        spell = min(may_stop, key=lambda s: (-s.rank, -s.began, s.visit.tip, s.visit.stage, s.visit.row))
        self.interrupt(spell, PREEMPTED)
        self.begin(visit, place, spell.person)
        return True

    def preempts(self, visit: Visit, line: int) -> bool:
        if line == OWN:
            return bool(self.kinds.preempts[visit.kind])
        return bool(self.kinds.overflow_preempts[visit.kind, line - 1])

    def first_in_line(self, place: Place, visits: Iterable[Visit]) -> Visit:
        return min(visits, key=lambda visit: self.place_in_line(place, visit))

    def place_in_line(self, place: Place, visit: Visit) -> tuple[int, ...]:
        rank = visit.ranks[place.line[visit]]
        last = (visit.tip, visit.stage, visit.row)
        if place.order == LAST_COME:
            return (rank, -visit.entry, *last)
        if place.order == IN_RANDOM_ORDER:
            return (rank, shuffled(int(self.visits.lot[visit.row]), place.starts), *last)
        if place.order == DUE_FIRST:
            return (rank, self.due(visit), visit.entry, *last)
        assert place.order == FIRST_COME
        return (rank, visit.entry, *last)

    def due(self, visit: Visit) -> int:
        if not len(self.visits.due) or self.visits.due[visit.row] >= NEVER:
            return NEVER
        since = self.enter[visit.row] if self.stages.due_from_enter[visit.stage] else self.tips.arrival[visit.tip]
        return int(since + self.visits.due[visit.row])

    def next_to_serve(self, people: list[Person]) -> Person:
        return min(people, key=lambda p: (len(p.in_hand), p.since, p.index))

    # Work.

    def begin(self, visit: Visit, place: Place, person: Person | None) -> None:
        rank = visit.ranks[place.line[visit]]
        if not visit.started:
            visit.started = True
            self.start[visit.row] = self.now
            self.mark(visit)
            if self.rule_of_merging(visit) == REPEATS and self.is_known(visit):
                visit.repeats = True
                visit.whole = visit.left = int(self.visits.repeat[visit.row])
        self.leave_line(visit, IN_SERVICE)
        place.starts += 1
        base = self.base_speed(place, visit)
        spell = Spell(visit, place, person, self.now, rank, base, False, visit.left, visit.left, self.now)
        self.take_in_hand(spell)
        self.number_in_hand_has_changed(spell)

    def take_in_hand(self, spell: Spell) -> None:
        spell.attempt = spell.visit.attempt
        self.spells.append(spell)
        spell.place.in_use.append(spell)
        if spell.person:
            spell.person.in_hand.append(spell)
        self.reckon_end(spell)

    def put_down(self, spell: Spell, why: int) -> None:
        """Close a spell: its person has it in hand no more."""
        spell.done = spell.total if why == DONE else spell.total - self.work_left(spell)
        spell.ended, spell.why = self.now, why
        spell.place.in_use.remove(spell)
        if spell.person:
            spell.person.in_hand.remove(spell)

    def interrupt(self, spell: Spell, why: int) -> None:
        self.put_down(spell, why)
        spell.visit.left = spell.total - spell.done
        self.stand_in_line(spell.visit)
        self.number_in_hand_has_changed(spell)

    def number_in_hand_has_changed(self, by: Spell) -> None:
        """Reckon anew when the others in hand end; who is off duty and has nothing to do is in overtime no more."""
        person = by.person
        if person is None:
            return
        person.since = self.now
        for spell in person.in_hand:
            if spell is not by and spell.ends != self.now and self.speed(spell) != spell.speed:
                spell.left = self.work_left(spell)
                self.reckon_end(spell)
        if not person.on_duty and not person.in_hand and not person.clears_line:
            self.end_overtime(by.place, person)

    def reckon_end(self, spell: Spell) -> None:
        spell.at, spell.speed = self.now, self.speed(spell)
        spell.ends = self.now + -(-spell.left * FULL_SPEED // spell.speed)
        visit = spell.visit

        def end() -> None:
            if spell.ended is None and spell.ends == self.now:
                self.end_spell(spell)

        self.at(spell.ends, END, visit.tip, visit.stage, 16 * visit.row, end)

    def work_left(self, spell: Spell) -> int:
        return max(0, spell.left - (self.now - spell.at) * spell.speed // FULL_SPEED)

    def base_speed(self, place: Place, visit: Visit) -> int:
        """The factor of the clock at this tick, times that of the stage, in billionths of billionths."""
        s = self.speeds
        steps = range(s.first_step[place.index], s.first_step[place.index + 1])
        by_tick = [int(s.by_tick[i]) for i in steps if s.tick[i] <= self.now][-1]
        return by_tick * int(s.by_stage[place.index, visit.stage])

    def speed(self, spell: Spell) -> int:
        place = spell.place
        if not self.speeds.varies[place.index]:
            return FULL_SPEED
        by_hand = int(self.speeds.by_hand[place.index, len(spell.person.in_hand) - 1]) if spell.person else FULL_SPEED
        return max(1, spell.base * by_hand // FULL_SPEED**2)

    def end_spell(self, spell: Spell) -> None:
        visit, person = spell.visit, spell.person
        self.put_down(spell, DONE)
        wrap_up = int(self.visits.wrap_up[visit.row]) if len(self.visits.wrap_up) else 0
        if wrap_up and not spell.wrapping and not visit.repeats:
            wrapping = Spell(visit, spell.place, person, self.now, 0, spell.base, True, wrap_up, wrap_up, self.now)
            self.take_in_hand(wrapping)
        else:
            self.number_in_hand_has_changed(spell)
        if not spell.wrapping:
            self.end_visit(visit)

    def end_visit(self, visit: Visit) -> None:
        if visit.repeats:
            self.leave_merged(visit)
            return
        self.end[visit.row] = self.now
        self.finish(visit, SERVED)
        self.make_known(visit)
        if self.to_come:
            self.begin_what_awaited(visit, NEVER)
            return
        if len(self.visits.follows):
            follows = int(self.visits.follows[visit.row])
        else:
            follows = visit.row + 1 if visit.row + 1 < self.tips.first_visit[visit.tip + 1] else NO_VISIT
        if follows != NO_VISIT:
            self.reach(visit.tip, follows)

    # Branches.

    def moments(self, visit: Visit) -> range:
        return range(int(self.visits.first_moment[visit.row]), int(self.visits.first_moment[visit.row + 1]))

    def mark(self, visit: Visit) -> None:
        """What hangs on a start, and on a while after it, are END events of their own."""
        for moment in self.moments(visit) if self.to_come else ():
            after = int(self.visits.moment_after[moment])
            if after < NEVER:
                self.at(self.now + after, END, visit.tip, visit.stage, 16 * visit.row, partial(self.pass_mark, visit))

    def pass_mark(self, visit: Visit) -> None:
        if visit.state == IN_DELAY:
            ends = visit.ends_delay
        else:
            ends = next((one.ends for one in self.spells if one.visit is visit and one.ended is None), NEVER)
        if visit.state != GONE and ends != self.now:
            self.begin_what_awaited(visit, self.now - int(self.start[visit.row]))

    def begin_what_awaited(self, visit: Visit, after: int) -> None:
        for moment in self.moments(visit):
            if moment not in self.has_come and self.visits.moment_after[moment] <= after:
                self.has_come.add(moment)
                row = int(self.visits.sets_off[moment])
                self.to_come[row] -= 1
                if self.to_come[row] == 0:
                    self.reach(visit.tip, row)

    # The log.

    def log(self) -> Log:
        self.now = self.horizon
        for spell in self.spells:
            if spell.ended is None:
                self.put_down(spell, CUT)
        for place in self.places:
            for person in place.people:
                self.end_overtime(place, person)
        spells = sorted(self.spells, key=lambda spell: (spell.visit.row, spell.began))
        told = [
            (s.visit.row, s.attempt, s.place.index, s.person.index if s.person else NOBODY, s.began, s.ended, s.done)
            for s in spells
        ]
        why, wrapping = [spell.why for spell in spells], [spell.wrapping for spell in spells]
        began, place, person, ended = _columns(sorted(self.overtime), 4)
        return Log(
            self.enter,
            self.start,
            self.end,
            self.outcome,
            self.attempt,
            self.lost,
            self.gave_up,
            self.turned_away if self.limited else np.empty(0, np.int64),
            Spells(*_columns(told, 7), why=np.array(why, np.int32), wrapping=np.array(wrapping, np.bool_)),
            Overtime(place, person, began, ended),
            self.merged if self.given.may_merge else np.empty(0, np.int64),
        )


def _columns(rows: Sequence[tuple[int | None, ...]], n: int) -> np.ndarray:
    return np.array(rows, np.int64).reshape(-1, n).T
