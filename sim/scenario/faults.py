"""What is wrong with a document: each fault with its place, its rule and the value that broke it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

_WIDTH: Final = 110
_LONGEST_VALUE: Final = 60
_LONGEST_PATH: Final = 300


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a text: line and column count from 1; line 0 where the text has no lines, as on a command line."""

    file: str
    line: int = 0
    column: int = 0
    text: str = field(default="", compare=False, repr=False)
    """The line itself."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken rule of a document."""

    file: str
    line: int
    column: int
    path: str
    """Path in the document, such as `pools.analysts.staff`; "" for the document as a whole."""
    rule: str
    """The rule in plain words, with a hint at what was meant."""
    value: str = ""
    """What was given, as the message shows it; "" where that would not help."""
    text: str = field(default="", compare=False, repr=False)
    """The line of the document."""

    def __str__(self) -> str:
        place = ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])
        # A change is told by its path alone, with --set before it or without.
        path = "" if not self.path or f" {place}".endswith(f" {self.path}") else f"{_cut(self.path, _LONGEST_PATH)}: "
        got = f" (got {self.value})" if self.value else ""
        return printable(f"{place}: {path}{self.rule}{got}") + self._shown()

    def _shown(self) -> str:
        """The line with a caret under the column, cut to a window where it is long."""
        if not self.line or not self.text.strip():
            return ""
        at = self.column - 1
        begin = max(0, at - _WIDTH // 2) if len(self.text) > _WIDTH else 0
        window = printable(self.text[begin:], "\t")
        lead, tail = "…" if begin else "", "…" if len(window) > _WIDTH else ""
        below = "".join("\t" if letter == "\t" else " " for letter in window[: at - begin])
        return f"\n  {lead}{window[:_WIDTH]}{tail}\n  {' ' * len(lead)}{below}^"


class ScenarioError(Exception):
    """The document is at fault: every fault that was found, in the order of the document."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


def shown(value: object) -> str:
    """A value as a message shows it: short, on one line, in the words of YAML.

    >>> shown("30"), shown(True), shown(None), shown({"a": 1})
    ("'30'", 'true', 'nothing', 'a mapping')
    """
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return f"'{_cut(printable(value[: _LONGEST_VALUE + 1]), _LONGEST_VALUE)}'"
        case int() if abs(value) >= 10**20:
            return "a very large number"
        case int() | float():
            return str(value)
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
    return "something else"


def printable(text: str, but: str = "") -> str:
    """A text with a dot for each letter that does something to a terminal; `but` are some that may.

    >>> printable("\\x1b[31mred")
    '·[31mred'
    """
    return "".join(letter if letter.isprintable() or letter in but else "·" for letter in text)


def _cut(text: str, longest: int) -> str:
    return text[:longest] + ("…" if len(text) > longest else "")


def at(mark: Mark, path: Sequence[str | int], rule: str, value: str = "") -> Fault:
    """The fault that a rule is broken at a mark."""
    return Fault(mark.file, mark.line, mark.column, ".".join(map(str, path)), rule, value, mark.text)
