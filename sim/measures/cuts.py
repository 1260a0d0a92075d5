"""How the tips and the time of a replication are cut up: by place, and into windows of the calendar."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, HOUR, WEEK
from sim.scenario import units

if TYPE_CHECKING:
    from sim.dynamics.replication import Codes
    from sim.measures.cohort import Cohort
    from sim.measures.frame import Frame
    from sim.scenario.targets import Period, Place

Ints = NDArray[np.int64]

HALF_HOUR: Final = HOUR // 2

STEPS: Final = {"weekday": DAY, "hour": HOUR, "half_hour": HALF_HOUR}
"""The places that are stretches of the week, and the windows shorter than a day, in ticks."""


class Cut:
    """Cells of places and windows: cell `place x n_windows + window` holds what happened there then."""

    def __init__(self, frame: Frame, place: Place | None, unit: Period):
        self.frame, self.place, self.unit = frame, place, unit
        self.names = place_names(frame, place)
        """The places by name; one without a name where there are none."""
        short = STEPS.get(unit)
        self.n_windows = frame.n_days * (DAY // short) if short else len(frame.periods[unit].first_day)
        """Windows of the days that the measured time touches."""

    @property
    def in_turn(self) -> bool:
        """Whether tips that follow each other mostly lie in one cell."""
        return self.place is None or self.place in STEPS

    @property
    def n_places(self) -> int:
        return len(self.names)

    @property
    def n_cells(self) -> int:
        return self.n_places * self.n_windows

    @cached_property
    def whole(self) -> NDArray[np.bool_]:
        """(n_windows,) those that lie in the measured time from their first tick to their last."""
        if self.unit not in STEPS:
            periods = self.frame.periods[self.unit]
            return periods.judged if periods.whole else np.zeros_like(periods.judged)
        every, measured = self._ticks(self.unit)
        return np.asarray((every > 0) & (measured == every))

    @cached_property
    def n_touched(self) -> int:
        """Windows of which some part lies in the measured time."""
        return int(np.count_nonzero(self._ticks(self.unit)[1])) if self.unit in STEPS else self.n_windows

    def of_tips(self, cohort: Cohort) -> Ints:
        """(n,) the cell of each tip. Of those without a label each label's is the first: they are not judged there."""
        if (self.place, self.unit) not in cohort.cells:
            cohort.cells[self.place, self.unit] = self._of_tips(cohort)
        return cohort.cells[self.place, self.unit]

    def few_of_tips(self, cohort: Cohort) -> Codes:
        """The same in half of the memory, for cells that are so few that each has a number of its own."""
        key = self.place, self.unit
        if key not in cohort.few_cells:
            found = cohort.cells[key] if key in cohort.cells else self._of_tips(cohort)
            cohort.few_cells[key] = found.astype(np.int32)
        return cohort.few_cells[key]

    def _of_tips(self, cohort: Cohort) -> Ints:
        window = self._window(cohort.arrival) if self.unit in STEPS else self.window_of_day(cohort.day)
        match self.place:
            case None:
                return window
            case "centre":
                place = cohort.centre.astype(np.int64)
            case "tier":
                place = np.maximum(cohort.label, 0).astype(np.int64)
            case place_of_week if place_of_week in STEPS:
                place = self._place(cohort.arrival)
            case attribute:
                place = self.frame.attribute(attribute, cohort.combination)
        return place * self.n_windows + window

    def of_slots(self, length: int, n_groups: int) -> Ints:
        """(n_groups, n_slots) the cell of each step of the grid of stretches of so many ticks, by centre."""
        begins = self.frame.steps(length).begins
        window = self._window(begins)
        if self.place is None or self.place == "centre":
            return np.arange(n_groups)[:, None] * self.n_windows + window
        return (self._place(begins) * self.n_windows + window)[None]

    def occurrences(self) -> Ints:
        """(n_places,) how often each place comes in the measured time, where it is a stretch of the week; else 1."""
        step = STEPS.get(self.place or "")
        if step is None:
            return np.ones(self.n_places, np.int64)
        came = np.flatnonzero(self._ticks(self.place or "")[1])
        return np.bincount((came + self._before(step)) % self.n_places, minlength=self.n_places)

    def _ticks(self, stretch: str) -> tuple[Ints, Ints]:
        """Ticks in each stretch of the measured days on the clock, and how many of them are measured: a stretch that
        the clock leaves out has none, and one that it shows twice has twice as many."""
        frame, step = self.frame, STEPS[stretch]
        grid = frame.steps(step)
        which, n = frame.wall(grid.begins) // step, frame.n_days * (DAY // step)
        every = np.bincount(which, minlength=n) * grid.step
        measured = np.bincount(which, weights=frame.measured(grid), minlength=n).astype(np.int64)
        return every, measured

    def _window(self, tick: Ints) -> Ints:
        short = STEPS.get(self.unit)
        return self.frame.wall(tick) // short if short else self.window_of_day(self.frame.day(tick))

    def window_of_day(self, day: Ints) -> Ints:
        """The window of each day, where windows are days or longer."""
        if self.unit == "day":
            return day
        if self.unit == "run":
            return np.zeros_like(day)
        return np.searchsorted(self.frame.periods[self.unit].first_day, day, side="right") - 1

    def _place(self, tick: Ints) -> Ints:
        """The stretch of the week, from Monday on."""
        step = STEPS[self.place or ""]
        return (self.frame.wall(tick) // step + self._before(step)) % (WEEK // step)

    def _before(self, step: int) -> int:
        """Stretches of so many ticks between Monday 00:00 and the first midnight."""
        return self.frame.first_hour * HOUR // step


def place_names(frame: Frame, place: Place | None) -> tuple[str, ...]:
    """The names of the places of a kind: centres, labels, hours of the week and so on."""
    if place is None:
        return ("",)
    if place == "centre":
        return frame.scenario.centre_names
    if place in STEPS:
        return tuple(_stretch(begin, STEPS[place]) for begin in range(0, WEEK, STEPS[place]))
    return frame.scenario.names[place]


def _stretch(begin: int, length: int) -> str:
    day = units.SHORT_WEEKDAYS[begin // DAY]
    if length == DAY:
        return day
    return f"{day} {units.clock(begin % DAY)} to {units.clock(begin % DAY + length)}"
