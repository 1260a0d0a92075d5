"""Intervals over replications for shares and means, and the verdicts that are drawn from them.

A replication is the unit: what its tips have in common is never taken for independent evidence. Nothing here knows a
scenario, and nothing draws random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Verdict = Literal["met", "missed", "undecided"]
Floats = NDArray[np.float64]

ALIKE: Final = 0.2
"""How alike the tips of one replication are taken to be, as a correlation, where misses are too few to tell."""

FEW: Final = 5.0
"""Weight, in replications, of that assumption against one miss; it falls with the square of the effective misses."""

SPREAD: Final = 1.75
"""Power of p (1 - p), or of a mean, with which the variance between replications is taken to grow: they are skewed."""

LONG_TAIL: Final = 10.0
"""Excess kurtosis that means of waits are taken to have, in squares of their coefficient of variation (at most 0.5)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval."""

    value: float
    """NaN where nothing was counted."""
    low: float
    high: float

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2

    def joined(self, other: Estimate) -> Estimate:
        """The interval that spans both, for a measure that lies between a low and a high bound.

        >>> Estimate(0.8, 0.7, 0.85).joined(Estimate(0.9, 0.8, 0.95))
        Estimate(value=0.8, low=0.7, high=0.95)
        """
        return Estimate(self.value, min(self.low, other.low), max(self.high, other.high))


def verdict(estimate: Estimate, threshold: float, side: Literal["at_least", "at_most"]) -> Verdict:
    """Met if the whole interval is on the good side of the threshold, missed if on the bad side, else undecided.

    >>> verdict(Estimate(0.93, 0.91, 0.95), 0.9, "at_least"), verdict(Estimate(0.93, 0.91, 0.95), 0.92, "at_most")
    ('met', 'undecided')
    """
    if side == "at_most":
        return verdict(Estimate(-estimate.value, -estimate.high, -estimate.low), -threshold, "at_least")
    if estimate.low >= threshold:
        return "met"
    return "missed" if estimate.high < threshold else "undecided"


def all_of(verdicts: list[Verdict]) -> Verdict:
    """The verdict on all together: missed if any is missed, met if every one is met, else undecided.

    >>> all_of(["met", "undecided"]), all_of(["undecided", "missed"]), all_of([])
    ('undecided', 'missed', 'met')
    """
    if "missed" in verdicts:
        return "missed"
    return "undecided" if "undecided" in verdicts else "met"


def each_of(confidence: float, n: int) -> float:
    """The confidence of each of `n` intervals that makes them all hold together with `confidence` (Bonferroni).

    It holds whatever the dependence between them.

    >>> round(each_of(0.95, 5), 10)
    0.99
    """
    return 1 - (1 - confidence) / max(n, 1)


def share_interval(met: ArrayLike, counted: ArrayLike, confidence: float = 0.95) -> Estimate:
    """The share of all tips that met, with its interval over replications.

    `met` and `counted` are (n_replications,), not negative, `met <= counted`; they need not be whole. A replication
    that counted nothing says nothing, and a single one that did gives [0, 1]. The interval lies within [0, 1] and has a
    width also where all replications agree on 0 or 1.

    The rarer of the two outcomes, of share p, is looked at. The variance of the ratio estimator between replications,
    each weighed by what it leaves out of the fit, gives the design effect D: how many tips say as much as one
    independent tip. The limits are where the distance to p is t times a standard error that changes with the share: the
    part of a single tip as p (1 - p), the part between replications as its power SPREAD (Wilson's interval where
    replications differ by chance alone). The limit towards 0 is in addition no tighter than the mid-P interval of as
    many independent tips. t has the degrees of freedom of the replications, fewer when they are of unequal size.

    When m rare outcomes are too few to show D (m / D of about 2 and less), D is drawn towards
    1 + ALIKE x (tips a replication - 1), and fully so when all replications agree on 0 or 1. This *assumes* that the
    tips of one replication are not more alike than that: 20 replications of 600 tips, all met, then weigh as 99 tips,
    not as 20 and not as 12,000. A bad year that comes once in 50 replications and was not drawn is beyond any interval.
    Nor does the far limit go beyond that of tips so alike, or as alike as they were seen to be.

    Sources: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927), for the score interval; E. L. Korn and B. I. Graubard, Survey
    Methodology 24 (1998), for the effective sample size; R. M. Bell and D. F. McCaffrey, Survey Methodology 28 (2002),
    for the weighing of residuals. The choice of the constants rests on the coverage study in the tests.

    >>> share_interval([90, 80, 100, 95], [100, 100, 120, 100]).value
    0.8690476190476191
    >>> estimate = share_interval([600] * 20, [600] * 20)
    >>> round(estimate.low, 3), estimate.high
    (0.958, 1.0)
    """
    met, counted = checked(met, counted, confidence)
    if np.any(met > counted * (1 + 1e-12)):
        raise ValueError("a share cannot be of more tips than were counted")
    total, hits = float(counted.sum()), float(met.sum())
    if total == 0:
        return Estimate(math.nan, 0.0, 1.0)
    share = min(hits / total, 1.0)
    freedom = float(total**2 / (counted @ counted)) - 1
    if freedom < 1e-9:
        return Estimate(share, 0.0, 1.0)
    flipped = hits > total / 2
    rare = total - hits if flipped else hits
    size = float(counted @ counted) / total
    variance = residual_variance(met - share * counted, counted / total) / total**2
    whole = bool(np.all(met == np.rint(met)) and np.all(counted == np.rint(counted)))
    low, high = _limits_of_rare(rare, total, variance, freedom, size, met.size if whole else 0, confidence)
    return Estimate(share, 1 - high, 1 - low) if flipped else Estimate(share, low, high)


def mean_interval(sums: ArrayLike, counts: ArrayLike, confidence: float = 0.95) -> Estimate:
    """The mean over all tips of a duration, with its interval over replications; never below 0.

    `sums` (of durations that are not negative, any unit) and `counts` are (n_replications,). The limits are where the
    distance to the mean is t times a standard error that grows with the power SPREAD / 2 of the mean, since waits that
    are long on average vary more: the upper limit is the farther one. Its t has fewer degrees of freedom the more the
    replications differ, since a variance is known the worse the longer the tail (LONG_TAIL): without that, too many
    intervals of waits end below the truth. Replications that all agree give zero width; a single one gives [0, inf].

    Source: the score form of the ratio estimator's interval, W. G. Cochran, Sampling Techniques (1977), section 6. The
    constants rest on the coverage of known lines in the tests.

    >>> mean_interval([10.0, 14.0, 12.0], [4, 4, 4]).value
    3.0
    """
    sums, counts = checked(sums, counts, confidence)
    total = float(counts.sum())
    if total == 0:
        return Estimate(math.nan, 0.0, math.inf)
    mean = float(sums.sum()) / total
    freedom = float(total**2 / (counts @ counts)) - 1
    if freedom < 1e-9:
        return Estimate(mean, 0.0, math.inf)
    variance = residual_variance(sums - mean * counts, counts / total) / total**2
    error = math.sqrt(variance)
    if error <= mean * 1e-12:
        return Estimate(mean, mean, mean)
    tail = LONG_TAIL * min((freedom + 1) * (error / mean) ** 2, 0.5)
    freedom_above = 2 / (2 / freedom + tail / (freedom + 1))

    def edge(reach: float, outer: float) -> float:
        def outside(ratio: float) -> bool:
            return abs(ratio - 1) > reach / mean * math.pow(ratio, SPREAD / 2)

        while outer > 1 and not outside(outer) and outer < 1e300:
            outer *= 2
        return mean * _edge(outside, 1.0, outer)

    low = edge(student(confidence, freedom) * error, 0.0)
    return Estimate(mean, low, edge(student(confidence, freedom_above) * error, 2.0))


def checked(parts: ArrayLike, wholes: ArrayLike, confidence: float) -> tuple[Floats, Floats]:
    """Both as floats, one a replication; ValueError where that cannot be, or the confidence is none."""
    parts, wholes = np.asarray(parts, dtype=float), np.asarray(wholes, dtype=float)
    if parts.ndim != 1 or parts.shape != wholes.shape:
        raise ValueError(f"one number a replication is needed, twice (got shapes {parts.shape} and {wholes.shape})")
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1 (got {confidence})")
    if not (np.all(parts >= 0) and np.all(wholes >= 0) and np.all(np.isfinite(parts)) and np.all(np.isfinite(wholes))):
        raise ValueError("sums and counts are finite and not negative")
    return parts, wholes


def residual_variance(residual: Floats, weight: Floats) -> float:
    """The variance of a sum of residuals, one a replication, of the given weights (which sum to 1).

    A replication that weighs much pulls the fit to itself, so that its residual is too small: it is enlarged.
    """
    return float(np.sum(residual**2 / np.maximum(1 - weight, 0.05)))


def student(confidence: float, freedom: float) -> float:
    """Student's t at which an interval of that confidence ends."""
    from scipy import special

    return float(special.stdtrit(freedom, 0.5 + confidence / 2))


