"""How many tips are expected, hour by hour: the mean of what is drawn, in closed form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, HOUR, MINUTE, YEAR
from sim.scenario.bounded import Deterministic, floats
from sim.scenario.counts import counts
from sim.scenario.demand import Surge
from sim.scenario.distributions import Law
from sim.scenario.profiles import FINEST, DemandLevels, levels, of_incidents, open_shares, plain_shares
from sim.scenario.schema import Run, Scenario
from sim.scenario.together import mean_day
from sim.scenario.trace import days, trace
from sim.scenario.tracefile import DRAWN
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


def expected(level: DemandLevels, run: Run) -> Hours:
    """Expected tips in each hour of a run.

    Growth is that of the middle of each stretch in which the level is the same; surges at random times are spread
    evenly.
    """
    demand, horizon = level.demand, level.horizon
    hour = _hours(level.local, horizon)
    parts = list(level.edges())
    edge = _each_once(np.concatenate([hour, *parts])) if parts else hour
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
    found = np.column_stack(columns) * mean_day(demand)[1].sum(axis=1)
    for name in demand.incidents:
        found += of_incident(level, name)
    wall = level.local.wall(hour[:-1])
    of_week = (wall // HOUR + 24 * run.start.weekday()) % HOURS_A_WEEK
    return Hours(found, np.diff(hour), of_week)


def at_most(level: DemandLevels) -> float:
    """A quick bound of the tips that are expected in a run."""
    demand, years = level.demand, level.horizon / YEAR
    of_days, by_channel = mean_day(demand)
    peak = level.peak * float(by_channel.sum(axis=1).max())
    for name, incident in demand.incidents.items():
        peak += of_days * of_incidents(level, name).peak * incident.tips.mean
    factor = 1.0
    for surge in demand.surges:
        often = 1.0 if surge.at is not None else (surge.per_year or 0.0) * (surge.lasts + surge.fades) / YEAR
        factor += often * max(surge.factor - 1, 0.0)
    return float(peak * level.horizon * factor * np.float64(1 + max(demand.growth, 0.0)) ** years)


def of_incident(level: DemandLevels, name: str) -> Floats:
    """(n_hours, n_channels): expected tips of one kind of incident, which within an hour begins at any time alike.

    While not every channel is open its tips come on those that are, by steps of 5 minutes.
    """
    incident, edges = level.demand.incidents[name], _hours(level.local, level.horizon)
    begins = expected(of_incidents(level, name), level.run).tips[:, 0] * mean_day(level.demand)[0]
    tips = incident.tips.mean * _delayed(begins, edges, incident.over)
    if level.always_open:
        on = open_shares(level, name, edges[:1])
    else:
        n_steps = HOUR // FINEST
        steps = edges[:-1, None] + (np.arange(n_steps) + 0.5) * (np.diff(edges) / n_steps)[:, None]
        shares = open_shares(level, name, steps.astype(np.int64).ravel())
        on = shares.reshape(len(tips), n_steps, -1).mean(axis=1)
    found: Floats = tips[:, None] * on
    return found


def _delayed(begins: Floats, edges: NDArray[np.int64], law: Law) -> Floats:
    """What begins in each interval between edges, evenly, moved by a delay: how much comes in each; the rest is later.

    The edges but the first and the last are full hours. Of what begins in [a, b) so much has come before an edge e, at
    b or later: (A(e - a) - A(e - b)) / (b - a), A being the integral of the distribution of the delay, by Simpson's
    rule.
    """
    if law.most == 0 or not begins.size:
        return begins
    area = _area(law, float(edges[-1] - edges[0]))

    def come(begun: NDArray[np.int64] | int, ended: NDArray[np.int64] | int, edge: NDArray[np.int64]) -> Floats:
        return area(edge - begun) - area(edge - ended)

    rate = begins / np.diff(edges)
    before = np.zeros(len(edges))
    if (np.diff(edges)[1:-1] != HOUR).any():
        # Where a clock is changed by less than an hour no sum is like the other.
        for at in range(1, len(edges)):
            before[at] = rate[:at] @ come(edges[:at], edges[1 : at + 1], edges[at])
        return np.asarray(np.diff(before))
    before[1:-1] = rate[0] * come(edges[0], edges[1], edges[1:-1])
    before[-1] = rate @ come(edges[:-1], edges[1:], edges[-1])
    late = HOUR - come(0, HOUR, np.arange(1, len(edges) - 1) * HOUR)
    late = late[: 1 + int(np.flatnonzero(late > 1e-9 * HOUR).max(initial=-1))]
    inner = rate[1:-1]
    if inner.size:
        come_by = HOUR * np.cumsum(inner)
        if late.size:
            come_by = come_by - np.convolve(inner, late)[: inner.size]
        before[2:-1] += come_by
    found: Floats = np.diff(before)
    return found


def _area(law: Law, longest: float) -> Callable[[NDArray[np.int64]], Floats]:
    """The integral of the distribution of a delay, from 0 to so many ticks."""
    if isinstance(law, Deterministic):
        return lambda ticks: np.maximum(floats(ticks) - law.value, 0.0)
    grid = np.linspace(0, longest, min(max(int(longest / MINUTE), 64), 1 << 18) + 1)
    ends, middle = law.cdf(grid), law.cdf((grid[1:] + grid[:-1]) / 2)
    area = np.concatenate([[0.0], np.cumsum((ends[1:] + 4 * middle + ends[:-1]) / 6 * np.diff(grid))])
    return lambda ticks: floats(np.interp(ticks, grid, area))


def expected_tips(scenario: Scenario) -> tuple[float, float]:
    """Expected tips of a replication, and of its cohort alone; recorded ones where there is a trace."""
    given = scenario.demand.trace
    if given is not None and given.resample is None:
        arrival = trace(scenario).arrival
        counted = (arrival >= scenario.cohort_from) & (arrival < scenario.cohort_to)
        return float(len(arrival)), float(counted.sum())
    until, first, last = (
        tips_before(scenario, tick) for tick in (scenario.horizon, scenario.cohort_from, scenario.cohort_to)
    )
    return until, last - first


def expected_of_replication(scenario: Scenario) -> float:
    """The first of `expected_tips`, in a third of the time."""
    return expected_tips(scenario)[0] if scenario.demand.trace is not None else tips_before(scenario, scenario.horizon)


def tips_before(scenario: Scenario, tick: int) -> float:
    """Expected tips before a tick, of a scenario whose tips are drawn or resampled."""
    if scenario.demand.trace is not None:
        return _until(scenario, by_hour_of_week(scenario).sum(axis=1), tick)
    return float(expected(_levels(scenario, tick), scenario.run).tips.sum())


def _until(scenario: Scenario, by_hour: Floats, tick: int) -> float:
    """What comes before a tick at so many tips a tick in each hour of the week."""
    edges = _hours(scenario.local, tick)
    of_week = (scenario.local.wall(edges[:-1]) // HOUR + 24 * scenario.start.weekday()) % HOURS_A_WEEK
    return float(by_hour[of_week] @ np.diff(edges))


def _hours(local: Local, horizon: int) -> NDArray[np.int64]:
    """The edges of the hours of a run on the local clock, the first and the last cut where the run begins and ends."""
    return _each_once(np.concatenate(([0, horizon], local.marks(0, horizon, HOUR))))


def _each_once(ticks: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ticks in order, each once. They mostly lie in order, where sorting takes a tenth of what `np.unique` does."""
    found = np.sort(ticks)
    fresh = np.ones(found.size, dtype=np.bool_)
    np.not_equal(found[1:], found[:-1], out=fresh[1:])
    return found[fresh]


def _levels(scenario: Scenario, horizon: int) -> DemandLevels:
    return DemandLevels(scenario.demand, scenario.run, horizon, scenario.calendars, counts(scenario))


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
        level = DemandLevels(demand, scenario.run, 8 * DAY, scenario.calendars, counts(scenario), plain=True)
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
        if not scenario.demand.incidents:
            return shares
        tips = expected(levels(scenario), scenario.run).tips.sum(axis=0)
        return np.asarray(tips / (tips.sum() or 1.0))
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
