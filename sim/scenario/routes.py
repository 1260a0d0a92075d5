"""Ways that no tip can go: stages that nobody reaches, and targets whose moments nobody has.

Every combination of channel, true risk, category and label that can be is walked through the stages at once. A share
of 0 % counts as possible, so that a study may set one; `only_positive` asks what follows if it does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.replication import Flags
from sim.scenario.branches import OfAsides, StageStep, Walked, branching, step, walk
from sim.scenario.demand import Demand, Labeller, own_names
from sim.scenario.moments import Milestone, Moment
from sim.scenario.pools import Filter
from sim.scenario.rules import matches
from sim.scenario.stages import Stage
from sim.scenario.together import mean_day

FROM, TO = 1, 2
"""Bits of what a tip has had: the moment that a target counts from, and the one that it counts to."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """All kinds of tips that can be: rows are channel x risk x category x attributes of the scenario's own, columns the
    label, none first; where it matters who gave it, the labels of one labeller after those of another.

    Attributes that nobody asks for are not told apart. Without labels there is one column: the tier is the true risk.
    """

    names: dict[str, tuple[str, ...]]
    codes: dict[str, NDArray[np.int64]]
    """Attributes as (rows, 1); tier and labeller as (1, columns), or the tier as the risk without labels."""
    alive: Flags
    """(rows, columns): the tips as they arrive."""
    of_incidents: Flags
    """(rows, 1): the tips that may be about an incident; all of them where a trace may say so."""
    labels: Mapping[str, Labeller]
    only_positive: bool
    admitted: list[Flags] = field(default_factory=list)
    """For each stage the tips (rows, columns) that its `for` matches, and of which its share takes some."""

    def of(self, one: Filter | None) -> Flags:
        """(rows, columns): the tips that a filter matches."""
        if one is None:
            return np.ones(self.alive.shape, dtype=np.bool_)
        return np.broadcast_to(matches(one, self.names, self.codes), self.alive.shape)

    def labelled(self, name: str, state: Flags) -> Flags:
        """The tips of a state (rows, columns, ...) after a labeller has seen them."""
        labeller = self.labels[name]
        found = state.copy() if labeller.decides < 1 else np.zeros_like(state)
        if labeller.decides == 0 and self.only_positive:
            return found
        seen: Flags = np.any(state, axis=1)
        for column, tier in enumerate(self.names["tier"], self.columns(name).start):
            can = [
                tier in row and (row[tier] > 0 or not self.only_positive)
                for row in (labeller.assigns[risk] for risk in self.names["risk"])
            ]
            rows = np.array(can)[self.codes["risk"][:, 0]]
            found[rows, column] |= seen[rows]
        return found

    def columns(self, labeller: str) -> slice:
        """The columns of the labels that a labeller gives."""
        n_tiers, apart = len(self.names["tier"]), self.alive.shape[1] > 1 + len(self.names["tier"])
        first = 1 + n_tiers * (self.names["labelled_by"].index(labeller) if apart else 0)
        return slice(first, first + n_tiers)


def crowd(
    demand: Demand,
    labels: Mapping[str, Labeller],
    stages: Sequence[Stage],
    filters: Iterable[Filter | None],
    *,
    only_positive: bool = False,
) -> Crowd:
    """All kinds of tips that can be, told apart as far as the stages and these filters ask."""
    risks = tuple(next(iter(demand.risk.values())))
    assigned = (tier for labeller in labels.values() for row in labeller.assigns.values() for tier in row)
    names = {
        "stage": tuple(stage.name for stage in stages),
        "channel": tuple(demand.channels),
        "risk": risks,
        "category": tuple(demand.categories),
        **own_names(demand),
        "tier": tuple(dict.fromkeys(assigned)) or risks,
        "labelled_by": tuple(labels),
    }
    asked = [one for one in (*filters, *(stage.for_ for stage in stages)) if one is not None]
    differs = {value.by for stage in stages for _, value in stage.by_attribute()}
    always = ("risk", "channel", "category") if only_positive else ("risk",)
    of_rows = ("channel", "risk", "category", *demand.attributes)
    apart = [key in always or key in differs or any(one.asked(key) is not None for one in asked) for key in of_rows]
    sizes = [len(names[key]) if one else 1 for key, one in zip(of_rows, apart, strict=True)]
    codes = dict(zip(of_rows, np.indices(sizes).reshape(len(sizes), -1, 1), strict=True))
    codes["tier"], codes["labelled_by"] = _label_codes(names, any(one.labelled_by is not None for one in asked))
    if not labels:
        codes["tier"] = codes["risk"]
    alive = np.zeros((len(codes["risk"]), codes["tier"].shape[1]), dtype=np.bool_)
    alive[:, 0] = True
    if only_positive:
        drawn = demand.volume or demand.own_volumes or demand.counts or demand.trace
        mixes = [row_shares(demand, names, codes)] if drawn else []
        mixes += [incident_shares(demand, one, names, codes) for one in demand.incidents]
        alive[:, 0] = np.any([np.all([share > 0 for share in mix.values()], axis=0) for mix in mixes], axis=0)
    of_incidents = np.full((len(codes["risk"]), 1), demand.trace is not None)
    for one in demand.incidents if demand.trace is None else ():
        can = [
            np.array([value in given and (given[value] > 0 or not only_positive) for value in names[key]])[codes[key]]
            for key, given in demand.incidents[one].shares(demand).items()
            if len(names[key]) == 1 or codes[key].any()
        ]
        of_incidents |= np.all(can, axis=0)
    tips = Crowd(names, codes, alive, of_incidents, labels, only_positive)
    tips.admitted.extend(tips.of(stage.for_) & _let_in(tips, stage) for stage in stages)
    return tips


def _label_codes(names: Mapping[str, tuple[str, ...]], apart: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tier and labeller of every column of a crowd, (1, columns) each; -1 for none."""
    tiers, labellers = len(names["tier"]), len(names["labelled_by"])
    groups = labellers if apart else min(labellers, 1)
    tier = np.concatenate([[-1], np.tile(np.arange(tiers), groups)])
    labeller = np.concatenate([[-1], np.repeat(np.arange(groups), tiers)])
    return tier[None, :], labeller[None, :]


