"""Small scenarios for tests of the draw, written as documents and loaded like any other."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from sim.draw.rate import Rate, arrivals, rate
from sim.draw.streams import Streams
from sim.dynamics.replication import Codes, Replication, Ticks
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
    blocks = [tick for _, tick in arrivals(rate(scenario, streams), streams.stream("exponential", "arrival"), size)]
    return np.concatenate([np.empty(0, dtype=np.int64), *blocks])


def stage_of(replication: Replication) -> Codes:
    """The stage of every visit."""
    return replication.rules.kinds.stage[replication.visits.kind]


def routes_of(scenario: Scenario, replication: Replication) -> list[list[str]]:
    """The names of the stages that each tip visits, in order."""
    names = [stage.name for stage in scenario.stages]
    return [[names[stage] for stage in visits] for visits in by_tip(replication, stage_of(replication))]


def labels_of(scenario: Scenario, replication: Replication) -> list[list[str | None]]:
    """The label with which each tip reaches each of its stages, and the one with which it ends."""
    names = [*scenario.tiers, None]
    visits = by_tip(replication, replication.visits.tier)
    return [
        [names[tier] for tier in [*reached, last]]
        for reached, last in zip(visits, replication.visits.final_tier, strict=True)
    ]


def by_tip(replication: Replication, values: NDArray[Any]) -> list[list[Any]]:
    """The values of visits, tip by tip."""
    return [part.tolist() for part in np.split(values, replication.tips.first_visit[1:-1])]


def tip_of(replication: Replication) -> Ticks:
    """The tip of every visit."""
    return np.repeat(np.arange(len(replication.tips)), np.diff(replication.tips.first_visit))


def arrays(replication: Replication) -> dict[str, NDArray[Any]]:
    """Everything that is drawn, by name."""
    parts = (replication.tips, replication.visits)
    return {
        field.name: getattr(part, field.name) for part in parts for field in fields(part) if field.name != "n_backlog"
    }


def same(one: Replication, other: Replication) -> bool:
    """Whether two replications have the same tips, with the same visits."""
    first, second = arrays(one), arrays(other)
    return all(np.array_equal(first[name], second[name]) for name in first)


def likely(counts: ArrayLike, shares: list[float]) -> bool:
    """Whether counts agree with shares: false for one seed in a million, if the shares are right."""
    expected = np.array(shares) * np.sum(counts)
    return bool(((counts - expected) ** 2 / expected).sum() < chi2.ppf(1 - 1e-6, len(shares) - 1))
