"""The readings of a ledger laid on a scenario: which targets they make, which inputs they fix, and which do not fit.

A claim that says again what another one says is tested once. Nothing is simulated here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sim.scenario import units
from sim.scenario.claims import Claim
from sim.scenario.faults import ScenarioError
from sim.scenario.ledger import LedgerFile
from sim.scenario.loading import Document
from sim.scenario.readings import READINGS, Reading, ReadingName, Sense
from sim.scenario.schema import Scenario

Key = tuple[str, ReadingName]
"""A claim and one of its readings."""

VOLUME, GROWTH = "demand.volume", "demand.growth"
"""Two paths that each say what the demand is."""

MOST_TRIES: Final = 20
"""Readings that do not fit are taken out so often before what is left is refused."""


def target_name(key: Key) -> str:
    """What a reading's target is called in the scenario that tests it.

    >>> target_name(("A06", "strict"))
    'A06 strict'
    """
    return f"{key[0]} {key[1]}"


@dataclass(frozen=True, slots=True)
class Laid:
    """The readings of a ledger on one scenario."""

    file: LedgerFile
    document: Document
    variant: str | None
    changes: Mapping[str, Any]
    scenario: Scenario
    """With one target for every reading that is one, by `target_name`, and none of its own."""
    tested_as: dict[Key, str]
    """The name of the target that tests a reading: its own, or that of an equal one before it."""
    unfit: dict[Key, str]
    """Why a reading does not fit the scenario, in the words of `check`."""

    def every(self, name: ReadingName | None = None) -> dict[Key, Reading]:
        """All readings that there are, claim by claim; or those of one name."""
        return {
            (claim, sense): reading
            for claim in self.file.ledger.claims
            for sense in READINGS
            if name in (None, sense) and (reading := self.file.ledger.reading(claim, sense)) is not None
        }

    def targets(self, name: ReadingName) -> dict[str, Any]:
        """The targets of all claims in one reading, by claim, as the ledger writes them; equal ones once."""
        found: dict[str, str] = {}
        for key in self.every(name):
            if key in self.tested_as:
                found.setdefault(self.tested_as[key], key[0])
        return {claim: self.plain((claim, name)) for claim in found.values()}

    def plain(self, key: Key) -> dict[str, Any]:
        """The target of a reading as the ledger writes it, with its claim."""
        node = self.file.node(*key)
        target = node.child("target") if node is not None else None
        assert target is not None, f"{key} is no target"
        plain: dict[str, Any] = target.plain()
        return {**plain, "claim": key[0]}

    def with_targets(self, targets: Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> Scenario:
        """The scenario with these targets alone, and more changes; ScenarioError where they do not fit."""
        every = {**self.changes, **(changes or {}), "targets": dict(targets)}
        return self.document.scenario(variant=self.variant, changes=every)


def lay(
    file: LedgerFile, document: Document, *, variant: str | None = None, changes: Mapping[str, Any] | None = None
) -> Laid:
    """Lay every reading of a ledger on a scenario; ScenarioError where the scenario itself is at fault."""
    changes = dict(changes or {})
    laid = Laid(file, document, variant, changes, document.scenario(variant=variant, changes=changes), {}, {})
    own = {key: reading.target for key, reading in laid.every().items() if reading.target is not None}
    wanted = {key: laid.plain(key) for key in own}
    unfit: dict[Key, str] = {}
    for _ in range(MOST_TRIES):
        tested_as: dict[Key, str] = {}
        for key in wanted:
            equal = next((other for other in tested_as if own[other] == own[key]), key)
            tested_as[key] = target_name(equal)
        named = {name: key for key, name in tested_as.items() if target_name(key) == name}
        try:
            scenario = laid.with_targets({name: wanted[key] for name, key in named.items()})
        except ScenarioError as error:
            at_fault = {named[name]: rule for name, rule in _by_target(error) if name in named}
            if not at_fault:
                raise
            for key in [key for key in wanted if tested_as[key] in {target_name(one) for one in at_fault}]:
                unfit[key] = next(rule for one, rule in at_fault.items() if target_name(one) == tested_as[key])
                del wanted[key]
            continue
        fit = Laid(file, document, variant, changes, _closed(scenario), tested_as, unfit)
        unfit.update(_unfit_inputs(fit))
        return fit
    raise AssertionError("readings that do not fit were taken out, and there are always more")


def _closed(scenario: Scenario) -> Scenario:
    """The scenario with its cool-down written down, so that it does not depend on which targets are looked at."""
    run = scenario.run.model_copy(update={"cool_down": scenario.cool_down})
    return scenario.model_copy(update={"run": run})


def _unfit_inputs(laid: Laid) -> Iterable[tuple[Key, str]]:
    """The readings that fix an input, or change one, which the scenario does not have."""
    for key, reading in laid.every().items():
        fixed = reading.input or (reading.bound.changed if reading.bound is not None else None)
        if not fixed:
            continue
        try:
            laid.with_targets({}, fixed)
        except ScenarioError as error:
            yield key, f"{error.faults[0].path}: {error.faults[0].rule}"


def _by_target(error: ScenarioError) -> Iterable[tuple[str, str]]:
    """The target that each fault is about, and the rule that it breaks."""
    for fault in error.faults:
        parts = fault.path.split(".")
        if parts[0] == "targets" and len(parts) > 1:
            yield parts[1], fault.rule


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the claims of one reading fix in the scenario, taken together."""

    changes: dict[str, Any] = field(default_factory=dict)
    by: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The claims that fix each path."""
    conflicts: tuple[str, ...] = ()
    """Paths that claims fix differently, in words; the first is taken."""
    set_aside: dict[str, str] = field(default_factory=dict)
    """What claims fix and is not laid on the scenario, by path, with the reason in words: demand is one at a time."""


def inputs(laid: Laid, name: ReadingName) -> Inputs:
    """What the claims of one reading fix: of several floors the highest, of several ceilings the lowest.

    A number a year is that of the year that the claims speak of, and growth is how it came to that: where claims fix
    both, growth does not go on from the number, and is set aside.
    """
    changes: dict[str, Any] = {}
    senses: dict[str, Sense] = {}
    by: dict[str, tuple[str, ...]] = {}
    conflicts = []
    for key, reading in laid.every(name).items():
        if reading.input is None or key in laid.unfit:
            continue
        for path, value in reading.input.items():
            sense = sense_of(laid.file.ledger.claims[key[0]])
            if path not in changes or changes[path] == value:
                changes.setdefault(path, value)
                senses.setdefault(path, sense)
                by[path] = (*by.get(path, ()), key[0])
                continue
            old, new = _number(changes[path]), _number(value)
            kept = _both(senses[path], old, sense, new)
            if kept is None:
                conflicts.append(f"{path}: {by[path][0]} says {changes[path]}, {key[0]} says {value}")
            elif kept == new:
                changes[path], senses[path] = value, sense
            by[path] = (*by[path], key[0])
    aside = {}
    if VOLUME in changes and GROWTH in changes:
        fixed = {path: f"{path} = {_value_words(changes[path])} ({', '.join(by[path])})" for path in (VOLUME, GROWTH)}
        aside[GROWTH] = f"{fixed[GROWTH]} is not laid on {fixed[VOLUME]}"
        del changes[GROWTH], by[GROWTH]
    return Inputs(changes, by, tuple(conflicts), aside)


def _both(sense: Sense, old: float | None, other: Sense, new: float | None) -> float | None:
    """The figure that satisfies two claims on one input, or None where none does."""
    if old is None or new is None:
        return None
    if sense == other == "at least":
        return max(old, new)
    if sense == other == "at most":
        return min(old, new)
    for one, its_sense, figure in ((old, other, new), (new, sense, old)):
        if (its_sense == "at least" and one >= figure) or (its_sense == "at most" and one <= figure):
            return one
    return None


def sense_of(claim: Claim) -> Sense:
    """How the figure of a claim is meant; that of one without a sense as it stands."""
    sense: Sense = getattr(claim, "sense", "about")
    return sense


def _number(value: Any) -> float | None:
    """A figure as a number in its own kind of unit, or None where it is none."""
    try:
        number, unit = units.split(value)
        if unit.startswith("/"):
            return units.rate(value)
        if unit == "%":
            return units.percentage(value)
        return float(units.duration(value)) if unit else number
    except ValueError:
        return None


def fixed_words(changes: Mapping[str, Any]) -> list[str]:
    """What is fixed at each path, as a sentence has it.

    >>> fixed_words({"demand.volume": "9/h", "demand.risk": {"high": "2 %", "low": "98 %"}})
    ['demand.volume = 9/h', 'demand.risk = high 2 %, low 98 %']
    """
    return [f"{path} = {_value_words(value)}" for path, value in changes.items()]


def _value_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value_words(one)}" for name, one in value.items())
    return str(value)
