"""Many replications: the same numbers whatever the jobs, the engine, an interruption or a worker that dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sim.draw import RememberedStreams, streams
from sim.dynamics.replication import Replication
from sim.scenario.loading import load
from sim.scenario.schema import Scenario
from sim.studies import events, replicate, trials, workers
from sim.studies.keeping import Kept, write_atomic
from sim.studies.replicate import Done, Settings, run
from sim.studies.workers import Failure, can_fork, each
from sim.tables.run import every

NATIONAL = Path(__file__).parents[2] / "scenarios" / "national.yaml"
WEEKS = ["run.warm_up=1 d", "run.length=14 d", "run.cool_down=1 d", "run.replications=5"]

forks = pytest.mark.skipif(not can_fork(), reason="no workers are forked on this system")


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load(NATIONAL, changes=WEEKS)


@pytest.fixture(scope="module")
def serial(scenario: Scenario) -> Done:
    return run(scenario)


def same(one: Done, other: Done) -> bool:
    """Whether two runs left the same tables, byte for byte."""
    fields = ("index", "cohort", "counts", "ratio", "units", "joint", "stages", "places", "week")
    kept = all(np.array_equal(getattr(one.sample, f), getattr(other.sample, f), equal_nan=True) for f in fields)
    pooled = ("times", "waits", "failing", "spent")
    return kept and all(np.array_equal(getattr(one.sample.pooled, f), getattr(other.sample.pooled, f)) for f in pooled)


def files(done: Done, into: Path) -> dict[str, bytes]:
    """The tables of a run, and its log where it was asked for."""
    filled = every(done.sample)
    written = {f"{one.name}.csv": one.csv.encode() for one in filled}
    if done.event_parts:
        into.mkdir()
        events.write(done.event_parts, into / "events.parquet")
        written["events.parquet"] = (into / "events.parquet").read_bytes()
    return written


def test_jobs_change_nothing(scenario: Scenario, serial: Done) -> None:
    assert same(serial, run(scenario, settings=Settings(jobs=3)))


def test_the_reference_engine_over_processes_gives_the_same(scenario: Scenario, serial: Done) -> None:
    settings = Settings(engine="reference", jobs=2)
    assert same(run(scenario, replications=2), run(scenario, replications=2, settings=settings))


def test_fewer_replications_are_the_first_of_more(scenario: Scenario, serial: Done) -> None:
    assert np.array_equal(run(scenario, replications=3).sample.ratio, serial.sample.ratio[:3])


def test_another_seed_is_another_world(scenario: Scenario, serial: Done) -> None:
    assert not np.array_equal(run(scenario, replications=5, seed=99).sample.ratio, serial.sample.ratio)


def test_looks_add_replications_until_they_are_content(scenario: Scenario, serial: Done) -> None:
    asked = []

    def looks(sample: object) -> int:
        asked.append(len(sample))  # type: ignore[arg-type]
        return min(len(sample) + 1, 5)  # type: ignore[arg-type]

    assert same(run(scenario, replications=3, looks=looks), serial)
    assert asked == [3, 4, 5]


def test_no_replication_at_all_is_refused(scenario: Scenario) -> None:
    with pytest.raises(ValueError, match=r"at least 1 \(got 0\)"):
        run(scenario, replications=0)


def test_files_are_the_same_for_jobs_and_engine(scenario: Scenario, tmp_path: Path) -> None:
    """CSV and parquet, byte for byte."""
    found = []
    for name, settings in (
        ("a", Settings(folder=tmp_path / "pa", log_events=True)),
        ("b", Settings(folder=tmp_path / "pb", log_events=True, jobs=2)),
        ("c", Settings(folder=tmp_path / "pc", log_events=True, engine="reference")),
    ):
        found.append(files(run(scenario, replications=2, settings=settings), tmp_path / name))
    assert "events.parquet" in found[0]
    assert found[0] == found[1] == found[2]


def test_an_interrupted_run_goes_on_where_it_was(scenario: Scenario, serial: Done, tmp_path: Path) -> None:
    """Ctrl-C after two replications; resumed, only the other three are run."""

    def interrupt(n_done: int) -> None:
        if n_done == 2:
            raise KeyboardInterrupt

    settings = Settings(folder=tmp_path / "progress", count=interrupt, log_events=True)
    with pytest.raises(KeyboardInterrupt):
        run(scenario, settings=settings)
    assert len(list((tmp_path / "progress").glob("[0-9]*.piece"))) == 2

    counted: list[int] = []
    done = run(scenario, settings=replace(settings, resume=True, count=counted.append))
    assert counted == [2, 3, 4, 5]
    assert same(done, serial)
    whole = run(scenario, settings=Settings(folder=tmp_path / "other", log_events=True))
    assert files(done, tmp_path / "a") == files(whole, tmp_path / "b")


def test_what_another_study_left_is_not_taken_up(scenario: Scenario, tmp_path: Path) -> None:
    settings = Settings(folder=tmp_path / "progress")
    run(scenario, replications=1, seed=1, settings=settings)
    done = run(scenario, replications=1, seed=2, settings=replace(settings, resume=True))
    assert np.array_equal(done.sample.ratio, run(scenario, replications=1, seed=2).sample.ratio)


def test_a_replication_that_fails_is_named_and_the_rest_kept(
    scenario: Scenario, serial: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = replicate.draw

    def broken(scenario: Scenario, index: int, *, seed: int | None = None) -> object:
        if index == 3:
            raise ArithmeticError("no such luck")
        return honest(scenario, index, seed=seed)

    monkeypatch.setattr(replicate, "draw", broken)
    done = run(scenario, settings=Settings(jobs=2))
    assert {index: failure.error for index, failure in done.failures.items()} == {3: "ArithmeticError: no such luck"}
    assert list(done.sample.index) == [0, 1, 2, 4]
    assert np.array_equal(done.sample.ratio, serial.sample.ratio[[0, 1, 2, 4]])


def test_memory_does_not_grow_with_replications(scenario: Scenario) -> None:
    """What is kept of each further replication is less than 100 kilobytes, whatever the number of tips."""
    run(scenario, replications=2)
    tracemalloc.start()
    few = run(scenario, replications=2)
    after_few = tracemalloc.get_traced_memory()[0]
    many = run(scenario, replications=12)
    after_many = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(few.sample) == 2
    assert len(many.sample) == 12
    assert (after_many - after_few) / 12 < 100_000


def die_once(index: int) -> int:
    """Kill the worker that has index 2 in hand, the first time."""
    mark = Path(os.environ["TIPLINE_TEST_MARK"])
    if index == 2 and not mark.exists():
        mark.write_text("dead")
        os.kill(os.getpid(), signal.SIGKILL)
    return index * index


def raise_at_two(index: int) -> int:
    if index == 2:
        raise ArithmeticError("two")
    return index


def interrupted(index: int) -> int:
    """Interrupt whoever does it."""
    os.kill(os.getpid(), signal.SIGINT)
    return index


def die_always(index: int) -> int:
    if index == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return index * index


def test_pieces_of_a_worker_that_died_are_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIPLINE_TEST_MARK", str(tmp_path / "mark"))
    found = dict(each(die_once, range(6), jobs=2, pool="processes"))
    assert found == {index: index * index for index in range(6)}


@pytest.mark.slow
def test_a_piece_that_kills_every_worker_fails_alone() -> None:
    found = dict(each(die_always, range(4), jobs=1 + 1, pool="processes"))
    assert isinstance(found[2], Failure)
    assert "died" in found[2].error


def test_a_script_that_asks_for_processes_is_run_once(tmp_path: Path) -> None:
    """Without `if __name__ == "__main__"` too: a worker does not run the script that started it."""
    script = tmp_path / "asks.py"
    script.write_text(
        "import operator\nfrom sim.studies.workers import each\nprint('asked')\n"
        "print(sorted(each(operator.neg, range(3), jobs=2, pool='processes')), __file__)\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=120)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["asked", f"[(0, 0), (1, -1), (2, -2)] {script}"]


# Forks


def in_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let any number of replications be done by forks."""
    monkeypatch.setattr(replicate, "LEAST_FORKED", 1)
    monkeypatch.setattr(replicate, "WORTH_FORKS", 0.0)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The processes that are forked from here on."""
    found: list[int] = []
    honest = os.fork

    def fork() -> int:
        process = honest()
        found.append(process)
        return process

    monkeypatch.setattr(os, "fork", fork)
    return found


def none_left(processes: list[int]) -> bool:
    """Whether there were some, and none is there any more, at work or dead."""
    return bool(processes) and not any(Path(f"/proc/{process}").exists() for process in processes)


@forks
def test_forks_change_nothing(
    scenario: Scenario, serial: Done, monkeypatch: pytest.MonkeyPatch, begun: list[int]
) -> None:
    in_forks(monkeypatch)
    assert same(serial, run(scenario, settings=Settings(jobs=3)))
    assert len(begun) == 3
    assert none_left(begun)


@forks
def test_few_replications_and_those_of_drawn_tips_are_done_by_threads(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_in_forks", None)
    run(scenario, settings=Settings(jobs=2))
    in_forks(monkeypatch)
    run(scenario, settings=Settings(jobs=2), drawn=trials.Draws().of(scenario, scenario.run.seed))
    with ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(run, scenario, settings=Settings(jobs=2)).result()


@forks
def test_a_run_that_is_interrupted_ends_its_forks(
    scenario: Scenario, serial: Done, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, begun: list[int]
) -> None:
    in_forks(monkeypatch)

    def interrupt(n_done: int) -> None:
        if n_done == 3:
            raise KeyboardInterrupt

    settings = Settings(jobs=2, folder=tmp_path / "progress", count=interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(scenario, settings=settings)
    assert len(begun) == 2
    assert none_left(begun)
    assert same(run(scenario, settings=replace(settings, resume=True, count=lambda _: None)), serial)


@forks
def test_a_fork_that_dies_has_its_piece_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIPLINE_TEST_MARK", str(tmp_path / "mark"))
    assert dict(each(die_once, range(6), jobs=2, pool="forks")) == {index: index * index for index in range(6)}
    assert (tmp_path / "mark").exists()


@forks
def test_a_piece_that_kills_every_fork_fails_alone(begun: list[int]) -> None:
    found = dict(each(die_always, range(6), jobs=2, pool="forks"))
    assert found.pop(2) == workers.DIED
    assert found == {index: index * index for index in (0, 1, 3, 4, 5)}
    assert len(begun) > workers.MOST_DEATHS
    assert none_left(begun)


@forks
def test_what_a_fork_raises_is_told_as_anywhere_else() -> None:
    told = [dict(each(raise_at_two, range(4), jobs=jobs, pool="forks"))[2] for jobs in (1, 2)]
    assert told[0] == told[1]
    assert isinstance(told[0], Failure)
    assert told[0].error == "ArithmeticError: two"


@forks
def test_forks_leave_an_interruption_to_their_parent() -> None:
    """Ctrl-C reaches every process of a command."""
    assert dict(each(interrupted, range(4), jobs=2, pool="forks")) == {index: index for index in range(4)}


@forks
def test_forks_die_with_their_parent() -> None:
    """kill -9, in the middle of pieces that would take an hour."""
    hears, says = os.pipe()
    parent = os.fork()
    if not parent:

        def endless(_: int) -> None:
            os.write(says, b".")
            time.sleep(3600)

        try:
            list(each(endless, range(2), jobs=2, pool="forks"))
        finally:
            os._exit(0)
    os.close(says)
    told = b""
    while told.count(b".") < 2:
        told += os.read(hears, 100)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    # The other end is closed when nobody has it any more.
    assert os.read(hears, 100) == b""
    os.close(hears)


@forks
def test_without_room_for_a_fork_threads_do_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refused)
    assert dict(each(abs, range(5), jobs=2, pool="forks")) == {index: index for index in range(5)}


def test_pieces_survive_the_disk(serial: Done, scenario: Scenario, tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept", "key", resume=False)
    piece = {"a": np.arange(3), "b": np.array([[1.5, np.nan]]), "c": np.array(7), "d": np.zeros((2, 0, 3), np.int8)}
    kept.put("0", piece)
    with pytest.raises(ValueError, match="no plain numbers"):
        kept.put("1", {"a": np.array([None])})
    found = Kept(tmp_path / "kept", "key", resume=True).get("0")
    assert found is not None
    assert all(np.array_equal(found[name], piece[name], equal_nan=name == "b") for name in piece)
    assert [(one.dtype, one.shape) for one in found.values()] == [(one.dtype, one.shape) for one in piece.values()]
    assert kept.get("1") is None
    kept.path("1").write_bytes(kept.path("0").read_bytes())
    assert kept.get("1") is None, "whole, and of another name"
    kept.path("1").write_bytes(b"half a fi")
    assert kept.get("1") is None
    (tmp_path / "kept" / "key").write_text("another")
    assert Kept(tmp_path / "kept", "another", resume=True).get("0") is None, "whole, and of another question"


def test_what_lies_in_the_place_of_a_piece_gives_way(tmp_path: Path) -> None:
    """A folder or a pipe where a piece should be; a link where the folder of them should be, which leads elsewhere."""
    kept = Kept(tmp_path / "kept", "key", resume=False)
    piece = {"a": np.arange(3)}
    (kept.path("0") / "within").mkdir(parents=True)
    os.mkfifo(kept.path("1"))
    for name in ("0", "1"):
        assert kept.get(name) is None
        kept.put(name, piece)
        assert kept.get(name) is not None
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("precious")
    (tmp_path / "linked").symlink_to(elsewhere)
    Kept(tmp_path / "linked", "key", resume=False).put("0", piece)
    assert [path.name for path in elsewhere.iterdir()] == ["precious"]
    assert not (tmp_path / "linked").is_symlink()


def test_an_object_in_a_kept_file_is_never_unpickled(tmp_path: Path) -> None:
    """A hostile file can be refused; it cannot run."""
    kept = Kept(tmp_path / "kept", "key", resume=False)
    np.savez(kept.path("0"), a=np.array([{"hostile": True}], dtype=object))
    assert kept.get("0") is None


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_atomic(path, b"old")
    with pytest.raises(TypeError):
        write_atomic(path, "text")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"


@pytest.mark.slow
def test_a_cluster_gives_the_numbers_of_a_serial_run(scenario: Scenario, serial: Done) -> None:
    """A local cluster of two workers, of which one is killed while the study is under way."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster:
        workers = [worker.process.process.pid for worker in cluster.workers.values()]

        def kill_one(n_done: int) -> None:
            if n_done == 1 and workers:
                os.kill(workers.pop(), signal.SIGKILL)

        settings = Settings(cluster=cluster.scheduler_address, count=kill_one)
        done = run(scenario, settings=settings)
        assert not workers[1:]
        assert not done.failures
        assert same(done, serial)


