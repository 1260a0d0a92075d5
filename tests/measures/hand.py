"""Logs written by hand: a small scenario, and what happened to each tip in minutes, read as one replication."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sim.dynamics.clock import MINUTE, NEVER
from sim.dynamics.log import ABANDONED, CUT, DONE, OPEN, SERVED, UNREACHED, Log, Overtime, Spells
from sim.dynamics.replication import NO_LABEL, NO_PLACE, NOBODY, Kinds, Plan, Replication, Tips, Visits
from sim.scenario.loading import load
from sim.scenario.rules import rules
from sim.scenario.schema import Scenario
from sim.scenario.shifts import plan

BASE = """
scenario: By hand
run: {{start: {start}, warm_up: {warm_up}, length: {length}, cool_down: {cool_down}}}
demand:
  volume: 10/d
  channels: {{call: 50 %, web: 50 %}}
  risk: {{high: 50 %, low: 50 %}}
centres: {centres}
labels: {{clerk: {{assigns: {{high: {{A: 90 %, B: 10 %}}, low: {{A: 10 %, B: 90 %}}}}}}}}
pools: {{desk: {{staff: 1}}, back: {{staff: 2}}}}
stages:
  - {{name: take, pool: desk, service: 5 min, patience: 10 min, label: clerk}}
  - {{name: check, pool: back, service: 5 min, every: 10 min, overflow: {{to: desk}}}}
  - {{name: post, delay: 1 min}}
milestones: {milestones}
targets:
{targets}
"""


def scenario(
    folder: Path,
    targets: str,
    *,
    start: str = "2025-01-06 00:00",
    warm_up: str = "1 h",
    length: str = "10 h",
    cool_down: str = "1 h",
    centres: str = "1",
    milestones: str = "{}",
) -> Scenario:
    """A scenario whose targets are given as lines `name: {...}`; the cohort arrives from minute 60 to 660 of 720."""
    text = BASE.format(
        start=start,
        warm_up=warm_up,
        length=length,
        cool_down=cool_down,
        centres=centres,
        milestones=milestones,
        targets="\n".join("  " + line for line in targets.strip().splitlines()),
    )
    path = folder / "hand.yaml"
    path.write_text(text)
    return load(path)


@dataclass(frozen=True)
class Visit:
    """A visit to a stage by its name: minutes at which it entered, started and ended, None where that never came.

    Its work is one spell from start to end at the stage's own pool, unless `spells` says otherwise: (pool, from, to).
    """

    stage: str
    enter: float | None = None
    start: float | None = None
    end: float | None = None
    tier: str | None = None
    """The tip's label when it reaches the stage."""
    spells: Sequence[tuple[str, float, float]] | None = None


@dataclass(frozen=True)
class Tip:
    """A tip, in minutes; `tier` is the label that it would end with."""

    arrival: float
    visits: Sequence[Visit]
    tier: str | None = None
    risk: str = "high"
    channel: str = "call"
    centre: int = 0
    lost: float | None = None


def _tick(minute: float | None) -> int:
    return NEVER if minute is None else round(minute * MINUTE)


