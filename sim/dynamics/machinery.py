"""The parts of the compiled engine: its tables, who is in the system, the lines as linked lists, the events due.

Every function here is compiled. Who is in the system has a row, a *slot*, in one small table that stays in the cache. A
tip can stand in two lists at once, its own (0) and the overflow line (1), so a *node* of a list is 2 * slot + which;
servers at work, overtime and tips behind a gate are lists of the same kind. A table that grows says in its first row
how many rows of it are in use. Functions take the arrays that they need, not the tables: that is what costs nothing.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"
from __future__ import annotations

from typing import Final, NamedTuple

from sim.dynamics import order
from sim.dynamics.clock import NEVER
from sim.dynamics.kernels import inlined, int64, part
from sim.dynamics.log import OPEN, SERVED, UNREACHED, Outcomes
from sim.dynamics.order import END
from sim.dynamics.replication import NO_PLACE, NO_VISIT, Codes, Flags, Ticks

NEXT: Final = 0
PREV: Final = 2
TIP: Final = 4
VISIT: Final = 5
STATE: Final = 6
ENTRY: Final = 7
LEFT: Final = 8
BEGAN: Final = 9
ENDS: Final = 10
ATTEMPT: Final = 11
SERVED_AT: Final = 12
SERVED_RANK: Final = 13
STARTED: Final = 14
IN_BOTH: Final = 15
WATCHED: Final = 16
BROKEN: Final = 17
LINE: Final = 18
END_KEY: Final = 20
N_COLUMNS: Final = 24
"""Columns of the table of slots; NEXT, PREV and LINE take two each, one for each list that a tip can stand in."""

GOES_TO: Final = 36
"""A further column where more is asked of lines: the visit that follows, or NO_VISIT."""

PERSON: Final = 21
BY_TICK: Final = 22
SPEED: Final = 23
RECKONED: Final = 24
NEED: Final = 25
BY_STAGE: Final = 26
N_COLUMNS_WITH_PEOPLE: Final = 32
"""Further columns where people are told apart, work at speeds or wrap up: who has the tip in hand, the factors of speed
that are fixed for the spell, the speed now, the tick at which LEFT was left, and what was left when the spell began."""

FREE: Final = 0
WAITING: Final = 1
HELD: Final = 2
AWAY: Final = 3
BUSY: Final = 4
PASSING: Final = 5
WRAPPING: Final = 6
"""States of a slot: in line, behind a gate, away until it retries, in service, in a delay; or its tip has gone on in
another slot, and somebody still wraps up."""

NIL: Final = -1

ENDS_WORK: Final = 0
SHOWS: Final = 1
RELEASES: Final = 2
RETRIES: Final = 3
GIVES_UP: Final = 4
"""What an entry of the heap is about."""

MANY: Final = -2
"""In place of the visit that follows one: several do, or it awaits others too, so that the end must come first."""

N_SOON: Final = 64
"""Up to this many ends of work are kept in a sorted array, which beats a heap while it is short."""

event_key = part(order.event_key)
end_later = part(order.end_later)
line_key = part(order.line_key)
yielding_key = part(order.yielding_key)
outranks = part(order.outranks)
work_after_relief = part(order.work_after_relief)
opening = part(order.opening)


class TipTable(NamedTuple):
    """What the engine reads of the tips of a replication."""

    arrival: Ticks
    centre: Codes
    first_visit: Ticks
    n_backlog: int


class VisitTable(NamedTuple):
    """What it reads of the visits."""

    kind: Codes
    work: Ticks
    first_attempt: Ticks
    patience: Ticks
    retry_after: Ticks


class KindTable(NamedTuple):
    """What it reads of the kinds of visit; a rank is told as the list of its place in which such a tip waits."""

    stage: Ticks
    list: Ticks
    preempts: Flags
    overflow_list: Ticks
    overflow_preempts: Flags


class StageTable(NamedTuple):
    """What it reads of the stages."""

    place: Codes
    place_step: Codes
    overflow: Codes
    overflow_step: Codes
    overflow_after: Ticks
    every: Ticks
    attempts: Codes


class PlaceTable(NamedTuple):
    """What it reads of the places."""

    at_shift_end: Codes
    hand_over: Ticks
    concurrency: Codes
    may_preempt: Flags | None
    """Whether any tip that waits here may pre-empt; it then matters who is at work. None where none may anywhere."""


class Lines(NamedTuple):
    """The lists of waiting tips: of each place in turn one for each rank, the first in order first; (n_lines,) each."""

    place: Ticks
    rank: Ticks
    preempts: Flags
    """Whether any tip that waits in it may pre-empt, at any age."""
    n_ranks: int


class PlanTable(NamedTuple):
    """The plan of a replication."""

    tick: Ticks
    place: Ticks
    heads: Codes


class Stamps(NamedTuple):
    """What the engine writes of every visit, of every tip, and of every attempt."""

    enter: Ticks
    start: Ticks
    end: Ticks
    outcome: Outcomes
    attempt: Codes
    worked_at: Codes
    lost: Ticks
    gave_up: Ticks


class Lists(NamedTuple):
    """The first and last node of each list, (n, 2) each, NIL where it is empty."""

    line: Ticks
    busy: Ticks
    """Who is in service, at each place where somebody may pre-empt."""
    held: Ticks
    """Who is behind the gate of each stage."""


class Due(NamedTuple):
    """The events to come that are not in the replication."""

    heap: Ticks
    """Rows (tick, key, slot, visit, what it is about), from row 1."""
    soon_tick: Ticks
    """The next ends of work, from row 1, the latest first."""
    soon_slot: Ticks
    """Whose work ends then; row 0 says how many there are."""


class Working(NamedTuple):
    """Who is in the system, and what has to be seen to."""

    slots: Ticks
    free: Ticks
    """How many slots are free, how many were ever taken, and from row 2 those that are free."""
    idle: Ticks
    """(n_places,) slots in which somebody on duty could start; below 0 while more are in use than there are heads."""
    waiting: Ticks
    """(n_places,) tips in line."""
    dirty: Flags
    """(n_places,) whether the place has to settle."""
    to_settle: Ticks
    """The places that have to."""
    spells: Ticks
    """Spells that the stamps of their visit do not tell, as they end: rows in the order of Spells."""


@part
def insert(slots, lists, row, node, after):
    """Put a node into a list after another one; at the head after NIL."""
    slot = node >> 1
    following = lists[row, 0] if after == NIL else slots[after >> 1, NEXT + (after & 1)]
    slots[slot, PREV + (node & 1)] = after
    slots[slot, NEXT + (node & 1)] = following
    if after == NIL:
        lists[row, 0] = node
    else:
        slots[after >> 1, NEXT + (after & 1)] = node
    if following == NIL:
        lists[row, 1] = node
    else:
        slots[following >> 1, PREV + (following & 1)] = node


@part
def stand_in_line(slots, lines, line, node):
    """Put a node into its place in line, looked for from the head and from the tail in turn.

    Who comes belongs near the tail, who comes back after an interruption near the head.
    """
    slot = node >> 1
    key = line_key(0, slots[slot, ENTRY], slots[slot, TIP])
    ahead, after = lines[line, 0], lines[line, 1]
    while after != NIL and key < line_key(0, slots[after >> 1, ENTRY], slots[after >> 1, TIP]):
        if key < line_key(0, slots[ahead >> 1, ENTRY], slots[ahead >> 1, TIP]):
            after = slots[ahead >> 1, PREV + (ahead & 1)]
            break
        after = slots[after >> 1, PREV + (after & 1)]
        ahead = slots[ahead >> 1, NEXT + (ahead & 1)]
    insert(slots, lines, line, node, after)


@inlined
def stand_last(slots, lines, line, slot):
    """Put a tip into its place in line that is most likely the last."""
    tail = lines[line, 1]
    key = line_key(0, slots[slot, ENTRY], slots[slot, TIP])
    if tail == NIL:
        slots[slot, PREV] = NIL
        slots[slot, NEXT] = NIL
        lines[line, 0] = 2 * slot
        lines[line, 1] = 2 * slot
    elif line_key(0, slots[tail >> 1, ENTRY], slots[tail >> 1, TIP]) < key:
        slots[slot, PREV] = tail
        slots[slot, NEXT] = NIL
        slots[tail >> 1, NEXT + (tail & 1)] = 2 * slot
        lines[line, 1] = 2 * slot
    else:
        stand_in_line(slots, lines, line, 2 * slot)


@inlined
def drop_head(slots, lists, row):
    """Take the first node out of a list."""
    node = lists[row, 0]
    following = slots[node >> 1, NEXT + (node & 1)]
    lists[row, 0] = following
    if following == NIL:
        lists[row, 1] = NIL
    else:
        slots[following >> 1, PREV + (following & 1)] = NIL


@part
def unlink(slots, lists, row, node):
    """Take a node out of its list."""
    before = slots[node >> 1, PREV + (node & 1)]
    following = slots[node >> 1, NEXT + (node & 1)]
    if before == NIL:
        lists[row, 0] = following
    else:
        slots[before >> 1, NEXT + (before & 1)] = following
    if following == NIL:
        lists[row, 1] = before
    else:
        slots[following >> 1, PREV + (following & 1)] = before


@part
def push(heap, tick, key, slot, visit, what):
    """Add an entry to the heap, which says when it is full."""
    at = heap[0, 0] + 1
    if at == heap.shape[0]:
        return
    heap[0, 0] = at
    while at > 1:
        parent = at >> 1
        if heap[parent, 0] < tick or (heap[parent, 0] == tick and heap[parent, 1] <= key):
            break
        for column in range(5):
            heap[at, column] = heap[parent, column]
        at = parent
    heap[at, 0], heap[at, 1], heap[at, 2], heap[at, 3], heap[at, 4] = tick, key, slot, visit, what


@part
def pop(heap):
    """Drop the first entry of the heap."""
    last = heap[0, 0]
    heap[0, 0] = last - 1
    tick, key = heap[last, 0], heap[last, 1]
    at = 1
    while True:
        child = 2 * at
        if child >= last:
            break
        other = child + 1
        if other < last and (
            heap[other, 0] < heap[child, 0] or (heap[other, 0] == heap[child, 0] and heap[other, 1] < heap[child, 1])
        ):
            child = other
        if tick < heap[child, 0] or (tick == heap[child, 0] and key <= heap[child, 1]):
            break
        for column in range(5):
            heap[at, column] = heap[child, column]
        at = child
    for column in range(5):
        heap[at, column] = heap[last, column]


@inlined
def take_slot(slots, free, tip, first_visit):
    """A slot for a tip that is about to make its first visit, or NIL when there is none left."""
    n_free = free[0]
    if n_free > 0:
        slot = free[1 + n_free]
        free[0] = n_free - 1
    elif free[1] < slots.shape[0]:
        slot = free[1]
        free[1] = slot + 1
    else:
        return NIL
    slots[slot, TIP] = tip
    slots[slot, VISIT] = first_visit - 1
    return slot


@inlined
def free_slot(slots, free, slot):
    """Let a tip go."""
    slots[slot, STATE] = FREE
    free[0] += 1
    free[1 + free[0]] = slot


@inlined
def wait_to_go_on(slot, pending):
    """Let a tip go on once all that is under way in this event is over, after those that wait for that already."""
    at, size = pending[0] + pending[1], pending.shape[0] - 2
    pending[2 + (at if at < size else at - size)] = slot
    pending[1] += 1


@inlined
def next_to_go_on(pending):
    """Take the first of those who wait to go on."""
    at = pending[0]
    pending[0] = at + 1 if at + 3 < pending.shape[0] else 0
    pending[1] -= 1
    return pending[2 + at]


@part
def remove_end(soon_tick, soon_slot, slot):
    """Take a slot's end of work out of those that are soon, if it is there."""
    n = soon_slot[0]
    for at in range(1, n + 1):
        if soon_slot[at] == slot:
            for later in range(at, n):
                soon_tick[later], soon_slot[later] = soon_tick[later + 1], soon_slot[later + 1]
            soon_slot[0] = n - 1
            return


