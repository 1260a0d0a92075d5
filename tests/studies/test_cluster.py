"""More than one machine: every study leaves what it leaves here, and what goes wrong there is told in a line."""

from __future__ import annotations

import pickle
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.measures.frame import Frame
from sim.scenario.schema import Scenario
from sim.studies import cluster, trials
from sim.studies.cluster import ClusterError, on_cluster
from sim.studies.keeping import Piece
from sim.studies.replicate import ReplicationWork, Settings, run
from sim.studies.workers import Failure, WorkShare
from tests.cli.lines import tipline
from tests.studies.lines import DESK, desk, simulated
from tests.studies.pieces import die_at_two, fail_at_two, slow, square
from tests.studies.test_claims import LEDGER, LINE

__all__ = ["simulated"]

STUDY = """\
study: A desk
steps:
  run: {title: A run, command: run desk.yaml}
  map: {title: A map, command: "map desk.yaml --x demand.volume=4..20/h:3 --y pools.desk.staff=1..3"}
"""

OBSERVED = """\
observed:
  quick: {quantity: {from: arrival, to: answer.start, within: 5 min, share: 80 %}, tolerance: 10 %}
  busy: {quantity: {pool: desk, occupancy: 80 %}, tolerance: 5 %}
fit:
  work: {path: stages.answer.service.exponential.mean, from: 4 min, to: 12 min, by: [busy]}
"""

COMMANDS = {
    "run": "run desk.yaml --log",
    "run until decided": "run desk.yaml --until-decided",
    "run verified by the reference": "run desk.yaml --engine reference --verify --replications 3",
    "compare": "compare desk.yaml busy.yaml",
    "staff": "staff desk.yaml",
    "map": "map desk.yaml --x demand.volume=4..20/h:4 --y pools.desk.staff=1..4",
    "sensitivity": "sensitivity desk.yaml --points 8 --with-staff",
    "runway": "runway desk.yaml --growth 20%",
    "claims": "claims claims.yaml line.yaml",
    "plausibility": "plausibility desk.yaml --worlds 8 --length 2d",
    "validate": "validate observed.yaml",
    "study": "study study.yaml",
}
"""Every command that takes --cluster."""


def results(work: Callable[[int], int], n: int, address: str) -> dict[int, int | Failure]:
    return {index: result for _, index, result in on_cluster([WorkShare(work, range(n))], address)}


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    return desk(tmp_path)


# At the worker, which here is this process


def test_work_crosses_as_its_scenario_and_comes_to_the_same(scenario: Scenario) -> None:
    work = ReplicationWork(Frame(scenario), 11, "compiled", only_targets=True, pooled=False)
    crossed = pickle.loads(pickle.dumps(work))
    assert len(pickle.dumps(work)) < len(pickle.dumps(scenario)) + 500
    assert same(crossed(3), work(3))
    assert (crossed.seed, crossed.engine, crossed.pooled, crossed.only_targets) == (11, "compiled", False, True)


def same(one: Piece, other: Piece) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name], equal_nan=True) for name in one)


def test_tips_are_drawn_once_where_staffings_of_them_are_tried(
    tmp_path: Path, simulated: Callable[[], tuple[int, int]]
) -> None:
    draws = trials.Draws()
    for staff in range(1, 5):
        one = desk(tmp_path, "", "", f"pools.desk.staff={staff}")
        work = ReplicationWork(Frame(one), 11, "compiled", drawn=draws.afar(one, 11))
        alone = ReplicationWork(Frame(one), 11, "compiled")
        crossed = pickle.loads(pickle.dumps(work))
        assert same(crossed(0), alone(0))
    drawn, n = simulated()
    assert n == 8
    assert drawn == 1


def test_draws_that_nobody_else_asks_for_are_not_kept(scenario: Scenario) -> None:
    assert trials.Draws(0).afar(scenario, 11) is None


def task(*indices: int, maker: dict[str, str] | None = None) -> cluster._Back:
    work = cluster.packed(fail_at_two)
    return cluster._do(cluster._maker() if maker is None else maker, [work], [indices])


def test_a_task_brings_its_results_in_order_and_tells_what_failed() -> None:
    back = task(3, 2, 1)
    three, failure, one = pickle.loads(back.content)
    assert (three, one) == (9, 1)
    assert failure.error == "ArithmeticError: no such luck"
    assert "fail_at_two" in failure.trace
    assert back.seconds > 0


def test_large_results_are_packed_where_they_travel() -> None:
    found = {}
    for near in (False, True):
        back = cluster._do(cluster._maker(), [cluster.packed(np.zeros)], [[cluster.LEAST_PACKED]], near)
        assert back.packed is not near
        found[near] = pickle.loads(zlib.decompress(back.content) if back.packed else back.content)
    assert np.array_equal(found[False], found[True])


@pytest.mark.parametrize("error", [OSError("reset by peer"), TimeoutError(), CancelledError()])
def test_that_the_scheduler_went_away_is_told_in_one_way_however_it_shows(error: Exception) -> None:
    pytest.importorskip("distributed")
    told = r"^--cluster tcp://a:1: the scheduler was lost \(.*\); --resume goes on$"
    with pytest.raises(ClusterError, match=told), cluster._lost("tcp://a:1"):
        raise error


def test_a_task_of_another_program_is_not_done() -> None:
    back = task(1, maker={**cluster._maker(), "numpy": "1.0"})
    assert back.content == b""
    assert back.maker == cluster._maker()


