"""Patience: giving up is the event, and being served cuts it off; who hangs up in the menu is not in this line.

Taken from those who gave up alone, patience comes out far too short: they are those whose patience was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.calibration.fits import Fitted, Survival, fitted_censored, fitted_work

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.logs.calls import Visits

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


def patience_of(visits: Visits) -> list[Patience]:
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


def retries_of(visits: Visits) -> Retries | None:
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
