"""Routes and labels, as a pencil would walk them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from sim.draw import draw
from sim.scenario.schema import Scenario
from tests.draw.worlds import labels_of, likely, routes_of, stage_of, world

ANALYST = {"assigns": {"high": {"high": "80 %", "low": "20 %"}, "low": {"high": "10 %", "low": "90 %"}}}
RISK = {"high": "30 %", "low": "70 %"}


def stage(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "pool": "desk", "service": "5 min", **more}


def line(*stages: dict[str, Any], **parts: Any) -> Scenario:
    parts.setdefault("demand", {"volume": "200/d", "risk": RISK})
    return world(stages=list(stages), **parts)


def routes(*stages: dict[str, Any], **parts: Any) -> Counter[str]:
    scenario = line(*stages, **parts)
    return Counter(" ".join(route) for route in routes_of(scenario, draw(scenario, 0)))


def test_all_tips_visit_the_stages_in_order() -> None:
    assert set(routes(stage("a"), stage("b"), stage("c"))) == {"a b c"}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"channel": "call"}, lambda tip: tip["channel"] == "call"),
        ({"channel": ["call", "sms"]}, lambda tip: tip["channel"] in ("call", "sms")),
        ({"risk": "high"}, lambda tip: tip["risk"] == "high"),
        ({"category": ["one", "two"]}, lambda tip: tip["category"] in ("one", "two")),
        ({"tier": "low"}, lambda tip: tip["risk"] == "low"),
        ({"labelled": True}, lambda tip: True),
        ({"channel": "call", "risk": "low"}, lambda tip: tip["channel"] == "call" and tip["risk"] == "low"),
    ],
)
def test_a_stage_is_for_the_tips_that_match_every_key(chosen: dict[str, Any], expected: Any) -> None:
    demand = {
        "volume": "500/d",
        "risk": RISK,
        "channels": {"call": "40 %", "sms": "20 %", "online": "40 %"},
        "categories": {"one": "30 %", "two": "30 %", "three": "40 %"},
    }
    scenario = line(stage("a"), stage("b", **{"for": chosen}), demand=demand)
    replication = draw(scenario, 0)
    tips = replication.tips
    for row, route in enumerate(routes_of(scenario, replication)):
        tip = {
            "channel": scenario.channels[tips.channel[row]],
            "risk": scenario.risks[tips.risk[row]],
            "category": scenario.categories[tips.category[row]],
        }
        assert ("b" in route) == expected(tip)


def test_a_share_of_0_and_of_100_percent() -> None:
    assert set(routes(stage("a"), stage("b", share="0 %"), stage("c", share="100 %"))) == {"a c"}


def test_a_share_sends_so_many_and_may_differ_by_risk() -> None:
    scenario = line(stage("a"), stage("b", share={"by": "risk", "high": "100 %", "low": "25 %"}), length="20 d")
    replication = draw(scenario, 0)
    visited = np.array([len(route) == 2 for route in routes_of(scenario, replication)])
    high = replication.tips.risk == 0
    assert visited[high].all()
    assert likely([int(visited[~high].sum()), int((~visited[~high]).sum())], [0.25, 0.75])


def test_rework_sends_back_until_at_most() -> None:
    again = {"share": "100 %", "back_to": "b", "at_most": 2}
    assert set(routes(stage("a"), stage("b"), stage("c", rework=again), stage("d"))) == {"a b c b c b c d"}


def test_each_stage_counts_its_own_send_backs() -> None:
    to_a = {"share": "100 %", "back_to": "a"}
    assert set(routes(stage("a"), stage("b", rework=to_a), stage("c", rework=to_a))) == {"a b a b c a b c"}


def test_a_stage_may_send_back_to_itself() -> None:
    assert set(routes(stage("a", rework={"share": "100 %", "back_to": "a", "at_most": 3}))) == {"a a a a"}


def test_who_is_sent_back_is_served_there_whatever_its_filter_and_share() -> None:
    again = {"share": "100 %", "back_to": "b"}
    found = routes(
        stage("a"),
        stage("b", **{"for": {"risk": "high"}}, share="0 %"),
        stage("c", **{"for": {"risk": "low"}}, rework=again),
    )
    # Sent back to b although it is for nobody; a and c then follow the filters again.
    assert set(found) == {"a", "a c b c"}


def test_the_coin_of_rework_is_tossed_at_every_end() -> None:
    again = {"share": "40 %", "back_to": "a", "at_most": 2}
    found = routes(stage("a", rework=again), length="20 d")
    assert likely([found["a"], found["a a"], found["a a a"]], [0.6, 0.4 * 0.6, 0.4 * 0.4])


def test_a_share_is_tossed_afresh_on_the_way_back_down() -> None:
    again = {"share": "100 %", "back_to": "a"}
    found = routes(stage("a"), stage("b", share="50 %"), stage("c", rework=again), length="20 d")
    ways = ["a b c a b c", "a b c a c", "a c a b c", "a c a c"]
    assert set(found) == set(ways)
    assert likely([found[way] for way in ways], [0.25] * 4)


def test_without_labellers_the_label_is_the_true_risk() -> None:
    scenario = line(stage("a"), stage("b"))
    replication = draw(scenario, 0)
    for risk, labels in zip(replication.tips.risk, labels_of(scenario, replication), strict=True):
        assert labels == [scenario.risks[risk]] * 3


def test_a_label_is_given_at_the_end_of_the_visit_and_counts_from_the_next_stage() -> None:
    certain = {"assigns": {"high": {"red": 1, "amber": 0}, "low": {"green": 1}}}
    scenario = line(
        stage("a"),
        stage("b", label="analyst"),
        stage("c", **{"for": {"tier": "red"}}),
        stage("d", **{"for": {"tier": ["green", "amber"]}}, share={"by": "tier", "red": 0, "green": 1, "amber": 0}),
        labels={"analyst": certain},
    )
    replication = draw(scenario, 0)
    found = zip(replication.tips.risk, routes_of(scenario, replication), labels_of(scenario, replication), strict=True)
    for risk, route, labels in found:
        if risk == 0:
            assert (route, labels) == (["a", "b", "c"], [None, None, "red", "red"])
        else:
            assert (route, labels) == (["a", "b", "d"], [None, None, "green", "green"])


def test_a_labeller_that_does_not_decide_leaves_the_old_label() -> None:
    labels = {
        "first": {"assigns": {"high": {"red": 1}, "low": {"red": 1}}},
        "never": {"decides": "0 %", "assigns": {"high": {"green": 1}, "low": {"green": 1}}},
        "last": {"assigns": {"high": {"green": 1}, "low": {"green": 1}}},
    }
    scenario = line(
        stage("a", label="never"),
        stage("b", label="first"),
        stage("c", label="never"),
        stage("d", label="last"),
        labels=labels,
    )
    assert set(map(tuple, labels_of(scenario, draw(scenario, 0)))) == {(None, None, "red", "red", "green")}


def test_rework_labels_anew_and_the_route_follows_the_new_label() -> None:
    # High tips are labelled red at first; the second look, after c, labels green, and d is for green ones only.
    first = {"assigns": {"high": {"red": 1, "green": 0}, "low": {"red": 1, "green": 0}}}
    second = {"assigns": {"high": {"green": 1}, "low": {"green": 1}}}
    scenario = line(
        stage("a", label="first", **{"for": {"labelled": False}}),
        stage("b", label="second", **{"for": {"tier": "green"}}),
        stage("c", **{"for": {"tier": "red"}}, rework={"share": "100 %", "back_to": "b"}),
        stage("d", **{"for": {"tier": "green"}}),
        labels={"first": first, "second": second},
    )
    replication = draw(scenario, 0)
    assert set(map(tuple, routes_of(scenario, replication))) == {("a", "c", "b", "d")}
    assert set(map(tuple, labels_of(scenario, replication))) == {(None, "red", "red", "green", "green")}


def test_labels_follow_the_confusion_table() -> None:
    scenario = line(
        stage("a", label="machine"),
        stage("b", **{"for": {"labelled": False}}, label="analyst"),
        labels={"machine": {"decides": "60 %", **ANALYST}, "analyst": ANALYST},
        length="50 d",
    )
    replication = draw(scenario, 0)
    tips, final = replication.tips, replication.visits.final_tier
    assert likely(np.bincount(tips.risk), [0.3, 0.7])
    for risk, shares in ((0, [0.8, 0.2]), (1, [0.1, 0.9])):
        assert likely(np.bincount(final[tips.risk == risk]), shares)
    second = np.diff(tips.first_visit) == 2
    assert likely([int((~second).sum()), int(second.sum())], [0.6, 0.4])
    for risk, shares in ((0, [0.8, 0.2]), (1, [0.1, 0.9])):
        assert likely(np.bincount(final[second & (tips.risk == risk)]), shares)


def test_a_second_look_is_independent_of_the_first() -> None:
    again = {"share": "100 %", "back_to": "a"}
    scenario = line(stage("a", label="analyst", rework=again), labels={"analyst": ANALYST}, length="50 d")
    replication = draw(scenario, 0)
    high = np.flatnonzero(replication.tips.risk == 0)
    first = replication.visits.tier[replication.tips.first_visit[high] + 1]
    both = np.bincount(first * 2 + replication.visits.final_tier[high], minlength=4)
    assert likely(both.tolist(), [0.64, 0.16, 0.16, 0.04])


def test_tips_without_a_stage_have_no_visit() -> None:
    scenario = line(stage("a", **{"for": {"risk": "high"}}))
    replication = draw(scenario, 0)
    assert (np.diff(replication.tips.first_visit) == (replication.tips.risk == 0)).all()
    assert set(stage_of(replication).tolist()) == {0}
