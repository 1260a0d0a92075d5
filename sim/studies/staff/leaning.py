"""Which way each target leans by the replications alone: what a search goes by, where a verdict would cost too much.

A verdict allows for what was not drawn: where every tip of every replication met, many replications are needed before
that counts as met. A leaning takes the replications as they are. It chooses what is tried next, and proves nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.measures.estimates import Estimate, Verdict, each_of, residual_variance, student, verdict
from sim.measures.held import HIGH, LOW, VALUE
from sim.measures.kinds import Floats, Replicated
from sim.measures.sample import Sample
from sim.scenario.targets import Target


@dataclass(frozen=True, slots=True)
class Leaning:
    """One target by a plain interval over replications."""

    value: float
    """A share, or ticks; NaN where nothing was counted."""
    used: float
    """How much of what the target allows is used up: 1 at the threshold."""
    verdict: Verdict


def leanings(sample: Sample, confidence: float) -> list[Leaning]:
    """How each target leans, in their order; the intervals hold together with `confidence`."""
    targets = sample.frame.targets
    each = each_of(confidence, len(targets))
    return [_leaning(sample.of(k), each) for k in range(len(targets))]


def together(found: list[Leaning]) -> Verdict:
    """How all of them lean together."""
    if any(one.verdict == "missed" for one in found):
        return "missed"
    return "undecided" if any(one.verdict == "undecided" for one in found) else "met"


def used(target: Target, value: float) -> float:
    """How much of what a target allows is used up by a value: what fails over what may fail.

    A target that allows nothing counts what fails in thousandths.
    """
    return target.goal.fails(value) / max(target.goal.fails(target.goal.threshold), 1e-3)


def _leaning(one: Replicated, confidence: float) -> Leaning:
    target = one.target
    value, _ = _plain(one.pairs(VALUE), confidence)
    if math.isnan(value):
        return Leaning(value, 0.0, "met")
    low, reach_low = _plain(one.pairs(LOW), confidence)
    highest = one.pairs(HIGH)
    high, reach_high = (math.inf, 0.0) if np.isinf(highest).any() else _plain(highest, confidence)
    interval = Estimate(value, low - reach_low, high + reach_high)
    return Leaning(value, used(target, value), verdict(interval, target.goal.threshold, target.goal.side))


def _plain(pairs: Floats, confidence: float) -> tuple[float, float]:
    """A ratio over replications and the reach of Student's interval on either side; NaN where nothing was counted."""
    parts, wholes = pairs.T
    total = float(wholes.sum())
    if total == 0:
        return math.nan, 0.0
    ratio = float(parts.sum()) / total
    weight = wholes / total
    freedom = 1 / float(weight @ weight) - 1
    if freedom < 1e-9:
        return ratio, math.inf
    residual = (parts - ratio * wholes) / total
    return ratio, student(confidence, freedom) * math.sqrt(residual_variance(residual, weight))
