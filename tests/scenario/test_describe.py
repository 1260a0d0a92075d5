"""The model in numbers: loads with known answers, hours on seat, and what is warned of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.dynamics.clock import DAY, HOUR, MINUTE, YEAR
from sim.scenario.arrivals import by_hour_of_week, expected, expected_of_replication, expected_tips
from sim.scenario.describe import describe
from sim.scenario.flow import flow
from sim.scenario.loading import load
from sim.scenario.profiles import levels
from sim.scenario.schema import Scenario
from sim.scenario.warnings import warnings
from tests.scenario.small import SCENARIOS, SMALL, loaded, small

PLAIN = """
scenario: Plain
run: {start: 2025-01-06 00:00, length: 14 d, cool_down: 0 s}
demand: {volume: 6/h DEMAND}
pools: {desk: {staff: 1 POOL}}
stages: [{name: work, pool: desk, service: 5 min STAGE}]
"""


def plain(folder: Path, demand: str = "", pool: str = "", stage: str = "", more: str = "") -> Scenario:
    return loaded(folder, PLAIN.replace("DEMAND", demand).replace("POOL", pool).replace("STAGE", stage) + more)


def test_a_plain_load_is_the_rate_times_the_mean(tmp_path: Path) -> None:
    found = describe(plain(tmp_path, pool=", concurrency: 3, shrinkage: 20 %"))
    assert found.tips == found.cohort == pytest.approx(14 * 24 * 6)
    (desk,) = found.pools
    assert desk.offered == pytest.approx(0.5)
    assert desk.servers == 3
    assert desk.load == pytest.approx([0.5] * 168)
    assert desk.on_duty == (3,) * 168
    assert desk.seat_hours == 168
    assert desk.paid_hours == pytest.approx(210)
    assert desk.fte == pytest.approx(5.25)
    assert not desk.overloaded
    assert found.warnings == ()


def test_rework_and_labels_by_hand(tmp_path: Path) -> None:
    scenario = loaded(
        tmp_path,
        """
scenario: Ways
run: {start: 2025-01-06, length: 7 d}
demand: {volume: 60/h, risk: {high: 20 %, low: 80 %}}
labels:
  machine: {decides: 50 %, assigns: {high: {urgent: 90 %, calm: 10 %}, low: {urgent: 5 %, calm: 95 %}}}
  clerk: {assigns: {high: {urgent: 1}, low: {calm: 1}}}
pools: {desk: {staff: 9}}
stages:
  - {name: guess, delay: 1 s, label: machine}
  - {name: read, for: {labelled: false}, pool: desk, service: 2 min, label: clerk}
  - {name: act, for: {tier: urgent}, pool: desk, service: {by: risk, high: 10 min, low: 20 min}}
  - {name: file, for: {tier: calm}, share: 50 %, pool: desk, service: 1 min,
     rework: {share: 25 %, back_to: read, at_most: 2}}
