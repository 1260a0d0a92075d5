"""What rosters may not mean, each on a line that has it and on one that must not."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.measures.use import uses
from sim.scenario.describe import describe
from sim.scenario.loading import load
from sim.scenario.schema import Scenario
from sim.studies.replicate import run
from tests.scenario.small import SCENARIOS, loaded

LINE = """
scenario: A line
run: {start: 2025-01-06 00:00, warm_up: 7 d, length: 182 d, replications: 4}
demand: {volume: 12/h}
pools: {front: {staff: 1}, back: {staff: 2}}
stages: [{name: answer, pool: front, service: {exponential: {mean: 6 min}}, overflow: {to: back}}]
targets: {wait: {from: arrival, to: answer.start, mean: 5 min}}
"""


def told(folder: Path, text: str, *changes: str) -> list[str]:
    return list(describe(loaded(folder, text, changes=list(changes))).warnings)


def row(hour: float, hours: float) -> str:
    """A row of five people, from an hour of the day on."""
    begins, ends = (int(60 * at) % 1440 for at in (hour, hour + hours))
    return f'{{from: "{begins // 60:02}:{begins % 60:02}", to: "{ends // 60:02}:{ends % 60:02}", staff: 5}}'


def five(folder: Path, hours: float | None) -> Scenario:
    """Five people at a load of 4.5, written as one team or as rows of so many hours."""
    rows = [row(n * hours, hours) for n in range(round(24 / hours))] if hours else []
    pool = f"shifts: [{', '.join(rows)}]" if rows else "staff: 5"
    return loaded(
        folder,
        f"""
scenario: Five people
run: {{start: 2025-01-06 00:00, warm_up: 7 d, length: 56 d, replications: 4}}
demand: {{volume: 67.5/h}}
pools: {{agents: {{{pool}}}}}
stages: [{{name: handle, pool: agents, service: {{exponential: {{mean: 4 min}}}}}}]
""",
    )


def test_load_that_overflows_is_booked_where_it_is_served(tmp_path: Path) -> None:
    found = describe(loaded(tmp_path, LINE))
    assert found.warnings == ()
    assert [pool.offered for pool in found.pools] == pytest.approx([0.4, 0.8])  # 1.2 erlangs on three people
    assert told(tmp_path, LINE, "pools.back.staff=0") == [
        "pool 'front' is overloaded: 1.20 erlangs of work come to 1.00 servers on average over the week"
    ]
    # What the own people can do stays with them.
    assert [pool.offered for pool in describe(load(tmp_path / "doc.yaml", changes=["demand.volume=9/h"])).pools] == (
        pytest.approx([0.9, 0.0])
    )


def test_where_callers_give_up_nothing_is_overloaded_but_more_comes_than_is_done(tmp_path: Path) -> None:
    text = LINE.replace(", overflow: {to: back}", ", patience: {exponential: {mean: 5 min}}").replace(
        ", back: {staff: 2}", ""
    )
    said = "pool 'front': more work comes than is done, 1.20 erlangs to 1.00 servers on average over the week: "
    found = describe(loaded(tmp_path, text))
    assert found.warnings == (f"{said}at least 17 % of those who may give up there do",)
    assert not found.pools[0].overloaded
    assert describe(load(tmp_path / "doc.yaml"), {"front": 0.314}).warnings == (
        f"{said}31 % of those who may give up there do",
    )
    assert told(tmp_path, text, "demand.volume=9/h") == []


def test_patience_of_a_few_does_not_make_a_line_stable(tmp_path: Path) -> None:
    text = LINE.replace("demand: {volume: 12/h}", "demand: {volume: 12/h, channels: {call: 10 %, web: 90 %}}")
    text = text.replace(
        "overflow: {to: back}}]",
        "for: {channel: web}}, {name: phone, for: {channel: call}, pool: front, service: 6 min, patience: 1 min}]",
    ).replace(", back: {staff: 2}", "")
    assert told(tmp_path, text) == [
        "pool 'front' is overloaded: 1.20 erlangs of work come to 1.00 servers on average over the week"
    ]


def test_hours_without_anybody_on_duty_while_tips_come(tmp_path: Path) -> None:
    late = load(SCENARIOS / "national.yaml", changes=["run.shrinkage=30 %", "pools.call_takers.shifts.2.from=24:00"])
    assert describe(late).warnings == (
        "pool 'call_takers': nobody is on duty 23:00 to 24:00, when 16 tips a week come",
    )
    rare = load(SCENARIOS / "national.yaml", changes=["demand.volume=100/year", "pools.call_takers.shifts.2.staff=0"])
    assert "pool 'call_takers': nobody is on duty 23:00 to 07:00, when fewer than one tip a week comes" in (
        describe(rare).warnings
    )
    office = LINE.replace(
        "front: {staff: 1}", 'front: {shifts: [{from: "09:00", to: "17:00", staff: 9, days: mon-fri}]}'
    )
    assert told(tmp_path, office.replace(", overflow: {to: back}", "").replace(", back: {staff: 2}", "")) == [
        "pool 'front': nobody is on duty 17:00 to 09:00 on mon, tue, wed, thu, when 768 tips a week come",
        "pool 'front': nobody is on duty from 17:00 on fri for 64 h, when 768 tips a week come",
    ]
    # Where others help there is somebody, and at hours at which nothing comes nobody is missing.
    assert told(tmp_path, office) == []
    closed = "by_hour: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0], "
    closed += "by_weekday: [1, 1, 1, 1, 1, 0, 0]"
    quiet = office.replace("volume: 12/h", f"volume: 12/h, {closed}").replace(", overflow: {to: back}", "")
    assert told(tmp_path, quiet.replace(", back: {staff: 2}", "")) == []


def test_only_tips_that_come_to_the_pool_count(tmp_path: Path) -> None:
    text = """
