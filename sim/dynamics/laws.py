"""The laws that every log obeys, whatever the engine: `check` raises where one is broken.

Nothing here simulates: a law says what must be true of stamps that are already there. All of it is array work, so that
a year of tips is checked in less time than it takes to simulate; only `check_order` is quadratic, for small worlds.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.dynamics import laws_of_order, laws_of_places
from sim.dynamics.clock import NEVER
from sim.dynamics.log import ABANDONED, CUT, DONE, OPEN, PREEMPTED, RELIEVED, SERVED, UNREACHED, Log
from sim.dynamics.replication import FINISH, HAND_OVER, NO_PLACE, RESTART, Flags, Replication
from sim.dynamics.trial import NOBODY, LawError, Trial
from sim.dynamics.waits import openings, visible

__all__ = ["LawError", "check", "check_order"]


def check(log: Log, replication: Replication, command: str = "") -> None:
    """Hold a log to every law that array work can check.

    Raises:
        LawError: with the law, the tip, the stage, the tick, and the `command` that reproduces the run.
    """
    _check_arrays(log, replication, command)
    trial = Trial(log, replication, command)
    _check_visits(trial)
    _check_attempts(trial)
    _check_spells(trial)
    _check_work(trial)
    _check_starts(trial)
    laws_of_places.check(trial)


def check_order(log: Log, replication: Replication, command: str = "") -> None:
    """Hold a log that passed `check` to the order of lines, of leaving and of giving way; for small worlds.

    Raises:
        LawError: as `check` does.
    """
    laws_of_order.check(Trial(log, replication, command))


def _check_arrays(log: Log, replication: Replication, command: str) -> None:
    """Shapes and types, before anything is read from the arrays."""
    n_visits = len(replication.visits)
    expected: list[tuple[str, NDArray[Any], int, type[np.generic]]] = [
        ("enter", log.enter, n_visits, np.int64),
        ("start", log.start, n_visits, np.int64),
        ("end", log.end, n_visits, np.int64),
        ("outcome", log.outcome, n_visits, np.int8),
        ("attempt", log.attempt, n_visits, np.int32),
        ("lost", log.lost, len(replication.tips), np.int64),
    ]
    for part, codes in ((log.spells, {"attempt", "place", "why"}), (log.overtime, {"place"})):
        for one in fields(part):
            name = f"{type(part).__name__.lower()}.{one.name}"
            dtype: type[np.generic] = np.int32 if one.name in codes else np.int64
            expected.append((name, getattr(part, one.name), part.visit.shape[0], dtype))
    for name, array, length, dtype in expected:
        if array.shape != (length,) or array.dtype != dtype:
            law = f"{name} has shape ({length},) and type {np.dtype(dtype)}, not {array.shape} and {array.dtype}"
            raise LawError(law, tip=NOBODY, stage=NOBODY, tick=NEVER, command=command)


def _check_visits(trial: Trial) -> None:
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


def _check_attempts(trial: Trial) -> None:
    """Patience: every attempt ends where its patience does, and the next follows after the drawn pause."""
    log, visits, stages = trial.log, trial.replication.visits, trial.replication.rules.stages
    most = np.maximum(stages.attempts[trial.at.stage], 1)
    trial.hold("no more attempts than the stage allows", log.attempt <= most, np.arange(len(most)), log.enter)
    tried = trial.tried
    trial.hold("an attempt begins before the horizon", tried.entry < trial.horizon, tried.visit, tried.entry)

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


def _check_spells(trial: Trial) -> None:
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


def _check_work(trial: Trial) -> None:
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


def _check_starts(trial: Trial) -> None:
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
