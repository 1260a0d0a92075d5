"""The laws of times: mean, cv and cdf against each other, against samples, and against scipy."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from scipy import stats

from sim.dynamics.clock import MINUTE
from sim.scenario.distributions import LAWS, Law
from sim.scenario.faults import ScenarioError
from tests.scenario.small import messages, small

LAW: TypeAdapter[Any] = TypeAdapter(Law)

WRITTEN: dict[str, Any] = {
    "exponential": {"exponential": {"mean": "5 min"}},
    "lognormal": {"lognormal": {"mean": "12 min", "cv": 1.3}},
    "gamma": {"gamma": {"mean": "12 min", "cv": 0.7}},
    "gamma of a cv above 1": {"gamma": {"mean": "12 min", "cv": 1.8}},
    "erlang": {"erlang": {"mean": "9 min", "phases": 3}},
    "hyperexponential": {"hyperexponential": {"mean": "9 min", "cv": 2}},
    "hyperexponential in branches": {"hyperexponential": {"shares": ["20 %", 0.8], "means": ["30 min", "2 min"]}},
    "weibull of a mean": {"weibull": {"shape": 1.7, "mean": "6 min"}},
    "weibull of a scale": {"weibull": {"shape": 0.8, "scale": "6 min"}},
    "deterministic": {"deterministic": {"value": "4 min"}},
    "bare": "30 s",
    "uniform": {"uniform": {"from": "2 min", "to": "8 min"}},
    "triangular": {"triangular": {"from": "2 min", "mode": "3 min", "to": "9 min"}},
    "triangular from its mode": {"triangular": {"from": "0 s", "mode": "0 s", "to": "9 min"}},
    "triangular to its mode": {"triangular": {"from": "1 min", "mode": "9 min", "to": "9 min"}},
    "empirical": {"empirical": {"values": ["8 min", "1 min", "2 min"], "shares": ["20 %", "50 %", "30 %"]}},
    "empirical, all alike": {"empirical": {"values": ["8 min", "1 min", "2 min", "2 min"]}},
}


def variates(law: Any, n: int = 200_000) -> list[NDArray[np.float64]]:
    """Standard variates for a law, from a fixed seed."""
    generator = np.random.default_rng(5)
    draw = {
        "normal": generator.standard_normal,
        "exponential": generator.standard_exponential,
        "uniform": generator.random,
    }
    return [
        generator.standard_gamma(float(name.split(":")[1]), n) if name.startswith("gamma:") else draw[name](n)
        for name in law.standards
    ]


def sample(law: Any) -> NDArray[np.float64]:
    return np.broadcast_to(law.times(*variates(law)), 200_000)


def test_every_law_is_tested() -> None:
    assert {next(iter(written)) for written in WRITTEN.values() if isinstance(written, dict)} == set(LAWS)


@pytest.mark.parametrize("name", WRITTEN)
def test_mean_and_cv_are_those_of_the_times(name: str) -> None:
    law = LAW.validate_python(WRITTEN[name])
    times = sample(law)
    # 5 standard errors of the mean: a false alarm in about one of a million seeds; the cv of heavy tails gets 5 %.
    assert abs(times.mean() - law.mean) <= 5 * law.mean * law.cv / math.sqrt(len(times)) + 1e-6
    assert times.std() / times.mean() == pytest.approx(law.cv, rel=0.05, abs=1e-9)
    assert times.min() >= 0


@pytest.mark.parametrize("name", WRITTEN)
def test_the_cdf_is_that_of_the_times(name: str) -> None:
    law = LAW.validate_python(WRITTEN[name])
    times = sample(law)
    for at in np.array([0.1, 0.5, 1, 2, 3, 7.99, 8, 30]) * MINUTE:
        share = float(law.cdf(at))
        error = math.sqrt(share * (1 - share) / len(times))
        assert abs(float((times <= at).mean()) - share) <= 5 * error + 1e-9, at
    assert float(law.cdf(-1)) == 0
    assert float(law.cdf(1e15)) == pytest.approx(1)
    assert np.all(np.diff(law.cdf(np.linspace(0, 60 * MINUTE, 200))) >= 0)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_law_says_between_which_times_it_lies(name: str) -> None:
    law = LAW.validate_python(WRITTEN[name])
    times = sample(law)
    assert law.least <= times.min()
    assert times.max() <= law.most
    # By the cdf: nothing far below the shortest drawn, or far above the longest, so that there is an end.
    begins, ends = float(law.cdf(times.min() / 2)) == 0, float(law.cdf(1.5 * times.max())) >= 1 - 1e-12
    assert begins == (law.least > 0), f"{name} does not say its `least`"
    assert ends == math.isfinite(law.most), f"{name} does not say its `most`"


def test_the_cdfs_agree_with_scipy() -> None:
    at = np.array([0.5, 2, 7, 20]) * MINUTE
    mean = 12 * MINUTE
    sigma = math.sqrt(math.log(1 + 1.3**2))
    expected = {
        "exponential": stats.expon(scale=5 * MINUTE),
        "lognormal": stats.lognorm(s=sigma, scale=mean * math.exp(-(sigma**2) / 2)),
        "gamma": stats.gamma(a=1 / 0.49, scale=mean * 0.49),
        "erlang": stats.gamma(a=3, scale=3 * MINUTE),
        "weibull of a scale": stats.weibull_min(c=0.8, scale=6 * MINUTE),
        "triangular": stats.triang(c=1 / 7, loc=2 * MINUTE, scale=7 * MINUTE),
        "uniform": stats.uniform(loc=2 * MINUTE, scale=6 * MINUTE),
    }
    for name, law in expected.items():
        assert LAW.validate_python(WRITTEN[name]).cdf(at) == pytest.approx(law.cdf(at), rel=1e-9), name
        assert LAW.validate_python(WRITTEN[name]).mean == pytest.approx(law.mean(), rel=1e-9), name
        assert LAW.validate_python(WRITTEN[name]).cv == pytest.approx(law.std() / law.mean(), rel=1e-9), name


def test_a_lognormal_by_hand() -> None:
    law = LAW.validate_python({"lognormal": {"mean": "10 min", "cv": 1.0}})
    # sigma^2 = ln 2, so the median is mean / sqrt(2), and one sigma up is exp(sqrt(ln 2)) = 2.2992 times the median.
    median, up = law.times(np.array([0.0, 1.0]))
    assert median == pytest.approx(10 * MINUTE / math.sqrt(2))
    assert up / median == pytest.approx(2.2992, abs=1e-4)


def test_a_balanced_hyperexponential_by_hand() -> None:
    law = LAW.validate_python({"hyperexponential": {"mean": "10 min", "cv": math.sqrt(5 / 3)}})
    shares, means = law.branches
    # cv^2 = 5/3: the first share is (1 + sqrt((2/3) / (8/3))) / 2 = 3/4, and each branch brings half the mean.
    assert shares == pytest.approx([0.75, 0.25])
    assert shares * means == pytest.approx([5 * MINUTE, 5 * MINUTE])


def test_a_changed_mean_scales_the_same_variates() -> None:
    for name in ("exponential", "lognormal", "gamma", "weibull of a mean"):
        key, given = next(iter(WRITTEN[name].items()))
        once, twice = (LAW.validate_python({key: {**given, "mean": mean}}) for mean in ("10 min", "20 min"))
        assert twice.standards == once.standards
        drawn = variates(once, 100)
        assert twice.times(*drawn) == pytest.approx(2 * once.times(*drawn), rel=1e-12), name


def test_an_erlang_may_say_k() -> None:
    assert LAW.validate_python({"erlang": {"mean": "9 min", "k": 3}}).shape == 3


@pytest.mark.parametrize("uniform", [0.0, 0.2, 0.5, np.nextafter(1, 0)])
def test_an_empirical_law_gives_only_its_values(uniform: float) -> None:
    law = LAW.validate_python({"empirical": {"values": ["3 min", "1 min"], "shares": [0.5, 0.5]}})
    assert law.times(np.array([uniform]))[0] == (1 if uniform < 0.5 else 3) * MINUTE


@pytest.mark.parametrize(
    "written",
    [
        {"exponential": {"mean": "0 s"}},
        {"exponential": {}},
        {"exponential": {"mean": 5}},
        {"lognormal": {"mean": "5 min", "cv": -1}},
        {"gamma": {"mean": "5 min", "cv": 1000}},
        {"erlang": {"mean": "5 min", "phases": 0}},
        {"erlang": {"mean": "5 min", "phases": 2, "k": 2}},
        {"hyperexponential": {"mean": "5 min", "cv": 2, "shares": [1], "means": ["5 min"]}},
        {"hyperexponential": {"shares": [0.5, 0.5], "means": ["5 min"]}},
        {"hyperexponential": {"shares": [0.5, 0.4], "means": ["5 min", "1 min"]}},
        {"weibull": {"shape": 0, "mean": "5 min"}},
        {"weibull": {"shape": 1, "mean": "5 min", "scale": "5 min"}},
        {"uniform": {"from": "5 min", "to": "1 min"}},
        {"triangular": {"from": "5 min", "mode": "5 min", "to": "5 min"}},
        {"empirical": {"values": []}},
        {"empirical": {"values": ["0 s"]}},
        {"empirical": {"csv": "times.csv", "column": "a"}},
        {"empirical": {"values": ["1 s"], "column": "a"}},
        {},
        5,
        None,
        [],
    ],
)
def test_laws_that_are_none(written: Any) -> None:
    with pytest.raises(ValidationError):
        LAW.validate_python(written)


def csv_law(unit: str = "min") -> str:
    return f"service: {{empirical: {{csv: times.csv, column: talk, unit: {unit}}}}}"


def test_an_empirical_law_reads_a_column(tmp_path: Path) -> None:
    (tmp_path / "times.csv").write_text("id,talk\n1,2\n2,3.5\n3,0\n", encoding="utf-8")
    law = small(tmp_path, "service: 20 min", csv_law()).stage("act").time.of()
    assert law.times(np.array([0.1, 0.5, 0.9])).tolist() == [0, 2 * MINUTE, 3.5 * MINUTE]
    assert law.mean == pytest.approx(5.5 / 3 * MINUTE)


def test_a_bad_column_names_every_bad_row_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "times.csv").write_text("id,talk\n1,2\n2,\n3,-1\n4\n5,nan\n6,x\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        small(tmp_path, "service: 20 min", csv_law())
    rule = "'talk' must be a number of min, 0 or more"
    assert messages(caught.value) == [
        "doc.yaml:17:78: stages.act.service.empirical.csv: times.csv has bad rows: "
        f"line 3: {rule} (got ''); line 4: {rule} (got '-1'); line 5: {rule} (got 'nothing'); "
        f"line 6: {rule} (got 'nan'); line 7: {rule} (got 'x') (got 'times.csv')"
    ]


@pytest.mark.parametrize(
    ("text", "unit", "message"),
    [
        ("id,wait\n1,2\n", "min", "times.csv needs one column 'talk'; it has id, wait"),
        ("", "min", "times.csv needs one column 'talk'; it has none"),
        ("talk\n", "min", "times.csv has no rows"),
        ("talk\n0\n0\n", "min", "the times of a law must not all be 0"),
        ("talk\n1\n", "moons", "'moons' is no unit of time"),
        ('talk\n"1\n', "min", "times.csv is not a CSV file"),
    ],
)
def test_files_that_hold_no_times(tmp_path: Path, text: str, unit: str, message: str) -> None:
    (tmp_path / "times.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=message):
        small(tmp_path, "service: 20 min", csv_law(unit))
