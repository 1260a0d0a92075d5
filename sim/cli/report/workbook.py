"""A folder of results as one workbook, as a planner hands it on: verdicts, the week, the dates, the roster, what it
costs, what was assumed and on whose word, and the figures.

Numbers are written as numbers and dates as dates, so that a spreadsheet shows them as its reader's country does; shares
are shown in percent. Nothing is reckoned here but sums, which are formulas too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from sim.answers import every
from sim.cli.report.page import answers, heading, judged
from sim.cli.report.results import Folder, TableFile, declared_tables
from sim.scenario import units
from sim.scenario.cost import a_month
from sim.scenario.plausible import SPREAD_WORDS
from sim.scenario.units import SHORT_WEEKDAYS
from sim.studies.keeping import versions
from sim.tables.declared import Column
from sim.text.words import so_many

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

    from sim.scenario.schema import Scenario

NAMES: Final = {"targets": "Verdicts", "intervals": "Intervals", "dates": "Dates", "pools": "Pools", "stages": "Stages"}
"""The sheets of the tables that are asked for most; every other one is called after its table."""

NUMBERS: Final = {
    "share": "0.0%",
    "tips": "#,##0.0",
    "whole": "#,##0",
    "min": "#,##0.0",
    "minutes": '#,##0.0" min"',
    "h": "#,##0.0",
    "money": "#,##0",
    "number": "#,##0.00",
    "date": "yyyy-mm-dd",
}
"""How numbers look, by what they are; the marks are those of every country."""

WHOLE: Final = ("tips", "number", "h", "")
"""What is told without a fraction where it is a count."""

WHITE: Final = "#ffffff"
ASIDE: Final = "#606060"
"""The colour of words beside a table."""

KEPT_FILL: Final = "#d4ead7"
BROKEN_FILL: Final = "#f6d5d0"
VERDICT_COLOURS: Final = {
    **dict.fromkeys(("met", "kept", "reproduced"), KEPT_FILL),
    **dict.fromkeys(("missed", "broken", "not reproduced"), BROKEN_FILL),
    "undecided": "#fbeebf",
}

BY_UNIT: Final = ("threshold", "value", "low", "high", "simultaneous_low", "simultaneous_high", "observed")
"""Columns of mixed units: the cell `unit` of the row tells which."""

MOST_ACROSS: Final = 16
"""Columns that are still to be read where they are printed on one page."""

WIDTH: Final = 900
"""Pixels of a figure."""


@dataclass(slots=True)
class _Book:
    """A workbook under way, with the formats that it has so far."""

    book: Workbook
    made: dict[tuple[tuple[str, Any], ...], Format] = field(default_factory=dict)

    def style(self, **told: Any) -> Format:
        """A format, made once."""
        key = tuple(sorted(told.items()))
        if key not in self.made:
            self.made[key] = self.book.add_format({"font_name": "Calibri", "valign": "top", **told})
        return self.made[key]

    @property
    def head(self) -> Format:
        return self.style(bold=True, text_wrap=True, bg_color="#e6e6e6", bottom=1)

    @property
    def title(self) -> Format:
        return self.style(bold=True, font_size=16)

    @property
    def wrapped(self) -> Format:
        return self.style(text_wrap=True)

    def sheet(self, name: str, heads: Sequence[str] = ()) -> Worksheet:
        """A new sheet with the heads of its columns, printed on one page across where they fit there."""
        sheet = self.book.add_worksheet(name[:31])
        sheet.set_landscape()
        sheet.set_paper(9)
        if len(heads) <= MOST_ACROSS:
            sheet.fit_to_pages(1, 0)
        for column, head in enumerate(heads):
            sheet.write_string(0, column, head, self.head)
        if heads:
            sheet.repeat_rows(0)
            sheet.set_row(0, 15 * max(1, *(len(head) // 11 + 1 for head in heads)) + 3)
        return sheet

    def put(self, sheet: Worksheet, row: int, column: int, cell: Any, looks: str = "", **style: Any) -> None:
        """One cell: a number, a date, a truth or a text; nothing for what is missing."""
        if cell is None or (isinstance(cell, float) and math.isnan(cell)):
            sheet.write_blank(row, column, None, self.style(**style))
        elif isinstance(cell, bool):
            sheet.write_string(row, column, "yes" if cell else "no", self.style(**style))
        elif isinstance(cell, float) and math.isinf(cell):
            sheet.write_string(row, column, "endless", self.style(**{"align": "right"} | style))
        elif isinstance(cell, int | float):
            looks = "whole" if isinstance(cell, int) and looks in WHOLE else looks
            sheet.write_number(row, column, cell, self.style(num_format=NUMBERS.get(looks, "General"), **style))
        elif isinstance(cell, date):
            day = datetime(cell.year, cell.month, cell.day)
            sheet.write_datetime(
                row, column, day, self.style(**{"num_format": NUMBERS["date"], "align": "left"} | style)
            )
        else:
            sheet.write_string(row, column, str(cell), self.style(**style))


def workbook(folder: Folder) -> bytes:
    """The workbook of one folder of results. RuntimeError where XlsxWriter is not installed."""
    import xlsxwriter

    into = BytesIO()
    book = _Book(xlsxwriter.Workbook(into, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}))
    # The same results give the same bytes.
    book.book.set_properties({"title": folder.title, "created": datetime(2000, 1, 1)})
    _summary(book, folder)
    named = [name for name in NAMES if name in folder.tables]
    for name in (*named, "", *(name for name in folder.tables if name not in NAMES)):
        if name:
            _table(book, folder.tables[name], NAMES.get(name, heading(name).capitalize()))
            continue
        _roster(book, folder)
        _costs(book, folder)
        _assumptions(book, folder)
        _figures(book, folder)
    _columns(book, folder)
    book.book.close()
    return into.getvalue()


def _summary(book: _Book, folder: Folder) -> None:
    """What was found, in sentences and verdict by verdict."""
    sheet = book.sheet("Summary")
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 46)
    sheet.set_column(2, 5, 14)
    sheet.write_string(0, 0, folder.title, book.title)
    row = 1
    lines = [folder.scenario.about] if folder.scenario is not None and folder.scenario.about else []
    for line in (*lines, *answers(folder)):
        sheet.merge_range(row, 0, row, 5, line, book.wrapped)
        sheet.set_row(0, 15 * math.ceil(len(line) / 120))
        row += 1
    notes = folder.manifest.get("notes")
    for line in notes if isinstance(notes, list) else ():
        sheet.merge_range(row, 0, row, 5, f"WARNING: {line}", book.style(text_wrap=True, bold=True))
        sheet.set_row(0, 15 * math.ceil(len(str(line)) / 110))
        row += 1
    row += 1
    for column, head in enumerate(("target", "asked", "came to", "from", "to", "verdict")):
        sheet.write_string(row, column, head, book.head)
    for one in (one for rows in judged(folder, "targets").values() for one in rows):
        row += 1
        how = "minutes" if one.unit == "min" else "share"
        name = f"{one.target} ({one.claim})" if one.claim else one.target
        colour = VERDICT_COLOURS.get(one.verdict, WHITE)
        for column, cell in enumerate((name, one.asked, one.value, one.low, one.high)):
            book.put(sheet, row, column, cell, how)
        book.put(sheet, row, 5, one.verdict, bold=True, bg_color=colour)
    row += 2
    seed, n = folder.manifest.get("seed"), folder.manifest.get("n_replications")
    runs = f", seed {seed}, {so_many(n, 'replication')}" if seed is not None and n is not None else ""
    made = f"Made by tipline {versions()['tipline']}{runs}"
    sheet.write_string(row, 0, f"{made}. From and to: the ends of the interval.", book.style(font_color=ASIDE))


# Tables as they are declared


def _table(book: _Book, table: TableFile, name: str) -> None:
    """A table, its head frozen, every cell as its column says."""
    heads = table.records.heads
    sheet = book.sheet(name, [heading(head) for head in heads])
    sheet.freeze_panes(1, 2 if len(heads) > 8 else 1)
    if table.records.rows:
        sheet.autofilter(0, 0, len(table.records.rows), len(heads) - 1)
    for column, head in enumerate(heads):
        texts = [str(one[head]) for one in table.records.rows[:200] if isinstance(one.get(head), str)]
        longest = max((len(word) for word in heading(head).split()), default=0)
        sheet.set_column(column, column, min(max(9, longest + 2, *(len(text) + 2 for text in texts), 0), 44))
    for row, told in enumerate(table.records.rows, start=1):
        for column, head in enumerate(heads):
            cell = told.get(head)
            if head == "date" and isinstance(cell, str):
                cell = _date(cell)
            style = {"bg_color": VERDICT_COLOURS[cell]} if "verdict" in head and cell in VERDICT_COLOURS else {}
            book.put(sheet, row, column, cell, looks(head, told), **style)
    if left := table.records.n_rows - len(table.records.rows):
        sheet.write_string(len(table.records.rows) + 1, 0, f"{left} rows more are in {table.name}.csv", book.style())


def looks(head: str, row: Mapping[str, Any]) -> str:
    """What the numbers of a column are, by the unit that ends its head.

    >>> looks("occupancy_low_share", {}), looks("value", {"unit": "min"}), looks("replication", {})
    ('share', 'minutes', 'number')
    """
    if head in BY_UNIT:
        return "minutes" if row.get("unit") == "min" else "share"
    if "cost" in head:
        return "money"
    if head.endswith(("_h_a_week", "_tips_an_hour")):
        return "h"
    last = head.rsplit("_", 1)[-1]
    return last if last in ("share", "tips", "min", "h") else "number"


def _date(text: str) -> date | str:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return text


# What is not a table


def _roster(book: _Book, folder: Folder) -> None:
    """Staffing as a grid: the rows of the roster, and for each pool the people on duty by weekday and interval."""
    week = folder.tables.get("intervals")
    pools = [
        head.removesuffix("_on_duty_people") for head in (week.records.heads if week else ()) if "_on_duty_p" in head
    ]
    if week is None or not pools:
        return
    sheet = book.sheet("Roster")
    sheet.set_column(0, 0, 13)
    sheet.set_column(1, 2 * len(SHORT_WEEKDAYS), 6)
    rows = list(week.records.rows)
    times = list(dict.fromkeys(str(one["from"]) for one in rows))
    on = {(str(one["from"]), str(one["weekday"])): one for one in rows}
    sheet.write_string(0, 0, "People on duty; in grey beside them, those whom the work would keep busy", book.title)
    top = 2
    if folder.scenario is not None:
        top = _shifts(book, sheet, top, folder.scenario)
    for pool in pools:
        sheet.write_string(top, 0, heading(pool), book.head)
        for day, name in enumerate(SHORT_WEEKDAYS):
            sheet.merge_range(top, 2 * day + 1, top, 2 * day + 2, name, book.head)
        for row, time in enumerate(times, start=top + 1):
            sheet.write_string(row, 0, time, book.style(bold=True))
            for day, name in enumerate(SHORT_WEEKDAYS):
                told = on.get((time, name), {})
                book.put(sheet, row, 2 * day + 1, told.get(f"{pool}_on_duty_people"), align="center")
                needed = told.get(f"{pool}_needed_people")
                book.put(sheet, row, 2 * day + 2, needed, font_color="#909090", align="center")
        most = max((float(one.get(f"{pool}_on_duty_people") or 0) for one in rows), default=0.0)
        for day in range(len(SHORT_WEEKDAYS)) if most else ():
            colours = {"type": "2_color_scale", "min_color": WHITE, "max_color": "#7fb2d9"}
            ends = {"min_type": "num", "min_value": 0, "max_type": "num", "max_value": most}
            sheet.conditional_format(top + 1, 2 * day + 1, top + len(times), 2 * day + 1, colours | ends)
        top += len(times) + 2


def _shifts(book: _Book, sheet: Worksheet, top: int, scenario: Scenario) -> int:
    """The rows of the roster as the document has them; the row after them."""
    for column, head in enumerate(("from", "to", "", "people", "", "days", "", "", "", "pool", "", "", "", "", "")):
        sheet.write_string(top, column, head, book.head)
    for pool, begins, ends, days, people in _rows_of_shifts(scenario):
        top += 1
        for column, cell in ((0, begins), (1, ends), (3, people), (5, days), (9, pool)):
            book.put(sheet, top, column, cell, align="left")
    return top + 2


def _rows_of_shifts(scenario: Scenario) -> Iterator[tuple[str, str, str, str, int]]:
    for name, pool in scenario.pools.items():
        if pool.staff:
            yield name, "around the clock", "", "daily", pool.staff
        for shift in pool.shifts:
            days = "some dates" if shift.on else "daily" if len(shift.days) == 7 else units.day_names(shift.days)
            yield name, units.clock(shift.from_), units.clock(shift.to), days, shift.staff
        if pool.levels is not None:
            yield name, "by interval", "", "as levels say", 0


def _costs(book: _Book, folder: Folder) -> None:
    """What each pool costs a month, in paid hours and in money, with the sum."""
    pools, scenario = folder.tables.get("pools"), folder.scenario
    if pools is None:
        return
    currency = (scenario.run.currency or "") if scenario is not None else ""
    heads = ("pool", "centre", "FTE", "hours paid", "of them overtime", f"price an hour {currency}", f"cost {currency}")
    sheet = book.sheet("Costs a month", [head.strip() for head in heads])
    sheet.set_column(0, 1, 18)
    sheet.set_column(2, 8, 14)
    sheet.freeze_panes(1, 1)
    rows = [one for one in pools.records.rows if one.get("centre") != "all"]
    for row, one in enumerate(rows, start=1):
        pool = scenario.pools.get(str(one["pool"])) if scenario is not None else None
        hours = [_a_month(one.get(f"{name}_h_a_week")) for name in ("paid", "overtime")]
        cells = (one["pool"], one.get("centre"), one.get("fte"), *hours, pool.price if pool else None)
        for column, cell in enumerate(cells):
            book.put(sheet, row, column, cell, ("", "", "number", "h", "h", "number")[column])
        book.put(sheet, row, 6, one.get("cost_a_month"), "money")
    last = len(rows) + 1
    sheet.write_string(last, 0, "all", book.style(bold=True, top=1))
    for column, head, how in (
        (2, "fte", "number"),
        (3, "paid", "h"),
        (4, "overtime", "h"),
        (6, "cost_a_month", "money"),
    ):
        sums = [one.get(head) if head in one else _a_month(one.get(f"{head}_h_a_week")) for one in rows]
        letter = "ABCDEFG"[column]
        total = math.fsum(one for one in sums if isinstance(one, int | float))
        style = book.style(bold=True, top=1, num_format=NUMBERS[how])
        sheet.write_formula(last, column, f"=SUM({letter}2:{letter}{last})", style, total)
    said = ["A month is the twelfth of a year of 365 days; hours on the line over one less shrinkage, and overtime."]
    if scenario is not None and all(pool.price == 1 for pool in scenario.pools.values()):
        said.append("No price is given: the cost counts an hour as 1.")
    for row, line in enumerate(said, start=last + 2):
        sheet.write_string(row, 0, line, book.style(font_color=ASIDE))


def _a_month(hours: Any) -> float | None:
    return a_month(hours) if isinstance(hours, int | float) else None


def _assumptions(book: _Book, folder: Folder) -> None:
    """Every value of the document, with the range and the source that it gives."""
    scenario = folder.scenario
    if scenario is None:
        return
    sheet = book.sheet("Assumptions", ("value of", "is", "from", "to", "spread", "source"))
    sheet.freeze_panes(1, 1)
    for column, width in enumerate((52, 24, 12, 12, 32, 60)):
        sheet.set_column(column, column, width)
    ranges = dict(scenario.plausible)
    parts = ("run", "calendars", "demand", "centres", "labels", "pools", "stages")
    found = {path: value for part in parts for path, value in _leaves(scenario.tree.get(part), part)}
    found |= {path: None for path in ranges if path not in found}
    for row, (path, value) in enumerate(found.items(), start=1):
        told = ranges.get(path)
        ends: tuple[str | None, ...] = (None,) * 4
        if told is not None:
            likely = "" if told.given_likely is None else f"most likely {told.given_likely}, "
            ends = (told.from_text, told.to_text, likely + SPREAD_WORDS[told.spread], told.source)
        for column, cell in enumerate((path, value, *ends)):
            book.put(sheet, row, column, cell, text_wrap=column > 3, align="left")


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The values of a document by path; short lists as one text. Stages go by their names.

    >>> list(_leaves({"by_hour": [1, 2], "volume": "60/h"}, "demand"))
    [('demand.by_hour', '1, 2'), ('demand.volume', '60/h')]
    """
    if isinstance(value, Mapping):
        for key, child in value.items():
            yield from _leaves(child, f"{path}.{key}")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        if any(isinstance(child, Mapping) for child in value):
            for number, child in enumerate(value):
                name = child.get("name", number) if isinstance(child, Mapping) else number
                yield from _leaves(child, f"{path}.{name}")
        else:
            yield path, ", ".join(str(child) for child in value)
    elif value is not None:
        yield path, value if isinstance(value, int | float) else str(value)


