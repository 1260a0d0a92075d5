"""Targets in the trade's words, percentiles, clocks, and what lost tips count as: on logs that a pencil can follow."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from sim.draw import draw
from sim.dynamics.clock import MINUTE
from sim.measures import theory
from sim.measures.frame import Frame
from sim.measures.held import HIGH, VALUE
from sim.measures.kinds import InPlace
from sim.measures.measures import measure
from sim.measures.percentiles import ENDLESS, N_PLANES, STILL_OPEN, Percentiles
from sim.measures.sample import Sample
from sim.measures.targets import TargetResult, left_out, results
from sim.scenario.faults import ScenarioError
from sim.scenario.target_kinds import PercentileTarget
from sim.studies.replicate import run
from sim.text.words import came_to
from tests.cli.lines import recorded
from tests.conftest import Engine
from tests.measures.hand import Tip, Visit, gone, scenario, through, waiting
from tests.measures.test_targets import sample_of
from tests.scenario.small import loaded

BETWEEN = "from: arrival, to: take.start"
STAYED = [through(100, 100 + wait, 115 + wait) for wait in (0, 0, 1, 2, 3, 4, 8, 16)]
"""Eight tips that wait so many minutes."""
LOST = [gone(200, 200 + wait) for wait in (0.05, 2, 4, 6)]
"""Four that give up after three seconds and after 2, 4 and 6 minutes."""


def came(folder: Path, targets: str, tips: list[Tip], **settings: str) -> dict[str, TargetResult]:
    """What targets came to in three replications, all alike."""
    found = results(sample_of(folder, targets, [tips] * 3, **settings))
    return {one.name: one for one in found}


# What lost tips count as


@pytest.mark.parametrize(
    ("lost", "met", "judged"),
    [
        ("miss", 6, 12),  # of all that came, those that waited no more than 4 minutes
        ("left_out", 6, 8),
        ("good_if_early", 9, 12),  # early is up to the very tick
        ("left_out_if_early", 6, 9),
        ("{left_out_before: 3 s}", 6, 12),  # before is not at
        ("{left_out_before: 4 s}", 6, 11),
        ("{left_out_before: 6 min}", 6, 9),
    ],
)
def test_what_a_lost_tip_counts_as(tmp_path: Path, lost: str, met: int, judged: int) -> None:
    targets = f"""
plain: {{{BETWEEN}, within: 4 min, share: 50 %, lost_tips: {lost}}}
level: {{stage: take, service_level: 50 %, within: 4 min, lost_tips: {lost}}}
"""
    for one in came(tmp_path, targets, STAYED + LOST).values():
        assert one.value == met / judged
        assert one.counts["met"] == 3 * met
        assert one.counts["met"] + one.counts["missed"] + one.counts["lost"] == 3 * judged
        assert sum(one.counts.values()) == 36


def test_what_is_left_out_is_limited_only_where_that_is_meant(tmp_path: Path) -> None:
    targets = f"""
all: {{{BETWEEN}, within: 4 min, share: 50 %, lost_tips: left_out, left_out: 30 %}}
early: {{{BETWEEN}, within: 4 min, share: 50 %, lost_tips: left_out_if_early, left_out: 1 %}}
mean: {{{BETWEEN}, mean: 9 min, lost_tips: {{left_out_before: 5 s}}, left_out: 20 %}}
asa: {{stage: take, asa: 9 min}}
half: {{{BETWEEN}, median: 9 min}}
"""
    tips = STAYED + LOST
    sample = sample_of(tmp_path, targets, [tips] * 3)
    out = [left_out(sample, k)[0].tolist() for k in range(5)]
    assert out == [[4] * 3, [0] * 3, [3] * 3, [0] * 3, [0] * 3]
    found = {one.name: one for one in results(sample)}
    assert [found[name].verdict for name in found] == ["missed", "met", "missed", "met", "met"]
    assert found["asa"].value == 34 / 8 * MINUTE


def test_early_is_told_of_a_tip(tmp_path: Path) -> None:
    world = scenario(tmp_path, f"good: {{{BETWEEN}, within: 4 min, share: 50 %, lost_tips: good_if_early}}")
    assert world.targets["good"].of_tip("met") == "it gave up within 4 min, and such tips count as good"
    assert "tips lost within that time counted as good" in world.targets["good"].words


# At a stage


def test_a_stage_judges_those_who_came_to_it_by_their_first_visit(tmp_path: Path) -> None:
    took = Visit("take", 100, 100, 105)
    late = Tip(100, [took, Visit("check", 105, 109, 114), Visit("post", 114, 114, 115)], tier="A")
    quick = Tip(100, [took, Visit("check", 105, 105, 110), Visit("check", 110, 140, 145)], tier="A")
    on_the_way = Tip(640, [Visit("take", 640, 719), Visit("check")], tier="A")
    waits = Tip(640, [Visit("take", 640, 640, 645), Visit("check", 645)], tier="A")
    targets = """
