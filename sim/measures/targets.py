"""Verdicts over replications: what each target came to, and whether all hold together."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import MINUTE
from sim.measures.estimates import (
    Estimate,
    Verdict,
    all_of,
    each_of,
    mean_interval,
    share_interval,
    units_counted,
    verdict,
)
from sim.measures.evidence import NothingFailed, nothing_failed
from sim.measures.frame import Frame
from sim.measures.held import HIGH, LOW, POSSIBLY, SILENT, SPOKE, SURELY, quotient
from sim.measures.kinds import Replicated, kind_of
from sim.measures.sample import Sample
from sim.measures.tallies import COLUMNS, LEFT_OUT, LOST, MERGED, NOT_OF, WITHOUT_END, WITHOUT_START
from sim.scenario.certain import CertainBounds
from sim.scenario.choices import UNITS
from sim.scenario.targets import Goal, OfTips, Side, Target, Timed, Unit

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
    units: int
    """Units of evidence in one replication."""
    recorded: bool = False
    """Whether nothing was left to chance, so that these periods are all there are and the share has no interval."""

    @property
    def share(self) -> Estimate:
        """From those in which it held however the open tips end, to those in which it may have."""
        spoke, surely, possibly = (self.periods[:, column] for column in (SPOKE, SURELY, POSSIBLY))
        if self.recorded and spoke.any():
            low, high = float(surely.sum() / spoke.sum()), float(possibly.sum() / spoke.sum())
            return Estimate(low, low, high)
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


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The tips that a target left out of those that it names: lost, merged or never come to its end, and for a
    target on tiers those lost or open without any label. Who went through without ever coming to `from` is not named.
    """

    tips: int
    """Over all replications."""
    share: Estimate
    """Of the tips named; its interval allows for nothing that was not drawn."""
    most: float | None
    """The share that may be left out; None where any may be."""

    @property
    def verdict(self) -> Verdict:
        """Whether no more was left out than may be: missed where that is shown, undecided where the share is more and
        chance alone could make the difference. What is within the limit is not held against a target."""
        if self.most is None or not self.share.value > self.most:
            return "met"
        return "missed" if self.share.low > self.most else "undecided"


@dataclass(frozen=True, slots=True, eq=False)
class TargetResult:
    """What a target came to over all replications."""

    name: str
    target: Target
    value: float
    """A share, or ticks; with `hold` the share of windows that kept the rule, with `in_each` that of the worst place.
    NaN where nothing was counted."""
    low: float
    high: float
    """The interval: from that of the low bound to that of the high bound, where open tips leave two."""
    verdict: Verdict
    certain: bool
    """Whether the verdict follows from the document for every draw (`scenario/certain.py`)."""
    unshown: NothingFailed | None
    """What is shown, where nothing failed and that is not yet the threshold; else None, as where nothing was left to
    chance."""
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
    """The share of its own windows in which it held, in every place with `in_each`; of the runs without `per`."""
    held: dict[str, HeldShare]
    """The share of runs, months, weeks and days in which it held."""
    worst: str | None = None
    """The name of the place of which its value is; None without `in_each`, or where nothing was counted."""
    too_few: tuple[str, ...] = ()
    """The places in which too little was judged to show that they hold, or that they do not."""
    silent: tuple[str, ...] = ()
    """The places without anything to judge."""
    left_out: LeftOut | None = None
    """What it left out of the tips that it names; None for a target that leaves none out."""
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
    def goal(self) -> Goal:
        """What its value has to reach."""
        return self.target.goal

    @property
    def threshold(self) -> float:
        """A share, or ticks; with `hold` the share of windows that is asked for."""
        return self.goal.threshold

    @property
    def side(self) -> Side:
        """On which side of its threshold it is met."""
        return self.goal.side

    @property
    def unit(self) -> Unit:
        """What its figures are told in."""
        return self.goal.unit

    @property
    def scale(self) -> float:
        """What a figure is divided by to be told in its unit."""
        return self.goal.scale

    def in_unit(self, value: float) -> float:
        """A share, or ticks as minutes."""
        return self.goal.in_unit(value)

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
        return target.limit / MINUTE if isinstance(target, Timed) and target.unit == "share" else None

    @property
    def used(self) -> float:
        """How much of what the target allows is used up; see `Goal.used`."""
        return self.goal.used(self.value)

    @property
    def used_at_best(self) -> float:
        """The same at the better end of the interval."""
        return self.goal.used(self.high if self.side == "at_least" else self.low)


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """Whether all targets hold together."""

    verdict: Verdict
    """Met where every target is met by its own interval, missed where any is by intervals that hold all at once."""
    results: tuple[TargetResult, ...]
    """The targets with intervals that hold all at once."""
    shares: dict[str, HeldShare]
    """The share of runs, months, weeks and days in which every target that had something to judge held."""
    binding: str | None
    """The target that uses up most of what it allows; None where nothing was counted."""
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    """Of each target what it adds to the verdict: met by its own interval, missed by the one that holds with all."""
    alone: tuple[TargetResult, ...] = ()
    """Targets with their own intervals: all where that was asked for, else those of which the verdict hangs on it."""

    @property
    def deciding(self) -> tuple[TargetResult, ...]:
        """The targets with the intervals by which they add to the verdict.

        Those that hold all at once, but where one is met by its own interval alone.
        """
        met = {own.name: own for own in self.alone if own.verdict == "met"}
        return tuple(met.get(one.name, one) if one.verdict == "undecided" else one for one in self.results)

    def named(self, verdict: Verdict) -> list[str]:
        """The targets that add so much to the verdict."""
        return [name for name, one in self.verdicts.items() if one == verdict]

    @property
    def word(self) -> str:
        """The verdict as it is said; see `TargetResult.word`."""
        recorded = any(one.recorded for one in self.results)
        return RECORDED.get(self.verdict, self.verdict) if recorded else self.verdict


