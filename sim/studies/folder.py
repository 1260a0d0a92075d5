"""What made a result: the machine, and the versions that it may depend on."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Final

PACKAGES: Final = ("tipline", "simpy", "numpy", "numba", "scipy", "pandas", "pyarrow", "matplotlib")


def machine() -> str:
    """What kind of machine this is."""
    return f"{sys.platform} {platform.machine()}"


def versions() -> dict[str, str]:
    """What Python this is, and which versions of the packages that results may depend on."""
    return {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
