"""Worlds put together by hand: a Replication from a few readable lines, and its Log as rows.

    world(
        pools=[Pool("desk", staff=1)],
        stages=[Stage("desk")],
        tips=[tip(0, 10), tip(3, 5)],
    )

is one server with two tips: one comes at tick 0 with 10 ticks of work, one at tick 3 with 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sim.dynamics.clock import NEVER
from sim.dynamics.log import Log
from sim.dynamics.replication import (
    BY_WINDOWS,
    FINISH,
    NO_LABEL,
    NO_PLACE,
    Kinds,
    Places,
    Plan,
    Replication,
    Rules,
    Stages,
    Tips,
    Visits,
    Windows,
    no_windows,
)


@dataclass(frozen=True)
class Change:
    """A row of the plan for one pool: in every centre, unless one is named."""

    tick: int
    leaving: int = 0
    returning: int = 0
    joining: int = 0
    centre: int | None = None


@dataclass(frozen=True)
class Pool:
    """A pool with `staff` on duty from tick 0, and what changes later."""

    name: str
    staff: int = 0
    changes: Sequence[Change] = ()
    at_shift_end: int = FINISH
    hand_over: int = 0
    concurrency: int = 1
    shared: bool = False


@dataclass(frozen=True)
class Stage:
    """A stage with a pool, or a delay without one."""

    pool: str | None = None
    overflow: str | None = None
    after: int = 0
    every: int = 0
    open: Sequence[tuple[int, int]] | None = None
    """Windows in which its gate is open, in place of `every`."""


@dataclass(frozen=True)
class Visit:
    """One visit: `patience` has one number an attempt, `retry` the pauses between them."""

    stage: int
    work: int
    rank: int = 0
    preempts: bool = False
    overflow_rank: int = 0
    overflow_preempts: bool = False
    patience: Sequence[int] = ()
    retry: Sequence[int] = ()


@dataclass(frozen=True)
class Tip:
    """A tip and all its visits."""

    arrival: int
    visits: Sequence[Visit]
    centre: int = 0


def tip(arrival: int, *visits: Visit | int, centre: int = 0) -> Tip:
    """A tip with these visits; a bare number is that much work at the stage of its position."""
    made = [visit if isinstance(visit, Visit) else Visit(stage, visit) for stage, visit in enumerate(visits)]
    return Tip(arrival, made, centre)


def world(
    *,
    pools: Sequence[Pool] = (),
    stages: Sequence[Stage],
    tips: Sequence[Tip],
    centres: int = 1,
    backlog: int = 0,
    horizon: int = 1000,
    since_midnight: int = 0,
) -> Replication:
    """A replication; the first `backlog` tips wait at tick 0, and arrivals must not fall.

    A stage gives up after as many attempts as the visit with the most `patience` there has.
    """
    assert all(one.arrival <= other.arrival for one, other in pairwise(tips)), "arrivals fall"
    route = [visit for tip in tips for visit in tip.visits]
    attempts = [0] * len(stages)
    for visit in route:
        attempts[visit.stage] = max(attempts[visit.stage], len(visit.patience))
    treatments = sorted({_treatment(visit) for visit in route})
    rules = Rules(
        _stages(stages, _first_places(pools, centres), attempts),
        _places(pools, centres),
        _kinds(treatments),
        since_midnight,
        horizon,
        _windows(stages),
    )
    visits = _visits(tips, route, treatments, attempts)
    return Replication(_tips(tips, backlog), visits, rules, _plan(pools, centres))


def places(pool: Pool, centres: int) -> int:
    """How many places a pool has."""
    return 1 if pool.shared else centres


def spells(log: Log) -> list[tuple[int, int, int, int, int]]:
    """The spells as rows (visit, place, began, ended, why)."""
    s = log.spells
    return _rows(s.visit, s.place, s.began, s.ended, s.why)


def overtime(log: Log) -> list[tuple[int, int, int, int]]:
    """The overtime as rows (place, visit, began, ended)."""
    o = log.overtime
    return _rows(o.place, o.visit, o.began, o.ended)


def _rows(*columns: np.ndarray) -> list[tuple[int, ...]]:
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _treatment(visit: Visit) -> tuple[int, int, bool, int, bool]:
    return (visit.stage, visit.rank, visit.preempts, visit.overflow_rank, visit.overflow_preempts)


def _first_places(pools: Sequence[Pool], centres: int) -> dict[str | None, tuple[int, int]]:
    """The place in the first centre and the step to the next one, by the pool's name."""
    found: dict[str | None, tuple[int, int]] = {None: (NO_PLACE, 0)}
    first = 0
    for pool in pools:
        found[pool.name] = (first, 0 if pool.shared else 1)
        first += places(pool, centres)
    return found


