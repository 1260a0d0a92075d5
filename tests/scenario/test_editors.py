"""The JSON Schema for editors accepts documents as people write them, and catches slips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sim.scenario.editors import json_schema, ledger_schema
from sim.scenario.faults import ScenarioError
from sim.scenario.loading import read
from sim.scenario.schema import FORMAT
from sim.scenario.tree import compose
from sim.studies.study import json_schema as study_schema
from tests.scenario.small import SCENARIOS, SMALL

SCHEMAS = {"scenario": json_schema, "ledger": ledger_schema, "study": study_schema}
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def faults(text: str) -> list[str]:
    found: list[Any] = list(VALIDATOR.iter_errors(compose(text, "doc.yaml").plain()))
    return [".".join(map(str, fault.absolute_path)) for fault in found]


@pytest.mark.parametrize("kind", SCHEMAS)
def test_it_is_a_schema_that_has_a_name(kind: str) -> None:
    schema = SCHEMAS[kind]()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:tipline:{kind}"


def keys(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every key with what is said of it, by the part that it belongs to."""
    parts = {"": schema, **schema["$defs"]}
    return {f"{part}.{key}": one for part, whole in parts.items() for key, one in whole.get("properties", {}).items()}


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_key_says_what_it_means(kind: str) -> None:
    assert [key for key, one in keys(SCHEMAS[kind]()).items() if len(one.get("description", "")) < 3] == []


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_example_is_what_the_key_takes(kind: str) -> None:
    schema = SCHEMAS[kind]()
    for key, one in keys(schema).items():
        takes = jsonschema.Draft202012Validator({**one, "$defs": schema["$defs"]})
        shown = [*one.get("examples", ()), *(snippet["body"] for snippet in one.get("defaultSnippets", ()))]
        assert [example for example in shown if not takes.is_valid(example)] == [], key
        if "default" in one:
            assert takes.is_valid(one["default"]), key


@pytest.mark.parametrize("name", sorted(path.stem for path in SCENARIOS.glob("*.yaml")))
def test_what_is_shipped_is_valid(name: str) -> None:
    tree = compose((SCENARIOS / f"{name}.yaml").read_text(encoding="utf-8"), name).plain()
    schema = next(SCHEMAS[kind]() for kind in SCHEMAS if kind in tree)
    assert [fault.message for fault in jsonschema.Draft202012Validator(schema).iter_errors(tree)] == []


def test_a_unit_stands_in_the_words_and_a_default_as_a_document_writes_it() -> None:
    run = json_schema()["$defs"]["Run"]["properties"]
    assert run["interval"]["default"] == "1 h"
    assert run["confidence"]["default"] == "95 %"
    assert run["length"]["description"].endswith("Written as a duration: ms, s, min, h, d or wk.")


def test_a_file_of_a_newer_program_says_so(tmp_path: Path) -> None:
    file = tmp_path / "later.yaml"
    file.write_text(f"format: {FORMAT}\n{SMALL}", encoding="utf-8")
    read(file).scenario()
    file.write_text(f"format: {FORMAT + 1}\n{SMALL}", encoding="utf-8")
    with pytest.raises(ScenarioError, match="the file was written for a newer program"):
        read(file).scenario()


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
