"""What is still open at the end of a run: only tips for which what a target asks for may still come."""

from __future__ import annotations

from pathlib import Path

import pytest

import sim
from sim.dynamics.clock import MINUTE
from sim.measures.targets import TargetResult, results
from sim.scenario.loading import load
from sim.studies.replicate import run
from tests.cli.lines import recorded
from tests.measures.hand import Tip, Visit, waiting
from tests.measures.test_trade_words import came

TAKEN = Visit("take", 100, 100, 105)
CHECKED = [Tip(100, [TAKEN, Visit("check", 105, 105 + wait, 120), Visit("post", 120)], tier="A") for wait in (0, 2)]
"""Two that waited 0 and 2 minutes for the check, and are in the post now."""
PASSED_BY = [Tip(100, [TAKEN, Visit("post", 105)], tier="A")] * 8
"""Eight that are in the post, and on whose way there was no check."""
ON_THE_WAY = Tip(640, [Visit("take", 640, 719), Visit("check"), Visit("post")], tier="A")


def counted(one: TargetResult) -> dict[str, int]:
    """Where the tips of one replication of three that are alike are counted."""
    return {name: n // 3 for name, n in one.counts.items() if n}


@pytest.mark.parametrize(
    ("target", "value", "passed_by"),
    [
        ("stage: check, service_level: 50 %, within: 1 min", 0.5, "without_start"),
        ("stage: check, asa: 1 min", 1 * MINUTE, "without_start"),
        ("from: check.enter, to: check.start, within: 1 min, share: 50 %", 0.5, "without_start"),
        ("from: check.enter, to: check.start, mean: 1 min", 1 * MINUTE, "without_start"),
        ("from: check.enter, to: check.end, percentile: 50 %, within: 15 min", 15 * MINUTE, "without_start"),
        ("from: arrival, to: check.end, mean: 20 min, left_out: 100 %", 20 * MINUTE, "without_end"),
        ("from: arrival, to: check.end, median: 20 min, left_out: 100 %", 20 * MINUTE, "without_end"),
        ("from: arrival, to: check.end, within: 2 d, share: 10 %", 0.2, "missed"),
    ],
)
def test_who_will_never_come_to_it_is_as_good_as_through(
    tmp_path: Path, target: str, value: float, passed_by: str
) -> None:
    found = came(tmp_path, f"one: {{{target}}}", CHECKED + PASSED_BY)["one"]
    assert found.value == value
    assert counted(found)[passed_by] == 8
    assert not found.counts["open"]
    assert not found.lower_bound


@pytest.mark.parametrize(
    "target",
    [
        "stage: check, service_level: 50 %, within: 1 min",
        "from: check.enter, to: check.start, within: 1 min, share: 50 %",
        "from: arrival, to: check.end, within: 2 d, share: 10 %",
        "from: arrival, to: leave, within: 2 d, share: 10 %",
    ],
)
def test_who_may_still_come_to_it_is_open(tmp_path: Path, target: str) -> None:
    found = came(tmp_path, f"one: {{{target}}}", [ON_THE_WAY])["one"]
    assert counted(found) == {"open": 1}


def test_nobody_abandons_a_stage_at_which_nobody_gives_up(tmp_path: Path) -> None:
    """Who waits at `take` may give up there, who waits for the check may not: no stage but `take` has patience."""
    waits = Tip(640, [Visit("take", 640, 640, 645), Visit("check", 645), Visit("post")], tier="A")
    found = came(tmp_path, "take: {stage: take, abandoned: 5 %}\ncheck: {stage: check, abandoned: 5 %}", [
        *CHECKED, *PASSED_BY, waiting(650), waits, ON_THE_WAY
    ])  # fmt: skip
    assert counted(found["take"]) == {"met": 12, "open": 1}
    assert counted(found["check"]) == {"met": 3, "without_start": 10}


def test_only_where_room_is_limited_somebody_may_still_be_turned_away(tmp_path: Path) -> None:
    """At minute 10 one is at `answer`, one waits there, and one, who has patience but all the room there is, for
    `check`, whose only person is at work on the first."""
    file = recorded(
        tmp_path,
        "received\n" + "".join(f"2025-01-06T08:0{minute}\n" for minute in range(4)),
        """
pools: {desk: {staff: 1}, back: {staff: 1}}
stages:
  - {name: answer, pool: desk, service: 2 min, lines: 9}
  - {name: check, pool: back, service: 1 h, patience: 3 h}
targets:
  anywhere: {turned_away: 60 %}
  answer: {stage: answer, turned_away: 60 %}
  check: {stage: check, turned_away: 60 %}
""",
    )
    world = load(file, changes={"run.length": "4 min", "run.cool_down": "1 min"})
    found = {one.name: one for one in results(run(world).sample)}
    # From 8:00 to 8:05: two were answered, one is, one waits to be.
    assert {name: one.counts["open"] for name, one in found.items()} == {"anywhere": 1, "answer": 1, "check": 0}
    assert {name: one.counts["met"] for name, one in found.items()} == {"anywhere": 3, "answer": 3, "check": 4}


def test_who_leaves_a_stage_merged_is_so_whatever_befell_it_on_another_branch(tmp_path: Path) -> None:
    """Two tips of one incident: the second is known when it comes to `close`, and gives up at `screen` beside it."""
    file = recorded(
        tmp_path,
        "received,incident\n2025-01-06T08:00,one\n2025-01-06T08:00,one\n",
        """
pools: {desk: {staff: 1}, back: {staff: 1}, other: {shifts: [{from: "20:00", to: "21:00", staff: 1}]}}
stages:
  - {name: answer, pool: desk, service: 10 min}
  - {name: close, after: answer.end, pool: back, service: 5 min, merge: {}}
  - {name: screen, after: answer.end, pool: other, service: 1 min, patience: 1 min}
targets:
  level: {stage: close, service_level: 50 %, within: 1 min}
  left: {stage: close, abandoned: 5 %}
""",
    )
    found = {one.name: one for one in results(run(sim.load(file)).sample)}
    for one in found.values():
        assert {name: n for name, n in one.counts.items() if n} == {"met": 1, "merged": 1}


def test_a_long_last_step_leaves_targets_before_it_alone(tmp_path: Path) -> None:
    """One tip in ten is reviewed, and all lie in the archive for a month: what was asked of the review is known."""
    file = recorded(
        tmp_path,
        "received,risk\n" + "".join(f"2025-01-06T08:{10 + k},{'high' if k % 10 == 0 else 'low'}\n" for k in range(40)),
        """  risk: {high: 10 %, low: 90 %}
pools: {desk: {staff: 9}, duty: {staff: 1}}
stages:
  - {name: answer, pool: desk, service: 1 min}
  - {name: review, for: {risk: high}, pool: duty, service: 12 min}
  - {name: archive, delay: 30 d}
targets:
  level: {stage: review, service_level: 50 %, within: 3 min}
  speed: {stage: review, asa: 3 min}
""",
    )
    found = {one.name: one for one in results(run(sim.load(file)).sample)}
    # Reviews are asked for every 10 minutes and take 12: four wait 0, 2, 4 and 6 minutes.
    assert (found["level"].value, found["level"].low, found["level"].word) == (0.5, 0.5, "kept")
    assert (found["speed"].value, found["speed"].high, found["speed"].word) == (3 * MINUTE, 3 * MINUTE, "kept")


def test_of_a_tip_that_will_never_come_it_is_told_that_it_did_not(tmp_path: Path) -> None:
    file = recorded(
        tmp_path,
        "received,risk\n2025-01-06T08:00,low\n",
        """  risk: {high: 10 %, low: 90 %}
pools: {desk: {staff: 1}}
stages:
  - {name: answer, pool: desk, service: 1 min}
  - {name: review, for: {risk: high}, pool: desk, service: 12 min}
  - {name: archive, delay: 30 d}
targets:
  reviewed: {from: arrival, to: review.end, share: 50 %, within: 1 d}
  filed: {from: arrival, to: archive.end, share: 50 %, within: 1 h}
""",
    )
    told = sim.explain(sim.load(file), 0).tip_targets.set_index("target")
    assert told.loc["reviewed", ["sense", "text"]].tolist() == ["missed", "it never came to review.end"]
    assert told.loc["filed", "text"] == "1 d after arrival it had not come to archive.end when the run ended"


def test_who_is_in_a_delay_with_patience_may_still_hang_up(tmp_path: Path) -> None:
    """At 8:05 one was through the menu and is answered, who can give up no more, and one is in the menu."""
    file = recorded(
        tmp_path,
        "received\n2025-01-06T08:00\n2025-01-06T08:03\n",
        """pools: {desk: {staff: 1}}
stages:
  - {name: menu, delay: 3 min, patience: 4 min}
  - {name: answer, pool: desk, service: 12 min, patience: 1 h}
targets: {lost: {lost: 10 %}, menu: {stage: menu, abandoned: 10 %}, answer: {stage: answer, abandoned: 10 %}}
""",
    )
    world = load(file, changes={"run.length": "4 min", "run.cool_down": "1 min"})
    found = {one.name: one for one in results(run(world).sample)}
    assert all((one.counts["met"], one.counts["open"]) == (1, 1) for one in found.values())
