"""Levels: how many heads a pool has by interval, the form in which workforce systems give staff.

They are heads, not people: nobody among them has a shift, a break or a name. A level is read off the clock, so that in
any spelling a constant level is `staff: n`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, GetJsonSchemaHandler, PrivateAttr, ValidationInfo, model_validator
from pydantic_core import CoreSchema

from sim.dynamics.clock import DAY, WEEK, date_of, tick_of
from sim.dynamics.replication import Ticks
from sim.scenario import units
from sim.scenario.calendars import Calendar, On, days_unless_on, on_dates
from sim.scenario.fields import Days, Part, PositiveLength, Several, Text, rule
from sim.scenario.folder import SHOWN, csv_rows, inside
from sim.scenario.zones import Local

MOST_STAFF: Final = 100_000
MOST_ROWS: Final = 1_000
"""Rows of a roster, and blocks of levels."""
MOST_LINES: Final = 1_000_000
"""Lines of a file of levels."""

Staff = Annotated[int, Field(ge=0, le=MOST_STAFF)]
Heads = NDArray[np.int64]


class Block(Part):
    """A day of levels: so many heads in each interval from midnight on, on the days that are named."""

    every: PositiveLength
    """The length of each interval; it divides 24 h."""
    staff: Annotated[Several[Staff], Field(min_length=1, max_length=1440)]
    """The heads in each interval from midnight on. Such as `[1, 1, 3, 3, 3, 2]`."""
    on: On | None = None
    """Dates on which it holds, in place of days of the week; on them no other block does."""
    days: Days = Field(default_factory=days_unless_on)
    """The days of the week on which it holds; all where neither these nor dates are given."""

    @model_validator(mode="after")
    def _a_day(self) -> Self:
        if self.on and self.days:
            raise rule("levels are for `days` or `on` dates, not both", "on", value=False, key=True)
        if DAY % self.every:
            raise rule("`every` divides 24 h, such as 15 min, 30 min or 1 h", "every")
        if len(self.staff) != DAY // self.every:
            asked = f"{DAY // self.every} numbers of `staff` make a day of {units.duration_text(self.every)} each"
            raise rule(f"{asked}, and these are {len(self.staff)}", "staff", value=False)
        return self


class Levels(Part):
    """The heads of a pool by interval: blocks for days of the week, or a file."""

    blocks: Annotated[Several[Block], Field(max_length=MOST_ROWS)] = ()
    csv: Text | None = None
    """A file with `staff` and either `from`, a date and time from which it holds to the next, or `day` and `time`."""
    _week: tuple[tuple[int, int], ...] = PrivateAttr(())
    _dated: tuple[tuple[datetime, int], ...] = PrivateAttr(())
    _again: tuple[tuple[datetime, int], ...] = PrivateAttr(())
    """What is told twice, for the clock that is put back shows it twice: the later one."""
    _run: tuple[Ticks, Heads] | None = PrivateAttr(None)

    @classmethod
    def of_run(cls, start: datetime, ticks: Ticks, heads: Heads) -> Self:
        """Levels that no document gives: a step function of a run, ticks from 0 on and heads from then on."""
        found = cls.model_construct()
        found._run = ticks, heads
        found._dated = tuple(
            (date_of(tick, start), many) for tick, many in zip(ticks.tolist(), heads.tolist(), strict=True)
        )
        return found

    @model_validator(mode="after")
    def _one_form(self, info: ValidationInfo) -> Self:
        taken: set[int] = set()
        for row, block in enumerate(self.blocks):
            if twice := taken & block.days:
                raise rule(f"two of the `levels` are for {units.day_names(frozenset(twice))}", row, value=False)
            taken |= block.days
        if self.csv is not None:
            folder = (info.context or {}).get("folder")
            try:
                path = inside(folder, self.csv)
                status = path.stat()
                self._week, self._dated, self._again = _read(path, status.st_mtime_ns, status.st_size)
            except ValueError as error:
                raise rule(str(error)) from None
        elif not self.blocks:
            raise rule("`levels` are {every: 30 min, staff: [...]}, a list of such, or a file", value=False)
        return self

    @property
    def stretches(self) -> tuple[tuple[int, int, int], ...]:
        """What a search decides: the stretches of each block in which the number does not change, as (block, first
        interval, one beyond the last); none of blocks for dates, and none of a file."""
        found = []
        for row, block in enumerate(self.blocks):
            edges = [0, *(at for at in range(1, len(block.staff)) if block.staff[at] != block.staff[at - 1])]
            ends = [*edges[1:], len(block.staff)]
            found += [(row, first, end) for first, end in zip(edges, ends, strict=True) if block.on is None]
        return tuple(found)

    def heads_of(self, stretch: int) -> int:
        """The heads of one of the stretches."""
        row, first, _ = self.stretches[stretch]
        return self.blocks[row].staff[first]

    def with_heads(self, heads: Sequence[int]) -> Levels:
        """The same levels with other heads in each of the stretches; those for dates stay."""
        staff = [list(block.staff) for block in self.blocks]
        for (row, first, end), many in zip(self.stretches, heads, strict=True):
            staff[row][first:end] = [many] * (end - first)
        blocks = (block.model_copy(update={"staff": tuple(one)}) for block, one in zip(self.blocks, staff, strict=True))
        return self.model_copy(update={"blocks": tuple(blocks)})

    @property
    def dated(self) -> bool:
        """Whether they are given date by date, and not for the days of a week."""
        return bool(self._dated)

    @property
    def covers(self) -> tuple[datetime, datetime] | None:
        """From when to when a file of dates says anything; the last line holds for as long as the one before it."""
        if not self._dated:
            return None
        first, last = self._dated[0][0], self._dated[-1][0]
        return first, last + (last - self._dated[-2][0] if len(self._dated) > 1 else last - last)

    def told_twice(self, local: Local) -> datetime | None:
        """The first time that stands twice in a file, and that the clock shows once; None without."""
        times = (date for date, _ in self._again)
        return next((date for date in times if local.again(tick := local.tick_of(date)) == tick), None)

    @property
    def digest(self) -> tuple[str, ...]:
        """What tells them from other levels, as a short text."""
        if self._run is not None:
            return (sha256(b"".join(column.tobytes() for column in self._run)).hexdigest(),)
        given = (self.blocks, self._week, self._dated, *filter(None, (self._again,)))
        return (sha256(repr(given).encode()).hexdigest(),)

    def week(self) -> tuple[Ticks, NDArray[np.float64]]:
        """A week of them as a step function from Monday 00:00: ticks from 0 on, and heads from then on.

        Of dates it is the mean week, by quarters of an hour, over the time that they cover.
        """
        if self._dated:
            return _mean_week(self._dated)
        ticks, heads = self._plain_week()
        return ticks, heads.astype(np.float64)

    def _plain_week(self) -> tuple[Ticks, Heads]:
        steps = dict(self._week) or {
            day * DAY + nth * block.every: heads
            for block in self.blocks
            for day in block.days  # none where it is for dates
            for nth, heads in enumerate(block.staff)
        }
        if self.blocks:
            steps = {day * DAY: 0 for day in range(7)} | steps
        if steps and 0 not in steps:
            steps[0] = steps[max(steps)]
        ticks = np.array(sorted(steps), np.int64)
        return ticks, np.array([steps[tick] for tick in ticks.tolist()], np.int64)

    def steps(self, local: Local, horizon: int, calendars: Mapping[str, Calendar]) -> tuple[Ticks, Heads]:
        """The heads as a step function of the run: ticks from 0 on, each step a change, and heads from then on.

        They are read off the local clock at each tick.
        """
        if self._run is not None:
            return self._run
        if self._dated:
            told = {local.tick_of(date): heads for date, heads in self._dated}
            told |= {local.again(local.tick_of(date)): heads for date, heads in self._again}
            ticks = np.array(sorted(told), np.int64)
            heads = np.array([told[tick] for tick in ticks.tolist()], np.int64)
        else:
            week, of_week = self._plain_week()
            every = int(np.gcd.reduce([DAY, *week.tolist(), *(block.every for block in self.blocks)]))
            ticks = np.union1d([0], local.marks(0, horizon, every))
            wall = local.wall(ticks)
            heads = of_week[week.searchsorted((wall + local.midnight.weekday() * DAY) % WEEK, side="right") - 1]
            n_days = len(local.days_until(horizon))
            for block in self.blocks:
                if block.on is not None:
                    named = on_dates(block.on, local.first_date, n_days, calendars)[wall // DAY]
                    heads[named] = np.array(block.staff)[wall[named] % DAY // block.every]
        before = int(ticks.searchsorted(0, side="right")) - 1
        ticks, heads = np.maximum(ticks[max(before, 0) :], 0), heads[max(before, 0) :]
        changed = np.concatenate([[True], heads[1:] != heads[:-1]]) & (ticks < horizon)
        return ticks[changed], heads[changed]


def _mean_week(dated: tuple[tuple[datetime, int], ...]) -> tuple[Ticks, NDArray[np.float64]]:
    """The mean of levels by date over each quarter of an hour of the week from Monday 00:00; 0 where none says any."""
    first = dated[0][0]
    monday = first.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=first.weekday())
    tick = np.array([tick_of(date, monday) for date, _ in dated], np.int64)
    heads = np.array([heads for _, heads in dated], np.int64)
    end = int(tick[-1]) + (int(tick[-1] - tick[-2]) if len(tick) > 1 else WEEK)
    n_cells = WEEK // QUARTER
    edges = np.arange(-(-end // WEEK) * n_cells + 1, dtype=np.int64) * QUARTER
    at = np.append(tick, end).astype(np.float64)
    so_far = np.concatenate([[0.0], np.cumsum(np.diff(at) * heads)])
    sums = np.diff(np.interp(edges, at, so_far)).reshape(-1, n_cells).sum(axis=0)
    spans = np.diff(np.clip(edges, tick[0], end)).reshape(-1, n_cells).sum(axis=0)
    return edges[:n_cells], sums / np.maximum(spans, 1)


QUARTER: Final = DAY // 96


class WrittenAsBlocks:
    """Tells the JSON Schema what a document writes: one block, several, or the name of a file."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        several = handler.resolve_ref_schema(handler(core))["properties"]["blocks"]
        return {"anyOf": [{"type": "string", "maxLength": 2000}, several["items"], several]}


