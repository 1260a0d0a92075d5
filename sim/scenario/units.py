"""Durations, rates, shares, dates and times of day, from the texts that people write to the numbers used inside.

Every function takes one value as YAML gives it and raises ValueError with the rule in plain words; none guesses.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Final

from sim.dynamics.clock import DAY, HOUR, MINUTE, SECOND, WEEK, YEAR

Value = object
"""What YAML gives: text, a number, a truth value, nothing, a list or a mapping."""

LONGEST: Final = 200 * YEAR
"""No duration may pass this, so that sums of several stay far below NEVER."""

_LENGTHS: Final = {
    "ms": SECOND // 1000,
    "s": SECOND,
    "min": MINUTE,
    "h": HOUR,
    "d": DAY,
    "wk": WEEK,
}
_OTHER_NAMES: Final = {
    "s": ("sec", "secs", "second", "seconds"),
    "min": ("mins", "minute", "minutes"),
    "h": ("hr", "hrs", "hour", "hours"),
    "d": ("day", "days"),
    "wk": ("w", "wks", "week", "weeks"),
}
_UNITS: Final = {**_LENGTHS, **{name: _LENGTHS[unit] for unit, names in _OTHER_NAMES.items() for name in names}}
_PERIODS: Final = {**_UNITS, "month": YEAR // 12, "months": YEAR // 12, "year": YEAR, "years": YEAR, "yr": YEAR}

_NUMBER: Final = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
_DURATION: Final = re.compile(rf"({_NUMBER})\s*([A-Za-zµ]*)", re.ASCII)
_RATE: Final = re.compile(rf"({_NUMBER})\s*/\s*([A-Za-z]+)", re.ASCII)
_PLAIN: Final = re.compile(_NUMBER, re.ASCII)
_PERCENT: Final = re.compile(rf"({_NUMBER})\s*%", re.ASCII)
_POINTED: Final = re.compile(r"[1-9]\d{0,2}\.\d00", re.ASCII)
"""A number of tips that looks as if its point kept the thousands apart, as in German."""
_TIME: Final = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d))?", re.ASCII)
_DATE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ]+(\d{1,2}):(\d\d)(?::(\d\d)(?:\.(\d{1,6}))?)?)?", re.ASCII)
_OFFSET: Final = re.compile(r"(.*\d\d:\d\d\S*?)\s?(Z|([-+])(\d\d):?(\d\d)?)", re.ASCII)
_LONGEST_TEXT: Final = 40

PATTERNS: Final = {
    "duration": rf"^\s*{_NUMBER}\s*({'|'.join(_UNITS)})\s*$",
    "rate": rf"^\s*{_NUMBER}\s*/\s*({'|'.join(_PERIODS)})\s*$",
    "share": rf"^\s*{_NUMBER}\s*%\s*$",
    "date": rf"^\s*{_DATE.pattern}\s*$",
    "time": rf"^\s*{_TIME.pattern}\s*$",
}
"""How the texts look that are read here, for editors: what does not match is refused, and some of what does, too."""

WRITTEN: Final = {
    "duration": "a duration is a number with its unit, such as 30 s, 12 min, 8 h, 7 d or 4 wk",
    "rate": "a rate is a number a period, such as 30000/year or 3.4/h",
    "share": "a share is written 2 % or 0.02",
    "date": "a date is written 2025-01-06 00:00",
    "time": "a time of day is written 07:00",
}
"""What is said of a text that does not look so."""

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHORT_WEEKDAYS: Final = tuple(name[:3] for name in WEEKDAYS)
DAYS: Final = tuple(name.lower() for name in SHORT_WEEKDAYS)
"""As a document writes them."""

_SEVERAL_DAYS: Final = {
    **dict.fromkeys(("weekday", "weekdays", "workday", "workdays", "working days"), "mon-fri"),
    **dict.fromkeys(("weekend", "weekends"), "[sat, sun]"),
    **dict.fromkeys(("all", "every day", "everyday", "always"), "daily"),
}


def duration(value: Value) -> int:
    """Ticks in a duration such as `30 s`, `12 min`, `8 h`, `7 d` or `4 wk`.

    >>> duration("1.5 min") == duration("90s") == 90 * SECOND
    True
    """
    count, unit = _parts(_DURATION, value, WRITTEN["duration"])
    if not unit:
        raise ValueError("a duration needs a unit: 30 s, 12 min, 8 h, 7 d or 4 wk")
    if unit not in _UNITS:
        raise ValueError(f"'{unit}' is no unit of time; use ms, s, min, h, d or wk")
    exact = Decimal(count) * _UNITS[unit]
    if exact < 0:
        raise ValueError("a duration cannot be negative")
    if exact > LONGEST:
        raise ValueError("a duration may be at most 200 years (73000 d)")
    return round(exact)


def duration_text(length: int) -> str:
    """A duration in the largest unit that leaves few digits, as the document would write it.

    >>> duration_text(90 * MINUTE), duration_text(36 * HOUR), duration_text(0)
    ('90 min', '36 h', '0 s')
    """
    for unit in ("wk", "d", "h", "min", "s", "ms"):
        if length and length % _LENGTHS[unit] == 0:
            return f"{length // _LENGTHS[unit]} {unit}"
    return f"{length / SECOND:.6g} s"


def length(ticks: int) -> str:
    """A time that is asked for or given, as one would say it: never in weeks, and a day as 24 hours.

    >>> length(364 * DAY), length(DAY), length(90 * MINUTE)
    ('364 d', '24 h', '90 min')
    """
    if ticks == DAY:
        return "24 h"
    return f"{ticks // DAY} d" if ticks and ticks % DAY == 0 else duration_text(ticks)


def listed(names: Sequence[str], last: str = "and") -> str:
    """Names in a sentence.

    >>> listed(["a"]), listed(["a", "b", "c"]), listed(["a", "b"], "or")
    ('a', 'a, b and c', 'a or b')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def percent(share: float) -> str:
    """A share as it is written in a document.

    >>> percent(0.025), percent(0.6)
    ('2.5 %', '60 %')
    """
    return f"{100 * share:.4g} %"


