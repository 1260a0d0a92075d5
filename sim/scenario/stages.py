"""What happens to a tip: the stages of its way, in order, and what may differ from tip to tip."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Any, Final, Generic, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from sim.scenario import units
from sim.scenario.branches import Cue, as_several
from sim.scenario.distributions import Law
from sim.scenario.fields import Length, Name, OneOrSeveral, Part, PositiveLength, Several, Share, rule
from sim.scenario.pools import Filter

T = TypeVar("T")

MOST_OVERFLOWS: Final = 4


OTHER: Final = "other"
UNLABELLED: Final = "unlabelled"
"""Keys of values by attribute, where no name of the attribute is the same: for all who have no value of their own, and
for tips without a label."""


class ByAttribute(Part, Generic[T]):
    """One value for all, under "", or one for each name of an attribute, and for the rest one under OTHER."""

    by: Name | None
    """Channel, risk, tier, category or an attribute of the scenario's own."""
    values: dict[str, T]

    @model_validator(mode="before")
    @classmethod
    def _as_written(cls, given: Any) -> Any:
        if isinstance(given, dict) and "by" in given:
            if given["by"] is None:
                raise rule("must name what it differs by: channel, risk, tier or category", "by")
            return {"by": given["by"], "values": {name: value for name, value in given.items() if name != "by"}}
        return given if isinstance(given, ByAttribute) else {"by": None, "values": {"": given}}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        one = handler.resolve_ref_schema(handler(schema))["properties"]["values"]["additionalProperties"]
        forms = one.get("anyOf", [one])
        own: dict[str, Any] = next((form["properties"] for form in forms if "properties" in form), {})
        by: dict[str, Any] = {
            "type": "object",
            "properties": {
                "by": {
                    "type": "string",
                    "description": "What it differs by: channel, risk, tier, category or an attribute of your own; a "
                    "value for each of its names follows.",
                    "examples": ["channel", "risk", "tier", "category"],
                },
                OTHER: {**one, "description": "For all who have no value of their own."},
                UNLABELLED: {**one, "description": "By tier: for tips without a label."},
                **own,
            },
            "additionalProperties": one,
        }
        if not own:
            return {"anyOf": [*forms, {**by, "required": ["by"]}]}
        # One mapping for both, since editors offer the keys of one form only: without `by` it is a law.
        law = {
            "if": {"required": ["by"]},
            "else": {"minProperties": 1, "maxProperties": 1, "propertyNames": {"enum": [*own]}},
        }
        return {"anyOf": [*(form for form in forms if "properties" not in form), {**by, "allOf": [law]}]}

    @classmethod
    def for_all(cls, value: T) -> Self:
        """One value, whatever the tip."""
        return cls.model_construct(by=None, values={"": value})

    def listed(self, names: Sequence[str]) -> list[T]:
        """The value for each name of its attribute, by tier one more for tips without a label; or the one for all.

        A name that no tip can have here needs no value; it gets that of another, which nobody asks for.
        """
        if self.by is None:
            return [self.values[""]]
        first = next(iter(self.values.values()))
        spare = first if OTHER in names else self.values.get(OTHER, first)
        found = [self.values.get(name, spare) for name in names]
        if self.by == "tier":
            # NO_LABEL is -1, and so finds the last.
            found.append(spare if UNLABELLED in names else self.values.get(UNLABELLED, spare))
        return found

    def has(self, name: str | None, names: Collection[str]) -> bool:
        """Whether there is a value for a name of its attribute, or None for tips without a label."""
        keys = {UNLABELLED, OTHER} - {*names} if name is None else {name, *({OTHER} - {*names})}
        return self.by is None or not keys.isdisjoint(self.values)

    def of(self, **attributes: str) -> T:
        """The value for a tip with these attributes: `of(channel="call", risk="high")`."""
        name = attributes[self.by] if self.by else ""
        return self.values[name if name in self.values else OTHER]


class ShareByAttribute(ByAttribute[Share]):
    """A share for all tips, or one by attribute."""


class LawByAttribute(ByAttribute[Law]):
    """A law of times for all tips, or one by attribute."""


class LengthByAttribute(ByAttribute[Length]):
    """A length of time for all tips, or one by attribute."""


BY_ATTRIBUTE: Final = (
    *(("share",), ("service",), ("delay",), ("wrap_up",), ("patience",), ("due",)),
    *(("callback", "share"), ("merge", "repeat")),
)
"""Where the values of a stage lie that may differ by attribute: keys, one below another."""


