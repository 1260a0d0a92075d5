"""The laws that every log obeys, whatever the engine: `verify` raises where one is broken.

Nothing here simulates: a law says what must be true of stamps that are already there. All of it is array work or one
sweep over time, so that a year of tips is verified in a few times what it takes to simulate. Of what happens within a
tick, which a stamp does not tell, only the comparison of the engines knows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from functools import cached_property
from heapq import heappop, heappush
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.dynamics import order
from sim.dynamics.clock import NEVER
from sim.dynamics.duty import Stretches, on_duty, parts
from sim.dynamics.log import (
    ABANDONED,
    CUT,
    DONE,
    MERGED,
    OPEN,
    PREEMPTED,
    RELIEVED,
    SERVED,
    TURNED_AWAY,
    UNREACHED,
    Log,
)
from sim.dynamics.replication import (
    CLEAR_LINE,
    DUE_FIRST,
    FINISH,
    FULL_SPEED,
    GOES_HOME,
    HAND_OVER,
    IN_RANDOM_ORDER,
    KEEPS,
    LAST_COME,
    LEAVES,
    NO_INCIDENT,
    NO_LIMIT,
    NO_PLACE,
    NO_VISIT,
    NOBODY,
    REPEATS,
    RESTART,
    TAKES_BREAK,
    TAKES_NO_MORE,
    Codes,
    Flags,
    Replication,
    Ticks,
)
from sim.dynamics.waits import Attempts, Waits, attempts, due_at, openings, rank_at, vain, visible, waits, where

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
    _check_merged(trial)
    _check_attempts(trial)
    _check_spells(trial)
    _check_work(trial)
    _check_starts(trial)
    _check_rooms(trial)
    people = _People(trial)
    _check_people(trial, people)
    _check_speeds(trial)
    _check_overtime(trial, people)
    _check_staff(trial, people)
    _check_preemption(trial, people)
    _check_line(trial, people)
    _check_giving_way(trial, people)
    _check_next_to_serve(trial, people)


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
        ("turned_away", log.turned_away, len(trial.replication.visits.patience) if _limited(trial) else 0, np.int64),
    ]
    codes: dict[str, type[np.generic]] = dict.fromkeys(("attempt", "place", "person", "why"), np.int32)
    for part in (log.spells, log.overtime):
        for one in fields(part):
            name = f"{type(part).__name__.lower()}.{one.name}"
            dtype = np.bool_ if one.name == "wrapping" else codes.get(one.name, np.int64)
            expected.append((name, getattr(part, one.name), part.began.shape[0], dtype))
    for name, array, length, dtype in expected:
        if array.shape != (length,) or array.dtype != dtype:
            law = f"{name} has shape ({length},) and type {np.dtype(dtype)}, not {array.shape} and {array.dtype}"
            trial.accuse(law, NOBODY, NEVER)


def _limited(trial: _Trial) -> bool:
    """Whether the room of any stage has a limit."""
    stages = trial.replication.rules.stages
    return bool((stages.waiting_room != NO_LIMIT).any() or (stages.lines != NO_LIMIT).any())


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
    known = (outcome >= UNREACHED) & (outcome <= TURNED_AWAY)
    hold("an outcome is UNREACHED, SERVED, ABANDONED, OPEN, MERGED or TURNED_AWAY", known)
    hold("a visit is reached if it has an outcome, and only then", (outcome != UNREACHED) == (enter < NEVER))
    tried = (outcome != UNREACHED) == (log.attempt > 0)
    hold("a visit has an attempt if it is reached, and only then", tried | ((outcome == MERGED) & (log.attempt == 0)))
    hold("a visit ends if it is served, and only then", (outcome == SERVED) == (end < NEVER))
    hold("enter comes no later than start, start no later than end", (enter <= start) & (start <= end))
    staffed = trial.at.own != NO_PLACE
    in_vain = (outcome == ABANDONED) | (outcome == TURNED_AWAY)
    hold("what was given up never started", ~in_vain | ~staffed | (start == NEVER))
    first = np.zeros(len(outcome), np.bool_)
    if trial.replication.visits.branch:
        first[trial.replication.visits.awaits == 0] = True
    else:
        first[tips.first_visit[:-1][np.diff(tips.first_visit) > 0]] = True
    arrival = tips.arrival[trial.at.tip]
    hold("a first visit begins at the arrival", ~first | (enter == np.where(arrival < horizon, arrival, NEVER)))
    soonest, latest, lost = _begins(trial)
    hold("a visit begins with what it awaits", first | (enter == soonest) | (enter == latest))
    when = np.full(len(tips), NEVER)
    over = vain(log, trial.replication)
    np.minimum.at(when, trial.at.tip[lost], over[lost] if over.size else log.lost[trial.at.tip[lost]])
    wrong = np.flatnonzero(
        (when != log.lost) | ((log.lost == NEVER) & np.isin(np.arange(len(tips)), trial.at.tip[lost]))
    )
    if wrong.size:
        tip = int(wrong[0])
        of_tip = int(tips.first_visit[tip]) if tips.first_visit[tip] < tips.first_visit[tip + 1] else NOBODY
        trial.accuse("a tip is lost when a visit of its was first given up, and only then", of_tip, int(log.lost[tip]))


def _begins(trial: _Trial) -> tuple[Ticks, Ticks, Flags]:
    """When each visit is to begin, at the soonest and the latest, by what leads to it; and where tips are lost.

    The two differ where something is over at the very tick of a mark, and a stamp does not tell which came first.
    """
    log, visits = trial.log, trial.replication.visits
    lost = (log.outcome == ABANDONED) | (log.outcome == TURNED_AWAY)
    if visits.branch:
        soonest, latest = _awaited(trial, tie_comes=True), _awaited(trial, tie_comes=False)
    elif visits.follows.size:
        soonest = np.full(len(log.outcome), NEVER)
        leads = np.flatnonzero((log.outcome == SERVED) & (visits.follows != NO_VISIT))
        soonest[visits.follows[leads]] = log.end[leads]
        latest = soonest
    else:
        soonest = latest = np.concatenate([[NEVER], log.end])[:-1]
    if visits.given_up_to.size:
        over = vain(log, trial.replication)
        for outcome, to in ((ABANDONED, visits.given_up_to), (TURNED_AWAY, visits.turned_away_to)):
            leads = np.flatnonzero((log.outcome == outcome) & (to != NO_VISIT))
            soonest[to[leads]] = latest[to[leads]] = over[leads]
            lost[leads] = False
    return soonest, latest, lost


def _awaited(trial: _Trial, tie_comes: bool) -> Ticks:
    """When so many moments have come as each visit awaits; NEVER where it awaits none, or fewer come."""
    log, visits = trial.log, trial.replication.visits
    of = np.repeat(np.arange(len(visits)), np.diff(visits.first_moment))
    mark = np.where(log.start[of] < NEVER, np.minimum(log.start[of] + visits.moment_after, NEVER), NEVER)
    over = np.where(log.outcome == ABANDONED, vain(log, trial.replication), NEVER)
    if log.merged.size:
        # Who is merged while waiting may be so before the mark of that tick, or after it; a repeat ends before it.
        repeat = trial.replication.rules.stages.merges[trial.at.stage] == REPEATS
        over = np.minimum(over, np.where(repeat | (not tie_comes), log.merged - 1, log.merged))
    comes = (mark <= over[of]) & (mark < trial.horizon)
    tick = np.minimum(np.where(comes, mark, NEVER), log.end[of])
    tick[visits.moment_after == NEVER] = log.end[of[visits.moment_after == NEVER]]
    in_order = np.lexsort((tick, visits.sets_off))
    first = np.searchsorted(visits.sets_off[in_order], np.arange(len(visits)))
    found = np.full(len(visits), NEVER)
    waits = np.flatnonzero(visits.awaits > 0)
    found[waits] = tick[in_order][first[waits] + visits.awaits[waits] - 1]
    if visits.cue.size:
        _await_no_longer(trial, tick, of, found)
    return found


def _await_no_longer(trial: _Trial, tick: Ticks, of: Ticks, found: Ticks) -> None:
    """Of tips that came to asides, when visits begin that do without what could not come any more.

    `tick` is when each moment comes that `of` says of which visit it is; `found` is when each visit begins.
    """
    log, visits, first_visit = trial.log, trial.replication.visits, trial.replication.tips.first_visit
    over = vain(log, trial.replication)
    to = np.select([log.outcome == ABANDONED, log.outcome == TURNED_AWAY], [visits.given_up_to, visits.turned_away_to])
    aside = np.where((log.outcome == ABANDONED) | (log.outcome == TURNED_AWAY), to, NO_VISIT)
    hangs = np.argsort(visits.sets_off, kind="stable")
    begins = np.searchsorted(visits.sets_off[hangs], np.arange(len(visits) + 1))
    for tip in np.unique(trial.at.tip[aside != NO_VISIT]).tolist():
        mine = range(int(first_visit[tip]), int(first_visit[tip + 1]))
        leads: dict[int, list[int]] = {}
        for row in mine:
            for name in {int(visits.given_up_to[row]), int(visits.turned_away_to[row])} - {NO_VISIT}:
                leads.setdefault(name, []).append(row)
        never = {row: int(over[row]) if aside[row] != NO_VISIT else NEVER for row in mine}
        for row in mine:
            if row in leads:
                (leader,) = leads[row]
                never[row] = never[row] if aside[leader] == row else min(never[leader], int(log.end[leader]))
                continue
            cues: dict[int, list[int]] = {}
            for moment in hangs[begins[row] : begins[row + 1]].tolist():
                cues.setdefault(int(visits.cue[moment]), []).append(moment)
            came = [min(int(tick[one]) for one in those) for those in cues.values()]
            gone = [max(never[int(of[one])] for one in those) for those in cues.values()]
            if not cues:
                continue
            settled = max(min(pair) for pair in zip(came, gone, strict=True))
            if any(one < NEVER for one in came):
                found[row] = settled
            else:
                found[row], never[row] = NEVER, min(never[row], settled)


def _check_merged(trial: _Trial) -> None:
    """Incidents: a tip leaves merged where another one of its incident was served before it started, and only then."""
    log, replication, at = trial.log, trial.replication, trial.at
    outcome, visit = log.outcome, np.arange(len(log.outcome))
    merged = outcome == MERGED
    if not replication.may_merge:
        trial.hold("nothing merges where no stage does", ~merged, visit, log.enter)
        return
    known_when = merged == (log.merged < NEVER)
    trial.hold("a visit has a tick at which it merged if it did, and only then", known_when, visit, log.merged)
    incident, rule = replication.tips.incident[at.tip], replication.rules.stages.merges[at.stage]
    known: dict[tuple[int, int], int] = {}
    before: set[tuple[int, int]] = set()
    exempt = np.zeros(len(visit), np.bool_)
    for row in np.flatnonzero(outcome == SERVED).tolist():
        key = (int(incident[row]), int(at.stage[row]))
        known[key] = min(known.get(key, NEVER), int(log.end[row]))
    for row in visit.tolist():
        whose = (int(at.tip[row]), int(at.stage[row]))
        exempt[row] = whose in before
        if outcome[row] == SERVED:
            before.add(whose)
    since = np.array([known.get((int(i), int(s)), NEVER) for i, s in zip(incident, at.stage, strict=True)], np.int64)
    since[(incident == NO_INCIDENT) | (rule == KEEPS) | exempt] = NEVER
    left = log.merged
    trial.hold("nobody is merged before the incident is known", ~merged | (left >= since), visit, left)
    trial.hold("nobody is merged but for an incident that is known", ~merged | (since < NEVER), visit, left)
    repeats, leaves = rule == REPEATS, rule == LEAVES
    start, enter = log.start, log.enter
    own = ~repeats | (outcome != SERVED) | (start <= since)
    trial.hold("who starts once it is known costs a repeat", own, visit, start)
    trial.hold("whose work is a repeat started once it was known", ~repeats | ~merged | (start >= since), visit, start)
    late = leaves & (np.where(enter < NEVER, enter, 0) > since)
    trial.hold("who comes once it is known leaves at once", ~late | (merged & (left == enter)), visit, enter)
    started = start < NEVER
    trial.hold("nobody starts where it is known", ~leaves | ~started | (start <= since), visit, start)
    in_line = leaves & (outcome == OPEN) & ~started & (since < trial.horizon)
    last = _entries(trial)
    away = np.zeros(len(visit), np.bool_)
    away[trial.tried.visit[trial.tried.gave_up < NEVER]] = True
    trial.hold("nobody waits where it is known", ~in_line | away, visit, last)


def _repeats(trial: _Trial, visit: Ticks) -> Flags:
    """Whether the work of a visit that started is the repeat: it was merged when its work was done, or may yet be."""
    log, spells = trial.log, trial.log.spells
    if not trial.replication.may_merge:
        return np.zeros(len(visit), np.bool_)
    done = np.zeros(len(log.outcome), np.bool_)
    done[spells.visit[(spells.why == DONE) & ~spells.wrapping]] = True
    found: Flags = (log.outcome[visit] == MERGED) & done[visit]
    return found


def _check_attempts(trial: _Trial) -> None:
    """Patience: every attempt ends where its patience does, and the next follows after the drawn pause."""
    log, visits, stages = trial.log, trial.replication.visits, trial.replication.rules.stages
    most = np.maximum(stages.attempts[trial.at.stage], 1)
    trial.hold("no more attempts than the stage allows", log.attempt <= most, np.arange(len(most)), log.enter)
    tried = trial.tried
    trial.hold("an attempt begins before the horizon", tried.entry < trial.horizon, tried.visit, tried.entry)
    _check_given_up(trial)

    last = log.attempt[tried.visit] == tried.number
    visit, entry, turned = tried.visit[last], tried.entry[last], tried.turned_away[last]
    start, outcome = log.start[visit], log.outcome[visit]
    limited = stages.attempts[trial.at.stage[visit]] > 0
    draw = np.where(limited, visits.first_attempt[visit] + log.attempt[visit] - 1, 0)
    endless = np.array([NEVER])
    until = np.where(limited, np.minimum(entry + np.append(visits.patience, endless)[draw], NEVER), NEVER)
    pause = np.where(limited, np.append(visits.retry_after, endless)[draw], NEVER)
    _, _, at_lost = _begins(trial)
    lost = (outcome == ABANDONED) & at_lost[visit]
    when = log.lost[trial.at.tip[visit]]
    # One that goes on in other branches may have been lost before.
    before = np.full(len(visit), visits.branch)
    trial.hold(
        "a tip is lost where its patience ended", ~lost | (when == until) | (before & (when < until)), visit, until
    )
    away = (outcome == TURNED_AWAY) & at_lost[visit]
    found_none = ~away | (when == turned) | (before & (when < turned))
    trial.hold("a tip is lost where it found no room", found_none, visit, turned)
    trial.hold("who is turned away for good found no room", (outcome != TURNED_AWAY) | (turned < NEVER), visit, turned)
    in_vain = (outcome == ABANDONED) | (outcome == TURNED_AWAY)
    trial.hold("a tip is lost only when no attempt is to follow", ~in_vain | (pause == NEVER), visit, until)
    staffed = trial.at.own[visit] != NO_PLACE
    patient = (start == NEVER) | ((entry <= start) & (start <= until))
    trial.hold("an attempt starts between its entry and the end of its patience", patient | ~staffed, visit, start)
    over = np.minimum(np.minimum(until, turned), trial.horizon)
    away = (pause < NEVER) & (over + pause >= trial.horizon)
    kept = (outcome != OPEN) | ((start < NEVER) & staffed) | (np.minimum(until, turned) >= trial.horizon) | away
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
    """Spells: in order, disjoint, by somebody of a pool that serves the stage, and matching the stamps of the visit."""
    log, spells, horizon = trial.log, trial.log.spells, trial.horizon
    visit, began, ended, why, wrapping = spells.visit, spells.began, spells.ended, spells.why, spells.wrapping
    n_visits, n_places = len(log.outcome), len(trial.replication.rules.places.pool)
    if visit.size and (visit.min() < 0 or visit.max() >= n_visits):
        trial.accuse("a spell is of a visit", NOBODY, int(began[0]))

    def hold(law: str, kept: Flags) -> None:
        trial.hold(law, kept, visit, began)

    hold("a spell is at a place", (spells.place >= 0) & (spells.place < n_places))
    hold("a spell stops as DONE, RELIEVED, PREEMPTED or CUT", (why >= DONE) & (why <= CUT))
    own, overflow = trial.at.own[visit], trial.at.overflow[visit]
    hold("only staffed stages have spells", own != NO_PLACE)
    known = (spells.place == own) | (spells.place[:, None] == overflow).any(axis=1)
    hold("a spell is at the own pool or an overflow pool", known)
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
    hold("a visit starts with its first spell", follows | (~wrapping & (began == log.start[visit])))
    # A wrap-up is the last row of its visit; the last of the others is the end of the visit.
    last = np.append(~follows[1:] | wrapping[1:], True)[: len(visit)] & ~wrapping
    goes_on = last | wrapping | (why == RELIEVED) | (why == PREEMPTED)
    hold("work goes on after a relief or a pre-emption only", goes_on)
    served = log.outcome[visit] == SERVED
    merged = log.outcome[visit] == MERGED
    hold("the last spell of a visit is DONE if it is served, and only then", ~last | merged | (served == (why == DONE)))
    hold("who leaves merged is not cut", ~last | ~merged | (why != CUT))
    if merged.any():
        done = merged & last & (why == DONE)
        hold("who was merged by a repeat leaves at its end", ~done | (ended == log.merged[visit]))
    hold("a visit ends with its last spell", ~last | ~served | (ended == log.end[visit]))
    _check_wrap_ups(trial, follows)
    worked = np.zeros(n_visits, np.bool_)
    worked[visit] = True
    needs = (trial.at.own != NO_PLACE) & (log.start < NEVER)
    trial.hold("a staffed visit has a spell if it starts", worked | ~needs, np.arange(n_visits), log.start)


def _check_wrap_ups(trial: _Trial, follows: Flags) -> None:
    """Wrap-ups: one after every visit that has any and was served, at once, by the same person, never interrupted."""
    log, spells, work = trial.log, trial.log.spells, trial.replication.visits.wrap_up
    row = np.flatnonzero(spells.wrapping)
    before = np.maximum(row - 1, 0)
    kept = follows[row] & (spells.why[before] == DONE) & ~spells.wrapping[before]
    for column in (spells.place, spells.person, spells.attempt):
        kept &= column[row] == column[before]
    kept &= spells.began[row] == spells.ended[before]
    trial.hold("a wrap-up follows its visit at once, by the same person", kept, spells.visit[row], spells.began[row])
    ends = (spells.why[row] == DONE) | (spells.why[row] == CUT)
    trial.hold("a wrap-up is not interrupted", ends, spells.visit[row], spells.ended[row])
    if not work.size:
        trial.hold("no wrap-up where none is drawn", row < 0, spells.visit[row], spells.began[row])
        return
    done, drawn = spells.work[row], work[spells.visit[row]]
    whole = np.where(spells.why[row] == DONE, done == drawn, done <= drawn)
    trial.hold("a wrap-up takes what was drawn", whole, spells.visit[row], spells.ended[row])
    wrapped = np.zeros(len(work), np.bool_)
    wrapped[spells.visit[row]] = True
    needs = (log.outcome == SERVED) & (trial.at.own != NO_PLACE) & (work > 0)
    trial.hold("every visit that is served is wrapped up", wrapped == needs, np.arange(len(work)), log.end)


def _check_work(trial: _Trial) -> None:
    """Work: what is drawn is done, with what reliefs add to it; nothing is lost by a pre-emption."""
    spells, places = trial.log.spells, trial.replication.rules.places
    starts_visit = np.append(True, spells.visit[1:] != spells.visit[:-1])[: len(spells.visit)]
    row = np.flatnonzero(starts_visit)
    visits = trial.replication.visits
    need = visits.work[spells.visit[row]]
    if trial.replication.may_merge:
        # Of who is cut one cannot always tell; the larger of the two cannot be exceeded.
        undecided = trial.log.outcome[spells.visit[row]] != SERVED
        repeat = visits.repeat[spells.visit[row]]
        need = np.where(undecided, np.maximum(need, repeat), need)
        need = np.where(_repeats(trial, spells.visit[row]), repeat, need)
    while row.size:
        visit, why, rule = spells.visit[row], spells.why[row], places.at_shift_end[spells.place[row]]
        left = need - spells.work[row]
        kept = np.where(why == DONE, left == 0, np.where(why == CUT, left >= 0, left > 0))
        trial.hold(
            "spells add up to the work drawn, and none is interrupted with no work left", kept, visit, spells.ended[row]
        )
        stays = (why != RELIEVED) | ((rule != FINISH) & (rule != CLEAR_LINE))
        trial.hold("under finish nobody is relieved", stays, visit, spells.ended[row])
        drawn = visits.work[visit]
        if trial.replication.may_merge:
            undecided = trial.log.outcome[visit] != SERVED
            drawn = np.where(undecided, np.maximum(drawn, visits.repeat[visit]), drawn)
            drawn = np.where(_repeats(trial, visit), visits.repeat[visit], drawn)
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
    delay = trial.at.own[tried.visit] == NO_PLACE
    trial.hold("nothing starts before its gate opens", ~last | delay | (start >= opens), tried.visit, start)
    first_release = np.full(len(log.start), NEVER)
    np.minimum.at(first_release, tried.visit, tried.release)
    left = log.outcome[tried.visit] == MERGED
    trial.hold(
        "a delay starts when its gate opens", ~delay | left | (start == first_release[tried.visit]), tried.visit, start
    )
    through = np.minimum(tried.release, horizon) + trial.replication.visits.work[tried.visit]
    due = np.where((through < horizon) & (tried.gave_up == NEVER), through, NEVER)
    trial.hold("a delay ends after what was drawn", ~delay | ~last | left | (end == due), tried.visit, end)
    elsewhere = spells.place != trial.at.own[spells.visit]
    here = spells.place[:, None] == trial.at.overflow[spells.visit]
    seen = np.where(here, visible(trial.replication, trial.at, tried)[spells.visit], NEVER)
    in_time = ~elsewhere | (spells.began >= seen.min(axis=1, initial=NEVER))
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

    def total(self, place: Codes, tick: Ticks, change: NDArray[Any]) -> Counts:
        """A number that changes at these ticks, from each row to the next; 0 before the first row of a place."""
        total = np.cumsum(self.count(place, tick, change))
        first = np.flatnonzero(~np.concatenate([[False], self.same_place])[:-1])
        carried = np.concatenate([[0], total])[first]
        return np.asarray(total - np.repeat(carried, np.diff(np.append(first, len(total)))))


class _People:
    """When people are on duty and open to tips, and what of each spell could be taken from them."""

    def __init__(self, trial: _Trial) -> None:
        log, plan, horizon = trial.log, trial.replication.plan, trial.horizon
        self.duty = on_duty(plan, horizon)
        self.open = on_duty(plan, horizon, open_to_tips=True)
        self.place_of: Codes = plan.people.place
        told_apart = trial.replication.rules.places.tells_apart[log.spells.place]
        row, _, began, ended = parts(log, self.open)
        counted = np.flatnonzero(~told_apart)
        self.row = np.concatenate([row, counted])
        """Rows of the parts of spells in which somebody was at work on duty and open to tips, or a head was."""
        self.began = np.concatenate([began, log.spells.began[counted]])
        self.ended = np.concatenate([ended, log.spells.ended[counted]])
        off, edge = _begun_outside(log, self.duty)
        self.late: Flags = off
        """(n_spells,) whether a spell was begun by somebody off duty, who had stayed to clear the line."""
        self.clears: Flags = off | edge
        """(n_spells,) the same, or at the tick of going: the place may have been settled before the person went."""


def _begun_outside(log: Log, stretches: Stretches) -> tuple[Flags, Flags]:
    """Which spells, wrap-ups apart, begin outside the stretches of their person; and which at the end of one."""
    spells = log.spells
    key = np.lexsort((stretches.began, stretches.person))
    person, began, ended = stretches.person[key], stretches.began[key], stretches.ended[key]
    span = int(max(spells.began.max(initial=0), began.max(initial=0))) + 1
    at = np.searchsorted(person * span + began, spells.person.astype(np.int64) * span + spells.began, side="right") - 1
    known = np.flatnonzero(at >= 0)
    known = known[person[at[known]] == spells.person[known]]
    inside, edge = np.zeros((2, len(spells.visit)), np.bool_)
    inside[known] = spells.began[known] < ended[at[known]]
    edge[known] = spells.began[known] == ended[at[known]]
    may = (spells.person != NOBODY) & ~spells.wrapping
    return may & ~inside & ~edge, may & edge


def _check_people(trial: _Trial, known: _People) -> None:
    """People work where they are, on duty or in overtime, with no more in hand than they may, and never when away."""
    spells, people = trial.log.spells, trial.replication.plan.people
    places = trial.replication.rules.places

    def hold(law: str, kept: Flags) -> None:
        trial.hold(law, kept, spells.visit, spells.began)

    named = places.tells_apart[spells.place]
    hold("a spell has a person if people are told apart, and only then", (spells.person != NOBODY) == named)
    if not named.any():
        return
    hold("a person is in the roster", ~named | (spells.person < len(people)))
    who = np.where(named, spells.person, 0)
    hold("a person works at no other place than the own", ~named | (people.place[who] == spells.place))
    hold("nobody works who is away", ~named | ~people.away[who])
    covered = np.zeros(len(spells.visit), np.int64)
    overtime = trial.log.overtime
    late = Stretches(overtime.person.astype(np.int64), overtime.began, overtime.ended)
    for stretches in (known.duty, late):
        row, _, began, ended = parts(trial.log, stretches)
        np.add.at(covered, row, ended - began)
    hold("a person works on duty or in overtime", ~named | (covered == spells.ended - spells.began))
    rows = np.flatnonzero(named)
    of, began, ended = spells.person[rows], spells.began[rows], spells.ended[rows]
    ledger = _Ledger(trial.horizon, (of, began), (of, ended))
    in_hand = ledger.level(of, began, ended)
    wrong = np.flatnonzero(in_hand > places.concurrency[people.place[ledger.place]])
    if wrong.size:
        person, tick = int(ledger.place[wrong[0]]), int(ledger.tick[wrong[0]])
        trial.accuse(f"nobody has more in hand than they may: person {person}", NOBODY, tick)
    closed, _ = _begun_outside(trial.log, known.open)
    hold("nobody is taken by who takes no more", ~closed | known.late)
    end = np.where(named, people.end[who], NEVER)
    clears = places.at_shift_end[spells.place] == CLEAR_LINE
    entry = _entries(trial)[spells.visit]
    hold(
        "who stays to clear the line takes only who came before the shift ended",
        ~known.late | (clears & (spells.began >= end) & (entry < end)),
    )


def _entries(trial: _Trial) -> Ticks:
    """(n_visits,) the entry from which the place in line of the last attempt counts."""
    entry = np.zeros(len(trial.log.outcome), np.int64)
    entry[trial.tried.visit] = trial.tried.entry
    return entry


def _check_speeds(trial: _Trial) -> None:
    """The work of a spell is what its speeds make of its time, less what is rounded down when they change."""
    spells, speeds = trial.log.spells, trial.replication.rules.speeds
    lasted = spells.ended - spells.began
    varies = speeds.varies[spells.place]
    plain = varies | (spells.work == lasted)
    trial.hold("at full speed a tick of work takes a tick", plain, spells.visit, spells.began)
    of_person: dict[int, list[tuple[int, int]]] = {}
    for row in np.flatnonzero(varies & (spells.person != NOBODY)).tolist():
        changes = of_person.setdefault(int(spells.person[row]), [])
        changes += [(int(spells.began[row]), 1), (int(spells.ended[row]), -1)]
    levels = {person: _steps(changes) for person, changes in of_person.items()}
    by_tick = 0
    for row in np.flatnonzero(varies).tolist():
        place, began, ended = int(spells.place[row]), int(spells.began[row]), int(spells.ended[row])
        first, last = int(speeds.first_step[place]), int(speeds.first_step[place + 1])
        if not spells.wrapping[row]:
            step = first + int(speeds.tick[first:last].searchsorted(began, side="right")) - 1
            by_tick = int(speeds.by_tick[step])
        by_stage = int(speeds.by_stage[place, trial.at.stage[spells.visit[row]]])
        ticks, number = levels.get(int(spells.person[row]), ([0], [1]))
        piece, done, n, at = bisect_right(ticks, began) - 1, 0, 1, 1
        since = began
        while since < ended:
            until = min(ticks[piece + 1] if piece + 1 < len(ticks) else ended, ended)
            at = order.speed(by_tick, by_stage, int(speeds.by_hand[place, number[piece] - 1]))
            done += (until - since) * at
            n, since, piece = n + 1, until, piece + 1
        over = done - int(spells.work[row]) * FULL_SPEED
        if not 0 <= over < n * FULL_SPEED + at:
            trial.accuse("work is done at the speeds of its place", int(spells.visit[row]), ended)


def _steps(changes: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Ticks at which a number changes, and the number from then on."""
    net: dict[int, int] = {}
    for tick, by in changes:
        net[tick] = net.get(tick, 0) + by
    ticks = sorted(net)
    return ticks, list(accumulate(net[tick] for tick in ticks))