level: {stage: check, service_level: 50 %, within: 3 min}
asa: {stage: check, asa: 3 min}
ab: {stage: take, abandoned: 5 %}
"""
    found = came(tmp_path, targets, [late, quick, gone(200, 203), on_the_way, waits])
    # Of those at `check` one started at once, one after 4 minutes, one still waits after 75; one gave up before.
    level = found["level"].counts
    assert [level[name] for name in ("met", "missed", "without_start", "open")] == [3, 6, 3, 3]
    assert found["asa"].counts["without_start"] == 3
    assert (found["ab"].value, found["ab"].counts["lost"], found["ab"].counts["met"]) == (0.2, 3, 12)


def test_with_retries_the_last_attempt_counts(tmp_path: Path, simulate: Engine) -> None:
    text = """
scenario: Retries
run: {start: 2025-01-06, length: 4 d, cool_down: 1 d, seed: 3}
demand: {volume: 20/h}
pools: {desk: {staff: 1}}
stages:
  - {name: answer, pool: desk, service: {exponential: {mean: 5 min}}, patience: {exponential: {mean: 4 min}},
     retry: {share: 60 %, after: 2 min, at_most: 2}}
targets: {ab: {stage: answer, abandoned: 5 %}, lost: {lost: 5 %}, early: {stage: answer, service_level: 80 %,
  within: 3 min, lost_tips: good_if_early}}
