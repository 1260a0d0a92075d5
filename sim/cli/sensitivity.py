"""The command `sensitivity`: which plausible range decides the verdict, and in how much of them the targets hold."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.options import File, Options


def sensitivity(
    file: File,
    options: Options,
    points: Annotated[
        int,
        typer.Option(
            min=4, max=65536, metavar="N", help="Rows of the design, up to a power of 2, of ranges + 2 points."
        ),
    ] = 64,
    with_staff: Annotated[bool, typer.Option("--with-staff", help="Take ranges of staff in, too.")] = False,
) -> int:
    """Find which plausible range decides the verdict, and in how much of the ranges all targets hold.

    Of each of N rows 2 points are spread over the ranges under `plausible:`, and 1 a range mixes these two: N x
    (ranges + 2) points on the same tips, 4 replications each unless --replications says otherwise. Along each range
    the value is looked for at which the verdict turns: there with all replications of the scenario, where few do not
    decide.
    """
    from sim.answers.sensitivity import Sensitivity
    from sim.cli.asking import ask

    scenario = options.load(file)
    return ask(
        "sensitivity",
        file,
        scenario,
        options,
        lambda work: Sensitivity.ask(
            scenario, work, rows=points, replications=options.replications, with_staff=with_staff
        ),
    )
