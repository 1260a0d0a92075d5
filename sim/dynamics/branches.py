"""Branches of the compiled engine: what the start, the end and the marks of a visit set off.

Only for worlds in which a tip may be in several places at a time; the loop is compiled without it for the others. Each
of its visits then has a slot of its own. A visit begins when all the moments have come that it awaits.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"
from __future__ import annotations

from typing import NamedTuple

from sim.dynamics import machinery as m
from sim.dynamics.clock import NEVER
from sim.dynamics.kernels import inlined, int64, part
from sim.dynamics.log import OPEN
from sim.dynamics.replication import Flags, Ticks


class Branches(NamedTuple):
    """What hangs on what, as in Visits, and how it stands."""

    awaits: Ticks
    first_moment: Ticks
    moment_after: Ticks
    sets_off: Ticks
    awaited: Ticks
    """(n_visits,) how many moments each visit still awaits."""
    came: Flags
    """(n_moments,) which moments have come, or are awaited no longer."""
    cue: Ticks
    forsaken: Ticks
    """(n_visits,) how many of the moments that each visit awaited are so no longer; (0,) where there are no asides."""
    gone: Flags
    """(n_visits,) which visits are not made because of one in vain, or were in vain themselves."""
    short: Flags
    """(1,) whether there was no slot for a visit that was to begin: the log is then not to be used."""


@inlined
def begin(visit, tip, working, branches, pending):
    """Give a visit a slot; it begins once those have begun that are to already."""
    slot = m.take_slot(working.slots, working.free, tip, int64(0))
    if slot == m.NIL:
        branches.short[0] = True
    else:
        working.slots[slot, m.STATE] = m.AWAY
        working.slots[slot, m.GOES_TO] = visit
        m.wait_to_go_on(slot, pending)


@inlined
def arrive(tip, tips, working, branches, pending):
    """Let all those visits of a tip begin that await nothing."""
    for visit in range(tips.first_visit[tip], tips.first_visit[tip + 1]):
        if branches.awaits[visit] == 0:
            begin(visit, tip, working, branches, pending)


@inlined
def come(visit, after, tip, working, branches, pending):
    """Let those moments of a visit come that are due so long after its start, and what awaited nothing else begin."""
    for moment in range(branches.first_moment[visit], branches.first_moment[visit + 1]):
        if not branches.came[moment] and branches.moment_after[moment] <= after:
            branches.came[moment] = True
            to = branches.sets_off[moment]
            branches.awaited[to] -= 1
            if branches.awaited[to] == 0:
                begin(to, tip, working, branches, pending)


@inlined
def is_carried(moment, aside, branches):
    """Whether the end of an aside stands for a moment."""
    found = False
    for other in range(branches.first_moment[aside], branches.first_moment[aside + 1]):
        same = branches.sets_off[other] == branches.sets_off[moment]
        found = found or (same and branches.cue[other] == branches.cue[moment])
    return found


@part
def forsake(visit, aside, tip, tips, working, branches, pending):
    """A visit was in vain that has an aside: await no longer what cannot come any more, and let that begin which now
    awaits nothing."""
    beyond = tips.first_visit[tip + 1]
    for row in range(visit, beyond):
        branches.gone[row] = row == visit
    for row in range(visit, beyond):
        if not branches.gone[row]:
            continue
        for moment in range(branches.first_moment[row], branches.first_moment[row + 1]):
            at_end = branches.moment_after[moment] == NEVER
            if branches.came[moment] or (at_end and is_carried(moment, aside, branches)):
                continue
            branches.came[moment] = True
            to = branches.sets_off[moment]
            branches.awaited[to] -= 1
            branches.forsaken[to] += 1
            if branches.awaited[to] == 0:
                if branches.forsaken[to] < branches.awaits[to]:
                    begin(to, tip, working, branches, pending)
                else:
                    branches.gone[to] = True


@part
def pass_mark(now, slot, visit, log, working, branches, pending):
    """So long after its start a visit sets off what hangs on that; if it ends at this tick, its END does."""
    slots, state = working.slots, working.slots[slot, m.STATE]
    ends = (state == m.BUSY or state == m.PASSING) and slots[slot, m.ENDS] == now
    if log.outcome[visit] == OPEN and not ends:
        come(visit, now - log.start[visit], slots[slot, m.TIP], working, branches, pending)
