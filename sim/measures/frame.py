"""What a scenario asks of every one of its replications: whose tips count, in which periods, and by which targets.

Made once for a scenario; nothing here looks at a replication.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, HOUR, date_of, since_midnight
from sim.measures.cuts import HALF_HOUR, Cut
from sim.measures.evidence import units_of_evidence
from sim.scenario.certain import Bounds, value_bounds
from sim.scenario.chance import given_arrivals, is_certain
from sim.scenario.pools import Filter
from sim.scenario.rules import OF_LABEL, matches
from sim.scenario.shifts import seats
from sim.scenario.targets import Between, OfPool, Period, Place, Target

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

UNITS: Final[tuple[Period, ...]] = ("run", "month", "week", "day")
"""Calendar periods, in the order in which measures have them."""

WHAT: Final = ("enter", "start", "end")
HOURS_A_WEEK: Final = 168


@dataclass(frozen=True, slots=True, eq=False)
class Periods:
    """The calendar periods of one unit that the measured time touches, in order; days are counted from its first."""

    first_day: NDArray[np.int64]
    """(n_periods,) the day on which each begins, or the measured time does."""
    judged: NDArray[np.bool_]
    """(n_periods,) the whole ones; all of them where none is whole."""
    whole: bool
    """Whether the judged ones are whole."""


class Frame:
    """A scenario made ready for measuring."""

    def __init__(self, scenario: Scenario):
        start = scenario.run.start
        self.scenario = scenario
        self.first, self.last = scenario.cohort_from, scenario.cohort_to
        """Ticks between which a tip has to arrive to count, and pools are measured."""
        self.since_midnight = since_midnight(start)
        first_day = (self.first + self.since_midnight) // DAY
        self.n_days = (self.last - 1 + self.since_midnight) // DAY - first_day + 1
        """Calendar days that the measured time touches."""
        self.origin = first_day * DAY - self.since_midnight
        """Tick of the midnight at which the first of them begins."""
        self.first_hour = HOURS_A_WEEK // 7 * ((start.weekday() + first_day) % 7)
        """Hour of the week, from Monday 00:00, of that midnight."""
        self.periods: dict[str, Periods] = {unit: self._periods(unit, date_of(self.origin, start)) for unit in UNITS}
        self.targets: tuple[Target, ...] = tuple(scenario.targets.values())
        self.moments = self._moments()
        """(n_stages, 3) row of each stage's enter, start and end among the moments that targets ask for, or -1."""
        self.n_moments = int(self.moments.max(initial=-1)) + 1
        self.pool_of_place = np.array([seat.pool_index for seat in seats(scenario)], dtype=np.int64)
        self.pool_slots = {slots_of(target) for target in self.targets if isinstance(target, OfPool)}
        """Whether by centre, and by how many ticks, targets ask for the pools over time."""
        self.attributes = self._attributes()
        """What tips are told apart by, the tier last: of the scenario's own attributes those that targets ask for."""
        self.grid = self._grid()
        """All combinations of these attributes, as filters ask for them, one after the other."""
        self._matching: dict[Filter | None, NDArray[np.bool_]] = {}
        self.sizes = tuple(len(scenario.names[name]) + (name in OF_LABEL) for name in self.attributes)
        self._cuts: dict[tuple[Place | None, Period], Cut] = {}
        self.own = tuple(self.cut(target.in_each, target.per) for target in self.targets)
        """The places and windows of each target."""
        ends = np.cumsum([0, *(cut.n_places for cut in self.own)]).tolist()
        self.rows = tuple(slice(begin, end) for begin, end in pairwise(ends))
        """Where the places of each target lie among those of all, one after the other."""
        self.recorded = is_certain(scenario)
        """Whether nothing is left to chance: one replication is all there is, and tells of this period alone."""
        self.given_arrivals = given_arrivals(scenario)
        """Whether tips come as they are recorded, and only what becomes of them is drawn."""
        self.hours_measured = self._hours_measured()
        """(168,) ticks of the measured time in each hour of the week."""

    @property
    def n_hours(self) -> int:
        return 24 * self.n_days

    @cached_property
    def units(self) -> int:
        """Units of evidence in one replication."""
        return units_of_evidence(self.scenario)

    def units_in(self, k: int) -> NDArray[np.int64]:
        """(n_places,) units of evidence in one replication about each place of a target: of an hour of the week no more
        than it comes."""
        cut = self.own[k]
        if cut.place in ("weekday", "hour", "half_hour"):
            return np.minimum(self.units, np.maximum(cut.occurrences(), 1))
        return np.full(cut.n_places, self.units, np.int64)

    @cached_property
    def bounds(self) -> tuple[Bounds, ...]:
        """What the value of each target comes to at least and at most, whatever is drawn."""
        return tuple(_of_windows(target, value_bounds(self.scenario, target)) for target in self.targets)

    def cut(self, place: Place | None, unit: Period) -> Cut:
        """The cells of places and windows."""
        if (place, unit) not in self._cuts:
            self._cuts[place, unit] = Cut(self, place, unit)
        return self._cuts[place, unit]

    def attribute(self, name: str, combination: NDArray[np.int64]) -> NDArray[np.int64]:
        """The code of an attribute of tips, of their combinations in the grid."""
        return np.asarray(self.grid[name], dtype=np.int64)[combination]

    def day(self, tick: NDArray[np.int64]) -> NDArray[np.int64]:
        """The day of each tick, from the first."""
        return (tick - self.origin) // DAY

    def hour_of_week(self, tick: NDArray[np.int64]) -> NDArray[np.int64]:
        """The hour of the week of each tick, 0 for Monday 00:00 to 01:00."""
        return ((tick - self.origin) // HOUR + self.first_hour) % HOURS_A_WEEK

    def by_week(self, hours: NDArray[np.float64]) -> NDArray[np.float64]:
        """Hours in order (..., n_hours), added up by the hour of the week: (..., 168)."""
        before = self.first_hour
        after = -(before + hours.shape[-1]) % HOURS_A_WEEK
        padding = [(0, 0)] * (hours.ndim - 1) + [(before, after)]
        padded = np.pad(hours, padding)
        weeks = padded.reshape(*hours.shape[:-1], padded.shape[-1] // HOURS_A_WEEK, HOURS_A_WEEK)
        return np.asarray(weeks.sum(axis=-2))

    def matching(self, of: Filter | None) -> NDArray[np.bool_]:
        """Which combinations of the grid a filter matches; all where there is none."""
        if of not in self._matching:
            every = np.ones(len(self.grid["tier"]), dtype=np.bool_)
            self._matching[of] = every if of is None else matches(of, self.scenario.names, self.grid)
        return self._matching[of]

    def _grid(self) -> dict[str, NDArray[np.integer]]:
        names = self.scenario.names
        sizes = [len(names[name]) + (name in OF_LABEL) for name in self.attributes]
        columns = np.indices(sizes).reshape(len(sizes), -1)
        told = zip(self.attributes, columns, strict=True)
        return {name: column - (name in OF_LABEL) for name, column in told}

    def _attributes(self) -> tuple[str, ...]:
        filters = [one for target in self.targets if (one := getattr(target, "of", None)) is not None]
        asked = {key for one in filters for key in one.own} | {target.in_each for target in self.targets}
        own = (name for name in self.scenario.own if name in asked)
        by = ("labelled_by",) if any(one.labelled_by is not None for one in filters) else ()
        return ("channel", "risk", "category", *own, *by, "tier")

    def _hours_measured(self) -> NDArray[np.float64]:
        edges = self.origin + HOUR * np.arange(self.n_hours + 1)
        inside = np.diff(np.clip(edges, self.first, self.last))
        return self.by_week(inside.astype(float))

    def _periods(self, unit: str, first: datetime) -> Periods:
        days = np.arange(self.n_days)
        if unit == "run":
            return Periods(days[:1], np.ones(1, dtype=bool), True)
        dates = [date_of(self.origin + DAY * day, self.scenario.run.start) for day in range(self.n_days + 1)]
        begins = np.array([_begins(unit, date) for date in dates])
        first_day = np.flatnonzero(begins | (np.arange(self.n_days + 1) == 0))
        first_day = first_day[first_day < self.n_days]
        begun = begins[first_day] & (self.origin + DAY * first_day >= self.first)
        next_day = np.append(first_day[1:], self.n_days)
        done = begins[next_day] & (self.origin + DAY * next_day <= self.last)
        whole = begun & done
        return Periods(first_day, whole if whole.any() else np.ones_like(whole), bool(whole.any()))

    def _moments(self) -> NDArray[np.int64]:
        found = np.full((len(self.scenario.stages), len(WHAT)), -1, dtype=np.int64)
        asked = [
            (self.scenario.stage_index(moment.stage), WHAT.index(moment.what))
            for target in self.targets
            if isinstance(target, Between)
            for milestone in (target.from_, target.to)
            for moment in milestone.moments
            if moment.stage is not None
        ]
        for row, (stage, what) in enumerate(dict.fromkeys(asked)):
            found[stage, what] = row
        return found


def _begins(unit: str, date: datetime) -> bool:
    """Whether a period begins at this midnight."""
    return unit == "day" or (date.weekday() == 0 if unit == "week" else date.day == 1)


def slots_of(target: Target) -> tuple[bool, int]:
    """Whether a target about a pool needs it by centre, and by stretches of how many ticks."""
    asked = (target.per, target.in_each)
    length = HALF_HOUR if "half_hour" in asked else HOUR if "hour" in asked else DAY
    by_centre = target.in_each == "centre"
    return by_centre, length if by_centre else min(length, HOUR)


def _of_windows(target: Target, bounds: Bounds) -> Bounds:
    """What holds whatever is drawn holds in every window too."""
    if target.hold is None:
        return bounds
    at_least = target.side == "at_least"
    kept = bounds.least >= target.threshold if at_least else bounds.most <= target.threshold
    broken = bounds.most < target.threshold if at_least else bounds.least > target.threshold
    return Bounds(float(kept), float(not broken))


def without_tier(of: Filter | None) -> Filter | None:
    """What a target asks of its tips besides the label; None where that is nothing."""
    return None if of is None else of.but_for_label()
