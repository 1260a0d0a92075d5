"""What people say: every recipe is a file that loads, and of which `check` says nothing against."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.answers.check import Check
from sim.cli import options
from sim.scenario.loading import load
from tests.cli.lines import ROOT, tipline

RECIPES = ROOT / "docs" / "recipes"
FILES = sorted(RECIPES.glob("*.yaml"))


def test_there_are_forty_of_them_and_more() -> None:
    assert len(FILES) > 40


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recipe_is_checked_without_faults_or_warnings(file: Path) -> None:
    scenario = load(file)
    assert scenario.scenario
    assert scenario.about
    assert Check.ask(scenario).data()["warnings"] == []


@pytest.mark.parametrize("name", ["line_busy_signal", "come_own_record"])
def test_some_are_run(tmp_path: Path, name: str) -> None:
    quick = ("--replications", "2", "--set", "run.length=3 d", "--jobs", "1", "--out", tmp_path / "out")
    done = tipline("run", RECIPES / f"{name}.yaml", *quick)
    assert done.exit_code == options.DONE, done.output


@pytest.mark.slow
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_recipe_runs(tmp_path: Path, file: Path) -> None:
    done = tipline("run", file, "--replications", "2", "--out", tmp_path / "out", "--verify")
    assert done.exit_code == options.DONE, done.output
