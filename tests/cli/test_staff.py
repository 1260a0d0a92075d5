"""The command `staff`: what it prints, what it leaves, and that an interruption changes nothing."""

from __future__ import annotations

import csv
import json
import shlex
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sim.cli import options
from sim.plots import staffing as plots
from sim.scenario.loading import load
from sim.studies.replicate import Settings
from sim.studies.staff.search import points, walk
from sim.studies.staff.staffing import StaffFound, staff
from sim.studies.staff.tried import Outcome
from sim.studies.trials import Trials
from sim.text.staff import _one_less
from tests.cli import pictures
from tests.cli.lines import SCENARIOS, content, tipline
from tests.studies.staffings import TWO

RECORDED = SCENARIOS / "national_recorded.yaml"
NATIONAL = SCENARIOS / "national.yaml"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("staff") / "two.yaml"
    file.write_text(TWO)
    return file


@pytest.fixture(scope="module")
def found(two: Path) -> dict[str, Any]:
    """The answer as data, with its folder written beside the file."""
    done = tipline("staff", two, "--out", two.parent / "out", "--json", "--frontier")
    assert done.exit_code == 0, done.output
    data: dict[str, Any] = json.loads(done.stdout)
    return data


def people(data: dict[str, Any]) -> dict[str, int]:
    """The people of an answer by path."""
    return {row["path"]: row["people"] for row in data["staffing"]}


