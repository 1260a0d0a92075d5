"""No false warnings, no fault twice, and the right advice where people write as they are used to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sim.draw import draw
from sim.scenario.describe import describe
from sim.scenario.faults import ScenarioError
from sim.scenario.flow import flow
from sim.scenario.ledger import load_ledger
from sim.scenario.loading import load
from sim.scenario.warnings import warnings
from tests.scenario.small import SMALL, loaded, messages, small

RECONTACT = """
scenario: Calling again
run: {start: 2025-01-06 00:00, length: 28 d}
demand: {volume: 10/h}
pools: {agents: {staff: 4}}
stages:
  - {name: home, share: 0 %, delay: 2 d}
  - {name: answer, pool: agents, service: {exponential: {mean: 12 min}},
     rework: {share: 30 %, back_to: home, at_most: 3}}
"""


def test_a_stage_reached_by_rework_alone_is_reached(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, RECONTACT)
    assert describe(scenario).warnings == ()
    assert flow(scenario).visits[0, 0] == pytest.approx(0.3 + 0.3**2 + 0.3**3)
    never = load(tmp_path / "doc.yaml", changes=["stages.answer.rework.share=0 %"])
    assert describe(never).warnings == ("no tip reaches stage 'home', as the shares are",)


def test_a_mean_has_no_longest_threshold(tmp_path: Path) -> None:
    mean = "mean: {from: arrival, to: act.start, mean: 5 min}"
    text = SMALL.replace("length: 7 d", "length: 7 d, cool_down: 1 h").replace("targets:\n", f"targets:\n  {mean}\n")
    assert warnings(loaded(tmp_path, text)) == []
    assert len(warnings(load(tmp_path / "doc.yaml", changes=["run.cool_down=10 min"]))) == 1


def tiers(stage: str) -> str:
    return f"""
scenario: Three labels
run: {{start: 2025-01-06 00:00, length: 7 d}}
demand: {{volume: 10/h, risk: {{a: 20 %, b: 30 %, c: 50 %}}}}
labels: {{clerk: {{assigns: {{a: {{high: 1}}, b: {{low: 1}}, c: {{non: 1}}}}}}}}
pools: {{desk: {{staff: 9}}}}
stages:
  - {{name: sort, pool: desk, service: 1 min, label: clerk}}
  - {{name: act, for: {{tier: high}}, pool: desk, service: 9 min}}
{stage}
"""


def test_a_for_that_leaves_some_labels_without_any_stage(tmp_path: Path) -> None:
    said = ["tips labelled 'non' come to no stage any more, where other tiers have stages of their own"]
    assert warnings(loaded(tmp_path, tiers("  - {name: file, for: {tier: low}, pool: desk, service: 2 min}"))) == said
    assert (
        warnings(loaded(tmp_path, tiers("  - {name: file, for: {tier: [low, non]}, pool: desk, service: 2 min}"))) == []
    )
    # A step more for one label alone leaves the others nothing to come to.
    assert warnings(loaded(tmp_path, tiers(""))) == []
    later = tiers("  - {name: file, for: {tier: low}, pool: desk, service: 2 min}\n  - {name: tell, delay: 1 h}")
    assert warnings(loaded(tmp_path, later)) == []


def test_tips_that_nobody_labels_may_be_left_without_a_stage_too(tmp_path: Path) -> None:
    text = tiers("  - {name: file, for: {tier: [low, non]}, pool: desk, service: 2 min}")
    assert warnings(loaded(tmp_path, text, changes=["labels.clerk.decides=60 %"])) == [
        "tips without a label come to no stage any more, where other tiers have stages of their own"
    ]


def test_true_risks_stand_in_for_labels(tmp_path: Path) -> None:
    text = """
scenario: Risks
run: {start: 2025-01-06 00:00, length: 7 d}
demand: {volume: 10/h, risk: {a: 20 %, b: 30 %, c: 50 %}}
pools: {desk: {staff: 9}}
stages:
  - {name: one, for: {tier: a}, pool: desk, service: 1 min}
  - {name: two, for: {tier: b}, pool: desk, service: 1 min}
