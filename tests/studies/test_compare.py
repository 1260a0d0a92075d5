"""Comparisons: exact where nothing changes, paired where something does, and silent where there is only noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sim.measures import passes
from sim.measures.kinds import InPlace, Replicated
from sim.measures.measures import PER_REPLICATION
from sim.plots.verdicts import comparison
from sim.scenario.loading import load
from sim.scenario.schema import Scenario, ShareTarget
from sim.studies import compare as studies
from sim.studies.compare import SideBySide, TargetChange, compare
from sim.studies.replicate import Settings
from sim.studies.trials import Trials
from sim.tables.run import COMPARED
from sim.tables.run import compared as rows_of
from sim.text.compare import answer
from tests.cli import pictures
from tests.cli.lines import SCENARIOS, tipline
from tests.studies.lines import desk, simulated, tried

__all__ = ["simulated"]

RECORDED = SCENARIOS / "national_recorded.yaml"
SHORT = ["run.length=91 d", "run.replications=12"]


def national(variant: str | None = None, changes: Sequence[str] = ()) -> Scenario:
    return load(RECORDED, variant=variant, changes=[*SHORT, *changes])


@pytest.fixture(scope="module")
def compared() -> SideBySide:
    """The line as it is, with one analyst more, with one and a target less, and changed to what it is already."""
    scenarios = [
        ("base", national()),
        ("one_more", national("one_more_analyst")),
        ("same", national(changes=["pools.analysts.staff=2", "stages.review.overflow.after=120 s"])),
        ("fewer", national(changes=["targets.day=null", "targets.rapid.within=11 min", "run.cool_down=2 d"])),
    ]
    return compare(scenarios, Trials(scenarios[0][1].run.seed, Settings()))


def changes(found: SideBySide, label: str) -> dict[str, TargetChange]:
    return {change.target: change for change in found.of(label)}


def test_what_lies_upstream_of_a_change_differs_by_exactly_nothing(compared: SideBySide) -> None:
    found = changes(compared, "one_more")
    assert [name for name, change in found.items() if change.nothing] == ["entry", "day", "lost"]
    assert found["rapid"].difference.real
    assert found["rapid"].better
    assert found["mean"].difference.value < 0
    assert found["mean"].better


def test_a_variant_that_changes_nothing_gives_exactly_zero_everywhere(compared: SideBySide) -> None:
    found = changes(compared, "same")
    assert len(found) == 7
    assert all(change.nothing for change in found.values())


def test_a_target_that_one_scenario_lacks_is_shown_as_such(compared: SideBySide) -> None:
    assert "day" not in changes(compared, "fewer")
    rows = COMPARED.of(rows_of(compared)).frame.set_index(["scenario", "target"])
    assert rows.loc[("fewer", "day"), "verdict"] == "no such target"
    assert rows.isna().loc[("fewer", "day"), "value"]


def test_a_target_that_asks_otherwise_is_marked(compared: SideBySide) -> None:
    marked = [name for name, change in changes(compared, "fewer").items() if change.asks_otherwise]
    assert marked == ["rapid"]


def test_pairing_narrows_intervals_as_far_as_the_tips_that_fare_otherwise_let_it(compared: SideBySide) -> None:
    found = changes(compared, "one_more")
    for name in ("rapid", "transfer"):
        change = found[name]
        assert change.pairing < 1.3 * change.pairing_by_tips < 0.6


def test_cost_counts_overtime_and_prices(compared: SideBySide) -> None:
    base, one_more = compared.contenders[0].cost, compared.contenders[1].cost
    assert one_more.paid_hours - base.paid_hours == pytest.approx(168)
    assert one_more.fte - base.fte == pytest.approx(4.2)
    assert base.paid_hours - base.overtime_hours == pytest.approx(600 + 336 + 168 + 168)


def test_the_picture_can_be_read(compared: SideBySide) -> None:
    figure = comparison(compared)
    assert pictures.title(figure) == "one_more matters beside base"
    assert {"one_more", "same", "fewer", "rapid", "difference, points"} <= set(pictures.said(figure))
    assert not pictures.cut_off(figure)
    assert not pictures.overlapping(figure)
    assert not pictures.too_small(figure)
    assert not pictures.without_unit(figure)


def test_labels_are_distinct() -> None:
    with pytest.raises(ValueError, match="all different"):
        compare([("a", national()), ("a", national())], Trials(1, Settings()))


N_TABLES, N_SCENARIOS, N_TARGETS, N_REPLICATIONS = 1000, 4, 5, 10


def no_difference(random: np.random.Generator, p: float) -> np.ndarray:
    """(n_replications, 3, 2) of a share p whose tips are somewhat alike, from tips of its own."""
    counted = random.poisson(400, N_REPLICATIONS).astype(float)
    shares = random.beta(p * 40, (1 - p) * 40, N_REPLICATIONS)
    met = random.binomial(counted.astype(int), shares).astype(float)
    return np.repeat(np.stack([met, counted], axis=-1)[:, None, :], 3, axis=1)


def test_tables_without_a_true_difference_rarely_show_one(compared: SideBySide) -> None:
    """1,000 tables of 15 differences each at 95 %: 50 are expected at most, and 70 were 2.9 standard errors more."""
    target = compared.base.scenario.targets["entry"]
    assert isinstance(target, ShareTarget)
    random = np.random.default_rng(20250106)
    names = [f"target {k}" for k in range(N_TARGETS)]
    scenario = SimpleNamespace(targets=dict.fromkeys(names, target))
    shown = 0
    for _ in range(N_TABLES):
        shares = random.uniform(0.05, 0.95, N_TARGETS)
        samples = []
        for label in range(N_SCENARIOS):
            ratio = np.stack([no_difference(random, p) for p in shares], axis=1)
            each = [
                Replicated(target, [InPlace(target, ratio[:, k], np.zeros((N_REPLICATIONS, 0)))])
                for k in range(N_TARGETS)
            ]
            samples.append((str(label), SimpleNamespace(of=each.__getitem__, frame=SimpleNamespace(scenario=scenario))))
        found = studies.changes(samples, 0.95)  # type: ignore[arg-type]
        assert len(found) == (N_SCENARIOS - 1) * N_TARGETS
        shown += any(change.difference.real for change in found)
    assert shown <= 0.07 * N_TABLES


TINY = """\
scenario: Tiny
run: {{start: 2025-01-06 00:00, length: 2 d, replications: 10}}
demand: {{volume: 6/h}}
pools: {{desk: {{staff: 2}}}}
stages: [{{name: {stage}, pool: desk, service: {{exponential: {{mean: 15 min}}}}}}]
milestones: {{begun: {stage}.start, done: {stage}.end}}
targets:
  quick: {{from: arrival, to: begun, within: 10 min, share: 80 %}}
  done: {{from: arrival, to: done, within: 30 min, share: 80 %}}
  mean: {{from: arrival, to: done, mean: 30 min}}
  busy: {{pool: desk, occupancy: 80 %}}
