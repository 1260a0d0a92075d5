"""The line beside its log over the day, and how long people bear to wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.lines import Line2D

from sim.plots.style import KEY, MARGIN, STROKES, WIDTH, Sheet, key, share_axis, styled
from sim.scenario.units import SHORT_WEEKDAYS
from sim.text.calibrate import finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from sim.calibration.calibrate import Calibrated

LEFT: Final = 0.62
PANEL: Final = 1.45
STEP: Final = 1.85
PLACES: Final = ("the log", "replayed", "drawn")


def over_the_day(found: Calibrated) -> Figure:
    """Tips, share given up and mean wait by interval of the day: in the log, in the replay and drawn."""
    assert found.beside is not None
    rows = found.beside.intervals
    note = f"By half hour of joining the line, all dates together, in {found.calibration.path.name} and in its line."
    with styled():
        sheet = Sheet(finding(found), note, 3 * STEP + 0.1 + KEY)
        hours = np.array([row.begin / 3600 for row in rows])
        panels = (
            ("tips a day", [row.tips for row in rows], 1.0),
            ("% given up", [row.given_up for row in rows], 100.0),
            ("mean wait, s", [row.wait for row in rows], 1.0),
        )
        for at, (label, values, size) in enumerate(panels):
            axes = sheet.axes(MARGIN + LEFT, at * STEP + 0.05, WIDTH - 2 * MARGIN - LEFT - 0.15, PANEL)
            for place in range(3):
                colour, dashes, _ = STROKES[place]
                some = np.array([one[place] for one in values]) * size
                axes.step(
                    hours, some, where="post", color=colour, linestyle=dashes, linewidth=2.2 if place == 0 else 1.3
                )
            axes.set_xlim(0, 24)
            axes.set_ylim(bottom=0)
            axes.set_xticks(range(0, 25, 3), [f"{hour}:00" for hour in range(0, 25, 3)])
            axes.set_ylabel(label, labelpad=2)
            axes.locator_params(axis="y", nbins=4)
        axes.set_xlabel("time of the day, h", labelpad=1)
        key(sheet, _handles(), 3 * STEP + 0.1)
    return sheet.figure


def _handles() -> list[Artist]:
    return [
        Line2D([], [], color=STROKES[at][0], linestyle=STROKES[at][1], linewidth=2.2 if at == 0 else 1.3, label=name)
        for at, name in enumerate(PLACES)
    ]


def patience(found: Calibrated) -> Figure:
    """The share that bears to wait so long, by stage and channel, as Kaplan and Meier have it."""
    told = [
        (stage.name if not one.of else f"{stage.name}, {one.of}", one)
        for stage in found.calibration.stages
        for one in stage.patience
    ][: len(STROKES)]
    first = told[0][1]
    bears = f"{100 * first.at(60.0)[0]:.0f} % bear to wait a minute, {100 * first.at(300.0)[0]:.0f} % five"
    note = "The share whose patience is longer (Kaplan and Meier: being served cuts it off), in the log."
    with styled():
        sheet = Sheet(f"At {told[0][0]} {bears}", note, 2.6 + KEY * 2)
        axes = sheet.axes(MARGIN + LEFT, 0.05, WIDTH - 2 * MARGIN - LEFT - 0.15, 2.2)
        for at, (_, one) in enumerate(told):
            _survival(axes, at, one.survival.at, one.survival.value)
        most = max(
            float(one.survival.at[one.survival.at_risk >= 10][-1])
            for _, one in told
            if (one.survival.at_risk >= 10).any()
        )
        axes.set_xlim(0, max(most, 60.0))
        share_axis(axes)
        axes.set_xlabel("wait, s", labelpad=1)
        handles: list[Artist] = [
            Line2D([], [], color=STROKES[at][0], linestyle=STROKES[at][1], label=name[:28])
            for at, (name, _) in enumerate(told)
        ]
        key(sheet, handles[:3], 2.6)
        key(sheet, handles[3:], 2.6 + KEY)
    return sheet.figure


def _survival(axes: Axes, at: int, times: NDArray[np.float64], value: NDArray[np.float64]) -> None:
    colour, dashes, _ = STROKES[at % len(STROKES)]
    axes.step(np.append(0, times), np.append(1, value), where="post", color=colour, linestyle=dashes, linewidth=1.4)


def usual_week(found: Calibrated) -> Figure:
    """What comes in each hour of a usual week, in the log and as drawn."""
    demand, drawn = found.calibration.demand, found.drawn_demand
    assert demand is not None
    with styled():
        volume = demand.volume[0]
        title = f"{volume:,.0f} tips come on a date of the log"
        note = f"Tips an hour by weekday, means of usual dates of {found.calibration.path.name}."
        sheet = Sheet(title, note, 2.3 + KEY)
        axes = sheet.axes(MARGIN + LEFT, 0.05, WIDTH - 2 * MARGIN - LEFT - 0.15, 1.9)
        for at, (name, one) in enumerate((("the log", demand), ("drawn", drawn))):
            if one is None:
                continue
            colour, dashes, _ = STROKES[at]
            n = one.counts.shape[1]
            a_hour = 24 / n
            x = np.arange(7 * n) * a_hour
            axes.step(
                x, one.week.ravel() / a_hour, where="post", color=colour, linestyle=dashes, linewidth=1.3, label=name
            )
        axes.set_xlim(0, 168)
        axes.set_ylim(bottom=0)
        axes.set_xticks(range(12, 168, 24), SHORT_WEEKDAYS)
        axes.set_ylabel("tips an hour", labelpad=2)
        handles: list[Artist] = [Line2D([], [], color=STROKES[0][0], linestyle=STROKES[0][1], label="the log")]
        if drawn is not None:
            handles.append(Line2D([], [], color=STROKES[1][0], linestyle=STROKES[1][1], label="drawn"))
        key(sheet, handles, 2.3)
    return sheet.figure
