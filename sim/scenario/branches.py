"""Branches: what a stage begins with, and the joint walk of all kinds of tips down stages that go on side by side.

A tip that is in several places at a time has, in each, the label that it was given before it on its own branches. So
what can become of it is told by joint states: which stages lie on its way so far, and with which label each was seen
and left. Without branches there is one state a label, and the walk is that down a chain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from sim.scenario.fields import DURATION_SCHEMA, Length, Name, Part
from sim.scenario.fields import rule as fault
from sim.scenario.units import duration_text

if TYPE_CHECKING:
    from sim.scenario.stages import Stage

Floats = NDArray[np.float64]

ARRIVAL: Final = -1
"""In place of the number of a stage: the tip's arrival."""

SMALLEST: Final = 1e-12
"""What concerns a smaller share of the tips is left out."""


class Cue(Part):
    """A moment that a stage begins with: the arrival, or the start or the end of the first visit to another stage."""

    stage: Name | None
    """None for the arrival."""
    what: Literal["start", "end", "arrival"]
    plus: Length = 0
    """So long after the start, or at the end of that stage where it comes sooner."""

    def __str__(self) -> str:
        late = f" + {duration_text(self.plus)}" if self.plus else ""
        return f"{self.what if self.stage is None else f'{self.stage}.{self.what}'}{late}"

    @model_validator(mode="before")
    @classmethod
    def _as_written(cls, given: Any) -> Any:
        if isinstance(given, Cue):
            return given
        if isinstance(given, dict):
            for key in given:
                if key not in ("moment", "plus"):
                    raise fault(
                        "a moment with a while after it is written {moment: answer.start, plus: 3 min}", key, key=True
                    )
            if "moment" not in given:
                raise fault("needs its `moment`, as in {moment: answer.start, plus: 3 min}", value=False)
            found = {**_cue(given["moment"], "moment"), **{key: given[key] for key in ("plus",) if key in given}}
            if "plus" in given and found["what"] != "start":
                why = "what comes a while after another moment is a stage with a `delay`"
                raise fault(f"only a start may have a `plus`: {why}", "plus", key=True, value=False)
            return found
        return _cue(given)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        text = {"type": "string", "examples": ["answer.start", "answer.end", "arrival"]}
        return {
            "anyOf": [
                text,
                {
                    "type": "object",
                    "properties": {"moment": text, "plus": DURATION_SCHEMA},
                    "required": ["moment"],
                    "additionalProperties": False,
                },
            ]
        }


def _cue(text: object, *at: str) -> dict[str, Any]:
    if text == "arrival":
        return {"stage": None, "what": "arrival"}
    stage, dot, what = text.rpartition(".") if isinstance(text, str) else ("", "", "")
    if not dot or not stage or what not in ("start", "end"):
        raise fault("a stage begins after the start or the end of another, as in answer.end, or after arrival", *at)
    return {"stage": stage, "what": what}


def as_several(given: object) -> object:
    """What stands alone is a list of one."""
    return given if isinstance(given, list | tuple) or given is None else (given,)


def branching(stages: Sequence[Stage]) -> bool:
    """Whether any stage says what it begins with."""
    return any(stage.after is not None for stage in stages)


def loops(stages: Sequence[Stage]) -> list[tuple[int, int]]:
    """The stages from and to which tips are sent back, by their places in the order: (first, last) of each."""
    index = {stage.name: number for number, stage in reversed(list(enumerate(stages)))}
    return [
        (index[stage.rework.back_to], number)
        for number, stage in enumerate(stages)
        if stage.rework is not None and stage.rework.back_to in index
    ]


# The walk


@dataclass(frozen=True, slots=True, eq=False)
class StageStep:
    """What a stage does with the kinds of tips that come by; kinds are rows, and their labels columns."""

    inside: Floats
    """(rows, columns): the share of them that goes in."""
    passing: Floats
    """(rows, columns): the share that does not."""
    labels: Floats | None = None
    """(rows, columns): the chance of each label that it gives; None where it gives none."""
    keeps: Floats | None = None
    """(rows,): the chance that the old label is kept."""
    back_to: int = ARRIVAL
    again: float = 0.0
    """The share that is sent back, and"""
    on: float = 1.0
    """that goes on, while it may still be sent back."""
    at_most: int = 0
    cues: tuple[Cue, ...] = ()
    cue_of: tuple[int, ...] = ()
    """The place in the order of the stage of each cue, or ARRIVAL."""
    entered: int = 0
    served: int = 0
    """Bits of what tips have had that have entered here, and that have been served."""
    in_vain: tuple[int, ...] = ()
    """Bits of those who may be lost here, and of those who may leave merged."""


