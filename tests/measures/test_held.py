"""Periods, windows, places and all targets together: one sentence a rule, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from sim.measures.frame import Frame
from sim.measures.held import HELD
from sim.measures.measures import measure
from sim.scenario.choices import UNITS
from tests.measures.hand import Tip, Visit, gone, replay, scenario, through, waiting

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


def test_a_target_per_day_has_the_days_that_kept_it_over_those_with_tips(tmp_path):
    tips = [quick(HOUR), quick(DAY), slow(DAY + HOUR), quick(2 * DAY)]
    per_day = found(tmp_path, f"quick: {{{WITHIN}, per: day, hold: 90 %}}", tips)
    assert per_day.ratio[0].tolist() == [[2, 3]] * 3
    assert held(per_day.windows[0]) == {"spoke": 3, "silent": 67, "surely": 2, "possibly": 2}
    assert value(found(tmp_path, f"quick: {{{WITHIN}}}", tips)) == 3 / 4


@pytest.mark.parametrize(
    ("per", "kept", "n_windows"),
    [("half_hour", [4, 5], 70 * 48), ("hour", [2, 3], 70 * 24), ("day", [1, 2], 70), ("week", [0, 1], 10)],
)
def test_windows_are_those_of_the_calendar(tmp_path, per, kept, n_windows):
    """Two tips in the first hour of the first day, one in time; one each at 2:00, 2:30 and 3:00 the day after."""
    tips = [quick(5), slow(35), quick(DAY + 2 * HOUR), quick(DAY + 2.5 * HOUR), quick(DAY + 3 * HOUR)]
    targets = f"quick: {{{WITHIN.replace('80 %', '90 %')}, per: {per}, hold: 50 %}}"
    measures = found(tmp_path, targets, tips)
    assert measures.ratio[0].tolist() == [kept] * 3
    assert measures.windows[0, 0] == kept[1]
    assert measures.windows[0, :2].sum() == n_windows


def test_only_whole_windows_are_judged(tmp_path):
    """The measured time begins at 12:20: neither that day nor that hour nor that half hour is whole."""
    settings = {"start": "2025-01-08 12:20", "length": "9 d"}
    for per, judged in (("day", 0), ("hour", 1), ("half_hour", 1), ("week", 0), ("month", 0)):
        measures = found(tmp_path, f"quick: {{{WITHIN}, per: {per}, hold: 50 %}}", [quick(5), quick(45)], **settings)
        assert measures.windows[0, 0] == judged, per
        assert measures.ratio[0, 0].tolist() == [judged, judged]


def test_a_mean_and_a_lost_share_keep_a_window_from_below(tmp_path):
    targets = """
mean: {from: arrival, to: take.start, mean: 20 min, per: day, hold: 50 %}
lost: {lost: 5 %, per: week, hold: 50 %}
"""
    measures = found(tmp_path, targets, [quick(HOUR), slow(DAY), gone(8 * DAY, 8 * DAY + 5), quick(9 * DAY)])
    assert measures.ratio[0].tolist() == [[2, 3]] * 3
    assert measures.ratio[1].tolist() == [[1, 2]] * 3


def test_an_occupancy_has_windows_in_which_it_was_kept(tmp_path):
    """Busy for 10 and 40 minutes of the hour from 1:00 and of the half hours from 2:00 and 2:30, in all of 240 h."""
    tips = [through(60, 60, 70), through(120, 120, 140), through(150, 150, 170)]
    targets = """
