"""The kinds of values that the document is made of, as pydantic types, and the one way to state a broken rule.

A field's type here says both how it is read and how the JSON Schema for editors describes it.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError

from sim.scenario import units

T = TypeVar("T")


class Part(BaseModel):
    """A piece of the document: frozen, strict, nothing extra."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", defer_build=True)


def rule(text: str, *at: str | int, value: bool = True, key: bool = False) -> PydanticCustomError:
    """The fault that a rule is broken, `at` some path below the value that is being read.

    Without `value` the message does not repeat what was given; with `key` it points at the key, not at its value.
    """
    return PydanticCustomError("rule", "{text}", {"text": text, "at": at, "value": value, "key": key})


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _zone(given: object) -> str:
    names = _zones()
    if not isinstance(given, str) or given not in names:
        close = ""
        if isinstance(given, str):
            # A zone is mostly named by its city alone. Names with numbers count west of Greenwich, which nobody means.
            named = [name for name in sorted(names, reverse=True) if not any(letter.isdigit() for letter in name)]
            cities = {name.rpartition("/")[2].lower(): name for name in named}
            city = given.strip().replace(" ", "_").lower()
            close = f"; did you mean '{cities[city]}'?" if city in cities else near(given, sorted(named))
        raise ValueError(f"there is no time zone of that name{close or '; write one such as Europe/London'}")
    return given


Zone = Annotated[str, BeforeValidator(_zone), WithJsonSchema({"type": "string", "examples": ["Europe/London"]})]
"""A time zone by its name."""

_NAME: Final = re.compile(r"\w[\w '&+/-]*")


_TURNS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Letters that turn round the order in which others are shown."""


def _name(text: str) -> str:
    if len(text) > 80:
        raise ValueError("a name has at most 80 characters")
    if not _NAME.fullmatch(text) or text != text.strip():
        raise ValueError("a name is made of letters, digits, spaces, _ and -")
    return text


def _plain(text: str) -> str:
    """Text that moves no cursor, changes no colour and turns nothing round, wherever it is shown."""
    for letter in text:
        if letter not in "\n\t" and (unicodedata.category(letter) == "Cc" or letter in _TURNS):
            raise ValueError(f"holds a character that is no text (U+{ord(letter):04X})")
    return text


def _positive(length: int) -> int:
    if length <= 0:
        raise ValueError("must be longer than 0")
    return length


def as_list(value: object) -> object:
    """One text is a list of one."""
    return [value] if isinstance(value, str) else value


def _as_number(value: object) -> float:
    return units.number(value)


UNIT: Final = "x-unit"
"""The keyword under which the schemas say what a value is written in."""

SAID: Final = "patternErrorMessage"
"""The keyword of editors for what they say of a text that does not match."""

DURATION_SCHEMA: Final = {
    "type": "string",
    "pattern": units.PATTERNS["duration"],
    UNIT: "a duration: ms, s, min, h, d or wk",
    SAID: units.WRITTEN["duration"],
    "examples": ["30 s", "12 min", "7 d"],
}
SHARE_SCHEMA: Final = {
    "anyOf": [
        {"type": "string", "pattern": units.PATTERNS["share"], SAID: units.WRITTEN["share"]},
        {"type": "number"},
    ],
    UNIT: "a share: 2 % or 0.02",
    "examples": ["2 %", 0.02],
}
RATE_SCHEMA: Final = {
    "type": "string",
    "pattern": units.PATTERNS["rate"],
    UNIT: "a rate: so many a min, h, day, week, month or year (of 365 days)",
    SAID: units.WRITTEN["rate"],
    "examples": ["30000/year", "3.4/h"],
}
DATE_SCHEMA: Final = {
    "type": "string",
    "pattern": units.PATTERNS["date"],
    UNIT: "a date, and a time of the local clock",
    SAID: units.WRITTEN["date"],
    "examples": ["2025-01-06 00:00"],
}
TIME_SCHEMA: Final = {
    "type": "string",
    "pattern": units.PATTERNS["time"],
    UNIT: "a time of day, in quotation marks",
    SAID: units.WRITTEN["time"],
    "examples": ["07:00"],
}
DAYS_SCHEMA: Final = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
    UNIT: "days of the week: daily, mon-fri, sat or a list of these",
    "examples": ["mon-fri", ["sat", "sun"]],
}

Text = Annotated[str, AfterValidator(_plain), Field(max_length=2000)]
"""Prose, of several lines where need be."""

Name = Annotated[str, AfterValidator(_name)]
NAMES_SCHEMA: Final = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}],
}
Names = Annotated[
    frozenset[Name], BeforeValidator(as_list), Field(strict=False, min_length=1), WithJsonSchema(NAMES_SCHEMA)
]
Length = Annotated[int, BeforeValidator(units.duration), WithJsonSchema(DURATION_SCHEMA)]
PositiveLength = Annotated[Length, AfterValidator(_positive)]
Rate = Annotated[float, BeforeValidator(units.rate), WithJsonSchema(RATE_SCHEMA)]
Share = Annotated[float, BeforeValidator(units.share), WithJsonSchema(SHARE_SCHEMA)]
Growth = Annotated[float, BeforeValidator(units.growth), WithJsonSchema(SHARE_SCHEMA)]
Factor = Annotated[float, BeforeValidator(units.factor), WithJsonSchema(SHARE_SCHEMA | {"examples": ["150 %", 1.5]})]
Speed = Annotated[float, BeforeValidator(units.speed), WithJsonSchema(SHARE_SCHEMA | {"examples": ["80 %", 1.2]})]
Number = Annotated[float, BeforeValidator(_as_number), WithJsonSchema({"type": "number"})]
Date = Annotated[datetime, BeforeValidator(units.date), WithJsonSchema(DATE_SCHEMA)]
TimeOfDay = Annotated[int, BeforeValidator(units.time_of_day), WithJsonSchema(TIME_SCHEMA)]
Days = Annotated[frozenset[int], BeforeValidator(units.days), WithJsonSchema(DAYS_SCHEMA)]
Several = Annotated[tuple[T, ...], Field(strict=False)]
"""A list in the document, a tuple in the model."""


def _summing(shares: dict[str, float]) -> dict[str, float]:
    if not shares:
        raise rule("at least one is needed", value=False)
    adds_up(shares)
    return shares


Shares = Annotated[dict[Name, Share], Field(max_length=1000), AfterValidator(_summing)]
"""Shares by name, which add up to 1."""


class AlsoWritten:
    """Tells the JSON Schema that a value has a shorter written form too."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [self.schema, handler(core)]}


