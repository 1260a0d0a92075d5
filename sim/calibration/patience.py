"""How a line waits: its patience, and the order in which it is served.

Of patience giving up is the event, and being served cuts it off; who hangs up in the menu is not in this line.

Taken from those who gave up alone, patience comes out far too short: they are those whose patience was.

Of those who wait when somebody is taken, one who came earlier and is of another channel was passed over. With a head
start a channel the one with the earliest entry less its head start goes first (`order: due`). The head starts are those
by which the most pairs of taken and passed over are in order. Priorities are ranks: one of a better rank goes first,
however late it came.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.calibration.fits import Fitted, Survival, fitted_censored, fitted_work

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.logs.calls import CodedNames, LoggedVisits

    Seconds = NDArray[np.float64]
    Flags = NDArray[np.bool_]

ENOUGH: Final = 30
"""Who gave up on a channel, to have a law of its own."""
SHORT: Final = 5.0
"""Seconds: who hangs up so soon has not waited, and is told apart."""
DIFFERENT: Final = 0.01
"""A p-value below which channels are told apart."""
SOON: Final = 3600.0
"""Seconds in which who calls again comes back."""
BACK: Final = 10
"""So many who came back tell when they do."""
MOST_RETRIES: Final = 20
"""As often as a document may say."""


@dataclass(slots=True)
class Patience:
    """Patience of a stage, of one channel or of several together."""

    fitted: Fitted
    survival: Survival
    short: float
    """The share of those who gave up that did so within SHORT seconds."""

    @property
    def of(self) -> str:
        return self.fitted.of

    @property
    def never(self) -> float:
        """The share that is left where too few are at risk to tell more."""
        return self.survival.left

    def at(self, seconds: float) -> tuple[float, float]:
        """The share that bears to wait so long, and its standard error."""
        return float(self.survival(seconds)), float(self.survival.error_at(seconds))


@dataclass(slots=True)
class Retries:
    """Who called again after giving up."""

    lost: int
    again: int
    after: Fitted | None
    """Seconds until then; None where too few did."""
    by_chance: float
    """The share of those who were served that called again as soon."""
    at_most: int
    """The longest row of calls that one gave up after the other, but the first."""
    rows: Flags
    """(n_visits,) the calls that are such a coming back."""

    @property
    def share(self) -> float:
        """The share of those who gave up that called again."""
        return self.again / self.lost if self.lost else 0.0

    @property
    def error(self) -> float:
        """The standard error of the share."""
        return math.sqrt(self.share * (1 - self.share) / self.lost) if self.lost else 0.0

    @property
    def told(self) -> bool:
        """Whether enough come back, and more of them than of those who were served."""
        return self.after is not None and self.share - self.by_chance > 2 * max(self.error, 1e-9)


def patience_of(visits: LoggedVisits) -> list[Patience]:
    """The patience of a stage: that of all, and, where channels differ beyond chance, of each that has enough.

    The first is of all; further ones are of channels. Empty where nobody gave up, or it is not known when.
    """
    wait, known = visits.wait, np.isfinite(visits.wait)
    if (visits.gave_up & known).sum() < 10:
        return []
    every = _patience("", wait[known], visits.gave_up[known])
    found = [every]
    codes = visits.channel.code
    enough = [
        (code, name)
        for code, name in enumerate(visits.channel.names)
        if (visits.gave_up & known & (codes == code)).sum() >= ENOUGH
    ]
    if len(visits.channel.names) < 2 or not enough:
        return found
    own = [(code, name) for code, name in enough if _differs(wait, visits.gave_up, known, codes == code)]
    if not own:
        return found
    for code, name in enough:
        rows = known & (codes == code)
        found.append(_patience(name, wait[rows], visits.gave_up[rows]))
    others = known & ~np.isin(codes, [code for code, _ in enough])
    if (visits.gave_up & others).sum() >= 10:
        found.append(_patience("other", wait[others], visits.gave_up[others]))
    return found


def _patience(of: str, wait: Seconds, gave_up: Flags) -> Patience:
    fitted, survival = fitted_censored("patience", of, wait, gave_up)
    return Patience(fitted, survival, float((wait[gave_up] <= SHORT).mean()))


def _differs(wait: Seconds, gave_up: Flags, known: Flags, mine: Flags) -> bool:
    """Whether some bear to wait otherwise than the rest, by the log-rank test."""
    from scipy.stats import CensoredData, logrank

    def data(rows: Flags) -> CensoredData:
        return CensoredData(uncensored=wait[rows & gave_up], right=wait[rows & ~gave_up])

    one, other = known & mine, known & ~mine
    if not (other & gave_up).any() or not (one & gave_up).any():
        return False
    return bool(logrank(data(one), data(other)).pvalue < DIFFERENT)


def retries_of(visits: LoggedVisits) -> Retries | None:
    """Who called again within an hour after giving up; None where nobody is known by an id."""
    if not (visits.caller >= 0).any():
        return None
    order = np.lexsort((visits.enter, visits.caller))
    who, enter, left, lost = visits.caller[order], visits.enter[order], visits.left[order], visits.gave_up[order]
    # What comes next of the same case is no other call.
    same = np.append((who[1:] == who[:-1]) & (who[1:] >= 0) & visits.first[order][1:], False)
    gap = np.append(enter[1:], np.inf) - left
    again = lost & same & (gap >= 0) & (gap <= SOON) & (who >= 0)
    known = who >= 0
    if not (lost & known).any():
        return None
    soon_after_service = ~lost & same & (gap <= SOON) & (gap >= 0)
    n_served = int((~lost & known).sum())
    rows = np.zeros(len(visits), dtype=np.bool_)
    rows[order[1:][again[:-1]]] = True
    longest = run = 0
    for one in again.tolist():
        run = run + 1 if one else 0
        longest = max(longest, run)
    return Retries(
        lost=int((lost & known).sum()),
        again=int(again.sum()),
        after=fitted_work("retry", "", np.maximum(gap[again], 1.0)) if again.sum() >= BACK else None,
        by_chance=float((soon_after_service & known).sum()) / n_served if n_served else 0.0,
        at_most=min(max(longest, 1), MOST_RETRIES),
        rows=rows,
    )


ENOUGH_PAIRS: Final = 200
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


def ranks_of(visits: LoggedVisits) -> Ranks | None:
    """What a line tells of the priorities in its log; None where there are too few pairs to say."""
    if (found := _pairs(visits, visits.priority)) is None:
        return None
    taken, waiting, later = found
    n = len(visits.priority.names)
    won = np.zeros((n, n))
    np.add.at(won, (taken[later < 0], waiting[later < 0]), 1)
    both = won + won.T
    score = np.where(both > 0, won / np.maximum(both, 1), 0.5).sum(axis=1)
    order = np.argsort(-score, kind="stable")
    rank = np.empty(n, dtype=np.int64)
    rank[order] = np.arange(n)
    explained = float((rank[taken] < rank[waiting]).mean())
    return Ranks(len(later), float((later >= 0).mean()), explained, tuple(order.tolist()))


def order_of(visits: LoggedVisits) -> Order | None:
    """The order of a line; None where there are too few pairs to say."""
    if (found := _pairs(visits, visits.channel)) is None:
        return None
    taken, waiting, later = found
    n = len(visits.channel.names)

    def in_order(behind: Seconds) -> float:
        return float((later + behind[waiting] - behind[taken] >= 0).mean())

    behind = np.zeros(n)
    by_entry = in_order(behind)
    for _ in range(3):
        before = behind.copy()
        for code in range(1, n):
            if ((taken == code) | (waiting == code)).sum() < ENOUGH_PAIRS / 4:
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
    return Order(len(later), by_entry, explained, tuple(behind.tolist()))


def _pairs(visits: LoggedVisits, of: CodedNames) -> tuple[NDArray[np.int64], NDArray[np.int64], Seconds] | None:
    """(n,) each: the code of one who was taken, of one who waited on, and by how much the latter had come later.

    The codes are those of channels or priorities, and differ. Only those waited on count whom the same person serves at
    other times. None where there are too few pairs to say anything.
    """
    if len(of.names) < 2:
        return None
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
    if many < ENOUGH_PAIRS:
        return None
    pairs = np.concatenate(found)
    return pairs[:, 0].astype(np.int64), pairs[:, 1].astype(np.int64), pairs[:, 2]