hours: {pool: desk, occupancy: 50 %, per: hour, hold: 50 %}
halves: {pool: desk, occupancy: 50 %, per: half_hour, hold: 50 %}
days: {pool: desk, occupancy: 50 %, per: day, hold: 50 %}
"""
    measures = found(tmp_path, targets, tips, length="10 d")
    assert measures.ratio[:, 0].tolist() == [[239, 240], [478, 480], [10, 10]]


def test_a_day_counts_by_arrival_from_midnight_to_midnight(tmp_path):
    tips = [quick(DAY - 1), slow(DAY)]
    targets = f"quick: {{{WITHIN}, per: day, hold: 50 %}}"
    assert found(tmp_path, targets, tips).ratio[0, 0].tolist() == [1, 2]
    tips = [quick(DAY // 2 - 1), slow(DAY // 2), quick(DAY // 2 + 1), quick(2 * DAY)]
    measures = found(tmp_path, targets, tips, start="2025-01-06 12:00")
    assert measures.ratio[0, 0].tolist() == [1, 2]


def test_a_target_in_each_centre_is_told_by_centre(tmp_path):
    tips = [quick(HOUR), quick(2 * HOUR, centre=1), slow(3 * HOUR, centre=1)]
    measures = found(tmp_path, f"quick: {{{WITHIN}, in_each: centre}}", tips, centres="3")
    assert measures.ratio[:, 0].tolist() == [[1, 1], [1, 2], [0, 0]]
    assert held(measures.windows[0]) == {"spoke": 1, "silent": 0, "surely": 0, "possibly": 0}


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("weekday", {"Mon": [2, 3], "Tue": [0, 1]}),
        ("hour", {"Mon 01:00 to 02:00": [1, 2], "Mon 02:00 to 03:00": [1, 1], "Tue 01:00 to 02:00": [0, 1]}),
        (
            "half_hour",
            {
                "Mon 01:00 to 01:30": [1, 1],
                "Mon 01:30 to 02:00": [0, 1],
                "Mon 02:00 to 02:30": [1, 1],
                "Tue 01:00 to 01:30": [0, 1],
            },
        ),
        ("channel", {"call": [2, 3], "web": [0, 1]}),
        ("risk", {"high": [1, 3], "low": [1, 1]}),
        ("category", {"any": [2, 4]}),
        ("tier", {"A": [2, 3], "B": [0, 1]}),
    ],
)
def test_places_are_stretches_of_the_week_and_attributes(tmp_path, place, told):
    """On Mondays of three weeks at 1:00, 1:30 and 2:00, and on a Tuesday at 1:00."""
    week = 7 * DAY
    tips = [
        quick(HOUR),
        slow(1.5 * HOUR),
        quick(2 * HOUR + 2 * week, risk="low"),
        slow(DAY + HOUR + week, channel="web", tier="B"),
    ]
    tips.sort(key=lambda tip: tip.arrival)
    world = scenario(tmp_path, f"quick: {{{WITHIN}, in_each: {place}}}", **LONG)
    measures = measure(*replay(world, tips), world)
    names = Frame(world).own[0].names
    counted = {name: pairs.tolist() for name, pairs in zip(names, measures.ratio[:, 0], strict=True) if pairs[1]}
    assert counted == told


def test_with_hold_each_place_has_windows_of_its_own(tmp_path):
    """Of the three days the call channel keeps two and the web the one that it has."""
    tips = [quick(HOUR), slow(DAY), quick(DAY + HOUR, channel="web"), quick(2 * DAY)]
    measures = found(tmp_path, f"quick: {{{WITHIN}, per: day, hold: 50 %, in_each: channel}}", tips)
    assert measures.ratio[:, 0].tolist() == [[2, 3], [1, 1]]
    assert held(measures.windows[0]) == {"spoke": 3, "silent": 67, "surely": 2, "possibly": 2}


def test_a_tip_without_a_label_is_in_no_tier(tmp_path):
    tips = [quick(HOUR), Tip(2 * HOUR, [Visit("take", 2 * HOUR)], lost=2 * HOUR + 5)]
    measures = found(tmp_path, f"quick: {{{WITHIN}, in_each: tier}}", tips)
    assert measures.ratio[:, 0].tolist() == [[1, 1], [0, 0]]
    assert measures.unlabelled[0].tolist() == [1, 0]
    assert measures.counts[0].sum() == 2


def test_hours_of_the_week_of_a_pool(tmp_path):
    """Mondays at 1:00, of ten weeks: 10 minutes of the desk in one, none in the others; one centre of two."""
    targets = """
hours: {pool: desk, occupancy: 50 %, in_each: hour}
halves: {pool: desk, occupancy: 50 %, in_each: half_hour}
centres: {pool: desk, occupancy: 50 %, in_each: centre, per: hour, hold: 50 %}
"""
    world = scenario(tmp_path, targets, **LONG, centres="2")
    measures = measure(*replay(world, [through(60, 60, 100)]), world)
    hours, halves, centres = (measures.ratio[rows, 0] for rows in Frame(world).rows)
    assert hours[1].tolist() == [40 * 60e6, 2 * 10 * 3600e6]
    assert halves[2:4].tolist() == [[30 * 60e6, 2 * 10 * 1800e6], [10 * 60e6, 2 * 10 * 1800e6]]
    assert hours[:, 0].sum() == halves[:, 0].sum() == 40 * 60e6
    assert centres.tolist() == [[70 * 24 - 1, 70 * 24], [70 * 24, 70 * 24]]


def test_an_open_tip_leaves_a_window_in_doubt(tmp_path):
    tips = [quick(HOUR), waiting(71 * DAY - 2 * HOUR), slow(DAY)]
    settings = {"length": "71 d", "cool_down": "0 d"}
    measures = found(
        tmp_path,
        "quick: {from: arrival, to: take.start, within: 3 h, share: 80 %, per: day, hold: 50 %}",
        tips,
        **settings,
    )
    assert held(measures.windows[0]) == {"spoke": 3, "silent": 68, "surely": 2, "possibly": 3}
    assert measures.ratio[0].tolist() == [[2, 2], [2, 3], [3, 3]]


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


def test_in_the_run_a_target_holds_by_its_share_of_windows(tmp_path):
    tips = [quick(DAY * day) for day in range(9)] + [slow(9 * DAY)]
    targets = f"""
plain: {{{WITHIN}}}
most: {{{WITHIN}, per: day, hold: 90 %}}
all: {{{WITHIN}, per: day, hold: 100 %}}
"""
    measures = found(tmp_path, targets, tips)
    assert [held(measures.units[k, 0])["surely"] for k in (0, 1, 2)] == [1, 1, 0]
    assert np.array_equal(measures.units[0, 1:], measures.units[1, 1:])


@pytest.mark.parametrize("unit", range(4))
def test_nothing_to_judge_is_silence(tmp_path, unit):
    measures = found(tmp_path, f"webs: {{of: {{channel: web}}, {WITHIN}}}", [quick(HOUR)])
    assert held(measures.joint[unit])["spoke"] == 0
    assert measures.ratio[0, 0, 1] == 0
