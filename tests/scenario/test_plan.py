"""The roster as a plan: small enough for a pencil."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.dynamics.clock import DAY, HOUR, MINUTE
from sim.dynamics.replication import COMES_BACK, COMES_ON, GOES_HOME, TAKES_BREAK, Plan
from sim.scenario.cost import paid_hours
from sim.scenario.loading import load
from sim.scenario.schema import Scenario
from sim.scenario.shifts import on_duty, plan, seat_hours, seats, week_on_duty
from tests.scenario.small import SCENARIOS, loaded

MONDAY = "2025-01-06"


def roster(folder: Path, pool: str, *, start: str = f"{MONDAY} 00:00", length: str = "1 d", more: str = "") -> Scenario:
    """A scenario of one pool."""
    return loaded(
        folder,
        f"""
scenario: Roster
run: {{start: {start}, length: {length}, cool_down: 0 s}}
demand: {{volume: 1/h}}
pools: {{desk: {pool}}}
stages: [{{name: work, pool: desk, service: 5 min}}]
{more}
""",
    )


def rows(found: Plan, place: int = 0) -> list[tuple[float, int, int, int]]:
    """(hour, how many go, how many come back, how many come on or by how many heads there are more) of one place."""
    table = []
    for row in np.flatnonzero(found.place == place):
        actions = found.action[found.first_action[row] : found.first_action[row + 1]].tolist()
        going, back, coming = (
            sum(action in some for action in actions) for some in ((GOES_HOME, TAKES_BREAK), (COMES_BACK,), (COMES_ON,))
        )
        table.append((found.tick[row] / HOUR, going, back, coming + int(found.heads[row])))
    return table


def test_people_around_the_clock_join_at_the_start_and_never_leave(tmp_path: Path) -> None:
    found = plan(roster(tmp_path, "{staff: 3, breaks: {lasts: 30 min}}"))
    assert rows(found) == [(0, 0, 0, 3)]


def test_one_team_follows_another_in_one_row(tmp_path: Path) -> None:
    pool = "{shifts: [{from: 06:00, to: 14:00, staff: 3}, {from: 14:00, to: 22:00, staff: 2}]}"
    assert rows(plan(roster(tmp_path, pool))) == [(6, 0, 0, 3), (14, 3, 0, 2), (22, 2, 0, 0)]


def test_staff_around_the_clock_and_shifts_add_up(tmp_path: Path) -> None:
    scenario = roster(tmp_path, "{staff: 1, shifts: [{from: 06:00, to: 14:00, staff: 3}]}")
    ticks, people = on_duty(plan(scenario), 0)
    assert (ticks / HOUR).tolist() == [0, 6, 14]
    assert people.tolist() == [1, 4, 1]


def test_a_shift_under_way_at_the_start_counts(tmp_path: Path) -> None:
    pool = "{shifts: [{from: 22:00, to: 06:00, staff: 2}]}"
    assert rows(plan(roster(tmp_path, pool))) == [(0, 0, 0, 2), (6, 2, 0, 0), (22, 0, 0, 2)]


def test_a_shift_that_ends_as_the_run_starts_does_not_count(tmp_path: Path) -> None:
    pool = "{shifts: [{from: 22:00, to: 06:00, staff: 2}]}"
    assert rows(plan(roster(tmp_path, pool, start=f"{MONDAY} 06:00"))) == [(16, 0, 0, 2)]


def test_a_run_may_start_at_any_minute(tmp_path: Path) -> None:
    pool = "{shifts: [{from: 22:00, to: 06:00, staff: 2}]}"
    assert rows(plan(roster(tmp_path, pool, start=f"{MONDAY} 21:30"))) == [(0.5, 0, 0, 2), (8.5, 2, 0, 0)]


def test_the_weekday_is_that_on_which_the_shift_starts(tmp_path: Path) -> None:
    # Friday's night shift ends on Saturday; Saturday has none.
    pool = "{shifts: [{from: 22:00, to: 06:00, staff: 2, days: mon-fri}]}"
    found = rows(plan(roster(tmp_path, pool, start="2025-01-10 00:00", length="3 d")))
    assert found == [(0, 0, 0, 2), (6, 2, 0, 0), (22, 0, 0, 2), (30, 2, 0, 0)]


def test_a_shift_of_the_day_before_counts_only_on_its_day(tmp_path: Path) -> None:
    pool = "{shifts: [{from: 22:00, to: 06:00, staff: 2, days: [sun]}]}"
    assert rows(plan(roster(tmp_path, pool))) == [(0, 0, 0, 2), (6, 2, 0, 0)]
    pool = "{shifts: [{from: 22:00, to: 06:00, staff: 2, days: [mon]}]}"
    assert rows(plan(roster(tmp_path, pool))) == [(22, 0, 0, 2)]


def test_from_and_to_alike_mean_a_day(tmp_path: Path) -> None:
    pool = "{shifts: [{from: 08:00, to: 08:00, staff: 1}]}"
    assert rows(plan(roster(tmp_path, pool, length="2 d"))) == [(0, 0, 0, 1), (8, 1, 0, 1), (32, 1, 0, 1)]


def test_rows_stop_before_the_horizon(tmp_path: Path) -> None:
    pool = "{shifts: [{from: 00:00, to: 12:00, staff: 1}]}"
    assert rows(plan(roster(tmp_path, pool, length="12 h"))) == [(0, 0, 0, 1)]


def test_breaks_are_staggered_over_the_shift(tmp_path: Path) -> None:
    # Of two people on 8 h the breaks have their middles at 1/3 and 2/3: 2:40 and 5:20, so they begin 15 min earlier.
    pool = "{shifts: [{from: 06:00, to: 14:00, staff: 2}], breaks: {lasts: 30 min}}"
    found = plan(roster(tmp_path, pool))
    ticks = [6 * HOUR, 8 * HOUR + 25 * MINUTE, 8 * HOUR + 55 * MINUTE, 11 * HOUR + 5 * MINUTE, 11 * HOUR + 35 * MINUTE]
    assert found.tick.tolist() == [*ticks, 14 * HOUR]
    assert [row[1:] for row in rows(found)] == [(0, 0, 2), (1, 0, 0), (0, 1, 0), (1, 0, 0), (0, 1, 0), (2, 0, 0)]


def test_several_breaks_lie_one_in_each_part_of_the_shift(tmp_path: Path) -> None:
    pool = "{shifts: [{from: 06:00, to: 14:00, staff: 1}], breaks: {lasts: 20 min, per_shift: 2}}"
    hours = [row[0] - 6 for row in rows(plan(roster(tmp_path, pool)))]
    assert hours == pytest.approx([0, 2 - 1 / 6, 2 + 1 / 6, 6 - 1 / 6, 6 + 1 / 6, 8])


def test_a_break_is_moved_into_its_shift(tmp_path: Path) -> None:
    # Of 3 people on 2 h the first break would begin 15 min before the shift: it begins with it, so nobody joins for it.
    pool = "{shifts: [{from: 06:00, to: 08:00, staff: 3}], breaks: {lasts: 90 min}}"
    assert rows(plan(roster(tmp_path, pool))) == [
        (6, 0, 0, 2),
        (6.25, 1, 0, 0),
        (6.5, 1, 0, 0),
        (7.5, 0, 1, 0),
        (7.75, 0, 1, 0),
        (8, 2, 0, 0),
    ]


def test_a_shift_that_is_all_break_has_nobody(tmp_path: Path) -> None:
    pool = "{shifts: [{from: 06:00, to: 08:00, staff: 3}], breaks: {lasts: 2 h}}"
    assert rows(plan(roster(tmp_path, pool))) == []


def test_whoever_is_on_a_break_at_the_start_returns_at_its_end(tmp_path: Path) -> None:
    # One person from 22:00 to 06:00 has the break from 01:45 to 02:15.
    pool = "{shifts: [{from: 22:00, to: 06:00, staff: 1}], breaks: {lasts: 30 min}}"
    assert rows(plan(roster(tmp_path, pool, start="2025-01-07 02:00", length="10 h"))) == [
        (0.25, 0, 1, 0),
        (4, 1, 0, 0),
    ]
    before = rows(plan(roster(tmp_path, pool, start="2025-01-07 01:00", length="10 h")))
    assert before == [(0, 0, 0, 1), (0.75, 1, 0, 0), (1.25, 0, 1, 0), (5, 1, 0, 0)]
    after = rows(plan(roster(tmp_path, pool, start="2025-01-07 02:15", length="10 h")))
    assert after == [(0, 0, 0, 1), (3.75, 1, 0, 0)]


def test_each_centre_has_the_given_staff_unless_the_pool_is_shared(tmp_path: Path) -> None:
    scenario = roster(tmp_path, "{staff: 2}, other: {staff: 1, shared: true}", more="centres: {east: 60 %, west: 40 %}")
    found = plan(scenario)
    assert [(seat.pool, seat.centre) for seat in seats(scenario)] == [("desk", 0), ("desk", 1), ("other", -1)]
    assert found.place.tolist() == [0, 1, 2]
    assert found.heads.tolist() == [2, 2, 1]


def test_nobody_at_all_is_an_empty_plan(tmp_path: Path) -> None:
    assert len(plan(roster(tmp_path, "{staff: 0, shifts: [{from: 06:00, to: 08:00, staff: 0}]}"))) == 0


def test_arrays_are_what_an_engine_takes(tmp_path: Path) -> None:
    found = plan(load(SCENARIOS / "national.yaml"))
    assert found.tick.dtype == np.int64
    for column in (found.place, found.heads, found.action):
        assert column.dtype == np.int32
        assert column.flags.c_contiguous
    keys = list(zip(found.tick.tolist(), found.place.tolist(), strict=True))
    assert keys == sorted(set(keys))
    for place in range(4):
        people = on_duty(found, place)[1]
        assert people.min() >= 0
    assert on_duty(found, 0)[1].max() == 3


POOLS = [
    "{staff: 2}",
    "{shifts: [{from: 06:00, to: 14:00, staff: 3}], breaks: {lasts: 30 min}}",
    "{staff: 1, shifts: [{from: 22:00, to: 06:00, staff: 3, days: [fri, sun]}], breaks: {lasts: 20 min, per_shift: 3}}",
    "{shifts: [{from: 07:30, to: 07:30, staff: 2, days: [sun]}]}",
    "{shifts: [{from: 06:00, to: 08:00, staff: 5}], breaks: {lasts: 90 min}}",
]


@pytest.mark.parametrize("pool", POOLS)
def test_hours_on_seat_agree_with_the_plan(tmp_path: Path, pool: Any) -> None:
    scenario = roster(tmp_path, pool, length="21 d")
    ticks, people = on_duty(plan(scenario), 0)
    edges = np.arange(7 * 24, 14 * 24 + 1) * HOUR  # the second week, free of the edges of the run
    at = np.concatenate([[0], ticks, [21 * DAY]])
    area = np.concatenate([[0.0], np.cumsum(np.diff(at) * np.concatenate([[0], people]))])
    by_hour = np.diff(np.interp(edges, at, area)) / HOUR
    assert week_on_duty(scenario, "desk") == pytest.approx(by_hour.tolist())
    assert seat_hours(scenario, "desk") == pytest.approx(by_hour.sum())


def test_breaks_are_part_of_the_shrinkage(tmp_path: Path) -> None:
    pool = "{shifts: [{from: 06:00, to: 14:00, staff: 2}], breaks: {lasts: 30 min}, shrinkage: 25 %}"
    scenario = roster(tmp_path, pool, more="centres: 2")
    assert seat_hours(scenario, "desk") == 2 * 7 * 2 * 7.5
    assert paid_hours(scenario, "desk") == 2 * 7 * 2 * 10
