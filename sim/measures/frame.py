"""What a scenario asks of every one of its replications: whose tips count, in which periods, and by which targets.

Made once for a scenario; nothing here looks at a replication.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, HOUR, WEEK
from sim.measures import passes
from sim.measures.cuts import HALF_HOUR, Cut
from sim.measures.evidence import OfferedWork, units_of_evidence
from sim.scenario.arrivals import HOURS_A_WEEK
from sim.scenario.calendars import open_time
from sim.scenario.certain import CertainBounds, line_bounds, value_bounds
from sim.scenario.chance import given_arrivals, is_certain
from sim.scenario.choices import UNITS
from sim.scenario.pools import Filter
from sim.scenario.rules import OF_LABEL, matches
from sim.scenario.shifts import plan, seats
from sim.scenario.size import in_memory, tips_of
from sim.scenario.targets import Between, OfPool, OfTips, Period, Place, Target, Timed

if TYPE_CHECKING:
    from sim.dynamics.replication import Plan
    from sim.scenario.moments import Milestone
    from sim.scenario.schema import Scenario

WHAT: Final = ("enter", "start", "end", "gave_up", "turned_away", "merged")

PEOPLE: Final = ("pools", "hash")
"""The fields of a scenario in which two staffings of it differ."""
OF_PEOPLE: Final = ("plan", "units", "bounds", "slice_size")
"""What a frame works out from the people of its pools when it is asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Periods:
    """The calendar periods of one unit that the measured time touches, in order; days are counted from its first."""

    first_day: NDArray[np.int64]
    """(n_periods,) the day on which each begins, or the measured time does."""
    judged: NDArray[np.bool_]
    """(n_periods,) the whole ones; all of them where none is whole."""
    whole: bool
    """Whether the judged ones are whole."""


@dataclass(frozen=True, slots=True)
class TimeSteps:
    """Time in steps of equal length, from the midnight at which the measured time begins, or before it does."""

    origin: int
    step: int
    n_steps: int

    @property
    def begins(self) -> NDArray[np.int64]:
        """(n_steps,) ticks."""
        return self.origin + self.step * np.arange(self.n_steps)


class _WhateverStaff:
    """What is worked out of a scenario when it is asked for, and the same for all its staffings."""

    def __init__(self, scenario: Scenario):
        self.scenario = scenario

    @cached_property
    def offered(self) -> OfferedWork:
        return OfferedWork.to(self.scenario)

    @cached_property
    def tips(self) -> float:
        """Of a replication, about."""
        return tips_of(self.scenario)


