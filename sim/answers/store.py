"""Answers on disk: tables as CSV, figures as PNG and SVG, and a note of what was asked and answered beside them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.studies import folder as kept
from sim.studies.keeping import write_atomic
from sim.tables.declared import finite

if TYPE_CHECKING:
    from sim.answers.answer import Answer


def save(answer: Answer[Any], folder: Path) -> list[str]:
    """Leave tables and figures in the folder, and take away what an earlier answer left and this one does not.

    The names of the files, those to look at first: tables, then figures.
    """
    from sim.plots.style import save as save_figure

    folder.mkdir(parents=True, exist_ok=True)
    tables = {f"{one.name}.csv": one for one in answer.filled()}
    drawn = list(answer.drawn())
    gone = [f"{table.name}.csv" for table in answer.leaves if f"{table.name}.csv" not in tables]
    gone += [f"plots/{plot.name}.{ending}" for plot in answer.plots if plot not in drawn for ending in ("png", "svg")]
    for name in gone:
        (folder / name).unlink(missing_ok=True)
    for name, table in tables.items():
        write_atomic(folder / name, table.csv.encode())
    if drawn:
        (folder / "plots").mkdir(exist_ok=True)
    for plot in drawn:
        save_figure(plot.draw(answer.found), folder / "plots", plot.name)
    names = [*tables, *(f"plots/{plot.name}.{ending}" for plot in drawn for ending in ("png", "svg"))]
    if answer.note == kept.MANIFEST or not (folder / "scenario.yaml").exists():
        kept.write_scenario(answer.scenario, folder)
    _note(answer, folder, names)
    return names


def _note(answer: Answer[Any], folder: Path, names: list[str]) -> None:
    """What was asked and answered, what it takes to repeat it, and the files that were left."""
    # What was interrupted and taken up again leaves the same files as what was not.
    given = [argument for argument in sys.argv[1:] if argument != "--resume"]
    told = {"command": ["tipline", *given], "versions": kept.versions(), "platform": kept.machine()}
    told |= answer.head() | {"file": answer.scenario.path.name, "answer": answer.sentences(), "files": names}
    write_atomic(folder / answer.note, (json.dumps(finite(told), indent=1, default=str) + "\n").encode())
