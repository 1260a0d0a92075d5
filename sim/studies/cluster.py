"""Pieces of work on a dask cluster that is already there, with the results of a serial run.

A task costs the scheduler and this program some two milliseconds, so pieces go in batches, sized by what they have cost
so far. A batch carries its works, small and whole: a scenario and what is asked of it. What is large (frames, drawn
tips) is made at the worker and kept there, and pieces with the same tips go to the same worker while it has time for
them. What is made by another program, or on another kind of machine, is refused.
"""

from __future__ import annotations

import atexit
import math
import pickle
import threading
import time
import zlib
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

from sim.studies.keeping import makers
from sim.studies.workers import DIED, MOST_DEATHS, Failure, Guarded, WorkShare
from sim.version import __version__

if TYPE_CHECKING:
    from distributed import Client, Future

Result = TypeVar("Result")

LONGEST_WAIT: Final = 10
"""Seconds that a scheduler may take to answer."""

NOBODY: Final = (10, 300)
"""After so many seconds without any worker it is told, and after so many given up."""

LOOKS: Final = 1.0
"""Seconds from one look at who is there to the next."""

NO_RESULT: Final = ("error", "cancelled", "lost")
"""What a task is that will bring nothing."""

TASK_COST: Final = 0.002
"""Seconds that a task takes of the scheduler and of this program, whatever is in it: as measured."""

LEAST_TASK: Final = 0.25
"""Seconds that the pieces of a task take together, if there are so many; with many workers more."""

AHEAD: Final = 2
"""Tasks in hand for each thread of a worker: one that it works on and one that waits there."""

MOST_CARRIED: Final = 100_000
"""Bytes of a work up to which its tasks carry it; larger ones are handed from worker to worker."""

MOST_WORKS: Final = 64
"""Works that a worker keeps unpacked, for further tasks of them."""

LEAST_PACKED: Final = 50_000
"""Bytes of a result from which on it is packed before it travels."""


class ClusterError(ConnectionError):
    """A cluster cannot be worked on; the message names it and says why."""


def on_cluster(
    shares: Sequence[WorkShare[Result]], address: str, tell: Callable[[str], None] = lambda _: None
) -> Iterator[tuple[int, int, Result | Failure]]:
    """Number of the share, index and result of all pieces, in the order in which they are done.

    `address` is that of a dask scheduler. `tell` is told while nobody is there to work. ClusterError where no scheduler
    answers or it goes away, where there is no worker for long, and where a worker is not like this program.
    """
    if not any(share.indices for share in shares):
        return
    there = _connection(address)
    with _lost(address):
        handed = _HandedOut(there, shares, tell)
        try:
            yield from handed.results()
        finally:
            handed.drop()


# The connection, which lasts as long as the program


class _Connection:
    """A client of a scheduler, and what is remembered from one study to the next."""

    def __init__(self, address: str) -> None:
        import warnings

        from distributed import Client

        self.address = address
        with _lost(address), warnings.catch_warnings():
            # What matters of versions is told once, by `_Workers`.
            warnings.simplefilter("ignore")
            self.client: Client = Client(address, timeout=LONGEST_WAIT, set_as_default=False)
        self.ranks: dict[tuple[str, int], int] = {}
        """Which worker, by rank, has the tips of an index in a group of works."""
        self.seconds: dict[str, float] = {}
        """That a piece took, by study, of those that were done last."""
        self.n_tasks = 0

    @property
    def alive(self) -> bool:
        return bool(self.client.status == "running")

    def close(self) -> None:
        from distributed.comm import CommClosedError

        with suppress(CommClosedError, OSError, TimeoutError):
            self.client.close(timeout=2)


_connections: dict[str, _Connection] = {}
_one_at_a_time = threading.Lock()


def _connection(address: str) -> _Connection:
    """The connection to a scheduler, made with the first work there."""
    try:
        import distributed
    except ImportError as error:
        raise ClusterError("--cluster needs the extra: pip install 'tipline[cluster]'") from error
    assert distributed
    with _one_at_a_time:
        there = _connections.get(address)
        if there is None or not there.alive:
            leave(address)
            _reach(address)
            there = _connections[address] = _Connection(address)
        return there


def leave(address: str | None = None) -> None:
    """End the connection to a scheduler, or all if None; further work makes it anew."""
    for one in [address] if address is not None else list(_connections):
        there = _connections.pop(one, None)
        if there is not None:
            there.close()


atexit.register(leave)


