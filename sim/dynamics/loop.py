"""The event loop of the compiled engine: the same dynamics as the reference, over arrays.

It refuses to decide anything: every rule that orders or ranks is a function of `order`, compiled. What stands here is
bookkeeping, in phases that are compiled into one function. The next event comes from four places: the plan and the
arrivals (pointers into arrays that lie in the order of their keys), the next ends of work (a short sorted array) and
everything else that is due (a heap). Entries of the heap that are stale when they come up are passed over. Only the
places that an event touched settle: no other place can have anyone to start.

`people` is None where nobody is told apart, works at a speed or wraps up, and nothing merges. Such worlds have a
function of their own: everything behind `people is not None` is left out before it is compiled. So it is with `queues`,
for all that is asked of lines beyond first come, first served; worlds that have it have `people`, too. And so with
`branches`, where a tip may be in several places at a time; worlds that have it have `queues`, too.

`flows` says of each stage whether it is a delay without a gate, patience or merging: nothing but its end can come of
it. It is None where no stage is, so that worlds without delays have a function without them; worlds with `queues` have
it always.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"
from __future__ import annotations

from typing import Final

from sim.dynamics import branches as b
from sim.dynamics import hands as h
from sim.dynamics import machinery as m
from sim.dynamics import queues as q
from sim.dynamics.clock import NEVER
from sim.dynamics.kernels import inlined, int64, kernel, part
from sim.dynamics.log import ABANDONED, CUT, DONE, PREEMPTED, RELIEVED, SERVED
from sim.dynamics.order import ABANDON, ARRIVAL, COMES, PASSES, SHIFT, SHOWS
from sim.dynamics.replication import (
    COMES_BACK,
    COMES_ON,
    GOES_HOME,
    LEAVES,
    NO_INCIDENT,
    NO_PLACE,
    NOBODY,
    REPEATS,
    TAKES_BREAK,
    TAKES_NO_MORE,
)

FROM_HEAP: Final = 0
FROM_ENDS: Final = 1
FROM_ARRIVALS: Final = 2
FROM_PLAN: Final = 3
"""Where the next event comes from."""


@kernel
def run(
    tips, visits, kinds, stages, places, lines, plan, clock, log, lists, due, working, people, queues, branches, flows
):
    """Take the next event, do it, and let the places that it touched settle, until the horizon or a tick before it.

    The third part of `clock` says where to begin, and then where it ended: the next row of the plan, the next tip to
    arrive, and the first tick that is left out. False when a table was full: the log is then not to be used.
    """
    gates, horizon, progress = clock
    # Named together, they go from phase to phase in one word.
    tables, state = (tips, visits, kinds, stages, places, lines), (log, lists, due, working)
    next_plan, next_tip, until = progress[0], progress[1], progress[2]
    while True:
        now, source = next_event(tips, plan, due, working.slots, next_plan, next_tip, until)
        if now == until:
            break
        if is_full(due.heap, working, people, branches):
            return False
        going = m.NIL  # the slot of the tip that goes on to its next visit or attempt in this event
        again = 0  # 1 when it goes on to an attempt
        coming = 0
        if source == FROM_ENDS:
            n_soon = due.soon_slot[0]
            going = due.soon_slot[n_soon]
            due.soon_slot[0] = n_soon - 1
        elif source == FROM_ARRIVALS:
            coming = tips.n_backlog if next_tip < tips.n_backlog else 1
        elif source == FROM_PLAN:
            change_shift(now, next_plan, visits, places, lines, plan, lists, due, working, people, queues)
            next_plan += 1
        else:
            going, again = take_due(
                now, tips, visits, kinds, stages, places, lines, log, lists, due, working, queues, branches
            )
        if going != m.NIL and again == 0:
            going = end_work(
                now, going, tips, visits, places, lines, log, lists, due, working, people, queues, branches
            )
        if queues is not None:
            if going != m.NIL:
                m.wait_to_go_on(going, queues.state.pending)
            fitted = go_on_in_lines(now, next_tip, coming, horizon, tables, state, people, queues, branches, flows)
        else:
            fitted = go_on(now, going, again, next_tip, coming, gates, horizon, tables, state, people, flows)
        if not fitted:
            return False
        next_tip += coming
        if people is not None and people.hands.clearing[0, 0] != m.NIL:
            h.leave_cleared_lines(now, people.roster.place, people.hands)
    progress[0], progress[1] = next_plan, next_tip
    if until == horizon:
        close(horizon, next_tip, tips, log, working, people, queues)
    return not is_full(due.heap, working, people, branches)


@inlined
def go_on(now, going, again, next_tip, coming, gates, horizon, tables, state, people, flows):
    """Let who goes on or comes in an event begin what is next, and settle; False where the slots were too few."""
    tips, visits, kinds, stages, places, lines = tables
    log, lists, due, working = state
    slots, free = working.slots, working.free
    # `quick` may start at once: nobody else waits for the place and somebody there is idle, so that settling could
    # do nothing else; or its delay begins.
    quick = m.NIL
    alone = coming <= 1 and m.is_safe(places.may_preempt, working.to_settle, working.idle)
    while going != m.NIL or coming > 0:
        if coming > 0:
            slot = m.take_slot(slots, free, next_tip, tips.first_visit[next_tip])
            if slot == m.NIL:
                return False
            next_tip += 1
            coming -= 1
        else:
            slot, going = going, m.NIL
        visit = slots[slot, m.VISIT] + 1 - again
        if visit == tips.first_visit[slots[slot, m.TIP] + 1]:
            m.free_slot(slots, free, slot)
            continue
        stage = kinds.stage[visits.kind[visit]]
        if flows is not None and m.flows_there(visit, stage, flows, None):
            if m.flow(now, slot, visit, horizon, tips, visits, kinds, flows, log, working, None, None):
                if alone and due.soon_slot[0] < m.N_SOON:
                    quick = slot
                else:
                    m.expect_late(slot, due.heap, slots)
            continue
        if again == 0:
            m.begin_visit(now, slot, visit, stage, tips, visits, kinds, stages, lines, log, slots)
            if people is not None:
                h.note_slot(slot, slots[slot, m.TIP], visit, stage, people.merging)
        if people is not None and h.merges(slots[slot, m.TIP], visit, stage, LEAVES, log.outcome, people.merging):
            if again == 0:
                log.attempt[visit] = 0
            h.leave_merged(now, slot, visit, tips, log, working, people, None)
            continue
        if begin_attempt(
            now, slot, visit, stage, alone, visits, stages, places, lines, log, lists, due, working, gates, people
        ):
            quick = slot
    settle(now, quick, visits, kinds, places, lines, log, lists, due, working, people, None, None)
    return True


@inlined
def go_on_in_lines(now, next_tip, coming, horizon, tables, state, people, queues, branches, flows):
    """The same where more is asked of lines: who goes on, and who comes, first joins the queue of those who do."""
    tips, visits, kinds, _, places, lines = tables
    log, lists, due, working = state
    pending = queues.state.pending
    for tip in range(next_tip, next_tip + coming):
        if branches is not None:
            b.arrive(tip, tips, working, branches, pending)
        else:
            slot = m.take_slot(working.slots, working.free, tip, tips.first_visit[tip])
            if slot == m.NIL:
                return False
            working.slots[slot, m.STATE] = m.AWAY
            working.slots[slot, m.GOES_TO] = q.first_of(tip, tips)
            m.wait_to_go_on(slot, pending)
    settled = False
    while not settled:
        quick = m.NIL  # as above
        alone = pending[1] == 1 and m.is_safe(places.may_preempt, working.to_settle, working.idle)
        while pending[1] > 0:
            slot = m.next_to_go_on(pending)
            if q.go_on(now, slot, alone, horizon, tables, state, people, queues, branches, flows):
                quick = slot
            alone = False
        settle(now, quick, visits, kinds, places, lines, log, lists, due, working, people, queues, branches)
        settled = True
        if queues.state.joined[0, 0] > 0:
            # What those do who are turned away is to be settled too.
            settled = not q.turn_away(now, tips, visits, lines, log, lists, due, working, queues, branches)
    return True


@inlined
def next_event(tips, plan, due, slots, next_plan, next_tip, until):
    """The tick of the next event, and where it comes from if that is before the first that is left out."""
    n_soon = due.soon_slot[0]
    plan_due = plan.tick[next_plan] if next_plan < plan.tick.shape[0] else NEVER
    end_due = due.soon_tick[n_soon] if n_soon > 0 else NEVER
    arrival_due = tips.arrival[next_tip] if next_tip < tips.arrival.shape[0] else NEVER
    heap_due = due.heap[1, 0] if due.heap[0, 0] > 0 else NEVER
    now = min(min(min(plan_due, end_due), min(arrival_due, heap_due)), until)
    if end_due == now < min(arrival_due, min(plan_due, heap_due)):
        source = FROM_ENDS
    elif arrival_due == now < min(end_due, min(plan_due, heap_due)):
        source = FROM_ARRIVALS
    else:
        # Ties are rare, and only they need the keys: the smallest of those that are due now is next.
        first = due.heap[1, 1] if heap_due == now else NEVER
        source = FROM_HEAP
        if end_due == now:
            key = slots[due.soon_slot[n_soon], m.END_KEY]
            if key < first:
                first, source = key, FROM_ENDS
        if arrival_due == now:
            key = m.event_key(ARRIVAL, next_tip)
            if key < first:
                first, source = key, FROM_ARRIVALS
        if plan_due == now and m.event_key(SHIFT, int(plan.place[next_plan])) < first:
            source = FROM_PLAN
    return now, source


@inlined
def is_full(heap, working, people, branches):
    """Whether a table that grows has no more room."""
    full = heap[0, 0] == heap.shape[0] - 1 or working.spells[0, 0] == working.spells.shape[0] - 1
    if people is not None:
        overtime, free = people.hands.overtime, working.free
        # Who wraps up needs a slot beside the one of the tip that goes on.
        full = full or overtime[0, 0] == overtime.shape[0] - 1 or (free[0] == 0 and free[1] == working.slots.shape[0])
    if branches is not None:
        full = full or branches.short[0]
    return full


@inlined
def change_shift(now, row, visits, places, lines, plan, lists, due, working, people, queues):
    """Shifts end and begin: let people go, change the number of heads, let people take no more, come back, come on."""
    idle = working.idle
    place = plan.place[row]
    each = places.concurrency[place]
    idle[place] += plan.heads[row] * each
    if people is not None:
        roster, hands = people.roster, people.hands
        table = hands.table
        for at in range(roster.first_action[row], roster.first_action[row + 1]):
            action, person = roster.action[at], roster.person[at]
            if action in (GOES_HOME, TAKES_BREAK):
                if h.takes(table, person):
                    h.take_no_more(person, place, each, idle, roster, hands)
                table[person, h.DUTY] = h.OVERTIME
                table[person, h.OFF_SINCE] = now
                if table[person, h.IN_HAND] > 0 and not h.finishes_at_shift_end(places.at_shift_end[place], 1, False):
                    hand_back(now, person, place, each, visits, places, lines, lists, due, working, people, queues)
                if h.clears_at_shift_end(places.at_shift_end[place], action):
                    table[person, h.DUTY] = h.CLEARING
                    m.insert(table, hands.clearing, int64(0), 2 * person, int64(m.NIL))
                    hands.n_clearing[place] += 1
                elif table[person, h.IN_HAND] == 0:
                    table[person, h.DUTY] = h.OFF
            elif action == TAKES_NO_MORE:
                if h.takes(table, person):
                    h.take_no_more(person, place, each, idle, roster, hands)
                table[person, h.NO_MORE] = 1
            elif action in (COMES_BACK, COMES_ON):
                h.leave_overtime(now, person, h.ON, place, hands)
                table[person, h.SINCE] = now
                in_hand = table[person, h.IN_HAND]
                if h.takes(table, person) and in_hand < each:
                    h.stand_in_queue(person, roster.queue[place, in_hand], table, hands.queues)
                    idle[place] += each - in_hand
    m.mark(place, working.dirty, working.to_settle)


@part
def hand_back(now, person, place, each, visits, places, lines, lists, due, working, people, queues):
    """At a shift's end, let those tips of a person who goes return to the line that are not completed in overtime."""
    slots = working.slots
    rule = places.at_shift_end[place]
    node = people.hands.hand[person, 0]
    while node != m.NIL:
        slot = node >> 1
        node = slots[slot, m.NEXT + 1]
        if not h.finishes_at_shift_end(rule, slots[slot, m.ENDS] - now, slots[slot, m.STATE] == m.WRAPPING):
            interrupt(now, slot, int64(RELIEVED), place, each, places, lists, due, working, people)
            drawn = visits.work[slots[slot, m.VISIT]]
            if people.merging.rule.shape[0] > 0 and people.merging.repeating[slots[slot, m.VISIT]]:
                drawn = people.merging.repeat[slots[slot, m.VISIT]]
            slots[slot, m.LEFT] = m.work_after_relief(rule, slots[slot, m.LEFT], drawn, places.hand_over[place])
            if queues is None:
                m.join(slots, lists.line, lines.place, working.waiting, slot, working.dirty, working.to_settle)
            else:
                q.join(now, slot, visits, lines, lists, working, queues)


