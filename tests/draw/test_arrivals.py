"""Arrivals as they are drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from sim.dynamics.clock import DAY, HOUR, MINUTE
from sim.scenario.schema import Scenario
from tests.draw.worlds import arrivals_of, demand, rate_of

MILLIONTH = 1e-6
"""False-alarm rate of each chi-square test here, over seeds; the seeds are fixed."""


def chi_square(counts: NDArray[Any], expected: NDArray[Any]) -> None:
    """Counts of a Poisson process agree with their expectations, interval by interval."""
    statistic = ((counts - expected) ** 2 / expected).sum()
    assert statistic < chi2.ppf(1 - MILLIONTH, counts.size)


def counted(scenario: Scenario, edges: NDArray[Any], draws: int) -> NDArray[Any]:
    """Arrivals between the edges, added up over draws."""
    total: NDArray[Any] = np.sum(
        [np.histogram(arrivals_of(scenario, index), edges)[0] for index in range(draws)], axis=0
    )
    return total


def test_a_surge_of_one_hour_is_all_there_and_nowhere_else() -> None:
    surge = {"at": "2025-01-06 03:30", "lasts": "1 h", "factor": 30}
    scenario = demand("8 h", volume="2/h", surges=[surge])
    draws = 2000
    edges = np.arange(0, 8 * HOUR + 1, 10 * MINUTE)
    counts = counted(scenario, edges, draws)
    inside = (edges[:-1] >= 210 * MINUTE) & (edges[:-1] < 270 * MINUTE)
    assert 59 <= counts[inside].sum() / draws <= 61
    chi_square(counts, np.where(inside, 60, 2) / 6 * draws)


def test_a_surge_fades_in_a_line() -> None:
    surge = {"at": "2025-01-06 01:00", "lasts": "1 h", "factor": 30, "fades": "2 h"}
    scenario = demand("5 h", volume="2/h", surges=[surge])
    edges = np.arange(0, 5 * HOUR + 1, 20 * MINUTE)
    fading = 2 + 58 * (1 - (np.arange(6) + 0.5) / 6)
    expected = np.concatenate([[2] * 3, [60] * 3, fading, [2] * 3]) / 3 * 500
    chi_square(counted(scenario, edges, 500), expected)


def test_hours_and_weekdays_of_the_profiles() -> None:
    hours, weekdays = np.arange(1.0, 25), np.array([4.0, 4, 4, 4, 4, 1, 0.5])
    scenario = demand("28 d", "2025-01-08 13:00", volume="500/d", by_hour=hours.tolist(), by_weekday=weekdays.tolist())
    tick = np.concatenate([arrivals_of(scenario, index) for index in range(5)]) + 2 * DAY + 13 * HOUR
    week = np.bincount(tick // HOUR % 168, minlength=168)
    expected = np.outer(weekdays / weekdays.mean(), hours / hours.mean()).ravel() * 500 / 24 * 4 * 5
    chi_square(week, expected)


def test_gaps_are_exponential() -> None:
    gaps = np.diff(arrivals_of(demand("100 d"), 0)) / (DAY / 240)
    edges = np.append(-np.log1p(-np.arange(20) / 20), np.inf)
    counts = np.histogram(gaps, edges)[0]
    chi_square(counts, np.full(20, gaps.size / 20))


def test_the_size_of_blocks_does_not_matter() -> None:
    scenario = demand("7 d", by_hour=[*range(24)], busyness_cv=0.3, growth="10 %")
    whole = arrivals_of(scenario, size=10**6)
    for size in (1, 7, 1000):
        assert (arrivals_of(scenario, size=size) == whole).all()


def test_a_longer_run_only_adds_tips() -> None:
    given: dict[str, Any] = {"by_hour": [*range(24)], "busyness_cv": 0.3, "growth": "10 %"}
    short, long = arrivals_of(demand("3 d", **given)), arrivals_of(demand("9 d", **given))
    assert long.size > short.size > 0
    assert (long[: short.size] == short).all()


def test_a_larger_volume_brings_the_same_tips_sooner() -> None:
    small, large = arrivals_of(demand("4 d", volume="10/h")), arrivals_of(demand("4 d", volume="20/h"))
    assert large.size > small.size
    assert np.abs(large[: small.size] - small // 2).max() <= 1


def test_ticks_lie_in_the_run_and_never_fall() -> None:
    for index in range(50):
        scenario = demand("5 h", "2025-01-06 09:40", volume="3/h", by_hour=[*range(24)])
        tick = arrivals_of(scenario, index)
        assert (np.diff(tick) >= 0).all()
        assert tick.size == 0 or (tick[0] >= 0 and tick[-1] < 5 * HOUR)


def test_a_run_may_have_no_tips() -> None:
    assert arrivals_of(demand("1 h", by_hour=[0] * 12 + [1] * 12)).size == 0
    assert rate_of(demand("1 h", by_hour=[0] * 12 + [1] * 12)).total == 0


def test_seed_and_index_decide() -> None:
    scenario = demand("1 d")
    assert (arrivals_of(scenario, 3) == arrivals_of(scenario, 3)).all()
    assert arrivals_of(scenario, 3)[0] != arrivals_of(scenario, 4)[0]
