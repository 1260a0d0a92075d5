"""How text is laid out on a terminal: 80 columns or up to 100, legible without colour, nothing after a line's end."""

from __future__ import annotations

import re
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Final

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

WIDEST: Final = 100
"""Longer lines are hard to read, however wide the terminal is."""

LOUD: Final = "bold yellow"

INK: Final = "#1a1a1a"
GREY: Final = "#5c5c5c"
"""The colours of words and lines, and of what is beside the point, in every figure and diagram."""

_TIE: Final = "\ue000"
"""Stands for a space that must not be broken, until the lines are made."""
UNIT: Final = re.compile(r"(?<=\d) (?=(?:%|ms|s|min|h|d|wk)(?!\w))|(?<=±) (?=\d)")
"""The space between a number and its unit, or how far it may be off, where no line ends."""
_BEFORE_END: Final = re.compile(r"[ ]+((?:\x1b\[[0-9;]*m)*)$", re.MULTILINE)


def laid_out(parts: Iterable[RenderableType], screen: Console) -> str:
    """Parts one below the other, as the text that a screen shows."""
    screen.width = min(screen.width, WIDEST)
    with screen.capture() as page:
        for part in parts:
            screen.print(part)
    return _BEFORE_END.sub(r"\1", page.get().replace(_TIE, " "))


def plain(parts: Iterable[RenderableType], width: int = 80) -> str:
    """The same without colours, as text to keep."""
    return laid_out(parts, Console(file=StringIO(), width=width, color_system=None, highlight=False, markup=False))


WORDS_OF_VERDICTS: Final = {
    "met": ("met", "green"),
    "missed": ("MISSED", "bold red"),
    "undecided": ("undecided", "yellow"),
    "kept": ("kept", "green"),
    "broken": ("BROKEN in this period", "bold red"),
    "reproduced": ("reproduced", "green"),
    "not reproduced": ("NOT REPRODUCED", "bold red"),
}
"""How a verdict is written: legible without colour."""


def verdict(word: str, said: str = "") -> Text:
    """A verdict, and what is said of it."""
    written, style = WORDS_OF_VERDICTS[word]
    return text(f"{written}: {said}" if said else written, style)


def text(plain: str, style: str = "") -> Text:
    """Text whose numbers stay beside their units."""
    return Text(UNIT.sub(_TIE, plain), style=style)


def title(name: str, file: Path, variant: str | None = None) -> Text:
    """What stands above all: what it is about, in which variant, and the file that it is in."""
    return Text.assemble((name, "bold"), f"{f', variant {variant}' if variant else ''}  ({file})")


def heading(plain: str) -> Text:
    """A line above a part, with room before it."""
    return Text(f"\n{plain}", style="bold")


def table(*titles: str, numbers: Iterable[int] = ()) -> Table:
    """An empty table without lines; the columns in `numbers` are set flush right. Without titles it has no head."""
    found = Table(box=None, show_header=any(titles), header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    right = set(numbers)
    for column, title in enumerate(titles):
        found.add_column(title, justify="right" if column in right else "left", vertical="top")
    return found


def facts(rows: Iterable[tuple[str, Iterable[str] | str]]) -> Table:
    """Names and what is to be said of each, in one or several sentences."""
    found = Table.grid(padding=(0, 2))
    found.add_column(style="bold", no_wrap=True)
    found.add_column()
    for name, said in rows:
        found.add_row(name, text(said if isinstance(said, str) else "\n".join(said)))
    return found


def warned(warnings: Iterable[str]) -> Table:
    """Each warning where nobody can overlook it."""
    found = Table.grid(padding=(0, 1))
    found.add_column(no_wrap=True)
    found.add_column()
    for warning in warnings:
        found.add_row(Text("WARNING", style=LOUD), text(warning))
    return found
