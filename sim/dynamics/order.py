"""The rules that both engines share: which event is next, who is next in line, who leaves, who gives way.

Pure functions of integers: one engine calls them, the other compiles them. Nothing here keeps state or sees an array.
"""

from __future__ import annotations

from typing import Final

from sim.dynamics.replication import HAND_OVER, RESTART

SHIFT: Final = 3
END: Final = 4
ARRIVAL: Final = 5
ABANDON: Final = 6
"""Kinds of event in their order within a tick, above the two priorities that SimPy keeps, and the settling."""


def event_before(tick: int, kind: int, index: int, other_tick: int, other_kind: int, other_index: int) -> bool:
    """Whether an event comes before another: by tick, then kind, then the lower place or tip.

    >>> event_before(5, END, 9, 5, ARRIVAL, 1)
    True
    """
    if tick != other_tick:
        return tick < other_tick
    if kind != other_kind:
        return kind < other_kind
    return index < other_index


def line_before(rank: int, entry: int, tip: int, other_rank: int, other_entry: int, other_tip: int) -> bool:
    """Whether a waiting tip is served before another: the best rank, then the earliest entry, then the lower tip.

    >>> line_before(0, 20, 7, 1, 10, 3)
    True
    """
    if rank != other_rank:
        return rank < other_rank
    if entry != other_entry:
        return entry < other_entry
    return tip < other_tip


def leaves_before(began: int, tip: int, other_began: int, other_tip: int) -> bool:
    """Whether the server of a tip goes off duty before another's: the earlier spell, then the lower tip.

    >>> leaves_before(3, 8, 4, 1)
    True
    """
    if began != other_began:
        return began < other_began
    return tip < other_tip


def yields_before(rank: int, began: int, tip: int, other_rank: int, other_began: int, other_tip: int) -> bool:
    """Whether a tip in service gives way before another: the worst rank, then the latest spell, then the lower tip.

    >>> yields_before(2, 10, 5, 1, 30, 6), yields_before(2, 30, 5, 2, 10, 6)
    (True, True)
    """
    if rank != other_rank:
        return rank > other_rank
    if began != other_began:
        return began > other_began
    return tip < other_tip


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


def opening(tick: int, every: int, since_midnight: int) -> int:
    """The first tick, not before the given one, at which a gate opens; every tick where there is no gate (`every` 0).

    >>> opening(7, 5, 0), opening(10, 5, 0), opening(0, 60, 50)
    (10, 10, 10)
    """
    if every == 0:
        return tick
    return tick + (-(tick + since_midnight)) % every
