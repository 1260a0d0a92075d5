"""What a line is told of its demand beyond volume: giving up by counts, coming back, and channels over the day."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import sim
from sim.calibration.beside import written
from sim.calibration.calibrate import calibrate
from sim.calibration.found import parameters_of
from sim.calibration.line import line_of
from sim.draw import draw_tips
from sim.dynamics.clock import SECOND
from sim.dynamics.log import SERVED
from sim.dynamics.waits import attempts, where
from sim.logs.counts import IntervalCounts
from sim.logs.drafting import draft
from sim.logs.files import read
from sim.text.calibrate import answer
from tests.calibration.known import as_csv
from tests.calibration.test_known import calibrated


def counted(path: Path, columns: str, values: str) -> None:
    rows = "".join(
        f"2025-01-{day:02d} {hour:02d}:00,{100 + hour},{values.format(lost=10 + 2 * (hour > 12), got=90 + hour)}\n"
        for day in range(6, 27)
        for hour in range(8, 18)
    )
    path.write_text(f"interval,calls,{columns}\n{rows}", encoding="utf-8")


@pytest.mark.parametrize(("columns", "values"), [("abandoned", "{lost}"), ("answered,abandoned", "{got},{lost}")])
def test_who_gave_up_by_counts_is_a_target_and_is_told_by_hour(columns: str, values: str, tmp_path: Path) -> None:
    counted(tmp_path / "offered.csv", columns, values)
    raw = read(tmp_path / "offered.csv")
    found = calibrate(raw, draft(raw), tmp_path / "out")
    log = found.calibration.log
    assert isinstance(log, IntervalCounts)
    share, low, high = log.given_up_share
    assert share == pytest.approx((5 * 10 + 5 * 12) / (1000 + sum(range(8, 18))))
    assert low < share < high
    [target] = [one for name, one in found.scenario.targets.items() if name == "given_up"]
    assert f"abandoned: {100 * share:.4g} %" in found.line.text, target
    said = " ".join(answer(found))
    assert f"{share:.1%} gave up, {low:.1%} to {high:.1%}" in said
    assert "Hours of the day" in said


def test_who_was_not_answered_gave_up(tmp_path: Path) -> None:
    counted(tmp_path / "offered.csv", "answered", "{got}")
    log = calibrated(tmp_path / "offered.csv").log
    assert isinstance(log, IntervalCounts)
    assert log.given_up_share[0] == pytest.approx(10 * 10 / (1000 + sum(range(8, 18))))


COMES_BACK = """\
scenario: A line to which people come back
run: {start: 2025-01-13 00:00, length: 2 d, cool_down: 2 h, replications: 1, seed: 5}
demand:
  volume: 900/day
  by_hour: [0, 0, 0, 0, 0, 0, 0, 0, 4, 7, 9, 9, 8, 7, 8, 7, 6, 5, 0, 0, 0, 0, 0, 0]
pools: {sellers: {shifts: [{from: "08:00", to: "18:30", staff: 6}]}}
stages:
  - {name: sell, pool: sellers, service: {lognormal: {mean: 5 min, cv: 0.8}}, patience: {exponential: {mean: 3 min}},
     retry: {share: 40 %, after: {exponential: {mean: 6 min}}, at_most: 3}}
