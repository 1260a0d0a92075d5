"""A scenario held against what was observed: what was fitted, what it predicts, and whether that is reproduced."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from sim.answers.answer import Answer, Plot
from sim.tables import validate as tables
from sim.text.validate import answer, parts

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.scenario.schema import Scenario
    from sim.studies.trials import Trials
    from sim.studies.validate import ValidateFound
    from sim.tables.declared import Filled


class Validation(Answer):
    """A validation: `validate`, value by value, and `validate_fit`, unknown by unknown, where any is fitted."""

    found: ValidateFound
    command = "validate"
    leaves = (tables.VALIDATED, tables.FITTED)
    plots = (
        Plot(
            "validate",
            "Observed and simulated",
            "Every observed value with its tolerance, and what the scenario comes to, all in tolerances: what it was "
            "fitted to apart from what it predicts.",
            "validate:observed_and_simulated",
            leaves,
        ),
    )

    @classmethod
    def ask(cls, load: Callable[[str | None], Scenario], trials: Trials) -> Validation:
        """Hold a scenario against what was observed; `load` gives it as it stands (None), or with a variant.

        QuestionError, a ValueError, where nothing was observed.
        """
        from sim.studies.validate import validate

        return cls(validate(load, trials))

    @property
    def holds(self) -> bool:
        """Whether every value is reproduced."""
        return all(one.sense == "reproduced" for one in self.found.seen)

    def filled(self) -> Iterable[Filled]:
        fits = [tables.FITTED.of(self.found.fits)] if self.found.fits else []
        return [tables.VALIDATED.of(self.found.seen), *fits]

    def sentences(self) -> list[str]:
        return answer(self.found)

    def parts(self) -> list[RenderableType]:
        return parts(self.found)

    def head(self) -> dict[str, Any]:
        return super().head() | {"replications": self.found.replications, "points_tried": self.found.steps}
