"""Pieces that forks of this process do where there can be any: each once, in order, and whatever becomes of them."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import pytest
from numba.core.compiler_lock import global_compiler_lock

from sim.dynamics import kernels
from sim.plots import style
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


@forks
@pytest.mark.parametrize("lock", [global_compiler_lock._lock, kernels._counting, style._ALONE])
def test_forks_wait_for_no_thread_that_they_have_not(lock: Any) -> None:
    """One that compiles, or draws, while the fork is made."""
    holds, made = threading.Event(), threading.Event()

    def elsewhere() -> None:
        with lock:
            holds.set()
            made.wait(0.3)

    def work(index: int) -> bool:
        return os.getpid() != HERE and bool(lock.acquire(timeout=2))

    other = threading.Thread(target=elsewhere)
    other.start()
    holds.wait()
    found = in_order(work, 2)
    made.set()
    other.join()
    assert found == [True, True]


@pytest.mark.parametrize("n", [0, 1])
def test_one_piece_or_none_needs_no_fork(n: int) -> None:
    assert in_order(told, n) == [(index, HERE) for index in range(n)]


def test_with_one_core_nothing_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(size, "cores", lambda: 1)
    assert in_order(told, 3) == [(index, HERE) for index in range(3)]
