"""How each kind of target is measured: which tips it judges, what it comes to in a replication, and over many of them.

One class a kind, made known by `measured` under the name that its documents have (`scenario/targets.py`). What nobody
made known raises an error: no kind is ever taken for another.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from inspect import isabstract
from typing import Any, ClassVar, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import NEVER
from sim.measures import passes
from sim.measures.cohort import Cohort
from sim.measures.estimates import Estimate, mean_interval, share_interval
from sim.measures.frame import UNITS
from sim.measures.held import HIGH, LOW, VALUE, in_periods, quotient
from sim.measures.places import Places
from sim.measures.tallies import LOST, MET, MISSED, NOT_OF, OPEN, WITHOUT_END, Tally, by_cell, cell_of, timed_tally
from sim.measures.theory import erlang_a, mean_wait, wait_above
from sim.scenario.targets import Between, LostTarget, MeanTarget, OccupancyTarget, ShareTarget, Target

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AnyKind = TypeVar("AnyKind", bound=Target)
AnyBetween = TypeVar("AnyBetween", bound=Between)

Enough = Callable[[float, int], bool]
"""Whether so many servers are enough for so many erlangs."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line in an average hour, as Erlang's formulas see it."""

    service: float
    """Mean, in ticks."""
    patience: float
    """Mean, in ticks; 0 where tips wait for ever."""
    room: float = math.inf
    """Ticks of what the target allows that may go by in this line."""
    lines: int = 1
    """How many lines share the misses that the target allows."""


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """One replication as one target sees it."""

    cohort: Cohort
    places: Places | None
    """The pools over time; None where no target is about one."""
    tally: Tally | None
    """Where the target counts each tip; None where it is not about tips."""

    @property
    def tips(self) -> Tally:
        """The tally of a target that is about tips."""
        assert self.tally is not None
        return self.tally


@dataclass(frozen=True, slots=True, eq=False)
class Replicated:
    """What one target came to in each of many replications."""

    target: Target
    ratio: Floats
    """(n_replications, 3, 2) VALUE, LOW and HIGH, each as numerator and denominator."""
    extra: Floats
    """(n_replications, ...) what else its kind keeps of each."""
    units: int = 1
    """Units of evidence in one replication (`evidence.py`)."""

    @property
    def values(self) -> Floats:
        """(n_replications,) NaN where nothing was counted."""
        return quotient(self.ratio[:, VALUE])

    def pairs(self, bound: int) -> Floats:
        """Numerators and denominators in which replications weigh as they should, (n_replications, 2)."""
        return kind_of(self.target).weighed(self, bound)

    def estimate(self, confidence: float) -> Estimate:
        """The value over all replications, its interval spanning those of the low and the high bound."""
        return kind_of(self.target).estimate(self, confidence)

    def repeated(self, times: int) -> Replicated:
        """As if so many times the replications had come out as these."""
        ratio, extra = (np.concatenate([part] * times) for part in (self.ratio, self.extra))
        return Replicated(self.target, ratio, extra, self.units)


