"""What made a result: this program, the machine, and the versions that results may depend on."""

from __future__ import annotations

import hashlib
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

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


def key(engine: str) -> str:
    """What kept replications depend on besides what was asked: the program, the engine, and what they are built on."""
    built_on = " ".join(f"{name} {_version(name)}" for name in DRAWN_BY)
    return f"program {program()[:32]} engine {engine} {built_on} {machine()}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
