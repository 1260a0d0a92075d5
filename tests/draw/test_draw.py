"""Whole replications: what re-draws nothing, the backlog, traces, and the shape of the arrays."""

from __future__ import annotations

from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from sim.draw import draw, draw_key, draw_tips, preparation, restaff
from sim.dynamics.clock import HOUR, MINUTE, NEVER
from sim.dynamics.replication import NO_LABEL, Replication, Tips, Visits
from sim.scenario.faults import ScenarioError
from sim.scenario.loading import load, read
from sim.scenario.schema import Scenario
from tests.draw.worlds import SCENARIOS, arrays, labels_of, routes_of, same, stage_of, tip_of, world

NATIONAL = SCENARIOS / "national.yaml"
SHORT = {"run.warm_up": "0 d", "run.length": "21 d", "run.cool_down": "1 d"}


RISK = {"high": "50 %", "low": "50 %"}
VOICEMAIL = {"patience": "2 min", "gives_up_to": "voicemail"}


def national(changes: dict[str, Any] | None = None, variant: str | None = None) -> Scenario:
    return load(NATIONAL, variant=variant, changes={**SHORT, **(changes or {})})


def by_stage(scenario: Scenario, replication: Replication) -> dict[str, list[tuple[int, int, int]]]:
    """By stage, the tip, work and label of every visit."""
    visits, stage, tip = replication.visits, stage_of(replication), tip_of(replication)
    rows = np.column_stack([tip, visits.work, visits.tier])
    return {one.name: list(map(tuple, rows[stage == at].tolist())) for at, one in enumerate(scenario.stages)}


def test_the_same_scenario_seed_and_index_give_the_same_arrays() -> None:
    scenario = national()
    assert same(draw(scenario, 2), draw(national(), 2))
    assert same(draw(scenario, 2), draw(scenario, 2, seed=scenario.run.seed))
    assert not np.array_equal(draw(scenario, 2).tips.arrival[:9], draw(scenario, 3).tips.arrival[:9])
    assert not np.array_equal(draw(scenario, 2).tips.arrival[:9], draw(scenario, 2, seed=0).tips.arrival[:9])
    with pytest.raises(ValueError, match="index of a replication"):
        draw(scenario, -1)


STAFFINGS: list[dict[str, Any]] = [
    {"pools.analysts.staff": 7},
    {"pools.call_takers.at_shift_end": "resume", "pools.call_takers.shrinkage": "10 %"},
    {"pools.analysts.serve_first": [{"tier": "high"}, {"labelled": False}, {"tier": "non"}]},
    {"run.replications": 3, "run.seed": 5, "pools.receivers.price": 3.0, "targets.rapid.share": "80 %"},
]


@pytest.mark.parametrize("changes", STAFFINGS, ids=lambda changes: next(iter(changes)))
def test_staffing_redraws_nothing_and_keeps_the_key(changes: dict[str, Any]) -> None:
    scenario, changed = national(), national(changes)
    assert draw_key(changed) == draw_key(scenario)
    first, second = draw(scenario, 0), draw(changed, 0, seed=scenario.run.seed)
    assert same(first, second)
    again = restaff(first, changed)
    assert again.tips is first.tips
    assert again.visits is first.visits
    for part in ("rules", "plan"):
        assert_equal(getattr(again, part), getattr(second, part))


def assert_equal(one: Any, other: Any) -> None:
    """Two structures of arrays hold the same."""
    for name in one.__slots__:
        first, second = getattr(one, name), getattr(other, name)
        if hasattr(first, "__slots__"):
            assert_equal(first, second)
        else:
            assert np.array_equal(first, second)


DRAWN: list[dict[str, Any]] = [
    {"run.length": "22 d"},
    {"run.start": "2025-01-07 00:00"},
    {"demand.volume": "30001/year"},
    {"demand.growth": "1 %"},
    {"demand.risk.high": "3 %"},
    {"demand.surges": [{"at": "2025-06-02 09:00", "lasts": "1 d", "factor": 2}]},
    {"centres": 2},
    {"labels.classifier.decides": "61 %"},
    {"start_with": {"backlog": {"assess": 3}}},
    {"stages.assess.service": {"gamma": {"mean": "25 min", "cv": 1.0}}},
    {"stages.assess.rework.share": "6 %"},
    {"stages.answer.retry.share": "51 %"},
    {"stages.answer.patience": {"exponential": {"mean": "6 min"}}},
    {"pools.analysts.serve_first": [{"channel": "call"}]},
]


