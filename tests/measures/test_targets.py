"""Verdicts over replications: what they come from, by hand, and that they hold at both bounds of open tips."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.dynamics.clock import MINUTE
from sim.measures import passes
from sim.measures.bins import EDGES, N_BINS, percentile
from sim.measures.frame import Frame
from sim.measures.measures import Measures, measure
from sim.measures.sample import Sample, bytes_of
from sim.measures.targets import joint, results
from sim.measures.use import uses
from sim.tables.run import visits
from tests.measures.hand import gone, replay, scenario, through, waiting

QUICK = "quick: {claim: A1, from: arrival, to: take.start, within: 20 min, share: 80 %}"
MEAN = "mean: {from: arrival, to: take.start, mean: 20 min}"
LOST = "lost: {lost: 25 %}"


def sample_of(folder, targets, replications, **settings):
    """A sample of replications, each given as its tips."""
    world = scenario(folder, targets, **settings)
    sample = Sample(Frame(world))
    for tips in replications:
        sample.add(measure(*replay(world, tips), sample.frame))
    return sample


def tips(quick, slow=0, lost=0, still_open=0):
    """So many tips of each kind, in order of arrival."""
    return (
        [through(100, 110, 115)] * quick
        + [through(200, 230, 235)] * slow
        + [gone(300, 305)] * lost
        + [waiting(650)] * still_open
    )


def test_a_target_that_every_tip_meets_by_far_is_met(tmp_path):
    found = results(sample_of(tmp_path, QUICK, [tips(200)] * 20))[0]
    assert (found.value, found.high, found.verdict, found.claim) == (1.0, 1.0, "met", "A1")
    assert 0.8 < found.low < 1
    assert found.used == 0


def test_a_target_that_most_tips_miss_is_missed(tmp_path):
    found = results(sample_of(tmp_path, QUICK, [tips(20, slow=60 + k) for k in range(10)]))[0]
    assert found.verdict == "missed"
    assert found.used > 3


def test_a_single_replication_decides_nothing(tmp_path):
    found = results(sample_of(tmp_path, f"{QUICK}\n{MEAN}\n{LOST}", [tips(1000)]))
    assert [one.verdict for one in found] == ["undecided"] * 3
    assert [one.value for one in found] == [1.0, 10 * MINUTE, 0.0]


def test_a_target_without_tips_is_undecided(tmp_path):
    targets = "webs: {of: {channel: web}, from: arrival, to: take.start, within: 20 min, share: 80 %}"
    sample = sample_of(tmp_path, targets, [tips(10)] * 3)
    found = results(sample)[0]
    assert math.isnan(found.value)
    assert found.verdict == "undecided"
    assert joint(sample).binding is None


def test_a_verdict_must_hold_however_the_open_tips_end(tmp_path):
    settings = {"length": "11 h", "cool_down": "0 h"}
    young = [waiting(710)] * 50

    def found(*replications):
        return results(sample_of(tmp_path, QUICK, replications, **settings))[0]

    assert found(*[tips(150)] * 20).verdict == "met"
    doubtful = found(*[tips(150) + young] * 20)
    assert (doubtful.value, doubtful.verdict) == (1.0, "undecided")
    assert doubtful.low < 0.75 < 1 == doubtful.high
    assert found(*[tips(0, slow=150) + young] * 20).verdict == "missed"


def test_a_mean_with_open_tips_can_be_missed_but_not_met(tmp_path):
    short = results(sample_of(tmp_path, MEAN, [tips(100, still_open=1)] * 5))[0]
    assert (short.verdict, short.lower_bound, short.high) == ("undecided", True, math.inf)
    long = results(sample_of(tmp_path, MEAN, [tips(1, slow=100, still_open=1)] * 5))[0]
    assert (long.verdict, long.lower_bound) == ("missed", True)
    closed = results(sample_of(tmp_path, MEAN, [tips(100)] * 5))[0]
    assert (closed.verdict, closed.lower_bound) == ("met", False)


def test_the_columns_of_all_replications_add_up(tmp_path):
    sample = sample_of(tmp_path, f"{QUICK}\n{MEAN}\n{LOST}", [tips(5, 4, 3, 2), tips(1, 1, 1, 1)])
    for found in results(sample):
        assert sum(found.counts.values()) == sample.arrived.sum() == 18
    assert results(sample, names=["mean"])[0].counts["lost"] == 4


def test_worst_windows_weigh_alike(tmp_path):
    """One replication has a day at 0 of few tips and one of many at 1, the other two days at 1: the mean worst is
    1/2."""
    day = 24 * 60
    bad = [through(100, 130, 135), *[through(day + 100, day + 110, day + 115)] * 30]
    good = [through(100, 110, 115), *[through(day + 100, day + 110, day + 115)] * 3]
    targets = QUICK.replace("share: 80 %", "share: 80 %, per: day")
    found = results(sample_of(tmp_path, targets, [bad, good], warm_up="0 d", length="2 d", cool_down="1 d"))[0]
    assert found.values == (0.0, 1.0)
    assert found.value == 0.5
    assert found.windows.share.value == 3 / 4
    assert (found.windows.n_judged, found.windows.n_silent, found.windows.whole) == (4, 0, True)


def test_an_occupancy_weighs_runs_by_their_time_on_duty(tmp_path):
    busy = "busy: {pool: desk, occupancy: 85 %}"
    replications = [[through(100, 100, until)] for until in (400, 280, 340)]
    found = results(sample_of(tmp_path, busy, replications))[0]
    assert found.value == pytest.approx((300 + 180 + 240) / 3 / 600)
    assert found.verdict == "met"
    assert 0 < found.low < found.value < found.high < 0.85


def test_all_targets_together_need_wider_intervals(tmp_path):
    replications = [tips(90 + k % 3, slow=8, lost=1) for k in range(10)]
    sample = sample_of(tmp_path, f"{QUICK}\n{MEAN}\n{LOST}", replications)
    alone, together = results(sample)[0], joint(sample).results[0]
    assert together.low < alone.low < alone.value == together.value < alone.high < together.high


def test_all_targets_are_met_only_if_each_is_and_the_tightest_binds(tmp_path):
    sample = sample_of(tmp_path, f"{QUICK}\n{MEAN}\n{LOST}", [tips(95, slow=4, lost=1)] * 10)
    found = joint(sample)
    assert [one.verdict for one in found.results] == ["met"] * 3
    assert (found.verdict, found.binding) == ("met", "mean")
    assert found.shares["run"].share.value == 1
    sample = sample_of(tmp_path, f"{QUICK}\n{MEAN}\n{LOST}", [tips(40, slow=4, lost=56)] * 10)
    found = joint(sample)
    assert (found.verdict, found.binding) == ("missed", "quick")
    assert found.shares["run"].share.value == 0
    assert found.shares["day"].whole is False


def test_a_threshold_of_everything_allows_nothing(tmp_path):
    targets = QUICK.replace("80 %", "100 %")
    assert results(sample_of(tmp_path, targets, [tips(9)] * 2))[0].used == 0
    assert results(sample_of(tmp_path, targets, [tips(9, slow=1)] * 2))[0].used == math.inf


def test_measures_can_be_written_and_read_back(tmp_path):
    world = scenario(tmp_path, QUICK)
    one = measure(*replay(world, tips(3, 2, 1, 1)), world)
    arrays = one.arrays()
    np.savez(tmp_path / "one.npz", **arrays)
    with np.load(tmp_path / "one.npz") as file:
        again = Measures.of_arrays(dict(file)).arrays()
    assert arrays.keys() == again.keys()
    assert all(np.array_equal(arrays[name], again[name], equal_nan=True) for name in arrays)


def test_a_sample_keeps_little_of_each_replication_and_adds_up_the_rest(tmp_path):
    world = scenario(tmp_path, QUICK)
    few, many = (measure(*replay(world, tips(n)), world) for n in (3, 300))
    assert bytes_of(few) == bytes_of(many) < 50_000
    sample = Sample(Frame(world))
    sample.add(few)
    sample.add(many)
    assert len(sample) == 2
    assert sample.pooled.times.sum() == 303
    assert sample.arrived.tolist() == [3, 300]
    with pytest.raises(ValueError, match="elsewhere"):
        few.without_pooled().added()


def test_an_empty_sample_says_so(tmp_path):
    with pytest.raises(ValueError, match="no replication"):
        results(Sample(Frame(scenario(tmp_path, QUICK))))


def test_stages_are_summed_up_by_label(tmp_path):
    sample = sample_of(tmp_path, QUICK, [tips(3, slow=1, lost=1)] * 4)
    take = [row for row in visits(sample) if row.stage == "take"]
    columns = (passes.REACHED, passes.STARTED, passes.GAVE_UP)
    assert [(row.tier, *(int(row.total[column]) for column in columns)) for row in take] == [
        ("all", 20, 16, 4),
        ("none", 4, 0, 4),
        ("A", 16, 16, 0),
    ]
    assert take[0].wait.value == (3 * 10 + 30) / 4 * MINUTE
    assert take[0].work == 5 * MINUTE
    assert percentile(take[0].waits, 0.5) == pytest.approx(10 * MINUTE, rel=0.04)


def test_pools_are_summed_up_in_all_and_by_centre(tmp_path):
    sample = sample_of(tmp_path, QUICK, [[through(100, 110, 140), through(200, 210, 220, centre=1)]] * 2, centres="2")
    desk = [row for row in uses(sample) if row.pool == "desk"]
    assert [(row.centre, row.on_duty) for row in desk] == [("all", 2.0), ("1", 1.0), ("2", 1.0)]
    assert [row.occupancy.value for row in desk] == pytest.approx([40 / 1200, 30 / 600, 10 / 600])
    assert [row.waiting for row in desk] == pytest.approx([20 / 600, 10 / 600, 10 / 600])
    assert desk[0].seat_hours == 2 * 168


def test_percentiles_are_right_to_one_per_cent():
    durations = np.random.default_rng(1).lognormal(np.log(20 * MINUTE), 1.5, 100_000)
    counts = np.histogram(durations, bins=EDGES[1:])[0]
    counts = np.concatenate([[0], counts])
    assert counts.size == N_BINS
    for share in (0.05, 0.5, 0.9, 0.99):
        assert percentile(counts, share) == pytest.approx(np.quantile(durations, share), rel=0.01)
