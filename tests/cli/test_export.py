"""What a run leaves for other tools: the log tells what the engine did, and each format tells what the log tells."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import subprocess
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import sim
from sim.cli import options
from sim.cli.exporting import export
from sim.dynamics.clock import MINUTE
from sim.dynamics.log import UNREACHED
from sim.tables.logs import FILES, FORMATS, LIFECYCLE, happenings, kept_log, vidigi, vidigi_positions
from tests.cli.lines import recorded, tipline

LINE = """
scenario: A line with everything in its log
run: {start: 2025-10-25 00:00, zone: Europe/London, warm_up: 0 d, length: 3 d, cool_down: 0 d, replications: 2, seed: 5,
  currency: EUR}
demand:
  volume: 20/h
  channels: {call: 60 %, online: 40 %}
  risk: {high: 10 %, low: 90 %}
  attributes: {anonymous: {yes: 65 %, no: 35 %}}
  incidents: {sighting: {rate: 6/day, tips: 4, over: {exponential: {mean: 20 min}}}}
pools:
  takers:
    shifts: [{from: "07:00", to: "19:00", staff: 3}, {from: "19:00", to: "07:00", staff: 1}]
    at_shift_end: resume
    preempt: [{risk: high}]
    serve_first: [{risk: high}]
    price: 30
  readers: {levels: [{every: 12 h, staff: [2, 3]}], price: 40}
stages:
  - {name: answer, for: {channel: call}, pool: takers, service: {exponential: {mean: 6 min}}, wrap_up: 1 min,
     patience: {exponential: {mean: 4 min}}, retry: {share: 60 %, after: {exponential: {mean: 10 min}}, at_most: 2},
     waiting_room: 3}
  - {name: register, delay: 30 s}
  - {name: look, pool: readers, service: 5 min, merge: {}}
targets:
  quick: {from: arrival, to: look.start, within: 10 min, share: 80 %}
  mean: {from: arrival, to: look.start, mean: 10 min}
plausible:
  demand.volume: {from: 10/h, to: 40/h, source: "the yearbook, page 7"}
"""


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run of it left."""
    folder = tmp_path_factory.mktemp("export")
    (folder / "line.yaml").write_text(LINE, encoding="utf-8")
    done = tipline("run", folder / "line.yaml", "--log", "--quiet", "--out", folder / "out")
    assert done.exit_code == options.DONE, done.output
    return folder / "out"


@pytest.fixture(scope="module")
def visits(left: Path) -> pd.DataFrame:
    return pd.read_parquet(left / "events.parquet")


# The log itself


def test_attempts_and_giving_up_by_hand(tmp_path: Path) -> None:
    """Two tips of an hour each meet one person; the second bears 10 minutes, comes back after 20 and is then served."""
    file = recorded(
        tmp_path,
        "received\n2025-01-06T08:00\n2025-01-06T08:30\n",
        """
pools: {desk: {staff: 1}}
stages:
  - {name: answer, pool: desk, service: 1 h, patience: 10 min, retry: {share: 100 %, after: 20 min, at_most: 5}}
""",
    )
    scenario = sim.load(file)
    drawn = sim.draw(scenario, 0)
    first, second = (row for _, row in sim.visits(sim.simulate(drawn), drawn, scenario).iterrows())
    assert (first.tried_min.tolist(), first.gave_up_min.tolist(), first.person) == ([0.0], [], "lane 1")
    assert (second.tried_min.tolist(), second.gave_up_min.tolist()) == ([30.0, 60.0], [40.0])
    assert (second.attempt, second.start_min, second.outcome) == (2, 60.0, "served")


def test_who_never_waits_long_enough_gives_up_each_time(tmp_path: Path) -> None:
    file = recorded(
        tmp_path,
        "received\n2025-01-06T08:00\n2025-01-06T08:01\n",
        """
pools: {desk: {staff: 1}}
stages:
  - {name: answer, pool: desk, service: 1 h, patience: 5 min, retry: {share: 100 %, after: 5 min, at_most: 2}}
""",
    )
    scenario = sim.load(file)
    drawn = sim.draw(scenario, 0)
    lost = sim.visits(sim.simulate(drawn), drawn, scenario).iloc[1]
    assert lost.tried_min.tolist() == [1.0, 11.0, 21.0]
    assert lost.gave_up_min.tolist() == [6.0, 16.0, 26.0]
    assert lost.outcome == "abandoned"


