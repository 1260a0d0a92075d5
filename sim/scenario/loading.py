"""From a YAML file to a Scenario, or to every fault of the file at once.

Nothing outside the folder of the file given is read, whatever the document says.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from sim.scenario import references
from sim.scenario.faults import Fault, Mark, ScenarioError, at, shown
from sim.scenario.fields import near
from sim.scenario.folder import inside
from sim.scenario.paths import Change, Changes, apply, changes_of
from sim.scenario.pieces import Memory, Pieces, pieces
from sim.scenario.schema import Scenario
from sim.scenario.tree import Node, compose, merge, with_child

LARGEST: Final = 1_000_000
"""Bytes of a document."""

LONGEST_CHAIN: Final = 20
"""Files that may extend one another."""


def load(
    path: str | Path, *, variant: str | None = None, changes: Changes = (), reading: str | None = None
) -> Scenario:
    """The scenario in a file, with a variant and changes by path laid on it.

    ScenarioError with every fault of the document, of its variants and of its plausible ranges.
    """
    if reading is not None:
        raise ScenarioError([at(Mark(f"--reading {reading}"), (), "readings of claims are not built yet")])
    return read(path).scenario(variant=variant, changes=changes)


def read(path: str | Path) -> Document:
    """The document in a file, parsed once; ScenarioError where it is no YAML or extends what it may not."""
    file = Path(path)
    return Document(file, _tree(file, str(path), file.parent, ()))


class Document:
    """A parsed document, from which scenarios are made: as it stands, or with a variant and changes."""

    def __init__(self, path: Path, root: Node) -> None:
        self.path, self.root = path, root
        self._memory: Memory = {}
        self._faults: list[Fault] | None = None

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of the variants."""
        node = self.root.child("variants")
        return tuple(node.value) if node and isinstance(node.value, dict) else ()

    def scenario(self, *, variant: str | None = None, changes: Changes = ()) -> Scenario:
        """The scenario with a variant and then changes laid on it; ScenarioError with every fault."""
        if faults := self._own_faults():
            raise ScenarioError(faults)
        root = self.root
        if variant is not None:
            root = apply(root, self._variant(variant))
        root = apply(root, changes_of(changes))
        found = pieces(root, self.path.parent, self._memory)
        if faults := [*found.faults, *references.faults(found, self.path.parent)]:
            raise ScenarioError(_in_order(faults))
        return self._assembled(found, variant)

    def _own_faults(self) -> list[Fault]:
        """The faults of the document itself, its variants and plausible ranges; looked for once."""
        if self._faults is None:
            found = pieces(self.root, self.path.parent, self._memory)
            base = [*found.faults, *references.faults(found, self.path.parent)]
            self._faults = _in_order(base)
        return self._faults

    def _variant(self, name: str) -> list[Change]:
        node = self.root.child("variants")
        chosen = node.child(name) if node else None
        if chosen is None or not isinstance(chosen.value, dict):
            hint = near(name, self.variants) or f"; there are {', '.join(self.variants) or 'none'}"
            raise ScenarioError([at(Mark(f"--variant {name}"), (), f"there is no variant '{name}'{hint}")])
        return [Change(path, child, chosen.keys[path]) for path, child in chosen.value.items()]

    def _assembled(self, found: Pieces, variant: str | None) -> Scenario:
        values = {name: piece.value for name, piece in found.parts.items()}
        values["stages"] = tuple(values["stages"].values())
        milestones = values["milestones"]
        values["targets"] = {
            name: references.resolved(target, milestones) for name, target in values["targets"].items()
        }
        tree = found.root.plain()
        return Scenario.model_construct(**values, path=self.path, tree=tree, hash=_hash(tree), variant=variant)


def _hash(tree: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(tree).encode()).hexdigest()


def _in_order(faults: list[Fault]) -> list[Fault]:
    return sorted(dict.fromkeys(faults), key=lambda fault: (fault.file, fault.line, fault.column))


def _tree(file: Path, shown_as: str, root_folder: Path, above: tuple[Path, ...]) -> Node:
    """The tree of a file, laid on the tree of the file that it extends."""
    tree = compose(_text(file, shown_as), shown_as)
    key = tree.child("extends")
    if key is None:
        return tree
    if not isinstance(key.value, str):
        raise ScenarioError(
            [
                at(
                    key.mark,
                    ("extends",),
                    "must name one file",
                    shown(key.plain() if not isinstance(key.value, dict | list) else key.value),
                )
            ]
        )
    above = (*above, file.resolve())
    try:
        base = inside(root_folder, str((file.parent / key.value).resolve().relative_to(root_folder.resolve())))
    except (ValueError, OSError, RuntimeError) as error:
        raise ScenarioError([at(key.mark, ("extends",), str(error), shown(key.value))]) from None
    return merge(
        _tree(base, str(Path(shown_as).parent / key.value), root_folder, above),
        with_child(tree, "extends", None, key.mark),
    )


def _text(file: Path, shown_as: str) -> str:
    start = Mark(shown_as)
    try:
        if file.is_dir():
            raise ScenarioError([at(start, (), "is a folder, not a scenario file")])
        with file.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except FileNotFoundError:
        raise ScenarioError([at(start, (), "there is no such file")]) from None
    except (OSError, ValueError) as error:
        raise ScenarioError([at(start, (), f"cannot be read: {getattr(error, 'strerror', None) or error}")]) from None
    if len(raw) > LARGEST:
        raise ScenarioError([at(start, (), f"is larger than {LARGEST // 1_000_000} MB")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError([at(start, (), f"is not text in UTF-8 (byte {error.start})")]) from None