def row_shares(
    demand: Demand, names: Mapping[str, tuple[str, ...]], codes: Mapping[str, NDArray[np.int64]]
) -> dict[str, NDArray[np.float64]]:
    """For the attributes that rows of a crowd tell apart, (rows,) the share of the row's value, given its channel."""
    channel = codes["channel"][:, 0]
    listed = np.array([1.0 if one.share is None else one.share for one in demand.channels.values()])
    by_category = mean_day(demand)[1]
    total = by_category.sum(axis=1, keepdims=True)
    by_category = by_category / np.where(total > 0, total, 1.0)
    found = {"channel": listed[channel], "category": by_category[channel, codes["category"][:, 0]]}
    for key, rows in (("risk", demand.risk), *demand.attributes.items()):
        if len(names[key]) == 1 or codes[key].any():
            table = np.array([[rows[name][value] for value in names[key]] for name in names["channel"]])
            found[key] = table[channel, codes[key][:, 0]]
    return found


def incident_shares(
    demand: Demand, name: str, names: Mapping[str, tuple[str, ...]], codes: Mapping[str, NDArray[np.int64]]
) -> dict[str, NDArray[np.float64]]:
    """The same for the tips of a kind of incident."""
    shares = demand.incidents[name].shares(demand)
    return {
        key: np.array([given.get(value, 0.0) for value in names[key]])[codes[key][:, 0]]
        for key, given in shares.items()
        if len(names[key]) == 1 or codes[key].any()
    }


def _let_in(tips: Crowd, stage: Stage) -> Flags:
    """(rows, columns): the tips of which a stage's share takes any, where a share of 0 % takes none."""
    values, by = stage.share.values, stage.share.by
    if not tips.only_positive or all(share > 0 for share in values.values()):
        return np.ones(tips.alive.shape, dtype=np.bool_)
    if by is None:
        return np.zeros(tips.alive.shape, dtype=np.bool_)
    some = np.array([share > 0 for share in stage.share.listed(tips.names[by])])
    return np.broadcast_to(some[tips.codes[by]], tips.alive.shape)


