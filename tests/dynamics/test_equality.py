"""The engines agree on every stamp of every tip, and every log obeys the laws."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.draw import draw
from sim.dynamics import compiled, reference, stations
from sim.dynamics.clock import NEVER
from sim.dynamics.laws import verify
from sim.dynamics.log import Log, differences
from sim.dynamics.machinery import N_SOON
from sim.dynamics.replication import NO_PLACE, RESTART, Replication
from sim.scenario.loading import load
from tests.dynamics.build import AT_END, Pool, Row, Stage, Visit, tip, world
from tests.dynamics.features import features, table
from tests.dynamics.worlds import line_world, random_world, restated

ROOT = Path(__file__).parents[2]


NATIONAL = ROOT / "scenarios" / "national.yaml"

THIRTY_ONE = {
    "centres": 31,
    "demand.volume": "120000/year",
    "pools.call_takers.shifts": [
        {"from": "06:00", "to": "18:00", "staff": 1},
        {"from": "18:00", "to": "06:00", "staff": 1},
    ],
    "pools.duty_officers.shifts": [{"from": "08:00", "to": "20:00", "staff": 1}],
    "pools.analysts.staff": 1,
    "pools.receivers.shared": True,
}
"""31 small centres with one server a pool, which overflow by night, and one pool for all."""


def compare(seed: int) -> dict[str, int]:
    """Hold the world of a seed to equality and to the laws; gives its features."""
    one = random_world(seed)
    log = hold(one, f'python -c "from tests.dynamics.test_equality import compare; compare({seed})"')
    return features(one, log)


def hold(replication: Replication, command: str = "") -> Log:
    """The log of a replication on which the engines agree, and which obeys the laws."""
    log, other = reference.simulate(replication), compiled.simulate(replication)
    assert not differences(log, other), f"{first_difference(log, other)}; to reproduce: {command}"
    verify(log, replication, lambda _: command)
    return log


@pytest.mark.parametrize("seed", range(10))
def test_a_plain_world_has_the_same_log_by_the_engine_for_people(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given to that where a process has no other at hand."""
    plain = random_world(seed, plain=True)
    log = compiled.simulate(plain)
    monkeypatch.setattr(compiled, "borrows", True)
    for_people = set(product([True], [False, True], [False, True]))
    monkeypatch.setattr(compiled, "_at_hand", set(for_people))
    assert not differences(compiled.simulate(plain), log)
    assert compiled._at_hand == for_people


def test_lines_that_are_run_stage_by_stage_have_the_log_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """And that of the reference, though all events of a stage come before those of the next; some have as many at work
    at once as the heap is for."""
    many = 0
    for seed in range(60):
        one = line_world(seed)
        assert stations.way_of(one) is not None
        log = hold(one, f"tests.dynamics.worlds.line_world({seed})")
        spells, middle = log.spells, one.rules.horizon // 2
        many += max(np.bincount(spells.place[(spells.began <= middle) & (spells.ended > middle)]), default=0) > N_SOON
        with monkeypatch.context() as patched:
            patched.setattr(stations, "way_of", lambda _: None)
            assert not differences(compiled.simulate(one), log)
    assert many > 0


def test_what_is_run_stage_by_stage_goes_on_to_later_stages_alone() -> None:
    """And takes a tick at least at each, which has a pool of its own, and nothing is there at the beginning."""
    pools, stages = [Pool("a", 1), Pool("b", 1)], [Stage("a"), Stage("b")]

    def runs(**other: Any) -> bool:
        given: dict[str, Any] = {"pools": pools, "stages": stages, "tips": [tip(0, 2, 3), tip(1, 4, 5)], **other}
        return stations.way_of(world(**given)) is not None

    assert runs()
    assert not runs(tips=[tip(0, 2, 3, Visit(0, 4))])
    assert not runs(tips=[tip(0, Visit(1, 4), Visit(0, 4))])
    assert not runs(tips=[tip(0, 2, 0)])
    assert not runs(stages=[Stage("a"), Stage("a")])
    assert not runs(stages=[Stage("a"), Stage()])
    assert not runs(stages=[Stage("a", every=5), Stage("b")])
    assert not runs(stages=[Stage("a", overflow="b"), Stage("b")])
    assert not runs(tips=[tip(0, Visit(0, 2, patience=[3]))])
    assert not runs(backlog=1)
    assert not runs(centres=2)


