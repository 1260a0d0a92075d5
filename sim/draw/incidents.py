"""Incidents: when they begin, what they are about, and the tips that each brings.

Streams go by the name of the kind of incident. What is drawn once an incident has the incident's number as its row;
what is drawn for each of its tips is found by that number and the tip's own, so that an incident that brings more tips
than before keeps those that it had and changes no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.draw.mixes import Mix, by_name
from sim.draw.rate import arrivals
from sim.draw.streams import ScatteredStreams
from sim.draw.times import whole
from sim.scenario.profiles import levels, open_shares

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sim.draw.rate import Rate
    from sim.draw.streams import Streams
    from sim.dynamics.replication import Codes, Ticks
    from sim.scenario.schema import Scenario

BLOCK = 1 << 12
"""Incidents that are drawn together."""


@dataclass(frozen=True, slots=True, eq=False)
class IncidentTips:
    """The tips of the incidents of one kind, by incident, then tip; (n,) each."""

    number: NDArray[np.int64]
    """Which incident of the kind, counted from 0 in order of their beginnings."""
    arrival: Ticks
    channel: Codes
    codes: Mapping[str, Codes]
    """By attribute what each incident is, (n_incidents,)."""
    streams: ScatteredStreams
    """Where the rest of what concerns a tip is drawn from, row by row."""


def incidents(scenario: Scenario, name: str, rate: Rate, streams: Streams) -> IncidentTips:
    """The tips of one kind of incident, so far as they come before the run ends; `rate` is that of the incidents."""
    incident = scenario.demand.incidents[name]
    ticks = [tick for _, tick in arrivals(rate, streams.stream("exponential", "arrival"), BLOCK)]
    begins = np.concatenate([np.empty(0, np.int64), *ticks])
    n = begins.size
    if incident.tips.law is None:
        count = np.full(n, incident.tips.exactly, dtype=np.int64)
    else:
        count = incident.tips.law.counts(streams.uniform("tips").rows(0, n))
    number = np.repeat(np.arange(n), count)
    tip = np.arange(number.size) - np.repeat(np.cumsum(count) - count, count)
    scattered = ScatteredStreams(streams, number, tip)
    variates = (scattered.stream(one, "over", one).rows(0, number.size) for one in incident.over.standards)
    arrival = begins[number] + whole(incident.over.times(*variates))
    shares = incident.shares(scenario.demand)
    codes = {
        key: Mix.of([shares[key]], scenario.names[key]).codes(streams.uniform(*_stream(key)).rows(0, n))
        for key in ("risk", "category", *scenario.own)
    }
    coming = np.flatnonzero(arrival < scenario.horizon)
    number, arrival = number[coming], arrival[coming]
    scattered = ScatteredStreams(streams, number, tip[coming])
    level = levels(scenario)
    uniform = scattered.uniform("channel").rows(0, number.size)
    if level.always_open:
        channel = Mix.of([shares["channel"]], scenario.channels).codes(uniform)
        return IncidentTips(number, arrival, channel, codes, scattered)
    laid = by_name(scenario.channels)
    below = np.cumsum(open_shares(level, name, arrival)[:, laid], axis=1)
    channel = np.array(laid, dtype=np.int32)[(uniform[:, None] * below[:, -1:] >= below).sum(axis=1) % len(laid)]
    # Where no channel is open a tip does not come.
    some = np.flatnonzero(below[:, -1] > 0)
    scattered = ScatteredStreams(streams, number[some], tip[coming][some])
    return IncidentTips(number[some], arrival[some], channel[some], codes, scattered)


def _stream(attribute: str) -> tuple[str, ...]:
    """The name of the stream of an attribute: those of the scenario's own are kept apart."""
    return (attribute,) if attribute in ("risk", "category") else ("attribute", attribute)
