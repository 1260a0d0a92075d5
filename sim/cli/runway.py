"""The command `runway`: how many years of growth the staffing bears, and the staff that the years to come need."""

from __future__ import annotations

from typing import Annotated

import typer

from sim.cli.options import File, Options


def runway(
    file: File,
    options: Options,
    growth: Annotated[
        str, typer.Option(metavar="A,B", help="Rates of growth a year.", show_default=True)
    ] = "15 %,20 %,25 %,40 %",
    years: Annotated[int, typer.Option(min=1, max=50, metavar="N", help="Look so many years ahead.")] = 10,
    staff_years: Annotated[
        int, typer.Option(min=0, max=50, metavar="N", help="Find the staff of so many years; 0 for none.")
    ] = 3,
    pools: Annotated[
        list[str],
        typer.Option(metavar="A,B=1..9", help="Decide these pools, at each shift within bounds.", show_default=False),
    ] = [],  # noqa: B006 (typer takes a list as the default of several)
    allow_overload: Annotated[
        bool, typer.Option("--allow-overload", help="Lines may grow without end, and tips give up unminded.")
    ] = False,
) -> int:
    """Tell how many years of growth the present staffing bears, and the staff that each further year needs.

    The volume grows by each rate, year after year; a year is run as the file says, until one is missed.
    """
    from sim.answers.runway import Runway, rates
    from sim.answers.staff import bounds
    from sim.cli.asking import ask

    scenario = options.load(file)
    try:
        growths = rates(growth.split(","))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--growth") from None
    try:
        decided = bounds(pools) if pools else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--pools") from None
    return ask(
        "runway",
        file,
        scenario,
        options,
        lambda work: Runway.ask(
            scenario,
            work,
            growth=growths,
            years=years,
            staff_years=staff_years,
            pools=decided,
            allow_overload=allow_overload,
        ),
    )
