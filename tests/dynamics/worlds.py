"""Small random worlds in which much happens at once, and the count of what happened in them.

Every number comes from a tiny range, so that most events share their tick with others: that is where engines differ.
A world is made from arrays alone; it may be one that no scenario would describe.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sim.dynamics.replication import FINISH, HAND_OVER, RESTART, RESUME, Replication
from tests.dynamics.build import Change, Pool, Stage, Tip, Visit, places, world

AT_SHIFT_END = (FINISH, RESUME, HAND_OVER, RESTART)


@dataclass(frozen=True)
class _Taste:
    """What a world is rich in; each is a chance, or a largest number of ticks."""

    work: int
    gap: float
    ranks: int
    preempt: float
    gate: float
    patience: float
    delay: float
    overflow: float
    nothing: float
    """Chance of zero work, zero patience, no pause before a retry, and overflow at once."""
    crowd: int
    """Slots and tips are so many times as many: dozens at work at once."""


def random_world(seed: int) -> Replication:
    """The world of a seed: 1-3 centres, 1-4 pools, 1-5 stages, 5-60 tips, up to 90 ticks; some are far more crowded."""
    rng = np.random.default_rng(seed)
    taste = _Taste(
        work=int(rng.choice([2, 4, 9])),
        gap=float(rng.choice([0.3, 0.8, 1.5])),
        ranks=int(rng.integers(1, 4)),
        preempt=float(rng.choice([0.0, 0.6])),
        gate=float(rng.choice([0.0, 0.7])),
        patience=float(rng.choice([0.0, 0.8])),
        delay=float(rng.choice([0.0, 0.3])),
        overflow=float(rng.choice([0.0, 0.8])),
        nothing=float(rng.choice([0.05, 0.3])),
        crowd=int(rng.choice([1, 20], p=[0.96, 0.04])),
    )
    horizon = int(rng.integers(12, 90))
    centres = int(rng.choice([1, 1, 2, 3]))
    pools = [_pool(rng, taste, name, centres, horizon) for name in "abcd"[: rng.integers(1, 5)]]
    stages = _with_windows(np.random.default_rng((seed, 1)), _stages(rng, taste, pools), horizon)
    attempts = [int(rng.integers(1, 4)) if s.pool and rng.random() < taste.patience else 0 for s in stages]
    n_tips = int(rng.integers(5, 61)) * (1 if taste.crowd == 1 else 5)
    backlog = int(rng.integers(1, 6)) if rng.random() < 0.35 else 0
    arrival = np.floor(np.cumsum(rng.exponential(taste.gap / taste.crowd, n_tips))).astype(int)
    arrival[:backlog] = 0
    tips = [Tip(int(tick), _route(rng, taste, stages, attempts), int(rng.integers(centres))) for tick in arrival]
    return world(
        pools=pools,
        stages=stages,
        tips=tips,
        centres=centres,
        backlog=backlog,
        horizon=horizon,
        since_midnight=int(rng.integers(0, 7)),
    )


def _pool(rng: np.random.Generator, taste: _Taste, name: str, centres: int, horizon: int) -> Pool:
    shared = bool(rng.random() < 0.3)
    pool = Pool(
        name,
        staff=int(rng.integers(0, 3)),
        at_shift_end=int(rng.choice(AT_SHIFT_END)),
        hand_over=int(rng.integers(0, 3)),
        concurrency=int(rng.choice([1, 1, 2, 3])) * taste.crowd,
        shared=shared,
    )
    if rng.random() < 0.2:
        return Pool(name, staff=int(rng.integers(1, 3)), concurrency=pool.concurrency, shared=shared)
    changes: list[Change] = []
    for centre in range(places(pool, centres)):
        changes += _changes(rng, pool.staff, horizon, centre)
    return Pool(name, pool.staff, changes, pool.at_shift_end, pool.hand_over, pool.concurrency, shared)


def _changes(rng: np.random.Generator, staff: int, horizon: int, centre: int) -> list[Change]:
    """Changes of one place on a coarse grid of ticks, so that places share them; nobody leaves who is not there."""
    step = int(rng.choice([2, 3, 4, 5]))
    changes = []
    on_break = 0
    for tick in range(step, horizon + 2 * step, step):
        leaving = int(rng.integers(0, staff + 1)) if rng.random() < 0.7 else 0
        joining = int(rng.integers(0, 3)) if rng.random() < 0.5 and staff - leaving < 4 else 0
        if rng.random() < 0.15:
            leaving = joining = staff
        pausing = int(rng.integers(0, leaving + 1))
        returning = int(rng.integers(0, on_break + 1))
        on_break += pausing - returning
        staff += returning + joining - leaving
        if leaving or returning or joining:
            changes.append(Change(tick, leaving, returning, joining, centre))
    return changes


def _stages(rng: np.random.Generator, taste: _Taste, pools: list[Pool]) -> list[Stage]:
    """Stages that may share a pool and may overflow into each other's; a world has at least one with a pool."""
    stages = []
    for index in range(int(rng.integers(1, 6))):
        every = int(rng.integers(2, 8)) if rng.random() < taste.gate else 0
        if index > 0 and rng.random() < taste.delay:
            stages.append(Stage(every=every))
            continue
        own = int(rng.integers(len(pools)))
        if len(pools) == 1 or rng.random() >= taste.overflow:
            stages.append(Stage(pools[own].name, every=every))
            continue
        other = (own + int(rng.integers(1, len(pools)))) % len(pools)
        after = 0 if rng.random() < taste.nothing else int(rng.integers(1, 4))
        stages.append(Stage(pools[own].name, pools[other].name, after, every))
    return stages