"""


def test_who_calls_again_after_giving_up_is_a_retry_and_no_demand(tmp_path: Path) -> None:
    scenario = sim.load(COMES_BACK)
    replication = sim.draw(scenario, 0)
    log = sim.simulate(replication)
    tried = attempts(log, replication, where(replication))
    rows = []
    for visit, number, entry, gave_up in zip(tried.visit, tried.number, tried.entry, tried.gave_up, strict=True):
        last = number == log.attempt[visit] and log.outcome[visit] == SERVED
        stamps = (entry, log.start[visit], log.end[visit], -1) if last else (entry, -1, -1, gave_up)
        cells = [str(scenario.start + timedelta(seconds=int(one // SECOND))) if one >= 0 else "" for one in stamps]
        who = "ann" if last else ""
        rows.append([cells[0], f"caller {visit}", who, *cells[1:], "answered" if last else "abandoned"])
    head = ("received", "customer", "agent", "answered", "ended", "abandoned", "result")
    (tmp_path / "log.csv").write_text(as_csv(rows, head), encoding="utf-8")
    found = calibrated(tmp_path / "log.csv")
    [stage] = found.stages
    assert stage.retries is not None
    assert stage.retries.told
    assert stage.retries.at_most <= 3
    told = {one.path: one for one in parameters_of(found)}
    share = told["stages.answer.retry.share"]
    assert share.low <= 0.4 <= share.high
    assert found.demand is not None
    assert np.nansum(found.demand.counts) == len(replication.tips), "who comes back is no new tip"
    text = line_of(found).text
    assert f"retry: {{share: {100 * share.value:.4g} %, after: " in text
    assert "'stages.answer.retry': null" in text


def test_callers_who_come_back_no_more_than_others_are_no_retry(tmp_path: Path) -> None:
    rows = []
    for n in range(400):
        at = 480 + n
        came = f"2025-01-13 {at // 60 % 24:02d}:{at % 60:02d}:00"
        over = f"2025-01-13 {at // 60 % 24:02d}:{at % 60:02d}:30"
        lost = n % 7 == 0
        stamps = ["", "", over, "abandoned"] if lost else [came, over, "", "answered"]
        rows.append([came, f"caller {n // 2}", "" if lost else "ann", *stamps])
    head = ("received", "customer", "agent", "answered", "ended", "abandoned", "result")
    (tmp_path / "log.csv").write_text(as_csv(rows, head), encoding="utf-8")
    found = calibrated(tmp_path / "log.csv")
    assert found.retries is not None
    assert found.retries.again > 10
    assert "retry:" not in line_of(found).text


def test_a_line_that_is_closed_at_weekends_has_one_profile_where_weekdays_do_not_differ(tmp_path: Path) -> None:
    """Counts that are exactly weekday times hour: ten numbers a weekday of its own would be noise."""
    rows = "".join(
        f"2025-01-{day:02d} {hour:02d}:00,{(2 + day % 7) * (hour - 3)}\n"
        for day in range(6, 32)
        if datetime(2025, 1, day).weekday() < 5
        for hour in range(8, 18)
    )
    (tmp_path / "offered.csv").write_text(f"interval,calls\n{rows}", encoding="utf-8")
    text = line_of(calibrated(tmp_path / "offered.csv")).text
    assert "no departure beyond chance" in text
    week = next(line for line in text.splitlines() if "by_weekday:" in line)
    assert week.partition("]")[0].endswith(", 0, 0")
    assert "mon:" not in text


def by_channel(path: Path, *, apart: bool, step: int = 60) -> None:
    """Eight weeks of counts of two channels: calls by day and texts in the evening, or both alike."""
    random = np.random.default_rng(3)
    rows = []
    for day in range(56):
        on = datetime(2025, 1, 6) + timedelta(days=day)
        for at in range(0, 24 * 60, step):
            hour = at // 60
            rate = 20 * step / 60 if 8 <= hour < 20 else 0
            for name, share in (("call", 0.8 if hour < 14 or not apart else 0.4), ("text", 0.2)):
                share = share if name == "call" or not apart or hour < 14 else 0.6
                if rate:
                    rows.append(f"{on + timedelta(minutes=at)},{name},{random.poisson(rate * share)}")
    path.write_text("interval,channel,calls\n" + "\n".join(rows) + "\n", encoding="utf-8")


def test_channels_whose_shares_vary_over_the_day_have_volumes_and_profiles_of_their_own(tmp_path: Path) -> None:
    by_channel(tmp_path / "counts.csv", apart=True)
    raw = read(tmp_path / "counts.csv")
    found = calibrate(raw, draft(raw), tmp_path / "out")
    split = found.calibration.apart
    assert split is not None
    assert split.p < 1e-6
    channels = found.scenario.demand.channels
    volumes = {name: one.volume for name, one in channels.items()}
    assert found.scenario.demand.volume is None
    assert all(volumes.values())
    tips, _ = draw_tips(found.scenario, 0)
    hour = found.scenario.local.wall(tips.arrival) // (3600 * SECOND) % 24
    text = list(channels).index("text")
    early, late = (float((tips.channel[rows] == text).mean()) for rows in (hour < 14, hour >= 14))
    assert early == pytest.approx(0.2, abs=0.03)
    assert late == pytest.approx(0.6, abs=0.03)
    assert len(tips) == pytest.approx(56 * 12 * 20, rel=0.03)
    assert "Shares of channels vary over the day" in " ".join(answer(found))


def test_finer_counts_of_such_channels_stand_in_a_file_by_channel(tmp_path: Path) -> None:
    by_channel(tmp_path / "counts.csv", apart=True, step=15)
    raw = read(tmp_path / "counts.csv")
    found = calibrate(raw, draft(raw), tmp_path / "out")
    assert found.line.files["week.csv"].startswith("day,time,tips,channel\n")
    tips, _ = draw_tips(found.scenario, 0)
    text = list(found.scenario.demand.channels).index("text")
    assert float((tips.channel == text).mean()) == pytest.approx(0.4, abs=0.03)


def test_channels_with_one_profile_have_shares(tmp_path: Path) -> None:
    by_channel(tmp_path / "counts.csv", apart=False)
    found = calibrated(tmp_path / "counts.csv")
    assert found.apart is not None
    assert found.apart.p > 0.01
    assert "channels: {call: " in line_of(found).text


def test_a_log_of_calls_with_such_channels_is_replayed(tmp_path: Path) -> None:
    rows = []
    for n in range(900):
        at = 480 + 0.8 * n
        stamps = [str(datetime(2025, 1, 13) + timedelta(minutes=at + later)) for later in (0, 0.1, 2.5)]
        queue = "help" if n % (2 if at < 840 else 5) == 0 else "sales"
        rows.append([stamps[0], queue, f"agent {n % 4}", *stamps[1:], "answered"])
    rows = [[cell[:19] for cell in row] for row in rows]
    head = ("received", "queue", "agent", "answered", "ended", "result")
    (tmp_path / "log.csv").write_text(as_csv(rows, head), encoding="utf-8")
    found = calibrated(tmp_path / "log.csv")
    assert found.apart is not None
    if not found.apart.differ:
        pytest.fail(f"p = {found.apart.p}")
    line = line_of(found)
    written(line, tmp_path)
    drawn, replay = (sim.load(tmp_path / "line.yaml", variant=name) for name in (None, "replay"))
    assert len(sim.draw(replay, 0).tips) == 900
    assert len(sim.draw(drawn, 0).tips) == pytest.approx(900, rel=0.2)


@pytest.mark.parametrize("kind", ["days", "dates", "shifts", "half days of a week"])
def test_what_is_counted_over_hours_or_days_makes_a_line_that_loads(kind: str, tmp_path: Path) -> None:
    """40 tips a weekday and 10 a day of the weekend; three in four of them from 8:00 to 16:00 where that is told."""
    lines = {"days": "day,tips", "dates": "report,received"}.get(kind, "date,from,calls")
    rows = [lines]
    for d in range(7 if kind == "half days of a week" else 42):
        day, n = datetime(2025, 1, 6) + timedelta(days=d), 40 if d % 7 < 5 else 10
        if kind == "days":
            rows.append(f"{day:%Y-%m-%d},{n}")
        elif kind == "dates":
            rows += [f"r{d}-{k},{day:%Y-%m-%d}" for k in range(n)]
        else:
            hours = (0, 8, 16) if kind == "shifts" else (0, 12)
            parts = (0.125, 0.75, 0.125) if kind == "shifts" else (0.25, 0.75)
            rows += [f"{day:%Y-%m-%d},{hour:02d}:00,{n * part:g}" for hour, part in zip(hours, parts, strict=True)]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    raw = read(path)
    made = calibrate(raw, draft(raw), tmp_path / "line")
    rate = made.scenario.demand
    assert rate.volume is not None
    assert rate.volume.a_day == pytest.approx(220 / 7, rel=0.01)
    if kind in ("days", "dates"):
        assert rate.by_hour is None
        assert "nothing of hours" in " ".join(made.calibration.log.cannot)
        assert [one / sum(rate.by_weekday) for one in rate.by_weekday] == pytest.approx([40 / 220] * 5 + [10 / 220] * 2)
    elif kind == "shifts":
        [hours_of_all] = set(rate.by_hour.values())
        part = [one / sum(hours_of_all) for one in hours_of_all]
        assert part == pytest.approx([0.125 / 8] * 8 + [0.75 / 8] * 8 + [0.125 / 8] * 8, rel=0.001)
