"""What came and who was there by interval of the week and by date, with a pencil, on both engines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from sim.draw import draw
from sim.dynamics.clock import DAY, HOUR, MINUTE
from sim.measures import passes
from sim.measures.frame import Frame
from sim.measures.measures import measure
from sim.measures.sample import Sample
from sim.scenario.schema import Scenario
from sim.tables.by_time import DATES, INTERVALS, dates, intervals, special_dates
from tests.conftest import Engine
from tests.scenario.small import SMALL, loaded

DESK = """\
scenario: Desk
run: {start: START, warm_up: 0 d, length: LENGTH, cool_down: 1 d, interval: INTERVAL}
demand: {trace: tips.csv}
pools:
  desk: {shifts: [{from: "08:30", to: "10:00", staff: 1}]}
stages: [{name: answer, pool: desk, service: 20 min, patience: 15 min}]
targets:
  quick: {from: arrival, to: answer.start, within: 5 min, share: 80 %}
  kept: {lost: 5 %}
  mean: {from: arrival, to: answer.start, mean: 5 min}
"""

MONDAY = ["2025-01-06 08:40", "2025-01-06 08:50", "2025-01-06 08:55", "2025-01-06 09:10"]
"""The first is served from 8:40 to 9:00, the second from 9:00 to 9:20, the fourth from 9:20 to 9:40; the third gives up
at 9:10."""


def world(folder: Path, text: str, tips: Sequence[str]) -> Scenario:
    (folder / "tips.csv").write_text("received\n" + "\n".join(tips) + "\n")
    return loaded(folder, text)


def desk(folder: Path, tips: Sequence[str], start: str = "2025-01-06", length: str = "1 d", interval: str = "30 min"):
    text = DESK.replace("START", f"{start} 00:00").replace("LENGTH", length).replace("INTERVAL", interval)
    return world(folder, text, tips)


def sample_of(scenario: Scenario, simulate: Engine, n: int = 1) -> Sample:
    frame = Frame(scenario)
    sample = Sample(frame)
    for index in range(n):
        replication = draw(scenario, index, seed=7)
        sample.add(measure(simulate(replication), replication, frame))
    return sample


def rows(table, found) -> list[dict]:
    return table.of(found).frame.to_dict("records")


def test_a_half_hour_tells_what_came_to_it_and_who_was_there(tmp_path: Path, simulate: Engine) -> None:
    found = rows(INTERVALS, intervals(sample_of(desk(tmp_path, MONDAY), simulate)))
    assert len(found) == 336
    first, second, third = found[17:20]
    assert (first["weekday"], first["from"], first["to"], first["measured_h"]) == ("Mon", "08:30", "09:00", 0.5)
    assert [first[f"{what}_tips"] for what in ("offered", "answered", "lost")] == [3, 2, 1]
    assert [first[f"desk_{what}_tips"] for what in ("offered", "answered", "lost")] == [3, 2, 1]
    assert first["arrivals_tips_an_hour"] == 6
    assert (first["desk_wait_mean_min"], first["desk_work_mean_min"]) == (5, 20)
    assert first["desk_occupancy_share"] == pytest.approx(20 / 30)
    assert first["desk_offered_erlangs"] == pytest.approx((20 + 10 + 5) / 30)
    assert (first["desk_on_duty_people"], first["desk_needed_people"]) == (1, 2)
    assert first["desk_waiting_tips"] == pytest.approx((10 + 5) / 30)
    assert (first["quick_judged_tips"], first["quick_failed_tips"]) == (3, 2)
    assert first["quick_kept_share"] == pytest.approx(1 / 3)
    assert (second["offered_tips"], second["desk_wait_mean_min"], second["desk_occupancy_share"]) == (1, 10, 1)
    assert second["desk_offered_erlangs"] == pytest.approx((10 + 15 + 20) / 30)
    assert second["desk_waiting_tips"] == pytest.approx((10 + 10) / 30)
    assert second["quick_kept_share"] == 0
    assert third["desk_busy_servers"] == pytest.approx(10 / 30)
    assert third["offered_tips"] == 0
    assert math.isnan(third["desk_wait_mean_min"])
    assert third["desk_needed_people"] == 0


def test_only_a_share_of_tips_in_time_has_a_service_level(tmp_path: Path, simulate: Engine) -> None:
    heads = list(rows(DATES, dates(sample_of(desk(tmp_path, MONDAY), simulate)))[0])
    assert [head for head in heads if head.endswith("_kept_share")] == ["quick_kept_share"]
    assert {"kept_failed_tips", "mean_failed_tips"} <= set(heads)


def test_a_date_tells_the_same_of_a_day(tmp_path: Path, simulate: Engine) -> None:
    tips = [*MONDAY, "2025-01-07 00:00"]
    monday, tuesday = rows(DATES, dates(sample_of(desk(tmp_path, tips, length="2 d"), simulate)))
    assert (monday["date"], monday["weekday"], monday["measured_h"]) == ("2025-01-06", "Mon", 24)
    assert [monday[f"{what}_tips"] for what in ("offered", "answered", "lost")] == [4, 3, 1]
    assert monday["desk_wait_mean_min"] == pytest.approx(20 / 3)
    assert monday["desk_occupancy_share"] == pytest.approx(60 / 90)
    assert monday["desk_on_duty_people"] == 1.5 / 24
    assert monday["quick_kept_share"] == 1 / 4
    assert [tuesday[f"{what}_tips"] for what in ("offered", "answered", "lost")] == [1, 0, 1]
    assert math.isnan(tuesday["desk_work_mean_min"])


def test_an_interval_is_the_mean_over_its_weeks(tmp_path: Path, simulate: Engine) -> None:
    scenario = desk(tmp_path, [*MONDAY, "2025-01-13 08:40"], length="14 d")
    then = rows(INTERVALS, intervals(sample_of(scenario, simulate)))[17]
    assert (then["measured_h"], then["offered_tips"], then["arrivals_tips_an_hour"]) == (1, 2, 4)
    assert then["desk_offered_erlangs"] == pytest.approx((35 + 20) / 60)
    assert then["desk_needed_people"] == 1


def test_people_who_have_several_tips_in_hand_are_counted_by_heads(tmp_path: Path, simulate: Engine) -> None:
    text = DESK.replace("START", "2025-01-06 00:00").replace("LENGTH", "1 d").replace("INTERVAL", "30 min")
    scenario = world(tmp_path, text.replace("desk: {", "desk: {concurrency: 2, "), MONDAY)
    then = rows(INTERVALS, intervals(sample_of(scenario, simulate)))[17]
    assert (then["desk_on_duty_servers"], then["desk_on_duty_people"], then["desk_needed_people"]) == (2, 1, 1)
    slow = text.replace("desk: {", "desk: {concurrency: {slots: 2, speed: [100 %, 55 %]}, ")
    then = rows(INTERVALS, intervals(sample_of(world(tmp_path, slow, MONDAY), simulate)))[17]
    assert then["desk_offered_erlangs"] == pytest.approx(35 / 30)
    assert (then["desk_on_duty_people"], then["desk_needed_people"]) == (1, math.ceil(35 / 30 / 1.1))


BERLIN = """\
scenario: Night
run: {start: START 00:00, warm_up: 0 d, length: 3 d, cool_down: 1 d, zone: ZONE}
demand: {trace: tips.csv}
pools: {desk: {staff: 1}}
stages: [{name: answer, pool: desk, service: 10 min}]
targets: {quick: {from: arrival, to: answer.start, within: 5 min, share: 80 %}}
"""


def night(folder: Path, start: str, tips: Sequence[str], zone: str = "Europe/Berlin") -> Scenario:
    return world(folder, BERLIN.replace("START", start).replace("ZONE", zone), tips)


def test_an_hour_that_comes_twice_is_told_by_how_often_it_came(tmp_path: Path, simulate: Engine) -> None:
    tips = ["2025-10-26T02:10+02:00", "2025-10-26T02:20+01:00", "2025-10-26T03:10+01:00", "2025-10-27T00:00+01:00"]
    sample = sample_of(night(tmp_path, "2025-10-25", tips), simulate)
    week = rows(INTERVALS, intervals(sample))
    two, three = week[6 * 24 + 2], week[6 * 24 + 3]
    assert (two["measured_h"], two["offered_tips"], two["desk_answered_tips"]) == (2, 1, 1)
    assert two["desk_busy_servers"] == pytest.approx(20 / 120)
    assert (three["measured_h"], three["offered_tips"]) == (1, 1)
    days = rows(DATES, dates(sample))
    assert [(day["date"], day["measured_h"], day["offered_tips"]) for day in days] == [
        ("2025-10-25", 24, 0),
        ("2025-10-26", 25, 3),
        ("2025-10-27", 24, 1),
    ]
    assert [day["desk_on_duty_people"] for day in days] == [1, 1, 1]
    assert days[1]["desk_busy_servers"] == pytest.approx(30 / (25 * 60))


def test_an_hour_that_the_clock_leaves_out_is_empty(tmp_path: Path, simulate: Engine) -> None:
    tips = ["2025-03-30T01:55+01:00", "2025-03-30T03:10+02:00"]
    sample = sample_of(night(tmp_path, "2025-03-29", tips), simulate)
    one, two, three = rows(INTERVALS, intervals(sample))[6 * 24 + 1 : 6 * 24 + 4]
    assert (two["measured_h"], math.isnan(two["offered_tips"]), math.isnan(two["desk_needed_people"])) == (
        0,
        True,
        True,
    )
    assert (one["offered_tips"], three["offered_tips"]) == (1, 1)
    assert one["desk_busy_servers"] == pytest.approx(5 / 60)
    assert three["desk_busy_servers"] == pytest.approx((5 + 10) / 60)
    assert [day["measured_h"] for day in rows(DATES, dates(sample))] == [24, 23, 24]


def test_a_clock_put_back_by_half_an_hour_cuts_hours_in_halves(tmp_path: Path, simulate: Engine) -> None:
    tips = ["2025-04-06T01:45+11:00", "2025-04-06T01:45+10:30"]
    sample = sample_of(night(tmp_path, "2025-04-05", tips, "Australia/Lord_Howe"), simulate)
    assert sample.frame.cells.step == HOUR // 2
    one = rows(INTERVALS, intervals(sample))[6 * 24 + 1]
    assert (one["measured_h"], one["offered_tips"]) == (1.5, pytest.approx(2 / 1.5))
    assert [day["measured_h"] for day in rows(DATES, dates(sample))] == [24, 24.5, 24]


def test_windows_and_places_read_the_local_clock(tmp_path: Path) -> None:
    """The day on which the clock is put back has an hour of two hours, that on which it is put forward one of none."""
    text = BERLIN.replace("ZONE", "Europe/Berlin").replace(
        "share: 80 %}", "share: 80 %, per: hour, hold: 90 %, in_each: weekday}"
    )
    back, forward = (
        Frame(world(tmp_path, text.replace("START", day), [f"{day} 12:00"])) for day in ("2025-10-25", "2025-03-29")
    )
    assert back.n_days == forward.n_days == 3
    for frame, n in ((back, 72), (forward, 71)):
        cut = frame.own[0]
        assert (cut.n_windows, int(cut.whole.sum()), cut.n_touched) == (72, n, n)
        assert cut.occurrences().tolist() == [1, 0, 0, 0, 0, 1, 1]
        assert frame.periods["day"].whole
        assert frame.periods["day"].judged.tolist() == [True] * 3
    assert not forward.own[0].whole[24 + 2]
    assert (np.diff(back.midnights) // HOUR).tolist() == [24, 25, 24]


@pytest.mark.parametrize("more", ["", ", interval: 15 min", ", zone: Europe/London, interval: 30 min"])
def test_intervals_and_dates_add_up_to_the_totals(tmp_path: Path, simulate: Engine, more: str) -> None:
    run = f"run: {{start: 2025-03-24 05:17, warm_up: 7 h, length: 9 d, cool_down: 1 d{more}}}"
    text = SMALL.replace("run: {start: 2025-01-06 00:00, length: 7 d}", run)
    sample = sample_of(loaded(tmp_path, text), simulate, 2)
    frame, pooled = sample.frame, sample.pooled
    parts = slice(frame.n_intervals), slice(frame.n_intervals, None)
    for some in parts:
        assert frame.time_measured[some].sum() == frame.last - frame.first
        assert pooled.came[some, passes.CAME].sum() == sample.arrived.sum()
        assert pooled.came[some, passes.LOST_FOR_GOOD].sum() == sample.cohort[..., passes.LOST].sum()
        totals = np.stack([sample.places[:, frame.pool_of_place == p].sum(axis=(0, 1)) for p in range(2)], axis=-1)
        assert pooled.ticks[:, :, some].sum(axis=-1).tolist() == totals.tolist()
        counts = [[one.counts[name] for name in ("met", "missed", "lost")] for one in _results(sample)]
        assert pooled.failing[:, some, 0].sum(axis=-1).tolist() == [sum(each) for each in counts]
        assert pooled.failing[:, some, 1].sum(axis=-1).tolist() == [sum(each[1:]) for each in counts]
    week, days = (pooled.visits[:, some].sum(axis=1) for some in parts)
    assert week.tolist() == days.tolist()


def _results(sample: Sample):
    from sim.measures.targets import results

    return results(sample)


def test_visits_are_those_that_the_log_has(tmp_path: Path, simulate: Engine) -> None:
    """Of all tips but the backlog, also those outside the cohort that come to a line in the measured time."""
    text = SMALL.replace("length: 7 d", "warm_up: 3 h, length: 20 h, cool_down: 3 h, interval: 15 min")
    scenario = loaded(tmp_path, text + "start_with: {backlog: {sort: 4}}\n")
    replication = draw(scenario, 0, seed=3)
    log, frame = simulate(replication), Frame(scenario)
    found = measure(log, replication, frame).added().visits
    expected = np.zeros_like(found)
    tips, visits = replication.tips, replication.visits
    stage = replication.rules.kinds.stage[visits.kind]
    for tip in range(tips.n_backlog, len(tips.arrival)):
        for visit in range(tips.first_visit[tip], tips.first_visit[tip + 1]):
            enter = log.enter[visit]
            if not frame.first <= enter < frame.last:
                continue
            pool = list(scenario.pools).index(scenario.stages[stage[visit]].pool or "")
            mine = log.spells.visit == visit
            started = bool(mine.any())
            worked = int((log.spells.ended[mine] - log.spells.began[mine]).sum())
            wait = int(log.start[visit] - enter) if started else 0
            told = [1, started, log.outcome[visit] == 2, log.outcome[visit] == 3, wait, worked, False]
            for row in (enter // (15 * MINUTE), frame.n_intervals + enter // DAY):
                expected[pool, row] += np.array(told, dtype=np.int64)
    assert expected[:, :, passes.GAVE_UP].any()
    assert found.tolist() == expected.tolist()


CALENDARS = """\
scenario: Holidays
run: {start: 2025-12-22 00:00, warm_up: 0 d, length: 14 d, cool_down: 1 d}
calendars:
  office: {open: [{days: mon-fri, from: "09:00", to: "17:00"}], closed: [{holidays: GB-ENG}, 2025-12-29]}
demand: {volume: 10/d}
pools:
  desk: {shifts: [{from: "00:00", to: "00:00", staff: 1}, {from: "08:00", to: "12:00", on: 2025-12-24, staff: 2}]}
stages: [{name: answer, pool: desk, service: 1 min}]
"""


def test_dates_say_what_the_document_says_of_them(tmp_path: Path, simulate: Engine) -> None:
    scenario = loaded(tmp_path, CALENDARS)
    assert special_dates(scenario, date(2025, 12, 22), 14) == {
        date(2025, 12, 24): "desk staffed by date",
        date(2025, 12, 25): "Christmas Day; office closed",
        date(2025, 12, 26): "Boxing Day; office closed",
        date(2025, 12, 29): "office closed",
        date(2026, 1, 1): "New Year's Day; office closed",
    }
    found = rows(DATES, dates(sample_of(scenario, simulate)))
    assert [day["date"][-2:] for day in found if day["special"]] == ["24", "25", "26", "29", "01"]
