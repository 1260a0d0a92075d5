"""The roster as a Plan: who leaves and joins when, team by team and break by break.

Breaks are dealt with here and nowhere else; on which dates a row starts, `calendars.starts` knows. All arithmetic is in
whole ticks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, HOUR, WEEK
from sim.dynamics.replication import Codes, Plan, Ticks
from sim.scenario.calendars import starts
from sim.scenario.pools import Breaks, Pool
from sim.scenario.schema import Scenario


@dataclass(frozen=True, slots=True)
class Seat:
    """One place: a pool in a centre, or a shared pool."""

    pool: str
    pool_index: int
    centre: int
    """Index of the centre; -1 for a shared pool."""


def seats(scenario: Scenario) -> tuple[Seat, ...]:
    """The places of a scenario in their order: pool by pool, each pool's centres side by side."""
    return tuple(
        Seat(name, index, centre)
        for index, (name, pool) in enumerate(scenario.pools.items())
        for centre in ([-1] if pool.shared else range(len(scenario.centres)))
    )


def plan(scenario: Scenario) -> Plan:
    """Who leaves and joins when, from tick 0 up to the horizon; people, not slots.

    People around the clock join at tick 0. So does a team whose shift is under way then, but for those on a break.
    """
    columns: list[NDArray[np.int64]] = []
    rows = {name: _pool_rows(pool, scenario) for name, pool in scenario.pools.items()}
    for place, seat in enumerate(seats(scenario)):
        found = rows[seat.pool]
        columns.append(np.column_stack([found[:, 0], np.full(len(found), place), found[:, 1:]]))
    table = np.concatenate(columns) if columns else np.zeros((0, 5), dtype=np.int64)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    where, leaving, returning, joining = (np.ascontiguousarray(table[:, k], dtype=np.int32) for k in range(1, 5))
    return Plan(np.ascontiguousarray(table[:, 0]), where, leaving, returning, joining)


def on_duty(plan: Plan, place: int) -> tuple[Ticks, Codes]:
    """The people on duty at a place, as a step function: ticks of change, and how many from then on."""
    mine = plan.place == place
    change = plan.joining[mine] + plan.returning[mine] - plan.leaving[mine]
    return plan.tick[mine], np.cumsum(change, dtype=np.int32)


def seat_hours(scenario: Scenario, pool: str) -> float:
    """Hours on seat in a week, in all centres together: shifts less their breaks, and the people around the clock."""
    return _places(scenario, pool) * _seat_ticks(scenario.pools[pool]) / HOUR


def pieces_of_week(pool: Pool) -> list[tuple[int, int, int]]:
    """Stretches on seat in a week of one place, breaks apart: first tick, end and people, from a Monday 00:00."""
    rostered = [
        (day * DAY + shift.from_ + begins, day * DAY + shift.from_ + ends, people)
        for shift in pool.shifts
        for begins, ends, people in _pieces(shift.length, shift.staff, pool.breaks)
        for day in sorted(shift.days)
    ]
    return [*rostered, (0, WEEK, pool.staff)]


def week_on_duty(scenario: Scenario, pool: str) -> tuple[float, ...]:
    """People on duty on average in each of the 168 hours of the week from Monday 00:00, in all centres together."""
    found = scenario.pools[pool]
    hours = np.full(168, float(found.staff))
    for begins, ends, people in pieces_of_week(found.model_copy(update={"staff": 0})):
        hours += people * _overlap(begins, ends)
    return tuple(float(people) for people in hours * _places(scenario, pool))


def roster_week(pool: Pool) -> tuple[Ticks, Codes]:
    """The people of one place by the roster, breaks apart: edges from 0 to WEEK, and how many between each two."""
    change: dict[int, int] = {0: pool.staff, WEEK: 0}
    for shift in pool.shifts:
        for day in shift.days:
            begins = day * DAY + shift.from_
            ends = begins + shift.length
            for late in (0, WEEK):  # what passes Sunday midnight falls on Monday
                here, gone = max(begins - late, 0), min(ends - late, WEEK)
                if here < gone:
                    change[here] = change.get(here, 0) + shift.staff
                    change[gone] = change.get(gone, 0) - shift.staff
    edges = np.array(sorted(change), dtype=np.int64)
    people = np.cumsum([change[edge] for edge in edges.tolist()], dtype=np.int32)
    return edges, people[:-1]


