"""Branches: what a stage begins with, and the joint walk of all kinds of tips down stages that go on side by side.

A tip that is in several places at a time has, in each, the label that it was given before it on its own branches. So
what can become of it is told by joint states: which stages lie on its way so far, and with which label each was seen
and left. Without branches there is one state a label, and the walk is that down a chain.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

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

NOWHERE: Final = 1_000
"""In place of the number of an aside: none was come to."""

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
    asides: tuple[int, ...] = ()
    """Where those may go on that may be in vain here; all of this is only for asking what can come, not how much."""
    is_aside: bool = False
    """Whether tips come here only so."""
    lost: int = 0
    """Bits of those who are lost because it is not for them."""
    begins_alone: bool = False
    """Whether it begins also for who is in vain here, as a delay does."""


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
    aside: OfAsides
    """What asides make of it."""


@dataclass(frozen=True, slots=True, eq=False)
class OfAsides:
    """What becomes of tips that were in vain at a stage and came to an aside, by places in the order."""

    goes_on: set[tuple[int, int]] = field(default_factory=set)
    """Asides, each with a stage that may begin at its end."""
    follows: set[tuple[int, int, int, int]] = field(default_factory=set)
    """Stages that follow another which is not come to; that, the stage in vain, and the aside come to instead."""
    label: set[tuple[int, int]] = field(default_factory=set)
    """Stages to which tips may come without the label that a stage gives to all others of them; that stage."""
    hangs: set[tuple[int, int]] = field(default_factory=set)
    """Stages that begin with a moment of another, of which such a label decides whether it lies on the way; that."""


class _Vain(NamedTuple):
    """A visit in vain."""

    leader: int
    aside: int
    label: int
    by: int
    """As in _State, as it was come to."""
    thread: int
    first: tuple[int, ...]
    """The stage, if it was the first visit to it, for whose end that of the aside stands."""


@dataclass(frozen=True, slots=True)
class _State:
    """What is known of tips that have come as far as some stage of the document."""

    latest: int
    """The stage before on their way, or ARRIVAL."""
    label: int
    """The column of their label there, and"""
    by: int
    """twice the stage that gave it, and one more where it was to, and they have the one before; or ARRIVAL."""
    final: int
    """The column of the last label that they were given on any branch."""
    had: int
    """Bits."""
    marks: tuple[tuple[int, int, int, int, int], ...]
    """Of every stage on their way that a later one may name: its place, the column and the stage that labelled as it
    was first seen, and the same as it was left."""
    counts: tuple[int, ...]
    """How often they were sent back from each stage that sends back."""
    thread: int = ARRIVAL
    """The last stage on their way that began with a cue,"""
    stuck: tuple[int, int] | None = None
    """and where what just follows the stage before is not come to, the stage in vain, and its aside."""
    via: int = ARRIVAL
    """The aside that was come to instead of the stage before."""
    vain: tuple[_Vain, ...] = ()
    """What was in vain, and has its aside still before it."""
    dead: tuple[tuple[int, str, int, int], ...] = ()
    """Moments that do not come, of stages on their way that a later one may name, with the stage in vain and the
    aside."""
    ended: tuple[tuple[int, int], ...] = ()
    """Such stages for whose end that of an aside stands, and that."""
    unsure: tuple[int, ...] = ()
    """Such stages of which a label that is not given decides whether they lie on the way; here they do not."""

    def but(self, **other: Any) -> _State:
        """The same but for some of it."""
        return replace(self, **other)


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
    asides: tuple[int, ...] = (),
    is_aside: bool = False,
    lost: int = 0,
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
        asides=asides,
        is_aside=is_aside,
        lost=lost,
        begins_alone=stage.pool is None,
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
    aside = OfAsides()
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
                steps, place, state, here, forced, entering, edges, (met, aside), weight, senders, last, named_until
            ):
                put(to, nxt, of)
    return Walked(entering, ending, edges, met, aside)


def _pass(
    steps: Sequence[StageStep],
    number: int,
    state: _State,
    here: Floats,
    sent_back: bool,
    entering: list[Floats],
    edges: dict[Edge, float],
    seen: tuple[set[tuple[int, int]], OfAsides],
    weight: Floats,
    senders: tuple[int, ...],
    last: frozenset[int],
    named_until: dict[int, int],
) -> Iterator[tuple[int, _State, Floats]]:
    """What becomes of tips in one state at one stage: where they come next, in which state, and how many."""
    step, (met, aside) = steps[number], seen
    if step.is_aside:
        yield from _pass_aside(step, number, state, here, entering, named_until)
        return
    label, by, found = (
        context(step, state.label, state.by, state.marks) if not sent_back else (state.label, state.by, [])
    )
    if not found and not sent_back:
        aside.hangs.update((number, of) for of in step.cue_of if of in state.unsure)
    stuck = None if sent_back else _stuck(step, state, found)
    if stuck is not None:
        if not found and stuck[1] < number:
            aside.follows.add((number, state.latest, *stuck))
        gone = _not_come_to(state, number, label, by, bool(found), stuck, labels=step.labels is not None)
        if by > ARRIVAL and by % 2 and (step.inside != step.inside[:, :1]).any():
            # It lies on the way, or does not, by a label that is not given.
            yield number + 1, _forget(state.but(unsure=(*state.unsure, number)), number + 1, named_until), here
            yield number + 1, _forget(gone, number + 1, named_until), here
        else:
            yield number + 1, _forget(state, number + 1, named_until), here * step.passing[:, label]
            yield number + 1, _forget(gone, number + 1, named_until), here * step.inside[:, label]
        return
    if by > ARRIVAL and by % 2 and (here * step.inside.max(axis=1)).sum() > SMALLEST:
        aside.label.add((number, by // 2))
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
    aside.goes_on.update((to, number) for of, to in state.ended if _ends_with(step, of, found))
    if not found and not sent_back and state.via != ARRIVAL:
        aside.goes_on.add((state.via, number))
    if number in last:
        return
    if found and not sent_back:
        state = state.but(thread=number)
    if state.stuck is not None or state.via != ARRIVAL:
        state = state.but(stuck=None, via=ARRIVAL)
    had = state.had | step.entered
    for to in step.asides:
        first = () if any(mark[0] == number for mark in state.marks) else (number,)
        labels = step.labels is not None
        vain = _not_come_to(state, number, label, by, False, (number, to), labels, begun=step.begins_alone)
        vain = vain.but(had=had, vain=(*vain.vain, _Vain(number, to, label, by, state.thread, first)))
        yield number + 1, _forget(vain, number + 1, named_until), inside
    for bits in step.in_vain:
        yield from _given(step, number, state, label, by, inside, had | bits, senders, named_until)
    yield from _given(step, number, state, label, by, inside, state.had | step.served, senders, named_until)


def _ends_with(step: StageStep, of: int, found: Sequence[int]) -> bool:
    """Whether the end of a stage is among the cues of another that lie on the way."""
    return any(step.cue_of[nth] == of and step.cues[nth].what == "end" for nth in found)


def _stuck(step: StageStep, state: _State, found: Sequence[int]) -> tuple[int, int] | None:
    """The stage in vain because of which a stage is not come to, and its aside; None where it is."""
    if not found:
        return state.stuck
    gone = {(of, what): why for of, what, *why in state.dead}
    found_gone = [gone.get((step.cue_of[nth], step.cues[nth].what)) for nth in found]
    why = [(one[0], one[1]) for one in found_gone if one is not None]
    return min(why, key=lambda one: one[1]) if len(why) == len(found) else None


def _not_come_to(
    state: _State,
    number: int,
    label: int,
    by: int,
    apart: bool,
    why: tuple[int, int],
    labels: bool,
    *,
    begun: bool = False,
) -> _State:
    """Tips on whose way a stage lies that they do not come to, or not to the end of."""
    marks, dead = state.marks, state.dead
    after = 2 * number + 1 if labels else by
    if all(mark[0] != number for mark in marks):
        marks = (*marks, (number, label, by, label, after))
        dead = (*dead, (number, "end", *why), *(() if begun else ((number, "start", *why),)))
    thread = number if apart else state.thread
    return state.but(latest=number, label=label, by=after, stuck=why, marks=marks, dead=dead, thread=thread)


def _instead(state: _State, one: _Vain, aside: int) -> _State:
    """What is not come to because of a visit in vain is so because of another aside, or of none."""
    stuck = (one.leader, aside) if state.stuck == (one.leader, one.aside) else state.stuck
    dead = tuple(
        (of, what, *((leader, aside) if (leader, to) == (one.leader, one.aside) else (leader, to)))
        for of, what, leader, to in state.dead
    )
    return state.but(stuck=stuck, dead=dead)


def _pass_aside(
    step: StageStep, number: int, state: _State, here: Floats, entering: list[Floats], named_until: dict[int, int]
) -> Iterator[tuple[int, _State, Floats]]:
    """What becomes of tips at an aside, to which those come that were in vain before."""
    one = next((vain for vain in state.vain if vain.aside == number), None)
    if one is None:
        yield number + 1, _forget(state, number + 1, named_until), here
        return
    state = state.but(vain=tuple(vain for vain in state.vain if vain is not one))
    lost = _instead(state, one, NOWHERE)
    yield number, lost.but(had=state.had | step.lost), here * step.passing[:, one.label]
    inside = here * step.inside[:, one.label]
    entering[number][:, one.label] += inside
    had = state.had | step.entered
    for bits in step.in_vain:
        yield number, lost.but(had=had | bits), inside
    for aside in step.asides:
        more = (*state.vain, one._replace(aside=aside))
        yield number, _instead(state, one, aside).but(had=had, vain=more), inside
    state = state.but(had=state.had | step.served)
    labelled = 2 * number + 1 if step.labels is not None else ARRIVAL
    if one.thread == state.thread and state.stuck == (one.leader, number):
        state = state.but(stuck=None, via=number, by=max(state.by, labelled))
    ends = {(of, "end") for of in one.first}
    state = state.but(
        dead=tuple(moment for moment in state.dead if moment[:2] not in ends),
        ended=(*state.ended, *((of, number) for of in one.first)),
        marks=tuple((*mark[:4], max(mark[4], labelled)) if mark[0] in one.first else mark for mark in state.marks),
    )
    if step.labels is None or step.keeps is None:
        yield number, state, inside
        return
    yield number, state, inside * step.keeps
    for column in range(step.labels.shape[1]):
        yield number, state.but(final=column), inside * step.labels[:, column]


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
            (column, 2 * number, column, inside * step.labels[:, column]) for column in range(step.labels.shape[1])
        ]
    for column, labeller, final, some in outcomes:
        if some.sum() <= SMALLEST:
            continue
        marks = state.marks
        if named_until.get(number, ARRIVAL) > number and all(mark[0] != number for mark in marks):
            marks = (*marks, (number, label, by, column, labeller))
        given = state.but(latest=number, label=column, by=labeller, final=final, had=had, marks=marks)
        on, counts = 1.0, state.counts
        if step.again > 0:
            nth = senders.index(number)
            if counts[nth] < step.at_most:
                on = step.on
                more = (*counts[:nth], counts[nth] + 1, *counts[nth + 1 :])
                yield ~step.back_to, given.but(counts=more), some * step.again
        yield number + 1, _forget(given, number + 1, named_until), some * on


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

    def asked(rows: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(row for row in rows if named_until.get(row[0], ARRIVAL) >= number)

    marks, dead, ended = asked(state.marks), asked(state.dead), asked(state.ended)
    unsure = tuple(of for of in state.unsure if named_until.get(of, ARRIVAL) >= number)
    same = (marks, dead, ended, unsure) == (state.marks, state.dead, state.ended, state.unsure)
    return state if same else state.but(marks=marks, dead=dead, ended=ended, unsure=unsure)
