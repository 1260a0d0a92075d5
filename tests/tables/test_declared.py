"""CSV is written as pandas writes the same frame."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given, settings

from sim.tables.declared import NUMBER, TEXT, WHOLE, YES, Column, Filled, Table, read

MISSING = st.sampled_from([None, float("nan")])
NUMBERS = st.floats(allow_nan=True) | st.floats().map(np.float64)
COUNTS = st.integers(-(10**14), 10**14) | st.integers(-(10**14), 10**14).map(np.int64)
WORDS = st.sampled_from(["", "a", "x,y", 'q"q', "l\nm", "l\rm", " s ", "1", "nan"])
COLUMNS = st.one_of(
    st.tuples(st.just(NUMBER), st.lists(NUMBERS | MISSING)),
    st.tuples(st.just(NUMBER), st.lists(NUMBERS | COUNTS | st.none())),
    st.tuples(st.just(NUMBER), st.lists(COUNTS | st.none())),
    st.tuples(st.just(WHOLE), st.lists(COUNTS | st.none())),
    st.tuples(st.just(YES), st.lists(st.booleans() | st.none())),
    st.tuples(st.just(TEXT), st.lists(WORDS | st.none())),
    st.tuples(st.just(TEXT), st.lists(WORDS | NUMBERS | COUNTS | st.booleans() | st.none())),
)


@settings(deadline=None)  # the first example imports pandas
@given(COLUMNS)
@example((NUMBER, [1, None, 10**11]))
@example((NUMBER, [1, 2.5, 10**11]))
@example((WHOLE, [1, None, 10**11]))
@example((TEXT, [0.1 + 0.2, "a"]))
def test_csv_is_what_pandas_writes_of_the_frame(column: tuple[str, list[Any]]) -> None:
    holds, cells = column
    columns = Column("cell", list, "", holds=holds), Column("beside", list, "")
    table: Table[Any] = Table("table", "a row", "Rows", columns)
    filled = Filled(table, columns, tuple((cell, "x") for cell in cells))
    assert filled.csv == filled.frame.to_csv(index=False, float_format="%.10g", lineterminator="\n")


@pytest.mark.parametrize("said", ["=1+1", "@SUM(A1)", "+1+cmd|'/c calc'!A1", "-cmd()", "- a dash"])
def test_no_text_is_a_formula_in_a_spreadsheet(said: str) -> None:
    """It is one in the file, and the text again once the file is read back."""
    columns = Column("note", list, "what is said", holds=TEXT), Column("beside", list, "")
    table: Table[Any] = Table("notes", "a note", "Notes", columns)
    written = Filled(table, columns, tuple((cell, "x") for cell in (said, "-5 %", "+3/h", "-1"))).csv
    assert written.splitlines()[1].strip('"').startswith("'")
    assert written.splitlines()[2:] == ["-5 %,x", "+3/h,x", "-1,x"]
    assert read(written, {"note": TEXT}).rows[0]["note"] == said
