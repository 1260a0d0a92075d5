"""Pieces of work shared out to workers of this machine, each by its index; one that raises stops nothing else.

A piece that raises becomes a Failure, and a worker that dies has its pieces done again. Workers of other machines are
in `cluster.py`.
"""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import signal
import sys
import threading
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.thread import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import Pipe, connection, get_context
from typing import Final, Generic, Literal, NoReturn, TypeVar

Result = TypeVar("Result")
WorkersAs = Literal["threads", "processes", "forks"]
"""Threads of this process; processes that begin afresh and get the work sent; or forks of this process, which have all
that it has loaded and compiled, and hold no lock of its interpreter."""

AHEAD: Final = 2
"""Pieces that a fork has in hand: one that it works on and one that waits there."""

_DIE_WITH_PARENT: Final = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""

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
class WorkShare(Generic[Result]):
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
    work: Callable[[int], Result], indices: Iterable[int], *, jobs: int = 1, pool: WorkersAs = "threads"
) -> Iterator[tuple[int, Result | Failure]]:
    """Pairs of index and result, in the order in which they are done; never more than a few in hand at once.

    `jobs` workers share the work. Whatever `work` returns must be picklable where it crosses processes. Forks are for
    where `can_fork` says so; what work changes in one of them is not seen here.
    """
    guarded = Guarded(work)
    if jobs <= 1:
        for index in indices:
            yield from guarded([index])
    elif pool == "forks":
        yield from _in_forks(guarded, indices, jobs)
    else:
        yield from _together(guarded, indices, jobs, pool)


def _together(
    guarded: Guarded[Result], indices: Iterable[int], jobs: int, pool: WorkersAs
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


# Forks of this process


def can_fork() -> bool:
    """Whether workers may be forks of this process: on Linux, and for its main thread, so that nobody else is in the
    middle of something that the fork would need."""
    return sys.platform == "linux" and threading.current_thread() is threading.main_thread()


@dataclass(eq=False, slots=True)
class _Fork:
    """A fork at work: its process, the way to it, and the pieces that it has in hand, in order."""

    process: int
    way: connection.Connection
    in_hand: deque[int] = field(default_factory=deque)

    def ask(self, index: int) -> None:
        """Give it a piece; that it has died shows when its results are asked for."""
        self.in_hand.append(index)
        with suppress(OSError):
            self.way.send(index)

    def end(self) -> None:
        """End it, whatever it does."""
        self.way.close()
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)


def _in_forks(guarded: Guarded[Result], indices: Iterable[int], jobs: int) -> Iterator[tuple[int, Result | Failure]]:
    left, deaths = deque(indices), dict[int, int]()
    forks: dict[connection.Connection, _Fork] = {}
    most = jobs
    try:
        while left or any(one.in_hand for one in forks.values()):
            while left and len(forks) < most:
                try:
                    fresh = _forked(guarded, list(forks))
                except OSError:
                    # The machine gives no more processes: those that are there do the work, or threads.
                    most = len(forks)
                    break
                forks[fresh.way] = fresh
            if not forks:
                yield from _together(guarded, left, jobs, "threads")
                return
            # Towards the end none waits at one while another has nothing to do.
            for depth in range(1, AHEAD + 1):
                for one in forks.values():
                    if left and len(one.in_hand) < depth and (depth == 1 or len(left) > len(forks)):
                        one.ask(left.popleft())
            for way in connection.wait(list(forks)):
                assert isinstance(way, connection.Connection)
                one = forks[way]
                try:
                    results = pickle.loads(way.recv_bytes())
                except (EOFError, OSError):
                    del forks[way]
                    one.end()
                    died = one.in_hand.popleft() if one.in_hand else None
                    left.extendleft(reversed(one.in_hand))
                    if died is not None:
                        deaths[died] = deaths.get(died, 0) + 1
                        if deaths[died] < MOST_DEATHS:
                            left.appendleft(died)
                        else:
                            yield died, DIED
                    continue
                one.in_hand.popleft()
                yield from results
    finally:
        for one in forks.values():
            one.end()


def _forked(guarded: Guarded[Result], others: Sequence[connection.Connection]) -> _Fork:
    """A new fork; `others` are the ways to those that are there, which it must not keep open. OSError if there is no
    room for one."""
    here, there = Pipe()
    parent = os.getpid()
    # Whoever interrupts now means this process, and must not find the fork before it knows what it is.
    held = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        with warnings.catch_warnings():
            # Python warns of other threads, which numpy's linear algebra has: none is of use to the fork.
            warnings.simplefilter("ignore", DeprecationWarning)
            process = os.fork()
        if not process:
            _at_work(guarded, there, (here, *others), parent, held)
    except OSError:
        here.close()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        there.close()
    return _Fork(process, here)


def _at_work(
    guarded: Guarded[Result],
    way: connection.Connection,
    others: Sequence[connection.Connection],
    parent: int,
    mask: Iterable[int],
) -> NoReturn:
    """What a fork does: piece after piece until nobody asks for more; it leaves nothing behind."""
    try:
        # Who interrupts a command interrupts all of its processes; it is the parent's to end this one.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        for one in others:
            one.close()
        # What is there is not looked through for garbage: that would copy all of its memory.
        gc.freeze()
        while os.getppid() == parent:
            way.send_bytes(pickle.dumps(guarded([way.recv()]), pickle.HIGHEST_PROTOCOL))
    finally:
        # Whatever was raised: nothing above this is the fork's to finish.
        os._exit(0)


def in_order(work: Callable[[int], Result], n: int) -> list[Result]:
    """The results of pieces 0 to n - 1, by two forks where there can be any and each has a core.

    What no fork brought, because it died or its piece raised, is done here, so that an error is raised as if there
    were no forks.
    """
    from sim.scenario.size import cores

    found: dict[int, Result] = {}
    if n > 1 and can_fork() and cores() > 1:
        done = each(work, range(n), jobs=2, pool="forks")
        found = {index: one for index, one in done if not isinstance(one, Failure)}
    return [found[index] if index in found else work(index) for index in range(n)]
