"""The model in numbers, before anything is simulated: what comes, what work it brings to whom, and who is there."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

import numpy as np

from sim.dynamics.clock import MINUTE
from sim.scenario import units
from sim.scenario.arrivals import expected_tips
from sim.scenario.flow import flow, offered_hours
from sim.scenario.pools import filter_words
from sim.scenario.schema import Scenario, Stage
from sim.scenario.shifts import paid_hours, seat_hours, week_on_duty
from sim.scenario.warnings import warnings

HOURS_OF_FULL_TIME = 40
"""Paid hours a week of one full-time equivalent."""

HOURS_ON_END = 2
"""So many overloaded hours in a row are worth a warning."""


@dataclass(frozen=True, slots=True)
class PoolLoad:
    """One pool, all its centres together."""

    pool: str
    offered: float
    """Offered load in erlangs: servers that the work would keep busy on average over the week."""
    servers: float
    """Servers on duty on average over the week: people times concurrency."""
    seat_hours: float
    """Hours of people on seat in a week; breaks do not count."""
    paid_hours: float
    """Hours paid in a week, overtime apart: seat hours / (1 - shrinkage)."""
    load: tuple[float, ...]
    """Erlangs in each of the 168 hours of the week from Monday 00:00, by the hour of arrival."""
    on_duty: tuple[float, ...]
    """Servers in each of these hours."""

    @property
    def fte(self) -> float:
        """Full-time equivalents: paid hours a week over 40."""
        return self.paid_hours / HOURS_OF_FULL_TIME

    @property
    def overloaded(self) -> bool:
        """Whether on average over the week as much work comes as servers can do, or more."""
        return self.offered > 0 and self.offered >= self.servers

    @property
    def overloaded_hours(self) -> tuple[tuple[int, int], ...]:
        """Stretches of two or more hours of the week in which it is so: first hour and number of hours."""
        over = [load > 0 and load >= servers for load, servers in zip(self.load, self.on_duty, strict=True)]
        if all(over):
            return ((0, len(over)),)
        begin = over.index(False)
        turned = over[begin:] + over[:begin]
        found, hour = [], begin
        for is_over, run in groupby(turned):
            length = len(list(run))
            if is_over and length >= HOURS_ON_END:
                found.append((hour % len(over), length))
            hour += length
        return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class StageLoad:
    """One stage of the way."""

    stage: str
    who: str
    """Which tips it is for, in words."""
    does: str
    """What happens there, in words."""
    visits: float
    """Visits a tip on average, over all tips, rework included."""
    mean_minutes: float
    """Mean service or delay of a visit; of the plain law where nobody comes."""


@dataclass(frozen=True, slots=True)
class Description:
    """A scenario in numbers and words."""

    tips: float
    """Expected tips a replication, warm-up and cool-down included."""
    cohort: float
    """Expected tips of the measured period."""
    pools: tuple[PoolLoad, ...]
    stages: tuple[StageLoad, ...]
    warnings: tuple[str, ...]
    """What may not be meant, what is overloaded; each one sentence."""


def describe(scenario: Scenario) -> Description:
    """The model in numbers and words, with every warning."""
    tips, cohort = expected_tips(scenario)
    pools = _pools(scenario)
    overloads = [text for pool in pools for text in _overload(pool)]
    return Description(tips, cohort, pools, _stages(scenario), (*warnings(scenario), *overloads))


def _pools(scenario: Scenario) -> tuple[PoolLoad, ...]:
    found = []
    for (name, pool), load in zip(scenario.pools.items(), offered_hours(scenario), strict=True):
        people = np.array(week_on_duty(scenario, name))
        found.append(
            PoolLoad(
                pool=name,
                offered=float(load.mean()),
                servers=float(people.mean()) * pool.concurrency,
                seat_hours=seat_hours(scenario, name),
                paid_hours=paid_hours(scenario, name),
                load=tuple(load.tolist()),
                on_duty=tuple((people * pool.concurrency).tolist()),
            )
        )
    return tuple(found)


def _stages(scenario: Scenario) -> tuple[StageLoad, ...]:
    going = flow(scenario)
    share = np.array([channel.share for channel in scenario.demand.channels.values()])
    found = []
    for number, stage in enumerate(scenario.stages):
        visits, work = float(going.visits[number] @ share), float(going.work[number] @ share)
        laws = list(stage.time.values.values())
        mean = work / visits if visits else sum(float(law.mean) for law in laws) / len(laws)
        found.append(StageLoad(stage.name, _who(stage), _does(stage, mean), visits, mean / MINUTE))
    return tuple(found)


def _who(stage: Stage) -> str:
    shares = stage.share.values
    if stage.share.by is not None:
        each = ", ".join(f"{name} {100 * share:.4g} %" for name, share in shares.items())
        return f"{filter_words(stage.for_)}, a share by {stage.share.by} ({each})"
    return filter_words(stage.for_) if shares[""] == 1 else f"{100 * shares['']:.4g} % of {filter_words(stage.for_)}"


def _does(stage: Stage, mean: float) -> str:
    length = (
        f"{units.duration_text(round(mean / 1e6) * 1_000_000) if mean >= 1e7 else f'{mean / 1e6:.3g} s'} on average"
    )
    parts = [f"{stage.pool}, {length}" if stage.pool else f"a delay of {length}"]
    if stage.every is not None:
        parts.append(f"released every {units.duration_text(stage.every)}")
    if stage.patience is not None:
        again = (
            f", and {100 * stage.retry.share:.4g} % come back (at most {stage.retry.at_most} times)"
            if stage.retry
            else ""
        )
        parts.append(f"tips may give up{again}")
    if stage.overflow is not None:
        parts.append(f"also {stage.overflow.to} after {units.duration_text(stage.overflow.after)}")
    if stage.label is not None:
        parts.append(f"labelled by {stage.label}")
    if stage.rework is not None:
        parts.append(f"{100 * stage.rework.share:.4g} % go back to {stage.rework.back_to}")
    return "; ".join(parts)


def _overload(pool: PoolLoad) -> list[str]:
    if pool.overloaded:
        return [
            f"pool '{pool.pool}' is overloaded: {pool.offered:.2f} erlangs of work come to "
            f"{pool.servers:.2f} servers on average over the week"
        ]
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    by_times: dict[tuple[int, int], list[int]] = {}
    for first, length in pool.overloaded_hours:
        by_times.setdefault((first % 24, length), []).append(first // 24)
    found = []
    for (hour, length), on in by_times.items():
        names = ", ".join(days[day] for day in on)
        when = "every day" if len(on) == 7 else f"on {names}"
        until = f"to {(hour + length) % 24:02}:00" if length <= 24 else f"for {length} hours"
        hours = [(day * 24 + hour + step) % 168 for day in on for step in range(length)]
        load, servers = max((pool.load[at], pool.on_duty[at]) for at in hours)
        found.append(
            f"pool '{pool.pool}' is overloaded {when} from {hour:02}:00 {until}: "
            f"up to {load:.2f} erlangs of work come to {servers:.2f} servers"
        )
    return found
