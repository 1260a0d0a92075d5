"""A folder of results as a transaction: what was there stays whole until the new result is, and one writer has it.

A new result is made beside the folder and takes its place in one step. Nothing is ever taken away but files that a note
in the folder lists, with the hash that it lists, below the folder itself; what others put there stays. Where the
folder cannot be exchanged whole, because it holds such things or is where a disk is mounted, its files are replaced one
by one by a list that was written first, and whoever opens the folder next ends what was begun.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from sim.scenario.loading import as_yaml
from sim.studies.keeping import machine, versions, write_atomic
from sim.studies.workers import in_order
from sim.tables.declared import finite

if TYPE_CHECKING:
    from sim.answers.answer import Answer

NEW, OLD, LEFT_TO_DO = "new", "old", "left_to_do.json"
"""In the workplace: the result that is being made, the one before where both must be moved, and the list of moves."""

LARGEST_NOTE: Final = 5_000_000
"""Bytes of a note that is believed."""


class BusyError(OSError):
    """Another process writes into the folder; the message says so."""


@dataclass(frozen=True, slots=True)
class HeldFolder:
    """A folder of results that this process alone writes into."""

    folder: Path
    workplace: Path
    """Beside the folder, and gone when nothing is under way."""
    said: list[str] = field(default_factory=list)
    """What became of files that were in the way."""

    def pieces(self, command: str) -> Path:
        """Where a command keeps finished pieces of work until its answer is saved."""
        return self.workplace / f"pieces-{command}"

    def save(self, answer: Answer) -> list[str]:
        """Put an answer in place of what the folder had of that command; the names of the files to look at first."""
        new = self.workplace / NEW
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        names = _made(answer, new)
        for note, told in notes(self.folder).items():
            if note != answer.note and any(told.get(key) != value for key, value in _about(answer).items()):
                self.said.append(f"{note} and its tables stay, and are of another scenario or seed")
        _put_in_place(self, new, answer.note)
        return names


@contextmanager
def held(folder: Path) -> Iterator[HeldFolder]:
    """Hold a folder of results, which need not be there yet; BusyError where another process does.

    NotADirectoryError where something else is there: it might be the very scenario.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, "is no folder, and results go into one: choose another --out", folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder = folder.parent.resolve() / folder.name if folder.name not in ("", "..") else folder.resolve()
    workplace = _workplace(folder)
    with _locked(workplace, folder):
        _end_what_was_begun(folder, workplace)
        try:
            yield HeldFolder(folder, workplace)
        finally:
            shutil.rmtree(workplace / NEW, ignore_errors=True)
            try:
                workplace.rmdir()
            except OSError as error:
                # Pieces of an interrupted command wait there to be taken up again.
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise


def _workplace(folder: Path) -> Path:
    """Beside the folder, on the same disk; within it where it is a disk of its own or nothing may be put beside it."""
    beside = folder.parent / f".{folder.name}.tipline"
    inside = folder / ".tipline"
    if folder.is_dir():
        own_disk = folder.stat().st_dev != folder.parent.stat().st_dev
        if own_disk or not os.access(folder.parent, os.W_OK) or folder.parent == folder:
            return inside
    return beside


@contextmanager
def _locked(workplace: Path, folder: Path) -> Iterator[None]:
    """The lock goes with the process, however it ends."""
    if sys.platform == "win32":
        workplace.mkdir(parents=True, exist_ok=True)
        yield
        return
    import fcntl

    while True:
        workplace.mkdir(parents=True, exist_ok=True)
        handle = os.open(workplace, os.O_RDONLY)
        _locks.add(handle)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise BusyError(f"{folder} is being written by another tipline; wait for it, or choose --out") from None
            # Whoever held it before may have taken it away.
            if workplace.is_dir() and os.path.samestat(os.fstat(handle), workplace.stat()):
                yield
                return
        finally:
            _locks.discard(handle)
            os.close(handle)


_locks: Final[set[int]] = set()


