"""How every figure looks: paper, type, colours, verdicts, and how its files are written. No figure knows a number here.

Figures are laid out by hand, in inches from the upper left corner: a label has the room it needs, whatever its length,
and nothing is laid out twice. pyplot is not used. Colours tell nothing alone: a verdict is also a word and a mark,
a line also a stroke; and they differ in lightness, so that a grey print tells the same.
"""

from __future__ import annotations

import io
import math
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from string import ascii_uppercase
from typing import Any, Final, Literal

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager, get_font
from matplotlib.lines import Line2D
from matplotlib.style import context as style_context
from matplotlib.text import Text
from matplotlib.textpath import TextToPath

from sim.dynamics.clock import DAY, HOUR, MINUTE, SECOND
from sim.scenario.units import WEEKDAYS
from sim.text import page
from sim.text.page import UNIT

WIDTH: Final = 7.2
"""Inches: what a page of A4 or Letter has between its margins, so that sizes of type are those of the print."""
MARGIN: Final = 0.12
KEY: Final = 0.25
"""Inches of room for the line that tells what strokes and marks mean."""

SMALL: Final = 8.0
PLAIN: Final = 9.0
LARGE: Final = 11.5
"""Sizes of type in points; nothing is set smaller than SMALL."""
_STROKE: Final = 1.6
_PAD: Final = 0.5
_BETWEEN: Final = 1.5
"""Ems in a key: a stroke, from it to its words, and from there to the next."""
DOTS_AN_INCH: Final = 150

INK: Final = page.INK
GREY: Final = page.GREY
FAINT: Final = "#c8c8c8"
GRID: Final = "#e2e2e2"

BLUE: Final = "#0072b2"
ORANGE: Final = "#e69f00"
SKY: Final = "#56b4e9"
GREEN: Final = "#009e73"
VERMILION: Final = "#d55e00"
PURPLE: Final = "#cc79a7"
"""The colours of M. Okabe and K. Ito (2008), which colour-blind eyes tell apart."""

STROKES: Final[tuple[tuple[str, Any, str], ...]] = (
    (INK, "-", "o"),
    (VERMILION, (0, (5, 1.5)), "s"),
    (BLUE, (0, (1.5, 1)), "^"),
    (ORANGE, (0, (6, 1.5, 1, 1.5)), "D"),
    (PURPLE, (0, (3, 1, 1, 1, 1, 1)), "v"),
    (GREEN, (0, (8, 2)), "P"),
)
"""Colour, dashes and mark of the first, second, ... of several lines in one picture."""


@dataclass(frozen=True, slots=True)
class VerdictLook:
    """How a verdict is shown; its word is written beside it."""

    colour: str
    mark: str
    hollow: bool = False


VERDICTS: Final = {
    "met": VerdictLook("#00507c", "o"),
    "missed": VerdictLook("#b84300", "X"),
    "undecided": VerdictLook("#9c6b00", "D", hollow=True),
}
"""Of figures: a disc, a cross and a hollow diamond, each lighter than the last and all dark enough for words on white.
The terminal writes verdicts as `sim/text/page.py` says; pages and workbooks, dark ones too, have `report.css`,
`live.css` and `workbook.py`."""

PALE: Final = "#d7e6ef"
"""A field in which all targets hold, or half of the worlds lie."""

LACKING: Final = "#f3b48a"
"""A field of what is lacking: people for the work that comes, or a value to its goal."""

DARK_BROWN: Final = "#8c3d02"
"""The work that comes, and shares of failures that are high but not the highest."""

DARK_BLUE: Final = "#0b3c63"
"""The most people that a pool has, and wrap-up: darker than the blue of people at work."""

_RC: Final[dict[Any, Any]] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": PLAIN,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": GREY,
    "axes.labelsize": SMALL,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "axes.axisbelow": True,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "lines.solid_capstyle": "butt",
    "hatch.linewidth": 0.5,
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "svg.fonttype": "none",
    "svg.hashsalt": "tipline",
    "path.simplify": True,
}

_ALONE: Final = threading.RLock()

if hasattr(os, "register_at_fork"):
    # A copy of this process has no other thread: made while one draws, it would wait for that one for ever.
    os.register_at_fork(before=_ALONE.acquire, after_in_parent=_ALONE.release, after_in_child=_ALONE.release)


