"""The plausibility map: two ranges, and in each of their cells the share of runs in which all targets hold.

All cells look at few replications first; only those near the line get more, up to the number asked for. Which ones is
decided in rounds from what all cells came to, so it depends on neither the number of jobs nor an interruption.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from sim.draw import draw_key
from sim.measures.estimates import Estimate, Verdict, each_of
from sim.measures.frame import UNITS
from sim.measures.held import SPOKE, SURELY
from sim.measures.sample import Sample
from sim.measures.stopping import Looks
from sim.measures.targets import TargetResult, joint
from sim.studies.ranges import Axis, Variations
from sim.studies.trials import QuestionError, Trials

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

Period = Literal["run", "month", "week", "day"]

FIRST_LOOK: Final = 4
"""Replications of every cell, however far from the line it turns out to be."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The scenario at one value of each range."""

    replications: int
    share: Estimate
    """Of the periods in which all targets hold; NaN where none had anything to judge."""
    judged: int
    """Periods that the share is of."""
    verdict: Verdict
    """On all targets at once, by intervals that hold all at once, however often the map has looked."""
    first: str | None
    """The target that fails first: it holds in the fewest periods and, of several, uses up most of what it allows."""
    targets: tuple[TargetResult, ...]
    """In the order of the document, each with its own interval."""
    held: tuple[float, ...]
    """The share of periods in which each target holds."""


@dataclass(frozen=True, slots=True)
class MapFound:
    """Two ranges and what the scenario comes to over them."""

    scenario: Scenario
    """As the file has it."""
    x: Axis
    y: Axis
    per: Period
    wanted: float
    """The share of periods in which all targets have to hold: the confidence of the scenario."""
    cells: tuple[tuple[Cell, ...], ...]
    """Row by row of y, column by column of x."""
    present: tuple[float | None, float | None]
    """Where the file's own values stand among those of x and y, as `Axis.place` gives it."""

    def __iter__(self) -> Iterator[Cell]:
        return (cell for row in self.cells for cell in row)

    def holds(self, cell: Cell) -> bool:
        """Whether a cell lies on the good side of the line."""
        return holds(cell, self.wanted)

    @property
    def nearest(self) -> tuple[int | None, int | None]:
        """The column and row whose values are nearest those of the file; None where those lie outside."""
        column, row = (None if place is None else math.ceil(place - 0.5) for place in self.present)
        return column, row


def holds(cell: Cell, wanted: float) -> bool:
    """Whether all targets hold in the share of periods that is wanted."""
    return cell.share.value >= wanted


class Grid:
    """The scenarios at all values of two ranges, each made and checked before anything is run."""

    def __init__(self, scenario: Scenario, x: Axis, y: Axis):
        """ScenarioError where the document does not take a value; QuestionError where the two ranges make no map."""
        if x.path == y.path:
            raise QuestionError(f"the two ranges of a map are of two paths (got {x.path} twice)")
        if not scenario.targets:
            raise QuestionError("a map needs targets, and the scenario has none")
        self.scenario, self.x, self.y = scenario, x, y
        variations = Variations(scenario)
        self.present = x.place(variations.value(x.path)), y.place(variations.value(y.path))
        self.worlds = {
            (row, column): variations.at({x.path: x_value, y.path: y_value})
            for row, y_value in enumerate(y.values)
            for column, x_value in enumerate(x.values)
        }
        """By row and column."""


def plausibility(
    grid: Grid,
    trials: Trials,
    *,
    per: Period = "run",
    replications: int | None = None,
) -> MapFound:
    """The map of a grid, with at most so many replications a cell (the scenario's own if None)."""
    scenario = grid.scenario
    numbers = looks(scenario.run.replications if replications is None else replications)
    order = sorted(grid.worlds, key=lambda at: (draw_key(grid.worlds[at]), at))
    cells: dict[tuple[int, int], Cell] = {}
    asked = order
    for n in numbers:
        trials.settings.expect(_in_all(cells, asked, n))
        trials.ahead((grid.worlds[at] for at in asked), n, only_targets=True)
        for at in asked:
            cells[at] = _cell(trials.sample(grid.worlds[at], n, only_targets=True), per, len(numbers))
        asked = [at for at in order if _near(cells, at, scenario.run.confidence)]
    rows = tuple(tuple(cells[row, column] for column in range(len(grid.x))) for row in range(len(grid.y)))
    return MapFound(scenario, grid.x, grid.y, per, scenario.run.confidence, rows, grid.present)


def looks(most: int) -> tuple[int, ...]:
    """The numbers of replications at which cells are looked at, up to the most.

    >>> looks(10), looks(3)
    ((4, 8, 10), (3,))
    """
    return Looks(FIRST_LOOK, most).numbers if most > FIRST_LOOK else (most,)


def _near(cells: dict[tuple[int, int], Cell], at: tuple[int, int], wanted: float) -> bool:
    """Whether a cell is near the line: open, held in some periods and not in others, or with the line beside it."""
    cell = cells[at]
    if cell.verdict == "undecided" or 0 < cell.share.value < 1:
        return True
    row, column = at
    beside = ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
    return any(holds(cells[other], wanted) != holds(cell, wanted) for other in beside if other in cells)


def _in_all(cells: dict[tuple[int, int], Cell], asked: list[tuple[int, int]], n: int) -> int:
    """Replications of all cells once those asked for have n."""
    return sum(cell.replications for at, cell in cells.items() if at not in set(asked)) + n * len(asked)


def _cell(sample: Sample, per: Period, n_looks: int) -> Cell:
    confidence = sample.frame.scenario.run.confidence
    # The verdict may be right by chance at each look; the share is reported once, at the last.
    looked, told = joint(sample, each_of(confidence, n_looks)), joint(sample, confidence)
    unit = UNITS.index(per)
    held = [_held(sample, k, unit) for k in range(len(looked.results))]
    share = told.shares[per]
    order = [(one, -told.results[k].used, told.results[k].name) for k, one in enumerate(held) if not math.isnan(one)]
    return Cell(
        replications=len(sample),
        share=share.share,
        judged=share.n_judged,
        verdict=looked.verdict,
        first=min(order)[2] if order else None,
        targets=told.results,
        held=tuple(held),
    )


def _held(sample: Sample, k: int, unit: int) -> float:
    """The share of periods in which a target holds, NaN where it had nothing to judge."""
    spoke, surely = (int(sample.units[:, k, unit, column].sum()) for column in (SPOKE, SURELY))
    return surely / spoke if spoke else np.nan
