"""A scenario in words: what comes, calendars, the run, who is there, who labels. Nothing here prints or measures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from sim.dynamics.clock import DAY, HOUR, YEAR
from sim.scenario import units
from sim.scenario.arrivals import of_incident
from sim.scenario.calendars import EVERY_DAY, countries_in, dates_words, holiday_name, on_dates, open_hours
from sim.scenario.counts import counts
from sim.scenario.pools import filter_words, rank_words
from sim.scenario.profiles import levels
from sim.scenario.together import Incident, mean_day, not_poisson
from sim.scenario.units import WEEKDAYS, length, listed, percent
from sim.text.words import clock, count, day, number_text, shares, so_many

if TYPE_CHECKING:
    from sim.scenario.calendars import Calendar, Row
    from sim.scenario.demand import OnDates
    from sim.scenario.levels import Levels
    from sim.scenario.pools import Breaks
    from sim.scenario.schema import Demand, Labeller, Pool, Scenario, Surge

MOST_DATES: Final = 12
"""So many dates are named in a sentence; the rest are counted."""
NAMED_ROWS: Final = 3
"""So many rows of a roster are named."""


def demand_words(scenario: Scenario) -> Iterator[str]:
    """What comes in: a sentence each for volume, surges, channels, truth, subjects and centres."""
    demand = scenario.demand
    yield _volume(demand)
    if (counted := counts(scenario)) is not None:
        gaps = f", and {counted.n_gaps} gaps in which nothing comes" if counted.n_gaps else ""
        yield f"{demand.counts} tells the tips by {length(counted.step)}{gaps}"
    yield from (_on_dates(row) for row in demand.by_date)
    yield from _swings(demand)
    yield from (_surge(surge) for surge in demand.surges)
    if demand.trace is None:
        for name, incident in demand.incidents.items():
            yield _incident(scenario, name, incident)
        if together := not_poisson(demand):
            yield (
                f"tips come together by {listed(together)}: formulas for arrivals one by one at random, such as "
                "Erlang's, do not hold"
            )
    if len(demand.channels) > 1:
        own = [name for name, channel in demand.channels.items() if channel.by_hour or channel.by_weekday]
        hours = f"; with hours of their own: {', '.join(own)}" if own else ""
        yield f"by channel: {_channels(demand)}{hours}"
    yield from _truth(demand)
    if len(demand.categories) > 1:
        yield f"by category: {shares(demand.categories)}"
    for name, rows in demand.attributes.items():
        yield from _by_channel(name, rows)
    if len(scenario.centres) > 1:
        even = len(set(scenario.centres.values())) == 1
        yield f"{len(scenario.centres)} equal centres" if even else f"by centre: {shares(scenario.centres)}"
    for stage, waiting in (scenario.start_with.backlog if scenario.start_with else {}).items():
        yield f"{so_many(waiting, 'tip')} {'waits' if waiting == 1 else 'wait'} at {stage} when the run starts"


def _volume(demand: Demand) -> str:
    if demand.trace is not None:
        how = {"day": ", whole days drawn with return, weekday for weekday", "week": ", whole weeks drawn with return"}
        return f"the tips recorded in {demand.trace}{how.get(demand.trace.resample or '', '')}"
    if demand.counts is not None:
        text = f"so many tips as {demand.counts} expects by interval"
    elif demand.volume is not None:
        text = f"{so_many(demand.volume.a_day * YEAR / DAY, 'tip')} a year, {number_text(demand.volume.a_day)} a day"
    elif demand.own_volumes:
        text = "each channel has a volume of its own"
    else:
        text = "no tips but those of incidents"
    if demand.growth:
        text += f", {'growing' if demand.growth > 0 else 'falling'} {percent(abs(demand.growth))} a year"
    if (by := list(_profiles(demand))) and demand.counts is None:
        text += f", by {' and '.join(by)}"
    if demand.busyness_cv:
        text += f"; days vary by {percent(demand.busyness_cv)} (cv)"
    return text


def _swings(demand: Demand) -> Iterator[str]:
    """Dates and hours that are busy or quiet as a whole."""
    if demand.trace is not None:
        return
    for name, kind in demand.day_kinds.items():
        given = {one or "as many": factor for one, factor in kind.factor.items()}
        yield f"{percent(kind.share)} of the dates are {name}: {shares(given)}"
    if demand.day_kinds:
        plain, of_day = mean_day(demand)
        factors = dict(zip(demand.channels, of_day.sum(axis=1).tolist(), strict=True))
        held = shares(factors) if len({*factors.values()}) > 1 else percent(next(iter(factors.values())))
        told = f"; of incidents {percent(plain)}" if demand.incidents else ""
        yield f"over all dates so many times as many: {held}{told}"
    if (swings := demand.busyness) is not None:
        to_next = f", each correlated {swings.correlation:.2g} with the one before" if swings.correlation else ""
        yield f"each {length(swings.every)} varies by {percent(swings.cv)} (cv){to_next}"


def _incident(scenario: Scenario, name: str, incident: Incident) -> str:
    """How often, how many tips, how soon, what they are, and what that comes to."""
    demand = scenario.demand
    over = "at once" if incident.over.mean == 0 else f"within {length(round(incident.over.mean))} on average"
    given = {"channels": incident.channels, "risk": incident.risk, "category": incident.category}
    given |= {key: incident.attributes.get(key) for key in demand.attributes}
    what = "".join(f"; {key} {shares(one)}" for key, one in given.items() if one is not None)
    tips = float(of_incident(levels(scenario), name).sum()) * DAY / scenario.horizon
    return (
        f"incident '{name}': {count(incident.rate * YEAR / DAY)} a year, {number_text(incident.rate)} a day, each with "
        f"{incident.tips.words} tips {over}{what}; {number_text(tips)} tips a day"
    )


def _channels(demand: Demand) -> str:
    """What comes by each channel, and when it is open."""
    parts = []
    for name, one in demand.channels.items():
        much = "" if one.share is None else f" {percent(one.share)}"
        if one.volume is not None:
            of_open = " of open time" if one.volume.of_open and one.open else ""
            rate = one.volume.a_day * HOUR / DAY if one.volume.of_open else one.volume.a_day
            much = f" {number_text(rate)} {'an hour' + of_open if one.volume.of_open else 'a day'}"
        parts.append(f"{name}{much}{f' while {one.open} is open' if one.open else ''}")
    return ", ".join(parts)


def _profiles(demand: Demand) -> Iterator[str]:
    """What the profiles of the demand go by."""
    if demand.by_hour:
        parts = {24: "hour", 48: "half hour", 96: "quarter of an hour", 288: "5 min"}
        yield parts[max(map(len, demand.by_hour.values()))]
        if len(demand.by_hour) > 1:
            yield "day"
    if demand.by_weekday:
        yield "weekday"


def _on_dates(row: OnDates) -> str:
    """What is said of dates of the demand."""
    much = [] if row.factor == 1 else [f"{percent(row.factor)} of the tips"]
    like = [] if row.like is None else [f"the profile of a {WEEKDAYS[row.like]}"]
    return f"on {dates_words(row.on)}: {' and '.join([*like, *much]) or 'as ever'}"


def calendar_words(scenario: Scenario) -> Iterator[str]:
    """What each calendar says: how long it is open a week and when, and on which dates of the run it is closed."""
    for name, calendar in scenario.calendars.items():
        rows = [f"{_when(row)} {clock(row.from_)} to {clock(row.from_ + row.length)}" for row in calendar.open]
        text = f"{name}: open {open_hours(calendar) / HOUR:.4g} h a week ({'; '.join(rows)})"
        yield text + _closed(scenario, calendar)


def _when(row: Row) -> str:
    return f"only on {dates_words(row.on)}" if row.on else days_words(row.days)


def days_words(days: frozenset[int]) -> str:
    """Days of the week, those that follow one another as a range.

    >>> days_words(frozenset({0, 1, 2, 3, 4})), days_words(frozenset({5, 6})), days_words(frozenset(range(7)))
    ('mon-fri', 'sat, sun', 'daily')
    """
    first, last = min(days), max(days)
    if 2 < len(days) < 7 and last - first + 1 == len(days):
        return f"{units.DAYS[first]}-{units.DAYS[last]}"
    return units.day_names(days)


def _closed(scenario: Scenario, calendar: Calendar) -> str:
    """The dates of the run on which a calendar is closed and else would open, by name where they are holidays."""
    import numpy as np

    local = scenario.local
    n = len(local.days_until(scenario.horizon))
    shut = on_dates(calendar.closed_on, local.first_date, n, scenario.calendars)
    dates = [local.date_of(int(at)) for at in np.flatnonzero(shut)]
    open_days = frozenset(at for row in calendar.open for at in row.days)
    countries = countries_in(calendar.closed_on, scenario.calendars)
    named = {at: holiday_name(at, countries) for at in dates if at.weekday() in open_days}
    if not named:
        return "; closed on no date of the run" if calendar.closed else ""
    what = "holiday" if all(named.values()) else "date"
    told = [f"{day(at)}{f' {name}' if name else ''}" for at, name in list(named.items())[:MOST_DATES]]
    more = f" and {len(named) - MOST_DATES} more" if len(named) > MOST_DATES else ""
    return f"; closed on {len(named)} {what}{'s' if len(named) > 1 else ''} in the run: {', '.join(told)}{more}"


def _surge(surge: Surge) -> str:
    when = f"from {day(surge.at)} {surge.at:%H:%M}" if surge.at else f"{surge.per_year:.4g} times a year at random"
    fades = f", fading over {length(surge.fades)}" if surge.fades else ""
    where = f" on {surge.channel}" if surge.channel else ""
    lasts = length(surge.lasts)
    return f"surge '{surge.name}': {surge.factor:.4g} times as many{where} {when}, for {lasts}{fades}"


def _truth(demand: Demand) -> Iterator[str]:
    if len(next(iter(demand.risk.values()))) > 1:
        yield from _by_channel("true risk", demand.risk)


def _by_channel(what: str, table: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """Shares in one sentence, or in one for each channel where they differ."""
    rows = list(table.values())
    if all(row == rows[0] for row in rows):
        yield f"{what}: {shares(rows[0])}"
    else:
        for channel, row in table.items():
            yield f"{what} by {channel}: {shares(row)}"


def run_words(scenario: Scenario) -> list[str]:
    """When, how long and how often is simulated."""
    changes = scenario.local.changes(scenario.horizon)
    return [
        f"from {day(scenario.start)}: {length(scenario.run.warm_up)} warm-up, {length(scenario.run.length)} measured, "
        f"{length(scenario.cool_down)} cool-down",
        f"{so_many(scenario.run.replications, 'replication')}, seed {scenario.run.seed}, "
        f"{percent(scenario.run.confidence)} confidence",
        *([_zone(scenario, changes)] if scenario.run.zone is not None else []),
    ]


def _zone(scenario: Scenario, changes: Sequence[tuple[int, int]]) -> str:
    """The zone by whose clock the run goes, and when that is changed."""
    told = [
        f"put {'forward' if ahead > 0 else 'back'} {length(abs(ahead))} on {day(scenario.local.shows(tick))}"
        for tick, ahead in changes[:MOST_DATES]
    ]
    return f"by the clock of {scenario.run.zone}" + (f", which is {' and '.join(told)}" if told else "")


def pool_words(scenario: Scenario, name: str) -> list[str]:
    """Who is on duty when, whom they serve first, and what happens when they go."""
    pool = scenario.pools[name]
    found = [", ".join(_roster(pool)) + _where(scenario, pool)]
    if pool.slots > 1:
        found.append(f"each person serves {pool.slots} tips at a time{_slowing(pool)}")
    found += _speed(pool)
    if pool.absence:
        found.append(
            f"each person of a shift is away with {percent(pool.absence)}, paid: by chance, on each date anew; "
            f"{_absent(pool)}"
        )
    if pool.shifts:
        found += [f"{_break(kind)}, staggered and not replaced" for kind in pool.breaks]
    if pool.shifts and pool.last_start:
        found.append(f"in the last {length(pool.last_start)} of a shift its people take nobody new")
    if pool.shifts:
        found.append(f"at the end of a shift: {_SHIFT_ENDS[pool.at_shift_end].format(length(pool.hand_over_time))}")
    if pool.order != "first_come":
        found.append(_ORDERS[pool.order])
    if pool.serve_first:
        ranks = ", then ".join(rank_words(one) for one in pool.serve_first)
        found.append(f"serve first {ranks}, then all others")
    if pool.preempt:
        found.append(f"work is interrupted for {' and '.join(filter_words(one) for one in pool.preempt)}")
    return found


_ORDERS: Final = {
    "last_come": "the last to come is served first",
    "random": "the next to be served is drawn among those who wait",
    "due": "the earliest due is served first",
}

_SHIFT_ENDS: Final = {
    "finish": "they finish the tip in hand, in overtime",
    "resume": "the next free server goes on with the tip",
    "hand_over": "the next free server goes on with the tip, after {} of hand-over",
    "restart": "the tip is begun anew by the next free server",
    "clear_line": "they stay, in overtime, until no tip waits that had come before the end",
}


def _slowing(pool: Pool) -> str:
    """How fast each of several tips in hand goes, in words."""
    speeds = pool.concurrency.speed
    if speeds is None:
        return ""
    each = ", ".join(f"{percent(speed)} with {k}" for k, speed in enumerate(speeds, 1))
    return f", each at {each} in hand; at most {pool.capacity:.3g} times as much as with one"


def _speed(pool: Pool) -> Iterator[str]:
    """How fast the people of a pool work, where that is not full speed everywhere."""
    speed = pool.speed
    if speed.always != 1:
        yield f"they work at {percent(speed.always)} of full speed"
    if speed.by_hour is not None and len(set(speed.by_hour)) > 1:
        least, most = percent(min(speed.by_hour)), percent(max(speed.by_hour))
        yield f"they work at {least} to {most} of full speed, by the time of day at which they start a tip"
    if speed.by_stage:
        stages = ", ".join(f"{name} at {percent(factor)}" for name, factor in speed.by_stage.items())
        yield f"of full speed: {stages}"


def _absent(pool: Pool) -> str:
    """How often all people of a row are there, in words."""
    rows = [
        f"all {shift.staff} of {clock(shift.from_)} come on "
        f"{percent(round((1 - pool.absence) ** shift.staff, 2))} of days"
        for shift in pool.shifts
        if shift.staff > 1
    ]
    return ", ".join(dict.fromkeys(rows[:NAMED_ROWS])) or "each is alone"


def _break(kind: Breaks) -> str:
    """A kind of break in words."""
    times = f"{kind.per_shift} times" if kind.per_shift > 1 else "once"
    between = f", between {clock(kind.between.from_)} and {clock(kind.between.to)}" if kind.between else ""
    return f"a break of {length(kind.lasts)} {times} a shift{between}"


def _levels(levels: Levels) -> Iterator[str]:
    """Levels in words: the heads, and when they are most and least."""
    ticks, heads = levels.week()
    many = "levels by date" if levels.dated else "levels"
    if heads.min() == heads.max():
        yield f"{heads[0]:.3g} heads by {many}"
        return
    top = int(ticks[heads.argmax()])
    when = "" if levels.dated else f", most from {units.DAYS[top // DAY]} {clock(top % DAY)} on"
    yield f"{heads.min():.3g} to {heads.max():.3g} heads by {many}{when}"


def _roster(pool: Pool) -> Iterator[str]:
    if pool.levels is not None:
        yield from _levels(pool.levels)
    for shift in pool.shifts:
        if shift.on:
            on = f" (only on {dates_words(shift.on)})"
        else:
            on = "" if shift.days == EVERY_DAY else f" ({units.day_names(shift.days)})"
        yield f"{shift.staff} from {clock(shift.from_)} to {clock(shift.to)}{on}"
    if pool.staff or not (pool.shifts or pool.levels):
        yield f"{pool.staff or 'nobody'} around the clock"


def _where(scenario: Scenario, pool: Pool) -> str:
    if len(scenario.centres) == 1:
        return ""
    return ", shared by all centres" if pool.shared else ", in each centre"


def labeller_words(name: str, labeller: Labeller) -> str:
    """Who labels how much, and how often rightly, by true risk."""
    right = {risk: row[risk] for risk, row in labeller.assigns.items() if risk in row}
    decides = "every tip" if labeller.decides == 1 else f"{percent(labeller.decides)} of the tips"
    rightly = f"; rightly {shares(right)}" if right else ""
    return f"{name} labels {decides}{rightly}"
