"""Who stood in which line from when to when: the attempts and waits that a Log implies.

A Log holds the stamps of visits and spells only; what lies between them follows from the drawn patience, the gates and
the overflow rule. Nothing here looks at how an engine works, so that the laws can be checked against it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.dynamics.clock import NEVER
from sim.dynamics.log import ABANDONED, MERGED, PREEMPTED, RELIEVED, SERVED, TURNED_AWAY, Log
from sim.dynamics.replication import (
    BY_WINDOWS,
    FULL_SPEED,
    NO_PLACE,
    NO_VISIT,
    Codes,
    Flags,
    Replication,
    Ticks,
)


@dataclass(frozen=True, slots=True, eq=False)
class VisitPlaces:
    """Whose each visit is and where it is served, (n_visits,) each."""

    tip: Ticks
    stage: Codes
    own: Codes
    """Place of the stage's own pool, or NO_PLACE for a delay."""
    overflow: Codes
    """(n_visits, the most of any stage) the place of each of its overflow pools, or NO_PLACE."""


@dataclass(frozen=True, slots=True, eq=False)
class Attempts:
    """Every attempt begun, in order of (visit, number), (n,) each."""

    visit: Ticks
    number: Codes
    """From 1."""
    entry: Ticks
    """Tick at which it reaches the stage; its place in line counts from there."""
    release: Ticks
    """Tick at which it joins the line, after the gate; NEVER if it gave up behind the gate."""
    gave_up: Ticks
    """Tick at which its patience ended without a start, or before the end of a delay, or NEVER."""
    turned_away: Ticks
    """Tick at which it found no room, or NEVER."""
    called_back: Ticks
    """Tick at which it would accept a call-back, or NEVER."""


@dataclass(frozen=True, slots=True, eq=False)
class Waits:
    """Stretches of positive length in which a visit stands in the line of a place, (n,) each, in no order."""

    visit: Ticks
    place: Codes
    entry: Ticks
    """The entry that its place in line counts from."""
    began: Ticks
    ended: Ticks
    rank: Codes
    """In that line, by the age that it then has: who moves up there has a stretch for each rank."""
    fresh: Flags
    """Whether it waits for the first start of an attempt, and was not interrupted."""


def where(replication: Replication) -> VisitPlaces:
    """The tip, stage and places of every visit."""
    tips, visits, stages = replication.tips, replication.visits, replication.rules.stages
    tip = np.repeat(np.arange(len(tips)), np.diff(tips.first_visit))
    stage = replication.rules.kinds.stage[visits.kind]
    centre = tips.centre[tip]
    first = np.column_stack([stages.place, stages.overflow])[stage]
    step = np.column_stack([stages.place_step, stages.overflow_step])[stage]
    places = np.where(first == NO_PLACE, NO_PLACE, first + step * centre[:, None]).astype(np.int32)
    return VisitPlaces(tip, stage, np.ascontiguousarray(places[:, 0]), places[:, 1:])


def rank_at(
    replication: Replication, at: VisitPlaces, visit: Ticks, place: Codes, age: Ticks | None = None
) -> tuple[Codes, Flags]:
    """The rank of each visit in the line of a place, and whether it may pre-empt there.

    `age` is how long it has waited; without it the rank is that of who has just come.
    """
    kinds = replication.rules.kinds
    kind = replication.visits.kind[visit]
    line = _line(at, visit, place)
    row = np.arange(len(visit))
    rank = np.column_stack([kinds.rank, kinds.overflow_rank])[kind][row, line]
    may = np.column_stack([kinds.preempts, kinds.overflow_preempts])[kind][row, line]
    if age is not None and kinds.moves_after.size:
        first = kind.astype(np.int64) * (1 + kinds.overflow_rank.shape[1]) + line
        for nth in range(int(np.diff(kinds.first_move).max(initial=0))):
            move = kinds.first_move[first] + nth
            known = np.flatnonzero(move < kinds.first_move[first + 1])
            known = known[kinds.moves_after[move[known]] <= age[known]]
            rank[known] = kinds.moves_to[move[known]]
    return rank, may