@dataclass(frozen=True, slots=True)
class Ways:
    """What the tips of a crowd can come to."""

    entering: tuple[Flags, ...]
    """For each stage the tips (rows, columns) that can reach it."""
    ending: Flags
    """(rows, columns, 4): the tips as they leave, are lost or merged, by the bits FROM and TO of what they have had."""
    aside: OfAsides = field(default_factory=OfAsides)
    """What asides make of it where stages begin `after` something."""
    met: frozenset[tuple[int, int]] | None = None
    """Stages that begin `after` something, each with the number of a moment there that can lie on the way of tips that
    come to it; None where no stage does."""


def ways(tips: Crowd, stages: Sequence[Stage], start: Milestone | None = None, stop: Milestone | None = None) -> Ways:
    """Where tips can go, and which of them can have one moment of `start` and one of `stop`."""
    if branching(stages):
        return _ways_beside(tips, stages, start, stop)
    at_stage = [
        tuple(_bits(start, stop, stage.name, what) for what in (("enter",), ("start", "end"), ("start",), ("merged",)))
        for stage in stages
    ]
    index = {stage.name: number for number, stage in reversed(list(enumerate(stages)))}
    shape = (*tips.alive.shape, 4)
    arriving = np.zeros(shape, dtype=np.bool_)
    arriving[..., _bits(start, stop, None, ("arrival",))] = tips.alive
    lost_bits, leave_bits = _bits(start, stop, None, ("lost",)), _bits(start, stop, None, ("leave",))
    admitted = [found[..., None] for found in tips.admitted]
    entering = [np.zeros(shape, dtype=np.bool_) for _ in stages]
    sent_back = [np.zeros(shape, dtype=np.bool_) for _ in stages]
    ending = np.zeros(shape, dtype=np.bool_)
    asides = asides_of(stages)
    while True:
        moving, changed = arriving.copy(), False
        led = {name: np.zeros(shape, dtype=np.bool_) for name in asides}
        for number, stage in enumerate(stages):
            if stage.name in asides:
                inside, passing = led[stage.name] & admitted[number], moving
                ending |= _with_bits(
                    led[stage.name] if _may_skip(stage) else led[stage.name] & ~admitted[number], lost_bits
                )
            else:
                inside = (moving & admitted[number]) | sent_back[number]
                passing = moving if _may_skip(stage) else moving & ~admitted[number]
            entering[number] |= inside
            entered = _with_bits(inside, at_stage[number][0])
            for in_vain, to in ((stage.patience is not None, stage.gives_up_to), (stage.limited, stage.turned_away_to)):
                if in_vain and to is None:
                    ending |= _with_bits(entered, lost_bits)
                elif in_vain and to in led:
                    led[to] |= entered
            if stage.merge is not None:
                begun = _with_bits(entered, at_stage[number][2])
                ending |= _with_bits((entered | begun) & tips.of_incidents[..., None], at_stage[number][3])
            served = _with_bits(entered, at_stage[number][1])
            if stage.label is not None:
                served = tips.labelled(stage.label, served)
            if stage.rework is not None and (stage.rework.share > 0 or not tips.only_positive):
                back = index[stage.rework.back_to]
                if (served & ~sent_back[back]).any():
                    sent_back[back] = sent_back[back] | served
                    changed = True
            moving = passing | served
        ending |= _with_bits(moving, leave_bits)
        if not changed:
            return Ways(tuple(np.any(found, axis=2) for found in entering), ending)


MOST_KEPT: Final = 10_000
"""Stages x kinds of tips at most whose ways are kept."""

MOST_ROUNDS: Final = 2
"""So often is a tip sent back from a stage where only what is possible is asked: more rounds give no other label."""


