"""The fixed rules of a scenario as the arrays that engines read: stages, places, and how lines treat which tip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.dynamics.clock import DAY
from sim.dynamics.replication import (
    BY_WINDOWS,
    CLEAR_LINE,
    DUE_FIRST,
    FINISH,
    FIRST_COME,
    FULL_SPEED,
    HAND_OVER,
    IN_RANDOM_ORDER,
    KEEPS,
    LAST_COME,
    LEAVES,
    NO_LABEL,
    NO_LIMIT,
    NO_PLACE,
    REPEATS,
    RESTART,
    RESUME,
    Codes,
    Flags,
    Kinds,
    Places,
    Rules,
    Stages,
    Ticks,
    Windows,
    WorkSpeeds,
    no_windows,
)
from sim.scenario.calendars import gate_windows
from sim.scenario.pools import Filter, Pool, Rank
from sim.scenario.schema import Scenario, Stage
from sim.scenario.shifts import seats
from sim.scenario.zones import Local

AT_SHIFT_END: Final = {
    "finish": FINISH,
    "resume": RESUME,
    "hand_over": HAND_OVER,
    "restart": RESTART,
    "clear_line": CLEAR_LINE,
}

ORDERS: Final = {"first_come": FIRST_COME, "last_come": LAST_COME, "random": IN_RANDOM_ORDER, "due": DUE_FIRST}

ATTRIBUTES: Final = ("channel", "risk", "category", "tier")
"""The attributes that every tip has, in the order in which a kind counts them: those of the scenario's own come before
the tier, and who labelled it after it."""

OF_LABEL: Final = ("tier", "labelled_by")
"""What a tip may be without."""


@dataclass(frozen=True, slots=True)
class KindCode:
    """How the kind of a visit follows from its stage and the tip's attributes.

    Attributes that no filter of a line mentions have stride 0: without any, the kind is the stage.
    """

    n_stages: int
    radices: tuple[int, ...]
    """Values of each attribute (of tier and labeller with none yet) that are told apart; 1 where they do not matter."""
    attributes: tuple[str, ...] = ATTRIBUTES

    @property
    def strides(self) -> tuple[int, ...]:
        """Steps in the kind for the stage and each attribute; 0 where an attribute does not matter."""
        steps = [1]
        for radix in reversed(self.radices):
            steps.append(steps[-1] * radix)
        stage, *others = reversed(steps)
        return (stage, *(step if radix > 1 else 0 for step, radix in zip(others, self.radices, strict=True)))

    @property
    def matters(self) -> tuple[bool, ...]:
        """Whether each attribute matters to any line."""
        return tuple(radix > 1 for radix in self.radices)

    def __len__(self) -> int:
        return self.n_stages * int(np.prod(self.radices))

    def encode(self, stage: ArrayLike, *codes: ArrayLike) -> Codes:
        """The kinds of visits; a tier may be NO_LABEL. Arguments broadcast; those that do not matter may be 0."""
        by_stage, *strides = self.strides
        kind = np.asarray(stage, dtype=np.int32) * by_stage
        for name, stride, code in zip(self.attributes, strides, codes, strict=True):
            if stride:
                kind = kind + (np.asarray(code, dtype=np.int32) + (name in OF_LABEL)) * stride
        return np.asarray(kind, dtype=np.int32)

    def columns(self) -> tuple[NDArray[np.int64], ...]:
        """Stage and every attribute of every kind, in order."""
        stage, *found = np.indices((self.n_stages, *self.radices)).reshape(1 + len(self.radices), -1)
        return (stage, *(code - (name in OF_LABEL) for name, code in zip(self.attributes, found, strict=True)))


def kind_code(scenario: Scenario) -> KindCode:
    """How kinds are counted in a scenario."""
    filters = [one for pool in scenario.pools.values() for one in pool.filters]
    by_labeller = any(one.labelled_by is not None for one in filters)
    attributes = ("channel", "risk", "category", *scenario.own, "tier", *(("labelled_by",) if by_labeller else ()))

    def radix(name: str) -> int:
        asked = any(one.asked(name) is not None or (name == "tier" and one.labelled is not None) for one in filters)
        return len(scenario.names[name]) + (name in OF_LABEL) if asked else 1

    return KindCode(len(scenario.stages), tuple(map(radix, attributes)), attributes)


def rules(scenario: Scenario) -> Rules:
    """Everything that is fixed for every replication, but the staffing."""
    return Rules(
        stages=_stages(scenario),
        places=_places(scenario),
        kinds=_kinds(scenario),
        since_midnight=scenario.local.phase,
        horizon=scenario.horizon,
        windows=_windows(scenario),
        speeds=_speeds(scenario),
    )


def by_windows(scenario: Scenario, stage: Stage) -> bool:
    """Whether the gate of a stage opens in windows of its own: by a calendar, or at local times of a zone."""
    return stage.open is not None or (stage.every is not None and scenario.run.zone is not None)


def _windows(scenario: Scenario) -> Windows:
    """When the gates are open that go by a calendar or by the clock of a zone."""
    if not any(by_windows(scenario, stage) for stage in scenario.stages):
        return no_windows()
    nothing = np.zeros(0, dtype=np.int64)
    found = [
        gate_windows(stage.open, stage.every, scenario.run, scenario.horizon, scenario.calendars)
        if by_windows(scenario, stage)
        else (nothing, nothing)
        for stage in scenario.stages
    ]
    first = np.cumsum([0, *(len(opens) for opens, _ in found)], dtype=np.int64)
    return Windows(first, *(np.concatenate(column) for column in zip(*found, strict=True)))


def matches(one: Filter, names: Mapping[str, Sequence[str]], codes: Mapping[str, NDArray[np.integer]]) -> Flags:
    """Which tips a filter matches.

    `names` are those of `Scenario.names`; `codes` holds what the filter asks of the stage and of
    attributes (of tier and labeller NO_LABEL where there is none), as arrays that broadcast.
    """
    found = np.ones(np.broadcast_shapes(*(code.shape for code in codes.values())), dtype=np.bool_)
    for key, known in names.items():
        wanted = one.asked(key)
        if wanted is not None:
            # The last is for NO_LABEL.
            found &= np.array([*(name in wanted for name in known), False])[codes[key]]
    if one.labelled is not None:
        found &= (codes["tier"] != NO_LABEL) == one.labelled
    return found


def rank(
    first: Sequence[Rank],
    names: Mapping[str, Sequence[str]],
    codes: Mapping[str, NDArray[np.integer]],
    waited: int = 0,
) -> Codes:
    """The first rank of which each tip matches a filter when it has waited so long; their number if it matches none."""
    found = np.full(np.broadcast_shapes(*(code.shape for code in codes.values())), len(first), dtype=np.int32)
    for place in range(len(first) - 1, -1, -1):
        for one in first[place]:
            if (one.waited or 0) <= waited:
                found[matches(one, names, codes)] = place
    return found


def ages(pool: Pool) -> list[int]:
    """The waits after which a tip may move up in the line of a pool, ascending, in ticks."""
    return sorted({one.waited for rank in pool.serve_first for one in rank if one.waited is not None})


def _kinds(scenario: Scenario) -> Kinds:
    code = kind_code(scenario)
    codes = dict(zip(("stage", *code.attributes), code.columns(), strict=True))
    n_kinds, n_lines = len(codes["stage"]), 1 + most_overflows(scenario)
    ranks = np.zeros((n_kinds, n_lines), dtype=np.int32)
    preempts = np.zeros((n_kinds, n_lines), dtype=np.bool_)
    moves: list[tuple[int, int, int, int]] = []
    for line in range(n_lines):
        pools = [scenario.pools[stage.pools[line]] if line < len(stage.pools) else None for stage in scenario.stages]
        ranks[:, line], preempts[:, line] = _treatment(scenario, codes, pools)
        moves += _moves(scenario, codes, pools, line, ranks[:, line])
    moves.sort()
    rows = [kind * n_lines + line for kind, line, _, _ in moves]
    return Kinds(
        stage=codes["stage"].astype(np.int32),
        rank=ranks[:, 0].copy(),
        preempts=preempts[:, 0].copy(),
        overflow_rank=ranks[:, 1:].copy(),
        overflow_preempts=preempts[:, 1:].copy(),
        first_move=np.searchsorted(rows, np.arange(n_kinds * n_lines + 1)).astype(np.int64),
        moves_after=np.array([after for _, _, after, _ in moves], dtype=np.int64),
        moves_to=_codes([to for *_, to in moves]),
    )


def most_overflows(scenario: Scenario) -> int:
    """The most pools that tips of any stage may overflow to."""
    return max((len(stage.overflow) for stage in scenario.stages), default=0)


def _moves(
    scenario: Scenario,
    codes: dict[str, NDArray[np.int64]],
    pools: Sequence[Pool | None],
    line: int,
    ranks: Codes,
) -> Iterator[tuple[int, int, int, int]]:
    """Kind, line, wait and new rank of every move up in the line of its stage's pool in `pools`."""
    for index, pool in enumerate(pools):
        here = np.flatnonzero(codes["stage"] == index)
        mine = {key: code[here] for key, code in codes.items()}
        now = ranks[here]
        for after in ages(pool) if pool is not None else ():
            assert pool is not None
            then = rank(pool.serve_first, scenario.names, mine, after)
            for at in np.flatnonzero(then < now).tolist():
                yield int(here[at]), line, after, int(then[at])
            now = then


