"""Calendars, zones, dates and counted tips: by hand, and against a second reading of random documents."""

from __future__ import annotations

import csv
import inspect
import json
import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from sim.draw import draw
from sim.dynamics import compiled, order, reference
from sim.dynamics.clock import DAY, HOUR, MINUTE, WEEK
from sim.dynamics.laws import verify
from sim.dynamics.log import differences
from sim.scenario import arrivals, calendars, counts, profiles, rules, schema, shifts, zones
from sim.scenario.calendars import Calendar, open_time
from sim.scenario.faults import ScenarioError
from sim.scenario.loading import load
from sim.scenario.profiles import levels
from sim.scenario.schema import Scenario
from sim.scenario.zones import Local
from tests.conftest import Engine
from tests.scenario.calendar_worlds import Dull, Writer

MONDAY = "2025-01-06 00:00"


def world(folder: Path | None = None, start: str = MONDAY, length: str = "7 d", **parts: Any) -> Scenario:
    """A plain scenario in which some parts of the document are replaced; `run` is added to."""
    document = {
        "scenario": "Plain",
        "demand": {"volume": "240/d"},
        "pools": {"desk": {"staff": 1}},
        "stages": [{"name": "answer", "pool": "desk", "service": "5 min"}],
        **parts,
        "run": {"start": start, "length": length, "cool_down": "0 d"} | parts.get("run", {}),
    }
    if folder is None:
        return load(document)
    (folder / "doc.yaml").write_text(json.dumps(document), encoding="utf-8")
    return load(folder / "doc.yaml")


# --- Zones ------------------------------------------------------------------------------------------------------------


def test_a_day_of_23_hours_and_a_time_that_does_not_exist() -> None:
    """On 30 March the clock in Berlin goes from 02:00 to 03:00: what would be at 02:30 is at 03:00."""
    local = Local(datetime(2025, 3, 30), "Europe/Berlin")
    asked = [datetime(2025, 3, 30, hour, minute) for hour, minute in ((1, 59), (2, 0), (2, 30), (3, 0), (4, 0))]
    assert [local.tick_of(at) / MINUTE for at in asked] == [119, 120, 120, 120, 180]
    assert local.later(0, DAY) == 23 * HOUR
    assert str(local.shows(2 * HOUR)) == "2025-03-30 03:00:00"


def test_a_day_of_25_hours_and_a_time_that_comes_twice() -> None:
    """On 2 November the clock in New York goes from 02:00 back to 01:00: 01:30 is the first one."""
    local = Local(datetime(2025, 11, 2), "America/New_York")
    assert [local.tick_of(datetime(2025, 11, 2, hour, 30)) / HOUR for hour in (0, 1, 2)] == [0.5, 1.5, 3.5]
    assert local.later(0, DAY) == 25 * HOUR
    assert [str(local.shows(hour * HOUR))[11:16] for hour in range(4)] == ["00:00", "01:00", "01:00", "02:00"]


def test_a_run_may_start_at_a_time_that_does_not_exist() -> None:
    local = Local(datetime(2025, 3, 30, 2, 30), "Europe/Berlin")
    assert (local.phase, str(local.shows(0))) == (3 * HOUR, "2025-03-30 03:00:00")


def test_without_a_zone_the_clock_is_never_changed() -> None:
    local = Local(datetime(2025, 3, 30, 1))
    assert local.tick_of(datetime(2025, 3, 31, 1)) == DAY
    assert local.changes(400 * DAY) == []


def test_times_long_before_and_after_the_run_are_local_too() -> None:
    local = Local(datetime(2025, 1, 1), "Europe/Berlin")
    for year in (1990, 2015, 2060):
        summer = local.tick_of(datetime(year, 7, 1))
        assert (summer - local.tick_of(datetime(year, 1, 1))) % DAY == 23 * HOUR
        assert local.shows(summer) == datetime(year, 7, 1)


def test_whole_days_are_calendar_days_and_other_durations_elapse() -> None:
    def ends(length: str, zone: str | None = "Europe/London") -> str:
        given = {"zone": zone} if zone else {}
        scenario = world(start="2025-03-29 12:00", length=length, run=given)
        return str(scenario.local.shows(scenario.horizon))

    assert ends("1 d") == "2025-03-30 12:00:00"
    assert ends("25 h") == "2025-03-30 14:00:00"
    assert ends("25 h", None) == "2025-03-30 13:00:00"


# --- Calendars and their clocks ---------------------------------------------------------------------------------------

OFFICE = {"open": [{"days": "mon-fri", "from": "09:00", "to": "17:00"}]}


def hours(
    calendar: dict[str, Any], length: str = "7 d", start: str = MONDAY, **others: Any
) -> list[tuple[float, float]]:
    """The windows of a calendar in hours of a run."""
    scenario = world(start=start, length=length, calendars={"it": calendar, **others})
    begins, ends = calendars.windows(scenario.calendars["it"], scenario.run, scenario.horizon, scenario.calendars)
    return list(zip((begins / HOUR).tolist(), (ends / HOUR).tolist(), strict=True))


def test_a_window_belongs_to_the_date_on_which_it_starts() -> None:
    """Open from 22:00 to 06:00; closed on Tuesday, so what began on Monday runs out at 06:00 on that day."""
    night = {"open": [{"from": "22:00", "to": "06:00"}], "closed": "2025-01-07"}
    assert hours(night, "3 d") == [(0, 6), (22, 30), (70, 72)]


