"""Declared distributions of what is not known: what they say, what they draw, and how they are weighed."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from sim.scenario.faults import ScenarioError
from sim.scenario.loading import load
from sim.scenario.plausible import Plausible, Spread
from tests.scenario.small import SMALL

UNIFORM = {"from": "2 min", "to": "10 min"}
LIKELY = {"low": "2 min", "likely": "4 min", "high": "6 min"}
BY_RATIOS = {"low": "1 min", "likely": "4 min", "high": "64 min"}

EVENLY = (np.arange(4000) + 0.5) / 4000


def small(folder: Path, plausible: str) -> Path:
    path = folder / "small.yaml"
    path.write_text(SMALL.split("plausible:")[0] + f"plausible: {{{plausible}}}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("given", "spread"),
    [
        (UNIFORM, "uniform"),
        (LIKELY, "triangular"),
        (BY_RATIOS, "log-triangular"),
        ({"low": "2 min", "likely": "3 min", "high": "8 min"}, "log-triangular"),
        ({"low": "0 %", "likely": "1 %", "high": "50 %"}, "triangular"),
    ],
)
def test_the_spread_follows_from_the_ends(given: dict[str, str], spread: Spread) -> None:
    assert Plausible(**given).spread == spread


def test_a_range_is_said_in_words() -> None:
    assert Plausible(**UNIFORM).words == "2 min to 10 min, uniform (every value as likely)"
    assert Plausible(**BY_RATIOS).words == "1 min to 64 min, most likely 4 min, log-triangular (by ratios)"


@pytest.mark.parametrize("given", [UNIFORM, LIKELY, BY_RATIOS], ids=lambda given: Plausible(**given).spread)
def test_values_are_drawn_as_declared(given: dict[str, str]) -> None:
    """The inverse and the distribution undo each other, and the ends are the ends."""
    one = Plausible(**given)
    values = np.array([one.quantile(part) for part in EVENLY])
    assert np.all(np.diff(values) > 0)
    assert [one.quantile(0), one.quantile(1)] == pytest.approx([one.from_, one.to])
    assert [one.cdf(value) for value in values] == pytest.approx(EVENLY)


def test_the_middle_of_a_triangle() -> None:
    """Half of a symmetric triangle lies below its likely value; so do a third of the ratios of 1 to 4 in 1 to 64."""
    assert Plausible(**LIKELY).cdf(4) == 0.5
    assert Plausible(**BY_RATIOS).cdf(4) == pytest.approx(math.log(4) / math.log(64))


def test_whole_numbers_have_the_part_that_is_rounded_to_them(tmp_path: Path) -> None:
    path = small(tmp_path, "pools.desk.staff: {low: 2, likely: 4, high: 6}")
    [one] = load(path).plausible.values()
    assert one.whole
    drawn = [one.quantile(part) for part in EVENLY]
    for number in range(2, 7):
        expected = one.cdf(number) - one.cdf(number - 1)
        assert drawn.count(float(number)) / len(EVENLY) == pytest.approx(expected, abs=1e-3)
    assert drawn.count(4.0) > drawn.count(3.0) > drawn.count(2.0) > 0


@pytest.mark.parametrize("spread", ["uniform", "log-uniform"])
def test_weights_turn_one_distribution_into_the_other(spread: Spread) -> None:
    """A part of the values below a number comes to that of the other distribution, and the weights to 1."""
    one = Plausible(**BY_RATIOS)
    values = np.array([one.quantile(part) for part in EVENLY])
    weights = np.array([one.weight(value, spread) for value in values])
    assert weights.mean() == pytest.approx(1, abs=0.05)
    assert weights[values <= 16].sum() / weights.sum() == pytest.approx(one.cdf(16, spread), abs=0.03)


def test_no_range_by_ratios_begins_at_nothing() -> None:
    with pytest.raises(ValueError, match="lies above 0"):
        Plausible(low="0 %", likely="1 %", high="5 %").weight(0.02, "log-uniform")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("{from: 1/h}", "a range is given by `from` and `to`, or by `low`, `likely` and `high` (got `from`)"),
        ("{low: 1/h, high: 2/h}", "(got `low`, `high`)"),
        ("{from: 1/h, to: 2/h, likely: 2/h}", "(got `from`, `to`, `likely`)"),
        ("{source: nobody}", "(got nothing)"),
        ("{low: 3/h, likely: 2/h, high: 4/h}", "`low` must not be above `likely`"),
        ("{low: 1/h, likely: 5/h, high: 4/h}", "`likely` must not be above `high`"),
        ("{low: 1/h, likely: 2 min, high: 4/h}", "`low`, `likely` and `high` must be of one kind"),
    ],
)
def test_what_is_no_range_is_told(tmp_path: Path, given: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(small(tmp_path, f"demand.volume: {given}"))
    [fault] = caught.value.faults
    assert said in fault.rule
    assert fault.path == "plausible.demand.volume"


def test_the_path_has_to_take_the_likely_value(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="a share lies between 0 and 1"):
        load(small(tmp_path, "demand.risk.high: {low: 1 %, likely: 120 %, high: 130 %}"))