@contextmanager
def styled() -> Iterator[None]:
    """The look of the house, for as long as a figure is made or written; one thread at a time, since it is global."""
    # From the defaults: a file of settings of the user's own changes no figure.
    with _ALONE, style_context(["default", _RC]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


class Sheet:
    """A figure with its title, which says the finding, a line on what is shown, and a body in inches below.

    Distances run from the left edge of the paper and from the top of the body.
    """

    def __init__(self, title: str, note: str, height: float):
        # Fitted to the dots of a picture, type is set up to a fiftieth wider than its outlines are.
        room = 0.98 * (WIDTH - 2 * MARGIN)
        title_lines = wrapped(title, room, LARGE, bold=True)
        note_lines = wrapped(note, room, SMALL)
        first, second = len(title_lines) * leading(LARGE), len(note_lines) * leading(SMALL)
        self._top = MARGIN + first + second + 0.14
        self.height = self._top + height + MARGIN
        self.figure = Figure(figsize=(WIDTH, self.height), facecolor="white")
        FigureCanvasAgg(self.figure)
        self._write(MARGIN, MARGIN, "\n".join(title_lines), size=LARGE, weight="bold")
        self._write(MARGIN, MARGIN + first + 0.03, "\n".join(note_lines), size=SMALL, color=GREY)

    def axes(self, left: float, top: float, width: float, height: float, **options: Any) -> Axes:
        """Axes at a place of the body."""
        bottom = self.height - self._top - top - height
        box = (left / WIDTH, bottom / self.height, width / WIDTH, height / self.height)
        return self.figure.add_axes(box, **options)

    def mark(self, left: float, top: float, verdict: str) -> None:
        """The mark of a verdict, its middle at a place of the body."""
        at = [left / WIDTH], [1 - (self._top + top) / self.height]
        self.figure.add_artist(Line2D(*at, transform=self.figure.transFigure, **_mark(VERDICTS[verdict])))

    def write(self, left: float, top: float, text: str, size: float = SMALL, **options: Any) -> Text:
        """Text whose upper left corner (or with `ha` upper right, upper middle) is at a place of the body."""
        return self._write(left, self._top + top, text, size=size, **options)

    def name(self, top: float, name: str, room: float) -> float:
        """A name at the margin, cut to the room it has; where what stands beside it begins."""
        name = shortened(name, room, PLAIN, bold=True)
        self.write(MARGIN, top, name, size=PLAIN, weight="bold")
        return MARGIN + text_width(name, PLAIN, bold=True) + 0.12

    def _write(self, left: float, top: float, text: str, **options: Any) -> Text:
        return self.figure.text(left / WIDTH, 1 - top / self.height, text, va="top", linespacing=1.25, **options)


def leading(size: float) -> float:
    """Inches from one line of text to the next."""
    return size * 1.45 / 72


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = SMALL, *, bold: bool = False) -> float:
    """Inches that a line of text takes."""
    font = FontProperties(family="DejaVu Sans", size=size, weight="bold" if bold else "normal")
    width, _, _ = TextToPath().get_text_width_height_descent(text, font, ismath=False)
    return float(width) / 72


def _surely_fits(text: str, width: float, size: float, bold: bool) -> bool:
    """Whether a line of text is short enough even if no pair of its letters stood closer, told without setting it."""
    return (sum(_advance(letter, bold) for letter in text) + 1) * size / 72 <= width


@lru_cache(maxsize=4096)
def _advance(letter: str, bold: bool) -> float:
    """Ems from a letter to the next; those of a type that is taken in place of the house's are as wide as may be."""
    found = FontProperties(family="DejaVu Sans", size=PLAIN, weight="bold" if bold else "normal")
    if ord(letter) not in _letters(found.get_name()):
        return math.inf
    font = get_font(fontManager.findfont(found))
    font.set_size(PLAIN, 72)
    return float(font.load_char(ord(letter)).linearHoriAdvance) / 65536 / PLAIN


def wrapped(text: str, width: float, size: float = SMALL, *, bold: bool = False, lines: int | None = None) -> list[str]:
    """Text in lines of at most `width` inches; a word that is longer is broken, and past `lines` it ends in dots."""
    found: list[str] = []
    line = ""
    for word in UNIT.sub("\N{NO-BREAK SPACE}", text).split(" "):
        tried = f"{line} {word}" if line else word
        if _surely_fits(tried, width, size, bold) or text_width(tried, size, bold=bold) <= width:
            line = tried
            continue
        if line:
            found.append(line)
        while text_width(word, size, bold=bold) > width and len(word) > 1:
            fitting = _fitting(word, width, size, bold)
            found.append(word[:fitting])
            word = word[fitting:]
        line = word
    found.append(line)
    if lines is not None and len(found) > lines:
        found = [*found[: lines - 1], shortened(" ".join(found[lines - 1 :]), width, size, bold=bold)]
    return found


