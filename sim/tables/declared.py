"""What a result is called, once: a table declares its name, its columns with their units and meanings, and how each
cell is read off a row. CSV, JSON, data frames, page headings and the documents all come from the declaration.

Columns that several tables have alike stand here too: what a target came to, what it asks, shares with their intervals.
A table itself stands in the file of the command that leaves it: targets.csv, column by column, in `run.py`.
Nothing here knows a scenario or writes a file.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from sim.scenario.units import SHORT_WEEKDAYS

if TYPE_CHECKING:
    import pandas as pd

    from sim.measures.estimates import Estimate
    from sim.measures.targets import TargetResult
    from sim.scenario.plausible import Plausible
    from sim.studies.sensitivity import PlausibleRange


R = TypeVar("R")
K = TypeVar("K")

NUMBER, WHOLE, TEXT, YES = "number", "whole number", "text", "yes or no"
"""What a column may hold."""

_JSON: Final = {NUMBER: "number", WHOLE: "integer", TEXT: "string", YES: "boolean"}

_FORMULA: Final = re.compile(r"[=@]|[+-](?![\d.,]+ ?%?(/?\w+)?$)")
"""How a text begins that a spreadsheet takes for a formula; a number with its unit is none."""

MOST_ROWS: Final = 1_500
"""Rows of a file that are read back; the rest are counted."""


@dataclass(frozen=True)
class Column(Generic[R]):
    """One column: its name, its unit (which ends its head), what it says, and how a row gives its cell."""

    name: str
    get: Callable[[R], Any]
    says: str
    unit: str = ""
    holds: str = TEXT

    @property
    def head(self) -> str:
        """The name in every file, frame and JSON.

        >>> Column("wait_mean", float, "of those that started", "min").head
        'wait_mean_min'
        """
        return f"{self.name}_{self.unit}" if self.unit else self.name


def text(name: str, get: Callable[[R], Any], says: str) -> Column[R]:
    """A column of words."""
    return Column(name, get, says)


def number(name: str, unit: str, get: Callable[[R], Any], says: str) -> Column[R]:
    """A column of numbers in a unit; None and NaN are empty cells."""
    return Column(name, get, says, unit, NUMBER)


def whole(name: str, unit: str, get: Callable[[R], Any], says: str) -> Column[R]:
    """A column of counts."""
    return Column(name, get, says, unit, WHOLE)


def yes(name: str, get: Callable[[R], Any], says: str) -> Column[R]:
    """A column of True and False."""
    return Column(name, get, says, "", YES)


@dataclass(frozen=True)
class Family(Generic[R]):
    """Columns that there are once for each of something that only the rows tell: a target, a pool, a post."""

    pattern: str
    """How their heads look, for documents: `<target>_<unit>`."""
    says: str
    columns: Callable[[Sequence[R]], Iterable[Column[R]]]
    """The columns for the rows at hand."""


@dataclass(frozen=True)
class Table(Generic[R]):
    """One table: the name of its file, what a row is, and its columns in order."""

    name: str
    one_row: str
    """What a row is, as the documents list it."""
    title: str
    """Above it on a page."""
    columns: tuple[Column[R] | Family[R], ...]
    run_with: tuple[str, ...] = ()
    """Names of columns that say what a row was run with: a page lets its reader choose such rows. Families of paths of
    the document (`<path ...>`) say that anyway."""

    @property
    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema of its rows, as `Filled.records` gives them; columns of families are not named in it."""
        plain = [one for one in self.columns if isinstance(one, Column)]
        row: dict[str, Any] = {
            "type": "object",
            "properties": {one.head: {"type": [_JSON[one.holds], "null"], "description": one.says} for one in plain},
            "required": [one.head for one in plain],
            "additionalProperties": len(plain) < len(self.columns),
        }
        return {"type": "array", "description": f"a row is {self.one_row}", "items": row}

    def chosen(self, heads: Sequence[str]) -> list[str]:
        """Those heads of a file of this table that say what a row was run with."""
        return [
            head
            for one, mine in self.unfolded(heads)
            if (one.name in self.run_with if isinstance(one, Column) else one.pattern.startswith("<path"))
            for head in mine
        ]

    def unfolded(self, heads: Sequence[str]) -> list[tuple[Column[R] | Family[R], tuple[str, ...]]]:
        """Each declared column or family with its heads in a file; empty where the heads are not those of this table.

        Between two families there is a column at least.
        """
        found: list[tuple[Column[R] | Family[R], tuple[str, ...]]] = []
        at, rest = 0, list(self.columns)
        while rest:
            one = rest.pop(0)
            if isinstance(one, Column):
                if at >= len(heads) or heads[at] != one.head:
                    return []
                found.append((one, (heads[at],)))
                at += 1
                continue
            following = next((column.head for column in rest if isinstance(column, Column)), None)
            if following is not None and following not in heads[at:]:
                return []
            until = len(heads) if following is None else at + list(heads[at:]).index(following)
            found.append((one, tuple(heads[at:until])))
            at = until
        return found if at == len(heads) else []

    def columns_of(self, rows: Sequence[R]) -> list[Column[R]]:
        """The columns for the rows at hand, those of families unfolded."""
        found: list[Column[R]] = []
        for one in self.columns:
            found += one.columns(rows) if isinstance(one, Family) else [one]
        return found

    def of(self, rows: Iterable[R]) -> Filled:
        """The table of these rows."""
        rows = tuple(rows)
        columns = self.columns_of(rows)
        return Filled(self, tuple(columns), tuple(tuple(column.get(row) for column in columns) for row in rows))

    def read(self, content: str, most: int = MOST_ROWS) -> Records:
        """The rows of a file of this table, its cells as the declared columns hold them."""
        known = {one.head: one.holds for one in self.columns if isinstance(one, Column)}
        return read(content, known, most)