"""
    world = loaded(tmp_path, text)
    replication = draw(world, 0)
    log = simulate(replication)
    frame = Frame(world)
    found = measure(log, replication, frame)
    counts = {name: found.counts[k] for k, name in enumerate(world.targets)}
    # One stage for all: who gave up the last attempt there is who is lost.
    assert counts["ab"][2] == counts["lost"][2] > 0
    last = replication.visits.first_attempt + log.attempt - 1
    given_up = log.outcome == 2
    early = given_up & (log.gave_up[last] - log.enter <= 3 * MINUTE)
    in_time = (log.start - log.enter <= 3 * MINUTE) & (log.start >= log.enter)
    inside = (log.enter >= frame.first) & (log.enter < frame.last)
    assert counts["early"][0] == np.count_nonzero((early | in_time) & inside)


# Percentiles


def test_percentiles_by_hand(tmp_path: Path) -> None:
    targets = "\n".join(
        f"p{share}: {{{BETWEEN}, percentile: {share} %, within: 3 min, lost_tips: {{left_out_before: 5 s}}}}"
        for share in (25, 50, 60, 75, 90)
    )
    targets += f"\nhalf: {{{BETWEEN}, median: 3 min}}\nkept: {{{BETWEEN}, median: 3 min, lost_tips: left_out}}"
    found = came(tmp_path, targets, STAYED + LOST)
    # 0, 0, 1, 2, 3, 4, 8, 16 and three without end; with all four lost the half of twelve is the sixth; without, of
    # eight, the fourth.
    minutes = {name: one.value / MINUTE for name, one in found.items()}
    assert minutes == {"p25": 1, "p50": 4, "p60": 8, "p75": math.inf, "p90": math.inf, "half": 4, "kept": 2}
    assert (found["p90"].verdict, found["kept"].verdict) == ("missed", "undecided")
    assert came_to(found["p90"]).startswith("endless")
    assert found["half"].counts["missed"] == 3 * 3
    assert (found["half"].unit, found["half"].side, found["half"].asked) == ("min", "at_most", "median at most 3 min")


def test_an_open_tip_has_waited_so_long_or_for_ever(tmp_path: Path) -> None:
    tips = STAYED + [waiting(650)] * 4
    found = came(tmp_path, f"p75: {{{BETWEEN}, percentile: 75 %, within: 80 min}}", tips)["p75"]
    assert found.value == 70 * MINUTE
    assert found.lower_bound
    assert (found.high, found.verdict) == (math.inf, "undecided")


def test_a_longest_time_is_that_of_a_window(tmp_path: Path) -> None:
    days = [through(100, 103, 110), through(1500, 1506, 1510), through(1600, 1600, 1605), gone(3000, 3001)]
    targets = f"longest: {{{BETWEEN}, longest: 5 min, per: day, hold: 40 %}}"
    found = came(tmp_path, targets, days, warm_up="0 d", length="3 d")["longest"]
    # On the third day nobody came to the end: one day in two kept it, and a quarter of the tips is left out.
    assert (found.value, found.windows.n_judged, found.verdict) == (0.5, 6, "missed")
    assert found.left_out is not None
    assert found.left_out.share.value == 0.25


def test_the_percentile_of_all_is_no_mean_of_percentiles(tmp_path: Path) -> None:
    short, long = [through(100, 100, 105)] * 9, [through(100, 120, 125)]
    sample = sample_of(tmp_path, f"p: {{{BETWEEN}, percentile: 90 %, within: 5 min}}", [short * 3, short + long * 9])
    assert [one / MINUTE for one in sample.of(0).values] == [0, 20]
    assert results(sample)[0].value == 20 * MINUTE  # of 45 tips the 41st
    pairs = sample.of(0).pairs(VALUE)
    assert pairs[:, 0].sum() / pairs[:, 1].sum() == pytest.approx(20 * MINUTE)


@pytest.mark.parametrize(("within", "in_time"), [("4 min", True), ("3.99 min", False), ("0 s", False)])
def test_a_percentile_is_within_its_limit_where_the_share_in_time_is(
    tmp_path: Path, within: str, in_time: bool
) -> None:
    """Of ten waits nine are 4 minutes to the tick, and one a second more."""
    tips = [through(100, 104, 110)] * 9 + [through(100, 104 + 1 / 60, 110)]
    targets = f"""
