"""The story of one tip, on recorded lines whose every tick can be told with a pencil."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sim
from sim.text.explain import explain
from sim.text.story import Teller
from tests.cli.lines import SCENARIOS, recorded, tipline

THREE = "received\n2025-01-06T08:00\n2025-01-06T08:01\n2025-01-06T08:02\n"
LAST_HIGH = "received,risk\n2025-01-06T08:00,low\n2025-01-06T08:01,low\n2025-01-06T08:02,high\n"
BEFORE_NINE = "received\n2025-01-06T08:57\n2025-01-06T08:58\n"
RISK = "  risk: {high: 50 %, low: 50 %}\n"


def told(file: Path, tip: int) -> list[str]:
    """The events of a tip, each with its time, its details after a dash."""
    scenario = sim.load(file)
    replication = sim.draw(scenario, 0)
    teller = Teller(scenario, replication, sim.simulate(replication, "reference"))
    return [" - ".join([f"{teller.time(event.tick, 0)} {event.text}", *event.details]) for event in teller.events(tip)]


def answer(keys: str, pools: str = "{desk: {staff: 1}}") -> str:
    """A line of one stage."""
    return f"pools: {pools}\nstages: [{{name: answer, pool: desk, {keys}}}]\n"


def shifts(at_shift_end: str) -> str:
    """One person from 08:00 to 09:00 and from 10:00 to 11:00, and work of 5 minutes."""
    team = "{{from: '{0}:00', to: '{1}:00', staff: 1}}"
    both = f"{team.format('08', '09')}, {team.format('10', '11')}"
    return answer("service: 5 min", f"{{desk: {{shifts: [{both}], at_shift_end: {at_shift_end}}}}}")


def test_a_wait_names_who_was_ahead_and_who_was_at_work(tmp_path: Path) -> None:
    assert told(recorded(tmp_path, THREE, answer("service: 5 min")), 2) == [
        "08:02:00 arrives",
        "08:02:00 waits 8 min in the line of desk for answer, behind tip 1 - 1 on duty, all busy: tip 0 until 08:05:00",
        "08:10:00 desk begin answer, 8 min after it came there",
        "08:15:00 answer is done: 5 min of work",
        "08:15:00 is through, 13 min after it arrived",
    ]


def test_the_gate_is_waited_for_apart_from_the_line(tmp_path: Path) -> None:
    assert told(recorded(tmp_path, THREE, answer("every: 10 min, service: 5 min")), 2)[:4] == [
        "08:02:00 arrives",
        "08:02:00 waits 8 min for the gate of answer, which opens every 10 min",
        "08:10:00 waits 5 min in the line of desk for answer, first in it - 1 on duty, all busy: tip 1 until 08:15:00",
        "08:15:00 desk begin answer, 13 min after it came there",
    ]


def test_patience_ends_and_the_tip_comes_back_until_it_is_lost(tmp_path: Path) -> None:
    keys = "service: 10 min, patience: 3 min, retry: {share: 100 %, after: 4 min}"
    busy = "1 on duty, all busy: tip 0 until 08:10:00"
    assert told(recorded(tmp_path, THREE, answer(keys)), 2) == [
        "08:02:00 arrives",
        f"08:02:00 waits 3 min in the line of desk for answer, behind tip 1 - {busy}",
        "08:05:00 gives up at answer: its patience ends after 3 min; it will try again in 4 min",
        "08:09:00 comes back to answer, attempt 2",
        f"08:09:00 waits 3 min in the line of desk for answer, behind tip 1 - {busy}",
        "08:12:00 gives up at answer: its patience ends after 3 min",
        "08:12:00 is lost: it does not come back",
    ]


def test_patience_may_end_behind_the_gate(tmp_path: Path) -> None:
    assert told(recorded(tmp_path, THREE, answer("service: 1 min, every: 30 min, patience: 3 min")), 1) == [
        "08:01:00 arrives",
        "08:01:00 waits 3 min for the gate of answer, which opens every 30 min",
        "08:04:00 gives up at answer: its patience ends after 3 min",
        "08:04:00 is lost: it does not come back",
    ]


def test_overflow_is_told_from_when_the_tip_stands_there_too(tmp_path: Path) -> None:
    pools = "{desk: {staff: 1}, help: {staff: 1}}"
    keys = "service: 10 min, overflow: {to: help, after: 3 min}"
    assert told(recorded(tmp_path, THREE, answer(keys, pools)), 2)[1:4] == [
        "08:02:00 waits 8 min in the line of desk for answer, behind tip 1 - 1 on duty, all busy: tip 0 until 08:10:00",
        "08:05:00 also waits 5 min in the line of help for answer, first in it - "
        "1 on duty, all busy: tip 1 until 08:14:00",
        "08:10:00 desk begin answer, 8 min after it came there",
    ]
    assert told(recorded(tmp_path, THREE, answer(keys, pools)), 1)[2] == (
        "08:04:00 help (its overflow) begin answer, 3 min after it came there"
    )


def test_a_tip_of_a_better_rank_takes_the_server(tmp_path: Path) -> None:
    desk = "{desk: {staff: 1, serve_first: [{risk: high}], preempt: [{risk: high}]}}"
    file = recorded(tmp_path, LAST_HIGH, RISK + answer("service: 5 min", desk))
    assert told(file, 0)[1:] == [
        "08:00:00 desk begin answer, at once",
        "08:02:00 answer is broken off after 2 min: tip 2 of a better rank takes its server",
        "08:02:00 waits 5 min in the line of desk for answer, first in it - 1 on duty, all busy: tip 2 until 08:07:00",
        "08:07:00 desk go on with answer: 3 min of work left",
        "08:10:00 answer is done: 5 min of work",
        "08:10:00 is through, 10 min after it arrived",
    ]
    assert told(file, 1)[1] == (
        "08:01:00 waits 9 min in the line of desk for answer, first in it - 1 on duty, all busy: tip 0 until 08:02:00"
        " - meanwhile tip 2 went first, with a better rank - meanwhile tip 0 went first, with an older place in line"
    )


@pytest.mark.parametrize(
    "at_shift_end, expected",
    [
        ("finish", ["09:02:00 answer is done: 5 min of work, the last 2 min in overtime"]),
        (
            "resume",
            [
                "09:00:00 answer is broken off after 3 min: its server goes off duty; 2 min of work left",
                "09:00:00 waits 1 h in the line of desk for answer, first in it - nobody on duty"
                " - from 10:00:00 1 on duty",
                "10:00:00 desk go on with answer: 2 min of work left, by person 1 of 10:00 to 11:00",
                "10:02:00 answer is done: 5 min of work",
            ],
        ),
        (
            "hand_over, hand_over_time: 1 min",
            [
                "09:00:00 answer is broken off after 3 min: its server goes off duty; 3 min of work left, "
                "1 min of hand-over included",
                "09:00:00 waits 1 h in the line of desk for answer, first in it - nobody on duty"
                " - from 10:00:00 1 on duty",
                "10:00:00 desk go on with answer: 3 min of work left, by person 1 of 10:00 to 11:00",
                "10:03:00 answer is done: 6 min of work",
            ],
        ),
        (
            "restart",
            [
                "09:00:00 answer is broken off after 3 min: its server goes off duty; all the work is to be done again",
                "09:00:00 waits 1 h in the line of desk for answer, first in it - nobody on duty"
                " - from 10:00:00 1 on duty",
                "10:00:00 desk go on with answer: 5 min of work left, by person 1 of 10:00 to 11:00",
                "10:05:00 answer is done: 8 min of work",
            ],
        ),
    ],
)
def test_the_end_of_a_shift_is_told_by_the_rule_of_the_pool(
    tmp_path: Path, at_shift_end: str, expected: list[str]
) -> None:
    assert told(recorded(tmp_path, BEFORE_NINE, shifts(at_shift_end)), 0)[2:-1] == expected


def test_a_wait_says_when_nobody_is_on_duty(tmp_path: Path) -> None:
    assert told(recorded(tmp_path, BEFORE_NINE, shifts("finish")), 1)[1:3] == [
        "08:58:00 waits 1 h 2 min in the line of desk for answer, first in it - 1 on duty, all busy: "
        "tip 0 until 09:02:00 - from 09:00:00 nobody on duty - from 10:00:00 1 on duty",
        "10:00:00 desk begin answer, 1 h 2 min after it came there, by person 1 of 10:00 to 11:00",
    ]


def test_labels_are_told_beside_the_truth_and_rework_is_told(tmp_path: Path) -> None:
    rest = """\
