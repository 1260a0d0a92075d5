"""Verdicts over replications: what each target came to, and whether all hold together."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.measures.estimates import Estimate, Verdict, all_of, each_of, mean_interval, share_interval, verdict
from sim.measures.frame import UNITS, AnyTarget, Frame
from sim.measures.held import HIGH, LOW, POSSIBLY, SILENT, SPOKE, SURELY, VALUE, side, threshold
from sim.measures.sample import Sample
from sim.measures.tallies import COLUMNS

Floats = NDArray[np.float64]


RECORDED: Final = {"met": "kept", "missed": "broken"}
"""What is said of a period, in place of what would be said of the long run."""


@dataclass(frozen=True, slots=True, eq=False)
class HeldShare:
    """The share of periods in which something held; periods in which nothing could be judged are left out."""

    periods: NDArray[np.int64]
    """(n_replications, 4) by `held.HELD`."""
    whole: bool
    """Whether the periods are whole ones of the calendar; else no whole one was measured."""
    confidence: float
    recorded: bool = False
    """Whether nothing was left to chance, so that these periods are all there are and the share has no interval."""

    @property
    def share(self) -> Estimate:
        """From those in which it held however the open tips end, to those in which it may have."""
        spoke, surely, possibly = (self.periods[:, column] for column in (SPOKE, SURELY, POSSIBLY))
        if self.recorded and spoke.any():
            low, high = float(surely.sum() / spoke.sum()), float(possibly.sum() / spoke.sum())
            return Estimate(low, low, high)
        least = share_interval(surely, spoke, self.confidence)
        if np.array_equal(surely, possibly):
            return least
        return least.joined(share_interval(possibly, spoke, self.confidence))

    @property
    def n_judged(self) -> int:
        """Periods judged, over all replications."""
        return int(self.periods[:, SPOKE].sum())

    @property
    def n_silent(self) -> int:
        """Periods left out, over all replications."""
        return int(self.periods[:, SILENT].sum())


@dataclass(frozen=True, slots=True, eq=False)
class TargetResult:
    """What a target came to over all replications."""

    name: str
    target: AnyTarget
    value: float
    """A share, or ticks for a mean; with `per` and `in_each` the mean over replications of the worst window and centre.
    NaN where nothing was counted."""
    low: float
    high: float
    """The interval: from that of the low bound to that of the high bound, where open tips leave two."""
    verdict: Verdict
    lower_bound: bool
    """Whether the value is a lower bound: a mean over tips of which some are still open."""
    values: tuple[float, ...]
    """The value of each replication, in their order."""
    counts: dict[str, int]
    """Tips over all replications by `tallies.COLUMNS`; they add up to those that arrived. All 0 for an occupancy."""
    unlabelled_lost: int
    """Tips over all replications that were lost without any label, which a target on a tier cannot judge."""
    unlabelled_open: int
    """Likewise those that are still open."""
    windows: HeldShare
    """The share of its own windows in which it held, in every centre with `in_each`; of the runs without `per`."""
    held: dict[str, HeldShare]
    """The share of runs, months, weeks and days in which it held."""
    recorded: bool = False
    """Whether nothing was left to chance: the value is that of one period, without an interval for chance."""
    given_arrivals: bool = False
    """Whether the interval is for these recorded arrivals alone."""

    @property
    def word(self) -> str:
        """The verdict as it is said: of a record that left nothing to chance it is kept or broken in this period."""
        return RECORDED.get(self.verdict, self.verdict) if self.recorded else self.verdict

    @property
    def claim(self) -> str | None:
        return self.target.claim

    @property
    def kind(self) -> str:
        return self.target.kind

    @property
    def threshold(self) -> float:
        """A share, or ticks for a mean."""
        return threshold(self.target)

    @property
    def used(self) -> float:
        """How much of what the target allows is used up: 1 at the threshold, 2 where twice as much fails as may.

        What fails is the share that missed, was lost, or is busy, or the mean itself.
        """
        at_least = side(self.target) == "at_least"
        fails, allowed = (1 - self.value, 1 - self.threshold) if at_least else (self.value, self.threshold)
        if allowed <= 0:
            return math.inf if fails > 0 else 0.0
        return fails / allowed


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """Whether all targets hold together."""

    verdict: Verdict
    """By intervals that hold all at once with the confidence asked for."""
    results: tuple[TargetResult, ...]
    """The targets with those intervals."""
    shares: dict[str, HeldShare]
    """The share of runs, months, weeks and days in which every target that had something to judge held."""
    binding: str | None
    """The target that uses up most of what it allows; None where nothing was counted."""

    @property
    def word(self) -> str:
        """The verdict as it is said; see `TargetResult.word`."""
        recorded = any(one.recorded for one in self.results)
        return RECORDED.get(self.verdict, self.verdict) if recorded else self.verdict


def results(
    sample: Sample, confidence: float | None = None, names: Collection[str] | None = None
) -> list[TargetResult]:
    """What the targets came to, each with its own interval; those named, or all. The scenario's confidence if none."""
    confidence = sample.frame.scenario.run.confidence if confidence is None else confidence
    return [
        _result(sample, k, name, confidence)
        for k, name in enumerate(sample.frame.scenario.targets)
        if names is None or name in names
    ]


