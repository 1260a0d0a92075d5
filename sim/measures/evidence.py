"""How many units of evidence a run holds, and what it shows where nothing failed.

The variance of a share is taken between replications. Units, which are smaller, say only how much a run shows in which
(almost) nothing failed: stretches of time so long that what befalls one says nothing of the next.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, HOUR, WEEK
from sim.measures.estimates import least_shown
from sim.scenario.arrivals import channel_mix
from sim.scenario.calendars import Calendar, plain_week
from sim.scenario.flow import Flow, flow, offered_hours
from sim.scenario.shifts import week_on_duty

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

Floats = NDArray[np.float64]

RELAXATIONS: Final = 4
"""A backlog counts as cleared after so many relaxation times: what is left of it is 2 % then."""


@dataclass(frozen=True, slots=True)
class NothingFailed:
    """What a run shows in which not one tip failed, and what it would take to show the threshold."""

    shows: float
    """The least share that is shown to be kept."""
    threshold: float
    """The share that was asked for, stricter than that."""
    needs: int | None
    """Replications in which nothing may fail for the threshold to be shown; None for 1, which none can show."""


def nothing_failed(units: float, n_replications: int, threshold: float, confidence: float) -> NothingFailed | None:
    """What so many units in all replications show when nothing failed; None where that shows the threshold.

    `threshold` is the share that has to be kept: 1 less the share that may fail.

    >>> found = nothing_failed(20 * 66, 20, 0.999, 0.95)
    >>> round(found.shows, 4), found.needs
    (0.9972, 56)
    >>> nothing_failed(20 * 66, 20, 0.99, 0.95)
    """
    shows = least_shown(units, confidence)
    if threshold <= shows:
        return None
    if threshold >= 1:
        return NothingFailed(shows, threshold, None)
    needed = math.log((1 - confidence) / 2) / math.log(threshold)
    return NothingFailed(shows, threshold, math.ceil(needed * n_replications / units))


@dataclass(frozen=True, slots=True, eq=False)
class OfferedWork:
    """What comes to the lines of a scenario, the same for all its staffings."""

    flow: Flow
    by_hour: Floats
    """(n_pools, 168) erlangs, as `flow.offered_hours` has them."""

    @classmethod
    def to(cls, scenario: Scenario) -> OfferedWork:
        return cls(flow(scenario), offered_hours(scenario))


def units_of_evidence(scenario: Scenario, offered: OfferedWork | None = None) -> int:
    """Units of evidence in one replication: whole ones in its measured time, at least 1.

    `offered` is for who asks about many staffings of a scenario; it is worked out if None.
    """
    return max(int(scenario.run.length // unit_of_evidence(scenario, offered)), 1)


def unit_of_evidence(scenario: Scenario, offered: OfferedWork | None = None) -> float:
    """The length of a unit of evidence in ticks, infinite where a line grows without end.

    The longest of: a day; a random surge with its fading; the time between two releases of a gate; and the time in
    which a backlog clears. That is RELAXATIONS times the relaxation time of the slowest line, or the longest stretch of
    the week over which a line that is served slower than it is fed at some hours is not yet empty again.
    """
    surges = [one.lasts + one.fades for one in scenario.demand.surges if one.per_year]
    gates = [stage.every for stage in scenario.stages if stage.every is not None]
    shut = [_longest_shut(scenario.calendars[stage.open]) for stage in scenario.stages if stage.open is not None]
    return float(max([DAY, *surges, *gates, *shut, *_clearing(scenario, offered or OfferedWork.to(scenario))]))


def _longest_shut(calendar: Calendar) -> int:
    """How long a calendar is closed at most in a plain week, and open after that."""
    begins, ends = plain_week(calendar)
    if not len(begins):
        return WEEK
    following = np.append(begins[1:], begins[0] + WEEK)
    shut = following - ends
    longest = int(shut.argmax())
    return int(shut[longest] + (ends - begins)[(longest + 1) % len(begins)])


def relaxation_time(load: float, servers: float, service_mean: float, service_cv: float = 1.0) -> float:
    """How fast a line forgets its backlog, in the unit of `service_mean`: the time to a 1/e of it.

    (1 + cv^2) / 2 x service mean / (servers x (1 - sqrt(load / servers))^2), and no less than one service; infinite
    where the load reaches the servers. It is exact for M/M/1 and right in heavy traffic for the others. Sources: P. M.
    Morse, Operations Research 3 (1955), for M/M/1; W. Whitt, Management Science 35 (1989), for the part of the
    variability of service.

    >>> round(relaxation_time(0.9, 1, 10.0)), relaxation_time(0.0, 3, 10.0), relaxation_time(1.0, 1, 10.0)
    (3797, 10.0, inf)
    """
    if load >= servers:
        return math.inf if load > 0 else service_mean
    slack = (1 - math.sqrt(load / servers)) ** 2
    return max(service_mean, (1 + service_cv**2) / 2 * service_mean / (servers * slack))


def _clearing(scenario: Scenario, offered: OfferedWork) -> list[float]:
    """The time in which a backlog clears, for each group of pools that help each other out."""
    on_duty = np.array([week_on_duty(scenario, name) for name in scenario.pools])
    on_duty *= np.array([[pool.capacity] for pool in scenario.pools.values()])
    found = []
    for group in _helping(scenario):
        # Of several centres the one with the largest share has the least to spare.
        alone = any(scenario.pools[name].shared for name in group)
        most, share = (1.0, 1.0) if alone else (max(scenario.centres.values()), 1 / len(scenario.centres))
        rows = [scenario.pool_index(name) for name in group]
        load, servers = offered.by_hour[rows].sum(axis=0) * most, on_duty[rows].sum(axis=0) * share
        if load.any():
            found.append(_clears(scenario, group, offered.flow, load, servers))
    return found


def _clears(scenario: Scenario, group: set[str], going: Flow, load: Floats, servers: Floats) -> float:
    mean, cv = _service(scenario, group, going)
    relaxed = relaxation_time(float(load.mean()), float(servers.mean()), mean, cv)
    cleared = max(RELAXATIONS * relaxed, _stretch(load, servers) * HOUR)
    return min(cleared, _patience(scenario, group, mean))


def _helping(scenario: Scenario) -> list[set[str]]:
    """The pools, those together whose tips overflow from one to the other."""
    groups = [{name} for name in scenario.pools]
    for stage in scenario.stages:
        if stage.overflow:
            joined = [group for group in groups if not group.isdisjoint(stage.pools)]
            groups = [group for group in groups if group not in joined] + [set().union(*joined)]
    return groups


def _service(scenario: Scenario, group: set[str], going: Flow) -> tuple[float, float]:
    """Mean and coefficient of variation of the services that a group of pools does."""
    rows = [number for number, stage in enumerate(scenario.stages) if stage.pool in group]
    share = channel_mix(scenario)
    visits, work, squares = (
        float((part[rows] @ share).sum()) for part in (going.visits, going.work, going.work_squared)
    )
    if not work:
        return 0.0, 0.0
    mean = work / visits
    return mean, math.sqrt(max(squares / visits / mean**2 - 1, 0.0))


def _patience(scenario: Scenario, group: set[str], service_mean: float) -> float:
    """The time in which a backlog is gone because those who wait give up; infinite where somebody does not."""
    longest = 0.0
    for stage in scenario.stages:
        if stage.pool not in group:
            continue
        if stage.patience is None:
            return math.inf
        again = stage.retry.at_most * float(stage.retry.after.mean) if stage.retry else 0.0
        longest = max(longest, again + max(float(law.mean) for law in stage.patience.values.values()))
    return RELAXATIONS * (longest + service_mean)


def _stretch(load: Floats, servers: Floats) -> int:
    """The most hours on end over which work that flows in and out evenly waits; 168 where it never ceases to."""
    if np.all(load <= servers):
        return 0
    waiting, hours, longest = 0.0, 0, 0
    for hour in range(3 * len(load)):
        at = hour % len(load)
        waiting = max(waiting + float(load[at] - servers[at]), 0.0)
        hours = hours + 1 if waiting > 1e-9 else 0
        longest = max(longest, hours)
    return min(longest, WEEK // HOUR)
