"""The kinds of targets that the program has, and how each is measured; whoever asks for a kind asks here."""

from __future__ import annotations

from functools import partial

import numpy as np

from sim.dynamics.clock import NEVER
from sim.measures import passes
from sim.measures.cohort import Cohort
from sim.measures.counting import MEAN_TIME, SHARE_OF_BAD, SHARE_OF_GOOD, CountedKind
from sim.measures.cuts import Cut
from sim.measures.estimates import Estimate, mean_interval, share_interval
from sim.measures.frame import slots_of
from sim.measures.kind_bases import (
    KINDS,
    Enough,
    ErlangLine,
    Floats,
    InPlace,
    Ints,
    Kind,
    RatioKind,
    Replicated,
    TimedKind,
    ValueKind,
    Watched,
    enough_in_time,
    kind_of,
    measured,
    never_counted,
    ratio_of,
    reweighed,
    tally,
)
from sim.measures.percentiles import LongestTimes, Percentiles
from sim.measures.tallies import (
    LOST,
    MERGED,
    MET,
    MISSED,
    OPEN,
    WITHOUT_END,
    WITHOUT_START,
    Tally,
    fates,
)
from sim.measures.theory import erlang_a, mean_wait
from sim.scenario.target_kinds import OccupancyTarget
from sim.scenario.targets import OfTips, Timed

__all__ = [
    "KINDS",
    "AbandonedShares",
    "Enough",
    "ErlangLine",
    "Floats",
    "InPlace",
    "Ints",
    "Kind",
    "LongestTimes",
    "LostShares",
    "Means",
    "Occupancies",
    "Percentiles",
    "RatioKind",
    "Replicated",
    "Shares",
    "TimedKind",
    "ValueKind",
    "Watched",
    "enough_in_time",
    "kind_of",
    "measured",
    "never_counted",
    "ratio_of",
    "reweighed",
    "tally",
]


@measured("share")
@measured("service_level")
class Shares(TimedKind[Timed], CountedKind[Timed]):
    """The share of the tips that were in time; a lost tip and one that never comes to the end are not."""

    judged = (MET, MISSED, LOST)
    failed = (MISSED, LOST)
    curve = (MET, MISSED, LOST)
    never = MISSED
    late = MISSED
    form = SHARE_OF_GOOD

    def interval(self, parts: Floats, wholes: Floats, confidence: float, units: int) -> Estimate:
        return share_interval(parts, wholes, confidence, units)

    def enough(self, target: Timed, line: ErlangLine) -> Enough:
        return enough_in_time(target.threshold, line)


@measured("mean")
@measured("asa")
class Means(TimedKind[Timed], CountedKind[Timed]):
    """The mean time of the tips that came to the end, and the age of those that are still open as its low bound."""

    judged = (MET, MISSED)
    failed = (MISSED,)
    curve = (MET, MISSED, LOST, WITHOUT_END, OPEN)
    """A mean leaves out those that never come through, but its curve cannot."""
    never = WITHOUT_END
    late = OPEN
    form = MEAN_TIME

    def interval(self, parts: Floats, wholes: Floats, confidence: float, units: int) -> Estimate:
        return mean_interval(parts, wholes, confidence)

    def enough(self, target: Timed, line: ErlangLine) -> Enough:
        return lambda load, n: mean_wait(load, n, line.service) <= line.room


@measured("lost")
class LostShares(CountedKind[OfTips]):
    """The share of the tips that gave up for good; an open one may still do so if it waits, or will, with patience."""

    judged = (MET, MERGED, LOST)
    failed = (LOST,)
    form = SHARE_OF_BAD

    def tally(self, target: OfTips, cohort: Cohort) -> Tally:
        return _untimed(target, cohort, np.where(cohort.state == passes.LOST, LOST, _kept(cohort)))

    def interval(self, parts: Floats, wholes: Floats, confidence: float, units: int) -> Estimate:
        return share_interval(parts, wholes, confidence, units)

    def enough(self, target: OfTips, line: ErlangLine) -> Enough | None:
        if not line.patience:
            return None
        return lambda load, n: erlang_a(load, n, line.service, line.patience).abandoned <= target.threshold


