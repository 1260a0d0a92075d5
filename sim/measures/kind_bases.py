"""The classes that kinds of targets are made of: which tips each judges, what it comes to in a run and over many runs.

One class a kind stands in `kinds.py`, made known by `measured` under the name that its documents have
(`scenario/targets.py`). What nobody made known raises an error: no kind is ever taken for another.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import isabstract
from typing import Any, ClassVar, Final, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.measures.cohort import Cohort
from sim.measures.cuts import Cut
from sim.measures.estimates import Estimate, each_of, share_interval, units_counted, verdict
from sim.measures.evidence import nothing_failed
from sim.measures.held import HIGH, LOW, VALUE, Held, OwnWindows, held, in_periods, quotient
from sim.measures.places import PoolTimes
from sim.measures.tallies import COLUMNS, LOST, MERGED, WITHOUT_END, Tally, timed_tally
from sim.measures.theory import erlang_a, wait_above
from sim.scenario.choices import UNITS
from sim.scenario.targets import Target, Timed

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

AnyKind = TypeVar("AnyKind", bound=Target)
AnyTimed = TypeVar("AnyTimed", bound=Timed)

Enough = Callable[[float, int], bool]
"""Whether so many servers are enough for so many erlangs."""


@dataclass(frozen=True, slots=True)
class ErlangLine:
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
    places: PoolTimes | None
    """The pools over time; None where no target is about one."""
    tally: Tally | None
    """Where the target counts each tip; None where it is not about tips."""
    counts: Mapping[str, tuple[Ints, Floats]] | None = None
    """By the unit of windows what was counted before, of tips that are known no more; None where it is counted now."""

    @property
    def tips(self) -> Tally:
        """The tally of a target that is about tips."""
        assert self.tally is not None
        return self.tally


@dataclass(frozen=True, slots=True, eq=False)
class InPlace:
    """What one target came to in one place, or in all of them, in each of many replications."""

    target: Target
    ratio: Floats
    """(n_replications, 3, 2) VALUE, LOW and HIGH, each as numerator and denominator."""
    extra: Floats
    """(n_replications, ...) what else its kind keeps of each."""
    units: int = 1
    """Units of evidence in one replication (`evidence.py`)."""
    name: str = ""
    """Of the place; "" where the target has none."""

    @property
    def values(self) -> Floats:
        """(n_replications,) NaN where nothing was counted."""
        return quotient(self.ratio[:, VALUE])

    def pairs(self, bound: int) -> Floats:
        """Numerators and denominators in which replications weigh as they should, (n_replications, 2)."""
        return self.ratio[:, bound] if self.target.hold is not None else kind_of(self.target).weighed(self, bound)

    def estimate(self, confidence: float) -> Estimate:
        """The value over all replications, its interval spanning those of the low and the high bound."""
        if self.target.hold is None:
            return kind_of(self.target).estimate(self, confidence)
        units = self.units * len(self.ratio)
        bounds = (self.ratio[:, bound] for bound in (VALUE, LOW, HIGH))
        value, low, high = (share_interval(pairs[:, 0], pairs[:, 1], confidence, units) for pairs in bounds)
        return Estimate(value.value, low.low, high.high)

    def cannot_show(self, confidence: float) -> bool:
        """Whether so little was judged that it would not show the goal to be reached, had nothing failed.

        Never where no run could show it: of a goal that allows nothing.
        """
        goal, judged = self.target.goal, self.pairs(LOW)[:, 1]
        kept = goal.threshold if goal.side == "at_least" else 1 - goal.threshold
        if goal.unit == "share" and kept >= 1:
            return False
        if np.count_nonzero(judged) < 2:
            return True
        if goal.unit != "share":
            return False
        n = len(self.ratio)
        return nothing_failed(units_counted(judged, self.units * n), n, kept, confidence) is not None


class Replicated:
    """What one target came to in each of many replications, place by place."""

    def __init__(self, target: Target, places: Sequence[InPlace]):
        self.target = target
        self.places = tuple(places)
        """All its places; one where it has none."""
        self.judged = tuple(one for one in places if one.ratio[:, LOW, 1].any()) or self.places[:1]
        """The places with something to judge; without any the first stands for all."""
        self._estimates: dict[float, tuple[Estimate, ...]] = {}

    def each(self, confidence: float) -> tuple[Estimate, ...]:
        """The value of each place that is judged, with its own interval."""
        if confidence not in self._estimates:
            self._estimates[confidence] = tuple(one.estimate(confidence) for one in self.judged)
        return self._estimates[confidence]

    @property
    def worst(self) -> InPlace:
        """The place whose value is the worst over all replications."""
        if len(self.judged) == 1:
            return self.judged[0]
        sign = 1 if self.target.goal.side == "at_least" else -1
        found = next(iter(self._estimates.values()), None) or self.each(0.95)
        values = [math.inf if math.isnan(one.value) else sign * one.value for one in found]
        return self.judged[values.index(min(values))]

    @property
    def values(self) -> Floats:
        """(n_replications,) of the worst place; NaN where nothing was counted."""
        return self.worst.values

    def pairs(self, bound: int) -> Floats:
        """Of the worst place: numerators and denominators in which replications weigh as they should."""
        return self.worst.pairs(bound)

    def estimate(self, confidence: float) -> Estimate:
        """The value of the worst place, with its interval.

        The limit towards the bad side is the worst of those of the single places: the truly worst is among them, so
        that it needs no correction (an intersection-union test). The limit towards the good side is the worst of
        theirs at the error over the number of places.

        Source: R. L. Berger, Technometrics 24 (1982), for the test; Bonferroni for the other limit.
        """
        single = self.each(confidence)
        if len(single) == 1:
            return single[0]
        sure = self.each(each_of(confidence, len(single)))
        values = [one.value for one in single if not math.isnan(one.value)]
        if self.target.goal.side == "at_least":
            low, high = min(one.low for one in single), min(one.high for one in sure)
            return Estimate(min(values, default=math.nan), low, high)
        low, high = max(one.low for one in sure), max(one.high for one in single)
        return Estimate(max(values, default=math.nan), low, high)

    def too_few(self, confidence: float) -> tuple[str, ...]:
        """The places, by name, in which too little was judged to show that they reach the goal, or that they do not."""
        if self.target.in_each is None:
            return ()
        goal = self.target.goal
        sure = self.each(each_of(confidence, len(self.judged)))
        return tuple(
            one.name
            for one, found in zip(self.judged, sure, strict=True)
            if one.cannot_show(confidence) and verdict(found, goal.threshold, goal.side, goal.unit) != "missed"
        )

    def repeated(self, times: int) -> Replicated:
        """As if so many times the replications had come out as these."""
        return Replicated(
            self.target,
            [
                InPlace(
                    one.target,
                    np.concatenate([one.ratio] * times),
                    np.concatenate([one.extra] * times),
                    one.units,
                    one.name,
                )
                for one in self.places
            ],
        )


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
    def by_cell(self, target: AnyKind, watched: Watched, cell: Ints, n_cells: int) -> Floats:
        """(n_cells, 3, 2) VALUE, LOW and HIGH of what `cell_of` counts in each cell, each a numerator over a
        denominator, which is 0 where there was nothing to judge."""

    def cell_of(self, target: AnyKind, watched: Watched, cut: Cut) -> Ints:
        """The cell of each thing that it counts: of each tip of the cohort."""
        return cut.of_tips(watched.cohort)

    @abstractmethod
    def in_periods(self, target: AnyKind, watched: Watched) -> dict[str, Floats]:
        """By each of UNITS: (n_places, n_periods, 3, 2) of the judged periods, as `by_cell` gives them."""

    def held(self, target: AnyKind, watched: Watched) -> Held:
        """Where it held in a replication, in each place and window."""
        cells = self.in_periods(target, watched)
        return held(target, cells, None if target.hold is None else self._windows(target, watched, cells))

    def _windows(self, target: AnyKind, watched: Watched, cells: dict[str, Floats]) -> OwnWindows:
        """In the target's own windows, those of all places that have something."""
        cut = watched.cohort.frame.cut(target.in_each, target.per)
        whole = np.flatnonzero(cut.whole)
        if target.per in cells:
            ratio = cells[target.per] if len(whole) else np.zeros((cut.n_places, 0, 3, 2))
            place, window = np.nonzero(ratio[:, :, LOW, 1])
            return OwnWindows(ratio[place, window], place, whole[window], cut.n_places, cut.n_touched)
        cell = self.cell_of(target, watched, cut)
        # Most hours of most places have nothing: only those are looked at in which something happened.
        there, among = np.unique(cell, return_inverse=True)
        ratio = self.by_cell(target, watched, among.reshape(cell.shape), len(there))
        place, window = np.divmod(there, cut.n_windows)
        told = cut.whole[window] & (ratio[:, LOW, 1] > 0)
        return OwnWindows(ratio[told], place[told], window[told], cut.n_places, cut.n_touched)

    def extra(self, target: AnyKind, watched: Watched, cell: Ints, n_cells: int) -> Floats:
        """(n_cells, ...) what else of a replication its estimate is made of, by place: of one shape for all
        replications. Not asked for with `hold`."""
        return np.zeros((n_cells, 0))

    @property
    def has_extra(self) -> bool:
        """Whether it keeps anything else."""
        return type(self).extra is not Kind.extra

    @abstractmethod
    def weighed(self, one: InPlace, bound: int) -> Floats:
        """(n_replications, 2) numerators and denominators whose totals give the value: what differences between
        scenarios and the leanings of a search are made of."""

    @abstractmethod
    def interval(self, parts: Floats, wholes: Floats, confidence: float, units: int) -> Estimate:
        """The estimate from what `weighed` gave of one bound; `units` are those of evidence of all replications."""

    def estimate(self, one: InPlace, confidence: float) -> Estimate:
        """The value over all replications, its interval spanning those of the low and the high bound."""
        value, low, high = (self.weighed(one, bound) for bound in (VALUE, LOW, HIGH))
        units = one.units * len(one.ratio)
        at_least = self.interval(low[:, 0], low[:, 1], confidence, units)
        same = np.array_equal(value, low)
        middle = (at_least if same else self.interval(value[:, 0], value[:, 1], confidence, units)).value
        if np.isinf(high).any():
            return Estimate(middle, at_least.low, math.inf)
        if np.array_equal(low, high):
            return Estimate(middle, at_least.low, at_least.high)
        at_most = self.interval(high[:, 0], high[:, 1], confidence, units)
        return Estimate(middle, at_least.low, at_most.high)

    def lower_bound(self, one: InPlace) -> bool:
        """Whether tips that are still open can only raise its value, to no end."""
        return bool(np.isinf(one.ratio[:, HIGH, 0]).any())

    def enough(self, target: AnyKind, line: ErlangLine) -> Enough | None:
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