scenario: Two teams
run: {start: 2025-01-06 00:00, length: 7 d}
demand: {volume: 10/h, channels: {call: 40 %, web: 60 %}}
pools:
  desk: {staff: 9}
  police: {shifts: [{from: "08:00", to: "20:00", staff: 3}]}
stages:
  - {name: answer, for: {channel: call}, pool: desk, service: 5 min}
  - {name: hand_on, for: {channel: call}, share: 25 %, pool: police, service: 5 min}
  - {name: check, for: {channel: call}, share: 50 %, pool: police, service: 5 min}
"""
    # Of 4 calls an hour 62.5 % come to the police at all, in 12 hours of seven days.
    assert told(tmp_path, text) == ["pool 'police': nobody is on duty 20:00 to 08:00, when 210 tips a week come"]


def test_a_pool_without_anybody_is_told_once(tmp_path: Path) -> None:
    text = LINE.replace(", overflow: {to: back}", "").replace(", back: {staff: 2}", "")
    assert told(tmp_path, text, "pools.front.staff=0") == ["pool 'front' has no staff at any time, and stages need it"]


def test_the_same_row_twice(tmp_path: Path) -> None:
    rows = '{from: "06:00", to: "06:00", staff: 2}, {from: "06:00", to: "06:00", staff: 2}'
    text = LINE.replace("front: {staff: 1}", f"front: {{shifts: [{rows}], at_shift_end: finish}}")
    assert told(tmp_path, text) == [
        "pool 'front': the row of shifts '2 from 06:00 to 06:00, daily' stands there 2 times, and all of them are on "
        "duty"
    ]
    assert told(tmp_path, text, "pools.front.shifts.1.staff=1") == []
    assert told(tmp_path, text, "pools.front.shifts.1.days=sat") == []


@pytest.mark.parametrize(("hours", "overtime"), [(8, 6), (1, 49), (0.5, 96)])
def test_a_row_that_relieves_as_many_as_leave(tmp_path: Path, hours: float, overtime: int) -> None:
    scenario = five(tmp_path, hours)
    (said,) = describe(scenario).warnings
    times = "at 00:00, 08:00 and 16:00" if hours == 8 else f"at {24 / hours:.0f} times of the day"
    assert said.startswith(
        f"pool 'agents': {times} 5 leave and 5 come: their tips go on in overtime beside the new team, about "
        f"{overtime} h a week; "
    )
    # What a run comes to; 4 x 8 weeks have a standard error of some 0.3 to 1 %.
    assert uses(run(scenario).sample)[0].overtime_hours == pytest.approx(overtime, rel=0.08)


def test_no_relief_is_told_where_it_is_none_or_chosen(tmp_path: Path) -> None:
    assert describe(five(tmp_path, None)).warnings == ()
    five(tmp_path, 1)
    for how in ("finish", "resume", "hand_over"):
        chosen = load(tmp_path / "doc.yaml", changes=[f"pools.agents.at_shift_end={how}"])
        assert describe(chosen).warnings == ()
    fewer = load(tmp_path / "doc.yaml", changes=[f"pools.agents.shifts.{n}.staff={6 + n % 2}" for n in range(24)])
    assert describe(fewer).warnings == ()


RESTART = """
scenario: Long work
run: {start: 2025-01-06 00:00, length: 5 d, cool_down: 2 d}
demand: {volume: 1/d}
pools:
  desk:
    shifts: [{from: "00:00", to: "12:00", staff: 3}, {from: "12:00", to: "00:00", staff: 3}]
    at_shift_end: restart
