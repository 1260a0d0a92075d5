"""Parts of a scenario in words, and numbers as people read them. Nothing here prints or measures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sim.dynamics.clock import DAY, HOUR, MINUTE, SECOND, YEAR, date_of
from sim.scenario import units
from sim.scenario.calendars import EVERY_DAY
from sim.scenario.dates import dates_words
from sim.scenario.pools import filter_words, rank_words
from sim.scenario.targets import MOST_LEFT_OUT, WINDOWS, Between
from sim.scenario.units import length as length
from sim.scenario.units import listed as listed
from sim.scenario.units import percent as percent

if TYPE_CHECKING:
    from sim.measures.evidence import NothingFailed
    from sim.measures.targets import TargetResult
    from sim.scenario.schema import Demand, Labeller, Pool, Scenario, Surge
    from sim.studies.result import Result


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
        how = {"day": ", whole days drawn with return, weekday for weekday", "week": ", whole weeks drawn with return"}
        return f"the tips recorded in {demand.trace}{how.get(demand.trace.resample or '', '')}"
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
    if pool.slots > 1:
        found.append(f"each person serves {pool.slots} tips at a time")
    if pool.breaks is not None and pool.shifts:
        times = f"{pool.breaks.per_shift} times" if pool.breaks.per_shift > 1 else "once"
        found.append(f"a break of {length(pool.breaks.lasts)} {times} a shift, staggered and not replaced")
    if pool.shifts:
        found.append(f"at the end of a shift: {_SHIFT_ENDS[pool.at_shift_end].format(length(pool.hand_over_time))}")
    if pool.serve_first:
        ranks = ", then ".join(rank_words(one) for one in pool.serve_first)
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
        if shift.on:
            on = f" (only on {dates_words(shift.on)})"
        else:
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


# Targets and their figures


def came_to(one: TargetResult) -> str:
    """The value of a target with its interval, in one unit; of which windows, in which place, and what is left out."""
    if math.isnan(one.value):
        return "nothing counted" if one.about_tips else "nothing counted: nobody was on duty"
    of = "" if one.target.hold is None else f" of the {WINDOWS[one.target.per]}"
    where = "" if one.worst is None else f", worst: {one.worst}"
    given = ", given these arrivals" if one.given_arrivals else ""
    given += ", certain" if one.certain else ""
    return f"{_figure(one)}{of}{where}{_left_out(one)}{given}"


def _figure(one: TargetResult) -> str:
    exact = (one.recorded or one.certain) and one.low == one.high
    if one.unit != "min":
        return f"{100 * one.value:.1f} %" if exact else with_interval(one.value, one.low, one.high)
    size, unit = time_unit(one.value)
    value, low, high = (tick / size for tick in (one.value, one.low, one.high))
    if one.lower_bound:
        return f"more than {value:.1f} {unit} ({low:.1f} or more)"
    if exact:
        return f"{value:.1f} {unit}"
    if math.isinf(high):
        return f"{value:.1f} {unit} ({low:.1f} or more)"
    return f"{value:.1f} {unit} ({low:.1f} to {high:.1f})"


def _left_out(one: TargetResult) -> str:
    """The share left out, where the target has chosen to leave some out, or has more than it may."""
    found = one.left_out
    if found is None or not found.tips or (found.verdict == "met" and found.most == MOST_LEFT_OUT):
        return ""
    return f", {share_text(found.share.value)} left out"


def left_out_words(one: TargetResult) -> str:
    """How many tips a target left out, and how many it may."""
    found, target = one.left_out, one.target
    assert found is not None
    assert isinstance(target, Between)
    share, most = share_text(found.share.value), percent(found.most if found.most is not None else 1.0)
    told = f"{share} of its tips never came to {target.to_name}; at most {most} may be left out"
    return told if found.verdict == "missed" else f"{told}, and chance alone could make the difference"


def with_interval(value: float, low: float, high: float) -> str:
    """A share with its interval, in so many digits that the interval shows.

    >>> with_interval(0.5, 0.4, 0.6), with_interval(0.98213, 0.98203, 0.98224)
    ('50.0 % (40.0 to 60.0)', '98.21 % (98.20 to 98.22)')
    """
    digits = 1 if high - low >= 0.002 or math.isnan(high - low) else 2
    value, low, high = (100 * share for share in (value, low, high))
    return f"{value:.{digits}f} % ({low:.{digits}f} to {high:.{digits}f})"


def time_unit(ticks: float) -> tuple[int, str]:
    """The size and the name of the unit in which a mean time, or a difference of times, reads well."""
    units = ((DAY, "d", 3 * DAY), (HOUR, "h", 3 * HOUR), (MINUTE, "min", MINUTE))
    return next(((size, unit) for size, unit, least in units if ticks >= least), (SECOND, "s"))


PERIODS: Final = {"run": "runs", "month": "months", "week": "weeks", "day": "days"}
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LONGEST_NAME: Final = 24


def named(scenario: Scenario) -> str:
    """A scenario by its title, with its variant where it is one."""
    return f"{scenario.scenario}, variant {scenario.variant}" if scenario.variant else scenario.scenario


def about(result: Result) -> str:
    """Which run a figure shows."""
    scenario, n = result.done.scenario, len(result.done.sample)
    runs = f"{count(n)}\N{NO-BREAK SPACE}replication{'' if n == 1 else 's'}"
    return f"{named(scenario)}: {runs} of {length(scenario.length)}"


def share_text(share: float) -> str:
    """A share with as many digits as tell it from 0 % and from 100 %, if it is neither.

    >>> share_text(0.2861), share_text(1.0), share_text(0.99996), share_text(0.00004)
    ('28.6 %', '100 %', '99.996 %', '0.004 %')
    """
    percent = 100 * share
    for digits in (1, 2, 3):
        if abs(percent - round(percent, digits)) < 1e-9 or 0 < round(percent, digits) < 100:
            return f"{round(percent, digits):g} %"
    return "under 0.001 %" if percent < 1 else "over 99.999 %"


def short(name: str) -> str:
    """A name that may stand in a title with others.

    >>> short("rapid"), short("all_tips_through_the_first_stage_within_a_minute")
    ('rapid', 'all_tips_through_the_fi…')
    """
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def some(names: Sequence[str], most: int = 4) -> str:
    """Names in a sentence, short, the last of many only counted.

    >>> some(["a"]), some(["a", "b", "c"]), some(["a", "b", "c", "d"], most=2)
    ('a', 'a, b and c', 'a, b and 2 more')
    """
    shown = [short(name) for name in (names if len(names) <= most + 1 else names[:most])]
    return listed([*shown, f"{len(names) - most} more"] if len(shown) < len(names) else shown)


def are(names: Sequence[str], what: str) -> str:
    """That something is so of one or of several.

    >>> are(["a"], "met"), are(["a", "b"], "missed")
    ('a is met', 'a and b are missed')
    """
    return f"{some(names)} {'is' if len(names) == 1 else 'are'} {what}"


def verdicts_told(results: Sequence[TargetResult]) -> str:
    """The verdicts on some targets in one sentence, the bad ones first."""
    by = {word: [one.name for one in results if one.verdict == word] for word in ("missed", "undecided", "met")}
    return "; ".join(are(names, word) for word, names in by.items() if names)


def hour_text(hour: int) -> str:
    """An hour of the week in words.

    >>> hour_text(0), hour_text(167)
    ('Mondays 0:00 to 1:00', 'Sundays 23:00 to 24:00')
    """
    return f"{WEEKDAYS[hour // 24]}s {hours_text(hour % 24)}"


def hours_text(hour: int) -> str:
    """An hour of the day.

    >>> hours_text(23)
    '23:00 to 24:00'
    """
    return f"{hour}:00 to {hour + 1}:00"
