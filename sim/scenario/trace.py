"""Recorded tips from a CSV file, in place of drawn ones: strictly checked, every bad row named by its line.

Columns: `received`, and where they are known `channel`, `risk`, `category`, attributes of the scenario's own, the
minutes of a stage under its name (or its name and `_min`), and `incident`, a name for each event that several tips are
about; `tier`, the label that every labeller gave; `gave_up`, the minutes after which the tip gives up at the first
stage with a patience that it comes to, or, as `>3.5`, those that it bore to wait, so that its patience is drawn beyond;
and `wrap_up`, those of the first stage with a wrap-up. Who served it (`person`, `pool`) may stand there and decides
nothing. An empty field is drawn as if the column were not there, or is of no incident.
"""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import MINUTE, NEVER, ticks
from sim.dynamics.replication import NO_INCIDENT, Codes, Ticks
from sim.scenario import units
from sim.scenario.faults import Fault, ScenarioError, shown
from sim.scenario.fields import hint
from sim.scenario.folder import SHOWN, Checked, inside
from sim.scenario.schema import Scenario
from sim.scenario.tracefile import DRAWN, Plain, TraceForm, begins_plainly, blocks, foreign, halves
from sim.scenario.zones import Local

LARGEST: Final = 200_000_000
MOST_ROWS: Final = 10_000_000
_LONGEST_LINE: Final = 1 << 20

_ATTRIBUTES: Final = ("channel", "risk", "category")

INCIDENT: Final = "incident"
GAVE_UP: Final = "gave_up"
WRAP_UP: Final = "wrap_up"
SERVED_BY: Final = ("person", "pool")
"""Columns that tell who served a tip: the staffing of the scenario decides that."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Recorded tips in order of arrival, (n_tips,) each."""

    arrival: Ticks
    channel: Codes
    """Index of the channel, or DRAWN; risk and category alike."""
    risk: Codes
    category: Codes
    work: dict[str, Ticks]
    """By stage: ticks of service or delay, NEVER where they are to be drawn."""
    own: dict[str, Codes]
    """By attribute of the scenario's own: index of its value, or DRAWN."""
    incident: Codes
    """Which incident the tip is about, counted from 0 in order of their first tips; NO_INCIDENT for none."""
    tier: Codes
    """Index of the label that labellers gave, or DRAWN."""
    patience: Ticks
    """After how long it gives up, NEVER where that is drawn."""
    bears: Ticks
    """How long it bears to wait, beyond which its patience is drawn; 0 where nothing is known."""
    wrap_up: Ticks
    """The work after it has gone, NEVER where that is drawn."""

    def code(self, attribute: str) -> Codes:
        """The codes of an attribute by its name."""
        found: Codes = self.own[attribute] if attribute in self.own else getattr(self, attribute)
        return found

    def take(self, rows: NDArray[np.int64] | slice, arrival: Ticks | None = None) -> Trace:
        """Some of the tips, arriving as recorded or at other ticks."""
        return Trace(
            self.arrival[rows] if arrival is None else arrival,
            self.channel[rows],
            self.risk[rows],
            self.category[rows],
            {stage: work[rows] for stage, work in self.work.items()},
            {name: code[rows] for name, code in self.own.items()},
            self.incident[rows],
            self.tier[rows],
            self.patience[rows],
            self.bears[rows],
            self.wrap_up[rows],
        )

    def __len__(self) -> int:
        return len(self.arrival)


def trace(scenario: Scenario) -> Trace:
    """The recorded tips of a scenario that names a `demand.trace`; ScenarioError naming every bad row."""
    given = scenario.demand.trace
    assert given is not None
    path = inside(scenario.folder, given.file)
    status = path.stat()
    attributes = (*_ATTRIBUTES, *scenario.own, *(("tier",) if scenario.labels else ()), "stage")
    names = tuple((key, scenario.names[key]) for key in attributes)
    # Days that are drawn may have been recorded at any time.
    horizon = scenario.horizon if given.resample is None else None
    of_waits = tuple(
        name
        for name, has in (
            (GAVE_UP, any(stage.patience is not None for stage in scenario.stages)),
            (WRAP_UP, any(stage.wrap_up is not None for stage in scenario.stages)),
        )
        if has
    )
    form = TraceForm.of(given)
    return _read(path, given.file, scenario.local, horizon, names, of_waits, form, status.st_mtime_ns, status.st_size)


def days(scenario: Scenario) -> range:
    """The calendar days that a trace spans, from that of its first tip to that of its last; day 0 holds `run.start`.

    A day between them on which nothing came is one of them; the first and the last are taken as recorded wholly.
    """
    day = scenario.local.day(trace(scenario).arrival[[0, -1]])
    return range(int(day[0]), int(day[1]) + 1)


