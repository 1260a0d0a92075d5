"""What was observed beside what the scenario comes to: a row for each value, all in tolerances."""

from __future__ import annotations

import math
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sim.plots.style import (
    FAINT,
    GREY,
    GRID,
    INK,
    KEY,
    MARGIN,
    SMALL,
    WIDTH,
    Sheet,
    key,
    key_lines,
    leading,
    mark,
    marked,
    shortened,
    styled,
)
from sim.scenario.units import percent
from sim.studies.validate import ObservedResult, ValidateFound
from sim.text.validate import HEADS, came_to, figure, finding, fitted_text, tolerance_text
from sim.text.words import named, so_many

LEFT: Final = 2.45
RIGHT: Final = 1.85
"""Inches for the names and for what came out."""
ROW: Final = 0.42
HEAD: Final = 0.3
GAP: Final = 0.16
FOOT: Final = 0.42
FARTHEST: Final = 4.0
"""Tolerances from what was observed up to which values are drawn where they lie."""
SENSES: Final = {"reproduced": "met", "not reproduced": "missed", "undecided": "undecided"}
"""The mark of each."""


def observed_and_simulated(found: ValidateFound) -> Figure:
    """Every observed value with its tolerance, and what the scenario comes to with its interval."""
    groups = [(role, [one for one in found.seen if one.role == role]) for role in HEADS]
    groups = [(role, some) for role, some in groups if some]
    reach = min(max(1.6, *(1.1 * _reach(one) for one in found.seen)), FARTHEST)
    fits = "; ".join(f"{one.name} {fitted_text(one)}" for one in found.fits)
    note = (
        f"Marks: what the scenario comes to, with its {percent(found.scenario.run.confidence)} interval; field: how "
        f"far off it may be; black: what was observed, with what that may be off by. {named(found.scenario)}: "
        f"{so_many(found.replications, 'replication')}." + (f" Fitted: {fits}." if fits else "")
    )
    handles = [
        Patch(facecolor=GRID, label="tolerance"),
        Line2D([], [], color=INK, linewidth=1.6, label="observed"),
        *(marked(look, sense) for sense, look in SENSES.items() if any(one.sense == sense for one in found.seen)),
    ]
    lines = key_lines(handles)
    with styled():
        height = sum(HEAD + ROW * len(some) + GAP for _, some in groups) - GAP + FOOT
        sheet = Sheet(finding(found), note, height + KEY * len(lines))
        top = 0.0
        for role, some in groups:
            sheet.write(MARGIN, top, HEADS[role] if found.fits else "Observed", weight="bold")
            axes = sheet.axes(LEFT, top + HEAD, WIDTH - RIGHT - 0.15 - LEFT, ROW * len(some))
            _rows(sheet, axes, some, top + HEAD, reach)
            top += HEAD + ROW * len(some) + GAP
            last = role == groups[-1][0]
            axes.set_xlabel("off by so many tolerances" if last else "", labelpad=2)
            if not last:
                axes.set_xticklabels([])
        for row, line in enumerate(lines):
            key(sheet, line, height + KEY * row)
    return sheet.figure


def _reach(one: ObservedResult) -> float:
    """How far from what was observed a row has something to show, in tolerances."""
    ends = [(end - one.value) / one.tolerance for end in (one.low, one.high)]
    return max((abs(end) for end in (*ends, one.off) if math.isfinite(end)), default=1.0)


def _rows(sheet: Sheet, axes: Axes, some: list[ObservedResult], top: float, reach: float) -> None:
    axes.set_xlim(-reach, reach)
    axes.set_ylim(len(some), 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.axvspan(-1, 1, color=GRID, linewidth=0, zorder=0)
    axes.axvline(0, color=FAINT, linewidth=0.8, zorder=1)
    room = LEFT - MARGIN - 0.12
    for row, one in enumerate(some):
        name = f"{one.name}, {one.variant}" if one.variant else one.name
        told = f"{figure(one, one.value)} {tolerance_text(one).partition(',')[0]}"
        sheet.write(MARGIN, top + ROW * row + 0.02, shortened(name, room))
        sheet.write(MARGIN, top + ROW * row + 0.02 + leading(SMALL), shortened(told, room), color=GREY)
        middle = row + 0.6
        size = one.give_or_take / one.tolerance
        axes.plot([0, 0], [row + 0.42, row + 0.78], color=INK, linewidth=1.6, zorder=4)
        axes.plot([-size, size], [middle, middle], color=INK, linewidth=1.6, zorder=4)
        if math.isnan(one.result.value):
            continue
        low, high = (min(max((end - one.value) / one.tolerance, -reach), reach) for end in (one.low, one.high))
        look = SENSES[one.sense]
        axes.plot([low, high], [middle, middle], color=GREY, linewidth=1.1, zorder=5)
        x = min(max(one.off, -0.98 * reach), 0.98 * reach)
        mark(axes, x, middle, look)
        told = shortened(came_to(one), RIGHT - MARGIN)
        sheet.write(WIDTH - RIGHT, top + ROW * row + 0.02, told)
        sheet.write(WIDTH - RIGHT, top + ROW * row + 0.02 + leading(SMALL), one.sense, color=GREY)
