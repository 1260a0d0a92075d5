"""YAML texts as trees whose every value remembers where it was written.

A tree is read from the events of a YAML 1.2 parser, not from its objects, so that nothing is built that the text does
not spell out: no tags, no duplicate keys, no alias that explodes, no depth without end. Scalars follow the core schema
of YAML 1.2: true and false, null, numbers; all else is text, times such as 22:30 and dates too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, StreamMark, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from sim.scenario.faults import Mark, ScenarioError, at, shown

DEEPEST: Final = 30
MOST_VALUES: Final = 20_000
"""Limits of a document, counted with every alias written out."""

KINDS: Final = {
    "scenario": ("scenario", "run"),
    "extends": ("scenario", "run"),
    "ledger": ("ledger", "check"),
    "study": ("study", "study"),
}
"""By the key that tells it: what a document is, and the command that takes it."""

WHAT_IT_IS: Final = {
    "scenario": "scenario",
    "ledger": "ledger, which is a list of claims",
    "study": "study, which is a file of commands",
}

OF_SCENARIOS: Final = frozenset({"run", "demand", "pools", "stages"})
"""Keys that a scenario has even if its name is forgotten: it may name a ledger too."""

Scalar = str | int | float | bool | None
Path = tuple[str | int, ...]

_INT: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LINE_ENDS: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A value and its place; the values below it are nodes too."""

    value: Scalar | dict[str, Node] | list[Node]
    mark: Mark
    keys: dict[str, Mark] = field(default_factory=dict)
    """Where the keys of a mapping are written."""
    size: int = 1
    """Values in it, itself counted."""

    def plain(self) -> Any:
        """The value without its places: dicts, lists and scalars."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    @property
    def name(self) -> str | None:
        """The `name` in a mapping, where it has one that is text."""
        given = self.value.get("name") if isinstance(self.value, dict) else None
        return given.value if given is not None and isinstance(given.value, str) else None

    def child(self, key: str | int) -> Node | None:
        """The value under a key, an index or the `name` of a list's item, or None."""
        if isinstance(self.value, dict):
            return self.value.get(str(key))
        if isinstance(self.value, list) and isinstance(key, str):
            return next((item for item in self.value if item.name == key), None)
        if isinstance(self.value, list) and isinstance(key, int) and 0 <= key < len(self.value):
            return self.value[key]
        return None


def compose(
    text: str, file: str, needs: str = "a scenario needs at least scenario, run, demand, pools and stages"
) -> Node:
    """The tree of a YAML text; ScenarioError naming `file`, line and column where it is none, or empty."""
    lines = _LINE_ENDS.split(text)
    try:
        return _Composer(file, lines, iter(YAML(typ="safe", pure=True).parse(text))).document(needs)
    except MarkedYAMLError as error:
        place = error.problem_mark or error.context_mark
        mark = _mark(file, lines, place.line, place.column) if place else Mark(file, 1, 1)
        problem = " ".join(str(error.problem or error.context or "the text cannot be read").split())
        raise ScenarioError([at(mark, (), f"is not YAML: {problem}{_meant(problem, lines, place)}")]) from None
    except (YAMLError, ValueError, TypeError, IndexError, KeyError, AttributeError, AssertionError) as error:
        problem = " ".join(str(error).split())[:200] or type(error).__name__
        raise ScenarioError([at(Mark(file, 1, 1), (), f"is not YAML: {problem}")]) from None


def _meant(problem: str, lines: Sequence[str], place: StreamMark | None) -> str:
    """What is most likely wrong where a text is no YAML, in words; "" where that cannot be told."""
    line = lines[place.line] if place is not None and place.line < len(lines) else ""
    if problem.startswith("found character '\\t'"):
        return "; lines are indented with spaces, not with tabs"
    if problem.startswith("mapping values are not allowed"):
        key, _, rest = line.partition(":")
        if ": " in rest and not rest.lstrip().startswith(("{", "[")):
            return f'; a text with a colon in it stands in quotes: {key.strip()}: "..."'
        return "; a colon is missing in the line before, or this line is indented too far"
    if problem.startswith("could not find expected ':'"):
        return "; a colon is missing in the line before"
    return ""


