"""Dates as documents name them; and calendars: when something is open, as windows of ticks, and for how long.

A window belongs to the date on which it starts, as a row of the roster does: a closed date starts none, and one begun
the day before runs out. On a date that a row names with `on:` only the rows that name it start; a date that is closed
as well stays closed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Final, Protocol, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from sim.dynamics.clock import DAY, NEVER, WEEK, YEAR
from sim.dynamics.replication import Flags, Ticks
from sim.scenario import units
from sim.scenario.fields import AlsoWritten, Days, Name, OneOrSeveral, Part, Several, TimeOfDay, near, rule
from sim.scenario.zones import local_time

if TYPE_CHECKING:
    from sim.scenario.schema import Run, Scenario

LAST_HOLIDAY: Final = 2100
"""Up to this year the package `holidays` says when holidays are."""


def holiday_places(of: str) -> tuple[str, str | None]:
    """The country and the part of it in a text such as `GB-ENG` or `US`; ValueError where there is none.

    >>> holiday_places("GB-ENG"), holiday_places("US")
    (('GB', 'ENG'), ('US', None))
    """
    country, dash, part = of.partition("-")
    known = _countries()
    if country not in known:
        meant = near(country.upper(), known) if country.upper() not in known else f"; did you mean '{country.upper()}'?"
        raise ValueError(
            f"there is no country '{country[:20]}' whose holidays are known{meant}; write GB-ENG, DE or US-NY"
        )
    if dash and part not in known[country]:
        raise ValueError(f"{country} has no part '{part[:20]}'{_parts(part, known[country])}")
    return country, part if dash else None


def _parts(part: str, known: Sequence[str]) -> str:
    return near(part.upper(), known) or (f"; there are {', '.join(known[:30])}" if known else "; leave it out")


@lru_cache(maxsize=1)
def _countries() -> dict[str, list[str]]:
    import holidays

    return holidays.list_supported_countries(include_aliases=True)


@lru_cache(maxsize=1000)
def holidays_in(of: str, year: int) -> Mapping[date, str]:
    """The public holidays of a country or a part of it in a year, observed days included, with their names."""
    import holidays

    country, part = holiday_places(of)
    return dict(sorted(holidays.country_holidays(country, subdiv=part, years=year, observed=True).items()))


def _day(given: object) -> date:
    if isinstance(given, date):
        return given
    found = units.date(given)
    if isinstance(given, str) and len(given.strip()) > 10:
        raise ValueError("a date without a time is needed, such as 2025-12-25")
    return found.date()


def _holidays(given: object) -> str:
    if not isinstance(given, str):
        raise ValueError("holidays are those of a country or a part of one, such as GB-ENG, DE or US-NY")
    holiday_places(given)
    return given


def _on(given: object) -> object:
    return {"from": given, "to": given} if isinstance(given, str) else given


def _as_list(given: object) -> object:
    return [given] if isinstance(given, str | dict | Dates) else given


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "examples": ["2025-12-25"]})]
Country = Annotated[str, BeforeValidator(_holidays), WithJsonSchema({"type": "string", "examples": ["GB-ENG"]})]


class Dates(Part):
    """A range of dates, public holidays, or the dates on which a calendar is closed."""

    from_: Day | None = Field(None, alias="from")
    """The first date of a range."""
    to: Day | None = None
    """The last date of a range."""
    holidays: Country | None = None
    """The public holidays of a country or a part of one, observed days included."""
    closed: Name | None = None
    """The dates on which the calendar of that name is closed. Such as `office`."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = [self.from_ is not None or self.to is not None, self.holidays is not None, self.closed is not None]
        if sum(given) != 1:
            raise rule(
                "dates are written 2025-12-25, {from: 2025-12-29, to: 2025-12-31}, {holidays: GB-ENG} or "
                "{closed: office}",
                value=False,
            )
        if given[0]:
            if self.from_ is None or self.to is None:
                raise rule("a range of dates needs `from` and `to`", value=False)
            if self.to < self.from_:
                raise rule(f"the range ends ({self.to}) before it begins ({self.from_})", "to", value=False)
        return self

    def __str__(self) -> str:
        if self.holidays is not None:
            return f"holidays of {self.holidays}"
        if self.closed is not None:
            return f"when {self.closed} is closed"
        return str(self.from_) if self.from_ == self.to else f"{self.from_} to {self.to}"


On = Annotated[
    Several[Annotated[Dates, BeforeValidator(_on), AlsoWritten({"type": "string", "examples": ["2025-12-25"]})]],
    BeforeValidator(_as_list),
    Field(min_length=1, max_length=1000),
    OneOrSeveral(),
]
"""One or several of the ways to name dates."""


