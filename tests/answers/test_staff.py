"""A search for staffing from Python is the one that the command does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.collections import PathCollection

import sim
from sim.answers.staff import Staffing, bounds
from sim.plots.staffing import tried
from sim.plots.style import VERDICTS
from tests.cli.lines import tipline
from tests.studies.staffings import TWO


@pytest.fixture(scope="module")
def found() -> Staffing:
    return sim.staff(TWO, "front=3..8, back=4..9", frontier="week")


def test_a_search_is_what_the_command_does(found: Staffing, tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(TWO, encoding="utf-8")
    asked = ("--pools", "front=3..8", "--pools", "back=4..9", "--frontier")
    done = tipline("staff", file, *asked, "--out", tmp_path / "command")
    assert done.exit_code == 0, done.output
    names = found.save(tmp_path / "python")
    assert names[:6] == [f"{table.name}.csv" for table in Staffing.leaves]
    for name in names:
        assert (tmp_path / "python" / name).read_bytes() == (tmp_path / "command" / name).read_bytes()


def test_the_answer_is_a_scenario_that_can_be_run(found: Staffing) -> None:
    people = dict(zip(found.staffing["post"], found.staffing["people"], strict=True))
    assert {name: found.staffed.pools[name].staff for name in people} == people
    assert sim.to_yaml(found.staffed) != sim.to_yaml(found.scenario)
    assert sim.run(found.staffed).holds
    assert found.sentences()[-1] == "To run it: sim.run(answer.staffed)"


def test_an_earlier_frontier_is_taken_away(found: Staffing, tmp_path: Path) -> None:
    found.save(tmp_path)
    names = Staffing(replace(found.found, frontier=())).save(tmp_path)
    assert not [name for name in names if "frontier" in name]
    assert not list(tmp_path.rglob("frontier.*"))
    assert (tmp_path / "staffing.csv").exists()


def marks(answer: Staffing) -> dict[str, int]:
    """How many marks of each verdict the figure of what was tried has."""
    figure = tried(answer.found)
    colours = {tuple(one.get_edgecolor()[0][:3]): len(one.get_offsets()) for one in _marks(figure.axes[0])}
    from matplotlib.colors import to_rgb

    return {word: colours.get(to_rgb(look.colour), 0) for word, look in VERDICTS.items()}


def _marks(axes: object) -> list[PathCollection]:
    return [one for one in axes.collections if isinstance(one, PathCollection)]  # type: ignore[attr-defined]


def test_the_answer_has_the_mark_of_its_verdict_on_fresh_seeds(found: Staffing) -> None:
    """However the search, which looks at few replications, judged it."""
    answer = found.found.answer
    assert answer.tried is not None
    assert answer.staffing is not None
    outcomes = answer.tried.outcomes
    before, own = marks(found), outcomes[answer.staffing]
    try:
        outcomes[answer.staffing] = replace(own, verdict="undecided")
        assert marks(found) == before
    finally:
        outcomes[answer.staffing] = own
    n = sum(one.verdict == "undecided" for staffing, one in outcomes.items() if staffing != answer.staffing)
    assert before["undecided"] == n
    assert before["met"] >= 1


def test_an_answer_that_is_not_confirmed_does_not_hold(found: Staffing) -> None:
    answer = found.found.answer
    assert answer.confirmation is not None
    assert found.holds
    open_ = replace(answer.confirmation, joint=replace(answer.confirmation.joint, verdict="undecided"))
    assert not Staffing(replace(found.found, answer=replace(answer, confirmation=open_))).holds


def test_pools_are_told_as_texts_or_as_numbers() -> None:
    wanted = {"front": (3, 8), "back": None, "desk": (2, 2)}
    assert bounds("front=3..8, back, desk=2") == wanted
    assert bounds(["front=3..8", "back,desk=2"]) == wanted
    assert bounds({"front": "3..8", "back": None, "desk": 2}) == wanted
    with pytest.raises(ValueError, match=r"bounds are written front=1..9 \(got 'front=few'\)"):
        bounds("front=few")


def test_what_cannot_be_decided_is_told_before_anything_is_run() -> None:
    with pytest.raises(ValueError, match="there is no pool 'nobody'; there are front, back"):
        sim.staff(TWO, "nobody")
    with pytest.raises(ValueError, match=r"written lowest first, front=2..5 \(got 5..2\)"):
        sim.staff(TWO, {"front": (5, 2)})
    with pytest.raises(ValueError, match="there are no targets"):
        sim.staff(TWO[: TWO.index("targets:")])
