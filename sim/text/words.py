"""Parts of a scenario in words, and numbers as people read them. Nothing here prints or measures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sim.dynamics.clock import DAY, HOUR, MINUTE, SECOND, YEAR, date_of
from sim.scenario import units
from sim.scenario.describe import filter_words
from sim.scenario.pools import EVERY_DAY

if TYPE_CHECKING:
    from sim.measures.evidence import NothingFailed
    from sim.scenario.schema import Demand, Labeller, Pool, Scenario, Surge, Target


def percent(share: float) -> str:
    """A share as it is written in a document.

    >>> percent(0.025), percent(0.6)
    ('2.5 %', '60 %')
    """
    return f"{100 * share:.4g} %"


def nothing_failed_words(found: NothingFailed) -> str:
    """What a run shows in which nothing failed, and what the threshold needs; the share is rounded down.

    >>> from sim.measures.evidence import NothingFailed
    >>> nothing_failed_words(NothingFailed(shows=0.997209, threshold=0.999, needs=56))
    'nothing failed: that shows 99.72 %; 99.9 % needs 56 replications'
    >>> nothing_failed_words(NothingFailed(shows=0.997209, threshold=1.0, needs=None))
    'nothing failed: that shows 99.72 %; no simulation can show 100 %'
    """
    places = 2
    while found.shows < 1 and round(100 * found.shows, places) >= 100 and places < 8:
        places += 1
    shows = math.floor(found.shows * 100 * 10**places) / 10**places
    threshold = f"{100 * found.threshold:.8g} %"
    needs = "no simulation can show " + threshold
    if found.needs is not None:
        needs = f"{threshold} needs {count(found.needs)} replications"
    return f"nothing failed: that shows {shows:.{places}f} %; {needs}"


def count(number: float) -> str:
    """A number of things, rounded, with its thousands apart.

    >>> count(30657.5)
    '30,658'
    """
    return f"{number:,.0f}"


def span(length: float) -> str:
    """A time that passed, in its two largest units.

    >>> span(432 * SECOND), span(3 * HOUR), span(49 * HOUR + MINUTE), span(300_000)
    ('7 min 12 s', '3 h', '2 d 1 h', '0.3 s')
    """
    if length < MINUTE:
        return f"{length / SECOND:.3g} s"
    for large, unit, small, fraction in (
        (DAY, "d", HOUR, "h"),
        (HOUR, "h", MINUTE, "min"),
        (MINUTE, "min", SECOND, "s"),
    ):
        if length >= large:
            whole, rest = divmod(round(length / small), large // small)
            return f"{whole} {unit} {rest} {fraction}" if rest else f"{whole} {unit}"
    raise AssertionError(length)


def length(ticks: int) -> str:
    """A time that is asked for or given, as one would say it: never in weeks, and a day as 24 hours.

    >>> length(364 * DAY), length(DAY), length(90 * MINUTE)
    ('364 d', '24 h', '90 min')
    """
    if ticks == DAY:
        return "24 h"
    return f"{ticks // DAY} d" if ticks and ticks % DAY == 0 else units.duration_text(ticks)


def clock(ticks: int) -> str:
    """A time of day.

    >>> clock(7 * HOUR)
    '07:00'
    """
    return f"{ticks // HOUR:02}:{ticks // MINUTE % 60:02}"


def day(at: datetime) -> str:
    """A date with its day of the week.

    >>> day(datetime(2025, 1, 6))
    'Mon 2025-01-06'
    """
    return f"{('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun')[at.weekday()]} {at:%Y-%m-%d}"


def time_words(tick: int, beside: int, start: datetime) -> str:
    """The time of a tick, with its date where that is not the date of the tick beside it."""
    at, other = date_of(tick, start), date_of(beside, start)
    return f"{at:%H:%M:%S}" if at.date() == other.date() else f"{at:%Y-%m-%d %H:%M:%S}"


def shares(parts: Mapping[str, float]) -> str:
    """Shares by name.

    >>> shares({"call": 0.4, "online": 0.6})
    'call 40 %, online 60 %'
    """
    return ", ".join(f"{name} {percent(share)}" for name, share in parts.items())


def demand_words(scenario: Scenario) -> Iterator[str]:
    """What comes in: a sentence each for volume, surges, channels, truth, subjects and centres."""
    demand = scenario.demand
    yield _volume(demand)
    yield from (_surge(surge) for surge in demand.surges)
    if len(demand.channels) > 1:
        own = [name for name, channel in demand.channels.items() if channel.by_hour or channel.by_weekday]
        hours = f"; with hours of their own: {', '.join(own)}" if own else ""
        yield f"by channel: {shares({name: one.share for name, one in demand.channels.items()})}{hours}"
    yield from _truth(demand)
    if len(demand.categories) > 1:
        yield f"by category: {shares(demand.categories)}"
    if len(scenario.centres) > 1:
        even = len(set(scenario.centres.values())) == 1
        yield f"{len(scenario.centres)} equal centres" if even else f"by centre: {shares(scenario.centres)}"
    for stage, waiting in (scenario.start_with.backlog if scenario.start_with else {}).items():
        yield f"{count(waiting)} tips wait at {stage} when the run starts"


def _volume(demand: Demand) -> str:
    if demand.trace is not None:
        return f"the tips recorded in {demand.trace}"
    assert demand.volume is not None
    text = f"{count(demand.volume * YEAR / DAY)} tips a year, {demand.volume:,.4g} a day"
    if demand.growth:
        text += f", {'growing' if demand.growth > 0 else 'falling'} {percent(abs(demand.growth))} a year"
    by = [name for name, given in (("hour", demand.by_hour), ("weekday", demand.by_weekday)) if given]
    if by:
        text += f", by {' and '.join(by)}"
    if demand.busyness_cv:
        text += f"; days vary by {percent(demand.busyness_cv)} (cv)"
    return text


def _surge(surge: Surge) -> str:
    when = f"from {day(surge.at)} {surge.at:%H:%M}" if surge.at else f"{surge.per_year:.4g} times a year at random"
    fades = f", fading over {length(surge.fades)}" if surge.fades else ""
    where = f" on {surge.channel}" if surge.channel else ""
    lasts = length(surge.lasts)
    return f"surge '{surge.name}': {surge.factor:.4g} times as many{where} {when}, for {lasts}{fades}"


def _truth(demand: Demand) -> Iterator[str]:
    rows = list(demand.risk.values())
    if len(rows[0]) < 2:
        return
    if all(row == rows[0] for row in rows):
        yield f"true risk: {shares(rows[0])}"
    else:
        for channel, row in demand.risk.items():
            yield f"true risk by {channel}: {shares(row)}"


def run_words(scenario: Scenario) -> list[str]:
    """When, how long and how often is simulated."""
    return [
        f"from {day(scenario.start)}: {length(scenario.warm_up)} warm-up, {length(scenario.length)} measured, "
        f"{length(scenario.cool_down)} cool-down",
        f"{count(scenario.run.replications)} replications, seed {scenario.run.seed}, "
        f"{percent(scenario.run.confidence)} confidence",
    ]


def pool_words(scenario: Scenario, name: str) -> list[str]:
    """Who is on duty when, whom they serve first, and what happens when they go."""
    pool = scenario.pools[name]
    found = [", ".join(_roster(pool)) + _where(scenario, pool)]
    if pool.concurrency > 1:
        found.append(f"each person serves {pool.concurrency} tips at a time")
    if pool.breaks is not None and pool.shifts:
        times = f"{pool.breaks.per_shift} times" if pool.breaks.per_shift > 1 else "once"
        found.append(f"a break of {length(pool.breaks.lasts)} {times} a shift, staggered and not replaced")
    if pool.shifts:
        found.append(f"at the end of a shift: {_SHIFT_ENDS[pool.at_shift_end].format(length(pool.hand_over_time))}")
    if pool.serve_first:
        ranks = ", then ".join(filter_words(one) for one in pool.serve_first)
        found.append(f"serve first {ranks}, then all others")
    if pool.preempt:
        found.append(f"work is interrupted for {' and '.join(filter_words(one) for one in pool.preempt)}")
    return found


_SHIFT_ENDS: Final = {
    "finish": "they finish the tip in hand, in overtime",
    "resume": "the next free server goes on with the tip",
    "hand_over": "the next free server goes on with the tip, after {} of hand-over",
    "restart": "the tip is begun anew by the next free server",
}


def _roster(pool: Pool) -> Iterator[str]:
    for shift in pool.shifts:
        on = "" if shift.days == EVERY_DAY else f" ({units.day_names(shift.days)})"
        yield f"{shift.staff} from {clock(shift.from_)} to {clock(shift.to)}{on}"
    if pool.staff or not pool.shifts:
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


def target_words(target: Target) -> str:
    """What a target asks, in one sentence without a subject.

    Every part of the target is said, so that the sentence can stand for it.
    """
    if target.kind == "occupancy":
        text = f"{target.pool} busy at most {percent(target.occupancy)} of the time on duty"
    elif target.kind == "lost":
        text = f"at most {percent(target.lost)} of {filter_words(target.of)} give up for good"
    else:
        between = f"from {target.from_name} to {target.to_name}"
        if target.kind == "mean":
            text = f"{filter_words(target.of)} take at most {length(target.mean)} on average {between}"
        else:
            within = length(target.within)
            text = f"at least {percent(target.share)} of {filter_words(target.of)} within {within} {between}"
        if target.lost_tips == "left_out":
            text += ", lost tips left out"
    if target.in_each:
        text += ", in each centre"
    if target.per == "run":
        return text
    return f"{text}, {'on' if target.per == 'day' else 'in'} every {target.per}"