def ordinal(number: float) -> str:
    """A number as the place in an order.

    >>> ordinal(90), ordinal(92), ordinal(99.5), ordinal(11)
    ('90th', '92nd', '99.5th', '11th')
    """
    text = f"{number:.6g}"
    plain = "." in text or text[-2:] in ("11", "12", "13")
    return text + ("th" if plain else {"1": "st", "2": "nd", "3": "rd"}.get(text[-1], "th"))


def split(value: Value) -> tuple[float, str]:
    """The number and the unit of a duration, rate or share as written; a plain number has the unit "".

    >>> split("30 min"), split("30000/year"), split("2 %"), split(3)
    ((30.0, 'min'), (30000.0, '/year'), (2.0, '%'), (3.0, ''))
    """
    if isinstance(value, str):
        for pattern in (_PERCENT, _RATE, _DURATION):
            if len(value) <= _LONGEST_TEXT and (match := pattern.fullmatch(value.strip())):
                unit = {_PERCENT: "%", _RATE: "/"}.get(pattern, "") + "".join(match.groups()[1:])
                return float(match[1]), unit
    return number(value), ""


def rate(value: Value) -> float:
    """Tips a day in a rate such as `30000/year` (of 365 days), `3.4/h` or `60/day`.

    A point before three digits a year is refused where the last are zeros: half of Europe writes thousands so.

    >>> rate("365/year"), rate("1/h")
    (1.0, 24.0)
    """
    count, unit = _parts(_RATE, value, WRITTEN["rate"])
    if unit not in _PERIODS:
        raise ValueError(f"'{unit}' is no period; use min, h, day, week, month or year")
    if _PERIODS[unit] >= YEAR and _POINTED.fullmatch(count):
        few = f"{float(count):g}/{unit}"
        raise ValueError(f"thousands are written without points: {count.replace('.', '')}/{unit}, and few as {few}")
    found = float(count) * DAY / _PERIODS[unit]
    if not 0 < found <= 1e9:
        raise ValueError("a rate must be more than 0 and at most 1e9 a day")
    return found


