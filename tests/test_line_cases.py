"""Cases of lines with values that are right by hand or by theory: orders, ageing, call-backs, rooms.

What a tick decides is held by `dynamics/test_by_hand_line.py`; here a document says it and a run tells it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import sim
from sim.dynamics import laws
from sim.dynamics.clock import MINUTE
from tests.conftest import Engine
from tests.scenario.small import loaded
from tests.test_cases import ERRORS, errors_from, exponential, scenario, targets, waits


def starts(
    folder: Path, simulate: Engine, pool: str, stage: str, columns: str, *rows: str, demand: str = ""
) -> list[float]:
    """Minutes from the start of the run until each tip of a record is begun with."""
    lines = "".join(f"2025-01-06 {row}\n" for row in rows)
    (folder / "tips.csv").write_text(f"{columns}\n{lines}", encoding="utf-8")
    one = loaded(
        folder,
        f"""
scenario: Traced
run: {{start: 2025-01-06 00:00, length: 1 d, cool_down: 1 d}}
demand: {{trace: tips.csv, channels: {{call: 100 %}}{demand}}}
pools: {{desk: {pool}}}
stages: [{{name: work, pool: desk, {stage}}}]
""",
    )
    replication = sim.draw(one, 0)
    log = simulate(replication)
    laws.verify(log, replication)
    return (log.start / MINUTE).tolist()


def test_01_who_accepts_a_call_back_keeps_the_place(tmp_path: Path, simulate: Engine) -> None:
    accepts = "callback: {after: 2 min, share: {by: category, hold: 0 %, callback: 100 %}}"
    rows = ("00:00,hold", "00:01,callback", "00:02,hold", "00:04,hold")
    categories = ", categories: {hold: 50 %, callback: 50 %}"
    stage = f"service: 10 min, patience: 60 min, {accepts}"
    found = starts(tmp_path, simulate, "{staff: 1}", stage, "received,category", *rows, demand=categories)
    assert found == [0, 10, 20, 30]
    # Who waits on the line instead has given up by then, and who is called back has not.
    stage = stage.replace("60 min", "5 min")
    found = starts(tmp_path, simulate, "{staff: 1}", stage, "received,category", *rows, demand=categories)
    assert found[:2] == [0, 10]
    assert min(found[2:]) > 24 * 60


@pytest.mark.parametrize(
    ("first", "right"),
    [
        ("[[{tier: high}, {tier: low, waited: 30 min}]]", [0, 40, 20, 60, 80, 100]),
        ("[{tier: high}, {tier: low, waited: 30 min}]", [0, 100, 20, 40, 60, 80]),
    ],
)
def test_03_a_low_tip_that_has_waited_ranks_as_a_high_one(
    tmp_path: Path, simulate: Engine, first: str, right: list[float]
) -> None:
    rows = ("00:00,high", "00:01,low", "00:10,high", "00:30,high", "00:50,high", "01:10,high")
    pool = f"{{staff: 1, serve_first: {first}}}"
    risk = ", risk: {high: 50 %, low: 50 %}"
    assert starts(tmp_path, simulate, pool, "service: 20 min", "received,risk", *rows, demand=risk) == right


def test_04_last_come_first_served(tmp_path: Path, simulate: Engine) -> None:
    rows = ("00:00", "00:01", "00:10")
    pool = "{staff: 1, order: last_come}"
    assert starts(tmp_path, simulate, pool, "service: 20 min", "received", *rows) == [0, 40, 20]


@pytest.mark.slow
def test_06_twenty_four_lines() -> None:
    """M/M/3/24 at 2.5 erlangs: theory's share of callers who find all lines busy, and theory's wait of the others."""
    text = scenario(
        "warm_up: 7 d, length: 364 d, replications: 10",
        "15/h",
        "agents: {staff: 3}",
        f"{{name: answer, pool: agents, service: {exponential('10 min')}, lines: 24}}",
        "blocked: {turned_away: 1 %}",
    )
    blocked, wait = finite_line(2.5, 3, 24, 10)
    assert blocked == pytest.approx(0.00258, abs=5e-6)
    assert wait == pytest.approx(12.87, abs=0.005)
    assert targets(text).loc["blocked", "value"] == pytest.approx(blocked, abs=0.0003)
    assert errors_from(waits(text).loc["answer"], wait) < ERRORS


def test_12_three_places_to_wait() -> None:
    """M/M/1/4 at load 1: one in five finds no room, and is lost. Some 87,000 tips, of runs that vary."""
    text = scenario(
        "warm_up: 7 d, length: 364 d, replications: 10",
        "6/h",
        "desk: {staff: 1}",
        f"{{name: work, pool: desk, service: {exponential('10 min')}, waiting_room: 3}}",
        "lost: {lost: 10 %}, blocked: {turned_away: 10 %}",
    )
    found = targets(text)
    assert finite_line(1, 1, 4, 10)[0] == pytest.approx(0.2)
    for name in ("lost", "blocked"):
        assert found.loc[name, "value"] == pytest.approx(0.2, abs=0.006)


def finite_line(load: float, servers: int, room: int, service: float) -> tuple[float, float]:
    """The share turned away and the mean wait of the others, in a line of so many servers and places in all."""
    weight = [1.0]
    for n in range(1, room + 1):
        weight.append(weight[-1] * load / min(n, servers))
    total = sum(weight)
    blocked = weight[-1] / total
    waiting = sum((n - servers) * weight[n] for n in range(servers + 1, room + 1)) / total
    return blocked, waiting / (load / service * (1 - blocked))
