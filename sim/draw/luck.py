"""What makes whole dates and hours busy or quiet: kinds of dates, and factors of mean 1 that swing with time.

Row i of a stream is that of day i since the day of `run.start`, or of step i since its midnight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.draw.mixes import Mix
from sim.dynamics.clock import DAY
from sim.scenario.together import category_factors, channel_factors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.draw.streams import Streams, Variates
    from sim.dynamics.replication import Codes, Ticks
    from sim.scenario.schema import Scenario
    from sim.scenario.together import Busyness

    Floats = NDArray[np.float64]


class Luck:
    """The luck of one replication: of the demand as a whole, of a channel, and of what comes without incidents."""

    def __init__(self, scenario: Scenario, streams: Streams) -> None:
        self.scenario = scenario
        demand, n_days = scenario.demand, len(scenario.local.days_until(scenario.horizon))
        self.kind: Codes | None = None
        """(n_days,) the kind of each date."""
        if demand.day_kinds:
            mix = Mix([kind.share for kind in demand.day_kinds.values()], tuple(demand.day_kinds))
            self.kind = mix.codes(streams.uniform("day kind").rows(0, n_days))
        self.of_day: Floats | None = None
        if demand.busyness_cv:
            self.of_day = busyness(demand.busyness_cv, streams.uniform("busyness").rows(0, n_days))
        self.of_step: Floats | None = None
        if demand.busyness is not None and demand.busyness.cv:
            n_steps = int(self._step(np.array([scenario.horizon - 1]))[0]) + 1
            self.of_step = swings(demand.busyness, streams.stream("normal", "busyness", "steps").rows(0, n_steps))

    def edges(self) -> list[Ticks]:
        """Ticks at which the luck may change."""
        local, horizon, found = self.scenario.local, self.scenario.horizon, []
        if self.kind is not None or self.of_day is not None:
            found.append(local.marks(0, horizon, DAY))
        if self.of_step is not None:
            assert self.scenario.demand.busyness is not None
            every = self.scenario.demand.busyness.every
            first = -(-local.phase // every) * every - local.phase
            found.append(local.marks(0, horizon, DAY) if self._daily else np.arange(first, horizon, every))
        return found

    def whole(self, tick: Ticks) -> Floats:
        """The factor of the demand as a whole at these ticks."""
        found = np.ones(tick.size)
        day = self.scenario.local.day(tick)
        if self.kind is not None:
            found *= np.array([kind.plain for kind in self.scenario.demand.day_kinds.values()])[self.kind[day]]
        if self.of_day is not None:
            found *= self.of_day[day]
        if self.of_step is not None:
            found *= self.of_step[self._step(tick)]
        return found

    def of_channel(self, tick: Ticks, channel: str | None) -> Floats:
        """The factor besides of what comes on a channel without incidents, or on all of them where they do not differ.

        Where kinds of dates tell categories apart, more of some are more tips of all.
        """
        demand = self.scenario.demand
        if self.kind is None:
            return np.ones(tick.size)
        mix = np.array(list(demand.categories.values()))
        factor = np.array(list(category_factors(demand).values())) @ (mix / mix.sum())
        if channel is not None:
            at = self.scenario.channels.index(channel)
            by_channel = [row[at] for row in channel_factors(demand).values()]
            factor = factor * by_channel / np.array([kind.plain or 1.0 for kind in demand.day_kinds.values()])
        found: Floats = factor[self.kind[self.scenario.local.day(tick)]]
        return found

    def kind_at(self, tick: Ticks) -> Codes | None:
        """The kind of the date of each tick; None where there are none."""
        return None if self.kind is None else self.kind[self.scenario.local.day(tick)]

    @property
    def _daily(self) -> bool:
        """Whether steps are whole days, which begin at local midnights."""
        given = self.scenario.demand.busyness
        return given is not None and given.every % DAY == 0

    def _step(self, tick: Ticks) -> Ticks:
        """The step of each tick: of local days where it is of whole days, else of the time that has passed."""
        given, local = self.scenario.demand.busyness, self.scenario.local
        assert given is not None
        if self._daily:
            return local.day(tick) // (given.every // DAY)
        return (tick + local.phase) // given.every


def busyness(cv: float, uniform: Variates) -> Floats:
    """Gamma factors of mean 1 and the given cv, rising with the uniforms: another cv keeps each day's luck."""
    from scipy.special import gammaincinv

    shape = cv**-2
    return np.asarray(gammaincinv(shape, uniform) / shape, dtype=np.float64)


def swings(given: Busyness, normal: Variates) -> Floats:
    """Gamma factors, step by step: the quantiles of a stationary normal process in which each value is `correlation`
    times the one before and a normal deviate of its own, its first value being one of the long run."""
    from scipy.signal import lfilter
    from scipy.special import ndtr

    rho = given.correlation
    own = normal * np.sqrt(1 - rho**2)
    own[:1] = normal[:1]
    return busyness(given.cv, ndtr(lfilter([1.0], [1.0, -rho], own)))


def mixes_by_kind(scenario: Scenario) -> Mix:
    """The mix of categories on dates of each kind."""
    demand = scenario.demand
    mix = np.array(list(demand.categories.values()))
    rows = mix * np.array(list(category_factors(demand).values()))
    return Mix(np.where(rows.sum(axis=1, keepdims=True) > 0, rows, mix), scenario.categories)
