"""People of the compiled engine: who could take a tip, what each has in hand, and how fast the work goes.

Only for worlds in which people are told apart somewhere, work at a speed or wrap up; the loop is compiled without any
of it for the others. People who could take a tip stand in queues, of each place one for each number of tips in hand,
and what somebody has in hand is a list too. A *node* of the queues is 2 * person; of the list in hand it is 2 * slot +
1, the one that stands in the overflow line while a tip waits.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"
from __future__ import annotations

from types import FunctionType
from typing import Final, NamedTuple

from sim.dynamics import machinery as m
from sim.dynamics import order
from sim.dynamics.kernels import inlined, int64, part
from sim.dynamics.log import MERGED, SERVED
from sim.dynamics.replication import FULL_SPEED, LEAVES, NO_INCIDENT, Codes, Flags, Ticks

DUTY: Final = 1
IN_HAND: Final = 3
SINCE: Final = 4
OFF_SINCE: Final = 5
NO_MORE: Final = 6
N_COLUMNS: Final = 8
"""Columns of the table of people, beside those that make lists of them (`machinery.NEXT` and `PREV`)."""

OFF: Final = 0
ON: Final = 1
OVERTIME: Final = 2
CLEARING: Final = 3
"""Not there, on duty, completing what is in hand, staying until the line is clear."""

serving_key = part(order.serving_key)
may_clear = part(order.may_clear)
finishes_at_shift_end = part(order.finishes_at_shift_end)
clears_at_shift_end = part(order.clears_at_shift_end)
work_done = part(order.work_done)
time_for = part(order.time_for)
speed = part(order.speed)
# It calls `work_done` by its name, and has to find the compiled one.
left_after = part(FunctionType(order.left_after.__code__, {**vars(order), "work_done": work_done}))


class Roster(NamedTuple):
    """What is fixed about people."""

    tells_apart: Flags
    """(n_places,)"""
    place: Ticks
    """(n_people,)"""
    queue: Ticks
    """(n_places, most slots of any) the queue of those at a place who have so many tips in hand."""
    in_order: Ticks
    """(n_places, most slots of any) the queues of a place, those come first whose people take the next tip."""
    first_action: Ticks
    action: Codes
    person: Ticks
    """The actions of the plan, as there."""
    wrap_up: Ticks
    """(n_visits,) work after the tip has gone on, or (0,) where there is none."""


class Pace(NamedTuple):
    """How fast people work, as in Speeds."""

    varies: Flags
    by_hand_varies: Flags
    """(n_places,) whether the speed changes with what somebody has in hand."""
    first_step: Ticks
    tick: Ticks
    by_tick: Ticks
    by_stage: Ticks
    by_hand: Ticks
    step: Ticks
    """(n_places,) the step that holds now, or held when it was last asked for."""


class Hands(NamedTuple):
    """Who is there, and does what."""

    table: Ticks
    """(n_people, N_COLUMNS)"""
    queues: Ticks
    """(n_queues, 2) the first and last of each."""
    hand: Ticks
    """(n_people, 2) the first and last that each has in hand."""
    clearing: Ticks
    """(1, 2) those who stay until the line is clear."""
    n_clearing: Ticks
    """(n_places,) how many of them at each place."""
    worked_by: Codes
    """(n_visits,) who served last."""
    overtime: Ticks
    """Stretches of overtime: rows (began, place, person, ended)."""


class Merging(NamedTuple):
    """What is known of incidents; arrays of no rows where nothing merges."""

    rule: Codes
    """(n_stages,) as in Stages."""
    incident: Codes
    repeat: Ticks
    first_visit: Ticks
    stage: Codes
    """(n_visits,) the stage of each visit."""
    known: Flags
    """(n_incidents, n_stages) whether a tip of the incident has been served at the stage."""
    first_member: Ticks
    """(n_incidents + 1,) where the tips of each incident begin in `member`; they end before those of the next."""
    member: Ticks
    slot: Ticks
    """(n_visits,) the slot that each visit to a stage was given whose others leave at once, or NIL."""
    repeating: Flags
    """(n_visits,) whether it started when that was known, so that its work is the repeat."""
    merged: Ticks
    """(n_visits,) as in Log."""


class People(NamedTuple):
    """All that worlds have in which people are told apart, work at a speed or wrap up, or tips merge."""

    roster: Roster
    pace: Pace
    hands: Hands
    merging: Merging


@inlined
def merges(tip, visit, stage, how, outcome, merging):
    """Whether a stage merges so, and knows the incident of a tip that has not itself been served there."""
    found = merging.rule.shape[0] > 0 and merging.rule[stage] == how and merging.incident[tip] != NO_INCIDENT
    found = found and merging.known[merging.incident[tip], stage]
    if found:
        for before in range(merging.first_visit[tip], visit):
            if merging.stage[before] == stage and outcome[before] == SERVED:
                found = False
    return found


@inlined
def note_slot(slot, tip, visit, stage, merging):
    """Note where to find a visit that may have to leave because another one ends."""
    if merging.rule.shape[0] > 0 and merging.rule[stage] == LEAVES and merging.incident[tip] != NO_INCIDENT:
        merging.slot[visit] = slot


@part
def leave_merged(now, slot, visit, tips, log, working, people, queues):
    """Let a tip go because its incident is known: it goes on to nothing."""
    tip = working.slots[slot, m.TIP]
    log.outcome[visit] = MERGED
    people.merging.merged[visit] = now
    if queues is None:
        m.leave_unreached(visit + 1, tips.first_visit[tip + 1], log)
    m.free_slot(working.slots, working.free, slot)


# Who could take a tip


@inlined
def takes(table, person):
    """Whether somebody is on duty and takes tips, and may give one up to a better."""
    return table[person, DUTY] == ON and table[person, NO_MORE] == 0


@inlined
def put_alone(nodes, lists, row, node, which):
    """Put a node into an empty list, without the cost of a call."""
    nodes[node >> 1, m.PREV + which] = m.NIL
    nodes[node >> 1, m.NEXT + which] = m.NIL
    lists[row, 0] = node
    lists[row, 1] = node


@inlined
def stand_in_queue(person, row, table, queues):
    """Let somebody stand among those with as many in hand, by how long: most likely the last."""
    key = serving_key(0, table[person, SINCE], person)
    after = queues[row, 1]
    if after == m.NIL:
        put_alone(table, queues, row, 2 * person, 0)
    elif serving_key(0, table[after >> 1, SINCE], after >> 1) < key:
        table[person, m.PREV] = after
        table[person, m.NEXT] = m.NIL
        table[after >> 1, m.NEXT] = 2 * person
        queues[row, 1] = 2 * person
    else:
        while after != m.NIL and key < serving_key(0, table[after >> 1, SINCE], after >> 1):
            after = table[after >> 1, m.PREV]
        m.insert(table, queues, row, 2 * person, after)


@inlined
def first_to_serve(place, roster, queues):
    """Who takes the next tip of a place where somebody could."""
    at = 0
    while queues[roster.in_order[place, at], 0] == m.NIL:
        at += 1
    return queues[roster.in_order[place, at], 0] >> 1


@inlined
def take_no_more(person, place, each, idle, roster, hands):
    """Take somebody who takes tips out of the queue, for good or until told otherwise."""
    in_hand = hands.table[person, IN_HAND]
    if in_hand < each:
        m.unlink(hands.table, hands.queues, roster.queue[place, in_hand], 2 * person)
        idle[place] -= each - in_hand


@part
def find_clearer(place, entry, each, table, clearing, place_of):
    """Who stays to clear the line of a place and takes a tip of some entry, or NIL."""
    best, key = m.NIL, serving_key(0, 0, 0)
    one = clearing[0, 0]
    while one != m.NIL:
        person = one >> 1
        one = table[person, m.NEXT]
        may = place_of[person] == place and table[person, IN_HAND] < each and table[person, NO_MORE] == 0
        if may and may_clear(entry, table[person, OFF_SINCE]):
            of_person = serving_key(table[person, IN_HAND], table[person, SINCE], person)
            if best == m.NIL or of_person < key:
                best, key = person, of_person
    return best


@part
def somebody_clears(place, each, table, clearing, place_of):
    """Whether anybody who stays to clear the line of a place could take a tip: else nobody need look along it."""
    one = clearing[0, 0]
    while one != m.NIL:
        person = one >> 1
        if place_of[person] == place and table[person, IN_HAND] < each and table[person, NO_MORE] == 0:
            return True
        one = table[person, m.NEXT]
    return False


@part
def find_clearing(place, first, last, each, lines, slots, table, clearing, place_of):
    """Who stays to clear the line of a place and takes a tip: the person, the tip's node and its line, or NIL each."""
    if not somebody_clears(place, each, table, clearing, place_of):
        return m.NIL, m.NIL, m.NIL
    for line in range(first, last):
        node = lines[line, 0]
        while node != m.NIL:
            best = find_clearer(place, slots[node >> 1, m.ENTRY], each, table, clearing, place_of)
            if best != m.NIL:
                return best, node, line
            node = slots[node >> 1, m.NEXT + (node & 1)]
    return m.NIL, m.NIL, m.NIL


