"""Small public situations with values that are right by theory, by hand or by another simulation.

Those that another test holds already:

    answered in 15 and 40 s, the 99 % line     measures/test_monotone.py: from five people on it is met with any number
    perfect service, with unlimited staff      measures/test_monotone.py: all met, certain only with unlimited people
    a pool that overflows: no overload         scenario/test_roster_warnings.py: load is booked where it is served
    rows of people that relieve one another    scenario/test_roster_warnings.py: 6, 49 and 96 hours of overtime a week
    the night row from 24:00                   scenario/test_roster_warnings.py: nobody is on duty 23:00 to 24:00
    work longer than a shift, at `restart`     scenario/test_roster_warnings.py: it never ends
    a stage that rework alone comes to         scenario/test_told_once.py: it is reached
    one fault and no cascade                   scenario/test_told_once.py: the only stage at fault
    nothing is counted, so nothing is needed   studies/test_starving.py: nobody is left without people
    closed at weekends: not more people        studies/test_starving.py: what more staff means
    how many people Erlang C asks for          studies/test_staffing.py: over a grid of loads
    one server of any work                     studies/test_theory.py: M/G/1 with four laws
    a day recorded, with its work              studies/test_recorded.py: run once, and kept or broken

Seeds are fixed, so that nothing fails by chance again and again; what a fresh seed would do is said at each.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sim
from sim.dynamics.clock import HOUR, MINUTE
from sim.measures import theory
from sim.scenario.calendars import open_time
from tests.cli.lines import tipline
from tests.conftest import Engine

ERRORS = 4.0
"""A simulated value lies within so many standard errors of the right one: a fresh seed would fail once in 16,000 times
where they are known, and once in 300 to 3,500 where ten to forty replications tell them."""


def scenario(run: str, volume: str, pools: str, stages: str, targets: str = "", demand: str = "") -> str:
    """A document of one line to a part; seed 1."""
    judged = f"\ntargets: {{{targets}}}" if targets else ""
    return (
        f"scenario: Case\nrun: {{start: 2025-01-06 00:00, seed: 1, {run}}}\ndemand: {{volume: {volume}{demand}}}\n"
        f"pools: {{{pools}}}\nstages: [{stages}]{judged}\n"
    )


def answered(service: str, more: str = "") -> str:
    """A stage at which one pool, the agents, answers."""
    return f"{{name: answer, pool: agents, service: {service}{more}}}"


def exponential(mean: str) -> str:
    return f"{{exponential: {{mean: {mean}}}}}"


def within(time: str, share: str, more: str = "") -> str:
    return f"{{from: arrival, to: answer.start, within: {time}, share: {share}{more}}}"


def targets(text: str, **options: int) -> pd.DataFrame:
    """What the targets came to, by name."""
    return sim.run(text, **options).targets.set_index("target")


def errors_from(found: pd.Series, right: float) -> float:
    """How many standard errors a mean with a 95 % interval lies from what is right."""
    return float(abs(found["wait_mean_min"] - right) / ((found["wait_mean_high_min"] - found["wait_mean_low_min"]) / 4))


def waits(text: str) -> pd.DataFrame:
    """What is known of the visits to each stage, whatever their label."""
    stages = sim.run(text).stages
    return stages[stages["tier"] == "all"].set_index("stage")


def told(folder: Path, text: str) -> str:
    """What the terminal says of a run, in one line."""
    (folder / "case.yaml").write_text(text, encoding="utf-8")
    done = tipline("run", folder / "case.yaml", "--out", folder / "out")
    assert done.exit_code == 0
    return " ".join(done.output.split())


# --- One line ---------------------------------------------------------------------------------------------------------

LINES = {
    "row_one": ("67.5/h", "staff: 5", exponential("4 min"), theory.mean_wait(4.5, 5, 4), 6.10),
    "42-three-servers": ("12/h", "staff: 3", exponential("6 min"), theory.mean_wait(1.2, 3, 6), 28.2 / 60),
    "lognormal": (
        "4.2/h",
        "staff: 1",
        "{lognormal: {mean: 10 min, cv: 2}}",
        theory.wait_in_one_line(0.7, 10, 2),
        58.33,
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_the_mean_wait_of_one_line(name: str) -> None:
    volume, staff, service, right, told = LINES[name]
    found = waits(
        scenario(
            "warm_up: 28 d, length: 182 d, cool_down: 7 d, replications: 20",
            volume,
            f"agents: {{{staff}}}",
            answered(service),
        )
    )
    assert right == pytest.approx(told, abs=0.005)
    assert errors_from(found.loc["answer"], right) < ERRORS


def test_42_one_who_is_helped_at_once_by_two_is_a_line_of_three() -> None:
    text = scenario(
        "warm_up: 7 d, length: 182 d, replications: 10",
        "12/h",
        "agents: {staff: 1}, back: {staff: 2}",
        answered(exponential("6 min"), ", overflow: {to: back}"),
    )
    assert sim.check(text).warnings == ()
    assert errors_from(waits(text).loc["answer"], theory.mean_wait(1.2, 3, 6)) < ERRORS


def test_20_shares_answered_lost_and_of_those_not_lost_are_those_of_erlang_a() -> None:
    """10 replications of 91 days: a standard error of some 0.05 points."""
    found = targets(
        scenario(
            "warm_up: 1 d, length: 91 d, replications: 10",
            "60/h",
            "agents: {staff: 5}",
            answered(exponential("6 min"), f", patience: {exponential('3 min')}"),
            f"all: {within('30 s', '50 %')}, out: {within('30 s', '50 %', ', lost_tips: left_out')}, "
            "lost: {lost: 30 %}",
        )
    )["value"]
    line = theory.erlang_a(6, 5, 6, 3, within=0.5)
    right = [line.served_within, line.served_within / (1 - line.abandoned), line.abandoned]
    assert right == pytest.approx([0.4571, 0.6348, 0.2799], abs=5e-5)
    assert list(found[["all", "out", "lost"]]) == pytest.approx(right, abs=0.003)


@pytest.mark.parametrize(("staff", "share"), [(4, 0.9107), (6, 0.9953), (8, 0.9998), (10, 1.0), (12, 1.0)])
def test_41_more_people_than_meet_99_percent_in_40_seconds_meet_it_too(staff: int, share: float) -> None:
    """An interval of some 0.1 points at the least share that is met, half a point above the threshold."""
    right = 1 - theory.wait_above(40 / 60, 2, staff, 2)
    found = targets(
        scenario(
            "warm_up: 1 d, length: 28 d, replications: 20",
            "60/h",
            f"agents: {{staff: {staff}}}",
            answered(exponential("2 min")),
            f"p99: {within('40 s', '99 %')}",
        )
    ).loc["p99"]
    assert right == pytest.approx(share, abs=5e-5)
    assert found["value"] == pytest.approx(right, abs=0.003)
    assert found["verdict"] == ("met" if staff > 4 else "missed")


def test_16_as_many_as_erlang_c_asks_for_paid_for_those_who_are_off() -> None:
    """By Erlang C 13 are too few and 14 answer 88.8 % in time: both lie so far off that no seed tells otherwise."""
    share = [1 - theory.wait_above(20 / 60, 10, staff, 3) for staff in (13, 14)]
    assert share[0] < 0.8
    assert share[1] == pytest.approx(0.888, abs=5e-4)
    answer = sim.staff(
        scenario(
            "warm_up: 1 d, length: 28 d, replications: 10",
            "200/h",
            "agents: {staff: 13, shrinkage: 30 %}",
            answered(exponential("3 min")),
            f"sl: {within('20 s', '80 %')}",
        )
    )
    assert list(answer.staffing["people"]) == [14]
    assert answer.staffed.pools["agents"].staff == 14
    assert answer.staffing["paid_h_a_week"].sum() == pytest.approx(3360)
    # Demand and people are the same at all hours.
    assert "it fails at no hours surely more than at others" in " ".join(answer.sentences())


# --- Lost, closed, empty ----------------------------------------------------------------------------------------------


LOST = ", ".join(f"lost{share}: {{lost: {share} %}}" for share in (1, 3, 5))
PERFECT = f"s99: {within('1 h', '99 %')}, s90: {within('1 h', '90 %')}, {LOST}"


def perfect(staff: int) -> str:
    """20 calls an hour of 6 minutes, whose callers wait an hour, and five promises."""
    run = "length: 28 d, replications: 20"
    return scenario(run, "20/h", f"agents: {{staff: {staff}}}", answered("6 min", ", patience: 60 min"), PERFECT)


def test_40_where_nobody_waits_all_five_are_met() -> None:
    """20 an hour on 40 people: that anybody waits an hour has a chance that no number of seeds comes upon."""
    found = sim.run(perfect(40))
    assert list(found.targets["verdict"]) == ["met"] * 5
    assert list(found.targets["value"]) == [1, 1, 0, 0, 0]
    # 20 x 28 x 480 tips are expected, and their number varies as its root.
    assert found.replications["arrived_tips"].sum() == pytest.approx(268_800, abs=ERRORS * math.sqrt(268_800))


def test_40_an_answer_that_holds_has_no_target_that_is_undecided() -> None:
    """Three people are enough and two are not; what all five come to at once shows less than what each shows alone."""
    answer = sim.staff(perfect(40))
    assert list(answer.staffing["people"]) == [3]
    said = " ".join(answer.sentences())
    assert "It holds on 20 fresh replications" in said
    assert list(answer.staff_targets["verdict"]) == ["met"] * 5
    # Of a target that nothing fails no hours are told.
    assert "at no hours" not in said


def test_28_who_calls_again_comes_home_in_between() -> None:
    """Visits a tip at `home` are those of calls of which as many give up each time, fewer than where none does."""
    text = scenario(
        "warm_up: 28 d, length: 91 d, cool_down: 14 d, replications: 5",
        "10/h",
        "agents: {staff: 4}",
        "{name: home, share: 0 %, delay: 2 d}, "
        + answered(
            exponential("12 min"),
            f", patience: {exponential('5 min')}, rework: {{share: 30 %, back_to: home, at_most: 3}}",
        ),
        f"sl: {within('1 min', '70 %')}, lost: {{lost: 5 %}}",
    )
    assert not any("no tip reaches" in said for said in sim.check(text).warnings)
    answer = sim.run(text)
    found = answer.targets.set_index("target")["value"]
    # What an independent simulation came to; its error and ours are some 0.2 points.
    assert found["lost"] == pytest.approx(0.1533, abs=0.01)
    assert found["sl"] == pytest.approx(0.794, abs=0.01)
    stages = answer.stages[answer.stages["tier"] == "all"].set_index("stage")
    again = 0.3 * (1 - stages.loc["answer", "given_up_visits"] / stages.loc["answer", "visits"])
    home = stages.loc["home", "visits"] / answer.cohort["arrived_tips"].iloc[0]
    assert home == pytest.approx(again + again**2 + again**3, abs=0.01)
    assert 0.355 <= home <= 0.3 + 0.3**2 + 0.3**3


@pytest.mark.parametrize("staff", [6, 60, 600])
def test_43_no_number_of_people_reaches_more_than_the_hours_they_are_there(staff: int) -> None:
    """45 of 168 hours, of 12 weeks x 10 of 840 tips: a standard error of 0.14 points.

    The 320 tips of a weekend are a queue for 60 people still, and none for 600.
    """
    found = targets(
        scenario(
            "warm_up: 7 d, length: 84 d, cool_down: 7 d, replications: 10",
            "5/h",
            f'agents: {{shifts: [{{from: "09:00", to: "17:00", staff: {staff}, days: mon-fri}}]}}',
            answered(exponential("10 min")),
            f"first: {within('1 h', '90 %')}",
        )
    ).loc["first"]
    assert found["verdict"] == "missed"
    assert found["value"] < 45 / 168 + ERRORS * 0.0014
    if staff == 600:
        assert found["value"] == pytest.approx(45 / 168, abs=ERRORS * 0.0014)


def test_54_nobody_was_on_duty_and_that_all_are_lost_is_certain(tmp_path: Path) -> None:
    text = scenario(
        "length: 1 d, cool_down: 1 d, replications: 2",
        "20/d",
        "agents: {staff: 0}",
        answered("10 min", ", patience: 30 min"),
        "busy: {pool: agents, occupancy: 50 %}, lost: {lost: 10 %}",
    )
    found = targets(text)
    assert math.isnan(found.loc["busy", "value"])
    assert (found.loc["lost", "value"], found.loc["lost", "verdict"]) == (1, "missed")
    said = told(tmp_path, text)
    assert "nothing counted: nobody was on duty undecided" in said
    assert "100.0 %, certain MISSED" in said


# --- Shifts -----------------------------------------------------------------------------------------------------------

LONG = """\
scenario: Work longer than the shift
run: {{start: 2025-01-06 00:00, length: 5 d, cool_down: 2 d, replications: 2, seed: 1}}
demand: {{trace: tips.csv}}
pools: {{desk: {{shifts: [{{from: "09:00", to: "16:00", staff: 1}}], at_shift_end: {how}}}}}
stages: [{{name: work, pool: desk, service: 8 h}}]
targets: {{done: {{from: arrival, to: work.end, within: 2 d, share: 50 %}}}}
"""


@pytest.mark.parametrize(("how", "ends"), [("resume", 2040), ("finish", 1020), ("restart", None)])
def test_36_eight_hours_of_work_in_shifts_of_seven(tmp_path: Path, how: str, ends: int | None) -> None:
    """Begun at minute 540: an hour is left for Tuesday, or done in overtime, or it is begun anew every day."""
    (tmp_path / "tips.csv").write_text("received\n2025-01-06 09:00\n", encoding="utf-8")
    file = tmp_path / "case.yaml"
    file.write_text(LONG.format(how=how), encoding="utf-8")
    one = sim.load(file)
    log = sim.simulate(sim.draw(one, 0))
    visit = sim.visits(log, sim.draw(one, 0), one).iloc[0]
    assert (None if pd.isna(visit["end_min"]) else visit["end_min"]) == ends
    assert any("it never ends" in said for said in sim.check(one).warnings) == (how == "restart")
    answer = sim.run(one)
    assert answer.targets.loc[0, "verdict"] == ("broken" if how == "restart" else "kept")
    # One run without chance shows what it shows; no number of replications shows more.
    said = told(tmp_path, LONG.format(how=how))
    assert "run once" in said
    assert "replications" not in said


def test_36_what_differs_without_chance_is_no_noise(tmp_path: Path) -> None:
    (tmp_path / "tips.csv").write_text("received\n2025-01-06 09:00\n", encoding="utf-8")
    variants = "variants: {finish: {pools.desk.at_shift_end: finish}, restart: {pools.desk.at_shift_end: restart}}\n"
    (tmp_path / "case.yaml").write_text(LONG.format(how="resume") + variants, encoding="utf-8")
    done = tipline("compare", tmp_path / "case.yaml", "--out", tmp_path / "out")
    said = " ".join(done.output.split())
    assert "restart makes done (-100.00 points) worse. It turns done from kept to broken." in said
    # The hour of the second day is done in overtime, and is paid for; of the five days that is 1.4 hours a week.
    assert "finish changes no target: not one comes to anything else in this period. It takes 1.4 paid hours" in said
    assert "noise" not in said
    assert "replications" not in said


# --- Periods ----------------------------------------------------------------------------------------------------------


def test_64_the_share_of_days_that_hold_does_not_depend_on_how_many_are_run() -> None:
    """280, 1,120 and 2,800 days, of which some 1.5 % do not hold: standard errors of 0.7, 0.4 and 0.2 points."""
    hours = [0.3, 0.2, 0.2, 0.2, 0.2, 0.3, 0.6, 1, 1.5, 2, 2.2, 2, 1.6, 1.5, 1.5, 1.5, 1.4, 1.2, 1, 0.9, 0.8]
    shifts = [("06:00", "14:00", 4), ("14:00", "22:00", 4), ("22:00", "06:00", 1)]
    rows = ", ".join(f'{{from: "{first}", to: "{last}", staff: {staff}}}' for first, last, staff in shifts)
    found = [
        targets(
            scenario(
                f"warm_up: 1 d, length: {days} d, cool_down: 1 d, replications: 20",
                "12/h",
                f"agents: {{shifts: [{rows}]}}",
                answered("{lognormal: {mean: 10 min, cv: 1}}", f", patience: {exponential('20 min')}"),
                f"days: {within('5 min', '50 %', ', per: day, hold: 95 %')}",
                f", busyness_cv: 0.2, by_hour: {[*hours, 0.7, 0.6, 0.6]}",
            )
        ).loc["days"]
        for days in (14, 56, 140)
    ]
    values = [one["value"] for one in found]
    errors = [math.sqrt(values[2] * (1 - values[2]) / (20 * days)) for days in (14, 56, 140)]
    assert abs(values[0] - values[2]) < ERRORS * math.hypot(errors[0], errors[2])
    assert abs(values[1] - values[2]) < ERRORS * math.hypot(errors[1], errors[2])
    # What a run knows it knows better the longer it is, and not otherwise.
    widths = [one["high"] - one["low"] for one in found]
    assert widths[0] > widths[1] > widths[2]


def test_a_recorded_day_is_what_that_day_came_to_and_not_the_long_run(tmp_path: Path) -> None:
    """The day by Lindley's recursion: in the long run 31.8 % wait 5 minutes or less, on this day some other share."""
    assert 1 - theory.wait_above(5, 0.85, 1, 3.4) == pytest.approx(0.318, abs=5e-4)
    generator = np.random.default_rng(3)
    seconds = np.cumsum(generator.exponential(240, 720)).round()
    seconds = seconds[seconds < 86_400]
    work = generator.exponential(3.4, seconds.size).round(4)
    waited = [0.0]
    for gap, before in zip(np.diff(seconds) / 60, work, strict=False):
        waited.append(max(waited[-1] + before - gap, 0))
    right = float(np.mean(np.array(waited) <= 5))
    assert abs(right - 0.318) > 0.05
    times = pd.Timestamp("2025-01-06") + pd.to_timedelta(seconds, unit="s")
    pd.DataFrame({"received": times, "answer_min": work}).to_csv(tmp_path / "tips.csv", index=False)
    text = scenario(
        "length: 1 d, cool_down: 1 d, replications: 20",
        "1/h",
        "agents: {staff: 1}",
        answered("3 min"),
        f"least: {within('5 min', f'{right - 0.01:.4f}')}, more: {within('5 min', f'{right + 0.01:.4f}')}",
    ).replace("volume: 1/h", "trace: tips.csv")
    (tmp_path / "day.yaml").write_text(text, encoding="utf-8")
    found = sim.run(tmp_path / "day.yaml").targets
    assert list(found["verdict"]) == ["kept", "broken"]
    assert [list(found[what]) for what in ("value", "low", "high")] == [pytest.approx([right, right])] * 3


