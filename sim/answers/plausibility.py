"""The plausibility answer: in which plausible worlds some staffing meets all targets, with how many people, and what
decides that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sim.answers.answer import Answer, Plot
from sim.tables import plausibility as tables
from sim.text.plausibility import answer, parts

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.scenario.schema import Scenario
    from sim.studies.plausibility import PlausibilityFound
    from sim.studies.staff.staffed import Bounds
    from sim.studies.trials import Trials
    from sim.tables.declared import Filled


class Plausibility(Answer):
    """Plausible worlds: `plausibility` (the share of each outcome), `plausibility_worlds`, `plausibility_kills`,
    `plausibility_fte`, `plausibility_unknowns`, `plausibility_thirds`, `plausibility_distributions`, and
    `plausibility_periods`."""

    found: PlausibilityFound
    command = "plausibility"
    leaves = (
        tables.SHARES,
        tables.WORLDS,
        tables.KILLS,
        tables.PLAUSIBILITY_FTE,
        tables.PLAUSIBILITY_UNKNOWNS,
        tables.THIRDS,
        tables.DISTRIBUTIONS,
        tables.PERIODS,
    )
    plots = (
        Plot(
            "plausibility",
            "In which plausible worlds it can be true",
            "The share of plausible worlds in which some staffing meets all targets, how many people that takes, and "
            "which unknowns decide it.",
            "plausibility:plausible_worlds",
            (tables.SHARES, tables.WORLDS, tables.PLAUSIBILITY_FTE, tables.PLAUSIBILITY_UNKNOWNS, tables.THIRDS),
        ),
    )

    @classmethod
    def ask(
        cls,
        scenario: Scenario,
        trials: Trials,
        *,
        worlds: int,
        replications: int | None = None,
        length: str | None = None,
        more_than: float,
        pools: Mapping[str, Bounds] | None = None,
        allow_overload: bool = False,
    ) -> Plausibility:
        """Look at so many worlds, each with few replications of four weeks unless these are given.

        ValueError where there is no target, no unknown or nobody to decide about; ScenarioError where the document
        does not take an end of a range, or the length.
        """
        from sim.studies.plausibility import PlausibilityQuestion, plausibility

        question = PlausibilityQuestion(
            scenario,
            worlds=worlds,
            replications=replications,
            length=length,
            more_than=more_than,
            pools=pools,
            allow_overload=allow_overload,
        )
        return cls(plausibility(question, trials.settings))

    @property
    def holds(self) -> bool:
        """Whether some staffing holds in every world."""
        return len(self.found.held) == len(self.found.possible) > 0

    def filled(self) -> Iterable[Filled]:
        found = self.found
        return [
            tables.SHARES.of(tables.shares(found)),
            tables.WORLDS.of(tables.worlds(found)),
            tables.KILLS.of(tables.kills(found)),
            tables.PLAUSIBILITY_FTE.of(found.quantiles),
            tables.PLAUSIBILITY_UNKNOWNS.of(tables.effects(found)),
            tables.THIRDS.of(found.thirds),
            tables.DISTRIBUTIONS.of(found.reweighted),
            tables.PERIODS.of(tables.periods(found)),
        ]

    def parts(self) -> list[RenderableType]:
        return parts(self.found)

    def sentences(self) -> list[str]:
        return list(answer(self.found))

    def head(self) -> dict[str, Any]:
        found = self.found
        return super().head() | {
            "worlds": len(found.worlds),
            "replications": found.replications,
            "more_than_fte": found.more_than,
            "kept": list(found.kept),
            "ranked_by": found.decides,
            "ranked": [found.unknowns[i].path for i in found.ranked] if found.explained[found.decides].known else [],
        }
