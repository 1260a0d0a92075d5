"""Small random worlds in which much happens at once, and the count of what happened in them.

Every number comes from a tiny range, so that most events share their tick with others: that is where engines differ.
A world is made from arrays alone; it may be one that no scenario would describe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.dynamics.clock import NEVER
from sim.dynamics.replication import (
    CLEAR_LINE,
    DUE_FIRST,
    FINISH,
    FIRST_COME,
    HAND_OVER,
    IN_RANDOM_ORDER,
    KEEPS,
    LAST_COME,
    LEAVES,
    NO_INCIDENT,
    NO_LABEL,
    NO_LIMIT,
    NO_VISIT,
    REPEATS,
    RESTART,
    RESUME,
    Replication,
)
from tests.dynamics.build import AT_END, Pool, Row, Stage, Tip, Visit, places, world

AT_SHIFT_END = (FINISH, RESUME, HAND_OVER, RESTART, CLEAR_LINE, CLEAR_LINE)
SPEEDS = (0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 3.0)


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
    shifts: float
    """Chance that the people of a pool are told apart, and not only counted."""
    speed: float
    wrap_up: float


def random_world(seed: int, *, plain: bool = False, delays: bool = False) -> Replication:
    """The world of a seed: 1-3 centres, 1-4 pools, 1-5 stages, 5-60 tips, up to 90 ticks; some are far more crowded.

    A plain one has heads and no people, lines that are first come, first served, at most one overflow pool a stage, and
    no incidents. With `delays` it has 4 stages more, most are delays, and many of them take no time, so that tips go
    through several in a row, at times in the tick in which others end them.
    """
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
        shifts=float(rng.choice([0.0, 0.8, 1.0])),
        speed=float(rng.choice([0.0, 0.6])),
        wrap_up=float(rng.choice([0.0, 0.6])),
    )
    if plain:
        taste = replace(taste, shifts=0.0, speed=0.0, wrap_up=0.0)
    horizon = int(rng.integers(12, 90))
    centres = int(rng.choice([1, 1, 2, 3]))
    names = "abcd"[: rng.integers(1, 5)]
    n_stages = int(rng.integers(1, 6))
    if delays:
        taste, n_stages = replace(taste, delay=0.7, nothing=0.4), n_stages + 4
    pools = [_pool(rng, taste, name, centres, n_stages, horizon) for name in names]
    stages = _with_windows(np.random.default_rng((seed, 1)), _stages(rng, taste, pools, n_stages), horizon)
    attempts = [int(rng.integers(1, 4)) if s.pool and rng.random() < taste.patience else 0 for s in stages]
    n_tips = int(rng.integers(5, 61)) * (1 if taste.crowd == 1 else 5)
    backlog = int(rng.integers(1, 6)) if rng.random() < 0.35 else 0
    arrival = np.floor(np.cumsum(rng.exponential(taste.gap / taste.crowd, n_tips))).astype(int)
    arrival[:backlog] = 0
    tips = [Tip(int(tick), _route(rng, taste, stages, attempts), int(rng.integers(centres))) for tick in arrival]
    at_midnight = int(rng.integers(0, 7))
    rows = {"backlog": backlog, "centres": centres, "horizon": horizon, "since_midnight": at_midnight}
    if plain:
        return world(pools=pools, stages=stages, tips=tips, **rows)
    stages, tips = _with_incidents(np.random.default_rng((seed, 2)), stages, tips, taste.work)
    in_branches = np.random.default_rng((seed, 4))
    branching = bool(in_branches.random() < 0.35)
    between = np.random.default_rng((seed, 6)) if branching and seed % 3 < 2 else None
    pools, stages, tips = _with_line_rules(
        np.random.default_rng((seed, 3)), pools, stages, tips, apart=branching, between=between
    )
    if branching:
        tips = [_in_branches(in_branches, one) for one in tips]
    return world(pools=pools, stages=stages, tips=tips, **rows)


def line_world(seed: int) -> Replication:
    """A world that can be run stage by stage: every stage has heads of its own, whose number changes, and tips go on
    from any stage to any later one; all within a few ticks, and at times with more at work than N_SOON."""
    rng = np.random.default_rng((seed, 5))
    n_stages, crowd = int(rng.integers(1, 6)), int(rng.choice([1, 30], p=[0.9, 0.1]))
    horizon, most_work, skipped = int(rng.integers(12, 90)), int(rng.choice([2, 4, 30])), rng.choice([0.0, 0.4])

    def heads() -> list[tuple[int, int]]:
        ticks = sorted({0, *rng.integers(0, horizon, int(rng.integers(0, 4))).tolist()})
        return [(tick, int(rng.integers(0, 4)) * crowd) for tick in ticks]

    pools = [Pool(name, heads=heads(), concurrency=int(rng.integers(1, 3))) for name in "abcde"[:n_stages]]
    arrival = np.floor(np.cumsum(rng.exponential(0.8 / crowd, int(rng.integers(5, 61)) * min(crowd, 5)))).astype(int)
    tips = [
        Tip(
            tick,
            [
                Visit(at, int(rng.integers(1, most_work + 1)), rank=int(rng.integers(3)))
                for at in range(n_stages)
                if rng.random() >= skipped
            ],
        )
        for tick in arrival.tolist()
    ]
    order = rng.permutation(n_stages)
    stages = [Stage(pools[at].name) for at in order]
    return world(pools=pools, stages=stages, tips=tips, horizon=horizon)


def restated(world: Replication) -> Replication:
    """A world without branches in which every visit is said to await the end of the one before it."""
    tips, visits = world.tips, world.visits
    n_visits = np.diff(tips.first_visit)
    nth = np.arange(len(visits)) - np.repeat(tips.first_visit[:-1], n_visits)
    awaits = (nth > 0).astype(np.int64)
    goes_on = np.append(awaits[1:], 0)[: len(visits)]
    to = np.flatnonzero(awaits)
    branches = replace(
        visits,
        awaits=awaits,
        first_moment=np.cumsum([0, *goes_on], dtype=np.int64),
        moment_after=np.full(len(to), NEVER),
        sets_off=to,
        labels_as=np.full(len(visits), NO_LABEL, np.int32),
    )
    return replace(world, visits=branches)


def _with_incidents(
    rng: np.random.Generator, stages: list[Stage], tips: list[Tip], work: int
) -> tuple[list[Stage], list[Tip]]:
    """In some worlds, tips of a few incidents, and stages that merge them."""
    if rng.random() < 0.6:
        return stages, tips
    rules = [int(rng.choice([KEEPS, REPEATS, LEAVES] if stage.pool else [KEEPS, LEAVES])) for stage in stages]
    n_incidents = int(rng.integers(1, 2 + len(tips) // 3))
    found = []
    for one in tips:
        incident = int(rng.integers(n_incidents)) if rng.random() < 0.7 else NO_INCIDENT
        visits = [replace(visit, repeat=int(rng.integers(0, work + 1))) for visit in one.visits]
        found.append(replace(one, incident=incident, visits=visits))
    return [replace(stage, merges=rule) for stage, rule in zip(stages, rules, strict=True)], found


ORDERS = (FIRST_COME, LAST_COME, IN_RANDOM_ORDER, DUE_FIRST)


def _with_line_rules(
    rng: np.random.Generator,
    pools: list[Pool],
    stages: list[Stage],
    tips: list[Tip],
    *,
    apart: bool,
    between: np.random.Generator | None,
) -> tuple[list[Pool], list[Stage], list[Tip]]:
    """In half of the worlds, lines in other orders, ageing, rooms, call-backs, asides, and several overflow pools.

    Asides lead to stages `apart`, to which the tip goes in no other way, where it may be in several places at a time;
    with `between` they are written among its other visits, and of these later ones go on where they end.
    """
    if rng.random() < 0.5 and between is None:
        return pools, stages, tips
    rich = [bool(rng.random() < 0.6) for _ in range(7)]
    orders, ages, rooms, calls, asides, delays, spills = rich
    if orders:
        pools = [replace(pool, order=int(rng.choice(ORDERS))) for pool in pools]
    if spills:
        stages = [_with_overflows(rng, stage, pools) for stage in stages]
    if rooms:
        stages = [_with_room(rng, stage) for stage in stages]
    stages = [replace(stage, due_from_enter=bool(rng.random() < 0.5)) for stage in stages]
    if between is not None:
        # Two stages more, that nobody comes to but in vain.
        own = [str(between.choice([pool.name for pool in pools])) if between.random() < 0.7 else None for _ in range(2)]
        stages = [*stages, *(Stage(pool, waiting_room=1 if pool and rooms else NO_LIMIT) for pool in own)]
    tries = [int(rng.integers(1, 4)) for _ in stages]
    vain = [
        bool(stage.waiting_room != NO_LIMIT or stage.lines != NO_LIMIT or (delays and stage.pool is None))
        or (between is not None and bool(between.random() < 0.5))
        for stage in stages
    ]
    first = [
        next((visit for tip in tips for visit in tip.visits if visit.stage == s), None) for s in range(len(stages))
    ]
    patient = [one is not None and bool(one.patience) for one in first]
    found = []
    for tip in tips:
        visits = []
        given = tip.visits
        if between is not None:
            given = _with_asides_between(between, tip.visits, stages)
        elif asides:
            given = _with_aside(rng, tip.visits, len(stages), apart)
        for visit in given:
            stage = stages[visit.stage]
            if (vain[visit.stage] or patient[visit.stage]) and not visit.patience:
                n = int(rng.integers(1, tries[visit.stage] + 1))
                bears = [int(rng.integers(0, 9)) if rng.random() < 0.5 else NEVER for _ in range(n)]
                visit = replace(visit, patience=bears, retry=[int(rng.integers(0, 5)) for _ in range(n - 1)])
            if calls and stage.pool and visit.patience:
                visit = _with_call_back(rng, visit)
            if ages and stage.pool:
                visit = _with_moves(rng, visit, len(stage.overflows))
            due = int(rng.integers(0, 20)) if rng.random() < 0.8 else NEVER
            visits.append(replace(visit, due=due, lot=int(rng.integers(1, 2**31))))
        found.append(replace(tip, visits=visits))
    return pools, stages, found


def _with_overflows(rng: np.random.Generator, stage: Stage, pools: list[Pool]) -> Stage:
    others = [pool.name for pool in pools if pool.name != stage.pool]
    if stage.pool is None or not others or rng.random() < 0.3:
        return stage
    to = [others[i] for i in rng.permutation(len(others))[: int(rng.integers(1, 5))]]
    return replace(stage, overflow=to, after=[int(rng.integers(0, 5)) for _ in to])


def _with_room(rng: np.random.Generator, stage: Stage) -> Stage:
    if stage.pool is None or rng.random() < 0.3:
        return stage
    kind = int(rng.integers(3))
    return replace(
        stage,
        waiting_room=int(rng.integers(0, 4)) if kind != 1 else NO_LIMIT,
        lines=int(rng.integers(1, 6)) if kind != 0 else NO_LIMIT,
    )


def _with_aside(rng: np.random.Generator, visits: Sequence[Visit], n_stages: int, apart: bool) -> list[Visit]:
    """The visits, with what follows where one of them is in vain written after them; and at times once more."""
    found = list(visits)
    spare = {*range(n_stages)} - {visit.stage for visit in visits}
    if found:
        found[-1] = replace(found[-1], follows=NO_VISIT)
    for at, visit in enumerate(visits):
        later = sorted(spare) if apart else range(visit.stage + 1, n_stages)
        if not later or rng.random() < 0.4:
            continue
        tail = [Visit(s, int(rng.integers(0, 5)), rank=int(rng.integers(2))) for s in later if rng.random() < 0.7]
        if not tail:
            continue
        tail[-1] = replace(tail[-1], follows=NO_VISIT)
        spare -= {one.stage for one in tail}
        to = len(found)
        given_up, turned_away = (to if rng.random() < 0.7 else NO_VISIT for _ in range(2))
        found[at] = replace(found[at], given_up_to=given_up, turned_away_to=turned_away)
        found += tail
        if len(tail) > 1 and rng.random() < 0.5:
            found[to] = replace(found[to], given_up_to=to + 1, turned_away_to=to + 1)
    return found


def _with_asides_between(rng: np.random.Generator, visits: Sequence[Visit], stages: list[Stage]) -> list[Visit]:
    """The visits with asides written among them, each behind the one that leads to it; several may be at one stage."""
    busy = {visit.stage for visit in visits}
    spare = [at for at, stage in enumerate(stages) if at not in busy and stage.merges == KEEPS]
    in_order = list(range(len(visits)))
    made = dict(enumerate(visits))
    leads: dict[int, tuple[int, int]] = {}
    for one in [*in_order, *in_order]:
        # The second time round asides lead to others.
        at = one if one not in leads else leads[one][0] if leads[one][0] >= 0 else leads[one][1]
        if not spare or at < 0 or at in leads or rng.random() < 0.4:
            continue
        aside = len(made)
        made[aside] = Visit(int(rng.choice(spare)), int(rng.integers(0, 5)), rank=int(rng.integers(2)))
        behind = in_order.index(at) + 1
        in_order.insert(int(rng.choice([behind, rng.integers(behind, len(in_order) + 1)])), aside)
        given_up, turned_away = (aside if rng.random() < 0.8 else NO_VISIT for _ in range(2))
        leads[at] = (given_up, turned_away) if given_up != turned_away else (aside, aside)
    now_at = {NO_VISIT: NO_VISIT, **{one: position for position, one in enumerate(in_order)}}
    found = []
    for one in in_order:
        given_up, turned_away = leads.get(one, (NO_VISIT, NO_VISIT))
        found.append(replace(made[one], given_up_to=now_at[given_up], turned_away_to=now_at[turned_away]))
    return found


def _in_branches(rng: np.random.Generator, tip: Tip) -> Tip:
    """The tip in several places at a time: what its visits await is what came of some written before them.

    A stage that it comes to again it comes to in a chain, so that it is in no line twice.
    """
    visits = list(tip.visits)
    asides = {to for one in visits for to in (one.given_up_to, one.turned_away_to) if to >= 0}
    aside = min(asides, default=len(visits))
    if asides and all(one.follows is None for one in visits):
        return replace(tip, visits=_beside_asides(rng, visits, asides))
    at = [one.stage for one in visits[:aside]]
    again = [nth for nth, stage in enumerate(at) if at.count(stage) > 1]
    chain = range(again[0] + 1, again[-1] + 1) if again else range(0)
    for nth in range(1, aside):
        if nth in chain or rng.random() < 0.25:
            continue
        few = rng.permutation(nth)[: int(rng.choice([0, 1, 1, 1, 2, 3]))]
        awaits = [(int(to), AT_END if rng.random() < 0.5 else int(rng.integers(0, 6))) for to in sorted(few)]
        visits[nth] = replace(visits[nth], awaits=awaits)
    return replace(tip, visits=visits)


def _beside_asides(rng: np.random.Generator, visits: list[Visit], asides: set[int]) -> list[Visit]:
    """Visits in branches, asides among them: what awaits the end of one may begin at the end of its aside instead.

    What follows the visit before begins where that one, or an aside that was come to instead, has ended.
    """
    leads = {at: {one.given_up_to, one.turned_away_to} - {NO_VISIT} for at, one in enumerate(visits)}
    main = [at for at in range(len(visits)) if at not in asides]
    stages = [visits[at].stage for at in main]
    again = [at for at in main if stages.count(visits[at].stage) > 1]
    chain = range(again[0] + 1, again[-1] + 1) if again else range(0)

    def stand_for(at: int, until: int) -> list[int]:
        found = [to for to in sorted(leads[at]) if to < until]
        return [*found, *(one for to in found for one in stand_for(to, until))]

    thread: set[int] = set()
    front: list[int] = []
    for at, visit in enumerate(visits):
        if at in asides:
            if any(at in leads[one] for one in thread):
                thread.add(at)
                front.append(at)
            continue
        before = [one for one in main if one < at]
        if not before or at in chain or rng.random() < 0.4:
            if before:
                visits[at] = replace(visit, awaits=[(front[0], AT_END)], instead=[(one, 0) for one in front[1:]])
                thread.add(at)
            else:
                thread = {at}
            front = [at]
            continue
        few = sorted(int(before[one]) for one in rng.permutation(len(before))[: int(rng.choice([0, 1, 1, 1, 2, 3]))])
        awaits = [(to, AT_END if rng.random() < 0.6 else int(rng.integers(0, 6))) for to in few]
        instead = [
            (one, cue)
            for cue, (to, after) in enumerate(awaits)
            if after == AT_END and rng.random() < 0.8
            for one in stand_for(to, at)
        ]
        visits[at] = replace(visit, awaits=awaits, instead=instead)
        thread, front = {at}, [at]
    return visits


def _with_moves(rng: np.random.Generator, visit: Visit, n_overflows: int) -> Visit:
    """The visit in worse ranks, from which it moves up, at times twice."""
    ranks = [int(rank) + int(rng.integers(0, 3)) for rank in (visit.rank, *[visit.overflow_rank] * n_overflows)]
    moves = []
    for line, rank in enumerate(ranks):
        after = int(rng.integers(0, 7))
        while rank > 0 and rng.random() < 0.7:
            rank = int(rng.integers(0, rank))
            moves.append((line, after, rank))
            after += int(rng.integers(1, 4))
    return replace(visit, rank=ranks[0], overflow_rank=ranks[1:], moves=moves)


def _with_call_back(rng: np.random.Generator, visit: Visit) -> Visit:
    bears, accepts = list(visit.patience), []
    for at, patience in enumerate(bears):
        after = int(rng.integers(0, 5)) if rng.random() < 0.5 else NEVER
        accepts.append(after if after <= patience and after < NEVER else NEVER)
        if accepts[-1] < NEVER:
            bears[at] = NEVER
    return replace(visit, patience=bears, called_back=accepts)


def _pool(rng: np.random.Generator, taste: _Taste, name: str, centres: int, n_stages: int, horizon: int) -> Pool:
    """A pool of people with shifts, or with slots that slow them down, or of heads that rise and fall."""
    shared = bool(rng.random() < 0.3)
    concurrency = int(rng.choice([1, 1, 2, 3])) * taste.crowd
    if rng.random() < taste.speed:
        ticks = range(0, horizon, int(rng.integers(3, 20)))
        by_tick = [(tick, float(rng.choice(SPEEDS))) for tick in ticks[: 1 if rng.random() < 0.3 else None]]
        by_stage = {stage: float(rng.choice(SPEEDS)) for stage in range(n_stages)} if rng.random() < 0.3 else {}
    else:
        by_tick, by_stage = [], {}
    if rng.random() >= taste.shifts:
        staff = int(rng.integers(1, 3))
        heads = _heads(rng, staff, horizon) if rng.random() < 0.7 else []
        return Pool(
            name, staff, heads=heads, concurrency=concurrency, shared=shared, by_tick=by_tick, by_stage=by_stage
        )
    slows = concurrency > 1 and rng.random() < max(taste.speed, 0.3)
    staff = int(rng.integers(1, 3)) if slows else 0 if rng.random() < 0.7 else int(rng.integers(0, 2))
    rows = [] if slows and rng.random() < 0.2 else _rows(rng, places(Pool(name, shared=shared), centres), horizon)
    rule = int(rng.choice(AT_SHIFT_END))
    return Pool(
        name,
        staff,
        rows,
        at_shift_end=rule,
        hand_over=int(rng.integers(0, 3)),
        concurrency=concurrency,
        shared=shared,
        last_start=int(rng.integers(1, 5)) if rule != CLEAR_LINE and rng.random() < 0.3 else 0,
        by_tick=by_tick,
        by_stage=by_stage,
        by_hand=[float(rng.choice(SPEEDS)) for _ in range(concurrency)] if slows else [],
    )


def _heads(rng: np.random.Generator, staff: int, horizon: int) -> list[tuple[int, int]]:
    """Changes of the number of heads on a coarse grid of ticks, so that places share them; never below nobody."""
    step = int(rng.choice([2, 3, 4, 5]))
    changes = []
    for tick in range(step, horizon + 2 * step, step):
        change = int(rng.integers(-min(staff, 3), 4 - min(staff, 3))) if rng.random() < 0.6 else 0
        staff += change
        if change:
            changes.append((tick, change))
    return changes


def _rows(rng: np.random.Generator, n_places: int, horizon: int) -> list[Row]:
    """Rows of the roster on a coarse grid of ticks, that overlap, relieve each other or leave nobody, with breaks."""
    step = int(rng.choice([2, 3, 4, 5]))
    rows = []
    for centre in [None] if rng.random() < 0.5 else range(n_places):
        for _ in range(int(rng.integers(1, 2 + horizon // 8))):
            begins = step * int(rng.integers(-2, horizon // step + 1))
            lasts = step * int(rng.integers(1, 8))
            staff = int(rng.integers(1, 4))
            breaks = []
            for _ in range(int(rng.choice([0, 0, 1, 2]))):
                leaves = begins + int(rng.integers(0, lasts))
                breaks.append((leaves, leaves + int(rng.integers(1, 5))))
            away = [number for number in range(staff) if rng.random() < 0.1]
            rows.append(Row(begins, begins + lasts, staff, breaks, away, centre))
            if rng.random() < 0.3:
                rows.append(Row(begins + lasts, begins + lasts + step, staff, (), (), centre))
    return rows


def _stages(rng: np.random.Generator, taste: _Taste, pools: list[Pool], n_stages: int) -> list[Stage]:
    """Stages that may share a pool and may overflow into each other's; a world has at least one with a pool."""
    stages = []
    for index in range(n_stages):
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
        wrap_up=ticks(3) if rng.random() < taste.wrap_up else 0,
    )
