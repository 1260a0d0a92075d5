"""The compiled engine in slices of time, so that memory holds those who are in the system and not all who ever come.

Tips are handed in as they come, and those that are over are handed out and forgotten. What goes from one slice to the
next is who is in the system, with all its stamps, and the state of the engine: the slots, the lines, the events due.
Tips and visits are numbered anew in each slice; their order stays, and so does everything that is decided by it.

Only plain worlds can be sliced: nobody is told apart, lines are first come, first served with one overflow pool at
most, and tips are in one place at a time. That is what `PLAIN` of the visits is about.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics import machinery as m
from sim.dynamics.clock import NEVER
from sim.dynamics.compiled import (
    empty_lists,
    followed_delays,
    needs_people,
    needs_queues,
    nobody_yet,
    nothing_due,
    rooms,
    spells_of,
    tables,
)
from sim.dynamics.log import Log, Overtime
from sim.dynamics.loop import run
from sim.dynamics.order import event_key
from sim.dynamics.replication import Flags, Plan, Replication, Rules, Ticks, Tips, Visits

OF_VISIT: Final = ("kind", "work", "tier", "labeller")
OF_TIP: Final = ("final_tier", "final_labeller")
OF_ATTEMPT: Final = ("patience", "retry_after")
PLAIN: Final = (*OF_VISIT, *OF_TIP, *OF_ATTEMPT, "first_attempt")
"""The columns of Visits that plain worlds have; all others are empty there."""

STAMPS_OF_VISIT: Final = ("enter", "start", "end", "outcome", "attempt", "worked_at")

ONE_TIP: Final = event_key(0, 1)
"""By so much the key of an event differs from that of the next tip."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What goes from one slice to the next, with the tips and visits numbered as in `tips` and `visits`."""

    tips: Tips
    """Who is in the system, in order of arrival, and then who was handed in and has not come yet."""
    visits: Visits
    stamps: m.Stamps
    n_inside: int
    """How many of the tips are in the system."""
    next_plan: int
    """Row of the plan that is next."""
    slots: Ticks
    """(n, N_COLUMNS) as far as any was ever taken."""
    free: Ticks
    """How many slots are free, how many were ever taken, and those that are free."""
    idle: Ticks
    waiting: Ticks
    lists: m.Lists
    heap: Ticks
    """(n, 5) the events due, by tick and key, without stale ones."""
    soon_tick: Ticks
    soon_slot: Ticks
    spells: Ticks
    """(n, 9) spells written down of tips that are in the system."""


