"""Where all targets hold over two ranges, and which of them fails first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sim.answers.answer import Answer, Plot, Work
from sim.tables import ranges as tables

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario
    from sim.studies.map import MapFound as Found
    from sim.studies.map import Period
    from sim.studies.ranges import Axis
    from sim.tables.declared import Filled


class Map(Answer["Found"]):
    """A plausibility map: `map`, cell by cell."""

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

    def __init__(self, found: Found):
        self.found = found

    @classmethod
    def ask(cls, scenario: Scenario, work: Work, *, x: Axis, y: Axis, per: Period = "run") -> Map:
        """Run the cells; ScenarioError where the document does not take a value, ValueError for ranges of one path."""
        from sim.studies.map import Grid, plausibility

        return cls(plausibility(Grid(scenario, x, y), work.trials, per=per, expect=work.expect))

    @property
    def scenario(self) -> Scenario:
        return self.found.scenario

    @property
    def holds(self) -> bool:
        """Whether all targets hold in any of the cells."""
        return any(self.found.holds(cell) for cell in self.found)

    def filled(self) -> Iterable[Filled]:
        return [tables.CELLS.of(tables.cells(self.found))]

    def sentences(self) -> list[str]:
        from sim.text.ranges import map_answer

        return list(map_answer(self.found))

    def head(self) -> dict[str, Any]:
        found = self.found
        x, y = (
            {"path": axis.path, "unit": axis.unit, "values": axis.values, "present_place": present}
            for axis, present in zip((found.x, found.y), found.present, strict=True)
        )
        return super().head() | {"per": found.per, "wanted_share": found.wanted, "x": x, "y": y}