@part
def find_giver(slots, busy, place, rank, now, table):
    """The slot of the tip in service that gives way to a rank, or NIL; none whose work ends at this tick.

    `table` is that of people, or None where nobody is told apart.
    """
    giver, first = m.NIL, m.yielding_key(0, 0, 0)
    node = busy[place, 0]
    while node != m.NIL:
        slot = node >> 1
        may = m.outranks(rank, slots[slot, m.SERVED_RANK]) and slots[slot, m.ENDS] > now
        if table is not None:
            person = slots[slot, m.PERSON]
            may = may and (person == m.NIL or takes(table, person))
        if may:
            # Of one tip the keys of its ENDs lie as its stages do.
            served, began = slots[slot, m.SERVED_RANK], slots[slot, m.BEGAN]
            key = m.yielding_key(served, began, slots[slot, m.TIP], slots[slot, m.END_KEY])
            if giver == m.NIL or key < first:
                giver, first = slot, key
        node = slots[slot, m.NEXT]
    return giver


@part
def somebody_gives_way(slots, busy, place, now, first, last, heads, preempts, rank, table):
    """Whether anybody in service at a place would give way to a rank in whose list somebody waits and any tip may."""
    for line in range(first, last):
        waits = preempts[line] and heads[line, 0] != m.NIL
        if waits and find_giver(slots, busy, place, rank[line], now, table) != m.NIL:
            return True
    return False


