"""A folder of results, read back: tables as records, figures as files, and what its manifest and its scenario say.

Whatever a folder holds, reading it never fails: what cannot be read is left out, and `faults` says so. Nothing is read
that lies elsewhere: links out of the folder are not followed.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sim.answers import every
from sim.scenario.faults import ScenarioError
from sim.scenario.loading import Document
from sim.scenario.loading import read as read_scenario
from sim.scenario.tree import with_child
from sim.studies.keeping import MANIFEST
from sim.studies.study import is_step_name
from sim.tables.by_time import TABLES_OF_DAY
from sim.tables.declared import MOST_ROWS, Records, Table, read
from sim.tables.logs import EXPORTED

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

LARGEST: Final = 20_000_000
"""Bytes of a table, a figure or a text that is still read."""

MOST_OF_DAY: Final = 20_000
"""Rows of a table of the day that are read: no page shows them as a table."""

_NATURAL: Final = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class TableFile:
    """A CSV file, every cell as its declared column holds it."""

    name: str
    """Of the file, without the ending."""
    title: str
    """As declared; "" where nothing is known of it."""
    records: Records


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
    tables: dict[str, TableFile] = field(default_factory=dict)
    figures: dict[str, Path] = field(default_factory=dict)
    """By name; the SVG file where there is one, else the PNG."""
    notes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What commands recorded beside their tables, by the command: what was asked of them, and what they answered."""
    said: str = ""
    """What the command said on the terminal."""
    scenario: Scenario | None = None
    faults: list[str] = field(default_factory=list)
    """What is left out, and why."""

    @property
    def commands(self) -> dict[str, tuple[str, ...]]:
        """The command lines that are recorded, by their command."""
        return {name: line for name, told in self.notes.items() if (line := _texts(told.get("command")))}

    def answer(self, command: str) -> list[str]:
        """What a command answered here, in sentences; none where it recorded none."""
        told = self.manifest if command == "run" else self.notes.get(command, {})
        return list(_texts(told.get("answer")))


@dataclass(slots=True)
class Results:
    """All folders of a study, of a collection, or the one that was given."""

    path: Path
    title: str
    about: str
    manifest: dict[str, Any]
    folders: list[Folder]
    of_study: bool
    faults: list[str]
    """What is left out of the whole, and why."""

    @property
    def left_out(self) -> list[str]:
        """All that is left out, of the whole and of each folder, and why."""
        return [*self.faults, *(f"{one.name}: {fault}" for one in self.folders for fault in one.faults)]


class NoResultsError(ValueError):
    """The folder holds nothing that can be reported."""


def read_results(path: Path) -> Results:
    """What is in a folder: a study's, a run's, or a collection of such. NoResultsError where there is nothing."""
    if not path.is_dir():
        raise NoResultsError("there is no such folder")
    files = _Files(path.resolve(), [])
    manifest = files.data(path / MANIFEST)
    steps = manifest.get("steps")
    if of_study := isinstance(steps, dict):
        told = ((name, step) for name, step in steps.items() if isinstance(step, dict))
        folders = [one for name, step in told for one in _step(files, path, name, step)]
        title = str(manifest.get("study", path.name))
    else:
        folders = list(_folders(files, path, path.resolve().name))
        title = folders[0].title if len(folders) == 1 else f"Results in {path.resolve().name}"
    if not folders:
        raise NoResultsError("; ".join(["holds no results: neither tables nor the manifest of a study", *files.faults]))
    about = str(manifest.get("about", "")) if of_study else ""
    return Results(path, title, about, manifest, folders, of_study, files.faults)


@dataclass(frozen=True, slots=True)
class _Files:
    """Reads files, as far as they lie below one folder when all links are followed; notes those that do not."""

    root: Path
    faults: list[str]

    def leads_out(self, path: Path) -> bool:
        """Whether a path leads out of the folder; that is noted."""
        try:
            out = not path.resolve().is_relative_to(self.root)
        except (OSError, RuntimeError):
            out = True
        if out:
            self.faults.append(f"{path.name} leads out of the folder that is reported, and is left out")
        return out

    def can(self, path: Path) -> bool:
        """Whether there is such a plain file, of a size that is still read."""
        try:
            return not self.leads_out(path) and path.is_file() and path.stat().st_size <= LARGEST
        except OSError:
            return False

    def text(self, path: Path) -> str:
        """What is in a file; "" where it cannot be read."""
        try:
            return path.read_text(encoding="utf-8") if self.can(path) else ""
        except (OSError, UnicodeDecodeError):
            return ""

    def data(self, path: Path) -> dict[str, Any]:
        """The mapping in a JSON file; an empty one where there is none."""
        try:
            found = json.loads(self.text(path) or "{}")
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def table(self, path: Path) -> TableFile | None:
        """The table in a CSV file; None, with the fault noted, where there is none."""
        if self.leads_out(path):
            return None
        one = declared_tables().get(path.stem)
        content = self.text(path)
        try:
            most = MOST_OF_DAY if one in TABLES_OF_DAY else MOST_ROWS
            records = read(content) if one is None else one.read(content, most)
        except csv.Error:
            records = None
        if records is None or not records.heads:
            self.faults.append(f"{path.name} cannot be read, and is left out")
            return None
        return TableFile(path.stem, "" if one is None else one.title, records)