def joint(sample: Sample, confidence: float | None = None) -> Joint:
    """Whether all targets hold together, by simultaneous intervals, and in which share of the periods they did."""
    scenario = sample.frame.scenario
    confidence = scenario.run.confidence if confidence is None else confidence
    each = tuple(results(sample, each_of(confidence, len(scenario.targets))))
    told = [one for one in each if not math.isnan(one.value)]
    return Joint(
        verdict=all_of([one.verdict for one in each]),
        results=each,
        shares=_by_unit(sample.joint, sample.frame, confidence),
        binding=max(told, key=lambda one: one.used).name if told else None,
    )


def _result(sample: Sample, k: int, name: str, confidence: float) -> TargetResult:
    frame = sample.frame
    target, ratio = frame.targets[k], sample.ratio[:, k]
    found = _of_one_period(ratio) if frame.recorded else estimated(target, ratio, confidence)
    lost, still_open = (int(n) for n in sample.unlabelled[:, k].sum(axis=0))
    counts = sample.counts[:, k].sum(axis=0)
    return TargetResult(
        name=name,
        target=target,
        value=found.value,
        low=found.low,
        high=found.high,
        verdict=verdict(found, threshold(target), side(target)),
        lower_bound=bool(np.isinf(ratio[:, HIGH, 0]).any()),
        values=tuple(float(value) for value in quotient(ratio[:, VALUE])),
        counts={column: int(n) for column, n in zip(COLUMNS, counts, strict=True)},
        unlabelled_lost=lost,
        unlabelled_open=still_open,
        windows=HeldShare(sample.windows[:, k], frame.periods[target.per].whole, confidence, frame.recorded),
        held=_by_unit(sample.units[:, k], frame, confidence),
        recorded=frame.recorded,
        given_arrivals=frame.given_arrivals,
    )


def _of_one_period(ratio: Floats) -> Estimate:
    """What a period came to in which nothing is left to chance, from (n_replications, 3, 2), all of them the same.

    The interval is from the low to the high bound that open tips leave.
    """
    value, low, high = (float(quotient(ratio[0, bound])) for bound in (VALUE, LOW, HIGH))
    return Estimate(value, low, high)


def quotient(pairs: Floats) -> Floats:
    """Numerators over denominators, (..., 2) to (...); NaN where nothing was counted."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(pairs[..., 1] > 0, pairs[..., 0] / pairs[..., 1], np.nan)


def estimated(target: AnyTarget, ratio: Floats, confidence: float) -> Estimate:
    """The estimate from (n_replications, 3, 2), its interval spanning those of the low and the high bound."""
    interval = mean_interval if target.kind == "mean" else share_interval
    value, low, high = (weighed(target, ratio[:, bound]) for bound in (VALUE, LOW, HIGH))
    middle = interval(value[:, 0], value[:, 1], confidence).value
    at_least = interval(low[:, 0], low[:, 1], confidence)
    if np.isinf(high).any():
        return Estimate(middle, at_least.low, math.inf)
    if np.array_equal(low, high):
        return Estimate(middle, at_least.low, at_least.high)
    at_most = interval(high[:, 0], high[:, 1], confidence)
    return Estimate(middle, at_least.low, at_most.high)


def weighed(target: AnyTarget, pairs: Floats) -> Floats:
    """Numerators and denominators in which replications weigh as they should, (n_replications, 2).

    The tips of a run weigh alike. Worst windows weigh alike, as many tips as they have on average, and so do
    occupancies: of a run, by the time on duty.
    """
    counted = pairs[:, 1] > 0
    of_runs = target.per == "run" and target.in_each is None
    if not counted.any() or (of_runs and target.kind != "occupancy"):
        return pairs
    size = float(pairs[counted, 1].mean())
    weight = pairs[:, 1] if of_runs else np.where(counted, size, 0.0)
    if target.kind == "occupancy":
        weight = weight / size
    return np.stack([np.where(counted, quotient(pairs) * weight, 0.0), weight], axis=-1)


def _by_unit(held: NDArray[np.int64], frame: Frame, confidence: float) -> dict[str, HeldShare]:
    """Shares of periods from (n_replications, n_units, 4)."""
    return {
        unit: HeldShare(held[:, u], frame.periods[unit].whole, confidence, frame.recorded)
        for u, unit in enumerate(UNITS)
    }