@inlined
def expect_end(slot, due, slots):
    """Note when the work on a tip ends: among the ends that are soon, while there is room."""
    soon_tick, soon_slot = due.soon_tick, due.soon_slot
    ends = slots[slot, ENDS]
    row = soon_slot[0] + 1
    if row > N_SOON:
        push(due.heap, ends, slots[slot, END_KEY], slot, slots[slot, VISIT], int64(ENDS_WORK))
    else:
        soon_slot[0] = row
        while row > 1 and soon_tick[row - 1] <= ends:
            # Ties are rare, and only they need the keys: fetching them each time costs more than all else here.
            if soon_tick[row - 1] == ends and slots[soon_slot[row - 1], END_KEY] > slots[slot, END_KEY]:
                break
            soon_tick[row] = soon_tick[row - 1]
            soon_slot[row] = soon_slot[row - 1]
            row -= 1
        soon_tick[row] = ends
        soon_slot[row] = slot


@inlined
def expect_late(slot, heap, slots):
    """Note when the delay of a tip ends, wherever that lies among the events to come."""
    push(heap, slots[slot, ENDS], slots[slot, END_KEY], slot, slots[slot, VISIT], int64(ENDS_WORK))


@inlined
def preempts_at(place, may_preempt):
    """Whether any tip that waits at a place may pre-empt."""
    if may_preempt is None:
        return False
    return may_preempt[place]