def test_what_is_drawn_changes_the_key() -> None:
    keys = [draw_key(national()), *(draw_key(national(changes)) for changes in DRAWN)]
    assert len(set(keys)) == len(keys)


def test_tips_of_another_key_are_not_restaffed() -> None:
    replication = draw(national(), 0)
    for changes in ({"run.length": "22 d"}, {"pools.analysts.serve_first": [{"channel": "call"}]}):
        with pytest.raises(ValueError, match="draw keys differ"):
            restaff(replication, national(changes))


def test_another_stage_leaves_every_other_draw_untouched() -> None:
    document: dict[str, Any] = {
        "demand": {"volume": "300/d", "risk": {"high": "30 %", "low": "70 %"}},
        "labels": {"analyst": {"assigns": {"high": {"high": 0.8, "low": 0.2}, "low": {"high": 0.1, "low": 0.9}}}},
    }
    law = {"lognormal": {"mean": "5 min", "cv": 1}}
    plain = {"pool": "desk", "service": law}
    first = {"name": "first", **plain, "patience": law, "label": "analyst"}
    new = {"name": "new", **plain, "share": "50 %", "patience": law, "rework": {"share": "30 %", "back_to": "new"}}
    sent_back = {"share": "60 %", "for": {"tier": "high"}, "rework": {"share": "30 %", "back_to": "first"}}
    last = {"name": "last", **plain, **sent_back}
    few, more = (world(**document, stages=stages) for stages in ([first, last], [first, new, last]))
    one, other = draw(few, 0), draw(more, 0)
    for name in ("arrival", "risk", "channel", "final_tier"):
        assert np.array_equal(arrays(one)[name], arrays(other)[name])
    found, with_new = by_stage(few, one), by_stage(more, other)
    assert len(with_new.pop("new")) > 0
    assert with_new == found


def test_another_channel_leaves_every_other_draw_untouched() -> None:
    law = {"exponential": {"mean": "5 min"}}
    stages = [
        {"name": "all", "pool": "desk", "service": law},
        {"name": "calls", "for": {"channel": "call"}, "delay": law},
    ]
    few, more = (
        world(stages=stages, demand={"volume": "300/d", "risk": {"high": "30 %", "low": "70 %"}, "channels": channels})
        for channels in ({"call": "60 %", "sms": "40 %"}, {"call": "60 %", "sms": "10 %", "letter": "30 %"})
    )
    one, other = draw(few, 0), draw(more, 0)
    assert np.array_equal(one.tips.arrival, other.tips.arrival)
    assert np.array_equal(one.tips.risk, other.tips.risk)
    assert np.array_equal(one.tips.channel == 0, other.tips.channel == 0)
    assert by_stage(few, one) == by_stage(more, other)


@pytest.mark.parametrize("changes", [{"run.length": "40 d"}, {"demand.volume": "60000/year"}])
def test_more_time_or_volume_keeps_tip_i_the_same_tip(changes: dict[str, Any]) -> None:
    few, more = draw(national(), 0), draw(national(changes), 0)
    n, n_visits = len(few.tips), len(few.visits)
    assert len(more.tips) > n
    for name in ("centre", "channel", "risk", "category", "first_visit", "final_tier"):
        assert np.array_equal(arrays(more)[name][:n], arrays(few)[name][:n])
    for name in ("kind", "work", "tier", "first_attempt"):
        assert np.array_equal(arrays(more)[name][:n_visits], arrays(few)[name])
    attempts = len(few.visits.patience)
    assert np.array_equal(more.visits.patience[:attempts], few.visits.patience)
    assert np.array_equal(more.visits.retry_after[:attempts], few.visits.retry_after)


def test_the_size_of_blocks_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    changes: dict[str, Any] = {
        "start_with": {"backlog": {"assess": 70, "screen": 40}},
        "stages.assess.rework": {"share": "50 %", "back_to": "screen", "at_most": 3},
    }
    scenario = national(changes)
    whole = draw(scenario, 0)
    monkeypatch.setattr(preparation, "SIZE", 37)
    assert same(draw(scenario, 0), whole)


