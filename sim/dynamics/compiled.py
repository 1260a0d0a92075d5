"""The compiled engine: the same dynamics as the reference, over arrays.

The loop itself is in `loop.py`; here it gets its tables, and what it stamped becomes a Log.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"
from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sim.dynamics import hands as h
from sim.dynamics import machinery as m
from sim.dynamics.clock import NEVER
from sim.dynamics.kernels import njit
from sim.dynamics.log import CUT, DONE, SERVED, Log, Overtime, Spells
from sim.dynamics.loop import run
from sim.dynamics.order import line_key, serving_key
from sim.dynamics.replication import FULL_SPEED, NO_PLACE, NOBODY, Replication, Rules, Speeds


def simulate(replication: Replication) -> Log:
    """The log of a replication, equal to the reference engine's in every array."""
    tips, visits, rules, plan = replication.tips, replication.visits, replication.rules, replication.plan
    stages, places = rules.stages, rules.places
    kinds, lines = _lines(rules)
    may_preempt = np.logical_or.reduce(lines.preempts.reshape(-1, lines.n_ranks), axis=1)
    given = (
        m.TipTable(tips.arrival, tips.centre, tips.first_visit, tips.n_backlog),
        m.VisitTable(visits.kind, visits.work, visits.first_attempt, visits.patience, visits.retry_after),
        kinds,
        m.StageTable(*(getattr(stages, name) for name in m.StageTable._fields)),
        m.PlaceTable(places.at_shift_end, places.hand_over, places.concurrency, may_preempt),
        lines,
        m.PlanTable(plan.tick, plan.place.astype(np.int64), plan.heads),
        (rules.gates, rules.horizon),
    )
    enter, start, end = (np.empty(len(visits), np.int64) for _ in range(3))
    attempt, worked_at = (np.empty(len(visits), np.int32) for _ in range(2))
    lost, gave_up = np.full(len(tips), NEVER, np.int64), np.full(len(visits.patience), NEVER, np.int64)
    log = m.Stamps(enter, start, end, np.empty(len(visits), np.int8), attempt, worked_at, lost, gave_up)
    apart = needs_people(replication)
    roster = _roster(replication) if apart else None
    for room in _rooms():
        working = _working(room, replication, apart)
        lists = m.Lists(*(np.full((n, 2), m.NIL) for n in (len(lines.place), len(places.pool), len(stages.every))))
        people = None if roster is None else h.People(roster, _pace(rules.speeds), _hands(room, replication))
        if run(*given, log, lists, _due(room), working, people):
            break
    broken = working.spells[1 : working.spells[0, 0] + 1]
    broken = broken[np.argsort(broken[:, 0], kind="stable")]
    worked_by = None if people is None else people.hands.worked_by
    spells = _spells(log, visits.work, worked_by, broken, rules.horizon)
    return Log(enter, start, end, log.outcome, attempt, lost, gave_up, Spells(*spells), _overtime(people))


def needs_people(replication: Replication) -> bool:
    """Whether a replication needs more than heads at full speed that are free when the tip goes on."""
    rules = replication.rules
    return bool(rules.places.tells_apart.any() or rules.speeds.varies.any() or replication.visits.wrap_up.any())


def ready() -> bool:
    """Whether this process has the engine compiled or loaded."""
    return bool(run.signatures)


def compiling() -> bool:
    """Whether the engine had to be compiled, or is being compiled now, because no compiled one was kept."""
    return bool(run.stats.cache_misses)


def _rooms() -> Iterator[int]:
    """Sizes of the working tables to try in turn: few tips are in the system at once, unless a line grows all year.

    What is not written to takes no memory, so the first size may be ample: each further one runs everything again.
    """
    room = 16_384
    while True:
        yield room
        room *= 8


def _working(room: int, replication: Replication, apart: bool) -> m.Working:
    """Nobody in the system yet, and room for so many tips at once."""
    n_places = len(replication.rules.places.pool)
    free = np.empty(room + 2, np.int64)
    free[:2] = 0
    idle, waiting, to_settle = np.zeros((3, n_places + 1), np.int64)
    slots = np.empty((room, m.N_COLUMNS_WITH_PEOPLE if apart else m.N_COLUMNS), np.int64)
    # Each wrap-up is written down, and the spell before it.
    n_spells = 2 * room + 2 * int(np.count_nonzero(replication.visits.wrap_up))
    spells = np.empty((n_spells + 1, 9), np.int64)
    spells[0] = 0
    return m.Working(slots, free, idle, waiting, np.zeros(n_places, np.bool_), to_settle, spells)


def _due(room: int) -> m.Due:
    """Nothing to come yet."""
    heap, soon_tick, soon_slot = np.empty((2 * room + 1, 5), np.int64), *np.zeros((2, m.N_SOON + 1), np.int64)
    heap[0] = 0
    return m.Due(heap, soon_tick, soon_slot)


def _roster(replication: Replication) -> h.Roster:
    """People, with the queues of each place: one for each number of tips in hand with which one may take another."""
    places, plan = replication.rules.places, replication.plan
    most = int(places.concurrency.max(initial=1))
    queue = np.arange(len(places.pool) * most, dtype=np.int64).reshape(-1, most)
    in_order = np.sort(queue, axis=1)
    for row, slots in enumerate(places.concurrency.tolist()):
        in_order[row, :slots] = queue[row, sorted(range(slots), key=lambda in_hand: serving_key(in_hand, 0, 0))]
    return h.Roster(
        places.tells_apart,
        plan.people.place.astype(np.int64),
        queue,
        in_order,
        plan.first_action,
        plan.action,
        plan.person,
        replication.visits.wrap_up,
    )


