"""How many tips are expected, hour by hour: the mean of what is drawn, in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, HOUR, YEAR, since_midnight
from sim.scenario.demand import Demand, Surge
from sim.scenario.schema import Run, Scenario
from sim.scenario.trace import DRAWN, trace

Floats = NDArray[np.float64]


def expected(demand: Demand, run: Run, horizon: int) -> tuple[Floats, NDArray[np.int64]]:
    """Expected tips (hours, channels) in each hour of a run, and the hour of the week (0 = Monday 00:00) of each.

    The first and the last hour are cut where the run starts and ends. Growth is that of the middle of the hour;
    surges at random times are spread evenly.
    """
    phase = since_midnight(run.start)
    n_hours = -(-(horizon + phase % HOUR) // HOUR)
    edges = np.clip(np.arange(n_hours + 1, dtype=np.int64) * HOUR - phase % HOUR, 0, horizon)
    of_week = (np.arange(n_hours) + phase // HOUR + 24 * run.start.weekday()) % 168
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
    return np.column_stack(columns), of_week


def expected_tips(scenario: Scenario) -> tuple[float, float]:
    """Expected tips of a replication, and of its cohort alone; recorded ones where there is a trace."""
    if scenario.demand.trace is not None:
        arrival = trace(scenario).arrival
        counted = (arrival >= scenario.cohort_from) & (arrival < scenario.cohort_to)
        return float(len(arrival)), float(counted.sum())
    until = [
        float(expected(scenario.demand, scenario.run, tick)[0].sum())
        for tick in (scenario.horizon, scenario.cohort_to, scenario.cohort_from)
    ]
    return until[0], until[1] - until[2]


def by_hour_of_week(scenario: Scenario) -> Floats:
    """(168, n_channels): tips a tick in each hour of the week from Monday 00:00, averaged over the run.

    Hours of the week that the run does not have get the plain profile. Recorded tips whose channel is left open are
    shared out.
    """
    demand, run, horizon = scenario.demand, scenario.run, scenario.horizon
    tips, of_week = expected(demand, run, horizon)
    phase = since_midnight(run.start)
    edges = np.clip(np.arange(len(of_week) + 1, dtype=np.int64) * HOUR - phase % HOUR, 0, horizon)
    if demand.trace is not None:
        tips = _recorded(scenario, len(of_week))
    elif missing := set(range(168)) - set(of_week.tolist()):
        plain = expected(demand.model_copy(update={"surges": ()}), run, 8 * DAY)
        rows = [int(np.flatnonzero(plain[1] == hour)[-1]) for hour in sorted(missing)]
        tips, of_week = np.concatenate([tips, plain[0][rows]]), np.concatenate([of_week, plain[1][rows]])
        edges = np.concatenate([edges, edges[-1] + HOUR * np.arange(1, len(rows) + 1)])
    spent = np.bincount(of_week, weights=np.diff(edges), minlength=168)
    found = [np.bincount(of_week, weights=column, minlength=168) / np.maximum(spent, 1) for column in tips.T]
    return np.column_stack(found)


def _recorded(scenario: Scenario, n_hours: int) -> Floats:
    """(n_hours, n_channels): recorded tips in each hour of the run."""
    recorded = trace(scenario)
    hour = (recorded.arrival + since_midnight(scenario.start) % HOUR) // HOUR
    unknown = np.bincount(hour[recorded.channel == DRAWN], minlength=n_hours)
    return np.column_stack(
        [
            np.bincount(hour[recorded.channel == code], minlength=n_hours) + unknown * channel.share
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