class InSlices:
    """One replication of a plain world, slice by slice."""

    def __init__(self, rules: Rules, plan: Plan, index: int = 0, seed: int = 0) -> None:
        """ValueError, at the first slice, for a world that is not plain."""
        self.rules, self.plan, self.index, self.seed = rules, plan, index, seed
        self._state: State | None = None
        self._rooms = rooms()
        self._room = next(self._rooms)

    @property
    def n_inside(self) -> int:
        """How many tips are in the system, and how many have been handed in and are not there yet."""
        return 0 if self._state is None else len(self._state.tips)

    def advance(self, tips: Tips, visits: Visits, until: int) -> tuple[Replication, Log]:
        """Let further tips come and go on up to a tick, which is left out; gives those that are over by then.

        No later tip may arrive before `until`. The tips that are given lie in the order of their arrival, and their
        stamps are those that they would have had in one run.
        """
        if self._state is not None:
            tips, visits = _one_after_other(self._state.tips, self._state.visits, tips, visits)
        return self._go_on(tips, visits, min(until, self.rules.horizon - 1))

    def close(self) -> tuple[Replication, Log]:
        """Go on to the horizon, when no more tips come; gives all that are left, as they are then.

        ValueError where no tips were ever handed in, be it none of them.
        """
        if self._state is None:
            raise ValueError("no tips were handed in")
        return self._go_on(self._state.tips, self._state.visits, self.rules.horizon)

    def _go_on(self, tips: Tips, visits: Visits, until: int) -> tuple[Replication, Log]:
        before, horizon = self._state, self.rules.horizon
        here = Replication(tips, visits, self.rules, self.plan, self.index, self.seed)
        _hold_plain(here)
        stamps = _stamps(here, before)
        given = tables(here)
        *_, lines, _ = given
        followed = followed_delays(here, False)
        while True:
            working, due = self._tables(here, before)
            lists = empty_lists(here, lines)
            progress = np.array([0, 0, until])
            if before is not None:
                progress[:2] = before.next_plan, before.n_inside
                for now, old in zip(lists, before.lists, strict=True):
                    now[:] = old
            clock = self.rules.gates, horizon, progress
            if run(*given, clock, stamps, lists, due, working, None, None, None, followed):
                break
            self._room = next(self._rooms)
        next_plan, next_tip = progress[:2].tolist()
        slots = working.slots[: working.free[1]].copy()
        inside = np.flatnonzero(slots[:, m.STATE] != m.FREE)
        stays = np.zeros(len(tips), np.bool_)
        if until < horizon:
            stays[next_tip:] = True
            stays[slots[inside, m.TIP]] = True
        written = working.spells[1 : working.spells[0, 0] + 1]
        over, over_stamps, own = _those(here, stamps, ~stays, written)
        log = _log(over, over_stamps, own, horizon)
        if until < horizon:
            left, left_stamps, own = _those(here, stamps, stays, written)
            heap = due.heap[1 : due.heap[0, 0] + 1].copy()
            heap = _renumber(slots, inside, heap, here.tips, left.tips, np.cumsum(stays) - 1)
            free = working.free[: 2 + working.free[0]].copy()
            self._state = State(
                left.tips,
                left.visits,
                left_stamps,
                len(inside),
                next_plan,
                slots,
                free,
                working.idle,
                working.waiting,
                lists,
                heap,
                due.soon_tick,
                due.soon_slot,
                own,
            )
        return over, log

    def _tables(self, here: Replication, before: State | None) -> tuple[m.Working, m.Due]:
        """The working tables as they were left, with room for what comes."""
        if before is None:
            return nobody_yet(self._room, here, 0, False), nothing_due(self._room)
        most = max(len(before.slots), len(before.heap), len(before.spells))
        while most >= self._room:
            self._room = next(self._rooms)
        working, due = nobody_yet(self._room, here, 0, False), nothing_due(self._room)
        kept: list[tuple[Ticks, Ticks]] = [
            (working.slots, before.slots),
            (working.free, before.free),
            (working.idle, before.idle),
            (working.waiting, before.waiting),
            (working.spells[1:], before.spells),
            (due.heap[1:], before.heap),
            (due.soon_tick, before.soon_tick),
            (due.soon_slot, before.soon_slot),
        ]
        for table, old in kept:
            table[: len(old)] = old
        working.spells[0, 0], due.heap[0, 0] = len(before.spells), len(before.heap)
        return working, due


def _hold_plain(here: Replication) -> None:
    """Nothing if a world is plain; else ValueError."""
    visits = here.visits
    more = [one.name for one in fields(visits) if one.name not in PLAIN and getattr(visits, one.name).size]
    if more or here.tips.incident.size or needs_queues(here) or needs_people(here):
        raise ValueError(f"only plain worlds can be simulated in slices (this one has {', '.join(more) or 'more'})")


def _one_after_other(tips: Tips, visits: Visits, later: Tips, more: Visits) -> tuple[Tips, Visits]:
    """Tips with those that come after them."""
    both = {
        name: np.concatenate([getattr(tips, name), getattr(later, name)])
        for name in ("arrival", "centre", "channel", "risk", "category")
    }
    first_visit = np.concatenate([tips.first_visit[:-1], later.first_visit + len(visits)])
    own = np.concatenate([tips.own, later.own], axis=1)
    of_visits = {
        name: np.concatenate([getattr(visits, name), getattr(more, name)]) for name in (*OF_VISIT, *OF_TIP, *OF_ATTEMPT)
    }
    # Where a stage has no attempts this stands for nothing, and is 0 on both sides.
    first_attempt = np.concatenate([visits.first_attempt, more.first_attempt + len(visits.patience)])
    n_backlog = tips.n_backlog + later.n_backlog
    return (
        Tips(first_visit=first_visit, n_backlog=n_backlog, own=own, **both),
        Visits(first_attempt=first_attempt, **of_visits),
    )


