"""Branches that theory solves: within 4 standard errors over 40 replications, drawn, simulated and measured.

The seeds are fixed, so nothing here fails by chance again and again; a fresh seed would fail one in about 3,500
comparisons if all is right (Student's t with 39 degrees of freedom beyond 4).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import sim
from sim.dynamics.clock import DAY, MINUTE, NEVER
from sim.dynamics.log import Log
from sim.dynamics.replication import Replication
from sim.measures import theory
from sim.scenario.schema import Scenario

Measure = Callable[[Log, Replication, Scenario], float]

RUN = "run: {start: 2025-01-06 00:00, warm_up: 2 d, length: 20 d, cool_down: 1 d, replications: 40, seed: 7}"
LIMIT = 4.0


def check(text: str, expected: list[tuple[Measure, float]]) -> None:
    scenario = sim.load(f"scenario: known\n{RUN}\n{text}")
    found = []
    for index in range(40):
        replication = sim.draw(scenario, index)
        log = sim.simulate(replication)
        found.append([measure(log, replication, scenario) for measure, _ in expected])
    values = np.array(found).T
    for row, (_, answer) in zip(values, expected, strict=True):
        error = float(row.std(ddof=1)) / math.sqrt(row.size)
        assert abs(row.mean() - answer) < LIMIT * error, f"{row.mean():.5g} for {answer:.5g}"


def rows(log: Log, replication: Replication, scenario: Scenario, stage: str) -> NDArray[np.int64]:
    """The visits to a stage, of tips that arrive in the measured time, that have ended."""
    tips = replication.tips
    arrival = tips.arrival[np.repeat(np.arange(len(tips)), np.diff(tips.first_visit))]
    mine = replication.rules.kinds.stage[replication.visits.kind] == scenario.stage_index(stage)
    return np.flatnonzero(mine & (arrival >= scenario.cohort_from) & (arrival < scenario.cohort_to) & (log.end < NEVER))


def wait(stage: str) -> Measure:
    """The mean wait before the start, in minutes."""

    def measure(log: Log, replication: Replication, scenario: Scenario) -> float:
        row = rows(log, replication, scenario, stage)
        return float((log.start[row] - log.enter[row]).mean()) / MINUTE

    return measure


def until_end(stage: str) -> Measure:
    """The mean time from arrival to the end of a stage, in minutes."""

    def measure(log: Log, replication: Replication, scenario: Scenario) -> float:
        row = rows(log, replication, scenario, stage)
        tip = np.searchsorted(replication.tips.first_visit, row, side="right") - 1
        return float((log.end[row] - replication.tips.arrival[tip]).mean()) / MINUTE

    return measure


def there(stage: str) -> Measure:
    """How many are at a stage at noon of a measured day."""

    def measure(log: Log, replication: Replication, scenario: Scenario) -> float:
        of_stage = replication.rules.kinds.stage[replication.visits.kind] == scenario.stage_index(stage)
        noon = np.arange(scenario.cohort_from + DAY // 2, scenario.cohort_to, DAY)
        begun = np.searchsorted(np.sort(log.enter[of_stage]), noon, side="right")
        over = np.searchsorted(np.sort(log.end[of_stage]), noon, side="right")
        return float((begun - over).mean())

    return measure


def test_two_lines_side_by_side_and_a_join() -> None:
    """Fork-join of two M/M/1 at a load of 0.7: until both are through, and the wait in either."""
    text = """
demand: {volume: 7/h}
pools: {one: {staff: 1}, other: {staff: 1}}
stages:
  - {name: one, pool: one, service: {exponential: {mean: 6 min}}}
  - {name: other, after: arrival, pool: other, service: {exponential: {mean: 6 min}}}
  - {name: both, after: [one.end, other.end], delay: 0 s}
"""
    alone = theory.mean_wait(0.7, 1, 6.0)
    check(text, [(until_end("both"), theory.fork_and_join(0.7, 6.0)), (wait("one"), alone), (wait("other"), alone)])


def test_the_longer_of_two_times_without_a_line() -> None:
    """Infinite servers in parallel: the maximum of two independent times, and how many are in each branch."""
    text = """
demand: {volume: 30/h}
pools: {}
stages:
  - {name: one, delay: {exponential: {mean: 6 min}}}
  - {name: other, after: arrival, delay: {exponential: {mean: 15 min}}}
  - {name: both, after: [one.end, other.end], delay: 0 s}
"""
    check(text, [(until_end("both"), theory.both_of(6, 15)), (there("one"), 3.0), (there("other"), 7.5)])


def test_a_mark_in_a_service_is_no_later_than_its_end() -> None:
    """What hangs on 3 minutes into an exponential service of 6 begins 6 (1 - e^-0.5) after it on average."""
    text = """
demand: {volume: 20/h}
pools: {desk: {staff: 100}}
stages:
  - {name: answer, pool: desk, service: {exponential: {mean: 6 min}}}
  - {name: look, after: {moment: answer.start, plus: 3 min}, delay: 0 s}
"""
    check(text, [(until_end("look"), 6 * (1 - math.exp(-0.5)))])
