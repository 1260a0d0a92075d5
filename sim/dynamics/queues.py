"""Lines of the compiled engine beyond first come, first served: their order and age, rooms, call-backs and asides.

Only for worlds that have any of it; the loop is compiled without it for the others. A tip can stand in its own line and
in up to seven overflow lines at once, so a *node* of a line is 8 * slot + which, and lies in a table of its own: one
list for each place and rank, as elsewhere, sorted by the place in line. A tip that goes on in the midst of another
one's event, because it was turned away or gave up, stands in a queue until that is over, in the order of the reference.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"
from __future__ import annotations

from typing import Final, NamedTuple

from sim.dynamics import branches as b
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
STAGE: Final = 37
CENTRE: Final = 38
NTH: Final = 39
N_COLUMNS: Final = 40
"""Further columns of the table of slots: when the tip is due, what a random order shuffles, the room that it fills or
NIL, whether it is called back, its stage and its centre, and how many visits of the tip lie before."""

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
own_later = part(order.own_later)
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
def place_in_line(slot, order_here, slots):
    """The place of a tip in a line of some order, within its rank. The keys of the ENDs of a tip lie as its visits."""
    entry, due = slots[slot, m.ENTRY], int64(NEVER)
    if order_here == LAST_COME:
        entry = newest_first(entry)
    elif order_here == DUE_FIRST:
        due = slots[slot, DUE]
    return m.line_key(0, entry, slots[slot, m.TIP], slots[slot, m.END_KEY], due)


@inlined
def line_of(slot, which, slots, rules):
    """The place of a line of a tip."""
    stage = slots[slot, STAGE]
    return rules.place[stage, which] + slots[slot, CENTRE] * rules.step[stage, which]


@inlined
def rank_now(now, slot, which, slots, kind, rules):
    """The rank of a tip in one of its lines, by how long it has waited there."""
    found = int64(rules.rank[kind, which])
    if rules.moves_after.shape[0] > 0:
        row = kind * rules.place.shape[1] + which
        for move in range(rules.first_move[row], rules.first_move[row + 1]):
            if now - slots[slot, m.ENTRY] >= rules.moves_after[move]:
                found = int64(rules.moves_to[move])
    return found


@inlined
def list_now(now, slot, which, visits, lines, slots, rules):
    """The list in which a tip stands, or would stand, in one of its lines."""
    rank = rank_now(now, slot, which, slots, visits.kind[slots[slot, m.VISIT]], rules)
    return line_of(slot, which, slots, rules) * lines.n_ranks + rules.list_of[rank]


@part
def find_before(slot, order_here, head, tail, slots, nodes):
    """The node after which a tip belongs in a list, or NIL, looked for from the head and from the tail in turn.

    Who comes belongs near the tail, who comes back after an interruption near the head.
    """
    key = place_in_line(slot, order_here, slots)
    ahead, before = head, tail
    while before != m.NIL and key < place_in_line(before >> 3, order_here, slots):
        if key < place_in_line(ahead >> 3, order_here, slots):
            return nodes[ahead, BEFORE]
        ahead, before = nodes[ahead, AFTER], nodes[before, BEFORE]
    return before


@inlined
def stand(now, slot, which, visits, lines, lists, working, queues):
    """Put a tip into its place in one of its lines."""
    rules, nodes, slots, heads = queues.rules, queues.state.nodes, working.slots, lists.line
    row, node = list_now(now, slot, which, visits, lines, slots, rules), 8 * slot + which
    place, before, following = lines.place[row], heads[row, 1], int64(m.NIL)
    if before != m.NIL:
        before = find_before(slot, rules.order[place], heads[row, 0], before, slots, nodes)
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


@inlined
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


@inlined
def join_now(now, slot, visits, lines, lists, working, queues):
    """Let a tip wait in all lines in which it stands."""
    slots = working.slots
    slots[slot, m.STATE] = m.WAITING
    if slots[slot, ROOM] != m.NIL:
        queues.state.waits[slots[slot, ROOM]] += 1
    for which in range(queues.rules.place.shape[1]):
        if which == 0 or slots[slot, m.IN_BOTH] >> which & 1:
            stand(now, slot, which, visits, lines, lists, working, queues)


@part
def join(now, slot, visits, lines, lists, working, queues):
    """The same where it is rare, so that it need not be compiled once more."""
    join_now(now, slot, visits, lines, lists, working, queues)


@inlined
def stop_waiting_now(slot, lines, lists, working, queues):
    """Take a tip out of all its lines."""
    slots = working.slots
    if slots[slot, ROOM] != m.NIL:
        queues.state.waits[slots[slot, ROOM]] -= 1
    for which in range(queues.rules.place.shape[1]):
        if which == 0 or slots[slot, m.IN_BOTH] >> which & 1:
            step_out(slot, which, lines, lists, working, queues)


@part
def stop_waiting(slot, lines, lists, working, queues):
    """The same where it is rare, so that it need not be compiled once more."""
    stop_waiting_now(slot, lines, lists, working, queues)


@inlined
def first_in_line(place, visits, lines, lists, working, queues):
    """The next in line at a place where somebody waits: its node and its list."""
    row = int64(place * lines.n_ranks)
    while lists.line[row, 0] == m.NIL:
        row += 1
    node = lists.line[row, 0]
    if queues.rules.order[place] == IN_RANDOM_ORDER:
        node = pick(row, place, False, visits, lists, working, queues)
    return node, row


@part
def pick(row, place, preempting, visits, lists, working, queues):
    """The next of those in a list, or of those in it that may pre-empt: a node, or NIL."""
    rules, state, slots = queues.rules, queues.state, working.slots
    best, first = int64(m.NIL), int64(0)
    node = lists.line[row, 0]
    while node != m.NIL:
        slot = node >> 3
        if not preempting or rules.preempts[visits.kind[slots[slot, m.VISIT]], node & 7]:
            if rules.order[place] != IN_RANDOM_ORDER:
                return node
            mixed = shuffled(slots[slot, LOT], state.starts[place])
            if best == m.NIL or mixed < first:
                best, first = node, mixed
        node = state.nodes[node, AFTER]
    return best


@part
def first_to_preempt(place, visits, lines, lists, working, queues):
    """The next in line at a place that may pre-empt there: its node and its list, or NIL each."""
    for row in range(place * lines.n_ranks, (place + 1) * lines.n_ranks):
        if lines.preempts[row] and lists.line[row, 0] != m.NIL:
            node = pick(row, place, True, visits, lists, working, queues)
            if node != m.NIL:
                return node, int64(row)
    return int64(m.NIL), int64(m.NIL)


@part
def pick_to_clear(place, each, lines, lists, working, people, queues):
    """Who stays to clear the line of a place and takes a tip: the person, the tip's node and list, or NIL each."""
    rules, state, slots = queues.rules, queues.state, working.slots
    best, first, by = int64(m.NIL), int64(0), int64(m.NIL)
    if not h.somebody_clears(place, each, people.hands.table, people.hands.clearing, people.roster.place):
        return by, best, int64(m.NIL)
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
def turn_away(now, tips, visits, lines, log, lists, due, working, queues, branches):
    """Turn away the highest tips of those that joined in this event and have not started, until all rooms fit.

    Before that they stand in the lines to which they overflow at once. Who is to be asked again, once that has settled,
    stays in `joined`; nobody does after the last time.
    """
    joined, slots, state = queues.state.joined, working.slots, queues.state
    if overflow_at_once(now, visits, lines, lists, working, queues):
        return True
    n, turned = joined[0, 0], False
    for at in range(1, n + 1):
        room = joined[at, 1]
        too_many = state.waits[room] - queues.rules.waiting_room[room // queues.rules.n_centres]
        while too_many > 0:
            highest = m.NIL
            for other in range(at, n + 1):
                slot = joined[other, 0]
                fresh = joined[other, 1] == room and is_fresh(slot, room, slots)
                if fresh and (highest == m.NIL or slots[slot, m.VISIT] > slots[highest, m.VISIT]):
                    highest = slot
            if highest == m.NIL:
                break
            stop_waiting(highest, lines, lists, working, queues)
            leave_room(highest, slots, state)
            if slots[highest, m.WATCHED] == slots[highest, m.ATTEMPT]:
                slots[highest, m.WATCHED], slots[highest, m.IN_BOTH] = 0, 0
            visit = slots[highest, m.VISIT]
            end_in_vain(now, highest, visit, int64(TURNED_AWAY), visits, log, due, working, queues, tips, branches)
            too_many -= 1
            turned = True
    joined[0, 0] = 0
    for at in range(1, n + 1 if turned else 1):
        slot, room = joined[at, 0], joined[at, 1]
        if is_fresh(slot, room, slots):
            row = joined[0, 0] + 1
            joined[0, 0], joined[row, 0], joined[row, 1] = row, slot, room
    return turned


@part
def overflow_at_once(now, visits, lines, lists, working, queues):
    """Let who joined a crowded room in this event stand in the lines to which it overflows at once; whether any did."""
    joined, slots, state, rules = queues.state.joined, working.slots, queues.state, queues.rules
    some = False
    for at in range(1, joined[0, 0] + 1):
        slot, room = joined[at, 0], joined[at, 1]
        too_many = state.waits[room] > rules.waiting_room[room // rules.n_centres]
        if too_many and is_fresh(slot, room, slots):
            stage = slots[slot, STAGE]
            for which in range(1, rules.place.shape[1]):
                stands = rules.place[stage, which] == NO_PLACE or slots[slot, m.IN_BOTH] >> which & 1
                if rules.after[stage, which] == 0 and not stands:
                    slots[slot, m.IN_BOTH] |= 1 << which
                    stand(now, slot, which, visits, lines, lists, working, queues)
                    some = True
    return some


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


@inlined
def own_key(slot, what, kind, slots):
    """The place of what a visit does of its own within its tick."""
    return m.event_key(kind, slots[slot, m.TIP], own_later(what, slots[slot, NTH]), slots[slot, STAGE])


@part
def end_in_vain(now, slot, visit, outcome, visits, log, due, working, queues, tips, branches):
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
        m.push(due.heap, now + back_after, own_key(slot, COMES, ARRIVAL, slots), slot, visit, int64(m.RETRIES))
        return
    log.outcome[visit] = outcome
    goes_to = int64(NO_VISIT)
    if rules.given_up_to.shape[0] > 0:
        goes_to = rules.given_up_to[visit] if outcome == ABANDONED else rules.turned_away_to[visit]
    slots[slot, m.GOES_TO] = goes_to
    if goes_to == NO_VISIT:
        log.lost[slots[slot, m.TIP]] = min(log.lost[slots[slot, m.TIP]], now)
        m.free_slot(slots, working.free, slot)
    else:
        m.wait_to_go_on(slot, pending)
        if branches is not None:
            b.forsake(visit, goes_to, slots[slot, m.TIP], tips, working, branches, pending)


@inlined
def again(slot, slots):
    """Let a tip make another attempt at its visit, or this one pass the gate, once it goes on."""
    slots[slot, m.GOES_TO] = slots[slot, m.VISIT]


@inlined
def go_on(now, slot, alone, horizon, tables, state, people, queues, branches, flows):
    """Let a tip begin its next visit, or the next attempt of this one, pass the gate, or leave.

    Gives whether its delay begins, or it may start, with nothing to decide: so far only who is `alone` in this event.
    """
    tips, visits, kinds, stages, _, lines = tables
    log, lists, due, working = state
    slots, rules = working.slots, queues.rules
    visit = slots[slot, m.GOES_TO]
    if visit == NO_VISIT:
        m.free_slot(slots, working.free, slot)
        return False
    stage, tip, anew = int64(kinds.stage[visits.kind[visit]]), slots[slot, m.TIP], visit != slots[slot, m.VISIT]
    if m.flows_there(visit, stage, flows, branches):
        quick = m.flow(now, slot, visit, horizon, tips, visits, kinds, flows, log, working, queues, branches)
        if quick and not (alone and due.soon_slot[0] < m.N_SOON):
            m.expect_late(slot, due.heap, slots)
            quick = False
        return quick
    released = not anew and slots[slot, m.STATE] == m.HELD
    if anew:
        m.begin_visit(now, slot, visit, stage, tips, visits, kinds, stages, lines, log, slots)
        since = now if rules.due_from_enter[stage] else tips.arrival[tip]
        slots[slot, DUE] = min(since + rules.due[visit], int64(NEVER)) if rules.due.shape[0] > 0 else int64(NEVER)
        slots[slot, LOT] = rules.lot[visit] if rules.lot.shape[0] > 0 else 0
        slots[slot, ROOM] = m.NIL
        slots[slot, STAGE] = stage
        slots[slot, CENTRE] = tips.centre[tip]
        slots[slot, NTH] = visit - tips.first_visit[tip]
        h.note_slot(slot, tip, visit, stage, people.merging)
    if not released:
        if h.merges(tip, visit, stage, LEAVES_MERGED, log.outcome, people.merging):
            if anew:
                log.attempt[visit] = 0
            h.leave_merged(now, slot, visit, tips, log, working, people, queues)
            return False
        tries = slots[slot, m.ATTEMPT] + 1
        slots[slot, m.ATTEMPT] = tries
        slots[slot, m.ENTRY] = now
        slots[slot, CALLED_BACK] = 0
        log.attempt[visit] = tries
        opens = now if stages.every[stage] == 0 else m.opening(now, stage, rules.gates)
        if opens > now:
            expect(now, slot, visit, stage, False, visits, stages, due, slots, rules)
            slots[slot, m.STATE] = m.HELD
            before = lists.held[stage, 1]
            while before != m.NIL and slots[before >> 1, m.VISIT] > visit:
                before = slots[before >> 1, m.PREV]
            m.insert(slots, lists.held, stage, 2 * slot, before)
            m.push(due.heap, opens, own_key(slot, PASSES, ARRIVAL, slots), slot, visit, int64(m.RELEASES))
            return False
    quick = False
    if rules.place[stage, 0] == NO_PLACE:
        if log.start[visit] == NEVER:
            log.start[visit] = now
            if branches is not None:
                expect_marks(now, slot, visit, slots, due.heap, branches)
        ends = now + slots[slot, m.LEFT]
        slots[slot, m.STATE], slots[slot, m.ENDS] = m.PASSING, ends
        m.push(due.heap, ends, slots[slot, m.END_KEY], slot, visit, int64(m.ENDS_WORK))
    elif finds_a_line(slot, visit, stage, tips, slots, queues):
        place = line_of(slot, 0, slots, rules)
        quick = alone and working.waiting[place] == 0 and working.idle[place] > 0 and slots[slot, m.IN_BOTH] == 0
        if not slots[slot, m.WATCHED]:
            watch(now, slot, visit, stage, due, slots, rules)
        if quick:
            slots[slot, m.LINE] = list_now(now, slot, 0, visits, lines, slots, rules)
            slots[slot, m.STATE] = m.WAITING
        else:
            join_now(now, slot, visits, lines, lists, working, queues)
    else:
        end_in_vain(now, slot, visit, int64(TURNED_AWAY), visits, log, due, working, queues, tips, branches)
    if not released:
        expect(now, slot, visit, stage, quick, visits, stages, due, slots, rules)
    return quick


@inlined
def expect(now, slot, visit, stage, quick, visits, stages, due, slots, rules):
    """Set off what an attempt does by itself: it moves up in its lines and, unless it starts at once, loses patience or
    accepts a call-back.
    """
    tries = slots[slot, m.ATTEMPT]
    if stages.attempts[stage] > 0 and not quick:
        row = visits.first_attempt[visit] + tries - 1
        if visits.patience[row] != NEVER:
            gives_up = now + visits.patience[row]
            m.push(due.heap, gives_up, own_key(slot, 0, ABANDON, slots), slot, visit, m.GIVES_UP + tries)
        if rules.called_back.shape[0] > 0 and rules.called_back[row] != NEVER:
            accepts = now + rules.called_back[row]
            m.push(due.heap, accepts, own_key(slot, ACCEPTS, ARRIVAL, slots), slot, visit, -(8 * tries + CALLED))
    if rules.moves_after.shape[0] > 0:
        first = visits.kind[visit] * rules.place.shape[1]
        for which in range(rules.place.shape[1]):
            if rules.place[stage, which] != NO_PLACE:
                for move in range(rules.first_move[first + which], rules.first_move[first + which + 1]):
                    moves = now + rules.moves_after[move]
                    m.push(due.heap, moves, own_key(slot, MOVES_UP, ARRIVAL, slots), slot, visit, -(8 * tries + UP))


@inlined
def watch(now, slot, visit, stage, due, slots, rules):
    """From a while after its first joining on a tip stands in each overflow line, too."""
    slots[slot, m.WATCHED] = slots[slot, m.ATTEMPT]
    for which in range(1, rules.place.shape[1]):
        if rules.place[stage, which] != NO_PLACE:
            key = own_key(slot, SHOWS + which - 1, ARRIVAL, slots)
            shows = now + rules.after[stage, which]
            m.push(due.heap, shows, key, slot, visit, -(8 * slots[slot, m.WATCHED] + which))


@inlined
def expect_marks(now, slot, visit, slots, heap, branches):
    """A visit has started: what hangs on that, and on a while after it, are events of their own."""
    for moment in range(branches.first_moment[visit], branches.first_moment[visit + 1]):
        if branches.moment_after[moment] != NEVER:
            tick = now + branches.moment_after[moment]
            m.push(heap, tick, slots[slot, m.END_KEY], slot, visit, int64(MARK))


@inlined
def open_gate(stage, slots, held, pending):
    """Release all who are held at a stage: they pass in this event, the lowest tip first."""
    while held[stage, 0] != m.NIL:
        slot = held[stage, 0] >> 1
        m.drop_head(slots, held, stage)
        again(slot, slots)
        m.wait_to_go_on(slot, pending)


@inlined
def bears_no_more(slot, tries, slots):
    """Whether an attempt whose patience is over has not started, and is not over; a delay is given up until it ends."""
    state = slots[slot, m.STATE]
    waits = state == m.WAITING or state == m.HELD or state == m.PASSING
    return waits and slots[slot, m.ATTEMPT] == tries and not slots[slot, m.STARTED]


@part
def give_up(now, slot, visit, visits, lines, log, lists, due, working, queues, tips, branches):
    """End an attempt whose patience is over."""
    slots, state = working.slots, working.slots[slot, m.STATE]
    if state == m.HELD:
        m.unlink(slots, lists.held, slots[slot, STAGE], 2 * slot)
    elif state == m.WAITING:
        stop_waiting_now(slot, lines, lists, working, queues)
        leave_room(slot, slots, queues.state)
    end_in_vain(now, slot, visit, int64(ABANDONED), visits, log, due, working, queues, tips, branches)


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
    elif slots[slot, m.WATCHED] == tries and not slots[slot, m.IN_BOTH] >> which & 1:
        slots[slot, m.IN_BOTH] |= 1 << which
        if state == m.WAITING:
            stand(now, slot, which, visits, lines, lists, working, queues)
