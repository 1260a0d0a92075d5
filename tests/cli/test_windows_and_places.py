"""Targets of windows, in each place, and what may be left out: cases of known outcome, and every command."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import jsonschema
import pytest

import sim
from sim.cli import options
from sim.measures.targets import TargetResult, results
from sim.scenario.editors import json_schema
from sim.scenario.faults import ScenarioError
from sim.studies.replicate import run
from sim.text.words import came_to
from tests.cli.lines import tipline

DAYS = """\
scenario: Days that hold
run: {start: 2025-01-06 00:00, warm_up: 1 d, length: 14 d, cool_down: 1 d, replications: 20, seed: 4}
demand:
  volume: 12/h
  by_hour: [
    0.3, 0.2, 0.2, 0.2, 0.2, 0.3, 0.6, 1, 1.5, 2, 2.2, 2, 1.6, 1.5, 1.5, 1.5, 1.4, 1.2, 1, 0.9, 0.8, 0.7, 0.6, 0.6]
  busyness_cv: 0.2
pools:
  desk:
    shifts: [
      {from: "06:00", to: "14:00", staff: 4}, {from: "14:00", to: "22:00", staff: 4},
      {from: "22:00", to: "06:00", staff: 1}]
stages:
  - {name: answer, pool: desk, service: {lognormal: {mean: 10 min, cv: 1.0}}, patience: {exponential: {mean: 20 min}}}
targets: {days: {from: answer.enter, to: answer.start, within: 5 min, share: 50 %, per: day, hold: 95 %}}
"""

VACUOUS = """\
scenario: Nothing counted
run: {start: 2025-01-06 00:00, length: 7 d, replications: 6}
demand: {volume: 20/h}
pools:
  front: {shifts: [{from: "00:00", to: "12:00", staff: 3}, {from: "12:00", to: "24:00", staff: 3}]}
  back: {staff: 3}
stages:
  - {name: answer, pool: front, service: 3 min, patience: 2 min}
  - {name: act, pool: back, service: 5 min}
targets: {t: {from: act.enter, to: act.start, mean: 1 min}}
"""

NOBODY = """\
scenario: Pool of nobody
run: {start: 2025-01-06 00:00, length: 1 d, cool_down: 1 d, replications: 2, seed: 1}
demand: {volume: 20/d}
pools: {desk: {staff: 0}}
stages: [{name: work, pool: desk, service: 10 min, patience: 30 min}]
targets: {busy: {pool: desk, occupancy: 50 %}, lost: {lost: 10 %}}
"""

ERLANG_A = """\
scenario: Service level formulas
run: {start: 2025-01-06 00:00, warm_up: 1 d, length: 182 d, replications: 10, seed: 1}
demand: {volume: 60/h}
pools: {agents: {staff: 5}}
stages: [{name: answer, pool: agents, service: {exponential: {mean: 6 min}}, patience: {exponential: {mean: 3 min}}}]
targets:
  miss: {from: arrival, to: answer.start, within: 30 s, share: 50 %}
  left_out: {from: arrival, to: answer.start, within: 30 s, share: 50 %, lost_tips: left_out}
  at_most: {from: arrival, to: answer.start, within: 30 s, share: 50 %, lost_tips: left_out, left_out: 20 %}
"""

DESK = """\
scenario: A desk
run: {start: 2025-01-06 00:00, length: 14 d, cool_down: 1 d, replications: 4, seed: 11}
demand: {volume: 12/h, risk: {high: 10 %, low: 90 %}, channels: {call: 60 %, web: 40 %}}
pools: {desk: {staff: 3}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 10 min}}, patience: 40 min}]
targets:
  days: {from: arrival, to: answer.start, within: 10 min, share: 70 %, per: day, hold: 80 %}
  halves: {from: arrival, to: answer.start, within: 10 min, share: 50 %, in_each: half_hour}
  mean: {from: arrival, to: answer.start, mean: 10 min, in_each: channel}
  busy: {pool: desk, occupancy: 90 %, per: hour, hold: 70 %, in_each: weekday}
plausible:
  demand.volume: {from: 8/h, to: 20/h}
  pools.desk.staff: {from: 1, to: 6}
variants:
  more: {pools.desk.staff: 4}
