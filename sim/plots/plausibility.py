"""The plausibility answer in one figure: in which share of the plausible worlds some staffing holds, how many people
that takes, and which unknowns decide it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from sim.plots.style import (
    GREY,
    INK,
    KEY,
    MARGIN,
    PALE,
    SMALL,
    VERDICTS,
    WIDTH,
    Sheet,
    key,
    key_lines,
    leading,
    styled,
    text_width,
    wrapped,
)
from sim.studies.plausibility import PlausibilityFound
from sim.studies.worlds import PlausibleWorld, WorldOutcome
from sim.text.plausibility import about, finding, outcome_words, people_finding, said
from sim.text.words import count, length, named, so_many

SHOWN: Final[tuple[WorldOutcome, ...]] = ("held", "undecided", "more", "no staff")
"""From left to right, and from the bottom up."""
FIELDS: Final[dict[WorldOutcome, dict[str, Any]]] = {
    "held": {"facecolor": VERDICTS["met"].colour, "edgecolor": "white"},
    "undecided": {"facecolor": "white", "edgecolor": VERDICTS["undecided"].colour, "hatch": "////"},
    "more": {"facecolor": "#f0c66b", "edgecolor": "white"},
    "no staff": {"facecolor": VERDICTS["missed"].colour, "edgecolor": "white"},
}
INKS: Final[dict[WorldOutcome, str]] = {"held": "white", "undecided": INK, "more": INK, "no staff": "white"}

BAR: Final = 0.4
HEAD: Final = 0.3
PEOPLE: Final = 1.15
FOOT: Final = 0.5
NAMES: Final = 2.45
EXPLAINS: Final = 0.75
STRIP: Final = 0.34
VALUES: Final = 0.26
"""Inches: the bar of shares, the line above a part, the heights of the people's panels and below them, the column of
names and that of what each explains, a strip, and the line of values below it."""
MOST_STRIPS: Final = 6
MOST_PARTS: Final = 10
LEAST_IN_PART: Final = 8
"""Parts of a strip at most, and worlds in each at least."""
MOST_BINS: Final = 24
LEAST_SPAN: Final = 0.4
"""Of the most people, what the axis of people spans at least."""


def plausible_worlds(found: PlausibilityFound) -> Figure:
    """Shares by outcome as one bar, the people over the worlds where some staffing holds, and what decides."""
    strips = found.ranked[:MOST_STRIPS]
    people = people_finding(found)
    runs = f"{so_many(found.replications, 'replication')} of {length(found.length)} or more"
    note = (
        f"{count(len(found.possible))} plausible worlds, each unknown drawn as it is declared; in each the staffing is "
        f"searched for which {'all targets hold' if len(found.scenario.targets) > 1 else 'the target holds'}. "
        f"{'Lines mark the world in the middle, pale fields half of the worlds. ' if people else ''}"
        f"{named(found.scenario)}: {runs}."
    )
    with styled():
        lines = key_lines(_key(found))
        top_people = BAR + KEY * len(lines) + 0.25
        told = wrapped(people, WIDTH - 2 * MARGIN, SMALL)
        head_people = leading(SMALL) * len(told) + 0.1
        top_strips = top_people + (head_people + PEOPLE + FOOT if people else 0)
        sheet = Sheet(finding(found), note, top_strips + 2 * leading(SMALL) + 0.08 + (STRIP + VALUES) * len(strips))
        _bar(sheet, found)
        for i, line in enumerate(lines):
            key(sheet, line, BAR + 0.08 + KEY * i)
        if people:
            sheet.write(MARGIN, top_people, "\n".join(told), color=INK)
            _people(sheet, found, top_people + head_people)
        _strips(sheet, found, strips, top_strips)
    return sheet.figure


def _key(found: PlausibilityFound) -> list[Artist]:
    words = outcome_words(found)
    return [Patch(label=words[one], **FIELDS[one]) for one in SHOWN if found.count(one)]


def _bar(sheet: Sheet, found: PlausibilityFound) -> None:
    """The shares of the worlds side by side, each with its number where there is room."""
    width, n = WIDTH - 2 * MARGIN, max(len(found.possible), 1)
    axes = sheet.axes(MARGIN, 0, width, BAR)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_axis_off()
    left = 0.0
    for outcome in SHOWN:
        share = found.count(outcome) / n
        if share:
            axes.add_patch(_field(left, 0, share, 1, outcome))
            words = f"{100 * share:.0f} %"
            if text_width(words, SMALL, bold=True) + 0.12 < share * width:
                box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2} if outcome == "undecided" else None
                axes.text(
                    left + share / 2,
                    0.5,
                    words,
                    ha="center",
                    va="center_baseline",
                    color=INKS[outcome],
                    fontsize=SMALL,
                    weight="bold",
                    bbox=box,
                )
            left += share


def _field(left: float, bottom: float, width: float, height: float, outcome: WorldOutcome) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((left, bottom), width, height, linewidth=0.6, **FIELDS[outcome])


def _people(sheet: Sheet, found: PlausibilityFound, top: float) -> None:
    """How many of the worlds take how many people: full-time equivalents, and heads on duty."""
    left, gap = MARGIN + 0.4, 0.55
    width = (WIDTH - 2 * MARGIN - 0.4 - gap) / 2
    for place, (name, label) in enumerate(
        (("fte", "full-time equivalents (FTE), all who are paid"), ("on_duty", "people on duty at a time, on average"))
    ):
        axes = sheet.axes(left + place * (width + gap), top, width, PEOPLE)
        values = np.array([getattr(world, name) for world in found.held])
        quartiles = [getattr(found.quantiles[at], name).value for at in (1, 2, 3)]
        _histogram(axes, values, quartiles)
        axes.set_xlabel(label, labelpad=1)
        axes.set_ylabel("worlds", labelpad=2)


def _histogram(axes: Axes, values: np.ndarray[Any, Any], quartiles: Sequence[float]) -> None:
    low, high = float(values.min()), float(values.max())
    room = max(LEAST_SPAN * high - (high - low), 0) / 2  # what hardly differs is not drawn as if it did
    bins = int(min(MOST_BINS, max(6, math.sqrt(len(values)) * 1.6)))
    heights, edges = np.histogram(values, bins=bins, range=(low - room, high + room))
    axes.axvspan(quartiles[0], quartiles[2], color=PALE, linewidth=0, zorder=0)
    axes.stairs(heights, edges, fill=True, color=FIELDS["held"]["facecolor"], zorder=2)
    axes.axvline(quartiles[1], color=INK, linewidth=1.6, zorder=4)
    most = float(heights.max())
    axes.set_ylim(0, 1.28 * most)
    axes.set_xlim(min(edges[0], 0) if edges[0] < 0.35 * edges[-1] else edges[0], edges[-1])
    first, last = axes.get_xlim()
    right = quartiles[1] > (first + last) / 2
    pad = 0.015 * (last - first)
    axes.text(
        quartiles[1] - pad if right else quartiles[1] + pad,
        1.26 * most,
        f"{about(quartiles[1])} in the middle",
        ha="right" if right else "left",
        va="top",
        fontsize=SMALL,
        color=INK,
    )
    axes.locator_params(axis="y", nbins=3, integer=True)
    axes.locator_params(axis="x", nbins=6)


def _strips(sheet: Sheet, found: PlausibilityFound, chosen: Sequence[int], top: float) -> None:
    """For each unknown the shares of the outcomes along its declared values."""
    effects = found.explained[found.decides]
    left, width = MARGIN + NAMES, WIDTH - 2 * MARGIN - NAMES - EXPLAINS
    what = "whether it holds" if found.decides == "holds" else "how near unlimited staff comes"
    sheet.write(MARGIN, top, f"What decides {what}", weight="bold")
    sheet.write(
        MARGIN,
        top + leading(SMALL),
        "the outcomes along the values of each unknown, equally many worlds in each part",
        color=GREY,
    )
    sheet.write(WIDTH - MARGIN, top, "explains", ha="right", color=GREY)
    sheet.write(WIDTH - MARGIN, top + leading(SMALL), "by itself", ha="right", color=GREY)
    top += 2 * leading(SMALL) + 0.08
    for row, i in enumerate(chosen):
        at = top + row * (STRIP + VALUES)
        words = wrapped(said(found, found.unknowns[i]).label, NAMES - 0.15, SMALL, lines=2)
        sheet.write(MARGIN, at + (STRIP - leading(SMALL) * len(words)) / 2, "\n".join(words))
        axes = sheet.axes(left, at, width, STRIP)
        _strip(axes, found, i)
        value = effects.share[i].value
        told = "" if math.isnan(value) else f"{100 * value:.0f} %" if effects.beyond_chance[i] else "chance"
        colour = INK if effects.beyond_chance[i] else GREY
        sheet.write(WIDTH - MARGIN, at + (STRIP - leading(SMALL)) / 2, told, ha="right", color=colour)


def _strip(axes: Axes, found: PlausibilityFound, i: int) -> None:
    worlds = found.possible
    order = sorted(range(len(worlds)), key=lambda w: (found.points[w, i], w))
    n = max(1, min(MOST_PARTS, len(worlds) // LEAST_IN_PART))
    for place, part in enumerate(np.array_split(order, n)):
        _column(axes, [worlds[w] for w in part], place / n, 1 / n)
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    words = said(found, found.unknowns[i])
    ends = [words.number(_short(found.points[order[at], i])) for at in (0, len(order) // 2, -1)]
    axes.set_xticks([0, 0.5, 1], ["", "", ""])
    axes.tick_params(axis="x", length=2)
    # As text: what they are of stands beside the strip.
    for at, end, side in zip((0, 0.5, 1), ends, ("left", "center", "right"), strict=True):
        axes.text(at, -0.12, end, ha=side, va="top", fontsize=SMALL, color=GREY)


def _column(axes: Axes, worlds: Sequence[PlausibleWorld], left: float, width: float) -> None:
    bottom = 0.0
    for outcome in SHOWN:
        share = sum(world.outcome == outcome for world in worlds) / max(len(worlds), 1)
        if share:
            axes.add_patch(_field(left, bottom, width, share, outcome))
            bottom += share


def _short(number: float) -> float:
    return float(f"{number:.2g}")
