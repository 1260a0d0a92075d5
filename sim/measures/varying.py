"""Lines with known answers whose rates vary over the day: infinitely many servers, and a roster of exponential servers.

Times are in any one unit, rates are tips per that unit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def busy_of_many(
    rate: Callable[[Floats], Floats], unfinished: Callable[[Floats], Floats], at: float, reach: float, panels: int = 400
) -> float:
    """The mean number busy at a time with as many servers as needed (M(t)/G/infinity).

    The integral of rate(at - u) x unfinished(u), where `unfinished` is the share of services longer than u, over u up
    to `reach`, by Gauss's rule in so many panels: a jump of the rate at a panel's edge costs nothing. Source: S. G.
    Eick, W. A. Massey and W. Whitt, Operations Research 41 (1993).

    >>> day = lambda t: 10 + 5 * np.sin(t)
    >>> round(busy_of_many(day, lambda u: np.exp(-u), at=0.0, reach=40.0), 6)
    7.5
    """
    node, weight = np.polynomial.legendre.leggauss(8)
    half = reach / panels / 2
    ages = (np.arange(panels)[:, None] * 2 * half + half * (1 + node)).ravel()
    return float(np.tile(half * weight, panels) @ (rate(at - ages) * unfinished(ages)))


@dataclass(frozen=True, slots=True)
class SettledCycle:
    """One period of a line that has settled into its rhythm; (n_steps,) each, at the ends of the steps."""

    time: Floats
    in_line: Floats
    """Mean number waiting."""
    busy: Floats
    """Mean number in service."""
    full: Floats
    """Chance that every server on duty is busy: of having to wait."""
    mean_wait: float
    """Mean time in line of all tips of the period, by Little's law."""
    delayed: float
    """Share of the tips of the period that find every server on duty busy."""
    given_up: float
    """Share of them that give up."""


def cycle(
    rates: Floats, servers: NDArray[np.int64], step: float, service_mean: float, patience_mean: float = math.inf
) -> SettledCycle:
    """What a line of exponential servers settles into when rates and roster repeat (M(t)/M/c(t)).

    `rates` and `servers` are (n_steps,), constant over steps of length `step`. Work that is interrupted when servers
    leave goes back to the line (for exponential work it does not matter whether it is resumed or begun anew). Tips give
    up after an exponential time in line, where `patience_mean` is finite. By uniformisation of Kolmogorov's forward
    equations, over as many states as hold all but 1e-9 of the chance, period after period until nothing changes.
    Source: W. K. Grassmann, European J. Operational Research 1 (1977).

    >>> flat = cycle(np.full(24, 2 / 6), np.full(24, 3), 1.0, 6.0)
    >>> [round(float(value), 6) for value in (flat.mean_wait, flat.busy[0], flat.full[0])]
    [2.666667, 2.0, 0.444444]
    """
    if math.isinf(patience_mean) and rates.sum() * service_mean >= servers.sum():
        raise ValueError("the line never settles: the load of the period reaches its servers")
    states = 2 * int(servers.max() + rates.max() * service_mean) + 50
    while True:
        chance, found = _settled(rates, servers, step, (service_mean, patience_mean), states)
        if chance[-1] < 1e-9 / states:
            return found
        states *= 2


def _settled(
    rates: Floats, servers: NDArray[np.int64], step: float, means: tuple[float, float], states: int
) -> tuple[Floats, SettledCycle]:
    service_mean, patience_mean = means
    number = np.arange(states + 1)
    chance = np.zeros(states + 1)
    chance[0] = 1.0
    rows: list[tuple[float, float, float]] = []
    for _ in range(10_000):
        before, rows, waited, delayed = chance, [], 0.0, 0.0
        for rate, on_duty in zip(rates, servers, strict=True):
            waiting = np.maximum(number - on_duty, 0)
            ends = np.minimum(number, on_duty) / service_mean + waiting / patience_mean
            chance, dwelt = _moved(chance, float(rate), ends, step)
            waited += float(dwelt @ waiting)
            delayed += float(rate * dwelt[on_duty:].sum())
            busy = np.minimum(number, on_duty)
            rows.append((float(chance @ (number - busy)), float(chance @ busy), float(chance[on_duty:].sum())))
        if float(np.abs(chance - before).sum()) < 1e-11 or chance[-1] > 1e-6:
            break
    in_line, busy_mean, full = (np.array(column) for column in zip(*rows, strict=True))
    time = np.arange(1, len(rates) + 1, dtype=np.float64) * step
    came = float(rates.sum()) * step
    return chance, SettledCycle(
        time, in_line, busy_mean, full, waited / came, delayed / came, waited / patience_mean / came
    )


MOST_JUMPS_AT_ONCE: Final = 200.0
"""Mean number of jumps in a stretch that is followed at once: the chance of none must not vanish."""


def _moved(chance: Floats, rate: float, ends: Floats, step: float) -> tuple[Floats, Floats]:
    """The chances of the states after a step of constant rates, and the time spent in each during it."""
    pace = rate + float(ends.max()) + 1e-12
    parts = math.ceil(pace * step / MOST_JUMPS_AT_ONCE)
    dwelt = np.zeros_like(chance)
    for _ in range(parts):
        chance, spent = _jumped(chance, rate / pace, ends / pace, pace * step / parts)
        dwelt += spent / pace
    return chance, dwelt


def _jumped(chance: Floats, up: float, down: Floats, jumps: float) -> tuple[Floats, Floats]:
    """The chances after a time of so many jumps on average, and the time spent in each state, in jumps."""
    stay = 1 - up - down
    stay[-1] += up
    weight, left = math.exp(-jumps), 1.0
    moved, dwelt, term = np.zeros_like(chance), np.zeros_like(chance), chance
    number = 0
    while left > 1e-13 and number <= 10 * (jumps + 50):
        moved += weight * term
        left -= weight
        dwelt += max(left, 0.0) * term
        number += 1
        following = stay * term
        following[1:] += up * term[:-1]
        following[:-1] += down[1:] * term[1:]
        term = following
        weight *= jumps / number
    return moved / moved.sum(), dwelt
