"""Cases of people and levels with values that are right by hand, by theory or by another simulation.

What a tick decides is held by `dynamics/test_by_hand_people.py`; here a document says it and a run tells it.
"""

from __future__ import annotations

import math
from heapq import heappop, heappush
from pathlib import Path

import numpy as np
import pytest

import sim
from sim.dynamics import laws
from sim.dynamics.clock import HOUR, MINUTE
from sim.measures import theory
from tests.scenario.small import loaded
from tests.test_cases import ERRORS, answered, errors_from, exponential, scenario, targets, waits, within


def traced(folder: Path, pool: str, stage: str, *received: str) -> tuple[list[float], list[float], list[float]]:
    """Minutes of start and end of the visits, and of the end of the last work on each, of tips that came when told."""
    rows = "".join(f"2025-01-06 {time}\n" for time in received)
    (folder / "tips.csv").write_text(f"received\n{rows}", encoding="utf-8")
    one = loaded(
        folder,
        f"""
scenario: Traced
run: {{start: 2025-01-06 00:00, length: 2 d, cool_down: 1 d}}
demand: {{trace: tips.csv}}
pools: {{desk: {pool}}}
stages: [{{name: work, pool: desk, {stage}}}]
""",
    )
    replication = sim.draw(one, 0)
    log = sim.simulate(replication)
    laws.verify(log, replication)
    last = [float(log.spells.ended[log.spells.visit == visit].max()) / MINUTE for visit in range(len(log.start))]
    return (log.start / MINUTE).tolist(), (log.end / MINUTE).tolist(), last


def test_07_the_end_of_a_wrap_up_frees_its_person(tmp_path: Path) -> None:
    pool = '{shifts: [{from: "09:00", to: "17:00", staff: 1}]}'
    starts, _, over = traced(tmp_path, pool, "service: 10 min, wrap_up: 5 min", "09:00", "09:05", "16:55")
    assert starts == [540, 555, 1015]
    assert over == [555, 570, 1030]


def test_09_what_starts_in_a_slow_hour_takes_longer(tmp_path: Path) -> None:
    pool = f"{{staff: 1, speed: {{by_hour: [100 %, 50 %, {', '.join(['100 %'] * 22)}]}}}}"
    _, ends, _ = traced(tmp_path, pool, "service: 10 min", "00:10", "01:10")
    assert ends == [20, 90]


def test_25_nothing_starts_in_the_last_half_hour(tmp_path: Path) -> None:
    pool = '{shifts: [{from: "09:00", to: "17:00", staff: 1}], last_start: 30 min}'
    starts, _, _ = traced(tmp_path, pool, "service: 60 min", "16:45")
    assert starts == [24 * 60 + 540]


@pytest.mark.slow
def test_50_six_people_of_whom_each_is_away_with_one_in_ten() -> None:
    """Erlang A over a binomial number of people: 76.0 %, missed; as shrinkage alone it would be 84.0."""
    text = scenario(
        "warm_up: 1 d, length: 91 d, replications: 10",
        "40/h",
        'agents: {shifts: [{from: "00:00", to: "00:00", staff: 6}], absence: 10 %}',
        answered(exponential("6 min"), f", patience: {exponential('3 min')}"),
        f"p80: {within('20 s', '80 %')}",
    )
    found = targets(text)
    chances = [math.comb(6, n) * 0.9**n * 0.1 ** (6 - n) for n in range(7)]
    right = sum(chance * theory.erlang_a(4, n, 6, 3, 1 / 3).served_within for n, chance in enumerate(chances) if n)
    assert right == pytest.approx(0.760, abs=0.002)
    error = (found.loc["p80", "high"] - found.loc["p80", "low"]) / 4
    assert abs(found.loc["p80", "value"] - right) < ERRORS * error
    assert found.loc["p80", "verdict"] == "missed"


