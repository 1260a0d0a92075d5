"""Worlds put together by hand: a Replication from a few readable lines, and its Log as rows.

    world(
        pools=[Pool("desk", staff=1)],
        stages=[Stage("desk")],
        tips=[tip(0, 10), tip(3, 5)],
    )

is one server with two tips: one comes at tick 0 with 10 ticks of work, one at tick 3 with 5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from sim.dynamics.clock import NEVER
from sim.dynamics.log import Log
from sim.dynamics.replication import (
    BY_WINDOWS,
    COMES_BACK,
    COMES_ON,
    FINISH,
    FIRST_COME,
    FULL_SPEED,
    GOES_HOME,
    KEEPS,
    NO_INCIDENT,
    NO_LABEL,
    NO_LIMIT,
    NO_MOMENT,
    NO_PLACE,
    NO_VISIT,
    TAKES_BREAK,
    TAKES_NO_MORE,
    Kinds,
    Places,
    Plan,
    Replication,
    Rules,
    Stages,
    Tips,
    Visits,
    Windows,
    WorkSpeeds,
    no_windows,
)
from sim.scenario.shifts import Draft, laid_out, without

AT_END = NEVER
"""The moment of a visit that is its end."""

LONG = 100_000
"""An end beyond every horizon."""


@dataclass(frozen=True)
class Row:
    """A row of the roster: so many people from one tick to another, in every centre unless one is named."""

    begins: int
    ends: int
    staff: int = 1
    breaks: Sequence[tuple[int, int]] = ()
    """When each of them goes on a break, and is back; those that overlap are one."""
    away: Sequence[int] = ()
    """The numbers of those who are absent."""
    centre: int | None = None


@dataclass(frozen=True)
class Pool:
    """A pool with `staff` from tick 0 for good, and rows of people, or a change of heads at each of some ticks.

    People are told apart where there are rows, or where the speed depends on what is in hand.
    """

    name: str
    staff: int = 0
    rows: Sequence[Row] = ()
    heads: Sequence[tuple[int, int]] = ()
    at_shift_end: int = FINISH
    hand_over: int = 0
    concurrency: int = 1
    shared: bool = False
    last_start: int = 0
    by_tick: Sequence[tuple[int, float]] = ()
    """The speed from each tick on, 1.0 being full."""
    by_stage: Mapping[int, float] = field(default_factory=dict)
    by_hand: Sequence[float] = ()
    """The speed with 1, 2 and so on in hand."""
    order: int = FIRST_COME

    @property
    def tells_apart(self) -> bool:
        return bool(self.rows or self.by_hand)


@dataclass(frozen=True)
class Stage:
    """A stage with a pool, or a delay without one."""

    pool: str | None = None
    overflow: str | Sequence[str] | None = None
    """The pool that it overflows to, or several."""
    after: int | Sequence[int] = 0
    every: int = 0
    open: Sequence[tuple[int, int]] | None = None
    """Windows in which its gate is open, in place of `every`."""
    merges: int = KEEPS
    waiting_room: int = NO_LIMIT
    lines: int = NO_LIMIT
    due_from_enter: bool = False

    @property
    def overflows(self) -> list[tuple[str, int]]:
        """The pools that it overflows to, and after how long."""
        if self.overflow is None:
            return []
        to = [self.overflow] if isinstance(self.overflow, str) else list(self.overflow)
        after = [self.after] * len(to) if isinstance(self.after, int) else list(self.after)
        return list(zip(to, after, strict=True))


@dataclass(frozen=True)
class Visit:
    """One visit: `patience` has one number an attempt, `retry` the pauses between them."""

    stage: int
    work: int
    rank: int = 0
    preempts: bool = False
    overflow_rank: int | Sequence[int] = 0
    """In the line of every overflow pool, or of each."""
    overflow_preempts: bool | Sequence[bool] = False
    patience: Sequence[int] = ()
    """One number an attempt; NEVER where it bears any wait."""
    retry: Sequence[int] = ()
    wrap_up: int = 0
    repeat: int = 0
    """The work where its incident is known when it starts."""
    moves: Sequence[tuple[int, int, int]] = ()
    """The line (0 for the own, then those of the overflow pools), after how long there, and the rank from then on."""
    called_back: Sequence[int] = ()
    """After how long each attempt accepts a call-back; NEVER where it does not."""
    due: int = NEVER
    lot: int = 0
    follows: int | None = None
    """The position in the tip's visits of what follows, -1 for nothing; by default the next one."""
    given_up_to: int = NO_VISIT
    turned_away_to: int = NO_VISIT
    """The position in the tip's visits of the aside."""
    awaits: Sequence[tuple[int, int]] | None = None
    """What it begins with, all of it: positions in the tip's visits, each with how long after its start, or AT_END.

    None for what follows the visit before, or is an aside that only what is in vain leads to.
    """
    instead: Sequence[tuple[int, int]] = ()
    """Positions of asides, each with which of these it is whose place its end takes."""


