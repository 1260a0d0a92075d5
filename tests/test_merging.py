"""Merging through the whole tool: what a document says of it, what is drawn, and what is made of tips that merge.

What a tick decides is held by `dynamics/test_by_hand_merging.py`.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim.draw import draw
from sim.dynamics import compiled, laws, reference
from sim.dynamics.clock import MINUTE
from sim.dynamics.log import MERGED, differences
from sim.dynamics.replication import LEAVES, REPEATS
from sim.measures import theory
from sim.measures.measures import measure
from sim.measures.targets import joint, results
from sim.scenario.chance import drawn
from sim.scenario.faults import ScenarioError
from sim.scenario.flow import offered_by_stage, spared_by_stage
from sim.studies.replicate import run
from sim.studies.result import Result
from sim.studies.staff.staffed import unlimited
from tests.draw.worlds import arrays, stage_of, world
from tests.dynamics import independent
from tests.scenario.small import SCENARIOS, loaded, messages
from tests.test_cases import ERRORS, errors_from, exponential, waits
from tests.text.test_run import screen

TIPS = """\
received,incident
2025-01-06 00:00,
2025-01-06 00:01,fire
2025-01-06 00:02,fire
2025-01-06 00:03,fire
2025-01-06 00:30,fire
2025-01-06 00:40,
"""

DOCUMENT = """\
scenario: Merging
run: {start: 2025-01-06 00:00, length: 1 h, cool_down: 1 h}
demand: {trace: tips.csv}
pools: {desk: {staff: 1}}
stages:
  - {name: answer, pool: desk, service: 10 min, merge: {repeat: 2 min}}
  - {name: note, delay: 1 min}
milestones: {dealt: [note.end, answer.merged]}
targets:
  begun: {from: arrival, to: answer.start, within: 10 min, share: 60 %}
  done: {from: arrival, to: note.end, within: 15 min, share: 60 %}
  dealt: {from: arrival, to: dealt, within: 15 min, share: 60 %}
  mean: {from: arrival, to: note.end, mean: 15 min, left_out: 50 %}
  strict: {from: arrival, to: note.end, mean: 15 min}
  lost: {lost: 5 %}
  level: {stage: answer, service_level: 60 %, within: 5 min}
  asa: {stage: answer, asa: 5 min}
  note: {from: note.enter, to: note.end, mean: 1 min}