def _reach(address: str) -> None:
    """Make sure that a scheduler answers at an address; ClusterError where none does, within LONGEST_WAIT."""
    import asyncio
    import logging

    from distributed.comm import connect
    from distributed.security import Security

    # What they have to say, also of what was under way when the program ended, is said once, in one line, by whoever
    # catches the error.
    known = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in ("distributed", "tornado")]
    for name in (*known, "asyncio"):
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
    """Tell the many ways in which it shows that the scheduler went away as the one that it is."""
    from concurrent.futures import CancelledError

    from distributed.comm import CommClosedError

    try:
        yield
    except ClusterError:
        raise
    except (CancelledError, CommClosedError, OSError, TimeoutError) as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise _gone(address, why) from None


def _gone(address: str, why: str = "") -> ClusterError:
    """That the scheduler went away, in the words of whatever noticed it."""
    return ClusterError(f"--cluster {address}: the scheduler was lost{f' ({why})' if why else ''}; --resume goes on")


# Handing out


@dataclass(slots=True)
class _InHand:
    """A task that a worker has: what it is of."""

    worker: str
    pieces: list[tuple[int, int]]
    """Number of the share, and index."""
    alone: bool
    """Whether the worker has nothing else in hand: then it is this that it died of."""


@dataclass
class _HandedOut(Generic[Result]):
    """Shares of work under way on a cluster."""

    there: _Connection
    shares: Sequence[WorkShare[Result]]
    tell: Callable[[str], None]
    _queues: dict[str, deque[tuple[int, int]]] = field(default_factory=dict)
    """Pieces that nobody has yet, by the worker that is to have them."""
    _common: deque[tuple[int, int]] = field(default_factory=deque)
    """Those that anybody may have, in order: who adds them up in order then has few to keep."""
    _alone: deque[tuple[int, int]] = field(default_factory=deque)
    """Pieces that somebody died with: each is a task of its own, for a worker of its own."""
    _threads: dict[str, int] = field(default_factory=dict)
    """Of each worker that is there."""
    _in_hand: dict[Future, _InHand] = field(default_factory=dict)
    _n_of: Counter[str] = field(default_factory=Counter)
    """Tasks that each worker has in hand."""
    _deaths: Counter[tuple[int, int]] = field(default_factory=Counter)
    _carried: dict[int, Any] = field(default_factory=dict)
    """What a task carries of each work."""
    _looked: float = 0.0
    _nobody_since: float | None = None
    _told: bool = False

    def __post_init__(self) -> None:
        self._left = sum(len(share.indices) for share in self.shares)
        self._done: SimpleQueue[Future] = SimpleQueue()
        self._seconds = self.there.seconds.get(self.shares[0].study or "")
        self._look()
        names, ranks = sorted(self._threads) or [""], self.there.ranks
        for number, share in enumerate(self.shares):
            if share.group is None:
                self._common.extend((number, index) for index in share.indices)
                continue
            for index in share.indices:
                rank = ranks.setdefault((share.group, index), len(ranks))
                self._queues.setdefault(names[rank % len(names)], deque()).append((number, index))

    def results(self) -> Iterator[tuple[int, int, Result | Failure]]:
        """All results as they come."""
        self._fill()
        while self._in_hand or self._left:
            yield from self._taken(self._finished())
            self._look()
            self._fill()

    def drop(self) -> None:
        """Let go of what is still in hand."""
        if self._in_hand and self.there.alive:
            self.there.client.cancel(list(self._in_hand), force=True)
        self._in_hand.clear()
        if self._seconds is not None and self.shares[0].study is not None:
            self.there.seconds[self.shares[0].study] = self._seconds

    def _look(self, *, now: bool = False) -> None:
        """See now and then who is there; ClusterError when nobody is for long."""
        at = time.monotonic()
        if self._threads and at - self._looked < LOOKS and not now:
            return
        self._looked = at
        if not self.there.alive:
            raise _gone(self.there.address)
        self._threads = dict(self.there.client.nthreads(callback_timeout=3 * LONGEST_WAIT))
        if self._threads:
            self._nobody_since = None
            return
        if self._nobody_since is None:
            self._nobody_since = at
            self._told = False
        tell, give_up = (at - self._nobody_since >= seconds for seconds in NOBODY)
        if give_up:
            raise self._error(f"the scheduler had no worker for {NOBODY[1]} s; --resume goes on")
        if tell and not self._told:
            self._told = True
            self.tell(f"--cluster {self.there.address}: the scheduler has no worker; waiting for one")

    def _error(self, what: str) -> ClusterError:
        return ClusterError(f"--cluster {self.there.address}: {what}")

    def _orphans(self) -> list[Future]:
        """Tasks of workers that are gone. The scheduler keeps them for their return, and they return as others."""
        return [one for one, task in self._in_hand.items() if task.worker not in self._threads]

    def _finished(self) -> list[Future]:
        """Tasks that are done; none if none is within a second."""
        found = []
        try:
            found.append(self._done.get(timeout=1.0))
            while True:
                found.append(self._done.get_nowait())
        except Empty:
            return found

    def _taken(self, finished: list[Future]) -> Iterator[tuple[int, int, Result | Failure]]:
        told = self._fetched([one for one in finished if one in self._in_hand and one.status not in NO_RESULT])
        for one in finished:
            if one in told:
                yield from self._unpacked(self._let_go(one), told[one])
            elif one in self._in_hand and one.status in NO_RESULT:
                yield from self._failed(self._let_go(one), one)
        for one in self._orphans():
            self.there.client.cancel([one], force=True)
            yield from self._died_with(self._let_go(one))

    def _let_go(self, one: Future) -> _InHand:
        task = self._in_hand.pop(one)
        self._n_of[task.worker] -= 1
        return task

    def _fetched(self, whole: list[Future]) -> dict[Future, _Back]:
        """The results of tasks that are done, but for those that have gone with their worker."""
        patience = float(LONGEST_WAIT) / 2

        async def fetch() -> list[_Back]:
            return list(await self.there.client.gather(whole, asynchronous=True))

        while whole:
            try:
                return dict(zip(whole, self.there.client.sync(fetch, callback_timeout=patience), strict=True))
            except TimeoutError:
                # It takes long, or waits for one that is gone.
                patience *= 2
                self._look(now=True)
                gone = self._orphans()
                whole = [one for one in whole if one not in gone]
        return {}

    def _unpacked(self, task: _InHand, back: _Back) -> Iterator[tuple[int, int, Result | Failure]]:
        if back.maker != _maker():
            raise self._error(_unlike(back.maker, _maker(), task.worker))
        each, before = back.seconds / len(task.pieces), self._seconds
        # The first of a worker wait for its engine: what takes less from then on is believed at once.
        self._seconds = each if before is None or each < before else (before + each) / 2
        results = pickle.loads(zlib.decompress(back.content) if back.packed else back.content)
        for (number, index), result in zip(task.pieces, results, strict=True):
            yield number, index, result

    def _failed(self, task: _InHand, future: Future) -> Iterator[tuple[int, int, Result | Failure]]:
        """What comes of a task that gave no results."""
        from distributed import KilledWorker

        if not self.there.alive:
            raise _gone(self.there.address)
        error = future.exception() if future.status == "error" else None
        if error is not None and not isinstance(error, KilledWorker):
            why = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise self._error(f"a worker cannot do this work; has it tipline {__version__}? ({why})")
        # A killed one has been tried several times, where it came back under the same address.
        yield from self._died_with(task, MOST_DEATHS if error is not None else 1)

    def _died_with(self, task: _InHand, times: int = 1) -> Iterator[tuple[int, int, Result | Failure]]:
        """What comes of a task whose worker died: its pieces are done again one by one, or have failed."""
        # What workers had of each other may have gone with one.
        self._carried = {number: one for number, one in self._carried.items() if isinstance(one, bytes)}
        for piece in task.pieces:
            self._deaths[piece] += times if task.alone else 0
            if self._deaths[piece] < MOST_DEATHS:
                self._alone.append(piece)
                self._left += 1
            else:
                yield *piece, DIED

    def _fill(self) -> None:
        """Give every worker as much as it may have in hand, first one task to each."""
        if self._alone:
            for worker in self._threads:
                if self._alone and not self._n_of[worker]:
                    self._hand(worker, [self._alone.popleft()], alone=True)
            # The others wait until these have a worker each: what is beside them might seem to be what kills.
            return
        lonely = {task.worker for task in self._in_hand.values() if task.alone}
        most = max(self._threads.values(), default=0) * AHEAD
        for depth in range(1, most + 1):
            for worker, threads in self._threads.items():
                if not self._left:
                    return
                if self._n_of[worker] < min(depth, AHEAD * threads) and worker not in lonely:
                    self._hand(worker, self._next(worker))

    def _next(self, worker: str) -> list[tuple[int, int]]:
        """The next pieces for a worker: of its own, of anybody's, or of whoever has most to do."""
        own = self._queues.get(worker) or self._common
        size = self._size()
        if own:
            return [own.popleft() for _ in range(min(size, len(own)))]
        longest = max(self._queues.values(), key=len)
        return [longest.pop() for _ in range(min(size, len(longest)))]

    def _size(self) -> int:
        """Pieces of a task: so many that it is worth its cost, and fewer towards the end, so that all end together."""
        if self._seconds is None:
            return 1
        threads = sum(self._threads.values())
        fair = math.ceil(self._left / (AHEAD * threads))
        worth, most = (int(one / max(self._seconds, 1e-6)) for one in (10 * TASK_COST, _seconds_of_a_task(threads)))
        return max(1, min(max(fair, worth), most))

    def _hand(self, worker: str, pieces: list[tuple[int, int]], *, alone: bool = False) -> None:
        parts: dict[int, list[int]] = {}
        for number, index in pieces:
            parts.setdefault(number, []).append(index)
        # In the order of the task: pieces of one work stand together.
        pieces = [(number, index) for number, indices in parts.items() for index in indices]
        future = self.there.client.submit(
            _do,
            _maker(),
            [self._work(number) for number in parts],
            list(parts.values()),
            _is_here(self.there.address) and _is_here(worker),
            workers=[worker],
            pure=False,
            key=f"tipline-{id(self)}-{self.there.n_tasks}",
        )
        self.there.n_tasks += 1
        self._left -= len(pieces)
        self._n_of[worker] += 1
        self._in_hand[future] = _InHand(worker, pieces, alone)
        future.add_done_callback(self._done.put)

    def _work(self, number: int) -> Any:
        """What a task carries of a work: all of it, or where that is much, a sign of it that workers exchange it by."""
        if number not in self._carried:
            whole = packed(self.shares[number].work)
            self._carried[number] = whole if len(whole) <= MOST_CARRIED else self.there.client.scatter(whole)
        return self._carried[number]


