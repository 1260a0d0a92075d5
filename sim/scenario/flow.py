"""How often tips come to each stage, and how much work they bring: means in closed form, nobody giving up.

Patience, overflow and waiting are left out: this is the load that is offered, not what is served.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.scenario.arrivals import by_hour_of_week
from sim.scenario.routes import Crowd, crowd
from sim.scenario.schema import ByAttribute, Scenario

Floats = NDArray[np.float64]

_SMALLEST: Final = 1e-12
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
    tips = crowd(scenario.demand, scenario.labels, scenario.stages, (), only_positive=True)
    weight = _weight(scenario, tips)
    shape = (len(scenario.stages), len(scenario.channels))
    visits, work, squares, unlabelled = (np.zeros(shape) for _ in range(4))
    channel = tips.codes["channel"][:, 0]

    def by_channel(mass: Floats) -> Floats:
        found: Floats = np.bincount(channel, weights=mass.sum(axis=1), minlength=shape[1]).astype(np.float64)
        return found

    for number, mass in enumerate(_masses(scenario, tips, weight)):
        time = scenario.stages[number].time
        mean = values_of(time, tips, lambda law: float(law.mean))
        square = values_of(time, tips, lambda law: float(law.mean) ** 2 * (1 + float(law.cv) ** 2))
        visits[number] = by_channel(mass)
        work[number] = by_channel(mass * mean)
        squares[number] = by_channel(mass * square)
        unlabelled[number] = by_channel(mass[:, :1]) if tips.labels else 0.0
    return Flow(visits, work, squares, unlabelled)


def offered_hours(scenario: Scenario) -> Floats:
    """(n_pools, 168): erlangs of work that the tips of each hour of the week bring to a pool, in all centres together.

    The work is booked on the hour in which the tip arrives.
    """
    tips = by_hour_of_week(scenario)
    work = flow(scenario).work
    load = np.zeros((len(scenario.pools), 168))
    for number, stage in enumerate(scenario.stages):
        if stage.pool is not None:
            load[scenario.pool_index(stage.pool)] += tips @ work[number]
    return load


def _weight(scenario: Scenario, tips: Crowd) -> Floats:
    """(rows, columns): the share of each kind of tip among those of its channel, on arrival."""
    demand = scenario.demand
    channel, risk, category = (tips.codes[key][:, 0] for key in ("channel", "risk", "category"))
    risks = np.array([list(demand.risk[name].values()) for name in scenario.channels])
    found = np.zeros(tips.alive.shape)
    found[:, 0] = risks[channel, risk] * np.array(list(demand.categories.values()))[category]
    return found


def _masses(scenario: Scenario, tips: Crowd, weight: Floats) -> list[Floats]:
    """For each stage, (rows, columns): mean visits a tip of the row's channel, by its label on the way in."""
    stages = scenario.stages
    index = {stage.name: number for number, stage in enumerate(stages)}
    shares = [values_of(stage.share, tips, float) for stage in stages]
    labelling = {name: _labelling(scenario, name) for name in scenario.labels}
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
            chosen = moving * tips.admitted[number] * shares[number]
            inside = chosen + sent_back.get(number, 0.0)
            moving = moving - chosen
            found[number] += inside
            if stage.label is not None:
                inside = _relabelled(inside, labelling[stage.label][risk])
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


def _labelling(scenario: Scenario, name: str) -> Floats:
    """(n_risks, n_tiers): the chance of each tier; what is missing to 1 is not decided."""
    labeller = scenario.labels[name]
    rows = [[labeller.assigns[risk].get(tier, 0.0) for tier in scenario.tiers] for risk in scenario.risks]
    return np.array(rows) * labeller.decides


def _relabelled(mass: Floats, chances: Floats) -> Floats:
    """The mass after a labeller: by row the chance of each tier, else the old label (or none)."""
    found: Floats = mass * (1 - chances.sum(axis=1, keepdims=True))
    found[:, 1:] += mass.sum(axis=1, keepdims=True) * chances
    return found


def values_of(value: ByAttribute[Any], tips: Crowd, number: Any) -> Floats:
    """A number for every kind of tip, (rows, columns) or broadcasting to it."""
    if value.by is None:
        return np.full((1, 1), number(value.values[""]))
    numbers = np.array([number(value.values[name]) for name in tips.names[value.by]])
    return np.asarray(numbers[np.maximum(tips.codes[value.by], 0)])
