"""The ledger of claims: a document beside the scenarios, as strict as they are, with every fault at its place.

What a ledger's targets name in a scenario is looked up when a scenario takes them, not here. Quotations are held
against the copies that it names, below its own folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, TypeAdapter, ValidationError

from sim.scenario.claims import Claim, Clock, Fact, Subject, Year
from sim.scenario.faults import Fault, ScenarioError, at, shown
from sim.scenario.fields import Name, Part, Text, hint, hints_for_a_screen
from sim.scenario.folder import text
from sim.scenario.messages import faults_of
from sim.scenario.readings import READINGS, Reading, ReadingName
from sim.scenario.sources import Source, kept_faults
from sim.scenario.tree import Node, compose, find, hold_kind
from sim.scenario.tree import Path as TreePath

MOST_CLAIMS: Final = 300


class Ledger(Part):
    """Claims, what they are about, and what is known besides."""

    ledger: Text
    """The title. Such as `A national tip line in two articles`."""
    about: Text = ""
    """What it is, in a sentence or two. Such as `What a line published in two years.`."""
    figures_of: Year | None = None
    """The year that the figures are of, where growth since some year is claimed. Such as `2024`."""
    sources: dict[Name, Source] = Field(default_factory=dict)
    """Where claims were read, by name. Such as `{report: {title: Annual report, url: "https://example.org/report"}}`."""
    subjects: Annotated[dict[Name, Subject], Field(max_length=MOST_CLAIMS)] = Field(default_factory=dict)
    """What is counted, by name."""
    clocks: Annotated[dict[Name, Clock], Field(max_length=MOST_CLAIMS)] = Field(default_factory=dict)
    """The times that claims are about, by name."""
    facts: Annotated[dict[Name, Fact], Field(max_length=MOST_CLAIMS)] = Field(default_factory=dict)
    """What is known from elsewhere: it is reckoned with and not judged."""
    claims: Annotated[dict[Name, Claim], Field(min_length=1, max_length=MOST_CLAIMS)]
    """What the sources say, by name."""

    def reading(self, claim: str, name: ReadingName) -> Reading | None:
        """One formal sense of a claim, its own or that of the claim that it repeats; KeyError without the claim."""
        found = self.claims[claim]
        own = found.readings.get(name)
        if own is not None or found.repeats is None or found.readings.given:
            return own
        return self.claims[found.repeats].readings.get(name)

    def within(self, subject: str) -> tuple[str, ...]:
        """A subject and all within which it lies, from the inside out; KeyError when there is none."""
        found = [subject]
        while (outer := self.subjects[found[-1]].part_of) is not None and outer not in found:
            found.append(outer)
        return tuple(found)


class LedgerFile:
    """A ledger that was read, and where everything in it was written."""

    def __init__(self, path: Path, root: Node, ledger: Ledger) -> None:
        self.path, self.root, self.ledger = path, root, ledger

    def node(self, claim: str, name: ReadingName) -> Node | None:
        """Where a claim's reading is written: its own, that of the claim that it repeats, or the one that it names."""
        found = self.ledger.claims[claim]
        holder = claim if found.readings.given or found.repeats is None else found.repeats
        readings = _below(self.root, ("claims", holder, "readings"))
        node = readings.child(name) if readings is not None else None
        if node is not None and isinstance(node.value, str):
            assert readings is not None
            node = readings.child(node.value)
        return node


def is_ledger(path: str | Path) -> bool:
    """Whether a file says that it is a ledger, and no scenario; False where it cannot be read."""
    try:
        lines = text(Path(path), str(path)).splitlines()
    except ScenarioError:
        return False
    keys = {line.partition(":")[0].strip() for line in lines if not line.startswith((" ", "#"))}
    return "ledger" in keys and "scenario" not in keys


def load_ledger(path: str | Path) -> Ledger:
    """The ledger in a file; ScenarioError with every fault."""
    return read_ledger(Path(path)).ledger


