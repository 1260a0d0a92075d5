"""Many replications of one scenario: drawn, simulated and reduced where they run, and added up in order of index.

What comes out does not depend on the number of jobs, the machine or the order in which replications are done: in
threads, in processes, or on a cluster that is already there. Each index is its own piece of work; a piece that raises
becomes a Failure and stops nothing else, and a worker that dies has its pieces done again. Only the measures of a
replication are kept, so memory does not grow with their number.
"""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.thread import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar

from sim.draw import draw, draw_slices
from sim.dynamics.engines import Engine, simulate
from sim.dynamics.laws import verify
from sim.dynamics.log import Log
from sim.dynamics.replication import Replication
from sim.measures.adding import Adding, NotExactError
from sim.measures.frame import Frame
from sim.measures.measures import Measures, measure
from sim.measures.sample import Sample
from sim.studies.keeping import Kept, Piece, maker_key

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario


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


COMPILING: Final = "compiling the engine for this machine; this is done once and kept"


@dataclass(frozen=True, slots=True)
class Done:
    """All replications of a scenario that were asked for."""

    scenario: Scenario
    seed: int
    engine: Engine
    sample: Sample
    failures: dict[int, Failure]
    """What went wrong, by index; those replications are not in the sample."""
    event_parts: tuple[Path, ...] = ()
    """The parquet files of the event log, one a replication, in order; empty unless it was asked for."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How replications are run; none of it changes what comes out."""

    engine: Engine = "compiled"
    jobs: int = 1
    cluster: str | None = None
    folder: Path | None = None
    """Where finished replications are kept until the study is done; nowhere if None."""
    resume: bool = False
    log_events: bool = False
    """Whether each replication also writes its event log into the folder."""
    verify: str = ""
    """Where it says a command, every log is held to the laws, and a fault tells that command to reproduce it."""
    tell: Callable[[str], None] = field(default=lambda _: None)
    """Called with what takes unexpectedly long."""
    count: Callable[[int], None] = field(default=lambda _: None)
    """Called with the number of replications that are done, each time it grows."""
    expect: Callable[[int], None] = field(default=lambda _: None)
    """Called with about how many there are to be in all, as far as that is known."""
    at: Callable[[str], None] = field(default=lambda _: None)
    """Called with what is being done."""


@dataclass(frozen=True, slots=True)
class ReplicationWork:
    """The work on one replication: from its index to the arrays of its measures. It can cross to another process."""

    frame: Frame
    seed: int
    engine: Engine
    events_folder: Path | None = None
    verify: str = ""
    pooled: bool = True
    """Whether what is pooled over tips is measured too."""
    only_targets: bool = False
    """Whether stages and pools are left out."""
    drawn: Callable[[int], Replication] | None = None
    """What has replications at hand, which does not cross to another process; each is drawn if None."""

    def __call__(self, index: int) -> Piece:
        # What reads the whole log keeps the whole in memory.
        if self.engine == "compiled" and self.events_folder is None and not self.verify and self.frame.slice_size:
            with suppress(NotExactError):
                return self._in_slices(index)
        return self._whole(index)

    def _in_slices(self, index: int) -> Piece:
        """The same, tips being drawn, simulated and counted some at a time; NotExactError where they must not be."""
        from sim.dynamics.slices import InSlices

        most = self.frame.slice_size
        rules, plan, slices = draw_slices(
            self.frame.scenario, index, seed=self.seed, size=lambda: max(most, engine.n_inside)
        )
        engine = InSlices(rules, plan, index, self.seed)
        adding = Adding(self.frame, pooled=self.pooled, only_targets=self.only_targets)
        for tips, visits in slices:
            adding.add(*engine.advance(tips, visits, int(tips.arrival[-1]) if len(tips) else 0))
        return adding.close(*engine.close()).arrays()

    def _whole(self, index: int) -> Piece:
        scenario = self.frame.scenario
        replication = draw(scenario, index, seed=self.seed) if self.drawn is None else self.drawn(index)
        log = simulate(replication, self.engine)
        if self.verify:
            verify(log, replication, lambda index: f"{self.verify} --replications {index + 1}")
        if self.events_folder is not None:
            self._write_events(log, replication)
        measures = measure(log, replication, self.frame, pooled=self.pooled, only_targets=self.only_targets)
        return measures.arrays()

    def _write_events(self, log: Log, replication: Replication) -> None:
        import pyarrow.parquet as pq

        from sim.studies.events import beside, events, spells

        assert self.events_folder is not None
        path = events_path(self.events_folder, replication.index)
        for table, file in ((spells, beside(path)), (events, path)):
            part = file.with_suffix(".part")
            pq.write_table(table(log, replication, self.frame.scenario), part, compression="zstd")
            os.replace(part, file)


def events_path(folder: Path, index: int) -> Path:
    """The file of one replication's event log while a study is under way."""
    return folder / f"events-{index:06d}.parquet"


