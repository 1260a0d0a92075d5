"""What a lower or a higher share of good periods costs: from an answer up and down, a person at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from sim.studies.staff.search import moved
from sim.studies.staff.staffed import Staffing
from sim.studies.staff.tried import Outcome, Tried

Per = Literal["run", "month", "week", "day"]

ENOUGH: Final = 0.995
TOO_FEW: Final = 0.02
"""Shares of good periods beyond which the way is not gone on."""
STEPS_A_POST: Final = 3
"""The way goes so many people up, and as many down, for every post at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A staffing with the share of periods in which every target held."""

    outcome: Outcome
    share: float
    low: float
    high: float
    best: bool
    """Whether no staffing that was tried has a higher share for as much or less."""


def walk(tried: Tried, staffing: Staffing, per: Per) -> None:
    """Try staffings above and below one, each a step that gains most or loses least of the share for its cost."""
    most = STEPS_A_POST * len(staffing)
    _upwards(tried, staffing, per, most)
    _downwards(tried, staffing, per, most)


def points(tried: Tried, per: Per) -> list[Point]:
    """The staffings that were tried in full, the cheapest first, and which of them are worth their cost."""
    found = [one for one in tried.outcomes.values() if one.n_replications >= tried.replications]
    found.sort(key=lambda one: (one.cost, -_share(one, per), one.staffing))
    listed: list[Point] = []
    reached = -np.inf
    for one in found:
        share = one.shares[per].share
        listed.append(Point(one, share.value, share.low, share.high, share.value > reached))
        reached = max(reached, share.value)
    return listed


def _upwards(tried: Tried, staffing: Staffing, per: Per, most: int) -> None:
    for _ in range(most):
        now = _share(tried.full(staffing), per)
        above = [moved(staffing, i, 1) for i, post in enumerate(tried.posts) if staffing[i] < post.most]
        if now >= ENOUGH or not above:
            return
        before = _share(tried.look(staffing, "glance"), per)
        gains = [(_glanced(tried, one, per) - before) / _costs(tried, one, staffing) for one in above]
        if max(gains) <= 0:
            break
        staffing = above[gains.index(max(gains))]
    tried.full(staffing)


def _downwards(tried: Tried, staffing: Staffing, per: Per, most: int) -> None:
    for _ in range(most):
        now = _share(tried.full(staffing), per)
        below = [moved(staffing, i, -1) for i, post in enumerate(tried.posts) if staffing[i] > post.least]
        if now <= TOO_FEW or not below:
            return
        losses = [(now - _glanced(tried, one, per)) / _costs(tried, staffing, one) for one in below]
        staffing = below[losses.index(min(losses))]
    tried.full(staffing)


def _costs(tried: Tried, more: Staffing, fewer: Staffing) -> float:
    """What the one costs more than the other; people without a price cost next to nothing."""
    return max(tried.cost(more) - tried.cost(fewer), 1e-9)


def _glanced(tried: Tried, staffing: Staffing, per: Per) -> float:
    return _share(tried.look(staffing, "glance"), per)


def _share(outcome: Outcome, per: Per) -> float:
    """Of the periods in which every target held, 0 where there were none to judge."""
    value = outcome.shares[per].share.value
    return 0.0 if np.isnan(value) else value
