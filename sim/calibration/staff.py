"""Staff: who was there, from log-ins or else from who served whom when, with absences cut where callers wait and
nobody is taken.

Log-in times say too much: people are logged in who take nobody while callers wait. What counts here is that somebody
served, wound up the last call, or was free while nobody waited.

* A gap between two services of a person that begins while callers wait is wrap-up at first; longer than LONG_TIMES its
  usual length it is absence.
* While callers wait and a free person takes nobody, the person is not there.
* While nobody waits, a free person is there, unless others of the group began so many services that it was passed over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.calibration.fits import Fitted, fitted_censored
from sim.logs.calls import ROUNDING
from sim.logs.counts import CI
from sim.logs.times import DAY

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.logs.calls import LoggedVisits, Logins

    Seconds = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Spans = NDArray[np.float64]

ALIKE: Final = 0.25
"""Channels of which so much is served by the same people have one group."""
LONG_TIMES: Final = 12.0
AT_LEAST: Final = 60.0
"""Seconds: a gap with a line that is longer than this and than LONG_TIMES the usual one is absence, not wrap-up."""
PASSED_OVER: Final = 3.0
"""Services that others began, over the people of the group, from which on somebody free is taken to be away."""
ENOUGH: Final = 30
TWO_AT_ONCE: Final = 0.1
"""The share of services begun while the same person has another in hand from which on that is how people work."""


@dataclass(slots=True)
class Gap:
    """The gaps of a group between services, while callers waited."""

    n: int
    median: float
    p95: float
    cut: float
    """Seconds beyond which a gap is absence."""


@dataclass(slots=True)
class Group:
    """People who serve the same channels: a pool."""

    name: str
    channels: tuple[str, ...]
    persons: int
    served: int
    step: int
    """Seconds of an interval."""
    begins: Seconds
    """(n,) seconds since 1970-01-01 at which intervals begin."""
    there: Seconds
    """(n,) people there, on average over each."""
    heads: NDArray[np.int64]
    """(n,) the same in whole heads, of which as many hours are written."""
    on_line: float
    """Hours from log-in to log-off, or else from the first service to the last of each person and date."""
    truly: float
    """Hours of these in which they were there."""
    busy: float
    """Hours in service."""
    gaps: Gap | None
    wrap_up: Fitted | None
    from_whom: str
    """What the heads rest on."""
    across: float = 0.0
    """The share of its services that were of another group's channels."""
    slots: int = 1
    """Tips that each has in hand while others wait."""
    logins: int = 0
    """Spans of being logged in; 0 where the log does not tell them."""

    @property
    def stays(self) -> bool:
        """Whether somebody stays on when the line closes, for those who still wait."""
        return bool((self.heads > whole_heads(self.there)).any())

    @property
    def share(self) -> float:
        """The share of the time on line in which they were there."""
        return self.truly / self.on_line if self.on_line else math.nan


def groups_of(visits: LoggedVisits) -> list[list[int]]:
    """Which channels share people, as lists of their codes, the busiest first."""
    channel, person = visits.channel, visits.person
    n = max(len(channel.names), 1)
    if n == 1 or not len(person.names):
        return [list(range(n))]
    table = np.zeros((n, len(person.names)))
    some = (channel.code >= 0) & (person.code >= 0) & visits.served
    np.add.at(table, (channel.code[some], person.code[some]), 1)
    total = table.sum(axis=1)
    share = table / np.maximum(total, 1)[:, None]
    group = list(range(n))
    for one in range(n):
        for other in range(one):
            few = min(total[one], total[other]) < ENOUGH
            if few or np.minimum(share[one], share[other]).sum() >= ALIKE:
                old, new = group[one], group[other]
                if few and total[one] >= ENOUGH and total[other] >= ENOUGH:
                    continue
                group = [new if each == old else each for each in group]
    found = [[code for code in range(n) if group[code] == each] for each in dict.fromkeys(group)]
    return sorted(found, key=lambda codes: -float(total[codes].sum()))


