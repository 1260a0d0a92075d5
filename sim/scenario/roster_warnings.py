"""What a roster says that is allowed, and may still not be meant: hours without anybody, rows that say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, HOUR, WEEK
from sim.scenario import units
from sim.scenario.arrivals import by_hour_of_week, channel_mix, expected_tips
from sim.scenario.calendars import Calendar, plain_week
from sim.scenario.dates import dates_words
from sim.scenario.flow import flow, offered_hours, reaching
from sim.scenario.pools import Pool
from sim.scenario.schema import Law, Scenario
from sim.scenario.shifts import pieces_of_week, roster_week, seat_hours
from sim.scenario.targets import Between

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
        yield f"pool '{name}': nobody is on duty {when}{on}, when {tips_words} a week come"


def _is_meant(scenario: Scenario, number: int, begins: int, ends: int) -> bool:
    """Whether a document says itself that nobody is at a stage from one tick of the week to another.

    So it does where the gate of the stage is shut by a calendar, or every target that asks for the stage goes by a
    clock that stands still.
    """
    stage = scenario.stages[number]
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
