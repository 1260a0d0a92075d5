"""A scenario made ready for drawing: all that is the same for every replication, worked out once."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.draw.backlog import from_aside, from_stage
from sim.draw.book import Book
from sim.draw.incidents import incidents
from sim.draw.luck import Luck, mixes_by_kind
from sim.draw.mixes import Mix, by_name
from sim.draw.rate import Rate, arrivals, rate
from sim.draw.recorded import resampled
from sim.draw.routes import Route, TipBlock, Walk
from sim.draw.steps import steps
from sim.draw.streams import Streams
from sim.draw.times import RecordedTimes, timings
from sim.dynamics.clock import NEVER
from sim.scenario.branches import branching
from sim.scenario.faults import Mark, ScenarioError
from sim.scenario.faults import at as fault
from sim.scenario.limits import ENOUGH, MOST_CANDIDATES
from sim.scenario.profiles import plain_shares
from sim.scenario.rules import kind_code, rules
from sim.scenario.shifts import plan
from sim.scenario.together import category_factors
from sim.scenario.trace import Trace, trace
from sim.scenario.tracefile import DRAWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sim.dynamics.replication import Codes, Plan, Rules, Ticks, Tips, Visits
    from sim.scenario.schema import Scenario

SIZE: Final = 1 << 15
"""Tips drawn together: so many that numpy's calls cost little, so few that what they work on stays in the cache."""

REMEMBERED: Final = 16
"""Scenarios that are kept ready."""


