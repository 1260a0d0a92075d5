"""Sensitivity of small lines: effects, shares and turns that can be told beforehand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sim.answers.ranges import Sensitivity as Answer
from sim.scenario.faults import ScenarioError
from sim.scenario.schema import Scenario
from sim.studies.sensitivity import RangeBox, SensitivityFound, sensitivity, unknowns
from sim.tables import ranges as tables
from tests.studies.lines import desk, simulated, tried

__all__ = ["simulated"]

BUSY = "targets.quick=null"
"""The occupancy alone is judged: volume times service over staff, as long as that is below 1."""
ROOMY = ("stages.answer.service=10 min", "plausible={demand.volume: {from: 4/h, to: 20/h}}", "pools.desk.staff=3", BUSY)


def studied(
    scenario: Scenario, n_rows: int = 16, replications: int = 2, *, with_staff: bool = False
) -> SensitivityFound:
    return sensitivity(RangeBox(scenario, replications, with_staff=with_staff), tried(scenario), n_rows=n_rows)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> SensitivityFound:
    return studied(desk(tmp_path_factory.mktemp("desk")), 32)


def test_effects_on_an_occupancy_are_those_of_a_product(tmp_path: Path) -> None:
    """Volume (4 to 20 an hour) times service (4 to 12 min) over 6 people, which is always below 1."""
    found = studied(desk(tmp_path, "", "", "pools.desk.staff=6", BUSY), 32)
    means, spreads = (12, 8), (16**2 / 12, 8**2 / 12)
    alone = spreads[0] * means[1] ** 2, spreads[1] * means[0] ** 2
    both = spreads[0] * spreads[1]
    variance = sum(alone) + both
    effects = found.each["busy"]
    for i in range(2):
        assert effects.first[i].low <= alone[i] / variance <= effects.first[i].high
        assert effects.total[i].low <= (alone[i] + both) / variance <= effects.total[i].high


def test_common_tips_leave_no_noise(found: SensitivityFound) -> None:
    """The share of high risk changes no time at all, and its effect is exactly none."""
    i = [unknown.path for unknown in found.unknowns].index("demand.risk.high")
    for effects in (found.together, *found.each.values()):
        assert (effects.total[i].low, effects.total[i].high) == (0, 0)
    assert found.ranked[-1] == i


def test_staff_is_no_unknown_unless_asked_for(tmp_path: Path) -> None:
    scenario = desk(tmp_path)
    assert [one.path for one in unknowns(scenario, with_staff=False)] == list(scenario.plausible)[:3]
    assert [one.path for one in unknowns(scenario, with_staff=True)] == list(scenario.plausible)


def test_whole_numbers_have_equal_parts(tmp_path: Path) -> None:
    *_, staff = unknowns(desk(tmp_path), with_staff=True)
    parts = [staff.number((k + 0.5) / 600) for k in range(600)]
    assert [parts.count(n) for n in range(1, 7)] == [100] * 6
    assert staff.number(1.0) == 6


def test_the_value_at_which_the_verdict_turns(tmp_path: Path) -> None:
    """3 people at 90 % do 16.2 tips of 10 min an hour; what arrived differs from the rate by some percent."""
    found = studied(desk(tmp_path, "", "", *ROOMY), 8)
    [along] = found.along
    [turn] = along.turns
    assert along.holds_at_ends == (True, False)
    assert turn.value == pytest.approx(16.2, rel=0.05)
    assert 0 < turn.above - turn.below <= 16 / 500
    assert turn.holds_below
    assert turn.first == "busy"


def test_a_turn_is_where_runs_of_their_own_turn(tmp_path: Path) -> None:
    found = studied(desk(tmp_path, "", "", *ROOMY), 8)
    [turn] = found.along[0].turns
    for volume, holds in ((turn.below, True), (turn.above, False)):
        scenario = desk(tmp_path, "", "", *ROOMY, f"demand.volume={volume}/h")
        sample = tried(scenario).sample(scenario, scenario.run.replications)
        busy = sample.ratio[:, 0, 0].sum(axis=0)
        assert (busy[0] / busy[1] <= 0.9) == holds


def test_a_turn_of_whole_numbers_is_between_neighbours(tmp_path: Path) -> None:
    """12 tips of 10 min an hour keep 2 of 2 people busy, and two thirds of 3."""
    service = ("stages.answer.service=10 min", BUSY, "plausible={pools.desk.staff: {from: 1, to: 6}}")
    found = studied(desk(tmp_path, "", "", *service), 2, with_staff=True)
    [turn] = found.along[0].turns
    assert (turn.below, turn.above, turn.holds_below) == (2, 3, False)


def test_a_range_that_never_turns_the_verdict(found: SensitivityFound) -> None:
    along = next(one for one in found.along if one.unknown.path == "demand.risk.high")
    assert along.turns == ()
    assert along.holds_at_ends == (False, False)
    rows = tables.TURNS.of(tables.turns(found)).frame
    assert list(rows[rows["range"] == "demand.risk.high"]["turns"]) == ["never"]


def test_the_share_of_the_ranges_is_that_of_its_points(found: SensitivityFound) -> None:
    holding = [one.holds for one in found.sampled]
    assert len(holding) == 2 * 32
    assert found.share.value == pytest.approx(sum(holding) / len(holding))
    assert found.share.low < found.share.value < found.share.high
    assert found.changes


@pytest.mark.parametrize("volume, holds", [("{from: 1/h, to: 2/h}", True), ("{from: 30/h, to: 40/h}", False)])
def test_a_verdict_that_never_changes_ranks_margins(tmp_path: Path, volume: str, holds: bool) -> None:
    ranges = f"plausible={{demand.volume: {volume}, demand.risk.high: {{from: 1 %, to: 20 %}}}}"
    found = studied(desk(tmp_path, "", "", ranges, "pools.desk.staff=3"), 8)
    assert not found.changes
    assert not found.together.known
    assert found.share.value == float(holds)
    assert found.binding is not None
    assert found.deciding is found.each[found.binding]
    assert found.ranked == [0, 1]


def test_what_holds_is_what_the_values_say(found: SensitivityFound) -> None:
    for one in found.sampled:
        quick, busy = one.targets
        assert one.holds == (quick.value >= 0.8 and busy.value <= 0.9)
        assert one.margins[0] == pytest.approx(quick.value - 0.8)
        assert one.margins[1] == pytest.approx(0.9 - busy.value)


def test_points_that_the_document_does_not_allow_are_counted(tmp_path: Path) -> None:
    """Two shares of one group that add up to more than all of it."""
    risk = "demand.risk={high: 10 %, low: 80 %, non: 10 %}"
    ranges = "plausible={demand.risk.high: {from: 0 %, to: 100 %}, demand.risk.low: {from: 0 %, to: 100 %}}"
    found = studied(desk(tmp_path, "", "", risk, ranges), 16, 1)
    beyond = [sum(one.numbers) > 1 for row in found.outcomes for one in row]
    assert found.n_impossible == sum(beyond) > 0
    assert len(found.sampled) + sum(not one.possible for row in found.outcomes for one in row[:2]) == 32
    assert tables.SHARE.of([found]).frame["impossible_points"][0] == found.n_impossible


def test_one_range_is_enough(tmp_path: Path) -> None:
    found = studied(desk(tmp_path, "", "", *ROOMY), 8)
    assert len(found.outcomes) == 8
    assert found.n_run <= 2 * 8 + 1 + 18
    assert found.together.total[0].value == 1


def test_an_interrupted_study_goes_on_where_it_was(tmp_path: Path, simulated: Callable[[], tuple[int, int]]) -> None:
    scenario = desk(tmp_path)
    kept = tmp_path / "kept"
    whole = studied(scenario)
    _, n_all = simulated()
    with pytest.raises(KeyboardInterrupt):
        sensitivity(RangeBox(scenario, 2), tried(scenario, kept, stop_after=41), n_rows=16)
    assert simulated()[1] == 41
    resumed = sensitivity(RangeBox(scenario, 2), tried(scenario, kept, resume=True), n_rows=16)
    assert simulated()[1] == n_all - 41
    for one, other in zip(Answer(resumed).filled(), Answer(whole).filled(), strict=True):
        assert one.csv == other.csv


def test_rows_are_rounded_up_to_a_power_of_two(tmp_path: Path) -> None:
    assert [studied(desk(tmp_path, "", "", *ROOMY), n, 1).n_rows for n in (2, 5)] == [2, 8]


def test_a_range_that_the_changes_took_the_path_of(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="has no parts such as 'exponential'"):
        RangeBox(desk(tmp_path, "", "", "stages.answer.service=10 min"), 2)


def test_what_cannot_be_studied(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs targets"):
        RangeBox(desk(tmp_path, "", "", "targets=null"), 2)
    with pytest.raises(ValueError, match="--with-staff takes it in"):
        RangeBox(desk(tmp_path, "", "", "plausible={pools.desk.staff: {from: 1, to: 6}}"), 2)
    with pytest.raises(ValueError, match=r"the scenario has none$"):
        RangeBox(desk(tmp_path, "", "", "plausible=null"), 2)
