"""A study of sensitivity from Python is the one that the command leaves."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

import sim
from sim.answers.ranges import Sensitivity
from tests.cli.lines import tipline
from tests.studies.lines import DESK

ONE = DESK[: DESK.index("plausible:")] + "plausible: {demand.volume: {from: 4/h, to: 20/h}}\n"


@pytest.mark.parametrize("text", [DESK, ONE], ids=["three ranges", "one range"])
def test_a_study_is_what_the_command_leaves(tmp_path: Path, text: str) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(text, encoding="utf-8")
    found = sim.sensitivity(file, rows=4, replications=2)
    done = tipline("sensitivity", file, "--points", "4", "--replications", "2", "--out", tmp_path / "command")
    assert done.exit_code == 0, done.output
    left = {str(path.relative_to(tmp_path / "command")) for path in (tmp_path / "command").rglob("*.*")}
    names = found.save(tmp_path / "python")
    assert {*names, "scenario.yaml", "sensitivity.json"} == left
    for name in names:
        assert (tmp_path / "python" / name).read_bytes() == (tmp_path / "command" / name).read_bytes()


def test_a_row_is_a_row_of_the_design() -> None:
    found = sim.sensitivity(DESK, rows=5, replications=1)
    assert found.data()["rows"] == 8
    assert found.sensitivity_points["row"].nunique() == 8
    assert len(found.sensitivity_points) == 8 * (3 + 2)
    assert list(found.sensitivity_share["points"]) == [2 * 8]
    assert found.sensitivity_share.columns[:3].tolist() == ["holding_share", "holding_low_share", "holding_high_share"]
    assert found.sensitivity_points.columns[2:5].tolist() == [
        "demand.volume_per_h",
        "stages.answer.service.exponential.mean_min",
        "demand.risk.high_share",
    ]


def test_points_have_few_replications_unless_it_says_otherwise() -> None:
    found = sim.sensitivity(ONE, rows=4)
    assert set(found.sensitivity_points["replications"]) == {4}


def test_without_ranges_it_says_so() -> None:
    with pytest.raises(ValueError, match="needs unknowns under `plausible:`"):
        sim.sensitivity(DESK[: DESK.index("plausible:")])


def test_of_four_rows_nothing_is_said_to_decide() -> None:
    found = sim.sensitivity(DESK, rows=4, replications=1)
    assert "What decides is not told: 4 rows are too few, 8 the least." in found.sentences()
    found.plot()


def test_an_effect_that_few_points_do_not_tell_is_said_not_to_be_and_comes_last() -> None:
    found = sim.sensitivity(DESK, rows=8, replications=1).found
    first, *others = found.deciding.total
    untold = replace(first, value=math.nan, low=math.nan, high=math.nan)
    effects = replace(found.deciding, total=(untold, *others), rows=8)
    each = dict.fromkeys(found.each, effects)
    less = Sensitivity(replace(found, together=effects, each=each))
    path = found.unknowns[0].path
    assert f"{path} not told by so few points." in " ".join(less.sentences())
    ranks = less.sensitivity.groupby("effect_on")["range"].last()
    assert set(ranks) == {path}
    less.plot()