def targets(data: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The targets of an answer by name."""
    return {row["target"]: row for row in data["staff_targets"]}


def test_the_data_name_every_path_that_was_decided(found: dict[str, Any]) -> None:
    assert set(people(found)) == {"pools.front.staff", "pools.back.staff"}
    assert all(isinstance(n, int) for n in people(found).values())
    assert found["why_none"] is None
    [whole] = found["staff_certificate"]
    assert whole["verdict"] == "met"
    assert whole["cheaper_open_staffings"] == 0
    for row in found["staffing"]:
        assert row["one_less_verdict"] in ("missed", "undecided")
    front, back = people(found).values()
    assert whole["cost_a_week"] == pytest.approx(168 * (0.8 * front + back))


def test_the_tables_tell_the_same(found: dict[str, Any]) -> None:
    folder = Path(found["folder"])
    with (folder / "staffing.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["path"]: int(row["people"]) for row in rows} == people(found)
    with (folder / "staff_tried.csv").open() as file:
        tried = list(csv.DictReader(file))
    assert len(tried) == len(found["staff_tried"]) == int(found["staff_certificate"][0]["tried_staffings"])
    [chosen] = [row for row in tried if row["chosen"] == "True"]
    assert {path: int(chosen[f"{path}_people"]) for path in people(found)} == people(found)
    assert {"cost_a_week", "acted_share", "acted_low_share", "all_held_weeks_share"} <= set(chosen)


def test_the_answer_as_a_whole_and_its_targets_are_in_tables_too(found: dict[str, Any]) -> None:
    folder = Path(found["folder"])
    with (folder / "staff_certificate.csv").open() as file:
        [whole] = list(csv.DictReader(file))
    [told] = found["staff_certificate"]
    assert float(whole["fte"]) == pytest.approx(told["fte"])
    assert float(whole["fte"]) == pytest.approx(sum(row["fte"] for row in found["staffing"]))
    assert int(whole["people"]) == sum(people(found).values())
    assert int(whole["cheaper_open_staffings"]) == told["cheaper_open_staffings"]
    with (folder / "staff_targets.csv").open() as file:
        rows = {row["target"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(targets(found)) == {"taken", "acted"}
    for name, one in targets(found).items():
        assert float(rows[name]["value"]) == pytest.approx(one["value"])
        assert rows[name]["verdict"] == one["verdict"]
        assert float(rows[name]["unlimited_value"]) == pytest.approx(one["unlimited_value"])


def test_the_frontier_rises_with_its_cost(found: dict[str, Any]) -> None:
    best = [point for point in found["frontier"] if point["worth_its_cost"]]
    assert len(best) >= 3
    assert [point["cost_a_week"] for point in best] == sorted(point["cost_a_week"] for point in best)
    shares = [point["all_held_weeks_share"] for point in best]
    assert shares == sorted(shares)
    answer = {f"{path}_people": n for path, n in people(found).items()}
    assert any(answer.items() <= point.items() for point in found["frontier"])


def test_pictures_are_left_beside_the_tables(found: dict[str, Any]) -> None:
    plots = Path(found["folder"]) / "plots"
    assert {path.name for path in plots.iterdir()} == {
        f"{name}.{form}" for name in ("staffing", "staff_tried", "frontier") for form in ("png", "svg")
    }
    assert all(path.stat().st_size > 10_000 for path in plots.glob("*.png"))


def test_the_pictures_can_be_read(two: Path) -> None:
    scenario = load(two)
    answer = staff(scenario, trials=Trials(scenario.run.seed, Settings(jobs=2)))
    assert answer.tried is not None
    assert answer.staffing is not None
    walk(answer.tried, answer.staffing, "week")
    found = StaffFound(answer, frontier=tuple(points(answer.tried, "week")))
    for draw in (plots.staffing, plots.tried, plots.frontier):
        figure = draw(found)
        assert not pictures.cut_off(figure)
        assert not pictures.overlapping(figure)
        assert not pictures.too_small(figure)
        assert not pictures.without_unit(figure)
    n = len(answer.tried.outcomes)
    assert pictures.title(plots.tried(found)).startswith(f"{n} staffings tried, the cheapest that holds at ")
    assert {"front", "back", "people"} <= set(pictures.said(plots.staffing(found)))


def test_the_command_that_runs_the_answer_keeps_what_was_asked(two: Path, tmp_path: Path) -> None:
    asked = ("--set", "demand.volume=20/h", "--targets", "taken", "--seed", "5")
    done = tipline("staff", two, *asked, "--out", tmp_path / "staff", "--json")
    assert done.exit_code == 0, done.output
    data = json.loads(done.stdout)
    [told] = [sentence for sentence in data["answer"] if sentence.startswith("To run it: tipline ")]
    words = shlex.split(told.removeprefix("To run it: tipline "))
    ran = tipline(*words, "--out", tmp_path / "run", "--json")
    assert ran.exit_code == 0, ran.output
    assert [(one["target"], one["verdict"]) for one in json.loads(ran.stdout)["targets"]] == [("taken", "met")]
    text = (tmp_path / "run" / "scenario.yaml").read_text(encoding="utf-8")
    assert "20/h" in text
    assert f"staff: {people(data)['pools.front.staff']}" in text


def test_the_answer_comes_last_and_fits_the_terminal(two: Path, found: dict[str, Any], tmp_path: Path) -> None:
    done = tipline("staff", two, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert max(len(line) for line in done.output.splitlines()) <= 80
    last = " ".join(done.output.split("Written to")[1].split())
    front, back = people(found).values()
    assert f"The cheapest staffing found that meets all 2 targets: front {front} and back {back}." in last
    assert "With one person less in any one place" in last or "With one person less it fails in" in last
    assert "staffings within the bounds that cost less were tried, or excluded" in last
    assert f"--set pools.front.staff={front}" in last


def test_what_no_staff_can_mend_is_said_before_any_search(tmp_path: Path) -> None:
    done = tipline("staff", NATIONAL, "--set", "run.length=91 d", "--replications", "6", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    told = " ".join(done.output.split())
    assert "No staffing can meet all targets, however many people there are: staff alone cannot meet rapid" in told
    assert "in the way stand the service at" in told
    assert "To search for the targets that staff can meet: --targets entry,mean,day,lost,busy" in told
    asked = ("staff", NATIONAL, "--set", "run.length=91 d", "--replications", "6", "--out", tmp_path, "--json")
    data = json.loads(tipline(*asked).stdout)
    assert "staffing" not in data
    assert data["why_none"] == "beyond staff"
    assert targets(data)["rapid"]["beyond_staff"]
    assert tipline(*asked, "--strict").exit_code == options.NOT_MET


@pytest.mark.parametrize(
    "pools, message",
    [
        ("nobody", "there is no pool 'nobody'; there are front, back"),
        ("front=few", "bounds are written front=1..9 (got 'front=few')"),
        ("front=5..2", "the bounds of pool 'front' are written lowest first, front=2..5 (got 5..2)"),
    ],
)
def test_pools_that_cannot_be_decided_are_refused(two: Path, pools: str, message: str, tmp_path: Path) -> None:
    done = tipline("staff", two, "--pools", pools, "--out", tmp_path)
    assert done.exit_code == options.BAD_INPUT
    flat = "".join(done.output.replace("│", " ").split())
    assert message.replace(" ", "") in flat
    assert not list(tmp_path.iterdir())


def test_bounds_of_the_command_line_hold(two: Path, tmp_path: Path) -> None:
    asked = ("staff", two, "--pools", "front=4..9", "--pools", "back=8", "--out", tmp_path, "--json")
    data = json.loads(tipline(*asked).stdout)
    [back] = [row for row in data["staffing"] if row["path"] == "pools.back.staff"]
    assert (back["least_people"], back["most_people"], back["bounds"]) == (8, 8, "asked for")
    assert back["people"] == 8
    assert back["one_less_verdict"] == "below the bounds"


def test_what_the_posts_cannot_meet_is_refused_before_any_search(tmp_path: Path) -> None:
    file = tmp_path / "closed.yaml"
    file.write_text(CLOSED, encoding="utf-8")
    asked = ("staff", file, "--out", tmp_path / "out", "--json", "--strict")
    done = tipline(*asked)
    data = json.loads(done.stdout)
    assert done.exit_code == options.NOT_MET
    assert (data["why_none"], "staff_tried" in data) == ("closed", False)
    assert targets(data)["first"]["more_staff"] == "hours"
    assert targets(data)["first"]["closed"] == "desk from 17:00 to 9:00 and at weekends"
    assert "since desk is closed from 17:00 to 9:00 and at weekends" in " ".join(data["answer"])
    run = json.loads(tipline("run", file, "--out", tmp_path / "run", "--json").stdout)
    [first] = run["unlimited"]
    assert first["more_staff"] == "hours"
    assert 0.2 < first["at_posts_value"] < 0.3


CLOSED = """\
scenario: Closed at weekends
run: {start: 2025-01-06 00:00, warm_up: 7 d, length: 56 d, cool_down: 7 d, replications: 6, seed: 1}
demand: {volume: 5/h}
pools: {desk: {shifts: [{from: "09:00", to: "17:00", staff: 6, days: mon-fri}]}}
stages: [{name: read, pool: desk, service: {exponential: {mean: 10 min}}}]
targets: {first: {from: arrival, to: read.start, within: 1 h, share: 90 %}}
"""


def test_an_answer_that_is_not_confirmed_is_not_met_when_strict(tmp_path: Path) -> None:
    """So few replications cannot show that 99.5 % are served within a day, although nothing speaks against it."""
    file = tmp_path / "few.yaml"
    file.write_text(FEW, encoding="utf-8")
    asked = ("staff", file, "--pools", "desk=5..5", "--out", tmp_path / "out", "--json")
    done = tipline(*asked)
    data = json.loads(done.stdout)
    assert (done.exit_code, data["not_shown_on_fresh_seeds"]) == (options.DONE, ["day"])
    assert [row["people"] for row in data["staffing"]] == [5]
    assert tipline(*asked, "--strict").exit_code == options.NOT_MET


FEW = """\
scenario: Hardly any tips
run: {start: 2025-01-06 00:00, length: 1 d, cool_down: 1 d, replications: 4, seed: 1}
demand: {volume: 2/d}
pools: {desk: {staff: 5}}
stages: [{name: read, pool: desk, service: {exponential: {mean: 10 min}}}]
targets: {day: {from: arrival, to: read.end, within: 1 d, share: 99.5 %}}
"""


def test_a_pool_that_no_target_depends_on_keeps_its_people(two: Path, tmp_path: Path) -> None:
    data = json.loads(tipline("staff", two, "--targets", "taken", "--out", tmp_path, "--json").stdout)
    assert data["kept"] == ["back"]
    assert [row["path"] for row in data["staffing"]] == ["pools.front.staff"]
    assert "back keeps its people: no target depends on it." in data["answer"]
    nobody = tipline("staff", two, "--targets", "taken", "--pools", "back", "--out", tmp_path)
    assert nobody.exit_code == options.BAD_INPUT
    assert "no target depends on the people of back" in " ".join(nobody.output.split())


def test_work_that_nobody_does_and_no_target_judges_is_only_let_be_with_allow_overload(tmp_path: Path) -> None:
    """Where the mean of a few counts alone, the line of the others may grow, if that is asked for."""
    file = tmp_path / "grows.yaml"
    file.write_text(GROWS, encoding="utf-8")
    asked = ("staff", file, "--out", tmp_path / "out", "--json")
    held = json.loads(tipline(*asked).stdout)
    assert [row["people"] for row in held["staffing"]] == [3]
    assert held["overloaded"] == []
    grown = json.loads(tipline(*asked, "--allow-overload").stdout)
    assert [row["people"] for row in grown["staffing"]] == [1]
    assert grown["overloaded"] == ["desk"]
    assert any("more work comes to desk than is done; no target forbids it" in one for one in grown["answer"])


GROWS = """\
scenario: Only the first served count
run: {start: 2025-01-06 00:00, warm_up: 1 d, length: 7 d, replications: 6, seed: 5}
demand: {volume: 12/h, risk: {high: 10 %, low: 90 %}}
pools: {desk: {staff: 2, serve_first: [{risk: high}]}}
stages: [{name: act, pool: desk, service: {exponential: {mean: 10 min}}}]
targets: {t: {of: {risk: high}, from: arrival, to: act.start, mean: 15 min}}
"""
"""Two people's work comes; one person serves those who go first soon enough, and then three are needed."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("staff", "national_recorded.yaml", "--pools", "analysts,call_takers", "--frontier"),
        ("compare", "national_recorded.yaml"),
    ],
    ids=["staff", "compare"],
)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["killed", "Ctrl-C"])
def test_resumed_it_leaves_the_same_files(arguments: tuple[str, ...], how: signal.Signals, tmp_path: Path) -> None:
    name, file, *more = arguments
    base = [sys.executable, "-m", "sim", name, str(SCENARIOS / file), *more]
    base += ["--set", "run.length=28 d", "--replications", "8", "--jobs", "2", "--out"]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    subprocess.run([*base, str(cut)], check=True, capture_output=True)
    cut.rename(whole)  # the folder stands in what is written
    # Started in the background of a shell, the tests themselves may be deaf to Ctrl-C, and so would be their children.
    hears = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    run = subprocess.Popen([*base, str(cut)], **silent, preexec_fn=hears)
    give_up = time.monotonic() + 120
    while len(list(tmp_path.rglob("*.piece"))) < 20 and run.poll() is None and time.monotonic() < give_up:
        time.sleep(0.005)
    run.send_signal(how)
    assert run.wait(timeout=60) in (-how, options.INTERRUPTED)
    assert not list(cut.glob("*.csv"))
    n_kept = len(list(tmp_path.rglob("*.piece")))
    assert n_kept >= 20
    subprocess.run([*base, str(cut), "--resume"], check=True, capture_output=True)
    assert content(cut) == content(whole)


def test_what_a_staffing_may_not_do_is_told_whole_beside_short_names() -> None:
    failing = ["20 % give up at answer, which no target judges (at most 5 % may)", "a_target_with_a_name_that_is_long"]
    said = _one_less(cast("Outcome", SimpleNamespace(verdict="missed", failing=failing))).plain
    assert failing[0] in " ".join(said.replace("\ue000", " ").split())
    assert "a_target_with_a_name_th…" in said
