"""A log by its map, whatever its shape."""

from __future__ import annotations

from sim.logs.calls import Log, read_calls
from sim.logs.counts import Counts, read_counts
from sim.logs.events import read_events, read_visits
from sim.logs.files import Raw
from sim.logs.map import Map


def read_log(raw: Raw, made: Map) -> Log | Counts:
    """What a log tells, cleaned; LogError where it tells nothing."""
    if made.shape == "calls":
        return read_calls(raw, made)
    if made.shape == "events":
        return read_events(raw, made)
    if made.shape == "visits":
        return read_visits(raw, made)
    return read_counts(raw, made)
