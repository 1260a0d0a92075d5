"""Staffings: how many people stand at each post of the roster, what that costs, and a scenario with them on duty; and
which pools the targets depend on.

A post is a number of people that can be decided, between bounds: as the document or the caller says, else as many as
could ever be busy at once. Nothing here decides one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.engines import simulate
from sim.measures.frame import Frame
from sim.measures.kinds import kind_of
from sim.scenario import units
from sim.scenario.arrivals import HOURS_A_WEEK
from sim.scenario.calendars import EVERY_DAY
from sim.scenario.cost import full_time, paid_hours, price
from sim.scenario.flow import offered_hours
from sim.scenario.levels import MOST_STAFF, Levels
from sim.scenario.moments import Milestone
from sim.scenario.pools import Pool
from sim.scenario.routes import Crowd, crowd, ways
from sim.scenario.schema import LostTarget, Scenario
from sim.scenario.shifts import on_duty, plan, week_on_duty
from sim.scenario.targets import OfPool, OfTips, Target, Timed
from sim.studies.trials import QuestionError, Trials

if TYPE_CHECKING:
    from sim.scenario.pools import Filter
    from sim.scenario.schema import Stage


Staffing = tuple[int, ...]
"""People at each post, in the order of the posts."""

ASKED: Final = "asked for"
FROM_DOCUMENT: Final = "plausible range"
FROM_LOAD: Final = "as many as can be busy at once"

Bounds = tuple[int, int] | None
"""The least and the most people at each post of a pool; None where that is for the search to say."""


@dataclass(frozen=True, slots=True)
class Post:
    """The people of one shift of a pool, of a stretch of its levels, or around the clock, in each of its centres."""

    pool: str
    shift: int | None
    """The row of the pool's shifts, or the stretch of its levels; None for its people around the clock."""
    least: int
    most: int
    source: str
    """Where the bounds come from, in words."""
    paid_hours: float
    """Paid hours a week of one person more, in all centres together."""
    price: float
    """Cost of a paid hour there, nights counted."""
    level: tuple[int, int, int] | None = None
    """Of a stretch of levels: its block, its first interval and one beyond its last."""

    @property
    def path(self) -> str:
        """Where a document has the number; of a stretch of levels, the first of them."""
        if self.level is not None:
            return f"pools.{self.pool}.levels.{self.level[0]}.staff.{self.level[1]}"
        return staff_path(self.pool, self.shift)

    @property
    def cost(self) -> float:
        """A week, of one person more, in all centres together."""
        return self.paid_hours * self.price


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
    level = None if found.levels is None or shift is None else found.levels.stretches[shift]
    return Post(pool, shift, least, most, source, paid_hours(alone, pool), price(alone, pool), level)


def posts_of(pool: Pool) -> list[int | None]:
    """The posts of a pool: its people around the clock, where it has any or no shifts, and each shift of the week, or
    each stretch of its levels.

    Rows and levels for dates of their own are given, and no search decides them; nor levels that a file gives.
    """
    if pool.levels is not None:
        return [*([None] if pool.staff else []), *range(len(pool.levels.stretches))]
    rows = [row for row, shift in enumerate(pool.shifts) if not shift.on]
    around: list[int | None] = [None] if pool.staff or not rows else []
    return [*around, *rows]


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


def changes(scenario: Scenario, posts: Sequence[Post], staffing: Staffing) -> dict[str, str]:
    """What makes a document have a staffing: values by path, the whole list of heads where levels are decided."""
    found = {one.path: str(people) for one, people in zip(posts, staffing, strict=True) if one.level is None}
    manned = staffed(scenario, posts, staffing).pools
    for name in dict.fromkeys(one.pool for one in posts if one.level is not None):
        levels, written = manned[name].levels, scenario.tree["pools"][name]["levels"]
        assert levels is not None
        for row, block in enumerate(levels.blocks):
            if block.on is None:
                at = f".{row}" if isinstance(written, list) else ""
                found[f"pools.{name}.levels{at}.staff"] = f"[{', '.join(map(str, block.staff))}]"
    return found


def with_pools(scenario: Scenario, pools: Mapping[str, Pool]) -> Scenario:
    """The scenario with other people in its pools; equal rosters of one document have equal hashes."""
    roster = [
        (
            name,
            pool.staff,
            *((s.from_, s.to, s.staff) for s in pool.shifts),
            *(pool.levels.digest if pool.levels else ()),
        )
        for name, pool in pools.items()
    ]
    document = scenario.hash.partition(" ")[0]
    return scenario.model_copy(update={"pools": dict(pools), "hash": f"{document} {roster}"})


