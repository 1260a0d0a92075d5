"""Durations, rates, shares, dates and times of day from the texts that people write."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from sim.dynamics.clock import DAY, HOUR, MINUTE, SECOND, WEEK
from sim.scenario import units


@pytest.mark.parametrize(
    ("text", "ticks"),
    [
        ("30 s", 30 * SECOND),
        ("30sec", 30 * SECOND),
        ("12 min", 12 * MINUTE),
        ("12min", 12 * MINUTE),
        ("1.5 h", 90 * MINUTE),
        (".5 hours", 30 * MINUTE),
        ("7 d", 7 * DAY),
        ("1 day", DAY),
        ("4 wk", 4 * WEEK),
        ("2 weeks", 2 * WEEK),
        ("250 ms", SECOND // 4),
        ("0.1 ms", 100),
        ("1e1 min", 10 * MINUTE),
        (" 8 h ", 8 * HOUR),
        ("0 s", 0),
    ],
)
def test_durations(text: str, ticks: int) -> None:
    assert units.duration(text) == ticks


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (30, "needs a unit"),
        (1.5, "needs a unit"),
        ("30", "needs a unit"),
        (True, "a duration is a number with its unit"),
        (None, "a duration is a number with its unit"),
        ({}, "a duration is a number with its unit"),
        ("", "a duration is a number with its unit"),
        ("min", "a duration is a number with its unit"),
        ("30 min 5 s", "a duration is a number with its unit"),
        ("٣٠ s", "a duration is a number with its unit"),
        ("9" * 50 + " s", "a duration is a number with its unit"),
        ("30 m", "'m' is no unit of time"),
        ("-1 s", "cannot be negative"),
        ("1e300 s", "at most 200 years"),
        (10**400, "a duration is a number with its unit"),
    ],
)
def test_what_is_no_duration(value: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        units.duration(value)


@pytest.mark.parametrize("ticks", [0, 1, SECOND, 90 * SECOND, 36 * HOUR, DAY, 3 * WEEK, 1_234_567_000])
def test_a_duration_in_words_reads_back_as_itself(ticks: int) -> None:
    assert units.duration(units.duration_text(ticks)) == ticks


@pytest.mark.parametrize(
    ("text", "a_day"),
    [
        ("365/year", 1.0),
        ("365 / year", 1.0),
        ("12/month", 12 / (365 / 12)),
        ("3.5/h", 84.0),
        ("70/week", 10.0),
        ("5/d", 5.0),
        ("5/day", 5.0),
        ("1/min", 1440.0),
        ("1/s", 86400.0),
    ],
)
def test_rates(text: str, a_day: float) -> None:
    assert units.rate(text) == pytest.approx(a_day, rel=1e-12)


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (30000, "such as 30000/year"),
        ("30000", "such as 30000/year"),
        ("30,000/year", "without commas: 30000/year"),
        ("30.000/year", "30000/year, and few as 30/year"),
        ("30000/moon", "'moon' is no period"),
        ("0/h", "more than 0"),
        ("-1/h", "more than 0"),
        ("1e999/h", "at most 1e9"),
    ],
)
def test_what_is_no_rate(value: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        units.rate(value)


@pytest.mark.parametrize(("value", "share"), [("2 %", 0.02), ("2%", 0.02), (0.02, 0.02), (0, 0), (1, 1), ("100 %", 1)])
def test_shares(value: Any, share: float) -> None:
    assert units.share(value) == share


@pytest.mark.parametrize(
    "value", ["0.02", True, "2 percent", -0.1, 1.01, "101 %", float("nan"), float("inf"), 10**400, None, []]
)
def test_what_is_no_share(value: Any) -> None:
    with pytest.raises(ValueError, match=r"share|finite|too large"):
        units.share(value)


def test_a_share_above_one_that_looks_like_a_percentage_is_taken_for_a_slip() -> None:
    with pytest.raises(ValueError, match=r"did you mean 40 %\?"):
        units.share(40)


@pytest.mark.parametrize("space", ["\u00a0", "\u202f"])
def test_spaces_that_break_no_line_are_spaces(space: str) -> None:
    assert units.duration(f"8{space}min") == 8 * MINUTE
    assert units.share(f"90{space}%") == 0.9


def test_growth_may_be_negative_or_above_one() -> None:
    assert (units.growth("-50 %"), units.growth("150 %"), units.growth(0.25)) == (-0.5, 1.5, 0.25)
    with pytest.raises(ValueError, match="above -100 %"):
        units.growth("-100 %")


@pytest.mark.parametrize(
    ("text", "ticks"),
    [("07:00", 7 * HOUR), ("7:05", 7 * HOUR + 5 * MINUTE), ("23:59:59", DAY - SECOND), ("24:00", 0), ("00:00", 0)],
)
def test_times_of_day(text: str, ticks: int) -> None:
    assert units.time_of_day(text) == ticks


@pytest.mark.parametrize("value", ["24:01", "7", "07:60", "7 am", 700, None, True, "07:00:61"])
def test_what_is_no_time_of_day(value: Any) -> None:
    with pytest.raises(ValueError, match="a time of day is written 07:00"):
        units.time_of_day(value)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2025-01-06", datetime(2025, 1, 6)),
        ("2025-01-06 07:30", datetime(2025, 1, 6, 7, 30)),
        ("2025-01-06T07:30:15", datetime(2025, 1, 6, 7, 30, 15)),
        ("2025-01-06 07:30:15.25", datetime(2025, 1, 6, 7, 30, 15, 250_000)),
    ],
)
def test_dates(text: str, date: datetime) -> None:
    assert units.date(text) == date


@pytest.mark.parametrize("value", ["06.01.2025", "2025-02-30", "2025-01-06 25:00", "2025-01-06T00:00Z", 20250106, None])
def test_what_is_no_date(value: Any) -> None:
    with pytest.raises(ValueError, match="a date is written 2025-01-06 00:00"):
        units.date(value)


@pytest.mark.parametrize("text", ["1899-12-31", "2501-01-01", "0000-01-01", "9999-12-31"])
def test_years_far_away_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="year"):
        units.date(text)


def test_days_of_the_week() -> None:
    assert units.days("daily") == frozenset(range(7))
    assert units.days("mon-fri") == {0, 1, 2, 3, 4}
    assert units.days("Sat") == {5}
    assert units.days(["sat", "sunday"]) == {5, 6}
    assert units.days("sat-mon") == {5, 6, 0}
    assert units.day_names(frozenset({5, 6})) == "sat, sun"


@pytest.mark.parametrize("value", ["", "someday", [], ["mon", 3], "mon-", 5, None])
def test_what_is_no_day_of_the_week(value: Any) -> None:
    with pytest.raises(ValueError, match="day"):
        units.days(value)


def test_a_shift_that_ends_when_it_starts_lasts_a_day() -> None:
    assert units.length_of(8 * HOUR, 8 * HOUR) == DAY
    assert units.length_of(22 * HOUR, 6 * HOUR) == 8 * HOUR
