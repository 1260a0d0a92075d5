"""The options that every command shares, declared once, and what every command does when something goes wrong.

A command is a function with a parameter of type `Options`; `command` puts the single options in its place.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
import shlex
import sys
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_type_hints

import typer

from sim.scenario.choices import ReadingName

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.scenario.faults import Fault, ScenarioError
    from sim.scenario.loading import Document
    from sim.scenario.schema import Scenario

DONE: Final = 0
"""What was asked is done."""
NOT_MET: Final = 1
"""With --strict: a target is missed or undecided."""
BAD_INPUT: Final = 2
"""The input is at fault: every fault is told, with its line."""
SOME_FAILED: Final = 3
"""Some replications (or steps of a study) failed; they are named, and the rest are kept."""
OWN_FAULT: Final = 70
"""The program itself is at fault; the message says how to see where."""
INTERRUPTED: Final = 130
"""It was interrupted; `--resume` goes on."""

JSON_FORMAT: Final = 1
"""The form of what `--json` prints, under `format`: a higher one when a key is renamed or goes."""

WORLD, WORK, OUTPUT = "The world", "The work", "The output"
"""What options are about, as the help groups them."""

ALL: Final = "all"


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options that every command takes, whether or not its own work depends on them."""

    changes: Annotated[
        list[str],
        typer.Option(
            "--set", metavar="PATH=VALUE", help="Change a value, such as pools.analysts.staff=3.", rich_help_panel=WORLD
        ),
    ] = field(default_factory=list)
    variant: Annotated[
        list[str], typer.Option(metavar="NAME", help="Lay a variant of the file on it.", rich_help_panel=WORLD)
    ] = field(default_factory=list)
    targets: Annotated[
        str | None, typer.Option(metavar="A,B", help="Judge these targets only.", rich_help_panel=WORLD)
    ] = None
    reading: Annotated[
        ReadingName | None,
        typer.Option(help="Read the claims of a ledger so.", rich_help_panel=WORLD),
    ] = None
    seed: Annotated[int | None, typer.Option(min=0, metavar="N", help="Seed of all draws.", rich_help_panel=WORLD)] = (
        None
    )
    replications: Annotated[
        int | None,
        typer.Option(min=1, max=100_000, metavar="N", help="How many replications.", rich_help_panel=WORLD),
    ] = None
    engine: Annotated[
        Literal["compiled", "reference"],
        typer.Option(help="Fast, or written to be read.", rich_help_panel=WORK),
    ] = "compiled"
    jobs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Replications at a time; all cores.", rich_help_panel=WORK)
    ] = None
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A dask scheduler to work on.", rich_help_panel=WORK)
    ] = None
    verify: Annotated[
        bool, typer.Option("--verify", help="Hold every log to the laws of the dynamics.", rich_help_panel=WORK)
    ] = False
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what was interrupted.", rich_help_panel=WORK)] = (
        False
    )
    until_decided: Annotated[
        bool,
        typer.Option("--until-decided", help="Add replications until every verdict is.", rich_help_panel=WORK),
    ] = False
    theory: Annotated[
        bool,
        typer.Option("--theory", help="Tell beside it what theory knows.", rich_help_panel=OUTPUT),
    ] = False
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="8 GB, 2 h", help="What it may take; half of memory, an hour; or none.", rich_help_panel=WORK
        ),
    ] = None
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where results go; results/<scenario>.", rich_help_panel=OUTPUT),
    ] = None
    log: Annotated[bool, typer.Option("--log", help="Keep every visit and spell of work.", rich_help_panel=OUTPUT)] = (
        False
    )
    day: Annotated[
        bool, typer.Option("--day", help="Tell one day tip by tip; the report plays it.", rich_help_panel=OUTPUT)
    ] = False
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 unless every target is met.", rich_help_panel=OUTPUT)
    ] = False
    json: Annotated[bool, typer.Option("--json", help="Print data instead of text.", rich_help_panel=OUTPUT)] = False
    quiet: Annotated[bool, typer.Option("--quiet", help="Print faults only.", rich_help_panel=OUTPUT)] = False

    @property
    def one_variant(self) -> str | None:
        """The variant, or None; a fault of the command line where several are given."""
        if len(self.variant) > 1:
            raise typer.BadParameter("this command takes one --variant", param_hint="--variant")
        return self.variant[0] if self.variant else None

    @property
    def asked(self) -> tuple[str, ...]:
        """The options that say what is simulated and judged, as words to be given again."""
        said = [word for name in self.variant for word in ("--variant", name)]
        said += [word for change in self.changes for word in ("--set", change)]
        for name in ("targets", "reading", "seed", "replications"):
            if (value := getattr(self, name)) is not None:
                said += [f"--{name}", str(value)]
        return tuple(said)

    def code(self, holds: bool) -> int:
        """The exit code of an answer that is there, by whether everything that was judged is met."""
        return NOT_MET if self.strict and not holds else DONE

    def load(self, file: Path, variant: str | None = None) -> Scenario:
        """The scenario in a file with everything on it that the options say; ScenarioError with every fault."""
        from sim.scenario.loading import read

        return self.of(read(file), variant or self.one_variant)

    def of(self, document: Document, variant: str | None = None) -> Scenario:
        """The same, of a document that was read already."""
        own = {"run.seed": self.seed, "run.replications": self.replications}
        changes = [*self.changes, *(f"{path}={value}" for path, value in own.items() if value is not None)]
        scenario = document.scenario(variant=variant, changes=changes, reading=self.reading)
        if self.targets is None:
            return scenario
        left_out = self._left_out(tuple(scenario.targets))
        # What is simulated stays the same, so that a target comes to the same whether or not others are judged.
        cool_down = f"run.cool_down={scenario.cool_down / 1e6:.6f} s"
        return document.scenario(variant=variant, changes=[*changes, cool_down, *left_out], reading=self.reading)

    def _left_out(self, known: tuple[str, ...]) -> list[str]:
        """The changes that take away the targets that are not to be judged."""
        from sim.scenario.fields import hint

        wanted = [name.strip() for name in (self.targets or "").split(",") if name.strip()]
        if not wanted:
            raise typer.BadParameter("names the targets to judge: a,b", param_hint="--targets")
        for name in wanted:
            if name not in known:
                raise typer.BadParameter(f"there is no target '{name}'{hint(name, known)}", param_hint="--targets")
        return [f"targets.{name}=null" for name in known if name not in wanted]


Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="Scenario files.", show_default=False)]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A scenario file.", show_default=False)]


