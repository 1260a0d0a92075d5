"""What comes: the volume, the week, how much one day differs from another, and what each hour hands to the next.

Sources: a day factor beside a profile and Poisson counts are those of A. N. Avramidis, A. Deslauriers and P. L'Ecuyer,
"Modeling daily arrivals to a telephone call center", Management Science 50 (2004).
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.logs.calls import of_dates
from sim.logs.counts import CI
from sim.logs.times import DAY, day_number
from sim.scenario.units import DAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sim.logs.calls import LoggedVisits
    from sim.logs.counts import IntervalCounts

    Floats = NDArray[np.float64]

FAR: Final = 4.0
"""Robust standard deviations from the other dates of its weekday that make a date one of its own."""
AT_LEAST: Final = 0.10
"""And it comes to so much more or less."""
GAPS: Final = 0.1
"""A log that lacks a larger share of the dates of its weekdays has gaps, of which nothing is known."""
FEW: Final = 14
"""Dates that are too few to tell weekdays apart."""
COUNTRIES: Final = (
    *("US", "GB", "IL", "DE", "FR", "CA", "AU", "NL", "IT", "ES", "SE", "NO", "DK", "BE", "CH", "AT", "IE", "NZ", "PL"),
    *("PT", "FI", "BR", "IN", "JP", "KR", "ZA", "TR", "MX", "CZ", "GR", "HU"),
)
SAME: Final = 0.01
"""A p-value below which channels have profiles of their own."""
OWN: Final = 200
"""Tips of a channel from which on it has a profile of its own."""


@dataclass(frozen=True, slots=True)
class OddDay:
    """A date on which much more or less came than on others of its weekday."""

    on: date
    factor: float
    """Times as many as usual."""
    name: str
    """Of the holiday; "" where it is none that is known."""


@dataclass(slots=True)
class LoggedDemand:
    """What came, date by date and interval by interval of the day."""

    first: date
    step: int
    """Seconds of an interval; they divide a day."""
    counts: Floats
    """(n_dates, n_intervals), NaN on dates of which nothing is known."""
    odd: list[OddDay] = field(default_factory=list)
    country: str = ""
    """The country whose public holidays the odd dates are."""
    usual: NDArray[np.bool_] = field(init=False)
    """(n_dates,) known, and not odd."""

    def __post_init__(self) -> None:
        self.usual = self.known
        if len(self.dates) >= FEW:
            self.odd = self._odd_days()
            odd = {one.on for one in self.odd}
            self.usual = self.known & np.array([day not in odd for day in self.dates])
            self.country = _named(self.odd, self.dates)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(n_dates,) dates of which something is known."""
        return np.asarray(np.isfinite(self.counts).any(axis=1), dtype=np.bool_)

    @property
    def dates(self) -> list[date]:
        return [self.first + timedelta(days=n) for n in range(len(self.counts))]

    @property
    def weekday(self) -> NDArray[np.int64]:
        return (self.first.weekday() + np.arange(len(self.counts))) % 7

    @property
    def totals(self) -> Floats:
        """(n_dates,) how many came."""
        return np.where(self.known, np.nansum(self.counts, axis=1), np.nan)

    @property
    def volume(self) -> tuple[float, float, float]:
        """How many come a day, over the dates of the log, with its interval."""
        some = self.totals[self.known]
        spread = float(some.std(ddof=1)) if len(some) > 1 else math.sqrt(float(some.mean()))
        if len(some) > 1 and self.tells_weekdays:
            ratio = self.day_ratio
            spread = float(np.nanstd(ratio, ddof=1)) * float(some.mean())
        half = CI * spread / math.sqrt(len(some))
        return float(some.mean()), float(some.mean()) - half, float(some.mean()) + half

    @property
    def tells_weekdays(self) -> bool:
        """Whether there are dates enough to tell weekdays apart."""
        return int(self.usual.sum()) >= FEW

    @property
    def week(self) -> Floats:
        """(7, n_intervals) how many come on a usual day of the week; 0 on weekdays that never came."""
        if not self.tells_weekdays:
            some = np.nanmean(self.counts[self.known], axis=0)
            present = set(self.weekday[self.known].tolist())
            return np.array([some if day in present else np.zeros_like(some) for day in range(7)])
        found = np.zeros((7, self.counts.shape[1]))
        for day in range(7):
            rows = self.usual & (self.weekday == day)
            if rows.any():
                found[day] = np.nanmean(self.counts[rows], axis=0)
        return found

    @property
    def day_ratio(self) -> Floats:
        """(n_dates,) how many came over how many come on that weekday; NaN on dates that are not usual."""
        mean = self.week.sum(axis=1)[self.weekday]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.usual & (mean > 0), self.totals / mean, np.nan)

    @property
    def day_cv(self) -> tuple[float, float, float]:
        """The cv of the day's factor given the weekday, Poisson noise taken off, with its interval; NaN where unknown.

        Each weekday's mean is its own, which takes one degree of freedom each.
        """
        ratio = self.day_ratio
        some = np.isfinite(ratio)
        n, kinds = int(some.sum()), len(set(self.weekday[some].tolist()))
        if n - kinds < 5:
            return math.nan, math.nan, math.nan
        noise = float(np.mean(1 / self.week.sum(axis=1)[self.weekday[some]]))
        variance = float(((ratio[some] - 1) ** 2).sum() / (n - kinds))
        from scipy.stats import chi2

        low, high = (variance * (n - kinds) / chi2.ppf(q, n - kinds) for q in (0.975, 0.025))
        value, at_least, at_most = (math.sqrt(max(one - noise, 0.0)) for one in (variance, float(low), float(high)))
        return value, at_least, at_most

    @property
    def residuals(self) -> Floats:
        """(n_dates, n_intervals) count less what its date's total and its weekday's profile make of it, over the root
        of that: of variance 1 where counts are Poisson; NaN where less than 1 is expected."""
        week = self.week
        shape = week / np.maximum(week.sum(axis=1, keepdims=True), 1e-300)
        expected = shape[self.weekday] * self.totals[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (self.counts - expected) / np.sqrt(expected)
        return np.where((expected >= 1) & self.usual[:, None] & np.isfinite(self.counts), found, np.nan)

    @property
    def dispersion(self) -> float:
        """The variance of counts over their mean, within days: 1 where they are Poisson."""
        some = self.residuals
        some = some[np.isfinite(some)]
        free = 1 - 1 / max(int(self.usual.sum()) / 7, 2) if self.tells_weekdays else 1.0
        return float((some**2).mean() / free) if len(some) else math.nan

    def correlation(self, lag: int = 1, *, product: bool = False) -> float:
        """Of the residuals of intervals so many apart on one date; NaN where there are too few.

        With `product` they are those of weekday times interval, and else those of each weekday's own profile.
        """
        found = self.residuals
        if product:
            profile = np.nanmean(self.counts[self.usual], axis=0)
            expected = (profile / profile.sum())[None, :] * self.totals[:, None]
            with np.errstate(divide="ignore", invalid="ignore"):
                found = np.where(np.isfinite(found), (self.counts - expected) / np.sqrt(expected), np.nan)
        one, other = found[:, :-lag].ravel(), found[:, lag:].ravel()
        both = np.isfinite(one) & np.isfinite(other)
        if both.sum() < 100 or np.ptp(one[both]) == 0 or np.ptp(other[both]) == 0:
            return math.nan
        return float(np.corrcoef(one[both], other[both])[0, 1])

    @property
    def swing(self) -> tuple[float, float]:
        """The cv of what swings from interval to interval beside Poisson noise, and its correlation at one interval."""
        found = self.residuals
        if not self.tells_weekdays or np.isfinite(found).sum() < 500 or self.dispersion < 1.05:
            return 0.0, 0.0
        mean = float(np.nanmean(np.where(np.isfinite(found), self.week[self.weekday], np.nan)))
        far = min(max(3600 // self.step, 2), found.shape[1] // 4)
        near, later = (float(np.nanmean(found[:, :-lag] * found[:, lag:])) for lag in (1, far))
        if near <= 0:
            return math.sqrt((self.dispersion - 1) / mean), 0.0
        # Beside the date's own total the covariance at lag h is s (r^h - m), m being the mean of all correlations of a
        # date; what is there at lag 0 alone is noise beyond Poisson.
        rate = np.arange(0.02, 1.0, 0.005)
        mean_of_all = np.array([mean_correlation(float(one), found.shape[1]) for one in rate])
        falls = (rate**far - mean_of_all) / np.maximum(rate - mean_of_all, 1e-9)
        handed = float(rate[np.abs(falls - max(later, 0.0) / near).argmin()])
        extra = near / (handed - mean_correlation(handed, found.shape[1]))
        return math.sqrt(extra / mean), handed

    @property
    def tells_hours(self) -> bool:
        """Whether anything shorter than a day was counted."""
        return bool(self.counts.shape[1] > 1)

    @property
    def product_form(self) -> tuple[float, float, str]:
        """How far weekday by hour departs from weekday times hour: the largest departure among hours that are told to
        5 %, the p-value of no departure at all, and where it is; NaN where there are too few dates."""
        if not self.tells_weekdays:
            return math.nan, math.nan, ""
        from scipy.stats import chi2

        a_hour = max(3600 // self.step, 1)
        hours = self.counts.shape[1] // a_hour
        rows = self.usual
        by_hour = self.counts[:, : hours * a_hour].reshape(len(self.counts), hours, a_hour).sum(axis=2)
        table = np.array([by_hour[rows & (self.weekday == day)].sum(axis=0) for day in range(7)])
        present = table.sum(axis=1) > 0
        expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
        some = (expected > 0) & present[:, None]
        spread = max(self.dispersion, 1.0) * a_hour ** (0.5 if self.correlation() > 0.1 else 0.0)
        statistic = float((((table - expected) ** 2)[some] / expected[some]).sum()) / spread
        free = (int(present.sum()) - 1) * (int((table.sum(axis=0) > 0).sum()) - 1)
        if not free:
            return math.nan, 1.0, ""
        sure = some & (np.sqrt(spread / np.maximum(expected, 1e-300)) < 0.05)
        if not sure.any():
            return math.nan, float(chi2.sf(statistic, free)), ""
        departure = np.where(sure, table / np.maximum(expected, 1e-300) - 1, 0)
        day, hour = np.unravel_index(np.abs(departure).argmax(), departure.shape)
        where = f"{DAYS[int(day)]} {int(hour) * a_hour * self.step // 3600}:00"
        return float(departure[day, hour]), float(chi2.sf(statistic, free)), where

    @property
    def trend(self) -> tuple[float, float, float]:
        """By how much the volume grows in a year, as a share, with its interval; NaN for less than 8 weeks."""
        ratio = self.day_ratio
        some = np.isfinite(ratio)
        if int(some.sum()) < 40:
            return math.nan, math.nan, math.nan
        years = np.arange(len(ratio))[some] / 365
        x, y = years - years.mean(), ratio[some]
        slope = float((x @ (y - y.mean())) / (x @ x))
        left = y - y.mean() - slope * x
        # Days hand some of what they have to the next, so fewer of them are independent.
        handed = float(np.clip(np.corrcoef(left[:-1], left[1:])[0, 1], 0, 0.95))
        error = math.sqrt(float(left @ left) / (len(x) - 2) / float(x @ x) * (1 + handed) / (1 - handed))
        return slope, slope - CI * error, slope + CI * error

    def _odd_days(self) -> list[OddDay]:
        """Dates far from the others of their weekday, in their own weeks' level."""
        found = []
        totals, weekday, dates = self.totals, self.weekday, self.dates
        present = {day for day in range(7) if np.isfinite(totals[weekday == day]).sum() >= 3}
        of_present = np.isin(weekday, list(present))
        # A log that lacks many dates has gaps; one that lacks a few was closed on them.
        has_gaps = bool(np.isnan(totals[of_present]).mean() > GAPS) if of_present.any() else True
        usual = {day: float(np.nanmedian(totals[weekday == day])) for day in present}
        ratio = np.array(
            [
                math.nan if day not in usual or usual[day] <= 0 else n / usual[day]
                for n, day in zip(totals, weekday, strict=True)
            ]
        )
        some = np.isfinite(ratio)
        spread = 1.4826 * float(np.nanmedian(np.abs(ratio[some] - np.nanmedian(ratio[some])))) if some.any() else 0.0
        spread = max(spread, float(np.sqrt(1 / max(np.nanmedian(totals), 1.0))))
        for at, one in enumerate(ratio):
            if np.isfinite(one) and abs(one - 1) > max(FAR * spread, AT_LEAST):
                found.append(OddDay(dates[at], float(one), ""))
            elif not np.isfinite(totals[at]) and int(weekday[at]) in present and not has_gaps:
                found.append(OddDay(dates[at], 0.0, ""))
        return found


@dataclass(frozen=True, slots=True)
class Apart:
    """Channels whose shares vary over the day: what came by each, and the test against one profile for all."""

    by_channel: dict[str, LoggedDemand]
    """The demand of each channel, by its name in the log."""
    p: float
    """The p-value of one profile of the day for all."""
    departure: float
    """The largest departure of a channel and hour, of those that are told to 10 %, from that."""
    where: str

    @property
    def differ(self) -> bool:
        return self.p < SAME

    @property
    def own(self) -> list[str]:
        """Channels with tips enough to have profiles of their own."""
        return [name for name, one in self.by_channel.items() if float(np.nansum(one.counts)) >= OWN]


def apart(whole: LoggedDemand, by_channel: dict[str, Floats]) -> Apart | None:
    """Whether channels, (n_dates, n_intervals) counts each, share one profile of the day; None where one came alone.

    How the tips of an hour part into channels is held against one split for all hours; where dates differ in that
    beyond chance the test allows for it.
    """
    parts = {name: _part_of(whole, counts) for name, counts in by_channel.items()}
    a_hour = max(3600 // whole.step, 1)
    hours = whole.counts.shape[1] // a_hour
    table = np.array(
        [one.counts[whole.usual, : hours * a_hour].reshape(-1, hours, a_hour).sum(axis=2) for one in parts.values()]
    )  # (channels, dates, hours)
    table = np.nan_to_num(table)
    of_hour, of_channel = table.sum(axis=(0, 1)), table.sum(axis=(1, 2))
    if (of_channel > 0).sum() < 2 or (of_hour > 0).sum() < 2:
        return None
    from scipy.stats import chi2

    expected = of_channel[:, None] * of_hour / table.sum()
    seen = table.sum(axis=1)
    some = expected >= 1
    statistic = float((((seen - expected) ** 2)[some] / expected[some]).sum())
    free = max((int((of_channel > 0).sum()) - 1) * (int((of_hour > 0).sum()) - 1), 1)
    # Beside the split of its own hour a date departs by chance, or by more than that.
    split = seen / np.maximum(of_hour, 1e-300)
    of_date = split[:, None, :] * table.sum(axis=0)
    enough = of_date >= 1
    more = float((((table - of_date) ** 2)[enough] / of_date[enough]).sum())
    dates = table.shape[1]
    spare = enough.sum() * (1 - 1 / max(dates, 1)) * (1 - 1 / len(parts))
    spread = max(more / spare, 1.0) if dates > 1 and spare > 0 else 1.0
    sure = some & (np.sqrt(spread / np.maximum(expected, 1e-300)) < 0.1)
    departure, where = 0.0, ""
    if sure.any():
        off = np.where(sure, seen / np.maximum(expected, 1e-300) - 1, 0.0)
        channel, hour = np.unravel_index(np.abs(off).argmax(), off.shape)
        departure = float(off[channel, hour])
        where = f"{list(parts)[int(channel)]} {int(hour) * a_hour * whole.step // 3600}:00"
    return Apart(parts, float(chi2.sf(statistic / spread, free)), departure, where)


def _part_of(whole: LoggedDemand, counts: Floats) -> LoggedDemand:
    """The demand of a part of the tips, with the dates of the whole: which are known, and which are usual."""
    found = copy.copy(whole)
    found.counts = np.where(np.isfinite(whole.counts), counts, np.nan)
    return found


def mean_correlation(handed: float, n: int) -> float:
    """The mean of the correlations of n intervals with each other, each handing so much on to the next.

    >>> mean_correlation(0.0, 4), round(mean_correlation(0.5, 2), 3)
    (0.25, 0.75)
    """
    lag = np.arange(1, n)
    return (1 + 2 * float(((1 - lag / n) * handed**lag).sum())) / n


def _named(odd: list[OddDay], dates: Sequence[date]) -> str:
    """Give odd dates the names of the public holidays of the country that explains most of them; that country."""
    import holidays

    years = sorted({day.year for day in dates})
    span = set(dates)
    best: tuple[float, str, dict[date, str]] = (0.0, "", {})
    for country in COUNTRIES:
        known = {day: str(name) for day, name in holidays.country_holidays(country, years=years).items() if day in span}
        hit = sum(1 for one in odd if one.on in known)
        # A country has holidays that a line does not keep; one with many of these explains little.
        score = hit - 0.3 * (len(known) - hit)
        if hit >= 2 and score > best[0]:
            best = score, country, known
    for at, one in enumerate(odd):
        if one.on in best[2]:
            odd[at] = OddDay(one.on, one.factor, best[2][one.on])
    return best[1]


def demand_of_log(visits: LoggedVisits, step: int, new: NDArray[np.bool_]) -> LoggedDemand:
    """The demand of a log of calls, the visits that are `new` counted by interval; by day where it
    has dates only."""
    arrival = visits.arrival[new]
    return of_arrivals(arrival, DAY if of_dates(arrival) else step)


def of_arrivals(arrival: Floats, step: int, first_day: int | None = None, n_days: int | None = None) -> LoggedDemand:
    """The demand of times of arrival, in seconds since 1970-01-01 of the local clock."""
    begin = int(np.floor(arrival.min() / DAY)) if first_day is None else first_day
    many = int(np.floor(arrival.max() / DAY)) - begin + 1 if n_days is None else n_days
    counts = _counted(arrival, step, begin, many)
    if n_days is None:
        counts[counts.sum(axis=1) == 0] = np.nan
    return LoggedDemand(date(1970, 1, 1) + timedelta(days=begin), step, counts)


def _counted(arrival: Floats, step: int, begin: int, n_days: int) -> Floats:
    """(n_days, n_intervals) how many came, from the day `begin` after 1970-01-01 on."""
    a_day = DAY // step
    place = np.floor((arrival - begin * DAY) / step).astype(np.int64)
    place = place[(place >= 0) & (place < n_days * a_day)]
    return np.bincount(place, minlength=n_days * a_day).reshape(n_days, a_day).astype(np.float64)


def demand_of_counts(counts: IntervalCounts) -> LoggedDemand | None:
    """The demand of counts by interval; None of those that are of no dates, or longer than a day."""
    if counts.shape != "counts" or counts.step > DAY:
        return None
    begin = int(np.floor(counts.begins[0] / DAY))
    table = _counts_by_date(counts, counts.count)
    return LoggedDemand(date(1970, 1, 1) + timedelta(days=begin), DAY // table.shape[1], table)


def _counts_by_date(counts: IntervalCounts, values: Floats) -> Floats:
    """(n_dates, n_intervals) some values of counts by interval; NaN on dates that it does not have."""
    step = int(counts.step) if DAY % int(counts.step) == 0 else 300
    begin = int(np.floor(counts.begins[0] / DAY))
    many = int(np.floor(counts.begins[-1] / DAY)) - begin + 1
    a_day = DAY // step
    found = np.full((many * a_day,), np.nan)
    place = np.floor((counts.begins - begin * DAY) / step).astype(np.int64)
    found[place] = 0
    np.add.at(found, place, values)
    table = found.reshape(many, a_day)
    seen = np.isfinite(table).any(axis=1)
    table[seen] = np.nan_to_num(table[seen])
    return table


def apart_in_log(whole: LoggedDemand, visits: LoggedVisits, new: NDArray[np.bool_]) -> Apart | None:
    """Whether the channels of a log of calls share one profile of the day; None where there is one channel."""
    channel = visits.channel
    if len(channel.names) < 2:
        return None
    begin = day_number(whole.first)
    by_channel = {
        name: _counted(visits.arrival[new & (channel.code == code)], whole.step, begin, len(whole.counts))
        for code, name in enumerate(channel.names)
    }
    return apart(whole, by_channel)


def apart_in_counts(whole: LoggedDemand, counts: IntervalCounts) -> Apart | None:
    """Whether channels that are counted apart share one profile of the day; None where they are not."""
    if len(counts.channels) < 2:
        return None
    return apart(whole, {name: _counts_by_date(counts, values) for name, values in counts.channels.items()})
