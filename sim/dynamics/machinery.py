"""The parts of the compiled engine: who is in the system, the lines as linked lists, the events that are due.

Every function here is compiled and works on tables of int64. Who is in the system has a row, a *slot*, in one small
table that stays in the cache. A tip can stand in two lists at once, its own (0) and the overflow line (1), so a *node*
of a list is 2 * slot + which; servers at work, overtime and tips behind a gate are lists of the same kind.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"
from __future__ import annotations

from typing import Final

from sim.dynamics import order
from sim.dynamics.clock import NEVER
from sim.dynamics.kernels import njit
from sim.dynamics.log import UNREACHED
from sim.dynamics.replication import NO_PLACE

TIP: Final = 0
VISIT: Final = 1
STATE: Final = 2
ENTRY: Final = 3
LEFT: Final = 4
BEGAN: Final = 5
ENDS: Final = 6
ATTEMPT: Final = 7
SERVED_AT: Final = 8
SERVED_RANK: Final = 9
STARTED: Final = 10
IN_BOTH: Final = 11
WATCHED: Final = 12
BROKEN: Final = 13
OVERTIME_SINCE: Final = 14
LINE: Final = 16
NEXT: Final = 18
PREV: Final = 20
N_COLUMNS: Final = 24
"""Columns of the table of slots; LINE, NEXT and PREV take two each, one for each list that a tip can stand in."""

FREE: Final = 0
WAITING: Final = 1
HELD: Final = 2
AWAY: Final = 3
BUSY: Final = 4
IN_OVERTIME: Final = 5
PASSING: Final = 6
"""States of a slot: in line, behind a gate, away until it retries, in service, in overtime, in a delay."""

NIL: Final = -1

ENDS_WORK: Final = 0
SHOWS: Final = 1
RELEASES: Final = 2
RETRIES: Final = 3
GIVES_UP: Final = 4
"""What an entry of the heap is about."""

leaves_before = njit(order.leaves_before)
yields_before = njit(order.yields_before)
outranks = njit(order.outranks)
work_after_relief = njit(order.work_after_relief)
opening = njit(order.opening)


@njit(cache=True)
def code(kind, tip, later):
    """The order of an event within its tick as one number: kind, tip, then what shows before what else a tip does."""
    return (kind << 40) | (tip << 1) | later


@njit(cache=True)
def link(slots, lists, row, node, key):
    """Put a node into a list kept by (key, tip): at the head if it belongs there, else from the tail forward."""
    slot = node >> 1
    value, tip = slots[slot, key], slots[slot, TIP]
    head, after = lists[row, 0], lists[row, 1]
    if head != NIL and leaves_before(value, tip, slots[head >> 1, key], slots[head >> 1, TIP]):
        after = NIL
    else:
        while after != NIL and leaves_before(value, tip, slots[after >> 1, key], slots[after >> 1, TIP]):
            after = slots[after >> 1, PREV + (after & 1)]
    following = head if after == NIL else slots[after >> 1, NEXT + (after & 1)]
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


@njit(cache=True)
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


@njit(cache=True)
def push(heap, n, tick, code, slot, visit, what):
    """Add an entry to the heap of n entries; gives how many there are, the same n when there is no room left."""
    if n == heap.shape[0]:
        return n
    at = n
    while at > 0:
        parent = (at - 1) >> 1
        if heap[parent, 0] < tick or (heap[parent, 0] == tick and heap[parent, 1] <= code):
            break
        for column in range(5):
            heap[at, column] = heap[parent, column]
        at = parent
    heap[at, 0], heap[at, 1], heap[at, 2], heap[at, 3], heap[at, 4] = tick, code, slot, visit, what
    return n + 1


@njit(cache=True)
def pop(heap, n):
    """Drop the first of the n entries of the heap."""
    last = n - 1
    tick, code = heap[last, 0], heap[last, 1]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= last:
            break
        other = child + 1
        if other < last and (
            heap[other, 0] < heap[child, 0] or (heap[other, 0] == heap[child, 0] and heap[other, 1] < heap[child, 1])
        ):
            child = other
        if tick < heap[child, 0] or (tick == heap[child, 0] and code <= heap[child, 1]):
            break
        for column in range(5):
            heap[at, column] = heap[child, column]
        at = child
    for column in range(5):
        heap[at, column] = heap[last, column]


@njit(cache=True)
def remove_end(soon_tick, soon_slot, n, slot):
    """Take a slot's end of work out of the sorted array of n; gives how many are left."""
    for at in range(n):
        if soon_slot[at] == slot:
            for later in range(at, n - 1):
                soon_tick[later], soon_slot[later] = soon_tick[later + 1], soon_slot[later + 1]
            return n - 1
    return n