def test_a_search_with_little_room_draws_again_only_what_found_none(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    def draw(one: Scenario, index: int, *, seed: int, streams: RememberedStreams | None = None) -> Replication:
        drawn.append(index)
        return real_draw(one, index, seed=seed, streams=streams)

    real_draw = trials.draw
    monkeypatch.setattr(trials, "draw", draw)
    room = 2.5 * trials._size(trials.draw(scenario, 0, seed=1))
    drawn.clear()
    draws = trials.Draws(int(room))
    for _ in range(3):
        for index in range(4):
            draws.get(scenario, index, 1)
    assert drawn == [0, 1, 2, 3, 2, 3, 2, 3]
    other = load(NATIONAL, changes=[*WEEKS, "demand.volume=20000/year"])
    for _ in range(2):
        draws.get(other, 0, 1)
    assert drawn[8:] == [0]


def test_other_draws_read_the_same_variates_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are kept once there are many scenarios, and every replication is what it is when drawn for itself."""
    opened: list[str] = []
    real = streams.filler

    def filler(generator: np.random.Generator, standard: str) -> Callable[[np.ndarray], object]:
        opened.append(standard)
        return real(generator, standard)

    monkeypatch.setattr(streams, "filler", filler)
    monkeypatch.setattr(trials, "MANY_DRAWS", 2)
    draws = trials.Draws()
    found = []
    for volume in (20_000, 30_000, 25_000, 40_000):
        scenario = load(NATIONAL, changes=[*WEEKS, f"demand.volume={volume}/year"])
        n_opened = len(opened)
        replication = draws.get(scenario, 0, 1)
        found.append(len(opened) - n_opened)
        alone = trials.draw(scenario, 0, seed=1)
        for part, own in ((replication.tips, alone.tips), (replication.visits, alone.visits)):
            for name in part.__slots__:
                assert np.array_equal(getattr(part, name), getattr(own, name)), name
    assert found[0] == found[1] > 20
    # More tips may need what no tip before did, such as another visit to a stage.
    assert found[2] == 0
    assert found[3] < 3


def test_variates_are_kept_where_there_is_room(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "MANY_DRAWS", 2)
    monkeypatch.setattr(trials, "MOST_REMEMBERED", 2.5 * trials._size(trials.draw(scenario, 0, seed=1)))
    draws = trials.Draws()
    for draws_by in ("one", "other", "third"):
        for index in range(4):
            draws.get(scenario, index, 1, draws_by)
    assert 0 < len(draws._streams) < 4
    assert draws._held <= trials.MOST_REMEMBERED


def test_a_map_that_walks_round_its_draws_finds_what_it_had_room_for(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two draws of two replications and room for three: dropping the oldest would draw all four each time round."""
    drawn = []
    real_draw = trials.draw

    def draw(one: Scenario, index: int, *, seed: int, streams: RememberedStreams | None = None) -> Replication:
        drawn.append(index)
        return real_draw(one, index, seed=seed, streams=streams)

    room = 3.2 * trials._size(real_draw(scenario, 0, seed=1))
    monkeypatch.setattr(trials, "draw", draw)
    draws = trials.Draws(int(room))
    for _ in range(4):
        for draws_by in ("one", "other"):
            for index in range(2):
                draws.get(scenario, index, 1, draws_by)
    assert len(drawn) == 4 + 3 * 2
