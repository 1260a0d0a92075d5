"""One replication of a run, followed person by person: what the measures of a run do not keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.draw import draw
from sim.dynamics.engines import simulate
from sim.measures.people import PersonUse, people_uses

if TYPE_CHECKING:
    from sim.dynamics.log import Log
    from sim.dynamics.replication import Replication
    from sim.scenario.schema import Scenario
    from sim.studies.replicate import Done


@dataclass(frozen=True, slots=True)
class Followed:
    """A replication and what happened in it."""

    scenario: Scenario
    replication: Replication
    log: Log

    @property
    def people(self) -> list[PersonUse]:
        """What everybody on a roster did."""
        return people_uses(self.log, self.replication, self.scenario)


def can_be_followed(scenario: Scenario) -> bool:
    """Whether anybody comes and goes, or is told apart: of people who are always there nothing is to be seen."""
    return any(pool.tells_apart or pool.levels is not None for pool in scenario.pools.values())


def followed(done: Done) -> Followed:
    """The first replication of a run that did not fail, simulated once more."""
    index = next(index for index in range(len(done.sample) + len(done.failures)) if index not in done.failures)
    replication = draw(done.scenario, index, seed=done.seed)
    return Followed(done.scenario, replication, simulate(replication, done.engine))