def replay(
    world: Scenario,
    tips: Sequence[Tip],
    *,
    backlog: int = 0,
    overtime: Sequence[tuple[str, float, float]] = (),
    roster: Plan | None = None,
) -> tuple[Log, Replication]:
    """The log and the replication in which just this happened."""
    code = {kind: {name: i for i, name in enumerate(names)} for kind, names in world.names.items()}
    pools = {name: i for i, name in enumerate(world.pools)}
    label = {None: NO_LABEL, **code["tier"]}
    visits = [(tip, visit) for tip in tips for visit in tip.visits]
    stage = np.array([code["stage"][visit.stage] for _, visit in visits], dtype=np.int32)
    enter, start, end = (
        np.array([_tick(getattr(visit, name)) for _, visit in visits], dtype=np.int64)
        for name in ("enter", "start", "end")
    )
    outcome = [
        UNREACHED
        if visit.enter is None
        else SERVED
        if visit.end is not None
        else ABANDONED
        if tip.lost is not None
        else OPEN
        for tip, visit in visits
    ]
    fixed = rules(world)
    n_stages = len(world.stages)
    none, over = np.zeros(n_stages, np.int32), np.zeros(fixed.stages.overflow.shape, np.int32)
    kinds = Kinds(
        stage=np.arange(n_stages, dtype=np.int32),
        rank=none,
        preempts=none.astype(bool),
        overflow_rank=over,
        overflow_preempts=over.astype(bool),
        first_move=np.zeros(n_stages * (1 + over.shape[1]) + 1, np.int64),
        moves_after=np.zeros(0, np.int64),
        moves_to=np.zeros(0, np.int32),
    )
    fixed = replace(fixed, kinds=kinds)
    spells = []
    for row, (tip, visit) in enumerate(visits):
        own = fixed.stages.place[stage[row]]
        if own == NO_PLACE:
            continue
        stretches = visit.spells
        if stretches is None:
            until = world.horizon / MINUTE if visit.end is None else visit.end
            stretches = [] if visit.start is None else [(world.stages[stage[row]].pool or "", visit.start, until)]
        for pool, since, until in stretches:
            place = int(np.flatnonzero(fixed.places.pool == pools[pool])[tip.centre * (len(world.centres) > 1)])
            spells.append((row, place, _tick(since), _tick(until)))
    table = np.array(spells, dtype=np.int64).reshape(-1, 4)
    extra = np.array([(pools[pool], _tick(a), _tick(b)) for pool, a, b in overtime], dtype=np.int64).reshape(-1, 3)
    person = np.full(len(table), NOBODY, np.int32)
    for late, (place, since, until) in enumerate(extra.tolist()):
        person[(table[:, 1] == place) & (table[:, 2] < until) & (since < table[:, 3])] = late
    log = Log(
        enter=enter,
        start=start,
        end=end,
        outcome=np.array(outcome, dtype=np.int8),
        attempt=(np.array(outcome) != UNREACHED).astype(np.int32),
        lost=np.array([_tick(tip.lost) for tip in tips], dtype=np.int64),
        gave_up=np.array(
            [_tick(tip.lost) if how == ABANDONED else NEVER for how, (tip, _) in zip(outcome, visits, strict=True)],
            dtype=np.int64,
        ),
        turned_away=np.full(len(visits), NEVER),
        spells=Spells(
            table[:, 0],
            np.ones(len(table), np.int32),
            table[:, 1].astype(np.int32),
            person,
            table[:, 2],
            table[:, 3],
            table[:, 3] - table[:, 2],
            np.where(table[:, 3] == world.horizon, CUT, DONE).astype(np.int32),
            np.zeros(len(table), np.bool_),
        ),
        overtime=Overtime(
            extra[:, 0].astype(np.int32), np.arange(len(extra), dtype=np.int32), extra[:, 1], extra[:, 2]
        ),
    )

    def codes(kind: str, of: str) -> np.ndarray:
        return np.array([code[kind][getattr(tip, of)] for tip in tips], dtype=np.int32)

    arrays = Tips(
        arrival=np.array([_tick(tip.arrival) for tip in tips], dtype=np.int64),
        centre=np.array([tip.centre for tip in tips], dtype=np.int32),
        channel=codes("channel", "channel"),
        risk=codes("risk", "risk"),
        category=np.zeros(len(tips), np.int32),
        first_visit=np.concatenate([[0], np.cumsum([len(tip.visits) for tip in tips])]).astype(np.int64),
        n_backlog=backlog,
    )
    way = Visits(
        kind=stage,
        work=np.array([round(5 * MINUTE)] * len(visits), dtype=np.int64),
        tier=np.array([label[visit.tier] for _, visit in visits], dtype=np.int32),
        first_attempt=np.arange(len(visits)),
        patience=np.zeros(len(visits), np.int64),
        retry_after=np.full(len(visits), NEVER),
        final_tier=np.array([label[tip.tier] for tip in tips], dtype=np.int32),
    )
    return log, replace(Replication(arrays, way, fixed, plan(world)), plan=plan(world) if roster is None else roster)


def through(arrival: float, start: float, end: float, *, tier: str = "A", **attributes: object) -> Tip:
    """A tip that is taken and labelled, and then through."""
    return Tip(arrival, [Visit("take", arrival, start, end)], tier=tier, **attributes)  # type: ignore[arg-type]


def gone(arrival: float, lost: float, **attributes: object) -> Tip:
    """A tip that gives up before it is taken."""
    return Tip(arrival, [Visit("take", arrival)], tier="A", lost=lost, **attributes)  # type: ignore[arg-type]


def waiting(arrival: float, **attributes: object) -> Tip:
    """A tip that still waits to be taken at the horizon."""
    return Tip(arrival, [Visit("take", arrival)], tier="A", **attributes)  # type: ignore[arg-type]
