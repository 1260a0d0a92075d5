"""Theory beside runs: lines that are known exactly agree with it, and where an assumption is broken it is named.

The seeds are fixed, so nothing here fails by chance again and again; a fresh seed would fail one in about 3,500
comparisons if all is right (Student's t with 39 degrees of freedom beyond 4).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

import sim
from sim.measures import theory
from sim.scenario.stages import Stage
from sim.studies.theory import selftest as own
from sim.studies.theory.beside import CLOSE, TheoryAndRun, compared, ratio
from sim.studies.theory.lines import START, lines
from sim.studies.theory.models import NOT_BEGUN, THERE, WAIT, KnownValue, models

LINES = {line.model: line for line in own.known_lines()}
RUN = "run: {start: 2025-01-06 00:00, warm_up: 6 d, length: 14 d, cool_down: 1 d, replications: 20, seed: 3}"
PLAIN = f"""
scenario: Plain
{RUN}
demand: {{volume: 24/h}}
pools: {{desk: {{staff: 3}}}}
stages: [{{name: answer, pool: desk, service: {{exponential: {{mean: 6 min}}}}}}]
"""


def left_out(text: str, **changes: object) -> dict[str, tuple[str, ...]]:
    """What the models leave out, by pool or delay."""
    return {one.place: one.left_out for one in models(sim.load(text, changes=changes))}


def test_there_are_forty_known_answers_of_more_than_twenty_lines() -> None:
    answers = [known for line in LINES.values() for found in line.answers().values() for known in found]
    assert len(LINES) == len(own.known_lines()) >= 20
    assert len(answers) == 40


@pytest.mark.parametrize("name", LINES)
def test_a_known_line_agrees_with_theory_in_all_that_its_model_knows(name: str) -> None:
    """The model that is chosen leaves nothing out and knows what the formula with literal numbers does."""
    line = LINES[name]
    scenario = line.scenario()
    chosen = models(scenario)
    assert [one.left_out for one in chosen] == [()] * len(chosen)
    values = {
        (one.place, known.quantity, known.rank, known.within, known.hour): known.value
        for one in chosen
        for known in one.known
    }
    for place, answers in line.answers().items():
        for known in answers:
            at = (place, known.quantity, known.rank, known.within, known.hour)
            if known.within == 0 and (known.hour is None or at in values):
                assert values[at] == pytest.approx(known.value, rel=1e-6), at
    found = compared(scenario, [*chosen, *line.beside(scenario)], range(40), seed=7)
    assert {one.known.quantity: round(one.apart, 2) for one in found if not one.agrees} == {}


def test_both_engines_agree_on_a_day_of_each() -> None:
    assert [line.name for line in LINES.values() if not own.engines_agree(line)] == []


def test_a_wrong_answer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait that is 12 % too long, and engines that differ."""
    line = LINES["M/M/3"]
    right = own.selftest(lines=[line], replications=20)
    assert [one.right for one in right] == [True] * 3
    assert right[0].limit == pytest.approx(own.limit(3, 20))
    was = theory.mean_wait(2.4, 3, 6.0)
    monkeypatch.setattr(theory, "mean_wait", lambda *_: was * 1.12)
    assert not own.selftest(lines=[line], replications=20)[0].right
    assert not any(replace(one, engines_agree=False).right for one in right)


# Broken assumptions

BROKEN = {
    "service": (
        {"stages.answer.service": {"lognormal": {"mean": "6 min", "cv": 2.0}}},
        "service is not one exponential law (cv 2.00)",
    ),
    "busyness": ({"demand.busyness_cv": 0.6}, "dates are busy or quiet as a whole"),
    "incidents": (
        {
            "demand.volume": "16/h",
            "demand.incidents": {"sighting": {"rate": "1/h", "tips": 8, "over": {"exponential": {"mean": "5 min"}}}},
        },
        "incidents bring several tips together",
    ),
    "gate": ({"stages.answer.every": "30 min"}, "tips wait at a gate"),
    "retry": (
        {
            "stages.answer.patience": {"exponential": {"mean": "3 min"}},
            "stages.answer.retry": {"share": 0.9, "after": "2 min", "at_most": 5},
        },
        "who is not served comes back",
    ),
    "patience": (
        {"stages.answer.patience": {"lognormal": {"mean": "4 min", "cv": 0.2}}},
        "patience is not one exponential law",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_assumption_is_named_and_shows(name: str) -> None:
    """What the model leaves out is told in words, and the run lies far from it; without it both agree."""
    changes, words = BROKEN[name]
    assert left_out(PLAIN) == {"desk": ()}
    scenario = sim.load(PLAIN, changes=changes)
    (told,) = models(scenario)
    assert told.left_out == (words,)
    found = compared(scenario, [told], range(20), seed=3)
    assert max(abs(one.apart) for one in found) > CLOSE


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"run.warm_up": "1 h"}, "a warm-up under 12 h is short for its load"),
        ({"demand.growth": "20 %"}, "the tips grow over the run"),
        ({"pools.desk.staff": 2}, "more work comes than is done, so that it never settles"),
        ({"start_with": {"backlog": {"answer": 50}}}, "tips wait when the run starts"),
        (
            {"stages.answer.rework": {"share": 0.1, "back_to": "answer"}},
            "some come again by the rework of answer",
        ),
        ({"pools.desk.speed": {"by_hour": [1.0] * 12 + [0.8] * 12}}, "people are faster at some hours"),
        (
            {"pools.desk.staff": 0, "pools.desk.shifts": [{"from": "00:00", "to": "00:00", "staff": 3}]},
            None,
        ),
        (
            {
                "pools.desk.staff": 2,
                "pools.desk.shifts": [{"from": "08:00", "to": "20:00", "staff": 2}],
            },
            "who goes first ends what is in hand",
        ),
    ],
)
def test_what_is_left_out_is_said(changes: dict[str, object], words: str | None) -> None:
    assert left_out(PLAIN, **changes)["desk"] == (() if words is None else (words,))


