"""The JSON Schema for editors accepts documents as people write them, and catches slips."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from sim.scenario.editors import json_schema
from sim.scenario.tree import compose
from tests.scenario.small import SCENARIOS, SMALL

VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def faults(text: str) -> list[str]:
    found: list[Any] = list(VALIDATOR.iter_errors(compose(text, "doc.yaml").plain()))
    return [".".join(map(str, fault.absolute_path)) for fault in found]


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("name", ["national", "national_recorded", "two_stage"])
def test_the_examples_are_valid(name: str) -> None:
    assert faults((SCENARIOS / f"{name}.yaml").read_text(encoding="utf-8")) == []


def test_the_rest_of_the_grammar_is_valid() -> None:
    text = SMALL.replace("high: 10 %, low: 90 %", "call: {high: 10 %, low: 90 %}, web: {high: 0.2, low: 80 %}")
    text = text.replace("call: 40 %,", "call: {share: 0.4, by_weekday: [1, 1, 1, 1, 1, 0, 0]},")
    text = text.replace("service: 20 min", "service: {by: channel, call: 5 min, web: {gamma: {mean: 2 min, cv: 0.5}}}")
    text = text.replace("staff: 1}]", "staff: 1, days: [mon, fri-sun]}]\n    breaks: {lasts: 5 min}")
    text += "centres: {east: 60 %, west: 40 %}\nstart_with: {backlog: {act: 3}}\n"
    assert faults(text) == []
    assert faults(SMALL + "centres: 31\n") == []


def test_what_extends_another_may_leave_things_out_and_take_things_away() -> None:
    surge = "demand: {surges: [{at: 2025-01-07, lasts: 1 h, factor: 2}]}\n"
    text = f"extends: base.yaml\nrun: {{length: 7 d}}\npools: {{desk: null}}\n{surge}"
    assert faults(text) == []
    assert faults(text.replace("extends: base.yaml\n", "")) == [""]
    assert faults(SMALL.replace("start: 2025-01-06 00:00, ", "")) == [""]


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("staff: 2,", "staf: 2,", "pools.desk"),
        ("staff: 2,", "staff: two,", "pools.desk.staff"),
        ("staff: 2,", "staff: -1,", "pools.desk.staff"),
        ("volume: 10/h", "volume: 10", "demand.volume"),
        ("length: 7 d", "length: 7", "run.length"),
        ("label: clerk", "labels: clerk", "stages.1"),
        ("scenario: Small\n", "", ""),
        ("scenario:", "scenrio:", ""),
    ],
)
def test_slips_are_caught(old: str, new: str, path: str) -> None:
    assert path in faults(SMALL.replace(old, new, 1))
