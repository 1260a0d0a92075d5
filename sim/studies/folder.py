"""The folder that a run leaves behind: tables, the scenario as resolved, and a manifest to repeat it by."""

from __future__ import annotations

import io
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ruamel.yaml import YAML

from sim.scenario.faults import Mark, ScenarioError
from sim.scenario.loading import Document
from sim.scenario.tree import of_plain
from sim.studies.keeping import write_atomic

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

MANIFEST: Final = "manifest.json"
"""The note that a run or a study leaves; other commands leave theirs beside it, as `<command>.json`."""

PACKAGES: Final = ("tipline", "simpy", "numpy", "numba", "scipy", "pandas", "pyarrow", "matplotlib")


def write_scenario(scenario: Scenario, folder: Path) -> None:
    """Write the scenario as resolved, after `extends`, the variant and the changes; variants that fit no more go."""
    tree = dict(scenario.tree)
    try:
        Document(scenario.path, of_plain(tree, Mark(str(scenario.path)))).scenario()
    except ScenarioError:
        tree.pop("variants", None)
    text = io.StringIO()
    yaml = YAML()
    yaml.width = 120
    yaml.dump(tree, text)
    write_atomic(folder / "scenario.yaml", text.getvalue().encode())


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
