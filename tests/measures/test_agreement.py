"""The measures of simulated runs against the same counted tip by tip, slowly and in other words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.draw import draw
from sim.dynamics import compiled
from sim.dynamics.clock import NEVER
from sim.dynamics.log import SERVED, UNREACHED
from sim.measures import measures, passes
from sim.measures.frame import Frame
from sim.measures.measures import measure
from sim.measures.tallies import COLUMNS
from sim.scenario.loading import load
from sim.scenario.target_kinds import LostTarget, MeanTarget, OccupancyTarget, ShareTarget
from tests.scenario.small import SMALL, loaded

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SHORT = {"run.warm_up": "2 d", "run.length": "12 d", "run.cool_down": "1 d"}
WORLDS = {
    "plain": {},
    "overloaded": {"demand.volume": "120000/year", "run.cool_down": "0 d"},
    "three centres": {"centres": 3, "run.start": "2025-01-08 07:30", "targets.rapid.in_each": "centre"},
    "left out": {"targets.day.lost_tips": "left_out", "demand.volume": "90000/year"},
}


@pytest.fixture(scope="module", params=WORLDS)
def world(request):
    scenario = load(SCENARIOS / "national.yaml", changes={**SHORT, **WORLDS[request.param]})
    replication = draw(scenario, 3)
    log = compiled.simulate(replication)
    return scenario, replication, log, measure(log, replication, Frame(scenario))


class Life:
    """One tip of the cohort, read off the log."""

    def __init__(self, scenario, replication, log, tip):
        tips, visits = replication.tips, replication.visits
        self.rows = range(tips.first_visit[tip], tips.first_visit[tip + 1])
        self.stages = [int(replication.rules.kinds.stage[visits.kind[row]]) for row in self.rows]
        self.log, self.scenario, self.arrival = log, scenario, int(tips.arrival[tip])
        self.channel = scenario.channels[tips.channel[tip]]
        self.risk = scenario.risks[tips.risk[tip]]
        unserved = [row for row in self.rows if log.outcome[row] != SERVED]
        label = int(visits.tier[unserved[0]]) if unserved else int(visits.final_tier[tip])
        self.tier = None if label < 0 else scenario.tiers[label]
        self.lost = None if log.lost[tip] == NEVER else int(log.lost[tip])
        self.through = not unserved
        self.patient_ahead = any(
            scenario.stages[stage].patience is not None and (row != unserved[0] or log.start[row] == NEVER)
            for row, stage in zip(self.rows, self.stages, strict=True)
            if unserved and row >= unserved[0]
        )

    def matches(self, of):
        return of is None or all(
            wanted is None or getattr(self, key) in wanted
            for key, wanted in (("channel", of.channel), ("risk", of.risk), ("tier", of.tier))
        )

    def when(self, milestone):
        found = []
        for moment in milestone.moments:
            if moment.what == "arrival":
                found.append(self.arrival)
            elif moment.what == "leave":
                found += [int(self.log.end[self.rows[-1]])] if self.through else []
            else:
                stage = self.scenario.stage_index(moment.stage)
                row = next((r for r, s in zip(self.rows, self.stages, strict=True) if s == stage), None)
                tick = NEVER if row is None else int(getattr(self.log, moment.what)[row])
                found += [tick] if tick != NEVER else []
        if not found:
            return None
        return min(found) if milestone.first_of else found[0]

    def column(self, target):
        """Where a target counts the tip, and the ticks between its moments if it passed both."""
        if not self.matches(target.of):
            return "not_of", None
        if isinstance(target, LostTarget):
            return ("lost" if self.lost else "open" if not self.through and self.patient_ahead else "met"), None
        since, until = self.when(target.from_), self.when(target.to)
        share = isinstance(target, ShareTarget)
        if since is not None and until is not None:
            elapsed = max(until - since, 0)
            return ("met" if elapsed <= (target.within if share else target.mean) else "missed"), elapsed
        if self.lost:
            return ("left_out" if target.lost_tips.how == "left_out" else "lost"), None
        if self.through:
            return ("without_start" if since is None else "missed" if share else "without_end"), None
        if share and since is not None and self.scenario.horizon - since > target.within:
            return "missed", None
        return "open", None


@pytest.fixture(scope="module")
def lives(world):
    scenario, replication, log, _ = world
    tips = replication.tips
    cohort = [i for i, tick in enumerate(tips.arrival) if scenario.cohort_from <= tick < scenario.cohort_to]
    return [Life(scenario, replication, log, i) for i in cohort]


def test_every_tip_is_where_it_belongs(world, lives):
    scenario, _, _, found = world
    assert found.arrived == len(lives)
    for k, target in enumerate(scenario.targets.values()):
        if isinstance(target, OccupancyTarget):
            continue
        columns = [life.column(target) for life in lives]
        expected = [sum(column == name for column, _ in columns) for name in COLUMNS]
        assert found.counts[k].tolist() == expected
        assert sum(expected) == found.arrived
        elapsed = [ticks for _, ticks in columns if ticks is not None]
        assert found.added().times[k].sum() == len(elapsed)
        if isinstance(target, MeanTarget) and not expected[COLUMNS.index("open")]:
            assert found.ratio[Frame(scenario).rows[k], 0].tolist() == [[sum(elapsed), len(elapsed)]]


def test_the_time_between_two_moments_is_all_spent_somewhere(world, lives):
    scenario, _, _, found = world
    for k, target in enumerate(scenario.targets.values()):
        if isinstance(target, ShareTarget | MeanTarget):
            elapsed = [life.column(target)[1] for life in lives]
            assert found.added().spent[k].sum() == sum(ticks for ticks in elapsed if ticks is not None)


def test_stages_count_what_the_log_says(world, lives):
    scenario, _, log, found = world
    waits = np.zeros((len(scenario.stages), 2), np.int64)
    for life in lives:
        for row, stage in zip(life.rows, life.stages, strict=True):
            if log.outcome[row] != UNREACHED and log.start[row] != NEVER:
                waits[stage] += [1, log.start[row] - log.enter[row]]
    assert found.stages.sum(axis=1)[:, [passes.STARTED, passes.WAIT]].tolist() == waits.tolist()


def test_the_hours_of_the_week_add_up_to_the_totals(world):
    scenario, _, _, found = world
    frame = Frame(scenario)
    for number in (passes.WAITING, passes.OFFERED, passes.BUSY, passes.ON_DUTY):
        totals = np.bincount(frame.pool_of_place, weights=found.places[:, number])
        hours = np.nansum(found.week[number] * frame.time_measured[:168], axis=-1)
        assert hours == pytest.approx(totals, rel=1e-12, abs=1)
        assert found.added().ticks[number, :, :168].sum(axis=-1).tolist() == totals.tolist()
    assert found.added().came[:168, passes.CAME].sum() == found.arrived
    assert frame.time_measured[:168].sum() == scenario.length


def test_busy_is_work_in_the_measured_time_less_overtime(world):
    scenario, replication, log, found = world
    first, last = scenario.cohort_from, scenario.cohort_to
    expected = np.zeros(len(replication.rules.places.pool), np.int64)
    for stretch, sign in ((log.spells, 1), (log.overtime, -1)):
        inside = np.minimum(stretch.ended, last) - np.maximum(stretch.began, first)
        np.add.at(expected, stretch.place, sign * np.maximum(inside, 0))
    assert found.places[:, passes.BUSY].tolist() == expected.tolist()


def test_nobody_is_busier_than_on_duty(world):
    found = world[3]
    assert np.all(found.places[:, passes.BUSY] <= found.places[:, passes.ON_DUTY])
    week = np.nan_to_num(found.week)
    assert np.all(week[passes.BUSY] <= week[passes.ON_DUTY] + 1e-9)
    assert np.all(week[passes.WAITING] >= -1e-9)


def test_the_worlds_between_them_use_every_column(world):
    """Asked of the overloaded world alone, which has open tips as well as lost ones."""
    scenario, _, _, found = world
    if scenario.horizon == scenario.cohort_to:
        used = {name for name, n in zip(COLUMNS, found.counts.sum(axis=0), strict=True) if n}
        assert {"met", "missed", "lost", "open", "not_of"} <= used


def test_times_that_add_up_to_more_than_can_be_counted_are_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = loaded(tmp_path, SMALL)
    replication = draw(scenario, 0)
    log = compiled.simulate(replication)
    measure(log, replication, scenario)
    # Each tip is in one place at a time, so that all its visits take no longer than the run.
    monkeypatch.setattr(measures, "COUNTABLE", len(replication.tips) * replication.rules.horizon)
    monkeypatch.setattr(measures, "time_of_visits", lambda *_: pytest.fail("nothing need be added up"))
    assert len(replication.visits) > len(replication.tips)
    measure(log, replication, scenario)
    monkeypatch.undo()
    monkeypatch.setattr(measures, "COUNTABLE", 10**9)
    with pytest.raises(OverflowError, match="years together, more than can be counted"):
        measure(log, replication, scenario)
