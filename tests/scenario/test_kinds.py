"""Kinds by hand: how lines treat which tip, and how few kinds there are."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np

from sim.dynamics.clock import HOUR, MINUTE
from sim.dynamics.replication import HAND_OVER, NO_LABEL, NO_PLACE
from sim.scenario.loading import load
from sim.scenario.rules import ATTRIBUTES, kind_code, matches, rules
from sim.scenario.schema import Filter
from tests.scenario.small import SCENARIOS, loaded, small

LINE = """
scenario: Line
run: {start: 2025-01-06 07:30, length: 7 d}
demand:
  volume: 10/h
  channels: {call: 40 %, web: 60 %}
  risk: {high: 10 %, low: 90 %}
  categories: {a: 50 %, b: 30 %, c: 20 %}
centres: 3
pools:
  desk: {staff: 1, at_shift_end: hand_over, hand_over_time: 5 min, serve_first: SERVE, preempt: PREEMPT}
  help: {staff: 1, shared: true, concurrency: 2}
stages:
  - {name: one, pool: desk, service: 5 min, patience: 1 min, retry: {share: 50 %, after: 1 min, at_most: 3}}
  - {name: wait, delay: 1 min}
  - {name: two, pool: desk, service: 5 min, every: 1 h, overflow: {to: help, after: 2 min}, patience: 1 min}
