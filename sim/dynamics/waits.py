"""Who stood in which line from when to when: the attempts and waits that a Log implies.

A Log holds the stamps of visits and spells only; what lies between them follows from the drawn patience, the gates and
the overflow rule. Nothing here looks at how an engine works, so that the laws can be checked against it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.dynamics.clock import NEVER
from sim.dynamics.log import ABANDONED, MERGED, PREEMPTED, RELIEVED, TURNED_AWAY, Log
from sim.dynamics.replication import BY_WINDOWS, FULL_SPEED, NO_PLACE, Codes, Flags, Replication, Ticks


@dataclass(frozen=True, slots=True, eq=False)
class Where:
    """Whose each visit is and where it is served, (n_visits,) each."""

    tip: Ticks
    stage: Codes
    own: Codes
    """Place of the stage's own pool, or NO_PLACE for a delay."""
    overflow: Codes
    """Place of its overflow pool, or NO_PLACE."""


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
    """Tick at which its patience ended without a start, or NEVER."""


@dataclass(frozen=True, slots=True, eq=False)
class Waits:
    """Stretches of positive length in which a visit stands in the line of a place, (n,) each, in no order."""

    visit: Ticks
    place: Codes
    entry: Ticks
    """The entry that its place in line counts from."""
    began: Ticks
    ended: Ticks


def where(replication: Replication) -> Where:
    """The tip, stage and places of every visit."""
    tips, visits, stages = replication.tips, replication.visits, replication.rules.stages
    tip = np.repeat(np.arange(len(tips)), np.diff(tips.first_visit))
    stage = replication.rules.kinds.stage[visits.kind]
    centre = tips.centre[tip]
    own, overflow = (
        np.where(first[stage] == NO_PLACE, NO_PLACE, first[stage] + step[stage] * centre).astype(np.int32)
        for first, step in ((stages.place, stages.place_step), (stages.overflow, stages.overflow_step))
    )
    return Where(tip, stage, own, overflow)


def rank_at(replication: Replication, at: Where, visit: Ticks, place: Codes) -> tuple[Codes, Flags]:
    """The rank of each visit in the line of a place, and whether it may pre-empt there."""
    kinds = replication.rules.kinds
    kind, own = replication.visits.kind[visit], at.own[visit] == place
    return (
        np.where(own, kinds.rank[kind], kinds.overflow_rank[kind]),
        np.where(own, kinds.preempts[kind], kinds.overflow_preempts[kind]),
    )


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


def vain(log: Log, replication: Replication) -> Ticks:
    """When each visit was over that was given up, or turned away, for good, and NEVER for others: (n_visits,).

    (0,) where there are no asides: then the tip is lost just then.
    """
    visits = replication.visits
    if not visits.follows.size:
        return np.zeros(0, np.int64)
    found = np.full(len(visits), NEVER)
    over = np.flatnonzero((log.outcome == ABANDONED) | (log.outcome == TURNED_AWAY))
    last = visits.first_attempt[over] + log.attempt[over] - 1
    found[over] = log.gave_up[last]
    if log.turned_away.size:
        found[over] = np.minimum(found[over], log.turned_away[last])
    return found


def attempts(log: Log, replication: Replication, at: Where) -> Attempts:
    """The attempts that the visits of a log made; meaningless where their number is beyond what the stage allows."""
    visits, stages = replication.visits, replication.rules.stages
    found = []
    visit = np.flatnonzero(log.attempt > 0)
    entry = log.enter[visit]
    merged, given_up = _merged(log, at), np.append(log.gave_up, NEVER)
    number = 1
    while visit.size:
        bears, pause = np.full(visit.size, NEVER), np.full(visit.size, NEVER)
        limited = stages.attempts[at.stage[visit]] > 0
        draw = visits.first_attempt[visit[limited]] + number - 1
        bears[limited], pause[limited] = visits.patience[draw], visits.retry_after[draw]
        again = log.attempt[visit] > number
        until = np.minimum(entry + bears, NEVER)
        in_vain = (log.start[visit] == NEVER) & (until < replication.rules.horizon)
        # Who has left merged did so before the patience ended, or after it: then the log says so.
        row = np.where(limited, visits.first_attempt[visit] + number - 1, -1)
        in_vain &= (log.outcome[visit] != MERGED) | (given_up[row] < NEVER)
        gave_up = np.where(again | in_vain, until, NEVER)
        release = openings(replication, at.stage[visit], entry)
        left = np.minimum(gave_up, merged[visit])
        release = np.where((release <= left) & (release < replication.rules.horizon), release, NEVER)
        found.append((visit, np.full(visit.size, number, np.int32), entry, release, gave_up))
        visit, entry = visit[again], np.minimum(gave_up[again] + pause[again], NEVER)
        number += 1
    empty = (np.zeros(0, np.int64), np.zeros(0, np.int32), *[np.zeros(0, np.int64)] * 3)
    of, nth, entries, releases, ends = (np.concatenate(column) for column in zip(empty, *found, strict=True))
    row = np.lexsort((nth, of))
    return Attempts(of[row], nth[row].astype(np.int32), entries[row], releases[row], ends[row])


def _merged(log: Log, at: Where) -> Ticks:
    """The tick at which the tip left each visit merged, or NEVER: (n_visits,)."""
    if not log.merged.size:
        return np.full(len(log.outcome), NEVER)
    return np.where(log.outcome == MERGED, log.merged[at.tip], NEVER)


def visible(replication: Replication, at: Where, tried: Attempts) -> Ticks:
    """The tick from which each visit stands in its overflow line whenever it waits, or NEVER: (n_visits,)."""
    seen = np.full(len(replication.visits), NEVER)
    released = tried.release < NEVER
    visit, first = np.unique(tried.visit[released], return_index=True)
    after = replication.rules.stages.overflow_after[at.stage[visit]]
    seen[visit] = tried.release[released][first] + after
    return np.where(at.overflow == NO_PLACE, NEVER, np.minimum(seen, NEVER))


def waits(log: Log, replication: Replication, at: Where, tried: Attempts) -> Waits:
    """Every stretch of waiting, in the own line and in the overflow line."""
    horizon, spells = replication.rules.horizon, log.spells
    in_line = (tried.release < NEVER) & (at.own[tried.visit] != NO_PLACE)
    last_entry = np.zeros(len(replication.visits), np.int64)
    last_entry[tried.visit] = tried.entry
    first_wait = tried.visit[in_line]
    merged = np.minimum(_merged(log, at), horizon)
    before_start = np.minimum(np.minimum(log.start[first_wait], tried.gave_up[in_line]), merged[first_wait])
    broken = np.flatnonzero((spells.why == RELIEVED) | (spells.why == PREEMPTED))
    again = spells.visit[broken]
    follows = np.append(spells.visit[1:] == spells.visit[:-1], False)[broken]  # a wrap-up follows no broken spell
    next_start = np.where(follows, np.append(spells.began[1:], horizon)[broken], merged[again])
    visit = np.concatenate([first_wait, again])
    entry = np.concatenate([tried.entry[in_line], last_entry[again]])
    began = np.concatenate([tried.release[in_line], spells.ended[broken]])
    ended = np.concatenate([before_start, next_start])
    also = np.maximum(began, visible(replication, at, tried)[visit])
    place = np.concatenate([at.own[visit], at.overflow[visit]])
    visit, entry, ended = np.tile(visit, 2), np.tile(entry, 2), np.tile(ended, 2)
    began = np.concatenate([began, also])
    real = began < ended
    return Waits(visit[real], place[real], entry[real], began[real], ended[real])
