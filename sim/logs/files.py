"""Files of logs as tables of texts, whatever they are written in: csv, xlsx, parquet, XES, OCEL 2.0.

No cell is interpreted here, beyond its being a text: what a column means is for its map to say. Nothing larger than
LARGEST is read, unpacked, so that a log of any kind is answered within a gigabyte of memory.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class LogError(ValueError):
    """The log or its map is at fault; the message names the place, the rule and the value."""


LARGEST: Final = 120_000_000
"""Bytes of a log, unpacked."""
MOST_ROWS: Final = 500_000
MOST_COLUMNS: Final = 1_000
MOST_CELLS: Final = 30_000_000
"""Rows times columns of a table whose rows need not fill their columns: sheets, and events with attributes."""
LONG_FIELD: Final = 100
"""Lines of one field that look as if a quotation mark had been left open."""
SPARE: Final = 100
"""Rows of a sheet that may stand above and below its table."""
DELIMITERS: Final = ",;\t|"
SAMPLE: Final = 65_536


@dataclass(frozen=True, slots=True)
class Raw:
    """A log as a table of texts; an empty cell is ""."""

    path: Path
    form: str
    """csv, xlsx, parquet, xes or ocel."""
    table: pa.Table
    notes: list[str] = field(default_factory=list)
    """What was found out about the file, in sentences."""
    dropped: dict[str, int] = field(default_factory=dict)
    """Rows that could not be read, by why."""
    clock: dict[str, str] = field(default_factory=dict)
    """What the file says of its own clock: `start`, `zone`."""

    @property
    def columns(self) -> list[str]:
        return [str(name) for name in self.table.column_names]

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def texts(self, name: str) -> pd.Series[str]:
        """A column, (n_rows,), its texts without blanks at their ends."""
        import pandas as pd
        import pyarrow.compute as pc

        column = self.table.column(name)
        stripped = pc.utf8_trim_whitespace(column.fill_null("")) if column.type == "string" else column.fill_null("")
        return pd.Series(stripped.to_numpy(zero_copy_only=False), dtype=object)


def read(path: Path) -> Raw:
    """A log of any form, by its content more than by its name; LogError where it is none that can be read."""
    if not path.is_file():
        raise LogError(f"{path}: there is no such file" if not path.exists() else f"{path}: is not a plain file")
    if path.stat().st_size == 0:
        raise LogError(f"{path}: is empty")
    if path.stat().st_size > LARGEST:
        raise _too_large(path, path.stat().st_size)
    with path.open("rb") as file:
        head = file.read(8)
    ending = path.suffixes[-1].lower() if path.suffixes else ""
    if head[:2] == b"\x1f\x8b":
        ending = path.suffixes[-2].lower() if len(path.suffixes) > 1 else ".csv"
    if head[:4] == b"PAR1":
        found = _parquet(path)
    elif head[:4] == b"PK\x03\x04":
        found = _xlsx(path)
    elif head[:4] == b"\xd0\xcf\x11\xe0":
        raise LogError(f"{path}: is an old Excel workbook (.xls); save it as .xlsx or .csv")
    else:
        content = _content(path)
        start = content[:SAMPLE].lstrip(b"\xef\xbb\xbf \t\r\n")
        if ending == ".xes" or start[:5] == b"<?xml" or start[:4] == b"<log":
            found = _xes(path, content)
        elif ending in (".json", ".jsonocel") or start[:1] == b"{":
            found = _ocel(path, content)
        else:
            found = _csv(path, content)
    if not len(found):
        raise LogError(f"{path}: has a head of {len(found.columns)} columns, and no row below it")
    found = _unfolded(found)
    if len(found) > MOST_ROWS:
        raise _too_many(path, len(found))
    return found


_OF_DAY: Final = (
    r"\d{1,2}:\d{2}(:\d{2})?\s*([AaPp]\.?[Mm]\.?)?(\s*(-|–|to)\s*\d{1,2}:\d{2}(:\d{2})?\s*([AaPp]\.?[Mm]\.?)?)?"
)
"""A time of day, or an interval from one to another, that names a column."""


def _unfolded(raw: Raw) -> Raw:
    """A table with a row a date and a column an interval, as one with a row an interval; others as they are."""
    import pyarrow as pa

    hours = [name for name in raw.columns if re.fullmatch(_OF_DAY, name)]
    others = [name for name in raw.columns if name not in hours]
    if len(hours) < 4 or not others or {"time", "count"} & set(others):
        return raw
    parts = []
    for name in hours:
        columns = {one: raw.table.column(one) for one in others}
        columns["time"] = pa.chunked_array([pa.array([name] * len(raw), pa.string())])
        columns["count"] = raw.table.column(name)
        parts.append(pa.table(columns))
    raw.notes.append(f"its columns {hours[0]} to {hours[-1]} are read as rows, one an interval")
    return Raw(raw.path, raw.form, pa.concat_tables(parts), raw.notes, raw.dropped, raw.clock)


def _too_many(path: Path, rows: int) -> LogError:
    return LogError(
        f"{path}: has {rows:,} rows or more, and at most {MOST_ROWS:,} are read; a few months of rows are enough: "
        f"cut it, for instance with `head -n {MOST_ROWS}`"
    )


def _too_wide(path: Path, columns: int, *, more: bool = False) -> LogError:
    return LogError(
        f"{path}: has {columns:,} columns{' or more' if more else ''}, and at most {MOST_COLUMNS:,} are read; keep "
        "those that tell when something came, was taken and ended, and who took it"
    )


def _too_large(path: Path, size: int) -> LogError:
    return LogError(
        f"{path}: is {size / 1e6:,.0f} MB unpacked, and at most {LARGEST // 1_000_000} MB are read; a few months of "
        "rows are enough: cut it, for instance with `head -n 500000`"
    )


def _content(path: Path) -> bytes:
    """The bytes of a file, unpacked where it is packed."""
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            file.seek(0)
            return file.read()
    try:
        with gzip.open(path) as packed:
            content = packed.read(LARGEST + 1)
    except (OSError, EOFError) as error:
        raise LogError(f"{path}: cannot be unpacked: {error}") from None
    if len(content) > LARGEST:
        raise _too_large(path, len(content))
    return content


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


# Text


def encoding_of(content: bytes) -> tuple[str, str]:
    """The encoding of some text, and what is to be said of it; ValueError where it is no text.

    >>> encoding_of("a;b\\n1;2\\n".encode("utf-16"))
    ('utf-16', 'it is written in UTF-16')
    >>> encoding_of(b"caf\\xe9,1\\n")[0]
    'cp1252'
    """
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16", "it is written in UTF-16"
    if content[:3] == b"\xef\xbb\xbf":
        return "utf-8-sig", ""
    sample = content[:SAMPLE]
    if b"\0" in sample:
        odd, even = sample[1::2].count(0), sample[::2].count(0)
        if odd > 0.3 * len(sample) / 2 and even < 0.05 * len(sample) / 2:
            return "utf-16-le", "it is written in UTF-16 without a mark"
        if even > 0.3 * len(sample) / 2 and odd < 0.05 * len(sample) / 2:
            return "utf-16-be", "it is written in UTF-16 without a mark"
        raise ValueError(f"is not text: byte {sample.index(0)} is 0")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252", "it is no UTF-8, and was read as Latin-1 (Windows-1252)"
    return "utf-8", ""


def delimiter_of(lines: list[str]) -> tuple[str, int]:
    """What parts the fields of some lines, and into how many; `,` and 1 where nothing does.

    >>> delimiter_of(["a;b;c", "1,5;2;3", "1,7;2;4"])
    (';', 3)
    """
    found = []
    for place, letter in enumerate(DELIMITERS):
        counts = Counter(_outside_quotes(line).count(letter) for line in lines)
        most, n = counts.most_common(1)[0]
        if most:
            found.append((n / len(lines), most, -place, letter))
    agreed = [one for one in found if one[0] >= 0.5] or found
    if not agreed:
        return ",", 1
    # A decimal comma is as regular as a delimiter: what parts the head as well is the one that parts the fields.
    in_head = [one for one in agreed if _outside_quotes(lines[0]).count(one[3]) == one[1]] or agreed
    best = max(in_head, key=lambda one: (round(one[0], 1), one[1], one[2]))
    return best[3], best[1] + 1


def _outside_quotes(line: str) -> str:
    return re.sub(r'"[^"]*"', "", line)


def _csv(path: Path, content: bytes) -> Raw:
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    try:
        encoding, note = encoding_of(content)
        content, text = _in_utf8(content, encoding)
    except ValueError as error:
        what = str(error) if not isinstance(error, UnicodeDecodeError) else f"is broken {encoding}: {error.reason}"
        raise LogError(f"{path}: {what}") from None
    notes = [note] if note else []
    letter, names, n_before = _head(path, text, notes)
    # Lines are counted in no time; where a field may hold some of its own, rows are, as they are read.
    if b'"' not in content and (n_lines := content.count(b"\n") - n_before) > MOST_ROWS:
        raise _too_many(path, n_lines)
    bad: Counter[str] = Counter()
    longest = 0

    def passed_over(row: Any) -> str:
        nonlocal longest
        longest = max(longest, row.text.count("\n"))
        bad[f"rows with {row.actual_columns} fields and not {row.expected_columns}"] += 1
        return "skip"

    if letter != ",":
        notes.append(f"its fields are parted by {'a tab' if letter == chr(9) else letter}")
    try:
        with pa_csv.open_csv(
            io.BytesIO(content),
            read_options=pa_csv.ReadOptions(column_names=names, skip_rows=n_before, block_size=1 << 24),
            parse_options=pa_csv.ParseOptions(
                delimiter=letter, newlines_in_values=True, invalid_row_handler=passed_over
            ),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        ) as reader:
            batches: list[Any] = []
            n_rows = 0
            for batch in reader:
                batches.append(batch)
                n_rows += batch.num_rows
                if b'"' in content:
                    longest = max(longest, _lines(batch))
                if n_rows > MOST_ROWS:
                    raise _too_many(path, n_rows)
            table = pa.Table.from_batches(batches, schema=reader.schema)
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        if "Empty CSV" in str(error):
            raise LogError(f"{path}: has a head of {len(names)} columns, and no row below it") from None
        if "straddl" in str(error):
            raise LogError(f"{path}: has a row of more than 16 MB: is a quotation mark left open?") from None
        raise LogError(f"{path}: is not a table of text: {_one_line(error)}") from None
    if longest > LONG_FIELD:
        notes.append(f"WARNING: one field holds {longest + 1:,} lines: is a quotation mark left open before them?")
    many = sum(bad.values())
    if many > table.num_rows:
        kind, n = bad.most_common(1)[0]
        raise LogError(f"{path}: {many} of {many + table.num_rows} lines do not fit the head ({n} {kind})")
    return Raw(path, "csv", table, notes, dict(bad))


def _head(path: Path, text: str, notes: list[str]) -> tuple[str, list[str], int]:
    """What parts the fields of a text, what its columns are called, and how many lines stand above the rows."""
    import csv

    lines = [line for line in text[:SAMPLE].splitlines()[:-1] or text[:SAMPLE].splitlines() if line.strip()]
    if not lines:
        raise LogError(f"{path}: has no line that is not empty")
    letter, n_columns = delimiter_of(lines[:400])
    skip = 0
    all_lines = text[:SAMPLE].splitlines()
    while skip < len(all_lines) - 1 and _outside_quotes(all_lines[skip]).count(letter) + 1 < min(n_columns, 2):
        skip += 1
    head = next(csv.reader([all_lines[skip]], delimiter=letter))
    if len(head) > MOST_COLUMNS:
        raise _too_wide(path, len(head), more=True)
    names = _unique([name.strip().lstrip("\ufeff") for name in head], notes)
    if skip > 0:
        notes.append(f"{skip} lines above the head were passed over")
    if any(re.fullmatch(r"(\d{4}-\d{2}-\d{2}|\d{1,2}[/.]\d{1,2}[/.]\d{2,4})([T ].*)?", name) for name in names):
        names = [f"column {at}" for at in range(1, len(names) + 1)]
        notes.append("its first line names no columns: they are called column 1, column 2 and so on")
        skip -= 1
    elif all(_is_number(name) for name in names if name):
        raise LogError(f"{path}: its first line names no columns, but holds values: {', '.join(names)[:80]}")
    return letter, names, skip + 1


def _lines(batch: Any) -> int:
    """The most breaks of lines that a field of some rows holds."""
    import pyarrow.compute as pc

    return max((pc.max(pc.count_substring(column, "\n")).as_py() or 0 for column in batch.columns), default=0)


def _in_utf8(content: bytes, encoding: str) -> tuple[bytes, str]:
    """Some text as bytes of UTF-8, and the beginning of it; bytes that are such already are not copied."""
    if encoding == "utf-8":
        return content, content[:SAMPLE].decode("utf-8", errors="ignore")
    if encoding == "utf-8-sig":
        return content[3:], content[3 : SAMPLE + 3].decode("utf-8", errors="ignore")
    text = content.decode(encoding, errors="replace" if encoding == "cp1252" else "strict")
    return text.encode("utf-8", errors="replace"), text[:SAMPLE]


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[-+]?[\d.,:/ T-]*\d[\d.,:/ TZ-]*%?", text))


def _unique(names: list[str], notes: list[str]) -> list[str]:
    """Names of columns of which no two are the same, and none is empty."""
    found: list[str] = []
    for place, name in enumerate(names, 1):
        plain = name or f"column {place}"
        if plain in found:
            notes.append(f"two columns are named '{plain}'; the later is called '{plain} ({place})'")
            plain = f"{plain} ({place})"
        found.append(plain)
    return found


# Workbooks and columns


def _xlsx(path: Path) -> Raw:
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(one.file_size for one in packed.infolist())
            names = packed.namelist()
    except zipfile.BadZipFile as error:
        raise LogError(f"{path}: cannot be unpacked: {error}") from None
    if size > LARGEST:
        raise _too_large(path, size)
    if not any(name.startswith("xl/") for name in names):
        raise LogError(f"{path}: is a zip file of {len(names)} files, not a workbook; unpack it first")
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise LogError(f"{path}: workbooks need openpyxl: pip install 'tipline[logs]'") from None
    import pyarrow as pa

    try:
        book = load_workbook(path, read_only=True, data_only=True)
        sheets = {name: list(_rows_of(path, book[name])) for name in book.sheetnames}
    except LogError:
        raise
    except (KeyError, ValueError, zipfile.BadZipFile, SyntaxError) as error:
        raise LogError(f"{path}: is not a workbook that can be read: {error}") from None
    name = max(sheets, key=lambda one: len(sheets[one]))
    rows = sheets[name]
    notes = [] if len(sheets) == 1 else [f"of its {len(sheets)} sheets '{name}', the longest, was read"]
    width = max((len(row) for row in rows), default=0)
    filled = Counter(sum(1 for cell in row if cell) for row in rows[:400])
    if not width or not filled:
        raise LogError(f"{path}: its sheets are empty")
    _must_fit(path, len(rows), width)
    usual = max(n for n, many in filled.items() if many >= max(filled.values()) / 2)
    at = next((place for place, row in enumerate(rows) if sum(1 for cell in row if cell) >= min(usual, 2)), 0)
    names = _unique([*rows[at], *[""] * (width - len(rows[at]))], notes)
    below = [row + [""] * (width - len(row)) for row in rows[at + 1 :] if any(row)]
    columns = list(zip(*below, strict=True)) if below else [()] * width
    table = pa.table({one: pa.array(column, pa.string()) for one, column in zip(names, columns, strict=True)})
    return Raw(path, "xlsx", table, notes)


def _rows_of(path: Path, sheet: Any) -> Iterator[list[str]]:
    # Rows above the head are no rows of the log; a sheet says in its first lines how many it has.
    if (sheet.max_row or 0) > MOST_ROWS + SPARE:
        raise _too_many(path, sheet.max_row - SPARE)
    for number, row in enumerate(sheet.iter_rows(values_only=True)):
        if number > MOST_ROWS + SPARE:
            raise _too_many(path, number - SPARE)
        cells = [_as_text(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > MOST_COLUMNS:
            raise _too_wide(path, len(cells))
        yield cells


def _as_text(value: Any) -> str:
    """A value as the text that it would be in a csv file."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e18:
        return str(int(value))
    if hasattr(value, "total_seconds"):
        return str(value.total_seconds() / 86_400)
    return str(value.isoformat(sep=" ") if hasattr(value, "hour") and hasattr(value, "year") else value).strip()


