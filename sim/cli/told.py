"""What the help of each command shows at its end: lines that can be given as they stand, and what each does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

EXAMPLES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "init": (
        ("tipline init line.yaml", "a commented line to change"),
        ("tipline init line.yaml --ask", "the same, made of your answers"),
        ("tipline init claims.yaml --ledger", "a commented ledger of claims"),
    ),
    "examples": (
        ("tipline examples", "what there is"),
        ("tipline examples national", "a copy of one, with what it needs"),
        ("tipline examples --all scenarios", "a copy of each"),
    ),
    "check": (
        ("tipline check line.yaml", "every fault with its line, or what it means"),
        ("tipline check line.yaml --set pools.analysts.staff=3", "with a value changed"),
    ),
    "run": (
        ("tipline run line.yaml", "verdicts; tables and plots in results/line"),
        ("tipline run line.yaml --variant busy_week --replications 50", "a variant, more surely"),
        ("tipline run line.yaml --day", "with one day tip by tip, which `tipline report` plays"),
        ("tipline run line.yaml --until-decided --out out", "until nothing is undecided, into a folder of its own"),
    ),
    "explain": (
        ("tipline explain line.yaml --tip 17", "one tip's life"),
        ("tipline explain line.yaml --tip first-missed:urgent", "the first that missed a target"),
    ),
    "compare": (
        ("tipline compare line.yaml", "it with all its variants, on the same tips"),
        ("tipline compare before.yaml after.yaml", "two files"),
    ),
    "staff": (
        ("tipline staff line.yaml --pools analysts", "the fewest analysts that do"),
        ("tipline staff line.yaml --pools call_takers=1..9,analysts=1..4 --frontier", "two pools within bounds"),
    ),
    "map": (
        (
            "tipline map line.yaml --x demand.volume=8000..60000/year:12 --y pools.analysts.staff=1,2,3,4",
            "where all targets hold",
        ),
    ),
    "sensitivity": (("tipline sensitivity line.yaml", "which of its `plausible` ranges decides the verdict"),),
    "plausibility": (
        ("tipline plausibility line.yaml --worlds 64", "in which plausible worlds some staffing holds, and whose"),
    ),
    "runway": (("tipline runway line.yaml --growth '15 %,25 %' --years 6", "how long the staff lasts"),),
    "claims": (("tipline claims claims.yaml national.yaml", "what can be true of what a line says of itself"),),
    "validate": (
        ("tipline validate line.yaml", "what was observed of the real line, beside what the scenario comes to"),
    ),
    "export": (
        ("tipline export results/line --to xlsx", "a workbook to hand on"),
        ("tipline export results/line --to xes --out line.xes.gz", "the log of `run --log`, for process mining"),
    ),
    "calibrate": (
        ("tipline calibrate log.csv --out line", "drafts line/map.yaml; given again, makes line/line.yaml"),
        ("tipline calibrate log.csv --out line --yes", "both at once"),
    ),
    "study": (
        ("tipline study study.yaml", "all commands of a file"),
        ("tipline study study.yaml --resume", "only those that are not done"),
    ),
    "live": (
        ("tipline live line.yaml", "a page with sliders, at the address that it prints"),
        (
            "tipline live line.yaml --variant busy_week --port 8123",
            "beginning with a variant, at a port of yours",
        ),
    ),
    "report": (("tipline report results/line", "one page that opens offline and prints well"),),
    "selftest": (("tipline selftest", "known answers beside what this installation comes to"),),
    "schema": (
        ("tipline schema --out tipline.schema.json", "for editors"),
        ("tipline schema ledger", "of ledgers of claims"),
        ("tipline schema run", "of what `tipline run --json` prints"),
    ),
}
"""By command; a test gives each of them to the program."""
