"""What the README says is so: its blocks run as written, its figures come out, its tables name what there is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sim.cli import options
from sim.cli.app import app
from sim.scenario.tree import compose
from tests.cli.lines import ROOT, put_tipline, tipline
from tests.docs.made import made

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SET_UP = [text for kind, text in BLOCKS if kind == "bash"][:2]
COMMANDS = [
    (text, following[1] if following[0] == "text" else "")
    for (kind, text), following in zip(BLOCKS, [*BLOCKS[1:], ("", "")], strict=True)
    if kind == "bash" and text not in SET_UP
]


(SCENARIO,) = (text for kind, text in BLOCKS if kind == "yaml")


def blocks_of(page: str) -> list[tuple[str, str]]:
    """The blocks of a page of the documents."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


RECIPES = [text for kind, text in blocks_of("reference/grammar.md") if kind == "yaml"]
"""What is laid on the scenario of the README."""

MORE = [(text, "") for page in ("verdicts.md", "logs.md") for kind, text in blocks_of(page) if kind == "bash"]
"""The commands of the pages that say how results are read."""


def is_slow(block: str) -> bool:
    """Whether a block simulates years of a whole line."""
    return "run scenarios/" in block or "staff scenarios/" in block


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder as a user has it: the scenarios, and a `tipline` to call."""
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios")
    put_tipline(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "block, shown",
    [
        pytest.param(*one, marks=[pytest.mark.slow] if is_slow(one[0]) else [], id=one[0].split("\n")[0])
        for one in [*COMMANDS, *MORE]
    ],
)
def test_a_block_of_commands_runs_as_written_and_shows_what_is_said(place: Path, block: str, shown: str) -> None:
    path = f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=place,
        env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    there = done.stdout.splitlines()
    for line in shown.splitlines():
        assert line in there, line
        there = there[there.index(line) + 1 :]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.split("\n")[0][:40])
def test_a_recipe_laid_on_the_scenario_has_no_faults_and_runs(tmp_path: Path, recipe: str) -> None:
    (tmp_path / "small.yaml").write_text(SCENARIO, encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(f"extends: small.yaml\nvariants: null\n{recipe}", encoding="utf-8")
    done = tipline("run", tmp_path / "recipe.yaml", "--replications", "2", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output


def test_the_python_block_runs_as_written(place: Path) -> None:
    (block,) = (text for kind, text in BLOCKS if kind == "python")
    assert block in {text for _, text in blocks_of("reference/python.md")}
    done = subprocess.run(
        [sys.executable, "-c", block],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    first, _, target = done.stdout.splitlines()
    assert re.fullmatch(r"\d+ tips, \d+ spells of work", first)
    assert re.fullmatch(r" *high( +[\d.]+){3} +met", target)


def test_the_scenario_has_neither_faults_nor_warnings(tmp_path: Path) -> None:
    block = SCENARIO
    file = tmp_path / "small.yaml"
    file.write_text(block, encoding="utf-8")
    done = tipline("check", file)
    assert done.exit_code == options.DONE, done.output
    assert "No warnings." in done.output


def test_set_up_is_two_lines() -> None:
    assert [text.count("\n") for text in SET_UP] == [1, 1]
    assert "tipline run scenarios/national.yaml" in SET_UP[0]
    assert "[test]" in SET_UP[1]
    assert "pytest" in SET_UP[1]


def test_ci_finds_the_set_up_lines() -> None:
    (function,) = re.findall(r"^set_up_line\(\) \{.*?^\}$", (ROOT / ".ci" / "run").read_text("utf-8"), re.M | re.S)
    for number, text in enumerate(SET_UP, 1):
        found = subprocess.run(
            ["bash", "-c", f"{function}\nset_up_line {number}"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert found.stdout == text


def test_the_recipes_are_laid_on_the_same_scenario() -> None:
    tree = compose((ROOT / "docs" / "recipes" / "small.yaml").read_text(encoding="utf-8"), "").plain()
    tree.pop("about")
    assert tree == compose(SCENARIO, "").plain()


def test_every_command_is_named() -> None:
    commands = {command.callback.__name__ for command in app.registered_commands if command.callback}
    assert {name for name in commands if not re.search(rf"`(?:tipline )?{name}\b", README)} <= {
        "schema",
        "examples",
        "selftest",
    }


def test_every_file_of_the_results_folder_is_named(tmp_path: Path) -> None:
    scenario = ROOT / "scenarios" / "two_stage.yaml"
    missed = ("--set", "run.length=1 d", "--set", "targets.high.within=1 s", "--set", "targets.high.share=99 %")
    done = tipline("run", scenario, *missed, "--replications", "2", "--out", tmp_path / "out", "--log", "--theory")
    assert done.exit_code == options.DONE, done.output
    there = {path.name + ("/" if path.is_dir() else "") for path in (tmp_path / "out").iterdir()}
    page = made().results_page(made().tables())
    assert {name for name in there if f"`{name}`" not in page} == set()