def test_50_a_person_is_away_whatever_the_staffing(tmp_path: Path) -> None:
    def absent(staff: int, other: int) -> set[tuple[int, int]]:
        one = loaded(
            tmp_path,
            f"""
scenario: Absent
run: {{start: 2025-01-06 00:00, length: 60 d, seed: 3}}
demand: {{volume: 1/d}}
pools:
  other: {{shifts: [{{from: "08:00", to: "16:00", staff: {other}}}], absence: 20 %}}
  desk: {{shifts: [{{from: "08:00", to: "16:00", staff: {staff}}}], absence: 20 %}}
stages: [{{name: work, pool: desk, service: 5 min}}]
""",
        )
        people = sim.draw(one, 0).plan.people
        away = people.away & (people.place == 1)
        return set(zip(people.day[away].tolist(), people.number[away].tolist(), strict=True))

    few = absent(4, 1)
    assert 60 * 4 * 0.1 < len(few) < 60 * 4 * 0.3
    assert few == {one for one in absent(9, 2) if one[1] < 4}


# --- Levels -----------------------------------------------------------------------------------------------------------


LEAVERS = """
scenario: Who leaves
run: {start: 2025-01-06 00:00, warm_up: 2 d, length: 30 d, cool_down: 3 d, replications: 2, seed: 1}
demand:
  volume: 376.8/d
  by_hour: [0.08, 0.08, 0.08, 0.08, 0.08, 0.08, 0.25, 0.25, 0.25, 0.25, 0.42, 0.42, 0.42, 0.42, 0.42, 0.42, 0.42, 0.42,
    0.42, 0.42, 0.15, 0.15, 0.15, 0.15]
pools: {desk: {levels: {every: 1 h, staff: [2, 2, 2, 2, 2, 2, 2, 7, 7, 7, 7, 7, 7, 7, 7, 4, 4, 4, 4, 4, 4, 2, 2, 2]}}}
stages: [{name: answer, pool: desk, service: {lognormal: {mean: 13 min, cv: 1.3}}}]
"""


