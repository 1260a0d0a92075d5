"""Paired differences: nothing where nothing changed, and rarely something by chance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.measures.estimates import Difference, difference


def test_no_change_is_exactly_zero():
    met, counted = [599, 601, 0], [700, 700, 0]
    assert difference((met, counted), (met, counted)) == Difference(0.0, 0.0, 0.0)
    assert not difference((met, counted), (met, counted)).real


def test_pairing_takes_out_what_both_share():
    busy = np.array([500, 300, 400, 200, 450, 350])
    counted = np.full(6, 600)
    change = difference((busy, counted), (busy + np.array([5, 6, 5, 6, 5, 6]), counted))
    assert change.real
    assert change.high - change.low < 0.003


def test_more_differences_are_told_less_surely():
    base, other = ([50, 60, 55], [100, 100, 100]), ([60, 72, 63], [100, 100, 100])
    alone, among_ten = difference(base, other), difference(base, other, family=10)
    assert among_ten.low < alone.low < alone.value < alone.high < among_ten.high


def test_a_difference_of_shares_stays_within_one():
    change = difference(([0, 10], [10, 10]), ([10, 3], [10, 10]), most=1)
    assert (change.low, change.high) == (-1, 1)


def test_one_pair_shows_nothing():
    assert difference(([5], [10]), ([9], [10])) == Difference(0.4, -math.inf, math.inf)


def test_runs_of_unequal_number_cannot_be_paired():
    with pytest.raises(ValueError, match="as many replications"):
        difference(([1, 2], [3, 3]), ([1, 2, 3], [3, 3, 3]))


def test_tables_without_a_true_difference_rarely_show_one():
    """1,000 tables of 6 differences at 95 %: more than 70 with a false one would come by chance once in 700 times."""
    rng, wrong = np.random.default_rng(5), 0
    for _ in range(1000):
        counted = rng.poisson(200, 10)
        each = rng.beta(18, 2, 10)
        tables = [[rng.binomial(counted, each) for _ in range(2)] for _ in range(6)]
        wrong += any(difference((a, counted), (b, counted), family=6).real for a, b in tables)
    assert wrong <= 70