"""


def line(folder: Path, serve_first: str = "[]", preempt: str = "[]"):  # type: ignore[no-untyped-def]
    return loaded(folder, LINE.replace("SERVE", serve_first).replace("PREEMPT", preempt))


def test_without_filters_the_kind_is_the_stage(tmp_path: Path) -> None:
    scenario = line(tmp_path)
    code = kind_code(scenario)
    assert code.strides == (1, 0, 0, 0, 0)
    assert code.encode([0, 1, 2], [1, 0, 1], [1, 1, 0], [2, 0, 1], [0, -1, 1]).tolist() == [0, 1, 2]
    assert rules(scenario).kinds.rank.tolist() == [0, 0, 0]


def test_only_attributes_that_a_filter_names_are_told_apart(tmp_path: Path) -> None:
    code = kind_code(line(tmp_path, "[{category: [a, b]}]", "[{channel: call}]"))
    assert code.radices == (2, 1, 3, 1)
    assert code.strides == (6, 3, 0, 1, 0)
    assert code.matters == (True, False, True, False)
    assert len(code) == 18


def test_every_kind_has_its_own_number(tmp_path: Path) -> None:
    code = kind_code(line(tmp_path, "[{channel: call, risk: high}, {category: a}, {labelled: true}]"))
    every = list(product(range(3), range(2), range(2), range(3), range(-1, 2)))
    found = code.encode(*np.array(every).T)
    assert found.tolist() == list(range(len(code))) == list(range(len(every)))
    assert list(zip(*(column.tolist() for column in code.columns()), strict=True)) == every


def test_the_rank_is_that_of_the_first_filter_that_matches(tmp_path: Path) -> None:
    scenario = line(tmp_path, "[{risk: high, channel: call}, {channel: web, category: [b, c]}, {risk: high}]")
    kinds, code = rules(scenario).kinds, kind_code(scenario)

    def rank(channel: str, risk: str, category: str) -> int:
        at = [scenario.names[key].index(name) for key, name in zip(ATTRIBUTES, (channel, risk, category), strict=False)]
        return int(kinds.rank[int(code.encode(0, *at, 0))])

    assert rank("call", "high", "a") == 0
    assert rank("web", "high", "b") == 1
    assert rank("web", "low", "c") == 1
    assert rank("web", "high", "a") == 2
    assert rank("web", "low", "a") == 3
    assert rank("call", "low", "b") == 3


def test_filters_of_a_line_may_name_a_stage(tmp_path: Path) -> None:
    kinds = rules(line(tmp_path, "[{stage: two}]", "[{stage: [two]}]")).kinds
    assert kinds.stage.tolist() == [0, 1, 2]
    assert kinds.rank.tolist() == [1, 0, 0]
    assert kinds.preempts.tolist() == [False, False, True]


def test_the_overflow_pool_has_ranks_of_its_own(tmp_path: Path) -> None:
    scenario = small(tmp_path)
    kinds, code = rules(scenario).kinds, kind_code(scenario)
    act = scenario.stage_index("act")
    unlabelled, urgent, calm = (int(code.encode(act, 0, 0, 0, tier)) for tier in (NO_LABEL, 0, 1))
    assert [int(kinds.rank[kind]) for kind in (unlabelled, urgent, calm)] == [0, 0, 0]  # night has no serve_first
    assert [int(kinds.overflow_rank[kind, 0]) for kind in (unlabelled, urgent, calm)] == [1, 0, 1]


def test_labelled_matches_the_tips_with_a_label(tmp_path: Path) -> None:
    scenario = load(SCENARIOS / "national.yaml")
    kinds, code = rules(scenario).kinds, kind_code(scenario)
    screen = scenario.stage_index("screen")
    assert code.radices == (1, 1, 1, 4)
    ranks = [int(kinds.rank[int(code.encode(screen, 0, 0, 0, tier))]) for tier in (NO_LABEL, 0, 1, 2)]
    assert ranks == [1, 0, 2, 3]
    preempting = [bool(kinds.preempts[int(code.encode(screen, 0, 0, 0, tier))]) for tier in (NO_LABEL, 0, 1, 2)]
    assert preempting == [False, True, False, False]


def test_without_labels_the_tier_is_the_true_risk(tmp_path: Path) -> None:
    scenario = line(tmp_path, "[{tier: low}]")
    assert scenario.tiers == ("high", "low")
    code = kind_code(scenario)
    ranks = rules(scenario).kinds.rank[code.encode(0, 0, 0, 0, [0, 1])]
    assert ranks.tolist() == [1, 0]


def test_a_filter_matches_when_every_key_does() -> None:
    names = {"stage": ("s",), "channel": ("call", "web"), "risk": ("r",), "category": ("a",), "tier": ("x", "y")}
    codes = {"channel": np.array([0, 0, 1, 1]), "tier": np.array([NO_LABEL, 0, 0, 1])}
    assert matches(Filter(channel="call"), names, codes).tolist() == [True, True, False, False]
    assert matches(Filter(channel=["call", "web"], tier="x"), names, codes).tolist() == [False, True, True, False]
    assert matches(Filter(labelled=False), names, codes).tolist() == [True, False, False, False]
    assert matches(Filter(labelled=True, tier=["y"]), names, codes).tolist() == [False, False, False, True]


def test_stages_and_places_by_hand(tmp_path: Path) -> None:
    found = rules(line(tmp_path))
    assert found.stages.place.tolist() == [0, NO_PLACE, 0]
    assert found.stages.place_step.tolist() == [1, 0, 1]
    assert found.stages.overflow[:, 0].tolist() == [NO_PLACE, NO_PLACE, 3]
    assert found.stages.overflow_step[:, 0].tolist() == [0, 0, 0]
    assert found.stages.overflow_after[:, 0].tolist() == [0, 0, 2 * MINUTE]
    assert found.stages.every.tolist() == [0, 0, HOUR]
    assert found.stages.attempts.tolist() == [4, 0, 1]
    assert found.places.pool.tolist() == [0, 0, 0, 1]
    assert found.places.centre.tolist() == [0, 1, 2, -1]
    assert found.places.at_shift_end.tolist() == [HAND_OVER] * 3 + [0]
    assert found.places.hand_over.tolist() == [5 * MINUTE] * 3 + [0]
    assert found.places.concurrency.tolist() == [1, 1, 1, 2]
    assert found.since_midnight == 7 * HOUR + 30 * MINUTE
    assert found.horizon == 7 * 24 * HOUR
