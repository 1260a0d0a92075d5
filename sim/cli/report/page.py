"""A folder of results as one HTML page: its figures with their tables, its verdicts, its answers, and a checklist.

What a figure is called, and which tables it was drawn from, is read off the answers of the commands; figures and tables
that none of them declares are shown all the same, after the rest.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from sim.answers import ANSWERS, every
from sim.answers.answer import Plot
from sim.cli.report.day import LARGEST as ROOM_OF_DAYS
from sim.cli.report.day import DayShown, day_shown
from sim.cli.report.dossier import NOT_KNOWN, Dossier, dossier
from sim.cli.report.explore import AskedRow, Explored, asked_rows, explored
from sim.cli.report.results import Folder, Results, TableFile, anchor, read_results
from sim.cli.report.stress import NOT_STATED, SECTIONS, items
from sim.dynamics.clock import MINUTE
from sim.scenario.targets import KINDS
from sim.studies.keeping import write_atomic
from sim.tables.by_time import TABLES_OF_DAY
from sim.tables.declared import Table, finite
from sim.text import words
from sim.text.diagram import diagram
from sim.text.page import WORDS_OF_VERDICTS
from sim.text.words import with_interval

FILE: Final = "report.html"

MOST: Final = 3
"""Sentences at the head of a page."""

LEADING: Final = {
    "plausibility": "In which plausible worlds it can be true",
    "claims": "The claims",
    "map": "The plausibility map",
    "staff": "The staffing certificate",
    "sensitivity": "What decides it",
}
"""Commands whose figures stand before the scenarios, each under a heading, the first folder with one."""

STYLES: Final = ("report.css", "dossier.css")
SCRIPTS: Final = ("explore.js", "day.js", "start.js")
"""The files of the script of a page, which runs as one and does nothing but what its reader asks of the page itself."""

_MIME: Final = {".svg": "image/svg+xml", ".png": "image/png"}


@dataclass(frozen=True, slots=True)
class Page:
    """A folder of results as one page, to be looked at and saved."""

    results: Results
    html: str

    @property
    def left_out(self) -> list[str]:
        """What is not on it, and why."""
        return self.results.left_out

    def save(self, out: str | Path | None = None) -> Path:
        """Write it: into the folder that it is of, into another one, or where `out` ends in .html; gives the file."""
        file = self.results.path / FILE if out is None else Path(out)
        file = file if file.suffix == ".html" else file / FILE
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, self.html.encode())
        return file

    def __repr__(self) -> str:
        return f"Page of {self.results.title} ({len(self.results.folders)} folders)"

    def _repr_html_(self) -> str:
        return f'<iframe sandbox="allow-scripts" srcdoc="{html.escape(self.html)}" width="100%" height="800"></iframe>'


def page_of(folder: str | Path) -> Page:
    """The page of a folder: a run's, several, or a study's. NoResultsError, a ValueError, where there is nothing."""
    results = read_results(Path(folder))
    return Page(results, rendered(results))


# What it shows of a folder


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A figure of a folder with its data, or tables that no figure shows."""

    plot: Plot
    made_by: str
    """The command whose figure it is; "" where that is not known."""
    folder: Folder
    tables: tuple[TableFile, ...]
    also: tuple[str, ...] = ()
    """Tables that it was drawn from too, and that stand with an earlier figure."""

    @property
    def command(self) -> tuple[str, ...]:
        """The command line that made it, as it was given; empty where that is not recorded."""
        known = self.folder.commands
        # What no command claims was made by the one that is recorded, where there is one alone.
        alone = next(iter(known.values())) if len(known) == 1 and not self.made_by else ()
        return known.get(self.made_by, self.folder.command or alone)

    @property
    def has_figure(self) -> bool:
        """Whether there is a picture."""
        return self.plot.name in self.folder.figures


