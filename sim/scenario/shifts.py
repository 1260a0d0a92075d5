"""The roster as a Plan: who goes and comes when, person by person and break by break.

Breaks are dealt with here and nowhere else; on which dates a row starts, `calendars.starts` knows. All arithmetic is in
whole ticks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, HOUR, NEVER, WEEK
from sim.dynamics.replication import (
    COMES_BACK,
    COMES_ON,
    GOES_HOME,
    TAKES_BREAK,
    TAKES_NO_MORE,
    Codes,
    Flags,
    People,
    Plan,
    Ticks,
    changes_of_duty,
)
from sim.scenario.calendars import Starts, starts
from sim.scenario.pools import Breaks, Pool, Shift
from sim.scenario.schema import Scenario
from sim.scenario.zones import Local

_NONE: Final = np.zeros(0, np.int64)


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
    """Who goes and comes when, from tick 0 up to the horizon, with nobody absent.

    Heads around the clock, and levels, are counted; where a pool has shifts, or slows down with what is in hand, its
    people are told apart.
    """
    horizon = scenario.horizon
    drafts = {
        name: _roster(pool, starts(pool.shifts, scenario.run, horizon, scenario.calendars), scenario.local)
        for name, pool in scenario.pools.items()
    }
    heads = [
        (tick, place, change)
        for place, seat in enumerate(seats(scenario))
        for tick, change in _heads(scenario, scenario.pools[seat.pool])
    ]
    return laid_out(
        [replace(drafts[seat.pool], place=place) for place, seat in enumerate(seats(scenario))],
        heads,
        horizon,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """The people of a place in any order, and their actions in any order, before they are a plan."""

    place: int
    row: Ticks
    day: Ticks
    number: Ticks
    start: Ticks
    end: Ticks
    """(n_people,) each, as in People."""
    tick: Ticks
    action: Ticks
    person: Ticks
    """(n_actions,) when, what, and who as a row of the above; those at or after the horizon are passed over."""


def laid_out(drafts: Sequence[Draft], heads: Sequence[tuple[int, int, int]], horizon: int) -> Plan:
    """The plan of people and actions, and of heads given as (tick, place, change)."""
    first = np.cumsum([0, *(len(draft.row) for draft in drafts)])
    place = np.concatenate([_NONE, *(np.full(len(draft.row), draft.place) for draft in drafts)])
    row, day, number, start, end = (
        np.concatenate([_NONE, *(getattr(draft, name) for draft in drafts)])
        for name in ("row", "day", "number", "start", "end")
    )
    order = np.lexsort((start, number, row, place))
    people = People(
        _codes(place[order]),
        _codes(row[order]),
        _codes(day[order]),
        _codes(number[order]),
        start[order],
        end[order],
        np.zeros(len(order), np.bool_),
    )
    index = np.empty_like(order)
    index[order] = np.arange(len(order))
    tick, action = (np.concatenate([_NONE, *(getattr(draft, name) for draft in drafts)]) for name in ("tick", "action"))
    of = np.concatenate([_NONE, *(draft.person + begin for draft, begin in zip(drafts, first[:-1], strict=True))])
    real = tick < horizon
    counted = np.array([one for one in heads if one[0] < horizon], np.int64).reshape(-1, 3)
    return _in_rows(people, tick[real], action[real], index[of[real]], counted)


def without(plan: Plan, away: Flags) -> Plan:
    """The plan with those people absent: they do nothing in it, and change nothing for the others."""
    stays = ~away[plan.person]
    tick = np.repeat(plan.tick, np.diff(plan.first_action))
    counted = np.flatnonzero(plan.heads)
    heads = np.column_stack([plan.tick[counted], plan.place[counted], plan.heads[counted]]).astype(np.int64)
    people = replace(plan.people, away=away)
    return _in_rows(people, tick[stays], plan.action[stays], plan.person[stays], heads)


def _in_rows(people: People, tick: Ticks, action: NDArray[np.integer], person: Ticks, heads: Ticks) -> Plan:
    """Actions, and changes of heads (tick, place, change), as the rows of a plan."""
    place = people.place[person]
    # Who goes home and who begins a break go together, by person.
    order = np.lexsort((person, np.maximum(action, TAKES_BREAK), place, tick))
    tick, place, action, person = tick[order], place[order], action[order], person[order]
    # One number for both, which is sorted ten times as fast as pairs are.
    n_places = int(max(place.max(initial=0), heads[:, 1].max(initial=0))) + 1
    keys = np.concatenate([tick * n_places + place, heads[:, 0] * n_places + heads[:, 1]])
    key, row = np.unique(keys, return_inverse=True)
    rows = np.stack(np.divmod(key, n_places), axis=1)
    of_action, of_heads = row[: len(tick)], row[len(tick) :]
    change = np.bincount(of_heads, weights=heads[:, 2], minlength=len(rows)).astype(np.int32)
    return Plan(
        tick=np.ascontiguousarray(rows[:, 0]),
        place=_codes(rows[:, 1]),
        heads=change,
        first_action=np.searchsorted(of_action, np.arange(len(rows) + 1)).astype(np.int64),
        action=_codes(action),
        person=np.ascontiguousarray(person, np.int64),
        people=people,
    )


def on_duty(plan: Plan, place: int) -> tuple[Ticks, Codes]:
    """The people or heads on duty at a place, as a step function: ticks of change, and how many from then on."""
    mine = plan.place == place
    return plan.tick[mine], np.cumsum(changes_of_duty(plan)[mine], dtype=np.int32)


def seat_hours(scenario: Scenario, pool: str) -> float:
    """Hours on seat in a week, in all centres together: shifts less their breaks, levels, and who is around the clock.

    Those of the roster: who is absent is counted, because they are paid.
    """
    ticks = sum(people * (ends - begins) for begins, ends, people in pieces_of_week(scenario.pools[pool]))
    return _places(scenario, pool) * ticks / HOUR


def pieces_of_week(pool: Pool) -> list[tuple[int, int, float]]:
    """Stretches on seat in a week of one place, breaks apart: first tick, end and people, from a Monday 00:00.

    Of levels by date it is the week that they are on average.
    """
    return [*_pieces_of_shifts(pool), *_pieces_of_levels(pool), (0, WEEK, pool.staff)]


def _pieces_of_shifts(pool: Pool) -> list[tuple[int, int, int]]:
    return [
        (day * DAY + shift.from_ + begins, day * DAY + shift.from_ + ends, people)
        for shift in pool.shifts
        for begins, ends, people in _pieces(shift, pool.breaks)
        for day in sorted(shift.days)
    ]


def _pieces_of_levels(pool: Pool) -> list[tuple[int, int, float]]:
    if pool.levels is None:
        return []
    ticks, heads = pool.levels.week()
    ends = np.append(ticks[1:], WEEK)
    return list(zip(ticks.tolist(), ends.tolist(), heads.tolist(), strict=True))


def week_on_duty(scenario: Scenario, pool: str) -> tuple[float, ...]:
    """People on duty on average in each of the 168 hours of the week from Monday 00:00, in all centres together."""
    found = scenario.pools[pool]
    hours = np.full(168, float(found.staff))
    for begins, ends, people in _pieces_of_shifts(found):
        hours += people * (1 - found.absence) * _overlap(begins, ends)
    for begins, ends, heads in _pieces_of_levels(found):
        hours += heads * _overlap(begins, ends)
    return tuple(float(people) for people in hours * _places(scenario, pool))


def roster_week(pool: Pool) -> tuple[Ticks, NDArray[np.float64]]:
    """The people of one place by the roster, breaks apart: edges from 0 to WEEK, and how many between each two."""
    change: dict[int, float] = {0: pool.staff, WEEK: 0}
    rows = [(day * DAY + row.from_, row.length, row.staff) for row in pool.shifts for day in row.days]
    levels = [(begins, ends - begins, heads) for begins, ends, heads in _pieces_of_levels(pool)]
    for begins, length, people in (*rows, *levels):
        for late in (0, WEEK):  # what passes Sunday midnight falls on Monday
            here, gone = max(begins - late, 0), min(begins + length - late, WEEK)
            if here < gone:
                change[here] = change.get(here, 0) + people
                change[gone] = change.get(gone, 0) - people
    edges = np.array(sorted(change), dtype=np.int64)
    return edges, np.cumsum([change[edge] for edge in edges.tolist()])[:-1]


@lru_cache(maxsize=4096)
def _overlap(begins: int, ends: int) -> NDArray[np.float64]:
    """The share of each hour of the week that an interval covers; what passes Sunday midnight falls on Monday."""
    edges = np.arange(169) * HOUR
    found = np.zeros(168)
    for late in (0, WEEK):
        covered = np.clip(edges, begins - late, ends - late)
        found += np.diff(covered) / HOUR
    found.flags.writeable = False  # it is remembered
    return found


def _places(scenario: Scenario, pool: str) -> int:
    return 1 if scenario.pools[pool].shared else len(scenario.centres)


@lru_cache(maxsize=1024)
def _pieces(shift: Shift, breaks: tuple[Breaks, ...]) -> tuple[tuple[int, int, int], ...]:
    """Stretches on duty in one shift: first tick, end and people, counted from the start of the shift."""
    count: dict[tuple[int, int], int] = {}
    day = Starts(np.zeros(1, np.int64), np.array([shift.length]), np.zeros(1, np.int64))
    stretches = _on_duty_between(shift, breaks, day, lambda wall: wall - shift.from_)
    for number in range(shift.staff):
        for on, off in stretches:
            piece = int(on[number, 0]), int(off[number, 0])
            if piece[1] > piece[0]:
                count[piece] = count.get(piece, 0) + 1
    return tuple((begin, end, people) for (begin, end), people in count.items())


def _on_duty_between(
    shift: Shift, breaks: Sequence[Breaks], dates: Starts, tick: Callable[[Ticks], Ticks]
) -> list[tuple[Ticks, Ticks]]:
    """The stretches on duty of each person, (n_people, n_dates), in order; empty where the end is not after the
    beginning.

    Person j of n has a break in the middle at (j + 1) / (n + 1) of the shift, of the window in which it may lie, or of
    each of the equal parts of these with several breaks; one that would stick out of its part is moved into it, and
    one that is longer is left out. A break that overlaps an earlier one begins when that ends. `tick` gives the ticks
    of wall times.
    """
    number = np.arange(shift.staff)[:, np.newaxis]
    begins, ends = (np.broadcast_to(one, (shift.staff, len(one))) for one in (dates.begins, dates.ends))
    found: list[tuple[Ticks, Ticks]] = []
    for kind in breaks:
        first, last = kind.window(shift.from_, dates, tick)
        for part in range(kind.per_shift):
            since = first + part * (last - first) // kind.per_shift
            until = first + (part + 1) * (last - first) // kind.per_shift
            middle = since + (number + 1) * (until - since) // (shift.staff + 1)
            begin = np.minimum(np.maximum(middle - kind.lasts // 2, since), until - kind.lasts)
            fits = np.broadcast_to(until - since >= kind.lasts, begin.shape)
            found.append((np.where(fits, begin, ends), np.where(fits, kind.lasts, 0)))
    pieces = []
    on = begins
    if found:
        off, lasts = (np.stack(column) for column in zip(*found, strict=True))
        order = np.argsort(off, axis=0, kind="stable")
        for begin, length in zip(np.take_along_axis(off, order, 0), np.take_along_axis(lasts, order, 0), strict=True):
            begin = np.minimum(np.maximum(begin, on), ends)
            pieces.append((on, begin))
            on = np.minimum(begin + length, ends)
    return [*pieces, (on, ends)]


def _roster(pool: Pool, dates: Sequence[Starts], local: Local) -> Draft:
    """The people of one place of a pool, where they are told apart; `dates` say when each of its rows takes place."""
    people: list[list[Ticks]] = []
    actions: list[list[Ticks]] = []
    known = 0

    def enter(row: int, n_people: int, day: Ticks, begins: Ticks, ends: Ticks) -> Ticks:
        """(n_people, n_dates) those of a row."""
        nonlocal known
        who = known + np.arange(n_people * len(day)).reshape(n_people, len(day))
        known += who.size
        number = np.repeat(np.arange(n_people), len(day))
        people.append(
            [np.full(who.size, row), np.tile(day, n_people), number, np.tile(begins, n_people), np.tile(ends, n_people)]
        )
        return who

    def act(tick: Ticks, action: Ticks, who: Ticks, real: Flags) -> None:
        actions.append([tick[real], action[real], who[real]])

    if pool.tells_apart:
        who = enter(0, pool.staff, np.zeros(1, np.int64), np.zeros(1, np.int64), np.array([NEVER]))
        act(np.zeros(who.shape, np.int64), np.full(who.shape, COMES_ON), who, np.ones(who.shape, np.bool_))
    for row, (shift, taken) in enumerate(zip(pool.shifts, dates, strict=True), 1):
        begins, ends = taken.begins, taken.ends
        who = enter(row, shift.staff, taken.day, begins, ends)
        for on, off in _on_duty_between(shift, pool.breaks, taken, local.tick):
            there = (off > on) & (off > 0)
            fresh = (on <= 0) | (on == begins)
            act(np.maximum(on, 0), np.where(fresh, COMES_ON, COMES_BACK), who, there)
            act(off, np.where(off == ends, GOES_HOME, TAKES_BREAK), who, there)
        if pool.last_start:
            from_then = np.maximum(np.maximum(ends - pool.last_start, begins), 0)
            everybody = np.ones(who.shape, np.bool_)
            act(np.broadcast_to(from_then, who.shape), np.full(who.shape, TAKES_NO_MORE), who, everybody)
    of_people = [np.concatenate([_NONE, *column]) for column in zip(*people, strict=True)] if people else [_NONE] * 5
    of_actions = [np.concatenate([_NONE, *column]) for column in zip(*actions, strict=True)] if actions else [_NONE] * 3
    return Draft(0, *of_people, *of_actions)


def _heads(scenario: Scenario, pool: Pool) -> list[tuple[int, int]]:
    """By how many the heads of a place change at which ticks, where they are counted."""
    if pool.tells_apart:
        return []
    if pool.levels is None:
        return [(0, pool.staff)] if pool.staff else []
    ticks, heads = pool.levels.steps(scenario.local, scenario.horizon, scenario.calendars)
    change = np.diff(heads + pool.staff, prepend=0)
    return [(int(tick), int(by)) for tick, by in zip(ticks, change, strict=True) if by]


def _codes(values: NDArray[Any]) -> Codes:
    return np.ascontiguousarray(values, dtype=np.int32)
