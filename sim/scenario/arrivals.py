"""How many tips are expected, hour by hour: the mean of what is drawn, in closed form."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, HOUR, MINUTE, YEAR, since_midnight
from sim.scenario.arrays import floats
from sim.scenario.bounded import Deterministic
from sim.scenario.demand import Channel, Demand, Surge
from sim.scenario.distributions import Law
from sim.scenario.schema import Run, Scenario
from sim.scenario.together import mean_day
from sim.scenario.trace import DRAWN, days, trace

Floats = NDArray[np.float64]

HOURS_A_WEEK: Final = 168


def expected(demand: Demand, run: Run, horizon: int) -> tuple[Floats, NDArray[np.int64]]:
    """Expected tips (hours, channels) in each hour of a run, and the hour of the week (0 = Monday 00:00) of each.

    The first and the last hour are cut where the run starts and ends. Growth is that of the middle of the hour;
    surges at random times are spread evenly.
    """
    edges, of_week = _hours(run.start, horizon)
    n_hours = len(of_week)
    middle = (edges[1:] + edges[:-1]) / 2
    base = (demand.volume or 0.0) * np.diff(edges) / DAY * (1 + demand.growth) ** (middle / YEAR)
    columns = []
    for name, channel in demand.channels.items():
        by_hour = channel.by_hour or demand.by_hour
        by_weekday = channel.by_weekday or demand.by_weekday
        profile = np.outer(_relative(by_weekday, 7), _relative(by_hour, 24)).ravel()
        factor = np.ones(n_hours)
        for surge in demand.surges:
            if surge.channel in (None, name):
                factor += (surge.factor - 1) * _covered(surge, run, edges)
        columns.append(base * channel.share * profile[of_week] * np.maximum(factor, 0.0))
    plain = np.column_stack(columns) * mean_day(demand)[1].sum(axis=1)
    return (plain + from_incidents(demand, run, horizon) if demand.incidents else plain), of_week


def from_incidents(demand: Demand, run: Run, horizon: int) -> Floats:
    """Expected tips (hours, channels) that incidents bring in each hour of a run, by the hour in which they arrive."""
    found = np.zeros((len(_hours(run.start, horizon)[1]), len(demand.channels)))
    for name in demand.incidents:
        found += of_incident(demand, run, horizon, name)
    return found


def of_incident(demand: Demand, run: Run, horizon: int, name: str) -> Floats:
    """(hours, channels): expected tips of one kind of incident, which within an hour begins at any time alike."""
    incident, edges = demand.incidents[name], _hours(run.start, horizon)[0]
    alike = demand.model_copy(
        update={
            "volume": incident.rate,
            "channels": {"": Channel(share=1.0)},
            "incidents": {},
            "day_kinds": {},
            "surges": tuple(surge for surge in demand.surges if surge.channel is None),
        }
    )
    begins = expected(alike, run, horizon)[0][:, 0] * mean_day(demand)[0]
    shares = np.array([incident.on(demand).get(one, 0.0) for one in demand.channels])
    return np.outer(incident.tips.mean * _delayed(begins, edges, incident.over), shares / (shares.sum() or 1.0))


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
    ticks = (scenario.horizon, scenario.cohort_to, scenario.cohort_from)
    if given is not None:
        an_hour = by_hour_of_week(scenario).sum(axis=1)
        until = [_until(scenario, an_hour, tick) for tick in ticks]
    else:
        until = [float(expected(scenario.demand, scenario.run, tick)[0].sum()) for tick in ticks]
    return until[0], until[1] - until[2]


def _until(scenario: Scenario, by_hour: Floats, tick: int) -> float:
    """What comes before a tick at so many tips a tick in each hour of the week."""
    edges, of_week = _hours(scenario.start, tick)
    return float(by_hour[of_week] @ np.diff(edges))


def _hours(start: datetime, horizon: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The hours of a run: their edges, the first and the last cut, and the hour of the week of each."""
    phase = since_midnight(start)
    n_hours = -(-(horizon + phase % HOUR) // HOUR)
    edges = np.clip(np.arange(n_hours + 1, dtype=np.int64) * HOUR - phase % HOUR, 0, horizon)
    return edges, (np.arange(n_hours) + phase // HOUR + 24 * start.weekday()) % HOURS_A_WEEK


def by_hour_of_week(scenario: Scenario) -> Floats:
    """(168, n_channels): tips a tick in each hour of the week from Monday 00:00, averaged over the run.

    Hours of the week that the run does not have get the plain profile. Recorded tips are averaged over the days that
    they span, and none come in other hours; those whose channel is left open are shared out.
    """
    if scenario.demand.trace is not None:
        return _recorded(scenario)
    demand, run, horizon = scenario.demand, scenario.run, scenario.horizon
    tips, of_week = expected(demand, run, horizon)
    spent = np.diff(_hours(run.start, horizon)[0]).astype(np.float64)
    if missing := set(range(HOURS_A_WEEK)) - set(of_week.tolist()):
        plain = expected(demand.model_copy(update={"surges": ()}), run, 8 * DAY)
        rows = [int(np.flatnonzero(plain[1] == hour)[-1]) for hour in sorted(missing)]
        tips, of_week = np.concatenate([tips, plain[0][rows]]), np.concatenate([of_week, plain[1][rows]])
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
    shares = np.array([channel.share for channel in scenario.demand.channels.values()])
    if scenario.demand.trace is None:
        return shares
    code = trace(scenario).channel
    known = np.bincount(code[code != DRAWN], minlength=len(shares))
    found: Floats = (known + (code == DRAWN).sum() * shares) / len(code)
    return found


def _recorded(scenario: Scenario) -> Floats:
    """(168, n_channels): recorded tips a tick in each hour of the week, over the days that they span."""
    recorded, start = trace(scenario), scenario.start
    hour = (recorded.arrival + since_midnight(start)) // HOUR + 24 * start.weekday()
    hour %= HOURS_A_WEEK
    unknown = np.bincount(hour[recorded.channel == DRAWN], minlength=HOURS_A_WEEK)
    time = np.maximum(recorded_hours(scenario), 1) * HOUR
    return np.column_stack(
        [
            (np.bincount(hour[recorded.channel == code], minlength=HOURS_A_WEEK) + unknown * channel.share) / time
            for code, channel in enumerate(scenario.demand.channels.values())
        ]
    )


def _relative(profile: tuple[float, ...] | None, n: int) -> Floats:
    values = np.array(profile or (1.0,) * n, dtype=np.float64)
    return values / float(values.mean())


def _covered(surge: Surge, run: Run, edges: NDArray[np.int64]) -> Floats:
    """The mean height (0 to 1) of a surge in each interval between edges."""
    if surge.at is None:
        assert surge.per_year is not None
        return np.full(len(edges) - 1, surge.per_year * (surge.lasts + surge.fades / 2) / YEAR)
    begins = (surge.at - run.start).total_seconds() * 1e6
    since = edges - begins
    flat = np.clip(since, 0, surge.lasts)
    fading = np.clip(since - surge.lasts, 0, surge.fades)
    area = flat + fading - (fading**2 / (2 * surge.fades) if surge.fades else 0.0)
    height: Floats = np.diff(area) / np.maximum(np.diff(edges), 1)
    return height
