"""Documents of lines that theory solves, drawn, simulated and measured: within 4 standard errors over 40 replications.

The seeds are fixed, so these tests do not fail by chance again and again; a fresh seed would fail one in about 3,500
comparisons if all is right (Student's t with 39 degrees of freedom beyond 4).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.measures import theory
from sim.measures.varying import busy_of_many, cycle
from tests.studies import known

RUN = "run: {start: 2025-01-06 00:00, warm_up: 2 d, length: 30 d, cool_down: 1 d, replications: 40, seed: 7}"
LIMIT = 4.0


def check(folder: Path, text: str, expected: list[tuple[known.Measure, float]]) -> None:
    scenario = known.written(folder, f"scenario: known\n{RUN}\n{text}")
    values = known.numbers(scenario, [measure for measure, _ in expected])
    errors = [known.errors_from(row, answer) for row, (_, answer) in zip(values, expected, strict=True)]
    shown = [f"{row.mean():.5g} for {answer:.5g}" for row, (_, answer) in zip(values, expected, strict=True)]
    assert max(errors) < LIMIT, (errors, shown)


def test_three_servers_of_one_line(tmp_path: Path) -> None:
    """M/M/3 at a load of 2.4: mean wait, and the share that waits longer than 0, 5 and 15 minutes."""
    text = """
demand: {volume: 24/h}
pools: {desk: {staff: 3}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 6 min}}}]
"""
    longer = [(known.waited_longer("answer", t), theory.wait_above(t, 2.4, 3, 6.0)) for t in (0.0, 5.0, 15.0)]
    check(tmp_path, text, [(known.wait("answer"), theory.mean_wait(2.4, 3, 6.0)), *longer])


def test_three_classes_in_order_of_rank(tmp_path: Path) -> None:
    """M/M/3 with three classes, nobody interrupted: the mean wait of each."""
    text = """
demand: {volume: 26/h, risk: {high: 20 %, low: 50 %, non: 30 %}}
pools: {desk: {staff: 3, serve_first: [{risk: high}, {risk: low}]}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 6 min}}}]
"""
    waits = theory.priority_waits([0.52, 1.3, 0.78], 3, 6.0)
    check(
        tmp_path, text, [(known.wait("answer", risk), w) for risk, w in zip(("high", "low", "non"), waits, strict=True)]
    )


def test_the_better_class_takes_the_server(tmp_path: Path) -> None:
    """M/G/1 with two classes of different work, pre-emptive resume: the mean sojourn of each."""
    text = """
demand: {volume: 6/h, risk: {high: 40 %, low: 60 %}}
pools: {desk: {staff: 1, serve_first: [{risk: high}], preempt: [{risk: high}]}}
stages:
  - name: answer
    pool: desk
    service: {by: risk, high: {exponential: {mean: 5 min}}, low: {lognormal: {mean: 8 min, cv: 1.5}}}
"""
    high, low = theory.preemptive_sojourns([2.4 / 60, 3.6 / 60], [5.0, 8.0], [1.0, 1.5])
    check(tmp_path, text, [(known.sojourn("answer", "high"), high), (known.sojourn("answer", "low"), low)])


def test_tips_that_give_up(tmp_path: Path) -> None:
    """M/M/4+M at a load of 4.5: the share that gives up, and the mean time in line."""
    text = """
demand: {volume: 45/h}
pools: {desk: {staff: 4}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 6 min}}, patience: {exponential: {mean: 4 min}}}]
"""
    line = theory.erlang_a(4.5, 4, 6.0, 4.0)
    check(tmp_path, text, [(known.gave_up("answer"), line.abandoned), (known.line_time("answer"), line.mean_wait)])


@pytest.mark.parametrize(
    ("law", "cv"),
    [
        ("{lognormal: {mean: 6 min, cv: 1.5}}", 1.5),
        ("{gamma: {mean: 6 min, cv: 0.5}}", 0.5),
        ("{hyperexponential: {mean: 6 min, cv: 2.0}}", 2.0),
        ("6 min", 0.0),
    ],
)
def test_one_server_of_any_work(tmp_path: Path, law: str, cv: float) -> None:
    """M/G/1: the mean wait by Pollaczek and Khinchine."""
    text = f"""
demand: {{volume: 7/h}}
pools: {{desk: {{staff: 1}}}}
stages: [{{name: answer, pool: desk, service: {law}}}]
"""
    check(tmp_path, text, [(known.wait("answer"), theory.wait_in_one_line(0.7, 6.0, cv))])


def test_two_stages_one_after_the_other(tmp_path: Path) -> None:
    """Tandem with thinning: what leaves an M/M/3 is Poisson, and so is a share of it (Burke)."""
    text = """
