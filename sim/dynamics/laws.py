"""The laws that every log obeys, whatever the engine: `verify` raises where one is broken.

Nothing here simulates: a law says what must be true of stamps that are already there. All of it is array work or one
sweep over time, so that a year of tips is verified in a few times what it takes to simulate. Of what happens within a
tick, which a stamp does not tell, only the comparison of the engines knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import cached_property
from heapq import heappop, heappush
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics import order
from sim.dynamics.clock import NEVER
from sim.dynamics.log import ABANDONED, CUT, DONE, OPEN, PREEMPTED, RELIEVED, SERVED, UNREACHED, Log
from sim.dynamics.replication import FINISH, HAND_OVER, NO_PLACE, RESTART, Codes, Flags, Replication, Ticks
from sim.dynamics.waits import Attempts, Waits, attempts, openings, rank_at, visible, waits, where

NOBODY: Final = -1
"""The visit, tip or stage of a fault that belongs to none."""

Counts = NDArray[np.int64]


def verify(log: Log, replication: Replication, command: Callable[[int], str] | None = None) -> None:
    """Hold a log to every law.

    `command` gives the command that reproduces a replication, from its index; the error then ends with it.

    Raises:
        LawError: with the law that is broken, the tip, the stage, the tick, and the command.
    """
    trial = _Trial(log, replication, command)
    _check_arrays(trial)
    _check_visits(trial)
    _check_attempts(trial)
    _check_spells(trial)
    _check_work(trial)
    _check_starts(trial)
    _check_overtime(trial)
    _check_staff(trial)
    _check_preemption(trial)
    _check_line(trial)
    _check_giving_way(trial)
    _check_leaving(trial)


class LawError(AssertionError):
    """A law that a log breaks: a fault of ours, never of the scenario."""

    def __init__(self, law: str, *, tip: int, stage: int, tick: int, command: str):
        self.law, self.tip, self.stage, self.tick, self.command = law, tip, stage, tick, command
        again = f"; to reproduce: {command}" if command else ""
        super().__init__(f"law broken: {law} (tip {tip}, stage {stage}, tick {tick}){again}")


class _Trial:
    """A log, what it is a log of, and the means to hold it to a law."""

    def __init__(self, log: Log, replication: Replication, command: Callable[[int], str] | None) -> None:
        self.log, self.replication, self.command = log, replication, command
        self.at = where(replication)
        self.horizon = replication.rules.horizon

    @cached_property
    def tried(self) -> Attempts:
        """The attempts made; to be read once their number is known to be one that the stages allow."""
        return attempts(self.log, self.replication, self.at)

    @cached_property
    def line(self) -> Waits:
        """The waits between them."""
        return waits(self.log, self.replication, self.at, self.tried)

    def hold(self, law: str, kept: Flags, visit: Ticks, tick: Ticks) -> None:
        """Raise for the first row that does not keep a law; each row has its visit and tick."""
        if not kept.all():
            row = int(np.argmin(kept))
            self.accuse(law, int(visit[row]), int(tick[row]))

    def accuse(self, law: str, visit: int, tick: int) -> None:
        """Raise for one visit, or NOBODY, at a tick."""
        known = visit != NOBODY
        tip = int(self.at.tip[visit]) if known else NOBODY
        stage = int(self.at.stage[visit]) if known else NOBODY
        again = self.command(self.replication.index) if self.command else ""
        raise LawError(law, tip=tip, stage=stage, tick=tick, command=again)


# The stamps of visits and spells


def _check_arrays(trial: _Trial) -> None:
    """Shapes and types, before anything is read from the arrays."""
    log, n_visits = trial.log, len(trial.replication.visits)
    expected: list[tuple[str, NDArray[Any], int, type[np.generic]]] = [
        ("enter", log.enter, n_visits, np.int64),
        ("start", log.start, n_visits, np.int64),
        ("end", log.end, n_visits, np.int64),
        ("outcome", log.outcome, n_visits, np.int8),
        ("attempt", log.attempt, n_visits, np.int32),
        ("lost", log.lost, len(trial.replication.tips), np.int64),
        ("gave_up", log.gave_up, len(trial.replication.visits.patience), np.int64),
    ]
    for part, codes in ((log.spells, {"attempt", "place", "why"}), (log.overtime, {"place"})):
        for one in fields(part):
            name = f"{type(part).__name__.lower()}.{one.name}"
            dtype: type[np.generic] = np.int32 if one.name in codes else np.int64
            expected.append((name, getattr(part, one.name), part.visit.shape[0], dtype))
    for name, array, length, dtype in expected:
        if array.shape != (length,) or array.dtype != dtype:
            law = f"{name} has shape ({length},) and type {np.dtype(dtype)}, not {array.shape} and {array.dtype}"
            trial.accuse(law, NOBODY, NEVER)


def _check_visits(trial: _Trial) -> None:
    """The stamps of visits: their order, their outcomes, and how one follows another."""
    log, tips, horizon = trial.log, trial.replication.tips, trial.horizon
    enter, start, end, outcome = log.enter, log.start, log.end, log.outcome
    visit = np.arange(len(outcome))
    seen = np.minimum(np.minimum(enter, start), end)

    def hold(law: str, kept: Flags) -> None:
        trial.hold(law, kept, visit, seen)

    for name, stamp in (("enter", enter), ("start", start), ("end", end)):
        hold(f"{name} lies before the horizon or never happens", ((stamp >= 0) & (stamp < horizon)) | (stamp == NEVER))
    hold("an outcome is UNREACHED, SERVED, ABANDONED or OPEN", (outcome >= UNREACHED) & (outcome <= OPEN))
    hold("a visit is reached if it has an outcome, and only then", (outcome != UNREACHED) == (enter < NEVER))
    hold("a visit has an attempt if it is reached, and only then", (outcome != UNREACHED) == (log.attempt > 0))
    hold("a visit ends if it is served, and only then", (outcome == SERVED) == (end < NEVER))
    hold("enter comes no later than start, start no later than end", (enter <= start) & (start <= end))
    hold("what was given up never started", (outcome != ABANDONED) | (start == NEVER))
    first = np.zeros(len(outcome), np.bool_)
    first[tips.first_visit[:-1][np.diff(tips.first_visit) > 0]] = True
    arrival = tips.arrival[trial.at.tip]
    hold("the first visit begins at the arrival", ~first | (enter == np.where(arrival < horizon, arrival, NEVER)))
    ended_before = np.concatenate([[NEVER], end])[:-1]
    hold("a visit begins where the one before it ended", first | (enter == ended_before))
    given_up = np.zeros(len(tips), np.bool_)
    given_up[trial.at.tip[outcome == ABANDONED]] = True
    wrong = np.flatnonzero(given_up != (log.lost < NEVER))
    if wrong.size:
        tip = int(wrong[0])
        of_tip = int(tips.first_visit[tip]) if tips.first_visit[tip] < tips.first_visit[tip + 1] else NOBODY
        trial.accuse("a tip is lost if a visit of its was given up, and only then", of_tip, int(log.lost[tip]))


def _check_attempts(trial: _Trial) -> None:
    """Patience: every attempt ends where its patience does, and the next follows after the drawn pause."""
    log, visits, stages = trial.log, trial.replication.visits, trial.replication.rules.stages
    most = np.maximum(stages.attempts[trial.at.stage], 1)
    trial.hold("no more attempts than the stage allows", log.attempt <= most, np.arange(len(most)), log.enter)
    tried = trial.tried
    trial.hold("an attempt begins before the horizon", tried.entry < trial.horizon, tried.visit, tried.entry)
    _check_given_up(trial)

    last = log.attempt[tried.visit] == tried.number
    visit, entry = tried.visit[last], tried.entry[last]
    start, outcome = log.start[visit], log.outcome[visit]
    limited = stages.attempts[trial.at.stage[visit]] > 0
    draw = np.where(limited, visits.first_attempt[visit] + log.attempt[visit] - 1, 0)
    endless = np.array([NEVER])
    until = np.where(limited, np.minimum(entry + np.append(visits.patience, endless)[draw], NEVER), NEVER)
    pause = np.where(limited, np.append(visits.retry_after, endless)[draw], NEVER)
    lost = outcome == ABANDONED
    trial.hold("a tip is lost where its patience ended", ~lost | (log.lost[trial.at.tip[visit]] == until), visit, until)
    trial.hold("a tip is lost only when no attempt is to follow", ~lost | (pause == NEVER), visit, until)
    patient = (start == NEVER) | ((entry <= start) & (start <= until))
    trial.hold("an attempt starts between its entry and the end of its patience", patient, visit, start)
    away = (pause < NEVER) & (np.minimum(until, trial.horizon) + pause >= trial.horizon)
    kept = (outcome != OPEN) | (start < NEVER) | (until >= trial.horizon) | away
    trial.hold("who neither started nor was lost still waits or will retry", kept, visit, until)


def _check_given_up(trial: _Trial) -> None:
    """Every attempt that was given up was so where its patience ended, and no other one."""
    log, visits, tried = trial.log, trial.replication.visits, trial.tried
    limited = trial.replication.rules.stages.attempts[trial.at.stage[tried.visit]] > 0
    row = visits.first_attempt[tried.visit[limited]] + tried.number[limited] - 1
    due = np.full(len(visits.patience), NEVER)
    due[row] = tried.gave_up[limited]
    of_row = np.full(len(visits.patience), NOBODY)
    of_row[row] = tried.visit[limited]
    trial.hold("an attempt is given up where its patience ended", log.gave_up == due, of_row, log.gave_up)


def _check_spells(trial: _Trial) -> None:
    """Spells: in order, disjoint, by a server of a pool that serves the stage, and matching the stamps of the visit."""
    log, spells, horizon = trial.log, trial.log.spells, trial.horizon
    visit, began, ended, why = spells.visit, spells.began, spells.ended, spells.why
    n_visits, n_places = len(log.outcome), len(trial.replication.rules.places.pool)
    if visit.size and (visit.min() < 0 or visit.max() >= n_visits):
        trial.accuse("a spell is of a visit", NOBODY, int(began[0]))

    def hold(law: str, kept: Flags) -> None:
        trial.hold(law, kept, visit, began)

    hold("a spell is at a place", (spells.place >= 0) & (spells.place < n_places))
    hold("a spell stops as DONE, RELIEVED, PREEMPTED or CUT", (why >= DONE) & (why <= CUT))
    own, overflow = trial.at.own[visit], trial.at.overflow[visit]
    hold("only staffed stages have spells", own != NO_PLACE)
    hold("a spell is at the own pool or the overflow pool", (spells.place == own) | (spells.place == overflow))
    hold("a spell is of the last attempt", spells.attempt == log.attempt[visit])
    hold(
        "a spell begins before the horizon, and not after it ends", (began >= 0) & (began < horizon) & (began <= ended)
    )
    hold(
        "a spell ends at the horizon if it is cut, else before", np.where(why == CUT, ended == horizon, ended < horizon)
    )
    follows = np.append(False, visit[1:] == visit[:-1])[: len(visit)]
    hold("spells lie in order of visits", np.append(True, visit[1:] >= visit[:-1])[: len(visit)])
    free = np.concatenate([[0], ended])[:-1]
    hold("spells of a visit do not overlap", ~follows | (began >= free))
    hold("a visit starts with its first spell", follows | (began == log.start[visit]))
    last = np.append(~follows[1:], True)[: len(visit)]
    hold("work goes on after a relief or a pre-emption only", last | (why == RELIEVED) | (why == PREEMPTED))
    served = log.outcome[visit] == SERVED
    hold("the last spell of a visit is DONE if it is served, and only then", ~last | (served == (why == DONE)))
    hold("a visit ends with its last spell", ~last | ~served | (ended == log.end[visit]))
    worked = np.zeros(n_visits, np.bool_)
    worked[visit] = True
    needs = (trial.at.own != NO_PLACE) & (log.start < NEVER)
    trial.hold("a staffed visit has a spell if it starts", worked | ~needs, np.arange(n_visits), log.start)


def _check_work(trial: _Trial) -> None:
    """Work: what is drawn is done, with what reliefs add to it; nothing is lost by a pre-emption."""
    spells, places = trial.log.spells, trial.replication.rules.places
    starts_visit = np.append(True, spells.visit[1:] != spells.visit[:-1])[: len(spells.visit)]
    row = np.flatnonzero(starts_visit)
    need = trial.replication.visits.work[spells.visit[row]]
    while row.size:
        visit, why, rule = spells.visit[row], spells.why[row], places.at_shift_end[spells.place[row]]
        left = need - (spells.ended[row] - spells.began[row])
        kept = np.where(why == DONE, left == 0, np.where(why == CUT, left >= 0, left > 0))
        trial.hold(
            "spells add up to the work drawn, and none is interrupted with no work left", kept, visit, spells.ended[row]
        )
        stays = (why != RELIEVED) | (rule != FINISH)
        trial.hold("under finish nobody is relieved", stays, visit, spells.ended[row])
        drawn = trial.replication.visits.work[visit]
        after_relief = np.where(
            rule == RESTART, drawn, left + places.hand_over[spells.place[row]] * (rule == HAND_OVER)
        )
        need = np.where(why == RELIEVED, after_relief, left)
        goes_on = (why == RELIEVED) | (why == PREEMPTED)
        goes_on &= ~np.append(starts_visit, True)[row + 1]
        row, need = row[goes_on] + 1, need[goes_on]


def _check_starts(trial: _Trial) -> None:
    """Gates, delays and overflow: nothing starts before it may, and a delay when it must."""
    log, tried, spells, horizon = trial.log, trial.tried, trial.log.spells, trial.horizon
    stage = trial.at.stage[tried.visit]
    opens = openings(trial.replication, stage, tried.entry)
    last = log.attempt[tried.visit] == tried.number
    start, end = log.start[tried.visit], log.end[tried.visit]
    trial.hold("nothing starts before its gate opens", ~last | (start >= opens), tried.visit, start)
    delay = trial.at.own[tried.visit] == NO_PLACE
    due = np.where(opens < horizon, opens, NEVER)
    trial.hold("a delay starts when its gate opens", ~delay | (start == due), tried.visit, start)
    through = np.minimum(start, horizon) + trial.replication.visits.work[tried.visit]
    due = np.where(through < horizon, through, NEVER)
    trial.hold("a delay ends after what was drawn", ~delay | (end == due), tried.visit, end)
    elsewhere = spells.place != trial.at.own[spells.visit]
    seen = visible(trial.replication, trial.at, tried)[spells.visit]
    in_time = ~elsewhere | (spells.began >= seen)
    trial.hold("the overflow pool serves nobody before it may", in_time, spells.visit, spells.began)


# Staff, lines and overtime, counted over time


class _Ledger:
    """What is counted at each place at every tick at which anything changes there: one row a place and tick."""

    def __init__(self, horizon: int, *moments: tuple[Codes, Ticks]) -> None:
        self.span = horizon + 1
        self.keys: Counts = np.unique(np.concatenate([self._key(place, tick) for place, tick in moments]))
        self.place, self.tick = self.keys // self.span, self.keys % self.span
        self.same_place = np.append(self.place[1:] == self.place[:-1], False)[: len(self.keys)]

    def _key(self, place: Codes, tick: Ticks) -> Counts:
        return place.astype(np.int64) * self.span + tick

    def row(self, place: Codes, tick: Ticks) -> Counts:
        """The row of a place and tick at which something changes there."""
        return np.searchsorted(self.keys, self._key(place, tick))

    def count(self, place: Codes, tick: Ticks, amount: NDArray[Any] | None = None) -> Counts:
        """How much happened at each row, exact as long as it stays below 2**53."""
        return np.bincount(self.row(place, tick), weights=amount, minlength=len(self.keys)).astype(np.int64)

    def level(self, place: Codes, began: Ticks, ended: Ticks) -> Counts:
        """How many stretches cover the time from each row to the next."""
        return np.cumsum(self.count(place, began) - self.count(place, ended))

    def before(self, level: Counts) -> Counts:
        """A level over the time up to each row: 0 before the first row of a place."""
        shifted = np.concatenate([[0], level])[:-1]
        return np.where(np.concatenate([[False], self.same_place])[:-1], shifted, 0)


def _check_overtime(trial: _Trial) -> None:
    """Overtime lies within a spell, begins with a leaver, and takes no time unless servers finish."""
    overtime = trial.log.overtime
    key = np.lexsort((overtime.visit, overtime.place, overtime.began))
    in_order = key == np.arange(len(key))
    trial.hold("overtime lies in order of start, place and visit", in_order, overtime.visit, overtime.began)
    inside = (_spells_of_overtime(trial) != NOBODY) & (overtime.began <= overtime.ended)
    trial.hold("overtime lies within a spell of the same server", inside, overtime.visit, overtime.began)
    finish = trial.replication.rules.places.at_shift_end[overtime.place] == FINISH
    kept = finish | (overtime.began == overtime.ended)
    trial.hold("only under finish does overtime take time", kept, overtime.visit, overtime.began)


def _check_staff(trial: _Trial) -> None:
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


def _check_preemption(trial: _Trial) -> None:
    """Nobody waits beside a server whose tip they may displace, and every tip displaced is so by one that may."""
    spells, overtime, line = trial.log.spells, trial.log.overtime, trial.line
    rank, preempts = rank_at(trial.replication, trial.at, spells.visit, spells.place)
    displaced = spells.why == PREEMPTED
    ledger = _Ledger(trial.horizon, (spells.place, spells.began), (spells.place, spells.ended))
    lost = ledger.count(spells.place[displaced], spells.ended[displaced])
    won = ledger.count(spells.place[preempts], spells.began[preempts])
    kept = (lost <= won)[ledger.row(spells.place, spells.ended)] | ~displaced
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


def _somebody(trial: _Trial, place: int, tick: int) -> int:
    """A visit to name in a fault: one that waits or is served there then."""
    for one in (trial.line, trial.log.spells):
        found = one.visit[(one.place == place) & (one.began <= tick) & (one.ended >= tick)]
        if found.size:
            return int(found[0])
    return NOBODY


# Who goes before whom

_Key = tuple[int, ...]


def _keys(key: Callable[..., _Key], *columns: NDArray[Any]) -> list[_Key]:
    """The key of each row, from its columns."""
    return [key(*row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _nobody_before(
    trial: _Trial,
    law: str,
    standing: tuple[Codes, Ticks, list[_Key], Ticks, Ticks],
    going: tuple[Codes, Ticks, list[_Key], Ticks],
) -> None:
    """Nobody who stands at a place from before a tick to after it comes before one who goes there then.

    `standing` has columns of places, ticks from which, keys, ticks until which, and visits; `going` of places, ticks,
    keys and visits.
    """
    stand = sorted(zip(*(column if isinstance(column, list) else column.tolist() for column in standing), strict=True))
    across: list[tuple[_Key, int, int]] = []
    row, here = 0, NOBODY
    for place, tick, key, visit in sorted(
        zip(*(column if isinstance(column, list) else column.tolist() for column in going), strict=True)
    ):
        if place != here:
            here, across = place, []
        while row < len(stand) and stand[row][:2] < (place, tick):
            if stand[row][0] == place:
                heappush(across, stand[row][2:])
            row += 1
        while across and across[0][1] <= tick:
            heappop(across)
        if across and across[0][0] < key:
            trial.accuse(f"{law}, before tip {trial.at.tip[visit]}", across[0][2], tick)


def _check_line(trial: _Trial) -> None:
    """Who starts was first in line, or the first that may pre-empt where a server is taken."""
    spells, line, tip = trial.log.spells, trial.line, trial.at.tip
    rank, _ = rank_at(trial.replication, trial.at, spells.visit, spells.place)
    waiting_rank, may = rank_at(trial.replication, trial.at, line.visit, line.place)
    entry = np.zeros(len(trial.log.outcome), np.int64)
    entry[trial.tried.visit] = trial.tried.entry
    displaced = spells.why == PREEMPTED
    ledger = _Ledger(trial.horizon, (spells.place, spells.began), (spells.place, spells.ended))
    taken = ledger.count(spells.place[displaced], spells.ended[displaced])[ledger.row(spells.place, spells.began)] > 0
    for law, may_start, starts in (
        ("the first in line is served", np.ones(len(may), np.bool_), ~taken),
        ("the first in line who may displace another does", may, taken),
    ):
        visit, of = line.visit[may_start], spells.visit[starts]
        waiting = _keys(order.line_key, waiting_rank[may_start], line.entry[may_start], tip[visit])
        going = _keys(order.line_key, rank[starts], entry[of], tip[of])
        _nobody_before(
            trial,
            law,
            (line.place[may_start], line.began[may_start], waiting, line.ended[may_start], visit),
            (spells.place[starts], spells.began[starts], going, of),
        )


def _check_giving_way(trial: _Trial) -> None:
    """A tip is displaced by a strictly better one, and nobody stays on duty who should have given way instead."""
    spells = trial.log.spells
    rank, preempts = rank_at(trial.replication, trial.at, spells.visit, spells.place)
    best: dict[tuple[int, int], int] = {}
    for here, now, of in _keys(lambda *row: row, spells.place[preempts], spells.began[preempts], rank[preempts]):
        best[here, now] = min(of, best.get((here, now), of))
    gone = np.flatnonzero(spells.why == PREEMPTED)
    place, tick, visit = spells.place[gone], spells.ended[gone], spells.visit[gone]
    taker = [best.get(one) for one in zip(place.tolist(), tick.tolist(), strict=True)]
    better = [
        of is not None and order.outranks(of, served) for of, served in zip(taker, rank[gone].tolist(), strict=True)
    ]
    trial.hold("a tip is displaced by a strictly better one", np.array(better, np.bool_), visit, tick)
    key = _keys(order.yielding_key, rank, spells.began, trial.at.tip[spells.visit])
    going = (place, tick, [key[row] for row in gone], visit)
    _nobody_before(trial, "the worst and latest gives way", _on_duty(trial, key), going)


def _check_leaving(trial: _Trial) -> None:
    """Of the busy, those leave whose spells began earliest; of those in overtime, they go back on duty."""
    spells, overtime, served_in = trial.log.spells, trial.log.overtime, _spells_of_overtime(trial)
    key = _keys(order.leaving_key, spells.began, trial.at.tip[spells.visit])
    gone = np.flatnonzero(spells.why == RELIEVED)
    leaving = (
        np.concatenate([spells.place[gone], overtime.place]),
        np.concatenate([spells.ended[gone], overtime.began]),
        [key[row] for row in np.concatenate([gone, served_in])],
        np.concatenate([spells.visit[gone], overtime.visit]),
    )
    _nobody_before(trial, "the earliest spell leaves", _on_duty(trial, key), leaving)
    extra = [key[row] for row in served_in]
    back = np.flatnonzero(overtime.ended < spells.ended[served_in])
    _nobody_before(
        trial,
        "the earliest spell goes back on duty",
        (overtime.place, overtime.began, extra, overtime.ended, overtime.visit),
        (overtime.place[back], overtime.ended[back], [extra[row] for row in back], overtime.visit[back]),
    )


def _on_duty(trial: _Trial, key: list[_Key]) -> tuple[Codes, Ticks, list[_Key], Ticks, Ticks]:
    """The stretches of each spell in which its server is on duty, with the key of the spell."""
    spells, overtime, served_in = trial.log.spells, trial.log.overtime, _spells_of_overtime(trial)
    every = np.arange(len(spells.visit))
    row, back = np.concatenate([every, served_in]), np.concatenate([served_in, every])
    began, ended = np.concatenate([spells.began, overtime.ended]), np.concatenate([overtime.began, spells.ended])
    first, last = np.lexsort((began, row)), np.lexsort((ended, back))
    row = row[first]
    return spells.place[row], began[first], [key[one] for one in row], ended[last], spells.visit[row]


def _spells_of_overtime(trial: _Trial) -> Ticks:
    """The row of the spell within which each stretch of overtime lies, or NOBODY."""
    spells, overtime = trial.log.spells, trial.log.overtime
    found = np.full(len(overtime.visit), NOBODY)
    row = np.searchsorted(spells.visit, overtime.visit, side="left")
    last = np.searchsorted(spells.visit, overtime.visit, side="right")
    while (row < last).any():
        at = np.minimum(row, len(spells.visit) - 1)
        covers = (spells.began[at] <= overtime.began) & (overtime.ended <= spells.ended[at])
        found = np.where((row < last) & covers & (spells.place[at] == overtime.place), at, found)
        row = np.minimum(row + 1, last)
    return found
