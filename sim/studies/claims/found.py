"""What an audit of a ledger comes to: of each target, each reading, each reading as a whole, and all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sim.measures.targets import Joint, TargetResult
from sim.scenario.readings import Reading, ReadingName
from sim.scenario.schema import Scenario, ShareTarget
from sim.studies.claims.findings import Finding
from sim.studies.claims.read import Inputs, Key, Laid
from sim.studies.staff.staffed import fte, paid_by_pool, present
from sim.studies.staff.staffing import Answer
from sim.studies.unlimited import Limit

ALL: Final = 0.999
"""What is searched for where a target allows no miss at all: no number of replications shows that none can happen."""

Status = Literal["held", "staff", "beyond bounds", "beyond staff", "open", "input", "given", "not given", "words"]
STATUSES: Final[dict[Status, str]] = {
    "held": "holds as staffed",
    "staff": "holds with other staffing",
    "beyond bounds": "no staffing within the bounds found",
    "beyond staff": "out of reach of any staffing",
    "open": "not decided",
    "input": "fixed as an input",
    "given": "follows from the scenario",
    "not given": "excluded by the scenario",
    "words": "not testable here",
}
"""What a reading came to."""


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """What one target came to."""

    staffed: TargetResult
    """With the staff of the scenario."""
    limit: Limit
    """With unlimited staff."""
    answer: Answer | None
    """The cheapest staffing for it alone; None where unlimited staff misses it."""

    @property
    def can_be_met(self) -> bool:
        """Whether a staffing was found that meets it."""
        return self.answer is not None and self.answer.staffing is not None

    @property
    def allows_none(self) -> bool:
        """Whether it allows not a single miss, which nothing can show."""
        return isinstance(target := self.staffed.target, ShareTarget) and target.share > ALL

    def _needs_more(self, answer: Answer) -> bool:
        """Whether the staffing that meets it has more people anywhere than the scenario."""
        assert answer.staffing is not None
        now = present(answer.scenario, answer.posts)
        return self.staffed.verdict == "missed" or any(
            wanted > people for wanted, people in zip(answer.staffing, now, strict=True)
        )

    @property
    def status(self) -> Status:
        if self.staffed.verdict == "met":
            return "held"
        if self.can_be_met:
            assert self.answer is not None
            return "open" if self.allows_none or not self._needs_more(self.answer) else "staff"
        if self.limit.beyond_staff:
            return "beyond staff"
        return "beyond bounds" if self.answer is not None and self.answer.why == "beyond bounds" else "open"


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a bound on two quantities came to."""

    value: float
    """The first over the second: minutes for work a tip, else a share; NaN where one of them is not known."""
    limit: float
    holds: bool | None
    says: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One reading of one claim."""

    key: Key
    reading: Reading
    status: Status
    says: str
    """Why it is so, in words; "" where the figures say it."""
    tested: Tested | None = None
    weighed: Weighed | None = None

    @property
    def claim(self) -> str:
        return self.key[0]


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """All claims in one reading, together."""

    reading: ReadingName
    inputs: Inputs
    scenario: Scenario | None
    """With the inputs and the targets of all claims; None where no reading is a target."""
    staffed: Joint | None
    """As staffed."""
    limits: tuple[Limit, ...]
    answer: Answer | None
    """The cheapest staffing for all targets that unlimited staff does not miss."""
    weighed: dict[str, Weighed]
    """Bounds that were tested, by claim."""

    @property
    def beyond_staff(self) -> tuple[str, ...]:
        """Claims whose targets no staffing meets."""
        return tuple(limit.name for limit in self.limits if limit.beyond_staff)

    @property
    def broken(self) -> tuple[str, ...]:
        """Claims of bounds that do not hold."""
        return tuple(claim for claim, one in self.weighed.items() if one.holds is False)

    @property
    def holds(self) -> bool | None:
        """Whether one staffing meets all of it; None where that is not decided."""
        if self.beyond_staff or self.broken or self.inputs.conflicts:
            return False
        if self.answer is None:
            return None if self.scenario is not None else True
        if self.answer.staffing is not None:
            return True
        return False if self.answer.why == "beyond bounds" else None


@dataclass(frozen=True, slots=True, eq=False)
class Audit:
    """A ledger, audited."""

    laid: Laid
    findings: tuple[Finding, ...]
    outcomes: dict[Key, Outcome]
    together: dict[ReadingName, Together]
    n_replications: int

    @property
    def scenario(self) -> Scenario:
        return self.laid.scenario

    @property
    def fte(self) -> float:
        """Full-time equivalents of the scenario as staffed, overtime apart."""
        return fte(self.scenario, sum(paid_by_pool(self.scenario).values()))