@inlined
def is_safe(may_preempt, to_settle, idle):
    """Whether a tip may start before the places settle that an event has touched so far.

    Where any tip may pre-empt, somebody must be idle there. Else the number of heads has fallen, a tip may be displaced
    there first, and have the better claim to the other place.
    """
    if may_preempt is None:
        return True
    return to_settle[0] == 0 or (to_settle[0] == 1 and idle[to_settle[1]] > 0)


@inlined
def mark(place, dirty, to_settle):
    """Note that a place has to settle."""
    if not dirty[place]:
        dirty[place] = True
        to_settle[0] += 1
        to_settle[to_settle[0]] = place


@inlined
def next_place(at, dirty, to_settle):
    """Take the nearest of the places that have to settle, from `at` on, and only then from the first."""
    n, nearest = to_settle[0], 1
    for row in range(2, n + 1):
        one, other = to_settle[row], to_settle[nearest]
        if one < other if (one >= at) == (other >= at) else one >= at:
            nearest = row
    place = to_settle[nearest]
    to_settle[nearest] = to_settle[n]
    to_settle[0] = n - 1
    dirty[place] = False
    return place


@part
def join(slots, lines, line_place, waiting, slot, dirty, to_settle):
    """Let a tip wait in its line, and in the overflow line if it stands in both; their places have to settle."""
    slots[slot, STATE] = WAITING
    for which in range(1 + slots[slot, IN_BOTH]):
        line = slots[slot, LINE + which]
        stand_in_line(slots, lines, line, 2 * slot + which)
        waiting[line_place[line]] += 1
        mark(line_place[line], dirty, to_settle)


