"""The examples and the plain case: what a scenario holds once it is read."""

from __future__ import annotations

import pickle
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from sim.dynamics.clock import DAY, HOUR, MINUTE, WEEK
from sim.scenario.loading import load
from sim.scenario.pools import Pool
from tests.scenario.small import SCENARIOS, loaded, small

PLAIN = """
scenario: Plain
run: {start: 2025-01-06 00:00, length: 4 wk}
demand: {volume: 365/year}
pools: {desk: {staff: 1}}
stages: [{name: work, pool: desk, service: 5 min}]
"""


def test_what_is_left_out_is_the_plain_case(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, PLAIN)
    assert scenario.channels == ("tip",)
    assert scenario.risks == scenario.tiers == ("any",)
    assert scenario.categories == ("any",)
    assert scenario.centres == {"1": 1.0}
    assert scenario.demand.risk == {"tip": {"any": 1.0}}
    assert scenario.demand.volume is not None
    assert scenario.demand.volume.a_day == 1.0
    assert (scenario.demand.growth, scenario.demand.by_hour, scenario.demand.busyness_cv) == (0, None, 0)
    assert scenario.run.start == datetime(2025, 1, 6)
    assert (scenario.run.replications, scenario.run.seed, scenario.run.confidence) == (20, 1, 0.95)
    assert (scenario.cohort_from, scenario.cohort_to, scenario.horizon) == (0, 4 * WEEK, 4 * WEEK)
    assert scenario.stage("work").share.of() == 1
    assert scenario.start_with is None


def test_the_national_example_as_it_stands() -> None:
    scenario = load(SCENARIOS / "national.yaml")
    assert scenario.name == "national"
    assert scenario.channels == ("call", "sms", "online")
    assert scenario.risks == scenario.tiers == ("high", "low", "non")
    assert scenario.categories == ("espionage", "stability", "other")
    assert scenario.demand.volume is not None
    assert scenario.demand.volume.a_day == pytest.approx(30000 / 365)
    assert scenario.demand.risk["sms"] == {"high": 0.02, "low": 0.38, "non": 0.6}
    assert (scenario.warm_up, scenario.length, scenario.cool_down) == (7 * DAY, 364 * DAY, 2 * DAY)
    assert scenario.labels["classifier"].decides == 0.6
    assert scenario.pools["call_takers"].shifts[2].length == 8 * HOUR
    assert scenario.pools["analysts"].serve_first[1][0].labelled is False
    assert scenario.pools["duty_officers"].hand_over_time == 5 * MINUTE
    assert scenario.pool_index("receivers") == 3
    answer = scenario.stage("answer")
    assert answer.retry is not None
    assert (answer.retry.share, answer.retry.at_most) == (0.5, 3)
    assert scenario.stage("screen").time.of().cv == 0.8
    kinds = [target.kind for target in scenario.targets.values()]
    assert kinds == ["share", "share", "share", "mean", "share", "lost", "occupancy"]
    rapid = scenario.targets["rapid"]
    assert rapid.kind == "share"
    assert [str(moment) for moment in rapid.from_.moments] == ["answer.start", "arrival"]
    assert rapid.from_name == "receipt"
    disposed = scenario.milestones["disposed"]
    assert disposed.first_of
    assert len(disposed.moments) == 3


def test_the_cool_down_is_the_longest_threshold(tmp_path: Path) -> None:
    target = "{from: arrival, to: leave, within: 3 d, share: 90 %}"
    assert loaded(tmp_path, f"{PLAIN}targets: {{a: {target}}}").cool_down == 3 * DAY
    mean = "{from: arrival, to: leave, mean: 1 h}"
    assert loaded(tmp_path, f"{PLAIN}targets: {{a: {mean}}}").cool_down == 2 * DAY
    assert loaded(tmp_path, f"{PLAIN}targets: {{a: {mean}, b: {target}}}").cool_down == 3 * DAY
    given = PLAIN.replace("4 wk", "4 wk, cool_down: 1 h")
    assert loaded(tmp_path, f"{given}targets: {{a: {target}}}").cool_down == HOUR


@pytest.mark.parametrize(
    ("written", "centres"),
    [("4", {"1": 0.25, "2": 0.25, "3": 0.25, "4": 0.25}), ("{east: 60 %, west: 40 %}", {"east": 0.6, "west": 0.4})],
)
def test_centres(tmp_path: Path, written: str, centres: dict[str, float]) -> None:
    assert loaded(tmp_path, f"{PLAIN}centres: {written}\n").centres == centres


def test_risk_by_channel_is_complete(tmp_path: Path) -> None:
    risk = "{a: {low: 1}, b: {high: 20 %, low: 80 %}}"
    text = PLAIN.replace("365/year}", f"365/year, channels: {{a: 50 %, b: 50 %}}, risk: {risk}}}")
    scenario = loaded(tmp_path, text)
    assert scenario.demand.risk == {"a": {"low": 1, "high": 0}, "b": {"low": 0.8, "high": 0.2}}
    assert scenario.risks == ("low", "high")


def test_values_by_attribute(tmp_path: Path) -> None:
    service = "{by: channel, call: 5 min, web: {exponential: {mean: 2 min}}}"
    stage = small(tmp_path, "service: 20 min", f"share: {{by: risk, high: 1, low: 10 %}}, service: {service}").stage(
        "act"
    )
    assert stage.share.by == "risk"
    assert stage.share.of(risk="low", channel="call") == 0.1
    assert stage.time.of(channel="web", risk="high").cv == 1
    assert stage.time.values["call"].mean == 5 * MINUTE


def test_scenarios_are_frozen_and_can_be_sent_to_other_processes() -> None:
    scenario = load(SCENARIOS / "national.yaml")
    with pytest.raises(ValidationError, match="frozen"):
        scenario.run = scenario.run  # type: ignore[misc]
    copy = pickle.loads(pickle.dumps(scenario))
    assert copy == scenario
    assert copy.stage("screen").time.of() == scenario.stage("screen").time.of()


def test_nothing_is_coerced() -> None:
    for given in ({"staff": "2"}, {"staff": 2.0}, {"staff": True}, {"shared": "yes"}, {"shared": 1}, {"price": "3"}):
        with pytest.raises(ValidationError):
            Pool(**given)


def test_the_hash_is_that_of_what_the_document_says(tmp_path: Path) -> None:
    first = loaded(tmp_path, PLAIN)
    assert loaded(tmp_path, PLAIN.replace("  ", " ") + "# a comment\n").hash == first.hash
    assert loaded(tmp_path, PLAIN.replace("5 min", "6 min")).hash != first.hash
    assert len(first.hash) == 64


def test_reading_a_document_imports_nothing_slow() -> None:
    slow = "numba", "pandas", "scipy", "matplotlib", "simpy"
    code = f"""
import sys
from sim.scenario.describe import describe
from sim.scenario.loading import load
describe(load({str(SCENARIOS / "national.yaml")!r}))
print([name for name in {slow} if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
