"""Intervals over replications for shares and means, and the verdicts that are drawn from them.

The variance is that between replications: what the tips of one have in common is never taken for independent evidence.
Smaller units of evidence (`evidence.py`) say only how much is shown where next to nothing failed. Nothing here knows a
scenario, and nothing draws random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from sim.scenario.certain import CertainBounds
    from sim.scenario.targets import Side, Unit

Verdict = Literal["met", "missed", "undecided"]
Floats = NDArray[np.float64]

UNITS_UNSAID: Final = 5.0
"""Units of evidence that a replication is taken to have where nobody says how many."""

FEW: Final = 5.0
"""Weight, in replications, of the assumption that a unit fails as a whole, against one miss; it falls with the square
of the effective misses."""

SPREAD: Final = 1.5
"""Power of p (1 - p), or below a mean of the mean, with which the variance between replications is taken to grow."""

SPREAD_ABOVE: Final = 0.25
"""Power of the mean with which the standard error grows above it; LEAN allows for the rest of the skewness."""

SURE: Final = 0.45
"""How much of its effective tips is relied on for the farthest limit of a share, where replications differ by more than
units would make them."""

LEAN: Final = 2.25
"""How much farther the upper limit of a mean lies, as a multiple of how the replications vary among themselves."""

MOST_LEAN: Final = 0.7
"""It lies no more than this farther: replications that vary more show their tail themselves."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its interval."""

    value: float
    """NaN where nothing was counted."""
    low: float
    high: float

    @classmethod
    def exactly(cls, value: float) -> Estimate:
        """That of a value which is not left to chance: its interval is the value itself."""
        return cls(value, value, value)

    def joined(self, other: Estimate) -> Estimate:
        """The interval that spans both, for a measure that lies between a low and a high bound.

        >>> Estimate(0.8, 0.7, 0.85).joined(Estimate(0.9, 0.8, 0.95))
        Estimate(value=0.8, low=0.7, high=0.95)
        """
        return Estimate(self.value, min(self.low, other.low), max(self.high, other.high))

    def within(self, bounds: CertainBounds) -> Estimate:
        """Value and interval, moved to where the value must lie."""
        value, low, high = (min(max(one, bounds.least), bounds.most) for one in (self.value, self.low, self.high))
        return Estimate(value, low, high)


def by_size(estimates: Sequence[Estimate]) -> list[int]:
    """The places of some estimates, the largest first; what is not known comes last.

    >>> by_size([Estimate(0.2, 0, 1), Estimate(math.nan, 0, 1), Estimate(0.7, 0, 1)])
    [2, 0, 1]
    """
    values = [-math.inf if math.isnan(one.value) else one.value for one in estimates]
    return sorted(range(len(values)), key=lambda i: (-values[i], i))


def verdict(estimate: Estimate, threshold: float, side: Side, unit: Unit = "share") -> Verdict:
    """Met if the whole interval is on the good side of the threshold, missed if on the bad side, else undecided.

    A rule that allows no exception (a share of at least 1, or at most 0) is missed at the first one, however wide the
    interval; it is met only by what is certain, whose interval is a point. A time of at most 0 allows some: a median
    has half of the tips longer.

    >>> verdict(Estimate(0.93, 0.91, 0.95), 0.9, "at_least"), verdict(Estimate(0.93, 0.91, 0.95), 0.92, "at_most")
    ('met', 'undecided')
    >>> verdict(Estimate(0.999, 0.99, 1.0), 1.0, "at_least"), verdict(Estimate(1.0, 0.99, 1.0), 1.0, "at_least")
    ('missed', 'undecided')
    >>> verdict(Estimate(2.0, 0.0, 5.0), 0.0, "at_most"), verdict(Estimate(2.0, 0.0, 5.0), 0.0, "at_most", "min")
    ('missed', 'undecided')
    """
    at_least = side == "at_least"
    none_spared = estimate.value < 1 <= threshold if at_least else estimate.value > 0 >= threshold
    if none_spared and unit == "share":
        return "missed"
    if (estimate.low >= threshold) if at_least else (estimate.high <= threshold):
        return "met"
    return "missed" if ((estimate.high < threshold) if at_least else (estimate.low > threshold)) else "undecided"


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


