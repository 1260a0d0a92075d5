"""The kinds of targets: what a document says of one, and its words.

A kind is one class here, made known by `target_kind`, and one in `measures/kinds.py` that says how it is measured.
Whoever needs to know something of a target asks it; nobody asks of which kind it is.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from inspect import isabstract
from typing import Any, ClassVar, Final, Literal, TypeVar, get_args

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    field_validator,
)
from pydantic_core import CoreSchema, core_schema

from sim.dynamics.clock import DAY, MINUTE
from sim.scenario.fields import Name, Part, PositiveLength, Share, Text
from sim.scenario.fields import rule as fault
from sim.scenario.moments import Milestone
from sim.scenario.pools import Filter, filter_words
from sim.scenario.units import length, percent

Side = Literal["at_least", "at_most"]
Unit = Literal["share", "min"]

SCALE: Final[Mapping[Unit, float]] = {"share": 1.0, "min": float(MINUTE)}
"""What a value is divided by to be told in its unit: times are kept in ticks."""

MOST: Final[Mapping[Unit, float]] = {"share": 1.0, "min": math.inf}
"""The largest value that there can be."""

MEAN_COOL_DOWN: Final = 2 * DAY
"""A target on a mean has no threshold; its late tips get so long at least."""

MOST_LEFT_OUT: Final = 0.05
"""The share of its tips that a target may leave out where it does not say."""

Period = Literal["run", "month", "week", "day", "hour", "half_hour"]
Place = Literal["centre", "channel", "weekday", "hour", "half_hour", "category", "risk", "tier"]

OF_TIPS: Final[frozenset[Place]] = frozenset({"channel", "category", "risk", "tier"})
"""Places that tips have and people do not."""

WINDOWS: Final[Mapping[Period, str]] = {
    "month": "months",
    "week": "weeks",
    "day": "days",
    "hour": "hours",
    "half_hour": "half hours",
}
"""Calendar windows in words, those of which a share has to hold."""

_BEFORE: Final[Mapping[Place, str]] = {
    "weekday": "on",
    "channel": "for",
    "category": "for",
    "risk": "for",
    "tier": "for",
}
_AS_NAMED: Final[Mapping[Place, str]] = {
    "hour": "hour of the week",
    "half_hour": "half hour of the week",
    "risk": "true risk",
}


@dataclass(frozen=True, slots=True)
class Goal:
    """What a value has to reach."""

    threshold: float
    """A share, or ticks."""
    side: Side
    """On which side of its threshold it is met."""
    unit: Unit

    @property
    def scale(self) -> float:
        """What a value is divided by to be told in its unit."""
        return SCALE[self.unit]

    @property
    def most(self) -> float:
        """The largest value that there can be."""
        return MOST[self.unit]

    def in_unit(self, value: float) -> float:
        """A share, or ticks as minutes."""
        return value / self.scale

    def fails(self, value: float) -> float:
        """How much fails at a value: at the threshold as much as is allowed."""
        return self.most - value if self.side == "at_least" else value

    def used(self, value: float, least: float = 0.0) -> float:
        """How much of what is allowed a value uses up: 1 at the threshold, 2 where twice as much fails as may.

        What fails is the share that missed, was lost, or is busy, or the time itself; with `hold` the share of windows.
        A goal that allows less than `least` counts as if it allowed so much; infinite where nothing may fail and some
        does.
        """
        fails, allowed = self.fails(value), max(self.fails(self.threshold), least)
        if allowed <= 0:
            return math.inf if fails > 0 else 0.0
        return fails / allowed


class Target(Part):
    """A rule that a run is judged by, of any kind.

    A document's target becomes one of the class of KINDS whose keys it has.
    """

    kind: ClassVar[str]
    """Its name, in tables too."""
    a: ClassVar[str]
    """The kind in a sentence: "a mean", "an occupancy"."""
    side: ClassVar[Side]
    """On which side of its threshold it is met."""
    unit: ClassVar[Unit]
    by_tip: ClassVar[bool] = True
    """Whether each tip meets or fails it by itself, so that its value is the share of those that do."""

    claim: Text | None = None
    """The claim that it stands for."""
    per: Period = Field(
        default="run",
        description="Judge the rule in each whole calendar window of the measured period, of which the share `hold` "
        "has to keep it. `run` judges the long-run value, and needs no `hold`.",
    )
    hold: Share | None = Field(
        default=None,
        validate_default=True,
        description="The share of the windows with at least one judged tip in which the rule has to hold.",
    )
    in_each: Place | None = Field(
        default=None,
        description="Judge every such place by itself, over all replications: the value is that of the worst. Hours "
        "and half hours are those of the week.",
    )

    @field_validator("hold", mode="after")
    @classmethod
    def _goes_with_per(cls, hold: float | None, info: ValidationInfo) -> float | None:
        per: Period | None = info.data.get("per")
        if per is None:
            return hold
        if per != "run" and hold is None:
            raise fault(
                f"`per: {per}` needs `hold`, the share of the {WINDOWS[per]} in which the rule has to hold, such as "
                f"95 % (before, the worst {per.replace('_', ' ')} of each replication was judged, by its mean over "
                "replications)",
                value=False,
            )
        if per == "run" and hold is not None:
            raise fault(f"`hold` needs `per`, the windows of which it is a share: {', '.join(list(WINDOWS)[::-1])}")
        return hold

    @property
    @abstractmethod
    def threshold(self) -> float:
        """A share, or ticks."""

    @property
    @abstractmethod
    def asks(self) -> str:
        """What it asks, in a few words."""

    @property
    @abstractmethod
    def says(self) -> str:
        """What it asks, in one sentence without a subject."""

    @property
    def longest(self) -> int:
        """Ticks for which tips are to be followed after they arrived, so that it can judge them."""
        return 0

    @property
    def runs_by(self) -> str | None:
        """The calendar in whose open time it counts; None where it goes by the clock on the wall."""
        return None

    @property
    def rule(self) -> Goal:
        """What has to be reached in a run, or in a window."""
        return Goal(self.threshold, self.side, self.unit)

    @property
    def goal(self) -> Goal:
        """What its value has to reach: its rule, or with `hold` a share of windows."""
        return self.rule if self.hold is None else Goal(self.hold, "at_least", "share")

    @property
    def of_which(self) -> str:
        """Of which windows and places it is asked, to be said after what is asked; "" where of the run as a whole."""
        held = f", in {percent(self.hold)} of the {WINDOWS[self.per]}" if self.hold is not None else ""
        place = self.in_each
        each = f", {_BEFORE.get(place, 'in')} each {_AS_NAMED.get(place, place)}" if place is not None else ""
        return held + each

    @property
    def asked(self) -> str:
        """What it asks in a few words, and of which windows and places."""
        return self.asks + self.of_which

    @property
    def words(self) -> str:
        """Every part of it in one sentence without a subject, which can stand for it."""
        return self.says + self.of_which

    @property
    def allowed(self) -> float | None:
        """The share of tips that may fail; None where tips do not fail by themselves, or windows are judged."""
        return self.goal.fails(self.goal.threshold) if self.by_tip and self.hold is None else None

    @classmethod
    def needs(cls) -> tuple[str, ...]:
        """The keys that tell this kind: those that it must have, moments left out."""
        fields = cls.model_fields.items()
        return tuple(one.alias or name for name, one in fields if one.is_required() and one.annotation is not Milestone)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        if cls is not Target:
            return handler(source)
        return core_schema.with_info_plain_validator_function(_of_its_kind)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        if cls is not Target:
            return handler(schema)
        return {"oneOf": [handler(_named_schema(one)) for one in KINDS.values()]}


KINDS: Final[dict[str, type[Target]]] = {}
"""All kinds of targets by name, in the order in which messages name their keys."""

AnyKind = TypeVar("AnyKind", bound=Target)


def target_kind(one: type[AnyKind]) -> type[AnyKind]:
    """Make a kind of targets known: documents, messages and the JSON Schema have it from here on.

    TypeError where the class leaves out what every kind says; ValueError where its name or its keys are taken.
    """
    if isabstract(one):
        raise TypeError(f"{one.__name__} leaves out {', '.join(sorted(one.__abstractmethods__))}")
    if missing := [name for name in ("kind", "a", "side", "unit") if not hasattr(one, name)]:
        raise TypeError(f"{one.__name__} leaves out {', '.join(missing)}")
    if one.kind in KINDS:
        raise ValueError(f"there is a kind '{one.kind}' of targets already")
    for other in KINDS.values():
        if {*other.needs()} == {*one.needs()}:
            raise ValueError(f"'{one.kind}' and '{other.kind}' could not be told apart by their keys")
    KINDS[one.kind] = one
    return one


def _named_schema(kind: type[Target]) -> Any:
    """The schema of a kind by a name of its own, under which the JSON Schema has it once."""
    kind.model_rebuild()
    schema = kind.__pydantic_core_schema__
    if schema["type"] != "model":
        return schema
    name = f"{kind.__module__}.{kind.__qualname__}:{id(kind)}"
    return core_schema.definitions_schema({**schema, "ref": name}, [])


def _of_its_kind(given: Any, info: ValidationInfo) -> Target:
    """A target as its kind reads it: that of which most keys are there, of equals the one that misses the fewest."""
    if isinstance(given, Target):
        return given
    if not isinstance(given, dict):
        raise fault("a target is a mapping such as {from: arrival, to: review.start, within: 10 min, share: 90 %}")
    there = {name: len({*one.needs()} & {*given}) for name, one in KINDS.items()}
    found = max(KINDS.values(), key=lambda one: (there[one.kind], there[one.kind] - len(one.needs())))
    if not there[found.kind]:
        forms = [" and ".join(f"`{key}`" for key in one.needs()) for one in KINDS.values()]
        raise fault(f"a target needs {', or '.join(forms)}", value=False)
    return found.model_validate(given, context=info.context)


class OfTips(Target):
    """A target about tips: every tip of the cohort is counted by it in one column of `tallies.COLUMNS`."""

    of: Filter | None = None
    """Which tips it judges; all when left out."""

    @property
    @abstractmethod
    def failing(self) -> str:
        """What a tip does that fails, said after "5 % of its tips"."""

    @abstractmethod
    def of_tip(self, column: str) -> str:
        """What is said of a tip that is counted in a column, but for how long it took."""

    def pointless(self, has_patience: bool) -> str | None:
        """Why it says nothing where no stage `has_patience`, or does not; None where it does."""
        return None


class Between(OfTips):
    """A target on the time from one moment to another."""

    from_: Milestone = Field(alias="from")
    to: Milestone
    clock: Name | None = None
    """The calendar in whose open time it counts; the clock on the wall without one."""
    lost_tips: Literal["miss", "left_out"] = "miss"
    left_out: Share | None = Field(
        default=None,
        validate_default=True,
        description="The largest share of the tips named by `of` that may be left out: 5 % where nothing is said, and "
        "no limit with `lost_tips: left_out`.",
    )

    together: ClassVar[str] = ""
    """How it counts its tips where none fails by itself: "on average"."""

    @field_validator("left_out", mode="after")
    @classmethod
    def _leaves_out(cls, given: float | None, info: ValidationInfo) -> float | None:
        if given is not None and cls.by_tip and info.data.get("lost_tips") == "miss":
            raise fault(
                f"{cls.a} counts a lost tip as missed and leaves none out; `lost_tips: left_out` does", value=False
            )
        return given

    @property
    def runs_by(self) -> str | None:
        return self.clock

    @property
    def leaves_out(self) -> bool:
        """Whether tips of those that it names can be left out: the lost, and those that never come to the end."""
        return not self.by_tip or self.lost_tips == "left_out"

    @property
    def most_left_out(self) -> float | None:
        """The share of its tips that it may leave out in a run; None where any share may be."""
        if self.left_out is not None or not self.leaves_out or self.lost_tips == "left_out":
            return self.left_out
        return MOST_LEFT_OUT

    @property
    @abstractmethod
    def limit(self) -> int:
        """Ticks that the time of each tip is set against."""

    @property
    def longest(self) -> int:
        return self.limit

    @property
    def from_name(self) -> str:
        return self.from_.name

    @property
    def to_name(self) -> str:
        return self.to.name

    @property
    def between(self) -> str:
        """The moments in words."""
        return f"from {self.from_name} to {self.to_name}"

    @property
    def leaving_out(self) -> str:
        """What is added where lost tips are left out, or where it says how many tips may be."""
        lost = ", lost tips left out" if self.lost_tips == "left_out" else ""
        return lost if self.left_out is None else f"{lost}, at most {percent(self.left_out)} left out"

    def of_tip(self, column: str) -> str:
        uncounted = "" if self.by_tip else f", and {self.a} cannot count it"
        match column:
            case "without_start":
                return f"it never came to {self.from_name}"
            case "left_out":
                return "it was lost, and lost tips are left out"
            case "lost":
                return f"it was lost before {self.to_name}{uncounted}"
            case "open":
                return f"it had not come to {self.to_name} when the run ended"
            case "missed" | "without_end":
                return f"it never came to {self.to_name}{uncounted}"
            case _:
                raise ValueError(f"what a tip took is to be said of one that is counted as '{column}'")


class OfPool(Target):
    """A target about the people of a pool, and no tips."""

    by_tip: ClassVar[bool] = False

    pool: Name

    @field_validator("in_each", mode="after")
    @classmethod
    def _places_of_people(cls, given: Place | None) -> Place | None:
        if given in OF_TIPS:
            people = [place for place in get_args(Place) if place not in OF_TIPS]
            raise fault(f"the people of a pool have no {given}; in each {', '.join(people)} can be asked")
        return given


@target_kind
class ShareTarget(Between):
    """At least `share` of the tips come from one moment to the other within `within`."""

    kind: ClassVar[str] = "share"
    a: ClassVar[str] = "a share"
    side: ClassVar[Side] = "at_least"
    unit: ClassVar[Unit] = "share"

    within: PositiveLength
    share: Share

    @property
    def threshold(self) -> float:
        return self.share

    @property
    def limit(self) -> int:
        return self.within

    @property
    def asks(self) -> str:
        return f"at least {percent(self.share)} in {length(self.within)}"

    @property
    def says(self) -> str:
        who = f"at least {percent(self.share)} of {filter_words(self.of)}"
        return f"{who} within {length(self.within)} {self.between}{self.leaving_out}"

    @property
    def failing(self) -> str:
        return f"not within {length(self.within)}"


@target_kind
class MeanTarget(Between):
    """The mean time from one moment to the other is at most `mean`."""

    kind: ClassVar[str] = "mean"
    a: ClassVar[str] = "a mean"
    side: ClassVar[Side] = "at_most"
    unit: ClassVar[Unit] = "min"
    by_tip: ClassVar[bool] = False
    together: ClassVar[str] = "on average"

    mean: PositiveLength

    @property
    def threshold(self) -> float:
        return float(self.mean)

    @property
    def limit(self) -> int:
        return self.mean

    @property
    def longest(self) -> int:
        return MEAN_COOL_DOWN

    @property
    def asks(self) -> str:
        return f"at most {length(self.mean)}"

    @property
    def says(self) -> str:
        who = f"{filter_words(self.of)} take at most {length(self.mean)}"
        return f"{who} {self.together} {self.between}{self.leaving_out}"

    @property
    def failing(self) -> str:
        return f"longer than {length(self.mean)}"


@target_kind
class LostTarget(OfTips):
    """At most `lost` of the tips give up for good."""

    kind: ClassVar[str] = "lost"
    a: ClassVar[str] = "a lost share"
    side: ClassVar[Side] = "at_most"
    unit: ClassVar[Unit] = "share"

    lost: Share

    @property
    def threshold(self) -> float:
        return self.lost

    @property
    def asks(self) -> str:
        return f"at most {percent(self.lost)} lost"

    @property
    def says(self) -> str:
        return f"at most {percent(self.lost)} of {filter_words(self.of)} give up for good"

    @property
    def failing(self) -> str:
        return "give up for good"

    def of_tip(self, column: str) -> str:
        return {
            "lost": f"it gave up for good; at most {percent(self.lost)} may",
            "open": "it could still give up when the run ended",
            "met": "it did not give up for good",
        }[column]

    def pointless(self, has_patience: bool) -> str | None:
        return None if has_patience else "no stage has patience, so no tip is ever lost"


@target_kind
class OccupancyTarget(OfPool):
    """The people of `pool` are busy at most `occupancy` of their time on duty."""

    kind: ClassVar[str] = "occupancy"
    a: ClassVar[str] = "an occupancy"
    side: ClassVar[Side] = "at_most"
    unit: ClassVar[Unit] = "share"

    occupancy: Share

    @property
    def threshold(self) -> float:
        return self.occupancy

    @property
    def asks(self) -> str:
        return f"at most {percent(self.occupancy)} busy"

    @property
    def says(self) -> str:
        return f"{self.pool} busy at most {percent(self.occupancy)} of the time on duty"


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
