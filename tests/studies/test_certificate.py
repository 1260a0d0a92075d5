"""What a proof says of cheaper staffings, against trying every one of them."""

from __future__ import annotations

import itertools
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from sim.studies.staff.certificate import CHEAPER, Proof, StaffBox, _counted_by_cost
from sim.studies.staff.search import cheap, exchanged, lowered, risen
from sim.studies.staff.staffed import Staffing
from tests.studies.staffings import Ruled

WITHOUT_END = 1e18


def ruled(folder: Path, seed: int, n_posts: int, most: int, missed_from: float = 1.0) -> Ruled:
    """Random posts whose shortages add up: what each adds falls with every person there."""
    random = np.random.default_rng(seed)
    fall, weight = random.uniform(0.3, 0.8, n_posts), random.uniform(0.2, 2.0, n_posts)
    prices = random.choice([0.5, 1.0, 1.5, random.uniform(0.5, 2)], n_posts)

    def used(staffing: Staffing) -> float:
        return float(np.sum(weight * fall ** np.array(staffing)))

    return Ruled(folder, [float(price) for price in prices], most, used, missed_from)


def cheaper_ones(tried: Ruled, cost: float) -> list[Staffing]:
    everyone = itertools.product(*(range(post.least, post.most + 1) for post in tried.posts))
    return [staffing for staffing in everyone if tried.cost(staffing) < cost * (1 - CHEAPER)]


def closed(tried: Ruled, chosen: Staffing) -> tuple[Staffing, Proof]:
    """The cheapest that holds, from one that does, and the proof that it is."""
    proof = Proof(tried, tried.cost(chosen))
    while (better := proof.close(chosen, WITHOUT_END)) is not None:
        chosen = lowered(tried, better)
        proof.bound(tried.cost(chosen))
    return chosen, proof


@pytest.mark.parametrize("seed", range(25))
def test_a_closed_proof_has_found_the_cheapest_and_accounts_for_every_cheaper_staffing(
    tmp_path: Path, seed: int
) -> None:
    tried = ruled(tmp_path, seed, n_posts=2 + seed % 3, most=6)
    everyone = cheaper_ones(tried, WITHOUT_END)
    holding = [tried.cost(staffing) for staffing in everyone if tried.rule(staffing) <= 1]
    top = tuple(post.most for post in tried.posts)
    chosen = cheap(tried, tuple(3 for _ in tried.posts), WITHOUT_END)
    if not holding:
        assert chosen is None
        assert tried.outcomes[top].verdict == "missed"
        return
    assert chosen is not None
    chosen, proof = closed(tried, chosen)
    assert tried.cost(chosen) == pytest.approx(min(holding))
    assert not proof
    cheaper = cheaper_ones(tried, tried.cost(chosen))
    assert all(tried.excluded(one) or one in tried.outcomes for one in cheaper)
    remainder = proof.remainder()
    assert (remainder.cheaper, remainder.open, remainder.exactly) == (len(cheaper), 0, True)
    assert len(tried.outcomes) < len(everyone) / 2


@pytest.mark.parametrize("seed", range(12))
def test_what_has_nowhere_more_people_than_one_that_does_not_lean_to_hold_is_not_tried(
    tmp_path: Path, seed: int
) -> None:
    """Some staffings are neither shown to fail nor hold: the cheapest is found all the same, with fewer trials than
    there are of these, and each of them is told."""
    tried = ruled(tmp_path, seed, n_posts=3 + seed % 2, most=6, missed_from=1.3)
    everyone = cheaper_ones(tried, WITHOUT_END)
    holding = [tried.cost(staffing) for staffing in everyone if tried.rule(staffing) <= 1]
    chosen = cheap(tried, tuple(3 for _ in tried.posts), WITHOUT_END)
    if not holding:
        assert chosen is None
        return
    assert chosen is not None
    chosen, proof = closed(tried, chosen)
    assert tried.cost(chosen) == pytest.approx(min(holding))
    cheaper = cheaper_ones(tried, tried.cost(chosen))
    told = [one for one in cheaper if not tried.excluded(one) and one not in tried.outcomes]
    assert proof.remainder().open == 0
    assert proof.n_outdone == len(told)
    assert all(tried.rule(one) > 1 and tried.outdone(one) for one in told)


@pytest.mark.parametrize("foreseen", [0.0, 2.0, float("nan")])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_foreseen_decides_what_is_looked_at_and_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, foreseen: float
) -> None:
    """Everything foreseen to hold, or nothing: the way down ends at a staffing that holds, and the proof with the
    cheapest."""
    tried = ruled(tmp_path, 50 + seed, n_posts=4, most=6, missed_from=1.3)
    monkeypatch.setattr(tried, "foreseen", lambda _: foreseen)
    holding = [tried.cost(one) for one in cheaper_ones(tried, WITHOUT_END) if tried.rule(one) <= 1]
    chosen = cheap(tried, tuple(3 for _ in tried.posts), WITHOUT_END)
    assert chosen is not None
    assert tried.rule(chosen) <= 1
    assert all(tried.rule((*chosen[:i], n - 1, *chosen[i + 1 :])) > 1 for i, n in enumerate(chosen) if n)
    chosen, proof = closed(tried, chosen)
    assert tried.cost(chosen) == pytest.approx(min(holding))
    told = [
        one for one in cheaper_ones(tried, tried.cost(chosen)) if not (tried.excluded(one) or one in tried.outcomes)
    ]
    assert (proof.remainder().open, proof.n_outdone) == (0, len(told))


