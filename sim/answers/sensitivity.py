"""Which plausible range decides the verdict, and in how much of the ranges all targets hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sim.answers.answer import Answer, Plot, Work
from sim.tables import ranges as tables

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario
    from sim.studies.sensitivity import SensitivityFound as Found
    from sim.tables.declared import Filled


class Sensitivity(Answer["Found"]):
    """A study of sensitivity: `sensitivity` (the effects), `sensitivity_share`, `sensitivity_turns`,
    `sensitivity_points`."""

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

    def __init__(self, found: Found):
        self.found = found

    @classmethod
    def ask(
        cls,
        scenario: Scenario,
        work: Work,
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
        return cls(sensitivity(box, work.trials, n_rows=rows, expect=work.expect))

    @property
    def scenario(self) -> Scenario:
        return self.found.scenario

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
        from sim.text.ranges import sensitivity_answer

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
