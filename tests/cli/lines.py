"""Recorded lines whose every tick can be told with a pencil, and the command line as a user has it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from sim.cli.app import app

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "scenarios"

HEAD = """\
scenario: Recorded
run: {{start: 2025-01-06 08:00, length: {length}, cool_down: 0 d, replications: 2}}
demand:
  trace: tips.csv
"""


def recorded(folder: Path, tips: str, rest: str, length: str = "1 d") -> Path:
    """A scenario file whose tips are those given, one a line: time received, then the columns of the first line."""
    (folder / "tips.csv").write_text(tips.replace(" ", "").replace("T", " "), encoding="utf-8")
    file = folder / "line.yaml"
    file.write_text(HEAD.format(length=length) + rest, encoding="utf-8")
    return file


def tipline(*arguments: str | Path) -> Result:
    """What a command does, in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "80"})


def shell(*arguments: str | Path, folder: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    """What a command does, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "sim", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", **env},
        capture_output=True,
        text=True,
        check=False,
    )


def put_tipline(folder: Path) -> None:
    """A `tipline` to call, in `bin` of a folder."""
    command = folder / "bin" / "tipline"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m sim "$@"\n', encoding="utf-8")
    command.chmod(command.stat().st_mode | stat.S_IEXEC)


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
