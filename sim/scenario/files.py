"""The text of a document on disk, or why it is none."""

from __future__ import annotations

import errno
import os
import stat
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
        raw = plain_bytes(file, LARGEST + 1)
    except FileNotFoundError:
        raise ScenarioError([at(start, (), f"there is no such file{_meant(file)}")]) from None
    except (OSError, ValueError) as error:
        raise ScenarioError([at(start, (), f"cannot be read: {getattr(error, 'strerror', None) or error}")]) from None
    if len(raw) > LARGEST:
        raise ScenarioError([at(start, (), f"is larger than {LARGEST // 1_000_000} MB")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = place_of(raw, error.start)
        rule = f"is not text in UTF-8: here stands the byte 0x{raw[error.start]:02x}"
        raise ScenarioError([at(Mark(shown_as, line, column), (), rule)]) from None


def plain_bytes(file: Path, most: int = -1) -> bytes:
    """What a plain file holds, `most` bytes of it at most; OSError where it is none, or cannot be read.

    A pipe, a socket or a device is never waited for.
    """
    handle = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "is not a plain file", str(file))
        return stream.read(most)


def not_text(path: Path) -> tuple[int, int, int]:
    """Line, column and value of the first byte of a plain file that is no UTF-8; (0, 0, 0) where all of it is."""
    with path.open("rb") as stream:
        for line, raw in enumerate(stream, 1):
            try:
                raw.decode("utf-8")
            except UnicodeDecodeError as error:
                return line, len(raw[: error.start].decode("utf-8-sig" if line == 1 else "utf-8")) + 1, raw[error.start]
    return 0, 0, 0


def place_of(raw: bytes, at_byte: int) -> tuple[int, int]:
    """The line and the column, both from 1, of the first byte of a text that is no UTF-8."""
    before = raw[:at_byte].decode("utf-8-sig").splitlines(keepends=True) or [""]
    ended = before[-1].endswith(("\n", "\r"))
    return len(before) + ended, 1 if ended else len(before[-1]) + 1


def _meant(file: Path) -> str:
    """A hint at the file that was meant: one like it in the same folder."""
    try:
        endings = {file.suffix, *((".yaml", ".yml") if file.suffix in (".yaml", ".yml") else ())}
        there = [other.name for other in file.parent.iterdir() if other.suffix in endings or not file.suffix]
    except OSError:
        return ""
    return near(file.name, there)
