"""A document's tree, part by part: what is sound becomes models, what is not becomes faults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import TypeAdapter, ValidationError

from sim.scenario.faults import Fault, at, shown
from sim.scenario.fields import near
from sim.scenario.messages import faults_of, not_a_key
from sim.scenario.schema import World
from sim.scenario.targets import KINDS
from sim.scenario.tree import Node

ENTRYWISE: Final = ("calendars", "labels", "pools", "stages", "milestones", "targets", "plausible", "observed", "fit")
"""Parts of which one entry may be at fault and the others still be looked at."""

MOST_ENTRIES: Final = 200
MOST_CENTRES: Final = 1000
"""Of each part; keeps what is checked entry by entry within bounds."""

STAND_INS: Final = {"service": "1 min", "delay": "1 min", "from": "arrival", "to": "arrival"}
"""In place of a key at fault, so that the names in the rest of its entry are looked up all the same."""

STAND_INS_FOR_A: Final = {int: "1 min", float: 1}
"""The same for what a kind of targets needs, by what is kept of it: a duration or a share."""


@dataclass(slots=True)
class Piece:
    """One part of the document."""

    value: Any = None
    """The models; of an entrywise part only the sound entries, stages by their index."""
    sound: bool = False
    faults: list[Fault] = field(default_factory=list)


@dataclass(slots=True)
class Pieces:
    """All parts of one tree."""

    root: Node
    parts: dict[str, Piece]
    faults: list[Fault]

    def __getitem__(self, name: str) -> Any:
        """The models of a part, None where it has none that are sound."""
        return self.parts[name].value

    def sound(self, *names: str) -> bool:
        """Whether these parts are wholly without fault."""
        return all(self.parts[name].sound for name in names)


Memory = dict[str, tuple[Node | None, Piece]]
"""What was found the last time, part by part: a part whose tree is the same object is not read again."""


def pieces(root: Node, folder: Path, memory: Memory) -> Pieces:
    """Every part of a tree, read."""
    if not isinstance(root.value, dict):
        return Pieces(
            root,
            {name: Piece() for name in World.model_fields},
            [at(root.mark, (), "a scenario is a mapping of keys", shown(root.value))],
        )
    unknown = [key for key in root.value if key not in World.model_fields]
    faults = [at(root.keys[key], (key,), not_a_key(key, ())) for key in unknown]
    parts: dict[str, Piece] = {}
    for name in World.model_fields:
        node = root.value.get(name)
        known = memory.get(name)
        if known is None or known[0] is not node:
            memory[name] = known = (node, _piece(root, name, node, folder))
        parts[name] = known[1]
        # A part whose key is misspelt is not said to be missing too.
        if node is not None or not _near_to(name, unknown):
            faults += known[1].faults
    return Pieces(root, parts, faults)


def _near_to(name: str, unknown: Sequence[str]) -> bool:
    """Whether one of some keys that are none is this one misspelt."""
    return any(near(key, [name]) for key in unknown)


def _piece(root: Node, name: str, node: Node | None, folder: Path) -> Piece:
    info = World.model_fields[name]
    if node is None:
        if info.is_required():
            return Piece(faults=[at(root.mark, (name,), "is missing")])
        return Piece(info.get_default(call_default_factory=True), sound=True)
    most = MOST_CENTRES if name == "centres" else MOST_ENTRIES
    if isinstance(node.value, dict | list) and len(node.value) > most:
        return Piece(faults=[at(node.mark, (name,), f"has more than {most} entries")])
    plain = node.plain()
    try:
        return Piece(_validated(name, plain, folder), sound=True)
    except ValidationError as error:
        found = Piece(faults=faults_of(error, root, (name,)))
        if name in ENTRYWISE and isinstance(plain, dict | list):
            found.value = _rest(name, plain, error, folder)
    return found


def _rest(name: str, plain: Any, error: ValidationError, folder: Path) -> dict[Any, Any]:
    """The entries without fault; of the others, what is left with stand-ins for the keys that are at fault."""
    faulty: dict[Any, set[Any]] = {}
    for one in error.errors():
        entry, *keys = one["loc"] or (None,)
        # A fault of the entry as a whole has no key.
        faulty.setdefault(entry, set()).add(next(iter(keys), None))
    found = {}
    for entry, value in plain.items() if isinstance(plain, dict) else enumerate(plain):
        left = _left(value, faulty[entry]) if entry in faulty else value
        if left is None:
            continue
        try:
            one_entry = _validated(name, {entry: left} if isinstance(plain, dict) else [left], folder)
        except ValidationError:
            continue
        found[entry] = next(iter(one_entry.values()))
    return found


def _left(value: Any, keys_at_fault: set[Any]) -> dict[str, Any] | None:
    if not isinstance(value, dict) or None in keys_at_fault:
        return None
    kept = {key: given for key, given in value.items() if key not in keys_at_fault}
    known = STAND_INS | _for_targets()
    return kept | {key: known[key] for key in keys_at_fault if key in known}


def _for_targets() -> dict[str, Any]:
    """What stands in for the keys that kinds of targets need."""
    fields = [(one.alias or name, one.annotation) for kind in KINDS.values() for name, one in kind.model_fields.items()]
    needed = {key for kind in KINDS.values() for key in kind.needs()}
    return {key: STAND_INS_FOR_A[given] for key, given in fields if key in needed and given in STAND_INS_FOR_A}


def _validated(name: str, plain: Any, folder: Path) -> Any:
    found = _adapter(name).validate_python(plain, context={"folder": folder})
    return dict(enumerate(found)) if name == "stages" else found


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    info = World.model_fields[name]
    kind: Any = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
    return TypeAdapter(kind)
