"""The commands as a user meets them: help, slips of the finger, exit codes, and what stands where."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

import sim
from sim.cli import options
from sim.scenario.editors import json_schema
from sim.scenario.tree import compose
from tests.cli.lines import ROOT, SCENARIOS, shell, tipline

NATIONAL = SCENARIOS / "national.yaml"
SLOW_TO_IMPORT = {"numba", "pandas", "scipy", "matplotlib"}


def plain(output: str) -> str:
    """An output as one line, without the frames of error messages."""
    return " ".join(output.replace("│", " ").split())


def imported_by(*arguments: str) -> set[str]:
    """The packages that a command imports."""
    code = "import sys, sim.cli.app as c\ntry: c.main()\nexcept SystemExit: pass\nprint(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in done.stderr.split()}


@pytest.mark.parametrize("arguments", [("--help",), ("check", str(NATIONAL)), ("run", "--help")])
def test_help_and_check_import_nothing_slow(arguments: tuple[str, ...]) -> None:
    imported = imported_by(*arguments)
    assert "typer" in imported
    assert not imported & SLOW_TO_IMPORT


@pytest.mark.slow
def test_a_run_with_tables_and_figures_imports_no_pandas(tmp_path: Path) -> None:
    short = ("--set", "run.length=7 d", "--set", "run.warm_up=0 d", "--replications", "2", "--quiet")
    imported = imported_by("run", str(SCENARIOS / "two_stage.yaml"), *short, "--out", str(tmp_path / "out"))
    assert {"numba", "matplotlib"} <= imported
    assert not imported & {"pandas", "pyarrow"}


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("chekc", NATIONAL), "No such command 'chekc'. Did you mean 'check'?"),
        ((NATIONAL,), f"is a file, not a command. Did you mean 'tipline run {NATIONAL}'?"),
        (("check", NATIONAL, "--sed", "3"), "--seed"),
        (("check", NATIONAL, "--engine", "fast"), "'fast' is not one of 'compiled', 'reference'"),
        (("check",), "Missing argument 'FILE'"),
        (("check", NATIONAL, "--replications", "0"), "Invalid value for '--replications'"),
        (("explain", NATIONAL), "Missing option '--tip'"),
    ],
)
def test_a_slip_on_the_command_line_gets_a_hint(arguments: tuple[str | Path, ...], message: str) -> None:
    done = tipline(*arguments)
    assert done.exit_code == options.BAD_INPUT
    assert message.replace(" ", "") in plain(done.output).replace(" ", "")


def test_the_version_is_that_of_the_package() -> None:
    assert tipline("--version").output == f"tipline {sim.__version__}\n"


def test_python_m_sim_does_what_tipline_does() -> None:
    assert shell("--version").stdout == tipline("--version").output


def test_without_a_command_the_help_is_shown() -> None:
    assert "check" in tipline().output


def test_init_writes_a_scenario_without_faults_or_warnings_and_never_overwrites(tmp_path: Path) -> None:
    file = tmp_path / "new.yaml"
    first = tipline("init", file)
    assert first.exit_code == options.DONE
    assert f"tipline check {file}" in first.output
    checked = tipline("check", file)
    assert checked.exit_code == options.DONE
    assert "No warnings." in checked.output
    file.write_text("mine", encoding="utf-8")
    again = tipline("init", file)
    assert again.exit_code == options.BAD_INPUT
    assert "is there already" in again.output
    assert file.read_text(encoding="utf-8") == "mine"


def test_the_schema_accepts_what_is_shipped_and_underlines_what_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    assert tipline("schema", "--out", file).exit_code == options.DONE
    schema = json.loads(file.read_text(encoding="utf-8"))
    assert schema == json.loads(tipline("schema").output) == json_schema()
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    for shipped in (*SCENARIOS.glob("*.yaml"), ROOT / "sim" / "cli" / "template.yaml"):
        tree = compose(shipped.read_text(encoding="utf-8"), str(shipped)).plain()
        if "scenario" not in tree:
            continue  # ledgers and studies are no scenarios
        assert not list(validator.iter_errors(tree)), shipped
    tree = compose(NATIONAL.read_text(encoding="utf-8"), "").plain()
    tree["pols"] = {}
    del tree["run"]["start"]
    tree["pools"]["analysts"]["staff"] = "two"
    wrong = {error.json_path for error in validator.iter_errors(tree)}
    assert wrong == {"$", "$.pools.analysts.staff"}


def test_a_reading_is_refused_where_no_targets_come_from_a_ledger() -> None:
    done = tipline("check", NATIONAL, "--reading", "strict")
    assert done.exit_code == options.BAD_INPUT
    assert "come from no ledger" in done.output


def test_a_fault_of_the_program_is_told_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a slip")

    monkeypatch.setattr("sim.text.model.parts", broken)
    monkeypatch.setattr(sys, "argv", ["tipline", "check", "a file.yaml"])
    done = tipline("check", NATIONAL)
    assert done.exit_code == options.OWN_FAULT
    assert "this is a fault of the program: KeyError: 'a slip'" in done.output
    assert "TIPLINE_TRACEBACK=1 tipline check 'a file.yaml'" in done.output
    assert "Traceback" not in done.output
    monkeypatch.setenv("TIPLINE_TRACEBACK", "1")
    assert isinstance(tipline("check", NATIONAL).exception, KeyError)


def test_an_interruption_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sim.text.model.parts", stopped)
    monkeypatch.setattr(sys, "argv", ["tipline", "run", "--resume", "line.yaml"])
    done = tipline("check", NATIONAL)
    assert done.exit_code == options.INTERRUPTED
    assert "tipline run line.yaml --resume" in done.output


def test_a_folder_that_cannot_be_written_is_told_plainly(tmp_path: Path) -> None:
    done = tipline("schema", "--out", tmp_path / "nowhere" / "schema.json")
    assert done.exit_code == options.BAD_INPUT
    assert "No such file or directory" in done.output
