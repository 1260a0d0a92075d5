"""Compiled functions are kept where an edited rule is noticed, and where only their user can write."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import sim

SAYS_FOLDER = "import numba, sim.dynamics.kernels as k; print(numba.config.CACHE_DIR)"


def folder(environment: dict[str, str], package: Path | None = None) -> Path:
    """The cache folder that a fresh process chooses."""
    kept = {key: value for key, value in os.environ.items() if key not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    where = package or Path(sim.__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-c", SAYS_FOLDER],
        env=kept | environment,
        cwd=where,
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(run.stdout.strip())


def test_a_change_of_a_rule_moves_the_cache(tmp_path: Path) -> None:
    package = tmp_path / "sim"
    shutil.copytree(Path(sim.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    before = folder(cache, tmp_path)
    assert before == folder(cache, tmp_path)
    rules = package / "dynamics" / "order.py"
    rules.write_text(rules.read_text(encoding="utf-8") + "\n# another rule\n", encoding="utf-8")
    assert folder(cache, tmp_path) != before


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the folder for caches is elsewhere")
def test_the_cache_is_the_users_own(tmp_path: Path) -> None:
    found = folder({"XDG_CACHE_HOME": str(tmp_path / "cache")})
    assert found.parent == tmp_path / "cache" / "tipline"
    assert stat.S_IMODE(found.stat().st_mode) == 0o700


def test_without_a_folder_for_caches_one_is_made_and_cleared_away(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").write_text("")
    found = folder({"XDG_CACHE_HOME": str(tmp_path / "file")})
    assert found.name.startswith("tipline-")
    assert not found.exists()


def test_a_chosen_folder_is_left_alone(tmp_path: Path) -> None:
    assert folder({"NUMBA_CACHE_DIR": str(tmp_path / "mine")}) == tmp_path / "mine"
