"""The command `sensitivity`: its files, its words, and pictures that can be read."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from sim.plots.sensitivity import along_one, ranked, scatter
from sim.studies.sensitivity import RangeBox, SensitivityFound, sensitivity
from sim.text.ranges import sensitivity_answer, sensitivity_finding
from tests.cli import pictures
from tests.cli.lines import tipline
from tests.studies.lines import DESK, desk, tried

ONE = "plausible={demand.volume: {from: 4/h, to: 20/h}}"
CLOSE = """\
  at_once: {from: arrival, to: answer.start, within: 1 s, share: 20 %}
  soon: {from: arrival, to: answer.start, within: 2 s, share: 20 %}
  a_target_with_a_name_that_is_as_long_as_a_line: {from: arrival, to: answer.start, within: 3 s, share: 20 %}
  as_soon: {from: arrival, to: answer.start, within: 4 s, share: 20 %}
  later: {from: arrival, to: answer.start, within: 4 s, share: 21 %}
  latest: {from: arrival, to: answer.start, within: 4 s, share: 22 %}
  mean: {from: arrival, to: answer.start, mean: 200 h}
plausible:"""


def studied(folder: Path, *changes: str, old: str = "", new: str = "", with_staff: bool = False) -> SensitivityFound:
    scenario = desk(folder, old, new, "run.length=2 d", *changes)
    return sensitivity(RangeBox(scenario, 2, with_staff=with_staff), tried(scenario), n_rows=8)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SensitivityFound]:
    folder = tmp_path_factory.mktemp("sensitivity")
    never = "plausible={demand.volume: {from: 30/h, to: 40/h}, demand.risk.high: {from: 1 %, to: 20 %}}"
    return {
        "three": studied(folder),
        "staff": studied(folder, with_staff=True),
        "never": studied(folder, never),
        "many": studied(folder, old="plausible:", new=CLOSE),
        "one": studied(folder, ONE),
        "one_many": studied(folder, ONE, old="plausible:", new=CLOSE),
        "one_holds": studied(folder, "plausible={demand.volume: {from: 1/h, to: 2/h}}"),
    }


def readable(figure: Figure) -> None:
    assert not pictures.cut_off(figure)
    assert not pictures.overlapping(figure)
    assert not pictures.too_small(figure)
    assert not pictures.without_unit(figure)


@pytest.mark.parametrize("name", ["three", "staff", "never", "many"])
def test_effects_and_points_can_be_read(found: dict[str, SensitivityFound], name: str) -> None:
    readable(ranked(found[name]))
    readable(scatter(found[name]))


@pytest.mark.parametrize("name", ["one", "one_many", "one_holds"])
def test_one_range_can_be_read(found: dict[str, SensitivityFound], name: str) -> None:
    readable(along_one(found[name]))


def test_the_pictures_say_what_they_show(found: dict[str, SensitivityFound]) -> None:
    study = found["three"]
    said = pictures.said(ranked(study))
    assert pictures.title(ranked(study)).startswith(sensitivity_finding(study))
    assert {"tips an hour", "mean service at answer (min)", "true share of high (%)"} <= set(said)
    assert "share of the variance of whether all targets hold" in said
    assert "share of the variance of the margin of quick" in pictures.said(ranked(found["never"]))
    assert "the verdict turns here" in " ".join(pictures.said(along_one(found["one"])))


def test_sentences(found: dict[str, SensitivityFound]) -> None:
    lines = list(sensitivity_answer(found["three"]))
    assert lines[0].startswith("All targets hold in ")
    assert any(line.startswith("What decides whether all targets hold most is ") for line in lines)
    assert any("demand.risk.high, the others as they are, never turns the verdict" in line for line in lines)
    lines = list(sensitivity_answer(found["never"]))
    assert lines[0].startswith("The verdict never changes over the ranges: some target fails at every point")
    assert any("the margin of quick most is demand.volume" in line for line in lines)
    assert next(sensitivity_answer(found["one_holds"])).startswith(
        "The verdict never changes over the ranges: all targets hold"
    )
    [turn] = found["one"].along[0].turns
    assert any(
        f"turns the verdict at {turn.value:.3g}/h (all hold below" in line for line in sensitivity_answer(found["one"])
    )


def test_the_command(tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(DESK, encoding="utf-8")
    done = tipline("sensitivity", file, "--points", "4", "--replications", "2", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert max(len(line) for line in done.output.splitlines()) <= 80
    tables = sorted(path.name for path in (tmp_path / "out").glob("*.csv"))
    assert tables == [f"sensitivity{part}.csv" for part in ("", "_points", "_share", "_turns")]
    pictures = sorted(path.name for path in (tmp_path / "out" / "plots").iterdir())
    assert pictures == [f"sensitivity{part}.{form}" for part in ("", "_points") for form in ("png", "svg")]
    with (tmp_path / "out" / "sensitivity.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == 3 * 3
    again = tipline(
        "sensitivity", file, "--points", "4", "--replications", "2", "--out", tmp_path / "two", "--json", "--jobs", "2"
    )
    data = json.loads(again.output)
    together = {row["range"] for row in data["sensitivity"] if row["effect_on"] == "all together"}
    assert {row["range"] for row in data["sensitivity_turns"]} == together
    assert data["rows"] == 4
    assert data["sensitivity_share"][0]["points"] == 8
    assert "8 points, from 4 rows of the design" in data["answer"][0]
    for name in tables:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_without_ranges_it_says_so(tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(DESK[: DESK.index("plausible:")], encoding="utf-8")
    done = tipline("sensitivity", file, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "needs unknowns under `plausible:`" in done.output
    assert not (tmp_path / "out").exists()
