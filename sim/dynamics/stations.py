"""Plain lines of the compiled engine, stage by stage: a stage never waits for what comes of it further on.

Where tips go on to later stages alone, every stage has a pool of its own, and nobody gives up, is interrupted or is
held, a stage depends on those before it and on nothing else. So the first is run to the end, then the next, fed with
the ends before it in the order of their events. That takes half of the time of one loop over all events: what it
touches is little, and it knows more beforehand. A start is never undone, so its end is stamped with it.

Whose turn it is within a tick is told by the keys of `order`. Every work takes a tick at least, so that all that is due
at a tick is known when it comes; of two tips, the lower has the lower visits, so that a visit stands for its tip.

Who is at work has a *hand*, a number below N_SOON, which lies with the end of the work in one word, so that ends are
sorted by moving words alone. Numbers of visits are unsigned and others are cut to the bits that they have: an index
that may be negative, as far as the compiler can see, costs a test at each use, here a fifth of all time.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"
from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.dynamics import machinery as m
from sim.dynamics.clock import NEVER
from sim.dynamics.kernels import inlined, int64, kernel, part
from sim.dynamics.log import OPEN, SERVED
from sim.dynamics.order import ARRIVAL, END
from sim.dynamics.replication import NO_PLACE, Flags, Replication, Ticks, Tips

Numbers = NDArray[np.uint32]
"""Numbers of visits."""

NONE: Final = 2**32 - 1
"""In place of a visit, in Numbers."""

HAND_BITS: Final = 6
HAND: Final = m.N_SOON - 1
"""The bits of a hand, and all of them: N_SOON is 2**HAND_BITS."""

ROW: Final = 2 * m.N_SOON - 1
"""The bits of a row of the ends that are soon."""

LATEST: Final = 2 ** (63 - HAND_BITS)
"""The first tick that does not lie with a hand in one word."""


class Way(NamedTuple):
    """What is known of every visit beforehand."""

    stage: NDArray[np.uint16]
    begins: Flags
    """(n_visits + 1,) whether the way of a tip begins with it; after the last visit, too."""


class Span(NamedTuple):
    """The stretch of time that is run, and who is in the system when it begins.

    All that was before is in their stamps: who is at work has a start and an end, who waits has no start.
    """

    since: int
    until: int
    """The first tick that is left out."""
    horizon: int
    at: Numbers
    """(n_inside,) the visits that the first tips are at, stage by stage, in the order in which they came there."""
    first: Ticks
    """(n_stages + 1,) where those of each stage begin."""


class Station(NamedTuple):
    """Who is on the way to each stage, and how it stands at the one that is run."""

    coming: Numbers
    """(n_stages + 1, n_stages, 2) the first and the last visit to each stage that comes from each other one or, in the
    last row, from outside."""
    source: Ticks
    """(n_stages + 1,) the rows of those from which any come to the stage."""
    line: Numbers
    """(n_ranks, 2) the first and the last in line."""
    following: Numbers
    """(n_visits,) who comes next from there, and then who is next in line."""
    soon: Ticks
    """The next ends of work, from row 1, the latest first, each with its hand in the lowest bits; row 0 is after all.

    More than N_SOON at once are in the heap."""
    visit: Numbers
    """(N_SOON,) the visit that each hand is at work on."""
    hand: Numbers
    """(N_SOON,) the hands: those at work, and then the others."""
    heap: Ticks
    """As in machinery, but the visit stands for the key."""


def way_of(replication: Replication) -> Way | None:
    """What is known of the visits of a replication, or None where it cannot be run stage by stage.

    It is one that needs neither people nor queues nor branches.
    """
    rules, tips, visits = replication.rules, replication.tips, replication.visits
    stages = rules.stages
    plain = (
        not (stages.place == NO_PLACE).any()
        and len(np.unique(stages.place)) == len(stages.place)
        and not (stages.overflow != NO_PLACE).any()
        and not stages.every.any()
        and not stages.attempts.any()
        and not rules.kinds.preempts.any()
        and rules.places.centre.max(initial=0) <= 0
        and rules.horizon < LATEST
        and tips.n_backlog == 0
        and len(visits) < NONE
        and visits.work.min(initial=1) > 0
    )
    if not plain:
        return None
    stage = rules.kinds.stage.astype(np.uint16).take(visits.kind, mode="wrap")
    begins = np.zeros(len(visits) + 1, np.bool_)
    begins[tips.first_visit] = True
    goes_back = stage[1:] <= stage[:-1]
    return None if np.greater(goes_back, begins[1:-1]).any() else Way(stage, begins)


def stamp(
    replication: Replication,
    given: tuple[Any, ...],
    log: m.Stamps,
    way: Way,
    at: Ticks | None = None,
    since: int = 0,
    until: int | None = None,
) -> int:
    """Stamp every visit, as `loop.run` does; `given` are the tables that it reads, but for the clock. Gives how many of
    the tips have come.

    That is from one tick up to another, which is left out: all of the run where nothing is said. `at` are the visits
    that those tips are at who are in the system when it begins; they are the first, and have their stamps.
    """
    *tables, lines, plan = given
    places, n_stages, n_visits = replication.rules.places, len(replication.rules.stages.place), len(way.stage)
    horizon = replication.rules.horizon
    most_busy = np.maximum(plan.heads, 0).astype(np.int64) @ places.concurrency[plan.place]
    at = np.empty(0, np.int64) if at is None else at
    known = replication.tips.first_visit[len(at)]
    log.outcome[known:] = SERVED
    log.attempt[known:] = 1
    stage = way.stage[at]
    order = np.lexsort((log.enter[at], stage))
    span = Span(
        since,
        horizon if until is None else until,
        horizon,
        at[order].astype(np.uint32),
        np.searchsorted(stage[order], np.arange(n_stages + 1)),
    )
    soon = np.empty(ROW + 1, np.int64)
    soon[0] = np.iinfo(np.int64).max
    station = Station(
        np.full((n_stages + 1, n_stages, 2), NONE, np.uint32),
        np.empty(n_stages + 1, np.int64),
        np.full((lines.n_ranks, 2), NONE, np.uint32),
        np.empty(n_visits, np.uint32),
        soon,
        np.empty(m.N_SOON, np.uint32),
        np.empty(m.N_SOON, np.uint32),
        np.empty((n_visits + 2 if most_busy > m.N_SOON else 2, 5), np.int64),
    )
    return int(run_stages(*tables, plan, span, log, way, station))


def who_stays(tips: Tips, log: m.Stamps, n_came: int, until: int) -> tuple[Flags, Ticks]:
    """Which of the tips are in the system at the end of a stretch or have not come yet, and the visits that those are
    at who have come."""
    stays, at = np.empty(len(tips), np.bool_), np.empty(n_came, np.int64)
    stays[n_came:] = True
    n_inside = find_inside(tips.first_visit, n_came, log.start, log.end, until, stays, at)
    return stays, at[:n_inside].copy()


@kernel
def run_stages(tips, visits, kinds, stages, places, plan, span, log, way, station):
    """Let all tips arrive, and run one stage after the other; gives how many tips have come."""
    n_stages, n_tips, came = stages.place.shape[0], tips.arrival.shape[0], span.at.shape[0]
    while came < n_tips and tips.arrival[came] < span.until:
        visit = tips.first_visit[came]
        if visit < tips.first_visit[came + 1]:
            come(tips.arrival[came], n_stages, np.uint32(visit), log, way, station)
        came += 1
    if span.until == span.horizon:
        m.leave_unreached(tips.first_visit[came], tips.first_visit[n_tips], log)
    for stage in range(n_stages):
        run_stage(int64(stage), visits, kinds, stages, places, plan, span, log, way, station)
    return came


@kernel
def find_inside(first_visit, n_came, start, end, until, stays, at):
    """Which of the tips that have come are at a visit that does not end before a tick, and which visit that is."""
    n = 0
    for tip in range(n_came):
        stays[tip] = False
        for visit in range(first_visit[tip], first_visit[tip + 1]):
            if start[visit] == NEVER or end[visit] >= until:
                stays[tip] = True
                at[n] = visit
                n += 1
                break
    return n


@part
def run_stage(stage, visits, kinds, stages, places, plan, span, log, way, station):
    """Run one stage to the end of the stretch."""
    place, coming, soon, heap = int64(stages.place[stage]), station.coming, station.soon, station.heap
    for hand in range(station.hand.shape[0]):
        station.hand[hand] = hand
    heap[0, 0] = 0
    until, horizon = span.until, span.horizon
    idle, n_waiting, n_soon = go_on(stage, visits, kinds, span, log, station)
    row, plan_due = next_row(0, place, plan)
    while plan_due < span.since:
        idle += int64(plan.heads[row]) * places.concurrency[place]
        row, plan_due = next_row(row + 1, place, plan)
    n_sources = find_sources(stage, station)
    source = next_source(stage, n_sources, log.enter, station)
    comes = coming[source, stage, 0]
    while True:
        come_due = log.enter[comes] if comes != NONE else NEVER
        if n_soon > 1 and soon[n_soon & ROW] >> HAND_BITS == soon[(n_soon - 1) & ROW] >> HAND_BITS:
            put_lowest_last(n_soon, station)
        end_due = soon[n_soon & ROW] >> HAND_BITS
        late = heap[0, 0] > 0 and heap[1, 0] <= end_due
        if late:
            late = heap[1, 0] < end_due or heap[1, 1] < soonest(n_soon, station)
            end_due = heap[1, 0]
        now = min(plan_due, min(end_due, come_due))
        if now >= until:
            break
        if now == plan_due:
            idle += int64(plan.heads[row]) * places.concurrency[place]
            row, plan_due = next_row(row + 1, place, plan)
        elif end_due < come_due or (end_due == come_due and ends_first(late, n_soon, source, comes, station)):
            if late:
                visit = np.uint32(heap[1, 1])
                m.pop(heap)
            else:
                visit = soonest(n_soon, station)
                hand = soon[n_soon & ROW] & HAND
                n_soon -= 1
                station.hand[n_soon & HAND] = hand
            if not way.begins[visit + 1]:
                come(now, stage, np.uint32(visit + 1), log, way, station)
            idle += 1
        else:
            visit, comes = comes, station.following[comes]
            if n_sources > 1:
                coming[source, stage, 0] = comes
                source = next_source(stage, n_sources, log.enter, station)
                comes = coming[source, stage, 0]
            if idle > 0:
                idle -= 1
                n_soon = start(now, visit, place, horizon, visits, log, way, station, n_soon)
            else:
                stand_last(visit, kinds.list[visits.kind[visit]], station)
                n_waiting += 1
        while n_waiting > 0 and idle > 0:
            idle -= 1
            n_waiting -= 1
            n_soon = start(now, first_in_line(station), place, horizon, visits, log, way, station, n_soon)
    while n_waiting > 0:
        n_waiting -= 1
        visit = first_in_line(station)
        log.start[visit] = NEVER
        log.worked_at[visit] = NO_PLACE
        if until == horizon:
            stay(visit, log, way)


@part
def go_on(stage, visits, kinds, span, log, station):
    """Let those go on who are at a stage when the stretch begins, who are at work and who waits: gives how many slots
    are idle, less than none, how many wait, and how many ends are soon."""
    idle, n_waiting, n_soon = 0, 0, 0
    for row in range(span.first[stage], span.first[stage + 1]):
        visit = span.at[row]
        if log.start[visit] == NEVER:
            stand_last(visit, kinds.list[visits.kind[visit]], station)
            n_waiting += 1
        else:
            idle -= 1
            if log.end[visit] != NEVER:
                n_soon = expect(log.end[visit], visit, station, n_soon)
    return idle, n_waiting, n_soon


# Who comes


@inlined
def come(now, source, visit, log, way, station):
    """Let a tip come to its next stage, last of those who come from there."""
    coming, stage = station.coming, way.stage[visit]
    log.enter[visit] = now
    station.following[visit] = NONE
    last = coming[source, stage, 1]
    if last == NONE:
        coming[source, stage, 0] = visit
    else:
        station.following[last] = visit
    coming[source, stage, 1] = visit


@inlined
def find_sources(stage, station):
    """Note from where any come to a stage; gives how many those are."""
    n = 0
    for source in range(station.coming.shape[0]):
        if station.coming[source, stage, 0] != NONE:
            station.source[n] = source
            n += 1
    return n


@part
def next_source(stage, n_sources, enter, station):
    """From where the next one comes to a stage."""
    coming, found, first, key = station.coming, int64(0), int64(NEVER), int64(NEVER)
    for at in range(n_sources):
        source = station.source[at]
        visit = coming[source, stage, 0]
        if visit != NONE and enter[visit] <= first:
            this = coming_key(source, visit, station)
            if enter[visit] < first or this < key:
                found, first, key = source, enter[visit], this
    return found


@inlined
def coming_key(source, visit, station):
    """The key of the event in which a visit comes."""
    return m.event_key(ARRIVAL if source == station.coming.shape[0] - 1 else END, int64(visit))


@inlined
def next_row(row, place, plan):
    """The next row of the plan that is about a place, and its tick."""
    while row < plan.tick.shape[0] and plan.place[row] != place:
        row += 1
    return row, plan.tick[row] if row < plan.tick.shape[0] else NEVER


# The line


@inlined
def stand_last(visit, rank, station):
    """Let a visit wait, last of its rank: who comes later within a tick is a later tip."""
    line, following = station.line, station.following
    following[visit] = NONE
    if line[rank, 0] == NONE:
        line[rank, 0] = visit
    else:
        following[line[rank, 1]] = visit
    line[rank, 1] = visit


@inlined
def first_in_line(station):
    """Take the first visit out of a line in which somebody waits."""
    rank = 0
    while station.line[rank, 0] == NONE:
        rank += 1
    visit = station.line[rank, 0]
    station.line[rank, 0] = station.following[visit]
    return visit


# Work


@inlined
def start(now, visit, place, horizon, visits, log, way, station, n_soon):
    """Start the work of a visit, and stamp its end; gives how many ends are soon."""
    ends = now + visits.work[visit]
    log.start[visit] = now
    log.worked_at[visit] = place
    if ends >= horizon:
        stay(visit, log, way)
    else:
        log.end[visit] = ends
        n_soon = expect(ends, visit, station, n_soon)
    return n_soon


@inlined
def expect(ends, visit, station, n_soon):
    """Note when the work of a visit ends; gives how many ends are soon."""
    if n_soon == m.N_SOON:
        m.push(station.heap, ends, int64(visit), int64(0), int64(0), int64(0))
    else:
        hand = station.hand[n_soon & HAND]
        station.visit[hand] = visit
        n_soon += 1
        insert(ends << HAND_BITS | hand, n_soon, station.soon)
    return n_soon


@inlined
def insert(end, n_soon, soon):
    """Put an end into its place, without a branch: where that is cannot be foreseen."""
    before = soon[0]
    for at in range(1, n_soon):
        here = soon[at & ROW]
        soon[at & ROW] = min(before, max(here, end))
        before = here
    soon[n_soon & ROW] = min(before, end)


@inlined
def soonest(n_soon, station):
    """The visit whose end is the last in the array."""
    return station.visit[station.soon[n_soon & ROW] & HAND]


@part
def put_lowest_last(n_soon, station):
    """Of the tips whose work ends next at the same tick, let the lowest have the last hand in the array.

    Hands change tips, so that the array stays sorted by words.
    """
    soon, visit, at = station.soon, station.visit, n_soon - 1
    last = soon[n_soon] & HAND
    while at > 0 and soon[at] >> HAND_BITS == soon[n_soon] >> HAND_BITS:
        hand = soon[at] & HAND
        if visit[hand] < visit[last]:
            visit[hand], visit[last] = visit[last], visit[hand]
        at -= 1


@inlined
def ends_first(late, n_soon, source, comes, station):
    """Whether the end that is next comes before who comes at the same tick."""
    ends = station.heap[1, 1] if late else int64(soonest(n_soon, station))
    return m.event_key(END, ends) < coming_key(source, comes, station)


@inlined
def stay(visit, log, way):
    """Leave a visit open at the horizon, and unreached what would follow it."""
    log.end[visit] = NEVER
    log.outcome[visit] = OPEN
    beyond = int64(visit) + 1
    while not way.begins[beyond]:
        beyond += 1
    m.leave_unreached(int64(visit) + 1, beyond, log)
