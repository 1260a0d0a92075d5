"""A folder of results as a transaction: kills, full disks, foreign files and hostile notes."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.answers import store
from sim.answers.run import RunAnswer
from sim.answers.store import BusyError, held, save
from tests.cli.lines import content, tipline

SMALL = """
scenario: Small
run: {start: 2025-01-06 00:00, warm_up: 0 d, length: 7 d, replications: 2}
demand: {volume: 20/h}
pools: {desk: {staff: 2}}
stages: [{name: answer, pool: desk, service: 4 min}]
targets: {quick: {from: arrival, to: answer.start, within: 1 min, share: 20 %}}
"""


@pytest.fixture(scope="module")
def one() -> RunAnswer:
    return sim.run(SMALL, jobs=1)


@pytest.fixture(scope="module")
def other() -> RunAnswer:
    return sim.run(SMALL, seed=7, jobs=1)


def test_the_new_takes_the_place_of_the_old_and_nothing_is_left_beside_it(
    one: RunAnswer, other: RunAnswer, tmp_path: Path
) -> None:
    save(one, tmp_path / "a")
    first = content(tmp_path / "a")
    save(other, tmp_path / "a")
    save(other, tmp_path / "b")
    assert content(tmp_path / "a") == content(tmp_path / "b") != first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_note_lists_what_was_left_with_its_hash(one: RunAnswer, tmp_path: Path) -> None:
    save(one, tmp_path / "a")
    told = json.loads((tmp_path / "a" / "manifest.json").read_text())["files"]
    assert set(told) == set(content(tmp_path / "a")) - {"manifest.json"}
    assert all(store._hash(tmp_path / "a" / name) == hashed for name, hashed in told.items())


def test_what_this_answer_does_not_leave_and_the_last_one_did_is_gone(one: RunAnswer, tmp_path: Path) -> None:
    missed = sim.run(SMALL.replace("20 %", "99.99 %"), jobs=1)
    save(missed, tmp_path / "a")
    assert (tmp_path / "a" / "unlimited.csv").exists()
    save(one, tmp_path / "a")
    assert not (tmp_path / "a" / "unlimited.csv").exists()


def test_what_others_put_there_stays(one: RunAnswer, other: RunAnswer, tmp_path: Path) -> None:
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
def test_a_note_that_names_files_elsewhere_takes_nothing_away(
    name: str, one: RunAnswer, other: RunAnswer, tmp_path: Path
) -> None:
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


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"aside": 1, "made": [], "gone": {}}', '{"aside": {"x": "y"}, "made": [[1]], "gone": {}}']
)
def test_a_damaged_list_of_moves_is_passed_over(text: str, one: RunAnswer, tmp_path: Path) -> None:
    save(one, tmp_path / "a")
    before = content(tmp_path / "a")
    workplace = store._workplace(tmp_path / "a")
    workplace.mkdir()
    (workplace / store.LEFT_TO_DO).write_text(text)
    with held(tmp_path / "a"):
        assert content(tmp_path / "a") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


def test_a_second_writer_is_told(one: RunAnswer, tmp_path: Path) -> None:
    save(one, tmp_path / "a")
    before = content(tmp_path / "a")
    with held(tmp_path / "a"), pytest.raises(BusyError, match="another tipline"):
        save(one, tmp_path / "a")
    assert content(tmp_path / "a") == before


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copied only there")
def test_a_copy_of_a_killed_process_holds_no_folder(tmp_path: Path) -> None:
    begun, told = os.pipe()
    holder = os.fork()
    if holder == 0:
        try:
            with held(tmp_path / "a"):
                if os.fork() == 0:
                    os.write(told, b".")
                    time.sleep(5)
                    os._exit(0)
                os.read(begun, 1)
                os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(holder, 0)[1]) == signal.SIGKILL
    with held(tmp_path / "a") as place:
        assert place.folder == tmp_path / "a"
    os.close(begun)
    os.close(told)


CHANGES_THE_DISK = ("fsync", "rename", "replace", "link", "unlink", "mkdir", "rmdir")


def saved_until_killed(answer: RunAnswer, folder: Path, number: int) -> int:
    """Save in a process that is killed with SIGKILL at its call of that number that changes the disk; how it ended."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    count = 0

    def counted(plain: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return plain(*given, **named)

        return call

    for name in CHANGES_THE_DISK:
        setattr(os, name, counted(getattr(os, name)))
    save(answer, folder)
    os._exit(0)


@pytest.mark.parametrize("foreign", [False, True])
def test_killed_at_any_step_the_old_or_the_new_is_there_whole(
    foreign: bool, one: RunAnswer, other: RunAnswer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kill -9 at every call that changes the disk; where files are replaced one by one, the next to open ends it."""
    for name, answer in (("old", one), ("new", other)):
        save(answer, tmp_path / name)
    old, new = content(tmp_path / "old"), content(tmp_path / "new")

    def made(answer: RunAnswer, into: Path) -> list[str]:
        """The same files without drawing the figures each time, the note last."""
        for name, text in sorted((old if answer is one else new).items(), key=lambda item: item[0] == answer.note):
            store._write(into / name, text)
        return []

    monkeypatch.setattr(store, "_made", made)
    seen = set()
    for number in range(1, 300):
        folder = tmp_path / str(number) / "a"
        folder.parent.mkdir()
        save(one, folder)
        if foreign:
            (folder / "mine.txt").write_text("mine")
        status = saved_until_killed(other, folder, number)
        if not foreign:
            assert content(folder) in (old, new), "before anybody has opened it again"
        with held(folder):
            there = content(folder)
        assert there.pop("mine.txt", None) == (b"mine" if foreign else None)
        assert there in (old, new), number
        assert [path.name for path in folder.parent.iterdir()] == ["a"]
        seen.add(there == new)
        if status == 0:
            break
        assert os.WTERMSIG(status) == signal.SIGKILL
    assert status == 0
    assert seen == {False, True}


def test_a_full_disk_leaves_the_old_result_whole(
    one: RunAnswer, other: RunAnswer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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


@pytest.mark.parametrize("command", ["run", "map --x pools.desk.staff=1,2 --y demand.volume=10,20"])
def test_a_second_command_is_told_in_a_line(command: str, tmp_path: Path) -> None:
    """Before it does any work."""
    (tmp_path / "doc.yaml").write_text(SMALL)
    words = command.split()
    with held(tmp_path / "out"):
        done = tipline(words[0], tmp_path / "doc.yaml", *words[1:], "--out", tmp_path / "out", "--quiet")
    assert done.exit_code == 2
    assert done.output.startswith(f"tipline {words[0]}: ")
    assert done.output.endswith("is being written by another tipline; wait for it, or choose --out\n")
    assert done.output.count("\n") == 1


@pytest.mark.parametrize("kind", ["file", "pipe", "link"])
def test_what_is_no_folder_is_left_as_it_is(kind: str, tmp_path: Path) -> None:
    """It may be the very scenario, by a slip of the hand."""
    (tmp_path / "doc.yaml").write_text(SMALL)
    out = tmp_path / "doc.yaml" if kind == "file" else tmp_path / "out"
    if kind == "pipe":
        os.mkfifo(out)
    elif kind == "link":
        out.symlink_to(tmp_path / "nothing")
    before = sorted(path.name for path in tmp_path.iterdir())
    done = tipline("run", tmp_path / "doc.yaml", "--out", out)
    assert done.exit_code == 2
    assert done.output == f"tipline run: {out}: is no folder, and results go into one: choose another --out\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert (tmp_path / "doc.yaml").read_text() == SMALL
