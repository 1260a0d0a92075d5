"""The study as a document: which commands, on which scenarios, make which tables and figures; and what is done of it.

Nothing here runs a command. What a step has left is known by its key, which names everything that it came from, so that
a finished step is taken up again only while all of that is the same.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

import sim
from sim.scenario.faults import Fault, ScenarioError, at, shown
from sim.scenario.fields import Part, Several, Text, hint
from sim.scenario.files import text
from sim.scenario.folder import inside
from sim.scenario.messages import faults_of
from sim.scenario.tree import Node, compose, find
from sim.studies.folder import versions
from sim.studies.keeping import write_atomic

MOST_STEPS: Final = 200
MOST_ANSWERS: Final = 3

MANIFEST: Final = "manifest.json"
SAID: Final = "said.txt"
"""What a command said on the terminal, in the folder of its step."""

_STEP: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
_FILE: Final = re.compile(r"\w[\w.-]{0,99}(?:/\w[\w.-]{0,99})?")
_LONGEST_NAME: Final = 200


def _step_name(name: str) -> str:
    if not _STEP.fullmatch(name):
        raise ValueError("a step is named with small letters, digits and _: its results go into a folder of that name")
    return name


def _file_name(name: str) -> str:
    if not _FILE.fullmatch(name):
        raise ValueError("must name a file in the folder of the step")
    return name


FileName = Annotated[str, AfterValidator(_file_name)]


class Step(Part):
    """One command and what is kept of what it leaves."""

    title: Text
    why: Text = ""
    """What is asked, in a sentence or two."""
    command: Text
    """As on the command line, without `tipline`; its files lie below the folder of the study."""
    tables: Annotated[Several[FileName], Field(max_length=50)] | None = None
    """The tables that are kept; all where nothing is said."""
    figures: Annotated[Several[FileName], Field(max_length=50)] | None = None
    """The figures that are kept, without `plots/` and without their ending; all where nothing is said."""


class Study(Part):
    """All that the document says."""

    study: Text
    about: Text = ""
    answer: Annotated[dict[str, Text], Field(max_length=MOST_ANSWERS)] = Field(default_factory=dict)
    """Steps whose answers, each after the words given here, are the answer of the study."""
    steps: Annotated[dict[Annotated[str, AfterValidator(_step_name)], Step], Field(min_length=1, max_length=MOST_STEPS)]


@dataclass(frozen=True, slots=True)
class StudyFile:
    """A study that was read, and where everything in it was written."""

    path: Path
    study: Study
    root: Node

    @property
    def folder(self) -> Path:
        """The only folder, with those below it, from which steps read."""
        return self.path.parent

    def fault(self, step: str, key: str, rule: str, value: str = "") -> Fault:
        """The fault that a step breaks a rule, at its key; at the step where it does not have the key."""
        mark, path = find(self.root, ("steps", step, key))
        return at(mark, path, rule, value)


@dataclass(frozen=True, slots=True)
class Line:
    """A step's command, word by word."""

    name: str
    """Of its step."""
    words: tuple[str, ...]
    """The command and what follows it, as written."""
    files: tuple[str, ...]
    """Those of the words that name files, below the folder of the study."""
    folder: Path
    """That of the study."""

    def full(self, out: Path) -> list[str]:
        """The same as one gives it from the present folder: files with the study's folder, and where results go."""
        words = [str(self.folder / word) if word in self.files else word for word in self.words]
        return [*words, "--out", str(out)]

    @property
    def inputs(self) -> dict[str, str]:
        """Every file that the command reads, by its name below the study's folder, with its SHA-256."""
        return dict(sorted(_inputs(self.folder, self.files)))

    @property
    def key(self) -> str:
        """What differs whenever the results might: the words, the files, this program and what it is built on."""
        told = {"words": self.words, "inputs": self.inputs, "program": program(), "versions": versions()}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


@dataclass(slots=True)
class Record:
    """What is known of a folder of results: the steps that were done, and what they left."""

    folder: Path
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)

    def is_done(self, line: Line) -> bool:
        """Whether a step was finished with the same inputs, and all that it left is still there and the same."""
        known = self.steps.get(line.name)
        if known is None or known.get("key") != line.key or known.get("exit_code") != 0:
            return False
        return all(_hash(self.folder / line.name / name) == hashed for name, hashed in known["files"].items())


def read_study(path: str | Path) -> StudyFile:
    """The study in a file; ScenarioError with every fault."""
    file, name = Path(path), str(path)
    root = compose(text(file, name, "study"), name, "a study needs at least study and steps")
    if not isinstance(root.value, dict):
        raise ScenarioError([at(root.mark, (), "a study is a mapping of keys", shown(root.value))])
    try:
        study = _adapter().validate_python(root.plain())
    except ValidationError as error:
        faults = faults_of(error, root, (), Study)
        raise ScenarioError(sorted(faults, key=lambda fault: (fault.line, fault.column))) from None
    unknown = [step for step in study.answer if step not in study.steps]
    if unknown:
        raise ScenarioError([_no_step(root, step, study) for step in unknown])
    return StudyFile(file, study, root)


