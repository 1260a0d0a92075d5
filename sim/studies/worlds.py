"""What staff can do in one plausible world.

Unlimited staff first, which tells whether any staff can; then the cheapest that is found, by few replications, without
a certificate, and held against fresh seeds. A world stands by itself, so that neither the number of jobs nor an
interruption changes anything; all meet the same random numbers.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import numpy as np

from sim.scenario.cost import full_time, paid, paid_hours, shrinkage
from sim.scenario.faults import ScenarioError
from sim.scenario.shifts import seat_hours
from sim.studies.keeping import Piece
from sim.studies.ranges import Variations
from sim.studies.replicate import Settings
from sim.studies.sensitivity import PlausibleRange, values_at
from sim.studies.staff.limits import Limit, limits
from sim.studies.staff.staffed import Bounds, decided, fte, unlimited
from sim.studies.staff.staffing import NO_EXCHANGES, cheapest
from sim.studies.staff.starving import sure_work
from sim.studies.staff.tried import leanings
from sim.studies.trials import Trials

if TYPE_CHECKING:
    from sim.dynamics.engines import Engine
    from sim.scenario.schema import Scenario

CLOSELY: Final = 16
"""Times the replications with unlimited staff, where fewer leave it undecided."""

WorldOutcome = Literal["held", "more", "no staff", "undecided", "impossible"]
"""What some staffing can do: it holds; what was found takes more people than asked about; none can; an interval
straddles; or the document does not allow the world."""
OUTCOMES: Final[tuple[WorldOutcome, ...]] = get_args(WorldOutcome)


@dataclass(frozen=True, slots=True)
class Best:
    """What a target comes to with unlimited staff."""

    value: float
    """A share, or minutes; NaN where nothing was counted."""
    low: float
    high: float
    used: float
    """How much of what it allows is used up."""
    missed: bool


@dataclass(frozen=True, slots=True)
class PlausibleWorld:
    """One plausible world and what staff can do in it."""

    numbers: tuple[float, ...]
    """The value of each unknown in its unit; a share as a fraction."""
    outcome: WorldOutcome
    why: str
    """Why it is not `held`: `beyond staff`, `closed`, `load`, `near`, `beyond bounds` or `not confirmed`; else
    empty."""
    best: tuple[Best, ...]
    """Of each target with unlimited staff; empty where the world is impossible."""
    people: dict[str, int]
    """By path, at the posts that were decided; empty where no staffing was found."""
    fte: float
    """Full-time equivalents of all pools; NaN where no staffing was found."""
    on_duty: float
    """People on duty at a time, on average over the week, of all pools."""
    binding: str
    """The target that uses up most of what it allows with that staffing."""
    replications: int
    """That were run in all."""

    @property
    def possible(self) -> bool:
        return self.outcome != "impossible"

    @property
    def failing(self) -> list[int]:
        """The targets, by number, that unlimited staff misses, the one that fails first before the others."""
        missed = [k for k, one in enumerate(self.best) if one.missed]
        return sorted(missed, key=lambda k: (-self.best[k].used, k))

    @property
    def worst(self) -> float:
        """How much of what it allows the worst target uses up with unlimited staff; NaN where that is not known."""
        return max((one.used for one in self.best if not math.isnan(one.used)), default=math.nan)


@dataclass(frozen=True)
class Look:
    """The work on one world, from its number to a record of what staff can do in it; it can cross processes."""

    scenario: Scenario
    unknowns: tuple[PlausibleRange, ...]
    points: tuple[tuple[float, ...], ...]
    """The numbers of the unknowns, world by world."""
    replications: int
    more_than: float
    pools: Mapping[str, Bounds] | None
    allow_overload: bool
    engine: Engine

    def __call__(self, index: int) -> Piece:
        return as_piece(self.world(index))

    @property
    def for_forks(self) -> bool:
        """Whether forks can do it: the tips that it draws are of no use to another world."""
        return self.engine == "compiled"

    def __getstate__(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @cached_property
    def _variations(self) -> tuple[Variations, threading.Lock]:
        return Variations(self.scenario), threading.Lock()

    def made(self, index: int) -> Scenario | None:
        """The scenario of a world; None where the document does not allow it."""
        values = values_at(self.points[index], self.unknowns)
        variations, alone = self._variations
        with alone:  # a document remembers what it has read
            try:
                return variations.at(values)
            except ScenarioError:
                # The document takes each value by itself: what fails is how they go together.
                return None

    def world(self, index: int) -> PlausibleWorld:
        """What staff can do in a world."""
        numbers = self.points[index]
        scenario = self.made(index)
        if scenario is None:
            return PlausibleWorld(numbers, "impossible", "", (), {}, math.nan, math.nan, "", 0)
        trials = Trials(scenario.run.seed, Settings(engine=self.engine))
        found, n = limits(scenario, trials, self.replications), self.replications
        if not any(one.beyond_staff for one in found) and not self._leans(scenario, trials, n):
            n *= CLOSELY
            found = limits(scenario, trials, n, hurried=False)
        best = tuple(_best(one) for one in found)
        none = PlausibleWorld(numbers, "no staff", "beyond staff", best, {}, math.nan, math.nan, "", trials.n_done)
        if any(one.beyond_staff for one in found):
            return none
        if any(one.more_staff == "hours" for one in found):
            return replace(none, why="closed")
        if not self.allow_overload and least_fte(scenario, self.pools) > self.more_than:
            return replace(none, outcome="more", why="load")
        if not self._leans(scenario, trials, n):
            # A search would go through all there is for what is hardly there.
            return replace(none, outcome="undecided", why="near")
        return self._searched(scenario, trials, none)

    def _leans(self, scenario: Scenario, trials: Trials, replications: int) -> bool:
        """Whether every target leans to hold with unlimited staff."""
        sample = trials.sample(unlimited(scenario), replications, only_targets=True)
        return all(one.verdict == "met" for one in leanings(sample, scenario.run.confidence))

    def _searched(self, scenario: Scenario, trials: Trials, none: PlausibleWorld) -> PlausibleWorld:
        answer = cheapest(
            boundless(scenario),
            trials=trials,
            pools=self.pools,
            replications=self.replications,
            most_effort=NO_EXCHANGES,
            allow_overload=self.allow_overload,
        )
        n = trials.n_done
        if answer.staffing is not None:
            assert answer.confirmation is not None
            n += answer.confirmation.n_replications
            staffed = answer.staffed
            needed = fte(staffed)
            return replace(
                none,
                outcome="held" if needed <= self.more_than else "more",
                why="",
                people=answer.by_path,
                fte=needed,
                on_duty=on_duty(staffed),
                binding=answer.confirmation.joint.binding or "",
                replications=n,
            )
        if answer.top is None or answer.top.verdict != "missed":
            return replace(none, outcome="undecided", why=answer.why or "", replications=n)
        if self.pools is not None:
            return replace(none, outcome="more", why="beyond bounds", replications=n)
        # As many as could ever be busy at once miss it, though they were not shown to by fewer replications.
        missed = {one.name for one in answer.top.results if one.verdict == "missed"}
        names = list(scenario.targets)
        best = tuple(replace(one, missed=one.missed or names[k] in missed) for k, one in enumerate(none.best))
        return replace(none, why="beyond bounds", best=best, replications=n)


def _best(limit: Limit) -> Best:
    one = limit.result
    return Best(one.in_unit(one.value), one.in_unit(one.low), one.in_unit(one.high), one.used, limit.beyond_staff)


def least_fte(scenario: Scenario, pools: Mapping[str, Bounds] | None) -> float:
    """Full-time equivalents below which the line of some pool grows without end, whoever is where.

    That is the work that comes to stages where nobody gives up, over what a person does at a time; people at pools that
    are not decided are as they are.
    """
    chosen = {one[0] for one in decided(boundless(scenario), pools)}
    work = sure_work(scenario, chosen)
    hours = sum(paid_hours(scenario, name) for name in scenario.pools if name not in chosen)
    for stage, erlangs in zip(scenario.stages, work, strict=True):
        if stage.pool is not None and stage.patience is None and set(stage.pools) <= chosen:
            able = max(scenario.pools[name].capacity for name in stage.pools)
            cheapest_ = min(stage.pools, key=lambda name: shrinkage(scenario, name))
            hours += paid(scenario, cheapest_, float(erlangs) * 168 / able)
    return full_time(scenario, hours)


def on_duty(scenario: Scenario) -> float:
    """People on duty at a time, on average over the week, in all pools."""
    return sum(seat_hours(scenario, name) for name in scenario.pools) / 168


# Records


def as_piece(world: PlausibleWorld) -> Piece:
    """The record of a world, as it is kept."""
    best = [(one.value, one.low, one.high, one.used, one.missed) for one in world.best]
    return {
        "numbers": np.array(world.numbers),
        "outcome": np.array([world.outcome, world.why, world.binding]),
        "best": np.array(best, dtype=float).reshape(-1, 5),
        "path": np.array(list(world.people), dtype=str),
        "people": np.array(list(world.people.values()), dtype=np.int64),
        "told": np.array([world.fte, world.on_duty, world.replications], dtype=float),
    }


def of_piece(piece: Piece) -> PlausibleWorld:
    """The world of a record."""
    outcome, why, binding = (str(one) for one in piece["outcome"])
    needed, there, replications = (float(one) for one in piece["told"])
    return PlausibleWorld(
        numbers=tuple(float(one) for one in piece["numbers"]),
        outcome=next(one for one in OUTCOMES if one == outcome),
        why=why,
        best=tuple(Best(float(a), float(b), float(c), float(d), bool(e)) for a, b, c, d, e in piece["best"]),
        people={str(path): int(n) for path, n in zip(piece["path"], piece["people"], strict=True)},
        fte=needed,
        on_duty=there,
        binding=binding,
        replications=int(replications),
    )


def boundless(scenario: Scenario) -> Scenario:
    """The scenario without ranges of staff: they bound the search of `staff`, and this one has a bound of its own."""
    return scenario.model_copy(update={"plausible": {}})
