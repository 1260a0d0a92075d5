"""Recorded tips: what is read, and how every bad row is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.dynamics.clock import HOUR, MINUTE, NEVER
from sim.scenario import trace as tracing
from sim.scenario import tracefile
from sim.scenario.faults import ScenarioError
from sim.scenario.trace import Trace, trace
from sim.scenario.tracefile import DRAWN
from tests.scenario.small import messages, small


@pytest.fixture(autouse=True, params=["row by row", "in blocks"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test reads its files both ways, in blocks of a few lines."""
    if request.param == "in blocks":
        monkeypatch.setattr(tracefile, "SMALL", 0)
        monkeypatch.setattr(tracefile, "_BLOCK", 300)
        monkeypatch.setattr(tracefile, "_LEAST", 100)


def recorded(folder: Path, text: str) -> Trace:
    (folder / "tips.csv").write_text(text, encoding="utf-8")
    return trace(small(folder, "volume: 10/h", "trace: tips.csv"))


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        recorded(folder, text)
    return messages(caught.value)


def test_rows_become_ticks_and_codes_in_order_of_arrival(tmp_path: Path) -> None:
    found = recorded(
        tmp_path,
        "received,channel,risk,sort,answer_min\n"
        "2025-01-06 02:00,web,low,2.5,\n"
        "2025-01-06 01:00:30,call,,,4\n"
        "2025-01-06T02:00,,high,0,1\n",
    )
    assert len(found) == 3
    assert found.arrival.tolist() == [HOUR + MINUTE // 2, 2 * HOUR, 2 * HOUR]
    assert found.channel.tolist() == [0, 1, DRAWN]
    assert found.risk.tolist() == [DRAWN, 1, 0]
    assert found.category.tolist() == [DRAWN] * 3
    assert {name: work.tolist() for name, work in found.work.items()} == {
        "sort": [NEVER, 5 * MINUTE // 2, 0],
        "answer": [4 * MINUTE, NEVER, MINUTE],
    }


def test_only_received_is_needed(tmp_path: Path) -> None:
    found = recorded(tmp_path, "received\n2025-01-06\n\n2025-01-12 23:59:59.5\n")
    assert found.arrival.tolist() == [0, 7 * 24 * HOUR - 500_000]
    assert found.work == {}


def test_every_bad_value_is_named_by_its_line(tmp_path: Path) -> None:
    text = (
        "received,channel,risk,act\n"
        "yesterday,call,high,1\n"
        "2025-01-06 01:00,cal,high,-1\n"
        "2025-01-06 01:00,call,high\n"
        "2025-01-05 23:59,call,hi,1 min\n"
        "2025-02-01 00:00,call,low,nan\n"
    )
    assert faults(tmp_path, text) == [
        "tips.csv:2: received: a date is written 2025-01-06 00:00 (got 'yesterday')",
        "tips.csv:3: channel: there is no channel 'cal'; did you mean 'call'?",
        "tips.csv:3: act: must be minutes, 0 or more (got '-1')",
        "tips.csv:4: must have 4 fields, as the first line has (got 3)",
        "tips.csv:5: received: must lie in the run, from 2025-01-06 00:00:00 to 2025-01-13 00:30:00"
        " (got '2025-01-05 23:59')",
        "tips.csv:5: risk: there is no risk 'hi'; there are high, low",
        "tips.csv:5: act: must be minutes, 0 or more (got '1 min')",
        "tips.csv:6: received: must lie in the run, from 2025-01-06 00:00:00 to 2025-01-13 00:30:00"
        " (got '2025-02-01 00:00')",
        "tips.csv:6: act: must be minutes, 0 or more (got 'nan')",
    ]


def test_many_bad_values_are_counted(tmp_path: Path) -> None:
    found = faults(tmp_path, "received\n" + "never\n" * 50)
    assert len(found) == 21
    assert found[-1] == "tips.csv:22: is where reading stopped: there may be more bad values"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "tips.csv:1: the first line must name the columns, and one of them `received`"),
        ("channel\ncall\n", "tips.csv:1: the first line must name the columns, and one of them `received`"),
        ("received\n", "tips.csv: has no rows"),
        ("received,chanel\n", "tips.csv:1: 'chanel' is no column that is read; did you mean 'channel'?"),
        ("received,risk,risk\n", "tips.csv:1: two columns are named 'risk'"),
        ("received,act,act_min\n", "tips.csv:1: two columns hold the minutes of 'act'"),
        ('received\n"2025-01-06\n', "tips.csv:2: is not a CSV file: unexpected end of data"),
    ],
)
def test_files_that_are_no_trace(tmp_path: Path, text: str, message: str) -> None:
    assert faults(tmp_path, text) == [message]


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tips.csv").write_bytes(b"received\n\xff\xfe\n")
    with pytest.raises(ScenarioError, match="is not text in UTF-8"):
        small(tmp_path, "volume: 10/h", "trace: tips.csv")


