"""What a plan and a log say of people beyond their rows: who is on duty when, what is done in overtime, and lanes.

Overtime is written down for people who are told apart. Heads are only counted: what is at work beyond their number is
in overtime, and who among them did what is a matter of naming, by one rule that looks at the log alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from sim.dynamics.clock import NEVER
from sim.dynamics.log import Log
from sim.dynamics.replication import COMES_BACK, COMES_ON, NOBODY, TAKES_NO_MORE, Codes, Plan, Replication, Ticks
from sim.dynamics.waits import VisitPlaces

Steps = tuple[Codes, Ticks, Ticks]
"""Changes of a number: (place, tick, by how many), (n,) each."""


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Times of people, (n,) each."""

    person: Ticks
    began: Ticks
    ended: Ticks


def on_duty(plan: Plan, horizon: int, *, open_to_tips: bool = False) -> Stretches:
    """When people are on duty, by person and tick; with `open_to_tips` only while they take new tips too."""
    tick = np.repeat(plan.tick, np.diff(plan.first_action))
    order = np.argsort(plan.person, kind="stable")
    person, action, tick = plan.person[order], plan.action[order], tick[order]
    comes, no_more = (action == COMES_ON) | (action == COMES_BACK), action == TAKES_NO_MORE
    if open_to_tips:
        from_then = np.full(len(plan.people), NEVER)
        from_then[person[no_more]] = tick[no_more]
    person, comes, tick = person[~no_more], comes[~no_more], tick[~no_more]
    began = np.flatnonzero(comes)
    follows = np.append(person[1:] == person[:-1], False)[: len(person)]
    ended = np.where(follows, np.append(tick[1:], 0)[: len(tick)], horizon)[began]
    if open_to_tips:
        ended = np.minimum(ended, from_then[person[began]])
    real = tick[began] < ended
    return Stretches(person[began][real], tick[began][real], ended[real])


def parts(log: Log, stretches: Stretches) -> tuple[Ticks, Ticks, Ticks, Ticks]:
    """The parts of spells that lie in stretches of their person: rows of both, from and to, (n,) each, none empty."""
    spells = log.spells
    order = np.argsort(spells.person, kind="stable")
    person = spells.person[order]
    first, last = (person.searchsorted(stretches.person, side=side) for side in ("left", "right"))
    count = last - first
    stretch = np.repeat(np.arange(len(count)), count)
    row = order[np.arange(len(stretch)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)]
    began = np.maximum(spells.began[row], stretches.began[stretch])
    ended = np.minimum(spells.ended[row], stretches.ended[stretch])
    real = began < ended
    return row[real], stretch[real], began[real], ended[real]


def late_work(log: Log) -> tuple[Ticks, Ticks, Ticks]:
    """The parts of spells in which their person was in overtime: rows of the spells, from and to, (n,) each."""
    overtime = log.overtime
    row, _, began, ended = parts(log, Stretches(overtime.person.astype(np.int64), overtime.began, overtime.ended))
    return row, began, ended


def slots_in_overtime(log: Log, replication: Replication) -> Iterator[Steps]:
    """How the number of slots that are in use in overtime changes, at each place."""
    row, began, ended = late_work(log)
    place, one = log.spells.place[row], np.ones(len(row), np.int64)
    yield place, began, one
    yield place, ended, -one
    for at, tick, excess in _beyond_heads(log, replication):
        yield _at(at, tick), tick, np.diff(excess, prepend=0)


def people_in_overtime(log: Log, replication: Replication) -> Iterator[Steps]:
    """How the number of people or heads in overtime changes, at each place: each once, whatever is in hand."""
    overtime, one = log.overtime, np.ones(len(log.overtime.place), np.int64)
    yield overtime.place, overtime.began, one
    yield overtime.place, overtime.ended, -one
    slots = replication.rules.places.concurrency
    for at, tick, excess in _beyond_heads(log, replication):
        yield _at(at, tick), tick, np.diff(-(-excess // int(slots[at])), prepend=0)


def _beyond_heads(log: Log, replication: Replication) -> Iterator[tuple[int, Ticks, Ticks]]:
    """Each place at which the number of heads falls, with ticks and the slots in use beyond the heads from then on."""
    plan, spells, slots = replication.plan, log.spells, replication.rules.places.concurrency
    for at in np.unique(plan.place[plan.heads < 0]).tolist():
        here, mine = plan.place == at, spells.place == at
        one = np.ones(int(mine.sum()), np.int64)
        tick = np.concatenate([plan.tick[here], spells.began[mine], spells.ended[mine]])
        change = np.concatenate([-plan.heads[here].astype(np.int64) * int(slots[at]), one, -one])
        ticks, row = np.unique(tick, return_inverse=True)
        beyond = np.cumsum(np.bincount(row, weights=change)).astype(np.int64)
        yield at, ticks, np.maximum(beyond, 0)


def _at(place: int, tick: Ticks) -> Codes:
    return np.full(len(tick), place, np.int32)


def lanes(log: Log, at: VisitPlaces) -> Codes:
    """(n_spells,) a lane for each spell by somebody without a name, from 0 at each place; NOBODY for all others.

    Spells go by (from, tip, stage) to the lowest lane that is free; a wrap-up stays in the lane of its visit.
    """
    spells = log.spells
    found = np.full(len(spells.visit), NOBODY, np.int32)
    unnamed = spells.person == NOBODY
    rows = np.flatnonzero(unnamed & ~spells.wrapping)
    until = spells.ended.copy()
    wrap_up = np.flatnonzero(unnamed & spells.wrapping)
    until[wrap_up - 1] = spells.ended[wrap_up]
    visit = spells.visit[rows]
    rows = rows[np.lexsort((at.stage[visit], at.tip[visit], spells.began[rows], spells.place[rows]))]
    here, free, busy, n_lanes = NOBODY, list[int](), list[tuple[int, int]](), 0
    taken: list[int] = []
    for place, began, ended in zip(*(of[rows].tolist() for of in (spells.place, spells.began, until)), strict=True):
        if place != here:
            here, free, busy, n_lanes = place, [], [], 0
        while busy and busy[0][0] <= began:
            heappush(free, heappop(busy)[1])
        if not free:
            heappush(free, n_lanes)
            n_lanes += 1
        lane = heappop(free)
        taken.append(lane)
        heappush(busy, (ended, lane))
    found[rows] = taken
    found[wrap_up] = found[wrap_up - 1]
    return found
