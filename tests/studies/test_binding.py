"""Hours are named as the worst only where that is beyond chance, over all hours that were looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, HOUR, MINUTE
from sim.scenario.loading import load
from sim.studies.binding import beyond_chance, largest_excess, worst_stretch
from sim.studies.replicate import run
from tests.scenario.small import loaded

FLAT = """
scenario: Flat
run: {start: 2025-01-06 00:00, warm_up: 1 d, length: 28 d, replications: 10, seed: 1}
demand: {volume: 200/h}
pools: {agents: {staff: 13}}
stages: [{name: answer, pool: agents, service: {exponential: {mean: 3 min}}}]
targets: {sl: {from: arrival, to: answer.start, within: 20 s, share: 80 %}}
"""


def bunched(generator: np.random.Generator, n: int, weeks: int, bursts: float) -> NDArray[np.int64]:
    """(n, 168, 2) tips whose hours are all alike, but that fail in bunches of one to four hours."""
    judged = generator.poisson(20, (n, weeks * 168))
    failed = np.zeros_like(judged)
    for unit in range(n):
        for _ in range(generator.poisson(bursts * weeks)):
            at = (generator.integers(weeks * 168) + np.arange(generator.integers(1, 5))) % (weeks * 168)
            failed[unit, at] = generator.binomial(judged[unit, at], 0.5)
    found: NDArray[np.int64] = np.stack([judged, failed], axis=-1).reshape(n, weeks, 168, 2).sum(axis=1)
    return found


@pytest.mark.parametrize(("n", "weeks", "bursts"), [(6, 4, 2.0), (10, 4, 0.2), (20, 13, 0.5)])
def test_alike_hours_are_seldom_told_apart(n: int, weeks: int, bursts: float) -> None:
    # 5 % of 100 are named by chance; a right method names more than 14 once in ten thousand such tests.
    generator = np.random.default_rng([n, weeks])
    named = sum(worst_stretch(bunched(generator, n, weeks, bursts)) is not None for _ in range(100))
    assert named <= 14


def test_hours_that_fail_more_are_found() -> None:
    failing = bunched(np.random.default_rng(3), 10, 4, 2.0)
    failing[:, 9::24, 1] += failing[:, 9::24, 0] // 5
    found = worst_stretch(failing)
    assert found is not None
    assert (found.days, found.begins, found.length) == ("every day", 9 * HOUR, HOUR)
    assert found.of_failures > 5 * found.of_tips


def test_few_replications_show_nothing_however_large_it_looks() -> None:
    failing = np.tile(np.array([10, 0]), (4, 168, 1))
    failing[:, 9::24, 1] = 10
    assert worst_stretch(failing) is None
    assert worst_stretch(np.concatenate([failing] * 2)) is not None


def test_least_is_found_like_most_and_nothing_of_nothing() -> None:
    cells = np.tile(np.array([[10, 5], [10, 5], [10, 1]]), (8, 1, 1))
    assert beyond_chance(cells, cells.sum(axis=1), least=True) == 2
    assert beyond_chance(cells[:, ::-1], cells.sum(axis=1), least=True) == 0
    assert largest_excess(np.zeros((8, 3))) is None
    assert worst_stretch(np.zeros((8, 168, 2), np.int64)) is None


def test_no_hours_of_a_flat_line_are_named_and_those_of_a_busy_one_are(tmp_path: Path) -> None:
    assert worst_stretch(run(loaded(tmp_path, FLAT)).sample.failing[:, 0]) is None
    by_hour = [1] * 24
    by_hour[12:14] = [1.3, 1.3]
    busy = load(tmp_path / "doc.yaml", changes={"demand.by_hour": by_hour})
    found = worst_stretch(run(busy).sample.failing[:, 0])
    assert found is not None
    assert found.days == "every day"
    assert (found.begins // HOUR, found.ends // HOUR) in {(12, 14), (12, 15), (11, 14), (11, 15)}


@pytest.mark.parametrize("minutes", [5, 30, 120])
def test_times_are_found_by_the_interval_of_the_run(minutes: int) -> None:
    n = 7 * 24 * 60 // minutes
    failing = np.tile(np.array([50, 5]), (8, n, 1))
    assert worst_stretch(failing) is None
    a_day = n // 7
    failing.reshape(8, 7, a_day, 2)[:, 5:, 3, 1] += 20
    found = worst_stretch(failing)
    assert found is not None
    assert (found.days, found.begins, found.length) == ("Saturdays and Sundays", 3 * minutes * MINUTE, minutes * MINUTE)


def test_a_stretch_may_pass_midnight() -> None:
    failing = np.tile(np.array([50, 5]), (8, 336, 1))
    failing.reshape(8, 7, 48, 2)[:, :, [47, 0], 1] += 20
    found = worst_stretch(failing)
    assert found is not None
    assert (found.begins, found.length, found.ends) == (DAY - HOUR // 2, HOUR, HOUR // 2)


def test_units_add_up_to_what_is_pooled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.measures import sample

    monkeypatch.setattr(sample, "MOST_UNITS", 3)
    found = run(loaded(tmp_path, FLAT.replace("length: 28 d", "length: 1 d"))).sample
    assert found.failing.shape == (3, 1, 168, 2)
    assert (found.failing.sum(axis=0) == found.pooled.failing[:, :168]).all()
