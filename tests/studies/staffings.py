"""Searches whose answer is known: lines that theory solves, and staffings judged by a rule instead of a simulation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sim.measures.estimates import Verdict
from sim.scenario.schema import Scenario
from sim.studies.replicate import Settings
from sim.studies.staff.staffed import Post, Staffing
from sim.studies.staff.tried import Leaning, Outcome, Tried
from sim.studies.trials import Trials
from tests.scenario.small import loaded

LINE = """\
scenario: One line
run: {{start: 2025-01-06 00:00, warm_up: 1 d, length: {days} d, replications: {n}, seed: 1, confidence: 99.9 %}}
demand: {{volume: {volume}/h}}
pools: {{desk: {{staff: 1}}}}
stages: [{{name: serve, pool: desk, service: {{exponential: {{mean: 3 min}}}}{patience}}}]
targets: {{quick: {{from: arrival, to: serve.start, within: 20 s, share: 80 %}}}}
"""


def line(folder: Path, erlangs: float, days: int, patience: str = "", replications: int = 10) -> Scenario:
    """One pool with Poisson arrivals and exponential work of 3 minutes; 80 % are to be served within 20 seconds."""
    return loaded(folder, LINE.format(volume=20 * erlangs, days=days, patience=patience, n=replications))


TWO = """\
scenario: Two pools
run: {start: 2025-01-06 00:00, warm_up: 1 d, length: 28 d, replications: 10, seed: 3}
demand: {volume: 25/h}
pools: {front: {staff: 1, price: 0.8}, back: {staff: 1}}
stages:
  - {name: take, pool: front, service: {exponential: {mean: 6 min}}}
  - {name: act, pool: back, service: {lognormal: {mean: 9 min, cv: 1}}}
targets:
  taken: {from: arrival, to: take.start, within: 2 min, share: 75 %}
  acted: {from: arrival, to: act.start, within: 15 min, share: 80 %}
plausible: {pools.front.staff: {from: 1, to: 9}, pools.back.staff: {from: 1, to: 9}}
"""


def two_pools(folder: Path) -> Scenario:
    """Two pools one after the other, of 1 to 9 people each."""
    return loaded(folder, TWO)


def trials(scenario: Scenario) -> Trials:
    return Trials(scenario.run.seed, Settings(jobs=2))


class Ruled(Tried):
    """Staffings that fail or hold by a rule: what a staffing uses up of what its one target allows.

    One that uses up no more than `missed_from` and more than all is undecided.
    """

    def __init__(
        self,
        folder: Path,
        prices: Sequence[float],
        most: int,
        used: Callable[[Staffing], float],
        missed_from: float = 1.0,
    ):
        posts = [Post(f"pool{i}", None, 0, most, "", 1.0, price) for i, price in enumerate(prices)]
        super().__init__(two_pools(folder), posts, Trials(1, Settings()), 10)
        self.rule, self.missed_from = used, missed_from

    def _outcome(self, staffing: Staffing, n: int) -> Outcome:
        used = self.rule(staffing)
        verdict: Verdict = "met" if used <= 1 else "missed" if used > self.missed_from else "undecided"
        leaning = Leaning(0.0, used, verdict)
        return Outcome(staffing, self.cost(staffing), n, (), verdict, (leaning,), {}, None)