def _pace(speeds: Speeds) -> h.Pace:
    by_hand_varies = (speeds.by_hand != FULL_SPEED).any(axis=1)
    steps = speeds.first_step, speeds.tick, speeds.by_tick
    return h.Pace(speeds.varies, by_hand_varies, *steps, speeds.by_stage, speeds.by_hand, speeds.first_step[:-1].copy())


def _hands(room: int, replication: Replication) -> h.Hands:
    """Nobody is there yet."""
    places, n_people = replication.rules.places, len(replication.plan.people)
    n_places = len(places.pool)
    table = np.zeros((n_people, h.N_COLUMNS), np.int64)
    queues = np.full((n_places * int(places.concurrency.max(initial=1)), 2), m.NIL)
    overtime = np.empty((room + 2 * n_people + 1, 4), np.int64)
    overtime[0] = 0
    return h.Hands(
        table,
        queues,
        np.full((n_people, 2), m.NIL),
        np.full((1, 2), m.NIL),
        np.zeros(n_places, np.int64),
        np.empty(len(replication.visits), np.int32),
        overtime,
    )


def _overtime(people: h.People | None) -> Overtime:
    """Stretches of overtime in order of (from, place, person)."""
    if people is None:
        nothing = np.zeros(0, np.int64)
        return Overtime(nothing.astype(np.int32), nothing.astype(np.int32), nothing, nothing)
    overtime = people.hands.overtime[1 : people.hands.overtime[0, 0] + 1]
    overtime = overtime[np.lexsort((overtime[:, 2], overtime[:, 1], overtime[:, 0]))]
    since, where, who, until = (np.ascontiguousarray(overtime[:, column]) for column in range(4))
    return Overtime(where.astype(np.int32), who.astype(np.int32), since, until)


def _lines(rules: Rules) -> tuple[m.KindTable, m.Lines]:
    """The kinds with the lists in which they wait, and the lists: each place has as many as there are ranks."""
    kinds, stages, pool = rules.kinds, rules.stages, rules.places.pool
    n_ranks = 1 + max(int(kinds.rank.max(initial=0)), int(kinds.overflow_rank.max(initial=0)))
    ranks = np.array(sorted(range(n_ranks), key=lambda rank: line_key(rank, 0, 0)))
    list_of = np.argsort(ranks)
    own, overflow = list_of[kinds.rank], list_of[kinds.overflow_rank]
    preempts = np.zeros((len(pool), n_ranks), np.bool_)
    for first, lists, may in (
        (stages.place, own, kinds.preempts),
        (stages.overflow, overflow, kinds.overflow_preempts),
    ):
        for kind in np.flatnonzero(may & (first[kinds.stage] != NO_PLACE)):
            preempts[pool == pool[first[kinds.stage[kind]]], lists[kind]] = True
    place = np.repeat(np.arange(len(pool)), n_ranks)
    lines = m.Lines(place, np.tile(ranks, len(pool)), preempts.ravel(), n_ranks)
    return m.KindTable(kinds.stage.astype(np.int64), own, kinds.preempts, overflow, kinds.overflow_preempts), lines


@njit(cache=True, nogil=True)
def _spells(log, work, worked_by, broken, horizon):
    """Every spell in order of visit: those written down of a visit that has any, or the one that its stamps tell.

    `worked_by` says who served each visit, or is None where nobody is told apart.
    """
    start, end, outcome, attempt, worked_at = log.start, log.end, log.outcome, log.attempt, log.worked_at
    n_spells = broken.shape[0]
    for v in range(start.shape[0]):
        n_spells += worked_at[v] != NO_PLACE
    for row in range(broken.shape[0]):
        n_spells -= row == 0 or broken[row, 0] != broken[row - 1, 0]
    visit, began, ended, done = (
        np.empty(n_spells, np.int64),
        np.empty(n_spells, np.int64),
        np.empty(n_spells, np.int64),
        np.empty(n_spells, np.int64),
    )
    of_attempt, place, why = np.empty(n_spells, np.int32), np.empty(n_spells, np.int32), np.empty(n_spells, np.int32)
    person, wrapping = np.full(n_spells, NOBODY, np.int32), np.zeros(n_spells, np.bool_)
    row = 0
    next_broken = 0
    for v in range(start.shape[0]):
        if next_broken < broken.shape[0] and broken[next_broken, 0] == v:
            while next_broken < broken.shape[0] and broken[next_broken, 0] == v:
                visit[row], of_attempt[row] = v, broken[next_broken, 1]
                place[row], person[row] = broken[next_broken, 2], broken[next_broken, 3]
                began[row], ended[row] = broken[next_broken, 4], broken[next_broken, 5]
                done[row], why[row] = broken[next_broken, 6], broken[next_broken, 7]
                wrapping[row] = broken[next_broken, 8] != 0
                next_broken += 1
                row += 1
        elif worked_at[v] != NO_PLACE:
            visit[row], of_attempt[row], place[row], began[row] = v, attempt[v], worked_at[v], start[v]
            if worked_by is not None:
                person[row] = worked_by[v]
            if outcome[v] == SERVED:
                ended[row], done[row], why[row] = end[v], work[v], DONE
            else:
                ended[row], done[row], why[row] = horizon, horizon - start[v], CUT
            row += 1
    return visit, of_attempt, place, person, began, ended, done, why, wrapping
