"""Many replications of one scenario: drawn, simulated and reduced where they run, and added up in order of index.

What comes out does not depend on the number of jobs, the machine or the order in which replications are done: in
threads, in processes, or on a cluster that is already there. Each index is its own piece of work; a piece that raises
becomes a Failure and stops nothing else, and a worker that dies has its pieces done again. Only the measures of a
replication are kept, so memory does not grow with their number.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.draw import draw, draw_slices
from sim.dynamics.engines import Engine, simulate
from sim.dynamics.laws import verify
from sim.dynamics.log import Log
from sim.dynamics.replication import Replication
from sim.measures.adding import Adding, NotExactError
from sim.measures.frame import Frame
from sim.measures.measures import Measures, measure
from sim.measures.sample import Sample
from sim.studies.ahead import ToMeasure, compiled_beside
from sim.studies.keeping import Kept, Piece, maker_key, write_atomic
from sim.studies.workers import Failure, WorkersAs, WorkShare, can_fork, each

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

COMPILING: Final = "compiling the engine for this machine; this is done once and kept"

LEAST_FORKED: Final = 8
"""So many pieces are worth looking whether forks would do them."""

WORTH_FORKS: Final = 1.0
"""Seconds of one core from which on they do: a fork costs some hundredth of a second, and as many of them to end it."""


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
    """What has replications at hand; each is drawn if None."""
    brings_events: bool = False
    """Whether the event log comes with the measures, for who asked is on another machine."""

    @property
    def for_forks(self) -> bool:
        """Whether forks can do it: it shares no drawn tips with this process, and leads to no threads of pyarrow."""
        return (
            self.engine == "compiled" and self.drawn is None and self.events_folder is None and not self.brings_events
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # The frame is ten times as large as the scenario, and made from it in a millisecond.
        told = [getattr(self, name) for name in ("seed", "engine", "events_folder", "verify", "pooled", "only_targets")]
        return _of_scenario, (self.frame.scenario, *told, self.drawn, self.brings_events)

    def __call__(self, index: int) -> Piece:
        # What reads the whole log keeps the whole in memory.
        reads_all = self.events_folder is not None or self.brings_events or self.verify
        if self.engine == "compiled" and not reads_all and self.frame.slice_size:
            with suppress(NotExactError):
                return self.in_slices(index)
        return self.whole(index)

    def in_slices(self, index: int) -> Piece:
        """The same, tips being drawn, simulated and counted some at a time.

        ValueError where the frame has no `slice_size`; NotExactError where sums would not be exact.
        """
        from sim.dynamics.slices import InSlices

        if not (most := self.frame.slice_size):
            raise ValueError("this replication is held whole")
        rules, plan, slices = draw_slices(
            self.frame.scenario, index, seed=self.seed, size=lambda: max(most, engine.n_inside)
        )
        engine = InSlices(rules, plan, index, self.seed)
        adding = Adding(self.frame, pooled=self.pooled, only_targets=self.only_targets)
        for tips, visits in slices:
            adding.add(*engine.advance(tips, visits, int(tips.arrival[-1]) if len(tips) else 0))
        return adding.close(*engine.close()).arrays()

    def whole(self, index: int) -> Piece:
        """The same, all its tips being in memory at once."""
        scenario = self.frame.scenario
        replication = draw(scenario, index, seed=self.seed) if self.drawn is None else self.drawn(index)
        log = simulate(replication, self.engine)
        if self.verify:
            verify(log, replication, lambda index: f"{self.verify} --replications {index + 1}")
        if self.events_folder is not None:
            self._write_events(log, replication, self.events_folder)
        measures = measure(log, replication, self.frame, pooled=self.pooled, only_targets=self.only_targets)
        found = measures.arrays()
        if self.brings_events:
            with tempfile.TemporaryDirectory() as folder:
                self._write_events(log, replication, Path(folder))
                for name, file in _event_files(Path(folder), index).items():
                    found[name] = np.frombuffer(file.read_bytes(), np.uint8)
        return found

    def _write_events(self, log: Log, replication: Replication, folder: Path) -> None:
        import pyarrow.parquet as pq

        from sim.studies.events import EVENTS, SPELLS, events, spells

        files = _event_files(folder, replication.index)
        for table, name in ((spells, SPELLS), (events, EVENTS)):
            part = files[name].with_suffix(".part")
            pq.write_table(table(log, replication, self.frame.scenario), part, compression="zstd")
            os.replace(part, files[name])


def _of_scenario(scenario: Scenario, *told: Any) -> ReplicationWork:
    return ReplicationWork(Frame(scenario), *told)


def _event_files(folder: Path, index: int) -> dict[str, Path]:
    """The two files of one replication's event log, by the names that they have in the end."""
    from sim.studies.events import EVENTS, SPELLS, beside

    path = events_path(folder, index)
    return {SPELLS: beside(path), EVENTS: path}


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
    here, logs = settings.cluster is None, settings.folder is not None and settings.log_events
    one = ReplicationWork(
        frame,
        seed,
        settings.engine,
        settings.folder if here and logs else None,
        settings.verify,
        drawn=drawn,
        brings_events=logs and not here,
    )
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
                if one.brings_events:
                    for name, file in _event_files(kept.folder, index).items():
                        write_atomic(file, result.pop(name).tobytes(), lasting=False)
                kept.put(str(index), result)
            early[index] = result
            n_done += 1
            settings.count(n_done)
        yield following, early.pop(following)


def shared_out(
    one: Callable[[int], Piece], indices: list[int], settings: Settings
) -> Iterator[tuple[int, Piece | Failure]]:
    """Each index and its result, in any order."""
    for _, index, result in all_shared_out([WorkShare(one, indices)], settings):
        yield index, result


def all_shared_out(
    shares: Sequence[WorkShare[Piece]], settings: Settings
) -> Iterator[tuple[int, int, Piece | Failure]]:
    """The number of the share, index and result of all pieces, in any order; on a cluster all at once, here one share
    after the other. The compiled engine does the first piece alone, to compile but once; many pieces that take long are
    done by forks, where the work is one `for_forks`: they do not wait for each other's Python."""
    if settings.cluster is not None:
        from sim.studies.cluster import on_cluster

        yield from on_cluster(shares, settings.cluster, settings.tell)
        return
    for number, share in enumerate(shares):
        indices = deque(share.indices)
        pool: WorkersAs = "threads" if settings.engine == "compiled" else "processes"
        if indices and settings.engine == "compiled" and not _ready():
            with _told_of_compiling(settings.tell), compiled_beside(_to_measure(share.work, settings)):
                done = list(each(share.work, [indices.popleft()]))
            yield from ((number, *one) for one in done)
        many = settings.jobs > 1 and len(indices) >= LEAST_FORKED
        if many and getattr(share.work, "for_forks", False) and can_fork():
            begun = time.perf_counter()
            # What forks would load or compile, each for itself, is there after this one.
            done = list(each(share.work, [indices.popleft()]))
            if (time.perf_counter() - begun) * len(indices) >= WORTH_FORKS:
                pool = "forks"
            yield from ((number, *one) for one in done)
        for one in each(share.work, indices, jobs=settings.jobs, pool=pool):
            yield number, *one


def _to_measure(work: object, settings: Settings) -> ToMeasure | None:
    """What of a work another process may compile while this one compiles the engine.

    None for one job, which has one core, and for what is held in slices, too large to be drawn whole. Replications that
    are at hand here are drawn anew there.
    """
    if settings.jobs < 2 or not isinstance(work, ReplicationWork) or work.frame.slice_size:
        return None
    return ToMeasure(work.frame.scenario, work.seed, work.pooled, work.only_targets)


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
