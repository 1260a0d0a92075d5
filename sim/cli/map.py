"""The command `map`: where all targets hold over two ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from sim.cli.options import File, Options

if TYPE_CHECKING:
    from sim.studies.ranges import Axis

Range = Annotated[
    str, typer.Option(metavar="PATH=RANGE", help="Such as demand.volume=8000..60000/year:12.", show_default=False)
]


def map(
    file: File,
    options: Options,
    x: Range,
    y: Range,
    per: Annotated[
        Literal["run", "month", "week", "day"], typer.Option(help="Count the runs, or the periods, that hold.")
    ] = "run",
) -> int:
    """Map where all targets hold over two ranges, and which one fails first.

    A range is PATH=FROM..TO, with :N for N points and a word log to spread them by ratios (FROM..TO:12 log), or a list
    PATH=A,B,C. Few replications are run far from the line, and at most --replications near it.
    """
    from sim.answers.map import Map
    from sim.cli.asking import ask

    scenario = options.load(file)
    x_axis, y_axis = _axis(x, "--x"), _axis(y, "--y")
    return ask("map", file, scenario, options, lambda work: Map.ask(scenario, work, x=x_axis, y=y_axis, per=per))


def _axis(text: str, option: str) -> Axis:
    from sim.studies.ranges import axis

    try:
        return axis(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None