class Prepared:
    """The mixes, routes and times of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        demand = scenario.demand
        self.scenario = scenario
        self.steps = steps(scenario)
        self.timings = timings(scenario)
        self.code = kind_code(scenario)
        self.shuffled = any(pool.order == "random" for pool in scenario.pools.values())
        self.has_asides = any(step.is_aside for step in self.steps)
        self.mixes = {
            "centre": Mix(list(scenario.centres.values())),
            "channel": Mix(plain_shares(scenario), scenario.channels),
            "risk": Mix.of([demand.risk[channel] for channel in scenario.channels], scenario.risks),
            "category": Mix.of([demand.categories], scenario.categories),
        }
        for name, names in scenario.own.items():
            self.mixes[name] = Mix.of([demand.attributes[name][channel] for channel in scenario.channels], names)
        shifted = any(len({*row}) > 1 for row in category_factors(demand).values())
        self.by_kind = mixes_by_kind(scenario) if shifted else None
        """The mix of categories by the kind of the date; None where dates do not shift it."""
        self.channel_of_row = np.array(by_name(scenario.channels), dtype=np.int32)
        """The channel of each row of a rate that tells them apart."""
        self.certain = {name: mix.certain for name, mix in self.mixes.items() if mix.certain is not None}

    def draw(self, index: int, seed: int, streams: Streams | None = None) -> tuple[Tips, Visits]:
        """The tips of one replication, each with its visits; `streams` are those of the replication, where they are at
        hand."""
        streams = Streams(seed, index) if streams is None else streams
        scenario, demand = self.scenario, self.scenario.demand
        book, n_backlog = self._begun(streams)
        if demand.trace is not None:
            part, tips = streams.part("trace"), trace(scenario)
            drawn = demand.trace.resample is not None
            self._add_trace(book, part, resampled(scenario, tips, part) if drawn else tips)
        else:
            luck = Luck(scenario, streams)
            arriving = rate(scenario, streams, luck)
            book.expected += arriving.total
            for block, tick in self._arriving(streams, arriving, luck):
                book.add(block, tick, self._walk(block, streams), streams)
            for at, name in enumerate(sorted(demand.incidents)):
                self._add_incidents(book, streams, luck, at, name)
        return book.close(n_backlog)

    def slices(self, index: int, seed: int, size: Callable[[], int]) -> Iterator[tuple[Tips, Visits]]:
        """The same tips, about as many at a time as `size` then says, each time numbered from 0; the backlog comes with
        the first of them.

        Every stream is read forwards, so what is drawn does not depend on the sizes. ValueError where tips are
        recorded, or come with incidents: they do not come in order.
        """
        scenario = self.scenario
        if scenario.demand.trace is not None or scenario.demand.incidents:
            raise ValueError("tips of records and of incidents are not drawn in the order in which they come")
        streams = Streams(seed, index)
        book, n_backlog = self._begun(streams)
        luck = Luck(scenario, streams)
        arriving = rate(scenario, streams, luck)
        enough = size()
        book.expected += min(arriving.total, enough)
        for block, tick in self._arriving(streams, arriving, luck):
            book.add(block, tick, self._walk(block, streams), streams)
            if book.n_tips >= enough:
                yield book.close(n_backlog)
                book, n_backlog, enough = self._book(), 0, size()
                book.expected += min(arriving.total, enough)
        yield book.close(n_backlog)

    def _book(self) -> Book:
        """An empty book for the tips of a replication."""
        scenario, demand = self.scenario, self.scenario.demand
        # What a trace or an incident gives may be what is never drawn: then only the centre can be the same for all.
        plain = demand.trace is None and not demand.incidents
        constant = {name: code for name, code in self.certain.items() if name == "centre" or plain}
        about = bool(demand.incidents) if demand.trace is None else bool((trace(scenario).incident >= 0).any())
        return Book(
            self.timings,
            self.code,
            constant,
            own=tuple(scenario.own),
            told_by=scenario.labellers_matter,
            incidents=about,
            shuffled=self.shuffled,
            has_asides=self.has_asides,
            in_branches=branching(scenario.stages),
            merges=scenario.merges,
        )

    def _arriving(self, streams: Streams, arriving: Rate, luck: Luck) -> Iterator[tuple[TipBlock, Ticks]]:
        """The tips that arrive, block by block, and when; where the mix of channels changes with time, each by the mix
        just then."""
        for first, tick in arrivals(arriving, streams.stream("exponential", "arrival"), SIZE):
            known = {}
            if len(arriving.after) > 1:
                row = arriving.codes(tick, streams.uniform("channel").rows(first, tick.size))
                known["channel"] = self.channel_of_row[row]
            kind = None if self.by_kind is None else luck.kind_at(tick)
            if kind is not None and self.by_kind is not None:
                known["category"] = self.by_kind.codes(streams.uniform("category").rows(first, tick.size), kind)
            yield self._block(streams, first, tick.size, known), tick

    def _add_incidents(self, book: Book, streams: Streams, luck: Luck, at: int, name: str) -> None:
        """Draw the incidents of a kind and write down the tips that they bring before the run ends."""
        scenario, part = self.scenario, streams.part("incident", name)
        found = incidents(scenario, name, rate(scenario, streams, luck, name), part)
        book.expected += len(found.number)
        for first in range(0, len(found.number), SIZE):
            rows = slice(first, first + SIZE)
            number, tick = found.number[rows], found.arrival[rows]
            own = {key: found.codes[key][number] for key in scenario.own}
            risk, category = (found.codes[key][number] for key in ("risk", "category"))
            about = number * len(scenario.demand.incidents) + at
            centre = self.mixes["centre"].codes(found.streams.uniform("centre").rows(first, tick.size))
            block = TipBlock(first, centre, found.channel[rows], risk, category, own, about.astype(np.int32))
            book.add(block, tick, self._walk(block, found.streams), found.streams)

    def _add_trace(self, book: Book, streams: Streams, recorded: Trace) -> None:
        """Write down recorded tips, and draw what the record leaves open; channels then by their plain shares."""
        book.expected += len(recorded)
        for first in range(0, len(recorded), SIZE):
            part = slice(first, first + SIZE)
            tick = recorded.arrival[part]
            known = {name: recorded.code(name)[part] for name in ("channel", "risk", "category", *self.scenario.own)}
            given = {self.scenario.stage_index(name): work[part] for name, work in recorded.work.items()}
            block = replace(self._block(streams, first, tick.size, known), incident=recorded.incident[part])
            if (recorded.tier != DRAWN).any():
                block = replace(block, told_tier=recorded.tier[part])
            book.add(block, tick, self._walk(block, streams), streams, given, self._known(recorded, part))

    def _known(self, recorded: Trace, part: slice) -> RecordedTimes | None:
        """What a record tells of patience and wrap-up; None where it tells nothing of them."""
        told = (recorded.patience < NEVER) | (recorded.bears > 0) | (recorded.wrap_up < NEVER)
        if not told.any():
            return None
        columns = (recorded.patience[part], recorded.bears[part], recorded.wrap_up[part])
        asked = (np.zeros(len(columns[0]), dtype=np.bool_) for _ in range(2))
        return RecordedTimes(*columns, *asked)

    def _block(self, streams: Streams, first: int, count: int, known: Mapping[str, Codes]) -> TipBlock:
        """The attributes of so many tips from row `first` on; `known` are those that need no drawing, or not all."""

        def codes(name: str, row: Codes | None = None) -> Codes:
            given = known.get(name)
            if given is not None and (given != DRAWN).all():
                return given
            certain = self.certain.get(name)
            if certain is not None:
                drawn = np.full(count, certain, dtype=np.int32)
            else:
                stream = ("attribute", name) if name in self.scenario.own else (name,)
                drawn = self.mixes[name].codes(streams.uniform(*stream).rows(first, count), row)
            return drawn if given is None else np.where(given == DRAWN, drawn, given)

        channel = codes("channel")
        own = {name: codes(name, channel) for name in self.scenario.own}
        return TipBlock(first, codes("centre"), channel, codes("risk", channel), codes("category"), own)

    def _walk(self, block: TipBlock, streams: Streams) -> Route:
        scenario = self.scenario
        return Walk(self.steps, block, streams, not scenario.labels, scenario.labellers_matter).route()

    def _begun(self, streams: Streams) -> tuple[Book, int]:
        """A book in which the tips stand that wait when the run starts, in the order of the stages, and how many."""
        book, start_with = self._book(), self.scenario.start_with
        sizes = {} if start_with is None else start_with.backlog
        for at, wanted in sorted((self.scenario.stage_index(name), wanted) for name, wanted in sizes.items()):
            self._add_backlog(book, streams.part("backlog", self.steps[at].name), at, wanted)
        return book, book.n_tips

    def _add_backlog(self, book: Book, streams: Streams, at: int, wanted: int) -> None:
        """Draw the tips that wait at a stage when the run starts; ScenarioError when too few can be found."""
        book.expected += wanted
        missing, first = wanted, 0
        while missing:
            if first >= MOST_CANDIDATES + ENOUGH * (wanted - missing):
                name, mark = self.steps[at].name, Mark(str(self.scenario.path))
                rule = f"next to no tip comes to '{name}': of {first} that were drawn, {wanted - missing}"
                raise ScenarioError([fault(mark, ("start_with", "backlog", name), rule, str(wanted))])
            count = min(SIZE, max(2 * missing, first, 64))
            block = self._block(streams, first, count, {})
            route = self._walk(block, streams)
            aside = self.steps[at].is_aside
            for found in from_aside(route, at, missing) if aside else [from_stage(route, at, missing)]:
                missing -= found.n_tips
                book.add(block, np.zeros(count, dtype=np.int64), found, streams)
            first += count


class _Same:
    """A scenario as a key of a cache: equal to itself alone, so that nobody need compare whole documents."""

    __slots__ = ("scenario",)

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    def __hash__(self) -> int:
        return id(self.scenario)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.scenario is self.scenario


@cache
def keep_memory() -> None:
    """Let the allocator keep the memory of one replication for the next.

    glibc gives freed memory back to the system, to be had again page by page for a third of the time of a draw, unless
    it has seen a larger block come and go. This shows it one that is never touched, of nearly the largest size that it
    learns from (32 MiB); to other allocators it means nothing.
    """
    np.empty((32 << 20) - (1 << 16), dtype=np.int8)


@lru_cache(maxsize=REMEMBERED)
def _prepared(key: _Same) -> Prepared:
    keep_memory()
    return Prepared(key.scenario)


@lru_cache(maxsize=REMEMBERED)
def _fixed(key: _Same) -> tuple[Rules, Plan]:
    return rules(key.scenario), plan(key.scenario)


def prepared(scenario: Scenario) -> Prepared:
    """The scenario made ready for drawing; the last few are remembered."""
    return _prepared(_Same(scenario))


def fixed(scenario: Scenario) -> tuple[Rules, Plan]:
    """The rules and the plan of a scenario, the same for every replication; the last few are remembered."""
    return _fixed(_Same(scenario))