"""
AT_ONCE = DOCUMENT.replace("merge: {repeat: 2 min}", "merge: {}")


def load(tmp_path: Path, text: str = DOCUMENT) -> sim.Scenario:
    (tmp_path / "tips.csv").write_text(TIPS, encoding="utf-8")
    return loaded(tmp_path, text)


def fates(found: sim.RunResult) -> pd.DataFrame:
    """The columns of the tips of each target that any is in."""
    table = found.cohort.set_index("target")
    assert (table.drop(columns="arrived_tips").sum(axis=1) == table["arrived_tips"]).all()
    return table


# --- By hand ----------------------------------------------------------------------------------------------------------


def test_others_of_a_known_incident_cost_a_repeat_and_leave_merged(tmp_path: Path) -> None:
    """Tip 0 is served from 0 to 10, tip 1 until 20, when the fire is known: tips 2 and 3 take 2 minutes each, tip 4
    from 30 to 32, and tip 5 from 40 to 50. Waits are 0, 9, 18, 19, 0 and 0; 0, 1 and 5 are through at 11, 21 and 51."""
    found = sim.run(load(tmp_path))
    table, cohort = found.targets.set_index("target"), fates(found)
    values = {"begun": 4 / 6, "done": 2 / 3, "dealt": 3 / 6, "mean": 14, "strict": 14, "lost": 0, "level": 3 / 6}
    assert table["value"].to_dict() == pytest.approx(values | {"asa": (9 + 18 + 19) / 6, "note": 1})
    assert table.loc[["mean", "strict"], "left_out_share"].tolist() == [0.5, 0.5]
    assert table.loc[["mean", "strict"], "verdict"].tolist() == ["kept", "broken"]
    assert cohort["merged_tips"].tolist() == [0, 3, 0, 3, 3, 3, 0, 0, 0]
    assert cohort.loc["lost", "met_tips"] == cohort.loc["note", "without_start_tips"] == 3
    stages = found.stages[found.stages["tier"] == "all"].set_index("stage")
    assert stages.loc["answer", ["visits", "started_visits", "merged_visits", "open_visits"]].tolist() == [6, 6, 3, 0]
    assert stages.loc["answer", "work_mean_min"] == pytest.approx((3 * 10 + 3 * 2) / 6)
    assert found.tips[["through_tips", "lost_tips", "merged_tips", "open_tips"]].iloc[0].tolist() == [3, 0, 3, 0]
    day = found.dates.iloc[0]
    assert day[["offered_tips", "lost_tips", "turned_away_tips", "merged_tips"]].tolist() == [6, 0, 0, 3]
    assert day[["desk_answered_tips", "desk_lost_tips", "desk_merged_tips"]].tolist() == [6, 0, 3]
    # Endless staff would be done with the fire at 11: tip 4 alone comes later.
    assert found.pools["offered_load_erlangs"].iloc[0] == pytest.approx((5 * 10 + 2) / 60)


def test_or_they_leave_at_once(tmp_path: Path) -> None:
    """At 20 tips 2 and 3 leave, tip 4 when it comes; those who are begun wait 0, 9 and 0."""
    found = sim.run(load(tmp_path, AT_ONCE))
    table, cohort = found.targets.set_index("target"), fates(found)
    values = table["value"]
    assert values["begun"] == values["level"] + 1 / 3 == 1
    assert values["asa"] == 3
    assert values["dealt"] == 3 / 6
    assert cohort.loc[["begun", "level", "asa", "lost"], "merged_tips"].tolist() == [3, 3, 3, 3]
    stages = found.stages[found.stages["tier"] == "all"].set_index("stage")
    assert stages.loc["answer", ["visits", "started_visits", "merged_visits"]].tolist() == [6, 3, 3]
    assert found.dates.iloc[0][["answered_tips", "merged_tips"]].tolist() == [3, 3]
    done = run(load(tmp_path, AT_ONCE))
    said = screen(Result(done, results(done.sample), joint(done.sample), []))
    assert "begun, done and level: 3 tips left merged, and are not judged" in said


def test_visits_and_explanations_say_who_merged(tmp_path: Path) -> None:
    scenario = load(tmp_path)
    replication = draw(scenario, 0)
    visits = sim.visits(sim.simulate(replication), replication, scenario)
    answered = visits[visits["stage"] == "answer"]
    assert answered["outcome"].tolist() == ["served", "served", "merged", "merged", "merged", "served"]
    assert answered["start_min"].tolist() == [0, 10, 20, 22, 30, 40]
    assert answered["end_min"].isna().tolist() == [False, False, True, True, True, False]
    said = " ".join(str(sim.explain(scenario, 2)).split())
    assert "00:22:00 its repeat at answer is done: 2 min of work" in said
    assert "00:22:00 leaves merged at answer: its incident is known" in said
    assert "not judged: it left merged before note.end, its incident being known" in said
    assert "dealt missed: 20 min from arrival (00:02:00) to dealt (00:22:00)" in said
    assert "lost met: it left merged, which is not lost" in said


def test_check_says_what_merges(tmp_path: Path) -> None:
    said = " ".join(str(sim.check(load(tmp_path))).split())
    assert "once one tip of an incident has ended here, each other costs 2 min on average and leaves merged" in said
    assert "visits and loads are told as if nothing merged" in said
    said = " ".join(str(sim.check(load(tmp_path, AT_ONCE))).split())
    assert "once one tip of an incident has ended here, its others leave merged at once" in said
    lonely = TIPS.replace(",fire", ",")
    scenario = load(tmp_path, AT_ONCE)
    (tmp_path / "tips.csv").write_text(lonely, encoding="utf-8")
    assert "nothing merges at stage 'answer': no incident has two tips in the trace" in str(sim.check(scenario))


# --- Documents --------------------------------------------------------------------------------------------------------

DRAWN = """\
scenario: Drawn
run: {start: 2025-01-06 00:00, length: 7 d, cool_down: 1 d}
demand:
  volume: 100/d
  channels: {call: 50 %, web: 50 %}
  risk: {high: 20 %, low: 80 %}
  incidents: {fire: {rate: 5/d, tips: 6, over: {uniform: {from: 0 s, to: 30 min}}, risk: high}}
