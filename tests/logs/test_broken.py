"""Thirty kinds of broken logs: each is answered by a clear word, or read with a count of what was wrong."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.calibration.found import found_in
from sim.calibration.line import line_of
from sim.logs import files
from sim.logs.calls import CleanedLog
from sim.logs.drafting import draft
from sim.logs.events import read_log
from sim.logs.files import LogError, read
from sim.logs.map import read_map

HEAD = "received,agent,answered,ended,result"


def row(
    minute: int, start: int = 1, end: int = 5, who: str = "ann", result: str = "answered", day: str = "2025-01-06"
) -> str:
    """A call that came at a minute of the day, was taken so many minutes later, and ended so many minutes later."""

    def at(one: int) -> str:
        return f"{day} {one // 60:02d}:{one % 60:02d}:{7 * one % 60:02d}"

    return f"{at(minute)},{who},{at(minute + start)},{at(minute + end)},{result}"


def calls(*more: str, n: int = 60, head: str = HEAD) -> str:
    return "\n".join([head, *(row(480 + 5 * k) for k in range(n)), *more]) + "\n"


def looked_at(path: Path) -> CleanedLog:
    """What the program makes of a log, to the document of its line."""
    raw = read(path)
    log = read_log(raw, draft(raw))
    line_of(found_in(path, log))
    assert isinstance(log, CleanedLog)
    return log


def text(content: str) -> Callable[[Path], object]:
    """What writes a text to a file."""
    return lambda path: path.write_text(content, encoding="utf-8")


def raw(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


BOTH_FIT = "received,result\n" + "".join(f"0{1 + k % 9}/0{1 + k % 7}/2025 08:00,answered\n" for k in range(40))
BOTH_ORDERS = "received\n" + "13/01/2025 08:00\n01/13/2025 08:00\n" * 9
TWO_PLACES = "received\n" + "2025-01-06T08:00:00+01:00\n2025-01-06T08:01:00-05:00\n" * 9
SWAPPED = calls(head="received,agent,ended,answered,result")
NO_HEAD = "1736150400,1,5\n1736150700,1,5\n"
PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 4
ENTITIES = "<!DOCTYPE a [<!ENTITY b 'c'>]><log/>"
RAGGED = HEAD + "\n" + "a,b\n" * 40 + row(500) + "\n"

WIDE = ",".join(f"column {k}" for k in range(1001)) + "\n" + "1," * 1000 + "1\n"
LATE_ENTITIES = f"<?xml version='1.0'?><!--{'x' * 70_000}-->{ENTITIES}"
DAYS = "1,217,94.01%,0:00:17\n2,200,91.00%,0:00:20\n"


def _attributes(n: int) -> str:
    """XES with an event that has so many attributes."""
    some = "".join(f"<int key='{k}' value='1'/>" for k in range(n))
    return f"<log><trace><event>{some}</event></trace></log>"


def _far(path: Path) -> None:
    """A sheet whose rows each have a cell in the first and in the last of 16,384 columns."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["received", *[None] * 16_382, "last"])
    sheet.append(["2025-01-06 08:00", *[None] * 16_382, "1"])
    book.save(path)


