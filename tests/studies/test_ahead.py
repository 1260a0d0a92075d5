"""What measures a replication is compiled by another process: for the right types, and nothing hangs on it."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher

import sim
from sim.draw import draw
from sim.dynamics import kernels
from sim.dynamics.engines import simulate
from sim.measures import counting, passes, tallies
from sim.measures.frame import Frame
from sim.studies import ahead
from sim.studies.replicate import ReplicationWork, Settings, _to_measure

SCENARIOS = Path(sim.__file__).parents[1] / "scenarios"
SHORT = ["run.length=7 d", "run.warm_up=0 d"]


def work(name: str) -> ReplicationWork:
    scenario = sim.load(SCENARIOS / f"{name}.yaml", changes=SHORT)
    return ReplicationWork(Frame(scenario), scenario.run.seed, "compiled")


def asked(one: ReplicationWork) -> ahead.ToMeasure:
    found = _to_measure(one, Settings(jobs=2))
    assert found is not None
    return found


def test_one_job_is_one_process() -> None:
    assert _to_measure(work("two_stage"), Settings(jobs=1)) is None


def test_what_has_its_replications_at_hand_is_compiled_beside_too() -> None:
    """As `run` has them, for the second run with unlimited staff."""
    one = work("two_stage")
    assert asked(replace(one, drawn=lambda index: draw(one.frame.scenario, index))) == asked(one)


def forms(log: Any) -> dict[str, tuple[Any, ...]]:
    """What a compiled function knows of the arrays of a log, but for which of them are empty."""
    found = {}
    for field in fields(log):
        part = getattr(log, field.name)
        if is_dataclass(part):
            found |= {f"{field.name}.{name}": form for name, form in forms(part).items()}
        else:
            found[field.name] = part.dtype, part.ndim, part.flags.c_contiguous, part.flags.writeable
    return found


@pytest.mark.parametrize("name", ["national", "described", "two_stage"])
def test_a_log_of_nothing_has_the_types_of_one_that_the_engine_gives(name: str) -> None:
    one = work(name)
    replication = draw(one.frame.scenario, 0)
    log = simulate(replication)
    assert forms(ahead.nothing_yet(replication)) == forms(log)
    assert len(ahead.nothing_yet(replication).merged) == len(log.merged)
    assert len(ahead.nothing_yet(replication).turned_away) == len(log.turned_away)


def kept() -> dict[str, set[str]]:
    """The kept functions that measure, with the types for which this process has them."""
    every = {
        name: one
        for module in (counting, passes, tallies)
        for name, one in vars(module).items()
        if isinstance(one, Dispatcher)
    }
    return {name: {str(types) for types in one.signatures} for name, one in every.items()}


@pytest.mark.skipif(not hasattr(passes.add_up, "signatures"), reason="nothing is compiled")
def test_after_it_nothing_that_measures_is_left_to_compile() -> None:
    one = work("national")
    ahead.compile_measures(asked(one))
    before = kept()
    one(0)
    assert kept() == before
    assert before["read_tips"]


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is begun there")
@pytest.mark.parametrize("command", ["raise SystemExit(3)", "import time; time.sleep(60)", "not even Python"])
def test_whatever_becomes_of_the_other_process_the_work_goes_on(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    begun: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def begin(*given: Any, **options: Any) -> subprocess.Popen[bytes]:
        begun.append(popen(*given, **options))
        return begun[-1]

    monkeypatch.setattr(kernels, "lacks", lambda _: True)
    monkeypatch.setattr(ahead, "COMMAND", command)
    monkeypatch.setattr(subprocess, "Popen", begin)
    since = time.monotonic()
    with ahead.compiled_beside(asked(work("two_stage"))):
        pass
    assert time.monotonic() - since < 30
    assert [one.returncode is not None for one in begun] == [True]


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is begun there")
def test_what_lies_in_the_folder_of_a_scenario_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wave.py").write_text("open('was_run', 'w').close()")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kernels, "lacks", lambda _: True)
    monkeypatch.setattr(ahead, "COMMAND", "import wave; open('is_done', 'w').close()")
    with ahead.compiled_beside(asked(work("two_stage"))):
        ends = time.monotonic() + 30
        while not (tmp_path / "is_done").exists():
            assert time.monotonic() < ends
            time.sleep(0.01)
    assert not (tmp_path / "was_run").exists()


def test_no_process_is_begun_where_everything_is_kept_or_nothing_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_given: Any, **_options: Any) -> None:
        raise AssertionError("a process was begun")

    monkeypatch.setattr(subprocess, "Popen", fail)
    one = work("two_stage")
    with ahead.compiled_beside(None):
        pass
    monkeypatch.setattr(kernels, "lacks", lambda _: False)
    with ahead.compiled_beside(asked(one)):
        pass


def test_a_system_that_begins_no_process_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_given: Any, **_options: Any) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(kernels, "lacks", lambda _: True)
    monkeypatch.setattr(subprocess, "Popen", fail)
    ran = np.zeros(1)
    with ahead.compiled_beside(asked(work("two_stage"))):
        ran += 1
    assert ran[0] == 1
