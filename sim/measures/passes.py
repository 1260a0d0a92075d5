"""The passes over tips and visits that measuring takes, compiled: each reads the log once and only counts.

What the counts mean is said in `measures.py`; no rule of a target stands here. Arrays are handed in and filled.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call, call-arg, call-overload"
from __future__ import annotations

from typing import Any, Final

import numpy as np

from sim.dynamics.clock import HOUR, NEVER
from sim.dynamics.kernels import inlined, int64, kernel, njit, part
from sim.dynamics.log import ABANDONED, MERGED, OPEN, SERVED, TURNED_AWAY, UNREACHED
from sim.dynamics.order import opening as opening_of
from sim.dynamics.replication import NO_LABEL, NO_MOMENT, NO_PLACE, NO_VISIT
from sim.measures.bins import FIRST_ROW, MANTISSA_BITS

THROUGH: Final = 0
LOST: Final = 1
UNDER_WAY: Final = 2
IN_ANOTHER: Final = 3
N_STATES: Final = 4
"""What became of a tip: served at every stage of its way, lost for good, none of these by the horizon, or merged, its
incident being known."""

REACHED: Final = 0
STARTED: Final = 1
GAVE_UP: Final = 2
STILL_OPEN: Final = 3
WAIT: Final = 4
WORK: Final = 5
TURNED: Final = 6
LEFT_MERGED: Final = 7
N_STAGE_COLUMNS: Final = 8
"""Columns of the table of stages: visits that reached it, started, were given up, are open; ticks waited and worked;
visits that were turned away, and that left merged."""

CAME: Final = 0
ANSWERED: Final = 1
LOST_FOR_GOOD: Final = 2
FOUND_NO_ROOM: Final = 3
CAME_TO_MERGE: Final = 4
N_CAME: Final = 5
"""Tips by the time at which they came: all, those that somebody began to serve, those that were lost, those that were
turned away for good at some stage, those that left merged."""

WAITING: Final = 0
OFFERED: Final = 1
BUSY: Final = 2
ON_DUTY: Final = 3
OVERTIME: Final = 4
LATE: Final = 5
N_NUMBERS: Final = 6
"""Numbers at every place: tips waiting, tips that endless staff would have in hand, busy slots on duty, slots on duty,
busy slots in overtime, people in overtime."""

JOINED: Final = 0
GONE: Final = 1
DONE: Final = 6
N_FOLLOWED: Final = 7
"""Numbers that are followed to get these, beside the last four: tips that joined the line, that are out of it again,
and that endless staff would be done with."""

JUMP: Final = 0
REST: Final = 1
"""By how much a number changes in a cell of time, and by how many ticks less it counts in that cell, side by side."""

NOT_IN_VAIN: Final = 0
UNTIL_BEGUN: Final = 1
UNTIL_ENDED: Final = 2
"""Until when a visit to a stage may be in vain: never, where nobody gives up there and there is room for all; until
somebody begins to serve it; or until its end, as a delay with patience."""

IN_LINE: Final = 0
IN_SERVICE: Final = 1
AT_GATE: Final = 2
IN_DELAY: Final = 3
"""How a tip spends its time at a stage."""

NO_SIGN: Final[Any] = int64(2**62 - 1)
"""The bits of a number that is not negative. Cut to them, it is divided faster: to round down costs more where a number
may be negative, as far as the compiler can see. An int64, as shorter ones are cut without a compiler, too."""

opening = part(opening_of)


@part
def may_fail(vain, here, start):
    """Whether a tip that is `here` at a stage, or will come to it, may give up or be turned away: where that is so
    UNTIL_BEGUN only until somebody begins; else until its end."""
    return vain == UNTIL_ENDED or (vain == UNTIL_BEGUN and not (here and start != NEVER))


@part
def last_of_way(row, beyond, visits, log, stages, ways):
    """The visit that a tip is at, or that was its last, or NO_VISIT where it makes none; and whether, if it is under
    way, it may still give up or be turned away: at any visit that it has not made, whichever it will come to."""
    kind, _, kind_stage, _ = visits
    start, outcome = log[1], log[3]
    follows, given_up_to, turned_away_to, _, _ = ways
    visit, at = (row if row < beyond else NO_VISIT), NO_VISIT
    while visit != NO_VISIT:
        at = visit
        if outcome[visit] == SERVED:
            visit = follows[visit]
        elif outcome[visit] == ABANDONED:
            visit = given_up_to[visit]
        elif outcome[visit] == TURNED_AWAY:
            visit = turned_away_to[visit]
        else:
            visit = NO_VISIT
    risky = False
    for visit in range(row, beyond):
        if outcome[visit] == UNREACHED or (visit == at and outcome[visit] == OPEN):
            risky = risky or may_fail(stages[kind_stage[kind[visit]]], outcome[visit] == OPEN, start[visit])
    return at, risky


@part
def read_beside(row, beyond, kind, tier, kind_stage, labels_as, start, end, outcome, stages, asides):
    """What became of a tip that may be in several places at a time, but for being lost: its state, the label given last
    on any branch, when all branches were through, and whether it may still give up on one.

    With `asides` some visits of its way are not made: who is lost nowhere and at nothing any more is through."""
    state, label, leave, risky, gone = THROUGH, tier[row], np.int64(0), False, False
    for visit in range(row, beyond):
        if outcome[visit] == SERVED:
            leave = max(leave, end[visit])
            if labels_as[visit] != NO_LABEL:
                label = labels_as[visit]
        else:
            if not asides or outcome[visit] == OPEN or outcome[visit] == MERGED:
                state = UNDER_WAY if outcome[visit] == OPEN or state == UNDER_WAY else IN_ANOTHER
            gone = gone or outcome[visit] == MERGED
            if outcome[visit] == UNREACHED or outcome[visit] == OPEN:
                risky = risky or may_fail(stages[kind_stage[kind[visit]]], outcome[visit] == OPEN, start[visit])
    if state == IN_ANOTHER and not gone:
        state = UNDER_WAY
    return state, label, leave if state == THROUGH else NEVER, risky and state == UNDER_WAY


@kernel
def read_tips(tips, visits, log, attempts_and_seen, ways, moment_of, last, fates, moments):
    """What became of each tip from `first` on, the row of the visit it is at, its label, and when its moments were, of
    its first visit to each stage: those of WHAT of the frame, in its order. `seen` is which tip was there last."""
    first_visit, arrival, final_tier, first = tips
    kind, tier, kind_stage, first_attempt = visits
    enter, start, end, outcome, lost, attempt, gave_up, turned_away, merged = log
    state, label, leave, at_risk, turned = fates
    follows, given_up_to, _, last_tier, labels_as = ways
    stages, seen = attempts_and_seen
    for tip in range(first, last):
        i = tip - first
        row, beyond = first_visit[tip], first_visit[tip + 1]
        served_up_to = beyond
        risky = False
        for visit in range(row, beyond):
            stage = kind_stage[kind[visit]]
            if served_up_to == beyond and outcome[visit] != SERVED:
                served_up_to = visit
            if seen[stage] != tip and outcome[visit] != UNREACHED:
                seen[stage] = tip
                for what in range(3):
                    column = moment_of[stage, what]
                    if column >= 0:
                        moments[column, i] = enter[visit] if what == 0 else start[visit] if what == 1 else end[visit]
                column = moment_of[stage, 3]
                if column >= 0 and outcome[visit] == ABANDONED:
                    moments[column, i] = gave_up[first_attempt[visit] + attempt[visit] - 1]
                column = moment_of[stage, 4]
                if column >= 0 and outcome[visit] == TURNED_AWAY:
                    moments[column, i] = turned_away[first_attempt[visit] + attempt[visit] - 1]
                column = moment_of[stage, 5]
                if column >= 0 and outcome[visit] == MERGED:
                    moments[column, i] = merged[visit]
            if outcome[visit] == TURNED_AWAY:
                turned[i] = min(turned[i], turned_away[first_attempt[visit] + attempt[visit] - 1])
            if visit >= served_up_to and may_fail(stages[stage], visit == served_up_to, start[visit]):
                risky = True
        leave[i] = NEVER
        at_risk[i] = False
        if labels_as.size and beyond > row:
            state[i], label[i], leave[i], at_risk[i] = read_beside(
                row, beyond, kind, tier, kind_stage, labels_as, start, end, outcome, stages, given_up_to.size > 0
            )
            if lost[tip] != NEVER:
                state[i], leave[i], at_risk[i] = LOST, NEVER, False
            continue
        if follows.size:
            served_up_to, risky = last_of_way(row, beyond, visits, log, stages, ways)
            if served_up_to != NO_VISIT and outcome[served_up_to] == SERVED:
                state[i], label[i], leave[i] = THROUGH, last_tier[served_up_to], end[served_up_to]
                continue
            if served_up_to == NO_VISIT:
                served_up_to = beyond
        if served_up_to == beyond:
            state[i] = THROUGH
            label[i] = final_tier[tip]
            leave[i] = end[beyond - 1] if beyond > row else arrival[tip]
        else:
            label[i] = tier[served_up_to]
            if outcome[served_up_to] == MERGED:
                state[i] = IN_ANOTHER
            elif lost[tip] != NEVER:
                state[i] = LOST
            else:
                state[i] = UNDER_WAY
                at_risk[i] = risky


@kernel
def find_spells(spell_visit, first_spell):
    """The first spell of every visit, and one beyond the last."""
    spell = 0
    for visit in range(first_spell.shape[0]):
        while spell < spell_visit.shape[0] and spell_visit[spell] < visit:
            spell += 1
        first_spell[visit] = spell


@part
def bin_of(duration, guide):
    """The bin of a duration in ticks, by `guide` of `bins`: a logarithm would cost as much as the rest of the pass."""
    if duration <= 0:
        return 0
    first, edge = guide
    row = (np.float64(duration).view(np.int64) >> MANTISSA_BITS) - FIRST_ROW
    found = first[min(row, first.shape[0] - 1)]
    while duration >= edge[found + 1]:
        found += 1
    return found


@kernel
def count_visits(tips, visits, log, spells, stage_of, last, guide, table, waits):
    """Visits of the tips from `first` on by stage and label: how they fared, waits by bin, ticks waited and worked."""
    first_visit, label, first = tips
    kind, first_spell = visits
    enter, start, outcome = log
    began, ended = spells
    for tip in range(first, last):
        column = label[tip - first] + 1
        for visit in range(first_visit[tip], first_visit[tip + 1]):
            if outcome[visit] == UNREACHED:
                continue
            stage = stage_of[kind[visit]]
            table[stage, column, REACHED] += 1
            if outcome[visit] == ABANDONED:
                table[stage, column, GAVE_UP] += 1
            elif outcome[visit] == TURNED_AWAY:
                table[stage, column, TURNED] += 1
            elif outcome[visit] == OPEN:
                table[stage, column, STILL_OPEN] += 1
            elif outcome[visit] == MERGED:
                table[stage, column, LEFT_MERGED] += 1
            if start[visit] != NEVER:
                wait = start[visit] - enter[visit]
                table[stage, column, STARTED] += 1
                table[stage, column, WAIT] += wait
                waits[stage, column, bin_of(wait, guide)] += 1
            for spell in range(first_spell[visit], first_spell[visit + 1]):
                table[stage, column, WORK] += ended[spell] - began[spell]


@kernel
def add_up(cells, times_of_cell, into):
    """Numbers of the cells of time, one series a row, added up in all the rows of time to which each cell belongs."""
    for series in range(cells.shape[0]):
        for cell in range(cells.shape[1]):
            for k in range(times_of_cell.shape[0]):
                into[series, times_of_cell[k, cell]] += cells[series, cell]


@njit(cache=True, nogil=True)
def count_failing(column, counted, came_at, into):
    """Tips that a target judges, and those that fail, in the rows of time to which they came; `counted` is 1 for the
    columns of `tallies` whose tips it judges, and for those whose tips fail."""
    # Both numbers in one, for neither reaches 2^32.
    both = counted[0] + (counted[1] << 32)
    found = np.zeros(into.shape[0], np.int64)
    day, of_day = int64(0), 0
    for i in range(column.shape[0]):
        own = both[column[i]]
        found[came_at[0, i]] += own
        if came_at[1, i] != day:
            found[day] += of_day
            day, of_day = came_at[1, i], 0
        of_day += own
    found[day] += of_day
    for row in range(into.shape[0]):
        into[row, 0] += found[row] & 0xFFFFFFFF
        into[row, 1] += found[row] >> 32


@kernel
def count_by_time(tips, visits, log, spells, pool_of_stage, window, times_of_cell, came_at, came, table):
    """Tips of the cohort by the rows of time to which they came, and visits to every pool by those in which they came
    to it, where that is in the window. The backlog, before `fresh`, came earlier."""
    first_visit, fresh, first, last = tips
    kind, first_spell, kind_stage = visits
    enter, start, outcome, lost = log
    began, ended = spells
    opens, closes, origin, length = window
    of_week, of_day = times_of_cell
    for tip in range(fresh, first_visit.shape[0] - 1):
        answered = turned = merged = False
        for visit in range(first_visit[tip], first_visit[tip + 1]):
            if outcome[visit] == UNREACHED:
                continue
            turned |= outcome[visit] == TURNED_AWAY
            merged |= outcome[visit] == MERGED
            pool = pool_of_stage[kind_stage[kind[visit]]]
            if pool < 0:
                continue
            started = start[visit] != NEVER
            answered |= started
            since = enter[visit]
            if since < opens or since >= closes:
                continue
            since = (since - origin) & NO_SIGN
            cell = since // HOUR if length == HOUR else since // length
            week, day = of_week[cell], of_day[cell]
            if started:
                worked = 0
                for spell in range(first_spell[visit], first_spell[visit + 1]):
                    worked += ended[spell] - began[spell]
                wait = start[visit] - enter[visit]
                table[pool, week, STARTED] += 1
                table[pool, day, STARTED] += 1
                table[pool, week, WAIT] += wait
                table[pool, day, WAIT] += wait
                table[pool, week, WORK] += worked
                table[pool, day, WORK] += worked
            if outcome[visit] != SERVED:
                fate = STILL_OPEN
                if outcome[visit] == MERGED:
                    fate = LEFT_MERGED
                elif outcome[visit] != OPEN:
                    fate = GAVE_UP if outcome[visit] == ABANDONED else TURNED
                table[pool, week, fate] += 1
                table[pool, day, fate] += 1
            table[pool, week, REACHED] += 1
            table[pool, day, REACHED] += 1
        if tip >= first and tip < last:
            for k in range(2):
                then = came_at[k, tip - first]
                came[then, CAME] += 1
                came[then, ANSWERED] += answered
                # These are rare, and what can be foreseen costs less than what is added up.
                if lost[tip] != NEVER:
                    came[then, LOST_FOR_GOOD] += 1
                if turned:
                    came[then, FOUND_NO_ROOM] += 1
                if merged:
                    came[then, CAME_TO_MERGE] += 1


@inlined
def _cell(tick, window):
    """The cell of time in which a tick lies, and how far; ticks outside the window lie at its ends."""
    first, last, origin, length = window
    since = (min(max(tick, first), last) - origin) & NO_SIGN
    # A division by a number that is known beforehand takes a fraction of the time.
    cell = since // HOUR if length == HOUR else since // length
    return cell, since - cell * length


@inlined
def _step_at(changes, number, group, at, change):
    """From a tick on, told by `_cell`, a number is `change` higher."""
    cell, rest = at
    changes[number, group, cell, JUMP] += change
    changes[number, group, cell, REST] += change * rest


@part
def _step(changes, number, group, tick, change, window):
    """From a tick on, a number is `change` higher."""
    _step_at(changes, number, group, _cell(tick, window), change)


@inlined
def _within(began, ended, window):
    """The part of a stretch that lies in the window."""
    return max(min(ended, window[1]) - max(began, window[0]), 0)


@kernel
def follow_places(tips, visits, log, spells, stages, world, group, asked, changes, totals):
    """The numbers that joined, left, would be done and are busy, by group of places and cell of time; totals by place.

    Who waits has joined, not left, and is not at work: so a spell at another place than the stage's own is counted as
    having left the line for its time, and a wrap-up as having come back to it. `alone` is how long a visit would be in
    hand with endless staff, its wrap-up with it. Without `lines` it is told of each place what would be in hand, and
    of those that are `asked` for who is busy there.
    """
    first_visit, centre, lost, vain, merged = tips
    kind, alone, first_spell, kind_stage = visits
    enter, end, outcome = log
    spell_place, began, ended, wrapping = spells
    place_of, place_step = stages
    window, gates, horizon, lines = world
    for tip in range(centre.shape[0]):
        for visit in range(first_visit[tip], first_visit[tip + 1]):
            if outcome[visit] == UNREACHED:
                continue
            stage = kind_stage[kind[visit]]
            if place_of[stage] == NO_PLACE:
                continue
            place = place_of[stage] + place_step[stage] * centre[tip]
            own = group[place]
            left = end[visit] if outcome[visit] == SERVED else horizon
            if outcome[visit] == ABANDONED or outcome[visit] == TURNED_AWAY:
                left = vain[visit] if vain.size else lost[tip]
            elif outcome[visit] == MERGED:
                left = merged[visit]
            joined = min(opening(enter[visit], stage, gates), left)
            done = joined + alone[visit]
            totals[place, OFFERED] += _within(joined, done, window)
            if not lines:
                for spell in range(first_spell[visit], first_spell[visit + 1]):
                    spell &= NO_SIGN
                    by = spell_place[spell] & NO_SIGN
                    if asked[by]:
                        _step_at(changes, BUSY, group[by], _cell(began[spell], window), 1)
                        _step_at(changes, BUSY, group[by], _cell(ended[spell], window), -1)
                        totals[by, BUSY] += _within(began[spell], ended[spell], window)
                continue
            leaves = _cell(left, window)
            _step_at(changes, JOINED, own, _cell(joined, window), 1)
            _step_at(changes, GONE, own, leaves, 1)
            _step_at(changes, DONE, own, _cell(done, window), 1)
            waited = _within(joined, left, window)
            for spell in range(first_spell[visit], first_spell[visit + 1]):
                by = spell_place[spell]
                since, until = began[spell], ended[spell]
                _step_at(changes, BUSY, group[by], _cell(since, window), 1)
                stops = leaves if until == left else _cell(until, window)
                _step_at(changes, BUSY, group[by], stops, -1)
                worked = _within(since, until, window)
                totals[by, BUSY] += worked
                if wrapping[spell]:
                    _step(changes, GONE, group[by], since, -1, window)
                    _step(changes, GONE, group[by], until, 1, window)
                    continue
                waited -= worked
                if group[by] != own:
                    _step(changes, GONE, own, since, 1, window)
                    _step(changes, GONE, own, until, -1, window)
                    _step(changes, GONE, group[by], since, -1, window)
                    _step(changes, GONE, group[by], until, 1, window)
            totals[place, WAITING] += waited


@kernel
def follow_steps(number, group, ticks, by, window, changes):
    """A number that changes at these ticks, one a row."""
    for row in range(ticks.shape[0]):
        _step(changes, number, group[row], ticks[row], by[row], window)


@kernel
def mark_way(tips, visits, outcome, never, lies):
    """Which visits lie on the ways of tips that may be in several places at a time: not an aside that was not come to,
    and not what is not made because something was in vain that has an aside. `never` is room for what ends never."""
    first_visit, first, last = tips
    first_moment, sets_off, awaits, given_up_to, turned_away_to = visits
    for tip in range(first, last):
        begin, beyond = first_visit[tip], first_visit[tip + 1]
        for visit in range(begin, beyond):
            never[visit], lies[visit] = False, True
            if outcome[visit] == ABANDONED:
                never[visit] = given_up_to[visit] != NO_VISIT
            elif outcome[visit] == TURNED_AWAY:
                never[visit] = turned_away_to[visit] != NO_VISIT
            elif outcome[visit] == UNREACHED and awaits[visit] == NO_MOMENT:
                lies[visit] = False
                for leader in range(begin, visit):
                    if given_up_to[leader] == visit or turned_away_to[leader] == visit:
                        over = outcome[leader] != OPEN and outcome[leader] != UNREACHED
                        never[visit] = over or never[leader]
            elif outcome[visit] == UNREACHED and awaits[visit] > 0:
                never[visit] = True
                for before in range(begin, visit):
                    for moment in range(first_moment[before], first_moment[before + 1]):
                        if sets_off[moment] == visit and not never[before]:
                            never[visit] = False
                lies[visit] = not never[visit]


@part
def follow_last(row, beyond, stamps, ways, kind, kind_stage, until, vain):
    """The way of a tip that came last to a moment, backward from it: until when it went through each visit, or NEVER.

    Of `ways`, `to` are the stages of the moment with what it is there (0 enter, 1 start, 2 end), or -1 for any end,
    when the tip leaves; `goes_on` takes the answer. Of several moments that came at one tick that of the visit written
    last is taken.
    """
    enter, start, end = stamps
    first_moment, moment_after, sets_off, given_up_to, turned_away_to, to, goes_on = ways
    goes_on[: beyond - row] = NEVER
    at = NO_VISIT
    for visit in range(row, beyond):
        for k in range(to.shape[0]):
            asked = to[k, 0] == -1 or kind_stage[kind[visit]] == to[k, 0]
            tick = enter[visit] if to[k, 1] == 0 else start[visit] if to[k, 1] == 1 else end[visit]
            if asked and tick == until and (at == NO_VISIT or to[k, 0] == -1):
                at = visit
    tick = until
    while at != NO_VISIT:
        goes_on[at - row] = tick
        came, before = np.int64(-1), NO_VISIT
        for visit in range(row, at):
            for moment in range(first_moment[visit], first_moment[visit + 1]):
                if sets_off[moment] == at and start[visit] != NEVER:
                    when = end[visit]
                    if moment_after[moment] != NEVER:
                        when = min(when, start[visit] + moment_after[moment])
                    if when != NEVER and when >= came:
                        came, before = when, visit
            if vain.size and (given_up_to[visit] == at or turned_away_to[visit] == at):
                came, before = vain[visit], visit
        at, tick = before, came


@kernel
def time_spent(tips, visits, log, spells, stages, ways, guide, times, spent):
    """How long tips take between two moments (`took`, by the clock of a target), by bin, and where: by stage, in line,
    in service, at the gate, in a delay. Where a tip is in several places at a time, on the way that came last; `ways`
    is None where no tip is."""
    first_visit, chosen, since, until, took, vain, first = tips
    kind, first_spell, kind_stage = visits
    enter, start, end, outcome = log
    began, ended, wrapping = spells
    place_of, gates = stages
    for i in range(chosen.shape[0]):
        if not chosen[i]:
            continue
        window = (since[i], until[i])
        times[bin_of(took[i], guide)] += 1
        row = first_visit[first + i]
        if ways is not None:
            follow_last(row, first_visit[first + i + 1], (enter, start, end), ways, kind, kind_stage, until[i], vain)
        for visit in range(row, first_visit[first + i + 1]):
            if outcome[visit] == UNREACHED or enter[visit] >= until[i]:
                continue
            if ways is not None:
                goes_on = ways[6][visit - row]
                if goes_on == NEVER:
                    continue
                window = (since[i], min(until[i], goes_on))
            stage = kind_stage[kind[visit]]
            left = end[visit] if outcome[visit] == SERVED else until[i]
            if vain.size and outcome[visit] != SERVED:
                left = min(vain[visit], until[i])
            joined = min(opening(enter[visit], stage, gates), left)
            spent[stage, AT_GATE] += _within(enter[visit], joined, window)
            there = _within(joined, left, window)
            if place_of[stage] == NO_PLACE:
                spent[stage, IN_DELAY] += there
                continue
            worked = 0
            for spell in range(first_spell[visit], first_spell[visit + 1]):
                if not wrapping[spell]:
                    worked += _within(began[spell], ended[spell], window)
            spent[stage, IN_SERVICE] += worked
            spent[stage, IN_LINE] += there - worked