# --- Published examples -----------------------------------------------------------------------------------------------


def test_callcc_the_example_of_a_published_library() -> None:
    """Within 4 standard errors of both; its heads are people here, who finish the call in hand: seconds of a day."""
    hours = "[0, 0, 0, 0, 0, 0, 0, 0, 100, 150, 150, 180, 200, 150, 150, 150, 120, 100, 80, 70, 60, 0, 0, 0]"
    spans = [("09:00", "18:00", 2), ("10:00", "16:00", 1), ("10:00", "13:00", 1), ("14:00", "16:00", 1)]
    rows = ", ".join(f'{{from: "{first}", to: "{last}", staff: {staff}}}' for first, last, staff in spans)
    patience = "{hyperexponential: {shares: [10 %, 90 %], means: [0.000001 s, 1000 s]}}"
    answer = sim.run(
        scenario(
            "length: 1 d, cool_down: 2 h, replications: 1000",
            "1660/d",
            f"agents: {{staff: 4, shifts: [{rows}]}}",
            answered(exponential("100 s"), f", patience: {patience}"),
            "lost: {lost: 5 %}, wait: {from: arrival, to: answer.start, mean: 20 s}",
            f", by_hour: {hours}, busyness_cv: 0.316227766",
        )
    )
    found = answer.targets.set_index("target")
    lost = answer.cohort["lost_tips"].iloc[0] / (1000 * 1660)
    ours = (found["high"] - found["low"]) / (2 * 1.96)
    assert abs(lost - 0.0342) < ERRORS * math.hypot(ours["lost"], (0.0374 - 0.0311) / (2 * 1.645))
    wait = (60 * found.loc["wait", "value"], 60 * ours["wait"])
    assert abs(wait[0] - 11.8) < ERRORS * math.hypot(wait[1], (13.6 - 10.1) / (2 * 1.645))