Edge = tuple[int, str, int, int]
"""The stage that leads to another, or ARRIVAL; the moment there, and the ticks after it; the stage that it leads to."""


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """Where the kinds of tips came."""

    entering: list[Floats]
    """For each stage (rows, columns), by the label on the way in."""
    ending: Floats
    """(rows, columns, 4): by the last label, and the bits of what they have had."""
    edges: dict[Edge, float]
    """What each moment led to, added up over rows as `weight` has it."""
    met: set[tuple[int, int]]
    """Stages, each with the number of a cue that was on the way of tips that came to it."""


@dataclass(frozen=True, slots=True)
class _State:
    """What is known of tips that have come as far as some stage of the document."""

    latest: int
    """The stage before on their way, or ARRIVAL."""
    label: int
    """The column of their label there, and"""
    by: int
    """the stage that gave it, or ARRIVAL."""
    final: int
    """The column of the last label that they were given on any branch."""
    had: int
    """Bits."""
    marks: tuple[tuple[int, int, int, int, int], ...]
    """Of every stage on their way that a later one may name: its place, the column and the stage that labelled as it
    was first seen, and the same as it was left."""
    counts: tuple[int, ...]
    """How often they were sent back from each stage that sends back."""


def step(
    stages: Sequence[Stage],
    number: int,
    *,
    inside: Floats,
    passing: Floats,
    labels: tuple[Floats, Floats] | None,
    again: float,
    on: float,
    at_most: int,
    entered: int = 0,
    served: int = 0,
    in_vain: tuple[int, ...] = (),
) -> StageStep:
    """What a stage does, by its place in the order."""
    index = {stage.name: at for at, stage in reversed(list(enumerate(stages)))}
    stage = stages[number]
    gives, keeps = labels if labels is not None else (None, None)
    return StageStep(
        inside=inside,
        passing=passing,
        labels=gives,
        keeps=keeps,
        back_to=ARRIVAL if stage.rework is None else index.get(stage.rework.back_to, ARRIVAL),
        again=again,
        on=on,
        at_most=at_most,
        cues=stage.after or (),
        cue_of=tuple(ARRIVAL if cue.stage is None else index[cue.stage] for cue in stage.after or ()),
        entered=entered,
        served=served,
        in_vain=in_vain,
    )


def walk(
    steps: Sequence[StageStep], arriving: Floats, weight: Floats, last: frozenset[int] = frozenset(), had: int = 0
) -> Walked:
    """Walk the kinds of tips, (rows, columns) by their label on arrival, down the stages.

    The way of a tip is over once it comes to one of the stages in `last`; `had` are the bits of what all have had.
    """
    rows, columns = arriving.shape
    entering = [np.zeros((rows, columns)) for _ in steps]
    ending = np.zeros((rows, columns, 4))
    edges: dict[Edge, float] = {}
    met: set[tuple[int, int]] = set()
    named_until = {
        of: max(n for n, step in enumerate(steps) if of in step.cue_of) for step in steps for of in step.cue_of
    }
    senders = tuple(number for number, step in enumerate(steps) if step.again > 0)
    mass: dict[tuple[int, _State], Floats] = {}
    queue: list[tuple[int, int, int]] = []
    held: dict[tuple[int, int], list[_State]] = {}

    def put(number: int, state: _State, of: Floats) -> None:
        if of.sum() <= SMALLEST:
            return
        key = (number, state)
        if key in mass:
            mass[key] = mass[key] + of
            return
        mass[key] = of
        rounds = sum(state.counts)
        if (rounds, number) not in held:
            held[rounds, number] = []
            heappush(queue, (rounds, number, 0))
        held[rounds, number].append(state)

    for column in range(columns):
        put(0, _State(ARRIVAL, column, ARRIVAL, column, had, (), (0,) * len(senders)), arriving[:, column])
    while queue:
        rounds, number, _ = heappop(queue)
        for state in held.pop((rounds, number)):
            here = mass.pop((number, state))
            forced = number < 0
            place = ~number if forced else number
            if place == len(steps):
                ending[:, state.final, state.had] += here
                continue
            for to, nxt, of in _pass(
                steps, place, state, here, forced, entering, edges, met, weight, senders, last, named_until
            ):
                put(to, nxt, of)
    return Walked(entering, ending, edges, met)


