"""From a YAML file to a Scenario, or to every fault of the file at once.

Nothing outside the folder of the file given is read, whatever the document says.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from sim.scenario import shape
from sim.scenario.arrivals import channel_mix, expected_of_replication
from sim.scenario.counts import counts, coverage_fault
from sim.scenario.faults import Fault, Mark, ScenarioError, at, shown
from sim.scenario.fields import hint, hints_for_a_screen
from sim.scenario.flow import reaching
from sim.scenario.folder import inside, text
from sim.scenario.limits import ENOUGH, MOST_CANDIDATES, MOST_TIPS, kind_limits, route_faults, staff_limits, tip_limits
from sim.scenario.paths import Change, Changes, apply, changes_of
from sim.scenario.pieces import Memory, Piece, Pieces, pieces
from sim.scenario.plausible import ENDS
from sim.scenario.references import reference_faults, resolved
from sim.scenario.routes import from_where
from sim.scenario.schema import Scenario, World
from sim.scenario.taken import Taken, says_what_is_taken
from sim.scenario.trace import drawn_from, trace
from sim.scenario.tree import Node, compose, find, hold_kind, merge, of_plain, with_child

MOST_FAULTS: Final = 100
"""So many faults are named; the rest are counted."""

_TABLES: Final = (
    *(("demand", "trace"), ("demand", "trace", "file")),
    *(("demand", "counts"), ("demand", "counts", "file")),
)
"""Where a document names files of tips."""

OF_VARIANTS: Final = ("variants", "observed", "fit")
"""Parts that make sense together only."""

LONGEST_CHAIN: Final = 20
"""Files that may extend one another."""


Source = str | Path | Mapping[str, Any]
"""A scenario file, its text (with a line's end in it), or the mapping that it would hold."""


def load(source: Source, *, variant: str | None = None, changes: Changes = (), reading: str | None = None) -> Scenario:
    """The scenario in a file, a text or a mapping, with a variant and changes by path laid on it.

    Files that a text or a mapping names lie below the working folder. `reading` is put in place of every reading of
    claims that the document names. ScenarioError with every fault of the document, of its variants and of its plausible
    ranges.

    >>> small = load({"scenario": "Small", "run": {"start": "2025-01-06 00:00", "length": "7 d"},
    ...     "demand": {"volume": "60/h"}, "pools": {"desk": {"staff": 3}},
    ...     "stages": [{"name": "answer", "pool": "desk", "service": "2 min"}]})
    >>> small.pools["desk"].staff
    3
    """
    return read(source).scenario(variant=variant, changes=changes, reading=reading)


def read(source: Source) -> Document:
    """The document in a file, a text or a mapping, parsed once.

    ScenarioError where it is no YAML or extends what it may not.
    """
    if isinstance(source, str | Path) and "\n" not in str(source):
        file = Path(source)
        tree = compose(text(file, str(source)), str(source))
        hold_kind(tree, "scenario", str(source))
        return Document(file, _extended(tree, file, str(source), file.parent))
    if isinstance(source, Mapping):
        tree, file = of_plain(source, Mark("mapping")), Path("mapping")
    else:
        tree, file = compose(str(source), "text"), Path("text")
    return Document(file, _extended(tree, file, file.name, file.parent))


def as_yaml(scenario: Scenario) -> str:
    """The scenario as resolved, after `extends`, the variant and the changes; variants that fit no more go."""
    tree = dict(scenario.tree)
    try:
        Document(scenario.path, of_plain(tree, Mark(str(scenario.path)))).scenario()
    except ScenarioError:
        for part in OF_VARIANTS:
            tree.pop(part, None)
    into = io.StringIO()
    yaml = YAML()
    yaml.width = 120
    yaml.dump(tree, into)
    return into.getvalue()


def document_of(scenario: Scenario) -> Document:
    """The document of a scenario as resolved, without variants, which were laid on it or not and may fit no more, and
    without what names them."""
    tree = {key: value for key, value in scenario.tree.items() if key not in OF_VARIANTS}
    return Document(scenario.path, of_plain(tree, Mark(str(scenario.path))))


class Document:
    """A parsed document, from which scenarios are made: as it stands, or with a variant and changes."""

    def __init__(self, path: Path, root: Node) -> None:
        self.path, self.root = path, root
        self.folder = path.parent
        self._memory: Memory = {}
        self._taken = Taken(path.parent)
        self._looked: dict[tuple[str, ...], tuple[list[Piece], list[Fault]]] = {}
        self._own_faults: list[Fault] | None = None

    @property
    def variants(self) -> tuple[str, ...]:
        """The names of the variants."""
        node = self.root.child("variants")
        return tuple(node.value) if node and isinstance(node.value, dict) else ()

    @hints_for_a_screen()
    def scenario(self, *, variant: str | None = None, changes: Changes = (), reading: str | None = None) -> Scenario:
        """The scenario with a variant and then changes laid on it, its claims read so; ScenarioError with every fault.

        What is the same as the last time is not read again, so that a study may call this for each of its points.
        """
        if self._own_faults is None:
            self._own_faults = self._found_faults()
        if self._own_faults:
            raise ScenarioError(self._own_faults)
        own = self._variant(variant) if variant is not None else []
        found = pieces(self._changed(own, changes_of(changes), reading=reading), self.folder, self._memory)
        if faults := self._faults(found):
            raise ScenarioError(_in_order(faults))
        return self._assembled(found, variant)

    def _found_faults(self) -> list[Fault]:
        """The faults of the document itself, then what its variants and the ends of its ranges add to them."""
        of_claims: list[Fault] = []
        try:
            root = self._changed()
        except ScenarioError as error:
            of_claims += error.faults
            root = with_child(self.root, "targets", None, self.root.mark)
        found = pieces(root, self.folder, self._memory)
        base = self._faults(found)
        if of_claims:
            return _in_order(base + of_claims)
        seen = set(base)
        faulty = {tuple(fault.path.split(".")[:2]) for fault in base}
        faulty |= {(name,) for name, info in World.model_fields.items() if info.is_required() and not root.child(name)}
        for label, changes in self._own_changes(found):
            parts = {tuple(change.path.split(".")[:size]) for change in changes for size in (1, 2)}
            if parts & faulty:
                continue  # what it changes is at fault already
            try:
                added = self._faults(pieces(self._changed(changes), self.folder, self._memory))
            except ScenarioError as error:
                added = list(error.faults)
            new = [fault for fault in added if fault not in seen]
            base += _of_quantities(new) if label == "observed" else _labelled(label, new)
        pieces(root, self.folder, self._memory)
        return _in_order(base)

    def _changed(self, *layers: list[Change], reading: str | None = None) -> Node:
        """The tree with these changes laid on it one after the other, and targets of claims written out.

        What says which claims are taken is changed before they are, everything else after it.
        """
        root = self.root
        for changes in layers:
            root = apply(root, [change for change in changes if says_what_is_taken(change)])
        root = self._taken.written_out(root, reading)
        for changes in layers:
            root = apply(root, [change for change in changes if not says_what_is_taken(change)])
        return root

    def _own_changes(self, found: Pieces) -> Iterator[tuple[str, list[Change]]]:
        for name in found["variants"] or ():
            yield f"variant '{name}'", self._variant(name)
        node = self.root.child("plausible")
        for path in found["plausible"] or ():
            assert node is not None
            entry = node.child(path)
            assert entry is not None
            for end in ENDS:
                if (value := entry.child(end)) is not None:
                    yield "plausible", [Change(path, value, node.keys[path])]
        yield from self._of_fit(found)

    def _of_fit(self, found: Pieces) -> Iterator[tuple[str, list[Change]]]:
        """Both ends of what is fitted, each where it is fitted; and the quantities that were observed as targets."""
        node, variants = self.root.child("fit"), found["variants"] or {}
        for name, unknown in (found["fit"] or {}).items():
            entry = node.child(name) if node else None
            path = entry.child("path") if entry else None
            for end in ENDS:
                if entry is not None and path is not None and (value := entry.child(end)) is not None:
                    own = self._variant(unknown.variant) if unknown.variant in variants else []
                    yield "fit", [*own, Change(unknown.path, value, path.mark)]
        node = self.root.child("observed")
        quantities = {
            name: quantity
            for name in found["observed"] or ()
            if node and (entry := node.child(name)) and (quantity := entry.child("quantity"))
        }
        if node is not None and quantities:
            told = Node(quantities, node.mark, {name: node.keys[name] for name in quantities})
            yield "observed", [Change("targets", told, node.mark)]

    def _faults(self, found: Pieces) -> list[Fault]:
        """Every fault of a tree; files that it names are read, other than a trace."""
        faults, doubtful = reference_faults(found)
        if too_many := kind_limits(found):
            return [*found.faults, *faults, *too_many]
        if found.faults or faults:
            return [*found.faults, *faults, *route_faults(found, doubtful)]
        routes = self._remembered(
            ("demand", "labels", "stages", "milestones", "targets"), found, lambda: route_faults(found, doubtful)
        )
        tips = self._remembered(
            ("run", "calendars", "demand", "labels", "targets", "start_with"), found, lambda: tip_limits(found)
        )
        return [*routes, *tips, *staff_limits(found)]

    def _remembered(self, parts: tuple[str, ...], found: Pieces, look: Callable[[], list[Fault]]) -> list[Fault]:
        """What was found the last time where these parts are the same objects as then, else what is found now."""
        now = [found.parts[part] for part in parts]
        before, faults = self._looked.get(parts, ([], []))
        if len(before) != len(now) or any(one is not other for one, other in zip(before, now, strict=True)):
            faults = look()
            self._looked[parts] = (now, faults)
        return faults

    def _variant(self, name: str) -> list[Change]:
        node = self.root.child("variants")
        chosen = node.child(name) if node else None
        if chosen is None or not isinstance(chosen.value, dict):
            rule = f"there is no variant '{name}'{hint(name, self.variants)}"
            raise ScenarioError([at(Mark(f"--variant {name}"), (), rule)])
        return [Change(path, child, chosen.keys[path]) for path, child in chosen.value.items()]

    def _assembled(self, found: Pieces, variant: str | None) -> Scenario:
        values = {name: piece.value for name, piece in found.parts.items()}
        values["stages"] = tuple(values["stages"].values())
        values["targets"] = {name: resolved(target, values["milestones"]) for name, target in values["targets"].items()}
        values["plausible"] = {
            path: plausible.told(shape.is_whole(tuple(path.split("."))))
            for path, plausible in values["plausible"].items()
        }
        tree = found.root.plain()
        scenario = Scenario.model_construct(**values, path=self.path, tree=tree, hash="", variant=variant)
        if scenario.demand.trace is not None:
            self._check_trace(scenario, found.root)
        if scenario.start_with is not None and (rare := list(_too_rare(scenario))):
            raise ScenarioError([at(*find(found.root, path), rule, value) for path, rule, value in rare])
        if scenario.demand.counts is not None:
            self._check_counts(scenario, found.root)
        return scenario.model_copy(update={"hash": _hash(tree, self.folder)})

    def _check_trace(self, scenario: Scenario, root: Node) -> None:
        mark, path = find(root, ("demand", "trace"))
        try:
            trace(scenario)
        except ValueError as error:
            raise ScenarioError([at(mark, path, str(error), shown(str(scenario.demand.trace)))]) from None
        if missing := [name for name, n in drawn_from(scenario) if not n]:
            rule = f"no {' and no '.join(missing)} is recorded, and the run has them: there is nothing to draw from"
            raise ScenarioError([at(mark, path, rule)])
        _check_number(scenario, mark, path)

    def _check_counts(self, scenario: Scenario, root: Node) -> None:
        mark, path = find(root, ("demand", "counts"))
        try:
            counted = counts(scenario)
        except ValueError as error:
            raise ScenarioError([at(mark, path, str(error), shown(str(scenario.demand.counts)))]) from None
        assert counted is not None
        if rule := coverage_fault(scenario, counted):
            raise ScenarioError([at(mark, path, rule)])
        _check_number(scenario, mark, path)


def _check_number(scenario: Scenario, mark: Mark, path: tuple[str | int, ...]) -> None:
    if (tips := expected_of_replication(scenario)) > MOST_TIPS:
        raise ScenarioError([at(mark, path, f"a replication would have {tips:,.0f} tips, more than {MOST_TIPS:,}")])


def _labelled(label: str, faults: list[Fault]) -> list[Fault]:
    """Faults of a document that was changed, with what changed it."""
    return [replace(fault, rule=f"{label}: {fault.rule}") for fault in faults]


def _of_quantities(faults: list[Fault]) -> list[Fault]:
    """Faults of observed quantities that were looked at as targets, by the paths at which they are written."""
    found = []
    for fault in faults:
        _, name, *rest = (*fault.path.split("."), "")
        path = ".".join(part for part in ("observed", name, "quantity", *rest) if part)
        found.append(replace(fault, path=path) if fault.path.startswith("targets.") else fault)
    return found


def _hash(tree: dict[str, Any], folder: Path) -> str:
    """SHA-256 of a resolved document and of every file that it names."""
    found = hashlib.sha256(json.dumps(tree).encode())
    for name in sorted(set(_files(tree, ()))):
        path = inside(folder, name)
        status = path.stat()
        found.update(f"\n{name} {_digest(path, status.st_mtime_ns, status.st_size)}".encode())
    return found.hexdigest()


def _files(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    levels = len(path) == 3 and path[0] == "pools" and path[2] == "levels"
    if isinstance(value, str) and (path[-2:] == ("empirical", "csv") or path in _TABLES or levels):
        yield value
    elif isinstance(value, dict):
        for key, child in value.items():
            if not path and key in ("variants", "plausible"):
                continue
            yield from _files(child, (*path, key))
    elif isinstance(value, list):
        for child in value:
            yield from _files(child, path)


def _too_rare(scenario: Scenario) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Backlogs for which no tips can be found, for next to none comes to their stage: path, rule and value."""
    assert scenario.start_with is not None
    for name, wanted in scenario.start_with.backlog.items():
        if wanted and scenario.demand.trace is None:
            chance = float(reaching(scenario, from_where(scenario.stages, name)) @ channel_mix(scenario))
            if chance * (MOST_CANDIDATES + ENOUGH * wanted) < wanted + 6 * wanted**0.5:
                rule = f"next to no tip comes to '{name}' ({100 * chance:.1g} %), so nobody can be waiting there"
                yield ("start_with", "backlog", name), rule, str(wanted)


@lru_cache(maxsize=16)
def _digest(path: Path, _modified: int, _size: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _in_order(faults: list[Fault]) -> list[Fault]:
    found = sorted(dict.fromkeys(faults), key=lambda fault: (fault.file, fault.line, fault.column))
    if len(found) <= MOST_FAULTS:
        return found
    return [*found[:MOST_FAULTS], Fault(found[0].file, 0, 0, "", f"has {len(found) - MOST_FAULTS:,} more faults")]


def _extended(tree: Node, file: Path, name: str, root: Path, above: tuple[Path, ...] = ()) -> Node:
    """The tree of a document that messages call `name`, laid on the tree of the file that it extends.

    `root` is the folder that no file may leave, `above` the files that led here.
    """
    key = tree.child("extends")
    if key is None:
        return tree
    if not isinstance(key.value, str):
        raise ScenarioError([at(key.mark, ("extends",), "must name one file")])
    try:
        base = inside(root, key.value, beside=file.resolve().parent)
        if base in (*above, file.resolve()):
            raise ValueError("leads back to itself")
        if len(above) >= LONGEST_CHAIN:
            raise ValueError(f"makes a chain of more than {LONGEST_CHAIN} files")
    except ValueError as error:
        raise ScenarioError([at(key.mark, ("extends",), str(error), shown(key.value))]) from None
    told = str(Path(name).parent / key.value)
    below = _extended(compose(text(base, told), told), base, told, root, (*above, file.resolve()))
    return merge(below, with_child(tree, "extends", None, key.mark))
