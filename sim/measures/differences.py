"""Paired differences between two scenarios that met the same tips, replication by replication."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from sim.measures.estimates import checked, each_of, residual_variance, student


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
    parts, wholes = checked(*base, confidence, signed=True)
    other_parts, other_wholes = checked(*other, confidence, signed=True)
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
