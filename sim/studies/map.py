"""The plausibility map: two ranges, and in each of their cells the share of runs in which all targets hold.

Along a range of people not every cell is run. The outermost are, then one between two that came to different things,
until all that is left lies between two that came to the same: the verdict, the share and the target that fails
first. More people cannot hurt there, by the assumption and under the conditions of the certificate of `staff`
(`staffed.more_may_hurt`, `starving.py`), so what lies between comes to that too. It is told as inferred.

Every cell that is run looks at few replications first; only those near the line get more, up to the number asked for.
Which cells, and how many replications, is decided in rounds from what cells came to, so it depends on neither the
number of jobs nor an interruption.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.draw import draw_key
from sim.measures.estimates import Estimate, Verdict, each_of
from sim.measures.held import SPOKE, SURELY
from sim.measures.sample import Sample
from sim.measures.stopping import Looks
from sim.measures.targets import TargetResult, joint
from sim.scenario.choices import UNITS, Per
from sim.studies.ranges import Axis, Variations
from sim.studies.staff.staffed import more_may_hurt
from sim.studies.staff.starving import Care
from sim.studies.trials import QuestionError, Trials

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

At = tuple[int, int]
"""Row and column of a cell."""

FIRST_LOOK: Final = 4
"""Replications of every cell, however far from the line it turns out to be."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The scenario at one value of each range."""

    replications: int
    """That were run; none where the cell is inferred."""
    share: Estimate
    """Of the periods in which all targets hold; NaN where none had anything to judge. Of an inferred cell that of the
    cells on either side, from the lower end of the one with fewer people to the upper end of the other."""
    judged: int
    """Periods that the share is of."""
    verdict: Verdict
    """On all targets at once, by intervals that hold all at once, however often the map has looked."""
    first: str | None
    """The target that fails first: it holds in the fewest periods and, of several, uses up most of what it allows."""
    targets: tuple[TargetResult, ...]
    """In the order of the document, each with its own interval; none where the cell is inferred."""
    held: tuple[float, ...]
    """The share of periods in which each target holds; none where the cell is inferred."""

    @property
    def inferred(self) -> bool:
        """Whether it was not run, and is told from the cells on either side."""
        return not self.replications

    def alike(self, other: Cell) -> bool:
        """Whether another cell came to the same, as far as cells between the two are told by it.

        Where all targets hold throughout, the first to fail is only the one that has least to spare.
        """
        same = (self.verdict, self.share.value) == (other.verdict, other.share.value)
        return same and (self.first == other.first or self.share.value == 1)


@dataclass(frozen=True, slots=True)
class MapFound:
    """Two ranges and what the scenario comes to over them."""

    scenario: Scenario
    """As the file has it."""
    x: Axis
    y: Axis
    per: Per
    wanted: float
    """The share of periods in which all targets have to hold: the confidence of the scenario."""
    cells: tuple[tuple[Cell, ...], ...]
    """Row by row of y, column by column of x."""
    present: tuple[float | None, float | None]
    """Where the file's own values stand among those of x and y, as `Axis.place` gives it."""

    def __iter__(self) -> Iterator[Cell]:
        return (cell for row in self.cells for cell in row)

    @property
    def n_inferred(self) -> int:
        """Cells that were not run."""
        return sum(cell.inferred for cell in self)

    def holds(self, cell: Cell) -> bool:
        """Whether a cell lies on the good side of the line."""
        return holds(cell, self.wanted)

    @property
    def nearest(self) -> tuple[int | None, int | None]:
        """The column and row whose values are nearest those of the file; None where those lie outside."""
        return nearest(self.present)


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
        self.worlds: dict[At, Scenario] = {
            (row, column): variations.at({x.path: x_value, y.path: y_value})
            for row, y_value in enumerate(y.values)
            for column, x_value in enumerate(x.values)
        }
        """By row and column."""
        for line in self._lines:
            first = self.worlds[line[0]]
            self.worlds |= {at: _restaffed(first, self.worlds[at]) for at in line[1:]}

    @cached_property
    def monotone(self) -> tuple[tuple[At, ...], ...]:
        """Rows or columns of cells that differ in the people of one pool alone, of whom more cannot hurt, the fewest
        first; none where there are no such."""
        return tuple(line for line in self._lines if not any(more_may_hurt(self.worlds[at]) for at in line))

    @property
    def nearest(self) -> At | None:
        """The cell whose values are nearest those of the file; None where those lie outside."""
        column, row = nearest(self.present)
        return None if row is None or column is None else (row, column)

    @property
    def pool(self) -> str:
        """The pool whose people differ along the lines."""
        path = self._along.path if self._along else ""
        return path.split(".")[1] if path else ""

    @cached_property
    def _along(self) -> Axis | None:
        """The range of people, of two the longer one; None where there is none."""
        found = [axis for axis in (self.x, self.y) if _is_of_people(axis)]
        return max(found, key=lambda axis: (len(axis), axis.path), default=None)

    @cached_property
    def _lines(self) -> tuple[tuple[At, ...], ...]:
        """The cells along the range of people, the fewest first, for each value of the other range."""
        along = self._along
        if along is None:
            return ()
        order = sorted(range(len(along)), key=lambda place: along.numbers[place])
        if along is self.x:
            return tuple(tuple((row, column) for column in order) for row in range(len(self.y)))
        return tuple(tuple((row, column) for row in order) for column in range(len(self.x)))


