"""How often tips come to each stage, and how much work they bring: means in closed form, nobody giving up.

Patience and waiting are left out: this is the load that is offered, not what is served.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import NEVER
from sim.scenario.arrivals import HOURS_A_WEEK, by_hour_of_week, channel_mix, expected, of_incident
from sim.scenario.branches import Walked, branching, step, walk
from sim.scenario.counts import counts
from sim.scenario.profiles import DemandLevels, levels, plain_shares
from sim.scenario.routes import Crowd, asides_of, crowd, incident_shares, row_shares, ways
from sim.scenario.rules import rank
from sim.scenario.schema import ByAttribute, Law, Scenario, Stage
from sim.scenario.trace import trace
from sim.scenario.tracefile import DRAWN

Floats = NDArray[np.float64]

_SMALLEST: Final = 1e-12
_SWEEPS: Final = 40
"""Pools that overflow to one another are balanced so often."""
_MOST_SWEEPS: Final = 5_000
"""Rework that concerns a smaller share of the tips, or that would need more sweeps, is left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """What an arriving tip brings on average, by the channel it comes on."""

    visits: Floats
    """(n_stages, n_channels): visits to each stage."""
    work: Floats
    """(n_stages, n_channels): ticks of service or delay there."""
    work_squared: Floats
    """(n_stages, n_channels): the squares of these ticks, visit by visit, added up."""
    unlabelled: Floats
    """(n_stages, n_channels): visits by tips without a label."""


def flow(scenario: Scenario) -> Flow:
    """Mean visits and mean work a tip, exact over channel x risk x category x label, rework and all."""
    tips = coming(scenario)
    weight = _weight(scenario, tips)
    shape = (len(scenario.stages), len(scenario.channels))
    visits, work, squares, unlabelled = (np.zeros(shape) for _ in range(4))
    channel = tips.codes["channel"][:, 0]

    def by_channel(mass: Floats) -> Floats:
        found: Floats = np.bincount(channel, weights=mass.sum(axis=1), minlength=shape[1]).astype(np.float64)
        return found

    for number, mass in enumerate(_masses(scenario, tips, weight)):
        mean, square = _time_in_hand(scenario, scenario.stages[number], tips)
        visits[number] = by_channel(mass)
        work[number] = by_channel(mass * mean)
        squares[number] = by_channel(mass * square)
        unlabelled[number] = by_channel(mass[:, :1]) if tips.labels else 0.0
    return Flow(visits, _with_recorded(scenario, visits, work), squares, unlabelled)


def by_rank(scenario: Scenario, pool: str) -> Floats:
    """(n_ranks, 3, n_channels): visits to the stages of a pool that an arriving tip makes on average, by the rank that
    it has in the line there, the best first and those who match no filter last; ticks of work, and their squares."""
    own = scenario.pools[pool]
    tips = coming(scenario)
    masses = _masses(scenario, tips, _weight(scenario, tips))
    found = np.zeros((len(own.serve_first) + 1, 3, len(scenario.channels)))
    channel = tips.codes["channel"][:, 0]
    for number, stage in enumerate(scenario.stages):
        if stage.pool != pool:
            continue
        codes = {**tips.codes, "stage": np.full((1, 1), number)}
        of = np.broadcast_to(rank(own.serve_first, tips.names, codes), tips.alive.shape)
        mean, square = _time_in_hand(scenario, stage, tips)
        for place in range(len(found)):
            mass = masses[number] * (of == place)
            for row, part in enumerate((mass, mass * mean, mass * square)):
                found[place, row] += np.bincount(channel, weights=part.sum(axis=1), minlength=found.shape[2])
    return found


