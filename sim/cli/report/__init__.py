"""The command `report`: a folder of results as one page that needs neither a network nor a program, and no script.

The page takes its figures with it. Whatever text it shows came out of files, so all of it is escaped, and the page
forbids its reader's browser to run or to fetch anything.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.options import BAD_INPUT, DONE, Options, print_data, say


def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of results.", show_default=False)],
    options: Options,
) -> int:
    """Make one HTML page of a folder of results: a run's, several, or a study's. It opens offline and prints well."""
    from sim.cli.report.page import page_of
    from sim.cli.report.results import NoResultsError

    try:
        page = page_of(folder)
    except NoResultsError as error:
        say(f"tipline report: {folder}: {error}")
        return BAD_INPUT
    file = page.save(options.out)
    size = file.stat().st_size
    for fault in page.left_out:
        say(f"tipline report: {fault}")
    if options.json:
        names = [one.name for one in page.results.folders]
        print_data([{"file": str(file), "bytes": size, "folders": names, "left_out": page.left_out}], [folder])
    elif not options.quiet:
        print(f"Written to {file} ({size / 1e6:.1f} MB)")
    return DONE