def _figures(book: _Book, folder: Folder) -> None:
    """The figures one below the other, with their titles."""
    import struct

    titles = {plot.name: plot.title for answer in every() for plot in answer.plots}
    pictures = [(name, file.with_suffix(".png")) for name, file in folder.figures.items()]
    pictures = [(name, file) for name, file in pictures if file.is_file()]
    if not pictures:
        return
    sheet = book.sheet("Figures")
    sheet.hide_gridlines(2)
    row = 0
    for name, file in pictures:
        content = file.read_bytes()
        width, height = struct.unpack(">II", content[16:24])
        scale = WIDTH / width
        sheet.write_string(row, 0, titles.get(name, heading(name)), book.style(bold=True, font_size=13))
        place = {"image_data": BytesIO(content), "description": titles.get(name, name), "object_position": 2}
        # The size that a picture has of itself is in inches; what is asked for is in pixels of 96 to the inch.
        sheet.insert_image(row + 1, 0, file.name, {**place, **_scaled(content, scale)})
        row += 3 + math.ceil(height * scale / 20)


def _scaled(content: bytes, scale: float) -> dict[str, float]:
    """How much a picture is made larger to come to `scale` times its pixels, whatever its resolution says."""
    at = content.find(b"pHYs")
    inch = int.from_bytes(content[at + 4 : at + 8], "big") * 0.0254 if at > 0 else 96.0
    return {"x_scale": scale * inch / 96, "y_scale": scale * inch / 96}


def _columns(book: _Book, folder: Folder) -> None:
    """What every column of every table says."""
    sheet = book.sheet("Columns", ("table", "column", "unit", "says"))
    sheet.freeze_panes(1, 0)
    for column, width in enumerate((22, 40, 14, 80)):
        sheet.set_column(column, column, width)
    row = 0
    declared = declared_tables()
    for name in folder.tables:
        for one in declared[name].columns if name in declared else ():
            row += 1
            told = (one.head, one.unit, one.says) if isinstance(one, Column) else (one.pattern, "", one.says)
            for column, cell in enumerate((heading(name), *told)):
                book.put(sheet, row, column, cell or None, text_wrap=column == 3)
