"""From a scenario to a replication: here every random choice is made, and nowhere else.

Everything is drawn from named streams with one row a tip (`streams.py`), so the same tips meet every staffing.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from sim.draw.key import draw_key
from sim.draw.preparation import fixed, prepared
from sim.draw.streams import RememberedStreams, keyed_uniforms
from sim.dynamics.replication import Replication, Tips, Visits
from sim.scenario.shifts import seats, without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sim.dynamics.replication import Plan, Rules
    from sim.scenario.schema import Scenario

__all__ = ["RememberedStreams", "draw", "draw_key", "draw_slices", "draw_tips", "restaff"]


def draw(
    scenario: Scenario, index: int, *, seed: int | None = None, streams: RememberedStreams | None = None
) -> Replication:
    """Replication `index` of a scenario, by its own seed if none is given.

    The same scenario, seed and index give the same arrays, with or without `streams`, in which another scenario's
    replication of that seed and index may have left what it drew. ScenarioError when next to no tip comes to a stage
    that has a backlog.
    """
    drawn_by = _drawn_by(scenario, index, seed)
    tips, visits = prepared(scenario).draw(index, drawn_by, streams)
    return Replication(tips, visits, *_staffing(scenario, index, drawn_by), index, drawn_by)


def draw_tips(scenario: Scenario, index: int, *, seed: int | None = None) -> tuple[Tips, Visits]:
    """The tips of a replication and all they would do: what is drawn, without the staffing that they meet."""
    return prepared(scenario).draw(index, _drawn_by(scenario, index, seed))


def draw_slices(
    scenario: Scenario, index: int, *, size: Callable[[], int], seed: int | None = None
) -> tuple[Rules, Plan, Iterator[tuple[Tips, Visits]]]:
    """The rules and the plan that the tips of a replication meet, and the tips in order, about as many at a time
    as `size` then says.

    One after the other they are what `draw` gives. ValueError where tips are recorded or come with incidents.
    """
    drawn_by = _drawn_by(scenario, index, seed)
    found, plan = _staffing(scenario, index, drawn_by)
    return found, plan, prepared(scenario).slices(index, drawn_by, size)


def restaff(replication: Replication, scenario: Scenario) -> Replication:
    """The same tips before the staffing and the rules of a scenario, which must have the `draw_key` they were drawn by.

    Who is absent is the same person in every staffing. ValueError where the scenario plainly has another key.
    """
    old, (new, plan) = replication.rules, _staffing(scenario, replication.index, replication.seed)
    if new.horizon != old.horizon or not np.array_equal(new.kinds.stage, old.kinds.stage):
        raise ValueError("these tips were drawn for another scenario: their draw keys differ")
    return replace(replication, rules=new, plan=plan)


def _drawn_by(scenario: Scenario, index: int, seed: int | None) -> int:
    """The seed of a replication; ValueError where there is none of that index."""
    if index < 0:
        raise ValueError(f"the index of a replication is at least 0 (got {index})")
    return scenario.run.seed if seed is None else seed


def _staffing(scenario: Scenario, index: int, seed: int) -> tuple[Rules, Plan]:
    """The rules of a scenario, and its plan as it is in one replication."""
    found, plan = fixed(scenario)
    return found, _with_absence(scenario, plan, index, seed)


def _with_absence(scenario: Scenario, plan: Plan, index: int, seed: int) -> Plan:
    """The plan of one replication: that of the scenario without those who are absent in it.

    Each person of each row of the roster and each date has a draw of its own, keyed by who it is and not by how many
    there are, so that a person is the same away whatever the staffing.
    """
    if not any(pool.absence for pool in scenario.pools.values()):
        return plan
    people = plan.people
    away = np.zeros(len(people), np.bool_)
    date = scenario.run.start.toordinal() + people.day.astype(np.int64)
    centres = scenario.centre_names
    for place, seat in enumerate(seats(scenario)):
        pool = scenario.pools[seat.pool]
        centre = centres[seat.centre] if seat.centre >= 0 else ""
        same: dict[tuple[str, ...], int] = {}
        for row, shift in enumerate(pool.shifts if pool.absence else (), 1):
            key = shift.key
            same[key] = nth = same.get(key, -1) + 1
            mine = np.flatnonzero((people.place == place) & (people.row == row))
            name = ("absence", seat.pool, centre, *key, str(nth))
            drawn = keyed_uniforms(seed, index, name, date[mine], people.number[mine].astype(np.int64))
            away[mine] = drawn < pool.absence
    return without(plan, away)


class _Draw(ModuleType):
    """This package, which can be called: once it is imported, `sim.draw` is the package and no longer the function."""

    def __call__(
        self, scenario: Scenario, index: int, *, seed: int | None = None, streams: RememberedStreams | None = None
    ) -> Replication:
        return draw(scenario, index, seed=seed, streams=streams)


sys.modules[__name__].__class__ = _Draw
