"""The backlog: tips that already wait at a stage when the run starts.

A tip of the backlog is one that would have reached that stage, with the attributes and the label that such tips have.
So candidates are drawn like any other tips, from streams of their own, and the first that visit the stage are kept,
without the visits that they made before. At an aside these are the first that would come there if a visit were in vain.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sim.draw.routes import NONE, Aside, Begins, Route, StageRound, among

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim.draw.routes import Rows, Tail
    from sim.dynamics.replication import Flags, Ticks


def from_stage(route: Route, at: int, most: int) -> Route:
    """The routes of the first tips that visit a stage, up to `most` of them, from their first visit there on."""
    before = np.full(route.count.size, -1, dtype=np.int64)
    beside = any(group.begins for groups in route.groups for group in groups)
    for group in reversed(route.groups[at]):
        if group.begins or not beside:
            before[group.tips] = group.sequence
    kept = np.flatnonzero(before >= 0)[:most]
    if beside:
        return _descending(route, before, kept)
    dropped = np.full(before.size, np.iinfo(np.int64).max)
    dropped[kept] = before[kept]
    count = np.zeros_like(route.count)
    count[kept] = route.count[kept] - before[kept]
    later = [[_later(group, dropped) for group in groups] for groups in route.groups]
    groups = [[group for group in groups if group.sequence.size] for groups in later]
    tails = [tail for one in route.tails if (tail := _later_tail(one, dropped))]
    return Route(groups, count, route.tier, kept, route.labeller, tails)


def from_aside(route: Route, at: int, most: int) -> list[Route]:
    """The routes from an aside on of the first tips that may come there, up to `most`, by the visit that was in vain.

    A tip that may come there by several visits comes by the first.
    """
    tails = list(_tails(route))
    whose = np.full(route.count.size, -1, dtype=np.int64)
    for number in reversed(range(len(tails))):
        for group in tails[number].route.groups[at]:
            whose[group.tips] = number
    whose[np.flatnonzero(whose >= 0)[most:]] = -1
    numbers = np.unique(whose[whose >= 0]).tolist()
    return [from_stage(_without(tails[number].route, whose != number), at, most) for number in numbers]


def _tails(route: Route) -> Iterator[Tail]:
    for tail in route.tails:
        yield tail
        yield from _tails(tail.route)


def _descending(route: Route, before: Rows, kept: Rows) -> Route:
    """Of tips that may be in several places at a time, the visits that stay: the first, and what descends from it."""
    most = int(route.count.max(initial=0))
    stays = np.zeros((route.count.size, most + 1), dtype=np.bool_)
    stays[kept, before[kept]] = True
    # The last column is for what does not lie on the way.
    cues = [
        (np.arange(route.count.size)[group.tips], group.sequence, one.sequence)
        for groups in route.groups
        for group in groups
        for one in group.begins
    ]
    cues += [(way.tips, way.to, way.sequence) for way in route.asides]
    tips, to, of = (np.concatenate(column) for column in zip(*cues, strict=True))
    for sequence in range(most):
        here = to == sequence
        np.logical_or.at(stays, (tips[here], to[here]), stays[tips[here], of[here]])
    now = np.where(stays, np.cumsum(stays, axis=1) - 1, NONE)

    def later(group: StageRound) -> StageRound:
        whose = np.arange(route.count.size)[group.tips]
        chosen = np.flatnonzero(stays[whose, group.sequence])
        mine = whose[chosen]
        begins = [
            Begins(now[mine, one.sequence[chosen]], one.after, [now[mine, aside[chosen]] for aside in one.instead])
            for one in group.begins
        ]
        labels = None if group.labels_as is None else group.labels_as[chosen]
        found = _chosen(group, chosen, now[mine, group.sequence[chosen]])
        return replace(found, begins=begins, labels_as=labels, gives=group.gives)

    groups = [[one for group in those if (one := later(group)).sequence.size] for those in route.groups]
    asides = []
    for way in route.asides:
        chosen = np.flatnonzero(stays[way.tips, way.sequence])
        tips = way.tips[chosen]
        before, after = now[tips, way.sequence[chosen]], now[tips, way.to[chosen]]
        asides.append(Aside(tips, before, after, way.given_up, way.turned_away))
    return Route(groups, stays.sum(axis=1), route.tier, kept, route.labeller, (), asides)


def _later_tail(tail: Tail, dropped: Ticks) -> Tail | None:
    """The way on from visits that are not dropped; None where all are."""
    left = tail.sequence - dropped[tail.tips]
    chosen = np.flatnonzero(left >= 0)
    if not chosen.size:
        return None
    gone = np.ones(dropped.size, dtype=np.bool_)
    gone[np.arange(dropped.size)[tail.tips][chosen]] = False
    return replace(tail, tips=among(tail.tips, chosen), sequence=left[chosen], route=_without(tail.route, gone))


def _without(route: Route, gone: Flags) -> Route:
    """The route without the visits of some tips."""
    groups = [
        [
            _chosen(group, kept, group.sequence[kept])
            for group in those
            if (kept := np.flatnonzero(~gone[group.tips])).size
        ]
        for those in route.groups
    ]
    tails = [
        replace(
            tail,
            tips=among(tail.tips, kept),
            sequence=tail.sequence[kept],
            route=_without(tail.route, gone),
        )
        for tail in route.tails
        if (kept := np.flatnonzero(~gone[tail.tips])).size
    ]
    return replace(route, groups=groups, count=np.where(gone, 0, route.count), tails=tails)


def _chosen(group: StageRound, kept: Rows, sequence: Rows) -> StageRound:
    """Some of a group's visits, with the number of visits that are now before each."""
    nth = group.nth if isinstance(group.nth, int) else group.nth[kept]
    labeller = None if group.labeller is None else group.labeller[kept]
    return StageRound(among(group.tips, kept), sequence, nth, group.tier[kept], labeller)


def _later(group: StageRound, dropped: Ticks) -> StageRound:
    """The visits of a group whose tip has as many visits before them as are dropped, or more."""
    left = group.sequence - dropped[group.tips]
    chosen = np.flatnonzero(left >= 0)
    return _chosen(group, chosen, left[chosen])