PUBLISHED = {
    "triage": (31.9, 1.8),
    "registration": (104.1, 2.4),
    "exam": (24.6, 0.9),
    "treat": (134.9, 2.4),
    "stabilise": (155.6, 7.6),
}


def test_treat_sim_the_waits_of_a_published_treatment_centre() -> None:
    """Of those who have started when the day ends, averaged over 100 runs; within 4 standard errors.

    What is published beside the waits is half as wide as our intervals of 95 %, so it is taken for a standard error.
    """
    risky, other = "for: {risk: trauma}", "for: {risk: other}"
    hours = [2.366667, 0, 0, 0, 0, 0, 2.366667, 2.8, 8.833333, 10.433333, 14.8, 26.266667, 31.4, 18.066667, 16.466667]
    hours += [12.033333, 11.6, 28.866667, 18.033333, 11.5, 5.3, 4.066667, 2.2, 2.1]
    people = {"triage": 1, "registration": 1, "exam": 3, "rooms": 2, "cubicles": 1}
    one = sim.load(
        scenario(
            "length: 19 h, cool_down: 0 d, replications: 100",
            "229.500001/d",
            ", ".join(f"{name}: {{staff: {staff}}}" for name, staff in people.items()),
            f"""
  {{name: triage, pool: triage, service: {exponential("3 min")}}},
  {{name: registration, {other}, pool: registration, service: {{lognormal: {{mean: 5 min, cv: 0.282843}}}}}},
  {{name: exam, {other}, pool: exam, service: {{gamma: {{mean: 16 min, cv: 0.108253}}}}}},
  {{name: treat, {other}, share: 60 %, pool: cubicles, service: {{lognormal: {{mean: 13.3 min, cv: 0.106332}}}}}},
  {{name: stabilise, {risky}, pool: rooms, service: {exponential("90 min")}}}""",
            "",
            f", by_hour: {hours}, risk: {{trauma: 12 %, other: 88 %}}",
        ).replace("00:00, seed", "06:00, seed")
    )
    means = []
    for index in range(100):
        replication = sim.draw(one, index)
        visits = sim.visits(sim.simulate(replication), replication, one)
        started = visits[visits["start_min"] < 19 * 60]
        means.append((started["start_min"] - started["enter_min"]).groupby(started["stage"]).mean())
    found = pd.DataFrame(means)
    for stage, (wait, error) in PUBLISHED.items():
        ours = found[stage].std() / 10
        assert abs(found[stage].mean() - wait) < ERRORS * math.hypot(ours, error), stage
        # The brackets of the two are the same measure of the same spread.
        assert ours == pytest.approx(error, rel=0.3)


