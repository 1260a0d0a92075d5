"""Between which numbers of people a search may go at each post: as the document or the caller says, else as many as
could ever be busy at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.engines import simulate
from sim.measures.frame import HOURS_A_WEEK, Frame
from sim.measures.kinds import kind_of
from sim.scenario.flow import offered_hours
from sim.scenario.pools import MOST_STAFF, Pool
from sim.scenario.schema import Scenario
from sim.scenario.targets import OfPool
from sim.studies.staff.staffed import Post, hours_of, post, posts_of, staff_path, staffed, with_pools
from sim.studies.trials import Trials

ASKED: Final = "asked for"
FROM_DOCUMENT: Final = "plausible range"
FROM_LOAD: Final = "as many as can be busy at once"

Bounds = tuple[int, int] | None
"""The least and the most people at each post of a pool; None where that is for the search to say."""


def decided(scenario: Scenario, pools: Mapping[str, Bounds] | None = None) -> list[tuple[str, int | None, Bounds, str]]:
    """The posts that are decided: pool, shift, bounds where there are any, and where these come from.

    They are those of the pools named; without any, those whose staff has a plausible range; without any, those of every
    pool that some stage needs. ValueError for a pool that is not there, or a range that is none.
    """
    ranges = _plausible(scenario)
    if pools is None:
        needed = {stage.pool for stage in scenario.stages} | {
            stage.overflow.to for stage in scenario.stages if stage.overflow
        }
        chosen: Mapping[str, Bounds] = dict.fromkeys(
            dict.fromkeys(pool for pool, _ in ranges) or [name for name in scenario.pools if name in needed]
        )
        only_with_range = bool(ranges)
    else:
        chosen, only_with_range = pools, False
    found: list[tuple[str, int | None, Bounds, str]] = []
    for name, asked in chosen.items():
        if name not in scenario.pools:
            raise ValueError(f"there is no pool '{name}'; there are {', '.join(scenario.pools)}")
        pool = scenario.pools[name]
        if asked is not None and not 0 <= asked[0] <= asked[1] <= MOST_STAFF:
            raise ValueError(
                f"the people of pool '{name}' lie between 0 and {MOST_STAFF:,} (got {asked[0]}..{asked[1]})"
            )
        for row in posts_of(pool):
            own = ranges.get((name, row), ranges.get((name, None)))
            if asked is not None:
                found.append((name, row, asked, ASKED))
            elif own is not None:
                found.append((name, row, (max(own[0], pool.at_least), max(own[1], pool.at_least)), FROM_DOCUMENT))
            elif not only_with_range:
                found.append((name, row, None, FROM_LOAD))
    return found


def bounded(scenario: Scenario, trials: Trials, pools: Mapping[str, Bounds] | None = None) -> tuple[Post, ...]:
    """The posts that are decided, each with its bounds; tips are drawn and simulated where those are to be found."""
    asked = decided(scenario, pools)

    @cache
    def most() -> list[int]:
        boundless = [post(scenario, name, row, 0, MOST_STAFF, "") for name, row, _, _ in asked]
        return _most_of_use(scenario, boundless, trials)

    found = []
    for i, (name, row, bounds, source) in enumerate(asked):
        pool = scenario.pools[name]
        if bounds is None:
            # People around the clock are there in every shift too.
            least = pool.at_least if row is None or not pool.staff else 0
            least = max(least, 1 if row is None and not pool.shifts else 0)
            bounds = least, max(most()[i], least)
        found.append(post(scenario, name, row, *bounds, source))
    return tuple(found)


def _plausible(scenario: Scenario) -> dict[tuple[str, int | None], tuple[int, int]]:
    """The ranges of staff in the document, by pool and shift."""
    found = {}
    for name, pool in scenario.pools.items():
        for row in (None, *range(len(pool.shifts))):
            given = scenario.plausible.get(staff_path(name, row))
            if given is not None:
                found[name, row] = (math.ceil(given.from_), math.floor(given.to))
    return found


def _most_of_use(scenario: Scenario, posts: list[Post], trials: Trials) -> list[int]:
    """People at each post beyond whom one more would be idle: no tip would wait.

    That is how many were busy at once in a replication in which nobody on duty was ever missing, with a fifth more and
    room for breaks; and at least what targets on pools ask for on average.
    """
    free = staffed(scenario, posts, tuple(MOST_STAFF for _ in posts))
    free = with_pools(free, {name: pool.model_copy(update={"breaks": None}) for name, pool in free.pools.items()})
    peak = _busiest(free, trials, 0)
    load = offered_hours(scenario)
    of_pools = [target for target in scenario.targets.values() if isinstance(target, OfPool)]
    found = []
    for one in posts:
        pool, p = scenario.pools[one.pool], scenario.pool_index(one.pool)
        hours = hours_of(scenario, one) > 0
        slots = 1.2 * float(peak[p, hours].max(initial=0)) + 1
        erlangs = float(load[p, hours].mean()) / (1 if pool.shared else len(scenario.centres))
        asked = [kind_of(target).servers(target, erlangs) + 1 for target in of_pools if target.pool == one.pool]
        slots = max([slots, *asked])
        found.append(min(math.ceil(slots / pool.concurrency * _room_for_breaks(pool, one.shift)), MOST_STAFF))
    return found


def _room_for_breaks(pool: Pool, row: int | None) -> float:
    """By how much more people a shift needs since some of them are on their break."""
    if row is None or pool.breaks is None:
        return 1.0
    away = pool.breaks.lasts * pool.breaks.per_shift / pool.shifts[row].length
    return 1 / max(1 - away, 0.1)


def _busiest(scenario: Scenario, trials: Trials, index: int) -> NDArray[np.int64]:
    """(n_pools, 168) most tips in service at once in each hour of the week, at the busiest place of each pool."""
    replication = trials.replication(scenario, index)
    log = simulate(replication, trials.settings.engine)
    frame = Frame(scenario)
    found = np.zeros((len(scenario.pools), HOURS_A_WEEK), np.int64)
    began, ended, where = log.spells.began, log.spells.ended, log.spells.place
    for place, pool in enumerate(frame.pool_of_place):
        mine = where == place
        if not mine.any():
            continue
        tick = np.concatenate([ended[mine], began[mine]])
        change = np.repeat([-1, 1], int(mine.sum()))
        order = np.argsort(tick, kind="stable")  # who ends on a tick makes room for who begins on it
        busy = np.cumsum(change[order])
        np.maximum.at(found[pool], frame.hour_of_week(tick[order]), busy)
    return found
