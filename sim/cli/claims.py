"""The command `claims`: a ledger of claims audited on a scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.options import File, Options

LedgerPath = Annotated[Path, typer.Argument(metavar="LEDGER", help="A ledger of claims.", show_default=False)]


def claims(
    ledger: LedgerPath,
    file: File,
    options: Options,
    allow_overload: Annotated[
        bool, typer.Option("--allow-overload", help="Lines may grow without end, and tips give up unminded.")
    ] = False,
) -> int:
    """Audit a ledger of claims: what arithmetic and simulation say of each, and of all together.

    Every claim has up to three readings. Each is judged as the line is staffed, with unlimited staff, and with the
    cheapest staffing that meets it alone.
    """
    from sim.answers.claims import Claims
    from sim.cli.asking import ask
    from sim.scenario.ledger import is_ledger, read_ledger
    from sim.scenario.loading import read
    from sim.scenario.paths import changes_of
    from sim.studies.claims.laid import lay

    if is_ledger(file) and not is_ledger(ledger):
        raise typer.BadParameter(f"the ledger comes first: tipline claims {file} {ledger}", param_hint="LEDGER")
    own = {"run.seed": options.seed, "run.replications": options.replications}
    changes = {change.path: change.node.plain() for change in changes_of(options.changes)}
    changes |= {path: value for path, value in own.items() if value is not None}
    laid = lay(read_ledger(ledger), read(file), variant=options.one_variant, changes=changes)
    return ask(
        "claims", file, laid.scenario, options, lambda work: Claims.ask(laid, work, allow_overload=allow_overload)
    )