"""


def written(folder: Path, document: str) -> Path:
    file = folder / "world.yaml"
    file.write_text(document, encoding="utf-8")
    return file


def came(file: Path, **changes: str) -> dict[str, TargetResult]:
    sample = run(sim.load(file, changes=changes)).sample
    return {one.name: one for one in results(sample)}


def test_the_share_of_days_does_not_depend_on_how_many_are_run(tmp_path: Path) -> None:
    """About 98.3 % of the days keep it; its worst day was met over 14 d and missed over 140 d."""
    file = written(tmp_path, DAYS)
    found = [came(file, **{"run.length": f"{days} d"})["days"] for days in (14, 56, 140)]
    assert [one.windows.n_judged for one in found] == [280, 1120, 2800]
    assert all(one.low < 0.983 < one.high and abs(one.value - 0.983) < 0.01 for one in found)
    assert all(one.verdict == "met" for one in found)
    assert found[0].high - found[0].low > found[2].high - found[2].low
    assert came_to(found[2]).endswith(" of the days")


def test_a_mean_is_missed_where_too_many_never_come_to_it(tmp_path: Path) -> None:
    """Whoever gives up in front never reaches the back, whose mean was met by those that were left."""
    file = written(tmp_path, VACUOUS)
    own = run(sim.load(file)).sample
    (mean,) = results(own)
    assert mean.left_out is not None
    for staff in (0, 1):
        fewer = {f"pools.front.shifts.{row}.staff": staff for row in (0, 1)}
        sample = run(sim.load(file, changes=fewer)).sample
        (found,) = results(sample)
        assert found.verdict == ("missed" if staff else "undecided")
        assert found.left_out is not None
        assert found.left_out.share.value > 0.2


def test_strict_fails_where_nothing_is_judged(tmp_path: Path) -> None:
    file = written(tmp_path, VACUOUS)
    nobody = ("--set", "pools.front.shifts.0.staff=0", "--set", "pools.front.shifts.1.staff=0")
    done = tipline("run", file, *nobody, "--strict", "--out", tmp_path / "out")
    assert done.exit_code == options.NOT_MET
    assert "nothing counted" in done.output
    assert "100 % of its tips never came to act.start; at most 5 % may be left out" in " ".join(done.output.split())


def test_of_a_pool_of_nobody_nothing_is_counted_and_all_are_lost(tmp_path: Path) -> None:
    found = came(written(tmp_path, NOBODY))
    assert (found["busy"].verdict, came_to(found["busy"])) == ("undecided", "nothing counted: nobody was on duty")
    assert (found["lost"].value, found["lost"].verdict, found["lost"].certain) == (1, "missed", True)


def test_the_share_left_out_stands_beside_the_value(tmp_path: Path) -> None:
    """Erlang A: 45.71 % in 30 s of all, 63.48 % of those answered, since 27.99 % are lost."""
    found = came(written(tmp_path, ERLANG_A))
    assert found["miss"].value == pytest.approx(0.4571, abs=0.003)
    assert found["left_out"].value == found["at_most"].value == pytest.approx(0.6348, abs=0.003)
    assert found["miss"].left_out is None
    left_out = found["left_out"].left_out
    assert left_out is not None
    assert left_out.share.value == pytest.approx(0.2799, abs=0.003)
    assert [found[name].verdict for name in ("left_out", "at_most")] == ["met", "missed"]
    assert "% left out" in came_to(found["left_out"])


@pytest.mark.parametrize(
    ("written_so", "told"),
    [
        (
            "within: 5 min, share: 50 %, per: day",
            "`per: day` needs `hold`, the share of the days in which the rule",
        ),
        ("within: 5 min, share: 50 %, per: day", "before, the worst day of each replication was judged"),
        ("within: 5 min, share: 50 %, hold: 90 %", "`hold` needs `per`, the windows of which it is a share: half_hour"),
        ("within: 5 min, share: 50 %, per: run, hold: 90 %", "`hold` needs `per`"),
        ("within: 5 min, share: 50 %, per: year, hold: 90 %", "must be one of run, month, week, day, hour, half_hour"),
        ("within: 5 min, share: 50 %, in_each: hours", "did you mean 'hour'?"),
        ("within: 5 min, share: 50 %, left_out: 5 %", "a share counts a lost tip as missed and leaves none out"),
    ],
)
def test_faults_say_what_to_write(tmp_path: Path, written_so: str, told: str) -> None:
    file = written(tmp_path, DAYS.replace("within: 5 min, share: 50 %, per: day, hold: 95 %", written_so))
    with pytest.raises(ScenarioError) as caught:
        sim.load(file)
    assert told in str(caught.value)
    assert "targets.days" in str(caught.value)
    assert len(caught.value.faults) == 1


def test_the_people_of_a_pool_have_no_channel(tmp_path: Path) -> None:
    file = written(tmp_path, NOBODY.replace("occupancy: 50 %", "occupancy: 50 %, in_each: channel"))
    with pytest.raises(ScenarioError, match="the people of a pool have no channel; in each centre, weekday, hour"):
        sim.load(file)


def test_the_schema_says_what_the_keys_mean() -> None:
    schema = json_schema()
    for kind in ("ShareTarget", "MeanTarget", "LostTarget", "OccupancyTarget"):
        keys = schema["$defs"][kind]["properties"]
        assert all(keys[key]["description"] for key in ("per", "hold", "in_each"))
    assert "5 %" in schema["$defs"]["MeanTarget"]["properties"]["left_out"]["description"]
    document = {
        "scenario": "x",
        "run": {"start": "2025-01-06", "length": "7 d"},
        "demand": {"volume": "1/h"},
        "pools": {},
        "stages": [{"name": "post", "delay": "1 min"}],
        "targets": {"t": {"lost": "5 %", "per": "half_hour", "hold": "90 %", "in_each": "weekday"}},
    }
    jsonschema.validate(document, schema)
    document["targets"]["t"]["in_each"] = ["weekday"]  # type: ignore[index]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


def test_a_run_says_windows_and_places_by_name(tmp_path: Path) -> None:
    file = written(tmp_path, DESK)
    done = tipline("run", file, "--out", tmp_path / "out", "--json")
    assert done.exit_code == options.DONE, done.output
    told = {one["target"]: one for one in json.loads(done.output)["targets"]}
    assert (told["days"]["unit"], told["days"]["hold_share"], told["days"]["worst_place"]) == ("share", 0.8, None)
    assert told["days"]["value"] == told["days"]["held_windows_share"]
    assert told["mean"]["worst_place"] in ("call", "web")
    assert told["mean"]["left_out_share"] > 0
    with (tmp_path / "out" / "targets.csv").open() as stream:
        rows = {one["target"]: one for one in csv.DictReader(stream)}
    assert rows["busy"]["in_each"] == "weekday"
    assert rows["busy"]["places_too_few"] == "7"
    said = " ".join(tipline("run", file, "--out", tmp_path / "out").output.split())
    assert "busy: too few to judge in 7 places, so that it cannot be met: Mon, Tue, Wed, Thu and 3 more" in said
    assert "at most 90 % busy, in 70 % of" in said


@pytest.mark.parametrize(
    "command",
    [
        ("compare", "--variant", "more"),
        ("staff",),
        ("map", "--x", "pools.desk.staff=2..3", "--y", "demand.volume=8,16/h", "--replications", "2"),
        ("sensitivity", "--points", "4", "--replications", "2"),
        ("plausibility", "--worlds", "2", "--length", "7 d", "--replications", "2"),
        ("runway", "--growth", "20 %", "--years", "1", "--staff-years", "1", "--replications", "2"),
    ],
    ids=lambda command: command[0],
)
def test_every_study_goes_by_them(tmp_path: Path, command: tuple[str, ...]) -> None:
    name, *rest = command
    done = tipline(name, written(tmp_path, DESK), *rest, "--out", tmp_path / "out")
    assert done.exit_code == options.DONE, done.output
    assert "halves" in done.output
    assert any((tmp_path / "out" / "plots").glob("*.png"))


def test_explain_counts_a_tip_by_the_rule(tmp_path: Path) -> None:
    done = tipline("explain", written(tmp_path, DESK), "--tip", "first-missed:days")
    assert done.exit_code == options.DONE, done.output
    assert "days missed: " in " ".join(done.output.split())
