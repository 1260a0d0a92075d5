"""The whole tool from Python: every command as a function that gives an answer, an object with its tables as frames.

What an answer is stands in `sim.answers`. Nothing here simulates or measures.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.answers.answer import Work
from sim.answers.check import Check
from sim.answers.explain import Explanation
from sim.answers.run import Run
from sim.answers.runway import Runway
from sim.dynamics.engines import Engine
from sim.scenario.loading import load
from sim.scenario.schema import Scenario

if TYPE_CHECKING:
    import pandas as pd

    from sim.answers.progress import Bar
    from sim.cli.report.page import Page
    from sim.dynamics.log import Log
    from sim.dynamics.replication import Replication
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
    progress: bool | None = None,
) -> Run:
    """Run a scenario and judge its targets, as `tipline run` does.

    The scenario's own replications and seed if none are given; `jobs` replications at a time (all cores if None), which
    changes nothing in what comes out. RuntimeError when every replication failed.

    >>> import sim
    >>> found = sim.run("scenarios/two_stage.yaml", replications=2)
    >>> found.targets[["target", "threshold", "value", "low", "high", "verdict"]]  # doctest: +SKIP
    """
    world = _world(scenario, replications, seed)
    with _bar("run", progress, world.run.replications) as bar:
        answer = Run.ask(world, _settings(engine, jobs, bar.count), until_decided=until_decided)
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
    progress: bool | None = None,
) -> Runway:
    """Tell how many years of growth the present staffing bears, as `tipline runway` does.

    Rates are a year: "15 %" or 0.15. ValueError for a rate that is none, or a scenario in which nothing can grow.

    >>> import sim
    >>> found = sim.runway("scenarios/two_stage.yaml", ["20 %"], years=1, staff_years=0, replications=2)
    >>> found.runway_lengths  # doctest: +SKIP
    """
    from sim.answers.runway import rates

    world = _world(scenario, replications, seed)
    with _work("runway", world, jobs, progress) as work:
        return Runway.ask(world, work, growth=rates(growth), years=years, staff_years=staff_years)


def measure(log: Log, replication: Replication, scenario: Scenario) -> Run:
    """What one replication came to, as tables: a run of one, whose intervals tell nothing.

    >>> import sim
    >>> scenario = sim.load("scenarios/two_stage.yaml", changes={"run.length": "1 d", "run.warm_up": "0 d"})
    >>> drawn = sim.draw(scenario, 3)
    >>> sim.measure(sim.simulate(drawn), drawn, scenario).replications["replication"].tolist()
    [3]
    """
    from sim.measures.frame import Frame
    from sim.measures.measures import measure as measured
    from sim.measures.sample import Sample
    from sim.measures.targets import joint, results
    from sim.studies.replicate import Done
    from sim.studies.result import Result

    frame = Frame(scenario)
    sample = Sample(frame)
    sample.add(measured(log, replication, frame))
    done = Done(scenario, scenario.run.seed, "compiled", sample, {})
    return Run(Result(done, results(sample), joint(sample), ()))


def single_run(scenario: World, index: int = 0, *, seed: int | None = None) -> dict[str, float]:
    """One replication by its index: what every target came to (a share, or minutes), and `all_held`, 1 or 0.

    What experiment tools take that ask for one replication after the other; see `Replications`.

    >>> import sim
    >>> sorted(sim.single_run("scenarios/two_stage.yaml", 2))[:2]  # doctest: +SKIP
    """
    from sim.draw import draw
    from sim.dynamics.engines import simulate

    world = _world(scenario, None, seed)
    drawn = draw(world, index)
    found = measure(simulate(drawn), drawn, world).found
    values = {one.name: one.in_unit(one.value) for one in found.targets}
    return values | {"all_held": float(found.joint.shares["run"].share.value)}


class Replications:
    """A scenario as a model of which single replications are asked for: `single_run(index)` gives a dict.

    This is the interface that `ReplicationsAlgorithm` of the package sim-tools takes.
    """

    def __init__(self, scenario: World, *, seed: int | None = None):
        self.scenario = _world(scenario, None, seed)

    def single_run(self, replication_number: int) -> dict[str, float]:
        """What every target came to in one replication."""
        return single_run(self.scenario, replication_number)


def visits(log: Log, replication: Replication, scenario: Scenario) -> pd.DataFrame:
    """A log as a frame, one row a visit to a stage: the columns of `events.parquet`, and the dates of the times.

    What never happened is missing (NaN, NaT); times are minutes since `run.start`.

    >>> import sim
    >>> scenario = sim.load("scenarios/two_stage.yaml", changes={"run.length": "1 d", "run.warm_up": "0 d"})
    >>> drawn = sim.draw(scenario, 0)
    >>> frame = sim.visits(sim.simulate(drawn), drawn, scenario)
    >>> bool((frame["start_min"] >= frame["enter_min"]).all())
    True
    """
    import pandas as pd

    from sim.dynamics.clock import MINUTE
    from sim.studies.events import events

    frame: pd.DataFrame = events(log, replication, scenario).to_pandas()
    for name in ("enter", "start", "end"):
        ticks = (frame[f"{name}_min"] * MINUTE).round()
        frame[name] = pd.Timestamp(scenario.start) + pd.to_timedelta(ticks, unit="us")
    return frame


def _world(scenario: World, replications: int | None, seed: int | None) -> Scenario:
    """The scenario with the replications and the seed that are asked for."""
    given = {f"run.{name}": n for name, n in (("replications", replications), ("seed", seed)) if n is not None}
    if not isinstance(scenario, Scenario):
        return load(scenario, changes=given)
    if not given:
        return scenario
    from sim.studies.ranges import Variations

    return Variations(scenario).at(given)


def _settings(engine: Engine, jobs: int | None, count: Callable[[int], None]) -> Settings:
    from sim.studies.replicate import Settings

    return Settings(engine=engine, jobs=jobs or len(os.sched_getaffinity(0)), count=count)


@contextmanager
def _work(name: str, scenario: Scenario, jobs: int | None, progress: bool | None) -> Iterator[Work]:
    from sim.studies.trials import Trials

    with _bar(name, progress) as bar:
        yield Work(Trials(scenario.run.seed, _settings("compiled", jobs, bar.count)), bar.expect, bar.at)


@contextmanager
def _bar(of: str, progress: bool | None, total: int | None = None) -> Iterator[Bar]:
    """How far it has come, where that is asked for, and in a notebook unless it is not."""
    from sim.answers.progress import bar

    wanted = "ipykernel" in sys.modules if progress is None else progress
    with bar(of, total, shown=wanted) as shown:
        yield shown
