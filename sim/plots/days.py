"""The days of a run: the tips that came and were lost, and the service level of every target on a share, date by date,
with the dates marked of which the document says something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, StepPatch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sim.measures import passes
from sim.measures.targets import TargetResult
from sim.plots.style import (
    GREY,
    INK,
    KEY,
    LACKING,
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
    wrapped,
)
from sim.studies.result import Result
from sim.tables.by_time import special_dates
from sim.text import words
from sim.text.words import about, share_text, some

LEFT: Final = 0.82
TIPS: Final = 1.15
LEVEL: Final = 0.5
GAP: Final = 0.1
"""Inches: left of the axes, the heights of the axes of tips and of a target, and between a head and its axes."""
MOST_STEPS: Final = 400
"""More dates are drawn several together."""
MOST_TARGETS: Final = 8
MOST_LINES: Final = 3
"""Lines that tell the marked dates."""
CHANCE: Final = 4.5
"""Standard deviations of chance that a day may lie above the mean of thousands of days that are all alike."""
CAME: Final = "#bcdff3"
WEEKEND: Final = "#efefef"
MARKED: Final = "#f0e442"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Days:
    """A run by date; one step may be several dates."""

    first: date
    n_days: int
    a_step: int
    """Dates of a step."""
    came: Floats
    lost: Floats
    """(n_steps,) tips a day, the mean over replications."""
    levels: Sequence[tuple[TargetResult, Floats]]
    """The targets on a share with (n_steps,) the share of the tips that kept it, NaN without any."""
    special: dict[date, str]
    draws: int
    """Replications times the dates of a step: what a mean is of."""

    @property
    def edges(self) -> Floats:
        """(n_steps + 1,) days since the first."""
        return np.minimum(self.a_step * np.arange(len(self.came) + 1), self.n_days).astype(float)

    @property
    def weekends(self) -> list[int]:
        """Saturdays and Sundays, counted from the first day; none where there are too many days to tell them apart."""
        if self.n_days > MOST_STEPS // 2:
            return []
        return [day for day in range(self.n_days) if (self.first + timedelta(days=day)).weekday() >= 5]

    @property
    def marked(self) -> list[int]:
        """The days of which the document says something, counted from the first."""
        return [(on - self.first).days for on in self.special]


def days(result: Result) -> Figure:
    """Axes of the tips a day, and axes below for every target on a share."""
    found = by_date(result)
    shown = found.levels[:MOST_TARGETS]
    n = len(result.done.sample)
    means = "means of the replications" if n > 1 else "of one replication"
    several = f"; each step is {found.a_step} days" if found.a_step > 1 else ""
    left_out = (
        f"; {len(found.levels) - len(shown)} more targets are in the table" if len(found.levels) > MOST_TARGETS else ""
    )
    with styled():
        told = _special_words(found)
        head = leading(PLAIN) + GAP
        height = head + TIPS + len(shown) * (head + LEVEL + GAP) + 0.3
        since = f"{found.first.day} {found.first:%b %Y}"
        note = f"By the date on which tips came, from {since} on: {means}{several}{left_out}. {about(result)}"
        sheet = Sheet(_title(found), note, height + KEY + (GAP + len(told) * leading(SMALL) if told else 0))
        width = WIDTH - LEFT - MARGIN
        _head(sheet, 0.0, "Tips a day", _tips_words(found))
        above = sheet.axes(LEFT, head, width, TIPS)
        _draw_tips(above, found)
        top = head + TIPS
        each = [above]
        for one, level in shown:
            _head(sheet, top + GAP, one.name, _level_words(one, level, found))
            each.append(sheet.axes(LEFT, top + GAP + head, width, LEVEL))
            _draw_level(each[-1], one, level, found)
            top += GAP + head + LEVEL
        for axes in each:
            axes.yaxis.set_label_coords(-0.52 / width, 0.5)
            _date_axis(axes, found, width, named=axes is each[-1])
        _key(sheet, found, height)
        for line, text in enumerate(told):
            sheet.write(MARGIN, height + KEY + GAP + line * leading(SMALL), text, color=GREY)
    return sheet.figure


def by_date(result: Result) -> Days:
    """What the picture shows."""
    sample = result.done.sample
    frame, pooled = sample.frame, sample.pooled
    first, n_days = frame.date(0), frame.n_days
    a_step = -(-n_days // MOST_STEPS)
    begins = np.arange(0, n_days, a_step)
    came = np.add.reduceat(pooled.came[frame.n_intervals :], begins, axis=0)
    a_day = len(sample) * np.diff(np.append(begins, n_days))
    names = list(frame.scenario.targets)
    levels = []
    for one in result.targets:
        if one.about_tips and one.unit == "share" and one.target.side == "at_least":
            failing = pooled.failing[names.index(one.name), frame.n_intervals :]
            judged, failed = np.add.reduceat(failing, begins, axis=0).T
            levels.append((one, np.where(judged > 0, 1 - failed / np.maximum(judged, 1), np.nan)))
    special = special_dates(frame.scenario, first, n_days) if a_step == 1 else {}
    return Days(
        first,
        n_days,
        a_step,
        came[:, passes.CAME] / a_day,
        came[:, passes.LOST_FOR_GOOD] / a_day,
        levels,
        special,
        len(sample) * a_step,
    )


def _title(found: Days) -> str:
    if not found.came.any():
        return "No tip came on any day"
    told = _range_words(found)
    below = [(one.name, np.count_nonzero(level < _goal(one)), len(level)) for one, level in found.levels]
    worst = sorted(((name, n / of) for name, n, of in below if n), key=lambda each: -each[1])
    if not found.levels:
        return told
    if not worst:
        return f"{told}; every day keeps the goals"
    most = worst[0][1]
    often = "every day" if most == 1 and len(worst) == 1 else "most days" if worst[-1][1] > 0.5 else "some days"
    return f"{told}; {some([name for name, _ in worst], most=2)} below the goal on {often}"


def _range_words(found: Days) -> str:
    """How many tips come a day, and when most, where that is more than chance would bring on alike days."""
    mean = float(found.came.mean())
    most, least = int(np.argmax(found.came)), int(np.argmin(found.came))
    if found.came[most] - mean < CHANCE * np.sqrt(mean / found.draws):
        return f"About {_number(mean)} tips a day"
    when = "around" if found.a_step > 1 else "on"
    lowest, highest = (_number(float(found.came[step])) for step in (least, most))
    return f"{lowest} to {highest} tips a day, most {when} {_day(found, most)}"


def _goal(one: TargetResult) -> float:
    """The share that a target asks of its tips: of a window, where it is judged by windows."""
    return float(one.target.rule.threshold)


def _number(value: float) -> str:
    return words.count(value) if value >= 10 else f"{value:.2g}"


def _day(found: Days, step: int) -> str:
    on = found.first + timedelta(days=step * found.a_step)
    return f"{on:%a} {on.day} {on:%b %Y}"


def _tips_words(found: Days) -> str:
    came, lost = float(found.came.sum()), float(found.lost.sum())
    if not came:
        return "none"
    return f"{_number(float(found.came.mean()))} on average; {share_text(lost / came)} of them lost"


def _level_words(one: TargetResult, level: Floats, found: Days) -> str:
    told, goal = level[~np.isnan(level)], _goal(one)
    if not len(told):
        return "no tips to judge"
    below = int(np.count_nonzero(told < goal))
    what = "days" if found.a_step == 1 else f"steps of {found.a_step} days"
    asks = f"{one.asked}; " if one.target.hold is None else ""
    return (
        f"{asks}{share_text(float(told.min()))} on the worst; below {share_text(goal)} on {below} of {len(told)} {what}"
    )


def _head(sheet: Sheet, top: float, name: str, told: str) -> None:
    beside = sheet.name(top, name, (WIDTH - 2 * MARGIN) / 2)
    sheet.write(beside, top + 0.015, shortened(told, WIDTH - MARGIN - beside, SMALL), color=GREY)


def _draw_tips(axes: Axes, found: Days) -> None:
    _shade(axes, found)
    _fill(axes, found.came, found.edges, 0, CAME)
    _fill(axes, found.lost, found.edges, 0, VERMILION)
    _step(axes, found.came, found.edges)
    axes.set_ylim(0, max(float(found.came.max()) * 1.12, 1.0))
    axes.yaxis.set_major_locator(MaxNLocator(4, min_n_ticks=2))
    axes.set_ylabel("tips a day")
    for day in found.marked:
        axes.plot(
            [day + 0.5], [1.0], marker="v", markersize=5, color=INK, transform=axes.get_xaxis_transform(), clip_on=False
        )


def _draw_level(axes: Axes, one: TargetResult, level: Floats, found: Days) -> None:
    _shade(axes, found)
    goal = _goal(one)
    short_of = np.where(level < goal, level, np.nan)
    _fill(axes, np.where(np.isnan(short_of), goal, short_of), found.edges, goal, LACKING)
    _step(axes, level, found.edges)
    axes.axhline(goal, color=GREY, linewidth=0.8, linestyle=(0, (4, 2)))
    # From a round share below the worst, so that small differences near 100 % can be seen.
    least = min(float(np.nanmin(np.append(level, goal))), goal)
    bottom = next((one for one in (0.98, 0.95, 0.9, 0.8, 0.5) if least > one), 0.0)
    axes.set_ylim(bottom, 1 + 0.04 * (1 - bottom))
    axes.set_yticks([bottom, 1.0], [f"{100 * bottom:.0f} %", "100 %"])


def _fill(axes: Axes, values: Floats, edges: Floats, baseline: float, color: str) -> None:
    """A field from a baseline to steps, for axes with room for it: `stairs` would look for that along every edge."""
    axes.add_artist(StepPatch(values, edges, baseline=baseline, fill=True, facecolor=color, linewidth=0))


def _step(axes: Axes, values: Floats, edges: Floats) -> None:
    """Steps as a line, likewise."""
    nothing: Any = None  # below the line, which its types do not know of
    axes.add_artist(StepPatch(values, edges, baseline=nothing, fill=False, edgecolor=INK, linewidth=0.9))


def _shade(axes: Axes, found: Days) -> None:
    """Weekends, where they can be told apart, and the marked dates."""
    _bands(axes, found.weekends, WEEKEND)
    _bands(axes, found.marked, MARKED)


def _bands(axes: Axes, which: Sequence[int], colour: str) -> None:
    if which:
        axes.broken_barh(
            [(day, 1) for day in which],
            (0, 1),
            transform=axes.get_xaxis_transform(),
            color=colour,
            linewidth=0,
            zorder=0.2,
        )


def _date_axis(axes: Axes, found: Days, width: float, *, named: bool) -> None:
    """The x axis as dates: every day, every Monday, or every month, as far as there is room for their names."""
    axes.set_xlim(0, found.n_days)
    axes.tick_params(axis="x", length=3 if named else 0)
    if not named:
        axes.set_xticks([])
        return
    taken, ticks = -1.0, {}
    for day, name in _names(found):
        at = width * day / found.n_days
        half = text_width(name, SMALL) / 2
        if at - half > taken + 0.08 and at + half <= width + MARGIN:
            ticks[day], taken = name, at + half
    axes.set_xticks([day + 0.0 for day in ticks], list(ticks.values()))


def _names(found: Days) -> list[tuple[float, str]]:
    """Days with their names, at the middle of the day, or where the week or the month begins."""
    every = [found.first + timedelta(days=day) for day in range(found.n_days)]
    if found.n_days <= 14:
        return [(day + 0.5, f"{on:%a} {on.day} {on:%b}") for day, on in enumerate(every)]
    if found.n_days <= 120:
        return [(float(day), f"Mon {on.day} {on:%b}") for day, on in enumerate(every) if on.weekday() == 0]
    months = [(float(day), on) for day, on in enumerate(every) if on.day == 1]
    if found.n_days > 3 * 366:
        return [(day, str(on.year)) for day, on in months if on.month == 1]
    return [(day, f"{on:%b %Y}" if on.month == 1 or day == months[0][0] else f"{on:%b}") for day, on in months]


def _special_words(found: Days) -> list[str]:
    """The marked dates, as many as there is room for."""
    if not found.special:
        return []
    told = [f"{on:%a} {on.day} {on:%b} ({what.replace('; ', ', ')})" for on, what in found.special.items()]
    return wrapped(f"Marked: {'; '.join(told)}.", 0.98 * (WIDTH - 2 * MARGIN), SMALL, lines=MOST_LINES)


def _key(sheet: Sheet, found: Days, top: float) -> None:
    handles: list[Artist] = [Patch(color=CAME, label="came"), Patch(color=VERMILION, label="of those, lost")]
    if found.levels:
        dashes: dict[str, Any] = {"color": GREY, "linewidth": 0.8, "linestyle": (0, (4, 2))}
        handles += [Line2D([], [], **dashes, label="goal"), Patch(color=LACKING, label="below it")]
    if found.weekends:
        handles.append(Patch(color=WEEKEND, label="weekend"))
    if found.special:
        handles.append(Line2D([], [], color=INK, marker="v", linestyle="", markersize=5, label="marked date"))
    key(sheet, handles, top)
