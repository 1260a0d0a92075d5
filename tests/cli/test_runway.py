"""The command `runway`: its files, its words, and a picture that can be read."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from sim.plots.runway import runway_years
from sim.studies.runway import Growing, Needs, RunwayFound, runway
from sim.text.ranges import runway_answer, runway_finding
from tests.cli import pictures
from tests.cli.lines import tipline
from tests.studies.lines import DESK, desk, tried

NONE = Needs((), {}, 8.4, ())
MORE = """\
  a_target_with_a_name_that_is_as_long_as_a_line: {from: arrival, to: answer.end, mean: 30 min}
  tenth: {from: arrival, to: answer.end, within: 12 h, share: 99.5 %, per: day, hold: 90 %}
plausible:"""


def test_pools_are_named_on_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(DESK, encoding="utf-8")
    asked = ("runway", file, "--growth", "15 %", "--years", "1", "--staff-years", "1", "--out", tmp_path / "out")
    data = json.loads(tipline(*asked, "--pools", "desk=5..6", "--json").stdout)
    assert [row["pools.desk.staff_people"] for row in data["runway_staff"]] == [2, 5, 5]
    bad = tipline(*asked, "--pools", "desk=few")
    assert bad.exit_code == 2
    assert "bounds are written desk=1..9" in " ".join(bad.output.split())


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunwayFound]:
    folder = tmp_path_factory.mktemp("runway")
    worlds = {
        "four": (desk(folder, "plausible:", MORE, "demand.volume=6/h"), (0.07, 0.15, 0.2, 0.25, 0.4)),
        "roomy": (desk(folder, "", "", "pools.desk.staff=6"), (0.05,)),
        "missed": (desk(folder, "", "", "demand.volume=20/h"), (0.1, 0.2)),
    }
    return {
        name: runway(Growing(scenario, 10), rates, tried(scenario), most_years=3)
        for name, (scenario, rates) in worlds.items()
    }


@pytest.mark.parametrize("name", ["four", "roomy", "missed"])
def test_the_picture_can_be_read(found: dict[str, RunwayFound], name: str) -> None:
    figure = runway_years(found[name])
    assert pictures.title(figure) == runway_finding(found[name])
    assert not pictures.cut_off(figure)
    assert not pictures.overlapping(figure)
    assert not pictures.too_small(figure)
    assert not pictures.without_unit(figure)


def test_the_picture_says_what_it_shows(found: dict[str, RunwayFound]) -> None:
    said = pictures.said(runway_years(found["four"]))
    assert {"quick", "at least 80 % in 5 min", "years of growth", "threshold", "missed from here on"} <= set(said)
    assert {f"{growth} % a year" for growth in (7, 15, 20, 25, 40)} <= set(said)


def test_sentences(found: dict[str, RunwayFound]) -> None:
    assert list(runway_answer(found["roomy"], NONE)) == [
        "Now, at 12 tips an hour, all targets are met with the present staffing.",
        "At 5 % growth a year all are met in the 3 years looked at, to 13.89 tips an hour.",
    ]
    assert "no growth looked at makes it a miss in 3 years" in runway_finding(found["roomy"])
    lines = list(runway_answer(found["missed"], Needs(("quick",), {}, 8.4, ())))
    assert lines[0].startswith("Now, at 20 tips an hour, targets are missed with the present staffing (")
    assert lines[1].startswith("At 10 % growth a year they are missed already (")
    assert lines[-1].startswith("No staff can meet quick")


def test_the_command(tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(DESK, encoding="utf-8")
    options = ("--growth", "20 %,0.4", "--years", "2", "--staff-years", "1", "--replications", "4")
    done = tipline("runway", file, *options, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert max(len(line) for line in done.output.splitlines()) <= 80
    assert "now there are 8.4" in done.output
    assert sorted(path.name for path in (tmp_path / "out").glob("*.csv")) == [
        "runway.csv",
        "runway_lengths.csv",
        "runway_staff.csv",
    ]
    with (tmp_path / "out" / "runway_staff.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["year_years"] for row in rows] == ["0", "0", "1", "1"]
    again = tipline("runway", file, *options, "--out", tmp_path / "two", "--json", "--jobs", "2")
    data = json.loads(again.output)
    assert [course["growth_share_a_year"] for course in data["runway_lengths"]] == [0.2, 0.4]
    people = [year["pools.desk.staff_people"] for year in data["runway_staff"]]
    assert people == [int(row["pools.desk.staff_people"]) for row in rows]
    for path in (tmp_path / "out").glob("*.csv"):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    assert (tmp_path / "out" / "plots" / "runway.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    "growth, said",
    [
        ("often", "is written 2 %"),
        ("15", "did you mean 15 %"),
        ("0 %", "lies above 0 %"),
        ("15", "at most at 1000 %"),
        ("5 %,5 %", "twice"),
    ],
)
def test_bad_growths_are_told(tmp_path: Path, growth: str, said: str) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(DESK, encoding="utf-8")
    done = tipline("runway", file, "--growth", growth, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert said in " ".join(done.output.replace("│", "").split())
    assert not (tmp_path / "out").exists()