def dates_words(some: Iterable[Dates]) -> str:
    """The ways in which dates are named, in words."""
    return units.listed([str(one) for one in some])


def on_dates(some: Sequence[Dates], first: date, n: int, calendars: Mapping[str, Calendar]) -> Flags:
    """(n,) whether each day from `first` on is one of some dates."""
    found = np.zeros(n, dtype=np.bool_)
    last = first + timedelta(days=n - 1)
    for one in some:
        if one.closed is not None:
            found |= on_dates(calendars[one.closed].closed_on, first, n, calendars)
        elif one.holidays is not None:
            for year in range(first.year, last.year + 1):
                for day in holidays_in(one.holidays, year):
                    if first <= day <= last:
                        found[(day - first).days] = True
        else:
            assert one.from_ is not None
            assert one.to is not None
            begin, end = (one.from_ - first).days, (one.to - first).days + 1
            found[max(begin, 0) : max(end, 0)] = True
    return found


def countries_in(some: Iterable[Dates], calendars: Mapping[str, Calendar]) -> set[str]:
    """The countries and parts whose holidays some dates name, through calendars too."""
    found: set[str] = set()
    for one in some:
        if one.holidays is not None:
            found.add(one.holidays)
        elif one.closed is not None and one.closed in calendars:
            found |= countries_in(calendars[one.closed].closed_on, calendars)
    return found


def holiday_name(day: date, countries: Iterable[str]) -> str:
    """What a date is called among the holidays of some countries; "" where it is none."""
    return "; ".join(dict.fromkeys(name for of in sorted(countries) if (name := holidays_in(of, day.year).get(day))))


EVERY_DAY: Final = frozenset(range(7))

LONGEST_LOOK: Final = 20 * YEAR
"""So far beyond a run one looks for the open time that a target asks for."""


def days_unless_on(data: Mapping[str, object]) -> frozenset[int]:
    """The days of a row that gives none: all, or none where it names dates."""
    return frozenset() if data.get("on") else EVERY_DAY


class Row(Part):
    """A row of a calendar or a roster: from one time of day to the next `to`, on days of the week or on dates."""

    from_: TimeOfDay = Field(alias="from")
    """When it begins."""
    to: TimeOfDay
    """When it ends; on the next day where that is not later."""
    on: On | None = None
    """Dates on which it starts, in place of days of the week."""
    days: Days = Field(default_factory=days_unless_on)
    """The days of the week on which it begins; all where neither these nor dates are given."""

    @model_validator(mode="after")
    def _days_or_dates(self) -> Self:
        if self.on and self.days:
            raise rule("a row has `days` or `on`, not both", "on", value=False, key=True)
        return self

    @property
    def length(self) -> int:
        """Ticks of wall time; 24 h when it ends at the time of day at which it starts."""
        return units.length_of(self.from_, self.to)


class Calendar(Part):
    """When something is open."""

    open: Annotated[Several[Row], Field(min_length=1, max_length=200)]
    """The hours in which it is open. Such as `[{days: mon-fri, from: "09:00", to: "17:00"}]`."""
    closed: On | None = None
    """Dates on which it does not open. Such as `[2025-12-25, {holidays: GB-ENG}]`."""

    @property
    def closed_on(self) -> tuple[Dates, ...]:
        """The dates on which nothing starts."""
        return self.closed or ()


class OneRow(Protocol):
    """What `starts` asks of a row: of a calendar, of a roster, of levels."""

    @property
    def from_(self) -> int: ...
    @property
    def length(self) -> int: ...
    @property
    def days(self) -> frozenset[int]: ...
    @property
    def on(self) -> tuple[Dates, ...] | None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Starts:
    """When a row takes place, by date: (n,) each, in order."""

    begins: Ticks
    ends: Ticks
    day: Ticks
    """The day of the date on which it starts; day 0 holds `run.start`."""

    def __len__(self) -> int:
        return len(self.day)


