"""One tip's life as a list of events, each a sentence: what it did, what it waited for, who was in its way.

Pure functions of a scenario, a replication and its log: who was where at a tick is read from the stamps of the log, as
anyone could, and nothing here knows how an engine works.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import NEVER
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
from sim.dynamics.order import line_key, newest_first, work_after_relief
from sim.dynamics.replication import (
    DUE_FIRST,
    FIRST_COME,
    IN_RANDOM_ORDER,
    LAST_COME,
    NO_INCIDENT,
    NO_LABEL,
    NO_PLACE,
    NO_VISIT,
    NOBODY,
    RESTART,
    Replication,
    Ticks,
    changes_of_duty,
)
from sim.dynamics.waits import (
    Attempts,
    VisitPlaces,
    Waits,
    attempts,
    branches,
    due_at,
    next_visits,
    rank_at,
    vain,
    visible,
    waits,
    where,
)
from sim.scenario.units import listed
from sim.text.words import clock, span, time_words

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario, Stage


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
    """Whether its rank was better; else the order of its line was for it."""


_Key = tuple[int, int, int, int, int]

ORDER_SAID: Final = {
    FIRST_COME: "with an older place in line",
    LAST_COME: "come later, as last come is first there",
    IN_RANDOM_ORDER: "as the lot fell",
    DUE_FIRST: "due earlier",
}
"""Why a tip of the same rank went first, by the order of the line."""


class Bystanders:
    """All tips of one replication, to be asked who was in whose way."""

    def __init__(self, replication: Replication, log: Log) -> None:
        self.replication, self.log = replication, log
        self.where: VisitPlaces = where(replication)
        self.attempts: Attempts = attempts(log, replication, self.where)
        self.waits: Waits = waits(log, replication, self.where, self.attempts)
        self.visible: Ticks = visible(replication, self.where, self.attempts)
        self.due: Ticks = due_at(log, replication, self.where)
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
        """The tips that stood before a visit in the line of a place at a tick, the first in line first.

        In a random order those alone of a better rank.
        """
        waits = self.waits
        rows = (waits.place == place) & (waits.began <= tick) & (tick < waits.ended) & (waits.visit != visit)
        mine = self._place_in_line(visit, place, entry, tick)
        standing = [
            (self._place_in_line(int(other), place, int(since), tick), int(self.where.tip[other]))
            for other, since in zip(waits.visit[rows], waits.entry[rows], strict=True)
        ]
        return [tip for key, tip in sorted(standing) if key < mine]

    def passed(self, visit: int, place: int, entry: int, since: int, until: int) -> list[Passed]:
        """The tips that a place took between two ticks before a waiting one, though they were not ahead at first."""
        spells = self.log.spells
        rows = (spells.place == place) & (spells.began > since) & (spells.began <= until) & (spells.visit != visit)
        rows &= ~spells.wrapping
        before = set(self.ahead(visit, place, entry, since))
        found: dict[int, Passed] = {}
        for other, began in zip(spells.visit[rows].tolist(), spells.began[rows].tolist(), strict=True):
            mine = self._place_in_line(visit, place, entry, began)
            theirs = self._place_in_line(other, place, self._entry(other, began), began)
            tip = int(self.where.tip[other])
            by_lot = self._order(place) == IN_RANDOM_ORDER and theirs == mine
            if tip not in before and (theirs < mine or by_lot):
                found.setdefault(tip, Passed(tip, theirs[0] < mine[0]))
        return list(found.values())

    def order_said(self, place: int) -> str:
        """Why a tip of the same rank goes first in the line of a place."""
        return ORDER_SAID[self._order(place)]

    def taker(self, place: int, tick: int, visit: int) -> int | None:
        """The tip whose work began at a place at the tick at which that of a visit was broken off."""
        spells = self.log.spells
        rows = np.flatnonzero((spells.place == place) & (spells.began == tick) & (spells.visit != visit))
        tips = self.where.tip[spells.visit[rows]]
        return int(tips[0]) if tips.size == 1 else None

    def _order(self, place: int) -> int:
        return int(self.replication.rules.places.order[place])

    def _place_in_line(self, visit: int, place: int, entry: int, tick: int) -> _Key:
        """What decides who is served first at a tick; in a random order the rank alone."""
        one: NDArray[np.int64] = np.array([visit])
        at = np.array([place], dtype=np.int32)
        rank = int(rank_at(self.replication, self.where, one, at, np.array([tick - entry]))[0][0])
        order = self._order(place)
        if order == IN_RANDOM_ORDER:
            return line_key(rank, 0, 0)
        since = newest_first(entry) if order == LAST_COME else entry
        due = int(self.due[visit]) if order == DUE_FIRST else NEVER
        return line_key(rank, since, int(self.where.tip[visit]), int(self.where.stage[visit]), due)

    def _entry(self, visit: int, tick: int) -> int:
        """The entry from which a visit's place in line counted at a tick."""
        rows = (self.attempts.visit == visit) & (self.attempts.entry <= tick)
        return int(self.attempts.entry[rows].max())


