"""Finished pieces of work on disk, so that an interrupted study goes on where it was, and what made them: this program,
the machine, and the versions that results may depend on. Nothing in the files is ever run.

A piece is a dictionary of arrays, kept without pickles behind its checksum. Every write is atomic: a killed program
leaves the piece or nothing. What a machine loses that goes down at once is done again: it is not waited for.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.scenario.folder import plain_bytes

Piece = dict[str, NDArray[Any]]


class Kept:
    """The finished pieces of one study in one folder, by a short name each."""

    def __init__(self, folder: Path, key: str, *, resume: bool, tell: Callable[[str], None] = lambda _: None):
        """Open the folder; what another study left there, or this one when it is not resumed, is cleared away.

        `key` is a text that differs whenever the pieces would: what was asked, and what made them (`maker_key`). `tell`
        is told where there is something to go on from that cannot be used.
        """
        self.folder, self._key = folder, key
        told = folder / "key"
        known = _text(told)
        if not (resume and known == key):
            if resume and known:
                tell("what was kept was made by another program or for another question; it is done again")
            self.clear()
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(told, key.encode())
        self._tell = tell

    def put(self, name: str, piece: Piece) -> None:
        """Keep a finished piece, behind the SHA-256 of what it answers and of itself."""
        content = _packed(piece)
        write_atomic(self.path(name), self._digest(name, content) + content, lasting=False)

    def get(self, name: str) -> Piece | None:
        """A kept piece, or None where there is none, or none that is as it was put, under this name and by this key."""
        try:
            content = plain_bytes(self.path(name))
        except FileNotFoundError:
            return None
        except OSError:
            content = b""
        checked, arrays = content[:_DIGEST], content[_DIGEST:]
        if self._digest(name, arrays) != checked:
            self._tell(f"the kept piece {name} is damaged; it is done again")
            _take_away(self.path(name))
            return None
        return _unpacked(arrays)

    def _digest(self, name: str, content: bytes) -> bytes:
        """A piece of another question or under another's name is not this one, however whole it is."""
        return hashlib.sha256(f"{self._key}\0{name}\0".encode() + content).digest()

    def clear(self) -> None:
        """Throw all pieces away."""
        _take_away(self.folder)

    def path(self, name: str) -> Path:
        """The file of a piece."""
        return self.folder / f"{name}.piece"


def _packed(piece: Piece) -> bytes:
    """A piece as bytes: a line of JSON that names the arrays with their types and shapes, and then what they hold.

    A third of the time that numpy's own files take, which are archives of one file for each array. ValueError for
    objects and records.
    """
    arrays = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in piece.items()}
    for name, array in arrays.items():
        if array.dtype.hasobject or array.dtype.names is not None:
            raise ValueError(f"{name} holds no plain numbers or text (got {array.dtype})")
    told = [(name, array.dtype.str, array.shape) for name, array in arrays.items()]
    return b"".join([json.dumps(told).encode(), b"\n", *(array.tobytes() for array in arrays.values())])


def _unpacked(content: bytes) -> Piece:
    """What `_packed` made bytes of."""
    told, _, rest = content.partition(b"\n")
    found, at = {}, 0
    for name, kind, shape in json.loads(told):
        dtype = np.dtype(kind)
        size = math.prod(shape)
        # A copy, for what is read may be added to.
        found[name] = np.frombuffer(rest, dtype, size, at).reshape(shape).copy() if size else np.zeros(shape, dtype)
        at += size * dtype.itemsize
    return found


def _take_away(path: Path) -> None:
    """A file, a folder or a link, whatever lies there; a link alone, not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


_DIGEST: Final = hashlib.sha256().digest_size


_LONGEST_KEY: Final = 10_000


def _text(path: Path) -> str:
    try:
        return plain_bytes(path, _LONGEST_KEY).decode("utf-8")
    except (OSError, ValueError):
        return ""


def write_atomic(path: Path, content: bytes, *, lasting: bool = True) -> None:
    """Write a file whole or not at all: the previous one stays until the new one is complete.

    Unless it is `lasting`, the disk is not waited for, and a machine that goes down may leave a part of it.
    """
    with replacing(path, lasting=lasting) as file:
        file.write(content)


@contextmanager
def replacing(path: Path, *, lasting: bool) -> Iterator[IO[bytes]]:
    """What is written into this takes the place of a file once it is complete, and not at all where writing fails."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            yield file
            file.flush()
            if lasting:
                os.fsync(file.fileno())
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            # It may be in its place already, and only the news of that interrupted.
            Path(file.name).unlink(missing_ok=True)
            raise


# What made a result


MANIFEST: Final = "manifest.json"
"""The note that a run or a study leaves; other commands leave theirs beside it, as `<command>.json`."""

PACKAGES: Final = ("tipline", "simpy", "numpy", "numba", "scipy", "pandas", "pyarrow", "matplotlib")

DRAWN_BY: Final = ("numpy", "scipy", "numba", "simpy")
"""Packages that a drawn or simulated number may depend on."""


def machine() -> str:
    """What kind of machine this is."""
    return f"{sys.platform} {platform.machine()}"


def versions() -> dict[str, str]:
    """What Python this is, and which versions of the packages that results may depend on."""
    return {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


@cache
def program() -> str:
    """SHA-256 of this program: of all its files."""
    package = Path(__file__).parents[1]
    told = hashlib.sha256()
    for path in sorted(path for path in package.rglob("*") if path.suffix in (".py", ".j2", ".css")):
        told.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return told.hexdigest()


def maker_key(engine: str) -> str:
    """What kept replications depend on besides what was asked: the program, the engine, and what they are built on."""
    return f"engine {engine} " + " ".join(f"{name} {told}" for name, told in makers().items())


def makers() -> dict[str, str]:
    """What drawn and simulated numbers depend on besides what is asked, by name."""
    return {"program": program()[:32], **{name: _version(name) for name in DRAWN_BY}, "machine": machine()}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
