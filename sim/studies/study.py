"""The study as a document: which commands, on which scenarios, make which tables and figures; and what is done of it.

Each step is known by a key that names everything that its results came from: a finished one is taken up again only
while its key is the same and all that it left is still there. Nothing here runs one.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from sim.scenario.editors import schema_of
from sim.scenario.faults import Fault, ScenarioError, at, shown
from sim.scenario.fields import Part, Several, Text, hint, hints_for_a_screen
from sim.scenario.folder import inside, plain_bytes, text
from sim.scenario.messages import faults_of
from sim.scenario.tree import Node, compose, find, hold_kind
from sim.studies.keeping import MANIFEST, program, versions, write_atomic

MOST_STEPS: Final = 200
MOST_ANSWERS: Final = 3

_STEP: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
_FILE: Final = re.compile(r"\w[\w.-]{0,99}(?:/\w[\w.-]{0,99})?")


def is_step_name(name: str) -> bool:
    """Whether a name can be that of a step, and so of the folder that its results go into.

    >>> is_step_name("base_2"), is_step_name("../base"), is_step_name("/etc"), is_step_name("")
    (True, False, False, False)
    """
    return _STEP.fullmatch(name) is not None


def _step_name(name: str) -> str:
    if not is_step_name(name):
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
    """What it is called in reports. Such as `The line as it is`."""
    why: Text = ""
    """What is asked, in a sentence or two. Such as `Do the promises hold as the line is staffed?`."""
    command: Text
    """As on the command line, without `tipline`; its files lie below the folder of the study. Such as `run
    line.yaml`."""
    with_: str | None = Field(default=None, alias="with")
    """A set of changes that goes with the command. Such as `long`."""
    tables: Annotated[Several[FileName], Field(max_length=50)] | None = None
    """The tables that are kept; all where nothing is said. Such as `[targets.csv]`."""
    figures: Annotated[Several[FileName], Field(max_length=50)] | None = None
    """The figures that are kept, without `plots/` and without their ending; all where nothing is said. Such as
    `[verdicts]`."""


class Study(Part):
    """All that the document says."""

    study: Text
    """The title. Such as `Can the promises hold together?`."""
    about: Text = ""
    """What it is, in a sentence or two. Such as `One line, asked many things.`."""
    answer: Annotated[dict[str, Text], Field(max_length=MOST_ANSWERS)] = Field(default_factory=dict)
    """Steps whose answers, each after the words given here, are the answer of the study. Such as `{base: "As the
    line is:"}`."""
    sets: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Changes by path that several steps make, by a name. Such as `{long: {run.replications: 200}}`."""
    steps: Annotated[dict[Annotated[str, AfterValidator(_step_name)], Step], Field(min_length=1, max_length=MOST_STEPS)]
    """The commands, by name, done in this order; each leaves its results in a folder of that name. Such as `{base:
    {title: The line as it is, command: run line.yaml}}`."""


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


@hints_for_a_screen()
def read_study(path: str | Path) -> StudyFile:
    """The study in a file; ScenarioError with every fault."""
    file, name = Path(path), str(path)
    root = compose(text(file, name, "study"), name, "a study needs at least study and steps")
    if not isinstance(root.value, dict):
        raise ScenarioError([at(root.mark, (), "a study is a mapping of keys", shown(root.value))])
    hold_kind(root, "study", name)
    try:
        study = _adapter().validate_python(root.plain())
    except ValidationError as error:
        faults = faults_of(error, root, (), Study)
        raise ScenarioError(sorted(faults, key=lambda fault: (fault.line, fault.column))) from None
    if faults := list(_unknown(root, study)):
        raise ScenarioError(faults)
    return StudyFile(file, study, root)


def _unknown(root: Node, study: Study) -> Iterator[Fault]:
    """Every name that is used and stands for nothing."""
    for name in study.answer:
        if name not in study.steps:
            mark, path = find(root, ("answer", name), key=True)
            yield at(mark, path, f"there is no such step{hint(name, study.steps)}")
    for name, step in study.steps.items():
        if step.with_ is not None and step.with_ not in study.sets:
            mark, path = find(root, ("steps", name, "with"))
            yield at(mark, path, f"there is no such set of changes{hint(step.with_, study.sets)}")


def words_of(command: str, changes: Mapping[str, Any] = MappingProxyType({})) -> tuple[str, ...]:
    """A command word by word, as a shell would split it, and nothing else that a shell does; then the changes.

    >>> words_of("run 'one file.yaml' --set a=$HOME", {"b.c": "5 min", "d": [1]})
    ('run', 'one file.yaml', '--set', 'a=$HOME', '--set', 'b.c=5 min', '--set', 'd=[1]')
    """
    try:
        words = tuple(shlex.split(command))
    except ValueError:
        raise ValueError("a quotation mark is never closed") from None
    if words[:1] == ("tipline",):
        raise ValueError("a command stands without `tipline`")
    if not words:
        raise ValueError("must name a command")
    texts = {path: value if isinstance(value, str) else json.dumps(value) for path, value in changes.items()}
    return (*words, *(word for path, value in texts.items() for word in ("--set", f"{path}={value}")))


