"""Axes that several figures share: times on a logarithmic scale, shares in percent, the hours of a week."""

from __future__ import annotations

import math
from typing import Final

from matplotlib.axes import Axes

from sim.dynamics.clock import DAY, HOUR, MINUTE, SECOND
from sim.plots.style import GRID, SMALL, text_width
from sim.text.words import WEEKDAYS

_TIMES: Final = (
    ("1 min", MINUTE),
    ("1 h", HOUR),
    ("24 h", DAY),
    ("10 s", 10 * SECOND),
    ("10 min", 10 * MINUTE),
    ("7 d", 7 * DAY),
    ("1 s", SECOND),
    ("4 h", 4 * HOUR),
    ("30 min", 30 * MINUTE),
    ("30 d", 30 * DAY),
    ("100 d", 100 * DAY),
    ("30 s", 30 * SECOND),
    ("3 min", 3 * MINUTE),
    ("5 min", 5 * MINUTE),
    ("12 h", 12 * HOUR),
    ("2 h", 2 * HOUR),
    ("3 d", 3 * DAY),
    ("20 min", 20 * MINUTE),
    ("2 min", 2 * MINUTE),
    ("20 s", 20 * SECOND),
    ("8 h", 8 * HOUR),
    ("2 d", 2 * DAY),
)
"""Times as people name them, those first that are named wherever there is room."""


def log_times(axes: Axes, first: float, last: float, width: float) -> None:
    """The x axis as times from `first` to `last` (ticks of the clock), `width` inches long, its times in words."""
    axes.set_xscale("log")
    axes.set_xlim(first, last)
    inch = width / math.log(last / first)
    taken: list[tuple[float, float]] = []
    named: dict[int, str] = {}
    for name, time in _TIMES:
        if not first <= time <= last * 1.001:
            continue
        at, half = inch * math.log(time / first), text_width(name, SMALL) / 2 + 0.05
        if all(at + half <= low or at - half >= high for low, high in taken):
            taken.append((at - half, at + half))
            named[time] = name
    axes.set_xticks(list(named), list(named.values()))
    axes.set_xticks([], minor=True)


def shares(axes: Axes) -> None:
    """The y axis as shares from 0 % to 100 %."""
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])


def week(axes: Axes, *, named: bool = True) -> None:
    """The x axis as the 168 hours of a week, a line at every midnight."""
    axes.set_xlim(0, 168)
    axes.set_xticks(range(12, 168, 24) if named else [], WEEKDAYS if named else [])
    axes.tick_params(axis="x", length=0)
    # Lines drawn as one are a tenth of the work of ticks and a grid.
    axes.vlines(range(24, 169, 24), 0, 1, transform=axes.get_xaxis_transform(), colors=GRID, linewidths=0.6, zorder=0.5)
