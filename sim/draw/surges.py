"""Surges: when they come, and what they do to the rate while they last and fade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.dynamics.clock import YEAR

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from sim.draw.streams import Streams
    from sim.dynamics.replication import Ticks
    from sim.scenario.schema import Scenario, Surge


@dataclass(frozen=True, slots=True)
class Burst:
    """One occurrence of a surge: its factor less 1 from `began` to `fading`, then in a line to 0 at `over`."""

    began: int
    fading: int
    over: int
    excess: float
    channel: str | None

    def add_to(self, before: NDArray[np.float64], after: NDArray[np.float64], edge: Ticks) -> None:
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
