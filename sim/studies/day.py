"""One day of one replication, tip by tip: which measured day shows most, who was where on it, and which promises broke;
and everybody on its roster, person by person.

Waiting is what lies between reaching a stage with people and the first start of work there, behind a gate too; between
a start and the end of the visit a tip is in hand, though its work may have been interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sim.draw import draw
from sim.dynamics.clock import DAY, MINUTE, NEVER
from sim.dynamics.engines import simulate
from sim.dynamics.log import MERGED
from sim.dynamics.replication import NO_PLACE, NOBODY
from sim.dynamics.waits import Attempts, VisitPlaces, attempts, where
from sim.measures.cohort import Cohort, read
from sim.measures.frame import Frame
from sim.measures.kinds import kind_of, tally
from sim.measures.people import PersonUse, people_uses
from sim.measures.tallies import LOST, fates
from sim.scenario.calendars import open_time
from sim.scenario.shifts import on_duty
from sim.scenario.targets import OfTips, Timed

if TYPE_CHECKING:
    from sim.dynamics.log import Log
    from sim.dynamics.replication import Replication
    from sim.scenario.schema import Scenario
    from sim.studies.replicate import Done


@dataclass(frozen=True, slots=True)
class Followed:
    """A replication and what happened in it."""

    scenario: Scenario
    replication: Replication
    log: Log

    @property
    def people(self) -> list[PersonUse]:
        """What everybody on a roster did."""
        return people_uses(self.log, self.replication, self.scenario)


def can_be_followed(scenario: Scenario) -> bool:
    """Whether anybody comes and goes, or is told apart: of people who are always there nothing is to be seen."""
    return any(pool.tells_apart or pool.levels is not None for pool in scenario.pools.values())


def followed(done: Done) -> Followed:
    """The first replication of a run that did not fail, simulated once more."""
    index = next(index for index in range(len(done.sample) + len(done.failures)) if index not in done.failures)
    replication = draw(done.scenario, index, seed=done.seed)
    return Followed(done.scenario, replication, simulate(replication, done.engine))


Ticks = NDArray[np.int64]

STEPS: Final = (1, 5, 15)
"""Minutes from one look at the pools to the next: the first of them with which no more than MOST_CHANGES are seen."""
MOST_CHANGES: Final = 3_000
MOST_VISITS: Final = 2_500
"""Visits that are told; of a busier day only some tips, evenly, and all whose promise broke as far as there is room."""

GAVE_UP: Final = "gave up"

Why = Literal["waiting", "broken", "arrivals"]


@dataclass(frozen=True, slots=True)
class DayVisit:
    """An attempt of a visit that lies on the day at least in part; times are minutes since its midnight."""

    tip: int
    channel: str
    risk: str
    stage: str
    pool: str
    """"" for a delay."""
    attempt: int
    enter: float
    start: float | None
    end: float | None
    """When the tip had left, however it did; None where that is not over when the run ends."""
    ends: str
    """served, gave up, turned away, merged or open."""
    broke: float | None
    """When a promise to the tip first broke, which may be after the visit; None where none did by the day's end."""


@dataclass(frozen=True, slots=True)
class PoolAt:
    """A pool from a moment on, all its centres together."""

    pool: str
    minute: float
    staff: int
    """People or heads on duty."""
    busy: int
    """Who has something in hand, wrap-up and overtime included."""
    waiting: int
    """Tips that wait for its stages."""


@dataclass(frozen=True, slots=True)
class BrokenBy:
    """A target from a moment of the day on."""

    target: str
    minute: float
    broken: int
    """Tips for which it was sure since midnight that they fail it."""


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on one day."""

    date: date
    replication: int
    why: Why
    """Why this day: most tips waited at once; nobody waited, and a promise broke first; or most tips came."""
    most: int
    """So many waited, broke or came."""
    peak: float
    """When most tips waited, else when the first promise broke, else noon; in minutes."""
    came: int
    """Tips that arrived on the day."""
    tips: int
    """Tips that were at a stage on the day."""
    shown: int
    """Those of them whose visits are told."""
    stages: tuple[str, ...]
    visits: tuple[DayVisit, ...]
    pools: tuple[PoolAt, ...]
    broken: tuple[BrokenBy, ...]
    n_broken: int
    """Promises that broke on the day, of all tips and targets."""
    first_broken: float | None
    """When the first of them did."""


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Every attempt of every visit, (n,) each: when the tip came, was taken in hand, and left, or NEVER."""

    visit: Ticks
    number: NDArray[np.int32]
    enter: Ticks
    start: Ticks
    end: Ticks
    staffed: NDArray[np.bool_]

    @property
    def waited_until(self) -> Ticks:
        return np.minimum(self.start, self.end)