def least_shown(units: float, confidence: float = 0.95) -> float:
    """The least share that is shown when nothing failed in so many units of evidence: Z = (error / 2)^(1 / units).

    A promise kept with a smaller share fails in at least one of so many independent units with a chance above
    1 - error / 2. Source: C. J. Clopper and E. S. Pearson, Biometrika 26 (1934), for no failures.

    >>> round(least_shown(20 * 28), 4), round(least_shown(20 * 66), 4)
    (0.9934, 0.9972)
    """
    return float(((1 - confidence) / 2) ** (1 / units)) if units > 0 else 0.0


def share_interval(
    met: ArrayLike, counted: ArrayLike, confidence: float = 0.95, units: float | None = None
) -> Estimate:
    """The share of all tips that met, with its interval over replications.

    Of all shares, a target's or not; what a kind of targets asks is in its `interval` (`kinds.py`).

    `met` and `counted` are (n_replications,), not negative, `met <= counted`; they need not be whole. `units` is the
    number of units of evidence in all replications together (UNITS_UNSAID each if None); tips that are fewer are the
    units themselves. A replication that counted nothing says nothing, and a single one that did gives [0, 1]. The
    interval lies within [0, 1] and has a width also where all replications agree on 0 or 1.

    Method. The rarer of the two outcomes, of share p, is looked at. The variance of the ratio estimator between
    replications, each weighed by what it leaves out of the fit, gives the design effect D: how many tips say as much as
    one independent tip. The limits are where the distance to p is t times a standard error that changes with the share:
    the part of a single tip as p (1 - p), the part between replications as its power SPREAD (Wilson's interval where
    replications differ by chance alone). The limit towards 0 is in addition no tighter than the mid-P interval of as
    many independent tips. t has the degrees of freedom of the replications, fewer when they are of unequal size.

    When m rare outcomes are too few to show D (m / D of about 2 and less), D is drawn towards tips / units: as if
    either all tips of a unit had the rare outcome or none. Where no tip has it the interval ends at `least_shown`. The
    far limit never lies beyond Clopper and Pearson's for as many units, or for SURE of the effective tips where they
    were seen to be more alike than that.

    Assumptions. Replications are independent, and so are units as far as (almost) nothing failed in them. A cause that
    comes once in 50 replications and was not drawn is beyond any interval.

    Monotone: a threshold up to the share that is shown when nothing fails stays met when rare outcomes among the same
    tips vanish, but for fewer than 1 in 100 of those struck out at random, by which the variance grows. A stricter
    threshold may be shown by a few of them and no longer by none.

    Sources: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927), for the score interval; E. L. Korn and B. I. Graubard, Survey
    Methodology 24 (1998), for the effective sample size; R. M. Bell and D. F. McCaffrey, Survey Methodology 28 (2002),
    for the weighing of residuals. The choice of the constants rests on the coverage bench in the tests.

    >>> share_interval([90, 80, 100, 95], [100, 100, 120, 100]).value
    0.8690476190476191
    >>> estimate = share_interval([600] * 20, [600] * 20, units=20 * 28)
    >>> round(estimate.low, 4), estimate.high
    (0.9934, 1.0)
    """
    met, counted = _checked(met, counted, confidence)
    if np.any(met > counted * (1 + 1e-12)):
        raise ValueError("a share cannot be of more tips than were counted")
    total, hits = float(counted.sum()), float(met.sum())
    if total == 0:
        return Estimate(math.nan, 0.0, 1.0)
    share = min(hits / total, 1.0)
    size = float(counted @ counted) / total
    freedom = total / size - 1
    if freedom < 1e-9:
        return Estimate(share, 0.0, 1.0)
    n_units = units_counted(counted, UNITS_UNSAID * met.size if units is None else units)
    flipped = hits > total / 2
    rare = total - hits if flipped else hits
    if rare <= total * 1e-12:
        low, high = 0.0, 1 - least_shown(n_units, confidence)
    else:
        variance = residual_variance(met - share * counted, counted / total) / total**2
        # Counts are whole: chance agreement of a few small replications is no certainty.
        variance = max(variance, met.size / 12 / total**2) if _whole(met) and _whole(counted) else variance
        low, high = _limits_of_rare(rare, total, variance, freedom, max(total / n_units, 1.0), confidence)
    return Estimate(share, 1 - high, 1 - low) if flipped else Estimate(share, low, high)


