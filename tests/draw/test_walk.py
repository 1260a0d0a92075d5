"""Vectorised routes and times against a plain loop over one tip at a time, which reads the same streams."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from sim.draw import draw
from sim.draw.streams import Streams
from sim.dynamics.replication import NO_LABEL
from sim.scenario.faults import ScenarioError
from sim.scenario.pools import Filter
from sim.scenario.schema import Scenario
from tests.draw.worlds import by_tip, stage_of, world

LANGUAGES = ("en", "es", "so")
RISKS, CHANNELS, TIERS = ("high", "low"), ("call", "sms"), ("red", "green", "grey")


def a_share(rng: random.Random) -> Any:
    return rng.choice([0, 0.3, 0.7, 1])


def a_filter(rng: random.Random) -> dict[str, Any]:
    return rng.choice(
        [
            {"channel": rng.choice(CHANNELS)},
            {"risk": rng.choice(RISKS)},
            {"tier": rng.sample(TIERS, 2)},
            {"labelled": rng.random() < 0.5},
            {"tier": "red", "channel": "call"},
            {"language": rng.choice(LANGUAGES)},
            {"labelled_by": rng.choice(["one", "two"])},
            {"labelled_by": "two", "tier": "grey", "language": rng.sample(LANGUAGES, 2)},
        ]
    )


def a_world(rng: random.Random) -> Scenario:
    """A random line with filters, shares, labels and rework; ScenarioError where it makes no sense."""
    names = [f"s{number}" for number in range(rng.randint(2, 6))]
    stages: list[dict[str, Any]] = []
    for at, name in enumerate(names):
        stage: dict[str, Any] = {"name": name, "pool": "desk", "service": {"exponential": {"mean": "5 min"}}}
        if rng.random() < 0.4:
            stage["for"] = a_filter(rng)
        if rng.random() < 0.3:
            stage["share"] = rng.choice(
                [
                    a_share(rng),
                    {"by": "risk", "high": a_share(rng), "low": a_share(rng)},
                    {"by": "language", "es": a_share(rng), "other": a_share(rng)},
                ]
            )
        if rng.random() < 0.5:
            stage["label"] = rng.choice(["one", "two"])
        if rng.random() < 0.5:
            back_to = rng.choice(names[: at + 1])
            stage["rework"] = {"share": a_share(rng), "back_to": back_to, "at_most": rng.randint(1, 3)}
        stages.append(stage)
    rows = [{"red": 0.5, "green": 0.5}, {"grey": 1}, {"red": 0.1, "green": 0.2, "grey": 0.7}]
    labels: dict[str, Any] = {
        name: {"decides": rng.choice([0.5, 1]), "assigns": {risk: rng.choice(rows) for risk in RISKS}}
        for name in ("one", "two")
    }
    labels["one"]["assigns"]["high"] = rows[2]
    demand = {
        "volume": "80/d",
        "risk": {"high": 0.4, "low": 0.6},
        "channels": {"call": 0.5, "sms": 0.5},
        "attributes": {"language": {"call": {"es": 0.6, "en": 0.4}, "sms": {"en": 0.2, "so": 0.5, "es": 0.3}}},
    }
    return world(demand=demand, labels=labels, stages=stages)


def matches(one: Filter | None, channel: str, risk: str, language: str, tier: str | None, labeller: str | None) -> bool:
    if one is None:
        return True
    return (
        (one.channel is None or channel in one.channel)
        and (one.risk is None or risk in one.risk)
        and (one.tier is None or tier in one.tier)
        and (one.labelled is None or (tier is not None) == one.labelled)
        and (one.labelled_by is None or labeller in one.labelled_by)
        and ("language" not in one.own or language in one.own["language"])
    )


def walked(
    scenario: Scenario, tip: int, channel: str, risk: str, language: str
) -> tuple[list[tuple[int, int, int]], int]:
    """The visits of one tip as (stage, tier, work), and its last tier; as one would do it by hand."""

    def row(standard: str, *name: str) -> float:
        return float(Streams(scenario.run.seed, 0).stream(standard, *name).rows(tip, 1)[0])

    def heads(share: float, *name: str) -> bool:
        return share == 1 or (share > 0 and row("uniform", *name) < share)

    def assigned(stage: str, labeller: str, nth: str) -> str:
        shares = scenario.labels[labeller].assigns[risk]
        names = sorted(scenario.tiers)
        bounds = np.cumsum([shares.get(name, 0) for name in names])
        aim = row("uniform", "label", stage, "assigns", nth)
        return next(name for name, bound in zip(names, bounds, strict=True) if aim < bound / bounds[-1])

    visits, tier, labeller, at, sent = [], None, None, 0, False
    visited, tossed, returned = ([0] * len(scenario.stages) for _ in range(3))
    while at < len(scenario.stages):
        stage = scenario.stages[at]
        if not sent:
            if not matches(stage.for_, channel, risk, language, tier, labeller):
                at += 1
                continue
            share = stage.share.of(risk=risk, language=language)
            tossed[at] += 1
            if not heads(share, "share", stage.name, str(tossed[at])):
                at += 1
                continue
        sent = False
        visited[at] += 1
        nth = str(visited[at])
        work = row("exponential", "service", stage.name, nth, "exponential")
        visits.append((at, NO_LABEL if tier is None else scenario.tiers.index(tier), round(work * 300e6)))
        if stage.label and heads(scenario.labels[stage.label].decides, "label", stage.name, "decides", nth):
            tier, labeller = assigned(stage.name, stage.label, nth), stage.label
        rework = stage.rework
        if rework and returned[at] < rework.at_most and heads(rework.share, "rework", stage.name, nth):
            returned[at] += 1
            at, sent = scenario.stage_index(rework.back_to), True
        else:
            at += 1
    return visits, NO_LABEL if tier is None else scenario.tiers.index(tier)


def test_routes_labels_and_times_are_those_of_a_loop_tip_by_tip() -> None:
    rng = random.Random(5)
    worlds = visits = repeated = 0
    while worlds < 40:
        try:
            scenario = a_world(rng)
        except ScenarioError:
            continue
        worlds += 1
        replication = draw(scenario, 0)
        table = np.column_stack([stage_of(replication), replication.visits.tier, replication.visits.work])
        for tip, found in enumerate(by_tip(replication, table)[:25]):
            channel = scenario.channels[replication.tips.channel[tip]]
            risk = scenario.risks[replication.tips.risk[tip]]
            language = scenario.own["language"][replication.tips.own[0, tip]]
            expected, last = walked(scenario, tip, channel, risk, language)
            assert list(map(tuple, found)) == expected
            assert replication.visits.final_tier[tip] == last
            visits += len(found)
            repeated += len(found) - len({stage for stage, *_ in found})
    assert visits > 1000
    assert repeated > 200
