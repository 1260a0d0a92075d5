"""Tables as CSV files: the same bytes for the same figures, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sim.studies.keeping import write_atomic


def write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a table with figures rounded to 10 significant digits; what is missing is left empty."""
    write_atomic(path, csv_text(frame).encode())


def csv_text(frame: pd.DataFrame) -> str:
    """A table as CSV text.

    >>> csv_text(pd.DataFrame({"wait_min": [1 / 3, None], "tips": [2, 0]}))
    'wait_min,tips\\n0.3333333333,2\\n,0\\n'
    """
    return str(frame.to_csv(index=False, float_format="%.10g", lineterminator="\n"))
