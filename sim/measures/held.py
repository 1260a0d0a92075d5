"""Whether a target held, in which periods and in which of its own windows: of one replication, whatever the kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.measures.frame import Frame
from sim.scenario.choices import UNITS
from sim.scenario.targets import Goal, Target

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

VALUE, LOW, HIGH = range(3)
"""Along the axis of bounds: what was measured, and what it may come to as the open tips end."""

SPOKE, SILENT, SURELY, POSSIBLY = range(4)
HELD: Final = ("spoke", "silent", "surely", "possibly")
"""Periods in which there was something to judge, or nothing; in which the target held however open tips end, or may
have."""


@dataclass(frozen=True, slots=True, eq=False)
class Periodic:
    """One target in the periods of one unit, in all its places: (n_periods,) each, those that are judged."""

    speaks: NDArray[np.bool_]
    surely: NDArray[np.bool_]
    possibly: NDArray[np.bool_]

    def counts(self) -> Ints:
        """How many periods, by HELD."""
        parts = self.speaks, ~self.speaks, self.speaks & self.surely, self.speaks & self.possibly
        return np.array([np.count_nonzero(part) for part in parts])


def quotient(pairs: Floats) -> Floats:
    """Numerators over denominators, (..., 2) to (...); NaN where nothing was counted."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(pairs[..., 1] > 0, pairs[..., 0] / pairs[..., 1], np.nan)


def in_periods(ratio: Floats, unit: str, frame: Frame) -> Floats:
    """A ratio by (place, day, ...) added up to the judged periods of a unit: (place, period, 3, 2)."""
    periods = frame.periods[unit]
    if unit == "run":
        return np.asarray(ratio.sum(axis=1, keepdims=True))
    if unit != "day":
        ratio = np.add.reduceat(ratio, periods.first_day, axis=1)
    return ratio[:, periods.judged]


def periodic(goal: Goal, ratio: Floats) -> Periodic:
    """Whether a goal was reached in each period, by its ratio by (place, period, 3, 2): in every place that has
    something."""
    speaks = ratio[:, :, LOW, 1] > 0
    for_sure, at_best = (LOW, HIGH) if goal.side == "at_least" else (HIGH, LOW)
    surely, possibly = (np.all(~speaks | kept(goal, ratio[:, :, bound]), axis=0) for bound in (for_sure, at_best))
    return Periodic(np.any(speaks, axis=0), surely, possibly)


def together(each: list[Periodic], n_periods: int) -> Periodic:
    """All targets at once: a target that has nothing to judge in a period does not speak there."""
    speaks, surely, possibly = np.zeros(n_periods, np.bool_), np.ones(n_periods, np.bool_), np.ones(n_periods, np.bool_)
    for one in each:
        speaks |= one.speaks
        surely &= one.surely
        possibly &= one.possibly
    return Periodic(speaks, surely, possibly)


@dataclass(frozen=True, slots=True, eq=False)
class OwnWindows:
    """One target in its own whole windows: (n,) cells each of one place and window, those with something to judge."""

    ratio: Floats
    """(n, 3, 2)."""
    place: Ints
    window: Ints
    n_places: int
    n_windows: int
    """All of which some part lies in the measured time."""

    def kept(self, target: Target) -> Floats:
        """(n_places, 3, 2) windows that kept the rule over those judged: as measured, and as open tips may end."""
        rule = target.rule
        worst_first = (VALUE, LOW, HIGH) if target.side == "at_least" else (VALUE, HIGH, LOW)
        parts = []
        for bound in worst_first:
            counted = self.ratio[:, bound, 1] > 0
            held = counted & kept(rule, self.ratio[:, bound])
            parts.append([np.bincount(self.place[some], minlength=self.n_places) for some in (held, counted)])
        return np.array(parts, dtype=float).transpose(2, 0, 1)

    def counts(self, target: Target) -> Ints:
        """How many windows, by HELD; those that are not whole are silent, and one held if it did in all its places."""
        rule = target.rule
        for_sure, at_best = (LOW, HIGH) if target.side == "at_least" else (HIGH, LOW)
        broken = [len(np.unique(self.window[~kept(rule, self.ratio[:, bound])])) for bound in (for_sure, at_best)]
        spoke = len(np.unique(self.window))
        return np.array([spoke, self.n_windows - spoke, *(spoke - n for n in broken)])


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """One target in one replication."""

    ratio: Floats
    """(n_places, 3, 2) that its value comes from: of the run, or with `hold` windows kept over windows judged."""
    windows: Ints
    """Its own windows by HELD; of the run where it has none."""
    units: list[Periodic]
    """In the periods of each of UNITS: in the run if its value there reached its goal, else by its rule."""
    by_unit: Ints
    """(4, 4) how many periods of each of UNITS, by HELD."""


def held(target: Target, cells: Mapping[str, Floats], windows: OwnWindows | None) -> Held:
    """Where a target held, by what it came to in each place and judged period of each of UNITS, (place, period, 3, 2),
    and in its own windows, where it has any."""
    rule = target.rule
    units: dict[str, Periodic] = {unit: periodic(rule, cells[unit]) for unit in UNITS}
    if windows is None:
        by_unit = _by_unit(units)
        return Held(cells["run"][:, 0], by_unit[UNITS.index("run")], list(units.values()), by_unit)
    ratio = windows.kept(target)
    units["run"] = periodic(target.goal, ratio[:, None])
    return Held(ratio, windows.counts(target), list(units.values()), _by_unit(units))


def _by_unit(units: Mapping[str, Periodic]) -> Ints:
    return np.array([one.counts() for one in units.values()])


def kept(goal: Goal, pairs: Floats) -> NDArray[np.bool_]:
    """Whether ratios (..., 2) reach a goal; False where nothing was counted."""
    with np.errstate(invalid="ignore", divide="ignore"):
        value = pairs[..., 0] / pairs[..., 1]
    return np.asarray(value >= goal.threshold if goal.side == "at_least" else value <= goal.threshold)