@pytest.mark.parametrize("seed", range(20))
def test_tables_that_are_too_small_are_run_again_with_larger_ones(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def rooms() -> Iterator[int]:
        for room in (1, 3, 9, 4096):
            tried.append(room)
            yield room

    one = random_world(seed)
    whole = compiled.simulate(one)
    monkeypatch.setattr(compiled, "rooms", rooms)
    assert not differences(compiled.simulate(one), whole)
    assert len(tried) > 1


def test_the_next_replication_by_the_same_rules_begins_with_tables_that_were_large_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[int] = []
    real = compiled.nobody_yet

    def nobody_yet(room: int, *rest: Any) -> Any:
        tried.append(room)
        return real(room, *rest)

    monkeypatch.setattr(compiled, "rooms", lambda: iter((1, 3, 9, 4096)))
    monkeypatch.setattr(compiled, "nobody_yet", nobody_yet)
    one, other = (random_world(seed) for seed in (1, 2))
    first = compiled.simulate(one)
    needed = tried.copy()
    assert len(needed) > 1
    assert not differences(compiled.simulate(one), first)
    assert tried == [*needed, needed[-1]]
    compiled.simulate(other)
    assert tried[len(needed) + 1] == 1


def first_difference(one: Log, other: Log) -> str:
    """Which arrays differ, and the earliest visit that does."""
    row = min(
        (
            int((a != b).argmax())
            for a, b in ((one.enter, other.enter), (one.start, other.start), (one.end, other.end))
            if (a != b).any()
        ),
        default=-1,
    )
    return f"{', '.join(differences(one, other))} (first at visit {row})"


def compare_all(seeds: range) -> None:
    found = [compare(seed) for seed in seeds]
    print(f"\n{table(found)}")
    never = [name for name in found[0] if not any(one[name] for one in found)]
    assert not never, f"no world has: {never}"


def test_engines_agree_on_300_worlds_that_use_every_feature() -> None:
    compare_all(range(300))


@pytest.mark.slow
def test_engines_agree_on_3000_more_worlds() -> None:
    compare_all(range(1_000_000, 1_003_000))


def test_engines_agree_on_chains_of_delays() -> None:
    """Most stages are delays, many of no length, so that chains of them end in ticks in which much else happens."""
    chained = 0
    for seed in range(100):
        one = random_world(seed, delays=True)
        chained += chains_of_delays(one, hold(one, f"tests.dynamics.worlds.random_world({seed}, delays=True)"))
    assert chained > 300


def chains_of_delays(world: Replication, log: Log) -> int:
    """How many delays tips went on to from a delay, in the tick in which that one ended."""
    places = world.rules.stages.place[world.rules.kinds.stage[world.visits.kind]]
    after = (log.end[:-1] < NEVER) & (log.end[:-1] == log.enter[1:])
    return int(np.count_nonzero(after & (places[:-1] == NO_PLACE) & (places[1:] == NO_PLACE)))


def test_a_tip_that_one_pool_gives_up_starts_at_heads_of_another_that_go_in_the_same_tick() -> None:
    hold(random_world(2_000_519, delays=True), "tests.dynamics.worlds.random_world(2000519, delays=True)")


def test_an_aside_is_awaited_no_longer_once_what_leads_to_it_was_served() -> None:
    hold(random_world(2_000_266, delays=True), "tests.dynamics.worlds.random_world(2000266, delays=True)")


@pytest.mark.slow
def test_engines_agree_on_chains_of_delays_in_3000_more_worlds() -> None:
    for seed in range(2_000_000, 2_003_000):
        hold(random_world(seed, delays=True), f"tests.dynamics.worlds.random_world({seed}, delays=True)")


def test_a_chain_that_is_restated_is_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """`after: intake.end` of what follows intake anyhow says nothing new, to either engine; nor does the compiled one
    need what branches need, whose way of making them comes to the same."""
    rebuilt = 0
    for seed in range(60):
        one = random_world(seed, delays=seed % 2 == 0)
        if one.visits.branch or one.visits.follows.size:
            continue
        rebuilt += 1
        again = restated(one)
        assert again.visits.branch
        assert compiled.only_chains(again)
        log = compiled.simulate(one)
        assert not differences(reference.simulate(again), log)
        assert not differences(compiled.simulate(again), log)
        with monkeypatch.context() as patched:
            patched.setattr(compiled, "only_chains", lambda _: False)
            assert not differences(compiled.simulate(again), log)
    assert rebuilt > 10


def test_what_awaits_a_start_or_several_ends_is_more_than_a_chain() -> None:
    stages = [Stage(), Stage(), Stage()]
    for awaits in ([(0, 3)], [(0, AT_END)], [(0, AT_END), (1, AT_END)], []):
        one = world(stages=stages, tips=[tip(0), tip(1, 2, 3, Visit(2, 4, awaits=awaits))])
        assert one.visits.branch
        assert not compiled.only_chains(one)


def test_engines_agree_with_numba_off() -> None:
    """The kernels say in Python what they say when compiled."""
    script = "from tests.dynamics.test_equality import compare; [compare(seed) for seed in range(12)]"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_engines_agree_when_the_working_tables_have_to_grow() -> None:
    """More tips at once, events to come and interrupted spells than the compiled engine makes room for at first."""
    patient = [tip(1 + i // 100, Visit(0, 3, rank=i % 2, preempts=i % 2 == 0, patience=[60])) for i in range(1200)]
    hold(world(pools=[Pool("a", 40)], stages=[Stage("a", every=20)], tips=patient, horizon=200))
    rows = [Row(tick, tick + 1, staff=20) for tick in range(120)]
    pools = [Pool("a", rows=rows, at_shift_end=RESTART)]
    hold(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 2) for _ in range(30)], horizon=200))


def test_engines_agree_on_a_year_of_the_national_scenario() -> None:
    log = hold(draw(load(NATIONAL), 0))
    assert len(log.enter) > 100_000


@pytest.mark.slow
def test_engines_agree_on_a_year_of_thirty_one_centres() -> None:
    replication = draw(load(NATIONAL, changes=THIRTY_ONE), 0)
    found = features(replication, hold(replication))
    print(f"\n{table([found])}")
    assert found["the overflow pool takes a tip"] > 0
