"""A folder of results as a transaction: kills, full disks, foreign files and hostile notes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import sim
from sim.answers import store
from sim.answers.run import Run
from sim.answers.store import BusyError, held, save

SMALL = """
scenario: Small
run: {start: 2025-01-06 00:00, warm_up: 0 d, length: 7 d, replications: 2}
demand: {volume: 20/h}
pools: {desk: {staff: 2}}
stages: [{name: answer, pool: desk, service: 4 min}]
targets: {quick: {from: arrival, to: answer.start, within: 1 min, share: 50 %}}
"""


@pytest.fixture(scope="module")
def one() -> Run:
    return sim.run(SMALL, jobs=1)


@pytest.fixture(scope="module")
def other() -> Run:
    return sim.run(SMALL, seed=7, jobs=1)


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, but the note, which names the command that was given."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_the_new_takes_the_place_of_the_old_and_nothing_is_left_beside_it(one: Run, other: Run, tmp_path: Path) -> None:
    save(one, tmp_path / "a")
    first = content(tmp_path / "a")
    save(other, tmp_path / "a")
    save(other, tmp_path / "b")
    assert content(tmp_path / "a") == content(tmp_path / "b") != first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_note_lists_what_was_left_with_its_hash(one: Run, tmp_path: Path) -> None:
    save(one, tmp_path / "a")
    told = json.loads((tmp_path / "a" / "manifest.json").read_text())["files"]
    assert set(told) == set(content(tmp_path / "a")) - {"manifest.json"}
    assert all(store._hash(tmp_path / "a" / name) == hashed for name, hashed in told.items())


def test_what_this_answer_does_not_leave_and_the_last_one_did_is_gone(one: Run, tmp_path: Path) -> None:
    missed = sim.run(SMALL.replace("50 %", "99.99 %"), jobs=1)
    save(missed, tmp_path / "a")
    assert (tmp_path / "a" / "unlimited.csv").exists()
    save(one, tmp_path / "a")
    assert not (tmp_path / "a" / "unlimited.csv").exists()


def test_what_others_put_there_stays(one: Run, other: Run, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    save(one, folder)
    (folder / "mine.txt").write_text("mine")
    (folder / "targets.csv").write_text("changed by hand")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    said: list[str] = []
    save(other, folder, said.append)
    assert (folder / "mine.txt").read_text() == "mine"
    assert (folder / "targets.before.csv").read_text() == "changed by hand"
    assert (folder / "link").is_symlink()
    assert said == ["targets.csv was not as it was left, and is kept as targets.before.csv"]
    save(other, tmp_path / "b")
    kept = {name: text for name, text in content(folder).items() if name not in ("mine.txt", "targets.before.csv")}
    assert kept == content(tmp_path / "b")


@pytest.mark.parametrize("name", ["../victim", "/{victim}", "", "a/../../victim", "linked/victim", "."])
def test_a_note_that_names_files_elsewhere_takes_nothing_away(name: str, one: Run, other: Run, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    folder = tmp_path / "a"
    save(one, folder)
    (folder / "linked").symlink_to(tmp_path)
    note = folder / "manifest.json"
    told = json.loads(note.read_text())
    told["files"][name.format(victim=str(victim)[1:])] = store._hash(victim)
    note.write_text(json.dumps(told))
    save(other, folder)
    assert victim.read_text() == "precious"


def test_a_second_writer_is_told(one: Run, tmp_path: Path) -> None:
    save(one, tmp_path / "a")
    before = content(tmp_path / "a")
    with held(tmp_path / "a"), pytest.raises(BusyError, match="another tipline"):
        save(one, tmp_path / "a")
    assert content(tmp_path / "a") == before


KILLED = """
import os, sys
from pathlib import Path
import sim
from sim.answers import store

wanted, folder, count = int(sys.argv[1]), Path(sys.argv[2]), 0
answer = sim.run(Path(sys.argv[3]).read_text(), seed=7, jobs=1)
plain = {name: getattr(os, name) for name in ("fsync", "rename", "replace", "link", "unlink", "mkdir", "rmdir")}

def counted(name):
    def call(*given, **named):
        global count
        count += 1
        if count == wanted:
            os.kill(os.getpid(), 9)
        return plain[name](*given, **named)
    return call

for name in plain:
    setattr(os, name, counted(name))
store.save(answer, folder)
print(count)
"""


def killed_at(number: int, folder: Path, file: Path, script: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(script), str(number), str(folder), str(file)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": os.getcwd()})


@pytest.mark.slow
@pytest.mark.parametrize("foreign", [False, True])
def test_killed_at_any_step_the_old_or_the_new_is_there_whole(
    foreign: bool, one: Run, other: Run, tmp_path: Path
) -> None:
    """kill -9 at every call that changes the disk; where files are replaced one by one, the next to open ends it."""
    script, file = tmp_path / "script.py", tmp_path / "small.yaml"
    script.write_text(textwrap.dedent(KILLED))
    file.write_text(SMALL)
    save(one, tmp_path / "old")
    save(other, tmp_path / "new")
    old, new = content(tmp_path / "old"), content(tmp_path / "new")
    seen = set()
    for number in range(1, 200):
        folder = tmp_path / str(number) / "a"
        folder.parent.mkdir()
        save(one, folder)
        if foreign:
            (folder / "mine.txt").write_text("mine")
        found = killed_at(number, folder, file, script)
        with held(folder):
            pass
        there = content(folder)
        assert there.pop("mine.txt", None) == (b"mine" if foreign else None)
        # The note tells the command that was given; what it lists is the same.
        for files in (there, old, new):
            files.pop("manifest.json", None)
        assert there in (old, new), number
        seen.add(there == new)
        if found.returncode == 0:
            assert there == new
            break
        assert found.returncode == -signal.SIGKILL, found.stderr
    assert seen == {False, True}


def test_a_full_disk_leaves_the_old_result_whole(
    one: Run, other: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(one, tmp_path / "a")
    before = content(tmp_path / "a")
    written = 0
    plain = store._write

    def full(path: Path, text: bytes) -> None:
        nonlocal written
        written += 1
        if written == 7:
            raise OSError(28, "No space left on device")
        plain(path, text)

    monkeypatch.setattr(store, "_write", full)
    with pytest.raises(OSError, match="No space"):
        save(other, tmp_path / "a")
    assert content(tmp_path / "a") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]