def shortened(text: str, width: float, size: float = SMALL, *, bold: bool = False) -> str:
    """A line of text as far as it fits into `width` inches, with dots where it was cut."""
    if text_width(text, size, bold=bold) <= width:
        return text
    return text[: _fitting(text, width - text_width("…", size, bold=bold), size, bold)].rstrip() + "…"


def _fitting(text: str, width: float, size: float, bold: bool) -> int:
    """How many letters of a text fit, at least one."""
    fits = 1
    while fits < len(text) and text_width(text[: fits + 1], size, bold=bold) <= width:
        fits += 1
    return fits


def mark(axes: Axes, x: float, y: float, verdict: str, **options: Any) -> None:
    """The mark of a verdict at a point of the axes."""
    options = {"clip_on": False, "zorder": 6} | options
    axes.plot([x], [y], **_mark(VERDICTS[verdict]), **options)


def marked(verdict: str, label: str) -> Line2D:
    """The mark of a verdict for a key."""
    return Line2D([], [], label=label, **_mark(VERDICTS[verdict]))


def _mark(look: VerdictLook) -> dict[str, Any]:
    return {
        "marker": look.mark,
        "markersize": 6 if look.hollow else 7.5,
        "markerfacecolor": "white" if look.hollow else look.colour,
        "markeredgecolor": look.colour if look.hollow else "white",
        "markeredgewidth": 1.6 if look.hollow else 0.7,
        "linestyle": "none",
    }


def key_lines(handles: Sequence[Artist]) -> list[list[Artist]]:
    """The handles of a key in as many lines as they need between the margins."""
    lines: list[list[Artist]] = []
    room = 0.0
    for handle in handles:
        # Beside its words a handle takes the stroke, the pad, and the space between columns.
        wide = text_width(str(handle.get_label()), SMALL) + (_STROKE + _PAD + _BETWEEN) * SMALL / 72
        if not lines or wide - _BETWEEN * SMALL / 72 > room:
            lines.append([])
            room = WIDTH - 2 * MARGIN
        lines[-1].append(handle)
        room -= wide
    return lines


def key(sheet: Sheet, handles: Sequence[Artist], top: float, left: float = MARGIN) -> None:
    """What strokes, marks and fields mean, in one line KEY high."""
    axes = sheet.axes(left, top, WIDTH - MARGIN - left, KEY)
    axes.set_axis_off()
    axes.legend(
        handles=handles,
        loc="lower left",
        ncols=max(len(handles), 1),
        handlelength=_STROKE,
        handletextpad=_PAD,
        columnspacing=_BETWEEN,
        borderpad=0,
        borderaxespad=0,
    )


def file_bytes(figure: Figure, form: Literal["png", "svg"]) -> bytes:
    """A figure as a file: the same bytes for the same figure, without dates."""
    into = io.BytesIO()
    with styled():
        _lettered(figure)
        if form == "svg":
            figure.savefig(into, format="svg", metadata={"Date": None, "Creator": None})
        else:
            # Pictures of lines and text hardly shrink with more effort than this.
            options = {"compress_level": 3}
            figure.savefig(into, format="png", dpi=DOTS_AN_INCH, metadata={"Software": None}, pil_kwargs=options)
    return into.getvalue()


def _lettered(figure: Figure) -> None:
    """Give texts in scripts that the house's type lacks an installed one that has them; say which letters none has."""
    house = _letters(FontProperties(family=_RC["font.sans-serif"]).get_name())
    lacking: set[str] = set()
    for one in figure.findobj(Text):
        strange = {letter for letter in one.get_text() if letter.isprintable() and ord(letter) not in house}
        if strange:
            family = _family_with(frozenset(strange))
            one.set_fontfamily([*_RC["font.sans-serif"], *([family] if family else [])])
            lacking |= set() if family else strange
    if lacking:
        codes = ", ".join(f"U+{ord(one):04X}" for one in sorted(lacking)[:6])
        told = f"no type on this machine has {len(lacking)} of the letters ({codes})"
        if all(one.get_text() != told for one in figure.texts):  # not said for an earlier file
            figure.text(0.995, 0.003, told, ha="right", va="bottom", size=SMALL, color=GREY)


