"""Finished pieces of work on disk, so that an interrupted study goes on where it was; nothing in the files is ever run.

A piece is a dictionary of arrays, kept as an npz file without pickles. Every write is atomic: a killed program leaves
the piece or nothing.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Piece = dict[str, NDArray[Any]]


class Kept:
    """The finished pieces of one study in one folder, by a short name each."""

    def __init__(self, folder: Path, key: str, *, resume: bool):
        """Open the folder; what another study left there, or this one when it is not resumed, is cleared away.

        `key` is a text that differs whenever the pieces would.
        """
        self.folder = folder
        told = folder / "key"
        if not (resume and told.is_file() and told.read_text() == key):
            self.clear()
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(told, key.encode())

    def put(self, name: str, piece: Piece) -> None:
        """Keep a finished piece."""
        with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".part", delete=False) as file:
            np.savez(file, allow_pickle=False, **piece)
        os.replace(file.name, self.path(name))

    def get(self, name: str) -> Piece | None:
        """A kept piece, or None where there is none, or none that can be read."""
        try:
            with np.load(self.path(name), allow_pickle=False) as arrays:
                return {field: arrays[field] for field in arrays.files}
        except (FileNotFoundError, zipfile.BadZipFile, ValueError, EOFError):
            return None

    def clear(self) -> None:
        """Throw all pieces away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name: str) -> Path:
        """The file of a piece."""
        return self.folder / f"{name}.npz"


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: the previous one stays until the new one is complete."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)