def _parquet(path: Path) -> Raw:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        if file.metadata.num_columns > MOST_COLUMNS:
            raise _too_wide(path, file.metadata.num_columns)
        size = sum(file.metadata.row_group(one).total_byte_size for one in range(file.metadata.num_row_groups))
        if file.metadata.num_rows > MOST_ROWS:
            raise _too_many(path, file.metadata.num_rows)
        if size > LARGEST:
            raise _too_large(path, size)
        # A text that stands in many rows may be told once: how much all of them are is known before they are made.
        texts = [file.metadata.schema.column(one) for one in range(file.metadata.num_columns)]
        names = [one.path for one in texts if one.physical_type == "BYTE_ARRAY"]
        once = pq.ParquetFile(path, read_dictionary=names)
        for name in names:
            size += sum(map(_spread, once.read([name]).columns))
            if size > LARGEST:
                raise _too_large(path, size)
        table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise LogError(f"{path}: is not a parquet file that can be read: {_one_line(error)}") from None
    told = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items() if key != b"pandas"}
    columns = {}
    zones = {kind.tz for kind in table.schema.types if pa.types.is_timestamp(kind) and kind.tz}
    for name, column in zip(table.column_names, table.columns, strict=True):
        kind = column.type
        if re.fullmatch(r"__index_level_\d+__", name) and pa.types.is_integer(kind):
            continue  # the numbers of its rows, as pandas writes them
        if pa.types.is_dictionary(kind):
            column, kind = column.cast(kind.value_type), kind.value_type
        if pa.types.is_timestamp(kind):
            zone = "Z" if kind.tz else ""
            column = pc.strftime(column.cast(pa.timestamp("us", kind.tz and "UTC")), format=f"%Y-%m-%dT%H:%M:%S{zone}")
        elif pa.types.is_list(kind) and not pa.types.is_nested(kind.value_type):
            # What the program writes of attempts, as in its CSV.
            texts = [" ".join(map(str, one)) if one else None for one in column.to_pylist()]
            column = pa.array(texts, pa.string())
        elif pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            continue
        columns[name] = column.cast(pa.string())
    if not columns:
        raise LogError(f"{path}: has no column that is text, number or time")
    clock = {key: told[f"tipline.run.{key}"] for key in ("start", "zone") if told.get(f"tipline.run.{key}")}
    notes = []
    if len(zones) == 1 and "/" in (zone := next(iter(zones))) and "zone" not in clock:
        clock["zone"] = zone
        notes.append(f"its times are of the zone {zone}, as it says itself")
    return Raw(path, "parquet", pa.table(columns), notes, clock=clock)


