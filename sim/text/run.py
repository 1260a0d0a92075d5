"""What a run says on the terminal: one table, the verdict on all targets, what binds, and where the time goes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from rich.console import RenderableType
from rich.text import Text

from sim.dynamics.clock import MINUTE
from sim.measures.kinds import never_counted
from sim.measures.passes import AT_GATE, IN_DELAY, IN_LINE, IN_SERVICE
from sim.measures.targets import HeldShare, Joint, TargetResult
from sim.scenario.targets import WINDOWS, Timed
from sim.text import page
from sim.text.words import (
    PERIODS,
    are,
    came_to,
    clock,
    count,
    left_out_words,
    length,
    listed,
    nothing_failed_words,
    percent,
    so_many,
    some,
    span,
    with_interval,
)
from sim.text.words import day as day_words

if TYPE_CHECKING:
    from sim.measures.frame import Frame
    from sim.studies.day import Day
    from sim.studies.replicate import Done
    from sim.studies.result import Result
    from sim.studies.staff.limits import Hindrance, Limit

_SPENDING: Final = {IN_LINE: "waiting for", IN_SERVICE: "in service at", AT_GATE: "at the gate of", IN_DELAY: "in"}
_MOST_PLACES: Final = 4


def parts(result: Result) -> list[RenderableType]:
    """The result on the terminal, part by part."""
    scenario = result.done.scenario
    found: list[RenderableType] = [
        page.title(scenario.scenario, scenario.path, scenario.variant),
        page.text(_what_was_run(result)),
        "",
        results_table(result.targets, claims=any(one.claim for one in result.targets)),
    ]
    if result.targets:
        found += ["", page.facts([*_together(result), *_staff(result), *_beside(result.targets)])]
    if result.notes:
        found += ["", page.warned(result.notes)]
    if result.done.failures:
        found += ["", page.warned(_failed(result.done))]
    return found


def sentences(result: Result) -> list[str]:
    """What the run answers: whether all hold together, what binds, and how often all held at once."""
    if not result.joint.results:
        return []
    return [_all_or_not(result.joint), *_binds(result), *_in_weeks(result.joint)]


PERIOD: Final = "week"
"""The periods of which one sentence says in how many all targets held; a table has the others."""


def _all_or_not(joint: Joint) -> str:
    if any(one.recorded for one in joint.results):
        missed = joint.named("missed")
        said = are(missed, "broken") if missed else "every target was kept"
        return f"In the recorded period, of which nothing is left to chance, {said}."
    return f"{finding(joint)}."


def finding(joint: Joint) -> str:
    """Whether all targets hold together, in one sentence without its end."""
    several = len(joint.results) > 1
    targets, hold = (f"the {len(joint.results)} targets", "hold together") if several else ("the target", "holds")
    if missed := joint.named("missed"):
        return (
            f"{targets.capitalize()} {'do not hold together' if several else 'does not hold'}: {are(missed, 'missed')}"
        )
    if undecided := joint.named("undecided"):
        return f"It is open whether {targets} {hold}: {are(undecided, 'undecided')}"
    return f"{targets.capitalize()} {hold}"


def _binds(result: Result) -> Iterator[str]:
    for one in result.targets:
        if one.name == result.joint.binding:
            yield f"What binds is {one.name}: it comes to {came_to(one)} where {one.asked} is asked."


def _in_weeks(joint: Joint) -> Iterator[str]:
    held = joint.shares[PERIOD]
    if held.n_judged:
        yield f"All of them held at once in {_share_held(held)} of the weeks."


def _share_held(held: HeldShare) -> str:
    """A share of periods with its interval; alone where nothing is left to chance."""
    share = held.share
    if held.recorded and share.low == share.high:
        return f"{100 * share.value:.1f} %"
    return with_interval(share.value, share.low, share.high)


def _what_was_run(result: Result) -> str:
    scenario, sample = result.done.scenario, result.done.sample
    tips = so_many(float(sample.arrived.mean()), "tip") if len(sample) else "no tips"
    if sample.frame.recorded:
        return (
            f"{length(scenario.run.length)} as recorded, {tips}; nothing is left to chance, so it is run once: "
            "what was kept or broken in this period, which says nothing of others"
        )
    runs = f"{so_many(len(sample), 'replication')} of {length(scenario.run.length)}"
    return f"{runs}, {tips} each; seed {result.done.seed}; {percent(scenario.run.confidence)} intervals" + (
        f", since there may be {result.looks} looks" if result.looks > 1 else ""
    )


# The table


def results_table(targets: Sequence[TargetResult], *, claims: bool = False) -> RenderableType:
    """What targets asked and came to, with their verdicts, and with the claims that they stand for."""
    if not targets:
        return Text("No targets: the run measured, and judged nothing.")
    table = page.table("target", *(["claim"] if claims else []), "asked", "came to", "verdict")
    for one in targets:
        claim = [one.claim or ""] if claims else []
        table.add_row(one.name, *claim, page.text(one.asked), page.text(came_to(one)), page.verdict(one.word))
    return table


def _beside(targets: Sequence[TargetResult]) -> Iterator[tuple[str, list[str]]]:
    """What targets could not judge, those of which the same is to be said together."""
    said: dict[str, list[str]] = {}
    for one in targets:
        for line in _unjudged(one):
            said.setdefault(line, []).append(one.name)
    if said:
        yield "Beside", [f"{listed(names)}: {line}" for line, names in said.items()]


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _unjudged(one: TargetResult) -> Iterator[str]:
    fates = ((one.unlabelled_lost, "lost"), (one.unlabelled_open, "still open"))
    if without := " and ".join(f"{count(n)} {'was' if n == 1 else 'were'} {fate}" for n, fate in fates if n):
        yield f"of {so_many(sum(one.counts.values()), 'tip')} {without} before anybody had labelled them, so not judged"
    if one.left_out and one.left_out.verdict != "met":
        yield left_out_words(one)
    elif not one.by_tip and (uncounted := sum(one.counts[column] for column in never_counted(one.target))):
        assert isinstance(one.target, Timed)
        its = sum(n for column, n in one.counts.items() if column not in ("without_start", "not_of"))
        what = f"{count(uncounted)} of {so_many(its, 'tip')}"
        yield f"{what} never came to {one.target.to_name}, and {one.target.a} cannot count them"
    if one.unshown is not None:
        yield nothing_failed_words(one.unshown)
    if n := one.counts["open"]:
        end = "it ends" if n == 1 else "they end"
        yield f"{so_many(n, 'tip')} {_are(n)} still open; the verdict holds however {end}"
    if one.by_tip and one.counts["merged"] and "merged" in never_counted(one.target):
        yield f"{so_many(one.counts['merged'], 'tip')} left merged, and {_are(one.counts['merged'])} not judged"
    if one.counts["left_out"]:
        yield f"{so_many(one.counts['left_out'], 'lost tip')} {_are(one.counts['left_out'])} left out"
    if one.target.hold is not None and one.windows.n_silent:
        windows = WINDOWS[one.target.per]
        yield f"{count(one.windows.n_silent)} {windows} are left out: nothing to judge in them, or not whole"
    if one.silent:
        yield f"nothing to judge in {count(len(one.silent))} places: {some(one.silent)}"
    if one.too_few:
        yield f"too few to judge in {count(len(one.too_few))} places, so that it cannot be met: {some(one.too_few)}"


# All together


def _together(result: Result) -> Iterator[tuple[str, list[str] | str]]:
    joint = result.joint
    said = page.verdict(joint.word).plain
    yield "Together", [f"{said}: {_why(result)}", *_held(joint, result.done.sample.frame)]
    binding = next((one for one in result.targets if one.name == joint.binding), None)
    if binding is not None:
        yield "Binding", _binding(binding)
        if places := _where(result, binding):
            yield "The time", places


def _why(result: Result) -> str:
    missed, undecided = result.joint.named("missed"), result.joint.named("undecided")
    if result.done.sample.frame.recorded:
        if missed:
            return f"{are(missed, 'broken')}"
        return "every target was kept" if not undecided else f"open tips decide {listed(undecided)}"
    if missed:
        wider = ", also by the wider intervals that hold for all targets at once" if len(result.targets) > 1 else ""
        return f"{are(missed, 'missed')}{wider}"
    counted = {one.name for one in result.targets if not math.isnan(one.value)}
    if undecided and not counted & set(undecided):
        return f"nothing was counted for {listed(undecided)}"
    if undecided:
        n = count(len(result.done.sample))
        then = f" still, after {n} replications" if result.looks > 1 else "; --until-decided adds replications"
        return f"{are(undecided, 'undecided')}{then}"
    return "every target is met"


def _held(joint: Joint, frame: Frame) -> Iterator[str]:
    told = [
        (unit, held)
        for unit, held in joint.shares.items()
        if held.n_judged and (held.whole or unit == "run") and not (frame.recorded and unit == "run")
    ]
    if parts := [f"{_share_held(held)} of the {PERIODS[unit]}" for unit, held in told]:
        given = ", given these arrivals" if frame.given_arrivals else ""
        yield f"they all held in {', '.join(parts)}{given}"


def _binding(one: TargetResult) -> str:
    if math.isinf(one.value):
        return f"{one.name}: too many tips never come to its end"
    if math.isinf(one.used):
        return f"{one.name}: it allows nothing, and is broken"
    if one.used > 1:
        what = "as many fail as" if one.by_tip else "as long as" if one.unit == "min" else "what"
        return f"{one.name}: {one.used:.2g} times {what} it allows"
    if not one.used:
        return "none: no target uses anything of what it allows"
    return f"{one.name}: it uses {percent(round(one.used, 2))} of what it allows"


def _where(result: Result, one: TargetResult) -> str:
    """Where the tips of a target spend the time that it counts, the largest parts first."""
    scenario, sample = result.done.scenario, result.done.sample
    spent = sample.pooled.spent[list(scenario.targets).index(one.name)]
    total = int(spent.sum())
    if not total:
        return ""
    parts = sorted(
        (
            (int(spent[at, how]), f"{_SPENDING[how]} {stage.name}")
            for at, stage in enumerate(scenario.stages)
            for how in _SPENDING
        ),
        key=lambda part: -part[0],
    )
    timed = one.counts["met"] + one.counts["missed"]
    named = ", ".join(f"{percent(round(ticks / total, 2))} {where}" for ticks, where in parts[:_MOST_PLACES] if ticks)
    mean = f" takes {span(total / timed)} on average" if timed else ""
    return f"{one.name}{mean}: {named}"


def _staff(result: Result) -> Iterator[tuple[str, list[str]]]:
    """What staff can mend of the targets that are not met, and what it cannot."""
    limits = {one.name: one for one in result.limits}
    said = [limit_words(limits[one.name]) for one in result.targets if one.verdict != "met" and one.name in limits]
    if said:
        yield "Staff", said


def limit_words(one: Limit) -> str:
    """What staff can do for a target, and what stands in the way where it can do nothing."""
    always = " at all hours" if one.at_posts is not None else ""
    best = f"with unlimited staff{always} {_comes_to(one.result)}"
    if one.more_staff == "hours" and one.at_posts is not None:
        shut = listed([f"{closed.pool} is closed {closed.words}" for closed in one.closed])
        return (
            f"more people on the posts there are cannot meet {one.name}: however many there are it comes to "
            f"{came_to(one.at_posts)}, since {shut}; with unlimited people at those hours too it comes to "
            f"{came_to(one.result)}"
        )
    if one.at_posts is not None and one.at_posts.verdict == "met":
        best = f"with unlimited people there it comes to {came_to(one.at_posts)}"
        return f"more people on the posts there are can meet {one.name}: {best}"
    if one.result.verdict == "met":
        return f"more staff can meet {one.name}: {best}"
    if not one.beyond_staff:
        return f"whether more staff can meet {one.name} is undecided: {best}"
    ways = listed([_hindrance(way) for way in one.hindrances[:_MOST_PLACES]]) if one.hindrances else "its own rules"
    return f"staff alone cannot meet {one.name}: {best}; in the way stand {ways}"


def _comes_to(one: TargetResult) -> str:
    return "nothing is counted" if math.isnan(one.value) else f"it comes to {came_to(one)}"


def _hindrance(one: Hindrance) -> str:
    """What keeps a target from being met, and its share in that."""
    share = percent(round(one.share, 2))
    match one.kind:
        case "label":
            return f"what {one.name} labels otherwise ({share})"
        case "way":
            return f"that they do not come to {one.name} ({share})"
        case "gate":
            return f"the gate of {one.name} ({share})"
        case _:
            return f"the {one.kind} at {one.name} ({share})"


def _failed(done: Done) -> Iterator[str]:
    for index, failure in done.failures.items():
        yield f"replication {index} failed and is left out: {failure.error}"


# A day of it


def day_told(day: Day) -> dict[str, Any]:
    """What is recorded of the day that is told tip by tip: which it is, why, and the same in sentences."""
    return {
        "date": day.date.isoformat(),
        "replication": day.replication,
        "why": day.why,
        "peak_min": day.peak,
        "came": day.came,
        "tips": day.tips,
        "shown": day.shown,
        "stages": list(day.stages),
        "says": day_sentences(day),
    }


def day_sentences(day: Day) -> list[str]:
    """Which day it is and why, and what came and broke on it."""
    at = _at(day.peak)
    tips = "tip" if day.most == 1 else "tips"
    why = {
        "waiting": f"the measured day on which most tips waited at once: {day.most:,}, at {at}",
        "broken": f"the first measured day on which a promise broke, at {at}, while no tip ever waited",
        "arrivals": f"the measured day on which most tips came: {day.most:,} {tips}, and none ever waited",
    }[day.why]
    first = "" if day.first_broken is None else f", the first at {_at(day.first_broken)}"
    broke = f"{day.n_broken:,} promises" if day.n_broken > 1 else "one promise" if day.n_broken else "no promise"
    return [
        f"{day_words(day.date)} of replication {day.replication}, {why}.",
        f"{day.came:,} tips came, {day.tips:,} were at a stage, and {broke} broke{first}.",
    ]


def _at(minute: float) -> str:
    """A time of the day, given in minutes since midnight."""
    return clock(int(minute) * MINUTE)
