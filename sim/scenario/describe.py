"""The model in numbers, before anything is simulated: what comes, what work it brings to whom, and who is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, MINUTE, SECOND
from sim.scenario import units
from sim.scenario.arrivals import channel_mix, expected_tips, recorded_hours
from sim.scenario.branches import ARRIVAL, branching
from sim.scenario.chance import drawn
from sim.scenario.cost import cost_a_week, full_time, nobody_is_off, paid_hours
from sim.scenario.demand import Recorded
from sim.scenario.flow import Lead, booked_hours, flow, leads, offered_hours, spared_by_stage
from sim.scenario.pools import filter_words
from sim.scenario.schema import Scenario, Stage
from sim.scenario.shifts import seat_hours, week_on_duty
from sim.scenario.stages import Merge
from sim.scenario.trace import days
from sim.scenario.warnings import roster_warnings, warnings

HOURS_ON_END = 2
"""So many overloaded hours in a row are worth a warning."""

TIMES_SEEN = 4
"""So often must an hour of the week lie in a record before more is said of it than of the record as a whole."""


@dataclass(frozen=True, slots=True)
class PoolLoad:
    """One pool, all its centres together."""

    pool: str
    offered: float
    """Offered load in erlangs: servers that the work would keep busy on average over the week; what overflows is booked
    where it is served. Of recorded tips: over the days that they span."""
    servers: float
    """Servers on duty on average over the same time: people times concurrency."""
    may_give_up: float
    """So much of the offered load, in erlangs, is of tips that may give up waiting for it."""
    seat_hours: float
    """Hours of people on seat in a week; breaks do not count."""
    paid_hours: float
    """Hours paid in a week, overtime apart: seat hours / (1 - shrinkage)."""
    fte: float
    """Full-time equivalents: paid hours a week over those of a full week."""
    cost_a_week: float
    """Of the paid hours, overtime apart, in the currency of the run."""
    load: tuple[float, ...]
    """Erlangs in each of the 168 hours of the week from Monday 00:00, by the hour of arrival."""
    on_duty: tuple[float, ...]
    """Servers in each of these hours."""
    may_merge: float = 0.0
    """So much of the offered load, in erlangs, merging may spare at most."""
    spare: float = 0.0
    """Erlangs by which the load must pass the servers before it is too much: a record is over once its work is done."""

    @property
    def overloaded(self) -> bool:
        """Whether on average over the week as much work comes as servers can do, or more, and nobody gives up, and
        nothing merges."""
        return self.more_than_done and self.offered - self.may_give_up - self.may_merge >= self.servers

    @property
    def more_than_done(self) -> bool:
        """Whether on average over the week as much work comes as servers can do, or more."""
        return self.offered > 0 and self.offered >= self.servers + self.spare

    @property
    def giving_up(self) -> float:
        """The least share of those who may give up that must, so that the rest can be served."""
        return (self.offered - self.servers) / self.may_give_up if self.may_give_up else 0.0

    @property
    def overloaded_hours(self) -> tuple[tuple[int, int], ...]:
        """Stretches of two or more hours of the week in which it is so: first hour and number of hours.

        Hours without anybody on duty are none of them: they are told on their own.
        """
        over = [load > 0 and load >= servers > 0 for load, servers in zip(self.load, self.on_duty, strict=True)]
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
    begins: str = ""
    """What leads tips here, in words, with how many it leads of one; "" where each stage follows the one before."""


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
    notes: tuple[str, ...] = ()
    """What a reader of the numbers must know, and no fault: each one sentence."""
    drawn: tuple[str, ...] = ()
    """What is left to chance, in words; without any, every replication is the same."""


def describe(scenario: Scenario, given_up: Mapping[str, float] | None = None) -> Description:
    """The model in numbers and words, with every warning.

    `given_up` is what a run has shown: by pool the share of those who came there and gave up. Without it the least
    share is said that must, by arithmetic.
    """
    tips, cohort = expected_tips(scenario)
    pools = _pools(scenario)
    by_hour = scenario.demand.trace is None or int(recorded_hours(scenario).min()) >= TIMES_SEEN
    overloads = [text for pool in pools for text in _overload(pool, by_hour, given_up or {})]
    told = (*warnings(scenario), *roster_warnings(scenario), *overloads)
    return Description(tips, cohort, pools, _stages(scenario), told, tuple(_notes(scenario)), drawn(scenario))


def _pools(scenario: Scenario) -> tuple[PoolLoad, ...]:
    people = np.array([week_on_duty(scenario, name) for name in scenario.pools])
    servers = people * np.array([[pool.capacity] for pool in scenario.pools.values()])
    seen = recorded_hours(scenario)
    may_give_up = offered_hours(scenario, only_patient=True)
    may_merge = np.zeros_like(may_give_up)
    for stage, spared in zip(scenario.stages, spared_by_stage(scenario), strict=True):
        if stage.pool is not None:
            may_merge[scenario.pool_index(stage.pool)] += spared
    found = []
    for at, (name, load) in enumerate(zip(scenario.pools, booked_hours(scenario, servers), strict=True)):
        paid = paid_hours(scenario, name)
        found.append(
            PoolLoad(
                pool=name,
                offered=_mean(load, seen),
                servers=_mean(servers[at], seen),
                may_give_up=_mean(np.minimum(may_give_up[at], load), seen),
                seat_hours=seat_hours(scenario, name),
                paid_hours=paid,
                fte=full_time(scenario, paid),
                cost_a_week=cost_a_week(scenario, name, paid),
                load=tuple(load.tolist()),
                on_duty=tuple(servers[at].tolist()),
                may_merge=_mean(np.minimum(may_merge[at], load), seen),
                spare=_spare(scenario, name),
            )
        )
    return tuple(found)


def _mean(by_hour: NDArray[np.float64], seen: NDArray[np.int64]) -> float:
    """The mean of (168,) over hours of the week that come so often."""
    return float((by_hour * seen).sum() / seen.sum())


def _stages(scenario: Scenario) -> tuple[StageLoad, ...]:
    going = flow(scenario)
    share = channel_mix(scenario)
    ways = leads(scenario) if branching(scenario.stages) else []
    found = []
    for number, stage in enumerate(scenario.stages):
        visits, work = float(going.visits[number] @ share), float(going.work[number] @ share)
        laws = list(stage.time.values.values())
        mean = work / visits if visits else sum(float(law.mean) for law in laws) / len(laws)
        begins = _begins(scenario, number, ways)
        found.append(StageLoad(stage.name, _who(stage), _does(stage, mean), visits, mean / MINUTE, begins))
    return tuple(found)


def _begins(scenario: Scenario, number: int, ways: Sequence[Lead]) -> str:
    """What leads to a stage: each moment, with the share of tips of which one of all that came is so led."""
    every = [one for one in ways if one.to == number and not one.back]
    if in_vain := _leading(scenario, every, "in vain"):
        return f"begins where {units.listed(in_vain, 'or')} is in vain"
    mine = [one for one in every if one.what != "instead"]
    if not mine:
        return ""
    told = []
    for one in mine:
        name = "arrival" if one.of == ARRIVAL else f"{scenario.stages[one.of].name}.{one.what}"
        late = f" + {units.duration_text(one.plus)}" if one.plus else ""
        told.append(f"{name}{late} ({one.share:.3f})")
    awaits = "; with all of them that lie on a tip's way" if scenario.stages[number].after and len(told) > 1 else ""
    asides = _leading(scenario, every, "instead")
    instead = f"; the end of {units.listed(asides, 'or')} counts as that of what was in vain" if asides else ""
    return f"begins with {units.listed(told, 'or' if not awaits else 'and')}{awaits}{instead}"


def _leading(scenario: Scenario, ways: Sequence[Lead], what: str) -> list[str]:
    """The names of the stages that lead somewhere in such a way."""
    return [scenario.stages[one.of].name for one in ways if one.what == what]


def _who(stage: Stage) -> str:
    shares = stage.share.values
    if stage.share.by is not None:
        each = ", ".join(f"{name} {100 * share:.4g} %" for name, share in shares.items())
        return f"{filter_words(stage.for_)}, a share by {stage.share.by} ({each})"
    return filter_words(stage.for_) if shares[""] == 1 else f"{100 * shares['']:.4g} % of {filter_words(stage.for_)}"


def _asides(stage: Stage) -> Iterator[tuple[str, str]]:
    """What leads from a stage to an aside, and to which."""
    if stage.gives_up_to is not None:
        yield "giving up for good", stage.gives_up_to
    if stage.turned_away_to is not None:
        yield "finding no room for good", stage.turned_away_to


def _does(stage: Stage, mean: float) -> str:
    length = (
        f"{units.duration_text(round(mean / 1e6) * 1_000_000) if mean >= 1e7 else f'{mean / 1e6:.3g} s'} on average"
    )
    parts = [f"{stage.pool}, {length}" if stage.pool else f"a delay of {length}"]
    if stage.gate:
        parts.append(f"released {stage.gate}")
    if stage.patience is not None:
        again = (
            f", and {100 * stage.retry.share:.4g} % come back (at most {stage.retry.at_most} times)"
            if stage.retry
            else ""
        )
        parts.append(f"tips may give up{again}")
    if stage.waiting_room is not None:
        parts.append(f"at most {stage.waiting_room} may wait")
    if stage.lines is not None:
        parts.append(f"at most {stage.lines} may wait or be served")
    parts += [f"{why} leads to {to}" for why, to in _asides(stage)]
    if stage.callback is not None:
        after = units.duration_text(stage.callback.after)
        parts.append(f"after {after} tips may accept a call-back and keep their place")
    parts += [f"also {one.to} after {units.duration_text(one.after)}" for one in stage.overflow]
    if stage.merge is not None:
        parts.append(_merging(stage.merge))
    if stage.label is not None:
        parts.append(f"labelled by {stage.label}")
    if stage.rework is not None:
        parts.append(f"{100 * stage.rework.share:.4g} % go back to {stage.rework.back_to}")
    return "; ".join(parts)


def _merging(merge: Merge) -> str:
    """What becomes of the tips of an incident that is known."""
    if merge.repeat is None:
        return "once one tip of an incident has ended here, its others leave merged at once"
    laws = list(merge.repeat.values.values())
    mean = units.duration_text(round(sum(float(law.mean) for law in laws) / len(laws) / SECOND) * SECOND)
    return f"once one tip of an incident has ended here, each other costs {mean} on average and leaves merged"


def _spare(scenario: Scenario, pool: str) -> float:
    """One visit's mean work over the days of a record, in erlangs; 0 where tips are drawn, for they go on coming."""
    given = scenario.demand.trace
    if given is None or given.resample is not None:
        return 0.0
    going, mix = flow(scenario), channel_mix(scenario)
    mine = scenario.stages_of(pool)
    visits, work = float((going.visits[mine] @ mix).sum()), float((going.work[mine] @ mix).sum())
    return work / visits / (len(days(scenario)) * DAY) if visits else 0.0