@inlined
def interrupt(now, slot, why, place, each, places, lists, due, working, people):
    """Stop a spell with work left; the tip is in nobody's hands, and not in line yet."""
    slots = working.slots
    m.remove_end(due.soon_tick, due.soon_slot, slot)
    if m.preempts_at(place, places.may_preempt):
        m.unlink(slots, lists.busy, place, 2 * slot)
    if people is None:
        slots[slot, m.LEFT] = slots[slot, m.ENDS] - now
        m.write_spell(working.spells, slots, slot, NOBODY, now, now - slots[slot, m.BEGAN], why)
    else:
        left = h.left_now(slot, now, slots)
        slots[slot, m.LEFT] = left
        m.write_spell(working.spells, slots, slot, slots[slot, m.PERSON], now, slots[slot, m.NEED] - left, why)
        if slots[slot, m.PERSON] != m.NIL:
            h.drop_from_hand(now, slot, place, each, slots, due, people)


@inlined
def take_due(now, tips, visits, kinds, stages, places, lines, log, lists, due, working, queues, branches):
    """Take the first entry of the heap, and do it unless it is stale; gives who goes on, or NIL, and whether again."""
    heap, slots, to_settle = due.heap, working.slots, working.to_settle
    slot, visit, what = heap[1, 2], heap[1, 3], heap[1, 4]
    m.pop(heap)
    state = slots[slot, m.STATE]
    going, again = m.NIL, 0
    if slots[slot, m.VISIT] != visit or state == m.FREE:
        pass
    elif what == m.ENDS_WORK:
        if slots[slot, m.ENDS] == now and state >= m.BUSY:
            going = slot
            if state != m.PASSING:
                # Relieved and taken over at once, the work ends when it would have: it may be due twice.
                m.remove_end(due.soon_tick, due.soon_slot, slot)
    elif what == m.RETRIES:
        going, again = slot, 1
        if queues is not None:
            q.again(slot, slots)
    elif what == m.SHOWS:
        slots[slot, m.IN_BOTH] = 1
        if state == m.WAITING:
            line = slots[slot, m.LINE + 1]
            m.stand_in_line(slots, lists.line, line, 2 * slot + 1)
            working.waiting[lines.place[line]] += 1
            m.mark(lines.place[line], working.dirty, working.to_settle)
    elif what == m.RELEASES:
        if state == m.HELD:
            stage = kinds.stage[visits.kind[visit]]
            if queues is None:
                open_gate(now, stage, stages, lines, log, lists, heap, working)
            else:
                q.open_gate(stage, slots, lists.held, queues.state.pending)
    elif queues is not None:
        if what == q.MARK:
            if branches is not None:
                b.pass_mark(now, slot, visit, log, working, branches, queues.state.pending)
        elif what < 0:
            q.happen(now, slot, -what, visits, lines, lists, working, queues)
        elif q.bears_no_more(slot, what - m.GIVES_UP, slots):
            q.give_up(now, slot, visit, visits, lines, log, lists, due, working, queues, tips, branches)
    elif state <= m.HELD and slots[slot, m.ATTEMPT] == what - m.GIVES_UP and not slots[slot, m.STARTED]:
        if state == m.HELD:
            m.unlink(slots, lists.held, kinds.stage[visits.kind[visit]], 2 * slot)
        else:
            m.stop_waiting(
                slots, lists.line, lines.place, working.waiting, slot, places.may_preempt, working.dirty, to_settle
            )
        give_up(now, slot, visit, tips, visits, log, heap, working)
    return going, again


