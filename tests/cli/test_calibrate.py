"""The command `calibrate`: a draft to be confirmed, what it leaves, what it says, and how it fails."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

import sim
from sim.calibration import beside
from sim.cli import options
from sim.text import calibrate, page
from tests.calibration.known import as_csv, known_log, texts
from tests.cli.lines import tipline


@pytest.fixture(autouse=True)
def few_replications(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "REPLICATIONS", 3)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hundred calls of a day of the known line."""
    path = tmp_path_factory.mktemp("log") / "calls.csv"
    rows = [row for row in known_log(3) if row[1].day == 14][:600]
    path.write_text(as_csv(texts(rows)), encoding="utf-8")
    return path


def test_a_first_run_drafts_a_map_and_stops_and_the_next_goes_by_it(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = tipline("calibrate", log, "--out", out)
    assert done.exit_code == options.DONE, done.output
    assert "This is a draft" in done.output
    assert [path.name for path in out.iterdir()] == ["map.yaml"]
    made = out / "map.yaml"
    made.write_text(made.read_text(encoding="utf-8").replace("channel: queue", "# no channel"), encoding="utf-8")
    done = tipline("calibrate", log, "--out", out)
    assert done.exit_code == options.DONE, done.output
    assert {"line.yaml", "trace.csv", "calibration.html", "calibrate.csv", "calibrate_laws.csv"} <= {
        path.name for path in out.iterdir()
    }
    assert [stage.name for stage in sim.load(out / "line.yaml").stages] == ["answer"], "the map was mended"
    assert tipline("calibrate", log, "--yes", "--out", out).exit_code == options.DONE
    assert [stage.name for stage in sim.load(out / "line.yaml").stages] == ["answer"], "--yes does not draft it anew"


def test_what_it_leaves_passes_check_and_is_run_and_replayed(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = tipline("calibrate", log, "--yes", "--out", out, "--json")
    assert done.exit_code == options.DONE, done.output
    told = json.loads(done.output)
    assert {row["run"] for row in told["calibrate"]} == {"replay", "work drawn", "patience drawn", "drawn"}
    with (out / "calibrate.csv").open(encoding="utf-8") as file:
        replay = {row["quantity"]: row for row in csv.DictReader(file) if row["run"] == "replay"}
    assert replay["tips"]["log"] == "600"
    assert replay["work_mean"]["verdict"] == "reproduced"
    assert tipline("check", out / "line.yaml").exit_code == options.DONE
    answer = sim.run(sim.load(out / "line.yaml", variant="replay"), replications=2)
    assert int(answer.replications["arrived_tips"].iloc[0]) == 600
    text = (out / "line.yaml").read_text(encoding="utf-8")
    assert "# as they came in the log" in text
    assert "plausible:" in text
    page = (out / "calibration.html").read_text(encoding="utf-8")
    assert '<th scope="col">replayed</th><th scope="col">drawn</th>' in page
    assert '<th scope="row">given up</th>' in page
    assert "<h3>Not told by the log</h3>" in page
    assert "demand.busyness_cv: too few dates" in page
    assert "Staff of answer" in page, "every sentence is on it, not the first alone"
    assert "is not recorded" not in page


def test_what_the_line_came_to_stands_beside_its_unit_on_a_narrow_screen() -> None:
    some = [beside.LogAndLine(one, 1181.0, 1184.5, 1183.3, 1185.7, 1.0) for one in beside.QUANTITIES]
    found = beside.Beside({"replay": some, "drawn": some}, some, None, [], 60, "")
    shown = page.plain(calibrate.beside_parts(found))
    assert max(map(len, shown.splitlines())) <= 80
    in_seconds = [name for name in calibrate.SHOWN if name.startswith(("wait", "work"))]
    assert shown.count("± 1.2 s") == 3 * len(in_seconds) > 0
    assert shown.count("1,181.0 s") == 2 * len(in_seconds)


def test_the_same_from_python(log: Path, tmp_path: Path) -> None:
    found = sim.calibrate(log, out=tmp_path / "out")
    assert found.line == (tmp_path / "out" / "line.yaml").read_text(encoding="utf-8")
    assert set(found.calibrate["run"]) == {"replay", "work drawn", "patience drawn", "drawn"}
    assert found.scenario.variant is None
    assert len(found.plot("calibrate").axes) >= 3
    assert "answer_sales" in set(found.calibrate_staff["stage"])


def test_what_cannot_be_read_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("", encoding="utf-8")
    done = tipline("calibrate", tmp_path / "a.csv", "--out", tmp_path / "out")
    assert done.exit_code == options.BAD_INPUT
    assert "a.csv: is empty" in done.output
    assert not (tmp_path / "out").exists()


def test_counts_give_demand_and_say_what_they_cannot_tell(tmp_path: Path) -> None:
    rows = "".join(
        f"2025-01-{day:02d} {hour:02d}:00,{(10 + hour % 5) * (1 + day % 2)}\n"
        for day in range(6, 31)
        for hour in range(8, 18)
    )
    (tmp_path / "offered.csv").write_text(f"interval,calls\n{rows}", encoding="utf-8")
    done = tipline("calibrate", tmp_path / "offered.csv", "--yes", "--out", tmp_path / "out")
    assert done.exit_code == options.DONE, done.output
    assert "nothing of how long anybody waits" in " ".join(done.output.split())
    scenario = sim.load(tmp_path / "out" / "line.yaml")
    assert set(scenario.plausible) == {
        "pools.people.staff",
        "stages.answer.service.exponential.mean",
        "stages.answer.patience.exponential.mean",
    }
