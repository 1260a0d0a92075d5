"""Runways that can be told beforehand: how long the staffing lasts, and what the years to come need."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.answers import ranges as answer
from sim.measures.targets import joint
from sim.scenario.loading import load
from sim.scenario.schema import Scenario
from sim.studies.runway import Course, Growing, RunwayFound, needs, runway
from sim.studies.trials import QuestionError
from sim.tables import ranges as tables
from sim.text.ranges import runway_answer as said
from tests.studies.lines import DESK, desk, simulated, tried

__all__ = ["simulated"]

BUSY = ("targets.quick=null", "stages.answer.service=10 min", "plausible=null", "pools.desk.staff=3")
"""12 tips of 10 min an hour keep 3 people busy for two thirds; at 16.2 an hour that is 90 %."""
LASTS = {growth: math.log(16.2 / 12) / math.log(1 + growth) for growth in (0.15, 0.4)}
"""Years until then: 2.15 and 0.89."""


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    return desk(tmp_path_factory.mktemp("busy"), "", "", *BUSY)


@pytest.fixture(scope="module")
def found(busy: Scenario) -> RunwayFound:
    return runway(Growing(busy), (0.15, 0.4), tried(busy))


def test_the_staffing_lasts_as_long_as_arithmetic_says(found: RunwayFound) -> None:
    for course in found.courses:
        met, missed = course.met_until, course.missed_from
        assert met is not None
        assert missed is not None
        # The intervals of 10 weeks are some 2 % of the volume to each side, a tenth of a year of growth or so.
        assert LASTS[course.growth] - 0.4 <= met.year <= LASTS[course.growth] + 0.05
        assert LASTS[course.growth] - 0.05 <= missed.year <= LASTS[course.growth] + 0.4
        assert missed.first == "busy"


def test_it_is_told_to_a_tenth(found: RunwayFound) -> None:
    for course in found.courses:
        years = {round(10 * year.year): year.verdict for year in course.every}
        opened, missed = course.open_from, course.missed_from
        assert opened is not None
        assert missed is not None
        assert years[round(10 * opened.year) - 1] == "met"
        assert years[round(10 * missed.year) - 1] != "missed"


def test_a_year_is_a_run_at_its_volume(busy: Scenario, found: RunwayFound, tmp_path: Path) -> None:
    for course in found.courses:
        for year in course.every[:4]:
            assert year.volume == pytest.approx(12 * (1 + course.growth) ** year.year, rel=1e-5)
            scenario = desk(tmp_path, "", "", *BUSY, f"demand.volume={year.volume:.10g}/h")
            alone = joint(tried(scenario).sample(scenario, 10))
            assert [one.value for one in year.joint.results] == [one.value for one in alone.results]
            assert year.verdict == alone.verdict


def test_it_stops_at_the_first_year_that_is_missed(found: RunwayFound) -> None:
    slow, fast = found.courses
    assert [year.year for year in slow.years] == [0, 1, 2, 3]
    assert [year.year for year in fast.years] == [0, 1, 2]


def test_all_years_looked_at_may_hold(busy: Scenario) -> None:
    [course] = runway(Growing(busy, 4), (0.01,), tried(busy), most_years=3).courses
    assert course.missed_from is course.open_from is None
    assert course.met_until is course.every[-1]
    assert [year.year for year in course.every] == [0, 1, 2, 3]


def test_what_is_missed_now_is_missed_from_year_0(tmp_path: Path) -> None:
    scenario = desk(tmp_path, "", "", *BUSY, "demand.volume=30/h")
    [course] = runway(Growing(scenario, 4), (0.2,), tried(scenario)).courses
    assert course.met_until is None
    assert course.missed_from is course.years[0]
    assert [year.year for year in course.every] == [0, 1, 2]


def test_rates_share_the_present(busy: Scenario, simulated: Callable[[], tuple[int, int]]) -> None:
    found = runway(Growing(busy, 3), (0.15, 0.2), tried(busy), most_years=1)
    different = {year.volume for course in found.courses for year in course.every}
    assert simulated()[1] == 3 * len(different)


def test_the_years_to_come_need_what_arithmetic_says(busy: Scenario) -> None:
    """The fewest people whom the work keeps busy for 90 % at most."""
    found = needs(Growing(busy, 4), (0.15, 0.4), 3, tried(busy))
    assert found.now == {"pools.desk.staff": 3}
    assert found.full_time_now == pytest.approx(3 * 168 / 40)
    for one in found.years:
        least = math.ceil(12 * (1 + one.growth) ** one.year / 6 / 0.9)
        assert one.people == {"pools.desk.staff": least}
        assert one.full_time == pytest.approx(least * 168 / 40)
    years = [(one.growth, one.year) for one in found.years]
    assert years == [(0, 0), *((growth, year) for growth in (0.15, 0.4) for year in (1, 2, 3))]


def test_pools_and_bounds_are_named_as_in_a_search_for_staff(busy: Scenario) -> None:
    found = needs(Growing(busy, 4), (0.4,), 1, tried(busy), pools={"desk": (5, 7)})
    posts = [post for one in found.years for post in one.answer.posts]
    assert [(post.pool, post.least, post.most) for post in posts] == [("desk", 5, 7)] * 2
    assert [one.people for one in found.years] == [{"pools.desk.staff": 5}] * 2
    with pytest.raises(QuestionError, match="there is no pool 'dusk'; there are desk"):
        needs(Growing(busy, 4), (0.4,), 1, tried(busy), pools={"dusk": None})


def test_no_staff_is_searched_for_where_the_posts_are_closed(tmp_path: Path) -> None:
    """Tips of the night wait for the morning, however many people come then."""
    shifts = 'pools.desk={shifts: [{from: "08:00", to: "20:00", staff: 4}]}'
    target = "targets={quick: {from: arrival, to: answer.start, within: 5 min, share: 80 %}}"
    scenario = desk(tmp_path, "", "", shifts, target, "plausible={}")
    growing, trials = Growing(scenario, 4), tried(scenario)
    found = needs(growing, (0.15,), 1, trials)
    assert ([one.name for one in found.closed], found.beyond_staff, found.years) == (["quick"], (), ())
    told = list(said(runway(growing, (0.15,), trials, most_years=1), found))
    assert "since desk is closed from 20:00 to 8:00" in told[-1]


def test_no_staff_is_searched_for_what_staff_cannot_mend(tmp_path: Path) -> None:
    """The work alone takes 10 minutes."""
    target = "targets={done: {from: arrival, to: answer.end, within: 9 min, share: 95 %}}"
    scenario = desk(tmp_path, "", "", *BUSY, target)
    trials = tried(scenario)
    found = needs(Growing(scenario, 4), (0.15,), 3, trials)
    assert found.beyond_staff == ("done",)
    assert found.years == ()


def test_no_years_of_staff_cost_nothing(busy: Scenario, simulated: Callable[[], tuple[int, int]]) -> None:
    assert needs(Growing(busy, 4), (0.15,), 0, tried(busy)).years == ()
    assert simulated() == (0, 0)


def test_an_interrupted_runway_goes_on_where_it_was(
    busy: Scenario, tmp_path: Path, simulated: Callable[[], tuple[int, int]]
) -> None:
    def tables_of(*, resume: bool, stop_after: int | None = None) -> list[str]:
        growing, trials = Growing(busy, 4), tried(busy, tmp_path, resume=resume, stop_after=stop_after)
        found = runway(growing, (0.15, 0.4), trials)
        needed = needs(growing, (0.15, 0.4), 2, trials)
        return [table.csv for table in answer.Runway(found, needed).filled()]

    whole = tables_of(resume=False)
    _, n_all = simulated()
    with pytest.raises(KeyboardInterrupt):
        tables_of(resume=False, stop_after=30)
    assert simulated()[1] == 30
    assert tables_of(resume=True) == whole
    assert simulated()[1] <= n_all - 30


def test_tables(busy: Scenario, found: RunwayFound) -> None:
    years = tables.YEARS.of(tables.years(found)).frame
    assert list(years.columns)[:4] == ["growth_share_a_year", "year_years", "volume_per_h", "replications"]
    assert {"busy_share", "busy_verdict", "first_to_fail"} <= set(years.columns)
    lengths = tables.LENGTHS.of(found.courses).frame
    assert list(lengths["growth_share_a_year"]) == [0.15, 0.4]
    staff = tables.RUNWAY_STAFF.of(tables.people(found, needs(Growing(busy, 4), (0.4,), 1, tried(busy)))).frame
    assert list(staff["pools.desk.staff_people"]) == [3, 3, 4]
    assert list(staff["found"]) == ["now", "yes", "yes"]


def test_what_has_no_runway(busy: Scenario, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs targets"):
        Growing(desk(tmp_path, "", "", "targets=null"))
    with pytest.raises(ValueError, match="above 0"):
        runway(Growing(busy), (0.1, 0.0), tried(busy))
    with pytest.raises(ValueError, match="twice"):
        runway(Growing(busy), (0.1, 0.1), tried(busy))
    (tmp_path / "tips.csv").write_text("received,channel\n2025-01-06 08:00,tip\n", encoding="utf-8")
    path = tmp_path / "recorded.yaml"
    plain = DESK[: DESK.index("plausible:")]
    path.write_text(re.sub("demand: .*", "demand: {trace: tips.csv}", plain), encoding="utf-8")
    with pytest.raises(ValueError, match="recorded tips do not grow"):
        Growing(load(path))


def test_a_course_without_years_between() -> None:
    assert Course(0.1, (), (), 0).met_until is None
