"""Words of which one is chosen, the same in documents, options and results; nothing is imported for them."""

from __future__ import annotations

from typing import Final, Literal, get_args

ReadingName = Literal["lenient", "moderate", "strict"]
READINGS: Final[tuple[ReadingName, ...]] = get_args(ReadingName)
"""The senses of a claim, the one that is kept most easily first."""

Per = Literal["run", "month", "week", "day"]
UNITS: Final[tuple[Per, ...]] = get_args(Per)
"""Calendar periods, in the order in which measures have them."""

ExportFormat = Literal["xes", "ocel", "vidigi", "xlsx", "csv"]
"""What a run is exported as, for other tools."""