@hints_for_a_screen()
def read_ledger(file: Path, shown_as: str | None = None) -> LedgerFile:
    """The ledger in a file that messages call `shown_as`, with its places; ScenarioError with every fault."""
    name = str(file) if shown_as is None else shown_as
    root = compose(text(file, name, "ledger"), name, "a ledger needs at least ledger and claims")
    if not isinstance(root.value, dict):
        raise ScenarioError([at(root.mark, (), "a ledger is a mapping of keys", shown(root.value))])
    hold_kind(root, "ledger", name)
    faults: list[Fault] = []
    ledger = None
    try:
        ledger = _adapter().validate_python(root.plain())
    except ValidationError as error:
        faults = faults_of(error, root, (), Ledger)
    faults += _names(root)
    faults += kept_faults(root, file.parent)
    if faults or ledger is None:
        raise ScenarioError(sorted(dict.fromkeys(faults), key=lambda fault: (fault.line, fault.column)))
    return LedgerFile(file, root, ledger)


@cache
def _adapter() -> TypeAdapter[Ledger]:
    return TypeAdapter(Ledger)


def _names(root: Node) -> Iterator[Fault]:
    """Every name that is used and does not exist, whatever else is at fault; and parts that lie within themselves."""
    for path, wanted in _uses(root):
        node = _below(root, path)
        if node is None:
            continue
        items = node.value if isinstance(node.value, list) else [node]
        known = [name for kind in wanted for name in _keys(root, kind)]
        for item in items:
            if isinstance(item.value, str) and item.value not in known:
                what = " or ".join(_SINGULAR[kind] for kind in wanted)
                yield at(item.mark, find(root, path)[1], f"there is no {what} '{item.value}'{hint(item.value, known)}")
    yield from _circles(root)
    yield from _target_names(root)


_SINGULAR: Final = {"sources": "source", "subjects": "subject", "clocks": "clock", "claims": "claim"}


def _uses(root: Node) -> Iterator[tuple[TreePath, tuple[str, ...]]]:
    for name in _keys(root, "subjects"):
        for key in ("part_of", "overlaps"):
            yield ("subjects", name, key), ("subjects",)
        yield ("subjects", name, "hinders"), ("subjects", "clocks")
    for name in _keys(root, "clocks"):
        yield ("clocks", name, "ends_after"), ("clocks",)
        yield ("clocks", name, "reached_by"), ("subjects",)
    for name in _keys(root, "facts"):
        for key in ("subject", "of"):
            yield ("facts", name, key), ("subjects",)
    for name in _keys(root, "claims"):
        yield ("claims", name, "source"), ("sources",)
        yield ("claims", name, "clock"), ("clocks",)
        yield ("claims", name, "repeats"), ("claims",)
        for key in ("subject", "of"):
            yield ("claims", name, key), ("subjects",)
        for reading in READINGS:
            yield ("claims", name, "readings", reading, "subject"), ("subjects",)


def _circles(root: Node) -> Iterator[Fault]:
    for kind, key in (("subjects", "part_of"), ("clocks", "ends_after"), ("claims", "repeats")):
        above = {name: _texts(_below(root, (kind, name, key))) for name in _keys(root, kind)}
        for name in above:
            seen, left = set(), list(above[name])
            while left:
                one = left.pop()
                if one not in seen:
                    seen.add(one)
                    left += above.get(one, [])
            if name in seen:
                mark, path = find(root, (kind, name, key))
                yield at(mark, path, "leads back to itself")
            elif kind == "claims" and len(seen) > 1:
                mark, path = find(root, (kind, name, key))
                yield at(mark, path, f"must name the claim that is repeated, and '{above[name][0]}' repeats another")


def _target_names(root: Node) -> Iterator[Fault]:
    """No two claims make targets of one name."""
    taken = {name: name for name in _keys(root, "claims")}
    for name in _keys(root, "claims"):
        for called in _texts(_below(root, ("claims", name, "target_name"))):
            if taken.setdefault(called, name) != name:
                mark, path = find(root, ("claims", name, "target_name"))
                yield at(mark, path, f"claim '{taken[called]}' makes the target of that name", shown(called))


def _texts(node: Node | None) -> list[str]:
    if node is None:
        return []
    items = node.value if isinstance(node.value, list) else [node]
    return [item.value for item in items if isinstance(item.value, str)]


def _keys(root: Node, kind: str) -> list[str]:
    node = root.child(kind)
    return list(node.value) if node is not None and isinstance(node.value, dict) else []


def _below(root: Node, path: TreePath) -> Node | None:
    node: Node | None = root
    for part in path:
        node = node.child(part) if node is not None else None
    return node
