"""The compiled engine in slices of time, so that memory holds those who are in the system and not all who ever come.

Tips are handed in as they come, and those that are over are handed out and forgotten. What goes from one slice to the
next is who is in the system, with all its stamps, and the state of the engine: of the loop the slots, the lines, the
events due; where stages are run one after the other, nothing, for all of it is in the stamps. Tips and visits are
numbered anew in each slice; their order stays, and so does everything that is decided by it.

Only plain worlds can be sliced: nobody is told apart, lines are first come, first served with one overflow pool at
most, and tips are in one place at a time. That is what `PLAIN` of the visits is about.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.dynamics import machinery as m
from sim.dynamics import stations as s
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
    tables_of_rules,
    tables_of_tips,
)
from sim.dynamics.log import Log, Overtime
from sim.dynamics.loop import run, take_over
from sim.dynamics.order import event_key
from sim.dynamics.replication import Flags, Plan, Replication, Rules, Ticks, Tips, Visits

if TYPE_CHECKING:
    from collections.abc import Sequence

PLAIN_OF_TIPS: Final = ("arrival", "centre", "channel", "risk", "category")
OF_VISIT: Final = ("kind", "work", "tier", "labeller")
OF_TIP: Final = ("final_tier", "final_labeller")
OF_ATTEMPT: Final = ("patience", "retry_after")
PLAIN: Final = (*OF_VISIT, *OF_TIP, *OF_ATTEMPT, "first_attempt")
"""The columns of Visits that plain worlds have; all others are empty there."""

STAMPS_OF_VISIT: Final = ("enter", "start", "end", "outcome", "attempt", "worked_at")

ONE_TIP: Final = event_key(0, 1)
"""By so much the key of an event differs from that of the next tip."""


@dataclass(frozen=True, slots=True, eq=False)
class InLoop:
    """What the loop knows beside the stamps, with tips and visits numbered as in State."""

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


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What goes from one slice to the next."""

    tips: Tips
    """Who is in the system, in order of arrival, and then who was handed in and has not come yet."""
    visits: Visits
    stamps: m.Stamps
    n_inside: int
    """How many of the tips are in the system."""
    until: int
    """The tick up to which they have gone on."""
    at: Ticks
    """(n_inside,) the visits that they are at, where the slice was run stage by stage: all else is in the stamps."""
    loop: InLoop | None
    """What there is beside where it was run by the loop."""