def is_of_hours(value: Value) -> bool:
    """Whether a rate counts by second, minute or hour, and not by the day or by longer periods.

    >>> is_of_hours("3.4/h"), is_of_hours("60/day")
    (True, False)
    """
    return _PERIODS[_parts(_RATE, value, WRITTEN["rate"])[1]] < DAY


def share(value: Value) -> float:
    """A share between 0 and 1, written `2 %` or `0.02`.

    >>> share("2 %"), share("2%"), share(0.02), share(1)
    (0.02, 0.02, 0.02, 1.0)
    """
    found = percentage(value)
    if 0 <= found <= 1:
        return found
    if not isinstance(value, str) and 1 < found <= 100:
        raise ValueError(f"a share lies between 0 and 1 (0 % and 100 %); did you mean {value} %?")
    raise ValueError("a share lies between 0 and 1 (0 % and 100 %)")


def growth(value: Value) -> float:
    """A growth a year, written `15 %` or `0.15`; it may be negative or above 100 %.

    >>> growth("-5 %"), growth("150 %")
    (-0.05, 1.5)
    """
    found = percentage(value)
    if not -1 < found <= 10:
        meant = f"; did you mean {found:g} %?" if not isinstance(value, str) and 10 < found <= 1000 else ""
        raise ValueError(f"a growth a year lies above -100 % and at most at 1000 %{meant}")
    return found


def factor(value: Value) -> float:
    """A factor of a price, written `150 %` or `1.5`.

    >>> factor("150 %"), factor(1.5)
    (1.5, 1.5)
    """
    found = percentage(value)
    if not 0 <= found <= 10:
        raise ValueError("a factor of the price lies between 0 % and 1000 %")
    return found


def times_as_many(value: Value) -> float:
    """How many times as many, written `130 %` or `1.3`.

    >>> times_as_many("130 %"), times_as_many(0)
    (1.3, 0.0)
    """
    found = percentage(value)
    if not 0 <= found <= 1e6:
        raise ValueError("a factor lies between 0 and 1000000")
    return found


def speed(value: Value) -> float:
    """A share of full speed, written `80 %` or `0.8`.

    >>> speed("80 %"), speed(1.2)
    (0.8, 1.2)
    """
    found = percentage(value)
    if not 1e-9 <= found <= 3:
        raise ValueError("a speed is more than 0 % and at most 300 %")
    return found


def percentage(value: Value) -> float:
    """The number in `2 %` or `0.02`, whatever its size."""
    if not isinstance(value, str):
        return number(value, WRITTEN["share"])
    (count,) = _parts(_PERCENT, value, _without_comma(_PLAIN, value) or WRITTEN["share"])
    return float(Decimal(count) / 100)


