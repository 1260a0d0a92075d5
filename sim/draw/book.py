"""The book in which a replication is written while it is drawn, block after block, straight into its final arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.draw.routes import NOBODY, NONE, StageRound, among
from sim.dynamics.clock import NEVER
from sim.dynamics.order import SHUFFLES
from sim.dynamics.replication import NO_INCIDENT, NO_LABEL, NO_MOMENT, NO_VISIT, Tips, Visits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from sim.draw.routes import Route, Rows, Tail, TipBlock
    from sim.draw.streams import Streams
    from sim.draw.times import RecordedTimes, Timing
    from sim.dynamics.replication import Codes, Ticks
    from sim.scenario.rules import KindCode

    Given = Mapping[int, Ticks]

ATTRIBUTES: Final = ("centre", "channel", "risk", "category")

OF_VISIT: Final = (
    "kind",
    "work",
    "tier",
    "first_attempt",
    "wrap_up",
    "repeat",
    "labeller",
    "due",
    "lot",
    "last_tier",
    "last_labeller",
)
WAYS_ON: Final = ("follows", "given_up_to", "turned_away_to")
"""Columns of a visit: what goes with it, and which visit comes after it."""

SPARE: Final = 1.03
"""Room is made for so much more than the tips so far lead to expect."""


class BookColumn:
    """An array that is filled from the front, and moved only when its length was guessed too low.

    Memory is touched once: what is not filled is never touched.
    """

    def __init__(self, dtype: type[np.generic]) -> None:
        self._array: NDArray[Any] = np.empty(0, dtype=dtype)
        self.used = 0

    def room(self, count: int, to_come: float) -> NDArray[Any]:
        """The next `count` places, when about `to_come` more will be asked for after them."""
        end = self.used + count
        if end > self._array.size:
            larger = np.empty(int((end + to_come) * SPARE) + 1, dtype=self._array.dtype)
            larger[: self.used] = self._array[: self.used]
            self._array = larger
        begin, self.used = self.used, end
        return self._array[begin:end]

    def filled(self) -> NDArray[Any]:
        return self._array[: self.used]


@dataclass(frozen=True, slots=True, eq=False)
class WayPart:
    """A part of the ways of a block's tips that has no fork: the way itself, or the way on from an aside."""

    offset: Rows
    """(n,) visits of each tip that lie before those of this part."""
    count: Rows
    """(n,) visits of each tip in it."""
    tier: Codes
    """(n,) the label after the last of them, and"""
    labeller: Codes | None
    """(n,) who gave it; None where nobody asks."""
    of: Tail | None
    """What leads to it; None for the way itself."""
    sequence: Rows
    """For the tips of that, how many of their visits lie before the one in vain."""


def laid(route: Route) -> tuple[Route, list[WayPart]]:
    """The route with the ways on from asides behind it, so that every visit has a place of its own, and its parts."""
    total = np.zeros(route.count.size, dtype=np.int64)
    groups: list[list[StageRound]] = [[] for _ in route.groups]
    parts: list[WayPart] = []

    def lay(one: Route, of: Tail | None, sequence: Rows) -> None:
        offset = total.copy()
        for at, those in enumerate(one.groups):
            groups[at] += [replace(group, sequence=group.sequence + offset[group.tips]) for group in those]
        parts.append(WayPart(offset, one.count, one.tier, one.labeller, of, sequence))
        np.add(total, one.count, out=total)
        for tail in one.tails:
            lay(tail.route, tail, tail.sequence + offset[tail.tips])

    lay(route, None, NOBODY)
    return replace(route, groups=groups, count=total, tails=()), parts