def test_a_trace_lies_below_the_folder(tmp_path: Path) -> None:
    (tmp_path / "tips.csv").write_text("received\n2025-01-06\n", encoding="utf-8")
    inner = tmp_path / "inner"
    inner.mkdir()
    with pytest.raises(ScenarioError) as caught:
        small(inner, "volume: 10/h", "trace: ../tips.csv")
    assert messages(caught.value) == [
        "doc.yaml:4:10: demand.trace: a file that is read must lie below the scenario's folder (got '../tips.csv')"
    ]


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "MOST_ROWS", 2)
    assert faults(tmp_path, "received\n" + "2025-01-06\n" * 3) == ["tips.csv:4: has more than 2 rows"]
    monkeypatch.setattr(tracing, "LARGEST", 10)
    assert faults(tmp_path, "received\n2025-01-07\n") == ["tips.csv: is larger than 0 MB"]


def test_a_changed_trace_changes_the_hash_of_the_scenario(tmp_path: Path) -> None:
    hashes = set()
    for day in (6, 7):
        (tmp_path / "tips.csv").write_text(f"received\n2025-01-{day:02}\n", encoding="utf-8")
        hashes.add(small(tmp_path, "volume: 10/h", "trace: tips.csv").hash)
    assert len(hashes) == 2


FIELDS = {
    "received": ["2025-01-06 01:00", "2025-01-07T02:30:15", "2025-01-06 1:00", "2025-01-07 02:30:15.5", "2025-01-06"],
    "channel": ["call", "web", "", " call "],
    "risk": ["high", "low", ""],
    "sort": ["", "0", "2.5", "1e1", " 3 ", "0.1234567", "99999"],
    "incident": ["", "a", "b", " a ", "\u00e9", '"two\nlines"', '"quoted"'],
}
BAD = {"received": "2025-02-30 00:00", "channel": "fax", "risk": "hi", "sort": "-1", "incident": "x,y"}


@pytest.mark.parametrize("seed", range(40))
def test_blocks_and_rows_read_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_rows, odd, bad = int(rng.integers(1, 200)), float(rng.choice([0, 0.02, 0.5])), float(rng.choice([0, 0.005, 0.3]))
    rows = [",".join(FIELDS)]
    for _ in range(n_rows):
        texts = [str(rng.choice(some if rng.random() < odd else some[:2])) for some in FIELDS.values()]
        if rng.random() < bad:
            at = int(rng.integers(len(texts)))
            texts[at] = list(BAD.values())[at]
        rows.append(",".join(texts) if rng.random() < 0.98 else "")
    end = str(rng.choice(["\n", "\r\n"]))
    text = end.join(rows) + str(rng.choice(["", end]))

    def outcome(small: int) -> object:
        monkeypatch.setattr(tracefile, "SMALL", small)
        tracing._read.cache_clear()
        try:
            found = recorded(tmp_path, text)
        except ScenarioError as error:
            return messages(error)
        own = [found.arrival, found.channel, found.risk, found.category, found.incident, *found.work.values()]
        return [each.tolist() for each in own]

    assert outcome(0) == outcome(1 << 30)
