"""Times of a log: texts of many forms as seconds of local time, decided by the whole column and never by a guess.

A time is in seconds since 1970-01-01 00:00 of the local clock, NaN where there is none. A column of the time of day
alone is in seconds since midnight, and is given its date by `with_dates`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from sim.logs.files import LogError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Texts = pd.Series[str]
    Seconds = NDArray[np.float64]

DAY: Final = 86_400
"""Seconds."""

EMPTY: Final = frozenset(
    {
        *("", "-", "--", "na", "n/a", "nan", "nat", "null", "none", "nil", "\\n", "#n/a", "?", "."),
        *("0000-00-00", "0000-00-00 00:00:00", "1900-01-01", "1900-01-01 00:00:00", "1970-01-01 00:00:00"),
        *("1900-01-01t00:00:00", "1970-01-01t00:00:00", "1970-01-01t00:00:00z", "0001-01-01 00:00:00"),
    }
)
"""Texts that stand for no value."""

_CLOCK: Final = (
    r"(?P<h>\d{1,2})[:.h](?P<m>\d{2})(?:[:.m](?P<s>\d{2}(?:[.,]\d+)?)s?)?\s*(?P<half>[AaPp]\.?\s?[Mm]\.?)?"
    r"(?:\s*[Uu]hr)?"
)
_ZONE: Final = r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?(?:\s*\[[\w/+-]+\])?"
_TO: Final = r"(?:-|–|—|to|until|bis)"
_END: Final = r"\d{1,2}[:.h]\d{2}(?:[:.m]\d{2})?s?\s*(?:[AaPp]\.?\s?[Mm]\.?)?"
"""An interval is told by its begin: `8:00 AM - 8:30 AM`."""
_UNTIL: Final = rf"(?:\s+{_TO}\s+{_END})?"
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_FORMS: Final = {
    "iso": rf"(?P<Y>\d{{4}})[-/.](?P<M>\d{{1,2}})[-/.](?P<D>\d{{1,2}})(?:[T ]\s*{_CLOCK}{_ZONE}{_UNTIL})?",
    "compact": r"(?P<Y>(?:19|20)\d{2})(?P<M>\d{2})(?P<D>\d{2})(?:[T ]?(?P<h>\d{2}):?(?P<m>\d{2}):?(?P<s>\d{2})?)?"
    + _ZONE,
    "short": rf"(?P<a>\d{{1,2}})(?P<sep>[/.-])(?P<b>\d{{1,2}})[/.-](?P<Y>\d{{4}}|\d{{2}})"
    rf"(?:,?[T ]\s*{_CLOCK}{_ZONE}{_UNTIL})?",
    "named": rf"(?:[A-Za-z]{{3,9}},?\s+)?(?P<D>\d{{1,2}})[-\s.](?P<N>[A-Za-z]{{3,9}})\.?[-\s,](?P<Y>\d{{4}}|\d{{2}})"
    rf"(?:,?[T\s:]\s*{_CLOCK}{_ZONE})?",
    "named first": rf"(?P<N>[A-Za-z]{{3,9}})\.?\s+(?P<D>\d{{1,2}}),?\s+(?P<Y>\d{{4}})(?:,?\s+{_CLOCK}{_ZONE})?",
    "clock": rf"{_CLOCK}(?:\s*{_TO}\s*{_END})?",
}

DAYS, CLOCKS, BOTH = "days", "clocks", "both"

ORDERS: Final = ("day first", "month first")


@dataclass(slots=True)
class TimeColumn:
    """A column of times."""

    seconds: Seconds
    form: str
    """How they are written."""
    dated: bool
    """Whether they have dates; else they are seconds since midnight."""
    offsets: str = ""
    """`Z`, `offset` or "": whether they say how far the clock is from UTC."""
    utc: Seconds | None = None
    """The same by UTC, where they say how far from it they are."""
    apart: tuple[float, ...] = ()
    """The offsets from UTC that they give, in seconds."""
    bad: int = 0
    """Texts that are no times."""
    example: str = ""
    """The first of these."""
    notes: list[str] = field(default_factory=list)


def empty(texts: Texts) -> NDArray[np.bool_]:
    """Which texts stand for no value."""
    return np.asarray(texts.str.lower().isin(EMPTY), dtype=np.bool_)


def numbers(texts: Texts) -> Seconds:
    """Numbers in a column, NaN where there is none; a comma before the last one to six digits of most is a decimal one.

    >>> import pandas as pd
    >>> numbers(pd.Series(["1,5", "1.200,25", ""])).tolist(), numbers(pd.Series(["1,200", "3.5"])).tolist()
    ([1.5, 1200.25, nan], [1200.0, 3.5])
    >>> numbers(pd.Series(["1,250", "0,532"])).tolist(), numbers(pd.Series(["1,250", "17,532"])).tolist()
    ([1.25, 0.532], [1250.0, 17532.0])
    """
    import pandas as pd

    plain = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64, copy=True)
    odd = np.isnan(plain) & ~empty(texts)
    if not odd.any():
        return plain
    some = texts[odd].str.replace("\u00a0", "", regex=False).str.replace(" ", "", regex=False)
    both = some.str.contains(r"\..*,", regex=True)
    # No thousands begin with a zero: `0,532` among numbers with three digits after a comma makes these decimals.
    small = some.str.fullmatch(r"-?0,\d+").any() and "." not in "".join(some[:50])
    decimal = (
        both.any()
        or small
        or not (some.str.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?").all() or "." in "".join(some[:50]))
    )
    given = (
        some.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        if decimal
        else some.str.replace(",", "", regex=False)
    )
    plain[odd] = pd.to_numeric(given, errors="coerce").to_numpy(dtype=np.float64)
    return plain


def lengths(texts: Texts, unit: float = 1.0) -> Seconds:
    """Lengths of time in seconds: numbers in a `unit` of so many seconds, or `h:mm:ss` and `m:ss`."""
    found = numbers(texts) * unit
    clock = texts.str.extract(r"^(-)?(?:(\d+):)?(\d+):(\d{2}(?:[.,]\d+)?)$")
    told = clock[2].notna().to_numpy()
    if told.any():
        part = clock[told].fillna("0")
        size = part[1].astype(float) * 3600 + part[2].astype(float) * 60
        size += part[3].str.replace(",", ".", regex=False).astype(float)
        found[told] = np.where(part[0] == "-", -1, 1) * size.to_numpy()
    return found


def is_time(texts: Texts) -> bool:
    """Whether a column holds times: nine in ten of its filled cells, numbers apart."""
    some = texts[~empty(texts)].head(500)
    if not len(some):
        return False
    return any(some.str.fullmatch(pattern).mean() >= 0.9 for pattern in _FORMS.values())


def tells(texts: Texts) -> str:
    """What the times of a column tell: DAYS, the time of day (CLOCKS), BOTH; "" where most are no times.

    >>> import pandas as pd
    >>> [tells(pd.Series([one])) for one in ("06.01.2025", "2025-01-06 00:00", "9:30", "06.01.2025 9:30", "call")]
    ['days', 'days', 'clocks', 'both', '']
    """
    some = texts[~empty(texts)].head(500)
    if not is_time(some):
        return ""
    form = max(_FORMS, key=lambda one: float(some.str.fullmatch(_FORMS[one]).mean()))
    if form == "clock":
        return CLOCKS
    return BOTH if np.nan_to_num(_clock(some.str.extract(f"^{_FORMS[form]}$"))).any() else DAYS


def counts_time(plain: Seconds) -> bool:
    """Whether numbers of a column are epochs, or serial numbers of Excel, of this century and not of many years.

    >>> [counts_time(np.array(some)) for some in ([1.74e9, 1.741e9], [45719.25, 45720.5], [3.5], [45719, 45720])]
    [True, True, False, False]
    """
    some = plain[np.isfinite(plain) & (plain != 0)]
    if not len(some):
        return False
    usual = float(np.median(some))
    for size in (1e18, 1e15, 1e12, 1e9):
        if 0.5 * size < usual < 6 * size:
            return True
    return bool(36_000 < usual < 60_000 and np.mean(some % 1 > 0) > 0.5 and np.ptp(some) < 7_500)


def times(texts: Texts, order: str = "", name: str = "") -> TimeColumn:
    """Times from a column of texts. `order` is that of day and month where the file says none.

    LogError where days and months can be told apart in neither way, or in both, and where most are no times.
    """
    gone = empty(texts)
    here = texts[~gone]
    seconds = np.full(len(texts), np.nan)
    if not len(here):
        return TimeColumn(seconds, "none", True)
    sample = here.head(2000)
    fits = {form: float(sample.str.fullmatch(pattern).mean()) for form, pattern in _FORMS.items()}
    form = max(fits, key=lambda one: (round(fits[one], 2), -list(_FORMS).index(one)))
    plain = numbers(sample)
    if np.isfinite(plain).mean() > max(fits[form], 0.5):
        return _of_numbers(texts, name)
    if fits[form] < 0.5:
        raise LogError(f"the column '{name}' holds no times: {_shown(sample)}")
    part = here.str.extract(f"^{_FORMS[form]}$")
    offsets, notes = "", []
    utc, apart = None, ()
    if form == "clock":
        found = _clock(part)
    else:
        day, month, note = _day_and_month(part, form, order, name)
        notes += note
        year = np.asarray(part["Y"].astype(float), dtype=np.float64)
        year = np.where(year < 100, year + np.where(year < 70, 2000, 1900), year)
        found = _dates(year, month, day) + np.nan_to_num(_clock(part))
        if "zone" in part and (told := part["zone"].fillna("")).ne("").any():
            zulu = told.isin(["Z", "UTC", "GMT"])
            offsets = "Z" if zulu.all() else "offset"
            ahead = _offset(told)
            utc = np.full(len(texts), np.nan)
            utc[~gone] = found - ahead
            apart = tuple(np.unique(ahead).tolist())
    seconds[~gone] = found
    wrong = np.isnan(found)
    bad = int(wrong.sum())
    if bad == len(here):
        raise LogError(f"the column '{name}' holds no times: {_shown(here)}")
    example = str(here[wrong].iloc[0]) if bad else ""
    return TimeColumn(seconds, form, form != "clock", offsets, utc, apart, bad, example, notes)


def _shown(texts: Texts) -> str:
    return ", ".join(repr(str(one)[:30]) for one in texts.head(3))


def _of_numbers(texts: Texts, name: str) -> TimeColumn:
    """Epochs and the serial numbers of Excel, by their size; plain numbers are seconds from some midnight on."""
    plain = numbers(texts)
    plain[empty(texts)] = np.nan
    wrong = ~empty(texts) & np.isnan(plain)
    bad = int(wrong.sum())
    example = str(texts[wrong].iloc[0]) if bad else ""
    usual = float(np.nanmedian(np.where(plain == 0, np.nan, plain))) if np.isfinite(plain).any() else np.nan
    for size, form in ((1e18, "epoch ns"), (1e15, "epoch us"), (1e12, "epoch ms"), (1e9, "epoch s")):
        if 0.5 * size < usual < 6 * size:
            plain[plain == 0] = np.nan
            found = plain / (size / 1e9)
            return TimeColumn(found, form, True, "Z", found, (0.0,), bad, example)
    if 20_000 < usual < 80_000 and np.any(plain % 1 > 0):
        plain[plain == 0] = np.nan
        found = np.round((plain - 25_569) * DAY, 3)
        return TimeColumn(
            found, "Excel serial", True, "", None, (), bad, example, ["times are serial numbers of Excel"]
        )
    raise LogError(
        f"the column '{name}' holds numbers that are neither an epoch nor serial numbers of Excel: {_shown(texts)}; "
        "times that count from a start of their own need a column with dates"
    )


def _clock(part: pd.DataFrame) -> Seconds:
    """Seconds since midnight; 24:00 and later hours belong to the next day."""
    if "h" not in part:
        return np.zeros(len(part))
    hour, minute = part["h"].astype(float), part["m"].astype(float)
    second = part["s"].fillna("0").str.replace(",", ".", regex=False).astype(float)
    if "half" in part and part["half"].notna().any():
        half = part["half"].fillna("").str.lower().str[:1]
        hour = hour.where(half == "", hour % 12) + np.where(half == "p", 12, 0)
    found = (hour * 3600 + minute * 60 + second).to_numpy(dtype=np.float64)
    return np.where((minute < 60) & (second < 61) & (hour < 48), found, np.nan)


def _day_and_month(part: pd.DataFrame, form: str, order: str, name: str) -> tuple[Seconds, Seconds, list[str]]:
    if form == "short":
        first, second = (np.asarray(part[one].astype(float), dtype=np.float64) for one in ("a", "b"))
        high_first, high_second = bool(np.any(first > 12)), bool(np.any(second > 12))
        if not order:
            if high_first and high_second:
                raise LogError(
                    f"the column '{name}' has days and months in both orders: no number is a month in all its rows"
                )
            if not high_first and not high_second and not part["sep"].eq(".").all():
                raise LogError(
                    f"the column '{name}' may be read day first or month first, and no row decides it; say "
                    "`dates: day first` or `dates: month first` (of a log in its map, of a trace beside its `file`)"
                )
            order = "month first" if high_second else "day first"
        return (second, first, []) if order == "month first" else (first, second, [f"'{name}' is {order}"])
    day = np.asarray(part["D"].astype(float), dtype=np.float64)
    if "N" in part:
        code = {month: float(at) for at, month in enumerate(_MONTHS, 1)}
        month_of = np.asarray(part["N"].str.lower().str[:3].map(code), dtype=np.float64)
        return day, month_of, []
    return day, np.asarray(part["M"].astype(float), dtype=np.float64), []


def _dates(year: Seconds, month: Seconds, day: Seconds) -> Seconds:
    """Seconds of midnights; NaN where there is no such date."""
    import pandas as pd

    frame = pd.DataFrame({"year": year, "month": month, "day": day})
    dates = pd.to_datetime(frame, errors="coerce").to_numpy().astype("datetime64[s]")
    return np.where(np.isnat(dates), np.nan, dates.astype(np.float64))


def _offset(zones: pd.Series[str]) -> Seconds:
    found = {}
    for one in zones.unique():
        hit = re.fullmatch(r"([+-])(\d{2}):?(\d{2})?", one)
        found[one] = (int(hit[2]) * 3600 + int(hit[3] or 0) * 60) * (-1 if hit[1] == "-" else 1) if hit else 0
    return zones.map(found).to_numpy(dtype=np.float64)


# Dates and zones


def with_dates(seconds: Seconds, dates: Seconds | None, first: date, notes: list[str], name: str = "") -> Seconds:
    """Times of day with their dates: those of another column, else from a first date on, a day later where they fall.

    A file that is in order of its texts (`10:00` before `9:00`), or in none, is of one day.
    """
    if dates is not None:
        return seconds + np.floor(dates / DAY) * float(DAY)
    zero = day_number(first) * DAY
    known = np.isfinite(seconds)
    # A line that is open from 8 to 18 falls by ten hours from one day to the next.
    falls = np.diff(seconds[known]) < -max(float(np.ptp(seconds[known])) / 2, 3600.0) if known.any() else known[:0]
    some = int((np.diff(seconds[known]) < 0).sum())
    if falls.any() and some <= 2 * falls.sum() + 0.01 * known.sum():
        late, early = seconds[known][:-1][falls], seconds[known][1:][falls]
        if not _by_text(seconds[known]):
            days = np.zeros(len(seconds))
            days[known] = np.concatenate([[0], np.cumsum(falls)])
            notes.append(
                f"'{name}' has no date: it falls {int(falls.sum())} times ({_hm(late[0])} to {_hm(early[0])}), each "
                "time a day later"
            )
            return seconds + days * DAY + zero
        notes.append(f"'{name}' has no date; the rows are in order of their texts, so all are of one day")
    return seconds + zero


def _by_text(seconds: Seconds) -> bool:
    """Whether times of day stand in the order of their texts written without a leading zero."""
    texts = [f"{int(one // 3600)}:{int(one // 60 % 60):02d}:{int(one % 60):02d}" for one in seconds[:20_000]]
    falls = sum(one > other for one, other in pairwise(texts))
    # Days one after another seldom fall either; but of a file in order of its texts, these grow all the way.
    place = np.unique(texts, return_inverse=True)[1]
    if len(texts) < 2 or not np.ptp(place):
        return False
    return falls <= 0.005 * len(texts) and bool(np.corrcoef(place, np.arange(len(texts)))[0, 1] > 0.95)


def _hm(seconds: float) -> str:
    return f"{int(seconds // 3600)}:{int(seconds // 60 % 60):02d}"


def zone_of(name: str) -> ZoneInfo:
    """A zone by its name; LogError where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, IsADirectoryError, OSError):
        raise LogError(f"there is no zone '{name}'; zones are named as Europe/London or America/New_York") from None


