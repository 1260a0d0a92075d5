"""Pieces that forks of this process do where there can be any: each once, in order, and whatever becomes of them."""

from __future__ import annotations

import os
import signal

import pytest

from sim.scenario import size
from sim.studies.workers import can_fork, in_order

HERE = os.getpid()

forks = pytest.mark.skipif(not can_fork(), reason="no workers are forked on this system")


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "cores", lambda: 2)


def told(index: int) -> tuple[int, int]:
    return index, os.getpid()


@forks
def test_forks_do_each_piece_once() -> None:
    found = in_order(told, 12)
    assert [index for index, _ in found] == list(range(12))
    assert HERE not in {process for _, process in found}


@forks
def test_forks_that_die_have_their_pieces_done_here() -> None:
    def work(index: int) -> tuple[int, int]:
        if os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        return told(index)

    assert in_order(work, 3) == [(index, HERE) for index in range(3)]


@forks
def test_what_is_raised_is_raised_here() -> None:
    def fails_there(index: int) -> tuple[int, int]:
        if os.getpid() != HERE:
            raise OSError("no room there")
        return told(index)

    def fails(index: int) -> int:
        raise ValueError(f"piece {index}")

    assert in_order(fails_there, 4) == [(index, HERE) for index in range(4)]
    with pytest.raises(ValueError, match="piece 0"):
        in_order(fails, 4)


@pytest.mark.parametrize("n", [0, 1])
def test_one_piece_or_none_needs_no_fork(n: int) -> None:
    assert in_order(told, n) == [(index, HERE) for index in range(n)]


def test_with_one_core_nothing_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "cores", lambda: 1)
    assert in_order(told, 3) == [(index, HERE) for index in range(3)]
