"""Validation: the test is on both sides, a fit finds what is known exactly, and what it predicts is so."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.answers.validate import Validation
from sim.cli import options
from sim.measures.theory import erlang_a
from sim.plots.validate import observed_and_simulated
from sim.scenario.loading import load
from sim.scenario.plausible import Unknown, groups
from sim.studies.validate import ObservedResult
from sim.text.validate import answer
from tests.cli import pictures
from tests.cli.lines import tipline

WORK, PATIENCE = 8.0, 12.0
"""Minutes: what is to be found."""


def line(per_hour: float) -> Any:
    """Four people as Erlang A has them: the share that is lost, and that is begun within a minute."""
    return erlang_a(per_hour * WORK / 60, 4, WORK, PATIENCE, within=1.0)


def percent(share: float) -> str:
    return f"{100 * share:.4f} %"


KNOWN = f"""
scenario: A line that is known exactly
run: {{start: 2025-01-06 00:00, warm_up: 1 d, length: 28 d, cool_down: 1 d, replications: 8, seed: 3}}
demand: {{volume: 30/h}}
pools: {{desk: {{staff: 4}}}}
stages:
  - {{name: answer, pool: desk, service: {{exponential: {{mean: 5 min}}}}, patience: {{exponential: {{mean: 30 min}}}}}}
variants: {{busy: {{demand.volume: 40/h}}}}
observed:
  lost: {{quantity: {{stage: answer, abandoned: {percent(line(30).abandoned)}}}, tolerance: 1 %,
    sure: exact, source: Erlang A}}
  level: {{quantity: {{stage: answer, service_level: {percent(line(30).served_within)}, within: 1 min}},
    tolerance: 2 %}}
  busy_lost: {{variant: busy, quantity: {{stage: answer, abandoned: {percent(line(40).abandoned)}}}, tolerance: 2 %}}
  busy_level: {{variant: busy, tolerance: 4 %,
    quantity: {{stage: answer, service_level: {percent(line(40).served_within)}, within: 1 min}}}}
  other: {{variant: busy, quantity: {{stage: answer, abandoned: 2 %}}, tolerance: 2 %, give_or_take: 1 %}}
