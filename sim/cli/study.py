"""The command `study`: commands from a file, done one after the other into one folder, and taken up where they stopped.

A step is a command line of this program. It is read before anything runs, so that every fault of every step is told at
once; no shell ever sees it.
"""

from __future__ import annotations

import dataclasses
import io
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperArgument, TyperGroup

from sim.cli.options import BAD_INPUT, DONE, INTERRUPTED, SOME_FAILED, Options, command_line, print_data, say
from sim.scenario.faults import Fault, ScenarioError, shown

if TYPE_CHECKING:
    from sim.scenario.loading import Document
    from sim.studies.study import Record, StepLine, StudyFile

NO_STEPS: Final = ("check", "explain", "init", "report", "schema", "study")
"""Commands that leave no results."""

OURS: Final = ("out", "jobs", "cluster", "resume", "budget", "json", "quiet", "strict", "log")
"""Options that a step leaves to the study."""

USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[2]
"""Any slip on a command line; typer gives it no name of its own."""

WIDTH: Final = 100
"""Columns of what a command says, wherever the study is run."""


def study(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="STUDY", help="A study: a file of commands.", show_default=False)],
    options: Options,
    steps: Annotated[str | None, typer.Option(metavar="A,B", help="Do these steps only.")] = None,
) -> int:
    """Do all commands of a study, one after the other, into one folder; with --resume those that are not done."""
    from sim.answers.store import BusyError, held
    from sim.studies.study import read_study, record

    # The program that steps are command lines of is the one that was called.
    program = context.find_root().command
    assert isinstance(program, TyperGroup)
    found = read_study(file)
    lines = _lines(found, options, program)
    wanted = _wanted(found, steps)
    folder = options.out or Path("results") / "study"
    try:
        # Two at once would each do some of the steps, and each fail at those of the other.
        with held(folder):
            try:
                known = record(folder)
                _clear_the_way(found, wanted, known)
            except ValueError as error:
                say(f"tipline study: {error}")
                return BAD_INPUT
            return _done(file, found, lines, wanted, known, options, program)
    except BusyError as error:
        say(f"tipline study: {error}")
        return BAD_INPUT


def _clear_the_way(found: StudyFile, wanted: list[str], known: Record) -> None:
    """Take away what steps left that the study has no more; ValueError where a file that no step left is in the way."""
    from sim.answers.store import left_by_commands

    for name in (*wanted, *(set(known.steps) - set(found.study.steps))):
        out = known.place(name)
        if strangers := known.strangers(name, left_by_commands(out)):
            raise ValueError(
                f"{out} holds {strangers[0]}, which no step left there; a step takes the whole folder, so "
                "move it away, or choose another --out"
            )
    known.forget_others(found)


def _done(
    file: Path,
    found: StudyFile,
    lines: list[StepLine],
    wanted: list[str],
    known: Record,
    options: Options,
    program: TyperGroup,
) -> int:
    """Do the steps that are wanted, one after the other, and tell what became of them."""
    told: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(lines, 1):
        if line.name not in wanted:
            continue
        place = f"{number}/{len(lines)} {line.name}"
        if options.resume and known.is_done(line):
            told[line.name] = {"exit_code": 0, "seconds": 0.0, "as_before": True}
            _tell(options, f"{place}: done before, and nothing has changed")
            continue
        _tell(options, f"{place}: {found.study.steps[line.name].title}")
        begun = time.monotonic()
        code = _step(found, line, known, options, program)
        if code == INTERRUPTED:
            say(f"tipline study: interrupted; go on with\n  {command_line('--resume')}")
            return INTERRUPTED
        told[line.name] = {"exit_code": code, "seconds": round(time.monotonic() - begun, 1), "as_before": False}
        _tell(options, f"  {'done' if code == DONE else 'FAILED'} in {told[line.name]['seconds']:.0f} s")
    failed = [name for name, one in told.items() if one["exit_code"] != DONE]
    if options.json:
        print_data([{"study": found.study.study, "steps": told, "folder": str(known.folder)}], [file])
    else:
        _tell(options, f"\nWritten to {known.folder}/. One page of it all:\n  tipline report {known.folder}")
    if failed:
        say(f"tipline study: {len(failed)} of {len(told)} steps failed: {', '.join(failed)}")
    return SOME_FAILED if failed else DONE


def _tell(options: Options, text: str) -> None:
    if not (options.quiet or options.json):
        print(text, flush=True)


def _wanted(found: StudyFile, steps: str | None) -> list[str]:
    from sim.scenario.fields import hint

    known = list(found.study.steps)
    if steps is None:
        return known
    names = [name.strip() for name in steps.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"there is no step '{name}'{hint(name, known)}", param_hint="--steps")
    return names


# Reading


def _lines(found: StudyFile, options: Options, program: TyperGroup) -> list[StepLine]:
    """The command of every step, read and checked; ScenarioError with every fault of all of them."""

    faults: list[Fault] = []
    lines = []
    documents: dict[Path, Document] = {}
    for name in found.study.steps:
        try:
            lines.append(_line(found, name, options, program, documents))
        except ScenarioError as error:
            faults += error.faults
    if faults:
        raise ScenarioError(faults)
    return lines


