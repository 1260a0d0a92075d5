"""Random documents with branches: what is drawn can be worked to the end, by both engines alike, and as `flow` says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.draw import draw
from sim.dynamics import compiled, reference
from sim.dynamics.clock import HOUR, NEVER
from sim.dynamics.laws import verify
from sim.dynamics.log import ABANDONED, OPEN, SERVED, differences
from sim.dynamics.replication import NO_VISIT, Replication
from sim.measures import passes
from sim.measures.cohort import read
from sim.measures.frame import Frame
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

FEW = """\
pools:
  desk: {staff: 1, serve_first: [{tier: high}], preempt: [{tier: high}]}
  back: {staff: 1}
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


def document(seed: int, asides: bool = False) -> str:
    """A document of 4 to 8 stages, most of which begin after something; some send tips back.

    With `asides` some of them are given up to others, and there are no labels but the truth.
    """
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 9))
    named: set[int] = set()
    last = int(rng.integers(1, n)) if rng.random() < 0.6 else -1
    first = int(rng.integers(0, last + 1)) if last >= 0 else 0
    found = HEAD.replace("SEED", str(seed))
    if asides:
        found = found[: found.index("labels:")] + FEW
    for at in range(n):
        of = [one for one in FILTERS if not (asides and "labelled" in one)]
        one = f"name: s{at}, {rng.choice(of)}{rng.choice(WORK)}"
        if asides and at < n - 1 and rng.random() < 0.6:
            one += f", patience: {rng.choice(['1 min', '{exponential: {mean: 3 min}}'])}"
            to = int(rng.choice([one for one in range(at + 1, n) if one not in (first, last)] or [n]))
            named.add(to)
            one += f", gives_up_to: s{to}" if to < n else ""
        if at in named:
            pass
        elif at and not first < at <= last and rng.random() < (0.4 if asides else 0.7):
            cues = {
                "arrival"
                if before < 0
                else f"s{before}.end"
                if rng.random() < 0.5
                else f"{{moment: s{before}.start, plus: {rng.integers(6)} min}}"
                for before in rng.integers(-1, at, int(rng.integers(1, 4))).tolist()
            }
            one += f", after: [{', '.join(sorted(cues))}]"
        if rng.random() < 0.4 and not asides:
            one += f", label: {rng.choice(['software', 'person'])}"
        if rng.random() < 0.2:
            one += ", share: 60 %"
        if at == last:
            one += f", rework: {{share: 30 %, back_to: s{first}, at_most: 2}}"
        found += f"  - {{{one}}}\n"
    return found


def taken_with_asides(folder: Path, seed: int) -> int:
    """How many tips came to asides by a document that has some and no faults; what is asked of it is held."""
    path = folder / f"{seed}.yaml"
    path.write_text(document(seed, asides=True))
    try:
        scenario = load(path)
    except ScenarioError:
        return 0
    replication = draw(scenario, 0)
    visits, tips = replication.visits, replication.tips
    if not (visits.branch and visits.cue.size):
        return 0
    log, other = reference.simulate(replication), compiled.simulate(replication)
    assert not differences(log, other)
    verify(log, replication)
    # Of the moments that stand for one another one comes at most.
    of = np.repeat(np.arange(len(visits)), np.diff(visits.first_moment))
    came = np.where(visits.moment_after == NEVER, log.end[of], NEVER) < NEVER
    assert (np.unique(np.stack([visits.sets_off[came], visits.cue[came]]), axis=1, return_counts=True)[1] == 1).all()
    # Who is neither lost nor at something any more is through.
    cohort = read(log, replication, Frame(scenario))
    is_open = np.bincount(np.searchsorted(tips.first_visit, np.flatnonzero(log.outcome == OPEN), "right") - 1)
    is_open = np.append(is_open, np.zeros(len(tips), np.int64))[cohort.first : cohort.last]
    state = np.where(is_open > 0, passes.UNDER_WAY, passes.THROUGH)
    assert (cohort.state == np.where(cohort.lost < NEVER, passes.LOST, state)).all()
    assert ((cohort.state == passes.THROUGH) == (cohort.leave < NEVER)).all()
    edges = {(one.of, one.to) for one in leads(scenario)}
    stage = replication.rules.kinds.stage[visits.kind]
    pairs = set(zip(stage[of].tolist(), stage[visits.sets_off].tolist(), strict=True))
    assert pairs <= edges
    in_vain = np.flatnonzero(log.outcome == ABANDONED)
    return int((visits.given_up_to[in_vain] != NO_VISIT).sum())


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


def test_random_documents_with_asides_beside_branches(tmp_path: Path) -> None:
    found = [taken_with_asides(tmp_path, seed) for seed in range(40)]
    assert sum(one > 5 for one in found) >= 8


@pytest.mark.slow
def test_more_random_documents_with_asides_beside_branches(tmp_path: Path) -> None:
    assert sum(taken_with_asides(tmp_path, seed) > 5 for seed in range(1000, 1400)) >= 80


def chain(seed: int) -> str:
    """A document of 4 to 8 stages, one after the other, many of which are given up to, or turn tips away to, others."""
    rng = np.random.default_rng(seed)
    n, asides = int(rng.integers(4, 9)), set[int]()
    found = HEAD[: HEAD.index("labels:")].replace("SEED", str(seed)) + FEW
    for at in range(n):
        one = f"name: s{at}, "
        if at in asides:
            one += str(rng.choice(["delay: 3 min", "pool: back, service: 2 min"]))
        else:
            pool = rng.choice(["desk", "back"])
            one += f"{rng.choice(FILTERS[:4])}pool: {pool}, service: {{exponential: {{mean: 6 min}}}}"
            one += ", share: 60 %" if rng.random() < 0.2 else ""
        if at < n - 1 and rng.random() < 0.6:
            # An aside may have several visits on the way, and what the first bears is not drawn alike: no chance in it.
            one += f", patience: {'2 min' if at in asides else '{exponential: {mean: 2 min}}'}"
            to = int(rng.integers(at + 1, n))
            asides.add(to)
            one += f", gives_up_to: s{to}"
            if "pool" in one and rng.random() < 0.3:
                to = int(rng.integers(at + 1, n))
                asides.add(to)
                one += f", waiting_room: 1, turned_away_to: s{to}"
        found += f"  - {{{one}}}\n"
    return found


def test_a_chain_goes_its_way_whatever_is_beside_it(tmp_path: Path) -> None:
    """What is drawn anew for each way on from an aside, and what is drawn once, come to the same, stamp by stamp."""
    compared = 0
    for seed in range(30):
        text = chain(seed)
        (tmp_path / "chain.yaml").write_text(text)
        (tmp_path / "beside.yaml").write_text(text + "  - {name: beside, after: arrival, delay: 1 min}\n")
        try:
            alone = load(tmp_path / "chain.yaml")
        except ScenarioError:
            continue
        made = [stamped(draw(one, 0)) for one in (alone, load(tmp_path / "beside.yaml"))]
        assert made[0] == [one for one in made[1] if one[1] < len(alone.stages)]
        compared += 1
    assert compared > 20


def stamped(replication: Replication) -> list[tuple[int, ...]]:
    """The visits made, as tip, stage, enter, start, end and outcome."""
    log = reference.simulate(replication)
    visits, tips = replication.visits, replication.tips
    tip = np.repeat(np.arange(len(tips)), np.diff(tips.first_visit))
    columns = (tip, replication.rules.kinds.stage[visits.kind], log.enter, log.start, log.end, log.outcome)
    made = log.enter < NEVER
    return sorted(zip(*(column[made].tolist() for column in columns), strict=True))