"""
    assert warnings(loaded(tmp_path, text)) == [
        "tips of tier 'c' come to no stage, where other tiers have stages of their own"
    ]
    assert warnings(loaded(tmp_path, text.replace("tier: b", "tier: [b, c]"))) == []


MISWRITTEN = [
    (
        "share: 90 %}",
        "share: 80,5 %}",
        "targets.quick.5 %: a comma ends a value here; with a decimal point it is share: 80.5 %",
    ),
    (
        "cv: 1}",
        "cv: 0,8}",
        "stages.sort.service.lognormal.8: a comma ends a value here; with a decimal point it is cv: 0.8",
    ),
    (
        "mean: 3 min,",
        "mean: 1,5 min,",
        "stages.sort.service.lognormal.5 min: a comma ends a value here; with a decimal point it is mean: 1.5 min",
    ),
    ("share: 90 %}", "share: '80,5 %'}", "targets.quick.share: a decimal point is needed: 80.5 % (got '80,5 %')"),
    ("share: 90 %}", "share: '0,8'}", "targets.quick.share: a decimal point is needed: 0.8 (got '0,8')"),
    ("volume: 10/h", "volume: 3,4/h", "demand.volume: a decimal point is needed: 3.4/h (got '3,4/h')"),
    (
        "volume: 10/h",
        "volume: 30,000/year",
        "demand.volume: thousands are written without commas: 30000/year (got '30,000/year')",
    ),
    (
        "volume: 10/h",
        "volume: 30.000/year",
        "demand.volume: thousands are written without points: 30000/year, and few as 30/year (got '30.000/year')",
    ),
    (
        "staff: 1}]",
        "staff: 1, days: weekdays}]",
        "pools.night.shifts.0.days: 'weekdays' is written mon-fri (got 'weekdays')",
    ),
    (
        "staff: 1}]",
        "staff: 1, days: weekend}]",
        "pools.night.shifts.0.days: 'weekend' is written [sat, sun] (got 'weekend')",
    ),
    ("staff: 1}]", "agents: 1}]", "pools.night.shifts.0.agents: is not a key here; did you mean 'staff'?"),
    ("staff: 1}]", "staf: 1}]", "pools.night.shifts.0.staf: is not a key here; did you mean 'staff'?"),
    ("demand:\n", "deamnd:\n", "deamnd: is not a key here; did you mean 'demand'?"),
    ("pools:\n", "pool:\n", "pool: is not a key here; did you mean 'pools'?"),
    ("labels:\n", "label:\n", "label: is not a key here; did you mean 'labels'?"),
    ("  channels:", "  chanels:", "demand.chanels: is not a key here; did you mean 'channels'?"),
]


@pytest.mark.parametrize(("old", "new", "message"), MISWRITTEN)
def test_one_fault_is_told_once_with_what_to_write(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        small(tmp_path, old, new)
    (told,) = messages(caught.value)
    assert told.split(":", 3)[3].strip() == message


def test_the_only_stage_at_fault_makes_no_list_too_short(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        loaded(
            tmp_path,
            "scenario: Cascade\nrun: {start: 2025-01-06 00:00, length: 1 d}\ndemand: {volume: 20/d}\n"
            "pools: {desk: {staff: 1}}\nstages: [{name: work, pool: desk, servce: 10 min, service: 10 min}]\n",
        )
    assert messages(caught.value) == ["doc.yaml:5:35: stages.work.servce: is not a key here; did you mean 'service'?"]
    with pytest.raises(ScenarioError) as caught:
        small(tmp_path, SMALL[SMALL.index("stages:") : SMALL.index("milestones:")], "stages: []\n")
    assert messages(caught.value) == ["doc.yaml:14:9: stages: needs at least 1 (got a list)"]


def test_a_value_by_channel_is_wanted_for_the_channels_that_come(tmp_path: Path) -> None:
    by = "patience: {by: channel, call: 10 min}"
    scenario = small(tmp_path, "patience: 10 min", by)
    plain = small(tmp_path)
    assert (draw(scenario, 0).visits.patience == draw(plain, 0).visits.patience).all()
    assert (flow(scenario).work == flow(plain).work).all()
    everybody = SMALL.replace("for: {channel: call}, ", "").replace("patience: 10 min", by)
    with pytest.raises(ScenarioError) as caught:
        loaded(tmp_path, everybody)
    assert [message.split(":", 3)[3].strip() for message in messages(caught.value)] == [
        "stages.answer.patience: is missing a value for channel 'web'"
    ]


def test_who_is_sent_back_comes_whatever_the_filter_says(tmp_path: Path) -> None:
    text = SMALL.replace("patience: 10 min", "patience: {by: channel, call: 10 min}").replace(
        "label: clerk}", "label: clerk, rework: {share: 5 %, back_to: answer}}"
    )
    with pytest.raises(ScenarioError) as caught:
        loaded(tmp_path, text)
    assert [message.split(":", 3)[3].strip() for message in messages(caught.value)] == [
        "stages.answer.patience: is missing a value for channel 'web'"
    ]


LEDGER = "ledger: Claims\nclaims: []\n"


@pytest.mark.parametrize(
    ("reader", "text", "told"),
    [
        (load, LEDGER, "1:1: ledger: this is a ledger, and no scenario; tipline check doc.yaml takes it"),
        (
            load,
            "study: All\nsteps: {}\n",
            "1:1: study: this is a study, and no scenario; tipline study doc.yaml takes it",
        ),
        (load_ledger, SMALL, "scenario: this is a scenario, and no ledger, which is a list of claims; tipline run"),
        (load_ledger, "study: All\n", "1:1: study: this is a study, and no ledger, which is a list of claims"),
    ],
)
def test_a_document_of_another_kind_is_told_once(
    reader: Callable[[str], object], text: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("doc.yaml").write_text(text)
    with pytest.raises(ScenarioError) as error:
        reader("doc.yaml")
    assert len(error.value.faults) == 1
    assert told in str(error.value)


def test_a_scenario_that_forgot_its_name_is_one_still(tmp_path: Path) -> None:
    """It may name a ledger, and is told of the key that it lacks."""
    text = "ledger: claims.yaml\n" + SMALL.partition("\n")[2]
    assert "scenario" not in text
    with pytest.raises(ScenarioError, match="this is a") as error:
        loaded(tmp_path, LEDGER)
    with pytest.raises(ScenarioError) as error:
        loaded(tmp_path, text)
    assert not any("this is a" in one for one in messages(error.value))
