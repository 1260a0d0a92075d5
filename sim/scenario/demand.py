"""What comes in: volume, profiles, surges, channels, true risk and categories, and who labels the tips how well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator

from sim.scenario import units
from sim.scenario.calendars import On
from sim.scenario.fields import (
    RATE_SCHEMA,
    SHARE_SCHEMA,
    AlsoWritten,
    Date,
    Growth,
    Length,
    Name,
    Number,
    Part,
    PositiveLength,
    Several,
    Share,
    Shares,
    Text,
    Zone,
    adds_up,
    rule,
)
from sim.scenario.together import Busyness, DayKinds, Incident, Swing

EVERY: Final = "daily"
"""The days of a profile that is the same every day."""

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


PARTS_OF_A_DAY: Final = {24: "hours", 48: "half hours", 96: "quarters of an hour", 288: "stretches of 5 min"}
"""How many numbers a profile of a day may have."""


def _of_a_day(values: tuple[float, ...]) -> tuple[float, ...]:
    if len(values) not in PARTS_OF_A_DAY:
        raise rule(
            f"needs 24 numbers, one an hour of the day, or 48, 96 or 288 for half hours, quarters or 5 min, and has "
            f"{len(values)}",
            value=False,
        )
    if min(values) < 0:
        raise rule("the numbers of a profile are 0 or more", value=False)
    return values


def _by_day(given: object) -> object:
    return given if isinstance(given, dict) else {EVERY: given}


def _whole_week(lists: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
    """Every day of the week has one list, and not all are 0."""
    names: dict[int, str] = {}
    for name in lists:
        try:
            days = units.days(name)
        except ValueError as error:
            raise rule(str(error), name, key=True) from None
        for day in sorted(days):
            if day in names:
                raise rule(
                    f"two lists are for {units.day_names(frozenset({day}))}: {names[day]} and {name}", name, key=True
                )
            names[day] = name
    if missing := frozenset(range(7)) - set(names):
        raise rule(f"has no numbers for {units.day_names(frozenset(missing))}", value=False)
    if not any(any(values) for values in lists.values()):
        raise rule("the numbers of a profile are not all 0", value=False)
    return lists


def _weekdays(values: tuple[float, ...]) -> tuple[float, ...]:
    return _profile(values, 7, "a day of the week, Monday first")


HourProfile = Annotated[
    dict[str, Annotated[Several[Number], AfterValidator(_of_a_day)]],
    AfterValidator(_whole_week),
    BeforeValidator(_by_day),
    AlsoWritten({"type": "array", "items": {"type": "number"}}),
]
"""Lists of numbers for the parts of a day, by the days of the week for which they are: one list is for every day."""
WeekProfile = Annotated[Several[Number], AfterValidator(_weekdays)]

TAKEN: Final = (
    *("channel", "risk", "category", "tier", "stage", "labelled", "labelled_by", "waited", "by"),
    *("centre", "weekday", "hour", "half_hour", "received", "incident"),
)
"""What no attribute of a scenario's own may be named: keys of filters, places of targets, columns of traces."""


def _free(name: str) -> str:
    if name in TAKEN:
        raise ValueError(f"an attribute of your own cannot be named {', '.join(TAKEN[:-1])} or {TAKEN[-1]}")
    return name


Own = Annotated[Name, AfterValidator(_free)]
"""The name of an attribute of a scenario's own."""


class Surge(Part):
    """A time of more (or fewer) tips: `factor` times as many for `lasts`, then fading linearly over `fades`."""

    name: Name
    """What it is called. Such as `in the news`."""
    at: Date | None = None
    """When it begins; or, at random times, `per_year`."""
    per_year: Number | None = None
    """At random times: so many on average in 365 days. Such as `2`."""
    lasts: PositiveLength
    """How long it is in full."""
    factor: Annotated[Number, Field(ge=0, le=1e6)]
    """How many times as many tips come. Such as `3`."""
    fades: Length = 0
    """How long it then takes to fade, evenly."""
    channel: Name | None = None
    """The channel that it is on; all where it is left out. Such as `call`."""

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if (self.at is None) == (self.per_year is None):
            raise rule("a surge needs `at` or `per_year`, and not both", value=False)
        if self.per_year is not None and not 0 <= self.per_year <= 1000:
            raise rule("must be from 0 to 1000", "per_year")
        return self