@dataclass(frozen=True, slots=True)
class Filled:
    """A table with its cells, row by row."""

    table: Table[Any]
    columns: tuple[Column[Any], ...]
    cells: tuple[tuple[Any, ...], ...]

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def frame(self) -> pd.DataFrame:
        """As a data frame, its columns named as in every file; counts with gaps stay whole numbers."""
        import pandas as pd

        columns = {}
        for at, column in enumerate(self.columns):
            cells = [row[at] for row in self.cells]
            gaps = column.holds == WHOLE and any(cell is None for cell in cells)
            columns[column.head] = pd.Series(cells, dtype="Int64") if gaps else pd.Series(cells, dtype=_dtype(cells))
        return pd.DataFrame(columns)

    @property
    def records(self) -> list[dict[str, Any]]:
        """As strict JSON can say it: a mapping a row, in which None stands for what is infinite or was not counted."""
        heads = [column.head for column in self.columns]
        return [dict(zip(heads, map(finite, row), strict=True)) for row in self.cells]

    @property
    def csv(self) -> str:
        """As CSV text: numbers to 10 significant digits, what is missing left empty."""
        # As pandas would write the frame, which takes half a second to import.
        into = io.StringIO()
        lines = csv.writer(into, lineterminator="\n")
        lines.writerow([column.head for column in self.columns])
        said = (_said([row[at] for row in self.cells], one.holds) for at, one in enumerate(self.columns))
        lines.writerows(zip(*said, strict=True))
        return into.getvalue()


def _dtype(cells: Sequence[Any]) -> Any:
    return None if cells else object


def _said(cells: Sequence[Any], holds: str) -> list[Any]:
    """The cells of a column as CSV has them: where any number is broken or missing all have 10 digits at most."""
    gone = [cell is None or cell != cell for cell in cells]
    if any(isinstance(cell, bool) or not isinstance(cell, Real) for cell in cells if cell is not None):
        said = [_as_text(cell) if isinstance(cell, str) else cell for cell in cells]
        return [None if missing else cell for cell, missing in zip(said, gone, strict=True)]
    whole = [missing or isinstance(cell, Integral) for cell, missing in zip(cells, gone, strict=True)]
    if all(whole) and (holds == WHOLE or not any(gone)):
        return [None if missing else int(cell) for cell, missing in zip(cells, gone, strict=True)]
    return [None if missing else f"{float(cell):.10g}" for cell, missing in zip(cells, gone, strict=True)]


