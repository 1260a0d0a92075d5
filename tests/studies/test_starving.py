"""What a search minds besides targets: by lines that leave one thing each to mind, and by lines drawn at random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from sim.measures.tallies import COLUMNS
from sim.scenario.describe import describe
from sim.scenario.loading import load
from sim.scenario.pools import Pool
from sim.scenario.schema import Scenario
from sim.studies.staff.limits import Closed, closed, limits
from sim.studies.staff.staffed import decided, judged_pools, kept, unminded_stages
from sim.studies.staff.staffing import StaffAnswer, cheapest, staff
from sim.studies.staff.starving import Care, Concern, left_out, sure_work
from sim.studies.trials import QuestionError
from tests.scenario.small import loaded
from tests.studies.staffings import trials

HEAD = """\
scenario: Minded
run: {start: 2025-01-06 00:00, length: 7 d, replications: 6, seed: 2}
demand: {volume: 20/h, risk: {high: 20 %, low: 80 %}}
"""
VACUOUS = """\
pools: {front: {staff: 3}, back: {staff: 3}}
stages:
  - {name: answer, pool: front, service: 3 min, patience: 2 min}
  - {name: act, pool: back, service: 5 min}
targets: {t: {from: act.enter, to: act.start, mean: 1 min}}
"""


def written(folder: Path, text: str, head: str = HEAD) -> Scenario:
    return loaded(folder, head + text)


def concerns(scenario: Scenario, *, allow_overload: bool = False) -> dict[tuple[str, str], Concern]:
    """What is minded of a scenario as it is staffed."""
    care = Care(scenario, scenario.pools, allow_overload=allow_overload)
    sample = trials(scenario).sample(scenario, 4, only_targets=care.only_targets)
    return {(one.kind, one.name): one for one in care.concerns(scenario, sample, lambda: sample)}


def test_a_target_that_counts_nothing_leaves_nobody_without_people(tmp_path: Path) -> None:
    scenario = written(tmp_path, VACUOUS)
    answer = cheapest(scenario, trials=trials(scenario))
    assert answer.by_path["pools.front.staff"] >= 2
    assert answer.by_path["pools.back.staff"] >= 2
    assert answer.tried is not None
    nobody = answer.tried.look((0, answer.tried.posts[1].most), "glance") if answer.posts[0].least == 0 else None
    assert nobody is None or nobody.verdict == "missed"


def test_with_nobody_at_the_front_nothing_is_counted_and_all_give_up(tmp_path: Path) -> None:
    found = concerns(written(tmp_path, VACUOUS.replace("front: {staff: 3}", "front: {staff: 0}")))
    assert found["nothing", "t"].verdict == "missed"
    assert (found["gives up", "answer"].value, found["gives up", "answer"].verdict) == (1.0, "missed")
    assert "grows" not in {kind for (kind, _), one in found.items() if one.verdict != "met"}


def test_a_line_grows_where_nobody_gives_up_and_only_then(tmp_path: Path) -> None:
    """An erlang of work comes: one person is too few, and two are not; who gives up makes no line grow."""
    line = "pools: {desk: {staff: 1}}\nstages: [{name: act, pool: desk, service: 3 min%s}]\n"
    targets = "targets: {t: {of: {risk: high}, from: arrival, to: act.start, mean: 1 h}}\n"
    text = line % "" + targets
    assert concerns(written(tmp_path, text))["grows", "desk"].verdict == "missed"
    assert concerns(written(tmp_path, text))["grows", "desk"].used == pytest.approx(1.0)
    assert concerns(written(tmp_path, text.replace("staff: 1", "staff: 2")))["grows", "desk"].verdict == "met"
    patient = written(tmp_path, line % ", patience: 10 min" + targets)
    assert concerns(patient)["grows", "desk"].verdict == "met"
    assert concerns(patient)["gives up", "act"].value > 0
    assert {kind for kind, _ in concerns(patient, allow_overload=True)} == {"left out"}


def test_work_that_overflows_grows_a_line_only_where_both_pools_cannot_do_it(tmp_path: Path) -> None:
    text = (
        "pools: {front: {staff: 2}, back: {staff: %d}}\n"
        "stages: [{name: act, pool: front, service: 9 min, overflow: {to: back, after: 1 min}}]\n"
        "targets: {t: {from: arrival, to: act.start, within: 1 h, share: 50 %%}}\n"
    )
    enough, few = concerns(written(tmp_path, text % 2)), concerns(written(tmp_path, text % 1))
    assert [enough["grows", name].verdict for name in ("front", "back")] == ["met", "met"]
    assert [few["grows", name].verdict for name in ("front", "back")] == ["missed", "missed"]


STAGES = """\
pools: {front: {staff: 3}, back: {staff: 3}, aside: {staff: 1}}
stages:
  - {name: answer, pool: front, service: 3 min, patience: 2 min}
  - {name: note, for: {risk: low}, pool: aside, service: 1 min}
  - {name: act, pool: back, service: 5 min}
