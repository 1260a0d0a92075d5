"""Two kinds of targets that the program does not have and that are no ratios: a median of medians, and one of all tips.

They are made known only while a test asks for them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import numpy as np

from sim.dynamics.clock import MINUTE
from sim.measures import kinds
from sim.measures.estimates import Estimate, student
from sim.measures.held import VALUE
from sim.measures.kinds import Floats, InPlace, Ints, TimedKind, ValueKind, Watched, measured
from sim.measures.tallies import LOST, MET, MISSED, OPEN, WITHOUT_END
from sim.scenario import targets
from sim.scenario.fields import PositiveLength
from sim.scenario.pools import filter_words
from sim.scenario.targets import Between, Side, Unit, target_kind
from sim.scenario.units import length

MOST_MINUTES = 600


class Half(Between):
    """Half of the tips take at most the limit from one moment to the other."""

    side: ClassVar[Side] = "at_most"
    unit: ClassVar[Unit] = "min"
    by_tip: ClassVar[bool] = False
    together: ClassVar[str] = "of half of them"

    @property
    def threshold(self) -> float:
        return float(self.limit)

    @property
    def asks(self) -> str:
        return f"half in {length(self.limit)}"

    @property
    def says(self) -> str:
        return f"half of {filter_words(self.of)} within {length(self.limit)} {self.between}{self.leaving_out}"


class ToyMedian(Half):
    """Of the tips of a replication."""

    kind: ClassVar[str] = "toy_median"
    a: ClassVar[str] = "a median"

    toy_median: PositiveLength

    @property
    def limit(self) -> int:
        return self.toy_median


class ToyMiddle(Half):
    """Of the tips of all replications together."""

    kind: ClassVar[str] = "toy_middle"
    a: ClassVar[str] = "a middle"

    toy_middle: PositiveLength

    @property
    def limit(self) -> int:
        return self.toy_middle


class Medians(TimedKind[Half], ValueKind[Half]):
    """The median time of a replication, an open tip by its age and, at worst, as one that never comes; over
    replications the mean of their medians with Student's interval."""

    judged = (MET, MISSED)
    failed = (MISSED,)
    curve = (MET, MISSED, LOST, WITHOUT_END, OPEN)
    never = WITHOUT_END
    late = OPEN

    def values(self, target: Half, watched: Watched, cell: Ints, n_cells: int) -> Floats:
        column, ticks = watched.tips.column, watched.tips.ticks.astype(float)
        at_worst = np.where(column == OPEN, math.inf, ticks)
        found = np.full((n_cells, 3), math.nan)
        for one in range(n_cells):
            mine = (cell == one) & np.isin(column, (MET, MISSED, OPEN))
            if mine.any():
                found[one] = np.median(ticks[mine]), np.median(ticks[mine]), np.median(at_worst[mine])
        return found

    def interval(self, parts: Floats, wholes: Floats, confidence: float, units: int) -> Estimate:
        medians = parts[wholes > 0]
        if len(medians) < 2:
            return Estimate(float(medians.mean()) if len(medians) else math.nan, 0.0, math.inf)
        reach = student(confidence, len(medians) - 1) * float(medians.std(ddof=1)) / math.sqrt(len(medians))
        middle = float(medians.mean())
        return Estimate(middle, max(middle - reach, 0.0), middle + reach)


class Middles(Medians):
    """The median over all replications, from how many tips took how many minutes in each."""

    def extra(self, target: Half, watched: Watched, cell: Ints, n_cells: int) -> Floats:
        timed = watched.tips.timed
        minutes = np.minimum(watched.tips.ticks[timed] // MINUTE, MOST_MINUTES)
        size = MOST_MINUTES + 1
        counts = np.bincount(cell[timed] * size + minutes, minlength=n_cells * size)
        return counts.reshape(n_cells, size).astype(float)

    def estimate(self, one: InPlace, confidence: float) -> Estimate:
        reached = np.cumsum(one.extra.sum(axis=0))
        if not reached[-1]:
            return Estimate(math.nan, 0.0, math.inf)
        value = float(np.searchsorted(reached, reached[-1] / 2) * MINUTE)
        around = self.interval(*self.weighed(one, VALUE).T, confidence, 1)
        return Estimate(value, min(value, around.low), max(value, around.high))


@contextmanager
def toy_kinds() -> Iterator[None]:
    """Both kinds, known within; after it all kinds are as they were before."""
    said, measures = dict(targets.KINDS), dict(kinds.KINDS)
    try:
        for document, measure in ((ToyMedian, Medians), (ToyMiddle, Middles)):
            target_kind(document)
            measured(document.kind)(measure)
        yield
    finally:
        targets.KINDS.clear()
        targets.KINDS.update(said)
        kinds.KINDS.clear()
        kinds.KINDS.update(measures)
