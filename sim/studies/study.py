"""The study as a document: which commands, on which scenarios, make which tables and figures. Nothing here runs one."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from sim.scenario.faults import Fault, ScenarioError, at, shown
from sim.scenario.fields import Part, Several, Text, hint, hints_for_a_screen
from sim.scenario.files import text
from sim.scenario.messages import faults_of
from sim.scenario.tree import Node, compose, find

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
    why: Text = ""
    """What is asked, in a sentence or two."""
    command: Text
    """As on the command line, without `tipline`; its files lie below the folder of the study."""
    with_: str | None = Field(default=None, alias="with")
    """A set of changes that goes with the command."""
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
    sets: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Changes by path that several steps make, by a name."""
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


@hints_for_a_screen()
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


@cache
def _adapter() -> TypeAdapter[Study]:
    return TypeAdapter(Study)