def _check_overtime(trial: _Trial, known: _People) -> None:
    """Overtime begins when a person goes, is work from end to end, and ends when there is none, or back on duty."""
    overtime, plan, places = trial.log.overtime, trial.replication.plan, trial.replication.rules.places
    key = np.lexsort((overtime.person, overtime.place, overtime.began))
    nobody = np.full(len(key), NOBODY)

    def hold(law: str, kept: Flags) -> None:
        trial.hold(law, kept, nobody, overtime.began)

    hold("overtime lies in order of start, place and person", key == np.arange(len(key)))
    hold("overtime is of a person of its place", plan.people.place[overtime.person] == overtime.place)
    hold("overtime takes time", overtime.began < overtime.ended)
    tick = np.repeat(plan.tick, np.diff(plan.first_action))
    going = (plan.action == GOES_HOME) | (plan.action == TAKES_BREAK)
    comes, leaves = ~going & (plan.action != TAKES_NO_MORE), plan.action == GOES_HOME
    goes, home, back = (
        set(zip(plan.person[some].tolist(), tick[some].tolist(), strict=True)) for some in (going, leaves, comes)
    )
    stretches = list(zip(overtime.person.tolist(), overtime.began.tolist(), overtime.ended.tolist(), strict=True))
    begins = np.array([(who, began) in goes for who, began, _ in stretches], np.bool_)
    hold("overtime begins when somebody goes", begins)
    late = Stretches(overtime.person.astype(np.int64), overtime.began, overtime.ended)
    row, stretch, began, ended = parts(trial.log, late)
    at_work = np.zeros(len(stretches), np.int64)
    moves = np.concatenate([np.column_stack([stretch, began, ended])]) if len(row) else np.zeros((0, 3), np.int64)
    for one in np.unique(stretch).tolist():
        reach = 0
        for since, until in sorted(moves[moves[:, 0] == one, 1:].tolist()):
            at_work[one] += max(0, until - max(reach, since))
            reach = max(reach, until)
    hold("who is in overtime has something in hand", at_work == overtime.ended - overtime.began)
    spells = trial.log.spells
    in_hand = {(int(spells.person[r]), int(spells.ended[r])) for r in row}
    ends = [(who, until) in back or until == trial.horizon or (who, until) in in_hand for who, _, until in stretches]
    hold("overtime ends with the work, the break or the run", np.array(ends, np.bool_))
    rule = places.at_shift_end[spells.place[row]]
    finishes = (rule == FINISH) | (rule == CLEAR_LINE) | spells.wrapping[row]
    trial.hold("only under finish is more than a wrap-up done in overtime", finishes, spells.visit[row], began)
    _check_cleared(trial, home, stretches)