def json_schema() -> dict[str, Any]:
    """The JSON Schema of studies, for editors."""
    return schema_of(Study, "study")


@cache
def _adapter() -> TypeAdapter[Study]:
    return TypeAdapter(Study)


# What is done of it


SAID: Final = "said.txt"
"""What a command said on the terminal, in the folder of its step."""

WORKPLACE: Final = ".tipline"
"""How the folders end in which a command keeps what it has not done with yet."""

LARGEST_RECORD: Final = 20_000_000
"""Bytes of a manifest that is believed."""

_LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class StepLine:
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

    def place(self, name: str) -> Path:
        """The folder of a step's results; ValueError where what lies there is a link, or the name is not a step's.

        Only what lies in such a place is ever taken away.
        """
        found = self.folder / name
        if not is_step_name(name):
            raise ValueError(f"'{name}' cannot be the name of a step")
        if found.is_symlink():
            raise ValueError(f"{found} is a link: results go into a folder of their own, and links are not followed")
        return found

    def strangers(self, name: str, own: Collection[str]) -> list[str]:
        """What lies in the folder of a step and is none of its results, by name; ValueError as for `place`.

        Its own are the files that the manifest lists and that are as it lists them, and `own`: those that notes of
        commands in there list. Links are left out, for to take one away takes nothing away.
        """
        out, told = self.place(name), self.steps.get(name, {}).get("files", {})
        as_left = {file for file, hashed in told.items() if _hash(out / file) == hashed}
        known = {*as_left, *own, SAID}  # a step that failed leaves what it said, and nothing else
        return [
            path.relative_to(out).as_posix()
            for path in sorted(out.rglob("*"))
            if not (path.is_symlink() or path.is_dir())
            and path.relative_to(out).as_posix() not in known
            and not path.name.startswith(f".{SAID}.")  # never whole: its writer was killed
            and not any(part[:1] == "." and part.endswith(WORKPLACE) for part in path.relative_to(out).parts)
        ]

    def is_done(self, line: StepLine) -> bool:
        """Whether a step was finished with the same inputs, and all that it left is still there and the same."""
        known = self.steps.get(line.name, {})
        if known.get("key") != line.key or known.get("exit_code") != 0:
            return False
        out = self.place(line.name)
        same = all(_hash(out / name) == hashed for name, hashed in known["files"].items())
        return same and all(_is_json(path) for path in out.rglob("*.json"))

    def forget_others(self, file: StudyFile) -> None:
        """Take away what steps left that the study no longer has; ValueError where a link lies in their place."""
        for name in set(self.steps) - set(file.study.steps):
            shutil.rmtree(self.place(name), ignore_errors=True)
            self.steps.pop(name)
        if self.steps:
            write_record(self, file)

    def begin(self, file: StudyFile, name: str, *, keep_what_is_under_way: bool) -> Path:
        """Make room for the results of a step; gives its folder.

        What an earlier run left goes, but not, if that is to be kept, what a command goes on from. Nothing is known of
        a step while it is being done again, whatever becomes of it.
        """
        out = self.place(name)
        for path in out.iterdir() if out.is_dir() else ():
            if path.is_symlink() or not path.is_dir():
                path.unlink()
            elif not (keep_what_is_under_way and path.name.startswith(".")):
                shutil.rmtree(path)
        self.steps.pop(name, None)
        write_record(self, file)
        return out


def record(folder: Path) -> Record:
    """What the manifest of a folder tells of a study; nothing where there is none that can be read.

    What it tells of anything that cannot be a step is passed over: it may have been written by anybody.
    """
    try:
        told = json.loads(plain_bytes(folder / MANIFEST, LARGEST_RECORD).decode("utf-8"))
        steps = dict(told["steps"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return Record(folder)
    return Record(folder, {name: one for name, one in steps.items() if is_step_name(name) and _is_told(one)})


def _is_told(one: Any) -> bool:
    """Whether this is what a manifest tells of a step."""
    return isinstance(one, dict) and isinstance(one.get("files"), dict)


def note(found: Record, file: StudyFile, line: StepLine, exit_code: int, out: Path) -> None:
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
    for never_whole in found.folder.glob(f".{MANIFEST}.*"):
        never_whole.unlink(missing_ok=True)  # its writer was killed
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


def _hash(path: Path) -> str:
    """SHA-256 of a file, "" where there is none."""
    try:
        return hashlib.sha256(plain_bytes(path)).hexdigest()
    except (OSError, ValueError):  # a manifest that is not ours may name what cannot be a file
        return ""


def _is_json(path: Path) -> bool:
    try:
        json.loads(plain_bytes(path))
    except (OSError, ValueError, RecursionError):
        return False
    return True


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