def starts(
    rows: Sequence[OneRow],
    run: Run,
    horizon: int,
    calendars: Mapping[str, Calendar],
    closed: Sequence[Dates] = (),
) -> list[Starts]:
    """When each of the rows of one pool or calendar takes place, so far as that touches the ticks [0, horizon).

    On a date that a row names with `on:` only the rows that name it start, and on `closed` dates none. Local times
    become ticks as `zones` says, and a row that is left empty by that does not take place.
    """
    local = local_time(run.start, run.zone)
    first, n = -2, len(local.days_until(horizon)) + 2
    date = local.date_of(first)
    named = [None if row.on is None else on_dates(row.on, date, n, calendars) for row in rows]
    special = np.zeros(n, dtype=np.bool_)
    for some in named:
        if some is not None:
            special |= some
    shut = on_dates(closed, date, n, calendars)
    weekday = (np.arange(n) + date.weekday()) % 7
    by_day = {days: np.isin(weekday, sorted(days)) & ~special & ~shut for days in {row.days for row in rows}}
    found = []
    for row, some in zip(rows, named, strict=True):
        day = np.flatnonzero(by_day[row.days] if some is None else some & ~shut) + first
        wall = day * DAY + row.from_
        begins, ends = local.tick(wall), local.tick(wall + row.length)
        kept = (ends > 0) & (begins < horizon) & (ends > begins)
        found.append(Starts(begins[kept], ends[kept], day[kept]))
    return found


def windows(calendar: Calendar, run: Run, horizon: int, calendars: Mapping[str, Calendar]) -> tuple[Ticks, Ticks]:
    """When a calendar is open in [0, horizon): (n,) first ticks and ends, disjoint and in order."""
    found = starts(calendar.open, run, horizon, calendars, calendar.closed_on)
    begins, ends = united(np.concatenate([one.begins for one in found]), np.concatenate([one.ends for one in found]))
    return np.maximum(begins, 0), np.minimum(ends, horizon)


def gate_windows(
    open_: str | None, every: int | None, run: Run, horizon: int, calendars: Mapping[str, Calendar]
) -> tuple[Ticks, Ticks]:
    """When a gate is open in [0, horizon) by a calendar, at multiples of `every` since midnight, or both.

    With `every` it is open for an instant: at each such local time that lies in a window.
    """
    found = None if open_ is None else windows(calendars[open_], run, horizon, calendars)
    if every is None:
        assert found is not None
        return found
    local = local_time(run.start, run.zone)
    ticks = np.unique(local.tick(np.arange(0, local.wall(horizon - 1) + 1, every, dtype=np.int64)))
    ticks = ticks[(ticks >= 0) & (ticks < horizon)]
    if found is not None:
        begins, ends = found
        window = ends.searchsorted(ticks, side="right")
        ticks = ticks[np.append(begins, horizon)[window] <= ticks]
    return ticks, ticks + 1


def united(begins: Ticks, ends: Ticks) -> tuple[Ticks, Ticks]:
    """Intervals [begin, end) as the disjoint ones that they make together, in order; those that touch are one."""
    order = np.argsort(begins, kind="stable")
    begins, reach = begins[order], np.maximum.accumulate(ends[order]) if len(ends) else ends
    fresh = np.concatenate(([True], begins[1:] > reach[:-1]))[: len(begins)]
    last = np.concatenate((fresh[1:], [True]))[: len(begins)]
    return begins[fresh], reach[last]


def plain_week(calendar: Calendar) -> tuple[Ticks, Ticks]:
    """When a calendar is open in a week without dates of its own: ticks from Monday 00:00, disjoint and in order."""
    rows = [(day * DAY + row.from_, row.length) for row in calendar.open for day in row.days]
    begins = np.array([begin - late for begin, _ in rows for late in (0, WEEK)], dtype=np.int64)
    ends = np.array([begin + length - late for begin, length in rows for late in (0, WEEK)], dtype=np.int64)
    here = (ends > 0) & (begins < WEEK)
    begins, ends = united(begins[here], ends[here])
    return np.maximum(begins, 0), np.minimum(ends, WEEK)


def open_hours(calendar: Calendar) -> int:
    """Ticks that a calendar is open in a plain week."""
    begins, ends = plain_week(calendar)
    return int((ends - begins).sum())


