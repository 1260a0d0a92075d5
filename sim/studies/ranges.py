"""The values that a study gives to one path of a document, and the scenarios that come of it.

An axis is written `path=from..to`, `path=from..to:12`, `path=from..to:12 log` or `path=a,b,c`; a unit that is written
once, at the end, is that of all its numbers. Whether a path and its values make sense is for the document to say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sim.scenario import shape, units
from sim.scenario.faults import ScenarioError
from sim.scenario.loading import document_of
from sim.scenario.tree import Node, compose

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

N_POINTS: Final = 12
"""Points of a range that says no number."""
MOST_POINTS: Final = 200
DIGITS: Final = 4
"""Significant digits of the points between two ends."""
EXACT: Final = 12
"""Significant digits of a number that was turned from one unit to another: what it lost in that is not shown."""

_RANGE: Final = re.compile(r"(?P<first>.+?)\.\.(?P<last>[^:]+)(?::\s*(?P<points>\d+))?(?P<log>\s+log)?\s*")

_FROM_TO: Final = re.compile(r"([\d.]+\S*?)\s*(?:-|–|to|:|…)\s*(\d\S*)")
"""What people write for a range."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Values of one path, in the order in which they were asked for."""

    path: str
    values: tuple[float | int | str, ...]
    """What the path is set to, one after the other."""
    numbers: tuple[float, ...]
    """The same as numbers in `unit`, a share as a fraction; empty where the values are names."""
    unit: str
    """As written: "min", "/year", "%", or "" for plain numbers and names."""

    def __len__(self) -> int:
        return len(self.values)

    @property
    def column(self) -> str:
        """The path as the head of a column, with its unit.

        >>> axis("demand.volume=8000/year,9000/year").column
        'demand.volume_per_year'
        """
        return column(self.path, self.unit)

    def place(self, value: object) -> float | None:
        """Where a value of the document stands among those of the axis: 0 at the first, 0.5 half way to the second.

        None where it lies outside, or is no such value.

        >>> axis("demand.volume=10000/year,20000/year,40000/year").place("30000/year")
        1.5
        """
        if not self.numbers:
            return float(self.values.index(value)) if value in self.values else None
        try:
            number = in_unit(value, self.unit)
        except ValueError:
            return None
        for at, (one, other) in enumerate(zip(self.numbers, self.numbers[1:], strict=False)):
            if min(one, other) <= number <= max(one, other):
                return at + (number - one) / (other - one) if one != other else float(at)
        return 0.0 if self.numbers == (number,) else None


class Variations:
    """Scenarios that differ from a given one in the values of some paths."""

    def __init__(self, scenario: Scenario):
        self.scenario = scenario
        self._document = document_of(scenario)

    def at(self, values: Mapping[str, Any]) -> Scenario:
        """The scenario with these values by path; ScenarioError where the document does not take them."""
        if not values:
            return self.scenario
        try:
            return self._document.scenario(changes=values)
        except ScenarioError as error:
            # Nobody has given these values with --set, where a change is taken to come from.
            faults = [replace(fault, file=fault.file.removeprefix("--set ")) for fault in error.faults]
            raise ScenarioError(faults) from None

    def value(self, path: str) -> Any:
        """What the document has at a path, as it is written; None where it says nothing of it."""
        node: Node | None = self._document.root
        for part in path.split("."):
            if node is None:
                return None
            by_number = isinstance(node.value, list) and part.isdigit()
            node = node.child(part) or (node.child(int(part)) if by_number else None)
        if node is not None and isinstance(node.value, dict) and "share" in node.value:
            node = node.value["share"]
        return None if node is None or isinstance(node.value, dict | list) else node.value


def axis(text: str) -> Axis:
    """The axis that a text asks for; ValueError says what is wrong with it.

    >>> axis("pools.desk.staff=2..5").values
    (2, 3, 4, 5)
    >>> axis("demand.volume=1000/year..100000/year:3 log").values
    ('1000/year', '10000/year', '100000/year')
    >>> axis("demand.risk.high=1..5 %:5").values
    (0.01, 0.02, 0.03, 0.04, 0.05)
    """
    path, equals, rest = (part.strip() for part in text.partition("="))
    if not (path and equals and rest):
        raise ValueError(f"an axis is written path=from..to, path=from..to:12 or path=a,b,c (got '{text}')")
    if ".." not in rest:
        try:
            return _listed(path, [part.strip() for part in rest.split(",")])
        except ValueError as error:
            meant = _FROM_TO.fullmatch(rest)
            said = f"a range is written {meant[1]}..{meant[2]}" if meant else str(error)
            raise ValueError(f"{said} (got '{rest}')") from None
    match = _RANGE.fullmatch(rest)
    if match is None:
        raise ValueError(f"a range is written from..to, from..to:12 or from..to:12 log (got '{rest}')")
    points = None if match["points"] is None else int(match["points"])
    if points is not None and not 2 <= points <= MOST_POINTS:
        raise ValueError(f"a range has 2 to {MOST_POINTS} points (got {points})")
    first, last = match["first"].strip(), match["last"].strip()
    return _between(path, first, last, points, log=match["log"] is not None)


