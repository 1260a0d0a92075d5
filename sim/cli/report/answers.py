"""What a folder of results answers, in sentences: those that commands recorded, and for a run those from its tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sim.cli.report.results import Folder, Results
from sim.cli.terminal import with_interval
from sim.dynamics.clock import MINUTE
from sim.plots.findings import are
from sim.text import words

MOST: Final = 3
"""Sentences at the head of a report."""

ASKED_FIRST: Final = ("claims", "staff", "sensitivity", "map", "compare", "runway")
"""Commands whose answers come before that of a run, where a study does not say which steps answer it."""

_OF_A_PERIOD: Final = {"kept": "met", "broken": "missed"}
"""What a record that left nothing to chance says of the period that it tells of, and what that is of the long run."""

PERIOD: Final = "week"
"""The periods of which a report says in how many all targets held; its tables have the others."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A target's row in a table of verdicts."""

    target: str
    claim: str
    unit: str
    threshold: float
    value: float
    low: float
    high: float
    within: float
    """Minutes in which a share is asked for; NaN where it is not."""
    verdict: str
    together: str
    """The verdict by intervals that hold for all targets at once; the plain one where there is no other."""
    at_least: bool
    """Whether the threshold is a least; a comparison's table does not tell."""

    @property
    def came_to(self) -> str:
        """The value with its interval."""
        if math.isnan(self.value):
            return "nothing counted"
        if self.verdict in _OF_A_PERIOD and self.low == self.high:
            return f"{100 * self.value:.1f} %" if self.unit != "min" else f"{self.value:,.1f} min"
        if self.unit != "min":
            return with_interval(self.value, self.low, self.high)
        return f"{self.value:,.1f} min ({self.low:,.1f} to {self.high:,.1f})"

    @property
    def plainly(self) -> str:
        """The value alone."""
        return self.came_to.partition(" (")[0]

    @property
    def asked(self) -> str:
        """The threshold in words."""
        limit = f"{self.threshold:.4g} min" if self.unit == "min" else f"{100 * self.threshold:.4g} %"
        within = "" if math.isnan(self.within) else f" in {words.length(round(self.within * MINUTE))}"
        return f"at {'least' if self.at_least else 'most'} {limit}{within}"

    @property
    def used(self) -> float:
        """How much of what the target allows is used up: 1 at the threshold."""
        fails, allowed = (1 - self.value, 1 - self.threshold) if self.at_least else (self.value, self.threshold)
        if math.isnan(fails):
            return -math.inf
        return fails / allowed if allowed > 0 else math.inf if fails > 0 else 0.0


def judged(rows: Iterator[dict[str, str]]) -> list[Judged]:
    """The targets in rows of `targets.csv` or `compare.csv`; rows without a verdict are passed over."""
    return [one for row in rows if (one := _judged(row)) is not None]


def of_folder(folder: Folder) -> list[str]:
    """What a folder answers: what its commands recorded, then what a run came to."""
    found = [sentence for name in ASKED_FIRST for sentence in recorded(folder, name)]
    return [*found, *of_run(folder)]


def recorded(folder: Folder, command: str) -> list[str]:
    """The answer that a command recorded beside its tables."""
    answer = folder.notes.get(command, {}).get("answer")
    return [str(one) for one in answer] if isinstance(answer, Sequence) and not isinstance(answer, str) else []


def of_run(folder: Folder) -> list[str]:
    """What a run came to: the verdict on all targets together, what binds, and how often all held."""
    table = folder.tables.get("targets.csv")
    results = judged(table.records()) if table else []
    if not results:
        return []
    return [_together(results), _binding(results), *_held(folder)]


def headline(results: Results) -> list[str]:
    """The answer in at most three sentences: of the steps that the study names, or of the first of each command."""
    named = results.manifest.get("answer")
    if isinstance(named, Mapping) and (found := list(_named(results, named))):
        return found[:MOST]
    firsts = []
    for command in ASKED_FIRST:
        said = next((said for one in results.folders if (said := recorded(one, command))), [])
        firsts += said[:1]
    runs = next((said for one in results.folders if (said := of_run(one))), [])
    return [*runs[:1], *firsts, *runs[1:]][:MOST]


def _named(results: Results, named: Mapping[Any, Any]) -> Iterator[str]:
    """The first answer of each step that is named, after the words that the study puts before it."""
    for step, lead in named.items():
        found = next((one for one in results.folders if one.name == step), None)
        said = of_folder(found) if found is not None else []
        if not said:
            continue
        # What ends in a colon is no sentence yet.
        first = f"{said[0]} {said[1]}" if said[0].endswith(":") and len(said) > 1 else said[0]
        yield f"{lead}: {first[0].lower()}{first[1:]}" if lead else first


def _together(results: Sequence[Judged]) -> str:
    n = len(results)
    targets, hold = (f"The {n} targets", "hold together") if n > 1 else ("The target", "holds")
    by = {word: [one.target for one in results if one.together == word] for word in ("missed", "undecided", "met")}
    if any(one.verdict in _OF_A_PERIOD for one in results):
        said = are(by["missed"], "broken") if by["missed"] else "every target was kept"
        return f"In the recorded period, of which nothing is left to chance, {said}."
    if by["missed"]:
        not_hold = "do not hold together" if n > 1 else "does not hold"
        return f"{targets} {not_hold}: {are(by['missed'], 'missed')}."
    if by["undecided"]:
        return f"It is open whether {targets[0].lower()}{targets[1:]} {hold}: {are(by['undecided'], 'undecided')}."
    return f"{targets} {hold}."


def _binding(results: Sequence[Judged]) -> str:
    one = max(results, key=lambda result: result.used)
    return f"What binds is {one.target}: it comes to {one.came_to} where {one.asked} is asked."


def _held(folder: Folder) -> Iterator[str]:
    table = folder.tables.get("joint.csv")
    for row in table.records() if table else ():
        share, low, high = (number(row.get(key, "")) for key in ("held_share", "low_share", "high_share"))
        if row.get("period") == PERIOD and not math.isnan(share):
            yield f"All of them held at once in {with_interval(share, low, high)} of the weeks."


def _judged(row: Mapping[str, str]) -> Judged | None:
    verdict = row.get("verdict", "")
    if verdict not in ("met", "missed", "undecided", *_OF_A_PERIOD):
        return None
    together = row.get("simultaneous_verdict") or verdict
    value, low, high, within = (number(row.get(key, "")) for key in ("value", "low", "high", "threshold_min"))
    return Judged(
        target=row.get("target", ""),
        claim=row.get("claim", ""),
        unit=row.get("unit", ""),
        threshold=number(row.get("share_or_mean") or row.get("threshold", "")),
        value=value,
        low=low,
        high=high,
        within=within,
        verdict=verdict,
        together=_OF_A_PERIOD.get(together, together),
        at_least=row.get("kind") == "share",
    )


def number(text: str) -> float:
    """A number in a table; NaN where the cell is empty or holds none."""
    try:
        return float(text)
    except ValueError:
        return math.nan