share: {{{BETWEEN}, share: 80 %, within: {within}}}
percentile: {{{BETWEEN}, percentile: 80 %, within: {within}}}
median: {{{BETWEEN}, median: {within}}}
"""
    found = came(tmp_path, targets, tips)
    assert [one.value <= one.threshold for one in found.values()] == [not in_time, in_time, in_time]


def test_a_time_of_nothing_allows_exceptions_and_a_share_of_nothing_none(tmp_path: Path) -> None:
    """Half of the tips of one replication, and fewer of the other two, are taken at once: no median is shown."""
    at_once, late = through(100, 100, 105), through(100, 103, 105)
    few, many = [at_once] * 5 + [late] * 5, [at_once] * 4 + [late] * 6
    targets = f"median: {{{BETWEEN}, median: 0 s}}\nlost: {{lost: 0 %}}"
    found = {one.name: one for one in results(sample_of(tmp_path, targets, [few, many, [*few, gone(100, 101)]]))}
    assert found["median"].low == 0 < found["median"].value
    assert {name: one.verdict for name, one in found.items()} == {"median": "undecided", "lost": "missed"}


def test_open_tips_of_a_place_without_any_settled_one() -> None:
    target = PercentileTarget.model_validate({"from": "arrival", "to": "leave", "percentile": 0.5, "within": "5 min"})
    extra = np.zeros((4, N_PLANES, ENDLESS + 1))
    extra[:, STILL_OPEN, 40] = 1
    one = InPlace(target, np.ones((4, 3, 2)), extra)
    assert Percentiles().estimate(one, 0.95).high == math.inf
    assert np.isfinite(Percentiles().weighed(one, HIGH)).all()


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (f"{{{BETWEEN}, longest: 5 min}}", "`longest` needs `per` and `hold`"),
        (f"{{{BETWEEN}, percentile: 100 %, within: 5 min}}", "must be less than 1"),
        (f"{{{BETWEEN}, mean: 5 min, lost_tips: good_if_early}}", "it cannot be `good_if_early`"),
        (
            f"{{{BETWEEN}, within: 5 min, share: 1, lost_tips: left_early}}",
            "lost tips are miss, left_out, good_if_early",
        ),
        (f"{{{BETWEEN}, within: 5 min, share: 1, lost_tips: {{left_out_before: 5}}}}", "a duration needs a unit"),
        (f"{{{BETWEEN}, within: 5 min, share: 1, lost_tips: good_if_early, left_out: 5 %}}", "leaves none out"),
        ("{stage: tak, asa: 5 min}", "there is no stage 'tak'; did you mean 'take'"),
        ("{stage: take, asa: 5 min, lost_tips: miss}", "does not go with the other keys here"),
        ("{stage: take, within: 20 s}", "is missing"),
        (f"{{{BETWEEN}, median: 5 min, clock: office}}", "there is no calendar 'office'"),
    ],
)
def test_faults_say_what_is_asked_for(tmp_path: Path, written: str, told: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario(tmp_path, f"t: {written}")
    assert told in str(caught.value)


# Clocks and zeros

TIPS = """\
received,read
2025-01-10T16:30,40
2025-01-10T16:31,5
2025-01-11T12:00,5
2025-01-12T23:59,5
"""
OFFICE = """\
calendars: {office: {open: [{days: mon-fri, from: "09:00", to: "17:00"}]}}
pools: {desk: {shifts: [{from: "09:00", to: "17:00", staff: 1, days: mon-fri}], at_shift_end: resume}}
stages: [{name: read, pool: desk, service: 5 min}]
targets:
  first: {from: arrival, to: read.start, within: 1 h, share: 90 %, clock: office}
  wall: {from: arrival, to: read.start, within: 1 h, share: 90 %}
  mean: {from: arrival, to: read.start, mean: 1 h, clock: office}
  p75: {from: arrival, to: read.start, percentile: 75 %, within: 1 h, clock: office}
  level: {stage: read, service_level: 90 %, within: 1 h, clock: office}
  longest: {from: arrival, to: read.start, longest: 1 h, clock: office, per: day, hold: 90 %}
"""


def test_a_clock_counts_open_time(tmp_path: Path) -> None:
    given: dict[str, Any] = {"run.start": "2025-01-06 00:00", "run.length": "7 d", "run.cool_down": "7 d"}
    world = sim.load(recorded(tmp_path, TIPS, OFFICE), changes=given)
    found = sim.run(world).targets.set_index("target")["value"]
    # Friday 16:30 starts at once and goes on on Monday from 9:00 to 9:10, then 16:31 (29 min on Friday and 10 on
    # Monday), those of the weekend at 9:15 and 9:20.
    assert (found["first"], found["wall"]) == (1.0, 0.25)
    assert found["mean"] == (0 + 39 + 15 + 20) / 4
    assert (found["p75"], found["level"], found["longest"]) == (20, 1, 1)
    assert world.targets["first"].words == (
        "at least 90 % of all tips within 1 h of office time from arrival to read.start"
    )


def test_the_cool_down_is_as_long_as_the_clock_may_take(tmp_path: Path) -> None:
    given: dict[str, Any] = {"run.start": "2025-01-06 00:00", "run.length": "7 d", "run.cool_down": None}
    world = sim.load(recorded(tmp_path, TIPS, OFFICE), changes=given | {"targets.mean": None})
    # An hour of office time from Friday 16:00 on ends when it closes; from a tick later on Monday.
    assert world.cool_down > 64 * 60 * MINUTE


def test_nobody_waits_at_all(tmp_path: Path) -> None:
    found = came(
        tmp_path,
        f"none: {{{BETWEEN}, within: 0 s, share: 20 %}}\np25: {{{BETWEEN}, percentile: 20 %, within: 0 s}}",
        STAYED,
    )
    assert (found["none"].value, found["p25"].value) == (0.25, 0)


def test_a_service_may_take_no_time(tmp_path: Path) -> None:
    rest = """\