@inlined
def open_gate(now, stage, stages, lines, log, lists, heap, working):
    """Release all who are held at a stage."""
    slots = working.slots
    while lists.held[stage, 0] != m.NIL:
        slot = lists.held[stage, 0] >> 1
        m.unlink(slots, lists.held, stage, 2 * slot)
        visit, tip = slots[slot, m.VISIT], slots[slot, m.TIP]
        if stages.place[stage] == NO_PLACE:
            log.start[visit] = now
            ends = now + slots[slot, m.LEFT]
            slots[slot, m.STATE], slots[slot, m.ENDS] = m.PASSING, ends
            m.push(heap, ends, slots[slot, m.END_KEY], slot, visit, int64(m.ENDS_WORK))
        else:
            if stages.overflow[stage] != NO_PLACE and not slots[slot, m.WATCHED]:
                slots[slot, m.WATCHED] = 1
                shows = now + stages.overflow_after[stage]
                m.push(heap, shows, m.event_key(ARRIVAL, tip, SHOWS), slot, visit, int64(m.SHOWS))
            m.join(slots, lists.line, lines.place, working.waiting, slot, working.dirty, working.to_settle)


@inlined
def give_up(now, slot, visit, tips, visits, log, heap, working):
    """End an attempt in vain: the tip comes back after its pause, or is lost."""
    slots, tip = working.slots, working.slots[slot, m.TIP]
    row = visits.first_attempt[visit] + slots[slot, m.ATTEMPT] - 1
    log.gave_up[row] = now
    back_after = visits.retry_after[row]
    if back_after == NEVER:
        log.outcome[visit] = ABANDONED
        log.lost[tip] = now
        m.leave_unreached(visit + 1, tips.first_visit[tip + 1], log)
        m.free_slot(slots, working.free, slot)
    else:
        slots[slot, m.STATE] = m.AWAY
        m.push(heap, now + back_after, m.event_key(ARRIVAL, tip, COMES), slot, visit, int64(m.RETRIES))


