"""The kinds of targets: what a document says of one, and its words.

A kind is one class here, made known by `target_kind`, and one in `measures/kinds.py` that says how it is measured.
Whoever needs to know something of a target asks it; nobody asks of which kind it is.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeVar, get_args

from pydantic import (
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from sim.dynamics.clock import DAY, MINUTE
from sim.scenario.choices import READINGS, Per
from sim.scenario.fields import DURATION_SCHEMA, Length, Name, Part, Share, Text, near
from sim.scenario.fields import rule as fault
from sim.scenario.moments import Milestone
from sim.scenario.pools import Filter
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

Period = Literal[Per, "hour", "half_hour"]
Place = str

OF_PEOPLE: Final = ("centre", "weekday", "hour", "half_hour")
"""Places that people have, and tips too."""

PLACES: Final = ("centre", "channel", "weekday", "hour", "half_hour", "category", "risk", "tier")
"""Places that every scenario has; those of attributes of its own besides."""

WINDOWS: Final[Mapping[Period, str]] = {
    "month": "months",
    "week": "weeks",
    "day": "days",
    "hour": "hours",
    "half_hour": "half hours",
}
"""Calendar windows in words, those of which a share has to hold."""

_BEFORE: Final[Mapping[Place, str]] = {"centre": "in", "weekday": "on", "hour": "in", "half_hour": "in"}
"""What stands before a place in a sentence; "for" before an attribute of tips."""
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
    """Its name, in tables too, and of the key under which its threshold stands, unless it says otherwise."""
    a: ClassVar[str]
    """The kind in a sentence: "a mean", "an occupancy"."""
    side: ClassVar[Side]
    """On which side of its threshold it is met."""
    unit: ClassVar[Unit]
    by_tip: ClassVar[bool] = True
    """Whether each tip meets or fails it by itself, so that its value is the share of those that do."""

    claim: Text | None = None
    """The claim that it stands for. Such as `A06`."""
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
        "and half hours are those of the week. Attributes of the scenario's own may be named too.",
        examples=list(PLACES),
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
    def threshold(self) -> float:
        """A share, or ticks."""
        return float(getattr(self, self.kind))

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
        each = f", {_BEFORE.get(place, 'for')} each {_AS_NAMED.get(place, place)}" if place is not None else ""
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
    lacking = set(one.__abstractmethods__)
    if one.threshold is Target.threshold and getattr(one, "kind", None) not in one.model_fields:
        lacking.add("threshold")
    if lacking:
        raise TypeError(f"{one.__name__} leaves out {', '.join(sorted(lacking))}")
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
    """Which tips it judges; all when left out. Such as `{tier: urgent}`."""

    @property
    @abstractmethod
    def failing(self) -> str:
        """What a tip does that fails, said after "5 % of its tips"."""

    @property
    def asked_for(self) -> tuple[Milestone, ...]:
        """The milestones whose times it needs of each tip."""
        return ()

    @property
    def at_stage(self) -> str | None:
        """The stage whose first visit it is about, and nothing else of a tip; None where there is none such."""
        return None

    @property
    def minds_lost(self) -> bool:
        """Whether a tip that gives up in what it judges counts against it."""
        return False

    @property
    def most_lost(self) -> float:
        """The largest share of its tips that may be lost in the whole run if it is to hold; 1 where it does not say."""
        return 1.0

    @abstractmethod
    def of_tip(self, column: str) -> str:
        """What is said of a tip that is counted in a column, but for how long it took."""

    def pointless(self, has_patience: bool) -> str | None:
        """Why it says nothing where no stage `has_patience`, or does not; None where it does."""
        return None


LostAs = Literal["miss", "left_out", "good_if_early", "left_out_if_early", "left_out_before"]


class LostTips(Part):
    """What a tip counts as that gave up before the end of the time that a target judges: by name, or before when it is
    left out. Early is who gave up within the time that the target asks for."""

    how: LostAs = "miss"
    left_out_before: Length = 0
    """Who gave up before so long is left out, with `left_out_before`."""

    @model_validator(mode="before")
    @classmethod
    def _as_written(cls, given: Any) -> Any:
        if isinstance(given, LostTips):
            return given
        named = get_args(LostAs)[:-1]
        if given in named:
            return {"how": given}
        if isinstance(given, dict) and [*given] == ["left_out_before"]:
            return {"how": "left_out_before", **given}
        meant = near(given, named) if isinstance(given, str) else ""
        raise fault(f"lost tips are {', '.join(named)} or {{left_out_before: 5 s}}{meant}")

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        before = {
            "type": "object",
            "properties": {"left_out_before": DURATION_SCHEMA},
            "required": ["left_out_before"],
            "additionalProperties": False,
        }
        return {"anyOf": [{"enum": [*get_args(LostAs)[:-1]]}, before]}

    @property
    def leaves_out(self) -> bool:
        """Whether any lost tip is left out."""
        return self.how.startswith("left_out")

    @property
    def before_words(self) -> str:
        """The time before which they are left out."""
        return length(self.left_out_before)

    @property
    def words(self) -> str:
        """What is said of it after what a target asks; "" where lost tips are missed."""
        return {
            "miss": "",
            "left_out": ", lost tips left out",
            "good_if_early": ", tips lost within that time counted as good",
            "left_out_if_early": ", tips lost within that time left out",
            "left_out_before": f", tips lost before {self.before_words} left out",
        }[self.how]


AS_MISSED: Final = LostTips.model_construct(how="miss")
LEFT_OUT: Final = LostTips.model_construct(how="left_out")


class Timed(OfTips):
    """A target on the time from one moment to another."""

    clock: Name | None = Field(
        default=None,
        description="A calendar: only its open time counts. Without one it is the clock on the wall. Such as `office`.",
    )

    together: ClassVar[str] = ""
    """How it counts its tips where none fails by itself: "on average"."""
    endless_lost: ClassVar[bool] = False
    """Whether a lost tip counts as one that takes for ever, where tips do not fail by themselves."""
    early_counts: ClassVar[bool] = True
    """Whether a tip that gives up in time may count as good."""

    if TYPE_CHECKING:
        # Given by the document, or by the stage that it names.
        @property
        def from_(self) -> Milestone: ...
        @property
        def to(self) -> Milestone: ...
        @property
        def lost_tips(self) -> LostTips: ...
        @property
        def left_out(self) -> float | None: ...

    @property
    def runs_by(self) -> str | None:
        return self.clock

    @property
    def asked_for(self) -> tuple[Milestone, ...]:
        return self.from_, self.to

    @property
    def minds_lost(self) -> bool:
        return (self.by_tip or self.endless_lost) and self.lost_tips.how in ("miss", "left_out_before")

    @property
    def share_in_time(self) -> float | None:
        """The share of its tips that is to take no longer than its limit; None where that is no share of tips."""
        return None

    @property
    def most_lost(self) -> float:
        if self.per != "run" or self.share_in_time is None or self.lost_tips.how != "miss":
            return 1.0
        return 1 - self.share_in_time

    @property
    def leaves_out(self) -> bool:
        """Whether tips of those that it names can be left out: the lost, and those that never come to the end."""
        return not self.by_tip or self.lost_tips.leaves_out

    @property
    def lost_count_as_left_out(self) -> bool:
        """Whether the lost tips that it leaves out count towards what it may leave out."""
        return self.lost_tips.how == "left_out"

    @property
    def most_left_out(self) -> float | None:
        """The share of its tips that it may leave out in a run; None where any share may be."""
        if self.left_out is not None or not self.leaves_out or self.lost_tips.how != "miss":
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
    def failing(self) -> str:
        return f"longer than {self.span(self.limit)}"

    @property
    def from_name(self) -> str:
        return self.from_.name

    @property
    def to_name(self) -> str:
        return self.to.name

    def span(self, ticks: int) -> str:
        """So long a time, by its clock: "1 h", or "1 h of office time"."""
        return length(ticks) if self.clock is None else f"{length(ticks)} of {self.clock} time"

    @property
    def between(self) -> str:
        """The moments in words."""
        return f"from {self.from_name} to {self.to_name}"

    @property
    def leaving_out(self) -> str:
        """What is added where lost tips are not missed, or where it says how many tips may be left out."""
        lost = self.lost_tips.words
        return lost if self.left_out is None else f"{lost}, at most {percent(self.left_out)} left out"

    def of_tip(self, column: str) -> str:
        uncounted = "" if self.by_tip or self.endless_lost else f", and {self.a} cannot count it"
        match column:
            case "without_start":
                return f"it never came to {self.from_name}"
            case "met":
                return f"it gave up within {self.span(self.limit)}, and such tips count as good"
            case "left_out" if self.lost_tips.how == "left_out":
                return "it was lost, and lost tips are left out"
            case "left_out":
                return f"it was lost{_WHICH[self.lost_tips.how].format(self)}, and such tips are left out"
            case "lost" if self.endless_lost:
                return f"it was lost before {self.to_name}, which counts as endless"
            case "lost":
                return f"it was lost before {self.to_name}{uncounted}"
            case "merged":
                return f"it left merged before {self.to_name}, its incident being known{uncounted}"
            case "open":
                return f"it had not come to {self.to_name} when the run ended"
            case "missed" | "without_end":
                return f"it never came to {self.to_name}{uncounted}"
            case _:
                raise ValueError(f"what a tip took is to be said of one that is counted as '{column}'")


_WHICH: Final[Mapping[LostAs, str]] = {
    "left_out_if_early": " within the time that is asked for",
    "left_out_before": " before {0.lost_tips.before_words}",
}
"""Which lost tips a target leaves out."""


class LeavingOut(Timed):
    """A target on a time that says what lost tips count as, and how many tips it may leave out."""

    lost_tips: LostTips = AS_MISSED
    """What a tip counts as that gave up: `miss`, `left_out`, `good_if_early`, `left_out_if_early`, or left out only
    before a time. A miss where it is left out. Who found no room is never early, and is else counted alike. Such as
    `left_out`, `{left_out_before: 5 s}`."""
    left_out: Share | None = Field(
        default=None,
        validate_default=True,
        description="The largest share of the tips named by `of` that may be left out: 5 % where nothing is said, and "
        "no limit where `lost_tips` is given. Tips that `left_out_if_early` or `left_out_before` leaves out are not "
        "counted towards it.",
    )

    @field_validator("lost_tips", mode="after")
    @classmethod
    def _can_be_good(cls, given: LostTips) -> LostTips:
        if given.how == "good_if_early" and not cls.early_counts:
            raise fault(f"{cls.a} has no time for a tip that gave up: it cannot be `good_if_early`", value=False)
        return given

    @field_validator("left_out", mode="after")
    @classmethod
    def _leaves_out(cls, given: float | None, info: ValidationInfo) -> float | None:
        lost: LostTips | None = info.data.get("lost_tips")
        if given is not None and cls.by_tip and lost is not None and not lost.leaves_out:
            what = "counts a lost tip as missed" + (", or as good," if lost.how == "good_if_early" else "")
            raise fault(f"{cls.a} {what} and leaves none out; `lost_tips: left_out` does", value=False)
        return given


class Between(LeavingOut):
    """A target on the time from one moment to another that the document names."""

    from_: Milestone = Field(alias="from")
    """The moment from which it counts. Such as `arrival`, `answer.end`."""
    to: Milestone
    """The moment to which it counts. Such as `assess.start`, `handled`."""


class OfPool(Target):
    """A target about the people of a pool, and no tips."""

    by_tip: ClassVar[bool] = False

    pool: Name
    """Whose people. Such as `analysts`."""

    @field_validator("in_each", mode="after")
    @classmethod
    def _places_of_people(cls, given: Place | None) -> Place | None:
        if given is not None and given not in OF_PEOPLE:
            raise fault(f"the people of a pool have no {given}; in each {', '.join(OF_PEOPLE)} can be asked")
        return given


class AlsoTaken:
    """Tells the JSON Schema of targets by name how some of them are taken from a ledger of claims (`taken.py`)."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        found = handler(core)
        reading = {"enum": [*READINGS]}
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
