"""What came and who was there by time: a row an interval of the week, and a row a date.

Tips are told by when they came, visits by when they came to the line of a pool, and people and work by the time itself,
so that a row says what a supervisor would have seen. The work of several pools has nothing in common, so each pool has
columns of its own. A row of the week is the mean over every time that its interval came in the measured time of every
replication; where a clock is put forward or back, an interval came less often or twice as long.

Last, one day of one replication: each visit, each pool and each target where they change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.dynamics.clock import DAY, HOUR, MINUTE
from sim.measures import passes
from sim.scenario import units
from sim.scenario.calendars import countries_in, holiday_name, on_dates
from sim.tables.declared import Column, Family, Filled, Table, for_each, number, of, text, whole

if TYPE_CHECKING:
    from sim.measures.sample import Sample
    from sim.scenario.calendars import Dates
    from sim.scenario.schema import Scenario
    from sim.studies.day import BrokenBy, Day, DayVisit, PoolAt

ALMOST: Final = 1e-9
"""Erlangs by which a load may exceed a number of people through rounding alone."""


@dataclass(frozen=True, slots=True)
class PoolThen:
    """A pool at a time; NaN for what cannot be told."""

    visits: Any
    """(8,) of all replications, by the columns of `passes`."""
    ticks: Any
    """(6,) of all replications, by the numbers of `passes`."""
    times: float
    """How often that time came in all replications."""
    measured: float
    """Ticks of it that are measured, in all replications."""
    slots: int
    """Tips that one person has in hand at most."""
    capacity: float
    """How much more a person does at the best number of tips in hand than with one."""

    def visits_a_time(self, column: int) -> float:
        """Visits each time."""
        return _over(self.visits[column], self.times)

    def mean(self, column: int) -> float:
        """Minutes a visit that was begun."""
        return _over(self.visits[column], self.visits[passes.STARTED] * MINUTE)

    def number(self, which: int) -> float:
        """The mean number of it."""
        return _over(self.ticks[which], self.measured)

    @property
    def occupancy(self) -> float:
        return _over(self.ticks[passes.BUSY], self.ticks[passes.ON_DUTY])

    @property
    def people(self) -> float:
        """On duty, on average."""
        return self.number(passes.ON_DUTY) / self.slots

    @property
    def needed(self) -> float:
        """People that the offered load would keep busy, a whole number."""
        load = self.number(passes.OFFERED) / self.capacity
        return load if math.isnan(load) else math.ceil(load - ALMOST)


@dataclass(frozen=True, slots=True)
class Then:
    """A time: what came, and how the pools and the targets fared."""

    hours: float
    """That are measured in one replication."""
    times: float
    """How often it came in all replications."""
    came: Any
    """(5,) tips of all replications, by CAME ... of `passes`."""
    pools: Mapping[str, PoolThen]
    targets: Mapping[str, tuple[int, int, bool]]
    """Judged and failed tips, and whether those that did not fail are a service level, by target that judges any."""

    def tips(self, which: int) -> float:
        """Tips each time."""
        return _over(self.came[which], self.times)


@dataclass(frozen=True, slots=True)
class OfWeek(Then):
    """An interval of the week."""

    interval: int
    """From 0, Monday at midnight."""
    length: int
    """Ticks."""

    @property
    def begins(self) -> int:
        """Ticks since Monday at midnight."""
        return self.interval * self.length


@dataclass(frozen=True, slots=True)
class OnDate(Then):
    """A date."""

    date: date
    special: str
    """Holidays, closed calendars, and what else the document says of the date."""


_OF_POOL: Final[tuple[tuple[str, str, Callable[[PoolThen], float], str], ...]] = (
    ("offered", "tips", lambda one: one.visits_a_time(passes.REACHED), "that came to its line"),
    ("answered", "tips", lambda one: one.visits_a_time(passes.STARTED), "of those, that it began to serve"),
    ("lost", "tips", lambda one: one.visits_a_time(passes.GAVE_UP), "of those, that gave up for good"),
    ("merged", "tips", lambda one: one.visits_a_time(passes.LEFT_MERGED), "of those, that left merged"),
    ("wait_mean", "min", lambda one: one.mean(passes.WAIT), "of those that it began to serve"),
    ("work_mean", "min", lambda one: one.mean(passes.WORK), "of those that it began to serve"),
    ("occupancy", "share", lambda one: one.occupancy, "busy over on-duty time, overtime left out"),
    ("on_duty", "people", lambda one: one.people, "on duty, on average"),
    ("needed", "people", lambda one: one.needed, "people that the work offered would keep busy, rounded up"),
    ("offered", "erlangs", lambda one: one.number(passes.OFFERED), "people that the work would keep busy"),
    ("busy", "servers", lambda one: one.number(passes.BUSY), "places in use"),
    ("on_duty", "servers", lambda one: one.number(passes.ON_DUTY), "places on duty"),
    ("waiting", "tips", lambda one: one.number(passes.WAITING), "tips in line"),
)


def _pool_columns(name: str) -> Iterator[Column[Any]]:
    for what, unit, get, says in _OF_POOL:
        yield number(f"{name}_{what}", unit, of(lambda row: row.pools[name], get), says)


def _target_columns(of_target: tuple[str, tuple[int, int, bool]]) -> Iterator[Column[Any]]:
    name, (_, _, level) = of_target
    for at, what in enumerate(("judged", "failed")):
        yield whole(f"{name}_{what}", "tips", of(lambda row: row.targets[name], itemgetter(at)), f"{what} by it")
    if level:
        says = "of the judged, those that kept it: its service level"
        yield number(f"{name}_kept", "share", lambda row: _kept(*row.targets[name][:2]), says)


BY_POOL: Final[Family[Any]] = for_each(
    ", ".join(f"<pool>_{what}_{unit}" for what, unit, *_ in _OF_POOL),
    "each pool then",
    lambda row: row.pools,
    _pool_columns,
)
BY_TARGET: Final[Family[Any]] = for_each(
    "<target>_judged_tips, <target>_failed_tips, <target>_kept_share",
    "tips of all replications by the time at which they came, and the service level of a target on a share",
    lambda row: row.targets.items(),
    _target_columns,
)

_TIPS: Final[tuple[Column[Any], ...]] = (
    number("measured", "h", lambda row: row.hours, "of the measured time of a replication"),
    number("offered", "tips", lambda row: row.tips(passes.CAME), "that came then, on average"),
    number("answered", "tips", lambda row: row.tips(passes.ANSWERED), "of those, that somebody began to serve"),
    number("lost", "tips", lambda row: row.tips(passes.LOST_FOR_GOOD), "of those, that gave up or found no room"),
    number("turned_away", "tips", lambda row: row.tips(passes.FOUND_NO_ROOM), "of those, that found no room"),
    number("merged", "tips", lambda row: row.tips(passes.CAME_TO_MERGE), "of those, that left merged"),
)

INTERVALS: Final = Table[OfWeek](
    "intervals",
    "an interval of the week: what came, was answered and lost, load, people and line of each pool, service levels",
    "Intervals of the week",
    (
        whole("interval_of_week", "", lambda row: row.interval, "from 0, Monday at midnight"),
        text("weekday", lambda row: units.SHORT_WEEKDAYS[row.begins // DAY], "Mon to Sun"),
        text("from", lambda row: units.clock(row.begins % DAY), "time of day at which it begins"),
        text("to", lambda row: units.clock(row.begins % DAY + row.length), "time of day at which it ends"),
        *_TIPS,
        number("arrivals", "tips_an_hour", lambda row: row.tips(passes.CAME) * HOUR / row.length, "tips of the cohort"),
        BY_POOL,
        BY_TARGET,
    ),
)

DATES: Final = Table[OnDate](
    "dates",
    "a date of the run: what came, was answered and lost, load, people and line of each pool, service levels",
    "The days of the run",
    (
        text("date", lambda row: row.date.isoformat(), "by the local clock"),
        text("weekday", lambda row: units.SHORT_WEEKDAYS[row.date.weekday()], "Mon to Sun"),
        text("special", lambda row: row.special, "holidays, closed calendars, a roster or demand of its own"),
        *_TIPS,
        BY_POOL,
        BY_TARGET,
    ),
)


def intervals(sample: Sample) -> Iterator[OfWeek]:
    """The intervals of the week."""
    frame, judged = sample.frame, sample.pooled.failing[..., 0].any(axis=1)
    for row in range(frame.n_intervals):
        occurrences = float(frame.time_measured[row]) / frame.interval
        yield OfWeek(**_then(sample, row, occurrences, judged), interval=row, length=frame.interval)


def dates(sample: Sample) -> Iterator[OnDate]:
    """The dates that the measured time touches."""
    frame, judged = sample.frame, sample.pooled.failing[..., 0].any(axis=1)
    special = special_dates(frame.scenario, frame.date(0), frame.n_days)
    for day in range(frame.n_days):
        date, then = frame.date(day), _then(sample, frame.n_intervals + day, 1.0, judged)
        yield OnDate(**then, date=date, special=special.get(date, ""))


def special_dates(scenario: Scenario, first: date, n: int) -> dict[date, str]:
    """What is special about some of the n dates from `first` on: the holidays that the document names, calendars that
    are closed, rosters and demand of their own."""
    named: list[tuple[str, Sequence[Dates]]] = [
        *((f"{name} closed", calendar.closed_on) for name, calendar in scenario.calendars.items()),
        *(
            (f"{name} staffed by date", shift.on or ())
            for name, pool in scenario.pools.items()
            for shift in pool.shifts
        ),
        *(("demand by date", one.on) for one in scenario.demand.by_date),
    ]
    countries = countries_in([one for _, some in named for one in some], scenario.calendars)
    told: dict[date, dict[str, None]] = {}
    for what, some in named:
        for day in np.flatnonzero(on_dates(some, first, n, scenario.calendars)):
            on = first + timedelta(days=int(day))
            told.setdefault(on, {holiday_name(on, countries): None})[what] = None
    return {on: "; ".join(filter(None, told[on])) for on in sorted(told)}


def _then(sample: Sample, row: int, occurrences: float, judged: Any) -> dict[str, Any]:
    """The fields of Then for a row of time, which comes so often in a replication; of the targets that judged any."""
    scenario, pooled, n = sample.frame.scenario, sample.pooled, len(sample)
    measured, times = float(sample.frame.time_measured[row]), n * occurrences
    pools = {
        name: PoolThen(pooled.visits[p, row], pooled.ticks[:, p, row], times, n * measured, pool.slots, pool.capacity)
        for p, (name, pool) in enumerate(scenario.pools.items())
    }
    targets = {
        name: (*map(int, pooled.failing[k, row]), target.unit == "share" and target.side == "at_least")
        for k, (name, target) in enumerate(scenario.targets.items())
        if judged[k]
    }
    return {
        "hours": measured / HOUR, "times": times, "came": pooled.came[row], "pools": pools, "targets": targets
    }  # fmt: skip


def _kept(judged: int, failed: int) -> float:
    return _over(judged - failed, judged)


def _over(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else np.nan


DAY_VISITS: Final[Table[DayVisit]] = Table(
    "day",
    "an attempt of a visit on one day of one replication: when the tip came, was taken in hand, and left",
    "A day, visit by visit",
    (
        whole("tip", "", lambda row: row.tip, "its number in the replication"),
        text("channel", lambda row: row.channel, "how it came"),
        text("risk", lambda row: row.risk, "what it truly is"),
        text("stage", lambda row: row.stage, "the stage"),
        text("pool", lambda row: row.pool, "its pool; empty for a delay"),
        whole("attempt", "", lambda row: row.attempt, "from 1; a tip that comes back has a row for each"),
        number("enter", "min", lambda row: row.enter, "when it reached the stage; below 0 on the day before"),
        number("start", "min", lambda row: row.start, "when it was first taken in hand; empty where it never was"),
        number("end", "min", lambda row: row.end, "when it left, however it did; empty where the run ended first"),
        text("ends", lambda row: row.ends, "served, gave up, turned away, merged or open"),
        number("broke", "min", lambda row: row.broke, "when a promise to the tip first broke; empty where none did"),
    ),
)

DAY_POOLS: Final[Table[PoolAt]] = Table(
    "day_pools",
    "a pool from a minute of that day on: people on duty, people busy, tips that wait",
    "A day, pool by pool",
    (
        text("pool", lambda row: row.pool, "its name; its centres are taken together"),
        number("from", "min", lambda row: row.minute, "since midnight; until the next row of the pool"),
        whole("staff", "", lambda row: row.staff, "people on duty"),
        whole("busy", "", lambda row: row.busy, "people with something in hand, wrap-up and overtime included"),
        whole("waiting", "tips", lambda row: row.waiting, "that have reached its stages and are not in hand yet"),
    ),
)

BROKEN: Final[Table[BrokenBy]] = Table(
    "day_broken",
    "a target from a minute of that day on: promises broken since midnight",
    "Promises that broke on that day",
    (
        text("target", lambda row: row.target, "its name in the document; only those that each tip keeps or breaks"),
        number("from", "min", lambda row: row.minute, "since midnight; until the next row of the target"),
        whole("broken", "tips", lambda row: row.broken, "for which it was sure by then that they fail it"),
    ),
)

TABLES_OF_DAY: Final = (DAY_VISITS, DAY_POOLS, BROKEN)


def tables_of_day(found: Day) -> list[Filled]:
    """All tables of a day."""
    return [DAY_VISITS.of(found.visits), DAY_POOLS.of(found.pools), BROKEN.of(found.broken)]
