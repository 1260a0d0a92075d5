"""What sources claim of a line, each claim of one kind with its figure; and what is known from elsewhere.

A claim says which subject it counts and, where it is about time, by which clock; who lies within whom and which clock
ends after which is said once, in the ledger's `subjects` and `clocks`. What follows from the figures is not said here.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from sim.scenario.fields import (
    SHARE_SCHEMA,
    Growth,
    Length,
    Name,
    Names,
    Number,
    Part,
    PositiveLength,
    Rate,
    Share,
    Text,
    hint,
    rule,
)
from sim.scenario.readings import Readings, Sense

Year = Annotated[int, Field(ge=1900, le=2500)]
Years = Annotated[int, Field(ge=1, le=100)]


class Source(Part):
    """Where claims or facts were read."""

    title: Text
    """What it is called. Such as `Annual report 2024`."""
    date: Text = ""
    """When it was published. Such as `2025-03-01`."""


class Subject(Part):
    """What is counted."""

    says: Text
    """What it is, in words. Such as `tips that come by telephone`."""
    part_of: Name | None = None
    """The subject within which it lies wholly. Such as `tips`."""
    by: Name | None = None
    """What divides that subject so: parts by the same division exclude each other. Such as `channel`."""
    overlaps: Name | None = None
    """A subject of which some of it is part, and some is not. Such as `calls`."""
    hinders: Names = frozenset()
    """Subjects of which nothing in it can be part, and clocks whose end it never reaches. Such as `[answered]`."""


class Clock(Part):
    """A time that claims are about, from one moment to another."""

    says: Text
    """From when to when it runs, in words. Such as `from the call to the answer`."""
    ends_after: Names = frozenset()
    """Clocks that begin with it and end before it, for every tip. Such as `waiting`."""
    reached_by: Name | None = None
    """The only subject that reaches its end. Such as `answered_calls`."""


class _Claim(Part):
    source: Name
    """A name of `sources`. Such as `report`."""
    says: Text
    """What is claimed, in words of our own. Such as `Calls are answered within a minute.`."""
    subject: Name
    """What it is about: a name of `subjects`. Such as `calls`."""
    unclear: Text = ""
    """What the source leaves open. Such as `Whether calls that gave up count.`."""
    repeats: Name | None = None
    """The claim that it says again; a repeated claim lends its readings, and is scored once. Such as `A06`."""
    readings: Readings = Field(default_factory=Readings)
    """Its formal senses: lenient, moderate and strict. Such as `{moderate: {target: {from: arrival, to:
    answer.start, mean: 1 min}}}`."""


class _Timed(_Claim):
    clock: Name
    """The time that it is about: a name of `clocks`. Such as `waiting`."""
    quantity: PositiveLength
    """How long."""


class ShareWithin(_Timed):
    """A share of the subject is done within a time."""

    kind: Literal["share within"]
    """A share of the subject is done within a time."""
    share: Share | None = None
    """None where the source gives a time and no share."""


class Mean(_Timed):
    """The mean time is at most so long."""

    kind: Literal["mean"]
    """The mean time is at most so long."""


class BestCase(_Timed):
    """The fastest takes at most so long."""

    kind: Literal["best case"]
    """The fastest takes at most so long."""


class Volume(_Claim):
    """So many come a year."""

    kind: Literal["volume"]
    """So many come a year."""
    quantity: Rate
    """How many."""
    sense: Sense
    """How the figure is meant."""
    each_year: bool = False
    """Whether every year is meant, since the beginning."""


class GrowthRate(_Claim):
    """Its number grows by a share a year."""

    kind: Literal["growth"]
    """Its number grows by a share a year."""
    quantity: Growth
    """By how much a year."""
    sense: Sense
    """How the figure is meant."""
    each_year: bool = False
    """Whether every single year is meant; else the mean over the years, or the last."""
    over: Years | None = None
    """The years that the source speaks of. Such as `5`."""
    since: Year | None = None
    """The year from which it is said to hold. Such as `2019`."""


class ShareOfWhole(_Claim):
    """The subject is a share of another."""

    kind: Literal["share of a whole"]
    """The subject is a share of another."""
    of: Name
    """The other: a name of `subjects`. Such as `tips`."""
    quantity: Share
    """How large a share."""
    sense: Sense
    """How the figure is meant."""


class CostRatio(_Claim):
    """A cost is a share of another."""

    kind: Literal["cost ratio"]
    """A cost is a share of another."""
    of: Name
    """The other: a name of `subjects`. Such as `the_police`."""
    quantity: Share
    """How large a share."""
    sense: Sense
    """How the figure is meant."""


class StaffingChange(_Claim):
    """The staff changed by a share."""

    kind: Literal["staffing change"]
    """The staff changed by a share."""
    quantity: Growth
    """By how much."""
    sense: Sense
    """How the figure is meant."""


class Zero(_Claim):
    """The subject never occurs."""

    kind: Literal["zero"]
    """The subject never occurs."""
    quantity: Annotated[int, Field(ge=0, le=0)]
    """None: 0. Such as `0`."""


class Availability(_Claim):
    """The subject is there so many hours of the day, everywhere where `of` says where."""

    kind: Literal["availability"]
    """The subject is there so many hours of the day."""
    quantity: Length
    """Hours of the day."""
    of: Name | None = None
    """Where, if not everywhere: a name of `subjects`. Such as `centres`."""


class _Fact(Part):
    source: Text
    """Where it is known from, in words. Such as `Census 2020`."""
    says: Text
    """What it says, in words of our own. Such as `A third of calls are repeated.`."""


class _Range(_Fact):
    given_from: Share = Field(alias="from")
    """The lower end; `quantity` stands for both."""
    given_to: Share = Field(alias="to")
    """The upper end."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        found = handler.resolve_ref_schema(handler(schema))
        figure = {**SHARE_SCHEMA, "description": "The figure, where it is no range: `from` and `to` alike."}
        found["properties"] = {**found["properties"], "quantity": figure}
        needed = [key for key in found["required"] if key not in ("from", "to")]
        return {**found, "required": needed, "anyOf": [{"required": ["quantity"]}, {"required": ["from", "to"]}]}

    @model_validator(mode="before")
    @classmethod
    def _one_figure(cls, given: Any) -> Any:
        """A single `quantity` is a range of no width."""
        if isinstance(given, dict) and "quantity" in given and not {"from", "to"} & set(given):
            rest = {key: value for key, value in given.items() if key != "quantity"}
            return {**rest, "from": given["quantity"], "to": given["quantity"]}
        return given

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.given_from > self.given_to:
            raise rule("`from` must not be above `to`", value=False)
        return self

    @property
    def low(self) -> float:
        return self.given_from

    @property
    def high(self) -> float:
        return self.given_to


