"""Order is told once: a rule that is changed in `order` changes both engines, and changes them alike."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from functools import cache
from itertools import chain
from math import prod
from pathlib import Path

import numpy as np
import pytest
from numba import njit

from sim.dynamics import compiled, hands, reference
from sim.dynamics.log import Log, differences
from sim.dynamics.order import ABANDON, ARRIVAL, END, SHIFT, event_key, speed
from sim.dynamics.replication import FULL_SPEED, IN_RANDOM_ORDER, Replication
from tests.dynamics.build import Pool, Stage, Tip, Visit, world
from tests.dynamics.mutants import MUTANTS, Mutant
from tests.dynamics.test_mutants import BY_HAND
from tests.dynamics.worlds import random_world

ROOT = Path(__file__).parents[2]
OUT_OF_FORM = (
    "a break clears the line",
    "a wrap-up is interrupted",
    "the end is rounded down",
    "what is done is rounded up",
)
"""Faults that the tables of the compiled engine cannot hold: there nobody on a break can be clearing the line, who
wraps up has no tip that could go back into it, and nothing is left of work whose end has come."""
RULES = [mutant.fault for mutant in MUTANTS if mutant.rule and mutant.fault not in OUT_OF_FORM]


def by_hand() -> list[Replication]:
    """The worlds made by hand."""
    worlds = []

    def keep(world: Replication) -> Log:
        worlds.append(world)
        return reference.simulate(world)

    for test in BY_HAND:
        test(keep)
    return worlds


def hold_alike(faults: list[str], n_worlds: int) -> None:
    """Hold both engines to each faulty rule, on so many worlds in which it matters; in a process of its own."""
    right = cache(reference.simulate)
    of_seed = cache(random_world)
    made = by_hand()
    for mutant in MUTANTS:
        if mutant.fault in faults:
            one, other = mutant.both()
            changed = 0
            for row, world in enumerate(chain(map(of_seed, mutant.seeds), made)):
                log = one(world)
                if differences(log, right(world)):
                    assert not differences(log, other(world)), f"{mutant.fault}: the engines differ on world {row}"
                    changed += 1
                if changed == n_worlds:
                    break
            assert changed, f"{mutant.fault}: no world notices it"


def hold_at_once(faults: list[str], n_worlds: int) -> None:
    """Hold both engines to some faulty rules at once, which are compiled together; each matters in so many worlds."""
    changes = {mutant.fault: mutant.changes for mutant in MUTANTS if mutant.fault in faults}
    without = {
        fault: tuple(chain.from_iterable(changes[other] for other in faults if other != fault)) for fault in faults
    }
    but_for = {fault: Mutant(f"not {fault}", others, rule=True).engine() for fault, others in without.items()}
    engine, other = Mutant("all at once", tuple(chain.from_iterable(changes.values())), rule=True).both()
    matters: Counter[str] = Counter()
    for row, one in enumerate(chain(map(random_world, range(300)), by_hand())):
        log = engine(one)
        assert not differences(log, other(one)), f"the engines differ on world {row}"
        matters.update(fault for fault in faults if differences(log, but_for[fault](one)))
    assert min(matters[fault] for fault in faults) >= n_worlds, matters


def run_apart(call: str, **environment: str) -> None:
    """Make a call of this module in a process of its own."""
    script = f"from tests.dynamics.test_order import *; {call}"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_rule_that_is_changed_changes_both_engines_alike() -> None:
    run_apart("hold_alike(RULES, 3)", NUMBA_DISABLE_JIT="1")


@pytest.mark.slow
@pytest.mark.parametrize("part", range(3))
def test_a_rule_that_is_changed_changes_both_engines_alike_on_many_worlds(part: int) -> None:
    run_apart(f"hold_alike(RULES[{part}::3], 60)", NUMBA_DISABLE_JIT="1")


@pytest.mark.slow
def test_rules_that_are_changed_are_compiled_as_they_are_changed(tmp_path: Path) -> None:
    """One of the order of events, and one of the order of a line."""
    faults = ["ends in falling order of tips", "the worst rank first"]
    run_apart(f"hold_at_once({faults}, 100)", NUMBA_CACHE_DIR=str(tmp_path))


def test_plan_rows_and_arrivals_lie_in_the_order_of_their_keys() -> None:
    """The compiled engine takes both as they lie, by tick and then by place or tip."""
    for kind in (SHIFT, ARRIVAL):
        keys = [event_key(kind, index) for index in range(100)]
        assert keys == sorted(set(keys))


def test_the_key_of_an_event_holds_every_tip_of_the_largest_run() -> None:
    """Kinds stay apart, and a key stays a number that the compiled engine can hold."""
    last = 10**9
    assert event_key(END, last, 7) < event_key(ARRIVAL, 0) < event_key(ARRIVAL, last, 7) < event_key(ABANDON, 0)
    assert event_key(ABANDON, last, 7) < 2**62


def test_a_speed_is_the_product_of_its_factors_rounded_down_once() -> None:
    rng = np.random.default_rng(11)
    for high in (10**5, 3 * FULL_SPEED):
        for factors in rng.integers(1, high + 1, (1000, 3)).tolist():
            assert speed(*factors) == compiled_speed(*factors) == max(1, prod(factors) // FULL_SPEED**2)
    assert compiled_speed(*[3 * FULL_SPEED] * 3) == 27 * FULL_SPEED


@njit
def compiled_speed(person: int, kind: int, stage: int) -> int:
    """The speed as the engine has it: a part, which Python cannot call."""
    return hands.speed(person, kind, stage)


@pytest.mark.slow
def test_a_random_order_has_the_second_moment_of_theory() -> None:
    """M/M/1 at load 1/2: E[W^2] is that of first come, first served times 2 / (2 - load); the mean is the same."""
    rng, n, load = np.random.default_rng(5), 400_000, 0.5
    arrival = np.cumsum(rng.exponential(10_000 / load, n)).astype(np.int64)
    work, lot = rng.exponential(10_000, n).astype(np.int64), rng.integers(0, 2**31, n)
    tips = [Tip(int(a), [Visit(0, int(w), lot=int(b))]) for a, w, b in zip(arrival, work, lot, strict=True)]
    one = world(
        pools=[Pool("a", 1, order=IN_RANDOM_ORDER)], stages=[Stage("a")], tips=tips, horizon=int(arrival[-1]) + 10**7
    )
    log = compiled.simulate(one)
    wait = (log.start - log.enter) / 10_000
    in_turn = 2 * load / (1 - load) ** 2
    assert np.mean(wait) == pytest.approx(load / (1 - load), rel=0.03)
    assert np.mean(wait**2) == pytest.approx(in_turn * 2 / (2 - load), rel=0.06)
