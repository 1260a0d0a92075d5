"""The command `staff`: the cheapest staffing that meets all targets at once, with its certificate."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from sim.cli.options import File, Options


def staff(
    file: File,
    options: Options,
    pools: Annotated[
        list[str],
        typer.Option(metavar="A,B=1..9", help="Decide these pools, at each shift within bounds.", show_default=False),
    ] = [],  # noqa: B006 (typer takes a list as the default of several)
    frontier: Annotated[bool, typer.Option("--frontier", help="Also what a share of good periods costs.")] = False,
    per: Annotated[Literal["run", "month", "week", "day"], typer.Option(help="The periods of --frontier.")] = "week",
    allow_overload: Annotated[
        bool, typer.Option("--allow-overload", help="Lines may grow without end, and tips give up unminded.")
    ] = False,
    effort: Annotated[float, typer.Option(min=0.01, max=1000, help="Search so many times as long.")] = 1.0,
) -> int:
    """Find the cheapest staffing that meets all targets, and say what was excluded and how.

    Without --pools the pools are decided whose staff has a `plausible:` range, or all of them where none has. With
    --strict it exits 1 where no staffing is found, or none that is shown to hold on fresh seeds.
    """
    from sim.answers.staff import Staffing, bounds
    from sim.cli.asking import ask

    scenario = options.load(file)
    try:
        decided = bounds(pools) if pools else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--pools") from None
    return ask(
        "staff",
        file,
        scenario,
        options,
        lambda work: Staffing.ask(
            scenario,
            work,
            pools=decided,
            effort=effort,
            frontier=per if frontier else None,
            allow_overload=allow_overload,
            asked=options.asked,
        ),
    )