@cache
def declared_tables() -> dict[str, Table[Any]]:
    """Every table that a command may leave, by name."""
    return {table.name: table for answer in every() for table in answer.leaves}


def _step(files: _Files, path: Path, name: str, told: dict[str, Any]) -> Iterator[Folder]:
    """The folders that a step left, those of a command on several files one by one."""
    title, why, command = str(told.get("title", name)), str(told.get("why", "")), _texts(told.get("command"))
    if not is_step_name(name) or files.leads_out(path / name):
        return
    found = list(_folders(files, path / name, name))
    for number, one in enumerate(found):
        one.title = title if len(found) == 1 else f"{title}: {one.path.name}"
        one.why, one.command = why if number == 0 else "", command or one.command
        yield one


def _folders(files: _Files, path: Path, name: str) -> Iterator[Folder]:
    """The folder itself if it has tables, and then those below it that have; only two levels deep."""
    found = _folder(files.root, path, name)
    if found is not None:
        yield found
    for below in sorted(path.iterdir(), key=_natural) if path.is_dir() else ():
        if below.is_dir() and below.name != "plots" and not below.name.startswith(".") and not files.leads_out(below):
            inner = _folder(files.root, below, f"{name}/{below.name}")
            if inner is not None:
                yield inner


def _folder(root: Path, path: Path, name: str) -> Folder | None:
    if not path.is_dir():
        return None
    files = _Files(root, [])
    tables = sorted((file for file in path.glob("*.csv") if file.name not in EXPORTED), key=_natural)
    manifest = files.data(path / MANIFEST)
    notes = {file.stem: files.data(file) for file in sorted(path.glob("*.json")) if file.name != MANIFEST}
    if not tables and not any(notes.values()):
        return None
    titles = [told.get("scenario") for told in (manifest, *notes.values())]
    title = next((one for one in titles if isinstance(one, str) and one), path.resolve().name)
    found = Folder(path, name, title, manifest=manifest, notes=notes, faults=files.faults)
    found.command = _texts(manifest.get("command"))
    found.tables = {table.name: table for file in tables if (table := files.table(file)) is not None}
    found.faults += _of_old(found)
    for ending in (".png", ".svg"):
        for file in sorted((path / "plots").glob(f"*{ending}"), key=_natural):
            if files.can(file):
                found.figures[file.stem] = file.resolve()
    found.said = files.text(path / "said.txt")
    if files.can(path / "scenario.yaml"):
        found.scenario, fault = _scenario(path / "scenario.yaml")
        found.faults += [fault] if fault else []
    return found


def _of_old(folder: Folder) -> Iterator[str]:
    """What a run of an older program did not record."""
    if "targets" not in folder.tables:
        return
    if "threshold" not in folder.tables["targets"].records.heads:
        yield "targets.csv lacks the column threshold, as old ones do: what targets ask is left out"
    if "answer" not in folder.manifest:
        yield f"{MANIFEST} records no answer, as old ones do: what the run answers is left out"


def _scenario(path: Path) -> tuple[Scenario | None, str]:
    """The scenario as resolved; without its variants where these name files that are not here."""
    try:
        document = read_scenario(path)
        try:
            return document.scenario(), ""
        except ScenarioError:
            return Document(path, with_child(document.root, "variants", None, document.root.mark)).scenario(), ""
    except ScenarioError as error:
        first = error.faults[0]
        return None, f"scenario.yaml cannot be read where it is: {first.path}: {first.rule}"


def anchor(*names: str) -> str:
    """A name as the address of a place in a page of the results.

    >>> anchor("base/x", "verdicts")
    'base-x-verdicts'
    """
    return "-".join("".join(letter if letter.isalnum() else "-" for letter in name) for name in names)


def _texts(given: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in given) if isinstance(given, Sequence) and not isinstance(given, str) else ()


def _natural(path: Path) -> list[tuple[int, str]]:
    """Names in the order in which people count: `run.2` before `run.10`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _NATURAL.split(path.name)]