def exhibits(folder: Folder) -> Iterator[Exhibit]:
    """Everything that a folder has to show, each table once."""
    of_day = {table.name for table in TABLES_OF_DAY}
    left = {name: table for name, table in folder.tables.items() if name not in of_day}
    declared = [(plot, answer) for answer in every() for plot in answer.plots]
    known = {plot.name for plot, _ in declared}
    unknown = [(_unknown(name, folder), None) for name in folder.figures if name not in known]
    for plot, answer in (*declared, *unknown):
        there = [table.name for table in plot.tables if table.name in folder.tables]
        # A run's tables speak for themselves; those of a study are told by what its first figure is about.
        leads = answer is not None and plot is answer.plots[0] and answer.command != "run"
        if plot.name in folder.figures or (there and leads):
            own = tuple(left.pop(name) for name in there if name in left)
            also = tuple(f"{name}.csv" for name in there if folder.tables[name] not in own)
            yield Exhibit(plot, answer.command if answer else "", folder, own, also)
    if left:
        yield Exhibit(Plot("", "Further tables", "", ""), "", folder, tuple(left.values()))


def _unknown(name: str, folder: Folder) -> Plot:
    """A figure that no answer declares: its data are the tables that begin as it does."""
    own = tuple(Table[Any](table, "", "", ()) for table in folder.tables if table.startswith(name))
    return Plot(name, name.replace("_", " ").capitalize(), "", "", own)


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """A target's row in a table of verdicts."""

    target: str
    claim: str
    unit: str
    threshold: float
    """NaN where the table does not tell."""
    value: float
    low: float
    high: float
    within: float
    """Minutes in which a share is asked for; NaN where it is not."""
    verdict: str
    at_least: bool
    """Whether the threshold is a least; a comparison's table does not tell."""

    @property
    def came_to(self) -> str:
        """The value with its interval."""
        if math.isnan(self.value):
            return "nothing counted"
        if self.verdict in ("kept", "broken") and self.low == self.high:
            return f"{100 * self.value:.1f} %" if self.unit != "min" else f"{self.value:,.1f} min"
        if self.unit != "min":
            return with_interval(self.value, self.low, self.high)
        return f"{self.value:,.1f} min ({self.low:,.1f} to {self.high:,.1f})"

    @property
    def plainly(self) -> str:
        """The value alone."""
        return self.came_to.partition(" (")[0]

    @property
    def asked(self) -> str:
        """The threshold in words; "" where it is not known."""
        if math.isnan(self.threshold):
            return ""
        limit = f"{self.threshold:.4g} min" if self.unit == "min" else f"{100 * self.threshold:.4g} %"
        within = "" if math.isnan(self.within) else f" in {words.length(round(self.within * MINUTE))}"
        return f"at {'least' if self.at_least else 'most'} {limit}{within}"


def judged(folder: Folder, name: str) -> dict[str, list[JudgedRow]]:
    """The targets in a table of verdicts, by the scenario that they judge; rows without a verdict are passed over."""
    found: dict[str, list[JudgedRow]] = {}
    for row in folder.tables[name].records if name in folder.tables else ():
        if row.get("verdict") in WORDS_OF_VERDICTS:
            found.setdefault(_text(row.get("scenario")), []).append(_judged(row))
    return found


def _judged(row: Mapping[str, Any]) -> JudgedRow:
    threshold, value, low, high, within = (
        _number(row.get(head)) for head in ("threshold", "value", "low", "high", "within_min")
    )
    return JudgedRow(
        target=_text(row.get("target")),
        claim=_text(row.get("claim")),
        unit=_text(row.get("unit")),
        threshold=threshold,
        value=value,
        low=low,
        high=high,
        within=within,
        verdict=row["verdict"],
        at_least=(kind := KINDS.get(_text(row.get("kind")))) is not None and kind.side == "at_least",
    )


def _number(cell: Any) -> float:
    """A number in a record; NaN where the cell is empty or holds none."""
    return float(cell) if isinstance(cell, int | float) else math.nan


def _text(cell: Any) -> str:
    return "" if cell is None else str(cell)


@dataclass(frozen=True, slots=True)
class BesideRow:
    """A quantity of a log, with what each run of its line came to."""

    quantity: str
    says: str
    log: str
    runs: list[tuple[str, str]]
    """What it came to with half of its interval, and the verdict; both "" where the run does not tell it."""


BESIDE_RUNS: Final = {"replay": "replayed", "drawn": "drawn", "held out": "dates held out: log, line"}


