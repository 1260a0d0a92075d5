"""One tip explained: its life, and what it came to for each target, in words. Nothing is printed here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from rich.console import RenderableType
from rich.text import Text

from sim.dynamics.clock import NEVER, date_of
from sim.dynamics.log import Log
from sim.dynamics.replication import NO_LABEL, Replication
from sim.measures import passes, tallies
from sim.measures.cohort import Cohort, read
from sim.measures.frame import Frame
from sim.measures.tallies import Tally, tally
from sim.scenario.describe import filter_words
from sim.scenario.fields import near
from sim.scenario.targets import LostTarget, MeanTarget, OccupancyTarget, ShareTarget
from sim.text import page
from sim.text.story import Event, Teller
from sim.text.words import day, length, percent, span, time_words

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

Sense = Literal["met", "missed", "counted", "not judged", "open"]

FIRST_MISSED: Final = "first-missed:"
"""Before the name of a target: the first tip that missed it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a tip came to for one target."""

    target: str
    claim: str | None
    sense: Sense
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """All there is to say of one tip."""

    tip: int
    replication: int
    attributes: dict[str, str]
    """How it came and what it truly is."""
    labelled: bool
    """Whether anybody labels tips at all; else the tier is the true risk."""
    tier: str | None
    """Its last label."""
    counts: str
    """Whether it is one of the tips that count."""
    events: tuple[Event, ...]
    judged: tuple[Judged, ...]


def explain(scenario: Scenario, replication: Replication, log: Log, which: str) -> Story:
    """The story of a tip, given by number or as `first-missed:TARGET`; ValueError where there is none."""
    cohort = read(log, replication, Frame(scenario))
    tip = _tip(scenario, cohort, replication, which)
    teller = Teller(scenario, replication, log)
    row = tip - cohort.first if cohort.first <= tip < cohort.last else None
    tier = _label(replication, log, tip)
    return Story(
        tip=tip,
        replication=replication.index,
        attributes=teller.attributes(tip),
        labelled=bool(scenario.labels),
        tier=None if tier == NO_LABEL else scenario.tiers[tier],
        counts=_counts(scenario, replication, tip),
        events=tuple(teller.events(tip)),
        judged=() if row is None else tuple(_judged(scenario, cohort, row)),
    )


def parts(story: Story, scenario: Scenario) -> list[RenderableType]:
    """A story line by line, with clock times."""
    title = Text.assemble((f"Tip {story.tip} of replication {story.replication}", "bold"), f"  ({scenario.path})")
    found: list[RenderableType] = [title, page.facts(_facts(story))]
    today, lines = "", page.table("", "")
    for event in story.events:
        at = date_of(event.tick, scenario.start)
        if day(at) != today:
            today = day(at)
            lines = page.table("", "")
            found += [page.heading(today), lines]
        lines.add_row(f"  {at:%H:%M:%S}", page.text(event.text))
        for detail in event.details:
            lines.add_row("", page.text(detail, "dim"))
    if story.judged:
        found += [page.heading("Targets"), page.facts((_named(one), _verdict(one)) for one in story.judged)]
    return found


def sentences(story: Story) -> list[str]:
    """What the tip came to for each target."""
    return [f"{_named(one)} is {_verdict(one)}." for one in story.judged]


def _facts(story: Story) -> Iterator[tuple[str, str]]:
    if story.attributes:
        yield "It is", ", ".join(f"{name} {value}" for name, value in story.attributes.items())
    if story.labelled:
        yield "Labelled", story.tier or "not at all"
    yield "Counts", story.counts


def _named(one: Judged) -> str:
    return f"{one.target} ({one.claim})" if one.claim not in (None, one.target) else one.target


def _verdict(one: Judged) -> str:
    return f"{one.sense}: {one.text}"


def _tip(scenario: Scenario, cohort: Cohort, replication: Replication, which: str) -> int:
    """The number of the tip that is asked for."""
    if which.startswith(FIRST_MISSED):
        name = which.removeprefix(FIRST_MISSED)
        target = scenario.targets.get(name)
        if target is None:
            known = ", ".join(scenario.targets) or "none"
            raise ValueError(f"there is no target '{name}'{near(name, scenario.targets) or f'; there are {known}'}")
        if isinstance(target, OccupancyTarget):
            raise ValueError(f"target '{name}' judges a pool, and no tips")
        failed = np.isin(tally(target, cohort).column, tallies.FAILED[target.kind])
        if not failed.any():
            raise ValueError(f"no tip of replication {replication.index} missed '{name}'")
        return cohort.first + int(np.argmax(failed))
    if not which.isascii() or not which.isdigit():
        raise ValueError(f"a tip is a number, or {FIRST_MISSED} and a target (got '{which}')")
    n_tips = len(replication.tips)
    if int(which) >= n_tips:
        raise ValueError(f"replication {replication.index} has tips 0 to {n_tips - 1} (got {which})")
    return int(which)


def _label(replication: Replication, log: Log, tip: int) -> int:
    """The label that a tip has when the run is over."""
    first, beyond = (int(replication.tips.first_visit[tip + step]) for step in (0, 1))
    served = np.flatnonzero(log.end[first:beyond] == NEVER)
    if served.size == 0:
        return int(replication.visits.final_tier[tip])
    return int(replication.visits.tier[first + served[0]])


def _counts(scenario: Scenario, replication: Replication, tip: int) -> str:
    arrival = int(replication.tips.arrival[tip])
    if tip < replication.tips.n_backlog:
        return "no, it is in the backlog"
    if arrival < scenario.cohort_from:
        return "no, it arrives in the warm-up"
    if arrival >= scenario.cohort_to:
        return "no, it arrives in the cool-down"
    return "yes, it arrives in the measured period"


def _judged(scenario: Scenario, cohort: Cohort, row: int) -> Iterator[Judged]:
    for name, target in scenario.targets.items():
        if isinstance(target, OccupancyTarget):
            continue
        found = tally(target, cohort)
        sense, text = _sense(target, cohort, found, row)
        yield Judged(name, target.claim, sense, text)


def _sense(target: ShareTarget | MeanTarget | LostTarget, cohort: Cohort, found: Tally, row: int) -> tuple[Sense, str]:
    """What a target makes of a tip, by the column in which its tally counts it."""
    column = int(found.column[row])
    if column == tallies.NOT_OF:
        return "not judged", f"it is about {filter_words(target.of)}"
    if isinstance(target, LostTarget):
        return _lost(target, column)
    match column:
        case tallies.WITHOUT_START:
            return "not judged", f"it never came to {target.from_name}"
        case tallies.LEFT_OUT:
            return "not judged", "it was lost, and lost tips are left out"
        case tallies.WITHOUT_END:
            return "not judged", f"it never came to {target.to_name}, and a mean cannot count it"
        case tallies.LOST if isinstance(target, ShareTarget):
            return "missed", f"it was lost before {target.to_name}"
        case tallies.LOST:
            return "not judged", f"it was lost before {target.to_name}, and a mean cannot count it"
        case tallies.OPEN:
            return "open", f"it had not come to {target.to_name} when the run ended"
    since, until = int(found.since[row]), int(found.until[row])
    scenario = cohort.frame.scenario
    if not found.timed[row]:
        return "missed", _never_came(target, scenario, since, under_way=cohort.state[row] == passes.UNDER_WAY)
    asked = target.within if isinstance(target, ShareTarget) else target.mean
    stamps = " to ".join(
        f"{name} ({time_words(tick, int(cohort.arrival[row]), scenario.start)})"
        for name, tick in ((target.from_name, since), (target.to_name, until))
    )
    side = "no more" if column == tallies.MET else "more"
    text = f"{span(until - since)} from {stamps}, {side} than {length(asked)}"
    if isinstance(target, MeanTarget):
        return "counted", f"{text}, which is asked on average"
    return ("met" if column == tallies.MET else "missed"), text


def _never_came(target: ShareTarget | MeanTarget, scenario: Scenario, since: int, *, under_way: bool) -> str:
    if not under_way:
        return f"it never came to {target.to_name}"
    age = span(scenario.horizon - since)
    return f"{age} after {target.from_name} it had not come to {target.to_name} when the run ended"


def _lost(target: LostTarget, column: int) -> tuple[Sense, str]:
    if column == tallies.LOST:
        return "missed", f"it gave up for good, as at most {percent(target.lost)} may"
    if column == tallies.OPEN:
        return "open", "it could still give up when the run ended"
    return "met", "it did not give up for good"
