"""Who is there: pools of people by shifts, and in what order they take the waiting tips."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Annotated, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from sim.dynamics.clock import DAY
from sim.dynamics.replication import Ticks
from sim.scenario import units
from sim.scenario.calendars import Row, Starts
from sim.scenario.fields import (
    SHARE_SCHEMA,
    AlsoWritten,
    Factor,
    Length,
    Name,
    Names,
    Number,
    OneOrSeveral,
    Part,
    PositiveLength,
    Several,
    Share,
    Speed,
    TimeOfDay,
    rule,
)
from sim.scenario.levels import MOST_ROWS, Levels, Staff, WrittenAsBlocks, levels_as_written


class Filter(Part):
    """Which tips: a tip matches when it matches every key that is given, and a list means any of its names.

    Besides the keys here those of the scenario's own attributes; `asked` gives what any of them asks.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Names] = Field(init=False)

    channel: Names | None = None
    """How the tip came. Such as `call`, `[call, chat]`."""
    risk: Names | None = None
    """What it truly is. Such as `high`."""
    tier: Names | None = None
    """Its present label. Such as `urgent`."""
    category: Names | None = None
    """Its subject. Such as `fraud`."""
    stage: Names | None = None
    """Only in `serve_first` and `preempt`. Such as `answer`."""
    labelled: bool | None = None
    """Whether it has a label. Such as `false`."""
    labelled_by: Names | None = None
    """Who gave its present label. Such as `classifier`."""
    waited: PositiveLength | None = None
    """Only in `serve_first`: a tip matches once it has waited so long in this line."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if all(value is None for _, value in self):
            raise rule("a filter names at least one of channel, risk, tier, category, labelled, waited", value=False)
        return self

    def asked(self, key: str) -> frozenset[str] | None:
        """The names that it asks for of an attribute, of the stage or of who labelled; None where of no matter."""
        given = getattr(self, key) if key in type(self).model_fields else self.own.get(key)
        return given if isinstance(given, frozenset) else None

    @property
    def own(self) -> dict[str, frozenset[str]]:
        """What it asks of attributes of the scenario's own."""
        return dict(self.__pydantic_extra__ or {})

    @property
    def of_label(self) -> bool:
        """Whether it asks anything of the label."""
        return self.tier is not None or self.labelled is not None or self.labelled_by is not None

    def but_for_label(self) -> Filter | None:
        """What it asks besides the label; None where that is nothing."""
        left = self.model_copy(update={"tier": None, "labelled": None, "labelled_by": None})
        return None if all(value is None for _, value in left) else left


def filter_words(one: Filter | None) -> str:
    """Which tips a filter means, in words.

    >>> filter_words(Filter(channel=["sms", "online"], labelled=False))
    'tips with channel online or sms, without a label'
    """
    if one is None:
        return "all tips"
    parts = [
        f"with {key} {' or '.join(sorted(wanted))}"
        for key in ("stage", "channel", "risk", "tier", "category", *one.own)
        if (wanted := one.asked(key)) is not None
    ]
    if one.labelled is not None:
        parts.append("with a label" if one.labelled else "without a label")
    if one.labelled_by is not None:
        parts.append(f"labelled by {' or '.join(sorted(one.labelled_by))}")
    if one.waited is not None:
        parts.append(f"that have waited {units.duration_text(one.waited)}")
    return f"tips {', '.join(parts)}"


def _filters(given: object) -> object:
    return given if isinstance(given, list | tuple) else (given,)


Rank = Annotated[
    Several[Filter],
    BeforeValidator(_filters),
    Field(min_length=1, max_length=50),
    OneOrSeveral(),
]
"""Filters of one rank: a tip has it that matches any of them."""


def rank_words(one: Sequence[Filter]) -> str:
    """Which tips have a rank, in words."""
    return " or ".join(filter_words(each) for each in one)


