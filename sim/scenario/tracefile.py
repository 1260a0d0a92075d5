"""Files of recorded tips as other programs write them: their delimiters, encodings, dates and names of columns.

What is read here becomes the rows that `trace.py` reads, strict as ever: only the form of a file is forgiven, no value.
A file in UTF-8 with commas and dates such as 2025-01-06 07:30 is not touched.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sim.logs.faults import LogError
from sim.logs.files import DELIMITERS, SAMPLE, delimiter_of, opened
from sim.scenario import units
from sim.scenario.faults import Fault, ScenarioError

if TYPE_CHECKING:
    from sim.scenario.demand import Recorded

RECEIVED: Final = "received"
LOOKED_AT: Final = 50
"""Rows by which it is told whether the dates of a file are those of a document."""


@dataclass(frozen=True, slots=True)
class Form:
    """How a trace is to be read, as a key of what was read."""

    columns: tuple[tuple[str, str], ...] = ()
    """What is read, and from which column; none reads all by their own names."""
    zone: str | None = None
    keep: bool = False
    """Whether what lies outside the run is passed over."""
    dates: str = ""

    @classmethod
    def of(cls, given: Recorded) -> Form:
        """The form that a document states."""
        return cls(tuple(given.columns.items()), given.zone, given.keep == "run", given.dates or "")


class Rows:
    """Rows of fields, the first of them the head, each with its line as a csv reader tells it."""

    def __init__(self, rows: Iterator[tuple[int, list[str]]]) -> None:
        self._rows = rows
        self.line_num = 0

    def __iter__(self) -> Rows:
        return self

    def __next__(self) -> list[str]:
        self.line_num, row = next(self._rows)
        return row


def foreign(path: Path, file: str, form: Form) -> Rows | None:
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


def _rows(path: Path, file: str, form: Form) -> Rows:
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

    return Rows(told())


def _kept(titles: list[str], file: str, form: Form) -> list[tuple[str, int]]:
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


def _in_own_dates(rows: list[list[str]], names: list[str], form: Form) -> None:
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