def _line(at: VisitPlaces, visit: Ticks, place: Codes) -> Ticks:
    """Which of its lines is that of a place: 0 for the own one."""
    matches = np.column_stack([at.own[visit], at.overflow[visit]]) == place[:, None]
    found: Ticks = matches.argmax(axis=1)
    return found


def due_at(log: Log, replication: Replication, at: VisitPlaces) -> Ticks:
    """When the tip of each visit is due, or NEVER: (n_visits,)."""
    visits, tips = replication.visits, replication.tips
    if not visits.due.size:
        return np.full(len(visits), NEVER)
    since = np.where(replication.rules.stages.due_from_enter[at.stage], log.enter, tips.arrival[at.tip])
    return np.minimum(since + visits.due, NEVER)


def openings(replication: Replication, stage: Codes, tick: Ticks) -> Ticks:
    """The first tick, not before each one, at which the gate of its stage opens.

    `order.opening` over arrays, in other words on purpose: what is checked by it was computed by that.
    """
    rules = replication.rules
    every = np.maximum(rules.stages.every[stage], 1)
    phase = rules.since_midnight
    found = -(-(tick + phase) // every) * every - phase
    for one in np.flatnonzero(rules.stages.every == BY_WINDOWS).tolist():
        mine, here = slice(*rules.windows.first[one : one + 2].tolist()), stage == one
        opens = np.append(rules.windows.opens[mine], NEVER)
        window = rules.windows.closes[mine].searchsorted(tick[here], side="right")
        found[here] = np.maximum(opens[window], tick[here])
    return found


def in_hand_alone(replication: Replication) -> Ticks:
    """How long each visit would be in hand if it were taken when it comes, by somebody with nothing else: (n_visits,).

    Its wrap-up is counted. The speed is that of the own place at the tick at which the tip arrives, near enough.
    """
    visits, rules = replication.visits, replication.rules
    total = visits.work + visits.wrap_up if visits.wrap_up.size else visits.work
    speeds = rules.speeds
    if not speeds.varies.any():
        return total
    at = where(replication)
    mine = np.flatnonzero((at.own != NO_PLACE) & speeds.varies[at.own])
    place, arrival = at.own[mine], replication.tips.arrival[at.tip[mine]]
    speed = np.empty(len(mine))
    for each in np.unique(place):
        here = np.flatnonzero(place == each)
        steps = slice(int(speeds.first_step[each]), int(speeds.first_step[each + 1]))
        factor = speeds.by_tick[steps][speeds.tick[steps].searchsorted(arrival[here], side="right") - 1]
        speed[here] = factor / FULL_SPEED * (speeds.by_hand[each, 0] / FULL_SPEED)
    speed *= speeds.by_stage[place, at.stage[mine]] / FULL_SPEED
    found = total.copy()
    found[mine] = np.minimum(np.ceil(total[mine] / speed), NEVER)
    return found


def next_visits(log: Log, replication: Replication, visit: Ticks) -> Ticks:
    """(n,) the visit that follows each of some visits: NO_VISIT while it is not over, and where it was the last."""
    tips, visits = replication.tips, replication.visits
    outcome = log.outcome[visit]
    if not visits.follows.size:
        beyond = tips.first_visit[tips.first_visit.searchsorted(visit, side="right")]
        return np.where((outcome == SERVED) & (visit + 1 < beyond), visit + 1, NO_VISIT)
    ways = ((SERVED, visits.follows), (ABANDONED, visits.given_up_to), (TURNED_AWAY, visits.turned_away_to))
    return np.select([outcome == one for one, _ in ways], [to[visit] for _, to in ways], NO_VISIT)


def branches(replication: Replication, first: int, beyond: int) -> list[int]:
    """On which branch each of the visits of one tip lies, from 1.

    What is written first of all that begins with the end of a visit goes on on its branch, and so does a visit that
    awaits several on that of the first of them; an aside lies on the branch of what was in vain. All else begins a
    branch of its own.
    """
    visits = replication.visits
    found = [0] * (beyond - first)
    goes_on = [False] * (beyond - first)
    newest = 0
    for visit in range(first, beyond):
        for before in range(first, visit):
            moments = slice(int(visits.first_moment[before]), int(visits.first_moment[before + 1]))
            at_end = visits.sets_off[moments][visits.moment_after[moments] == NEVER]
            if visits.given_up_to.size and visit in (visits.given_up_to[before], visits.turned_away_to[before]):
                found[visit - first] = found[before - first]
                break
            if visit in at_end and not goes_on[before - first]:
                goes_on[before - first] = True
                found[visit - first] = found[before - first]
                break
        if not found[visit - first]:
            newest += 1
            found[visit - first] = newest
    return found


def vain(log: Log, replication: Replication) -> Ticks:
    """When each visit was over that was given up, or turned away, for good, and NEVER for others: (n_visits,).

    (0,) where there are no asides and no branches: then the tip is lost just then.
    """
    visits = replication.visits
    if not (visits.given_up_to.size or visits.branch):
        return np.zeros(0, np.int64)
    found = np.full(len(visits), NEVER)
    over = np.flatnonzero((log.outcome == ABANDONED) | (log.outcome == TURNED_AWAY))
    last = visits.first_attempt[over] + log.attempt[over] - 1
    found[over] = log.gave_up[last]
    if log.turned_away.size:
        found[over] = np.minimum(found[over], log.turned_away[last])
    return found


def attempts(log: Log, replication: Replication, at: VisitPlaces) -> Attempts:
    """The attempts that the visits of a log made; meaningless where their number is beyond what the stage allows."""
    visits, stages = replication.visits, replication.rules.stages
    found = []
    visit = np.flatnonzero(log.attempt > 0)
    entry = log.enter[visit]
    merged, given_up = _merged(log), np.append(log.gave_up, NEVER)
    turned_away = np.append(log.turned_away if log.turned_away.size else np.full(len(visits.patience), NEVER), NEVER)
    accepts = np.append(visits.called_back if visits.called_back.size else np.full(len(visits.patience), NEVER), NEVER)
    number = 1
    while visit.size:
        limited = stages.attempts[at.stage[visit]] > 0
        row = np.where(limited, visits.first_attempt[visit] + number - 1, -1)
        bears, pause = np.append(visits.patience, NEVER)[row], np.append(visits.retry_after, NEVER)[row]
        again = log.attempt[visit] > number
        until = np.minimum(entry + bears, NEVER)
        delay = at.own[visit] == NO_PLACE
        in_vain = np.where(delay, log.end[visit] > until, log.start[visit] == NEVER)
        in_vain &= until < replication.rules.horizon
        # Who has left merged did so before the patience ended, or after it: then the log says so.
        in_vain &= (log.outcome[visit] != MERGED) | (given_up[row] < NEVER)
        turned = turned_away[row]
        gave_up = np.where((again | in_vain) & (turned == NEVER), until, NEVER)
        release = openings(replication, at.stage[visit], entry)
        left = np.minimum(gave_up, merged[visit])
        release = np.where((release <= left) & (release < replication.rules.horizon), release, NEVER)
        calls = np.minimum(entry + accepts[row], NEVER)
        nth = np.full(visit.size, number, np.int32)
        found.append((visit, nth, entry, release, gave_up, turned, calls))
        over = np.minimum(gave_up, turned)
        visit, entry = visit[again], np.minimum(over[again] + pause[again], NEVER)
        number += 1
    empty = (np.zeros(0, np.int64), np.zeros(0, np.int32), *[np.zeros(0, np.int64)] * 5)
    of, nth, *stamps = (np.concatenate(column) for column in zip(empty, *found, strict=True))
    row = np.lexsort((nth, of))
    return Attempts(of[row], nth[row].astype(np.int32), *(stamp[row] for stamp in stamps))


def _merged(log: Log) -> Ticks:
    """The tick at which the tip left each visit merged, or NEVER: (n_visits,)."""
    return log.merged if log.merged.size else np.full(len(log.outcome), NEVER)


def visible(replication: Replication, at: VisitPlaces, tried: Attempts) -> Ticks:
    """The tick from which each visit that waits stands in each overflow line, or NEVER: as `VisitPlaces.overflow`."""
    seen = np.full(at.overflow.shape, NEVER)
    joined = (tried.release < NEVER) & (tried.turned_away == NEVER)
    visit, first = np.unique(tried.visit[joined], return_index=True)
    seen[visit] = tried.release[joined][first][:, None] + replication.rules.stages.overflow_after[at.stage[visit]]
    return np.where(at.overflow == NO_PLACE, NEVER, np.minimum(seen, NEVER))


def waits(log: Log, replication: Replication, at: VisitPlaces, tried: Attempts) -> Waits:
    """Every stretch of waiting, in the own line and in the overflow lines."""
    horizon, spells = replication.rules.horizon, log.spells
    in_line = (tried.release < NEVER) & (at.own[tried.visit] != NO_PLACE) & (tried.turned_away == NEVER)
    last_entry = np.zeros(len(replication.visits), np.int64)
    last_entry[tried.visit] = tried.entry
    first_wait = tried.visit[in_line]
    merged = np.minimum(_merged(log), horizon)
    before_start = np.minimum(np.minimum(log.start[first_wait], tried.gave_up[in_line]), merged[first_wait])
    broken = np.flatnonzero((spells.why == RELIEVED) | (spells.why == PREEMPTED))
    again = spells.visit[broken]
    follows = np.append(spells.visit[1:] == spells.visit[:-1], False)[broken]  # a wrap-up follows no broken spell
    next_start = np.where(follows, np.append(spells.began[1:], horizon)[broken], merged[again])
    visit = np.concatenate([first_wait, again])
    entry = np.concatenate([tried.entry[in_line], last_entry[again]])
    began = np.concatenate([tried.release[in_line], spells.ended[broken]])
    ended = np.concatenate([before_start, next_start])
    fresh = np.arange(len(visit)) < len(first_wait)
    seen = visible(replication, at, tried)
    lines = [(at.own[visit], began)]
    lines += [(at.overflow[visit, line], np.maximum(began, seen[visit, line])) for line in range(seen.shape[1])]
    place = np.concatenate([places for places, _ in lines])
    began = np.concatenate([since for _, since in lines])
    visit, entry, ended, fresh = (np.tile(column, len(lines)) for column in (visit, entry, ended, fresh))
    real = began < ended
    whole = visit[real], place[real], entry[real], began[real], ended[real], fresh[real]
    return Waits(*_by_rank(replication, at, *whole))


def _by_rank(
    replication: Replication,
    at: VisitPlaces,
    visit: Ticks,
    place: Codes,
    entry: Ticks,
    began: Ticks,
    ended: Ticks,
    fresh: Flags,
) -> tuple[Ticks, Codes, Ticks, Ticks, Ticks, Codes, Flags]:
    """Stretches of waiting cut where a tip moves up, each with its rank."""
    kinds = replication.rules.kinds
    first = replication.visits.kind[visit].astype(np.int64) * (1 + kinds.overflow_rank.shape[1])
    first += _line(at, visit, place)
    for nth in range(int(np.diff(kinds.first_move).max(initial=0))):
        move = kinds.first_move[first] + nth
        known = move < kinds.first_move[first + 1]
        tick = np.full(len(visit), NEVER)
        tick[known] = entry[known] + kinds.moves_after[move[known]]
        cut = np.flatnonzero((began < tick) & (tick < ended))
        visit, place, entry, fresh, first = (
            np.append(column, column[cut]).astype(column.dtype) for column in (visit, place, entry, fresh, first)
        )
        began, later = np.append(began, tick[cut]), ended[cut]
        ended = ended.copy()
        ended[cut] = tick[cut]
        ended = np.append(ended, later)
    rank, _ = rank_at(replication, at, visit, place, began - entry)
    return visit, place, entry, began, ended, rank, fresh
