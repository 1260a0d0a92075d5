"""The line beside its log: replayed and drawn, measured as the log is, with stated tolerances on both sides.

Four runs tell which ingredient a gap points to, each with one more thing drawn in place of recorded: all recorded
(what is left is staff and the order of the line), work drawn, patience drawn, arrivals drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.calibration.found import WITHIN, Calibration, found_in
from sim.calibration.line import LineFiles, line_of, staff_file
from sim.dynamics.clock import SECOND
from sim.dynamics.log import SERVED
from sim.logs.calls import CleanedLog as Record
from sim.logs.counts import CI
from sim.logs.times import DAY, day_number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date
    from pathlib import Path

    from numpy.typing import NDArray

    from sim.scenario.loading import Document
    from sim.scenario.schema import Scenario

    Seconds = NDArray[np.float64]

LINE: Final = "line.yaml"
"""The document of a line, beside the files that it names."""
REPLICATIONS: Final = 20
HELD_OUT: Final = 6
"""Dates that a log needs at least for its last third to be held out."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something that a log and a run come to."""

    name: str
    unit: str
    absolute: float
    relative: float
    """The tolerance is the larger of an absolute one and a share of the log's value."""
    says: str
    by_gap: bool = False
    """Whether the gap between log and replay is told by it."""

    def tolerance(self, of_log: float) -> float:
        """How far a run may be from the log, on either side."""
        return max(self.absolute, self.relative * abs(of_log))


UNTOLD: Final = 0.01
"""Where so many gave up that nobody knows when, how long all waited is not known."""

QUANTITIES: Final = (
    Quantity("tips", "", 0.0, 0.05, "how many came to the line"),
    Quantity("given_up", "share", 0.03, 0.0, "the share of them that gave up", True),
    Quantity("wait_mean", "s", 5.0, 0.10, "the mean wait of all, those who gave up included", True),
    Quantity("wait_served_mean", "s", 5.0, 0.10, "the mean wait of those who were served"),
    Quantity("wait_p50", "s", 5.0, 0.15, "half of all waited no longer"),
    Quantity("wait_p80", "s", 5.0, 0.15, "80 % of all waited no longer"),
    Quantity("wait_p95", "s", 10.0, 0.15, "95 % of all waited no longer"),
    Quantity("in_20_s", "share", 0.05, 0.0, "the share of all that was served within 20 s", True),
    Quantity("work_mean", "s", 2.0, 0.05, "the mean work of those who were served"),
    Quantity(
        "occupancy", "share", 0.05, 0.0, "hours of work over hours of people there, by as many as each has in hand"
    ),
)


