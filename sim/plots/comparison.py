"""Scenarios side by side: each target with its threshold in every one of them, and the difference from the base."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sim.measures.targets import TargetResult
from sim.plots.style import (
    FAINT,
    GREY,
    INK,
    KEY,
    MARGIN,
    PLAIN,
    SMALL,
    VERDICTS,
    WIDTH,
    Sheet,
    key,
    leading,
    mark,
    marked,
    shortened,
    styled,
)
from sim.studies.compare import SideBySide
from sim.text import compare as compare_words
from sim.text.words import asked, length, percent

NAMES: Final = 1.75
GAP: Final = 0.25
BETWEEN: Final = 0.6
PANEL: Final = (WIDTH - 2 * MARGIN - NAMES - GAP - BETWEEN) / 2
ROW: Final = 0.21
HEAD: Final = 0.24
FOOT: Final = 0.34
"""Inches: the column of names, from it to the panels, between these, a panel; a scenario, what stands above and below
those of a target."""
GOOD: Final = "#d3e4ee"


def comparison(found: SideBySide) -> Figure:
    """A block for every target: on the left what it came to, on the right the difference from the base."""
    rows = len(found.contenders)
    block = HEAD + rows * ROW + FOOT
    n = found.replications
    note = (
        f"{n} replications of {length(found.base.scenario.length)} each, on the same tips. Differences from "
        f"{found.base.label}, whose {percent(found.confidence)} intervals hold all at once; grey ones may be noise."
    )
    with styled():
        sheet = Sheet(compare_words.finding(found), note, len(found.targets) * block + KEY)
        for number, name in enumerate(found.targets):
            _block(sheet, found, name, number * block)
        _key(sheet, found, len(found.targets) * block)
    return sheet.figure


def _block(sheet: Sheet, found: SideBySide, name: str, top: float) -> None:
    rows, results = len(found.contenders), [one.results.get(name) for one in found.contenders]
    first = next(one for one in results if one is not None)
    sheet.write(MARGIN, top, shortened(name, NAMES, PLAIN, bold=True), size=PLAIN, weight="bold")
    sheet.write(MARGIN + NAMES + GAP, top + 0.02, asked(first), color=GREY)
    for row, one in enumerate(found.contenders):
        text = shortened(one.label, NAMES - 0.1, SMALL)
        sheet.write(MARGIN + 0.1, top + HEAD + row * ROW + (ROW - leading(SMALL)) / 2, text)
    left = sheet.axes(MARGIN + NAMES + GAP, top + HEAD, PANEL, rows * ROW)
    right = sheet.axes(MARGIN + NAMES + GAP + PANEL + BETWEEN, top + HEAD, PANEL, rows * ROW)
    _values(left, results, first)
    _differences(right, found, name, first.unit)


def _values(axes: Axes, results: Sequence[TargetResult | None], first: TargetResult) -> None:
    told = [(row, one) for row, one in enumerate(results) if one is not None and one.kind == first.kind]
    numbers = [number for _, one in told for number in (one.value, one.low, one.high, one.threshold)]
    numbers = [number for number in numbers if math.isfinite(number)]
    scale, unit = compare_words.scale(first.unit, numbers)
    low, high = _room([number / scale for number in numbers], None if first.unit == "min" else 100.0)
    low = max(low, 0.0)
    _frame(axes, len(results), low, high, unit)
    limit = first.threshold / scale
    good = (limit, high) if first.side == "at_least" else (low, limit)
    axes.axvspan(*good, color=GOOD, linewidth=0)
    for row, one in told:
        own = one.threshold / scale
        axes.plot([own, own], [row, row + 1], color=INK, linewidth=1.6, zorder=4)
        if math.isnan(one.value):
            continue
        ends_of = [one.low / scale, min(one.high / scale, high)]
        axes.plot(ends_of, [row + 0.5] * 2, color=VERDICTS[one.verdict].colour, linewidth=2.4, zorder=5)
        mark(axes, min(max(one.value / scale, low), high), row + 0.5, one.verdict)


def _differences(axes: Axes, found: SideBySide, name: str, told_in: str) -> None:
    changes = {change.label: change.difference for change in found.changes if change.target == name}
    numbers = [0.0, *(n for one in changes.values() for n in (one.low, one.high) if math.isfinite(n))]
    scale, unit = compare_words.scale(told_in, numbers)
    low, high = _room([number / scale for number in numbers], None)
    _frame(axes, len(found.contenders), low, high, f"difference, {unit if told_in == 'min' else 'points'}")
    axes.axvline(0, color=INK, linewidth=1, zorder=3)
    for row, one in enumerate(found.contenders):
        if one.label not in changes:
            continue
        change = changes[one.label]
        if math.isnan(change.value):
            continue
        colour = INK if change.real else FAINT
        axes.plot([change.low / scale, change.high / scale], [row + 0.5] * 2, color=colour, linewidth=2.4, zorder=4)
        face = INK if change.real else "white"
        axes.plot(
            [change.value / scale],
            [row + 0.5],
            marker="o",
            markersize=5.5,
            markerfacecolor=face,
            markeredgecolor=INK if change.real else GREY,
            clip_on=False,
            zorder=5,
        )


def _frame(axes: Axes, rows: int, low: float, high: float, unit: str) -> None:
    """Axes of so many rows, with the unit above their right end."""
    axes.set(xlim=(low, high), ylim=(rows, 0))
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.locator_params(axis="x", nbins=5)
    axes.tick_params(axis="x", pad=2)
    axes.set_xlabel(unit, ha="right", va="bottom")
    axes.xaxis.set_label_coords(1, 1.02)


def _room(ends: Sequence[float], most: float | None) -> tuple[float, float]:
    """The ends of a scale that holds all of these, with some room beside them."""
    low, high = min(ends), max(ends)
    room = 0.12 * (high - low) or max(abs(high), 1.0) * 0.1
    low, high = low - room, high + room
    return low, high if most is None else min(high, most)


def _key(sheet: Sheet, found: SideBySide, top: float) -> None:
    told = {result.verdict for one in found.contenders for result in one.results.values()}
    used = [word for word in VERDICTS if word in told]
    handles = [
        Patch(color=GOOD, label="good side"),
        Line2D([], [], color=INK, linewidth=1.6, label="threshold"),
        *(marked(word, word) for word in used),
        Line2D([], [], color=INK, marker="o", markersize=5.5, linewidth=2.4, label="real"),
        Line2D([], [], color=FAINT, marker="o", markersize=5.5, markerfacecolor="white", linewidth=2.4, label="noise"),
    ]
    key(sheet, handles, top)
