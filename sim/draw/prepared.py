"""A scenario made ready for drawing: all that is the same for every replication, worked out once."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.draw.arrivals import arrivals
from sim.draw.backlog import MOST_CANDIDATES, from_stage
from sim.draw.book import Book
from sim.draw.mixes import Mix
from sim.draw.rate import Rate, rate
from sim.draw.routes import Block, Route, Walk
from sim.draw.steps import steps
from sim.draw.streams import Streams
from sim.draw.times import timings
from sim.scenario.faults import Mark, ScenarioError
from sim.scenario.faults import at as fault
from sim.scenario.rules import kind_code, rules
from sim.scenario.shifts import plan

if TYPE_CHECKING:
    from sim.dynamics.replication import Codes, Plan, Rules, Ticks, Tips, Visits
    from sim.scenario.schema import Scenario

SIZE: Final = 1 << 14
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
        self.mix = {
            "centre": Mix(list(scenario.centres.values())),
            "channel": Mix([channel.share for channel in demand.channels.values()]),
            "risk": Mix.of([demand.risk[channel] for channel in scenario.channels], scenario.risks),
            "category": Mix.of([demand.categories], scenario.categories),
        }
        self.constant = {name: mix.certain for name, mix in self.mix.items() if mix.certain is not None}

    def draw(self, index: int, seed: int) -> tuple[Tips, Visits]:
        """The tips of one replication, each with its visits."""
        streams = Streams(seed, index)
        arriving = rate(self.scenario, streams)
        waiting = self._backlog_sizes()
        book = Book(self.timings, self.code, self.constant, arriving.total + sum(waiting.values()))
        for at, wanted in waiting.items():
            self._add_backlog(book, streams.part("backlog", self.steps[at].name), at, wanted)
        n_backlog = book.n_tips
        for first, tick in arrivals(arriving, streams.stream("exponential", "arrival"), SIZE):
            block = self._block(streams, first, tick.size, self._channels(arriving, streams, first, tick))
            book.add(block, tick, self._walk(block, streams), streams)
        return book.close(n_backlog)

    def _channels(self, arriving: Rate, streams: Streams, first: int, tick: Ticks) -> Codes:
        """The channels of tips, by the mix of channels at the time of arrival."""
        if len(arriving.after) == 1:
            return self._codes("channel", streams, first, tick.size)
        return arriving.codes(tick, streams.uniform("channel").rows(first, tick.size))

    def _block(self, streams: Streams, first: int, count: int, channel: Codes) -> Block:
        return Block(
            first=first,
            centre=self._codes("centre", streams, first, count),
            channel=channel,
            risk=self._codes("risk", streams, first, count, channel),
            category=self._codes("category", streams, first, count),
        )

    def _codes(self, name: str, streams: Streams, first: int, count: int, row: Codes | None = None) -> Codes:
        mix = self.mix[name]
        if mix.certain is not None:
            return np.full(count, mix.certain, dtype=np.int32)
        return mix.codes(streams.uniform(name).rows(first, count), row)

    def _walk(self, block: Block, streams: Streams) -> Route:
        return Walk(self.steps, block, streams, labelled=not self.scenario.labels).route()

    def _backlog_sizes(self) -> dict[int, int]:
        """How many tips wait at which stage when the run starts, in the order of the stages."""
        start_with = self.scenario.start_with
        if start_with is None:
            return {}
        sizes = {self.scenario.stage_index(name): wanted for name, wanted in start_with.backlog.items() if wanted}
        return dict(sorted(sizes.items()))

    def _add_backlog(self, book: Book, streams: Streams, at: int, wanted: int) -> None:
        missing, first = wanted, 0
        while missing:
            if first >= MOST_CANDIDATES:
                name, mark = self.steps[at].name, Mark(str(self.scenario.path))
                rule = f"next to no tip comes to '{name}': of {first} that were drawn, {wanted - missing}"
                raise ScenarioError([fault(mark, ("start_with", "backlog", name), rule, str(wanted))])
            count = min(SIZE, max(2 * missing, 64))
            block = self._block(streams, first, count, self._codes("channel", streams, first, count))
            route = from_stage(self._walk(block, streams), at, missing)
            missing -= route.n_tips
            book.add(block, np.zeros(count, dtype=np.int64), route, streams)
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


@lru_cache(maxsize=REMEMBERED)
def _prepared(key: _Same) -> Prepared:
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