def _let_go() -> None:
    """In a copy of this process: the locks are not the copy's, and go with this process even where the copy outlives
    it."""
    while _locks:
        os.close(_locks.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


def _made(answer: Answer, new: Path) -> list[str]:
    """Write all files of an answer into an empty folder, its note last; the names but the note's and the scenario's."""
    from sim.plots.style import file_bytes

    content: dict[str, bytes] = {f"{one.name}.csv": one.csv.encode() for one in answer.filled()}
    plots = list(answer.drawn())
    for plot in plots:
        plot.drawing()  # imported before there are forks, and so but once

    def files_of(number: int) -> dict[str, bytes]:
        plot = plots[number]
        figure = plot.draw(answer.found)
        return {f"plots/{plot.name}.{ending}": file_bytes(figure, ending) for ending in ("png", "svg")}

    for drawn in in_order(files_of, len(plots)):
        content |= drawn
    names = list(content)
    content["scenario.yaml"] = as_yaml(answer.scenario).encode()
    for name, text in content.items():
        _write(new / name, text)
    files = {name: hashlib.sha256(text).hexdigest() for name, text in content.items()}
    for name in answer.write_more(new):
        names.append(name)
        files[name] = _hash(new / name) or ""
    _write(new / answer.note, _note(answer, files))
    return names


def _note(answer: Answer, files: dict[str, str]) -> bytes:
    """What was asked and answered, what it takes to repeat it, and the files that were left with their SHA-256."""
    # What was interrupted and taken up again leaves the same files as what was not.
    given = [argument for argument in sys.argv[1:] if argument != "--resume"]
    command = ["tipline", *given] if answer.words is None else list(answer.words)
    told = {"command": command, "versions": versions(), "platform": machine()}
    told |= answer.head() | {"file": answer.scenario.path.name, "answer": answer.sentences(), "files": files}
    return (json.dumps(finite(told), indent=1, default=str) + "\n").encode()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


# What is there already


def notes(folder: Path) -> dict[str, dict[str, Any]]:
    """The notes in a folder, by the names of their files; those that cannot be read say nothing."""
    found = {}
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            if not stat.S_ISREG(path.lstat().st_mode) or path.stat().st_size > LARGEST_NOTE:
                continue
            told = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(told, dict) and isinstance(told.get("files"), dict) and "versions" in told:
            found[path.name] = told
    return found


def _owned(folder: Path) -> dict[str, dict[str, str]]:
    """The files of each note that are as the note says, by the note, which is one of them."""
    found: dict[str, dict[str, str]] = {}
    for note, told in notes(folder).items():
        mine = {name: hashed for name, hashed in told["files"].items() if _plain(name)}
        files = {
            name: hashed for name, hashed in mine.items() if _inside(folder, name) and _hash(folder / name) == hashed
        }
        found[note] = files | {note: _hash(folder / note) or ""}
    return found


def left_by_commands(folder: Path) -> set[str]:
    """The names of the files below a folder that notes in there list, and of these notes."""
    if not folder.is_dir():
        return set()
    every = [folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())]
    return {
        (place / name).relative_to(folder).as_posix()
        for place in every
        for note, told in notes(place).items()
        for name in (note, *(name for name in told["files"] if _plain(name)))
    }


def _about(answer: Answer) -> dict[str, Any]:
    """What an answer shares with others about the same scenario and seed."""
    head = answer.head()
    return {key: head[key] for key in ("hash", "seed")}


def _plain(name: object) -> bool:
    """Whether a name leads nowhere but below its folder, by its letters."""
    if not isinstance(name, str) or not name or "\\" in name or "\0" in name:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and path.parts != ()


def _inside(folder: Path, name: str) -> bool:
    """Whether a file is a plain one below the folder, links resolved."""
    path = folder / name
    try:
        return stat.S_ISREG(path.lstat().st_mode) and path.resolve().is_relative_to(folder.resolve())
    except OSError:
        return False


