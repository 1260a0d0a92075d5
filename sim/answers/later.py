"""What commands leave that have no answers of their own yet: names and titles alone, for the report and the README.

A class goes from here when the command has its own, and the list in this room then names that one.
"""

from __future__ import annotations

from typing import Any

from sim.answers.answer import Answer, Plot
from sim.tables.declared import Table


def _table(name: str, title: str, one_row: str) -> Table[Any]:
    return Table(name, one_row, title, ())


class Claims(Answer[Any]):
    """What `claims` leaves."""

    command = "claims"
    leaves = (
        _table(
            "claims_together",
            "Each reading as a whole",
            "a reading of all claims: whether it can hold at once, what stands against it, what the rest needs",
        ),
        _table(
            "claims",
            "The claims, reading by reading",
            "a reading of a claim: what simulation says, and the staff it takes",
        ),
        _table(
            "relations",
            "What arithmetic says of the claims",
            "a relation between claims: the figures, the formula, the verdict",
        ),
    )
    plots = (
        Plot(
            "claims",
            "The claims",
            "Each claim under its lenient, moderate and strict reading: what arithmetic and what simulation say.",
            "",
            leaves,
        ),
    )
