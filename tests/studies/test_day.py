"""The day that is told tip by tip: that it is the one it says, and that every count is that of the log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sim.draw import draw
from sim.dynamics.clock import DAY, MINUTE, NEVER
from sim.dynamics.engines import simulate
from sim.scenario.schema import Scenario
from sim.studies import day as of_day
from sim.studies.day import Day, Followed, day_of
from sim.tables.by_time import tables_of_day
from sim.text.run import day_told
from tests.studies.lines import desk

PATIENT = "service: {exponential: {mean: 10 min}}, patience: {exponential: {mean: 30 min}}"


def seen(scenario: Scenario) -> Followed:
    replication = draw(scenario, 0)
    return Followed(scenario, replication, simulate(replication))


@dataclass(frozen=True)
class Waited:
    """When the tips of a line of one stage without retries came, were taken in hand and left."""

    came: np.ndarray
    start: np.ndarray
    end: np.ndarray

    def at(self, tick: float) -> int:
        return int(np.count_nonzero((self.came <= tick) & (tick < np.minimum(self.start, self.end))))


def waited(one: Followed) -> Waited:
    log = one.log
    return Waited(log.enter, log.start, np.minimum(log.end, log.lost))


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> tuple[Followed, Day]:
    """A desk at which tips give up, a day of it."""
    scenario = desk(tmp_path_factory.mktemp("day"), "service: {exponential: {mean: 10 min}}", PATIENT)
    one = seen(scenario)
    return one, day_of(one)


def test_it_is_the_day_on_which_most_tips_waited_at_once(patient: tuple[Followed, Day]) -> None:
    one, day = patient
    line = waited(one)
    # The number can only grow when a tip comes.
    by_day = [max(line.at(tick) for tick in line.came[line.came // DAY == number].tolist()) for number in range(7)]
    number = (day.date - one.scenario.run.start.date()).days
    assert day.why == "waiting"
    assert day.most == max(by_day)
    assert by_day.index(max(by_day)) == number
    ticks = line.came[line.came // DAY == number]
    first = next(tick for tick in ticks.tolist() if line.at(tick) == day.most)
    assert day.peak == round((first - number * DAY) / MINUTE, 2)
    assert day.came == len(ticks)


def test_its_visits_are_those_of_the_log(patient: tuple[Followed, Day]) -> None:
    one, day = patient
    line, number = waited(one), (day.date - one.scenario.run.start.date()).days
    begin = number * DAY
    there = np.flatnonzero((line.came < begin + DAY) & (line.end > begin))
    assert [visit.tip for visit in day.visits] == there.tolist()
    assert day.tips == day.shown == len(there)
    for visit in day.visits:
        came, start, end = (column[visit.tip] for column in (line.came, line.start, line.end))
        assert visit.enter == pytest.approx((came - begin) / MINUTE, abs=0.006)
        assert (visit.ends, visit.start is None) == (("served", False) if start < NEVER else ("gave up", True)), (
            visit.tip
        )
        assert visit.end == pytest.approx((end - begin) / MINUTE, abs=0.006)


def test_its_pools_are_counted_at_every_minute(patient: tuple[Followed, Day]) -> None:
    one, day = patient
    line, number = waited(one), (day.date - one.scenario.run.start.date()).days
    spells = one.log.spells
    rows = {round(row.minute): row for row in day.pools}
    now = rows[0]
    for minute in range(24 * 60):
        now = rows.get(minute, now)
        tick = number * DAY + minute * MINUTE
        busy = np.count_nonzero((spells.began <= tick) & (tick < spells.ended))
        assert (now.staff, now.busy, now.waiting) == (2, busy, line.at(tick))


def test_a_promise_breaks_when_its_time_is_up_or_the_tip_is_lost(patient: tuple[Followed, Day]) -> None:
    one, day = patient
    line, number = waited(one), (day.date - one.scenario.run.start.date()).days
    sure = np.where(line.start < NEVER, line.came + 5 * MINUTE, np.minimum(line.end, line.came + 5 * MINUTE))
    failed = (line.start > line.came + 5 * MINUTE) & (line.came < one.scenario.cohort_to)
    of_day_ = sure[failed & (sure >= number * DAY) & (sure < (number + 1) * DAY)]
    assert day.n_broken == len(of_day_) > 0
    assert [row.broken for row in day.broken][-1] == len(of_day_)
    assert {row.target for row in day.broken} == {"quick"}
    assert day.first_broken == round((int(of_day_.min()) - number * DAY) / MINUTE, 2)
    for visit in day.visits:
        broke = bool(failed[visit.tip]) and sure[visit.tip] < (number + 1) * DAY
        assert (visit.broke is not None) == broke


def test_where_nobody_waits_it_is_the_day_on_which_most_came(tmp_path: Path) -> None:
    one = seen(desk(tmp_path, "staff: 2", "staff: 60"))
    day = day_of(one)
    arrival = one.replication.tips.arrival
    assert day.why == "arrivals"
    assert day.most == day.came == np.bincount(arrival // DAY)[:7].max()
    assert "none ever waited" in day_told(day)["says"][0]


def test_where_a_promise_breaks_without_waiting_it_is_the_first_such_day(tmp_path: Path) -> None:
    one = seen(
        desk(tmp_path, "to: answer.start, within: 5 min", "to: answer.end, within: 60 min", "pools.desk.staff=60")
    )
    day = day_of(one)
    log = one.log
    slow = one.replication.tips.arrival[log.end > log.enter + 60 * MINUTE] + 60 * MINUTE
    assert (day.why, day.peak) == ("broken", day.first_broken)
    assert (day.date - one.scenario.run.start.date()).days == int(slow.min()) // DAY


def test_of_a_busy_day_some_tips_are_told_and_those_whose_promise_broke_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = seen(desk(tmp_path, "within: 5 min", "within: 30 min", "demand.volume=8/h"))
    whole = day_of(one)
    broken = {visit.tip for visit in whole.visits if visit.broke is not None}
    monkeypatch.setattr(of_day, "MOST_VISITS", 2 * len(broken) + 10)
    few = day_of(one)
    kept = {visit.tip for visit in few.visits}
    assert len(broken) < len(few.visits) <= 2 * len(broken) + 10 < len(whole.visits)
    assert broken <= kept
    assert (few.tips, few.shown) == (whole.tips, len(kept))
    assert (few.pools, few.broken, few.n_broken) == (whole.pools, whole.broken, whole.n_broken)


def test_pools_that_change_often_are_looked_at_less_often(
    patient: tuple[Followed, Day], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, whole = patient
    monkeypatch.setattr(of_day, "MOST_CHANGES", 120)
    few = day_of(one)
    assert len(few.pools) <= 24 * 4 < len(whole.pools)
    assert {row.minute % 15 for row in few.pools} == {0}


def test_its_tables_have_a_row_of_each(patient: tuple[Followed, Day]) -> None:
    _, day = patient
    assert [(one.name, len(one.cells)) for one in tables_of_day(day)] == [
        ("day", len(day.visits)),
        ("day_pools", len(day.pools)),
        ("day_broken", len(day.broken)),
    ]