def _hash(path: Path) -> str | None:
    """SHA-256 of a plain file; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


# The step from the old to the new


def _put_in_place(place: HeldFolder, new: Path, note: str) -> None:
    folder = place.folder
    if not folder.exists():
        os.rename(new, folder)
        return
    own = _owned(folder)
    gone = own.get(note, {})
    others = {name for files in own.values() for name in files} - set(gone)
    strange = [name for name in _files(folder) if name not in gone and name not in others]
    if strange or place.workplace.parent != folder.parent or folder.is_symlink():
        _one_by_one(place, new, gone, others)
        return
    for name in others:
        if not (new / name).exists():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(folder / name, new / name)
    _exchange(folder, new, place.workplace / OLD)
    shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(place.workplace / OLD, ignore_errors=True)


def _files(folder: Path) -> list[str]:
    """Everything below a folder but plain folders, by name; links are not followed."""
    there = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return [path.relative_to(folder).as_posix() for path in there]


def _exchange(folder: Path, new: Path, old: Path) -> None:
    """The new folder in place of the old one, in one step where the system knows how, else in two."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if hasattr(libc, "renameat2"):
            at, exchange = -100, 2
            if libc.renameat2(at, os.fsencode(folder), at, os.fsencode(new), exchange) == 0:
                return
    shutil.rmtree(old, ignore_errors=True)
    os.rename(folder, old)
    os.rename(new, folder)


def _one_by_one(place: HeldFolder, new: Path, gone: dict[str, str], others: set[str]) -> None:
    """Replace and take away files one by one, by a list that is there whole before the first is touched.

    A file of the same name as one of the answer's that no note knows is set aside.
    """
    folder = place.folder
    # The note comes last: it says that the others are there.
    made = sorted(_files(new), key=lambda name: (name.endswith(".json"), name))
    strange = (name for name in made if os.path.lexists(folder / name) and name not in gone and name not in others)
    aside = {name: _beside(folder, name) for name in strange}
    place.said.extend(f"{name} was not as it was left, and is kept as {other}" for name, other in aside.items())
    told = {"aside": aside, "made": made, "gone": {name: h for name, h in gone.items() if name not in made}}
    write_atomic(place.workplace / LEFT_TO_DO, json.dumps(told).encode())
    _end_what_was_begun(folder, place.workplace)


def _beside(folder: Path, name: str) -> str:
    """A name that is free for a file that is in the way."""
    path = PurePosixPath(name)
    tries = (str(path.with_name(f"{path.stem}.before{n or ''}{path.suffix}")) for n in range(1000))
    return next(one for one in tries if not os.path.lexists(folder / one))


def _end_what_was_begun(folder: Path, workplace: Path) -> None:
    """Do what a killed process had still to do, so that the folder is whole."""
    if not folder.exists() and (workplace / OLD).is_dir():
        os.rename(workplace / OLD, folder)
    listed = workplace / LEFT_TO_DO
    for path in workplace.iterdir():
        if path.is_file() and path != listed:
            path.unlink()  # a list that was never whole
    if not listed.is_file():
        return
    told = _moves(listed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, other in told["aside"].items():
        named = _plain(name) and _plain(other)
        if named and os.path.lexists(folder / name) and not os.path.lexists(folder / other):
            os.rename(folder / name, folder / other)
    for name in told["made"]:
        if _plain(name) and (workplace / NEW / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(workplace / NEW / name, folder / name)
    for name, hashed in told["gone"].items():
        if _plain(name) and _inside(folder, name) and _hash(folder / name) == hashed:
            (folder / name).unlink()
    listed.unlink()


def _moves(listed: Path) -> dict[str, Any]:
    """The list of moves; an empty one where it is damaged: then the files of both results stay, and no note fits."""
    try:
        told = json.loads(listed.read_text(encoding="utf-8"))
        return {"aside": dict(told["aside"]), "made": list(told["made"]), "gone": dict(told["gone"])}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {"aside": {}, "made": [], "gone": {}}


def save(answer: Answer, folder: Path, tell: Callable[[str], None] = lambda _: None) -> list[str]:
    """Put an answer into a folder; the names of the files to look at first. BusyError where another process writes."""
    with held(folder) as place:
        names = place.save(answer)
    for line in place.said:
        tell(line)
    return names
