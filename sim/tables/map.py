"""The table of a plausibility map: its cells, each with its two values and what every target came to there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sim.tables.declared import Column, Family, Table, number, text, whole, yes
from sim.tables.figures import estimate_columns, per_target

if TYPE_CHECKING:
    from sim.studies.map import Cell, MapFound
    from sim.studies.ranges import Axis


@dataclass(frozen=True, slots=True)
class Place:
    """A cell where it stands in its map."""

    found: MapFound
    row: int
    column: int

    @property
    def cell(self) -> Cell:
        return self.found.cells[self.row][self.column]


def _value(axis: Axis, at: int) -> float | int | str:
    """A value of an axis in the unit of its column."""
    if not axis.numbers or isinstance(axis.values[at], int):
        return axis.values[at]
    return axis.numbers[at]


def _values(rows: Sequence[Place]) -> Iterable[Column[Place]]:
    if rows:
        x, y = rows[0].found.x, rows[0].found.y
        yield number(x.column, "", lambda row: _value(x, row.column), "the value of the first range")
        yield number(y.column, "", lambda row: _value(y, row.row), "the value of the second range")


def _judged(rows: Sequence[Place]) -> Iterable[Column[Place]]:
    if rows:
        yield whole(f"judged_{rows[0].found.per}s", "", lambda row: row.cell.judged, "periods with something to judge")


def _held(target: str) -> Column[Place]:
    def share(row: Place) -> float | None:
        told = zip(row.cell.targets, row.cell.held, strict=True)
        return next((held for one, held in told if one.name == target), None)

    return number(f"{target}_held", "share", share, "periods in which it held")


CELLS: Final = Table[Place](
    "map",
    "a cell: the share of runs or periods in which all targets hold, and which fails first",
    "The cells of the map",
    (
        Family("<path of x>, <path of y>", "the values of the two ranges, in the units of their heads", _values),
        whole("replications", "", lambda row: row.cell.replications, "that were run"),
        Family("judged_<period>s", "periods with something to judge", _judged),
        *estimate_columns("all_held", "share", lambda row: row.cell.share, "periods in which all targets hold"),
        yes("holds", lambda row: row.found.holds(row.cell), "whether that is the wanted share or more"),
        text("verdict", lambda row: row.cell.verdict, "on all targets together"),
        text("first_to_fail", lambda row: row.cell.first, "the target that holds in the fewest periods"),
        per_target(lambda row: row.cell.targets, interval=False, also=_held),
    ),
)


def cells(found: MapFound) -> Iterator[Place]:
    """Every cell, row by row of y."""
    return (Place(found, row, column) for row in range(len(found.y)) for column in range(len(found.x)))
