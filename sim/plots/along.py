"""What every target comes to along the one plausible range of a scenario, and where the verdict turns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.plots.style import (
    FAINT,
    GREY,
    INK,
    MARGIN,
    SMALL,
    STROKES,
    WIDTH,
    Sheet,
    leading,
    shortened,
    styled,
)
from sim.studies.sensitivity import PointOutcome, SensitivityFound
from sim.text.paths import number_text
from sim.text.sensitivity import finding, said
from sim.text.words import count, length

HEIGHT: Final = 3.6
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
    runs = (
        f"{count(len(outcomes))} points, {found.now.replications} replications of {length(found.scenario.length)} each"
    )
    variant = f", variant {found.scenario.variant}" if found.scenario.variant else ""
    note = (
        "How much of what each target allows is used up: late or lost tips, the mean time, the time busy. Above the "
        f"thick line a target fails; where the field is pale, all hold. {found.scenario.scenario}{variant}: {runs}."
    )
    with styled():
        sheet = Sheet(finding(found), note, HEIGHT + 0.45)
        axes = sheet.axes(MARGIN + 0.75, 0, WIDTH - MARGIN - 0.75 - RIGHT, HEIGHT)
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
            axes.axvspan(left, right, color="#d7e6ef", linewidth=0, zorder=0)


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
    places = [(HEIGHT * (1 - part), k) for k, part in enumerate(parts)]
    step = leading(SMALL)
    taken: list[float] = []
    for top, _ in sorted(places):
        taken.append(max(top - step / 2, taken[-1] + step if taken else 0))
    over = max(0.0, taken[-1] + step - HEIGHT - 0.1) if taken else 0.0
    left = WIDTH - RIGHT
    axes = sheet.axes(left, 0, 0.2, HEIGHT)
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(HEIGHT, 0))
    for (end, k), top in zip(sorted(places), taken, strict=True):
        colour = STROKES[k % len(STROKES)][0] if k < len(STROKES) else GREY
        axes.plot([0.05, 1], [end, top - over + step / 2], color=FAINT, linewidth=0.8, clip_on=False)
        sheet.write(left + 0.23, top - over, shortened(names[k], RIGHT - 0.3), color=colour)
