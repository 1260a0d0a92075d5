"""What a draw depends on, as one short text: equal keys mean identical tips, whatever the staffing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import Any, Final

from numpy.typing import NDArray
from pydantic import BaseModel

from sim.scenario.counts import counts
from sim.scenario.mixtures import Empirical
from sim.scenario.rules import kind_code
from sim.scenario.schema import Scenario, Stage
from sim.scenario.trace import trace

SERVED: Final = frozenset({"pool", "every", "open", "overflow"})
"""What a stage says of how it is served; all else in it is drawn."""


def draw_key(scenario: Scenario) -> str:
    """64 hexadecimal digits that differ whenever the tips of some seed and index may differ.

    Not in it: seed, staff, shifts, gates, overflow, prices, targets, and the order in which filters rank tips. In it:
    which attributes those filters tell apart, because the kinds of visits are counted by them; whether anything asks
    who gave a label.
    """
    world = [
        scenario.run.start,
        scenario.run.zone,
        scenario.horizon,
        scenario.demand,
        scenario.centres,
        scenario.labels,
        scenario.stages,
        scenario.start_with,
        kind_code(scenario).radices,
        scenario.labellers_matter,
        [pool.order == "random" for pool in scenario.pools.values()],
        _recorded(scenario),
        _dated(scenario),
    ]
    return sha256(json.dumps(_told(world)).encode()).hexdigest()


def _told(value: Any) -> Any:
    """A part of a scenario as lists and plain values, in its order, with the names of its models."""
    if isinstance(value, Empirical):
        return ["Empirical", *(column.tolist() for column in value.listed)]
    if isinstance(value, BaseModel):
        fields = [name for name in type(value).model_fields if not (isinstance(value, Stage) and name in SERVED)]
        return [type(value).__name__, *([name, _told(getattr(value, name))] for name in fields)]
    if isinstance(value, Mapping):
        return [[name, _told(one)] for name, one in value.items()]
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, list | tuple):
        return [_told(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def _dated(scenario: Scenario) -> list[Any]:
    """The calendars, where the demand goes by any, and what is counted, digested."""
    demand, counted = scenario.demand, counts(scenario)
    by_calendar = bool(demand.by_date) or any(channel.open for channel in demand.channels.values())
    columns = [] if counted is None else [counted.begins, counted.ends, *counted.tips.values()]
    return [scenario.calendars if by_calendar else {}, *(sha256(column.tobytes()).hexdigest() for column in columns)]


def _recorded(scenario: Scenario) -> list[str]:
    """What the trace of a scenario says, digested."""
    if scenario.demand.trace is None:
        return []
    found = trace(scenario)
    attributes = (found.channel, found.risk, found.category, *found.own.values(), found.incident)
    waits = (found.tier, found.patience, found.bears, found.wrap_up)
    columns: list[NDArray[Any]] = [found.arrival, *attributes, *waits, *found.work.values()]
    return [*found.work, *found.own, *(sha256(column.tobytes()).hexdigest() for column in columns)]