@dataclass(slots=True)
class Seen:
    """What one record or one replication shows, (n,) visits that joined a line each."""

    enter: Seconds
    """Seconds since the first midnight."""
    wait: Seconds
    gave_up: NDArray[np.bool_]
    work: Seconds
    """NaN where nobody worked on it, or that is not known."""
    worked: float
    """Hours of work and wrap-up."""
    there: float
    """Hours of people there."""

    def value(self, name: str) -> float:
        """What it comes to; NaN where it is not known."""
        known = np.isfinite(self.wait)
        if name == "tips":
            return float(len(self.enter))
        if name == "occupancy":
            return self.worked / self.there if self.there > 0 else math.nan
        if name == "work_mean":
            some = self.work[np.isfinite(self.work)]
            return float(some.mean()) if len(some) else math.nan
        if not known.any():
            return math.nan
        # A log may say who gave up, and not when: they count as such, and nobody knows how long all waited.
        if name == "given_up":
            return float(self.gave_up[known | self.gave_up].mean())
        if name == "in_20_s":
            return float((~self.gave_up & (self.wait <= WITHIN))[known | self.gave_up].mean())
        wait, served = self.wait[known], ~self.gave_up[known]
        if name == "wait_served_mean":
            return float(wait[served].mean()) if served.any() else math.nan
        if (self.gave_up & ~known).mean() > UNTOLD:
            return math.nan
        if name == "wait_mean":
            return float(wait.mean())
        return float(np.percentile(wait, float(name.removeprefix("wait_p"))))

    def within(self, begin: float, end: float) -> Seen:
        """What joined the line from one time to another."""
        rows = (self.enter >= begin) & (self.enter < end)
        return Seen(self.enter[rows], self.wait[rows], self.gave_up[rows], self.work[rows], math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class LogAndLine:
    """A quantity of the log and of a run of the line."""

    quantity: Quantity
    of_log: float
    value: float
    low: float
    """The interval of the mean over replications."""
    high: float
    spread: float
    """The standard deviation between replications: how far one such period is from another by chance."""

    @property
    def gap(self) -> float:
        return self.value - self.of_log

    @property
    def tolerance(self) -> float:
        return self.quantity.tolerance(self.of_log)

    @property
    def verdict(self) -> str:
        """Reproduced where the whole interval is within the tolerance, not where all of it is outside."""
        if not (math.isfinite(self.of_log) and math.isfinite(self.value)):
            return "not known"
        low, high = self.low - self.of_log, self.high - self.of_log
        if -self.tolerance <= low and high <= self.tolerance:
            return "reproduced"
        return "not reproduced" if low > self.tolerance or high < -self.tolerance else "undecided"


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval of the day, all dates together."""

    begin: float
    """Seconds since midnight."""
    tips: tuple[float, float, float]
    """A day: in the log, in the replay and drawn."""
    given_up: tuple[float, float, float]
    wait: tuple[float, float, float]
    """Mean waits of all, in seconds."""


@dataclass(slots=True)
class Beside:
    """What a line came to beside its log."""

    runs: dict[str, list[LogAndLine]]
    """By the steps that were run."""
    held_out: list[LogAndLine]
    """Of the last third of the dates, by a line that was told the first two; empty where there are too few."""
    held_from: date | None
    intervals: list[Interval]
    step: int
    points_to: str
    """What the gap points to, in a sentence."""
    failed: str = ""
    """Why nothing was run; "" where it was."""
    kept: dict[str, list[Seen]] = field(default_factory=dict, repr=False)


def beside(found: Calibration, folder: Path, tell: Callable[[str], None] = lambda _: None) -> Beside | None:
    """Run the line that stands in a folder and hold it against the log; None where the log tells too little."""
    from sim.scenario.loading import read

    if not isinstance(found.log, Record) or not any(stage.work and stage.group for stage in found.stages):
        return None
    document = read(folder / LINE)
    of_log = _of_log(found)
    runs: dict[str, list[Seen]] = {}
    for name, scenario in _scenarios(document, found).items():
        tell(name)
        runs[name] = _seen(scenario, found)
    told = {name: _compared(of_log, seen) for name, seen in runs.items()}
    held, since = _held_out(found, folder, tell)
    step = 1800
    intervals = _intervals(of_log, runs["replay"], runs["drawn"], len(found.demand.dates) if found.demand else 1, step)
    return Beside(told, held, since, intervals, step, _points_to(told, found), kept=runs)


def _scenarios(document: Document, found: Calibration) -> dict[str, Scenario]:
    """The line with more and more of it drawn; a column of the trace that is not named is drawn."""
    columns = {"received": "received"}
    if len(found.channels) > 1:
        columns["channel"] = "channel"
    if found.risks:
        columns["risk"] = "risk"
    waits = dict(columns)
    if any(stage.patience for stage in found.stages):
        waits["gave_up"] = "gave_up"
    own = {"run.replications": REPLICATIONS}
    steps = {"replay": None, "work drawn": waits, "patience drawn": columns}
    made = {}
    for name, some in steps.items():
        changes = own | ({} if some is None else {"demand.trace.columns": some})
        made[name] = document.scenario(variant="replay", changes=changes)
    made["drawn"] = document.scenario(changes=own)
    return made


def _of_log(found: Calibration) -> Seen:
    visits = found.visits
    assert visits is not None
    rows = np.zeros(len(visits), dtype=np.bool_)
    worked = there = 0.0
    for stage in found.stages:
        if stage.served_by:
            rows |= stage.rows
        if stage.group is None or stage.has_delays_only:
            continue
        rows |= stage.rows
        group = stage.group
        wrap_up = group.wrap_up.mean * group.served / 3600 if group.wrap_up is not None else 0.0
        worked += group.busy + wrap_up
        there += group.slots * float(group.there.sum()) * group.step / 3600
    mine = visits.take(rows)
    return Seen(mine.enter - _zero(found), mine.wait, mine.gave_up, mine.work, worked, there)


def _zero(found: Calibration) -> float:
    assert found.demand is not None
    return float(day_number(found.demand.dates[0]) * DAY)


def _seen(scenario: Scenario, found: Calibration) -> list[Seen]:
    """What some replications of a scenario show, at the stages at which somebody serves."""
    from sim.draw import draw
    from sim.dynamics.engines import simulate
    from sim.dynamics.waits import attempts, where

    groups = [stage.group for stage in found.stages if stage.group is not None]
    there = sum(group.slots * float(group.heads.sum()) * group.step / 3600 for group in groups)
    served_at = [at for at, stage in enumerate(scenario.stages) if stage.pool is not None]
    found_runs = []
    for index in range(REPLICATIONS):
        replication = draw(scenario, index)
        log = simulate(replication)
        at = where(replication)
        tried = attempts(log, replication, at)
        # Who comes back joins the line once more, in a log as here.
        visit, enter = tried.visit, tried.entry
        here = np.isin(at.stage[visit], served_at)
        served = here & (log.outcome[visit] == SERVED) & (tried.number == log.attempt[visit])
        lost = here & ~served & (tried.gave_up < scenario.horizon)
        rows = served | lost
        left = np.where(served, log.start[visit], tried.gave_up)[rows]
        spells = log.spells
        worked = float((spells.ended - spells.began).sum()) / SECOND / 3600
        found_runs.append(
            Seen(
                enter=enter[rows] / SECOND,
                wait=(left - enter[rows]) / SECOND,
                gave_up=lost[rows],
                work=np.where(served, (log.end - log.start)[visit] / SECOND, np.nan)[rows],
                worked=worked,
                there=there,
            )
        )
    return found_runs


def _compared(of_log: Seen, runs: Sequence[Seen]) -> list[LogAndLine]:
    told = []
    for quantity in QUANTITIES:
        values = np.array([one.value(quantity.name) for one in runs])
        values = values[np.isfinite(values)]
        if not len(values):
            told.append(LogAndLine(quantity, of_log.value(quantity.name), math.nan, math.nan, math.nan, math.nan))
            continue
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        half = CI * spread / math.sqrt(len(values))
        mean = float(values.mean())
        told.append(LogAndLine(quantity, of_log.value(quantity.name), mean, mean - half, mean + half, spread))
    return told


def _held_out(found: Calibration, folder: Path, tell: Callable[[str], None]) -> tuple[list[LogAndLine], date | None]:
    """The last third of the dates, by a line whose demand, work and patience are those of the first two thirds.

    The staff is that of the log: who was there is known, and is no matter of prediction.
    """
    from sim.scenario.loading import read
    from sim.studies.keeping import write_atomic

    visits, demand = found.visits, found.demand
    if visits is None or demand is None or int(demand.known.sum()) < HELD_OUT:
        return [], None
    dates = [day for day, known in zip(demand.dates, demand.known, strict=True) if known]
    since = dates[len(dates) * 2 // 3]
    begin = (since - demand.dates[0]).days * DAY
    zero = _zero(found)
    assert isinstance(found.log, Record)
    early = visits.take(visits.arrival < zero + begin)
    tell("held out")
    log = Record(found.log.raw, found.log.map, early, [], [], [])
    told = found_in(found.path, log)
    by_name = {stage.name: stage for stage in found.stages}
    if [stage.name for stage in told.stages] != list(by_name):
        return [], None
    for stage in told.stages:
        stage.group, stage.served_by = by_name[stage.name].group, by_name[stage.name].served_by
    line = line_of(told)
    place = folder / "held_out"
    place.mkdir(exist_ok=True)
    try:
        written(line, place)
        length = len(demand.dates)
        # Staff stands in files by date, of which the held-out line has fewer.
        for stage in told.stages:
            if stage.group is not None:
                name, text = staff_file(stage.name, stage.group, demand.dates[0], length)
                write_atomic(place / name, text.encode())
        scenario = read(place / LINE).scenario(changes={"run.length": f"{length} d", "run.replications": REPLICATIONS})
        runs = [one.within(begin, length * DAY) for one in _seen(scenario, found)]
    finally:
        for file in place.iterdir():
            file.unlink()
        place.rmdir()
    return _compared(_of_log(found).within(begin, length * DAY), runs), since


def _intervals(of_log: Seen, replayed: Sequence[Seen], drawn: Sequence[Seen], days: int, step: int) -> list[Interval]:
    def table(runs: Sequence[Seen]) -> Seconds:
        """(3, intervals): tips, given up, and seconds waited, of one run on average."""
        n = DAY // step
        found = np.zeros((3, n))
        for one in runs:
            known = np.isfinite(one.wait)
            at = np.floor(one.enter[known] % DAY / step).astype(np.int64)
            found[0] += np.bincount(at, minlength=n)[:n]
            found[1] += np.bincount(at, one.gave_up[known], minlength=n)[:n]
            found[2] += np.bincount(at, one.wait[known], minlength=n)[:n]
        return found / len(runs)

    some = [table(runs) for runs in ([of_log], replayed, drawn)]
    told = []
    for at in range(DAY // step):
        tips = [one[0, at] for one in some]
        if max(tips) <= 0:
            continue
        share = [float(one[1, at] / one[0, at]) if one[0, at] else math.nan for one in some]
        wait = [float(one[2, at] / one[0, at]) if one[0, at] else math.nan for one in some]
        a_day = [float(n / days) for n in tips]
        told.append(
            Interval(
                at * float(step),
                (a_day[0], a_day[1], a_day[2]),
                (share[0], share[1], share[2]),
                (wait[0], wait[1], wait[2]),
            )
        )
    return told


def _points_to(runs: dict[str, list[LogAndLine]], found: Calibration) -> str:
    """Which ingredient moves the run furthest from the log, in tolerances."""
    names = list(runs)
    told = {
        "replay": "staff and the order of the line (all else is recorded)",
        "work drawn": "the laws of work",
        "patience drawn": "the laws of patience",
        "drawn": "how arrivals are drawn",
    }
    moved: dict[str, float] = {}
    for at, name in enumerate(names):
        worst = 0.0
        for place, one in enumerate(runs[name]):
            if not one.quantity.by_gap or not math.isfinite(one.gap):
                continue
            before = runs[names[at - 1]][place].value if at else one.of_log
            worst = max(worst, abs(one.value - before) / one.tolerance)
        moved[name] = worst
    most = max(moved, key=lambda name: moved[name])
    passed = max((stage.passed for stage in found.stages), default=0.0)
    order = (
        f" In the log {passed:.0%} of those who waited were passed over by somebody who came later: its line is not "
        "first come, first served."
        if passed > 0.05 and most == "replay"
        else ""
    )
    if max(moved.values()) < 0.5:
        return "No ingredient moves the line by more than half a tolerance."
    return f"What moves the line furthest from the log is {told[most]}: {moved[most]:.1f} tolerances.{order}"


def written(line: LineFiles, folder: Path) -> list[str]:
    """Write a line with its files into a folder; their names."""
    from sim.studies.keeping import write_atomic

    names = {LINE: line.text, **line.files}
    for name, text in names.items():
        write_atomic(folder / name, text.encode())
    return list(names)