def days_of_run(scenario: Scenario) -> range:
    """The calendar days of a run, counted like those of a trace."""
    return scenario.local.days_until(scenario.horizon)


def recorded_days(scenario: Scenario) -> list[list[int]]:
    """The days that a trace spans, by weekday, Monday first."""
    first = scenario.start.weekday()
    return [[day for day in days(scenario) if (first + day) % 7 == weekday] for weekday in range(7)]


def recorded_weeks(scenario: Scenario) -> list[int]:
    """The Mondays of the weeks, Monday to Sunday, that lie wholly in the days that a trace spans."""
    spanned = days(scenario)
    return [day for day in recorded_days(scenario)[0] if day + 6 in spanned]


def drawn_from(scenario: Scenario) -> list[tuple[str, int]]:
    """How many recorded days or weeks there are to draw from for each kind of day that a run has, by its name."""
    given, first = scenario.demand.trace, scenario.start.weekday()
    if given is None or given.resample is None:
        return []
    if given.resample == "week":
        return [("whole week", len(recorded_weeks(scenario)))]
    needed = sorted({(first + day) % 7 for day in days_of_run(scenario)})
    return [(units.DAYS[day], len(recorded_days(scenario)[day])) for day in needed]


@dataclass(slots=True)
class _Columns(Checked):
    """What has been read so far, column by column, and what was wrong."""

    local: Local
    horizon: int | None
    """None where a tip may have come at any time."""
    codes: dict[str, dict[str, int]]
    of_waits: tuple[str, ...]
    """Which of `gave_up` and `wrap_up` there is a stage for."""
    form: TraceForm
    zone: str | None
    """The zone whose clock the file shows, where that is not the run's."""
    outside: array[int] = field(default_factory=lambda: array("b"))
    """By row, whether it lies outside a run that keeps only what lies in it."""
    patience: array[int] = field(default_factory=lambda: array("q"))
    bears: array[int] = field(default_factory=lambda: array("q"))
    wrap_up: array[int] = field(default_factory=lambda: array("q"))
    received: array[int] = field(default_factory=lambda: array("q"))
    attribute: dict[str, array[int]] = field(default_factory=dict)
    work: dict[str, array[int]] = field(default_factory=dict)
    incident: array[int] = field(default_factory=lambda: array("q"))
    """By row, the number of its incident in `incidents`."""
    incidents: dict[str, int] = field(default_factory=dict)
    offset: datetime | None = None
    """The first time with an offset."""

    def tick(self, at: datetime) -> int:
        """The tick of a time; with an offset and without a zone, by the clock of the first row that has one."""
        if at.tzinfo is None and self.zone is not None and self.local.zone is not None:
            at = at.replace(tzinfo=ZoneInfo(self.zone))
        if at.tzinfo is not None and self.local.zone is None:
            self.offset = self.offset or at
            clock = self.offset.tzinfo if self.form.zone is None else ZoneInfo(self.form.zone)
            at = at.astimezone(clock).replace(tzinfo=None)
        return self.local.tick_of(at)

    def arrival(self, line: int, text: str) -> int:
        try:
            tick = self.tick(units.moment(text))
        except ValueError as error:
            self.fault(line, "received", str(error), shown(text))
            return 0
        outside = self.horizon is not None and not 0 <= tick < self.horizon
        self.outside.append(outside and self.form.keep)
        if self.horizon is not None and outside and not self.form.keep:
            self.fault(
                line,
                "received",
                f"must lie in the run, from {self.local.shows(0)} to {self.local.shows(self.horizon)}",
                shown(text),
            )
        return tick

    def arrivals(self, wall: NDArray[np.int64]) -> bool:
        """Take many arrivals at once, in microseconds since 1970 by the run's clock; False where one is a fault."""
        tick = self.local.tick(wall - ticks(self.local.midnight - datetime(1970, 1, 1)))
        outside = np.zeros(len(tick), dtype=np.int8)
        if self.horizon is not None:
            outside = ((tick < 0) | (tick >= self.horizon)).astype(np.int8)
            if outside.any() and not self.form.keep:
                return False
        self.received.frombytes(tick.tobytes())
        self.outside.frombytes(outside.tobytes())
        return True

    def code(self, line: int, column: str, text: str) -> int:
        known = self.codes[column]
        if text and text not in known:
            self.fault(line, column, f"there is no {column} '{text[:60]}'{hint(text, known)}")
        return known.get(text, DRAWN)

    def gave_up(self, line: int, text: str) -> None:
        """A patience that is known, or as `>3.5` one that is longer."""
        longer = text.startswith(">")
        ticks = self.ticks(line, GAVE_UP, text.removeprefix(">").strip())
        self.patience.append(NEVER if longer else ticks)
        self.bears.append(0 if ticks == NEVER or not longer else ticks)

    def ticks(self, line: int, column: str, text: str) -> int:
        if not text:
            return NEVER
        try:
            length = float(text) * MINUTE
        except ValueError:
            length = -1.0
        if not 0 <= length <= units.LONGEST:
            self.fault(line, column, "must be minutes, 0 or more", shown(text))
            return NEVER
        return round(length)