def results(
    sample: Sample,
    confidence: float | None = None,
    names: Collection[str] | None = None,
    *,
    in_search: bool = False,
) -> list[TargetResult]:
    """What the targets came to, each with its own interval; those named, or all. The scenario's confidence if none.

    What a target leaves out has no part in its verdict `in_search`, which judges that by itself.
    """
    confidence = sample.frame.scenario.run.confidence if confidence is None else confidence
    return [
        _result(sample, k, name, confidence, in_search)
        for k, name in enumerate(sample.frame.scenario.targets)
        if names is None or name in names
    ]


def joint(
    sample: Sample, confidence: float | None = None, *, in_search: bool = False, with_alone: bool = False
) -> Joint:
    """Whether all targets hold together, and in which share of the periods they did; `in_search` as for `results`.

    `with_alone` gives every target with its own interval too.

    *Met* is met where every target is, each by its own interval: if not all of them held, one of them would have to be
    called met wrongly, and that alone has the error allowed (an intersection-union test needs no correction). *Missed*
    is missed where any target is, by intervals that hold all at once: with many targets one is soon called missed by
    chance. What is neither is undecided.

    Source: R. L. Berger, Technometrics 24 (1982).
    """
    scenario = sample.frame.scenario
    confidence = scenario.run.confidence if confidence is None else confidence
    each = tuple(results(sample, each_of(confidence, len(scenario.targets)), in_search=in_search))
    told = [one for one in each if not math.isnan(one.value)]
    # What is met by an interval that holds with all others is met by its own, which lies within that; but what it
    # leaves out may be shown to be too much by its own alone.
    hangs = {
        one.name for one in each if with_alone or one.verdict == "undecided" or not (in_search or _leaves_few(one))
    }
    alone = results(sample, confidence, hangs, in_search=in_search) if hangs else []
    own = {one.name: one.verdict for one in alone}
    verdicts = {one.name: _together(own.get(one.name, one.verdict), one.verdict) for one in each}
    return Joint(
        verdict=all_of(list(verdicts.values())),
        results=each,
        shares=_by_unit(sample.joint, sample.frame, confidence),
        binding=max(told, key=lambda one: one.used).name if told else None,
        verdicts=verdicts,
        alone=tuple(alone),
    )


def _leaves_few(one: TargetResult) -> bool:
    """Whether a target leaves out no more than it may by the value alone, or is missed whatever it leaves out."""
    out = one.left_out
    return one.verdict == "missed" or out is None or out.most is None or not out.share.value > out.most


def _together(alone: Verdict, all_at_once: Verdict) -> Verdict:
    """What a target adds to the verdict on all."""
    if all_at_once == "missed":
        return "missed"
    return "met" if alone == "met" else "undecided"


def left_out(sample: Sample, k: int) -> tuple[Floats, Floats]:
    """(n_replications,) the tips that target `k` leaves out, and all that its `of` names and that come to its start.

    With a tier in its `of`, who was lost or is open without any label is among both.
    """
    target, counts = sample.frame.targets[k], sample.counts[:, k]
    lacking = sample.unlabelled[:, k].sum(axis=1)
    named = counts.sum(axis=1) - counts[:, [WITHOUT_START, NOT_OF]].sum(axis=1) + lacking
    if not isinstance(target, Timed) or not target.leaves_out:
        return np.zeros(len(named)), named.astype(float)
    judged = kind_of(target).judged
    going = (LOST, MERGED, WITHOUT_END, *((LEFT_OUT,) if target.lost_count_as_left_out else ()))
    gone = [column for column in going if column not in judged]
    return (counts[:, gone].sum(axis=1) + lacking).astype(float), named.astype(float)


