"""Small scenarios for tests of the draw, written as documents and loaded like any other."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from sim.draw.arrivals import arrivals
from sim.draw.rate import Rate, rate
from sim.draw.streams import Streams
from sim.dynamics.replication import Ticks
from sim.scenario.loading import load
from sim.scenario.schema import Scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"

MONDAY = "2025-01-06 00:00"


def world(length: str = "1 d", start: str = MONDAY, **parts: Any) -> Scenario:
    """A plain scenario in which some parts of the document are replaced."""
    document = {
        "scenario": "A plain line",
        "run": {"start": start, "length": length, "cool_down": "0 d"},
        "demand": {"volume": "240/d"},
        "pools": {"desk": {"staff": 1}},
        "stages": [{"name": "answer", "pool": "desk", "service": "5 min"}],
        **parts,
    }
    with TemporaryDirectory() as folder:
        path = Path(folder) / "plain.yaml"
        path.write_text(json.dumps(document), encoding="utf-8")
        return load(path)


def demand(length: str = "1 d", start: str = MONDAY, **given: Any) -> Scenario:
    """A plain scenario with this demand."""
    return world(length, start, demand={"volume": "240/d", **given})


def rate_of(scenario: Scenario, index: int = 0) -> Rate:
    return rate(scenario, Streams(scenario.run.seed, index))


def arrivals_of(scenario: Scenario, index: int = 0, size: int = 1000) -> Ticks:
    """The ticks of arrival of one replication."""
    streams = Streams(scenario.run.seed, index)
    blocks = [
        tick for _, tick in arrivals(rate(scenario, streams), streams.stream("exponential", "arrival"), size)
    ]
    return np.concatenate([np.empty(0, dtype=np.int64), *blocks])
