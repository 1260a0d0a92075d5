"""A map from Python is the one that the command leaves."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import sim
from sim.tables.declared import Family
from sim.tables.ranges import CELLS
from tests.cli.lines import tipline
from tests.studies.lines import DESK

X, Y = "pools.desk.staff=1..3", "demand.volume=6,12/h"


def test_a_map_is_what_the_command_leaves(tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(DESK, encoding="utf-8")
    found = sim.map(file, X, Y, replications=3)
    done = tipline("map", file, "--x", X, "--y", Y, "--replications", "3", "--out", tmp_path / "command")
    assert done.exit_code == 0, done.output
    assert found.save(tmp_path / "python") == ["map.csv", "plots/map.png", "plots/map.svg"]
    for name in ("map.csv", "plots/map.svg"):
        assert (tmp_path / "python" / name).read_bytes() == (tmp_path / "command" / name).read_bytes()
    pd.testing.assert_frame_equal(found.map, pd.read_csv(tmp_path / "command" / "map.csv"), check_dtype=False)
    assert found.holds == found.map["holds"].any()


def test_its_heads_are_those_that_are_declared(tmp_path: Path) -> None:
    found = sim.map(DESK, X, Y, replications=2)
    declared = [one.head for one in CELLS.columns if not isinstance(one, Family)]
    assert [head for head in found.map.columns if head in declared] == declared
    assert list(found.map.columns)[:2] == ["pools.desk.staff", "demand.volume_per_h"]
    assert list(found.map.columns)[-3:] == ["busy_share", "busy_verdict", "busy_held_share"]


def test_a_target_named_as_an_end_of_an_interval_keeps_its_own_column() -> None:
    """A target called `high` has the column `high_share`; that of the interval has another name."""
    found = sim.map(DESK.replace("quick:", "high:"), X, Y, replications=2)
    assert {"all_held_high_share", "high_share"} <= set(found.map.columns)
    assert found.map.columns.is_unique


def test_what_makes_no_map_is_told() -> None:
    with pytest.raises(ValueError, match="of two paths"):
        sim.map(DESK, X, X)
    with pytest.raises(ValueError, match="an axis is written"):
        sim.map(DESK, "pools.desk.staff", Y)
    with pytest.raises(sim.ScenarioError, match="did you mean 'staff'"):
        sim.map(DESK, "pools.desk.stuff=1..3", Y)
