"""What the usual shapes of times say of a share within a threshold, given the mean: lognormal, gamma and Weibull.

Thresholds are given in means. An exponential time is a gamma and a Weibull of shape 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

COMMON_CVS: Final = (0.8, 1.0, 1.28, 2.0)
"""Coefficients of variation that service times are seen to have (1.28: Brown et al., JASA 2005, a bank's calls)."""

_SHAPES: Final = (1e-3, 1e3)


@dataclass(frozen=True, slots=True)
class Least:
    """The smallest share within a threshold that a law can have at a given mean."""

    share: float
    shape: float
    """Where: sigma of a lognormal, else the shape."""


def lognormal_share(threshold: float, sigma: float) -> float:
    """The share of lognormal times of mean 1 that is at most `threshold`."""
    from scipy.special import ndtr

    return float(ndtr(math.log(threshold) / sigma + sigma / 2))


def gamma_share(threshold: float, shape: float) -> float:
    """The share of gamma times of mean 1 that is at most `threshold`."""
    from scipy.special import gammainc

    return float(gammainc(shape, shape * threshold))


def weibull_share(threshold: float, shape: float) -> float:
    """The share of Weibull times of mean 1 that is at most `threshold`."""
    exponent = shape * (math.log(threshold) + math.lgamma(1 + 1 / shape))
    return -math.expm1(-math.exp(min(exponent, 700.0)))


def lognormal_of_cv(threshold: float, cv: float) -> float:
    """The share of lognormal times of mean 1 and this cv that is at most `threshold`.

    >>> round(lognormal_of_cv(1 / 3, 1.0), 2)
    0.18
    """
    return lognormal_share(threshold, math.sqrt(math.log1p(cv**2)))


def exponential_mean(threshold: float, share: float) -> float:
    """The mean of an exponential law of which `share` is at most `threshold`.

    >>> round(exponential_mean(60, 0.8), 1)
    37.3
    """
    return -threshold / math.log1p(-share)


def least_shares(threshold: float) -> dict[str, Least]:
    """By law, the smallest share within `threshold` (above 1) over all its shapes at a mean of 1.

    The lognormal has it where sigma^2 = 2 ln(threshold); the others are searched.

    >>> {law: round(least.share, 3) for law, least in least_shares(2.0).items()}
    {'lognormal': 0.88, 'gamma': 0.841, 'Weibull': 0.853}
    """
    if threshold <= 1:
        raise ValueError(f"only above the mean is there a smallest share (got {threshold} means)")
    sigma = math.sqrt(2 * math.log(threshold))
    return {
        "lognormal": Least(lognormal_share(threshold, sigma), sigma),
        "gamma": _searched(lambda shape: gamma_share(threshold, shape)),
        "Weibull": _searched(lambda shape: weibull_share(threshold, shape)),
    }


def _searched(share: Callable[[float], float]) -> Least:
    """The smallest share over the shapes: the best of a coarse grid, then golden section between its neighbours."""
    steps = 240
    low, high = (math.log(shape) for shape in _SHAPES)
    grid = [low + (high - low) * step / steps for step in range(steps + 1)]
    best = min(range(len(grid)), key=lambda at: share(math.exp(grid[at])))
    left, right = grid[max(best - 1, 0)], grid[min(best + 1, steps)]
    golden = (math.sqrt(5) - 1) / 2
    while right - left > 1e-9:
        inner, outer = right - golden * (right - left), left + golden * (right - left)
        if share(math.exp(inner)) <= share(math.exp(outer)):
            right = outer
        else:
            left = inner
    shape = math.exp((left + right) / 2)
    return Least(share(shape), shape)