@dataclass(frozen=True)
class Tip:
    """A tip and all its visits."""

    arrival: int
    visits: Sequence[Visit]
    centre: int = 0
    incident: int = NO_INCIDENT


def tip(arrival: int, *visits: Visit | int, centre: int = 0, incident: int = NO_INCIDENT) -> Tip:
    """A tip with these visits; a bare number is that much work at the stage of its position."""
    made = [visit if isinstance(visit, Visit) else Visit(stage, visit) for stage, visit in enumerate(visits)]
    return Tip(arrival, made, centre, incident)


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
    n_overflows = max((len(stage.overflows) for stage in stages), default=0)
    treated = [_treatment(visit, stages, n_overflows) for visit in route]
    treatments = sorted(set(treated))
    number = {treatment: kind for kind, treatment in enumerate(treatments)}
    rules = Rules(
        _stages(stages, _first_places(pools, centres), attempts),
        _places(pools, centres),
        _kinds(treatments, n_overflows),
        since_midnight,
        horizon,
        _speeds(pools, centres, len(stages)),
        _windows(stages),
    )
    visits = _visits(tips, route, [number[treatment] for treatment in treated], attempts)
    return Replication(_tips(tips, backlog), visits, rules, _plan(pools, centres, horizon))


def places(pool: Pool, centres: int) -> int:
    """How many places a pool has."""
    return 1 if pool.shared else centres


def spells(log: Log) -> list[tuple[int, int, int, int, int]]:
    """The spells as rows (visit, place, began, ended, why)."""
    s = log.spells
    return _rows(s.visit, s.place, s.began, s.ended, s.why)


def people(log: Log) -> list[tuple[int, int, int, int, bool]]:
    """The spells as rows (visit, person, began, ended, wrapping)."""
    s = log.spells
    return _rows(s.visit, s.person, s.began, s.ended, s.wrapping)


def overtime(log: Log) -> list[tuple[int, int, int, int]]:
    """The overtime as rows (place, person, began, ended)."""
    o = log.overtime
    return _rows(o.place, o.person, o.began, o.ended)


def _rows(*columns: np.ndarray) -> list[tuple[int, ...]]:
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _each(given: int | Sequence[int], n: int) -> tuple[int, ...]:
    """One value for each overflow line."""
    return (int(given),) * n if isinstance(given, int) else (*map(int, given), *[0] * n)[:n]


def _treatment(visit: Visit, stages: Sequence[Stage], n: int) -> tuple[object, ...]:
    over = len(stages[visit.stage].overflows)
    ranks, may = (_each(given, over) + (0,) * (n - over) for given in (visit.overflow_rank, visit.overflow_preempts))
    return (visit.stage, visit.rank, visit.preempts, ranks, may, tuple(sorted(visit.moves)))


def _first_places(pools: Sequence[Pool], centres: int) -> dict[str | None, tuple[int, int]]:
    """The place in the first centre and the step to the next one, by the pool's name."""
    found: dict[str | None, tuple[int, int]] = {None: (NO_PLACE, 0)}
    first = 0
    for pool in pools:
        found[pool.name] = (first, 0 if pool.shared else 1)
        first += places(pool, centres)
    return found


def _stages(stages: Sequence[Stage], at: dict[str | None, tuple[int, int]], attempts: Sequence[int]) -> Stages:
    n = max((len(stage.overflows) for stage in stages), default=0)
    over = [[*stage.overflows, *[(None, 0)] * n][:n] for stage in stages]

    def columns(of: Callable[[str | None, int], int], dtype: type) -> np.ndarray:
        return np.array([[of(*one) for one in row] for row in over], dtype).reshape(len(stages), n)

    return Stages(
        place=_codes(at[stage.pool][0] for stage in stages),
        place_step=_codes(at[stage.pool][1] for stage in stages),
        overflow=columns(lambda pool, _: at[pool][0], np.int32),
        overflow_step=columns(lambda pool, _: at[pool][1], np.int32),
        overflow_after=columns(lambda _, after: after, np.int64),
        every=_ticks(stage.every if stage.open is None else BY_WINDOWS for stage in stages),
        attempts=_codes(attempts),
        waiting_room=_codes(stage.waiting_room for stage in stages),
        lines=_codes(stage.lines for stage in stages),
        due_from_enter=np.array([stage.due_from_enter for stage in stages], dtype=np.bool_),
        merges=_codes((stage.merges for stage in stages) if any(stage.merges for stage in stages) else ()),
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
        order=_codes(pool.order for _, _, pool in all_places),
        tells_apart=np.array([pool.tells_apart for _, _, pool in all_places], dtype=np.bool_),
    )


