"""Changes by path: `pools.analysts.staff=3` and its like, laid on a tree.

A list's items are found by index or by their `name`. A change of one share of a group that must add up to 1 rescales
the shares beside it that are not changed too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.scenario import shape, units
from sim.scenario.faults import Fault, Mark, ScenarioError, at, shown
from sim.scenario.fields import hint
from sim.scenario.messages import not_a_key
from sim.scenario.tree import Node, Path, compose, node_at, of_plain, with_child

Changes = Mapping[str, Any] | Sequence[str]
"""Values by path, or texts `path=value` as on a command line."""


@dataclass(frozen=True, slots=True)
class Change:
    """One value to set; `node` is where it was written."""

    path: str
    node: Node
    mark: Mark
    """Where the path was written."""


def changes_of(given: Changes) -> list[Change]:
    """The changes that a caller or a command line gives; ScenarioError where a text is none."""
    if isinstance(given, Mapping):
        marks = {path: Mark(f"--set {path}") for path in given}
        return [Change(path, of_plain(_plain(value), marks[path]), marks[path]) for path, value in given.items()]
    return [_parsed(text) for text in ([given] if isinstance(given, str) else given)]


def apply(root: Node, changes: Iterable[Change]) -> Node:
    """The tree with all changes made together; ScenarioError naming every path that leads nowhere."""
    faults: list[Fault] = []
    groups: dict[Path, dict[str, Node]] = {}
    for change in changes:
        try:
            path = _located(root, change)
            group = _group(root, path)
            if group is None:
                root = _put(root, path, change.node, change.mark)
            else:
                groups.setdefault(group, {})[str(path[len(group)])] = change.node
        except ScenarioError as error:
            faults += error.faults
    if faults:
        raise ScenarioError(faults)
    for group, members in groups.items():
        root = _rescaled(root, group, members)
    return root


def _parsed(text: str) -> Change:
    path, equals, value = text.partition("=")
    path = path.strip()
    mark = Mark(f"--set {path[:200]}")
    if not equals or not path:
        raise ScenarioError([at(Mark(f"--set {text[:200]}"), (), "a change is written path=value")])
    if not value.strip():
        raise ScenarioError([at(mark, (), "has no value after the =")])
    try:
        return Change(path, of_plain(compose(value, mark.file).plain(), mark), mark)
    except ScenarioError as error:
        if value.strip() in ("null", "~"):
            return Change(path, Node(None, mark), mark)
        raise ScenarioError([at(mark, (), fault.rule, shown(value)) for fault in error.faults]) from None


def _plain(value: Any) -> Any:
    """Python's numbers as YAML would give them: numpy's too, and 3.0 as 3."""
    if hasattr(value, "item") and not isinstance(value, str | bytes):
        value = value.item()
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(child) for child in value]
    return value


def _located(root: Node, change: Change) -> Path:
    """The keys and indices that a path's text leads along; ScenarioError where it leads nowhere."""
    texts = change.path.split(".")
    node: Node | None = root
    path: Path = ()
    for step, text in enumerate(texts):
        last, above = step == len(texts) - 1, tuple(texts[:step])
        if node is not None and isinstance(node.value, list):
            part: str | int = _item(node, text, above, change.mark)
        else:
            part = text
            if not last or _is_closed(node, path) or shape.has_fixed_keys(path):
                _known(node, path, text, above, change.mark)
        path = (*path, part)
        node = node.child(part) if node is not None else None
        if node is not None and not last and not isinstance(node.value, dict | list) and not _is_channel(path):
            rule = f"has no parts such as '{texts[step + 1]}'"
            raise ScenarioError([at(change.mark, (*above, text), rule, shown(node.value))])
    return path


def _item(node: Node, text: str, above: Path, mark: Mark) -> int:
    assert isinstance(node.value, list)
    names = [item.name for item in node.value]
    if text in names:
        return names.index(text)
    if text.isascii() and text.isdigit() and len(text) < 9 and int(text) < len(node.value):
        return int(text)
    known = [name for name in names if name]
    what = hint(text, known) if known else f"; there are {len(names)}, from 0"
    raise ScenarioError([at(mark, (*above, text), f"there is no '{text}' in {'.'.join(map(str, above))}{what}")])