def test_the_log_says_what_the_engine_did(left: Path, visits: pd.DataFrame) -> None:
    scenario = sim.load(left / "scenario.yaml")
    drawn = sim.draw(scenario, 1)
    log = sim.simulate(drawn)
    mine = visits[visits.replication == 1]
    assert len(mine) == np.count_nonzero(log.outcome != UNREACHED)
    assert mine.tried_min.map(len).sum() == log.attempt.sum()
    assert mine.gave_up_min.map(len).sum() == np.count_nonzero(log.gave_up < 2**62)
    assert mine.turned_away_min.map(len).sum() == np.count_nonzero(log.turned_away < 2**62) > 0
    assert (mine.outcome == "merged").sum() == mine.merged_min.notna().sum() > 0
    spells = pd.read_parquet(left / "spells.parquet", filters=[("replication", "=", 1)])
    assert len(spells) == len(log.spells.visit)
    assert spells.work_min.sum() == pytest.approx(log.spells.work.sum() / MINUTE)
    assert set(spells.stopped) == {"done", "relieved", "preempted", "cut"}
    assert spells.wrap_up.sum() == log.spells.wrapping.sum() > 0


def test_people_have_names_and_work_one_tip_at_a_time(left: Path) -> None:
    spells = pd.read_parquet(left / "spells.parquet").sort_values(["replication", "pool", "person", "began_min"])
    assert "07:00-19:00 no. 3 2025-10-25" in set(spells.person)
    assert spells[spells.pool == "readers"].person.str.fullmatch(r"lane \d+").all()
    same = spells[["replication", "pool", "person"]].eq(spells[["replication", "pool", "person"]].shift()).all(axis=1)
    assert (spells.began_min[same] >= spells.ended_min.shift()[same] - 1e-9).all()


def test_people_of_one_pool_in_two_centres_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(
        "scenario: Two\nrun: {start: 2025-01-06 00:00, length: 1 d, replications: 1, seed: 1}\n"
        "demand: {volume: 20/h}\ncentres: {east: 50 %, west: 50 %}\n"
        "pools: {own: {staff: 1}, all: {staff: 1, shared: true}}\n"
        "stages: [{name: a, pool: own, service: 2 min}, {name: b, pool: all, service: 1 min}]\n",
        encoding="utf-8",
    )
    done = tipline("run", tmp_path / "two.yaml", "--log", "--out", tmp_path / "out")
    assert done.exit_code == options.DONE, done.output
    table = pd.read_parquet(tmp_path / "out" / "events.parquet").groupby(["stage", "centre"])["person"].unique()
    assert {key: list(one) for key, one in table.items()} == {
        ("a", "east"): ["lane 1 in centre east"],
        ("a", "west"): ["lane 1 in centre west"],
        ("b", "east"): ["lane 1"],
        ("b", "west"): ["lane 1"],
    }


def test_files_say_their_clock(left: Path) -> None:
    for name in ("events.parquet", "spells.parquet"):
        told = pq.read_schema(left / name).metadata
        assert told[b"tipline.run.start"] == b"2025-10-25 00:00:00"
        assert told[b"tipline.run.zone"] == b"Europe/London"
        assert told[b"tipline.hash"] == sim.load(left / "scenario.yaml").hash.encode()


# XES and OCEL


def _traces(file: Path) -> Iterator[tuple[dict[str, str], list[dict[str, str]]]]:
    name = "{http://www.xes-standard.org/}"
    for trace in ElementTree.parse(file).getroot().iter(f"{name}trace"):
        own = {child.get("key", ""): child.get("value", "") for child in trace if child.tag != f"{name}event"}
        yield own, [{c.get("key", ""): c.get("value", "") for c in event} for event in trace.iter(f"{name}event")]


