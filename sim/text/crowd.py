"""Who was where at a tick: who worked on whom, who was on duty, and who stood before a tip in line.

All of it is read from the stamps of a Log, as anyone could; nothing here knows how an engine works.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.log import Log
from sim.dynamics.order import line_key
from sim.dynamics.replication import Replication, Ticks, changes_of_duty
from sim.dynamics.waits import Attempts, Waits, Where, attempts, rank_at, visible, waits, where


@dataclass(frozen=True, slots=True)
class Busy:
    """Someone at work on a tip."""

    tip: int
    until: int
    """Tick at which the spell of work ended, whatever ended it."""
    in_overtime: bool
    wrapping_up: bool = False
    """Whether the tip has gone on, and this is its wrap-up."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A tip that was taken first although it was not ahead."""

    tip: int
    by_rank: bool
    """Whether its rank was better; else its place in line was older."""


class Bystanders:
    """All tips of one replication, to be asked who was in whose way."""

    def __init__(self, replication: Replication, log: Log) -> None:
        self.replication, self.log = replication, log
        self.where: Where = where(replication)
        self.attempts: Attempts = attempts(log, replication, self.where)
        self.waits: Waits = waits(log, replication, self.where, self.attempts)
        self.visible: Ticks = visible(replication, self.where, self.attempts)
        self.changes_of_duty = changes_of_duty(replication.plan)

    def busy(self, place: int, tick: int) -> list[Busy]:
        """Who was at work at a place once all that happened at a tick was over, the first to be done first."""
        spells, overtime = self.log.spells, self.log.overtime
        rows = np.flatnonzero((spells.place == place) & (spells.began <= tick) & (tick < spells.ended))
        late = (overtime.place == place) & (overtime.began <= tick) & (tick < overtime.ended)
        people_late = set(overtime.person[late].tolist())
        columns = (spells.visit, spells.ended, spells.person, spells.wrapping)
        found = [
            Busy(int(self.where.tip[visit]), int(until), int(person) in people_late, bool(wrapping))
            for visit, until, person, wrapping in zip(*(column[rows] for column in columns), strict=True)
        ]
        return sorted(found, key=lambda one: (one.until, one.tip))

    def on_duty(self, place: int, tick: int) -> int:
        """People on duty at a place once all that happened at a tick was over."""
        plan = self.replication.plan
        rows = (plan.place == place) & (plan.tick <= tick)
        return int(self.changes_of_duty[rows].sum())

    def away(self, place: int, tick: int) -> int:
        """People of the roster of a place who are absent and would have a shift at a tick."""
        people = self.replication.plan.people
        return int((people.away & (people.place == place) & (people.start <= tick) & (tick < people.end)).sum())

    def changes(self, place: int, since: int, until: int) -> list[tuple[int, int]]:
        """The ticks in (since, until] at which the number on duty changed, each with the new number."""
        plan = self.replication.plan
        inside = (plan.place == place) & (plan.tick > since) & (plan.tick <= until)
        rows = np.flatnonzero(inside & (self.changes_of_duty != 0))
        return [(int(plan.tick[row]), self.on_duty(place, int(plan.tick[row]))) for row in rows]

    def ahead(self, visit: int, place: int, entry: int, tick: int) -> list[int]:
        """The tips that stood before a visit in the line of a place at a tick, the first in line first."""
        waits = self.waits
        rows = (waits.place == place) & (waits.began <= tick) & (tick < waits.ended) & (waits.visit != visit)
        mine = self._place_in_line(visit, place, entry)
        standing = [
            self._place_in_line(int(other), place, int(since))
            for other, since in zip(waits.visit[rows], waits.entry[rows], strict=True)
        ]
        return [tip for rank, since, tip in sorted(standing) if line_key(rank, since, tip) < line_key(*mine)]

    def passed(self, visit: int, place: int, entry: int, since: int, until: int) -> list[Passed]:
        """The tips that a place took between two ticks before a waiting one, though they were not ahead at first."""
        spells = self.log.spells
        rows = (spells.place == place) & (spells.began > since) & (spells.began <= until) & (spells.visit != visit)
        mine = self._place_in_line(visit, place, entry)
        before = set(self.ahead(visit, place, entry, since))
        found: dict[int, Passed] = {}
        for other, began in zip(spells.visit[rows].tolist(), spells.began[rows].tolist(), strict=True):
            theirs = self._place_in_line(other, place, self._entry(other, began))
            if theirs[2] not in before and line_key(*theirs) < line_key(*mine):
                found.setdefault(theirs[2], Passed(theirs[2], theirs[0] < mine[0]))
        return list(found.values())

    def taker(self, place: int, tick: int, visit: int) -> int | None:
        """The tip whose work began at a place at the tick at which that of a visit was broken off."""
        spells = self.log.spells
        rows = np.flatnonzero((spells.place == place) & (spells.began == tick) & (spells.visit != visit))
        tips = self.where.tip[spells.visit[rows]]
        return int(tips[0]) if tips.size == 1 else None

    def _place_in_line(self, visit: int, place: int, entry: int) -> tuple[int, int, int]:
        """Rank, entry and tip: what decides who is served first."""
        one: NDArray[np.int64] = np.array([visit])
        rank, _ = rank_at(self.replication, self.where, one, np.array([place], dtype=np.int32))
        return int(rank[0]), entry, int(self.where.tip[visit])

    def _entry(self, visit: int, tick: int) -> int:
        """The entry from which a visit's place in line counted at a tick."""
        rows = (self.attempts.visit == visit) & (self.attempts.entry <= tick)
        return int(self.attempts.entry[rows].max())
