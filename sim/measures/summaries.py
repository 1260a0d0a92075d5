"""What tables and plots say of stages and pools, over all replications of a sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.dynamics.clock import HOUR, WEEK
from sim.measures import passes
from sim.measures.bins import percentile
from sim.measures.estimates import Estimate, mean_interval, share_interval
from sim.measures.measures import Ints
from sim.measures.sample import Sample

PERCENTILES: Final = (0.5, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class StageSummary:
    """The visits of the cohort to a stage, of tips of one last label or of all of them."""

    stage: str
    tier: str | None
    """The label; None for all tips."""
    labelled: bool
    """False where `tier` is None and only the tips without any label are meant."""
    reached: int
    """Visits over all replications, as all counts here."""
    started: int
    gave_up: int
    still_open: int
    wait: Estimate
    """Mean wait to the first start of those that started, in ticks."""
    wait_percentiles: tuple[float, ...]
    """By PERCENTILES, ticks, over all replications together."""
    work: float
    """Mean work of those that started, in ticks; NaN for a delay."""


@dataclass(frozen=True, slots=True)
class PoolSummary:
    """A pool over the measured time, in one centre or in all."""

    pool: str
    centre: str | None
    """None for all centres together, and for a shared pool."""
    offered: Estimate
    """Erlangs: tips that endless staff would have in service at once."""
    staffed: float
    """People on duty, on average."""
    occupancy: Estimate
    """Busy on-duty slots over slots on duty; overtime left out."""
    waiting: Estimate
    """Tips in line, or away until they try again, on average."""
    seat_hours: float
    """Hours of people on duty a week."""
    overtime_hours: float
    """Hours of slots in overtime a week."""


def stage_summaries(sample: Sample) -> list[StageSummary]:
    """Stage by stage: all tips, then those of each label, then those without where there are any."""
    scenario = sample.frame.scenario
    found = []
    for s, stage in enumerate(scenario.stages):
        every = range(len(scenario.tiers) + 1)
        found.append(_stage(sample, s, stage.name, None, True, list(every)))
        found += [_stage(sample, s, stage.name, tier, True, [t + 1]) for t, tier in enumerate(scenario.tiers)]
        if sample.stages[:, s, 0, passes.REACHED].any():
            found.append(_stage(sample, s, stage.name, None, False, [0]))
    return found


def pool_summaries(sample: Sample) -> list[PoolSummary]:
    """Pool by pool: in all centres, then in each where there are several."""
    frame = sample.frame
    scenario, centres = frame.scenario, frame.scenario.centre_names
    found = []
    for p, pool in enumerate(scenario.pools):
        mine = np.flatnonzero(frame.pool_of_place == p)
        found.append(_pool(sample, pool, None, mine))
        if len(mine) > 1:
            found += [_pool(sample, pool, centre, mine[c : c + 1]) for c, centre in enumerate(centres)]
    return found


def _stage(sample: Sample, s: int, name: str, tier: str | None, labelled: bool, columns: list[int]) -> StageSummary:
    confidence = sample.frame.scenario.run.confidence
    table: Ints = sample.stages[:, s, columns].sum(axis=1)
    reached, started, gave_up, still_open, _, work = (int(total) for total in table.sum(axis=0))
    waits = sample.pooled.waits[s, columns].sum(axis=0)
    staffed = sample.frame.scenario.stages[s].pool is not None
    return StageSummary(
        stage=name,
        tier=tier,
        labelled=labelled,
        reached=reached,
        started=started,
        gave_up=gave_up,
        still_open=still_open,
        wait=mean_interval(table[:, passes.WAIT], table[:, passes.STARTED], confidence),
        wait_percentiles=tuple(percentile(waits, share) for share in PERCENTILES),
        work=work / started if started and staffed else math.nan,
    )


def _pool(sample: Sample, pool: str, centre: str | None, places: Ints) -> PoolSummary:
    scenario = sample.frame.scenario
    confidence, concurrency = scenario.run.confidence, scenario.pools[pool].concurrency
    ticks: Ints = sample.places[:, places].sum(axis=1)
    measured = np.full(len(sample), scenario.length)
    on_duty, busy = ticks[:, passes.ON_DUTY], ticks[:, passes.BUSY]
    scale = max(float(on_duty.mean()), 1.0)
    return PoolSummary(
        pool=pool,
        centre=centre,
        offered=mean_interval(ticks[:, passes.OFFERED], measured, confidence),
        staffed=float(on_duty.mean()) / concurrency / scenario.length,
        occupancy=share_interval(busy / scale, on_duty / scale, confidence),
        waiting=mean_interval(ticks[:, passes.WAITING], measured, confidence),
        seat_hours=float(on_duty.mean()) / concurrency / scenario.length * WEEK / HOUR,
        overtime_hours=float(ticks[:, passes.OVERTIME].mean()) / scenario.length * WEEK / HOUR,
    )