def test_xes_has_the_cases_events_and_waits_of_the_log(left: Path, visits: pd.DataFrame, tmp_path: Path) -> None:
    (file,) = export(left, "xes", out=tmp_path)
    traces, mine = list(_traces(file)), visits[visits.replication == 0]
    log = kept_log(left)
    assert [int(own["concept:name"]) for own, _ in traces] == mine.tip.unique().tolist()
    assert sum(len(events) for _, events in traces) == len(happenings(log))
    steps = Counter(event["lifecycle:transition"] for _, events in traces for event in events)
    assert set(steps) == set(LIFECYCLE.values())
    assert steps["withdraw"] == mine.gave_up_min.map(len).sum()
    waits = []
    for _, events in traces:
        told = [pd.Timestamp(event["time:timestamp"]) for event in events]
        assert told == sorted(told)
        starts = [e for e in events if (e["concept:name"], e["lifecycle:transition"]) == ("answer", "start")]
        if starts:
            first = next(e for e in events if e["concept:name"] == "answer")
            span = pd.Timestamp(starts[0]["time:timestamp"]) - pd.Timestamp(first["time:timestamp"])
            waits.append(span.total_seconds() / 60)
    answered = mine[(mine.stage == "answer") & mine.start_min.notna()]
    assert np.mean(waits) == pytest.approx((answered.start_min - answered.enter_min).mean(), abs=1e-6)


def test_times_have_the_offset_of_their_zone(left: Path, tmp_path: Path) -> None:
    """The clock goes back an hour on 26 October 2025."""
    (file,) = export(left, "xes", out=tmp_path / "x.xes.gz")
    text = gzip.decompress(file.read_bytes()).decode()
    offsets = {
        day: {piece.partition('"')[0][-6:] for piece in text.split(f'value="{day}T')[1:]}
        for day in ("2025-10-25", "2025-10-27")
    }
    assert offsets == {"2025-10-25": {"+01:00"}, "2025-10-27": {"+00:00"}}


def test_ocel_says_who_did_what_to_which_tip(left: Path, visits: pd.DataFrame, tmp_path: Path) -> None:
    (file,) = export(left, "ocel", replication=None, out=tmp_path)
    told = json.loads(file.read_text(encoding="utf-8"))
    objects = {one["id"]: one for one in told["objects"]}
    assert len(objects) == len(told["objects"])
    kinds = Counter(one["type"] for one in told["objects"])
    assert kinds["tip"] == len(visits.drop_duplicates(["replication", "tip"]))
    assert kinds["incident"] == visits.dropna(subset="incident").groupby(["replication", "incident"]).ngroups
    types = {one["name"] for one in told["eventTypes"]}
    assert {"answer.start", "answer.gives_up", "answer.turned_away", "answer.wrap_up_end", "look.merged"} <= types
    assert {one["type"] for one in told["events"]} == types
    starts = Counter(one["type"] for one in told["events"])
    assert starts["look.start"] == visits[visits.stage == "look"].start_min.notna().sum()
    for one in told["events"]:
        assert [objects[to["objectId"]]["type"] for to in one["relationships"]] in (["tip"], ["tip", "person"])
    abouts = [to["objectId"] for one in told["objects"] for to in one["relationships"]]
    assert len(abouts) == visits.dropna(subset="incident").groupby(["replication", "tip"]).ngroups
    assert {objects[name]["type"] for name in abouts} == {"incident"}


# vidigi


