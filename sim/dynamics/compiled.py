"""The compiled engine: the same dynamics as the reference, over arrays.

The loop itself is in `loop.py`; here it gets its tables, and what it stamped becomes a Log.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"
from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sim.dynamics import machinery as m
from sim.dynamics.clock import NEVER
from sim.dynamics.kernels import njit
from sim.dynamics.log import CUT, DONE, SERVED, Log, Overtime, Spells
from sim.dynamics.loop import run
from sim.dynamics.replication import NO_PLACE, Kinds, Replication, Stages


def simulate(replication: Replication) -> Log:
    """The log of a replication, equal to the reference engine's in every array."""
    tips, visits, rules, plan = replication.tips, replication.visits, replication.rules, replication.plan
    stages, places, kinds = rules.stages, rules.places, rules.kinds
    n_visits = len(visits)
    enter, start, end = (np.empty(n_visits, np.int64) for _ in range(3))
    outcome = np.empty(n_visits, np.int8)
    attempt, worked_at = (np.empty(n_visits, np.int32) for _ in range(2))
    lost = np.full(len(tips), NEVER, np.int64)
    first_line, line_preempts = _lines(kinds, stages, len(places.pool))
    may_preempt = np.logical_or.reduceat(line_preempts, first_line[:-1])
    someone_leaves = np.zeros(len(places.pool), np.bool_)
    someone_leaves[plan.place[plan.leaving > 0]] = True
    line_place = np.repeat(np.arange(len(places.pool)), np.diff(first_line))
    for room in _rooms():
        slots, free = np.empty((room, m.N_COLUMNS), np.int64), np.empty(room, np.int64)
        heap, broken, overtime = (np.empty((2 * room, columns), np.int64) for columns in (5, 6, 4))
        n_broken, n_overtime, n_spells = run(
            (tips.arrival, tips.centre, tips.first_visit, tips.n_backlog),
            (visits.kind, visits.work, visits.first_attempt, visits.patience, visits.retry_after),
            (kinds.stage, kinds.rank, kinds.preempts, kinds.overflow_rank, kinds.overflow_preempts),
            (stages.place, stages.place_step, stages.overflow, stages.overflow_step),
            (stages.overflow_after, stages.every, stages.attempts),
            (places.at_shift_end, places.hand_over, places.concurrency),
            (first_line, line_preempts, may_preempt, may_preempt | someone_leaves, line_place),
            (plan.tick, plan.place, plan.leaving, plan.returning, plan.joining),
            (rules.since_midnight, rules.horizon),
            (enter, start, end, outcome, attempt, worked_at, lost),
            (slots, free, heap, broken, overtime),
        )
        if n_broken != m.NIL:
            break
    broken, overtime = broken[:n_broken], overtime[:n_overtime]
    broken = broken[np.argsort(broken[:, 0], kind="stable")]
    spells = _spells(start, end, outcome, attempt, worked_at, broken, n_spells, rules.horizon)
    overtime = overtime[np.lexsort((overtime[:, 2], overtime[:, 1], overtime[:, 0]))]
    since, where, whose, until = (np.ascontiguousarray(overtime[:, column]) for column in range(4))
    return Log(
        enter,
        start,
        end,
        outcome,
        attempt,
        lost,
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


def _lines(kinds: Kinds, stages: Stages, n_places: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The lists that each place needs, one a rank: the first list of each place, and in which some tip may pre-empt."""
    users = [
        (int(where[stage]), n_places if step[stage] else int(where[stage]) + 1, rank[rows], preempts[rows])
        for where, step, rank, preempts in (
            (stages.place, stages.place_step, kinds.rank, kinds.preempts),
            (stages.overflow, stages.overflow_step, kinds.overflow_rank, kinds.overflow_preempts),
        )
        for stage in np.flatnonzero(where != NO_PLACE)
        for rows in (kinds.stage == stage,)
    ]
    n_ranks = np.ones(n_places, np.int64)
    for first, last, rank, _ in users:
        n_ranks[first:last] = np.maximum(n_ranks[first:last], rank.max(initial=0) + 1)
    first_line = np.concatenate(([0], np.cumsum(n_ranks)))
    line_preempts = np.zeros(first_line[-1], np.bool_)
    for first, last, rank, preempts in users:
        for taking in np.unique(rank[preempts]):
            line_preempts[first_line[first:last] + taking] = True
    return first_line, line_preempts


@njit(cache=True, nogil=True)
def _spells(start, end, outcome, attempt, worked_at, broken, n_spells, horizon):
    """Every spell in order of visit: an interrupted visit has them written down, any other has one, by its stamps."""
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
