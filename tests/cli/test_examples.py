"""The examples: each is listed, each can be copied with what it needs and is whole there, and an install has them."""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sysconfig
import tomllib
import venv
from pathlib import Path
from typing import Any

import pytest

from sim.cli import examples, options
from sim.scenario.loading import load, read
from sim.scenario.tree import compose
from sim.studies.study import read_study, words_of
from tests.cli.lines import ROOT, SCENARIOS, tipline
from tests.cli.test_cli import plain
from tests.cli.test_readme import COMMANDS, is_slow

NAMES = sorted(file.stem for file in SCENARIOS.glob("*.yaml"))
SOURCES = ("setup.py", "pyproject.toml", "MANIFEST.in", "LICENSE", "README.md")
FOLDERS = ("sim", "scenarios", "tests", "docs")


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_each_is_listed_in_a_line_with_its_title() -> None:
    done = tipline("examples")
    assert done.exit_code == options.DONE
    lines = [line.split(maxsplit=1) for line in done.output.split("\n\n")[0].splitlines()[1:]]
    assert sorted(name for name, _ in lines) == NAMES
    said = dict(lines)
    assert said["national"].startswith("One national centre. 30,000 tips a year")
    assert said["claims"].startswith("A ledger. A national tip line in two articles.")
    assert said["study"].startswith("A study. ")


def said(file: Path) -> object:
    """What a document says, with all that it extends."""
    root = compose(file.read_text(encoding="utf-8"), file.name)
    return (read(file).root if root.value.keys() & {"scenario", "extends"} else root).plain()


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_says_the_same_where_it_stands_alone(tmp_path: Path, name: str) -> None:
    """With all that it extends, and, of a study, with every document that its commands are given."""
    done = tipline("examples", name, "--out", tmp_path)
    assert done.exit_code == options.DONE, done.output
    copy = tmp_path / f"{name}.yaml"
    assert f"{copy} is written." in done.output
    command = {"study": "study", "claims": "check", "emergency_claims": "check"}.get(name, "run")
    assert f"Next:\n  tipline {command} {copy}\n" in done.output
    told = [copy.name]
    if name == "study":
        commands = [words_of(step.command) for step in read_study(copy).study.steps.values()]
        told += {word for words in commands for word in words if word.endswith(".yaml")}
        assert len(told) > 5
    for file in told:
        assert said(tmp_path / file) == said(SCENARIOS / file)


@pytest.mark.parametrize("name", ["national_recorded", "emergency", "surges"])
def test_a_copy_is_without_faults_where_it_stands_alone(tmp_path: Path, name: str) -> None:
    """The ledgers that targets are taken from are read too."""
    tipline("examples", name, "--out", tmp_path)
    assert load(tmp_path / f"{name}.yaml").hash == load(SCENARIOS / f"{name}.yaml").hash


@pytest.mark.parametrize(
    "name, beside",
    [
        ("national", set()),
        ("national_recorded", {"national.yaml"}),
        ("growth", {"described.yaml", "base.yaml", "national.yaml", "claims.yaml"}),
        ("emergency", {"emergency_claims.yaml"}),
    ],
)
def test_a_copy_brings_what_it_needs_and_no_more(tmp_path: Path, name: str, beside: set[str]) -> None:
    tipline("examples", name, "--out", tmp_path)
    assert files(tmp_path) == {f"{name}.yaml"} | beside
    for file in files(tmp_path):
        assert filecmp.cmp(tmp_path / file, SCENARIOS / file, shallow=False)


def test_whatever_a_document_names_is_needed(tmp_path: Path) -> None:
    """Traces and times in folders below, bases of bases, files that only a variant names; nothing from outside."""
    shelf = tmp_path / "shelf"
    (shelf / "logs").mkdir(parents=True)
    for name in ("logs/tips.csv", "logs/times.csv", "logs/other.csv", "unnamed.csv"):
        (shelf / name).write_text("received\n", encoding="utf-8")
    (tmp_path / "outside.csv").write_text("received\n", encoding="utf-8")
    (shelf / "logs" / "low.yaml").write_text("demand: {trace: tips.csv}\n", encoding="utf-8")
    (shelf / "base.yaml").write_text("extends: logs/low.yaml\nservice: {empirical: {csv: logs/times.csv}}\n", "utf-8")
    (shelf / "top.yaml").write_text(
        "extends: base.yaml\nscenario: Top\nabout: Not ../outside.csv\nvariants: {v: {demand.trace: logs/other.csv}}\n",
        encoding="utf-8",
    )
    below = {str(path.relative_to(shelf)) for path in examples.needed(shelf / "top.yaml")}
    assert below == {"base.yaml", "logs/low.yaml", "logs/times.csv", "logs/other.csv"} | {"logs/tips.csv"}


