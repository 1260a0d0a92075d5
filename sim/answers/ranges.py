"""What values of paths do: where all targets hold over two ranges, which plausible range decides the verdict, and how
many years of growth the present staffing bears.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sim.answers.answer import Answer, Plot
from sim.tables import ranges as tables
from sim.text.ranges import map_answer, runway_answer, runway_parts, sensitivity_answer

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.scenario.choices import Per
    from sim.scenario.schema import Scenario
    from sim.studies.map import MapFound
    from sim.studies.ranges import Axis
    from sim.studies.runway import Needs, RunwayFound
    from sim.studies.sensitivity import SensitivityFound
    from sim.studies.staff.staffed import Bounds
    from sim.studies.trials import Trials
    from sim.tables.declared import Filled


class Map(Answer):
    """A plausibility map: `map`, cell by cell."""

    found: MapFound
    command = "map"
    leaves = (tables.CELLS,)
    plots = (
        Plot(
            "map",
            "The plausibility map",
            "Where all targets hold over two ranges, how often, and which target fails first.",
            "map:plausibility_map",
            leaves,
        ),
    )

    @classmethod
    def ask(
        cls,
        scenario: Scenario,
        trials: Trials,
        *,
        x: Axis,
        y: Axis,
        per: Per = "run",
        every_cell: bool = False,
    ) -> Map:
        """Run the cells, with `every_cell` those too that others tell of.

        ScenarioError where the document does not take a value, ValueError for ranges of one path.
        """
        from sim.studies.map import Grid, plausibility

        return cls(plausibility(Grid(scenario, x, y), trials, per=per, every_cell=every_cell))

    @property
    def holds(self) -> bool:
        """Whether all targets hold in any of the cells."""
        return any(self.found.holds(cell) for cell in self.found)

    def filled(self) -> Iterable[Filled]:
        return [tables.CELLS.of(tables.cells(self.found))]

    def sentences(self) -> list[str]:
        return list(map_answer(self.found))

    def head(self) -> dict[str, Any]:
        found = self.found
        x, y = (
            {"path": axis.path, "unit": axis.unit, "values": axis.values, "present_place": present}
            for axis, present in zip((found.x, found.y), found.present, strict=True)
        )
        return super().head() | {
            "per": found.per,
            "wanted_share": found.wanted,
            "cells_inferred": found.n_inferred,
            "x": x,
            "y": y,
        }


class Sensitivity(Answer):
    """A study of sensitivity: `sensitivity` (the effects), `sensitivity_share`, `sensitivity_turns`,
    `sensitivity_points`."""

    found: SensitivityFound
    command = "sensitivity"
    leaves = (tables.EFFECTS, tables.SHARE, tables.TURNS, tables.POINTS)
    plots = (
        Plot(
            "sensitivity",
            "What decides it",
            "Which of the plausible ranges decides the verdict.",
            "sensitivity:deciding",
            (tables.EFFECTS, tables.SHARE, tables.TURNS),
        ),
        Plot(
            "sensitivity_points",
            "Points that hold and points that fail",
            "The points of the plausible ranges that were run, by the two unknowns that matter most.",
            "sensitivity:scatter",
            (tables.POINTS,),
        ),
    )

    @classmethod
    def ask(
        cls,
        scenario: Scenario,
        trials: Trials,
        *,
        rows: int,
        replications: int | None = None,
        with_staff: bool = False,
    ) -> Sensitivity:
        """Run the points of a design of so many rows; by default with few replications each.

        ValueError where there is no target or no range; ScenarioError where the document does not take an end of one.
        """
        from sim.studies.sensitivity import FEW, RangeBox, sensitivity

        few = min(FEW, scenario.run.replications)
        box = RangeBox(scenario, few if replications is None else replications, with_staff=with_staff)
        return cls(sensitivity(box, trials, n_rows=rows))

    @property
    def holds(self) -> bool:
        """Whether all targets hold at every point."""
        return self.found.holds_everywhere

    def filled(self) -> Iterable[Filled]:
        return [
            tables.EFFECTS.of(tables.effects(self.found)),
            tables.SHARE.of([self.found]),
            tables.TURNS.of(tables.turns(self.found)),
            tables.POINTS.of(tables.points(self.found)),
        ]

    def drawn(self) -> Iterator[Plot]:
        return iter(self.plots if len(self.found.unknowns) > 1 else self.plots[:1])

    def sentences(self) -> list[str]:
        return list(sensitivity_answer(self.found))

    def head(self) -> dict[str, Any]:
        found = self.found
        return super().head() | {
            "rows": found.n_rows,
            "replications": found.replications,
            "scenarios_run": found.n_run,
            "verdict_changes": found.changes,
            "binding": found.binding,
            "ranked": [found.unknowns[i].path for i in found.ranked] if found.deciding.known else [],
        }


def rates(given: Sequence[str | float]) -> list[float]:
    """Rates of growth as shares a year, all different and above 0; ValueError where they are not.

    >>> rates(["15 %", 0.2])
    [0.15, 0.2]
    """
    from sim.scenario import units

    found: list[float] = []
    for part in given:
        text = part.strip() if isinstance(part, str) else part
        try:
            rate = units.growth(text if isinstance(text, float) or not _is_number(text) else float(text))
        except ValueError as error:
            raise ValueError(f"{error} (got '{text}')") from None
        if rate <= 0 or rate in found:
            rule = "a growth lies above 0 %" if rate <= 0 else "a growth is asked for twice"
            raise ValueError(f"{rule} (got '{text}')")
        found.append(rate)
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class Runway(Answer):
    """A runway: `runway` year by year, `runway_lengths` by rate, and `runway_staff`."""

    found: RunwayFound
    command = "runway"
    leaves = (tables.YEARS, tables.LENGTHS, tables.RUNWAY_STAFF)
    plots = (
        Plot(
            "runway",
            "How many years the staffing bears",
            "What every target comes to in each year of growth.",
            "runway:runway_years",
            leaves,
        ),
    )

    def __init__(self, found: RunwayFound, needs: Needs):
        super().__init__(found)
        self.needs = needs

    @classmethod
    def ask(
        cls,
        scenario: Scenario,
        trials: Trials,
        *,
        growth: Sequence[float],
        years: int,
        staff_years: int,
        pools: Mapping[str, Bounds] | None = None,
        allow_overload: bool = False,
    ) -> Runway:
        """Grow the volume by each rate; ValueError where there is nothing that could grow or be missed.

        `pools` and `allow_overload` say of the staff of years to come what they say of `staff`.
        """
        from sim.studies.runway import Growing, needs, runway

        growing = Growing(scenario)
        found = runway(growing, growth, trials, most_years=years)
        needed = needs(
            growing,
            growth,
            min(staff_years, years),
            trials,
            pools=pools,
            allow_overload=allow_overload,
        )
        return cls(found, needed)

    @property
    def holds(self) -> bool:
        return not any(course.open_from for course in self.found.courses)

    def filled(self) -> Iterable[Filled]:
        return [
            tables.YEARS.of(tables.years(self.found)),
            tables.LENGTHS.of(self.found.courses),
            tables.RUNWAY_STAFF.of(tables.people(self.found, self.needs)),
        ]

    def sentences(self) -> list[str]:
        return list(runway_answer(self.found, self.needs))

    def parts(self) -> list[RenderableType]:
        return runway_parts(self.found, self.needs)

    def head(self) -> dict[str, Any]:
        return super().head() | {
            "volume_unit": self.found.unit,
            "beyond_staff": list(self.needs.beyond_staff),
            "closed": [one.name for one in self.needs.closed],
            "kept": list(self.needs.kept),
        }