fit:
  work: {{path: stages.answer.service.exponential.mean, from: 2 min, to: 30 min, by: [lost, level]}}
  patience: {{path: stages.answer.patience.exponential.mean, from: 2 min, to: 120 min, by: [lost, level],
    source: anybody's guess}}
"""


@pytest.fixture(scope="module")
def known() -> Validation:
    return sim.validate(KNOWN, jobs=1)


def test_a_fit_finds_what_is_known(known: Validation) -> None:
    work, patience = known.found.fits
    assert work.value == pytest.approx(WORK, rel=0.02)
    assert work.low < WORK < work.high
    assert patience.value == pytest.approx(PATIENCE, rel=0.06)
    assert patience.low < PATIENCE < patience.high
    assert (work.at_end, patience.at_end) == (False, False)


def test_what_it_predicts_is_so(known: Validation) -> None:
    """Of the busy line nothing was fitted, and the exact values lie in the intervals."""
    lost, level, other = known.found.of("predicted")
    for one in (lost, level):
        assert one.sense == "reproduced"
        assert one.low <= one.value <= one.high
    assert other.sense == "not reproduced"
    assert [one.name for one in known.found.of("fitted")] == ["lost", "level"]
    assert all(one.sense == "reproduced" for one in known.found.of("fitted"))


def test_intervals_of_what_is_predicted_hold_what_the_fit_is_unsure_by(known: Validation) -> None:
    for one in known.found.of("predicted"):
        assert one.high - one.low > one.result.high - one.result.low
    for one in known.found.of("fitted"):
        assert (one.low, one.high) == pytest.approx((one.result.low, one.result.high))


@pytest.mark.parametrize(
    "low, high, give_or_take, sense",
    [
        (0.49, 0.51, 0.0, "reproduced"),
        (0.45, 0.55, 0.0, "reproduced"),
        (0.45, 0.55, 0.001, "undecided"),
        (0.44, 0.5, 0.0, "undecided"),
        (0.5, 0.56, 0.0, "undecided"),
        (0.3, 0.44, 0.0, "not reproduced"),  # too low is as wrong as too high
        (0.56, 0.7, 0.0, "not reproduced"),
        (0.56, 0.7, 0.02, "undecided"),
        (0.3, 0.7, 0.0, "undecided"),
    ],
)
def test_a_value_is_reproduced_with_its_whole_interval_on_both_sides(
    known: Validation, low: float, high: float, give_or_take: float, sense: str
) -> None:
    """0.5 was observed, 5 points are allowed."""
    one = known.found.seen[0]
    result = dataclasses.replace(one.result, value=(low + high) / 2)
    seen = ObservedResult("x", one.observed, None, result, 0.5, 0.05, give_or_take, "predicted", low, high)
    assert seen.sense == sense
    assert dataclasses.replace(seen, result=dataclasses.replace(result, value=math.nan)).sense == "undecided"


def test_unknowns_that_share_a_value_are_fitted_together() -> None:
    def unknown(*by: str) -> Unknown:
        return Unknown.model_validate({"path": "a.b", "from": "1 min", "to": "2 min", "by": list(by)})

    found = groups({"a": unknown("1"), "b": unknown("2"), "c": unknown("3"), "d": unknown("1", "3"), "e": unknown("4")})
    assert found == [["a", "c", "d"], ["b"], ["e"]]


def test_what_is_asked_for_all_is_overlaid_in_a_variant_and_later_groups_see_earlier_ones() -> None:
    """The work of each line is fitted to its own share, first that of the busy line."""
    fit = {
        "theirs": {
            "path": "stages.answer.service.exponential.mean",
            "variant": "busy",
            "from": "2 min",
            "to": "30 min",
            "by": "busy_lost",
        },
        "ours": {"path": "stages.answer.service.exponential.mean", "from": "2 min", "to": "30 min", "by": ["lost"]},
    }
    found = sim.validate(load(KNOWN, changes={"fit": fit, "stages.answer.patience.exponential.mean": "12 min"}), jobs=1)
    theirs, ours = found.found.fits
    assert (theirs.value, ours.value) == (pytest.approx(WORK, rel=0.03), pytest.approx(WORK, rel=0.03))
    assert [one.name for one in found.found.of("fitted")] == ["lost", "busy_lost"]


def test_an_end_of_the_range_is_told() -> None:
    fit = {"work": {"path": "stages.answer.service.exponential.mean", "from": "2 min", "to": "5 min", "by": "lost"}}
    found = sim.validate(load(KNOWN, changes={"fit": fit}), jobs=1, replications=2)
    assert found.found.fits[0].at_end
    assert "that is an end of its range, and what fits may lie beyond" in found.sentences()[1]
    assert found.validate.set_index("quantity").verdict["lost"] == "not reproduced"


def test_without_a_fit_nothing_is_fitted_and_targets_of_the_document_may_be_named() -> None:
    text = KNOWN[: KNOWN.index("observed:")] + (
        "targets: {quick: {stage: answer, asa: 10 s}}\n"
        "observed: {wait: {target: quick, value: 12 s, tolerance: 50 %}, same: {target: quick, tolerance: 1 min}}"
    )
    found = sim.validate(text, jobs=1, replications=2)
    assert "validate_fit" not in found.tables
    table = found.validate.set_index("quantity")
    assert table.observed.tolist() == pytest.approx([0.2, 1 / 6])
    assert table.tolerance.tolist() == pytest.approx([0.1, 1.0])
    assert table.role.tolist() == ["predicted"] * 2
    assert table.unit.tolist() == ["min"] * 2


# What it says and leaves


def test_it_says_fitted_and_predicted_apart(known: Validation) -> None:
    said = answer(known.found)
    assert said[0] == "2 of 3 predicted values are reproduced."
    assert said[1].startswith("work was fitted to lost and level: ")
    assert [line.split()[1] for line in said[3:]] == ["(predicted)"] * 3 + ["(fitted)"] * 2
    assert said[5].endswith("where 2.0 % was observed, within 2 points, give or take 1 point: not reproduced.")
    assert not known.holds


def test_the_picture_can_be_read(known: Validation) -> None:
    figure = observed_and_simulated(known.found)
    assert pictures.title(figure) == "2 of 3 predicted values are reproduced"
    assert {"Fitted to", "Predicted", "busy_lost, busy", "not reproduced"} <= set(pictures.said(figure))
    assert [pictures.cut_off(figure), pictures.overlapping(figure), pictures.too_small(figure)] == [[], [], []]
    assert not pictures.without_unit(figure)


def test_the_command_leaves_tables_a_figure_and_a_part_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text(KNOWN, encoding="utf-8")
    less = ["--set", "fit=null", "--replications", "2", "--out", tmp_path / "out"]
    done = tipline("validate", tmp_path / "known.yaml", *less)
    assert done.exit_code == options.DONE, done.output
    assert "NOT REPRODUCED" in done.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "validate.csv",
        "validate.json",
        "scenario.yaml",
        "plots",
    }
    assert load(tmp_path / "out" / "scenario.yaml").observed["lost"].source == "Erlang A"
    page = sim.report(tmp_path / "out").html
    assert "Observed and simulated" in page
    assert "busy_level" in page
    assert tipline("validate", tmp_path / "known.yaml", *less, "--strict", "--quiet").exit_code == options.NOT_MET
    told = json.loads(tipline("validate", tmp_path / "known.yaml", *less, "--json").output)
    assert {row["verdict"] for row in told["validate"]} >= {"not reproduced"}


# Faults


def test_every_fault_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "line.yaml"
    file.write_text(
        KNOWN[: KNOWN.index("observed:")]
        + """observed:
  a: {quantity: {stage: anser, abandoned: 5 %}, tolerance: 1 %}
  b: {target: x, quantity: {stage: answer, abandoned: 5 %}, tolerance: 1 %}
  c: {quantity: {stage: answer, abandoned: 5 %}, value: 5 %, tolerance: 1 %}
  d: {quantity: {stage: answer, abandoned: 5 %}, tolerance: 0 %}
  e: {quantity: {stage: answer, abandoned: 5 %}, tolerance: 1 %, variant: bussy}
  f: {quantity: {stage: answer, abandoned: 5 %}, tolerance: 1 %}
fit:
  g: {path: stages.answer.service.exponential.mean, from: 2 min, to: 30 min, by: [f]}
  h: {path: stages.answer.service.exponential.mean, from: 2 min, to: 30 min, by: [f]}
  i: {path: pools.desk.staff, from: 1, to: 9, by: z}
  j: {path: stages.answer.patience.exponential.mean, from: 2 min, to: 30 min, by: f, variant: busy}
""",
        encoding="utf-8",
    )
    told = tipline("check", file).output
    for rule in (
        "there is no variant 'bussy'; did you mean 'busy'?",
        "say what was observed once: a `quantity` written as a target is, or the name of a `target`",
        "the threshold of the `quantity` is the value that was observed; leave this out",
        "must be above 0",
        "is fitted by 'g' already",
        "there is no observed value 'z'",
        "takes whole numbers only, and a fit tries what lies between them",
        "'f' is not of the variant 'busy', in which this is fitted",
        "3 unknowns (g, h, j) are fitted to 1 observed; it takes as many",
    ):
        assert rule in told, rule


@pytest.mark.parametrize(
    "was, now, rule",
    [
        (
            "{stage: answer, abandoned",
            "{stage: anser, abandoned",
            "10:28: observed.lost.quantity.stage: there is no stage 'anser'",
        ),
        ("from: 2 min, to: 30 min", "from: -2 min, to: 30 min", "fit.work: a duration cannot be negative"),
        ("service.exponential.mean, from", "service.lognormal.mean, from", "fit: "),
    ],
)
def test_quantities_and_ranges_are_checked_with_the_document(was: str, now: str, rule: str) -> None:
    with pytest.raises(sim.ScenarioError, match=rule):
        load(KNOWN.replace(was, now, 1))


@pytest.mark.parametrize(
    "observed, rule",
    [
        (None, "nothing was observed"),
        ({"a": {"target": "quick", "tolerance": "1 %"}}, "observed.a: there is no target 'quick'"),
        (
            {"a": {"quantity": {"stage": "answer", "abandoned": "5 %"}, "tolerance": "1 min"}},
            "observed.a.tolerance: .*got '1 min'",
        ),
    ],
)
def test_what_cannot_be_compared_is_told(observed: Any, rule: str) -> None:
    scenario = load(KNOWN, changes={"fit": None, "observed": observed})
    with pytest.raises(ValueError, match=rule):
        sim.validate(scenario, jobs=1, replications=1)
