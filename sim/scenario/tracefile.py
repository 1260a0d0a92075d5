"""Files of recorded tips as other programs write them: their delimiters, encodings, dates and names of columns.

And plain rows of a large one, a block at a time and column by column, some ten times as fast as row by row.

What is read here becomes the rows that `trace.py` reads, strict as ever: only the form of a file is forgiven, no value.
A file in UTF-8 with commas and dates such as 2025-01-06 07:30 is not touched.

What is not plain in a block (a quote, a bad value, a time in another form) is left to `trace.py`, which reads it row by
row and names what is wrong: a block is halved until what is left of it is small, so that one bad row in ten million
costs little more than none.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import MINUTE, NEVER
from sim.logs.files import DELIMITERS, SAMPLE, LogError, delimiter_of, opened
from sim.scenario import units
from sim.scenario.faults import Fault, ScenarioError

if TYPE_CHECKING:
    from sim.scenario.demand import Recorded

RECEIVED: Final = "received"
LOOKED_AT: Final = 50
"""Rows by which it is told whether the dates of a file are those of a document."""


@dataclass(frozen=True, slots=True)
class TraceForm:
    """How a trace is to be read, as a key of what was read."""

    columns: tuple[tuple[str, str], ...] = ()
    """What is read, and from which column; none reads all by their own names."""
    zone: str | None = None
    keep: bool = False
    """Whether what lies outside the run is passed over."""
    dates: str = ""

    @classmethod
    def of(cls, given: Recorded) -> TraceForm:
        """The form that a document states."""
        return cls(tuple(given.columns.items()), given.zone, given.keep == "run", given.dates or "")


class FieldRows:
    """Rows of fields, the first of them the head, each with its line as a csv reader tells it."""

    def __init__(self, rows: Iterator[tuple[int, list[str]]]) -> None:
        self._rows = rows
        self.line_num = 0

    def __iter__(self) -> FieldRows:
        return self

    def __next__(self) -> list[str]:
        self.line_num, row = next(self._rows)
        return row


def foreign(path: Path, file: str, form: TraceForm) -> FieldRows | None:
    """The rows of a file that is not in the program's own form, brought into it; None where it is.

    ScenarioError where a column that `columns` names is not there, or the dates may be read in two ways.
    """
    with path.open("rb") as stream:
        head = stream.read(SAMPLE)
    packed = head[:2] in (b"\x1f\x8b", b"\xff\xfe", b"\xfe\xff")
    if not packed:
        first = head.split(b"\n", 1)[0].decode("utf-8", errors="replace")
        try:
            head.decode("utf-8")
        except UnicodeDecodeError as error:
            if error.start < len(head) - 4:
                return None
        own = not any(letter in first for letter in DELIMITERS[1:])
        if own and not form.columns and _has_own_dates(head):
            return None
    try:
        return _rows(path, file, form)
    except LogError as error:
        raise ScenarioError([Fault(file, 0, 0, "", str(error).removeprefix(f"{path}: "))]) from None


def _has_own_dates(head: bytes) -> bool:
    """Whether some of the first times are written as a document writes them, or none is a time at all."""
    lines = head.decode("utf-8-sig", errors="replace").splitlines()[: LOOKED_AT + 1]
    try:
        rows = list(csv.reader(lines, strict=True))
    except csv.Error:
        return True
    titles = [title.strip() for title in rows[0]] if rows else []
    if RECEIVED not in titles:
        return True
    at = titles.index(RECEIVED)
    texts = [row[at].strip() for row in rows[1:] if len(row) > at]
    return any(_reads(text) for text in texts) or not _are_times(texts)


def _reads(text: str) -> bool:
    try:
        units.moment(text)
    except ValueError:
        return False
    return True


def _are_times(texts: list[str]) -> bool:
    import pandas as pd

    from sim.logs.times import is_time, times

    column = pd.Series(texts, dtype=object)
    try:
        return is_time(column) or times(column, "day first").dated
    except LogError:
        return False


def _rows(path: Path, file: str, form: TraceForm) -> FieldRows:
    stream = opened(path)
    lines = [line for line in stream.read(SAMPLE).splitlines() if line.strip()]
    stream.seek(0)
    letter, _ = delimiter_of(lines[:400]) if lines else (",", 1)
    reader = csv.reader(stream, delimiter=letter, strict=True)
    titles = [title.strip().lstrip("\ufeff") for title in next(reader, [])]
    kept = _kept(titles, file, form)
    rows, numbers = [], []
    for row in reader:
        if row:
            # A row of another length keeps it, and is named by its line.
            fits = len(row) == len(titles)
            rows.append([row[at].strip() for _, at in kept] if fits else row)
            numbers.append(reader.line_num)
    names = [name for name, _ in kept]
    if RECEIVED in names:
        _in_own_dates(rows, names, form)

    def told() -> Iterator[tuple[int, list[str]]]:
        yield 1, names
        yield from zip(numbers, rows, strict=True)

    return FieldRows(told())


def _kept(titles: list[str], file: str, form: TraceForm) -> list[tuple[str, int]]:
    """What is read, and where in a row it stands."""
    if not form.columns:
        return [(title, at) for at, title in enumerate(titles)]
    missing = [(name, title) for name, title in form.columns if titles.count(title) != 1]
    there = ", ".join(titles)[:300]
    if missing:
        raise ScenarioError(
            [
                Fault(file, 1, 0, f"columns.{name}", f"there is no one column '{title[:60]}'; there are {there}")
                for name, title in missing
            ]
        )
    return [(name, titles.index(title)) for name, title in form.columns]


def _in_own_dates(rows: list[list[str]], names: list[str], form: TraceForm) -> None:
    """Bring the times of a column into the form of a document; what is none stays, to be named by its line."""
    at = names.index(RECEIVED)
    fine = [row for row in rows if len(row) == len(names)]
    if not fine or any(_reads(row[at]) for row in fine[:LOOKED_AT]):
        return
    import numpy as np
    import pandas as pd

    from sim.logs.times import as_datetime, times

    found = times(pd.Series([row[at] for row in fine], dtype=object), form.dates, RECEIVED)
    if not found.dated:
        raise LogError("`received` has times without dates")
    seconds = found.seconds if found.utc is None else found.utc
    for row, second in zip(fine, seconds.tolist(), strict=True):
        if np.isfinite(second):
            row[at] = as_datetime(second).isoformat(sep=" ") + ("" if found.utc is None else "+00:00")


SMALL: Final = 1 << 20
"""Bytes of a file below which it is read row by row: that is done before pyarrow is imported."""
_BLOCK: Final = 1 << 24
_LEAST: Final = 1 << 16
_LONGEST_FIELD: Final = 131_072
"""Characters beyond which the csv module refuses a field."""

_TIME: Final = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?$"
_MINUTES: Final = r"^\d{1,15}(\.\d{1,15})?$"
Values = dict[str, NDArray[np.int64]]

DRAWN: Final = -1
"""The code of what a row leaves open."""


def begins_plainly(path: Path) -> bool:
    """Whether a file is large, and its first line one that ends and has no quotes."""
    if path.stat().st_size < SMALL:
        return False
    with path.open("rb") as stream:
        first = stream.readline(_LONGEST_FIELD)
    return first.endswith(b"\n") and b'"' not in first and b"\r" not in first.removesuffix(b"\r\n")


def blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """What is left of a stream, in blocks of whole lines; from a quote on all of it, for a row may be several lines."""
    rest = b""
    while block := stream.read(_BLOCK):
        block = rest + block
        if b'"' in block:
            yield block + stream.read()
            return
        end = block.rfind(b"\n") + 1
        rest = block[end:]
        if end:
            yield block[:end]
    if rest:
        yield rest


def halves(block: bytes) -> tuple[bytes, bytes] | None:
    """A block cut at the end of a line near its middle; None where it is small, or has a quote."""
    at = block.find(b"\n", len(block) // 2) + 1
    return None if len(block) < _LEAST or b'"' in block or not 0 < at < len(block) else (block[:at], block[at:])


class Plain:
    """How the columns of one file are read."""

    def __init__(
        self, header: list[str], codes: Mapping[str, Mapping[str, int]], minutes: set[str], names: set[str]
    ) -> None:
        """By its titles: `received`, columns of codes by their texts, columns of minutes, and columns of names."""
        self._header, self._codes, self._minutes, self._names = header, codes, minutes, names

    def read(self, block: bytes) -> tuple[Values, dict[str, tuple[NDArray[np.int64], list[str]]]] | None:
        """The values of a block by title, (n_rows,), and of each column of names its indices and the names by index.

        A time is in microseconds since 1970 by its own clock, a code is that of its text and DRAWN for none, minutes
        are ticks and NEVER for none. None where any of it is not plain.
        """
        import pyarrow as pa
        from pyarrow import compute, csv

        if b'"' in block or b"\0" in block or block.count(b"\r") != block.count(b"\r\n"):
            return None
        try:
            table = csv.read_csv(
                pa.BufferReader(block),
                read_options=csv.ReadOptions(column_names=self._header, block_size=len(block) + 1, use_threads=False),
                parse_options=csv.ParseOptions(quote_char=False),
                convert_options=csv.ConvertOptions(
                    column_types=dict.fromkeys(self._header, pa.string()), strings_can_be_null=False
                ),
            ).combine_chunks()
        except pa.ArrowInvalid:
            return None
        values: Values = {}
        named = {}
        for title in self._header:
            column = table[title]
            if title in self._codes or title in self._names:
                found = column.combine_chunks().dictionary_encode()
                index, texts = (
                    found.indices.to_numpy().astype(np.int64),
                    [text.strip() for text in found.dictionary.to_pylist()],
                )
                if title in self._names:
                    if max(map(len, texts), default=0) > _LONGEST_FIELD:
                        return None
                    named[title] = index, texts
                    continue
                known = self._codes[title]
                if any(text and text not in known for text in texts):
                    return None
                values[title] = np.array([known.get(text, DRAWN) for text in texts], dtype=np.int64)[index]
            elif title == "received" or title in self._minutes:
                read = _times(column, pa, compute) if title == "received" else _ticks(column, pa, compute)
                if read is None:
                    return None
                values[title] = read
        return values, named


def _all(found: Any, compute: Any) -> bool:
    return bool(compute.all(found, min_count=0).as_py())


def _times(column: Any, pa: Any, compute: Any) -> NDArray[np.int64] | None:
    if not _all(compute.match_substring_regex(column, _TIME), compute):
        return None
    try:
        times = column.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None
    year = compute.min_max(compute.year(times)).as_py()
    if year["min"] is not None and not 1900 <= year["min"] <= year["max"] <= 2500:
        return None
    found: NDArray[np.int64] = times.to_numpy().astype(np.int64)
    return found


def _ticks(column: Any, pa: Any, compute: Any) -> NDArray[np.int64] | None:
    open_ = compute.equal(column, "")
    if not _all(compute.or_(open_, compute.match_substring_regex(column, _MINUTES)), compute):
        return None
    given = compute.if_else(open_, "-1", column).cast(pa.float64()).to_numpy()
    length = given * MINUTE
    if (length > units.LONGEST).any():
        return None
    found: NDArray[np.int64] = np.where(given < 0, NEVER, np.rint(length).astype(np.int64))
    return found
