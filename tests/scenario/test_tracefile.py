"""Recorded tips in files as other programs write them, and what a record tells of patience, wrap-up and labels."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

import sim
from sim.dynamics.clock import HOUR, MINUTE, NEVER, SECOND
from sim.scenario.faults import ScenarioError
from sim.scenario.schema import Scenario
from sim.scenario.trace import trace

LINE = """\
scenario: A record
run: {start: 2025-03-03 00:00, length: 2 d, cool_down: 1 h, replications: 1, seed: 1%s}
demand:
  channels: {call: 50 %%, web: 50 %%}
  risk: {high: 50 %%, low: 50 %%}
  trace: %s
labels:
  first: {assigns: {high: {high: 50 %%, low: 50 %%}, low: {low: 50 %%, high: 50 %%}}}
pools: {desk: {staff: 1}}
stages:
  - {name: sort, delay: 0 s, label: first}
  - {name: act, pool: desk, service: 10 min, wrap_up: {exponential: {mean: 1 min}},
     patience: {exponential: {mean: 5 min}}}
"""


def line(folder: Path, given: str = "{file: tips.csv}", run: str = "") -> Scenario:
    file = folder / "line.yaml"
    file.write_text(LINE % (run, given), encoding="utf-8")
    return sim.load(file)


PLAIN = "received,channel\n2025-03-03 13:00:00,call\n2025-03-04 01:30:00,web\n2025-03-03 09:15:30,web\n"

FORMS: dict[str, bytes] = {
    "semicolons": PLAIN.replace(",", ";").encode(),
    "tabs": PLAIN.replace(",", "\t").encode(),
    "utf-16": PLAIN.encode("utf-16"),
    "gz": gzip.compress(PLAIN.encode()),
    "european": b"received,channel\n03.03.2025 13:00,call\n04.03.2025 01:30,web\n03.03.2025 09:15:30,web\n",
    "12 hours": b"received,channel\n3 Mar 2025 1:00 PM,call\n4 Mar 2025 1:30 am,web\n3 Mar 2025 9:15:30 AM,web\n",
    "epoch": b"received,channel\n1741006800,call\n1741051800,web\n1740993330,web\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_a_file_in_another_form_is_the_same_record(form: str, tmp_path: Path) -> None:
    (tmp_path / "tips.csv").write_text(PLAIN, encoding="utf-8")
    plain = trace(line(tmp_path))
    (tmp_path / "tips.csv").write_bytes(FORMS[form])
    found = trace(line(tmp_path))
    assert found.arrival.tolist() == plain.arrival.tolist()
    assert found.channel.tolist() == plain.channel.tolist() == [1, 0, 1]


def test_columns_are_mapped_others_are_passed_over_and_only_what_lies_in_the_run_is_kept(tmp_path: Path) -> None:
    (tmp_path / "tips.csv").write_text(
        "id;Call Time;Skill;mood\n7;03/04/2025 08:00;call;good\n8;03/15/2025 23:00;web;bad\n", encoding="utf-8"
    )
    mapped = "columns: {received: Call Time, channel: Skill}"
    found = trace(line(tmp_path, f"{{file: tips.csv, keep: run, {mapped}}}"))
    assert found.arrival.tolist() == [24 * HOUR + 8 * HOUR]
    assert found.channel.tolist() == [0]
    with pytest.raises(ScenarioError, match="must lie in the run"):
        line(tmp_path, f"{{file: tips.csv, {mapped}}}")
    with pytest.raises(ScenarioError, match="there is no one column 'Skil'"):
        line(tmp_path, "{file: tips.csv, keep: run, columns: {received: Call Time, channel: Skil}}")


def test_dates_that_may_be_read_in_two_ways_are_refused_until_the_document_says_which(tmp_path: Path) -> None:
    (tmp_path / "tips.csv").write_text("received\n03/03/2025 08:00\n04/03/2025 09:00\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match="day first or month first"):
        line(tmp_path)
    found = trace(line(tmp_path, "{file: tips.csv, dates: day first}"))
    assert found.arrival.tolist() == [8 * HOUR, 33 * HOUR]


def test_the_zone_of_a_file_is_not_that_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "tips.csv").write_text("received\n2025-03-03 08:00\n", encoding="utf-8")
    found = trace(line(tmp_path, "{file: tips.csv, zone: America/New_York}", ", zone: Europe/London"))
    assert found.arrival.tolist() == [13 * HOUR]


def test_a_record_tells_giving_up_wrap_up_and_labels(tmp_path: Path) -> None:
    (tmp_path / "tips.csv").write_text(
        "received,channel,risk,tier,act,gave_up,wrap_up,person\n"
        "2025-03-03 08:00,call,high,low,4,>2,0.5,ann\n"
        "2025-03-03 08:01,call,low,high,,1.5,,\n"
        "2025-03-03 08:02,web,low,,3,,2,bob\n",
        encoding="utf-8",
    )
    scenario = line(tmp_path)
    replication = sim.draw(scenario, 0)
    visits = replication.visits
    acts = np.flatnonzero(visits.work > 0)
    patience = visits.patience[visits.first_attempt[acts]]
    assert patience[0] > 2 * MINUTE
    assert patience[1] == 90 * SECOND
    assert visits.wrap_up[acts].tolist()[0::2] == [30 * SECOND, 2 * MINUTE]
    high, low = scenario.tiers.index("high"), scenario.tiers.index("low")
    assert visits.final_tier.tolist()[:2] == [low, high]
    log = sim.simulate(replication)
    assert log.lost[1] == 8 * HOUR + 150 * SECOND, "who is known to give up does, where nobody is free before"
    assert log.lost[0] == NEVER


def test_patience_beyond_what_was_borne_is_the_law_given_that(tmp_path: Path) -> None:
    """An exponential patience has no memory: what is left beyond 4 minutes has the mean of all, 5 minutes."""
    rows = "".join(f"2025-03-03 {k // 60 % 24:02d}:{k % 60:02d}:{k % 59:02d},>4\n" for k in range(1400))
    (tmp_path / "tips.csv").write_text(f"received,gave_up\n{rows}", encoding="utf-8")
    visits = sim.draw(line(tmp_path), 0).visits
    patience = visits.patience[visits.first_attempt[visits.work > 0]] / MINUTE
    assert patience.min() > 4
    assert patience.mean() - 4 == pytest.approx(5, abs=4 * 5 / np.sqrt(1400)), "fails by chance once in 15,000"


def test_nothing_is_left_to_chance_where_all_is_recorded(tmp_path: Path) -> None:
    text = "received,channel,risk,tier,act,gave_up,wrap_up\n2025-03-03 08:00,call,high,low,4,9,1\n"
    (tmp_path / "tips.csv").write_text(text, encoding="utf-8")
    one, other = (sim.draw(line(tmp_path), index).visits for index in (0, 1))
    assert one.patience.tolist() == other.patience.tolist()
    assert one.wrap_up.tolist() == other.wrap_up.tolist()
    assert one.work.tolist() == other.work.tolist()
