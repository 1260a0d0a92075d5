"""The plausibility answer on lines whose answer is known beforehand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from sim.measures.theory import erlang_c
from sim.scenario.loading import load
from sim.scenario.schema import Scenario
from sim.studies.effects import explained, rank_correlation
from sim.studies.plausibility import PlausibilityFound, PlausibilityQuestion, plausibility, quantile
from sim.studies.replicate import Settings
from sim.studies.staff.staffed import fte
from sim.studies.trials import QuestionError
from sim.studies.worlds import least_fte, on_duty

LINE = """\
scenario: A delay before a desk
run: {start: 2025-01-06 00:00, warm_up: 6 h, length: 2 d, cool_down: 1 d, replications: 4, seed: 5}
demand: {volume: 12/h}
pools: {desk: {staff: 1}}
stages:
  - {name: gate, delay: 10 min}
  - {name: answer, pool: desk, service: {exponential: {mean: 10 min}}}
targets: {quick: {from: arrival, to: answer.start, within: 20 min, share: 80 %}}
plausible:
  stages.gate.delay: {low: 4 min, likely: 8 min, high: 40 min}
  pools.desk.staff: {from: 1, to: 2}
"""
"""Nobody is served before the delay is over: some staff holds exactly where it is 20 min or less. On average two people
are busy, and the range of staff would allow no more."""
BOUND = 20.0


def line(folder: Path, old: str = "", new: str = "") -> Scenario:
    assert old in LINE
    path = folder / "line.yaml"
    path.write_text(LINE.replace(old, new, 1), encoding="utf-8")
    return load(path)


def studied(
    scenario: Scenario, worlds: int = 32, settings: Settings | None = None, **asked: object
) -> PlausibilityFound:
    return plausibility(PlausibilityQuestion(scenario, worlds=worlds, replications=2, **asked), settings or Settings())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> PlausibilityFound:
    return studied(line(tmp_path_factory.mktemp("line")))


def test_some_staff_holds_where_the_delay_leaves_time(found: PlausibilityFound) -> None:
    for world in found.worlds:
        assert world.outcome == ("held" if world.numbers[0] <= BOUND else "no staff"), world


def test_the_share_is_that_of_the_declared_distribution(found: PlausibilityFound) -> None:
    [unknown] = found.unknowns
    share, expected = found.share("held"), unknown.range.cdf(BOUND)
    assert share.low <= expected <= share.high
    assert share.value == pytest.approx(expected, abs=1 / len(found.worlds))
    assert found.count("held") + found.count("no staff") == len(found.worlds)


def test_the_same_worlds_tell_of_other_distributions(found: PlausibilityFound) -> None:
    [unknown] = found.unknowns
    for one in found.reweighted:
        expected = unknown.range.cdf(BOUND, one.spread)
        assert one.held.low <= expected <= one.held.high
        assert 1 < one.effective < len(found.worlds)
    assert {(one.which if isinstance(one.which, str) else "one", one.spread) for one in found.reweighted} == {
        (which, spread) for which in ("one", "deciding", "all") for spread in ("uniform", "log-uniform")
    }
    uniform = next(one for one in found.reweighted if one.spread == "uniform")
    assert uniform.held.value < found.share("held").value


def test_people_are_those_of_the_formula(found: PlausibilityFound) -> None:
    """Two erlangs: the fewest who let 80 % begin within what the delay leaves, give or take one by chance; 4.2 FTE
    each, for nobody is ever off."""
    for world in found.held:
        [people] = world.people.values()
        assert abs(people - _needed(BOUND - world.numbers[0])) <= 1
        assert world.fte == pytest.approx(4.2 * people)
        assert world.on_duty == people
    assert {people for world in found.held for people in world.people.values()} >= {3, 4}


def _needed(minutes: float) -> int:
    """The fewest servers of 2 erlangs, 10 min each, so that 80 % wait no longer."""
    for servers in range(3, 20):
        if 1 - erlang_c(2.0, servers) * math.exp(-(servers - 2.0) * minutes / 10) >= 0.8:
            return servers
    raise AssertionError("so many are always enough")


def test_what_no_staff_mends_is_named(found: PlausibilityFound) -> None:
    n = found.count("no staff")
    assert found.kills == {"quick": (n, n)}


def test_what_decides(found: PlausibilityFound) -> None:
    """The one unknown does: in the lower thirds of its values all hold, in the upper one not all."""
    lower, middle, upper = found.thirds
    assert (lower.held.value, middle.held.value) == (1, 1)
    assert 0 < upper.held.value < 1
    assert lower.high < middle.low < middle.high < upper.low < BOUND < upper.high
    assert found.decides == "holds"
    assert found.explained["holds"].beyond_chance == (True,)
    assert found.correlation("FTE", 0).low > 0


def test_promises_are_counted_by_day_in_the_world_in_the_middle(found: PlausibilityFound) -> None:
    [quick, together] = found.periods
    assert (quick.target, together.target) == ("quick", "")
    assert quick.shares["day"].n_judged == 2  # one whole day a replication
    assert quick.shares["day"].share.value == together.shares["day"].share.value


def test_no_more_people_than_asked_about(tmp_path: Path) -> None:
    """Three people are 12.6 FTE; two cannot bear the work, which alone is 8.4."""
    scenario = line(tmp_path, "high: 40 min", "high: 12 min")
    assert least_fte(scenario, None) == pytest.approx(8.4)
    assert (fte(scenario), on_duty(scenario)) == (4.2, 1)
    assert {(one.outcome, one.why) for one in studied(scenario, 4, more_than=8.0).worlds} == {("more", "load")}
    assert {(one.outcome, one.why) for one in studied(scenario, 4, more_than=12.0).worlds} == {("more", "")}
    assert {one.outcome for one in studied(scenario, 4, more_than=30.0).worlds} == {"held"}


def test_where_nothing_holds_the_nearest_is_told(tmp_path: Path) -> None:
    found = studied(line(tmp_path, "low: 4 min, likely: 8 min", "low: 21 min, likely: 30 min"), 12)
    assert found.count("no staff") == 12
    assert found.decides == "worst with unlimited staff"
    assert (found.median, found.quantiles, found.periods) == (None, (), ())
    assert found.share("held").high < 0.4


def test_what_the_document_does_not_allow_is_left_out(tmp_path: Path) -> None:
    """A cool-down need be no shorter than the longest threshold; two callers' ends that are each allowed may not be."""
    path = tmp_path / "line.yaml"
    both = "  demand.risk.a: {from: 10 %, to: 90 %}\n  demand.risk.b: {from: 10 %, to: 90 %}\n"
    text = LINE.replace("volume: 12/h", "volume: 12/h, risk: {a: 10 %, b: 10 %, c: 80 %}")
    path.write_text(text.replace("plausible:\n", f"plausible:\n{both}"), encoding="utf-8")
    found = studied(load(path), 8)
    over = [world for world in found.worlds if sum(world.numbers[:2]) > 1]
    assert 0 < len(over) < 8
    assert [world.outcome == "impossible" for world in found.worlds] == [world in over for world in found.worlds]
    assert len(found.possible) == 8 - len(over)


