"""Whether a scenario comes to what was observed: unknowns are fitted to some of it, the rest is predicted.

The test is one of equivalence, on both sides: a value is *reproduced* if the whole interval lies within the tolerance
of what was observed, *not reproduced* if all of it lies outside, else *undecided*. What a fit was made to is told apart
from what it predicts. Unknowns are fitted by bounded least squares on common draws, few replications at a time; what
they are unsure by widens the intervals of what is predicted with them.

Source of the test: D. L. Schuirmann, J. Pharmacokinetics and Biopharmaceutics 15 (1987), with the interval of the run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sim.measures.targets import TargetResult, results
from sim.scenario import units
from sim.scenario.faults import Mark
from sim.scenario.fields import hint
from sim.scenario.loading import Document
from sim.scenario.plausible import Observed, Unknown, fitted_to, groups
from sim.scenario.tree import of_plain
from sim.studies.ranges import as_written, in_unit, rounded
from sim.studies.trials import QuestionError, Trials

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

Floats = NDArray[np.float64]
Reproduction = Literal["reproduced", "not reproduced", "undecided"]
Role = Literal["fitted", "predicted"]

FEW: Final = 8
"""Replications at each step of a fit; those of the run, where these are fewer."""
MOST_STEPS: Final = 12
"""Steps of the search for each group of unknowns."""
STEP: Final = 0.04
"""Part of its range by which an unknown is moved to see what that changes."""
CLOSE: Final = 2e-3
"""Part of its range at which an unknown stands still: the search ends."""
EDGE: Final = 0.004
"""Part of its range from an end at which an unknown lies at that end."""
DIGITS: Final = 6
"""Significant digits of the values that are tried."""
LOG_FROM: Final = 4.0
"""A range is searched by factors where its ends lie so many times apart, or more."""
NOTHING: Final = 1e3
"""How many tolerances off a value counts that could not be measured."""


@dataclass(frozen=True, slots=True)
class ObservedResult:
    """A value that was observed, and what the scenario comes to; shares, or ticks."""

    name: str
    observed: Observed
    variant: str | None
    result: TargetResult
    value: float
    """What was observed."""
    tolerance: float
    give_or_take: float
    role: Role
    low: float
    high: float
    """The interval of what the scenario comes to; of what is predicted, with what the fitted values are unsure by."""

    @property
    def off(self) -> float:
        """How far the scenario is off, in tolerances; negative where it comes to less."""
        return (self.result.value - self.value) / self.tolerance

    @property
    def sense(self) -> Reproduction:
        """Whether it is reproduced: what the observed value itself may be off by is added to either side."""
        low, high = self.low - self.give_or_take - self.value, self.high + self.give_or_take - self.value
        if math.isnan(self.result.value):
            return "undecided"
        # Sums of shares miss their last digit.
        least, most = -self.tolerance * (1 + 1e-9), self.tolerance * (1 + 1e-9)
        if least <= low and high <= most:
            return "reproduced"
        return "not reproduced" if low > most or high < least else "undecided"

    def in_unit(self, value: float) -> float:
        """A share, or ticks as minutes."""
        return self.result.in_unit(value)


@dataclass(frozen=True, slots=True)
class FittedUnknown:
    """An unknown as it was fitted; numbers in its unit."""

    name: str
    unknown: Unknown
    value: float
    low: float
    high: float
    """The interval that follows from how unsure the runs and the observed values are; as wide as the range at most."""
    before: float | None
    """What the document has there; None where it says nothing."""
    at_end: bool
    """Whether it lies at an end of its range, so that what would fit may lie beyond."""

    @property
    def written(self) -> float | int | str:
        """As the document would have it."""
        return as_written(self.value, self.unknown.unit, whole=False)


@dataclass(frozen=True, slots=True)
class ValidateFound:
    """What was observed and what was fitted, with what the scenario then comes to."""

    scenario: Scenario
    """As the file has it."""
    seen: tuple[ObservedResult, ...]
    fits: tuple[FittedUnknown, ...]
    replications: int
    steps: int
    """Points that the search tried."""

    def of(self, role: Role) -> list[ObservedResult]:
        """Those that something was fitted to, or those that are predicted."""
        return [one for one in self.seen if one.role == role]


def validate(load: Callable[[str | None], Scenario], trials: Trials) -> ValidateFound:
    """Fit what is to be fitted and hold the scenario against all that was observed.

    `load` gives the scenario as it stands, or with a variant. QuestionError where nothing was observed, or what was
    cannot be measured so.
    """
    scenario = load(None)
    if not scenario.observed:
        raise QuestionError("nothing was observed: `observed:` says what the line came to, and who says so")
    worlds = {name: _World(load(name), name) for name in {one.variant for one in scenario.observed.values()}}
    search = _Search(scenario, worlds, trials)
    for group in groups(scenario.fit):
        search.fit(group)
    return search.found()


class _World:
    """The scenario as it stands or with one variant, judged by what was observed of it."""

    def __init__(self, scenario: Scenario, variant: str | None):
        self.variant = variant
        self.observed = {name: one for name, one in scenario.observed.items() if one.variant == variant}
        left_out = ("variants", "observed", "fit", "plausible", "targets")
        tree = {key: value for key, value in scenario.tree.items() if key not in left_out}
        targets = {name: _written(scenario, name) for name in self.observed}
        self._document = Document(scenario.path, of_plain(tree | {"targets": targets}, Mark(str(scenario.path))))
        self.scenario = self._document.scenario()
        self._made: dict[tuple[tuple[str, Any], ...], Scenario] = {}

    def at(self, values: Mapping[str, float | int | str]) -> Scenario:
        """The scenario with these values by path; ScenarioError where the document does not take them."""
        key = tuple(values.items())
        if key not in self._made:
            self._made[key] = self._document.scenario(changes=values)
        return self._made[key]

    def before(self, path: str) -> object:
        """What the document has at a path; None where it says nothing of it."""
        from sim.studies.ranges import Variations

        return Variations(self.scenario).value(path)


def _written(scenario: Scenario, name: str) -> Any:
    """An observed quantity as a target of the document."""
    one = scenario.observed[name]
    if one.quantity is not None:
        return scenario.tree["observed"][name]["quantity"]
    assert one.target is not None
    known = scenario.tree.get("targets") or {}
    if one.target not in known:
        raise QuestionError(f"observed.{name}: there is no target '{one.target}'{hint(one.target, known)}")
    return known[one.target]


@dataclass(slots=True)
class _Axis:
    """The range of an unknown as the part of it that a value is at, from 0 to 1."""

    unknown: Unknown

    @property
    def _by_factors(self) -> bool:
        low, high = self.unknown.from_, self.unknown.to
        return low > 0 and high / low >= LOG_FROM

    def number(self, part: float) -> float:
        """The number in its unit at a part of the range."""
        low, high = self.unknown.from_, self.unknown.to
        found = low * (high / low) ** part if self._by_factors else low + (high - low) * part
        return rounded(found, DIGITS)

    def part(self, number: float) -> float:
        """The part of the range at which a number lies; beyond 0 and 1 outside of it."""
        low, high = self.unknown.from_, self.unknown.to
        if self._by_factors:
            return math.log(max(number, low * 1e-6) / low) / math.log(high / low)
        return (number - low) / (high - low)


class _Search:
    """The unknowns on their way to what fits."""

    def __init__(self, scenario: Scenario, worlds: Mapping[str | None, _World], trials: Trials):
        self.scenario, self.worlds, self.trials = scenario, worlds, trials
        self.axes = {name: _Axis(unknown) for name, unknown in scenario.fit.items()}
        self.part: dict[str, float] = {name: self._first(name) for name in self.axes}
        self.few = min(FEW, scenario.run.replications)
        self.steps = 0
        self.unsure: dict[str, dict[str, float]] = {}
        """How far each unknown moves with each observed value that is fitted to, in parts of its range a tolerance."""
        self.sizes = {name: self._sizes(world, name) for world in worlds.values() for name in world.observed}

    def _first(self, name: str) -> float:
        """Where the search begins: at what the document has, if that lies in the range, else in the middle."""
        before = self._before(name)
        part = 0.5 if before is None else self.axes[name].part(before)
        return min(max(part, 0.02), 0.98) if 0 <= part <= 1 else 0.5

    def _before(self, name: str) -> float | None:
        unknown = self.axes[name].unknown
        world = self.worlds.get(unknown.variant) or next(iter(self.worlds.values()))
        try:
            return in_unit(world.before(unknown.path), unknown.unit)
        except ValueError:
            return None

    def _sizes(self, world: _World, name: str) -> tuple[float, float, float]:
        """What was observed, its tolerance and what it may be off by: shares, or ticks."""
        one, target = world.observed[name], world.scenario.targets[name]
        goal = target.goal

        def size(given: object, of: float, what: str) -> float:
            number, unit = units.split(given)
            try:
                if goal.unit == "share":
                    return units.percentage(given)
                return number / 100 * of if unit == "%" else float(units.duration(given))
            except ValueError as error:
                raise QuestionError(f"observed.{name}.{what}: {error} (got '{given}')") from None

        value = goal.threshold
        if one.value is not None:
            value = size(one.value, math.nan, "value")
            if math.isnan(value):
                raise QuestionError(f"observed.{name}.value: is a time (got '{one.value}')")
        give_or_take = 0.0 if one.give_or_take is None else size(one.give_or_take, value, "give_or_take")
        return value, size(one.tolerance, value, "tolerance"), give_or_take

    def _values(self, world: _World, part: Mapping[str, float]) -> dict[str, float | int | str]:
        """What a world's paths are set to; what is fitted in one variant alone stands above what is for all."""
        mine = [name for name, axis in self.axes.items() if axis.unknown.variant in (None, world.variant)]
        mine.sort(key=lambda name: self.axes[name].unknown.variant is not None)
        unknown = {name: self.axes[name].unknown for name in mine}
        return {
            unknown[name].path: as_written(self.axes[name].number(part[name]), unknown[name].unit, whole=False)
            for name in mine
        }

    def _results(self, names: Sequence[str], part: Mapping[str, float], n: int) -> dict[str, TargetResult]:
        """What the observed quantities come to at a point."""
        found: dict[str, TargetResult] = {}
        for world in self.worlds.values():
            if wanted := set(world.observed) & set(names):
                sample = self.trials.sample(world.at(self._values(world, part)), n, only_targets=True)
                found |= {one.name: one for one in results(sample, names=wanted)}
        return found

    def _off(self, names: Sequence[str], part: Mapping[str, float]) -> Floats:
        """How far the scenario is off at a point, in tolerances."""
        found = self._results(names, part, self.few)
        off = np.array([(found[name].value - self.sizes[name][0]) / self.sizes[name][1] for name in names])
        return np.where(np.isfinite(off), off, NOTHING)

    def _slopes(self, names: Sequence[str], unknowns: Sequence[str], part: Mapping[str, float], here: Floats) -> Floats:
        """(n_names, n_unknowns) how many tolerances the scenario moves by, over the range of each unknown."""
        slopes = np.zeros((len(names), len(unknowns)))
        steps = {name: STEP if part[name] + STEP <= 1 else -STEP for name in unknowns}
        moved = {name: {**part, name: part[name] + step} for name, step in steps.items()}
        asked = [world for world in self.worlds.values() if set(world.observed) & set(names)]
        self.trials.ahead(
            (world.at(self._values(world, one)) for world in asked for one in moved.values()),
            self.few,
            only_targets=True,
        )
        for column, (name, step) in enumerate(steps.items()):
            slopes[:, column] = (self._off(names, moved[name]) - here) / step
        return slopes

    def fit(self, group: Sequence[str]) -> None:
        """Move a group of unknowns to where the squares of what is off are least, from where they stand."""
        from scipy.optimize import least_squares

        names = fitted_to(self.scenario.fit, group)

        def point(parts: Floats) -> dict[str, float]:
            return {**self.part, **dict(zip(group, parts.tolist(), strict=True))}

        def off(parts: Floats) -> Floats:
            self.steps += 1
            self.trials.settings.at(f"fitting {', '.join(group)}")
            return self._off(names, point(parts))

        def slopes(parts: Floats) -> Floats:
            return self._slopes(names, group, point(parts), self._off(names, point(parts)))

        begin = np.array([self.part[name] for name in group])
        told = least_squares(
            off, begin, jac=slopes, bounds=(0, 1), xtol=CLOSE, ftol=1e-5, gtol=1e-8, max_nfev=MOST_STEPS
        )
        self.part |= dict(zip(group, told.x.tolist(), strict=True))
        self._tell_unsure(group, names)

    def _tell_unsure(self, group: Sequence[str], names: Sequence[str]) -> None:
        """How a group moves with each value that was observed: its own, and those that earlier groups are fitted to."""
        earlier = list(self.unsure)
        here = self._off(names, self.part)
        own = self._slopes(names, group, self.part, here)
        others = self._slopes(names, earlier, self.part, here)
        told = list(dict.fromkeys([*(name for one in self.unsure.values() for name in one), *names]))
        moves = np.array([[float(name == value) for value in told] for name in names])
        if earlier:
            moves -= others @ np.array([[self.unsure[one].get(value, 0.0) for value in told] for one in earlier])
        # What nothing that was observed moves with stays where it is, as unsure as its range is wide.
        found = np.linalg.pinv(own, rcond=1e-3) @ moves
        for row, name in enumerate(group):
            self.unsure[name] = dict(zip(told, found[row].tolist(), strict=True))

    def found(self) -> ValidateFound:
        """All that was observed, held against the scenario at the fitted values."""
        names = list(self.scenario.observed)
        n = self.scenario.run.replications
        self.trials.settings.at("comparing")
        came = self._results(names, self.part, n)
        fitted = {name for unknown in self.scenario.fit.values() for name in unknown.by}
        errors = {name: self._error(name, came[name]) for name in fitted}
        spread = {name: self._spread(name, errors) for name in self.axes}
        predicted = [name for name in names if name not in fitted]
        widths = self._widths(predicted, errors)
        seen = []
        for name in names:
            value, tolerance, give_or_take = self.sizes[name]
            result, wide = came[name], widths.get(name, 0.0)
            low = result.value - math.hypot(result.value - result.low, wide)
            high = result.value + math.hypot(result.high - result.value, wide)
            most = result.goal.most
            seen.append(
                ObservedResult(
                    name=name,
                    observed=self.scenario.observed[name],
                    variant=self.scenario.observed[name].variant,
                    result=result,
                    value=value,
                    tolerance=tolerance,
                    give_or_take=give_or_take,
                    role="fitted" if name in fitted else "predicted",
                    low=max(low, 0.0),
                    high=min(high, most),
                )
            )
        fits = tuple(self._fit(name, spread[name]) for name in self.axes)
        return ValidateFound(self.scenario, tuple(seen), fits, n, self.steps)

    def _error(self, name: str, result: TargetResult) -> float:
        """How unsure a fitted value is, in tolerances: half the interval of the runs, and what was observed itself."""
        _, tolerance, give_or_take = self.sizes[name]
        half = (result.high - result.low) / 2
        return math.hypot(half if math.isfinite(half) else 0.0, give_or_take) / tolerance

    def _spread(self, name: str, errors: Mapping[str, float]) -> float:
        """Half the width of the interval of a fitted value, in parts of its range."""
        moves = self.unsure[name]
        if not any(moves.values()):
            return 1.0
        return math.sqrt(sum((move * errors[value]) ** 2 for value, move in moves.items()))

    def _widths(self, names: Sequence[str], errors: Mapping[str, float]) -> dict[str, float]:
        """Half the width that predicted values are unsure by for what was fitted; shares, or ticks."""
        if not names or not self.axes:
            return {}
        unknowns = list(self.axes)
        slopes = self._slopes(names, unknowns, self.part, self._off(names, self.part))
        told = list(errors)
        moves = np.array([[self.unsure[one].get(value, 0.0) * errors[value] for value in told] for one in unknowns])
        half = np.sqrt(((slopes @ moves) ** 2).sum(axis=1))
        return {name: float(wide) * self.sizes[name][1] for name, wide in zip(names, half, strict=True)}

    def _fit(self, name: str, spread: float) -> FittedUnknown:
        axis, part = self.axes[name], self.part[name]
        low, high = (axis.number(min(max(end, 0.0), 1.0)) for end in (part - spread, part + spread))
        at_end = part <= EDGE or part >= 1 - EDGE
        return FittedUnknown(name, axis.unknown, axis.number(part), low, high, self._before(name), at_end)
