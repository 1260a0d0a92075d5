"""The text of a document on disk, or why it is none; and files that it names.

These are only below its own folder, only plain files, only of sensible size.
"""

from __future__ import annotations

import csv
import errno
import math
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from sim.scenario import units
from sim.scenario.faults import Fault, Mark, ScenarioError, at
from sim.scenario.fields import near

LARGEST: Final = 1_000_000
"""Bytes of a document."""

_KINDS: Final = {
    b"PK\x03\x04": "a workbook, a Word document or another zip archive",
    b"\xd0\xcf\x11\xe0": "a workbook or a Word document of old",
    b"%PDF-": "a PDF",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}
"""What is given in place of a document by mistake, by its first bytes."""


def text(file: Path, shown_as: str, what: str = "scenario file") -> str:
    """The text of a file that messages call `shown_as`; ScenarioError where it cannot be had."""
    start = Mark(shown_as)
    try:
        if file.is_dir():
            raise ScenarioError([at(start, (), f"is a folder, not a {what}")])
        raw = plain_bytes(file, LARGEST + 1)
    except FileNotFoundError:
        raise ScenarioError([at(start, (), f"there is no such file{_meant(file)}")]) from None
    except (OSError, ValueError) as error:
        raise ScenarioError([at(start, (), f"cannot be read: {getattr(error, 'strerror', None) or error}")]) from None
    if (kind := _kind(raw)) is not None:
        raise ScenarioError([at(start, (), f"is {kind}; a {what} is plain text, saved as UTF-8")])
    if len(raw) > LARGEST:
        raise ScenarioError([at(start, (), f"is larger than {LARGEST // 1_000_000} MB")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = place_of(raw, error.start)
        rule = f"is not text in UTF-8: here stands the byte 0x{raw[error.start]:02x}"
        raise ScenarioError([at(Mark(shown_as, line, column), (), rule)]) from None


def _kind(raw: bytes) -> str | None:
    """What a file is by its first bytes, where it is one that is given in place of a text; None of others."""
    return next((kind for begins, kind in _KINDS.items() if raw.startswith(begins)), None)


def plain_bytes(file: Path, most: int = -1) -> bytes:
    """What a plain file holds, `most` bytes of it at most; OSError where it is none, or cannot be read.

    A pipe, a socket or a device is never waited for.
    """
    handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "is not a plain file", str(file))
        return stream.read(most)


def not_text(path: Path) -> tuple[int, int, int]:
    """Line, column and value of the first byte of a plain file that is no UTF-8; (0, 0, 0) where all of it is."""
    with path.open("rb") as stream:
        for line, raw in enumerate(stream, 1):
            try:
                raw.decode("utf-8")
            except UnicodeDecodeError as error:
                return line, len(raw[: error.start].decode("utf-8-sig" if line == 1 else "utf-8")) + 1, raw[error.start]
    return 0, 0, 0


def place_of(raw: bytes, at_byte: int) -> tuple[int, int]:
    """The line and the column, both from 1, of the first byte of a text that is no UTF-8."""
    before = raw[:at_byte].decode("utf-8-sig").splitlines(keepends=True) or [""]
    ended = before[-1].endswith(("\n", "\r"))
    return len(before) + ended, 1 if ended else len(before[-1]) + 1


def _meant(file: Path) -> str:
    """A hint at the file that was meant: one like it in the same folder."""
    try:
        endings = {file.suffix, *((".yaml", ".yml") if file.suffix in (".yaml", ".yml") else ())}
        there = [other.name for other in file.parent.iterdir() if other.suffix in endings or not file.suffix]
    except OSError:
        return ""
    return near(file.name, there)


SHOWN: Final = 20
"""So many bad rows of a file are named; then reading stops."""

_LARGEST_COLUMN: Final = 64_000_000


def inside(folder: Path | None, name: str, beside: Path | None = None, of: str = "scenario") -> Path:
    """The file of that name in `folder` or below, with symbolic links followed; `beside` is where the name starts.

    The folder is that `of` a scenario or a ledger, as messages say.
    ValueError when there is no folder, when it lies elsewhere, is missing or is no plain file.
    """
    if folder is None:
        raise ValueError("a document without a folder can name no file")
    if not name.strip() or "\0" in name or len(name) > 1000:
        raise ValueError("must name a file")
    root = folder.resolve()
    try:
        found = ((beside or root) / name).resolve()
    except (OSError, RuntimeError):
        raise ValueError("cannot be followed to a file") from None
    if not found.is_relative_to(root):
        raise ValueError(f"a file that is read must lie below the {of}'s folder")
    try:
        is_there, is_plain = found.exists(), found.is_file()
    except OSError:  # a name longer than any file's
        is_there = is_plain = False
    if not is_there:
        raise ValueError(f"there is no such file below the {of}'s folder")
    if not is_plain:
        raise ValueError("is not a plain file")
    return found


@contextmanager
def csv_rows(path: Path) -> Iterator[tuple[Any, list[str]]]:
    """The rows of a CSV file below its first line, and the titles in that; ValueError where it is no such file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            yield rows, [title.strip() for title in next(rows, [])]
    except UnicodeDecodeError:
        line, place, byte = not_text(path)
        raise ValueError(
            f"{path.name} is not text in UTF-8: in line {line}, column {place}, stands the byte 0x{byte:02x}"
        ) from None
    except csv.Error as error:
        raise ValueError(f"{path.name} is not a CSV file ({error})") from None


@dataclass(slots=True)
class Checked:
    """A file that is checked row by row: what is wrong with it, each fault by its line, the first SHOWN of them."""

    file: str
    """Its name as messages have it."""
    faults: list[Fault] = field(default_factory=list, kw_only=True)
    n_faults: int = field(default=0, kw_only=True)

    def fault(self, line: int, column: str, rule: str, got: str = "") -> None:
        self.n_faults += 1
        if len(self.faults) < SHOWN:
            self.faults.append(Fault(self.file, line, 0, column, rule, got))

    def fits(self, line: int, row: list[str], titles: list[str]) -> bool:
        """Whether a row has as many fields as there are titles; a fault where it has not."""
        if len(row) != len(titles):
            self.fault(line, "", f"must have {len(titles)} fields, as the first line has", str(len(row)))
        return len(row) == len(titles)

    def twice(self, titles: list[str], place: int) -> bool:
        """Whether the title at a place stands before it already, which is a fault."""
        if found := titles[place] in titles[:place]:
            self.fault(1, "", f"two columns are named '{titles[place][:60]}'")
        return found

    def unread(self, title: str, known: Iterable[str], columns: str) -> None:
        """The fault that a title is none of the known ones; `columns` are those in words."""
        meant = near(title, known) or f"; the columns are {columns}"
        self.fault(1, "", f"'{title[:60]}' is no column that is read{meant}")

    @contextmanager
    def reading(self, path: Path, size: int, largest: int, line: Callable[[], int]) -> Iterator[None]:
        """While it is read: ScenarioError where it is too large, is not text, or no CSV from some `line` on."""
        if size > largest:
            raise self._error(0, 0, f"is larger than {largest // 1_000_000} MB")
        try:
            yield
        except UnicodeDecodeError:
            at_line, place, byte = not_text(path)
            raise self._error(at_line, place, f"is not text in UTF-8: here stands the byte 0x{byte:02x}") from None
        except csv.Error as error:
            raise self._error(line(), 0, f"is not a CSV file: {error}") from None

    def _error(self, line: int, place: int, rule: str) -> ScenarioError:
        return ScenarioError([Fault(self.file, line, place, "", rule)])


def column(path: Path, name: str, unit: str, most: int) -> tuple[int, ...]:
    """Ticks in one column of a CSV file, `most` rows at most; ValueError naming every bad row by its line."""
    status = path.stat()
    return _column(path, name, unit, most, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)
def _column(path: Path, name: str, unit: str, most: int, _modified: int, size: int) -> tuple[int, ...]:
    if size > _LARGEST_COLUMN:
        raise ValueError(f"{path.name} is larger than {_LARGEST_COLUMN // 1_000_000} MB")
    scale = units.duration(f"1 {unit}")
    found: list[int] = []
    bad: list[str] = []
    with csv_rows(path) as (rows, header):
        if header.count(name) != 1:
            raise ValueError(f"{path.name} needs one column '{name}'; it has {', '.join(header) or 'none'}")
        at = header.index(name)
        for row in rows:
            if len(bad) >= SHOWN:
                bad.append("and there may be more")
                break
            if len(found) + len(bad) >= most:
                raise ValueError(f"{path.name} has more than {most} rows")
            if not row:
                continue
            try:
                found.append(_ticks(row[at], scale))
            except (ValueError, IndexError):
                given = row[at][:40] if at < len(row) else "nothing"
                bad.append(f"line {rows.line_num}: '{name}' must be a number of {unit}, 0 or more (got {given!r})")
    if bad:
        raise ValueError(f"{path.name} has bad rows: " + "; ".join(bad))
    if not found:
        raise ValueError(f"{path.name} has no rows")
    return tuple(found)


def _ticks(text: str, scale: int) -> int:
    value = float(text)
    if not math.isfinite(value) or not 0 <= value * scale <= units.LONGEST:
        raise ValueError
    return round(value * scale)