# --- Calendars --------------------------------------------------------------------------------------------------------

OFFICE = "calendars: {office: {open: [{days: mon-fri, from: '09:00', to: '17:00'}]}}"


def calendar_case(folder: Path, text: str, tips: str) -> tuple[sim.Scenario, sim.Replication]:
    """A document that reads a file of tips, and its first replication."""
    (folder / "tips.csv").write_text(tips, encoding="utf-8")
    (folder / "case.yaml").write_text(text, encoding="utf-8")
    found = sim.load(folder / "case.yaml")
    return found, sim.draw(found, 0)


def test_02_an_hour_of_office_time_from_friday_16_31_is_over_on_monday_at_09_31(
    tmp_path: Path, simulate: Engine
) -> None:
    text = f"""
scenario: Business hours deadline
run: {{start: 2025-01-06 00:00, length: 7 d, cool_down: 7 d, replications: 2}}
demand: {{trace: tips.csv, channels: {{text: 100 %}}}}
{OFFICE}
pools: {{desk: {{shifts: [{{from: "09:00", to: "17:00", staff: 1, days: mon-fri}}], at_shift_end: resume}}}}
stages: [{{name: read, pool: desk, service: 5 min}}]
targets:
  first: {{from: arrival, to: read.start, within: 1 h, share: 90 %, clock: office}}
  wall: {{from: arrival, to: read.start, within: 1 h, share: 90 %}}
"""
    tips = "received,read\n2025-01-10 16:30,40\n2025-01-10 16:31,5\n2025-01-11 12:00,5\n2025-01-12 23:59,5\n"
    scenario, replication = calendar_case(tmp_path, text, tips)
    log, clock = simulate(replication), open_time(scenario, "office")
    waited = clock.elapsed(replication.tips.arrival, log.start)
    assert (waited / MINUTE).tolist() == [0, 39, 15, 20]
    due = clock.latest(replication.tips.arrival[1:2], HOUR)
    assert str(scenario.local.shows(int(due[0]))) == "2025-01-13 09:31:00"
    assert sim.run(scenario).targets["value"].tolist() == [1.0, 0.25]


