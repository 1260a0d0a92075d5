"""Who is absent: each person of each row of the roster and each date, by a draw of its own.

A draw is keyed by who it is, not by how many there are, so that a person is the same away whatever the staffing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.draw.streams import keyed_uniforms
from sim.scenario.shifts import seats, without

if TYPE_CHECKING:
    from sim.dynamics.replication import Plan
    from sim.scenario.schema import Scenario


def with_absence(scenario: Scenario, plan: Plan, index: int, seed: int) -> Plan:
    """The plan of one replication: that of the scenario without those who are absent in it."""
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