def _check_cleared(trial: _Trial, home: set[tuple[int, int]], stretches: list[tuple[int, int, int]]) -> None:
    """Who clears the line goes only when nobody waits in it who came before the shift ended."""
    places, people, line = trial.replication.rules.places, trial.replication.plan.people, trial.line
    until = {(who, began): ended for who, began, ended in stretches}
    for who, tick in sorted(home):
        at = int(people.place[who])
        if places.at_shift_end[at] != CLEAR_LINE:
            continue
        gone = until.get((who, tick), tick)
        left = (line.place == at) & (line.entry < tick) & (line.began < gone) & (line.ended > gone)
        if gone < trial.horizon and left.any():
            law = f"person {who} clears the line before going"
            trial.accuse(law, int(line.visit[np.argmax(left)]), gone)


def _check_staff(trial: _Trial, known: _People) -> None:
    """No more is in hand than there are people for, but for those finishing, and nobody idles beside a tip."""
    spells, line, horizon, plan = trial.log.spells, trial.line, trial.horizon, trial.replication.plan
    places = trial.replication.rules.places
    real = np.flatnonzero((plan.tick < horizon) & ~places.tells_apart[plan.place])
    place, tick = plan.place[real], plan.tick[real]
    here, stretch = known.place_of[known.open.person], known.open
    busy_at = spells.place[known.row]
    ledger = _Ledger(
        horizon,
        (place, tick),
        (here, stretch.began),
        (here, stretch.ended),
        (busy_at, known.began),
        (busy_at, known.ended),
        (line.place, line.began),
        (line.place, line.ended),
    )
    slots = places.concurrency.astype(np.int64)
    people = ledger.level(here, stretch.began, stretch.ended) + ledger.total(place, tick, plan.heads[real])
    able = people * slots[ledger.place]
    busy = ledger.level(busy_at, known.began, known.ended)
    waiting = ledger.level(line.place, line.began, line.ended)
    lasts = ledger.tick < horizon

    def hold(law: str, kept: Flags) -> None:
        if not kept.all():
            row = int(np.argmin(kept))
            at, when = int(ledger.place[row]), int(ledger.tick[row])
            trial.accuse(f"{law} at place {at}", _somebody(trial, at, when), when)

    taken = (spells.began < spells.ended) & ~spells.wrapping & ~places.tells_apart[spells.place]
    begun = ledger.count(spells.place[taken], spells.began[taken]) > 0
    counted = ~places.tells_apart[ledger.place]
    hold("no more slots are in use than people have", ~lasts | counted | (busy <= able))
    # Each pool's change of heads is an event of its own, so that a tip which one pool gives up can start at heads of
    # another that go in the same tick.
    going = ledger.count(place, tick, -np.minimum(plan.heads[real], 0)) * slots[ledger.place]
    hold("nobody starts while as many are at work as there are heads", ~lasts | ~begun | (busy <= able + going))
    hold("nobody is idle beside a tip they may take", ~lasts | (busy >= able) | (waiting == 0))


