"""What a plausibility map says, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from sim.text.paths import Wording, wording
from sim.text.words import percent, with_interval

if TYPE_CHECKING:
    from sim.studies.map import Cell, MapFound
    from sim.studies.ranges import Axis

PERIODS: Final = {"run": "runs", "month": "months", "week": "weeks", "day": "days"}


def answer(found: MapFound) -> list[str]:
    """What the map says, in sentences."""
    return list(_answer(found))


def finding(found: MapFound) -> str:
    """What the map says, in one sentence."""
    n_cells, n_hold = len(list(found)), sum(found.holds(cell) for cell in found)
    wanted, periods = percent(found.wanted), PERIODS[found.per]
    if not n_hold:
        best = max(found, key=lambda cell: (cell.share.value == cell.share.value, cell.share.value))
        return f"Nowhere here do all targets hold in {wanted} of the {periods}: at best in {percent(best.share.value)}"
    if n_hold == n_cells:
        return f"All targets hold everywhere here, in at least {wanted} of the {periods}"
    return f"All targets hold in at least {wanted} of the {periods} in {n_hold} of {n_cells} cells"


def wordings(found: MapFound) -> tuple[Wording, Wording]:
    """How the two ranges are spoken of."""
    x, y = (wording(found.scenario, axis.path, axis.unit) for axis in (found.x, found.y))
    return x, y


def failing_first(found: MapFound) -> list[tuple[str, int]]:
    """The targets that fail first where not all hold, and in how many cells, most first."""
    order = list(found.scenario.targets)
    many = Counter(cell.first for cell in found if not found.holds(cell) and cell.first is not None)
    return sorted(many.items(), key=lambda item: (-item[1], order.index(item[0])))


def _answer(found: MapFound) -> Iterator[str]:
    yield f"{finding(found)}."
    if first := failing_first(found):
        yield "Where they do not, what fails first: " + ", ".join(f"{name} in {n} cells" for name, n in first) + "."
    x, y = wordings(found)
    column, row = found.nearest
    if column is not None and row is not None:
        cell = found.cells[row][column]
        on_grid = all(place == round(place) for place in found.present if place is not None)
        where = f"{x.value(number_of(found.x, column))} and {y.value(number_of(found.y, row))}"
        yield f"{'As it is' if on_grid else 'Nearest to what is'}, with {where}: {_cell_words(found, cell)}."
    if row is not None:
        along = [found.holds(cell) for cell in found.cells[row]]
        yield f"With {y.value(number_of(found.y, row))}, all hold {_where(along, found.x, x)}."
    if column is not None:
        along = [found.holds(cells[column]) for cells in found.cells]
        yield f"With {x.value(number_of(found.x, column))}, all hold {_where(along, found.y, y)}."


def _cell_words(found: MapFound, cell: Cell) -> str:
    share = with_interval(cell.share.value, cell.share.low, cell.share.high)
    fails = f"; {cell.first} fails first" if not found.holds(cell) and cell.first else ""
    return f"together {cell.verdict}, all hold in {share} of the {PERIODS[found.per]}{fails}"


def _where(along: Sequence[bool], axis: Axis, words: Wording) -> str:
    """Along which values of a range all targets hold."""
    if not any(along):
        return "nowhere in the range"
    if all(along):
        return "in the whole range"
    parts = []
    for first, last in _stretches(along):
        least, most = (words.value(number_of(axis, at)) for at in (first, last))
        if first == last:
            parts.append(f"with {least}")
        elif first == 0:
            parts.append(f"up to {most}")
        elif last == len(along) - 1:
            parts.append(f"from {least} on")
        else:
            parts.append(f"from {words.number(number_of(axis, first))} to {most}")
    return " and ".join(parts)


def _stretches(along: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """First and last place of each run of places that hold."""
    begin = None
    for at, one in enumerate([*along, False]):
        if one and begin is None:
            begin = at
        elif not one and begin is not None:
            yield begin, at - 1
            begin = None


def number_of(axis: Axis, at: int) -> float | str:
    """A value of an axis as a number in its unit, or as the name that it is."""
    return axis.numbers[at] if axis.numbers else str(axis.values[at])