labels:
  bot: {decides: 0 %, assigns: {high: {high: 100 %}, low: {low: 100 %}}}
  clerk: {assigns: {high: {high: 100 %}, low: {high: 100 %}}}
pools: {desk: {staff: 1}}
stages:
  - {name: guess, delay: 1 min, label: bot}
  - {name: look, pool: desk, service: 5 min, label: clerk, rework: {share: 100 %, back_to: look}}
"""
    assert told(recorded(tmp_path, LAST_HIGH, RISK + rest), 0)[1:] == [
        "08:00:00 passes guess: a delay of 1 min, nobody works on it",
        "08:01:00 bot does not decide: it has no label yet",
        "08:01:00 desk begin look, at once",
        "08:06:00 look is done: 5 min of work",
        "08:06:00 clerk labels it high, though it truly is low",
        "08:06:00 is sent back to look",
        "08:06:00 waits 10 min in the line of desk for look, behind tip 2 - 1 on duty, all busy: tip 1 until 08:11:00",
        "08:16:00 desk begin look, 10 min after it came there",
        "08:21:00 look is done: 5 min of work",
        "08:21:00 clerk leaves it labelled high, though it truly is low",
        "08:21:00 is through, 21 min after it arrived",
    ]


def test_centres_slots_and_the_end_of_the_run_are_told(tmp_path: Path) -> None:
    rest = """\
