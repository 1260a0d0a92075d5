"""Orders of the line that no formula solves, beside a simulation that shares nothing with the program.

Two first-in-first-out lists and a heap of people, with the random numbers of the standard library: within 4 standard
errors of the difference (a fresh seed would fail one of these comparisons in about 5,000 if all is right).
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable

import numpy as np
import pytest

import sim
from sim.dynamics.clock import MINUTE, NEVER

HIGH, LOW = 0, 1
PEOPLE, AN_HOUR, SERVICE, SHARE_HIGH = 3, 27.0, 6.0, 0.3
LATE = 15.0
"""Minutes: also the share that waits longer is compared."""
BATCHES = 50

Choice = Callable[[deque[float], deque[float], float], int]
"""Whose head is taken next, of two lists of times of entry, at a time."""


def ageing(high: deque[float], low: deque[float], now: float) -> int:
    """High before low, but who has waited 20 minutes is as good: of equals the earlier."""
    if not high or (low and now - low[0] >= 20.0 and low[0] < high[0]):
        return LOW
    return HIGH


def due(high: deque[float], low: deque[float], now: float) -> int:
    """High is due 5 minutes after it came, low 40: the earlier due."""
    return LOW if not high or (low and low[0] + 40.0 < high[0] + 5.0) else HIGH


def plain(choose: Choice, n_tips: int, seed: int) -> list[list[float]]:
    """Waits in minutes of high and of low tips, in the order in which they are begun; those of the first tenth left
    out."""
    rng = random.Random(seed)
    waiting: tuple[deque[float], deque[float]] = (deque(), deque())
    busy: list[float] = []
    waits: list[list[float]] = [[], []]
    now, begun = 0.0, 0
    for _ in range(n_tips):
        now += rng.expovariate(AN_HOUR / 60)
        while busy and busy[0] <= now:
            free = heapq.heappop(busy)
            if waiting[HIGH] or waiting[LOW]:
                which = choose(*waiting, free)
                waits[which].append(free - waiting[which].popleft())
                begun += 1
                heapq.heappush(busy, free + rng.expovariate(1 / SERVICE))
        which = HIGH if rng.random() < SHARE_HIGH else LOW
        if len(busy) < PEOPLE:
            waits[which].append(0.0)
            heapq.heappush(busy, now + rng.expovariate(1 / SERVICE))
        else:
            waiting[which].append(now)
    return [one[len(one) // 10 :] for one in waits]


def by_program(text: str, replications: int) -> list[np.ndarray]:
    """(n_replications, 3) of high and of low tips: how many, minutes waited, how many waited long."""
    scenario = sim.load(text)
    found = []
    for index in range(replications):
        drawn = sim.draw(scenario, index)
        log = sim.simulate(drawn)
        tips = drawn.tips
        there = (tips.arrival >= scenario.cohort_from) & (tips.arrival < scenario.cohort_to) & (log.start < NEVER)
        wait = (log.start - log.enter) / MINUTE
        mine = [there & (tips.risk == scenario.risks.index(name)) for name in ("high", "low")]
        found.append([(int(one.sum()), wait[one].sum(), (wait[one] > LATE).sum()) for one in mine])
    return list(np.array(found, float).transpose(1, 0, 2))


DOCUMENT = """
scenario: Two classes
run: {{start: 2025-01-06 00:00, warm_up: 3 d, length: 30 d, cool_down: 1 d, seed: 29}}
demand: {{volume: 27/h, risk: {{high: 30 %, low: 70 %}}}}
pools: {{desk: {{staff: 3, {pool}}}}}
stages: [{{name: answer, pool: desk, service: {{exponential: {{mean: 6 min}}}}{stage}}}]
"""
ORDERS: dict[str, tuple[Choice, str]] = {
    "ageing": (ageing, DOCUMENT.format(pool="serve_first: [[{risk: high}, {waited: 20 min}]]", stage="")),
    "due": (due, DOCUMENT.format(pool="order: due", stage=", due: {by: risk, high: 5 min, low: 40 min}")),
}


@pytest.mark.parametrize(
    "n_tips, replications", [(100_000, 5), pytest.param(1_000_000, 50, marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize("name", ORDERS)
def test_an_order_that_no_formula_solves(name: str, n_tips: int, replications: int) -> None:
    choose, text = ORDERS[name]
    apart = {}
    both = zip(("high", "low"), plain(choose, n_tips, 31), by_program(text, replications), strict=True)
    for which, waits, own in both:
        waited = np.array(waits)
        for what, beside, column in (("wait", waited, 1), ("late", (waited > LATE).astype(float), 2)):
            batches = np.array([batch.mean() for batch in np.array_split(beside, BATCHES)])
            values = own[:, column] / own[:, 0]
            error = math.hypot(*(one.std(ddof=1) / math.sqrt(one.size) for one in (batches, values)))
            apart[f"{which} {what}"] = (values.mean() - batches.mean()) / error
    assert max(map(abs, apart.values())) < 4, apart


def test_the_plain_simulation_notices_another_order() -> None:
    """Of the right size: first come first served is far from both, and they from each other."""
    first = [
        np.mean(one)
        for one in plain(lambda high, low, now: HIGH if high and (not low or high[0] < low[0]) else LOW, 100_000, 31)
    ]
    assert first[HIGH] == pytest.approx(first[LOW], rel=0.05)
    for choose in (ageing, due):
        high, low = (np.mean(one) for one in plain(choose, 100_000, 31))
        assert high < 0.9 * first[HIGH]
        assert low > 1.05 * first[LOW]
