"""A kind of targets that the program does not have, and that is no ratio, goes through everything there is."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import sim
from sim.cli import options
from sim.dynamics.clock import MINUTE
from sim.measures import kinds
from sim.measures.kinds import InPlace, Kind, kind_of, measured
from sim.measures.sample import Sample
from sim.measures.targets import TargetResult, joint, results
from sim.scenario.editors import json_schema
from sim.scenario.faults import ScenarioError
from sim.scenario.targets import Between, Target, target_kind
from sim.studies.claims.audit import SomeTargets, with_some
from sim.studies.replicate import run
from sim.studies.staff.tried import leanings
from tests.cli.lines import recorded, tipline
from tests.studies.lines import tried
from tests.toy_kinds import ToyMedian, toy_kinds


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    with toy_kinds():
        yield


TIPS = "received\n" + "".join(f"2025-01-06T08:{minute:02}\n" for minute in (0, 1, 2, 3, 4, 50, 51))
NEXT_DAY = "2025-01-07T02:00\n"
LATE = "2025-01-07T07:57\n2025-01-07T07:58\n2025-01-07T07:59\n"
"""One desk, five minutes each: the waits are 0, 4, 8, 12, 16, 0, 4 minutes and 0 on the next day; of the late ones the
first is served at once, and the others still wait when the run ends, for two minutes and one."""

REST = """\
pools: {desk: {staff: 1}}
stages: [{name: answer, pool: desk, service: 5 min}]
targets:
  half: {from: arrival, to: answer.start, toy_median: 3 min}
  mean: {from: arrival, to: answer.start, mean: 5 min}
  each_day: {from: arrival, to: answer.start, toy_median: 3 min, per: day, hold: 80 %}
  all: {from: arrival, to: answer.start, toy_middle: 5 min}
"""


def came_to(folder: Path, tips: str, rest: str = REST, **changes: str) -> dict[str, TargetResult]:
    """What targets came to; `changes` are of `run`."""
    given = {f"run.{key}": value for key, value in changes.items()}
    sample = run(sim.load(recorded(folder, tips, rest), changes=given)).sample
    return {one.name: one for one in results(sample)}


def test_by_hand(tmp_path: Path) -> None:
    found = came_to(tmp_path, TIPS)
    half, mean = found["half"], found["mean"]
    assert (half.value, half.low, half.high) == (4 * MINUTE, 4 * MINUTE, 4 * MINUTE)
    assert mean.value == 44 / 7 * MINUTE
    assert (half.verdict, mean.verdict) == ("missed", "missed")
    assert (half.unit, half.in_unit(half.value), half.side, half.asked) == ("min", 4.0, "at_most", "half in 3 min")
    assert half.used == 4 / 3
    assert half.counts == {**dict.fromkeys(half.counts, 0), "met": 2, "missed": 5}
    assert half.values == (4 * MINUTE,)
    assert found["all"].verdict == "met"
    assert found["all"].value == 4 * MINUTE


def test_a_window_has_a_value_of_its_own(tmp_path: Path) -> None:
    found = came_to(tmp_path, TIPS + NEXT_DAY, start="2025-01-06", length="2 d")
    assert found["half"].value == 4 * MINUTE  # of 0, 0, 0, 4, 4, 8, 12, 16
    assert found["each_day"].value == 0.5  # of two days, 4 min and 0
    assert found["each_day"].windows.share.value == 0.5
    assert (found["each_day"].unit, found["each_day"].threshold, found["each_day"].side) == ("share", 0.8, "at_least")
    assert found["half"].held["day"].share.value == 0.5
    assert found["half"].held["run"].share.value == 0


def test_a_place_has_a_value_of_its_own(tmp_path: Path) -> None:
    rest = """
  hours: {from: arrival, to: answer.start, toy_median: 9 min, in_each: hour}
  halves: {from: arrival, to: answer.start, toy_median: 5 min, in_each: half_hour}
  middles: {from: arrival, to: answer.start, toy_middle: 9 min, in_each: weekday}
  hourly: {from: arrival, to: answer.start, toy_median: 3 min, per: hour, hold: 60 %}
  kept: {from: arrival, to: answer.start, toy_median: 3 min, per: day, hold: 60 %, in_each: weekday}
