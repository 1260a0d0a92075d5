"""Stages and pools over time, by hand; minutes of Monday, measured from minute 60 to 660."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sim.draw import draw
from sim.dynamics import compiled
from sim.dynamics.clock import DAY, HOUR, MINUTE
from sim.dynamics.kernels import njit
from sim.measures import passes
from sim.measures.bins import EDGES, GUIDE, N_BINS
from sim.measures.measures import measure
from sim.scenario.loading import load
from sim.scenario.shifts import laid_out
from tests.measures.hand import Tip, Visit, gone, replay, scenario, through, waiting

WITHIN = "quick: {from: arrival, to: check.end, within: 20 min, share: 80 %}"
DESK, BACK = 0, 1
NATIONAL = Path(__file__).parents[2] / "scenarios" / "national.yaml"


def measures_of(folder, tips, targets=WITHIN, **more):
    world = scenario(folder, targets)
    return measure(*replay(world, tips, **more), world)


def minutes_of(measures, place, number):
    return measures.places[place, number] / MINUTE


def by_hour(measures, number, pool, first, last):
    """Minutes of each hour of Monday from `first` on."""
    return [round(float(x) * 60, 6) for x in measures.week[number, pool, first:last]]


def checked(arrival, release, start, end, spells=None):
    """A tip that is taken at once for 5 minutes and then checked behind the gate."""
    way = [Visit("take", arrival, arrival, arrival + 5), Visit("check", arrival + 5, start, end, "A", spells)]
    return Tip(arrival, way, "A")


def test_a_tip_waits_from_the_opening_of_the_gate_until_it_starts(tmp_path):
    found = measures_of(tmp_path, [checked(103, 110, 118, 125)])
    assert minutes_of(found, BACK, passes.WAITING) == 8
    assert minutes_of(found, BACK, passes.BUSY) == 7
    assert by_hour(found, passes.WAITING, BACK, 1, 3) == [8, 0]
    assert by_hour(found, passes.BUSY, BACK, 1, 4) == [2, 5, 0]


def test_endless_staff_would_work_from_the_moment_a_tip_joins_the_line(tmp_path):
    found = measures_of(tmp_path, [checked(103, 110, 118, 125), gone(177, 187)])
    assert minutes_of(found, BACK, passes.OFFERED) == 5
    assert by_hour(found, passes.OFFERED, DESK, 1, 4) == [5, 3, 2]


def test_what_lies_outside_the_measured_time_is_left_out(tmp_path):
    found = measures_of(tmp_path, [through(50, 58, 63), waiting(650)])
    assert minutes_of(found, DESK, passes.WAITING) == 10
    assert minutes_of(found, DESK, passes.BUSY) == 3
    assert np.isnan(found.week[:, :, 0]).all()
    assert by_hour(found, passes.BUSY, DESK, 1, 2) == [3]


def test_an_interrupted_tip_waits_between_its_spells(tmp_path):
    found = measures_of(tmp_path, [checked(103, 110, 110, 130, [("back", 110, 112), ("back", 120, 130)])])
    assert minutes_of(found, BACK, passes.WAITING) == 8
    assert minutes_of(found, BACK, passes.BUSY) == 12


def test_work_counts_at_the_pool_that_does_it(tmp_path):
    found = measures_of(tmp_path, [checked(103, 110, 118, 125, [("desk", 118, 125)])])
    assert [minutes_of(found, place, passes.BUSY) for place in (DESK, BACK)] == [5 + 7, 0]
    assert [minutes_of(found, place, passes.WAITING) for place in (DESK, BACK)] == [0, 8]
    assert by_hour(found, passes.WAITING, BACK, 1, 3) == [8, 0]
    assert by_hour(found, passes.WAITING, DESK, 1, 3) == [0, 0]


def test_who_gave_up_waited_until_then(tmp_path):
    assert minutes_of(measures_of(tmp_path, [gone(100, 110)]), DESK, passes.WAITING) == 10


def test_busy_leaves_out_overtime(tmp_path):
    found = measures_of(tmp_path, [through(100, 110, 140)], overtime=[("desk", 130, 140)])
    assert minutes_of(found, DESK, passes.BUSY) == 20
    assert minutes_of(found, DESK, passes.OVERTIME) == 10
    assert by_hour(found, passes.BUSY, DESK, 1, 3) == [10, 10]


def test_people_on_duty_follow_the_plan(tmp_path):
    heads = [(minute * MINUTE, 0, change) for minute, change in ((0, 2), (90, -1), (150, 1), (200, -1))]
    found = measures_of(tmp_path, [], roster=laid_out([], heads, 2 * DAY))
    assert by_hour(found, passes.ON_DUTY, DESK, 1, 5) == [30 * 2 + 30, 30 + 30 * 2, 20 * 2 + 40, 60]
    assert minutes_of(found, DESK, passes.ON_DUTY) == 90 + 90 + 80 + 60 * 7


def test_an_occupancy_is_busy_time_over_time_on_duty(tmp_path):
    targets = "busy: {pool: back, occupancy: 85 %}"
    found = measures_of(tmp_path, [checked(103, 110, 118, 148)], targets)
    assert found.ratio[0].tolist() == [[30 * MINUTE, 2 * 10 * HOUR]] * 3
    assert found.counts[0].sum() == 0


def test_a_line_without_pools_can_be_measured(tmp_path):
    path = tmp_path / "bare.yaml"
    path.write_text(
        """
