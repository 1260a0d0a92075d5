"""What a stage begins with: faults of it, the ways of tips, and that what is drawn goes these ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.draw import draw
from sim.dynamics.clock import MINUTE, NEVER
from sim.dynamics.replication import NO_LABEL, NO_MOMENT, NO_VISIT, Replication
from sim.scenario.branches import ARRIVAL
from sim.scenario.describe import describe
from sim.scenario.faults import ScenarioError
from sim.scenario.flow import flow, leads
from sim.scenario.loading import load
from sim.scenario.schema import Scenario
from sim.text.diagram import diagram
from tests.scenario.small import SCENARIOS, loaded, messages

CALLS = """\
scenario: Branches
run: {start: 2025-01-06 00:00, length: 7 d}
demand:
  volume: 20/h
  channels: {call: 50 %, web: 50 %}
  risk: {high: 20 %, low: 80 %}
labels:
  software: {decides: 60 %, assigns: {high: {high: 90 %, low: 10 %}, low: {high: 10 %, low: 90 %}}}
  person: {assigns: {high: {high: 95 %, low: 5 %}, low: {high: 5 %, low: 95 %}}}
pools:
  desk: {staff: 5}
  police: {staff: 3}
  court: {staff: 3}
stages:
  - {name: answer, for: {channel: call}, pool: desk, service: 12 min}
  - {name: early, for: {channel: call}, after: {moment: answer.start, plus: 3 min}, delay: 0 s, label: software}
  - {name: late, for: {channel: web}, after: arrival, delay: 1 min, label: software}
  - {name: look, for: {labelled: false}, pool: desk, service: 2 min, label: person,
     rework: {share: 10 %, back_to: look}}
  - {name: send, for: {tier: high}, pool: police, service: 8 min}
  - {name: sue, for: {tier: high}, after: [early.end, late.end, look.end], pool: court, service: 5 min}
  - {name: close, after: [answer.end, send.end, sue.end], delay: 0 s}