def test_the_arrays_hang_together() -> None:
    scenario = national(
        {
            "centres": {"east": "60 %", "west": "40 %"},
            "start_with": {"backlog": {"assess": 20}},
            "stages.assess.rework": {"share": "50 %", "back_to": "screen", "at_most": 3},
        }
    )
    replication = draw(scenario, 0)
    tips, visits, rules = replication.tips, replication.visits, replication.rules
    n, n_visits = len(tips), len(visits)
    sizes = rules.stages.attempts[stage_of(replication)]
    assert (np.diff(tips.arrival) >= 0).all()
    assert tips.arrival[-1] < rules.horizon
    assert tips.first_visit[0] == 0
    assert tips.first_visit[-1] == n_visits
    assert (np.diff(tips.first_visit) > 0).all()
    assert (visits.first_attempt == np.where(sizes > 0, np.cumsum(sizes) - sizes, 0)).all()
    assert visits.patience.size == visits.retry_after.size == sizes.sum()
    assert visits.work.min() >= 0
    for name, array in arrays(replication).items():
        if name in LEFT_OUT:
            assert array.size == 0
            continue
        rows = {"first_visit": n + 1, "patience": sizes.sum(), "retry_after": sizes.sum()}
        expected = n if name in (*tips.__slots__, "final_tier") else n_visits
        assert array.shape == (rows.get(name, expected),)
        assert array.flags.c_contiguous
        assert array.dtype == (np.int32 if name in CODES else np.int64)
    for code, names in (
        (tips.centre, scenario.centre_names),
        (tips.channel, scenario.channels),
        (tips.risk, scenario.risks),
        (tips.category, scenario.categories),
    ):
        assert set(code.tolist()) == set(range(len(names)))
    assert set(visits.tier.tolist()) == {NO_LABEL, 0, 1, 2}


LEFT_OUT = {part.name for of in (Tips, Visits) for part in fields(of) if part.default_factory is not MISSING}
"""What is written down only where a scenario asks for it."""

CODES = ("centre", "channel", "risk", "category", "kind", "tier", "final_tier")


def test_kinds_say_stage_and_label_as_the_rules_count_them() -> None:
    scenario = national(
        {"pools.duty_officers.serve_first": [{"channel": "call"}, {"category": "other"}, {"risk": "high"}]}
    )
    replication = draw(scenario, 0)
    tip, kinds = tip_of(replication), replication.visits.kind
    code = preparation.prepared(scenario).code
    stage, channel, risk, category, tier = (column[kinds] for column in code.columns())
    assert np.array_equal(channel, replication.tips.channel[tip])
    assert np.array_equal(risk, replication.tips.risk[tip])
    assert np.array_equal(category, replication.tips.category[tip])
    assert np.array_equal(tier, replication.visits.tier)
    assert np.array_equal(stage, replication.rules.kinds.stage[kinds])


def test_centres_and_categories_by_their_shares() -> None:
    """Fixed seed; 5 standard errors: false alarms for less than one seed in a million."""
    tips = draw(national({"centres": {"east": "60 %", "west": "40 %"}, "run.length": "91 d"}), 0).tips
    for code, shares in ((tips.centre, [0.6, 0.4]), (tips.category, [0.3, 0.4, 0.3]), (tips.channel, [0.4, 0.1, 0.5])):
        found = np.bincount(code) / len(tips)
        assert np.abs(found - shares).max() < 5 * (0.25 / len(tips)) ** 0.5


def test_the_mix_of_risks_may_differ_by_channel() -> None:
    risk = {"call": {"high": "100 %", "low": 0}, "sms": {"high": 0, "low": 1}}
    demand = {"volume": "300/d", "channels": {"call": "60 %", "sms": "40 %"}, "risk": risk}
    tips = draw(world(demand=demand), 0).tips
    assert np.array_equal(tips.risk, tips.channel)


BACKLOG = {"start_with": {"backlog": {"review": 6, "screen": 30}}}


