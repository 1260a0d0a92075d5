"""Whether a target held, in which periods, and in which of them worst: of one replication, whatever the kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.measures.frame import UNITS, Frame
from sim.scenario.targets import Target

Floats = NDArray[np.float64]

VALUE, LOW, HIGH = range(3)
"""Along the axis of bounds: what was measured, and what it may come to as the open tips end."""

SPOKE, SILENT, SURELY, POSSIBLY = range(4)
HELD: Final = ("spoke", "silent", "surely", "possibly")
"""Periods in which there was something to judge, or nothing; in which the target held however open tips end, or may
have."""


@dataclass(frozen=True, slots=True, eq=False)
class Periodic:
    """One target in the periods of one unit: (n_periods,) each, those that are judged."""

    speaks: NDArray[np.bool_]
    surely: NDArray[np.bool_]
    possibly: NDArray[np.bool_]

    def counts(self) -> NDArray[np.int64]:
        """How many periods, by HELD."""
        parts = self.speaks, ~self.speaks, self.speaks & self.surely, self.speaks & self.possibly
        return np.array([np.count_nonzero(part) for part in parts])


def quotient(pairs: Floats) -> Floats:
    """Numerators over denominators, (..., 2) to (...); NaN where nothing was counted."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(pairs[..., 1] > 0, pairs[..., 0] / pairs[..., 1], np.nan)


def in_periods(ratio: Floats, unit: str, frame: Frame) -> Floats:
    """A ratio by (centre, day, ...) added up to the judged periods of a unit: (centre, period, 3, 2)."""
    periods = frame.periods[unit]
    if unit == "run":
        return np.asarray(ratio.sum(axis=1, keepdims=True))
    if unit != "day":
        ratio = np.add.reduceat(ratio, periods.first_day, axis=1)
    return ratio[:, periods.judged]


def periodic(target: Target, ratio: Floats) -> Periodic:
    """Whether a target held in each period, by its ratio by (centre, period, 3, 2): in every centre that has
    something."""
    speaks = ratio[:, :, LOW, 1] > 0
    for_sure, at_best = (LOW, HIGH) if target.side == "at_least" else (HIGH, LOW)
    surely, possibly = (np.all(~speaks | _kept(target, ratio[:, :, bound]), axis=0) for bound in (for_sure, at_best))
    return Periodic(np.any(speaks, axis=0), surely, possibly)


def worst(target: Target, ratio: Floats) -> Floats:
    """The ratio of the worst cell of (centre, period, 3, 2), bound by bound: (3, 2), zeros where nothing was
    counted."""
    found = np.zeros((3, 2))
    for bound in (VALUE, LOW, HIGH):
        cells = ratio[:, :, bound].reshape(-1, 2)
        cells = cells[cells[:, 1] > 0]
        if len(cells):
            value = cells[:, 0] / cells[:, 1]
            found[bound] = cells[value.argmin() if target.side == "at_least" else value.argmax()]
    return found


def together(each: list[Periodic], n_periods: int) -> Periodic:
    """All targets at once: a target that has nothing to judge in a period does not speak there."""
    speaks, surely, possibly = np.zeros(n_periods, np.bool_), np.ones(n_periods, np.bool_), np.ones(n_periods, np.bool_)
    for one in each:
        speaks |= one.speaks
        surely &= one.surely
        possibly &= one.possibly
    return Periodic(speaks, surely, possibly)


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """One target in one replication."""

    ratio: Floats
    """(3, 2) that its value comes from: of the run, or with `per` and `in_each` of the worst window and centre."""
    windows: Periodic
    """In its own windows."""
    units: list[Periodic]
    """In the periods of each of UNITS: in the run if it held in all its own windows, else by the period."""


def held(target: Target, cells: Mapping[str, Floats]) -> Held:
    """Where a target held, by what it came to in each centre and judged period of each of UNITS: (centre, period, 3,
    2)."""
    units = {unit: periodic(target, cells[unit]) for unit in UNITS}
    own = units[target.per]
    units["run"] = Periodic(*(np.array([part]) for part in (own.speaks.any(), own.surely.all(), own.possibly.all())))
    return Held(worst(target, cells[target.per]), own, list(units.values()))


def _kept(target: Target, pairs: Floats) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore", divide="ignore"):
        value = pairs[..., 0] / pairs[..., 1]
    return value >= target.threshold if target.side == "at_least" else value <= target.threshold