def unlimited(scenario: Scenario) -> Scenario:
    """The scenario with so many people around the clock that nobody waits for one."""
    pools = {name: pool.model_copy(update=_plenty(pool)) for name, pool in scenario.pools.items()}
    return with_pools(scenario, pools)


def plentiful(scenario: Scenario, posts: Mapping[str, Collection[int | None]]) -> Scenario:
    """The scenario with so many people at some posts of its pools that nobody waits for one while they are manned.

    They are heads, as many as on duty at the other posts where these are not: who is at work when a post closes
    finishes, which is the best that can be.
    """
    pools = dict(scenario.pools)
    for name, rows in posts.items():
        pool = scenario.pools[name]
        if None in rows:
            pools[name] = pool.model_copy(update=_plenty(pool))
        elif rows:
            tick, many = _heads(scenario, name, dict.fromkeys(rows, 1))
            rest = {row: _people(pool, row) for row in posts_of(pool) if row not in rows}
            then, others = _heads(scenario, name, rest)
            ticks = np.union1d(tick, then)
            heads = np.where(_held(tick, many, ticks) > 0, MOST_STAFF, _held(then, others, ticks))
            pools[name] = pool.model_copy(
                update=_plenty(pool)
                | {"staff": 0, "levels": Levels.of_run(scenario.run.start, ticks, heads.astype(np.int64))}
            )
    return with_pools(scenario, pools)


def _plenty(pool: Pool) -> dict[str, object]:
    """What makes the people of a pool so many that nothing they do matters, but for the speed at which they work."""
    return {
        "staff": MOST_STAFF,
        "shifts": (),
        "levels": None,
        "absence": 0.0,
        "breaks": (),
        "last_start": 0,
        "at_shift_end": "finish",
        "concurrency": pool.concurrency.model_copy(update={"speed": None}),
    }