stages: [{name: work, pool: desk, service: 13 h}]
"""


def test_restart_with_work_longer_than_any_shift(tmp_path: Path) -> None:
    assert told(tmp_path, RESTART) == [
        "pool 'desk': its work at stage 'work' is longer than the longest time that anybody is there, 12 h, and "
        "at_shift_end: restart begins it anew: it never ends"
    ]
    assert told(tmp_path, RESTART, "stages.work.service={exponential: {mean: 6 h}}") == [
        "pool 'desk': 14 % of its work at stage 'work' is longer than the longest time that anybody is there, 12 h, "
        "and at_shift_end: restart begins it anew: it never ends"
    ]
    assert told(tmp_path, RESTART, "stages.work.service=12 h") == []
    assert told(tmp_path, RESTART, "stages.work.service={exponential: {mean: 30 min}}") == []
    assert told(tmp_path, RESTART, "pools.desk.at_shift_end=resume") == []


def test_one_pool_with_shrinkage_beside_others_without(tmp_path: Path) -> None:
    said = (
        "nobody is ever off in back: no shrinkage is given there, as it is for front; "
        "run.shrinkage gives it to all pools without their own (hours and cost depend on it, verdicts do not)"
    )
    assert told(tmp_path, LINE, "pools.front.shrinkage=30 %") == [said]
    assert told(tmp_path, LINE, "pools.front.shrinkage=30 %", "pools.back.shrinkage=0 %") == []
    assert told(tmp_path, LINE, "pools.front.shrinkage=30 %", "run.shrinkage=20 %") == []
    assert told(tmp_path, LINE) == []


DOOR = """
scenario: A door
run: {start: 2025-01-06 00:00, length: 7 d}
calendars: {office: {open: [{from: "09:00", to: "17:00"}]}}
demand: {volume: 12/h}
pools: {front: {shifts: [{from: "09:00", to: "17:00", staff: 5}]}, back: {staff: 2}}
stages:
  - {name: door, delay: 0 s, open: office, patience: 0 s, gives_up_to: mail}
  - {name: answer, pool: front, service: 6 min}
  - {name: mail, pool: back, service: 1 min}
targets: {wait: {from: answer.enter, to: answer.start, mean: 5 min}}
"""


def test_behind_a_door_that_is_shut_nobody_need_be_on_duty(tmp_path: Path) -> None:
    """Who comes at night gives up there; what is written after the mail they come to all the same."""
    assert told(tmp_path, DOOR) == []
    nobody = ["pool 'front': nobody is on duty 17:00 to 09:00, when 1,344 tips a week come"]
    more = "  - {name: file, pool: front, service: 1 min}\ntargets:"
    assert told(tmp_path, DOOR.replace("targets:", more)) == nobody
    assert told(tmp_path, DOOR.replace("delay: 0 s", "delay: 4 h")) == nobody
