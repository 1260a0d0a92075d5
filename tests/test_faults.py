"""Hostile documents: whatever is written, it loads and runs alike on both engines, or is refused in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import KINDS, tried


@pytest.mark.parametrize("kind, n", [("scenario", 200), ("ledger", 100), ("study", 100)])
def test_some_hundred_documents(kind: str, n: int, tmp_path: Path) -> None:
    told = tried(kind, n, 1, tmp_path)
    assert told.fallen == []
    assert told.counts["refused"]
    assert sum(told.counts.values()) - told.counts["refused"] > n / 10


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_many_thousand_documents(kind: str, seed: int, tmp_path: Path) -> None:
    assert tried(kind, 2500, 100 + seed, tmp_path).fallen == []
