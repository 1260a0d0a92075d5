"""Whole recorded days or weeks, drawn with return: what comes where a trace is drawn from and not run as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sim.dynamics.clock import DAY
from sim.dynamics.replication import NO_INCIDENT
from sim.scenario.trace import Trace, days_of_run, recorded_days, recorded_weeks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.draw.streams import Streams
    from sim.dynamics.replication import Codes
    from sim.scenario.schema import Scenario


def resampled(scenario: Scenario, recorded: Trace, streams: Streams) -> Trace:
    """The tips of the days that are drawn for the days of a run, in order of arrival, each at its time of day.

    Row i of the stream is that of day i (or week i) since the day of `run.start`, so a longer run only draws further.
    """
    local, run, given = scenario.local, days_of_run(scenario), scenario.demand.trace
    assert given is not None
    source = _sources(scenario, streams)
    wall = local.wall(recorded.arrival)
    edges = np.searchsorted(recorded.arrival, local.tick(np.stack([source, source + 1]) * DAY))
    rows = np.concatenate([np.arange(first, last) for first, last in edges.T])
    moved = np.repeat((np.array(run) - source) * DAY, edges[1] - edges[0])
    arrival = recorded.arrival[rows] + moved if local.zone is None else local.tick(wall[rows] + moved)
    inside = (arrival >= 0) & (arrival < scenario.horizon)
    rows = rows[inside]
    found = recorded.take(rows, arrival[inside])
    # A recorded incident that is drawn for several days (or weeks) is as many incidents.
    day = local.day(found.arrival)
    copy = day if given.resample == "day" else (scenario.start.weekday() + day) // 7
    return replace(found, incident=_apart(found.incident, copy))


def _apart(incident: Codes, copy: NDArray[np.int64]) -> Codes:
    """Incidents counted anew, in order of their first tips: those of one number in different copies are different."""
    about = np.flatnonzero(incident != NO_INCIDENT)
    found = incident.copy()
    if about.size:
        pairs = np.stack([copy[about], incident[about].astype(np.int64)])
        _, first, which = np.unique(pairs, axis=1, return_index=True, return_inverse=True)
        found[about] = np.argsort(np.argsort(first))[which.reshape(-1)]
    return found


def _sources(scenario: Scenario, streams: Streams) -> NDArray[np.int64]:
    """The recorded day that is drawn for each day of a run."""
    given, run, weekday = scenario.demand.trace, days_of_run(scenario), scenario.start.weekday()
    assert given is not None
    if given.resample == "week":
        weeks = np.array(recorded_weeks(scenario))
        of_run = np.array([(weekday + day) // 7 for day in run])
        uniform = streams.uniform("week").rows(0, int(of_run[-1]) + 1)
        drawn = weeks[(uniform * len(weeks)).astype(np.int64)]
        found: NDArray[np.int64] = drawn[of_run] + (weekday + np.array(run)) % 7
        return found
    uniform = streams.uniform("day").rows(0, len(run))
    by_weekday = recorded_days(scenario)
    of_day = [by_weekday[(weekday + day) % 7] for day in run]
    return np.array([some[int(u * len(some))] for some, u in zip(of_day, uniform, strict=True)], dtype=np.int64)
