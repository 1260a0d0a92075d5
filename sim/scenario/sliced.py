"""Which runs are drawn, simulated and measured in slices of time, told from the document alone.

A run that is large and plain is never in memory as a whole: tips come, are simulated and counted some at a time, and
what goes on from slice to slice is who is in the system. What comes out is the same, to the last bit. All other runs
are held whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from sim.dynamics.clock import DAY
from sim.scenario.arrivals import expected_tips
from sim.scenario.branches import branching
from sim.scenario.flow import offered_hours
from sim.scenario.rules import rules
from sim.scenario.schema import Scenario
from sim.scenario.target_kinds import OccupancyTarget
from sim.scenario.targets import Target

LARGE: Final = 500_000
"""Tips of a replication from which on it is sliced: smaller ones are as fast whole, and need little memory."""

SLICE: Final = 1 << 16
"""Tips drawn at a time, where no more are in the system: so many that what a slice costs is little to what its tips
cost, and so few that they stay near the processor."""

WORTH: Final = 0.5
"""Where more of the tips than this would be in memory at a time, nothing is gained."""

ADD_UP: Final = ("share", "service_level", "mean", "asa", "lost", "abandoned", "turned_away")
"""Kinds of targets on tips whose value comes from how many tips lie where, and from sums of their times."""

ONE_BY_ONE: Final = ("percentile", "median", "longest")
"""Kinds that need the time of every tip, which is kept: that is all that is left of it."""

MOST_CELLS: Final = 1 << 20
"""Windows of all places of a target, each of which has a number of its own; of more only those that have something."""

_IN_WEEK: Final = {"weekday": 7, "hour": 168, "half_hour": 336}
_A_DAY: Final = {"hour": 24, "half_hour": 48}


class InMemory(NamedTuple):
    """What of a replication is in memory at a time."""

    tips: float
    """Of a replication, about."""
    at_a_time: float
    """In memory, about: all of them, or those of a slice and what a line that grows for ever holds in the end."""
    slice_size: int = 0
    """How many are drawn, simulated and measured at a time; 0 where a run is held whole."""
    why_whole: str = ""
    """What keeps a large run from being sliced, "" where nothing of the document does."""


def in_memory(scenario: Scenario, tips: float | None = None) -> InMemory:
    """What of a scenario's replications is in memory: all where they are small, not plain, or so overloaded that most
    of it would be there all the same. `tips` are those of `tips_of`, where they are at hand."""
    tips = tips_of(scenario) if tips is None else tips
    why = why_whole(scenario) if tips >= LARGE else ""
    if tips >= LARGE and not why and (few := _in_slices(scenario, tips)) < WORTH * tips:
        return InMemory(tips, few, SLICE)
    return InMemory(tips, tips, why_whole=why)


def tips_of(scenario: Scenario) -> float:
    """How many tips a replication has, about."""
    return expected_tips(scenario)[0] + (sum(scenario.start_with.backlog.values()) if scenario.start_with else 0)


def why_whole(scenario: Scenario) -> str:
    """What of a scenario keeps its runs from being sliced, the first that is found; "" where nothing does.

    A plain scenario draws tips one after the other; it counts heads, whose number stays the same and who all work at
    full speed; its lines are first come, first served, by ranks that do not change, with room for all, in one overflow
    pool at most; its tips are in one place at a time, and are lost where they give up; and its targets are of kinds
    that come with the program, with no more windows than can have a number each.
    """
    return next(_reasons(scenario), "")


def _reasons(scenario: Scenario) -> Iterator[str]:
    demand, stages, pools = scenario.demand, scenario.stages, scenario.pools.values()
    of_demand = {"a recorded trace": demand.trace is not None, "incidents": bool(demand.incidents)}
    of_pools = {
        "shifts": any(pool.shifts for pool in pools),
        "levels of staff": any(pool.levels is not None for pool in pools),
        "an order of the line": any(pool.order != "first_come" for pool in pools),
    }
    of_stages = {
        "branches (`after`)": branching(stages),
        "wrap-up": any(stage.wrap_up is not None for stage in stages),
        "call-backs": any(stage.callback is not None for stage in stages),
        "due times": any(stage.due is not None for stage in stages),
        "merging": scenario.merges,
        "asides": any(stage.gives_up_to is not None or stage.turned_away_to is not None for stage in stages),
        "limited room": any(stage.waiting_room is not None or stage.lines is not None for stage in stages),
        "several overflow pools": any(len(stage.overflow) > 1 for stage in stages),
        "patience in a delay": any(stage.pool is None and stage.attempts for stage in stages),
    }
    yield from (why for why, there in {**of_demand, **of_pools, **of_stages}.items() if there)
    yield from (f"target '{name}'" for name, target in scenario.targets.items() if not _adds_up(scenario, target))
    found = rules(scenario)
    if found.kinds.moves_after.size:
        yield "moving up in line"
    if found.speeds.varies.any() or found.places.tells_apart.any():
        yield "speeds"


def _adds_up(scenario: Scenario, target: Target) -> bool:
    """Whether what a target asks for adds up over tips, in windows of which there are not too many."""
    if isinstance(target, OccupancyTarget):
        return True
    a_day = 1 if target.hold is None else _A_DAY.get(target.per, 1)
    n_cells = n_places(scenario, target) * a_day * (scenario.length / DAY + 2)
    return target.kind in ONE_BY_ONE or (target.kind in ADD_UP and n_cells <= MOST_CELLS)


def n_places(scenario: Scenario, target: Target) -> int:
    """In how many places a target is judged."""
    if target.in_each is None:
        return 1
    if target.in_each == "centre":
        return len(scenario.centres)
    return _IN_WEEK.get(target.in_each) or len(scenario.names[target.in_each])


def _in_slices(scenario: Scenario, tips: float) -> float:
    """How many of the tips are in memory at a time where a run is sliced."""
    offered = (offered_hours(scenario) - offered_hours(scenario, only_patient=True)).mean(axis=1)
    servers = np.array(
        [pool.staff * pool.slots * (1 if pool.shared else len(scenario.centres)) for pool in scenario.pools.values()]
    )
    waits = 1 - float(np.min(servers / np.maximum(offered, 1e-9), initial=1.0))
    # A slice is as large as what is in the system, and is copied when it is joined to it.
    return 2 * SLICE + 3 * max(waits, 0.0) * tips
