"""What arithmetic and simulation say of a ledger of claims: of each reading, and of all together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sim.answers.answer import Answer, Plot
from sim.tables import claims as tables
from sim.text.claims import answer, parts, told

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.studies.claims.audit import Audit
    from sim.studies.claims.laid import Laid
    from sim.studies.trials import Trials
    from sim.tables.declared import Filled


class Claims(Answer):
    """An audit of claims: `claims` reading by reading, `claims_together`, and `relations` by arithmetic."""

    found: Audit
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

    @classmethod
    def ask(cls, laid: Laid, trials: Trials, *, allow_overload: bool = False) -> Claims:
        """Audit a ledger that was laid on a scenario.

        With `allow_overload` lines may grow without end in staffings that are searched for, and tips give up unminded.
        """
        from sim.studies.claims.audit import audit

        return cls(audit(laid, trials, allow_overload=allow_overload))

    @property
    def holds(self) -> bool:
        return all(one.holds for one in self.found.together.values())

    def filled(self) -> Iterable[Filled]:
        return [
            tables.CLAIMS.of(told(self.found)),
            tables.TOGETHER.of(tables.as_a_whole(self.found)),
            tables.RELATIONS.of(tables.figures(self.found)),
        ]

    def sentences(self) -> list[str]:
        return answer(self.found)

    def parts(self) -> list[RenderableType]:
        return parts(self.found)

    def head(self) -> dict[str, Any]:
        ledger = str(self.found.laid.file.path)
        return super().head() | {"ledger": ledger, "replications": self.found.n_replications}