pools: {desk: {staff: 1}}
stages: [{name: stamp, pool: desk, service: 0 s}, {name: read, pool: desk, service: {by: risk, high: 0 s, low: 4 min}}]
targets: {t: {from: arrival, to: leave, mean: 9 min}, z: {stage: stamp, service_level: 50 %, within: 0 s},
  busy: {pool: desk, occupancy: 90 %}}
"""
    tips = "received,risk\n2025-01-06T08:00,low\n2025-01-06T08:01,high\n2025-01-06T08:02,low\n"
    file = recorded(tmp_path, tips, rest, length="1 h")
    file.write_text(file.read_text().replace("  trace: tips.csv", "  trace: tips.csv\n  risk: {high: 50 %, low: 50 %}"))
    found = sim.run(sim.load(file)).targets.set_index("target")["value"]
    # The first is through at 8:04; the second is stamped then, waits behind nobody and is through at 8:04; so the third
    # at 8:08.
    assert found["t"] == pytest.approx((4 + 3 + 6) / 3)
    assert (found["z"], found["busy"]) == (pytest.approx(1 / 3), pytest.approx(8 / 60))


# Against formulas

FORMULAS = """
scenario: Service level formulas
run: {start: 2025-01-06 00:00, warm_up: 1 d, length: 56 d, replications: 10, seed: 1}
demand: {volume: 60/h}
pools: {agents: {staff: 5}}
stages: [{name: answer, pool: agents, service: {exponential: {mean: 6 min}}, patience: {exponential: {mean: 3 min}}}]
targets:
  miss: {stage: answer, service_level: 50 %, within: 30 s}
  left_out: {stage: answer, service_level: 50 %, within: 30 s, lost_tips: left_out}
  good_if_early: {stage: answer, service_level: 50 %, within: 30 s, lost_tips: good_if_early}
  left_out_if_early: {stage: answer, service_level: 50 %, within: 30 s, lost_tips: left_out_if_early}
  before: {from: arrival, to: answer.start, within: 30 s, share: 50 %, lost_tips: {left_out_before: 5 s}}
  abandoned: {stage: answer, abandoned: 30 %}
  lost: {lost: 30 %}
"""


def test_five_formulas_of_a_service_level() -> None:
    """Erlang A. Seven values within four standard errors: a fresh seed fails once in some 2,000 times."""
    found = sim.run(FORMULAS).targets.set_index("target")
    right = {"miss": 45.71, "left_out": 63.48, "good_if_early": 54.65, "left_out_if_early": 50.20, "before": 46.50}
    line = theory.erlang_a(6.0, 5, 6.0, 3.0, 0.5)
    assert round(100 * line.served_within, 2) == right["miss"]
    for name, value in (right | {"abandoned": 27.99, "lost": 27.99}).items():
        one = found.loc[name]
        error = (one["high"] - one["low"]) / 4.5
        assert abs(one["value"] - value / 100) < 4 * error, name
    assert found.loc["abandoned", "value"] == found.loc["lost", "value"]


@pytest.mark.slow
@pytest.mark.parametrize(("share", "kind"), [(0.9, "percentile: 90 %, within: 1 h"), (0.5, "median: 1 h")])
def test_intervals_of_percentiles_cover_the_truth(tmp_path: Path, share: float, kind: str) -> None:
    """M/M/1 at 70 %, 10 min: P(W > t) = 0.7 exp(-0.03 t). Of 200 intervals of 20 replications of 7 days at least 178
    hold it, which a right method (95 %) fails once in 1,000 times; as few as 17 lie on the wrong side."""
    truth = math.log(0.7 / (1 - share)) / 0.03 * MINUTE
    text = f"""
