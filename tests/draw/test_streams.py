"""Streams: keyed by name, one row a tip, read forwards."""

from __future__ import annotations

import numpy as np
import pytest

from sim.draw.streams import PART, SKIPPED, RememberedStreams, Streams


def rows(*name: str, standard: str = "uniform", seed: int = 1, index: int = 0, first: int = 0) -> list[float]:
    return list(Streams(seed, index).stream(standard, *name).rows(first, 5))


def test_a_stream_is_known_by_its_seed_index_and_name() -> None:
    assert rows("a", "b") == rows("a", "b")
    others = [rows("b"), rows("ab"), rows("a", "b", "c"), rows("a", "b", seed=2), rows("a", "b", index=1)]
    others += [rows("a", "bc"), Streams(1, 0).part("a").uniform("b", "c").rows(0, 5).tolist()]
    # The last one stands for a part, whose names begin with the part's.
    assert others[-1] == others[2]
    assert all(other != rows("a", "b") for other in others)


@pytest.mark.parametrize("standard", ["normal", "exponential", "uniform", "gamma:0.3"])
def test_row_i_is_the_same_however_the_rows_before_are_read(standard: str) -> None:
    far = SKIPPED + 10
    whole = Streams(1, 0).stream(standard, "x").rows(0, far + 5)
    assert rows("x", standard=standard, first=far) == whole[far:].tolist()
    pieces = Streams(1, 0).stream(standard, "x")
    assert np.concatenate([pieces.rows(0, 3), pieces.rows(3, 4), pieces.rows(9, 2)]).tolist() == [
        *whole[:7].tolist(),
        *whole[9:11].tolist(),
    ]


def test_the_last_block_may_be_asked_for_again_and_no_earlier_one() -> None:
    stream = Streams(1, 0).uniform("x")
    first = stream.rows(0, 5).copy()
    assert (stream.rows(0, 5) == first).all()
    stream.rows(5, 5)
    with pytest.raises(ValueError, match="read forwards"):
        stream.rows(0, 5)


@pytest.mark.parametrize("standard", ["normal", "exponential", "uniform", "gamma:0.3"])
def test_remembered_rows_are_those_of_the_stream_in_any_order(standard: str) -> None:
    whole = Streams(1, 0).stream(standard, "x").rows(0, 2 * PART + 9)
    streams = RememberedStreams(1, 0)
    remembered = streams.stream(standard, "x")
    for first, count in ((PART - 2, 1), (0, 5), (PART - 3, 6), (PART, PART), (PART + 1, 0), (0, 2 * PART + 9), (3, 4)):
        assert np.array_equal(remembered.rows(first, count), whole[first : first + count])
        assert np.array_equal(remembered.fill(first, np.empty(count)), whole[first : first + count])
    assert streams.stream(standard, "x") is remembered
    assert streams.n_bytes == whole.nbytes


def test_nobody_writes_to_remembered_rows() -> None:
    for first, count in ((0, 5), (PART - 3, 6)):
        with pytest.raises(ValueError, match="read-only"):
            RememberedStreams(1, 0).uniform("x").rows(first, count)[0] = 0


@pytest.mark.parametrize("standard", ["cauchy", "gamma", "gamma:"])
def test_an_unknown_standard_is_refused(standard: str) -> None:
    with pytest.raises(ValueError, match="standard variate"):
        rows("x", standard=standard)


def test_standards_have_their_moments() -> None:
    """Fixed seed; 5 standard errors each: false alarms in less than 1 of a million seeds."""
    n = 100_000
    for standard, mean, variance, fourth in (
        ("normal", 0, 1, 3),
        ("exponential", 1, 1, 9),
        ("uniform", 1 / 2, 1 / 12, 1 / 80),
        ("gamma:4", 4, 4, 3 * 16 + 6 * 4),
    ):
        drawn = Streams(7, 0).stream(standard, "x").rows(0, n)
        assert abs(drawn.mean() - mean) < 5 * (variance / n) ** 0.5
        assert abs(drawn.var() - variance) < 5 * ((fourth - variance**2) / n) ** 0.5