def test_windows_that_overlap_or_touch_are_one() -> None:
    rows = [{"from": "09:00", "to": "12:00"}, {"from": "11:00", "to": "14:00"}, {"from": "14:00", "to": "15:00"}]
    assert hours({"open": rows}, "1 d") == [(9, 15)]
    assert hours({"open": [{"from": "00:00", "to": "24:00"}]}, "3 d") == [(0, 72)]


def test_on_a_date_that_a_row_names_only_those_rows_open_and_a_closed_date_stays_closed() -> None:
    rows = [
        {"days": "mon-fri", "from": "09:00", "to": "17:00"},
        {"on": ["2025-01-07", "2025-01-08"], "from": "10:00", "to": "12:00"},
    ]
    assert hours({"open": rows, "closed": "2025-01-08"}, "4 d") == [(9, 17), (34, 36), (81, 89)]


def test_ranges_holidays_and_the_dates_of_another_calendar() -> None:
    other = {"open": OFFICE["open"], "closed": [{"from": "2025-12-29", "to": "2025-12-30"}, {"holidays": "GB-ENG"}]}
    found = hours({"open": OFFICE["open"], "closed": {"closed": "other"}}, "14 d", "2025-12-22 00:00", other=other)
    assert [begin // 24 for begin, _ in found] == [0, 1, 2, 9, 11]


def test_observed_days_are_holidays() -> None:
    """Christmas 2021 was a Saturday: Monday and Tuesday were given in its place."""
    scenario = world(
        start="2021-12-20 00:00", length="14 d", calendars={"it": OFFICE | {"closed": {"holidays": "GB-ENG"}}}
    )
    begins, _ = calendars.windows(scenario.calendars["it"], scenario.run, scenario.horizon, {})
    assert (begins // DAY).tolist() == [0, 1, 2, 3, 4, 9, 10, 11]


def test_a_row_that_the_clock_leaves_empty_does_not_take_place() -> None:
    """02:10 to 02:40 does not exist on 30 March in Berlin; 02:30 to 03:30 is half an hour, and twice that in autumn."""
    scenario = world(
        start="2025-03-29 00:00",
        length="3 d",
        run={"zone": "Europe/Berlin"},
        calendars={
            "gone": {"open": [{"from": "02:10", "to": "02:40"}]},
            "cut": {"open": [{"from": "02:30", "to": "03:30"}]},
        },
    )
    lasts = {
        name: [
            int(end - begin) // MINUTE
            for begin, end in zip(*calendars.windows(one, scenario.run, scenario.horizon, {}), strict=True)
        ]
        for name, one in scenario.calendars.items()
    }
    assert lasts == {"gone": [30, 30], "cut": [60, 30, 60]}
    autumn = world(start="2025-10-26 00:00", length="1 d", run={"zone": "Europe/Berlin"})
    begins, ends = calendars.windows(scenario.calendars["cut"], autumn.run, autumn.horizon, {})
    assert ((ends - begins) // MINUTE).tolist() == [120]


def clock_of(calendar: dict[str, Any], start: str = MONDAY, length: str = "7 d") -> calendars.OpenTime:
    return open_time(world(start=start, length=length, calendars={"office": calendar}), "office")


def test_open_time_elapses_only_while_it_is_open() -> None:
    clock = clock_of(OFFICE)
    friday = 4 * DAY
    since = [friday + 16 * HOUR + 31 * MINUTE, friday + 18 * HOUR, 0]
    until = [7 * DAY + 9 * HOUR + 31 * MINUTE, 7 * DAY + 10 * HOUR, WEEK]
    assert (clock.elapsed(since, until) / HOUR).tolist() == [1, 1, 40]
    assert clock.elapsed([0], [2**62])[0] == 2**62


def test_what_is_met_last_is_the_last_tick_of_its_time() -> None:
    """An hour from Friday 16:31 is over on Monday at 09:31; one from 16:00 is not exceeded before Monday 09:00."""
    clock, friday = clock_of(OFFICE), 4 * DAY
    since = np.array([friday + 16 * HOUR + 31 * MINUTE, friday + 16 * HOUR])
    latest = clock.latest(since, HOUR)
    assert (latest / MINUTE).tolist() == [(7 * 24 + 9) * 60 + 31, (7 * 24 + 9) * 60]
    assert (clock.elapsed(since, latest) == HOUR).all()
    assert (clock.elapsed(since, latest + 1) == HOUR + 1).all()


def test_the_default_cool_down_is_the_longest_wall_time_of_the_clock() -> None:
    """8 office hours from Friday 09:00 last until Monday 09:00; over Easter until Tuesday."""
    target = {"t": {"from": "arrival", "to": "answer.start", "within": "8 h", "share": "80 %", "clock": "office"}}
    for start, days in ((MONDAY, 3), ("2025-04-14 00:00", 5)):
        office = OFFICE | {"closed": {"holidays": "GB-ENG"}}
        scenario = world(start=start, run={"cool_down": None}, calendars={"office": office}, targets=target)
        assert scenario.cool_down == days * DAY + 16 * HOUR
        clock = open_time(scenario, "office")
        every = np.arange(0, WEEK, 10 * MINUTE)
        assert scenario.cool_down == int((clock.latest(every, 8 * HOUR) - every).max())


# --- Rosters ----------------------------------------------------------------------------------------------------------


def on_duty(scenario: Scenario) -> list[tuple[float, int]]:
    """From which hour on how many people are there."""
    ticks, people = shifts.on_duty(shifts.plan(scenario), 0)
    return [(tick / HOUR, int(many)) for tick, many in zip(ticks, people, strict=True)]


def test_on_a_date_that_a_row_names_only_those_rows_start() -> None:
    rows = [
        {"from": "09:00", "to": "17:00", "staff": 2},
        {"from": "22:00", "to": "06:00", "staff": 1},
        {"from": "10:00", "to": "12:00", "staff": 1, "on": "2025-01-07"},
        {"from": "00:00", "to": "24:00", "staff": 0, "on": "2025-01-08"},
    ]
    scenario = world(length="3 d", pools={"desk": {"shifts": rows}})
    assert on_duty(scenario) == [(0, 1), (6, 0), (9, 2), (17, 0), (22, 1), (30, 0), (34, 1), (36, 0)]


def test_people_come_and_go_at_local_times() -> None:
    """A night from 22:00 to 06:00 lasts 7 h when the clock is put forward, and 9 h when it is put back."""
    pools = {"desk": {"shifts": [{"from": "22:00", "to": "06:00", "staff": 1}]}}
    for start, zone, lasts in (("2025-03-29 12:00", "Europe/London", 7), ("2025-11-01 12:00", "America/New_York", 9)):
        assert on_duty(world(start=start, length="1 d", run={"zone": zone}, pools=pools)) == [(10, 1), (10 + lasts, 0)]


def test_levels_hold_on_dates_and_are_read_off_the_local_clock() -> None:
    """A level of 2 from 01:00 to 02:00 lasts two hours where that hour comes twice; on Monday another block holds."""
    day = [1, 2, *[1] * 22]
    levels_of = [{"every": "1 h", "staff": day}, {"every": "12 h", "staff": [3, 4], "on": "2025-10-27"}]
    scenario = world(
        start="2025-10-26 00:00", length="2 d", run={"zone": "Europe/London"}, pools={"desk": {"levels": levels_of}}
    )
    assert on_duty(scenario) == [(0, 1), (1, 2), (3, 1), (25, 3), (37, 4)]
    spring = world(
        start="2025-03-30 00:00", length="1 d", run={"zone": "Europe/London"}, pools={"desk": {"levels": levels_of}}
    )
    assert on_duty(spring) == [(0, 1)]


def test_a_file_of_levels_may_tell_an_hour_twice_where_the_clock_shows_it_twice(tmp_path: Path) -> None:
    """As a planning tool that counts on through the change writes it: 25 rows on that day."""
    rows = ["26 00:00,1", "26 01:00,2", "26 01:00,5", "26 02:00,3", "26 12:00,4"]
    text = "\n".join(["from,staff", *(f"2025-10-{row}" for row in rows)])
    (tmp_path / "roster.csv").write_text(text, encoding="utf-8")
    given = {"length": "3 h", "run": {"zone": "Europe/London"}, "pools": {"desk": {"levels": "roster.csv"}}}
    assert on_duty(world(tmp_path, start="2025-10-26 00:00", **given)) == [(0, 1), (1, 2), (2, 5)]
    (tmp_path / "roster.csv").write_text(text.replace("-26 ", "-27 "), encoding="utf-8")
    with pytest.raises(ScenarioError, match="the file says twice what holds from 2025-10-27 01:00"):
        world(tmp_path, start="2025-10-27 00:00", **given)


# --- Demand -----------------------------------------------------------------------------------------------------------


def an_hour(scenario: Scenario, *at: float, channel: str = "tip") -> list[float]:
    """Tips an hour that are expected on a channel at hours of a run."""
    found = levels(scenario)
    return [round(float(found.at(channel, np.array([int(hour * HOUR)]))[0] * found.base * HOUR), 9) for hour in at]


def test_half_hours_and_days_have_numbers_of_their_own() -> None:
    """Case 15: 13 half hours with 40, but one with 80, of 480 tips a day: 40 and 80 in a half hour."""
    numbers = [0] * 16 + [40, 80] + [40] * 9 + [0] * 21
    assert an_hour(world(demand={"volume": "480/d", "by_hour": numbers}), 7.9, 8.2, 8.6, 9.1) == [0, 80, 160, 80]
    by_day = {"mon-fri": [3.0] * 24, "sat": [6.0] * 96, "sun": [0.0] * 24}
    assert an_hour(world(demand={"volume": "72/d", "by_hour": by_day}), 1, 5 * 24 + 1, 6 * 24 + 1) == [3, 6, 0]
    with_days = {"volume": "24/h", "by_hour": by_day, "by_weekday": [1, 1, 1, 1, 1, 2, 0]}
    assert an_hour(world(demand=with_days), 1, 5 * 24 + 1, 6 * 24 + 1) == [24, 48, 0]


def test_dates_have_factors_that_multiply_and_the_profile_of_another_day() -> None:
    demand = {
        "volume": "24/h",
        "by_weekday": [1, 1, 1, 1, 1, 1, 8],
        "by_date": [
            {"on": ["2025-01-07", "2025-01-08"], "factor": "50 %"},
            {"on": "2025-01-08", "factor": "40 %", "like": "sat"},
            {"on": "2025-01-08", "like": "sun"},
        ],
    }
    assert an_hour(world(demand=demand), 1, 25, 49, 145) == [12, 6, 19.2, 96]


def test_a_rate_by_the_hour_is_the_mean_over_open_time_and_one_by_the_day_over_all_time() -> None:
    """40 hours of 168 are open: 45/h is 45 in each of them, 40/d is 7 in each."""
    channels = {
        "call": {"volume": "45/h", "open": "office"},
        "mail": {"volume": "40/d", "open": "office"},
        "chat": {"volume": "6/h", "open": "office", "by_hour": [*[1.0] * 13, *[3.0] * 11]},
    }
    closed = OFFICE | {"closed": "2025-01-07"}
    scenario = world(demand={"channels": channels}, calendars={"office": closed})
    assert an_hour(scenario, 8, 10, 34, 5 * 24 + 10, channel="call") == [0, 45, 0, 0]
    assert an_hour(scenario, 8, 10, 34, channel="mail") == [0, 7, 0]
    assert an_hour(scenario, 12, 13, channel="chat") == [3, 9]
    tips, measured = arrivals.expected_tips(scenario)
    assert tips == measured == pytest.approx(4 * 8 * (45 + 7 + 6))


def test_shares_of_a_volume_may_have_opening_hours() -> None:
    channels = {"call": {"share": "75 %", "open": "office"}, "mail": "25 %"}
    scenario = world(demand={"volume": "168/d", "channels": channels}, calendars={"office": OFFICE})
    assert an_hour(scenario, 10, 18, channel="call") == [7 * 126 / 40, 0]
    assert an_hour(scenario, 10, channel="mail") == [1.75]


def test_profiles_are_read_off_the_local_clock_at_each_tick() -> None:
    """In London the hour from 01:00 is missing on 30 March and comes twice on 26 October: 3 tips or none."""
    numbers = [0, 3] + [0] * 22
    for start, tips in (("2025-03-30 00:00", 0), ("2025-10-26 00:00", 6), ("2025-10-27 00:00", 3)):
        scenario = world(
            start=start, length="1 d", run={"zone": "Europe/London"}, demand={"volume": "3/d", "by_hour": numbers}
        )
        assert arrivals.expected_tips(scenario)[0] == pytest.approx(tips)


def counted(folder: Path, text: str, length: str = "2 h", **parts: Any) -> Scenario:
    (folder / "offered.csv").write_text(text, encoding="utf-8")
    given = {"demand": {"counts": "offered.csv", **parts.pop("demand", {})}} | parts
    return world(folder, length=length, **given)


def test_counts_hold_from_one_row_to_the_next_and_what_is_missing_is_0(tmp_path: Path) -> None:
    rows = ["00:00,6", "00:30,12", "01:30,", "02:00,5", "02:30,1"]
    text = "\n".join(["from,tips", *(f"2025-01-06 {row}" for row in rows)])
    scenario = counted(tmp_path, text)
    assert an_hour(scenario, 0.1, 0.6, 1.1, 1.6) == [12, 24, 0, 0]
    more = {"growth": "0 %", "by_date": [{"on": "2025-01-06", "factor": "200 %"}], "by_hour": [1.0, *[5.0] * 23]}
    assert an_hour(counted(tmp_path, text, demand=more), 0.1) == [24]
    assert arrivals.expected_tips(counted(tmp_path, text, demand=more))[0] == pytest.approx(36)


def test_counts_by_channel_and_by_the_week(tmp_path: Path) -> None:
    rows = [
        f"{day},{hour:02}:00,{4 if day == 'tue' else 2},{channel}"
        for day in ("mon", "tue")
        for hour in range(24)
        for channel in ("call", "mail")
    ]
    text = "\n".join(["day,time,tips,channel", *rows])
    demand = {"channels": {"call": {"open": "office"}, "mail": {}}}
    scenario = counted(tmp_path, text, "7 d", demand=demand, calendars={"office": OFFICE})
    assert an_hour(scenario, 10, 34, 58, 8, channel="call") == [2, 4, 0, 0]
    assert an_hour(scenario, 10, 34, 58, 8, channel="mail") == [2, 4, 0, 2]


def test_an_interval_of_the_counts_lasts_as_long_as_the_clock_says(tmp_path: Path) -> None:
    """Hours by the local clock: the one from 01:00 lasts two hours in autumn, unless it is told twice."""
    run = {"zone": "Europe/London"}
    plain = "from,tips\n2025-10-26 00:00,6\n2025-10-26 01:00,6\n2025-10-26 02:00,6\n"
    told = plain.replace("01:00,6", "01:00+01:00,6\n2025-10-26 01:00+00:00,4")
    again = plain.replace("01:00,6", "01:00,6\n2025-10-26 01:00,4")
    for text, right in ((plain, [6, 3, 3, 6]), (told, [6, 6, 4, 6]), (again, [6, 6, 4, 6])):
        assert an_hour(counted(tmp_path, text, "3 h", start="2025-10-26 00:00", run=run), 0, 1, 2, 3) == right
    with pytest.raises(ScenarioError, match="this interval stands in line 3 already"):
        counted(tmp_path, again.replace("26 ", "27 "), "3 h", start="2025-10-27 00:00", run=run)


FAULTY_COUNTS = {
    "from,tip\n": ["'tip' is no column that is read; did you mean 'tips'?", "one of them `tips`"],
    "day,tips\nmon,3\n": ["intervals begin at `from`, or at `day` and `time`"],
    "from,tips\n2025-01-06 00:00,3\n2025-01-06 00:00,4\n": ["this interval stands in line 2 already"],
    "from,tips\n2025-01-06 00:00,-3\n2025-01-06 25:00,4\n": ["must be a number of tips", "a date is written"],
    "from,tips\n2025-01-06 00:00,3\n": ["needs two intervals at least"],
    "from,tips\n2025-01-06 00:00,0\n2025-01-06 01:00,\n": ["has no tips"],
    "from,tips\n2025-01-06 00:00,3,4\n": ["must have 2 fields, as the first line has"],
    "from,tips,channel\n2025-01-06 00:00,3,fax\n2025-01-06 01:00,3,tip\n": ["there is no channel 'fax'"],
    "from,tips\n2025-01-06 00:00,3\n2025-01-06 01:00,nan\n": ["must be a number of tips"],
    "from,tips\n2025-01-05 00:00,3\n2025-01-05 01:00,3\n": [
        "must lie inside the counts, which go from 2025-01-05 00:00:00 to"
    ],
    "day,time,tips\nmon-fri,08:00,3\nmon,09:00,1\n": ["one day of the week is needed"],
}


@pytest.mark.parametrize("text", FAULTY_COUNTS)
def test_a_faulty_file_of_counts_is_refused_row_by_row(tmp_path: Path, text: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        counted(tmp_path, text)
    for rule in FAULTY_COUNTS[text]:
        assert rule in str(caught.value)


def test_offsets_of_a_trace_in_a_zone_and_without_one(tmp_path: Path) -> None:
    """Case 55: 01:59+01:00 and 03:01+02:00 are two minutes apart; without a zone the first row's is the clock."""
    (tmp_path / "tips.csv").write_text(
        "received\n2025-03-30T01:59:00+01:00\n2025-03-30T03:01:00+02:00\n", encoding="utf-8"
    )
    for run in ({"zone": "Europe/Berlin"}, {}):
        scenario = world(tmp_path, "2025-03-30 00:00", "1 d", run=run, demand={"trace": "tips.csv"})
        assert (draw(scenario, 0).tips.arrival / MINUTE).tolist() == [119, 121]


# --- Faults -----------------------------------------------------------------------------------------------------------

SHARED = {"call": {"share": "60 %"}, "mail": {"volume": "3/h"}}

FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "city": ({"run.zone": "new york"}, "there is no time zone of that name; did you mean 'America/New_York'?"),
    "zone": ({"run.zone": "Europe/Lundon"}, "there is no time zone of that name; did you mean 'Europe/London'?"),
    "interval": ({"run.interval": "7 min"}, "an interval divides the day"),
    "country": ({"calendars.it.closed": {"holidays": "GX"}}, "there is no country 'GX'"),
    "part": ({"calendars.it.closed": {"holidays": "GB-ENX"}}, "GB has no part 'ENX'; there are ENG"),
    "date": ({"calendars.it.closed": "2025-13-01"}, "month must be in 1..12"),
    "time": ({"calendars.it.closed": "2025-12-01 10:00"}, "a date without a time is needed"),
    "reversed": (
        {"calendars.it.closed": {"from": "2025-12-02", "to": "2025-12-01"}},
        "ends (2025-12-01) before it begins",
    ),
    "half a range": ({"calendars.it.closed": {"from": "2025-12-02"}}, "a range of dates needs `from` and `to`"),
    "no dates": ({"calendars.it.closed": {}}, "dates are written 2025-12-25"),
    "closed": ({"calendars.it.closed": {"closed": "its"}}, "there is no calendar 'its'; did you mean 'it'?"),
    "circle": ({"calendars.it.closed": {"closed": "it"}}, "lead back to itself"),
    "both": (
        {"calendars.it.open": [{"from": "9:00", "to": "10:00", "days": "mon", "on": "2025-01-07"}]},
        "`days` or `on`, not both",
    ),
    "nothing open": ({"calendars.it.open": []}, "needs at least 1"),
    "clock": ({"targets.t.clock": "its"}, "there is no calendar 'its'"),
    "gate": ({"stages.answer.open": "its"}, "there is no calendar 'its'"),
    "every": ({"run.zone": "UTC", "stages.answer.every": "5 h"}, "must divide 24 h"),
    "channel": ({"demand.channels": {"call": {"share": "100 %", "open": "its"}}}, "there is no calendar 'its'"),
    "roster": (
        {"pools.desk.shifts": [{"from": "9:00", "to": "10:00", "staff": 1, "on": {"closed": "its"}}]},
        "no calendar 'its'",
    ),
    "23 numbers": ({"demand.by_hour": [1] * 23}, "needs 24 numbers, one an hour of the day"),
    "no sunday": ({"demand.by_hour": {"mon-sat": [1] * 24}}, "has no numbers for sun"),
    "two mondays": ({"demand.by_hour": {"daily": [1] * 24, "mon": [1] * 24}}, "two lists are for mon: daily and mon"),
    "no day": ({"demand.by_hour": {"daily": [1] * 24, "mun": [1] * 24}}, "'mun' is no day"),
    "all 0": ({"demand.by_hour": [0] * 48}, "are not all 0"),
    "by_date": ({"demand.by_date": [{"on": "2025-01-07"}]}, "need a `factor` or `like`"),
    "like": ({"demand.by_date": [{"on": "2025-01-07", "like": "mon-fri"}]}, "`like` names one day of the week"),
    "factor": ({"demand.by_date": [{"on": "2025-01-07", "factor": "-5 %"}]}, "a factor of the tips lies between"),
    "shares and volumes": ({"demand.channels": SHARED}, "all have shares, or all have volumes"),
    "share and volume": (
        {"demand.channels": {"call": {"share": "100 %", "volume": "3/h"}}},
        "a `share` of the tips or a `volume`",
    ),
    "two volumes": ({"demand.channels": {"call": {"volume": "3/h"}}}, "the channels have volumes of their own"),
    "neither": ({"demand.channels": {"call": {"open": "it"}}}, "needs a `share` of the tips, or a `volume` of its own"),
    "counts and trace": (
        {"demand.counts": "a.csv", "demand.trace": "b.csv"},
        "counted by `counts` or recorded in a `trace`, not both",
    ),
    "never open": (
        {
            "calendars.it.open": [{"from": "9:00", "to": "10:00", "on": "2025-01-07"}],
            "demand.channels": {"call": {"share": 1, "open": "it"}},
        },
        "is never open in a week without dates of its own",
    ),
    "profile 0": (
        {"demand.by_hour": [1] * 9 + [0] * 15, "demand.channels": {"call": {"share": 1, "open": "it"}}},
        "its profile is 0 whenever 'it' is open",
    ),
    "clock that stops": (
        {"calendars.it.open": [{"from": "9:00", "to": "10:00", "on": "2025-01-07"}], "targets.t.clock": "it"},
        "is not open for long enough",
    ),
    "holidays to come": (
        {"run.start": "2100-12-30 00:00", "calendars.it.closed": {"holidays": "GB-ENG"}},
        "are known up to 2100",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_says_where_and_why(name: str) -> None:
    changes, rule = FAULTS[name]
    document = {
        "scenario": "Plain",
        "run": {"start": MONDAY, "length": "7 d"},
        "calendars": {"it": {"open": [{"days": "mon-fri", "from": "09:00", "to": "17:00"}]}},
        "demand": {"volume": "240/d"},
        "pools": {"desk": {"staff": 1}},
        "stages": [{"name": "answer", "pool": "desk", "service": "5 min"}],
        "targets": {"t": {"from": "arrival", "to": "answer.start", "within": "9 h", "share": "80 %"}},
    }
    with pytest.raises(ScenarioError) as caught:
        load(document, changes=changes)
    assert rule in str(caught.value)
    assert len(caught.value.faults) == 1


# --- Random documents, read twice -------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, below which files lie that a mapping names."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(seed: int, folder: Path) -> tuple[Scenario, Dull, Counter[str], list[dict[str, str]]] | None:
    """The random document of a seed, loaded, with its second reading; None where its demand cannot be.

    That is where a profile is 0 in all open hours, a calendar never opens as long as a target asks, or the cool-down
    that its clock needs goes beyond the counts.
    """
    writer = Writer(seed, folder)
    document = writer.document()
    try:
        scenario = load(document)
    except ScenarioError as error:
        if not all("profile is 0 whenever" in str(one) or "lie inside the counts" in str(one) for one in error.faults):
            raise
        return None
    read: list[dict[str, str]] = []
    if "counts" in document["demand"]:
        with (folder / "offered.csv").open(encoding="utf-8") as stream:
            read = list(csv.DictReader(stream))
    return scenario, Dull(document, scenario.horizon), writer.used, read


def disagreements(scenario: Scenario, dull: Dull, read: list[dict[str, str]]) -> list[str]:
    """What the two readings of a document do not agree on."""
    found = []
    document, n = dull.document, scenario.horizon // MINUTE
    minutes = np.arange(n, dtype=np.int64)
    shown = [scenario.local.shows(int(minute) * MINUTE) for minute in minutes[::97]]
    if shown != [dull.shows(minute) for minute in minutes[::97].tolist()]:
        found.append("local time")
    if not _ends_alike(scenario, dull):
        found.append("calendar days")
    for name, calendar in scenario.calendars.items():
        begins, ends = calendars.windows(calendar, scenario.run, scenario.horizon, scenario.calendars)
        is_open = profiles._inside((begins, ends), minutes * MINUTE)
        if not np.array_equal(is_open, dull.open(name)[:n]) or (begins[1:] <= ends[:-1]).any():
            found.append("windows")
        clock = calendars.OpenTime(calendar, scenario.run, scenario.horizon, scenario.calendars)
        passed = np.concatenate(([0], np.cumsum(dull.open(name)[:n])[:-1]))
        if not np.array_equal(clock.count(minutes * MINUTE), passed * MINUTE):
            found.append("clock")
    ticks, people = shifts.on_duty(shifts.plan(scenario), 0)
    there = np.concatenate(([0], people))[ticks.searchsorted(minutes * MINUTE, side="right")]
    if not np.array_equal(there, dull.people()[:n]):
        found.append("roster")
    gates = rules.rules(scenario).gates
    for stage, one in enumerate(document["stages"]):
        passing = np.flatnonzero(dull.passes(one)[:n])
        for minute in minutes[::53].tolist():
            after = passing[passing.searchsorted(minute) :]
            opens = order.opening(minute * MINUTE, stage, gates)
            if opens < scenario.horizon and "every" in one and "zone" not in document["run"] and "open" not in one:
                opens = min(opens, scenario.horizon)
            right = int(after[0]) * MINUTE if len(after) else None
            if right != (opens if opens < n * MINUTE else None):
                found.append("gates")
                break
    level, asked = levels(scenario), minutes[::31]
    together = sum(level.at(channel, asked * MINUTE) for channel in scenario.channels) * level.base
    if level.counted is None and float(np.max(together)) > level.peak * (1 + 1e-9):
        found.append("peak")
    for channel in scenario.channels:
        ours = level.at(channel, asked * MINUTE) * level.base * MINUTE
        if not np.allclose(ours, dull.level(channel, asked.tolist(), read), rtol=1e-9, atol=1e-12):
            found.append("demand")
    return found


def _ends_alike(scenario: Scenario, dull: Dull) -> bool:
    """Whether the cohort ends as many dates later at the same time of day as the document says."""
    first, last = scenario.local.shows(scenario.cohort_from), scenario.local.shows(scenario.cohort_to)
    days = scenario.run.length // DAY
    exists = dull.minute(datetime.combine(date.fromordinal(first.toordinal() + days), first.time()))
    return scenario.cohort_to == exists * MINUTE and (last.date() - first.date()).days == days


def compare_all(seeds: range, folder: Path, read_twice: int = 1) -> None:
    """Run documents on both engines, read every so many-th of them twice, and print how often each rule occurred."""
    used: Counter[str] = Counter()
    worlds: Counter[str] = Counter()
    for seed in seeds:
        found = made(seed, folder)
        if found is None:
            continue
        scenario, dull, rules_used, read = found
        if seed % read_twice == 0:
            assert not disagreements(scenario, dull, read), f"seed {seed}"
        replication = draw(scenario, 0)
        log, other = reference.simulate(replication), compiled.simulate(replication)
        assert not differences(log, other), f"seed {seed}"
        verify(log, replication)
        used += rules_used
        worlds += Counter(dict.fromkeys(rules_used, 1))
    print(f"\n{'rule':44}{'documents':>10}{'times':>8}")
    for rule, times in sorted(used.items()):
        print(f"{rule:44}{worlds[rule]:10}{times:8}")
    assert len(used) >= len(RULES), set(RULES) - set(used)


RULES = (
    *("24 numbers a day", "48 numbers a day", "96 numbers a day", "288 numbers a day", "numbers by day"),
    *("numbers by weekday", "a date", "a range of dates", "holidays", "closed as a calendar is", "closed dates"),
    *(
        "calendar: a row with on",
        "calendar: a row with days",
        "calendar: a row of 24 h",
        "calendar: a row past midnight",
    ),
    *("calendar: a row about the change of clocks", "roster: a row with on", "roster: a row with days"),
    *("roster: a row of 24 h", "roster: a row past midnight", "roster: a row about the change of clocks"),
    *(
        "a channel with opening hours",
        "a channel with a profile of its own",
        "a volume by the hour",
        "a volume for all",
    ),
    *("a volume by longer units", "dates with a factor", "dates like another day", "counts by channel"),
    *("counts with gaps", "counts of a week", "counts by date", "a zone", "patience behind a gate"),
    *("a gate by a calendar", "a gate by the time of day", "a gate by both", "a delay by a calendar"),
    *("a target with a clock", "a cool-down by a clock"),
)
"""What random documents use."""


def test_300_documents_run_on_both_engines_and_a_third_of_them_read_twice(folder: Path) -> None:
    compare_all(range(300), folder, read_twice=3)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1_000_000, 1_003_000, 750))
def test_3000_more_documents(first: int, folder: Path) -> None:
    compare_all(range(first, first + 750), folder)


# --- Teeth ------------------------------------------------------------------------------------------------------------

Owner = ModuleType | type

MUTANTS: dict[str, tuple[Owner, str, str, str]] = {
    "a missing time is an hour later": (
        Local,
        "tick",
        "np.maximum(wall - self.phase - self._shift[piece], begun)",
        "wall - self.phase - self._shift[piece]",
    ),
    "a time that comes twice is the second": (
        Local,
        "tick",
        'piece = ends.searchsorted(wall, side="right")',
        'piece = (ends + np.minimum(np.diff(self._shift), 0)).searchsorted(wall, side="right")',
    ),
    "whole days elapse": (Local, "later", "or span % DAY", "or span"),
    "the clock is never read again": (Local, "wall", 'side="right")]', 'side="right") * 0]'),
    "the last date of a range is left out": (
        calendars,
        "on_dates",
        "(one.to - first).days + 1",
        "(one.to - first).days",
    ),
    "holidays are not named": (calendars, "on_dates", "if first <= day <= last", "if first <= day < first"),
    "closed dates of another calendar are open": (calendars, "on_dates", "found |= on_dates(", "found &= on_dates("),
    "rows of the week start on dates of their own too": (calendars, "starts", "& ~special & ~shut", "& ~shut"),
    "a closed date starts rows of its own": (calendars, "starts", "else some & ~shut", "else some"),
    "what began the day before does not run out": (calendars, "starts", "(ends > 0)", "(begins >= 0)"),
    "a row of no length takes place": (calendars, "starts", "ends > begins)", "ends >= begins)"),
    "overlaps count twice": (calendars, "united", "begins[1:] > reach[:-1]", "begins[1:] > 0"),
    "a gate by both opens as the window does": (
        calendars,
        "gate_windows",
        "if every is None:",
        "if every is None or found is not None:",
    ),
    "a gate by the time of day ignores its calendar": (
        calendars,
        "gate_windows",
        "if found is not None:\n        begins",
        "if False:\n        begins",
    ),
    "factors of a date do not multiply": (
        profiles,
        "_by_date",
        "factor[named] *= row.factor",
        "factor[named] = row.factor",
    ),
    "the first `like` holds": (profiles, "_by_date", "for row in rows:", "for row in reversed(rows):"),
    "a rate by the hour counts all time": (profiles, "_scale", "volume is not None and volume.of_open", "False"),
    "a rate by the day counts open time": (profiles, "_scale", "volume is not None and volume.of_open", "True"),
    "each list by day has mean 1": (
        profiles,
        "_times_profile",
        "if by_weekday is not None else mean",
        "if True else mean",
    ),
    "each list by day keeps its level beside weekdays": (
        profiles,
        "_times_profile",
        "if by_weekday is not None else mean",
        "if False else mean",
    ),
    "half hours are read as hours": (
        profiles,
        "_times_profile",
        "[wall // (DAY // len(values)) % len(values)]",
        "[wall // HOUR % 24]",
    ),
    "a gap of the counts is filled": (counts, "_in_order", "gap = lasting > step", "gap = lasting > WEEK"),
    "counts hold for their step alone": (
        counts,
        "_in_order",
        "ends = np.where(gap, begins + step, following)",
        "ends = begins + step",
    ),
    "all channels have the counts of all": (counts.Counted, "by_tick", "self.tips[channel]", "sum(self.tips.values())"),
}
"""Faults: whose function, its name, and what is changed in it."""


def altered(owner: Owner, name: str, old: str, new: str) -> Callable[..., Any]:
    """A function with a few words of its text changed."""
    source = textwrap.dedent(inspect.getsource(getattr(owner, name)))
    assert source.count(old) == 1, f"{name} says {old!r} {source.count(old)} times"
    module = owner if isinstance(owner, ModuleType) else inspect.getmodule(owner)
    assert module is not None
    names = dict(vars(module)) | {"HOUR": HOUR, "WEEK": WEEK}
    lines = source.replace(old, new)
    exec(compile(f"from __future__ import annotations\n{lines}", f"<{name}>", "exec"), names)
    return names[name]  # type: ignore[no-any-return]


NOTICED_FIRST = {"a row of no length takes place": 254, "the first `like` holds": 180}
"""The first random document that notices a fault which few of them do."""


def is_noticed(seed: int, folder: Path) -> bool:
    """Whether the two readings of a document differ, or one of them refuses it."""
    try:
        found = made(seed, folder)
    except ScenarioError:
        return True
    return found is not None and bool(disagreements(found[0], found[1], found[3]))


@pytest.mark.parametrize("fault", MUTANTS)
def test_a_fault_is_noticed(fault: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    owner, name, old, new = MUTANTS[fault]
    faulty = altered(owner, name, old, new)
    users: Sequence[Owner] = [owner, calendars, profiles, counts, shifts, rules, schema, arrivals]
    for user in users if isinstance(owner, ModuleType) else [owner]:
        if hasattr(user, name):
            monkeypatch.setattr(user, name, faulty)
    for cached in (zones.local_time, calendars._open_time, counts._read):
        cached.cache_clear()
    try:
        assert any(is_noticed(seed, folder) for seed in range(NOTICED_FIRST.get(fault, 0), 300)), (
            "no document notices it"
        )
    finally:
        for cached in (zones.local_time, calendars._open_time, counts._read):
            cached.cache_clear()


# --- A week of holidays and a change of clocks ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "start, zone, day, lasts",
    [
        ("2025-03-28 00:00", "Europe/London", "2025-03-30", 23),
        ("2025-10-31 00:00", "America/New_York", "2025-11-02", 25),
    ],
)
def test_a_week_with_a_holiday_and_a_change_of_clocks(
    simulate: Engine, tmp_path: Path, start: str, zone: str, day: str, lasts: int
) -> None:
    """Tips at local times on the day before, of and after the change: people come at 09:00 by the clock on each.

    Monday is a holiday of the calendar: nobody comes, the gate stays shut, and time on the office clock stands still.
    """
    change = datetime.fromisoformat(day)
    monday, tuesday = (date.fromordinal(change.toordinal() + more) for more in (1, 2))
    friday = date.fromordinal(change.toordinal() - 2)
    received = [f"{friday} 16:30", f"{friday} 16:45", f"{day} 12:00", f"{monday} 10:00", f"{tuesday} 09:30"]
    (tmp_path / "tips.csv").write_text("\n".join(["received", *received]), encoding="utf-8")
    scenario = world(
        tmp_path,
        start,
        "7 d",
        run={"zone": zone},
        calendars={"office": OFFICE | {"closed": str(monday)}},
        demand={"trace": "tips.csv"},
        pools={
            "desk": {
                "shifts": [
                    {"from": "09:00", "to": "17:00", "staff": 1, "days": "mon-fri"},
                    {"from": "09:00", "to": "17:00", "staff": 0, "on": {"closed": "office"}},
                ],
                "at_shift_end": "resume",
            }
        },
        stages=[{"name": "answer", "pool": "desk", "open": "office", "service": "20 min"}],
    )
    replication = draw(scenario, 0)
    log = simulate(replication)
    local = scenario.local
    assert [str(local.shows(int(tick)))[:16] for tick in replication.tips.arrival] == received
    started = [f"{friday} 16:30", f"{friday} 16:50", f"{tuesday} 09:10", f"{tuesday} 09:30", f"{tuesday} 09:50"]
    assert [str(local.shows(int(tick)))[:16] for tick in log.start] == started
    clock = open_time(scenario, "office")
    assert (clock.elapsed(replication.tips.arrival, log.start) / MINUTE).tolist() == [0, 5, 10, 30, 20]
    due = [str(local.shows(int(tick)))[:16] for tick in clock.latest(replication.tips.arrival, 40 * MINUTE)]
    assert due == [f"{tuesday} 09:10", f"{tuesday} 09:25", f"{tuesday} 09:40", f"{tuesday} 09:40", f"{tuesday} 10:10"]
    midnights = local.tick(DAY * np.arange(8, dtype=np.int64))
    assert (np.diff(midnights) / HOUR).tolist() == [24, 24, lasts, 24, 24, 24, 24]
    assert scenario.horizon == int(midnights[-1])


def test_a_calendar_says_what_it_is(tmp_path: Path) -> None:
    from sim.text.scenario import calendar_words, run_words

    office = OFFICE | {"closed": [{"holidays": "GB-ENG"}]}
    scenario = world(start="2025-04-14 00:00", calendars={"office": office}, run={"zone": "Europe/London"})
    assert list(calendar_words(scenario)) == [
        "office: open 40 h a week (mon-fri 09:00 to 17:00); closed on 1 holiday in the run: Fri 2025-04-18 Good Friday"
    ]
    assert "by the clock of Europe/London" in run_words(scenario)


def test_a_calendar_of_one_window_a_week_is_plain() -> None:
    one = Calendar.model_validate({"open": [{"days": "sun", "from": "22:00", "to": "06:00"}]})
    assert [list(map(int, part // HOUR)) for part in calendars.plain_week(one)] == [[0, 166], [6, 168]]
    assert calendars.open_hours(one) == 8 * HOUR
