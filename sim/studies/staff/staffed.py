"""Staffings: how many people stand at each post of the roster, what that costs, and a scenario with them on duty.

A post is a number of people that can be decided. Nothing here decides one, and nothing runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.scenario.cost import full_time, paid_hours, price
from sim.scenario.pools import EVERY_DAY, Pool
from sim.scenario.schema import Scenario
from sim.scenario.shifts import week_on_duty

if TYPE_CHECKING:
    from collections.abc import Mapping

Staffing = tuple[int, ...]
"""People at each post, in the order of the posts."""


@dataclass(frozen=True, slots=True)
class Post:
    """The people of one shift of a pool, or of a pool around the clock, in each of its centres."""

    pool: str
    shift: int | None
    """The row of the pool's shifts; None for its people around the clock."""
    least: int
    most: int
    source: str
    """Where the bounds come from, in words."""
    paid_hours: float
    """Paid hours a week of one person more, in all centres together."""
    price: float
    """Cost of a paid hour there, nights counted."""

    @property
    def path(self) -> str:
        """Where a document has the number."""
        return staff_path(self.pool, self.shift)

    @property
    def cost(self) -> float:
        """A week, of one person more, in all centres together."""
        return self.paid_hours * self.price

    def held_to(self, least: int, most: int, source: str) -> Post:
        """The same post within other bounds."""
        return Post(self.pool, self.shift, least, most, source, self.paid_hours, self.price)


def staff_path(pool: str, shift: int | None) -> str:
    """The path of a number of people in a document.

    >>> staff_path("desk", None), staff_path("desk", 1)
    ('pools.desk.staff', 'pools.desk.shifts.1.staff')
    """
    return f"pools.{pool}.staff" if shift is None else f"pools.{pool}.shifts.{shift}.staff"


def post(scenario: Scenario, pool: str, shift: int | None, least: int, most: int, source: str) -> Post:
    """A post of a pool with what one person there is paid."""
    found = scenario.pools[pool]
    one = found.model_copy(update=_roster(found, {shift: 1}, others=0))
    alone = scenario.model_copy(update={"pools": {**scenario.pools, pool: one}})
    return Post(pool, shift, least, most, source, paid_hours(alone, pool), price(alone, pool))


def posts_of(pool: Pool) -> list[int | None]:
    """The posts of a pool: its people around the clock, where it has any or no shifts, and each shift."""
    around: list[int | None] = [None] if pool.staff or not pool.shifts else []
    return [*around, *range(len(pool.shifts))]


def present(scenario: Scenario, posts: Sequence[Post]) -> Staffing:
    """The staffing that a scenario has."""
    return tuple(_people(scenario.pools[one.pool], one.shift) for one in posts)


def staffed(scenario: Scenario, posts: Sequence[Post], staffing: Staffing) -> Scenario:
    """The scenario with a staffing on duty, all else as it is.

    Much cheaper than reading the document again: only the pools are made anew. The copy's `tree` is that of the
    scenario; its `hash` tells it from other staffings.
    """
    wanted: dict[str, dict[int | None, int]] = {}
    for one, people in zip(posts, staffing, strict=True):
        wanted.setdefault(one.pool, {})[one.shift] = people
    pools = {
        name: pool.model_copy(update=_roster(pool, wanted[name])) if name in wanted else pool
        for name, pool in scenario.pools.items()
    }
    return with_pools(scenario, pools)


def with_pools(scenario: Scenario, pools: Mapping[str, Pool]) -> Scenario:
    """The scenario with other people in its pools; equal rosters of one document have equal hashes."""
    roster = [(name, pool.staff, *((s.from_, s.to, s.staff) for s in pool.shifts)) for name, pool in pools.items()]
    document = scenario.hash.partition(" ")[0]
    return scenario.model_copy(update={"pools": dict(pools), "hash": f"{document} {roster}"})


def cost(posts: Sequence[Post], staffing: Staffing) -> float:
    """What a staffing costs a week: its paid hours times the prices of its pools, overtime apart."""
    return sum(one.cost * people for one, people in zip(posts, staffing, strict=True))


def paid_by_pool(scenario: Scenario) -> dict[str, float]:
    """Paid hours a week of each pool, overtime apart."""
    return {name: paid_hours(scenario, name) for name in scenario.pools}


def fte(scenario: Scenario, hours: float) -> float:
    """Full-time equivalents of paid hours a week."""
    return full_time(scenario, hours)


def hours_of(scenario: Scenario, one: Post) -> NDArray[np.float64]:
    """(168,) the share of each hour of the week, from Monday 00:00, in which the post is on duty, breaks apart."""
    pool = scenario.pools[one.pool]
    roster = _roster(pool, {one.shift: 1}, others=0) | {"breaks": None, "shared": True}
    alone = scenario.model_copy(update={"pools": {one.pool: pool.model_copy(update=roster)}})
    found: NDArray[np.float64] = np.minimum(np.array(week_on_duty(alone, one.pool)), 1.0)
    return found


def post_words(scenario: Scenario, one: Post) -> str:
    """A post as people name it."""
    from sim.scenario import units

    if one.shift is None:
        return one.pool
    shift = scenario.pools[one.pool].shifts[one.shift]
    days = "" if shift.days == EVERY_DAY else f" {units.day_names(shift.days)}"
    return f"{one.pool} {_clock(shift.from_)}-{_clock(shift.to)}{days}"


def _clock(ticks: int) -> str:
    from sim.dynamics.clock import HOUR, MINUTE

    return f"{ticks // HOUR:02}:{ticks // MINUTE % 60:02}"


def _people(pool: Pool, shift: int | None) -> int:
    return pool.staff if shift is None else pool.shifts[shift].staff


def _roster(pool: Pool, wanted: Mapping[int | None, int], others: int | None = None) -> dict[str, object]:
    """The fields of a pool with the people wanted at some posts, and `others` (or as many as now) at the rest."""

    def people(row: int | None) -> int:
        return wanted.get(row, _people(pool, row) if others is None else others)

    shifts = tuple(shift.model_copy(update={"staff": people(row)}) for row, shift in enumerate(pool.shifts))
    return {"staff": people(None), "shifts": shifts}