def levels_as_written(given: object) -> object:
    """Levels from what a document says: one block, several, or the name of a file."""
    if isinstance(given, str):
        return {"csv": given}
    if isinstance(given, list | tuple):
        return {"blocks": given}
    if isinstance(given, Mapping) and not {"blocks", "csv"} & set(given):
        return {"blocks": [given]}
    return given


@lru_cache(maxsize=32)
def _read(
    path: Path, _modified: int, _size: int
) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[datetime, int], ...], tuple[tuple[datetime, int], ...]]:
    """The steps of a week, or the dated ones and those that stand there once more, each in order.

    ValueError naming every bad row by its line.
    """
    week: dict[int, int] = {}
    dated: dict[datetime, int] = {}
    again: dict[datetime, int] = {}
    bad: list[str] = []
    with csv_rows(path) as (rows, header):
        if sorted(header) not in (["from", "staff"], ["day", "staff", "time"]):
            raise ValueError(
                f"{path.name} needs the columns `from` and `staff`, or `day`, `time` and `staff`; "
                f"it has {', '.join(header) or 'none'}"
            )
        for row in rows:
            if rows.line_num > MOST_LINES:
                raise ValueError(f"{path.name} has more than {MOST_LINES:,} lines")
            for line, rule_, got in _line(dict(zip(header, row, strict=False)), week, dated, again) if row else ():
                bad.append(f"line {rows.line_num}: `{line}` {rule_} (got {got[:40]!r})")
    if bad:
        more = f"; and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        raise ValueError(f"{path.name} has bad rows: " + "; ".join(bad[:SHOWN]) + more)
    if not week and not dated:
        raise ValueError(f"{path.name} has no rows")
    return tuple(sorted(week.items())), tuple(sorted(dated.items())), tuple(sorted(again.items()))


def _line(
    row: Mapping[str, str], week: dict[int, int], dated: dict[datetime, int], again: dict[datetime, int]
) -> Iterator[tuple[str, str, str]]:
    """Note one line of a file; gives what is wrong with it: the column, the rule and what was got."""
    text = row.get("staff", "").strip()
    heads = int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else -1
    if not 0 <= heads <= MOST_STAFF:
        yield "staff", f"must be a whole number from 0 to {MOST_STAFF:,}", text
    column = "from" if "from" in row else "day"
    try:
        if column == "from":
            date = units.date(row["from"])
            if date in again:
                yield "from", "is there three times", row["from"]
            (again if date in dated else dated)[date] = heads
            return
        days = units.days(row.get("day", ""))
        column = "time"
        time = units.time_of_day(row.get("time", ""))
    except ValueError as error:
        yield column, str(error), row.get(column, "")
        return
    for day in days:
        if day * DAY + time in week:
            yield "time", "is there twice on that day", row["time"]
        week[day * DAY + time] = heads