def test_15_a_table_of_half_hours_is_kept_to(tmp_path: Path) -> None:
    """The half hour from 08:30 has twice the tips of the others: 1,600 of 4,800 in 20 days, 3 % apart at 1 in 300."""
    numbers = [0] * 16 + [40, 80] + [40] * 9 + [0] * 21
    text = scenario("length: 1 d", "480/d", "desk: {staff: 3}", "{name: work, pool: desk, service: 1 min}")
    one = sim.load(text.replace("480/d", f"480/d, by_hour: {numbers}"))
    tips = sum(np.bincount(sim.draw(one, index).tips.arrival // (30 * MINUTE), minlength=48) for index in range(100))
    assert tips[:16].sum() == tips[27:].sum() == 0
    mean = 100 * 480 * np.array(numbers) / sum(numbers)
    assert (abs(tips - mean)[16:27] < 4 * np.sqrt(mean[16:27])).all()


def test_22_on_a_holiday_nobody_comes(tmp_path: Path, simulate: Engine) -> None:
    text = """
scenario: Public holiday
run: {start: 2024-12-23 00:00, length: 7 d, cool_down: 2 d, replications: 2}
demand: {trace: tips.csv}
pools: {desk: {shifts: [{from: "09:00", to: "17:00", staff: 1, days: mon-fri}, {from: "09:00", to: "17:00", staff: 0,
  on: DATES}]}}
stages: [{name: work, pool: desk, service: 30 min}]
"""
    for dates in ("[2024-12-25, 2024-12-26]", "{holidays: GB-ENG}", "{from: 2024-12-25, to: 2024-12-26}"):
        _, replication = calendar_case(tmp_path, text.replace("DATES", dates), "received\n2024-12-25 10:00\n")
        assert (simulate(replication).start / MINUTE).tolist() == [6300]


def test_55_times_with_offsets_are_as_far_apart_as_they_are(tmp_path: Path, simulate: Engine) -> None:
    text = """
scenario: Trace with offsets
run: {start: 2025-03-30 00:00, length: 1 d, cool_down: 1 d, replications: 2, zone: Europe/Berlin}
demand: {trace: tips.csv}
pools: {desk: {staff: 1}}
stages: [{name: work, pool: desk, service: 10 min}]
"""
    tips = "received\n2025-03-30T01:59:00+01:00\n2025-03-30T03:01:00+02:00\n"
    found, replication = calendar_case(tmp_path, text, tips)
    assert (np.diff(replication.tips.arrival) / MINUTE).tolist() == [2]
    assert [str(found.local.shows(int(tick))) for tick in simulate(replication).start] == [
        "2025-03-30 01:59:00",
        "2025-03-30 03:09:00",
    ]


def test_43_a_promise_by_the_office_clock_can_be_kept_where_one_by_the_wall_cannot(tmp_path: Path) -> None:
    """At most 45 of 168 hours by the wall, whatever the staff; with the clock of the office all in an hour."""
    text = scenario(
        "warm_up: 7 d, length: 28 d, cool_down: 7 d, replications: 4",
        "5/h",
        "desk: {shifts: [{from: '09:00', to: '17:00', staff: 100, days: mon-fri}]}",
        "{name: read, pool: desk, service: {exponential: {mean: 10 min}}}",
        "wall: {from: arrival, to: read.start, within: 1 h, share: 90 %}, "
        "office: {from: arrival, to: read.start, within: 1 h, share: 90 %, clock: office}",
    )
    found = targets(f"{text}{OFFICE}\n")
    assert found.loc["wall", "value"] < 45 / 168 + 0.01
    assert found.loc["office", "value"] == pytest.approx(1, abs=0.02)


def test_47_incidents_bring_their_tips_together() -> None:
    """240 tips a day, and 10 incidents of 15 on average within ten minutes, four people; a simulation of 16,800 days
    of its own. Of ten runs of 56 days the share is known to 0.3 points, the tips a day to 2.3."""
    sighting = "{rate: 10/d, tips: {poisson: {mean: 15}}, over: {uniform: {from: 0 min, to: 10 min}}}"
    found = sim.run(
        sim.load(
            scenario(
                "warm_up: 1 d, length: 56 d, replications: 10",
                "240/d",
                "agents: {staff: 4}",
                answered(exponential("3 min")),
                f"p90: {within('10 s', '90 %')}",
                f", channels: {{call: 100 %}}, incidents: {{sighting: {sighting}}}",
            )
        )
    )
    assert found.targets.loc[0, "value"] == pytest.approx(0.744, abs=ERRORS * 0.003)
    assert found.replications["arrived_tips"].mean() / 56 == pytest.approx(390, abs=ERRORS * 2.3)


@pytest.mark.slow
@pytest.mark.parametrize("number", ["3", "{geometric: {mean: 3}}"])
def test_groups_wait_as_a_line_of_batches_does(number: str) -> None:
    """M[X]/M/1 with groups of 3, or geometric ones of 3 on average, at 70 %: forty runs of 40 days, within 4 standard
    errors of the runs themselves."""
    service, load, mean = 4.0, 0.7, 3.0
    square = 9.0 if number == "3" else theory_of_geometric(mean)
    right = theory.batch_mean_wait(load, mean, square, service, 2 * service**2)
    rate = load / service / mean
    found = sim.run(
        sim.load(
            scenario(
                "warm_up: 5 d, length: 40 d, replications: 40, cool_down: 1 d",
                "1/week",
                "agents: {staff: 1}",
                answered(exponential(f"{service} min")),
                "mean: {from: arrival, to: answer.start, mean: 30 min}",
                f", incidents: {{group: {{rate: {rate * 60}/h, tips: {number}}}}}",
            )
        )
    )
    values = found.replications["mean_min"]
    assert abs(values.mean() - right) <= ERRORS * values.std() / math.sqrt(len(values))


def theory_of_geometric(mean: float) -> float:
    """The mean square of a geometric number from 1 on."""
    return mean * (2 * mean - 1)
