"""From a scenario and the options of a command to a result and its folder: what `run` does for each of its files."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sim import plots
from sim.cli.options import Options, say
from sim.cli.progress import progress
from sim.cli.terminal import Result
from sim.measures.stopping import Looks
from sim.measures.targets import joint, results
from sim.scenario.describe import describe
from sim.studies import folder as kept
from sim.studies import tables
from sim.studies.frames import write_csv
from sim.studies.replicate import Done, Settings, run
from sim.studies.trials import Trials
from sim.studies.unlimited import limits
from sim.studies.unlimited_table import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.measures.sample import Sample
    from sim.scenario.schema import Scenario

MOST_TIMES: Final = 16
"""`--until-decided` stops at so many times the replications that were asked for first."""


def folder_of(scenario: Scenario, options: Options, *, of_several: bool) -> Path:
    """Where the results of a scenario go: named after its file, and its variant if there is one."""
    name = f"{scenario.name}.{scenario.variant}" if scenario.variant else scenario.name
    if options.out is None:
        return Path("results") / name
    return options.out / name if of_several else options.out


def run_into(scenario: Scenario, options: Options, folder: Path) -> Result | None:
    """Run a scenario and leave the tables and plots in a folder; None when every replication failed."""
    looks = None
    if options.until_decided:
        looks = _looks(scenario)
        scenario = _as_sure(scenario, looks)
    done = _done(scenario, options, folder, looks)
    here = Settings(engine=options.engine, jobs=_jobs(options), cluster=options.cluster)
    if not len(done.sample):
        for index, failure in done.failures.items():
            say(f"replication {index} failed: {failure.error}{_trace(failure.trace)}")
        return None
    result = result_of(done, here, 1 if looks is None else len(looks.numbers))
    kept.write(done, folder, ["tipline", *sys.argv[1:]])
    if result.limits:
        write_csv(folder / "unlimited.csv", table(result.limits))
    else:
        (folder / "unlimited.csv").unlink(missing_ok=True)
    plots.write_plots(result, folder / "plots")
    kept.clear_progress(folder)
    return result


def result_of(done: Done, settings: Settings, looks: int = 1) -> Result:
    """What a run came to, with everything that no reader may miss."""
    together = joint(done.sample)
    met = all(one.verdict == "met" for one in together.results)
    beyond = [] if met else limits(done.scenario, Trials(done.seed, settings), hurried=False)
    notes = describe(done.scenario, tables.given_up(done.sample)).warnings
    return Result(done, results(done.sample), together, notes, beyond, looks)


def _done(scenario: Scenario, options: Options, folder: Path, looks: Looks | None) -> Done:
    with progress(scenario.name, scenario.run.replications, shown=not (options.quiet or options.json)) as count:
        settings = Settings(
            engine=options.engine,
            jobs=_jobs(options),
            cluster=options.cluster,
            folder=folder / kept.IN_PROGRESS,
            resume=options.resume,
            log_events=options.log,
            tell=(lambda _: None) if options.quiet else say,
            count=count,
        )
        return run(scenario, settings=settings, looks=None if looks is None else _asked(looks))


def _looks(scenario: Scenario) -> Looks:
    first = max(2, scenario.run.replications)
    return Looks(first=first, most=MOST_TIMES * first, confidence=scenario.run.confidence)


def _as_sure(scenario: Scenario, looks: Looks) -> Scenario:
    """The scenario with intervals so wide that looking several times errs no more often than looking once would."""
    run = scenario.run.model_copy(update={"replications": looks.first, "confidence": looks.each})
    return scenario.model_copy(update={"run": run})


def _asked(looks: Looks) -> Callable[[Sample], int]:
    """How many replications there should be in all, after a look at those that are done."""

    def asked(sample: Sample) -> int:
        n = len(sample)
        verdicts = [*(one.verdict for one in results(sample)), joint(sample).verdict]
        if not looks.goes_on(n, verdicts):
            return n
        return next((number for number in looks.numbers if number > n), n)

    return asked


def _jobs(options: Options) -> int:
    """How many replications at a time: as many as there are cores for this process, unless it is said."""
    return options.jobs or len(os.sched_getaffinity(0))


def _trace(trace: str) -> str:
    return f"\n{trace}" if os.environ.get("TIPLINE_TRACEBACK") else ""