def _result(sample: Sample, k: int, name: str, confidence: float, in_search: bool) -> TargetResult:
    frame, one = sample.frame, sample.of(k)
    target, goal, bounds = one.target, one.target.goal, frame.bounds[k]
    found = _of_one_period(one) if frame.recorded else one.estimate(confidence)
    counted = not math.isnan(found.value)
    if counted:
        found = found.within(bounds)
    settled = _settled(bounds, goal)
    left_out = _what_was_left_out(sample, k, confidence)
    by_value = verdict(found, goal.threshold, goal.side, goal.unit) if counted else "undecided"
    lost, still_open = (int(n) for n in sample.unlabelled[:, k].sum(axis=0))
    counts = sample.counts[:, k].sum(axis=0)
    return TargetResult(
        name=name,
        target=target,
        value=found.value,
        low=found.low,
        high=found.high,
        verdict=all_of([by_value, left_out.verdict if left_out and counted and not in_search else "met"]),
        certain=settled and counted and (left_out is None or left_out.verdict == "met"),
        unshown=None if settled or frame.recorded else _unshown(one, confidence),
        lower_bound=target.hold is None and kind_of(target).lower_bound(one.worst),
        values=tuple(float(value) for value in one.values),
        counts={column: int(n) for column, n in zip(COLUMNS, counts, strict=True)},
        unlabelled_lost=lost,
        unlabelled_open=still_open,
        windows=HeldShare(
            sample.windows[:, k], bool(frame.own[k].whole.any()), confidence, frame.units, frame.recorded
        ),
        held=_by_unit(sample.units[:, k], frame, confidence),
        worst=one.worst.name if target.in_each is not None and counted else None,
        too_few=one.too_few(confidence) if counted and not frame.recorded else (),
        silent=_silent(one) if target.in_each is not None else (),
        left_out=left_out,
        recorded=frame.recorded,
        given_arrivals=frame.given_arrivals,
    )


def _silent(one: Replicated) -> tuple[str, ...]:
    judged = {place.name for place in one.judged if place.ratio[:, LOW, 1].any()}
    return tuple(place.name for place in one.places if place.name not in judged)


def _what_was_left_out(sample: Sample, k: int, confidence: float) -> LeftOut | None:
    target = sample.frame.targets[k]
    if not isinstance(target, Timed) or not target.leaves_out:
        return None
    left, named = left_out(sample, k)
    share = mean_interval(left, named, confidence)
    exact = Estimate(share.value, share.value, share.value)
    return LeftOut(int(left.sum()), exact if sample.frame.recorded else share, target.most_left_out)


def _of_one_period(one: Replicated) -> Estimate:
    """What a period came to in which nothing is left to chance; all replications are the same.

    The interval is from the low to the high bound that open tips leave, of the worst place by each.
    """
    worst = np.nanmin if one.target.goal.side == "at_least" else np.nanmax
    found = quotient(np.array([place.ratio[0] for place in one.judged]))
    value, low, high = (math.nan if np.isnan(each).all() else float(worst(each)) for each in found.T)
    return Estimate(value, low, high)


def _settled(bounds: CertainBounds, goal: Goal) -> bool:
    """Whether the verdict is the same anywhere between the bounds."""
    whatever = Estimate(math.nan, bounds.least, bounds.most)
    return verdict(whatever, goal.threshold, goal.side, goal.unit) != "undecided"


def _unshown(one: Replicated, confidence: float) -> NothingFailed | None:
    """What nothing failed shows, where tips or windows were judged, none of them failed or may, and that is not the
    threshold."""
    target, goal, place = one.target, one.target.goal, one.worst
    if target.in_each is not None or not (target.by_tip or target.hold is not None):
        return None
    at_least = goal.side == "at_least"
    parts, wholes = place.ratio[:, LOW if at_least else HIGH].T
    if not wholes.any() or not (np.array_equal(parts, wholes) if at_least else not parts.any()):
        return None
    n = len(place.ratio)
    kept = goal.threshold if at_least else 1 - goal.threshold
    return nothing_failed(units_counted(wholes, place.units * n), n, kept, confidence)


def _by_unit(held: NDArray[np.int64], frame: Frame, confidence: float) -> dict[str, HeldShare]:
    """Shares of periods from (n_replications, n_units, 4)."""
    return {
        unit: HeldShare(held[:, u], frame.periods[unit].whole, confidence, frame.units, frame.recorded)
        for u, unit in enumerate(UNITS)
    }
