"""What sources claim of a line, each claim of one kind with its figure; and what is known from elsewhere.

A claim says which subject it counts and, where it is about time, by which clock; who lies within whom and which clock
ends after which is said once, in the ledger's `subjects` and `clocks`. What follows from the figures is not said here.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal, Self, get_args

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, WithJsonSchema, model_validator
from pydantic_core import CoreSchema

from sim.scenario import units
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
from sim.scenario.sources import Address, Page

Year = Annotated[int, Field(ge=1900, le=2500)]
Years = Annotated[int, Field(ge=1, le=100)]
Amount = Annotated[Number, Field(ge=0, le=1e15)]


def _in_all(given: Any) -> float:
    found = units.percentage(given)
    if not -1 < found <= 1e6:
        raise ValueError("a growth in all lies above -100 % and at most at 100000000 %")
    return found


GrowthInAll = Annotated[float, BeforeValidator(_in_all), WithJsonSchema(SHARE_SCHEMA | {"examples": ["61 %"]})]
Currency = Annotated[Name, Field(max_length=12)]


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
    quotation: Text = ""
    """The claim word for word, in the source's language, with [...] for words that are left out. Where the source has a
    kept copy, it must stand so in that. Such as `All calls are answered within one minute.`."""
    page: Page = ""
    """The page on which it stands. Such as `12`."""
    place: Text = ""
    """The place where it stands, if the source has no pages. Such as `under Our promises`."""
    subject: Name
    """What it is about: a name of `subjects`. Such as `calls`."""
    unclear: Text = ""
    """What the source leaves open. Such as `Whether calls that gave up count.`."""
    target_name: Name | None = None
    """What the target is called that a scenario takes from it, for tables and sentences; the claim's own name where
    nothing is said. Such as `answered`."""
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


class Median(_Timed):
    """Half of the subject is done within a time."""

    kind: Literal["median"]
    """Half of the subject is done within a time."""


class Percentile(_Timed):
    """The time that a share of the subject does not exceed is at most so long."""

    kind: Literal["percentile"]
    """The time that a share of the subject does not exceed is at most so long."""
    share: Annotated[Share, Field(gt=0, lt=1)]
    """The share that takes no longer."""


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


class PerHead(_Claim):
    """So many come a year of so many people."""

    kind: Literal["per head"]
    """So many come a year of so many people."""
    of: Name
    """The people: a name of `subjects`, whose number may be known under `facts`. Such as `inhabitants`."""
    quantity: Amount
    """How many a year. Such as `21`."""
    heads: Annotated[Number, Field(gt=0, le=1e12)] = 1.0
    """Of so many people. Such as `100000`."""
    sense: Sense
    """How the figure is meant."""

    @property
    def each(self) -> float:
        """How many a year of one person."""
        return self.quantity / self.heads


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


class GrowthBetween(_Claim):
    """Its number grew by a share in all from one year to another."""

    kind: Literal["growth between"]
    """Its number grew by a share in all from one year to another."""
    given_from: Year = Field(alias="from")
    """The year that it is compared with. Such as `2019`."""
    given_to: Year = Field(alias="to")
    """The year to which it grew. Such as `2023`."""
    quantity: GrowthInAll
    """By how much in all."""
    sense: Sense
    """How the figure is meant."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.given_from >= self.given_to:
            raise rule("`from` must be before `to`", value=False)
        return self

    @property
    def years(self) -> int:
        """The years between."""
        return self.given_to - self.given_from


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


class MoneyACase(_Claim):
    """A year's cost is so much a case: a tip, a call, a case that was solved."""

    kind: Literal["money a case"]
    """A year's cost is so much a case: a tip, a call, a case that was solved."""
    of: Name
    """The cases: a name of `subjects`. Such as `tips`."""
    quantity: Amount
    """How much money. Such as `41`."""
    currency: Currency
    """What it is in. Such as `EUR`."""
    sense: Sense
    """How the figure is meant."""


class MoneyAYear(_Claim):
    """The subject costs so much a year."""

    kind: Literal["money a year"]
    """The subject costs so much a year."""
    quantity: Amount
    """How much money. Such as `120000`."""
    currency: Currency
    """What it is in. Such as `EUR`."""
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
    url: Address | None = None
    """The address of that: shown, never fetched. Such as `https://example.org/census.html`."""
    says: Text
    """What it says, in words of our own. Such as `A third of calls are repeated.`."""


class _Range(_Fact):
    figure_schema: ClassVar[dict[str, Any]] = SHARE_SCHEMA

    given_from: Share = Field(alias="from")
    """The lower end; `quantity` stands for both."""
    given_to: Share = Field(alias="to")
    """The upper end."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        found = handler.resolve_ref_schema(handler(schema))
        figure = {**cls.figure_schema, "description": "The figure, where it is no range: `from` and `to` alike."}
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


class NumberFact(_Range):
    """There are so many of the subject, or between so many: people; or money a year, where a currency is given."""

    figure_schema: ClassVar[dict[str, Any]] = {"type": "number", "examples": [5300000]}

    kind: Literal["number"]
    """There are so many of the subject: people; or money a year, where a currency is given."""
    subject: Name
    """A name of `subjects`. Such as `inhabitants`."""
    given_from: Amount = Field(alias="from")
    """The lower end; `quantity` stands for both. Such as `5200000`."""
    given_to: Amount = Field(alias="to")
    """The upper end. Such as `5400000`."""
    currency: Currency | None = None
    """What money is in. Such as `EUR`."""


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
    | Median
    | Percentile
    | BestCase
    | Volume
    | PerHead
    | GrowthRate
    | GrowthBetween
    | ShareOfWhole
    | CostRatio
    | MoneyACase
    | MoneyAYear
    | StaffingChange
    | Zero
    | Availability
)
_AnyFact = ShareFact | NumberFact | GainFact | SurgeFact
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