def _check_preemption(trial: _Trial, known: _People) -> None:
    """Nobody waits beside a server whose tip they may displace, and every tip displaced is so by one that may."""
    spells, line = trial.log.spells, trial.line
    rank, preempts = _served_ranks(trial)
    displaced = spells.why == PREEMPTED
    ledger = _Ledger(trial.horizon, (spells.place, spells.began), (spells.place, spells.ended))
    lost = ledger.count(spells.place[displaced], spells.ended[displaced])
    won = ledger.count(spells.place[preempts], spells.began[preempts])
    kept = (lost <= won)[ledger.row(spells.place, spells.ended)] | ~displaced
    trial.hold("a tip is displaced only by one that starts there and may", kept, spells.visit, spells.ended)

    waiting_rank = line.rank
    _, may = rank_at(trial.replication, trial.at, line.visit, line.place)
    if not may.any():
        return
    plan, places = trial.replication.plan, trial.replication.rules.places
    real = np.flatnonzero(plan.tick < trial.horizon)
    mine = ~spells.wrapping[known.row]
    row, began, ended = known.row[mine], known.began[mine], known.ended[mine]
    ledger = _Ledger(
        trial.horizon,
        (plan.place[real], plan.tick[real]),
        (spells.place, spells.began),
        (spells.place, spells.ended),
        (spells.place[row], began),
        (spells.place[row], ended),
        (line.place, line.began),
        (line.place, line.ended),
    )
    heads = ledger.total(plan.place[real], plan.tick[real], plan.heads[real]) * places.concurrency[ledger.place]
    beyond = ~places.tells_apart[ledger.place] & (ledger.level(spells.place, spells.began, spells.ended) > heads)
    for better in np.unique(waiting_rank[may]):
        takers, givers = may & (waiting_rank == better), rank[row] > better
        able = ledger.level(line.place[takers], line.began[takers], line.ended[takers])
        open_to_it = ledger.level(spells.place[row[givers]], began[givers], ended[givers])
        wrong = np.flatnonzero((able > 0) & (open_to_it > 0) & (ledger.tick < trial.horizon) & ~beyond)
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


