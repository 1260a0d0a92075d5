"""A line that is known is found back from its log, in whatever form the log is written."""

from __future__ import annotations

import gzip
import itertools
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

import pyarrow.parquet as pq
import pytest

import sim
from sim.calibration.found import Calibration, found_in, parameters_of
from sim.cli.exporting import export
from sim.logs.drafting import draft
from sim.logs.events import read_log
from sim.logs.files import read
from sim.studies.events import events, spells
from tests.calibration.known import HEAD, KNOWN, STAGE_OF, TRUE, Row, as_csv, known_log, texts

SEEDS = 40
AT_LEAST = 33
"""Of 40 intervals of 95 %; a right method falls below once in a thousand times and more."""


def calibrated(path: Path, *, dates: str = "") -> Calibration:
    raw = read(path)
    made = draft(raw)
    made.dates = dates
    return found_in(path, read_log(raw, made))


def path_of(name: str) -> str:
    """What a calibration calls a value of the known line."""
    stage, _, rest = name.partition(".")
    return f"stages.{STAGE_OF[stage]}.{rest}" if stage in STAGE_OF else name


def values(found: Calibration) -> dict[str, float]:
    return {one.path: one.value for one in parameters_of(found)}


@pytest.mark.slow
def test_each_parameter_is_found_within_its_interval_33_of_40_times(tmp_path: Path) -> None:
    hits: Counter[str] = Counter()
    for seed in range(1, SEEDS + 1):
        path = tmp_path / "log.csv"
        path.write_text(as_csv(texts(known_log(seed))), encoding="utf-8")
        told = {one.path: one for one in parameters_of(calibrated(path))}
        for name, true in TRUE.items():
            one = told[path_of(name)]
            hits[name] += one.low <= true <= one.high
    assert {name: hits[name] for name in TRUE if hits[name] < AT_LEAST} == {}


@pytest.fixture(scope="module")
def every() -> list[Row]:
    return known_log(7)


@pytest.fixture(scope="module")
def rows(every: list[Row]) -> list[Row]:
    """A day of the known log."""
    return [row for row in every if row[1].day == 14]