@dataclass(frozen=True, slots=True, eq=False)
class _Breaks:
    """Every promise that a tip saw broken, in order of time, (n,) each."""

    tick: Ticks
    tip: Ticks
    target: NDArray[np.int64]


def day_of(seen: Followed) -> Day:
    """The day of a replication that shows most: the measured one on which most tips waited at once.

    Where nobody ever waits, that on which the first promise broke; else that on which most tips came. Days that are
    measured as a whole go before others, those of 24 hours before those on which the clock is changed.
    """
    scenario, replication, log = seen.scenario, seen.replication, seen.log
    frame = Frame(scenario)
    at = where(replication)
    rows = _rows(seen, at, attempts(log, replication, at))
    breaks = _breaks(read(log, replication, frame))
    number, why, most, peak = _chosen(frame, rows, breaks, replication.tips.arrival)
    begin = int(frame.midnights[number])
    end = min(int(frame.midnights[number + 1]), scenario.horizon)
    arrival = replication.tips.arrival
    here = np.flatnonzero((rows.enter < end) & (rows.end > begin))
    broke = np.flatnonzero((breaks.tick >= begin) & (breaks.tick < end))
    tips = at.tip[rows.visit[here]]
    kept = _kept(tips, breaks.tip[broke])
    shown = here[np.isin(tips, kept)]
    return Day(
        date=frame.date(number),
        replication=replication.index,
        why=why,
        most=most,
        peak=_minute(peak, begin),
        came=int(np.count_nonzero((arrival >= begin) & (arrival < end))),
        tips=len(np.unique(tips)),
        shown=len(kept),
        stages=tuple(stage.name for stage in scenario.stages),
        visits=tuple(_visits(seen, at, rows, shown, begin, _first_breaks(breaks, end))),
        pools=tuple(_pools(seen, at, rows, begin, end)),
        broken=tuple(_broken(seen, breaks, begin, end)),
        n_broken=len(broke),
        first_broken=_minute(int(breaks.tick[broke[0]]), begin) if len(broke) else None,
    )


def _minute(tick: int, begin: int) -> float:
    return round((tick - begin) / MINUTE, 2)


def _rows(seen: Followed, at: VisitPlaces, tried: Attempts) -> _Rows:
    log, visit = seen.log, tried.visit
    in_vain = np.minimum(tried.gave_up, tried.turned_away)
    last = tried.number == log.attempt[visit]
    staffed = at.own[visit] != NO_PLACE
    start = np.where(last & ((in_vain == NEVER) | ~staffed), log.start[visit], NEVER)
    ended = np.where(last, log.end[visit], NEVER)
    if log.merged.size:
        ended = np.where(last & (log.outcome[visit] == MERGED), log.merged[visit], ended)
    return _Rows(visit, tried.number, tried.entry, start, np.minimum(in_vain, ended), staffed)


def _breaks(cohort: Cohort) -> _Breaks:
    """When it was sure that a tip fails a target: its time was up, or it was lost before that."""
    tick, tip, of = [], [], []
    for k, target in enumerate(cohort.frame.targets):
        if not isinstance(target, OfTips) or not target.by_tip:
            continue
        found = tally(target, cohort)
        failed = np.flatnonzero(np.isin(found.column, kind_of(target).failed))
        _, gave_up = fates(target, cohort)
        gone = np.minimum(np.minimum(cohort.lost, cohort.turned_away), gave_up)[failed]
        up = np.full(len(failed), NEVER)
        if isinstance(target, Timed):
            since = cohort.when(target.from_)[failed]
            up[since < NEVER] = _time_up(target, cohort.frame, since[since < NEVER])
        as_lost = found.column[failed] == LOST
        sure = np.where(as_lost, np.minimum(gone, up), up)
        told = sure < NEVER
        tick.append(sure[told])
        tip.append(cohort.first + failed[told])
        of.append(np.full(int(told.sum()), k))
    empty = np.zeros(0, np.int64)
    ticks, tips, targets = (np.concatenate([empty, *each]) for each in (tick, tip, of))
    order = np.lexsort((targets, tips, ticks))
    return _Breaks(ticks[order], tips[order], targets[order])


