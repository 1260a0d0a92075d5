"""The event loop of the compiled engine: the same dynamics as the reference, over arrays.

It refuses to decide anything: every rule that orders or ranks is a function of `order`, compiled. What stands here is
bookkeeping, in phases that are compiled into one function. The next event comes from four places: the plan and the
arrivals (pointers into arrays that lie in the order of their keys), the next ends of work (a short sorted array) and
everything else that is due (a heap). Entries of the heap that are stale when they come up are passed over. Only the
places that an event touched settle: no other place can have anyone to start.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"
from __future__ import annotations

from typing import Final

from sim.dynamics import machinery as m
from sim.dynamics.clock import NEVER
from sim.dynamics.kernels import inlined, kernel
from sim.dynamics.log import ABANDONED, CUT, DONE, OPEN, PREEMPTED, RELIEVED, SERVED
from sim.dynamics.order import ABANDON, ARRIVAL, COMES, END, PASSES, SHIFT, SHOWS
from sim.dynamics.replication import FINISH, NO_PLACE

FROM_HEAP: Final = 0
FROM_ENDS: Final = 1
FROM_ARRIVALS: Final = 2
FROM_PLAN: Final = 3
"""Where the next event comes from."""


@kernel
def run(tips, visits, kinds, stages, places, lines, plan, clock, log, lists, due, working, written):
    """Take the next event, do it, and let the places that it touched settle, until the horizon.

    False when a table was full: the log is then not to be used.
    """
    since_midnight, horizon = clock
    slots, free = working.slots, working.free
    next_plan, next_tip = 0, 0
    while True:
        now, source = next_event(tips, plan, due, slots, next_plan, next_tip, horizon)
        if now == horizon:
            break
        if is_full(due.heap, written):
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
            change_shift(now, next_plan, visits, places, lines, plan, lists, due, working, written)
            next_plan += 1
        else:
            going, again = take_due(now, tips, visits, kinds, stages, places, lines, log, lists, due, working)
        if going != m.NIL and again == 0:
            end_visit(now, going, places, log, lists, working, written)
        # `quick` may start at once: nobody else waits for the place and somebody there is idle, so that settling could
        # do nothing else.
        alone = coming <= 1
        quick = m.NIL
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
            if again == 0:
                begin_visit(now, slot, visit, stage, tips, visits, kinds, stages, lines, log, slots)
            if begin_attempt(
                now, slot, visit, stage, alone, visits, stages, places, lines, log, lists, due, working, since_midnight
            ):
                quick = slot
        settle(now, quick, visits, kinds, places, lines, log, lists, due, working, written)
    close(horizon, next_tip, tips, log, working, written)
    return not is_full(due.heap, written)


@inlined
def next_event(tips, plan, due, slots, next_plan, next_tip, horizon):
    """The tick of the next event, and where it comes from if that is before the horizon."""
    n_soon = due.soon_slot[0]
    plan_due = plan.tick[next_plan] if next_plan < plan.tick.shape[0] else NEVER
    end_due = due.soon_tick[n_soon] if n_soon > 0 else NEVER
    arrival_due = tips.arrival[next_tip] if next_tip < tips.arrival.shape[0] else NEVER
    heap_due = due.heap[1, 0] if due.heap[0, 0] > 0 else NEVER
    now = min(min(min(plan_due, end_due), min(arrival_due, heap_due)), horizon)
    if end_due == now < min(arrival_due, min(plan_due, heap_due)):
        source = FROM_ENDS
    elif arrival_due == now < min(end_due, min(plan_due, heap_due)):
        source = FROM_ARRIVALS
    else:
        # Ties are rare, and only they need the keys: the smallest of those that are due now is next.
        first = due.heap[1, 1] if heap_due == now else NEVER
        source = FROM_HEAP
        if end_due == now:
            key = m.event_key(END, slots[due.soon_slot[n_soon], m.TIP])
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
def is_full(heap, written):
    """Whether a table that grows has no more room."""
    return (
        heap[0, 0] == heap.shape[0] - 1
        or written.broken[0, 0] == written.broken.shape[0] - 1
        or written.overtime[0, 0] == written.overtime.shape[0] - 1
    )


@inlined
def change_shift(now, row, visits, places, lines, plan, lists, due, working, written):
    """Let people leave, then those back from a break return, then the new ones join."""
    slots, idle = working.slots, working.idle
    place = plan.place[row]
    each = places.concurrency[place]
    rule = places.at_shift_end[place]
    leaving = plan.leaving[row] * each
    returning = plan.returning[row] * each
    at_once = min(leaving, idle[place])
    idle[place] -= at_once
    for _ in range(leaving - at_once):
        slot = lists.busy[place, 0] >> 1
        m.unlink(slots, lists.busy, place, 2 * slot)
        left = slots[slot, m.ENDS] - now
        if rule == FINISH or left == 0:
            slots[slot, m.STATE] = m.IN_OVERTIME
            slots[slot, m.OVERTIME_SINCE] = now
            m.list_spell(slots, lists.overtime, place, slot)
        else:
            m.write_spell(written.broken, slots, slot, now, RELIEVED)
            m.remove_end(due.soon_tick, due.soon_slot, slot)
            drawn = visits.work[slots[slot, m.VISIT]]
            slots[slot, m.LEFT] = m.work_after_relief(rule, left, drawn, places.hand_over[place])
            m.join(slots, lists.line, lines.place, working.waiting, slot, working.dirty, working.to_settle)
    while returning > 0 and lists.overtime[place, 0] != m.NIL:
        slot = lists.overtime[place, 0] >> 1
        m.unlink(slots, lists.overtime, place, 2 * slot)
        m.write_overtime(written.overtime, slots, slot, now)
        slots[slot, m.STATE] = m.BUSY
        m.list_spell(slots, lists.busy, place, slot)
        returning -= 1
    idle[place] += returning + plan.joining[row] * each
    m.mark(place, working.dirty, working.to_settle)


@inlined
def take_due(now, tips, visits, kinds, stages, places, lines, log, lists, due, working):
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
    elif what == m.SHOWS:
        slots[slot, m.IN_BOTH] = 1
        if state == m.WAITING:
            line = slots[slot, m.LINE + 1]
            m.stand_in_line(slots, lists.line, line, 2 * slot + 1)
            working.waiting[lines.place[line]] += 1
            m.mark(lines.place[line], working.dirty, working.to_settle)
    elif what == m.RELEASES:
        if state == m.HELD:
            open_gate(now, kinds.stage[visits.kind[visit]], stages, lines, log, lists, heap, working)
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
            m.push(heap, ends, m.event_key(END, tip), slot, visit, m.ENDS_WORK)
        else:
            if stages.overflow[stage] != NO_PLACE and not slots[slot, m.WATCHED]:
                slots[slot, m.WATCHED] = 1
                shows = now + stages.overflow_after[stage]
                m.push(heap, shows, m.event_key(ARRIVAL, tip, SHOWS), slot, visit, m.SHOWS)
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
        m.push(heap, now + back_after, m.event_key(ARRIVAL, tip, COMES), slot, visit, m.RETRIES)


@inlined
def end_visit(now, slot, places, log, lists, working, written):
    """Stamp the end of a service or delay; its server is free, unless it was in overtime."""
    slots = working.slots
    visit, state = slots[slot, m.VISIT], slots[slot, m.STATE]
    log.end[visit] = now
    log.outcome[visit] = SERVED
    if state != m.PASSING:
        place = slots[slot, m.SERVED_AT]
        if slots[slot, m.BROKEN]:
            m.write_spell(written.broken, slots, slot, now, DONE)
        if state == m.BUSY:
            working.idle[place] += 1
            m.mark(place, working.dirty, working.to_settle)
            if places.tracked[place]:
                m.unlink(slots, lists.busy, place, 2 * slot)
        else:
            m.unlink(slots, lists.overtime, place, 2 * slot)
            m.write_overtime(written.overtime, slots, slot, now)


@inlined
def begin_visit(now, slot, visit, stage, tips, visits, kinds, stages, lines, log, slots):
    """Stamp the entry of a tip to a stage, and fix the lines in which it may wait there."""
    log.enter[visit] = now
    log.start[visit] = NEVER
    log.end[visit] = NEVER
    log.outcome[visit] = OPEN
    log.worked_at[visit] = NO_PLACE
    slots[slot, m.VISIT] = visit
    slots[slot, m.LEFT] = visits.work[visit]
    slots[slot, m.ATTEMPT] = 0
    slots[slot, m.STARTED] = 0
    slots[slot, m.IN_BOTH] = 0
    slots[slot, m.WATCHED] = 0
    slots[slot, m.BROKEN] = 0
    if stages.place[stage] != NO_PLACE:
        kind = visits.kind[visit]
        centre = tips.centre[slots[slot, m.TIP]]
        place = stages.place[stage] + centre * stages.place_step[stage]
        slots[slot, m.LINE] = place * lines.n_ranks + kinds.list[kind]
        if stages.overflow[stage] != NO_PLACE:
            place = stages.overflow[stage] + centre * stages.overflow_step[stage]
            slots[slot, m.LINE + 1] = place * lines.n_ranks + kinds.overflow_list[kind]


@inlined
def begin_attempt(
    now, slot, visit, stage, alone, visits, stages, places, lines, log, lists, due, working, since_midnight
):
    """Let a tip wait at a stage: behind the gate, in line, or in a delay; gives whether it may start at once."""
    slots, heap = working.slots, due.heap
    tip = slots[slot, m.TIP]
    tries = slots[slot, m.ATTEMPT] + 1
    slots[slot, m.ATTEMPT] = tries
    slots[slot, m.ENTRY] = now
    log.attempt[visit] = tries
    every = stages.every[stage]
    opens = now if every == 0 else m.opening(now, every, since_midnight)
    quick = False
    if stages.place[stage] == NO_PLACE:
        if opens == now:
            ends = now + slots[slot, m.LEFT]
            slots[slot, m.STATE], slots[slot, m.ENDS] = m.PASSING, ends
            log.start[visit] = now
            if alone and due.soon_slot[0] < m.N_SOON:
                quick = True
            else:
                m.push(heap, ends, m.event_key(END, tip), slot, visit, m.ENDS_WORK)
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
                m.push(heap, shows, m.event_key(ARRIVAL, tip, SHOWS), slot, visit, m.SHOWS)
            slots[slot, m.STATE] = m.WAITING
            if slots[slot, m.IN_BOTH]:
                m.join(slots, lists.line, lines.place, working.waiting, slot, working.dirty, working.to_settle)
            elif not quick:
                m.stand_last(slots, lists.line, line, slot)
                working.waiting[place] += 1
                if working.idle[place] > 0 or places.may_preempt[place]:
                    m.mark(place, working.dirty, working.to_settle)
    if opens > now:
        slots[slot, m.STATE] = m.HELD
        m.insert(slots, lists.held, stage, 2 * slot, lists.held[stage, 1])
        m.push(heap, opens, m.event_key(ARRIVAL, tip, PASSES), slot, visit, m.RELEASES)
    return quick


@inlined
def settle(now, quick, visits, kinds, places, lines, log, lists, due, working, written):
    """Pass over the places that have to, in their order, each starting whoever can start, until a pass starts nothing.

    `quick` starts or begins its delay with nothing to decide; `place` is where the pass has come to.
    """
    slots, to_settle = working.slots, working.to_settle
    at, place = 0, m.NIL
    while quick != m.NIL or place != m.NIL or to_settle[0] > 0:
        slot, line, starts_at = quick, m.NIL, place
        if quick != m.NIL:
            quick = m.NIL
            if slots[slot, m.STATE] != m.PASSING:
                line = slots[slot, m.LINE]
                starts_at = lines.place[line]
                working.idle[starts_at] -= 1
        else:
            if place == m.NIL:
                at = place = starts_at = m.next_place(at, working.dirty, to_settle)
            node, line = choose(now, place, visits, kinds, places, lines, lists, due, working, written)
            if node == m.NIL:
                place = m.NIL
                continue
            slot = node >> 1
            if slots[slot, m.IN_BOTH] or node != lists.line[line, 0]:
                m.stop_waiting(
                    slots, lists.line, lines.place, working.waiting, slot, places.may_preempt, working.dirty, to_settle
                )
            else:
                m.drop_head(slots, lists.line, line)
                working.waiting[place] -= 1
        if line != m.NIL:
            begin(now, slot, starts_at, lines.rank[line], places, log, lists, slots)
        expect_end(slot, due, slots)


@inlined
def choose(now, place, visits, kinds, places, lines, lists, due, working, written):
    """Who starts next at a place, as a node and its line, or NIL: the first in line, or one that pre-empts."""
    slots, idle = working.slots, working.idle
    node, line = m.NIL, m.NIL
    first = place * lines.n_ranks
    if working.waiting[place] > 0:
        if idle[place] > 0:
            idle[place] -= 1
            line = first
            while lists.line[line, 0] == m.NIL:
                line += 1
            node = lists.line[line, 0]
        elif places.may_preempt[place]:
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
            giver = m.NIL
            if node != m.NIL:
                giver = m.find_giver(slots, lists.busy, place, lines.rank[line], now)
            if giver == m.NIL:
                node = m.NIL
            else:
                m.unlink(slots, lists.busy, place, 2 * giver)
                m.write_spell(written.broken, slots, giver, now, PREEMPTED)
                m.remove_end(due.soon_tick, due.soon_slot, giver)
                slots[giver, m.LEFT] = slots[giver, m.ENDS] - now
                m.join(slots, lists.line, lines.place, working.waiting, giver, working.dirty, working.to_settle)
    return node, line


@inlined
def begin(now, slot, place, rank, places, log, lists, slots):
    """Start a spell of work on a tip, at a place and with the rank that it has there."""
    visit = slots[slot, m.VISIT]
    slots[slot, m.STATE] = m.BUSY
    slots[slot, m.STARTED] = 1
    slots[slot, m.SERVED_AT] = place
    slots[slot, m.SERVED_RANK] = rank
    slots[slot, m.BEGAN] = now
    slots[slot, m.ENDS] = now + slots[slot, m.LEFT]
    if places.tracked[place]:
        m.list_spell(slots, lists.busy, place, slot)
    if log.start[visit] == NEVER:
        log.start[visit] = now
    log.worked_at[visit] = place


@inlined
def expect_end(slot, due, slots):
    """Note when the work on a tip ends: among the ends that are soon, while there is room."""
    soon_tick, soon_slot = due.soon_tick, due.soon_slot
    ends, tip = slots[slot, m.ENDS], slots[slot, m.TIP]
    row = soon_slot[0] + 1
    if row > m.N_SOON:
        m.push(due.heap, ends, m.event_key(END, tip), slot, slots[slot, m.VISIT], m.ENDS_WORK)
        return
    soon_slot[0] = row
    while row > 1 and soon_tick[row - 1] <= ends:
        # Ties are rare, and only they need the tip: fetching it each time costs more than all else here.
        if soon_tick[row - 1] == ends:
            other = slots[soon_slot[row - 1], m.TIP]
            if m.event_key(END, other) > m.event_key(END, tip):
                break
        soon_tick[row] = soon_tick[row - 1]
        soon_slot[row] = soon_slot[row - 1]
        row -= 1
    soon_tick[row] = ends
    soon_slot[row] = slot


@inlined
def close(horizon, next_tip, tips, log, working, written):
    """Cut what is under way at the horizon, and stamp what was never reached."""
    slots = working.slots
    for slot in range(working.free[1]):
        state = slots[slot, m.STATE]
        if state == m.FREE:
            continue
        if slots[slot, m.BROKEN] and (state == m.BUSY or state == m.IN_OVERTIME):
            m.write_spell(written.broken, slots, slot, horizon, CUT)
        if state == m.IN_OVERTIME:
            m.write_overtime(written.overtime, slots, slot, horizon)
        m.leave_unreached(slots[slot, m.VISIT] + 1, tips.first_visit[slots[slot, m.TIP] + 1], log)
    n_tips = tips.arrival.shape[0]
    m.leave_unreached(tips.first_visit[next_tip], tips.first_visit[n_tips], log)
