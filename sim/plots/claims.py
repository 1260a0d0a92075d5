"""The figure of an audit: claims by readings, each marked and coloured by what it came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sim.plots.style import (
    FAINT,
    GREY,
    KEY,
    MARGIN,
    SMALL,
    VERDICTS,
    WIDTH,
    Sheet,
    leading,
    styled,
    wrapped,
)
from sim.scenario.readings import READINGS
from sim.studies.claims.audit import Audit, Status, Together
from sim.text.claims import AlikeReadings, arithmetic, finding, legend, rows

NAME: Final = 0.42
COLUMN: Final = 0.58
SAID: Final = 2.3
NEEDS: Final = 0.82
GAP: Final = 0.12
HEAD: Final = 0.25
BETWEEN: Final = 0.07
"""Inches: the claim's name, a reading, its words, what it needs, between columns, the heads, and between rows."""
BAND: Final = "#f2f2f2"


@dataclass(frozen=True, slots=True)
class ClaimMark:
    """A mark: its shape, its colour, its edge and size, and what it means."""

    mark: str
    colour: str
    edge: str
    size: float
    means: str


_MET, _MISSED, _OPEN = (VERDICTS[name].colour for name in ("met", "missed", "undecided"))
LOOKS: Final[dict[str, ClaimMark]] = {
    "held": ClaimMark("o", _MET, "white", 8.5, "holds as staffed"),
    "staff": ClaimMark("o", "white", _MET, 7.0, "holds with other staff"),
    "beyond staff": ClaimMark("X", _MISSED, "white", 8.5, "no staff can make it hold"),
    "beyond bounds": ClaimMark("x", _MISSED, _MISSED, 6.5, "no staffing found"),
    "open": ClaimMark("D", "white", _OPEN, 5.5, "not decided"),
    "input": ClaimMark("s", GREY, "white", 6.0, "fixed as an input"),
    "words": ClaimMark(".", FAINT, FAINT, 5.0, "not testable here"),
}
"""Dark, hollow, crossed, square or a dot: told apart without colour."""

_LIKE: Final[dict[Status, str]] = {"given": "held", "not given": "beyond staff"}


def claims(found: Audit) -> Figure:
    """A row for every claim that can be tested, a column for every reading, then the staffing and the arithmetic."""
    ledger = found.laid.file.ledger
    told = list(rows(found))
    shown = [name for name in ledger.claims if any(row.claim == name and row.outcome.status != "words" for row in told)]
    left_out = [name for name in ledger.claims if name not in shown]
    x_said = MARGIN + NAME + COLUMN * len(READINGS) + GAP
    x_needs = x_said + SAID + NEEDS
    x_arithmetic = x_needs + GAP
    room = WIDTH - MARGIN - x_arithmetic
    with styled():
        said = {name: wrapped(ledger.claims[name].says, SAID, lines=3) for name in shown}
        reckoned = {name: wrapped(_arithmetic(found, told, name), room, lines=3) for name in shown}
        heights = [max(len(said[name]), len(reckoned[name])) * leading(SMALL) + BETWEEN for name in shown]
        together = wrapped(_all_needs(found), WIDTH - MARGIN - x_said, lines=3)
        heights.append(len(together) * leading(SMALL) + 2 * BETWEEN)
        below = wrapped(_below(told, left_out), WIDTH - 2 * MARGIN)
        height = HEAD + sum(heights) + 2 * KEY + 0.12 + len(below) * leading(SMALL)
        sheet = Sheet(finding(found), _note(found), height)
        axes = sheet.axes(MARGIN + NAME, HEAD, COLUMN * len(READINGS), sum(heights))
        axes.set(xlim=(0, len(READINGS)), ylim=(sum(heights), 0))
        axes.set_axis_off()
        for column, reading in enumerate(READINGS):
            sheet.write(MARGIN + NAME + COLUMN * (column + 0.5), 0.04, reading, ha="center", color=GREY)
        sheet.write(x_needs, 0.04, "needs", ha="right", color=GREY)
        sheet.write(x_arithmetic, 0.04, "arithmetic", color=GREY)
        top = 0.0
        for number, (name, tall) in enumerate(zip([*shown, ""], heights, strict=True)):
            if number % 2 == 0:
                axes.axhspan(top, top + tall, color=BAND, zorder=0, linewidth=0)
            at = HEAD + top + BETWEEN / 2
            _marks(axes, found, name, top + BETWEEN / 2 + leading(SMALL) / 2)
            if name:
                sheet.write(MARGIN, at, name, weight="bold")
                sheet.write(x_said, at, "\n".join(said[name]))
                sheet.write(x_needs, at, _needs(found, name), ha="right", color=GREY)
                sheet.write(x_arithmetic, at, "\n".join(reckoned[name]), color=GREY)
            else:
                sheet.write(MARGIN, at, "all", weight="bold")
                sheet.write(x_said, at, "\n".join(together))
            top += tall
        _key(sheet, HEAD + top + 0.08)
        sheet.write(MARGIN, HEAD + top + 2 * KEY + 0.12, "\n".join(below), color=GREY)
    return sheet.figure


