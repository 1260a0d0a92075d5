"""Whether a staffing that a search has chosen holds on seeds that the search has never seen.

A search picks what came out well, so what it saw of its choice is flattering. What is said of the answer comes from
here alone. Every choice put to the test takes its part of the error, half of what is left, so that all verdicts given
here hold together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from sim.measures.estimates import Verdict, each_of, verdict
from sim.measures.sample import Sample
from sim.measures.targets import Joint, joint
from sim.scenario.schema import Scenario
from sim.studies.replicate import Settings
from sim.studies.staff.starving import Care, Concern
from sim.studies.staff.tried import lean_together, leanings
from sim.studies.trials import Trials

TIMES: Final = (1, 4, 16)
"""The looks come after so many times the replications asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Confirmation:
    """How a staffing came out on fresh seeds."""

    seed: int
    confidence: float
    """Of the verdict."""
    sample: Sample
    joint: Joint
    """All targets, with intervals that hold together, at all looks."""
    leans: Verdict
    """By the replications as they are, without allowance for what was not drawn."""
    concerns: tuple[Concern, ...] = ()
    """What a search minds besides targets."""

    @property
    def n_replications(self) -> int:
        return len(self.sample)

    @property
    def verdict(self) -> Verdict:
        return self.joint.verdict

    @property
    def accepted(self) -> bool:
        """Whether the staffing holds, or nothing speaks against it that more replications could tell."""
        if any(one.verdict != "met" for one in self.concerns):
            return False
        return self.verdict == "met" or (self.verdict == "undecided" and self.leans == "met")

    @property
    def unproven(self) -> tuple[str, ...]:
        """The targets of an accepted staffing that so few replications cannot show to hold."""
        return tuple(self.joint.named("undecided"))


def confirm(
    scenario: Scenario, settings: Settings, replications: int, turn: int = 0, care: Care | None = None
) -> Confirmation:
    """Run a scenario on seeds of its own and judge it; `turn` counts the choices that were put to the test before.

    Looks after 1, 4 and 16 times the replications, as far as the next look may tell more. With `care` also by what a
    search minds besides targets.
    """
    seed = fresh_seed(scenario.run.seed, turn)
    error = (1 - scenario.run.confidence) / 2 ** (turn + 1)
    confidence = 1 - error
    folder = None if settings.folder is None else settings.folder / f"fresh-{turn}"
    trials = Trials(seed, replace(settings, folder=folder, count=lambda _: None), f"fresh {seed}")
    each = each_of(confidence, len(TIMES))
    for times, following in zip(TIMES, (*TIMES[1:], 0), strict=True):
        n = times * replications
        sample = trials.sample(scenario, n)
        found = joint(sample, each, in_search=True)
        leans = lean_together(leanings(sample, each))
        if found.verdict != "undecided" or not following:
            break
        if leans == "met":
            if not _would_be_met(sample, TIMES[-1] // times, each):
                break
        elif leans == "missed" or following == TIMES[-1]:
            break
    concerns = () if care is None else care.concerns(scenario, sample, lambda: trials.sample(care.scenario, n))
    return Confirmation(seed, confidence, sample, found, leans, concerns)


def fresh_seed(seed: int, turn: int) -> int:
    """A seed that no search has used: it follows from the scenario's own and the turn."""
    return int.from_bytes(sha256(f"{seed} fresh {turn}".encode()).digest()[:8]) >> 1


def _would_be_met(sample: Sample, times: int, confidence: float) -> bool:
    """Whether all targets would be met if so many times the replications came out as these."""
    targets = sample.frame.targets
    each = each_of(confidence, len(targets))
    for k, target in enumerate(targets):
        repeated = sample.of(k).repeated(times).estimate(each)
        if verdict(repeated, target.goal.threshold, target.goal.side) != "met":
            return False
    return True