def local(seconds: Seconds, zone: str) -> Seconds:
    """UTC as the clock of a zone shows it."""
    import pandas as pd

    known = np.isfinite(seconds)
    found = seconds.copy()
    utc = pd.to_datetime(np.round(seconds[known] * 1e6).astype("int64"), unit="us", utc=True)
    wall = utc.tz_convert(zone_of(zone)).tz_localize(None)
    found[known] = wall.to_numpy().astype("datetime64[us]").astype(np.float64) / 1e6
    return found


def clock_changes(first: float, last: float, zone: str) -> list[tuple[float, float]]:
    """The changes of a zone's clock between two local times: when, and by how many seconds it is put forward."""
    place, found = zone_of(zone), []
    at, end = datetime(1970, 1, 1) + timedelta(seconds=first), datetime(1970, 1, 1) + timedelta(seconds=last)
    while at < end:
        after = at + timedelta(hours=1)
        change = (after.replace(tzinfo=place).utcoffset() or timedelta()) - (
            at.replace(tzinfo=place).utcoffset() or timedelta()
        )
        if change:
            found.append(((at - datetime(1970, 1, 1)).total_seconds(), change.total_seconds()))
        at = after
    return found


def day_number(on: date) -> int:
    """Days from 1970-01-01 to a date."""
    return (on - date(1970, 1, 1)).days


def as_datetime(seconds: float) -> datetime:
    """A local time as a date and a clock."""
    return datetime(1970, 1, 1) + timedelta(seconds=seconds)
