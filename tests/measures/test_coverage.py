"""The coverage bench on a tenth of its data, against limits that a right method crosses once in a thousand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from scipy import stats

from tests.coverage import LEAST_COVERAGE, MOST_FLATTERING, MOST_WIDTH, Line, lines, rows

REPETITIONS = 200
LINES = list(lines())


def test_the_bench_has_the_systems_that_it_promises() -> None:
    systems = [one.system for line in LINES for one in line.asked]
    assert len(systems) == len(set(systems)) >= 12
    for wanted in ("0.5,", "0.8,", "0.95,", "0.98,", "0.99,", "0.995,", "0.999,", "light", "long-tailed", "loaded"):
        assert any(wanted in system for system in systems)
    for wanted in ("occupancy", "lost", "busyness", "a surge in one year of five", "a risk of 2 %"):
        assert any(wanted in system for system in systems)


@pytest.mark.slow
@pytest.mark.parametrize("line", LINES, ids=[line.asked[0].system for line in LINES])
def test_intervals_keep_their_promise(line: Line, tmp_path: Path) -> None:
    for row in rows(line, tmp_path, REPETITIONS):
        wrong = row.below + row.above
        assert wrong <= stats.binom.ppf(0.999, REPETITIONS, 1 - LEAST_COVERAGE), row
        assert row.flattering <= stats.binom.ppf(0.999, REPETITIONS, MOST_FLATTERING), row
        if row.narrow_asked:
            beyond = row.half_width - MOST_WIDTH * row.ideal
            assert beyond <= 3.1 * row.half_width_error, row
            assert math.isfinite(row.half_width)
