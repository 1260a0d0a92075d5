"""Priorities: a line that goes by them is served first by risk, and of one that does not it is told why."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import sim
from sim.calibration.beside import written
from sim.calibration.line import line_of
from sim.dynamics.clock import SECOND
from tests.calibration.known import as_csv
from tests.calibration.test_known import calibrated

DOCUMENT = """\
scenario: A line with priorities
run: {{start: 2025-01-13 00:00, length: 1 d, cool_down: 2 h, replications: 1, seed: 5}}
demand:
  volume: 900/day
  by_hour: [0, 0, 0, 0, 0, 0, 0, 0, 4, 7, 9, 9, 8, 7, 8, 7, 6, 5, 0, 0, 0, 0, 0, 0]
  risk: {{urgent: 20 %, usual: 50 %, idle: 30 %}}
pools: {{sellers: {{shifts: [{{from: "08:00", to: "20:30", staff: 7}}]{first}}}}}
stages:
  - {{name: sell, pool: sellers, service: {service}}}
"""
ALIKE = "{lognormal: {mean: 5 min, cv: 0.8}}"
PRIORITY = {"urgent": "1", "usual": "2", "idle": "3"}


def log_of(path: Path, first: str, service: str = ALIKE) -> None:
    scenario = sim.load(DOCUMENT.format(first=first, service=service))
    replication = sim.draw(scenario, 0)
    log = sim.simulate(replication)
    names = list(next(iter(scenario.demand.risk.values())))
    rows = []
    for tip in range(len(replication.tips)):
        at = [int(one[tip] // SECOND) for one in (log.enter, log.start, log.end)]
        stamps = [str(scenario.start + timedelta(seconds=one)) for one in at]
        rows.append([stamps[0], PRIORITY[names[replication.tips.risk[tip]]], "ann", *stamps[1:]])
    path.write_text(as_csv(rows, ("received", "priority", "agent", "answered", "ended")), encoding="utf-8")


def test_a_line_that_goes_by_priority_serves_it_first(tmp_path: Path) -> None:
    log_of(tmp_path / "log.csv", ", serve_first: [{risk: urgent}, {risk: usual}]")
    found = calibrated(tmp_path / "log.csv")
    [stage] = found.stages
    assert stage.ranks is not None
    assert stage.ranks.explained > 0.98 > stage.ranks.by_entry
    line = line_of(found)
    assert "serve_first: [{risk: 'priority 1'}, {risk: 'priority 2'}]" in line.text
    written(line, tmp_path)
    drawn, replay = (sim.load(tmp_path / "line.yaml", variant=name) for name in (None, "replay"))
    [shares] = drawn.demand.risk.values()
    assert shares["priority 1"] == pytest.approx(0.2, abs=0.05)
    assert (sim.draw(replay, 0).tips.risk >= 0).all()
    assert line.files["trace.csv"].startswith("received,risk,answer_min")


def test_of_a_line_in_order_of_entry_it_is_told_that_priorities_decide_nothing(tmp_path: Path) -> None:
    log_of(tmp_path / "log.csv", "")
    found = calibrated(tmp_path / "log.csv")
    text = line_of(found).text
    assert "serve_first:" not in text
    told = " ".join(text.replace("#", "").split())
    assert "no `serve_first`: of" in told
    assert "100% are in order of entry" in told
    assert "  risk: {" in text


def test_work_that_differs_by_priority_has_a_law_for_each(tmp_path: Path) -> None:
    laws = {name: f"{{exponential: {{mean: {mean} min}}}}" for name, mean in zip(PRIORITY, (8, 4, 2), strict=True)}
    told = ", ".join(f"{name}: {law}" for name, law in laws.items())
    log_of(tmp_path / "log.csv", ", serve_first: [{risk: urgent}, {risk: usual}]", f"{{by: risk, {told}}}")
    found = calibrated(tmp_path / "log.csv")
    [stage] = found.stages
    means = {one.of: one.mean / 60 for one in stage.work[1:]}
    assert means == pytest.approx({"1": 8, "2": 4, "3": 2}, rel=0.25)
    line = line_of(found)
    assert "priorities differ beyond chance" in line.text
    written(line, tmp_path)
    assert len(sim.draw(sim.load(tmp_path / "line.yaml"), 0).tips) > 500
