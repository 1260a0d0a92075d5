"""Where compiled functions are kept: `njit` is numba's, with a cache that notices every change of the sources.

Numba looks at the file of a cached function alone, not at those of the functions that it calls, so an edited rule
would go unnoticed. The cache is therefore a folder of the user's own, named after what all files with kernels say; a
read-only installation needs no other. A cache folder that the user has chosen (NUMBA_CACHE_DIR) is left alone.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

import numba
from numba import njit
from numpy import int64

__all__ = ["inlined", "int64", "kernel", "njit"]

FOLDERS: Final = ("dynamics", "measures")
"""Folders of the package that hold kernels, or functions that kernels call."""


LIST: Final = "kernels.json"
"""What was kept, with hashes, when a process last left."""


def sources_digest() -> str:
    """A short text that differs whenever a source with kernels does, or the compiler."""
    package = Path(__file__).parents[1]
    sources = sorted(path for folder in FOLDERS for path in (package / folder).glob("*.py"))
    said = b"".join(path.read_bytes() for path in sources)
    return sha256(numba.__version__.encode() + said).hexdigest()[:16]


def _user_cache() -> Path:
    """The folder for caches of this user, as the system has it."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home()))
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))


def _folder() -> Path:
    """A folder to keep kernels in: the user's, or where none can be written, one for this process alone.

    Never one that others could write to: what is kept there is run.
    """
    try:
        folder = _user_cache() / "tipline" / sources_digest()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (_private(folder) and _private(folder.parent)):
            raise PermissionError(f"others could write to {folder}")
        with tempfile.TemporaryFile(dir=folder):
            heal(folder)
            atexit.register(_list, folder)
            return folder
    except (OSError, RuntimeError):
        folder = Path(tempfile.mkdtemp(prefix="tipline-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return folder


def _private(folder: Path) -> bool:
    """Whether a folder is this user's, and nobody else's to write to."""
    found = folder.stat()
    return sys.platform == "win32" or (found.st_uid == os.geteuid() and not found.st_mode & 0o022)


def heal(folder: Path) -> None:
    """Take away kept kernels that are not as they were when the folder was last listed: they are compiled anew."""
    listed = _listed(folder)
    for name, hashed in _hashes(folder).items():
        if not (folder / name).stat().st_size or listed.get(name, hashed) != hashed:
            (folder / name).unlink(missing_ok=True)


def _listed(folder: Path) -> dict[str, str]:
    try:
        told = json.loads((folder / LIST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _list(folder: Path) -> None:
    """Note what is in the folder, as this process leaves it; where that cannot be done nothing is noted."""
    found = _hashes(folder)
    if not found or found == _listed(folder):
        return
    with suppress(OSError), tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as file:
        json.dump(found, file)
        os.replace(file.name, folder / LIST)


def _hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every kept kernel and index, by its name below the folder."""
    kept = (path for ending in ("nbi", "nbc") for path in sorted(folder.rglob(f"*.{ending}")))
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in kept}


if not numba.config.CACHE_DIR:
    numba.config.CACHE_DIR = str(_folder())

kernel = njit(cache=True, nogil=True, _nrt=False)
"""A compiled function that allocates nothing: arrays are its caller's, so that nobody has to count who holds them."""

inlined = njit(inline="always", _nrt=False)
"""A part of such a function, of its own only to be read: it is compiled as if it stood where it is called."""
