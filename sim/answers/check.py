"""A scenario looked at before anything is simulated: its loads, its people, and every warning.

It stands apart from what is run, since nothing slow may be imported for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sim.answers.answer import Answer
from sim.tables import check as tables

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.scenario.describe import Description
    from sim.scenario.schema import Scenario
    from sim.tables.declared import Filled


class Check(Answer):
    """The model: `pool_loads`, `stage_loads`, `hour_loads`, `unknowns`, and `warnings`; as text it is what the terminal
    shows."""

    found: Description
    command = "check"
    leaves = (tables.POOL_LOADS, tables.STAGE_LOADS, tables.HOURS, tables.UNKNOWNS)
    plots = ()

    def __init__(self, found: Description, scenario: Scenario):
        super().__init__(found)
        self._scenario = scenario

    @classmethod
    def ask(cls, scenario: Scenario) -> Check:
        """Look at a scenario."""
        from sim.scenario.describe import describe

        return cls(describe(scenario), scenario)

    @property
    def scenario(self) -> Scenario:
        return self._scenario

    @property
    def warnings(self) -> tuple[str, ...]:
        """What may not be meant, what is overloaded; each one sentence."""
        return self.found.warnings

    @property
    def holds(self) -> bool:
        return not self.warnings

    def filled(self) -> Iterable[Filled]:
        found = self.found
        return [
            tables.POOL_LOADS.of(found.pools),
            tables.STAGE_LOADS.of(found.stages),
            tables.HOURS.of(tables.hours(found)),
            *([tables.UNKNOWNS.of(self.scenario.plausible.items())] if self.scenario.plausible else []),
        ]

    def sentences(self) -> list[str]:
        return list(self.warnings) or ["No warnings."]

    def parts(self) -> list[RenderableType]:
        from sim.text.model import parts

        return parts(self.scenario, self.found)

    def head(self) -> dict[str, Any]:
        from sim.text.scenario import calendar_words, demand_words, pool_words, run_words

        scenario = self.scenario
        return super().head() | {
            "demand": list(demand_words(scenario)),
            "run": run_words(scenario),
            "calendars": list(calendar_words(scenario)),
            "targets": {name: target.words for name, target in scenario.targets.items()},
            "pools": {name: pool_words(scenario, name) for name in scenario.pools},
            "tips": self.found.tips,
            "cohort": self.found.cohort,
            "warnings": list(self.warnings),
            "notes": list(self.found.notes),
            "drawn": list(self.found.drawn),
        }

    def __str__(self) -> str:
        from sim.text.page import plain

        return plain(self.parts())
