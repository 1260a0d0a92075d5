"""How many tips are expected, hour by hour: the mean of what is drawn, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, HOUR, YEAR
from sim.scenario.counts import counts
from sim.scenario.demand import Surge
from sim.scenario.profiles import Levels, levels, plain_shares
from sim.scenario.schema import Run, Scenario
from sim.scenario.trace import DRAWN, days, trace
from sim.scenario.zones import Local

Floats = NDArray[np.float64]

HOURS_A_WEEK: Final = 168


@dataclass(frozen=True, slots=True, eq=False)
class Hours:
    """What is expected in the hours of a run, the first and the last cut where it begins and ends."""

    tips: Floats
    """(n_hours, n_channels)."""
    spent: NDArray[np.int64]
    """(n_hours,) ticks of each."""
    of_week: NDArray[np.int64]
    """(n_hours,) the hour of the week of each, 0 for Monday 00:00."""


def expected(level: Levels, run: Run) -> Hours:
    """Expected tips in each hour of a run.

    Growth is that of the middle of each stretch in which the level is the same; surges at random times are spread
    evenly.
    """
    demand, horizon = level.demand, level.horizon
    hour = _hours(level.local, horizon)
    parts = list(level.edges())
    edge = np.unique(np.concatenate([hour, *parts])) if parts else hour
    middle, span = (edge[1:] + edge[:-1]) / 2, np.diff(edge)
    base = level.base * span * (1 + demand.growth) ** (middle / YEAR)
    of_hour = hour.searchsorted(edge[:-1], side="right") - 1
    columns = []
    for name in demand.channels:
        factor = np.ones(len(span))
        for surge in demand.surges:
            if surge.channel in (None, name):
                factor += (surge.factor - 1) * _covered(surge, level.local, edge)
        tips = base * level.at(name, edge[:-1]) * np.maximum(factor, 0.0)
        columns.append(np.bincount(of_hour, weights=tips, minlength=len(hour) - 1))
    wall = level.local.wall(hour[:-1])
    of_week = (wall // HOUR + 24 * run.start.weekday()) % HOURS_A_WEEK
    return Hours(np.column_stack(columns), np.diff(hour), of_week)


def expected_tips(scenario: Scenario) -> tuple[float, float]:
    """Expected tips of a replication, and of its cohort alone; recorded ones where there is a trace."""
    given = scenario.demand.trace
    if given is not None and given.resample is None:
        arrival = trace(scenario).arrival
        counted = (arrival >= scenario.cohort_from) & (arrival < scenario.cohort_to)
        return float(len(arrival)), float(counted.sum())
    ticks = (scenario.horizon, scenario.cohort_to, scenario.cohort_from)
    if given is not None:
        an_hour = by_hour_of_week(scenario).sum(axis=1)
        until = [_until(scenario, an_hour, tick) for tick in ticks]
    else:
        until = [float(expected(_levels(scenario, tick), scenario.run).tips.sum()) for tick in ticks]
    return until[0], until[1] - until[2]


def _until(scenario: Scenario, by_hour: Floats, tick: int) -> float:
    """What comes before a tick at so many tips a tick in each hour of the week."""
    edges = _hours(scenario.local, tick)
    of_week = (scenario.local.wall(edges[:-1]) // HOUR + 24 * scenario.start.weekday()) % HOURS_A_WEEK
    return float(by_hour[of_week] @ np.diff(edges))


def _hours(local: Local, horizon: int) -> NDArray[np.int64]:
    """The edges of the hours of a run on the local clock, the first and the last cut where the run begins and ends."""
    return np.unique(np.concatenate(([0, horizon], local.marks(0, horizon, HOUR))))


def _levels(scenario: Scenario, horizon: int) -> Levels:
    return Levels(scenario.demand, scenario.run, horizon, scenario.calendars, counts(scenario))


def by_hour_of_week(scenario: Scenario) -> Floats:
    """(168, n_channels): tips a tick in each hour of the week from Monday 00:00, averaged over the run.

    Hours of the week that the run does not have get the plain profile. Recorded tips are averaged over the days that
    they span, and none come in other hours; those whose channel is left open are shared out.
    """
    if scenario.demand.trace is not None:
        return _recorded(scenario)
    found = expected(levels(scenario), scenario.run)
    tips, of_week, spent = found.tips, found.of_week, found.spent.astype(np.float64)
    if missing := set(range(HOURS_A_WEEK)) - set(of_week.tolist()):
        demand = scenario.demand.model_copy(update={"surges": ()})
        level = Levels(demand, scenario.run, 8 * DAY, scenario.calendars, counts(scenario), plain=True)
        plain = expected(level, scenario.run)
        rows = [int(np.flatnonzero(plain.of_week == hour)[-1]) for hour in sorted(missing)]
        tips, of_week = np.concatenate([tips, plain.tips[rows]]), np.concatenate([of_week, plain.of_week[rows]])
        spent = np.concatenate([spent, np.full(len(rows), float(HOUR))])
    time = np.maximum(np.bincount(of_week, weights=spent, minlength=HOURS_A_WEEK), 1)
    return np.column_stack([np.bincount(of_week, weights=column, minlength=HOURS_A_WEEK) / time for column in tips.T])


def recorded_hours(scenario: Scenario) -> NDArray[np.int64]:
    """(168,): how often each hour of the week lies in the days that a trace spans; 1 each where nothing is recorded."""
    if scenario.demand.trace is None:
        return np.ones(HOURS_A_WEEK, dtype=np.int64)
    weekday = (np.array(days(scenario)) + scenario.start.weekday()) % 7
    return np.repeat(np.bincount(weekday, minlength=7), 24)


def channel_mix(scenario: Scenario) -> Floats:
    """(n_channels,): the share of each channel among the tips, or among those recorded."""
    shares = plain_shares(scenario)
    if scenario.demand.trace is None:
        return shares
    code = trace(scenario).channel
    known = np.bincount(code[code != DRAWN], minlength=len(shares))
    found: Floats = (known + (code == DRAWN).sum() * shares) / len(code)
    return found


def _recorded(scenario: Scenario) -> Floats:
    """(168, n_channels): recorded tips a tick in each hour of the week, over the days that they span."""
    recorded = trace(scenario)
    hour = (scenario.local.wall(recorded.arrival) // HOUR + 24 * scenario.start.weekday()) % HOURS_A_WEEK
    unknown = np.bincount(hour[recorded.channel == DRAWN], minlength=HOURS_A_WEEK)
    time = np.maximum(recorded_hours(scenario), 1) * HOUR
    return np.column_stack(
        [
            (np.bincount(hour[recorded.channel == code], minlength=HOURS_A_WEEK) + unknown * share) / time
            for code, share in enumerate(plain_shares(scenario).tolist())
        ]
    )


def _covered(surge: Surge, local: Local, edges: NDArray[np.int64]) -> Floats:
    """The mean height (0 to 1) of a surge in each interval between edges."""
    if surge.at is None:
        assert surge.per_year is not None
        return np.full(len(edges) - 1, surge.per_year * (surge.lasts + surge.fades / 2) / YEAR)
    begins = float(local.tick_of(surge.at))
    since = edges - begins
    flat = np.clip(since, 0, surge.lasts)
    fading = np.clip(since - surge.lasts, 0, surge.fades)
    area = flat + fading - (fading**2 / (2 * surge.fades) if surge.fades else 0.0)
    height: Floats = np.diff(area) / np.maximum(np.diff(edges), 1)
    return height
