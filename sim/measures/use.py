"""What the people of a pool were there for: load, occupancy, hours and cost, over many replications."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.dynamics.clock import DAY, HOUR
from sim.measures import passes
from sim.measures.estimates import Estimate, share_interval
from sim.scenario.cost import a_month, a_year, cost_a_week, full_time, paid
from sim.scenario.shifts import on_duty

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.measures.sample import Sample

HOURS_OF_A_WEEK: Final = 7 * DAY / HOUR

NOTHING: Final = Estimate(math.nan, math.nan, math.nan)
"""Where nothing was counted."""


@dataclass(frozen=True, slots=True)
class PoolUse:
    """A pool in an average week: of one centre, or of all."""

    pool: str
    centre: str
    """Its centre, `all` for the sum over several, "" where there is but one."""
    offered: float
    """Erlangs: slots that endless staff would have in use."""
    on_duty: float
    """Slots on duty on average."""
    busy: float
    """Of them, slots in use."""
    waiting: float
    """Tips in line on average."""
    occupancy: Estimate
    """Of the slots on duty; overtime is left out."""
    seat_hours: float
    """Hours of people on the line a week, overtime apart."""
    overtime_hours: float
    paid_hours: float
    """Seat hours over one less shrinkage, and overtime."""
    slots: int
    """Tips that a person serves at a time."""
    fte: float
    """Full-time equivalents."""
    cost: float
    """A week, nights and overtime at their prices."""

    @property
    def whole(self) -> bool:
        """Whether it is the whole pool, not one centre of several."""
        return self.centre in ("", "all")

    @property
    def utilisation(self) -> float:
        """Busy over paid time."""
        busy = self.busy / self.slots * HOURS_OF_A_WEEK
        return busy / self.paid_hours if self.paid_hours > 0 else math.nan

    @property
    def cost_a_month(self) -> float:
        """The twelfth of a year."""
        return a_month(self.cost)

    @property
    def cost_a_year(self) -> float:
        """Of 365 days."""
        return a_year(self.cost)


def uses(sample: Sample) -> list[PoolUse]:
    """Every pool, and where there are several centres each of its centres too."""
    scenario = sample.frame.scenario
    several = len(scenario.centres) > 1
    found = []
    for p, name in enumerate(scenario.pools):
        own = np.flatnonzero(sample.frame.pool_of_place == p)
        found.append(_use(sample, name, "all" if several else "", own))
        if several and not scenario.pools[name].shared:
            found += [_use(sample, name, centre, own[c : c + 1]) for c, centre in enumerate(scenario.centre_names)]
    return found


def _use(sample: Sample, name: str, centre: str, places: NDArray[np.int64]) -> PoolUse:
    scenario = sample.frame.scenario
    pool = scenario.pools[name]
    ticks = sample.places[:, places].sum(axis=1).astype(float)
    mean = ticks.mean(axis=0) / float(sample.frame.last - sample.frame.first)
    seat = float(mean[passes.ON_DUTY] / pool.slots * HOURS_OF_A_WEEK)
    overtime = float(mean[passes.LATE] * HOURS_OF_A_WEEK)
    rostered = paid(scenario, name, seat + _absent_hours(sample, places))
    return PoolUse(
        pool=name,
        centre=centre,
        offered=float(mean[passes.OFFERED]),
        on_duty=float(mean[passes.ON_DUTY]),
        busy=float(mean[passes.BUSY]),
        waiting=float(mean[passes.WAITING]),
        occupancy=_occupancy(sample, ticks),
        seat_hours=seat,
        overtime_hours=overtime,
        paid_hours=rostered + overtime,
        slots=pool.slots,
        fte=full_time(scenario, rostered + overtime),
        cost=cost_a_week(scenario, name, rostered, overtime),
    )


def _absent_hours(sample: Sample, places: NDArray[np.int64]) -> float:
    """Hours a week in which somebody would have been on seat at some places and was absent: they are paid."""
    frame = sample.frame
    pool = frame.scenario.pools[list(frame.scenario.pools)[int(frame.pool_of_place[places[0]])]]
    if not pool.absence:
        return 0.0
    ticks = 0
    for place in places.tolist():
        tick, people = on_duty(sample.frame.plan, place)
        edges = np.clip(np.append(tick, frame.last), frame.first, frame.last)
        ticks += int(np.diff(edges) @ people)
    there = sample.places[:, places, passes.ON_DUTY].sum(axis=1).mean() / pool.slots
    return float(ticks - there) / (frame.last - frame.first) * HOURS_OF_A_WEEK


def given_up(sample: Sample) -> dict[str, float]:
    """By pool, of the visits to its stages at which tips may give up the share that did; where there were any."""
    scenario, total = sample.frame.scenario, sample.stages.sum(axis=(0, 2))
    found = {}
    for name in scenario.pools:
        mine = [s for s, stage in enumerate(scenario.stages) if stage.pool == name and stage.patience is not None]
        reached, gave_up = (int(total[mine, column].sum()) for column in (passes.REACHED, passes.GAVE_UP))
        if reached:
            found[name] = gave_up / reached
    return found


def _occupancy(sample: Sample, ticks: NDArray[np.float64]) -> Estimate:
    busy, on_duty = ticks[:, passes.BUSY], ticks[:, passes.ON_DUTY]
    if not on_duty.any():
        return NOTHING
    frame = sample.frame
    if frame.recorded:
        return Estimate.exactly(float(busy.sum() / on_duty.sum()))
    size = on_duty[on_duty > 0].mean()
    return share_interval(busy / size, on_duty / size, frame.scenario.run.confidence, frame.units * len(ticks))