class Volume(Part):
    """How many tips come on average."""

    a_day: float
    """Before profiles, growth and surges."""
    of_open: bool = False
    """Whether that is the mean over the time in which tips can come, as of rates by second, minute or hour; else over
    all time."""


def _volume(given: object) -> object:
    return given if isinstance(given, Volume) else {"a_day": units.rate(given), "of_open": units.is_of_hours(given)}


SomeVolume = Annotated[
    Volume,
    BeforeValidator(_volume),
    WithJsonSchema(RATE_SCHEMA),
]


class Channel(Part):
    """One way in: its share of the tips or a volume of its own, and profiles of its own where they differ."""

    share: Share | None = None
    """Its share of the tips; those of all channels add up to 100 %."""
    volume: SomeVolume | None = None
    """Its own number of tips, in place of a share."""
    open: Name | None = None
    """The calendar in whose open time its tips come. Such as `phones`."""
    by_hour: HourProfile | None = None
    """Its own profile of the day, in place of that of the demand. Such as `{mon-fri: [0, 0, 0, 0, 0, 0, 0, 1, 2, 4,
    4, 4, 3, 4, 4, 4, 3, 2, 1, 1, 0, 0, 0, 0], sat: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0], sun: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}`."""
    by_weekday: WeekProfile | None = None
    """Its own profile of the week, in place of that of the demand. Such as `[5, 5, 5, 5, 5, 1, 1]`."""


def _times_as_many(given: object) -> float:
    found = units.percentage(given)
    if not 0 <= found <= 1000:
        raise ValueError("a factor of the tips lies between 0 % and 100000 %")
    return found


def _weekday(given: object) -> int:
    found = units.days(given) if isinstance(given, str) else frozenset[int]()
    if len(found) != 1:
        raise ValueError("`like` names one day of the week, such as sun")
    return next(iter(found))


class OnDates(Part):
    """Dates with more or fewer tips, or with the profile of another day of the week."""

    on: On
    """The dates. Such as `{holidays: GB-ENG}`."""
    factor: Annotated[float, BeforeValidator(_times_as_many), WithJsonSchema(SHARE_SCHEMA)] = 1.0
    """How many times as many tips come on them."""
    like: Annotated[int, BeforeValidator(_weekday), WithJsonSchema({"type": "string", "examples": ["sun"]})] | None = (
        None
    )
    """The day of the week whose profile they have."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not {"factor", "like"} & self.model_fields_set:
            raise rule("dates of the demand need a `factor` or `like`", value=False)
        return self


class Offered(Part):
    """Expected tips by interval, from a file."""

    file: Text
    """A CSV file beside this one, with `from` (or `day` and `time`), `tips` and, where they are counted apart,
    `channel`. Such as `offered.csv`."""

    def __str__(self) -> str:
        return self.file


class Recorded(Part):
    """Recorded tips in place of drawn ones: as they came, or whole days or weeks of them drawn with return."""

    file: Text
    """A CSV file beside this one, a row a tip. Such as `tips.csv`."""
    resample: Literal["day", "week"] | None = None
    """Left out, the record itself is run; `day` draws a recorded day for each day, weekday for weekday, `week` whole
    weeks. Such as `day`."""
    columns: Annotated[dict[Name, Text], Field(max_length=100)] = Field(default_factory=dict)
    """What is read from which column of the file; with it all other columns are passed over. Such as `{received: Call
    Time}`."""
    zone: Zone | None = None
    """The zone whose clock the file shows, where that is not the run's. Such as `Europe/London`."""
    keep: Literal["run"] | None = None
    """`run` passes over what came before the run or after it, in place of a fault. Such as `run`."""
    dates: Literal["day first", "month first"] | None = None
    """How dates such as 03/04/2025 are read, where no row of the file decides it. Such as `day first`."""

    def __str__(self) -> str:
        return self.file


