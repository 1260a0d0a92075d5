"""The roster as a grid: for every pool and interval of the week the people on duty, and those needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from sim.dynamics.clock import HOUR
from sim.plots.style import (
    DARK_BLUE,
    FAINT,
    GREY,
    INK,
    KEY,
    MARGIN,
    PLAIN,
    SMALL,
    VERMILION,
    WIDTH,
    Sheet,
    key,
    leading,
    shortened,
    styled,
    text_width,
    week_axis,
)
from sim.studies.result import Result
from sim.tables.by_time import intervals
from sim.text import words
from sim.text.words import about, interval_words, some

LEFT: Final = 0.82
ROW: Final = 0.21
SHORT: Final = 0.12
SPACE: Final = 0.02
GAP: Final = 0.06
SHADES: Final = LinearSegmentedColormap.from_list("people", ["#ffffff", "#d6e6f2", "#8fbbdc", "#3f83b8", DARK_BLUE])
"""One hue from white to dark, so that a grey print is read the same way."""
DARK: Final = 0.55
"""From this part of the most on, numbers are white."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PoolRoster:
    """One pool by interval of the week, (n_intervals,) each; NaN for intervals that never came."""

    name: str
    people: Floats
    needed: Floats
    hours: float
    """Of an interval."""

    @property
    def most(self) -> float:
        """The darkest shade."""
        return max(float(np.nanmax(np.append(self.people, self.needed))), 1.0)

    @property
    def short(self) -> NDArray[np.bool_]:
        """Where more are needed than there are."""
        return np.asarray(np.nan_to_num(self.needed) > np.nan_to_num(self.people) + 1e-9)

    @property
    def hours_short(self) -> float:
        """A week."""
        return self.hours * int(np.count_nonzero(self.short))


def rosters(result: Result) -> list[PoolRoster]:
    """The roster of every pool, its centres together."""
    sample = result.done.sample
    rows = list(intervals(sample))
    return [
        PoolRoster(
            name,
            np.array([row.pools[name].people for row in rows]),
            np.array([row.pools[name].needed for row in rows]),
            sample.frame.interval / HOUR,
        )
        for name in sample.frame.scenario.pools
    ]


def roster(result: Result) -> Figure:
    """Three rows of cells for every pool: on duty, needed, and where there are too few."""
    pools = rosters(result)
    every = interval_words(result.done.sample.frame.interval)
    centres = len(result.done.scenario.centres)
    together = f", the {centres} centres together" if centres > 1 else ""
    grid = 2 * (ROW + SPACE) + SHORT
    height = leading(PLAIN) + GAP + grid + 0.14
    with styled():
        note = (
            f"People by {every} of the week{together}; needed is the work that comes in it, rounded up: with "
            f"no more, tips wait long. {about(result)}"
        )
        sheet = Sheet(_title(pools), note, height * len(pools) + 0.22 + KEY)
        for k, pool in enumerate(pools):
            _draw(sheet, pool, k * height, named=k == len(pools) - 1)
        _key(sheet, pools, height * len(pools) + 0.22)
    return sheet.figure


def _title(pools: list[PoolRoster]) -> str:
    few = [pool for pool in pools if pool.hours_short]
    if not few:
        return "Every pool has at all times the people whom its work would keep busy"
    if len(few) == 1:
        hours = f"{few[0].hours_short:.4g} h a week"
        return f"{words.short(few[0].name)} has fewer people than its work would keep busy {hours}"
    return f"{some([pool.name for pool in few], most=2)} have at times fewer people than their work would keep busy"


def _draw(sheet: Sheet, pool: PoolRoster, top: float, *, named: bool) -> None:
    width = WIDTH - LEFT - MARGIN
    beside = sheet.name(top, pool.name, width / 2)
    sheet.write(beside, top + 0.015, shortened(_told(pool), WIDTH - MARGIN - beside, SMALL), color=GREY)
    top += leading(PLAIN) + GAP
    edges = pool.hours * np.arange(len(pool.people) + 1)
    # One pair of axes for all rows, in inches downwards: axes are what takes time.
    below = (0.0, ROW + SPACE, 2 * (ROW + SPACE))
    axes = sheet.axes(LEFT, top, width, below[2] + SHORT)
    for people, at in zip((pool.people, pool.needed), below, strict=False):
        axes.add_patch(
            Rectangle((0, at), edges[-1], ROW, facecolor="white", edgecolor=FAINT, hatch="/////", linewidth=0)
        )
        cells = np.ma.masked_invalid(people)[None]
        axes.pcolormesh(edges, [at, at + ROW], cells, cmap=SHADES, vmin=0, vmax=pool.most)
        _numbers(axes, people, pool, at + ROW / 2, width)
    least, most = below[2], below[2] + SHORT
    steps, short = np.repeat(edges, 2)[1:-1], np.repeat(pool.short, 2)
    axes.fill_between(steps, least, most, where=short, color=VERMILION, linewidth=0)
    for at, height in zip(below, (ROW, ROW, SHORT), strict=True):
        axes.add_patch(
            Rectangle((0, at), edges[-1], height, facecolor="none", edgecolor=FAINT, linewidth=0.6, clip_on=False)
        )
    week_axis(axes, named=named)
    axes.set_ylim(most, 0)
    axes.set_yticks([ROW / 2, below[1] + ROW / 2, (least + most) / 2], ["on duty", "needed", "too few"])
    axes.tick_params(axis="y", length=0)
    axes.spines[:].set_visible(False)


def _numbers(axes: Axes, people: Floats, pool: PoolRoster, middle: float, width: float) -> None:
    """The number in the middle of every stretch of cells alike in which it has room."""
    inch = width / (pool.hours * len(people))
    ends = np.append(np.flatnonzero(np.diff(people) != 0) + 1, len(people))
    begin = 0
    for end in ends.tolist():
        value = float(people[begin])
        name = "" if np.isnan(value) else f"{value:.0f}" if value == round(value) else f"{value:.1f}"
        if name and text_width(name, SMALL) + 0.06 < inch * pool.hours * (end - begin):
            colour = "white" if value > DARK * pool.most else INK
            axes.text(
                pool.hours * (begin + end) / 2, middle + 0.008, name, size=SMALL, color=colour, ha="center", va="center"
            )
        begin = end


def _told(pool: PoolRoster) -> str:
    if np.isnan(pool.people).all():
        return "no interval of the week came"
    on_duty, needed = (_range(numbers) for numbers in (pool.people, pool.needed))
    few = f"; too few {pool.hours_short:.4g} h a week" if pool.hours_short else ""
    return f"{on_duty} on duty, {needed} needed{few}"


def _range(numbers: Floats) -> str:
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"


def _key(sheet: Sheet, pools: list[PoolRoster], top: float) -> None:
    handles: list[Artist] = [
        Patch(facecolor=SHADES(0.0), edgecolor=FAINT, linewidth=0.6, label="nobody"),
        Patch(facecolor=SHADES(0.5), edgecolor=FAINT, linewidth=0.6, label="half the pool's most"),
        Patch(facecolor=SHADES(1.0), edgecolor=FAINT, linewidth=0.6, label="the pool's most"),
    ]
    if any(pool.hours_short for pool in pools):
        handles.append(Patch(color=VERMILION, label="fewer than needed"))
    if any(np.isnan(pool.people).any() for pool in pools):
        handles.append(Patch(facecolor="none", edgecolor=GREY, hatch="/////", linewidth=0, label="not in the run"))
    key(sheet, handles, top)