# What somebody has in hand


@inlined
def take_in_hand(now, slot, place, each, slots, due, people):
    """Let the person of a slot have it in hand, too."""
    roster, pace, hands = people.roster, people.pace, people.hands
    table, person = hands.table, slots[slot, m.PERSON]
    in_hand = table[person, IN_HAND]
    able = takes(table, person)
    if able:
        m.drop_head(table, hands.queues, roster.queue[place, in_hand])
    table[person, IN_HAND] = in_hand + 1
    table[person, SINCE] = now
    if able and in_hand + 1 < each:
        stand_in_queue(person, roster.queue[place, in_hand + 1], table, hands.queues)
    if pace.by_hand_varies[place]:
        reckon(now, person, slots, due, hands.hand, pace.by_hand[place, in_hand])
    if in_hand == 0:
        put_alone(slots, hands.hand, person, 2 * slot + 1, 1)
    else:
        m.insert(slots, hands.hand, person, 2 * slot + 1, int64(m.NIL))


@inlined
def drop_from_hand(now, slot, place, each, slots, due, people):
    """Let the person of a slot have it in hand no more."""
    roster, pace, hands = people.roster, people.pace, people.hands
    table, person = hands.table, slots[slot, m.PERSON]
    in_hand = table[person, IN_HAND]
    able = takes(table, person)
    if in_hand == 1:
        hands.hand[person, 0] = m.NIL
        hands.hand[person, 1] = m.NIL
    else:
        m.unlink(slots, hands.hand, person, 2 * slot + 1)
    if able and in_hand < each:
        m.unlink(table, hands.queues, roster.queue[place, in_hand], 2 * person)
    table[person, IN_HAND] = in_hand - 1
    table[person, SINCE] = now
    if able:
        stand_in_queue(person, roster.queue[place, in_hand - 1], table, hands.queues)
    if pace.by_hand_varies[place] and in_hand > 1:
        reckon(now, person, slots, due, hands.hand, pace.by_hand[place, in_hand - 2])