"""


def rows(replication: Replication, scenario: Scenario, tip: int) -> list[tuple[Any, ...]]:
    """The visits of a tip: stage, label on the way in, label given, and what it awaits as (stage, minutes or None)."""
    visits = replication.visits
    first, beyond = (int(replication.tips.first_visit[tip + step]) for step in (0, 1))
    stages = [scenario.stages[s].name for s in replication.rules.kinds.stage[visits.kind[first:beyond]]]
    awaits: list[list[tuple[str, float | None]]] = [[] for _ in stages]
    for before in range(first, beyond):
        for moment in range(int(visits.first_moment[before]), int(visits.first_moment[before + 1])):
            after = int(visits.moment_after[moment])
            late = None if after == NEVER else after / MINUTE
            awaits[int(visits.sets_off[moment]) - first].append((stages[before - first], late))
    labels = (*scenario.tiers, None)
    return [
        (stage, labels[visits.tier[first + nth]], labels[visits.labels_as[first + nth]], awaits[nth])
        for nth, stage in enumerate(stages)
    ]


def test_a_tip_awaits_what_lies_on_its_way(tmp_path: Path) -> None:
    """Every way that a call or a web tip can go, and the label that each stage sees."""
    scenario = loaded(tmp_path, CALLS)
    replication = draw(scenario, 0)
    n = replication.visits.first_moment
    assert len(n) == len(replication.visits) + 1
    found = {}
    for tip in range(len(replication.tips)):
        told = rows(replication, scenario, tip)
        found[str([row[0] for row in told])] = told, tip
    high = ["answer", "early", "send", "sue", "close"]
    told, tip = found[str(high)]
    assert told == [
        ("answer", None, None, []),
        ("early", None, "high", [("answer", 3.0)]),
        ("send", "high", None, [("early", None)]),
        ("sue", "high", None, [("early", None)]),
        ("close", "high", None, [("answer", None), ("send", None), ("sue", None)]),
    ]
    assert scenario.tiers[replication.visits.final_tier[tip]] == "high"
    assert [row[3] for row in found[str(["answer", "early", "close"])][0]] == [
        [],
        [("answer", 3.0)],
        [("answer", None)],
    ]
    assert found[str(["late", "close"])][0][1] == ("close", "low", None, [("late", None)])
    # Sent back, `look` is left for good at the end of its second visit; `sue` begins with the first.
    again = found[str(["late", "look", "look", "send", "sue", "close"])][0]
    assert [row[3] for row in again] == [
        [],
        [("late", None)],
        [("look", None)],
        [("look", None)],
        [("late", None), ("look", None)],
        [("send", None), ("sue", None)],
    ]
    visits = replication.visits
    moments = slice(int(visits.first_moment[1]), int(visits.first_moment[2]))
    assert (np.diff(visits.sets_off[moments]) > 0).all()


def test_what_is_drawn_is_what_flow_says(tmp_path: Path) -> None:
    """Mean visits a tip by stage and channel, within 4 standard errors of 8 replications."""
    scenario = loaded(tmp_path, CALLS)
    expected = flow(scenario).visits
    found = []
    for index in range(8):
        replication = draw(scenario, index)
        tip = np.repeat(np.arange(len(replication.tips)), np.diff(replication.tips.first_visit))
        visits = np.zeros(expected.shape)
        stage = replication.rules.kinds.stage[replication.visits.kind]
        np.add.at(visits, (stage, replication.tips.channel[tip]), 1)
        found.append(visits / np.bincount(replication.tips.channel, minlength=2))
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / np.sqrt(len(found))
    assert (np.abs(mean - expected) <= 4 * error + 1e-9).all()


def test_the_ways_are_told_with_their_shares(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, CALLS)
    ways = {(one.of, one.what, one.plus, one.to): one.share for one in leads(scenario)}
    assert ways[ARRIVAL, "arrival", 0, 0] == pytest.approx(0.5)
    assert ways[0, "start", 3 * MINUTE, 1] == pytest.approx(0.5)
    assert ways[1, "end", 0, 3] == pytest.approx(0.2)
    assert ways[3, "end", 0, 3] == pytest.approx(0.04)
    begins = {stage.stage: stage.begins for stage in describe(scenario).stages}
    assert begins["early"] == "begins with answer.start + 3 min (0.500)"
    assert begins["late"] == "begins with arrival (0.500)"
    assert begins["look"] == "begins with early.end (0.200) or late.end (0.200)"
    assert begins["close"].endswith("; with all of them that lie on a tip's way")


def test_the_ways_of_a_chain_are_told_too(tmp_path: Path) -> None:
    scenario = load(SCENARIOS / "national.yaml")
    ways = leads(scenario)
    assert sum(one.share for one in ways if one.of == ARRIVAL) == pytest.approx(1)
    assert any(one.back for one in ways)
    assert all(stage.begins == "" for stage in describe(scenario).stages)


def test_labels_come_from_ancestors_alone(tmp_path: Path) -> None:
    """A branch from the arrival sees no label; where it joins the labelled one the label given last holds."""
    text = CALLS[: CALLS.index("stages:")] + (
        "stages:\n"
        "  - {name: sort, delay: 1 min, label: person}\n"
        "  - {name: beside, after: arrival, delay: 2 min}\n"
        "  - {name: from_start, after: sort.start, delay: 2 min}\n"
        "  - {name: both, after: [sort.end, beside.end], delay: 0 s}\n"
    )
    replication = draw(loaded(tmp_path, text), 0)
    stage, tier = replication.rules.kinds.stage[replication.visits.kind], replication.visits.tier
    assert (tier[np.isin(stage, (0, 1, 2))] == NO_LABEL).all()
    assert (tier[stage == 3] == replication.visits.labels_as[stage == 0]).all()
    assert (tier[stage == 3] != NO_LABEL).all()


def test_the_backlog_of_a_stage_is_that_and_what_descends_from_it(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, CALLS + "start_with: {backlog: {send: 5}}\n")
    replication = draw(scenario, 0)
    for tip in range(5):
        assert [(row[0], row[3]) for row in rows(replication, scenario, tip)] == [
            ("send", []),
            ("close", [("send", None)]),
        ]


def test_rows_of_incidents_keep_what_they_await(tmp_path: Path) -> None:
    """Tips of incidents are written down after the others and then put in order of arrival."""
    incidents = "  incidents: {sighting: {rate: 2/h, tips: 3, over: {exponential: {mean: 20 min}}}}\n"
    scenario = loaded(tmp_path, CALLS.replace("labels:\n", f"{incidents}labels:\n", 1))
    replication = draw(scenario, 0)
    plain = {str([row[0] for row in rows(replication, scenario, tip)]) for tip in range(50)}
    about = np.flatnonzero(replication.tips.incident >= 0)
    assert about.size > 100
    for tip in about[:60].tolist():
        told = rows(replication, scenario, tip)
        assert all(row[3] for row in told[1:] if row[0] != "late")
        assert [row[0] for row in told][-1] == "close"
    assert len(plain) > 3


BROKEN = (
    ("after: arrival", "after: arival", "stages.late.after: a stage begins after the start or the end of another"),
    (
        "after: arrival",
        "after: answer.enter",
        "stages.late.after: a stage begins after the start or the end of another",
    ),
    (
        "after: arrival",
        "after: close.end",
        "stages.late.after: a stage begins after what is written before it, and 'close'",
    ),
    ("after: arrival", "after: late.end", "stages.late.after: a stage cannot begin with a moment of its own"),
    ("after: arrival", "after: anwser.end", "stages.late.after: there is no stage 'anwser'; did you mean 'answer'?"),
    ("after: arrival", "after: []", "stages.late.after: "),
    ("after: arrival", "after: [early.end]", "'early.end' never lies on the way of a tip that comes to this stage"),
    ("[answer.end, send.end, sue.end]", "[answer.end, answer.end]", "'answer.end' is named twice"),
    ("plus: 3 min", "plus: 3", "stages.early.after.plus: a duration needs a unit"),
    ("plus: 3 min", "later: 3 min", "a moment with a while after it is written {moment: answer.start, plus: 3 min}"),
    ("moment: answer.start, plus", "moment: answer.end, plus", "only a start may have a `plus`"),
    ("{moment: answer.start, plus: 3 min}", "{plus: 3 min}", "needs its `moment`"),
    (
        "back_to: look",
        "back_to: early",
        "stages.late.after: 'look' sends tips back to 'early', and all between them is",
    ),
    ("for: {tier: high}, after: [early.end", "for: {tier: high}, after: [answer.end", "never lies on the way"),
    ("delay: 0 s, label: software}", "delay: 0 s}", ""),
)


@pytest.mark.parametrize(("old", "new", "says"), BROKEN)
def test_faults_are_told(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in CALLS
    text = CALLS.replace(old, new, 1)
    if not says or says == "never lies on the way":
        loaded(tmp_path, text)  # nothing is wrong with that
        return
    with pytest.raises(ScenarioError) as caught:
        loaded(tmp_path, text)
    assert any(says in message for message in messages(caught.value)), messages(caught.value)


def test_a_tier_that_no_label_on_its_own_branch_can_give_is_a_fault(tmp_path: Path) -> None:
    text = CALLS.replace("after: [early.end, late.end, look.end], pool: court", "after: arrival, pool: court", 1)
    with pytest.raises(ScenarioError, match=r"stages\.sue\.for: no tip reaches this stage"):
        loaded(tmp_path, text)


ASIDE = CALLS.replace("service: 12 min}", "service: 12 min, patience: 5 min, gives_up_to: mail}", 1).replace(
    "  - {name: close,", "  - {name: mail, delay: 1 min}\n  - {name: close,"
)


def instead(replication: Replication, scenario: Scenario, tip: int) -> dict[str, list[list[str]]]:
    """What each visit of a tip awaits, as the moments that stand for one another; and of asides None."""
    visits = replication.visits
    first, beyond = (int(replication.tips.first_visit[tip + step]) for step in (0, 1))
    stages = [scenario.stages[s].name for s in replication.rules.kinds.stage[visits.kind[first:beyond]]]
    found: dict[str, dict[int, list[str]]] = {stage: {} for stage in stages}
    for before in range(first, beyond):
        for moment in range(int(visits.first_moment[before]), int(visits.first_moment[before + 1])):
            to = stages[int(visits.sets_off[moment]) - first]
            what = "end" if visits.moment_after[moment] == NEVER else "start"
            found[to].setdefault(int(visits.cue[moment]), []).append(f"{stages[before - first]}.{what}")
    for nth, stage in enumerate(stages):
        assert visits.awaits[first + nth] in (NO_MOMENT, len(found[stage]))
    return {stage: [cues[nth] for nth in sorted(cues)] for stage, cues in found.items()}


def test_what_is_written_after_an_aside_awaits_its_end_too(tmp_path: Path) -> None:
    """It awaits the end of the call or of the aside, and all else as it did; the call leads to the aside in vain."""
    scenario = loaded(tmp_path, ASIDE)
    replication = draw(scenario, 0)
    visits, tips = replication.visits, replication.tips
    told = [instead(replication, scenario, tip) for tip in range(200)]
    high = next(tip for tip, one in enumerate(told) if [*one] == ["answer", "early", "send", "sue", "mail", "close"])
    assert told[high] == {
        "answer": [],
        "early": [["answer.start"]],
        "send": [["early.end"]],
        "sue": [["early.end"]],
        "mail": [],
        "close": [["answer.end", "mail.end"], ["send.end"], ["sue.end"]],
    }
    first = int(tips.first_visit[high])
    assert visits.given_up_to[first : first + 6].tolist() == [first + 4, *[NO_VISIT] * 5]
    assert (visits.turned_away_to == NO_VISIT).all()
    assert visits.awaits[first + 4] == NO_MOMENT
    web = next(one for one in told if "late" in one)
    assert "mail" not in web
    plain = flow(loaded(tmp_path, CALLS)).visits
    assert np.array_equal(np.delete(flow(scenario).visits, 6, axis=0), plain)
    assert not flow(scenario).visits[6].any()


def test_without_after_a_stage_follows_the_aside_that_was_come_to_instead(tmp_path: Path) -> None:
    """Of the stage before, and of one that it follows; what begins `after` something else is on a way of its own."""
    text = (
        CALLS[: CALLS.index("stages:")]
        + """stages:
  - {name: menu, delay: 9 min, patience: 1 min, gives_up_to: desk}
  - {name: answer, pool: desk, service: 12 min, patience: 5 min, gives_up_to: mail}
  - {name: note, delay: 1 min}
  - {name: mail, pool: court, service: 1 min, patience: 1 min, gives_up_to: post}
  - {name: desk, delay: 1 min}
  - {name: more, delay: 0 s}
  - {name: post, delay: 1 min}
  - {name: beside, after: arrival, delay: 1 min}
  - {name: close, after: more.end, delay: 0 s, label: software}