def _time_in_hand(scenario: Scenario, stage: Stage, tips: Crowd) -> tuple[Floats, Floats]:
    """The mean, and that of the square, of the time that somebody has a tip in hand and wraps it up, or of a delay.

    By the speed of the own pool with one tip in hand, but for what changes with the time of day.
    """
    mean = values_of(stage.time, tips, lambda law: float(law.mean))
    square = values_of(stage.time, tips, _square)
    if stage.wrap_up is not None:
        after = values_of(stage.wrap_up, tips, lambda law: float(law.mean))
        mean, square = mean + after, square + 2 * mean * after + values_of(stage.wrap_up, tips, _square)
    speed = 1.0 if stage.pool is None else scenario.pools[stage.pool].speed_at(stage.name)
    return mean / speed, square / speed**2


def _square(law: Law) -> float:
    return float(law.mean) ** 2 * (1 + float(law.cv) ** 2)


def coming(scenario: Scenario) -> Crowd:
    """The kinds of tips that come at all, told apart by channel, true risk, category and label."""
    tips = crowd(scenario.demand, scenario.labels, scenario.stages, scenario.filters, only_positive=True)
    if scenario.demand.trace is None:
        return tips
    return replace(tips, alive=_weight(scenario, tips) > 0)


def reaching(scenario: Scenario, some: Collection[int]) -> Floats:
    """(n_channels,): the chance that a tip ever comes to one of some stages, given by their places in the order."""
    tips = coming(scenario)
    masses = _masses(scenario, tips, _weight(scenario, tips), frozenset(some))
    first = sum((masses[number] for number in some), np.zeros(tips.alive.shape))
    channel = tips.codes["channel"][:, 0]
    found: Floats = np.bincount(channel, weights=first.sum(axis=1), minlength=len(scenario.channels)).astype(np.float64)
    return found


def booked_hours(scenario: Scenario, servers: Floats) -> Floats:
    """(n_pools, 168): `offered_hours`, where what a pool has no people for is booked on the pool it overflows to.

    `servers` are those on duty, (n_pools, 168). In hours in which as much work comes to a pool as its people can do, or
    more, so much of what may overflow is moved that both pools are equally busy: the limit of a fluid, in which nobody
    waits at one pool while another has people free. A pool without people keeps nothing that may overflow to one with.
    """
    offered = offered_by_stage(scenario)
    load = np.zeros((len(scenario.pools), HOURS_A_WEEK))
    over = [
        (number, scenario.pool_index(stage.pools[0]), scenario.pool_index(one.to))
        for number, stage in enumerate(scenario.stages)
        for one in stage.overflow
    ]
    moved = np.zeros((len(over), HOURS_A_WEEK))
    kept = offered.copy()
    for number, stage in enumerate(scenario.stages):
        if stage.pool is not None:
            load[scenario.pool_index(stage.pool)] += offered[number]
    for _ in range(_SWEEPS if over else 0):
        for row, (number, own, other) in enumerate(over):
            people = servers[own] + servers[other]
            level = (load[own] * servers[other] - load[other] * servers[own]) / np.where(people > 0, people, 1.0)
            more = np.clip(level, -moved[row], kept[number])
            more = np.where((load[own] + moved[row] >= servers[own]) & (people > 0), more, 0.0)
            moved[row] += more
            kept[number] -= more
            load[own] -= more
            load[other] += more
    return load


def offered_hours(scenario: Scenario, *, only_patient: bool = False) -> Floats:
    """(n_pools, 168): erlangs of work that the tips of each hour of the week bring to a pool, in all centres together.

    The work is booked on the hour in which the tip arrives. With `only_patient` only that of stages at which tips may
    give up.
    """
    offered = offered_by_stage(scenario)
    load = np.zeros((len(scenario.pools), HOURS_A_WEEK))
    for number, stage in enumerate(scenario.stages):
        if stage.pool is not None and (stage.patience is not None or not only_patient):
            load[scenario.pool_index(stage.pool)] += offered[number]
    return load


