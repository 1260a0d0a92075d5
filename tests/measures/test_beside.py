"""Tips in several places at a time, measured and told: recorded tips whose every minute a pencil can follow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.draw import draw
from sim.dynamics import reference
from sim.dynamics.clock import MINUTE, NEVER
from sim.dynamics.replication import NO_LABEL
from sim.measures import passes
from sim.measures.cohort import read
from sim.measures.frame import Frame
from sim.measures.kinds import tally
from sim.measures.measures import measure
from sim.measures.tallies import COLUMNS
from sim.scenario.faults import ScenarioError
from sim.scenario.loading import load
from sim.scenario.schema import Scenario
from sim.studies.events import events
from sim.text.explain import explain, parts
from sim.text.page import plain

TEXT = """\
scenario: Beside
run: {start: 2025-01-06 08:00, length: 10 h, cool_down: 2 h, replications: 1}
demand:
  channels: {call: 50 %, web: 50 %}
  risk: {high: 50 %, low: 50 %}
  trace: tips.csv
labels:
  software: {assigns: {high: {high: 100 %, low: 0 %}, low: {high: 0 %, low: 100 %}}}
pools:
  desk: {staff: 1}
  police: {staff: 1}
  court: {staff: 1}
stages:
  - {name: answer, for: {channel: call}, pool: desk, service: 12 min, patience: 10 min}
  - {name: early, for: {channel: call}, after: {moment: answer.start, plus: 3 min}, delay: 0 s, label: software}
  - {name: late, for: {channel: web}, after: arrival, delay: 1 min, label: software}
  - {name: send, for: {tier: high}, pool: police, service: 8 min}
  - {name: sue, for: {tier: high}, after: [early.end, late.end], pool: court, service: 20 min}
  - {name: close, after: [answer.end, send.end, sue.end], delay: 1 min}
milestones:
  worked: {all_of: [answer.end, send.end, sue.end]}
targets:
  worked: {from: arrival, to: worked, within: 30 min, share: 90 %}
  through: {from: arrival, to: leave, within: 30 min, share: 90 %}
  sent: {of: {tier: high}, from: arrival, to: send.end, mean: 30 min}
  kept: {lost: 5 %}
