"""The rules that both engines share: which event is next, who is next in line, who leaves, who gives way.

Pure functions of integers: one engine calls them, the other compiles them. Nothing here keeps state, and none sees an
array but that of the windows of gates. A key stands for a place in an order: of two, the one with the smaller key comes
first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.dynamics.clock import NEVER
from sim.dynamics.replication import BY_WINDOWS, HAND_OVER, RESTART

if TYPE_CHECKING:
    from sim.dynamics.replication import Gates

SHIFT: Final = 3
END: Final = 4
ARRIVAL: Final = 5
ABANDON: Final = 6
"""Kinds of event in their order within a tick, above the two priorities that SimPy keeps, and the settling."""

SHOWS: Final = 0
PASSES: Final = 1
COMES: Final = 2
"""A tip's own arrivals in their order: it becomes visible to an overflow pool, passes a gate that opens, comes back."""


def event_key(kind: int, index: int, later: int = 0) -> int:
    """The place of an event within its tick: by kind, then the lower place or tip, then what of its own comes later.

    >>> event_key(END, 9) < event_key(ARRIVAL, 1, SHOWS) < event_key(ARRIVAL, 1, COMES) < event_key(ARRIVAL, 2)
    True
    """
    return (((kind << 40) + index) << 3) + later


def line_key(rank: int, entry: int, tip: int, due: int = NEVER) -> tuple[int, int, int, int]:
    """The place of a waiting tip in line: the best rank, then the earliest due, then the earliest entry, then the tip.

    >>> line_key(0, 20, 7) < line_key(1, 10, 3) < line_key(1, 10, 4)
    True
    """
    return rank, due, entry, tip


def leaving_key(began: int, tip: int) -> tuple[int, int]:
    """The place of a tip in service when servers go off duty: the earliest spell, then the lower tip.

    >>> leaving_key(3, 8) < leaving_key(4, 1)
    True
    """
    return began, tip


def yielding_key(rank: int, began: int, tip: int) -> tuple[int, int, int]:
    """The place of a tip in service when one gives way: the worst rank, then the latest spell, then the lower tip.

    >>> yielding_key(2, 10, 5) < yielding_key(1, 30, 6), yielding_key(2, 30, 5) < yielding_key(2, 10, 6)
    (True, True)
    """
    return -rank, -began, tip


def outranks(rank: int, served_rank: int) -> bool:
    """Whether a waiting tip may take the server of one in service: only a strictly better rank may.

    >>> outranks(0, 1), outranks(1, 1)
    (True, False)
    """
    return rank < served_rank


def work_after_relief(at_shift_end: int, left: int, drawn: int, hand_over: int) -> int:
    """Work that a tip needs when its server has gone off duty, by the pool's rule.

    >>> work_after_relief(HAND_OVER, 40, 100, 5), work_after_relief(RESTART, 40, 100, 0)
    (45, 100)
    """
    if at_shift_end == RESTART:
        return drawn
    if at_shift_end == HAND_OVER:
        return left + hand_over
    return left


def opening(tick: int, stage: int, gates: Gates) -> int:
    """The first tick, not before the given one, at which the gate of a stage is open; NEVER where it opens no more.

    >>> from sim.dynamics.replication import BY_WINDOWS, Gates
    >>> gates = Gates([0, 5, BY_WINDOWS], 0, [0, 0, 0, 2], [10, 30], [20, 31])
    >>> [opening(tick, 1, gates) for tick in (7, 10)]
    [10, 10]
    >>> [opening(tick, 2, gates) < NEVER and opening(tick, 2, gates) for tick in (7, 10, 19, 20, 30, 31)]
    [10, 10, 19, 30, 30, False]
    """
    every = int(gates.every[stage])
    if every == 0:
        return tick
    if every != BY_WINDOWS:
        return tick + (-(tick + gates.since_midnight)) % every
    # The first window that ends later.
    low, high = int(gates.first[stage]), int(gates.first[stage + 1])
    last = high
    while low < high:
        middle = (low + high) // 2
        if gates.closes[middle] > tick:
            high = middle
        else:
            low = middle + 1
    if low == last:
        return NEVER
    return max(tick, int(gates.opens[low]))
