"""Sensitivity: over the plausible ranges, how often the claims hold together, what decides it, and where it turns.

The ranges of a scenario are a box of unknowns. All its points meet the same tips, so that two of them differ by what
their values do and not by chance.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.measures.estimates import Estimate, Verdict, by_size, share_interval
from sim.measures.held import SPOKE, SURELY
from sim.measures.sample import Sample
from sim.measures.targets import TargetResult, joint
from sim.scenario.choices import UNITS
from sim.scenario.faults import ScenarioError
from sim.scenario.plausible import Plausible
from sim.studies.effects import Design, Effects
from sim.studies.ranges import Variations, column, in_unit, rounded
from sim.studies.trials import QuestionError, Trials

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

N_ROWS: Final = 64
"""Rows of the design, unless another number is asked for: intervals of effects are some 0.2 to each side."""

FEW: Final = 4
"""Replications of a point, unless another number is asked for: points tell more than replications do."""

N_STEPS: Final = 8
"""Steps along a range in which a turn of the verdict is looked for."""

FINEST: Final = 1 / 500
"""A turn is told to this part of its range."""

DIGITS: Final = 6
"""Significant digits of a value drawn from a range, so that it reads well where it is written."""


@dataclass(frozen=True, slots=True)
class PlausibleRange:
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
        """The number that so large a part of the declared values lies below, from 0 to 1."""
        found = self.range.quantile(part)
        return found if self.range.whole else rounded(found, DIGITS)


@dataclass(frozen=True, slots=True)
class PointOutcome:
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


class RangeBox:
    """The unknowns of a scenario, and what it comes to at values of them; each point is run once."""

    def __init__(self, scenario: Scenario, replications: int, *, with_staff: bool = False):
        """QuestionError where there is nothing to study, no target or no range; ScenarioError where the document does
        not take an end of a range."""
        if not scenario.targets:
            raise QuestionError("sensitivity needs targets, and the scenario has none")
        self.scenario, self.replications = scenario, replications
        self.unknowns = unknowns(scenario, with_staff=with_staff)
        if not self.unknowns:
            staff = any(is_staff(path) for path in scenario.plausible)
            raise QuestionError(
                "sensitivity needs unknowns under `plausible:`, and the scenario has none"
                + (" but staff, which is a bound for `staff`; --with-staff takes it in" if staff else "")
            )
        self.n_run = 0
        """Points run so far, those left out that came twice."""
        self._variations = Variations(scenario)
        try_ends(self._variations, self.unknowns)
        self._found: dict[tuple[tuple[str, float], ...], PointOutcome] = {}
        self._closely: dict[tuple[tuple[str, float], ...], PointOutcome] = {}

    @property
    def present(self) -> tuple[float | None, ...]:
        """The value of each unknown in the file, in its unit; None where the file says none."""
        return tuple(self._present(unknown) for unknown in self.unknowns)

    def at(self, point: Sequence[float], trials: Trials) -> PointOutcome:
        """What comes of a point of the unit cube."""
        return self.with_numbers(self._numbers(point), trials)

    def with_numbers(self, numbers: Mapping[str, float], trials: Trials) -> PointOutcome:
        """What comes of some unknowns having these numbers, by path, and the others what the file says."""
        key = tuple(sorted(numbers.items()))
        if key not in self._found:
            self._found[key] = self._run(numbers, trials, self.replications)
            self.n_run += self._found[key].possible
        return self._found[key]

    def ahead(self, points: Iterable[Sequence[float]], trials: Trials) -> None:
        """Run points of the unit cube that will be asked for, all at once where a cluster can do that."""
        if trials.settings.cluster is not None:
            made = (self._world(self._numbers(point)) for point in points)
            trials.ahead([one for one in made if one is not None], self.replications, only_targets=True)

    def closely(self, numbers: Mapping[str, float], trials: Trials) -> PointOutcome:
        """The same, with all replications of the scenario where the few of a point do not decide."""
        found = self.with_numbers(numbers, trials)
        if found.verdict != "undecided" or not 0 < found.replications < self.scenario.run.replications:
            return found
        key = tuple(sorted(numbers.items()))
        if key not in self._closely:
            self._closely[key] = self._run(numbers, trials, self.scenario.run.replications)
        return self._closely[key]

    def _run(self, numbers: Mapping[str, float], trials: Trials, replications: int) -> PointOutcome:
        told = tuple(
            numbers.get(unknown.path, math.nan if present is None else present)
            for unknown, present in zip(self.unknowns, self.present, strict=True)
        )
        world = self._world(numbers)
        if world is None:
            nothing = (math.nan,) * len(self.scenario.targets)
            return PointOutcome(told, 0, math.nan, "undecided", None, (), nothing)
        return _outcome(told, trials.sample(world, replications, only_targets=True))

    def _numbers(self, point: Sequence[float]) -> dict[str, float]:
        return {unknown.path: unknown.number(part) for unknown, part in zip(self.unknowns, point, strict=True)}

    def _world(self, numbers: Mapping[str, float]) -> Scenario | None:
        """The scenario at these numbers; None where the document does not allow it."""
        ranges = {unknown.path: unknown.range for unknown in self.unknowns}
        try:
            return self._variations.at({path: ranges[path].value(number) for path, number in numbers.items()})
        except ScenarioError:
            # The document takes each range by itself: what fails is how the values go together.
            return None

    def _present(self, unknown: PlausibleRange) -> float | None:
        value = self._variations.value(unknown.path)
        try:
            return None if value is None else in_unit(value, unknown.unit)
        except ValueError:
            return None


def unknowns(scenario: Scenario, *, with_staff: bool) -> tuple[PlausibleRange, ...]:
    """The plausible ranges, those of staff only if asked for: they bound a search and are nobody's ignorance."""
    return tuple(
        PlausibleRange(path, plausible)
        for path, plausible in scenario.plausible.items()
        if with_staff or not is_staff(path)
    )