def offered_by_stage(scenario: Scenario, part: Floats | None = None) -> Floats:
    """(n_stages, 168): erlangs that the tips of each hour of the week bring to a stage; 0 to a delay.

    `part` (n_stages, n_channels) of them if it is given.
    """
    tips = by_hour_of_week(scenario)
    work = flow(scenario).work * (1.0 if part is None else part)
    found = np.stack([tips @ work[number] * (stage.pool is not None) for number, stage in enumerate(scenario.stages)])
    for number, stage in enumerate(scenario.stages):
        if stage.pool is not None:
            found[number] /= scenario.pools[stage.pool].speed_by_hour
    return found


def spared_by_stage(scenario: Scenario) -> Floats:
    """(n_stages, 168): of `offered_by_stage`, the most that merging may spare.

    That is all that tips of incidents but the first of each bring to a stage that merges, a repeat apart, and to those
    written after it.
    """
    found = np.zeros((len(scenario.stages), HOURS_A_WEEK))
    if not scenario.merges:
        return found
    tips = coming(scenario)
    begins = next(number for number, stage in enumerate(scenario.stages) if stage.merge is not None)
    channel, by_hour = tips.codes["channel"][:, 0], by_hour_of_week(scenario)
    for weight in _beside_the_first(scenario, tips):
        for number, mass in enumerate(_masses(scenario, tips, weight)):
            stage = scenario.stages[number]
            if number < begins or stage.pool is None:
                continue
            spared = _time_in_hand(scenario, stage, tips)[0]
            if stage.merge is not None and stage.merge.repeat is not None:
                repeat = values_of(stage.merge.repeat, tips, lambda law: float(law.mean))
                spared = np.maximum(spared - repeat / scenario.pools[stage.pool].speed_at(stage.name), 0.0)
            of_channel = np.bincount(channel, weights=(mass * spared).sum(axis=1), minlength=len(scenario.channels))
            found[number] += by_hour @ of_channel / scenario.pools[stage.pool].speed_by_hour
    return found


def _beside_the_first(scenario: Scenario, tips: Crowd) -> Iterator[Floats]:
    """For each kind of incident (rows, columns): the tips that are not the first of theirs, as shares of all tips of
    their channel on arrival."""
    if scenario.demand.trace is not None:
        about = trace(scenario).incident
        n_more = (about >= 0).sum() - len(np.unique(about[about >= 0]))
        yield _weight(scenario, tips) * (n_more / max(len(about), 1))
        return
    total = expected(levels(scenario), scenario.run).tips.sum(axis=0)
    channel = tips.codes["channel"][:, 0]
    for name, incident in scenario.demand.incidents.items():
        n_more = of_incident(levels(scenario), name).sum(axis=0) * (1 - incident.tips.alone)
        mix = incident_shares(scenario.demand, name, tips.names, tips.codes)
        found = np.zeros(tips.alive.shape)
        found[:, 0] = np.prod([share for key, share in mix.items() if key != "channel"], axis=0)
        found[:, 0] *= (n_more / np.where(total > 0, total, 1.0))[channel]
        yield found


def _with_recorded(scenario: Scenario, visits: Floats, work: Floats) -> Floats:
    """The work with what a trace gives: of the first visit of each tip to a stage, where its minutes are known."""
    if scenario.demand.trace is None:
        return work
    recorded = trace(scenario)
    shares = plain_shares(scenario)
    # A tip whose channel is left open counts on each as far as it may have come there.
    on = np.array(
        [(recorded.channel == code) + (recorded.channel == DRAWN) * share for code, share in enumerate(shares)]
    )
    found = work.copy()
    for name, times in recorded.work.items():
        number = scenario.stage_index(name)
        known = times < NEVER
        all_tips, n_known = on.sum(axis=1), on[:, known].sum(axis=1)
        first = np.minimum(visits[number], 1.0) * n_known / np.maximum(all_tips, 1e-12)
        mean = on[:, known] @ times[known].astype(np.float64) / np.maximum(n_known, 1e-12)
        by_law = work[number] / np.maximum(visits[number], 1e-12)
        found[number] = first * mean + (visits[number] - first) * by_law
    return found