class Shift(Row):
    """A row of the roster: so many people from one time of day to the next `to`, on the days on which it starts.

    On a date that a row of the pool names with `on:` only the rows that name it start.
    """

    staff: Staff
    """So many people come; 0 closes the pool on the dates that `on` names. Such as `3`."""

    @property
    def key(self) -> tuple[str, ...]:
        """What absences know a row by: its times and its days."""
        on = () if self.on is None else tuple(str(one) for one in self.on)
        return str(self.from_), str(self.to), ",".join(map(str, sorted(self.days))), *on


class Window(Part):
    """A part of every day, from one time of day to the next `to`."""

    from_: TimeOfDay
    """When it begins."""
    to: TimeOfDay
    """When it ends."""

    @property
    def length(self) -> int:
        return units.length_of(self.from_, self.to)


def _window(given: object) -> object:
    if isinstance(given, Window):
        return given
    if not isinstance(given, list | tuple) or len(given) != 2:
        raise rule('a window is written ["11:30", "14:00"]')
    return {"from_": given[0], "to": given[1]}


class Breaks(Part):
    """Each person's breaks in each shift, staggered and not replaced."""

    lasts: PositiveLength
    """How long each is."""
    per_shift: Annotated[int, Field(ge=1, le=20)] = 1
    """How many each person has in a shift. Such as `1`, `2`."""
    between: (
        Annotated[
            Window,
            BeforeValidator(_window),
            WithJsonSchema({"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2}),
        ]
        | None
    ) = None
    """The part of the day in which they lie: the first that ends after the shift has begun, cut to the shift. Such
    as `["11:30", "14:00"]`."""

    def window(self, from_: int, dates: Starts, tick: Callable[[Ticks], Ticks]) -> tuple[Ticks, Ticks]:
        """Where the breaks of shifts may lie that begin at a time of day: first ticks and ends, empty where nowhere.

        `tick` gives the ticks of wall times.
        """
        if self.between is None:
            return dates.begins, dates.ends
        opens = (self.between.from_ - from_) % DAY
        if opens + self.between.length > DAY:
            opens -= DAY
        wall = dates.day * DAY + from_ + opens
        first, last = np.maximum(tick(wall), dates.begins), np.minimum(tick(wall + self.between.length), dates.ends)
        return np.minimum(first, last), last


class Concurrency(Part):
    """How many tips a person serves at a time, and how fast each of them goes then."""

    slots: Annotated[int, Field(ge=1, le=1000)]
    """So many tips at a time. Such as `3`."""
    speed: Several[Speed] | None = None
    """With k in hand each goes at the k-th; full speed whatever is in hand where it is left out. Such as `[100 %, 85
    %, 70 %]`."""

    @model_validator(mode="after")
    def _one_each(self) -> Self:
        if self.speed is not None and len(self.speed) != self.slots:
            raise rule(f"`speed` has a number for each of the {self.slots} slots", "speed")
        return self


def _concurrency(given: object) -> object:
    return {"slots": given} if isinstance(given, int) and not isinstance(given, bool) else given


SPEED_LISTS: Final = (24, 48, 96, 288)
"""So many numbers may a list of speeds through the day have."""


class Speeds(Part):
    """What a person does in an hour, as a share of full speed: the product of what is given."""

    always: Speed = 1.0
    """Whatever the hour and the stage."""
    by_hour: Several[Speed] | None = None
    """24, 48, 96 or 288 numbers from midnight on; that of the moment at which a spell of work starts holds for it.
    Such as `[0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0.95, 0.95]`."""
    by_stage: dict[Name, Speed] = Field(default_factory=dict)
    """Full speed at the stages that are not named. Such as `{answer: 90 %}`."""

    @model_validator(mode="after")
    def _a_day(self) -> Self:
        if self.by_hour is not None and len(self.by_hour) not in SPEED_LISTS:
            raise rule(f"`by_hour` has 24, 48, 96 or 288 numbers, and this has {len(self.by_hour)}", "by_hour")
        return self

    @property
    def full(self) -> bool:
        """Whether everything goes at full speed."""
        return {self.always, *(self.by_hour or ()), *self.by_stage.values()} == {1.0}


def _speeds(given: object) -> object:
    if isinstance(given, Speeds):
        return given
    if not isinstance(given, dict):
        return {"always": given}
    if not given:
        raise rule("a speed is a share such as 80 %, or has `always`, `by_hour` or `by_stage`: their product")
    return given


def _several_breaks(given: object) -> object:
    return (given,) if isinstance(given, dict | Breaks) else given


class Nights(Part):
    """The hours of every night whose paid hours cost more (or less): `pay` times the price of the pool."""

    from_: TimeOfDay = Field(alias="from")
    """When the dearer hours begin."""
    to: TimeOfDay
    """When they end."""
    pay: Factor
    """The factor of the price."""

    @property
    def length(self) -> int:
        """Ticks; 24 h when it ends at the time of day at which it starts."""
        return units.length_of(self.from_, self.to)


class Pool(Part):
    """People who share one line."""

    staff: Staff = 0
    """People around the clock, besides the shifts or levels. Such as `2`."""
    shifts: Annotated[Several[Shift], Field(max_length=MOST_ROWS)] = ()
    """The roster, row by row. Such as `[{from: "07:00", to: "19:00", staff: 3, days: mon-fri}]`."""
    levels: Annotated[Levels, BeforeValidator(levels_as_written), WrittenAsBlocks()] | None = None
    """Heads by interval, in place of shifts. Such as `{every: 4 h, staff: [1, 1, 3, 3, 3, 2]}`, `roster.csv`."""
    absence: Annotated[Share, Field(lt=1)] = 0.0
    """The share of the people of shifts that is away, each by chance and on each date anew; they are paid."""
    breaks: Annotated[Several[Breaks], BeforeValidator(_several_breaks), Field(max_length=20), OneOrSeveral()] = ()
    """Breaks of each person in each shift, staggered and not replaced: one kind or several. Such as `{lasts: 30 min,
    between: ["11:30", "14:00"]}`."""
    last_start: Length = 0
    """In this last part of a shift its people take nobody new."""
    at_shift_end: Literal["finish", "resume", "hand_over", "restart", "clear_line"] = "finish"
    """What becomes of the tip in hand: `finish` it in overtime; `resume` it in the next shift; `hand_over` it to who
    is there, for `hand_over_time`; `restart` it with somebody else; `clear_line` finishes, and serves all who
    came before the end too."""
    hand_over_time: Length = 0
    """Work that a hand-over takes whoever goes on with the tip."""
    speed: Annotated[Speeds, BeforeValidator(_speeds), AlsoWritten(SHARE_SCHEMA)] = Field(default_factory=Speeds)
    """What a person does in an hour: a share of full speed, or factors by hour and by stage. Full speed where it is
    left out. Such as `80 %`, `{by_stage: {answer: 90 %}}`."""
    shrinkage: Annotated[Share, Field(lt=1)] | None = None
    """Share of paid time off seat; that of the run where it is left out."""
    order: Literal["first_come", "last_come", "random", "due"] = "first_come"
    """Who is taken first among those of one rank: who came first or last, one at random, or who is due first as a
    stage says by `due`."""
    serve_first: Annotated[Several[Rank], Field(max_length=200)] = ()
    """Who is taken first, the best rank first: a filter, or several that share the rank; of those that a tip matches
    the first holds, and all others come after. Such as `[{tier: urgent}, {channel: call}]`."""
    preempt: Annotated[Several[Filter], Field(max_length=200)] = ()
    """Tips for which others are interrupted where nobody is free. Such as `[{tier: urgent}]`."""
    concurrency: Annotated[
        Concurrency, BeforeValidator(_concurrency), AlsoWritten({"type": "integer", "minimum": 1, "maximum": 1000})
    ] = Field(default_factory=partial(Concurrency, slots=1))
    """How many tips a person serves at a time, such as chats; one where it is left out. Such as `3`, `{slots: 3,
    speed: [100 %, 85 %, 70 %]}`."""
    shared: bool = False
    """One pool for all centres, in place of one in each."""
    price: Annotated[Number, Field(ge=0)] = 1.0
    """Cost of a paid hour, in the currency of the run. Such as `31`."""
    overtime: Factor = 1.0
    """What an hour of overtime costs, as a factor of the price."""
    nights: Nights | None = None
    """Hours whose paid time costs more or less. Such as `{from: "22:00", to: "06:00", pay: 125 %}`."""
    at_least: Staff = 0
    """Seats below which the search for staffing may not go. Such as `2`."""

    @property
    def filters(self) -> Iterator[Filter]:
        """Every filter of its line."""
        for rank in self.serve_first:
            yield from rank
        yield from self.preempt

    @property
    def slots(self) -> int:
        """Tips that a person serves at a time."""
        return self.concurrency.slots

    @property
    def capacity(self) -> float:
        """How much more a person does at the best number of tips in hand than with one: k times the k-th speed."""
        speeds = self.concurrency.speed or (1.0,) * self.slots
        return max(k * speed for k, speed in enumerate(speeds, 1)) / speeds[0]

    def speed_at(self, stage: str) -> float:
        """The speed at a stage with one tip in hand, but for what changes with the time of day."""
        alone = self.concurrency.speed[0] if self.concurrency.speed else 1.0
        return self.speed.always * self.speed.by_stage.get(stage, 1.0) * alone

    def speeds_at(self, stage: str) -> tuple[float, float]:
        """The least and the greatest speed at a stage, at any time of day and with any number in hand."""
        of_stage = self.speed.always * self.speed.by_stage.get(stage, 1.0)
        by_hour, by_hand = self.speed.by_hour or (1.0,), self.concurrency.speed or (1.0,)
        return of_stage * min(by_hour) * min(by_hand), of_stage * max(by_hour) * max(by_hand)

    @property
    def speed_by_hour(self) -> NDArray[np.float64]:
        """(168,) the factor of the speed in each hour of the week: work takes as much longer on average."""
        factors = self.speed.by_hour or (1.0,)
        hours = np.repeat(factors, 24 // len(factors)) if len(factors) <= 24 else np.array(factors)
        return np.tile(1 / (1 / hours).reshape(24, -1).mean(axis=1), 7)

    @property
    def tells_apart(self) -> bool:
        """Whether it matters who serves: people come and go by shifts, or slow down with what they have in hand."""
        return bool(self.shifts) or self.concurrency.speed is not None

    @model_validator(mode="after")
    def _breaks_fit(self) -> Self:
        lasts = sum(one.lasts * one.per_shift for one in self.breaks if one.between is None)
        for shift in self.shifts:
            if lasts > shift.length:
                rest = units.duration_text(shift.length)
                raise rule(f"the breaks do not fit into a shift of {rest}", "breaks", "lasts")
        return self

    @model_validator(mode="after")
    def _heads_or_people(self) -> Self:
        if self.levels is None:
            if self.absence and not self.shifts:
                raise rule(
                    "`absence` needs `shifts`: it is each person's on each date", "absence", key=True, value=False
                )
            if self.last_start and self.at_shift_end == "clear_line":
                raise rule(
                    "`last_start` does not go with `at_shift_end: clear_line`, which takes all who wait",
                    "last_start",
                    key=True,
                    value=False,
                )
            return self
        for key, given in (
            ("shifts", self.shifts),
            ("absence", self.absence),
            ("breaks", self.breaks),
            ("last_start", self.last_start),
            ("at_shift_end", self.at_shift_end != "finish"),
            ("concurrency", self.concurrency.speed),
        ):
            if given:
                what = {"at_shift_end": "`at_shift_end` but finish", "concurrency": "slots with a `speed`"}
                raise rule(
                    f"`levels` are heads, not people: no {what.get(key, f'`{key}`')} beside them",
                    key,
                    key=True,
                    value=False,
                )
        return self
