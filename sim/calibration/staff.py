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

    from sim.logs.calls import Logins, Visits

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
    logins: int = 0
    """Spans of being logged in; 0 where the log does not tell them."""

    @property
    def share(self) -> float:
        """The share of the time on line in which they were there."""
        return self.truly / self.on_line if self.on_line else math.nan


def groups_of(visits: Visits) -> list[list[int]]:
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


def staff_of(visits: Visits, name: str, rows: Flags, step: int, logins: Logins | None = None) -> Group | None:
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


def _days(visits: Visits, logins: Logins | None) -> list[_Day]:
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
    visits: Visits, name: str, channels: tuple[str, ...], step: int, line: Spans, logins: Logins | None
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
    many = _at_once(days)
    for day in days:
        on_line += day.until - day.since
        spans += _there(day, line, starts, cut, many)
    busy = float(sum((day.end - day.start).sum() for day in days))
    n = len(logins) if logins is not None else 0
    whence = f"{n} log-ins, cut where callers waited and nobody was taken" if n else "who served whom when"
    there = np.array(spans)
    begins, mean = averaged(there, step)
    return Group(
        name=name,
        channels=channels,
        persons=len(np.unique(visits.person.code[visits.person.code >= 0])),
        served=int(visits.served.sum()),
        step=step,
        begins=begins,
        there=mean,
        heads=whole_heads(mean),
        on_line=on_line / 3600,
        truly=_length(there) / 3600,
        busy=busy / 3600,
        gaps=gaps,
        wrap_up=wrap_up,
        from_whom=whence,
        logins=n,
    )


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


def _from_numbers(visits: Visits, name: str, channels: tuple[str, ...], step: int, line: Spans) -> Group:
    """Where nobody is named: as many as served at once while callers waited, else at least as many as served."""
    known = np.isfinite(visits.start) & np.isfinite(visits.end)
    spans = np.stack([visits.start[known], visits.end[known]], axis=1)
    begins, busy = averaged(spans, step)
    found = np.ceil(busy - 1e-9)
    at, heads = _steps(spans)
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
            found[place] = max(total / weight, busy[place])
        else:
            first, last = np.searchsorted(at, [begin, begin + step])
            found[place] = max(found[place], heads[first:last].max() if last > first else 0)
    return Group(
        name=name, channels=channels, persons=0, served=int(visits.served.sum()), step=step, begins=begins,
        there=found, heads=whole_heads(found), on_line=math.nan, truly=float(found.sum()) * step / 3600,
        busy=_length(spans) / 3600, gaps=None, wrap_up=None,
        from_whom="how many were served at once while callers waited; nobody is named",
    )  # fmt: skip