def test_the_backlog_waits_at_its_stages_when_the_run_starts() -> None:
    scenario = national(BACKLOG)
    replication, plain = draw(scenario, 0), draw(national(), 0)
    n = replication.tips.n_backlog
    assert n == 36
    routes, labels = routes_of(scenario, replication)[:n], labels_of(scenario, replication)[:n]
    # In the order of the stages: screen before review, which is for high ones.
    assert [route[0] for route in routes] == ["screen"] * 30 + ["review"] * 6
    # A low one too may come to screen first: sent back from assess.
    assert {label[0] for label in labels[:30]} <= {None, "low"}
    assert {label[0] for label in labels[30:]} == {"high"}
    assert {tuple(route[:2]) for route in routes[30:]} == {("review", "transfer")}
    assert not replication.tips.arrival[:n].any()
    # The tips that arrive are those of a run without a backlog.
    assert np.array_equal(replication.tips.arrival[n:], plain.tips.arrival)
    skipped = replication.tips.first_visit[n]
    assert np.array_equal(replication.visits.work[skipped:], plain.visits.work)
    assert np.array_equal(replication.visits.patience, plain.visits.patience)


def test_a_larger_backlog_keeps_the_smaller_one() -> None:
    few, more = (draw(national({"start_with": {"backlog": {"assess": n}}}), 0) for n in (5, 50))
    rows = few.tips.first_visit[5]
    assert np.array_equal(few.visits.work[:rows], more.visits.work[:rows])
    assert np.array_equal(few.tips.risk[:5], more.tips.risk[:5])


def test_tips_of_the_backlog_are_like_those_that_reach_the_stage() -> None:
    """Fixed seed; 5 standard errors: false alarms for less than one seed in a million."""
    scenario = national({"start_with": {"backlog": {"assess": 4000}}, "run.length": "182 d"})
    replication = draw(scenario, 0)
    stage, tip = stage_of(replication), tip_of(replication)
    at = scenario.stage_index("assess")
    waiting, coming = replication.tips.risk[:4000], replication.tips.risk[np.unique(tip[(stage == at) & (tip >= 4000)])]
    for risk in range(3):
        share = (coming == risk).mean()
        error = (share * (1 - share) * (1 / len(waiting) + 1 / len(coming))) ** 0.5
        assert abs((waiting == risk).mean() - share) < 5 * error


def test_a_tip_of_the_backlog_may_wait_with_patience() -> None:
    replication = draw(national({"start_with": {"backlog": {"answer": 8}}}), 0)
    first = replication.visits.first_attempt[replication.tips.first_visit[:8]]
    assert np.array_equal(first, np.arange(8) * 4)


def test_messages_may_lie_at_an_aside_when_the_run_starts() -> None:
    """Calls and chats leave one, labelled as they are when they give up; web reports never give up."""
    document: dict[str, Any] = {
        "demand": {"volume": "240/d", "channels": {"call": "40 %", "chat": "40 %", "web": "20 %"}, "risk": RISK},
        "labels": {"menu": {"assigns": {"high": {"high": "100 %"}, "low": {"low": "100 %"}}}},
        "stages": [
            {"name": "choose", "for": {"channel": ["call", "web"]}, "delay": "1 s", "label": "menu"},
            {"name": "answer", "for": {"channel": "call"}, "pool": "desk", "service": "5 min", **VOICEMAIL},
            {"name": "reply", "for": {"channel": "chat"}, "pool": "desk", "service": "5 min", **VOICEMAIL},
            {"name": "voicemail", "pool": "desk", "service": "1 min"},
            {"name": "file", "delay": "1 min"},
        ],
    }
    scenario = world(**document, start_with={"backlog": {"voicemail": 40}})
    replication = draw(scenario, 0)
    assert replication.tips.n_backlog == 40
    assert {tuple(way) for way in routes_of(scenario, replication)[:40]} == {("voicemail", "file")}
    channel = [scenario.channels[code] for code in replication.tips.channel[:40]]
    risk = [scenario.risks[code] for code in replication.tips.risk[:40]]
    assert 10 <= channel.count("call") <= 30
    assert channel.count("web") == 0
    at_start = [labels[0] for labels in labels_of(scenario, replication)[:40]]
    assert at_start == [one if how == "call" else None for how, one in zip(channel, risk, strict=True)]
    more = draw(world(**document, start_with={"backlog": {"voicemail": 45}}), 0)
    assert more.tips.n_backlog == 45
    assert np.array_equal(replication.tips.arrival[40:], more.tips.arrival[45:])


def test_a_backlog_where_next_to_no_tip_comes_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    document: dict[str, Any] = {
        "demand": {"volume": "300/d", "risk": {"high": "0.001 %", "low": "99.999 %"}},
        "stages": [{"name": "look", "delay": "1 min"}, {"name": "act", "delay": "1 min", "for": {"risk": "high"}}],
    }
    scenario = world(**document, start_with={"backlog": {"act": 3}})
    monkeypatch.setattr(preparation, "MOST_CANDIDATES", 5000)
    monkeypatch.setattr(preparation, "ENOUGH", 0)
    with pytest.raises(ScenarioError, match=r"start_with\.backlog\.act: next to no tip comes to 'act': of 8192"):
        draw(scenario, 0)


