"""Sizes that no honest document needs: refused before anything of that size is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from sim.dynamics.clock import DAY, HOUR, NEVER, WEEK, YEAR, tick_of
from sim.scenario.arrivals import at_most, expected
from sim.scenario.calendars import Calendar
from sim.scenario.dates import LAST_HOLIDAY, countries_in
from sim.scenario.demand import Demand
from sim.scenario.faults import Fault, at
from sim.scenario.names import names_of
from sim.scenario.pieces import Pieces
from sim.scenario.profiles import Levels
from sim.scenario.references import dated
from sim.scenario.schema import Pool, Run, Stage, Target, horizon
from sim.scenario.tree import Path, find
from sim.scenario.zones import local_time

MOST_TIPS: Final = 150_000_000
"""In a replication: more than half of it fits into no memory but in slices (`sliced`); `size` says what a run takes."""
MOST_PLAN_ROWS: Final = 5_000_000
MOST_KINDS: Final = 200_000
MOST_KIND_STEPS: Final = 30_000_000
"""Kinds of tips, times stages, times targets: what it takes to tell which tips can do what."""
MOST_SURGES: Final = 10_000
"""In a replication, all rows together."""
MOST_HOURS: Final = 6_000_000
"""Hours of a run times channels."""
MOST_SURGE_HOURS: Final = 30_000_000
"""The same times the surges that begin at a date."""
MOST_BREAKS: Final = 300_000
"""People times their breaks, over all rows of shifts: each is planned on its own."""
MOST_VISITS: Final = 5_000
"""Visits that one tip could make, were it sent back as often as it may be."""
MOST_TICKS: Final = 2**62
"""Ticks of people on duty in a replication, slot by slot, in all centres of a pool: they are counted in 64 bits."""
MOST_BACKLOG: Final = 5_000_000
MOST_CANDIDATES: Final = 2_000_000
ENOUGH: Final = 1_000
"""So many tips are drawn at most to find the backlog of one stage, and so many more for each that was found."""
LONGEST_RUN: Final = 100 * YEAR


def kind_limits(found: Pieces) -> list[Fault]:
    """Where a document tells so many kinds of tips apart, or lets them be sent back so often, that looking at where
    they can go would take too long."""
    return [at(*find(found.root, path), rule) for path, rule in _kind_rules(found)]


def tip_limits(found: Pieces) -> list[Fault]:
    """Where a document asks for too many tips, kinds of tips or years."""
    return [at(*find(found.root, path), rule) for path, rule in _tip_rules(found)]


def staff_limits(found: Pieces) -> list[Fault]:
    """Where a document asks for too many shifts and breaks."""
    return [at(*find(found.root, path), rule) for path, rule in _staff_rules(found)]


def _kind_rules(found: Pieces) -> Iterator[tuple[Path, str]]:
    names = names_of(found.root)
    own = (names.own or {}).values()
    known = [len(some) for some in (names.channel, names.risk, names.category, names.tier, *own) if some]
    kinds = int(np.prod([*known, 1], dtype=np.float64))
    stages: dict[int, Stage] = found["stages"] or {}
    steps = kinds * max(len(stages), 1) * (1 + len(found["targets"] or {}))
    if kinds > MOST_KINDS:
        yield (
            ("demand",),
            f"channels x risks x categories x tiers{' x attributes' if own else ''} make {kinds:,} kinds of tips, "
            f"more than {MOST_KINDS:,}",
        )
    elif steps > MOST_KIND_STEPS:
        yield (
            ("demand",),
            f"kinds of tips ({kinds:,}) x stages x targets make {steps:,} things to look at, more than "
            f"{MOST_KIND_STEPS:,}",
        )
    sent_back = sum(stage.rework.at_most for stage in stages.values() if stage.rework is not None)
    if (visits := len(stages) * (1 + sent_back)) > MOST_VISITS:
        yield (
            ("stages",),
            f"a tip that is sent back as often as it may be makes up to {visits:,} visits (stages x rework), more than "
            f"{MOST_VISITS:,}",
        )


def _tip_rules(found: Pieces) -> Iterator[tuple[Path, str]]:
    start = found["start_with"]
    if start is not None and (waiting := sum(start.backlog.values())) > MOST_BACKLOG:
        yield ("start_with", "backlog"), f"the backlog has {waiting:,} tips, more than {MOST_BACKLOG:,}"
    if not found.sound("run"):
        return
    run, horizon = found["run"], _horizon(found)
    if horizon == NEVER:
        yield (
            ("run",),
            "a calendar that is a target's clock is not open for long enough after the tips that count; say how long "
            "to run on with `cool_down`",
        )
        return
    if horizon > LONGEST_RUN:
        yield ("run",), f"a run of {horizon / YEAR:.0f} years is longer than {LONGEST_RUN // YEAR} years"
        return
    if found.sound("demand"):
        yield from _demand_rules(found["demand"], run, horizon, found["calendars"] or {})


def _horizon(found: Pieces) -> int:
    """The first tick that is not simulated; NEVER where a target's calendar is not open for long enough."""
    targets: dict[str, Target] = found["targets"] or {}
    return min(horizon(found["run"], targets.values(), found["calendars"] or {}), NEVER)


