"""Targets in the trade's words, percentiles and clocks go through every command."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from sim.cli import options
from sim.scenario.editors import json_schema
from tests.cli.lines import tipline

DESK = """\
scenario: A desk
run: {start: 2025-01-06 00:00, length: 4 d, cool_down: 1 d, replications: 4, seed: 11}
demand: {volume: 12/h, risk: {high: 10 %, low: 90 %}}
calendars: {office: {open: [{days: mon-fri, from: "06:00", to: "22:00"}]}}
pools: {desk: {staff: 2}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 10 min}}, patience: {exponential: {mean: 30 min}}}]
targets:
  p90: {from: arrival, to: answer.start, percentile: 90 %, within: 14 min}
  half: {from: arrival, to: answer.start, median: 4 min, clock: office}
  longest: {from: arrival, to: answer.start, longest: 50 min, per: day, hold: 50 %}
  level: {stage: answer, service_level: 60 %, within: 20 s, lost_tips: {left_out_before: 5 s}}
  asa: {stage: answer, asa: 6 min}
  gone: {stage: answer, abandoned: 25 %}
plausible:
  demand.volume: {from: 8/h, to: 20/h}
  pools.desk.staff: {from: 1, to: 6}
variants:
  more: {pools.desk.staff: 4}
"""
KINDS = {
    "p90": "percentile",
    "half": "median",
    "longest": "longest",
    "level": "service_level",
    "asa": "asa",
    "gone": "abandoned",
}


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    file = tmp_path / "desk.yaml"
    file.write_text(DESK, encoding="utf-8")
    return file


def test_check_and_the_schema(desk: Path) -> None:
    told = json.loads(tipline("check", desk, "--json").output)["targets"]
    assert told["half"] == "median of all tips at most 4 min of office time from arrival to answer.start"
    assert told["level"] == (
        "at least 60 % of all tips begun at answer within 20 s of coming there, tips lost before 5 s left out"
    )
    names = json.dumps(json_schema()["properties"]["targets"])
    for kind in ("PercentileTarget", "MedianTarget", "LongestTarget", "ServiceLevelTarget", "AnswerTimeTarget"):
        assert f"#/$defs/{kind}" in names


@pytest.mark.slow
def test_run_and_explain(desk: Path, tmp_path: Path) -> None:
    done = tipline("run", desk, "--out", tmp_path / "out")
    assert done.exit_code == options.DONE, done.output
    assert "endless" in done.output
    with (tmp_path / "out" / "targets.csv").open() as stream:
        rows = {one["target"]: one for one in csv.DictReader(stream)}
    assert {name: one["kind"] for name, one in rows.items()} == KINDS
    assert rows["p90"]["value"] == "inf"
    every = json.loads(tipline("run", desk, "--out", tmp_path / "two", "--json").output)["targets"]
    assert next(one for one in every if one["target"] == "p90")["value"] is None
    story = " ".join(tipline("explain", desk, "--tip", "first-missed:half").output.split())
    assert "it was lost before answer.start, which counts as endless" in story


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ("compare", "--variant", "more"),
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
    assert "p90" in done.output
    page = tipline("report", tmp_path / "out")
    assert page.exit_code == options.DONE, page.output


@pytest.mark.slow
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
    lenient: {target: {from: arrival, to: answer.start, percentile: 90 %, within: 90 min}},
    moderate: {target: {stage: answer, service_level: 80 %, within: 20 s}},
    strict: {target: {stage: answer, asa: 1 s}}}}
""",
        encoding="utf-8",
    )
    done = tipline("claims", ledger, desk, "--out", tmp_path / "out", "--replications", "4")
    assert done.exit_code == options.DONE, done.output
    assert "endless" in done.output