class Retry(Part):
    """Who comes back after giving up, after how long, and how often at most."""

    share: Share
    """Of those who give up, so many come back."""
    after: Law
    """How long after giving up."""
    at_most: Annotated[int, Field(ge=1, le=20)] = 1
    """How often a tip comes back at most. Such as `2`."""


class Overflow(Part):
    """The pool in whose line a tip stands too, once it has waited `after`."""

    to: Name
    """The pool. Such as `analysts`."""
    after: Length = 0
    """How long it has waited by then."""


class Callback(Part):
    """The offer to be called back: who has waited so long and accepts it gives up no more, and keeps the place."""

    after: Length
    """Who has waited so long is offered it."""
    share: ShareByAttribute = Field(default_factory=lambda: ShareByAttribute.for_all(1.0))
    """So many accept: one share for all or by attribute; all where it is left out. Such as `60 %`."""


class Merge(Part):
    """What becomes of the other tips of an incident once one of them has ended here: each costs `repeat` when it comes
    to a person, and then leaves merged; without a `repeat` those that wait leave at once, and those that come later."""

    repeat: LawByAttribute | None = None
    """The work that each of the others still costs: a law for all or by attribute; they leave at once where it is left
    out. Such as `2 min`."""


class Rework(Part):
    """The share that is sent back at the end of the stage, to where, and how often at most a tip."""

    share: Share
    """So many are sent back."""
    back_to: Name
    """The earlier stage, or this one, to which they are. Such as `assess`."""
    at_most: Annotated[int, Field(ge=1, le=20)] = 1
    """How often a tip is sent back at most. Such as `1`."""


