"""The tables of a calibration: the line beside its log, every value with its source, and what was done to the rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sim.tables.declared import Column, Table, number, text, whole, yes

if TYPE_CHECKING:
    from sim.calibration.beside import Beside, Interval, LogAndLine
    from sim.calibration.calibrate import Calibrated
    from sim.calibration.demand import LoggedDemand
    from sim.calibration.fits import Fit, Fitted
    from sim.calibration.found import Calibration, StageFound
    from sim.calibration.patience import Patience


@dataclass(frozen=True, slots=True)
class LogAndRun:
    """A quantity of the log and of one of the runs."""

    run: str
    one: LogAndLine


def _compared(name: str, says: str, get: Callable[[LogAndLine], float]) -> Column[LogAndRun]:
    return number(name, "", lambda row: get(row.one), says)


BESIDE: Final = Table[LogAndRun](
    "calibrate",
    "a quantity in a run of the line: what it comes to beside the log, and whether that reproduces it",
    "The line beside its log",
    (
        text(
            "run", lambda row: row.run, "replay, then more and more of it drawn; held out: the last third of the dates"
        ),
        text("quantity", lambda row: row.one.quantity.name, "what is measured"),
        text("unit", lambda row: row.one.quantity.unit, "of the figures: share, s, or none"),
        _compared("log", "in the log", lambda one: one.of_log),
        _compared("line", "in the line, over replications", lambda one: one.value),
        _compared("low", "the lower end of its 95 % interval", lambda one: one.low),
        _compared("high", "the upper end of it", lambda one: one.high),
        _compared("spread", "the standard deviation from one replication to another", lambda one: one.spread),
        _compared("tolerance", "how far it may be from the log, on either side", lambda one: one.tolerance),
        text("verdict", lambda row: row.one.verdict, "reproduced, not reproduced or undecided"),
        text("says", lambda row: row.one.quantity.says, "what the quantity is"),
    ),
)


def _of_interval(name: str, unit: str, get: Callable[[Interval], tuple[float, float, float]], says: str) -> list[Any]:
    where = ("in the log", "in the replay", "drawn")
    return [
        number(f"{name}_{place}", unit, lambda row, at=at: get(row)[at], f"{says} {where[at]}")  # type: ignore[misc]
        for at, place in enumerate(("log", "replay", "drawn"))
    ]


CALIBRATE_INTERVALS: Final = Table[Any](
    "calibrate_intervals",
    "an interval of the day: tips, given up and mean wait in the log, in the replay and drawn",
    "The line beside its log, by interval of the day",
    (
        text("begins", lambda row: f"{int(row.begin // 3600):02d}:{int(row.begin // 60 % 60):02d}", "time of the day"),
        *_of_interval("tips", "", lambda row: row.tips, "tips a day"),
        *_of_interval("given_up", "share", lambda row: row.given_up, "share given up"),
        *_of_interval("wait_mean", "s", lambda row: row.wait, "mean wait of all"),
    ),
)

PARAMETERS: Final = Table[Any](
    "calibrate_parameters",
    "a value of the line: its interval, and where it came from",
    "What the log tells",
    (
        text("path", lambda row: row.path, "in the document, or what it is of"),
        number("value", "", lambda row: row.value, "in the unit"),
        number("low", "", lambda row: row.low, "the lower end of its 95 % interval"),
        number("high", "", lambda row: row.high, "the upper end of it"),
        text("unit", lambda row: row.unit, "min, /d, or none"),
        text("source", lambda row: row.source, "where it came from"),
    ),
)

CLEANING: Final = Table[Any](
    "calibrate_cleaning",
    "a thing that was found in the rows of the log: how many, and what was done about them",
    "What was cleaned",
    (
        text("what", lambda row: row.what, "what was found"),
        whole("rows", "", lambda row: row.rows, "how many rows"),
        text("done", lambda row: row.done, "what was done about them"),
    ),
)


@dataclass(frozen=True, slots=True)
class TriedLaw:
    """A law that was tried."""

    stage: str
    fitted: Fitted
    fit: Fit


CALIBRATE_LAWS: Final = Table[TriedLaw](
    "calibrate_laws",
    "a law that was tried on work, patience or wrap-up: its fit, and why it is refused",
    "The laws that were tried",
    (
        text("stage", lambda row: row.stage, "of the line"),
        text("what", lambda row: row.fitted.what, "work, patience, wrap-up or delay"),
        text("channel", lambda row: row.fitted.of, "of which it is; none is of all"),
        text("law", lambda row: row.fit.law, "its name"),
        number("mean", "min", lambda row: row.fit.mean / 60, "of the law"),
        number("cv", "", lambda row: row.fit.cv, "of the law"),
        number("data_mean", "min", lambda row: row.fitted.mean / 60, "of the data"),
        number("data_cv", "", lambda row: row.fitted.cv, "of the data"),
        number("aic", "", lambda row: row.fit.aic, "lower is better"),
        number("ks", "", lambda row: row.fit.ks, "the largest distance from the data"),
        text("refused", lambda row: row.fit.refused, "why it is refused; empty where it may stand"),
        yes("chosen", lambda row: row.fitted.chosen is row.fit, "whether it is written"),
    ),
)


@dataclass(frozen=True, slots=True)
class Borne:
    """How long people bear to wait at a stage."""

    stage: str
    one: Patience


def _survival(seconds: int) -> list[Any]:
    def of(row: Borne, at: int) -> float:
        return row.one.at(float(seconds))[at]

    name = f"outlives_{seconds}_s"
    return [
        number(name, "share", lambda row: of(row, 0), f"bear to wait {seconds} s (Kaplan and Meier)"),
        number(f"{name}_error", "share", lambda row: of(row, 1), "its standard error (Greenwood)"),
    ]


CALIBRATE_PATIENCE: Final = Table[Any](
    "calibrate_patience",
    "a stage and channel: the share that bears to wait 60, 120, 300 and 600 s",
    "Patience",
    (
        text("stage", lambda row: row.stage, "of the line"),
        text("channel", lambda row: row.one.of, "none is all together"),
        whole("gave_up", "", lambda row: row.one.fitted.n, "tips that gave up"),
        whole("served", "", lambda row: row.one.fitted.n_censored, "tips that were served before"),
        number("within_5_s", "share", lambda row: row.one.short, "of those who gave up, who did so within 5 s"),
        *[column for seconds in (60, 120, 300, 600) for column in _survival(seconds)],
        number("never", "share", lambda row: row.one.never, "left where fewer than ten are at risk"),
        text("law", lambda row: row.one.fitted.law, "the law that is written"),
    ),
)

CALIBRATE_STAFF: Final = Table[Any](
    "calibrate_staff",
    "a stage: its people, the hours they were on line, there and busy, and the gaps while callers waited",
    "Staff",
    (
        text("stage", lambda row: row.name, "of the line"),
        whole("persons", "", lambda row: _group(row).persons, "with a name in the log"),
        whole("served", "", lambda row: _group(row).served, "tips"),
        whole("logins", "", lambda row: _group(row).logins, "spans of being logged in; 0 where they are not told"),
        number(
            "on_line",
            "h",
            lambda row: _group(row).on_line,
            "logged in, or from first to last service of each person and date",
        ),
        number("there", "h", lambda row: _group(row).truly, "of these, truly there"),
        number("there_share", "share", lambda row: _group(row).share, "there over on line"),
        number("busy", "h", lambda row: _group(row).busy, "in service"),
        number("gap_median", "s", lambda row: _gap(row, "median"), "between services while callers waited"),
        number("gap_95", "s", lambda row: _gap(row, "p95"), "95 % of these are shorter"),
        number("absent_from", "s", lambda row: _gap(row, "cut"), "longer gaps are absence, shorter ones wrap-up"),
        number("passed_over", "share", lambda row: row.passed, "of those who waited, passed over by a later one"),
        text("from", lambda row: _group(row).from_whom, "what the heads rest on"),
    ),
)


def _group(row: StageFound) -> Any:
    assert row.group is not None
    return row.group


def _gap(row: StageFound, name: str) -> float:
    gaps = _group(row).gaps
    return math.nan if gaps is None else float(getattr(gaps, name))


@dataclass(frozen=True, slots=True)
class Demanded:
    """Something that demand is told by, in the log and drawn."""

    what: str
    log: float
    low: float
    high: float
    drawn: float
    says: str


DEMAND: Final = Table[Demanded](
    "calibrate_demand",
    "a property of the demand: what it is in the log, and in a line drawn so",
    "Demand",
    (
        text("what", lambda row: row.what, "the property"),
        number("log", "", lambda row: row.log, "in the log"),
        number("low", "", lambda row: row.low, "the lower end of its 95 % interval, where it has one"),
        number("high", "", lambda row: row.high, "the upper end of it"),
        number("drawn", "", lambda row: row.drawn, "in the line as drawn"),
        text("says", lambda row: row.says, "what it is"),
    ),
)

CALIBRATE_DATES: Final = Table[Any](
    "calibrate_dates",
    "a date far from others of its weekday: how far, and the holiday that it is",
    "Dates of their own",
    (
        text("date", lambda row: row.on.isoformat(), "the date"),
        number("factor", "", lambda row: row.factor, "times as many as usual"),
        text("holiday", lambda row: row.name, "its name, where it is one that is known"),
    ),
)

TABLES_OF_CALIBRATE: Final = (
    BESIDE,
    CALIBRATE_INTERVALS,
    DEMAND,
    CALIBRATE_DATES,
    CALIBRATE_PATIENCE,
    CALIBRATE_LAWS,
    CALIBRATE_STAFF,
    PARAMETERS,
    CLEANING,
)


def runs(found: Beside) -> Iterator[LogAndRun]:
    """The quantities of every run, the held out dates last."""
    for name, some in found.runs.items():
        yield from (LogAndRun(name, one) for one in some)
    yield from (LogAndRun("held out", one) for one in found.held_out)


def tried(found: Calibration) -> Iterator[TriedLaw]:
    """Every law that was tried."""
    for stage in found.stages:
        every = [*stage.work, *(one.fitted for one in stage.patience), *stage.delay]
        if stage.group is not None and stage.group.wrap_up is not None:
            every.append(stage.group.wrap_up)
        yield from (TriedLaw(stage.name, one, fit) for one in every for fit in one.tried)


def borne(found: Calibration) -> Iterator[Borne]:
    """Patience by stage and channel."""
    for stage in found.stages:
        yield from (Borne(stage.name, one) for one in stage.patience)


def demanded(found: Calibrated) -> Iterator[Demanded]:
    """The properties of the demand, in the log and drawn."""
    log, drawn = found.calibration.demand, found.drawn_demand
    if log is None:
        return
    ranged: tuple[tuple[str, str, Callable[[LoggedDemand], tuple[float, float, float]]], ...] = (
        ("tips a date", "how many came on a date of the log", lambda one: one.volume),
        ("day factor cv", "days beside their weekday, Poisson noise taken off, odd dates out", lambda one: one.day_cv),
        ("trend a year", "by how much it grows, as a share", lambda one: one.trend),
    )
    plain: tuple[tuple[str, str, Callable[[LoggedDemand], float]], ...] = (
        ("dispersion", "variance over mean of counts within days: 1 is Poisson", lambda one: one.dispersion),
        (
            "lag-1 correlation",
            "of counts beside their weekday's profile, one interval on",
            lambda one: one.correlation(),
        ),
        ("lag-12 correlation", "the same, 12 intervals apart", lambda one: one.correlation(12)),
        (
            "lag-1 correlation beside weekday times interval",
            "the same as lag 1, beside the product form",
            lambda one: one.correlation(product=True),
        ),
        (
            "largest departure from weekday times hour",
            "of hours that are told to 5 %",
            lambda one: one.product_form[0],
        ),
        (
            "p of weekday times hour",
            "below 0.01 weekdays have profiles of their own",
            lambda one: one.product_form[1],
        ),
    )
    for what, says, get in ranged:
        value, low, high = get(log)
        yield Demanded(what, value, low, high, get(drawn)[0] if drawn is not None else math.nan, says)
    for what, says, of in plain:
        yield Demanded(what, of(log), math.nan, math.nan, of(drawn) if drawn is not None else math.nan, says)
