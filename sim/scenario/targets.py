"""Names for moments, and the targets that are judged by them."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Discriminator, Field, GetJsonSchemaHandler, Tag, model_validator
from pydantic_core import CoreSchema

from sim.scenario.fields import Name, Part, PositiveLength, Several, Share, Text, rule
from sim.scenario.pools import Filter

GIVEN: Final = ("arrival", "leave", "lost")
"""Moments that every tip may have without any stage."""

Where = Literal["enter", "start", "end", "arrival", "leave", "lost"]


class Moment(Part):
    """A moment of a tip's life: `<stage>.enter`, `.start`, `.end`, or arrival, leave, lost."""

    stage: Name | None
    what: Where

    def __str__(self) -> str:
        return self.what if self.stage is None else f"{self.stage}.{self.what}"


class Milestone(Part):
    """One or several moments: the first one named that the tip has, or with `first_of` the earliest."""

    name: str
    """Its name in `milestones`, or its text where a target gives the moments themselves."""
    moments: Several[Moment]
    """Empty until a milestone that a target names is looked up."""
    first_of: bool = False

    @model_validator(mode="before")
    @classmethod
    def _as_written(cls, given: Any) -> Any:
        if isinstance(given, Milestone):
            return given
        if isinstance(given, str):
            return {"name": given, "moments": (moment(given),) if "." in given or given in GIVEN else ()}
        first_of = isinstance(given, dict) and "first_of" in given
        if first_of and len(given) > 1:
            raise rule("a milestone is one moment, a list of moments, or {first_of: [...]}", value=False)
        texts = given["first_of"] if first_of else given
        if not isinstance(texts, list | tuple):
            raise rule("a milestone is one moment, a list of moments, or {first_of: [...]}")
        if not 1 <= len(texts) <= 100:
            raise rule("a milestone needs at least one moment (and at most 100)", value=False)
        moments = tuple(moment(text, *(("first_of",) if first_of else ()), row) for row, text in enumerate(texts))
        return {"name": ", ".join(texts), "moments": moments, "first_of": first_of}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        several = {"type": "array", "items": {"type": "string"}, "minItems": 1}
        earliest = {
            "type": "object",
            "properties": {"first_of": several},
            "required": ["first_of"],
            "additionalProperties": False,
        }
        return {"anyOf": [{"type": "string"}, several, earliest]}


def moment(text: object, *at: str | int) -> Moment:
    """The moment that a text such as `answer.start` or `arrival` names."""
    if not isinstance(text, str):
        raise rule("a moment is written answer.start, or arrival, leave, lost", *at)
    if text in GIVEN:
        return Moment.model_construct(stage=None, what=text)
    stage, dot, what = text.rpartition(".")
    if not dot or not stage:
        raise rule(f"a moment is written answer.start, or arrival, leave, lost (not '{text[:40]}')", *at, value=False)
    if what not in ("enter", "start", "end"):
        raise rule(f"a stage has the moments enter, start and end, not '{what[:40]}'", *at, value=False)
    return Moment.model_construct(stage=stage, what=what)


class _Common(Part):
    claim: Text | None = None
    """The claim that it stands for."""
    per: Literal["run", "month", "week", "day"] = "run"
    in_each: Literal["centre"] | None = None


class _OfTips(_Common):
    of: Filter | None = None
    """Which tips it judges; all when left out."""


class _Between(_OfTips):
    from_: Milestone = Field(alias="from")
    to: Milestone
    lost_tips: Literal["miss", "left_out"] = "miss"

    @property
    def from_name(self) -> str:
        return self.from_.name

    @property
    def to_name(self) -> str:
        return self.to.name


class ShareTarget(_Between):
    """At least `share` of the tips come from one moment to the other within `within`."""

    within: PositiveLength
    share: Share

    @property
    def kind(self) -> Literal["share"]:
        return "share"


class MeanTarget(_Between):
    """The mean time from one moment to the other is at most `mean`."""

    mean: PositiveLength

    @property
    def kind(self) -> Literal["mean"]:
        return "mean"


class LostTarget(_OfTips):
    """At most `lost` of the tips give up for good."""

    lost: Share

    @property
    def kind(self) -> Literal["lost"]:
        return "lost"


class OccupancyTarget(_Common):
    """The people of `pool` are busy at most `occupancy` of their time on duty."""

    pool: Name
    occupancy: Share

    @property
    def kind(self) -> Literal["occupancy"]:
        return "occupancy"


_KEYS: Final = {
    "occupancy": "an occupancy target",
    "pool": "an occupancy target",
    "lost": "a lost target",
    "within": "a share target",
    "mean": "a mean target",
    "share": "a share target",
}
"""The keys that tell the kinds of targets apart, the surest first. (Tags are no keys: faults name both.)"""
TAGS: Final = frozenset(_KEYS.values())


def _which(given: object) -> str:
    if isinstance(given, dict):
        return next(kind for key, kind in _KEYS.items() if key in given)
    return _KEYS.get(str(getattr(given, "kind", "")), "")


def _one_kind(given: object) -> object:
    if isinstance(given, dict) and not any(key in given for key in _KEYS):
        raise rule("a target needs `within` and `share`, or `mean`, or `lost`, or `pool` and `occupancy`", value=False)
    if not isinstance(given, dict | _Common):
        raise rule("a target is a mapping such as {from: arrival, to: review.start, within: 10 min, share: 90 %}")
    return given


Target = Annotated[
    Annotated[ShareTarget, Tag("a share target")]
    | Annotated[MeanTarget, Tag("a mean target")]
    | Annotated[LostTarget, Tag("a lost target")]
    | Annotated[OccupancyTarget, Tag("an occupancy target")],
    Discriminator(_which),
    BeforeValidator(_one_kind),
]
"""A rule that a run is judged by, of any kind."""


class AlsoTaken:
    """Tells the JSON Schema of targets by name how some of them are taken from a ledger of claims (`taken.py`)."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        found = handler(core)
        reading = {"enum": ["lenient", "moderate", "strict"]}
        several = {"type": "array", "items": {"type": "string"}}
        return {
            **found,
            "properties": {
                "from": {"type": "string"},
                "reading": reading,
                "only": {"anyOf": [{"type": "string"}, several]},
            },
            "additionalProperties": {"anyOf": [found["additionalProperties"], reading]},
        }
