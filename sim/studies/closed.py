"""The hours at which the posts of a pool have nobody, however many people each of them gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.dynamics.clock import MINUTE
from sim.scenario import units

if TYPE_CHECKING:
    from sim.scenario.pools import Pool

A_DAY: Final = 24 * 60
A_WEEK: Final = 7 * A_DAY

Stretch = tuple[int, int]
"""Minutes since Monday 00:00: when nobody is there any more, and when somebody is again, after Sunday midnight on from
the length of a week."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A pool that is closed at some hours of the week."""

    pool: str
    stretches: tuple[Stretch, ...]

    @property
    def words(self) -> str:
        """When it is closed: "from 17:00 to 9:00 and at weekends"."""
        return _words(self.stretches)


def closed(pool: Pool) -> tuple[Stretch, ...]:
    """The stretches of the week at which no post of a pool is on duty, in order; empty where it is always open.

    A pool without shifts is a post around the clock.
    """
    if pool.staff or not pool.shifts:
        return ()
    there = np.zeros(A_WEEK, np.bool_)
    for shift in pool.shifts:
        for day in shift.days:
            begin = day * A_DAY + shift.from_ // MINUTE
            there[np.arange(begin, begin + shift.length // MINUTE) % A_WEEK] = True
    if there.all():
        return ()
    changes = np.flatnonzero(there != np.roll(there, 1))
    leaves = [int(at) for at in changes if not there[at]]
    comes = [int(at) for at in changes if there[at]]
    return tuple(
        (at, min((to for to in comes if to > at), default=comes[0] + A_WEEK if comes else at)) for at in leaves
    )


def _words(stretches: tuple[Stretch, ...]) -> str:
    """Stretches in words: by the hours of the day where all open days have the same, else one by one."""
    open_days, hours = _by_day(stretches)
    alike = {hours[day] for day in open_days}
    if len(alike) == 1 and open_days:
        shut = [day for day in range(7) if day not in open_days]
        parts = [f"from {_clock(end)} to {_clock(begin)}" for end, begin in next(iter(alike))]
        if shut:
            parts.append("at weekends" if shut == [5, 6] else f"on {units.day_names(frozenset(shut))}")
        return " and ".join(parts)
    return " and ".join(f"from {_moment(begin)} to {_moment(end)}" for begin, end in stretches)


def _by_day(stretches: tuple[Stretch, ...]) -> tuple[list[int], dict[int, tuple[Stretch, ...]]]:
    """The days on which somebody is there, and for each of them the clock times between which nobody is, the last one
    up to the first opening of the same day."""
    shut = np.zeros(A_WEEK, np.bool_)
    for begin, end in stretches:
        shut[np.arange(begin, end) % A_WEEK] = True
    by_day = shut.reshape(7, A_DAY)
    open_days = [day for day in range(7) if not by_day[day].all()]
    found = {}
    for day in open_days:
        # Around the day: from its last hour with people to its first.
        changes = np.flatnonzero(by_day[day] != np.roll(by_day[day], 1))
        leaves = [int(at) for at in changes if by_day[day][at]]
        comes = [int(at) for at in changes if not by_day[day][at]]
        found[day] = tuple((at, min((to for to in comes if to > at), default=min(comes))) for at in leaves)
    return open_days, found


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24}:{minute % 60:02}"


def _moment(minute: int) -> str:
    return f"{units.day_names(frozenset({minute // A_DAY % 7}))} {_clock(minute)}"
