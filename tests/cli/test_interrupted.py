"""Studies that are killed in the middle and taken up again leave the same files as those that were left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.lines import ROOT, content, shell
from tests.studies.lines import DESK

PIECES = 60
"""Replications that are kept when the study is killed; each has many more."""

COMMANDS = {
    "map": ("--x", "pools.desk.staff=1..6", "--y", "demand.volume=4..28/h:6"),
    "sensitivity": ("--points", "16"),
    "plausibility": ("--worlds", "100", "--length", "1 d"),
    "runway": ("--growth", "15 %,40 %", "--staff-years", "1", "--replications", "20"),
}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_killed_study_goes_on_to_the_same_files(tmp_path: Path, command: str) -> None:
    (tmp_path / "desk.yaml").write_text(DESK, encoding="utf-8")
    folders = [tmp_path / name for name in ("alone", "killed")]
    for folder in folders:
        folder.mkdir()
    given = (command, "../desk.yaml", *COMMANDS[command], "--out", "out", "--jobs", "2")
    assert shell(*given, folder=folders[0]).returncode == 0
    kept = _killed(given, folders[1], command)
    assert kept >= PIECES
    assert not list((folders[1] / "out").glob("*.csv"))
    assert shell(*given, "--resume", folder=folders[1]).returncode == 0
    assert content(folders[0]) == content(folders[1])


def _killed(given: tuple[str, ...], folder: Path, command: str) -> int:
    """Start a command and kill it when some replications are kept; gives how many."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TIPLINE_TRACEBACK": "1"}

    def kept() -> int:
        # Beside the folder of results, or within it.
        return len(list(folder.rglob(f"*-{command}/*.piece")))

    with subprocess.Popen([sys.executable, "-m", "sim", *given], cwd=folder, env=environment) as process:
        until = time.monotonic() + 300
        while kept() < PIECES and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    return kept()