def _check_rooms(trial: _Trial) -> None:
    """Rooms: nobody joins one that is full, and who was turned away found none.

    Looked at is what stands at the end of a tick, and for who was turned away all that stood at any moment of it.
    """
    log, tried, stages = trial.log, trial.tried, trial.replication.rules.stages
    turned = tried.turned_away < NEVER
    stage = trial.at.stage[tried.visit]
    limited = (stages.waiting_room[stage] != NO_LIMIT) | (stages.lines[stage] != NO_LIMIT)
    trial.hold("nobody is turned away where there is room for all", ~turned | limited, tried.visit, tried.turned_away)
    on_joining = ~turned | (tried.turned_away == tried.release)
    trial.hold("who is turned away is so on joining the line", on_joining, tried.visit, tried.turned_away)
    if not limited.any():
        return
    visits, tips, line = trial.replication.visits, trial.replication.tips, trial.line
    centre = np.where(stages.place_step[trial.at.stage] > 0, tips.centre[trial.at.tip], 0)
    room = trial.at.stage * (int(tips.centre.max(initial=0)) + 1) + centre
    accepts = np.full(len(visits), NEVER)
    accepts[tried.visit] = tried.called_back
    fills = (tried.release < NEVER) & ~turned & limited & (trial.at.own[tried.visit] != NO_PLACE)
    of, joins = tried.visit[fills], tried.release[fills]
    merged = log.merged if log.merged.size else np.full(len(log.outcome), NEVER)
    leaves = np.minimum(np.minimum(tried.gave_up[fills], merged[of]), trial.horizon)
    leaves = np.minimum(leaves, np.where(tried.number[fills] == log.attempt[of], log.end[of], NEVER))
    accepts_at = tried.called_back[fills]
    before_start = accepts_at <= np.where(log.start[of] < NEVER, log.start[of] - 1, NEVER)
    leaves = np.where(before_start, np.minimum(leaves, np.maximum(tried.called_back[fills], joins)), leaves)
    # Who accepts at the very tick of the release may have done so before that, and then fills no room.
    leaves_at_once = (accepts_at == joins) & (joins > tried.entry[fills])
    unasked = (trial.at.tip[of] < tips.n_backlog) & (tried.number[fills] == 1)
    unasked &= of == tips.first_visit[trial.at.tip[of]]
    own = line.place == trial.at.own[line.visit]
    waiting = np.flatnonzero(own & limited[np.searchsorted(tried.visit, line.visit)])
    who, since = line.visit[waiting], line.began[waiting]
    called = (accepts[who] <= np.where(log.start[who] < NEVER, log.start[who] - 1, NEVER)) & (accepts[who] <= since)
    until = np.where(
        accepts[who] <= np.where(log.start[who] < NEVER, log.start[who] - 1, NEVER),
        np.minimum(line.ended[waiting], accepts[who]),
        line.ended[waiting],
    )
    until = np.where(called, since, until)
    here, there = tried.visit[turned], tried.turned_away[turned]
    ledger = _Ledger(
        trial.horizon,
        (room[of], joins),
        (room[of], leaves),
        (room[who], since),
        (room[who], until),
        (room[here], there),
    )
    filled, in_line = ledger.level(room[of], joins, leaves), ledger.level(room[who], since, until)
    asked = ~unasked & (joins < leaves)
    row = ledger.row(room[of[asked]], joins[asked])
    most = stages.lines[trial.at.stage[of[asked]]]
    least = ledger.level(room[of], joins, np.where(leaves_at_once, joins, leaves))
    kept = (most == NO_LIMIT) | (least[row] <= most)
    trial.hold("nobody joins lines that are full", kept, of[asked], joins[asked])
    again = ~line.fresh[waiting]
    returned = ledger.count(room[who[again]], since[again])
    asked &= np.minimum(log.start[of], leaves) > joins
    row, most = ledger.row(room[of[asked]], joins[asked]), stages.waiting_room[trial.at.stage[of[asked]]]
    kept = (most == NO_LIMIT) | (in_line[row] - returned[row] <= most)
    trial.hold("nobody joins a waiting room that is full", kept, of[asked], joins[asked])
    # At any moment of a tick: those there before it, and those who came in it.
    row = ledger.row(room[here], there)
    ever = filled + ledger.count(room[of], leaves)
    kept = (stages.waiting_room[trial.at.stage[here]] != NO_LIMIT) | (ever[row] >= stages.lines[trial.at.stage[here]])
    trial.hold("who is turned away found all lines full", kept, here, there)


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


