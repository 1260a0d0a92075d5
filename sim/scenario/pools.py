"""Who is there: pools of people by shifts, and in what order they take the waiting tips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from sim.scenario import units
from sim.scenario.calendars import Row
from sim.scenario.fields import (
    AlsoWritten,
    Factor,
    Length,
    Names,
    Number,
    Part,
    PositiveLength,
    Several,
    Share,
    TimeOfDay,
    rule,
)

MOST_STAFF: Final = 100_000

Staff = Annotated[int, Field(ge=0, le=MOST_STAFF)]


class Filter(Part):
    """Which tips: a tip matches when it matches every key that is given, and a list means any of its names."""

    channel: Names | None = None
    risk: Names | None = None
    tier: Names | None = None
    category: Names | None = None
    stage: Names | None = None
    """Only in `serve_first` and `preempt`."""
    labelled: bool | None = None
    waited: PositiveLength | None = None
    """Only in `serve_first`: a tip matches once it has waited so long in this line."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if all(value is None for _, value in self):
            raise rule("a filter names at least one of channel, risk, tier, category, labelled, waited", value=False)
        return self


def filter_words(one: Filter | None) -> str:
    """Which tips a filter means, in words.

    >>> filter_words(Filter(channel=["sms", "online"], labelled=False))
    'tips with channel online or sms, without a label'
    """
    if one is None:
        return "all tips"
    parts = [
        f"with {key} {' or '.join(sorted(wanted))}"
        for key in ("stage", "channel", "risk", "tier", "category")
        if (wanted := getattr(one, key)) is not None
    ]
    if one.labelled is not None:
        parts.append("with a label" if one.labelled else "without a label")
    if one.waited is not None:
        parts.append(f"that have waited {units.duration_text(one.waited)}")
    return f"tips {', '.join(parts)}"


def _filters(given: object) -> object:
    return given if isinstance(given, list | tuple) else (given,)


Rank = Annotated[
    Several[Filter],
    BeforeValidator(_filters),
    Field(min_length=1, max_length=50),
    AlsoWritten({"$ref": "#/$defs/Filter"}),
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


class Breaks(Part):
    """Each person's breaks in each shift, staggered and not replaced."""

    lasts: PositiveLength
    per_shift: Annotated[int, Field(ge=1, le=20)] = 1


class Nights(Part):
    """The hours of every night whose paid hours cost more (or less): `pay` times the price of the pool."""

    from_: TimeOfDay = Field(alias="from")
    to: TimeOfDay
    pay: Factor

    @property
    def length(self) -> int:
        """Ticks; 24 h when it ends at the time of day at which it starts."""
        return units.length_of(self.from_, self.to)


class Pool(Part):
    """Interchangeable people who share one line."""

    staff: Staff = 0
    """People around the clock, besides the shifts."""
    shifts: Annotated[Several[Shift], Field(max_length=200)] = ()
    breaks: Breaks | None = None
    at_shift_end: Literal["finish", "resume", "hand_over", "restart"] = "finish"
    hand_over_time: Length = 0
    shrinkage: Annotated[Share, Field(lt=1)] | None = None
    """Share of paid time off seat; that of the run where it is left out."""
    order: Literal["first_come", "last_come", "random", "due"] = "first_come"
    """Who is taken first among those of one rank: by entry, at random, or by when a stage says that they are due."""
    serve_first: Annotated[Several[Rank], Field(max_length=200)] = ()
    """By rank, the best first, the filters of those who have it."""
    preempt: Annotated[Several[Filter], Field(max_length=200)] = ()
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 1
    shared: bool = False
    price: Annotated[Number, Field(ge=0)] = 1.0
    """Cost of a paid hour, in the currency of the run."""
    overtime: Factor = 1.0
    """What an hour of overtime costs, as a factor of the price."""
    nights: Nights | None = None
    at_least: Staff = 0
    """Seats below which the search for staffing may not go."""

    @property
    def filters(self) -> Iterator[Filter]:
        """Every filter of its line."""
        for rank in self.serve_first:
            yield from rank
        yield from self.preempt

    @model_validator(mode="after")
    def _breaks_fit(self) -> Self:
        if self.breaks is None:
            return self
        for shift in self.shifts:
            if self.breaks.lasts * self.breaks.per_shift > shift.length:
                rest = units.duration_text(shift.length)
                raise rule(f"the breaks do not fit into a shift of {rest}", "breaks", "lasts")
        return self
