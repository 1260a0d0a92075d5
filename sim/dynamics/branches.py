"""Branches of the compiled engine: what the start, the end and the marks of a visit set off.

Only for worlds in which a tip may be in several places at a time; the loop is compiled without it for the others. Each
of its visits then has a slot of its own. A visit begins when all the moments have come that it awaits.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"
from __future__ import annotations

from typing import NamedTuple

from sim.dynamics import machinery as m
from sim.dynamics import queues as q
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
    """(n_moments,) which moments have come."""
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
        working.slots[slot, q.GOES_TO] = visit
        q.wait_to_go_on(slot, pending)


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


@part
def pass_mark(now, slot, visit, log, working, branches, pending):
    """So long after its start a visit sets off what hangs on that; if it ends at this tick, its END does."""
    slots, state = working.slots, working.slots[slot, m.STATE]
    ends = (state == m.BUSY or state == m.PASSING) and slots[slot, m.ENDS] == now
    if log.outcome[visit] == OPEN and not ends:
        come(visit, now - log.start[visit], slots[slot, m.TIP], working, branches, pending)