def _speeds(pools: Sequence[Pool], centres: int, n_stages: int) -> WorkSpeeds:
    all_places = [pool for pool in pools for _ in range(places(pool, centres))]
    steps = [
        [(0, 1.0), *pool.by_tick] if not pool.by_tick or pool.by_tick[0][0] else pool.by_tick for pool in all_places
    ]
    most = max([pool.concurrency for pool in all_places], default=1)
    by_hand = [[*pool.by_hand, *[1.0] * most][:most] for pool in all_places]
    by_stage = [[pool.by_stage.get(stage, 1.0) for stage in range(n_stages)] for pool in all_places]
    return WorkSpeeds(
        varies=np.array([bool(p.by_tick or p.by_stage or p.by_hand) for p in all_places], dtype=np.bool_),
        first_step=np.cumsum([0, *map(len, steps)], dtype=np.int64),
        tick=_ticks(tick for of_place in steps for tick, _ in of_place),
        by_tick=_ticks(round(speed * FULL_SPEED) for of_place in steps for _, speed in of_place),
        by_stage=_billionths(by_stage, n_stages),
        by_hand=_billionths(by_hand, most),
    )


def _billionths(rows: Sequence[Sequence[float]], columns: int) -> np.ndarray:
    return np.array([[round(speed * FULL_SPEED) for speed in row] for row in rows], np.int64).reshape(-1, columns)


def _kinds(treatments: Sequence[tuple[Any, ...]], n_overflows: int) -> Kinds:
    n_lines = 1 + n_overflows
    moves = [
        (kind * n_lines + line, after, to) for kind, one in enumerate(treatments) for line, after, to in sorted(one[5])
    ]
    return Kinds(
        stage=_codes(kind[0] for kind in treatments),
        rank=_codes(kind[1] for kind in treatments),
        preempts=np.array([kind[2] for kind in treatments], dtype=np.bool_),
        overflow_rank=np.array([kind[3] for kind in treatments], np.int32).reshape(len(treatments), n_overflows),
        overflow_preempts=np.array([kind[4] for kind in treatments], np.bool_).reshape(len(treatments), n_overflows),
        first_move=np.searchsorted([row for row, _, _ in moves], np.arange(len(treatments) * n_lines + 1)),
        moves_after=_ticks(after for _, after, _ in moves),
        moves_to=_codes(to for _, _, to in moves),
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
        incident=_codes((tip.incident for tip in tips) if any(tip.incident != NO_INCIDENT for tip in tips) else ()),
    )


def _visits(tips: Sequence[Tip], route: Sequence[Visit], kind: Sequence[int], attempts: Sequence[int]) -> Visits:
    patience: list[int] = []
    retry: list[int] = []
    called_back: list[int] = []
    first = []
    for visit in route:
        n = attempts[visit.stage]
        first.append(len(patience) if n else 0)
        assert len(visit.retry) == max(len(visit.patience) - 1, 0), "a pause between two attempts, and no other"
        assert not n or visit.patience, "where one visit of a stage has patience, all have"
        patience += [*visit.patience, *[0] * (n - len(visit.patience))]
        retry += [*visit.retry, *[NEVER] * (n - len(visit.retry))]
        called_back += [*visit.called_back, *[NEVER] * (n - len(visit.called_back))]
    unlabelled = np.full(len(route), NO_LABEL, dtype=np.int32)
    aside = any(one.follows is not None or one.given_up_to >= 0 or one.turned_away_to >= 0 for one in route)
    in_branches = any(one.awaits is not None for one in route)
    ways: dict[str, list[int]] = {"follows": [], "given_up_to": [], "turned_away_to": []}
    for one in tips if aside else ():
        row = len(ways["follows"])
        for nth, visit in enumerate(one.visits):
            by_default = nth + 1 if nth + 1 < len(one.visits) else NO_VISIT
            to = by_default if visit.follows is None else visit.follows
            for name, position in zip(ways, (to, visit.given_up_to, visit.turned_away_to), strict=True):
                ways[name].append(NO_VISIT if position < 0 else row + position)
    return Visits(
        kind=_codes(kind),
        work=_ticks(visit.work for visit in route),
        tier=unlabelled,
        first_attempt=_ticks(first),
        patience=_ticks(patience),
        retry_after=_ticks(retry),
        final_tier=np.full(len(tips), NO_LABEL, dtype=np.int32),
        wrap_up=_ticks((visit.wrap_up for visit in route) if any(one.wrap_up for one in route) else ()),
        repeat=_ticks(visit.repeat for visit in route),
        called_back=_ticks(called_back if any(one.called_back for one in route) else ()),
        due=_ticks((visit.due for visit in route) if any(one.due < NEVER for one in route) else ()),
        lot=_ticks((visit.lot for visit in route) if any(one.lot for one in route) else ()),
        last_tier=unlabelled if aside and not in_branches else unlabelled[:0],
        **{name: _ticks(() if in_branches and name == "follows" else rows) for name, rows in ways.items()},
        **_branches(tips, route),
    )