def _is_of_people(axis: Axis) -> bool:
    """Whether a range is of people at a post of a pool."""
    match axis.path.split("."):
        case ["pools", _, "staff"] | ["pools", _, "shifts", _, "staff"]:
            return bool(axis.numbers)
    return False


def _restaffed(first: Scenario, other: Scenario) -> Scenario:
    """A scenario made of the parts of one from which it differs in people alone, so that they share what is made ready
    for measuring; as it is where it differs in more."""
    own = {"pools": other.pools, "hash": other.hash}
    fields = [name for name in type(first).model_fields if name not in (*own, "tree")]
    same = all(getattr(first, name) == getattr(other, name) for name in fields)
    # Its `tree` is that of the first, as with the staffings of a search.
    return first.model_copy(update=own) if same else other


def nearest(present: tuple[float | None, float | None]) -> tuple[int | None, int | None]:
    """The column and row nearest to places along the ranges."""
    column, row = (None if place is None else math.ceil(place - 0.5) for place in present)
    return column, row


def plausibility(
    grid: Grid,
    trials: Trials,
    *,
    per: Per = "run",
    replications: int | None = None,
    every_cell: bool = False,
) -> MapFound:
    """The map of a grid, with at most so many replications a cell (the scenario's own if None).

    With `every_cell` nothing is inferred.
    """
    scenario = grid.scenario
    numbers = looks(scenario.run.replications if replications is None else replications)
    cells = _Cells(grid, trials, per, numbers).told(() if every_cell else grid.monotone)
    rows = tuple(tuple(cells[row, column] for column in range(len(grid.x))) for row in range(len(grid.y)))
    return MapFound(scenario, grid.x, grid.y, per, scenario.run.confidence, rows, grid.present)