centres: {east: 100 %, west: 0 %}
pools: {desk: {staff: 1, concurrency: 2}, all: {staff: 1, shared: true}}
stages: [{name: look, pool: desk, service: 5 min}, {name: act, pool: all, service: 20 h}]
"""
    assert told(recorded(tmp_path, THREE, rest), 2) == [
        "08:02:00 arrives in centre east",
        "08:02:00 waits 3 min in the line of desk of east for look, first in it - "
        "1 on duty with 2 tips each, all busy: tip 0 until 08:05:00, tip 1 until 08:06:00",
        "08:05:00 desk of east begin look, 3 min after it came there",
        "08:10:00 look is done: 5 min of work",
        "08:10:00 waits 23 h 50 min in the line of all for act, behind tip 1 - "
        "1 on duty, all busy: tip 0 until 2025-01-07 04:05:00",
        "2025-01-07 08:00:00 is still at act when the run ends",
    ]


def test_each_target_says_what_the_tip_came_to(tmp_path: Path) -> None:
    targets = """\
targets:
  quick: {claim: A19, from: arrival, to: answer.start, within: 5 min, share: 50 %}
  slow: {from: arrival, to: leave, within: 15 min, share: 50 %}
  mean: {from: arrival, to: leave, mean: 10 min}
  kept: {lost: 5 %}
  urgent: {of: {risk: high}, from: arrival, to: leave, within: 15 min, share: 50 %}
  busy: {pool: desk, occupancy: 50 %}
"""
    tips = LAST_HIGH.replace("08:02,high", "08:02,low") + "2025-01-06T09:00,high\n"
    file = recorded(tmp_path, tips, RISK + answer("service: 5 min") + targets)
    scenario = sim.load(file)
    replication = sim.draw(scenario, 0)
    story = explain(scenario, replication, sim.simulate(replication, "reference"), "first-missed:quick")
    assert story.tip == 2
    assert {one.target: f"{one.sense}: {one.text}" for one in story.judged} == {
        "quick": "missed: 8 min from arrival (08:02:00) to answer.start (08:10:00), more than 5 min",
        "slow": "met: 13 min from arrival (08:02:00) to leave (08:15:00), no more than 15 min",
        "mean": "counted: 13 min from arrival (08:02:00) to leave (08:15:00), more than 10 min, "
        "which is asked on average",
        "kept": "met: it was not lost",
        "urgent": "not judged: it is about tips with risk high",
    }


def test_a_lost_tip_is_told_by_what_each_target_makes_of_it(tmp_path: Path) -> None:
    targets = """\