def test_vidigi_shows_every_tip_and_no_two_on_one_place(left: Path, visits: pd.DataFrame) -> None:
    log = kept_log(left)
    frame = vidigi(log)
    assert list(frame) == [
        *("entity_id", "event_type", "event", "time", "pathway", "run_number", "timestamp", "resource_id")
    ]
    mine = visits[visits.replication == 0]
    assert (frame.event == "arrival").sum() == mine.tip.nunique()
    still = mine.drop_duplicates("tip", keep="last").outcome.eq("open").sum()
    assert (frame.event == "depart").sum() == mine.tip.nunique() - still
    assert frame.groupby("entity_id").time.is_monotonic_increasing.all()
    uses = frame[frame.event_type.str.startswith("resource_use")]
    assert uses.resource_id.notna().all()
    place = uses.assign(pool=uses.event.str.startswith("look")).sort_values(
        ["pool", "resource_id", "time"], kind="stable"
    )
    busy: dict[Any, int] = {}
    for row in place.sort_values(["time", "event_type"], ascending=[True, False], kind="stable").itertuples():
        key = (row.pool, row.resource_id)
        if row.event_type == "resource_use":
            assert busy.get(key) is None
            busy[key] = row.entity_id
        else:
            assert busy.pop(key) == row.entity_id
    positions = vidigi_positions(frame, log)
    shown = frame[~frame.event_type.isin(["resource_use_end"])]
    assert set(positions.event) == set(shown.event)
    assert positions.set_index("event").resources["look_begins"] <= 3 + 2


# The workbook