def _treatment(
    scenario: Scenario, codes: dict[str, NDArray[np.int64]], pools: Sequence[Pool | None]
) -> tuple[Codes, Flags]:
    """Rank and pre-emption of every kind in the line of its stage's pool in `pools`; 0 and False without one."""
    ranks = np.zeros(len(codes["stage"]), dtype=np.int32)
    preempts = np.zeros(len(codes["stage"]), dtype=np.bool_)
    for index, pool in enumerate(pools):
        if pool is None:
            continue
        here = codes["stage"] == index
        mine = {key: code[here] for key, code in codes.items()}
        ranks[here] = rank(pool.serve_first, scenario.names, mine)
        for one in pool.preempt:
            preempts[here] |= matches(one, scenario.names, mine)
    return ranks, preempts


def _stages(scenario: Scenario) -> Stages:
    first = {seat.pool: place for place, seat in reversed(list(enumerate(seats(scenario))))}
    step = {name: 0 if pool.shared else 1 for name, pool in scenario.pools.items()}
    shape = (len(scenario.stages), most_overflows(scenario))
    overflow, overflow_step = np.full(shape, NO_PLACE, np.int32), np.zeros(shape, np.int32)
    after = np.zeros(shape, np.int64)
    for index, stage in enumerate(scenario.stages):
        for which, one in enumerate(stage.overflow):
            overflow[index, which], overflow_step[index, which] = first[one.to], step[one.to]
            after[index, which] = one.after
    rows = [
        (
            first[stage.pool] if stage.pool else NO_PLACE,
            step[stage.pool] if stage.pool else 0,
            BY_WINDOWS if by_windows(scenario, stage) else stage.every or 0,
            stage.attempts,
            NO_LIMIT if stage.waiting_room is None else stage.waiting_room,
            NO_LIMIT if stage.lines is None else stage.lines,
            stage.due_from == "enter",
        )
        for stage in scenario.stages
    ]
    place, place_step, every, attempts, waiting_room, lines, due_from_enter = zip(*rows, strict=True)
    return Stages(
        place=_codes(place),
        place_step=_codes(place_step),
        overflow=overflow,
        overflow_step=overflow_step,
        overflow_after=after,
        every=np.array(every, dtype=np.int64),
        attempts=_codes(attempts),
        waiting_room=_codes(waiting_room),
        lines=_codes(lines),
        due_from_enter=np.array(due_from_enter, dtype=np.bool_),
        merges=_codes([_merges(stage) for stage in scenario.stages] if scenario.merges else ()),
    )


