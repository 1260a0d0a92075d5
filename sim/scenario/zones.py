"""Local time: what the clock on the wall shows at a tick, and the tick at which it shows a time.

Ticks run on; a local clock is put forward and back. Without a zone it is one clock that is never changed. A time that
does not exist is the next that does, and one that comes twice is the first.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, overload
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import DAY, YEAR, ticks
from sim.dynamics.replication import Ticks

_LOOK: Final = timedelta(days=1)
"""No zone changes its clock twice within a day."""

_ONE: Final = timedelta(microseconds=1)


@lru_cache(maxsize=64)
def local_time(start: datetime, zone: str | None = None) -> Local:
    """The local time of a run that begins at `start` by the clock of a zone, or by one that is never changed."""
    return Local(start, zone)


class Local:
    """The clock of a run. A *wall* time is in ticks since the midnight before `run.start`; day 0 begins there."""

    def __init__(self, start: datetime, zone: str | None = None) -> None:
        self.zone = zone
        self._zone = None if zone is None else ZoneInfo(zone)
        midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
        self.midnight: datetime = midnight
        """The local midnight from which days and wall times are counted."""
        self.phase: int = ticks(start - midnight)
        """Ticks of wall time at tick 0."""
        self._from, self._to = 0, 0
        self._change: Ticks = np.zeros(0, dtype=np.int64)
        """Ticks at which the clock is changed, so far as they are known."""
        self._shift: Ticks = np.zeros(1, dtype=np.int64)
        """How far the clock is ahead of where it stood at tick 0: before, between and after those ticks."""
        if self._zone is not None:
            self._zero = self._absolute(start)
            self.phase = ticks(self._wall_at(self._zero) - midnight)
            self._know(-YEAR, 2 * YEAR)

    @property
    def first_date(self) -> date:
        """The date of day 0."""
        return self.midnight.date()

    @overload
    def wall(self, tick: int) -> int: ...
    @overload
    def wall(self, tick: Ticks) -> Ticks: ...
    def wall(self, tick: int | Ticks) -> int | Ticks:
        """The wall time at ticks."""
        if self._zone is None:
            return tick + self.phase
        self._know(*_ends(tick))
        found = tick + self.phase + self._shift[self._change.searchsorted(tick, side="right")]
        return found if isinstance(tick, np.ndarray) else int(found)

    @overload
    def tick(self, wall: int) -> int: ...
    @overload
    def tick(self, wall: Ticks) -> Ticks: ...
    def tick(self, wall: int | Ticks) -> int | Ticks:
        """The first tick at which the clock shows a wall time, or the next that it does show."""
        if self._zone is None:
            return wall - self.phase
        self._know(*_ends(wall))
        ends = np.maximum.accumulate(self._change + self.phase + self._shift[:-1])
        piece = ends.searchsorted(wall, side="right")
        begun = np.concatenate(([np.iinfo(np.int64).min], self._change))[piece]
        found = np.maximum(wall - self.phase - self._shift[piece], begun)
        return found if isinstance(wall, np.ndarray) else int(found)

    def shows(self, tick: int) -> datetime:
        """What the clock shows at a tick, with its date."""
        return self.midnight + timedelta(microseconds=self.wall(int(tick)))

    def tick_of(self, date: datetime) -> int:
        """The tick of a local date and time, or of one with an offset of its own; negative before the run."""
        if date.tzinfo is None:
            return self.tick(ticks(date - self.midnight))
        if self._zone is None:
            raise ValueError("a time with an offset needs a zone")
        return ticks(date.astimezone(UTC) - self._zero)

    def again(self, tick: int) -> int:
        """The tick at which the clock, put back, shows once more what it shows at a tick; the same tick elsewhere."""
        return tick if self._zone is None else self.tick_of(self.shows(tick).replace(tzinfo=self._zone, fold=1))

    def day(self, tick: Ticks) -> Ticks:
        """The day of each tick; day 0 holds `run.start`."""
        return self.wall(tick) // DAY

    def date_of(self, day: int) -> date:
        """The date of a day."""
        return self.midnight.date() + timedelta(days=int(day))

    def days_until(self, horizon: int) -> range:
        """The days that the ticks from 0 up to a horizon touch."""
        return range(self.wall(max(horizon, 1) - 1) // DAY + 1)

    def later(self, tick: int, span: int) -> int:
        """The tick that is a span later: in a zone so many calendar days if it is whole days, else as it elapses."""
        if self._zone is None or span % DAY:
            return tick + span
        return self.tick(self.wall(tick) + span)

    def marks(self, begin: int, end: int, step: int) -> Ticks:
        """Every tick in [begin, end) at which the clock comes to a multiple of `step` since midnight, or is changed."""
        if begin >= end:
            return np.zeros(0, dtype=np.int64)
        if self._zone is None:
            return (
                np.arange(-(-(begin + self.phase) // step) * step, end + self.phase, step, dtype=np.int64) - self.phase
            )
        return self.shown(begin, end, np.arange(0, DAY, step, dtype=np.int64))

    def shown(self, begin: int, end: int, times: Ticks) -> Ticks:
        """Every tick in [begin, end) at which the clock shows one of some times of the day, or is changed."""
        self._know(begin, end)
        inside = self._change[(self._change > begin) & (self._change < end)]
        edge = np.concatenate(([begin], inside, [end]))
        parts = [inside]
        for since, until in zip(edge[:-1].tolist(), edge[1:].tolist(), strict=True):
            ahead = self.wall(since) - since
            days = np.arange((since + ahead) // DAY, (until + ahead) // DAY + 1, dtype=np.int64)
            tick = (days[:, None] * DAY + times - ahead).ravel()
            parts.append(tick[(tick >= since) & (tick < until)])
        return np.unique(np.concatenate(parts))

    def changes(self, horizon: int) -> list[tuple[int, int]]:
        """When the clock is changed from tick 0 up to a horizon, and by how many ticks it is put forward (or back)."""
        self._know(0, horizon)
        return [
            (tick, forward)
            for tick, forward in zip(self._change.tolist(), np.diff(self._shift).tolist(), strict=True)
            if 0 <= tick < horizon
        ]

    def _know(self, first: int, last: int) -> None:
        """See to it that every change of the clock from one tick to another is known, a day beyond on either side."""
        first, last = first - 2 * DAY, last + 2 * DAY
        if self._zone is None or (first >= self._from and last <= self._to):
            return
        self._from = min(first - (self._to - self._from), self._from)
        self._to = max(last + (self._to - self._from) // 2, self._to)
        at = max(self._zero + timedelta(microseconds=self._from), datetime(1800, 1, 1, tzinfo=UTC))
        end = min(self._zero + timedelta(microseconds=self._to), datetime(9000, 1, 1, tzinfo=UTC))
        of_zero = self._offset(self._zero)
        before = self._offset(at)
        change, shift = [], [ticks(before - of_zero)]
        while at < end:
            then = at + _LOOK
            after = self._offset(then)
            if after != before:
                change.append(ticks(self._changed(at, then) - self._zero))
                shift.append(ticks(after - of_zero))
            at, before = then, after
        self._change = np.array(change, dtype=np.int64)
        self._shift = np.array(shift, dtype=np.int64)

    def _changed(self, before: datetime, after: datetime) -> datetime:
        """The first moment between two at which the offset is that of the later one."""
        last = self._offset(after)
        while after - before > _ONE:
            middle = before + (after - before) // 2
            before, after = (before, middle) if self._offset(middle) == last else (middle, after)
        return after

    def _offset(self, moment: datetime) -> timedelta:
        found = moment.astimezone(self._zone).utcoffset()
        assert found is not None
        return found

    def _wall_at(self, moment: datetime) -> datetime:
        return moment.astimezone(self._zone).replace(tzinfo=None)

    def _absolute(self, date: datetime) -> datetime:
        """The moment at which the clock first shows a date and time, or the next that it does show."""
        found = date.replace(tzinfo=self._zone, fold=0).astimezone(UTC)
        if self._wall_at(found) == date.replace(fold=0):
            return found
        return self._changed(date.replace(tzinfo=self._zone, fold=1).astimezone(UTC), found)


def _ends(values: int | NDArray[np.int64]) -> tuple[int, int]:
    if isinstance(values, np.ndarray):
        return (int(values.min()), int(values.max())) if values.size else (0, 0)
    return values, values