def _as_text(cell: str) -> str:
    """A text that a spreadsheet would reckon with as a formula, with the mark of a text before it.

    >>> _as_text("=1+1"), _as_text("-5 %"), _as_text("rapid")
    ("'=1+1", '-5 %', 'rapid')
    """
    return f"'{cell}" if _FORMULA.match(cell) else cell


def finite(value: Any) -> Any:
    """Data as JSON can say it: nothing stands for infinity and for what is not there.

    >>> finite({"low": float("inf"), "verdicts": ("met", None), 3: float("nan")})
    {'low': None, 'verdicts': ['met', None], '3': None}
    """
    if isinstance(value, Mapping):
        return {str(key): finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


@dataclass(frozen=True, slots=True)
class Records:
    """A CSV file read back: every row by its heads, cells as numbers, truths and texts."""

    heads: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...]
    n_rows: int
    """Rows of the file; more than there are here where it is long."""

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return iter(self.rows)


def read(content: str, known: Mapping[str, str] | None = None, most: int = MOST_ROWS) -> Records:
    """The rows of CSV text, as many as `most`; csv.Error where it is none.

    Cells of a column that is not `known` are numbers where they read as such; empty ones are None.

    >>> read("target,value\\nrapid,0.5\\n1,\\n", {"target": TEXT}).rows
    ({'target': 'rapid', 'value': 0.5}, {'target': '1', 'value': None})
    """
    lines = csv.reader(io.StringIO(content, newline=""), strict=True)
    heads = tuple(next(lines, ()))
    kept: list[Mapping[str, Any]] = []
    n_rows = 0
    for row in lines:
        n_rows += 1
        if len(kept) < most:
            cells = (_cell(cell, (known or {}).get(head)) for head, cell in zip(heads, row, strict=False))
            kept.append(dict(zip(heads, cells, strict=False)))
    return Records(heads, tuple(kept), n_rows)


def _cell(cell: str, holds: str | None) -> Any:
    if not cell:
        return None
    if holds == TEXT:
        return cell[1:] if cell[0] == "'" and _FORMULA.match(cell[1:]) else cell
    if holds in (YES, None) and cell in ("True", "False"):
        return cell == "True"
    try:
        return float(cell) if holds == NUMBER or not cell.lstrip("-").isdigit() else int(cell)
    except ValueError:
        return cell


# Columns that several tables have alike


def asked_columns(result: Callable[[R], TargetResult | None]) -> tuple[Column[R], ...]:
    """What a target asks: the unit of its figures, the time within which, the threshold."""
    return (
        text("unit", of(result, lambda one: one.unit), "of threshold, value and interval: share, or min"),
        number("within", "min", of(result, lambda one: one.within_minutes), "the time in which a share is asked for"),
        number("threshold", "", of(result, lambda one: one.in_unit(one.threshold)), "what is asked, in the unit"),
    )


def came_columns(result: Callable[[R], TargetResult | None], before: str = "") -> tuple[Column[R], ...]:
    """What a target came to, in its unit, and the verdict; heads begin with `before`."""
    return (
        number(f"{before}value", "", of(result, lambda one: one.in_unit(one.value)), "what it came to, in the unit"),
        number(f"{before}low", "", of(result, lambda one: one.in_unit(one.low)), "the lower end of its interval"),
        number(f"{before}high", "", of(result, lambda one: one.in_unit(one.high)), "the upper end of its interval"),
        text(f"{before}verdict", of(result, lambda one: one.word), "met, missed or undecided; kept or broken"),
    )


def estimate_columns(name: str, unit: str, get: Callable[[R], Estimate], says: str) -> tuple[Column[R], ...]:
    """An estimate with its interval: `<name>`, `<name>_low`, `<name>_high`."""
    return (
        number(name, unit, lambda row: get(row).value, says),
        number(f"{name}_low", unit, lambda row: get(row).low, "the lower end of its interval"),
        number(f"{name}_high", unit, lambda row: get(row).high, "the upper end of its interval"),
    )


