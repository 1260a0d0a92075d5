"""A line that was calibrated to a log: the document, every table, and whether it reproduces the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.answers.answer import Answer, Plot
from sim.tables import calibrate as tables
from sim.text.calibrate import answer, holds, parts

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.calibration.calibrate import Calibrated
    from sim.logs.files import Raw
    from sim.logs.map import ColumnMap
    from sim.scenario.schema import Scenario
    from sim.tables.declared import Filled

PAGE = "calibration.html"


class CalibratedLine(Answer):
    """A calibration: `calibrate`, a quantity of a run beside the log, `calibrate_parameters` and more; and `line`."""

    found: Calibrated
    place: object = None
    """What keeps the files that the line names for as long as anybody looks at its scenario."""
    command = "calibrate"
    leaves = tables.TABLES_OF_CALIBRATE
    plots = (
        Plot(
            "calibrate",
            "The line beside its log",
            "Tips, the share given up and the mean wait over the day: in the log, replayed on the staff as found, and "
            "drawn. Where the replay departs, staff or the order of the line are not as in the log.",
            "calibrate:over_the_day",
            (tables.BESIDE, tables.CALIBRATE_INTERVALS),
        ),
        Plot(
            "calibrate_week",
            "What comes in a usual week",
            "Tips an hour by weekday, in the log and in one replication of the line.",
            "calibrate:usual_week",
            (tables.DEMAND, tables.CALIBRATE_DATES),
        ),
        Plot(
            "calibrate_patience",
            "How long people bear to wait",
            "The share whose patience is longer, being served taken as cutting it off.",
            "calibrate:patience",
            (tables.CALIBRATE_PATIENCE, tables.CALIBRATE_LAWS),
        ),
    )

    @classmethod
    def ask(
        cls, raw: Raw, made: ColumnMap, folder: Path, tell: Callable[[str], None] = lambda _: None
    ) -> CalibratedLine:
        """Calibrate a line to a log by its map, its files made in a folder; LogError where log or map are at fault."""
        from sim.calibration.calibrate import calibrate

        return cls(calibrate(raw, made, folder, tell))

    @property
    def scenario(self) -> Scenario:
        return self.found.scenario

    @property
    def line(self) -> str:
        """The document of the line."""
        return self.found.line.text

    @property
    def holds(self) -> bool:
        return holds(self.found)

    def filled(self) -> Iterable[Filled]:
        found, calibration = self.found, self.found.calibration
        demand = calibration.demand
        told = [
            tables.BESIDE.of(tables.runs(found.beside) if found.beside is not None else ()),
            tables.CALIBRATE_INTERVALS.of(found.beside.intervals if found.beside is not None else ()),
            tables.DEMAND.of(tables.demanded(found)),
            tables.CALIBRATE_DATES.of(demand.odd if demand is not None else ()),
            tables.CALIBRATE_PATIENCE.of(tables.borne(calibration)),
            tables.CALIBRATE_LAWS.of(tables.tried(calibration)),
            tables.CALIBRATE_STAFF.of(stage for stage in calibration.stages if stage.group is not None),
            tables.PARAMETERS.of(found.parameters),
            tables.CLEANING.of(calibration.log.cleaned),
        ]
        return [one for one in told if one.cells]

    def sentences(self) -> list[str]:
        return answer(self.found)

    def parts(self) -> list[RenderableType]:
        return parts(self.found)

    def drawn(self) -> Iterator[Plot]:
        found = self.found
        for plot in self.plots:
            if plot.name == "calibrate" and found.beside is None:
                continue
            if plot.name == "calibrate_week" and (
                found.calibration.demand is None or not found.calibration.demand.tells_weekdays
            ):
                continue
            if plot.name == "calibrate_patience" and not any(stage.patience for stage in found.calibration.stages):
                continue
            yield plot

    def head(self) -> dict[str, Any]:
        calibration = self.found.calibration
        return super().head() | {
            "file": calibration.path.name,
            "rows": len(calibration.log.raw),
            "shape": calibration.log.map.shape,
            "notes": list(calibration.log.notes),
            "cannot": list(calibration.log.cannot),
            "not_told": [
                {"path": path, "from": low, "to": high, "why": why} for path, low, high, why in self.found.line.ranges
            ],
            "points_to": self.found.beside.points_to if self.found.beside is not None else "",
        }

    def write_more(self, folder: Path) -> list[str]:
        from sim.calibration.beside import written

        return written(self.found.line, folder)
