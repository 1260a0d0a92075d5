"""The Python face: what `tipline run` does, giving tables instead of writing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.dynamics.engines import Engine
from sim.studies import tables
from sim.studies.replicate import Settings
from sim.studies.replicate import run as run_all

if TYPE_CHECKING:
    import pandas as pd

    from sim.scenario.schema import Scenario


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """The tables of a run, as the files of the same names in a results folder have them."""

    targets: pd.DataFrame
    joint: pd.DataFrame
    replications: pd.DataFrame
    cohort: pd.DataFrame
    tips: pd.DataFrame
    pools: pd.DataFrame
    stages: pd.DataFrame
    hours: pd.DataFrame
    response: pd.DataFrame
    failures: dict[int, str]
    """What went wrong in replications that failed, by index; they are in none of the tables."""


def run(
    scenario: Scenario,
    *,
    replications: int | None = None,
    seed: int | None = None,
    engine: Engine = "compiled",
    jobs: int = 1,
) -> Frames:
    """The tables of a run; the scenario's own number of replications and seed if none are given.

    RuntimeError when every replication failed.
    """
    settings = Settings(engine=engine, jobs=jobs)
    done = run_all(scenario, replications=replications, seed=seed, settings=settings)
    failures = {index: failure.error for index, failure in done.failures.items()}
    if not len(done.sample):
        raise RuntimeError(f"every replication failed, the first with {failures[min(failures)]}")
    return Frames(**tables.every(done.sample), failures=failures)
