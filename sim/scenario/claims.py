"""What sources claim of a line, each claim of one kind with its figure; and what is known from elsewhere.

A claim says which subject it counts and, where it is about time, by which clock; who lies within whom and which clock
ends after which is said once, in the ledger's `subjects` and `clocks`. What follows from the figures is not said here.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import BeforeValidator, Field, model_validator

from sim.scenario.fields import Growth, Length, Name, Names, Number, Part, PositiveLength, Rate, Share, Text, hint, rule
from sim.scenario.readings import Readings, Sense

Year = Annotated[int, Field(ge=1900, le=2500)]
Years = Annotated[int, Field(ge=1, le=100)]


class Source(Part):
    """Where claims or facts were read."""

    title: Text
    date: Text = ""


class Subject(Part):
    """What is counted."""

    says: Text
    part_of: Name | None = None
    """The subject within which it lies wholly."""
    by: Name | None = None
    """What divides that subject so: parts by the same division exclude each other."""
    overlaps: Name | None = None
    """A subject of which some of it is part, and some is not."""
    hinders: Names = frozenset()
    """Subjects of which nothing in it can be part, and clocks whose end it never reaches."""


class Clock(Part):
    """A time that claims are about, from one moment to another."""

    says: Text
    ends_after: Names = frozenset()
    """Clocks that begin with it and end before it, for every tip."""
    reached_by: Name | None = None
    """The only subject that reaches its end."""


class _Claim(Part):
    source: Name
    says: Text
    """What is claimed, in words of our own."""
    subject: Name
    unclear: Text = ""
    """What the source leaves open."""
    repeats: Name | None = None
    """The claim that it says again; a repeated claim lends its readings, and is scored once."""
    readings: Readings = Field(default_factory=Readings)


class _Timed(_Claim):
    clock: Name
    quantity: PositiveLength


class ShareWithin(_Timed):
    """A share of the subject is done within a time."""

    kind: Literal["share within"]
    share: Share | None = None
    """None where the source gives a time and no share."""


class Mean(_Timed):
    """The mean time is at most so long."""

    kind: Literal["mean"]


class BestCase(_Timed):
    """The fastest takes at most so long."""

    kind: Literal["best case"]


class Volume(_Claim):
    """So many come a year."""

    kind: Literal["volume"]
    quantity: Rate
    sense: Sense
    each_year: bool = False
    """Whether every year is meant, since the beginning."""


class GrowthRate(_Claim):
    """Its number grows by a share a year."""

    kind: Literal["growth"]
    quantity: Growth
    sense: Sense
    each_year: bool = False
    """Whether every single year is meant; else the mean over the years, or the last."""
    over: Years | None = None
    """The years that the source speaks of."""
    since: Year | None = None
    """The year from which it is said to hold."""


class ShareOfWhole(_Claim):
    """The subject is a share of another."""

    kind: Literal["share of a whole"]
    of: Name
    quantity: Share
    sense: Sense


class CostRatio(_Claim):
    """A cost is a share of another."""

    kind: Literal["cost ratio"]
    of: Name
    quantity: Share
    sense: Sense


class StaffingChange(_Claim):
    """The staff changed by a share."""

    kind: Literal["staffing change"]
    quantity: Growth
    sense: Sense


class Zero(_Claim):
    """The subject never occurs."""

    kind: Literal["zero"]
    quantity: Annotated[int, Field(ge=0, le=0)]


class Availability(_Claim):
    """The subject is there so many hours of the day, everywhere where `of` says where."""

    kind: Literal["availability"]
    quantity: Length
    of: Name | None = None


class _Fact(Part):
    source: Text
    says: Text


class _Range(_Fact):
    given_from: Share = Field(alias="from")
    given_to: Share = Field(alias="to")

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
    subject: Name
    of: Name


class GainFact(_Range):
    """People with a helper do more by a share, or by something between two."""

    kind: Literal["gain"]


class SurgeFact(_Fact):
    """For some time, so many times as many came as on other days."""

    kind: Literal["surge"]
    factor: Annotated[Number, Field(gt=0, le=1e6)]
    lasts: PositiveLength


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
