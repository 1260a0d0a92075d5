"""The commands. Each is thin: it reads its options, lets another folder do the work, and shows what came out.

Nothing slow is imported here: a command imports what it needs when it is called.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from sim.cli.commands import (
    calibrate,
    check,
    claims,
    compare,
    explain,
    export,
    live,
    map,
    plausibility,
    report,
    run,
    runway,
    sensitivity,
    staff,
    validate,
)
from sim.cli.examples import examples
from sim.cli.init import init
from sim.cli.options import BAD_INPUT, DONE, command, say
from sim.cli.selftest import selftest
from sim.cli.study import study
from sim.version import __version__


class Commands(TyperGroup):
    """The commands, with a word for who gives a file where a command belongs."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        first = args[0]
        if first not in self.commands and first.endswith((".yaml", ".yml")):
            ctx.fail(f"'{first}' is a file, not a command. Did you mean 'tipline run {first}'?")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            # What checks the options names the kind of its fault, which says nothing to who reads it.
            error.message = error.message.removeprefix("Value error, ")
            raise


app = typer.Typer(
    cls=Commands,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)


def main() -> None:
    """What `tipline` and `python -m sim` call."""
    _settle()
    try:
        app(prog_name="tipline")
    except OSError as error:
        # The help is written before any command is there to catch what goes wrong.
        say(f"tipline: {error.strerror or error}")
        sys.exit(BAD_INPUT)


def _settle() -> None:
    """A terminal that is not there is written to all the same, and what libraries warn of is not for its reader."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        os.environ.setdefault("PYTHONWARNINGS", "ignore")  # for the processes that this one starts
    # Most of what a command makes is kept until it is done, so looking for garbage as often as Python does by itself
    # takes a tenth of the time and finds little.
    gc.set_threshold(200_000, 50, 50)
    # At its end Python would look through everything three times more, half a second after a run, for what goes with
    # the process anyway.
    atexit.register(gc.freeze)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"tipline {__version__}")
        raise typer.Exit


@app.callback(no_args_is_help=True)
def tipline(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Can a tip line's published promises all be true at once, and with what staff?

    Start with `tipline init`, or with `tipline examples national` and `tipline run national.yaml`.
    """


command(app, uses="changes variant targets reading seed replications json quiet")(check)
command(app)(run)

MANY: Final = (
    "changes variant targets reading seed replications engine jobs cluster resume budget out strict json quiet"
)
"""What commands take that run many scenarios, each as often as it takes."""

command(app, uses="changes variant seed replications engine jobs cluster resume budget out strict json quiet")(claims)
command(app, uses=MANY)(compare)
command(app, uses=MANY)(map)
command(app, uses=MANY)(plausibility)
command(app, uses=MANY)(runway)
command(app, uses=MANY)(sensitivity)
command(app, uses=MANY)(staff)
command(app, uses="changes seed replications engine jobs cluster resume budget out strict json quiet")(validate)
command(app, uses="seed replications jobs cluster resume budget out json quiet")(study)
command(app, uses="changes variant targets reading seed replications jobs budget json quiet")(live)
command(app, uses="out json quiet")(report)
command(app, uses="out json quiet")(export)
command(app, uses="out strict json quiet")(calibrate)


command(app, uses="changes variant seed engine json")(explain)


command(app)(init)
command(app)(examples)
command(app)(selftest)


@command(app)
def schema(
    of: Annotated[
        str, typer.Argument(metavar="OF", help="scenario, ledger or study; or a command, for its --json.")
    ] = ("scenario"),
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it there; else to the terminal.")] = None,
) -> int:
    """Print the JSON Schema of a kind of files, for editors, or of what a command prints with --json."""
    from sim.answers import ANSWERS, schema_of_answers
    from sim.scenario.editors import json_schema, ledger_schema
    from sim.scenario.fields import hint
    from sim.studies.study import json_schema as study_schema

    files = {"scenario": json_schema, "ledger": ledger_schema, "study": study_schema}
    if of in ANSWERS:
        found = schema_of_answers(of)
    elif of in files:
        found = files[of]()
    else:
        raise typer.BadParameter(f"there is no schema of '{of}'{hint(of, [*files, *ANSWERS])}", param_hint="OF")
    text = json.dumps(found, indent=2)
    if out is None:
        print(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
    return DONE