def _edge(outside: Callable[[float], bool], inner: float, outer: float) -> float:
    """Where, on the way from a point that is not outside, the outside begins."""
    for _ in range(45):
        middle = (inner + outer) / 2
        if outside(middle):
            outer = middle
        else:
            inner = middle
    return (inner + outer) / 2


def _limits_of_rare(
    rare: float, total: float, variance: float, freedom: float, size: float, n_rounded: int, confidence: float
) -> tuple[float, float]:
    """The limits of a share of at most one half: `rare` of `total` tips, in replications of about `size` tips."""
    p = rare / total
    alike_effect = 1 + max(size - 1, 0.0) * ALIKE
    t = student(confidence, freedom)
    if rare <= total * 1e-12:
        return 0.0, _wilson_high(0.0, total / alike_effect, t)
    # Counts are whole: chance agreement of a few small replications is no certainty.
    variance = max(variance, n_rounded / 12 / total**2)
    spread = p * (1 - p)
    seen_effect = max(variance * total / spread, 1e-12)
    effect = seen_effect
    if alike_effect > seen_effect:
        prior = FEW * (seen_effect / rare) ** 2
        effect = (freedom * seen_effect + prior * alike_effect) / (freedom + prior)
    between = max(1 - 1 / seen_effect, 0.0)
    reach = t * math.sqrt(spread * effect / total)

    def outside(q: float) -> bool:
        relative = q * (1 - q) / spread
        return (q - p) ** 2 > reach**2 * ((1 - between) * relative + between * math.pow(relative, SPREAD))

    low = min(_edge(outside, p, 0.0), _mid_p_low(p, total / effect, t, confidence))
    high = min(_edge(outside, p, 1.0), _wilson_high(p, total / max(effect, alike_effect), t))
    return low, high


def _wilson_high(p: float, n: float, t: float) -> float:
    """The upper limit of Wilson's interval for a share p of n independent tips, at t standard errors."""
    square = t * t / n
    return min((p + square / 2 + math.sqrt(square * p * (1 - p) + square**2 / 4)) / (1 + square), 1.0)


def _mid_p_low(p: float, n: float, t: float, confidence: float) -> float:
    """The lower limit of the mid-P interval for a share p of n independent tips, widened as t is wider than normal."""
    from scipy import special

    n *= (float(special.ndtri(0.5 + confidence / 2)) / t) ** 2
    yes, no = n * p, n * (1 - p)

    def outside(q: float) -> bool:
        as_many = special.betainc(yes, no + 1, q) + special.betainc(yes + 1, no, q)
        return bool(as_many / 2 < (1 - confidence) / 2)

    return _edge(outside, p, 0.0)
