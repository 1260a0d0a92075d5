"""Kinds whose value is made of how many tips lie in which columns, or of their times: all of it in one pass over them.

By cells of places and days the tips are counted once, and what a target came to in every place, period and window of
its own is told from these counts, compiled. The figures are those of `held.py`, to the last bit.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call, call-arg, call-overload"
from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Final

import numpy as np

from sim.dynamics.kernels import inlined, int64, kernel, njit, part
from sim.measures.held import HELD, HIGH, LOW, VALUE, Held, OwnWindows, Periodic, in_periods
from sim.measures.kind_bases import AnyKind, Floats, Ints, RatioKind, Watched
from sim.measures.tallies import COLUMNS, OPEN
from sim.scenario.choices import UNITS
from sim.scenario.size import MOST_CELLS

if TYPE_CHECKING:
    from sim.dynamics.replication import Codes
    from sim.measures.cuts import Cut
    from sim.measures.tallies import Tally
    from sim.scenario.targets import Target

GOOD, BAD, STILL_OPEN, N_GROUPS = range(4)
"""What tips are to such a kind: judged, of these failed, or open; N_GROUPS for all others."""

GROUP, JUDGED, WAITED_FOR = range(3)
"""What is told of each column of `tallies`: its group; 1 where it is good, and 2^32 where it is bad, so that both are
counted in one number, for neither reaches 2^32; and 1 where it is open."""

SHARE_OF_GOOD, SHARE_OF_BAD, MEAN_TIME = range(3)
"""What the value is: the good over the judged; the failed over all, open ones with them; ticks over all of these."""

EXACT: Final = 2.0**53
"""Whole ticks that add up to less have the same sum in any order."""


class CountedKind(RatioKind[AnyKind]):
    """A kind whose value comes from the number of its good, failed and open tips, or from their times."""

    form: ClassVar[int]
    """SHARE_OF_GOOD, SHARE_OF_BAD or MEAN_TIME."""

    @cached_property
    def told_of(self) -> Ints:
        """(3, n_columns) GROUP, JUDGED and WAITED_FOR of each column of `tallies`."""
        group = np.full(len(COLUMNS), N_GROUPS, np.int64)
        group[list(self.judged)], group[list(self.failed)], group[OPEN] = GOOD, BAD, STILL_OPEN
        return np.stack([group, (group == GOOD) + ((group == BAD).astype(np.int64) << 32), group == STILL_OPEN])

    def by_cell(self, target: AnyKind, watched: Watched, cell: Ints, n_cells: int) -> Floats:
        counts, ticks = self.nothing_counted(n_cells)
        self.add_counts(watched.tips, cell.astype(np.int32), counts, ticks)
        ratio = np.zeros((n_cells, 3, 2))
        fill_ratio(counts, ticks, self.form, ratio)
        return ratio

    def held(self, target: AnyKind, watched: Watched) -> Held:
        frame = watched.cohort.frame
        days = frame.cut(target.in_each, "day")
        counts, ticks = self._counted(watched, days)
        if self.form == MEAN_TIME and float(ticks.sum()) >= EXACT:
            return super().held(target, watched)
        rule = (target.threshold, target.side == "at_least")
        spans, first = frame.spans
        flags, by_unit = np.empty((3, len(spans)), np.bool_), np.zeros((len(UNITS), len(HELD)), np.int64)
        ratio = np.empty((days.n_places, 3, 2))
        hold_units(counts, ticks, days.n_windows, self.form, rule, spans, first, flags, by_unit, ratio)
        windows = by_unit[0].copy()
        if target.hold is not None:
            ratio, windows = self._own_windows(target, watched, days, counts, ticks)
            hold_run(ratio, target.hold, flags, by_unit)
        units = [Periodic(*flags[:, first[u] : first[u + 1]]) for u in range(len(UNITS))]
        return Held(ratio, windows, units, by_unit)

    def in_periods(self, target: AnyKind, watched: Watched) -> dict[str, Floats]:
        frame = watched.cohort.frame
        days = frame.cut(target.in_each, "day")
        by_day = self._by_cell_of(watched, days).reshape(days.n_places, days.n_windows, 3, 2)
        return {unit: in_periods(by_day, unit, frame) for unit in UNITS}

    def _windows(self, target: AnyKind, watched: Watched, cells: dict[str, Floats]) -> OwnWindows:
        cut = watched.cohort.frame.cut(target.in_each, target.per)
        if target.per in cells or cut.n_cells > MOST_CELLS:
            return super()._windows(target, watched, cells)
        ratio = self._by_cell_of(watched, cut)
        place, window = np.divmod(np.arange(cut.n_cells), cut.n_windows)
        told = cut.whole[window] & (ratio[:, LOW, 1] > 0)
        return OwnWindows(ratio[told], place[told], window[told], cut.n_places, cut.n_touched)

    def _by_cell_of(self, watched: Watched, cut: Cut) -> Floats:
        """(n_cells, 3, 2) VALUE, LOW and HIGH of each cell of a cut."""
        counts, ticks = self._counted(watched, cut)
        ratio = np.zeros((cut.n_cells, 3, 2))
        fill_ratio(counts, ticks, self.form, ratio)
        return ratio

    def nothing_counted(self, n_cells: int) -> tuple[Ints, Floats]:
        """(n_cells, N_GROUPS + 1) tips, and (n_cells,) their ticks, which none but a mean has: none yet."""
        return np.zeros((n_cells, N_GROUPS + 1), np.int64), np.zeros(n_cells if self.form == MEAN_TIME else 0)

    def add_counts(self, tips: Tally, cell: Codes, counts: Ints, ticks: Floats, *, in_turn: bool = False) -> None:
        """Count tips, each in its cell.

        They are counted faster `in_turn`, where tips that follow each other mostly lie in one cell.
        """
        count(tips.column, tips.ticks, cell, self.told_of, in_turn, counts, ticks)

    def _counted(self, watched: Watched, cut: Cut) -> tuple[Ints, Floats]:
        """The tips by the cells of a cut, and their ticks: as they were counted before, or now."""
        if watched.counts is not None:
            return watched.counts[cut.unit]
        counts, ticks = self.nothing_counted(cut.n_cells)
        self.add_counts(watched.tips, cut.few_of_tips(watched.cohort), counts, ticks, in_turn=cut.in_turn)
        return counts, ticks

    def _own_windows(
        self, target: Target, watched: Watched, days: Cut, counts: Ints, ticks: Floats
    ) -> tuple[Floats, Ints]:
        """`OwnWindows.kept` and `OwnWindows.counts` of a target."""
        frame = watched.cohort.frame
        cut = frame.cut(target.in_each, target.per)
        whole, there = cut.whole, np.zeros(0, np.int64)
        if target.per in UNITS:
            spans, first = frame.spans
            unit = UNITS.index(target.per)
            own = spans[first[unit] : first[unit + 1]] if whole.any() else spans[:0]
            counts, ticks = add_days(counts, ticks, days.n_windows, own)
            whole = np.ones(len(own), np.bool_)
        elif cut.n_cells <= MOST_CELLS:
            counts, ticks = self._counted(watched, cut)
        else:
            there, cell = np.unique(cut.of_tips(watched.cohort), return_inverse=True)
            counts, ticks = self.nothing_counted(len(there))
            self.add_counts(watched.tips, cell.astype(np.int32), counts, ticks, in_turn=cut.in_turn)
        ratio, held = np.zeros((cut.n_places, 3, 2)), np.zeros(len(HELD), np.int64)
        rule = (target.threshold, target.side == "at_least")
        hold_windows(counts, ticks, there, whole, self.form, rule, cut.n_touched, ratio, held)
        return ratio, held


@kernel
def count(column, ticks, cell, told_of, in_turn, counts, total):
    """Tips by cell and group, and their ticks where there is room for them."""
    if in_turn:
        _count_in_turn(column, ticks, cell, told_of, counts, total)
        return
    # By turns from four places in time, for who comes next often lies in the same cell, whose number would have to be
    # waited for.
    n, quarter = column.shape[0], column.shape[0] // 4
    for first in range(quarter):
        for i in range(first, first + 4 * quarter, quarter):
            _count_one(i, column, ticks, cell, told_of, counts, total)
    for i in range(4 * quarter, n):
        _count_one(i, column, ticks, cell, told_of, counts, total)


@inlined
def _count_one(i, column, ticks, cell, told_of, counts, total):
    """One tip; of those of no group the number is not asked for."""
    at = cell[i]
    counts[at, told_of[GROUP, column[i]]] += 1
    if total.shape[0] > 0:
        total[at] += ticks[i]


@part
def _count_in_turn(column, ticks, cell, told_of, counts, total):
    """Tips of which those that follow each other mostly share a cell: their number stays in hand."""
    timed = total.shape[0] > 0
    judged = still_open = 0
    so_far, here = 0.0, int64(0)
    if timed and column.shape[0]:
        here = cell[0]
        so_far = total[here]
    for i in range(column.shape[0]):
        at, own = cell[i], column[i]
        if at != here:
            _add(here, judged, still_open, counts)
            judged = still_open = 0
            if timed:
                total[here] = so_far
                so_far = total[at]
            here = at
        judged += told_of[JUDGED, own]
        still_open += told_of[WAITED_FOR, own]
        if timed:
            so_far += ticks[i]
    if column.shape[0]:
        _add(here, judged, still_open, counts)
        if timed:
            total[here] = so_far


@inlined
def _add(cell, judged, still_open, counts):
    """Tips that were counted by JUDGED and WAITED_FOR."""
    counts[cell, GOOD] += judged & 0xFFFFFFFF
    counts[cell, BAD] += judged >> 32
    counts[cell, STILL_OPEN] += still_open


@part
def _pair(form, bound, good, bad, still_open, ticks):
    """Numerator and denominator of a bound."""
    if form == MEAN_TIME:
        return (math.inf if bound == HIGH and still_open > 0 else ticks), float(good + bad + still_open)
    reached = still_open if bound == HIGH else 0
    if form == SHARE_OF_GOOD:
        return float(good + reached), float(good + bad + (0 if bound == VALUE else still_open))
    return float(bad + reached), float(good + bad + still_open)


@part
def _reaches(form, bound, good, bad, still_open, ticks, threshold, at_least):
    """Whether the value of a bound reaches a goal; not where nothing was counted."""
    part, whole = _pair(form, bound, good, bad, still_open, ticks)
    if whole <= 0:
        return False
    return part / whole >= threshold if at_least else part / whole <= threshold


@kernel
def fill_ratio(counts, total, form, ratio):
    """(n_cells, 3, 2) VALUE, LOW and HIGH of each cell."""
    for cell in range(counts.shape[0]):
        ticks = total[cell] if total.shape[0] else 0.0
        for bound in range(3):
            pair = _pair(form, bound, counts[cell, GOOD], counts[cell, BAD], counts[cell, STILL_OPEN], ticks)
            ratio[cell, bound, 0], ratio[cell, bound, 1] = pair


@kernel
def hold_units(counts, total, n_days, form, rule, spans, first, flags, by_unit, ratio):
    """Whether a target spoke, surely and possibly held in each span of days, in all places; by unit how often, by HELD;
    and its ratios in the first span, which is the run."""
    threshold, at_least = rule
    for_sure, at_best = (LOW, HIGH) if at_least else (HIGH, LOW)
    for unit in range(first.shape[0] - 1):
        for row in range(first[unit], first[unit + 1]):
            spoke, surely, possibly = False, True, True
            for place in range(ratio.shape[0]):
                good, bad, still_open, ticks = 0, 0, 0, 0.0
                for cell in range(place * n_days + spans[row, 0], place * n_days + spans[row, 1]):
                    good += counts[cell, GOOD]
                    bad += counts[cell, BAD]
                    still_open += counts[cell, STILL_OPEN]
                    if total.shape[0]:
                        ticks += total[cell]
                if unit == 0:
                    for bound in range(3):
                        pair = _pair(form, bound, good, bad, still_open, ticks)
                        ratio[place, bound, 0], ratio[place, bound, 1] = pair
                if good + bad + still_open > 0:
                    spoke = True
                    surely &= _reaches(form, for_sure, good, bad, still_open, ticks, threshold, at_least)
                    possibly &= _reaches(form, at_best, good, bad, still_open, ticks, threshold, at_least)
            flags[0, row], flags[1, row], flags[2, row] = spoke, surely, possibly
            by_unit[unit, 0] += spoke
            by_unit[unit, 1] += not spoke
            by_unit[unit, 2] += spoke and surely
            by_unit[unit, 3] += spoke and possibly


@njit(cache=True, nogil=True)
def add_days(counts, total, n_days, spans):
    """The same by place and span of days."""
    n_places = counts.shape[0] // n_days
    found = np.zeros((n_places * spans.shape[0], N_GROUPS), np.int64)
    ticks = np.zeros(n_places * spans.shape[0] if total.shape[0] else 0)
    for place in range(n_places):
        for row in range(spans.shape[0]):
            own = place * spans.shape[0] + row
            for cell in range(place * n_days + spans[row, 0], place * n_days + spans[row, 1]):
                for group in range(N_GROUPS):
                    found[own, group] += counts[cell, group]
                if total.shape[0]:
                    ticks[own] += total[cell]
    return found, ticks


@njit(cache=True, nogil=True)
def hold_windows(counts, total, there, whole, form, rule, n_touched, ratio, held):
    """Whole windows that kept a rule over those judged, by place: as measured, and as open tips may end, the worse end
    first; and how many windows by HELD, over all places. `there` are the cells that the rows are of, all if empty."""
    threshold, at_least = rule
    n_windows = whole.shape[0]
    for_sure, at_best = (LOW, HIGH) if at_least else (HIGH, LOW)
    spoke, broken = np.zeros(n_windows, np.bool_), np.zeros(n_windows, np.bool_)
    surely_broken = np.zeros(n_windows, np.bool_)
    for row in range(counts.shape[0]):
        good, bad, still_open = counts[row, GOOD], counts[row, BAD], counts[row, STILL_OPEN]
        if good + bad + still_open == 0:
            continue
        cell = there[row] if there.shape[0] else row
        place, window = cell // n_windows, cell % n_windows
        if not whole[window]:
            continue
        ticks = total[row] if total.shape[0] else 0.0
        spoke[window] = True
        if still_open == 0:
            # Nothing is left open, and all bounds are the same.
            reached = _reaches(form, VALUE, good, bad, still_open, ticks, threshold, at_least)
            for slot in range(3):
                ratio[place, slot, 0] += reached
                ratio[place, slot, 1] += 1
            if not reached:
                broken[window] = surely_broken[window] = True
            continue
        for slot in range(3):
            bound = VALUE if slot == 0 else for_sure if slot == 1 else at_best
            _, judged = _pair(form, bound, good, bad, still_open, ticks)
            reached = _reaches(form, bound, good, bad, still_open, ticks, threshold, at_least)
            ratio[place, slot, 0] += reached
            ratio[place, slot, 1] += judged > 0
            if slot == 1 and not reached:
                broken[window] = True
            if slot == 2 and not reached:
                surely_broken[window] = True
    held[0] = spoke.sum()
    held[1] = n_touched - held[0]
    held[2] = held[0] - broken.sum()
    held[3] = held[0] - surely_broken.sum()


@njit(cache=True, nogil=True)
def hold_run(ratio, hold, flags, by_unit):
    """With windows of its own a target holds in the run if a share of them kept the rule, in every place."""
    spoke, surely, possibly = False, True, True
    for place in range(ratio.shape[0]):
        if ratio[place, LOW, 1] > 0:
            spoke = True
            surely &= ratio[place, LOW, 0] / ratio[place, LOW, 1] >= hold
            possibly &= ratio[place, HIGH, 1] > 0 and ratio[place, HIGH, 0] / ratio[place, HIGH, 1] >= hold
    flags[0, 0], flags[1, 0], flags[2, 0] = spoke, surely, possibly
    by_unit[0, 0], by_unit[0, 1] = spoke, not spoke
    by_unit[0, 2], by_unit[0, 3] = spoke and surely, spoke and possibly
