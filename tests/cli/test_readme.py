"""What the README says is so: its blocks run as written, its figures come out, its tables name what there is."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sim.answers import every
from sim.cli import options
from sim.cli.app import app
from tests.cli.lines import ROOT, tipline

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
SET_UP = [text for kind, text in BLOCKS if kind == "bash"][:2]
COMMANDS = [
    (text, following[1] if following[0] == "text" else "")
    for (kind, text), following in zip(BLOCKS, [*BLOCKS[1:], ("", "")], strict=True)
    if kind == "bash" and text not in SET_UP
]


YAML = [text for kind, text in BLOCKS if kind == "yaml"]
"""A scenario, and then recipes that are laid on it."""


def is_slow(block: str) -> bool:
    """Whether a block simulates years of a whole line."""
    return "run scenarios/" in block or "staff scenarios/" in block


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder as a user has it: the scenarios, and a `tipline` to call."""
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios")
    command = tmp_path / "bin" / "tipline"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m sim "$@"\n', encoding="utf-8")
    command.chmod(command.stat().st_mode | stat.S_IEXEC)
    return tmp_path


@pytest.mark.parametrize(
    "block, shown",
    [
        pytest.param(*one, marks=[pytest.mark.slow] if is_slow(one[0]) else [], id=one[0].split("\n")[0])
        for one in COMMANDS
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


@pytest.mark.parametrize("recipe", YAML[1:], ids=lambda recipe: recipe.split("\n")[0][:40])
def test_a_recipe_laid_on_the_scenario_has_no_faults_and_runs(tmp_path: Path, recipe: str) -> None:
    (tmp_path / "small.yaml").write_text(YAML[0], encoding="utf-8")
    (tmp_path / "recipe.yaml").write_text(f"extends: small.yaml\nvariants: null\n{recipe}", encoding="utf-8")
    done = tipline("run", tmp_path / "recipe.yaml", "--replications", "2", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output


def test_the_python_block_runs_as_written(place: Path) -> None:
    (block,) = (text for kind, text in BLOCKS if kind == "python")
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
    block = YAML[0]
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


def section(title: str) -> str:
    """The text under a heading."""
    (found,) = re.findall(rf"^## {title}$(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    return str(found)


def test_every_command_and_every_shared_option_is_named() -> None:
    text = section("Commands and exit codes")
    commands = {command.callback.__name__ for command in app.registered_commands if command.callback}
    assert set(re.findall(r"^\| `tipline (\w+)", text, re.MULTILINE)) == commands
    shared = {field.name.replace("_", "-").replace("changes", "set") for field in dataclasses.fields(options.Options)}
    assert set(re.findall(r"`--([a-z-]+)`", text)) >= shared


def test_every_exit_code_is_named() -> None:
    codes = {value for name, value in vars(options).items() if name.isupper() and type(value) is int}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", section("Commands and exit codes"), re.M)} == codes


def test_every_file_of_the_results_folder_is_named(tmp_path: Path) -> None:
    scenario = ROOT / "scenarios" / "two_stage.yaml"
    missed = ("--set", "run.length=1 d", "--set", "targets.high.within=1 s", "--set", "targets.high.share=99 %")
    done = tipline("run", scenario, *missed, "--replications", "2", "--out", tmp_path / "out", "--log")
    assert done.exit_code == options.DONE, done.output
    there = {path.name + ("/" if path.is_dir() else "") for path in (tmp_path / "out").iterdir()}
    named = re.findall(r"^\| `([\w./]+)` \| [^|]+ \|$", section("The results folder"), re.MULTILINE)
    assert set(named) == there | {"people.csv"}  # which a line without a roster does not leave


def test_every_table_of_every_command_is_named_with_what_a_row_of_it_is() -> None:
    rows = re.findall(r"^\| `(\w+)\.csv` \|(?:.*\|)? ([^|]+) \|$", section("The results folder"), re.MULTILINE)
    tables = [table for answer in every() for table in answer.leaves]
    assert len(rows) == len(dict(rows)) == len(tables)
    assert dict(rows) == {table.name: table.one_row for table in tables}