class OneOrSeveral:
    """Tells the JSON Schema of a list that one item may stand in its place."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        several = handler(core)
        return {"anyOf": [several["items"], several]}


def adds_up(shares: dict[str, float] | tuple[float, ...]) -> None:
    """Raise the fault that shares do not add up to 1, if they do not."""
    total = sum(shares.values() if isinstance(shares, dict) else shares)
    if abs(total - 1) > 1e-6:
        raise rule(f"shares must add up to 100 %, and these add up to {100 * total:.6g} %", value=False)


_HINTS: Final[ContextVar[list[int] | None]] = ContextVar("hints", default=None)

_MOST_COMPARED: Final = 5_000_000
"""Letters of words times letters of names that are compared for the hints at one document's faults: half a second."""
_MOST_NAMED: Final = 20
"""So many names are told where none is near; the rest are counted."""


@contextmanager
def hints_for_a_screen() -> Iterator[None]:
    """Within this, hints stop once enough was compared: more faults than fit on a screen need none."""
    before = _HINTS.set([_MOST_COMPARED])
    try:
        yield
    finally:
        _HINTS.reset(before)


def near(word: str, names: Iterable[str]) -> str:
    """A hint at the name that was meant, or "" when none is near.

    >>> near("anlysts", ["analysts", "receivers"])
    "; did you mean 'analysts'?"
    """
    word, names, left = word[:80], list(names), _HINTS.get()
    if left is not None:
        left[0] -= (len(word) + 10) * sum(len(name) + 10 for name in names)
        if left[0] < 0:
            return ""
    found = difflib.get_close_matches(word, names, 1, cutoff=0.7)
    return f"; did you mean '{found[0]}'?" if found else ""


def hint(name: str, known: Iterable[str]) -> str:
    """What was meant, or what there is."""
    known = list(dict.fromkeys(known))
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    return near(name, known) or f"; there are {', '.join(known[:_MOST_NAMED]) or 'none'}{more}"
