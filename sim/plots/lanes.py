"""One day, person by person: a lane for everybody on the roster, with what they had in hand when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, HOUR
from sim.dynamics.duty import lanes, late_work, on_duty
from sim.dynamics.replication import NOBODY, Codes
from sim.dynamics.waits import where
from sim.measures.people import row_words
from sim.plots.style import (
    DARK_BLUE,
    FAINT,
    GREY,
    KEY,
    MARGIN,
    PLAIN,
    SKY,
    SMALL,
    VERMILION,
    WIDTH,
    Sheet,
    key,
    leading,
    shortened,
    styled,
)
from sim.scenario.shifts import on_duty as heads_on_duty
from sim.scenario.shifts import seats
from sim.studies.day import Followed, followed
from sim.studies.result import Result
from sim.text.words import day as day_words

LEFT: Final = 1.75
LANE: Final = 0.13
GAP: Final = 0.3
MOST_LANES: Final = 60
"""So many lanes are drawn; the rest are counted."""
DUTY: Final = "#e6e6e6"
AT_WORK: Final = SKY
WRAP_UP: Final = DARK_BLUE
OVERTIME: Final = VERMILION

Bars = list[tuple[float, float]]


@dataclass(slots=True)
class Lane:
    """Somebody on one day; stretches are (from, how long) in hours from midnight."""

    name: str
    duty: Bars
    work: Bars
    wrap_up: Bars
    overtime: Bars
    away: Bars


def day(result: Result) -> Figure:
    """The lanes of the measured day on which most tips came, in one replication."""
    seen = followed(result.done)
    number, midnight = _busiest(seen)
    named = lanes(seen.log, where(seen.replication))
    pools = {place: list(_lanes(seen, place, midnight, named)) for place in range(len(seats(seen.scenario)))}
    pools = {place: found for place, found in pools.items() if found}
    n_shown = 0
    heights, shown = [], []
    for place, found in pools.items():
        some = found[: max(MOST_LANES - n_shown, 0)]
        n_shown += len(some)
        if some:
            shown.append((place, some, len(found) - len(some)))
            heights.append(leading(PLAIN) + len(some) * LANE + GAP)
    with styled():
        of_all = sum(len(found) for found in pools.values())
        note = (
            f"{day_words(seen.scenario.local.shows(midnight))}, the day on which most tips came in replication "
            f"{seen.replication.index}: {number:,} of them. A lane is a person, or one of the heads where these are "
            f"counted. {'' if of_all == n_shown else f'{of_all - n_shown} more lanes are not drawn.'}"
        )
        sheet = Sheet(_title(pools), note, sum(heights) + KEY)
        top = 0.0
        for (place, some, _), height in zip(shown, heights, strict=True):
            _draw(sheet, _pool_name(seen, place), some, top)
            top += height
        key(sheet, _key(), top)
    return sheet.figure


def _title(pools: dict[int, list[Lane]]) -> str:
    every = [lane for found in pools.values() for lane in found]
    late = sum(1 for lane in every if lane.overtime)
    away = sum(1 for lane in every if lane.away)
    said = [f"{late} of {len(every)} worked on after their shift or into their break" if late else ""]
    said.append(f"{away} {'were' if away > 1 else 'was'} away" if away else "")
    return "On a busy day " + (" and ".join(one for one in said if one) or f"{len(every)} people were at work in turn")


def _busiest(seen: Followed) -> tuple[int, int]:
    """How many tips came on the busiest measured day, and the tick of its midnight."""
    scenario, arrival = seen.scenario, seen.replication.tips.arrival
    inside = arrival[(arrival >= scenario.cohort_from) & (arrival < scenario.cohort_to)]
    days, count = np.unique(scenario.local.day(inside), return_counts=True)
    if not len(days):
        return 0, scenario.local.tick(0)
    best = int(count.argmax())
    return int(count[best]), int(scenario.local.tick(int(days[best]) * DAY))


def _lanes(seen: Followed, place: int, midnight: int, named: Codes) -> Iterator[Lane]:
    """The lanes of a place on the day, those on which nothing is to be seen left out; `named` are those of spells by
    somebody without a name."""
    log, plan = seen.log, seen.replication.plan
    people, spells = plan.people, log.spells

    def bars(began: NDArray[np.int64], ended: NDArray[np.int64]) -> Bars:
        first, last = np.maximum(began, midnight), np.minimum(ended, midnight + DAY)
        real = first < last
        return [
            ((since - midnight) / HOUR, (until - since) / HOUR)
            for since, until in zip(first[real].tolist(), last[real].tolist(), strict=True)
        ]

    late_row, late_began, late_ended = late_work(log)
    duty = on_duty(plan, seen.replication.rules.horizon)
    if seen.replication.rules.places.tells_apart[place]:
        mine = (people.place == place) & (people.start < midnight + DAY) & (people.end > midnight - DAY)
        for who in np.flatnonzero(mine).tolist():
            own = spells.person == who
            late = spells.person[late_row] == who
            on = duty.person == who
            row = row_words(seen.scenario, seats(seen.scenario)[place].pool, int(people.row[who]))
            lane = Lane(
                f"{row}, {int(people.number[who]) + 1}",
                bars(duty.began[on], duty.ended[on]),
                bars(spells.began[own & ~spells.wrapping], spells.ended[own & ~spells.wrapping]),
                bars(spells.began[own & spells.wrapping], spells.ended[own & spells.wrapping]),
                bars(late_began[late], late_ended[late]),
                bars(people.start[who : who + 1], people.end[who : who + 1]) if people.away[who] else [],
            )
            if lane.duty or lane.work or lane.away or lane.wrap_up:
                yield lane
        return
    here = (spells.place == place) & (spells.began < midnight + DAY) & (spells.ended > midnight)
    began, ended, wrapping, named = spells.began[here], spells.ended[here], spells.wrapping[here], named[here]
    tick, heads = heads_on_duty(plan, place)
    ends = np.append(tick[1:], seen.replication.rules.horizon)
    slots = heads * int(seen.replication.rules.places.concurrency[place])
    for number in range(int(max(slots.max(initial=0), named.max(initial=NOBODY) + 1))):
        own, there = named == number, slots > number
        lane = Lane(
            f"head {number + 1}",
            bars(tick[there], ends[there]),
            bars(began[own & ~wrapping], ended[own & ~wrapping]),
            bars(began[own & wrapping], ended[own & wrapping]),
            [],
            [],
        )
        if lane.duty or lane.work:
            yield lane


def _pool_name(seen: Followed, place: int) -> str:
    seat = seats(seen.scenario)[place]
    centres = seen.scenario.centre_names
    return seat.pool if seat.centre < 0 or len(centres) == 1 else f"{seat.pool} of {centres[seat.centre]}"


def _draw(sheet: Sheet, name: str, some: list[Lane], top: float) -> None:
    sheet.name(top, name, WIDTH - 2 * MARGIN)
    axes: Axes = sheet.axes(LEFT, top + leading(PLAIN), WIDTH - LEFT - MARGIN, len(some) * LANE)
    for at, lane in enumerate(some):
        axes.broken_barh(lane.duty, (at + 0.1, 0.8), facecolors=DUTY)
        axes.broken_barh(lane.away, (at + 0.1, 0.8), facecolors="white", edgecolors=GREY, hatch="////", linewidth=0.4)
        for stretches, colour in ((lane.work, AT_WORK), (lane.wrap_up, WRAP_UP)):
            axes.broken_barh(stretches, (at + 0.1, 0.8), facecolors=colour, edgecolors="white", linewidth=0.2)
        axes.broken_barh(lane.overtime, (at + 0.72, 0.28), facecolors=OVERTIME)
    axes.set_xlim(0, 24)
    axes.set_ylim(len(some), 0)
    axes.set_xticks(range(0, 24, 3), [f"{hour}:00" for hour in range(0, 24, 3)])
    names = [shortened(lane.name, LEFT - MARGIN - 0.15, SMALL) for lane in some]
    axes.set_yticks(np.arange(len(some)) + 0.5, names)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=FAINT)
    axes.spines[:].set_visible(False)


def _key() -> list[Artist]:
    return [
        Patch(facecolor=DUTY, label="on duty"),
        Patch(facecolor=AT_WORK, label="with a tip in hand"),
        Patch(facecolor=WRAP_UP, label="wrap-up"),
        Patch(facecolor=OVERTIME, label="in overtime"),
        Patch(facecolor="white", edgecolor=GREY, hatch="////", label="away"),
    ]
