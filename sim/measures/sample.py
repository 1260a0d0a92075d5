"""The measures of many replications of one scenario, stacked: what every estimate over replications is made from.

Per replication only small arrays are kept, some tens of kilobytes; what is needed of all of them together is added up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.measures.frame import Frame
from sim.measures.kinds import InPlace, Replicated
from sim.measures.measures import PER_REPLICATION, Floats, Ints, Measures, Pooled

MOST_UNITS: Final = 100
"""Units of evidence that are told apart in what is pooled."""
MOST_WEEKS: Final = 200
"""Replications of which the week is kept: bands need no more, and memory shall not grow with the intervals of many."""


class Sample:
    """Replications in the order in which they were added; every array has them along its first axis.

    The same replications in another order give the same sums, but not the same bytes: add them in order of index.
    """

    def __init__(self, frame: Frame):
        self.frame = frame
        self._rows: list[Measures] = []
        self._failing: list[Ints] = []
        self._stacked: dict[str, NDArray[Any]] = {}
        self._of: dict[int, Replicated] = {}
        self._pooled: Pooled | None = None

    def add(self, measures: Measures) -> None:
        """One more replication."""
        if measures.pooled is not None:
            self._pooled = measures.pooled if self._pooled is None else self._pooled + measures.pooled
            if len(self._failing) < MOST_UNITS:
                self._failing.append(self._of_week(measures.pooled).copy())
            else:
                self._failing[len(self._rows) % MOST_UNITS] += self._of_week(measures.pooled)
        kept = measures.without_pooled()
        if len(self._rows) >= MOST_WEEKS:
            kept = replace(kept, week=kept.week[..., :0])
        self._rows.append(kept)
        self._stacked.clear()
        self._of.clear()

    def _of_week(self, pooled: Pooled) -> Ints:
        """Its failing tips by interval of the week, without the days."""
        return pooled.failing[:, : self.frame.n_intervals]

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def index(self) -> Ints:
        """(n_replications,) the index of each."""
        return np.array([row.index for row in self._rows], dtype=np.int64)

    @property
    def pooled(self) -> Pooled:
        """What is added up over all replications; ValueError where none has it."""
        if self._pooled is None:
            raise ValueError("no replication was measured with what is pooled")
        return self._pooled

    @property
    def failing(self) -> Ints:
        """(n_units, n_targets, n_intervals, 2) of `Pooled.failing` the intervals of the week, by unit of evidence;
        ValueError where no replication has it.

        A unit is a replication; where there are more than MOST_UNITS, every unit is as many as there are replications
        for each, so that memory does not grow with their number.
        """
        if not self._failing:
            raise ValueError("no replication was measured with what is pooled")
        return np.stack(self._failing)

    @property
    def arrived(self) -> Ints:
        """(n_replications,) tips of the cohort."""
        return np.asarray(self.cohort.sum(axis=(1, 2, 3, 4)))

    @property
    def cohort(self) -> Ints:
        return self._stack("cohort")

    @property
    def counts(self) -> Ints:
        return self._stack("counts")

    @property
    def unlabelled(self) -> Ints:
        return self._stack("unlabelled")

    @property
    def ratio(self) -> Floats:
        return self._stack("ratio")

    def extra(self, k: int) -> Floats:
        """(n_replications, n_places, ...) what else the kind of a target keeps; (n_replications, 0) where nothing."""
        return np.stack([row.extra[k] for row in self._rows])

    def of(self, k: int) -> Replicated:
        """What a target came to in each replication, place by place."""
        if k not in self._of:
            frame, target = self.frame, self.frame.targets[k]
            ratio, extra, units = self.ratio[:, frame.rows[k]], self.extra(k), frame.units_in(k)
            self._of[k] = Replicated(
                target,
                [
                    InPlace(target, ratio[:, p], extra[:, p] if extra.size else extra, int(units[p]), name)
                    for p, name in enumerate(frame.own[k].names)
                ],
            )
        return self._of[k]

    @property
    def windows(self) -> Ints:
        return self._stack("windows")

    @property
    def units(self) -> Ints:
        return self._stack("units")

    @property
    def joint(self) -> Ints:
        return self._stack("joint")

    @property
    def stages(self) -> Ints:
        return self._stack("stages")

    @property
    def places(self) -> Ints:
        return self._stack("places")

    @property
    def week(self) -> Floats:
        """(n, 4, n_pools, n_intervals) of the first MOST_WEEKS replications."""
        return self._stack("week", MOST_WEEKS)

    def _stack(self, name: str, most: int | None = None) -> NDArray[Any]:
        if not self._rows:
            raise ValueError("no replication was measured")
        if name not in self._stacked:
            self._stacked[name] = np.stack([getattr(row, name) for row in self._rows[:most]])
        return self._stacked[name]


def bytes_of(measures: Measures) -> int:
    """Memory that a sample keeps for one replication."""
    parts = (*(getattr(measures, name) for name in PER_REPLICATION), *measures.extra)
    return sum(part.nbytes for part in parts)