class Kind(ABC, Generic[AnyKind]):
    """How the targets of one kind are measured."""

    judged: ClassVar[tuple[int, ...]] = ()
    """The columns of the tips that it judges; none where it is not about tips."""
    failed: ClassVar[tuple[int, ...]] = ()
    """Of those, the columns of the tips that fail."""
    curve: ClassVar[tuple[int, ...]] = ()
    """The columns of the tips of which a curve of its times tells the share, also those that never come through; none
    where it has no curve."""

    def tally(self, target: AnyKind, cohort: Cohort) -> Tally | None:
        """Where each tip of the cohort is counted; None where it is not about tips."""
        return None

    @abstractmethod
    def cells(self, target: AnyKind, watched: Watched) -> dict[str, Floats]:
        """By each of UNITS: (n_centres or 1, n_periods, 3, 2) of the judged periods, VALUE, LOW and HIGH, each a
        numerator over a denominator, which is 0 where there was nothing to judge."""

    def extra(self, target: AnyKind, watched: Watched) -> Floats:
        """What else of a replication its estimate is made of: an array of one shape for all replications."""
        return np.zeros(0)

    @abstractmethod
    def weighed(self, one: Replicated, bound: int) -> Floats:
        """(n_replications, 2) numerators and denominators whose totals give the value: what differences between
        scenarios and the leanings of a search are made of."""

    @abstractmethod
    def interval(self, parts: Floats, wholes: Floats, confidence: float, units: int) -> Estimate:
        """The estimate from what `weighed` gave of one bound; `units` are those of evidence of all replications."""

    def estimate(self, one: Replicated, confidence: float) -> Estimate:
        """The value over all replications, its interval spanning those of the low and the high bound."""
        value, low, high = (self.weighed(one, bound) for bound in (VALUE, LOW, HIGH))
        units = one.units * len(one.ratio)
        middle = self.interval(value[:, 0], value[:, 1], confidence, units).value
        at_least = self.interval(low[:, 0], low[:, 1], confidence, units)
        if np.isinf(high).any():
            return Estimate(middle, at_least.low, math.inf)
        if np.array_equal(low, high):
            return Estimate(middle, at_least.low, at_least.high)
        at_most = self.interval(high[:, 0], high[:, 1], confidence, units)
        return Estimate(middle, at_least.low, at_most.high)

    def enough(self, target: AnyKind, line: Line) -> Enough | None:
        """How many servers a line needs by formula, for first guesses; None where none is known."""
        return None

    def servers(self, target: AnyKind, erlangs: float) -> float:
        """Servers that a target on a pool asks for at a load, on average; 0 where that cannot be told."""
        return 0.0


KINDS: Final[dict[str, Kind[Any]]] = {}
"""How each kind of target is measured, by its name."""

AnyMeasure = TypeVar("AnyMeasure", bound=type[Kind[Any]])


def measured(kind: str) -> Callable[[AnyMeasure], AnyMeasure]:
    """Make known how a kind of targets is measured; ValueError where that is known already."""

    def known(one: AnyMeasure) -> AnyMeasure:
        if isabstract(one):
            raise TypeError(f"{one.__name__} leaves out {', '.join(sorted(one.__abstractmethods__))}")
        if kind in KINDS:
            raise ValueError(f"how targets of kind '{kind}' are measured is known already")
        KINDS[kind] = one()
        return one

    return known


def kind_of(target: Target) -> Kind[Any]:
    """How a target is measured; LookupError where nobody made that known."""
    found = KINDS.get(target.kind)
    if found is None:
        raise LookupError(f"nothing says how targets of kind '{target.kind}' are measured; known: {', '.join(KINDS)}")
    return found


def tally(target: Target, cohort: Cohort) -> Tally:
    """What each tip of the cohort is to a target; a ValueError for one that is not about tips."""
    found = kind_of(target).tally(target, cohort)
    if found is None:
        raise ValueError(f"{target.a} is not about tips")
    return found


class RatioKind(Kind[AnyKind]):
    """A kind whose value is a ratio that adds up over periods.

    The tips of a run weigh alike; worst windows weigh alike, as many tips as they have on average.
    """

    @abstractmethod
    def by_day(self, target: AnyKind, watched: Watched) -> Floats:
        """(n_centres or 1, n_days, 3, 2) by the day of arrival."""

    def cells(self, target: AnyKind, watched: Watched) -> dict[str, Floats]:
        by_day = self.by_day(target, watched)
        return {unit: in_periods(by_day, unit, watched.cohort.frame) for unit in UNITS}

    def weighed(self, one: Replicated, bound: int) -> Floats:
        pairs = one.ratio[:, bound]
        counted = pairs[:, 1] > 0
        if not counted.any() or _of_runs(one.target):
            return pairs
        return _reweighed(pairs, np.where(counted, float(pairs[counted, 1].mean()), 0.0))


