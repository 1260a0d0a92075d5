"""The engine that was written from what is said of the dynamics alone agrees with the reference on every stamp."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.draw import draw
from sim.dynamics import reference
from sim.dynamics.log import differences
from sim.dynamics.replication import Replication
from sim.scenario.loading import load
from tests.dynamics import independent
from tests.dynamics.worlds import random_world

SCENARIOS = sorted(
    path
    for path in (Path(__file__).parents[2] / "scenarios").glob("*.yaml")
    if not re.search("^(ledger|study):", path.read_text(encoding="utf-8"), re.MULTILINE)
)


def hold(replication: Replication, name: object) -> None:
    found = differences(reference.simulate(replication), independent.simulate(replication))
    assert not found, f"{name}: {', '.join(found)}"


def test_a_third_engine_agrees_on_20_worlds() -> None:
    for seed in range(20):
        hold(random_world(seed), seed)


def test_a_third_engine_agrees_on_a_world_in_which_several_come_to_an_aside_in_one_event() -> None:
    """One finds no line, and two no waiting room: all are asked together by the room of the aside."""
    hold(random_world(1_001_492), 1_001_492)


@pytest.mark.slow
def test_a_third_engine_agrees_on_300_more_worlds() -> None:
    for seed in range(20, 320):
        hold(random_world(seed), seed)


@pytest.mark.slow
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_a_third_engine_agrees_on_the_first_days_of_every_scenario(path: Path) -> None:
    short = {"run.warm_up": "1 d", "run.length": "7 d", "run.cool_down": "1 d"}
    hold(draw(load(path, changes=short), 0), path.stem)