def staff_of(visits: LoggedVisits, name: str, rows: Flags, step: int, logins: Logins | None = None) -> Group | None:
    """The people of a group, whose visits are `rows`; None where neither persons nor services are known.

    Who is logged in counts for the group of most of his services.
    """
    mine = visits.take(rows)
    known = np.isfinite(mine.start) & np.isfinite(mine.end)
    if known.sum() < 5:
        return None
    channels = tuple(mine.channel.names[code] for code in np.unique(mine.channel.code) if code >= 0)
    line = _union(mine.enter, np.where(np.isfinite(mine.left), mine.left, mine.enter))
    told = (mine.person.code >= 0).sum() > 0.5 * known.sum()
    if not told:
        return _from_numbers(mine, name, channels, step, line)
    if logins is not None:
        n = len(visits.person.names)
        all_of, here = (
            np.bincount(one.person.code[one.served & (one.person.code >= 0)], minlength=n) for one in (visits, mine)
        )
        logins = logins.of(np.flatnonzero(2 * here > all_of))
    return _from_persons(mine, name, channels, step, line, logins)


def _union(begins: Seconds, ends: Seconds) -> Spans:
    """(n, 2) when at least one of some spans holds, as spans apart from each other; empty spans are none."""
    some = ends > begins
    begins, ends = begins[some], ends[some]
    if not len(begins):
        return np.zeros((0, 2))
    order = np.argsort(begins, kind="stable")
    begins, ends = begins[order], np.maximum.accumulate(ends[order])
    new = np.append(True, begins[1:] > ends[:-1])
    last = np.append(np.flatnonzero(new)[1:] - 1, len(ends) - 1)
    return np.stack([begins[new], ends[last]], axis=1)


@dataclass(slots=True)
class _Day:
    """A person on a date: services in order, with the gaps between them; none where somebody was only logged in."""

    start: Seconds
    end: Seconds
    since: float
    """From when on, and until when, the person was on line."""
    until: float


def _days(visits: LoggedVisits, logins: Logins | None) -> list[_Day]:
    """Services by log-in, and those outside of any by person and date.

    A date of a person ends where six hours follow without any service.
    """
    known = np.isfinite(visits.start) & np.isfinite(visits.end) & (visits.person.code >= 0)
    found: list[_Day] = []
    for at in range(len(logins) if logins is not None else 0):
        assert logins is not None
        since, until = float(logins.since[at]), float(logins.until[at])
        mine = known & (visits.person.code == logins.person[at])
        mine &= (visits.start >= since - ROUNDING) & (visits.start <= until)
        known &= ~mine
        start, end = visits.start[mine], visits.end[mine]
        order = np.argsort(start, kind="stable")
        first, last = min(since, *start.tolist(), math.inf), max(until, *end.tolist(), -math.inf)
        found.append(_Day(start[order], end[order], first, last))
    who, start, end = visits.person.code[known], visits.start[known], visits.end[known]
    order = np.lexsort((start, who))
    who, start, end = who[order], start[order], end[order]
    if not len(who):
        return found
    latest = np.maximum.accumulate(end + who * 1e12) - who * 1e12
    new = np.append(True, (who[1:] != who[:-1]) | (start[1:] > latest[:-1] + DAY / 4))
    edges = [*np.flatnonzero(new).tolist(), len(who)]
    found += [_Day(start[a:b], end[a:b], float(start[a]), float(end[a:b].max())) for a, b in pairwise(edges)]
    return found