targets: {t: %s}
"""


@pytest.mark.parametrize(
    "target, depends",
    [
        ("{from: arrival, to: answer.start, within: 1 min, share: 80 %}", {"front"}),
        ("{from: arrival, to: act.enter, mean: 1 h}", {"front", "aside"}),
        ("{of: {risk: high}, from: arrival, to: act.start, mean: 1 h}", {"front", "back"}),
        ("{from: act.enter, to: act.start, mean: 1 min}", {"front", "aside", "back"}),
        ("{from: arrival, to: leave, mean: 1 h}", {"front", "aside", "back"}),
        ("{lost: 5 %}", {"front"}),
        ("{pool: back, occupancy: 80 %}", {"back"}),
        ("{from: arrival, to: answer.enter, mean: 1 min}", set()),
    ],
)
def test_a_pool_is_decided_where_it_lies_on_the_way_to_what_is_judged(
    tmp_path: Path, target: str, depends: set[str]
) -> None:
    scenario = written(tmp_path, STAGES % target)
    assert judged_pools(scenario) == depends
    assert {pool for pool, *_ in decided(scenario)} == depends
    assert set(kept(scenario)) == {"front", "back", "aside"} - depends


def test_who_is_sent_back_from_behind_lies_on_the_way(tmp_path: Path) -> None:
    text = STAGES % "{from: arrival, to: answer.end, mean: 1 h}"
    again = text.replace("service: 5 min}", "service: 5 min, rework: {share: 10 %, back_to: answer}}")
    scenario = written(tmp_path, again)
    assert judged_pools(scenario) == {"front", "aside", "back"}


@pytest.mark.parametrize(
    "target, minded",
    [
        ("{from: act.enter, to: act.start, mean: 1 min}", False),
        ("{lost: 50 %}", True),
        ("{of: {risk: high}, lost: 50 %}", False),
        ("{from: arrival, to: act.start, within: 1 h, share: 50 %}", True),
        ("{from: arrival, to: act.start, within: 1 h, share: 50 %, lost_tips: left_out}", False),
        ("{of: {risk: high}, from: arrival, to: act.start, within: 1 h, share: 50 %}", False),
        ("{from: arrival, to: answer.enter, within: 1 h, share: 50 %}", False),
    ],
)
def test_giving_up_is_minded_where_no_target_judges_it(tmp_path: Path, target: str, minded: bool) -> None:
    scenario = written(tmp_path, STAGES % target)
    assert unminded_stages(scenario) == (() if minded else (0,))


def test_a_mean_leaves_out_what_its_own_staffing_does_or_a_twentieth(tmp_path: Path) -> None:
    """Who gives up in front never comes to the stage; more may not be left out than as the line is staffed."""
    text = (
        "pools: {front: {staff: 3}, back: {staff: 3}}\n"
        "stages:\n"
        "  - {name: answer, pool: front, service: 3 min, patience: 2 min}\n"
        "  - {name: act, for: {risk: high}, pool: back, service: 5 min}\n"
        "targets: {t: {from: act.enter, to: act.start, mean: 1 min}, lost: {lost: 50 %}}\n"
    )
    scenario = written(tmp_path, text)
    sample = trials(scenario).sample(scenario, 4)
    out, named = left_out(sample, 0)
    counts = sample.counts[:, 0].sum(axis=0)
    assert named.sum() == sample.arrived.sum() - counts[COLUMNS.index("without_start")]
    assert out.sum() == counts[COLUMNS.index("lost")] > 0
    own = concerns(scenario)["left out", "t"]
    assert (own.allowed, own.verdict) == (0.05, "met")
    assert own.value == pytest.approx(out.sum() / named.sum())
    fewer = load(scenario.path, changes=["pools.front.staff=1"])
    care = Care(scenario, scenario.pools)
    worse = care.concerns(fewer, trials(scenario).sample(fewer, 4), lambda: sample)
    assert {(one.kind, one.verdict) for one in worse if one.name == "t"} == {("left out", "missed")}
    few = Care(fewer, fewer.pools)
    [same] = [
        one
        for one in few.concerns(fewer, trials(fewer).sample(fewer, 4), lambda: trials(fewer).sample(fewer, 4))
        if one.name == "t"
    ]
    assert (same.verdict, same.allowed) == ("met", same.value)
    assert same.allowed > 0.05


def test_where_no_target_depends_on_anybody_there_is_nobody_to_decide(tmp_path: Path) -> None:
    scenario = written(tmp_path, STAGES % "{from: arrival, to: answer.enter, mean: 1 min}")
    with pytest.raises(QuestionError, match="no target depends on the people of front, back, aside"):
        staff(scenario, trials=trials(scenario))
    assert cheapest(scenario, trials=trials(scenario)).staffing == ()


SHIFTS: Mapping[str, tuple[str, str]] = {
    "office hours": (
        '[{from: "09:00", to: "17:00", staff: 6, days: mon-fri}]',
        "from 17:00 to 9:00 and at weekends",
    ),
    "every day": ('[{from: "08:00", to: "20:00", staff: 1}]', "from 20:00 to 8:00"),
    "a break at noon": (
        '[{from: "08:00", to: "12:00", staff: 1}, {from: "13:00", to: "18:30", staff: 1}]',
        "from 12:00 to 13:00 and from 18:30 to 8:00",
    ),
    "not on Sundays": ('[{from: "00:00", to: "24:00", staff: 1, days: mon-sat}]', "on sun"),
    "nights": (
        '[{from: "22:00", to: "06:00", staff: 1, days: [mon, tue]}]',
        "from tue 6:00 to tue 22:00 and from wed 6:00 to mon 22:00",
    ),
    "always": ('[{from: "00:00", to: "12:00", staff: 1}, {from: "12:00", to: "24:00", staff: 0}]', ""),
}


@pytest.mark.parametrize("name", SHIFTS)
def test_when_a_pool_is_closed_is_said(name: str) -> None:
    shifts, words = SHIFTS[name]
    pool = Pool.model_validate({"shifts": yaml.safe_load(shifts)})
    assert (Closed("desk", closed(pool)).words if closed(pool) else "") == words
    assert closed(pool.model_copy(update={"staff": 1})) == ()


CLOSED = """\
pools: {desk: {shifts: [{from: "09:00", to: "17:00", staff: 6, days: mon-fri}]}}
stages: [{name: read, pool: desk, service: {exponential: {mean: 10 min}}}]
targets:
  first: {from: arrival, to: read.start, within: 1 h, share: 90 %}
  week: {from: arrival, to: read.start, within: 4 d, share: 90 %}
  never: {from: arrival, to: read.end, within: 1 s, share: 90 %}
