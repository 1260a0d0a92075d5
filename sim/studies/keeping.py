"""Finished pieces of work on disk, so that an interrupted study goes on where it was; nothing in the files is ever run.

A piece is a frozen dataclass of arrays, numbers, texts, tuples, dictionaries and dataclasses of the same. Its arrays
go into an npz file without pickles, its structure into a JSON text beside them; only dataclasses that the type hints of
the expected class name are made when it is read. Every write is atomic: a killed program leaves the piece or nothing.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, Final, Generic, TypeVar, get_args, get_type_hints

import numpy as np

Piece = TypeVar("Piece")
STRUCTURE: Final = "structure"


class Kept(Generic[Piece]):
    """The finished pieces of one study in one folder, by a short name each."""

    def __init__(self, folder: Path, of: type[Piece], key: str, *, resume: bool):
        """Open the folder; what another study left there, or this one when it is not resumed, is cleared away.

        `key` is a text that differs whenever the pieces would.
        """
        self.folder = folder
        self._classes = {found.__name__: found for found in _dataclasses(of)}
        told = folder / "key"
        if not (resume and told.is_file() and told.read_text() == key):
            self.clear()
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(told, key.encode())

    def put(self, name: str, piece: Piece) -> None:
        """Keep a finished piece."""
        arrays: dict[str, np.ndarray[Any, Any]] = {}
        structure = json.dumps(_taken_apart(piece, arrays))
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as file:
            np.savez(file, allow_pickle=False, **{STRUCTURE: np.array(structure)}, **arrays)
        os.replace(file.name, self._path(name))

    def get(self, name: str) -> Piece | None:
        """A kept piece, or None where there is none that can be read."""
        try:
            with np.load(self._path(name), allow_pickle=False) as arrays:
                structure = json.loads(str(arrays[STRUCTURE]))
                piece: Piece = self._put_together(structure, arrays)
        except (FileNotFoundError, zipfile.BadZipFile, KeyError, ValueError, TypeError):
            return None
        return piece

    def clear(self) -> None:
        """Throw all pieces away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npz"

    def _put_together(self, structure: Any, arrays: Any) -> Any:
        if not isinstance(structure, list):
            return structure
        kind, *parts = structure
        if kind == "array":
            return arrays[parts[0]]
        if kind == "dict":
            return {key: self._put_together(value, arrays) for key, value in parts}
        if kind == "tuple":
            return tuple(self._put_together(value, arrays) for value in parts)
        if kind == "list":
            return [self._put_together(value, arrays) for value in parts]
        return self._classes[kind](**{key: self._put_together(value, arrays) for key, value in parts})


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: the previous one stays until the new one is complete."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def _taken_apart(value: Any, arrays: dict[str, np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return ["array", name]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = [[f.name, _taken_apart(getattr(value, f.name), arrays)] for f in dataclasses.fields(value) if f.init]
        return [type(value).__name__, *parts]
    if isinstance(value, dict):
        return ["dict", *([key, _taken_apart(one, arrays)] for key, one in value.items())]
    if isinstance(value, tuple | list):
        return [type(value).__name__, *(_taken_apart(one, arrays) for one in value)]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a piece of work cannot hold a {type(value).__name__}")


def _dataclasses(hint: Any, seen: frozenset[Any] = frozenset()) -> Iterator[type]:
    """The dataclasses that a type hint names, at any depth."""
    if hint in seen:
        return
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        yield hint
        for inner in get_type_hints(hint).values():
            yield from _dataclasses(inner, seen | {hint})
    elif get_args(hint) or isinstance(hint, UnionType):
        for inner in get_args(hint):
            yield from _dataclasses(inner, seen)