class Book:
    """Tips and visits, so far as they are drawn."""

    def __init__(
        self,
        timings: Sequence[Timing],
        code: KindCode,
        constant: Mapping[str, int],
        own: Sequence[str] = (),
        told_by: bool = False,
        incidents: bool = False,
        shuffled: bool = False,
        has_asides: bool = False,
        in_branches: bool = False,
        merges: bool = False,
    ) -> None:
        """`constant` holds the attributes that are the same for all tips, `own` the names of the scenario's own;
        `told_by` says that somebody asks who gave a label, `incidents` that tips may be about incidents, `shuffled`
        that some line is in random order, `has_asides` that some way leads to an aside, `in_branches` that tips may be
        in several places at a time, and `merges` that some stage merges the tips of incidents."""
        self.shuffled = shuffled
        self.has_asides = has_asides
        self.timings = timings
        self.code = code
        self.constant = constant
        self.expected = 0.0
        """How many tips there will be, as far as is known; to be wrong costs time, and nothing else."""
        self.n_tips = 0
        self.patient = any(timing.attempts for timing in timings)
        self.arrival, self.first_visit = BookColumn(np.int64), BookColumn(np.int64)
        self.attributes = {name: BookColumn(np.int32) for name in (*ATTRIBUTES, *own) if name not in constant}
        self.own = tuple(own)
        self.told_by = told_by
        self.incident = BookColumn(np.int32) if incidents else None
        self.labeller, self.final_labeller = BookColumn(np.int32), BookColumn(np.int32)
        self.final_tier, self.kind, self.tier = (BookColumn(np.int32) for _ in range(3))
        self.work, self.first_attempt = BookColumn(np.int64), BookColumn(np.int64)
        self.patience, self.retry_after = BookColumn(np.int64), BookColumn(np.int64)
        self.wraps_up = any(timing.wrap_up for timing in timings)
        self.wrap_up, self.repeat = BookColumn(np.int64), BookColumn(np.int64)
        self.merges = merges and incidents
        self.offers = any(timing.callback for timing in timings)
        self.is_due = any(timing.due for timing in timings)
        self.called_back, self.due, self.lot = (BookColumn(np.int64) for _ in range(3))
        self.follows, self.given_up_to, self.turned_away_to = (BookColumn(np.int64) for _ in range(3))
        self.last_tier, self.last_labeller = BookColumn(np.int32), BookColumn(np.int32)
        self.in_branches = in_branches
        self.awaits, self.first_moment, self.moment_after, self.sets_off = (BookColumn(np.int64) for _ in range(4))
        self.cue = BookColumn(np.int64)
        self.labels_as, self.gives_as = BookColumn(np.int32), BookColumn(np.int32)

    def add(
        self,
        block: TipBlock,
        arrival: Ticks,
        route: Route,
        streams: Streams,
        given: Given | None = None,
        known: RecordedTimes | None = None,
    ) -> None:
        """Write down the tips of a block that its route keeps, with all their times.

        `given` holds for some stages the work of the first visit, (n,) ticks, where it is known, and NEVER elsewhere;
        `known` what is known of the patience and the wrap-up at the first stage that has one and that the tip comes to.
        """
        route, parts = laid(route) if self.has_asides and not self.in_branches else (route, [])
        end = np.cumsum(route.count)
        begin = end - route.count
        firsts = begin[route.kept]
        self.n_tips += firsts.size
        self._room(self.first_visit, firsts.size)[:] = firsts + self.work.used
        self._room(self.arrival, firsts.size)[:] = arrival[route.kept]
        self._room(self.final_tier, firsts.size)[:] = route.tier[route.kept]
        for name, column in self.attributes.items():
            self._room(column, firsts.size)[:] = block.given(name)[route.kept]
        if self.incident is not None:
            about = self._room(self.incident, firsts.size)
            about[:] = NO_INCIDENT if block.incident is None else block.incident[route.kept]
        if route.labeller is not None:
            self._room(self.final_labeller, firsts.size)[:] = route.labeller[route.kept]
        n_visits = int(end[-1])
        kind, tier, work = (self._room(column, n_visits) for column in (self.kind, self.tier, self.work))
        labeller = self._room(self.labeller, n_visits) if self.told_by else None
        wrap_up = self._room(self.wrap_up, n_visits if self.wraps_up else 0)
        wrap_up[:] = 0
        repeat = self._room(self.repeat, n_visits if self.merges else 0)
        repeat[:] = 0
        due = self._room(self.due, n_visits if self.is_due else 0)
        rows = [[begin[group.tips] + group.sequence for group in groups] for groups in route.groups]
        for at, groups in enumerate(route.groups):
            for group, row in zip(groups, rows[at], strict=True):
                kind[row] = self._kinds(at, block, group)
                tier[row] = group.tier
                if labeller is not None:
                    labeller[row] = group.labeller
                for nth, chosen in group.by_nth():
                    tips = among(group.tips, chosen)
                    times = self.timings[at].work.draw(block, tips, group.tier[chosen], streams, nth)
                    if nth == 0 and given is not None and at in given:
                        times = np.where(given[at][tips] < NEVER, given[at][tips], times)
                    work[row[chosen]] = times
                    if (after := self.timings[at].wrap_up) is not None:
                        times = after.draw(block, tips, group.tier[chosen], streams, nth)
                        if nth == 0 and known is not None:
                            times = known.wrap_ups(tips, times)
                        wrap_up[row[chosen]] = times
                    if self.merges and (again := self.timings[at].repeat) is not None:
                        repeat[row[chosen]] = again.draw(block, tips, group.tier[chosen], streams, nth)
                if self.is_due:
                    length = self.timings[at].due
                    due[row] = NEVER if length is None else length.of(block, group.tips, group.tier)
        if self.shuffled:
            self._add_lots(block, route, rows, n_visits, streams)
        if self.has_asides and not self.in_branches:
            self._add_ways_on(begin, n_visits, parts)
        if self.in_branches:
            self._add_branches(route, begin, rows, n_visits)
        if self.patient:
            self._add_attempts(block, route, rows, n_visits, streams, known)

    def _kinds(self, at: int, block: TipBlock, group: StageRound) -> Codes:
        def codes(name: str) -> Codes:
            if name == "labelled_by":
                assert group.labeller is not None
                return group.labeller
            return group.tier if name == "tier" else block.given(name)[group.tips]

        told = zip(self.code.attributes, self.code.matters, strict=True)
        kind = self.code.encode(at, *(codes(name) if matters else 0 for name, matters in told))
        return np.broadcast_to(kind, group.tier.shape)

    def _add_lots(
        self, block: TipBlock, route: Route, rows: Sequence[Sequence[Ticks]], n_visits: int, streams: Streams
    ) -> None:
        """Write down what a random order shuffles, of every visit."""
        lot = self._room(self.lot, n_visits)
        for timing, groups, of_stage in zip(self.timings, route.groups, rows, strict=True):
            for group, row in zip(groups, of_stage, strict=True):
                for nth, chosen in group.by_nth():
                    uniform = streams.uniform("lot", timing.stage, str(nth + 1)).rows(block.first, len(block))
                    lot[row[chosen]] = (uniform[among(group.tips, chosen)] * SHUFFLES).astype(np.int64)

    def _add_ways_on(self, begin: Ticks, n_visits: int, parts: Sequence[WayPart]) -> None:
        """Write down what follows every visit: in its part of the way, and when it is in vain."""
        first = self.follows.used
        follows = self._room(self.follows, n_visits)
        given_up, turned_away = (self._room(column, n_visits) for column in (self.given_up_to, self.turned_away_to))
        last_tier = self._room(self.last_tier, n_visits)
        last_labeller = self._room(self.last_labeller, n_visits if self.told_by else 0)
        follows[:] = np.arange(first + 1, first + n_visits + 1)
        given_up[:] = turned_away[:] = NO_VISIT
        for part in parts:
            come = np.flatnonzero(part.count)
            last = begin[come] + part.offset[come] + part.count[come] - 1
            follows[last] = NO_VISIT
            last_tier[last] = part.tier[come]
            if part.labeller is not None:
                last_labeller[last] = part.labeller[come]
            if part.of is not None:
                row = begin[part.of.tips] + part.sequence
                to = np.where(part.count > 0, first + begin + part.offset, NO_VISIT)[part.of.tips]
                if part.of.given_up:
                    given_up[row] = to
                if part.of.turned_away:
                    turned_away[row] = to

    def _add_branches(self, route: Route, begin: Ticks, rows: Sequence[Sequence[Ticks]], n_visits: int) -> None:
        """Write down which moments of other visits every visit awaits, and which aside follows one in vain."""
        base, first = self.awaits.used, self.sets_off.used
        awaits, labels = self._room(self.awaits, n_visits), self._room(self.labels_as, n_visits)
        gives = self._room(self.gives_as, n_visits if self.told_by else 0)
        awaits[:] = 0
        of, after, to, cue = [NOBODY], [NOBODY], [NOBODY], [NOBODY]
        for groups, of_stage in zip(route.groups, rows, strict=True):
            for group, row in zip(groups, of_stage, strict=True):
                assert group.labels_as is not None
                labels[row] = group.labels_as
                if self.told_by:
                    gives[row] = np.where(group.labels_as == NO_LABEL, NO_LABEL, group.gives)
                for one in group.begins:
                    on_way = np.flatnonzero(one.sequence != NONE)
                    awaits[row[on_way]] += 1
                    nth = awaits[row] - 1
                    cue.append(nth[on_way])
                    of.append(begin[among(group.tips, on_way)] + one.sequence[on_way])
                    after.append(np.full(on_way.size, one.after))
                    to.append(row[on_way])
                    for aside in one.instead:
                        comes = np.flatnonzero((one.sequence != NONE) & (aside != NONE))
                        of.append(begin[among(group.tips, comes)] + aside[comes])
                        after.append(np.full(comes.size, NEVER))
                        to.append(row[comes])
                        cue.append(nth[comes])
        if self.has_asides:
            given_up, turned_away = (self._room(column, n_visits) for column in (self.given_up_to, self.turned_away_to))
            given_up[:] = turned_away[:] = NO_VISIT
            for way in route.asides:
                leads_to = begin[way.tips] + way.to
                awaits[leads_to] = NO_MOMENT
                for leads, column in ((way.given_up, given_up), (way.turned_away, turned_away)):
                    if leads:
                        column[begin[way.tips] + way.sequence] = leads_to + base
        moment_of, moment_after, sets_off, of_cue = (np.concatenate(column) for column in (of, after, to, cue))
        order = np.lexsort((moment_after, sets_off, moment_of))
        self._room(self.moment_after, order.size)[:] = moment_after[order]
        self._room(self.sets_off, order.size)[:] = sets_off[order] + base
        self._room(self.cue, order.size if self.has_asides else 0)[:] = of_cue[order] if self.has_asides else NOBODY
        counts = np.bincount(moment_of, minlength=n_visits)
        self._room(self.first_moment, n_visits)[:] = first + np.cumsum(counts) - counts

    def _add_attempts(
        self,
        block: TipBlock,
        route: Route,
        rows: Sequence[Sequence[Ticks]],
        n_visits: int,
        streams: Streams,
        known: RecordedTimes | None,
    ) -> None:
        """Write down how long each attempt of the visits waits, and after how long the next is made."""
        attempts = np.zeros(n_visits, dtype=np.int64)
        for timing, of_stage in zip(self.timings, rows, strict=True):
            for row in of_stage if timing.attempts else ():
                attempts[row] = timing.attempts
        end = np.cumsum(attempts)
        begin = end - attempts
        np.multiply(begin + self.patience.used, attempts > 0, out=self._room(self.first_attempt, n_visits))
        n_attempts = int(end[-1]) if n_visits else 0
        patience, retry_after = self._room(self.patience, n_attempts), self._room(self.retry_after, n_attempts)
        called_back = self._room(self.called_back, n_attempts if self.offers else 0)
        for timing, groups, of_stage in zip(self.timings, route.groups, rows, strict=True):
            if not timing.attempts:
                continue
            for group, row in zip(groups, of_stage, strict=True):
                for nth, chosen in group.by_nth():
                    tips, tier, first = among(group.tips, chosen), group.tier[chosen], begin[row[chosen]]
                    for attempt in range(timing.attempts):
                        waits, again = timing.attempt(block, tips, tier, streams, nth, attempt)
                        if nth == 0 and attempt == 0 and known is not None and timing.patience is not None:
                            waits = known.waits(timing.patience, block, tips, tier, streams, waits)
                        if self.offers:
                            whole = np.broadcast_to(waits, first.shape)
                            accepts = timing.called_back(block, tips, tier, streams, nth, attempt, whole)
                            called_back[first + attempt] = accepts
                            waits = np.where(accepts < NEVER, NEVER, waits)
                        patience[first + attempt] = waits
                        retry_after[first + attempt] = again

    def _room(self, column: BookColumn, count: int) -> NDArray[Any]:
        tips_to_come = max(self.expected / max(self.n_tips, 1) - 1, 0.0)
        return column.room(count, (column.used + count) * tips_to_come)

    def close(self, n_backlog: int) -> tuple[Tips, Visits]:
        """The finished arrays; tips that were written after later ones take their places in order of arrival."""
        self.first_visit.room(1, 0)[0] = self.work.used
        code = {name: column.filled() for name, column in self.attributes.items()}
        for name, value in self.constant.items():
            # Pages of zeros that nobody writes to cost neither time nor memory.
            code[name] = np.full(self.n_tips, value, dtype=np.int32) if value else np.zeros(self.n_tips, dtype=np.int32)
        own = np.empty((len(self.own), self.n_tips), dtype=np.int32)
        for row, name in enumerate(self.own):
            own[row] = code.pop(name)
        tips = Tips(
            arrival=self.arrival.filled(),
            first_visit=self.first_visit.filled(),
            n_backlog=n_backlog,
            own=own,
            incident=np.empty(0, np.int32) if self.incident is None else self.incident.filled(),
            **code,
        )
        visits = Visits(
            kind=self.kind.filled(),
            work=self.work.filled(),
            tier=self.tier.filled(),
            first_attempt=self.first_attempt.filled() if self.patient else np.zeros(self.work.used, dtype=np.int64),
            patience=self.patience.filled(),
            retry_after=self.retry_after.filled(),
            final_tier=self.final_tier.filled(),
            labeller=self.labeller.filled(),
            final_labeller=self.final_labeller.filled(),
            wrap_up=self.wrap_up.filled(),
            repeat=self.repeat.filled(),
            called_back=self.called_back.filled(),
            due=self.due.filled(),
            lot=self.lot.filled(),
            follows=self.follows.filled(),
            given_up_to=self.given_up_to.filled(),
            turned_away_to=self.turned_away_to.filled(),
            last_tier=self.last_tier.filled(),
            last_labeller=self.last_labeller.filled(),
            awaits=self.awaits.filled(),
            first_moment=np.append(self.first_moment.filled(), self.sets_off.used)
            if self.in_branches
            else self.first_moment.filled(),
            moment_after=self.moment_after.filled(),
            sets_off=self.sets_off.filled(),
            cue=self.cue.filled(),
            labels_as=self.labels_as.filled(),
            gives_as=self.gives_as.filled(),
        )
        return (tips, visits) if self.incident is None else in_order(tips, visits)