def look_of(status: Status) -> ClaimMark:
    """How a status is marked."""
    return LOOKS[_LIKE.get(status, status)]


def look_of_all(one: Together) -> ClaimMark:
    """How all targets of a reading together are marked."""
    if one.holds is None:
        return LOOKS["open"]
    if one.holds:
        held = one.staffed is None or one.staffed.verdict == "met"
        return LOOKS["held" if held else "staff"]
    bounds = one.answer is not None and one.answer.why == "beyond bounds" and not one.beyond_staff and not one.broken
    return LOOKS["beyond bounds" if bounds else "beyond staff"]


def _marks(axes: Axes, found: Audit, claim: str, y: float) -> None:
    for column, reading in enumerate(READINGS):
        one = found.outcomes.get((claim, reading))
        if claim and one is None:
            continue
        look = look_of(one.status) if one is not None else look_of_all(found.together[reading])
        axes.plot([column + 0.5], [y], clip_on=False, zorder=4, **_style(look))


def _style(look: ClaimMark) -> dict[str, Any]:
    return {
        "marker": look.mark,
        "markersize": look.size,
        "markerfacecolor": look.colour,
        "markeredgecolor": look.edge,
        "markeredgewidth": 1.5 if look.colour == "white" or look.mark == "x" else 0.7,
        "linestyle": "none",
    }


def _needs(found: Audit, claim: str) -> str:
    """The staffing of the readings that need one, the least and the most."""
    tested = (one.tested for name in READINGS if (one := found.outcomes.get((claim, name))) is not None)
    numbers = [one.found.fte for one in tested if one is not None and one.found is not None]
    if not numbers:
        return ""
    least, most = f"{min(numbers):.0f}", f"{max(numbers):.0f}"
    return f"{least} FTE" if least == most else f"{least}–{most} FTE"


def _all_needs(found: Audit) -> str:
    """What all targets of a reading that any staffing meets need together."""
    told = []
    for name in READINGS:
        one = found.together[name]
        if one.found is not None:
            out = len(one.beyond_staff)
            told.append(f"{name} {one.found.fte:.0f} FTE{f' ({out} left out)' if out else ''}")
    return f"Together, as far as any staff can meet them: {', '.join(told)}." if told else "Together."


def _arithmetic(found: Audit, told: list[AlikeReadings], claim: str) -> str:
    said = [one for row in told if row.claim == claim for one in row.findings]
    return arithmetic(said, found.laid.file.ledger.facts)


def _note(found: Audit) -> str:
    ledger, scenario = found.laid.file.ledger, found.scenario
    return (
        f"{ledger.ledger}, on {scenario.scenario}, which has {found.fte:.1f} FTE. Needs: the cheapest staffing for a "
        "reading alone, from the least to the most."
    )


def _below(told: list[AlikeReadings], left_out: list[str]) -> str:
    """What the letters mean, and which claims are not shown."""
    letters = legend(told)
    said = f"Arithmetic: {letters}. " if letters else ""
    return said + (f"Not testable here: {', '.join(left_out)}." if left_out else "")


def _key(sheet: Sheet, top: float) -> None:
    handles = [Line2D([], [], label=look.means, **_style(look)) for look in LOOKS.values()]
    axes = sheet.axes(MARGIN, top, WIDTH - 2 * MARGIN, 2 * KEY)
    axes.set_axis_off()
    axes.legend(
        handles=handles, loc="upper left", ncols=4, handlelength=1.2, handletextpad=0.4, columnspacing=1.2, borderpad=0,
        borderaxespad=0,
    )  # fmt: skip
