"""A study of sensitivity from Python is the one that the command leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

import sim
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