def traced(folder: Path, rows: str, **demand: Any) -> Scenario:
    (folder / "tips.csv").write_text(rows, encoding="utf-8")
    scenario = folder / "traced.yaml"
    scenario.write_text(
        """
scenario: Recorded tips
run: {start: 2025-01-06 00:00, length: 1 d, cool_down: 0 d}
demand:
  trace: tips.csv
  channels: {call: 100 %, sms: 0 %}
  risk: {high: 50 %, low: 50 %}
  categories: {one: 50 %, two: 50 %}
pools: {desk: {staff: 1}}
stages:
  - {name: look, pool: desk, service: {exponential: {mean: 5 min}}, rework: {share: 100 %, back_to: look}}
  - {name: calls, for: {channel: call}, delay: 1 min}
""",
        encoding="utf-8",
    )
    return read(scenario).scenario(changes=demand)


def test_recorded_tips_take_the_place_of_drawn_ones(tmp_path: Path) -> None:
    rows = (
        "received,channel,risk,look\n2025-01-06 02:00,sms,low,7\n2025-01-06 01:00,call,high,\n2025-01-06 03:00,,,2.5\n"
    )
    scenario = traced(tmp_path, rows)
    replication = draw(scenario, 0)
    tips, work = replication.tips, replication.visits.work
    assert tips.arrival.tolist() == [HOUR, 2 * HOUR, 3 * HOUR]
    assert tips.channel.tolist() == [0, 1, 0]
    assert tips.risk[:2].tolist() == [0, 1]
    assert routes_of(scenario, replication) == [["look", "look", "calls"], ["look", "look"], ["look", "look", "calls"]]
    # The minutes of the record are those of the first visit; the second is drawn.
    first = work[tips.first_visit[:-1]]
    assert first[1:].tolist() == [7 * MINUTE, 2.5 * MINUTE]
    assert 0 < first[0] < NEVER
    assert work[tips.first_visit[:-1] + 1].tolist() != first.tolist()


def test_what_a_record_leaves_open_is_drawn_row_by_row(tmp_path: Path) -> None:
    dates = [f"2025-01-06 {minute // 60:02}:{minute % 60:02}" for minute in range(400)]
    bare = draw(traced(tmp_path, "received\n" + "\n".join(dates)), 0)
    assert set(bare.tips.channel.tolist()) == {0}
    # 5 standard errors of a share of one half: false alarms for less than one seed in a million.
    assert abs((bare.tips.risk == 0).mean() - 0.5) < 5 * 0.5 / 20
    some = "received,risk\n" + "\n".join(f"{date},{'high' if row % 2 else ''}" for row, date in enumerate(dates))
    partly = draw(traced(tmp_path, some), 0)
    assert np.array_equal(partly.tips.risk, np.where(np.arange(400) % 2, 0, bare.tips.risk))
    assert np.array_equal(partly.visits.work, bare.visits.work)
    assert np.array_equal(partly.tips.category, bare.tips.category)


def test_the_key_of_a_trace_is_what_it_says(tmp_path: Path) -> None:
    one = draw_key(traced(tmp_path, "received\n2025-01-06 02:00\n"))
    assert draw_key(traced(tmp_path, "received\n2025-01-06 02:00\n\n")) == one
    assert draw_key(traced(tmp_path, "received\n2025-01-06 02:01\n")) != one


def test_the_package_and_the_function_go_by_the_same_name() -> None:
    scenario = national()
    for _ in range(2):
        assert same(sim.draw(scenario, 1, seed=4), draw(scenario, 1, seed=4))


def test_tips_can_be_drawn_without_their_staffing() -> None:
    scenario = national()
    tips, visits = draw_tips(scenario, 1)
    assert same(Replication(tips, visits, draw(scenario, 1).rules, draw(scenario, 1).plan), draw(scenario, 1))


def turned(value: Any, key: str = "") -> Any:
    """A document with the keys of its mappings in the opposite order, but where their order means something."""
    if isinstance(value, dict):
        kept = key in ("pools", "centres")
        return {name: turned(value[name], name) for name in (value if kept else reversed(value))}
    return [turned(one) for one in value] if isinstance(value, list) else value