def _check_line(trial: _Trial, known: _People) -> None:
    """Who starts was first in line, or the first that may pre-empt where a server is taken, or that may be cleared."""
    spells, line = trial.log.spells, trial.line
    rank, _ = _served_ranks(trial)
    _, may = rank_at(trial.replication, trial.at, line.visit, line.place)
    entry = _entries(trial)
    displaced = spells.why == PREEMPTED
    ledger = _Ledger(trial.horizon, (spells.place, spells.began), (spells.place, spells.ended))
    taken = ledger.count(spells.place[displaced], spells.ended[displaced])[ledger.row(spells.place, spells.began)] > 0
    for law, may_start, starts in (
        ("the first in line is served", np.ones(len(may), np.bool_), ~taken & ~known.clears & ~spells.wrapping),
        ("the first in line who may displace another does", may, taken & ~known.clears & ~spells.wrapping),
    ):
        visit, of = line.visit[may_start], spells.visit[starts]
        waiting = _in_line(trial, visit, line.place[may_start], line.rank[may_start], line.entry[may_start])
        going = _in_line(trial, of, spells.place[starts], rank[starts], entry[of])
        _nobody_before(
            trial,
            law,
            (line.place[may_start], line.began[may_start], waiting, line.ended[may_start], visit),
            (spells.place[starts], spells.began[starts], going, of),
        )


