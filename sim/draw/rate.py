"""The rate at which tips arrive, as pieces between edges, each piece in a line; its exact inverse; and arrivals by it.

The rate of a channel is volume x share x hour x weekday x luck x growth x surges. Profiles and luck, of dates and of
hours, are steps and surges are steps and lines, so every edge is known beforehand and nothing is ever sampled "at the
current time". Growth alone is a curve; it is exact at every edge and taken in a line between, with an edge each
midnight, and each hour while a surge fades. A doubling every year is then off by less than one part in a million, and
by less than one in ten thousand within a fade.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.draw.luck import Luck
from sim.dynamics.clock import DAY, HOUR, YEAR
from sim.scenario.profiles import incident_levels, levels
from sim.scenario.together import channel_factors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from sim.draw.streams import Stream, Streams, Variates
    from sim.dynamics.replication import Ticks
    from sim.scenario.profiles import DemandLevels
    from sim.scenario.schema import Scenario, Surge

    Floats = NDArray[np.float64]

LEAST: Final = 1e-300
"""Stands in for a divisor of 0, where the dividend is 0 too."""


@dataclass(frozen=True, slots=True, eq=False)
class Rate:
    """A rate that is linear in each piece [edge[p], edge[p + 1]) and may jump at every edge.

    There is one row of values for each channel, in alphabetical order, or a single one where the channels' mix is the
    same at all times.
    """

    edge: Ticks
    """(n_pieces + 1,) ticks at which pieces begin, from 0; the last is the horizon."""
    after: Floats
    """(n_rows, n_pieces) tips a tick just after the piece begins."""
    before: Floats
    """(n_rows, n_pieces) tips a tick just before the piece ends."""
    begin: Floats
    """(n_pieces,) all rows of `after`, added up."""
    slope: Floats
    """(n_pieces,) change of the total rate in a tick."""
    cumulative: Floats
    """(n_pieces + 1,) tips expected before each edge."""

    @classmethod
    def of(cls, edge: Ticks, after: Floats, before: Floats) -> Rate:
        """The rate with these values, its pieces as long as they can be: flat and equal neighbours become one."""
        flat = (after == before).all(axis=0)
        same = flat[1:] & flat[:-1] & (after[:, 1:] == after[:, :-1]).all(axis=0)
        kept = np.concatenate(([True], ~same))
        edge = np.append(edge[:-1][kept], edge[-1])
        after, before = after[:, kept], before[:, kept]
        begin, end, span = after.sum(axis=0), before.sum(axis=0), np.diff(edge)
        cumulative = np.concatenate(([0.0], np.cumsum((begin + end) / 2 * span)))
        return cls(edge, after, before, begin, (end - begin) / span, cumulative)

    @property
    def total(self) -> float:
        """Tips expected in all."""
        return float(self.cumulative[-1])

    def invert(self, sums: Variates) -> Ticks:
        """(n,) ticks at which the cumulative rate reaches the rising (n,) `sums`, all below the total.

        In a piece that begins at rate a with slope b, a sum of u beyond its beginning is reached 2u / (a + sqrt(a^2 +
        2bu)) later: the root of bx^2/2 + ax = u in the form that loses no digits when b is small.
        """
        pieces = self._pieces(self.cumulative, sums)
        beyond = sums - self.cumulative[pieces]
        begin, slope = self.begin[pieces], self.slope[pieces]
        if np.any(slope):
            divisor = slope * beyond
            divisor *= 2
            divisor += begin * begin
            np.maximum(divisor, 0, out=divisor)
            np.sqrt(divisor, out=divisor)
            divisor += begin
            beyond *= 2
            beyond /= np.maximum(divisor, LEAST, out=divisor)
        else:
            beyond /= begin
        tick = beyond.astype(np.int64)
        tick += self.edge[pieces]
        # Rounding may carry a tip that belongs just before an edge to the edge itself, where another rate begins.
        return np.minimum(tick, self.edge[1:][pieces] - 1, out=tick)

    def codes(self, tick: Ticks, uniform: Variates) -> NDArray[np.int32]:
        """(n,) rows of the channels of tips that arrive at the rising (n,) ticks: by the rate just then."""
        pieces = self._pieces(self.edge, tick)
        span = self.edge[1:][pieces] - self.edge[pieces]
        into = (tick - self.edge[pieces]) / span
        rates = [after[pieces] * (1 - into) + before[pieces] * into for after, before in self._rows()]
        bound = np.cumsum(rates, axis=0)
        aim = uniform * bound[-1]
        code = np.zeros(tick.size, dtype=np.int32)
        for upper in bound[:-1]:
            code += aim >= upper
        return code

    def _rows(self) -> Iterator[tuple[Floats, Floats]]:
        return zip(self.after, self.before, strict=True)

    @staticmethod
    def _pieces(edge: NDArray[np.float64] | Ticks, values: NDArray[np.float64] | Ticks) -> NDArray[np.int64] | int:
        """The piece of each of the rising values: a single number if they all lie in one.

        The few edges are searched among the many values, not each value among the edges.
        """
        first, last = (edge.searchsorted(values[[0, -1]], side="right") - 1).tolist()
        if first == last:
            return int(first)
        cuts = values.searchsorted(edge[first + 1 : last + 1])
        counts = np.diff(cuts, prepend=0, append=values.size)
        return np.repeat(np.arange(first, last + 1), counts)


@dataclass(frozen=True, slots=True)
class Burst:
    """One occurrence of a surge: its factor less 1 from `began` to `fading`, then in a line to 0 at `over`."""

    began: int
    fading: int
    over: int
    excess: float
    channel: str | None

    def add_to(self, before: Floats, after: Floats, edge: Ticks) -> None:
        """Add the burst to the values just after and just before the edges of each piece; its own ticks are edges."""
        start, middle, end = edge.searchsorted((self.began, self.fading, self.over)).tolist()
        end = min(end, before.size)
        before[start:middle] += self.excess
        after[start:middle] += self.excess
        if middle < end:
            slope = self.excess / (self.over - self.fading)
            before[middle:end] += slope * (self.over - edge[middle:end])
            after[middle:end] += slope * (self.over - edge[middle + 1 : end + 1])


def poisson_ticks(generator: Generator, per_year: float, until: int) -> list[int]:
    """Ticks after 0 and before `until` of a Poisson process; a later `until` only adds to them."""
    ticks: list[int] = []
    at = 0.0
    while True:
        at += generator.standard_exponential() / per_year * YEAR
        if at >= until:
            return ticks
        ticks.append(int(at))


def begins(surge: Surge, scenario: Scenario, streams: Streams) -> list[int]:
    """The ticks at which a surge begins, so far as they matter to the run; random ones both ways from `run.start`."""
    if surge.at is not None:
        return [scenario.local.tick_of(surge.at)]
    if not surge.per_year:
        return []
    ahead = poisson_ticks(streams.generator("surge", surge.name, "ahead"), surge.per_year, scenario.horizon)
    span = surge.lasts + surge.fades
    behind = poisson_ticks(streams.generator("surge", surge.name, "behind"), surge.per_year, span)
    return [-tick - 1 for tick in reversed(behind)] + ahead


def bursts(scenario: Scenario, streams: Streams) -> list[Burst]:
    """Every occurrence of every surge that touches the run."""
    found = []
    for surge in scenario.demand.surges:
        for began in begins(surge, scenario, streams):
            fading = began + surge.lasts
            burst = Burst(began, fading, fading + surge.fades, surge.factor - 1.0, surge.channel)
            if burst.began < scenario.horizon and burst.over > 0 and burst.excess:
                found.append(burst)
    return found


def rate(scenario: Scenario, streams: Streams, luck: Luck | None = None, incident: str | None = None) -> Rate:
    """The rate of a scenario's arrivals over the whole run, or that at which incidents begin; its busyness, kinds of
    dates and random surges are drawn here, where its luck is not given. Incidents share what is said of all tips alike.

    Two closures at once (surges of factor 0) do not make a rate negative: it is never below 0.
    """
    found, level = (
        bursts(scenario, streams),
        levels(scenario) if incident is None else incident_levels(scenario, incident),
    )
    luck = Luck(scenario, streams) if luck is None else luck
    rows = level.rows
    if incident is None and _apart(scenario):
        rows = tuple(sorted(scenario.channels))
    edge = edges(scenario, level, found, luck)
    factors = [surge_factors(edge, found, channel) for channel in rows]
    crossings = [crossing for after, before in factors for crossing in _crossings(edge, after, before)]
    if crossings:
        edge = _rising([edge, np.array(crossings, dtype=np.int64)])
        factors = [surge_factors(edge, found, channel) for channel in rows]
    common = scenario_factors(scenario, level.base, edge, luck)
    steps = [level.at(channel, edge[:-1]) for channel in rows]
    if incident is None:
        steps = [step * luck.of_channel(edge[:-1], channel) for step, channel in zip(steps, rows, strict=True)]
    after, before = (
        np.array([step * by_time * np.maximum(side, 0) for step, side in zip(steps, sides, strict=True)])
        for by_time, sides in zip(common, zip(*factors, strict=True), strict=True)
    )
    return Rate.of(edge, after, before)


def _apart(scenario: Scenario) -> bool:
    """Whether surges or kinds of dates concern some channels more than others."""
    demand = scenario.demand
    return any(surge.channel is not None for surge in demand.surges) or any(
        len({*row}) > 1 for row in channel_factors(demand).values()
    )


def edges(scenario: Scenario, level: DemandLevels, found: Sequence[Burst], luck: Luck) -> Ticks:
    """Every tick at which the rate may jump or bend, from 0 to the horizon."""
    demand, horizon, marks = scenario.demand, scenario.horizon, scenario.local.marks
    parts = [np.array([0, horizon], dtype=np.int64), *level.edges(), *luck.edges()]
    if demand.growth:
        parts.append(marks(0, horizon, DAY))
    for burst in found:
        parts.append(np.array([burst.began, burst.fading, burst.over], dtype=np.int64))
        if demand.growth:
            parts.append(marks(max(burst.fading, 0), min(burst.over, horizon), HOUR))
    edge = _rising(parts)
    return edge[edge.searchsorted(0) : edge.searchsorted(horizon, side="right")]


def _rising(parts: Sequence[Ticks]) -> Ticks:
    """All the ticks, each once."""
    tick = np.sort(np.concatenate(parts))
    return tick[np.concatenate(([True], tick[1:] != tick[:-1]))]


def surge_factors(edge: Ticks, found: Sequence[Burst], channel: str | None) -> tuple[Floats, Floats]:
    """1 + the sum of (factor - 1) of the bursts on a channel, just after and just before the edges of each piece."""
    after, before = np.ones(edge.size - 1), np.ones(edge.size - 1)
    for burst in found:
        if burst.channel is None or burst.channel == channel:
            burst.add_to(after, before, edge)
    return after, before


def _crossings(edge: Ticks, after: Floats, before: Floats) -> list[int]:
    """Where factors cross 0 within a piece: there the rate bends, because it is never below 0."""
    crossed = np.flatnonzero(after * before < 0)
    into = np.diff(edge)[crossed] * after[crossed] / (after[crossed] - before[crossed])
    return [int(tick) for tick in edge[crossed] + np.rint(into).astype(np.int64)]


def scenario_factors(scenario: Scenario, base: float, edge: Ticks, luck: Luck) -> tuple[Floats, Floats]:
    """Tips a tick by volume, growth and luck alone, just after and just before the edges of each piece."""
    level = (1.0 + scenario.demand.growth) ** (edge / YEAR) * base
    whole = luck.whole(edge[:-1])
    return level[:-1] * whole, level[1:] * whole


def arrivals(rate: Rate, exponential: Stream, size: int) -> Iterator[tuple[int, Ticks]]:
    """The ticks of arrival, never falling, in blocks of up to `size`, each with the index of its first tip.

    Unit exponentials are added up until the cumulative rate is used up, and turned into ticks by its inverse. Tip i
    comes where the cumulative rate reaches the sum of the first i + 1 exponentials, so a larger volume or a longer run
    keeps every tip and adds others behind.
    """
    first, reached = 0, 0.0
    while rate.total > reached:
        left = rate.total - reached
        gaps = exponential.fill(first, np.empty(min(size, int(left + 4 * left**0.5) + 16)))
        gaps[0] += reached
        sums = np.cumsum(gaps, out=gaps)
        count = int(sums.searchsorted(rate.total))
        if count:
            yield first, rate.invert(sums[:count])
        if count < sums.size:
            return
        first += count
        reached = float(sums[-1])