class Frame:
    """A scenario made ready for measuring."""

    def __init__(self, scenario: Scenario):
        self.scenario = scenario
        self.first, self.last = scenario.cohort_from, scenario.cohort_to
        """Ticks between which a tip has to arrive to count, and pools are measured."""
        self.clock = scenario.local
        """The local clock: days, hours and dates are read off it."""
        self.first_day = int(self.clock.wall(self.first)) // DAY
        """The day of the clock on which the measured time begins."""
        self.n_days = int(self.clock.wall(self.last - 1)) // DAY - self.first_day + 1
        """Calendar days that the measured time touches."""
        self.midnights = self.clock.tick(DAY * (self.first_day + np.arange(self.n_days + 1)))
        """(n_days + 1,) ticks at which they begin, and at which the last of them ends."""
        self.origin = int(self.midnights[0])
        self.first_hour = HOURS_A_WEEK // 7 * self.date(0).weekday()
        """Hour of the week, from Monday 00:00, of the first midnight."""
        self.interval = scenario.run.interval
        """Ticks of an interval of the day, by which tables tell the week."""
        self.n_intervals = WEEK // self.interval
        """Intervals of a week."""
        self.periods: dict[str, Periods] = {unit: self._periods(unit) for unit in UNITS}
        self.targets: tuple[Target, ...] = tuple(scenario.targets.values())
        self.moments = self._moments()
        """(n_stages, 6) row of each of WHAT among the moments that targets ask for, or -1."""
        self.n_moments = int(self.moments.max(initial=-1)) + 1
        asked = (end for target in self.targets if isinstance(target, OfTips) for end in target.asked_for if end.all_of)
        named = {moment.stage for end in asked for moment in end.moments if moment.stage is not None}
        self.all_of = tuple(sorted(scenario.stage_index(name) for name in named))
        """The stages that milestones name which take the latest of several moments."""
        pools = list(scenario.pools)
        self.pool_of_stage = np.array([pools.index(s.pool) if s.pool else -1 for s in scenario.stages], np.int64)
        """(n_stages,) the pool of each stage, -1 for a delay."""
        self.pool_of_place = np.array([seat.pool_index for seat in seats(scenario)], dtype=np.int64)
        self.pool_slots = {slots_of(target) for target in self.targets if isinstance(target, OfPool)}
        """Whether by centre, and by how many ticks, targets ask for the pools over time."""
        self.attributes = self._attributes()
        """What tips are told apart by, the tier last: of the scenario's own attributes those that targets ask for."""
        self.grid = self._grid()
        """All combinations of these attributes, as filters ask for them, one after the other."""
        self._matching: dict[Filter | None, NDArray[np.bool_]] = {}
        self._of_target: dict[tuple[int, bool], tuple[OfTips, NDArray[np.bool_]]] = {}
        self._bounds: dict[object, tuple[CertainBounds, ...]] = {}
        self._whatever_staff = _WhateverStaff(scenario)
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
        self.cells = self.steps(self.interval)
        """The measured days cut so finely that each piece lies in one interval of one date."""
        self.n_times = self.n_intervals + self.n_days
        """Rows of what is told by time: first the intervals of the week, then the days."""
        own = self.interval_of(self.cells.begins), self.n_intervals + self.day(self.cells.begins)
        self.times_of_cell = np.stack(own)
        """(2, n_cells) the rows to which each cell belongs: its interval of the week, and its day."""
        self.time_measured = self.by_time(self.measured(self.cells))
        """(n_times,) ticks of the measured time in each row."""

    def restaffed(self, scenario: Scenario) -> Frame | None:
        """The frame of a scenario that differs from this one's in the people of its pools alone, made of the same
        parts; None where it differs in more."""
        fields = type(scenario).model_fields
        if any(getattr(scenario, name) is not getattr(self.scenario, name) for name in fields if name not in PEOPLE):
            return None
        old, new = self.scenario.pools, scenario.pools
        if list(old) != list(new) or any(old[name].shared != new[name].shared for name in new):
            return None
        found = copy(self)
        found.scenario = scenario
        if scenario.demand.trace is not None:
            # Who is absent may be all that is drawn.
            found.recorded, found.given_arrivals = is_certain(scenario), given_arrivals(scenario)
        for name in OF_PEOPLE:
            found.__dict__.pop(name, None)
        return found

    @cached_property
    def plan(self) -> Plan:
        """Who goes and comes when, with nobody absent."""
        return plan(self.scenario)

    @cached_property
    def slice_size(self) -> int:
        """How many tips are drawn, simulated and counted at a time; 0 where a replication is held whole."""
        return in_memory(self.scenario, self._whatever_staff.tips).slice_size

    @cached_property
    def units(self) -> int:
        """Units of evidence in one replication."""
        return units_of_evidence(self.scenario, self._whatever_staff.offered)

    def units_in(self, k: int) -> NDArray[np.int64]:
        """(n_places,) units of evidence in one replication about each place of a target: of an hour of the week no more
        than it comes."""
        cut = self.own[k]
        if cut.place in ("weekday", "hour", "half_hour"):
            return np.minimum(self.units, np.maximum(cut.occurrences(), 1))
        return np.full(cut.n_places, self.units, np.int64)

    @cached_property
    def bounds(self) -> tuple[CertainBounds, ...]:
        """What the value of each target comes to at least and at most, whatever is drawn."""
        lines = line_bounds(self.scenario)
        if lines not in self._bounds:
            self._bounds[lines] = tuple(
                _of_windows(target, value_bounds(self.scenario, target)) for target in self.targets
            )
        return self._bounds[lines]

    @cached_property
    def spans(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(n_spans, 2) the first day and one beyond the last of each judged period, of one of UNITS after the other,
        and (5,) where those of each begin, and end."""
        found = []
        for unit in UNITS:
            periods = self.periods[unit]
            beyond = np.append(periods.first_day[1:], self.n_days)
            found.append(np.stack([periods.first_day, beyond], axis=1)[periods.judged])
        return np.concatenate(found), np.cumsum([0, *(len(one) for one in found)])

    def cut(self, place: Place | None, unit: Period) -> Cut:
        """The cells of places and windows."""
        if (place, unit) not in self._cuts:
            self._cuts[place, unit] = Cut(self, place, unit)
        return self._cuts[place, unit]

    def by_clock_of(self, target: Timed, tick: NDArray[np.int64]) -> NDArray[np.int64]:
        """Ticks as the clock of a target shows them: open ticks of its calendar. NEVER stays NEVER."""
        if target.runs_by is None:
            return tick
        return open_time(self.scenario, target.runs_by).elapsed(0, tick)

    def attribute(self, name: str, combination: NDArray[np.int64]) -> NDArray[np.int64]:
        """The code of an attribute of tips, of their combinations in the grid."""
        return np.asarray(self.grid[name], dtype=np.int64)[combination]

    def date(self, day: int) -> date:
        """The date of a day, counted from the first."""
        return self.clock.date_of(self.first_day + day)

    def wall(self, tick: NDArray[np.int64]) -> NDArray[np.int64]:
        """What the clock shows at each tick, in ticks since the first midnight."""
        if self.clock.zone is None:
            return tick - self.origin
        return self.clock.wall(tick) - DAY * self.first_day

    def day(self, tick: NDArray[np.int64]) -> NDArray[np.int64]:
        """The day of each tick, from the first."""
        return self.wall(tick) // DAY

    def hour_of_week(self, tick: NDArray[np.int64]) -> NDArray[np.int64]:
        """The hour of the week of each tick, 0 for Monday 00:00 to 01:00."""
        return (self.wall(tick) // HOUR + self.first_hour) % HOURS_A_WEEK

    def interval_of(self, tick: NDArray[np.int64]) -> NDArray[np.int64]:
        """The interval of the week of each tick, 0 for that which begins on Monday at 00:00."""
        shown = self.wall(tick) + HOUR * self.first_hour
        # Numpy divides by one number several times as fast as it takes the rest.
        shown -= shown // WEEK * WEEK
        return shown // self.interval

    def steps(self, length: int) -> TimeSteps:
        """The measured days in steps of at most so many ticks, each within one stretch of this length on the clock.

        The steps are shorter where the clock is put forward or back by no multiple of the length.
        """
        end = int(self.midnights[-1])
        if self.clock.zone is not None:
            marks = np.append(self.clock.marks(self.origin, end, length), end)
            length = int(np.gcd.reduce(marks - self.origin))
        return TimeSteps(self.origin, length, (end - self.origin) // length)

    def by_time(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Numbers of the cells in order (..., n_cells), added up by interval of the week and by day: (..., n_times)."""
        found = np.zeros((*cells.shape[:-1], self.n_times), np.int64)
        passes.add_up(cells.reshape(-1, cells.shape[-1]), self.times_of_cell, found.reshape(-1, self.n_times))
        return found

    def matching(self, of: Filter | None) -> NDArray[np.bool_]:
        """Which combinations of the grid a filter matches; all where there is none."""
        if of not in self._matching:
            every = np.ones(len(self.grid["tier"]), dtype=np.bool_)
            self._matching[of] = every if of is None else matches(of, self.scenario.names, self.grid)
        return self._matching[of]

    def of_target(self, target: OfTips, *, but_for_label: bool = False) -> NDArray[np.bool_]:
        """Which combinations of the grid a target is about, or would be whatever their label is."""
        key = id(target), but_for_label
        known = self._of_target.get(key)
        if known is None or known[0] is not target:
            found = self.matching(without_tier(target.of) if but_for_label else target.of)
            known = self._of_target[key] = target, found
        return known[1]

    @cached_property
    def milestones(self) -> dict[int, int]:
        """A number for every milestone that a target keeps, equal ones alike, by their identity: to compare them would
        take as long as to judge a thousand tips."""
        numbers: dict[Milestone, int] = {}
        found = {}
        for target in self.targets:
            for milestone in (target.from_, target.to) if isinstance(target, Between) else ():
                found[id(milestone)] = numbers.setdefault(milestone, len(numbers))
        return found

    @cached_property
    def alike(self) -> tuple[int, ...]:
        """The first target that times the same tips between the same moments as each one does: as a share and a mean of
        the same times do, or two targets of a kind without times."""
        first: dict[object, int] = {}
        asked = ((one.of, one.from_, one.to, one.clock) if isinstance(one, Timed) else one.kind for one in self.targets)
        return tuple(first.setdefault(key, k) for k, key in enumerate(asked))

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

    def measured(self, steps: TimeSteps) -> NDArray[np.int64]:
        """(n_steps,) ticks of the measured time in each step of a grid."""
        edges = np.clip(steps.origin + steps.step * np.arange(steps.n_steps + 1), self.first, self.last)
        return np.diff(edges)

    def _periods(self, unit: str) -> Periods:
        days = np.arange(self.n_days)
        if unit == "run":
            return Periods(days[:1], np.ones(1, dtype=bool), True)
        begins = np.array([_begins(unit, self.date(day)) for day in range(self.n_days + 1)])
        first_day = np.flatnonzero(begins | (np.arange(self.n_days + 1) == 0))
        first_day = first_day[first_day < self.n_days]
        begun = begins[first_day] & (self.midnights[first_day] >= self.first)
        next_day = np.append(first_day[1:], self.n_days)
        done = begins[next_day] & (self.midnights[next_day] <= self.last)
        whole = begun & done
        return Periods(first_day, whole if whole.any() else np.ones_like(whole), bool(whole.any()))

    def _moments(self) -> NDArray[np.int64]:
        found = np.full((len(self.scenario.stages), len(WHAT)), -1, dtype=np.int64)
        asked = [
            (self.scenario.stage_index(moment.stage), WHAT.index(moment.what))
            for target in self.targets
            if isinstance(target, OfTips)
            for milestone in target.asked_for
            for moment in milestone.moments
            if moment.stage is not None
        ]
        for row, (stage, what) in enumerate(dict.fromkeys(asked)):
            found[stage, what] = row
        return found


def _begins(unit: str, date: date) -> bool:
    """Whether a period begins with this date."""
    return unit == "day" or (date.weekday() == 0 if unit == "week" else date.day == 1)


def slots_of(target: Target) -> tuple[bool, int]:
    """Whether a target about a pool needs it by centre, and by stretches of how many ticks."""
    asked = (target.per, target.in_each)
    length = HALF_HOUR if "half_hour" in asked else HOUR if "hour" in asked else DAY
    by_centre = target.in_each == "centre"
    return by_centre, length if by_centre else min(length, HOUR)


def _of_windows(target: Target, bounds: CertainBounds) -> CertainBounds:
    """What holds whatever is drawn holds in every window too."""
    if target.hold is None:
        return bounds
    at_least = target.side == "at_least"
    kept = bounds.least >= target.threshold if at_least else bounds.most <= target.threshold
    broken = bounds.most < target.threshold if at_least else bounds.least > target.threshold
    return CertainBounds(float(kept), float(not broken))


def without_tier(of: Filter | None) -> Filter | None:
    """What a target asks of its tips besides the label; None where that is nothing."""
    return None if of is None else of.but_for_label()