class Stage(Part):
    """One step: a line, a pool and a service; or a delay without staff."""

    name: Name
    """What it is called; moments are `<name>.enter`, `.start` and `.end`. Such as `answer`."""
    for_: Filter | None = Field(None, alias="for")
    """Which tips it is for; all where it is left out. Such as `{channel: call}`, `{tier: [high, medium]}`."""
    after: (
        Annotated[Several[Cue], BeforeValidator(as_several), Field(min_length=1, max_length=100), OneOrSeveral()] | None
    ) = None
    """What it begins with, all of it that lies on the tip's way; the end of the stage before where it is left out.
    `plus` is a while after a start, cut to that stage's end. Such as `answer.start`, `{moment: answer.start, plus: 3
    min}`, `[police.end, court.end]`."""
    share: ShareByAttribute = Field(default_factory=lambda: ShareByAttribute.for_all(1.0))
    """The share of these tips that come to it, by chance; one for all or by attribute. All where it is left out.
    Such as `20 %`, `{by: tier, urgent: 100 %, other: 10 %}`."""
    pool: Name | None = None
    """The people who do the work. Such as `analysts`."""
    service: LawByAttribute | None = None
    """How long a person works on a tip: a law of times, one for all or by attribute. Such as `{lognormal: {mean: 8
    min, cv: 0.8}}`, `{by: tier, urgent: 30 min, other: 10 min}`."""
    delay: LawByAttribute | None = None
    """Time that passes without anybody's work: a law of times, one for all or by attribute. Such as `30 s`."""
    wrap_up: LawByAttribute | None = None
    """Work that is left for the person once the tip has gone on: a law of times. Such as `4 min`."""
    patience: LawByAttribute | None = None
    """The longest wait that a tip bears before it gives up: a law of times. Endless where it is left out. Such as
    `{exponential: {mean: 5 min}}`."""
    retry: Retry | None = None
    """Who comes back after giving up, when, and how often. Nobody where it is left out. Such as `{share: 50 %,
    after: 15 min, at_most: 2}`."""
    every: PositiveLength | None = None
    """Its gate opens at multiples of this since midnight."""
    open: Name | None = None
    """The calendar that says when its gate is open; with `every`, at which of its times. Such as `office`."""
    overflow: Annotated[
        Several[Overflow],
        BeforeValidator(as_several),
        Field(max_length=MOST_OVERFLOWS),
        OneOrSeveral(),
    ] = ()
    """Other pools in whose lines a tip stands too, once it has waited so long: one or up to four. Such as `{to:
    analysts, after: 2 min}`."""
    due: LengthByAttribute | None = None
    """How soon a tip is due, for pools whose `order` is `due`: one time for all or by attribute; who has none is
    last. Such as `{by: tier, high: 30 min, other: 1 h}`."""
    due_from: Literal["arrival", "enter"] = "arrival"
    """From when that time runs: the arrival of the tip, or its coming to this stage."""
    waiting_room: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """How many may wait at most, those apart who are served; who finds no room is turned away. Such as `4`."""
    lines: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """How many may wait or be served at most, as telephone lines are; who finds none free is turned away. Such as
    `24`."""
    gives_up_to: Name | None = None
    """The stage that a tip comes to when it has given up for good, such as a voicemail; nothing else leads there, and
    what is written after it goes on at its end as at the end of this one. Such as `voicemail`."""
    turned_away_to: Name | None = None
    """The stage that a tip comes to when it was turned away for good; nothing else leads there, and what is written
    after it goes on at its end as at the end of this one. Such as `voicemail`."""
    callback: Callback | None = None
    """The offer to be called back: who accepts gives up no more and keeps the place. Such as `{after: 2 min, share:
    60 %}`."""
    merge: Merge | None = None
    """What becomes of the other tips of an incident once one of them has ended here: `{}` lets them leave, `repeat`
    lets each cost some work first. Such as `{repeat: 2 min}`."""
    label: Name | None = None
    """Who labels the tip when the stage ends: a name of `labels`. Such as `first_look`."""
    rework: Rework | None = None
    """The share that is sent back when the stage ends. Such as `{share: 10 %, back_to: assess}`."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.delay is not None:
            staffed = ("pool", "service", "wrap_up", "overflow", "due", "waiting_room", "lines")
            for key in (*staffed, "turned_away_to", "callback"):
                if getattr(self, key) not in (None, ()):
                    raise rule(f"a stage with a `delay` has no staff, so no `{key}`", key, value=False)
            if self.merge is not None and self.merge.repeat is not None:
                why = "nobody works on a delay, so who merges there costs no `repeat`: write `merge: {}`"
                raise rule(why, "merge", "repeat", value=False)
        elif self.pool is None and self.service is None:
            raise rule("a stage needs a `pool` and a `service`, or a `delay`", value=False)
        elif self.pool is None:
            raise rule("a stage with a `service` needs a `pool`", value=False)
        elif self.service is None:
            raise rule("a stage with a `pool` needs a `service`", value=False)
        return self

    @model_validator(mode="after")
    def _ways_out(self) -> Self:
        if self.retry is not None and self.patience is None and not self.limited:
            why = "nobody gives up without it, and nobody is turned away without `waiting_room` or `lines`"
            raise rule(f"a `retry` needs `patience`: {why}", "retry", value=False)
        if self.gives_up_to is not None and self.patience is None:
            raise rule("`gives_up_to` needs `patience`: nobody gives up without it", "gives_up_to", value=False)
        if self.turned_away_to is not None and not self.limited:
            why = "`turned_away_to` needs `waiting_room` or `lines`: nobody is turned away without"
            raise rule(why, "turned_away_to", value=False)
        if self.callback is not None and self.patience is None:
            raise rule("a `callback` needs `patience`: nobody gives up without it", "callback", value=False)
        if self.waiting_room is not None and self.lines is not None and self.waiting_room > self.lines:
            raise rule("the `waiting_room` is no larger than `lines`, which counts who is served too", "waiting_room")
        to = [one.to for one in self.overflow]
        for row, name in enumerate(to):
            if name in to[:row]:
                raise rule("a stage overflows to a pool once", "overflow", row, "to")
        return self

    @property
    def limited(self) -> bool:
        """Whether a tip may find no room here."""
        return self.waiting_room is not None or self.lines is not None

    @property
    def pools(self) -> tuple[str, ...]:
        """The pools in whose lines its tips may stand, its own first; none for a delay."""
        return () if self.pool is None else (self.pool, *(one.to for one in self.overflow))

    @property
    def attempts(self) -> int:
        """Attempts that a visit may make: 0 where none can be in vain."""
        if self.patience is None and not self.limited:
            return 0
        return 1 + (self.retry.at_most if self.retry else 0)

    @property
    def asides(self) -> tuple[str, ...]:
        """The stages that tips come to from here in vain."""
        return tuple(dict.fromkeys(name for name in (self.gives_up_to, self.turned_away_to) if name is not None))

    def by_attribute(self) -> Iterator[tuple[tuple[str, ...], ByAttribute[Any]]]:
        """Its values that may differ by attribute, each with its keys."""
        for keys in BY_ATTRIBUTE:
            value: Any = self
            for key in keys:
                value = getattr(value, key, None)
            if value is not None:
                yield keys, value

    @property
    def gate(self) -> str:
        """When its gate lets tips through, in words; "" without one."""
        when = [f"every {units.duration_text(self.every)}"] if self.every is not None else []
        return " ".join([*when, *([f"while {self.open} is open"] if self.open is not None else [])])

    @property
    def time(self) -> LawByAttribute:
        """The law of its service or its delay."""
        found = self.service or self.delay
        assert found is not None
        return found
