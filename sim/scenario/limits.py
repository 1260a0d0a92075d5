"""Sizes that no honest document needs: refused before anything of that size is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from sim.dynamics.clock import NEVER, WEEK, YEAR
from sim.scenario.arrivals import expected
from sim.scenario.dates import LAST_HOLIDAY, countries_in
from sim.scenario.demand import Demand
from sim.scenario.faults import Fault, at
from sim.scenario.names import names_of
from sim.scenario.pieces import Pieces
from sim.scenario.references import dated
from sim.scenario.schema import Pool, Run, Target, horizon
from sim.scenario.tree import Path, find
from sim.scenario.zones import local_time

MOST_TIPS: Final = 50_000_000
MOST_PLAN_ROWS: Final = 5_000_000
MOST_KINDS: Final = 200_000
MOST_SURGES: Final = 10_000
MOST_BACKLOG: Final = 5_000_000
LONGEST_RUN: Final = 100 * YEAR


def tip_limits(found: Pieces) -> list[Fault]:
    """Where a document asks for too many tips, kinds of tips or years."""
    return [at(*find(found.root, path), rule) for path, rule in _tip_rules(found)]


def staff_limits(found: Pieces) -> list[Fault]:
    """Where a document asks for too many shifts and breaks."""
    return [at(*find(found.root, path), rule) for path, rule in _staff_rules(found)]


def _tip_rules(found: Pieces) -> Iterator[tuple[Path, str]]:
    names = names_of(found.root)
    known = [len(some) for some in (names.channel, names.risk, names.category, names.tier) if some]
    if (kinds := int(np.prod([*known, 1], dtype=np.float64))) > MOST_KINDS:
        yield (
            ("demand",),
            f"channels x risks x categories x tiers make {kinds:,} kinds of tips, more than {MOST_KINDS:,}",
        )
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
        yield from _demand_rules(found["demand"], run, horizon)


def _horizon(found: Pieces) -> int:
    """The first tick that is not simulated; NEVER where a target's calendar is not open for long enough."""
    targets: dict[str, Target] = found["targets"] or {}
    return min(horizon(found["run"], targets.values(), found["calendars"] or {}), NEVER)


def _demand_rules(demand: Demand, run: Run, horizon: int) -> Iterator[tuple[Path, str]]:
    for row, surge in enumerate(demand.surges):
        if surge.per_year is not None and surge.per_year * horizon / YEAR > MOST_SURGES:
            yield ("demand", "surges", row, "per_year"), f"makes more than {MOST_SURGES:,} surges a replication"
    with np.errstate(over="ignore"):
        tips = float(expected(demand, run, horizon)[0].sum())
    if not tips <= MOST_TIPS:
        yield (
            ("demand", "volume"),
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
    for pool in pools.values():
        for shift in pool.shifts:
            stretches = shift.staff * (1 + sum(kind.per_shift for kind in pool.breaks))
            rows += (len(shift.days) or 7) * weeks * 2 * stretches * (1 if pool.shared else len(found["centres"]))
    by_windows = [
        stage for stage in (found["stages"] or {}).values() if stage.every and (found["run"].zone or stage.open)
    ]
    if (opens := sum(_horizon(found) / stage.every for stage in by_windows)) > MOST_PLAN_ROWS:
        yield ("stages",), f"the gates of all stages open {opens:,.0f} times, more than {MOST_PLAN_ROWS:,}"
    if rows > MOST_PLAN_ROWS:
        yield (
            ("pools",),
            f"the shifts of all pools and centres make {rows:,.0f} changes of staff, more than {MOST_PLAN_ROWS:,}",
        )
