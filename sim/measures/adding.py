"""The measures of a replication whose tips are handed in slice by slice, and forgotten.

What comes out is what `measure` gives of the whole, to the last bit: everything is counted in whole numbers, and what a
target came to in a window is told from how many of its tips lie there. Times that are added up as floats are whole
numbers of ticks too, and exact in any order while their sum is below 2^53; where it is not, that is said. Of targets
that need the time of every tip, such as percentiles, these times are kept: 13 bytes a tip, or 17.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.measures import passes
from sim.measures.cohort import Cohort, read
from sim.measures.counting import EXACT, CountedKind
from sim.measures.kinds import LongestTimes, Occupancies, Percentiles, Watched, kind_of
from sim.measures.measures import (
    Measures,
    Pooled,
    Pooling,
    by_week,
    fates_by_label,
    hold_countable,
    judge,
    tally_of,
    time_of_visits,
    visits_by_stage,
)
from sim.measures.places import Following, PoolTimes
from sim.measures.tallies import COLUMNS, LOST, MET, MISSED, OPEN, Tally, count_columns, unlabelled
from sim.scenario.choices import UNITS
from sim.scenario.size import MOST_CELLS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.dynamics.log import Log
    from sim.dynamics.replication import Replication
    from sim.measures.cuts import Cut
    from sim.measures.frame import Frame
    from sim.scenario.targets import Period, Place, Target

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


class NotExactError(ArithmeticError):
    """Times add up to more than floats hold exactly, so that their sum would depend on the slices."""


def adds_up(frame: Frame) -> bool:
    """Whether all that is measured of a scenario can be had slice by slice: not what a kind of somebody's own asks for,
    nor what is counted in too many windows to have a number for each."""
    return all(_can_add(frame, target) for target in frame.targets)


def _can_add(frame: Frame, target: Target) -> bool:
    kind = kind_of(target)
    if isinstance(kind, CountedKind):
        return all(cut.n_cells <= MOST_CELLS for cut in _cuts(frame, target))
    return isinstance(kind, Occupancies | Percentiles | LongestTimes)


def _cuts(frame: Frame, target: Target) -> list[Cut]:
    """The places and windows in which tips are counted for a target: by day, and by its own windows if shorter."""
    found = [frame.cut(target.in_each, "day")]
    if target.hold is not None and target.per not in UNITS:
        found.append(frame.cut(target.in_each, target.per))
    return found


class _Kept:
    """The tips of one target, each with its time, as they are handed in."""

    def __init__(self, cuts: list[Cut]):
        self.cuts = cuts
        self.column: list[NDArray[np.int8]] = []
        self.ticks: list[Ints] = []
        self.cells: list[list[NDArray[np.int32]]] = [[] for _ in cuts]

    def add(self, tips: Tally, cohort: Cohort) -> None:
        mine = np.isin(tips.column, (MET, MISSED, LOST, OPEN))
        self.column.append(tips.column[mine])
        self.ticks.append(tips.ticks[mine])
        for cut, cells in zip(self.cuts, self.cells, strict=True):
            cells.append(cut.of_tips(cohort)[mine].astype(np.int32))

    def watched(self, target: Target, last: Cohort, places: PoolTimes | None) -> Watched:
        """All of them as a target sees them, though nothing else is known of them any more."""
        frame, days = last.frame, self.cuts[0]
        found = [np.concatenate(cells) for cells in self.cells]
        cells: dict[tuple[Place | None, Period], Ints] = {
            (target.in_each, cut.unit): each.astype(np.int64) for cut, each in zip(self.cuts, found, strict=True)
        }
        place, day = np.divmod(found[0].astype(np.int64), days.n_windows)
        for unit in UNITS[:-1]:
            cut = frame.cut(target.in_each, unit)
            cells[target.in_each, unit] = place * cut.n_windows + cut.window_of_day(day)
        column, ticks = np.concatenate(self.column), np.concatenate(self.ticks)
        nothing = np.zeros(0, np.int64)
        tips = Tally(column, np.zeros(0, np.bool_), nothing, nothing, ticks)
        return Watched(replace(last, cells=cells), places, tips)


_NO_TICKS: Final = np.zeros((passes.N_NUMBERS, 0, 0), np.int64)


class Adding:
    """The measures of one replication, as more and more of its tips are over."""

    def __init__(self, frame: Frame, *, pooled: bool = True, only_targets: bool = False):
        """ValueError where not all of them add up; `pooled` and `only_targets` are those of `measure`."""
        if not adds_up(frame):
            raise ValueError("not all that is measured of this scenario adds up over tips")
        self.frame, self.with_pooled, self.only_targets = frame, pooled and not only_targets, only_targets
        n_targets = len(frame.targets)
        self.following = Following(frame, only_targets=only_targets) if frame.pool_slots or not only_targets else None
        self.counts = np.zeros((n_targets, len(COLUMNS)), np.int64)
        self.lacking = np.zeros((n_targets, 2), np.int64)
        self.by_cell: list[dict[str, tuple[Ints, Floats]]] = [self._nothing(target) for target in frame.targets]
        self.kept = {
            k: _Kept(_cuts(frame, target))
            for k, target in enumerate(frame.targets)
            if isinstance(kind_of(target), Percentiles | LongestTimes)
        }
        self.fates: Ints | None = None
        self.stages: Ints | None = None
        self.pooled: Pooled | None = None
        self.time, self.n_visits = 0.0, 0

    def _nothing(self, target: Target) -> dict[str, tuple[Ints, Floats]]:
        kind = kind_of(target)
        if not isinstance(kind, CountedKind):
            return {}
        return {cut.unit: kind.nothing_counted(cut.n_cells) for cut in _cuts(self.frame, target)}

    def add(self, replication: Replication, log: Log) -> None:
        """Count further tips, which are over, in order of arrival; a later call may hand in earlier ones."""
        frame = self.frame
        self.time += time_of_visits(log, replication)
        self.n_visits += len(replication.visits)
        first_spell = np.empty(len(replication.visits) + 1, np.int64)
        passes.find_spells(log.spells.visit, first_spell)
        cohort = read(log, replication, frame)
        if self.following is not None:
            self.following.add(log, replication, first_spell)
        pooling = Pooling(log, replication, cohort, first_spell) if self.with_pooled else None
        for k, target in enumerate(frame.targets):
            found = tally_of(target, cohort)
            if found is None:
                continue
            count_columns(found.column, self.counts[k])
            self.lacking[k] += unlabelled(target, cohort)
            if pooling is not None:
                pooling.add(k, found)
            if k in self.kept:
                self.kept[k].add(found, cohort)
                continue
            kind = kind_of(target)
            assert isinstance(kind, CountedKind)
            for cut in _cuts(frame, target):
                counts, ticks = self.by_cell[k][cut.unit]
                kind.add_counts(found, cut.few_of_tips(cohort), counts, ticks, in_turn=cut.in_turn)
        fates = fates_by_label(cohort)
        self.fates = fates if self.fates is None else self.fates + fates
        if self.only_targets:
            return
        stages, waits = visits_by_stage(log, replication, cohort, first_spell)
        self.stages = stages if self.stages is None else self.stages + stages
        if pooling is not None:
            more = pooling.close(waits, _NO_TICKS)
            self.pooled = more if self.pooled is None else self.pooled + more

    def close(self, replication: Replication, log: Log) -> Measures:
        """The measures of all tips, of which these are the last.

        OverflowError as for `measure`; NotExactError where a sum of times is no longer exact.
        """
        self.add(replication, log)
        hold_countable(self.time, self.n_visits)
        frame = self.frame
        places = None if self.following is None else self.following.close(log, replication)
        cohort = read(log, replication, frame)
        cells = np.zeros((passes.N_NUMBERS, 0, 1), np.int64) if places is None or self.only_targets else places.cells
        ticks = frame.by_time(cells)
        judged = judge(frame, self._watched(cohort, places))
        assert self.fates is not None
        pooled = self.pooled
        if pooled is not None:
            pooled = replace(pooled, ticks=ticks.astype(np.float64))
        return Measures(
            index=replication.index,
            cohort=self.fates,
            counts=self.counts,
            unlabelled=self.lacking,
            ratio=judged.ratio,
            extra=judged.extra,
            windows=judged.windows,
            units=judged.units,
            joint=judged.joint,
            stages=np.zeros((0, 0, passes.N_STAGE_COLUMNS), np.int64) if self.stages is None else self.stages,
            places=np.zeros((0, passes.N_NUMBERS), np.int64) if places is None else places.totals,
            week=by_week(ticks, frame),
            pooled=pooled,
        )

    def _watched(self, last: Cohort, places: PoolTimes | None) -> Iterator[Watched]:
        """What each target sees in the end; of tips whose times were kept, for the last time."""
        for k, target in enumerate(self.frame.targets):
            _hold_exact(self.by_cell[k])
            if k in self.kept:
                yield self.kept.pop(k).watched(target, last, places)
            else:
                yield Watched(last, places, None, self.by_cell[k])


def _hold_exact(counted: Mapping[str, tuple[Ints, Floats]]) -> None:
    """Nothing, if the ticks in every cell are as exact as in one pass; else NotExactError."""
    if any(float(ticks.max(initial=0.0)) >= EXACT for _, ticks in counted.values()):
        raise NotExactError("the times of a target add up to more than floats hold exactly")
