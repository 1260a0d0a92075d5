"""Pools over time: tips in line, load offered, slots busy and on duty, by hour of the measured time and in all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import HOUR
from sim.dynamics.log import Log
from sim.dynamics.replication import Replication
from sim.measures import passes
from sim.measures.frame import Frame


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Ticks of the measured time, summed over tips or slots; the first axis is WAITING ... OVERTIME of `passes`."""

    hours: NDArray[np.int64]
    """(N_NUMBERS, n_groups, n_hours) by group of places and hour from the first midnight. Busy is busy on duty."""
    totals: NDArray[np.int64]
    """(n_places, N_NUMBERS)."""

    def by_day(self, number: int) -> NDArray[np.float64]:
        """(n_groups, n_days) of one number."""
        hours = self.hours[number]
        return np.asarray(hours.reshape(len(hours), -1, 24).sum(axis=-1), dtype=np.float64)


def follow(log: Log, replication: Replication, first_spell: NDArray[np.int64], frame: Frame) -> Places:
    """The places of a replication over its measured time."""
    tips, visits, rules, plan = replication.tips, replication.visits, replication.rules, replication.plan
    places, n_places = rules.places, len(rules.places.pool)
    jumps = np.zeros((passes.N_FOLLOWED, frame.n_groups, frame.n_hours + 1), np.int64)
    rests = np.zeros_like(jumps)
    totals = np.zeros((n_places, passes.N_NUMBERS), np.int64)
    window = (frame.first, frame.last, frame.origin)
    passes.follow_places(
        (tips.first_visit, tips.centre, log.lost),
        (visits.kind, visits.work, first_spell, rules.kinds.stage),
        (log.enter, log.end, log.outcome),
        (log.spells.place, log.spells.began, log.spells.ended),
        (rules.stages.place, rules.stages.place_step, rules.stages.every),
        (window, rules.since_midnight, rules.horizon),
        frame.group,
        jumps,
        rests,
        totals,
    )
    more = np.ones(len(log.overtime.place), np.int64)
    slots = (plan.joining + plan.returning - plan.leaving) * places.concurrency[plan.place].astype(np.int64)
    after = np.full(len(plan), frame.last)
    for number, place, tick, change in (
        (passes.OVERTIME, log.overtime.place, log.overtime.began, more),
        (passes.OVERTIME, log.overtime.place, log.overtime.ended, -more),
        (passes.ON_DUTY, plan.place, plan.tick, slots),
        (passes.ON_DUTY, plan.place, after, -slots),
    ):
        passes.follow_steps(number, frame.group[place], tick, change, window, jumps, rests)
        left = frame.last - np.clip(tick, frame.first, frame.last)
        np.add.at(totals[:, number], place, change * left)
    totals[:, passes.BUSY] -= totals[:, passes.OVERTIME]
    followed = (np.cumsum(jumps, axis=-1) * HOUR - rests)[..., :-1]
    joined, gone, busy, on_duty, overtime, done = followed
    return Places(np.stack([joined - gone - busy, joined - done, busy - overtime, on_duty, overtime]), totals)
