"""An audit of claims as an answer: its tables as frames, its data, and the same as the command leaves."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

import sim
from sim.answers.staff import Claims
from sim.scenario.faults import ScenarioError
from tests.studies.test_claims import LEDGER, LINE


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("ledger") / "claims.yaml"
    file.write_text(LEDGER, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def answer(ledger: Path) -> Claims:
    return sim.claims(ledger, LINE, replications=4, jobs=1)


def test_the_tables_are_attributes_with_a_row_a_reading(answer: Claims) -> None:
    assert list(answer.tables) == ["claims", "claims_together", "relations", "claims_sources", "claims_facts"]
    claims = answer.claims.set_index(["claim", "reading"])
    work = claims.loc["WORK", "lenient"]
    assert (work["unit"], work["threshold"], work["status"]) == ("min", 20.0, "follows from the scenario")
    assert work["value"] == pytest.approx(15)
    assert math.isnan(work["low"])
    soon = claims.loc["SOON", "strict"]
    assert (soon["threshold"], soon["no_staffing_because"], soon["in_the_way"]) == (
        0.9,
        "beyond staff",
        "service: act",
    )
    assert math.isnan(soon["needs_fte"])
    assert claims.loc["NONE", "lenient"]["searched_share"] == 0.999
    whole = answer.claims_together.set_index("reading")
    assert whole.loc["moderate", "not_so"] == "WORK"
    assert list(whole["staffed_fte"]) == [pytest.approx(8.4)] * 3
    assert {"SOON", "NONE", "AGAIN"} <= set(answer.relations["about"])


def test_it_holds_only_where_every_reading_as_a_whole_does(ledger: Path, answer: Claims) -> None:
    assert not answer.holds
    text = ledger.read_text(encoding="utf-8")
    only = ledger.parent / "only.yaml"
    only.write_text(text[: text.index("  SOON")] + text[text.index("  MANY") : text.index("  MORE")], encoding="utf-8")
    alone = sim.claims(only, LINE, replications=2, jobs=1)
    assert alone.holds
    assert alone.sentences()[1] == "The lenient readings are inputs or arithmetic: there is nothing to test."


def test_a_scenario_is_taken_as_it_was_resolved(ledger: Path, answer: Claims) -> None:
    resolved = sim.load(LINE, changes={"run.replications": 4})
    assert sim.claims(ledger, resolved, jobs=1).claims.equals(answer.claims)


def test_the_data_have_the_rows_of_every_table(ledger: Path, answer: Claims, tmp_path: Path) -> None:
    data = answer.data()
    json.dumps(data, allow_nan=False)
    assert (data["ledger"], data["replications"], data["seed"]) == (str(ledger), 4, 3)
    assert [one["holds"] for one in data["claims_together"]] == list(answer.claims_together["holds"])
    assert answer.save(tmp_path / "left") == [
        "claims.csv",
        "claims_together.csv",
        "relations.csv",
        "claims_sources.csv",
        "claims_facts.csv",
        "plots/claims.png",
        "plots/claims.svg",
    ]


def test_faults_of_the_ledger_are_told_with_their_places(ledger: Path) -> None:
    broken = ledger.parent / "broken.yaml"
    broken.write_text(LEDGER.replace("kind: mean", "kind: meen"), encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"claims\.WORK\.kind"):
        sim.claims(broken, LINE)
