"""What a log says of visits and spells, in lines small enough for a pencil."""

from __future__ import annotations

from pathlib import Path

from sim.draw import draw
from sim.dynamics.engines import simulate
from sim.scenario.loading import load
from sim.studies.events import events, spells

ASIDE = """\
scenario: Two ways to one stage
run: {start: 2025-01-06 00:00, length: 1 d}
demand: {trace: tips.csv, channels: {call: 100 %}}
pools: {desk: {staff: 1}, others: {staff: 2}}
stages:
  - {name: answer, pool: desk, service: 20 min, patience: 3 min, gives_up_to: mail}
  - {name: mail, delay: 1 min}
  - {name: assess, pool: others, service: 5 min, rework: {share: 100 %, back_to: assess}}
targets: {done: {from: arrival, to: assess.end, within: 1 h, share: 80 %}}
"""


def test_visits_are_numbered_as_the_tip_makes_them_whether_or_not_it_comes_by_an_aside(tmp_path: Path) -> None:
    (tmp_path / "tips.csv").write_text("received,channel\n2025-01-06 00:00,call\n2025-01-06 00:01,call\n")
    (tmp_path / "line.yaml").write_text(ASIDE)
    scenario = load(tmp_path / "line.yaml")
    drawn = draw(scenario, 0)
    log = simulate(drawn)
    visits = events(log, drawn, scenario).to_pandas()
    assert list(zip(visits.tip, visits.stage, visits.visit, visits.enter_min, strict=True)) == [
        (0, "answer", 1, 0.0),
        (0, "assess", 1, 20.0),
        (0, "assess", 2, 25.0),
        (1, "answer", 1, 1.0),
        (1, "mail", 1, 4.0),
        (1, "assess", 1, 5.0),
        (1, "assess", 2, 10.0),
    ]
    work = spells(log, drawn, scenario).to_pandas()
    assert list(zip(work.tip, work.stage, work.visit, work.began_min, strict=True)) == [
        (0, "answer", 1, 0.0),
        (0, "assess", 1, 20.0),
        (0, "assess", 2, 25.0),
        (1, "assess", 1, 5.0),
        (1, "assess", 2, 10.0),
    ]
