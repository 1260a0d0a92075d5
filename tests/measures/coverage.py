"""Made-up replications with a known share, and how often an interval covers it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.measures.estimates import share_interval

Counts = NDArray[np.int64]

KINDS = ("alone", "alike 0.01", "alike 0.1", "alike 0.3", "unequal", "even", "logit")


def replications(
    kind: str, share: float, n_replications: int, n_tips: int, rng: np.random.Generator
) -> tuple[Counts, Counts]:
    """Met and counted tips of each replication of a study.

    alone: every tip for itself. alike r: beta-binomial, correlation r between the tips of a replication. unequal: as
    many tips as a gamma law of cv 0.7 gives, alike 0.02. even: replications differ by a fifth of the variance of
    chance, as long runs of one queue do. logit: the replication's share varies by 0.7 in logits, so that it is skewed.
    """
    counted = np.full(n_replications, n_tips)
    if kind == "even":
        spread = np.sqrt(0.2 * share * (1 - share) / n_tips)
        each = n_tips * (share + spread * rng.standard_normal(n_replications))
        return np.clip(np.floor(each + rng.random(n_replications)), 0, n_tips).astype(np.int64), counted
    if kind == "unequal":
        counted = rng.poisson(n_tips * rng.gamma(1 / 0.49, 0.49, n_replications))
    each = np.full(n_replications, share)
    if kind == "logit":
        each = 1 / (1 + np.exp(-np.log(share / (1 - share)) - 0.7 * rng.standard_normal(n_replications)))
    elif kind != "alone":
        alike = 0.02 if kind == "unequal" else float(kind.split()[1])
        each = rng.beta(share * (1 / alike - 1), (1 - share) * (1 / alike - 1), n_replications)
    return rng.binomial(counted, each), counted


def true_share(kind: str, share: float) -> float:
    """The share that the intervals of `replications` should cover."""
    if kind != "logit":
        return share
    normal = np.linspace(-8, 8, 4001)
    weight = np.exp(-(normal**2) / 2)
    return float(weight @ (1 / (1 + np.exp(-np.log(share / (1 - share)) - 0.7 * normal))) / weight.sum())


def coverage(
    kind: str, share: float, n_replications: int, n_tips: int, confidence: float = 0.95, n_studies: int = 1000
) -> float:
    """The share of so many studies whose interval covers the true share; fixed seed."""
    rng = np.random.default_rng([n_replications, n_tips, int(share * 1e4)])
    truth, covered = true_share(kind, share), 0
    for _ in range(n_studies):
        met, counted = replications(kind, share, n_replications, n_tips, rng)
        estimate = share_interval(met, counted, confidence)
        covered += estimate.low <= truth <= estimate.high
    return covered / n_studies