def test_a_copy_may_have_another_name(tmp_path: Path) -> None:
    mine = tmp_path / "new" / "my line.yaml"
    done = tipline("examples", "national_recorded.yaml", mine)
    assert done.exit_code == options.DONE, done.output
    assert f"tipline run '{mine}'" in done.output
    assert files(mine.parent) == {"my line.yaml", "national.yaml"}
    taken = tipline("examples", "national_recorded", tmp_path / "other" / "national.yaml")
    assert taken.exit_code == options.BAD_INPUT
    assert "'national.yaml' is a file that national_recorded needs beside it" in plain(taken.output)
    assert not (tmp_path / "other").exists()


def test_nothing_is_ever_written_over(tmp_path: Path) -> None:
    own = tmp_path / "national.yaml"
    own.write_text("mine", encoding="utf-8")
    done = tipline("examples", "base", "--out", tmp_path)
    assert done.exit_code == options.BAD_INPUT
    assert f"{own} is there already, and is left as it is; nothing was copied" in done.output
    assert files(tmp_path) == {"national.yaml"}
    assert own.read_text(encoding="utf-8") == "mine"
    own.unlink()
    own.symlink_to(tmp_path / "elsewhere.yaml")
    assert tipline("examples", "national", "--out", tmp_path).exit_code == options.BAD_INPUT
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_what_is_there_already_and_the_same_is_no_hindrance(tmp_path: Path) -> None:
    tipline("examples", "national", "--out", tmp_path)
    done = tipline("examples", "national_recorded", "--out", tmp_path)
    assert done.exit_code == options.DONE
    assert f"{tmp_path / 'national.yaml'} is there already, the same." in done.output


def test_a_copy_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def full(self: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if mode == "xb" and self.name == "national.yaml":
            raise OSError(28, "No space left on device", str(self))
        return opened(self, mode, *rest, **more)

    monkeypatch.setattr(Path, "open", full)
    done = tipline("examples", "base", "--out", tmp_path)
    assert done.exit_code == options.BAD_INPUT
    assert "No space left on device" in done.output
    assert not files(tmp_path)


def test_all_are_copied_as_they_stand(tmp_path: Path) -> None:
    done = tipline("examples", "--all", tmp_path / "scenarios")
    assert done.exit_code == options.DONE
    assert files(tmp_path / "scenarios") == files(SCENARIOS)
    assert all(filecmp.cmp(tmp_path / "scenarios" / name, SCENARIOS / name, shallow=False) for name in files(SCENARIOS))


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("nationel",), "there is no example 'nationel'; did you mean 'national'?"),
        (("zzz",), "there is no example 'zzz'; there are acceptance, base,"),
        (("national", "a.yaml", "--out", "."), "say where once"),
        (("national", "."), "is a folder; copy into it with --out ."),
        (("--out", "."), "needs the NAME of one"),
        (("national", "--all", "."), "takes neither a NAME nor --out"),
    ],
)
def test_a_slip_gets_a_hint(arguments: tuple[str, ...], message: str) -> None:
    done = tipline("examples", *arguments)
    assert done.exit_code == options.BAD_INPUT
    assert message in plain(done.output)


def test_examples_that_are_not_named_are_counted() -> None:
    said = " ".join(plain(tipline("examples", "nothere").output).replace("│", " ").split())
    n = len(list(SCENARIOS.glob("*.yaml")))
    assert f"school_safety and {n - 20} more" in said


def test_an_installation_without_examples_is_told_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examples, "__file__", str(tmp_path / "sim" / "cli" / "examples.py"))
    done = tipline("examples")
    assert done.exit_code == options.BAD_INPUT
    assert "the examples did not come with this installation" in done.output


@pytest.mark.slow
def test_an_install_from_a_wheel_does_what_the_readme_says(tmp_path: Path) -> None:
    """Source distribution, wheel, install; then the commands of the README in a folder that was empty.

    What the program itself depends on is that of the tests, reached by a path.
    """
    source = tmp_path / "source"
    for name in FOLDERS:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (*SOURCES, *(path.name for path in ROOT.glob("C*.*"))):
        shutil.copy(ROOT / file, source / file)
    venv.create(tmp_path / "venv", with_pip=True)
    bin_ = tmp_path / "venv" / "bin"
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    env |= {"PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "80"}

    def shell(command: str, folder: Path) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    needs = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    shell(f"pip install --quiet {' '.join(map(repr, needs))}", tmp_path)
    shell("python -c \"from setuptools import build_meta; build_meta.build_sdist('..')\"", source)
    shell("pip wheel --quiet --no-deps --no-build-isolation --wheel-dir . tipline-*.tar.gz", tmp_path)
    shell("pip install --quiet --no-deps tipline-*.whl", tmp_path)
    shutil.rmtree(source)
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    (site / "of_the_tests.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")

    empty = tmp_path / "empty"
    empty.mkdir()
    assert shell("python -c 'import sim; print(sim.__file__)'", empty).strip() == str(site / "sim" / "__init__.py")
    shell("tipline examples national", empty)
    assert "Tables and plots: results/national/" in shell("tipline run national.yaml --replications 2", empty)
    assert "All 40 answers are right, and both engines agree" in shell("tipline selftest", empty)
    shell("tipline examples --all scenarios", empty)
    for block, _ in COMMANDS:
        if not is_slow(block):
            shell(block, empty)