def number(value: Value, rule: str = "must be a number") -> float:
    """A finite number of sensible size; truth values and texts are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(_without_comma(_PLAIN, value) or rule)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    if abs(value) > 1e12:
        raise ValueError("is too large a number")
    return float(value)


def clock(ticks: int) -> str:
    """A time of day, so many ticks after midnight; 24:00 and later for what ends on the next day.

    >>> clock(7 * HOUR), clock(24 * HOUR)
    ('07:00', '24:00')
    """
    return f"{ticks // HOUR:02}:{ticks // MINUTE % 60:02}"


def time_of_day(value: Value) -> int:
    """Ticks from midnight to a time such as `07:00`; `24:00` is midnight too.

    >>> time_of_day("22:30") == 22 * HOUR + 30 * MINUTE
    True
    """
    rule = WRITTEN["time"]
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(rule)
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    if (hours, minutes, seconds) == (24, 0, 0):
        return 0
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError(f"{rule}, up to 23:59")
    return hours * HOUR + minutes * MINUTE + seconds * SECOND


def date(value: Value) -> datetime:
    """A local date and time such as `2025-01-06 00:00`, with or without the time, the seconds, or a T.

    >>> date("2025-01-06T07:30")
    datetime.datetime(2025, 1, 6, 7, 30)
    """
    rule = WRITTEN["date"]
    match = _DATE.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= _LONGEST_TEXT else None
    if match is None:
        raise ValueError(rule)
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    try:
        found = datetime(year, month, day, hour, minute, second, int((match[7] or "0").ljust(6, "0")))
    except ValueError as error:
        raise ValueError(f"{rule}; {error}") from None
    if not 1900 <= found.year <= 2500:
        raise ValueError("a year lies between 1900 and 2500")
    return found


def moment(value: Value) -> datetime:
    """A date and time as `date` reads it, or one with an offset of its own such as `2025-03-30T01:59:00+01:00`.

    >>> moment("2025-01-06 07:30").tzinfo, str(moment("2025-01-06T07:30Z"))
    (None, '2025-01-06 07:30:00+00:00')
    """
    match = _OFFSET.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= _LONGEST_TEXT else None
    if match is None:
        return date(value)
    if match[2] == "Z":
        return date(match[1]).replace(tzinfo=UTC)
    ahead = timedelta(hours=int(match[4]), minutes=int(match[5] or 0))
    if ahead > timedelta(hours=18):
        raise ValueError("an offset from UTC is at most 18 hours, such as +01:00")
    return date(match[1]).replace(tzinfo=timezone(-ahead if match[3] == "-" else ahead))


def days(value: Value) -> frozenset[int]:
    """Days of the week, Monday 0: `daily`, `mon-fri`, `sat` or a list of these.

    >>> sorted(days("fri-mon")), sorted(days(["sat", "sun"])), len(days("daily"))
    ([0, 4, 5, 6], [5, 6], 7)
    """
    texts = value if isinstance(value, list | tuple) else [value]
    if not texts:
        raise ValueError("at least one day is needed: daily, mon-fri, sat or a list of days")
    found: set[int] = set()
    for text in texts:
        if not isinstance(text, str):
            raise ValueError("days are written daily, mon-fri, sat or [sat, sun]")
        if text.strip().lower() == "daily":
            found |= set(range(7))
            continue
        first, dash, last = text.partition("-")
        begin = _weekday(first)
        end = _weekday(last) if dash else begin
        found |= {(begin + step) % 7 for step in range((end - begin) % 7 + 1)}
    return frozenset(found)


def day_names(which: frozenset[int]) -> str:
    """Days of the week in words: `daily`, or their short names.

    >>> day_names(frozenset({5, 6})), day_names(frozenset(range(7)))
    ('sat, sun', 'daily')
    """
    return "daily" if len(which) == 7 else ", ".join(DAYS[day] for day in sorted(which))


def length_of(begins: int, ends: int) -> int:
    """Ticks from one time of day to the next occurrence of another; 24 h when they are the same."""
    return (ends - begins) % DAY or DAY


def _weekday(text: str) -> int:
    plain = text.strip().lower()
    for number, name in enumerate(WEEKDAYS):
        if plain in (name.lower(), DAYS[number]):
            return number
    if plain in _SEVERAL_DAYS:
        raise ValueError(f"'{plain}' is written {_SEVERAL_DAYS[plain]}")
    raise ValueError(f"'{plain[:_LONGEST_TEXT]}' is no day; use {', '.join(DAYS)} or daily")


def _parts(pattern: re.Pattern[str], value: Value, rule: str) -> tuple[str, ...]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)[: _LONGEST_TEXT + 1] if abs(value) < 1e12 else ""
    if isinstance(value, str):
        value = value.replace("\u00a0", " ").replace("\u202f", " ")  # spaces that break no line, as typeset texts have
    match = pattern.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= _LONGEST_TEXT else None
    if match is None:
        raise ValueError(_without_comma(pattern, value) or rule)
    return match.groups()


def _without_comma(pattern: re.Pattern[str], value: Value) -> str:
    """What to write for a number with a comma, or "" where that would not do either.

    Three digits after each comma make it thousands, else it is a decimal comma; a share has no thousands.
    """
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT or not re.search(r"\d,\d", value):
        return ""
    thousands = re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?\D*", value.strip(), re.ASCII) and pattern is not _PERCENT
    plain = value.strip().replace(",", "" if thousands else ".")
    if not pattern.fullmatch(plain):
        return ""
    return f"thousands are written without commas: {plain}" if thousands else f"a decimal point is needed: {plain}"
