"""Lines with known answers, run from their documents: one number a replication, to be held against theory."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.draw import draw
from sim.dynamics.clock import MINUTE, NEVER
from sim.dynamics.engines import simulate
from sim.dynamics.log import Log
from sim.dynamics.replication import Replication
from sim.scenario.loading import load
from sim.scenario.schema import Scenario

Measure = Callable[[Log, Replication, Scenario], float]
Floats = NDArray[np.float64]


def written(folder: Path, text: str) -> Scenario:
    """The scenario of a document's text."""
    path = folder / "known.yaml"
    path.write_text(text)
    return load(path)


def numbers(scenario: Scenario, measures: list[Measure], replications: int = 40) -> Floats:
    """(n_measures, n_replications) of each measure in each replication, by the compiled engine."""
    found = []
    for index in range(replications):
        replication = draw(scenario, index)
        log = simulate(replication)
        found.append([measure(log, replication, scenario) for measure in measures])
    return np.array(found).T


def errors_from(values: Floats, theory: float) -> float:
    """How many standard errors the mean of the replications lies from the theory."""
    error = float(values.std(ddof=1)) / math.sqrt(values.size)
    return abs(float(values.mean()) - theory) / error


def rows(
    log: Log, replication: Replication, scenario: Scenario, stage: str, risk: str | None = None
) -> NDArray[np.int64]:
    """The visits of the cohort to a stage, of one true risk if given."""
    tips = replication.tips
    tip = np.repeat(np.arange(len(tips)), np.diff(tips.first_visit))
    arrival = tips.arrival[tip]
    mine = replication.rules.kinds.stage[replication.visits.kind] == scenario.stage_index(stage)
    mine &= (arrival >= scenario.cohort_from) & (arrival < scenario.cohort_to) & (log.enter < NEVER)
    if risk is not None:
        mine &= tips.risk[tip] == scenario.risks.index(risk)
    return np.flatnonzero(mine)


def wait(stage: str, risk: str | None = None) -> Measure:
    """The mean wait before the first start, in minutes."""

    def measure(log: Log, replication: Replication, scenario: Scenario) -> float:
        row = rows(log, replication, scenario, stage, risk)
        row = row[log.start[row] < NEVER]
        return float((log.start[row] - log.enter[row]).mean()) / MINUTE

    return measure


def waited_longer(stage: str, minutes: float) -> Measure:
    """The share that waited longer than so many minutes."""

    def measure(log: Log, replication: Replication, scenario: Scenario) -> float:
        row = rows(log, replication, scenario, stage)
        return float((log.start[row] - log.enter[row] > minutes * MINUTE).mean())

    return measure


def sojourn(stage: str, risk: str | None = None) -> Measure:
    """The mean time from entering a stage to its end, in minutes."""

    def measure(log: Log, replication: Replication, scenario: Scenario) -> float:
        row = rows(log, replication, scenario, stage, risk)
        row = row[log.end[row] < NEVER]
        return float((log.end[row] - log.enter[row]).mean()) / MINUTE

    return measure


def gave_up(stage: str) -> Measure:
    """The share that was never served there."""

    def measure(log: Log, replication: Replication, scenario: Scenario) -> float:
        row = rows(log, replication, scenario, stage)
        return float((log.start[row] == NEVER).mean())

    return measure


def line_time(stage: str) -> Measure:
    """The mean time in line, of those served and those who gave up, in minutes."""

    def measure(log: Log, replication: Replication, scenario: Scenario) -> float:
        row = rows(log, replication, scenario, stage)
        tip = np.searchsorted(replication.tips.first_visit, row, side="right") - 1
        until = np.where(log.start[row] < NEVER, log.start[row], log.lost[tip])
        return float((until - log.enter[row]).mean()) / MINUTE

    return measure


def busy_at(stage: str, minute: float) -> Measure:
    """How many are in service or delay at that minute of each day of the measured period, on average."""

    def measure(log: Log, replication: Replication, scenario: Scenario) -> float:
        row = np.flatnonzero(replication.rules.kinds.stage[replication.visits.kind] == scenario.stage_index(stage))
        day = 24 * 60 * MINUTE
        first, last = -(-scenario.cohort_from // day), scenario.cohort_to // day
        moments = np.arange(first, last) * day + round(minute * MINUTE)
        began, ended = np.sort(log.start[row]), np.sort(log.end[row])
        busy = np.searchsorted(began, moments, side="right") - np.searchsorted(ended, moments, side="right")
        return float(busy.mean())

    return measure


def until_end(stage: str) -> Measure:
    """The mean time from arrival to the end of a stage, in minutes, of the tips of the cohort."""

    def measure(log: Log, replication: Replication, scenario: Scenario) -> float:
        row = rows(log, replication, scenario, stage)
        row = row[log.end[row] < NEVER]
        tip = np.searchsorted(replication.tips.first_visit, row, side="right") - 1
        return float((log.end[row] - replication.tips.arrival[tip]).mean()) / MINUTE

    return measure
