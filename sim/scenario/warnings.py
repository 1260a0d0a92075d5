"""What a document says that is allowed, and may still not be meant, hours without anybody on a roster among it.

Nothing here stops a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, HOUR, WEEK
from sim.dynamics.replication import Flags
from sim.scenario import units
from sim.scenario.arrivals import by_hour_of_week, channel_mix, expected_tips
from sim.scenario.calendars import Calendar, dates_words, plain_week
from sim.scenario.certain import SHARE, value_bounds
from sim.scenario.chance import is_certain
from sim.scenario.flow import coming, flow, offered_hours, reaching
from sim.scenario.pools import Pool
from sim.scenario.routes import FROM, TO, Crowd, asides_of, crowd, ways
from sim.scenario.rules import matches, rank
from sim.scenario.schema import Law, Milestone, Scenario
from sim.scenario.shifts import pieces_of_week, roster_week, seat_hours
from sim.scenario.targets import Between, OfTips, Timed
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
        for one in stage.overflow:
            if stage.waiting_room == 0 and one.after > 0:
                yield (
                    f"stage '{stage.name}': who finds nobody free is turned away, as waiting_room is 0, and does not "
                    f"wait {units.duration_text(one.after)} to overflow to '{one.to}'; without `after` it does at once"
                )
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


Floats = NDArray[np.float64]

MOST_HEADS: Final = 200
"""Up to so many people in a place the overtime at a change of shift is reckoned state by state, else from the mean."""

LONG: Final = 200.0
"""Mean services after which a line is as it is in the long run."""

LITTLE: Final = 0.005
"""Overtime of a smaller share of the hours on seat is not worth a warning."""

FEW_TIPS: Final = 0.5
"""Fewer tips a replication than this are not worth a warning."""


def roster_warnings(scenario: Scenario) -> list[str]:
    """Each a sentence, pool by pool."""
    looks = (_nobody, _twice, _relieved, _restarted)
    found = [text for name in scenario.pools for look in looks for text in look(scenario, name)]
    return [*found, *_some_never_off(scenario)]


def _nobody(scenario: Scenario, name: str) -> Iterator[str]:
    """Hours at which nobody is on duty, neither there nor where a stage overflows to, while tips come."""
    mine, pool = scenario.stages_of(name), scenario.pools[name]
    if not mine or not (pool.levels or any(shift.staff for shift in pool.shifts)) or pool.staff:
        return
    rate, known = by_hour_of_week(scenario), dict[tuple[int, ...], Floats]()
    stretches: dict[tuple[int, int], tuple[list[int], float]] = {}
    for begins, ends, stages in _uncovered(scenario, pool, mine):
        if stages not in known:
            known[stages] = rate @ reaching(scenario, stages)
        tips = _between(known[stages], begins, ends)
        if tips > 0 and not all(_is_meant(scenario, number, begins, ends) for number in stages):
            days, so_far = stretches.setdefault((begins % DAY, ends - begins), ([], 0.0))
            days.append(begins // DAY % 7)
            stretches[begins % DAY, ends - begins] = (days, so_far + tips)
    for (begins, length), (days, tips) in stretches.items():
        until = (begins + length) % DAY
        when = f"{units.clock(begins)} to {units.clock(until) if until else '24:00'}"
        on = "" if len(days) == 7 else f" on {units.day_names(frozenset(days))}"
        if length > DAY:
            when, on = f"from {units.clock(begins)}{on} for {units.duration_text(length)}", ""
        tips_words = f"{tips:,.0f} tips" if round(tips) > 1 else "a tip" if round(tips) == 1 else "fewer than one tip"
        come = "come" if round(tips) > 1 else "comes"
        yield f"pool '{name}': nobody is on duty {when}{on}, when {tips_words} a week {come}"


def _is_meant(scenario: Scenario, number: int, begins: int, ends: int) -> bool:
    """Whether a document says itself that nobody is at a stage from one tick of the week to another.

    So it does where the gate of the stage is shut by a calendar, or that of a door before it, or every target that asks
    for the stage goes by a clock that stands still.
    """
    stage = scenario.stages[number]
    if any(not _open_between(scenario.calendars[name], begins, ends) for name in _doors(scenario, number)):
        return True
    asking = [
        target.runs_by
        for target in scenario.targets.values()
        if isinstance(target, Between)
        and any(moment.stage == stage.name for end in (target.from_, target.to) for moment in end.moments)
    ]
    shut = [stage.open] if stage.open is not None else asking
    return bool(shut) and all(
        name is not None and not _open_between(scenario.calendars[name], begins, ends) for name in shut
    )


def _doors(scenario: Scenario, number: int) -> Iterator[str]:
    """The calendars of the gates through which all come to a stage, and behind which they lose no time."""
    stage, before = scenario.stages[number], scenario.stages[:number]
    sent_back = {one.rework.back_to for one in scenario.stages if one.rework is not None}
    for row, one in enumerate(before):
        at_once = one.delay is not None and all(law.most == 0 for law in one.delay.values.values())
        all_come = one.for_ in (None, stage.for_) and set(one.share.values.values()) == {1.0} and not one.after
        elsewhere = any(other.name in one.asides for other in before) or one.name in asides_of(scenario.stages)
        returns = any(other.name in sent_back for other in scenario.stages[row + 1 : number + 1])
        if one.open is not None and at_once and all_come and not (elsewhere or returns):
            yield one.open


def _open_between(calendar: Calendar, begins: int, ends: int) -> bool:
    """Whether a calendar is open at some time of a stretch of the plain week, which may pass Sunday midnight."""
    opens, closes = plain_week(calendar)
    return any(((opens + late < ends) & (closes + late > begins)).any() for late in (0, WEEK))


def _uncovered(scenario: Scenario, pool: Pool, mine: list[int]) -> list[tuple[int, int, tuple[int, ...]]]:
    """Stretches of the week in which nobody is there for some stages: first tick, end and these stages.

    A stretch that passes Sunday midnight is one; a week in which nobody ever is there is none of them.
    """
    helpers = [(number, scenario.pools[over.to]) for number in mine for over in scenario.stages[number].overflow]
    rosters = [roster_week(one) for one in (pool, *(helper for _, helper in helpers))]
    edges = np.unique(np.concatenate([edges for edges, _ in rosters]))
    own, *others = [people[np.searchsorted(at, edges[:-1], side="right") - 1] for at, people in rosters]
    helped: dict[int, Floats] = {}
    for (number, _), there in zip(helpers, others, strict=True):
        helped[number] = helped.get(number, np.zeros_like(there)) + there
    found: list[tuple[int, int, tuple[int, ...]]] = []
    for piece, (begins, ends) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        alone = tuple(number for number in mine if not (number in helped and helped[number][piece]))
        if own[piece] or not alone:
            continue
        if found and found[-1][1] == begins and found[-1][2] == alone:
            found[-1] = (found[-1][0], ends, alone)
        else:
            found.append((begins, ends, alone))
    if len(found) > 1 and found[0][0] == 0 and found[-1][1] == WEEK and found[0][2] == found[-1][2]:
        first = found.pop(0)
        found[-1] = (found[-1][0], WEEK + first[1], found[-1][2])
    return found


def _between(a_tick: Floats, begins: int, ends: int) -> float:
    """What comes from one tick of the week to another, at (168,) so many a tick in each hour."""
    hours = np.arange(begins // HOUR, -(-ends // HOUR))
    spent = np.minimum((hours + 1) * HOUR, ends) - np.maximum(hours * HOUR, begins)
    return float(a_tick[hours % 168] @ spent)


def _twice(scenario: Scenario, name: str) -> Iterator[str]:
    shifts = scenario.pools[name].shifts
    rows = Counter((shift.from_, shift.to, shift.staff, shift.days, shift.on) for shift in shifts)
    for (begins, ends, staff, days, on), n in rows.items():
        if n > 1 and staff:
            when = dates_words(on) if on else units.day_names(days)
            row = f"{staff} from {units.clock(begins)} to {units.clock(ends)}, {when}"
            yield f"pool '{name}': the row of shifts '{row}' stands there {n} times, and all of them are on duty"


def _relieved(scenario: Scenario, name: str) -> Iterator[str]:
    """Changes of shift at which as many come as leave, so that the tips in hand go on beside the new people.

    Who wrote `at_shift_end` has chosen what becomes of them.
    """
    pool = scenario.pools[name]
    if pool.at_shift_end != "finish" or "at_shift_end" in pool.model_fields_set or not scenario.stages_of(name):
        return
    changes = _reliefs(pool)
    if not changes:
        return
    hours = _overtime(scenario, name, changes)
    if hours < LITTLE * seat_hours(scenario, name):
        return
    times = sorted({tick % DAY for tick in changes})
    people = sorted(set(changes.values()))
    at = (
        f"at {units.listed([units.clock(time) for time in times])}"
        if len(times) <= 4
        else f"at {len(times)} times of the day"
    )
    many = str(people[0]) if len(people) == 1 else f"{people[0]} to {people[-1]}"
    yield (
        f"pool '{name}': {at} {many} leave and {many} come: their tips go on in overtime beside the new team, about "
        f"{hours:,.0f} h a week; where these are heads and not people, `levels` says heads; where people do change, "
        "say at_shift_end: finish"
    )


def _reliefs(pool: Pool) -> dict[int, int]:
    """The ticks of the week at which as many people come as leave, and how many; of one place."""
    coming, leaving = Counter[int](), Counter[int]()
    for shift in pool.shifts:
        for day in shift.days:
            coming[(day * DAY + shift.from_) % WEEK] += shift.staff
            leaving[(day * DAY + shift.from_ + shift.length) % WEEK] += shift.staff
    return {tick: people for tick, people in sorted(coming.items()) if people and leaving[tick] == people}


def _overtime(scenario: Scenario, name: str, changes: dict[int, int]) -> float:
    """Hours of overtime that these changes of shift make in a week, in all centres together.

    At each, those of the leavers who are busy go on for the time that is left of their work: E[S^2] / (2 E[S]) on
    average. How many are busy follows from a line with Poisson arrivals and exponential work in which, from one change
    to the next, the tips in hand have gone out of it (a Markov chain, stepped from change to change until it repeats).
    """
    pool, at = scenario.pools[name], list(scenario.pools).index(name)
    centres = 1 if pool.shared else len(scenario.centres)
    load = offered_hours(scenario)[at] / centres / pool.capacity
    mean, left = _work(scenario, name)
    if mean <= 0:
        return 0.0
    edges, people = roster_week(pool)
    ticks = list(changes)
    busy, state = 0.0, np.ones(1)
    for _lap in range(3):  # the third lap starts from a state that two have settled
        busy = 0.0
        for before, tick in zip((ticks[-1] - WEEK, *ticks[:-1]), ticks, strict=True):
            heads = round(people[np.searchsorted(edges, (tick - 1) % WEEK, side="right") - 1])
            arriving = float(load[(tick - 1) % WEEK // HOUR])
            if heads > MOST_HEADS:
                leaving = min(arriving, heads) * changes[tick] / heads
            else:
                state, leaving = _stepped(state, arriving, heads, changes[tick], (tick - before) / mean)
            busy += leaving
    return busy * left / HOUR * centres


def _stepped(state: Floats, load: float, heads: int, leaving: int, spans: float) -> tuple[Floats, float]:
    """The number in a line of `heads` people after so many mean services, and how many of the leavers are busy then.

    The state handed back is that just after the busy leavers have taken their tips out of the line.
    """
    step = _step(round(load, 9), heads, round(min(spans, LONG), 9))
    size = len(step)
    before = np.zeros(size)
    before[: min(len(state), size)] = state[:size]
    after = before / max(before.sum(), 1e-12) @ step
    number = np.arange(size)
    # The people of the row leave, who are as likely to be busy as any.
    gone = np.minimum(number, heads) * leaving / max(heads, 1)
    left = np.zeros(size)
    np.add.at(left, number - np.rint(gone).astype(np.int64), after)
    return left, float(after @ gone)


@lru_cache(maxsize=1000)
def _step(load: float, heads: int, spans: float) -> Floats:
    """How the number in a line of so many people moves in so many mean services: exp(rate x spans), by squaring."""
    size = 2 * heads + 60
    number = np.arange(size)
    rate = np.zeros((size, size))
    rate[number[:-1], number[1:]] = load
    rate[number[1:], number[:-1]] = np.minimum(number[1:], heads)
    rate[number, number] = -rate.sum(axis=1)
    halvings = max(int(np.ceil(np.log2(max(spans * (load + heads), 1e-9) * 64))), 0)
    found: Floats = np.linalg.matrix_power(np.eye(size) + rate * (spans / 2**halvings), 2**halvings)
    return found


def _work(scenario: Scenario, pool: str) -> tuple[float, float]:
    """Mean ticks of a visit to a pool, and mean ticks left of the work in hand at any moment."""
    visits = flow(scenario).visits @ channel_mix(scenario)
    first = second = n = 0.0
    for number in scenario.stages_of(pool):
        laws = list(scenario.stages[number].time.values.values())
        for law in laws:
            share = float(visits[number]) / len(laws)
            mean = float(law.mean)
            n, first, second = n + share, first + share * mean, second + share * mean**2 * (1 + float(law.cv) ** 2)
    return (first / n, second / (2 * first)) if n and first else (0.0, 0.0)


def _restarted(scenario: Scenario, name: str) -> Iterator[str]:
    """Work that is begun anew at the end of a shift, and is longer than anybody is there."""
    pool = scenario.pools[name]
    if pool.at_shift_end != "restart" or pool.staff or not pool.shifts:
        return
    longest = max((ends - begins for begins, ends, people in pieces_of_week(pool) if people), default=0)
    if not longest:
        return
    visits = flow(scenario).visits @ channel_mix(scenario) * expected_tips(scenario)[0]
    for number in scenario.stages_of(name):
        stage = scenario.stages[number]
        share = max(_longer(law, longest) for law in stage.time.values.values())
        if share * float(visits[number]) >= FEW_TIPS:
            rest = units.duration_text(longest)
            many = "its work" if share == 1 else f"{100 * share:.2g} % of its work"
            yield (
                f"pool '{name}': {many} at stage '{stage.name}' is longer than the longest time that anybody is there, "
                f"{rest}, and at_shift_end: restart begins it anew: it never ends"
            )


def _longer(law: Law, ticks: int) -> float:
    """The share of times that are longer than so many ticks."""
    return float(1 - np.asarray(law.cdf(ticks)))


def _some_never_off(scenario: Scenario) -> Iterator[str]:
    """Pools without shrinkage beside others that have some: their people are never off."""
    if scenario.run.shrinkage is not None:
        return
    there = {name: pool for name, pool in scenario.pools.items() if any(people for *_, people in pieces_of_week(pool))}
    given = [name for name, pool in there.items() if pool.shrinkage is not None]
    without = [name for name, pool in there.items() if pool.shrinkage is None]
    if any(there[name].shrinkage for name in given) and without:
        yield (
            f"nobody is ever off in {units.listed(without)}: no shrinkage is given there, as it is for "
            f"{units.listed(given)}; "
            "run.shrinkage gives it to all pools without their own (hours and cost depend on it, verdicts do not)"
        )