def _pass(
    steps: Sequence[StageStep],
    number: int,
    state: _State,
    here: Floats,
    sent_back: bool,
    entering: list[Floats],
    edges: dict[Edge, float],
    met: set[tuple[int, int]],
    weight: Floats,
    senders: tuple[int, ...],
    last: frozenset[int],
    named_until: dict[int, int],
) -> Iterator[tuple[int, _State, Floats]]:
    """What becomes of tips in one state at one stage: where they come next, in which state, and how many."""
    step = steps[number]
    label, by, found = (
        context(step, state.label, state.by, state.marks) if not sent_back else (state.label, state.by, [])
    )
    share = np.ones(len(here)) if sent_back else step.inside[:, label]
    inside = here * share
    if not sent_back:
        yield number + 1, _forget(state, number + 1, named_until), here * step.passing[:, label]
    if inside.sum() <= SMALLEST:
        return
    entering[number][:, label] += inside
    comes = float((inside * weight).sum())
    for nth in found:
        met.add((number, nth))
        cue, of = step.cues[nth], step.cue_of[nth]
        edge = (of, cue.what, cue.plus, number)
        edges[edge] = edges.get(edge, 0.0) + comes
    if not found:
        edge = (state.latest, "arrival" if state.latest == ARRIVAL else "end", 0, number)
        edges[edge] = edges.get(edge, 0.0) + comes
    if number in last:
        return
    had = state.had | step.entered
    for bits in step.in_vain:
        yield from _given(step, number, state, label, by, inside, had | bits, senders, named_until)
    yield from _given(step, number, state, label, by, inside, state.had | step.served, senders, named_until)


def _given(
    step: StageStep,
    number: int,
    state: _State,
    label: int,
    by: int,
    inside: Floats,
    had: int,
    senders: tuple[int, ...],
    named_until: dict[int, int],
) -> Iterator[tuple[int, _State, Floats]]:
    """Tips that have been served at a stage, by the labels that they have got, sent back or going on."""
    outcomes = [(label, by, state.final, inside)]
    if step.labels is not None and step.keeps is not None:
        outcomes = [(label, by, state.final, inside * step.keeps)]
        outcomes += [
            (column, number, column, inside * step.labels[:, column]) for column in range(step.labels.shape[1])
        ]
    for column, labeller, final, some in outcomes:
        if some.sum() <= SMALLEST:
            continue
        marks = state.marks
        if named_until.get(number, ARRIVAL) > number and all(mark[0] != number for mark in marks):
            marks = (*marks, (number, label, by, column, labeller))
        on, counts = 1.0, state.counts
        if step.again > 0:
            nth = senders.index(number)
            if counts[nth] < step.at_most:
                on = step.on
                more = (*counts[:nth], counts[nth] + 1, *counts[nth + 1 :])
                yield ~step.back_to, _State(number, column, labeller, final, had, marks, more), some * step.again
        following = _State(number, column, labeller, final, had, marks, counts)
        yield number + 1, _forget(following, number + 1, named_until), some * on


def context(
    step: StageStep, label: int, by: int, marks: Sequence[tuple[int, int, int, int, int]]
) -> tuple[int, int, list[int]]:
    """The label with which tips come to a stage, the stage that gave it, and which of its cues lie on their way.

    A start hands on what the stage saw, an end what it gave; of several labels the one given last holds. Where no cue
    lies on their way, what they had at the stage before is given back.
    """
    of = {mark[0]: mark[1:] for mark in marks}
    found = [nth for nth, stage in enumerate(step.cue_of) if stage == ARRIVAL or stage in of]
    if not found:
        return label, by, found
    given = [
        of[step.cue_of[nth]][:2] if step.cues[nth].what == "start" else of[step.cue_of[nth]][2:]
        for nth in found
        if step.cue_of[nth] != ARRIVAL
    ]
    first = (0, ARRIVAL) if not given else max(given, key=lambda one: one[1])
    return first[0], first[1], found


def _forget(state: _State, number: int, named_until: dict[int, int]) -> _State:
    """Leave out what no stage from there on asks for, so that tips that differ in it alone go on together."""
    marks = tuple(mark for mark in state.marks if named_until[mark[0]] >= number)
    return (
        state
        if len(marks) == len(state.marks)
        else _State(state.latest, state.label, state.by, state.final, state.had, marks, state.counts)
    )