def _heads(
    scenario: Scenario, name: str, people: Mapping[int | None, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The people of some posts of a pool on duty at one of its places, breaks apart, as a step function from tick 0."""
    pool = scenario.pools[name]
    alone = pool.model_copy(update=_roster(pool, dict(people), others=0) | {"breaks": (), "last_start": 0})
    tick, heads = on_duty(plan(scenario.model_copy(update={"pools": {name: alone}})), 0)
    return np.append(0, tick), np.append(0, heads).astype(np.int64)


def _held(tick: NDArray[np.int64], heads: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.int64]:
    """A step function at other ticks."""
    held: NDArray[np.int64] = heads[tick.searchsorted(at, side="right") - 1]
    return held


def cost(posts: Sequence[Post], staffing: Staffing) -> float:
    """What a staffing costs a week: its paid hours times the prices of its pools, overtime apart."""
    return sum(one.cost * people for one, people in zip(posts, staffing, strict=True))


def fte(scenario: Scenario) -> float:
    """Full-time equivalents of all pools, overtime apart."""
    return full_time(scenario, sum(paid_hours(scenario, name) for name in scenario.pools))


def hours_of(scenario: Scenario, one: Post) -> NDArray[np.float64]:
    """(168,) the share of each hour of the week, from Monday 00:00, in which the post is on duty, breaks apart."""
    pool = scenario.pools[one.pool]
    roster = _roster(pool, {one.shift: 1}, others=0) | {"breaks": (), "shared": True, "absence": 0.0}
    alone = scenario.model_copy(update={"pools": {one.pool: pool.model_copy(update=roster)}})
    found: NDArray[np.float64] = np.minimum(np.array(week_on_duty(alone, one.pool)), 1.0)
    return found


def post_words(scenario: Scenario, one: Post) -> str:
    """A post as people name it."""

    if one.shift is None:
        return one.pool
    if one.level is not None:
        row, first, end = one.level
        levels = scenario.pools[one.pool].levels
        assert levels is not None
        block = levels.blocks[row]
        on = "" if block.days == EVERY_DAY else f" {units.day_names(block.days)}"
        return f"{one.pool} {units.clock(first * block.every)}-{units.clock(end * block.every)}{on}"
    shift = scenario.pools[one.pool].shifts[one.shift]
    days = "" if shift.days == EVERY_DAY else f" {units.day_names(shift.days)}"
    return f"{one.pool} {units.clock(shift.from_)}-{units.clock(shift.to)}{days}"


def people_words(posts: Sequence[Post], staffing: Staffing) -> str:
    """A staffing pool by pool, shift by shift in the order of the roster: `nurses 1+1+1, desk 3`."""
    by_pool: dict[str, list[int]] = {}
    for one, people in zip(posts, staffing, strict=True):
        by_pool.setdefault(one.pool, []).append(people)
    return ", ".join(f"{pool} {'+'.join(map(str, each))}" for pool, each in by_pool.items())


def _people(pool: Pool, shift: int | None) -> int:
    if shift is None:
        return pool.staff
    return pool.shifts[shift].staff if pool.levels is None else pool.levels.heads_of(shift)


def _roster(pool: Pool, wanted: Mapping[int | None, int], others: int | None = None) -> dict[str, object]:
    """The fields of a pool with the people wanted at some posts, and `others` (or as many as now) at the rest."""

    def people(row: int | None) -> int:
        return wanted.get(row, _people(pool, row) if others is None else others)

    if pool.levels is not None:
        heads = [people(stretch) for stretch in range(len(pool.levels.stretches))]
        return {"staff": people(None), "levels": pool.levels.with_heads(heads)}
    shifts = tuple(shift.model_copy(update={"staff": people(row)}) for row, shift in enumerate(pool.shifts))
    return {"staff": people(None), "shifts": shifts}


def decided(scenario: Scenario, pools: Mapping[str, Bounds] | None = None) -> list[tuple[str, int | None, Bounds, str]]:
    """The posts that are decided: pool, shift, bounds where there are any, and where these come from.

    They are those of the pools named; without any, those whose staff has a plausible range; without any, those of every
    pool that some stage needs. A pool that no target depends on is not decided (`kept`). QuestionError for a pool that
    is not there, or a range that is none.
    """
    judged = judged_pools(scenario)
    return [one for one in _asked_for(scenario, pools) if one[0] in judged]


def kept(scenario: Scenario, pools: Mapping[str, Bounds] | None = None) -> tuple[str, ...]:
    """The pools that would be decided if some target depended on them, and keep their people."""
    judged = judged_pools(scenario)
    return tuple(dict.fromkeys(name for name, *_ in _asked_for(scenario, pools) if name not in judged))


def _asked_for(scenario: Scenario, pools: Mapping[str, Bounds] | None) -> list[tuple[str, int | None, Bounds, str]]:
    """The posts that are asked about, whether or not a target depends on them."""
    ranges = _plausible(scenario)
    if pools is None:
        chosen: Mapping[str, Bounds] = dict.fromkeys(
            dict.fromkeys(pool for pool, _ in ranges) or needed_pools(scenario)
        )
        only_with_range = bool(ranges)
    else:
        chosen, only_with_range = pools, False
    found: list[tuple[str, int | None, Bounds, str]] = []
    for name, asked in chosen.items():
        if name not in scenario.pools:
            raise QuestionError(f"there is no pool '{name}'; there are {', '.join(scenario.pools)}")
        pool = scenario.pools[name]
        if asked is not None and asked[0] > asked[1]:
            raise QuestionError(
                f"the bounds of pool '{name}' are written lowest first, {name}={asked[1]}..{asked[0]} "
                f"(got {asked[0]}..{asked[1]})"
            )
        if asked is not None and not 0 <= asked[0] <= asked[1] <= MOST_STAFF:
            raise QuestionError(
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
            least = max(least, 1 if row is None and not (pool.shifts or pool.levels) else 0)
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
    decided_at: dict[str, set[int | None]] = {}
    for one in posts:
        decided_at.setdefault(one.pool, set()).add(one.shift)
    peak = _busiest(plentiful(scenario, decided_at), trials, 0)
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
        found.append(min(math.ceil(slots / pool.slots * _room_for_breaks(pool, one.shift)), MOST_STAFF))
    return found


def _room_for_breaks(pool: Pool, row: int | None) -> float:
    """By how much more people a shift needs since some of them are on their break."""
    if row is None or pool.levels is not None:
        return 1.0
    off = sum(kind.lasts * kind.per_shift for kind in pool.breaks) + pool.last_start
    return 1 / max((1 - off / pool.shifts[row].length) * (1 - pool.absence), 0.1)


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


# What targets depend on


def more_may_hurt(scenario: Scenario) -> bool:
    """Whether more people at a post may make a target worse, so that nothing follows from a staffing for another one:
    where tips are turned away, merge, or go another way when they give up."""
    return any(stage.limited or stage.merge or stage.asides for stage in scenario.stages)


def judged_pools(scenario: Scenario, targets: Mapping[str, Target] | None = None) -> frozenset[str]:
    """The pools that the targets depend on, all of the scenario's if none are given.

    A pool counts where some stage of it lies on the way of a tip to the last moment that a target judges, where tips
    may overflow to it on that way, or where its occupancy is judged.
    """
    found: set[str] = set()
    for target in (scenario.targets if targets is None else targets).values():
        if isinstance(target, OfPool):
            found.add(target.pool)
        elif isinstance(target, OfTips):
            for stage in _on_the_way(scenario, target):
                found.update(stage.pools)
        else:
            found.update(scenario.pools)
    return frozenset(found)


def needed_pools(scenario: Scenario) -> list[str]:
    """The pools that some stage needs, in their order."""
    needed = {name for stage in scenario.stages for name in stage.pools}
    return [name for name in scenario.pools if name in needed]


def unminded_stages(scenario: Scenario) -> tuple[int, ...]:
    """The stages, by number, where tips may give up and no target judges that of every kind of tip that comes there.

    A target on `lost` judges it, one on a stage that of those who give up there, and one on a share or a percentile
    that counts a lost tip as a miss, where its last moment is not over when the tip comes there.
    """
    stages = scenario.stages
    if not any(stage.patience for stage in stages):
        return ()
    tips = _crowd(scenario, [target.of for target in scenario.targets.values() if isinstance(target, OfTips)])
    entering = [came.any(axis=1) for came in ways(tips, stages).entering]
    found = []
    for number, stage in enumerate(stages):
        if stage.patience is not None and entering[number].any():
            minded = [_covered(tips, target.of) for target in _minding(scenario, number)]
            if bool(np.any(entering[number] & ~np.any(minded, axis=0))):
                found.append(number)
    return tuple(found)


def minding(scenario: Scenario, number: int) -> list[OfTips]:
    """The targets that judge of every kind of tip that comes to a stage whether it gives up there."""
    found = _minding(scenario, number)
    tips = _crowd(scenario, [target.of for target in found])
    entering = ways(tips, scenario.stages).entering[number].any(axis=1)
    return [target for target in found if not (entering & ~_covered(tips, target.of)).any()]


def _minding(scenario: Scenario, number: int) -> list[OfTips]:
    """The targets against which a tip counts that gives up at a stage, if it is one of theirs."""
    of_tips = (target for target in scenario.targets.values() if isinstance(target, OfTips))
    return [target for target in of_tips if _minds(scenario, target, number)]


def _minds(scenario: Scenario, target: OfTips, number: int) -> bool:
    """Whether a tip that gives up at a stage counts against a target that is about it."""
    if not target.minds_lost:
        return False
    if target.at_stage is not None:
        return scenario.stages[number].name == target.at_stage
    return not isinstance(target, Timed) or number <= _last(scenario, target.to)


def _covered(tips: Crowd, of: Filter | None) -> NDArray[np.bool_]:
    """(rows,) the kinds of tips that a filter matches whatever they are labelled."""
    found: NDArray[np.bool_] = np.asarray(tips.of(of).all(axis=1))
    return found


def _crowd(scenario: Scenario, filters: list[Filter | None]) -> Crowd:
    """All kinds of tips that come; of a trace all that may."""
    return crowd(
        scenario.demand, scenario.labels, scenario.stages, filters, only_positive=scenario.demand.trace is None
    )


def _on_the_way(scenario: Scenario, target: OfTips) -> Iterator[Stage]:
    """The stages that tips of a target may come to before it has judged them."""
    # The label that a tip gets in the end says nothing of the way that it came.
    of = None if target.of is None else target.of.model_copy(update={"tier": None, "labelled": None})
    tips = _crowd(scenario, [of])
    tips = replace(tips, alive=tips.alive & tips.of(of))
    comes = [bool(came.any()) for came in ways(tips, scenario.stages).entering]
    last = _last_judged(scenario, target, comes)
    index = {stage.name: number for number, stage in enumerate(scenario.stages)}
    while True:
        # Who is sent back from behind the last moment may pass it again.
        behind = [
            number
            for number, stage in enumerate(scenario.stages)
            if number > last and comes[number] and stage.rework and index[stage.rework.back_to] <= last
        ]
        if not behind:
            break
        last = max(behind)
    for number, stage in enumerate(scenario.stages):
        if number <= last and comes[number]:
            yield stage


def _last_judged(scenario: Scenario, target: OfTips, comes: list[bool]) -> int:
    """The number of the last stage on the way to what a target judges; -1 where there is none."""
    if target.at_stage is not None:
        return scenario.stage_index(target.at_stage)
    if isinstance(target, Timed):
        return max(_last(scenario, target.from_), _last(scenario, target.to))
    patient = [number for number, stage in enumerate(scenario.stages) if comes[number] and stage.patience is not None]
    if isinstance(target, LostTarget):
        return max(patient, default=-1)
    return len(scenario.stages) - 1


def _last(scenario: Scenario, milestone: Milestone) -> int:
    """The number of the last stage that a tip is at before a milestone; -1 where it comes to none."""
    found = -1
    for one in milestone.moments:
        if one.stage is not None:
            found = max(found, scenario.stage_index(one.stage) - (one.what == "enter"))
        elif one.what != "arrival":
            found = len(scenario.stages) - 1
    return found
