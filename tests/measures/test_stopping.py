"""Looking several times: the numbers of the looks, and how often a verdict is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from sim.measures.estimates import share_interval, verdict
from sim.measures.stopping import Looks


def test_looks_double_and_end_at_the_most():
    assert Looks(10, 100).numbers == (10, 20, 40, 80, 100)
    assert Looks(10, 80).numbers == (10, 20, 40, 80)
    assert Looks(10, 10).numbers == (10,)


def test_the_allowed_error_is_split_over_looks_and_targets():
    assert Looks(10, 20, 0.9, n_targets=5).each == pytest.approx(0.99)


def test_a_study_goes_on_while_something_is_undecided_and_the_most_is_not_reached():
    looks = Looks(10, 20)
    assert looks.goes_on(10, ["met", "undecided"])
    assert not looks.goes_on(10, ["met", "missed"])
    assert not looks.goes_on(20, ["undecided"])


def test_fewer_than_two_replications_are_no_look():
    with pytest.raises(ValueError, match="2 replications"):
        Looks(1, 20)


@pytest.mark.parametrize("truth", [0.799, 0.801])
def test_repeated_looks_are_wrong_at_most_5_times_in_100(truth):
    """A share a hair off its threshold of 80 %, up to 5 looks, 500 studies: a rule at its limit would fail once in
    10,000."""
    rng, looks, wrong = np.random.default_rng(11), Looks(10, 160), 0
    mistake = "met" if truth < 0.8 else "missed"
    for _ in range(500):
        counted = np.full(160, 300)
        met = rng.binomial(counted, rng.beta(truth * 30, (1 - truth) * 30, 160))
        for n in looks.numbers:
            found = verdict(share_interval(met[:n], counted[:n], looks.each), 0.8, "at_least")
            wrong += found == mistake
            if not looks.goes_on(n, [found]):
                break
    assert wrong <= 44