def _spread(column: pa.ChunkedArray) -> int:
    """Bytes of a column, where each of its rows has a text of its own."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    kind = column.type.value_type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind)):
        return int(column.nbytes)
    total = 0
    for one in column.iterchunks():
        each = pc.binary_length(one.dictionary)
        most = len(one) * int(pc.max(each).as_py() or 0)
        try:
            total += int(pc.sum(each.take(one.indices)).as_py() or 0) if most > LARGEST else 0
        except pa.ArrowIndexError:
            total += most  # parquet of old writers, in which a text may stand apart from the others
    return total


def _must_fit(path: Path, rows: int, columns: int) -> None:
    """LogError where a table that its rows need not fill has too many columns, or cells."""
    if columns > MOST_COLUMNS:
        raise _too_wide(path, columns)
    if rows * columns > MOST_CELLS:
        raise LogError(
            f"{path}: has {rows:,} rows of {columns:,} columns, and at most {MOST_CELLS:,} cells are read; keep the "
            "columns that are needed, or a few months of rows"
        )


# Event logs


def _xes(path: Path, content: bytes) -> Raw:
    """The events of an XES file, a row each: attributes of the event, and those of its trace with `case:` before."""
    from xml.etree.ElementTree import ParseError, iterparse

    plain = content.replace(b"\0", b"") if b"\0" in content[:SAMPLE] else content
    if re.search(rb"<!(DOCTYPE|ENTITY)", plain):
        raise LogError(f"{path}: defines entities, which no log needs, and is not read")
    rows: list[dict[str, str]] = []
    trace: dict[str, str] = {}
    of_trace: list[dict[str, str]] = []
    depth: list[str] = []
    names: set[str] = set()
    try:
        for what, element in iterparse(io.BytesIO(content), events=("start", "end")):
            tag = element.tag.rpartition("}")[2]
            if what == "start":
                depth.append(tag)
                continue
            depth.pop()
            if tag in ("string", "date", "int", "float", "boolean", "id") and depth and depth[-1] in ("event", "trace"):
                into = of_trace[-1] if depth[-1] == "event" and of_trace and "" in of_trace[-1] else None
                key, value = element.get("key", ""), element.get("value", "")
                if depth[-1] == "trace":
                    trace[f"case:{key}"] = value
                elif into is not None:
                    into[key] = value
                else:
                    of_trace.append({"": "", key: value})
            elif tag == "event":
                if of_trace and "" in of_trace[-1]:
                    del of_trace[-1][""]
                element.clear()
            elif tag == "trace":
                names.update(trace)
                for one in of_trace:
                    names.update(one)
                _must_fit(path, len(rows) + len(of_trace), len(names))
                rows += [trace | one for one in of_trace]
                trace, of_trace = {}, []
                element.clear()
            if len(rows) > MOST_ROWS:
                raise LogError(f"{path}: has more than {MOST_ROWS:,} events")
    except ParseError as error:
        raise LogError(f"{path}: is not XML: {error}") from None
    if not rows:
        raise LogError(f"{path}: holds no trace with events, as XES has them")
    return Raw(path, "xes", _table(rows))


def _ocel(path: Path, content: bytes) -> Raw:
    """The events of an OCEL 2.0 file, a row each, with a column for each type of object that they are about."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise LogError(f"{path}: is not JSON: {str(error)[:120]}") from None
    events, objects = (told.get(key) if isinstance(told, dict) else None for key in ("events", "objects"))
    if not isinstance(events, list) or not isinstance(objects, list):
        raise LogError(f"{path}: is JSON without `events` and `objects`, as OCEL 2.0 has them")
    if len(events) > MOST_ROWS:
        raise _too_many(path, len(events))
    kind = {str(one.get("id")): str(one.get("type", "object")) for one in objects if isinstance(one, dict)}
    rows = []
    names: set[str] = set()
    for one in events:
        if not isinstance(one, dict):
            continue
        row = {"activity": str(one.get("type", "")), "time": str(one.get("time", ""))}
        for given in _mappings(one.get("attributes")):
            row[str(given.get("name"))] = _as_text(given.get("value"))
        for given in _mappings(one.get("relationships")):
            about = str(given.get("objectId"))
            row.setdefault(f"object:{kind.get(about, 'object')}", about)
        rows.append(row)
        names.update(row)
        _must_fit(path, len(rows), len(names))
    if not rows:
        raise LogError(f"{path}: has no events")
    return Raw(path, "ocel", _table(rows))


def _mappings(told: Any) -> list[dict[str, Any]]:
    """The mappings of a list, whatever else stands in it or in its place."""
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _table(rows: list[dict[str, str]]) -> pa.Table:
    import pyarrow as pa

    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: pa.array([row.get(name, "") for row in rows], pa.string()) for name in names})


def opened(path: Path) -> IO[str]:
    """A text file of any of the encodings as one in UTF-8; LogError where it is none or too large."""
    content = _content(path)
    try:
        encoding, _ = encoding_of(content)
        return io.StringIO(content.decode(encoding), newline="")
    except ValueError as error:
        raise LogError(f"{path}: {error}") from None
