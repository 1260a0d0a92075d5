"""What one scenario came to: its replications, the verdicts on its targets, and what no reader of them may miss."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sim.measures.stopping import Looks
from sim.measures.targets import Joint, TargetResult, joint, results
from sim.measures.use import given_up
from sim.scenario.describe import describe
from sim.studies.replicate import Done, Settings, run
from sim.studies.trials import Draws, Trials

if TYPE_CHECKING:
    from sim.dynamics.replication import Replication
    from sim.measures.sample import Sample
    from sim.scenario.schema import Scenario
    from sim.studies.day import Day
    from sim.studies.staff.limits import Limit
    from sim.studies.theory.beside import TheoryAndRun

MOST_TIMES: Final = 16
"""Until verdicts are decided, at most so many times the replications that were asked for first."""

KEPT_OF_A_RUN: Final = 60_000_000
"""Bytes of drawn tips that are kept for unlimited staff: ten replications of the national year."""
MOST_KEPT: Final = 20
"""Replications up to which any are kept: of many more, so few would save next to nothing for all that memory."""


@dataclass(frozen=True, slots=True)
class Result:
    """A run and what it came to."""

    done: Done
    targets: Sequence[TargetResult]
    joint: Joint
    notes: Sequence[str]
    """Sentences that no reader may miss: overload, what staff cannot fix, a run too short."""
    limits: Sequence[Limit] = ()
    """What each target comes to with unlimited staff; empty where every target is met with the staff there is."""
    looks: int = 1
    """How often the verdicts were looked at while replications were added; the intervals allow for it."""
    theory: Sequence[TheoryAndRun] | None = None
    """What theory knows beside the run; None where it was not asked."""
    day: Day | None = None
    """A day of the first replication, tip by tip; None where it was not asked."""

    @property
    def scenario(self) -> Scenario:
        return self.done.scenario

    @property
    def all_met(self) -> bool:
        """Whether every target is met."""
        return all(one.verdict == "met" for one in self.targets)


def result(scenario: Scenario, settings: Settings, *, until_decided: bool = False) -> Result:
    """Run the replications of a scenario and judge its targets; with `until_decided` more and more of them.

    Where every replication failed the result has no targets. Intervals are then so wide that looking several times
    errs no more often than looking once would.
    """
    if not until_decided:
        return _run_and_judged(scenario, settings)
    scenario, looks = looked_at(scenario)
    return _run_and_judged(scenario, settings, looks)


def looked_at(scenario: Scenario) -> tuple[Scenario, Looks]:
    """A scenario whose verdicts are looked at several times, each time as surely as that takes; and at which numbers of
    replications."""
    first = max(2, scenario.run.replications)
    looks = Looks(first=first, most=MOST_TIMES * first, confidence=scenario.run.confidence)
    sure = scenario.run.model_copy(update={"replications": looks.first, "confidence": looks.each})
    return scenario.model_copy(update={"run": sure}), looks


def _run_and_judged(scenario: Scenario, settings: Settings, looks: Looks | None = None) -> Result:
    """Unlimited staff meets the tips that the real staff met, and those that there is room for are drawn once."""
    # On a cluster each worker keeps those that it draws, which are fewer.
    few = settings.cluster is not None or scenario.run.replications <= MOST_KEPT
    draws = Draws(KEPT_OF_A_RUN if few else 0)
    drawn: Callable[[int], Replication] | None = None
    if scenario.targets and settings.cluster is not None:
        drawn = draws.afar(scenario, scenario.run.seed)
    elif scenario.targets and settings.engine == "compiled":
        drawn = draws.of(scenario, scenario.run.seed)
    done = run(scenario, settings=settings, looks=None if looks is None else asked(looks), drawn=drawn)
    return judged(done, settings, 1 if looks is None else len(looks.numbers), draws)


def judged(done: Done, settings: Settings, looks: int = 1, draws: Draws | None = None) -> Result:
    """What replications that are done came to; `draws` are those that were drawn for it."""
    if not len(done.sample):
        return Result(done, (), Joint("undecided", (), {}, None), describe(done.scenario).warnings)
    here = replace(settings, folder=None, resume=False, log_events=False, count=lambda _: None)
    return told_whole(so_far(done, looks), here, draws)


def so_far(done: Done, looks: int = 1) -> Result:
    """What the replications that are done came to: the targets, and nothing of what takes longer than to judge them."""
    together = joint(done.sample, with_alone=True)
    return Result(done, together.alone, together, (), looks=looks)


def told_whole(found: Result, settings: Settings, draws: Draws | None) -> Result:
    """The same with its notes, and where not every target is met with what each comes to with unlimited staff; `draws`
    are those that were drawn for it."""
    done = found.done
    met = all(one.verdict == "met" for one in found.joint.results)
    beyond: Sequence[Limit] = ()
    if not met:
        from sim.studies.staff.limits import limits

        beyond = limits(done.scenario, Trials(done.seed, settings, draws=draws), hurried=False)
    return replace(found, notes=describe(done.scenario, given_up(done.sample)).warnings, limits=beyond)


def asked(looks: Looks) -> Callable[[Sample], int]:
    """What tells how many replications there should be in all, after a look at those that are done."""

    def number(sample: Sample) -> int:
        n = len(sample)
        verdicts = [*(one.verdict for one in results(sample)), joint(sample).verdict]
        if not looks.goes_on(n, verdicts):
            return n
        return next((number for number in looks.numbers if number > n), n)

    return number
