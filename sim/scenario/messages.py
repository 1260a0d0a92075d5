"""What pydantic finds wrong, as faults in plain words at the place where it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ValidationError

from sim.scenario import shape
from sim.scenario.faults import Fault, at, shown
from sim.scenario.fields import near
from sim.scenario.schema import World
from sim.scenario.tree import Node, Path, find, node_at

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MOST_LOOKED_AT: Final = 400
"""Faults of a part that are looked at together; those beyond are only counted, for nobody is shown so many."""

FEW_KEYS: Final = 12
"""As many keys of a place are named where a single value stands in their place."""

_MAPPING: Final = "must be a mapping"

_RULES: Final = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is too large a number",
    "float_type": "must be a number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
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

_CALLED_HERE: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "staff": (("staff", "a pool"),),
    "heads": (("staff", "a pool"), ("levels", "a pool")),
    **dict.fromkeys(("agents", "people", "servers", "headcount", "capacity", "seats"), (("staff", "a pool"),)),
    **dict.fromkeys(("roster", "schedule", "rota", "hours"), (("open", "a stage"), ("shifts", "a pool"))),
    **dict.fromkeys(("opening_hours", "closing_time"), (("open", "a stage or a channel"),)),
    **dict.fromkeys(("priority", "priorities"), (("serve_first", "a pool"),)),
    **dict.fromkeys(("discipline", "queue_discipline", "policy"), (("order", "a pool"),)),
    **dict.fromkeys(("vacation", "sickness", "sick_leave"), (("absence", "a pool"),)),
    **dict.fromkeys(("unavailable", "outage", "downtime"), (("shifts", "a pool, by rows with `on`"),)),
    **dict.fromkeys(("skills", "skill", "backup", "escalate_to", "escalation", "spill_to"), (("overflow", "a stage"),)),
    **dict.fromkeys(("queue", "queue_size", "max_queue", "buffer"), (("waiting_room", "a stage"),)),
    **dict.fromkeys(("trunks", "phone_lines"), (("lines", "a stage"),)),
    **dict.fromkeys(("max_wait", "timeout", "abandonment", "reneging"), (("patience", "a stage"),)),
    **dict.fromkeys(("abandon_to", "voicemail"), (("gives_up_to", "a stage"),)),
    **dict.fromkeys(("blocked_to", "busy_to"), (("turned_away_to", "a stage"),)),
    **dict.fromkeys(("acw", "after_call_work", "wrapup", "not_ready"), (("wrap_up", "a stage"),)),
    **dict.fromkeys(("aht", "handling_time", "talk", "service_time"), (("service", "a stage"),)),
    **dict.fromkeys(("redial", "redials", "recall"), (("retry", "a stage"),)),
    **dict.fromkeys(("deadline", "due_in"), (("due", "a stage"),)),
    **dict.fromkeys(("probability", "percent", "chance"), (("share", "a stage"),)),
    **dict.fromkeys(("batch", "batches"), (("every", "a stage, by time"),)),
    **dict.fromkeys(("lunch", "breaks", "pause"), (("breaks", "a pool"),)),
    **dict.fromkeys(("timezone", "time_zone", "tz"), (("zone", "the run"),)),
    "runs": (("replications", "the run"),),
}
"""What keys of other tools are called in a document, and of what they are keys there."""

_VALUE_HERE: Final = {
    **dict.fromkeys(("fifo", "fcfs"), "first_come"),
    **dict.fromkeys(("lifo", "lcfs"), "last_come"),
    **dict.fromkeys(("edf", "edd", "earliest_due"), "due"),
    "siro": "random",
}
"""What values of other tools are called."""


def faults_of(error: ValidationError, root: Node, prefix: Path, schema: type[BaseModel] = World) -> list[Fault]:
    """The faults of a part of the document that lies at `prefix` in the tree; `schema` is the whole document's."""
    found = dict.fromkeys(_faults(error, root, prefix, schema))
    return list(found)


def _faults(error: ValidationError, root: Node, prefix: Path, schema: type[BaseModel]) -> Iterator[Fault]:
    every = error.errors(include_url=False)
    if len(every) > MOST_LOOKED_AT:
        yield at(*find(root, prefix), f"has {len(every) - MOST_LOOKED_AT:,} more faults")
    every = every[:MOST_LOOKED_AT]
    for one in every:
        loc: Path = (*prefix, *one["loc"])
        context: dict[str, Any] = one.get("ctx", {})
        match one["type"]:
            case "default_factory_not_called":
                continue  # it follows from another key, and that is at fault
            case _ if _follows(one, every, root, prefix):
                continue
            case "missing":
                mark, above = find(root, loc[:-1])
                yield at(mark, (*above, loc[-1]), "is missing")
            case "extra_forbidden":
                mark, path = find(root, loc, key=True)
                yield at(mark, path, _extra(root, loc, path, schema))
            case _ if "[key]" in loc:
                mark, path = find(root, loc[: loc.index("[key]")], key=True)
                yield at(mark, path, _rule(one["type"], context, one["msg"], None), shown(loc[loc.index("[key]") - 1]))
            case "rule":
                loc = (*loc, *context["at"])
                mark, path = find(root, loc, key=context["key"])
                yield at(mark, path, context["text"], _value(root, path) if context["value"] else "")
            case kind:
                mark, path = find(root, loc)
                said = _rule(kind, context, one["msg"], one["input"])
                if said == _MAPPING and not isinstance(one["input"], list | tuple | None):
                    said += _with_keys(shape.keys_at(path, schema))
                yield at(mark, path, said, _value(root, path))


