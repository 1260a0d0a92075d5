"""How many units of evidence a run holds, and what it shows where nothing failed."""

from __future__ import annotations

import math

import pytest

from sim.dynamics.clock import DAY
from sim.measures.estimates import each_of, least_shown, share_interval, units_counted, verdict
from sim.measures.evidence import nothing_failed, unit_of_evidence, units_of_evidence
from tests.scenario.small import loaded

LINE = """\
scenario: A line
run: {{start: 2025-01-06 00:00, warm_up: 1 d, length: {length}, cool_down: 1 d}}
demand: {{volume: {volume}{demand}}}
pools: {{desk: {{{pool}}}{pools}}}
stages: [{{name: answer, pool: desk, service: {service}{stage}}}]
"""


def line(
    folder,
    *,
    length="28 d",
    volume="2/h",
    demand="",
    pool="staff: 1",
    pools="",
    service="{exponential: {mean: 10 min}}",
    stage="",
):
    parts = {"length": length, "volume": volume, "demand": demand, "pool": pool, "pools": pools}
    return loaded(folder, LINE.format(**parts, service=service, stage=stage))


def days(scenario):
    return unit_of_evidence(scenario) / DAY


def test_a_line_that_clears_within_a_day_has_a_unit_for_each_day(tmp_path):
    assert days(line(tmp_path)) == 1
    assert units_of_evidence(line(tmp_path)) == 28
    assert units_of_evidence(line(tmp_path, length="60 h")) == 2
    assert units_of_evidence(line(tmp_path, length="8 h")) == 1


def test_a_heavy_load_makes_units_long_by_four_relaxation_times(tmp_path):
    assert days(line(tmp_path, volume="5.4/h")) == pytest.approx(4 * 10 / (1 - math.sqrt(0.9)) ** 2 / 1440)
    # Twice as many people at the same load forget twice as fast.
    two = line(tmp_path, volume="10.8/h", pool="staff: 2")
    assert days(two) == pytest.approx(2 * 10 / (1 - math.sqrt(0.9)) ** 2 / 1440)
    variable = line(tmp_path, volume="5.4/h", service="{lognormal: {mean: 10 min, cv: 2}}")
    assert days(variable) == pytest.approx(2.5 * 4 * 10 / (1 - math.sqrt(0.9)) ** 2 / 1440)


def test_a_line_that_grows_without_end_is_one_unit_a_replication(tmp_path):
    assert math.isinf(unit_of_evidence(line(tmp_path, volume="7/h")))
    assert units_of_evidence(line(tmp_path, volume="7/h")) == 1
    assert units_of_evidence(line(tmp_path, pool="staff: 0")) == 1


def test_a_backlog_is_gone_when_those_who_wait_have_given_up(tmp_path):
    assert units_of_evidence(line(tmp_path, volume="7/h", stage=", patience: 30 min")) == 28
    long = line(tmp_path, volume="7/h", stage=", patience: 2 d")
    assert days(long) == pytest.approx(4 * (2 + 10 / 1440))


def test_a_pool_that_helps_counts_with_the_one_it_helps(tmp_path):
    helped = line(tmp_path, volume="7/h", pools=", back: {staff: 3}", stage=", overflow: {to: back}")
    assert days(helped) == 1


def test_the_longest_random_surge_with_its_fading_is_a_unit(tmp_path):
    surges = ", surges: [{name: a, per_year: 1, lasts: 2 d, fades: 3 d, factor: 2}]"
    assert days(line(tmp_path, demand=surges)) == 5
    fixed = ", surges: [{name: a, at: 2025-01-09 00:00, lasts: 2 d, fades: 3 d, factor: 2}]"
    assert days(line(tmp_path, demand=fixed)) == 1
    assert units_of_evidence(line(tmp_path, demand=surges.replace("2 d", "400 d"))) == 1


def test_a_gate_that_opens_once_a_week_makes_weeks_the_units(tmp_path):
    assert days(line(tmp_path, stage=", every: 7 d")) == 7


def test_a_backlog_of_the_weekend_is_a_unit_as_long_as_it_lasts(tmp_path):
    closed = line(tmp_path, pool='shifts: [{from: "08:00", to: "18:00", staff: 2, days: mon-fri}]')
    assert 2.5 < days(closed) < 7


def test_nothing_failed_shows_the_exact_share_for_no_failures(tmp_path):
    assert least_shown(20 * 28) == pytest.approx(0.025 ** (1 / 560))
    assert round(least_shown(20 * 28), 4) == 0.9934
    assert round(least_shown(20 * 364), 4) == 0.9995
    assert share_interval([600] * 20, [600] * 20, units=560).low == pytest.approx(least_shown(560))
    assert share_interval([0] * 20, [600] * 20, units=560).high == pytest.approx(1 - least_shown(560))


def test_the_replications_that_a_threshold_needs_are_enough_and_no_fewer_are():
    found = nothing_failed(20 * 66, 20, 0.999, 0.95)
    assert found is not None
    assert found.needs == 56
    assert least_shown(56 * 66) >= 0.999 > least_shown(55 * 66)
    assert nothing_failed(20 * 66, 20, least_shown(20 * 66), 0.95) is None
    assert nothing_failed(20 * 66, 20, 1.0, 0.95).needs is None


@pytest.mark.parametrize("threshold", [0.9, 0.99, 0.997, 0.999])
def test_needs_is_what_the_verdict_needs(threshold):
    """Also where several targets share the error."""
    confidence = each_of(0.95, 7)
    found = nothing_failed(20 * 28, 20, threshold, confidence)
    n = 20 if found is None else found.needs
    tips = [600] * n
    assert verdict(share_interval(tips, tips, confidence, units=28 * n), threshold, "at_least") == "met"
    if found is not None:
        fewer = [600] * (n - 1)
        told = share_interval(fewer, fewer, confidence, units=28 * (n - 1))
        assert verdict(told, threshold, "at_least") == "undecided"


def test_few_tips_are_their_own_units():
    assert units_counted([3] * 20, 20 * 28) == 60
    assert share_interval([3] * 20, [3] * 20, units=20 * 28).low == pytest.approx(least_shown(60))


def test_replications_that_counted_nothing_or_little_bring_fewer_units():
    assert units_counted([600, 600, 0, 0], 4 * 28) == pytest.approx(2 * 28)
    assert units_counted([600, 6], 2 * 28) < 1.1 * 28
