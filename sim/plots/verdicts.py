"""Targets beside their thresholds: of a run, and how often all held at once; of scenarios side by side, and their
differences from the base.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from sim.dynamics.clock import DAY, HOUR, MINUTE, SECOND
from sim.measures.targets import HeldShare, TargetResult
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
    text_width,
    wrapped,
)
from sim.studies.result import Result
from sim.text import compare as compare_words
from sim.text import words
from sim.text.run import finding
from sim.text.words import about, came_to, length, percent, share_text, so_many, with_interval

if TYPE_CHECKING:
    from sim.studies.compare import SideBySide

NAMES: Final = 2.5
STRIP: Final = 2.4
GAP: Final = 0.25
VALUES: Final = WIDTH - 2 * MARGIN - NAMES - STRIP - 2 * GAP
"""Inches of the column of names, of a strip, between columns, and of the column of values."""
ROW: Final = 0.68
PERIOD: Final = 0.24
"""Least height of a row with a target, height of one with a period."""
GOOD: Final = "#d3e4ee"
BAD: Final = "#f1f1f1"

_STEPS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
_TIMES: Final = tuple(
    count * unit
    for unit, counts in (
        (SECOND, (1, 2, 5, 10, 20, 30, 40)),
        (MINUTE, (1, 2, 5, 10, 20, 30, 40)),
        (HOUR, (1, 2, 3, 4, 6, 8, 12, 16)),
        (DAY, (1, 2, 3, 5, 7, 10, 14, 20, 30, 50, 100, 200, 500, 1000, 10_000, 100_000)),
    )
    for count in counts
)
"""Where scales may end."""


def verdicts(result: Result) -> Figure:
    """A row for every target: its threshold, the value with its interval, and the verdict; then all at once."""
    together = {one.name: one for one in result.joint.results}
    with styled():
        said = [wrapped(one.target.words, NAMES, SMALL, lines=4) for one in result.targets]
        heights = [max(ROW, leading(PLAIN) + len(lines) * leading(SMALL) + 0.16) for lines in said]
        shares = result.joint.shares.items()
        held = [(unit, one) for unit, one in shares if one.n_judged and (one.whole or unit == "run")]
        below = 0.75 + PERIOD * len(held) if held else 0.0
        empty = "The run has no targets: it measured, and judged nothing"
        note = "Met: the whole interval lies on the good side. Missed: all of it lies on the other."
        sheet = Sheet(
            finding(result.joint) if result.joint.results else empty,
            f"{note} {about(result)}",
            sum(heights) + KEY + below,
        )
        top = 0.0
        for one, lines, height in zip(result.targets, said, heights, strict=True):
            _name(sheet, one, lines, top)
            axes = sheet.axes(MARGIN + NAMES + GAP, top + 0.2, STRIP, 0.2)
            _strip(axes, one, together.get(one.name, one))
            _value(sheet, one, top)
            top += height
        if result.targets:
            _key(sheet, top)
        if held:
            _all_at_once(sheet, held, top + KEY + 0.15)
    return sheet.figure


def _name(sheet: Sheet, one: TargetResult, lines: list[str], top: float) -> None:
    room = NAMES - (text_width(one.claim, SMALL) + 0.12 if one.claim else 0)
    beside = sheet.name(top, one.name, room)
    if one.claim:
        sheet.write(beside, top + 0.015, one.claim, color=GREY)
    sheet.write(MARGIN, top + leading(PLAIN), "\n".join(lines), color=GREY)


def _value(sheet: Sheet, one: TargetResult, top: float) -> None:
    left, look = MARGIN + NAMES + STRIP + 2 * GAP, VERDICTS[one.verdict]
    sheet.mark(left + 0.08, top + 0.08, one.verdict)
    sheet.write(left + 0.22, top, one.verdict, size=PLAIN, weight="bold", color=look.colour)
    sheet.write(left, top + leading(PLAIN), "\n".join(wrapped(came_to(one), VALUES, SMALL, lines=3)))


def _strip(axes: Axes, one: TargetResult, together: TargetResult) -> None:
    """The scale of one target: its good side shaded, the threshold, the interval, and the mark of the verdict."""
    first, last = _scale(one, together)
    limit, look = one.threshold, VERDICTS[one.verdict]
    axes.set(xlim=(first, last), ylim=(-1, 1))
    for name in ("left", "bottom"):
        axes.spines[name].set_visible(False)
    axes.set_facecolor(BAD)
    good = (limit, last) if one.side == "at_least" else (first, limit)
    axes.axvspan(*good, color=GOOD, linewidth=0)
    axes.plot([limit, limit], [-1, 1.25], color=INK, linewidth=1.8, clip_on=False, zorder=4)
    wanted = f"{'at least' if one.side == 'at_least' else 'at most'} {_number(one, limit)}"
    half = text_width(wanted, SMALL) / 2 / STRIP * (last - first)
    middle = min(max(limit, first + half), last - half)
    axes.text(middle, 1.4, wanted, ha="center", va="bottom", fontsize=SMALL, color=INK)
    axes.set_yticks([])
    axes.set_xticks([first, last], [_number(one, first), _number(one, last)])
    axes.tick_params(axis="x", length=0, pad=2)
    # The end labels stay within the strip, so that they meet nothing beside it.
    left, right = axes.get_xticklabels()
    left.set_horizontalalignment("left")
    right.set_horizontalalignment("right")
    if math.isnan(one.value):
        return
    axes.plot([together.low, min(together.high, last)], [0, 0], color=look.colour, linewidth=1, zorder=5)
    axes.plot([one.low, min(one.high, last)], [0, 0], color=look.colour, linewidth=3.6, zorder=5)
    if one.high > last:
        axes.plot([last], [0], marker=">", markersize=6, color=look.colour, clip_on=False, zorder=5)
    mark(axes, min(one.value, last), 0, one.verdict)


def _number(one: TargetResult, value: float) -> str:
    return words.span(value) if one.unit == "min" and value else "0" if one.unit == "min" else share_text(value)


def _scale(one: TargetResult, together: TargetResult) -> tuple[float, float]:
    """What a strip shows: a mean from 0; shares from 0 % to 100 %, or a part of that where all lies close together."""
    numbers = [one.threshold, one.low, one.high, together.low, together.high]
    if not math.isnan(one.value):
        numbers.append(one.value)
    low, high = min(numbers), max(number for number in numbers if math.isfinite(number))
    if one.unit == "min":
        return 0.0, float(next((time for time in _TIMES if time >= 1.15 * high), 1.15 * high))
    step = next((step for step in _STEPS if step >= (high - low) / 3), 0.0)
    if not step:
        return 0.0, 1.0
    return max(math.floor(low / step - 0.5) * step, 0.0), min(math.ceil(high / step + 0.5) * step, 1.0)


def _key(sheet: Sheet, top: float) -> None:
    line: dict[str, Any] = {"color": GREY, "solid_capstyle": "butt"}
    handles = [
        Patch(color=GOOD, label="good side"),
        Line2D([], [], color=INK, linewidth=1.8, label="threshold"),
        Line2D([], [], linewidth=3.6, label="interval", **line),
        Line2D([], [], linewidth=1, label="intervals that hold for all at once (of the title)", **line),
    ]
    key(sheet, handles, top)


def _all_at_once(sheet: Sheet, held: list[tuple[str, HeldShare]], top: float) -> None:
    """The share of runs, months, weeks and days in which every target held."""
    sheet.write(MARGIN, top, "Share of periods in which every target held", size=PLAIN, weight="bold")
    top += leading(PLAIN) + 0.05
    axes = sheet.axes(MARGIN + NAMES + GAP, top, STRIP, PERIOD * len(held))
    axes.set(xlim=(0, 1), ylim=(len(held), 0))
    axes.set_xticks([0, 0.5, 1], ["0 %", "50 %", "100 %"])
    axes.set_yticks([])
    axes.grid(axis="x")
    for row, (unit, one) in enumerate(held):
        share, middle = one.share, row + 0.5
        axes.plot([share.low, share.high], [middle, middle], color=GREY, linewidth=2.4)
        axes.plot([share.value], [middle], marker="o", markersize=5.5, color=INK, clip_on=False)
        counted = f"{words.count(one.n_judged)} {words.PERIODS[unit] if one.n_judged != 1 else unit}"
        at = top + row * PERIOD + 0.04
        sheet.write(MARGIN + NAMES, at, counted, ha="right", color=GREY)
        sheet.write(MARGIN + NAMES + STRIP + 2 * GAP, at, with_interval(share.value, share.low, share.high))


# Scenarios side by side


LABELS: Final = 1.75
ASIDE: Final = 0.25
BETWEEN: Final = 0.6
PANEL: Final = (WIDTH - 2 * MARGIN - LABELS - ASIDE - BETWEEN) / 2
LINE: Final = 0.21
HEAD: Final = 0.24
FOOT: Final = 0.34
"""Inches: the column of names, from it to the panels, between these, a panel; a scenario, what stands above and below
those of a target."""


def comparison(found: SideBySide) -> Figure:
    """A block for every target: on the left what it came to, on the right the difference from the base."""
    rows = len(found.contenders)
    block = HEAD + rows * LINE + FOOT
    n = found.replications
    note = (
        f"{so_many(n, 'replication')} of {length(found.base.scenario.run.length)} each, on the same tips. "
        f"Differences from {found.base.label}, whose {percent(found.confidence)} intervals hold all at once; "
        "grey ones may be noise."
    )
    with styled():
        sheet = Sheet(compare_words.finding(found), note, len(found.targets) * block + KEY)
        for number, name in enumerate(found.targets):
            _block(sheet, found, name, number * block)
        _compared_key(sheet, found, len(found.targets) * block)
    return sheet.figure


def _block(sheet: Sheet, found: SideBySide, name: str, top: float) -> None:
    rows, results = len(found.contenders), [one.results.get(name) for one in found.contenders]
    first = next(one for one in results if one is not None)
    sheet.name(top, name, LABELS)
    sheet.write(MARGIN + LABELS + ASIDE, top + 0.02, first.asked, color=GREY)
    for row, one in enumerate(found.contenders):
        text = shortened(one.label, LABELS - 0.1, SMALL)
        sheet.write(MARGIN + 0.1, top + HEAD + row * LINE + (LINE - leading(SMALL)) / 2, text)
    left = sheet.axes(MARGIN + LABELS + ASIDE, top + HEAD, PANEL, rows * LINE)
    right = sheet.axes(MARGIN + LABELS + ASIDE + PANEL + BETWEEN, top + HEAD, PANEL, rows * LINE)
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


def _compared_key(sheet: Sheet, found: SideBySide, top: float) -> None:
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
