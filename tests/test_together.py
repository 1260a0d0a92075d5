"""Attributes of one's own and incidents through the whole tool: what a run, a check and an explanation say of them."""

from __future__ import annotations

from pathlib import Path

import pytest

import sim
from sim.scenario.faults import ScenarioError

TIPS = """\
received,language,anonymous,incident
2025-01-06 00:00,en,yes,
2025-01-06 00:01,es,no,fire
2025-01-06 00:02,en,no,fire
2025-01-06 00:03,so,yes,fire
2025-01-06 00:03,es,no,
"""

DOCUMENT = """\
scenario: Languages
run: {start: 2025-01-06 00:00, length: 1 h, cool_down: 1 h}
demand:
  trace: tips.csv
  attributes: {anonymous: {yes: 65 %, no: 35 %}, language: {en: 50 %, es: 30 %, so: 20 %}}
pools: {desk: {staff: 1, serve_first: [{language: so}, {anonymous: no}]}}
stages:
  - {name: answer, pool: desk, service: {by: language, es: 10 min, other: 4 min}}
  - {name: note, for: {anonymous: no}, share: {by: language, en: 0 %, other: 100 %}, delay: 1 min}
targets:
  spanish: {of: {language: es}, from: arrival, to: answer.start, within: 5 min, share: 60 %}
  each: {in_each: language, from: arrival, to: answer.start, within: 5 min, share: 60 %}
  both: {of: {language: [en, so], anonymous: no}, from: arrival, to: answer.start, within: 15 min, share: 60 %}
"""


def load(tmp_path: Path, text: str = DOCUMENT) -> sim.Scenario:
    (tmp_path / "tips.csv").write_text(TIPS, encoding="utf-8")
    (tmp_path / "case.yaml").write_text(text, encoding="utf-8")
    return sim.load(tmp_path / "case.yaml")


def test_attributes_rank_serve_and_judge(tmp_path: Path) -> None:
    """Tip 0 (en) is served from 0 to 4, then 3 (so) until 8, then those who are not anonymous: 1 (es) until 18, 2 (en)
    until 22, and 4 (es). Of the two in es none starts in 5 minutes; tip 2, which comes at 2, after 16."""
    found = sim.run(load(tmp_path))
    table = found.targets.set_index("target")
    assert table.loc["spanish", "value"] == 0
    assert table.loc["each", "value"] == 0
    assert table.loc["each", "worst_place"] == "es"
    assert table.loc["both", "value"] == 0
    later = sim.run(load(tmp_path, DOCUMENT.replace("within: 15 min", "within: 16 min")))
    assert later.targets.set_index("target").loc["both", "value"] == 1


def test_the_visits_of_a_run_tell_attributes(tmp_path: Path) -> None:
    scenario = load(tmp_path)
    replication = sim.draw(scenario, 0)
    visits = sim.visits(sim.simulate(replication), replication, scenario)
    answered = visits[visits["stage"] == "answer"]
    assert answered["language"].tolist() == ["en", "es", "en", "so", "es"]
    assert answered["anonymous"].tolist() == ["yes", "no", "no", "yes", "no"]
    assert answered["start_min"].tolist() == [0, 8, 18, 4, 22]
    assert visits.loc[visits["stage"] == "note", "tip"].tolist() == [1, 4]


def test_explain_says_what_a_tip_is_and_what_it_is_about(tmp_path: Path) -> None:
    said = str(sim.explain(load(tmp_path), 2))
    assert "about incident 0 (2 of 3 tips)" in said
    assert "language en" in said
    assert "anonymous no" in said
    assert "about incident" not in str(sim.explain(load(tmp_path), 0))


def test_yes_and_no_stay_names(tmp_path: Path) -> None:
    scenario = load(tmp_path)
    assert scenario.own["anonymous"] == ("yes", "no")
    (tmp_path / "again.yaml").write_text(sim.to_yaml(scenario), encoding="utf-8")
    assert sim.load(tmp_path / "again.yaml").own == scenario.own
    changed = sim.load(tmp_path / "case.yaml", changes={"demand.attributes.anonymous.yes": "20 %"})
    assert changed.demand.attributes["anonymous"]["tip"] == pytest.approx({"yes": 0.2, "no": 0.8})


def test_a_column_of_a_trace_names_values_that_there_are(tmp_path: Path) -> None:
    text = DOCUMENT.replace("es: 30 %, so: 20 %", "es: 50 %").replace("{language: so}, ", "").replace("[en, so]", "en")
    with pytest.raises(ScenarioError, match="there is no language 'so'"):
        sim.draw(load(tmp_path, text), 0)


def test_check_says_what_comes_together(tmp_path: Path) -> None:
    text = """\
scenario: Incidents
run: {start: 2025-01-06 00:00, length: 14 d, cool_down: 0 d}
demand:
  volume: 100/d
  channels: {call: 50 %, web: 50 %}
  day_kinds: {quiet: {share: 50 %, factor: 80 %}, busy: {share: 50 %, factor: {call: 200 %}}}
  busyness: {cv: 10 %, correlation: 0.4}
  incidents: {sighting: {rate: 365/year, tips: {geometric: {mean: 6}}, over: {exponential: {mean: 20 min}}}}
pools: {desk: {staff: 9}}
stages: [{name: answer, pool: desk, service: 1 min}]
"""
    said = " ".join(str(sim.check(load(tmp_path, text))).split())
    assert "50 % of the dates are quiet: as many 80 %" in said
    assert "over all dates so many times as many: call 140 %, web 90 %; of incidents 90 %" in said
    assert "each 1 h varies by 10 % (cv), each correlated 0.4 with the one before" in said
    assert (
        "incident 'sighting': 365 a year, 1 a day, each with 6 on average (geometric, from 1) tips within 20 min on "
        "average" in said
    )
    assert "tips come together by incidents, kinds of dates and busyness" in said


def test_targets_may_ask_who_gave_the_label(tmp_path: Path) -> None:
    """Half of the tips are labelled by the classifier alone, who decides on all; the analyst sees the others too."""
    text = """\
scenario: Labels
run: {start: 2025-01-06 00:00, warm_up: 0 d, length: 7 d, cool_down: 1 d, replications: 4}
demand: {volume: 200/d, risk: {high: 20 %, low: 80 %}}
labels:
  classifier: {assigns: {high: {high: 100 %}, low: {low: 100 %}}}
  analyst: {assigns: {high: {high: 100 %}, low: {low: 100 %}}}
pools: {desk: {staff: 9, serve_first: [{labelled_by: analyst}]}}
stages:
  - {name: classify, delay: 1 min, label: classifier}
  - {name: screen, share: 50 %, delay: 10 min, label: analyst}
  - {name: act, for: {labelled_by: [classifier, analyst]}, delay: 0 s}
targets:
  slow: {of: {labelled_by: analyst}, from: arrival, to: act.start, within: 10 min, share: 50 %}
  quick: {of: {labelled_by: classifier, tier: high}, from: arrival, to: act.start, within: 10 min, share: 50 %}
"""
    found = sim.run(load(tmp_path, text))
    values = found.targets.set_index("target")["value"]
    assert values["slow"] == 0
    assert values["quick"] == 1
    cohort = found.cohort.set_index("target")
    total = int(cohort["arrived_tips"].iloc[0])
    judged = total - cohort["not_of_tips"]
    assert abs(judged["slow"] / total - 0.5) <= 4 * (0.25 / total) ** 0.5
    assert abs(judged["quick"] / total - 0.1) <= 4 * (0.09 / total) ** 0.5