def _untimed(target: OfTips, cohort: Cohort, column: Ints) -> Tally:
    """Tips by the column in which the target counts them, whatever time they took."""
    never, nothing = np.full(len(cohort), NEVER), np.zeros(len(cohort), np.int64)
    every = Tally(column.astype(np.int8), np.zeros(len(cohort), np.bool_), never, never, nothing)
    return every.only(cohort.matching(target.of))


def _kept(cohort: Cohort) -> Ints:
    """The column of each tip if it is not lost: an open one may still be."""
    return np.where(cohort.state == passes.IN_ANOTHER, MERGED, np.where(cohort.at_risk, OPEN, MET))


@measured("abandoned")
class AbandonedShares(LostShares):
    """The share of the tips that came to a stage that gave up there for good; one that still waits may do so."""

    def tally(self, target: OfTips, cohort: Cohort) -> Tally:
        _, gave_up = fates(target, cohort)
        came, begun, _, turned_away, merged = (cohort.when(one) != NEVER for one in target.asked_for)
        # Who found no room came there too, and did not give up.
        settled = begun | turned_away
        found = np.where(came, MET, WITHOUT_START)
        scenario = cohort.frame.scenario
        number = scenario.stage_index(target.at_stage or "")
        stage = scenario.stages[number]
        # A delay is borne to its end, a line until somebody begins.
        staffed = stage.pool is not None
        if stage.patience is not None and not (staffed and settled.all()):
            found = np.where(cohort.ahead.at([number], unbegun=staffed), OPEN, found)
        found = np.where(merged & ~settled, MERGED, found)
        return _untimed(target, cohort, np.where(gave_up != NEVER, LOST, found))


@measured("turned_away")
class TurnedAwayShares(LostShares):
    """The share of the tips that found no room for good, at a stage or anywhere; an open one may still find none."""

    def tally(self, target: OfTips, cohort: Cohort) -> Tally:
        turned = cohort.when(target.asked_for[1]) if target.asked_for else cohort.turned_away
        kept = np.where(cohort.state == passes.IN_ANOTHER, MERGED, MET)
        limited = [
            s
            for s, stage in enumerate(cohort.frame.scenario.stages)
            if target.at_stage in (None, stage.name) and not (stage.waiting_room is None and stage.lines is None)
        ]
        if limited:
            kept = np.where(cohort.ahead.at(limited, unbegun=True), OPEN, kept)
        return _untimed(target, cohort, np.where(turned != NEVER, LOST, kept))

    def enough(self, target: OfTips, line: ErlangLine) -> Enough | None:
        return None


@measured("occupancy")
class Occupancies(RatioKind[OccupancyTarget]):
    """Busy time over time on duty, by which replications weigh."""

    def cell_of(self, target: OccupancyTarget, watched: Watched, cut: Cut) -> Ints:
        _, length = slots_of(target)
        return cut.of_slots(length, cut.n_places if target.in_each == "centre" else 1)

    def by_cell(self, target: OccupancyTarget, watched: Watched, cell: Ints, n_cells: int) -> Floats:
        places, frame = watched.places, watched.cohort.frame
        assert places is not None
        pool = frame.scenario.pool_index(target.pool)
        slots = [places.slots(number, pool, frame, slots_of(target)) for number in (passes.BUSY, passes.ON_DUTY)]
        busy, on_duty = (
            np.bincount(cell.ravel(), weights=ticks.ravel(), minlength=n_cells).astype(float) for ticks in slots
        )
        return ratio_of(*[(busy, on_duty)] * 3)

    def weighed(self, one: InPlace, bound: int) -> Floats:
        pairs = one.ratio[:, bound]
        counted = pairs[:, 1] > 0
        return reweighed(pairs, pairs[:, 1] / float(pairs[counted, 1].mean())) if counted.any() else pairs

    def interval(self, parts: Floats, wholes: Floats, confidence: float, units: int) -> Estimate:
        return share_interval(parts, wholes, confidence, units)

    def enough(self, target: OccupancyTarget, line: ErlangLine) -> Enough:
        return partial(_busy_enough, target.occupancy)

    def servers(self, target: OccupancyTarget, erlangs: float) -> float:
        return erlangs / max(target.occupancy, 0.01)


def _busy_enough(most: float, load: float, n: int) -> bool:
    return load <= most * n
