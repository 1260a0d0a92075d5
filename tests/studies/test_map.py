"""The map: every cell is what a run of its scenario comes to, and the line gets the replications."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sim.measures.estimates import each_of
from sim.measures.targets import joint, results
from sim.scenario.loading import load
from sim.scenario.schema import Scenario
from sim.studies.map import Grid, MapFound, looks, plausibility
from sim.studies.ranges import axis
from sim.tables.ranges import CELLS, cells
from tests.scenario.small import loaded
from tests.studies.lines import desk, simulated, tried
from tests.studies.test_recorded import line, recorded

__all__ = ["simulated"]

STAFF = axis("pools.desk.staff=1..6")
VOLUME = axis("demand.volume=4..28/h:5")


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    return desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def found(scenario: Scenario) -> MapFound:
    return plausibility(Grid(scenario, STAFF, VOLUME), tried(scenario))


def test_a_cell_is_what_its_scenario_comes_to(scenario: Scenario, found: MapFound, tmp_path: Path) -> None:
    for row, column in ((0, 0), (2, 2), (4, 5), (1, 1)):
        cell = found.cells[row][column]
        changed = desk(tmp_path, "", "", f"pools.desk.staff={column + 1}", f"demand.volume={VOLUME.values[row]}")
        sample = tried(changed).sample(changed, cell.replications)
        alone = joint(sample)
        assert cell.share == alone.shares["run"].share
        assert [one.value for one in cell.targets] == [one.value for one in results(sample)]
        assert [one.low for one in cell.targets] == [one.low for one in alone.results]
        assert cell.verdict == joint(sample, each_of(0.95, 3)).verdict
        assert cell.held == tuple(one.held["run"].share.value for one in alone.results)


def test_more_people_hold_and_more_tips_fail(found: MapFound) -> None:
    held = [[found.holds(cell) for cell in row] for row in found.cells]
    assert not held[4][0]
    assert held[0][5]
    for row in held:
        assert row == sorted(row)
    for column in zip(*held, strict=True):
        assert list(column) == sorted(column, reverse=True)


def test_few_replications_far_from_the_line_and_many_near_it(found: MapFound) -> None:
    held = {(r, c): found.holds(cell) for r, row in enumerate(found.cells) for c, cell in enumerate(row)}
    for (r, c), one in held.items():
        cell = found.cells[r][c]
        beside = [held.get(at, one) for at in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1))]
        near = cell.verdict == "undecided" or 0 < cell.share.value < 1 or any(other != one for other in beside)
        if near:
            assert cell.replications == 10
    few = [cell for cell in found if cell.replications == 4]
    assert len(few) >= 10
    assert {cell.verdict for cell in few} == {"met", "missed"}


def test_what_was_not_run_is_what_it_comes_to(scenario: Scenario) -> None:
    """Cells between two that came to the same are inferred, and told as that; run, they come to that too."""
    grid = Grid(scenario, axis("pools.desk.staff=9..1"), axis("demand.volume=4,10,22/h"))
    found, whole = (plausibility(grid, tried(scenario), every_cell=every) for every in (False, True))
    assert not whole.n_inferred
    assert found.n_inferred >= 8
    assert sum(cell.replications for cell in found) < sum(cell.replications for cell in whole)
    for cell, run in zip(found, whole, strict=True):
        assert (cell.verdict, cell.share.value) == (run.verdict, run.share.value)
        assert cell.first == run.first or (cell.inferred and found.holds(cell))
        if cell.inferred:
            assert (cell.replications, cell.judged, cell.targets, cell.held) == (0, 0, (), ())
    table = CELLS.of(cells(found)).frame
    assert list(table["inferred"]) == [cell.inferred for cell in found]
    assert table.loc[table["inferred"], "quick_share"].isna().all()


def test_the_outermost_cells_and_the_one_nearest_the_file_are_run(found: MapFound) -> None:
    assert not any(cell.inferred for row in found.cells for cell in (row[0], row[-1]))
    column, row = found.nearest
    assert column is not None
    assert row is not None
    assert not found.cells[row][column].inferred


def test_every_cell_is_run_where_more_people_may_hurt(tmp_path: Path) -> None:
    """As the certificate of a search takes it: where tips are turned away."""
    limited = desk(tmp_path, "pool: desk, service", "pool: desk, waiting_room: 3, service")
    assert Grid(desk(tmp_path), STAFF, VOLUME).monotone
    assert not Grid(limited, STAFF, VOLUME).monotone
    assert not Grid(limited, axis("demand.risk.high=1,2,3 %"), VOLUME).monotone
    found = plausibility(Grid(limited, STAFF, axis("demand.volume=4,8/h")), tried(limited), replications=2)
    assert not found.n_inferred


STARVED = """\
scenario: Two desks
run: {start: 2025-01-06 00:00, length: 7 d, cool_down: 1 d, replications: 6, seed: 11}
demand: {volume: 30/h}
pools: {first: {staff: 2}, second: {staff: 4}}
stages:
  - {name: open, pool: first, service: {exponential: {mean: 6 min}}}
  - {name: answer, pool: second, service: {exponential: {mean: 7 min}}}
targets:
  quick: {from: open.end, to: answer.start, within: 2 min, share: 80 %}