"""

TIPS = """\
received,channel,risk
2025-01-06 08:10,call,high
2025-01-06 09:00,web,high
2025-01-06 09:10,web,low
2025-01-06 10:00,call,low
2025-01-06 10:01,call,high
"""
"""The fifth gives up at 10:11, one minute before the fourth is done."""


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    folder = tmp_path_factory.mktemp("beside")
    (folder / "tips.csv").write_text(TIPS)
    (folder / "beside.yaml").write_text(TEXT)
    return load(folder / "beside.yaml")


def test_moments_labels_and_fates(scenario: Scenario) -> None:
    """The first is through at 08:34: answer until 08:22, send from 08:13 to 08:21, sue until 08:33, close."""
    replication = draw(scenario, 0)
    log = reference.simulate(replication)
    cohort = read(log, replication, Frame(scenario))
    assert [scenario.tiers[tier] if tier >= 0 else None for tier in cohort.label] == [
        "high",
        "high",
        "low",
        "low",
        None,
    ]
    assert cohort.state.tolist() == [passes.THROUGH] * 4 + [passes.LOST]
    leave = [(tick // MINUTE if tick < NEVER else None) for tick in cohort.leave.tolist()]
    assert leave == [34, 82, 72, 133, None]
    worked = cohort.when(scenario.targets["worked"].to)
    # The third is in none of the three; the fifth never comes to the end of what lies on its way.
    assert [(tick // MINUTE if tick < NEVER else None) for tick in worked.tolist()] == [33, 81, None, 132, None]
    assert [COLUMNS[column] for column in tally(scenario.targets["worked"], cohort).column] == [
        "met",
        "met",
        "missed",
        "met",
        "lost",
    ]
    assert [COLUMNS[column] for column in tally(scenario.targets["kept"], cohort).column] == ["met"] * 4 + ["lost"]


def test_time_by_stage_is_that_of_the_way_that_came_last(scenario: Scenario) -> None:
    """From arrival to leave, of the first tip: 3 minutes of answer, 20 of sue, 1 of close; of the fourth 12 and 1."""
    replication = draw(scenario, 0)
    found = measure(reference.simulate(replication), replication, scenario).pooled
    assert found is not None
    spent = dict(zip(scenario.targets, (found.spent / MINUTE).round(6).tolist(), strict=True))
    stages = [stage.name for stage in scenario.stages]
    service, delay = passes.IN_SERVICE, passes.IN_DELAY
    through = dict(zip(stages, spent["through"], strict=True))
    assert through["answer"][service] == 3 + 12
    assert through["send"] == [0, 0, 0, 0]
    assert through["sue"][service] == 20 + 20
    assert through["late"][delay] == 1 + 1
    assert through["close"][delay] == 4
    sent = dict(zip(stages, spent["sent"], strict=True))
    assert sent["send"][service] == 8 + 8
    assert sent["answer"][service] == 3
    assert sent["sue"] == [0, 0, 0, 0]
    worked = np.array(spent["worked"])
    assert worked.sum() == (33 - 10) + (81 - 60) + 12


def test_events_say_on_which_branch(scenario: Scenario) -> None:
    replication = draw(scenario, 0)
    table = events(reference.simulate(replication), replication, scenario).to_pylist()
    first = [(row["stage"], row["branch"]) for row in table if row["tip"] == 0]
    assert first == [("answer", 1), ("early", 2), ("send", 2), ("sue", 3), ("close", 1)]
    assert [row["tier"] for row in table if row["tip"] == 4] == [None]


def test_branches_are_told_side_by_side(scenario: Scenario) -> None:
    replication = draw(scenario, 0)
    log = reference.simulate(replication)
    story = explain(scenario, replication, log, "0")
    told = [(event.tick // MINUTE, event.branch, event.text) for event in story.events]
    assert told[:6] == [
        (10, 0, "arrives, channel call"),
        (10, 1, "desk begin answer, at once"),
        (13, 2, "comes to early: 3 min into answer"),
        (13, 2, "passes early: a delay of 0 s, nobody works on it"),
        (13, 2, "software labels it high, as it truly is"),
        (13, 2, "comes to send: early has ended"),
    ]
    assert (33, 1, "comes to close: answer has ended, send has ended and sue has ended") in told
    assert told[-1] == (34, 0, "is through, 24 min after it arrived")
    page = plain(parts(story))
    assert "Branches  1 answer, close; 2 early, send; 3 sue" in page
    lost = [event.text for event in explain(scenario, replication, log, "4").events]
    assert lost[-1] == "is lost: this branch of it does not go on"


def test_one_branch_needs_no_numbers(scenario: Scenario) -> None:
    replication = draw(scenario, 0)
    story = explain(scenario, replication, reference.simulate(replication), "2")
    assert {event.branch for event in story.events} == {0}


def test_all_of_in_a_chain(tmp_path: Path) -> None:
    """`all_of` is told without branches too, and what it is not is a fault."""
    text = TEXT.replace("after: {moment: answer.start, plus: 3 min}, ", "").replace("after: arrival, ", "")
    text = text.replace("after: [early.end, late.end], ", "").replace("after: [answer.end, send.end, sue.end], ", "")
    (tmp_path / "tips.csv").write_text(TIPS)
    (tmp_path / "chain.yaml").write_text(text)
    scenario = load(tmp_path / "chain.yaml")
    replication = draw(scenario, 0)
    cohort = read(reference.simulate(replication), replication, Frame(scenario))
    worked = cohort.when(scenario.targets["worked"].to)
    assert [(tick // MINUTE if tick < NEVER else None) for tick in worked.tolist()] == [50, 89, None, 132, None]
    (tmp_path / "broken.yaml").write_text(text.replace("{all_of: [answer.end", "{all_of: [answer.ends"))
    with pytest.raises(ScenarioError, match=r"milestones\.worked\.all_of\.0: a stage has the moments"):
        load(tmp_path / "broken.yaml")


@pytest.fixture(scope="module")
def with_aside(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """The fifth leaves a message from 10:11 to 10:13 instead, which is then closed."""
    folder = tmp_path_factory.mktemp("aside")
    (folder / "tips.csv").write_text(TIPS)
    text = TEXT.replace("patience: 10 min}", "patience: 10 min, gives_up_to: mail}")
    text = text.replace("  - {name: close,", "  - {name: mail, delay: 2 min}\n  - {name: close,")
    text += "  given: {stage: answer, abandoned: 10 %}\n  mailed: {from: arrival, to: mail.end, mean: 20 min}\n"
    text += "  apart: {from: arrival, to: {all_of: [send.end, sue.end, close.end]}, within: 30 min, share: 90 %}\n"
    (folder / "aside.yaml").write_text(text)
    return load(folder / "aside.yaml")


def test_who_goes_to_an_aside_is_not_lost_and_leaves_when_all_branches_are_through(with_aside: Scenario) -> None:
    """The fifth is through at 10:14; what software would have said of it is not its label."""
    replication = draw(with_aside, 0)
    cohort = read(reference.simulate(replication), replication, Frame(with_aside))
    assert cohort.state.tolist() == [passes.THROUGH] * 5
    assert [tick // MINUTE for tick in cohort.leave.tolist()] == [34, 82, 72, 133, 134]
    assert cohort.label[4] == NO_LABEL
    assert not cohort.at_risk.any()

    def when(target: str) -> list[int | None]:
        ticks = cohort.when(with_aside.targets[target].to).tolist()
        return [tick // MINUTE if tick < NEVER else None for tick in ticks]

    assert when("worked") == [33, 81, None, 132, None]
    assert when("mailed") == [None, None, None, None, 133]
    # What it does not come to does not lie on its way; send and sue do not.
    assert when("apart") == [34, 82, 72, 133, 134]
    names = [COLUMNS[column] for column in tally(with_aside.targets["kept"], cohort).column]
    assert names == ["met"] * 5
    assert [COLUMNS[column] for column in tally(with_aside.targets["given"], cohort).column].count("lost") == 1


def test_time_by_stage_goes_by_the_aside(with_aside: Scenario) -> None:
    """Of the fifth: 10 minutes in line, 2 at the aside, and 1 to be closed."""
    replication = draw(with_aside, 0)
    found = measure(reference.simulate(replication), replication, with_aside).pooled
    assert found is not None
    spent = dict(zip(with_aside.targets, (found.spent / MINUTE).round(6).tolist(), strict=True))
    through = dict(zip((stage.name for stage in with_aside.stages), spent["through"], strict=True))
    assert through["answer"][passes.IN_LINE] == 10
    assert through["mail"][passes.IN_DELAY] == 2
    assert through["close"][passes.IN_DELAY] == 5


def test_an_aside_is_told_on_the_branch_that_it_is_on(with_aside: Scenario) -> None:
    replication = draw(with_aside, 0)
    log = reference.simulate(replication)
    story = explain(with_aside, replication, log, "4")
    told = [(event.tick // MINUTE, event.text) for event in story.events]
    assert (131, "goes to mail instead") in told
    assert told[-2:] == [
        (133, "passes close: a delay of 1 min, nobody works on it"),
        (134, "is through, 13 min after it arrived"),
    ]
    table = events(log, replication, with_aside).to_pylist()
    assert [(row["stage"], row["branch"]) for row in table if row["tip"] == 4] == [
        ("answer", 1),
        ("mail", 1),
        ("close", 1),
    ]
