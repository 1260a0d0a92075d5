"""The Python face: the same pipeline by name, and nothing imported before it is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import sim
from sim.studies import replicate
from tests.cli.lines import ROOT, recorded

FIVE = "received\n" + "".join(f"2025-01-06T08:0{minute}\n" for minute in range(5))
DESK = """\
pools: {desk: {staff: 1}}
stages: [{name: answer, pool: desk, service: 5 min}]
targets: {quick: {from: arrival, to: answer.start, within: 10 min, share: 50 %}}
"""


def test_importing_it_costs_nothing() -> None:
    code = "import sys, sim; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"numpy", "pydantic", "typer"} & set(done.stdout.split())


def test_every_name_is_there() -> None:
    assert all(getattr(sim, name) is not None for name in sim.__all__)
    assert set(dir(sim)) >= set(sim.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'lod'"):
        sim.lod  # noqa: B018


def test_the_pipeline_step_by_step_and_at_once(tmp_path: Path) -> None:
    scenario = sim.load(recorded(tmp_path, FIVE, DESK))
    log = sim.simulate(sim.draw(scenario, 0), engine="reference")
    assert len(log.spells.visit) == 5
    frames = sim.run(scenario, replications=3, engine="reference")
    # Begun at once and after waits of 4, 8, 12 and 16 minutes: three of five within 10.
    assert frames.targets.loc[0, "value"] == 0.6
    # Nothing is left to chance, so that there is one replication.
    assert list(frames.replications["arrived_tips"]) == [5]
    assert frames.targets.loc[0, "verdict"] == "kept"
    assert frames.failures == {}


def test_replications_that_fail_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = sim.load(
        recorded(tmp_path, FIVE, DESK.replace("service: 5 min", "service: {exponential: {mean: 5 min}}"))
    )
    real = replicate.simulate

    def simulate(replication: object, *rest: object) -> object:
        if replication.index in broken:  # type: ignore[attr-defined]
            raise RuntimeError("a server broke")
        return real(replication, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(replicate, "simulate", simulate)
    broken = {1}
    assert sim.run(scenario, replications=3).failures == {1: "RuntimeError: a server broke"}
    broken = {0, 1, 2}
    with pytest.raises(RuntimeError, match="every replication failed, the first with RuntimeError: a server broke"):
        sim.run(scenario, replications=3)