def _cells(content: bytes, sheet: str) -> dict[str, tuple[str, str, str]]:
    """By place: the kind of each cell, what it holds, and its number format."""
    name = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    book = zipfile.ZipFile(io.BytesIO(content))
    names = [one.get("name") for one in ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{name}sheet")]
    styles = ElementTree.fromstring(book.read("xl/styles.xml"))
    formats = {one.get("numFmtId"): one.get("formatCode", "") for one in styles.iter(f"{name}numFmt")}
    (cells,) = styles.iter(f"{name}cellXfs")
    looks = [formats.get(one.get("numFmtId"), "") for one in cells]
    strings = [
        "".join(part.text or "" for part in one.iter(f"{name}t"))
        for one in ElementTree.fromstring(book.read("xl/sharedStrings.xml")).iter(f"{name}si")
    ]
    found = {}
    for one in ElementTree.fromstring(book.read(f"xl/worksheets/sheet{names.index(sheet) + 1}.xml")).iter(f"{name}c"):
        held = one.findtext(f"{name}v")
        kind = one.get("t", "n")
        if held is not None:
            text = strings[int(held)] if kind == "s" else held
            found[one.get("r", "")] = (kind, text, looks[int(one.get("s", "0"))])
    return found


@pytest.fixture(scope="module")
def book(left: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    (file,) = export(left, "xlsx", out=tmp_path_factory.mktemp("book"))
    return file.read_bytes()


def test_what_is_for_other_tools_is_no_table_of_the_report(left: Path, tmp_path: Path) -> None:
    shutil.copytree(left, tmp_path / "left")
    export(tmp_path / "left", "vidigi")
    export(tmp_path / "left", "csv")
    done = tipline("report", tmp_path / "left")
    assert done.exit_code == options.DONE
    assert "left out" not in done.output
    page = (tmp_path / "left" / "report.html").read_text(encoding="utf-8")
    assert "vidigi" not in page


def test_a_format_that_there_is_not_is_told_plainly(left: Path) -> None:
    done = tipline("export", left, "--to", "pdf")
    assert done.exit_code == options.BAD_INPUT
    assert "Invalid value for '--to': 'pdf' is not one of 'xes', 'ocel'" in " ".join(done.output.split())


def test_the_workbook_has_what_a_planner_hands_on(book: bytes, left: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        text = parts.read("xl/workbook.xml").decode()
        pictures = [name for name in parts.namelist() if name.startswith("xl/media/")]
    for sheet in ("Summary", "Verdicts", "Intervals", "Dates", "Pools", "Roster", "Costs a month", "Assumptions"):
        assert f'name="{sheet}"' in text
    assert len(pictures) == len(list((left / "plots").glob("*.png")))
    assumed = {text for _, text, _ in _cells(book, "Assumptions").values()}
    assert {"demand.volume", "20/h", "10/h", "40/h", "the yearbook, page 7", "stages.answer.wrap_up"} <= assumed


def test_numbers_are_numbers_shares_percentages_and_dates_dates(book: bytes, left: Path) -> None:
    verdicts, told = _cells(book, "Verdicts"), pd.read_csv(left / "targets.csv")
    letter = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[list(told).index("value")]
    (quick, mean) = (verdicts[f"{letter}{row}"] for row in (2, 3))
    assert (quick[0], float(quick[1]), quick[2]) == ("n", pytest.approx(told.value[0]), "0.0%")
    assert (mean[0], float(mean[1]), mean[2]) == ("n", pytest.approx(told.value[1]), '#,##0.0" min"')
    dates = _cells(book, "Dates")
    assert dates["A2"][::2] == ("n", "yyyy-mm-dd")
    assert pd.Timestamp("1899-12-30") + pd.Timedelta(days=float(dates["A2"][1])) == pd.Timestamp("2025-10-25")
    for sheet in ("Intervals", "Dates", "Pools"):
        texts = {text for kind, text, _ in _cells(book, sheet).values() if kind == "s"}
        assert not [text for text in texts if text.replace(".", "").replace("-", "").isdigit()]


def test_costs_add_up_in_the_currency_of_the_run(book: bytes, left: Path) -> None:
    costs, pools = _cells(book, "Costs a month"), pd.read_csv(left / "pools.csv")
    assert costs["G1"][1] == "cost EUR"
    assert float(costs["G4"][1]) == pytest.approx(pools.cost_a_month.sum())
    assert float(costs["F3"][1]) == 40


def test_the_roster_is_a_grid_of_hours_and_weekdays(book: bytes) -> None:
    roster = _cells(book, "Roster")
    texts = {text: place for place, (_, text, _) in roster.items()}
    assert {"07:00", "19:00", "Mon", "Sun", "takers", "by interval"} <= set(texts)
    top = int(texts["Mon"][1:])
    rows = {roster[f"A{row}"][1]: row for row in range(top - 24, top) if f"A{row}" in roster}
    assert [float(roster[f"B{rows[time]}"][1]) for time in ("06:00", "07:00", "18:00", "19:00")] == [1, 3, 3, 1]


def test_the_same_results_give_the_same_bytes(book: bytes, left: Path, tmp_path: Path) -> None:
    assert export(left, "xlsx", out=tmp_path / "a.xlsx")[0].read_bytes() == book


def test_text_is_never_a_formula(left: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(left, folder)
    targets = (folder / "targets.csv").read_text(encoding="utf-8").replace("quick,", "=1+1,")
    (folder / "targets.csv").write_text(targets, encoding="utf-8")
    (file,) = export(folder, "xlsx")
    assert _cells(file.read_bytes(), "Verdicts")["A2"][:2] == ("s", "=1+1")


# The command


@pytest.mark.parametrize("to", FORMATS)
def test_every_format_goes_into_the_folder_or_where_it_is_told(left: Path, tmp_path: Path, to: str) -> None:
    done = tipline("export", left, "--to", to, "--out", tmp_path / "there", "--json")
    assert done.exit_code == options.DONE, done.output
    names = [Path(name).name for name in json.loads(done.output)["files"]]
    assert tuple(names) == FILES[to]  # type: ignore[index]
    assert sorted(path.name for path in (tmp_path / "there").iterdir()) == sorted(names)


def test_csv_has_the_rows_of_the_log(left: Path, tmp_path: Path, visits: pd.DataFrame) -> None:
    events, _ = export(left, "csv", replication=None, out=tmp_path)
    told = pd.read_csv(events)
    assert len(told) == len(visits)
    # Who left merged on entering made no attempt.
    assert told.tried_min.fillna("").astype(str).str.split().map(len).sum() == visits.tried_min.map(len).sum()


@pytest.mark.parametrize(
    "arguments, rule",
    [
        (["--to", "xes", "--replication", "7"], "has no replication 7"),
        (["--to", "xes", "--replication", "first"], "a replication is a number from 0, or `all` (got 'first')"),
        (["--to", "doc"], "'doc' is not one of 'xes', 'ocel', 'vidigi', 'xlsx', 'csv'"),
    ],
)
def test_what_makes_no_sense_is_told(left: Path, arguments: list[str], rule: str) -> None:
    done = tipline("export", left, *arguments)
    assert done.exit_code == options.BAD_INPUT
    assert rule in " ".join(done.output.replace("│", " ").split())


def test_a_run_without_a_log_is_told_how_to_keep_one(tmp_path: Path) -> None:
    (tmp_path / "pools.csv").write_text("pool\ndesk\n", encoding="utf-8")
    done = tipline("export", tmp_path, "--to", "ocel")
    assert done.exit_code == options.BAD_INPUT
    assert "there is no events.parquet; run the scenario with --log" in done.output
    for to in ("xlsx", "csv"):
        assert tipline("export", tmp_path / "nowhere", "--to", to).exit_code == options.BAD_INPUT
    assert not (tmp_path / "nowhere").exists()


# Other tools, where they are installed


def test_pm4py_reads_both_logs_and_finds_the_same(left: Path, visits: pd.DataFrame, tmp_path: Path) -> None:
    pm4py = pytest.importorskip("pm4py", reason="pm4py (AGPL) is not installed; XES and OCEL are not read by it")
    mine = visits[visits.replication == 0]
    n_events = len(happenings(kept_log(left)))
    log = pm4py.read_xes(str(export(left, "xes", out=tmp_path)[0]))
    assert (log["case:concept:name"].nunique(), len(log)) == (mine.tip.nunique(), n_events)
    steps = log[(log["concept:name"] == "answer") & log["lifecycle:transition"].isin(["schedule", "start"])]
    first = steps.drop_duplicates(["concept:instance", "lifecycle:transition"])
    at = first.pivot(index="concept:instance", columns="lifecycle:transition", values="time:timestamp").dropna()
    waits = (at["start"] - at["schedule"]).dt.total_seconds() / 60
    answered = mine[(mine.stage == "answer") & mine.start_min.notna()]
    assert len(waits) == len(answered)
    assert waits.mean() == pytest.approx((answered.start_min - answered.enter_min).mean(), abs=1e-6)
    objects = pm4py.read_ocel2_json(str(export(left, "ocel", out=tmp_path)[0]))
    assert len(objects.events) == n_events
    assert (objects.objects["ocel:type"] == "tip").sum() == mine.tip.nunique()


def test_vidigi_makes_an_animation(left: Path, tmp_path: Path) -> None:
    animation = pytest.importorskip("vidigi.animation", reason="vidigi is not installed; no animation is made")
    log, places = (pd.read_csv(file) for file in export(left, "vidigi", out=tmp_path))
    people = type(
        "People", (), places.dropna(subset="resource").groupby("resource").resources.max().astype(int).to_dict()
    )
    figure = animation.animate_activity_log(
        log, places, scenario=people(), every_x_time_units=10, limit_duration=720, simulation_time_unit="minutes"
    )
    assert len(figure.frames) >= 72
    assert len(figure.to_json()) > 50_000


OFFICE = shutil.which("soffice") or shutil.which("libreoffice")


@pytest.mark.slow
@pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed; the workbook is not opened")
@pytest.mark.parametrize("locale, mark", [("en-US", "."), ("de-DE", ",")])
def test_the_workbook_opens_with_the_numbers_of_the_country(
    left: Path, tmp_path: Path, book: bytes, locale: str, mark: str
) -> None:
    own = tmp_path / "profile" / "user"
    own.mkdir(parents=True)
    (own / "registrymodifications.xcu").write_text(
        '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry">'
        '<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse">'
        f"<value>{locale}</value></prop></item></oor:items>",
        encoding="utf-8",
    )
    (tmp_path / "book.xlsx").write_bytes(book)
    assert OFFICE is not None
    # The second sheet, its numbers in the formats of their cells.
    how = "csv:Text - txt - csv (StarCalc):9,34,76,1,,0,false,true,false,false,false,2"
    there = [f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", how]
    subprocess.run([OFFICE, *there, "--outdir", str(tmp_path), str(tmp_path / "book.xlsx")], check=True, timeout=240)
    (file,) = tmp_path.glob("book*.csv")
    told, row = pd.read_csv(left / "targets.csv"), file.read_text(encoding="utf-8").split("\n")[1].split("\t")
    shown = row[list(told).index("value")]
    assert shown.endswith("%")
    assert mark in shown
    assert float(shown[:-1].replace(mark, ".")) == pytest.approx(100 * told.value[0])