@part
def make_known(now, tip, stage, tips, places, lines, log, lists, working, people, queues):
    """The first tip of its incident has been served at a stage: those that need not wait there any more leave."""
    merging, slots = people.merging, working.slots
    incident = merging.incident[tip]
    if incident == NO_INCIDENT or merging.known[incident, stage]:
        return
    merging.known[incident, stage] = True
    if merging.rule[stage] != LEAVES:
        return
    for row in range(merging.first_member[incident], merging.first_member[incident + 1]):
        other = merging.member[row]
        for visit in range(merging.first_visit[other], merging.first_visit[other + 1]):
            slot = merging.slot[visit]
            if other == tip or merging.stage[visit] != stage or slot == m.NIL or slots[slot, m.VISIT] != visit:
                continue
            state = slots[slot, m.STATE]
            if state == m.WAITING or state == m.HELD:
                if not h.merges(other, visit, stage, LEAVES, log.outcome, merging):
                    continue
                if state == m.HELD:
                    m.unlink(slots, lists.held, stage, 2 * slot)
                elif queues is not None:
                    q.stop_waiting(slot, lines, lists, working, queues)
                    q.leave_room(slot, slots, queues.state)
                else:
                    m.stop_waiting(
                        slots,
                        lists.line,
                        lines.place,
                        working.waiting,
                        slot,
                        places.may_preempt,
                        working.dirty,
                        working.to_settle,
                    )
                h.leave_merged(now, slot, visit, tips, log, working, people, queues)


