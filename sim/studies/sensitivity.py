"""Sensitivity: over the plausible ranges, how often the claims hold together, what decides it, and where it turns.

All points meet the same tips, so that two of them differ by what their values do and not by chance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.measures.estimates import Estimate, share_interval
from sim.studies.effects import Design, Effects
from sim.studies.unknowns import Box, Outcome, Unknown

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario
    from sim.studies.trials import Trials

N_ROWS: Final = 64
"""Rows of the design, unless another number is asked for: intervals of effects are some 0.2 to each side."""

N_STEPS: Final = 8
"""Steps along a range in which a turn of the verdict is looked for."""

FINEST: Final = 1 / 500
"""A turn is told to this part of its range."""


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

    unknown: Unknown
    holds_at_ends: tuple[bool, bool]
    turns: tuple[Turn, ...]
    """In the order of the range; none where all or none of it holds."""


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What the ranges do to the targets."""

    scenario: Scenario
    unknowns: tuple[Unknown, ...]
    present: tuple[float | None, ...]
    now: Outcome
    """With all values as the file has them."""
    replications: int
    """Of a point of the design."""
    n_rows: int
    outcomes: tuple[tuple[Outcome, ...], ...]
    """Row by row of the design; the first two of a row are points of the samples, the others mix them."""
    share: Estimate
    """Of the ranges, taken as equally likely throughout, in which all targets hold."""
    together: Effects
    """On whether all targets hold; unknown where that is the same at every point."""
    each: dict[str, Effects]
    """On the margin of each target."""
    along: tuple[Along, ...]
    n_run: int
    """Scenarios that were run."""

    @property
    def sampled(self) -> list[Outcome]:
        """The points that are spread over the ranges and possible."""
        return [outcome for row in self.outcomes for outcome in row[:2] if outcome.possible]

    @property
    def every(self) -> list[Outcome]:
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
        totals = [one.value for one in self.deciding.total]
        return sorted(range(len(totals)), key=lambda i: (-np.nan_to_num(totals[i], nan=-1.0), i))


def sensitivity(
    box: Box, trials: Trials, *, n_rows: int = N_ROWS, expect: Callable[[int], None] = lambda _: None
) -> Sensitivity:
    """Run the design over a box of unknowns, and look along each of its ranges.

    `n_rows` is rounded up to a power of 2; (unknowns + 2) points a row are run, and some 15 along each range, these
    with all replications of the scenario where few do not decide. `expect` is told about how many replications there
    will be.
    """
    scenario, confidence = box.scenario, box.scenario.run.confidence
    design = Design(len(box.unknowns), 1 << max(n_rows - 1, 1).bit_length(), scenario.run.seed)
    distinct = {tuple(u.number(part) for u, part in zip(box.unknowns, p, strict=True)) for p in _points(design)}
    near = 6 * max(scenario.run.replications - box.replications, 0)
    expect(box.replications * len(distinct) + (15 * box.replications + near) * len(box.unknowns))
    outcomes = tuple(tuple(box.at(tuple(point), trials) for point in row) for row in design.points)
    held = np.array([[float(one.holds) if one.possible else np.nan for one in row] for row in outcomes])
    sampled = [one for row in outcomes for one in row[:2] if one.possible]
    return Sensitivity(
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


def _along(box: Box, unknown: Unknown, trials: Trials) -> Along:
    def at(number: float) -> Outcome:
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


def _narrowed(unknown: Unknown, at: Callable[[float], Outcome], low: float, high: float) -> tuple[float, float]:
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


def _between(unknown: Unknown, low: float, high: float, part: float) -> float:
    number = low + (high - low) * part
    return float(round(number)) if unknown.range.whole else float(f"{number:.6g}")
