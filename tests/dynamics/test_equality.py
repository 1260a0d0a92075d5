"""The engines agree on every stamp of every tip, and every log obeys the laws."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim.dynamics import compiled, reference
from sim.dynamics.laws import check, check_order
from sim.dynamics.log import Log, differences
from tests.dynamics.features import features, table
from tests.dynamics.worlds import random_world

ROOT = Path(__file__).parents[2]


def compare(seed: int) -> dict[str, int]:
    """Hold the world of a seed to equality and to the laws; gives its features."""
    world = random_world(seed)
    log = reference.simulate(world)
    command = f'python -c "from tests.dynamics.test_equality import compare; compare({seed})"'
    differing = differences(log, compiled.simulate(world))
    assert not differing, f"world {seed}: {first_difference(log, compiled.simulate(world))}; to reproduce: {command}"
    check(log, world, command)
    check_order(log, world, command)
    return features(world, log)


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


def test_engines_agree_with_numba_off() -> None:
    """The kernels say in Python what they say when compiled."""
    script = "from tests.dynamics.test_equality import compare; [compare(seed) for seed in range(12)]"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
