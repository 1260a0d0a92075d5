"""What no staff can mend, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sim.studies.tables import threshold_minutes

if TYPE_CHECKING:
    from sim.studies.unlimited import Hindrance, Limit

COLUMNS = (
    "target",
    "unit",
    "threshold_min",
    "share_or_mean",
    "value",
    "low",
    "high",
    "verdict",
    "beyond_staff",
    "in_the_way",
)


def table(limits: Sequence[Limit]) -> pd.DataFrame:
    """One row a target: what it comes to with unlimited staff, whether no staffing can meet it, and what hinders it.

    What is in the way is told with its share of the time, or for labels and ways of the tips, that fail.
    """
    rows = [
        (
            one.name,
            one.result.unit,
            threshold_minutes(one.result),
            *(one.result.in_unit(value) for value in (one.result.threshold, one.result.value)),
            *(one.result.in_unit(value) for value in (one.result.low, one.result.high)),
            one.result.verdict,
            one.beyond_staff,
            "; ".join(hindrance_words(way) for way in one.hindrances),
        )
        for one in limits
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def hindrance_words(way: Hindrance) -> str:
    """One thing in the way, with its share."""
    return f"{way.kind} {way.name} {way.share:.2f}"
