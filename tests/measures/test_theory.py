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
        (lambda: theory.limited_line(3, 3, 1, 2), "room for those in service"),
        (lambda: theory.second_moment(0.5, 1, 1, "due"), "an order is one of"),
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


@pytest.mark.parametrize("order, factor", [("random", 1 / (1 - 0.85 / 2)), ("last_come", 1 / (1 - 0.85))])
def test_the_mean_square_wait_of_other_orders_by_what_may_happen_next(order, factor):
    """Moments of the wait with n others waiting: a tip comes, or one of those waiting is taken; 1 server, load 0.85."""
    load, most = 0.85, 600
    pace = 1 + load
    to_next = np.zeros((most, most))
    for n in range(most):
        to_next[n, min(n + 1, most - 1)] += load / pace
        if order == "random" and n:
            to_next[n, n - 1] += (1 - 1 / (n + 1)) / pace
    if order == "last_come":
        # Only who came later matters: n of them are before it, and it is taken when the last of them is.
        for n in range(1, most):
            to_next[n, n - 1] += 1 / pace
    first = np.linalg.solve(np.eye(most) - to_next, np.full(most, 1 / pace))
    second = np.linalg.solve(np.eye(most) - to_next, 2 / pace**2 + 2 / pace * (to_next @ first))
    found = (1 - load) * load ** np.arange(most) if order == "random" else np.eye(most)[0]
    assert load * found @ first == pytest.approx(theory.mean_wait(load, 1, 1.0))
    assert load * found @ second == pytest.approx(theory.second_moment(load, 1, 1.0, order), rel=1e-4)
    plain = theory.second_moment(load, 1, 1.0)
    assert theory.second_moment(load, 1, 1.0, order) == pytest.approx(plain * factor)


def test_room_for_all_is_the_plain_line_and_room_for_none_is_erlang_b():
    roomy = theory.limited_line(2.4, 3, 6.0, 2000)
    assert roomy.turned_away == pytest.approx(0, abs=1e-12)
    assert roomy.mean_wait == pytest.approx(theory.mean_wait(2.4, 3, 6.0))
    assert roomy.delayed == pytest.approx(theory.erlang_c(2.4, 3))
    assert theory.limited_line(9, 9, 1, 9).turned_away == theory.erlang_b(9, 9)
    impatient, line = theory.limited_line(4.5, 4, 6.0, 500, 4.0), theory.erlang_a(4.5, 4, 6.0, 4.0)
    assert impatient.given_up == pytest.approx(line.abandoned)
    assert impatient.mean_wait == pytest.approx(line.mean_wait)
    assert impatient.busy == pytest.approx(4.5 * (1 - line.abandoned))


def test_ranks_of_one_server_by_two_formulas():
    loads = [0.2, 0.5, 0.1]
    assert theory.priority_waits_of_one([load / 6 for load in loads], [6] * 3, [1] * 3) == pytest.approx(
        theory.priority_waits(loads, 1, 6)
    )
    rates, means, cvs = [0.05, 0.05], [4, 9], [0.5, 1.5]
    mixed = theory.priority_waits_of_one(rates, means, cvs)
    used = [rate * mean for rate, mean in zip(rates, means, strict=True)]
    square = sum(rate * mean**2 * (1 + cv**2) for rate, mean, cv in zip(rates, means, cvs, strict=True))
    # The work that is waited for is the same in whatever order it is done (Kleinrock's law).
    assert np.dot(used, mixed) == pytest.approx(sum(used) * square / 2 / (1 - sum(used)))
    assert theory.priority_waits_of_one([0.1, 0.1], [5, 6], [1, 1])[1] == math.inf


def test_takers_of_servers_by_two_formulas():
    loads = [0.3, 0.4]
    one = theory.preemptive_sojourns([0.3 / 5, 0.4 / 5], [5, 5], [1, 1])
    assert theory.preemptive_sojourns_of_many(loads, 1, 5) == pytest.approx(one)
    times = theory.preemptive_sojourns_of_many([1.0, 1.2], 3, 5)
    together = 5 + theory.mean_wait(2.2, 3, 5)
    assert np.dot([1.0, 1.2], times) / 2.2 == pytest.approx(together)
    assert theory.preemptive_sojourns_of_many([1.0, 2.2], 3, 5)[1] == math.inf


def test_a_flat_day_with_patience_is_erlang_a():
    flat = cycle(np.full(24, 4.5 / 6), np.full(24, 4), 60.0, 6.0, 4.0)
    line = theory.erlang_a(4.5, 4, 6.0, 4.0)
    assert (flat.mean_wait, flat.given_up, flat.delayed) == pytest.approx(
        (line.mean_wait, line.abandoned, line.delayed), rel=1e-6
    )
