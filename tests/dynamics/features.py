"""What a world contains and what happened in it: so that equal logs are known to be equal about something."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import numpy as np

from sim.dynamics.clock import NEVER
from sim.dynamics.log import ABANDONED, CUT, DONE, MERGED, OPEN, PREEMPTED, RELIEVED, SERVED, TURNED_AWAY, Log
from sim.dynamics.replication import (
    BY_WINDOWS,
    CLEAR_LINE,
    COMES_BACK,
    COMES_ON,
    DUE_FIRST,
    FINISH,
    FIRST_COME,
    FULL_SPEED,
    GOES_HOME,
    HAND_OVER,
    IN_RANDOM_ORDER,
    LAST_COME,
    NO_LIMIT,
    NO_MOMENT,
    NO_PLACE,
    NO_VISIT,
    NOBODY,
    RESTART,
    RESUME,
    TAKES_BREAK,
    TAKES_NO_MORE,
    Replication,
)
from sim.dynamics.waits import Attempts, VisitPlaces, attempts, rank_at, visible, waits, where

ORDERS = {"first come": FIRST_COME, "last come": LAST_COME, "chance": IN_RANDOM_ORDER, "due time": DUE_FIRST}


def features(replication: Replication, log: Log) -> dict[str, int]:
    """How often each feature occurred; a name that is always there, a count that may be 0."""
    at = where(replication)
    tried = attempts(log, replication, at)
    return {
        **_world(replication, at),
        **_patience(replication, log, at, tried),
        **_gates(replication, log, tried, at),
        **_plan(replication),
        **_work(replication, log, at),
        **_overtime(replication, log),
        **_speeds(replication, log),
        **_wrapping(replication, log),
        **_lines(replication, log, at, tried),
        **_line_rules(replication, log, at, tried),
        **_branches(replication, log, at, tried),
        **_ties(replication, log, at, tried),
    }


def table(found: list[dict[str, int]]) -> str:
    """One line a feature: in how many worlds it occurred, and how often in all."""
    lines = [f"{'feature':56}{'worlds':>8}{'times':>9}"]
    for name in found[0]:
        counts = [one[name] for one in found]
        lines.append(f"{name:56}{sum(count > 0 for count in counts):8}{sum(counts):9}")
    return "\n".join(lines)


def _world(replication: Replication, at: VisitPlaces) -> dict[str, int]:
    """What is there to begin with."""
    tips, rules = replication.tips, replication.rules
    stages, places = rules.stages, rules.places
    spills = {(int(stages.place[s]), int(stages.overflow[s, k])) for s, k in np.argwhere(stages.overflow >= 0).tolist()}
    staffed = stages.place[stages.place != NO_PLACE]
    per_place = Counter(zip(at.own.tolist(), rules.kinds.rank[replication.visits.kind].tolist(), strict=True))
    ranks = Counter(place for place, _ in per_place if place != NO_PLACE)
    stages_of = [at.stage[first:last] for first, last in zip(tips.first_visit, tips.first_visit[1:], strict=False)]
    return {
        "several centres": int(places.centre.max(initial=0) > 0),
        "a shared pool beside pools in each centre": int(-1 in places.centre and 0 in places.centre),
        "a pool that serves several stages": int(len(staffed) > len(set(staffed.tolist()))),
        "a line with several ranks": sum(n > 1 for n in ranks.values()),
        "overflow": len(spills),
        "overflow at once": int(((stages.overflow >= 0) & (stages.overflow_after == 0)).any()),
        "overflow to each other": sum((over, own) in spills for own, over in spills) // 2,
        "concurrency": int((places.concurrency > 1).any()),
        "zero work": int((replication.visits.work[at.own != NO_PLACE] == 0).sum()),
        "a delay of zero": int((replication.visits.work[at.own == NO_PLACE] == 0).sum()),
        "a backlog": tips.n_backlog,
        "a tip without visits": int((np.diff(tips.first_visit) == 0).sum()),
        "a tip that comes back to a stage": sum(len(set(of.tolist())) < len(of) for of in stages_of),
        "a tip that would arrive after the horizon": int((tips.arrival >= rules.horizon).sum()),
    }


def _patience(replication: Replication, log: Log, at: VisitPlaces, tried: Attempts) -> dict[str, int]:
    stages, visits, horizon = replication.rules.stages, replication.visits, replication.rules.horizon
    limited = stages.attempts[at.stage[tried.visit]] > 0
    draw = np.where(limited, visits.first_attempt[tried.visit] + tried.number - 1, 0)
    until = np.where(limited, tried.entry + np.append(visits.patience, NEVER)[draw], NEVER)
    last = tried.number == log.attempt[tried.visit]
    gave_up = tried.gave_up < NEVER
    outcome = log.outcome[tried.visit]
    final = last & (outcome == ABANDONED) & (tried.number == stages.attempts[at.stage[tried.visit]])
    return {
        "a tip is lost": int((log.lost < NEVER).sum()),
        "an attempt is given up": int(gave_up.sum()),
        "given up at once, with no patience at all": int((gave_up & (tried.gave_up == tried.entry)).sum()),
        "given up behind the gate": int((gave_up & (tried.release == NEVER)).sum()),
        "started on the very tick at which patience ends": int(
            (last & limited & (log.start[tried.visit] == until)).sum()
        ),
        "a retry": int((tried.number > 1).sum()),
        "a retry that is served": int(((log.attempt > 1) & (log.outcome == SERVED)).sum()),
        "a retry at once": int((gave_up[:-1] & (tried.gave_up[:-1] == tried.entry[1:])).sum()),
        "lost after the last of several attempts": int((final & (tried.number > 1)).sum()),
        "lost with attempts to spare": int((last & (outcome == ABANDONED) & ~final).sum()),
        "the horizon comes between two attempts": int((last & gave_up & (outcome == OPEN)).sum()),
        "patience that the horizon cuts": int(
            (last & ~gave_up & limited & (until >= horizon) & (outcome == OPEN)).sum()
        ),
    }


def _gates(replication: Replication, log: Log, tried: Attempts, at: VisitPlaces) -> dict[str, int]:
    every = replication.rules.stages.every[at.stage[tried.visit]]
    gated, windowed = every != 0, every == BY_WINDOWS
    held = gated & (tried.release > tried.entry)
    out = held & (tried.release < NEVER)
    openings = Counter(zip(at.stage[tried.visit[out]].tolist(), tried.release[out].tolist(), strict=True))
    delay = at.own[tried.visit] == NO_PLACE
    backlog = at.tip[tried.visit] < replication.tips.n_backlog
    still = held & (tried.release == NEVER) & (tried.gave_up == NEVER)
    return {
        "a gate opens for several": sum(n > 1 for n in openings.values()),
        "a tip passes an open gate on its tick": int((gated & (tried.release == tried.entry)).sum()),
        "a gate before a delay": int((held & delay).sum()),
        "a retry passes the gate anew": int((out & (tried.number > 1)).sum()),
        "backlog behind a gate": int((held & backlog & (tried.entry == 0)).sum()),
        "the horizon comes before the gate opens": int((still & (log.outcome[tried.visit] == OPEN)).sum()),
        "a tip waits for a window": int((windowed & out).sum()),
        "a tip comes within a window": int((windowed & (tried.release == tried.entry)).sum()),
        "a gate opens no more": int((windowed & still).sum()),
    }


def _plan(replication: Replication) -> dict[str, int]:
    """What people and heads do."""
    plan, places = replication.plan, replication.rules.places
    row = np.repeat(np.arange(len(plan)), np.diff(plan.first_action))
    goes = (plan.action == GOES_HOME) | (plan.action == TAKES_BREAK)
    comes = (plan.action == COMES_ON) | (plan.action == COMES_BACK)
    counted = ~places.tells_apart[plan.place] & (plan.tick > 0)
    rule = places.at_shift_end[plan.place[row]]
    return {
        "people told apart beside heads": int(places.tells_apart.any() and not places.tells_apart.all()),
        "a shift begins": int((plan.action == COMES_ON).sum()),
        "a shift ends": int((plan.action == GOES_HOME).sum()),
        "a break begins": int((plan.action == TAKES_BREAK).sum()),
        "people return from a break": int((plan.action == COMES_BACK).sum()),
        "a break begins under clear_line": int(((plan.action == TAKES_BREAK) & (rule == CLEAR_LINE)).sum()),
        "the last part of a shift begins": int((plan.action == TAKES_NO_MORE).sum()),
        "some go and some come in one row": len(set(row[goes].tolist()) & set(row[comes].tolist())),
        "somebody is absent": int(plan.people.away.sum()),
        "the level rises": int((counted & (plan.heads > 0)).sum()),
        "the level falls": int((counted & (plan.heads < 0)).sum()),
        "people with slots": int((places.tells_apart & (places.concurrency > 1)).any()),
        "a level with slots": int((~places.tells_apart & (places.concurrency > 1)).any()),
    }


def _work(replication: Replication, log: Log, at: VisitPlaces) -> dict[str, int]:
    spells, places = log.spells, replication.rules.places
    rule = places.at_shift_end[spells.place]
    relieved, displaced = spells.why == RELIEVED, spells.why == PREEMPTED
    apart = spells.person != NOBODY
    elsewhere = spells.place != at.own[spells.visit]
    again = np.append(False, spells.visit[1:] == spells.visit[:-1])[: len(elsewhere)] & ~spells.wrapping
    was_elsewhere = np.append(False, elsewhere[:-1])[: len(elsewhere)]
    another = np.append(False, spells.person[1:] != spells.person[:-1])[: len(elsewhere)]
    handed = Counter(spells.visit[relieved & (rule == HAND_OVER)].tolist())
    pushed = Counter(spells.visit[displaced].tolist())
    moment = np.concatenate([spells.began, spells.ended])
    in_time = np.lexsort((np.repeat([1, 0], len(spells.began)), moment))
    at_work = np.cumsum(np.repeat([1, -1], len(spells.began))[in_time])
    return {
        "relieved under resume": int((relieved & (rule == RESUME)).sum()),
        "relieved under hand_over": int((relieved & (rule == HAND_OVER)).sum()),
        "relieved under restart": int((relieved & (rule == RESTART)).sum()),
        "handed over twice": sum(n > 1 for n in handed.values()),
        "another person goes on with a tip": int((again & another & apart).sum()),
        "pre-emption among people": int((displaced & apart).sum()),
        "pre-emption among heads": int((displaced & ~apart).sum()),
        "pre-emption where people have slots": int((displaced & apart & (places.concurrency[spells.place] > 1)).sum()),
        "pre-empted twice": sum(n > 1 for n in pushed.values()),
        "pre-emption in the overflow pool": int((displaced & elsewhere).sum()),
        "the overflow pool takes a tip": int((elsewhere & ~again & ~spells.wrapping).sum()),
        "the overflow pool goes on with a tip": int((elsewhere & again & ~was_elsewhere).sum()),
        "the own pool goes on with a tip": int((~elsewhere & again & was_elsewhere).sum()),
        "interrupted as soon as begun": int(((relieved | displaced) & (spells.began == spells.ended)).sum()),
        "work that the horizon cuts": int((spells.why == CUT).sum()),
        "more than 64 at work at once": int(at_work.max(initial=0) > 64),
    }


def _overtime(replication: Replication, log: Log) -> dict[str, int]:
    """Who is at work off duty, and why."""
    spells, overtime, plan, places = log.spells, log.overtime, replication.plan, replication.rules.places
    rule, people = places.at_shift_end[overtime.place], plan.people
    late = spells.person != NOBODY
    shift_end = np.append(people.end, 0)[spells.person]
    begun_late = late & (spells.began > shift_end) & ~spells.wrapping
    home = people.end[overtime.person] == overtime.began
    tick = np.repeat(plan.tick, np.diff(plan.first_action))
    back = plan.action == COMES_BACK
    on_time = set(zip(plan.person[back].tolist(), tick[back].tolist(), strict=True))
    in_hand = Counter(spells.person[late & (spells.began <= shift_end) & (spells.ended > shift_end)].tolist())
    work_left = set(zip(spells.person.tolist(), spells.ended.tolist(), strict=True))
    ends = list(zip(overtime.person.tolist(), overtime.ended.tolist(), strict=True))
    cut = overtime.ended == replication.rules.horizon
    return {
        "overtime after a shift": int(home.sum()),
        "overtime that eats into a break": int((~home).sum()),
        "overtime with several in hand": sum(n > 1 for n in in_hand.values()),
        "overtime that the horizon cuts": int(cut.sum()),
        "back on duty with the tip still at hand": sum(one in on_time and one not in work_left for one in ends),
        "a tip is taken to clear the line": int(begun_late.sum()),
        "the line is cleared where people have slots": int((begun_late & (places.concurrency[spells.place] > 1)).sum()),
        "a line takes time to clear": int((home & (rule == CLEAR_LINE)).sum()),
        "heads are finished beyond the level": _beyond_level(replication, log),
        "somebody finishes under finish": int((rule == FINISH).sum()),
        "a shift ends on the tick at which the work does": int(
            (late & (spells.ended == shift_end) & (spells.why == DONE) & ~spells.wrapping).sum()
        ),
    }


def _beyond_level(replication: Replication, log: Log) -> int:
    """At how many changes of a level more slots stay in use than there are."""
    plan, places, spells = replication.plan, replication.rules.places, log.spells
    level: Counter[int] = Counter()
    found = 0
    for tick, place, heads in zip(plan.tick.tolist(), plan.place.tolist(), plan.heads.tolist(), strict=True):
        if not places.tells_apart[place]:
            level[place] += heads * int(places.concurrency[place])
            in_use = (spells.place == place) & (spells.began < tick) & (spells.ended > tick)
            found += int(in_use.sum()) > level[place]
    return found


def _speeds(replication: Replication, log: Log) -> dict[str, int]:
    spells, speeds = log.spells, replication.rules.speeds
    stage = replication.rules.kinds.stage[replication.visits.kind[spells.visit]]
    lasted = spells.ended - spells.began
    slow, fast = lasted > spells.work, lasted < spells.work
    steps = np.diff(speeds.first_step)[spells.place]
    by_hand = (speeds.by_hand[spells.place] != FULL_SPEED).any(axis=1)
    finished, broken = spells.why == DONE, (spells.why == RELIEVED) | (spells.why == PREEMPTED)
    return {
        "a spell at less than full speed": int((finished & slow).sum()),
        "a spell at more than full speed": int((finished & fast).sum()),
        "a speed by the time of day": int((steps > 1).sum()),
        "a speed by stage": int((speeds.by_stage[spells.place, stage] != FULL_SPEED).sum()),
        "a speed by what is in hand": int(by_hand.sum()),
        "a speed by the time of day and what is in hand": int((by_hand & (steps > 1)).sum()),
        "heads at a speed": int(((slow | fast) & (spells.person == NOBODY)).sum()),
        "interrupted at a speed": int((broken & (slow | fast)).sum()),
        "interrupted at a speed by what is in hand": int((broken & by_hand).sum()),
        "cut at a speed": int(((spells.why == CUT) & (slow | fast)).sum()),
    }


def _wrapping(replication: Replication, log: Log) -> dict[str, int]:
    spells, plan = log.spells, replication.plan
    wrapping, apart = spells.wrapping, spells.person != NOBODY
    broken = set(spells.visit[(spells.why == RELIEVED) | (spells.why == PREEMPTED)].tolist())
    tick = np.repeat(plan.tick, np.diff(plan.first_action))
    late = home = 0
    for action, person, when in zip(plan.action.tolist(), plan.person.tolist(), tick.tolist(), strict=True):
        if action in (GOES_HOME, TAKES_BREAK):
            under_way = wrapping & (spells.person == person) & (spells.began < when) & (spells.ended > when)
            home += int(under_way.any() and action == GOES_HOME)
            late += int(under_way.any() and action == TAKES_BREAK)
    by_hand = (replication.rules.speeds.by_hand[spells.place] != FULL_SPEED).any(axis=1)
    tips = np.repeat(np.arange(len(replication.tips)), np.diff(replication.tips.first_visit))
    ends = Counter(zip(tips[spells.visit[spells.why == DONE]].tolist(), spells.ended[spells.why == DONE], strict=True))
    return {
        "a wrap-up by somebody": int((wrapping & apart).sum()),
        "a wrap-up by a head": int((wrapping & ~apart).sum()),
        "a wrap-up after an interruption": sum(visit in broken for visit in spells.visit[wrapping].tolist()),
        "a wrap-up at the end of a shift": home,
        "a wrap-up at the beginning of a break": late,
        "a wrap-up at the speed of what is in hand": int((wrapping & by_hand).sum()),
        "a wrap-up that the horizon cuts": int((wrapping & (spells.why == CUT)).sum()),
        "several ends of one tip on a tick": sum(n > 1 for n in ends.values()),
    }


def _lines(replication: Replication, log: Log, at: VisitPlaces, tried: Attempts) -> dict[str, int]:
    line = waits(log, replication, at, tried)
    rank = line.rank
    ends: dict[tuple[int, int, int], set[int]] = {}
    for place, of_rank, entry, ended in zip(
        line.place.tolist(), rank.tolist(), line.entry.tolist(), line.ended.tolist(), strict=True
    ):
        ends.setdefault((place, of_rank, entry), set()).add(ended)
    seen = visible(replication, at, tried)
    waiting = line.place != at.own[line.visit]
    spare = np.zeros(len(seen), np.bool_)
    first = np.zeros(len(seen), np.bool_)
    spare[tried.visit[(tried.gave_up < NEVER) & (tried.release < NEVER)]] = True
    first[tried.visit[(tried.number == 1) & (tried.release == NEVER)]] = True
    return {
        "waiting": len(line.visit),
        "waiting in two lines": int(waiting.sum()),
        "equal in rank and entry, and one is served first": sum(len(ticks) > 1 for ticks in ends.values()),
        "in the overflow line from the start of a retry": int(
            (waiting & spare[line.visit] & (line.began == line.entry)).sum()
        ),
        "in the overflow line only after a gate kept the first attempt": int((waiting & first[line.visit]).sum()),
    }


def _line_rules(replication: Replication, log: Log, at: VisitPlaces, tried: Attempts) -> dict[str, int]:
    """Orders, ageing, rooms, call-backs, asides, patience in delays and several overflow pools."""
    rules, visits, spells = replication.rules, replication.visits, log.spells
    line = waits(log, replication, at, tried)
    many = Counter(zip(line.place.tolist(), line.began.tolist(), strict=True))
    crowded = np.array([many[one] > 1 for one in zip(line.place.tolist(), line.began.tolist(), strict=True)], np.bool_)
    by = rules.places.order[line.place] if len(line.place) else np.zeros(0)
    turned = tried.turned_away < NEVER
    stages = rules.stages
    by_lines = stages.waiting_room[at.stage[tried.visit]] == NO_LIMIT
    last = tried.number == log.attempt[tried.visit]
    called = (tried.called_back < np.minimum(log.start[tried.visit], NEVER)) & (tried.called_back < rules.horizon)
    delay = at.own[tried.visit] == NO_PLACE
    gave_up = tried.gave_up < NEVER
    moved = np.append(line.rank[1:] < line.rank[:-1], False)[: len(line.rank)]
    first_rank, _ = rank_at(replication, at, line.visit, line.place)
    elsewhere = spells.place != at.own[spells.visit]
    later = np.zeros(len(elsewhere), np.bool_)
    if at.overflow.shape[1] > 1:
        later = (spells.place[:, None] == at.overflow[spells.visit][:, 1:]).any(axis=1) & elsewhere
    asides = visits.follows.size > 0
    to = {
        outcome: int(((log.outcome == outcome) & (ways != NO_VISIT)).sum()) if asides else 0
        for outcome, ways in ((ABANDONED, visits.given_up_to), (TURNED_AWAY, visits.turned_away_to))
    }
    return {
        **{f"several wait in a line by {name}": int(((by == order) & crowded).sum()) for name, order in ORDERS.items()},
        "due from the entry": int(
            (stages.due_from_enter[at.stage] & (log.enter < NEVER)).sum() if visits.due.size else 0
        ),
        "a tip waits in a better rank than it came with": int((line.rank < first_rank).sum()),
        "it moves up while it waits": int((moved | ((line.rank < first_rank) & (line.began > line.entry))).sum()),
        "it returns older than it was": int((~line.fresh & (line.rank < first_rank)).sum()),
        "turned away by lines that are full": int((turned & by_lines).sum()),
        "turned away by a waiting room that is full": int((turned & ~by_lines).sum()),
        "turned away, and it retries": int((turned & ~last).sum()),
        "turned away for good, and lost": int((log.outcome == TURNED_AWAY).sum()) - to[TURNED_AWAY],
        "turned away to an aside": to[TURNED_AWAY],
        "given up to an aside": to[ABANDONED],
        "a call-back is accepted": int(called.sum()),
        "it is accepted behind a gate": int((called & (tried.release > tried.called_back)).sum()),
        "a delay is given up": int((delay & gave_up).sum()),
        "a delay ends on the tick at which its patience does": int(_ends_with_patience(replication, log, at, tried)),
        "a later overflow pool takes a tip": int(later.sum()),
    }


def _branches(replication: Replication, log: Log, at: VisitPlaces, tried: Attempts) -> dict[str, int]:
    """Tips in several places at a time, and what begins with the start, the end and the marks of a visit."""
    visits, spells, horizon = replication.visits, log.spells, replication.rules.horizon
    counts: Counter[str] = Counter()
    line = waits(log, replication, at, tried) if visits.branch else None
    for visit in range(len(visits)) if visits.branch else ():
        begun = visits.sets_off[visits.first_moment[visit] : visits.first_moment[visit + 1]]
        after = visits.moment_after[visits.first_moment[visit] : visits.first_moment[visit + 1]]
        start, end = int(log.start[visit]), int(log.end[visit])
        counts["a visit sets off several at once"] += len(begun) > len(set(after.tolist()))
        counts["a visit awaits several moments"] += visits.awaits[visit] > 1 and log.enter[visit] < NEVER
        mine = spells.visit == visit
        for to, so_long in zip(begun.tolist(), after.tolist(), strict=True):
            if start == NEVER or so_long == NEVER:
                continue
            mark = start + so_long
            at_work = bool((mine & (spells.began <= mark) & (spells.ended > mark)).any())
            counts["something hangs on a start"] += so_long == 0
            counts["a mark comes while the work goes on"] += mark < min(end, horizon) and at_work
            counts["a mark comes during an interruption"] += (
                mark < min(end, horizon) and not at_work and at.own[visit] != NO_PLACE
            )
            counts["a mark later than the end of its stage"] += end < mark
            counts["a mark at the very end of its stage"] += end == mark
            gone = log.outcome[visit] in (ABANDONED, MERGED) and log.enter[to] == NEVER
            counts["a mark that never comes because the visit is over"] += gone
    if visits.cue.size:
        of = np.repeat(np.arange(len(visits)), np.diff(visits.first_moment))
        mark = np.where(visits.moment_after < NEVER, np.minimum(log.start[of] + visits.moment_after, NEVER), NEVER)
        came = np.minimum(mark, log.end[of])
        begins = log.enter[visits.sets_off]
        instead = (visits.awaits[of] == NO_MOMENT) & (came == begins) & (begins < NEVER)
        counts["begun at the end of an aside in place of another's"] = int(instead.sum())
        had = np.unique(np.stack([visits.sets_off, visits.cue])[:, (came <= begins) & (begins < NEVER)], axis=1)[0]
        n_had = np.bincount(had, minlength=len(visits))
        counts["begun without what cannot come any more"] = int(((n_had > 0) & (n_had < visits.awaits)).sum())
    tips: Counter[str] = Counter()
    for tip in range(len(replication.tips)) if line is not None else ():
        own = slice(int(replication.tips.first_visit[tip]), int(replication.tips.first_visit[tip + 1]))
        open_at = np.where(log.outcome[own] == OPEN, horizon, np.minimum(log.end[own], horizon))
        stretches = list(zip(log.enter[own].tolist(), open_at.tolist(), strict=True))
        tips["a tip is in two places at once"] += _overlap(stretches) > 1
        waiting = np.flatnonzero(at.tip[line.visit] == tip)
        rows = {(int(line.visit[row]), int(line.began[row]), int(line.ended[row])) for row in waiting}
        tips["a tip waits at three stages at once"] += _overlap([(a, b) for _, a, b in rows]) > 2
        over = np.flatnonzero((spells.why != CUT) & (at.tip[spells.visit] == tip) & ~spells.wrapping)
        at_once = list(zip(spells.began[over].tolist(), spells.ended[over].tolist(), strict=True))
        tips["two people serve a tip at once"] += _overlap(at_once) > 1
        tips["given up on one branch while another goes on"] += bool((log.end[own] > log.lost[tip]).any()) and bool(
            (log.end[own] < NEVER).any() and (log.end[own][log.end[own] < NEVER] > log.lost[tip]).any()
        )
        merged = log.outcome[own] == MERGED
        tips["merged on one branch while another goes on"] += bool(
            merged.any() and (np.where(log.end[own] < NEVER, log.end[own], 0) > log.merged[own].min()).any()
        )
    names = (
        "a visit sets off several at once",
        "a visit awaits several moments",
        "something hangs on a start",
        "a mark comes while the work goes on",
        "a mark comes during an interruption",
        "a mark later than the end of its stage",
        "a mark at the very end of its stage",
        "a mark that never comes because the visit is over",
        "a tip is in two places at once",
        "a tip waits at three stages at once",
        "two people serve a tip at once",
        "given up on one branch while another goes on",
        "merged on one branch while another goes on",
        "begun at the end of an aside in place of another's",
        "begun without what cannot come any more",
    )
    return {name: int((counts + tips)[name]) for name in names}


def _overlap(stretches: list[tuple[int, int]]) -> int:
    """How many stretches of positive length cover one tick at most."""
    changes = sorted(
        (tick, by) for began, ended in stretches if began < ended for tick, by in ((began, 1), (ended, -1))
    )
    return max(np.cumsum([by for _, by in changes]).tolist(), default=0)


def _ends_with_patience(replication: Replication, log: Log, at: VisitPlaces, tried: Attempts) -> int:
    stages, visits = replication.rules.stages, replication.visits
    last = tried.number == log.attempt[tried.visit]
    mine = last & (stages.attempts[at.stage[tried.visit]] > 0) & (at.own[tried.visit] == NO_PLACE)
    visit = tried.visit[mine]
    until = tried.entry[mine] + visits.patience[visits.first_attempt[visit] + tried.number[mine] - 1]
    return int(((log.outcome[visit] == SERVED) & (log.end[visit] == until)).sum())


def _ties(replication: Replication, log: Log, at: VisitPlaces, tried: Attempts) -> dict[str, int]:
    """Ticks at which two kinds of event fall together, and at which several of one kind do."""
    horizon, plan = replication.rules.horizon, replication.plan
    arrival = replication.tips.arrival
    seen = visible(replication, at, tried)
    ticks = {
        "SHIFT": plan.tick,
        "END": log.end,
        "ARRIVAL": np.concatenate(
            [arrival, tried.release[tried.release > tried.entry], tried.entry[tried.number > 1], seen.ravel()]
        ),
        "ABANDON": tried.gave_up,
    }
    sets = {kind: set(tick[tick < horizon].tolist()) for kind, tick in ticks.items()}
    found = {f"one tick: {a} and {b}": len(sets[a] & sets[b]) for a, b in combinations(sets, 2)}
    for kind, tick in ticks.items():
        found[f"one tick: {kind} twice"] = int((tick < horizon).sum()) - len(sets[kind])
    return found