def test_what_comes_before_a_pool_is_said() -> None:
    text = PLAIN.replace("pools: {desk", "pools: {other: {staff: 2}, desk").replace(
        "stages: [", "stages: [{name: first, pool: other, service: {exponential: {mean: 3 min}}}, "
    )
    assert left_out(text) == {"other": (), "desk": ()}
    uneven = left_out(text, **{"stages.first.service": "3 min"})
    assert uneven["desk"] == ("tips come by way of first, and so not quite by chance",)
    same = left_out(text, **{"stages.first.pool": "desk"})
    assert "a tip comes to it more than once, first at first" in same["desk"]
    over = left_out(text, **{"stages.first.overflow": {"to": "desk"}})
    assert "tips of first overflow to it" in over["desk"]


def test_a_key_that_nobody_knows_of_is_named() -> None:
    """A rule that is new to the document is told as left out, until somebody says what theory makes of it."""
    from sim.studies.theory.lines import _told

    class Newer(Stage):
        odd: int | None = None

    one = sim.load(PLAIN).stages[0]
    newer = Newer.model_construct(**{name: getattr(one, name) for name in Stage.model_fields}, odd=3)
    assert list(_told(newer, {})) == [("odd", "`odd`")]
    assert list(_told(one, {})) == []


def test_a_line_is_told_as_formulas_see_it() -> None:
    (line,) = lines(sim.load(PLAIN))
    assert (line.servers, line.load, line.service, line.exponential) == (3, pytest.approx(2.4), 6.0, True)
    assert line.plain
    assert replace(line, aspects=((START, "late"),)).plain
    assert not replace(line, aspects=(("gate", "a gate"),)).plain


# Figures


def test_a_ratio_and_its_standard_error() -> None:
    rng = np.random.default_rng(3)
    counts = rng.integers(50, 150, (4000, 20)).astype(float)
    sums = rng.normal(2.0, 1.0, (4000, 20)) * np.sqrt(counts) + 3.0 * counts
    found = np.array([ratio(one, many) for one, many in zip(sums, counts, strict=True)])
    assert found[:, 1].mean() == pytest.approx(found[:, 0].std(), rel=0.05)
    assert math.isnan(ratio(np.zeros(3), np.zeros(3))[0])
    assert math.isnan(ratio(np.ones(1), np.ones(1))[1])


def test_apart_without_an_error() -> None:
    beside = models(sim.load(PLAIN))[0]
    assert TheoryAndRun(beside, KnownValue(THERE, 3.0), 3.0, 0.0).agrees
    assert TheoryAndRun(beside, KnownValue(THERE, 3.0), 2.9, 0.0).apart == -math.inf
    assert not TheoryAndRun(beside, KnownValue(THERE, 3.0), math.nan, math.nan).agrees


def test_targets_ask_for_their_own_times_and_several_places_are_one() -> None:
    text = PLAIN + "targets: {soon: {share: 80 %, from: answer.enter, to: answer.start, within: 5 min}}\n"
    (one,) = models(sim.load(text))
    assert [known.within for known in one.known if known.quantity == NOT_BEGUN] == [0.0, 5.0]
    (two,) = models(sim.load(text, changes={"centres": 2, "pools.desk.staff": 2}))
    wait = next(known.value for known in two.known if known.quantity == WAIT)
    assert wait == pytest.approx(theory.mean_wait(1.2, 2, 6.0))
    assert next(known.value for known in two.known if known.quantity == THERE) == pytest.approx(0.4 * (6 + wait))


def test_python_gives_it_with_and_without_asking() -> None:
    scenario = sim.load(PLAIN, changes={"run.length": "2 d"})
    asked = sim.run(scenario, replications=3, theory=True)
    assert "theory" in asked.tables
    plain = sim.run(scenario, replications=3)
    assert "theory" not in plain.tables
    assert plain.theory.equals(asked.theory)
    assert list(plain.theory["quantity"]) == ["mean wait", "not begun", "occupancy", "number there"]
    assert "figures that theory knows exactly agree with it" in asked.sentences()[-1]
