"""What a run came to beside what theory knows: the same replications once more, measured as the models ask."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sim.draw import draw
from sim.dynamics.clock import HOUR, MINUTE, NEVER
from sim.dynamics.engines import Engine, simulate
from sim.dynamics.log import ABANDONED
from sim.dynamics.log import TURNED_AWAY as NO_ROOM
from sim.measures import passes
from sim.measures.frame import Frame
from sim.measures.measures import measure
from sim.scenario.arrivals import HOURS_A_WEEK
from sim.studies.theory.models import (
    GIVEN_UP,
    NOT_BEGUN,
    OCCUPANCY,
    SOJOURN,
    SQUARE,
    THERE,
    TURNED_AWAY,
    WAIT,
    KnownValue,
    NearestModel,
    models,
)
from sim.studies.workers import Failure, each

if TYPE_CHECKING:
    from sim.dynamics.log import Log
    from sim.dynamics.replication import Flags, Replication, Ticks
    from sim.scenario.schema import Scenario
    from sim.studies.replicate import Done

Floats = NDArray[np.float64]

CLOSE: Final = 4.0
"""Standard errors within which theory and simulation agree; with 20 replications a right program is farther off once in
1,300 comparisons."""


@dataclass(frozen=True, slots=True)
class TheoryAndRun:
    """One quantity: what theory has and what the run came to."""

    beside: NearestModel
    known: KnownValue
    simulated: float
    """In the unit of what is known; NaN where nothing was counted."""
    error: float
    """The standard error, over replications; NaN of fewer than two."""

    @property
    def apart(self) -> float:
        """How far the run lies above theory, in standard errors."""
        difference = self.simulated - self.known.value
        if self.error == 0:
            near = abs(difference) <= 1e-9 * max(abs(self.known.value), 1.0)
            return 0.0 if near else math.copysign(math.inf, difference)
        return difference / self.error

    @property
    def agrees(self) -> bool:
        return abs(self.apart) <= CLOSE


def beside(done: Done, jobs: int = 1) -> list[TheoryAndRun]:
    """Every pool and delay of a run that a model is near to, quantity by quantity."""
    indices = [index for index in range(len(done.sample) + len(done.failures)) if index not in done.failures]
    return compared(done.scenario, models(done.scenario), indices, seed=done.seed, engine=done.engine, jobs=jobs)


def compared(
    scenario: Scenario,
    known: Sequence[NearestModel],
    indices: Sequence[int],
    *,
    seed: int,
    engine: Engine = "compiled",
    jobs: int = 1,
) -> list[TheoryAndRun]:
    """What theory knows beside what these replications come to."""
    work = _Work(Frame(scenario), tuple(known), seed, engine)
    found = dict(each(work, indices, jobs=jobs, pool="threads" if engine == "compiled" else "processes"))
    sums = np.array([row for index in indices if not isinstance(row := found[index], Failure)])
    rows = [(one, quantity) for one in known for quantity in one.known]
    if not sums.size:
        return [TheoryAndRun(one, quantity, math.nan, math.nan) for one, quantity in rows]
    return [
        TheoryAndRun(one, quantity, *ratio(sums[:, at, 0], sums[:, at, 1])) for at, (one, quantity) in enumerate(rows)
    ]


def ratio(sums: Floats, counts: Floats) -> tuple[float, float]:
    """The ratio of two totals over replications, and its standard error by how the replications differ.

    >>> ratio(np.array([10.0, 12.0, 14.0]), np.array([2.0, 2.0, 2.0]))[0]
    6.0
    """
    total, n = float(counts.sum()), len(counts)
    if total == 0:
        return math.nan, math.nan
    value = float(sums.sum()) / total
    if n < 2:
        return value, math.nan
    off = sums - value * counts
    return value, math.sqrt(float(off @ off) * n / (n - 1)) / total


@dataclass(frozen=True, slots=True)
class _Work:
    """The work on one replication: sums and counts of every quantity, (n_known, 2). It can cross to another process."""

    frame: Frame
    known: tuple[NearestModel, ...]
    seed: int
    engine: Engine

    def __call__(self, index: int) -> Floats:
        replication = draw(self.frame.scenario, index, seed=self.seed)
        log = simulate(replication, self.engine)
        places = measure(log, replication, self.frame, pooled=False).places.astype(np.float64)
        rows = [
            _measured(VisitsMade.of(log, replication, self.frame, one), one, quantity, self.frame, places)
            for one in self.known
            for quantity in one.known
        ]
        return np.array(rows, dtype=np.float64).reshape(len(rows), 2)


@dataclass(frozen=True, slots=True, eq=False)
class VisitsMade:
    """The visits to the stages of a pool, or to a delay, that were made: (n,) each."""

    counts: Flags
    """Whether the tip is of the cohort."""
    rank: NDArray[np.int32]
    enter: Ticks
    start: Ticks
    """NEVER where it was not begun."""
    until: Ticks
    """When it was out of the line: begun, given up, or the run ended."""
    left: Ticks
    """When it was gone from there: ended, given up, turned away, or the run ended."""
    gave_up: Flags
    turned_away: Flags

    @classmethod
    def of(cls, log: Log, replication: Replication, frame: Frame, one: NearestModel) -> VisitsMade:
        """Those of a replication."""
        tips, visits, kinds = replication.tips, replication.visits, replication.rules.kinds
        stages = [frame.scenario.stage_index(name) for name in one.stages]
        row = np.flatnonzero(np.isin(kinds.stage[visits.kind], stages) & (log.enter < NEVER))
        tip = np.searchsorted(tips.first_visit, row, side="right") - 1
        fresh = tip >= tips.n_backlog
        row, tip = row[fresh], tip[fresh]
        arrival, horizon = tips.arrival[tip], replication.rules.horizon
        enter, start, end, outcome = log.enter[row], log.start[row], log.end[row], log.outcome[row]
        gave_up = (outcome == ABANDONED) & (start == NEVER)
        turned_away = (outcome == NO_ROOM) & (start == NEVER)
        until = np.where(start < NEVER, start, horizon)
        attempt = visits.first_attempt[row[gave_up]] + log.attempt[row[gave_up]] - 1
        until[gave_up] = log.gave_up[attempt]
        until[turned_away] = enter[turned_away]
        left = np.where(end < NEVER, end, np.where(gave_up | turned_away, until, horizon))
        return cls(
            counts=(arrival >= frame.first) & (arrival < frame.last),
            rank=kinds.rank[visits.kind[row]],
            enter=enter,
            start=start,
            until=until,
            left=left,
            gave_up=gave_up,
            turned_away=turned_away,
        )


def _measured(
    visits: VisitsMade, one: NearestModel, known: KnownValue, frame: Frame, places: Floats
) -> tuple[float, float]:
    """A sum and a count whose ratio is the quantity in one replication."""
    if known.quantity == OCCUPANCY:
        own = places[frame.pool_of_place == frame.scenario.pool_index(one.place)].sum(axis=0)
        return own[passes.BUSY], own[passes.ON_DUTY]
    if known.quantity == THERE:
        return _there(visits, one, known, frame, places)
    mine = visits.counts if known.rank is None else visits.counts & (visits.rank == known.rank)
    came = float(mine.sum())
    wait = (visits.until - visits.enter)[mine & ~visits.turned_away] / MINUTE
    match known.quantity:
        case quantity if quantity == WAIT:
            return float(wait.sum()), float(wait.size)
        case quantity if quantity == SQUARE:
            return float((wait**2).sum()), float(wait.size)
        case quantity if quantity == SOJOURN:
            return float((visits.left - visits.enter)[mine].sum()) / MINUTE, came
        case quantity if quantity == NOT_BEGUN:
            late = visits.start[mine] - visits.enter[mine] > round(known.within * MINUTE)
            return float(late.sum()), came
        case quantity if quantity == GIVEN_UP:
            return float(visits.gave_up[mine].sum()), came
        case quantity if quantity == TURNED_AWAY:
            return float(visits.turned_away[mine].sum()), came
        case other:
            raise ValueError(f"no quantity is called '{other}'")


def _there(
    visits: VisitsMade, one: NearestModel, known: KnownValue, frame: Frame, places: Floats
) -> tuple[float, float]:
    """How many are in line and in hand, or in a delay: at an hour, or over the measured time."""
    if known.hour is None and one.is_pool:
        own = places[frame.pool_of_place == frame.scenario.pool_index(one.place)].sum(axis=0)
        there = own[passes.WAITING] + own[passes.BUSY] + own[passes.OVERTIME]
        return float(there), float(frame.last - frame.first)
    since = visits.enter if one.is_pool else np.minimum(visits.start, visits.left)
    if known.hour is None:
        within = np.clip(visits.left, frame.first, frame.last) - np.clip(since, frame.first, frame.last)
        return float(within.sum()), float(frame.last - frame.first)
    steps = np.arange((frame.last - frame.origin) // HOUR + 1)
    moments = frame.origin + HOUR * steps
    period = HOURS_A_WEEK if known.weekly else 24
    chosen = (steps + frame.first_hour) % period == known.hour % period
    moments = moments[chosen & (moments >= frame.first) & (moments < frame.last)]
    there = np.searchsorted(np.sort(since), moments, side="right")
    there = there - np.searchsorted(np.sort(visits.left), moments, side="right")
    return float(there.sum()), float(len(moments))
