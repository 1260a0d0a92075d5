"""One tip explained: its life, what stood in its way, and what it came to for each target."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sim.answers.answer import Answer
from sim.tables import run as tables

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.dynamics.engines import Engine
    from sim.scenario.schema import Scenario
    from sim.tables.declared import Filled
    from sim.text.explain import Story


class Explanation(Answer["Story"]):
    """The story of a tip: `tip_events` in order, and `tip_targets`; as text it is what the terminal shows."""

    command = "explain"
    leaves = (tables.TIP_EVENTS, tables.TIP_TARGETS)
    plots = ()

    def __init__(self, found: Story, scenario: Scenario):
        self.found, self._scenario = found, scenario

    @classmethod
    def ask(cls, scenario: Scenario, tip: str, replication: int = 0, engine: Engine = "compiled") -> Explanation:
        """Tell the story of a tip of a replication, given by its number or as `first-missed:TARGET`.

        QuestionError, a ValueError, where there is no such tip.
        """
        from sim.draw import draw
        from sim.dynamics.engines import simulate
        from sim.studies.trials import QuestionError
        from sim.text.explain import explain

        drawn = draw(scenario, replication)
        log = simulate(drawn, engine)
        try:
            return cls(explain(scenario, drawn, log, tip), scenario)
        except ValueError as error:
            raise QuestionError(str(error)) from None

    @property
    def scenario(self) -> Scenario:
        return self._scenario

    @property
    def holds(self) -> bool:
        return all(one.sense != "missed" for one in self.found.judged)

    def filled(self) -> Iterable[Filled]:
        events = ((event, self.scenario.start) for event in self.found.events)
        return [tables.TIP_EVENTS.of(events), tables.TIP_TARGETS.of(self.found.judged)]

    def sentences(self) -> list[str]:
        from sim.text.explain import sentences

        return sentences(self.found)

    def parts(self) -> list[RenderableType]:
        from sim.text.explain import parts

        return parts(self.found, self.scenario)

    def head(self) -> dict[str, Any]:
        found = self.found
        return super().head() | {
            "replication": found.replication,
            "tip": found.tip,
            "truly": found.attributes,
            "tier": found.tier,
            "counts": found.counts,
        }

    def __str__(self) -> str:
        from sim.text.page import plain

        return plain(self.parts())