def _merges(stage: Stage) -> int:
    """What a stage does with the others of an incident that is known there."""
    if stage.merge is None:
        return KEEPS
    return LEAVES if stage.merge.repeat is None else REPEATS


def _places(scenario: Scenario) -> Places:
    found = seats(scenario)
    pools = [scenario.pools[seat.pool] for seat in found]
    return Places(
        pool=_codes([seat.pool_index for seat in found]),
        centre=_codes([seat.centre for seat in found]),
        at_shift_end=_codes([AT_SHIFT_END[pool.at_shift_end] for pool in pools]),
        hand_over=np.array([pool.hand_over_time for pool in pools], dtype=np.int64),
        order=_codes([ORDERS[pool.order] for pool in pools]),
        concurrency=_codes([pool.slots for pool in pools]),
        tells_apart=np.array([pool.tells_apart for pool in pools], dtype=np.bool_),
    )


def _speeds(scenario: Scenario) -> WorkSpeeds:
    pools = [scenario.pools[seat.pool] for seat in seats(scenario)]
    steps = [_speed_steps(pool, scenario.local, scenario.horizon) for pool in pools]
    first_step = np.cumsum([0, *(len(tick) for tick, _ in steps)], dtype=np.int64)
    by_hand = np.full((len(pools), max([pool.slots for pool in pools], default=1)), FULL_SPEED, dtype=np.int64)
    for row, pool in enumerate(pools):
        for k, factor in enumerate(pool.concurrency.speed or ()):
            by_hand[row, k] = _billionths(factor)
    by_stage = [[_billionths(pool.speed.by_stage.get(stage.name, 1.0)) for stage in scenario.stages] for pool in pools]
    nothing = np.zeros(0, dtype=np.int64)
    found = WorkSpeeds(
        varies=np.zeros(len(pools), dtype=np.bool_),
        first_step=first_step,
        tick=np.concatenate([nothing, *(tick for tick, _ in steps)]),
        by_tick=np.concatenate([nothing, *(factor for _, factor in steps)]),
        by_stage=np.array(by_stage, dtype=np.int64).reshape(len(pools), len(scenario.stages)),
        by_hand=by_hand,
    )
    found.varies[:] = [
        bool((steps[row][1] != FULL_SPEED).any() or (found.by_stage[row] != FULL_SPEED).any())
        or bool((by_hand[row] != FULL_SPEED).any())
        for row in range(len(pools))
    ]
    return found


def _speed_steps(pool: Pool, local: Local, horizon: int) -> tuple[Ticks, Ticks]:
    """The factor of a pool at every tick, as a step function from tick 0, read off the local clock."""
    given = [pool.speed.always * factor for factor in pool.speed.by_hour or (1.0,)]
    day = np.array([_billionths(factor) for factor in given], dtype=np.int64)
    every = DAY // len(day)
    ticks = np.union1d([0], local.marks(0, max(horizon, 1), every)) if len(day) > 1 else np.zeros(1, np.int64)
    factor = day[local.wall(ticks) % DAY // every]
    changed = np.concatenate([[True], factor[1:] != factor[:-1]])
    return ticks[changed], factor[changed]


def _billionths(factor: float) -> int:
    return max(round(factor * FULL_SPEED), 1)


def _codes(values: Sequence[int]) -> Codes:
    return np.array(values, dtype=np.int32)