pools: {desk: {staff: 2}}
stages:
  - {name: answer, pool: desk, service: 5 min, merge: {repeat: 1 min}}
  - {name: low, for: {risk: low}, delay: 1 min}
targets: {quick: {from: arrival, to: answer.start, within: 5 min, share: 50 %}}
"""


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("  incidents:", "  # incidents:", "answer.merge: nothing merges here: `demand` has no `incidents`, and no"),
        ("delay: 1 min", "delay: 1 min, merge: {}", "low.merge: nothing merges here: no tip of an incident reaches"),
        ("delay: 1 min", "delay: 1 min, merge: {repeat: 1 min}", "low.merge.repeat: nobody works on a delay"),
        ("merge: {repeat: 1 min}", "merge: {again: 1 min}", "answer.merge.again: is not a key here"),
        ("repeat: 1 min", "repeat: {by: channel, call: 1 min}", "answer.merge.repeat: is missing a value for channel"),
        ("repeat: 1 min", "repeat: {by: chanel, other: 1 min}", "answer.merge.repeat.by: must be one of channel"),
        ("to: answer.start", "to: low.merged", "quick.to: no tip that this target judges can have 'low.merged': 'low'"),
        ("from: arrival, to: answer.start", "of: {risk: low}, from: arrival, to: answer.merged", "quick.to: no tip"),
        ("to: answer.start", "to: answer.marged", "a stage has the moments enter, start, end and merged"),
    ],
)  # fmt: skip
def test_faults(tmp_path: Path, old: str, new: str, fault: str) -> None:
    assert old in DRAWN
    with pytest.raises(ScenarioError) as error:
        loaded(tmp_path, DRAWN.replace(old, new, 1))
    assert any(fault in one for one in messages(error.value)), messages(error.value)
    assert len(error.value.faults) == 1


def test_a_kind_of_incident_with_one_tip_merges_nothing(tmp_path: Path) -> None:
    said = " ".join(str(sim.check(loaded(tmp_path, DRAWN.replace("tips: 6", "tips: 1")))).split())
    assert "nothing merges at stage 'answer': every incident brings one tip" in said
    assert "nothing merges" not in str(sim.check(loaded(tmp_path, DRAWN))).replace("as if nothing merged", "")


def test_more_work_than_is_done_is_no_overload_where_merging_may_spare_it(tmp_path: Path) -> None:
    """130 tips a day of 20 min are 1.81 erlangs; of the 30 of incidents 25 cost a minute where all merge."""
    text = DRAWN.replace("staff: 2", "staff: 1").replace("service: 5 min", "service: 20 min")
    scenario = loaded(tmp_path, text.replace("length: 7 d", "length: 70 d").replace("volume: 100/d", "volume: 50/d"))
    offered, spared = offered_by_stage(scenario)[0].mean(), spared_by_stage(scenario)[0].mean()
    assert offered == pytest.approx(80 * 20 / 1440, rel=2e-3)
    assert spared == pytest.approx(25 * 19 / 1440, rel=2e-3)
    said = " ".join(str(sim.check(scenario)).split())
    assert "more work comes than is done unless enough tips merge, 1.11 erlangs to 1.00 servers" in said
    assert "is overloaded" not in said
    assert "is overloaded" in " ".join(str(sim.check(loaded(tmp_path, text))).split())


# --- Draws ------------------------------------------------------------------------------------------------------------

INCIDENTS = {
    "b": {"rate": "20/d", "tips": {"poisson": {"mean": 4}}, "over": {"exponential": {"mean": "20 min"}}},
    "a": {"rate": "9/d", "tips": 2},
}


def merging(merge: Any, **more: Any) -> sim.Scenario:
    """Two channels and two kinds of incidents, and a stage that merges so, or does not."""
    stage = {"name": "answer", "pool": "desk", "service": {"exponential": {"mean": "5 min"}}, **more}
    return world(
        "9 d",
        demand={"volume": "50/d", "channels": {"call": 0.5, "web": 0.5}, "incidents": INCIDENTS},
        stages=[{"name": "first", "delay": "1 min"}, stage if merge is None else {**stage, "merge": merge}],
    )


def test_repeats_are_drawn_beside_all_else_and_stay_with_their_tips() -> None:
    plain = draw(merging(None), 0)
    by_channel = draw(merging({"repeat": {"by": "channel", "call": "1 min", "web": "2 min"}}), 0)
    for name, array in arrays(plain).items():
        if name != "repeat":
            assert np.array_equal(array, arrays(by_channel)[name]), name
    assert plain.visits.repeat.size == 0
    assert not plain.may_merge
    assert by_channel.may_merge
    tip = np.repeat(np.arange(len(by_channel.tips)), np.diff(by_channel.tips.first_visit))
    right = np.where(by_channel.tips.channel[tip] == 0, 1, 2) * (stage_of(by_channel) == 1)
    assert (by_channel.visits.repeat / MINUTE == right).all()
    assert by_channel.rules.stages.merges.tolist() == [0, REPEATS]


def test_a_repeat_has_its_law_and_is_not_the_work() -> None:
    found = draw(merging({"repeat": {"exponential": {"mean": "5 min"}}}), 0)
    here = stage_of(found) == 1
    repeat, work = found.visits.repeat[here] / MINUTE, found.visits.work[here] / MINUTE
    assert abs(repeat.mean() - 5) < ERRORS * 5 / math.sqrt(here.sum())
    assert abs(np.corrcoef(repeat, work)[0, 1]) < ERRORS / math.sqrt(here.sum())
    assert draw(merging({}), 0).rules.stages.merges.tolist() == [0, LEAVES]
    assert "repeats" in drawn(merging({"repeat": {"exponential": {"mean": "5 min"}}}))
    assert "repeats" not in drawn(merging({"repeat": "5 min"}))


def test_unlimited_people_work_on_all_that_come_before_the_first_ends(tmp_path: Path) -> None:
    """Merging stays as it is with unlimited staff: nobody waits, and who comes later is known."""
    replication = draw(unlimited(loaded(tmp_path, DRAWN)), 0)
    log = sim.simulate(replication)
    laws.verify(log, replication)
    merged = log.outcome == MERGED
    assert merged.sum() > 20
    assert (log.start[merged] == log.enter[merged]).all()


# --- Against theory, and at random ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("merge", "work"), [("{repeat: 2 min}", 10 + 2 + 2), ("{}", 10)])
def test_groups_that_merge_are_a_line_of_groups(merge: str, work: int) -> None:
    """Three come at once: the first takes 10 minutes, the others a repeat or nothing. So groups are the customers of an
    M/D/1, and in them the others wait 10 and 12 minutes more."""
    text = f"""