# The life of a tip


NAMED: Final = 4
"""So many other tips are named; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the tip."""

    tick: int
    stage: str | None
    kind: str
    """arrival, begins, waits, starts, stops, wraps up, delay, labelled, gives up, turned away, called back, overflow,
    retry, sent back, goes on, leaves, lost, merged or open."""
    text: str
    details: tuple[str, ...] = ()
    """What stood in its way."""
    branch: int = 0
    """On which of its branches, from 1; 0 for what concerns the whole of it, or where it has but one."""


class Teller:
    """Tells the lives of the tips of one replication."""

    def __init__(self, scenario: Scenario, replication: Replication, log: Log) -> None:
        self.scenario, self.replication, self.log = scenario, replication, log
        self.crowd = Bystanders(replication, log)

    def events(self, tip: int) -> list[Event]:
        """What happened to a tip, in order."""
        first, beyond = (int(self.replication.tips.first_visit[tip + step]) for step in (0, 1))
        found = [self._arrival(tip, first)]
        if first == beyond:
            found.append(self._leaves(tip, int(self.replication.tips.arrival[tip])))
        if self.replication.visits.branch:
            return [*found, *self._beside(tip, first, beyond)]
        visit = first if first < beyond else NO_VISIT
        while visit != NO_VISIT:
            then = int(next_visits(self.log, self.replication, np.array([visit]))[0])
            found += self._visit(visit, tip, then)
            visit = then
        return sorted(found, key=lambda event: event.tick)

    def _beside(self, tip: int, first: int, beyond: int) -> list[Event]:
        """What happened on the branches of a tip, in order of time, side by side."""
        log, found = self.log, []
        numbers = branches(self.replication, first, beyond)
        for visit in range(first, beyond):
            if log.enter[visit] == NEVER:
                continue
            stage = self.scenario.stages[self.crowd.where.stage[visit]]
            events = self._begins_with(visit, stage, first) + list(self._visit(visit, tip, self._aside(visit)))
            found += [replace(event, branch=numbers[visit - first]) for event in events]
        outcome = log.outcome[first:beyond]
        undone = (OPEN, MERGED) if self.replication.visits.given_up_to.size else (OPEN, MERGED, UNREACHED)
        if log.lost[tip] == NEVER and not np.isin(outcome, undone).any() and beyond > first:
            found.append(self._leaves(tip, int(log.end[first:beyond][outcome == SERVED].max())))
        found.sort(key=lambda event: event.tick)
        one = len({event.branch for event in found if event.branch}) < 2
        return [replace(event, branch=0) for event in found] if one else found

    def _aside(self, visit: int) -> int:
        """The aside that a visit in vain led to, or NO_VISIT."""
        visits, outcome = self.replication.visits, self.log.outcome[visit]
        if not visits.given_up_to.size or outcome not in (ABANDONED, TURNED_AWAY):
            return NO_VISIT
        return int((visits.given_up_to if outcome == ABANDONED else visits.turned_away_to)[visit])

    def _begins_with(self, visit: int, stage: Stage, first: int) -> list[Event]:
        """What a visit began with, where that is more than the end of the one stage before."""
        visits, log, where = self.replication.visits, self.log, self.crowd.where
        came = []
        for before in range(first, visit):
            name = self.scenario.stages[where.stage[before]].name
            for moment in range(int(visits.first_moment[before]), int(visits.first_moment[before + 1])):
                if visits.sets_off[moment] != visit:
                    continue
                after = int(visits.moment_after[moment])
                if visits.cue.size and (log.start[before] == NEVER or (after == NEVER and log.end[before] == NEVER)):
                    continue
                if after == NEVER or log.end[before] <= log.start[before] + after:
                    came.append(f"{name} has ended")
                else:
                    came.append(f"{span(after)} into {name}" if after else f"{name} has begun")
        if not came:
            return []
        return [Event(int(log.enter[visit]), stage.name, "begins", f"comes to {stage.name}: {listed(came)}")]

    def attributes(self, tip: int) -> dict[str, str]:
        """How it came and what it truly is, by name; what the scenario does not tell apart is left out."""
        tips, scenario = self.replication.tips, self.scenario
        named = {
            "channel": (scenario.channels, tips.channel),
            "risk": (scenario.risks, tips.risk),
            "category": (scenario.categories, tips.category),
            "centre": (scenario.centre_names, tips.centre),
        }
        named |= {name: (scenario.own[name], code) for name, code in zip(scenario.own, tips.own, strict=True)}
        return {key: names[int(code[tip])] for key, (names, code) in named.items() if len(names) > 1}

    def place(self, index: int) -> str:
        """A pool, and its centre where there are several."""
        places = self.replication.rules.places
        pool = list(self.scenario.pools)[int(places.pool[index])]
        if places.centre[index] < 0 or len(self.scenario.centres) == 1:
            return pool
        return f"{pool} of {self.scenario.centre_names[places.centre[index]]}"

    def time(self, tick: int, beside: int) -> str:
        """The time of a tick, with its date where that is not the date of the tick beside it."""
        return time_words(tick, beside, self.scenario.local)

    # One visit

    def _visit(self, visit: int, tip: int, then: int) -> Iterator[Event]:
        stage = self.scenario.stages[self.crowd.where.stage[visit]]
        if self.crowd.where.own[visit] == NO_PLACE:
            yield from self._delay(visit, stage)
        else:
            yield from self._attempts(visit, stage)
            yield from self._spells(visit, stage)
        outcome = self.log.outcome[visit]
        if outcome == SERVED:
            yield from self._after(visit, stage, tip, then)
        elif outcome == MERGED:
            yield Event(
                int(self.log.merged[visit]),
                stage.name,
                "merged",
                f"leaves merged at {stage.name}: its incident is known",
            )
        elif outcome in (ABANDONED, TURNED_AWAY):
            if then == NO_VISIT and self.replication.visits.branch:
                tick = int(vain(self.log, self.replication)[visit])
                yield Event(tick, stage.name, "lost", "is lost: this branch of it does not go on")
            elif then == NO_VISIT:
                yield Event(int(self.log.lost[tip]), stage.name, "lost", "is lost: it does not come back")
            else:
                to = self.scenario.stages[self.crowd.where.stage[then]].name
                yield Event(int(self.log.enter[then]), stage.name, "goes on", f"goes to {to} instead")
        else:
            ends = self.replication.rules.horizon
            yield Event(ends, None, "open", f"is still at {stage.name} when the run ends")

    def _delay(self, visit: int, stage: Stage) -> Iterator[Event]:
        tried = self.crowd.attempts
        for row in np.flatnonzero(tried.visit == visit).tolist():
            entry, starts = int(tried.entry[row]), int(tried.release[row])
            yield from self._comes(stage, row)
            if starts < NEVER and tried.turned_away[row] == NEVER:
                took = span(int(self.replication.visits.work[visit]))
                yield Event(starts, stage.name, "delay", f"passes {stage.name}: a delay of {took}, nobody works on it")
            yield from self._in_vain(visit, stage, row, entry)

    def _gate(self, enter: int, opens: int, stage: Stage) -> Event:
        text = f"waits {span(opens - enter)} for the gate of {stage.name}, which opens {stage.gate}"
        return Event(enter, stage.name, "waits", text)

    def _attempts(self, visit: int, stage: Stage) -> Iterator[Event]:
        tried = self.crowd.attempts
        for row in np.flatnonzero(tried.visit == visit).tolist():
            entry, release = int(tried.entry[row]), int(tried.release[row])
            yield from self._comes(stage, row)
            if release < NEVER and tried.turned_away[row] == NEVER:
                yield from self._waits(visit, stage, release)
            over = min(int(self.log.start[visit]), self.replication.rules.horizon)
            if tried.called_back[row] < over and self.log.attempt[visit] == tried.number[row]:
                accepts = int(tried.called_back[row])
                text = f"accepts a call-back after {span(accepts - entry)}: it keeps its place and gives up no more"
                yield Event(accepts, stage.name, "called back", text)
            yield from self._in_vain(visit, stage, row, entry)

    def _comes(self, stage: Stage, row: int) -> Iterator[Event]:
        """An attempt comes, and waits behind the gate."""
        tried, horizon = self.crowd.attempts, self.replication.rules.horizon
        entry, number = int(tried.entry[row]), int(tried.number[row])
        if number > 1:
            yield Event(entry, stage.name, "retry", f"comes back to {stage.name}, attempt {number}")
        until = min(int(tried.release[row]), int(tried.gave_up[row]), horizon)
        if until > entry:
            yield self._gate(entry, until, stage)

    def _in_vain(self, visit: int, stage: Stage, row: int, entry: int) -> Iterator[Event]:
        """An attempt gives up, or finds no room."""
        tried, visits = self.crowd.attempts, self.replication.visits
        gave_up, turned_away = int(tried.gave_up[row]), int(tried.turned_away[row])
        if min(gave_up, turned_away) == NEVER:
            return
        after = int(visits.retry_after[int(visits.first_attempt[visit]) + int(tried.number[row]) - 1])
        back = f"; it will try again in {span(after)}" if after < NEVER else ""
        if gave_up < turned_away:
            text = f"gives up at {stage.name}: its patience ends after {span(gave_up - entry)}{back}"
            yield Event(gave_up, stage.name, "gives up", text)
        else:
            text = f"finds no room at {stage.name} and is turned away{back}"
            yield Event(turned_away, stage.name, "turned away", text)

    def _waits(self, visit: int, stage: Stage, since: int) -> Iterator[Event]:
        """The wait that began at a tick, in the line of the stage's pool and in those that it overflows to."""
        crowd = self.crowd
        yield from self._wait(visit, int(crowd.where.own[visit]), stage, since)
        for other, seen in zip(crowd.where.overflow[visit].tolist(), crowd.visible[visit].tolist(), strict=True):
            if other != NO_PLACE:
                yield from self._wait(visit, other, stage, max(since, seen))

    def _wait(self, visit: int, place: int, stage: Stage, since: int) -> Iterator[Event]:
        """The wait in the line of a place that began at a tick, if it was one."""
        waits = self.crowd.waits
        rows = np.flatnonzero((waits.visit == visit) & (waits.place == place) & (waits.began == since))
        for row in rows:
            entry, until = int(waits.entry[row]), int(waits.ended[row])
            # Who moves up while waiting has a stretch for each rank.
            while (later := (waits.visit == visit) & (waits.place == place) & (waits.began == until)).any():
                until = int(waits.ended[later][0])
            ahead = self.crowd.ahead(visit, place, entry, since)
            behind = f"behind {_tips(ahead)}" if ahead else "first in it"
            also = place != self.crowd.where.own[visit]
            line = f"in the line of {self.place(place)} for {stage.name}"
            text = f"{'also ' if also else ''}waits {span(until - since)} {line}, {behind}"
            yield Event(
                since,
                stage.name,
                "overflow" if also else "waits",
                text,
                tuple(self._in_the_way(visit, place, entry, since, until)),
            )

    def _in_the_way(self, visit: int, place: int, entry: int, since: int, until: int) -> Iterator[str]:
        on_duty, busy = self.crowd.on_duty(place, since), self.crowd.busy(place, since)
        yield self._at_work(place, on_duty, busy, since)
        changes = self.crowd.changes(place, since, until)
        for tick, number in changes[:NAMED]:
            yield f"from {self.time(tick, since)} {number or 'nobody'} on duty"
        if len(changes) > NAMED:
            yield f"and {len(changes) - NAMED} more changes of shift or breaks"
        passed = self.crowd.passed(visit, place, entry, since, until)
        for by_rank, why in ((True, "with a better rank"), (False, self.crowd.order_said(place))):
            if tips := [one.tip for one in passed if one.by_rank == by_rank]:
                yield f"meanwhile {_tips(tips)} went first, {why}"

    def _at_work(self, place: int, on_duty: int, busy: Sequence[Busy], tick: int) -> str:
        named = ", ".join(
            f"{'the wrap-up of ' if one.wrapping_up else ''}tip {one.tip} until {self.time(one.until, tick)}"
            f"{' in overtime' if one.in_overtime else ''}"
            for one in busy[:NAMED]
        )
        more = f" and {len(busy) - NAMED} more" if len(busy) > NAMED else ""
        slots = int(self.replication.rules.places.concurrency[place])
        each = f" with {slots} tips each" if slots > 1 else ""
        absent = self.crowd.away(place, tick)
        away = f", {absent} away" if absent else ""
        if not on_duty:
            return f"nobody on duty{away}{f'; at work: {named}{more}' if busy else ''}"
        if not busy:
            return f"{on_duty} on duty{each}{away}, near the end of their shift: they take nobody new"
        return f"{on_duty} on duty{each}{away}, all busy: {named}{more}"

    def person(self, spell: int) -> str:
        """Who worked a spell, where people are told apart: "" elsewhere."""
        index = int(self.log.spells.person[spell])
        if index == NOBODY:
            return ""
        people = self.replication.plan.people
        row, number = int(people.row[index]), int(people.number[index]) + 1
        if row == 0:
            return f"person {number} of those around the clock"
        shift = list(self.scenario.pools.values())[self._pool(int(people.place[index]))].shifts[row - 1]
        return f"person {number} of {clock(shift.from_)} to {clock(shift.to)}"

    def _pool(self, place: int) -> int:
        return int(self.replication.rules.places.pool[place])

    # The work

    def _spells(self, visit: int, stage: Stage) -> Iterator[Event]:
        spells = self.log.spells
        rows = np.flatnonzero(spells.visit == visit)
        repeats = self.log.outcome[visit] == MERGED and stage.merge is not None and stage.merge.repeat is not None
        drawn = int((self.replication.visits.repeat if repeats else self.replication.visits.work)[visit])
        took = (spells.ended - spells.began)[rows[~spells.wrapping[rows]]]
        left, total = drawn, int(took.sum())
        for number, row in enumerate(rows.tolist()):
            began, ended, why = int(spells.began[row]), int(spells.ended[row]), int(spells.why[row])
            place, worked, person = int(spells.place[row]), ended - began, self.person(row)
            if spells.wrapping[row]:
                who = person or f"its server in {self.place(place)}"
                until = "" if why == CUT else f" until {self.time(ended, began)}{self._overtime(row)}"
                yield Event(began, stage.name, "wraps up", f"{who} wraps up {stage.name}{until}: the tip has gone on")
                continue
            text = self._begins(visit, stage, place, began, left, first=number == 0)
            yield Event(began, stage.name, "starts", f"{text}{f', by {person}' if person else ''}")
            if why == CUT:
                continue
            if why == DONE:
                what = f"its repeat at {stage.name}" if repeats else stage.name
                text = f"{what} is done: {span(total)} of work{self._overtime(row)}"
                yield Event(ended, stage.name, "stops", text)
                continue
            left -= int(spells.work[row])
            if why == RELIEVED:
                places = self.replication.rules.places
                rule, over = int(places.at_shift_end[place]), int(places.hand_over[place])
                left = work_after_relief(rule, left, drawn, over)
            yield Event(ended, stage.name, "stops", self._broken_off(visit, stage, place, ended, worked, left, why))
            yield from self._waits(visit, stage, ended)

    def _begins(self, visit: int, stage: Stage, place: int, began: int, left: int, *, first: bool) -> str:
        who = self.place(place)
        if not first:
            return f"{who} go on with {stage.name}: {span(left)} of work left"
        waited = began - int(self.log.enter[visit])
        who += " (its overflow)" if place != self.crowd.where.own[visit] else ""
        return f"{who} begin {stage.name}, {f'{span(waited)} after it came there' if waited else 'at once'}"

    def _overtime(self, spell: int) -> str:
        """How much of a spell was in overtime at its end, in words."""
        spells, overtime = self.log.spells, self.log.overtime
        began, ended = int(spells.began[spell]), int(spells.ended[spell])
        mine = (overtime.person == spells.person[spell]) & (overtime.place == spells.place[spell])
        rows = np.flatnonzero(mine & (overtime.began < ended) & (overtime.ended >= ended))
        if not rows.size:
            return ""
        return f", the last {span(ended - max(began, int(overtime.began[rows[0]])))} in overtime"

    def _broken_off(self, visit: int, stage: Stage, place: int, at: int, worked: int, left: int, why: int) -> str:
        after = f"{stage.name} is broken off after {span(worked)}"
        if why == PREEMPTED:
            taker = self.crowd.taker(place, at, visit)
            return f"{after}: {'a tip' if taker is None else f'tip {taker}'} of a better rank takes its server"
        rules = self.replication.rules.places
        over = int(rules.hand_over[place])
        rest = (
            "all the work is to be done again" if rules.at_shift_end[place] == RESTART else f"{span(left)} of work left"
        )
        return f"{after}: its server goes off duty; {rest}{f', {span(over)} of hand-over included' if over else ''}"

    # Between the stages

    def _arrival(self, tip: int, visit: int) -> Event:
        tips, scenario = self.replication.tips, self.scenario
        centre = f" in centre {scenario.centre_names[tips.centre[tip]]}" if len(scenario.centres) > 1 else ""
        channel = f", channel {scenario.channels[tips.channel[tip]]}" if len(scenario.channels) > 1 else ""
        if tip < tips.n_backlog:
            stage = scenario.stages[self.crowd.where.stage[visit]].name
            return Event(0, stage, "arrival", f"is in the backlog of {stage}{centre} when the run starts")
        return Event(int(tips.arrival[tip]), None, "arrival", f"arrives{centre}{channel}{self._incident(tip)}")

    def _incident(self, tip: int) -> str:
        """Which event it is about that others are about too, and which of those that come it is; "" where none."""
        tips, kinds = self.replication.tips, sorted(self.scenario.demand.incidents)
        if not tips.incident.size or tips.incident[tip] == NO_INCIDENT:
            return ""
        about = int(tips.incident[tip])
        same = np.flatnonzero(tips.incident == about)
        nth = f"{int(np.searchsorted(same, tip)) + 1} of {same.size} tips"
        if self.scenario.demand.trace is not None:
            return f", about incident {about} ({nth})"
        return f", about {kinds[about % len(kinds)]} {about // len(kinds)} ({nth})"

    def _after(self, visit: int, stage: Stage, tip: int, then: int) -> Iterator[Event]:
        end, visits = int(self.log.end[visit]), self.replication.visits
        if visits.branch:
            if stage.label is not None:
                before, given = self._label_before(visit, tip), int(visits.labels_as[visit])
                label = self._label(stage.label, tip, before, before if given == NO_LABEL else given)
                yield Event(end, stage.name, "labelled", label)
            moments = slice(int(visits.first_moment[visit]), int(visits.first_moment[visit + 1]))
            for to in visits.sets_off[moments].tolist():
                yield from self._sent_back(visit, to, end)
            return
        if stage.label is not None:
            final = visits.last_tier[visit] if visits.follows.size else visits.final_tier[tip]
            after = int(final if then == NO_VISIT else visits.tier[then])
            yield Event(end, stage.name, "labelled", self._label(stage.label, tip, int(visits.tier[visit]), after))
        if then == NO_VISIT:
            yield self._leaves(tip, end)
        else:
            yield from self._sent_back(visit, then, end)

    def _label_before(self, visit: int, tip: int) -> int:
        """The label with which a tip came to a visit, where it may be in several places at a time."""
        visits, first = self.replication.visits, int(self.replication.tips.first_visit[tip])
        found = int(visits.tier[visit])
        gave = visits.labels_as[first:visit][self.log.outcome[first:visit] == SERVED]
        # What would have given it may not have been come to.
        return found if not visits.cue.size or found in gave else int(visits.tier[first])

    def _sent_back(self, visit: int, then: int, end: int) -> Iterator[Event]:
        """That a visit is followed by one to its own stage or to one before it."""
        before, after = (self.scenario.stages[self.crowd.where.stage[one]] for one in (visit, then))
        if self.crowd.where.stage[then] <= self.crowd.where.stage[visit]:
            yield Event(end, before.name, "sent back", f"is sent back to {after.name}")

    def _label(self, labeller: str, tip: int, before: int, after: int) -> str:
        if after == NO_LABEL:
            return f"{labeller} does not decide: it has no label yet"
        tier = self.scenario.tiers[after]
        risk = self.scenario.risks[self.replication.tips.risk[tip]]
        if risk not in self.scenario.tiers:
            truth = ""
        else:
            truth = ", as it truly is" if risk == tier else f", though it truly is {risk}"
        if before == after:
            return f"{labeller} leaves it labelled {tier}{truth}"
        return f"{labeller} labels it {tier}{truth}"

    def _leaves(self, tip: int, tick: int) -> Event:
        took = span(tick - int(self.replication.tips.arrival[tip]))
        return Event(tick, None, "leaves", f"is through, {took} after it arrived")


def _tips(tips: Sequence[int]) -> str:
    """Some tips by number; the later ones of many are only counted."""
    named = ", ".join(map(str, tips[:NAMED]))
    if len(tips) == 1:
        return f"tip {named}"
    return f"tips {named}" if len(tips) <= NAMED else f"{len(tips)} tips ({named}, ...)"