class InSlices:
    """One replication of a plain world, slice by slice.

    Slices are run stage by stage (`stations`) until one comes that cannot be; that and all later ones are the loop's.
    """

    def __init__(self, rules: Rules, plan: Plan, index: int = 0, seed: int = 0) -> None:
        """ValueError, at the first slice, for a world that is not plain."""
        self.rules, self.plan, self.index, self.seed = rules, plan, index, seed
        self._state: State | None = None
        self._tables_of_rules = tables_of_rules(rules, plan)
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
        before = [] if self._state is None else [(self._state.tips, self._state.visits)]
        return self._go_on(*_one_after_other([*before, (tips, visits)]), min(until, self.rules.horizon - 1))

    def close(self) -> tuple[Replication, Log]:
        """Go on to the horizon, when no more tips come; gives all that are left, as they are then.

        ValueError where no tips were ever handed in, be it none of them.
        """
        if self._state is None:
            raise ValueError("no tips were handed in")
        return self._go_on(self._state.tips, self._state.visits, self.rules.horizon)

    def _go_on(self, tips: Tips, visits: Visits, until: int) -> tuple[Replication, Log]:
        """Go on with these tips, whose arrays are given away; gives those that are over."""
        here = Replication(tips, visits, self.rules, self.plan, self.index, self.seed)
        _hold_plain(here)
        before = self._state
        way = None if before is not None and before.loop is not None else s.way_of(here)
        stamps, given = _stamps(here, before), (*tables_of_tips(here), *self._tables_of_rules)
        if way is not None:
            return self._stage_by_stage(here, stamps, given, until, way)
        return self._by_loop(here, stamps, given, until)

    def _stage_by_stage(
        self, here: Replication, stamps: m.Stamps, given: tuple[Any, ...], until: int, way: s.Way
    ) -> tuple[Replication, Log]:
        before, horizon, none = self._state, self.rules.horizon, np.empty((0, 9), np.int64)
        at, since = (none[:, 0], 0) if before is None else (before.at, before.until)
        n_came = s.stamp(here, given, stamps, way, at, since, until)
        if until == horizon:
            return here, _log(here, stamps, none, horizon)
        stays, at = s.who_stays(here.tips, stamps, n_came, until)
        left, over = _apart(here, stamps, none, stays)
        inside = np.flatnonzero(stays)[: len(at)]
        at = at - here.tips.first_visit[inside] + left.here.tips.first_visit[: len(at)]
        self._state = State(left.here.tips, left.here.visits, left.stamps, len(at), until, at, None)
        return over.here, _log(over.here, over.stamps, none, horizon)

    def _by_loop(
        self, here: Replication, stamps: m.Stamps, given: tuple[Any, ...], until: int
    ) -> tuple[Replication, Log]:
        before, tips, horizon = self._state, here.tips, self.rules.horizon
        *_, lines, _ = given
        followed = followed_delays(here, False)
        known = None if before is None else before.loop or _taken_over(here, stamps, given, before)
        while True:
            working, due = self._tables(here, known)
            lists = empty_lists(here, lines)
            progress = np.array([0, 0, until])
            if before is not None and known is not None:
                progress[:2] = known.next_plan, before.n_inside
                for now, old in zip(lists, known.lists, strict=True):
                    now[:] = old
            clock = self.rules.gates, horizon, progress
            if run(*given, clock, stamps, lists, due, working, None, None, None, followed):
                break
            self._room = next(self._rooms)
        written = working.spells[1 : working.spells[0, 0] + 1]
        if until == horizon:
            return here, _log(here, stamps, written, horizon)
        next_plan, next_tip = progress[:2].tolist()
        slots = working.slots[: working.free[1]].copy()
        inside = np.flatnonzero(slots[:, m.STATE] != m.FREE)
        stays = np.zeros(len(tips), np.bool_)
        stays[next_tip:] = True
        stays[slots[inside, m.TIP]] = True
        left, over = _apart(here, stamps, written, stays)
        heap = due.heap[1 : due.heap[0, 0] + 1].copy()
        heap = _renumber(slots, inside, heap, tips.first_visit, left.here.tips.first_visit, np.cumsum(stays) - 1)
        free = working.free[: 2 + working.free[0]].copy()
        soon = due.soon_tick, due.soon_slot
        loop = InLoop(next_plan, slots, free, working.idle, working.waiting, lists, heap, *soon, left.written)
        nowhere = np.empty(0, np.int64)
        self._state = State(left.here.tips, left.here.visits, left.stamps, len(inside), until, nowhere, loop)
        return over.here, _log(over.here, over.stamps, over.written, horizon)

    def _tables(self, here: Replication, known: InLoop | None) -> tuple[m.Working, m.Due]:
        """The working tables as they were left, with room for what comes."""
        if known is None:
            return nobody_yet(self._room, here, 0, False), nothing_due(self._room)
        most = max(len(known.slots), len(known.heap), len(known.spells))
        while most >= self._room:
            self._room = next(self._rooms)
        working, due = nobody_yet(self._room, here, 0, False), nothing_due(self._room)
        kept: list[tuple[Ticks, Ticks]] = [
            (working.slots, known.slots),
            (working.free, known.free),
            (working.idle, known.idle),
            (working.waiting, known.waiting),
            (working.spells[1:], known.spells),
            (due.heap[1:], known.heap),
            (due.soon_tick, known.soon_tick),
            (due.soon_slot, known.soon_slot),
        ]
        for table, old in kept:
            table[: len(old)] = old
        working.spells[0, 0], due.heap[0, 0] = len(known.spells), len(known.heap)
        return working, due