def _from_persons(
    visits: LoggedVisits, name: str, channels: tuple[str, ...], step: int, line: Spans, logins: Logins | None
) -> Group:
    days = _days(visits, logins)
    starts = np.sort(visits.start[np.isfinite(visits.start)])
    times, seen = _ends_with_a_line(days, line)
    gaps, cut = None, AT_LEAST
    if seen.sum() >= 10:
        usual = float(np.median(times[seen]))
        cut = max(AT_LEAST, LONG_TIMES * usual)
        gaps = Gap(int(seen.sum()), usual, float(np.percentile(times[seen], 95)), cut)
    given = visits.wrap_up[np.isfinite(visits.wrap_up) & visits.served]
    wrap_up = _wrap_up(times, seen, cut, given)
    spans: list[tuple[float, float]] = []
    on_line = 0.0
    many, slots = _at_once(days), _slots(days, line)
    for day in days:
        on_line += day.until - day.since
        there = _there(day, line, starts, cut, many)
        spans += there if slots == 1 or not there else [(a, b) for a, b in _union(*np.array(there).T).tolist()]
    busy = float(sum((day.end - day.start).sum() for day in days))
    n = len(logins) if logins is not None else 0
    whence = f"{n} log-ins, cut where callers waited and nobody was taken" if n else "who served whom when"
    every = np.array(spans)
    begins, mean = averaged(every, step)
    return Group(
        name=name,
        channels=channels,
        persons=len(np.unique(visits.person.code[visits.person.code >= 0])),
        served=int(visits.served.sum()),
        step=step,
        begins=begins,
        there=mean,
        heads=until_the_line_is_clear(begins, whole_heads(mean), step, visits),
        on_line=on_line / 3600,
        truly=_length(every) / 3600,
        busy=busy / 3600,
        gaps=gaps,
        wrap_up=wrap_up,
        from_whom=whence,
        logins=n,
        slots=slots,
    )


def _slots(days: list[_Day], line: Spans) -> int:
    """How many tips somebody mostly has in hand while others wait; 1 where nearly all are served one at a time."""
    n = sum(len(day.start) for day in days)
    both = sum(int((day.start[1:] < np.maximum.accumulate(day.end)[:-1] - ROUNDING).sum()) for day in days)
    if both < TWO_AT_ONCE * n or not len(line):
        return 1
    waited = np.concatenate([[0.0], np.cumsum(line[:, 1] - line[:, 0])])
    lasted: dict[int, float] = {}
    for day in days:
        at = np.sort(np.concatenate([day.start, day.end]))
        in_hand = np.searchsorted(np.sort(day.start), at, side="right") - np.searchsorted(
            np.sort(day.end), at, side="right"
        )
        # How long somebody waited until each of these moments.
        place = np.searchsorted(line[:, 0], at, side="right")
        gone = waited[place] - np.where(place > 0, np.maximum(line[place - 1, 1] - at, 0.0), 0.0)
        for many, long in zip(in_hand[:-1].tolist(), np.diff(gone).tolist(), strict=True):
            lasted[many] = lasted.get(many, 0.0) + long
    return max((many for many in lasted if many > 0), key=lambda many: lasted[many], default=1)


def _at_once(days: list[_Day]) -> float:
    """People of a group who are there on a usual date, as a mean over its time on line."""
    if not days:
        return 1.0
    hours = sum(day.until - day.since for day in days)
    spans = _union(np.array([day.since for day in days]), np.array([day.until for day in days]))
    return max(hours / max(_length(spans), 1.0), 1.0)


def _ends_with_a_line(days: list[_Day], line: Spans) -> tuple[Seconds, Flags]:
    """After each service that ended while callers waited: how long until the next began, or the line was empty.

    The second tells whether it was the former.
    """
    times, seen = [], []
    for day in days:
        ends, following = np.maximum.accumulate(day.end)[:-1], day.start[1:]
        place = np.searchsorted(line[:, 0], ends, side="right") - 1
        for end, start, at in zip(ends, following, place, strict=True):
            if start <= end or at < 0 or line[at, 1] <= end:
                continue
            times.append(min(start, line[at, 1]) - end)
            seen.append(bool(start <= line[at, 1] + 2.0))
    return np.array(times), np.array(seen, dtype=np.bool_)