class _Cells:
    """The cells of a map as they come to be known."""

    def __init__(self, grid: Grid, trials: Trials, per: Per, numbers: tuple[int, ...]):
        """`numbers` are those of replications at which a cell is looked at."""
        self.grid, self.trials, self.per, self.numbers = grid, trials, per, numbers
        self.wanted = grid.scenario.run.confidence
        self.run: dict[At, Cell] = {}
        self.asked: dict[At, int] = {}
        """How many replications each was asked for: more than it has where nothing is left to chance."""
        self.inferred: dict[At, Cell] = {}
        self.order = sorted(grid.worlds, key=lambda at: (draw_key(grid.worlds[at]), at))
        self._care: dict[At, Care] = {}
        self._minded: dict[tuple[At, int], bool] = {}
        self._turn: int | None = None

    def told(self, lines: tuple[tuple[At, ...], ...]) -> dict[At, Cell]:
        """Every cell, those inferred that may be along the lines."""
        sure = (self.grid.worlds[at] for line in lines for at in self._first(line))
        self.trials.ahead(sure, self.numbers[0], only_targets=True)
        for line in lines:
            self._settle(line, self._first(line), inferring=True)
            self._turn = self._turns(line)
        along = {at for line in lines for at in line}
        rest = tuple(at for at in self.order if at not in along)
        self._settle(rest, rest, inferring=False)
        # What one line came to may bring the line between good and bad beside the cells of another.
        going_on = bool(lines)
        while going_on:
            ran = [self._settle(line, (), inferring=True) for line in lines]
            going_on = any(ran)
        self.run = {at: _reported(cell, self._sample(at), self.per) for at, cell in self.run.items()}
        for line in lines:
            self._between(line)
        return self.run | self.inferred

    def _first(self, line: tuple[At, ...]) -> tuple[At, ...]:
        """The cells of a line that are run whatever comes out: the outermost, and the one nearest the file's values."""
        return tuple(dict.fromkeys(at for at in (line[0], line[-1], self.grid.nearest) if at in line))

    def _settle(self, group: tuple[At, ...], fresh: tuple[At, ...], *, inferring: bool) -> bool:
        """Run cells of a group until none of them has to be, and say whether any was; with some `fresh` ones at first.

        Inferring, a group is a line of cells of more and more people.
        """
        any_run = False
        while True:
            for n in self.numbers:
                asked = [*(fresh if n == self.numbers[0] else ()), *self._near(group, n)]
                if asked:
                    self.trials.settings.expect(self._in_all(asked, n))
                self.trials.ahead((self.grid.worlds[at] for at in asked), n, only_targets=True)
                for at in asked:
                    self.run[at], self.asked[at] = self._looked(at, n), n
                any_run = any_run or bool(asked)
            if not inferring:
                return any_run
            for at in group:
                self.inferred.pop(at, None)
            fresh = self._between(group)
            if not fresh and not self._near(group, self.numbers[-1]):
                return any_run

    def _near(self, group: tuple[At, ...], n: int) -> list[At]:
        """The cells of a group that are near the line and have fewer than n replications."""
        asked = (at for at in group if self.asked.get(at, n) < n)
        return [at for at in asked if near(self.run | self.inferred, at, self.wanted)]

    def _in_all(self, asked: list[At], n: int) -> int:
        """Replications of all cells once those asked for have n."""
        return sum(cell.replications for at, cell in self.run.items() if at not in set(asked)) + n * len(asked)

    def _between(self, line: tuple[At, ...]) -> tuple[At, ...]:
        """Infer what lies between cells of a line that came to the same, and give the middles between others."""
        fresh = []
        places = [place for place, at in enumerate(line) if at in self.run]
        for one, other in pairwise(places):
            if other == one + 1:
                continue
            fewer, more = self.run[line[one]], self.run[line[other]]
            if fewer.alike(more) and self._starves_nobody(line, one):
                share = replace(fewer.share, low=fewer.share.low, high=more.share.high)
                first = fewer.first if fewer.first == more.first else None
                told = Cell(0, share, 0, fewer.verdict, first, (), ())
                self.inferred |= dict.fromkeys(line[one + 1 : other], told)
            else:
                fresh.append(line[probe(one, other, self._turn)])
        return tuple(fresh)

    def _turns(self, line: tuple[At, ...]) -> int | None:
        """The place along a line from which on more people change nothing; None where they never do."""
        cells = [self.run.get(at) or self.inferred[at] for at in line]
        return next((place for place in range(len(line) - 1, 0, -1) if not cells[place - 1].alike(cells[place])), None)

    def _starves_nobody(self, line: tuple[At, ...], place: int) -> bool:
        """Whether a cell of a line keeps no tips from what is judged later on, which would do better by that: it would
        tell nothing of more people. As `staff` minds it; what the most people leave out is not for want of them."""
        at, top = line[place], line[-1]
        key = at, self.run[at].replications
        if key not in self._minded:
            if top not in self._care:
                self._care[top] = Care(self.grid.worlds[top], {self.grid.pool})
            care = self._care[top]
            concerns = (
                care.concerns(self.grid.worlds[at], self._sample(at), lambda: self._sample(top))
                if care.only_targets
                else ()
            )
            self._minded[key] = care.only_targets and all(one.verdict == "met" for one in concerns)
        return self._minded[key]

    def _sample(self, at: At, n: int | None = None) -> Sample:
        """The sample of a cell, of the replications that it has if no number is given."""
        return self.trials.sample(
            self.grid.worlds[at], self.run[at].replications if n is None else n, only_targets=True
        )

    def _looked(self, at: At, n: int) -> Cell:
        """A cell by n replications."""
        sample = self._sample(at, n)
        spoke, surely = (int(sample.joint[:, UNITS.index(self.per), column].sum()) for column in (SPOKE, SURELY))
        if n < self.numbers[-1] and 0 < surely < spoke:
            # It goes on to the next look whatever its verdict is, so that none is asked for.
            return Cell(n, Estimate(surely / spoke, 0.0, 1.0), spoke, "undecided", None, (), ())
        return _cell(sample, self.per, len(self.numbers))


