"""The plausibility map: which cells hold, what fails first in the others, the line between them, and the present."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from sim.plots.style import (
    FAINT,
    INK,
    KEY,
    MARGIN,
    SMALL,
    WIDTH,
    Letter,
    Sheet,
    key,
    key_lines,
    leading,
    lettered,
    shortened,
    styled,
    text_width,
)
from sim.studies.map import Cell, MapFound
from sim.studies.ranges import Axis
from sim.text.ranges import Wording, failing_first, map_finding, number_of, wordings
from sim.text.words import PERIODS, length, named, percent

DEEPEST: Final = 0.62
"""How much of its colour a cell has in which the targets never hold; with more, its letter is hard to read."""
HALF: Final = 0.5

INNER: Final = 0.28
"""The half of the part of an inferred cell that is hatched."""
HATCHED: Final[dict[str, Any]] = {"fill": False, "hatch": "////", "edgecolor": FAINT, "linewidth": 0}

TALLEST: Final = 5.2
HIGHEST_CELL: Final = 0.36
BELOW: Final = 0.52
"""Inches: the grid at most, one of its cells at most, and what stands below it."""
ROW: Final = 0.2


def plausibility_map(found: MapFound) -> Figure:
    """The grid of both ranges."""
    x, y = wordings(found)
    rows, columns = len(found.y), len(found.x)
    height = min(TALLEST, rows * HIGHEST_CELL)
    letters = lettered([name for name, _ in failing_first(found)])
    with styled():
        left = MARGIN + 0.28 + max(text_width(y.number(number_of(found.y, row))) for row in range(rows)) + 0.1
        width = WIDTH - left - MARGIN
        key_rows = _key_rows(found, letters)
        below = key_lines(_handles(found)) or [[]]
        sheet = Sheet(map_finding(found), _note(found), height + BELOW + len(key_rows) * ROW + 0.1 + len(below) * KEY)
        axes = sheet.axes(left, 0, width, height)
        _fill(axes, found, letters)
        _write(axes, found, letters, width / columns, height / rows)
        for level, style in ((HALF, {"linewidth": 1.0, "linestyle": (0, (3, 2))}), (found.wanted, {"linewidth": 2.4})):
            lines = _border(found, level)
            axes.add_collection(LineCollection(lines, colors=INK, zorder=4, **style))
        _point(axes, found)
        _scale(axes, found, x, y, width, height)
        top = height + BELOW
        for patches in key_rows:
            _write_key_row(sheet, patches, top)
            top += ROW
        for place, handles in enumerate(below):
            key(sheet, handles, top + 0.1 + place * KEY)
    return sheet.figure


def _note(found: MapFound) -> str:
    scenario = found.scenario
    run = [cell.replications for cell in found if not cell.inferred]
    least, most = min(run), max(run)
    runs = f"{least} to {most}" if least < most else f"{most}"
    return (
        f"In a cell: the target that fails first, and the percentage of {PERIODS[found.per]} in which all hold; ? "
        f"where the verdict on all together is open. {named(scenario)}: {runs} "
        f"replications of {length(scenario.run.length)} a cell."
    )


def _fill(axes: Axes, found: MapFound, letters: dict[str, Letter]) -> None:
    for row, cells in enumerate(found.cells):
        for column, cell in enumerate(cells):
            axes.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=_colour(found, cell, letters), edgecolor="white")
            )
            if cell.inferred:
                axes.add_patch(Rectangle((column - INNER, row - INNER), 2 * INNER, 2 * INNER, zorder=2, **HATCHED))


def _colour(found: MapFound, cell: Cell, letters: dict[str, Letter]) -> tuple[float, float, float]:
    if found.holds(cell) or cell.first not in letters:
        return to_rgb("white")
    part = DEEPEST * (1 - cell.share.value) + 0.08
    red, green, blue = (1 - part * (1 - channel) for channel in to_rgb(letters[cell.first].colour))
    return red, green, blue


def _write(axes: Axes, found: MapFound, letters: dict[str, Letter], width: float, height: float) -> None:
    """Letter and share in every cell, as far as there is room for them."""
    if height < leading(SMALL) * 0.85:
        return
    for row, cells in enumerate(found.cells):
        for column, cell in enumerate(cells):
            if cell.inferred:
                continue
            fails = not found.holds(cell) and cell.first in letters
            letter = letters[cell.first or ""].letter if fails else ""
            share = "" if cell.share.value != cell.share.value else f"{100 * cell.share.value:.0f}"
            open_ = "?" if cell.verdict == "undecided" else ""
            text = next(
                (one for one in (f"{letter} {share}{open_}".strip(), letter) if text_width(one) < width - 0.04), ""
            )
            axes.text(column, row, text, ha="center", va="center_baseline", fontsize=SMALL, zorder=7)


def _border(found: MapFound, level: float) -> list[list[tuple[float, float]]]:
    """The line between the cells in which all targets hold in so many periods, and the others."""
    above = [[cell.share.value >= level for cell in cells] for cells in found.cells]
    lines = []
    for row, cells in enumerate(above):
        for column, one in enumerate(cells):
            if column and one != cells[column - 1]:
                lines.append([(column - 0.5, row - 0.5), (column - 0.5, row + 0.5)])
            if row and one != above[row - 1][column]:
                lines.append([(column - 0.5, row - 0.5), (column + 0.5, row - 0.5)])
    return lines


def _point(axes: Axes, found: MapFound) -> None:
    column, row = found.present
    if column is not None and row is not None:
        for size, colour, weight in ((22, "white", 4.5), (22, INK, 1.8)):
            options = {"markersize": size, "markerfacecolor": "none", "markeredgecolor": colour, "zorder": 6}
            axes.plot([column], [row], marker="o", linestyle="none", markeredgewidth=weight, **options)  # type: ignore[arg-type]


def _scale(axes: Axes, found: MapFound, x: Wording, y: Wording, width: float, height: float) -> None:
    axes.set_xlim(-0.5, len(found.x) - 0.5)
    axes.set_ylim(-0.5, len(found.y) - 0.5)
    axes.spines[:].set(visible=True, color=FAINT)
    axes.tick_params(length=0)
    axes.set_xticks(*_ticks(found.x, x, lambda text: text_width(text) + 0.1, width))
    axes.set_yticks(*_ticks(found.y, y, lambda _: leading(SMALL), height))
    axes.set_xlabel(x.label, color=INK)
    axes.set_ylabel(y.label, color=INK)


def _ticks(axis: Axis, words: Wording, room: object, extent: float) -> tuple[list[int], list[str]]:
    """Every value of an axis, or every second, third, ... where there is no room for all."""
    texts = [words.number(number_of(axis, at)) for at in range(len(axis))]
    assert callable(room)
    widest = max(room(text) for text in texts)
    step = max(1, -(-int(1000 * widest * len(axis)) // int(1000 * extent)))
    return list(range(0, len(axis), step)), texts[::step]


def _key_rows(found: MapFound, letters: dict[str, Letter]) -> list[list[tuple[str, str, str]]]:
    """What the letters mean, two to a row: letter, colour, words."""
    results = {one.name: one for one in next(cell for cell in found if not cell.inferred).targets}
    told = [(one.letter, one.colour, f"{name} fails first ({results[name].asked})") for name, one in letters.items()]
    return [told[at : at + 2] for at in range(0, len(told), 2)]


def _write_key_row(sheet: Sheet, patches: Sequence[tuple[str, str, str]], top: float) -> None:
    half = (WIDTH - 2 * MARGIN) / 2
    for place, (letter, colour, text) in enumerate(patches):
        left = MARGIN + place * half
        axes = sheet.axes(left, top, 0.22, ROW - 0.03)
        axes.set_axis_off()
        part = DEEPEST + 0.08
        axes.add_patch(
            Rectangle((0, 0), 1, 1, facecolor=[1 - part * (1 - channel) for channel in to_rgb(colour)], linewidth=0)
        )
        axes.text(0.5, 0.5, letter, ha="center", va="center_baseline", fontsize=SMALL)
        sheet.write(left + 0.3, top + 0.02, shortened(text, half - 0.4))


def _handles(found: MapFound) -> list[Artist]:
    handles: list[Artist] = []
    wanted = percent(found.wanted)
    shares = [cell.share.value for cell in found]
    periods = PERIODS[found.per]
    if min(shares) < found.wanted <= max(shares):
        label = f"all hold in at least {wanted} of the {periods}"
        handles.append(Patch(facecolor="white", edgecolor=INK, linewidth=2.4, label=label))
    if min(shares) < HALF <= max(shares):
        handles.append(
            Line2D(
                [],
                [],
                color=INK,
                linewidth=1,
                linestyle=(0, (3, 2)),
                label=f"{'in' if handles else 'all hold in'} half of the {periods}",
            )
        )
    if found.n_inferred:
        handles.append(Patch(label="not run: as the cells on either side", **HATCHED))
    if None not in found.present:
        label = "the scenario as it is"
        ring = {"marker": "o", "markersize": 9, "markerfacecolor": "none", "markeredgewidth": 1.8, "color": INK}
        handles.append(Line2D([], [], linestyle="none", label=label, **ring))  # type: ignore[arg-type]
    return handles
