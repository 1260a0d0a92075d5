"""What comes in: volume, profiles, surges, channels, true risk and categories, and who labels the tips how well."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from sim.scenario.fields import (
    SHARE_SCHEMA,
    AlsoWritten,
    Date,
    Growth,
    Length,
    Name,
    Number,
    Part,
    PositiveLength,
    Rate,
    Several,
    Share,
    Text,
    adds_up,
    rule,
)

ONE_CHANNEL: Final = "tip"
ONE_RISK: Final = "any"
ONE_CATEGORY: Final = "any"
"""The names where the document gives no channels, no risks or no categories."""


def _profile(values: tuple[float, ...], n: int, what: str) -> tuple[float, ...]:
    if len(values) != n:
        raise rule(f"needs {n} numbers, one {what}, and has {len(values)}", value=False)
    if min(values) < 0 or sum(values) <= 0:
        raise rule("the numbers of a profile are 0 or more, and not all 0", value=False)
    return values


def _hours(values: tuple[float, ...]) -> tuple[float, ...]:
    return _profile(values, 24, "an hour of the day")


def _weekdays(values: tuple[float, ...]) -> tuple[float, ...]:
    return _profile(values, 7, "a day of the week, Monday first")


def _busyness(cv: float) -> float:
    if 0 < cv < _LEAST_BUSYNESS:
        raise ValueError("a cv of days is 0, or at least 0.000001")
    return cv


_LEAST_BUSYNESS: Final = 1e-6
"""Days that differ by less are the same to any line, and cannot be told apart in floating point in the end."""


def _summing(shares: dict[str, float]) -> dict[str, float]:
    if not shares:
        raise rule("at least one is needed", value=False)
    adds_up(shares)
    return shares


HourProfile = Annotated[Several[Number], AfterValidator(_hours)]
WeekProfile = Annotated[Several[Number], AfterValidator(_weekdays)]
Shares = Annotated[dict[Name, Share], Field(max_length=1000), AfterValidator(_summing)]


class Surge(Part):
    """A time of more (or fewer) tips: `factor` times as many for `lasts`, then fading linearly over `fades`."""

    name: Name
    at: Date | None = None
    """When it begins; or, at random times,"""
    per_year: Number | None = None
    """so many on average in 365 days."""
    lasts: PositiveLength
    factor: Annotated[Number, Field(ge=0, le=1e6)]
    fades: Length = 0
    channel: Name | None = None

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if (self.at is None) == (self.per_year is None):
            raise rule("a surge needs `at` or `per_year`, and not both", value=False)
        if self.per_year is not None and not 0 <= self.per_year <= 1000:
            raise rule("must be from 0 to 1000", "per_year")
        return self


class Channel(Part):
    """One way in: its share of the tips, and profiles of its own where they differ."""

    share: Share
    by_hour: HourProfile | None = None
    by_weekday: WeekProfile | None = None


class Recorded(Part):
    """Recorded tips in place of drawn ones: as they came, or whole days or weeks of them drawn with return."""

    file: Text
    resample: Literal["day", "week"] | None = None
    """None runs the record itself; `day` draws a recorded day for each day, weekday for weekday, `week` whole weeks."""

    def __str__(self) -> str:
        return self.file


def _recorded(given: object) -> object:
    return {"file": given} if isinstance(given, str) else given


def _channel(given: object) -> object:
    return given if isinstance(given, dict | Channel) else {"share": given}


def _channels(channels: dict[str, Channel]) -> dict[str, Channel]:
    if not channels:
        raise rule("at least one is needed", value=False)
    adds_up({name: channel.share for name, channel in channels.items()})
    return channels


_SHARES_SCHEMA: Final = {"type": "object", "additionalProperties": {"type": ["string", "number"]}, "minProperties": 1}


class Demand(Part):
    """The tips that come in."""

    volume: Rate | None = None
    """Tips a day, before profiles, growth and surges; none only with a trace."""
    growth: Growth = 0.0
    by_hour: HourProfile | None = None
    by_weekday: WeekProfile | None = None
    busyness_cv: Annotated[Number, Field(ge=0, le=10), AfterValidator(_busyness)] = 0.0
    surges: Annotated[Several[Surge], Field(max_length=1000)] = ()
    channels: Annotated[
        dict[Name, Annotated[Channel, BeforeValidator(_channel), AlsoWritten(SHARE_SCHEMA)]],
        Field(max_length=100),
        AfterValidator(_channels),
    ] = Field(default_factory=lambda: {ONE_CHANNEL: Channel(share=1.0)})
    risk: Annotated[
        dict[Name, Shares],
        WithJsonSchema({"anyOf": [_SHARES_SCHEMA, {"type": "object", "additionalProperties": _SHARES_SCHEMA}]}),
    ] = Field(default_factory=dict)
    """Channel -> true risk -> share, complete, however the document wrote it."""
    categories: Shares = Field(default_factory=lambda: {ONE_CATEGORY: 1.0})
    trace: (
        Annotated[Recorded, BeforeValidator(_recorded), AlsoWritten({"type": "string", "maxLength": 2000})] | None
    ) = None

    @model_validator(mode="before")
    @classmethod
    def _as_written(cls, given: Any) -> Any:
        """Name the unnamed surges; give the risk by channel."""
        if not isinstance(given, dict):
            return given
        given = dict(given)
        if isinstance(surges := given.get("surges"), list | tuple):
            given["surges"] = tuple(
                {"name": f"surge {row}", **surge} if isinstance(surge, dict) else surge
                for row, surge in enumerate(surges, 1)
            )
        channels = given.get("channels")
        names = list(channels) if isinstance(channels, dict) and channels else [ONE_CHANNEL]
        risk = given.get("risk")
        if risk is None:
            given["risk"] = {name: {ONE_RISK: 1.0} for name in names}
        elif isinstance(risk, dict) and risk and not any(isinstance(row, dict) for row in risk.values()):
            given["risk"] = dict.fromkeys(names, risk)
        elif isinstance(risk, dict) and all(isinstance(row, dict) for row in risk.values()):
            every = dict.fromkeys(name for row in risk.values() for name in row)
            given["risk"] = {channel: {name: row.get(name, 0) for name in every} for channel, row in risk.items()}
        return given

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.volume is None and self.trace is None:
            raise rule("`volume` is needed, such as 30000/year (or a `trace`)", value=False)
        return self


class Labeller(Part):
    """Who assigns tiers: how often it decides at all, and by true risk which tier it assigns."""

    decides: Share = 1.0
    assigns: dict[Name, Shares]
