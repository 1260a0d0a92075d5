"""The command `report`: a folder of results as one page that needs neither a network nor a program, and no script.

The page takes its figures with it. Whatever text it shows came out of files, so all of it is escaped, and the page
forbids its reader's browser to run or to fetch anything.
"""

from __future__ import annotations

import base64
import math
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sim.cli.options import BAD_INPUT, DONE, Options, print_data, say

if TYPE_CHECKING:
    from sim.cli.report.answers import Judged
    from sim.cli.report.exhibits import Exhibit
    from sim.cli.report.results import Folder, Results

FILE: Final = "report.html"

LEADING: Final = (
    ("The claims", "claims", ("claims",)),
    ("The plausibility map", "map", ("map",)),
    ("The staffing certificate", "staff", ("staffing", "staff_tried", "frontier")),
    ("What decides it", "sensitivity", ("sensitivity", "sensitivity_points")),
)
"""What stands before the scenarios, one of each kind, the first with a figure: title, command and figures."""

_MIME: Final = {".svg": "image/svg+xml", ".png": "image/png"}


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of results.", show_default=False)],
    options: Options,
) -> int:
    """Make one HTML page of a folder of results: a run's, several, or a study's. It opens offline and prints well."""
    from sim.cli.report.results import NoResultsError, read_results
    from sim.studies.keeping import write_atomic

    try:
        results = read_results(folder)
    except NoResultsError as error:
        say(f"tipline report: {folder}: {error}")
        return BAD_INPUT
    page = html(results).encode()
    file = _file(folder, options.out)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, page)
    if options.json:
        print_data(
            [{"file": str(file), "bytes": len(page), "folders": [one.name for one in results.folders]}], [folder]
        )
    elif not options.quiet:
        print(f"Written to {file} ({len(page) / 1e6:.1f} MB)")
    return DONE


def _file(folder: Path, out: Path | None) -> Path:
    if out is None:
        return folder / FILE
    return out if out.suffix == ".html" else out / FILE


@dataclass(frozen=True, slots=True)
class Lead:
    """What stands before the scenarios."""

    title: str
    answers: list[str]
    exhibits: list[Exhibit]


@dataclass(frozen=True, slots=True)
class Section:
    """One folder in the page."""

    folder: Folder
    answers: list[str]
    judged: list[Judged]
    exhibits: list[Exhibit]
    above: list[str]
    """Titles of its figures that stand before the scenarios."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Scenarios that are judged by the same targets, row by row."""

    targets: tuple[str, ...]
    groups: list[tuple[Folder, list[tuple[str, dict[str, Judged]]]]]
    """Where they stand, and there each scenario with its targets by name."""


def html(results: Results) -> str:
    """The page."""
    from importlib.resources import files

    from jinja2 import Environment, PackageLoader, StrictUndefined

    from sim.cli.report.answers import headline, judged, of_folder
    from sim.cli.report.exhibits import TITLES, exhibits

    shown = {one.name: exhibits(one) for one in results.folders}
    leading = list(_leading(results.folders, shown))
    at_head = [exhibit for lead in leading for exhibit in lead.exhibits]
    said = {(lead.exhibits[0].folder.name, answer) for lead in leading for answer in lead.answers}
    sections = [
        Section(
            folder=one,
            answers=[sentence for sentence in of_folder(one) if (one.name, sentence) not in said],
            judged=judged(one.tables["targets.csv"].records()) if "targets.csv" in one.tables else [],
            exhibits=[exhibit for exhibit in shown[one.name] if exhibit not in at_head],
            above=[exhibit.kind.title for exhibit in shown[one.name] if exhibit in at_head],
        )
        for one in results.folders
    ]
    environment = Environment(
        loader=PackageLoader("sim.cli.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cell": cell, "command": shlex.join, "data": data, "anchor": anchor, "heading": heading}
    return environment.get_template("report.html.j2").render(
        results=results,
        style=files("sim.cli.report").joinpath("report.css").read_text(encoding="utf-8"),
        sentences=headline(results),
        leading=leading,
        verdicts=list(_verdicts(results.folders)),
        sections=sections,
        checklist=_checklist(results),
        titles=TITLES,
        version=_version(results),
    )


def _leading(folders: Sequence[Folder], shown: dict[str, list[Exhibit]]) -> Iterator[Lead]:
    from sim.cli.report.answers import recorded

    for title, command, figures in LEADING:
        found = [[exhibit for exhibit in shown[folder.name] if exhibit.kind.figure in figures] for folder in folders]
        # A search that found nothing leaves no figure, and stands at the head only where no other search found more.
        there = sorted(filter(None, found), key=lambda exhibits: not exhibits[0].has_figure)
        if there:
            yield Lead(title, recorded(there[0][0].folder, command), there[0])


def _verdicts(folders: Sequence[Folder]) -> Iterator[Verdicts]:
    """Every verdict of every scenario: a table for each list of targets, in the order in which they first come."""
    from sim.cli.report.answers import judged

    found: dict[tuple[str, ...], Verdicts] = {}
    for folder in folders:
        scenarios: dict[str, list[dict[str, str]]] = {}
        for name in ("targets.csv", "compare.csv"):
            for row in folder.tables[name].records() if name in folder.tables else ():
                scenarios.setdefault(row.get("scenario", ""), []).append(row)
        for label, rows in scenarios.items():
            by_name = {one.target: one for one in judged(iter(rows))}
            if not by_name:
                continue
            groups = found.setdefault(tuple(by_name), Verdicts(tuple(by_name), [])).groups
            if not groups or groups[-1][0] is not folder:
                groups.append((folder, []))
            groups[-1][1].append((label, by_name))
    yield from found.values()


def _checklist(results: Results) -> dict[str, Any] | None:
    """The items of the checklist by section, of the first scenario that there is; None where there is none."""
    from sim.cli.report.stress import NOT_STATED, SECTIONS, items

    folder = next((one for one in results.folders if one.scenario is not None), None)
    if folder is None or folder.scenario is None:
        return None
    purpose = [text for text in (results.title if results.of_study else "", results.about, folder.why) if text]
    found = items(folder.scenario, folder.manifest, purpose)
    return {
        "scenario": folder.scenario.scenario,
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


def cell(text: str) -> str:
    """A cell of a table as people read it: numbers in five digits, all else as it is.

    >>> cell("0.17201234"), cell("12339"), cell("met"), cell("1e+06"), cell("nan")
    ('0.17201', '12339', 'met', '1000000', '')
    """
    try:
        value = float(text)
    except ValueError:
        return text
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


def anchor(*names: str) -> str:
    """A name as the address of a place in the page.

    >>> anchor("base/x", "verdicts")
    'base-x-verdicts'
    """
    return "-".join("".join(letter if letter.isalnum() else "-" for letter in name) for name in names)