def _overload(pool: PoolLoad, by_hour: bool, given_up: Mapping[str, float]) -> list[str]:
    """What is said of a pool to which more work comes than it can do; by hours of the week too where `by_hour`."""
    if pool.servers == 0:
        return []  # that nobody is there is told on its own
    if pool.more_than_done:
        if pool.overloaded:
            return [
                f"pool '{pool.pool}' is overloaded: {pool.offered:,.2f} erlangs of work come to "
                f"{pool.servers:,.2f} servers on average over the week"
            ]
        if pool.may_merge:
            return [
                f"pool '{pool.pool}': more work comes than is done unless enough tips {_relief(pool)}, "
                f"{pool.offered:,.2f} erlangs to {pool.servers:,.2f} servers on average over the week, of which "
                f"merging may spare {pool.may_merge:,.2f} at most"
            ]
        said = f"{100 * given_up[pool.pool]:.2g} %" if pool.pool in given_up else f"at least {_percent(pool.giving_up)}"
        return [
            f"pool '{pool.pool}': more work comes than is done, {pool.offered:,.2f} erlangs to {pool.servers:,.2f} "
            f"servers on average over the week: {said} of those who may give up there do"
        ]
    return _hours_overloaded(pool) if by_hour else []


def _hours_overloaded(pool: PoolLoad) -> list[str]:
    by_times: dict[tuple[int, int], list[int]] = {}
    for first, length in pool.overloaded_hours:
        by_times.setdefault((first % 24, length), []).append(first // 24)
    patient = (pool.may_give_up + pool.may_merge) / pool.offered if pool.offered else 0.0
    found = []
    for (hour, length), on in by_times.items():
        names = ", ".join(units.DAYS[day] for day in on)
        when = "every day" if len(on) == 7 else f"on {names}"
        until = f"to {(hour + length) % 24:02}:00" if length <= 24 else f"for {length} hours"
        hours = [(day * 24 + hour + step) % 168 for day in on for step in range(length)]
        load, servers = max((pool.load[at], pool.on_duty[at]) for at in hours)
        if load * (1 - patient) >= servers:
            found.append(
                f"pool '{pool.pool}' is overloaded {when} from {hour:02}:00 {until}: "
                f"up to {load:,.2f} erlangs of work come to {servers:,.2f} servers"
            )
        elif load > servers:
            found.append(
                f"pool '{pool.pool}': more work comes than is done {when} from {hour:02}:00 {until}, "
                f"up to {load:,.2f} erlangs to {servers:,.2f} servers: tips {_relief(pool)} then"
            )
    return found


def _relief(pool: PoolLoad) -> str:
    """What tips do where more work comes than is done."""
    return " or ".join([*(["give up"] if pool.may_give_up else []), *(["merge"] if pool.may_merge else [])])


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else "a few"


def _notes(scenario: Scenario) -> Iterator[str]:
    if nobody_is_off(scenario):
        yield "nobody is ever off: no shrinkage is given, so every hour on seat is one that is paid"
    if scenario.merges:
        yield "visits and loads are told as if nothing merged: how much does depends on who is there"
    given = scenario.demand.trace
    if given is not None and given.resample is None:
        yield from _recorded(scenario, given)


def _recorded(scenario: Scenario, given: Recorded) -> Iterator[str]:
    """What a record can show, and how to make more of it."""
    left = drawn(scenario)
    if left:
        what = ", ".join(left)
        yield f"the tips come as they are recorded, so every interval is given these arrivals; drawn are: {what}"
    else:
        yield "nothing is left to chance: it is run once, and shows what was kept or broken in this period alone"
    if len(days(scenario)) >= 14:
        yield (
            f"to say something of other days too, write trace: {{file: {given.file}, resample: day}}: whole recorded "
            "days are drawn, weekday for weekday (week: whole weeks)"
        )
    else:
        yield (
            f"{len(days(scenario))} d of tips say nothing of other days: with two weeks or more, trace: {{file: "
            f"{given.file}, resample: day}} draws whole recorded days, weekday for weekday"
        )
