"""The laws of places: staff, lines and overtime, counted over time from the stamps of a log."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.log import PREEMPTED, RELIEVED
from sim.dynamics.replication import FINISH, Codes, Flags, Ticks
from sim.dynamics.trial import NOBODY, Trial
from sim.dynamics.waits import rank_at

Counts = NDArray[np.int64]


class _Ledger:
    """What is counted at each place at every tick at which anything changes there: one row a place and tick."""

    def __init__(self, horizon: int, *moments: tuple[Codes, Ticks]) -> None:
        self.span = horizon + 1
        self.keys: Counts = np.unique(np.concatenate([self._key(place, tick) for place, tick in moments]))
        self.place, self.tick = self.keys // self.span, self.keys % self.span
        self.same_place = np.append(self.place[1:] == self.place[:-1], False)[: len(self.keys)]

    def _key(self, place: Codes, tick: Ticks) -> Counts:
        return place.astype(np.int64) * self.span + tick

    def count(self, place: Codes, tick: Ticks, amount: NDArray[Any] | None = None) -> Counts:
        """How much happened at each row, exact as long as it stays below 2**53."""
        row = np.searchsorted(self.keys, self._key(place, tick))
        return np.bincount(row, weights=amount, minlength=len(self.keys)).astype(np.int64)

    def level(self, place: Codes, began: Ticks, ended: Ticks) -> Counts:
        """How many stretches cover the time from each row to the next."""
        return np.cumsum(self.count(place, began) - self.count(place, ended))

    def before(self, level: Counts) -> Counts:
        """A level over the time up to each row: 0 before the first row of a place."""
        shifted = np.concatenate([[0], level])[:-1]
        return np.where(np.concatenate([[False], self.same_place])[:-1], shifted, 0)


def check(trial: Trial) -> None:
    """Hold a log to the laws of staff, lines and overtime."""
    _check_overtime(trial)
    _check_staff(trial)
    _check_preemption(trial)


def _check_overtime(trial: Trial) -> None:
    """Overtime lies within a spell, begins with a leaver, and takes no time unless servers finish."""
    spells, overtime = trial.log.spells, trial.log.overtime
    key = np.lexsort((overtime.visit, overtime.place, overtime.began))
    in_order = key == np.arange(len(key))
    trial.hold("overtime lies in order of start, place and visit", in_order, overtime.visit, overtime.began)
    inside = np.zeros(len(overtime.visit), np.bool_)
    first = np.searchsorted(spells.visit, overtime.visit, side="left")
    last = np.searchsorted(spells.visit, overtime.visit, side="right")
    row = first.copy()
    while (row < last).any():
        at = np.minimum(row, len(spells.visit) - 1)
        covers = (spells.began[at] <= overtime.began) & (overtime.ended <= spells.ended[at])
        inside |= (row < last) & covers & (spells.place[at] == overtime.place)
        row = np.minimum(row + 1, last)
    inside &= overtime.began <= overtime.ended
    trial.hold("overtime lies within a spell of the same server", inside, overtime.visit, overtime.began)
    finish = trial.replication.rules.places.at_shift_end[overtime.place] == FINISH
    kept = finish | (overtime.began == overtime.ended)
    trial.hold("only under finish does overtime take time", kept, overtime.visit, overtime.began)


def _check_staff(trial: Trial) -> None:
    """Nobody works who is not on duty, nobody idles beside a tip they may take, and leavers go when they must."""
    spells, overtime, line, horizon = trial.log.spells, trial.log.overtime, trial.line, trial.horizon
    plan, concurrency = trial.replication.plan, trial.replication.rules.places.concurrency
    real = plan.tick < horizon
    place, tick, slots = plan.place[real], plan.tick[real], concurrency[plan.place[real]]
    leaving, returning = plan.leaving[real] * slots, plan.returning[real] * slots
    ledger = _Ledger(
        horizon,
        (place, tick),
        (spells.place, spells.began),
        (spells.place, spells.ended),
        (overtime.place, overtime.began),
        (overtime.place, overtime.ended),
        (line.place, line.began),
        (line.place, line.ended),
    )
    coming = ledger.count(place, tick, plan.joining[real] * slots + returning - leaving)
    duty = np.cumsum(coming)
    start_of_place = np.flatnonzero(~np.concatenate([[False], ledger.same_place])[:-1])
    carried = np.concatenate([[0], duty])[start_of_place]
    duty -= np.repeat(carried, np.diff(np.append(start_of_place, len(duty))))
    extra = ledger.level(overtime.place, overtime.began, overtime.ended)
    busy = ledger.level(spells.place, spells.began, spells.ended) - extra
    waiting = ledger.level(line.place, line.began, line.ended)

    def hold(law: str, kept: Flags) -> None:
        if not kept.all():
            row = int(np.argmin(kept))
            at, when = int(ledger.place[row]), int(ledger.tick[row])
            trial.accuse(f"{law} at place {at}", _somebody(trial, at, when), when)

    lasts = ledger.tick < horizon
    hold("no more slots are busy than are on duty", ~lasts | (busy <= duty))
    hold("nobody is idle beside a tip they may take", ~lasts | (busy >= duty) | (waiting == 0))

    relieved = spells.why == RELIEVED
    gone = ledger.count(overtime.place, overtime.began) + ledger.count(spells.place[relieved], spells.ended[relieved])
    due, idle = ledger.count(place, tick, leaving), ledger.before(duty - busy)
    taken = ledger.count(spells.place, spells.began)
    hold("the busy leave when the idle are not enough", gone >= due - idle)
    hold("the idle leave before the busy", gone <= np.maximum(due - np.maximum(idle - taken, 0), 0))

    back = ledger.count(overtime.place, overtime.ended)
    still = ledger.before(extra) + ledger.count(overtime.place, overtime.began) - back
    due = ledger.count(place, tick, returning)
    hold("who returns goes back on duty with the tip they are still at", (still <= 0) | (back >= due))


def _check_preemption(trial: Trial) -> None:
    """Nobody waits beside a server whose tip they may displace, and every tip displaced is so by one that may."""
    spells, overtime, line = trial.log.spells, trial.log.overtime, trial.line
    rank, preempts = rank_at(trial.replication, trial.at, spells.visit, spells.place)
    displaced = spells.why == PREEMPTED
    ledger = _Ledger(trial.horizon, (spells.place, spells.began), (spells.place, spells.ended))
    lost = ledger.count(spells.place[displaced], spells.ended[displaced])
    won = ledger.count(spells.place[preempts], spells.began[preempts])
    kept = (lost <= won)[np.searchsorted(ledger.keys, ledger._key(spells.place, spells.ended))] | ~displaced
    trial.hold("a tip is displaced only by one that starts there and may", kept, spells.visit, spells.ended)

    waiting_rank, may = rank_at(trial.replication, trial.at, line.visit, line.place)
    if not may.any():
        return
    extra_rank, _ = rank_at(trial.replication, trial.at, overtime.visit, overtime.place)
    ledger = _Ledger(
        trial.horizon,
        (spells.place, spells.began),
        (spells.place, spells.ended),
        (overtime.place, overtime.began),
        (overtime.place, overtime.ended),
        (line.place, line.began),
        (line.place, line.ended),
    )
    for better in np.unique(waiting_rank[may]):
        takers, givers, safe = may & (waiting_rank == better), rank > better, extra_rank > better
        able = ledger.level(line.place[takers], line.began[takers], line.ended[takers])
        open_to_it = ledger.level(spells.place[givers], spells.began[givers], spells.ended[givers])
        open_to_it -= ledger.level(overtime.place[safe], overtime.began[safe], overtime.ended[safe])
        wrong = np.flatnonzero((able > 0) & (open_to_it > 0) & (ledger.tick < trial.horizon))
        if wrong.size:
            at, when = int(ledger.place[wrong[0]]), int(ledger.tick[wrong[0]])
            law = f"nobody waits beside a tip they may displace at place {at}"
            trial.accuse(law, _somebody(trial, at, when), when)


def _somebody(trial: Trial, place: int, tick: int) -> int:
    """A visit to name in a fault: one that waits or is served there then."""
    for one in (trial.line, trial.log.spells):
        found = one.visit[(one.place == place) & (one.began <= tick) & (one.ended >= tick)]
        if found.size:
            return int(found[0])
    return NOBODY
