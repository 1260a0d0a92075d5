"""A comparison from Python is the one that the command leaves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import sim
from tests.cli.lines import tipline
from tests.studies.lines import DESK

VARIANTS = (
    DESK
    + """\
variants:
  one_more: {pools.desk.staff: 3}
  no_end: {targets.busy: null}
"""
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "desk.yaml"
    path.write_text(VARIANTS, encoding="utf-8")
    return path


def test_a_comparison_is_what_the_command_leaves(file: Path, tmp_path: Path) -> None:
    found = sim.compare(file, replications=3)
    done = tipline("compare", file, "--replications", "3", "--out", tmp_path / "command", "--json")
    assert done.exit_code == 0, done.output
    names = found.save(tmp_path / "python")
    assert names == ["compare.csv", "plots/compare.png", "plots/compare.svg"]
    for name in names:
        assert (tmp_path / "python" / name).read_bytes() == (tmp_path / "command" / name).read_bytes()
    data = json.loads(done.stdout)
    assert data.pop("format") == 1
    assert data.pop("folder") == str(tmp_path / "command")
    assert data == json.loads(json.dumps(found.data()))
    assert list(data["scenarios"]) == ["desk", "one_more", "no_end"]
    [lacking] = [row for row in data["compare"] if row["verdict"] == "no such target"]
    assert (lacking["scenario"], lacking["target"], lacking["value"]) == ("no_end", "busy", None)


def test_variants_may_be_named_and_scenarios_labelled(file: Path) -> None:
    other = sim.load(file, changes={"pools.desk.staff": 3})
    found = sim.compare(file, other, labels=["now", "more"], variants=["one_more"], replications=2)
    values = found.compare.pivot(index="target", columns="scenario", values="value")
    assert list(values.columns) == ["more", "more.one_more", "now", "now.one_more"]
    assert (values["more"] == values["now.one_more"]).all()
    assert (values["more"] != values["now"]).all()


def test_scenarios_of_one_file_are_told_apart(file: Path) -> None:
    other = sim.load(file, changes={"pools.desk.staff": 3})
    found = sim.compare(sim.load(file), other, replications=2)
    assert list(found.found.contenders[0].results) == ["quick", "busy"]
    assert [one.label for one in found.found.contenders] == [f"{file} 1", f"{file} 2"]


def test_nothing_to_compare_is_told() -> None:
    with pytest.raises(ValueError, match="nothing to compare"):
        sim.compare(DESK)
    with pytest.raises(ValueError, match="nothing to compare"):
        sim.compare()
    with pytest.raises(ValueError, match="a label each, all different"):
        sim.compare(DESK, DESK, labels=["a", "a"])
    with pytest.raises(ValueError, match=r"a label for each scenario \(got 1 for 2\)"):
        sim.compare(DESK, DESK, labels=["a"])
    with pytest.raises(sim.ScenarioError, match="there is no variant 'one_mare'; did you mean 'one_more'"):
        sim.compare(VARIANTS, variants=["one_mare"])
