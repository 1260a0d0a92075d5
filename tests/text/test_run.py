"""What a run says in sentences: the verdict on all targets first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sim.measures.targets import joint, results
from sim.studies.replicate import run
from sim.studies.result import Result
from sim.text.run import sentences
from tests.studies.lines import desk


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Result:
    done = run(desk(tmp_path_factory.mktemp("said"), "replications: 10", "replications: 2"))
    return Result(done, results(done.sample), joint(done.sample), [])


def judged(ran: Result, verdicts: list[str]) -> Result:
    """The result, its targets called t0, t1 and judged otherwise."""
    targets = tuple(
        replace(ran.joint.results[0], name=f"t{number}", verdict=verdict)  # type: ignore[arg-type]
        for number, verdict in enumerate(verdicts)
    )
    verdicts_by_name = {one.name: one.verdict for one in targets}
    together = replace(ran.joint, results=targets, binding="t0" if targets else None, verdicts=verdicts_by_name)
    return replace(ran, targets=targets, joint=together)


@pytest.mark.parametrize(
    "verdicts, sentence",
    [
        (["met", "met"], "The 2 targets hold together."),
        (["met"], "The target holds."),
        (["missed", "met"], "The 2 targets do not hold together: t0 is missed."),
        (["missed"], "The target does not hold: t0 is missed."),
        (["undecided", "met"], "It is open whether the 2 targets hold together: t0 is undecided."),
        (["undecided", "missed"], "The 2 targets do not hold together: t1 is missed."),
    ],
)
def test_the_first_sentence_is_the_verdict_on_all_targets(ran: Result, verdicts: list[str], sentence: str) -> None:
    assert sentences(judged(ran, verdicts))[0] == sentence


def test_then_what_binds_and_how_often_all_held(ran: Result) -> None:
    _, binds, held = sentences(judged(ran, ["met", "missed"]))
    assert binds.startswith("What binds is t0: it comes to ")
    assert binds.endswith(" where at least 80 % in 5 min is asked.")
    assert held.startswith("All of them held at once in ")
    assert held.endswith(" of the weeks.")


def test_without_targets_nothing_is_answered(ran: Result) -> None:
    assert sentences(judged(ran, [])) == []
