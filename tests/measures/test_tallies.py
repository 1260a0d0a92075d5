"""Where each tip is counted: one sentence a rule, in minutes; the cohort arrives from 60 to 660, the horizon is 720."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from sim.dynamics.clock import MINUTE
from sim.measures.measures import measure
from sim.measures.tallies import COLUMNS
from tests.measures.hand import Tip, Visit, gone, replay, scenario, through, waiting

SHARE = "quick: {from: arrival, to: take.start, within: 20 min, share: 80 %}"
LEFT_OUT = "quick: {from: arrival, to: take.start, within: 20 min, share: 80 %, lost_tips: left_out}"
MEAN = "mean: {from: arrival, to: take.start, mean: 20 min}"
LOST = "lost: {lost: 5 %}"
CHECKED = "checked: {from: check.start, to: check.end, within: 20 min, share: 80 %}"


def counted(folder, targets, tips, **settings):
    """The columns of the first target that are not empty, and its value, low and high bound."""
    world = scenario(folder, targets, **settings)
    found = measure(*replay(world, tips), world)
    columns = {name: int(n) for name, n in zip(COLUMNS, found.counts[0], strict=True) if n}
    with np.errstate(invalid="ignore"):
        bounds = [float(top / bottom) for top, bottom in found.ratio[0]]
    return columns, bounds


@pytest.mark.parametrize(
    "targets, tip, column",
    [
        pytest.param(SHARE, through(100, 120, 125), "met", id="exactly within the threshold is met"),
        pytest.param(SHARE, through(100, 120 + 1 / 6e7, 125), "missed", id="a tick later is missed"),
        pytest.param(SHARE, gone(100, 110), "lost", id="a lost tip is a miss of its own kind"),
        pytest.param(LEFT_OUT, gone(100, 110), "left_out", id="or left out where the target says so"),
        pytest.param(SHARE, waiting(600), "missed", id="open and past the threshold is missed"),
        pytest.param(SHARE, waiting(650), "missed", id="which here is so for all that arrive in time"),
        pytest.param(MEAN, through(100, 120, 125), "met", id="a mean counts a tip at the mean"),
        pytest.param(MEAN, through(100, 121, 125), "missed", id="and one above it"),
        pytest.param(MEAN, gone(100, 110), "lost", id="but not a lost one"),
        pytest.param(MEAN, waiting(100), "open", id="an open tip has no end to count, however old"),
        pytest.param(LOST, through(100, 120, 125), "met", id="a tip that is through was kept"),
        pytest.param(LOST, gone(100, 110), "lost", id="a tip that gave up was lost"),
        pytest.param(LOST, waiting(600), "open", id="a tip that waits with patience may still give up"),
    ],
)
def test_a_tip_is_counted_once(tmp_path, targets, tip, column):
    assert counted(tmp_path, targets, [tip])[0] == {column: 1}


@pytest.mark.parametrize(
    "arrival, column", [(701, "open"), (700, "open"), (700 - 1 / 6e7, "missed")], ids=["younger", "as old", "older"]
)
def test_an_open_tip_is_missed_once_it_is_older_than_the_threshold(tmp_path, arrival, column):
    assert counted(tmp_path, SHARE, [waiting(arrival)], length="11 h", cool_down="0 h")[0] == {column: 1}


@pytest.mark.parametrize(
    "tip, column",
    [
        (Tip(100, [Visit("take", 100, 105, 110)], "A"), "without_start"),
        (Tip(100, [Visit("take", 100, 105, 110), Visit("check", 110, 112, 115, "A")], "A"), "met"),
        (Tip(100, [Visit("take", 100, 105, 110), Visit("check", 110, tier="A")], "A"), "open"),
        (Tip(100, [Visit("take", 100, 105, 110), Visit("check", 110, 112, tier="A")], "A"), "missed"),
        (Tip(100, [Visit("take", 100, 105, 110), Visit("check", 110, 705, tier="A")], "A"), "open"),
        (Tip(100, [Visit("take", 100)], "A", lost=105), "lost"),
    ],
    ids=[
        "through without the first moment is not judged, but counted",
        "both moments",
        "open without the first moment is open, whatever its age",
        "open and past the threshold since the first moment",
        "open and not past it",
        "lost without the first moment is lost",
    ],
)
def test_the_clock_runs_from_the_first_moment(tmp_path, tip, column):
    assert counted(tmp_path, CHECKED, [tip])[0] == {column: 1}


def test_through_without_the_second_moment_misses_a_share_and_is_beside_a_mean(tmp_path):
    tip = Tip(100, [Visit("take", 100, 105, 110)], "A")
    share = "to_check: {from: arrival, to: check.start, within: 20 min, share: 80 %}"
    assert counted(tmp_path, share, [tip])[0] == {"missed": 1}
    assert counted(tmp_path, "to_check: {from: arrival, to: check.start, mean: 20 min}", [tip])[0] == {"without_end": 1}


def test_a_lost_tip_that_had_passed_both_moments_is_judged_by_its_time(tmp_path):
    tip = Tip(100, [Visit("take", 100, 105, 110), Visit("take", 110, tier="A")], "A", lost=115)
    assert counted(tmp_path, SHARE, [tip])[0] == {"met": 1}


def test_a_tip_that_passed_the_second_moment_first_took_no_time(tmp_path):
    tip = Tip(100, [Visit("take", 100, 105, 110), Visit("check", 110, 115, 120, "A")], "A")
    back = "back: {from: check.start, to: take.start, mean: 20 min}"
    columns, bounds = counted(tmp_path, back, [tip, replace_arrival(tip, 10)])
    assert columns == {"met": 2}
    assert bounds[0] == 0


def replace_arrival(tip, later):
    moved = [
        Visit(v.stage, *(None if m is None else m + later for m in (v.enter, v.start, v.end)), v.tier)
        for v in tip.visits
    ]
    return Tip(tip.arrival + later, moved, tip.tier)


def test_only_tips_that_arrive_in_the_measured_time_count(tmp_path):
    world = scenario(tmp_path, SHARE)
    tips = [through(0, 5, 10), through(59, 60, 65), through(60, 70, 75), through(659, 660, 665), through(660, 661, 665)]
    found = measure(*replay(world, tips, backlog=1), world)
    assert found.arrived == 2
    assert found.counts[0].sum() == 2


def test_a_backlog_is_not_in_the_cohort_even_when_measuring_starts_at_once(tmp_path):
    world = scenario(tmp_path, SHARE, warm_up="0 h", length="11 h")
    found = measure(*replay(world, [through(0, 5, 10), through(0, 20, 25)], backlog=1), world)
    assert found.arrived == 1


def test_open_tips_leave_a_low_and_a_high_bound(tmp_path):
    tips = [through(100, 110, 115), through(200, 230, 235), waiting(700), waiting(710)]
    columns, bounds = counted(tmp_path, SHARE, tips, length="11 h", cool_down="0 h")
    assert columns == {"met": 1, "missed": 1, "open": 2}
    assert bounds == [1 / 2, 1 / 4, 3 / 4]


def test_a_mean_with_open_tips_is_a_lower_bound_without_an_upper_one(tmp_path):
    columns, bounds = counted(tmp_path, MEAN, [through(100, 110, 115), through(200, 230, 235), waiting(620)])
    assert columns == {"met": 1, "missed": 1, "open": 1}
    assert bounds == [(10 + 30 + 100) / 3 * MINUTE] * 2 + [np.inf]


def test_an_open_tip_before_the_first_moment_has_age_0(tmp_path):
    to_end = "to_end: {from: check.start, to: check.end, mean: 20 min}"
    tips = [
        Tip(100, [Visit("take", 100, 105, 110), Visit("check", 110, 115, 121, "A")], "A"),
        Tip(200, [Visit("take", 200, 205, 210), Visit("check", 210, tier="A")], "A"),
    ]
    assert counted(tmp_path, to_end, tips)[1][0] == 3 * MINUTE


def test_a_lost_share_is_of_all_tips_and_may_grow_by_those_at_risk(tmp_path):
    tips = [through(100, 110, 115), gone(200, 210), through(300, 310, 315), waiting(650)]
    assert counted(tmp_path, LOST, tips)[1] == [1 / 4, 1 / 4, 2 / 4]


@pytest.mark.parametrize(
    "visits, column",
    [
        ([Visit("take", 600)], "open"),
        ([Visit("take", 600, 605)], "met"),
        ([Visit("take", 600, 605, 610), Visit("check", 610, tier="A")], "met"),
        ([Visit("take", 600, 605, 610), Visit("check", 610, tier="A"), Visit("take", tier="A")], "open"),
        ([Visit("take", 600, 605), Visit("take", tier="A")], "open"),
    ],
    ids=[
        "waits with patience",
        "was started",
        "waits without patience",
        "patience lies ahead",
        "and after its service",
    ],
)
def test_an_open_tip_is_at_risk_where_its_patience_can_end(tmp_path, visits, column):
    assert counted(tmp_path, LOST, [Tip(600, visits, "A")])[0] == {column: 1}


def test_a_tier_is_the_last_label_that_a_tip_got(tmp_path):
    of_a = "a: {of: {tier: A}, from: arrival, to: take.start, within: 20 min, share: 80 %}"
    relabelled = Tip(100, [Visit("take", 100, 105, 110), Visit("take", 110, 115, 120, "A")], "B")
    only_once = Tip(100, [Visit("take", 100, 105, 110), Visit("take", 110, tier="A")], "B")
    assert counted(tmp_path, of_a, [through(100, 105, 110)])[0] == {"met": 1}
    assert counted(tmp_path, of_a, [relabelled])[0] == {"not_of": 1}
    assert counted(tmp_path, of_a, [only_once])[0] == {"met": 1}
    assert counted(tmp_path, of_a, [waiting(100)])[0] == {"not_of": 1}


def test_tips_without_a_label_are_counted_beside_a_target_on_a_tier(tmp_path):
    targets = """
