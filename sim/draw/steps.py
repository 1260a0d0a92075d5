"""The stages of a scenario made ready for walking: whom each is for, what it labels, whom it sends back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.draw.mixes import Mix
from sim.dynamics.clock import NEVER
from sim.dynamics.replication import NO_LABEL
from sim.scenario.branches import ARRIVAL, branching, loops
from sim.scenario.routes import asides_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.draw.streams import Variates
    from sim.dynamics.replication import Codes, Flags
    from sim.scenario.branches import Cue
    from sim.scenario.schema import Filter, Scenario


def names_of(scenario: Scenario, by: str | None) -> tuple[str, ...]:
    """The values of an attribute in the order of their codes; one nameless value for no attribute."""
    if by is None:
        return ("",)
    return scenario.names[by]


def told_apart(tier: Codes, n_values: int) -> Codes:
    """Which of so many values by tier each tip gets: the last one is for those without a label."""
    found: Codes = np.where(tier == NO_LABEL, np.int32(n_values - 1), tier)
    return found


class Tables:
    """A filter as tables: for each attribute that matters, which of its codes match; the last one of -1, for none."""

    def __init__(self, filter_: Filter | None, scenario: Scenario) -> None:
        self.of: list[tuple[str, Flags]] = []
        if filter_ is None:
            return
        for attribute in ("channel", "risk", "category", *scenario.own):
            named = filter_.asked(attribute)
            self._add(attribute, [named is None or name in named for name in names_of(scenario, attribute)])
        by = filter_.labelled_by
        self._add("labelled_by", [*(by is None or name in by for name in scenario.labels), by is None])
        tiers, labelled = filter_.tier, filter_.labelled
        labels = [labelled is not False and (tiers is None or name in tiers) for name in scenario.tiers]
        # The last row stands for NO_LABEL, which is -1.
        self._add("tier", [*labels, labelled is not True and tiers is None])

    def _add(self, attribute: str, matches: Sequence[bool]) -> None:
        if not all(matches):
            self.of.append((attribute, np.array(matches, dtype=np.bool_)))


class ShareThresholds:
    """A share that may differ by an attribute, as thresholds for uniforms."""

    def __init__(self, values: Sequence[float], by: str | None = None) -> None:
        self.by = by
        self.values = np.array(values, dtype=np.float64)
        all_in, all_out = bool((self.values >= 1).all()), bool((self.values <= 0).all())
        self.certain: bool | None = all_in if all_in or all_out else None
        """Whether everybody is in it, or nobody, so that no coin need be tossed."""

    def heads(self, uniform: Variates, code: Codes | None) -> Flags:
        """Whether each uniform falls within the share; `code` is that of the attribute by which it differs."""
        if self.by is None or code is None:
            one: Flags = uniform < self.values[0]
            return one
        # By tier NO_LABEL, which is -1, finds the last value.
        each: Flags = uniform < self.values[code]
        return each


@dataclass(frozen=True, slots=True)
class Label:
    """What a labeller does: it decides on a share of the tips, and labels those by their true risk."""

    decides: ShareThresholds
    assigns: Mix
    labeller: int
    """Its place among the labellers."""


@dataclass(frozen=True, slots=True)
class SendBack:
    """Rework: the share that is sent back, the stage it is sent back to, and how often at most a tip."""

    share: ShareThresholds
    to: int
    at_most: int


@dataclass(frozen=True, slots=True)
class CueDraw:
    """A moment that a stage begins with."""

    stage: int
    """The place of the stage whose moment it is, or ARRIVAL."""
    after: int
    """How long after the start of that, and NEVER for its end."""


@dataclass(frozen=True, slots=True)
class StepDraw:
    """What a stage does to a route."""

    name: str
    tables: Tables
    share: ShareThresholds
    label: Label | None
    rework: SendBack | None
    repeats: bool
    """Whether a tip may come here more than once, or its way has several visits here of which it makes some."""
    is_aside: bool = False
    """Whether tips come here only in vain from another stage."""
    gives_up_to: int | None = None
    """The aside of those who give up here."""
    turned_away_to: int | None = None
    """The aside of those who are turned away here."""

    @property
    def asides(self) -> tuple[int, ...]:
        """The asides to which tips come from here."""
        return tuple(dict.fromkeys(to for to in (self.gives_up_to, self.turned_away_to) if to is not None))

    cues: tuple[CueDraw, ...] = ()
    """The moments that it begins with; none where it follows the stage before."""
    is_named: bool = False
    """Whether a later stage begins with a moment of it."""


def steps(scenario: Scenario) -> list[StepDraw]:
    """The stages of a scenario as steps."""
    asides, again = asides_of(scenario.stages), loops(scenario.stages)
    named = {cue.stage for stage in scenario.stages for cue in stage.after or ()}
    beside = branching(scenario.stages)
    return [
        StepDraw(
            name=stage.name,
            tables=Tables(stage.for_, scenario),
            share=ShareThresholds(stage.share.listed(names_of(scenario, stage.share.by)), stage.share.by),
            label=_label(scenario, stage.label),
            rework=None
            if stage.rework is None
            else SendBack(
                ShareThresholds([stage.rework.share]), scenario.stage_index(stage.rework.back_to), stage.rework.at_most
            ),
            repeats=any(first <= index <= last for first, last in again) or (beside and stage.name in asides),
            is_aside=stage.name in asides,
            gives_up_to=None if stage.gives_up_to is None else scenario.stage_index(stage.gives_up_to),
            turned_away_to=None if stage.turned_away_to is None else scenario.stage_index(stage.turned_away_to),
            cues=tuple(_cue(scenario, cue) for cue in stage.after or ()),
            is_named=stage.name in named,
        )
        for index, stage in enumerate(scenario.stages)
    ]


def _cue(scenario: Scenario, cue: Cue) -> CueDraw:
    stage = ARRIVAL if cue.stage is None else scenario.stage_index(cue.stage)
    return CueDraw(stage, cue.plus if cue.what == "start" else NEVER)


def _label(scenario: Scenario, name: str | None) -> Label | None:
    if name is None:
        return None
    labeller = scenario.labels[name]
    assigns = Mix.of([labeller.assigns[risk] for risk in scenario.risks], scenario.tiers)
    return Label(ShareThresholds([labeller.decides]), assigns, scenario.names["labelled_by"].index(name))
