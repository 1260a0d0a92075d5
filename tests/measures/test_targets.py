"""Verdicts over replications: what they come from, by hand, and that they hold at both bounds of open tips."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.dynamics.clock import MINUTE
from sim.measures import passes
from sim.measures.bins import EDGES, N_BINS, percentile
from sim.measures.estimates import share_interval
from sim.measures.frame import Frame
from sim.measures.measures import Measures, measure
from sim.measures.sample import Sample, bytes_of
from sim.measures.targets import joint, left_out, results
from sim.measures.use import uses
from sim.tables.run import visits
from sim.text.words import came_to, left_out_words
from tests.measures.hand import Tip, Visit, gone, replay, scenario, through, waiting

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


def test_windows_are_added_up_over_replications(tmp_path):
    """One replication keeps one day of two, the other both: three of four, however many tips they have."""
    day = 24 * 60
    bad = [through(100, 130, 135), *[through(day + 100, day + 110, day + 115)] * 30]
    good = [through(100, 110, 115), *[through(day + 100, day + 110, day + 115)] * 3]
    targets = QUICK.replace("share: 80 %", "share: 80 %, per: day, hold: 50 %")
    found = results(sample_of(tmp_path, targets, [bad, good], warm_up="0 d", length="2 d", cool_down="1 d"))[0]
    assert found.values == (0.5, 1.0)
    assert (found.value, found.threshold, found.unit, found.side) == (0.75, 0.5, "share", "at_least")
    interval = share_interval([1, 2], [2, 2], 0.95, units=4)
    assert (found.value, found.low, found.high) == (interval.value, interval.low, interval.high)
    assert found.windows.share.value == 3 / 4
    assert (found.windows.n_judged, found.windows.n_silent, found.windows.whole) == (4, 0, True)
    assert came_to(found).startswith("75.0 % (")
    assert came_to(found).endswith(" of the days")


def test_all_windows_are_missed_at_the_first_miss_and_met_by_no_run(tmp_path):
    day = 24 * 60
    settings = {"warm_up": "0 d", "length": "2 d", "cool_down": "1 d"}
    targets = QUICK.replace("share: 80 %", "share: 80 %, per: day, hold: 100 %")
    good = [through(100, 110, 115), through(day + 100, day + 110, day + 115)]
    bad = [through(100, 110, 115), through(day + 100, day + 130, day + 135)]
    assert results(sample_of(tmp_path, targets, [good] * 20, **settings))[0].verdict == "undecided"
    assert results(sample_of(tmp_path, targets, [good] * 19 + [bad], **settings))[0].verdict == "missed"


def test_what_is_certain_holds_in_every_window_and_place(tmp_path):
    targets = "none: {from: arrival, to: arrival, within: 1 min, share: 100 %, per: day, hold: 100 %, in_each: channel}"
    tips_of_both = [through(100, 110, 115), through(200, 210, 215, channel="web")]
    settings = {"warm_up": "0 d", "length": "2 d", "cool_down": "1 d"}
    found = results(sample_of(tmp_path, targets, [tips_of_both] * 2, **settings))[0]
    assert (found.verdict, found.certain, found.low, found.high) == ("met", True, 1, 1)


def test_the_value_is_that_of_the_worst_place_over_all_replications(tmp_path):
    """Calls come to 3 of 4 and 19 of 20, webs to 9 of 10 and 7 of 10: 22 of 24, and 16 of 20."""

    def some(calls, late_calls, webs, late_webs):
        return [
            *[through(100, 110, 115)] * calls,
            *[through(200, 230, 235)] * late_calls,
            *[through(300, 310, 315, channel="web")] * webs,
            *[through(400, 430, 435, channel="web")] * late_webs,
        ]

    sample = sample_of(tmp_path, QUICK.replace("80 %", "40 %, in_each: channel"), [some(3, 1, 9, 1), some(19, 1, 7, 3)])
    found = results(sample)[0]
    assert (found.value, found.worst, found.values) == (16 / 20, "web", (0.9, 0.7))
    units = sample.frame.units * 2
    met = {"call": ([3, 19], [4, 20]), "web": ([9, 7], [10, 10])}
    single = [share_interval(*one, 0.95, units) for one in met.values()]
    sure = [share_interval(*one, 0.975, units) for one in met.values()]
    assert (found.low, found.high) == (min(one.low for one in single), min(one.high for one in sure))
    assert came_to(found).endswith(", worst: web")


def test_of_times_the_worst_place_has_the_longest(tmp_path):
    slow_web = [through(100, 110, 115), through(400, 430, 435, channel="web")]
    found = results(
        sample_of(tmp_path, MEAN.replace("mean: 20 min", "mean: 40 min, in_each: channel"), [slow_web] * 3)
    )[0]
    assert (found.value, found.low, found.high) == (30 * MINUTE,) * 3
    assert (found.worst, found.verdict, found.too_few, found.silent) == ("web", "met", (), ())


def test_a_place_with_too_few_tips_leaves_the_verdict_open(tmp_path):
    many = [through(100, 110, 115)] * 50
    one_web = [*many, through(400, 410, 415, channel="web")]
    targets = QUICK.replace("80 %", "90 %, in_each: channel")
    settings = {"length": "200 d", "cool_down": "1 d"}
    found = results(sample_of(tmp_path, targets, [many] * 19 + [one_web], **settings))[0]
    assert (found.verdict, found.too_few, found.silent) == ("undecided", ("web",), ())
    found = results(sample_of(tmp_path, targets, [many] * 20, **settings))[0]
    assert (found.verdict, found.too_few, found.silent) == ("met", (), ("web",))
    bad_call = [through(200, 230, 235)] * 50
    found = results(sample_of(tmp_path, targets, [bad_call] * 19 + [[*bad_call, one_web[-1]]], **settings))[0]
    assert (found.verdict, found.worst, found.too_few) == ("missed", "call", ("web",))


def test_a_mean_may_leave_out_so_many_tips_and_no_more(tmp_path):
    def found(lost, targets=MEAN, **given):
        return results(sample_of(tmp_path, targets, [tips(100 - lost, lost=lost)] * 5), **given)[0]

    assert (found(5).verdict, found(5).left_out.share.value) == ("met", 0.05)
    twelve = found(12)
    assert (twelve.verdict, twelve.left_out.tips, twelve.left_out.most) == ("missed", 60, 0.05)
    assert left_out_words(twelve) == "12 % of its tips never came to take.start; at most 5 % may be left out"
    assert came_to(twelve) == "10.0 min (10.0 to 10.0), 12 % left out"
    assert found(12, MEAN.replace("20 min}", "20 min, left_out: 15 %}")).verdict == "met"
    chosen = MEAN.replace("20 min}", "20 min, lost_tips: left_out}")
    assert (found(12, chosen).verdict, found(12, chosen).left_out.most) == ("met", None)
    assert came_to(found(12, chosen)) == "10.0 min (10.0 to 10.0), 12 % left out"
    assert found(12, chosen.replace("out}", "out, left_out: 10 %}")).verdict == "missed"
    assert found(12, QUICK).left_out is None
    share = found(12, QUICK.replace("80 %}", "80 %, lost_tips: left_out}"))
    assert (share.value, share.verdict, share.left_out.share.value) == (1, "met", 0.12)


def test_more_left_out_than_may_be_is_missed_where_chance_alone_could_not_make_it(tmp_path):
    replications = [tips(100 - lost, lost=lost) for lost in (2, 4, 6, 8, 10)]
    found = results(sample_of(tmp_path, MEAN, replications))[0]
    assert found.left_out.share.value == 0.06
    assert found.left_out.share.low < 0.05
    assert found.verdict == "undecided"


def test_tips_without_a_label_are_left_out_of_a_target_on_a_tier(tmp_path):
    targets = "tier: {of: {tier: A}, from: arrival, to: take.start, mean: 20 min}"
    unlabelled = Tip(300, [Visit("take", 300)], lost=305)
    sample = sample_of(tmp_path, targets, [[*[through(100, 110, 115)] * 9, unlabelled]] * 3)
    found = results(sample)[0]
    assert (found.left_out.tips, found.left_out.share.value, found.verdict) == (3, 0.1, "missed")


def test_what_is_left_out_is_for_a_search_to_judge(tmp_path):
    chosen = MEAN.replace("20 min}", "20 min, lost_tips: left_out}")
    own = sample_of(tmp_path, f"{MEAN}\n{chosen.replace('mean:', 'chosen:', 1)}\n{QUICK}", [tips(90, lost=10)] * 5)
    shares = [[float(part.sum()) for part in left_out(own, k)] for k in range(3)]
    assert shares == [[50, 500], [50, 500], [0, 500]]
    assert [one.verdict for one in results(own)] == ["missed", "met", "met"]
    assert [one.verdict for one in results(own, in_search=True)] == ["met", "met", "met"]
    assert joint(own, in_search=True).verdict == "met"
    nobody = sample_of(tmp_path, MEAN, [tips(0, lost=10)] * 5)
    assert joint(nobody).verdict == "undecided"


def test_an_occupancy_weighs_runs_by_their_time_on_duty(tmp_path):
    busy = "busy: {pool: desk, occupancy: 85 %}"
    replications = [[through(100, 100, until)] for until in (400, 280, 340)]
    found = results(sample_of(tmp_path, busy, replications))[0]
    assert found.value == pytest.approx((300 + 180 + 240) / 3 / 600)
    assert found.verdict == "met"
    assert 0 < found.low < found.value < found.high < 0.85


def test_met_together_needs_no_correction_and_missed_does(tmp_path):
    """Between the two intervals of a target lies its threshold: alone it is met, and so are all together."""
    replications = [tips(90 + k % 3, slow=8 + k % 5) for k in range(10)]
    plain = sample_of(tmp_path, f"{QUICK}\n{MEAN}\n{MEAN.replace('mean:', 'same:', 1)}", replications)
    alone, wider = results(plain)[0], joint(plain).results[0]
    between = (alone.low + wider.low) / 2
    better = QUICK.replace("80 %", f"{100 * between:.6f} %")
    found = joint(sample_of(tmp_path, f"{better}\n{MEAN}\n{MEAN.replace('mean:', 'same:', 1)}", replications))
    assert (found.results[0].verdict, found.verdict) == ("undecided", "met")
    assert found.named("met") == ["quick", "mean", "same"]
    above = QUICK.replace("80 %", f"{50 * (alone.high + wider.high):.6f} %")
    found = joint(sample_of(tmp_path, f"{above}\n{MEAN}\n{MEAN.replace('mean:', 'same:', 1)}", replications))
    assert (found.results[0].verdict, found.verdict, found.named("undecided")) == ("undecided", "undecided", ["quick"])


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