"""


def test_what_more_staff_means_is_told_of_each_target(tmp_path: Path) -> None:
    """45 of the 168 hours of a week are within an hour of the opening hours; no queue is within a week of them."""
    head = HEAD.replace("20/h", "5/h").replace("length: 7 d", "warm_up: 7 d, length: 56 d, cool_down: 7 d")
    scenario = written(tmp_path, CLOSED, head)
    found = {one.name: one for one in limits(scenario, trials(scenario), hurried=False)}
    assert {name: one.more_staff for name, one in found.items()} == {
        "first": "hours",
        "week": "posts",
        "never": "neither",
    }
    first = found["first"].at_posts
    assert first is not None
    assert first.value == pytest.approx(45 / 168, abs=0.01)
    assert [one.words for one in found["first"].closed] == ["from 17:00 to 9:00 and at weekends"]
    alone = scenario.model_copy(update={"targets": {"first": scenario.targets["first"]}, "hash": "alone"})
    answer = staff(alone, trials=trials(alone))
    assert (answer.why, answer.tried) == ("closed", None)


def drawn(number: int, folder: Path) -> Scenario:
    """A line of two or three stages, one pool each, with patience here and there, judged by means from later moments
    and by shares that leave out lost tips."""
    rng = np.random.default_rng(number)
    n = int(rng.integers(2, 4))
    stages: list[dict[str, Any]] = []
    for s in range(n):
        stage: dict[str, Any] = {"name": f"s{s}", "pool": f"p{s}", "service": f"{rng.integers(2, 9)} min"}
        if rng.random() < 0.5:
            stage["patience"] = {"exponential": {"mean": f"{rng.integers(2, 20)} min"}}
        if s and rng.random() < 0.3:
            stage["for"] = {"risk": "high"}
        stages.append(stage)
    at = int(rng.integers(1, n))
    mean = {"from": f"s{at}.enter", "to": f"s{at}.start", "mean": f"{rng.integers(1, 10)} min"}
    share = {"from": f"s{at - 1}.start", "to": f"s{at}.end", "within": "40 min", "share": "70 %"}
    targets = {"mean": mean, "share": {**share, "lost_tips": "left_out"}}
    if rng.random() < 0.5:
        targets.pop("mean" if rng.random() < 0.5 else "share")
    if stages[at].get("for"):
        targets = {name: {**one, "of": {"risk": "high"}} for name, one in targets.items()}
    document = {
        "scenario": f"Line {number}",
        "run": {"start": "2025-01-06 00:00", "length": "4 d", "replications": 4, "seed": number + 1},
        "demand": {"volume": f"{rng.integers(6, 25)}/h", "risk": {"high": "60 %", "low": "40 %"}},
        "pools": {f"p{s}": {"staff": 4} for s in range(n)},
        "stages": stages,
        "targets": targets,
    }
    path = folder / f"line{number}.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return load(path, changes=[f"pools.p{s}.at_least=0" for s in range(n)])


def starved(answer: StaffAnswer) -> list[str]:
    """The pools without people that a judged tip needs, or with a line that grows, by the description alone."""
    scenario = answer.staffed
    bare = [name for name in judged_pools(scenario) if scenario.pools[name].staff == 0]
    waits = {stage.pool for stage in scenario.stages if stage.patience is None}
    return [*bare, *(one.pool for one in describe(scenario).pools if one.overloaded and one.pool in waits)]


def check_line(number: int, folder: Path) -> None:
    scenario = drawn(number, folder)
    pools = dict.fromkeys(judged_pools(scenario), (0, 9))
    answer = cheapest(scenario, pools=pools, trials=trials(scenario))
    assert answer.staffing is not None, (number, answer.why)
    assert starved(answer) == [], number
    assert answer.confirmation is not None
    for stage_number in unminded_stages(scenario):
        visits = answer.confirmation.sample.stages[:, stage_number].sum(axis=(0, 1))
        if scenario.stages[stage_number].pool in pools:
            assert visits[2] <= 0.05 * visits[0], number


@pytest.mark.parametrize("number", range(15))
def test_no_answer_to_a_random_line_starves_a_pool(number: int, tmp_path: Path) -> None:
    check_line(number, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(15, 65))
def test_no_answer_to_more_random_lines_starves_a_pool(number: int, tmp_path: Path) -> None:
    check_line(number, tmp_path)


def test_a_concern_says_what_is_wrong_and_how_much() -> None:
    up = Concern("gives up", "answer", 0.2, 0.05, "missed")
    assert up.words == "20 % give up at answer, which no target judges (at most 5 % may)"
    assert up.used == pytest.approx(4)
    assert replace(up, value=0.04, verdict="met").used == 0
    assert Concern("grows", "desk", 1.5, 1.0, "missed").words == "the line of desk grows without end"
    out = Concern("left out", "t", 0.12, 0.05, "missed")
    assert out.words == "t leaves out 12 % of its tips (at most 5 % may be left out)"


def test_whom_a_target_lets_give_up_makes_no_line_grow_further_on(tmp_path: Path) -> None:
    """Of 4 erlangs that are offered to `second`, two fifths have given up before: 4 people are enough."""
    scenario = written(
        tmp_path,
        "pools: {first: {staff: 2}, second: {staff: 4}}\n"
        "stages:\n"
        "  - {name: answer, pool: first, service: {exponential: {mean: 8 min}},\n"
        "     patience: {exponential: {mean: 5 min}}}\n"
        "  - {name: act, pool: second, service: {exponential: {mean: 12 min}}}\n"
        "targets: {lost: {lost: 45 %}, busy: {pool: second, occupancy: 62 %}}\n",
    )
    assert sure_work(scenario, scenario.pools) == pytest.approx([8 / 3 * 0.55, 4 * 0.55])
    assert concerns(scenario)["grows", "second"].verdict == "met"
    answer = cheapest(scenario, trials=trials(scenario), replications=16)
    assert answer.by_path == {"pools.first.staff": 2, "pools.second.staff": 4}