def test_neither_jobs_nor_an_interruption_change_anything(tmp_path: Path) -> None:
    scenario = line(tmp_path)
    alone = studied(scenario, 6).worlds

    def stop(n_done: int) -> None:
        if n_done >= 3 * 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        studied(scenario, 6, Settings(folder=tmp_path / "kept", count=stop))
    assert len(list((tmp_path / "kept").glob("*.piece"))) == 3
    counted: list[int] = []
    again = studied(scenario, 6, Settings(folder=tmp_path / "kept", resume=True, jobs=2, count=counted.append))
    assert counted[0] == 3 * 60
    for one, other in zip(alone, again.worlds, strict=True):
        assert repr(one) == repr(other)


def test_more_worlds_go_on_where_fewer_ended(tmp_path: Path) -> None:
    scenario = line(tmp_path)
    assert PlausibilityQuestion(scenario, worlds=20).points[:5] == PlausibilityQuestion(scenario, worlds=5).points


def test_a_world_is_short_unless_it_says_otherwise(tmp_path: Path) -> None:
    scenario = line(tmp_path, "length: 2 d", "length: 300 d")
    day = 24 * 3600 * 10**6
    assert PlausibilityQuestion(scenario).scenario.run.length == 28 * day
    assert PlausibilityQuestion(scenario, length="35 d").scenario.run.length == 35 * day
    assert PlausibilityQuestion(line(tmp_path)).scenario.run.length == 2 * day
    assert PlausibilityQuestion(scenario).replications == 4


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("targets: {quick: {from: arrival, to: answer.start, within: 20 min, share: 80 %}}", "", "needs targets"),
        ("  stages.gate.delay: {low: 4 min, likely: 8 min, high: 40 min}\n", "", "needs unknowns other than staff"),
        ("to: answer.start", "to: gate.end", "nobody to decide about"),
    ],
)
def test_what_is_no_question_is_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(QuestionError, match=said):
        PlausibilityQuestion(line(tmp_path, old, new))


def test_effects_at_points_at_hand() -> None:
    """A square wave of one of three unknowns, of which the two others explain what chance does."""
    points = np.random.default_rng(3).random((300, 3))
    result = np.where(points[:, 1] > 0.5, 1.0, 0.0)
    result[7] = np.nan
    told = explained(points, result, seed=1)
    assert told.points == 299
    assert told.beyond_chance == (False, True, False)
    assert told.share[1].low > 0.85
    assert max(told.share[0].value, told.share[2].value) < 0.05
    assert not explained(points, np.ones(300)).known
    assert rank_correlation(points[:, 1], -points[:, 1]).value == -1


def test_quantiles_cover() -> None:
    """Of 400 samples of 40 the interval of the median holds it in 95 % or more, and of 3.4 standard errors less."""
    generator = np.random.default_rng(9)
    held = 0
    for _ in range(400):
        one = quantile(np.sort(generator.random(40)), 0.5)
        held += one.low <= 0.5 <= one.high
    assert held >= 400 * 0.95 - 3.4 * math.sqrt(400 * 0.95 * 0.05)


def test_a_world_holds_a_whole_window_of_each_target(tmp_path: Path) -> None:
    """Four weeks from 6 January hold no month: the document's own length does, and a length asked for is refused."""
    monthly = line(tmp_path, "share: 80 %}", "share: 80 %, per: month, hold: 90 %}")
    longer = load(tmp_path / "line.yaml", changes={"run.length": "91 d"})
    assert PlausibilityQuestion(longer, worlds=1).scenario.run.length == longer.run.length
    with pytest.raises(QuestionError, match="target 'quick' judges each month, and none lies wholly"):
        PlausibilityQuestion(longer, worlds=1, length="14 d")
    with pytest.raises(QuestionError, match="judges each month"):
        PlausibilityQuestion(monthly, worlds=1)
