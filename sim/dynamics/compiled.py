"""The compiled engine: the same dynamics as the reference, as one event loop over arrays.

It refuses to decide anything: every rule that orders or ranks is a function of `order`, compiled. What stands here is
bookkeeping. The next event comes from four places: the plan and the arrivals (pointers into sorted arrays), the next
ends of work (a short sorted array) and everything else that is due (a heap). Entries of the heap that are stale when
they come up are passed over. Only the places that an event touched settle: no other place can have anyone to start.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"
from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sim.dynamics import machinery as m
from sim.dynamics.clock import NEVER
from sim.dynamics.log import ABANDONED, CUT, DONE, OPEN, PREEMPTED, RELIEVED, SERVED, Log, Overtime, Spells
from sim.dynamics.order import ABANDON, ARRIVAL, END
from sim.dynamics.replication import FINISH, NO_PLACE, Kinds, Replication, Stages

N_SOON = 64
"""Up to this many ends of work are kept in a sorted array, which beats a heap while it is short."""


def simulate(replication: Replication) -> Log:
    """The log of a replication, equal to the reference engine's in every array."""
    tips, visits, rules, plan = replication.tips, replication.visits, replication.rules, replication.plan
    stages, places, kinds = rules.stages, rules.places, rules.kinds
    n_visits = len(visits)
    enter, start, end = (np.empty(n_visits, np.int64) for _ in range(3))
    outcome = np.empty(n_visits, np.int8)
    attempt, worked_at = (np.empty(n_visits, np.int32) for _ in range(2))
    lost = np.full(len(tips), NEVER, np.int64)
    first_line, line_preempts = _lines(kinds, stages, len(places.pool))
    may_preempt = np.logical_or.reduceat(line_preempts, first_line[:-1])
    someone_leaves = np.zeros(len(places.pool), np.bool_)
    someone_leaves[plan.place[plan.leaving > 0]] = True
    broken, overtime, n_spells = _run(
        (tips.arrival, tips.centre, tips.first_visit, tips.n_backlog),
        (visits.kind, visits.work, visits.first_attempt, visits.patience, visits.retry_after),
        (kinds.stage, kinds.rank, kinds.preempts, kinds.overflow_rank, kinds.overflow_preempts),
        (stages.place, stages.place_step, stages.overflow, stages.overflow_step),
        (stages.overflow_after, stages.every, stages.attempts),
        (places.at_shift_end, places.hand_over, places.concurrency),
        (first_line, line_preempts, may_preempt, may_preempt | someone_leaves),
        (plan.tick, plan.place, plan.leaving, plan.returning, plan.joining),
        (rules.since_midnight, rules.horizon),
        (enter, start, end, outcome, attempt, worked_at, lost),
    )
    broken = broken[np.argsort(broken[:, 0], kind="stable")]
    spells = _spells(start, end, outcome, attempt, worked_at, broken, n_spells, rules.horizon)
    overtime = overtime[np.lexsort((overtime[:, 2], overtime[:, 1], overtime[:, 0]))]
    since, where, whose, until = (np.ascontiguousarray(overtime[:, column]) for column in range(4))
    return Log(
        enter,
        start,
        end,
        outcome,
        attempt,
        lost,
        Spells(*spells),
        Overtime(where.astype(np.int32), whose, since, until),
    )