@lru_cache(maxsize=2)
def _read(
    path: Path,
    file: str,
    local: Local,
    horizon: int | None,
    names: tuple[tuple[str, tuple[str, ...]], ...],
    of_waits: tuple[str, ...],
    form: TraceForm,
    _modified: int,
    size: int,
) -> Trace:
    *attributes, (_, stages) = names
    codes = {key: {name: code for code, name in enumerate(some)} for key, some in attributes}
    zone = None if form.zone in (None, local.zone) else form.zone
    found = _Columns(file, local, horizon, codes, of_waits, form, zone)
    with found.reading(path, size, LARGEST, lambda: len(found.received) + 2):
        if _lines(path, file) > MOST_ROWS + 1:
            raise ScenarioError([Fault(file, MOST_ROWS + 2, 0, "", f"has more than {MOST_ROWS:,} rows")])
        if (rows := foreign(path, file, form)) is not None:
            _rows(rows, stages, found)
        elif zone is not None or not begins_plainly(path):
            with path.open(encoding="utf-8-sig", newline="") as stream:
                _rows(csv.reader(stream, strict=True), stages, found)
        else:
            _blocks(path, stages, found)
    if found.faults:
        raise ScenarioError(found.faults)
    return _sorted(found)


def _lines(path: Path, file: str) -> int:
    """About how many lines a file has, which is known long before they are read; none may be longer than a block."""
    ends = {b"\n": 0, b"\r": 0}
    with path.open("rb") as stream:
        while block := stream.read(_LONGEST_LINE):
            before = sum(ends.values())
            for end in ends:
                ends[end] += block.count(end)
            if len(block) == _LONGEST_LINE and sum(ends.values()) == before:
                raise ScenarioError([Fault(file, max(ends.values()) + 1, 0, "", "is a line of more than 1 MB")])
    return max(ends.values())


def _rows(rows: Any, stages: Sequence[str], found: _Columns) -> None:
    header = [title.strip() for title in next(rows, [])]
    stage_of = _header(header, stages, found)
    if not found.faults:
        _more_rows(rows, 0, header, stage_of, found)
        _has_rows(found)


def _has_rows(found: _Columns) -> None:
    if not found.received and not found.faults:
        found.fault(0, "", "has no rows")


def _blocks(path: Path, stages: Sequence[str], found: _Columns) -> None:
    """Read a large file a block at a time, what is plain of it column by column."""
    with path.open("rb") as stream:
        first = stream.readline(LARGEST).removeprefix(b"\xef\xbb\xbf")
        header = [title.strip() for title in next(csv.reader([first.decode("utf-8")], strict=True), [])]
        stage_of = _header(header, stages, found)
        if found.faults:
            return
        minutes = {*stage_of, GAVE_UP, WRAP_UP}
        plain = Plain(header, found.codes, minutes, {INCIDENT})
        line = 1
        for block in blocks(stream):
            waiting = [block]
            while waiting:
                part = waiting.pop()
                if found.n_faults >= SHOWN:
                    _stopped(line + 1, found)
                    return
                if not _took(plain, part, stage_of, found):
                    if (parts := halves(part)) is not None:
                        waiting += reversed(parts)
                        continue
                    text = io.StringIO(part.decode("utf-8"), newline="")
                    if not _more_rows(csv.reader(text, strict=True), line, header, stage_of, found):
                        return
                line += part.count(b"\n")
    _has_rows(found)


def _stopped(line: int, found: _Columns) -> None:
    found.faults.append(Fault(found.file, line, 0, "", "is where reading stopped: there may be more bad values"))


