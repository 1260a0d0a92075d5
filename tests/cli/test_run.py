"""What `run` prints, writes and ends with, on lines that are over in a moment."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from sim.answers.answer import Plot
from sim.answers.run import RunAnswer
from sim.cli import options
from sim.cli.options import Options
from sim.dynamics.engines import Engine, simulate
from sim.dynamics.log import Log
from sim.dynamics.replication import Replication
from sim.studies import replicate
from sim.text.words import with_interval
from tests.cli.lines import SCENARIOS, tipline

LINE = """\
scenario: A short line
run: {start: 2025-01-06 00:00, length: 7 d, replications: 4, seed: 5}
demand: {volume: 6/h, channels: {call: 50 %, web: 50 %}}
pools: {desk: {staff: 2}}
stages:
  - {name: answer, for: {channel: call}, pool: desk, service: {exponential: {mean: 10 min}}, patience: 20 min}
  - {name: read, for: {channel: web}, pool: desk, every: 1 h, service: {exponential: {mean: 10 min}}}
targets:
  easy: {claim: A01, from: arrival, to: leave, within: 12 h, share: 50 %}
  hard: {of: {channel: web}, from: arrival, to: read.start, within: 10 min, share: 90 %}
  mean: {from: arrival, to: leave, mean: 12 h}
  lost: {of: {channel: call}, lost: 50 %}
  busy: {pool: desk, occupancy: 95 %}
variants:
  more: {pools.desk.staff: 4}
"""


@pytest.fixture
def line(tmp_path: Path) -> Path:
    file = tmp_path / "short.yaml"
    file.write_text(LINE, encoding="utf-8")
    return file


@pytest.fixture(autouse=True)
def plotted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The figures that were asked for: they take longer than all the rest, and have tests of their own."""
    found: list[str] = []
    monkeypatch.setattr(Plot, "draw", lambda plot, _: found.append(plot.name))
    monkeypatch.setattr("sim.plots.style.file_bytes", lambda _, ending: ending.encode())
    monkeypatch.setattr("sim.studies.workers.can_fork", lambda: False)  # what a fork asks for is not seen here
    return found


def words(output: str) -> str:
    return " ".join(output.split())


def test_one_table_then_all_together_then_what_binds(line: Path, tmp_path: Path) -> None:
    done = tipline("run", line, "--out", tmp_path / "out")
    assert done.exit_code == options.DONE, done.output
    lines = done.output.splitlines()
    assert max(map(len, lines)) <= 80
    head = next(number for number, row in enumerate(lines) if row.startswith("target  claim  asked"))
    verdicts = {row.split()[0]: row.split()[-1] for row in lines[head + 1 : head + 6]}
    assert verdicts == {"easy": "met", "hard": "MISSED", "mean": "met", "lost": "met", "busy": "met"}
    said = words(done.output)
    assert "Together MISSED: hard is missed" in said
    assert "Binding hard: " in said
    assert "The time hard takes" in said
    assert "at the gate of read" in said
    assert "Staff staff alone cannot meet hard: with unlimited staff it comes to" in said
    assert "in the way stand the gate of read (100 %)" in said


