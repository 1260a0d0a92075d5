"""The event loop of the compiled engine: the same dynamics as the reference, over arrays.

It refuses to decide anything: every rule that orders or ranks is a function of `order`, compiled. What stands here is
bookkeeping. The next event comes from four places: the plan and the arrivals (pointers into sorted arrays), the next
ends of work (a short sorted array) and everything else that is due (a heap). Entries of the heap that are stale when
they come up are passed over. Only the places that an event touched settle: no other place can have anyone to start.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"
from __future__ import annotations

from typing import Final

import numpy as np

from sim.dynamics import machinery as m
from sim.dynamics.clock import NEVER
from sim.dynamics.kernels import njit
from sim.dynamics.log import ABANDONED, CUT, DONE, OPEN, PREEMPTED, RELIEVED, SERVED
from sim.dynamics.order import ABANDON, ARRIVAL, END
from sim.dynamics.replication import FINISH, NO_PLACE

FROM_HEAP: Final = 0
FROM_ENDS: Final = 1
FROM_ARRIVALS: Final = 2
"""Where the next event comes from, when nothing of the plan is due."""

N_SOON: Final = 64
"""Up to this many ends of work are kept in a sorted array, which beats a heap while it is short."""


@njit(cache=True, nogil=True)
def run(tips, visits, kinds, stages, rules, places, lines, plan, world, log, tables):
    """Take the next event, do it, and let the places that it touched settle, until the horizon.

    Gives the numbers of interrupted spells, stretches of overtime and spells; the first is NIL when a table was full.
    The paths that most tips take are written out: a call that passes arrays costs more than what it does.
    """
    arrival, centre, first_visit, n_backlog = tips
    visit_kind, visit_work, first_attempt, patience, retry_after = visits
    kind_stage, kind_rank, kind_preempts, kind_overflow_rank, kind_overflow_preempts = kinds
    stage_place, place_step, stage_overflow, overflow_step = stages
    overflow_after, stage_every, stage_attempts = rules
    at_shift_end, hand_over, concurrency = places
    first_line, line_preempts, may_preempt, tracked, line_place = lines
    plan_tick, plan_place, plan_leaving, plan_returning, plan_joining = plan
    since_midnight, horizon = world
    enter, start, end, outcome, attempt, worked_at, lost = log
    slots, free, heap, broken, overtime = tables
    n_tips, n_stages, n_places = arrival.shape[0], stage_place.shape[0], at_shift_end.shape[0]
    n_plan = plan_tick.shape[0]

    n_lines = first_line[n_places]
    first_busy, first_overtime, first_held = n_lines, n_lines + n_places, n_lines + 2 * n_places
    lists = np.full((first_held + n_stages, 2), m.NIL, np.int64)
    idle = np.zeros(n_places, np.int64)
    waiting = np.zeros(n_places, np.int64)
    dirty = np.zeros(n_places, np.bool_)
    to_settle = np.empty(n_places, np.int64)
    soon_tick = np.empty(N_SOON, np.int64)
    soon_slot = np.empty(N_SOON, np.int64)
    n_slots, n_free, n_soon, n_heap = 0, 0, 0, 0
    n_broken, n_overtime, n_spells = 0, 0, 0
    next_plan, next_tip = 0, 0

    while True:
        plan_due = plan_tick[next_plan] if next_plan < n_plan else NEVER
        end_due = soon_tick[n_soon - 1] if n_soon > 0 else NEVER
        arrival_due = arrival[next_tip] if next_tip < n_tips else NEVER
        heap_due = heap[0, 0] if n_heap > 0 else NEVER
        now = min(min(plan_due, end_due), min(arrival_due, heap_due))
        if now >= horizon:
            break
        if n_heap == heap.shape[0] or n_broken == broken.shape[0] or n_overtime == overtime.shape[0]:
            return m.NIL, 0, 0
        n_settle = 0
        going = m.NIL  # the slot of the tip that goes on to its next visit or attempt in this event
        again = 0  # 1 when it goes on to an attempt
        n_arriving = 0

        if plan_due == now:
            place = plan_place[next_plan]
            each = concurrency[place]
            leaving = plan_leaving[next_plan] * each
            returning = plan_returning[next_plan] * each
            at_once = min(leaving, idle[place])
            idle[place] -= at_once
            for _ in range(leaving - at_once):
                slot = lists[first_busy + place, 0] >> 1
                m.unlink(slots, lists, first_busy + place, 2 * slot)
                left = slots[slot, m.ENDS] - now
                if at_shift_end[place] == FINISH or left == 0:
                    slots[slot, m.STATE] = m.IN_OVERTIME
                    slots[slot, m.OVERTIME_SINCE] = now
                    m.link(slots, lists, first_overtime + place, 2 * slot, m.BEGAN)
                else:
                    n_broken = m.write_spell(broken, n_broken, slots, slot, now, RELIEVED)
                    n_spells += 1
                    n_soon = m.remove_end(soon_tick, soon_slot, n_soon, slot)
                    drawn = visit_work[slots[slot, m.VISIT]]
                    slots[slot, m.LEFT] = m.work_after_relief(at_shift_end[place], left, drawn, hand_over[place])
                    n_settle = m.join(slots, lists, line_place, waiting, slot, dirty, to_settle, n_settle)
            while returning > 0 and lists[first_overtime + place, 0] != m.NIL:
                slot = lists[first_overtime + place, 0] >> 1
                m.unlink(slots, lists, first_overtime + place, 2 * slot)
                n_overtime = m.write_overtime(overtime, n_overtime, slots, slot, now)
                slots[slot, m.STATE] = m.BUSY
                m.link(slots, lists, first_busy + place, 2 * slot, m.BEGAN)
                returning -= 1
            idle[place] += returning + plan_joining[next_plan] * each
            n_settle = m.mark(place, dirty, to_settle, n_settle)
            next_plan += 1
        else:
            # Which event of this tick is first: an end of work, an arrival, or the top of the heap.
            first = heap[0, 1] if heap_due == now else m.code(ABANDON + 1, 0, 0)
            source = FROM_HEAP
            if end_due == now:
                due = m.code(END, slots[soon_slot[n_soon - 1], m.TIP], 1)
                if due < first:
                    first, source = due, FROM_ENDS
            if arrival_due == now and m.code(ARRIVAL, next_tip, 0) < first:
                source = FROM_ARRIVALS
            if source == FROM_ENDS:
                n_soon -= 1
                going = soon_slot[n_soon]
            elif source == FROM_ARRIVALS:
                n_arriving = n_backlog if next_tip < n_backlog else 1
            else:
                slot, visit, what = heap[0, 2], heap[0, 3], heap[0, 4]
                m.pop(heap, n_heap)
                n_heap -= 1
                state, tip = slots[slot, m.STATE], slots[slot, m.TIP]
                if slots[slot, m.VISIT] != visit or state == m.FREE:
                    continue
                if what == m.ENDS_WORK:
                    if slots[slot, m.ENDS] != now or state < m.BUSY:
                        continue
                    going = slot
                    if state != m.PASSING:
                        # Relieved and taken over at once, the work ends when it would have: it may be due twice.
                        n_soon = m.remove_end(soon_tick, soon_slot, n_soon, slot)
                elif what == m.RETRIES:
                    going = slot
                    again = 1
                elif what == m.SHOWS:
                    slots[slot, m.IN_BOTH] = 1
                    if state == m.WAITING:
                        line = slots[slot, m.LINE + 1]
                        m.link(slots, lists, line, 2 * slot + 1, m.ENTRY)
                        waiting[line_place[line]] += 1
                        n_settle = m.mark(line_place[line], dirty, to_settle, n_settle)
                elif what == m.RELEASES:
                    if state != m.HELD:
                        continue
                    stage = kind_stage[visit_kind[visit]]
                    while lists[first_held + stage, 0] != m.NIL:
                        slot = lists[first_held + stage, 0] >> 1
                        m.unlink(slots, lists, first_held + stage, 2 * slot)
                        visit, tip = slots[slot, m.VISIT], slots[slot, m.TIP]
                        if stage_place[stage] == NO_PLACE:
                            start[visit] = now
                            ends = now + slots[slot, m.LEFT]
                            slots[slot, m.STATE], slots[slot, m.ENDS] = m.PASSING, ends
                            n_heap = m.push(heap, n_heap, ends, m.code(END, tip, 1), slot, visit, m.ENDS_WORK)
                            continue
                        if stage_overflow[stage] != NO_PLACE and not slots[slot, m.WATCHED]:
                            slots[slot, m.WATCHED] = 1
                            shows = now + overflow_after[stage]
                            n_heap = m.push(heap, n_heap, shows, m.code(ARRIVAL, tip, 0), slot, visit, m.SHOWS)
                        n_settle = m.join(slots, lists, line_place, waiting, slot, dirty, to_settle, n_settle)
                else:
                    tries = what - m.GIVES_UP
                    if slots[slot, m.ATTEMPT] != tries or slots[slot, m.STARTED] or state > m.HELD:
                        continue
                    if state == m.HELD:
                        m.unlink(slots, lists, first_held + kind_stage[visit_kind[visit]], 2 * slot)
                    else:
                        m.stop_waiting(slots, lists, line_place, waiting, slot)
                    back_after = retry_after[first_attempt[visit] + tries - 1]
                    if back_after == NEVER:
                        outcome[visit] = ABANDONED
                        lost[tip] = now
                        m.leave_unreached(visit + 1, first_visit[tip + 1], log)
                        slots[slot, m.STATE] = m.FREE
                        free[n_free] = slot
                        n_free += 1
                    else:
                        slots[slot, m.STATE] = m.AWAY
                        back = now + back_after
                        n_heap = m.push(heap, n_heap, back, m.code(ARRIVAL, tip, 1), slot, visit, m.RETRIES)
                    continue

            if going != m.NIL and again == 0:
                visit = slots[going, m.VISIT]
                end[visit] = now
                outcome[visit] = SERVED
                state = slots[going, m.STATE]
                if state != m.PASSING:
                    place = slots[going, m.SERVED_AT]
                    n_spells += 1
                    if slots[going, m.BROKEN]:
                        n_broken = m.write_spell(broken, n_broken, slots, going, now, DONE)
                    if state == m.BUSY:
                        idle[place] += 1
                        dirty[place] = True
                        to_settle[0] = place
                        n_settle = 1
                        if tracked[place]:
                            m.unlink(slots, lists, first_busy + place, 2 * going)
                    else:
                        m.unlink(slots, lists, first_overtime + place, 2 * going)
                        n_overtime = m.write_overtime(overtime, n_overtime, slots, going, now)

        # The tips that go on in this event, one after another; `quick` may start at once: nobody else waits for the
        # place and somebody there is idle, so that settling could do nothing else.
        alone = n_arriving <= 1
        quick = m.NIL
        while going != m.NIL or n_arriving > 0:
            if n_arriving > 0:
                tip = next_tip
                visit = first_visit[tip]
                next_tip += 1
                n_arriving -= 1
                if visit == first_visit[tip + 1]:
                    continue
                if n_free > 0:
                    n_free -= 1
                    slot = free[n_free]
                elif n_slots < slots.shape[0]:
                    slot = n_slots
                    n_slots += 1
                else:
                    return m.NIL, 0, 0
                slots[slot, m.TIP] = tip
            else:
                slot, going = going, m.NIL
                tip = slots[slot, m.TIP]
                visit = slots[slot, m.VISIT] + 1 - again
                if visit == first_visit[tip + 1]:
                    slots[slot, m.STATE] = m.FREE
                    free[n_free] = slot
                    n_free += 1
                    continue
            kind = visit_kind[visit]
            stage = kind_stage[kind]
            place = stage_place[stage]
            slots[slot, m.ENTRY] = now
            tries = 1
            if again == 1:
                tries = slots[slot, m.ATTEMPT] + 1
            else:
                enter[visit] = now
                start[visit] = NEVER
                end[visit] = NEVER
                outcome[visit] = OPEN
                worked_at[visit] = NO_PLACE
                slots[slot, m.VISIT] = visit
                slots[slot, m.LEFT] = visit_work[visit]
                slots[slot, m.STARTED] = 0
                slots[slot, m.IN_BOTH] = 0
                slots[slot, m.WATCHED] = 0
                slots[slot, m.BROKEN] = 0
                if place != NO_PLACE:
                    line = first_line[place + centre[tip] * place_step[stage]] + kind_rank[kind]
                    slots[slot, m.LINE] = line
                    if stage_overflow[stage] != NO_PLACE:
                        over = stage_overflow[stage] + centre[tip] * overflow_step[stage]
                        slots[slot, m.LINE + 1] = first_line[over] + kind_overflow_rank[kind]
            attempt[visit] = tries
            slots[slot, m.ATTEMPT] = tries
            every = stage_every[stage]
            opens = now if every == 0 else m.opening(now, every, since_midnight)
            if place == NO_PLACE:
                if opens == now:
                    slots[slot, m.STATE] = m.PASSING
                    start[visit] = now
                    ends = now + slots[slot, m.LEFT]
                    slots[slot, m.ENDS] = ends
                    if alone and n_soon < N_SOON:
                        quick = slot
                    else:
                        n_heap = m.push(heap, n_heap, ends, m.code(END, tip, 1), slot, visit, m.ENDS_WORK)
                    continue
            else:
                line = slots[slot, m.LINE]
                place = line_place[line]
                starts = alone and opens == now and waiting[place] == 0 and idle[place] > 0
                starts = starts and slots[slot, m.IN_BOTH] == 0
                if stage_attempts[stage] > 0 and not starts:
                    gives_up = now + patience[first_attempt[visit] + tries - 1]
                    n_heap = m.push(heap, n_heap, gives_up, m.code(ABANDON, tip, 0), slot, visit, m.GIVES_UP + tries)
                if opens == now:
                    if stage_overflow[stage] != NO_PLACE and not slots[slot, m.WATCHED]:
                        slots[slot, m.WATCHED] = 1
                        shows = now + overflow_after[stage]
                        n_heap = m.push(heap, n_heap, shows, m.code(ARRIVAL, tip, 0), slot, visit, m.SHOWS)
                    if starts:
                        slots[slot, m.STATE] = m.WAITING
                        quick = slot
                    elif slots[slot, m.IN_BOTH]:
                        n_settle = m.join(slots, lists, line_place, waiting, slot, dirty, to_settle, n_settle)
                    else:
                        slots[slot, m.STATE] = m.WAITING
                        tail = lists[line, 1]
                        if tail == m.NIL:
                            slots[slot, m.PREV] = m.NIL
                            slots[slot, m.NEXT] = m.NIL
                            lists[line, 0] = 2 * slot
                            lists[line, 1] = 2 * slot
                        elif slots[tail >> 1, m.ENTRY] < now:
                            slots[slot, m.PREV] = tail
                            slots[slot, m.NEXT] = m.NIL
                            slots[tail >> 1, m.NEXT + (tail & 1)] = 2 * slot
                            lists[line, 1] = 2 * slot
                        else:
                            m.link(slots, lists, line, 2 * slot, m.ENTRY)
                        waiting[place] += 1
                        if idle[place] > 0 or may_preempt[place]:
                            n_settle = m.mark(place, dirty, to_settle, n_settle)
                    continue
            slots[slot, m.STATE] = m.HELD
            m.link(slots, lists, first_held + stage, 2 * slot, m.ENTRY)
            n_heap = m.push(heap, n_heap, opens, m.code(ARRIVAL, tip, 1), slot, visit, m.RELEASES)

        # Settle: passes over the places in their order; `at` is how far this pass has come, `place` who starts.
        at = 0
        place = m.NIL
        while True:
            if quick != m.NIL:
                slot, quick = quick, m.NIL
                visit = slots[slot, m.VISIT]
                if slots[slot, m.STATE] != m.PASSING:
                    line = slots[slot, m.LINE]
                    starts_at = line_place[line]
                    idle[starts_at] -= 1
                    starting = True
                else:
                    starting = False
            else:
                if place == m.NIL:
                    if n_settle == 0:
                        break
                    nearest = 0
                    if n_settle > 1:
                        nearest = m.NIL
                        for row in range(n_settle):
                            if to_settle[row] >= at and (nearest == m.NIL or to_settle[row] < to_settle[nearest]):
                                nearest = row
                        if nearest == m.NIL:
                            at = 0
                            continue
                    place = to_settle[nearest]
                    n_settle -= 1
                    to_settle[nearest] = to_settle[n_settle]
                    dirty[place] = False
                    at = place
                if waiting[place] == 0 or (idle[place] == 0 and not may_preempt[place]):
                    place = m.NIL
                    continue
                if idle[place] > 0:
                    line = first_line[place]
                    while lists[line, 0] == m.NIL:
                        line += 1
                    node = lists[line, 0]
                    idle[place] -= 1
                else:
                    node, line = m.find_taker(
                        slots,
                        lists,
                        first_line,
                        place,
                        visit_kind,
                        kind_preempts,
                        kind_overflow_preempts,
                        line_preempts,
                    )
                    giver = m.NIL
                    if node != m.NIL:
                        giver = m.find_giver(slots, lists, first_busy + place, line - first_line[place], now)
                    if giver == m.NIL:
                        place = m.NIL
                        continue
                    m.unlink(slots, lists, first_busy + place, 2 * giver)
                    n_broken = m.write_spell(broken, n_broken, slots, giver, now, PREEMPTED)
                    n_spells += 1
                    n_soon = m.remove_end(soon_tick, soon_slot, n_soon, giver)
                    slots[giver, m.LEFT] = slots[giver, m.ENDS] - now
                    n_settle = m.join(slots, lists, line_place, waiting, giver, dirty, to_settle, n_settle)
                slot = node >> 1
                visit = slots[slot, m.VISIT]
                if slots[slot, m.IN_BOTH] or node != lists[line, 0]:
                    m.stop_waiting(slots, lists, line_place, waiting, slot)
                else:
                    following = slots[slot, m.NEXT]
                    lists[line, 0] = following
                    if following == m.NIL:
                        lists[line, 1] = m.NIL
                    else:
                        slots[following >> 1, m.PREV + (following & 1)] = m.NIL
                    waiting[place] -= 1
                starts_at = place
                starting = True
            if starting:
                slots[slot, m.STATE] = m.BUSY
                slots[slot, m.STARTED] = 1
                slots[slot, m.SERVED_AT] = starts_at
                slots[slot, m.SERVED_RANK] = line - first_line[starts_at]
                slots[slot, m.BEGAN] = now
                if tracked[starts_at]:
                    m.link(slots, lists, first_busy + starts_at, 2 * slot, m.BEGAN)
                if start[visit] == NEVER:
                    start[visit] = now
                worked_at[visit] = starts_at
                slots[slot, m.ENDS] = now + slots[slot, m.LEFT]
            ends, tip = slots[slot, m.ENDS], slots[slot, m.TIP]
            if n_soon < N_SOON:
                row = n_soon
                while row > 0 and soon_tick[row - 1] <= ends:
                    # Ties are rare, and only they need the tip: fetching it each time costs more than all else here.
                    if soon_tick[row - 1] == ends and slots[soon_slot[row - 1], m.TIP] > tip:
                        break
                    soon_tick[row] = soon_tick[row - 1]
                    soon_slot[row] = soon_slot[row - 1]
                    row -= 1
                soon_tick[row] = ends
                soon_slot[row] = slot
                n_soon += 1
            else:
                n_heap = m.push(heap, n_heap, ends, m.code(END, tip, 1), slot, visit, m.ENDS_WORK)

    # The horizon: cut what is under way, and stamp what was never reached.
    for slot in range(n_slots):
        state = slots[slot, m.STATE]
        if state == m.FREE:
            continue
        if state == m.BUSY or state == m.IN_OVERTIME:
            n_spells += 1
            if slots[slot, m.BROKEN]:
                n_broken = m.write_spell(broken, n_broken, slots, slot, horizon, CUT)
            if state == m.IN_OVERTIME:
                n_overtime = m.write_overtime(overtime, n_overtime, slots, slot, horizon)
        m.leave_unreached(slots[slot, m.VISIT] + 1, first_visit[slots[slot, m.TIP] + 1], log)
    m.leave_unreached(first_visit[next_tip], first_visit[n_tips], log)
    if n_heap == heap.shape[0] or n_broken == broken.shape[0] or n_overtime == overtime.shape[0]:
        return m.NIL, 0, 0
    return n_broken, n_overtime, n_spells
