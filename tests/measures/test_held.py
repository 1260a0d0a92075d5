"""Periods, centres and all targets together: one sentence a rule, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sim.measures.frame import UNITS, Frame
from sim.measures.held import HELD
from sim.measures.measures import measure
from tests.measures.hand import gone, replay, scenario, through, waiting

HOUR, DAY = 60, 24 * 60
WITHIN = "from: arrival, to: take.start, within: 20 min, share: 80 %"
LONG = {"warm_up": "0 h", "length": "70 d", "cool_down": "1 d"}


def quick(arrival, **attributes):
    return through(arrival, arrival + 10, arrival + 15, **attributes)


def slow(arrival, **attributes):
    return through(arrival, arrival + 30, arrival + 35, **attributes)


def found(folder, targets, tips, **settings):
    world = scenario(folder, targets, **{**LONG, **settings})
    return measure(*replay(world, tips), world)


def value(measures, k=0):
    return measures.ratio[k, 0, 0] / measures.ratio[k, 0, 1]


def held(counts):
    return dict(zip(HELD, counts.tolist(), strict=True))


def test_periods_are_those_of_the_calendar(tmp_path):
    """70 days from Monday 6 January 2025 hold 10 whole weeks, and of the months only February."""
    frame = Frame(scenario(tmp_path, f"quick: {{{WITHIN}}}", **LONG))
    assert {unit: int(frame.periods[unit].judged.sum()) for unit in UNITS} == {
        "run": 1,
        "month": 1,
        "week": 10,
        "day": 70,
    }
    assert frame.periods["month"].first_day.tolist() == [0, 26, 54]
    assert all(frame.periods[unit].whole for unit in UNITS)


def test_parts_of_periods_at_the_ends_are_left_out(tmp_path):
    frame = Frame(scenario(tmp_path, f"quick: {{{WITHIN}}}", **{**LONG, "start": "2025-01-08 12:00", "length": "9 d"}))
    assert frame.periods["day"].judged.tolist() == [False] + [True] * 8 + [False]
    assert frame.periods["week"].first_day.tolist() == [0, 5]
    assert not frame.periods["week"].whole


def test_where_no_period_is_whole_those_there_are_are_judged(tmp_path):
    frame = Frame(scenario(tmp_path, f"quick: {{{WITHIN}}}"))
    assert not frame.periods["day"].whole
    assert frame.periods["day"].judged.tolist() == [True]


def test_a_run_that_ends_at_midnight_ends_a_day(tmp_path):
    frame = Frame(scenario(tmp_path, f"quick: {{{WITHIN}}}", warm_up="1 d", length="2 d"))
    assert frame.periods["day"].judged.tolist() == [True, True]
    assert frame.periods["day"].whole


def test_a_target_per_day_is_as_good_as_its_worst_day(tmp_path):
    tips = [quick(HOUR), quick(DAY), slow(DAY + HOUR), quick(2 * DAY)]
    per_day = found(tmp_path, f"quick: {{{WITHIN}, per: day}}", tips)
    assert value(per_day) == 1 / 2
    assert held(per_day.windows[0]) == {"spoke": 3, "silent": 67, "surely": 2, "possibly": 2}
    assert value(found(tmp_path, f"quick: {{{WITHIN}}}", tips)) == 3 / 4


def test_a_mean_and_a_lost_share_are_worst_where_they_are_highest(tmp_path):
    targets = """
mean: {from: arrival, to: take.start, mean: 20 min, per: day}
lost: {lost: 5 %, per: week}
"""
    measures = found(tmp_path, targets, [quick(HOUR), slow(DAY), gone(8 * DAY, 8 * DAY + 5), quick(9 * DAY)])
    assert value(measures) == 30 * 60e6
    assert value(measures, 1) == 1 / 2


def test_a_day_counts_by_arrival_from_midnight_to_midnight(tmp_path):
    tips = [quick(DAY - 1), slow(DAY)]
    assert value(found(tmp_path, f"quick: {{{WITHIN}, per: day}}", tips)) == 0
    settings = {"start": "2025-01-06 12:00"}
    tips = [quick(DAY // 2 - 1), slow(DAY // 2), quick(DAY // 2 + 1)]
    measures = found(tmp_path, f"quick: {{{WITHIN}, per: day}}", tips, **settings)
    assert value(measures) == 1 / 2


def test_a_target_in_each_centre_is_as_good_as_the_worst_centre(tmp_path):
    tips = [quick(HOUR), quick(2 * HOUR, centre=1), slow(3 * HOUR, centre=1)]
    measures = found(tmp_path, f"quick: {{{WITHIN}, in_each: centre}}", tips, centres="3")
    assert value(measures) == 1 / 2
    assert held(measures.windows[0]) == {"spoke": 1, "silent": 0, "surely": 0, "possibly": 0}


def test_an_open_tip_leaves_a_period_in_doubt(tmp_path):
    tips = [quick(HOUR), waiting(71 * DAY - 2 * HOUR), slow(DAY)]
    settings = {"length": "71 d", "cool_down": "0 d"}
    measures = found(
        tmp_path, "quick: {from: arrival, to: take.start, within: 3 h, share: 80 %, per: day}", tips, **settings
    )
    assert held(measures.windows[0]) == {"spoke": 3, "silent": 68, "surely": 2, "possibly": 3}


def test_all_targets_hold_in_a_period_where_each_that_speaks_holds(tmp_path):
    targets = f"""
calls: {{of: {{channel: call}}, {WITHIN}}}
webs: {{of: {{channel: web}}, {WITHIN}}}
"""
    tips = [
        quick(HOUR),
        slow(DAY),
        quick(DAY + HOUR, channel="web"),
        quick(2 * DAY),
        quick(2 * DAY + HOUR, channel="web"),
        slow(3 * DAY, channel="web"),
    ]
    joint = dict(zip(UNITS, found(tmp_path, targets, tips).joint, strict=True))
    assert held(joint["day"]) == {"spoke": 4, "silent": 66, "surely": 2, "possibly": 2}
    assert held(joint["week"]) == {"spoke": 1, "silent": 9, "surely": 0, "possibly": 0}
    assert held(joint["run"]) == {"spoke": 1, "silent": 0, "surely": 0, "possibly": 0}


def test_in_the_run_a_target_holds_by_its_own_windows(tmp_path):
    tips = [quick(DAY * day) for day in range(9)] + [slow(9 * DAY)]
    measures = found(tmp_path, f"plain: {{{WITHIN}}}\ndaily: {{{WITHIN}, per: day}}", tips)
    assert [held(measures.units[k, 0])["surely"] for k in (0, 1)] == [1, 0]
    assert np.array_equal(measures.units[0, 1:], measures.units[1, 1:])


@pytest.mark.parametrize("unit", range(4))
def test_nothing_to_judge_is_silence(tmp_path, unit):
    measures = found(tmp_path, f"webs: {{of: {{channel: web}}, {WITHIN}}}", [quick(HOUR)])
    assert held(measures.joint[unit])["spoke"] == 0
    assert measures.ratio[0, 0, 1] == 0
