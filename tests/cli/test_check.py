"""What `check` says of a document: every fault, or the model in words on 80 columns."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sim.cli import options
from tests.cli.lines import SCENARIOS, shell, tipline

NATIONAL = SCENARIOS / "national.yaml"

PLAIN = """\
scenario: Plain
run: {start: 2025-01-06 00:00, length: 28 d}
demand: {volume: 12/h}
pools: {desk: {STAFF}}
stages: [{name: answer, pool: desk, service: 10 min}]
"""


def plain(folder: Path, staff: str) -> Path:
    """A line of 12 tips an hour and 10 minutes of work each: 2 erlangs."""
    file = folder / "plain.yaml"
    file.write_text(PLAIN.replace("STAFF", staff), encoding="utf-8")
    return file


def test_the_model_is_told_within_80_columns_and_without_codes() -> None:
    done = shell("check", NATIONAL)
    lines = done.stdout.splitlines()
    assert done.returncode == options.DONE
    assert done.stderr == ""
    assert max(map(len, lines)) <= 80
    assert not any(line != line.rstrip() for line in lines)
    assert "\x1b" not in done.stdout
    assert not re.search(r"\d\n *(%|min|h|d)\b", done.stdout), "a number stands apart from its unit"


@pytest.mark.parametrize(
    "said",
    [
        "One national centre",
        "30,000 tips a year, 82.19 a day, by hour and weekday; days vary by 10 % (cv)",
        "by channel: call 40 %, sms 10 %, online 50 %",
        "from Mon 2025-01-06: 7 d warm-up, 364 d measured, 2 d cool-down",
        "classifier labels 60 % of the tips; rightly high 80 %, low 80 %, non 85 %",
        "tips with channel online or sms: call_takers, 10 min on average; released every 5 min",
        "3 from 07:00 to 15:00, 3 from 15:00 to 23:00, 2 from 23:00 to 07:00",
        "a break of 30 min once a shift, staggered and not replaced",
        "serve first tips with tier high, then tips without a label, then tips with tier low, then all others",
        "work is interrupted for tips with tier high",
        "the next free server goes on with the tip, after 5 min of hand-over",
        "at least 90 % of tips with tier high within 10 min from receipt to rapid_channel",
        "all tips take at most 30 min on average from arrival to disposed",
        "at most 5 % of tips with channel call are lost",
        "analysts busy at most 85 % of the time on duty",
        "WARNING nobody is ever off in analysts, duty_officers and receivers: no shrinkage is given there",
    ],
)
def test_the_model_in_words(said: str) -> None:
    assert said in " ".join(tipline("check", NATIONAL).output.split())


def test_seat_hours_paid_hours_and_fte_of_a_pool() -> None:
    rows = [line.split() for line in tipline("check", NATIONAL).output.splitlines()]
    # 8 shifts a day of 8 h less a break of 30 min each, 7 days; 30 % shrinkage; 40 h a week
    assert ["call_takers", "0.62", "2.50", "25", "%", "420.0", "600.0", "15.0"] in rows


def test_a_pool_that_is_overloaded_on_average_stands_out(tmp_path: Path) -> None:
    output = " ".join(tipline("check", plain(tmp_path, "staff: 2")).output.split())
    assert (
        "WARNING pool 'desk' is overloaded: 2.00 erlangs of work come to 2.00 servers on average over the week"
        in output
    )


def test_a_pool_that_is_overloaded_for_hours_of_every_day_stands_out(tmp_path: Path) -> None:
    shifts = "shifts: [{from: '06:00', to: '22:00', staff: 4}, {from: '22:00', to: '06:00', staff: 1}]"
    output = " ".join(tipline("check", plain(tmp_path, shifts)).output.split())
    assert "WARNING pool 'desk' is overloaded every day from 22:00 to 06:00: up to 2.00 erlangs" in output


def test_every_fault_of_every_file_is_told_at_once_on_stderr(tmp_path: Path) -> None:
    one = tmp_path / "one.yaml"
    one.write_text(PLAIN.replace("STAFF", "staf: 2").replace("12/h", "12"), encoding="utf-8")
    other = tmp_path / "other.yaml"
    done = shell("check", one, NATIONAL, other)
    assert done.returncode == options.BAD_INPUT
    assert f"{one}:3:18: demand.volume: " in done.stderr
    assert f"{one}:4:16: pools.desk.staf: is not a key here; did you mean 'staff'?" in done.stderr
    assert "2 faults" in done.stderr
    assert f"{other}: there is no such file" in done.stderr
    assert "Traceback" not in done.stderr
    assert "One national centre" in done.stdout


def test_check_as_data(tmp_path: Path) -> None:
    broken = plain(tmp_path, "staff: two")
    found = json.loads(tipline("check", NATIONAL, "--json").output)
    assert found["pool_loads"][0]["fte"] == 15.0
    assert found["stage_loads"][0]["stage"] == "answer"
    assert len(found["hour_loads"]) == 168
    load = [hour["call_takers_offered_erlangs"] for hour in found["hour_loads"]]
    assert sum(load) / 168 == pytest.approx(found["pool_loads"][0]["offered_load_erlangs"])
    both = tipline("check", NATIONAL, broken, "--json")
    assert both.exit_code == options.BAD_INPUT
    right, wrong = json.loads(both.output)
    assert right == found
    (fault,) = wrong["faults"]
    assert (fault["line"], fault["path"], fault["value"]) == (4, "pools.desk.staff", "'two'")


def test_changes_variants_and_targets_are_told_as_they_are_laid_on() -> None:
    output = tipline("check", NATIONAL, "--variant", "bursts", "--set", "pools.receivers.staff=3").output
    assert "Variant" in output
    assert "surge 'incident': 7.6 times as many from Mon 2025-06-02 09:00, for 24 h" in output
    assert "receivers      3 around the clock" in output


def test_quiet_says_nothing_of_a_sound_document() -> None:
    done = tipline("check", NATIONAL, "--quiet")
    assert (done.exit_code, done.output) == (options.DONE, "")


def test_everything_that_the_options_say_is_laid_on_together(tmp_path: Path) -> None:
    for name in ("national.yaml", "claims.yaml"):
        (tmp_path / name).write_bytes((SCENARIOS / name).read_bytes())
    file = tmp_path / "ledger.yaml"
    own = "".join(f", {name}: null" for name in ("rapid", "transfer", "entry", "mean", "day"))
    text = f"extends: national.yaml\nscenario: Ledger\ntargets: {{from: claims.yaml, reading: moderate{own}}}\n"
    file.write_text(text, encoding="utf-8")
    given = ("--reading", "strict", "--targets", "rapid", "--variant", "one_more_analyst", "--seed", "3")
    found = json.loads(tipline("check", file, "--json", *given, "--set", "pools.receivers.staff=4").output)
    assert list(found["targets"]) == ["rapid"]
    assert found["targets"]["rapid"].startswith("at least 99 % of tips with risk high within 10 min")
    assert found["variant"] == "one_more_analyst"
    servers = {pool["pool"]: pool["servers_on_duty_mean"] for pool in found["pool_loads"]}
    assert servers["analysts"] == 3
    assert servers["receivers"] == 4
    assert found["run"][1].startswith("20 replications, seed 3")


def test_many_tips_a_day_are_told_without_a_power_of_ten(tmp_path: Path) -> None:
    file = plain(tmp_path, "staff: 2")
    told = " ".join(tipline("check", file, "--set", "demand.volume=200000000/year").output.split())
    assert "200,000,000 tips a year, 547,945 a day" in told
    one = " ".join(tipline("check", file, "--set", "demand.volume=1/year").output.split())
    assert "1 tip a year, 0.00274 a day" in one


def test_a_file_that_is_not_there_gets_a_hint_at_the_one_that_is(tmp_path: Path) -> None:
    plain(tmp_path, "staff: 2")
    done = shell("check", tmp_path / "plane.yaml")
    assert done.returncode == options.BAD_INPUT
    assert done.stderr == f"{tmp_path}/plane.yaml: there is no such file; did you mean 'plain.yaml'?\n"
