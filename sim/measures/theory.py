"""Lines with known answers, at constant rates: what simulations are checked against, and first guesses of staffing.

Times are in any one unit, rates are tips per that unit, loads are erlangs (arrival rate x mean service). Everything is
steady state; an overloaded line has infinite waits. What varies over the day is in `varying.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def erlang_b(load: float, servers: int) -> float:
    """The share of tips that find every server busy when none waits (M/G/c/c).

    The recursion over servers is stable for any number of them. Source: A. K. Erlang, Elektroteknikeren 13 (1917).

    >>> round(erlang_b(10, 15), 6)
    0.036497
    """
    _check(load, servers)
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    return blocked


def erlang_c(load: float, servers: int) -> float:
    """The share of tips that wait at all (M/M/c); 1 where the load reaches the servers.

    Source: A. K. Erlang, Elektroteknikeren 13 (1917).

    >>> round(erlang_c(2, 3), 6)
    0.444444
    """
    _check(load, servers)
    if load >= servers:
        return 1.0
    blocked = erlang_b(load, servers)
    return servers * blocked / (servers - load * (1 - blocked))


def mean_wait(load: float, servers: int, service_mean: float) -> float:
    """The mean wait of all tips (M/M/c); infinite where the load reaches the servers.

    >>> round(mean_wait(2, 3, 6), 6)
    2.666667
    """
    return erlang_c(load, servers) * service_mean / (servers - load) if load < servers else math.inf


def batch_mean_wait(
    load: float, batch_mean: float, batch_second: float, service_mean: float, service_second: float
) -> float:
    """The mean wait of all tips of one server to whom they come in batches (M[X]/G/1); infinite from a load of 1 on.

    `second` moments are means of squares. A tip waits for what was there before its batch, and for those before it in
    it. Source: M. L. Chaudhry and J. G. C. Templeton, A First Course in Bulk Queues (1983).

    >>> round(batch_mean_wait(0.5, 1, 1, 6, 72), 6), round(batch_mean_wait(0.5, 3, 9, 6, 72), 6)
    (6.0, 18.0)
    """
    _check(load, 1)
    if load >= 1:
        return math.inf
    before = load * service_second / (2 * service_mean)
    within = (batch_second / batch_mean - 1) * service_mean / 2
    return (before + within) / (1 - load)


def wait_above(wait: float, load: float, servers: int, service_mean: float) -> float:
    """The share of tips that wait longer than `wait` (M/M/c, first come first served).

    >>> round(wait_above(6, 2, 3, 6), 6)
    0.163502
    """
    if load >= servers:
        return 1.0
    return erlang_c(load, servers) * math.exp(-(servers - load) * wait / service_mean)


def least_servers(load: float, service_mean: float, within: float, share: float) -> int:
    """The fewest servers with which at least `share` of the tips wait no longer than `within` (M/M/c).

    >>> least_servers(10, 3, within=1 / 3, share=0.8)
    14
    """
    if not 0 <= share < 1:
        raise ValueError(f"a share that some number of servers reaches lies in [0, 1) (got {share})")
    servers = max(math.floor(load) + 1, 1)
    while 1 - wait_above(within, load, servers, service_mean) < share:
        servers += 1
    return servers


def square_root_staff(load: float, delayed: float) -> int:
    """Servers with which about the share `delayed` of the tips waits: the load plus a multiple of its root.

    Source: S. Halfin and W. Whitt, Operations Research 29 (1981). A first guess: within one server of Erlang C.

    >>> square_root_staff(100, 0.2234)
    110
    """
    if not 0 < delayed < 1:
        raise ValueError(f"the share that waits lies between 0 and 1 (got {delayed})")
    low, high = 0.0, 40.0
    for _ in range(80):
        spare = (low + high) / 2
        density = math.exp(-spare * spare / 2) / math.sqrt(2 * math.pi)
        below = 0.5 * math.erfc(-spare / math.sqrt(2))
        if density / (density + spare * below) > delayed:
            low = spare
        else:
            high = spare
    return max(math.ceil(load + low * math.sqrt(load) - 1e-3), 1)


@dataclass(frozen=True, slots=True)
class Impatient:
    """A line whose tips give up (M/M/c+M), in steady state."""

    delayed: float
    """Share of tips that wait at all."""
    abandoned: float
    """Share of tips that give up."""
    mean_wait: float
    """Mean time in line, of those served and those who gave up."""
    served_within: float
    """Share of tips that are served after waiting no longer than `within`; all that are served where it is infinite."""


def erlang_a(
    load: float, servers: int, service_mean: float, patience_mean: float, within: float = math.inf
) -> Impatient:
    """What becomes of tips of exponential patience who do not come back (M/M/c+M, Erlang A).

    By the density of the wait that a tip of endless patience would have, integrated by Gauss's rule, scaled so that
    nothing overflows. Source: A. Mandelbaum and S. Zeltyn, Service engineering in action: the Palm/Erlang-A queue
    (2007).

    >>> line = erlang_a(load=10, servers=10, service_mean=1, patience_mean=2)
    >>> round(line.delayed, 4), round(line.abandoned, 4), round(line.mean_wait, 4)
    (0.6197, 0.1039, 0.2078)
    """
    _check(load, servers)
    if servers == 0 or load == 0:
        idle = float(servers == 0)
        return Impatient(idle, idle, idle * patience_mean, 1 - idle)
    arrival, ends, gives_up = load / service_mean, servers / service_mean, 1 / patience_mean

    def exponent(wait: Floats) -> Floats:
        return -arrival * np.expm1(-gives_up * wait) / gives_up - ends * wait

    top = math.log(arrival / ends) / gives_up if arrival > ends else 0.0
    scale = float(exponent(np.array(top)))
    last = top + 1 / ends
    while float(exponent(np.array(last))) > scale - 50:
        last = top + 2 * (last - top)
    cut = min(within, last)
    node, weight = np.polynomial.legendre.leggauss(32)
    edges = np.unique(np.concatenate([np.linspace(0, cut, 65), np.linspace(cut, last, 65)]))
    half = np.diff(edges)[:, None] / 2
    wait = (edges[:-1, None] + half * (1 + node)).ravel()
    density = arrival * np.exp(exponent(wait) - scale) * (half * weight).ravel()
    # With no server busy before, this is 1 / erlang_b(load, servers - 1); it may be beyond the range of floats.
    blocked = erlang_b(load, servers - 1)
    at_once = math.exp(-math.log(blocked) - scale) if blocked > 0 and -math.log(blocked) - scale < 700 else math.inf
    total = at_once + float(density.sum())
    if math.isinf(total):
        return Impatient(0.0, 0.0, 0.0, 1.0)
    stays = np.exp(-gives_up * wait)
    abandoned = float(density @ -np.expm1(-gives_up * wait)) / total
    served = (at_once + float(density[wait <= cut] @ stays[wait <= cut])) / total
    return Impatient(float(density.sum()) / total, abandoned, abandoned * patience_mean, served)


@dataclass(frozen=True, slots=True)
class Limited:
    """A line with room for so many, in steady state; tips may give up as well (M/M/c/K, or M/M/c/K+M)."""

    turned_away: float
    """Share of tips that find no room."""
    given_up: float
    """Share of tips that join and give up."""
    delayed: float
    """Share of tips that join and wait at all."""
    mean_wait: float
    """Mean time in line of those that join."""
    in_line: float
    """Mean number waiting."""
    busy: float
    """Mean number in service."""


def limited_line(load: float, servers: int, service_mean: float, room: int, patience_mean: float = math.inf) -> Limited:
    """A line in which at most `room` tips wait or are served (M/M/c/K): whoever finds that many is turned away.

    With as much room as servers nobody waits, and `turned_away` is `erlang_b`. By the chances of the states of a
    birth-death process, and Little's law. Source: D. Gross and C. M. Harris, Fundamentals of Queueing Theory (1998),
    section 2.4.

    >>> line = limited_line(load=2, servers=3, service_mean=6, room=5)
    >>> round(line.turned_away, 6), round(line.mean_wait, 6)
    (0.075829, 0.861538)
    >>> limited_line(10, 15, 1, room=15).turned_away == erlang_b(10, 15)
    True
    """
    _check(load, servers)
    if room < servers or servers < 1:
        raise ValueError(f"there is room for those in service at least, and a server (got {room}, {servers})")
    number = np.arange(room + 1)
    if load == 0:
        return Limited(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    ends = np.minimum(number, servers) + np.maximum(number - servers, 0) * service_mean / patience_mean
    log = np.concatenate([[0.0], np.cumsum(math.log(load) - np.log(ends[1:]))])
    chance = np.exp(log - log.max())
    chance /= chance.sum()
    arrival, waiting = load / service_mean, np.maximum(number - servers, 0)
    turned_away = erlang_b(load, servers) if room == servers else float(chance[-1])
    in_line = float(chance @ waiting)
    return Limited(
        turned_away=turned_away,
        given_up=in_line / patience_mean / arrival,
        delayed=float(chance[servers:-1].sum()),
        mean_wait=in_line / (arrival * (1 - turned_away)),
        in_line=in_line,
        busy=float(chance @ np.minimum(number, servers)),
    )


def second_moment(load: float, servers: int, service_mean: float, order: str = "first_come") -> float:
    """The mean square of the wait of all tips (M/M/c), whoever of those waiting is taken next.

    Who waits does so for as long on average in every order, but not as unevenly: in the order of `random` the mean
    square is 1 / (1 - load / servers / 2) times that of `first_come`, of `last_come` 1 / (1 - load / servers) times.
    Source: J. F. C. Kingman, Proceedings of the Cambridge Philosophical Society 58 (1962).

    >>> [round(second_moment(0.8, 1, 1.0, order), 6) for order in ("first_come", "random", "last_come")]
    [40.0, 66.666667, 200.0]
    """
    if load >= servers:
        return math.inf
    use = load / servers
    factors = {"first_come": 1.0, "random": 1 / (1 - use / 2), "last_come": 1 / (1 - use)}
    if order not in factors:
        raise ValueError(f"an order is one of {', '.join(factors)} (got '{order}')")
    return erlang_c(load, servers) * 2 * (service_mean / (servers - load)) ** 2 * factors[order]


def priority_waits(loads: Sequence[float], servers: int, service_mean: float) -> list[float]:
    """The mean wait of each class where the best waiting class goes first and work is not interrupted (M/M/c).

    `loads` are erlangs, best class first; all classes have the same exponential service. A class that the servers
    cannot bear waits for ever, those before it do not. Source: A. Cobham, Operations Research 2 (1954).

    >>> [round(wait, 6) for wait in priority_waits([0.5, 1.0, 0.5], 3, 6)]
    [1.066667, 2.133333, 5.333333]
    """
    delayed = erlang_c(sum(loads), servers)
    found, used = [], 0.0
    for load in loads:
        before, used = used, used + load / servers
        if used >= 1:
            found.append(math.inf)
        else:
            found.append(delayed * service_mean / servers / (1 - before) / (1 - used))
    return found


def priority_waits_of_one(
    arrival_rates: Sequence[float], service_means: Sequence[float], service_cvs: Sequence[float]
) -> list[float]:
    """The mean wait of each class before one server where the best goes first and nobody is interrupted (M/G/1).

    Best class first; each has a law of service of its own. A class that the server cannot bear waits for ever, those
    before it do not: they find the server at work on it all the time that they leave. Source: A. Cobham, Operations
    Research 2 (1954).

    >>> [round(wait, 6) for wait in priority_waits_of_one([0.25, 0.25], [1, 2], [1, 1])]
    [1.666667, 6.666667]
    """
    loads = [rate * mean for rate, mean in zip(arrival_rates, service_means, strict=True)]
    rest, before = 0.0, 0.0
    for load, mean, cv in zip(loads, service_means, service_cvs, strict=True):
        rest += min(load, max(1 - before, 0.0)) * mean * (1 + cv**2) / 2
        before += load
    found, used = [], 0.0
    for load in loads:
        before, used = used, used + load
        found.append(rest / (1 - before) / (1 - used) if used < 1 else math.inf)
    return found


def wait_in_one_line(load: float, service_mean: float, service_cv: float) -> float:
    """The mean wait before one server for any law of service (M/G/1, first come first served).

    Source: F. Pollaczek, Mathematische Zeitschrift 32 (1930), and A. Khinchine (1932).

    >>> wait_in_one_line(0.5, 10, 2)
    25.0
    """
    return load / (1 - load) * service_mean * (1 + service_cv**2) / 2 if load < 1 else math.inf


def both_of(one_mean: float, other_mean: float) -> float:
    """The mean time until two exponential times that begin together are both over.

    >>> both_of(6, 3)
    7.0
    """
    return one_mean + other_mean - 1 / (1 / one_mean + 1 / other_mean)


def fork_and_join(load: float, service_mean: float) -> float:
    """The mean time until a tip is through both of two equal lines that it joins together, one server each (M/M/1).

    Sources: L. Flatto and S. Hahn, SIAM Journal on Applied Mathematics 44 (1984); R. Nelson and A. N. Tantawi, IEEE
    Transactions on Computers 37 (1988), equation 6.

    >>> fork_and_join(0.5, 6), fork_and_join(0, 6) == both_of(6, 6)
    (17.25, True)
    """
    return (12 - load) / 8 * service_mean / (1 - load) if load < 1 else math.inf


def preemptive_sojourns(
    arrival_rates: Sequence[float], service_means: Sequence[float], service_cvs: Sequence[float]
) -> list[float]:
    """The mean sojourn of each class where a better class takes the one server at once and work is resumed (M/G/1).

    Best class first. Source: R. W. Conway, W. L. Maxwell and L. W. Miller, Theory of Scheduling (1967), chapter 8.

    >>> [round(time, 6) for time in preemptive_sojourns([0.25, 0.25], [1, 2], [1, 1])]
    [1.333333, 9.333333]
    """
    found, used, rest = [], 0.0, 0.0
    for arrival, service, cv in zip(arrival_rates, service_means, service_cvs, strict=True):
        before, used = used, used + arrival * service
        rest += arrival * service**2 * (1 + cv**2) / 2
        found.append(service / (1 - before) + rest / (1 - before) / (1 - used) if used < 1 else math.inf)
    return found


def preemptive_sojourns_of_many(loads: Sequence[float], servers: int, service_mean: float) -> list[float]:
    """The mean sojourn of each class where a better class takes a server at once and work is resumed (M/M/c).

    `loads` are erlangs, best class first; all classes have the same exponential service. The best classes together see
    nobody else, so that each number in system is a difference of two of plain lines, and Little's law does the rest.

    >>> [round(time, 6) for time in preemptive_sojourns_of_many([0.25, 0.25], 1, 1)]
    [1.333333, 2.666667]
    """
    found, used, there = [], 0.0, 0.0
    for load in loads:
        used += load
        if used >= servers:
            found.append(math.inf)
            continue
        before, there = there, used * (mean_wait(used, servers, service_mean) / service_mean + 1)
        found.append((there - before) / load * service_mean if load else service_mean)
    return found


def _check(load: float, servers: int) -> None:
    if not (load >= 0 and math.isfinite(load) and servers >= 0):
        raise ValueError(f"a load is finite and not negative, as is a number of servers (got {load}, {servers})")
