"""Fewer misses never turn met into another verdict, as far as the evidence reaches."""

from __future__ import annotations

import numpy as np
import pytest

from sim.measures.estimates import least_shown, share_interval
from sim.measures.targets import TargetResult, joint, results
from sim.studies.replicate import Settings, run
from sim.studies.staff.limits import limits
from sim.studies.trials import Trials
from tests.scenario.small import loaded

LINE = """\
scenario: The 99 % line
run: {{start: 2025-01-06 00:00, warm_up: 1 d, length: 66 d, replications: 20, seed: 1}}
demand: {{volume: 19/h}}
pools: {{desk: {{staff: {staff}}}}}
stages: [{{name: answer, pool: desk, service: {{exponential: {{mean: 4 min}}}}}}]
targets:
  line: {{from: arrival, to: answer.start, within: 2 min, share: 99 %}}
  strict: {{from: arrival, to: answer.start, within: 2 min, share: 99.9 %}}
"""


def line(folder, staff: int) -> list[TargetResult]:
    """What the two targets come to with so many people."""
    return results(run(loaded(folder, LINE.format(staff=staff))).sample)


def test_more_people_do_not_turn_met_into_undecided(tmp_path):
    few, many = line(tmp_path, 5), line(tmp_path, 8)
    assert [few[0].verdict, many[0].verdict] == ["met", "met"]
    assert few[0].value < many[0].value == 1
    assert many[0].low == pytest.approx(least_shown(20 * 66))
    # A stricter threshold than that is not shown, and it is said what it needs.
    strict = many[1]
    assert strict.verdict == "undecided"
    assert strict.unshown is not None
    assert strict.unshown.needs == 56
    assert strict.unshown.shows == pytest.approx(least_shown(20 * 66))
    assert many[0].unshown is few[1].unshown is None


@pytest.mark.slow
def test_from_five_people_on_the_line_is_met_with_any_number(tmp_path):
    verdicts = [line(tmp_path, staff)[0].verdict for staff in range(1, 21)]
    assert verdicts == ["missed"] * 4 + ["met"] * 16


PERFECT = """\
scenario: Perfect service
run: {start: 2025-01-06 00:00, length: 28 d, replications: 20, seed: 1}
demand: {volume: 20/h}
pools: {agents: {staff: 40}}
stages: [{name: answer, pool: agents, service: 6 min, patience: 60 min}]
targets:
  s99: {from: arrival, to: answer.start, within: 1 h, share: 99 %}
  s90: {from: arrival, to: answer.start, within: 1 h, share: 90 %}
  lost1: {lost: 1 %}
  lost3: {lost: 3 %}
  lost5: {lost: 5 %}
"""


def test_where_nobody_waits_all_is_met_together_and_certain_only_with_unlimited_people(tmp_path):
    scenario = loaded(tmp_path, PERFECT)
    found = joint(run(scenario).sample)
    assert found.verdict == "met"
    assert not any(one.certain for one in found.results)
    free = limits(scenario, Trials(scenario.run.seed, Settings()))
    assert all(one.result.certain and one.result.verdict == "met" for one in free)
    assert [(one.result.low, one.result.high) for one in free] == [(1, 1), (1, 1), (0, 0), (0, 0), (0, 0)]


def struck(kind: float, seed: int) -> tuple[int, int]:
    """Strikes of one miss at a time, at random, and those of them that turned met into another verdict.

    The misses of a replication are as alike as `kind`, a correlation; thresholds lie anywhere from well below the share
    to what is shown when nothing fails.
    """
    rng = np.random.default_rng(seed)
    strikes = turned = 0
    for _ in range(8):
        n, units, tips = int(rng.choice([10, 20, 50])), int(rng.choice([7, 28, 66])), int(10 ** rng.uniform(1.5, 4))
        share = 1 - 10 ** rng.uniform(-3.5, -0.8)
        each = rng.beta(share * (1 / kind - 1), (1 - share) * (1 / kind - 1), n) if kind else np.full(n, share)
        misses = tips - rng.binomial(tips, each)
        counted = np.full(n, tips)
        shown = least_shown(units_of(counted, n * units))
        thresholds = shown - (shown - min(2 * share - 1, shown)) * rng.random(10)
        lows = []
        step = max(int(misses.sum()) // 200, 1)
        while True:
            lows.append(share_interval(counted - misses, counted, units=n * units).low)
            if not misses.any():
                break
            misses -= rng.multivariate_hypergeometric(misses, min(step, int(misses.sum())))
        met = np.array(lows)[:, None] >= thresholds
        strikes += int(met[:-1].sum())
        turned += int((met[:-1] & ~met[1:]).sum())
    return strikes, turned


def units_of(counted: np.ndarray, units: int) -> float:
    return min(float(units), float(counted.sum()))


@pytest.mark.parametrize("kind", [0.0, 0.001, 0.01, 0.05, 0.2])
def test_no_more_than_one_strike_in_a_hundred_turns_met_into_another_verdict(kind):
    strikes, turned = np.sum([struck(kind, seed) for seed in range(2)], axis=0)
    assert strikes > 500
    assert turned <= strikes / 100