def values_at(numbers: Sequence[float], unknowns: Sequence[PlausibleRange]) -> dict[str, Any]:
    """What the document says, by path, where the unknowns have these numbers."""
    return {one.path: one.range.value(number) for one, number in zip(unknowns, numbers, strict=True)}


def try_ends(variations: Variations, unknowns: Sequence[PlausibleRange]) -> None:
    """ScenarioError where the document does not take an end of a range by itself."""
    for one in unknowns:
        for end in (one.range.from_, one.range.to):
            variations.at({one.path: one.range.value(end)})


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


def _outcome(numbers: tuple[float, ...], sample: Sample) -> PointOutcome:
    found = joint(sample)
    spoke, surely = (int(sample.joint[:, UNITS.index("run"), column].sum()) for column in (SPOKE, SURELY))
    return PointOutcome(
        numbers=numbers,
        replications=len(sample),
        held=surely / spoke if spoke else np.nan,
        verdict=found.verdict,
        first=found.binding,
        targets=found.results,
        margins=tuple(margin(one) for one in found.results),
    )


@dataclass(frozen=True, slots=True)
class Turn:
    """Where the verdict turns along one range, the others at their present values."""

    below: float
    above: float
    """The two values, next to each other, between which it turns, in the unit of the range."""
    holds_below: bool
    first: str | None
    """The target that fails first on the side that fails."""

    @property
    def value(self) -> float:
        """Half way between the two."""
        return (self.below + self.above) / 2


@dataclass(frozen=True, slots=True)
class Along:
    """One range, the others at their present values."""

    unknown: PlausibleRange
    holds_at_ends: tuple[bool, bool]
    turns: tuple[Turn, ...]
    """In the order of the range; none where all or none of it holds."""


@dataclass(frozen=True, slots=True)
class SensitivityFound:
    """What the ranges do to the targets."""

    scenario: Scenario
    unknowns: tuple[PlausibleRange, ...]
    present: tuple[float | None, ...]
    now: PointOutcome
    """With all values as the file has them."""
    replications: int
    """Of a point of the design."""
    n_rows: int
    outcomes: tuple[tuple[PointOutcome, ...], ...]
    """Row by row of the design; the first two of a row are points of the samples, the others mix them."""
    share: Estimate
    """Of the ranges, as their values are spread, in which all targets hold."""
    together: Effects
    """On whether all targets hold; unknown where that is the same at every point."""
    each: dict[str, Effects]
    """On the margin of each target."""
    along: tuple[Along, ...]
    n_run: int
    """Scenarios that were run."""

    @property
    def sampled(self) -> list[PointOutcome]:
        """The points that are spread over the ranges and possible."""
        return [outcome for row in self.outcomes for outcome in row[:2] if outcome.possible]

    @property
    def every(self) -> list[PointOutcome]:
        """All points of the design that are possible, each once."""
        return list({one.numbers: one for row in self.outcomes for one in row if one.possible}.values())

    @property
    def n_impossible(self) -> int:
        """Points of the design that the document does not allow."""
        return sum(not outcome.possible for row in self.outcomes for outcome in row)

    @property
    def changes(self) -> bool:
        """Whether the verdict changes anywhere in the ranges."""
        return len({outcome.holds for outcome in self.every}) > 1

    @property
    def holds_everywhere(self) -> bool:
        """Whether all targets hold at every point."""
        return all(outcome.holds for outcome in self.every)

    @property
    def binding(self) -> str | None:
        """The target that fails first at most points that fail, or where none fails comes nearest to it."""
        failing = [one for one in self.every if not one.holds] or self.every
        many = Counter(one.first for one in failing if one.first is not None)
        order = list(self.scenario.targets)
        return min(many, key=lambda name: (-many[name], order.index(name))) if many else None

    @property
    def deciding(self) -> Effects:
        """The effects by which the ranges are ranked: on all together, or where that never changes on what binds."""
        if self.changes:
            return self.together
        return self.each[self.binding] if self.binding is not None else self.together

    @property
    def ranked(self) -> list[int]:
        """The unknowns by their total effect, the one that matters most first."""
        return by_size(self.deciding.total)