def packed(work: Callable[[int], Any]) -> bytes:
    """A work as it travels, with what it raises caught."""
    return zlib.compress(pickle.dumps(Guarded(work), pickle.HIGHEST_PROTOCOL))


def _seconds_of_a_task(threads: int) -> float:
    """How long the pieces of a task are to take: so that so many threads are fed by one scheduler, twice over.

    >>> _seconds_of_a_task(2), _seconds_of_a_task(1000)
    (0.25, 4.0)
    """
    return max(LEAST_TASK, 2 * TASK_COST * threads)


def _is_here(address: str) -> bool:
    """Whether an address is one of the machine that uses it.

    >>> [_is_here(one) for one in ("tcp://127.0.0.1:8786", "localhost:1", "tls://[::1]:1", "first:8786", "10.0.0.1:1")]
    [True, True, True, False, False]
    """
    return urlsplit(address if "//" in address else f"//{address}").hostname in ("127.0.0.1", "localhost", "::1")


@cache
def _maker() -> dict[str, str]:
    """What results depend on, by name: the program, what it is built on, and the kind of machine."""
    return makers()


def _unlike(there: dict[str, str], here: dict[str, str], worker: str) -> str:
    """What is wrong with a worker.

    >>> _unlike({"numpy": "2.0", "numba": "1"}, {"numpy": "2.1", "numba": "1"}, "tcp://b:1")
    'the worker tcp://b:1 might give other results than this machine: numpy 2.0 there, 2.1 here'
    """
    told = [
        f"{name} {there.get(name, 'not installed')[:24]} there, {here.get(name, 'not installed')[:24]} here"
        for name in dict.fromkeys([*here, *there])
        if there.get(name) != here.get(name)
    ]
    return f"the worker {worker} might give other results than this machine: {'; '.join(told)}"