def beside(folder: Folder) -> tuple[list[str], list[BesideRow]]:
    """The heads and rows of a line beside its log, as `calibrate` leaves them; none where it does not."""
    records = folder.tables["calibrate"].records if "calibrate" in folder.tables else ()
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in records:
        if {"quantity", "run", "log", "line", "low", "high", "verdict"} <= set(row):
            found.setdefault(_text(row["quantity"]), {})[_text(row["run"])] = row
    runs = [run for run in BESIDE_RUNS if any(run in rows for rows in found.values())]
    told = []
    for name, rows in found.items():
        first = next(iter(rows.values()))
        cells = []
        for run in runs:
            of_run = rows.get(run, {})
            came_to = _in_unit(of_run, "line")
            before = f"{_in_unit(of_run, 'log')}, " if run == "held out" and came_to else ""
            cells.append((before + came_to, _text(of_run.get("verdict")) if came_to else ""))
        told.append(BesideRow(name, _text(first.get("says")), _in_unit(first, "log"), cells))
    return [BESIDE_RUNS[run] for run in runs], told


def _in_unit(row: Mapping[str, Any], name: str) -> str:
    """A figure of a quantity in its unit, of a run with half of its interval; "" where it is not known."""
    value, low, high = (_number(row.get(one)) for one in (name, "low", "high"))
    if math.isnan(value):
        return ""
    size, unit = (100.0, " %") if row.get("unit") == "share" else (1.0, f" {_text(row.get('unit'))}".rstrip())
    half = "" if name == "log" or math.isnan(high) else f" ± {size * (high - low) / 2:,.1f}"
    return f"{size * value:,.{1 if unit else 0}f}{half}{unit}"


def untold(folder: Folder) -> list[str]:
    """What a log could not tell of its line, in sentences, with what is plausible instead."""
    noted = folder.notes.get("calibrate", {})
    said = [one for one in noted.get("cannot", []) if isinstance(one, str)]
    ranges = [one for one in noted.get("not_told", []) if isinstance(one, Mapping)]
    return said + [
        f"{_text(one.get('path'))}: {_text(one.get('why'))}; {_text(one.get('from'))} to {_text(one.get('to'))} is "
        "plausible."
        for one in ranges
    ]


# What it answers


def answers(folder: Folder) -> list[str]:
    """What the commands of a folder answered, in sentences."""
    return [sentence for command in ANSWERS for sentence in folder.answer(command)]


def headline(results: Results) -> list[str]:
    """The answer in at most three sentences: of the steps that the study names, or of the first of each command."""
    named = results.manifest.get("answer")
    if isinstance(named, Mapping) and (found := list(_named(results, named))):
        return found[:MOST]
    first = {
        command: next((said for one in results.folders if (said := one.answer(command))), []) for command in ANSWERS
    }
    of_run = first.pop("run")
    return [*of_run[:1], *(said[0] for said in first.values() if said), *of_run[1:]][:MOST]


def _named(results: Results, named: Mapping[Any, Any]) -> Iterator[str]:
    """The first answer of each step that is named, after the words that the study puts before it."""
    for step, lead in named.items():
        found = next((one for one in results.folders if one.name == step), None)
        said = answers(found) if found is not None else []
        if not said:
            continue
        # What ends in a colon is no sentence yet.
        first = f"{said[0]} {said[1]}" if said[0].endswith(":") and len(said) > 1 else said[0]
        yield f"{lead}: {first[0].lower()}{first[1:]}" if lead else first


# The page


@dataclass(frozen=True, slots=True)
class Foreword:
    """What stands before the scenarios."""

    title: str
    answers: list[str]
    exhibits: list[Exhibit]
    dossier: Dossier | None = None
    """The claims one by one, which then tell what the other answers tell of them."""


@dataclass(frozen=True, slots=True)
class Section:
    """One folder in the page."""

    folder: Folder
    answers: list[str]
    judged: list[JudgedRow]
    asked: list[AskedRow]
    """Its targets where it judges none by itself."""
    exhibits: list[Exhibit]
    above: list[str]
    """Titles of its figures that stand before the scenarios."""
    beside: tuple[list[str], list[BesideRow]]
    """Its line beside the log that it was made of."""
    untold: list[str]
    """What that log could not tell."""
    day: DayShown | None = None
    """A day of its run, tip by tip."""


