"""When targets fail: the share of failing tips by weekday and interval of arrival, for targets that fail at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from sim.dynamics.clock import DAY
from sim.measures.targets import TargetResult
from sim.plots.style import (
    DARK_BROWN,
    FAINT,
    GREY,
    INK,
    KEY,
    MARGIN,
    SMALL,
    VERDICTS,
    Sheet,
    key,
    leading,
    shortened,
    styled,
    wrapped,
)
from sim.scenario.targets import OfTips
from sim.scenario.units import SHORT_WEEKDAYS
from sim.studies.binding import beyond_chance
from sim.studies.result import Result
from sim.text.words import NO_TIME, about, interval_words, share_text, short, times_text

LEFT: Final = 0.52
GRID: Final = 2.42
SCALE: Final = 0.09
STEP: Final = 3.55
"""Inches: left of the first grid, width of a grid, of its scale, and from one grid to the next."""
CELL: Final = 0.17

ENOUGH: Final = 20
"""Tips of an interval of the week that are enough to call the target failing there."""

MOST_OUTLINED: Final = 48
"""Intervals of a day; around finer ones lines would cover the shades."""

SHADES: Final = LinearSegmentedColormap.from_list(
    "failing", ["#fdf5ef", "#f6cba9", "#e9985a", "#c96418", DARK_BROWN, "#451a00"]
)
"""One hue from light to dark, so that a grey print is read the same way."""


@dataclass(frozen=True, slots=True)
class Failing:
    """One target by interval of the week."""

    result: TargetResult
    judged: NDArray[np.int64]
    failed: NDArray[np.int64]
    """(7, intervals a day) tips, Monday first."""
    allowed: float | None
    """The share of tips that may fail; None where none fails by itself."""
    most: int | None = None
    """The interval of the day at which it fails most, all weekdays together, where that is beyond chance."""
    least: int | None = None
    """Likewise the interval at which it fails least."""

    @property
    def length(self) -> int:
        """Ticks of an interval."""
        return DAY // int(self.judged.shape[1])

    @property
    def share(self) -> NDArray[np.float64]:
        """(7, intervals a day), NaN where no tips were judged."""
        return _share(self.failed, self.judged)

    @property
    def noticeable(self) -> bool:
        """Whether the target fails, or would in some interval of the week by itself."""
        if not self.failed.any():
            return False
        if self.result.verdict != "met":
            return True
        return self.allowed is not None and bool(np.any((self.judged >= ENOUGH) & (self.share > self.allowed)))

    @property
    def outlined(self) -> bool:
        """Whether an interval can have more failing tips than may: where less than one may, each failing one has."""
        enough = self.judged.shape[1] <= MOST_OUTLINED
        return enough and self.allowed is not None and self.allowed * float(np.median(self.judged)) >= 1


def failings(result: Result) -> list[Failing]:
    """The targets about tips, by interval of the week."""
    names = list(result.done.scenario.targets)
    found = []
    for one in result.targets:
        if not one.about_tips:
            continue
        units = result.done.sample.failing[:, names.index(one.name)]
        judged, failed = units.sum(axis=0).T.reshape(2, 7, -1)
        by_time, whole = units.reshape(len(units), 7, -1, 2).sum(axis=1), units.sum(axis=1)
        most, least = beyond_chance(by_time, whole), beyond_chance(by_time, whole, least=True)
        found.append(Failing(one, judged, failed, one.target.allowed, most, least))
    return found


def failing(result: Result) -> Figure:
    """A map of the week for every target that fails noticeably, each with its own scale."""
    every = failings(result)
    panels = [one for one in every if one.noticeable]
    interval = interval_words(result.done.sample.frame.interval)
    note = f"Share of the tips that fail, by weekday and {interval} in which they arrive. {about(result)}"
    with styled():
        heads = [_head(panel) for panel in panels]
        rows = [range(i, min(i + 2, len(panels))) for i in range(0, len(panels), 2)]
        heights = [max(len(heads[i]) for i in row) * leading(SMALL) + 0.08 + 7 * CELL + 0.48 for row in rows]
        sheet = Sheet(_title(every, panels), note, sum(heights) + (KEY if panels else 0))
        top = 0.0
        for row, height in zip(rows, heights, strict=True):
            for column, i in enumerate(row):
                left = LEFT + column * STEP
                for line, (text, colour, weight) in enumerate(heads[i]):
                    sheet.write(left - LEFT + MARGIN, top + line * leading(SMALL), text, color=colour, weight=weight)
                at = top + height - 7 * CELL - 0.48
                axes = sheet.axes(left, at, GRID, 7 * CELL)
                _draw(axes, sheet.axes(left + GRID + 0.1, at, SCALE, 7 * CELL), panels[i])
                axes.set_xlabel("hour of the day" if i >= len(panels) - 2 else "", labelpad=1)
            top += height
        if panels:
            _key(sheet, panels, top)
    return sheet.figure


def _title(every: Sequence[Failing], panels: Sequence[Failing]) -> str:
    if not every:
        return "No target is about tips, so none can fail by the hour"
    if not any(one.judged.any() for one in every):
        return "No tip was judged at any hour of the week"
    if not panels:
        return "No target fails noticeably at any hour of the week"
    worst = max(panels, key=lambda panel: panel.result.used)
    return f"{short(worst.result.name)} fails {_when(worst)}"


def _when(panel: Failing) -> str:
    """At which times of the day a target fails most and least, all weekdays together, as far as that is no chance."""
    by_time = _share(panel.failed.sum(axis=0), panel.judged.sum(axis=0))
    told = [
        f"{word} from {times_text(at * panel.length, (at + 1) * panel.length)} ({_rough(by_time[at])} of its tips)"
        for word, at in (("most", panel.most), ("least", panel.least))
        if at is not None
    ]
    if told:
        return ", ".join(told)
    share = round(panel.failed.sum() / panel.judged.sum(), 3)
    return f"{NO_TIME} ({share_text(share)} of its tips)"


def _rough(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2g} %"


def _head(panel: Failing) -> list[tuple[str, str, str]]:
    one, target = panel.result, panel.result.target
    failed, judged = int(panel.failed.sum()), int(panel.judged.sum())
    share = share_text(failed / judged)
    assert isinstance(target, OfTips)
    told = f"{share} of its tips {target.failing}"
    if panel.allowed is not None:
        told += f"; {share_text(panel.allowed)} may"
    width = STEP - 0.25
    name = shortened(one.name, 0.75 * width, SMALL, bold=True)
    head = (f"{name} {one.verdict}", VERDICTS[one.verdict].colour, "bold")
    return [head, *((line, GREY, "normal") for line in wrapped(told, width, SMALL, lines=2))]


def _draw(axes: Axes, scale: Axes, panel: Failing) -> None:
    share = panel.share
    last, n = _end_of_scale(panel), share.shape[1]
    edges = 24 / n * np.arange(n + 1)
    axes.patch.set(facecolor="white", edgecolor=FAINT, hatch="/////", linewidth=0)
    axes.pcolormesh(
        edges,
        np.arange(8),
        np.ma.masked_invalid(share),
        cmap=SHADES,
        vmin=0,
        vmax=last,
        edgecolor="white" if n <= MOST_OUTLINED else "face",
        linewidth=0.4 if n <= MOST_OUTLINED else 0.1,
    )
    axes.set(xlim=(0, 24), ylim=(7, 0))
    axes.set_xticks(range(0, 25, 6), ["0:00", "6:00", "12:00", "18:00", "24:00"])
    axes.set_yticks(np.arange(7) + 0.5, SHORT_WEEKDAYS)
    axes.tick_params(axis="y", length=0)
    ticks = {0.0: "0 %", last: _rough(last)}
    if panel.allowed is not None:
        if panel.outlined:
            border = _border(np.nan_to_num(share) > panel.allowed)
            lines = [[(24 / n * x, y) for x, y in line] for line in border]
            axes.add_collection(LineCollection(lines, colors=INK, linewidths=1.3, clip_on=False, zorder=4))
        scale.axhline(panel.allowed, color=INK, linewidth=1.3)
        if 0.08 * last < panel.allowed < 0.92 * last:
            ticks[panel.allowed] = _rough(panel.allowed)
    scale.imshow(np.linspace(0, 1, 64)[:, None], cmap=SHADES, origin="lower", extent=(0, 1, 0, last), aspect="auto")
    scale.set_xticks([])
    scale.yaxis.tick_right()
    scale.spines[:].set_visible(True)
    scale.set_yticks(list(ticks), list(ticks.values()))
    scale.tick_params(length=2, pad=2)


def _end_of_scale(panel: Failing) -> float:
    """The darkest shade: the worst interval that has enough tips, and not less than twice what may fail."""
    share = panel.share
    told = share[panel.judged >= min(ENOUGH, panel.judged.max())]
    worst = max(float(told.max()), 2 * (panel.allowed or 0.0))
    steps = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    return next((step for step in steps if step >= worst), 1.0)


def _border(inside: NDArray[np.bool_]) -> list[list[tuple[int, int]]]:
    """The lines around a part of the grid, as (x, y) to (x, y)."""
    padded = np.pad(inside, 1)
    lines = []
    for y, x in zip(*np.nonzero(padded[:, 1:] != padded[:, :-1]), strict=True):
        lines.append([(int(x), int(y) - 1), (int(x), int(y))])
    for y, x in zip(*np.nonzero(padded[1:] != padded[:-1]), strict=True):
        lines.append([(int(x) - 1, int(y)), (int(x), int(y))])
    return lines


def _key(sheet: Sheet, panels: Sequence[Failing], top: float) -> None:
    handles: list[Artist] = []
    if any(panel.outlined for panel in panels):
        handles.append(Line2D([], [], color=INK, linewidth=1.3, label="around the times in which more fail than may"))
    if any((panel.judged == 0).any() for panel in panels):
        handles.append(Patch(facecolor="none", edgecolor=GREY, hatch="/////", linewidth=0, label="no tips"))
    key(sheet, handles, top)


def _share(failed: NDArray[np.int64], judged: NDArray[np.int64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return np.where(judged > 0, failed / judged, np.nan)
