"""Several scenarios before the same tips: what each target comes to in each, and what is more than noise between them.

The first is the base. All differences of a table hold together with the scenario's confidence, so that a table in which
nothing differs shows a difference at most as rarely as that allows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.measures.estimates import Difference, difference
from sim.measures.held import VALUE
from sim.measures.kinds import Floats
from sim.measures.targets import Joint, TargetResult, joint, results
from sim.measures.use import uses
from sim.scenario.chance import is_certain
from sim.scenario.targets import Target
from sim.studies.trials import QuestionError, Trials

if TYPE_CHECKING:
    from sim.measures.sample import Sample
    from sim.scenario.schema import Scenario


@dataclass(frozen=True, slots=True)
class Cost:
    """What a scenario pays a week, in all pools together."""

    paid_hours: float
    """Overtime included."""
    overtime_hours: float
    fte: float
    money: float
    """Paid hours times the prices of the pools."""


@dataclass(frozen=True, slots=True, eq=False)
class Contender:
    """One of the scenarios compared."""

    label: str
    scenario: Scenario
    results: Mapping[str, TargetResult]
    """By target, each with its own interval."""
    joint: Joint
    cost: Cost


@dataclass(frozen=True, slots=True)
class TargetChange:
    """What a target differs by from the base."""

    label: str
    target: str
    difference: Difference
    """Other less base: a share, or ticks."""
    scale: float
    """What it is divided by to be told in the unit of the target."""
    better: bool
    """Whether it moves the target to its good side, real or not."""
    pairing: float
    """Width of the interval over that of runs on tips of their own; NaN where that has none."""
    pairing_by_tips: float
    """What that would be if tips fared independently, and only as many otherwise as the difference needs: for a share,
    why pairing cannot do much better. NaN for other measures."""
    asks_otherwise: bool
    """Whether the two scenarios ask something else under this name."""

    @property
    def matters(self) -> bool:
        """Whether the scenario differs in what is asked of both, and by more than noise."""
        return self.difference.real and not self.asks_otherwise

    @property
    def nothing(self) -> bool:
        """Whether not one replication differs."""
        return self.difference == Difference(0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class SideBySide:
    """Scenarios side by side, the base first."""

    contenders: tuple[Contender, ...]
    changes: tuple[TargetChange, ...]
    """Of every contender but the base, target by target, where both have it and it is of one kind."""
    replications: int
    certain: bool
    """Whether nothing is left to chance in any of them: each is run once, and differences are exact."""
    seed: int
    confidence: float

    @property
    def base(self) -> Contender:
        return self.contenders[0]

    @property
    def scenario(self) -> Scenario:
        return self.base.scenario

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets of all, in the order in which they come first."""
        return tuple(dict.fromkeys(name for one in self.contenders for name in one.results))

    def first(self, target: str) -> TargetResult:
        """What a target came to in the first scenario that has one of that name."""
        return next(one.results[target] for one in self.contenders if target in one.results)

    def of(self, label: str) -> tuple[TargetChange, ...]:
        """The changes of one contender."""
        return tuple(change for change in self.changes if change.label == label)


def compare(scenarios: Sequence[tuple[str, Scenario]], trials: Trials, replications: int | None = None) -> SideBySide:
    """Scenarios, each with a label of its own, on the same tips: those of the seed of the trials.

    As many replications of each as the first asks for if none are given. QuestionError for less than two scenarios, and
    for labels that are not distinct.
    """
    labels = [label for label, _ in scenarios]
    if len(labels) < 2:
        raise QuestionError("there is nothing to compare: give several files, or one that has variants")
    if len(set(labels)) < len(labels):
        raise QuestionError(f"scenarios to compare have a label each, all different (got {labels})")
    run = scenarios[0][1].run
    n = run.replications if replications is None else replications
    certain = all(is_certain(scenario) for _, scenario in scenarios)
    trials.ahead([scenario for _, scenario in scenarios], n, paired=not certain)
    samples = [(label, trials.sample(scenario, n, paired=not certain)) for label, scenario in scenarios]
    return SideBySide(
        contenders=tuple(_contender(label, sample) for label, sample in samples),
        changes=tuple(changes(samples, run.confidence, certain)),
        replications=1 if certain else n,
        certain=certain,
        seed=trials.seed,
        confidence=run.confidence,
    )


def _contender(label: str, sample: Sample) -> Contender:
    found = {one.name: one for one in results(sample)}
    return Contender(label, sample.frame.scenario, found, joint(sample), cost(sample))


def cost(sample: Sample) -> Cost:
    """What a sample pays a week, in all pools together."""
    whole = [one for one in uses(sample) if one.whole]
    return Cost(
        paid_hours=sum(one.paid_hours for one in whole),
        overtime_hours=sum(one.overtime_hours for one in whole),
        fte=sum(one.fte for one in whole),
        money=sum(one.cost for one in whole),
    )


def changes(samples: Sequence[tuple[str, Sample]], confidence: float, certain: bool = False) -> list[TargetChange]:
    """What each target differs by from the first of labelled samples, on as many replications of the same tips.

    They hold together with this confidence; `certain` says that nothing is left to chance in any of them.
    """
    (_, base), *others = samples
    named = _by_name(base)
    pairs = [
        (label, name, named[name], other)
        for label, sample in others
        for name, other in _by_name(sample).items()
        if name in named and named[name][0].kind == other[0].kind
    ]
    return [_change(label, name, one, other, confidence, len(pairs), certain) for label, name, one, other in pairs]


_Named = tuple[Target, Floats]


def _by_name(sample: Sample) -> dict[str, _Named]:
    """Each target with its (n_replications, 2) numerators and denominators, weighed."""
    return {
        name: (target, sample.of(k).pairs(VALUE))
        for k, (name, target) in enumerate(sample.frame.scenario.targets.items())
    }


def _change(
    label: str, name: str, one: _Named, other: _Named, confidence: float, family: int, certain: bool
) -> TargetChange:
    (target, base), (other_target, changed) = one, other
    goal = target.goal
    most = goal.most
    found = difference((base[:, 0], base[:, 1]), (changed[:, 0], changed[:, 1]), confidence, family=family, most=most)
    alone = 0.0 if certain else _unpaired(base, changed, confidence, family, most)
    return TargetChange(
        label=label,
        target=name,
        difference=found.without_chance if certain else found,
        scale=goal.scale,
        better=found.value > 0 if goal.side == "at_least" else found.value < 0,
        pairing=(found.high - found.low) / alone if alone else float("nan"),
        pairing_by_tips=_by_tips(base, changed) if target.by_tip and target.hold is None else float("nan"),
        asks_otherwise=target != other_target,
    )


def _unpaired(base: Floats, changed: Floats, confidence: float, family: int, most: float) -> float:
    """Width of the interval of the difference, had each run met tips of its own: the variances then add up."""
    total, n = 0.0, len(base)
    for pairs in (base, changed):
        nothing = np.zeros(n), np.ones(n)
        alone = difference(nothing, (pairs[:, 0], pairs[:, 1]), confidence, family=family, most=most)
        total += (alone.high - alone.low) ** 2
    return float(np.sqrt(total))


def _by_tips(base: Floats, changed: Floats) -> float:
    """Spread of a difference of shares when d of the tips fare otherwise, over that of two independent shares."""
    p, q = (float(pairs[:, 0].sum() / pairs[:, 1].sum()) if pairs[:, 1].any() else 0.0 for pairs in (base, changed))
    d = abs(q - p)
    both = p * (1 - p) + q * (1 - q)
    return float(np.sqrt(d * (1 - d) / both)) if both else float("nan")
