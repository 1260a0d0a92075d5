"""The whole tool from Python: each command as a function that gives an answer, an object with its tables as frames."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.answers.answer import Answer, Work
from sim.answers.check import Check
from sim.answers.explain import Explanation
from sim.answers.run import Run
from sim.answers.runway import Runway
from sim.dynamics.engines import Engine
from sim.scenario.loading import load
from sim.scenario.schema import Scenario

if TYPE_CHECKING:
    from sim.cli.report.page import Page
    from sim.studies.replicate import Settings

World = Scenario | str | Path | Mapping[str, Any]
"""A scenario, its file, its text, or the mapping that it would be in a file."""


def check(scenario: World) -> Check:
    """Look at a scenario before it is run, as `tipline check` does: loads, people, hours and every warning.

    The tables are `pool_loads`, `stage_loads` and `hour_loads`; as text it is the model in words. ScenarioError, with
    every fault, where the scenario has any.

    >>> import sim
    >>> sim.check("scenarios/two_stage.yaml").warnings
    ()
    """
    return Check.ask(_world(scenario, None, None))


def run(
    scenario: World,
    *,
    replications: int | None = None,
    seed: int | None = None,
    engine: Engine = "compiled",
    jobs: int | None = None,
    until_decided: bool = False,
) -> Run:
    """Run a scenario and judge its targets, as `tipline run` does: by its own replications and seed if none are given.

    RuntimeError when every replication failed.

    >>> import sim
    >>> run = sim.run("scenarios/two_stage.yaml", replications=2)
    >>> list(run.targets["verdict"])  # doctest: +SKIP
    """
    world = _world(scenario, replications, seed)
    answer = Run.ask(world, _settings(engine, jobs), until_decided=until_decided)
    if not answer.filled():
        raise RuntimeError(f"every replication failed, the first with {next(iter(answer.failures.values()))}")
    return answer


def explain(
    scenario: World, tip: int | str, replication: int = 0, *, seed: int | None = None, engine: Engine = "compiled"
) -> Explanation:
    """Tell one tip's life, as `tipline explain` does; the tip by its number, or as `first-missed:TARGET`.

    The tables are `tip_events`, in order, with minutes since the start of the run, and `tip_targets`; as text it is the
    story line by line. ValueError where there is no such tip.

    >>> import sim
    >>> story = sim.explain("scenarios/two_stage.yaml", "first-missed:high")
    >>> story.tip_events["what"].iloc[0]
    'arrival'
    """
    return Explanation.ask(_world(scenario, None, seed), str(tip), replication, engine)


def report(folder: str | Path, out: str | Path | None = None) -> Page:
    """Make one HTML page of a folder of results, as `tipline report` does, and write it.

    It goes into the folder as `report.html`, or into the folder `out`, or to `out` where that ends in .html. A notebook
    shows it. ValueError where the folder holds no results.
    """
    from sim.cli.report.page import page_of

    page = page_of(folder)
    page.save(out)
    return page


def runway(
    scenario: World,
    growth: Sequence[str | float] = ("15 %", "20 %", "25 %", "40 %"),
    *,
    years: int = 10,
    staff_years: int = 3,
    replications: int | None = None,
    seed: int | None = None,
    jobs: int | None = None,
) -> Runway:
    """Tell how many years of growth the present staffing bears, as `tipline runway` does."""
    from sim.answers.runway import rates

    world = _world(scenario, replications, seed)
    return Runway.ask(world, _work(world, jobs), growth=rates(growth), years=years, staff_years=staff_years)


def _world(scenario: World, replications: int | None, seed: int | None) -> Scenario:
    """The scenario with the replications and the seed that are asked for."""
    if not isinstance(scenario, Scenario):
        scenario = load(scenario)  # type: ignore[arg-type]
    run = {"replications": replications, "seed": seed}
    given = {name: value for name, value in run.items() if value is not None}
    if not given:
        return scenario
    return scenario.model_copy(update={"run": scenario.run.model_copy(update=given)})


def _settings(engine: Engine, jobs: int | None) -> Settings:
    from sim.studies.replicate import Settings

    return Settings(engine=engine, jobs=jobs or len(os.sched_getaffinity(0)))


def _work(scenario: Scenario, jobs: int | None, tell: Callable[[str], None] = lambda _: None) -> Work:
    from sim.studies.trials import Trials

    return Work(Trials(scenario.run.seed, _settings("compiled", jobs)), at=tell)


__all__ = ["Answer", "Check", "Explanation", "Run", "Runway", "check", "explain", "report", "run", "runway"]