def _overlap(begins: int, ends: int) -> NDArray[np.float64]:
    """The share of each hour of the week that an interval covers; what passes Sunday midnight falls on Monday."""
    edges = np.arange(169) * HOUR
    found = np.zeros(168)
    for late in (0, WEEK):
        covered = np.clip(edges, begins - late, ends - late)
        found += np.diff(covered) / HOUR
    return found


def _places(scenario: Scenario, pool: str) -> int:
    return 1 if scenario.pools[pool].shared else len(scenario.centres)


def _seat_ticks(pool: Pool) -> int:
    return sum(people * (ends - begins) for begins, ends, people in pieces_of_week(pool))


def _pieces(length: int, n: int, breaks: Breaks | None) -> list[tuple[int, int, int]]:
    """Stretches on duty of n people in a shift of so many ticks: first tick, end and people, counted from its start.

    Person j of n has the break in the middle at (j + 1) / (n + 1) of the shift, or of each of the equal parts of a
    shift with several breaks; a break that would stick out of its part is moved into it. A shift that the clock leaves
    too short for its breaks has none.
    """
    if n == 0:
        return []
    if breaks is None or breaks.lasts * breaks.per_shift > length:
        return [(0, length, n)]
    count: dict[tuple[int, int], int] = {}
    for person in range(n):
        on = 0
        for part in range(breaks.per_shift):
            first, last = part * length // breaks.per_shift, (part + 1) * length // breaks.per_shift
            middle = first + (person + 1) * (last - first) // (n + 1)
            off = min(max(middle - breaks.lasts // 2, first), last - breaks.lasts)
            if off > on:
                count[on, off] = count.get((on, off), 0) + 1
            on = off + breaks.lasts
        if on < length:
            count[on, length] = count.get((on, length), 0) + 1
    return [(begins, ends, people) for (begins, ends), people in count.items()]


def _pool_rows(pool: Pool, scenario: Scenario) -> NDArray[np.int64]:
    """Rows (tick, leaving, returning, joining) of a place, one a tick, in order."""
    horizon = scenario.horizon
    found = [np.array([[0, 0, 0, pool.staff]], dtype=np.int64)] if pool.staff else []
    dates = starts(pool.shifts, scenario.run, horizon, scenario.calendars)
    for shift, all_dates in zip(pool.shifts, dates, strict=True):
        lasting = all_dates.ends - all_dates.begins
        for length in np.unique(lasting).tolist():
            begun = all_dates.begins[lasting == length]
            for begins, ends, people in _pieces(length, shift.staff, pool.breaks):
                on, off = begun + begins, begun + ends
                here = (off > 0) & (on < horizon)
                on, off = on[here], off[here]
                fresh = (on <= 0) | (begins == 0)
                found.append(
                    _rows(np.maximum(on, 0), returning=np.where(fresh, 0, people), joining=np.where(fresh, people, 0))
                )
                found.append(_rows(off[off < horizon], leaving=people))
    table = np.concatenate(found) if found else np.zeros((0, 4), dtype=np.int64)
    ticks, row = np.unique(table[:, 0], return_inverse=True)
    merged = np.zeros((len(ticks), 4), dtype=np.int64)
    merged[:, 0] = ticks
    np.add.at(merged[:, 1:], row, table[:, 1:])
    return merged


def _rows(
    tick: Ticks,
    *,
    leaving: int | NDArray[np.int64] = 0,
    returning: int | NDArray[np.int64] = 0,
    joining: int | NDArray[np.int64] = 0,
) -> NDArray[np.int64]:
    return np.column_stack([tick, *(np.broadcast_to(people, tick.shape) for people in (leaving, returning, joining))])