def looks(most: int) -> tuple[int, ...]:
    """The numbers of replications at which cells are looked at, up to the most.

    >>> looks(10), looks(3)
    ((4, 8, 10), (3,))
    """
    return Looks(FIRST_LOOK, most).numbers if most > FIRST_LOOK else (most,)


def probe(one: int, other: int, turn: int | None) -> int:
    """The place to look at between two along a line: where the line before had its last turn, from there on in steps
    that double; in the middle where it had none.

    >>> probe(0, 11, None), probe(0, 11, 3), probe(3, 11, 3), probe(4, 11, 3), probe(6, 11, 3), probe(0, 3, 3)
    (5, 3, 4, 6, 10, 2)
    """
    if turn is None:
        return (one + other) // 2
    if turn <= one:
        turn = one + (one - turn + 1)
    elif turn >= other:
        turn = other - (turn - other + 1)
    return min(max(turn, one + 1), other - 1)


def near(cells: dict[At, Cell], at: At, wanted: float) -> bool:
    """Whether a cell is near the line: open, held in some periods and not in others, or with the line beside it."""
    cell = cells[at]
    if cell.verdict == "undecided" or 0 < cell.share.value < 1:
        return True
    row, column = at
    beside = ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
    return any(holds(cells[other], wanted) != holds(cell, wanted) for other in beside if other in cells)


def _cell(sample: Sample, per: Per, n_looks: int) -> Cell:
    """A cell as one look at it shows it; what is reported of it is for `_reported`."""
    # The verdict may be right by chance at each look.
    looked = joint(sample, each_of(sample.frame.scenario.run.confidence, n_looks))
    unit = UNITS.index(per)
    held = [_held(sample, k, unit) for k in range(len(looked.results))]
    share = looked.shares[per]
    order = [
        (one, -looked.results[k].used, looked.results[k].name) for k, one in enumerate(held) if not math.isnan(one)
    ]
    return Cell(
        replications=len(sample),
        share=share.share,
        judged=share.n_judged,
        verdict=looked.verdict,
        first=min(order)[2] if order else None,
        targets=looked.results,
        held=tuple(held),
    )


def _reported(cell: Cell, sample: Sample, per: Per) -> Cell:
    """A cell with the intervals that are reported: once, after the last look."""
    told = joint(sample, sample.frame.scenario.run.confidence)
    return replace(cell, share=told.shares[per].share, targets=told.results)


def _held(sample: Sample, k: int, unit: int) -> float:
    """The share of periods in which a target holds, NaN where it had nothing to judge."""
    spoke, surely = (int(sample.units[:, k, unit, column].sum()) for column in (SPOKE, SURELY))
    return surely / spoke if spoke else np.nan