@lru_cache
def _letters(family: str) -> frozenset[int]:
    """The code points that a type has."""
    return frozenset().union(*(get_font(one.fname).get_charmap() for one in fontManager.ttflist if one.name == family))


@lru_cache
def _family_with(strange: frozenset[str]) -> str | None:
    """The first installed type, by name, that has all of these letters."""
    # The last resort has a box for everything.
    for family in sorted({one.name for one in fontManager.ttflist if "Last Resort" not in one.name}):
        if {ord(letter) for letter in strange} <= _letters(family):
            return family
    return None


# Axes that several figures share


_NAMED_TIMES: Final = (
    ("1 min", MINUTE),
    ("1 h", HOUR),
    ("24 h", DAY),
    ("10 s", 10 * SECOND),
    ("10 min", 10 * MINUTE),
    ("7 d", 7 * DAY),
    ("1 s", SECOND),
    ("4 h", 4 * HOUR),
    ("30 min", 30 * MINUTE),
    ("30 d", 30 * DAY),
    ("100 d", 100 * DAY),
    ("30 s", 30 * SECOND),
    ("3 min", 3 * MINUTE),
    ("5 min", 5 * MINUTE),
    ("12 h", 12 * HOUR),
    ("2 h", 2 * HOUR),
    ("3 d", 3 * DAY),
    ("20 min", 20 * MINUTE),
    ("2 min", 2 * MINUTE),
    ("20 s", 20 * SECOND),
    ("8 h", 8 * HOUR),
    ("2 d", 2 * DAY),
)
"""Times as people name them, those first that are named wherever there is room."""


def time_axis(axes: Axes, first: float, last: float, width: float) -> None:
    """The x axis as times from `first` to `last` (ticks of the clock), `width` inches long, its times in words."""
    axes.set_xscale("log")
    axes.set_xlim(first, last)
    inch = width / math.log(last / first)
    taken: list[tuple[float, float]] = []
    named: dict[int, str] = {}
    for name, time in _NAMED_TIMES:
        if not first <= time <= last * 1.001:
            continue
        at, half = inch * math.log(time / first), text_width(name, SMALL) / 2 + 0.05
        if all(at + half <= low or at - half >= high for low, high in taken):
            taken.append((at - half, at + half))
            named[time] = name
    axes.set_xticks(list(named), list(named.values()))
    axes.set_xticks([], minor=True)


SHARES: Final = ([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
"""Ticks of an axis of shares, and their names."""


def share_axis(axes: Axes) -> None:
    """The y axis as shares from 0 % to 100 %."""
    axes.set_ylim(0, 1)
    axes.set_yticks(*SHARES)


def week_axis(axes: Axes, *, named: bool) -> None:
    """The x axis as the 168 hours of a week, a line at every midnight."""
    axes.set_xlim(0, 168)
    axes.set_xticks(range(12, 168, 24) if named else [], WEEKDAYS if named else [])
    axes.tick_params(axis="x", length=0)
    # Lines drawn as one are a tenth of the work of ticks and a grid.
    axes.vlines(range(24, 169, 24), 0, 1, transform=axes.get_xaxis_transform(), colors=GRID, linewidths=0.6, zorder=0.5)


# Letters and colours of the targets that fail first: a picture of many points tells them apart by both


COLOURS: Final = (VERMILION, BLUE, ORANGE, GREEN, PURPLE, SKY, GREY)
"""In this order; those after the last are grey, and told apart by their letters alone."""


@dataclass(frozen=True, slots=True)
class Letter:
    """How a target is marked."""

    letter: str
    colour: str


def lettered(names: Sequence[str]) -> dict[str, Letter]:
    """A letter of its own and a colour for each name, the first letter of the name where that is free.

    Digits would be read as figures, so that they are the last resort.

    >>> [one.letter for one in lettered(["lost", "late", "day", "A19", "B20"]).values()]
    ['L', 'A', 'D', 'B', 'C']
    """
    letters: dict[str, Letter] = {}
    taken: set[str] = set()
    for number, name in enumerate(names):
        own = [one for one in name.upper() if one.isalpha()]
        letter = next((one for one in [*own, *ascii_uppercase, *"123456789"] if one not in taken), "*")
        taken.add(letter)
        letters[name] = Letter(letter, COLOURS[min(number, len(COLOURS) - 1)])
    return letters
