"""A folder of results, read back: tables as texts, figures as files, and what its manifest and its scenario say.

Whatever a folder holds, reading it never fails: what cannot be read is left out, and `faults` says so.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

LARGEST: Final = 20_000_000
"""Bytes of a table, a figure or a text that is still read."""

MOST_ROWS: Final = 1_500
"""Rows of a table that are read; the rest are counted."""

_NATURAL: Final = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file, every cell as it is written."""

    name: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    n_rows: int
    """Rows of the file; more than there are here where it is long."""

    def records(self) -> Iterator[dict[str, str]]:
        """Each row by its columns."""
        return (dict(zip(self.header, row, strict=False)) for row in self.rows)


@dataclass(slots=True)
class Folder:
    """What one command left, or several that wrote into one folder."""

    path: Path
    name: str
    """Below the folder that is reported."""
    title: str
    why: str = ""
    command: tuple[str, ...] = ()
    """As it was given; empty where that is not recorded."""
    manifest: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    figures: dict[str, Path] = field(default_factory=dict)
    """By name; the SVG file where there is one, else the PNG."""
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What commands recorded beside their tables, by the command: what was asked of them, and what they answered."""
    said: str = ""
    """What the command said on the terminal."""
    scenario: Scenario | None = None
    faults: list[str] = field(default_factory=list)

    @property
    def commands(self) -> dict[str, tuple[str, ...]]:
        """The command lines that are recorded, by their command."""
        return {name: line for name, told in self.notes.items() if (line := _texts(told.get("command")))}


@dataclass(slots=True)
class Results:
    """All folders of a study, of a collection, or the one that was given."""

    path: Path
    title: str
    about: str
    manifest: dict[str, Any]
    folders: list[Folder]
    of_study: bool


class NoResultsError(ValueError):
    """The folder holds nothing that can be reported."""


def read_results(path: Path) -> Results:
    """What is in a folder: a study's, a run's, or a collection of such. NoResultsError where there is nothing."""
    if not path.is_dir():
        raise NoResultsError("there is no such folder")
    manifest = _json(path / "manifest.json")
    steps = manifest.get("steps")
    if isinstance(steps, dict):
        folders = [one for name, step in steps.items() if isinstance(step, dict) for one in _step(path, name, step)]
        title = str(manifest.get("study", path.name))
        found = Results(path, title, str(manifest.get("about", "")), manifest, folders, of_study=True)
    else:
        folders = list(_folders(path, path.resolve().name))
        title = folders[0].title if len(folders) == 1 else f"Results in {path.resolve().name}"
        found = Results(path, title, "", manifest, folders, of_study=False)
    if not folders:
        raise NoResultsError("holds no results: neither tables nor the manifest of a study")
    return found


def _step(path: Path, name: str, told: dict[str, Any]) -> Iterator[Folder]:
    """The folders that a step left, those of a command on several files one by one."""
    title, why, command = str(told.get("title", name)), str(told.get("why", "")), _texts(told.get("command"))
    found = list(_folders(path / name, name)) if (path / name).resolve().parent == path.resolve() else []
    for number, one in enumerate(found):
        one.title = title if len(found) == 1 else f"{title}: {one.path.name}"
        one.why, one.command = why if number == 0 else "", command or one.command
        yield one


def _folders(path: Path, name: str) -> Iterator[Folder]:
    """The folder itself if it has tables, and then those below it that have; only two levels deep."""
    found = _folder(path, name)
    if found is not None:
        yield found
    for below in sorted(path.iterdir(), key=_natural) if path.is_dir() else ():
        if below.is_dir() and below.name != "plots" and not below.name.startswith("."):
            inner = _folder(below, f"{name}/{below.name}")
            if inner is not None:
                yield inner


def _folder(path: Path, name: str) -> Folder | None:
    if not path.is_dir():
        return None
    tables = sorted(path.glob("*.csv"), key=_natural)
    manifest = _json(path / "manifest.json")
    notes = {file.stem: _json(file) for file in sorted(path.glob("*.json")) if file.name != "manifest.json"}
    if not tables and not any(notes.values()):
        return None
    titles = [told.get("scenario") for told in (manifest, *notes.values())]
    title = next((one for one in titles if isinstance(one, str) and one), path.resolve().name)
    found = Folder(path, name, title, manifest=manifest, notes=notes)
    found.command = _texts(manifest.get("command"))
    for file in tables:
        table = _table(file)
        if table is None:
            found.faults.append(f"{file.name} cannot be read, and is left out")
        else:
            found.tables[file.name] = table
    for ending in (".png", ".svg"):
        for file in sorted((path / "plots").glob(f"*{ending}"), key=_natural):
            if file.stat().st_size <= LARGEST:
                found.figures[file.stem] = file
    found.said = _text(path / "said.txt")
    found.scenario, fault = _scenario(path / "scenario.yaml")
    if fault:
        found.faults.append(fault)
    return found


def _scenario(path: Path) -> tuple[Scenario | None, str]:
    """The scenario as resolved; without its variants where these name files that are not here."""
    from sim.scenario.faults import ScenarioError
    from sim.scenario.loading import Document, read
    from sim.scenario.tree import with_child

    if not path.is_file():
        return None, ""
    try:
        document = read(path)
        try:
            return document.scenario(), ""
        except ScenarioError:
            return Document(path, with_child(document.root, "variants", None, document.root.mark)).scenario(), ""
    except ScenarioError as error:
        first = error.faults[0]
        return None, f"scenario.yaml cannot be read where it is: {first.path}: {first.rule}"


def _table(path: Path) -> Table | None:
    if path.stat().st_size > LARGEST:
        return None
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file, strict=True)
            header = tuple(next(rows, ()))
            kept: list[tuple[str, ...]] = []
            n_rows = 0
            for row in rows:
                n_rows += 1
                if len(kept) < MOST_ROWS:
                    kept.append(tuple(row))
    except (OSError, UnicodeDecodeError, csv.Error):
        return None
    return Table(path.name, header, tuple(kept), n_rows) if header else None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(path) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.stat().st_size <= LARGEST else ""
    except (OSError, UnicodeDecodeError):
        return ""


def _texts(given: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in given) if isinstance(given, Sequence) and not isinstance(given, str) else ()


def _natural(path: Path) -> list[tuple[int, str]]:
    """Names in the order in which people count: `run.2` before `run.10`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _NATURAL.split(path.name)]
