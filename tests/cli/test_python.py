"""The Python face: the same pipeline by name, and nothing imported before it is asked for."""

from __future__ import annotations

import ast
import html
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import sim
from sim.studies import replicate
from sim.tables.run import TABLES_OF_RUN, UNLIMITED
from tests.cli.lines import ROOT, recorded, tipline
from tests.studies.lines import desk

FIVE = "received\n" + "".join(f"2025-01-06T08:0{minute}\n" for minute in range(5))
DESK = """\
pools: {desk: {staff: 1}}
stages: [{name: answer, pool: desk, service: 5 min}]
targets: {quick: {from: arrival, to: answer.start, within: 10 min, share: 50 %}}
"""


def test_importing_it_costs_nothing() -> None:
    code = "import sys, sim; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"numpy", "pydantic", "typer"} & set(done.stdout.split())


def test_every_name_is_there() -> None:
    assert all(getattr(sim, name) is not None for name in sim.__all__)
    assert set(dir(sim)) >= set(sim.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'lod'"):
        sim.lod  # noqa: B018


def test_what_editors_are_told_of_the_package_is_what_it_gives() -> None:
    """Its names stand there twice, as imports that nothing does and as where they are found."""
    for_editors = next(one for one in ast.parse(inspect.getsource(sim)).body if isinstance(one, ast.If))
    imported = [one for one in for_editors.body if isinstance(one, ast.ImportFrom)]
    assert {name.asname: one.module for one in imported for name in one.names} == sim._HOMES
    asked = {name for name in sim._HOMES if f"    sim.{name}(" in str(sim.__doc__)}
    assert asked >= {"check", "run", "staff", "validate", "export"}


def test_the_pipeline_step_by_step_and_at_once(tmp_path: Path) -> None:
    scenario = sim.load(recorded(tmp_path, FIVE, DESK))
    log = sim.simulate(sim.draw(scenario, 0), engine="reference")
    assert len(log.spells.visit) == 5
    frames = sim.run(scenario, replications=3, engine="reference")
    # Begun at once and after waits of 4, 8, 12 and 16 minutes: three of five within 10.
    assert frames.targets.loc[0, "value"] == 0.6
    # Nothing is left to chance, so that there is one replication.
    assert list(frames.replications["arrived_tips"]) == [5]
    assert frames.targets.loc[0, "verdict"] == "kept"
    assert frames.failures == {}


def test_a_run_is_an_answer_with_everything_that_the_command_leaves(tmp_path: Path) -> None:
    scenario = sim.load(recorded(tmp_path, FIVE, DESK.replace("50 %", "70 %")))
    answer = sim.run(scenario, replications=2, engine="reference")
    assert list(answer.tables) == [table.name for table in (*TABLES_OF_RUN, UNLIMITED)]
    assert list(answer.targets["threshold"]) == [0.7]
    assert list(answer.targets["within_min"]) == [10]
    assert {"held_low_share", "held_high_share"} <= set(answer.joint.columns)
    assert "targets" in dir(answer)
    with pytest.raises(AttributeError, match="a RunAnswer has no 'pool'; its tables are targets, joint, "):
        answer.pool  # noqa: B018
    answer.save(tmp_path / "out")
    pd.testing.assert_frame_equal(
        pd.read_csv(tmp_path / "out" / "replications.csv"), answer.replications, check_dtype=False, rtol=1e-9
    )
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["answer"] == answer.sentences()
    assert repr(answer).startswith("run of Recorded\n")
    assert "<table" in answer._repr_html_()


def test_a_scenario_is_checked(tmp_path: Path) -> None:
    file = recorded(tmp_path, FIVE, DESK)
    found = sim.check(file)
    assert list(found.tables) == ["pool_loads", "stage_loads", "hour_loads"]
    assert list(found.pool_loads["pool"]) == ["desk"]
    assert list(found.pool_loads["staffed_h_a_week"]) == [168.0]
    assert len(found.hour_loads) == 168
    assert found.warnings == tuple(found.data()["warnings"])
    assert str(found) == tipline("check", file).output
    assert "<table" in found._repr_html_()
    with pytest.raises(sim.ScenarioError, match="did you mean 'staff'"):
        sim.check(recorded(tmp_path, FIVE, DESK.replace("staff", "staf")))


def test_a_tip_is_explained(tmp_path: Path) -> None:
    file = recorded(tmp_path, FIVE, DESK)
    story = sim.explain(file, "first-missed:quick", engine="reference")
    assert story.data()["tip"] == 3
    assert list(story.tip_events["what"]) == ["arrival", "waits", "starts", "stops", "leaves"]
    assert list(story.tip_events["time_min"]) == [3, 3, 15, 20, 20]
    assert list(story.tip_targets["sense"]) == ["missed"]
    assert not story.holds
    assert sim.explain(file, 0, engine="reference").holds
    assert str(story) == tipline("explain", file, "--tip", "3", "--engine", "reference").output
    assert "quick is missed: 12 min from arrival" in story._repr_html_()
    with pytest.raises(ValueError, match=r"replication 1 has tips 0 to 4 \(got 5\)"):
        sim.explain(file, 5, replication=1, engine="reference")


def test_a_report_is_written_and_shown(tmp_path: Path) -> None:
    sim.run(desk(tmp_path), replications=2, engine="reference").save(tmp_path / "out")
    page = sim.report(tmp_path / "out")
    assert (tmp_path / "out" / "report.html").read_text(encoding="utf-8") == page.html
    assert page.left_out == []
    assert page._repr_html_().startswith('<iframe sandbox="allow-scripts" srcdoc=')
    assert html.unescape(page._repr_html_()).count(page.html) == 1
    sim.report(tmp_path / "out", tmp_path / "pages" / "one.html")
    assert (tmp_path / "pages" / "one.html").exists()
    with pytest.raises(ValueError, match="holds no results"):
        sim.report(tmp_path / "pages")


def test_replications_that_fail_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = sim.load(
        recorded(tmp_path, FIVE, DESK.replace("service: 5 min", "service: {exponential: {mean: 5 min}}"))
    )
    real = replicate.simulate

    def simulate(replication: object, *rest: object) -> object:
        # Only with the people that there are: what unlimited people come to is asked too, and may not fail.
        if replication.index in broken and replication.plan.heads.max(initial=0) < 100:  # type: ignore[attr-defined]
            raise RuntimeError("a server broke")
        return real(replication, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(replicate, "simulate", simulate)
    broken = {1}
    assert sim.run(scenario, replications=3).failures == {1: "RuntimeError: a server broke"}
    broken = {0, 1, 2}
    with pytest.raises(RuntimeError, match="every replication failed, the first with RuntimeError: a server broke"):
        sim.run(scenario, replications=3)
