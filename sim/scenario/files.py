"""The text of a document on disk, or why it is none."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sim.scenario.faults import Mark, ScenarioError, at
from sim.scenario.fields import near

LARGEST: Final = 1_000_000
"""Bytes of a document."""


def text(file: Path, shown_as: str, what: str = "scenario file") -> str:
    """The text of a file that messages call `shown_as`; ScenarioError where it cannot be had."""
    start = Mark(shown_as)
    try:
        if file.is_dir():
            raise ScenarioError([at(start, (), f"is a folder, not a {what}")])
        with file.open("rb") as stream:
            raw = stream.read(LARGEST + 1)
    except FileNotFoundError:
        raise ScenarioError([at(start, (), f"there is no such file{_meant(file)}")]) from None
    except (OSError, ValueError) as error:
        raise ScenarioError([at(start, (), f"cannot be read: {getattr(error, 'strerror', None) or error}")]) from None
    if len(raw) > LARGEST:
        raise ScenarioError([at(start, (), f"is larger than {LARGEST // 1_000_000} MB")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ScenarioError([at(start, (), f"is not text in UTF-8 (byte {error.start})")]) from None


def _meant(file: Path) -> str:
    """A hint at the file that was meant: one like it in the same folder."""
    try:
        there = [other.name for other in file.parent.iterdir() if other.suffix == file.suffix or not file.suffix]
    except OSError:
        return ""
    return near(file.name, there)