def _file(given: object) -> object:
    return {"file": given} if isinstance(given, str) else given


def _channel(given: object) -> object:
    return given if isinstance(given, dict | Channel) else {"share": given}


def _channels(channels: dict[str, Channel]) -> dict[str, Channel]:
    if not channels:
        raise rule("at least one is needed", value=False)
    shares = {name: channel.share for name, channel in channels.items() if channel.share is not None}
    for name, channel in channels.items():
        if channel.share is not None and channel.volume is not None:
            raise rule(
                "a channel has a `share` of the tips or a `volume` of its own", name, "volume", key=True, value=False
            )
        if shares and channel.share is None:
            raise rule(
                "needs a `share`, as other channels have one: all have shares, or all have volumes", name, value=False
            )
    if shares:
        adds_up(shares)
    return channels


_SHARES_SCHEMA: Final = {"type": "object", "additionalProperties": {"type": ["string", "number"]}, "minProperties": 1}


def _by_channel(shares: Any, names: Sequence[str]) -> Any:
    """Shares for all channels, or by channel, as a complete table: channel -> value -> share."""
    if isinstance(shares, dict) and shares and not any(isinstance(row, dict) for row in shares.values()):
        return dict.fromkeys(names, shares)
    if isinstance(shares, dict) and all(isinstance(row, dict) for row in shares.values()):
        every = dict.fromkeys(name for row in shares.values() for name in row)
        return {channel: {name: row.get(name, 0) for name in every} for channel, row in shares.items()}
    return shares


