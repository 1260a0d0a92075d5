"""Lines of the compiled engine beyond first come, first served: their order and age, rooms, call-backs and asides.

Only for worlds that have any of it; the loop is compiled without it for the others. A tip can stand in its own line and
in up to seven overflow lines at once, so a *node* of a line is 8 * slot + which, and lies in a table of its own: one
list for each place and rank, as elsewhere, sorted by the place in line. A tip that goes on in the midst of another
one's event, because it was turned away or gave up, stands in a queue until that is over, in the order of the reference.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"
from __future__ import annotations

from typing import Final, NamedTuple

from sim.dynamics import hands as h
from sim.dynamics import machinery as m
from sim.dynamics import order
from sim.dynamics.clock import NEVER
from sim.dynamics.kernels import inlined, int64, part
from sim.dynamics.log import ABANDONED, TURNED_AWAY
from sim.dynamics.order import ABANDON, ACCEPTS, ARRIVAL, COMES, MOVES_UP, PASSES, SHOWS
from sim.dynamics.replication import (
    DUE_FIRST,
    IN_RANDOM_ORDER,
    LAST_COME,
    NO_LIMIT,
    NO_PLACE,
    NO_VISIT,
    Codes,
    Flags,
    Gates,
    Ticks,
)
from sim.dynamics.replication import LEAVES as LEAVES_MERGED

DUE: Final = 32
LOT: Final = 33
ROOM: Final = 34
CALLED_BACK: Final = 35
GOES_TO: Final = 36
STAGE: Final = 37
CENTRE: Final = 38
N_COLUMNS: Final = 40
"""Further columns of the table of slots: when the tip is due, what a random order shuffles, the room that it fills or
NIL, whether it is called back, the visit that follows or NO_VISIT, its stage and its centre."""

AFTER: Final = 0
BEFORE: Final = 1
LIST: Final = 2
N_OF_NODE: Final = 4
"""Columns of the table of nodes: the next and the last one in the list, and the list."""

UP: Final = 0
CALLED: Final = 7
"""What a negative entry of the heap is about, with 8 times the attempt: moving up, accepting a call-back, and between
these becoming visible to the overflow pool of that place in the list."""

MARK: Final = -(1 << 40)
"""What is about a mark of a visit, a while after its start; below all of those."""

newest_first = part(order.newest_first)
shuffled = part(order.shuffled)


class LineRules(NamedTuple):
    """What is fixed about lines."""

    order: Codes
    """(n_places,)"""
    place: Ticks
    step: Ticks
    after: Ticks
    """(n_stages, n_lines) the place of each line of a stage in the first centre, the step, after how long it sees."""
    rank: Ticks
    preempts: Flags
    """(n_kinds, n_lines)"""
    list_of: Ticks
    """(n_ranks,) which of the lists of a place is that of a rank."""
    first_move: Ticks
    moves_after: Ticks
    moves_to: Codes
    waiting_room: Codes
    lines: Codes
    due_from_enter: Flags
    n_centres: int
    called_back: Ticks
    due: Ticks
    lot: Ticks
    follows: Ticks
    given_up_to: Ticks
    turned_away_to: Ticks
    gates: Gates


class LineState(NamedTuple):
    """How lines and rooms stand."""

    nodes: Ticks
    """(8 * n_slots, N_OF_NODE)"""
    filled: Ticks
    """(n_rooms,) tips that wait or are served in a room: that of a stage in a centre, or in all."""
    waits: Ticks
    """(n_rooms,) those of them that wait."""
    joined: Ticks
    """Who joined in this event where there is a waiting room: rows (slot, room), from row 1; row 0 says how many."""
    pending: Ticks
    """Slots of tips that go on once an event is over: the first, how many, and from row 2 a ring of them."""
    starts: Ticks
    """(n_places,) how many have started there."""
    turned_away: Ticks
    """As in Log."""


class Queues(NamedTuple):
    """All that worlds have in which more is asked of lines than first come, first served."""

    rules: LineRules
    state: LineState


# The lists


@inlined
def place_in_line(slot, place, slots, rules):
    """The place of a tip in a line of a place, within its rank."""
    entry, due = slots[slot, m.ENTRY], int64(NEVER)
    if rules.order[place] == LAST_COME:
        entry = newest_first(entry)
    elif rules.order[place] == DUE_FIRST:
        due = slots[slot, DUE]
    return m.line_key(0, entry, slots[slot, m.TIP], slots[slot, STAGE], due)


@inlined
def line_of(slot, which, slots, rules):
    """The place of a line of a tip."""
    stage = slots[slot, STAGE]
    return rules.place[stage, which] + slots[slot, CENTRE] * rules.step[stage, which]


@part
def rank_now(now, slot, which, slots, kind, rules):
    """The rank of a tip in one of its lines, by how long it has waited there."""
    found = int64(rules.rank[kind, which])
    row = kind * rules.place.shape[1] + which
    for move in range(rules.first_move[row], rules.first_move[row + 1]):
        if now - slots[slot, m.ENTRY] >= rules.moves_after[move]:
            found = int64(rules.moves_to[move])
    return found


@part
def stand(now, slot, which, visits, lines, lists, working, queues):
    """Put a tip into its place in one of its lines."""
    rules, nodes, slots, heads = queues.rules, queues.state.nodes, working.slots, lists.line
    place = line_of(slot, which, slots, rules)
    rank = rank_now(now, slot, which, slots, visits.kind[slots[slot, m.VISIT]], rules)
    row, node = place * lines.n_ranks + rules.list_of[rank], 8 * slot + which
    key = place_in_line(slot, place, slots, rules)
    before = heads[row, 1]
    if before != m.NIL and key < place_in_line(heads[row, 0] >> 3, place, slots, rules):
        before = m.NIL
    while before != m.NIL and key < place_in_line(before >> 3, place, slots, rules):
        before = nodes[before, BEFORE]
    following = heads[row, 0] if before == m.NIL else nodes[before, AFTER]
    nodes[node, BEFORE], nodes[node, AFTER], nodes[node, LIST] = before, following, row
    if before == m.NIL:
        heads[row, 0] = node
    else:
        nodes[before, AFTER] = node
    if following == m.NIL:
        heads[row, 1] = node
    else:
        nodes[following, BEFORE] = node
    working.waiting[place] += 1
    m.mark(place, working.dirty, working.to_settle)


@part
def step_out(slot, which, lines, lists, working, queues):
    """Take a tip out of one of its lines."""
    nodes, heads, node = queues.state.nodes, lists.line, 8 * slot + which
    before, following, row = nodes[node, BEFORE], nodes[node, AFTER], nodes[node, LIST]
    if before == m.NIL:
        heads[row, 0] = following
    else:
        nodes[before, AFTER] = following
    if following == m.NIL:
        heads[row, 1] = before
    else:
        nodes[following, BEFORE] = before
    place = lines.place[row]
    working.waiting[place] -= 1
    m.mark(place, working.dirty, working.to_settle)


@part
def join(now, slot, visits, lines, lists, working, queues):
    """Let a tip wait in all lines in which it stands."""
    slots = working.slots
    slots[slot, m.STATE] = m.WAITING
    if slots[slot, ROOM] != m.NIL:
        queues.state.waits[slots[slot, ROOM]] += 1
    for which in range(queues.rules.place.shape[1]):
        if which == 0 or slots[slot, m.IN_BOTH] >> which & 1:
            stand(now, slot, which, visits, lines, lists, working, queues)


@part
def stop_waiting(slot, lines, lists, working, queues):
    """Take a tip out of all its lines."""
    slots = working.slots
    if slots[slot, ROOM] != m.NIL:
        queues.state.waits[slots[slot, ROOM]] -= 1
    for which in range(queues.rules.place.shape[1]):
        if which == 0 or slots[slot, m.IN_BOTH] >> which & 1:
            step_out(slot, which, lines, lists, working, queues)


@part
def pick(place, preempting, visits, lines, lists, working, queues):
    """The next in line at a place, or the next that may pre-empt there: its node and its list, or NIL each."""
    rules, state, slots = queues.rules, queues.state, working.slots
    best, first = int64(m.NIL), int64(0)
    for row in range(place * lines.n_ranks, (place + 1) * lines.n_ranks):
        node = lists.line[row, 0]
        while node != m.NIL:
            slot = node >> 3
            if not preempting or rules.preempts[visits.kind[slots[slot, m.VISIT]], node & 7]:
                if rules.order[place] != IN_RANDOM_ORDER:
                    return node, int64(row)
                mixed = shuffled(slots[slot, LOT], state.starts[place])
                if best == m.NIL or mixed < first:
                    best, first = node, mixed
            node = state.nodes[node, AFTER]
        if best != m.NIL:
            return best, int64(row)
    return int64(m.NIL), int64(m.NIL)


@part
def pick_to_clear(place, each, lines, lists, working, people, queues):
    """Who stays to clear the line of a place and takes a tip: the person, the tip's node and list, or NIL each."""
    rules, state, slots = queues.rules, queues.state, working.slots
    best, first, by = int64(m.NIL), int64(0), int64(m.NIL)
    for row in range(place * lines.n_ranks, (place + 1) * lines.n_ranks):
        node = lists.line[row, 0]
        while node != m.NIL:
            slot = node >> 3
            person = h.find_clearer(
                place, slots[slot, m.ENTRY], each, people.hands.table, people.hands.clearing, people.roster.place
            )
            if person != m.NIL:
                if rules.order[place] != IN_RANDOM_ORDER:
                    return person, node, int64(row)
                mixed = shuffled(slots[slot, LOT], state.starts[place])
                if best == m.NIL or mixed < first:
                    best, first, by = node, mixed, person
            node = state.nodes[node, AFTER]
        if best != m.NIL:
            return by, best, int64(row)
    return int64(m.NIL), int64(m.NIL), int64(m.NIL)