class OpenTime:
    """The clock that runs while a calendar is open: C(tick) counts the open ticks before a tick.

    It looks at the calendar as far as it is asked to.
    """

    def __init__(self, calendar: Calendar, run: Run, horizon: int, calendars: Mapping[str, Calendar]) -> None:
        self._calendar, self._run, self._calendars = calendar, run, calendars
        self.until = 0
        """The calendar is known up to this tick."""
        self.begins: Ticks = np.zeros(0, dtype=np.int64)
        self.ends: Ticks = np.zeros(0, dtype=np.int64)
        """(n_windows,) the windows, disjoint and in order."""
        self.before: Ticks = np.zeros(0, dtype=np.int64)
        """(n_windows,) open ticks before each window: C at its first tick."""
        self.look(horizon)

    def look(self, until: int) -> None:
        """Get to know the calendar up to a tick."""
        if until > self.until:
            self.begins, self.ends = windows(self._calendar, self._run, until, self._calendars)
            self.before = np.concatenate(([0], np.cumsum(self.ends - self.begins)))[:-1].astype(np.int64)
            self.until = until

    @overload
    def count(self, tick: int) -> int: ...
    @overload
    def count(self, tick: Ticks) -> Ticks: ...
    def count(self, tick: int | Ticks) -> int | Ticks:
        """C: the open ticks in [0, tick)."""
        given = np.asarray(tick, dtype=np.int64)
        if given.size:
            self.look(int(given.max()))
        window = self.begins.searchsorted(given, side="right") - 1
        inside = np.maximum(window, 0)
        if len(self.begins) == 0:
            found = np.zeros_like(given)
        else:
            found = np.where(
                window < 0, 0, self.before[inside] + np.minimum(given, self.ends[inside]) - self.begins[inside]
            )
        return found if isinstance(tick, np.ndarray) else int(found)

    def elapsed(self, since: ArrayLike, until: ArrayLike) -> NDArray[np.int64]:
        """Open ticks between two stamps, C(until) - C(since); NEVER where one of them never came."""
        begin, end = np.broadcast_arrays(np.asarray(since, dtype=np.int64), np.asarray(until, dtype=np.int64))
        came = (begin < NEVER) & (end < NEVER)
        found = np.full(came.shape, NEVER, dtype=np.int64)
        found[came] = self.count(end[came]) - self.count(begin[came])
        return found

    def latest(self, since: ArrayLike, within: int) -> NDArray[np.int64]:
        """The last tick at which no more than `within` open ticks have elapsed; NEVER where that is not foreseeable.

        >>> from sim.scenario.schema import Run
        >>> office = Calendar.model_validate({"open": [{"days": "mon-fri", "from": "09:00", "to": "17:00"}]})
        >>> run = Run.model_validate({"start": "2025-01-10 00:00", "length": "7 d"})
        >>> asked = (16 * 60 + 31) * 60_000_000
        >>> due = OpenTime(office, run, WEEK, {}).latest([asked], 3600_000_000)
        >>> str(local_time(run.start).shows(int(due[0])))
        '2025-01-13 09:31:00'
        """
        begin = np.asarray(since, dtype=np.int64)
        if begin.size == 0:
            return np.zeros_like(begin)
        aim = self.count(begin) + within
        last, span = int(begin.max()), max(4 * within, WEEK)
        while self.count(self.until) <= int(aim.max()) and self.until < last + LONGEST_LOOK:
            self.look(min(max(self.until, last) + span, last + LONGEST_LOOK))
            span *= 2
        if len(self.begins) == 0:
            return np.full_like(begin, NEVER)
        window = self.before.searchsorted(aim, side="right") - 1
        found = self.begins[window] + aim - self.before[window]
        # At the end of the last window that is known nothing follows in which the time could be exceeded.
        return np.where(found < self.ends[window], found, NEVER)

    def longest(self, first: int, last: int, within: int) -> int:
        """The longest wall time that `within` open ticks take from any tick in [first, last); NEVER if for ever."""
        if first >= last:
            return 0
        self.latest(np.array([last - 1], dtype=np.int64), within)
        # The time only shrinks while it is closed, and jumps up where its end reaches the end of a window.
        spent = self.before + self.ends - self.begins - within
        spent = spent[spent >= 0]
        window = np.clip(self.before.searchsorted(spent, side="right") - 1, 0, None)
        jumps = self.begins[window] + spent - self.before[window] if len(self.begins) else spent
        asked = np.concatenate(([first, last - 1], jumps, self.begins, self.ends))
        asked = asked[(asked >= first) & (asked < last)]
        found = self.latest(asked, within)
        return NEVER if bool((found >= NEVER).any()) else int((found - asked).max())


def open_time(scenario: Scenario, calendar: str) -> OpenTime:
    """The clock of one of a scenario's calendars."""
    return _open_time(calendar, scenario.run, scenario.horizon, tuple(scenario.calendars.items()))


@lru_cache(maxsize=32)
def _open_time(name: str, run: Run, horizon: int, calendars: tuple[tuple[str, Calendar], ...]) -> OpenTime:
    known = dict(calendars)
    return OpenTime(known[name], run, horizon, known)


def circles(calendars: Mapping[str, Calendar]) -> Collection[str]:
    """The calendars whose closed dates are named by way of themselves."""

    def leads_to(name: str, seen: frozenset[str]) -> bool:
        return any(
            one.closed in seen or (one.closed in calendars and leads_to(one.closed, seen | {one.closed}))
            for one in calendars[name].closed_on
            if one.closed is not None
        )

    return [name for name in calendars if leads_to(name, frozenset({name}))]
