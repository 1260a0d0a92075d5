"""Pools over time: tips in line, load offered, slots busy and on duty, by hour of the measured time and in all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import NEVER
from sim.dynamics.duty import people_in_overtime, slots_in_overtime
from sim.dynamics.log import Log
from sim.dynamics.replication import KEEPS, NO_INCIDENT, REPEATS, Replication, changes_of_duty
from sim.dynamics.waits import in_hand_alone, openings, vain, where
from sim.measures import passes
from sim.measures.frame import Frame, TimeSteps
from sim.scenario.targets import OfPool

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PoolTimes:
    """Ticks of the measured time, summed over tips or slots; the first axis is WAITING ... OVERTIME of `passes`."""

    cells: Ints
    """(N_NUMBERS, n_pools, n_cells) by the cells of the frame. Busy is busy on duty."""
    finer: Mapping[tuple[bool, int], Ints]
    """Where targets ask for it, by centre or not and the length of a stretch in ticks: (N_NUMBERS, n_places or n_pools,
    n_stretches)."""
    totals: Ints
    """(n_places, N_NUMBERS)."""

    def slots(self, number: int, pool: int, frame: Frame, slots: tuple[bool, int]) -> Floats:
        """(n_centres or 1, n_slots) of a number of a pool, by centre or not and by stretches of so many ticks."""
        by_centre, _ = slots
        table = self.finer.get(slots, self.cells)
        rows = np.flatnonzero(frame.pool_of_place == pool) if by_centre else [pool]
        return table[number, rows].astype(np.float64)


def follow(
    log: Log, replication: Replication, first_spell: Ints, frame: Frame, *, only_targets: bool = False
) -> PoolTimes:
    """The places of a replication over its measured time; `only_targets` as for Following."""
    found = Following(frame, only_targets=only_targets)
    found.add(log, replication, first_spell)
    return found.close(_staying(log, replication, found.asked), replication)


class Following:
    """The places of a replication over its measured time, as more and more of its tips are known.

    With `only_targets` it is told of the pools that targets ask for when they were busy and on duty, and of each place
    what load was offered and who was on duty in all; other numbers are then not to be used.
    """

    def __init__(self, frame: Frame, *, only_targets: bool = False):
        self.frame, self.only_targets = frame, only_targets
        self.asked = np.ones(len(frame.pool_of_place), np.bool_)
        """(n_places,) whether overtime is looked for there."""
        if only_targets:
            pools = [frame.scenario.pool_index(one.pool) for one in frame.targets if isinstance(one, OfPool)]
            self.asked = np.isin(frame.pool_of_place, pools)
        each = np.arange(len(frame.pool_of_place))
        self.grids: dict[tuple[bool, int] | None, _Numbers] = {
            None: _Numbers(frame, frame.pool_of_place, frame.cells, self.asked)
        } | {
            (by_centre, length): _Numbers(
                frame, each if by_centre else frame.pool_of_place, frame.steps(length), self.asked
            )
            for by_centre, length in sorted(frame.pool_slots - {(False, frame.interval)})
        }

    def add(self, log: Log, replication: Replication, first_spell: Ints) -> None:
        """Count the visits of further tips."""
        alone = _alone(log, replication)
        for numbers in self.grids.values():
            numbers.add(log, alone, replication, first_spell, lines=not self.only_targets)

    def close(self, staying: Log, replication: Replication) -> PoolTimes:
        """What was counted, with who was on duty by the plan; overtime is read from a log that has all spells which may
        lie in it."""
        lines = not self.only_targets
        found = {grid: numbers.close(staying, replication, lines=lines) for grid, numbers in self.grids.items()}
        cells, totals = found.pop(None)
        return PoolTimes(cells, {grid: finer for grid, (finer, _) in found.items() if grid is not None}, totals)


def _staying(log: Log, replication: Replication, asked: NDArray[np.bool_]) -> Log:
    """The log with those spells alone that may lie in overtime, at places where that is asked: of people who ever are
    in it, and at places at which the number of heads falls. They are few, and looking for overtime takes them in order.
    """
    plan, spells = replication.plan, log.spells
    fewer = np.zeros(len(replication.rules.places.pool), np.bool_)
    fewer[plan.place[plan.heads < 0]] = True
    fewer &= asked
    stays = np.zeros(len(plan.people) + 1, np.bool_)  # the last is for NOBODY
    stays[log.overtime.person] = asked[log.overtime.place]
    some: Ints = np.empty(0, np.int64)
    if fewer.any() or stays.any():
        some = np.flatnonzero(fewer[spells.place] | stays[spells.person])
    return replace(log, spells=replace(spells, **{one.name: getattr(spells, one.name)[some] for one in fields(spells)}))


def _alone(log: Log, replication: Replication) -> Ints:
    """(n_visits,) how long each visit would be in hand with endless staff, its wrap-up with it.

    An incident is then known at a stage that merges once the first of its tips would be done there: who comes later
    costs a repeat, or nothing.
    """
    alone = in_hand_alone(replication)
    if not replication.may_merge:
        return alone
    # A copy: without wrap-ups it may be the work itself, which other staffings of the same draw still need.
    alone = alone.copy()
    visits, rules, at = replication.visits, replication.rules, where(replication)
    incident, merges = replication.tips.incident[at.tip], rules.stages.merges[at.stage]
    mine = np.flatnonzero((incident != NO_INCIDENT) & (merges != KEEPS) & (log.enter < rules.horizon))
    n_stages = len(rules.stages.every)
    # Who comes again has ended there itself, and merges no more.
    first = np.unique(at.tip[mine] * n_stages + at.stage[mine], return_index=True)[1]
    mine = mine[np.sort(first)]
    joined = openings(replication, at.stage[mine], log.enter[mine])
    _, group = np.unique(incident[mine].astype(np.int64) * n_stages + at.stage[mine], return_inverse=True)
    known = np.full(len(mine), NEVER)
    np.minimum.at(known, group, np.minimum(joined, NEVER - alone[mine]) + alone[mine])
    late = mine[joined >= known[group]]
    work = visits.work[late] + (visits.wrap_up[late] if visits.wrap_up.size else 0)
    alone[late] = np.where(merges[late] == REPEATS, visits.repeat[late] * (alone[late] / np.maximum(work, 1)), 0)
    return alone


class _Numbers:
    """The numbers by group of places and step of a grid, and by place, as they are counted."""

    def __init__(self, frame: Frame, group: Ints, grid: TimeSteps, asked: NDArray[np.bool_]):
        self.frame, self.group, self.grid, self.asked = frame, group, grid, asked
        n_groups = int(group.max(initial=-1)) + 1
        self.changes = np.zeros((passes.N_FOLLOWED, n_groups, grid.n_steps + 1, 2), np.int64)
        self.totals = np.zeros((len(group), passes.N_NUMBERS), np.int64)
        self.window = (frame.first, frame.last, grid.origin, grid.step)

    def add(self, log: Log, alone: Ints, replication: Replication, first_spell: Ints, *, lines: bool) -> None:
        """Count visits; who is in line, and what would be done, in cells of time only with `lines`, and without only at
        the places that are asked for who is busy."""
        tips, visits, rules = replication.tips, replication.visits, replication.rules
        passes.follow_places(
            (tips.first_visit, tips.centre, log.lost, vain(log, replication), log.merged),
            (visits.kind, alone, first_spell, rules.kinds.stage),
            (log.enter, log.end, log.outcome),
            (log.spells.place, log.spells.began, log.spells.ended, log.spells.wrapping),
            (rules.stages.place, rules.stages.place_step),
            (self.window, rules.gates, rules.horizon, lines),
            self.group,
            self.asked,
            self.changes,
            self.totals,
        )

    def close(self, staying: Log, replication: Replication, *, lines: bool) -> tuple[Ints, Ints]:
        """(N_NUMBERS, n_groups, n_steps), and by place; who is late only with `lines`."""
        frame, plan, changes, totals = self.frame, replication.plan, self.changes, self.totals
        slots = changes_of_duty(plan) * replication.rules.places.concurrency[plan.place].astype(np.int64)
        after = np.full(len(plan), frame.last)
        for number, (place, tick, change) in (
            *((passes.OVERTIME, one) for one in slots_in_overtime(staying, replication)),
            *((passes.LATE, one) for one in (people_in_overtime(staying, replication) if lines else ())),
            (passes.ON_DUTY, (plan.place, plan.tick, slots)),
            (passes.ON_DUTY, (plan.place, after, -slots)),
        ):
            passes.follow_steps(number, self.group[place], tick, change, self.window, changes)
            left = frame.last - np.clip(tick, frame.first, frame.last)
            np.add.at(totals[:, number], place, change * left)
        totals[:, passes.BUSY] -= totals[:, passes.OVERTIME]
        if not lines:
            return self._of_asked(), totals
        joined, gone, busy, on_duty, overtime, late, done = self._followed(changes)
        return np.stack([joined - gone - busy, joined - done, busy - overtime, on_duty, overtime, late]), totals

    def _of_asked(self) -> Ints:
        """(N_NUMBERS, n_groups, n_steps) of the groups that targets ask for, of which alone it is to be used: when they
        were busy and on duty, and in overtime."""
        of = np.unique(self.group[self.asked])
        busy, on_duty, overtime = self._followed(self.changes[passes.BUSY : passes.OVERTIME + 1, of])
        found = np.zeros((passes.N_NUMBERS, self.changes.shape[1], self.grid.n_steps), np.int64)
        found[passes.BUSY, of], found[passes.ON_DUTY, of] = busy - overtime, on_duty
        found[passes.OVERTIME, of] = overtime
        return found

    def _followed(self, changes: Ints) -> Ints:
        """(..., n_steps) ticks in each step, of numbers that so change."""
        followed = np.cumsum(changes[..., passes.JUMP], axis=-1) * self.grid.step - changes[..., passes.REST]
        return np.asarray(followed[..., :-1])