def named(scenario: Scenario, replication: Replication) -> dict[str, list[Any]]:
    """Everything that is drawn, with names for codes."""
    found = {name: values.tolist() for name, values in arrays(replication).items() if name != "kind"}
    codes = {"channel": scenario.channels, "risk": scenario.risks, "category": scenario.categories}
    codes |= {"tier": (*scenario.tiers, ""), "final_tier": (*scenario.tiers, "")}
    return found | {name: [names[code] for code in found[name]] for name, names in codes.items()}


OWN_HOURS = {"share": "40 %", "by_hour": list(range(24))}


@pytest.mark.parametrize("channels", [{}, {"demand.channels.call": OWN_HOURS}], ids=["one mix", "mix by hour"])
def test_reordering_the_keys_of_a_mapping_changes_no_draw(channels: dict[str, Any]) -> None:
    scenario = national(channels)
    other = load(turned(scenario.tree))
    assert (other.channels, other.risks, other.tiers) != (scenario.channels, scenario.risks, scenario.tiers)
    assert named(other, draw(other, 1)) == named(scenario, draw(scenario, 1))


OWN = {
    "volume": "2000/d",
    "channels": {"call": 0.5, "online": 0.5},
    "attributes": {
        "anonymous": {"yes": "65 %", "no": "35 %"},
        "language": {"call": {"es": 0.5, "en": 0.5}, "online": {"en": 0.9, "so": 0.1}},
    },
}


def test_attributes_of_ones_own_are_drawn_by_their_shares() -> None:
    """A share of n tips is off by 4 standard errors in one run of 16,000; six are looked at."""
    scenario = world("10 d", demand=OWN)
    assert scenario.own == {"anonymous": ("yes", "no"), "language": ("es", "en", "so")}
    tips = draw(scenario, 0).tips
    anonymous, language = tips.own
    call = tips.channel == scenario.channels.index("call")
    for found, share in [
        (anonymous == 0, 0.65),
        (language[call] == 0, 0.5),
        (language[call] == 2, 0.0),
        (language[~call] == 0, 0.0),
        (language[~call] == 1, 0.9),
        (anonymous[language == 1] == 0, 0.65),
    ]:
        assert abs(found.mean() - share) <= 4 * (share * (1 - share) / found.size) ** 0.5


def test_an_attribute_more_redraws_nothing_else() -> None:
    plain, more = (draw(world(demand={**OWN, "attributes": own}), 0) for own in ({}, OWN["attributes"]))
    first, second = arrays(plain), arrays(more)
    assert all(np.array_equal(first[name], second[name]) for name in first if name != "own")


def test_who_gave_the_label_is_kept_where_somebody_asks() -> None:
    stages = [
        {"name": "classify", "delay": "1 min", "label": "classifier"},
        {"name": "screen", "share": 0.5, "pool": "desk", "service": "5 min", "label": "analyst"},
        {"name": "check", "for": {"labelled_by": "classifier"}, "pool": "desk", "service": "5 min"},
    ]
    rows = {"any": {"red": 0.5, "green": 0.5}}
    labels = {"classifier": {"decides": 0.6, "assigns": rows}, "analyst": {"decides": 0.9, "assigns": rows}}
    scenario = world(stages=stages, labels=labels)
    replication = draw(scenario, 0)
    stage, tip = stage_of(replication), tip_of(replication)
    visits = replication.visits
    assert (visits.labeller[stage == 2] == 0).all()
    untouched = np.setdiff1d(np.flatnonzero(visits.final_labeller == 0), tip[stage == 1])
    assert np.isin(untouched, tip[stage == 2]).all()
    assert ((visits.labeller == NO_LABEL) == (visits.tier == NO_LABEL)).all()
    assert {*visits.final_labeller.tolist()} == {NO_LABEL, 0, 1}
    nobody_asks = world(stages=stages[:2], labels=labels)
    assert draw(nobody_asks, 0).visits.labeller.size == 0
    asking = {"of": {"labelled_by": "analyst"}, "from": "arrival", "to": "leave", "within": "1 h", "share": "80 %"}
    asked = world(stages=stages[:2], labels=labels, targets={"late": asking})
    assert draw_key(nobody_asks) != draw_key(asked)