def run(
    scenario: Scenario,
    *,
    replications: int | None = None,
    seed: int | None = None,
    settings: Settings | None = None,
    looks: Callable[[Sample], int] | None = None,
    drawn: Callable[[int], Replication] | None = None,
) -> Done:
    """Run the replications of a scenario, by its own number and seed if none is given.

    `looks` is asked after the first number is done how many there should be in all, until it asks for no more: so
    replications are added until the verdicts are decided. Where nothing is left to chance, one is run. `drawn` gives
    replications of the scenario by this seed to threads of this process; each is drawn if None.
    """
    settings = settings or Settings()
    *_, done = growing(scenario, replications=replications, seed=seed, settings=settings, looks=looks, drawn=drawn)
    if settings.folder is None or not settings.log_events:
        return done
    made = sorted(set(range(len(done.sample) + len(done.failures))) - set(done.failures))
    return replace(done, event_parts=tuple(events_path(settings.folder, index) for index in made))


def growing(
    scenario: Scenario,
    *,
    replications: int | None = None,
    seed: int | None = None,
    settings: Settings | None = None,
    looks: Callable[[Sample], int] | None = None,
    drawn: Callable[[int], Replication] | None = None,
) -> Generator[Done, None, None]:
    """The same, told after each replication: what is done so far, always the same object, which grows.

    Who closes the iterator ends the work: no replication is begun after that. `drawn` has replications at hand, as
    `ReplicationWork` takes them.
    """
    settings = settings or Settings()
    seed = scenario.run.seed if seed is None else seed
    wanted = scenario.run.replications if replications is None else replications
    if wanted < 1:
        raise ValueError(f"the number of replications is at least 1 (got {wanted})")
    frame = Frame(scenario)
    if frame.recorded:  # every replication would be the same
        wanted, looks = 1, None
    kept = None
    if settings.folder is not None:
        asked = (
            f"{scenario.hash} seed {seed}"
            + (" events" if settings.log_events else "")
            + (" verified" if settings.verify else "")
        )
        kept = Kept(
            settings.folder, f"{asked} {maker_key(settings.engine)}", resume=settings.resume, tell=settings.tell
        )
    events_folder = settings.folder if settings.log_events else None
    one = ReplicationWork(frame, seed, settings.engine, events_folder, settings.verify, drawn=drawn)
    done, n = Done(scenario, seed, settings.engine, Sample(frame), {}), 0
    while n < wanted:
        with closing(_in_order(one, range(n, wanted), settings, kept)) as fresh:
            for index, result in fresh:
                if isinstance(result, Failure):
                    done.failures[index] = result
                else:
                    done.sample.add(Measures.of_arrays(result))
                yield done
        n = wanted
        wanted = n if looks is None else looks(done.sample)


def _in_order(
    one: ReplicationWork, indices: range, settings: Settings, kept: Kept | None
) -> Generator[tuple[int, Piece | Failure], None, None]:
    """Index and result in order of index, each kept as soon as it is done, whatever the order that is done in."""
    early: dict[int, Piece | Failure] = {}
    resuming = kept if settings.resume else None
    missing = [index for index in indices if resuming is None or resuming.get(str(index)) is None]
    n_done = indices.stop - len(missing)
    settings.count(n_done)
    fresh = shared_out(one, missing, settings)
    to_come = set(missing)
    for following in indices:
        if following not in to_come and resuming is not None:
            found = resuming.get(str(following))
            assert found is not None, f"replication {following} was kept a moment ago in {resuming.folder}"
            yield following, found
            continue
        while following not in early:
            index, result = next(fresh)
            if kept is not None and not isinstance(result, Failure):
                kept.put(str(index), result)
            early[index] = result
            n_done += 1
            settings.count(n_done)
        yield following, early.pop(following)


def shared_out(
    one: Callable[[int], Piece], indices: list[int], settings: Settings
) -> Iterator[tuple[int, Piece | Failure]]:
    """Each index and its result, in any order; the compiled engine does the first alone, to compile but once."""
    if not indices:
        return
    if settings.cluster is None and settings.engine == "compiled" and not _ready():
        first, indices = indices[:1], indices[1:]
        with _told_of_compiling(settings.tell):
            yield from list(each(one, first))
    pool: Pool = "threads" if settings.engine == "compiled" else "processes"
    yield from each(one, indices, jobs=settings.jobs, pool=pool, cluster=settings.cluster)


def _ready() -> bool:
    """Whether this process has the compiled engine at hand."""
    # It may be on its way in another thread.
    ready = getattr(sys.modules.get("sim.dynamics.compiled"), "ready", None)
    return ready is not None and bool(ready())


@contextmanager
def _told_of_compiling(tell: Callable[[str], None]) -> Iterator[None]:
    """Say what is going on when the first replication has to wait for the compiler."""

    over = threading.Event()

    def look() -> None:
        while not over.wait(0.5):
            # Never imported here: two threads that import at once may each see modules that are half there.
            compiling = getattr(sys.modules.get("sim.dynamics.compiled"), "compiling", None)
            if compiling is not None and compiling():
                tell(COMPILING)
                return

    threading.Thread(target=look, daemon=True).start()
    try:
        yield
    finally:
        over.set()