def never_counted(target: Target) -> tuple[str, ...]:
    """The columns of the tips that never come to the end, of which it counts no time."""
    judged = kind_of(target).judged
    return tuple(COLUMNS[column] for column in (LOST, MERGED, WITHOUT_END) if column not in judged)


def tally(target: Target, cohort: Cohort) -> Tally:
    """What each tip of the cohort is to a target; a ValueError for one that is not about tips."""
    found = kind_of(target).tally(target, cohort)
    if found is None:
        raise ValueError(f"{target.a} is not about tips")
    return found


class RatioKind(Kind[AnyKind]):
    """A kind whose value is a ratio that adds up over periods; the tips of all replications weigh alike."""

    def in_periods(self, target: AnyKind, watched: Watched) -> dict[str, Floats]:
        frame = watched.cohort.frame
        days = frame.cut(target.in_each, "day")
        by_day = self.by_cell(target, watched, self.cell_of(target, watched, days), days.n_cells)
        by_day = by_day.reshape(days.n_places, days.n_windows, 3, 2)
        return {unit: in_periods(by_day, unit, frame) for unit in UNITS}

    def weighed(self, one: InPlace, bound: int) -> Floats:
        return one.ratio[:, bound]


class ValueKind(Kind[AnyKind]):
    """A kind whose value adds up over nothing, such as a median: it is taken anew in every window, and the value over
    replications is the mean of theirs, those left out in which nothing was counted."""

    @abstractmethod
    def values(self, target: AnyKind, watched: Watched, cell: Ints, n_cells: int) -> Floats:
        """(n_cells, 3) VALUE, LOW and HIGH of the tips of each cell, by the cell of each tip; NaN where nothing was
        counted."""

    def by_cell(self, target: AnyKind, watched: Watched, cell: Ints, n_cells: int) -> Floats:
        values = self.values(target, watched, cell, n_cells)
        counted = ~np.isnan(values)
        return np.stack([np.where(counted, values, 0.0), counted.astype(float)], axis=-1)

    def in_periods(self, target: AnyKind, watched: Watched) -> dict[str, Floats]:
        frame = watched.cohort.frame
        found: dict[str, Floats] = {}
        for unit in UNITS:
            cut = frame.cut(target.in_each, unit)
            ratio = self.by_cell(target, watched, self.cell_of(target, watched, cut), cut.n_cells)
            found[unit] = ratio.reshape(cut.n_places, cut.n_windows, 3, 2)[:, frame.periods[unit].judged]
        return found

    def weighed(self, one: InPlace, bound: int) -> Floats:
        pairs = one.ratio[:, bound]
        return reweighed(pairs, (pairs[:, 1] > 0).astype(float))