def in_unit(value: object, unit: str) -> float:
    """The number of a value as a document has it, in a unit; ValueError where it has none in that unit.

    >>> in_unit("24/day", "/h"), in_unit("90 min", "h"), in_unit("2 %", ""), in_unit(0.02, "%")
    (1.0, 1.5, 0.02, 0.02)
    """
    if unit.startswith("/"):
        return rounded(units.rate(value) / units.rate(f"1{unit}"), EXACT)
    if unit not in ("", "%"):
        return rounded(units.duration(value) / units.duration(f"1 {unit}"), EXACT)
    return units.percentage(value)


def as_written(number: float, unit: str, *, whole: bool) -> float | int | str:
    """What to set a path to for a number in a unit."""
    if whole:
        return round(number)
    if unit in ("", "%"):
        return number
    return f"{number:.10g}{unit}" if unit.startswith("/") else f"{number:.10g} {unit}"


def column(path: str, unit: str) -> str:
    """The head of a column of values in a unit."""
    return path + {"": "", "%": "_share"}.get(unit, f"_{unit}".replace("_/", "_per_"))


def rounded(number: float, digits: int = DIGITS) -> float:
    """A number to so many significant digits.

    >>> rounded(16363.63), rounded(0.0)
    (16360.0, 0.0)
    """
    return float(f"{number:.{digits}g}")


def _between(path: str, first: str, last: str, points: int | None, *, log: bool) -> Axis:
    (first_number, last_number), unit = _numbers([_plain(first), _plain(last)])
    ends = first_number, last_number
    whole = shape.is_whole(tuple(path.split(".")))
    if log and min(ends) <= 0:
        raise ValueError(f"a logarithmic range lies above 0 (got {first}..{last})")
    if points is None:
        points = round(abs(ends[1] - ends[0])) + 1 if whole else N_POINTS
        if points > MOST_POINTS:
            raise ValueError(f"{first}..{last} are {points} values; say how many points: {first}..{last}:{N_POINTS}")
    numbers = [_part(*ends, step / max(points - 1, 1), log=log) for step in range(points)]
    numbers = [float(round(number)) if whole else rounded(number) for number in numbers]
    numbers[0], numbers[-1] = ends
    return _axis(path, numbers, unit, whole=whole)


def _part(first: float, last: float, part: float, *, log: bool) -> float:
    """The number that lies a part of the way from one to another."""
    return first * math.pow(last / first, part) if log else first + (last - first) * part


def _listed(path: str, texts: Sequence[str]) -> Axis:
    values = [_plain(text) for text in texts]
    if all(isinstance(value, str) and not any(letter.isdigit() for letter in value) for value in values):
        return Axis(path, tuple(dict.fromkeys(values)), (), "")
    numbers, unit = _numbers(values)
    return _axis(path, numbers, unit, whole=shape.is_whole(tuple(path.split("."))))


def _numbers(values: Sequence[Any]) -> tuple[list[float], str]:
    """Values as numbers, and the first unit that is written; those without a unit are in that of the last."""
    written = [units.split(value)[1] for value in values]
    unit = next((one for one in written if one), "")
    return [
        in_unit(value if own or not written[-1] else f"{value} {written[-1]}".replace(" /", "/"), unit)
        for value, own in zip(values, written, strict=True)
    ], unit


def _axis(path: str, numbers: Sequence[float], unit: str, *, whole: bool) -> Axis:
    numbers = list(dict.fromkeys(numbers))
    if whole and any(number != round(number) for number in numbers):
        raise ValueError(f"{path} takes whole numbers (got {', '.join(f'{number:g}' for number in numbers)})")
    return Axis(path, tuple(as_written(number, unit, whole=whole) for number in numbers), tuple(numbers), unit)


def _plain(text: str) -> Any:
    """A text as YAML would give it: a number where it is one."""
    return compose(text, "an axis").plain() if text.strip() else text