@part
def stop_waiting(slots, lines, line_place, waiting, slot, may_preempt, dirty, to_settle):
    """Take a tip out of its line or lines; where one may pre-empt, another is now the first who may."""
    for which in range(1 + slots[slot, IN_BOTH]):
        line = slots[slot, LINE + which]
        unlink(slots, lines, line, 2 * slot + which)
        waiting[line_place[line]] -= 1
        if preempts_at(line_place[line], may_preempt):
            mark(line_place[line], dirty, to_settle)


@part
def find_taker(slots, lists, first, last, visit_kind, preempts, overflow_preempts, line_preempts):
    """The best waiting tip in the lines of a place that may take a server there: its node and line, or NIL."""
    for line in range(first, last):
        if line_preempts[line]:
            node = lists[line, 0]
            while node != NIL:
                kind = visit_kind[slots[node >> 1, VISIT]]
                if overflow_preempts[kind] if node & 1 else preempts[kind]:
                    return node, line
                node = slots[node >> 1, NEXT + (node & 1)]
    return NIL, NIL


@part
def write_spell(spells, slots, slot, person, now, work, why):
    """Write down a spell that the stamps of its visit do not tell, while there is room."""
    n = spells[0, 0] + 1
    if n < spells.shape[0]:
        spells[0, 0] = n
        spells[n, 0], spells[n, 1], spells[n, 2] = slots[slot, VISIT], slots[slot, ATTEMPT], slots[slot, SERVED_AT]
        spells[n, 3], spells[n, 4], spells[n, 5] = person, slots[slot, BEGAN], now
        spells[n, 6], spells[n, 7], spells[n, 8] = work, why, slots[slot, STATE] == WRAPPING
        slots[slot, BROKEN] = 1


@part
def leave_unreached(first, last, log):
    """Stamp visits that a tip never made."""
    for visit in range(first, last):
        log.enter[visit] = NEVER
        log.start[visit] = NEVER
        log.end[visit] = NEVER
        log.outcome[visit] = UNREACHED
        log.attempt[visit] = 0
        log.worked_at[visit] = NO_PLACE


