"""Small lines for tests of studies: documents that run in milliseconds, and the machinery around them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sim.scenario.loading import load
from sim.scenario.schema import Scenario
from sim.studies import replicate, trials
from sim.studies.replicate import Settings
from sim.studies.trials import Trials

DESK = """\
scenario: A desk
run: {start: 2025-01-06 00:00, length: 7 d, cool_down: 1 d, replications: 10, seed: 11}
demand: {volume: 12/h, risk: {high: 10 %, low: 90 %}}
pools: {desk: {staff: 2}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 10 min}}}]
targets:
  quick: {from: arrival, to: answer.start, within: 5 min, share: 80 %}
  busy: {pool: desk, occupancy: 90 %}
plausible:
  demand.volume: {from: 4/h, to: 20/h}
  stages.answer.service.exponential.mean: {from: 4 min, to: 12 min}
  demand.risk.high: {from: 1 %, to: 20 %}
  pools.desk.staff: {from: 1, to: 6}
"""
"""One pool; the line between holding and failing goes through the middle of its ranges; the risk changes nothing."""


def desk(folder: Path, old: str = "", new: str = "", *changes: str) -> Scenario:
    """The desk with one text of its document replaced, and changes by path."""
    assert old in DESK
    path = folder / "desk.yaml"
    path.write_text(DESK.replace(old, new, 1), encoding="utf-8")
    return load(path, changes=changes)


def tried(
    scenario: Scenario, folder: Path | None = None, *, resume: bool = False, stop_after: int | None = None
) -> Trials:
    """Trials of a scenario, interrupted as by a key after so many replications."""

    def count(n_done: int) -> None:
        if stop_after is not None and n_done >= stop_after:
            raise KeyboardInterrupt

    return Trials(scenario.run.seed, Settings(folder=folder, resume=resume, count=count), "test")


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[int, int]]:
    """How many replications were drawn and how many simulated since the last time it was asked."""
    counts = {"draw": 0, "simulate": 0}
    for room, name in ((trials, "draw"), (replicate, "simulate")):
        monkeypatch.setattr(room, name, _counted(getattr(room, name), counts, name))

    def since() -> tuple[int, int]:
        found = counts["draw"], counts["simulate"]
        counts.update(draw=0, simulate=0)
        return found

    return since


def _counted(function: Callable[..., object], counts: dict[str, int], name: str) -> Callable[..., object]:
    def called(*given: object, **named: object) -> object:
        counts[name] += 1
        return function(*given, **named)

    return called