def _weight(scenario: Scenario, tips: Crowd) -> Floats:
    """(rows, columns): the share of each kind of tip among those of its channel, on arrival; of those recorded."""
    found = np.zeros(tips.alive.shape)
    shares = row_shares(scenario.demand, tips.names, tips.codes)
    if scenario.demand.trace is None:
        found[:, 0] = _drawn_mix(scenario, tips, shares)
    else:
        found[:, 0] = _recorded_mix(scenario, tips, shares)
    return found


def _drawn_mix(scenario: Scenario, tips: Crowd, shares: Mapping[str, Floats]) -> Floats:
    """(rows,): the mix of the tips of each channel, those of incidents among them."""
    demand = scenario.demand
    found: Floats = np.prod([share for key, share in shares.items() if key != "channel"], axis=0)
    if not demand.incidents:
        return found
    channel = tips.codes["channel"][:, 0]
    without = demand.model_copy(update={"incidents": {}})
    level = DemandLevels(without, scenario.run, scenario.horizon, scenario.calendars, counts(scenario))
    plain = expected(level, scenario.run).tips.sum(axis=0)
    total = plain.copy()
    found = found * plain[channel]
    for name in demand.incidents:
        n_tips = of_incident(levels(scenario), name).sum(axis=0)
        mix = incident_shares(demand, name, tips.names, tips.codes)
        found += np.prod([share for key, share in mix.items() if key != "channel"], axis=0) * n_tips[channel]
        total += n_tips
    weighed: Floats = found / np.where(total > 0, total, 1.0)[channel]
    return weighed


def _recorded_mix(scenario: Scenario, tips: Crowd, shares: Mapping[str, Floats]) -> Floats:
    """(rows,): the mix of the recorded tips of each channel, what is left open shared out.

    All 0 for a channel on which none came.
    """
    recorded = trace(scenario)
    found = np.zeros(len(tips.alive))
    columns, counts = np.unique(np.stack([recorded.code(key) for key in shares]), axis=1, return_counts=True)
    for codes, n in zip(columns.T.tolist(), counts.tolist(), strict=True):
        of = [
            share if code == DRAWN else tips.codes[key][:, 0] == code
            for (key, share), code in zip(shares.items(), codes, strict=True)
        ]
        found += n * np.prod(of, axis=0)
    channel = tips.codes["channel"][:, 0]
    total = np.bincount(channel, weights=found, minlength=len(scenario.channels))[channel]
    return found / np.where(total > 0, total, 1.0)


def _masses(scenario: Scenario, tips: Crowd, weight: Floats, last: frozenset[int] = frozenset()) -> list[Floats]:
    """For each stage, (rows, columns): mean visits a tip of the row's channel, by its label on the way in.

    The way of a tip is over once it comes to one of the stages in `last`.
    """
    stages = scenario.stages
    if branching(stages):
        return walked(scenario, tips, weight, last).entering
    index = {stage.name: number for number, stage in enumerate(stages)}
    shares = [values_of(stage.share, tips, float) for stage in stages]
    labelling = {name: _labelling(scenario, name) for name in scenario.labels}
    asides = asides_of(stages)
    risk = tips.codes["risk"][:, 0]
    found = [np.zeros(weight.shape) for _ in stages]
    counts = tuple(0 for _ in stages)
    waiting: dict[tuple[int, ...], dict[int, Floats]] = {counts: {}}
    sweeps = 0
    while waiting and sweeps < _MOST_SWEEPS:
        counts = min(waiting, key=sum)
        sent_back = waiting.pop(counts)
        moving = weight if sweeps == 0 else np.zeros(weight.shape)
        sweeps += 1
        for number, stage in enumerate(stages):
            if stage.name in asides:
                continue
            chosen = moving * tips.admitted[number] * shares[number]
            inside = chosen + sent_back.get(number, 0.0)
            moving = moving - chosen
            found[number] += inside
            if number in last:
                continue
            if stage.label is not None:
                inside = _relabelled(inside, labelling[stage.label][risk], tips.columns(stage.label))
            if stage.rework is not None and counts[number] < stage.rework.at_most:
                again = inside * stage.rework.share
                inside = inside - again
                if again.sum() > _SMALLEST:
                    more = (*counts[:number], counts[number] + 1, *counts[number + 1 :])
                    queue = waiting.setdefault(more, {})
                    back = index[stage.rework.back_to]
                    queue[back] = queue.get(back, 0.0) + again
            moving = moving + inside
    return found


