"""What a run says on the terminal: one table, the verdict on all targets, what binds, and where the time goes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.console import RenderableType
from rich.text import Text

from sim.cli import page
from sim.measures.passes import AT_GATE, IN_DELAY, IN_LINE, IN_SERVICE
from sim.measures.targets import Joint, TargetResult
from sim.text.words import count, length, percent, span

if TYPE_CHECKING:
    from pathlib import Path

    from sim.measures.frame import Frame
    from sim.studies.replicate import Done
    from sim.studies.unlimited import Hindrance, Limit

VERDICTS: Final = {
    "met": ("met", "green"),
    "missed": ("MISSED", "bold red"),
    "undecided": ("undecided", "yellow"),
    "kept": ("kept", "green"),
    "broken": ("BROKEN in this period", "bold red"),
}
"""How a verdict is written: legible without colour."""

_SPENDING: Final = {IN_LINE: "waiting for", IN_SERVICE: "in service at", AT_GATE: "at the gate of", IN_DELAY: "in"}
_MOST_PLACES: Final = 4
_UNITS: Final = {"run": "runs", "month": "months", "week": "weeks", "day": "days"}


@dataclass(frozen=True, slots=True)
class Result:
    """A run and what it came to."""

    done: Done
    targets: Sequence[TargetResult]
    joint: Joint
    notes: Sequence[str]
    """Sentences that no reader may miss: overload, what staff cannot fix, a run too short."""
    limits: Sequence[Limit] = ()
    """What each target comes to with unlimited staff; empty where every target is met with the staff there is."""
    looks: int = 1
    """How often the verdicts were looked at while replications were added; the intervals allow for it."""

    @property
    def all_met(self) -> bool:
        """Whether every target is met."""
        return all(one.verdict == "met" for one in self.targets)


def show_result(result: Result, folder: Path) -> None:
    """The result on the terminal."""
    scenario = result.done.scenario
    variant = f", variant {scenario.variant}" if scenario.variant else ""
    parts: list[RenderableType] = [
        Text.assemble((scenario.scenario, "bold"), f"{variant}  ({scenario.path})"),
        page.text(_what_was_run(result)),
        "",
        _table(result.targets),
    ]
    if result.targets:
        parts += ["", page.facts([*_together(result), *_staff(result), *_beside(result.targets)])]
    if result.notes:
        parts += ["", page.warned(result.notes)]
    if result.done.failures:
        parts += ["", page.warned(_failed(result.done))]
    page.show(*parts, "", f"Tables and plots: {folder}/")


def _what_was_run(result: Result) -> str:
    scenario, sample = result.done.scenario, result.done.sample
    tips = count(float(sample.arrived.mean())) if len(sample) else "no"
    if sample.frame.recorded:
        return (
            f"{length(scenario.length)} as recorded, {tips} tips; nothing is left to chance, so it is run once: what "
            "was kept or broken in this period"
        )
    return (
        f"{count(len(sample))} replications of {length(scenario.length)}, {tips} tips each; seed {result.done.seed}; "
        f"{percent(scenario.run.confidence)} intervals"
        + (f", since there may be {result.looks} looks" if result.looks > 1 else "")
    )


# The table


def _table(targets: Sequence[TargetResult]) -> RenderableType:
    if not targets:
        return Text("No targets: the run measured, and judged nothing.")
    claims = any(one.claim for one in targets)
    table = page.table("target", *(["claim"] if claims else []), "asked", "came to", "verdict")
    for one in targets:
        claim = [one.claim or ""] if claims else []
        table.add_row(one.name, *claim, page.text(asked(one)), page.text(came_to(one)), _verdict(one))
    return table


def asked(one: TargetResult) -> str:
    """What a target asks, in a few words."""
    match one.target.kind:
        case "share":
            text = f"at least {percent(one.threshold)} in {length(one.target.within)}"
        case "mean":
            text = f"at most {length(one.target.mean)}"
        case "lost":
            text = f"at most {percent(one.threshold)} lost"
        case _:
            text = f"at most {percent(one.threshold)} busy"
    each = [f"each {one.target.per}"] if one.target.per != "run" else []
    each += ["each centre"] if one.target.in_each else []
    return ", ".join([text, *each])


def came_to(one: TargetResult) -> str:
    """The value of a target with its interval, in one unit."""
    if math.isnan(one.value):
        return "nothing counted"
    told = _came_to(one)
    return f"{told[:-1]}, given these arrivals)" if one.given_arrivals and told.endswith(")") else told


def _came_to(one: TargetResult) -> str:
    if one.kind != "mean":
        exact = one.recorded and one.low == one.high
        return f"{100 * one.value:.1f} %" if exact else with_interval(one.value, one.low, one.high)
    unit, size = _unit(one.value)
    value, low, high = (tick / size for tick in (one.value, one.low, one.high))
    if one.lower_bound:
        return f"more than {value:.1f} {unit} ({low:.1f} or more)"
    if one.recorded and low == high:
        return f"{value:.1f} {unit}"
    if math.isinf(high):
        return f"{value:.1f} {unit} ({low:.1f} or more)"
    return f"{value:.1f} {unit} ({low:.1f} to {high:.1f})"


def with_interval(value: float, low: float, high: float) -> str:
    """A share with its interval, in so many digits that the interval shows.

    >>> with_interval(0.5, 0.4, 0.6), with_interval(0.98213, 0.98203, 0.98224)
    ('50.0 % (40.0 to 60.0)', '98.21 % (98.20 to 98.22)')
    """
    digits = 1 if high - low >= 0.002 or math.isnan(high - low) else 2
    value, low, high = (100 * share for share in (value, low, high))
    return f"{value:.{digits}f} % ({low:.{digits}f} to {high:.{digits}f})"


def _unit(ticks: float) -> tuple[str, int]:
    """The unit in which a mean time reads well."""
    from sim.dynamics.clock import DAY, HOUR, MINUTE, SECOND

    for unit, size, least in (("d", DAY, 3 * DAY), ("h", HOUR, 3 * HOUR), ("min", MINUTE, MINUTE)):
        if ticks >= least:
            return unit, size
    return "s", SECOND


def _verdict(one: TargetResult) -> Text:
    return Text(*VERDICTS[one.word])


def _beside(targets: Sequence[TargetResult]) -> Iterator[tuple[str, list[str]]]:
    """What targets could not judge, those of which the same is to be said together."""
    said: dict[str, list[str]] = {}
    for one in targets:
        for line in _unjudged(one):
            said.setdefault(line, []).append(one.name)
    if said:
        yield "Beside", [f"{_listed(names)}: {line}" for line, names in said.items()]


def _unjudged(one: TargetResult) -> Iterator[str]:
    fates = ((one.unlabelled_lost, "lost"), (one.unlabelled_open, "still open"))
    if without := " and ".join(f"{count(n)} tips {fate}" for n, fate in fates if n):
        yield f"{without} before anybody had labelled them, so not judged"
    if one.kind == "mean" and (uncounted := one.counts["lost"] + one.counts["without_end"]):
        yield f"{count(uncounted)} tips never came to its end, and a mean cannot count them"
    if one.counts["open"]:
        yield f"{count(one.counts['open'])} tips are still open; the verdict holds however they end"
    if one.counts["left_out"]:
        yield f"{count(one.counts['left_out'])} lost tips are left out"
    if one.windows.n_silent:
        yield f"{count(one.windows.n_silent)} periods without a tip to judge are left out"


# All together


def _together(result: Result) -> Iterator[tuple[str, list[str] | str]]:
    joint = result.joint
    word = VERDICTS[joint.word][0]
    yield "Together", [f"{word}: {_why(result)}", *_held(joint, result.done.sample.frame)]
    binding = next((one for one in result.targets if one.name == joint.binding), None)
    if binding is not None:
        yield "Binding", _binding(binding)
        if places := _where(result, binding):
            yield "The time", places


def _why(result: Result) -> str:
    named = {
        verdict: [one.name for one in result.joint.results if one.verdict == verdict]
        for verdict in ("missed", "undecided")
    }
    recorded = result.done.sample.frame.recorded
    if named["missed"]:
        word = "broken" if recorded else "missed"
        return f"{_listed(named['missed'])} {'is' if len(named['missed']) == 1 else 'are'} {word}"
    if recorded:
        return "every target was kept" if not named["undecided"] else f"open tips decide {_listed(named['undecided'])}"
    if named["undecided"]:
        return (
            f"with intervals that hold all at once, {_listed(named['undecided'])} "
            f"{'is' if len(named['undecided']) == 1 else 'are'} undecided; --until-decided adds replications"
        )
    return "every target is met, with intervals that hold all at once"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _held(joint: Joint, frame: Frame) -> Iterator[str]:
    told = [
        (unit, held)
        for unit, held in joint.shares.items()
        if held.n_judged and (held.whole or unit == "run") and not (frame.recorded and unit == "run")
    ]
    parts = []
    for unit, held in told:
        share = held.share
        exact = frame.recorded and share.low == share.high
        said = f"{100 * share.value:.1f} %" if exact else with_interval(share.value, share.low, share.high)
        parts.append(f"{said} of the {_UNITS[unit]}")
    if parts:
        given = ", given these arrivals" if frame.given_arrivals else ""
        yield f"they all held in {', '.join(parts)}{given}"


def _binding(one: TargetResult) -> str:
    if math.isinf(one.used):
        return f"{one.name}: it allows nothing, and is broken"
    if one.used > 1:
        return f"{one.name}: {one.used:.2g} times what it allows"
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
    best = f"with unlimited staff it comes to {came_to(one.result)}"
    if one.result.verdict == "met":
        return f"more staff can meet {one.name}: {best}"
    if not one.beyond_staff:
        return f"whether more staff can meet {one.name} is undecided: {best}"
    ways = _listed([_hindrance(way) for way in one.hindrances[:_MOST_PLACES]]) if one.hindrances else "its own rules"
    return f"staff alone cannot meet {one.name}: {best}; in the way stand {ways}"


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