@inlined
def end_work(now, slot, tips, visits, places, lines, log, lists, due, working, people, queues, branches):
    """End a service, a delay or a wrap-up whose time is over; gives the slot of the tip that goes on, or NIL."""
    slots = working.slots
    visit, state = slots[slot, m.VISIT], slots[slot, m.STATE]
    merged = False
    if people is not None:
        merged = state == m.BUSY and people.merging.rule.shape[0] > 0 and people.merging.repeating[visit]
    if state != m.WRAPPING and not merged:
        log.end[visit] = now
        log.outcome[visit] = SERVED
        if people is not None and people.merging.rule.shape[0] > 0:
            stage = people.merging.stage[visit]
            make_known(now, slots[slot, m.TIP], stage, tips, places, lines, log, lists, working, people, queues)
    going = slot
    if state != m.PASSING:
        place = slots[slot, m.SERVED_AT]
        if state == m.BUSY and m.preempts_at(place, places.may_preempt):
            m.unlink(slots, lists.busy, place, 2 * slot)
        if people is None:
            if slots[slot, m.BROKEN]:
                m.write_spell(working.spells, slots, slot, NOBODY, now, now - slots[slot, m.BEGAN], int64(DONE))
            working.idle[place] += 1
            m.mark(place, working.dirty, working.to_settle)
        else:
            going = end_spell(now, slot, visit, place, state, merged, places, due, working, people, branches)
            if merged:
                h.leave_merged(now, slot, visit, tips, log, working, people, queues)
                going = m.NIL
    if queues is not None:
        if state == m.BUSY:
            q.leave_room(slot, slots, queues.state)
        if branches is not None:
            tip = slots[slot, m.TIP]
            if going != m.NIL:
                m.free_slot(slots, working.free, going)
                going = m.NIL
            if state != m.WRAPPING and not merged:
                b.come(visit, int64(NEVER), tip, working, branches, queues.state.pending)
        elif going != m.NIL:
            slots[going, m.GOES_TO] = q.following(slots[going, m.TIP], visit, tips, queues.rules)
    return going


@inlined
def end_spell(now, slot, visit, place, state, merged, places, due, working, people, branches):
    """End the work of a spell: its person wraps up, or is free; gives the slot of the tip that goes on, or NIL."""
    slots, going, wrapping = working.slots, slot, state == m.WRAPPING
    wrap_up = 0
    if not wrapping and not merged and people.roster.wrap_up.shape[0] > 0:
        wrap_up = people.roster.wrap_up[visit]
    if slots[slot, m.BROKEN] or wrapping or merged or wrap_up > 0:
        m.write_spell(working.spells, slots, slot, slots[slot, m.PERSON], now, slots[slot, m.NEED], int64(DONE))
    if wrap_up > 0:
        # The slot stays with the person, who has as many in hand as before; the tip goes on in another, or in several.
        going = m.NIL
        if branches is None:
            going = m.take_slot(slots, working.free, slots[slot, m.TIP], visit + 1)
        slots[slot, m.STATE] = m.WRAPPING
        slots[slot, m.BEGAN] = now
        slots[slot, m.LEFT] = wrap_up
        h.set_out(now, slot, place, int64(0), slots, people)
        m.expect_end(slot, due, slots)
    else:
        let_go(now, slot, place, places, due, working, people)
        if wrapping:
            m.free_slot(slots, working.free, slot)
            going = m.NIL
    return going