@part
def reckon(now, person, slots, due, hand, by_hand):
    """Reckon the ends of what somebody has in hand anew, where the speed is another by a new factor."""
    node = hand[person, 0]
    while node != m.NIL:
        slot = node >> 1
        at = speed(slots[slot, m.BY_TICK], slots[slot, m.BY_STAGE], by_hand)
        if slots[slot, m.ENDS] > now and at != slots[slot, m.SPEED]:
            slots[slot, m.LEFT] = left_now(slot, now, slots)
            m.remove_end(due.soon_tick, due.soon_slot, slot)
            go_on(now, slot, at, slots)
            m.expect_end(slot, due, slots)
        node = slots[slot, m.NEXT + 1]


@inlined
def left_now(slot, now, slots):
    """Work that is left of a spell at a tick."""
    return left_after(slots[slot, m.LEFT], now - slots[slot, m.RECKONED], slots[slot, m.SPEED])


@inlined
def go_on(now, slot, at, slots):
    """Let what is left go on at a speed."""
    slots[slot, m.RECKONED] = now
    slots[slot, m.SPEED] = at
    slots[slot, m.ENDS] = now + time_for(slots[slot, m.LEFT], at)


@inlined
def set_out(now, slot, place, stage, slots, people):
    """Fix when the work of a spell that begins will end; a wrap-up has the first factors of speed already."""
    pace = people.pace
    slots[slot, m.NEED] = slots[slot, m.LEFT]
    at = FULL_SPEED
    if pace.varies[place]:
        if slots[slot, m.STATE] != m.WRAPPING:
            step = pace.step[place]
            while step + 1 < pace.first_step[place + 1] and pace.tick[step + 1] <= now:
                step += 1
            pace.step[place] = step
            slots[slot, m.BY_TICK] = pace.by_tick[step]
            slots[slot, m.BY_STAGE] = pace.by_stage[place, stage]
        person = slots[slot, m.PERSON]
        in_hand = 1 if person == m.NIL else people.hands.table[person, IN_HAND]
        at = speed(slots[slot, m.BY_TICK], slots[slot, m.BY_STAGE], pace.by_hand[place, in_hand - 1])
    go_on(now, slot, at, slots)


# Overtime


@inlined
def leave_overtime(now, person, to, place, hands):
    """Let somebody go, or be on duty again; what was overtime until now is written down, while there is room."""
    table, overtime = hands.table, hands.overtime
    if table[person, DUTY] >= OVERTIME and table[person, OFF_SINCE] < now:
        n = overtime[0, 0] + 1
        if n < overtime.shape[0]:
            overtime[0, 0] = n
            overtime[n, 0], overtime[n, 1] = table[person, OFF_SINCE], place
            overtime[n, 2], overtime[n, 3] = person, now
    table[person, DUTY] = to


@inlined
def leave_cleared_lines(now, place_of, hands):
    """Once all have settled, let those go who stayed to clear a line and have nothing in hand: they found nobody."""
    one = hands.clearing[0, 0]
    while one != m.NIL:
        person = one >> 1
        one = hands.table[person, m.NEXT]
        if hands.table[person, IN_HAND] == 0:
            m.unlink(hands.table, hands.clearing, int64(0), 2 * person)
            hands.n_clearing[place_of[person]] -= 1
            leave_overtime(now, person, OFF, place_of[person], hands)
