"""The figures of a run. Only this folder imports matplotlib; no figure measures or judges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sim.plots import style
from sim.plots.curves import response
from sim.plots.failing import failing
from sim.plots.verdicts import verdicts
from sim.plots.week import week

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sim.cli.terminal import Result


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure that a run leaves behind; what it found stands in the title within the figure."""

    name: str
    """Of its files, without the ending."""
    title: str
    caption: str
    """What it shows and how it is read, in one or two sentences."""
    draw: Callable[[Result], Figure]


PLOTS: Final = (
    Plot(
        "verdicts",
        "Targets and verdicts",
        "Every target with its threshold, what it came to with its interval, and the verdict; below, in which share of "
        "the runs, months, weeks and days every target held.",
        verdicts,
    ),
    Plot(
        "response",
        "Response times",
        "The share of the tips that are through within a time; tips that never come through keep a curve below 100 %. "
        "A target is met where its curve crosses the grey bar: the wanted share or more within the time allowed.",
        response,
    ),
    Plot(
        "week",
        "The week",
        "For every pool and hour of the week: people on seat, the work that comes, people busy, and tips waiting; the "
        "bands hold the middle nine tenths of the replications.",
        week,
    ),
    Plot(
        "failing",
        "When targets fail",
        "For every target that fails noticeably: the share of its tips that fail, by weekday and hour of their "
        "arrival. Each map has its own scale.",
        failing,
    ),
)
"""The figures of a run, in the order in which a report shows them."""


def write_plots(result: Result, folder: Path) -> list[Path]:
    """Draw every figure of a run into a folder, which is made if need be, as PNG and SVG; the paths in order."""
    folder.mkdir(parents=True, exist_ok=True)
    return [path for plot in PLOTS for path in style.save(plot.draw(result), folder, plot.name)]