# At the worker


@dataclass(frozen=True, slots=True)
class _Back:
    """What comes back of a task."""

    maker: dict[str, str]
    """What made it; if that is not what was asked for, nothing was done."""
    seconds: float = 0.0
    content: bytes = b""
    """The results, in the order of the task."""
    packed: bool = False


def _do(maker: dict[str, str], works: Sequence[bytes], indices: Sequence[Sequence[int]], near: bool = False) -> _Back:
    """A task: some pieces of each of some works; for who is `near` results are not packed."""
    here = _maker()
    if maker != here:
        return _Back(here)
    begun = time.perf_counter()
    found: list[Any] = []
    for work, mine in zip(works, indices, strict=True):
        found += [result for _, result in _at_hand(work)(mine)]
    seconds = time.perf_counter() - begun
    content = pickle.dumps(found, pickle.HIGHEST_PROTOCOL)
    large = len(content) >= LEAST_PACKED and not near
    return _Back(here, seconds, zlib.compress(content, 1) if large else content, packed=large)


_works: OrderedDict[bytes, Guarded[Any]] = OrderedDict()
_one_unpacks = threading.Lock()


def _at_hand(whole: bytes) -> Guarded[Any]:
    """A work, unpacked only if no task brought it lately."""
    key = sha256(whole).digest()
    with _one_unpacks:
        found = _works.get(key)
        if found is None:
            unpacked = pickle.loads(zlib.decompress(whole))
            assert isinstance(unpacked, Guarded)
            found = _works[key] = unpacked
            while len(_works) > MOST_WORKS:
                _works.popitem(last=False)
        _works.move_to_end(key)
    return found
