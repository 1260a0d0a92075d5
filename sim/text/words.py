"""Numbers, times, names and what targets came to, as people read them. Nothing here prints or measures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Final

from sim.dynamics.clock import DAY, HOUR, MINUTE, SECOND
from sim.scenario import units
from sim.scenario.choices import UNITS
from sim.scenario.targets import MOST_LEFT_OUT, WINDOWS, Timed
from sim.scenario.units import SHORT_WEEKDAYS, WEEKDAYS
from sim.scenario.units import length as length
from sim.scenario.units import listed as listed
from sim.scenario.units import percent as percent

if TYPE_CHECKING:
    from sim.measures.evidence import NothingFailed
    from sim.measures.targets import TargetResult
    from sim.scenario.schema import Scenario
    from sim.scenario.zones import Local
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


def so_many(number: float, one: str) -> str:
    """A number of things, rounded, with the word for them, which takes an s where they are not one.

    >>> so_many(1, "replication"), so_many(30657.5, "tip"), so_many(0.3, "tip")
    ('1 replication', '30,658 tips', '0 tips')
    """
    return f"{count(number)} {one}{'' if round(number) == 1 else 's'}"


def number_text(number: float) -> str:
    """A number in four digits or more, with its thousands apart and without a power of ten.

    >>> number_text(54.7945), number_text(547945.2), number_text(0.0547945), number_text(2.0)
    ('54.79', '547,945', '0.05479', '2')
    """
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


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
    return units.clock(ticks if ticks == DAY else ticks % DAY)


def day(at: date) -> str:
    """A date with its day of the week.

    >>> day(date(2025, 1, 6))
    'Mon 2025-01-06'
    """
    return f"{SHORT_WEEKDAYS[at.weekday()]} {at:%Y-%m-%d}"


def time_words(tick: int, beside: int, local: Local) -> str:
    """The local time of a tick, with its date where that is not the date of the tick beside it."""
    at, other = local.shows(tick), local.shows(beside)
    return f"{at:%H:%M:%S}" if at.date() == other.date() else f"{at:%Y-%m-%d %H:%M:%S}"


def shares(parts: Mapping[str, float]) -> str:
    """Shares by name.

    >>> shares({"call": 0.4, "online": 0.6})
    'call 40 %, online 60 %'
    """
    return ", ".join(f"{name} {percent(share)}" for name, share in parts.items())


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
    if math.isinf(one.value):
        size, unit = time_unit(0.0 if math.isinf(one.low) else one.low)
        return "endless" if math.isinf(one.low) else f"endless ({one.low / size:.1f} {unit} or more)"
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
    assert isinstance(target, Timed)
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


PERIODS: Final[Mapping[str, str]] = {unit: f"{unit}s" for unit in UNITS}
LONGEST_NAME: Final = 24


NO_TIME: Final = "at no hours surely more than at others"
"""Of what chance may explain, which with a handful of replications is nearly everything."""


def named(scenario: Scenario) -> str:
    """A scenario by its title, with its variant where it is one."""
    return f"{scenario.scenario}, variant {scenario.variant}" if scenario.variant else scenario.scenario


def about(result: Result) -> str:
    """Which run a figure shows."""
    scenario, n = result.done.scenario, len(result.done.sample)
    runs = f"{count(n)}\N{NO-BREAK SPACE}replication{'' if n == 1 else 's'}"
    return f"{named(scenario)}: {runs} of {length(scenario.run.length)}"


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


def interval_text(begins: int, length: int) -> str:
    """A time of the week in words, by the ticks since Monday at midnight at which it begins, and its length.

    >>> interval_text(0, HOUR), interval_text(7 * DAY - HOUR // 2, HOUR // 2)
    ('Mondays 0:00 to 1:00', 'Sundays 23:30 to 24:00')
    """
    return f"{WEEKDAYS[begins // DAY]}s {times_text(begins % DAY, begins % DAY + length)}"


def interval_words(length: int) -> str:
    """What a day is cut into.

    >>> interval_words(HOUR), interval_words(HOUR // 2)
    ('hour', 'interval of 30 min')
    """
    return "hour" if length == HOUR else f"interval of {units.length(length)}"


def times_text(begins: int, ends: int) -> str:
    """From one time of day to another.

    >>> times_text(9 * HOUR, 9 * HOUR + HOUR // 2)
    '9:00 to 9:30'
    """
    return " to ".join(f"{at // HOUR}:{at // MINUTE % 60:02}" for at in (begins, ends))
