"""How many tips are expected, hour by hour: the mean of what is drawn, in closed form."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, HOUR, YEAR, since_midnight
from sim.scenario.demand import Demand, Surge
from sim.scenario.schema import Run

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
