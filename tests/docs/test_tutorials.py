"""The tutorials, done from their pages alone: every block as written, in an empty folder, and what it shows is so."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.lines import ROOT, put_tipline
from tests.docs.made import DOCS, made

TUTORIALS = DOCS / "tutorials"


def blocks(page: str) -> list[tuple[str, str]]:
    """The blocks of a page: what they are, and their text."""
    text = (TUTORIALS / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """An empty folder, and a `tipline` to call."""
    put_tipline(tmp_path)
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


def done(place: Path, *command: str) -> list[str]:
    """The lines that a command writes."""
    path = f"{place.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "MPLBACKEND": "agg"}
    found = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("page", ["planner", "journalist"])
def test_every_block_of_a_tutorial_runs_as_written_and_shows_what_is_said(place: Path, page: str) -> None:
    said: list[str] = []
    for kind, text in blocks(page):
        if kind == "bash":
            said = done(place, "bash", "-euo", "pipefail", "-c", text)
        elif kind == "text":
            for line in text.splitlines():
                assert any(line.strip() in one for one in said), line
    assert list(place.glob("results/*/report.html"))


def test_the_notebook_is_the_page() -> None:
    page = (TUTORIALS / "researcher.md").read_text(encoding="utf-8")
    kept = (TUTORIALS / "researcher.ipynb").read_text(encoding="utf-8")
    assert kept == made().notebook(page), "python docs/pages.py makes it again"
    assert len([cell for cell in json.loads(kept)["cells"] if cell["cell_type"] == "code"]) > 5


@pytest.mark.slow
def test_the_notebook_runs(place: Path) -> None:
    """Cell by cell in one namespace, as Jupyter does it."""
    cells = json.loads((TUTORIALS / "researcher.ipynb").read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    (place / "cells.json").write_text(json.dumps(code), encoding="utf-8")
    run = (
        "import json; names = {}\nfor cell in json.load(open('cells.json')): exec(compile(cell, 'cell', 'exec'), names)"
    )
    said = "\n".join(done(place, sys.executable, "-c", run))
    assert "A small line with 2 and with 1" in said
    assert re.search(r"^ *urgent +[\d. ]+(met|missed|undecided)$", said, re.MULTILINE)
    shares = [float(share) for share in re.findall(r"[\d.]+: ([\d.]+)", said.splitlines()[-1])]
    assert len(shares) == 3
    assert (place / "run.png").stat().st_size > 10_000
