"""The backlog: tips that already wait at a stage when the run starts.

A tip of the backlog is one that would have reached that stage, with the attributes and the label that such tips have.
So candidates are drawn like any other tips, from streams of their own, and the first that visit the stage are kept,
without the visits that they made before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.draw.routes import Group, Route, among

if TYPE_CHECKING:
    from sim.dynamics.replication import Ticks


def from_stage(route: Route, at: int, most: int) -> Route:
    """The routes of the first tips that visit a stage, up to `most` of them, from their first visit there on."""
    before = np.full(route.count.size, -1, dtype=np.int64)
    for group in reversed(route.groups[at]):
        before[group.tips] = group.sequence
    kept = np.flatnonzero(before >= 0)[:most]
    dropped = np.full(before.size, np.iinfo(np.int64).max)
    dropped[kept] = before[kept]
    count = np.zeros_like(route.count)
    count[kept] = route.count[kept] - before[kept]
    later = [[_later(group, dropped) for group in groups] for groups in route.groups]
    groups = [[group for group in groups if group.sequence.size] for groups in later]
    return Route(groups, count, route.tier, kept, route.labeller)


def _later(group: Group, dropped: Ticks) -> Group:
    """The visits of a group whose tip has as many visits before them as are dropped, or more."""
    left = group.sequence - dropped[group.tips]
    chosen = np.flatnonzero(left >= 0)
    tips = among(group.tips, chosen)
    nth = group.nth if isinstance(group.nth, int) else group.nth[chosen]
    labeller = None if group.labeller is None else group.labeller[chosen]
    return Group(tips, left[chosen], nth, group.tier[chosen], labeller)