"""
    found = came_to(tmp_path, TIPS + NEXT_DAY, REST + rest.lstrip("\n"), start="2025-01-06", length="2 d")
    hours, halves, middles = found["hours"], found["halves"], found["middles"]
    # At 8:00 the waits are 0, 4, 8, 12, 16, 0, 4; from 8:30 0 and 4; on Tuesday at 2:00 0.
    assert (hours.value, hours.worst, hours.verdict) == (4 * MINUTE, "Mon 08:00 to 09:00", "met")
    assert (halves.value, halves.worst, halves.verdict) == (8 * MINUTE, "Mon 08:00 to 08:30", "missed")
    assert (middles.value, middles.worst) == (4 * MINUTE, "Mon")
    assert (len(hours.silent), len(halves.silent), len(middles.silent)) == (166, 333, 5)
    assert found["hourly"].value == 0.5
    assert (found["kept"].value, found["kept"].worst) == (0, "Mon")


def test_open_tips_leave_a_low_and_a_high_case(tmp_path: Path) -> None:
    rest = REST.replace("toy_median: 3 min", "toy_median: 5 min").replace("per: day", "per: hour")
    found = came_to(tmp_path, TIPS + NEXT_DAY + LATE, rest)
    assert found["half"].counts["open"] == 2
    # 0, 0, 0, 0, 1, 2, 4, 4, 8, 12, 16 as they are; without end for those of 1 and 2 minutes the sixth is 4.
    assert (found["half"].value, found["half"].low, found["half"].high) == (2 * MINUTE, 2 * MINUTE, 4 * MINUTE)
    assert found["half"].verdict == "met"
    # In the last hour 0, 1, 2: a minute if the open ones end now, and without end if they never do.
    hours = found["each_day"]
    assert (hours.value, hours.verdict, hours.lower_bound) == (1, "undecided", False)
    assert (hours.low, hours.high) == (2 / 3, 1)
    assert hours.windows.periods.tolist() == [[3, 21, 2, 3]] * len(hours.windows.periods)


def test_over_replications_it_is_the_mean_of_the_medians() -> None:
    target = ToyMedian.model_validate({"from": "arrival", "to": "leave", "toy_median": "5 min"})
    values = np.array([40.0, 50.0, 60.0, np.nan]) * MINUTE
    counted = ~np.isnan(values)
    pairs = np.stack([np.where(counted, values, 0), counted], axis=-1)
    found = InPlace(target, np.stack([pairs] * 3, axis=1), np.zeros((4, 0))).estimate(0.95)
    # Student's t of 2 degrees of freedom at 97.5 % is 4.3027; the standard deviation of 40, 50, 60 is 10.
    reach = 4.302653 * 10 / np.sqrt(3) * MINUTE
    assert found.value == 50 * MINUTE
    assert found.low == pytest.approx(50 * MINUTE - reach)
    assert found.high == pytest.approx(50 * MINUTE + reach)


def test_what_a_kind_keeps_is_kept(tmp_path: Path) -> None:
    scenario = sim.load(recorded(tmp_path, TIPS, REST))
    trials = tried(scenario, tmp_path / "kept")
    sample = trials.sample(scenario, 2)
    assert sample.extra(3).sum(axis=2).tolist() == [[7]]
    assert sample.extra(0).shape == (1, 0)
    again = tried(scenario, tmp_path / "kept", resume=True).sample(scenario, 2)
    assert (again.extra(3) == sample.extra(3)).all()
    some = with_some(scenario, {"all": scenario.targets["all"]})
    only = SomeTargets(trials, scenario).sample(some, 2)
    assert (only.extra(0) == sample.extra(3)).all()
    assert results(only)[0].value == 4 * MINUTE


def test_the_joint_verdict_and_the_leaning_know_it(tmp_path: Path) -> None:
    whole = {"run.start": "2025-01-06"}
    sample: Sample = run(sim.load(recorded(tmp_path, TIPS, REST), changes=whole)).sample
    assert joint(sample).verdict == "missed"
    assert [one.verdict for one in leanings(sample, 0.95)] == ["missed", "missed", "missed", "met"]


# Documents


def test_documents_have_its_keys(tmp_path: Path) -> None:
    whole = json_schema()["properties"]["targets"]["additionalProperties"]["else"]
    assert {"$ref": "#/$defs/ToyMedian"} in whole["anyOf"][0]["oneOf"]
    for written, told in (
        ("{from: arrival, to: answer.start, toy_medan: 3 min}", "`occupancy`, or `toy_median`, or `toy_middle`"),
        ("{from: arrival, to: answer.strt, toy_median: 3 min}", "a stage has the moments enter, start, end and merged"),
        ("{from: arrival, to: asnwer.start, toy_median: 3}", "targets.half.to: there is no stage 'asnwer'"),
        ("{from: arrival, to: answer.start, toy_median: 3 min, toy_medin: 1}", "did you mean 'toy_median'"),
        ("{from: arrival, to: answer.start, toy_median: 3 min, share: 1}", "does not go with the other keys here"),
    ):
        right = "{from: arrival, to: answer.start, toy_median: 3 min}"
        file = recorded(tmp_path, TIPS, REST.replace(right, written, 1))
        with pytest.raises(ScenarioError) as caught:
            sim.load(file)
        assert told in str(caught.value)
    changed = sim.load(recorded(tmp_path, TIPS, REST), changes=["targets.half.toy_median=9 min"])
    assert changed.targets["half"].threshold == 9 * MINUTE


def test_check_tells_it_in_words(tmp_path: Path) -> None:
    file = recorded(tmp_path, TIPS, REST)
    done = tipline("check", file)
    assert done.exit_code == options.DONE, done.output
    assert "half of all tips within 3 min from arrival to" in done.output
    told = json.loads(tipline("check", file, "--json").output)["targets"]
    assert told["each_day"] == "half of all tips within 3 min from arrival to answer.start, in 80 % of the days"


# Commands


def test_run_and_python_and_explain(tmp_path: Path) -> None:
    file = recorded(tmp_path, TIPS, REST)
    done = tipline("run", file, "--out", tmp_path / "out")
    assert done.exit_code == options.DONE, done.output
    row = next(line for line in done.output.splitlines() if line.startswith("half"))
    assert row.split(maxsplit=1)[1].strip() == "half in 3 min                   4.0 min          BROKEN in this period"
    assert (tmp_path / "out" / "plots" / "response.png").is_file()
    with (tmp_path / "out" / "targets.csv").open() as stream:
        written = {one["target"]: one for one in csv.DictReader(stream)}["half"]
    assert (written["kind"], written["unit"], float(written["value"])) == ("toy_median", "min", 4.0)
    assert (written["within_min"], float(written["threshold"])) == ("", 3.0)
    every = json.loads(tipline("run", file, "--out", tmp_path / "two", "--json").output)["targets"]
    told = next(one for one in every if one["target"] == "half")
    assert (told["value"], told["unit"], told["verdict"], told["threshold"]) == (4.0, "min", "broken", 3.0)
    frames = sim.run(sim.load(file))
    assert list(frames.replications["half_min"]) == [4.0]
    assert "half" in set(frames.response["target"])
    story = tipline("explain", file, "--tip", "first-missed:half")
    text = " ".join(story.output.split())
    assert "counted: 4 min from arrival (08:01:00) to answer.start (08:05:00), more than 3 min, which is asked" in text
    assert "of half of them" in text


DESK = """\
scenario: A desk
run: {start: 2025-01-06 00:00, length: 4 d, cool_down: 1 d, replications: 4, seed: 11}
demand: {volume: 12/h, risk: {high: 10 %, low: 90 %}}
pools: {desk: {staff: 2}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 10 min}}}]
targets:
  half: {from: arrival, to: answer.start, toy_median: 4 min}
  all: {from: arrival, to: answer.start, toy_middle: 8 min}
