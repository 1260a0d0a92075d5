"""Recorded tips: one run where nothing is left to chance, kept or broken; else given these arrivals, or days drawn."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from sim.draw import draw, draw_key
from sim.dynamics.clock import DAY, HOUR
from sim.measures.targets import joint, results
from sim.scenario.arrivals import expected_tips
from sim.scenario.chance import drawn, given_arrivals, is_certain
from sim.scenario.describe import describe
from sim.scenario.faults import ScenarioError
from sim.scenario.loading import load
from sim.studies.compare import compare
from sim.studies.replicate import Settings, run
from sim.studies.staff.staffing import cheapest
from sim.studies.trials import Trials
from sim.tables.run import every
from sim.text.words import came_to
from tests.scenario.small import loaded, messages

LINE = """
scenario: A recorded line
run: {start: 2025-01-06 00:00, length: DAYS d, cool_down: 1 d, replications: 20}
demand: {trace: tips.csv}
pools: {desk: {staff: 1}}
stages: [{name: work, pool: desk, service: 3 min}]
targets: {quick: {from: arrival, to: work.start, within: 5 min, share: 33 %}}
"""
MONDAY = datetime(2025, 1, 6)


def recorded(
    folder: Path, days: int, seed: int = 1, *, columns: str = "received,work_min", first: datetime = MONDAY
) -> None:
    """A single line at a load of 85 %: 0.25 tips a minute of 3.4 minutes on average."""
    generator = np.random.default_rng(seed)
    minutes = np.cumsum(generator.exponential(4, round(days * 400)))
    minutes = minutes[minutes < days * 1440]
    work = generator.exponential(3.4, minutes.size)
    rows = [
        f"{MONDAY + timedelta(minutes=float(at)):%Y-%m-%d %H:%M:%S}" + (f",{length:.4f}" if "," in columns else "")
        for at, length in zip(minutes, work, strict=True)
    ]
    (folder / "tips.csv").write_text("\n".join([columns, *rows, ""]), encoding="utf-8")


def line(folder: Path, days: int, *changes: str) -> str:
    return LINE.replace("DAYS", str(days))


def test_a_day_that_leaves_nothing_to_chance_is_run_once_and_kept_or_broken(tmp_path: Path) -> None:
    recorded(tmp_path, 1)
    scenario = loaded(tmp_path, line(tmp_path, 1), changes=["targets.quick.share=20 %"])
    assert is_certain(scenario)
    assert drawn(scenario) == describe(scenario).drawn == ()
    done = run(scenario)
    assert len(done.sample) == 1
    (quick,) = results(done.sample)
    # By hand: a line of one, first come first served.
    minutes, work = np.loadtxt(
        tmp_path / "tips.csv",
        delimiter=",",
        skiprows=1,
        converters={0: lambda text: (datetime.fromisoformat(text) - MONDAY).total_seconds() / 60},
        unpack=True,
    )
    free, waits = 0.0, []
    for at, length in zip(minutes, work, strict=True):
        waits.append(max(free - at, 0.0))
        free = max(free, at) + length
    assert quick.value == quick.low == quick.high == pytest.approx(np.mean(np.array(waits) <= 5))
    assert sum(quick.counts.values()) == len(waits)
    assert (quick.verdict, quick.word, came_to(quick)) == ("met", "kept", f"{100 * quick.value:.1f} %")
    broken = load(tmp_path / "doc.yaml", changes=["targets.quick.share=95 %"])
    found = joint(run(broken, replications=500).sample)
    assert (found.results[0].word, found.word) == ("broken", "broken")
    tables = {one.name: one for one in every(run(broken).sample)}
    (row,) = tables["targets"].records
    assert row["verdict"] == row["simultaneous_verdict"] == "broken"
    stage = next(row for row in tables["stages"].records if row["tier"] == "all")
    assert stage["wait_mean_min"] == stage["wait_mean_low_min"] == stage["wait_mean_high_min"]
    assert stage["wait_mean_min"] == pytest.approx(np.mean(waits))
    (pool,) = tables["pools"].records
    assert pool["occupancy_share"] == pool["occupancy_low_share"] == pool["occupancy_high_share"] > 0
    assert found.shares["day"].share.high in (0.0, 1.0)
    assert [row["replication"] for row in tables["replications"].records] == [0]


def test_what_is_drawn_beside_a_record_gives_intervals_given_these_arrivals(tmp_path: Path) -> None:
    recorded(tmp_path, 1, columns="received")
    scenario = loaded(tmp_path, line(tmp_path, 1), changes=["stages.work.service={exponential: {mean: 3 min}}"])
    assert drawn(scenario) == ("service",)
    assert given_arrivals(scenario)
    found = results(run(scenario).sample)[0]
    assert found.low < found.value < found.high
    assert found.word in ("met", "undecided")
    assert came_to(found).endswith("), given these arrivals")
    fixed = load(tmp_path / "doc.yaml")
    assert not given_arrivals(fixed)
    assert is_certain(fixed)


CHANCE = [
    ({"stages.work.patience": {"exponential": {"mean": "5 min"}}}, ("patience",)),
    ({"stages.work.patience": "5 min"}, ()),
    (
        {
            "stages.work.patience": "5 min",
            "stages.work.retry": {"share": "50 %", "after": "9 min"},
        },
        ("retries",),
    ),
    ({"stages.work.patience": "5 min", "stages.work.retry": {"share": 1, "after": "9 min"}}, ()),
    ({"stages.work.rework": {"share": "10 %", "back_to": "work"}}, ("rework",)),
    ({"stages.work.share": "90 %"}, ("shares of stages",)),
    ({"centres": 2}, ("centres",)),
    ({"demand.risk": {"high": "10 %", "low": "90 %"}}, ("risks",)),
    ({"demand.channels": {"call": "10 %", "web": "90 %"}}, ("channels",)),
    ({"demand.categories": {"a": "10 %", "b": "90 %"}}, ("categories",)),
    ({"demand.categories": {"a": "0 %", "b": "100 %"}}, ()),
]


@pytest.mark.parametrize(("changes", "left"), CHANCE)
def test_what_is_left_to_chance(tmp_path: Path, changes: dict[str, object], left: tuple[str, ...]) -> None:
    recorded(tmp_path, 1, columns="received")
    loaded(tmp_path, line(tmp_path, 1))
    scenario = load(tmp_path / "doc.yaml", changes=changes)
    assert drawn(scenario) == left
    one, other = draw(scenario, 0), draw(scenario, 1)
    alike = all(
        np.array_equal(getattr(getattr(one, part), name), getattr(getattr(other, part), name))
        for part in ("tips", "visits")
        for name in getattr(one, part).__slots__
    )
    assert alike == (left == ())


def test_a_random_law_that_nobody_meets_leaves_nothing_to_chance(tmp_path: Path) -> None:
    text = line(tmp_path, 1).replace("demand: {", "demand: {channels: {call: 50 %, web: 50 %}, ")
    text = text.replace(
        "3 min}]", "3 min}, {name: read, for: {channel: web}, pool: desk, service: {exponential: {mean: 9 min}}}]"
    )
    rows = "received,channel\n2025-01-06 08:00,call\n2025-01-06 09:00,call\n"
    (tmp_path / "tips.csv").write_text(rows, encoding="utf-8")
    scenario = loaded(tmp_path, text)
    assert is_certain(scenario)
    assert describe(scenario).warnings == ("no tip reaches stage 'read', as the shares are",)


def test_a_backlog_is_drawn(tmp_path: Path) -> None:
    recorded(tmp_path, 1)
    text = line(tmp_path, 1) + "start_with: {backlog: {work: 3}}\n"
    assert is_certain(loaded(tmp_path, text))
    assert drawn(load(tmp_path / "doc.yaml", changes=["stages.work.service={exponential: {mean: 3 min}}"])) == (
        "service",
    )


def test_check_takes_load_and_shares_from_the_days_that_are_recorded(tmp_path: Path) -> None:
    recorded(tmp_path, 1)
    text = line(tmp_path, 1).replace("length: 1 d, cool_down: 1 d", "length: 28 d, cool_down: 2 d")
    found = describe(loaded(tmp_path, text))
    minutes = np.loadtxt(tmp_path / "tips.csv", delimiter=",", skiprows=1, usecols=1)
    assert found.pools[0].offered == pytest.approx(minutes.sum() / 1440, rel=1e-4)
    assert found.stages[0].mean_minutes == pytest.approx(minutes.mean(), rel=1e-4)
    assert found.warnings == ()
    # Channels are those that came, not those that the document makes up.
    rows = [f"2025-01-06 {8 + n // 6:02}:{n % 6}0,{'web' if n % 4 else 'call'}" for n in range(48)]
    (tmp_path / "tips.csv").write_text("\n".join(["received,channel", *rows, ""]), encoding="utf-8")
    mixed = text.replace("demand: {", "demand: {channels: {call: 90 %, web: 10 %}, ").replace(
        "service: 3 min", "service: {by: channel, call: 4 min, web: 8 min}"
    )
    found = describe(loaded(tmp_path, mixed))
    assert found.stages[0].mean_minutes == pytest.approx(7)
    assert found.pools[0].offered == pytest.approx(48 * 7 / 1440)
    assert sum(found.pools[0].load[8:16]) == pytest.approx(48 * 7 / 60)
    assert max(found.pools[0].load[24:]) == 0


def test_more_work_than_a_record_has_people_for(tmp_path: Path) -> None:
    recorded(tmp_path, 2)
    day = 'shifts: [{from: "08:00", to: "16:00", staff: 1}]'
    scenario = loaded(tmp_path, line(tmp_path, 2).replace("staff: 1", day))
    told = describe(scenario).warnings
    assert told[0].startswith("pool 'desk': nobody is on duty 16:00 to 08:00 on mon, tue, sun, when ")
    assert told[1].startswith("pool 'desk' is overloaded: ")
    # One tip of eight hours on a shift of seven is no overload.
    (tmp_path / "tips.csv").write_text("received\n2025-01-06 09:00\n", encoding="utf-8")
    shift = 'shifts: [{from: "09:00", to: "16:00", staff: 1}], at_shift_end: resume'
    assert (
        describe(loaded(tmp_path, line(tmp_path, 2).replace("staff: 1", shift).replace("3 min", "8 h"))).warnings == ()
    )


def test_check_recommends_to_draw_from_the_days(tmp_path: Path) -> None:
    recorded(tmp_path, 14, columns="received")
    scenario = loaded(tmp_path, line(tmp_path, 14), changes=["run.shrinkage=0"])
    assert describe(scenario).notes == (
        "nothing is left to chance: it is run once, and shows what was kept or broken in this period alone",
        "to say something of other days too, write trace: {file: tips.csv, resample: day}: whole recorded days are "
        "drawn, weekday for weekday (week: whole weeks)",
    )
    days = load(tmp_path / "doc.yaml", changes=["run.shrinkage=0", "demand.trace={file: tips.csv, resample: day}"])
    assert describe(days).notes == ()
    assert drawn(days) == ("recorded days",)


def resampling(folder: Path, weeks: int, kind: str, **options: object) -> None:
    """A record that began some weeks before the run, whose n-th tip of a day tells the day by its minutes."""
    first = MONDAY - timedelta(days=70)
    rows = []
    for day in range(7 * weeks):
        for n in range(day % 5 + 1):
            at = first + timedelta(days=day, hours=9 + n)
            rows.append(f"{at:%Y-%m-%d %H:%M:%S},{day + 1}")
    (folder / "tips.csv").write_text("\n".join(["received,work_min", *rows, ""]), encoding="utf-8")
    text = LINE.replace("DAYS", "28").replace("trace: tips.csv", f"trace: {{file: tips.csv, resample: {kind}}}")
    loaded(folder, text)


def test_whole_days_are_drawn_weekday_for_weekday(tmp_path: Path) -> None:
    resampling(tmp_path, 4, "day")
    scenario = load(tmp_path / "doc.yaml")
    seen = set()
    for index in range(20):
        tips, work = draw(scenario, index).tips, draw(scenario, index).visits.work
        assert (np.diff(tips.arrival) >= 0).all()
        day, source = tips.arrival // DAY, work // (60 * 1_000_000) - 1
        assert (day % 7 == source % 7).all()
        for one in np.unique(day):
            (drawn_day,) = np.unique(source[day == one])
            assert (tips.arrival[day == one] % DAY == (9 + np.arange(drawn_day % 5 + 1)) * HOUR).all()
            seen.add((int(one), int(drawn_day)))
    # Each of the four recorded Mondays is drawn for the first Monday: 20 draws miss one of them once in 80.
    assert {drawn_day for one, drawn_day in seen if one == 0} == {0, 7, 14, 21}
    expected = 29 / 7 * 7 * np.mean([day % 5 + 1 for day in range(28)])
    drawn_tips = [len(draw(scenario, index).tips) for index in range(200)]
    assert expected_tips(scenario)[0] == pytest.approx(expected, rel=0.02)
    assert np.mean(drawn_tips) == pytest.approx(expected_tips(scenario)[0], abs=4 * np.std(drawn_tips) / 200**0.5)


def test_whole_weeks_are_drawn(tmp_path: Path) -> None:
    resampling(tmp_path, 4, "week")
    scenario = load(tmp_path / "doc.yaml")
    for index in range(5):
        replication = draw(scenario, index)
        week = replication.tips.arrival // (7 * DAY)
        source = (replication.visits.work // (60 * 1_000_000) - 1) // 7
        assert all(len(np.unique(source[week == one])) == 1 for one in range(4))
    # The run starts on a Wednesday: the first days are those of a week's end.
    later = load(tmp_path / "doc.yaml", changes=["run.start=2025-01-08 00:00"])
    source = draw(later, 0).visits.work // (60 * 1_000_000) - 1
    assert source[0] % 7 == 2


def test_a_longer_run_only_draws_further_and_keys_differ(tmp_path: Path) -> None:
    resampling(tmp_path, 4, "day")
    short, long = load(tmp_path / "doc.yaml"), load(tmp_path / "doc.yaml", changes=["run.length=56 d"])
    one, other = draw(short, 3).tips.arrival, draw(long, 3).tips.arrival
    assert np.array_equal(one, other[: len(one)])
    week = load(tmp_path / "doc.yaml", changes=["demand.trace.resample=week"])
    assert len({draw_key(short), draw_key(week)}) == 2


def test_what_resampling_cannot_draw(tmp_path: Path) -> None:
    recorded(tmp_path, 3)
    text = line(tmp_path, 7).replace("trace: tips.csv", "trace: {file: tips.csv, resample: day}")
    with pytest.raises(ScenarioError) as caught:
        loaded(tmp_path, text)
    assert messages(caught.value) == [
        "doc.yaml:4:17: demand.trace: no thu and no fri and no sat and no sun is recorded, and the run has them: "
        "there is nothing to draw from"
    ]
    with pytest.raises(ScenarioError) as caught:
        loaded(tmp_path, text.replace("day}", "week}"))
    assert "no whole week is recorded" in str(caught.value)
    with pytest.raises(ScenarioError) as caught:
        loaded(tmp_path, text.replace("resample: day", "resample: month"))
    assert messages(caught.value) == [
        "doc.yaml:4:44: demand.trace.resample: must be one of day, week (got 'month')",
    ]
    recorded(tmp_path, 7)
    once = describe(loaded(tmp_path, text))
    assert once.warnings == (
        "only one of each is recorded, and resample draws it every time: mon, tue, wed, thu, fri, sat, sun; intervals "
        "are narrower than they should be",
    )
    assert "recorded days" not in once.drawn


def test_days_drawn_come_to_what_the_record_came_to_within_their_intervals(tmp_path: Path) -> None:
    recorded(tmp_path, 56)
    text = line(tmp_path, 14).replace("trace: tips.csv", "trace: {file: tips.csv, resample: day}")
    found = results(run(loaded(tmp_path, text)).sample)[0]
    plain = results(run(loaded(tmp_path, line(tmp_path, 56))).sample)[0]
    assert 0.02 < found.high - found.low < 0.2
    assert abs(found.value - plain.value) < found.high - found.low
    assert found.word in ("met", "missed", "undecided")


def test_a_comparison_pairs_what_is_certain_with_what_is_drawn(tmp_path: Path) -> None:
    recorded(tmp_path, 1, columns="received")
    loaded(tmp_path, line(tmp_path, 1))
    base = load(tmp_path / "doc.yaml")
    slower = load(tmp_path / "doc.yaml", changes=["stages.work.service=200 s"])
    random = load(tmp_path / "doc.yaml", changes=["stages.work.service={exponential: {mean: 3 min}}"])
    certain = compare([("base", base), ("slower", slower)], Trials(1, Settings()), 6)
    exact = certain.changes[0].difference
    assert exact.low == exact.value == exact.high < 0
    assert exact.real
    assert (certain.certain, certain.replications) == (True, 1)
    drawn_too = compare([("base", base), ("random", random)], Trials(1, Settings()), 6).changes[0].difference
    assert drawn_too.low < drawn_too.value < drawn_too.high


def test_a_search_goes_by_the_period(tmp_path: Path) -> None:
    recorded(tmp_path, 1)
    text = line(tmp_path, 1).replace("33 %", "95 %")
    scenario = loaded(tmp_path, text)
    found = cheapest(scenario, trials=Trials(scenario.run.seed, Settings()))
    assert found.staffing == (2,)
    assert found.confirmation is not None
    assert found.confirmation.n_replications == 1
    assert found.confirmation.joint.word == "kept"
