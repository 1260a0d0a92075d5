"""The last third of the dates, held against a line that was told the first two."""

from __future__ import annotations

import math
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from sim.calibration import beside
from sim.calibration.beside import LogAndLine, Seen
from sim.calibration.calibrate import Calibrated, calibrate
from sim.logs.drafting import draft
from sim.logs.files import read
from tests.calibration.known import KNOWN, Row, as_csv, known_log, texts

SMALL = KNOWN.replace("1000/day", "240/day").replace("length: 10 d", "length: 9 d").replace("staff: 7", "staff: 3")
FROM = date(2025, 1, 19)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Nine days of a small known line, from a Monday on."""
    return known_log(11, SMALL.replace("staff: 5", "staff: 2"))


def held_out(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Calibrated, dict[str, LogAndLine]]:
    monkeypatch.setattr(beside, "REPLICATIONS", 4)
    path = tmp_path / "log.csv"
    path.write_text(as_csv(texts(rows)), encoding="utf-8")
    raw = read(path)
    found = calibrate(raw, draft(raw), tmp_path / "out")
    assert found.beside is not None
    assert found.beside.held_from == FROM, "the seventh of nine dates"
    assert not (tmp_path / "out" / "held_out").exists(), "nothing is left of it"
    return found, {one.quantity.name: one for one in found.beside.held_out}


def test_the_last_third_is_held_out_and_measured_alone(
    rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, told = held_out(rows, tmp_path, monkeypatch)
    late = [row for row in rows if row[1].date() >= FROM]
    assert told["tips"].of_log == len(late)
    served = [(row[6] - row[5]).total_seconds() for row in late if row[5] is not None and row[6] is not None]
    assert told["work_mean"].of_log == pytest.approx(np.mean(served))
    assert told["given_up"].of_log == pytest.approx(1 - len(served) / len(late))
    assert told["tips"].value == pytest.approx(len(late), rel=0.15)
    assert told["work_mean"].value == pytest.approx(np.mean(served), rel=0.15)


def test_what_changed_in_it_is_not_foreseen(rows: list[Row], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that is four minutes longer from then on is in the log, and not in the line that was told only before."""
    longer = timedelta(minutes=4)
    changed = [row if row[6] is None or row[1].date() < FROM else (*row[:6], row[6] + longer, *row[7:]) for row in rows]
    found, told = held_out(changed, tmp_path, monkeypatch)
    work = told["work_mean"]
    assert work.verdict == "not reproduced"
    assert work.of_log - work.value == pytest.approx(longer.total_seconds(), rel=0.2)
    assert found.beside is not None
    whole = {one.quantity.name: one for one in found.beside.runs["replay"]}
    assert whole["work_mean"].verdict == "reproduced", "the record itself has it"


def test_who_gave_up_at_a_time_that_nobody_knows_gave_up_all_the_same() -> None:
    nan = math.nan
    wait, gave_up = np.array([0.0, 10.0, 40.0, nan, nan]), np.array([False, False, False, True, True])
    seen = Seen(np.arange(5.0), wait, gave_up, np.full(5, nan), nan, nan)
    assert (seen.value("given_up"), seen.value("in_20_s")) == (0.4, 0.4)
    assert seen.value("wait_served_mean") == pytest.approx(50 / 3)
    assert [math.isnan(seen.value(name)) for name in ("wait_mean", "wait_p50", "wait_p95")] == [True, True, True]