@inlined
def let_go(now, slot, place, places, due, working, people):
    """Free the place of a spell that is over; who was in overtime for it alone goes."""
    slots, hands = working.slots, people.hands
    person, each = slots[slot, m.PERSON], places.concurrency[place]
    if person != m.NIL:
        h.drop_from_hand(now, slot, place, each, slots, due, people)
    if person == m.NIL or h.takes(hands.table, person):
        working.idle[place] += 1
        m.mark(place, working.dirty, working.to_settle)
    elif hands.table[person, h.DUTY] == h.CLEARING:
        m.mark(place, working.dirty, working.to_settle)
    elif hands.table[person, h.DUTY] == h.OVERTIME and hands.table[person, h.IN_HAND] == 0:
        h.leave_overtime(now, person, h.OFF, place, hands)


@inlined
def begin_attempt(
    now, slot, visit, stage, alone, visits, stages, places, lines, log, lists, due, working, gates, people
):
    """Let a tip wait at a stage: behind the gate, in line, or in a delay; gives whether it may start at once."""
    slots, heap = working.slots, due.heap
    tip = slots[slot, m.TIP]
    tries = slots[slot, m.ATTEMPT] + 1
    slots[slot, m.ATTEMPT] = tries
    slots[slot, m.ENTRY] = now
    log.attempt[visit] = tries
    opens = now if stages.every[stage] == 0 else m.opening(now, stage, gates)
    quick = False
    if stages.place[stage] == NO_PLACE:
        if opens == now:
            ends = now + slots[slot, m.LEFT]
            slots[slot, m.STATE], slots[slot, m.ENDS] = m.PASSING, ends
            log.start[visit] = now
            if alone and due.soon_slot[0] < m.N_SOON:
                quick = True
            else:
                m.push(heap, ends, slots[slot, m.END_KEY], slot, visit, int64(m.ENDS_WORK))
    else:
        line = slots[slot, m.LINE]
        place = lines.place[line]
        quick = alone and opens == now and working.waiting[place] == 0 and working.idle[place] > 0
        quick = quick and slots[slot, m.IN_BOTH] == 0
        if stages.attempts[stage] > 0 and not quick:
            gives_up = now + visits.patience[visits.first_attempt[visit] + tries - 1]
            m.push(heap, gives_up, m.event_key(ABANDON, tip), slot, visit, m.GIVES_UP + tries)
        if opens == now:
            if stages.overflow[stage] != NO_PLACE and not slots[slot, m.WATCHED]:
                slots[slot, m.WATCHED] = 1
                shows = now + stages.overflow_after[stage]
                m.push(heap, shows, m.event_key(ARRIVAL, tip, SHOWS), slot, visit, int64(m.SHOWS))
            slots[slot, m.STATE] = m.WAITING
            if slots[slot, m.IN_BOTH]:
                m.join(slots, lists.line, lines.place, working.waiting, slot, working.dirty, working.to_settle)
            elif not quick:
                m.stand_last(slots, lists.line, line, slot)
                working.waiting[place] += 1
                somebody = working.idle[place] > 0 or m.preempts_at(place, places.may_preempt)
                if people is not None:
                    somebody |= people.hands.n_clearing[place] > 0
                if somebody:
                    m.mark(place, working.dirty, working.to_settle)
    if opens > now:
        slots[slot, m.STATE] = m.HELD
        m.insert(slots, lists.held, stage, 2 * slot, lists.held[stage, 1])
        m.push(heap, opens, m.event_key(ARRIVAL, tip, PASSES), slot, visit, int64(m.RELEASES))
    return quick


@inlined
def settle(now, quick, visits, kinds, places, lines, log, lists, due, working, people, queues, branches):
    """Pass over the places that have to, in their order, each starting whoever can start, until a pass starts nothing.

    `quick` starts or begins its delay with nothing to decide; `place` is where the pass has come to.
    """
    slots, to_settle = working.slots, working.to_settle
    at, place = 0, m.NIL
    while quick != m.NIL or place != m.NIL or to_settle[0] > 0:
        slot, line, starts_at, person = quick, m.NIL, place, m.NIL
        if quick != m.NIL:
            quick = m.NIL
            if slots[slot, m.STATE] != m.PASSING:
                line = slots[slot, m.LINE]
                starts_at = lines.place[line]
                working.idle[starts_at] -= 1
                if people is not None and people.roster.tells_apart[starts_at]:
                    person = h.first_to_serve(starts_at, people.roster, people.hands.queues)
        else:
            if place == m.NIL:
                at = place = starts_at = m.next_place(at, working.dirty, to_settle)
            node, line, person = choose(now, place, visits, kinds, places, lines, lists, due, working, people, queues)
            if node == m.NIL:
                place = m.NIL
                continue
            slot = node >> 1 if queues is None else node >> 3
            if queues is not None:
                q.stop_waiting_now(slot, lines, lists, working, queues)
            elif slots[slot, m.IN_BOTH] or node != lists.line[line, 0]:
                m.stop_waiting(
                    slots, lists.line, lines.place, working.waiting, slot, places.may_preempt, working.dirty, to_settle
                )
            else:
                m.drop_head(slots, lists.line, line)
                working.waiting[place] -= 1
        if line != m.NIL:
            begin(
                now,
                slot,
                starts_at,
                lines.rank[line],
                person,
                visits,
                kinds,
                places,
                log,
                lists,
                slots,
                due,
                people,
                queues,
                branches,
            )
        m.expect_end(slot, due, slots)