def units_counted(counted: ArrayLike, units: float) -> float:
    """The units of evidence behind the tips that were counted, (n_replications,), of so many in all replications.

    Fewer where replications counted unequally, or nothing; and tips that are fewer are the units themselves.

    >>> units_counted([600] * 20, 20 * 28), units_counted([3] * 20, 20 * 28), units_counted([600, 0], 2 * 28)
    (560.0, 60.0, 28.0)
    """
    counted = np.asarray(counted, dtype=float)
    total = float(counted.sum())
    if total == 0:
        return 0.0
    found = units / counted.size * total**2 / float(counted @ counted)
    return min(found, total) if _whole(counted) else found


def mean_interval(sums: ArrayLike, counts: ArrayLike, confidence: float = 0.95) -> Estimate:
    """The mean over all tips of a duration, with its interval over replications; never below 0.

    `sums` (of durations that are not negative, any unit) and `counts` are (n_replications,). Replications that all
    agree give zero width; a single one gives [0, inf].

    Method. The limits are where the distance to the mean is t times a standard error that grows with a power of the
    mean, SPREAD / 2 below and SPREAD_ABOVE above it: waits that are long on average vary more. The upper limit lies
    farther by LEAN times the coefficient of variation of a replication, at most by MOST_LEAN: means of waits are
    skewed the more they vary, and a sample in which the long tail was not drawn has both too low a mean and too small a
    variance. What it shows of its own skewness says nothing of that (a correction by the third moment of 20
    replications leaves 6 to 7 % of the intervals below the truth where the tail is long).

    Assumptions. Replications are independent; their means are not negative, skewed to the right if at all, and vary
    no more than those of a line with service times of cv 2 over a week.

    Sources: the score form of the ratio estimator's interval, W. G. Cochran, Sampling Techniques (1977), section 6;
    N. J. Johnson, J. Am. Stat. Assoc. 73 (1978), for the way that skewness shifts Student's t. The constants rest on
    the coverage bench in the tests.

    >>> mean_interval([10.0, 14.0, 12.0], [4, 4, 4]).value
    3.0
    """
    sums, counts = _checked(sums, counts, confidence)
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
        return Estimate.exactly(mean)
    reach = student(confidence, freedom) * error / mean
    lean = 1 + min(LEAN * math.sqrt(freedom + 1) * error / mean, MOST_LEAN)

    def below(ratio: float) -> bool:
        return 1 - ratio > reach * math.pow(ratio, SPREAD / 2)

    def above(ratio: float) -> bool:
        return ratio - 1 > reach * lean * math.pow(ratio, SPREAD_ABOVE)

    outer = 2.0
    while not above(outer):
        outer *= 2
    return Estimate(mean, mean * _edge(below, 1.0, 0.0), mean * _edge(above, 1.0, outer))


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more one scenario has of a measure than the base, with its interval."""

    value: float
    low: float
    high: float

    @property
    def real(self) -> bool:
        """Whether the interval leaves out 0: the change matters and is not noise."""
        return self.low > 0 or self.high < 0

    @property
    def exact(self) -> bool:
        """Whether there is no chance in it."""
        return self.low == self.high

    @property
    def without_chance(self) -> Difference:
        """The same of two periods in which nothing is left to chance: what differs there, differs."""
        return self if math.isnan(self.value) else replace(self, low=self.value, high=self.value)


def difference(
    base: tuple[ArrayLike, ArrayLike],
    other: tuple[ArrayLike, ArrayLike],
    confidence: float = 0.95,
    *,
    family: int = 1,
    most: float = math.inf,
) -> Difference:
    """The difference of two shares or means, other less base, paired by replication.

    Each side is (parts, wholes), (n_replications,) each and in the same order: met and counted, or sums and counts. The
    interval is Student's, over what each replication adds to the difference. `family` is the number of differences that
    are to hold together with `confidence` (Bonferroni, so whatever their dependence); `most` is the largest difference
    that can be, 1 for shares. Where both sides agree in every replication the difference is exactly 0, of width 0.

    Source: the linearised ratio, W. G. Cochran, Sampling Techniques (1977), section 6; pairing by common random
    numbers, A. M. Law, Simulation Modeling and Analysis (2015), section 10.2.

    >>> difference(([90, 80, 85], [100, 100, 100]), ([95, 84, 90], [100, 100, 100])).real
    True
    >>> difference(([9, 8], [10, 10]), ([9, 8], [10, 10]))
    Difference(value=0.0, low=0.0, high=0.0)
    """
    confidence = each_of(confidence, family)
    parts, wholes = _checked(*base, confidence, signed=True)
    other_parts, other_wholes = _checked(*other, confidence, signed=True)
    if parts.shape != other_parts.shape:
        raise ValueError(f"paired runs have as many replications (got {parts.size} and {other_parts.size})")
    total, other_total = float(wholes.sum()), float(other_wholes.sum())
    if total == 0 or other_total == 0:
        return Difference(math.nan, -most, most)
    if np.array_equal(parts, other_parts) and np.array_equal(wholes, other_wholes):
        return Difference(0.0, 0.0, 0.0)
    ratio, other_ratio = float(parts.sum()) / total, float(other_parts.sum()) / other_total
    value = other_ratio - ratio
    weight = (wholes / total + other_wholes / other_total) / 2
    freedom = 1 / float(weight @ weight) - 1
    if freedom < 1e-9:
        return Difference(value, -most, most)
    added = (other_parts - other_ratio * other_wholes) / other_total - (parts - ratio * wholes) / total
    reach = student(confidence, freedom) * math.sqrt(residual_variance(added, weight))
    return Difference(value, max(value - reach, -most), min(value + reach, most))


def _whole(numbers: Floats) -> bool:
    return bool(np.all(numbers == np.rint(numbers)))


def _checked(parts: ArrayLike, wholes: ArrayLike, confidence: float, *, signed: bool = False) -> tuple[Floats, Floats]:
    """Both as floats, one a replication; ValueError where that cannot be, or the confidence is none.

    Parts may be negative only where they are `signed`: of a percentile they are not sums of anything.
    """
    parts, wholes = np.asarray(parts, dtype=float), np.asarray(wholes, dtype=float)
    if parts.ndim != 1 or parts.shape != wholes.shape:
        raise ValueError(f"one number a replication is needed, twice (got shapes {parts.shape} and {wholes.shape})")
    if not 0 < confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1 (got {confidence})")
    if not (np.all(np.isfinite(parts)) and np.all(np.isfinite(wholes)) and np.all(wholes >= 0)):
        raise ValueError("sums and counts are finite and not negative")
    if not signed and np.any(parts < 0):
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
    rare: float, total: float, variance: float, freedom: float, unit_effect: float, confidence: float
) -> tuple[float, float]:
    """The limits of a share of at most one half: `rare` of `total` tips, with `unit_effect` tips to a unit."""
    p = rare / total
    t = student(confidence, freedom)
    spread = p * (1 - p)
    seen_effect = max(variance * total / spread, 1e-12)
    effect = seen_effect
    if unit_effect > seen_effect:
        prior = FEW * (seen_effect / rare) ** 2
        effect = (freedom * seen_effect + prior * unit_effect) / (freedom + prior)
    between = max(1 - 1 / seen_effect, 0.0)
    reach = t * math.sqrt(spread * effect / total)

    def outside(q: float) -> bool:
        relative = q * (1 - q) / spread
        return (q - p) ** 2 > reach**2 * ((1 - between) * relative + between * math.pow(relative, SPREAD))

    low = min(_edge(outside, p, 0.0), _mid_p_low(p, total / effect, t, confidence))
    # An effect seen in a few spells is itself not known well: its cap is that of fewer tips than it seems to leave.
    independent = total / unit_effect if seen_effect <= unit_effect else SURE * total / seen_effect
    return low, min(_edge(outside, p, 1.0), _exact_high(p, independent, confidence))


def _exact_high(p: float, n: float, confidence: float) -> float:
    """The upper limit of Clopper and Pearson's interval for a share p of n independent tips; `least_shown` at p = 0."""
    from scipy import special

    return float(special.betaincinv(n * p + 1, n * (1 - p), 0.5 + confidence / 2))


def _mid_p_low(p: float, n: float, t: float, confidence: float) -> float:
    """The lower limit of the mid-P interval for a share p of n independent tips, widened as t is wider than normal."""
    from scipy import special

    n *= (float(special.ndtri(0.5 + confidence / 2)) / t) ** 2
    yes, no = n * p, n * (1 - p)

    def outside(q: float) -> bool:
        as_many = special.betainc(yes, no + 1, q) + special.betainc(yes + 1, no, q)
        return bool(as_many / 2 < (1 - confidence) / 2)

    return _edge(outside, p, 0.0)
