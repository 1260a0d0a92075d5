"""Who is there: pools of people by shifts, and in what order they take the waiting tips."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from sim.scenario import units
from sim.scenario.calendars import Row
from sim.scenario.fields import (
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
    """Which tips: a tip matches when it matches every key that is given, and a list means any of its names.

    Besides the keys here those of the scenario's own attributes; `asked` gives what any of them asks.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Names] = Field(init=False)

    channel: Names | None = None
    risk: Names | None = None
    tier: Names | None = None
    category: Names | None = None
    stage: Names | None = None
    """Only in `serve_first` and `preempt`."""
    labelled: bool | None = None
    labelled_by: Names | None = None
    """Who gave the present label."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if all(value is None for _, value in self):
            raise rule(
                "a filter names at least one of channel, risk, tier, category, labelled",
                value=False,
            )
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
    return f"tips {', '.join(parts)}"


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
    serve_first: Annotated[Several[Filter], Field(max_length=200)] = ()
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

    @model_validator(mode="after")
    def _breaks_fit(self) -> Self:
        if self.breaks is None:
            return self
        for shift in self.shifts:
            if self.breaks.lasts * self.breaks.per_shift > shift.length:
                rest = units.duration_text(shift.length)
                raise rule(f"the breaks do not fit into a shift of {rest}", "breaks", "lasts")
        return self
