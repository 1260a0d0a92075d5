"""What can be asked of a figure without looking at it."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from sim.plots import style


def said(figure: Figure) -> list[str]:
    """All text that a figure shows, the title first."""
    return [text.get_text() for text, _ in _placed(figure)]


def title(figure: Figure) -> str:
    return " ".join(figure.texts[0].get_text().split())


def too_small(figure: Figure) -> list[str]:
    """Text that a print would show smaller than 8 points."""
    return [text.get_text() for text, _ in _placed(figure) if float(text.get_fontsize()) < 8]


def cut_off(figure: Figure) -> list[str]:
    """Text that does not lie on the paper."""
    paper = figure.bbox
    return [
        text.get_text()
        for text, box in _placed(figure)
        if box.x0 < paper.x0 - 1 or box.x1 > paper.x1 + 1 or box.y0 < paper.y0 - 1 or box.y1 > paper.y1 + 1
    ]


def overlapping(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that lie on each other by more than a pixel or two."""
    inner = [(text, Bbox.from_extents(box.x0 + 1, box.y0 + 2, box.x1 - 1, box.y1 - 2)) for text, box in _placed(figure)]
    return [(a.get_text(), b.get_text()) for (a, one), (b, other) in combinations(inner, 2) if one.overlaps(other)]


def without_unit(figure: Figure) -> list[str]:
    """The axes whose numbers have neither a label nor a unit with them."""
    found = []
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            numbers = [label.get_text() for label in axis.get_ticklabels() if label.get_text() and label.get_visible()]
            bare = [
                number for number in numbers if number.replace(",", "").replace(".", "").isdigit() and number != "0"
            ]
            if axes.axison and bare and not axis.get_label_text():
                found.append(f"{axes} {axis.axis_name}: {numbers}")
    return found


def _placed(figure: Figure) -> list[tuple[Text, Bbox]]:
    """Every text that is drawn, and where: axes also keep labels of ticks that lie beyond their limits."""
    drawn: dict[Text, None] = {}

    class Watched(RendererAgg):
        def draw_text(self, *args: Any, mtext: Text | None = None, **options: Any) -> None:
            if mtext is not None:
                drawn.setdefault(mtext)

    with style.styled():
        renderer = Watched(figure.bbox.width, figure.bbox.height, figure.dpi)
        figure.draw(renderer)
        return [(text, text.get_window_extent(renderer)) for text in drawn if text.get_text().strip()]
