"""Verdicts over replications: what each target came to, and whether all hold together."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import MINUTE
from sim.measures.estimates import Estimate, Verdict, all_of, each_of, share_interval, units_counted, verdict
from sim.measures.evidence import NothingFailed, nothing_failed
from sim.measures.frame import UNITS, Frame
from sim.measures.held import HIGH, LOW, POSSIBLY, SILENT, SPOKE, SURELY
from sim.measures.kinds import Replicated
from sim.measures.sample import Sample
from sim.measures.tallies import COLUMNS
from sim.scenario.certain import Bounds
from sim.scenario.targets import Between, OfTips, Side, Target, Unit


@dataclass(frozen=True, slots=True, eq=False)
class HeldShare:
    """The share of periods in which something held; periods in which nothing could be judged are left out."""

    periods: NDArray[np.int64]
    """(n_replications, 4) by `held.HELD`."""
    whole: bool
    """Whether the periods are whole ones of the calendar; else no whole one was measured."""
    confidence: float
    units: int
    """Units of evidence in one replication."""

    @property
    def share(self) -> Estimate:
        """From those in which it held however the open tips end, to those in which it may have."""
        spoke, surely, possibly = (self.periods[:, column] for column in (SPOKE, SURELY, POSSIBLY))
        units = self.units * len(spoke)
        least = share_interval(surely, spoke, self.confidence, units)
        if np.array_equal(surely, possibly):
            return least
        return least.joined(share_interval(possibly, spoke, self.confidence, units))

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
    target: Target
    value: float
    """A share, or ticks; with `per` and `in_each` the mean over replications of the worst window and centre.
    NaN where nothing was counted."""
    low: float
    high: float
    """The interval: from that of the low bound to that of the high bound, where open tips leave two."""
    verdict: Verdict
    certain: bool
    """Whether the verdict follows from the document for every draw (`scenario/certain.py`)."""
    unshown: NothingFailed | None
    """What is shown, where nothing failed and that is not yet the threshold; else None."""
    lower_bound: bool
    """Whether the value is a lower bound: of times of which some are still open."""
    values: tuple[float, ...]
    """The value of each replication, in their order."""
    counts: dict[str, int]
    """Tips over all replications by `tallies.COLUMNS`; they add up to those that arrived. 0 if it is about none."""
    unlabelled_lost: int
    """Tips over all replications that were lost without any label, which a target on a tier cannot judge."""
    unlabelled_open: int
    """Likewise those that are still open."""
    windows: HeldShare
    """The share of its own windows in which it held, in every centre with `in_each`; of the runs without `per`."""
    held: dict[str, HeldShare]
    """The share of runs, months, weeks and days in which it held."""

    @property
    def claim(self) -> str | None:
        return self.target.claim

    @property
    def kind(self) -> str:
        return self.target.kind

    @property
    def threshold(self) -> float:
        """A share, or ticks."""
        return self.target.threshold

    @property
    def side(self) -> Side:
        """On which side of its threshold it is met."""
        return self.target.side

    @property
    def unit(self) -> Unit:
        """What its figures are told in."""
        return self.target.unit

    @property
    def scale(self) -> float:
        """What a figure is divided by to be told in its unit."""
        return self.target.scale

    def in_unit(self, value: float) -> float:
        """A share, or ticks as minutes."""
        return self.target.in_unit(value)

    @property
    def asked(self) -> str:
        """What it asks, in a few words."""
        return self.target.asked

    @property
    def by_tip(self) -> bool:
        """Whether each tip meets or fails it by itself."""
        return self.target.by_tip

    @property
    def about_tips(self) -> bool:
        """Whether tips are counted by it."""
        return isinstance(self.target, OfTips)

    @property
    def within_minutes(self) -> float | None:
        """The time within which a share of the tips is asked for; None for other targets."""
        target = self.target
        return target.limit / MINUTE if isinstance(target, Between) and target.unit == "share" else None

    @property
    def used(self) -> float:
        """How much of what the target allows is used up: 1 at the threshold, 2 where twice as much fails as may.

        What fails is the share that missed, was lost, or is busy, or the time itself.
        """
        fails, allowed = self.target.fails(self.value), self.target.fails(self.threshold)
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
    frame, one = sample.frame, sample.of(k)
    target, bounds = one.target, frame.bounds[k]
    found = one.estimate(confidence)
    settled = _settled(bounds, target)
    if not math.isnan(found.value):
        found = found.within(bounds)
    lost, still_open = (int(n) for n in sample.unlabelled[:, k].sum(axis=0))
    counts = sample.counts[:, k].sum(axis=0)
    return TargetResult(
        name=name,
        target=target,
        value=found.value,
        low=found.low,
        high=found.high,
        verdict=verdict(found, target.threshold, target.side),
        certain=settled and not math.isnan(found.value),
        unshown=None if settled else _unshown(one, confidence),
        lower_bound=bool(np.isinf(one.ratio[:, HIGH, 0]).any()),
        values=tuple(float(value) for value in one.values),
        counts={column: int(n) for column, n in zip(COLUMNS, counts, strict=True)},
        unlabelled_lost=lost,
        unlabelled_open=still_open,
        windows=HeldShare(sample.windows[:, k], frame.periods[target.per].whole, confidence, frame.units),
        held=_by_unit(sample.units[:, k], frame, confidence),
    )


def _settled(bounds: Bounds, target: Target) -> bool:
    """Whether the verdict is the same anywhere between the bounds."""
    whatever = Estimate(math.nan, bounds.least, bounds.most)
    return verdict(whatever, target.threshold, target.side) != "undecided"


def _unshown(one: Replicated, confidence: float) -> NothingFailed | None:
    """What nothing failed shows, where tips were judged, none of them failed or may, and that is not the threshold."""
    target = one.target
    if not target.by_tip or target.per != "run" or target.in_each is not None:
        return None
    at_least = target.side == "at_least"
    parts, wholes = one.ratio[:, LOW if at_least else HIGH].T
    if not wholes.any() or not (np.array_equal(parts, wholes) if at_least else not parts.any()):
        return None
    n = len(one.ratio)
    kept = target.threshold if at_least else 1 - target.threshold
    return nothing_failed(units_counted(wholes, one.units * n), n, kept, confidence)


def _by_unit(held: NDArray[np.int64], frame: Frame, confidence: float) -> dict[str, HeldShare]:
    """Shares of periods from (n_replications, n_units, 4)."""
    return {
        unit: HeldShare(held[:, u], frame.periods[unit].whole, confidence, frame.units) for u, unit in enumerate(UNITS)
    }
