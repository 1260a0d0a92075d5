"""What decides the verdict over the plausible ranges: of several their effects, ranked, and the points that hold and
fail; of one what every target comes to along it, and where the verdict turns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.path import Path as MarkerPath
from matplotlib.textpath import TextPath

from sim.measures.estimates import Estimate
from sim.plots.style import (
    BLUE,
    FAINT,
    GREY,
    INK,
    KEY,
    MARGIN,
    PALE,
    SHARES,
    SMALL,
    STROKES,
    VERDICTS,
    WIDTH,
    Letter,
    Sheet,
    key,
    leading,
    lettered,
    shortened,
    styled,
    wrapped,
)
from sim.studies.sensitivity import PointOutcome, SensitivityFound
from sim.text.ranges import deciding_on, said, sensitivity_finding
from sim.text.words import count, length, named, number_text, percent, so_many

NAMES: Final = 2.6
"""Inches of the column of the ranges' names."""
ROW: Final = 0.42
HEAD: Final = 0.3
SIDE: Final = 4.6
"""Inches of each side of the scatter."""
MOST_COLUMNS: Final = 8


def deciding(found: SensitivityFound) -> Figure:
    """What decides the verdict: of one range what every target comes to along it, of several their effects."""
    return along_one(found) if len(found.unknowns) == 1 else ranked(found)


def about(found: SensitivityFound) -> str:
    """Which runs a figure shows."""
    scenario = found.scenario
    runs = f"{so_many(found.replications, 'replication')} of {length(scenario.run.length)} each"
    return f"{named(scenario)}: {count(len(found.every))} points, {runs}."


def ranked(found: SensitivityFound) -> Figure:
    """The ranges by their total effect, with intervals; below, the effects on the margin of every target."""
    order, effects = found.ranked, found.deciding
    told = [name for name, one in found.each.items() if one.known][:MOST_COLUMNS]
    title = sensitivity_finding(found)
    if effects.known:
        most = said(found, found.unknowns[order[0]]).label
        title = f"{title}; what matters most: {most}"
    note = (
        f"Share of the variance of {deciding_on(found)} that each range accounts for, with "
        f"{percent(_confidence(found))} intervals. {about(found)}"
    )
    with styled():
        above, below = ROW * len(order), 0.3 * len(order)
        sheet = Sheet(title, note, above + 0.5 + KEY + (HEAD + 0.3 + below if told else 0))
        left, width = MARGIN + NAMES, WIDTH - NAMES - 2 * MARGIN - 0.15
        axes = sheet.axes(left, 0, width, above)
        for place, i in enumerate(order):
            _name(sheet, found, i, ROW * place, ROW)
            _bar(axes, place - 0.13, effects.total[i], hollow=False)
            _bar(axes, place + 0.17, effects.first[i], hollow=True)
        axes.set(xlim=(0, 1), ylim=(len(order) - 0.5, -0.5))
        axes.set_xticks(*SHARES)
        axes.set_yticks([])
        axes.grid(axis="x")
        axes.set_xlabel(f"share of the variance of {deciding_on(found)}")
        key(sheet, _effect_key(), above + 0.5, left)
        if told:
            _matrix(sheet, found, told, above + 0.5 + KEY + 0.25)
    return sheet.figure


