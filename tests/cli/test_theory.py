"""Theory beside a run, and the test of an installation, as a user has them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from sim.cli import options
from sim.measures import theory
from sim.studies.theory import selftest
from tests.cli.lines import tipline

LINE = """\
scenario: Two stages and a rest
run: {start: 2025-01-06 00:00, warm_up: 2 d, length: 14 d, cool_down: 1 d, replications: 6, seed: 5}
demand: {volume: 24/h, risk: {high: 20 %, low: 80 %}}
pools: {desk: {staff: 3, serve_first: [{risk: high}]}, review: {staff: 2}}
stages:
  - {name: answer, pool: desk, service: {exponential: {mean: 6 min}}}
  - {name: rest, delay: {lognormal: {mean: 30 min, cv: 1.0}}}
  - {name: look, share: 40 %, pool: review, service: {lognormal: {mean: 9 min, cv: 2.0}}}
targets: {soon: {share: 80 %, from: answer.enter, to: answer.start, within: 5 min}}
"""


@pytest.fixture
def line(tmp_path: Path) -> Path:
    file = tmp_path / "line.yaml"
    file.write_text(LINE, encoding="utf-8")
    return file


def test_it_is_printed_written_and_on_the_page(line: Path) -> None:
    out = line.parent / "out"
    done = tipline("run", line, "--theory", "--out", out)
    assert done.exit_code == options.DONE
    told = done.output.partition("Theory beside the run")[2]
    assert max(map(len, told.splitlines())) <= 80
    for words in (
        "M/M/3 by rank",
        "mean wait, risk high",
        "not begun at once",
        "desk    M/M/3 by rank leaves nothing of it out: they should agree",
        "review  M/M/2 leaves out that tips come by way of answer",
        "service is not one exponential law (cv 2.00)",
        "rest    M/G/inf leaves nothing of it out",
    ):
        assert words in told
    rows = list(csv.DictReader((out / "theory.csv").read_text().splitlines()))
    assert {row["place"] for row in rows} == {"desk", "review", "rest"}
    wait = next(row for row in rows if row["of"] == "risk high" and row["quantity"] == "mean wait")
    assert float(wait["theory"]) == pytest.approx(theory.priority_waits([0.48, 1.92], 3, 6.0)[0])
    assert (wait["unit"], wait["agrees"], wait["left_out"]) == ("min", "True", "")
    assert "figures that theory knows exactly agree with it" in (out / "manifest.json").read_text()
    assert tipline("report", out).exit_code == options.DONE
    page = (out / "report.html").read_text()
    assert "<strong>Theory beside the run.</strong>" in page
    assert "theory.csv" in page
    assert page.count("service is not one exponential law (cv 2.00)") == sum(row["place"] == "review" for row in rows)
    assert "how many standard errors the run lies above it" in page


def test_it_is_data_where_it_is_asked_for_and_else_not_there(line: Path) -> None:
    out = line.parent / "out"
    told = json.loads(tipline("run", line, "--theory", "--json", "--out", out).output)["theory"]
    assert [row["model"] for row in told if row["quantity"] == "occupancy"] == ["M/M/3 by rank", "M/M/2"]
    assert "theory" not in json.loads(tipline("run", line, "--json", "--out", out).output)
    assert not (out / "theory.csv").exists()
    assert "no use for it" in tipline("compare", line, "--theory").output


def test_where_nothing_is_known_that_is_said(line: Path) -> None:
    line.write_text(
        LINE.partition("demand:")[0] + "demand: {volume: 1/h}\npools: {}\nstages: [{name: a, delay: 0 s}]\n"
    )
    told = tipline("run", line, "--theory", "--out", line.parent / "out")
    assert "No pool or delay to which tips come has a model with an exact answer." in told.output


def test_selftest_tells_right_from_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line of those that there are, first as it is and then with an answer that is 30 % too large."""
    lines = tuple(one for one in selftest.known_lines() if one.model == "M/D/1")
    monkeypatch.setattr(selftest, "known_lines", lambda: lines)
    done = tipline("selftest")
    assert done.exit_code == options.DONE
    assert max(map(len, done.output.splitlines())) <= 80
    assert "All 1 answers are right, and both engines agree on each line." in done.output
    assert tipline("selftest", "--quiet").output == ""
    was = theory.wait_in_one_line(0.7, 6.0, 0.0)
    monkeypatch.setattr(theory, "wait_in_one_line", lambda *_: 1.3 * was)
    wrong = tipline("selftest", "--json", "--seed", "3")
    assert wrong.exit_code == options.OWN_FAULT
    told = json.loads(wrong.output)
    assert not told["right"]
    assert [row["right"] for row in told["selftest"]] == [False]
    assert "1 of 1 answers are WRONG" in tipline("selftest").output