"""
    )
    scenario = loaded(tmp_path, text)
    assert instead(draw(scenario, 0), scenario, 0) == {
        "menu": [],
        "answer": [["menu.end"]],
        "note": [["answer.end"]],
        "mail": [],
        "desk": [],
        "more": [["note.end", "mail.end", "desk.end"]],
        "post": [],
        "beside": [],
        "close": [["more.end"]],
    }


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "  - {name: mail, delay: 1 min}\n",
            "  - {name: mail, delay: 1 min}\n  - {name: file, delay: 1 min}\n",
            "say with `after` what 'file' begins with: 'sue' is not come to where 'answer' was in vain, but 'mail' is",
        ),
        (
            "delay: 0 s}\n",
            "delay: 0 s}\n  - {name: last, for: {tier: high}, delay: 1 min}\n",
            ".for: asks for the label of 'early'",
        ),
        (
            "after: [answer.end, send.end, sue.end], delay: 0 s}\n",
            "after: [send.end, sue.end], delay: 0 s}\n",
            "whether 'send' lies on a tip's way is not known where something before it was in vain",
        ),
        (
            "delay: 0 s}\n",
            "delay: 0 s}\n  - {name: last, after: mail.end, delay: 1 min}\n",
            "'mail' is reached only in vain",
        ),
    ],
)
def test_what_would_depend_on_whether_something_was_in_vain_is_a_fault(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert ASIDE.count(old) >= 1
    text = new.join(ASIDE.rsplit(old, 1))
    with pytest.raises(ScenarioError) as caught:
        loaded(tmp_path, text)
    assert any(says in message for message in messages(caught.value)), messages(caught.value)


def test_a_label_for_all_who_come_on_is_one_that_may_be_asked_for(tmp_path: Path) -> None:
    text = ASIDE + "  - {name: note, delay: 0 s, label: person}\n  - {name: last, for: {tier: high}, delay: 1 min}\n"
    assert draw(loaded(tmp_path, text), 0).visits.branch


def test_an_aside_sends_no_tips_back_and_does_not_merge_those_of_several_stages(tmp_path: Path) -> None:
    text = (
        CALLS[: CALLS.index("stages:")]
        + """stages:
  - {name: menu, delay: 2 min, patience: 1 min, gives_up_to: mail}
  - {name: answer, pool: desk, service: 12 min, patience: 5 min, gives_up_to: mail, label: software}
  - {name: mail, delay: 1 min, merge: {}, rework: {share: 10 %, back_to: answer}}
  - {name: beside, after: arrival, delay: 1 min}
