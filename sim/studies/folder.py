"""The folder that a run leaves behind: tables, the scenario as resolved, and a manifest to repeat it by."""

from __future__ import annotations

import io
import json
import platform
import shutil
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ruamel.yaml import YAML

from sim.scenario.faults import Mark, ScenarioError
from sim.scenario.loading import Document
from sim.scenario.tree import of_plain
from sim.studies import tables
from sim.studies.frames import write_csv
from sim.studies.keeping import write_atomic

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario
    from sim.studies.replicate import Done

PACKAGES: Final = ("tipline", "simpy", "numpy", "numba", "scipy", "pandas", "pyarrow", "matplotlib")
IN_PROGRESS: Final = ".in-progress"
"""Where finished replications wait, inside the folder, until the run is done."""


def write(done: Done, folder: Path, command: Sequence[str]) -> list[Path]:
    """Write all but the plots into the folder; gives the files. `command` is told in the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    sample = done.sample
    written = {f"{name}.csv": frame for name, frame in tables.every(sample).items()}
    for name, frame in written.items():
        write_csv(folder / name, frame)
    write_scenario(done.scenario, folder)
    files = [*written, "scenario.yaml"]
    if done.event_parts:
        from sim.studies import events

        events.write(done.event_parts, folder / "events.parquet")
        files.append("events.parquet")
    told = {
        "seed": done.seed,
        "replications": len(sample) + len(done.failures),
        "engine": done.engine,
        "failed": {str(index): failure.error for index, failure in done.failures.items()},
    }
    write_manifest(done.scenario, folder, command, files, told)
    return [folder / name for name in [*files, "manifest.json"]]


def clear_progress(folder: Path) -> None:
    """Throw away what was kept to resume by: the run is done."""
    shutil.rmtree(folder / IN_PROGRESS, ignore_errors=True)


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


def write_manifest(
    scenario: Scenario, folder: Path, command: Sequence[str], files: Sequence[str], told: dict[str, Any]
) -> None:
    """Write what it takes to repeat a study."""
    manifest = {
        "scenario": scenario.scenario,
        "file": scenario.path.name,
        "scenario_sha256": scenario.hash,
        **told,
        "command": list(command),
        "versions": versions(),
        "platform": machine(),
        "files": list(files),
    }
    write_atomic(folder / "manifest.json", (json.dumps(manifest, indent=2) + "\n").encode())


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