def test_the_files_are_there_and_the_cohort_adds_up(line: Path, tmp_path: Path, plotted: list[str]) -> None:
    out = tmp_path / "out"
    tipline("run", line, "--out", out, "--quiet")
    head, *rows = ((out / "cohort.csv").read_text(encoding="utf-8")).splitlines()
    for row in rows:
        name, arrived, *counts = row.split(",")
        assert int(arrived) == sum(map(int, counts)) > 0, (name, head)
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["seed"] == 5
    # Nobody of whom there are heads alone has a day to be followed; theory and a day are asked for by name.
    assert plotted == [plot.name for plot in RunAnswer.plots if plot.name not in ("lanes", "theory")]
    assert {path.name for path in (out / "plots").iterdir()} == {
        f"{name}.{end}" for name in plotted for end in ("png", "svg")
    }
    assert manifest["answer"][0] == "The 5 targets do not hold together: hard is missed."
    assert (manifest["together"], manifest["binding"]) == ("missed", "hard")
    by_name = ("people", "theory", "day", "day_pools", "day_broken")
    left = [f"{table.name}.csv" for table in RunAnswer.leaves if table.name not in by_name]
    assert list(manifest["files"])[: len(left)] == left
    beyond = (out / "unlimited.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[0] for row in beyond] == ["target", "easy", "hard", "mean", "lost", "busy"]
    assert beyond[2].endswith(",missed,True,neither,,,,,,gate read 1.00")
    tipline("run", line, "--out", out, "--quiet", "--targets", "easy")
    assert not (out / "unlimited.csv").exists()


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_the_same_command_gives_the_same_bytes_with_any_jobs_and_engine(
    line: Path, tmp_path: Path, engine: str
) -> None:
    tipline("run", line, "--out", tmp_path / "one", "--quiet", "--jobs", "1")
    tipline("run", line, "--out", tmp_path / "two", "--quiet", "--jobs", "2", "--engine", engine)
    tables = sorted(path.name for path in (tmp_path / "one").glob("*.csv"))
    assert "targets.csv" in tables
    for name in tables:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_strict_ends_with_1_unless_every_target_is_met(line: Path, tmp_path: Path) -> None:
    given = ("run", line, "--out", tmp_path / "out", "--quiet", "--strict")
    assert tipline(*given).exit_code == options.NOT_MET
    assert tipline(*given, "--targets", "easy,mean,lost,busy").exit_code == options.DONE


def alone(row: dict[str, Any]) -> dict[str, Any]:
    """What a row says of a target by itself, and not beside the others."""
    return {head: cell for head, cell in row.items() if not head.startswith("simultaneous_")}


def test_fewer_targets_are_judged_on_the_same_simulation(line: Path, tmp_path: Path) -> None:
    every = json.loads(tipline("run", line, "--out", tmp_path / "out", "--json").output)
    few = json.loads(tipline("run", line, "--out", tmp_path / "out", "--json", "--targets", "lost, hard").output)
    assert [one["target"] for one in few["targets"]] == ["hard", "lost"]
    assert [alone(one) for one in few["targets"]] == [
        alone(one) for one in every["targets"] if one["target"] in ("hard", "lost")
    ]


def test_a_target_that_is_not_there_gets_a_hint(line: Path) -> None:
    done = tipline("run", line, "--targets", "eays")
    assert done.exit_code == options.BAD_INPUT
    assert "there is no target 'eays'; did you mean 'easy'?" in words(done.output.replace("│", ""))
    assert tipline("run", line, "--targets", ",").exit_code == options.BAD_INPUT


def test_data_are_strict_json(line: Path, tmp_path: Path) -> None:
    done = tipline("run", line, "--out", tmp_path / "out", "--json", "--replications", "1")
    found = json.loads(done.output, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert [one["replication"] for one in found["replications"]] == [0]
    assert {one["verdict"] for one in found["targets"]} <= {"met", "missed", "undecided"}
    assert {one["period"]: one["judged_periods"] for one in found["joint"]}["run"] == 1


def test_results_are_kept_apart_by_file_and_variant(
    line: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "other.yaml"
    other.write_text(LINE, encoding="utf-8")
    assert tipline("run", line, other, "--quiet").exit_code == options.DONE
    assert tipline("run", line, "--variant", "more", "--quiet").exit_code == options.DONE
    assert tipline("run", line, other, "--quiet", "--out", "mine").exit_code == options.DONE
    found = {str(path.parent.relative_to(tmp_path)) for path in tmp_path.rglob("targets.csv")}
    assert found == {"results/short", "results/other", "results/short.more", "mine/short", "mine/other"}


def test_a_fault_in_any_file_stops_before_anything_is_run(line: Path, tmp_path: Path) -> None:
    done = tipline("run", line, tmp_path / "missing.yaml", "--out", tmp_path / "out")
    assert done.exit_code == options.BAD_INPUT
    assert not (tmp_path / "out").exists()


def test_until_decided_adds_replications_and_says_what_it_allows_for(line: Path, tmp_path: Path) -> None:
    given = ("run", line, "--out", tmp_path / "out", "--targets", "hard", "--replications", "2")
    value = json.loads(tipline(*given, "--json").output)["targets"][0]["value"]
    done = tipline(*given, "--set", f"targets.hard.share={value:.4f}", "--until-decided")
    assert done.exit_code == options.DONE, done.output
    assert "2 replications" not in done.output
    assert "99 % intervals, since there may be 5 looks" in words(done.output)


def failing(which: set[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the simulation of some replications fail."""
    real = replicate.simulate

    def simulate(replication: Replication, *rest: Any) -> Any:
        if replication.index in which:
            raise RuntimeError("a server broke")
        return real(replication, *rest)

    monkeypatch.setattr(replicate, "simulate", simulate)


def test_a_replication_that_fails_is_named_and_the_rest_are_kept(
    line: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing({1}, monkeypatch)
    done = tipline("run", line, "--targets", "easy", "--out", tmp_path / "out")
    assert done.exit_code == options.SOME_FAILED
    said = words(done.output)
    assert "WARNING replication 1 failed and is left out: RuntimeError: a server broke" in said
    assert "3 replications of 7 d" in said


def test_one_replication_is_one(line: Path, tmp_path: Path) -> None:
    said = words(tipline("run", line, "--replications", "1", "--out", tmp_path / "out").output)
    assert "1 replication of 7 d, " in said
    assert "1 replication, seed 5" in words(tipline("check", line, "--replications", "1").output)


def test_where_nothing_is_counted_more_staff_is_said_to_count_nothing_either(line: Path, tmp_path: Path) -> None:
    never = ("--set", "demand.channels={call: 100 %, web: 0 %}", "--targets", "hard")
    said = words(tipline("run", line, *never, "--out", tmp_path / "out").output)
    assert "whether more staff can meet hard is undecided: with unlimited staff nothing is counted" in said


def test_when_all_replications_fail_nothing_is_written(
    line: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing({0, 1, 2, 3}, monkeypatch)
    done = tipline("run", line, "--out", tmp_path / "out")
    assert done.exit_code == options.SOME_FAILED
    assert "replication 3 failed: RuntimeError: a server broke" in done.output
    assert not (tmp_path / "out" / "targets.csv").exists()


def test_an_overload_stands_out(line: Path, tmp_path: Path) -> None:
    alone = ("--set", "pools.desk.staff=1", "--targets", "easy")
    done = tipline("run", line, "--out", tmp_path / "out", *alone, "--set", "stages.answer.patience=null")
    assert "WARNING pool 'desk' is overloaded: 1.00 erlangs of work come to 1.00 servers" in words(done.output)


def test_a_run_says_how_many_give_up_where_more_work_comes_than_is_done(line: Path, tmp_path: Path) -> None:
    alone = ("--set", "pools.desk.staff=1", "--targets", "easy", "--set", "demand.volume=9/h")
    said = "WARNING pool 'desk': more work comes than is done, 1.50 erlangs to 1.00 servers on average over the week: "
    done = tipline("run", line, "--out", tmp_path / "out", *alone)
    assert "overloaded" not in done.output
    (share,) = re.findall(f"{re.escape(said)}([0-9]+) % of those who may give up there do", words(done.output))
    # Half an erlang too many comes, and only callers give up, who bring three quarters of one.
    assert 50 <= int(share) < 90


def test_a_run_without_targets_measures_and_judges_nothing(line: Path, tmp_path: Path) -> None:
    line.write_text(LINE.split("targets:")[0], encoding="utf-8")
    done = tipline("run", line, "--out", tmp_path / "out", "--strict")
    assert done.exit_code == options.DONE, done.output
    assert "No targets: the run measured, and judged nothing." in done.output


def test_a_run_takes_its_seed_and_replications_from_the_command_line(line: Path, tmp_path: Path) -> None:
    given = ("--seed", "9", "--replications", "2", "--json", "--out", tmp_path / "out")
    found = json.loads(tipline("run", line, *given).output)
    assert (found["seed"], len(found["replications"])) == (9, 2)
    assert Options(seed=9).load(line).run.seed == 9


@pytest.mark.parametrize(
    "value, low, high, text",
    [
        (0.5, 0.4, 0.6, "50.0 % (40.0 to 60.0)"),
        (1.0, 0.9, 1.0, "100.0 % (90.0 to 100.0)"),
        (0.98207, 0.98172, 0.98241, "98.21 % (98.17 to 98.24)"),
    ],
)
def test_a_share_is_told_in_so_many_digits_that_its_interval_shows(
    value: float, low: float, high: float, text: str
) -> None:
    assert with_interval(value, low, high) == text


@pytest.mark.slow
def test_the_national_line_says_that_staff_alone_cannot_meet_the_rapid_channel(tmp_path: Path) -> None:
    done = tipline("run", SCENARIOS / "national.yaml", "--out", tmp_path / "out", "--replications", "4")
    assert done.exit_code == options.DONE, done.output
    said = words(done.output)
    assert "staff alone cannot meet rapid: with unlimited staff it comes to 32.4 %" in said
    assert "the service at open" in said


def test_logs_are_held_to_the_laws_where_that_is_asked_for(
    line: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ("run", line, "--verify", "--out", tmp_path / "out", "--quiet", "--replications", "3", "--jobs", "1")
    assert tipline(*given).exit_code == options.DONE

    def broken(replication: Replication, engine: Engine) -> Log:
        """The log of replication 1 says that its first visit ended before it began."""
        log = simulate(replication, engine)
        if replication.index == 1:
            log.end[0] = log.enter[0] - 1
        return log

    monkeypatch.setattr("sim.studies.replicate.simulate", broken)
    done = tipline(*given)
    assert done.exit_code == options.SOME_FAILED
    note = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert list(note["failed"]) == ["1"]
    assert "law broken" in note["failed"]["1"]
    assert note["failed"]["1"].endswith("--verify --replications 2")