@pytest.mark.parametrize("seed", range(6))
def test_where_more_people_may_hurt_every_cheaper_staffing_is_tried(tmp_path: Path, seed: int) -> None:
    """Whether a staffing holds has nothing to do with any other one."""
    table = np.random.default_rng(seed).uniform(0.7, 1.9, (4, 4, 4))
    tried = Ruled(tmp_path, [1.0, 1.1, 1.3], 3, lambda staffing: float(table[staffing]))
    tried.by_trial = True
    everyone = cheaper_ones(tried, WITHOUT_END)
    chosen = max((one for one in everyone if table[one] <= 1), key=tried.cost)
    proof = Proof(tried, tried.cost(chosen))
    while (better := proof.close(chosen, WITHOUT_END)) is not None:
        chosen = better
        proof.bound(tried.cost(chosen))
    assert tried.cost(chosen) == pytest.approx(min(tried.cost(one) for one in everyone if table[one] <= 1))
    cheaper = cheaper_ones(tried, tried.cost(chosen))
    assert all(one in tried.outcomes for one in cheaper)
    assert proof.remainder().open == 0
    assert not any(tried.excluded(one) for one in everyone if one not in tried.outcomes)


@pytest.mark.parametrize("seed", range(6))
def test_a_proof_cut_short_counts_what_remains_open_and_the_most_it_could_save(tmp_path: Path, seed: int) -> None:
    tried = ruled(tmp_path, 100 + seed, n_posts=4, most=6)
    chosen = lowered(tried, tuple(post.most for post in tried.posts))
    proof = Proof(tried, tried.cost(chosen))
    assert proof.close(chosen, tried.effort + 30 * tried.effort_of_one) is None
    open_ones = [
        staffing
        for staffing in cheaper_ones(tried, tried.cost(chosen))
        if not tried.excluded(staffing) and staffing not in tried.outcomes
    ]
    remainder = proof.remainder()
    assert remainder.open == len(open_ones) > 0
    assert remainder.exactly
    assert remainder.least_cost <= min(tried.cost(staffing) for staffing in open_ones)


def test_many_staffings_are_counted_by_their_costs_and_never_too_few() -> None:
    price = np.array([1.0, 2.0, 0.7])
    box, cost = StaffBox((0, 1, 0), (9, 9, 9)), 13.0
    sizes = [10, 9, 10]
    people = itertools.product(range(10), range(1, 10), range(10))
    exactly = sum(float(price @ np.array(one)) < cost for one in people)
    assert exactly <= _counted_by_cost(box, price, cost, sizes) <= 1.03 * exactly


def test_two_million_staffings_are_counted_one_by_one_in_the_room_of_two_numbers_each(tmp_path: Path) -> None:
    tried = ruled(tmp_path, 3, n_posts=12, most=3)
    tried.failed = np.array([(3,) * 6 + (0,) * 6, (0, 2) * 6, (1,) * 12])
    tried.outcomes = {(3, *staffing): tried.look((0,) * 12, "glance") for staffing in [(1,) * 11, (3,) * 11]}
    box = StaffBox((0,) * 9 + (1,) * 3, (3,) * 9 + (3, 2, 1))
    tracemalloc.start()
    counted = Proof(tried, WITHOUT_END)._count(box, open_only=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Of all with 1, 2 or 3 people, 1 or 2, and 1 at the last three posts: one that fails as the third does, at all
    # other posts 0 or 1; and one that was tried.
    assert counted == (4**9 * 6 - 2**9 - 1, True)
    assert peak < 2 * 8 * 4**9 * 6


def test_a_search_climbs_by_what_helps_most_and_leaves_nobody_too_many(tmp_path: Path) -> None:
    tried = ruled(tmp_path, 7, n_posts=5, most=8)
    found = risen(tried, (0, 0, 0, 0, 0))
    assert found is not None
    assert tried.rule(found) <= 1
    found = lowered(tried, found)
    for i, people in enumerate(found):
        if people:
            assert tried.rule((*found[:i], people - 1, *found[i + 1 :])) > 1


def test_an_exchange_saves_where_no_single_person_can_go(tmp_path: Path) -> None:
    """Two dear people do what one cheap person more would do."""

    def used(staffing: Staffing) -> float:
        first, second, third, fourth = staffing
        return 2.4 - 0.5 * first - 0.2 * second - 0.2 * third - 0.2 * fourth

    tried = Ruled(tmp_path, [1.1, 1.0, 1.0, 1.0], 5, used)
    start = (1, 2, 2, 1)
    assert tried.rule(start) <= 1
    assert lowered(tried, start) == start
    better = exchanged(tried, start)
    assert better is not None
    assert tried.cost(better) < tried.cost(start)
    assert tried.rule(better) <= 1