scenario: Groups
run: {{start: 2025-01-06 00:00, warm_up: 7 d, length: 182 d, cool_down: 1 d, replications: 10, seed: 1}}
demand: {{channels: {{call: 100 %}}, incidents: {{group: {{rate: 2/h, tips: 3}}}}}}
pools: {{desk: {{staff: 1}}}}
stages: [{{name: answer, pool: desk, service: 10 min, merge: {merge}}}]
"""
    found = waits(text).loc["answer"]
    line = theory.wait_in_one_line(2 * work / 60, work, 0)
    assert errors_from(found, line + (22 / 3 if work > 10 else 0)) < ERRORS
    assert found["merged_visits"] / found["visits"] == pytest.approx(2 / 3, abs=1e-3)


def at_random(folder: Path, seed: int) -> sim.Scenario:
    """A small document in which tips of incidents merge, beside other rules at random."""
    rng = np.random.default_rng(seed)
    pick = lambda *options: options[rng.integers(len(options))]  # noqa: E731

    def stage(number: int) -> str:
        merge = pick("", ", merge: {}", ", merge: {}", ", merge: {repeat: {exponential: {mean: 2 min}}}")
        if merge == "" and number == 0:
            merge = ", merge: {repeat: {by: risk, high: 1 min, low: 4 min}}"
        every = pick("", "", ", every: 7 min")
        if number and "repeat" not in merge and rng.random() < 0.3:
            return f"{{name: s{number}, delay: {pick('3 min', '{exponential: {mean: 9 min}}')}{every}{merge}}}"
        parts = [
            pick("", ", wrap_up: 2 min"),
            pick("", ", waiting_room: 2", ", lines: 3"),
            pick("", ", patience: {exponential: {mean: 6 min}}"),
            pick("", ", share: 70 %"),
            pick("", f", rework: {{share: 30 %, back_to: s{rng.integers(number + 1)}, at_most: 2}}"),
            pick("", f", overflow: {{to: p{1 - number % 2}, after: 3 min}}"),
        ]
        if "patience" in parts[2] or parts[1]:
            parts.append(pick("", ", retry: {share: 60 %, after: 4 min, at_most: 2}"))
        service = pick("5 min", "{exponential: {mean: 6 min}}", "{lognormal: {mean: 7 min, cv: 1}}")
        return f"{{name: s{number}, pool: p{number % 2}, service: {service}{every}{merge}{''.join(parts)}}}"

    def pool() -> str:
        order = f"order: {pick('first_come', 'last_come', 'random')}"
        first = pick("", ", serve_first: [{risk: high}]", ", serve_first: [{risk: high}], preempt: [{risk: high}]")
        if pick(True, False):
            return f"{{staff: {rng.integers(1, 4)}, {order}{first}}}"
        end = pick("finish", "resume", "restart", "hand_over, hand_over_time: 1 min")
        rows = '{from: "00:00", to: "03:10", staff: 2}, {from: "02:50", to: "06:00", staff: 1}'
        return f"{{shifts: [{rows}, {{from: '06:00', to: '24:00', staff: 1}}], at_shift_end: {end}, {order}{first}}}"

    text = f"""