demand: {volume: 24/h}
pools: {desk: {staff: 3}, review: {staff: 2}}
stages:
  - {name: answer, pool: desk, service: {exponential: {mean: 6 min}}}
  - {name: review, share: 40 %, pool: review, service: {exponential: {mean: 9 min}}}
"""
    second = theory.mean_wait(9.6 * 9 / 60, 2, 9.0)
    check(
        tmp_path,
        text,
        [(known.wait("answer"), theory.mean_wait(2.4, 3, 6.0)), (known.wait("review"), second)],
    )


def test_a_day_with_servers_for_all(tmp_path: Path) -> None:
    """M(t)/G/infinity: how many are in a lognormal delay at four moments of the day."""
    hours = [0.2] * 6 + [0.8] * 4 + [2.0] * 6 + [1.2] * 8
    text = f"""
demand: {{volume: 20/h, by_hour: {hours}}}
pools: {{}}
stages: [{{name: rest, delay: {{lognormal: {{mean: 90 min, cv: 1.0}}}}}}]
"""
    profile = np.array(hours) / np.mean(hours) * 20 / 60
    sigma = np.sqrt(np.log(2.0))
    mu = np.log(90.0) - sigma**2 / 2

    def unfinished(age: np.ndarray) -> np.ndarray:
        from scipy.stats import norm

        return norm.sf((np.log(np.maximum(age, 1e-12)) - mu) / sigma)

    def rate(time: np.ndarray) -> np.ndarray:
        return profile[(np.floor(time / 60) % 24).astype(int)]

    expected = [
        (known.busy_at("rest", at), busy_of_many(rate, unfinished, at=at, reach=6000.0, panels=600))
        for at in (180.0, 600.0, 930.0, 1320.0)
    ]
    check(tmp_path, text, expected)


def test_a_roster_against_a_day(tmp_path: Path) -> None:
    """M(t)/M/c(t) with handed-over work: the mean wait of a day that is overloaded for hours."""
    hours = [0.3] * 8 + [2.0] * 6 + [1.0] * 10
    text = f"""
demand: {{volume: 10/h, by_hour: {hours}}}
pools:
  desk:
    shifts: [{{from: "00:00", to: "08:00", staff: 1}}, {{from: "08:00", to: "00:00", staff: 3}}]
    at_shift_end: resume
stages: [{{name: answer, pool: desk, service: {{exponential: {{mean: 9 min}}}}}}]
"""
    profile = np.repeat(np.array(hours) / np.mean(hours) * 10 / 60, 6)
    servers = np.repeat([1] * 8 + [3] * 16, 6)
    check(tmp_path, text, [(known.wait("answer"), cycle(profile, servers, 10.0, 9.0).mean_wait)])


def test_two_lines_side_by_side_and_a_join(tmp_path: Path) -> None:
    """Fork-join of two M/M/1 at a load of 0.7: until both are through, and the wait in either."""
    text = """
demand: {volume: 7/h}
pools: {one: {staff: 1}, other: {staff: 1}}
stages:
  - {name: one, pool: one, service: {exponential: {mean: 6 min}}}
  - {name: other, after: arrival, pool: other, service: {exponential: {mean: 6 min}}}
  - {name: both, after: [one.end, other.end], delay: 0 s}
"""
    wait = theory.mean_wait(0.7, 1, 6.0)
    through = (known.until_end("both"), theory.fork_and_join(0.7, 6.0))
    check(tmp_path, text, [through, (known.wait("one"), wait), (known.wait("other"), wait)])


def test_the_longer_of_two_services_without_a_line(tmp_path: Path) -> None:
    """Infinite servers in parallel: the maximum of two independent times, and how many are in each branch."""
    text = """
demand: {volume: 30/h}
pools: {}
stages:
  - {name: one, delay: {exponential: {mean: 6 min}}}
  - {name: other, after: arrival, delay: {exponential: {mean: 15 min}}}
  - {name: both, after: [one.end, other.end], delay: 0 s}
"""
    in_one, in_other = (known.busy_at("one", 720.0), 3.0), (known.busy_at("other", 720.0), 7.5)
    check(tmp_path, text, [(known.until_end("both"), theory.both_of(6, 15)), in_one, in_other])


def test_a_mark_in_a_service_is_no_later_than_its_end(tmp_path: Path) -> None:
    """What hangs on 3 minutes into an exponential service of 6 begins 6 (1 - e^-0.5) after it on average."""
    text = """
demand: {volume: 5/h}
pools: {desk: {staff: 100}}
stages:
  - {name: answer, pool: desk, service: {exponential: {mean: 6 min}}}
  - {name: look, after: {moment: answer.start, plus: 3 min}, delay: 0 s}
"""
    check(tmp_path, text, [(known.until_end("look"), 6 * (1 - np.exp(-0.5)))])
