"""What sound parts cannot ask for together: sizes that no honest document needs, and ways that no tip can go.

Sizes are refused before anything of that size is made; ways are looked at where all names are right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from sim.dynamics.clock import DAY, HOUR, NEVER, WEEK, YEAR, tick_of
from sim.scenario.arrivals import at_most, expected
from sim.scenario.asides import aside_faults
from sim.scenario.calendars import LAST_HOLIDAY, Calendar, countries_in
from sim.scenario.demand import Demand
from sim.scenario.faults import Fault, at
from sim.scenario.moments import of_stage
from sim.scenario.pieces import Pieces
from sim.scenario.profiles import DemandLevels
from sim.scenario.references import dated, looked_up, names_of
from sim.scenario.routes import FROM, TO, Crowd, crowd, ways
from sim.scenario.schema import Filter, Milestone, Pool, Run, Stage, Target, horizon
from sim.scenario.stages import OTHER, UNLABELLED
from sim.scenario.targets import Between, OfTips
from sim.scenario.tree import Path, find
from sim.scenario.zones import local_time

MOST_TIPS: Final = 150_000_000
"""In a replication: more than half of it fits into no memory but in slices; `size` says what a run takes."""
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
    level = DemandLevels(demand, run, horizon, calendars)
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
            if twice := pool.levels.told_twice(local_time(found["run"].start, found["run"].zone)):
                yield ("pools", name, "levels"), f"the file says twice what holds from {twice} on"
    if rows > MOST_PLAN_ROWS:
        yield (
            ("pools",),
            f"the shifts of all pools and centres make {rows:,.0f} changes of staff, more than {MOST_PLAN_ROWS:,}",
        )


NO_INCIDENTS: Final = "`demand` has no `incidents`, and no `trace` that may name any"


def route_faults(found: Pieces, doubtful: set[Path]) -> list[Fault]:
    """Stages that no tip reaches and targets whose moments no tip has.

    `doubtful` are the parts with faults of their own: nothing is said that rests on them.
    """
    if not found.sound("demand", "labels", "stages") or any(
        path[0] in ("demand", "labels", "stages") for path in doubtful
    ):
        return []
    stages: tuple[Stage, ...] = tuple(found["stages"].values())
    if any(stage.label is not None and stage.label not in found["labels"] for stage in stages):
        return []
    targets = {
        name: target
        for name, target in (found["targets"] or {}).items()
        if isinstance(target, OfTips) and ("targets", name) not in doubtful
    }
    tips = crowd(found["demand"], found["labels"], stages, [target.of for target in targets.values()])
    rules = [
        *_stage_rules(tips, stages, found["pools"] or {}),
        *_target_rules(tips, stages, targets, found["milestones"] or {}, doubtful),
    ]
    return [at(*find(found.root, path), rule) for path, rule in rules]


def _stage_rules(tips: Crowd, stages: Sequence[Stage], pools: Mapping[str, Pool]) -> Iterator[tuple[Path, str]]:
    found = ways(tips, stages)
    reached = found.entering
    for (number, key), rule in aside_faults(stages, found.aside, pools):
        yield ("stages", number, key), rule
    labelling = [bool(stage.label) for stage in stages]
    for number, (stage, entering) in enumerate(zip(stages, reached, strict=True)):
        if not entering.any():
            yield (
                ("stages", number, "for"),
                f"no tip reaches this stage{_why(tips, stage.for_, any(labelling[:number]))}",
            )
            continue
        for nth, cue in enumerate(stage.after or ()):
            if found.met is not None and (number, nth) not in found.met:
                yield ("stages", number, "after"), f"'{cue}' never lies on the way of a tip that comes to this stage"
        if stage.merge is not None and not (entering & tips.of_incidents).any():
            why = "no tip of an incident reaches this stage" if tips.of_incidents.any() else NO_INCIDENTS
            yield ("stages", number, "merge"), f"nothing merges here: {why}"
        for keys, value in stage.by_attribute():
            if value.by is None:
                continue
            names = tips.names[value.by]
            codes = np.unique(np.broadcast_to(tips.codes[value.by], entering.shape)[entering]).tolist()
            if missing := [f"'{names[code]}'" for code in codes if code >= 0 and not value.has(names[code], names)]:
                yield ("stages", number, *keys), f"is missing a value for {value.by} {', '.join(missing)}"
            if codes[0] < 0 and not value.has(None, names):
                rule = f"a tip without a label can reach this stage: `{UNLABELLED}` or `{OTHER}` is to say what it gets"
                yield ("stages", number, *keys, "by"), rule


def _why(tips: Crowd, one: Filter | None, labelled_before: bool) -> str:
    if one is None:
        return ""
    if not tips.labels and one.labelled is False:
        return ": without `labels` the tier of every tip is its true risk"
    if tips.labels and not labelled_before and (one.tier is not None or one.labelled or one.labelled_by is not None):
        return ": no stage before it labels"
    return ": nobody who comes here matches its `for`"


def _target_rules(
    tips: Crowd,
    stages: Sequence[Stage],
    targets: Mapping[str, OfTips],
    milestones: dict[str, Milestone],
    doubtful: set[Path],
) -> Iterator[tuple[Path, str]]:
    known = {}
    for name, target in targets.items():
        ends: dict[str, Milestone] = {}
        if isinstance(target, Between):
            if any(("milestones", end.name) in doubtful for end in (target.from_, target.to)):
                continue
            try:
                ends = {"from": looked_up(target.from_, milestones), "to": looked_up(target.to, milestones)}
            except KeyError:
                continue
        elif target.at_stage is not None:
            ends = {"from": of_stage(target.at_stage, "enter"), "to": of_stage(target.at_stage, "start")}
        key = tuple(end.moments for end in ends.values())
        if key not in known:
            known[key] = ways(tips, stages, ends.get("from"), ends.get("to")).ending
        ending = known[key][tips.of(target.of)]
        if not ending.any():
            yield ("targets", name, "of"), "no tip can be of this kind"
            continue
        if target.at_stage is not None:
            if not ending[:, FROM | TO].any():
                yield ("targets", name, "stage"), f"no tip that this target judges can come to '{target.at_stage}'"
            continue
        for side, bit in (("from", FROM), ("to", TO)) if ends else ():
            if not ending[:, [had for had in range(4) if had & bit]].any():
                why = _no_merging(stages, ends[side])
                yield ("targets", name, side), f"no tip that this target judges can have '{ends[side].name}'{why}"
        if ends and ending[:, FROM].any() and ending[:, TO].any() and not ending[:, FROM | TO].any():
            both = " and ".join(f"'{end.name}'" for end in ends.values())
            yield ("targets", name), f"no tip that this target judges can have both {both}"


def _no_merging(stages: Sequence[Stage], milestone: Milestone) -> str:
    """That a moment of merging is at a stage where nothing merges, where that is why; else ""."""
    keeping = {stage.name for stage in stages if stage.merge is None}
    at = [one.stage for one in milestone.moments if one.what == "merged" and one.stage in keeping]
    return f": '{at[0]}' has no `merge`" if len(at) == len(milestone.moments) else ""
