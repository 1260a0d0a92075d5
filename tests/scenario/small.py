"""A small document that uses a little of everything, for tests that break or change it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sim.scenario.faults import ScenarioError
from sim.scenario.loading import load
from sim.scenario.schema import Scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"

SMALL = """\
scenario: Small
run: {start: 2025-01-06 00:00, length: 7 d}
demand:
  volume: 10/h
  channels: {call: 40 %, web: 60 %}
  risk: {high: 10 %, low: 90 %}
labels:
  clerk:
    assigns: {high: {urgent: 90 %, calm: 10 %}, low: {urgent: 5 %, calm: 95 %}}
pools:
  desk: {staff: 2, serve_first: [{tier: urgent}]}
  night:
    shifts: [{from: "22:00", to: "06:00", staff: 1}]
stages:
  - {name: answer, for: {channel: call}, pool: desk, service: {exponential: {mean: 5 min}}, patience: 10 min}
  - {name: sort, pool: desk, service: {lognormal: {mean: 3 min, cv: 1}}, label: clerk}
  - {name: act, for: {tier: urgent}, pool: night, service: 20 min, overflow: {to: desk, after: 5 min}}
milestones:
  sorted: sort.end
targets:
  quick: {of: {tier: urgent}, from: arrival, to: act.start, within: 30 min, share: 90 %}
variants:
  more: {pools.desk.staff: 3}
plausible:
  demand.risk.high: {from: 5 %, to: 15 %}
"""


def small(folder: Path, old: str = "", new: str = "", **options: Any) -> Scenario:
    """The small document with one text replaced, loaded from a folder."""
    assert old in SMALL
    return loaded(folder, SMALL.replace(old, new, 1), **options)


def loaded(folder: Path, text: str, **options: Any) -> Scenario:
    """A document from its text."""
    path = folder / "doc.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, **options)


def messages(error: ScenarioError) -> list[str]:
    """The first line of every fault, without the folder of its file."""
    return [str(fault).split("\n")[0].removeprefix(f"{Path(fault.file).parent}/") for fault in error.faults]
