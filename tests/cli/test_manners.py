"""How commands behave towards who gives them: help with examples, JSON with a form, questions, what work will take."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from sim.answers import ANSWERS, schema_of_answers
from sim.cli import asking, init, options
from sim.cli.app import app
from sim.cli.init import QUESTIONS
from sim.cli.told import EXAMPLES
from sim.scenario.editors import EDITED_WITH, json_schema
from sim.scenario.loading import load
from sim.studies.study import words_of
from tests.cli.lines import SCENARIOS, shell, tipline

PROGRAM = get_command(app)
COMMANDS: dict[str, typer.core.TyperCommand] = PROGRAM.commands  # type: ignore[attr-defined]


def test_every_command_has_examples_and_no_other_has() -> None:
    assert set(EXAMPLES) == set(COMMANDS)


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line, _ in lines])
def test_an_example_is_a_command_line_of_the_program(line: str) -> None:
    name, *rest = words_of(line.removeprefix("tipline "))
    COMMANDS[name].make_context(name, rest)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_shows_its_examples(name: str) -> None:
    shown = " ".join(tipline(name, "--help").output.split())
    for line, does in EXAMPLES[name]:
        assert " ".join(f"{line} ({does})".split()) in shown


def test_the_version_has_a_short_option() -> None:
    assert tipline("-V").output == tipline("--version").output


def test_a_shell_can_be_told_to_complete() -> None:
    done = shell(_TIPLINE_COMPLETE="complete_bash", COMP_WORDS="tipline ru", COMP_CWORD="1")
    assert {"run", "runway"} <= set(done.stdout.split())


def test_data_say_what_form_they_have_and_fit_their_schema(tmp_path: Path) -> None:
    line = SCENARIOS / "two_stage.yaml"
    quick = ("--set", "run.length=1 d", "--replications", "2", "--json", "--jobs", "1", "--out", tmp_path / "out")
    found = json.loads(tipline("run", line, *quick).stdout)
    assert next(iter(found)) == "format"
    assert found["format"] == options.JSON_FORMAT
    schema = schema_of_answers("run")
    assert schema == json.loads(tipline("schema", "run").output)
    assert [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(found)] == []
    found["targets"][0]["value"] = "half"
    assert not jsonschema.Draft202012Validator(schema).is_valid(found)


@pytest.mark.parametrize("command", ANSWERS)
def test_every_command_with_answers_has_a_schema_of_them(command: str) -> None:
    schema = json.loads(tipline("schema", command).output)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:tipline:json:{command}"


def test_no_schema_of_what_is_none() -> None:
    done = tipline("schema", "ledgr")
    assert done.exit_code == options.BAD_INPUT
    assert "did you mean 'ledger'?" in " ".join(done.output.replace("│", " ").split())


def asked(file: Path, *answers: str) -> str:
    """What `init --ask` writes after these answers; an empty one takes what is usual."""
    done = CliRunner().invoke(app, ["init", str(file), "--ask"], input="\n".join(answers) + "\n")
    assert done.exit_code == options.DONE, done.output
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "answers",
    [
        [""] * len(QUESTIONS),
        ["Office line", "60/day", "call", "10 %", "mon-fri 08:00-18:00", "2", "12 min", "for ever", "0", "1 h", "90 %"],
        ["Late line", "3/h", "call 70 %, text 30 %", "3 %", "daily 12:00-24:00", "2", "9 min", "4 min", "1", *[""] * 3],
    ],
    ids=["as usual", "office hours", "evenings"],
)
def test_questions_become_a_commented_file_that_runs(tmp_path: Path, answers: list[str]) -> None:
    file = tmp_path / "line.yaml"
    text = asked(file, *answers)
    assert text.count("#") > 12
    assert load(file).scenario == (answers[0] or "My line")
    checked = tipline("check", file)
    assert "No warnings." in checked.output, checked.output
    if answers[0] == "Office line":
        quick = ("--out", tmp_path / "out", "--replications", "1", "--set", "run.length=3 d", "--jobs", "1")
        assert tipline("run", file, *quick).exit_code == options.DONE


def test_a_question_is_asked_again_until_the_answer_means_something(tmp_path: Path) -> None:
    text = asked(tmp_path / "line.yaml", "", "many", "5000/year", "call 60 %, web 50 %", "call", *[""] * 9)
    assert "volume: 5000/year" in text
    assert "call: {share: 100 %}" in text


def test_init_leaves_the_schema_beside_it_and_no_other_file_changed(tmp_path: Path) -> None:
    tipline("init", tmp_path / "line.yaml")
    schema = tmp_path / init.SCHEMA_FILE
    assert (tmp_path / "line.yaml").read_text(encoding="utf-8").startswith(f"{EDITED_WITH.format(schema.name)}\n")
    assert json.loads(schema.read_text(encoding="utf-8")) == json_schema()
    schema.write_text('{"$id": "urn:tipline:scenario"}', encoding="utf-8")
    tipline("init", tmp_path / "second.yaml")
    assert json.loads(schema.read_text(encoding="utf-8")) == json_schema(), "an older one of ours is made new"
    schema.write_text("mine", encoding="utf-8")
    done = tipline("init", tmp_path / "third.yaml")
    assert schema.read_text(encoding="utf-8") == "mine"
    assert "is left as it is" in done.output


def test_what_takes_long_says_so_before_it_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(asking, "LONG", 0)
    monkeypatch.setattr("sim.answers.run.RunAnswer.ask", stopped)
    given = ("run", SCENARIOS / "two_stage.yaml", "--replications", "2", "--out", tmp_path / "out")
    assert "two_stage: 2 replications take about " in tipline(*given).output
    assert "take about" not in tipline(*given, "--quiet").output
