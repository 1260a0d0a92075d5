"""What all answers have in common: their declarations fit together, whichever command they are of."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import sim.answers
from sim.answers import ANSWERS, answer_of, every
from sim.answers.answer import Answer
from sim.answers.check import Check
from sim.answers.run import Explanation
from sim.cli.app import app

each = pytest.mark.parametrize("command", ANSWERS)


@each
def test_an_answer_is_that_of_a_command(command: str) -> None:
    assert answer_of(command).command == command
    assert command in {one.callback.__name__ for one in app.registered_commands if one.callback}


def test_every_answer_of_a_command_is_listed() -> None:
    """What is not, no page tells: its figure has no title there, and its sentences are left out."""
    rooms = [one.stem for one in Path(sim.answers.__file__).parent.glob("[a-z]*.py")]
    there = [one for room in rooms for one in vars(import_module(f"sim.answers.{room}")).values()]
    found = {one for one in there if isinstance(one, type) and issubclass(one, Answer)} - {Answer, Check, Explanation}
    assert found == set(every()), "list it in ANSWERS of sim/answers/__init__.py"


@each
def test_a_figure_has_a_title_a_caption_and_tables_that_are_left(command: str) -> None:
    answer = answer_of(command)
    assert answer.plots
    for plot in answer.plots:
        assert plot.title
        assert plot.caption.endswith(".")
        assert set(plot.tables) <= set(answer.leaves)
        if plot.drawn_by:
            module, _, function = plot.drawn_by.partition(":")
            assert callable(getattr(import_module(f"sim.plots.{module}"), function))


def test_no_two_tables_or_figures_have_one_name() -> None:
    answers = [*every(), Check, Explanation]
    for names in (
        [table.name for answer in answers for table in answer.leaves],
        [plot.name for answer in answers for plot in answer.plots],
    ):
        assert len(names) == len(set(names))


def test_a_table_has_a_title_says_what_a_row_is_and_names_no_column_twice() -> None:
    for answer in [*every(), Check, Explanation]:
        for table in answer.leaves:
            assert table.title
            assert table.one_row
            heads = [column.head for column in table.of(()).columns]
            assert len(heads) == len(set(heads)), table.name


def test_no_answer_is_imported_before_it_is_asked_for() -> None:
    code = "import sys, sim.answers; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "sim.answers" in done.stdout.split()
    assert not {"sim.answers.run", "sim.answers.answer", "numpy", "pydantic"} & set(done.stdout.split())