"""
    )
    with pytest.raises(ScenarioError) as caught:
        loaded(tmp_path, text)
    told = " ".join(messages(caught.value))
    assert "an aside beside branches (`after`) sends no tips back" in told
    assert "an aside of several stages (menu, answer) does not merge" in told


def test_no_aside_leads_past_rework_to_where_tips_are_sent_back_again(tmp_path: Path) -> None:
    text = (
        CALLS[: CALLS.index("stages:")]
        + """stages:
  - {name: answer, pool: desk, service: 12 min, patience: 5 min, gives_up_to: mail, label: software}
  - {name: check, delay: 1 min, rework: {share: 10 %, back_to: answer}}
  - {name: mail, delay: 1 min}
  - {name: close, delay: 0 s, rework: {share: 10 %, back_to: answer}}
  - {name: beside, after: arrival, delay: 1 min}
"""
    )
    with pytest.raises(ScenarioError, match="no aside leads past 'check'"):
        loaded(tmp_path, text)


def test_what_never_comes_with_an_aside_is_a_fault(tmp_path: Path) -> None:
    """Nobody has been served who was in vain there, nor come to what hangs on that start; all else can be."""
    for ends, may in (
        ("{from: answer.end, to: mail.end, mean: 1 h}", False),
        ("{from: early.end, to: mail.end, mean: 1 h}", False),
        ("{from: answer.start, to: mail.end, mean: 1 h}", False),
        ("{from: answer.enter, to: mail.end, mean: 1 h}", True),
        ("{from: mail.start, to: close.end, mean: 1 h}", True),
        ("{from: answer.end, to: close.end, mean: 1 h}", True),
        ("{from: arrival, to: lost, mean: 1 h}", False),
    ):
        text = f"{ASIDE}targets: {{one: {ends}}}\n"
        if may:
            assert loaded(tmp_path, text).targets
            continue
        with pytest.raises(ScenarioError, match="no tip that this target judges can have"):
            loaded(tmp_path, text)


def test_an_aside_is_told_and_drawn(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, ASIDE)
    begins = {stage.stage: stage.begins for stage in describe(scenario).stages}
    assert begins["mail"] == "begins where answer is in vain"
    assert begins["close"].endswith("the end of mail counts as that of what was in vain")
    drawn = diagram(scenario)
    assert drawn.count("marker-end") == len(leads(scenario))
    assert (">in vain<" in drawn, ">instead<" in drawn) == (True, True)


def test_a_fault_of_one_stage_hides_and_feigns_none_of_where_others_send_tips_back(tmp_path: Path) -> None:
    """The stage with the fault is the first: those after it keep their places."""
    text = CALLS.replace("service: 12 min}", "service: 12 min, lines: 2, waiting_room: 3}", 1)
    text = text.replace("back_to: look", "back_to: early", 1)
    with pytest.raises(ScenarioError) as caught:
        loaded(tmp_path, text)
    assert [message.split(": ", 1)[1].split(" ", 1)[0] for message in messages(caught.value)] == [
        "stages.answer.waiting_room:",
        "stages.late.after:",
    ]


def test_the_diagram_shows_every_stage_and_way(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, CALLS)
    drawn = diagram(scenario)
    assert drawn.startswith("<svg")
    assert drawn.count("<rect") == 2 + len(scenario.stages)
    assert drawn.count("marker-end") == len(leads(scenario))
    assert "start + 3 min 50 %" in drawn
    assert "back 4 %" in drawn
    assert drawn == diagram(scenario)


def test_the_shipped_line_is_as_the_sources_describe_it() -> None:
    """Calls are labelled 3 minutes in, and what is high goes to its department."""
    scenario = load(SCENARIOS / "described.yaml")
    assert str(scenario.stage("classify").after[0]) == "answer.start + 3 min"
    replication = draw(scenario, 0)
    assert replication.visits.branch
    assert "transfer" in diagram(scenario)
    assert "to_security" in diagram(load(SCENARIOS / "departments.yaml"))