a: {of: {tier: A, channel: call}, from: arrival, to: take.start, within: 20 min, share: 80 %}
truly: {of: {risk: high}, from: arrival, to: take.start, within: 20 min, share: 80 %}
"""
    world = scenario(tmp_path, targets)
    tips = [through(100, 105, 110), gone(200, 205), gone(300, 305, channel="web"), waiting(600), waiting(650)]
    found = measure(*replay(world, tips), world)
    assert found.unlabelled.tolist() == [[1, 2], [0, 0]]
    assert dict(zip(COLUMNS, found.counts[1].tolist(), strict=True))["lost"] == 2


@pytest.mark.parametrize(
    "of, n",
    [
        ("{channel: web}", 2),
        ("{channel: [call, web]}", 4),
        ("{risk: low, channel: call}", 1),
        ("{labelled: false}", 1),
        ("{labelled: true, risk: high}", 1),
    ],
)
def test_a_target_is_about_the_tips_that_match_every_key(tmp_path, of, n):
    tips = [
        through(100, 105, 110, channel="web"),
        through(200, 205, 210, channel="web", risk="low"),
        through(300, 305, 310, channel="call", risk="low"),
        gone(400, 405),
    ]
    columns = counted(tmp_path, f"some: {{of: {of}, lost: 5 %}}", tips)[0]
    assert columns.get("not_of", 0) == 4 - n


def test_a_moment_is_that_of_the_first_visit(tmp_path):
    tip = Tip(100, [Visit("take", 100, 105, 110), Visit("take", 110, 150, 155, "A")], "A")
    assert counted(tmp_path, MEAN, [tip])[1][0] == 5 * MINUTE


def test_a_milestone_is_the_first_named_moment_or_the_earliest(tmp_path):
    milestones = "{named: [check.start, take.start], earliest: {first_of: [check.start, take.start]}}"
    checked = Tip(100, [Visit("take", 100, 105, 110), Visit("check", 110, 115, 120, "A")], "A")
    for name, minutes in (("named", (15 + 5) / 2), ("earliest", 5)):
        targets = f"mean: {{from: arrival, to: {name}, mean: 20 min}}"
        bounds = counted(tmp_path, targets, [checked, through(200, 205, 210)], milestones=milestones)[1]
        assert bounds[0] == minutes * MINUTE


@pytest.mark.parametrize("to, minutes", [("leave", 10), ("arrival", 0)])
def test_arrival_and_leave_are_given(tmp_path, to, minutes):
    assert counted(tmp_path, f"mean: {{from: arrival, to: {to}, mean: 20 min}}", [through(100, 105, 110)])[1][
        0
    ] == pytest.approx(minutes * MINUTE)


def test_the_moment_of_giving_up_is_given(tmp_path):
    bears = "bears: {from: arrival, to: lost, mean: 20 min}"
    columns, bounds = counted(tmp_path, bears, [gone(100, 107), through(200, 205, 210)])
    assert columns == {"met": 1, "without_end": 1}
    assert bounds[0] == 7 * MINUTE


def test_leaving_is_only_for_tips_that_are_through(tmp_path):
    out = "out: {from: arrival, to: leave, within: 20 min, share: 80 %}"
    tips = [through(100, 105, 110), gone(200, 205), Tip(600, [Visit("take", 600, 605, 610), Visit("check", 610)], "A")]
    assert counted(tmp_path, out, tips)[0] == {"met": 1, "lost": 1, "missed": 1}


def test_a_tip_for_which_there_is_no_stage_is_through_when_it_arrives(tmp_path):
    out = "out: {from: arrival, to: leave, within: 20 min, share: 80 %}"
    assert counted(tmp_path, out, [Tip(100, [], None)])[0] == {"met": 1}


def test_shares_are_exact(tmp_path):
    tips = [through(100 + k, 100 + k + (5 if k < 9 else 25), 200) for k in range(10)]
    assert Fraction(counted(tmp_path, SHARE, tips)[1][0]) == Fraction(0.9)