class ValueKind(Kind[AnyKind]):
    """A kind whose value adds up over nothing, such as a median: it is taken anew in every window, and the value over
    replications is the mean of theirs, those left out in which nothing was counted."""

    @abstractmethod
    def values(self, target: AnyKind, watched: Watched, cell: Ints, n_cells: int) -> Floats:
        """(n_cells, 3) VALUE, LOW and HIGH of the tips of each cell, by the cell of each tip; NaN where nothing was
        counted."""

    def cells(self, target: AnyKind, watched: Watched) -> dict[str, Floats]:
        cohort = watched.cohort
        frame = cohort.frame
        n_centres = 1 if target.in_each is None else len(frame.scenario.centres)
        found = {}
        for unit in UNITS:
            periods = frame.periods[unit]
            n_periods = len(periods.first_day)
            cell = np.searchsorted(periods.first_day, cohort.day, side="right") - 1
            if target.in_each is not None:
                cell = cohort.centre * np.int64(n_periods) + cell
            values = self.values(target, watched, cell, n_centres * n_periods)
            counted = ~np.isnan(values)
            pairs = np.stack([np.where(counted, values, 0.0), counted.astype(float)], axis=-1)
            found[unit] = pairs.reshape(n_centres, n_periods, 3, 2)[:, periods.judged]
        return found

    def weighed(self, one: Replicated, bound: int) -> Floats:
        pairs = one.ratio[:, bound]
        return _reweighed(pairs, (pairs[:, 1] > 0).astype(float))


class TimedKind(Kind[AnyBetween]):
    """A kind on the time between two moments."""

    never: ClassVar[int]
    """The column of a tip that was through without ever passing `to`."""
    late: ClassVar[int]
    """The column of an open tip that has taken longer than the limit already."""

    def tally(self, target: AnyBetween, cohort: Cohort) -> Tally | None:
        return timed_tally(target, self.never, self.late, cohort)


@measured("share")
class Shares(TimedKind[ShareTarget], RatioKind[ShareTarget]):
    """The share of the tips that were in time; a lost tip and one that never comes to the end are not."""

    judged = (MET, MISSED, LOST)
    failed = (MISSED, LOST)
    curve = (MET, MISSED, LOST)
    never = MISSED
    late = MISSED

    def by_day(self, target: ShareTarget, watched: Watched) -> Floats:
        met, missed, lost, still_open = by_cell(target, watched.cohort, watched.tips.column)[:4]
        judged = met + missed + lost
        return ratio_of((met, judged), (met, judged + still_open), (met + still_open, judged + still_open))

    def interval(self, parts: Floats, wholes: Floats, confidence: float, units: int) -> Estimate:
        return share_interval(parts, wholes, confidence, units)

    def enough(self, target: ShareTarget, line: Line) -> Enough:
        room, misses = line.room, (1 - target.share) / line.lines
        if line.patience:
            return lambda load, n: 1 - erlang_a(load, n, line.service, line.patience, room).served_within <= misses
        return lambda load, n: wait_above(room, load, n, line.service) <= misses


@measured("mean")
class Means(TimedKind[MeanTarget], RatioKind[MeanTarget]):
    """The mean time of the tips that came to the end, and the age of those that are still open as its low bound."""

    judged = (MET, MISSED)
    failed = (MISSED,)
    curve = (MET, MISSED, LOST, WITHOUT_END, OPEN)
    """A mean leaves out those that never come through, but its curve cannot."""
    never = WITHOUT_END
    late = OPEN

    def by_day(self, target: MeanTarget, watched: Watched) -> Floats:
        cohort, found = watched.cohort, watched.tips
        table = by_cell(target, cohort, found.column)
        counted, still_open = table[MET] + table[MISSED], table[OPEN]
        cell = cell_of(target, cohort)
        total = np.bincount(cell, weights=found.ticks, minlength=counted.size).reshape(counted.shape)
        least = (total, counted + still_open)
        return ratio_of(least, least, (np.where(still_open > 0, math.inf, total), counted + still_open))

    def interval(self, parts: Floats, wholes: Floats, confidence: float, units: int) -> Estimate:
        return mean_interval(parts, wholes, confidence)

    def enough(self, target: MeanTarget, line: Line) -> Enough:
        return lambda load, n: mean_wait(load, n, line.service) <= line.room


