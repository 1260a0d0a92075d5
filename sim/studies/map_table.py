"""The plausibility map as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.studies.ranges import Axis

if TYPE_CHECKING:
    from sim.studies.plausibility import Cell, Map


def table(found: Map) -> pd.DataFrame:
    """One row a cell: its two values, the share of periods in which all targets hold, and what each target came to."""
    rows = [
        {found.x.column: value_of(found.x, column), found.y.column: value_of(found.y, row), **_cell(found, cell)}
        for row, cells in enumerate(found.cells)
        for column, cell in enumerate(cells)
    ]
    return pd.DataFrame(rows)


def value_of(axis: Axis, at: int) -> float | int | str:
    """A value of an axis in the unit of its column."""
    if not axis.numbers:
        return axis.values[at]
    number = axis.numbers[at]
    return int(number) if isinstance(axis.values[at], int) else number


def _cell(found: Map, cell: Cell) -> dict[str, Any]:
    periods = f"judged_{found.per}s"
    row: dict[str, Any] = {
        "replications": cell.replications,
        periods: cell.judged,
        "all_held_share": cell.share.value,
        "low_share": cell.share.low,
        "high_share": cell.share.high,
        "holds": found.holds(cell),
        "verdict": cell.verdict,
        "first_to_fail": cell.first,
    }
    for one, held in zip(cell.targets, cell.held, strict=True):
        row[f"{one.name}_{one.unit}"] = one.in_unit(one.value)
        row[f"{one.name}_verdict"] = one.verdict
        row[f"{one.name}_held_share"] = held
    return row