@inlined
def choose(now, place, visits, kinds, places, lines, lists, due, working, people, queues):
    """Who starts next at a place, as a node, its line and by whom: the first in line, or one that pre-empts; or NIL."""
    idle = working.idle
    node, line, person = m.NIL, m.NIL, m.NIL
    first = place * lines.n_ranks
    if working.waiting[place] > 0:
        if idle[place] > 0:
            idle[place] -= 1
            if queues is None:
                line = first
                while lists.line[line, 0] == m.NIL:
                    line += 1
                node = lists.line[line, 0]
            else:
                node, line = q.first_in_line(place, visits, lines, lists, working, queues)
            if people is not None and people.roster.tells_apart[place]:
                person = h.first_to_serve(place, people.roster, people.hands.queues)
        else:
            if people is not None and people.hands.n_clearing[place] > 0:
                if queues is not None:
                    person, node, line = q.pick_to_clear(
                        place, places.concurrency[place], lines, lists, working, people, queues
                    )
                else:
                    person, node, line = h.find_clearing(
                        place,
                        first,
                        first + lines.n_ranks,
                        places.concurrency[place],
                        lists.line,
                        working.slots,
                        people.hands.table,
                        people.hands.clearing,
                        people.roster.place,
                    )
            if node == m.NIL and idle[place] == 0 and m.preempts_at(place, places.may_preempt):
                node, line, person = preempt(
                    places.may_preempt, now, place, visits, kinds, places, lines, lists, due, working, people, queues
                )
    return node, line, person


@inlined
def preempt(may_preempt, now, place, visits, kinds, places, lines, lists, due, working, people, queues):
    """Let a tip in service give way to the best that waits and may: gives the node of that, its line and who serves."""
    if may_preempt is None:
        return m.NIL, m.NIL, m.NIL
    slots, first, giver, person = working.slots, place * lines.n_ranks, m.NIL, m.NIL
    node, line = m.NIL, m.NIL
    table = None if people is None else people.hands.table
    # Nobody looks along a line in which some may and some may not where nobody could give way to any of them.
    if not h.somebody_gives_way(
        slots, lists.busy, place, now, first, first + lines.n_ranks, lists.line, lines.preempts, lines.rank, table
    ):
        pass
    elif queues is not None:
        node, line = q.first_to_preempt(place, visits, lines, lists, working, queues)
    else:
        node, line = m.find_taker(
            slots,
            lists.line,
            first,
            first + lines.n_ranks,
            visits.kind,
            kinds.preempts,
            kinds.overflow_preempts,
            lines.preempts,
        )
    if node != m.NIL:
        giver = h.find_giver(slots, lists.busy, place, lines.rank[line], now, table)
    if giver == m.NIL:
        node = m.NIL
    else:
        if people is not None:
            person = slots[giver, m.PERSON]
        each = places.concurrency[place]
        interrupt(now, giver, int64(PREEMPTED), place, each, places, lists, due, working, people)
        if queues is None:
            m.join(slots, lists.line, lines.place, working.waiting, giver, working.dirty, working.to_settle)
        else:
            q.join(now, giver, visits, lines, lists, working, queues)
    return node, line, person


@inlined
def begin(now, slot, place, rank, person, visits, kinds, places, log, lists, slots, due, people, queues, branches):
    """Start a spell of work on a tip, at a place and with the rank that it has there."""
    visit = slots[slot, m.VISIT]
    slots[slot, m.STATE] = m.BUSY
    slots[slot, m.STARTED] = 1
    slots[slot, m.SERVED_AT] = place
    slots[slot, m.SERVED_RANK] = rank
    slots[slot, m.BEGAN] = now
    if people is None:
        slots[slot, m.ENDS] = now + slots[slot, m.LEFT]
    else:
        if people.merging.rule.shape[0] > 0 and log.start[visit] == NEVER:
            stage = people.merging.stage[visit]
            if h.merges(slots[slot, m.TIP], visit, stage, REPEATS, log.outcome, people.merging):
                people.merging.repeating[visit] = True
                slots[slot, m.LEFT] = people.merging.repeat[visit]
        slots[slot, m.PERSON] = person
        if person != m.NIL:
            each = places.concurrency[place]
            h.take_in_hand(now, slot, place, each, slots, due, people)
        h.set_out(now, slot, place, kinds.stage[visits.kind[visit]], slots, people)
        people.hands.worked_by[visit] = person
    if queues is not None:
        queues.state.starts[place] += 1
    if m.preempts_at(place, places.may_preempt):
        m.insert(slots, lists.busy, place, 2 * slot, m.NIL)
    if log.start[visit] == NEVER:
        log.start[visit] = now
        if branches is not None:
            q.expect_marks(now, slot, visit, slots, due.heap, branches)
    log.worked_at[visit] = place


