"""What every command with a result does: it asks its question of scenarios, tells how far it has come, saves the
answer, says it, and can be interrupted and go on."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from sim.cli.options import BAD_INPUT, DONE, SOME_FAILED, Options, print_data, say, show
from sim.version import __version__

LONG: Final = 20
"""Seconds from which on work says beforehand what it will take."""

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.answers.answer import Answer, Bar
    from sim.answers.store import HeldFolder
    from sim.scenario.schema import Scenario
    from sim.studies.replicate import Settings
    from sim.studies.trials import Trials


def ask(command: str, file: Path, scenario: Scenario, options: Options, question: Callable[[Trials], Answer]) -> int:
    """Answer a question that takes many scenarios; what was kept to resume by goes when the answer is saved."""
    from sim.answers.answer import bar
    from sim.answers.store import held
    from sim.studies.trials import QuestionError, TrialError, Trials

    folder = folder_of(scenario, options)
    try:
        with held(folder) as place, bar(command, shown=shows_progress(options)) as shown:
            key = f"{command} {__version__} seed {scenario.run.seed}"
            here = settings(options, place.pieces(command), shown, within=_held(scenario, options))
            trials = Trials(scenario.run.seed, here, key)
            answer = question(trials)
            names = saved(answer, place, options)
    except TrialError as error:
        say(f"tipline {command}: {error}")
        return SOME_FAILED
    except QuestionError as error:
        say(f"tipline {command}: {file}: {error}")
        return BAD_INPUT
    if options.json:
        print_data([data_of(answer, folder)], [file])
    elif not options.quiet:
        from sim.text import page

        show(*answer.parts(), "", written_to(folder, names), "", *map(page.text, answer.sentences()))
    return options.code(answer.holds)


def run_all(files: Sequence[Path], options: Options) -> int:
    """What `run` does for each of its files."""
    scenarios = [options.load(file) for file in files]
    for scenario in scenarios:
        _held(scenario, options)(scenario.run.replications)
    codes, data = [DONE], []
    for number, scenario in enumerate(scenarios):
        folder = folder_of(scenario, options, of_several=len(files) > 1)
        code, answer = _run(scenario, options, folder)
        codes.append(code)
        data.append(data_of(answer, folder))
        if answer.filled() and not (options.json or options.quiet):
            show(*(["\n"] if number else []), *answer.parts(), "", f"Tables and plots: {folder}/")
    if options.json:
        print_data(data, list(files))
    return max(codes)


def _run(scenario: Scenario, options: Options, folder: Path) -> tuple[int, Answer]:
    """Run one scenario and leave what it came to in a folder."""
    from sim.answers.answer import bar
    from sim.answers.run import RunAnswer
    from sim.answers.store import held

    with held(folder) as place:
        with bar(scenario.name, scenario.run.replications, shown=shows_progress(options)) as shown:
            again = (
                shlex.join(["tipline", "run", str(scenario.path), *options.asked, "--verify"]) if options.verify else ""
            )
            here = settings(options, place.pieces("run"), shown, again if options.verify else "")
            until_decided = options.until_decided
            answer = RunAnswer.ask(scenario, here, until_decided=until_decided, theory=options.theory, day=options.day)
        if not answer.filled():
            for index, failure in answer.found.done.failures.items():
                trace = f"\n{failure.trace}" if os.environ.get("TIPLINE_TRACEBACK") else ""
                say(f"replication {index} failed: {failure.error}{trace}")
            return SOME_FAILED, answer
        saved(answer, place, options)
    code = options.code(answer.holds)
    return max(code, SOME_FAILED if answer.failures else DONE), answer


def _held(scenario: Scenario, options: Options) -> Callable[[int], None]:
    """Hold the replications of a scenario to the budget, and give what holds other numbers of them to it.

    ScenarioError, before any work is done, where they would take more. A cluster has budgets of its own.
    """
    from sim.scenario.size import SLOW, Budget, bytes_text, cores, seconds_text, size

    if options.cluster is not None:
        return lambda _: None
    try:
        budget = Budget.usual() if options.budget is None else Budget.read(options.budget)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--budget") from None
    takes = size(scenario)
    slower, jobs, told = SLOW if options.engine == "reference" else 1, options.jobs or cores(), 0.0

    def hold(replications: int) -> None:
        nonlocal told
        budget.hold(scenario, replications, jobs, found=takes, times_slower=slower)
        seconds = takes.seconds_of(replications, jobs) * slower
        if seconds >= max(LONG, 2 * told) and not (options.quiet or options.json):
            memory = bytes_text(takes.bytes_of(replications, jobs))
            say(f"{scenario.name}: {replications:,} replications take about {seconds_text(seconds)} and {memory} here")
            told = seconds

    budget.hold(scenario, scenario.run.replications, jobs, found=takes, times_slower=slower)
    return hold


def saved(answer: Answer, place: HeldFolder, options: Options) -> list[str]:
    """Save an answer, after which nothing is left to resume; what was in its way is told."""
    names = place.save(answer)
    shutil.rmtree(place.pieces(answer.command), ignore_errors=True)
    for line in () if options.quiet else place.said:
        say(f"{place.folder.name}: {line}")
    return names


def shows_progress(options: Options) -> bool:
    """Whether progress is told: on a terminal, unless quiet or data are asked for."""
    return sys.stderr.isatty() and not (options.quiet or options.json)


def folder_of(scenario: Scenario, options: Options, *, of_several: bool = False) -> Path:
    """Where the results of a scenario go: named after its file, and its variant if there is one."""
    name = f"{scenario.name}.{scenario.variant}" if scenario.variant else scenario.name
    if options.out is None:
        return Path("results") / name
    return options.out / name if of_several else options.out


def settings(
    options: Options, pieces: Path, shown: Bar, verify: str = "", within: Callable[[int], None] = lambda _: None
) -> Settings:
    """How the options say that replications are run; as many at a time as this process has cores unless they do.

    `within` is told how many replications there will be, before they are begun.
    """
    from sim.scenario.size import cores
    from sim.studies.replicate import Settings

    def expect(total: int) -> None:
        within(total)
        shown.expect(total)

    return Settings(
        engine=options.engine,
        jobs=options.jobs or cores(),
        cluster=options.cluster,
        folder=pieces,
        resume=options.resume,
        log_events=options.log,
        verify=verify,
        tell=(lambda _: None) if options.quiet else say,
        count=shown.count,
        expect=expect,
        at=shown.at,
    )


def data_of(answer: Answer, folder: Path) -> dict[str, Any]:
    """An answer as data, with the folder that it was saved in."""
    return {**answer.data(), "folder": str(folder)}


def written_to(folder: Path, names: Sequence[str]) -> RenderableType:
    """Where the files are."""
    from sim.text import page

    return page.text(f"Written to {folder}/: {', '.join(name for name in names if not name.endswith('.svg'))}")