scenario: At random
run: {{start: 2025-01-06 00:00, length: 8 h, cool_down: {pick("0 h", "4 h")}, seed: {seed}}}
demand:
  volume: 3/h
  risk: {{high: 30 %, low: 70 %}}
  incidents:
    one: {{rate: 1/h, tips: {pick("3", "{geometric: {mean: 4}}")}, over: {pick("0 s", exponential("10 min"))}}}
    two: {{rate: 0.3/h, tips: {{poisson: {{mean: 5}}}}, over: {{uniform: {{from: 0 s, to: 1 h}}}}, risk: high}}
centres: {{north: 60 %, south: 40 %}}
pools: {{p0: {pool()}, p1: {pool()}}}
stages: [{", ".join(stage(number) for number in range(int(rng.integers(1, 4))))}]
"""
    return loaded(folder, text)


def agree(folder: Path, seed: int) -> int:
    """How many tips merge in a document at random; all engines keep the laws and agree, and fates add up."""
    scenario = at_random(folder, seed)
    replication = draw(scenario, 0)
    logs = [engine(replication) for engine in (reference.simulate, compiled.simulate, independent.simulate)]
    assert differences(*logs[:2]) == differences(*logs[1:]) == [], seed
    laws.verify(logs[0], replication)
    found = measure(logs[0], replication, scenario)
    assert found.arrived == ((replication.tips.arrival < scenario.cohort_to).sum()), seed
    return int((logs[0].outcome == MERGED).sum())


def test_all_engines_agree_on_documents_at_random(tmp_path: Path) -> None:
    merged = [agree(tmp_path, seed) for seed in range(12)]
    assert np.count_nonzero(merged) > 8


@pytest.mark.slow
def test_all_engines_agree_on_many_documents_at_random(tmp_path: Path) -> None:
    assert sum(agree(tmp_path, 1000 + seed) > 0 for seed in range(300)) > 200


def test_measuring_changes_nothing_of_what_was_drawn() -> None:
    """The same tips are measured for one staffing after the other."""
    scenario = sim.load(SCENARIOS / "described.yaml", changes={"run.length": "28 d", "run.warm_up": "1 d"})
    drawn_once = draw(scenario, 0)
    before = {name: one.copy() for name, one in arrays(drawn_once).items()}
    for only_targets in (False, True):
        log = compiled.simulate(drawn_once)
        assert (log.outcome == MERGED).any()
        measure(log, drawn_once, scenario, only_targets=only_targets)
        assert all(np.array_equal(one, before[name]) for name, one in arrays(drawn_once).items())