"""


@pytest.mark.slow
def test_lines_that_differ_by_chance_alone_rarely_show_a_difference(tmp_path: Path) -> None:
    """A stage of another name draws other services by the same law: 1,000 seeds, 4 differences each, at 95 %."""
    scenarios = []
    for stage in ("serve", "help"):
        path = tmp_path / f"{stage}.yaml"
        path.write_text(TINY.format(stage=stage))
        scenarios.append((stage, load(path)))
    shown = 0
    for seed in range(1000):
        found = compare(scenarios, Trials(seed, Settings()))
        shown += any(change.difference.real for change in found.changes)
        assert not all(change.nothing for change in found.changes)
    assert shown <= 70


@pytest.mark.slow
def test_one_analyst_more_in_the_published_line() -> None:
    """Pairing leaves a third of the interval of `transfer`; `rapid` misses that: one tip in 26 fares otherwise."""
    scenarios = [("base", load(RECORDED)), ("one_more", load(RECORDED, variant="one_more_analyst"))]
    found = changes(compare(scenarios, Trials(scenarios[0][1].run.seed, Settings(jobs=2))), "one_more")
    assert found["transfer"].pairing <= 1 / 3
    assert found["rapid"].pairing <= found["rapid"].pairing_by_tips


def test_a_verdict_that_noise_may_turn_is_told_apart(compared: SideBySide) -> None:
    def told(found: SideBySide) -> str:
        return next(sentence for sentence in answer(found) if sentence.startswith("one_more makes"))

    turned = [name for name, one in compared.contenders[1].results.items() if one.verdict != verdict(compared, name)]
    assert "rapid" in turned
    assert f"It turns rapid from {verdict(compared, 'rapid')}" in told(compared)
    assert "noise alone" not in told(compared)
    doubtful = [
        replace(one, difference=replace(one.difference, low=-1.0, high=1.0)) if one.target == "rapid" else one
        for one in compared.changes
    ]
    assert "Noise alone may turn rapid from" in told(replace(compared, changes=tuple(doubtful)))


def verdict(found: SideBySide, name: str) -> str:
    """Of the base."""
    return found.base.results[name].verdict


def test_the_command_leaves_a_table_a_picture_and_an_answer(tmp_path: Path) -> None:
    done = tipline(
        *("compare", RECORDED, "--variant", "one_more_analyst", "--set", "run.length=28 d", "--replications", "3"),
        *("--out", tmp_path),
    )
    assert done.exit_code == 0, done.output
    assert max(len(line) for line in done.output.splitlines()) <= 80
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {
        "compare.csv",
        "compare.json",
        "compare.png",
        "compare.svg",
        "scenario.yaml",
    }
    header = (tmp_path / "compare.csv").read_text().splitlines()[0]
    assert header.startswith("scenario,target,unit,within_min,threshold,value,low,high,verdict,difference,")
    flat = " ".join(done.output.split())
    assert "one_more_analyst makes" in flat
    assert "Untouched: entry, day and lost." in flat
    assert "It takes 168.0 paid hours a week more." in flat


def test_resumed_it_measures_nothing_again_and_writes_the_same(tmp_path: Path) -> None:
    scenarios = [("base", national()), ("one_more", national("one_more_analyst"))]
    whole = COMPARED.of(rows_of(compare(scenarios, Trials(1, Settings(folder=tmp_path / "a")))))

    class StoppedError(Exception):
        pass

    def stop(n_done: int) -> None:
        if n_done == 8:
            raise StoppedError

    with pytest.raises(StoppedError):
        compare(scenarios, Trials(1, Settings(folder=tmp_path / "b", count=stop)))
    again = Trials(1, Settings(folder=tmp_path / "b", resume=True))
    assert COMPARED.of(rows_of(compare(scenarios, again))).csv == whole.csv


@pytest.mark.parametrize("without", ["", "  busy: {pool: desk, occupancy: 90 %}\n"])
def test_what_was_measured_in_full_is_not_run_again_for_targets_alone(
    tmp_path: Path, simulated: Callable[[], tuple[int, int]], without: str
) -> None:
    scenario = desk(tmp_path, without)
    trials = tried(scenario)
    trials.sample(scenario, 3)
    simulated()
    found = trials.sample(scenario, 4, only_targets=True)
    assert simulated() == (1, 1)
    alone = tried(scenario).sample(scenario, 4, only_targets=True)
    for name in PER_REPLICATION:
        one, other = getattr(found, name), getattr(alone, name)
        assert one.shape == other.shape, name
        told = [passes.OFFERED, passes.ON_DUTY] if name == "places" else slice(None)
        assert np.array_equal(one[..., told], other[..., told]), name


def test_a_file_without_variants_has_nothing_to_be_compared_with() -> None:
    done = tipline("compare", SCENARIOS / "two_stage.yaml")
    assert done.exit_code == 2
    assert "nothing to compare" in done.output
