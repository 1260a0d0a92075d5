"""What pydantic finds wrong, as faults in plain words at the place where it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from sim.scenario import shape
from sim.scenario.faults import Fault, at, shown
from sim.scenario.fields import near
from sim.scenario.schema import World
from sim.scenario.tree import Node, Path, find

_RULES: Final = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is too large a number",
    "float_type": "must be a number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "frozen_set_type": "must be a name or a list of names",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "too_short": "needs at least {min_length}",
    "too_long": "has more than {max_length} items",
    "string_too_long": "has more than {max_length} letters",
}


def faults_of(error: ValidationError, root: Node, prefix: Path, schema: type[BaseModel] = World) -> list[Fault]:
    """The faults of a part of the document that lies at `prefix` in the tree; `schema` is the whole document's."""
    found = dict.fromkeys(_faults(error, root, prefix, schema))
    return list(found)


def _faults(error: ValidationError, root: Node, prefix: Path, schema: type[BaseModel]) -> Iterator[Fault]:
    for one in error.errors(include_url=False):
        loc: Path = (*prefix, *one["loc"])
        context: dict[str, Any] = one.get("ctx", {})
        match one["type"]:
            case "missing":
                mark, above = find(root, loc[:-1])
                yield at(mark, (*above, loc[-1]), "is missing")
            case "extra_forbidden":
                mark, path = find(root, loc, key=True)
                yield at(mark, path, not_a_key(str(loc[-1]), path[:-1], schema))
            case _ if "[key]" in loc:
                mark, path = find(root, loc[: loc.index("[key]")], key=True)
                yield at(mark, path, _rule(one["type"], context, one["msg"], None), shown(loc[loc.index("[key]") - 1]))
            case "rule":
                loc = (*loc, *context["at"])
                mark, path = find(root, loc, key=context["key"])
                yield at(mark, path, context["text"], _value(root, path) if context["value"] else "")
            case kind:
                mark, path = find(root, loc)
                yield at(mark, path, _rule(kind, context, one["msg"], one["input"]), _value(root, path))


def not_a_key(key: str, path: Path, schema: type[BaseModel] = World) -> str:
    """The rule that a key is not one of a place's, with a hint at what was meant."""
    keys = shape.keys_at(path, schema)
    if key in keys:
        return "does not go with the other keys here"
    hint = near(key, keys)
    return f"is not a key here{hint or ('; the keys are ' + ', '.join(keys) if keys else '')}"


def _rule(kind: str, context: dict[str, Any], message: str, given: object) -> str:
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        names = re.findall(r"'([^']*)'", str(context["expected"]))
        meant = near(given, names) if isinstance(given, str) else ""
        return f"must be {'one of ' if len(names) > 1 else ''}{', '.join(names)}{meant}"
    if kind == "string_type" and isinstance(given, int | float):
        return "must be text; put it in quotes"
    return _RULES[kind].format(**context) if kind in _RULES else message[:1].lower() + message[1:]


def _value(root: Node, path: Path) -> str:
    node: Node | None = root
    for part in path:
        node = node.child(part) if node else None
    return shown(node.plain() if node and not isinstance(node.value, dict | list) else node.value if node else None)
