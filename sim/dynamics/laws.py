"""The laws that every log obeys, whatever the engine: `check` raises where one is broken.

Nothing here simulates: a law says what must be true of stamps that are already there. All of it is array work, so that
a year of tips is checked in less time than it takes to simulate; only `check_order` is quadratic, for small worlds.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics import order
from sim.dynamics.clock import NEVER
from sim.dynamics.log import (
    ABANDONED,
    CUT,
    DONE,
    OPEN,
    PREEMPTED,
    RELIEVED,
    SERVED,
    UNREACHED,
    Log,
    Overtime,
    Spells,
)
from sim.dynamics.replication import FINISH, HAND_OVER, NO_PLACE, RESTART, Codes, Flags, Replication, Ticks
from sim.dynamics.waits import Attempts, Waits, Where, attempts, openings, rank_at, visible, waits, where

NOBODY: Final = -1


class LawError(AssertionError):
    """A law that a log breaks: a fault of ours, never of the scenario."""

    def __init__(self, law: str, *, tip: int, stage: int, tick: int, command: str):
        self.law, self.tip, self.stage, self.tick, self.command = law, tip, stage, tick, command
        again = f"; to reproduce: {command}" if command else ""
        super().__init__(f"law broken: {law} (tip {tip}, stage {stage}, tick {tick}){again}")


def check(log: Log, replication: Replication, command: str = "") -> None:
    """Hold a log to every law that array work can check.

    Raises:
        LawError: naming the law, the tip, the stage, the tick, and the `command` that reproduces the run.
    """
    _check_arrays(log, replication, command)
    case = _Case(log, replication, command)
    _check_visits(case)
    _check_attempts(case)
    _check_spells(case)
    _check_work(case)
    case.tried = attempts(log, replication, case.at)
    _check_starts(case)
    _check_places(case, waits(log, replication, case.at, case.tried))


@dataclass(slots=True)
class _Case:
    """A log on trial."""

    log: Log
    replication: Replication
    command: str
    at: Where = field(init=False)
    tried: Attempts = field(init=False)

    def __post_init__(self) -> None:
        self.at = where(self.replication)

    def hold(self, law: str, kept: Flags, visit: Ticks, tick: Ticks) -> None:
        """Raise for the first row at which a law is not kept; rows name their visit and tick."""
        if not kept.all():
            row = int(np.argmin(kept))
            self.accuse(law, int(visit[row]), int(tick[row]))

    def accuse(self, law: str, visit: int, tick: int) -> None:
        tip = int(self.at.tip[visit]) if visit != NOBODY else NOBODY
        stage = int(self.at.stage[visit]) if visit != NOBODY else NOBODY
        raise LawError(law, tip=tip, stage=stage, tick=tick, command=self.command)


def _check_arrays(log: Log, replication: Replication, command: str) -> None:
    """Shapes and types, before anything is read from the arrays."""
    n_visits = len(replication.visits)
    expected: list[tuple[str, NDArray[np.generic], int, type]] = [
        *((name, getattr(log, name), n_visits, np.int64) for name in ("enter", "start", "end")),
        ("outcome", log.outcome, n_visits, np.int8),
        ("attempt", log.attempt, n_visits, np.int32),
        ("lost", log.lost, len(replication.tips), np.int64),
    ]
    for part, codes in ((log.spells, {"attempt", "place", "why"}), (log.overtime, {"place"})):
        for one in fields(part):
            dtype = np.int32 if one.name in codes else np.int64
            name = f"{type(part).__name__.lower()}.{one.name}"
            expected.append((name, getattr(part, one.name), part.visit.shape[0], dtype))
    for name, array, length, dtype in expected:
        if array.shape != (length,) or array.dtype != dtype:
            law = f"{name} has shape ({length},) and type {np.dtype(dtype)}, not {array.shape} and {array.dtype}"
            raise LawError(law, tip=NOBODY, stage=NOBODY, tick=NEVER, command=command)


def _check_visits(case: _Case) -> None:
    """The stamps of visits: their order, their outcomes, and how one follows another."""
    log, tips, horizon = case.log, case.replication.tips, case.replication.rules.horizon
    enter, start, end, outcome = log.enter, log.start, log.end, log.outcome
    every = np.arange(len(outcome))

    def hold(law: str, kept: Flags) -> None:
        case.hold(law, kept, every, np.minimum(np.minimum(enter, start), end))

    for name, stamp in (("enter", enter), ("start", start), ("end", end)):
        hold(f"{name} lies before the horizon or never happens", ((stamp >= 0) & (stamp < horizon)) | (stamp == NEVER))
    hold("an outcome is UNREACHED, SERVED, ABANDONED or OPEN", (outcome >= UNREACHED) & (outcome <= OPEN))
    hold("a visit is reached if it has an outcome, and only then", (outcome != UNREACHED) == (enter < NEVER))
    hold("a visit ends if it is served, and only then", (outcome == SERVED) == (end < NEVER))
    hold("enter comes no later than start, start no later than end", (enter <= start) & (start <= end))
    hold("what was given up never started", (outcome != ABANDONED) | (start == NEVER))
    hold("a visit has an attempt if it is reached, and only then", (outcome != UNREACHED) == (log.attempt > 0))
    first = np.zeros(len(outcome), np.bool_)
    first[tips.first_visit[:-1][np.diff(tips.first_visit) > 0]] = True
    arrival = tips.arrival[case.at.tip]
    hold("the first visit begins at the arrival", ~first | (enter == np.where(arrival < horizon, arrival, NEVER)))
    ended_before = np.concatenate([[NEVER], end[:-1]])
    hold("a visit begins where the one before it ended", first | (enter == ended_before[: len(enter)]))
    lost = log.lost[case.at.tip]
    gave_up = np.zeros(len(tips), np.bool_)
    gave_up[case.at.tip[outcome == ABANDONED]] = True
    hold("a tip is lost if one of its visits was given up, and only then", gave_up[case.at.tip] == (lost < NEVER))
    if (log.lost[np.diff(tips.first_visit) == 0] != NEVER).any():
        case.accuse("a tip without visits is never lost", NOBODY, NEVER)


def _check_attempts(case: _Case) -> None:
    """Patience: every attempt ends where its patience does, and the next follows after the drawn pause."""
    log, replication, at = case.log, case.replication, case.at
    horizon = replication.rules.horizon
    every = np.arange(len(log.outcome))
    allowed = np.maximum(replication.rules.stages.attempts[at.stage], 1)
    case.hold("no more attempts than the stage allows", log.attempt <= allowed, every, log.enter)
    case.tried = tried = attempts(log, replication, at)
    last = log.attempt[tried.visit] == tried.number
    visit, entry, gave_up = tried.visit[last], tried.entry[last], tried.gave_up[last]
    start, outcome = log.start[visit], log.outcome[visit]
    case.hold("an attempt begins before the horizon", tried.entry < horizon, tried.visit, tried.entry)
    case.hold("the lost tick is where the last patience ended", log.lost[at.tip[visit]] == np.where(
        outcome == ABANDONED, gave_up, log.lost[at.tip[visit]]), visit, gave_up)  # fmt: skip
    case.hold("an attempt is given up before the horizon", (tried.gave_up < horizon) | (tried.gave_up == NEVER),
              tried.visit, tried.gave_up)  # fmt: skip
    bears, pause = np.full(visit.size, NEVER), np.full(visit.size, NEVER)
    limited = replication.rules.stages.attempts[at.stage[visit]] > 0
    draw = replication.visits.first_attempt[visit[limited]] + log.attempt[visit[limited]] - 1
    bears[limited], pause[limited] = replication.visits.patience[draw], replication.visits.retry_after[draw]
    until = np.minimum(entry + bears, NEVER)
    case.hold("a tip is lost only with patience, and only when no attempt is to follow",
              (outcome != ABANDONED) | (limited & (pause == NEVER)), visit, gave_up)  # fmt: skip
    case.hold("no attempt starts before it began or after its patience",
              (start == NEVER) | ((start >= entry) & (start <= until)), visit, start)  # fmt: skip
    open_still = (outcome == OPEN) & (start == NEVER)
    away = (until < horizon) & (pause < NEVER) & (until + np.minimum(pause, NEVER - horizon) >= horizon)
    case.hold("who never started and is not lost, waits or will retry", ~open_still | (until >= horizon) | away,
              visit, until)  # fmt: skip
