"""What each person of a roster did in one replication: hours on duty, of work, of wrap-up, idle and in overtime.

A person of the table is a number of a row, over all its dates; a log tells who that was, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import HOUR, WEEK
from sim.dynamics.duty import on_duty, parts
from sim.dynamics.replication import NOBODY
from sim.scenario import units
from sim.scenario.shifts import seats

if TYPE_CHECKING:
    from sim.dynamics.log import Log
    from sim.dynamics.replication import Replication, Ticks
    from sim.scenario.schema import Scenario

Hours = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PersonUse:
    """A person of a roster over the measured time of one replication; hours are those of an average week."""

    pool: str
    centre: str
    """Its centre, "" where there is but one or the pool is shared."""
    row: str
    """The hours of the row of shifts, or that they are around the clock."""
    number: int
    """From 1, of those of the row."""
    shifts: int
    """Shifts of the roster that begin in the measured time."""
    away: int
    """Of them, those in which the person was absent."""
    on_duty: float
    work: float
    """With tips in hand, each counted."""
    wrap_up: float
    idle: float
    """On duty with nothing in hand."""
    overtime: float


def people_uses(log: Log, replication: Replication, scenario: Scenario) -> list[PersonUse]:
    """Everybody on the roster of a pool that tells people apart, in the order of pools, centres, rows and numbers."""
    people, spells, horizon = replication.plan.people, log.spells, replication.rules.horizon
    window = (scenario.cohort_from, scenario.cohort_to)
    weeks = (window[1] - window[0]) / WEEK
    duty = on_duty(replication.plan, horizon)
    row, _, began, ended = parts(log, duty)
    named = np.flatnonzero(spells.person != NOBODY)
    wrapping = spells.wrapping[named]
    hours = {
        "on_duty": _hours(duty.person, duty.began, duty.ended, window, len(people)),
        "work": _hours(*_columns(log, named[~wrapping]), window, len(people)),
        "wrap_up": _hours(*_columns(log, named[wrapping]), window, len(people)),
        "busy": _hours(*_united(spells.person[row].astype(np.int64), began, ended), window, len(people)),
        "overtime": _hours(
            log.overtime.person.astype(np.int64), log.overtime.began, log.overtime.ended, window, len(people)
        ),
    }
    hours["idle"] = hours["on_duty"] - hours.pop("busy")
    inside = (people.start >= window[0]) & (people.start < window[1])
    found, places = [], seats(scenario)
    key = np.column_stack([people.place, people.row, people.number])
    for place, of_row, number in np.unique(key, axis=0).tolist():
        mine = np.flatnonzero((key == (place, of_row, number)).all(axis=1))
        seat = places[place]
        several = seat.centre >= 0 and len(scenario.centre_names) > 1
        found.append(
            PersonUse(
                pool=seat.pool,
                centre=scenario.centre_names[seat.centre] if several else "",
                row=row_words(scenario, seat.pool, of_row),
                number=number + 1,
                shifts=int(inside[mine].sum()),
                away=int((inside & people.away)[mine].sum()),
                **{name: float(column[mine].sum()) / weeks for name, column in hours.items()},
            )
        )
    return found


def row_words(scenario: Scenario, pool: str, row: int) -> str:
    """A row of a roster by its hours, `07:00-15:00`, with its days where these are not all; 0 is around the clock."""
    if row == 0:
        return "around the clock"
    shift = scenario.pools[pool].shifts[row - 1]
    days = "" if shift.on or len(shift.days) == 7 else f" {units.day_names(shift.days)}"
    return f"{units.clock(shift.from_)}-{units.clock(shift.to)}{days}"


def _columns(log: Log, rows: Ticks) -> tuple[Ticks, Ticks, Ticks]:
    spells = log.spells
    return spells.person[rows].astype(np.int64), spells.began[rows], spells.ended[rows]


def _hours(person: Ticks, began: Ticks, ended: Ticks, window: tuple[int, int], n: int) -> Hours:
    """(n,) hours of each person that lie in the window."""
    lasts = np.clip(ended, *window) - np.clip(began, *window)
    return np.bincount(person, weights=lasts / HOUR, minlength=n).astype(np.float64)


def _united(person: Ticks, began: Ticks, ended: Ticks) -> tuple[Ticks, Ticks, Ticks]:
    """Stretches of people that may overlap as those in which there is at least one."""
    moment, change = np.concatenate([began, ended]), np.repeat([1, -1], len(began))
    who = np.concatenate([person, person])
    order = np.lexsort((moment, who))
    who, moment = who[order], moment[order]
    there = np.cumsum(change[order]) > 0
    lasting = np.flatnonzero(there[:-1]) if len(there) else np.zeros(0, np.int64)
    return who[lasting], moment[lasting], moment[lasting + 1]