def _in_line(trial: _Trial, visit: Ticks, place: Codes, rank: Codes, entry: Ticks) -> list[_Key]:
    """The place in line of each visit by the order of the place's pool; in a random order the rank alone counts."""
    by = trial.replication.rules.places.order[place]
    due = np.where(by == DUE_FIRST, due_at(trial.log, trial.replication, trial.at)[visit], NEVER)
    entry = np.where(by == LAST_COME, -entry, entry)
    told = by != IN_RANDOM_ORDER
    tip, stage = trial.at.tip[visit], trial.at.stage[visit]
    return _keys(order.line_key, rank, entry * told, tip * told, stage * told, due)


def _served_ranks(trial: _Trial, just_before: int = 0) -> tuple[Codes, Flags]:
    """The rank at which each spell was taken, by its age, and whether it may pre-empt.

    Who is taken at the tick at which it moves up may have been taken just before that, a tick younger as it were.
    """
    spells = trial.log.spells
    age = spells.began - _entries(trial)[spells.visit] - just_before
    return rank_at(trial.replication, trial.at, spells.visit, spells.place, age)


def _check_giving_way(trial: _Trial, known: _People) -> None:
    """A tip is displaced by a strictly better one, and nobody stays on duty who should have given way instead."""
    spells = trial.log.spells
    rank, preempts = _served_ranks(trial)
    best: dict[tuple[int, int], int] = {}
    for here, now, of in _keys(lambda *row: row, spells.place[preempts], spells.began[preempts], rank[preempts]):
        best[here, now] = min(of, best.get((here, now), of))
    gone = np.flatnonzero(spells.why == PREEMPTED)
    place, tick, visit = spells.place[gone], spells.ended[gone], spells.visit[gone]
    gave, _ = _served_ranks(trial, just_before=1)
    taker = [best.get(one) for one in zip(place.tolist(), tick.tolist(), strict=True)]
    better = [
        of is not None and order.outranks(of, served) for of, served in zip(taker, gave[gone].tolist(), strict=True)
    ]
    trial.hold("a tip is displaced by a strictly better one", np.array(better, np.bool_), visit, tick)
    key = _keys(order.yielding_key, rank, spells.began, trial.at.tip[spells.visit], trial.at.stage[spells.visit])
    mine = ~spells.wrapping[known.row]
    row = known.row[mine]
    standing = (spells.place[row], known.began[mine], [key[one] for one in row], known.ended[mine], spells.visit[row])
    of_gone = _keys(order.yielding_key, gave[gone], spells.began[gone], trial.at.tip[visit], trial.at.stage[visit])
    going = (place, tick, of_gone, visit)
    _nobody_before(trial, "the worst and latest gives way", standing, going)


