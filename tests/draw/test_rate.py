"""The rate of arrivals and its inverse, against what a pencil gives."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.draw.luck import busyness
from sim.draw.rate import Rate, begins
from sim.draw.streams import Streams
from sim.dynamics.clock import DAY, HOUR, MINUTE, YEAR
from tests.draw.worlds import demand, rate_of


def of_pieces(edge: list[int], after: list[float], before: list[float]) -> Rate:
    return Rate.of(np.array(edge), np.array([after]), np.array([before]))


def expected(rate: Rate, begin: int, end: int) -> float:
    """Tips expected in [begin, end), from the pieces themselves."""
    total = 0.0
    for low, high, a, b in zip(rate.edge, rate.edge[1:], rate.after.sum(axis=0), rate.before.sum(axis=0), strict=False):
        first, last = max(begin, low), min(end, high)
        if first < last:
            at = [a + (b - a) * (tick - low) / (high - low) for tick in (first, last)]
            total += sum(at) / 2 * (last - first)
    return float(total)


def test_inverse_of_a_rising_a_flat_and_a_falling_piece() -> None:
    # 0 to 2 over 1000 ticks (x^2 / 1000), then 1 for 1000, then 2 to 0 over 1000 (2x - x^2 / 1000): 1000 tips each.
    rate = of_pieces([0, 1000, 2000, 3000], [0, 1, 2], [2, 1, 0])
    assert rate.cumulative.tolist() == [0, 1000, 2000, 3000]
    sums = np.array([0, 40, 250, 999.9999999, 1000, 1500, 2000, 2750, 2999.99])
    assert rate.invert(sums).tolist() == [0, 200, 500, 999, 1000, 1500, 2000, 2500, 2996]


def test_inverse_of_one_flat_piece() -> None:
    assert of_pieces([0, 1000], [0.5], [0.5]).invert(np.array([0.25, 1, 499.9])).tolist() == [0, 2, 999]


def test_no_tip_comes_while_the_rate_is_0() -> None:
    rate = of_pieces([0, 10, 20, 30], [1, 0, 1], [1, 0, 1])
    assert rate.invert(np.array([9.5, 10, 10.5])).tolist() == [9, 20, 20]


def test_a_step_profile_is_inverted_to_the_tick_whatever_lies_before() -> None:
    rate = rate_of(demand("7 d", by_hour=[*range(24)], by_weekday=[1, 2, 3, 4, 5, 6, 7]))
    inside = np.arange(1, 2000) * rate.total / 2000
    assert rate.cumulative[-1] == pytest.approx(7 * 240, rel=1e-12)
    ticks = rate.invert(inside)
    back = np.interp(ticks, rate.edge, rate.cumulative)
    assert np.abs(back - inside).max() < rate.begin.max() * 1.01


def test_flat_profiles_leave_one_piece() -> None:
    assert rate_of(demand("70 d", by_hour=[1] * 24, by_weekday=[2] * 7)).edge.tolist() == [0, 70 * DAY]


def test_profiles_are_relative_and_keep_the_volume() -> None:
    rate = rate_of(demand("14 d", by_hour=[0] * 12 + [7] * 12, by_weekday=[3, 3, 3, 3, 3, 0, 0]))
    assert rate.total == pytest.approx(14 * 240, rel=1e-12)
    assert expected(rate, 0, 12 * HOUR) == 0
    assert expected(rate, 12 * HOUR, DAY) == pytest.approx(240 * 7 / 5)
    assert expected(rate, 5 * DAY, 7 * DAY) == 0


def test_a_run_that_starts_off_the_hour_keeps_to_the_calendar() -> None:
    # From Sunday 22:30: half an hour of 22, an hour of 23, then Monday.
    rate = rate_of(demand("3 h", "2025-01-05 22:30", by_hour=[4] + [1] * 22 + [2], by_weekday=[2, 1, 1, 1, 1, 1, 7]))
    assert rate.edge.tolist() == [0, 30 * MINUTE, 90 * MINUTE, 150 * MINUTE, 180 * MINUTE]
    per_hour = rate.begin * HOUR / 10 * (28 / 24) * 2
    assert per_hour.tolist() == pytest.approx([7, 14, 8, 2])


def test_growth_compounds_over_the_year() -> None:
    rate = rate_of(demand("730 d", growth="40 %"))
    by_hand = 240 * 365 * (1.4**2 - 1) / math.log(1.4)
    assert rate.total == pytest.approx(by_hand, rel=1e-6)
    assert rate.begin[365] * DAY == pytest.approx(240 * 1.4)


def test_growth_within_a_fade() -> None:
    rate = rate_of(
        demand(
            "30 d", growth="100 %", surges=[{"at": "2025-01-06 00:00", "lasts": "1 h", "factor": 9, "fades": "20 d"}]
        )
    )
    at = np.linspace(HOUR, HOUR + 20 * DAY, 4001)
    exact = 2 ** (at / YEAR) * (1 + 8 * (1 - (at - HOUR) / (20 * DAY))) * 240 / DAY
    piece = rate.edge.searchsorted(at, side="right") - 1
    taken = rate.begin[piece] + rate.slope[piece] * (at - rate.edge[piece])
    assert np.abs(taken / exact - 1).max() < 1e-6


def test_a_surge_lasts_and_fades_in_a_line() -> None:
    # 10/h; times 3 for an hour, then from 30/h to 10/h over two hours.
    rate = rate_of(demand(surges=[{"at": "2025-01-06 03:30", "lasts": "1 h", "factor": 3, "fades": "2 h"}]))
    assert rate.edge.tolist() == [0, 210 * MINUTE, 270 * MINUTE, 390 * MINUTE, DAY]
    assert (rate.begin * HOUR).tolist() == pytest.approx([10, 30, 30, 10])
    assert (rate.before[0] * HOUR).tolist() == pytest.approx([10, 30, 10, 10])
    assert rate.total == pytest.approx(240 + 20 + 20)


def test_surges_add_up() -> None:
    both = [{"name": name, "at": "2025-01-06 03:00", "lasts": "1 h", "factor": 4} for name in ("one", "two")]
    assert expected(rate_of(demand(surges=both)), 3 * HOUR, 4 * HOUR) == pytest.approx(10 * (1 + 3 + 3))


def test_a_surge_under_way_at_the_start_and_one_cut_by_the_end() -> None:
    surges = [
        {"name": "before", "at": "2025-01-05 23:00", "lasts": "30 min", "factor": 3, "fades": "1 h"},
        {"name": "after", "at": "2025-01-06 23:00", "lasts": "30 min", "factor": 3, "fades": "1 h"},
        {"name": "long ago", "at": "2024-01-05 23:00", "lasts": "30 min", "factor": 3, "fades": "1 h"},
    ]
    rate = rate_of(demand(surges=surges))
    # Half of the fade is over at midnight, when it stands at 1 + 2/2.
    assert rate.begin[0] * HOUR == pytest.approx(20)
    assert rate.before[0, -1] * HOUR == pytest.approx(20)
    assert rate.total == pytest.approx(240 + 20 * (1 / 4 / 2) + 20 * (1 / 2 + 3 / 4 / 2))


def test_a_closed_line_gets_no_tips_and_two_closures_no_fewer_than_none() -> None:
    closed = {"at": "2025-01-06 03:00", "lasts": "1 h", "factor": 0}
    assert expected(rate_of(demand(surges=[closed])), 3 * HOUR, 4 * HOUR) == 0
    twice = rate_of(
        demand(surges=[{**closed, "name": "one", "fades": "2 h"}, {**closed, "name": "two", "fades": "2 h"}])
    )
    # 1 - 2 x shape is above 0 in the second hour of the fade only: there it rises from 0 to 1.
    assert expected(twice, 3 * HOUR, 5 * HOUR) == 0
    assert expected(twice, 5 * HOUR, 6 * HOUR) == pytest.approx(5)
    assert twice.total == pytest.approx(18 * 10 + 5 + 3 * 10)


def test_a_surge_of_one_channel_leaves_the_others_alone() -> None:
    rate = rate_of(
        demand(
            channels={"call": "25 %", "online": "75 %"},
            surges=[{"at": "2025-01-06 03:00", "lasts": "1 h", "factor": 5, "channel": "call"}],
        )
    )
    assert (rate.after * HOUR).T.tolist() == [
        pytest.approx([2.5, 7.5]),
        pytest.approx([12.5, 7.5]),
        pytest.approx([2.5, 7.5]),
    ]


def test_a_channel_may_have_its_own_profile() -> None:
    nights = [1] * 6 + [0] * 18
    rate = rate_of(demand(channels={"call": {"share": "25 %", "by_hour": nights}, "online": "75 %"}))
    assert (rate.after * HOUR).T.tolist() == [pytest.approx([10, 7.5]), pytest.approx([0, 7.5])]
    ticks = np.arange(0, DAY, 10 * MINUTE)
    codes = rate.codes(ticks, np.random.default_rng(1).random(ticks.size))
    assert set(codes[ticks >= 6 * HOUR].tolist()) == {1}
    assert set(codes[ticks < 6 * HOUR].tolist()) == {0, 1}


def test_channels_by_their_share_of_the_rate_just_then() -> None:
    # Channel 0 fades from 3 to 1 beside a steady 1: its share falls from 3/4 to 1/2.
    rate = Rate.of(np.array([0, 1000]), np.array([[3.0], [1.0]]), np.array([[1.0], [1.0]]))
    ticks = np.array([0, 0, 500, 500, 999, 999])
    assert rate.codes(ticks, np.array([0.74, 0.76, 0.66, 0.67, 0.5, 0.502])).tolist() == [0, 1, 0, 1, 0, 1]


def test_busyness_has_mean_1_its_cv_and_keeps_each_days_luck() -> None:
    """Fixed seed; 5 standard errors each: false alarms in less than 1 of a million seeds."""
    n = 20_000
    uniform = np.random.default_rng(3).random(n)
    for cv in (0.1, 0.5, 2.0):
        factor = busyness(cv, uniform)
        kurtosis = 3 + 6 * cv**2
        assert abs(factor.mean() - 1) < 5 * cv / math.sqrt(n)
        assert abs(factor.var() / cv**2 - 1) < 5 * math.sqrt((kurtosis - 1) / n)
        assert (np.diff(factor[np.argsort(uniform)]) >= 0).all()


def test_a_days_busyness_reaches_from_midnight_to_midnight() -> None:
    scenario = demand("2 d", "2025-01-06 09:00", busyness_cv=0.3)
    rate = rate_of(scenario)
    assert rate.edge.tolist() == [0, 15 * HOUR, 39 * HOUR, 48 * HOUR]
    luck = busyness(0.3, Streams(1, 0).uniform("busyness").rows(0, 3))
    assert (rate.begin * DAY / 240).tolist() == pytest.approx(luck.tolist())
    assert rate_of(scenario, index=1).begin[0] != rate.begin[0]


def test_random_surges_come_at_their_rate_before_the_start_too() -> None:
    """2,000 replications of 100 d and 30 d back: 5 standard errors, false alarms in less than 1 of a million seeds."""
    scenario = demand(
        "100 d", surges=[{"name": "campaign", "per_year": 6, "lasts": "10 d", "factor": 2, "fades": "20 d"}]
    )
    found = [begins(scenario.demand.surges[0], scenario, Streams(1, index)) for index in range(2000)]
    ahead = sum(tick >= 0 for ticks in found for tick in ticks)
    behind = sum(tick < 0 for ticks in found for tick in ticks)
    for count, days in ((ahead, 100), (behind, 30)):
        mean = 2000 * 6 * days / 365
        assert abs(count - mean) < 5 * math.sqrt(mean)
    assert all(-30 * DAY <= tick < 100 * DAY for ticks in found for tick in ticks)
    assert all(ticks == sorted(ticks) for ticks in found)


def test_a_longer_run_keeps_its_random_surges() -> None:
    surge = {"name": "campaign", "per_year": 20, "lasts": "10 d", "factor": 2}
    short, long = demand("100 d", surges=[surge]), demand("200 d", surges=[surge])
    first, second = (begins(scenario.demand.surges[0], scenario, Streams(1, 0)) for scenario in (short, long))
    assert len(second) > len(first) > 0
    assert second[: len(first)] == first
