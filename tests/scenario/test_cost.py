"""Money and time off by hand: shrinkage, full weeks, nights, overtime."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.measures.use import uses
from sim.scenario.cost import cost_a_week, full_time, money, paid_hours, price, shrinkage
from sim.scenario.describe import describe
from sim.scenario.faults import ScenarioError
from sim.scenario.loading import load
from sim.studies.replicate import run
from sim.studies.staff.staffed import post
from tests.scenario.small import loaded

DESK = """
scenario: A desk
run: {start: 2025-01-06 00:00, length: 28 d, replications: 2}
demand: {volume: 6/h}
pools:
  desk:
    shifts: [{from: "18:00", to: "02:00", staff: 2}, {from: "08:00", to: "16:00", staff: 1, days: mon-fri}]
    price: 30
  night: {staff: 1}
stages:
  - {name: work, pool: desk, service: {exponential: {mean: 10 min}}}
  - {name: more, pool: night, service: 1 min}
"""
NIGHTS = '{from: "22:00", to: "06:00", pay: 125 %}'


def test_shrinkage_is_that_of_the_pool_else_of_the_run_else_none(tmp_path: Path) -> None:
    plain = loaded(tmp_path, DESK)
    assert (shrinkage(plain, "desk"), shrinkage(plain, "night")) == (0.0, 0.0)
    assert (
        "nobody is ever off: no shrinkage is given, so every hour on seat is one that is paid" in describe(plain).notes
    )
    given = load(tmp_path / "doc.yaml", changes=["run.shrinkage=20 %", "pools.desk.shrinkage=30 %"])
    assert (shrinkage(given, "desk"), shrinkage(given, "night")) == (0.3, 0.2)
    assert paid_hours(given, "desk") == pytest.approx((2 * 8 * 7 + 8 * 5) / 0.7)
    assert paid_hours(given, "night") == pytest.approx(168 / 0.8)
    assert describe(given).notes == ()
    none = load(tmp_path / "doc.yaml", changes=["run.shrinkage=20 %", "pools.desk.shrinkage=0 %"])
    assert (shrinkage(none, "desk"), shrinkage(none, "night")) == (0.0, 0.2)


def test_a_full_week_is_that_of_the_run(tmp_path: Path) -> None:
    loaded(tmp_path, DESK)
    scenario = load(tmp_path / "doc.yaml", changes=["run.full_time=38 h"])
    assert full_time(scenario, 76) == pytest.approx(2)
    assert describe(scenario).pools[1].fte == pytest.approx(168 / 38)
    assert full_time(loaded(tmp_path, DESK), 80) == 2


def test_nights_and_overtime_are_factors_of_the_price(tmp_path: Path) -> None:
    loaded(tmp_path, DESK)
    changes = [f"pools.desk.nights={NIGHTS}", "pools.desk.overtime=150 %", "pools.desk.shrinkage=20 %"]
    scenario = load(tmp_path / "doc.yaml", changes=changes)
    # Of 152 hours on seat 56 lie between 22:00 and 06:00: four of each of two people's eight.
    rostered = 152 / 0.8
    assert cost_a_week(scenario, "desk", rostered) == pytest.approx(30 * (96 + 56 * 1.25) / 0.8)
    assert cost_a_week(scenario, "desk", rostered, 10) == pytest.approx(30 * ((96 + 56 * 1.25) / 0.8 + 15))
    assert price(scenario, "desk") == pytest.approx(30 * (96 + 56 * 1.25) / 152)
    assert describe(scenario).pools[0].cost_a_week == pytest.approx(30 * (96 + 56 * 1.25) / 0.8)
    # One person more in the evening works half of the time at night, in the day never.
    assert post(scenario, "desk", 0, 0, 9, "").price == pytest.approx(30 * 1.125)
    assert post(scenario, "desk", 1, 0, 9, "").price == pytest.approx(30)
    use = uses(run(scenario).sample)[0]
    assert use.cost == pytest.approx(
        cost_a_week(scenario, "desk", use.paid_hours - use.overtime_hours, use.overtime_hours)
    )
    assert use.overtime_hours > 1
    assert use.cost_a_year == pytest.approx(use.cost * 365 / 7)
    assert use.cost_a_month == pytest.approx(use.cost_a_year / 12)


def test_a_break_at_night_is_no_night_hour(tmp_path: Path) -> None:
    loaded(tmp_path, DESK)
    changes = [f"pools.desk.nights={NIGHTS}", "pools.desk.shifts=[{from: '20:00', to: '04:00', staff: 1}]"]
    scenario = load(tmp_path / "doc.yaml", changes=[*changes, "pools.desk.breaks={lasts: 60 min}"])
    # The break lies in the middle, at midnight: of seven hours on seat five are at night.
    assert price(scenario, "desk") == pytest.approx(30 * (2 + 5 * 1.25) / 7)


def test_money_in_words(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, DESK)
    assert money(scenario, 8400) == "8,400 a week, 36,500 a month, 438,000 a year"
    euro = load(tmp_path / "doc.yaml", changes=["run.currency=EUR"])
    assert money(euro, 8400) == "8,400 EUR a week, 36,500 a month, 438,000 a year"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("pools.desk.overtime=-50 %", "a factor of the price lies between 0 % and 1000 %"),
        ("pools.desk.overtime=150", "a factor of the price lies between 0 % and 1000 %"),
        ("pools.desk.nights={from: '22:00', pay: 125 %}", "is missing"),
        ("run.full_time=200 h", "a full week of work lies between 1 h and 168 h"),
        ("run.shrinkage=100 %", "must be less than 1"),
        ("run.currency=''", "a name is made of letters, digits, spaces, _ and -"),
    ],
)
def test_what_money_cannot_be(tmp_path: Path, change: str, rule: str) -> None:
    loaded(tmp_path, DESK)
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path / "doc.yaml", changes=[change])
    assert [fault.rule for fault in caught.value.faults] == [rule]
