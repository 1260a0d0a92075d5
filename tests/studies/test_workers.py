"""Pieces that are shared with a copy of this process: each once, in order, and whatever becomes of the copy."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest

from sim.studies import workers
from sim.studies.workers import with_a_copy

HERE = os.getpid()

copied = pytest.mark.skipif(sys.platform != "linux", reason="processes are copied only there")


@pytest.fixture(autouse=True)
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of them, whatever this machine has, and no threads of who runs the tests."""
    monkeypatch.setattr(workers, "_can_be_copied", lambda: True)


def slowly(index: int) -> tuple[int, int]:
    time.sleep(0.05)
    return index, os.getpid()


def nobody_is_left() -> bool:
    """Whether every copy has ended and was waited for."""
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return True
    return False


@copied
def test_both_take_pieces_and_each_is_done_once() -> None:
    found = with_a_copy(slowly, 12)
    assert [index for index, _ in found] == list(range(12))
    assert len({process for _, process in found}) == 2
    assert HERE in {process for _, process in found}
    assert nobody_is_left()


@copied
def test_a_copy_that_dies_has_its_pieces_done_here() -> None:
    def work(index: int) -> tuple[int, int]:
        if os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        return slowly(index)

    assert with_a_copy(work, 6) == [(index, HERE) for index in range(6)]
    assert nobody_is_left()


@copied
def test_a_copy_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(index: int) -> tuple[int, int]:
        if os.getpid() != HERE:
            time.sleep(60)
        return slowly(index)

    monkeypatch.setattr(workers, "PATIENCE", 0.1)
    assert with_a_copy(work, 3) == [(index, HERE) for index in range(3)]
    assert nobody_is_left()


@copied
def test_what_is_raised_is_raised_here() -> None:
    def fails_there(index: int) -> tuple[int, int]:
        if os.getpid() != HERE:
            raise OSError("no room there")
        return slowly(index)

    def fails(index: int) -> int:
        raise ValueError(f"piece {index}")

    assert with_a_copy(fails_there, 4) == [(index, HERE) for index in range(4)]
    with pytest.raises(ValueError, match="piece"):
        with_a_copy(fails, 4)
    assert nobody_is_left()


@copied
@pytest.mark.parametrize("lacking", ["fork", "memfd_create"])
def test_a_system_that_is_full_does_without(lacking: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_given: object) -> int:
        raise OSError("no more of them")

    monkeypatch.setattr(os, lacking, full)
    assert with_a_copy(slowly, 3) == [(index, HERE) for index in range(3)]


def test_one_piece_or_none_needs_no_copy() -> None:
    assert with_a_copy(slowly, 0) == []
    assert with_a_copy(slowly, 1) == [(0, HERE)]


def test_while_threads_are_at_work_there_is_no_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        assert with_a_copy(slowly, 3) == [(index, HERE) for index in range(3)]
    finally:
        over.set()
        thread.join()
