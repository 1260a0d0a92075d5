"""Expected tips by interval from a CSV file, as every telephone system exports them: strictly checked, row by row.

Columns: `from` (a local date and time, or one with its offset), or `day` and `time` of a week that repeats; `tips`; and
`channel` where they are counted apart. An interval ends where the next begins. Where that is further off than intervals
of the file mostly are, rows are missing, and nothing comes there.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, WEEK
from sim.dynamics.replication import Ticks
from sim.scenario import units
from sim.scenario.faults import Fault, ScenarioError, shown
from sim.scenario.fields import hint
from sim.scenario.folder import SHOWN, Checked, inside
from sim.scenario.schema import Scenario
from sim.scenario.zones import Local, local_time

LARGEST: Final = 50_000_000
MOST_ROWS: Final = 1_000_000
MOST_TIPS: Final = 1e9
"""In one interval."""

COLUMNS: Final = ("from", "day", "time", "tips", "channel")


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Expected tips in intervals, disjoint and in order; nothing comes between them."""

    begins: Ticks
    """(n,) since `run.start`, or since Monday 00:00 where the week repeats."""
    ends: Ticks
    tips: Mapping[str | None, NDArray[np.float64]]
    """(n,) tips in each interval, by channel; under None for all channels together."""
    weekly: bool
    step: int
    """How long an interval mostly is."""
    n_gaps: int
    """Stretches for which rows are missing."""

    def by_tick(self, channel: str | None, at: Ticks) -> NDArray[np.float64]:
        """Tips a tick at ticks, or at times of the week."""
        row = self.begins.searchsorted(at, side="right") - 1
        inside = (row >= 0) & (at < self.ends[np.maximum(row, 0)])
        rate = self.tips[channel] / (self.ends - self.begins)
        return np.where(inside, rate[np.maximum(row, 0)], 0.0)


def counts(scenario: Scenario) -> Counted | None:
    """The expected tips of a scenario that names `demand.counts`, None without; ScenarioError naming every bad row."""
    given = scenario.demand.counts
    if given is None:
        return None
    path = inside(scenario.folder, given.file)
    status = path.stat()
    return _read(
        path, given.file, scenario.start, scenario.run.zone, scenario.channels, status.st_mtime_ns, status.st_size
    )


def coverage_fault(scenario: Scenario, counted: Counted) -> str | None:
    """Why the counts do not serve a run: they must cover it, and know its channels; None where they do."""
    if None in counted.tips and not scenario.demand.shared:
        return "the file does not say the channel of its tips, so the channels need shares"
    first, last = int(counted.begins[0]), int(counted.ends[-1])
    if not counted.weekly and (first > 0 or last < scenario.horizon):
        local = scenario.local
        return (
            f"the run, from {local.shows(0)} to {local.shows(scenario.horizon)}, must lie inside the counts, which go "
            f"from {local.shows(first)} to {local.shows(last)}"
        )
    return None


@dataclass(slots=True)
class _Rows(Checked):
    """What has been read so far, and what was wrong."""

    local: Local
    channels: tuple[str, ...]
    weekly: bool = False
    offset: datetime | None = None
    """The first time with an offset, by whose clock the others go where the run has no zone."""
    lines: dict[tuple[int, str | None], int] = field(default_factory=dict)
    """The line of each interval and channel."""
    tips: list[tuple[int, str | None, float]] = field(default_factory=list)

    def begin(self, line: int, row: Mapping[str, str]) -> int | None:
        """The tick, or the time of the week, at which the interval of a row begins."""
        column = "from"
        try:
            if not self.weekly:
                return self._tick(units.moment(row["from"]))
            column = "day"
            days = units.days(row["day"])
            if len(days) != 1:
                raise ValueError("one day of the week is needed, such as mon")
            column = "time"
            return next(iter(days)) * DAY + units.time_of_day(row["time"])
        except ValueError as error:
            self.fault(line, column, str(error), shown(row[column]))
            return None

    def _tick(self, at: datetime) -> int:
        if at.tzinfo is None or self.local.zone is not None:
            return self.local.tick_of(at)
        self.offset = self.offset or at
        return self.local.tick_of(at.astimezone(self.offset.tzinfo).replace(tzinfo=None))

    def _exists(self, row: Mapping[str, str], begin: int) -> bool:
        """Whether the clock shows the time of a row; exports go on counting where it is put forward."""
        if self.weekly or self.local.zone is None:
            return True
        at = units.moment(row["from"])
        return at.tzinfo is not None or self.local.shows(begin) == at

    def number(self, line: int, text: str) -> float:
        try:
            found = float(text) if text else 0.0
        except ValueError:
            found = -1.0
        if not 0 <= found <= MOST_TIPS or math.isnan(found):
            self.fault(line, "tips", f"must be a number of tips, 0 to {MOST_TIPS:.0g}", shown(text))
            return 0.0
        return found

    def add(self, line: int, row: Mapping[str, str]) -> None:
        channel = row.get("channel")
        if channel is not None and channel not in self.channels:
            rule = f"there is no channel '{channel[:60]}'{hint(channel, self.channels)}"
            self.fault(line, "channel", rule)
        begin, tips = self.begin(line, row), self.number(line, row["tips"])
        if begin is None:
            return
        if not self._exists(row, begin):
            if tips:
                self.fault(line, "from", "the clock does not show this time on that date, so no tips can come then")
            return
        if (begin, channel) in self.lines and not self.weekly and units.moment(row["from"]).tzinfo is None:
            begin = self.local.again(begin)
        if (before := self.lines.get((begin, channel))) is not None:
            what = "this interval" if channel is None else f"this interval of {channel[:60]}"
            self.fault(line, "time" if self.weekly else "from", f"{what} stands in line {before} already")
            return
        self.lines[begin, channel] = line
        self.tips.append((begin, channel, tips))


