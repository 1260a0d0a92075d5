"""Ways that no tip can go, and ways that only look so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.draw import draw
from sim.dynamics.clock import MINUTE
from sim.scenario.faults import ScenarioError
from sim.scenario.loading import load
from sim.scenario.routes import crowd, ways
from tests.scenario.small import SCENARIOS, loaded, messages

WAY = """
scenario: Ways
run: {start: 2025-01-06, length: 7 d}
demand: {volume: 10/h, channels: {call: 50 %, web: 50 %}, risk: {high: 10 %, low: 90 %}}
labels:
  machine: {decides: 50 %, assigns: {high: {urgent: 1}, low: {calm: 1}}}
  clerk: {assigns: {high: {urgent: 1, calm: 0}, low: {urgent: 0, calm: 1}}}
pools: {desk: {staff: 1}}
stages:
  - {name: guess, delay: 1 s, label: machine}
  - {name: read, FOR pool: desk, service: 1 min, PATIENCE label: clerk}
  - {name: act, for: {tier: urgent}, pool: desk, service: 1 min}
  - {name: file, for: {tier: calm}, pool: desk, service: 1 min, REWORK}
TARGET
"""


def way(folder: Path, for_: str = "", patience: str = "", rework: str = "", target: str = ""):  # type: ignore[no-untyped-def]
    text = WAY.replace("FOR", for_).replace("PATIENCE", patience).replace("REWORK", rework)
    return loaded(folder, text.replace("TARGET", f"targets: {{t: {target}}}" if target else ""))


def fault(folder: Path, **parts: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        way(folder, **parts)
    (message,) = messages(caught.value)
    return message.split(": ", 1)[1]


def test_who_comes_where_by_hand(tmp_path: Path) -> None:
    scenario = way(tmp_path, for_="for: {labelled: false},")
    tips = crowd(scenario.demand, scenario.labels, scenario.stages, ())
    assert tips.names["tier"] == ("urgent", "calm")
    guess, read, act, file = ways(tips, scenario.stages).entering
    # Rows are the true risks, columns no label, urgent, calm; a share of 0 % counts as possible.
    assert guess.tolist() == [[True, False, False], [True, False, False]]
    assert read.tolist() == [[True, False, False], [True, False, False]]
    assert act.tolist() == [[False, True, False], [False, True, False]]
    assert file.tolist() == [[False, False, True], [False, False, True]]
    positive = crowd(scenario.demand, scenario.labels, scenario.stages, (), only_positive=True)
    assert positive.alive.sum() == 4  # channel x risk
    assert ways(positive, scenario.stages).entering[2].any(axis=1).tolist() == [True, False, True, False]


def test_tips_may_be_sent_back_to_a_stage_that_is_not_for_them(tmp_path: Path) -> None:
    # `read` is for tips without a label, and gets the calm ones that `file` sends back all the same.
    scenario = way(tmp_path, for_="for: {labelled: false},", rework="rework: {share: 5 %, back_to: read}")
    tips = crowd(scenario.demand, scenario.labels, scenario.stages, ())
    assert ways(tips, scenario.stages).entering[1].tolist() == [[True, False, True], [True, False, True]]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "{of: {tier: calm}, from: arrival, to: act.end, within: 1 h, share: 90 %}",
            "targets.t.to: no tip that this target judges can have 'act.end'",
        ),
        (
            "{from: act.start, to: file.end, within: 1 h, share: 90 %}",
            "targets.t: no tip that this target judges can have both 'act.start' and 'file.end'",
        ),
        ("{from: arrival, to: lost, mean: 1 h}", "targets.t.to: no tip that this target judges can have 'lost'"),
        ("{of: {labelled: false}, from: arrival, to: leave, mean: 1 h}", "targets.t.of: no tip can be of this kind"),
        ("{of: {labelled: false}, lost: 5 %}", "targets.t.of: no tip can be of this kind"),
    ],
)
def test_targets_that_no_tip_can_meet(tmp_path: Path, target: str, message: str) -> None:
    assert fault(tmp_path, target=target) == message


@pytest.mark.parametrize(
    ("parts", "target"),
    [
        ({}, "{of: {tier: urgent}, from: arrival, to: act.end, within: 1 h, share: 90 %}"),
        ({}, "{of: {risk: low}, from: read.end, to: act.start, within: 1 h, share: 90 %}"),
        ({"patience": "patience: 5 min,"}, "{from: arrival, to: lost, mean: 1 h}"),
        ({"patience": "patience: 5 min,"}, "{of: {labelled: false}, lost: 5 %}"),
        ({"patience": "patience: 5 min,"}, "{of: {labelled: false}, from: read.enter, to: lost, mean: 1 h}"),
        ({"rework": "rework: {share: 5 %, back_to: read}"}, "{from: file.end, to: act.start, mean: 1 h}"),
        ({}, "{from: [act.start, file.start], to: {first_of: [act.end, file.end]}, mean: 1 h}"),
    ],
)
def test_targets_that_some_tip_can_meet(tmp_path: Path, parts: dict[str, str], target: str) -> None:
    assert list(way(tmp_path, target=target, **parts).targets) == ["t"]


@pytest.mark.parametrize(
    ("for_", "message"),
    [
        ("for: {labelled: true, tier: calm},", None),
        ("for: {channel: call},", None),
        (
            "for: {labelled: false, tier: calm},",
            "stages.read.for: no tip reaches this stage: nobody who comes here matches its `for`",
        ),
    ],
)
def test_stages_that_no_tip_reaches(tmp_path: Path, for_: str, message: str | None) -> None:
    if message is None:
        assert way(tmp_path, for_=for_)
    else:
        assert fault(tmp_path, for_=for_) == message


def test_a_share_of_nothing_is_no_fault() -> None:
    for path in ("demand.risk.high", "labels.classifier.assigns.high.high", "demand.channels.sms"):
        assert load(SCENARIOS / "national.yaml", changes={path: 0}).name == "national"


def test_what_differs_by_tier_needs_a_label(tmp_path: Path) -> None:
    by_tier = "patience: {by: tier, urgent: 1 min, calm: 5 min},"
    assert fault(tmp_path, patience=by_tier) == (
        "stages.read.patience.by: a tip without a label can reach this stage: `unlabelled` or `other` is to say what "
        "it gets"
    )
    assert way(tmp_path, for_="for: {labelled: true},", patience=by_tier).stage("read").patience.by == "tier"


def test_the_rest_has_a_value_of_its_own(tmp_path: Path) -> None:
    for by_tier in ("urgent: 1 min, calm: 5 min, unlabelled: 3 min", "urgent: 1 min, other: 3 min", "other: 1 min"):
        scenario = way(tmp_path, patience=f"patience: {{by: tier, {by_tier}}},")
        patience = scenario.stage("read").patience
        assert patience is not None
        laws = [law.mean / MINUTE for law in patience.listed(scenario.tiers)]
        assert laws == {"urgent: 1 min, calm: 5 min, unlabelled: 3 min": [1, 5, 3], "other: 1 min": [1, 1, 1]}.get(
            by_tier, [1, 3, 3]
        )
        drawn = draw(scenario, 0)
        at_read = drawn.rules.kinds.stage[drawn.visits.kind] == 1
        tier, waits = drawn.visits.tier[at_read], drawn.visits.patience[drawn.visits.first_attempt[at_read]]
        assert (waits == np.array(laws)[tier] * MINUTE).all()
        assert {-1, 0, 1} == {*tier.tolist()}


def test_a_name_of_ones_own_goes_before_the_rest(tmp_path: Path) -> None:
    categories = "categories: {other: 30 %, crime: 70 %}, "
    text = WAY.replace("risk:", categories + "risk:").replace("FOR", "").replace("REWORK", "").replace("TARGET", "")
    with pytest.raises(ScenarioError) as caught:
        loaded(tmp_path, text.replace("PATIENCE", "patience: {by: category, other: 1 min},"))
    assert messages(caught.value)[0].endswith("stages.read.patience: is missing a value for category 'crime'")


def test_nothing_is_asked_of_what_cannot_come(tmp_path: Path) -> None:
    # `act` is for urgent tips alone, `file` gets calm ones alone; a share or a law by risk likewise.
    text = WAY.replace("FOR", "for: {risk: low},").replace("PATIENCE", "").replace("TARGET", "").replace("REWORK", "")
    text = text.replace("pool: desk, service: 1 min}", "pool: desk, service: {by: tier, urgent: 1 min}}", 1)
    assert loaded(tmp_path, text).stage("act").time.by == "tier"
    by_risk = text.replace("service: 1 min,  label: clerk", "service: {by: risk, low: 1 min}, label: clerk")
    assert loaded(tmp_path, by_risk).stage("read").time.by == "risk"
    # What the first stage lets through: nobody with high risk is ever labelled calm.
    machine = text.replace("decides: 50 %, assigns", "assigns").replace("urgent: 1, calm: 0", "urgent: 1")
    machine = machine.replace("- {name: read", "- {name: read, share: {by: tier, urgent: 20 %}")
    machine = machine.replace("for: {risk: low}", "for: {risk: high}")
    assert loaded(tmp_path, machine).stage("read").share.by == "tier"


@pytest.mark.parametrize(
    ("patience", "message"),
    [
        ("{by: tier, urgent: 1 min, unlabelled: 2 min}", "patience: is missing a value for tier 'calm'"),
        ("{by: channel, unlabelled: 2 min, other: 1 min}", "patience.unlabelled: there is no channel 'unlabelled'"),
        ("{by: tier, othr: 2 min, urgent: 1 min, calm: 1 min, unlabelled: 1 min}", "patience.othr: there is no tier"),
    ],
)
def test_what_is_missing_for_the_rest(tmp_path: Path, patience: str, message: str) -> None:
    assert fault(tmp_path, patience=f"patience: {patience},").startswith(f"stages.read.{message}")
