"""What arithmetic and simulation say of a ledger of claims: of each reading, and of all together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sim.answers.answer import Answer, Plot, Work
from sim.tables import claims as tables

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.scenario.schema import Scenario
    from sim.studies.claims.audit import Audit
    from sim.studies.claims.laid import Laid
    from sim.tables.declared import Filled


class Claims(Answer["Audit"]):
    """An audit of claims: `claims` reading by reading, `claims_together`, and `relations` by arithmetic."""

    command = "claims"
    leaves = (tables.CLAIMS, tables.TOGETHER, tables.RELATIONS)
    plots = (
        Plot(
            "claims",
            "The claims",
            "Each claim under its lenient, moderate and strict reading: what arithmetic and what simulation say.",
            "claims:claims",
            (tables.TOGETHER, tables.CLAIMS, tables.RELATIONS),
        ),
    )

    def __init__(self, found: Audit):
        self.found = found

    @classmethod
    def ask(cls, laid: Laid, work: Work, *, allow_overload: bool = False) -> Claims:
        """Audit a ledger that was laid on a scenario.

        With `allow_overload` lines may grow without end in staffings that are searched for, and tips give up unminded.
        """
        from sim.studies.claims.audit import audit

        def told(what: str, done: int, steps: int) -> None:
            work.at(f"{done} of {steps}: {what}")

        return cls(audit(laid, work.trials, told, allow_overload=allow_overload))

    @property
    def scenario(self) -> Scenario:
        return self.found.scenario

    @property
    def holds(self) -> bool:
        return all(one.holds for one in self.found.together.values())

    def filled(self) -> Iterable[Filled]:
        from sim.text.claims import told

        return [
            tables.CLAIMS.of(told(self.found)),
            tables.TOGETHER.of(tables.as_a_whole(self.found)),
            tables.RELATIONS.of(tables.figures(self.found)),
        ]

    def sentences(self) -> list[str]:
        from sim.text.claims import answer

        return answer(self.found)

    def parts(self) -> list[RenderableType]:
        from sim.text.claims import parts

        return parts(self.found)

    def head(self) -> dict[str, Any]:
        ledger = str(self.found.laid.file.path)
        return super().head() | {"ledger": ledger, "replications": self.found.n_replications}