def test_a_work_is_unpacked_once_for_all_its_tasks() -> None:
    work = cluster.packed(square)
    assert cluster._at_hand(work) is cluster._at_hand(bytes(bytearray(work)))


# On a cluster


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The scheduler of a cluster of two workers, each a process."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as local:
        yield local.scheduler_address
        cluster.leave()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    short = DESK.replace("length: 7 d", "length: 2 d").replace("replications: 10", "replications: 6")
    (folder / "desk.yaml").write_text(short, encoding="utf-8")
    (folder / "busy.yaml").write_text(short.replace("12/h", "14/h"), encoding="utf-8")
    (folder / "observed.yaml").write_text(short + OBSERVED, encoding="utf-8")
    (folder / "line.yaml").write_text(LINE, encoding="utf-8")
    (folder / "claims.yaml").write_text(LEDGER, encoding="utf-8")
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    return folder


def left(folder: Path) -> dict[str, bytes]:
    """The tables and pictures that a command leaves; when and by which command line stands elsewhere, but for where."""
    return {
        str(path.relative_to(folder)): path.read_bytes().replace(bytes(folder), b"")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".json"
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_every_study_leaves_the_same(
    name: str, files: Path, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    words = COMMANDS[name].split()
    before = cluster._connection(address).n_tasks
    here, there = tmp_path / "alone", tmp_path / "there"  # as long: what is said is broken into lines
    one = tipline(*words, "--jobs", "1", "--out", here)
    other = tipline(*words, "--cluster", address, "--out", there)
    assert one.exit_code == other.exit_code == 0, one.output + other.output
    assert cluster._connection(address).n_tasks > before
    assert left(here)
    assert left(here) == left(there)


@pytest.mark.slow
def test_small_pieces_share_a_task_and_large_ones_do_not(address: str) -> None:
    there = cluster._connection(address)
    for work, n, fewest, most in ((square, 400, 4, 60), (slow, 12, 6, 12)):
        before = there.n_tasks
        assert results(work, n, address) == {index: square(index) for index in range(n)}
        assert fewest <= there.n_tasks - before <= most


@pytest.mark.slow
def test_works_that_are_large_go_from_worker_to_worker(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "MOST_CARRIED", 10)
    assert results(square, 40, address) == {index: square(index) for index in range(40)}


@pytest.mark.slow
def test_a_piece_that_raises_fails_alone(address: str) -> None:
    found = results(fail_at_two, 6, address)
    assert isinstance(found.pop(2), Failure)
    assert found == {index: square(index) for index in (0, 1, 3, 4, 5)}


@pytest.mark.slow
def test_who_stops_asking_leaves_nothing_in_hand(address: str) -> None:
    asking = on_cluster([WorkShare(slow, range(200))], address)
    next(asking)
    asking.close()  # type: ignore[attr-defined]
    begun = time.monotonic()
    assert results(square, 2, address) == {0: 0, 1: 1}
    assert time.monotonic() - begun < 10


@pytest.mark.slow
def test_a_worker_that_is_not_like_this_program_is_refused(
    address: str, scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {**cluster._maker(), "numpy": "0.9"}
    monkeypatch.setattr(cluster, "_maker", lambda: here)
    with pytest.raises(
        ClusterError, match=r"worker tcp://.* might give other results .*: numpy [\d.]+ there, 0.9 here"
    ):
        run(scenario, settings=Settings(cluster=address))


@pytest.mark.slow
def test_a_worker_without_the_work_is_told_in_a_line(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(maker: dict[str, str], *given: object) -> Any:
        raise ModuleNotFoundError("No module named 'sim'")

    monkeypatch.setattr(cluster, "_do", gone)
    with pytest.raises(ClusterError, match=r"a worker cannot do this work; has it tipline .*No module named 'sim'"):
        results(square, 4, address)


@pytest.mark.slow
def test_a_piece_that_kills_every_worker_fails_alone() -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as local:
        found = results(die_at_two, 5, local.scheduler_address)
        cluster.leave(local.scheduler_address)
    failed = found.pop(2)
    assert isinstance(failed, Failure)
    assert "died" in failed.error
    assert found == {index: square(index) for index in (0, 1, 3, 4)}


@pytest.mark.slow
def test_that_nobody_is_there_is_told_and_then_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "NOBODY", (0.5, 3))
    said: list[str] = []
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as local:
        address = local.scheduler_address
        with pytest.raises(ClusterError, match="had no worker for 3 s"):
            list(on_cluster([WorkShare(square, range(3))], address, said.append))
        cluster.leave(address)
    assert said == [f"--cluster {address}: the scheduler has no worker; waiting for one"]


@pytest.mark.slow
def test_workers_that_come_late_are_given_work(monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "NOBODY", (0.5, 100))
    with distributed.LocalCluster(n_workers=0, threads_per_worker=1, processes=True, dashboard_address=None) as local:
        found = results_when(local)
        cluster.leave(local.scheduler_address)
    assert found == {index: square(index) for index in range(3)}


def results_when(local: Any) -> dict[int, int]:
    """What comes of some pieces on a cluster whose first worker comes when it is told that there is none."""
    said: list[str] = []

    def tell(text: str) -> None:
        said.append(text)
        local.scale(1)

    found = {
        index: result for _, index, result in on_cluster([WorkShare(square, range(3))], local.scheduler_address, tell)
    }
    assert len(said) == 1
    return found  # type: ignore[return-value]
