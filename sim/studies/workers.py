"""Doing one thing for many indices: in threads, in processes, or on a cluster that is already there.

The results do not depend on how: each index is its own piece of work, and results come back named by their index. A
piece that raises becomes a Failure and stops nothing else; a worker that dies has its pieces done again.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.thread import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from typing import Any, Final, Generic, Literal, TypeVar

Result = TypeVar("Result")
Pool = Literal["threads", "processes"]

MOST_DEATHS = 3
"""How often workers may die with the same piece in hand before it counts as failed."""

LONGEST_WAIT: Final = 10
"""Seconds that a scheduler may take to answer."""

MOST_PIECES_A_TASK = 8
"""Pieces that go to a cluster in one task, which costs about two milliseconds there."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A piece of work that failed: what was raised, in one line, and where."""

    error: str
    trace: str


@dataclass(frozen=True, slots=True)
class _Guarded(Generic[Result]):
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
    work: Callable[[int], Result],
    indices: Iterable[int],
    *,
    jobs: int = 1,
    pool: Pool = "threads",
    cluster: str | None = None,
) -> Iterator[tuple[int, Result | Failure]]:
    """Pairs of index and result, in the order in which they are done; never more than a few in hand at once.

    `cluster` is the address of a dask scheduler; without one, `jobs` workers of this machine share the work. Whatever
    `work` returns must be picklable where it crosses processes.
    """
    guarded = _Guarded(work)
    if cluster is not None:
        yield from _on_cluster(guarded, indices, cluster)
    elif jobs <= 1:
        for index in indices:
            yield from guarded([index])
    else:
        yield from _on_this_machine(guarded, indices, jobs, pool)


def _on_this_machine(
    guarded: _Guarded[Result], indices: Iterable[int], jobs: int, pool: Pool
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
                    yield index, Failure(f"a worker died {MOST_DEATHS} times on this piece", "")
        finally:
            executor.shutdown(wait=False, cancel_futures=True)


def _take(again: list[int], waiting: Iterator[int], n: int) -> list[int]:
    """Up to n indices: those to be done again first."""
    taken = again[:n]
    del again[:n]
    return taken + list(islice(waiting, n - len(taken)))


def _on_cluster(
    guarded: _Guarded[Result], indices: Iterable[int], address: str
) -> Iterator[tuple[int, Result | Failure]]:
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise ClusterError("--cluster needs the extra: pip install 'tipline[cluster]'") from error
    _reach(address)
    wanted = list(indices)
    with _lost(address), Client(address, timeout=LONGEST_WAIT, set_as_default=False) as client:
        [shared] = client.scatter([guarded], broadcast=True)
        n_slots = 2 * max(sum(client.nthreads().values()), 1)
        size = max(1, min(MOST_PIECES_A_TASK, len(wanted) // n_slots))
        batches = iter([wanted[i : i + size] for i in range(0, len(wanted), size)])

        def submit(n: int) -> list[Any]:
            return [
                client.submit(_call, shared, batch, retries=MOST_DEATHS, pure=False) for batch in islice(batches, n)
            ]

        ahead = as_completed(submit(n_slots), loop=client.loop)
        for done in ahead:
            for following in submit(1):
                ahead.add(following)
            yield from done.result()


class ClusterError(ConnectionError):
    """A cluster cannot be worked on; the message names it and says why."""


def _reach(address: str) -> None:
    """Make sure that a scheduler answers at an address; ClusterError where none does, within LONGEST_WAIT."""
    import asyncio
    import logging

    from distributed.comm import connect
    from distributed.security import Security

    # What it has to say is said once, in one line, by whoever catches the error.
    for name in [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]:
        logging.getLogger(name).handlers = [logging.NullHandler()]
        logging.getLogger(name).propagate = False

    async def reached() -> None:
        arguments = Security().get_connection_args("client")
        comm = await asyncio.wait_for(connect(address, timeout=LONGEST_WAIT, **arguments), LONGEST_WAIT)
        comm.abort()

    try:
        asyncio.run(reached())
    except TimeoutError:
        raise ClusterError(f"--cluster {address}: nobody answered within {LONGEST_WAIT} s") from None
    except Exception as error:
        raise ClusterError(f"--cluster {address}: {error}") from None


@contextmanager
def _lost(address: str) -> Iterator[None]:
    """Say in one way that the scheduler went away while it had work in hand."""
    from concurrent.futures import CancelledError

    from distributed.comm import CommClosedError

    try:
        yield
    except (CancelledError, CommClosedError, OSError, TimeoutError) as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise ClusterError(f"--cluster {address}: the scheduler was lost ({why})") from None


def _call(guarded: _Guarded[Result], batch: Sequence[int]) -> list[tuple[int, Result | Failure]]:
    return guarded(batch)
