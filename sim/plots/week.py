"""The week of every pool: who is on seat, the work that comes, who is busy, and the tips that wait, by interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from sim.dynamics.clock import HOUR, WEEK
from sim.measures.passes import BUSY, OFFERED, ON_DUTY, WAITING
from sim.measures.sample import MOST_WEEKS
from sim.plots.style import (
    DARK_BROWN,
    FAINT,
    GREY,
    INK,
    KEY,
    LACKING,
    MARGIN,
    PLAIN,
    SKY,
    SMALL,
    WIDTH,
    Sheet,
    key,
    leading,
    shortened,
    styled,
    text_width,
    week_axis,
)
from sim.studies.binding import largest_excess
from sim.studies.result import Result
from sim.text import words
from sim.text.words import about, interval_text, interval_words, share_text, short, some

BAND: Final = (5, 95)
"""Percentiles over replications between which the bands lie."""
LEFT: Final = 0.82
WORKING: Final[dict[str, Any]] = {"color": SKY, "linewidth": 2.2}
WORK: Final[dict[str, Any]] = {"color": DARK_BROWN, "linestyle": (0, (3, 1.2)), "linewidth": 1}
"""The line of those who are busy, light and broad, and on it that of the work that comes, dark and thin."""
BUSY_BAND: Final = "#d9ebf7"
WAITING_FILL: Final = "#d9d9d9"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PoolWeek:
    """One pool over the intervals of the week, (n_intervals,) each but the bands, (2, n_intervals); NaN for those that
    never came."""

    name: str
    unit: str
    waiting: Floats
    waiting_band: Floats
    most_wait: int | None
    """The interval of the week at which most wait, where that is beyond chance."""
    offered: Floats
    busy: Floats
    busy_band: Floats
    on_duty: Floats

    @property
    def length(self) -> float:
        """Hours of an interval."""
        return WEEK / HOUR / len(self.waiting)

    @property
    def edges(self) -> Floats:
        """(n_intervals + 1,) hours since Monday at midnight."""
        return np.arange(len(self.waiting) + 1) * np.float64(self.length)

    @property
    def steps(self) -> Floats:
        """Where each interval begins and ends, so that what is constant within it can be filled."""
        return np.repeat(self.edges, 2)[1:-1]

    @property
    def overloaded(self) -> float:
        """Hours of the week in which as much work comes as the people can do, or more."""
        return self.length * int(np.count_nonzero((self.offered > 0) & (self.offered >= self.on_duty)))


def pool_weeks(result: Result) -> list[PoolWeek]:
    """The week of every pool, its centres together."""
    scenario, sample = result.done.scenario, result.done.sample
    each, frame = sample.week, sample.frame
    # An interval of the week that one replication never came to, none did.
    came = ~np.isnan(each[0])
    measured = len(sample) * np.where(came, frame.time_measured[: frame.n_intervals], np.nan)
    middle = sample.pooled.ticks[: len(came), :, : frame.n_intervals] / measured
    band = np.full((2, *came.shape), np.nan)
    band[:, came] = np.percentile(each[:, came], BAND, axis=0)
    found = []
    for k, (name, pool) in enumerate(scenario.pools.items()):
        unit = "people" if pool.slots == 1 else f"people × {pool.slots}"
        found.append(
            PoolWeek(
                name=name,
                unit=unit,
                waiting=middle[WAITING, k],
                waiting_band=band[:, WAITING, k],
                most_wait=_most_wait(each[:, WAITING, k][:, came[WAITING, k]], np.flatnonzero(came[WAITING, k])),
                offered=middle[OFFERED, k],
                busy=middle[BUSY, k],
                busy_band=band[:, BUSY, k],
                on_duty=middle[ON_DUTY, k],
            )
        )
    return found


def _most_wait(waiting: Floats, which: NDArray[np.int64]) -> int | None:
    """The interval of the week at which most wait, from (n_replications, n_there), where that is beyond chance."""
    if not waiting.size:
        return None
    found = largest_excess(waiting - waiting.mean(axis=1, keepdims=True))
    return None if found is None else int(which[found])


def week(result: Result) -> Figure:
    """Two rows of axes for every pool: people and work above, tips waiting below."""
    pools = pool_weeks(result)
    # Many pools get lower axes, so that a page holds them.
    upper, lower = (0.95, 0.55) if len(pools) <= 5 else (0.72, 0.42)
    height = leading(PLAIN) + 0.06 + upper + 0.08 + lower + 0.3
    n, n_centres = len(result.done.sample), len(result.done.scenario.centres)
    centres = f", the {n_centres} centres together" if n_centres > 1 else ""
    of = "the replications" if n <= MOST_WEEKS else f"{MOST_WEEKS} replications"
    bands = f"; bands: {BAND[0]} to {BAND[1]} % of {of}" if n > 1 else ""
    with styled():
        interval = interval_words(result.done.sample.frame.interval)
        note = f"Means by {interval} of the week{_mixed(result, pools)}{centres}{bands}. {about(result)}"
        sheet = Sheet(_title(pools), note, height * len(pools) + KEY)
        for i, pool in enumerate(pools):
            _draw(sheet, pool, i * height, (upper, lower), banded=n > 1)
        _key(sheet, pools, height * len(pools))
    return sheet.figure


def _mixed(result: Result, pools: list[PoolWeek]) -> str:
    """What makes the weeks of a run unlike each other, so that their mean is none of them."""
    demand = result.done.scenario.demand
    growing = [short(pool.name) for pool in pools if np.nanmean(pool.offered) >= np.nanmean(pool.on_duty)]
    causes = [f"the surge '{short(surge.name)}'" for surge in demand.surges]
    causes += ["growth"] if demand.growth else []
    causes += [f"the growing line of {some(growing, most=2)}"] if growing else []
    return f", with {some(causes, most=2)} averaged in" if causes else ""


def _title(pools: list[PoolWeek]) -> str:
    over = [pool for pool in pools if pool.overloaded]
    most = max(pools, key=lambda pool: float(np.nanmax(pool.waiting, initial=0.0)))
    waiting = _waiting(most)
    if waiting:
        told = f"Most tips wait for {short(most.name)}: {waiting}"
    else:
        told = "Hardly any tip waits at any hour of the week"
    if over:
        hours = f"has too few people {over[0].overloaded:.4g} h a week" if len(over) == 1 else "have too few for hours"
        told += f"; {some([pool.name for pool in over], most=2)} {hours}"
    return told


def _waiting(pool: PoolWeek) -> str:
    """How many tips wait for a pool, and when if that tells the hours apart; nothing where hardly any does."""
    most = float(np.nanmax(pool.waiting, initial=0.0))
    if most < 0.05:
        return ""
    middle = float(np.nanmean(pool.waiting))
    if most < 2 * middle:
        return f"{_tips(middle)} on average, at all hours much alike"
    if pool.most_wait is None:
        return f"{_tips(middle)} on average, {words.NO_TIME}"
    length = round(pool.length * HOUR)
    when = interval_text(length * pool.most_wait, length)
    return f"up to {_tips(float(pool.waiting[pool.most_wait]))} on average, {when}"


def _tips(number: float) -> str:
    return f"{number:.1f}" if number < 10 else words.count(number)


def _draw(sheet: Sheet, pool: PoolWeek, top: float, heights: tuple[float, float], *, banded: bool) -> None:
    width = WIDTH - LEFT - MARGIN
    beside = sheet.name(top, pool.name, width / 2)
    sheet.write(beside, top + 0.015, _told(pool, WIDTH - MARGIN - beside), color=GREY)
    top += leading(PLAIN) + 0.06
    above = sheet.axes(LEFT, top, width, heights[0])
    below = sheet.axes(LEFT, top + heights[0] + 0.08, width, heights[1])
    over = np.nan_to_num(pool.offered) > np.nan_to_num(pool.on_duty)
    above.fill_between(
        pool.steps,
        np.repeat(pool.on_duty, 2),
        np.repeat(pool.offered, 2),
        where=np.repeat(over, 2),
        color=LACKING,
        linewidth=0,
    )
    middle = pool.edges[:-1] + pool.length / 2
    if banded:
        above.fill_between(middle, *pool.busy_band, color=BUSY_BAND, linewidth=0)
        below.fill_between(middle, *pool.waiting_band, color=WAITING_FILL, linewidth=0)
    above.stairs(pool.on_duty, pool.edges, baseline=None, color=INK, linewidth=1.5, zorder=3)
    above.plot(middle, pool.busy, **WORKING)
    above.plot(middle, pool.offered, **WORK)
    below.plot(middle, pool.waiting, color=INK, linewidth=1.2)
    for axes, label in ((above, pool.unit), (below, "tips\nwaiting")):
        week_axis(axes, named=axes is below)
        axes.set_ylim(0, max(axes.get_ylim()[1], 1.18))
        axes.yaxis.set_major_locator(MaxNLocator(2 if axes is below else 4, integer=True, min_n_ticks=2))
        axes.set_ylabel(label, linespacing=1.1)
        axes.yaxis.set_label_coords(-0.46 / width, 0.5)
        _absent(axes, pool)
    above.tick_params(axis="x", length=0)


def _absent(axes: Axes, pool: PoolWeek) -> None:
    """Hatch the intervals that never came."""
    absent = np.isnan(pool.waiting)
    if absent.any():
        axes.fill_between(
            pool.steps,
            0,
            1,
            where=np.repeat(absent, 2),
            transform=axes.get_xaxis_transform(),
            facecolor="none",
            edgecolor=FAINT,
            hatch="////",
            linewidth=0,
        )


def _told(pool: PoolWeek, width: float) -> str:
    """A line on a pool, as far as there is room: how overloaded, where the most wait, how busy."""
    on_duty, busy = float(np.nansum(pool.on_duty)), float(np.nansum(pool.busy))
    parts = []
    if pool.overloaded:
        parts.append(f"more work than people {pool.overloaded:.4g} h a week")
    if waiting := _waiting(pool):
        parts.append(f"waiting: {waiting}")
    parts.append(f"busy {share_text(busy / on_duty)} of the time on seat" if on_duty else "nobody is ever on seat")
    while len(parts) > 1 and text_width("; ".join(parts), SMALL) > width:
        parts.pop()
    return shortened("; ".join(parts), width, SMALL)


def _key(sheet: Sheet, pools: list[PoolWeek], top: float) -> None:
    handles: list[Artist] = [
        Line2D([], [], color=INK, linewidth=1.5, label="on seat"),
        Line2D([], [], **WORKING, label="busy"),
        Line2D([], [], **WORK, label="work that comes, erlangs"),
    ]
    if any(pool.overloaded for pool in pools):
        handles.append(Patch(color=LACKING, label="more work than people"))
    if any(np.isnan(pool.waiting).any() for pool in pools):
        handles.append(Patch(facecolor="none", edgecolor=GREY, hatch="////", linewidth=0, label="not in the run"))
    key(sheet, handles, top)