@pytest.fixture(scope="module")
def plain(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    path = tmp_path_factory.mktemp("plain") / "log.csv"
    path.write_text(as_csv(texts(rows)), encoding="utf-8")
    return values(calibrated(path))


def test_two_groups_are_two_stages_and_no_parameter_is_far(every: list[Row], tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(as_csv(texts(every)), encoding="utf-8")
    found = values(calibrated(path))
    for name, true in TRUE.items():
        assert found[path_of(name)] == pytest.approx(true, rel=0.15), name


US, EUROPEAN, TWELVE = "%m/%d/%Y %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p"
RENAMED = (
    "Call ID",
    "Call Time",
    "Skill",
    "Operator",
    "Entered Queue",
    "Service Start",
    "Service End",
    "Gave Up",
    "Outcome",
)


def _xlsx(path: Path, rows: list[Row]) -> None:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Calls of the week"])
    sheet.append(list(HEAD))
    for row in rows:
        sheet.append([cell if cell != "" else None for cell in row])
    book.save(path)


def _parquet(path: Path, rows: list[Row]) -> None:
    import pandas as pd

    frame = pd.DataFrame(rows, columns=list(HEAD))
    frame.to_parquet(path)


def _xes(path: Path, rows: list[Row]) -> None:
    """Each call a trace: it is scheduled when it joins the line, starts and completes."""

    def event(step: str, at: datetime, who: str) -> str:
        told = {"concept:name": "answer", "lifecycle:transition": step, "org:resource": escape(who)}
        strings = "".join(f'<string key="{key}" value="{value}"/>' for key, value in told.items())
        return f'<event>{strings}<date key="time:timestamp" value="{at.isoformat()}"/></event>'

    traces = []
    for call, came, queue, who, _, start, end, _, _ in rows:
        if start is None or end is None:
            continue
        steps = [event("schedule", came, ""), event("start", start, who), event("complete", end, who)]
        name = f'<string key="concept:name" value="{call}"/><string key="channel" value="{queue}"/>'
        traces.append(f"<trace>{name}{''.join(steps)}</trace>")
    path.write_text(f'<?xml version="1.0"?><log>{"".join(traces)}</log>', encoding="utf-8")


def _two_columns(rows: list[Row]) -> str:
    """The date apart, and times of day in all other columns."""
    head = ("date", *HEAD)
    cells = [[row[1].strftime("%Y-%m-%d"), *cells] for row, cells in zip(rows, texts(rows, "%H:%M:%S"), strict=True)]
    return as_csv(cells, head)


FORMS: dict[str, tuple[str, Callable[[Path, list[Row]], object]]] = {
    "renamed": ("a.csv", lambda path, rows: path.write_text(as_csv(texts(rows), RENAMED))),
    "us": ("a.csv", lambda path, rows: path.write_text(as_csv(texts(rows, US)))),
    "european": ("a.csv", lambda path, rows: path.write_text(as_csv(texts(rows, EUROPEAN)))),
    "epoch": ("a.csv", lambda path, rows: path.write_text(as_csv(texts(rows, "epoch")))),
    "12 hours": ("a.csv", lambda path, rows: path.write_text(as_csv(texts(rows, TWELVE)))),
    "semicolons": ("a.csv", lambda path, rows: path.write_text(as_csv(texts(rows), HEAD, ";"))),
    "tabs": ("a.txt", lambda path, rows: path.write_text(as_csv(texts(rows), HEAD, "\t"))),
    "date apart": ("a.csv", lambda path, rows: path.write_text(_two_columns(rows))),
    "utf-16": ("a.csv", lambda path, rows: path.write_bytes(as_csv(texts(rows)).encode("utf-16"))),
    "a mark": ("a.csv", lambda path, rows: path.write_bytes(as_csv(texts(rows)).encode("utf-8-sig"))),
    "latin-1": (
        "a.csv",
        lambda path, rows: path.write_bytes(as_csv(texts(rows)).replace("agent ", "ägent ").encode("cp1252")),
    ),
    "gz": ("a.csv.gz", lambda path, rows: path.write_bytes(gzip.compress(as_csv(texts(rows)).encode()))),
    "xlsx": ("a.xlsx", _xlsx),
    "parquet": ("a.parquet", _parquet),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_log_in_another_form_tells_the_same(
    form: str, rows: list[Row], plain: dict[str, float], tmp_path: Path
) -> None:
    name, write = FORMS[form]
    path = tmp_path / name
    write(path, rows)
    found = values(calibrated(path))
    assert found == pytest.approx(plain, rel=1e-6)


def test_xes_tells_the_same_of_those_who_were_served(rows: list[Row], plain: dict[str, float], tmp_path: Path) -> None:
    _xes(tmp_path / "a.xes", rows)
    found = values(calibrated(tmp_path / "a.xes"))
    for stage, what in itertools.product(("sales", "help"), ("mean", "cv")):
        name = f"service.{what}"
        assert found[f"stages.answer_{stage}.{name}"] == pytest.approx(plain[f"stages.answer_{stage}.{name}"], rel=1e-6)


def test_the_log_of_the_program_itself_tells_the_same(every: list[Row], tmp_path: Path) -> None:
    """Its stages have their own names there, and its times are not cut to seconds."""
    scenario = sim.load(KNOWN, changes={"run.seed": 7})
    replication = sim.draw(scenario, 0)
    pq.write_table(events(sim.simulate(replication), replication, scenario), tmp_path / "events.parquet")
    (tmp_path / "log.csv").write_text(as_csv(texts(every)), encoding="utf-8")
    plain, found = values(calibrated(tmp_path / "log.csv")), calibrated(tmp_path / "events.parquet")
    assert found.demand is not None
    assert found.demand.first == scenario.start.date()
    told = values(found)
    for name, stage in (("sell", "answer_sales"), ("advise", "answer_help")):
        for what in ("service.mean", "service.cv", "patience.mean", "wrap_up.mean"):
            assert told[f"stages.{name}.{what}"] == pytest.approx(plain[f"stages.{stage}.{what}"], rel=0.03), what


SHARED = """\
scenario: Two stages with the same people, and one with others
run: {start: 2025-01-06 00:00, length: 14 d, replications: 1, seed: 3}
demand: {volume: 20/h, channels: {call: 70 %, web: 30 %}}
pools: {front: {staff: 3}, back: {staff: 2}}
stages:
  - {name: answer, for: {channel: call}, pool: front, service: {exponential: {mean: 8 min}}, patience: {exponential:
     {mean: 5 min}}, retry: {share: 50 %, after: {exponential: {mean: 10 min}}, at_most: 2}}
  - {name: read, for: {channel: web}, pool: front, service: {exponential: {mean: 5 min}}}
  - {name: assess, share: 50 %, pool: back, service: {exponential: {mean: 9 min}}}
"""


@pytest.mark.parametrize("form", ["parquet", "xes"])
def test_stages_of_the_same_people_have_one_pool_and_who_comes_back_is_no_new_case(form: str, tmp_path: Path) -> None:
    """What the program writes of a line with both, as a log of its own and for process mining."""
    scenario = sim.load(SHARED)
    replication = sim.draw(scenario, 0)
    log = sim.simulate(replication)
    pq.write_table(events(log, replication, scenario), tmp_path / "events.parquet")
    pq.write_table(spells(log, replication, scenario), tmp_path / "spells.parquet")
    path = tmp_path / "events.parquet" if form == "parquet" else export(tmp_path, "xes")[0]
    found = calibrated(path)
    assert {stage.name: (stage.served_by, stage.channels) for stage in found.stages} == {
        "answer": ("", ("call",)),
        "read": ("answer", ("web",)),
        "assess": ("", ()),
    }
    staff = {stage.name: stage.group.persons for stage in found.stages if stage.group is not None}
    assert staff == {"answer": 3, "assess": 2}
    assert all(stage.group is None or stage.group.wrap_up is None for stage in found.stages)
    assert next(stage.share for stage in found.stages if stage.name == "assess") == pytest.approx(0.5, abs=0.03)
    told = values(found)
    for name, true in {"answer.service": 8, "answer.patience": 5, "read.service": 5, "assess.service": 9}.items():
        assert told[f"stages.{name}.mean"] == pytest.approx(true, rel=0.1), name
    assert told["stages.answer.retry.share"] == pytest.approx(0.5, abs=0.06)
    assert told["demand.volume"] == pytest.approx(480, rel=0.03), "who comes back is no demand"
