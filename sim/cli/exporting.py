"""What a run left, in the formats of other tools: its log for process mining and animation, its tables as a workbook.

Files go into the folder of the results unless they are to go elsewhere; each is written whole or not at all.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

from sim.scenario.choices import ExportFormat
from sim.studies.keeping import replacing
from sim.tables.logs import FILES


def export(folder: Path, to: ExportFormat, *, replication: int | None = 0, out: Path | None = None) -> list[Path]:
    """Write the results of a folder in a format; the files that were written.

    `replication` says which one's log is written, all where it is None; a workbook is of them all anyway. `out` is a
    folder, or the file where it ends as that does (`.xes.gz` is compressed). ValueError where the folder holds no such
    results.
    """
    places = _places(folder, to, out)
    if to == "xlsx":
        from sim.cli.report.results import NoResultsError, read_results
        from sim.cli.report.workbook import workbook

        found = read_results(folder)
        if found.folders[0].path != folder:
            raise NoResultsError("it holds the results of several; export them one by one")
        _write(places[0], [workbook(found.folders[0])])
        return places
    from sim.tables import logs

    log = logs.kept_log(folder, replication)
    if to in ("xes", "ocel"):
        parts = logs.xes(log) if to == "xes" else logs.ocel(log)
        _write(places[0], (part.encode() for part in parts))
        return places
    if to == "vidigi":
        animated = logs.vidigi(log)
        frames = [animated, logs.vidigi_positions(animated, log)]
    else:
        frames = [log.visits, log.spells]
        for name in (one for one in ("tried_min", "gave_up_min", "turned_away_min") if one in log.visits):
            frames[0][name] = [" ".join(f"{one:.10g}" for one in times) for times in frames[0][name]]
    for place, frame in zip(places, frames, strict=True):
        _write(place, [frame.to_csv(index=False, float_format="%.10g", lineterminator="\n").encode()])
    return places


def _places(folder: Path, to: ExportFormat, out: Path | None) -> list[Path]:
    """Where the files of a format go."""
    names = FILES[to]
    if out is None or not out.name.removesuffix(".gz").endswith(Path(names[0]).suffix):
        return [(out or folder) / name for name in names]
    return [out, *(out.with_name(f"{out.stem}_{name.partition('_')[2] or name}") for name in names[1:])]


def _write(place: Path, parts: Iterable[bytes]) -> None:
    """Write a file whole or not at all, part by part; compressed where its name ends in .gz."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with replacing(place, lasting=False) as raw:
        if place.suffix == ".gz":
            with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as packed:
                packed.writelines(parts)
        else:
            raw.writelines(parts)
