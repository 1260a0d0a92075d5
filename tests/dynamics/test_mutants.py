"""The tests have teeth: each deliberate fault is noticed by the comparison of engines and by a world made by hand."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache, partial

import pytest

from sim.dynamics import compiled
from sim.dynamics.laws import LawError, verify
from sim.dynamics.log import Log, differences
from sim.dynamics.replication import RESUME, Replication
from tests.conftest import Engine
from tests.dynamics import (
    test_by_hand_branches,
    test_by_hand_line,
    test_by_hand_merging,
    test_by_hand_order,
    test_by_hand_people,
    test_by_hand_waits,
)
from tests.dynamics.mutants import MUTANTS, Mutant
from tests.dynamics.worlds import random_world


def by_hand() -> list[Callable[[Engine], None]]:
    """Every test made by hand; one that takes a rule of shift ends, with one that interrupts."""
    found: list[Callable[[Engine], None]] = []
    modules = (
        test_by_hand_branches,
        test_by_hand_line,
        test_by_hand_merging,
        test_by_hand_order,
        test_by_hand_people,
        test_by_hand_waits,
    )
    for module in modules:
        tests = [test for name, test in vars(module).items() if name.startswith("test_")]
        found += [
            partial(test, rule=RESUME) if "rule" in inspect.signature(test).parameters else test for test in tests
        ]
    return found


BY_HAND = by_hand()


@cache
def right(seed: int) -> tuple[Replication, Log]:
    """The world of a seed, and its log by the engine without a fault."""
    world = random_world(seed)
    return world, compiled.simulate(world)


def result(engine: Engine, world: Replication) -> Log | None:
    """The log of a faulty engine, or None when the fault made it fail."""
    try:
        return engine(world)
    except (IndexError, ValueError, AttributeError, AssertionError, RuntimeError):
        return None


def is_noticed(engine: Engine, seed: int) -> bool:
    """Whether a faulty engine fails, or gives another log than the engine without the fault."""
    world, expected = right(seed)
    log = result(engine, world)
    return log is None or bool(differences(log, expected))


def breaks_a_law(engine: Engine, seed: int) -> bool:
    """Whether a faulty engine fails, or gives a log that no engine may give."""
    world, _ = right(seed)
    log = result(engine, world)
    if log is None:
        return True
    try:
        verify(log, world)
    except LawError:
        return True
    return False


def fails(test: Callable[[Engine], None], engine: Engine) -> bool:
    try:
        test(engine)
    except (IndexError, ValueError, AttributeError, AssertionError, RuntimeError):
        return True
    return False


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.fault)
def test_a_fault_is_noticed(mutant: Mutant) -> None:
    engine = mutant.engine()
    assert any(is_noticed(engine, seed) for seed in mutant.seeds), "no random world notices it"
    assert any(fails(test, engine) for test in BY_HAND), "no world made by hand notices it"


def table() -> None:
    """Print of each fault how many random worlds notice it, how many of twenty break a law, how many by hand fail."""
    print(f"{'fault':62}{'differ':>8}{'break a law':>13}{'by hand':>9}")
    for mutant in MUTANTS:
        engine = mutant.engine()
        noticed = [seed for seed in mutant.seeds if is_noticed(engine, seed)]
        unlawful = sum(breaks_a_law(engine, seed) for seed in noticed[:20])
        failing = sum(fails(test, engine) for test in BY_HAND)
        print(f"{mutant.fault:62}{len(noticed):8}{unlawful:13}{failing:9}")


if __name__ == "__main__":
    table()