def _stages(stages: Sequence[Stage], at: dict[str | None, tuple[int, int]], attempts: Sequence[int]) -> Stages:
    return Stages(
        place=_codes(at[stage.pool][0] for stage in stages),
        place_step=_codes(at[stage.pool][1] for stage in stages),
        overflow=_codes(at[stage.overflow][0] for stage in stages),
        overflow_step=_codes(at[stage.overflow][1] for stage in stages),
        overflow_after=_ticks(stage.after for stage in stages),
        every=_ticks(stage.every if stage.open is None else BY_WINDOWS for stage in stages),
        attempts=_codes(attempts),
    )


def _windows(stages: Sequence[Stage]) -> Windows:
    if all(stage.open is None for stage in stages):
        return no_windows()
    found = [window for stage in stages for window in stage.open or ()]
    first = np.cumsum([0, *(len(stage.open or ()) for stage in stages)], dtype=np.int64)
    return Windows(first, _ticks(opens for opens, _ in found), _ticks(closes for _, closes in found))


def _places(pools: Sequence[Pool], centres: int) -> Places:
    all_places = [(i, -1 if p.shared else c, p) for i, p in enumerate(pools) for c in range(places(p, centres))]
    return Places(
        pool=_codes(index for index, _, _ in all_places),
        centre=_codes(centre for _, centre, _ in all_places),
        at_shift_end=_codes(pool.at_shift_end for _, _, pool in all_places),
        hand_over=_ticks(pool.hand_over for _, _, pool in all_places),
        concurrency=_codes(pool.concurrency for _, _, pool in all_places),
    )


def _kinds(treatments: Sequence[tuple[int, int, bool, int, bool]]) -> Kinds:
    return Kinds(
        stage=_codes(kind[0] for kind in treatments),
        rank=_codes(kind[1] for kind in treatments),
        preempts=np.array([kind[2] for kind in treatments], dtype=np.bool_),
        overflow_rank=_codes(kind[3] for kind in treatments),
        overflow_preempts=np.array([kind[4] for kind in treatments], dtype=np.bool_),
    )


def _tips(tips: Sequence[Tip], backlog: int) -> Tips:
    nothing = np.zeros(len(tips), dtype=np.int32)
    return Tips(
        arrival=_ticks(tip.arrival for tip in tips),
        centre=_codes(tip.centre for tip in tips),
        channel=nothing,
        risk=nothing,
        category=nothing,
        first_visit=np.cumsum([0, *(len(tip.visits) for tip in tips)], dtype=np.int64),
        n_backlog=backlog,
    )


def _visits(
    tips: Sequence[Tip], route: Sequence[Visit], treatments: Sequence[object], attempts: Sequence[int]
) -> Visits:
    patience: list[int] = []
    retry: list[int] = []
    first = []
    for visit in route:
        n = attempts[visit.stage]
        first.append(len(patience) if n else 0)
        assert len(visit.retry) == max(len(visit.patience) - 1, 0), "a pause between two attempts, and no other"
        assert not n or visit.patience, "where one visit of a stage has patience, all have"
        patience += [*visit.patience, *[0] * (n - len(visit.patience))]
        retry += [*visit.retry, *[NEVER] * (n - len(visit.retry))]
    unlabelled = np.full(len(route), NO_LABEL, dtype=np.int32)
    return Visits(
        kind=_codes(treatments.index(_treatment(visit)) for visit in route),
        work=_ticks(visit.work for visit in route),
        tier=unlabelled,
        first_attempt=_ticks(first),
        patience=_ticks(patience),
        retry_after=_ticks(retry),
        final_tier=np.full(len(tips), NO_LABEL, dtype=np.int32),
    )


def _plan(pools: Sequence[Pool], centres: int) -> Plan:
    found: dict[tuple[int, int], list[int]] = {}
    place = 0
    for pool in pools:
        for centre in range(places(pool, centres)):
            for change in (Change(0, joining=pool.staff), *pool.changes):
                if change.centre not in (None, centre):
                    continue
                row = found.setdefault((change.tick, place), [0, 0, 0])
                row[0] += change.leaving
                row[1] += change.returning
                row[2] += change.joining
            place += 1
    rows = [(*key, *found[key]) for key in sorted(found) if any(found[key])]
    return Plan(
        tick=_ticks(row[0] for row in rows),
        place=_codes(row[1] for row in rows),
        leaving=_codes(row[2] for row in rows),
        returning=_codes(row[3] for row in rows),
        joining=_codes(row[4] for row in rows),
    )


def _ticks(numbers: object) -> np.ndarray:
    return np.array(list(numbers), dtype=np.int64)


def _codes(numbers: object) -> np.ndarray:
    return np.array(list(numbers), dtype=np.int32)