def _no_step(root: Node, step: str, study: Study) -> Fault:
    mark, path = find(root, ("answer", step), key=True)
    return at(mark, path, f"there is no such step{hint(step, study.steps)}")


def words_of(command: str) -> tuple[str, ...]:
    """A command word by word, as a shell would split it, and nothing else that a shell does.

    >>> words_of("run 'one file.yaml' --set a=$HOME")
    ('run', 'one file.yaml', '--set', 'a=$HOME')
    """
    try:
        words = tuple(shlex.split(command))
    except ValueError:
        raise ValueError("a quotation mark is never closed") from None
    if words[:1] == ("tipline",):
        raise ValueError("a command stands without `tipline`")
    if not words:
        raise ValueError("must name a command")
    return words


def record(folder: Path) -> Record:
    """What the manifest of a folder tells of a study; nothing where there is none that can be read."""
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return Record(folder, dict(told["steps"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Record(folder)


def note(found: Record, file: StudyFile, line: Line, exit_code: int, out: Path) -> None:
    """Write into the manifest that a step was done, and what is there of it."""
    step = file.study.steps[line.name]
    here = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    found.steps[line.name] = {
        "title": step.title,
        "why": step.why,
        "command": ["tipline", *line.full(out)],
        "exit_code": exit_code,
        "key": line.key,
        "inputs": line.inputs,
        # What is told in JSON names the machine too, and so differs where tables do not.
        "files": {name: _hash(out / name) for name in here if not name.endswith(".json")},
    }
    found.steps = {name: found.steps[name] for name in file.study.steps if name in found.steps}
    write_record(found, file)


def write_record(found: Record, file: StudyFile) -> None:
    """Write the manifest of a study: what it is, what made it, and what its steps left."""
    manifest = {
        "study": file.study.study,
        "about": file.study.about,
        "answer": file.study.answer,
        "file": file.path.name,
        "command": ["tipline", "study", str(file.path)],
        "program_sha256": program(),
        "versions": versions(),
        "steps": found.steps,
    }
    found.folder.mkdir(parents=True, exist_ok=True)
    write_atomic(found.folder / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())


def tidy(step: Step, out: Path) -> list[str]:
    """Take away what a step left and is not kept; gives the names that were to be kept and are not there."""
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    kept = {name for name in there if name == SAID or name.endswith(".json") or Path(name).name == "scenario.yaml"}
    tables = {name for name in there if name.endswith(".csv")}
    figures = {name for name in there if name.endswith(".svg")}
    kept |= tables if step.tables is None else tables & set(step.tables)
    kept |= figures if step.figures is None else {name for name in figures if _figure(name) in step.figures}
    for name in there - kept:
        (out / name).unlink()
    for folder in sorted((path for path in out.rglob("*") if path.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
    missing = [name for name in step.tables or () if name not in tables]
    return missing + [name for name in step.figures or () if name not in {_figure(one) for one in figures}]


def _figure(name: str) -> str:
    """The name of a figure's file as a study says it.

    >>> _figure("plots/map.svg"), _figure("base/plots/week.svg")
    ('map', 'base/week')
    """
    return name.replace("plots/", "").removesuffix(".svg")


def program() -> str:
    """SHA-256 of this program: of all its files."""
    return _program(Path(sim.__file__).parent)


@cache
def _program(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".j2", ".css"))
    told = hashlib.sha256()
    for path in files:
        told.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return told.hexdigest()


@cache
def _adapter() -> TypeAdapter[Study]:
    return TypeAdapter(Study)


def _hash(path: Path) -> str:
    """SHA-256 of a file, "" where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def _inputs(folder: Path, files: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Files and all that they name, and so on: a text in a document that is the name of a file is taken to name it."""
    root, seen, left = folder.resolve(), set(), [(folder.resolve() / name).resolve() for name in files]
    while left:
        path = left.pop()
        if path in seen:
            continue
        seen.add(path)
        yield path.relative_to(root).as_posix(), _hash(path)
        if path.suffix in (".yaml", ".yml"):
            left += [found for name in _texts(path) if (found := _file(folder, path, name)) is not None]


def _texts(path: Path) -> Iterator[str]:
    """Every text in a document; none where it is no document."""
    try:
        left = [compose(text(path, str(path)), str(path))]
    except ScenarioError:
        return
    while left:
        node = left.pop()
        if isinstance(node.value, dict):
            left += node.value.values()
        elif isinstance(node.value, list):
            left += node.value
        elif isinstance(node.value, str):
            yield node.value


def _file(folder: Path, beside: Path, name: str) -> Path | None:
    """The file that a document's text names: beside it, or below the folder; None where it names none."""
    if "." not in name or len(name) > _LONGEST_NAME:
        return None
    for start in (beside.parent, folder.resolve()):
        try:
            return inside(folder, name, start)
        except ValueError:
            continue
    return None
