"""What a scenario leaves to chance: nothing, where all that happens is written down or recorded.

Only what tips come to is asked: a random law at a stage that nobody reaches decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from sim.dynamics.clock import NEVER
from sim.dynamics.replication import Codes
from sim.scenario.arrivals import channel_mix
from sim.scenario.flow import flow
from sim.scenario.profiles import plain_shares
from sim.scenario.schema import ByAttribute, Law, Scenario, Stage
from sim.scenario.trace import Trace, drawn_from, trace
from sim.scenario.tracefile import DRAWN


def drawn(scenario: Scenario) -> tuple[str, ...]:
    """What is drawn, each in words; empty where every replication is the same."""
    return tuple(dict.fromkeys((*_arrivals(scenario), *_attributes(scenario), *_way(scenario))))


def is_certain(scenario: Scenario) -> bool:
    """Whether nothing is left to chance, so that one replication shows all that there is; only a trace can."""
    return scenario.demand.trace is not None and not drawn(scenario)


def given_arrivals(scenario: Scenario) -> bool:
    """Whether the tips are those of a record, as they came, and only what becomes of them is drawn."""
    given = scenario.demand.trace
    return given is not None and given.resample is None and not is_certain(scenario)


def _arrivals(scenario: Scenario) -> Iterator[str]:
    given = scenario.demand.trace
    if given is None:
        yield "arrivals"
    elif any(n > 1 for _, n in drawn_from(scenario)):
        yield f"recorded {given.resample}s"


def _attributes(scenario: Scenario) -> Iterator[str]:
    demand = scenario.demand
    recorded = trace(scenario) if demand.trace is not None else None
    backlog = scenario.start_with is not None and any(scenario.start_with.backlog.values())

    def is_drawn(code: Codes | None, several: bool) -> bool:
        return several and (code is None or backlog or bool((code == DRAWN).any()))

    if any(pool.absence and any(shift.staff for shift in pool.shifts) for pool in scenario.pools.values()):
        yield "absences"
    if _several(scenario.centres):
        yield "centres"
    if is_drawn(
        None if recorded is None else recorded.channel,
        _several(dict(zip(demand.channels, plain_shares(scenario).tolist(), strict=True))),
    ):
        yield "channels"
    if is_drawn(None if recorded is None else recorded.risk, any(_several(row) for row in demand.risk.values())):
        yield "risks"
    if is_drawn(None if recorded is None else recorded.category, _several(demand.categories)):
        yield "categories"
    for name, rows in demand.attributes.items():
        if is_drawn(None if recorded is None else recorded.own[name], any(map(_several, rows.values()))):
            yield name


def _way(scenario: Scenario) -> Iterator[str]:
    reached = flow(scenario).visits @ channel_mix(scenario) > 0
    recorded = trace(scenario) if scenario.demand.trace is not None else None
    backlog = scenario.start_with.backlog if scenario.start_with is not None else {}
    for number, stage in enumerate(scenario.stages):
        if not (reached[number] or any(backlog.values())):
            continue
        if any(0 < share < 1 for share in stage.share.values.values()):
            yield "shares of stages"
        if not _recorded_wholly(scenario, stage, recorded) and _random(stage.time):
            yield "service" if stage.pool is not None else "delays"
        first = not any(one.wrap_up is not None for one in scenario.stages[:number])
        told_wrap_up = recorded is not None and first and bool(np.all(recorded.wrap_up < NEVER))
        if stage.wrap_up is not None and _random(stage.wrap_up) and not told_wrap_up:
            yield "wrap-ups"
        repeat = None if stage.merge is None else stage.merge.repeat
        if repeat is not None and _random(repeat) and (recorded is None or (recorded.incident >= 0).any()):
            yield "repeats"
        if stage.patience is not None:
            first = not any(one.patience is not None for one in scenario.stages[:number])
            told = recorded is not None and first and stage.retry is None and bool(np.all(recorded.patience < NEVER))
            if _random(stage.patience) and not told:
                yield "patience"
            if stage.retry is not None and (
                0 < stage.retry.share < 1 or (stage.retry.share and stage.retry.after.cv > 0)
            ):
                yield "retries"
        if stage.rework is not None and 0 < stage.rework.share < 1:
            yield "rework"
        if stage.label is not None:
            labeller = scenario.labels[stage.label]
            if 0 < labeller.decides < 1 or (labeller.decides and any(map(_several, labeller.assigns.values()))):
                yield "labels"


def _recorded_wholly(scenario: Scenario, stage: Stage, recorded: Trace | None) -> bool:
    """Whether the minutes of every visit to a stage are recorded: of each tip, none coming twice or waiting already."""
    if recorded is None or stage.name not in recorded.work or scenario.start_with is not None:
        return False
    at = scenario.stage_index(stage.name)
    again = any(
        one.rework is not None and one.rework.share > 0 and scenario.stage_index(one.rework.back_to) <= at <= number
        for number, one in enumerate(scenario.stages)
    )
    return not again and bool(np.all(recorded.work[stage.name] < NEVER))


def _random(value: ByAttribute[Law]) -> bool:
    return any(float(law.cv) > 0 for law in value.values.values())


def _several(shares: Mapping[str, float]) -> bool:
    return sum(share > 0 for share in shares.values()) > 1