scenario: One server
run: {{start: 2025-01-06 00:00, warm_up: 1 d, length: 7 d, cool_down: 1 d, seed: 5}}
demand: {{volume: 4.2/h}}
pools: {{desk: {{staff: 1}}}}
stages: [{{name: answer, pool: desk, service: {{exponential: {{mean: 10 min}}}}}}]
targets: {{p: {{stage: answer, service_level: 50 %, within: 1 h}}, q: {{from: arrival, to: answer.start, {kind}}}}}
"""
    whole = run(loaded(tmp_path, text), replications=4000).sample
    covered, below = 0, 0
    for block in range(200):
        some = Sample(whole.frame)
        for row in whole._rows[20 * block : 20 * block + 20]:
            some.add(row)
        one = results(some)[1]
        covered += one.low <= truth <= one.high
        below += one.high < truth
    assert covered >= 178
    assert below <= 17


def test_a_percentile_of_a_known_line() -> None:
    """M/M/1 at 70 %, 10 min, over 20 times 28 days: within four standard errors of 64.9 and 11.2 min."""
    text = """
scenario: One server
run: {start: 2025-01-06 00:00, warm_up: 1 d, length: 28 d, cool_down: 1 d, replications: 20, seed: 5}
demand: {volume: 4.2/h}
pools: {desk: {staff: 1}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 10 min}}}]
targets:
  p90: {from: arrival, to: answer.start, percentile: 90 %, within: 1 h}
  p50: {from: arrival, to: answer.start, median: 1 h}
"""
    found = sim.run(text).targets.set_index("target")
    for name, share in (("p90", 0.9), ("p50", 0.5)):
        one, right = found.loc[name], math.log(0.7 / (1 - share)) / 0.03
        assert abs(one["value"] - right) < 4 * (one["high"] - one["low"]) / 4, name
        assert one["high"] - one["low"] < 0.3 * right


def test_who_never_came_to_a_stage_is_not_missed_there_for_want_of_a_label(tmp_path: Path) -> None:
    targets = """
check: {stage: check, of: {tier: A}, asa: 9 min}
take: {stage: take, of: {tier: A}, asa: 9 min}
"""
    tips = [through(100, 100, 105), Tip(200, [Visit("take", 200)], tier="A", lost=203), Tip(640, [Visit("take", 640)])]
    sample = sample_of(tmp_path, targets, [tips] * 3)
    # One of them gave up and one still waits, both before anybody had labelled them: at `take`, and never at `check`.
    assert sample.unlabelled[:, :].tolist() == [[[0, 0], [1, 1]]] * 3


# Who found no room


def test_who_is_turned_away_is_neither_answered_nor_open_nor_has_given_up(tmp_path: Path) -> None:
    """One person, room for one: of five at minutes 0 to 4 the first two are served, the others find no room."""
    file = recorded(
        tmp_path,
        "received\n" + "".join(f"2025-01-06T08:0{minute}\n" for minute in range(5)),
        """
pools: {desk: {staff: 1}}
stages: [{name: answer, pool: desk, service: 10 min, patience: 1 h, waiting_room: 1}]
targets:
  level: {stage: answer, service_level: 50 %, within: 20 min}
  joined: {stage: answer, service_level: 50 %, within: 20 min, lost_tips: left_out, left_out: 100 %}
  speed: {stage: answer, asa: 5 min}
  left: {stage: answer, abandoned: 1 %}
  full: {stage: answer, turned_away: 60 %}
  lost: {lost: 60 %}
""",
    )
    found = {one.name: one for one in results(run(sim.load(file)).sample)}
    assert {name: one.value for name, one in found.items()} == {
        "level": 0.4,
        "joined": 1.0,
        "speed": 4.5 * MINUTE,
        "left": 0.0,
        "full": 0.6,
        "lost": 0.6,
    }
    assert all(one.low == one.high == one.value and not one.counts["open"] for one in found.values())