@njit(cache=True)
def mark(place, dirty, to_settle, n):
    """Note that a place has to settle; gives how many have."""
    if not dirty[place]:
        dirty[place] = True
        to_settle[n] = place
        return n + 1
    return n


@njit(cache=True)
def join(slots, lists, line_place, waiting, slot, dirty, to_settle, n):
    """Let a tip wait in its line, and in the overflow line if it stands in both; gives how many places settle."""
    slots[slot, STATE] = WAITING
    for which in range(1 + slots[slot, IN_BOTH]):
        line = slots[slot, LINE + which]
        link(slots, lists, line, 2 * slot + which, ENTRY)
        waiting[line_place[line]] += 1
        n = mark(line_place[line], dirty, to_settle, n)
    return n


@njit(cache=True)
def stop_waiting(slots, lists, line_place, waiting, slot):
    """Take a tip out of its line or lines."""
    for which in range(1 + slots[slot, IN_BOTH]):
        line = slots[slot, LINE + which]
        unlink(slots, lists, line, 2 * slot + which)
        waiting[line_place[line]] -= 1


@njit(cache=True)
def find_taker(slots, lists, first_line, place, visit_kind, preempts, overflow_preempts, line_preempts):
    """The best waiting tip in the lines of a place that may take a server there: its node and line, or NIL."""
    for line in range(first_line[place], first_line[place + 1]):
        if line_preempts[line]:
            node = lists[line, 0]
            while node != NIL:
                kind = visit_kind[slots[node >> 1, VISIT]]
                if overflow_preempts[kind] if node & 1 else preempts[kind]:
                    return node, line
                node = slots[node >> 1, NEXT + (node & 1)]
    return NIL, NIL


@njit(cache=True)
def find_giver(slots, lists, busy, rank, now):
    """The slot of the tip in service that gives way to a rank, or NIL; none whose work ends at this tick."""
    giver = NIL
    node = lists[busy, 0]
    while node != NIL:
        slot = node >> 1
        if (
            outranks(rank, slots[slot, SERVED_RANK])
            and slots[slot, ENDS] > now
            and (
                giver == NIL
                or yields_before(
                    slots[slot, SERVED_RANK],
                    slots[slot, BEGAN],
                    slots[slot, TIP],
                    slots[giver, SERVED_RANK],
                    slots[giver, BEGAN],
                    slots[giver, TIP],
                )
            )
        ):
            giver = slot
        node = slots[slot, NEXT]
    return giver


@njit(cache=True)
def write_spell(broken, n, slots, slot, now, why):
    """Write down a spell of a visit that is served in more than one; gives how many rows there are."""
    if n == broken.shape[0]:
        return n
    broken[n, 0], broken[n, 1], broken[n, 2] = slots[slot, VISIT], slots[slot, ATTEMPT], slots[slot, SERVED_AT]
    broken[n, 3], broken[n, 4], broken[n, 5] = slots[slot, BEGAN], now, why
    slots[slot, BROKEN] = 1
    return n + 1


@njit(cache=True)
def write_overtime(overtime, n, slots, slot, now):
    """Write down a stretch of overtime that ends; gives how many rows there are."""
    if n == overtime.shape[0]:
        return n
    overtime[n, 0], overtime[n, 1] = slots[slot, OVERTIME_SINCE], slots[slot, SERVED_AT]
    overtime[n, 2], overtime[n, 3] = slots[slot, VISIT], now
    return n + 1


@njit(cache=True)
def leave_unreached(first, last, log):
    """Stamp visits that a tip never made."""
    enter, start, end, outcome, attempt, worked_at, _ = log
    for visit in range(first, last):
        enter[visit] = NEVER
        start[visit] = NEVER
        end[visit] = NEVER
        outcome[visit] = UNREACHED
        attempt[visit] = 0
        worked_at[visit] = NO_PLACE