""",
    )
    visits = dict(zip((stage.name for stage in scenario.stages), flow(scenario).visits[:, 0], strict=True))
    # Calm the first time: high .2 x .5 x .1 = .01 and low .8 x (.5 x .95 + .5) = .78; of these half are filed.
    # A quarter of the filings of each round go back to `read`, where the clerk labels high urgent and low calm.
    high, low = [0.01 * 0.5], [0.78 * 0.5]
    back = [(high[0] * 0.25, low[0] * 0.25)]
    high.append(0.0)
    low.append(back[0][1] * 0.5)
    back.append((0.0, low[1] * 0.25))
    low.append(back[1][1] * 0.5)
    assert visits["guess"] == pytest.approx(1)
    assert visits["read"] == pytest.approx(0.5 + sum(sum(pair) for pair in back))
    assert visits["file"] == pytest.approx(sum(high) + sum(low))
    urgent_high, urgent_low = 0.2 * (0.5 * 0.9 + 0.5) + back[0][0], 0.8 * 0.5 * 0.05
    assert visits["act"] == pytest.approx(urgent_high + urgent_low)
    work = flow(scenario).work[scenario.stage_index("act"), 0]
    assert work == pytest.approx((urgent_high * 10 + urgent_low * 20) * MINUTE)
    assert flow(scenario).unlabelled[1, 0] == pytest.approx(0.5)


def test_loads_add_up_over_hours_and_pools() -> None:
    scenario = load(SCENARIOS / "national.yaml")
    found = describe(scenario)
    for pool in found.pools:
        assert pool.offered == pytest.approx(np.mean(pool.load))
    work = {stage.stage: stage.visits * stage.mean_minutes for stage in found.stages}
    rate = 30000 / 365 / 24 / 60
    analysts = found.pools[1]
    assert analysts.offered == pytest.approx(rate * (work["screen"] + work["assess"] + work["file"]), rel=2e-3)
    assert found.stages[0].who == "tips with channel call"
    assert (
        found.stages[0].does == "call_takers, 12 min on average; tips may give up, and 50 % come back (at most 3 times)"
    )


def test_profiles_growth_and_surges_by_hand(tmp_path: Path) -> None:
    demand = ", growth: 100 %, surges: [{name: a, at: 2025-01-06 10:30, lasts: 1 h, factor: 3, fades: 2 h}]"
    scenario = plain(tmp_path, demand=demand)
    found = expected(levels(scenario), scenario.run)
    tips, of_week = found.tips, found.of_week
    assert of_week[:3].tolist() == [0, 1, 2]
    growth = 2 ** ((np.arange(24) + 0.5) * HOUR / YEAR)
    # At 11:30 the surge is at its full height of 2 and fades to nothing by 13:30.
    height = np.zeros(24)
    height[[10, 11, 12, 13]] = [0.5, 0.5 + 0.5 * 0.875, 0.5, 0.5 * 0.125]
    assert tips[:24, 0] == pytest.approx(6 * growth * (1 + 2 * height))


def test_surges_at_random_times_are_spread_evenly(tmp_path: Path) -> None:
    demand = ", surges: [{per_year: 73, lasts: 1 d, factor: 3, fades: 2 d}]"
    surging = plain(tmp_path, demand=demand)
    assert expected_tips(surging)[0] == pytest.approx(14 * 144 * (1 + 2 * 73 * 2 / 365))
    assert expected_of_replication(surging) == expected_tips(surging)[0]


def test_a_run_that_starts_within_an_hour(tmp_path: Path) -> None:
    scenario = loaded(
        tmp_path, PLAIN.replace("DEMAND", "").replace("POOL", "").replace("STAGE", "").replace("00:00", "09:45")
    )
    found = expected(levels(scenario), scenario.run)
    tips, of_week = found.tips, found.of_week
    assert of_week[0] == 9
    assert tips[0, 0] == pytest.approx(1.5)
    assert tips.sum() == pytest.approx(14 * 144)


def test_a_run_shorter_than_a_week_still_has_every_hour_of_it(tmp_path: Path) -> None:
    text = PLAIN.replace("14 d", "1 d").replace("DEMAND", ", by_weekday: [2, 1, 1, 1, 1, 1, 0]")
    scenario = loaded(tmp_path, text.replace("POOL", "").replace("STAGE", ""))
    a_tick = by_hour_of_week(scenario)[:, 0] * HOUR
    assert a_tick == pytest.approx(np.repeat([12, 6, 6, 6, 6, 6, 0], 24))


def test_channels_have_profiles_of_their_own(tmp_path: Path) -> None:
    days = "channels: {a: {share: 50 %, by_weekday: [7, 0, 0, 0, 0, 0, 0]}, b: 50 %}"
    a_tick = by_hour_of_week(plain(tmp_path, demand=f", {days}")) * HOUR
    assert a_tick[:, 0] == pytest.approx([21] * 24 + [0] * 144)
    assert a_tick[:, 1] == pytest.approx([3] * 168)


def test_recorded_tips_are_counted_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "tips.csv").write_text(
        "received,channel\n2025-01-06 03:10,call\n2025-01-06 03:50,\n2025-01-13 00:10,web\n", encoding="utf-8"
    )
    scenario = small(tmp_path, "volume: 10/h", "trace: tips.csv")
    assert expected_tips(scenario) == (3, 2)
    assert expected_of_replication(scenario) == 3
    a_tick = by_hour_of_week(scenario) * HOUR
    # From Monday to the Monday after: two Mondays, on one of which these came.
    assert a_tick[3] == pytest.approx([0.7, 0.3])
    assert a_tick[4:].sum() == 0


def test_a_pool_that_is_overloaded_on_average(tmp_path: Path) -> None:
    found = describe(
        plain(
            tmp_path,
            stage="",
            demand=", by_hour: [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]",
        )
    )
    assert found.warnings == (
        "pool 'desk' is overloaded every day from 00:00 to 12:00: up to 1.00 erlangs of work come to 1.00 servers",
    )
    busy = load(tmp_path / "doc.yaml", changes=["stages.work.service=10 min"])
    assert describe(busy).warnings == (
        "pool 'desk' is overloaded: 1.00 erlangs of work come to 1.00 servers on average over the week",
    )


def test_hours_without_staff_are_told_once_and_single_overloaded_hours_are_not(tmp_path: Path) -> None:
    shifts = ", shifts: [{from: 06:00, to: 05:00, staff: 1}, {from: 22:00, to: 04:00, staff: 9, days: [sun]}]"
    scenario = loaded(tmp_path, PLAIN.replace("staff: 1 POOL", shifts[2:]).replace("DEMAND", "").replace("STAGE", ""))
    assert describe(scenario).pools[0].overloaded_hours == ()
    fewer = load(tmp_path / "doc.yaml", changes=["pools.desk.shifts.0.to=22:00", "pools.desk.shifts.0.days=mon-sat"])
    (desk,) = describe(fewer).pools
    # From Saturday 22:00 nobody is there until Sunday 22:00, and from Monday to Friday from 22:00 to 06:00.
    assert desk.overloaded_hours == ()
    assert describe(fewer).warnings == (
        "pool 'desk': nobody is on duty 04:00 to 06:00 on mon, when 12 tips a week come",
        "pool 'desk': nobody is on duty 22:00 to 06:00 on mon, tue, wed, thu, fri, when 240 tips a week come",
        "pool 'desk': nobody is on duty 22:00 to 22:00 on sat, when 144 tips a week come",
    )


RUN = "length: 7 d"
DESK = "staff: 2, serve_first: [{tier: urgent}]}"
WARNED = [
    (RUN, "length: 7 d, replications: 1", "one replication gives no interval: no target can be called met or missed"),
    (
        RUN,
        "length: 7 d, cool_down: 10 min",
        "the run is too short for its own targets: cool_down is 10 min, and the longest threshold 30 min, "
        "so late tips are still open",
    ),
    (
        "share: 90 %}",
        "share: 90 %, per: month, hold: 90 %}",
        "target 'quick' is judged by month, and no whole month lies in the measured period",
    ),
    (
        "volume: 10/h",
        "volume: 10/h\n  surges: [{at: 2024-01-01, lasts: 1 d, factor: 2}]",
        "surge 'surge 1' lies outside the run",
    ),
    (
        "volume: 10/h",
        "volume: 10/h\n  surges: [{at: 2025-01-14, lasts: 1 d, factor: 2}]",
        "surge 'surge 1' lies outside the run",
    ),
    (
        "labels:\n",
        "labels:\n  spare:\n    assigns: {high: {calm: 1}, low: {calm: 1}}\n",
        "labeller 'spare' is named by no stage",
    ),
    (DESK, f"staff: 0, {DESK[10:]}", "pool 'desk' has no staff at any time, and stages need it"),
    (DESK, "staff: 2}\n  spare: {staff: 1}", "pool 'spare' serves no stage"),
    (
        DESK,
        "staff: 2, hand_over_time: 5 min}",
        "pool 'desk' has a hand_over_time, which only at_shift_end: hand_over uses",
    ),
    (
        DESK,
        "staff: 2, at_shift_end: resume}",
        "pool 'desk' has no shifts, so nothing happens at their end: its staff is there around the clock",
    ),
    (DESK, "staff: 2, breaks: {lasts: 5 min}}", "pool 'desk' has staff around the clock, which takes no breaks"),
    (
        DESK,
        "staff: 2, serve_first: [{tier: urgent}, {tier: calm, labelled: false}]}",
        "pool 'desk': item 1 of serve_first matches no tip that comes there",
    ),
    (
        DESK,
        "staff: 2, serve_first: [{tier: urgent}], preempt: [{labelled: false}]}",
        "pool 'desk': preempt can never act, since no tip there has a worse rank in serve_first",
    ),
    (
        DESK,
        "staff: 2, preempt: [{tier: urgent}]}",
        "pool 'desk': preempt can never act, since no tip there has a worse rank in serve_first",
    ),
    (
        "from: arrival, to: act.start",
        "from: act.start, to: sort.end",
        "target 'quick' ends before it begins: 'sort.end' comes before 'act.start'",
    ),
    (
        "from: arrival, to: act.start",
        "from: leave, to: arrival",
        "target 'quick' ends before it begins: 'arrival' comes before 'leave'",
    ),
]


def test_an_overflow_from_a_room_in_which_nobody_waits_is_warned_of_unless_it_comes_at_once() -> None:
    stage = {"name": "answer", "pool": "near", "service": "5 min", "waiting_room": 0}
    line = {
        "scenario": "Two centres",
        "run": {"start": "2025-01-06 00:00", "length": "7 d"},
        "demand": {"volume": "20/h"},
        "pools": {"near": {"staff": 2}, "far": {"staff": 2}},
    }
    assert warnings(load({**line, "stages": [{**stage, "overflow": {"to": "far"}}]})) == []
    assert warnings(load({**line, "stages": [{**stage, "overflow": {"to": "far", "after": "2 min"}}]})) == [
        "stage 'answer': who finds nobody free is turned away, as waiting_room is 0, and does not wait 2 min to "
        "overflow to 'far'; without `after` it does at once"
    ]


@pytest.mark.parametrize(("old", "new", "message"), WARNED)
def test_what_may_not_be_meant_is_warned_of(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert warnings(small(tmp_path, old, new)) == [message]


def test_the_small_document_and_the_examples_are_without_warning_but_of_time_off(tmp_path: Path) -> None:
    assert warnings(small(tmp_path)) == []
    assert describe(load(SCENARIOS / "two_stage.yaml")).warnings == ()
    for name in ("national", "national_recorded"):
        assert describe(load(SCENARIOS / f"{name}.yaml")).warnings == (
            "nobody is ever off in analysts, duty_officers and receivers: no shrinkage is given there, as it is for "
            "call_takers; run.shrinkage gives it to all pools without their own "
            "(hours and cost depend on it, verdicts do not)",
        )
        assert describe(load(SCENARIOS / f"{name}.yaml", changes=["run.shrinkage=30 %"])).warnings == ()


def test_a_target_on_lost_tips_needs_patience_and_shares_above_nothing(tmp_path: Path) -> None:
    text = SMALL.replace(", patience: 10 min", "").replace("quick:", "gone: {lost: 5 %}\n  quick:")
    text = text.replace("urgent: 5 %, calm: 95 %", "urgent: 0, calm: 1").replace(
        "high: 10 %, low: 90 %", "high: 0, low: 1"
    )
    assert warnings(loaded(tmp_path, text.split("plausible:")[0])) == [
        "no tip reaches stage 'act', as the shares are",
        "target 'gone': no stage has patience or a limited line, so no tip is ever lost",
        "target 'quick': no tip is of its kind, as the shares are",
    ]


def test_a_trace_makes_the_volume_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "tips.csv").write_text("received\n2025-01-06 03:10\n", encoding="utf-8")
    assert warnings(small(tmp_path, "volume: 10/h", "volume: 10/h\n  growth: 5 %\n  trace: tips.csv")) == [
        "the tips come from tips.csv, so demand.volume and demand.growth say nothing"
    ]


def test_a_pre_emption_that_can_act_is_not_warned_of(tmp_path: Path) -> None:
    assert warnings(small(tmp_path, "[{tier: urgent}]", "[{tier: urgent}], preempt: [{tier: urgent}]")) == []


def test_whole_periods(tmp_path: Path) -> None:
    for start, length, per, whole in [
        ("2025-01-06", 7 * DAY, "week", True),
        ("2025-01-07", 7 * DAY, "week", False),
        ("2025-01-07", 13 * DAY, "week", True),
        ("2025-02-01", 28 * DAY, "month", True),
        ("2025-02-01", 27 * DAY, "month", False),
        ("2025-01-06 00:01", DAY, "day", False),
        ("2025-01-06 00:01", DAY, "hour", True),
        ("2025-01-06 00:01", HOUR, "hour", False),
        ("2025-01-06 00:01", HOUR, "half_hour", True),
    ]:
        text = SMALL.replace("2025-01-06 00:00, length: 7 d", f"{start}, length: {length // HOUR} h")
        found = warnings(loaded(tmp_path, text.replace("share: 90 %}", f"share: 90 %, per: {per}, hold: 90 %}}")))
        assert (found == []) == whole, (start, length, per)