def _demand_rules(
    demand: Demand, run: Run, horizon: int, calendars: Mapping[str, Calendar]
) -> Iterator[tuple[Path, str]]:
    at_random = 0.0
    for row, surge in enumerate(demand.surges):
        at_random += (surge.per_year or 0.0) * horizon / YEAR
        if surge.per_year is not None and at_random > MOST_SURGES:
            yield ("demand", "surges", row, "per_year"), f"makes more than {MOST_SURGES:,} surges a replication"
            break
    hours = horizon / HOUR * len(demand.channels)
    dated = sum(surge.at is not None for surge in demand.surges)
    if hours > MOST_HOURS:
        yield ("run",), f"channels x hours make {hours:,.0f}, more than {MOST_HOURS:,}"
        return
    if hours * dated > MOST_SURGE_HOURS:
        product = f"surges x channels x hours make {hours * dated:,.0f}"
        yield ("demand", "surges"), f"{product}, more than {MOST_SURGE_HOURS:,}"
        return
    for name, incident in demand.incidents.items():
        if incident.rate * horizon / DAY > MOST_TIPS:
            yield ("demand", "incidents", name, "rate"), f"makes more than {MOST_TIPS:,} incidents a replication"
            return
    if demand.busyness is not None and horizon / demand.busyness.every > MOST_PLAN_ROWS:
        yield ("demand", "busyness", "every"), f"makes more than {MOST_PLAN_ROWS:,} steps a replication"
    if demand.counts is not None or demand.trace is not None:
        return  # looked at once the file is read
    level = Levels(demand, run, horizon, calendars)
    with np.errstate(over="ignore"):
        if at_most(level) <= MOST_TIPS:
            return  # far from it, however it is spread
        tips = float(expected(level, run).tips.sum())
    if not tips <= MOST_TIPS:
        yield (
            ("demand", "incidents") if demand.incidents else ("demand", "volume"),
            f"a replication would have {tips:,.0f} tips, more than {MOST_TIPS:,} (volume x length)",
        )


def _date_rules(found: Pieces) -> Iterator[tuple[Path, str]]:
    run: Run = found["run"]
    last = local_time(run.start, run.zone).shows(min(_horizon(found), LONGEST_RUN)).year
    for path, dates in dated(found) if last > LAST_HOLIDAY else ():
        if named := countries_in(dates, found["calendars"] or {}):
            yield path, f"the holidays of {min(named)} are known up to {LAST_HOLIDAY}, and the run goes on to {last}"


def _staff_rules(found: Pieces) -> Iterator[tuple[Path, str]]:
    if not found.sound("run", "pools", "centres"):
        return
    yield from _date_rules(found)
    pools: dict[str, Pool] = found["pools"]
    weeks = min(_horizon(found), LONGEST_RUN) / WEEK + 1
    rows = 0.0
    breaks = sum(
        shift.staff * kind.per_shift for pool in pools.values() for kind in pool.breaks for shift in pool.shifts
    )
    if breaks > MOST_BREAKS:
        yield ("pools",), f"people x breaks make {breaks:,}, more than {MOST_BREAKS:,}"
        return
    for name, pool in pools.items():
        people = pool.staff + sum(shift.staff * shift.length * (len(shift.days) or 7) for shift in pool.shifts) / WEEK
        places = 1 if pool.shared else len(found["centres"])
        if (ticks := people * pool.slots * places * weeks * WEEK) > MOST_TICKS:
            yield (
                ("pools", name),
                f"people x time make {ticks / YEAR / 1e6:,.1f} million years of work in a run, more than "
                f"{MOST_TICKS / YEAR / 1e6:,.1f} million, which is as far as can be counted",
            )
    for pool in pools.values():
        for shift in pool.shifts:
            stretches = shift.staff * (1 + sum(kind.per_shift for kind in pool.breaks))
            rows += (len(shift.days) or 7) * weeks * 2 * stretches * (1 if pool.shared else len(found["centres"]))
    by_windows = [
        stage for stage in (found["stages"] or {}).values() if stage.every and (found["run"].zone or stage.open)
    ]
    if (opens := sum(_horizon(found) / stage.every for stage in by_windows)) > MOST_PLAN_ROWS:
        yield ("stages",), f"the gates of all stages open {opens:,.0f} times, more than {MOST_PLAN_ROWS:,}"
    for name, pool in pools.items():
        if pool.levels is not None and (covered := pool.levels.covers) is not None:
            first, last = (tick_of(date, found["run"].start) for date in covered)
            if first > 0 or last < _horizon(found):
                yield (
                    ("pools", name, "levels"),
                    f"the levels of the file go from {covered[0]} to {covered[1]}, and the run must lie inside",
                )
    if rows > MOST_PLAN_ROWS:
        yield (
            ("pools",),
            f"the shifts of all pools and centres make {rows:,.0f} changes of staff, more than {MOST_PLAN_ROWS:,}",
        )
