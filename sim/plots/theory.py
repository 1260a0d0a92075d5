"""Theory beside a run: how far each figure lies above what a model with an exact answer has, in standard errors."""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any, Final

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sim.plots.style import (
    BLUE,
    FAINT,
    GREY,
    INK,
    KEY,
    MARGIN,
    SMALL,
    WIDTH,
    Sheet,
    key,
    leading,
    shortened,
    styled,
)
from sim.studies.result import Result
from sim.studies.theory.beside import CLOSE, TheoryAndRun
from sim.text.theory import figure, quantity_words
from sim.text.words import about

ROW: Final = 0.2
HEAD: Final = 0.3
NAMES: Final = 2.4
STRIP: Final = 2.2
"""Inches of a row, of a line above the rows of a place, of the column of names, and of the axis."""
FARTHEST: Final = 8.0
"""Standard errors at the ends of the axis; what lies farther stands there as an arrow."""
CLOSE_BY: Final = "#e4eef4"

_FULL: Final[dict[str, Any]] = {"marker": "o", "markersize": 5.5, "color": BLUE, "linestyle": "none"}
_HOLLOW: Final[dict[str, Any]] = _FULL | {"markerfacecolor": "white", "markeredgewidth": 1.4}


def theory(result: Result) -> Figure:
    """A row for every quantity: the mark by how far apart, both figures beside it; a heading for every place."""
    found = list(result.theory or ())
    places = [list(rows) for _, rows in groupby(found, lambda one: one.beside.place)]
    exact = [one for one in found if not one.beside.left_out]
    off = sum(not one.agrees for one in exact)
    title = f"{len(exact)} figures are known exactly, and {off or 'none'} of them lie{'s' if off == 1 else ''} apart"
    if not exact:
        title = "Every model near to a pool or delay leaves something out"
    note = f"Beside each figure of theory, what the run came to with its standard error. {about(result)}."
    height = sum(HEAD + ROW * len(rows) for rows in places)
    with styled():
        sheet = Sheet(title, note, height + 0.55 + KEY)
        axes = sheet.axes(MARGIN + NAMES, 0.0, STRIP, height)
        axes.set(xlim=(-FARTHEST - 0.6, FARTHEST + 0.6), ylim=(height, 0), yticks=[])
        axes.axvspan(-CLOSE, CLOSE, color=CLOSE_BY, linewidth=0, zorder=0)
        axes.axvline(0, color=FAINT, linewidth=0.8, zorder=1)
        axes.set_xticks([-8, -4, 0, 4, 8])
        axes.set_xlabel("standard errors above theory", labelpad=2)
        axes.spines["left"].set_visible(False)
        top = 0.0
        for rows in places:
            _place(sheet, rows, top)
            for at, one in enumerate(rows):
                _row(sheet, axes, one, top + HEAD + ROW * at)
            top += HEAD + ROW * len(rows)
        handles = [
            Line2D([], [], label="nothing is left out", **_FULL),
            Line2D([], [], label="something is", **_HOLLOW),
            Patch(color=CLOSE_BY, label=f"within {CLOSE:g} standard errors"),
        ]
        key(sheet, handles, height + 0.5)
    return sheet.figure


def _place(sheet: Sheet, rows: list[TheoryAndRun], top: float) -> None:
    first = rows[0].beside
    beside = sheet.name(top + 0.06, first.place, NAMES - 0.9)
    sheet.write(beside, top + 0.075, first.model, color=GREY)


def _row(sheet: Sheet, axes: Any, one: TheoryAndRun, top: float) -> None:
    middle = top + ROW / 2
    sheet.write(MARGIN, middle - leading(SMALL) / 2, shortened(quantity_words(one.known), NAMES - 0.15))
    said = f"{figure(one.known.value, one.known)}, came to {figure(one.simulated, one.known, alone=False)}"
    if not math.isnan(one.error):
        said += f" ± {figure(one.error, one.known, alone=False, digits=2)}"
    room = WIDTH - 2 * MARGIN - NAMES - STRIP - 0.15
    sheet.write(MARGIN + NAMES + STRIP + 0.15, middle - leading(SMALL) / 2, shortened(said, room))
    if math.isnan(one.apart):
        return
    look = _HOLLOW if one.beside.left_out else _FULL
    if abs(one.apart) > FARTHEST:
        look = look | {"marker": ">" if one.apart > 0 else "<"}
    axes.plot([min(max(one.apart, -FARTHEST), FARTHEST)], [middle], clip_on=False, zorder=5, **look)
    if not one.agrees and not one.beside.left_out:
        axes.plot([min(max(one.apart, -FARTHEST), FARTHEST)], [middle], marker="o", markersize=9, color=INK, mfc="none")