def _with_windows(rng: np.random.Generator, stages: list[Stage], horizon: int) -> list[Stage]:
    """The stages, some of whose gates open in windows: instants and longer ones, on a coarse grid, at times none."""
    if rng.random() < 0.6:
        return stages
    return [replace(stage, open=_open(rng, horizon)) if rng.random() < 0.5 else stage for stage in stages]


def _open(rng: np.random.Generator, horizon: int) -> list[tuple[int, int]]:
    edges = np.unique(rng.integers(0, horizon // 2 + 1, 2 * int(rng.integers(0, 5)))) * 2
    windows = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=False))
    return [(opens, opens + 1 if rng.random() < 0.3 else closes) for opens, closes in windows]


def _route(rng: np.random.Generator, taste: _Taste, stages: list[Stage], attempts: list[int]) -> list[Visit]:
    """The stages in order, some skipped, and at times back to an earlier one, as after rework; rarely none at all."""
    if rng.random() < 0.02:
        return []
    order = [s for s in range(len(stages)) if rng.random() < 0.8] or [0]
    if rng.random() < 0.25:
        back = int(rng.integers(len(order)))
        order += order[back:]
    return [_visit(rng, taste, stages[s], s, attempts[s]) for s in order]


def _visit(rng: np.random.Generator, taste: _Taste, stage: Stage, index: int, attempts: int) -> Visit:
    def ticks(most: int) -> int:
        return 0 if rng.random() < taste.nothing else int(rng.integers(1, most + 1))

    if stage.pool is None:
        return Visit(index, ticks(taste.work))
    tries = int(rng.integers(1, attempts + 1)) if attempts else 0
    spill = stage.overflow is not None
    return Visit(
        index,
        ticks(taste.work),
        rank=int(rng.integers(taste.ranks)),
        preempts=bool(rng.random() < taste.preempt),
        overflow_rank=int(rng.integers(taste.ranks)) if spill else 0,
        overflow_preempts=bool(spill and rng.random() < taste.preempt),
        patience=[ticks(6) for _ in range(tries)],
        retry=[ticks(5) for _ in range(tries - 1)],
    )