class ShareFact(_Range):
    """The subject is a share of another, or lies between two shares."""

    kind: Literal["share of a whole"]
    """The subject is a share of another."""
    subject: Name
    """A name of `subjects`. Such as `calls`."""
    of: Name
    """The other. Such as `tips`."""


class GainFact(_Range):
    """People with a helper do more by a share, or by something between two."""

    kind: Literal["gain"]
    """People with a helper do more by a share."""


class SurgeFact(_Fact):
    """For some time, so many times as many came as on other days."""

    kind: Literal["surge"]
    """For some time, so many times as many came."""
    factor: Annotated[Number, Field(gt=0, le=1e6)]
    """How many times as many. Such as `3`."""
    lasts: PositiveLength
    """For how long."""


def _by_kind(union: Any) -> dict[str, Any]:
    """The classes of a union by what they say their kind is."""
    return {get_args(one.model_fields["kind"].annotation)[0]: one for one in get_args(union)}


_AnyClaim = (
    ShareWithin
    | Mean
    | BestCase
    | Volume
    | GrowthRate
    | ShareOfWhole
    | CostRatio
    | StaffingChange
    | Zero
    | Availability
)
_AnyFact = ShareFact | GainFact | SurgeFact
CLAIMS: Final = _by_kind(_AnyClaim)
FACTS: Final = _by_kind(_AnyFact)


def _known(given: object, kinds: dict[str, Any], what: str) -> object:
    if isinstance(given, Part):
        return given
    if not isinstance(given, dict):
        raise rule(f"a {what} is a mapping with a kind")
    if "kind" not in given:
        raise rule(f"a {what} needs a `kind`: {', '.join(kinds)}", value=False)
    kind = given["kind"]
    if not isinstance(kind, str) or kind not in kinds:
        raise rule(f"there is no such kind of {what}{hint(str(kind)[:80], kinds)}", "kind")
    return given


def _a_claim(given: object) -> object:
    return _known(given, CLAIMS, "claim")


def _a_fact(given: object) -> object:
    return _known(given, FACTS, "fact")


Claim = Annotated[_AnyClaim, Field(discriminator="kind"), BeforeValidator(_a_claim)]
"""What a source says, of any kind."""

Fact = Annotated[_AnyFact, Field(discriminator="kind"), BeforeValidator(_a_fact)]
"""What is known from elsewhere: it is reckoned with and not judged."""
