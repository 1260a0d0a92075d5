"""Drawn times: laws, attributes, patience and retries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.draw import draw
from sim.dynamics.clock import MINUTE, NEVER
from sim.scenario.schema import Scenario
from tests.draw.worlds import likely, stage_of, tip_of, world


def line(**stage: Any) -> Scenario:
    demand = {"volume": "500/d", "risk": {"high": "30 %", "low": "70 %"}}
    return world("10 d", demand=demand, stages=[{"name": "a", "pool": "desk", "service": "5 min", **stage}])


def correlation(columns: NDArray[Any]) -> float:
    """The strongest correlation between two columns."""
    found = np.atleast_2d(np.corrcoef(columns.T)) - np.eye(columns.shape[1])
    return float(np.abs(found).max())


LAWS: list[dict[str, Any]] = [
    {"exponential": {"mean": "6 min"}},
    {"lognormal": {"mean": "6 min", "cv": 1.3}},
    {"gamma": {"mean": "6 min", "cv": 0.7}},
    {"erlang": {"mean": "6 min", "phases": 3}},
    {"hyperexponential": {"mean": "6 min", "cv": 2}},
    {"weibull": {"mean": "6 min", "shape": 0.8}},
    {"uniform": {"from": "2 min", "to": "9 min"}},
    {"triangular": {"from": "2 min", "mode": "3 min", "to": "9 min"}},
]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: next(iter(law)))
def test_times_follow_their_law(law: dict[str, Any]) -> None:
    scenario = line(service=law)
    work = draw(scenario, 0).visits.work
    found = scenario.stages[0].time.values[""].cdf(work)
    assert likely(np.histogram(found, np.linspace(0, 1, 21))[0], [0.05] * 20)


def test_an_empirical_law_gives_its_values() -> None:
    work = draw(line(service={"empirical": {"values": ["1 min", "4 min"], "shares": ["25 %", "75 %"]}}), 0).visits.work
    assert set(work.tolist()) == {MINUTE, 4 * MINUTE}
    assert likely(np.array([(work == MINUTE).sum(), (work == 4 * MINUTE).sum()]), [0.25, 0.75])


def test_a_delay_is_drawn_like_a_service() -> None:
    stages = [{"name": "a", "delay": "30 s"}, {"name": "b", "delay": {"exponential": {"mean": "2 min"}}}]
    replication = draw(world(stages=stages), 0)
    stage = stage_of(replication)
    assert set(replication.visits.work[stage == 0].tolist()) == {MINUTE // 2}
    assert abs(replication.visits.work[stage == 1].mean() / MINUTE - 2) < 0.8


def test_another_mean_scales_every_time() -> None:
    once, twice = (
        draw(line(service={"lognormal": {"mean": mean, "cv": 1}}), 0).visits.work for mean in ("5 min", "10 min")
    )
    assert np.abs(twice - 2 * once).max() <= 2


def test_times_may_differ_by_an_attribute_and_keep_each_tips_luck() -> None:
    plain = draw(line(service={"exponential": {"mean": "1 min"}}), 0)
    by_risk = {"by": "risk", "high": {"exponential": {"mean": "3 min"}}, "low": {"exponential": {"mean": "1 min"}}}
    replication = draw(line(service=by_risk), 0)
    factor = np.where(replication.tips.risk == 0, 3, 1)
    assert np.abs(replication.visits.work - factor * plain.visits.work).max() <= 3


def test_laws_of_different_kinds_by_attribute() -> None:
    by_risk = {"by": "risk", "high": "7 min", "low": {"uniform": {"from": "1 min", "to": "2 min"}}}
    replication = draw(line(service=by_risk), 0)
    high = replication.tips.risk == 0
    assert set(replication.visits.work[high].tolist()) == {7 * MINUTE}
    assert replication.visits.work[~high].min() >= MINUTE
    assert replication.visits.work[~high].max() <= 2 * MINUTE


def test_times_by_tier_go_by_the_label_and_not_by_the_truth() -> None:
    wrong = {"assigns": {"high": {"low": 1}, "low": {"high": 1}}}
    stages = [
        {"name": "a", "delay": "1 min", "label": "machine"},
        {"name": "b", "delay": {"by": "tier", "high": "2 min", "low": "3 min"}},
    ]
    demand = {"volume": "500/d", "risk": {"high": "30 %", "low": "70 %"}}
    replication = draw(world(demand=demand, stages=stages, labels={"machine": wrong}), 0)
    high = replication.tips.risk == 0
    second = replication.visits.work[replication.tips.first_visit[:-1] + 1]
    assert set(second[high].tolist()) == {3 * MINUTE}
    assert set(second[~high].tolist()) == {2 * MINUTE}


def test_each_visit_has_its_own_time() -> None:
    again = {"share": "100 %", "back_to": "a", "at_most": 2}
    replication = draw(line(service={"exponential": {"mean": "5 min"}}, rework=again), 0)
    work = replication.visits.work.reshape(-1, 3)
    # Correlations of 5,000 pairs: 5 standard errors, false alarms for less than one seed in a million.
    assert correlation(work) < 5 / np.sqrt(len(work))
    assert (work[:, 0] == draw(line(service={"exponential": {"mean": "5 min"}}), 0).visits.work).all()


def test_without_patience_there_are_no_attempts() -> None:
    visits = draw(line(), 0).visits
    assert not visits.first_attempt.any()
    assert len(visits.patience) == len(visits.retry_after) == 0


def test_patience_without_retry_is_one_attempt() -> None:
    visits = draw(line(patience={"exponential": {"mean": "3 min"}}), 0).visits
    assert (visits.first_attempt == np.arange(len(visits))).all()
    assert set(visits.retry_after.tolist()) == {NEVER}
    # 5 standard errors of the mean of 5,000: false alarms for less than one seed in a million.
    assert abs(visits.patience.mean() / (3 * MINUTE) - 1) < 5 / np.sqrt(len(visits))


def test_retries_are_attempts_with_fresh_patience() -> None:
    retry = {"share": "100 %", "after": "15 min", "at_most": 3}
    visits = draw(line(patience={"exponential": {"mean": "3 min"}}, retry=retry), 0).visits
    assert (visits.first_attempt == 4 * np.arange(len(visits))).all()
    assert set(map(tuple, visits.retry_after.reshape(-1, 4).tolist())) == {(15 * MINUTE,) * 3 + (NEVER,)}
    patience = visits.patience.reshape(-1, 4)
    assert correlation(patience) < 5 / np.sqrt(len(visits))


def test_the_coin_of_a_retry_is_tossed_for_each() -> None:
    retry = {"share": "40 %", "after": {"exponential": {"mean": "15 min"}}, "at_most": 2}
    visits = draw(line(patience="3 min", retry=retry), 0).visits
    again = visits.retry_after.reshape(-1, 3) < NEVER
    assert not again[:, 2].any()
    assert likely(np.bincount(again[:, 0] * 2 + again[:, 1]), [0.36, 0.24, 0.24, 0.16])
    after = visits.retry_after[visits.retry_after < NEVER]
    assert abs(after.mean() / (15 * MINUTE) - 1) < 5 / np.sqrt(len(after))


def test_only_visits_to_patient_stages_have_attempts() -> None:
    retry = {"share": "50 %", "after": "15 min", "at_most": 2}
    stages = [
        {"name": "a", "delay": "1 min"},
        {"name": "b", "pool": "desk", "service": "1 min", "patience": "3 min", "retry": retry},
        {
            "name": "c",
            "pool": "desk",
            "service": "1 min",
            "share": "50 %",
            "patience": {"exponential": {"mean": "1 h"}},
        },
    ]
    replication = draw(world(stages=stages), 0)
    visits, stage = replication.visits, stage_of(replication)
    sizes = replication.rules.stages.attempts[stage]
    assert replication.rules.stages.attempts.tolist() == [0, 3, 1]
    assert (visits.first_attempt == np.where(sizes > 0, np.cumsum(sizes) - sizes, 0)).all()
    assert visits.patience.size == visits.retry_after.size == sizes.sum()
    assert set(visits.patience[visits.first_attempt[stage == 1]].tolist()) == {3 * MINUTE}
    assert len(set(visits.patience[visits.first_attempt[stage == 2]].tolist())) > 50
    assert tip_of(replication).size == len(visits)
