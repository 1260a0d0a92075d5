"""Codes by share."""

from __future__ import annotations

import numpy as np
import pytest

from sim.draw.mixes import FEW, Mix

BELOW_1 = np.nextafter(1, 0)


def test_codes_lie_where_the_shares_put_them() -> None:
    assert Mix([0.1, 0.2, 0.7]).codes(np.array([0, 0.0999, 0.1, 0.29, 0.31, BELOW_1])).tolist() == [0, 0, 1, 1, 2, 2]


def test_each_row_has_its_own_shares() -> None:
    mix = Mix([[0.5, 0.5], [0.1, 0.9]])
    assert mix.codes(np.array([0.3, 0.3]), np.array([0, 1], dtype=np.int32)).tolist() == [0, 1]
    with pytest.raises(ValueError, match="needs its codes"):
        mix.codes(np.array([0.3]))


def test_a_share_of_0_is_never_drawn_and_one_of_1_always() -> None:
    edges = np.array([0, 0.3, 0.6, 0.9, BELOW_1])
    assert set(Mix([0, 0.1, 0, 0.2, 0.7, 0]).codes(edges).tolist()) <= {1, 3, 4}
    assert (
        Mix([[0, 1, 0], [1, 0, 0], [0, 0, 1]]).codes(np.repeat(edges, 3), np.tile([0, 1, 2], 5)).tolist()
        == [1, 0, 2] * 5
    )
    assert Mix([0.1] * 3 + [0.7 - 1e-9, 0]).codes(edges).max() == 3


def test_what_is_certain_is_said() -> None:
    assert Mix([0, 2, 0]).certain == 1
    assert Mix([[1, 0], [1, 0]]).certain == 0
    assert Mix([[1, 0], [0, 1]]).certain is None


def test_many_codes_are_found_like_few() -> None:
    uniform = np.random.default_rng(1).random(1000)
    many = [1.0] * (FEW + 3)
    code = Mix(many).codes(uniform)
    assert code.dtype == np.int32
    assert (code == np.floor(uniform * len(many))).all()


def test_impossible_shares_are_refused() -> None:
    for shares in ([0, 0], [1, -1]):
        with pytest.raises(ValueError, match="shares"):
            Mix(shares)