def counted(arrivals: list[int], works: list[int], level: list[int]) -> list[int]:
    """When each tip starts, first come first served: one may while fewer are at work than the level of the hour."""
    ends: list[int] = []
    starts = []
    now = 0
    for arrival, work in zip(arrivals, works, strict=True):
        now = max(now, arrival)
        while True:
            while ends and ends[0] <= now:
                heappop(ends)
            if len(ends) < level[now // HOUR % 24]:
                break
            next_hour = (now // HOUR + 1) * HOUR
            now = min(next_hour, ends[0]) if ends else next_hour
        starts.append(now)
        heappush(ends, now + work)
    return starts


def test_65_levels_are_a_capacity_that_is_counted(tmp_path: Path) -> None:
    """Every start of 35 days is that of a model of ten lines."""
    replication = sim.draw(loaded(tmp_path, LEAVERS), 0)
    log = sim.simulate(replication)
    laws.verify(log, replication)
    level = [2] * 7 + [7] * 8 + [4] * 6 + [2] * 3
    started = log.start < replication.rules.horizon
    right = counted(replication.tips.arrival.tolist(), replication.visits.work.tolist(), level)
    assert log.start[started].tolist() == np.array(right)[started].tolist()
    assert started.sum() > 10_000


SPELLINGS = {
    "staff": "staff: 5",
    "one level a day": "levels: {every: 24 h, staff: [5]}",
    "half hours": f"levels: {{every: 30 min, staff: {[5] * 48}}}",
    "by day": "levels: [{every: 6 h, staff: [5, 5, 5, 5], days: mon-fri}, {every: 24 h, staff: [5], days: [sat, sun]}]",
    "beside staff": "staff: 2, levels: {every: 6 h, staff: [3, 3, 3, 3]}",
    "a file of a week": "levels: week.csv",
    "a file of dates": "levels: dates.csv",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_constant_levels_in_any_spelling_are_staff_around_the_clock(tmp_path: Path, spelling: str) -> None:
    (tmp_path / "week.csv").write_text("day,time,staff\ndaily,00:00,5\ndaily,12:00,5\n", encoding="utf-8")
    dates = "".join(f"2025-01-{day:02} 00:00,5\n" for day in range(1, 32))
    (tmp_path / "dates.csv").write_text(f"from,staff\n{dates}", encoding="utf-8")

    def starts(pool: str) -> list[int]:
        text = scenario("length: 5 d, cool_down: 1 d", "67.5/h", f"agents: {{{pool}}}", answered(exponential("4 min")))
        return sim.simulate(sim.draw(loaded(tmp_path, text), 0)).start.tolist()

    assert starts(SPELLINGS[spelling]) == starts("staff: 5")


def test_levels_are_read_off_the_clock_of_their_day(tmp_path: Path) -> None:
    """Monday from 22:00: 1 until midnight, then Tuesday's; on the date that a block names that one alone."""
    pool = (
        "{levels: [{every: 12 h, staff: [3, 1], days: mon}, {every: 8 h, staff: [0, 2, 4], days: [tue, wed]}, "
        "{every: 24 h, staff: [6], on: [2025-01-08]}]}"
    )
    one = loaded(
        tmp_path,
        f"""
scenario: Levels
run: {{start: 2025-01-06 22:00, length: 4 d, cool_down: 0 s}}
demand: {{volume: 1/h}}
pools: {{desk: {pool}}}
stages: [{{name: work, pool: desk, service: 5 min}}]
""",
    )
    found = sim.draw(one, 0).plan
    hours = ((found.tick + 22 * HOUR) / HOUR).tolist()
    assert list(zip(hours, np.cumsum(found.heads).tolist(), strict=True)) == [
        (22, 1),
        (24, 0),
        (32, 2),
        (40, 4),
        (48, 6),
        (72, 0),
    ]


def test_levels_go_with_a_clock_that_is_changed(tmp_path: Path) -> None:
    """On the Sunday of 23 hours the level of 03:00 begins at what was 02:00."""
    one = loaded(
        tmp_path,
        f"""
scenario: Levels
run: {{start: 2025-03-30 00:00, zone: Europe/London, length: 2 d, cool_down: 0 s}}
demand: {{volume: 1/h}}
pools: {{desk: {{levels: {{every: 1 h, staff: {[1, 1, 1] + [4] * 21}}}}}}}
stages: [{{name: work, pool: desk, service: 5 min}}]
""",
    )
    found = sim.draw(one, 0).plan
    assert (found.tick / HOUR).tolist() == [0, 2, 23, 26]


# --- Breaks -----------------------------------------------------------------------------------------------------------


def breaks(folder: Path, text: str, staff: int = 1, first: str = "08:00", last: str = "16:00") -> list[list[str]]:
    """The breaks of each person of a shift, as times of day."""
    one = loaded(
        folder,
        f"""
scenario: Breaks
run: {{start: 2025-01-06 00:00, length: 1 d, cool_down: 0 s}}
demand: {{volume: 1/h}}
pools: {{desk: {{shifts: [{{from: "{first}", to: "{last}", staff: {staff}, days: mon}}], breaks: {text}}}}}
stages: [{{name: work, pool: desk, service: 5 min}}]
""",
    )
    plan = sim.draw(one, 0).plan
    tick = np.repeat(plan.tick, np.diff(plan.first_action))
    of_each: list[list[str]] = [[] for _ in range(staff)]
    for at, action, who in zip(tick.tolist(), plan.action.tolist(), plan.person.tolist(), strict=True):
        if action in (1, 3):  # TAKES_BREAK, COMES_BACK
            of_each[who].append(f"{at // HOUR:02}:{at % HOUR // MINUTE:02}")
    return of_each


def test_breaks_lie_in_their_window_spread_over_the_people(tmp_path: Path) -> None:
    """Of three people from 11:30 to 14:00 the middles are 12:07:30, 12:45 and 13:22:30."""
    found = breaks(tmp_path, '{lasts: 30 min, between: ["11:30", "14:00"]}', staff=3)
    assert found == [["11:52", "12:22"], ["12:30", "13:00"], ["13:07", "13:37"]]


def test_a_window_is_cut_to_the_shift_and_too_short_a_one_gives_no_break(tmp_path: Path) -> None:
    assert breaks(tmp_path, '{lasts: 30 min, between: ["07:00", "09:00"]}') == [["08:15", "08:45"]]
    assert breaks(tmp_path, '{lasts: 30 min, between: ["07:00", "08:20"]}') == [[]]
    assert breaks(tmp_path, '{lasts: 30 min, between: ["17:00", "18:00"]}') == [[]]
    assert breaks(tmp_path, '{lasts: 30 min, between: ["01:00", "02:00"]}', first="22:00", last="06:00") == [[]]


def test_several_kinds_of_break_and_one_that_overlaps_begins_when_the_earlier_ends(tmp_path: Path) -> None:
    """The long one from 11:45 to 12:15; the short ones at 10:00 and 14:00; another at noon is pushed back and joins."""
    long, short = '{lasts: 30 min, between: ["11:00", "13:00"]}', "{lasts: 20 min, per_shift: 2}"
    assert breaks(tmp_path, f"[{long}, {short}]") == [["09:50", "10:10", "11:45", "12:15", "13:50", "14:10"]]
    assert breaks(tmp_path, f"[{long}, {{lasts: 20 min}}]") == [["11:45", "12:35"]]


# --- Theory -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_one_server_with_wrap_up_is_a_line_of_both_together() -> None:
    """M/G/1: talk of 6 min and wrap-up of 3 min, both exponential, at 72 %; E[S^2] = 2 x 36 + 2 x 9 + 2 x 6 x 3."""
    mean, square = 9.0, 2 * 36 + 2 * 9 + 2 * 6 * 3
    right = theory.wait_in_one_line(0.72, mean, math.sqrt(square / mean**2 - 1))
    found = waits(
        scenario(
            "warm_up: 28 d, length: 182 d, cool_down: 7 d, replications: 20",
            "4.8/h",
            "agents: {staff: 1}",
            answered(exponential("6 min"), f", wrap_up: {exponential('3 min')}"),
        )
    )
    assert errors_from(found.loc["answer"], right) < ERRORS


def wait_in_slots(rate: float, service: float, speeds: list[float], most: int = 2000) -> float:
    """The mean wait before one person who has up to len(speeds) in hand: a birth-death chain in the number there."""
    slots = len(speeds)
    chance, waiting, total = 1.0, 0.0, 1.0
    for number in range(1, most):
        k = min(number, slots)
        chance *= rate * service / (k * speeds[k - 1])
        total += chance
        waiting += chance * max(number - slots, 0)
    return waiting / total / rate


@pytest.mark.slow
def test_slots_with_their_speeds_are_a_birth_death_chain() -> None:
    """One person who chats with up to three, each of 10 min alone: at most 2.49 times the work of one at a time."""
    speeds = [1.0, 0.85, 0.83]
    right = wait_in_slots(0.2, 10, speeds)
    found = waits(
        scenario(
            "warm_up: 14 d, length: 182 d, cool_down: 7 d, replications: 20",
            "12/h",
            f"agents: {{staff: 1, concurrency: {{slots: 3, speed: {speeds}}}}}",
            answered(exponential("10 min")),
        )
    )
    assert errors_from(found.loc["answer"], right) < ERRORS


def test_slots_whose_speeds_are_full_are_slots(tmp_path: Path) -> None:
    """Two people with two slots each, told apart or counted: the same stamps."""

    def stamps(how: str) -> list[list[int]]:
        text = scenario(
            "length: 3 d", "30/h", f"agents: {{staff: 2, concurrency: {how}}}", answered(exponential("6 min"))
        )
        log = sim.simulate(sim.draw(loaded(tmp_path, text), 0))
        return [log.start.tolist(), log.end.tolist()]

    assert stamps("2") == stamps("{slots: 2, speed: [100 %, 100 %]}")


def test_paid_hours_count_the_absent(tmp_path: Path) -> None:
    """Four people from 08:00 to 16:00 on 7 days: 224 h are paid, and some 80 % of them worked."""
    one = loaded(
        tmp_path,
        """
scenario: Absent
run: {start: 2025-01-06 00:00, length: 28 d, replications: 5, seed: 3}
demand: {volume: 1/d}
pools: {desk: {shifts: [{from: "08:00", to: "16:00", staff: 4}], absence: 20 %}}
stages: [{name: work, pool: desk, service: 5 min}]
""",
    )
    row = sim.run(one).pools.iloc[0]
    assert row["paid_h_a_week"] == pytest.approx(224, rel=1e-3)
    assert row["staffed_h_a_week"] == pytest.approx(0.8 * 224, rel=0.07)
