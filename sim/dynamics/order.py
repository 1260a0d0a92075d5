"""The rules of both engines: the next event, next in line, who serves, how fast, who gives way, what ends with a shift.

Pure functions of integers: one engine calls them, the other compiles them. Nothing here keeps state, and none sees an
array but that of the windows of gates. A key stands for a place in an order: of two, the one with the smaller key comes
first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sim.dynamics.clock import NEVER
from sim.dynamics.replication import BY_WINDOWS, CLEAR_LINE, FINISH, FULL_SPEED, GOES_HOME, HAND_OVER, RESTART

if TYPE_CHECKING:
    from sim.dynamics.replication import Gates

SHIFT: Final = 3
END: Final = 4
ARRIVAL: Final = 5
ABANDON: Final = 6
"""Kinds of event in their order within a tick, above the two priorities that SimPy keeps, and the settling."""

MOVES_UP: Final = 0
SHOWS: Final = 1
ACCEPTS: Final = 6
PASSES: Final = 7
COMES: Final = 8
"""What one visit does of its own, in its order within a tick: it moves up in its lines, becomes visible to its overflow
pools (SHOWS and the place in the list), accepts a call-back, is released by a gate, comes back."""


SHUFFLES: Final = 2**31
SPREAD: Final = 1_640_531_527
MIXER: Final = 739_982_445
"""What `shuffled` mixes by: odd, so that no two lots become one, and without a pattern in its bits."""


def event_key(kind: int, index: int, later: int = 0, stage: int = 0) -> int:
    """The place of an event within its tick: by kind, then the lower place or tip, then stage, then what comes later.

    What hangs on the start of a visit, and on a while after it, has the key of its END.
    `later` is below 2**14: for an END what `end_later` says, for what a visit does of its own what `own_later` does.

    >>> event_key(END, 9) < event_key(ARRIVAL, 1, SHOWS) < event_key(ARRIVAL, 1, COMES) < event_key(ARRIVAL, 2)
    True
    >>> event_key(END, 9, 1, 0) < event_key(END, 9, 0, 1) < event_key(END, 10)
    True
    """
    return (((((kind << 37) + index) << 8) + stage) << 14) + later


def end_later(nth: int) -> int:
    """What tells the ENDs of one tip at one stage apart: the end of its nth visit, from 0, or of the wrap-up of that.

    A tip that is sent back may end a visit at the tick at which somebody ends the wrap-up of its visit before.

    >>> end_later(0), end_later(1)
    (0, 1)
    """
    return min(nth, (1 << 14) - 1)


def own_later(what: int, nth: int) -> int:
    """What tells apart what the visits of one tip to one stage do of their own: that of the nth visit, from 0, first.

    Only an aside to which a tip comes from two stages at a time has it there twice at once.

    >>> own_later(COMES, 2) < own_later(MOVES_UP, 3)
    True
    """
    return what + (min(nth, (1 << 10) - 1) << 4)


def line_key(rank: int, entry: int, tip: int, stage: int = 0, due: int = NEVER) -> tuple[int, int, int, int, int]:
    """The place of a waiting tip in line: the best rank, the earliest due, the earliest entry, then the tip, the stage.

    `due` is that of a line in which the earliest due are first; `entry` is `newest_first` in one where the last come
    are. In a line in random order the best rank alone counts, and then the smallest `shuffled`.

    >>> line_key(0, 20, 7) < line_key(1, 10, 3) < line_key(1, 10, 4) < line_key(1, 30, 5)
    True
    """
    return rank, due, entry, tip, stage


def newest_first(entry: int) -> int:
    """What stands for an entry in a line in which the last come are first; of one tick the lower tip is still first.

    >>> line_key(0, newest_first(20), 7) < line_key(0, newest_first(10), 3)
    True
    """
    return -entry


def shuffled(lot: int, starts: int) -> int:
    """The place of a visit in a line in random order, when so many have started at the place before.

    Anew at each start: were it fixed for a visit, an unlucky one would be overtaken for ever, and waits be wider than
    those of a random order. `lot` and the result are below 2**31; no product here leaves 63 bits.

    >>> orders = {tuple(sorted([1, 2, 3], key=lambda lot: shuffled(lot, starts))) for starts in range(100)}
    >>> len(orders)
    6
    """
    mixed = (lot ^ (starts % SHUFFLES * SPREAD)) % SHUFFLES
    mixed = (mixed ^ (mixed >> 15)) * MIXER % SHUFFLES
    mixed = (mixed ^ (mixed >> 14)) * MIXER % SHUFFLES
    return mixed ^ (mixed >> 16)


def serving_key(in_hand: int, since: int, person: int) -> tuple[int, int, int]:
    """The place of a person among those who could take a tip: the fewest in hand, then the longest so, then the index.

    `since` is the last tick at which the number in hand changed, or at which the person came on duty, or back; two
    changes within a tick are changes all the same. The index stands for row and number.

    >>> serving_key(0, 30, 7) < serving_key(1, 10, 3) < serving_key(1, 20, 2)
    True
    """
    return in_hand, since, person


def yielding_key(rank: int, began: int, tip: int, stage: int = 0) -> tuple[int, int, int, int]:
    """The place of a tip in service when one gives way: the worst rank, the latest spell, the lower tip, the stage.

    >>> yielding_key(2, 10, 5) < yielding_key(1, 30, 6), yielding_key(2, 30, 5) < yielding_key(2, 10, 6)
    (True, True)
    """
    return -rank, -began, tip, stage


def outranks(rank: int, served_rank: int) -> bool:
    """Whether a waiting tip may take the server of one in service: only a strictly better rank may.

    >>> outranks(0, 1), outranks(1, 1)
    (True, False)
    """
    return rank < served_rank


def speed(by_tick: int, by_stage: int, by_hand: int) -> int:
    """The speed of a spell in billionths: the product of its factors, rounded down once, and at least 1.

    Exact in 64 bits for factors of at most 300 %.

    >>> speed(800_000_000, FULL_SPEED, 850_000_000), speed(1, 1, FULL_SPEED), speed(*[3 * FULL_SPEED] * 3)
    (680000000, 1, 27000000000)
    >>> speed(999_999_999, 999_999_999, 2 * FULL_SPEED)
    1999999996
    """
    both = by_tick * by_stage
    whole, part = both // FULL_SPEED, both % FULL_SPEED
    beyond = whole * (by_hand % FULL_SPEED) + part * by_hand // FULL_SPEED
    return max(whole * (by_hand // FULL_SPEED) + beyond // FULL_SPEED, 1)


def work_done(elapsed: int, at: int) -> int:
    """Work done in so many ticks at a speed, rounded down; exact in 64 bits for times below NEVER / 27.

    >>> work_done(7, 500_000_000), work_done(10**15 + 1, 850_000_000)
    (3, 850000000000000)
    """
    whole, part = at // FULL_SPEED, at % FULL_SPEED
    return elapsed * whole + elapsed // FULL_SPEED * part + elapsed % FULL_SPEED * part // FULL_SPEED


def left_after(left: int, elapsed: int, at: int) -> int:
    """Work that is left after so many ticks at a speed; none where it would have ended within the last of them.

    >>> left_after(10, 7, 500_000_000), left_after(1, 1, 3_000_000_000)
    (7, 0)
    """
    return max(left - work_done(elapsed, at), 0)


def time_for(left: int, at: int) -> int:
    """Ticks until so much work is done at a speed, rounded up, and at most NEVER.

    Before they are over less than the work is done, so that what is left of it is at least 1.

    >>> time_for(10, 500_000_000), time_for(10, 850_000_000), time_for(0, 1), time_for(NEVER, 1) == NEVER
    (20, 12, 0, True)
    """
    if at == FULL_SPEED:
        return left
    whole, part = left // at, left % at
    if whole >= NEVER // FULL_SPEED:
        return NEVER
    # A billion in two steps, because the product with what is left over need not fit into 64 bits.
    first = part * 100_000
    second = first % at * 10_000
    return whole * FULL_SPEED + first // at * 10_000 + -(-second // at)


def finishes_at_shift_end(at_shift_end: int, left: int, wrapping: bool) -> bool:
    """Whether who goes at a shift's end, or on a break, completes a tip in overtime, by the pool's rule.

    `left` is the time until its work would end. A wrap-up is completed under every rule, and so is what ends at this
    tick. CLEAR_LINE is FINISH, and more at the end of a shift. What is not completed: `work_after_relief`.

    >>> [finishes_at_shift_end(rule, left, False) for rule, left in ((FINISH, 5), (RESTART, 5), (RESTART, 0))]
    [True, False, True]
    """
    return at_shift_end in (FINISH, CLEAR_LINE) or left == 0 or wrapping


def clears_at_shift_end(at_shift_end: int, action: int) -> bool:
    """Whether a person who goes stays until no tip waits that had entered the line before: at a shift's end only.

    >>> [clears_at_shift_end(*one) for one in ((CLEAR_LINE, GOES_HOME), (CLEAR_LINE, 1), (FINISH, GOES_HOME))]
    [True, False, False]
    """
    return at_shift_end == CLEAR_LINE and action == GOES_HOME


def may_clear(entry: int, end: int) -> bool:
    """Whether who stays to clear the line after the end of a shift may take a tip of some entry: one from before it.

    >>> may_clear(9, 10), may_clear(10, 10)
    (True, False)
    """
    return entry < end


def work_after_relief(at_shift_end: int, left: int, drawn: int, hand_over: int) -> int:
    """Work that a tip needs when its server has gone off duty, as at a shift's end, by the pool's rule.

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
