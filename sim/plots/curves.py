"""How long tips take: for every target on times, the share of its tips that were through within a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from sim.dynamics.clock import SECOND
from sim.measures.bins import EDGES, LONGEST, at_most
from sim.measures.kinds import kind_of
from sim.measures.targets import TargetResult
from sim.plots.style import (
    FAINT,
    GREY,
    INK,
    KEY,
    MARGIN,
    SMALL,
    VERDICTS,
    WIDTH,
    Sheet,
    key,
    leading,
    mark,
    marked,
    share_axis,
    shortened,
    styled,
    time_axis,
    wrapped,
)
from sim.scenario.pools import filter_words
from sim.scenario.targets import Timed
from sim.studies.result import Result
from sim.tables.run import tips_of_curve
from sim.text.words import about, came_to, share_text, verdicts_told

GAP: Final = 0.65
LEFT: Final = 0.75
PANEL: Final = 1.3
"""Inches between two panels, left of the first, and a panel's height."""
OUTDENT: Final = 0.45
"""So far the lines above a panel begin left of it, over the numbers of its axis."""
LIMIT: Final[dict[str, Any]] = {"color": INK, "linewidth": 1, "linestyle": (0, (6, 2, 1, 2))}
"""The line at the longest mean, or other time."""


_CALLED: Final = {"asa": "mean answer", "longest": "time"}
"""Kinds whose name is no word for a time."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The targets that ask for the same time of the same tips, and how long that takes."""

    results: tuple[TargetResult, ...]
    who: str
    times: NDArray[np.int64]
    """(N_BINS,) tips by the bin of their time."""
    judged: int
    """Tips that the shares are of, those included that never came through."""

    @property
    def reached(self) -> NDArray[np.float64]:
        """(N_BINS,) share of the tips that took less than the upper edge of each bin."""
        return at_most(self.times) / self.judged if self.judged else np.zeros(len(self.times))


def curves(result: Result) -> list[Curve]:
    """The targets on times, those together that are about the same time of the same tips."""
    groups: dict[object, list[TargetResult]] = {}
    for one in result.targets:
        target = one.target
        if isinstance(target, Timed) and kind_of(target).curve:
            same = target.of, target.from_, target.to, target.at_stage, target.clock, target.lost_tips
            groups.setdefault(same, []).append(one)
    # More than two in a panel would hide each other.
    return [_curve(result, group[i : i + 2]) for group in groups.values() for i in range(0, len(group), 2)]


def _curve(result: Result, group: Sequence[TargetResult]) -> Curve:
    first = next((one for one in group if one.target.unit == "share"), group[0])
    target = first.target
    assert isinstance(target, Timed)
    return Curve(
        results=tuple(group),
        who=f"{filter_words(target.of)}, from {target.from_name} to {target.to_name}",
        times=result.done.sample.pooled.times[list(result.done.scenario.targets).index(first.name)],
        judged=tips_of_curve(first),
    )


def response(result: Result) -> Figure:
    """A panel for every time that targets ask for, with what they want and what is reached."""
    panels = curves(result)
    timed = [one for panel in panels for one in panel.results]
    title = verdicts_told(timed) if timed else "No target is about a time"
    note = f"Share of the tips that are through within a time. {about(result)}"
    with styled():
        columns = 1 if len(panels) == 1 else 2
        width = (WIDTH - LEFT - MARGIN - (columns - 1) * GAP) / columns
        heads = [_head(panel, width + OUTDENT) for panel in panels]
        rows = [range(i, min(i + columns, len(panels))) for i in range(0, len(panels), columns)]
        heights = [max(len(heads[i]) for i in row) * leading(SMALL) + PANEL + 0.62 for row in rows]
        sheet = Sheet(title, note, sum(heights) + KEY)
        span = _span(panels)
        top = 0.0
        for row, height in zip(rows, heights, strict=True):
            for column, i in enumerate(row):
                left = LEFT + column * (width + GAP)
                _write_head(sheet, heads[i], left - OUTDENT, top)
                axes = sheet.axes(left, top + height - PANEL - 0.55, width, PANEL)
                _draw(axes, panels[i], span, width)
                axes.set_ylabel("share of tips" if column == 0 else "", labelpad=2)
                axes.set_xlabel("time, logarithmic" if i >= len(panels) - columns else "")
            top += height
        if panels:
            _key(sheet, panels, top)
    return sheet.figure


def _head(panel: Curve, width: float) -> list[tuple[str, str, bool]]:
    """The lines above a panel: text, colour, and whether it is bold."""
    lines = []
    for one in panel.results:
        name = shortened(one.name, 0.75 * width, SMALL, bold=True)
        said = wrapped(f"{name} {one.verdict}: {came_to(one)}", width, SMALL, bold=True, lines=2)
        lines += [(line, VERDICTS[one.verdict].colour, True) for line in said]
        lines += [(line, INK, False) for line in wrapped(f"wanted: {one.asked}", width, SMALL, lines=2)]
    never = panel.judged - int(panel.times.sum())
    who = f"{panel.who}; {share_text(never / panel.judged)} never through" if never else panel.who
    return [*lines, *((line, GREY, False) for line in wrapped(who, width, SMALL, lines=3))]


