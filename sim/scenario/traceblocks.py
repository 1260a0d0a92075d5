"""Plain rows of a large trace, a block at a time and column by column, some ten times as fast as row by row.

What is not plain (a quote, a bad value, a time in another form) is left to `trace.py`, which reads it row by row and
names what is wrong: a block is halved until what is left of it is small, so that one bad row in ten million costs
little more than none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import MINUTE, NEVER
from sim.scenario import units

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
