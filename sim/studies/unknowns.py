"""The plausible ranges of a scenario as a box of unknowns, and what the scenario comes to at a point of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.measures.estimates import Verdict
from sim.measures.frame import UNITS
from sim.measures.held import SPOKE, SURELY
from sim.measures.sample import Sample
from sim.measures.targets import TargetResult, joint
from sim.scenario.faults import ScenarioError
from sim.scenario.plausible import Plausible
from sim.studies.ranges import Variations, column, in_unit, rounded

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario
    from sim.studies.trials import Trials

DIGITS: Final = 6
"""Significant digits of a value drawn from a range, so that it reads well where it is written."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """One plausible range."""

    path: str
    range: Plausible

    @property
    def unit(self) -> str:
        return self.range.unit

    @property
    def column(self) -> str:
        """The path as the head of a column, with its unit."""
        return column(self.path, self.unit)

    def number(self, part: float) -> float:
        """The number that lies so far along the range, from 0 to 1; of whole numbers each has an equal part."""
        low, high = self.range.from_, self.range.to
        if self.range.whole:
            return low + min(math.floor(part * (high - low + 1)), high - low)
        return rounded(low + part * (high - low), DIGITS)

    def place(self, number: float) -> float:
        """How far along the range a number lies: 0 at its lower end, 1 at its upper."""
        low, high = self.range.from_, self.range.to
        return (number - low) / (high - low) if high > low else 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the scenario came to at one point, over all its replications."""

    numbers: tuple[float, ...]
    """The value of each unknown in its unit; a share as a fraction."""
    replications: int
    """0 where the document does not allow the point."""
    held: float
    """The share of the runs in which all targets hold."""
    verdict: Verdict
    """On all targets at once, by simultaneous intervals."""
    first: str | None
    """The target that fails first: it uses up most of what it allows."""
    targets: tuple[TargetResult, ...]
    margins: tuple[float, ...]
    """How far each target is on the good side of its threshold: a share, or minutes; negative where it
    fails, NaN where nothing was counted."""

    @property
    def possible(self) -> bool:
        return self.replications > 0

    @property
    def holds(self) -> bool:
        """Whether every target that judged anything is on the good side, by what the replications came to together."""
        return self.possible and all(margin >= 0 for margin in self.margins if not math.isnan(margin))


class Box:
    """The unknowns of a scenario, and what it comes to at values of them; each point is run once."""

    def __init__(self, scenario: Scenario, replications: int, *, with_staff: bool = False):
        """ValueError where there is nothing to study, no target or no range; ScenarioError where the document does not
        take an end of a range."""
        if not scenario.targets:
            raise ValueError("sensitivity needs targets, and the scenario has none")
        self.scenario, self.replications = scenario, replications
        self.unknowns = unknowns(scenario, with_staff=with_staff)
        if not self.unknowns:
            staff = any(is_staff(path) for path in scenario.plausible)
            raise ValueError(
                "sensitivity needs unknowns under `plausible:`, and the scenario has none"
                + (" but staff, which is a bound for `staff`; --with-staff takes it in" if staff else "")
            )
        self.n_run = 0
        """Points run so far, those left out that came twice."""
        self._variations = Variations(scenario)
        for unknown in self.unknowns:
            for end in (unknown.range.from_, unknown.range.to):
                self._variations.at({unknown.path: unknown.range.value(end)})
        self._found: dict[tuple[tuple[str, float], ...], Outcome] = {}
        self._closely: dict[tuple[tuple[str, float], ...], Outcome] = {}

    @property
    def present(self) -> tuple[float | None, ...]:
        """The value of each unknown in the file, in its unit; None where the file says none."""
        return tuple(self._present(unknown) for unknown in self.unknowns)

    def at(self, point: Sequence[float], trials: Trials) -> Outcome:
        """What comes of a point of the unit cube."""
        numbers = {unknown.path: unknown.number(part) for unknown, part in zip(self.unknowns, point, strict=True)}
        return self.with_numbers(numbers, trials)

    def with_numbers(self, numbers: Mapping[str, float], trials: Trials) -> Outcome:
        """What comes of some unknowns having these numbers, by path, and the others what the file says."""
        key = tuple(sorted(numbers.items()))
        if key not in self._found:
            self._found[key] = self._run(numbers, trials, self.replications)
            self.n_run += self._found[key].possible
        return self._found[key]

    def closely(self, numbers: Mapping[str, float], trials: Trials) -> Outcome:
        """The same, with all replications of the scenario where the few of a point do not decide."""
        found = self.with_numbers(numbers, trials)
        if found.verdict != "undecided" or not 0 < found.replications < self.scenario.run.replications:
            return found
        key = tuple(sorted(numbers.items()))
        if key not in self._closely:
            self._closely[key] = self._run(numbers, trials, self.scenario.run.replications)
        return self._closely[key]

    def _run(self, numbers: Mapping[str, float], trials: Trials, replications: int) -> Outcome:
        told = tuple(
            numbers.get(unknown.path, math.nan if present is None else present)
            for unknown, present in zip(self.unknowns, self.present, strict=True)
        )
        ranges = {unknown.path: unknown.range for unknown in self.unknowns}
        try:
            world = self._variations.at({path: ranges[path].value(number) for path, number in numbers.items()})
        except ScenarioError:
            # The document takes each range by itself: what fails is how the values go together.
            nothing = (math.nan,) * len(self.scenario.targets)
            return Outcome(told, 0, math.nan, "undecided", None, (), nothing)
        return _outcome(told, trials.sample(world, replications, only_targets=True))

    def _present(self, unknown: Unknown) -> float | None:
        value = self._variations.value(unknown.path)
        try:
            return None if value is None else in_unit(value, unknown.unit)
        except ValueError:
            return None


def unknowns(scenario: Scenario, *, with_staff: bool) -> tuple[Unknown, ...]:
    """The plausible ranges, those of staff only if asked for: they bound a search and are nobody's ignorance."""
    return tuple(
        Unknown(path, plausible) for path, plausible in scenario.plausible.items() if with_staff or not is_staff(path)
    )


def is_staff(path: str) -> bool:
    """Whether a path is a number of people.

    >>> is_staff("pools.desk.staff"), is_staff("pools.desk.shifts.0.staff"), is_staff("pools.desk.shrinkage")
    (True, True, False)
    """
    parts = path.split(".")
    return parts[0] == "pools" and parts[-1] == "staff"


def margin(result: TargetResult) -> float:
    """How far a target is on the good side of its threshold: a share, or minutes."""
    way = 1 if result.side == "at_least" else -1
    return result.in_unit(way * (result.value - result.threshold))


def _outcome(numbers: tuple[float, ...], sample: Sample) -> Outcome:
    found = joint(sample)
    spoke, surely = (int(sample.joint[:, UNITS.index("run"), column].sum()) for column in (SPOKE, SURELY))
    return Outcome(
        numbers=numbers,
        replications=len(sample),
        held=surely / spoke if spoke else np.nan,
        verdict=found.verdict,
        first=found.binding,
        targets=found.results,
        margins=tuple(margin(one) for one in found.results),
    )
