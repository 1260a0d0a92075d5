"""Looking several times: the numbers of the looks, and how often a verdict is wrong."""

from __future__ import annotations

import numpy as np
import pytest

from sim.measures.estimates import mean_interval, share_interval, verdict
from sim.measures.stopping import Looks
from tests.measures.coverage import replications, true_share


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
            found = verdict(share_interval(met[:n], counted[:n], looks.each, n), 0.8, "at_least")
            wrong += found == mistake
            if not looks.goes_on(n, [found]):
                break
    assert wrong <= 44


# A rule that is wrong 5 times in 100 would be so more than 41 times in 500 once in 1,000.


@pytest.mark.parametrize("share", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("kind", ["alone", "alike 0.01", "alike 0.1", "unequal", "logit"])
def test_with_the_threshold_at_the_truth_a_share_is_called_met_or_missed_at_most_5_times_in_100(kind, share):
    """Whichever is said: neither is known there. What makes the tips of a replication alike here lasts all of it."""
    truth, looks, wrong = true_share(kind, share), Looks(10, 160), 0
    rng = np.random.default_rng(23)
    for _ in range(500):
        met, counted = replications(kind, share, 160, 300, rng)
        for n in looks.numbers:
            found = verdict(share_interval(met[:n], counted[:n], looks.each, n), truth, "at_least")
            if found != "undecided":
                wrong += 1
                break
    assert wrong <= 41


@pytest.mark.parametrize("cv", [0.1, 0.5, 1.0])
def test_with_the_threshold_at_the_truth_a_mean_is_called_met_or_missed_at_most_5_times_in_100(cv):
    looks, wrong = Looks(10, 160), 0
    rng, counts = np.random.default_rng(29), np.full(160, 50)
    for _ in range(500):
        sums = 50 * rng.lognormal(-np.log1p(cv**2) / 2, np.sqrt(np.log1p(cv**2)), 160)
        for n in looks.numbers:
            found = verdict(mean_interval(sums[:n], counts[:n], looks.each), 1.0, "at_most")
            if found != "undecided":
                wrong += 1
                break
    assert wrong <= 41
