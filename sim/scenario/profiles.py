"""The level of demand by time: volumes, profiles, dates and opening hours, as steps between edges that are known.

What is read off the clock is read in local time at each tick. Growth, surges and what is drawn stand elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, MINUTE, WEEK
from sim.dynamics.replication import Flags, Ticks
from sim.scenario import units
from sim.scenario.calendars import Calendar, on_dates, plain_week, windows
from sim.scenario.counts import Counted, counts
from sim.scenario.demand import Channel, Demand, OnDates, Volume
from sim.scenario.schema import Run, Scenario
from sim.scenario.zones import Local, local_time

Floats = NDArray[np.float64]

FINEST: Final = 5 * MINUTE
"""The finest step of a profile."""


class DemandLevels:
    """What the demand of a run is expected to be at each tick, but for growth, surges and what is drawn.

    `plain` leaves out dates and zones: every week is like the other.
    """

    def __init__(
        self,
        demand: Demand,
        run: Run,
        horizon: int,
        calendars: Mapping[str, Calendar],
        counted: Counted | None = None,
        *,
        plain: bool = False,
    ) -> None:
        self.demand, self.run, self.horizon, self.counted = demand, run, horizon, counted
        self.calendars = calendars
        self.local: Local = local_time(run.start, None if plain else run.zone)
        self.plain = plain
        self._first_weekday = run.start.weekday()
        days = self.local.days_until(horizon)
        self._factor: Floats | None = None
        """By day, where dates have factors."""
        self._weekday: NDArray[np.int64] | None = None
        """By day, the day of the week whose profile it has, where dates are like others."""
        if demand.by_date and not plain:
            self._factor, self._weekday = _by_date(demand.by_date, self.local, len(days), calendars)
        self._scale: dict[str, float] = {}
        """By channel, how much more comes while it is open than its profile says."""
        self._open: dict[str, tuple[Ticks, Ticks]] = {}
        """When each of the calendars of the channels is open: in the run, or in the week where it is plain."""
        for name, channel in demand.channels.items():
            if channel.open is not None:
                calendar = calendars[channel.open]
                week = plain_week(calendar)
                self._scale[name] = _scale(demand, channel, week)
                self._open[name] = week if plain else windows(calendar, run, horizon, calendars)

    @property
    def rows(self) -> tuple[str | None, ...]:
        """The channels in alphabetical order, if their mix changes with time; else None for all of them."""
        demand = self.demand
        apart = any(one.by_hour or one.by_weekday or one.open or one.volume for one in demand.channels.values())
        if apart or (self.counted is not None and None not in self.counted.tips):
            return tuple(sorted(demand.channels))
        return (None,)

    @property
    def base(self) -> float:
        """Tips a tick of which `at` gives multiples."""
        if self.counted is not None or self.demand.own_volumes:
            return 1.0
        return (0.0 if self.demand.volume is None else self.demand.volume.a_day) / DAY

    def edges(self) -> Iterator[Ticks]:
        """Ticks in [0, horizon) at which the level may jump, in several parts."""
        demand, marks = self.demand, self.local.marks
        every: list[Demand | Channel] = [demand, *demand.channels.values()]
        lists = [
            len(values) for one in every if _changes_by_hour(one.by_hour) for values in (one.by_hour or {}).values()
        ]
        if self.counted is not None:
            yield self._edges_of(self.counted)
        elif lists:
            yield marks(0, self.horizon, DAY // max(lists))
        elif any(_uneven(one.by_weekday) for one in every):
            yield marks(0, self.horizon, DAY)
        if self._factor is not None:
            yield marks(0, self.horizon, DAY)
        if self.plain and self._open:
            yield marks(0, self.horizon, FINEST)
        for begins, ends in [] if self.plain else self._open.values():
            yield begins
            yield ends[ends < self.horizon]

    def at(self, channel: str | None, tick: Ticks) -> Floats:
        """The level of a channel (of all together under None) at ticks: tips a tick, in multiples of `base`."""
        demand, own = self.demand, self.demand if channel is None else self.demand.channels[channel]
        wall = self.local.wall(tick)
        day = wall // DAY
        weekday = (day + self._first_weekday) % 7 if self._weekday is None else self._weekday[day]
        found = np.full(tick.size, self._of_channel(channel))
        if self.counted is not None:
            by = None if None in self.counted.tips else channel
            found *= self.counted.by_tick(by, weekday * DAY + wall % DAY if self.counted.weekly else tick)
        else:
            _times_profile(found, own.by_hour or demand.by_hour, own.by_weekday or demand.by_weekday, weekday, wall)
        if self._factor is not None:
            found *= self._factor[day]
        if channel is not None and channel in self._open:
            found *= self.is_open(channel, tick) * (1.0 if self.counted is not None else self._scale[channel])
        return found

    @property
    def peak(self) -> float:
        """Tips a tick that the level never exceeds, of all channels together: a quick bound."""
        demand = self.demand
        dates = float(np.prod([max(row.factor, 1.0) for row in demand.by_date]))
        return self.base * dates * sum(self._peak_of(name) for name in demand.channels)

    def _peak_of(self, name: str) -> float:
        own = self.demand.channels[name]
        by_hour, by_weekday = own.by_hour or self.demand.by_hour, own.by_weekday or self.demand.by_weekday
        found = self._of_channel(name) * self._scale.get(name, 1.0)
        if by_weekday is not None:
            found *= 7 * max(by_weekday) / sum(by_weekday)
        if by_hour is not None:
            # Of a list that is all but 0, at a level of its own or at the week's.
            means = [float(np.mean(values)) for values in by_hour.values() if any(values)]
            found *= max(map(max, by_hour.values())) / min([*means, _mean_of_week(by_hour)])
            if by_weekday is not None:
                found /= _left_of_week(by_hour, by_weekday) or 1.0
        return found

    def is_open(self, channel: str, tick: Ticks) -> Flags:
        """Whether tips may come on a channel at ticks."""
        if channel not in self._open:
            return np.ones(tick.size, dtype=np.bool_)
        if not self.plain:
            return _inside(self._open[channel], tick)
        wall = self.local.wall(tick)
        weekday = wall // DAY + self._first_weekday
        if self._weekday is not None:
            weekday = self._weekday[wall // DAY]
        return _inside(self._open[channel], weekday % 7 * DAY + wall % DAY)

    @property
    def always_open(self) -> bool:
        """Whether tips may come on every channel at any time."""
        return not self._open

    def _of_channel(self, channel: str | None) -> float:
        """The share of a channel, or its own volume by the tick."""
        if channel is None or (self.counted is not None and None not in self.counted.tips):
            return 1.0
        own = self.demand.channels[channel]
        if own.volume is not None and self.counted is None:
            return own.volume.a_day / DAY
        shares = [one.share for _, one in sorted(self.demand.channels.items())]
        total = sum(share for share in shares if share is not None)
        return (1.0 if own.share is None else own.share) / (total or 1.0)

    def _edges_of(self, counted: Counted) -> Ticks:
        found = np.unique(np.concatenate([counted.begins, counted.ends]))
        if not counted.weekly:
            return found[(found > 0) & (found < self.horizon)]
        # Each time of the week on every day, since a day may be like another.
        return self.local.shown(0, self.horizon, np.unique(np.append(found % DAY, 0)))


def levels(scenario: Scenario) -> DemandLevels:
    """The level of demand in a scenario."""
    return DemandLevels(scenario.demand, scenario.run, scenario.horizon, scenario.calendars, counts(scenario))


def of_incidents(level: DemandLevels, name: str) -> DemandLevels:
    """The level at which one kind of incident begins: what concerns the demand as a whole concerns it too.

    That is the profile, dates and growth; counts stand in place of a profile.
    """
    profile = {} if level.counted is None else {"by_hour": None, "by_weekday": None}
    rate = Volume(a_day=level.demand.incidents[name].rate)
    alone = {"volume": rate, "channels": {"": Channel(share=1.0)}, "incidents": {}, "day_kinds": {}, "counts": None}
    surges = tuple(surge for surge in level.demand.surges if surge.channel is None)
    demand = level.demand.model_copy(update=alone | profile | {"surges": surges})
    return DemandLevels(demand, level.run, level.horizon, level.calendars, plain=level.plain)


def incident_levels(scenario: Scenario, name: str) -> DemandLevels:
    """The level at which one kind of incident begins in a scenario."""
    return of_incidents(levels(scenario), name)


def open_shares(level: DemandLevels, name: str, tick: Ticks) -> Floats:
    """(n, n_channels): the shares of the channels of an incident's tips at ticks, among those that are open then.

    All 0 where none is.
    """
    on = level.demand.incidents[name].on(level.demand)
    found = np.tile([on.get(channel, 0.0) for channel in level.demand.channels], (tick.size, 1))
    for at, channel in enumerate(level.demand.channels):
        found[:, at] *= level.is_open(channel, tick)
    total = found.sum(axis=1, keepdims=True)
    return found / np.where(total > 0, total, 1.0)


def plain_shares(scenario: Scenario) -> Floats:
    """(n_channels,): the share of each channel among the tips of a plain week, or among those that are counted."""
    demand = scenario.demand
    if demand.shared:
        return np.array([channel.share for channel in demand.channels.values()], dtype=np.float64)
    counted = counts(scenario)
    if counted is not None:
        tips = np.array([counted.tips[name].sum() for name in demand.channels], dtype=np.float64)
    else:
        tips = np.array([_a_week(channel, scenario.calendars) for channel in demand.channels.values()])
    return np.asarray(tips / tips.sum())


def _a_week(channel: Channel, calendars: Mapping[str, Calendar]) -> float:
    """Tips of a channel with a volume of its own in a plain week."""
    assert channel.volume is not None
    if channel.open is None or not channel.volume.of_open:
        return 7 * channel.volume.a_day
    begins, ends = plain_week(calendars[channel.open])
    return channel.volume.a_day / DAY * float((ends - begins).sum())


def never_open(demand: Demand, calendars: Mapping[str, Calendar]) -> dict[str, str]:
    """Channels that are never open in a plain week, or only while their profile is 0, and why that is a fault."""
    found = {}
    for name, channel in demand.channels.items():
        if channel.open is None:
            by_hour = channel.by_hour or demand.by_hour or {}
            if (
                len(by_hour) > 1
                and demand.counts is None
                and not _area(demand, channel, (np.array([0]), np.array([WEEK])))
            ):
                found[name] = "its profile is 0 at all times: on each day `by_hour` or `by_weekday` is 0"
            continue
        if channel.open not in calendars:
            continue
        begins, ends = plain_week(calendars[channel.open])
        if not len(begins):
            found[name] = (
                f"'{channel.open}' is never open in a week without dates of its own, so a volume cannot be told from it"
            )
        elif demand.counts is None and not _area(demand, channel, (begins, ends)):
            found[name] = f"its profile is 0 whenever '{channel.open}' is open"
    return found


def _by_date(
    rows: Sequence[OnDates], local: Local, n: int, calendars: Mapping[str, Calendar]
) -> tuple[Floats, NDArray[np.int64]]:
    """The factor of each day, and the day of the week whose profile it has: factors multiply, the last `like` holds."""
    factor = np.ones(n)
    weekday = (np.arange(n) + local.first_date.weekday()) % 7
    for row in rows:
        named = on_dates(row.on, local.first_date, n, calendars)
        factor[named] *= row.factor
        if row.like is not None:
            weekday[named] = row.like
    return factor, weekday


def _scale(demand: Demand, channel: Channel, week: tuple[Ticks, Ticks]) -> float:
    """How many times what its profile says comes to a channel while it is open, by the unit of its volume."""
    begins, ends = week
    volume: Volume | None = channel.volume or demand.volume
    area = _area(demand, channel, week)
    if not area or demand.counts is not None:
        return 1.0
    counted = float((ends - begins).sum()) if volume is not None and volume.of_open else float(WEEK)
    return counted / area


def _area(demand: Demand, channel: Channel, week: tuple[Ticks, Ticks]) -> float:
    """The profile of a channel, of mean 1 in a week, added up over its open ticks."""
    begins, ends = week
    edge = np.unique(np.concatenate([np.arange(0, WEEK + 1, FINEST, dtype=np.int64), begins, ends]))
    at = edge[:-1]
    level = np.ones(at.size)
    by_hour, by_weekday = channel.by_hour or demand.by_hour, channel.by_weekday or demand.by_weekday
    _times_profile(level, by_hour, by_weekday, at // DAY, at % DAY)
    return float(level @ (np.diff(edge) * _inside(week, at)))


def _times_profile(
    level: Floats,
    by_hour: Mapping[str, Sequence[float]] | None,
    by_weekday: Sequence[float] | None,
    weekday: NDArray[np.int64],
    wall: Ticks,
) -> None:
    """Multiply levels by the relative time of day and day of the week."""
    if by_hour is not None:
        if len(by_hour) == 1:
            values = next(iter(by_hour.values()))
            level *= _of_mean_1(values)[wall // (DAY // len(values)) % len(values)]
        else:
            mean = _mean_of_week(by_hour)
            for name, values in by_hour.items():
                own = float(np.mean(values)) if by_weekday is not None else mean
                here = np.isin(weekday, sorted(units.days(name)))
                times = wall[here] // (DAY // len(values)) % len(values)
                level[here] *= np.array(values, dtype=np.float64)[times] / (own or 1.0)
    if by_weekday is not None:
        level *= _of_mean_1(by_weekday)[weekday]
        if by_hour is not None and not all(map(any, by_hour.values())):
            level /= _left_of_week(by_hour, by_weekday) or 1.0


def _mean_of_week(by_day: Mapping[str, Sequence[float]]) -> float:
    return sum(len(units.days(name)) * float(np.mean(values)) for name, values in by_day.items()) / 7


def _left_of_week(by_day: Mapping[str, Sequence[float]], by_weekday: Sequence[float]) -> float:
    """The part of the week's tips that falls on days whose lists are not all 0."""
    some = [day for name, values in by_day.items() if any(values) for day in units.days(name)]
    return float(sum(by_weekday[day] for day in some) / sum(by_weekday))


def _of_mean_1(relative: Sequence[float]) -> Floats:
    values = np.array(relative, dtype=np.float64)
    mean: float = values.mean()
    return values / mean


def _uneven(values: Sequence[float] | None) -> bool:
    return values is not None and len(set(values)) > 1


def _changes_by_hour(by_hour: Mapping[str, Sequence[float]] | None) -> bool:
    return by_hour is not None and (len(by_hour) > 1 or any(_uneven(values) for values in by_hour.values()))


def _inside(some: tuple[Ticks, Ticks], at: Ticks) -> Flags:
    """Whether ticks lie in any of some disjoint intervals in order."""
    begins, ends = some
    row = begins.searchsorted(at, side="right") - 1
    return (row >= 0) & (at < np.append(ends, 0)[row])
