"""The command `explain`: one tip's life."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.options import DONE, File, Options, print_data, show


def explain(
    file: File,
    options: Options,
    tip: Annotated[str, typer.Option(metavar="N", help="Its number, or first-missed:TARGET.", show_default=False)],
    replication: Annotated[int, typer.Option(min=0, metavar="K", help="The replication that it is in.")] = 0,
) -> int:
    """Tell one tip's life line by line, and why it waited."""
    from sim.answers.explain import Explanation
    from sim.studies.trials import QuestionError

    scenario = options.load(file)
    try:
        answer = Explanation.ask(scenario, tip, replication, options.engine)
    except QuestionError as error:
        raise typer.BadParameter(str(error), param_hint="--tip") from None
    if options.json:
        print_data([answer.data()], [file])
    else:
        show(*answer.parts())
    return DONE