class PageAddresses:
    """Where in a page targets and claims stand: a name as address for each, the same in all tables that speak of it.

    A claim that has an article of its own stands there; `dossiers` are these, by the folder.
    """

    def __init__(self, sections: Sequence[Section], dossiers: Mapping[str, Dossier]):
        self.targets: dict[tuple[str, str], str] = {}
        """By folder and target."""
        self.claims: dict[tuple[str, str], str] = {}
        """By folder and claim."""
        self._told = dossiers
        for name, told in dossiers.items():
            self.claims |= {(name, one.name): one.place for one in told.claims}
        self._taken = set(self.claims.values())
        rows = [(one.folder, row.target, row.claim) for one in sections for row in one.judged]
        rows += [(one.folder, row.target, row.claim) for one in sections for row in one.asked]
        for folder, target, _ in rows:
            self._put(self.targets, "target", folder, target)
        for folder in (one.folder for one in sections if "claims" in one.folder.tables):
            for record in folder.tables["claims"].records:
                self._put(self.claims, "claim", folder, _text(record.get("claim")))
        known = {claim for _, claim in self.claims}
        for folder, _, claim in rows:
            if claim not in known:
                self._put(self.claims, "claim", folder, claim)

    def _put(self, places: dict[tuple[str, str], str], what: str, folder: Folder, name: str) -> None:
        if not name or (folder.name, name) in places:
            return
        wanted = anchor(what, folder.name, name)
        numbered = (f"{wanted}-{number}" for number in range(2, len(self._taken) + 3))
        found = wanted if wanted not in self._taken else next(one for one in numbered if one not in self._taken)
        self._taken.add(found)
        places[folder.name, name] = found

    def target(self, folder: Folder, name: str) -> str:
        """The place of a target: in its folder, else in the first that has one of the name; "" where none has."""
        return self._of(self.targets, folder, name)

    def claim(self, folder: Folder, name: str) -> str:
        """The same for a claim."""
        return self._of(self.claims, folder, name)

    @staticmethod
    def _of(places: Mapping[tuple[str, str], str], folder: Folder, name: str) -> str:
        first = next((place for (_, one), place in places.items() if one == name), "")
        return places.get((folder.name, name), first)

    def index(self, what: str, folders: Sequence[Folder]) -> list[tuple[str, list[tuple[str, str]]]]:
        """Names with their places by the title of the folder in which they stand, of `targets` or `claims`."""
        places: Mapping[tuple[str, str], str] = getattr(self, what)
        found = [(one.title, [(name, at) for (of, name), at in places.items() if of == one.name]) for one in folders]
        return [(title, names) for title, names in found if names]

    def rows(self, folder: Folder, table: TableFile) -> dict[int, str]:
        """The rows of a table that are the place of a claim, by their number."""
        found: dict[int, str] = {}
        of_claims = table.name == "claims" and folder.name not in self._told
        for number, record in enumerate(table.records if of_claims else ()):
            place = self.claims.get((folder.name, _text(record.get("claim"))), "")
            if place and place not in found.values():
                found[number] = place
        return found


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Scenarios that are judged by the same targets, row by row."""

    targets: tuple[str, ...]
    groups: list[tuple[Folder, list[tuple[str, dict[str, JudgedRow]]]]]
    """Where they stand, and there each scenario with its targets by name."""


def rendered(results: Results) -> str:
    """The page of results that were read."""
    shown = {one.name: list(exhibits(one)) for one in results.folders}
    leading = list(_leading(results.folders, shown))
    at_head = [exhibit for lead in leading for exhibit in lead.exhibits]
    said = {(lead.exhibits[0].folder.name, answer) for lead in leading for answer in lead.answers}
    sections = [
        Section(
            folder=one,
            answers=[sentence for sentence in answers(one) if (one.name, sentence) not in said],
            judged=(rows := [row for rows in judged(one, "targets").values() for row in rows]),
            asked=[] if rows else asked_rows(one),
            exhibits=[exhibit for exhibit in shown[one.name] if exhibit not in at_head],
            above=[exhibit.plot.title for exhibit in shown[one.name] if exhibit in at_head],
            beside=beside(one),
            untold=untold(one),
        )
        for one in results.folders
    ]
    room = ROOM_OF_DAYS
    for number, section in enumerate(sections):
        if (day := day_shown(section.folder, room)) is not None:
            sections[number] = replace(section, day=day)
            room -= len(day.script_data)
    environment = Environment(
        loader=PackageLoader("sim.cli.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cell": cell, "command": shlex.join, "data": data, "anchor": anchor, "heading": heading}
    dossiers = {one.exhibits[0].folder.name: one.dossier for one in leading if one.dossier is not None}
    places, script = PageAddresses(sections, dossiers), "\n".join(map(_own, SCRIPTS))

    def choosable(folder: Folder, table: TableFile) -> Explored | None:
        return explored(folder, table, places.target)

    return environment.get_template("report.html.j2").render(
        results=results,
        style="".join(map(_own, STYLES)),
        not_known=NOT_KNOWN,
        script=script,
        script_hash=f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
        places=places,
        explored=choosable,
        as_json=_as_json,
        sentences=headline(results),
        leading=leading,
        verdicts=list(_verdicts(results.folders)),
        sections=sections,
        checklist=_checklist(results),
        version=_version(results),
    )


def _own(name: str) -> str:
    """A file of the page's own, as it stands beside this one."""
    return files("sim.cli.report").joinpath(name).read_text(encoding="utf-8")