def _time_up(target: Timed, frame: Frame, since: Ticks) -> Ticks:
    """The last tick at which the target was still kept, by its clock."""
    if target.runs_by is None:
        return np.minimum(since + target.limit, NEVER)
    return open_time(frame.scenario, target.runs_by).latest(since, target.limit)


def _chosen(frame: Frame, rows: _Rows, breaks: _Breaks, arrival: Ticks) -> tuple[int, Why, int, int]:
    """The number of the day, why, how many, and the tick to begin with."""
    begins, ends = frame.midnights[:-1], frame.midnights[1:]
    whole = (begins >= frame.first) & (ends <= frame.last)
    days = np.flatnonzero(whole & (ends - begins == DAY))
    for others in (np.flatnonzero(whole), np.arange(frame.n_days)):
        days = days if len(days) else others
    mine = rows.staffed & (rows.enter < rows.waited_until)
    most, when = _peaks(rows.enter[mine], rows.waited_until[mine], begins[days], ends[days])
    best = int(most.argmax())
    if most[best]:
        return int(days[best]), "waiting", int(most[best]), int(when[best])
    for tick in breaks.tick.tolist():
        inside = np.flatnonzero((begins[days] <= tick) & (tick < ends[days]))
        if len(inside):
            number = int(days[inside[0]])
            broke = (breaks.tick >= begins[number]) & (breaks.tick < ends[number])
            return number, "broken", int(np.count_nonzero(broke)), tick
    came = arrival.searchsorted(ends[days]) - arrival.searchsorted(begins[days])
    best = int(came.argmax())
    return int(days[best]), "arrivals", int(came[best]), int(begins[days[best]]) + DAY // 2


def _peaks(began: Ticks, ended: Ticks, begins: Ticks, ends: Ticks) -> tuple[Ticks, Ticks]:
    """The most stretches at a time within each of some spans, and the first tick of it: (n_spans,) each."""
    tick, change = np.concatenate([began, ended]), np.repeat(np.array([1, -1]), len(began))
    order = np.lexsort((change, tick))
    tick, count = tick[order], np.cumsum(change[order])
    most, when = np.zeros(len(begins), np.int64), begins.copy()
    for place, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
        first, last = tick.searchsorted([begin, end])
        most[place] = count[first - 1] if first else 0
        if first < last:
            here = int(count[first:last].argmax())
            if count[first + here] > most[place]:
                most[place], when[place] = count[first + here], tick[first + here]
    return most, when