@dataclass(frozen=True, slots=True)
class Lead:
    """A way from one stage to another."""

    of: int
    """The place of the stage in the order, or ARRIVAL."""
    what: str
    """Its moment that leads there: arrival, start or end; or `in vain`, to an aside, and `instead`, from one."""
    plus: int
    """Ticks after a start."""
    to: int
    share: float
    """Tips that take it, on average of one; NaN where something was in vain."""

    @property
    def back(self) -> bool:
        """Whether it leads back."""
        return self.to <= self.of


def leads(scenario: Scenario) -> list[Lead]:
    """Every way that tips take from one stage to another, by the stage that it leads to; nobody gives up."""
    tips = coming(scenario)
    edges = walked(scenario, tips, _weight(scenario, tips)).edges
    found = [Lead(*edge, share) for edge, share in edges.items()]
    goes_on = ways(tips, scenario.stages).aside.goes_on
    found += [Lead(aside, "instead", 0, number, math.nan) for aside, number in goes_on]
    found += [
        Lead(number, "in vain", 0, scenario.stage_index(aside), math.nan)
        for number, stage in enumerate(scenario.stages)
        for aside in stage.asides
    ]
    return sorted(found, key=lambda one: (one.to, one.of, one.what, one.plus))


def walked(scenario: Scenario, tips: Crowd, weight: Floats, last: frozenset[int] = frozenset()) -> Walked:
    """The mean visits by a walk that tells apart what goes on side by side; without asides, for nobody gives up."""
    steps = []
    asides = asides_of(scenario.stages)
    risk = tips.codes["risk"][:, 0]
    channel = tips.codes["channel"][:, 0]
    for number, stage in enumerate(scenario.stages):
        share = tips.admitted[number] * values_of(stage.share, tips, float) * (stage.name not in asides)
        labels = None
        if stage.label is not None:
            chances = _labelling(scenario, stage.label)[risk]
            gives = np.zeros(tips.alive.shape)
            gives[:, tips.columns(stage.label)] = chances
            labels = gives, 1 - chances.sum(axis=1)
        again = stage.rework.share if stage.rework is not None else 0.0
        steps.append(
            step(
                scenario.stages,
                number,
                inside=share,
                passing=1 - share,
                labels=labels,
                again=again,
                on=1 - again,
                at_most=stage.rework.at_most if stage.rework is not None else 0,
            )
        )
    return walk(steps, weight, channel_mix(scenario)[channel], last)


def _labelling(scenario: Scenario, name: str) -> Floats:
    """(n_risks, n_tiers): the chance of each tier; what is missing to 1 is not decided."""
    labeller = scenario.labels[name]
    rows = [[labeller.assigns[risk].get(tier, 0.0) for tier in scenario.tiers] for risk in scenario.risks]
    return np.array(rows) * labeller.decides


def _relabelled(mass: Floats, chances: Floats, columns: slice) -> Floats:
    """The mass after a labeller: by row the chance of each tier, in its own columns, else the old label (or none)."""
    found: Floats = mass * (1 - chances.sum(axis=1, keepdims=True))
    found[:, columns] += mass.sum(axis=1, keepdims=True) * chances
    return found


def values_of(value: ByAttribute[Any], tips: Crowd, number: Any) -> Floats:
    """A number for every kind of tip, (rows, columns) or broadcasting to it."""
    if value.by is None:
        return np.full((1, 1), number(value.values[""]))
    numbers = np.array([number(one) for one in value.listed(tips.names[value.by])])
    return np.asarray(numbers[tips.codes[value.by]])