def _as_json(told: Any) -> str:
    """Data for the script, which an attribute may hold once it is escaped."""
    return json.dumps(finite(told), ensure_ascii=False, separators=(",", ":"))


def _leading(folders: Sequence[Folder], shown: dict[str, list[Exhibit]]) -> Iterator[Foreword]:
    for command, title in LEADING.items():
        found = [[exhibit for exhibit in shown[folder.name] if exhibit.made_by == command] for folder in folders]
        # A search that found nothing leaves no figure, and stands at the head only where no other search found more.
        there = sorted(filter(None, found), key=lambda exhibits: not exhibits[0].has_figure)
        if there:
            folder = there[0][0].folder
            told = dossier(folder) if command == "claims" else None
            yield Foreword(title, folder.answer(command), there[0], told)


def _verdicts(folders: Sequence[Folder]) -> Iterator[Verdicts]:
    """Every verdict of every scenario: a table for each list of targets, in the order in which they first come."""
    found: dict[tuple[str, ...], Verdicts] = {}
    for folder in folders:
        scenarios: dict[str, list[JudgedRow]] = {}
        for name in ("targets", "compare"):
            for label, rows in judged(folder, name).items():
                scenarios.setdefault(label, []).extend(rows)
        for label, rows in scenarios.items():
            by_name = {one.target: one for one in rows}
            groups = found.setdefault(tuple(by_name), Verdicts(tuple(by_name), [])).groups
            if not groups or groups[-1][0] is not folder:
                groups.append((folder, []))
            groups[-1][1].append((label, by_name))
    yield from found.values()


def _checklist(results: Results) -> dict[str, Any] | None:
    """The items of the checklist by section, of the first scenario that there is; None where there is none."""
    folder = next((one for one in results.folders if one.scenario is not None), None)
    if folder is None or folder.scenario is None:
        return None
    purpose = [text for text in (results.title if results.of_study else "", results.about, folder.why) if text]
    found = items(folder.scenario, folder.manifest, purpose)
    return {
        "scenario": folder.scenario.scenario,
        "diagram": base64.b64encode(diagram(folder.scenario).encode()).decode(),
        "silent": NOT_STATED,
        "sections": [(name, [item for item in found if item.section == name]) for name in SECTIONS],
    }


def _version(results: Results) -> str:
    """Which program made the results, as far as they say."""
    for manifest in (results.manifest, *(one.manifest for one in results.folders)):
        versions = manifest.get("versions")
        if isinstance(versions, dict) and "tipline" in versions:
            return str(versions["tipline"])
    return ""


# Filters of the template


def cell(value: Any) -> str:
    """A cell of a table as people read it: numbers in five digits, all else as it is.

    >>> cell(0.17201234), cell(12339), cell("met"), cell(1e6), cell(None), cell(float("inf"))
    ('0.17201', '12339', 'met', '1000000', '', '∞')
    """
    if value is None or isinstance(value, str | bool):
        return _text(value)
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == round(value) and abs(value) < 1e15:
        return str(round(value))
    return f"{value:.5g}"


def heading(name: str) -> str:
    """The title of a column or a table, with places where a narrow page may break it."""
    return name.replace("_", " ")


def data(path: Path) -> str:
    """A figure's file as an address that holds it."""
    return f"data:{_MIME[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"
