"""The figures of a search for staffing: the people of the answer, what was tried, and what good periods cost."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from sim.plots.style import (
    BLUE,
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
    marked,
    shortened,
    styled,
)
from sim.studies.staff.staffed import post_words
from sim.studies.staff.staffing import StaffFound
from sim.studies.staff.tried import Outcome
from sim.text.words import count

NAMES: Final = 2.1
SAID: Final = 1.9
GAP: Final = 0.15
ROW: Final = 0.27
LEFT: Final = 0.7
PANEL: Final = 3.2
"""Inches: the columns of names and of sentences, between columns, a post; left of a panel, and its height."""
PEOPLE: Final = BLUE
MOST_USED: Final = 4.0
"""Staffings that use up more than so many times what a target allows are drawn at the edge."""


def staffing(found: StaffFound) -> Figure:
    """A row for every post: the people of the answer between its bounds, and what one person less would do."""
    answer = found.answer
    assert answer.staffing is not None
    hours = answer.paid_hours
    title = f"{answer.fte:.1f} FTE meet {'all targets' if len(answer.scenario.targets) > 1 else 'the target'}"
    note = (
        f"{answer.scenario.scenario}: the cheapest staffing found, {hours:,.1f} paid hours a week. On the right what "
        "fails with one person less there."
    )
    with styled():
        rows = len(answer.posts)
        sheet = Sheet(title, note, rows * ROW + 0.42 + KEY)
        width = WIDTH - 2 * MARGIN - NAMES - SAID - 2 * GAP
        axes = sheet.axes(MARGIN + NAMES + GAP, 0, width, rows * ROW)
        most = max(max(answer.staffing), 1)
        # Bounds far above every answer would press the answers together.
        last = min(max(post.most for post in answer.posts), 3 * most) + 0.5
        axes.set(xlim=(0, last), ylim=(rows, 0))
        axes.set_yticks([])
        axes.locator_params(axis="x", nbins=6, integer=True)
        axes.set_xlabel("people")
        axes.grid(axis="x")
        for row, (post, people, less) in enumerate(zip(answer.posts, answer.staffing, answer.neighbours, strict=True)):
            top = row * ROW + (ROW - leading(SMALL)) / 2
            name = shortened(post_words(answer.scenario, post), NAMES, SMALL)
            sheet.write(MARGIN + NAMES, top, name, ha="right")
            axes.plot([post.least, min(post.most, last)], [row + 0.5] * 2, color=FAINT, linewidth=2, zorder=2)
            axes.barh(row + 0.5, people, height=0.62, color=PEOPLE, zorder=3)
            white = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
            at = people + last * 0.012
            axes.text(at, row + 0.5, str(people), va="center", fontsize=SMALL, zorder=4, bbox=white)
            said = _one_less(less)
            left = MARGIN + NAMES + width + 2 * GAP
            colour = VERDICTS[less.verdict].colour if less else GREY
            sheet.write(left, top, shortened(said, SAID, SMALL), color=colour)
        handles = [
            Patch(color=PEOPLE, label="people of the answer"),
            Line2D([], [], color=FAINT, linewidth=2, label="bounds of the search"),
        ]
        key(sheet, handles, rows * ROW + 0.42)
    return sheet.figure


def _one_less(less: Outcome | None) -> str:
    if less is None:
        return "at its least"
    return f"{less.verdict}: {', '.join(less.failing)}" if less.failing else less.verdict


def tried(found: StaffFound) -> Figure:
    """Every staffing that was tried: its cost, and how much of what it allows the worst target uses up."""
    answer = found.answer
    assert answer.tried is not None
    outcomes = list(answer.tried.outcomes.values())
    n = len(outcomes)
    if answer.staffing is None:
        title = "No staffing that was tried meets every target"
    else:
        title = f"{count(n)} staffing{'s' if n > 1 else ''} tried, the cheapest that holds at {answer.cost:,.0f} a week"
    note = (
        f"{answer.scenario.scenario}: each mark is a staffing; below the line the worst of its targets holds as it "
        f"stands. Those that use up more than {MOST_USED:g} times what a target allows lie on the upper edge."
    )
    if answer.confirmation is not None:
        note += " The answer has the mark of its verdict on fresh seeds."
    verdicts = [answer.verdict_of(one) for one in outcomes]
    with styled():
        sheet = Sheet(title, note, PANEL + 0.45 + KEY)
        axes = sheet.axes(LEFT, 0.05, WIDTH - LEFT - MARGIN, PANEL)
        worst = np.array([min(float(one.used.max(initial=0.0)), MOST_USED) for one in outcomes])
        cost = np.array([one.cost for one in outcomes])
        axes.axhline(1, color=INK, linewidth=1.2, zorder=3)
        for verdict, look in VERDICTS.items():
            mine = np.array([one == verdict for one in verdicts])
            if mine.any():
                face = "white" if look.hollow else look.colour
                axes.scatter(
                    *(cost[mine], worst[mine]),
                    marker=look.mark,
                    s=26,
                    facecolors=face,
                    edgecolors=look.colour,
                    linewidths=0.8,
                    zorder=4,
                    clip_on=False,
                )
        if answer.staffing is not None:
            _ring(axes, answer.cost, worst[[one.staffing for one in outcomes].index(answer.staffing)])
        axes.set_ylim(0, max(1.15, float(worst.max()) * 1.05))
        axes.margins(x=0.05)
        axes.set_xlabel("cost a week")
        axes.set_ylabel("used up of what is allowed, worst target", labelpad=3)
        axes.grid(axis="both")
        used = [word for word in VERDICTS if word in verdicts]
        handles = [*(marked(word, word) for word in used), *_ringed(answer.staffing is not None)]
        key(sheet, handles, PANEL + 0.45)
    return sheet.figure


def frontier(found: StaffFound) -> Figure:
    """Cost against the share of periods in which every target held; the line joins those worth their cost."""
    answer, best = found.answer, [one for one in found.frontier if one.best]
    goal = next((one for one in best if one.share >= 0.9), None)
    title = (
        f"All targets hold in 90 % of the {found.per}s or more at {goal.outcome.cost:,.0f} a week"
        if goal
        else f"No staffing tried lets all targets hold in 90 % of the {found.per}s"
    )
    note = (
        f"{answer.scenario.scenario}: the share of {found.per}s in which every target held. Black: no staffing tried "
        "has a higher share for as much."
    )
    with styled():
        sheet = Sheet(title, note, PANEL + 0.45 + KEY)
        axes = sheet.axes(LEFT, 0.05, WIDTH - LEFT - MARGIN, PANEL)
        others = [one for one in found.frontier if not one.best]
        axes.plot([o.outcome.cost for o in others], [o.share for o in others], "o", color=FAINT, markersize=4, zorder=2)
        cost = [one.outcome.cost for one in best]
        axes.plot(cost, [one.share for one in best], color=INK, drawstyle="steps-post", linewidth=1, zorder=3)
        for one in best:
            axes.plot([one.outcome.cost] * 2, [one.low, one.high], color=GREY, linewidth=1.6, zorder=3)
        axes.plot(cost, [one.share for one in best], "o", color=INK, markersize=5, zorder=4, clip_on=False)
        chosen = next((one for one in found.frontier if one.outcome.staffing == answer.staffing), None)
        if chosen is not None:
            _ring(axes, chosen.outcome.cost, chosen.share)
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        axes.margins(x=0.05)
        axes.set_xlabel("cost a week")
        axes.set_ylabel(f"{found.per}s in which all held", labelpad=3)
        axes.grid(axis="both")
        handles = [
            Line2D([], [], color=INK, marker="o", markersize=5, linewidth=1, label="worth its cost"),
            Line2D([], [], color=FAINT, marker="o", markersize=4, linestyle="none", label="others tried"),
            *_ringed(chosen is not None),
        ]
        key(sheet, handles, PANEL + 0.45)
    return sheet.figure


_RING: Final = {"marker": "o", "markersize": 14, "markerfacecolor": "none", "markeredgecolor": INK}


def _ring(axes: Axes, x: float, y: float) -> None:
    """Show which one is the answer."""
    axes.plot([x], [y], linestyle="none", clip_on=False, zorder=6, **_RING)  # type: ignore[arg-type]


def _ringed(shown: bool) -> list[Line2D]:
    return [Line2D([], [], linestyle="none", label="the answer", **_RING)] if shown else []  # type: ignore[arg-type]