def _took(plain: Plain, block: bytes, stage_of: dict[str, str], found: _Columns) -> bool:
    """Take all rows of a block at once, where all of them are plain and right."""
    read = plain.read(block)
    if read is None:
        return False
    values, named = read
    if not found.arrivals(values.pop("received")):
        return False
    for title, some in values.items():
        if title in found.codes:
            found.attribute[title].frombytes(some.tobytes())
        elif title == GAVE_UP:
            found.patience.frombytes(some.tobytes())
            found.bears.frombytes(np.zeros(len(some), dtype=np.int64).tobytes())
        elif title == WRAP_UP:
            found.wrap_up.frombytes(some.tobytes())
        else:
            found.work[stage_of[title]].frombytes(some.tobytes())
    for index, texts in named.values():
        number = [found.incidents.setdefault(text, len(found.incidents)) if text else NO_INCIDENT for text in texts]
        found.incident.frombytes(np.array(number, dtype=np.int64)[index].tobytes())
    return True


def _more_rows(rows: Any, before: int, header: list[str], stage_of: dict[str, str], found: _Columns) -> bool:
    """Read rows one by one, so many lines after the beginning of the file; False where there are too many faults."""
    for row in rows:
        line = before + rows.line_num
        if found.n_faults >= SHOWN:
            _stopped(line, found)
            return False
        if not row:
            continue
        if not found.fits(line, row, header):
            continue
        for title, text in zip(header, row, strict=True):
            plain = text.strip()
            if title == "received":
                found.received.append(found.arrival(line, plain))
            elif title == INCIDENT:
                number = found.incidents.setdefault(plain, len(found.incidents)) if plain else NO_INCIDENT
                found.incident.append(number)
            elif title in found.codes:
                found.attribute[title].append(found.code(line, title, plain))
            elif title == GAVE_UP:
                found.gave_up(line, plain)
            elif title == WRAP_UP:
                found.wrap_up.append(found.ticks(line, title, plain))
            elif title in SERVED_BY and title not in stage_of:
                continue
            else:
                found.work[stage_of[title]].append(found.ticks(line, title, plain))
    return True


def _header(header: list[str], stages: Sequence[str], found: _Columns) -> dict[str, str]:
    """The stage of each column that holds minutes; there is room for what each column has."""
    known = {f"{stage}_min": stage for stage in stages} | {stage: stage for stage in stages}
    fixed = tuple(dict.fromkeys(("received", *found.codes, INCIDENT, *found.of_waits, *SERVED_BY)))
    if "received" not in header:
        found.fault(1, "", "the first line must name the columns, and one of them `received`")
    stage_of: dict[str, str] = {}
    for place, title in enumerate(header):
        if found.twice(header, place) or title in fixed:
            continue
        if title not in known:
            found.unread(title, (*fixed, *known), f"{', '.join(fixed)} and the names of stages")
        elif known[title] in stage_of.values():
            found.fault(1, "", f"two columns hold the minutes of '{known[title]}'")
        else:
            stage_of[title] = known[title]
    found.attribute = {name: array("q") for name in header if name in found.codes}
    found.work = {stage: array("q") for stage in stage_of.values()}
    return stage_of


def _sorted(found: _Columns) -> Trace:
    """The columns as arrays in order of arrival; rows of one tick stay in the order of the file."""
    arrival = np.array(found.received, dtype=np.int64)
    order = np.argsort(arrival, kind="stable")
    order = order[np.array(found.outside, dtype=np.int8)[order] == 0]
    if not order.size:
        raise ScenarioError([Fault(found.file, 0, 0, "", "has no row that lies in the run")])
    drawn = np.full(len(order), DRAWN, dtype=np.int32)

    def ticks(some: array[int], without: int) -> Ticks:
        return np.array(some, dtype=np.int64)[order] if len(some) else np.full(len(order), without, dtype=np.int64)

    def codes(name: str) -> Codes:
        return np.array(found.attribute[name], dtype=np.int32)[order] if name in found.attribute else drawn

    work = {stage: np.array(ticks, dtype=np.int64)[order] for stage, ticks in found.work.items()}
    own = {name: codes(name) for name in found.codes if name not in (*_ATTRIBUTES, "tier")}
    about = np.full(len(order), NO_INCIDENT, dtype=np.int32)
    if found.incident:
        as_read = np.array(found.incident, dtype=np.int64)[order]
        named, first = np.unique(as_read[as_read != NO_INCIDENT], return_index=True)
        number = np.full(len(found.incidents) + 1, NO_INCIDENT, dtype=np.int32)
        number[named[np.argsort(first)]] = np.arange(len(named))
        about = number[as_read]
    tier = codes("tier") if "tier" in found.codes else drawn
    waits = (ticks(found.patience, NEVER), ticks(found.bears, 0), ticks(found.wrap_up, NEVER))
    return Trace(arrival[order], codes("channel"), codes("risk"), codes("category"), work, own, about, tier, *waits)