def sensitivity(box: RangeBox, trials: Trials, *, n_rows: int = N_ROWS) -> SensitivityFound:
    """Run the design over a box of unknowns, and look along each of its ranges.

    `n_rows` is rounded up to a power of 2; (unknowns + 2) points a row are run, and some 15 along each range, these
    with all replications of the scenario where few do not decide.
    """
    scenario, confidence = box.scenario, box.scenario.run.confidence
    design = Design(len(box.unknowns), 1 << max(n_rows - 1, 1).bit_length(), scenario.run.seed)
    distinct = {tuple(u.number(part) for u, part in zip(box.unknowns, p, strict=True)) for p in _points(design)}
    near = 6 * max(scenario.run.replications - box.replications, 0)
    trials.settings.expect(box.replications * len(distinct) + (15 * box.replications + near) * len(box.unknowns))
    box.ahead(_points(design), trials)
    outcomes = tuple(tuple(box.at(tuple(point), trials) for point in row) for row in design.points)
    held = np.array([[float(one.holds) if one.possible else np.nan for one in row] for row in outcomes])
    sampled = [one for row in outcomes for one in row[:2] if one.possible]
    return SensitivityFound(
        scenario=scenario,
        unknowns=box.unknowns,
        present=box.present,
        now=box.closely({}, trials),
        replications=box.replications,
        n_rows=len(outcomes),
        outcomes=outcomes,
        share=share_interval([one.holds for one in sampled], np.ones(len(sampled)), confidence),
        together=design.effects(held, confidence),
        each={
            name: design.effects(np.array([[one.margins[k] for one in row] for row in outcomes]), confidence)
            for k, name in enumerate(scenario.targets)
        },
        along=tuple(_along(box, unknown, trials) for unknown in box.unknowns),
        n_run=box.n_run,
    )


def _points(design: Design) -> Iterator[tuple[float, ...]]:
    return (tuple(point) for row in design.points for point in row)


def _along(box: RangeBox, unknown: PlausibleRange, trials: Trials) -> Along:
    def at(number: float) -> PointOutcome:
        return box.closely({unknown.path: number}, trials)

    low, high = unknown.range.from_, unknown.range.to
    numbers = list(dict.fromkeys(_between(unknown, low, high, step / N_STEPS) for step in range(N_STEPS + 1)))
    outcomes = [at(number) for number in numbers]
    turns = []
    for one, other in pairwise(numbers):
        if at(one).possible and at(other).possible and at(one).holds != at(other).holds:
            below, above = _narrowed(unknown, at, one, other)
            failing = at(above) if at(below).holds else at(below)
            turns.append(Turn(below, above, at(below).holds, failing.first))
    return Along(unknown, (outcomes[0].holds, outcomes[-1].holds), tuple(turns))


def _narrowed(
    unknown: PlausibleRange, at: Callable[[float], PointOutcome], low: float, high: float
) -> tuple[float, float]:
    """Two values close together between which the verdict turns as it does between these two."""
    finest = 1.0 if unknown.range.whole else (unknown.range.to - unknown.range.from_) * FINEST
    holds = at(low).holds
    while high - low > finest:
        middle = _between(unknown, low, high, 0.5)
        if middle in (low, high):
            break
        if at(middle).holds == holds:
            low = middle
        else:
            high = middle
    return low, high


def _between(unknown: PlausibleRange, low: float, high: float, part: float) -> float:
    number = low + (high - low) * part
    return float(round(number)) if unknown.range.whole else float(f"{number:.6g}")