def _lines(kinds: Kinds, stages: Stages, n_places: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The lists that each place needs, one a rank: the first list of each place, and in which some tip may pre-empt."""
    users = [
        (int(where[stage]), n_places if step[stage] else int(where[stage]) + 1, rank[rows], preempts[rows])
        for where, step, rank, preempts in (
            (stages.place, stages.place_step, kinds.rank, kinds.preempts),
            (stages.overflow, stages.overflow_step, kinds.overflow_rank, kinds.overflow_preempts),
        )
        for stage in np.flatnonzero(where != NO_PLACE)
        for rows in (kinds.stage == stage,)
    ]
    n_ranks = np.ones(n_places, np.int64)
    for first, last, rank, _ in users:
        n_ranks[first:last] = np.maximum(n_ranks[first:last], rank.max(initial=0) + 1)
    first_line = np.concatenate(([0], np.cumsum(n_ranks)))
    line_preempts = np.zeros(first_line[-1], np.bool_)
    for first, last, rank, preempts in users:
        for taking in np.unique(rank[preempts]):
            line_preempts[first_line[first:last] + taking] = True
    return first_line, line_preempts


@njit(cache=True, nogil=True)
def _run(tips, visits, kinds, stages, rules, places, lines, plan, world, log):
    """Take the next event, do it, and let the places that it touched settle, until the horizon."""
    arrival, centre, first_visit, n_backlog = tips
    visit_kind, visit_work, first_attempt, patience, retry_after = visits
    kind_stage, kind_rank, kind_preempts, kind_overflow_rank, kind_overflow_preempts = kinds
    stage_place, place_step, stage_overflow, overflow_step = stages
    overflow_after, stage_every, stage_attempts = rules
    at_shift_end, hand_over, concurrency = places
    first_line, line_preempts, may_preempt, tracked = lines
    plan_tick, plan_place, plan_leaving, plan_returning, plan_joining = plan
    since_midnight, horizon = world
    enter, start, end, outcome, attempt, worked_at, lost = log
    n_tips, n_stages, n_places = arrival.shape[0], stage_place.shape[0], at_shift_end.shape[0]
    n_plan = plan_tick.shape[0]

    n_lines = first_line[n_places]
    first_busy, first_overtime, first_held = n_lines, n_lines + n_places, n_lines + 2 * n_places
    lists = np.full((first_held + n_stages, 2), m.NIL, np.int64)
    line_place = np.empty(n_lines, np.int64)
    for place in range(n_places):
        line_place[first_line[place] : first_line[place + 1]] = place
    idle = np.zeros(n_places, np.int64)
    waiting = np.zeros(n_places, np.int64)
    dirty = np.zeros(n_places, np.bool_)
    to_settle = np.empty(n_places, np.int64)
    slots = np.zeros((64, m.N_COLUMNS), np.int64)
    free = np.arange(64)
    n_free = 64
    soon_tick = np.empty(N_SOON, np.int64)
    soon_slot = np.empty(N_SOON, np.int64)
    n_soon = 0
    heap = np.empty((64, 5), np.int64)
    n_heap = 0
    broken = np.empty((16, 6), np.int64)
    n_broken = 0
    overtime = np.empty((16, 6), np.int64)
    n_overtime = 0
    n_spells = 0
    next_plan = 0
    next_tip = 0

    while True:
        plan_due = plan_tick[next_plan] if next_plan < n_plan else NEVER
        end_due = soon_tick[n_soon - 1] if n_soon > 0 else NEVER
        arrival_due = arrival[next_tip] if next_tip < n_tips else NEVER
        heap_due = heap[0, 0] if n_heap > 0 else NEVER
        now = min(min(plan_due, end_due), min(arrival_due, heap_due))
        if now >= horizon:
            break
        n_settle = 0
        going = m.NIL  # the slot of the one tip that goes on to its next visit or attempt in this event
        n_arriving = 0
        again = False

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
                if at_shift_end[place] == FINISH or slots[slot, m.ENDS] == now:
                    slots[slot, m.STATE] = m.IN_OVERTIME
                    slots[slot, m.OVERTIME_SINCE] = now
                    m.link(slots, lists, first_overtime + place, 2 * slot, m.BEGAN)
                else:
                    broken = m.write_spell(broken, n_broken, slots, slot, now, RELIEVED)
                    n_broken += 1
                    n_spells += 1
                    n_soon = m.remove_end(soon_tick, soon_slot, n_soon, slot)
                    slots[slot, m.LEFT] = m.work_after_relief(
                        at_shift_end[place],
                        slots[slot, m.ENDS] - now,
                        visit_work[slots[slot, m.VISIT]],
                        hand_over[place],
                    )
                    n_settle = m.join(slots, lists, line_place, waiting, slot, dirty, to_settle, n_settle)
            while returning > 0 and lists[first_overtime + place, 0] != m.NIL:
                slot = lists[first_overtime + place, 0] >> 1
                m.unlink(slots, lists, first_overtime + place, 2 * slot)
                overtime = m.write_overtime(overtime, n_overtime, slots, slot, now)
                n_overtime += 1
                slots[slot, m.STATE] = m.BUSY
                m.link(slots, lists, first_busy + place, 2 * slot, m.BEGAN)
                returning -= 1
            idle[place] += returning + plan_joining[next_plan] * each
            n_settle = m.mark(place, dirty, to_settle, n_settle)
            next_plan += 1
        else:
            # Which of the events of this tick is first: an end of work, an arrival, or the top of the heap.
            first = heap[0, 1] if heap_due == now else m.code(ABANDON + 1, 0, 0)
            source = m.NIL
            if end_due == now:
                due = m.code(END, slots[soon_slot[n_soon - 1], m.TIP], 1)
                if due < first:
                    first, source = due, 0
            if arrival_due == now and m.code(ARRIVAL, next_tip, 0) < first:
                source = 1
            if source == 0:
                n_soon -= 1
                going = soon_slot[n_soon]
            elif source == 1:
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
                elif what == m.RETRIES:
                    going = slot
                    again = True
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
                            heap = m.push(heap, n_heap, ends, m.code(END, tip, 1), slot, visit, m.ENDS_WORK)
                            n_heap += 1
                            continue
                        if stage_overflow[stage] != NO_PLACE and not slots[slot, m.WATCHED]:
                            slots[slot, m.WATCHED] = 1
                            shows = now + overflow_after[stage]
                            heap = m.push(heap, n_heap, shows, m.code(ARRIVAL, tip, 0), slot, visit, m.SHOWS)
                            n_heap += 1
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
                        m.leave_unreached(
                            visit + 1, first_visit[tip + 1], enter, start, end, outcome, attempt, worked_at
                        )
                        slots[slot, m.STATE] = m.FREE
                        free[n_free] = slot
                        n_free += 1
                    else:
                        slots[slot, m.STATE] = m.AWAY
                        heap = m.push(heap, n_heap, now + back_after, m.code(ARRIVAL, tip, 1), slot, visit, m.RETRIES)
                        n_heap += 1
                    continue

            if going != m.NIL and not again:
                slot, visit = going, slots[going, m.VISIT]
                end[visit] = now
                outcome[visit] = SERVED
                if slots[slot, m.STATE] != m.PASSING:
                    place = slots[slot, m.SERVED_AT]
                    n_spells += 1
                    if slots[slot, m.BROKEN]:
                        broken = m.write_spell(broken, n_broken, slots, slot, now, DONE)
                        n_broken += 1
                    if slots[slot, m.STATE] == m.BUSY:
                        idle[place] += 1
                        n_settle = m.mark(place, dirty, to_settle, n_settle)
                        if tracked[place]:
                            m.unlink(slots, lists, first_busy + place, 2 * slot)
                    else:
                        m.unlink(slots, lists, first_overtime + place, 2 * slot)
                        overtime = m.write_overtime(overtime, n_overtime, slots, slot, now)
                        n_overtime += 1

            alone = n_arriving <= 1
            while going != m.NIL or n_arriving > 0:
                if n_arriving > 0:
                    if n_free == 0:
                        n_free = slots.shape[0]
                        slots = m.twice(slots)
                        free = np.arange(n_free, 2 * n_free)
                        free = np.concatenate((free, free))
                    n_free -= 1
                    slot = free[n_free]
                    tip = next_tip
                    slots[slot, m.TIP] = tip
                    visit = first_visit[tip]
                    next_tip += 1
                    n_arriving -= 1
                else:
                    slot, going = going, m.NIL
                    tip = slots[slot, m.TIP]
                    visit = slots[slot, m.VISIT] + (0 if again else 1)
                if visit == first_visit[tip + 1]:
                    slots[slot, m.STATE] = m.FREE
                    free[n_free] = slot
                    n_free += 1
                    continue
                kind = visit_kind[visit]
                stage = kind_stage[kind]
                place = stage_place[stage]
                slots[slot, m.ENTRY] = now
                if again:
                    tries = slots[slot, m.ATTEMPT] + 1
                else:
                    tries = 1
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
                        place += centre[tip] * place_step[stage]
                        slots[slot, m.LINE] = first_line[place] + kind_rank[kind]
                        if stage_overflow[stage] != NO_PLACE:
                            over = stage_overflow[stage] + centre[tip] * overflow_step[stage]
                            slots[slot, m.LINE + 1] = first_line[over] + kind_overflow_rank[kind]
                attempt[visit] = tries
                slots[slot, m.ATTEMPT] = tries
                opens = m.opening(now, stage_every[stage], since_midnight)
                starts = False
                if place == NO_PLACE:
                    starts = opens == now
                    slots[slot, m.STATE] = m.PASSING
                else:
                    place = line_place[slots[slot, m.LINE]]
                    # Nobody else waits and somebody is idle: settling could do nothing else than start it.
                    starts = (
                        alone
                        and opens == now
                        and waiting[place] == 0
                        and idle[place] > 0
                        and not slots[slot, m.IN_BOTH]
                    )
                    if stage_attempts[stage] > 0 and not starts:
                        ends = now + patience[first_attempt[visit] + tries - 1]
                        heap = m.push(heap, n_heap, ends, m.code(ABANDON, tip, 0), slot, visit, m.GIVES_UP + tries)
                        n_heap += 1
                    if opens == now and stage_overflow[stage] != NO_PLACE and not slots[slot, m.WATCHED]:
                        slots[slot, m.WATCHED] = 1
                        shows = now + overflow_after[stage]
                        heap = m.push(heap, n_heap, shows, m.code(ARRIVAL, tip, 0), slot, visit, m.SHOWS)
                        n_heap += 1
                if starts:
                    start[visit] = now
                    if place != NO_PLACE:
                        idle[place] -= 1
                        worked_at[visit] = place
                        m.take(slots, slot, place, slots[slot, m.LINE] - first_line[place], now)
                        if tracked[place]:
                            m.link(slots, lists, first_busy + place, 2 * slot, m.BEGAN)
                    ends = now + slots[slot, m.LEFT]
                    slots[slot, m.ENDS] = ends
                    if n_soon < N_SOON:
                        m.insert_end(slots, soon_tick, soon_slot, n_soon, ends, slot)
                        n_soon += 1
                    else:
                        heap = m.push(heap, n_heap, ends, m.code(END, tip, 1), slot, visit, m.ENDS_WORK)
                        n_heap += 1
                elif opens > now:
                    slots[slot, m.STATE] = m.HELD
                    m.link(slots, lists, first_held + stage, 2 * slot, m.ENTRY)
                    heap = m.push(heap, n_heap, opens, m.code(ARRIVAL, tip, 1), slot, visit, m.RELEASES)
                    n_heap += 1
                else:
                    n_settle = m.join(slots, lists, line_place, waiting, slot, dirty, to_settle, n_settle)

        # Settle: passes over the places in their order; `at` is how far this pass has come.
        at = 0
        while n_settle > 0:
            nearest = m.NIL
            for row in range(n_settle):
                place = to_settle[row]
                if place >= at and (nearest == m.NIL or place < to_settle[nearest]):
                    nearest = row
            if nearest == m.NIL:
                at = 0
                continue
            place = to_settle[nearest]
            n_settle -= 1
            to_settle[nearest] = to_settle[n_settle]
            dirty[place] = False
            at = place
            while waiting[place] > 0:
                if idle[place] > 0:
                    line = first_line[place]
                    while lists[line, 0] == m.NIL:
                        line += 1
                    node = lists[line, 0]
                    idle[place] -= 1
                elif may_preempt[place]:
                    node, line = m.find_taker(
                        slots,
                        lists,
                        first_line[place],
                        first_line[place + 1],
                        visit_kind,
                        kind_preempts,
                        kind_overflow_preempts,
                        line_preempts,
                    )
                    if node == m.NIL:
                        break
                    giver = m.find_giver(slots, lists, first_busy + place, line - first_line[place], now)
                    if giver == m.NIL:
                        break
                    m.unlink(slots, lists, first_busy + place, 2 * giver)
                    broken = m.write_spell(broken, n_broken, slots, giver, now, PREEMPTED)
                    n_broken += 1
                    n_spells += 1
                    n_soon = m.remove_end(soon_tick, soon_slot, n_soon, giver)
                    slots[giver, m.LEFT] = slots[giver, m.ENDS] - now
                    n_settle = m.join(slots, lists, line_place, waiting, giver, dirty, to_settle, n_settle)
                else:
                    break
                slot = node >> 1
                visit = slots[slot, m.VISIT]
                m.stop_waiting(slots, lists, line_place, waiting, slot)
                m.take(slots, slot, place, line - first_line[place], now)
                if tracked[place]:
                    m.link(slots, lists, first_busy + place, 2 * slot, m.BEGAN)
                if start[visit] == NEVER:
                    start[visit] = now
                worked_at[visit] = place
                ends = now + slots[slot, m.LEFT]
                slots[slot, m.ENDS] = ends
                if n_soon < N_SOON:
                    m.insert_end(slots, soon_tick, soon_slot, n_soon, ends, slot)
                    n_soon += 1
                else:
                    heap = m.push(heap, n_heap, ends, m.code(END, slots[slot, m.TIP], 1), slot, visit, m.ENDS_WORK)
                    n_heap += 1

    # The horizon: cut what is under way, and stamp what was never reached.
    for slot in range(slots.shape[0]):
        state = slots[slot, m.STATE]
        if state == m.FREE:
            continue
        if state == m.BUSY or state == m.IN_OVERTIME:
            n_spells += 1
            if slots[slot, m.BROKEN]:
                broken = m.write_spell(broken, n_broken, slots, slot, horizon, CUT)
                n_broken += 1
            if state == m.IN_OVERTIME:
                overtime = m.write_overtime(overtime, n_overtime, slots, slot, horizon)
                n_overtime += 1
        tip = slots[slot, m.TIP]
        m.leave_unreached(
            slots[slot, m.VISIT] + 1, first_visit[tip + 1], enter, start, end, outcome, attempt, worked_at
        )
    m.leave_unreached(first_visit[next_tip], first_visit[n_tips], enter, start, end, outcome, attempt, worked_at)
    return broken[:n_broken], overtime[:n_overtime], n_spells


@njit(cache=True, nogil=True)
def _spells(start, end, outcome, attempt, worked_at, broken, n_spells, horizon):
    """Every spell in order of visit: those of an interrupted visit were written down, the others follow from its stamps."""
    visit = np.empty(n_spells, np.int64)
    of_attempt, place = np.empty(n_spells, np.int32), np.empty(n_spells, np.int32)
    began, ended = np.empty(n_spells, np.int64), np.empty(n_spells, np.int64)
    why = np.empty(n_spells, np.int32)
    row = 0
    next_broken = 0
    for v in range(start.shape[0]):
        if next_broken < broken.shape[0] and broken[next_broken, 0] == v:
            while next_broken < broken.shape[0] and broken[next_broken, 0] == v:
                visit[row], of_attempt[row] = v, broken[next_broken, 1]
                place[row] = broken[next_broken, 2]
                began[row], ended[row], why[row] = (
                    broken[next_broken, 3],
                    broken[next_broken, 4],
                    broken[next_broken, 5],
                )
                next_broken += 1
                row += 1
        elif worked_at[v] != NO_PLACE:
            done = outcome[v] == SERVED
            visit[row], of_attempt[row], place[row] = v, attempt[v], worked_at[v]
            began[row], ended[row], why[row] = start[v], end[v] if done else horizon, DONE if done else CUT
            row += 1
    return visit, of_attempt, place, began, ended, why