def _told_once(path: Path) -> None:
    """Two kilobytes that are a gigabyte where each row has its text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["2025-01-06 08:00" * 1000]))
    pq.write_table(pa.table({"received": rows}), path)


REFUSED: list[tuple[str, str, Callable[[Path], object], str]] = [
    ("empty", "a.csv", raw(b""), "is empty"),
    ("blank", "a.csv", text("\n\n  \n"), "no line that is not empty"),
    ("only a head", "a.csv", text(HEAD + "\n"), "no row below it"),
    ("no head", "a.csv", text(NO_HEAD), "names no columns"),
    ("a picture", "a.csv", raw(PICTURE), "is not text"),
    ("half a gzip", "a.csv.gz", raw(gzip.compress(calls().encode())[:200]), "cannot be unpacked"),
    ("a zip of other files", "a.xlsx", lambda path: _zip(path), "not a workbook"),
    ("a broken workbook", "a.xlsx", raw(b"PK\x03\x04" + b"\0" * 100), "cannot be unpacked"),
    ("an old workbook", "a.xls", raw(b"\xd0\xcf\x11\xe0" + b"\0" * 100), "old Excel workbook"),
    ("a broken parquet", "a.parquet", raw(b"PAR1" + b"\0" * 60 + b"PAR1"), "not a parquet file"),
    ("broken XES", "a.xes", text("<?xml version='1.0'?><log><trace>"), "is not XML"),
    ("XES with entities", "a.xes", text(ENTITIES), "defines entities"),
    ("XES without events", "a.xes", text("<log><trace/></log>"), "no trace with events"),
    ("JSON of another kind", "a.json", text('{"a": [1, 2]}'), "without `events` and `objects`"),
    ("half a JSON", "a.json", text('{"events": ['), "is not JSON"),
    ("OCEL without events", "a.json", text('{"events": [], "objects": []}'), "has no events"),
    ("no column with times", "a.csv", text("name,colour\nann,red\nbob,blue\n"), "says when something came"),
    ("start and end swapped", "a.csv", text(SWAPPED), "swapped"),
    ("days and months that both fit", "a.csv", text(BOTH_FIT), "day first or month first"),
    ("days and months in both orders", "a.csv", text(BOTH_ORDERS), "both orders"),
    ("clocks of two places", "a.csv", text(TWO_PLACES), "differ by more than one hour"),
    ("rows of other lengths", "a.csv", text(RAGGED), "do not fit the head"),
    ("a head of numbers and shares", "a.csv", text(DAYS), "names no columns"),
    ("too many columns", "a.csv", text(WIDE), "1,001 columns or more, and at most 1,000"),
    ("a field of 40 MB", "a.csv", text(HEAD + '\n"' + "x" * 40_000_000), "row of more than 16 MB"),
    ("a sheet that is mostly empty", "a.xlsx", _far, "16,384 columns, and at most 1,000"),
    ("a text for all rows", "a.parquet", _told_once, "is 1,600 MB unpacked"),
    ("XES with late entities", "a.xes", text(LATE_ENTITIES), "defines entities"),
    ("XES with entities in UTF-16", "a.xes", raw(("<?xml version='1.0'?>" + ENTITIES).encode("utf-16")), "defines ent"),
    ("XES with too many attributes", "a.xes", text(_attributes(1001)), "1,001 columns, and at most 1,000"),
    ("OCEL with odd attributes", "a.json", text('{"objects": [], "events": [{"attributes": [1]}]}'), "says when"),
]


def _zip(path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("readme.txt", "nothing")


@pytest.mark.parametrize(("name", "make", "said"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED])
def test_what_cannot_be_read_is_told_in_one_sentence(
    tmp_path: Path, name: str, make: Callable[[Path], object], said: str
) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(LogError, match=said) as caught:
        looked_at(path)
    assert "\n" not in str(caught.value)


def without_end(minute: int) -> str:
    return f"{row(minute).rsplit(',', 2)[0]},,answered"


NO_ARRIVAL = ",ann,2025-01-06 09:00:00,2025-01-06 09:10:00,answered"
SOON = "soon,ann,2025-01-06 09:00:00,2025-01-06 09:10:00,answered"
A_MONTH = f"{row(800).rsplit(',', 2)[0]},2025-02-20 09:00:00,answered"
SENTINELS = "2025-01-06 14:00:01,,1900-01-01,NULL,abandoned"

COUNTED: list[tuple[str, str, str, int]] = [
    ("half the ends missing", calls(*(without_end(800 + k) for k in range(60))), "no end is known", 60),
    ("negative times", calls(row(800, 1, -30), row(801, 1, -20)), "ends before it starts", 2),
    ("taken before it came", calls(row(800, -9)), "before it came", 1),
    ("rows twice", calls(row(800), row(800), row(800)), "there twice", 2),
    ("no time of arrival", calls(NO_ARRIVAL), "no time of arrival", 1),
    ("words for times", calls(SOON), "no time in 'received'", 1),
    ("the head once more", calls(HEAD), "no time in 'received'", 1),
    ("a year of the future", calls(row(800, day="2095-01-06")), "more than 20 years", 1),
    ("served for a month", calls(A_MONTH), "more than a week", 1),
    ("two at once", calls(row(481)), "still served another", 1),
    ("test calls", calls(row(800, who="test")), "agent is test", 1),
    ("unknown outcomes", calls(row(800, result="phantom")), "result is phantom", 1),
    ("a row too long", calls(row(800) + ",more"), "rows with 6 fields", 1),
    ("sentinels for times", calls(SENTINELS), "", 0),
    ("whole minutes", calls().replace(":35,", ":00,").replace(":40,", ":00,"), "", 0),
]


@pytest.mark.parametrize(("text", "what", "rows"), [one[1:] for one in COUNTED], ids=[one[0] for one in COUNTED])
def test_what_is_wrong_in_rows_is_counted(tmp_path: Path, text: str, what: str, rows: int) -> None:
    path = tmp_path / "log.csv"
    path.write_text(text, encoding="utf-8")
    log = looked_at(path)
    if what:
        found = [one for one in log.cleaned if what in one.what]
        assert found, [one.what for one in log.cleaned]
        assert rows in (0, sum(one.rows for one in found))
    assert 60 <= len(log.visits) <= 120 + 3


def test_a_gigabyte_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.truncate(1_000_000_000)
    with pytest.raises(LogError, match="1,000 MB unpacked, and at most 120 MB"):
        read(path)


def test_a_gigabyte_in_a_megabyte_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST", 1_000_000)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(b"received\n" + b"2025-01-06 08:00\n" * 100_000))
    assert path.stat().st_size < 100_000
    with pytest.raises(LogError, match="unpacked, and at most 1 MB"):
        read(path)


def _parquet(path: Path, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"received": ["2025-01-06 08:00"] * rows}), path)


def _sheet(path: Path, rows: int) -> None:
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in ["received", *["2025-01-06 08:00"] * rows]:
        sheet.append([row])
    book.save(path)


MANY: dict[str, tuple[str, Callable[[Path, int], object]]] = {
    "lines": ("a.csv", lambda path, n: path.write_text("received\n" + "2025-01-06 08:00\n" * n)),
    "quoted lines": ("a.csv", lambda path, n: path.write_text("received\n" + '"2025-01-06 08:00"\n' * n)),
    "packed": (
        "a.csv.gz",
        lambda path, n: path.write_bytes(gzip.compress(b"received\n" + b"2025-01-06 08:00\n" * n)),
    ),
    "parquet": ("a.parquet", _parquet),
    "a sheet": ("a.xlsx", _sheet),
}


@pytest.mark.parametrize("form", MANY)
def test_too_many_rows_are_refused_and_as_many_as_may_be_are_read(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_ROWS", 300)
    monkeypatch.setattr(files, "SPARE", 0)
    name, write = MANY[form]
    path = tmp_path / name
    write(path, 301)
    with pytest.raises(LogError, match="has 301 rows or more, and at most 300 are read"):
        read(path)
    write(path, 299)
    assert len(read(path)) == 299


def test_a_field_of_many_lines_is_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_ROWS", 50)
    path = tmp_path / "a.csv"
    path.write_text("received,note\n" + '2025-01-06 08:00,"one\ntwo\nthree"\n' * 40)
    assert len(read(path)) == 40


@pytest.mark.parametrize(("times", "told"), [(1, False), (4, True)])
def test_a_quotation_mark_that_is_left_open_is_told(times: int, told: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = calls().splitlines()
    above, opened, below = lines[:20], f'"{lines[20]}', lines[21:] * times
    path.write_text("\n".join([*above, opened, *below]), encoding="utf-8")
    found = read(path)
    assert len(found) + sum(found.dropped.values()) == 20, "all below it is one row"
    assert (len(below) > files.LONG_FIELD) is told
    assert any(one.startswith("WARNING: one field holds") for one in found.notes) is told


def test_the_numbers_of_rows_that_pandas_writes_are_no_column(tmp_path: Path) -> None:
    import pandas as pd

    path = tmp_path / "a.parquet"
    pd.DataFrame({"received": ["2025-01-06 08:00", "2025-01-06 09:00"]}, index=[4, 7]).to_parquet(path)
    assert read(path).columns == ["received"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("shape: calls\ncolumns: {arrival: recieved}\n", "no column 'recieved'; did you mean 'received'"),
        ("shape: call\n", "shape: must be one of calls"),
        ("shape: calls\ncolumns: {arival: received}\n", "'arival' is no role; did you mean 'arrival'"),
        ("shape: calls\ncolour: red\n", "'colour' is no key of a map"),
        ("shape: calls\ndates: sometimes\n", "dates: must be day first or month first"),
        ("shape: calls\nunit: years\n", "unit: must be one of"),
        ("[1, 2]\n", "must be a mapping"),
        ("shape: [", "is not YAML"),
    ],
)
def test_a_map_that_does_not_fit_is_told(tmp_path: Path, text: str, said: str) -> None:
    log, made = tmp_path / "log.csv", tmp_path / "map.yaml"
    log.write_text(calls(), encoding="utf-8")
    made.write_text(text, encoding="utf-8")
    with pytest.raises(LogError, match=said):
        read_map(made, read(log))


def test_a_zone_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(calls(), encoding="utf-8")
    raw = read(path)
    made = draft(raw)
    made.zone = "Europe/Lundon"
    with pytest.raises(LogError, match="no zone 'Europe/Lundon'"):
        read_log(raw, made)