def _known(node: Node | None, path: Path, text: str, above: Path, mark: Mark) -> None:
    """Refuse a step to a key that neither the document has nor the schema names."""
    there = list(node.value) if node is not None and isinstance(node.value, dict) else []
    if text in there:
        return
    keys = shape.keys_at(path)
    is_law = bool(there) and "lognormal" in keys
    if text in keys and not is_law:
        return
    if shape.has_fixed_keys(path) and path:
        raise ScenarioError([at(mark, (*above, text), not_a_key(text, path))])
    where = f" in {'.'.join(map(str, above))}" if above else ""
    what = hint(text, there if is_law else [*there, *keys])
    raise ScenarioError([at(mark, (*above, text), f"there is no '{text}'{where}{what}")])


def _is_channel(path: Path) -> bool:
    return len(path) == 3 and path[:2] == ("demand", "channels")


def _is_closed(node: Node | None, path: Path) -> bool:
    """Whether a path may set no new names there: groups of shares, whose other members would have to make room."""
    if node is None or not isinstance(node.value, dict):
        return False
    match path:
        case ("demand", "channels" | "categories" | "risk") | ("demand", "risk", _) | ("centres",):
            return True
        case ("demand", "attributes", _) | ("demand", "attributes", _, _):
            return True
        case ("demand", "incidents", _, "channels" | "risk" | "category") | ("demand", "incidents", _, "attributes", _):
            return True
        case ("labels", _, "assigns") | ("labels", _, "assigns", _):
            return True
    return False


def _is_group(node: Node | None, path: Path) -> bool:
    """Whether the values at a path are shares that must add up to 1."""
    if not _is_closed(node, path) or path[2:] == ("assigns",):
        return False
    assert node is not None
    assert isinstance(node.value, dict)
    by_channel = path == ("demand", "risk") or (path[:2] == ("demand", "attributes") and len(path) == 3)
    return not by_channel or not any(isinstance(row.value, dict) for row in node.value.values())


def _group(root: Node, path: Path) -> Path | None:
    """The group of shares of which a path sets one, or None."""
    if len(path) == 4 and _is_channel(path[:3]) and path[3] == "share" and _is_group(node_at(root, path[:2]), path[:2]):
        return path[:2]
    return path[:-1] if _is_group(node_at(root, path[:-1]), path[:-1]) else None


def _put(node: Node | None, path: Path, value: Node, mark: Mark) -> Node:
    """The node with the value set, what is missing on the way made; nothing (null) takes the key away."""
    if node is None:
        node = Node({}, mark)
    elif not isinstance(node.value, dict | list):
        node = Node({"share": node}, node.mark, {"share": node.mark})
    if len(path) == 1:
        return with_child(node, path[0], None if value.value is None else value, mark)
    return with_child(node, path[0], _put(node.child(path[0]), path[1:], value, mark), mark)


def _rescaled(root: Node, group: Path, members: dict[str, Node]) -> Node:
    """The tree with these shares set, and the others of the group scaled so that all add up to 1 as before."""
    parent = node_at(root, group)
    assert parent is not None
    assert isinstance(parent.value, dict)
    others = [name for name in parent.value if name not in members]
    for name, value in members.items():
        inner = parent.value.get(name)
        if inner is not None and isinstance(inner.value, dict) and not isinstance(value.value, dict):
            value = with_child(inner, "share", value, value.mark)
        parent = with_child(parent, name, value, value.mark)
    assert isinstance(parent.value, dict)
    set_to = [_share(parent.value[name]) for name in members if name in parent.value]
    given = {name: _share(parent.value[name]) for name in others}
    if None not in set_to and None not in given.values():
        room, before = 1 - sum(found for found in set_to if found), sum(found for found in given.values() if found)
        for name, found in given.items():
            if found is not None and room >= 0 and abs(room - before) > 1e-12:
                scaled = found * room / before if before > 0 else room / len(given)
                parent = _with_share(parent, name, scaled)
    return _put(root, group, parent, parent.mark)


def _share(node: Node) -> float | None:
    """The share that a member of a group gives, or None where it is no share (the schema will say so)."""
    inner = node.child("share") if isinstance(node.value, dict) else node
    try:
        return units.share(inner.value) if inner is not None else None
    except ValueError:
        return None


def _with_share(parent: Node, name: str, share: float) -> Node:
    assert isinstance(parent.value, dict)
    old = parent.value[name]
    if isinstance(old.value, dict):
        new = with_child(old, "share", Node(share, old.mark), old.mark)
    else:
        new = Node(share, old.mark)
    return with_child(parent, name, new, old.mark)