def _line(
    found: StudyFile, name: str, options: Options, program: TyperGroup, documents: dict[Path, Document]
) -> StepLine:
    """One of them; each document is read once for all of them."""
    from sim.scenario.folder import inside
    from sim.studies.study import StepLine, words_of

    step = found.study.steps[name]
    try:
        words = words_of(step.command, found.study.sets[step.with_] if step.with_ else {})
        own, files = _parsed(words, program)
        for file in files:
            inside(found.folder, file)
    except ValueError as error:
        raise ScenarioError([found.fault(name, "command", str(error), shown(step.command))]) from None
    _look(found, name, own, [found.folder / file for file in files], documents)
    return StepLine(name, (*words, *_passed_on(options)), files, found.folder)


def _parsed(words: Sequence[str], program: TyperGroup) -> tuple[Options, tuple[str, ...]]:
    """The shared options and the files of a command line; ValueError where it is none, or says what the study says."""
    from sim.scenario.fields import hint

    may = [name for name in program.commands if name not in NO_STEPS]
    if words[0] not in may:
        raise ValueError(f"'{words[0]}' cannot be a step{hint(words[0], may)}")
    command = program.commands[words[0]]
    try:
        context = command.make_context(words[0], list(words[1:]))
    except USAGE_ERROR as error:
        raise ValueError(str(error).rstrip(".")) from None
    except typer.Exit:
        raise ValueError("asks for help, and does nothing") from None
    for option in OURS:
        source = context.get_parameter_source(option)
        if source is not None and source.name == "COMMANDLINE":
            raise ValueError(f"--{option} is the study's to say, not a step's")
    given = {one.name: context.params[one.name] for one in dataclasses.fields(Options)}
    lists = {name: list(given[name]) for name in ("changes", "variant")}
    files = [_as_list(context.params.get(one.name or "")) for one in command.params if isinstance(one, TyperArgument)]
    return Options(**given | lists), tuple(str(file) for several in files for file in several)


def _as_list(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list | tuple) else [] if given is None else [given]


def _look(found: StudyFile, name: str, own: Options, files: Sequence[Path], documents: dict[Path, Document]) -> None:
    """Read every document that a step is about, with what the step changes of it; ScenarioError with every fault."""
    from sim.scenario.ledger import is_ledger, load_ledger
    from sim.scenario.loading import read

    faults: list[Fault] = []
    variants: list[str | None] = [*own.variant] or [None]
    for path in files:
        try:
            if path not in documents and is_ledger(path):
                load_ledger(path)
                continue
            document = documents.get(path) or documents.setdefault(path, read(path))
            for variant in variants:
                own.of(document, variant)
        except ScenarioError as error:
            faults += error.faults
        except typer.BadParameter as error:
            faults.append(found.fault(name, "command", str(error)))
    if faults:
        raise ScenarioError(faults)


def _passed_on(options: Options) -> Iterator[str]:
    """What is said of a whole study and goes for every step of it."""
    for name in ("seed", "replications"):
        if (value := getattr(options, name)) is not None:
            yield from (f"--{name}", str(value))


# Doing


def _step(found: StudyFile, line: StepLine, known: Record, options: Options, program: TyperGroup) -> int:
    """Do a step, keep what is to be kept, and note it; gives its exit code."""
    from sim.studies.keeping import write_atomic
    from sim.studies.study import SAID, note, tidy

    out = known.begin(found, line.name, keep_what_is_under_way=options.resume)
    words = line.full(out)
    code, said = _run(program, words, [*words, *_of_this_run(options)], quiet=options.quiet)
    if code == INTERRUPTED:
        return code
    out.mkdir(parents=True, exist_ok=True)
    write_atomic(out / SAID, said.encode())
    missing = tidy(found.study.steps[line.name], out)
    if missing and code == DONE:
        say(str(found.fault(line.name, "command", f"did not leave {', '.join(missing)}")))
        code = BAD_INPUT
    note(known, found, line, code, out)
    return code


def _of_this_run(options: Options) -> Iterator[str]:
    """What changes nothing in the results, and so is no part of the command that is noted."""
    if options.jobs is not None:
        yield from ("--jobs", str(options.jobs))
    if options.cluster is not None:
        yield from ("--cluster", options.cluster)
    if options.budget is not None:
        yield from ("--budget", options.budget)
    if options.resume:
        yield "--resume"


def _run(program: TyperGroup, noted: Sequence[str], given: Sequence[str], *, quiet: bool) -> tuple[int, str]:
    """The exit code of a command line of this program, and what it said; quiet, it says nothing else but of faults."""
    said, aside = io.StringIO(), io.StringIO()
    with _as_if_called(noted), redirect_stdout(said), redirect_stderr(aside if quiet else sys.stderr):
        try:
            code = program.main(list(given), prog_name="tipline", standalone_mode=False)
        except USAGE_ERROR as error:
            say(f"tipline {noted[0]}: {error}")
            code = BAD_INPUT
        except typer.Abort:
            code = INTERRUPTED
    if code:
        sys.stderr.write(aside.getvalue())
    return code or DONE, said.getvalue()


@contextmanager
def _as_if_called(words: Sequence[str]) -> Iterator[None]:
    """The command line that results tell they came from, and a terminal of one width."""
    argv, columns = sys.argv, os.environ.get("COLUMNS")
    sys.argv, os.environ["COLUMNS"] = [argv[0], *words], str(WIDTH)
    try:
        yield
    finally:
        sys.argv = argv
        if columns is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = columns