def _extra(root: Node, loc: Path, path: Path, schema: type[BaseModel]) -> str:
    """The rule that a key breaks which is not one of its place."""
    goes_on = decimal_comma(root, loc)
    if goes_on is None:
        return not_a_key(str(loc[-1]), path[:-1], schema)
    node = node_at(root, goes_on)
    assert node is not None
    return f"a comma ends a value here; with a decimal point it is {goes_on[-1]}: {node.value}.{loc[-1]}"


def _follows(one: ErrorDetails, every: Sequence[ErrorDetails], root: Node, prefix: Path) -> bool:
    """Whether a fault is there only because of another one, and goes with it.

    A list is too short where its items are at fault, for pydantic counts those without; a key is missing where it is
    misspelt; what stands after a decimal comma is taken for a key.
    """
    loc = one["loc"]
    others = [other for other in every if other is not one]
    if one["type"] == "too_short":
        return any(len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in others)
    if one["type"] == "missing":
        beside = [other for other in others if other["type"] == "extra_forbidden" and other["loc"][:-1] == loc[:-1]]
        return any(_is_meant(str(other["loc"][-1]), str(loc[-1])) for other in beside)
    if one["type"] == "extra_forbidden":
        return False
    return any(
        other["type"] == "extra_forbidden"
        and decimal_comma(root, (*prefix, *other["loc"])) == find(root, (*prefix, *loc))[1]
        for other in others
    )


def decimal_comma(root: Node, path: Path) -> Path | None:
    """The path of the value that a key goes on from, as `5 %` goes on from `80` in `{share: 80,5 %}`; else None.

    In such braces YAML ends a value at any comma.
    """
    mark, real = find(root, path, key=True)
    before = mark.text[: mark.column - 1]
    node = node_at(root, real[:-1])
    if node is None or not isinstance(node.value, dict) or not str(path[-1])[:1].isdigit() or before[-1:] != ",":
        return None
    keys = list(node.value)
    at = keys.index(str(path[-1])) if str(path[-1]) in keys else 0
    if not at or node.value[keys[at]].value is not None:
        return None
    value = node.value[keys[at - 1]].value
    goes_on = isinstance(value, int) and not isinstance(value, bool) and before[:-1].endswith(str(value))
    return (*real[:-1], keys[at - 1]) if goes_on else None


def not_a_key(key: str, path: Path, schema: type[BaseModel] = World, *, own: Sequence[str] = ()) -> str:
    """The rule that a key is not one of a place's, with a hint at what was meant; `own` are keys of the document's."""
    keys = (*shape.keys_at(path, schema), *own)
    if key in keys:
        return "does not go with the other keys here"
    hint = _called_here(key, keys) or near(key, keys)
    return f"is not a key here{hint or ('; the keys are ' + ', '.join(keys) if keys else '')}"


def _called_here(word: str, keys: Sequence[str]) -> str:
    """A hint for a word that other tools use, or "" for any other.

    >>> _called_here("queue", ["service", "waiting_room"]), _called_here("priority", ["service"]), _called_here("x", [])
    ("; did you mean 'waiting_room'?", "; that is said by 'serve_first' of a pool", '')
    """
    meant = _meant(word)
    here = [key for key, _ in meant if key in keys]
    if here:
        return f"; did you mean '{here[0]}'?"
    return "; that is said by " + " or ".join(f"'{key}' of {where}" for key, where in meant) if meant else ""


def _meant(word: str) -> tuple[tuple[str, str], ...]:
    return _CALLED_HERE.get(word.lower().replace("-", "_").replace(" ", "_"), ())


def _is_meant(word: str, key: str) -> bool:
    return bool(near(word, [key])) or key in (one for one, _ in _meant(word))


def _with_keys(keys: Sequence[str]) -> str:
    """What a mapping has, in braces as it is written.

    >>> _with_keys(["to", "after"]), _with_keys([])
    (', {to: ..., after: ...}', '')
    """
    written = ", ".join(f"{key}: ..." for key in keys)
    return f", {{{written}}}" if 0 < len(keys) <= FEW_KEYS else ""


def _rule(kind: str, context: dict[str, Any], message: str, given: object) -> str:
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        names = re.findall(r"'([^']*)'", str(context["expected"]))
        meant = near(_VALUE_HERE.get(given.lower(), given), names) if isinstance(given, str) else ""
        return f"must be {'one of ' if len(names) > 1 else ''}{', '.join(names)}{meant}"
    if kind == "string_type" and isinstance(given, int | float):
        return "must be text; put it in quotes"
    return _RULES[kind].format(**context) if kind in _RULES else message[:1].lower() + message[1:]


def _value(root: Node, path: Path) -> str:
    node = node_at(root, path)
    return shown(node.plain() if node and not isinstance(node.value, dict | list) else node.value if node else None)