targets:
  quick: {from: arrival, to: answer.start, within: 5 min, share: 50 %}
  fair: {from: arrival, to: answer.start, within: 5 min, share: 50 %, lost_tips: left_out}
  mean: {from: arrival, to: leave, mean: 10 min}
  kept: {lost: 5 %}
"""
    file = recorded(tmp_path, THREE, answer("service: 10 min, patience: 3 min") + targets)
    scenario = sim.load(file)
    replication = sim.draw(scenario, 0)
    story = explain(scenario, replication, sim.simulate(replication, "reference"), "1")
    assert {one.target: f"{one.sense}: {one.text}" for one in story.judged} == {
        "quick": "missed: it was lost before answer.start",
        "fair": "not judged: it was lost, and lost tips are left out",
        "mean": "not judged: it was lost before leave, and a mean cannot count it",
        "kept": "missed: it was lost; at most 5 % may be",
    }


def test_every_story_agrees_with_the_log() -> None:
    scenario = sim.load(SCENARIOS / "national.yaml", changes={"run.length": "14 d"})
    replication = sim.draw(scenario, 1)
    log = sim.simulate(replication, "reference")
    teller = Teller(scenario, replication, log)
    last = {"leaves": 0, "lost": 0, "open": 0}
    work = 0
    for tip in range(len(replication.tips)):
        events = teller.events(tip)
        ticks = [event.tick for event in events]
        assert ticks == sorted(ticks)
        assert events[0].kind == "arrival"
        last[events[-1].kind] += 1
        work += sum(event.kind == "starts" for event in events)
    assert work == len(log.spells.visit)
    assert sum(last.values()) == len(replication.tips)
    assert last["lost"] == int((log.lost < scenario.horizon).sum()) > 0


def test_the_command_tells_it_with_clock_times() -> None:
    given = ("explain", SCENARIOS / "national.yaml", "--tip", "first-missed:rapid", "--set", "run.length=14 d")
    shown = tipline(*given, "--engine", "reference")
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("rapid (A19)") and "missed:" in line for line in lines)
    data = json.loads(tipline(*given, "--engine", "reference", "--json").output)
    assert {one["target"]: one["sense"] for one in data["tip_targets"]}["rapid"] == "missed"
    assert data["tip_events"][0]["what"] == "arrival"
    assert lines[0].startswith(f"Tip {data['tip']} of replication 0")


@pytest.mark.parametrize(
    "which, message",
    [
        ("99", "replication 0 has tips 0 to 2 (got 99)"),
        ("-1", "a tip is a number, or first-missed: and a target (got '-1')"),
        ("first-missed:quik", "there is no target 'quik'; did you mean 'quick'?"),
        ("first-missed:busy", "target 'busy' judges a pool, and no tips"),
        ("first-missed:easy", "no tip of replication 0 missed 'easy'"),
    ],
)
def test_a_tip_that_is_not_there_is_refused_with_what_there_is(tmp_path: Path, which: str, message: str) -> None:
    targets = """\
targets:
  quick: {from: arrival, to: answer.start, within: 5 min, share: 50 %}
  easy: {from: arrival, to: answer.start, within: 50 min, share: 50 %}
  busy: {pool: desk, occupancy: 50 %}
"""
    file = recorded(tmp_path, THREE, answer("service: 5 min") + targets)
    shown = tipline("explain", file, f"--tip={which}", "--engine", "reference")
    assert shown.exit_code == 2
    assert message in " ".join(shown.output.replace("│", " ").split())