def _write_head(sheet: Sheet, lines: Sequence[tuple[str, str, bool]], left: float, top: float) -> None:
    for i, (text, colour, bold) in enumerate(lines):
        sheet.write(left, top + i * leading(SMALL), text, color=colour, weight="bold" if bold else "normal")


def _span(panels: Sequence[Curve]) -> tuple[float, float]:
    """The times that all panels show: the same, so that they can be compared."""
    first, last = [], []
    for panel in panels:
        reached = panel.reached
        final = reached[-1]
        if final > 0:
            first.append(float(EDGES[1:][np.searchsorted(reached, 0.005 * final, side="right")]))
            last.append(float(EDGES[1:][np.searchsorted(reached, 0.995 * final)]))
        for one in panel.results:
            first.append(_limit(one) / 3)
            last.append(_limit(one) * 2)
            if one.unit == "min" and 0 < one.value < math.inf:
                last.append(one.value * 1.5)
    low = min(max(min(first, default=0), SECOND), LONGEST / 100)
    return low, min(max([low * 60, *last]), LONGEST * 1.2)


def _limit(one: TargetResult) -> float:
    """The time that a target names."""
    target = one.target
    assert isinstance(target, Timed)
    return float(target.limit)


def _draw(axes: Axes, panel: Curve, span: tuple[float, float], width: float) -> None:
    share_axis(axes)
    time_axis(axes, *span, width)
    axes.grid(axis="both", which="major")
    if panel.judged:
        shown = EDGES[1:] <= span[1] * 1.05
        axes.plot(np.maximum(EDGES[1:][shown], span[0]), panel.reached[shown], color=INK, zorder=4)
    else:
        box = {"facecolor": "white", "edgecolor": "none", "pad": 2}
        axes.text(0.5, 0.5, "no tips to judge", transform=axes.transAxes, ha="center", color=GREY, bbox=box, zorder=5)
    for one in panel.results:
        (_draw_share if one.target.unit == "share" else _draw_time)(axes, one)


def _draw_share(axes: Axes, one: TargetResult) -> None:
    """The gate that the curve has to pass through, and where it passes."""
    within, wanted, look = max(_limit(one), axes.get_xlim()[0]), one.target.threshold, VERDICTS[one.verdict]
    axes.plot([within, within], [0, wanted], color=GREY, linewidth=0.8, linestyle=":", zorder=2)
    axes.plot([axes.get_xlim()[0], within], [wanted, wanted], color=GREY, linewidth=0.8, linestyle=":", zorder=2)
    axes.plot([within, within], [wanted, 1], color=FAINT, linewidth=5, zorder=3)
    axes.plot([within], [wanted], marker="_", markersize=11, markeredgewidth=2, color=INK, zorder=4)
    if _on_the_curve(one):
        axes.plot([within, within], [one.low, one.high], color=look.colour, linewidth=2.2, zorder=5)
        mark(axes, within, one.value, one.verdict)


def _on_the_curve(one: TargetResult) -> bool:
    """Whether its value is one of times: with `hold` it is a share of windows."""
    return one.target.hold is None and not math.isnan(one.value)


def _draw_time(axes: Axes, one: TargetResult) -> None:
    """The longest time that is wanted, and the time that is reached: of a percentile on the curve, at its share; else
    on the foot of the panel."""
    first, last = axes.get_xlim()
    limit, look = max(_limit(one), first), VERDICTS[one.verdict]
    target = one.target
    share = target.share_in_time if isinstance(target, Timed) and target.share_in_time is not None else 0.0
    axes.axvline(limit, **LIMIT, zorder=3)
    if share:
        axes.plot([first, limit], [share, share], color=GREY, linewidth=0.8, linestyle=":", zorder=2)
    if _on_the_curve(one):
        low, value, high = (min(max(time, first), last) for time in (one.low, one.value, one.high))
        axes.plot([low, high], [share, share], color=look.colour, linewidth=2.2, zorder=5, clip_on=False)
        mark(axes, value, share, one.verdict)


def _key(sheet: Sheet, panels: Sequence[Curve], top: float) -> None:
    """What the strokes and marks mean, those that the figure has."""
    found = [one for panel in panels for one in panel.results]
    handles: list[Line2D] = []
    if any(one.target.unit == "share" for one in found):
        handles.append(Line2D([], [], color=FAINT, linewidth=5, label="the curve has to cross this"))
    if times := dict.fromkeys(one.kind for one in found if one.target.unit == "min"):
        called = " or ".join(_CALLED.get(kind, kind) for kind in times) if len(times) < 3 else "time"
        handles.append(Line2D([], [], **LIMIT, label=f"longest {called} wanted"))
    used = [word for word in VERDICTS if any(one.verdict == word for one in found)]
    handles += [marked(word, word) for word in used]
    key(sheet, handles, top)