def in_order(tips: Tips, visits: Visits) -> tuple[Tips, Visits]:
    """The backlog, then all other tips in order of arrival; those of one tick stay as they were."""
    nth = np.argsort(tips.arrival[tips.n_backlog :], kind="stable") + tips.n_backlog
    order = np.concatenate([np.arange(tips.n_backlog), nth])
    length = np.diff(tips.first_visit)[order]
    first_visit = np.concatenate([[0], np.cumsum(length)])
    row = np.repeat(tips.first_visit[:-1][order] - first_visit[:-1], length) + np.arange(first_visit[-1])
    of_tip = {
        name: getattr(tips, name)[order] for name in ("arrival", "centre", "channel", "risk", "category", "incident")
    }
    of_visit = {name: column[row] for name in OF_VISIT if (column := getattr(visits, name)).size}
    if visits.labeller.size:
        of_visit["final_labeller"] = visits.final_labeller[order]
    if visits.given_up_to.size:
        # The last place is for NO_VISIT, which is what stands at the end of the rows.
        now_at = np.full(row.size + 1, NO_VISIT, dtype=np.int64)
        now_at[row] = np.arange(row.size)
        of_visit |= {name: now_at[ways[row]] for name in WAYS_ON if (ways := getattr(visits, name)).size}
    if visits.branch:
        of_visit |= _moments_in_order(visits, row)
    return (
        replace(tips, first_visit=first_visit, own=tips.own[:, order], **of_tip),
        replace(visits, final_tier=visits.final_tier[order], **of_visit),
    )


def _moments_in_order(visits: Visits, row: Ticks) -> dict[str, Ticks]:
    """What the visits await, and their moments, when they lie in the order of these rows."""
    counts = np.diff(visits.first_moment)[row]
    first = np.concatenate([[0], np.cumsum(counts)])
    moment = np.repeat(visits.first_moment[:-1][row] - first[:-1], counts) + np.arange(first[-1])
    now_at = np.empty(row.size, dtype=np.int64)
    now_at[row] = np.arange(row.size)
    return {
        "awaits": visits.awaits[row],
        "labels_as": visits.labels_as[row],
        "gives_as": visits.gives_as[row] if visits.gives_as.size else visits.gives_as,
        "first_moment": first,
        "moment_after": visits.moment_after[moment],
        "sets_off": now_at[visits.sets_off[moment]],
        "cue": visits.cue[moment] if visits.cue.size else visits.cue,
    }
