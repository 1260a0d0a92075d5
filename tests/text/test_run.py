"""What a run says in sentences: the verdict on all targets first."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sim.measures.targets import joint, results
from sim.studies.replicate import run
from sim.studies.result import Result
from sim.text.run import parts, sentences
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


def screen(result: Result) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(*parts(result), sep="\n")
    return " ".join(captured.get().split())


def test_more_replications_are_offered_where_they_may_decide(ran: Result) -> None:
    open_yet = judged(ran, ["undecided", "met"])
    open_yet = replace(open_yet, joint=replace(open_yet.joint, binding=None, verdict="undecided"))
    assert "undecided: t0 is undecided; --until-decided adds replications" in screen(open_yet)
    assert "undecided: t0 is undecided still, after 2 replications" in screen(replace(open_yet, looks=5))
    nothing = replace(open_yet, targets=(replace(open_yet.targets[0], value=math.nan), open_yet.targets[1]))
    assert "undecided: nothing was counted for t0" in screen(nothing)


def test_what_is_counted_beside_is_told_of_how_many(tmp_path: Path) -> None:
    mean = "share: 80 %}\n  mean: {of: {risk: low}, from: arrival, to: answer.start, mean: 1 h}"
    done = run(desk(tmp_path, "share: 80 %}", mean, "run.replications=2", "stages.answer.patience=1 h"))
    one = next(one for one in results(done.sample) if one.name == "mean")
    lost, its = one.counts["lost"], one.counts["lost"] + one.counts["met"] + one.counts["missed"]
    assert lost
    assert its < done.sample.arrived.sum()
    said = f"mean: {lost} of {its:,} tips never came to answer.start, and a mean cannot count them"
    assert said in screen(Result(done, results(done.sample), joint(done.sample), []))
