"""The whole of a calibration: a log is read by its map, a line is written, run, and held against the log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.calibration.beside import LINE, Beside, beside, written
from sim.calibration.demand import LoggedDemand, of_arrivals
from sim.calibration.found import Calibration, Parameter, found_in, parameters_of
from sim.calibration.line import LineFiles, line_of
from sim.logs.events import read_log
from sim.logs.map import written as map_text
from sim.logs.times import DAY, day_number

if TYPE_CHECKING:
    from pathlib import Path

    from sim.logs.files import Raw
    from sim.logs.map import ColumnMap
    from sim.scenario.schema import Scenario

MOST_DRAWN: Final = 3_000_000
"""Tips of a run that is drawn to look at its demand alone."""


@dataclass(slots=True)
class Calibrated:
    """What a log came to, the line that was written, and how it compares."""

    calibration: Calibration
    line: LineFiles
    map_text: str
    scenario: Scenario
    beside: Beside | None
    parameters: list[Parameter]
    drawn_demand: LoggedDemand | None
    """The demand of one replication of the line, looked at as that of the log is."""


def calibrate(raw: Raw, made: ColumnMap, folder: Path, tell: Callable[[str], None] = lambda _: None) -> Calibrated:
    """Calibrate a line to a log by its map, in a folder in which its files are written.

    LogError where the log or the map is at fault.
    """
    from sim.scenario.loading import read

    tell("reading")
    log = read_log(raw, made)
    tell("fitting")
    found = found_in(raw.path, log)
    line = line_of(found)
    folder.mkdir(parents=True, exist_ok=True)
    written(line, folder)
    scenario = read(folder / LINE).scenario()
    told = beside(found, folder, tell)
    return Calibrated(
        calibration=found,
        line=line,
        map_text=map_text(made, raw),
        scenario=scenario,
        beside=told,
        parameters=parameters_of(found),
        drawn_demand=_drawn(found, scenario),
    )


def _drawn(found: Calibration, scenario: Scenario) -> LoggedDemand | None:
    """The demand of the first replication, date by date; None where the log has no dates, or too few."""
    from sim.draw import draw_tips

    demand = found.demand
    if demand is None or len(demand.dates) < 7 or float(np.nansum(demand.counts)) > 10 * MOST_DRAWN:
        return None
    tips, _ = draw_tips(scenario, 0)
    first = day_number(demand.dates[0])
    arrival = scenario.local.wall(tips.arrival) / 1e6 + first * DAY
    if not len(arrival):
        return None
    made = of_arrivals(np.asarray(arrival, dtype=np.float64), demand.step, first, len(demand.dates))
    # Dates on which nothing came are unknown in the log, and closed in the line.
    made.counts[~demand.known] = np.nan
    return LoggedDemand(made.first, made.step, made.counts)


def shape_of(found: Calibration) -> str:
    """What a row of the log is, in words."""
    from sim.logs.map import SHAPES

    return SHAPES[found.log.map.shape]


def rows_of(found: Calibration) -> int:
    """The rows that the log has, before anything was cleaned."""
    dropped = sum(found.log.raw.dropped.values())
    return len(found.log.raw) + dropped