class TimedKind(Kind[AnyTimed]):
    """A kind on the time between two moments."""

    never: ClassVar[int]
    """The column of a tip that was through without ever passing `to`."""
    late: ClassVar[int]
    """The column of an open tip that has taken longer than the limit already."""

    def tally(self, target: AnyTimed, cohort: Cohort) -> Tally | None:
        return timed_tally(target, self.never, self.late, cohort)


def ratio_of(*bounds: tuple[Floats, Floats]) -> Floats:
    """VALUE, LOW and HIGH, each a numerator and a denominator, as the last two axes."""
    return np.stack([np.stack(pair, axis=-1) for pair in bounds], axis=-2)


def reweighed(pairs: Floats, weight: Floats) -> Floats:
    """The same ratios, (n_replications, 2), by other weights."""
    return np.stack([np.where(pairs[:, 1] > 0, quotient(pairs) * weight, 0.0), weight], axis=-1)


def enough_in_time(share: float, line: ErlangLine) -> Enough:
    """How many servers let a share of the tips be served within the room of a line."""
    room, misses = line.room, (1 - share) / line.lines
    if line.patience:
        return lambda load, n: 1 - erlang_a(load, n, line.service, line.patience, room).served_within <= misses
    return lambda load, n: wait_above(room, load, n, line.service) <= misses
