"""First guesses of staffing: for each post on its own, the fewest people by Erlang's formulas in an average hour.

A guess saves trials and proves nothing. Each line is taken as one of Poisson arrivals and exponential work; a target
that spans several lines gives each an equal part of the time and of the misses that it allows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.measures.kinds import Enough, ErlangLine, kind_of
from sim.scenario.flow import flow, offered_hours
from sim.scenario.schema import ByAttribute, Law, Scenario, Stage
from sim.scenario.targets import Between, Milestone, OfPool
from sim.studies.staff.staffed import Post, Staffing, hours_of, present

SHORTEST: Final = 0.05
"""Where the work alone takes as long as a target allows, this part of its time is reckoned for waiting."""


def first_guess(scenario: Scenario, posts: Sequence[Post]) -> Staffing:
    """People at each post, within its bounds."""
    load = offered_hours(scenario)
    now = present(scenario, posts)
    found: dict[tuple[str, int | None], int] = {}
    for one in sorted(posts, key=lambda post: post.shift is not None):
        pool, p = scenario.pools[one.pool], scenario.pool_index(one.pool)
        hours = hours_of(scenario, one)
        centres = 1 if pool.shared else len(scenario.centres)
        erlangs = float(load[p] @ hours) / max(float(hours.sum()), 1e-9) / centres
        around = found.get((one.pool, None), pool.staff) if one.shift is not None else 0
        people = math.ceil(_servers(scenario, one.pool, erlangs) / pool.capacity) - around
        if one.shift is None and pool.shifts:
            # Shifts bring the rest: the people around the clock are those that the quietest hour needs.
            quiet = float(load[p].min()) / centres
            people = math.ceil(_servers(scenario, one.pool, quiet) / pool.capacity)
        found[one.pool, one.shift] = min(max(people, one.least), one.most)
    assert len(now) == len(posts)
    return tuple(found[one.pool, one.shift] for one in posts)


def _servers(scenario: Scenario, pool: str, erlangs: float) -> int:
    """The fewest servers that every target gives its due, and that bear the load."""
    asked = list(_asked(scenario, pool))
    servers = 0 if erlangs == 0 else math.floor(erlangs) + 1
    if erlangs and any(line.patience for line in _lines(scenario, pool)):
        servers = 1
    ceiling = 10 * servers + 100
    while servers < ceiling and erlangs and not all(enough(erlangs, servers) for enough in asked):
        servers += 1
    return servers


@dataclass(frozen=True, slots=True)
class _PostLine:
    """A stage as the formulas see it."""

    stage: Stage
    service: float
    """Mean, in ticks."""
    patience: float
    """Mean, in ticks; 0 where tips wait for ever."""


def _lines(scenario: Scenario, pool: str | None = None) -> list[_PostLine]:
    """The stages in their order, or those that a pool serves."""
    return [
        _PostLine(stage, _mean(stage.time), _mean(stage.patience) if stage.patience else 0.0)
        for stage in scenario.stages
        if pool is None or stage.pool == pool
    ]


def _mean(law: ByAttribute[Law]) -> float:
    return float(np.mean([one.mean for one in law.values.values()]))


def _asked(scenario: Scenario, pool: str) -> Iterator[Enough]:
    """What the targets ask of the line of a pool."""
    own = _lines(scenario, pool)
    if not own:
        return
    visits = flow(scenario).visits.sum(axis=1)
    weight = [float(visits[scenario.stage_index(line.stage.name)]) for line in own]
    service = float(np.average([line.service for line in own], weights=weight if any(weight) else None))
    patience = next((line.patience for line in own if line.patience), 0.0)
    first = scenario.pools[pool].serve_first or scenario.pools[pool].preempt
    for target in scenario.targets.values():
        line = ErlangLine(service, patience)
        if isinstance(target, OfPool) and target.pool != pool:
            continue
        if isinstance(target, Between):
            spanned = _spanned(scenario, target.from_, target.to)
            waiting = [line for line, waits, _ in spanned if waits and line.stage.pool is not None]
            if not any(line.stage.pool == pool for line in waiting):
                continue
            if target.of is not None and first:
                continue  # its tips may go first, and then hardly wait
            working = sum(line.service for line, _, works in spanned if works)
            room = max(target.limit - working, SHORTEST * target.limit) / len(waiting)
            line = ErlangLine(service, patience, room, len(waiting))
        if enough := kind_of(target).enough(target, line):
            yield enough


def _spanned(scenario: Scenario, first: Milestone, last: Milestone) -> list[tuple[_PostLine, bool, bool]]:
    """The stages between two milestones, and whether their wait and their work lie between them."""
    begin = _place(scenario, first, latest=False)
    end = _place(scenario, last, latest=True)
    return [
        (line, begin <= 3 * s and 3 * s + 1 <= end, begin <= 3 * s + 1 and 3 * s + 2 <= end)
        for s, line in enumerate(_lines(scenario))
    ]


def _place(scenario: Scenario, milestone: Milestone, *, latest: bool) -> int:
    """Where on the way a milestone lies: three steps a stage, its enter, start and end."""
    steps = {"arrival": 0, "leave": 3 * len(scenario.stages), "lost": 3 * len(scenario.stages)}
    found = [
        steps[moment.what]
        if moment.stage is None
        else 3 * scenario.stage_index(moment.stage) + ("enter", "start", "end").index(moment.what)
        for moment in milestone.moments
    ]
    return max(found) if latest else min(found)
