"""The order of the line: whom each start passed over, and the head start of a channel that explains it best.

Of those who wait when somebody is taken, one who came earlier and is of another channel was passed over. With a head
start a channel the one with the earliest entry less its head start goes first (`order: due`). The head starts are those
by which the most pairs of taken and passed over are in order. Priorities are ranks: one of a better rank goes first,
however late it came.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.logs.calls import Names, Visits

    Seconds = NDArray[np.float64]

ENOUGH: Final = 200
"""Pairs of channels that differ, to say anything."""
GAIN: Final = 0.03
"""So much larger a share of the pairs must be in order than by entry alone."""
GRID: Final = np.concatenate([np.arange(-300, 301, 15), [450, 600, 900, 1200, 1800, 3600, -450, -600, -900, -1800]])
MOST: Final = 100_000


@dataclass(frozen=True, slots=True)
class Order:
    """What is found of the order of a line."""

    pairs: int
    """Pairs of one who was taken and one of another channel who waited on."""
    by_entry: float
    """The share of them that are in order of entry."""
    explained: float
    """The share that are with the head starts."""
    behind: tuple[float, ...]
    """Seconds by which each channel (in the order of its codes) is behind the first; all 0 where entry decides."""

    @property
    def by_channel(self) -> bool:
        return any(self.behind)


@dataclass(frozen=True, slots=True)
class Ranks:
    """What is found of priorities: which goes first, and whether the line goes by them."""

    pairs: int
    """Pairs of one who was taken and one of another priority who waited on."""
    by_entry: float
    """The share of them that are in order of entry."""
    explained: float
    """The share in which the better rank was taken."""
    order: tuple[int, ...]
    """Codes of priorities, the one first that passes others over."""

    @property
    def decide(self) -> bool:
        """Whether ranks explain who was taken better than entry does."""
        return self.explained >= self.by_entry + GAIN


def ranks_of(visits: Visits) -> Ranks | None:
    """What a line tells of the priorities in its log; None where there are too few pairs to say."""
    n = len(visits.priority.names)
    if n < 2:
        return None
    pairs = _pairs(visits, visits.priority)
    if len(pairs) < ENOUGH:
        return None
    taken, waiting, later = pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64), pairs[:, 2]
    won = np.zeros((n, n))
    np.add.at(won, (taken[later < 0], waiting[later < 0]), 1)
    both = won + won.T
    score = np.where(both > 0, won / np.maximum(both, 1), 0.5).sum(axis=1)
    order = np.argsort(-score, kind="stable")
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n)
    explained = float((rank[taken] < rank[waiting]).mean())
    return Ranks(len(pairs), float((later >= 0).mean()), explained, tuple(order.tolist()))


def order_of(visits: Visits) -> Order | None:
    """The order of a line; None where there are too few pairs to say."""
    n = len(visits.channel.names)
    if n < 2:
        return None
    pairs = _pairs(visits, visits.channel)
    if len(pairs) < ENOUGH:
        return None
    taken, waiting = pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64)
    later = pairs[:, 2]

    def in_order(behind: Seconds) -> float:
        return float((later + behind[waiting] - behind[taken] >= 0).mean())

    behind = np.zeros(n)
    by_entry = in_order(behind)
    for _ in range(3):
        before = behind.copy()
        for code in range(1, n):
            if ((taken == code) | (waiting == code)).sum() < ENOUGH / 4:
                continue
            tried = [in_order(np.where(np.arange(n) == code, step, behind)) for step in GRID]
            # Of those that explain as much, the one nearest to no head start.
            most = max(tried)
            behind[code] = min(GRID[np.array(tried) >= most - 1e-9], key=abs)
        if np.array_equal(before, behind):
            break
    explained = in_order(behind)
    if explained < by_entry + GAIN:
        behind = np.zeros(n)
        explained = by_entry
    return Order(len(pairs), by_entry, explained, tuple(behind.tolist()))


def _pairs(visits: Visits, of: Names) -> Seconds:
    """(n, 3): the code of one who was taken, of one who waited on, and by how much the latter had come later.

    The codes are those of channels or priorities, and differ.

    Only those waited on count whom the same person serves at other times.
    """
    known = np.isfinite(visits.left) & (visits.left > visits.enter) & (of.code >= 0)
    code, enter, left = of.code[known], visits.enter[known], visits.left[known]
    person, served = visits.person.code[known], visits.served[known]
    serves = np.ones((len(visits.person.names) + 1, len(of.names)), dtype=np.bool_)
    if len(visits.person.names):
        some = visits.served & (visits.person.code >= 0) & (of.code >= 0)
        serves[:] = False
        serves[visits.person.code[some], of.code[some]] = True
        serves[-1] = True
    found: list[Seconds] = []
    many, longest = 0, float((left - enter).max()) if len(enter) else 0.0
    for at in np.flatnonzero(served).tolist():
        start = left[at]
        first = int(np.searchsorted(enter, start - longest, side="left"))
        last = int(np.searchsorted(enter, start, side="left"))
        rows = np.arange(first, last)
        rows = rows[(left[rows] > start) & (code[rows] != code[at])]
        rows = rows[serves[person[at], code[rows]]]
        if rows.size:
            found.append(np.stack([np.full(rows.size, code[at]), code[rows], enter[rows] - enter[at]], axis=1))
            many += rows.size
        if many > MOST:
            break
    return np.concatenate(found) if found else np.zeros((0, 3))