"""


def test_too_few_people_who_keep_tips_from_the_next_line_tell_nothing_of_more(tmp_path: Path) -> None:
    """One or two at the first desk open so few that the second is quick; with all opened it is not: the cells between
    are run, though the outermost ones agree."""
    path = tmp_path / "two.yaml"
    path.write_text(STARVED, encoding="utf-8")
    scenario = load(path)
    grid = Grid(scenario, axis("pools.first.staff=1..9"), axis("pools.second.staff=4"))
    found, whole = (plausibility(grid, tried(scenario), every_cell=every) for every in (False, True))
    for cell, run in zip(found, whole, strict=True):
        assert (cell.verdict, cell.share.value) == (run.verdict, run.share.value)
    assert [cell.inferred for cell in found][:3] == [False] * 3
    assert found.n_inferred


def test_a_map_of_what_is_recorded_comes_to_an_end(tmp_path: Path) -> None:
    """Nothing is left to chance: a cell has one replication, however many are asked for, and every cell is run."""
    recorded(tmp_path, 1)
    scenario = loaded(tmp_path, line(tmp_path, 1), changes=["targets.quick.share=90 %"])
    grid = Grid(scenario, axis("pools.desk.staff=1..5"), axis("targets.quick.within=4,5 min"))
    found = plausibility(grid, tried(scenario))
    assert [cell.replications for cell in found] == [1] * 10
    assert {found.holds(cell) for cell in found} == {True, False}


def test_the_target_that_fails_first(found: MapFound) -> None:
    """On a desk where nearly nobody waits it is the wait that fails; the occupancy where a target on it is tight."""
    assert found.cells[4][0].first in ("quick", "busy")
    for cell in (cell for cell in found if not cell.inferred):
        names = [one.name for one in cell.targets]
        assert cell.held[names.index(cell.first or "")] == min(cell.held)


def test_the_file_s_own_values_are_marked(found: MapFound) -> None:
    assert found.present[0] == 1
    assert found.present[1] == pytest.approx(8 / 6)
    assert found.nearest == (1, 1)


def test_the_axes_may_be_exchanged(scenario: Scenario, found: MapFound) -> None:
    """The rounds depend on what all cells came to and on nothing else."""
    turned = plausibility(Grid(scenario, VOLUME, STAFF), tried(scenario))
    for r, row in enumerate(found.cells):
        for c, cell in enumerate(row):
            other = turned.cells[c][r]
            assert (cell.replications, cell.share, cell.verdict) == (other.replications, other.share, other.verdict)


def test_cells_share_draws_where_the_axis_does_not_change_them(
    scenario: Scenario, simulated: Callable[[], tuple[int, int]]
) -> None:
    grid = Grid(scenario, STAFF, axis("demand.volume=4,28/h"))
    plausibility(grid, tried(scenario), replications=4, every_cell=True)
    assert simulated() == (2 * 4, 12 * 4)


def test_an_interrupted_map_goes_on_where_it_was(
    scenario: Scenario, found: MapFound, tmp_path: Path, simulated: Callable[[], tuple[int, int]]
) -> None:
    whole = sum(cell.replications for cell in found)
    with pytest.raises(KeyboardInterrupt):
        plausibility(Grid(scenario, STAFF, VOLUME), tried(scenario, tmp_path, stop_after=150))
    assert simulated()[1] == 150
    resumed = plausibility(Grid(scenario, STAFF, VOLUME), tried(scenario, tmp_path, resume=True))
    assert simulated()[1] == whole - 150
    assert CELLS.of(cells(resumed)).csv == CELLS.of(cells(found)).csv


def test_periods_in_place_of_runs(scenario: Scenario) -> None:
    grid = Grid(scenario, axis("pools.desk.staff=2..3"), axis("demand.volume=10,14/h"))
    found = plausibility(grid, tried(scenario), per="day")
    assert [cell.judged for cell in found] == [7 * cell.replications for cell in found]
    assert all(0 <= cell.share.low <= cell.share.value <= cell.share.high <= 1 for cell in found)


def test_how_many_replications_there_will_be_is_told(scenario: Scenario) -> None:
    told: list[int] = []
    trials = tried(scenario)
    trials.settings = replace(trials.settings, expect=told.append)
    found = plausibility(Grid(scenario, STAFF, VOLUME), trials)
    assert told[0] == 2 * 4
    assert told == sorted(told)
    assert told[-1] == trials.n_done == sum(cell.replications for cell in found)


def test_the_table_has_a_row_a_cell_and_units(found: MapFound) -> None:
    frame = CELLS.of(cells(found)).frame
    assert len(frame) == 30
    assert list(frame.columns)[:5] == [
        "pools.desk.staff",
        "demand.volume_per_h",
        "replications",
        "judged_runs",
        "all_held_share",
    ]
    assert set(frame["pools.desk.staff"]) == set(range(1, 7))
    assert {"quick_share", "quick_verdict", "busy_held_share", "first_to_fail"} <= set(frame.columns)


def test_looks_grow_to_the_most() -> None:
    assert looks(1) == (1,)
    assert looks(4) == (4,)
    assert looks(5) == (4, 5)
    assert looks(20) == (4, 8, 16, 20)


def test_what_makes_no_map(scenario: Scenario, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="of two paths"):
        Grid(scenario, STAFF, STAFF)
    bare = desk(tmp_path, "", "", "targets=null")
    with pytest.raises(ValueError, match="needs targets"):
        Grid(bare, STAFF, VOLUME)
