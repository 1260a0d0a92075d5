"""The base of the study, held against a small model of it that shares nothing with the package."""

from __future__ import annotations

import re

import numpy as np
import pytest

import sim
from tests.cli.lines import SCENARIOS
from tests.studies.described_by_hand import Line

DESCRIBED = SCENARIOS / "described.yaml"
N_RUNS, N_WEEKS = 20, 26
T_19 = 2.093
"""Half the width of a 95 % interval of 20 replications, in standard errors."""


def test_the_model_by_hand_has_the_people_of_the_scenario() -> None:
    """Who changes the people there changes them here: seats by shift, analysts, one duty officer at a time."""
    pools = sim.load(DESCRIBED).pools
    assert [row.staff for row in pools["call_takers"].shifts] == [1, 1, 1]
    assert pools["analysts"].staff == 2
    assert [row.staff for row in pools["duty_officers"].shifts] == [1, 1]


def test_two_weeks_by_hand_have_as_many_reports_as_the_scenario_says() -> None:
    """28,000 a year and 500 events of four, within five standard deviations of what events bring."""
    line = Line(1, 2, (1, 1, 1), 2).run()
    told = [tip for tip in line.tips if line.start <= tip.arrival < line.end]
    asked = 30_000 * 14 / 365
    assert abs(len(told) - asked) < 5 * (28_000 * 14 / 365 + 500 * 14 / 365 * 28 + 0.01 * asked**2 / 14) ** 0.5
    assert {tip.tier for tip in told if not tip.lost} == {"high", "low", "non"}


@pytest.mark.slow
def test_the_program_and_the_model_by_hand_agree_on_eleven_figures() -> None:
    """Within four standard errors: a false alarm in 1,400 runs of eleven figures at the most."""
    found = [Line(seed, N_WEEKS, (1, 1, 1), 2).run().figures() for seed in range(N_RUNS)]
    by_hand = {name: np.array([one[name] for one in found]) for name in found[0]}
    answer = sim.run(DESCRIBED, replications=N_RUNS)
    ours: dict[str, tuple[float, float]] = {}
    for name in ("rapid", "transfer", "entry", "day", "lost", "mean"):
        column = answer.replications[f"{name}_{'min' if name == 'mean' else 'share'}"]
        value = answer.targets.set_index("target")["value"][name]
        ours[name] = value, column.std(ddof=1) / N_RUNS**0.5
    for name, row in answer.pools.set_index("pool").iterrows():
        if name in ("call_takers", "analysts", "duty_officers"):
            width = row.occupancy_high_share - row.occupancy_low_share
            ours[re.sub("_", " ", str(name))] = row.occupancy_share, width / 2 / T_19
    wait = answer.stages.query("stage == 'answer' and tier == 'all'").iloc[0]
    ours["wait"] = wait.wait_mean_min, (wait.wait_mean_high_min - wait.wait_mean_low_min) / 2 / T_19
    merged = answer.tips["merged_tips"].sum() / answer.tips["arrived_tips"].sum()
    # No table has it by replication: it is as sure as it is by hand over so much longer a time.
    ours["merged"] = merged, by_hand["merged"].std(ddof=1) / (N_RUNS * 52 / N_WEEKS) ** 0.5
    assert set(ours) == set(by_hand)
    apart = {}
    for name, (value, error) in ours.items():
        all_error = (error**2 + by_hand[name].var(ddof=1) / N_RUNS) ** 0.5
        apart[name] = (value - by_hand[name].mean()) / all_error
    assert all(abs(by) < 4 for by in apart.values()), apart