@kernel
def take_over(at, tips, visits, kinds, stages, lines, log, lists, due, working):
    """Let the first tips be in the system, who were run stage by stage so far: `at` are the visits that they are at, of
    which the stamps become what they are here."""
    slots = working.slots
    for tip in range(at.shape[0]):
        visit = at[tip]
        stage, start, place = kinds.stage[visits.kind[visit]], log.start[visit], log.worked_at[visit]
        slot = m.take_slot(slots, working.free, tip, visit)
        m.begin_visit(log.enter[visit], slot, visit, stage, tips, visits, kinds, stages, lines, log, slots)
        log.attempt[visit] = slots[slot, m.ATTEMPT] = 1
        slots[slot, m.ENTRY] = log.enter[visit]
        line = slots[slot, m.LINE]
        if start == NEVER:
            slots[slot, m.STATE] = m.WAITING
            m.stand_last(slots, lists.line, line, slot)
            working.waiting[lines.place[line]] += 1
        else:
            working.idle[place] -= 1
            slots[slot, m.STATE] = m.BUSY
            slots[slot, m.STARTED] = 1
            slots[slot, m.SERVED_AT] = place
            slots[slot, m.SERVED_RANK] = lines.rank[line]
            slots[slot, m.BEGAN] = log.start[visit] = start
            slots[slot, m.ENDS] = start + slots[slot, m.LEFT]
            log.worked_at[visit] = place
            m.expect_end(slot, due, slots)


@part
def close(horizon, next_tip, tips, log, working, people, queues):
    """Cut what is under way at the horizon, and stamp what was never reached."""
    slots = working.slots
    for slot in range(working.free[1]):
        state = slots[slot, m.STATE]
        if state == m.FREE:
            continue
        if people is None:
            if slots[slot, m.BROKEN] and state == m.BUSY:
                work = horizon - slots[slot, m.BEGAN]
                m.write_spell(working.spells, slots, slot, NOBODY, horizon, work, int64(CUT))
        elif state == m.BUSY or state == m.WRAPPING:
            work = slots[slot, m.NEED] - h.left_now(slot, horizon, slots)
            m.write_spell(working.spells, slots, slot, slots[slot, m.PERSON], horizon, work, int64(CUT))
        if queues is None and state != m.WRAPPING:
            m.leave_unreached(slots[slot, m.VISIT] + 1, tips.first_visit[slots[slot, m.TIP] + 1], log)
    if people is not None:
        for person in range(people.roster.place.shape[0]):
            h.leave_overtime(horizon, person, h.OFF, people.roster.place[person], people.hands)
    n_tips = tips.arrival.shape[0]
    if queues is None:
        m.leave_unreached(tips.first_visit[next_tip], tips.first_visit[n_tips], log)


@kernel
def list_spells(log, work, worked_by, broken, horizon, spells):
    """Fill in every spell in order of visit: those written down of a visit that has any, or the one that its stamps
    tell. `worked_by` says who served each visit, or is None where nobody is told apart.
    """
    start, end, outcome, attempt, worked_at = log.start, log.end, log.outcome, log.attempt, log.worked_at
    visit, of_attempt, place, person, began, ended, done, why, wrapping = spells
    row = 0
    next_broken = 0
    for v in range(start.shape[0]):
        if next_broken < broken.shape[0] and broken[next_broken, 0] == v:
            while next_broken < broken.shape[0] and broken[next_broken, 0] == v:
                visit[row], of_attempt[row] = v, broken[next_broken, 1]
                place[row], person[row] = broken[next_broken, 2], broken[next_broken, 3]
                began[row], ended[row] = broken[next_broken, 4], broken[next_broken, 5]
                done[row], why[row] = broken[next_broken, 6], broken[next_broken, 7]
                wrapping[row] = broken[next_broken, 8] != 0
                next_broken += 1
                row += 1
        elif worked_at[v] != NO_PLACE:
            visit[row], of_attempt[row], place[row], began[row] = v, attempt[v], worked_at[v], start[v]
            if worked_by is not None:
                person[row] = worked_by[v]
            if outcome[v] == SERVED:
                ended[row], done[row], why[row] = end[v], work[v], DONE
            else:
                ended[row], done[row], why[row] = horizon, horizon - start[v], CUT
            row += 1