def _branches(tips: Sequence[Tip], route: Sequence[Visit]) -> dict[str, np.ndarray]:
    """What awaits what, where any visit says so; others then await the end of the visit before, asides nothing."""
    if all(visit.awaits is None for visit in route):
        return {}
    found: dict[int, list[tuple[int, int, int]]] = {row: [] for row in range(len(route))}
    any_aside = any(one.given_up_to >= 0 or one.turned_away_to >= 0 or one.follows is not None for one in route)
    awaits = []
    first = 0
    for one in tips:
        aside = {to for visit in one.visits for to in (visit.given_up_to, visit.turned_away_to)}
        for nth, visit in enumerate(one.visits):
            given = visit.awaits
            if given is None:
                given = [] if nth == 0 or nth in aside else [(nth - 1, AT_END)]
            awaits.append(NO_MOMENT if nth in aside else len(given))
            for cue, (position, after) in enumerate(given):
                found[first + position].append((first + nth, after, cue))
            for position, cue in visit.instead:
                found[first + position].append((first + nth, AT_END, cue))
        first += len(one.visits)
    return {
        "awaits": _ticks(awaits),
        "first_moment": np.cumsum([0, *(len(moments) for moments in found.values())], dtype=np.int64),
        "moment_after": _ticks(after for moments in found.values() for _, after, _ in moments),
        "sets_off": _ticks(to for moments in found.values() for to, _, _ in moments),
        "cue": _ticks(cue for moments in found.values() for _, _, cue in moments) if any_aside else _ticks(()),
        "labels_as": np.full(len(route), NO_LABEL, dtype=np.int32),
    }


def _plan(pools: Sequence[Pool], centres: int, horizon: int) -> Plan:
    drafts, heads = [], []
    away: list[bool] = []
    place = 0
    for pool in pools:
        for centre in range(places(pool, centres)):
            if pool.tells_apart:
                draft, absent = _draft(pool, place, centre)
                drafts.append(draft)
                away += absent
            else:
                heads += [(tick, place, change) for tick, change in ((0, pool.staff), *pool.heads) if change]
            place += 1
    plan = laid_out(drafts, heads, horizon)
    return without(plan, np.array(away, dtype=np.bool_)) if any(away) else plan


def _draft(pool: Pool, place: int, centre: int) -> tuple[Draft, list[bool]]:
    """The people of a place in the order of row, number and start, which must be that of the rows; and who is away."""
    who: list[tuple[int, ...]] = [(0, 0, number, 0, NEVER) for number in range(pool.staff)]
    actions = [(0, COMES_ON, number) for number in range(pool.staff)]
    away = [False] * pool.staff
    for row, one in enumerate(pool.rows, 1):
        for number in range(one.staff if one.centre in (None, centre) and one.ends > 0 else 0):
            person = len(who)
            who.append((row, 0, number, one.begins, one.ends))
            away.append(number in one.away)
            actions += [(tick, action, person) for tick, action in _actions(one, pool.last_start)]
    columns = [np.array(column, np.int64) for column in zip(*who, strict=True)] or [np.zeros(0, np.int64)] * 5
    done = [np.array(column, np.int64) for column in zip(*actions, strict=True)] or [np.zeros(0, np.int64)] * 3
    return Draft(place, *columns, *done), away


def _actions(row: Row, last_start: int) -> list[tuple[int, int]]:
    """What somebody of a row does when: on duty in every tick of the row that lies in no break."""
    last = min(row.ends, max([2000, row.begins + 1, *(back + 1 for _, back in row.breaks)]))
    duty = {tick for tick in range(max(row.begins, 0), last) if not any(a <= tick < b for a, b in row.breaks)}
    found = []
    for tick in sorted(duty):
        if tick - 1 not in duty:
            found.append((tick, COMES_ON if tick in (0, row.begins) else COMES_BACK))
        if tick + 1 not in duty and (tick + 1 < last or last == row.ends):
            found.append((tick + 1, GOES_HOME if tick + 1 == row.ends else TAKES_BREAK))
    if last_start:
        found.append((max(row.ends - last_start, row.begins, 0), TAKES_NO_MORE))
    return found


def _ticks(numbers: object) -> np.ndarray:
    return np.array(list(numbers), dtype=np.int64)


def _codes(numbers: object) -> np.ndarray:
    return np.array(list(numbers), dtype=np.int32)