# Rooms


@inlined
def leave_room(slot, slots, state):
    """Let a tip that waits no more fill its room no more."""
    if slots[slot, ROOM] != m.NIL:
        state.filled[slots[slot, ROOM]] -= 1
        slots[slot, ROOM] = m.NIL


@inlined
def finds_a_line(slot, visit, stage, tips, slots, queues):
    """Whether there is room for one more at a stage; with it the tip fills that room."""
    rules, state = queues.rules, queues.state
    limited = rules.waiting_room[stage] != NO_LIMIT or rules.lines[stage] != NO_LIMIT
    found = True
    if limited and slots[slot, CALLED_BACK] == 0:
        tip = slots[slot, m.TIP]
        room = stage * rules.n_centres
        if rules.step[stage, 0] != 0:
            room += slots[slot, CENTRE]
        waits = tip < tips.n_backlog and visit == tips.first_visit[tip] and slots[slot, m.ATTEMPT] == 1
        found = waits or rules.lines[stage] == NO_LIMIT or state.filled[room] < rules.lines[stage]
        if found:
            slots[slot, ROOM] = room
            state.filled[room] += 1
            if not waits and rules.waiting_room[stage] != NO_LIMIT:
                n = state.joined[0, 0] + 1
                state.joined[0, 0], state.joined[n, 0], state.joined[n, 1] = n, slot, room
    return found