def command(app: typer.Typer, *, uses: str = ALL) -> Callable[..., Callable[..., None]]:
    """Register a function as a command: its `options` become the shared options, its return the exit code.

    `uses` names the shared options that it takes. The others are known, so that who gives one is told by name that it
    would change nothing.
    """

    def register(function: Callable[..., int | None]) -> Callable[..., None]:
        own = inspect.signature(function, eval_str=True).parameters
        shared = _parameters(uses) if "options" in own else []

        @functools.wraps(function)
        def called(**given: Any) -> None:
            if shared:
                _refuse(function.__name__, uses, {parameter.name: given[parameter.name] for parameter in shared})
                given["options"] = Options(**{parameter.name: given.pop(parameter.name) for parameter in shared})
            code = _guarded(functools.partial(function, **given), function.__name__)
            if code:
                raise typer.Exit(code)

        parameters = [parameter for parameter in own.values() if parameter.name != "options"]
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in parameters] + shared
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        app.command(epilog=_examples(function.__name__))(called)
        return called

    return register


def _examples(name: str) -> str | None:
    """What stands below the help of a command, a paragraph a line."""
    from sim.cli.told import EXAMPLES

    lines = [f"{line}  ({does})" for line, does in EXAMPLES.get(name, ())]
    return "\n\n".join(["Examples:", *lines]) if lines else None


def _refuse(name: str, uses: str, given: dict[str, Any]) -> None:
    """A fault of the command line for every option that the command does not use and that says something."""
    plain = Options()
    hints = get_type_hints(Options, include_extras=True)
    unused = [
        (hints[option].__metadata__[0].param_decls or (f"--{option.replace('_', '-')}",))[0]
        for option, value in given.items()
        if uses != ALL and option not in uses.split() and value != getattr(plain, option)
    ]
    if unused:
        it = "it" if len(unused) == 1 else "them"
        raise typer.BadParameter(f"tipline {name} has no use for {it}", param_hint=" and ".join(unused))


def _parameters(uses: str) -> list[inspect.Parameter]:
    """The fields of `Options` as parameters that typer understands."""
    hints = get_type_hints(Options, include_extras=True)
    found = []
    for one in dataclasses.fields(Options):
        kind, note = hints[one.name].__origin__, hints[one.name].__metadata__[0]
        if uses != ALL and one.name not in uses.split():
            note = copy(note)
            note.hidden = True
        default = one.default_factory() if callable(one.default_factory) else one.default
        found.append(
            inspect.Parameter(
                one.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, note]
            )
        )
    return found


def _guarded(work: Callable[[], int | None], name: str) -> int:
    """Do the work; say what went wrong in one way for all commands, and give the exit code."""
    from sim.scenario.faults import ScenarioError

    try:
        return work() or DONE
    except ScenarioError as error:
        tell_faults(error)
        return BAD_INPUT
    except KeyboardInterrupt:
        say(f"tipline {name}: interrupted; go on with\n  {command_line('--resume')}")
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        say(f"tipline {name}: {where}{error.strerror or error}")
        return BAD_INPUT
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:
        if os.environ.get("TIPLINE_TRACEBACK"):
            raise
        say(
            f"tipline {name}: this is a fault of the program: {type(error).__name__}: {error}\n"
            f"To see where it happened:\n  TIPLINE_TRACEBACK=1 {command_line()}"
        )
        return OWN_FAULT


def tell_faults(error: ScenarioError) -> None:
    """All faults of a document on stderr, and how many there are."""
    many = len(error.faults)
    say(str(error) + (f"\n{many} faults" if many > 1 else ""))


def say(text: str) -> None:
    """A message on stderr."""
    print(text, file=sys.stderr)


def show(*parts: RenderableType) -> None:
    """Print parts one below the other."""
    from rich.console import Console

    from sim.text.page import laid_out

    sys.stdout.write(laid_out(parts, Console(file=sys.stdout, highlight=False, markup=False, emoji=False)))


def command_line(*extra: str) -> str:
    """The command as it was given, to be given again."""
    given = [argument for argument in sys.argv[1:] if argument not in extra]
    return shlex.join(["tipline", *given, *extra])


def print_data(data: list[Any], files: list[Path]) -> None:
    """Data as JSON: of one file, or a list of those of several."""
    import json

    told = [{"format": JSON_FORMAT, **one} for one in data]
    print(json.dumps(told[0] if len(files) == 1 else told, indent=2, default=str))


def fault_data(fault: Fault) -> dict[str, Any]:
    """A fault as data."""
    keys = ("file", "line", "column", "path", "rule", "value")
    return {key: getattr(fault, key) for key in keys}
