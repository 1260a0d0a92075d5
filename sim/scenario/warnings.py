"""What a document says that is allowed, and may still not be meant. Nothing here stops a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import numpy as np

from sim.dynamics.replication import Flags
from sim.scenario import units
from sim.scenario.certain import SHARE, value_bounds
from sim.scenario.chance import is_certain
from sim.scenario.flow import coming
from sim.scenario.routes import FROM, TO, Crowd, crowd, ways
from sim.scenario.rules import matches, rank
from sim.scenario.schema import Milestone, Scenario
from sim.scenario.targets import OfTips, Timed
from sim.scenario.trace import drawn_from, trace


def warnings(scenario: Scenario) -> list[str]:
    """Each a sentence, in the order of the document."""
    looks = (_run, _demand, _labels, _pools, _ways, _targets)
    return [text for look in looks for text in look(scenario)]


def _run(scenario: Scenario) -> Iterator[str]:
    if scenario.run.replications < 2 and not is_certain(scenario):
        yield "one replication gives no interval: no target can be called met or missed"
    longest = max((target.longest for target in scenario.targets.values() if target.by_tip), default=0)
    if scenario.cool_down < longest:
        yield (
            f"the run is too short for its own targets: cool_down is {units.duration_text(scenario.cool_down)}, and "
            f"the longest threshold {units.duration_text(longest)}, so late tips are still open"
        )
    for name, target in scenario.targets.items():
        if target.per != "run" and not _whole_periods(scenario, target.per):
            per = target.per.replace("_", " ")
            yield f"target '{name}' is judged by {per}, and no whole {per} lies in the measured period"


def _whole_periods(scenario: Scenario, per: str) -> bool:
    begin = scenario.local.shows(scenario.cohort_from)
    end = scenario.local.shows(scenario.cohort_to)
    first = _period(begin, per)
    return _next(first if first == begin else _next(first, per), per) <= end


def _period(at: datetime, per: str) -> datetime:
    """When the calendar period that holds a moment begins."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    day = hour.replace(hour=0)
    return {
        "half_hour": hour.replace(minute=at.minute // 30 * 30),
        "hour": hour,
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
    }[per]


def _next(begin: datetime, per: str) -> datetime:
    hours = {"half_hour": 0.5, "hour": 1, "day": 24, "week": 7 * 24, "month": 32 * 24}[per]
    return _period(begin + timedelta(hours=hours), per)


def _demand(scenario: Scenario) -> Iterator[str]:
    demand = scenario.demand
    if demand.trace is not None:
        given = [
            key
            for key in (
                *("volume", "growth", "by_hour", "by_weekday", "busyness_cv", "busyness", "day_kinds", "surges"),
                "incidents",
            )
            if getattr(demand, key)
        ]
        if given:
            yield f"the tips come from {demand.trace}, so demand.{' and demand.'.join(given)} say nothing"
        if alone := [name for name, n in drawn_from(scenario) if n == 1]:
            yield (
                f"only one of each is recorded, and resample draws it every time: {', '.join(alone)}; intervals are "
                "narrower than they should be"
            )
        return
    for surge in demand.surges:
        if surge.at is not None:
            begins = scenario.local.tick_of(surge.at)
            if begins >= scenario.horizon or begins + surge.lasts + surge.fades <= 0:
                yield f"surge '{surge.name}' lies outside the run"


def _labels(scenario: Scenario) -> Iterator[str]:
    used = {stage.label for stage in scenario.stages}
    for name, labeller in scenario.labels.items():
        if name not in used:
            yield f"labeller '{name}' is named by no stage"
        elif labeller.decides == 0:
            yield f"labeller '{name}' never decides"


def _pools(scenario: Scenario) -> Iterator[str]:
    needed = {stage.pool for stage in scenario.stages}
    helping = {one.to for stage in scenario.stages for one in stage.overflow}
    tips = crowd(
        scenario.demand,
        scenario.labels,
        scenario.stages,
        [one for pool in scenario.pools.values() for one in pool.filters],
    )
    for name, pool in scenario.pools.items():
        heads = 0 if pool.levels is None else pool.levels.week()[1].max()
        staffed = pool.staff > 0 or heads > 0 or any(shift.staff > 0 for shift in pool.shifts)
        if name not in needed | helping:
            yield f"pool '{name}' serves no stage"
            continue
        if name in needed and not staffed:
            yield f"pool '{name}' has no staff at any time, and stages need it"
        if pool.hand_over_time > 0 and pool.at_shift_end != "hand_over":
            yield f"pool '{name}' has a hand_over_time, which only at_shift_end: hand_over uses"
        if pool.at_shift_end != "finish" and not pool.shifts:
            yield f"pool '{name}' has no shifts, so nothing happens at their end: its staff is there around the clock"
        if pool.breaks and pool.staff > 0:
            yield f"pool '{name}' has staff around the clock, which takes no breaks"
        if pool.last_start and not pool.shifts:
            yield f"pool '{name}' has no shifts, so no last_start: its staff is there around the clock"
        if pool.absence and pool.staff > 0:
            yield f"pool '{name}' has staff around the clock, of whom nobody is ever away"
        yield from _line(scenario, name, tips)


def _line(scenario: Scenario, name: str, tips: Crowd) -> Iterator[str]:
    """Filters of a line that match nobody, and a pre-emption that cannot act."""
    pool = scenario.pools[name]
    entering = ways(tips, scenario.stages).entering
    ranks, preempting, matched = (
        [],
        [],
        {key: np.zeros(len(getattr(pool, key)), dtype=bool) for key in ("serve_first", "preempt")},
    )
    for number, stage in enumerate(scenario.stages):
        if name not in stage.pools:
            continue
        codes = {**tips.codes, "stage": np.array([[number]])}
        here = entering[number]
        ranks.append(np.broadcast_to(rank(pool.serve_first, tips.names, codes), here.shape)[here])
        may = np.zeros(here.shape, dtype=bool)
        for key, found in matched.items():
            for row, one in enumerate(getattr(pool, key)):
                several = one if isinstance(one, tuple) else (one,)
                hits = np.any([matches(each, tips.names, codes) & here for each in several], axis=0)
                found[row] |= hits.any()
                may |= hits & (key == "preempt")
        preempting.append(may[here])
    for key, found in matched.items():
        for row in np.flatnonzero(~found).tolist():
            yield f"pool '{name}': item {row} of {key} matches no tip that comes there"
    every, may_take = np.concatenate(ranks), np.concatenate(preempting)
    if pool.preempt and not (may_take.any() and every[may_take].min() < every.max()):
        yield f"pool '{name}': preempt can never act, since no tip there has a worse rank in serve_first"


def _ways(scenario: Scenario) -> Iterator[str]:
    tips = coming(scenario)
    entering = ways(tips, scenario.stages).entering
    for stage, here in zip(scenario.stages, entering, strict=True):
        if not here.any():
            yield f"no tip reaches stage '{stage.name}', as the shares are"
        elif stage.merge is not None and (why := _never_merges(scenario)):
            yield f"nothing merges at stage '{stage.name}': {why}"
    yield from _without_a_stage(scenario, tips, entering)


def _never_merges(scenario: Scenario) -> str:
    """Why no incident has two tips, "" where one may."""
    if scenario.demand.trace is not None:
        about = trace(scenario).incident
        n_tips = np.unique(about[about >= 0], return_counts=True)[1]
        return "" if (n_tips > 1).any() else "no incident has two tips in the trace"
    alone = all(one.tips.alone == 1 for one in scenario.demand.incidents.values())
    return "every incident brings one tip" if alone else ""


def _without_a_stage(scenario: Scenario, tips: Crowd, entering: Sequence[Flags]) -> Iterator[str]:
    """Labels for which no stage is, where those beside them have stages of their own.

    Where one label alone has a stage of its own it is a step more for that one, and nothing is said.
    """
    names = scenario.tiers
    own = [stage.for_ is not None and (stage.for_.tier is not None) for stage in scenario.stages]
    if not scenario.labels:
        risk, key = tips.codes["risk"][:, 0], tips.codes["channel"][:, 0] * len(scenario.categories)
        key = key + tips.codes["category"][:, 0]
        for name, values in scenario.own.items():
            key = key * len(values) + tips.codes[name][:, 0]
        reached = np.any([found[:, 0] for found in entering], axis=0)
        by_tier = np.any(
            [found[:, 0] for found, is_own in zip(entering, own, strict=True) if is_own] or [risk < 0], axis=0
        )
        left: set[str] = set()
        for one in np.unique(key):
            mine = (key == one) & tips.alive[:, 0]
            if len(np.unique(risk[mine & by_tier])) > 1:
                left.update(names[code] for code in np.unique(risk[mine & ~reached]).tolist())
    else:
        left = _unserved(scenario, tips, entering, own)
    for name in [*(tier for tier in names if tier in left), *([""] if "" in left else [])]:
        who = (
            f"of tier '{name}'" if name and not scenario.labels else f"labelled '{name}'" if name else "without a label"
        )
        after = " any more" if scenario.labels else ""
        yield f"tips {who} come to no stage{after}, where other tiers have stages of their own"


def _unserved(scenario: Scenario, tips: Crowd, entering: Sequence[Flags], own: Sequence[bool]) -> set[str]:
    """The labels, "" for none, with which a tip can leave some labelling stage and have no stage after it."""
    found: set[str] = set()
    for number, stage in enumerate(scenario.stages):
        if stage.label is None or stage.rework is not None:
            continue
        states = tips.labelled(stage.label, entering[number][..., None])[..., 0]
        later = range(number + 1, len(scenario.stages))
        admitted = np.any([tips.admitted[at] for at in later] or [np.zeros_like(states)], axis=0)
        by_tier = np.any([tips.admitted[at] for at in later if own[at]] or [np.zeros_like(states)], axis=0)
        several = by_tier[:, tips.columns(stage.label)].sum(axis=1) > 1
        left = states & ~admitted & several[:, None]
        labels = tips.codes["tier"][0, left.any(axis=0)] + 1
        found.update(("", *scenario.tiers)[label] for label in labels.tolist())
    return found


def _targets(scenario: Scenario) -> Iterator[str]:
    has_patience = any(stage.attempts for stage in scenario.stages)
    tips = coming(scenario)
    for name, target in scenario.targets.items():
        if not isinstance(target, OfTips):
            continue
        if why := target.pointless(has_patience):
            yield f"target '{name}': {why}"
        ends = target.asked_for[:2] or (None, None)
        ending = ways(tips, scenario.stages, *ends).ending[tips.of(target.of)]
        if not ending.any():
            yield f"target '{name}': no tip is of its kind, as the shares are"
        elif ends[0] is not None and ends[1] is not None and not ending[:, FROM | TO].any() and _comes(ends[1]):
            yield f"target '{name}': no tip that it judges has both moments, as the shares are"
        if isinstance(target, Timed) and _backwards(scenario, target.from_, target.to):
            yield f"target '{name}' ends before it begins: '{target.to_name}' comes before '{target.from_name}'"
        if target.allowed == 0 and value_bounds(scenario, target) == SHARE:
            yield (
                f"target '{name}' allows no exception, and no simulation can show that: it is missed at the first tip "
                "that fails, and undecided until then"
            )


def _comes(end: Milestone) -> bool:
    """Whether tips come to a moment on their way; whether one finds room is not told by the way."""
    return all(moment.what != "turned_away" for moment in end.moments)


def _backwards(scenario: Scenario, start: Milestone, stop: Milestone) -> bool:
    """Whether every moment of `stop` comes before every moment of `start` on the way; with rework one cannot tell."""
    if any(stage.rework for stage in scenario.stages) or any(
        one.what == "lost" for one in (*start.moments, *stop.moments)
    ):
        return False
    order = {"arrival": (-1, 0), "leave": (len(scenario.stages), 0)}
    steps = ("enter", "start", "merged", "end")
    at = [
        [
            order[one.what] if one.stage is None else (scenario.stage_index(one.stage), steps.index(one.what))
            for one in milestone.moments
        ]
        for milestone in (start, stop)
    ]
    return max(at[1]) < min(at[0])