@part
def turn_away(now, tips, visits, lines, log, lists, due, working, queues):
    """Turn away the highest tips of those that joined in this event and have not started, until all rooms fit.

    Who is to be asked again, once that has settled, stays in `joined`; nobody does after the last time.
    """
    joined, slots, state = queues.state.joined, working.slots, queues.state
    n, turned = joined[0, 0], False
    for at in range(1, n + 1):
        room = joined[at, 1]
        too_many = state.waits[room] - queues.rules.waiting_room[room // queues.rules.n_centres]
        while too_many > 0:
            highest = m.NIL
            for other in range(at, n + 1):
                slot = joined[other, 0]
                fresh = joined[other, 1] == room and is_fresh(slot, room, slots)
                if fresh and (highest == m.NIL or slots[slot, m.TIP] > slots[highest, m.TIP]):
                    highest = slot
            if highest == m.NIL:
                break
            stop_waiting(highest, lines, lists, working, queues)
            leave_room(highest, slots, state)
            if slots[highest, m.WATCHED] == slots[highest, m.ATTEMPT]:
                slots[highest, m.WATCHED] = 0
            end_in_vain(now, highest, slots[highest, m.VISIT], int64(TURNED_AWAY), visits, log, due, working, queues)
            too_many -= 1
            turned = True
    joined[0, 0] = 0
    for at in range(1, n + 1 if turned else 1):
        slot, room = joined[at, 0], joined[at, 1]
        if is_fresh(slot, room, slots):
            row = joined[0, 0] + 1
            joined[0, 0], joined[row, 0], joined[row, 1] = row, slot, room
    return turned


@inlined
def is_fresh(slot, room, slots):
    """Whether a tip that joined in this event still waits where it did, and has not started."""
    return slots[slot, ROOM] == room and slots[slot, m.STATE] == m.WAITING and not slots[slot, m.STARTED]


# A tip on its way


@inlined
def first_of(tip, tips):
    """The first visit of a tip, or NO_VISIT."""
    return tips.first_visit[tip] if tips.first_visit[tip] < tips.first_visit[tip + 1] else int64(NO_VISIT)


@inlined
def following(tip, visit, tips, rules):
    """The visit that follows one that has ended, or NO_VISIT."""
    if rules.follows.shape[0] > 0:
        found = rules.follows[visit]
    elif visit + 1 < tips.first_visit[tip + 1]:
        found = visit + 1
    else:
        found = int64(NO_VISIT)
    return found


@part
def end_in_vain(now, slot, visit, outcome, visits, log, due, working, queues):
    """End an attempt in vain: the tip comes back after its pause, goes on to an aside, or is lost."""
    slots, rules, pending = working.slots, queues.rules, queues.state.pending
    row = visits.first_attempt[visit] + slots[slot, m.ATTEMPT] - 1
    if outcome == ABANDONED:
        log.gave_up[row] = now
    else:
        queues.state.turned_away[row] = now
    slots[slot, m.STATE] = m.AWAY
    back_after = visits.retry_after[row]
    if back_after != NEVER:
        key = m.event_key(ARRIVAL, slots[slot, m.TIP], COMES, slots[slot, STAGE])
        m.push(due.heap, now + back_after, key, slot, visit, int64(m.RETRIES))
        return
    log.outcome[visit] = outcome
    goes_to = int64(NO_VISIT)
    if rules.given_up_to.shape[0] > 0:
        goes_to = rules.given_up_to[visit] if outcome == ABANDONED else rules.turned_away_to[visit]
    slots[slot, GOES_TO] = goes_to
    if goes_to == NO_VISIT:
        log.lost[slots[slot, m.TIP]] = min(log.lost[slots[slot, m.TIP]], now)
        m.free_slot(slots, working.free, slot)
    else:
        wait_to_go_on(slot, pending)


@inlined
def wait_to_go_on(slot, pending):
    """Let a tip go on once all that is under way in this event is over, after those that wait for that already."""
    at = (pending[0] + pending[1]) % (pending.shape[0] - 2)
    pending[2 + at] = slot
    pending[1] += 1


@part
def go_on(now, slot, again, tips, visits, kinds, stages, lines, log, lists, due, working, people, queues, branches):
    """Let a tip begin its next visit, or the next attempt of this one, or leave."""
    slots, rules = working.slots, queues.rules
    visit = slots[slot, m.VISIT]
    if again == 0:
        visit = slots[slot, GOES_TO]
        if visit == NO_VISIT:
            m.free_slot(slots, working.free, slot)
            return
    stage, tip = kinds.stage[visits.kind[visit]], slots[slot, m.TIP]
    if again == 0:
        m.begin_visit(now, slot, visit, stage, tips, visits, kinds, stages, lines, log, slots)
        since = now if rules.due_from_enter[stage] else tips.arrival[tip]
        slots[slot, DUE] = min(since + rules.due[visit], int64(NEVER)) if rules.due.shape[0] > 0 else int64(NEVER)
        slots[slot, LOT] = rules.lot[visit] if rules.lot.shape[0] > 0 else 0
        slots[slot, ROOM] = m.NIL
        slots[slot, STAGE] = stage
        slots[slot, CENTRE] = tips.centre[tip]
    if h.merges(tip, visit, stage, LEAVES_MERGED, log.outcome, people.merging):
        if again == 0:
            log.attempt[visit] = 0
        h.leave_merged(now, slot, visit, tips, log, working, people, queues)
        return
    tries = slots[slot, m.ATTEMPT] + 1
    slots[slot, m.ATTEMPT] = tries
    slots[slot, m.ENTRY] = now
    slots[slot, CALLED_BACK] = 0
    log.attempt[visit] = tries
    expect(now, slot, visit, stage, tries, visits, stages, due, slots, rules)
    opens = now if stages.every[stage] == 0 else m.opening(now, stage, rules.gates)
    if opens == now:
        pass_on(now, slot, visit, stage, tips, visits, lines, log, lists, due, working, queues, branches)
    else:
        slots[slot, m.STATE] = m.HELD
        before = lists.held[stage, 1]
        while before != m.NIL and slots[before >> 1, m.TIP] > tip:
            before = slots[before >> 1, m.PREV]
        m.insert(slots, lists.held, int64(stage), 2 * slot, before)
        m.push(due.heap, opens, m.event_key(ARRIVAL, tip, PASSES, stage), slot, visit, int64(m.RELEASES))


@inlined
def expect(now, slot, visit, stage, tries, visits, stages, due, slots, rules):
    """Set off what an attempt does by itself: it loses patience, accepts a call-back, moves up in its lines."""
    tip = slots[slot, m.TIP]
    if stages.attempts[stage] > 0:
        row = visits.first_attempt[visit] + tries - 1
        if visits.patience[row] != NEVER:
            gives_up = now + visits.patience[row]
            m.push(due.heap, gives_up, m.event_key(ABANDON, tip, 0, stage), slot, visit, m.GIVES_UP + tries)
        if rules.called_back.shape[0] > 0 and rules.called_back[row] != NEVER:
            accepts = now + rules.called_back[row]
            m.push(due.heap, accepts, m.event_key(ARRIVAL, tip, ACCEPTS, stage), slot, visit, -(8 * tries + CALLED))
    first = visits.kind[visit] * rules.place.shape[1]
    for which in range(rules.place.shape[1]):
        if rules.place[stage, which] != NO_PLACE:
            for move in range(rules.first_move[first + which], rules.first_move[first + which + 1]):
                moves = now + rules.moves_after[move]
                m.push(due.heap, moves, m.event_key(ARRIVAL, tip, MOVES_UP, stage), slot, visit, -(8 * tries + UP))


@part
def pass_on(now, slot, visit, stage, tips, visits, lines, log, lists, due, working, queues, branches):
    """Let a tip that has passed the gate begin its delay, or join its lines if there is room."""
    slots, rules, heap = working.slots, queues.rules, due.heap
    if rules.place[stage, 0] == NO_PLACE:
        if log.start[visit] == NEVER:
            log.start[visit] = now
            if branches is not None:
                expect_marks(now, slot, visit, slots, heap, branches)
        ends = now + slots[slot, m.LEFT]
        slots[slot, m.STATE], slots[slot, m.ENDS] = m.PASSING, ends
        m.push(heap, ends, slots[slot, m.END_KEY], slot, visit, int64(m.ENDS_WORK))
    elif finds_a_line(slot, visit, stage, tips, slots, queues):
        if not slots[slot, m.WATCHED]:
            slots[slot, m.WATCHED] = slots[slot, m.ATTEMPT]
            for which in range(1, rules.place.shape[1]):
                if rules.place[stage, which] != NO_PLACE:
                    key = m.event_key(ARRIVAL, slots[slot, m.TIP], SHOWS + which - 1, stage)
                    m.push(
                        heap, now + rules.after[stage, which], key, slot, visit, -(8 * slots[slot, m.WATCHED] + which)
                    )
        join(now, slot, visits, lines, lists, working, queues)
    else:
        end_in_vain(now, slot, visit, int64(TURNED_AWAY), visits, log, due, working, queues)


@inlined
def expect_marks(now, slot, visit, slots, heap, branches):
    """A visit has started: what hangs on that, and on a while after it, are events of their own."""
    for moment in range(branches.first_moment[visit], branches.first_moment[visit + 1]):
        if branches.moment_after[moment] != NEVER:
            tick = now + branches.moment_after[moment]
            m.push(heap, tick, slots[slot, m.END_KEY], slot, visit, int64(MARK))


@part
def open_gate(now, stage, tips, visits, lines, log, lists, due, working, queues, branches):
    """Release all who are held at a stage, the lowest tip first."""
    slots = working.slots
    while lists.held[stage, 0] != m.NIL:
        slot = lists.held[stage, 0] >> 1
        m.unlink(slots, lists.held, stage, 2 * slot)
        visit = slots[slot, m.VISIT]
        pass_on(now, slot, visit, stage, tips, visits, lines, log, lists, due, working, queues, branches)


@part
def lose_patience(now, slot, visit, tries, visits, lines, log, lists, due, working, queues):
    """Give up, unless the attempt has started or is over; a delay is given up until it ends."""
    slots, state = working.slots, working.slots[slot, m.STATE]
    waits = state == m.WAITING or state == m.HELD or state == m.PASSING
    if not waits or slots[slot, m.ATTEMPT] != tries or slots[slot, m.STARTED]:
        return
    if state == m.HELD:
        m.unlink(slots, lists.held, slots[slot, STAGE], 2 * slot)
    elif state == m.WAITING:
        stop_waiting(slot, lines, lists, working, queues)
        leave_room(slot, slots, queues.state)
    end_in_vain(now, slot, visit, int64(ABANDONED), visits, log, due, working, queues)


@part
def happen(now, slot, what, visits, lines, lists, working, queues):
    """Do what a visit does of its own: move up, become visible to an overflow pool, or accept a call-back."""
    slots, state = working.slots, working.slots[slot, m.STATE]
    tries, which = what >> 3, what & 7
    if which == UP:
        if state == m.WAITING and slots[slot, m.ATTEMPT] == tries:
            for line in range(queues.rules.place.shape[1]):
                if line == 0 or slots[slot, m.IN_BOTH] >> line & 1:
                    step_out(slot, line, lines, lists, working, queues)
                    stand(now, slot, line, visits, lines, lists, working, queues)
    elif which == CALLED:
        waits = state == m.WAITING or state == m.HELD or state == m.PASSING
        if waits and slots[slot, m.ATTEMPT] == tries and not slots[slot, m.STARTED]:
            slots[slot, CALLED_BACK] = 1
            if state == m.WAITING and slots[slot, ROOM] != m.NIL:
                queues.state.waits[slots[slot, ROOM]] -= 1
            leave_room(slot, slots, queues.state)
    elif slots[slot, m.WATCHED] == tries:
        slots[slot, m.IN_BOTH] |= 1 << which
        if state == m.WAITING:
            stand(now, slot, which, visits, lines, lists, working, queues)


@part
def go_on_all(now, tips, visits, kinds, stages, lines, log, lists, due, working, people, queues, branches):
    """Let those go on that were turned away or gave up in this event, and those that are turned away thereby."""
    pending = queues.state.pending
    while pending[1] > 0:
        slot = pending[2 + pending[0]]
        pending[0] = (pending[0] + 1) % (pending.shape[0] - 2)
        pending[1] -= 1
        go_on(now, slot, 0, tips, visits, kinds, stages, lines, log, lists, due, working, people, queues, branches)
