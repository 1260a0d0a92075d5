"""What every target comes to over years of growth, by rate, against its threshold."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sim.dynamics.clock import DAY, HOUR, MINUTE, SECOND
from sim.measures.targets import TargetResult
from sim.plots.style import (
    GREY,
    INK,
    KEY,
    MARGIN,
    SMALL,
    STROKES,
    WIDTH,
    Sheet,
    key,
    key_lines,
    leading,
    shortened,
    styled,
)
from sim.studies.runway import Course, RunwayFound
from sim.text.ranges import runway_finding
from sim.text.words import length, named, percent, so_many

LEFT: Final = 0.62
GAP: Final = 0.72
PANEL: Final = 1.25
"""Inches left of a panel, between two, and its height."""
HEAD: Final = 0.36
FOOT: Final = 0.28
MISSED: Final[dict[str, Any]] = {"marker": "X", "markersize": 8, "markeredgecolor": INK, "markeredgewidth": 0.6}
FAILS: Final = "#f6e3d7"
"""The side of a threshold on which a target fails."""


def runway_years(found: RunwayFound) -> Figure:
    """A panel for every target: its value over the years, a line for each rate, up to the first year that is missed."""
    names = list(found.scenario.targets)
    scenario = found.scenario
    runs = f"{so_many(found.courses[0].years[0].replications, 'replication')} of {length(scenario.run.length)} a year"
    note = (
        "What each target comes to after years of growth with the present staffing; bars are intervals that hold all "
        f"at once. In the shaded field it fails. {named(scenario)}: {runs}."
    )
    with styled():
        rows = -(-len(names) // 2)
        step = HEAD + PANEL + FOOT
        lines = key_lines(_handles(found))
        sheet = Sheet(runway_finding(found), note, rows * step + 0.2 + KEY * len(lines))
        width = (WIDTH - 2 * MARGIN - 2 * LEFT - GAP + 0.55) / 2
        last = max(year.year for course in found.courses for year in course.every)
        for k, name in enumerate(names):
            left = MARGIN + LEFT + (k % 2) * (width + GAP)
            top = (k // 2) * step
            _head(sheet, found, k, name, left - LEFT + 0.1, top, width + LEFT)
            axes = sheet.axes(left, top + HEAD, width, PANEL)
            _panel(axes, found, k)
            axes.set_xlim(-0.04 * last - 0.05, 1.04 * last + 0.05)
            axes.set_xticks(range(0, math.floor(last) + 1, 1 + math.floor(last) // 8))
            if k >= len(names) - 2:
                axes.set_xlabel("years of growth", labelpad=1)
            else:
                axes.set_xticklabels([])
        for i, line in enumerate(lines):
            key(sheet, line, rows * step + 0.2 + KEY * i)
    return sheet.figure


def _head(sheet: Sheet, found: RunwayFound, k: int, name: str, left: float, top: float, width: float) -> None:
    sheet.write(left, top, shortened(name, width, SMALL, bold=True), weight="bold")
    words = found.courses[0].years[0].joint.results[k].asked
    sheet.write(left, top + leading(SMALL), shortened(words, width), color=GREY)


def _panel(axes: Axes, found: RunwayFound, k: int) -> None:
    results = [year.joint.results[k] for course in found.courses for year in course.every]
    unit, scale = _unit(results)
    threshold = results[0].threshold / scale
    shown: list[float] = [threshold]
    n = len(found.courses)
    for place, course in enumerate(found.courses):
        values = _line(axes, course, k, scale, place, n)
        shown += values
    low, high = _extent(shown, at_most=1.0 * (100 if unit == "%" else math.inf))
    fails = (threshold, high) if results[0].side == "at_most" else (low, threshold)
    axes.axhspan(*fails, color=FAILS, linewidth=0, zorder=0)
    axes.axhline(threshold, color=INK, linewidth=1.6, zorder=3)
    axes.set_ylim(low, high)
    axes.locator_params(axis="y", nbins=4)
    axes.set_ylabel(unit, labelpad=2)


def _line(axes: Axes, course: Course, k: int, scale: float, place: int, n: int) -> list[float]:
    """The line of one rate; gives the values that the panel has to show."""
    colour, dashes, marker = STROKES[place % len(STROKES)]
    years = course.every
    aside = 0.025 * (place - (n - 1) / 2)
    x = np.array([year.year + aside for year in years])
    results = [year.joint.results[k] for year in years]
    value, low, high = (np.array([getattr(one, name) / scale for one in results]) for name in ("value", "low", "high"))
    high = np.where(np.isfinite(high), high, value)
    whole = [i for i, year in enumerate(years) if year.year == round(year.year)]
    missed = [i for i, one in enumerate(results) if one.verdict == "missed"]
    axes.plot(x, value, color=colour, linestyle=dashes, zorder=5)
    axes.plot(x[whole], value[whole], color=colour, linestyle="none", marker=marker, markersize=3.5, zorder=5)
    axes.vlines(x[whole], low[whole], high[whole], color=colour, linewidth=0.9, zorder=4)
    if missed:
        axes.plot(x[missed[:1]], value[missed[:1]], color=colour, linestyle="none", zorder=6, **MISSED)
    told = [one for one in (*value, *np.minimum(high, 2 * np.nanmax(value)), *low) if math.isfinite(one)]
    return [float(one) for one in told]


def _unit(results: list[TargetResult]) -> tuple[str, float]:
    """The unit in which the values of a panel read well, and its size."""
    if results[0].unit != "min":
        return "%", 0.01
    largest = max([one.threshold for one in results] + [one.value for one in results if math.isfinite(one.value)])
    for unit, size in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        if largest >= 3 * size:
            return unit, float(size)
    return "s", float(SECOND)


def _extent(shown: list[float], at_most: float) -> tuple[float, float]:
    low, high = min(shown), max(shown)
    room = 0.08 * (high - low) or 0.05 * abs(high) or 1.0
    return max(0.0, low - room), min(high + room, at_most) if high < at_most else high + 0.02 * (high - low)


def _handles(found: RunwayFound) -> list[Artist]:
    handles: list[Artist] = []
    for place, course in enumerate(found.courses):
        colour, dashes, marker = STROKES[place % len(STROKES)]
        label = f"{percent(course.growth)} a year"
        handles.append(Line2D([], [], color=colour, linestyle=dashes, marker=marker, markersize=3.5, label=label))
    handles.append(Line2D([], [], color=INK, linewidth=1.6, label="threshold"))
    if any(one.verdict == "missed" for course in found.courses for year in course.every for one in year.joint.results):
        handles.append(Line2D([], [], label="missed from here on", color=GREY, linestyle="none", **MISSED))
    return handles