@inlined
def begin_visit(now, slot, visit, stage, tips, visits, kinds, stages, lines, log, slots):
    """Stamp the entry of a tip to a stage, and fix the lines in which it may wait there."""
    log.enter[visit] = now
    log.start[visit] = NEVER
    log.end[visit] = NEVER
    log.outcome[visit] = OPEN
    log.worked_at[visit] = NO_PLACE
    tip = slots[slot, TIP]
    slots[slot, VISIT] = visit
    slots[slot, END_KEY] = event_key(END, tip, end_later(visit - tips.first_visit[tip]), stage)
    slots[slot, LEFT] = visits.work[visit]
    slots[slot, ATTEMPT] = 0
    slots[slot, STARTED] = 0
    slots[slot, IN_BOTH] = 0
    slots[slot, WATCHED] = 0
    slots[slot, BROKEN] = 0
    if stages.place[stage] != NO_PLACE:
        kind = visits.kind[visit]
        centre = tips.centre[tip]
        place = stages.place[stage] + centre * stages.place_step[stage]
        slots[slot, LINE] = place * lines.n_ranks + kinds.list[kind]
        if stages.overflow[stage] != NO_PLACE:
            place = stages.overflow[stage] + centre * stages.overflow_step[stage]
            slots[slot, LINE + 1] = place * lines.n_ranks + kinds.overflow_list[kind]


@inlined
def flows_there(visit, stage, flows, branches):
    """Whether a visit is a delay of which nothing but its end can come; nothing hangs on its start.

    `flows` tells it of stages by themselves, as in `run`.
    """
    found = flows[stage]
    if branches is not None and found:
        for moment in range(branches.first_moment[visit], branches.first_moment[visit + 1]):
            found = found and branches.moment_after[moment] == NEVER
    return found


@inlined
def next_alone(visit, beyond, queues, branches):
    """The visit that begins when a delay ends; NO_VISIT where none does, and MANY where others hang on it, too."""
    following = visit + 1 if visit + 1 < beyond else int64(NO_VISIT)
    if branches is not None:
        first, n_moments = branches.first_moment[visit], branches.first_moment[visit + 1] - branches.first_moment[visit]
        following = int64(NO_VISIT) if n_moments == 0 else int64(MANY)
        if n_moments == 1 and branches.awaits[branches.sets_off[first]] == 1:
            following = branches.sets_off[first]
    elif queues is not None and queues.rules.follows.shape[0] > 0:
        following = queues.rules.follows[visit]
    return following


@inlined
def flow(now, slot, visit, horizon, tips, visits, kinds, flows, log, working, queues, branches):
    """Follow a tip through delays that come one after the other, up to the last; gives whether its end is an event.

    Nothing can see where in them a tip is: each is stamped beforehand, and only the end of the last of them is an event
    if something comes then that has to take its turn. The event has the tick and the key that it would have, and it is
    in time for its turn, for one delay is followed into another at the same tick only if that has the later key: of the
    two the later key decides when both are over.
    """
    slots, tip, tick = working.slots, working.slots[slot, TIP], now
    first, beyond = tips.first_visit[tip], tips.first_visit[tip + 1]
    stage = int64(kinds.stage[visits.kind[visit]])
    following, ahead = visit, True
    while ahead:
        log.enter[visit] = tick
        log.start[visit] = tick
        log.attempt[visit] = 1
        log.worked_at[visit] = NO_PLACE
        tick += visits.work[visit]
        following = next_alone(visit, beyond, queues, branches)
        ahead = tick < horizon and following >= 0
        if ahead:
            to = int64(kinds.stage[visits.kind[following]])
            ahead = flows_there(following, to, flows, branches)
            if ahead and visits.work[following] == 0:
                key = event_key(END, tip, end_later(visit - first), stage)
                ahead = key < event_key(END, tip, end_later(following - first), to)
            if ahead:
                log.end[visit] = tick
                log.outcome[visit] = SERVED
                visit, stage = following, to
    goes_on = tick < horizon and following != NO_VISIT
    if tick < horizon and not goes_on:
        log.end[visit] = tick
        log.outcome[visit] = SERVED
    else:
        log.end[visit] = NEVER
        log.outcome[visit] = OPEN
    if goes_on:
        slots[slot, VISIT] = visit
        slots[slot, END_KEY] = event_key(END, tip, end_later(visit - first), stage)
        slots[slot, STATE] = PASSING
        slots[slot, ENDS] = tick
        slots[slot, BROKEN] = 0
    else:
        if queues is None:
            leave_unreached(visit + 1, beyond, log)
        free_slot(slots, working.free, slot)
    return goes_on
