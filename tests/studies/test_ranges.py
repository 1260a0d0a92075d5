"""Axes as a command line writes them, and the scenarios that come of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.scenario.faults import ScenarioError
from sim.scenario.loading import as_yaml, load
from sim.studies.ranges import Axis, Variations, as_written, axis, in_unit
from tests.studies.lines import DESK, desk


@pytest.mark.parametrize(
    "text, values",
    [
        ("pools.desk.staff=1..4", (1, 2, 3, 4)),
        ("pools.desk.staff=4..1", (4, 3, 2, 1)),
        ("pools.desk.staff=1..12:4", (1, 5, 8, 12)),
        ("pools.desk.staff=1..3:9", (1, 2, 3)),
        ("pools.desk.staff=2,5,9", (2, 5, 9)),
        ("pools.desk.staff=3..3", (3,)),
        ("centres=1..3", (1, 2, 3)),
        ("demand.volume=8000/year..100000/year:3", ("8000/year", "54000/year", "100000/year")),
        ("demand.volume=8000..100000/year:3", ("8000/year", "54000/year", "100000/year")),
        ("demand.volume = 1/h .. 100/h : 3 log", ("1/h", "10/h", "100/h")),
        ("demand.volume=24/day..2/h:2", ("24/day", "48/day")),
        ("demand.risk.high=1..14 %:3", (0.01, 0.075, 0.14)),
        ("demand.risk.high=0.01,0.02", (0.01, 0.02)),
        ("stages.a.service.lognormal.mean=5 min..1 h:4", ("5 min", "23.33 min", "41.67 min", "60 min")),
        ("stages.a.service.lognormal.cv=0.5..2:4", (0.5, 1.0, 1.5, 2.0)),
        ("pools.desk.at_shift_end=finish,resume", ("finish", "resume")),
    ],
)
def test_values(text: str, values: tuple[object, ...]) -> None:
    assert axis(text).values == values


def test_a_range_without_a_number_of_points_has_twelve() -> None:
    assert len(axis("demand.volume=1/h..2/h")) == 12


@pytest.mark.parametrize(
    "text, rule",
    [
        ("pools.desk.staff", "an axis is written path="),
        ("=1..3", "an axis is written path="),
        ("demand.volume=..3/h", "a range is written from..to"),
        ("demand.volume=1/h..3/h:many", "a range is written from..to"),
        ("demand.volume=1/h..3/h:1", "2 to 200 points"),
        ("pools.desk.staff=1..1000", "say how many points"),
        ("demand.risk.high=0..5 %:3 log", "lies above 0"),
        ("demand.volume=1/h..3 min", "a rate is a number a period"),
        ("demand.volume=1/h,2 %", "a rate is a number a period"),
        ("demand.volume=a1,3", r"must be a number \(got 'a1,3'\)"),
        ("pools.desk.staff=1-5", r"a range is written 1\.\.5 \(got '1-5'\)"),
        ("pools.desk.staff=1 to 5", r"a range is written 1\.\.5 \(got '1 to 5'\)"),
    ],
)
def test_what_is_no_axis(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        axis(text)


@pytest.mark.parametrize(
    "text, value, place",
    [
        ("demand.volume=10..30/h:3", "20/h", 1.0),
        ("demand.volume=10..30/h:3", "600/d", 1.5),
        ("demand.volume=10..30/h:3", "31/h", None),
        ("demand.volume=30,10/h", "15/h", 0.75),
        ("demand.volume=10..30/h:3", None, None),
        ("pools.desk.staff=3..3", 3, 0.0),
        ("demand.risk.high=1,2 %", 0.015, 0.5),
        ("pools.desk.at_shift_end=finish,resume", "resume", 1.0),
        ("pools.desk.at_shift_end=finish,resume", None, None),
    ],
)
def test_where_a_value_stands(text: str, value: object, place: float | None) -> None:
    found = axis(text).place(value)
    assert found is None if place is None else found == pytest.approx(place)


def test_what_is_written_reads_back_as_the_same_number() -> None:
    for unit, number in (("/year", 16360.0), ("min", 0.1), ("h", 1 / 3), ("%", 0.035), ("", 2.5)):
        assert in_unit(as_written(number, unit, whole=False), unit) == pytest.approx(number, rel=1e-9)


def test_heads_of_columns_have_units() -> None:
    heads = [axis(f"a={values}").column for values in ("1,2 %", "1,2/h", "1,2 min", "1,2")]
    assert heads == ["a_share", "a_per_h", "a_min", "a"]


def test_variations_are_the_scenario_with_values_set(tmp_path: Path) -> None:
    """As if the values had been given with the command: the same hash, and so the same world."""
    changes = {"demand.volume": "20/h", "demand.risk.high": 0.3, "stages.answer.service.exponential.mean": "7 min"}
    found = Variations(desk(tmp_path)).at(changes)
    given = desk(tmp_path, "", "", *(f"{path}={value}" for path, value in changes.items()))
    assert found.hash == given.hash
    assert found.demand.risk == {"tip": {"high": 0.3, "low": 0.7}}
    assert Variations(given).at({}).hash == given.hash


def test_variations_keep_the_changes_of_the_command(tmp_path: Path) -> None:
    variations = Variations(desk(tmp_path, "", "", "pools.desk.staff=5"))
    assert variations.at({"demand.volume": "20/h"}).pools["desk"].staff == 5
    assert variations.value("pools.desk.staff") == 5
    assert variations.value("stages.answer.service.exponential.mean") == "10 min"
    assert variations.value("stages.0.service.exponential.mean") == "10 min"
    assert variations.value("pools.desk") is None
    assert variations.value("pools.desk.price") is None


def test_a_path_that_leads_nowhere_is_the_documents_to_refuse(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="there is no 'desks'"):
        Variations(desk(tmp_path)).at({"pools.desks.staff": 1})


def test_an_axis_of_one_value_twice_has_it_once() -> None:
    assert axis("pools.desk.staff=2,2,3") == Axis("pools.desk.staff", (2, 3), (2.0, 3.0), "")


def test_variants_that_no_longer_fit_are_no_fault_of_a_range(tmp_path: Path) -> None:
    path = tmp_path / "desk.yaml"
    variants = (
        "variants:\n  one: {targets: {busy: {pool: desk, occupancy: 80 %}}}\n  two: {targets.quick.share: 70 %}\n"
    )
    path.write_text(DESK + variants, encoding="utf-8")
    found = Variations(load(path, variant="one")).at({"pools.desk.staff": 3})
    assert (list(found.targets), found.pools["desk"].staff) == (["busy"], 3)
    (tmp_path / "scenario.yaml").write_text(as_yaml(load(path, variant="one")))
    assert list(load(tmp_path / "scenario.yaml").targets) == ["busy"]
    (tmp_path / "scenario.yaml").write_text(as_yaml(load(path)))
    assert set(load(tmp_path / "scenario.yaml").variants) == {"one", "two"}