def hour_columns(hour: Callable[[R], int]) -> tuple[Column[R], ...]:
    """Which hour of the week it is."""
    return (
        whole("hour_of_week", "h", hour, "from 0, Monday at midnight"),
        text("weekday", lambda row: SHORT_WEEKDAYS[hour(row) // 24], "Mon to Sun"),
        whole("hour", "h", lambda row: hour(row) % 24, "of the day"),
    )


def for_each(
    pattern: str, says: str, keys: Callable[[R], Iterable[K]], columns: Callable[[K], Iterable[Column[R]]]
) -> Family[R]:
    """The columns of each of the keys that the first row tells; none where there is no row."""
    return Family(pattern, says, lambda rows: [one for key in keys(rows[0]) for one in columns(key)] if rows else [])


def by_pool(*told: tuple[str, str, str]) -> Family[Any]:
    """For each pool in a row, whose `pools` have them by name, as many numbers: what they are of, units, meanings."""

    def columns(name: str) -> Iterator[Column[Any]]:
        for at, (what, unit, says) in enumerate(told):
            yield number(f"{name}_{what}", unit, of(lambda row: row.pools[name], itemgetter(at)), says)

    pattern = ", ".join(f"<pool>_{what}_{unit}" for what, unit, _ in told)
    return for_each(pattern, "each pool in that hour", lambda row: row.pools, columns)


def people_at_posts(paths: Callable[[R], Iterable[str]], people: Callable[[R], Mapping[str, int]]) -> Family[R]:
    """The people at each of the posts that a row names by their paths in the document."""
    return for_each(
        "<post>_people",
        "people at each post, by its path in the document",
        paths,
        lambda path: [whole(f"{path}_people", "", of(people, lambda one: one.get(path)), "people there")],
    )


def of_unknowns(
    unknowns: Callable[[R], Sequence[PlausibleRange]], numbers: Callable[[R], Sequence[float]]
) -> Family[R]:
    """The value of each unknown in a row, in the unit of its head."""

    def columns(key: tuple[int, PlausibleRange]) -> list[Column[R]]:
        i, unknown = key
        as_it_is = int if unknown.range.whole else float
        return [number(unknown.column, "", of(numbers, lambda one: as_it_is(one[i])), "the value of the unknown")]

    says = "its value, in the unit of the head"
    return for_each("<path of an unknown>", says, lambda row: enumerate(unknowns(row)), columns)


def range_unit(get: Callable[[R], Plausible]) -> Column[R]:
    """The unit of the values of a range."""
    return text("unit", of(get, lambda one: {"%": "share", "": "number"}.get(one.unit, one.unit)), "of the values")


def per_target(
    results: Callable[[R], Sequence[TargetResult]],
    *,
    interval: bool = True,
    verdict: bool = True,
    also: Callable[[str], Column[R]] | None = None,
) -> Family[R]:
    """For each target what it came to in a row: `<target>_<unit>`, with its interval, and `<target>_verdict`.

    `also` gives one column more of each target. Cells stay empty in a row that has no such target.
    """

    def columns(rows: Sequence[R]) -> Iterable[Column[R]]:
        units = {one.name: one.unit for row in rows for one in results(row)}
        for name, unit in units.items():
            mine = _named(results, name)
            yield number(name, unit, of(mine, lambda one: one.in_unit(one.value)), "what the target came to")
            if interval:
                yield number(f"{name}_low", unit, of(mine, lambda one: one.in_unit(one.low)), "its lower end")
                yield number(f"{name}_high", unit, of(mine, lambda one: one.in_unit(one.high)), "its upper end")
            if verdict:
                yield text(f"{name}_verdict", of(mine, lambda one: one.word), "its verdict")
            if also is not None:
                yield also(name)

    heads = ["<target>_<unit>"]
    heads += ["<target>_low_<unit>", "<target>_high_<unit>"] if interval else []
    heads += ["<target>_verdict"] if verdict else []
    heads += [also("<target>").head] if also is not None else []
    return Family(", ".join(heads), "what each target came to", columns)


def of(get: Callable[[R], Any], then: Callable[[Any], Any]) -> Callable[[R], Any]:
    """What `then` says of what `get` gives; None where that is None."""

    def cell(row: R) -> Any:
        found = get(row)
        return None if found is None else then(found)

    return cell


def _named(results: Callable[[R], Sequence[TargetResult]], name: str) -> Callable[[R], TargetResult | None]:
    return lambda row: next((one for one in results(row) if one.name == name), None)
