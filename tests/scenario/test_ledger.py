"""The ledger of claims: strict, with every fault at its place, and the targets that scenarios take from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from sim.dynamics.clock import DAY, MINUTE
from sim.scenario.claims import FACTS
from sim.scenario.faults import ScenarioError
from sim.scenario.ledger import Ledger, load_ledger
from sim.scenario.loading import load, read
from sim.scenario.schema import MeanTarget, Scenario, ShareTarget
from tests.scenario.small import SCENARIOS, SMALL, messages

LEDGER = """\
ledger: Small
sources:
  paper: {title: A paper}
subjects:
  tips: {says: all tips}
  urgent: {says: urgent tips, part_of: tips}
clocks:
  act: {says: until somebody acts}
facts:
  some: {source: a guess, kind: share of a whole, subject: urgent, of: tips, from: 5 %, to: 10 %, says: urgent tips}
claims:
  C1:
    {source: paper, says: Urgent tips are acted on in 30 minutes., kind: share within, subject: urgent, clock: act,
     quantity: 30 min, share: 90 %, readings: {
       lenient: {target: {of: {tier: urgent}, from: arrival, to: act.start, within: 30 min, share: 50 %}},
       moderate: {target: {of: {tier: urgent}, from: arrival, to: act.start, within: 30 min, share: 90 %}},
       strict: moderate}}
  C2:
    {source: paper, says: A tip takes an hour., kind: mean, subject: tips, clock: act, quantity: 1 h, readings: {
       moderate: {target: {from: arrival, to: sorted, mean: 1 h}}, strict: {arithmetic_only: nobody can tell}}}
  C3: {source: paper, says: Urgent tips take half an hour., kind: share within, subject: urgent, clock: act,
       quantity: 30 min, share: 90 %, repeats: C1}
