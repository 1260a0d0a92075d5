"""Exact relations between the logs of two worlds that differ in one way.

What is false tip by tip is not here: one more server with priorities, with patience or upstream of another stage may
delay somebody, and more patience may lose more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest

from sim.dynamics.clock import MINUTE, NEVER
from sim.dynamics.log import ABANDONED, Log, differences
from sim.dynamics.replication import BY_WINDOWS, FULL_SPEED, NO_PLACE, Replication, Ticks, WorkSpeeds
from sim.dynamics.waits import openings, where
from sim.scenario.shifts import laid_out
from tests.conftest import Engine
from tests.dynamics.build import Pool, Stage, tip, world
from tests.dynamics.worlds import random_world

SEEDS = range(500, 560)
STAMPS = ("enter", "start", "end", "lost", "gave_up", "turned_away", "merged", "began", "ended")


def moved(log: Log, move: Callable[[Ticks], Ticks], times: int = 1) -> Log:
    """A log with every tick that happens moved, and so many times the work."""

    def change(part: object) -> dict[str, Ticks]:
        ticks = {f.name: getattr(part, f.name) for f in fields(part) if f.name in STAMPS}
        return {name: np.where(tick < NEVER, move(tick), NEVER) for name, tick in ticks.items()}

    spells = replace(log.spells, **change(log.spells), work=log.spells.work * times)
    overtime = replace(log.overtime, **change(log.overtime))
    return replace(log, **change(log), spells=spells, overtime=overtime)


def later(replication: Replication, by: int) -> Replication:
    """The same world so many ticks later, by the clock of the run and by that of the gates."""
    rules, people = replication.rules, replication.plan.people
    cycle = math.lcm(*(int(every) for every in rules.stages.every if every > 0))
    windows = replace(rules.windows, opens=rules.windows.opens + by, closes=rules.windows.closes + by)
    steps = np.where(rules.speeds.tick > 0, rules.speeds.tick + by, 0)
    return replace(
        replication,
        tips=replace(replication.tips, arrival=replication.tips.arrival + by),
        plan=replace(
            replication.plan,
            tick=replication.plan.tick + by,
            people=replace(people, start=people.start + by, end=capped(people.end, lambda tick: tick + by)),
        ),
        rules=replace(
            rules,
            horizon=rules.horizon + by,
            since_midnight=(rules.since_midnight - by) % cycle,
            windows=windows,
            speeds=replace(rules.speeds, tick=steps),
        ),
    )


def capped(tick: Ticks, move: Callable[[Ticks], Ticks]) -> Ticks:
    """Ticks moved, but for what never happens."""
    happens = tick < NEVER
    return np.where(happens, move(np.where(happens, tick, 0)), NEVER)


def slower(replication: Replication, times: int) -> Replication:
    """The same world with every duration so many times as long."""
    rules, visits, people = replication.rules, replication.visits, replication.plan.people
    windows = rules.windows

    def longer(length: Ticks) -> Ticks:
        return capped(length, lambda tick: np.minimum(tick, NEVER // times) * times)

    return replace(
        replication,
        tips=replace(replication.tips, arrival=replication.tips.arrival * times),
        visits=replace(
            visits,
            work=visits.work * times,
            wrap_up=visits.wrap_up * times,
            repeat=visits.repeat * times,
            patience=longer(visits.patience),
            retry_after=longer(visits.retry_after),
            called_back=longer(visits.called_back),
            due=longer(visits.due),
            moment_after=longer(visits.moment_after),
        ),
        plan=replace(
            replication.plan,
            tick=replication.plan.tick * times,
            people=replace(people, start=people.start * times, end=capped(people.end, lambda tick: tick * times)),
        ),
        rules=replace(
            rules,
            windows=replace(windows, opens=windows.opens * times, closes=(windows.closes - 1) * times + 1),
            stages=replace(
                rules.stages,
                every=np.where(rules.stages.every == BY_WINDOWS, BY_WINDOWS, rules.stages.every * times),
                overflow_after=rules.stages.overflow_after * times,
            ),
            kinds=replace(rules.kinds, moves_after=longer(rules.kinds.moves_after)),
            places=replace(rules.places, hand_over=rules.places.hand_over * times),
            since_midnight=rules.since_midnight * times,
            horizon=rules.horizon * times,
        ),
    )


@pytest.mark.parametrize("by", [1, 1_000_003])
def test_shifting_every_time_shifts_every_stamp(simulate: Engine, by: int) -> None:
    """Nothing but differences of time matters; a backlog, which stands at tick 0, is not shifted."""
    worlds = [one for one in map(random_world, SEEDS) if not one.tips.n_backlog]
    assert len(worlds) > 20
    for one in worlds:
        assert not differences(simulate(later(one, by)), moved(simulate(one), lambda tick: tick + by))


@pytest.mark.parametrize("times", [7, MINUTE])
def test_scaling_every_time_scales_every_stamp(simulate: Engine, times: int) -> None:
    """There is no unit of time in the dynamics, but where a speed has a time rounded to whole ticks."""
    worlds = [one for one in map(random_world, SEEDS) if not one.rules.speeds.varies.any()]
    assert len(worlds) > 20
    for one in worlds:
        assert not differences(simulate(slower(one, times)), moved(simulate(one), lambda tick: tick * times, times))


def at_full(speeds: WorkSpeeds) -> WorkSpeeds:
    """Nobody works at another speed."""
    factors = {name: np.full_like(getattr(speeds, name), FULL_SPEED) for name in ("by_tick", "by_stage", "by_hand")}
    return replace(speeds, varies=np.zeros_like(speeds.varies), **factors)


def test_enough_servers_mean_no_wait(simulate: Engine) -> None:
    """With a server for everybody nobody waits but for a gate, and who gives up does so behind one, or in a delay."""
    for one in map(random_world, SEEDS):
        n_places = len(one.rules.places.pool)
        nothing = laid_out([], [(0, place, 1000) for place in range(n_places)], one.rules.horizon)
        places = replace(one.rules.places, tells_apart=np.zeros(n_places, np.bool_))
        stages = replace(one.rules.stages, merges=np.zeros_like(one.rules.stages.merges))
        rules = replace(one.rules, places=places, speeds=at_full(one.rules.speeds), stages=stages)
        log = simulate(replace(one, plan=nothing, rules=rules))
        at = where(one)
        first = (log.attempt == 1) & (log.start < NEVER)
        opens = openings(one, at.stage, np.where(first, log.enter, 0))
        assert (log.start[first] == opens[first]).all()
        gave_up = (log.outcome == ABANDONED) & (at.own != NO_PLACE)
        assert (one.rules.stages.every[at.stage[gave_up]] != 0).all()
        staffed = first & (at.own != NO_PLACE)
        assert (log.start + one.visits.work == log.end)[staffed & (log.end < NEVER)].all()


@pytest.mark.parametrize("servers", [1, 2, 5])
def test_one_more_server_delays_no_one(simulate: Engine, servers: int) -> None:
    """One stage, first come first served, endless patience: every tip starts as early or earlier."""
    rng = np.random.default_rng(servers)
    helped = 0
    for _ in range(20):
        arrival = np.cumsum(rng.integers(0, 4, 60))
        tips = [tip(int(tick), int(rng.integers(0, 4 * servers + 4))) for tick in arrival]
        few, more = (
            simulate(world(pools=[Pool("a", staff)], stages=[Stage("a")], tips=tips, horizon=2000))
            for staff in (servers, servers + 1)
        )
        assert (more.start <= few.start).all()
        helped += int((more.start < few.start).sum())
    assert helped > 0