def _stamps(here: Replication, before: State | None) -> m.Stamps:
    """Room for the stamps of a slice, those that its tips have already filled in."""
    n_visits, n_tips, n_attempts = len(here.visits), len(here.tips), len(here.visits.patience)
    enter, start, end = (np.empty(n_visits, np.int64) for _ in range(3))
    attempt, worked_at = (np.empty(n_visits, np.int32) for _ in range(2))
    lost, gave_up = np.full(n_tips, NEVER), np.full(n_attempts, NEVER)
    found = m.Stamps(enter, start, end, np.empty(n_visits, np.int8), attempt, worked_at, lost, gave_up)
    if before is not None:
        for name in m.Stamps._fields:
            old = getattr(before.stamps, name)
            getattr(found, name)[: len(old)] = old
    return found


def _those(
    here: Replication, stamps: m.Stamps, some: Flags, written: NDArray[Any]
) -> tuple[Replication, m.Stamps, Ticks]:
    """Some of the tips, with their visits and stamps, and those of the spells written down that are theirs."""
    tips, visits, rules = here.tips, here.visits, here.rules
    length = np.diff(tips.first_visit)
    mine = np.repeat(some, length)
    attempts = rules.stages.attempts[rules.kinds.stage[visits.kind]]
    of_attempt = np.repeat(mine, attempts) if len(visits.patience) else np.zeros(0, np.bool_)
    first_visit = np.concatenate([[0], np.cumsum(length[some])])
    first_attempt = visits.first_attempt[mine]
    if len(visits.patience):
        kept = attempts[mine]
        first_attempt = np.where(kept > 0, np.cumsum(kept, dtype=np.int64) - kept, 0)
    found = replace(
        tips,
        **{name: getattr(tips, name)[some] for name in ("arrival", "centre", "channel", "risk", "category")},
        first_visit=first_visit,
        n_backlog=int(np.count_nonzero(some[: tips.n_backlog])),
        own=np.ascontiguousarray(tips.own[:, some]) if len(tips.own) else np.empty((0, len(first_visit) - 1), np.int32),
    )
    columns: dict[str, NDArray[Any]] = {"first_attempt": first_attempt}
    for names, which in ((OF_VISIT, mine), (OF_TIP, some), (OF_ATTEMPT, of_attempt)):
        columns |= {name: column[which] if (column := getattr(visits, name)).size else column for name in names}
    of_visit = {name: getattr(stamps, name)[mine] for name in STAMPS_OF_VISIT}
    own_stamps = m.Stamps(**of_visit, lost=stamps.lost[some], gave_up=stamps.gave_up[of_attempt])
    own = written[mine[written[:, 0]]]
    own[:, 0] = np.cumsum(mine)[own[:, 0]] - 1
    return replace(here, tips=found, visits=Visits(**columns)), own_stamps, own


def _renumber(slots: Ticks, inside: Ticks, heap: Ticks, old: Tips, new: Tips, now_at: Ticks) -> Ticks:
    """Let the slots name tips and visits by their new numbers; gives the events due likewise, without stale ones.

    Numbers change and their order does not, so that all keys stay in order too.
    """
    live = (slots[heap[:, 2], m.VISIT] == heap[:, 3]) & (slots[heap[:, 2], m.STATE] != m.FREE)
    heap = heap[live]
    tip, visit = slots[inside, m.TIP], slots[inside, m.VISIT]
    moved = now_at[tip] - tip
    slots[inside, m.TIP] += moved
    slots[inside, m.VISIT] = new.first_visit[now_at[tip]] + visit - old.first_visit[tip]
    slots[inside, m.END_KEY] += moved * ONE_TIP
    by_slot = np.zeros(len(slots), np.int64)
    by_slot[inside] = moved
    heap[:, 1] += by_slot[heap[:, 2]] * ONE_TIP
    heap[:, 3] = slots[heap[:, 2], m.VISIT]
    # A table in order of its keys is a heap.
    return heap[np.lexsort((heap[:, 1], heap[:, 0]))]


def _log(over: Replication, stamps: m.Stamps, written: Ticks, horizon: int) -> Log:
    """The log of tips that are over."""
    nobody, never = np.zeros(0, np.int32), np.zeros(0, np.int64)
    return Log(
        stamps.enter,
        stamps.start,
        stamps.end,
        stamps.outcome,
        stamps.attempt,
        stamps.lost,
        stamps.gave_up,
        never,
        spells_of(stamps, over.visits.work, None, written, horizon),
        Overtime(nobody, nobody, never, never),
    )