def _wrap_up(times: Seconds, seen: Flags, cut: float, given: Seconds) -> Fitted | None:
    """The law of wrap-up: from its own column, else from the gaps with a line, cut off where absence begins."""
    from sim.calibration.fits import fitted_work

    if len(given) >= 10 and given.max() > 0:
        return fitted_work("wrap-up", "", np.maximum(given, 0.5))
    short = times <= cut
    if (seen & short).sum() < 10:
        return None
    found, survival = fitted_censored("wrap-up", "", times[short], seen[short])
    # What is absence is no wrap-up, so that all of these end.
    value = np.minimum(survival.quantiles(400, at_least=1), float(times[short].max()))
    mean, n = float(value.mean()), int((seen & short).sum())
    half = CI * float(value.std()) / math.sqrt(n)
    found.mean, found.mean_low, found.mean_high = mean, mean - half, mean + half
    found.cv = float(value.std() / mean)
    error = found.cv * math.sqrt((1 + found.cv**2) / n)
    found.cv_low, found.cv_high = found.cv - CI * error, found.cv + CI * error
    found.values = value
    return found


def _there(day: _Day, line: Spans, starts: Seconds, cut: float, many: float) -> list[tuple[float, float]]:
    """When a person was there: in service, winding up, and free while nobody waited."""
    found = [(float(a), float(b)) for a, b in zip(day.start, day.end, strict=True)]
    latest = np.maximum.accumulate(day.end)
    ends, begins = [day.since, *latest.tolist()], [*day.start.tolist(), day.until]
    for number, (end, start) in enumerate(zip(ends, begins, strict=True)):
        if start <= end:
            continue
        first = int(np.searchsorted(line[:, 1], end, side="right"))
        last = int(np.searchsorted(line[:, 0], start, side="left"))
        blocked = [(max(float(a), end), min(float(b), start)) for a, b in line[first:last]]
        free, at = [], end
        for a, b in blocked:
            if a == end and number:
                # It begins while callers wait: winding up, if it is short.
                if b - end <= cut:
                    found.append((end, b))
            elif a > at:
                free.append((at, a))
            at = max(at, b)
        if at < start:
            free.append((at, start))
        between = int(np.searchsorted(starts, start, side="left") - np.searchsorted(starts, end, side="right"))
        if between < max(PASSED_OVER * many, 5.0):
            found += free
    return found


def _length(spans: Spans) -> float:
    """How long spans are together."""
    return float((spans[:, 1] - spans[:, 0]).sum())


def _steps(spans: Spans) -> tuple[Seconds, Seconds]:
    """The times at which spans begin or end, rising, and how many hold from each on."""
    order = np.argsort(spans.T.ravel(), kind="stable")
    return np.sort(spans.ravel()), np.cumsum(np.repeat([1.0, -1.0], len(spans))[order])


STAYS: Final = 7200
"""Seconds for which one stays on once a line has closed, for those who still wait then."""


