"""Compiled functions are kept where an edited rule is noticed, and where only their user can write."""

from __future__ import annotations

import gc
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba.core.types.functions import BaseFunction

import sim
from sim.dynamics import kernels

SAYS_FOLDER = "from sim.dynamics.kernels import folder_of; print(folder_of('{0}'))"


ENGINE = "sim.dynamics.loop"
MEASURES = "sim.measures.passes"


def folder(
    environment: dict[str, str], package: Path | None = None, module: str = ENGINE, says: str = SAYS_FOLDER
) -> Path:
    """The folder that a fresh process chooses for the kernels of a module."""
    kept = {key: value for key, value in os.environ.items() if key not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}
    where = package or Path(sim.__file__).parents[1]
    run = subprocess.run(
        [sys.executable, "-c", says.format(module)],
        env=kept | environment,
        cwd=where,
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(run.stdout.strip())


def test_a_change_of_what_a_kernel_is_made_of_moves_it_and_no_other_change_does(tmp_path: Path) -> None:
    package = tmp_path / "sim"
    shutil.copytree(Path(sim.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}

    def both() -> tuple[Path, Path]:
        return folder(cache, tmp_path, ENGINE), folder(cache, tmp_path, MEASURES)

    def edit(file: str) -> None:
        path = package / file
        path.write_text(path.read_text(encoding="utf-8") + "\n# another rule\n", encoding="utf-8")

    engine, measures = both()
    assert (engine, measures) == (folder(cache, None, ENGINE), folder(cache, None, MEASURES)), (
        "a copy is compiled again"
    )
    edit("measures/bins.py")
    assert both()[0] == engine
    assert both()[1] != measures
    measures = both()[1]
    edit("dynamics/hands.py")
    assert both()[0] != engine
    assert both()[1] == measures
    engine = both()[0]
    edit("dynamics/order.py")
    assert both()[0] != engine
    assert both()[1] != measures


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
    """Numba names a folder in it after where the file lies."""
    says = "from {0} import run; print(run._cache.cache_path)"
    found = folder({"NUMBA_CACHE_DIR": str(tmp_path / "mine"), "XDG_CACHE_HOME": str(tmp_path / "no")}, says=says)
    assert found.parent == tmp_path / "mine"
    assert not (tmp_path / "no").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="who may write is told otherwise there")
@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_cache_that_others_can_write_to_is_not_used(tmp_path: Path, mode: int) -> None:
    own = folder({"XDG_CACHE_HOME": str(tmp_path / "cache")})
    own.chmod(mode)
    assert folder({"XDG_CACHE_HOME": str(tmp_path / "cache")}).name.startswith("tipline-")
    own.chmod(0o700)
    own.parent.chmod(mode)
    assert folder({"XDG_CACHE_HOME": str(tmp_path / "cache")}).name.startswith("tipline-")


def test_damaged_kernels_are_taken_away(tmp_path: Path) -> None:
    """Truncated, emptied and changed files go; those that are whole, and those not listed yet, stay."""
    names = ("whole.nbc", "cut.nbc", "empty.nbi", "changed.nbi")
    for name in names:
        (tmp_path / name).write_bytes(name.encode() * 100)
    kernels._list(tmp_path)
    (tmp_path / "cut.nbc").write_bytes((tmp_path / "cut.nbc").read_bytes()[:40])
    (tmp_path / "empty.nbi").write_bytes(b"")
    (tmp_path / "changed.nbi").write_bytes(b"something else")
    (tmp_path / "new.nbc").write_bytes(b"of a process that is still running")
    kernels.heal(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"whole.nbc", "new.nbc", kernels.LIST}
    kernels._list(tmp_path)
    assert set(kernels._listed(tmp_path)) == {"whole.nbc", "new.nbc"}


def test_garbage_is_looked_for_again_once_nothing_is_compiled() -> None:
    assert gc.isenabled()
    with kernels._undisturbed():
        with kernels._undisturbed():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_numba_looks_for_itself_again_once_nothing_is_compiled() -> None:
    own = BaseFunction.get_call_type
    with kernels._undisturbed():
        assert BaseFunction.get_call_type is not own
    assert BaseFunction.get_call_type is own


@pytest.mark.parametrize(("module", "found"), [("sim.another", 0), ("another", 2)])
def test_an_index_of_ours_does_not_count_from_the_end(module: str, found: int) -> None:
    """It is never negative, and not looked at; one of somebody else is as ever."""
    made = {"__name__": module, "part": kernels.part, "njit": kernels.njit}
    exec("@part\ndef at(of, i): return of[i]\n\n@njit\ndef asked(of, i): return at(of, i)", made)
    with kernels._undisturbed():
        assert made["asked"](np.arange(3)[1:], -1) == found


@pytest.mark.slow
def test_no_index_is_negative_or_too_large(tmp_path: Path) -> None:
    """Neither where worlds with every feature are run nor where they are measured: each index is looked at."""
    subprocess.run(
        [sys.executable, "-m", "pytest", "--quiet", "tests/dynamics/test_equality.py", "tests/measures"],
        env=os.environ | {"NUMBA_BOUNDSCHECK": "1", "XDG_CACHE_HOME": str(tmp_path)},
        cwd=Path(sim.__file__).parents[1],
        check=True,
    )


@pytest.mark.slow
def test_a_damaged_cache_heals(tmp_path: Path) -> None:
    """Every kept file is cut short or emptied in turn; the next process runs, and gives the same."""
    code = (
        "import sim; s = sim.load('scenarios/two_stage.yaml', changes={'run.length': '1 d', 'run.warm_up': '0 d'});"
        "print(int(sim.simulate(sim.draw(s, 0)).end.sum()))"
    )
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
    environment["XDG_CACHE_HOME"] = str(tmp_path)

    def run() -> str:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            cwd=Path(sim.__file__).parents[1],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    right = run()
    for number, size in ((0, 100), (-1, 0)):
        kept = sorted(path for ending in ("nbi", "nbc") for path in tmp_path.rglob(f"*.{ending}"))
        path = kept[number]
        path.write_bytes(path.read_bytes()[:size])
        assert run() == right


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
def test_one_process_at_a_time_keeps_something(tmp_path: Path) -> None:
    import fcntl

    def locked() -> bool:
        with (tmp_path / kernels.LOCK).open("wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    with kernels._alone_in(tmp_path):
        assert locked()
    assert not locked()
    with kernels._alone_in(tmp_path / "none"):  # a folder that went away meanwhile
        pass


def test_a_module_lacks_kernels_until_one_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = tmp_path / kernels.sources_digest(MEASURES)
    at.mkdir()
    monkeypatch.setattr(kernels, "folder_of", lambda _: at)
    monkeypatch.setattr(kernels.numba.config, "CACHE_DIR", "")
    assert kernels.lacks(MEASURES)
    (at / "read_tips.nbi").touch()
    assert not kernels.lacks(MEASURES)
    # A folder of this process alone, since the user's could not be used.
    monkeypatch.setattr(kernels, "folder_of", lambda _: tmp_path)
    assert not kernels.lacks(MEASURES)