def _hold_plain(here: Replication) -> None:
    """Nothing if a world is plain; else ValueError."""
    visits = here.visits
    more = [one.name for one in fields(visits) if one.name not in PLAIN and getattr(visits, one.name).size]
    if more or here.tips.incident.size or needs_queues(here) or needs_people(here):
        raise ValueError(f"only plain worlds can be simulated in slices (this one has {', '.join(more) or 'more'})")


def _one_after_other(parts: Sequence[tuple[Tips, Visits]]) -> tuple[Tips, Visits]:
    """Tips with those that come after them, in arrays of their own."""
    tips, visits = [one for one, _ in parts], [one for _, one in parts]

    def joined(of: Sequence[Any], name: str) -> NDArray[Any]:
        return np.concatenate([getattr(one, name) for one in of])

    first_visit, first_attempt = [tips[0].first_visit], [visits[0].first_attempt]
    if len(parts) > 1:
        first_visit = [tips[0].first_visit[:-1], tips[1].first_visit + len(visits[0])]
        # Where a stage has no attempts this stands for nothing, and is 0 on both sides.
        first_attempt.append(visits[1].first_attempt + len(visits[0].patience))
    return (
        Tips(
            first_visit=np.concatenate(first_visit),
            n_backlog=sum(one.n_backlog for one in tips),
            own=np.concatenate([one.own for one in tips], axis=1),
            **{name: joined(tips, name) for name in PLAIN_OF_TIPS},
        ),
        Visits(
            first_attempt=np.concatenate(first_attempt),
            **{name: joined(visits, name) for name in (*OF_VISIT, *OF_TIP, *OF_ATTEMPT)},
        ),
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


class _Some(NamedTuple):
    """Some of the tips of a slice, with their visits and stamps, and the spells written down that are theirs."""

    here: Replication
    stamps: m.Stamps
    written: Ticks


class _Taking:
    """Rows that are taken out of columns, in which the others are moved together: up to the longest run of them, which
    stays where it is. So nearly all do, for who is still in the system has come of late."""

    def __init__(self, before: Flags, after: Flags, beyond: int):
        """Which rows are taken out before that run, and which after it, from row `beyond` on."""
        self.before, self.after, self.beyond = ~before, ~after, beyond
        self.taken = np.concatenate([np.flatnonzero(before), beyond + np.flatnonzero(after)])

    def __call__(self, column: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """The rows that are taken out, and the others, which still lie in the column."""
        taken, end, beyond = column[self.taken], len(self.before), self.beyond
        before, after = column[:end][self.before], column[beyond:][self.after]
        column[end - len(before) : end], column[beyond : beyond + len(after)] = before, after
        return taken, column[end - len(before) : beyond + len(after)]


def _apart(here: Replication, stamps: m.Stamps, written: Ticks, stays: Flags) -> tuple[_Some, _Some]:
    """The tips that stay, and the others; of what is given only `first_visit` is still as it was."""
    tips, visits, stages = here.tips, here.visits, here.rules.stages
    edge = np.concatenate([[-1], np.flatnonzero(stays), [len(stays)]])
    longest = int(np.diff(edge).argmax())
    low, high = int(edge[longest]) + 1, int(edge[longest + 1])
    length = np.diff(tips.first_visit)
    before, after = np.repeat(stays[:low], length[:low]), np.repeat(stays[high:], length[high:])
    beyond = int(tips.first_visit[high])
    attempts = stages.attempts[here.rules.kinds.stage[visits.kind]] if len(visits.patience) else np.zeros(0, np.int32)
    of_tip, of_visit = _Taking(stays[:low], stays[high:], high), _Taking(before, after, beyond)
    of_attempt = _Taking(
        np.repeat(before[: len(attempts)], attempts[: len(before)]),
        np.repeat(after[: len(attempts)], attempts[beyond:]),
        int(attempts[:beyond].sum()),
    )
    spells = _spells_apart(written, np.repeat(stays, length)) if len(written) else (written, written)
    lengths = of_tip(length)
    first_attempt = of_visit(attempts if len(attempts) else visits.first_attempt)
    own = [of_tip(row) for row in tips.own]
    of_tips = {name: of_tip(getattr(tips, name)) for name in PLAIN_OF_TIPS}
    of_visits: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {}
    for names, which in ((OF_VISIT, of_visit), (OF_TIP, of_tip), (OF_ATTEMPT, of_attempt)):
        columns = {name: getattr(visits, name) for name in names}
        of_visits |= {name: which(column) if column.size else (column, column) for name, column in columns.items()}
    of_stamps = {name: of_visit(getattr(stamps, name)) for name in STAMPS_OF_VISIT}
    of_stamps |= {"lost": of_tip(stamps.lost), "gave_up": of_attempt(stamps.gave_up)}
    n_backlog = int(np.count_nonzero(stays[: tips.n_backlog]))
    found = []
    for k, backlog in enumerate((n_backlog, tips.n_backlog - n_backlog)):
        some = replace(
            tips,
            first_visit=np.concatenate([[0], np.cumsum(lengths[k])]),
            n_backlog=backlog,
            own=np.array([row[k] for row in own], np.int32).reshape(len(own), len(lengths[k])),
            **{name: column[k] for name, column in of_tips.items()},
        )
        more = {name: column[k] for name, column in of_visits.items()}
        first = first_attempt[k]
        if len(attempts):
            first = np.where(first > 0, np.cumsum(first, dtype=np.int64) - first, 0)
        found.append(
            _Some(
                replace(here, tips=some, visits=Visits(first_attempt=first, **more)),
                m.Stamps(**{name: column[k] for name, column in of_stamps.items()}),
                spells[k],
            )
        )
    return found[0], found[1]


def _spells_apart(written: Ticks, stays: Flags) -> tuple[Ticks, Ticks]:
    """The spells written down of the visits that stay, and of the others, each with the numbers that they then have."""
    found = []
    for mine in (stays, ~stays):
        own = written[mine[written[:, 0]]]
        own[:, 0] = np.cumsum(mine)[own[:, 0]] - 1
        found.append(own)
    return found[0], found[1]


def _taken_over(here: Replication, stamps: m.Stamps, given: tuple[Any, ...], before: State) -> InLoop:
    """What the loop knows, of tips that were run stage by stage so far; their stamps become what they are there."""
    tips, visits, kinds, stages, _, lines, plan = given
    working, due = nobody_yet(before.n_inside + 1, here, 0, False), nothing_due(before.n_inside + 1)
    lists = empty_lists(here, lines)
    next_plan = int(np.searchsorted(plan.tick, before.until))
    place, heads = plan.place[:next_plan], plan.heads[:next_plan]
    np.add.at(working.idle, place, heads * here.rules.places.concurrency[place])
    take_over(before.at, tips, visits, kinds, stages, lines, stamps, lists, due, working)
    heap, free = due.heap[1 : due.heap[0, 0] + 1], working.free[:2]
    tables = working.slots, free, working.idle, working.waiting, lists, heap, due.soon_tick, due.soon_slot
    return InLoop(next_plan, *tables, working.spells[1:1])


def _renumber(slots: Ticks, inside: Ticks, heap: Ticks, old: Ticks, new: Ticks, now_at: Ticks) -> Ticks:
    """Let the slots name tips and visits by their new numbers; gives the events due likewise, without stale ones.

    `old` and `new` are the first visits of the tips, and `now_at` has the new number of each.

    Numbers change and their order does not, so that all keys stay in order too.
    """
    live = (slots[heap[:, 2], m.VISIT] == heap[:, 3]) & (slots[heap[:, 2], m.STATE] != m.FREE)
    heap = heap[live]
    tip, visit = slots[inside, m.TIP], slots[inside, m.VISIT]
    moved = now_at[tip] - tip
    slots[inside, m.TIP] += moved
    slots[inside, m.VISIT] = new[now_at[tip]] + visit - old[tip]
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
