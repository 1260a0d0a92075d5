"""Hostile documents: whatever is written, it loads and runs alike on both engines, or is refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import KINDS, tried
from tests.kills import COMMANDS, damaged, interrupted, same, together


@pytest.mark.parametrize("kind, n", [("scenario", 200), ("ledger", 100), ("study", 100)])
def test_some_hundred_documents(kind: str, n: int, tmp_path: Path) -> None:
    told = tried(kind, n, 1, tmp_path)
    assert told.fallen == []
    assert told.counts["refused"]
    assert sum(told.counts.values()) - told.counts["refused"] > n / 10


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 3000, 1020))
@pytest.mark.parametrize("kind", KINDS)
def test_many_thousand_documents(kind: str, first: int, tmp_path: Path) -> None:
    """`python -m tests.faults 100000` tries as many as one likes."""
    assert tried(kind, min(1020, 3000 - first), 100, tmp_path, first).fallen == []


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_interrupted_goes_on_to_the_same_bytes(command: str) -> None:
    """Killed, then out of disk, at some of its writes; and going on from records that were damaged."""
    assert interrupted("killed", 3, [command], False, 1) == 0
    assert interrupted("full", 3, [command], False, 1) == 0
    assert damaged([command], 4, False) == 0


@pytest.mark.slow
def test_a_second_writer_is_told() -> None:
    assert together(["run", "map"]) == 0


@pytest.mark.slow
def test_surroundings_change_no_byte() -> None:
    assert same(["run"], []) == 0
