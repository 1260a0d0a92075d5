"""Pieces of work shared out to workers of this machine, each by its index; one that raises stops nothing else.

A piece that raises becomes a Failure, and a worker that dies has its pieces done again. Workers of other machines are
in `cluster.py`. A few pieces that need all that this process has are shared with a copy of it.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.thread import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from typing import IO, Any, Final, Generic, Literal, TypeVar

Result = TypeVar("Result")
Pool = Literal["threads", "processes"]

MOST_DEATHS: Final = 3
"""How often workers may die with the same piece in hand before it counts as failed."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A piece of work that failed: what was raised, in one line, and where."""

    error: str
    trace: str


DIED: Final = Failure(f"a worker died {MOST_DEATHS} times on this piece", "")
"""What comes of a piece that kills whoever takes it."""


@dataclass(frozen=True, slots=True)
class Share(Generic[Result]):
    """Some pieces of one work."""

    work: Callable[[int], Result]
    indices: Sequence[int]
    group: str | None = None
    """Pieces of one index in works of one group have something in common that a worker keeps, as drawn tips."""
    study: str | None = None
    """Pieces of one study cost about the same."""


@dataclass(frozen=True, slots=True)
class Guarded(Generic[Result]):
    """The work, with what it raises caught: it crosses to other processes, so it is an object and no closure."""

    work: Callable[[int], Result]

    def __call__(self, indices: Sequence[int]) -> list[tuple[int, Result | Failure]]:
        return [(index, self._one(index)) for index in indices]

    def _one(self, index: int) -> Result | Failure:
        try:
            return self.work(index)
        except Exception as error:
            return Failure(f"{type(error).__name__}: {error}", traceback.format_exc())


def each(
    work: Callable[[int], Result], indices: Iterable[int], *, jobs: int = 1, pool: Pool = "threads"
) -> Iterator[tuple[int, Result | Failure]]:
    """Pairs of index and result, in the order in which they are done; never more than a few in hand at once.

    `jobs` workers share the work. Whatever `work` returns must be picklable where it crosses processes.
    """
    guarded = Guarded(work)
    if jobs <= 1:
        for index in indices:
            yield from guarded([index])
    else:
        yield from _together(guarded, indices, jobs, pool)


def _together(
    guarded: Guarded[Result], indices: Iterable[int], jobs: int, pool: Pool
) -> Iterator[tuple[int, Result | Failure]]:
    waiting = iter(indices)
    again: list[int] = []
    deaths: dict[int, int] = {}
    while True:
        executor: Executor
        if pool == "threads":
            executor = ThreadPoolExecutor(jobs)
        else:
            executor = ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))
        in_hand: dict[Future[list[tuple[int, Result | Failure]]], int] = {}
        try:
            while True:
                with _not_of_the_script():
                    for index in _take(again, waiting, jobs + 1 - len(in_hand)):
                        in_hand[executor.submit(guarded, [index])] = index
                if not in_hand:
                    return
                for done in wait(in_hand, return_when=FIRST_COMPLETED).done:
                    results = done.result()
                    del in_hand[done]
                    yield from results
        except BrokenExecutor:
            for index in in_hand.values():
                deaths[index] = deaths.get(index, 0) + 1
                if deaths[index] < MOST_DEATHS:
                    again.append(index)
                else:
                    yield index, DIED
        finally:
            executor.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _not_of_the_script() -> Iterator[None]:
    """Let processes that are started meanwhile not run the script that asks for them.

    A new process imports the script of the one that starts it, to find what that defines. The works are all of this
    package; and a script that asks for a run outside of `if __name__ == "__main__"` would ask for it again in each.
    """
    main = vars(sys.modules["__main__"])
    kept: dict[str, object] = {name: main[name] for name in ("__spec__", "__file__") if name in main}
    main["__spec__"] = None
    main.pop("__file__", None)
    try:
        yield
    finally:
        main.update(kept)


def _take(again: list[int], waiting: Iterator[int], n: int) -> list[int]:
    """Up to n indices: those to be done again first."""
    taken = again[:n]
    del again[:n]
    return taken + list(islice(waiting, n - len(taken)))


# A copy of this process


PATIENCE: Final = 60.0
"""Seconds after which a copy that is still at its last piece is given up."""


def with_a_copy(work: Callable[[int], Result], n: int) -> list[Result]:
    """The results of pieces 0 to n - 1 (at most 256), by this process and a copy of it: who is free takes the next.

    The copy has all that this process has in memory, so that nothing is sent to it; what `work` returns must be
    picklable. What the copy did not bring, because it died or its piece raised, is done here, so that an error is
    raised as if there were no copy. There is none where the system or the cores of this process allow none.
    """
    found: dict[int, Result] = {}
    if n > 1 and _can_be_copied():
        to_take, given = os.pipe()
        os.write(given, bytes(range(n)))
        os.close(given)
        pieces = (piece[0] for piece in iter(lambda: os.read(to_take, 1), b""))
        try:
            found = _shared(work, pieces)
        finally:
            os.close(to_take)
    return [found[index] if index in found else work(index) for index in range(n)]


def _shared(work: Callable[[int], Result], pieces: Iterator[int]) -> dict[int, Result]:
    """The results of the pieces that this process and a copy take from what they share."""
    try:
        brought = os.fdopen(os.memfd_create("brought"), "w+b")
    except OSError:
        return {}
    with brought, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads that libraries keep, of which none is at work
        try:
            copy = os.fork()
        except OSError:
            return {}
        if copy == 0:
            try:
                for index in pieces:
                    pickle.dump((index, work(index)), brought)
                    brought.flush()
            finally:
                os._exit(0)  # nothing that is to be done when this process ends is to be done twice
        try:
            found = {index: work(index) for index in pieces}
            _wait_for(copy)
        except BaseException:
            with suppress(ProcessLookupError, ChildProcessError):  # it has just ended by itself
                os.kill(copy, signal.SIGKILL)
                os.waitpid(copy, 0)
            raise
        brought.seek(0)
        return found | dict(_whole(brought))


def _can_be_copied() -> bool:
    """Whether a copy would find things as they are here, and a core: on Linux, and not while threads are at work."""
    return sys.platform == "linux" and threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1


def _wait_for(copy: int) -> None:
    """Wait until a copy has ended, and end it where it does not."""
    until = time.monotonic() + PATIENCE
    while os.waitpid(copy, os.WNOHANG) == (0, 0):
        if time.monotonic() > until:
            os.kill(copy, signal.SIGKILL)
            os.waitpid(copy, 0)
            return
        time.sleep(0.002)


def _whole(file: IO[bytes]) -> Iterator[tuple[int, Any]]:
    """The pieces in a file that were written to their end."""
    with suppress(EOFError, pickle.UnpicklingError):
        while True:
            yield pickle.load(file)
