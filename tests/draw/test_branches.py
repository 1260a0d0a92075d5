"""Random documents with branches: what is drawn can be worked to the end, by both engines alike, and as `flow` says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.draw import draw
from sim.dynamics import compiled, reference
from sim.dynamics.clock import HOUR
from sim.dynamics.laws import verify
from sim.dynamics.log import SERVED, differences
from sim.scenario.faults import ScenarioError
from sim.scenario.flow import flow, leads
from sim.scenario.loading import load

HEAD = """\
scenario: Random
run: {start: 2025-01-06 00:00, length: 6 h, cool_down: 4 h, seed: SEED}
demand:
  volume: 20/h
  channels: {call: 50 %, web: 50 %}
  risk: {high: 40 %, low: 60 %}
labels:
  software: {decides: 60 %, assigns: {high: {high: 80 %, low: 20 %}, low: {high: 30 %, low: 70 %}}}
  person: {assigns: {high: {high: 90 %, low: 10 %}, low: {high: 10 %, low: 90 %}}}
pools:
  desk: {staff: 12, serve_first: [{tier: high}], preempt: [{tier: high}]}
  back: {staff: 12}
stages:
"""

FILTERS = (
    "",
    "",
    "",
    "for: {channel: call}, ",
    "for: {tier: high}, ",
    "for: {labelled: false}, ",
    "for: {risk: low}, ",
)
WORK = ("pool: desk, service: 4 min", "pool: back, service: {exponential: {mean: 3 min}}", "delay: 2 min", "delay: 0 s")


def document(seed: int) -> str:
    """A document of 4 to 8 stages, most of which begin after something; some send tips back."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 9))
    last = int(rng.integers(1, n)) if rng.random() < 0.6 else -1
    first = int(rng.integers(0, last + 1)) if last >= 0 else 0
    found = HEAD.replace("SEED", str(seed))
    for at in range(n):
        one = f"name: s{at}, {rng.choice(FILTERS)}{rng.choice(WORK)}"
        if at and not first < at <= last and rng.random() < 0.7:
            cues = {
                "arrival"
                if before < 0
                else f"s{before}.end"
                if rng.random() < 0.5
                else f"{{moment: s{before}.start, plus: {rng.integers(6)} min}}"
                for before in rng.integers(-1, at, int(rng.integers(1, 4))).tolist()
            }
            one += f", after: [{', '.join(sorted(cues))}]"
        if rng.random() < 0.4:
            one += f", label: {rng.choice(['software', 'person'])}"
        if rng.random() < 0.2:
            one += ", share: 60 %"
        if at == last:
            one += f", rework: {{share: 30 %, back_to: s{first}, at_most: 2}}"
        found += f"  - {{{one}}}\n"
    return found


def taken(folder: Path, seed: int) -> bool:
    """Whether a document has branches and no faults; then all that is asked of it is held."""
    path = folder / f"{seed}.yaml"
    path.write_text(document(seed))
    try:
        scenario = load(path)
    except ScenarioError:
        return False
    replication = draw(scenario, 0)
    if not replication.visits.branch:
        return False
    log, other = reference.simulate(replication), compiled.simulate(replication)
    assert not differences(log, other)
    verify(log, replication)
    # Nobody gives up and the lines empty in time: a moment that nobody sends, or a circle, would leave visits unmade.
    early = slice(0, int(replication.tips.first_visit[np.searchsorted(replication.tips.arrival, 6 * HOUR)]))
    assert (log.outcome[early] == SERVED).all()
    edges = [(one.of, one.to) for one in leads(scenario)]
    stage = replication.rules.kinds.stage[replication.visits.kind]
    visits = replication.visits
    of = np.repeat(np.arange(len(visits)), np.diff(visits.first_moment))
    assert set(zip(stage[of].tolist(), stage[visits.sets_off].tolist(), strict=True)) <= set(edges)
    came = np.bincount(stage, minlength=len(scenario.stages)) / len(replication.tips)
    assert np.abs(came - flow(scenario).visits.mean(axis=1)).max() < 0.25
    return True


def test_random_documents_with_branches(tmp_path: Path) -> None:
    assert sum(taken(tmp_path, seed) for seed in range(25)) >= 8


@pytest.mark.slow
def test_more_random_documents_with_branches(tmp_path: Path) -> None:
    assert sum(taken(tmp_path, seed) for seed in range(1000, 1400)) >= 120