"""


def ledger(folder: Path, old: str = "", new: str = "") -> Ledger:
    """The small ledger with one text replaced."""
    assert old in LEDGER
    path = folder / "claims.yaml"
    path.write_text(LEDGER.replace(old, new, 1), encoding="utf-8")
    return load_ledger(path)


def scenario(folder: Path, targets: str, **options: str) -> Scenario:
    """The small scenario with other targets, beside the small ledger."""
    ledger(folder)
    path = folder / "doc.yaml"
    begin, end = SMALL.index("targets:"), SMALL.index("variants:")
    path.write_text(SMALL[:begin] + f"targets: {targets}\n" + SMALL[end:], encoding="utf-8")
    return load(path, **options)


def test_the_ledger_of_the_two_articles_has_all_their_claims() -> None:
    found = load_ledger(SCENARIOS / "claims.yaml")
    expected = [f"A{n:02}" for n in range(1, 22)] + [f"B{n:02}" for n in range(1, 18) if n != 11]
    assert list(found.claims) == expected
    assert len({claim.kind for claim in found.claims.values()}) == 10
    assert {fact.kind for fact in found.facts.values()} == set(FACTS) - {"number"}
    for name in found.claims:
        assert all(found.reading(name, reading) is not None for reading in ("lenient", "moderate", "strict")), name


@pytest.mark.parametrize("reading", ["lenient", "moderate", "strict"])
def test_every_reading_of_the_ledger_suits_the_national_scenario(reading: str) -> None:
    changes = {"targets": {"from": "claims.yaml", "reading": reading}}
    found = read(SCENARIOS / "national.yaml").scenario(changes=changes)
    assert {"A06", "day", "rapid", "transfer"} <= set(found.targets)
    assert [found.targets[name].claim for name in ("A06", "day", "rapid", "transfer")] == ["A06", "A18", "A19", "A20"]


TABLE = YAML(typ="safe", pure=True).load((Path(__file__).parent / "broken_ledger.yaml").read_text("utf-8"))


@pytest.mark.parametrize("case", TABLE["broken"], ids=[case["instead"] for case in TABLE["broken"]])
def test_a_broken_ledger_gives_exactly_these_messages(tmp_path: Path, case: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError) as caught:
        ledger(tmp_path, case["instead"], case["put"])
    assert [message.removeprefix("claims.yaml:") for message in messages(caught.value)] == case["gives"]


def test_all_faults_of_a_ledger_come_in_one_go(tmp_path: Path) -> None:
    text = LEDGER.replace("kind: mean", "kind: meen").replace("5 %", "5").replace("source: paper", "source: book")
    path = tmp_path / "claims.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_ledger(path)
    assert [fault.path for fault in caught.value.faults] == [
        "facts.some.from",
        "claims.C1.source",
        "claims.C2.source",
        "claims.C2.kind",
        "claims.C3.source",
    ]


def test_an_empty_ledger_says_what_one_needs(tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text("# nothing\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match="is empty: a ledger needs at least ledger and claims"):
        load_ledger(path)


def test_a_claim_that_repeats_another_takes_its_readings(tmp_path: Path) -> None:
    found = ledger(tmp_path)
    assert found.reading("C3", "lenient") == found.reading("C1", "lenient")
    assert found.reading("C1", "strict") == found.reading("C1", "moderate")
    assert found.reading("C2", "lenient") is None


def test_a_scenario_takes_its_targets_from_a_ledger(tmp_path: Path) -> None:
    found = scenario(tmp_path, "{from: claims.yaml, reading: moderate, few: {lost: 5 %}}").targets
    assert list(found) == ["C1", "C2", "few"]  # C3 repeats C1
    assert isinstance(found["C2"], MeanTarget)
    assert found["C2"].mean == 60 * MINUTE
    assert found["C2"].to.moments  # milestones are looked up
    assert (found["C1"].claim, found["few"].claim) == ("C1", None)


def test_a_target_is_called_as_its_claim_says(tmp_path: Path) -> None:
    named = LEDGER.replace("{source: paper, says: A tip", "{target_name: hour, source: paper, says: A tip")
    path = tmp_path / "doc.yaml"
    begin, end = SMALL.index("targets:"), SMALL.index("variants:")
    (tmp_path / "claims.yaml").write_text(named, encoding="utf-8")
    path.write_text(
        f"{SMALL[:begin]}targets: {{from: claims.yaml, reading: moderate}}\n{SMALL[end:]}", encoding="utf-8"
    )
    assert {name: target.claim for name, target in load(path).targets.items()} == {"C1": "C1", "hour": "C2"}
    assert set(load(path, changes={"targets.hour.mean": "2 h"}).targets) == {"C1", "hour"}
    path.write_text(
        f"{SMALL[:begin]}targets: {{from: claims.yaml, reading: moderate, hour: {{lost: 5 %}}}}\n{SMALL[end:]}",
        encoding="utf-8",
    )
    with pytest.raises(
        ScenarioError, match=r"claim 'C2' of claims.yaml is taken as the target 'hour'; this needs another"
    ):
        load(path)


def test_single_claims_are_taken_in_readings_of_their_own(tmp_path: Path) -> None:
    found = scenario(tmp_path, "{from: claims.yaml, reading: moderate, only: C2, C3: lenient}").targets
    assert set(found) == {"C2", "C3"}
    assert isinstance(found["C3"], ShareTarget)
    assert found["C3"].share == 0.5
    assert set(scenario(tmp_path, "{from: claims.yaml, C2: moderate}").targets) == {"C2"}


def test_one_option_sets_every_reading(tmp_path: Path) -> None:
    found = scenario(tmp_path, "{from: claims.yaml, reading: moderate}", reading="lenient").targets
    assert set(found) == {"C1"}
    assert isinstance(found["C1"], ShareTarget)
    assert found["C1"].share == 0.5


def test_changes_reach_what_is_taken_and_which_reading_it_is_taken_in(tmp_path: Path) -> None:
    scenario(tmp_path, "{from: claims.yaml, reading: moderate}")
    document = read(tmp_path / "doc.yaml")
    changes = ["targets.C1.within=1 d", "targets.reading=lenient"]
    found = document.scenario(changes=changes).targets["C1"]
    assert isinstance(found, ShareTarget)
    assert (found.within, found.share) == (DAY, 0.5)
    assert set(document.scenario(changes=["targets.C1=null"]).targets) == {"C2"}


def test_a_study_that_asks_again_gets_the_same_parts(tmp_path: Path) -> None:
    scenario(tmp_path, "{from: claims.yaml, reading: moderate}")
    document = read(tmp_path / "doc.yaml")
    one, other = document.scenario(), document.scenario(changes={"pools.desk.staff": 4})
    assert one.targets["C1"] == other.targets["C1"]
    assert one.hash != other.hash
    assert one.hash == document.scenario().hash


@pytest.mark.parametrize("case", TABLE["refused"], ids=[case["targets"] for case in TABLE["refused"]])
def test_what_cannot_be_taken_is_refused_with_its_place(tmp_path: Path, case: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(tmp_path, case["targets"])
    assert messages(caught.value) == [f"doc.yaml:{case['gives']}"]


def test_what_a_taken_target_names_in_vain_is_shown_in_the_ledger(tmp_path: Path) -> None:
    scenario(tmp_path, "{from: claims.yaml, reading: moderate}")
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path / "doc.yaml", changes=["milestones.sorted=null"])
    assert messages(caught.value) == [
        "claims.yaml:20:47: targets.C2.to: there is no milestone 'sorted'; there are arrival, leave, lost"
    ]


def test_a_faulty_ledger_does_not_hide_the_faults_of_the_scenario(tmp_path: Path) -> None:
    scenario(tmp_path, "{from: claims.yaml, reading: moderate}")
    (tmp_path / "claims.yaml").write_text(LEDGER.replace("kind: mean", "kind: meen"), encoding="utf-8")
    path = tmp_path / "doc.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("10/h", "10"), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert [fault.path for fault in caught.value.faults] == ["claims.C2.kind", "demand.volume"]