def scalar(text: str) -> Scalar:
    """The value of an unquoted text by the core schema of YAML 1.2.

    >>> scalar("22:30"), scalar(".5"), scalar("yes"), scalar("~")
    ('22:30', 0.5, 'yes', None)
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text, base) if len(text) < 400 else text
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def is_cut(text: str) -> bool:
    """Whether a text holds half a character, a lone surrogate, which no file can hold."""
    return not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)


def merge(base: Node, over: Node) -> Node:
    """`over` laid on `base`: mappings merge key by key, anything else replaces, nothing (null) takes a key away."""
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return over
    values, keys = dict(base.value), dict(base.keys)
    for key, child in over.value.items():
        if key in values and child.value is None:
            del values[key], keys[key]
            continue
        values[key] = merge(values[key], child) if key in values else child
        keys[key] = over.keys[key]
    return Node(values, over.mark, keys, 1 + sum(child.size for child in values.values()))


def with_child(node: Node, key: str | int, child: Node | None, mark: Mark) -> Node:
    """The same mapping or list with one value replaced, added, or (None) taken away; `node` itself stays as it is."""
    if isinstance(node.value, dict):
        values, keys = dict(node.value), dict(node.keys)
        if child is None:
            values.pop(str(key), None)
            keys.pop(str(key), None)
        else:
            values[str(key)] = child
            keys.setdefault(str(key), mark)
        return replace(node, value=values, keys=keys)
    assert isinstance(node.value, list)
    assert isinstance(key, int)
    items = list(node.value)
    items[key : key + 1] = [] if child is None else [child]
    return replace(node, value=items)


def of_plain(value: Any, mark: Mark) -> Node:
    """The tree of a plain value, all of it at one mark."""
    if isinstance(value, dict):
        return Node(
            {str(key): of_plain(child, mark) for key, child in value.items()},
            mark,
            dict.fromkeys(map(str, value), mark),
        )
    if isinstance(value, list | tuple):
        return Node([of_plain(child, mark) for child in value], mark)
    return Node(value, mark)


def hold_kind(root: Node, kind: Literal["scenario", "ledger", "study"], name: str) -> None:
    """ScenarioError where a document tells by its keys that it is none of this kind but one that another command takes,
    called `name` there: then its other keys say nothing."""
    if not isinstance(root.value, dict) or any(key in root.value for key, (one, _) in KINDS.items() if one == kind):
        return
    if kind == "scenario" and OF_SCENARIOS & root.value.keys():
        return
    for key, (other, command) in KINDS.items():
        if key in root.value:
            rule = f"this is a {other}, and no {WHAT_IT_IS[kind]}; tipline {command} {name} takes it"
            raise ScenarioError([at(root.keys[key], (key,), rule)])


def node_at(root: Node, path: Path) -> Node | None:
    """The value at a path, or None."""
    node: Node | None = root
    for part in path:
        node = node.child(part) if node else None
    return node


def find(root: Node, path: Sequence[str | int], *, key: bool = False) -> tuple[Mark, Path]:
    """Where a path is written (with `key`, where its last key is), and the path as a message shows it.

    Parts of the path that the document does not have are passed over; a list's items go by their names.
    """
    node, mark = root, root.mark
    found: list[str | int] = []
    for part in path:
        child = node.child(part)
        if child is None:
            continue
        mark = node.keys.get(str(part), child.mark) if key else child.mark
        found.append(child.name or part if isinstance(node.value, list) else part)
        node = child
    return mark, tuple(found)


class _Composer:
    """One pass over the events of a text."""

    def __init__(self, file: str, lines: list[str], events: Iterator[Any]) -> None:
        self.file, self.lines, self.events = file, lines, events
        self.anchors: dict[str, Node] = {}

    def document(self, needs: str) -> Node:
        root: Node | None = None
        for event in self.events:
            if isinstance(event, DocumentStartEvent) and root is not None:
                self._refuse(event, "holds more than one YAML document")
            if isinstance(event, NodeEvent):
                root = self._node(event, 0)
        if root is None or root.value is None:
            raise ScenarioError([at(Mark(self.file, 1, 1), (), f"is empty: {needs}")])
        return root

    def _node(self, event: Any, depth: int) -> Node:
        if depth > DEEPEST:
            self._refuse(event, f"is nested more than {DEEPEST} deep")
        if isinstance(event, AliasEvent):
            if event.anchor not in self.anchors:
                self._refuse(event, f"the alias *{event.anchor} stands for nothing")
            return self.anchors[event.anchor]
        if event.tag is not None and event.tag != "!":
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            self._refuse(event, f"tags such as {tag[:40]} are not read")
        if isinstance(event, ScalarEvent):
            self._whole(event)
            quoted = bool(event.style) or event.tag is not None
            node = Node(event.value if quoted else scalar(event.value), self._at(event))
        elif isinstance(event, SequenceStartEvent):
            node = self._sequence(event, depth)
        else:
            node = self._mapping(event, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def _whole(self, event: Any) -> None:
        """Refuse a text that could not be written to a file."""
        if is_cut(event.value):
            self._refuse(event, "holds half a character (a lone surrogate)")

    def _sequence(self, start: SequenceStartEvent, depth: int) -> Node:
        items: list[Node] = []
        size = 1
        while not isinstance(event := next(self.events), SequenceEndEvent):
            items.append(self._node(event, depth + 1))
            size = self._counted(size + items[-1].size, event)
        return Node(items, self._at(start), {}, size)

    def _mapping(self, start: MappingStartEvent, depth: int) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        size = 1
        while not isinstance(event := next(self.events), MappingEndEvent):
            if not isinstance(event, ScalarEvent) or event.tag is not None:
                self._refuse(event, "a key is a plain word")
            self._whole(event)
            key = str(event.value)
            if not key:
                self._refuse(event, "a key is missing before the colon")
            if key in keys:
                self._refuse(event, f"the key {shown(key)} stands here twice (first in line {keys[key].line})")
            keys[key] = self._at(event)
            value = next(self.events)
            child = self._node(value, depth + 1)
            if child.value is None and isinstance(value, ScalarEvent) and not value.value:
                child = replace(child, mark=keys[key])  # nothing was written: point at the key
            values[key] = child
            size = self._counted(size + values[key].size, event)
        return Node(values, self._at(start), keys, size)

    def _counted(self, size: int, event: Any) -> int:
        if size > MOST_VALUES:
            self._refuse(event, f"holds more than {MOST_VALUES:,} values, with its aliases written out")
        return size

    def _at(self, event: Any) -> Mark:
        return _mark(self.file, self.lines, event.start_mark.line, event.start_mark.column)

    def _refuse(self, event: Any, rule: str) -> None:
        raise ScenarioError([at(self._at(event), (), rule)])


def _mark(file: str, lines: list[str], line: int, column: int) -> Mark:
    return Mark(file, line + 1, column + 1, lines[line] if line < len(lines) else "")
