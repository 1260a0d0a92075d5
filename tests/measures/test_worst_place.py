"""How often the interval of the worst of several places covers a truth that is known."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from sim.draw import draw
from sim.dynamics.engines import simulate
from sim.measures.frame import Frame
from sim.measures.kinds import InPlace, Replicated
from sim.measures.measures import measure
from sim.measures.theory import wait_above
from sim.scenario.loading import load

REPETITIONS, N_REPLICATIONS = 200, 20

MOST_OUT = 13
"""Of 200 intervals on one side of the truth: a side that is wrong in 2.5 % passes this once in 1,000."""

CENTRES = """\
scenario: Two centres of one server each, M/M/1 at 70 %
run: {start: 2025-01-06 00:00, warm_up: 4 d, length: 28 d, cool_down: 1 d, seed: 5}
demand: {volume: 201.6/d}
centres: 2
pools: {desk: {staff: 1}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 10 min}}}]
targets: {quick: {from: answer.enter, to: answer.start, within: 40 min, share: 80 %, in_each: centre}}
"""

HOURS = """\
scenario: The same law in every hour of the week
run: {start: 2025-01-06 00:00, length: 14 d, cool_down: 1 d, seed: 6}
demand: {volume: 6/h}
pools: {}
stages: [{name: post, delay: {exponential: {mean: 10 min}}}]
targets: {quick: {from: post.enter, to: post.end, within: 20 min, share: 80 %, in_each: hour}}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("document", "truth"),
    [(CENTRES, 1 - wait_above(40, 0.7, 1, 10)), (HOURS, 1 - math.exp(-2))],
    ids=["two centres", "168 hours"],
)
def test_the_interval_of_the_worst_place_covers(tmp_path: Path, document: str, truth: float) -> None:
    """All places are alike, so that chance alone makes one of them the worst."""
    file = tmp_path / "line.yaml"
    file.write_text(document, encoding="utf-8")
    frame = Frame(load(file))
    (target,), names = frame.targets, frame.own[0].names
    units = frame.units_in(0)
    below = above = 0
    for repetition in range(REPETITIONS):
        ratio = np.stack([one_ratio(frame, repetition * N_REPLICATIONS + one) for one in range(N_REPLICATIONS)])
        nothing = np.zeros((N_REPLICATIONS, 0))
        places = [InPlace(target, ratio[:, p], nothing, int(units[p]), name) for p, name in enumerate(names)]
        found = Replicated(target, places).estimate(0.95)
        below += found.high < truth
        above += found.low > truth
    assert above <= MOST_OUT, "says too often that the worst is better than it is"
    assert below <= MOST_OUT, "says too often that the worst is worse than it is"


def one_ratio(frame: Frame, index: int) -> np.ndarray:
    replication = draw(frame.scenario, index)
    log = simulate(replication, "compiled")
    return measure(log, replication, frame, pooled=False, only_targets=True).ratio