@lru_cache(maxsize=4)
def _read(
    path: Path,
    file: str,
    start: datetime,
    zone: str | None,
    channels: tuple[str, ...],
    _modified: int,
    size: int,
) -> Counted:
    found = _Rows(file, local_time(start, zone), channels)
    with (
        found.reading(path, size, LARGEST, lambda: len(found.tips) + 2),
        path.open(encoding="utf-8-sig", newline="") as stream,
    ):
        _rows(csv.reader(stream, strict=True), found)
    if not found.faults:
        _whole(found)
    if found.n_faults > SHOWN:
        found.faults.append(Fault(file, 0, 0, "", f"has {found.n_faults - SHOWN} more bad values"))
    if found.faults:
        raise ScenarioError(found.faults)
    return _in_order(found)


def _rows(rows: Any, found: _Rows) -> None:
    header = [title.strip() for title in next(rows, [])]
    _header(header, found)
    if found.faults:
        return
    found.weekly = "day" in header
    for row in rows:
        line = rows.line_num
        if not row:
            continue
        if len(found.tips) >= MOST_ROWS:
            found.fault(line, "", f"has more than {MOST_ROWS:,} rows")
            return
        if found.fits(line, row, header):
            found.add(line, {title: text.strip() for title, text in zip(header, row, strict=True)})


def _header(header: list[str], found: _Rows) -> None:
    for place, title in enumerate(header):
        if not found.twice(header, place) and title not in COLUMNS:
            found.unread(title, COLUMNS, ", ".join(COLUMNS))
    if "tips" not in header:
        found.fault(1, "", "the first line must name the columns, and one of them `tips`")
    if ("from" in header) == ("day" in header) or ("day" in header) != ("time" in header):
        found.fault(1, "", "intervals begin at `from`, or at `day` and `time` of a week that repeats")


def _whole(found: _Rows) -> None:
    """Say what is wrong with the rows together."""
    begins = {begin for begin, _, _ in found.tips}
    if len(begins) < 2:
        found.fault(0, "", "needs two intervals at least, for one ends where the next begins")
    elif not any(tips for _, _, tips in found.tips):
        found.fault(0, "", "has no tips")


def _in_order(found: _Rows) -> Counted:
    begins = np.array(sorted({begin for begin, _, _ in found.tips}), dtype=np.int64)
    wall = begins if found.weekly else found.local.wall(begins)
    if found.weekly:
        following, lasting = np.append(begins[1:], begins[0] + WEEK), np.diff(wall, append=wall[0] + WEEK)
        step = _commonest(lasting)
    else:
        # On the day on which the clock is put forward or back, an interval may last longer on one clock only.
        lasting = np.minimum(np.diff(begins), np.diff(wall))
        step = _commonest(lasting)
        lasting = np.append(lasting, step)
        following = np.append(begins[1:], begins[-1] + step)
    gap = lasting > step
    ends = np.where(gap, begins + step, following)
    place = {begin: row for row, begin in enumerate(begins.tolist())}
    tips: dict[str | None, NDArray[np.float64]] = {}
    for begin, channel, number in found.tips:
        tips.setdefault(channel, np.zeros(len(begins)))[place[begin]] = number
    if None not in tips:
        tips |= {channel: np.zeros(len(begins)) for channel in found.channels if channel not in tips}
    if found.weekly and ends[-1] > WEEK:
        over = np.maximum(ends - WEEK, 0)[-1]
        # The interval that passes Sunday midnight is one before it and one after it.
        share = (WEEK - begins[-1]) / (ends[-1] - begins[-1])
        begins, ends = np.concatenate(([0], begins)), np.concatenate(([over], ends[:-1], [WEEK]))
        tips = {
            name: np.concatenate(([some[-1] * (1 - share)], some[:-1], [some[-1] * share]))
            for name, some in tips.items()
        }
    return Counted(begins, ends, tips, found.weekly, step, int(gap.sum()))


def _commonest(lengths: NDArray[np.int64]) -> int:
    """The commonest length, the shortest of several; steps that the clock leaves empty apart."""
    count = Counter[int](length for length in lengths.tolist() if length > 0)
    most = max(count.values())
    return min(length for length, n in count.items() if n == most)