class Demand(Part):
    """The tips that come in."""

    volume: SomeVolume | None = None
    """How many tips come; none where the channels have volumes of their own, the tips are counted or recorded, or only
    incidents bring some."""
    growth: Growth = 0.0
    """By how much the volume grows a year, from the start of the run on."""
    by_hour: HourProfile | None = None
    """How the tips spread over the day: 24, 48, 96 or 288 numbers from midnight on, in proportion; or such lists by
    days. Evenly where it is left out. Such as `[2, 1, 1, 1, 1, 2, 4, 7, 9, 11, 12, 12, 11, 11, 12, 12, 11, 10, 9,
    8, 7, 6, 4, 3]`."""
    by_weekday: WeekProfile | None = None
    """How the tips spread over the week: seven numbers from Monday on, in proportion. Evenly where it is left out.
    Such as `[11, 11, 10, 10, 10, 7, 6]`."""
    by_date: Annotated[Several[OnDates], Field(max_length=1000)] = ()
    """Dates with more or fewer tips, or with the profile of another day. Such as `[{on: {holidays: GB-ENG}, factor:
    40 %}]`."""
    counts: Annotated[Offered, BeforeValidator(_file), AlsoWritten({"type": "string", "maxLength": 2000})] | None = None
    """Expected tips by interval from a file, as telephone systems export them, in place of volume and profiles. Such
    as `offered.csv`."""
    busyness_cv: Swing = 0.0
    """By how much days differ beyond chance: the coefficient of variation of a factor on each day's rate."""
    busyness: Busyness | None = None
    """A factor that swings from hour to hour, beside that of the day."""
    day_kinds: DayKinds = Field(default_factory=dict)
    """Kinds of dates, of which each date is one by chance. Such as `{quiet: {share: 50 %, factor: 80 %}, busy:
    {share: 50 %, factor: 120 %}}`."""
    surges: Annotated[Several[Surge], Field(max_length=1000)] = ()
    """Times of more tips. Such as `[{at: 2025-02-10 08:00, lasts: 7 d, factor: 3, fades: 7 d}]`."""
    channels: Annotated[
        dict[Name, Annotated[Channel, BeforeValidator(_channel), AlsoWritten(SHARE_SCHEMA)]],
        Field(max_length=100),
        AfterValidator(_channels),
    ] = Field(default_factory=lambda: {ONE_CHANNEL: Channel(share=1.0)})
    """The ways in, by name: each with its share of the tips, or a volume of its own. One channel, `tip`, where it is
    left out. Such as `{call: 60 %, online: 40 %}`."""
    risk: Annotated[
        dict[Name, Shares],
        WithJsonSchema({"anyOf": [_SHARES_SCHEMA, {"type": "object", "additionalProperties": _SHARES_SCHEMA}]}),
    ] = Field(default_factory=dict)
    # However the document wrote it: channel -> true risk -> share, complete. Attributes alike, by name.
    """What tips truly are: shares by name, or such shares by channel. One risk, `any`, where it is left out. Such as
    `{urgent: 5 %, other: 95 %}`."""
    attributes: Annotated[
        dict[
            Own,
            Annotated[
                dict[Name, Shares],
                WithJsonSchema({"anyOf": [_SHARES_SCHEMA, {"type": "object", "additionalProperties": _SHARES_SCHEMA}]}),
            ],
        ],
        Field(max_length=20),
    ] = Field(default_factory=dict)
    """Attributes of your own: by name the shares of their values, or such shares by channel; they may be named
    wherever channel or tier may. Such as `{language: {english: 80 %, spanish: 20 %}}`."""
    categories: Shares = Field(default_factory=lambda: {ONE_CATEGORY: 1.0})
    """The subjects of tips, by name with their shares. One where it is left out. Such as `{fraud: 30 %, other: 70
    %}`."""
    incidents: Annotated[dict[Name, Incident], Field(max_length=200)] = Field(default_factory=dict)
    """Kinds of events that each bring several tips, by name. Such as `{sighting: {rate: 200/year, tips: {geometric:
    {mean: 6}}, over: 20 min}}`."""
    trace: Annotated[Recorded, BeforeValidator(_file), AlsoWritten({"type": "string", "maxLength": 2000})] | None = None
    """Recorded tips in place of drawn ones. Such as `tips.csv`, `{file: tips.csv, resample: day}`."""

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
        given["risk"] = {name: {ONE_RISK: 1.0} for name in names} if risk is None else _by_channel(risk, names)
        if isinstance(own := given.get("attributes"), dict):
            given["attributes"] = {name: _by_channel(shares, names) for name, shares in own.items()}
        return given

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.counts is not None and self.trace is not None:
            raise rule("the tips are counted by `counts` or recorded in a `trace`, not both", "counts", key=True)
        if self.own_volumes and self.volume is not None:
            raise rule("the channels have volumes of their own, so the demand has none", "volume", key=True)
        for name, incident in self.incidents.items():
            if incident.channels is None and not incident.on(self):
                raise rule("needs `channels`: those of the demand have no shares", "incidents", name, value=False)
        if self.counts is not None:
            return self
        for name, channel in self.channels.items():
            if channel.share is None and channel.volume is None:
                raise rule("needs a `share` of the tips, or a `volume` of its own", "channels", name, value=False)
        if self.trace is None and self.shared and self.volume is None and not self.incidents:
            raise rule("`volume` is needed, such as 30000/year (or a `trace`)", value=False)
        return self

    @property
    def shared(self) -> bool:
        """Whether the channels have shares of the tips."""
        return all(channel.share is not None for channel in self.channels.values())

    @property
    def own_volumes(self) -> bool:
        """Whether channels have volumes of their own."""
        return any(channel.volume is not None for channel in self.channels.values())


def own_names(demand: Demand) -> dict[str, tuple[str, ...]]:
    """The names that each attribute of the scenario's own may have, in the order of their codes."""
    return {name: tuple(next(iter(rows.values()))) for name, rows in demand.attributes.items()}


class Labeller(Part):
    """Who assigns tiers: how often it decides at all, and by true risk which tier it assigns."""

    decides: Share = 1.0
    """How often it gives a label at all."""
    assigns: dict[Name, Shares]
    """By true risk, the shares of the tiers that it assigns. Such as `{urgent: {urgent: 90 %, other: 10 %}, other:
    {urgent: 5 %, other: 95 %}}`."""