def _kept(tips: Ticks, broken: Ticks) -> Ticks:
    """The tips that are told, in order: all of them, or those whose promise broke and some of the rest, evenly."""
    every, n_visits = np.unique(tips, return_counts=True)
    if len(tips) <= MOST_VISITS:
        return every
    first = np.isin(every, broken)
    found = np.zeros(len(every), np.bool_)
    room = MOST_VISITS
    for some, share in ((np.flatnonzero(first), 0.5), (np.flatnonzero(~first), 1.0)):
        every_nth = max(1, -(-int(n_visits[some].sum()) // max(int(room * share), 1)))
        found[some[::every_nth]] = True
        room = MOST_VISITS - int(n_visits[found].sum())
    return every[found]


def _first_breaks(breaks: _Breaks, end: int) -> dict[int, int]:
    """When a promise to each tip first broke, of those to which one did before the day was over."""
    before = breaks.tick < end
    tips, first = np.unique(breaks.tip[before], return_index=True)
    return dict(zip(tips.tolist(), breaks.tick[before][first].tolist(), strict=True))


def _broken(seen: Followed, breaks: _Breaks, begin: int, end: int) -> Iterator[BrokenBy]:
    """Every target that a tip can break, from midnight on and from each minute in which it was broken."""
    for k, (name, target) in enumerate(seen.scenario.targets.items()):
        if isinstance(target, OfTips) and target.by_tip:
            yield BrokenBy(name, 0.0, 0)
            mine = breaks.tick[(breaks.target == k) & (breaks.tick >= begin) & (breaks.tick < end)]
            minute, count = np.unique(-(-(mine - begin) // MINUTE), return_counts=True)
            for at, so_far in zip(minute.tolist(), np.cumsum(count).tolist(), strict=True):
                yield BrokenBy(name, float(at), so_far)


def _visits(
    seen: Followed, at: VisitPlaces, rows: _Rows, shown: Ticks, begin: int, broke: dict[int, int]
) -> Iterator[DayVisit]:
    from sim.studies.events import OUTCOMES

    scenario, tips, log = seen.scenario, seen.replication.tips, seen.log
    horizon = scenario.horizon
    shown = shown[np.lexsort((rows.enter[shown], at.tip[rows.visit[shown]]))]
    for row in shown.tolist():
        visit = int(rows.visit[row])
        tip, stage = int(at.tip[visit]), scenario.stages[int(at.stage[visit])]
        last = bool(rows.number[row] == log.attempt[visit])
        outcome = OUTCOMES[int(log.outcome[visit])] if last else "abandoned"
        start, end = int(rows.start[row]), int(rows.end[row])
        yield DayVisit(
            tip,
            scenario.channels[int(tips.channel[tip])],
            scenario.risks[int(tips.risk[tip])],
            stage.name,
            stage.pool or "",
            int(rows.number[row]),
            _minute(int(rows.enter[row]), begin),
            _minute(start, begin) if start < min(end, horizon) else None,
            _minute(end, begin) if end < horizon else None,
            GAVE_UP if outcome == "abandoned" else outcome,
            _minute(broke[tip], begin) if tip in broke else None,
        )


def _pools(seen: Followed, at: VisitPlaces, rows: _Rows, begin: int, end: int) -> list[PoolAt]:
    """Every pool at the first midnight and at each step at which one of its numbers is another."""
    found: list[PoolAt] = []
    for step in STEPS:
        times = np.arange(begin, end, step * MINUTE, dtype=np.int64)
        found = list(_changes(seen, at, rows, times))
        if len(found) <= MOST_CHANGES:
            break
    return found


def _changes(seen: Followed, at: VisitPlaces, rows: _Rows, times: Ticks) -> Iterator[PoolAt]:
    scenario, replication = seen.scenario, seen.replication
    begin, end = int(times[0]), int(times[-1])
    pool_of = replication.rules.places.pool
    staff, busy, waiting = (np.zeros((len(scenario.pools), len(times)), np.int64) for _ in range(3))
    for place, pool in enumerate(pool_of.tolist()):
        ticks, heads = on_duty(replication.plan, place)
        told = ticks.searchsorted(times, side="right") - 1
        staff[pool] += np.where(told >= 0, heads[told] if len(heads) else 0, 0)
        busy[pool] += _busy(seen, place, times)
    mine = np.flatnonzero(rows.staffed & (rows.enter <= end) & (rows.waited_until >= begin))
    own = pool_of[at.own[rows.visit[mine]]]
    for pool, name in enumerate(scenario.pools):
        some = mine[own == pool]
        waiting[pool] = _counted(rows.enter[some], rows.waited_until[some], times)
        numbers = np.stack([staff[pool], busy[pool], waiting[pool]])
        changed = np.append(True, (numbers[:, 1:] != numbers[:, :-1]).any(axis=0))
        for step in np.flatnonzero(changed).tolist():
            yield PoolAt(name, _minute(int(times[step]), begin), *numbers[:, step].tolist())


def _busy(seen: Followed, place: int, times: Ticks) -> Ticks:
    """(n_times,) how many people of a place have something in hand; heads where these are counted."""
    spells = seen.log.spells
    here = np.flatnonzero((spells.place == place) & (spells.began <= times[-1]) & (spells.ended > times[0]))
    began, ended, person = spells.began[here], spells.ended[here], spells.person[here]
    slots = int(seen.replication.rules.places.concurrency[place])
    if slots == 1 or not (person != NOBODY).all():
        return -(-_counted(began, ended, times) // slots)
    return np.array([len(np.unique(person[(began <= tick) & (tick < ended)])) for tick in times.tolist()], np.int64)


def _counted(began: Ticks, ended: Ticks, times: Sequence[int] | Ticks) -> Ticks:
    """(n_times,) how many stretches hold each tick, their ends apart."""
    begun, over = (np.sort(edges).searchsorted(times, side="right") for edges in (began, ended))
    return np.asarray(begun - over, dtype=np.int64)
