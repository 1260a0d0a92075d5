"""Ticks: int64 microseconds since `run.start`; minutes and dates go in and out here and nowhere else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

SECOND: Final = 1_000_000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
YEAR: Final = 365 * DAY

NEVER: Final = 2**62
"""The tick of what does not happen: later than every horizon, and still safe to add a horizon to."""


def minutes(tick: float) -> float:
    """Minutes in so many ticks.

    >>> minutes(90 * SECOND)
    1.5
    """
    return tick / MINUTE


def ticks(span: timedelta) -> int:
    """Ticks in a span of time, exactly.

    >>> ticks(timedelta(minutes=2)) == 2 * MINUTE
    True
    """
    return span // timedelta(microseconds=1)


def date_of(tick: int, start: datetime) -> datetime:
    """The date and time of a tick on the one local clock that begins at `start`."""
    return start + timedelta(microseconds=int(tick))


def tick_of(date: datetime, start: datetime) -> int:
    """The tick of a date; negative before `start`."""
    return ticks(date - start)


def since_midnight(start: datetime) -> int:
    """Ticks from the midnight before `start` to `start`: the phase of gates, shifts and calendar days."""
    return ticks(start - start.replace(hour=0, minute=0, second=0, microsecond=0))