def scatter(found: SensitivityFound) -> Figure:
    """The points of the samples over the two ranges that matter most: discs hold, a letter says what fails first."""
    x, y = found.ranked[:2]
    x_words, y_words = (said(found, found.unknowns[i]) for i in (x, y))
    failing = [one.first for one in found.sampled if not one.holds and one.first is not None]
    names = sorted(set(failing), key=lambda name: (-failing.count(name), name))
    letters = lettered(names)
    rows = -(-len(names) // 2)
    note = (
        "Points over the two ranges that matter most, the others anywhere in theirs. A disc: all targets hold; a "
        f"letter: the target that fails first. {about(found)}"
    )
    with styled():
        sheet = Sheet(sensitivity_finding(found), note, SIDE * 0.8 + 0.55 + 0.2 * rows + KEY + 0.1)
        axes = sheet.axes(MARGIN + 0.75, 0, WIDTH - 2 * MARGIN - 0.85, SIDE * 0.8)
        for one in found.sampled:
            at = [_shown(found, i, one.numbers[i]) for i in (x, y)]
            _point(axes, at[0], at[1], None if one.holds else letters.get(one.first or ""))
        now = [found.present[i] for i in (x, y)]
        if None not in now:
            at = [_shown(found, i, number or 0.0) for i, number in zip((x, y), now, strict=True)]
            ring = {"markersize": 15, "markerfacecolor": "none", "markeredgecolor": INK, "markeredgewidth": 1.8}
            axes.plot(at[0], at[1], "o", zorder=7, clip_on=False, **ring)  # type: ignore[arg-type]
        for i, set_limits in ((x, axes.set_xlim), (y, axes.set_ylim)):
            low, high = (_shown(found, i, number) for number in _ends(found, i))
            room = 0.03 * (high - low) or 0.5
            set_limits(low - room, high + room)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: number_text(value))
        axes.set_xlabel(x_words.label, color=INK)
        axes.set_ylabel(y_words.label, color=INK)
        axes.grid()
        top = SIDE * 0.8 + 0.55
        results = {one.name: one for one in found.every[0].targets}
        half = (WIDTH - 2 * MARGIN) / 2
        for place, (name, letter) in enumerate(letters.items()):
            words = f"{letter.letter}   {name} fails first ({results[name].asked})"
            colour = _darker(letter.colour)
            at_left, at_top = MARGIN + half * (place % 2), top + 0.2 * (place // 2)
            sheet.write(at_left, at_top, shortened(words, half - 0.1), color=colour)
        key(sheet, _point_key(found, ring_shown=None not in now), top + 0.2 * rows + 0.05)
    return sheet.figure


def _confidence(found: SensitivityFound) -> float:
    return found.scenario.run.confidence


def _name(sheet: Sheet, found: SensitivityFound, i: int, top: float, height: float) -> None:
    lines = wrapped(said(found, found.unknowns[i]).label, NAMES - 0.2, SMALL, lines=2 if height > 0.35 else 1)
    middle = top + (height - len(lines) * leading(SMALL)) / 2
    sheet.write(MARGIN, middle, "\n".join(lines))


def _bar(axes: Axes, row: float, effect: Estimate, *, hollow: bool) -> None:
    if math.isnan(effect.value):
        return
    colour = GREY if hollow else INK
    axes.plot([effect.low, effect.high], [row, row], color=colour, linewidth=1.1 if hollow else 2.2, clip_on=False)
    axes.plot([effect.value], [row], clip_on=False, zorder=5, **_dot(hollow=hollow))


def _dot(*, hollow: bool) -> dict[str, Any]:
    colour = GREY if hollow else INK
    return {
        "marker": "s" if hollow else "o",
        "markersize": 5 if hollow else 7,
        "markerfacecolor": "white" if hollow else colour,
        "markeredgecolor": colour,
        "linestyle": "none",
    }


def _effect_key() -> list[Artist]:
    told = ("total: with all that it does together with others", "first-order: by itself")
    return [Line2D([], [], label=label, **_dot(hollow=bool(n))) for n, label in enumerate(told)]


def _matrix(sheet: Sheet, found: SensitivityFound, names: list[str], top: float) -> None:
    """The total effect of every range on the margin of every target, darker the larger."""
    left, width = MARGIN + NAMES, (WIDTH - NAMES - 2 * MARGIN) / len(names)
    sheet.write(MARGIN, top, "Total effect on the margin")
    sheet.write(MARGIN, top + leading(SMALL), "of each target, in percent")
    for column, name in enumerate(names):
        shown = shortened(name, width - 0.06)
        sheet.write(left + (column + 0.5) * width, top + leading(SMALL), shown, ha="center", color=GREY)
    axes = sheet.axes(left, top + HEAD + 0.08, width * len(names), 0.3 * len(found.ranked))
    axes.set_axis_off()
    table = np.array([[found.each[name].total[i].value for name in names] for i in found.ranked])
    axes.set(xlim=(0, len(names)), ylim=(len(table), 0))
    for (row, column), value in np.ndenumerate(table):
        part, told = (0.0, "") if math.isnan(value) else (0.65 * value, f"{100 * value:.0f}")
        shade = [1 - part * (1 - channel) for channel in to_rgb(BLUE)]
        axes.fill([column, column + 1, column + 1, column], [row, row, row + 1, row + 1], color=shade, linewidth=0)
        axes.text(column + 0.5, row + 0.5, told, ha="center", va="center_baseline", fontsize=SMALL, color=INK)
    for place, i in enumerate(found.ranked):
        _name(sheet, found, i, top + HEAD + 0.08 + 0.3 * place, 0.3)


def _point(axes: Axes, x: float, y: float, letter: Letter | None) -> None:
    if letter is None:
        look = VERDICTS["met"]
        options = {"marker": "o", "markersize": 5.5, "color": look.colour, "markeredgecolor": "white", "zorder": 4}
    else:
        options = {
            "marker": _glyph(letter.letter),
            "markersize": 7,
            "color": _darker(letter.colour),
            "markeredgewidth": 0,
            "zorder": 5,
        }
    axes.plot([x], [y], linestyle="none", clip_on=False, **options)  # type: ignore[arg-type]


def _glyph(letter: str) -> MarkerPath:
    """A letter as a mark, its middle at the point."""
    path = TextPath((0, 0), letter, size=1, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    box = path.get_extents()
    return MarkerPath(np.asarray(path.vertices) - [(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2], path.codes)


def _darker(colour: str) -> tuple[float, float, float]:
    red, green, blue = (0.75 * channel for channel in to_rgb(colour))
    return red, green, blue


def _point_key(found: SensitivityFound, *, ring_shown: bool) -> list[Artist]:
    handles: list[Artist] = []
    if any(one.holds for one in found.sampled):
        colour = VERDICTS["met"].colour
        handles.append(Line2D([], [], marker="o", markersize=5.5, color=colour, linestyle="none", label="all hold"))
    if ring_shown:
        ring = Line2D([], [], marker="o", markersize=9, markerfacecolor="none", linestyle="none", color=INK)
        ring.set(markeredgewidth=1.8, label="the scenario as it is")
        handles.append(ring)
    return handles


def _shown(found: SensitivityFound, i: int, number: float) -> float:
    """A number as its axis shows it: a share in percent."""
    return 100 * number if found.unknowns[i].unit == "%" else number


def _ends(found: SensitivityFound, i: int) -> tuple[float, float]:
    """The ends of a range, as far out as the present value where that lies outside."""
    range_, now = found.unknowns[i].range, found.present[i]
    numbers = [range_.from_, range_.to, *([] if now is None else [now])]
    return min(numbers), max(numbers)


# Along one range


TALL: Final = 3.6
RIGHT: Final = 1.5
"""Inches of the axes, and of the names at the ends of their lines."""
LEAST: Final = 0.02
MOST: Final = 50.0
"""How much of what is allowed the picture tells apart; what is beyond lies on its edge."""
TICKS: Final = {
    0.02: "2 %",
    0.05: "5 %",
    0.1: "10 %",
    0.2: "20 %",
    0.5: "50 %",
    1: "100 %",
    2: "200 %",
    5: "×5",
    10: "×10",
    20: "×20",
    50: "×50",
}


def along_one(found: SensitivityFound) -> Figure:
    """A line for each target: how much of what it allows is used up, 1 at its threshold."""
    [unknown] = found.unknowns
    outcomes = sorted(found.every, key=lambda one: one.numbers[0])
    scale = 100 if unknown.unit == "%" else 1
    lasting = length(found.scenario.run.length)
    runs = f"{count(len(outcomes))} points, {so_many(found.now.replications, 'replication')} of {lasting} each"
    note = (
        "How much of what each target allows is used up: late or lost tips, the mean time, the time busy. Above the "
        f"thick line a target fails; where the field is pale, all hold. {named(found.scenario)}: {runs}."
    )
    with styled():
        sheet = Sheet(sensitivity_finding(found), note, TALL + 0.45)
        axes = sheet.axes(MARGIN + 0.75, 0, WIDTH - MARGIN - 0.75 - RIGHT, TALL)
        x = [scale * one.numbers[0] for one in outcomes]
        low, high = scale * unknown.range.from_, scale * unknown.range.to
        names = list(found.scenario.targets)
        lines = [(k, [_used(one, k) for one in outcomes]) for k in range(len(names))]
        least, most = _extent([used for _, line in lines for used in line])
        axes.set(xlim=(low, high), ylim=(least, most), yscale="log")
        for k, used in lines:
            colour, dashes, _ = STROKES[k % len(STROKES)]
            axes.plot(x, used, color=colour if k < len(STROKES) else GREY, linestyle=dashes, zorder=4)
        axes.axhline(1, color=INK, linewidth=2.4, zorder=3)
        _hold(axes, x, outcomes)
        _turns(axes, found, scale)
        ticks = {at: text for at, text in TICKS.items() if least <= at <= most}
        axes.set_yticks(list(ticks), list(ticks.values()))
        axes.minorticks_off()
        axes.set_ylabel("used up of what is allowed")
        axes.xaxis.set_major_formatter(lambda value, _: number_text(value))
        axes.set_xlabel(said(found, unknown).label, color=INK)
        _write_names(sheet, names, [_part(used[-1], least, most) for _, used in lines])
    return sheet.figure


def _used(outcome: PointOutcome, k: int) -> float:
    used = outcome.targets[k].used
    return math.nan if math.isnan(used) else min(max(used, LEAST), MOST)


def _extent(used: Sequence[float]) -> tuple[float, float]:
    """From what to what the picture goes: the thresholds are always on it."""
    told = [one for one in used if not math.isnan(one)] or [1.0]
    return max(LEAST, min(0.5, *told) / 1.4), min(MOST, max(2.0, *told) * 1.4)


def _part(used: float, least: float, most: float) -> float:
    """How far up the picture a number lies, from 0 to 1."""
    return 0.0 if math.isnan(used) else math.log(min(max(used, least), most) / least) / math.log(most / least)


def _hold(axes: Axes, x: Sequence[float], outcomes: Sequence[PointOutcome]) -> None:
    """Pale fields where all targets hold."""
    for (left, one), (right, other) in zip(
        zip(x, outcomes, strict=True), list(zip(x, outcomes, strict=True))[1:], strict=False
    ):
        if one.holds and other.holds:
            axes.axvspan(left, right, color=PALE, linewidth=0, zorder=0)


def _turns(axes: Axes, found: SensitivityFound, scale: float) -> None:
    [along] = found.along
    told = [(scale * turn.value, "the verdict turns here") for turn in along.turns]
    now, [unknown] = found.present[0], found.unknowns
    if now is not None and unknown.range.from_ <= now <= unknown.range.to:
        told.append((scale * now, "as it is"))
    for height, (at, words) in enumerate(told):
        axes.axvline(at, color=GREY, linewidth=1, linestyle=(0, (2, 2)), zorder=2)
        low, high = axes.get_xlim()
        right = at > (low + high) / 2
        least, most = axes.get_ylim()
        y = least * (most / least) ** (0.03 + 0.055 * height)
        axes.text(
            at,
            y,
            f"{words} " if right else f" {words}",
            ha="right" if right else "left",
            va="bottom",
            fontsize=SMALL,
            color=GREY,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
            zorder=6,
        )


def _write_names(sheet: Sheet, names: Sequence[str], parts: Sequence[float]) -> None:
    """The names beside the ends of their lines, moved apart where these are close, each joined to its line."""
    places = [(TALL * (1 - part), k) for k, part in enumerate(parts)]
    step = leading(SMALL)
    taken: list[float] = []
    for top, _ in sorted(places):
        taken.append(max(top - step / 2, taken[-1] + step if taken else 0))
    over = max(0.0, taken[-1] + step - TALL - 0.1) if taken else 0.0
    left = WIDTH - RIGHT
    axes = sheet.axes(left, 0, 0.2, TALL)
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(TALL, 0))
    for (end, k), top in zip(sorted(places), taken, strict=True):
        colour = STROKES[k % len(STROKES)][0] if k < len(STROKES) else GREY
        axes.plot([0.05, 1], [end, top - over + step / 2], color=FAINT, linewidth=0.8, clip_on=False)
        sheet.write(left + 0.23, top - over, shortened(names[k], RIGHT - 0.3), color=colour)
