"""The command `plausibility`: its files, its words, and a picture that can be read."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import sim
from sim.plots.plausibility import plausible_worlds
from sim.studies.plausibility import PlausibilityFound, PlausibilityQuestion, plausibility
from sim.studies.replicate import Settings
from sim.text.plausibility import answer, finding
from tests.cli import pictures
from tests.cli.lines import tipline
from tests.studies.lines import DESK, desk

LINE = DESK.replace("length: 7 d", "length: 2 d").replace(
    "demand.volume: {from: 4/h, to: 20/h}", "demand.volume: {low: 4/h, likely: 6/h, high: 20/h}"
)


def studied(folder: Path, *changes: str, worlds: int = 12, more_than: float = 100.0) -> PlausibilityFound:
    scenario = desk(folder, "", "", "run.length=2 d", *changes)
    return plausibility(PlausibilityQuestion(scenario, worlds=worlds, replications=2, more_than=more_than), Settings())


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, PlausibilityFound]:
    folder = tmp_path_factory.mktemp("plausibility")
    never = "plausible={stages.answer.service.exponential.mean: {low: 400 min, likely: 500 min, high: 600 min}}"
    return {
        "held": studied(folder),
        "more": studied(folder, more_than=13.0),
        "none": studied(folder, "targets={quick: {from: arrival, to: leave, within: 5 min, share: 80 %}}", never),
        "one": studied(folder, worlds=1),
    }


@pytest.mark.parametrize("name", ["held", "more", "none", "one"])
def test_the_picture_can_be_read(found: dict[str, PlausibilityFound], name: str) -> None:
    figure = plausible_worlds(found[name])
    assert not pictures.cut_off(figure)
    assert not pictures.overlapping(figure)
    assert not pictures.too_small(figure)
    assert not pictures.without_unit(figure)
    assert pictures.title(figure).startswith(finding(found[name]))


def test_the_picture_says_it_in_words(found: dict[str, PlausibilityFound]) -> None:
    said = pictures.said(plausible_worlds(found["more"]))
    assert {"tips an hour", "held with at most 13 FTE", "takes more than 13 FTE"} <= set(said)
    assert "full-time equivalents (FTE), all who are paid" in said
    assert "people on duty at a time, on average" in said
    assert not [one for one in said if "demand." in one or "_" in one]


def test_sentences(found: dict[str, PlausibilityFound]) -> None:
    lines = list(answer(found["held"]))
    assert lines[0] == "In every one of 12 plausible worlds some staffing of at most 100 FTE meets all 2 targets."
    assert lines[1].startswith("Where it holds, it takes about ")
    assert "Every unknown is uniform (every value as likely), as declared." in lines
    lines = list(answer(found["more"]))
    assert lines[0].startswith("In about ")
    assert "take more people" in lines[0]
    lines = list(answer(found["none"]))
    assert lines[0] == (
        "In none of 12 plausible worlds is it shown that some staffing of at most 100 FTE meets the target; "
        "no staff can in 100 %."
    )
    assert "What unlimited staff does not mend: quick in 12 worlds (first in 12)." in lines


def test_the_command(tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(LINE, encoding="utf-8")
    given = ("--worlds", "4", "--replications", "2")
    done = tipline("plausibility", file, *given, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert max(len(line) for line in done.output.splitlines()) <= 80
    with (tmp_path / "out" / "plausibility_worlds.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 4
    assert all(4 <= float(row["demand.volume_per_h"]) <= 20 for row in rows)
    again = tipline("plausibility", file, *given, "--out", tmp_path / "two", "--json", "--jobs", "2")
    data = json.loads(again.output)
    assert data["worlds"] == 4
    assert sum(row["worlds"] for row in data["plausibility"]) == 4
    assert {row["path"] for row in data["plausibility_thirds"]} == {
        row["path"] for row in data["plausibility_unknowns"]
    }
    from_python = sim.plausibility(file, worlds=4, replications=2)
    names = from_python.save(tmp_path / "python")
    assert {f"plausibility{part}.csv" for part in ("", "_worlds", "_fte", "_unknowns", "_distributions")} <= set(names)
    for name in names:
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "python" / name).read_bytes(), name


def test_what_is_no_question_says_so(tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(DESK[: DESK.index("plausible:")], encoding="utf-8")
    done = tipline("plausibility", file, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "needs unknowns other than staff under `plausible:`" in " ".join(done.output.split())
    assert not (tmp_path / "out").exists()
    done = tipline("plausibility", file, "--length", "soon")
    assert done.exit_code == 2
    assert "a duration is a number with its unit" in " ".join(done.output.split())


def test_check_says_how_values_are_spread(tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(LINE, encoding="utf-8")
    done = " ".join(tipline("check", file).output.split())
    assert "4/h to 20/h, most likely 6/h" in done
    assert "uniform (every value as likely)" in done
    rows = json.loads(tipline("check", file, "--json").output)["unknowns"]
    assert [row["spread"] for row in rows] == ["log-triangular", "uniform", "uniform", "uniform"]
    assert rows[0]["likely_in_unit"] == 6