@measured("lost")
class LostShares(RatioKind[LostTarget]):
    """The share of the tips that gave up for good; an open one may still do so if it waits, or will, with patience."""

    judged = (MET, LOST)
    failed = (LOST,)

    def tally(self, target: LostTarget, cohort: Cohort) -> Tally:
        column = np.where(cohort.state == passes.LOST, LOST, np.where(cohort.at_risk, OPEN, MET)).astype(np.int8)
        column[~cohort.matching(target.of)] = NOT_OF
        never, nothing = np.full(len(cohort), NEVER), np.zeros(len(cohort), np.int64)
        return Tally(column, np.zeros(len(cohort), np.bool_), never, never, nothing)

    def by_day(self, target: LostTarget, watched: Watched) -> Floats:
        kept, _, lost, still_open = by_cell(target, watched.cohort, watched.tips.column)[:4]
        total = kept + lost + still_open
        return ratio_of((lost, total), (lost, total), (lost + still_open, total))

    def interval(self, parts: Floats, wholes: Floats, confidence: float, units: int) -> Estimate:
        return share_interval(parts, wholes, confidence, units)

    def enough(self, target: LostTarget, line: Line) -> Enough | None:
        if not line.patience:
            return None
        return lambda load, n: erlang_a(load, n, line.service, line.patience).abandoned <= target.lost


@measured("occupancy")
class Occupancies(RatioKind[OccupancyTarget]):
    """Busy time over time on duty. Replications weigh by their time on duty, worst windows alike."""

    def by_day(self, target: OccupancyTarget, watched: Watched) -> Floats:
        places, frame = watched.places, watched.cohort.frame
        assert places is not None
        pool = frame.scenario.pool_index(target.pool)
        if target.in_each is None or places.days is None:
            busy, on_duty = (places.by_day(number, pool)[None] for number in (passes.BUSY, passes.ON_DUTY))
        else:
            mine = places.days[:, frame.pool_of_place == pool].astype(float)
            busy, on_duty = mine[passes.BUSY], mine[passes.ON_DUTY]
        return ratio_of(*[(busy, on_duty)] * 3)

    def weighed(self, one: Replicated, bound: int) -> Floats:
        pairs = one.ratio[:, bound]
        counted = pairs[:, 1] > 0
        if not counted.any():
            return pairs
        size = float(pairs[counted, 1].mean())
        weight = pairs[:, 1] if _of_runs(one.target) else np.where(counted, size, 0.0)
        return _reweighed(pairs, weight / size)

    def interval(self, parts: Floats, wholes: Floats, confidence: float, units: int) -> Estimate:
        return share_interval(parts, wholes, confidence, units)

    def enough(self, target: OccupancyTarget, line: Line) -> Enough:
        return partial(_busy_enough, target.occupancy)

    def servers(self, target: OccupancyTarget, erlangs: float) -> float:
        return erlangs / max(target.occupancy, 0.01)


def ratio_of(*bounds: tuple[Floats, Floats]) -> Floats:
    """VALUE, LOW and HIGH, each a numerator and a denominator, as the last two axes."""
    return np.stack([np.stack(pair, axis=-1) for pair in bounds], axis=-2)


def _of_runs(target: Target) -> bool:
    """Whether a replication gives one value, and not the worst of several windows."""
    return target.per == "run" and target.in_each is None


def _reweighed(pairs: Floats, weight: Floats) -> Floats:
    """The same ratios, (n_replications, 2), by other weights."""
    return np.stack([np.where(pairs[:, 1] > 0, quotient(pairs) * weight, 0.0), weight], axis=-1)


def _busy_enough(most: float, load: float, n: int) -> bool:
    return load <= most * n