scenario: Bare
run: {start: 2025-01-06 00:00, length: 2 d}
demand: {volume: 10/d}
pools: {}
stages: [{name: post, delay: 1 min}]
targets: {posted: {from: arrival, to: post.end, within: 2 min, share: 90 %}}
"""
    )
    world = load(path)
    replication = draw(world, 0)
    found = measure(compiled.simulate(replication), replication, world)
    assert found.counts[0, 0] == found.arrived > 0
    assert found.week.shape == (4, 0, 168)


def test_an_occupancy_in_each_centre_is_told_by_centre(tmp_path):
    world = scenario(tmp_path, "busy: {pool: desk, occupancy: 85 %, in_each: centre}", centres="2")
    tips = [through(100, 110, 140), through(200, 210, 220, centre=1), through(300, 310, 350, centre=1)]
    found = measure(*replay(world, tips), world)
    assert found.ratio[:, 0].tolist() == [[30 * MINUTE, 10 * HOUR], [50 * MINUTE, 10 * HOUR]]
    assert minutes_of(found, 0, passes.BUSY) == 30
    assert by_hour(found, passes.BUSY, DESK, 1, 6) == [10, 20, 10, 0, 40]


def test_tips_are_counted_by_the_hour_in_which_they_came(tmp_path):
    found = measures_of(tmp_path, [gone(minute, minute + 5) for minute in (50, 60, 70, 130, 659)])
    assert found.added().came[:12, passes.CAME].tolist() == [0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0]
    assert found.added().came[168:].tolist() == [[4, 0, 4, 0, 0]]


def test_the_same_hour_of_every_week_is_averaged(tmp_path):
    world = scenario(tmp_path, WITHIN, warm_up="0 h", length="14 d", cool_down="1 d")
    found = measure(*replay(world, [through(30, 30, 40), through(7 * 1440 + 30, 7 * 1440 + 30, 7 * 1440 + 60)]), world)
    assert by_hour(found, passes.BUSY, DESK, 0, 1) == [(10 + 30) / 2]
    assert found.added().came[0].tolist() == [2, 2, 0, 0, 0]


def test_a_stage_counts_its_visits_by_the_last_label(tmp_path):
    tips = [through(100, 110, 115), gone(200, 210), waiting(600), checked(300, 310, 318, 325)]
    found = measures_of(tmp_path, tips)
    take, check = found.stages[0], found.stages[1]
    unlabelled, a = take[0], take[1]
    assert unlabelled.tolist() == [2, 0, 1, 1, 0, 0, 0, 0]
    assert a.tolist() == [2, 2, 0, 0, 10 * MINUTE, 10 * MINUTE, 0, 0]
    assert check[1].tolist() == [1, 1, 0, 0, 13 * MINUTE, 7 * MINUTE, 0, 0]
    assert found.added().waits[0, 1, 0] == 1
    assert found.added().waits[0, 1].sum() == 2


def test_time_between_two_moments_is_shared_out_over_the_stages(tmp_path):
    tip = Tip(
        103,
        [
            Visit("take", 103, 106, 111),
            Visit("check", 111, 125, 135, "A", [("back", 125, 127), ("back", 130, 135)]),
            Visit("post", 135, 135, 141, "A"),
        ],
        "A",
    )
    targets = "most: {from: take.start, to: leave, within: 20 min, share: 80 %}"
    spent = measures_of(tmp_path, [tip], targets).added().spent[0] / MINUTE
    assert spent.tolist() == [[0, 5, 0, 0], [5 + 3, 7, 9, 0], [0, 0, 0, 6]]
    assert spent.sum() == 141 - 106


def test_failing_tips_are_counted_by_the_hour_in_which_they_came(tmp_path):
    targets = "quick: {from: arrival, to: take.start, within: 20 min, share: 80 %}"
    tips = [through(100, 110, 115), through(100, 130, 135), gone(500, 510)]
    failing = measures_of(tmp_path, tips, targets).added().failing[0]
    assert {int(h): failing[h].tolist() for h in np.flatnonzero(failing[:, 0])} == {1: [2, 1], 8: [1, 1], 168: [3, 2]}


def test_the_cohort_is_told_apart_by_channel_risk_label_and_fate(tmp_path):
    tips = [through(100, 110, 115, channel="web"), gone(200, 210, risk="low"), waiting(600)]
    cohort = measures_of(tmp_path, tips).cohort
    assert cohort.shape == (2, 2, 3, 4)
    assert {tuple(map(int, cell)) for cell in np.argwhere(cohort)} == {(1, 0, 1, 0), (0, 1, 0, 1), (0, 0, 0, 2)}


def test_every_duration_is_in_its_bin():
    first, beyond = np.ceil(EDGES[:-1]).astype(int), np.ceil(EDGES[1:]).astype(int)
    first[1], beyond[0] = 1, 1
    bin_of = njit(getattr(passes.bin_of, "py_func", passes.bin_of))  # by itself it cannot be called
    for k in range(N_BINS):
        assert bin_of(int(first[k]), GUIDE) == k
        assert bin_of(int(beyond[k]) - 1, GUIDE) == k
    assert bin_of(10**17, GUIDE) == N_BINS - 1


def test_for_targets_alone_pools_come_to_the_same() -> None:
    """Also those with overtime, counted by heads or by names, by centre and by half an hour; of the other pools what
    load was offered and who was on duty."""
    busy = {
        "desk": {"pool": "call_takers", "occupancy": "60 %", "per": "day", "hold": "90 %"},
        "back": {"pool": "duty_officers", "occupancy": "30 %", "per": "half_hour", "hold": "90 %"},
        "each": {"pool": "call_takers", "occupancy": "60 %", "in_each": "centre"},
    }
    heads = {"levels": {"every": "6 h", "staff": [4, 1, 4, 1]}}
    for desk in ({}, {"pools.call_takers": heads}):
        world = load(NATIONAL, changes={"run.length": "14 d", "centres": 2, "targets": busy, **desk})
        replication = draw(world, 0)
        log = compiled.simulate(replication)
        whole, some = (measure(log, replication, world, only_targets=only) for only in (False, True))
        assert whole.places[0, passes.OVERTIME] > 0
        for name in ("ratio", "windows", "units", "joint"):
            assert np.array_equal(getattr(some, name), getattr(whole, name)), name
        told = [passes.OFFERED, passes.ON_DUTY]
        assert np.array_equal(some.places[:, told], whole.places[:, told])