plausible:
  demand.volume: {from: 8/h, to: 20/h}
  pools.desk.staff: {from: 1, to: 6}
variants:
  more: {pools.desk.staff: 4}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    file = tmp_path / "desk.yaml"
    file.write_text(DESK, encoding="utf-8")
    return file


def test_compare(desk: Path, tmp_path: Path) -> None:
    done = tipline("compare", desk, "--variant", "more", "--out", tmp_path / "out", "--json")
    assert done.exit_code == options.DONE, done.output
    with (tmp_path / "out" / "compare.csv").open() as stream:
        rows = [one for one in csv.DictReader(stream) if one["target"] == "half"]
    assert [one["unit"] for one in rows] == ["min", "min"]
    base, more = (float(one["value"]) for one in rows)
    assert float(rows[1]["difference"]) == pytest.approx(more - base)
    assert more < base


@pytest.mark.parametrize(
    "command",
    [
        ("staff",),
        ("map", "--x", "pools.desk.staff=1..3", "--y", "demand.volume=8,16/h", "--replications", "2"),
        ("sensitivity", "--points", "4", "--replications", "2"),
        ("runway", "--growth", "20 %", "--years", "1", "--staff-years", "1", "--replications", "2"),
    ],
    ids=lambda command: command[0],
)
def test_studies(desk: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    name, *rest = command
    done = tipline(name, desk, *rest, "--out", tmp_path / "out")
    assert done.exit_code == options.DONE, done.output
    assert "half" in done.output
    assert "half" in (tmp_path / "out" / f"{name}.json").read_text(encoding="utf-8")
    assert any((tmp_path / "out" / "plots").glob("*.png"))
    page = tipline("report", tmp_path / "out")
    assert page.exit_code == options.DONE, page.output


def test_claims(tmp_path: Path, desk: Path) -> None:
    ledger = tmp_path / "claims.yaml"
    ledger.write_text(
        """\
ledger: A desk
sources: {paper: {title: A paper}}
subjects: {all: {says: all}}
clocks: {clock: {says: a time}}
claims:
  HALF: {source: paper, says: Half soon., kind: best case, subject: all, clock: clock, quantity: 9 min, readings: {
    lenient: {target: {from: arrival, to: answer.start, toy_median: 9 min}},
    strict: {target: {from: arrival, to: answer.start, toy_median: 1 s}}}}
""",
        encoding="utf-8",
    )
    done = tipline("claims", ledger, desk, "--out", tmp_path / "out", "--replications", "4")
    assert done.exit_code == options.DONE, done.output
    assert "HALF" in done.output
    with (tmp_path / "out" / "claims.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {one["unit"] for one in rows} == {"min"}


# What nobody made known


def test_what_is_not_known_is_an_error_and_never_another_kind(tmp_path: Path) -> None:
    scenario = sim.load(recorded(tmp_path, TIPS, REST))
    del kinds.KINDS["toy_median"]
    with pytest.raises(RuntimeError, match="nothing says how targets of kind 'toy_median' are measured"):
        sim.run(scenario)
    with pytest.raises(LookupError, match="'toy_median'"):
        kind_of(scenario.targets["half"])


def test_a_kind_says_all_that_kinds_say() -> None:
    with pytest.raises(ValueError, match="there is a kind 'toy_median' of targets already"):
        target_kind(ToyMedian)

    class Silent(Between):
        kind: ClassVar[str] = "silent"

    with pytest.raises(TypeError, match="Silent leaves out asks, limit, says, threshold"):
        target_kind(Silent)

    class Same(ToyMedian):
        kind: ClassVar[str] = "same"

    with pytest.raises(ValueError, match="'same' and 'toy_median' could not be told apart by their keys"):
        target_kind(Same)

    class Nothing(Kind[Target]):
        pass

    with pytest.raises(TypeError, match="Nothing leaves out by_cell, in_periods, interval, weighed"):
        measured("nothing")(Nothing)
    with pytest.raises(ValueError, match="how targets of kind 'share' are measured is known already"):
        measured("share")(type(kinds.KINDS["share"]))