def until_the_line_is_clear(
    begins: Seconds, heads: NDArray[np.int64], step: int, visits: LoggedVisits
) -> NDArray[np.int64]:
    """Heads with one more for a while after each closing, where in the log nobody waited until the next opening.

    Whoever waits when a line closes is served before people go home; with heads that fall to none at that time such
    tips, whose dates are other ones in a run that is drawn, would wait through the night.
    """
    n = max(STAYS // step, 1)
    closes = [
        at
        for at in np.flatnonzero((heads[:-1] > 0) & (heads[1:] == 0)).tolist()
        if not heads[at + 1 : at + 1 + n].any()
    ]
    found = heads.copy()
    for at in closes:
        close = begins[at] + step
        if not np.any((visits.enter < close) & (visits.start > close + STAYS)):
            found[at + 1 : at + 1 + n] = 1
    return found


def averaged(spans: Spans, step: int) -> tuple[Seconds, Seconds]:
    """How many of some spans hold at once, on average over each interval of the dates that they touch."""
    first = float(math.floor(spans[:, 0].min() / DAY) * DAY)
    days = math.floor((spans[:, 1].max() - first) / DAY) + 1
    begins: Seconds = first + np.arange(days * DAY // step) * float(step)
    # The integral of the step function at the edges, interpolated between its changes.
    at, heads = _steps(spans)
    area = np.concatenate([[0.0], np.cumsum(heads[:-1] * np.diff(at))])
    edges = np.append(begins, begins[-1] + step)
    whole = np.interp(edges, at, area, left=0.0, right=area[-1])
    return begins, np.diff(whole) / step


def whole_heads(there: Seconds) -> NDArray[np.int64]:
    """Whole heads of which as many hours come, up to each interval, as of the averages."""
    return np.diff(np.concatenate([[0], np.floor(np.cumsum(there) + 0.5)])).astype(np.int64)


TELLING: Final = 3
"""As many intervals have to tell how many were there before that is taken for what is usual."""


def _usual(begins: Seconds, seen: Seconds, step: int) -> Seconds:
    """How many are there in each interval by the median of those that tell it: at the same time on the same weekday,
    else on all dates from Monday to Friday, or of a weekend, else of the hour about it on any date. NaN where too few
    do."""
    slot = np.round(begins % DAY / step).astype(np.int64)
    # The first of January 1970 was a Thursday.
    weekday = (np.floor(begins / DAY).astype(np.int64) + 3) % 7
    told = ~np.isnan(seen)
    found = np.full(len(begins), np.nan)
    for day, at in {(int(a), int(b)) for a, b in zip(weekday, slot, strict=True)}:
        same_time = told & (slot == at)
        weekend = (weekday >= 5) == (day >= 5)
        near = told & (np.abs(slot - at) * step <= 3600)
        chosen = (same_time & (weekday == day), same_time & weekend, near)
        alike = next((some for some in chosen if some.sum() >= TELLING), None)
        if alike is not None:
            found[(weekday == day) & (slot == at)] = np.median(seen[alike])
    return found


def _from_numbers(visits: LoggedVisits, name: str, channels: tuple[str, ...], step: int, line: Spans) -> Group:
    """Where nobody is named: as many as served at once while callers waited; where none did, at least as many as
    served, and as were there at that time on dates alike when some waited."""
    known = np.isfinite(visits.start) & np.isfinite(visits.end)
    spans = np.stack([visits.start[known], visits.end[known]], axis=1)
    begins, busy = averaged(spans, step)
    found = np.ceil(busy - 1e-9)
    at, heads = _steps(spans)
    seen = np.full(len(found), np.nan)
    for place, begin in enumerate(begins.tolist()):
        inside = line[(line[:, 0] < begin + step) & (line[:, 1] > begin)]
        total = weight = 0.0
        for a, b in inside.tolist():
            a, b = max(a, begin), min(b, begin + step)
            first, last = np.searchsorted(at, [a, b], side="right")
            edges = np.concatenate([[a], at[first:last], [b]])
            total += float(np.diff(edges) @ heads[np.arange(first - 1, last)]) if first else 0.0
            weight += b - a
        if weight > 30:
            found[place] = seen[place] = max(total / weight, busy[place])
        else:
            first, last = np.searchsorted(at, [begin, begin + step])
            found[place] = max(found[place], heads[first:last].max() if last > first else 0)
    usual = _usual(begins, seen, step)
    found = np.where(np.isnan(seen) & (found > 0), np.fmax(found, usual), found)
    clear = until_the_line_is_clear(begins, whole_heads(found), step, visits)
    return Group(
        name=name, channels=channels, persons=0, served=int(visits.served.sum()), step=step, begins=begins,
        there=found, heads=clear, on_line=math.nan, truly=float(found.sum()) * step / 3600,
        busy=_length(spans) / 3600, gaps=None, wrap_up=None,
        from_whom="how many were served at once while callers waited; nobody is named",
    )  # fmt: skip
