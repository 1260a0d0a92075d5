"""Which keys and what kinds of values the schema knows at a path, for hints and for setting what is not there yet."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator

from sim.scenario.distributions import LAWS, Law
from sim.scenario.levels import Block, Levels
from sim.scenario.pools import Filter
from sim.scenario.schema import World
from sim.scenario.stages import ByAttribute
from sim.scenario.targets import KINDS, Target
from sim.scenario.tree import Path


def keys_at(path: Path, schema: type[BaseModel] = World) -> tuple[str, ...]:
    """The keys that the schema names at a path; none where the keys are the document's own names."""
    return _keys_of(kinds_at(path, schema))


@lru_cache(maxsize=1000)
def _keys_of(kinds: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for kind in kinds for key in _children(kind)))


def has_fixed_keys(path: Path) -> bool:
    """Whether the keys at a path are the schema's alone: not the document's names or attributes, and not a law."""
    return any(_is_model(kind) and not issubclass(_bare(kind), ByAttribute | Filter) for kind in kinds_at(path))


def is_whole(path: Path) -> bool:
    """Whether a path takes whole numbers only.

    >>> is_whole(("pools", "any", "staff")), is_whole(("run", "length")), is_whole(("centres",))
    (True, False, True)
    """
    return path == ("centres",) or any(
        _bare(kind) is int and not any(isinstance(note, BeforeValidator) for note in _notes(kind))
        for kind in kinds_at(path)
    )


def kinds_at(path: Path, schema: type[BaseModel] = World) -> tuple[Any, ...]:
    """The types that a value at a path may have."""
    return _kinds_at(path, schema, len(KINDS))


@lru_cache(maxsize=1000)
def _kinds_at(path: Path, schema: type[BaseModel], n_targets: int) -> tuple[Any, ...]:
    """The same, kept for as many kinds of targets as there are."""
    kinds: tuple[Any, ...] = (schema,)
    for part in path:
        kinds = tuple(child for kind in kinds for child in _child(kind, part))
    return kinds


def _child(kind: Any, part: str | int) -> Iterator[Any]:
    kind = _bare(kind)
    origin = get_origin(kind)
    if origin is dict:
        yield from _branches(get_args(kind)[1])
    elif origin is tuple:
        # An item by its number or name; or a key of the one item that may stand in the place of a list.
        for item in _branches(get_args(kind)[0]):
            yield from (() if str(part).isdigit() else tuple(_child(item, part))) or (item,)
    elif kind is Levels:
        yield from _child(kind.model_fields["blocks"].annotation, part)
    elif str(part) in (children := _children(kind)):
        yield from children[str(part)]
    elif isinstance(kind, type) and issubclass(kind, ByAttribute):
        yield from _branches(get_args(kind.model_fields["values"].annotation)[1])


def _children(kind: Any) -> dict[str, tuple[Any, ...]]:
    kind = _bare(kind)
    if kind is Levels:
        return _children(Block)
    if get_origin(kind) is tuple:
        return _children(get_args(kind)[0])
    if kind is _LAW:
        return {name: (law,) for name, law in LAWS.items()}
    if not _is_model(kind):
        return {}
    if issubclass(kind, ByAttribute):
        within = _branches(get_args(kind.model_fields["values"].annotation)[1])
        return {key: found for branch in within for key, found in _children(branch).items()}
    return {
        field.alias or name: tuple(
            _branches(Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation)
        )
        for name, field in kind.model_fields.items()
    }


class _LAW:
    """Stands for the union of all laws, whose keys are their names."""


def _branches(kind: Any) -> tuple[Any, ...]:
    """The kinds in a union, nothing (None) left out; a law stays one."""
    if kind == Law:
        return (_LAW,)
    if kind is Target:
        return tuple(KINDS.values())
    bare, notes = _bare(kind), _notes(kind)
    if get_origin(bare) in (Union, UnionType):
        if any(_bare(branch) in LAWS.values() for branch in get_args(bare)):
            return (_LAW,)
        return tuple(found for branch in get_args(bare) if branch is not type(None) for found in _branches(branch))
    return (Annotated[bare, *notes] if notes else bare,)


def _is_model(kind: Any) -> bool:
    kind = _bare(kind)
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _notes(kind: Any) -> tuple[Any, ...]:
    return get_args(kind)[1:] if get_origin(kind) is Annotated else ()
