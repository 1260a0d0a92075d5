"""One tip explained: its life, and what it came to for each target, in words. Nothing is printed here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from rich.console import RenderableType

from sim.dynamics.log import Log
from sim.dynamics.replication import NO_LABEL, Replication
from sim.measures import passes, tallies
from sim.measures.cohort import Cohort, label_so_far, read
from sim.measures.frame import Frame
from sim.measures.kinds import kind_of, tally
from sim.measures.tallies import COLUMNS, Tally
from sim.scenario.fields import near
from sim.scenario.pools import filter_words
from sim.scenario.targets import OfTips, Timed
from sim.text import page
from sim.text.story import Event, Teller
from sim.text.words import day, span, time_words

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

TipSense = Literal["met", "missed", "counted", "not judged", "open"]

FIRST_MISSED: Final = "first-missed:"
"""Before the name of a target: the first tip that missed it."""


@dataclass(frozen=True, slots=True)
class JudgedTip:
    """What a tip came to for one target."""

    target: str
    claim: str | None
    sense: TipSense
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """All there is to say of one tip."""

    scenario: Scenario
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
    judged: tuple[JudgedTip, ...]


def explain(scenario: Scenario, replication: Replication, log: Log, which: str) -> Story:
    """The story of a tip, given by number or as `first-missed:TARGET`; ValueError where there is none."""
    cohort = read(log, replication, Frame(scenario))
    tip = _tip(scenario, cohort, replication, which)
    teller = Teller(scenario, replication, log)
    row = tip - cohort.first if cohort.first <= tip < cohort.last else None
    tier = int(label_so_far(log, replication)[tip])
    return Story(
        scenario=scenario,
        tip=tip,
        replication=replication.index,
        attributes=teller.attributes(tip),
        labelled=bool(scenario.labels),
        tier=None if tier == NO_LABEL else scenario.tiers[tier],
        counts=_counts(scenario, replication, tip),
        events=tuple(teller.events(tip)),
        judged=() if row is None else tuple(_judged(scenario, cohort, row)),
    )


def parts(story: Story) -> list[RenderableType]:
    """A story line by line, with clock times."""
    scenario = story.scenario
    title = page.title(f"Tip {story.tip} of replication {story.replication}", scenario.path)
    found: list[RenderableType] = [title, page.facts(_facts(story))]
    beside = any(event.branch for event in story.events)
    columns = ("", "", "") if beside else ("", "")
    today, lines = "", page.table(*columns)
    for event in story.events:
        at = scenario.local.shows(event.tick)
        if day(at) != today:
            today = day(at)
            lines = page.table(*columns)
            found += [page.heading(today), lines]
        branch = [str(event.branch or "")] if beside else []
        lines.add_row(f"  {at:%H:%M:%S}", *branch, page.text(event.text))
        for detail in event.details:
            lines.add_row("", *("" for _ in branch), page.text(detail, "dim"))
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
    branches: dict[int, list[str]] = {}
    for event in story.events:
        if event.branch and event.stage is not None:
            branches.setdefault(event.branch, []).append(event.stage)
    if branches:
        told = (f"{number} {', '.join(dict.fromkeys(stages))}" for number, stages in sorted(branches.items()))
        yield "Branches", "; ".join(told)


def _named(one: JudgedTip) -> str:
    return f"{one.target} ({one.claim})" if one.claim not in (None, one.target) else one.target


def _verdict(one: JudgedTip) -> str:
    return f"{one.sense}: {one.text}"


def _tip(scenario: Scenario, cohort: Cohort, replication: Replication, which: str) -> int:
    """The number of the tip that is asked for."""
    if which.startswith(FIRST_MISSED):
        name = which.removeprefix(FIRST_MISSED)
        target = scenario.targets.get(name)
        if target is None:
            known = ", ".join(scenario.targets) or "none"
            raise ValueError(f"there is no target '{name}'{near(name, scenario.targets) or f'; there are {known}'}")
        if not isinstance(target, OfTips):
            raise ValueError(f"target '{name}' judges a pool, and no tips")
        failed = np.isin(tally(target, cohort).column, kind_of(target).failed)
        if not failed.any():
            raise ValueError(f"no tip of replication {replication.index} missed '{name}'")
        return cohort.first + int(np.argmax(failed))
    if not which.isascii() or not which.isdigit():
        raise ValueError(f"a tip is a number, or {FIRST_MISSED} and a target (got '{which}')")
    n_tips = len(replication.tips)
    if int(which) >= n_tips:
        raise ValueError(f"replication {replication.index} has tips 0 to {n_tips - 1} (got {which})")
    return int(which)


def _counts(scenario: Scenario, replication: Replication, tip: int) -> str:
    arrival = int(replication.tips.arrival[tip])
    if tip < replication.tips.n_backlog:
        return "no, it is in the backlog"
    if arrival < scenario.cohort_from:
        return "no, it arrives in the warm-up"
    if arrival >= scenario.cohort_to:
        return "no, it arrives in the cool-down"
    return "yes, it arrives in the measured period"


def _judged(scenario: Scenario, cohort: Cohort, row: int) -> Iterator[JudgedTip]:
    for name, target in scenario.targets.items():
        if not isinstance(target, OfTips):
            continue
        found = tally(target, cohort)
        sense, text = _sense(target, cohort, found, row)
        yield JudgedTip(name, target.claim, sense, text)


def _sense(target: OfTips, cohort: Cohort, found: Tally, row: int) -> tuple[TipSense, str]:
    """What a target makes of a tip, by the column in which its tally counts it."""
    column = int(found.column[row])
    kind = kind_of(target)
    if column == tallies.NOT_OF:
        return "not judged", f"it is about {filter_words(target.of)}"
    if column == tallies.OPEN:
        return "open", target.of_tip(COLUMNS[column])
    if column not in kind.judged:
        return "not judged", target.of_tip(COLUMNS[column])
    sense: TipSense = "counted" if not target.by_tip else "missed" if column in kind.failed else "met"
    if not isinstance(target, Timed) or column == tallies.LOST:
        return sense, target.of_tip(COLUMNS[column])
    since, scenario = int(found.since[row]), cohort.frame.scenario
    if found.timed[row]:
        ticks = since, int(found.until[row]), int(found.ticks[row])
        return sense, _took(target, scenario, ticks, int(cohort.arrival[row]))
    if cohort.state[row] == passes.UNDER_WAY and (age := int(found.ticks[row])):
        return sense, f"{span(age)} after {target.from_name} it had not come to {target.to_name} when the run ended"
    return sense, target.of_tip(COLUMNS[column])


def _took(target: Timed, scenario: Scenario, ticks: tuple[int, int, int], arrival: int) -> str:
    """How long a tip took from one moment to the other by the clock of the target, beside what is asked."""
    since, until, took = ticks
    stamps = " to ".join(
        f"{name} ({time_words(tick, arrival, scenario.local)})"
        for name, tick in ((target.from_name, since), (target.to_name, until))
    )
    side = "no more" if took <= target.limit else "more"
    asked = f", which is asked {target.together}" if target.together else ""
    by_clock = "" if target.clock is None else f" of {target.clock} time"
    return f"{span(took)}{by_clock} from {stamps}, {side} than {target.span(target.limit)}{asked}"
