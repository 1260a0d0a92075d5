"""The compiled engine: the same dynamics as the reference, over arrays.

The loop itself is in `loop.py`; here it gets its tables, and what it stamped becomes a Log.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"
from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sim.dynamics import machinery as m
from sim.dynamics.clock import NEVER
from sim.dynamics.kernels import njit
from sim.dynamics.log import CUT, DONE, SERVED, Log, Overtime, Spells
from sim.dynamics.loop import run
from sim.dynamics.order import line_key
from sim.dynamics.replication import NO_PLACE, Replication, Rules


def simulate(replication: Replication) -> Log:
    """The log of a replication, equal to the reference engine's in every array."""
    tips, visits, rules, plan = replication.tips, replication.visits, replication.rules, replication.plan
    stages, places = rules.stages, rules.places
    kinds, lines = _lines(rules)
    may_preempt = np.logical_or.reduce(lines.preempts.reshape(-1, lines.n_ranks), axis=1)
    someone_leaves = np.zeros(len(places.pool), np.bool_)
    someone_leaves[plan.place[plan.leaving > 0]] = True
    given = (
        m.TipTable(tips.arrival, tips.centre, tips.first_visit, tips.n_backlog),
        m.VisitTable(visits.kind, visits.work, visits.first_attempt, visits.patience, visits.retry_after),
        kinds,
        m.StageTable(*(getattr(stages, name) for name in m.StageTable._fields)),
        m.PlaceTable(
            places.at_shift_end, places.hand_over, places.concurrency, may_preempt, may_preempt | someone_leaves
        ),
        lines,
        m.PlanTable(plan.tick, plan.place, plan.leaving, plan.returning, plan.joining),
        (rules.since_midnight, rules.horizon),
    )
    enter, start, end = (np.empty(len(visits), np.int64) for _ in range(3))
    attempt, worked_at = (np.empty(len(visits), np.int32) for _ in range(2))
    lost, gave_up = np.full(len(tips), NEVER, np.int64), np.full(len(visits.patience), NEVER, np.int64)
    log = m.Stamps(enter, start, end, np.empty(len(visits), np.int8), attempt, worked_at, lost, gave_up)
    for room in _rooms():
        working, written = _working(room, len(places.pool)), _written(room)
        lists = m.Lists(
            *(np.full((n, 2), m.NIL) for n in (len(lines.place), *[len(places.pool)] * 2, len(stages.every)))
        )
        if run(*given, log, lists, _due(room), working, written):
            break
    broken, overtime = (table[1 : table[0, 0] + 1] for table in written)
    broken = broken[np.argsort(broken[:, 0], kind="stable")]
    spells = _spells(log, broken, rules.horizon)
    overtime = overtime[np.lexsort((overtime[:, 2], overtime[:, 1], overtime[:, 0]))]
    since, where, whose, until = (np.ascontiguousarray(overtime[:, column]) for column in range(4))
    return Log(
        enter,
        start,
        end,
        log.outcome,
        attempt,
        lost,
        gave_up,
        Spells(*spells),
        Overtime(where.astype(np.int32), whose, since, until),
    )


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


def _working(room: int, n_places: int) -> m.Working:
    """Nobody in the system yet, and room for so many tips at once."""
    free = np.empty(room + 2, np.int64)
    free[:2] = 0
    idle, waiting, to_settle = np.zeros((3, n_places + 1), np.int64)
    slots = np.empty((room, m.N_COLUMNS), np.int64)
    return m.Working(slots, free, idle, waiting, np.zeros(n_places, np.bool_), to_settle)


def _due(room: int) -> m.Due:
    """Nothing to come yet."""
    heap, soon_tick, soon_slot = np.empty((2 * room + 1, 5), np.int64), *np.zeros((2, m.N_SOON + 1), np.int64)
    heap[0] = 0
    return m.Due(heap, soon_tick, soon_slot)


def _written(room: int) -> m.Written:
    """Nothing written down yet."""
    broken, overtime = (np.empty((2 * room + 1, columns), np.int64) for columns in (6, 4))
    broken[0] = overtime[0] = 0
    return m.Written(broken, overtime)


def _lines(rules: Rules) -> tuple[m.KindTable, m.Lines]:
    """The kinds with the lists in which they wait, and the lists: each place has as many as there are ranks."""
    kinds, stages, pool = rules.kinds, rules.stages, rules.places.pool
    n_ranks = 1 + max(int(kinds.rank.max(initial=0)), int(kinds.overflow_rank.max(initial=0)))
    ranks = np.array(sorted(range(n_ranks), key=lambda rank: line_key(rank, 0, 0)))
    list_of = np.argsort(ranks).astype(np.int32)
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
    return m.KindTable(kinds.stage, own, kinds.preempts, overflow, kinds.overflow_preempts), lines


@njit(cache=True, nogil=True)
def _spells(log, broken, horizon):
    """Every spell in order of visit: an interrupted visit has them written down, any other has one, by its stamps."""
    start, end, outcome, attempt, worked_at = log.start, log.end, log.outcome, log.attempt, log.worked_at
    n_spells = broken.shape[0]
    for v in range(start.shape[0]):
        n_spells += worked_at[v] != NO_PLACE
    for row in range(broken.shape[0]):
        n_spells -= row == 0 or broken[row, 0] != broken[row - 1, 0]
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