def _ways_beside(tips: Crowd, stages: Sequence[Stage], start: Milestone | None, stop: Milestone | None) -> Ways:
    """The same where tips may be in several places at a time."""
    lost = _bits(start, stop, None, ("lost",))
    steps = []
    index = {stage.name: number for number, stage in reversed(list(enumerate(stages)))}
    named = asides_of(stages)
    for number, (stage, admitted) in enumerate(zip(stages, tips.admitted, strict=True)):
        again = stage.rework is not None and (stage.rework.share > 0 or not tips.only_positive)
        gives_up = stage.patience is not None and stage.gives_up_to is None
        may_be_lost = gives_up or (stage.limited and stage.turned_away_to is None)
        in_vain = (lost,) if lost and may_be_lost else ()
        if stage.merge is not None and (merged := _bits(start, stop, stage.name, ("merged",))):
            in_vain = (*in_vain, merged, merged | _bits(start, stop, stage.name, ("start",)))
        steps.append(
            step(
                stages,
                number,
                inside=admitted.astype(np.float64),
                passing=np.ones(admitted.shape) if _may_skip(stage) else (~admitted).astype(np.float64),
                labels=None if stage.label is None else _can_get(tips, stage.label),
                again=float(again),
                on=1.0,
                at_most=MOST_ROUNDS,
                entered=_bits(start, stop, stage.name, ("enter", "gave_up", "turned_away")),
                served=_bits(start, stop, stage.name, ("enter", "start", "end")),
                in_vain=in_vain,
                asides=tuple(index[name] for name in stage.asides),
                is_aside=stage.name in named,
                lost=lost,
            )
        )
    arriving = tips.alive.astype(np.float64)
    asked = _Asked(steps, arriving, _bits(start, stop, None, ("arrival",)))
    found = (_walked if arriving.size * len(steps) <= MOST_KEPT else _walked.__wrapped__)(asked)
    ending = found.ending > 0
    ending = _with_bits(ending, _bits(start, stop, None, ("leave",)))
    entering = tuple(came > 0 for came in found.entering)
    return Ways(entering, ending, found.aside, frozenset(found.met))


class _Asked:
    """What is to be walked; equal to what says the same."""

    def __init__(self, steps: Sequence[StageStep], arriving: NDArray[np.float64], had: int) -> None:
        self.steps, self.arriving, self.had = steps, arriving, had
        said = [arriving, had, *(getattr(step, part.name) for step in steps for part in fields(step))]
        self._said = tuple((one.shape, one.tobytes()) if isinstance(one, np.ndarray) else one for one in said)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self._said == other._said

    def __hash__(self) -> int:
        return hash(self._said)


@lru_cache(maxsize=64)
def _walked(asked: _Asked) -> Walked:
    """Where tips come to; kept, for documents that differ in shares and times alone ask the same again and again."""
    return walk(asked.steps, asked.arriving, np.ones(len(asked.arriving)), had=asked.had)


def _can_get(tips: Crowd, labeller: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Which labels a labeller can give to each row, (rows, columns), and to which rows it can leave the old one."""
    none = np.zeros(tips.alive.shape, dtype=np.bool_)
    none[:, 0] = True
    found = tips.labelled(labeller, none).astype(np.float64)
    keeps = found[:, 0].copy()
    found[:, 0] = 0.0
    return found, keeps


def asides_of(stages: Iterable[Stage]) -> frozenset[str]:
    """The stages that are reached only by giving up, or by being turned away."""
    return frozenset(name for stage in stages for name in stage.asides)


def from_where(stages: Sequence[Stage], name: str) -> list[int]:
    """Where a tip of a stage comes by, as places in the order: the stage itself, or those that lead to an aside."""
    leading = [number for number, stage in enumerate(stages) if name in stage.asides]
    if not leading:
        return [number for number, stage in enumerate(stages) if stage.name == name]
    return sorted({place for number in leading for place in from_where(stages, stages[number].name)})


def _may_skip(stage: Stage) -> bool:
    return any(share < 1 for share in stage.share.values.values())


def _with_bits(state: Flags, bits: int) -> Flags:
    """The state with these bits set for every tip in it."""
    if not bits:
        return state
    found = np.zeros_like(state)
    for had in range(4):
        found[..., had | bits] |= state[..., had]
    return found


def _bits(start: Milestone | None, stop: Milestone | None, stage: str | None, what: Sequence[str]) -> int:
    """The bits of the milestones that name one of these moments of a stage (or of the tip itself)."""

    def named(milestone: Milestone | None) -> bool:
        moments: tuple[Moment, ...] = milestone.moments if milestone else ()
        return any(one.stage == stage and one.what in what for one in moments)

    return FROM * named(start) | TO * named(stop)
