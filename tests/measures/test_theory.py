"""The formulas against other ways to the same numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.measures import theory
from sim.measures.varying import busy_of_many, cycle


def test_erlang_b_and_c_agree_with_the_chances_of_the_states():
    load, servers = 7.3, 9
    terms = np.array([load**n / math.factorial(n) for n in range(servers + 1)])
    blocked = terms[-1] / terms.sum()
    waiting = terms[-1] * servers / (servers - load)
    assert theory.erlang_b(load, servers) == pytest.approx(blocked)
    assert theory.erlang_c(load, servers) == pytest.approx(waiting / (terms[:-1].sum() + waiting))


def test_a_thousand_servers_are_no_trouble():
    assert 0 < theory.erlang_b(1000, 1000) < 0.03
    assert 0 < theory.erlang_c(950, 1000) < 0.1
    line = theory.erlang_a(1000, 1000, 1, 1)
    assert line.delayed == pytest.approx(0.5, abs=0.01)
    assert theory.erlang_a(100, 1000, 1, 1) == theory.Impatient(0.0, 0.0, 0.0, 1.0)


def test_an_overloaded_line_waits_for_ever():
    assert theory.erlang_c(3, 3) == 1
    assert theory.mean_wait(3, 3, 1) == theory.wait_in_one_line(1, 1, 1) == math.inf
    assert theory.wait_above(1e9, 3, 3, 1) == 1
    assert theory.priority_waits([0.5, 0.6], 1, 1) == [2.0, math.inf]


def test_one_server_by_two_formulas():
    assert theory.mean_wait(0.8, 1, 5) == pytest.approx(theory.wait_in_one_line(0.8, 5, 1))
    assert theory.preemptive_sojourns([0.16], [5], [1]) == pytest.approx([5 + theory.mean_wait(0.8, 1, 5)])


def test_priorities_share_out_the_wait_of_the_plain_line():
    loads = [0.4, 1.0, 0.9]
    waits = theory.priority_waits(loads, 3, 4)
    assert np.dot(loads, waits) / sum(loads) == pytest.approx(theory.mean_wait(sum(loads), 3, 4))


def test_the_best_class_that_takes_servers_meets_no_other():
    best, _ = theory.preemptive_sojourns([0.2, 0.1], [2, 4], [0.5, 2])
    assert best == pytest.approx(2 + theory.wait_in_one_line(0.4, 2, 0.5))


@pytest.mark.parametrize("load, servers, patience", [(10, 10, 2), (50, 40, 1), (0.3, 1, 5), (1100, 1000, 0.5)])
def test_erlang_a_agrees_with_the_chances_of_the_states(load, servers, patience):
    number = np.arange(1, 3000)
    down = np.minimum(number, servers) + np.maximum(number - servers, 0) / patience
    log = np.concatenate([[0], np.cumsum(np.log(load) - np.log(down))])
    chance = np.exp(log - log.max())
    chance /= chance.sum()
    waiting = chance @ np.maximum(np.arange(3000) - servers, 0)
    line = theory.erlang_a(load, servers, 1, patience)
    assert line.delayed == pytest.approx(chance[servers:].sum())
    assert line.abandoned == pytest.approx(waiting / patience / load)
    assert line.mean_wait == pytest.approx(waiting / load)
    assert line.served_within == pytest.approx(1 - line.abandoned)


def test_erlang_a_serves_within_a_time_as_the_states_say():
    """A tip that finds n waiting is served once n + 1 tips before it have left, each at the rate of that state."""
    load, servers, patience, within = 5.0, 4, 2.0, 0.7
    states = 60
    rates = np.zeros((states + 1, states + 1))
    for ahead in range(states):
        rates[ahead, ahead] = -(servers + (ahead + 1) / patience)
        rates[ahead, ahead - 1 if ahead else states] = servers + ahead / patience
    from scipy.linalg import expm

    served = expm(rates * within)[:states, states]
    log = [0.0]
    for n in range(1, servers + states):
        log.append(log[-1] + math.log(load) - math.log(min(n, servers) + max(n - servers, 0) / patience))
    chance = np.exp(log) / np.exp(log).sum()
    expected = chance[:servers].sum() + chance[servers:] @ served
    assert theory.erlang_a(load, servers, 1, patience, within).served_within == pytest.approx(expected)


@pytest.mark.parametrize("load", [0.5, 3.0, 20.0, 60.0])
def test_the_least_servers_meet_the_share_and_one_fewer_does_not(load):
    servers = theory.least_servers(load, 180, 20, 0.8)
    assert 1 - theory.wait_above(20, load, servers, 180) >= 0.8
    assert servers - 1 <= load or 1 - theory.wait_above(20, load, servers - 1, 180) < 0.8


@pytest.mark.parametrize("load", [5, 40, 400])
def test_the_root_of_the_load_is_a_good_first_guess(load):
    guess = theory.square_root_staff(load, 0.2)
    exact = next(n for n in range(load, 2 * load + 20) if theory.erlang_c(load, n) <= 0.2)
    assert abs(guess - exact) <= 1


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: theory.erlang_b(-1, 3), "not negative"),
        (lambda: theory.erlang_c(math.inf, 3), "finite"),
        (lambda: theory.least_servers(3, 1, 1, 1.0), "some number of servers"),
        (lambda: theory.square_root_staff(3, 0), "between 0 and 1"),
        (lambda: cycle(np.ones(4), np.ones(4, np.int64), 1.0, 1.0), "never settles"),
    ],
)
def test_numbers_that_cannot_be_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_many_servers_at_a_rate_that_jumps():
    """From rate 0 to rate 6 at time 0 with services of 2 exactly: 6 x 2 busy from then on, half of it at time 1."""
    busy = [busy_of_many(lambda t: 6.0 * (t >= 0), lambda u: 1.0 * (u < 2), at, reach=8.0) for at in (-1, 1, 2, 5)]
    assert busy == pytest.approx([0, 6, 12, 12])


def test_a_cycle_conserves_tips():
    rates = np.repeat([0.1, 0.5], 60)
    servers = np.repeat([2, 3], 60)
    line = cycle(rates, servers, 1.0, 4.0)
    served = line.busy.mean() / 4.0
    assert served == pytest.approx(rates.mean(), rel=2e-3)
    assert line.full.min() < theory.erlang_c(0.4, 2) < theory.erlang_c(2.0, 3) < line.full.max() + 0.05