def _check_next_to_serve(trial: _Trial, known: _People) -> None:
    """Of those open to tips the one with the fewest in hand takes, then the one who has had so many the longest.

    Looked at are starts at which neither the one who takes nor the one who should did anything else at that tick: what
    happened within a tick no stamp tells.
    """
    spells, people = trial.log.spells, trial.replication.plan.people
    named = np.flatnonzero(spells.person != NOBODY)
    gone = spells.why == PREEMPTED
    displaced = set(zip(spells.place[gone].tolist(), spells.ended[gone].tolist(), strict=True))
    moves: list[tuple[int, int, int, int, int]] = []
    for stretch, by in ((known.open.began, 0), (known.open.ended, 1)):
        of = known.open.person
        columns = (people.place[of], stretch, np.full(len(of), by), of, np.full(len(of), NOBODY))
        moves += zip(*(column.tolist() for column in columns), strict=True)
    for row in named.tolist():
        here, who = int(spells.place[row]), int(spells.person[row])
        end, follows = int(spells.ended[row]), row + 1 < len(spells.visit) and bool(spells.wrapping[row + 1])
        if not spells.wrapping[row]:
            moves.append((here, int(spells.began[row]), 2, who, row))
        if not (follows and spells.visit[row + 1] == spells.visit[row]):
            moves.append((here, end, 3, who, row))
    state: dict[int, tuple[int, int]] = {}
    is_open: set[int] = set()
    in_order = sorted(moves)
    at = 0
    while at < len(in_order):
        here, now = in_order[at][:2]
        if at and in_order[at - 1][0] != here:
            state, is_open = {}, set()
        until = at
        while until < len(in_order) and in_order[until][:2] == (here, now):
            until += 1
        event = in_order[at:until]
        moved = Counter(who for *_, who, _ in event)
        if (here, now) not in displaced:
            waiting = {who for who in is_open if who not in moved}
            for _, _, what, who, row in event:
                if what == 2 and moved[who] == 1 and who in is_open and not known.clears[row]:
                    mine = order.serving_key(*state[who], who)
                    slots = int(trial.replication.rules.places.concurrency[here])
                    for other in waiting:
                        if state[other][0] < slots and order.serving_key(*state[other], other) < mine:
                            law = f"the next to serve takes: person {other} before {who}"
                            trial.accuse(law, int(spells.visit[row]), now)
        for _, _, what, who, _ in event:
            number = state.get(who, (0, 0))[0] + (what == 2) - (what == 3)
            state[who] = number, now
            if what == 0:
                is_open.add(who)
            elif what == 1:
                is_open.discard(who)
        at = until
