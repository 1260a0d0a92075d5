"""What it takes to refuse work that is too large: seconds and memory of a process of its own, as a table.

    python -m tests.refusals                    every product; exit 1 where one took more than 5 s or 1 GB
    python -m tests.refusals --only trace,jobs  of those with such a word in the name

Documents beyond a limit are refused as they are read. Those just within all limits are read, sized and refused by the
budget, or take no more than it allows: that is what takes longest.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.faults import MOST_BYTES, MOST_SECONDS
from tests.scenario.test_refused import HUNDRED, LONG, PRODUCTS, many, plain

RUN: Final = "tipline run doc.yaml --quiet --out out"
YEARS: Final = "start: 2025-01-06 00:00, length: 3650 d, warm_up: 0 d"
HALF_HOURS: Final = (
    "{from: arrival, to: answer.start, within: 1 min, share: 20 %, per: half_hour, hold: 90 %, in_each: "
)
ROWS: Final = "shifts: [" + many(40, '{from: "08:00", to: "16:00", staff: 1}') + "]"


def _targets(n: int, one: str) -> str:
    return "targets:\n" + "".join(f"  t{number}: {one}\n" for number in range(n))


def _with_targets(text: str, targets: str) -> str:
    return text[: text.index("targets:")] + targets


WITHIN: Final[dict[str, tuple[str, str]]] = {
    "tips": (plain(DEMAND="volume: 5000/h", RUN="start: 2025-01-06 00:00, length: 365 d"), RUN),
    "tips x replications": (plain(DEMAND="volume: 500/h", RUN=f"{YEARS}, replications: 100000"), RUN),
    "people x dates": (plain(POOLS='desk: {shifts: [{from: "08:00", to: "16:00", staff: 600}]}', RUN=YEARS), RUN),
    "people x dates x absence": (
        plain(POOLS='desk: {shifts: [{from: "08:00", to: "16:00", staff: 600}], absence: 5 %}', RUN=YEARS),
        RUN,
    ),
    "people x breaks": (
        plain(
            POOLS='desk: {shifts: [{from: "08:00", to: "16:00", staff: 14000}], breaks: {lasts: 1 min, per_shift: 20}}',
            RUN="start: 2025-01-06 00:00, length: 1 d",
        ),
        RUN,
    ),
    "people x breaks x dates": (
        plain(
            POOLS='desk: {shifts: [{from: "08:00", to: "16:00", staff: 30}], breaks: {lasts: 1 min, per_shift: 20}}',
            RUN=YEARS,
        ),
        RUN,
    ),
    "rows x centres x dates": (plain("centres: 1000\n", POOLS=f"desk: {{{ROWS}}}", RUN=LONG), RUN),
    "pools x centres": (
        plain("centres: 1000\n", POOLS=many(190, "p#: {staff: 1}") + ", desk: {staff: 2}", RUN=YEARS),
        RUN,
    ),
    "pools x hours": (
        plain(POOLS=many(190, "p#: {staff: 1}") + ", desk: {staff: 2}", DEMAND="volume: 1/d", RUN=LONG),
        RUN,
    ),
    "targets x places x windows": (
        _with_targets(plain("centres: 1000\n", RUN=YEARS), _targets(50, f"{HALF_HOURS}centre}}")),
        RUN,
    ),
    "targets x tips": (
        _with_targets(plain(DEMAND="volume: 100/h", RUN=YEARS), _targets(199, f"{HALF_HOURS}half_hour}}")),
        RUN,
    ),
    "kinds x stages": (
        plain(DEMAND=f"volume: 5000/h, channels: {{{HUNDRED}}}, risk: {{{many(10, 'r#: 10 %')}}}"),
        RUN,
    ),
    "channels x filters": (
        plain(
            DEMAND="volume: 5000/h, channels: {" + many(100, "channelnumber#: 1 %") + "}",
            STAGES=many(99, "{name: s#, pool: desk, service: 1 s, for: {channel: [NAMES]}}").replace(
                "NAMES", many(90, "channelnumber#")
            )
            + ", {name: answer, pool: desk, service: 1 s}",
        ),
        RUN,
    ),
    "visits x rework": (
        plain(
            DEMAND="volume: 10/h",
            RUN=YEARS,
            STAGES="{name: answer, pool: desk, service: 1 s}, "
            + many(40, "{name: s#, pool: desk, service: 1 s, rework: {share: 99 %, back_to: answer, at_most: 2}}"),
        ),
        RUN,
    ),
    "surges at random": (
        plain(DEMAND="volume: 1/h, surges: [" + many(90, "{per_year: 1, lasts: 365 d, factor: 2}") + "]", RUN=LONG),
        RUN,
    ),
    "surges x hours": (
        plain(DEMAND=f"volume: 1/d, surges: [{many(34, '{at: 2026-01-01, lasts: 1 d, factor: 2}')}]", RUN=LONG),
        RUN,
    ),
    "channels x hours": (
        plain(DEMAND=f"volume: 1/d, channels: {{{many(5, 'c#: 20 %')}}}", RUN=LONG),
        RUN,
    ),
    "incidents": (
        plain(
            DEMAND="volume: 1/h, incidents: {storm: {rate: 50/h, tips: {geometric: {mean: 9}}, "
            "over: {exponential: {mean: 1 h}}}}",
            RUN=YEARS,
        ),
        RUN,
    ),
    "busyness x hours": (
        plain(DEMAND="volume: 1/h, busyness: {cv: 0.5, every: 15 min, correlation: 0.5}", RUN=LONG),
        RUN,
    ),
    "gates": (plain(STAGES="{name: answer, pool: desk, service: 4 min, every: 1 min}", RUN=YEARS), RUN),
    "backlog": (plain("start_with: {backlog: {answer: 1000000}}\n"), f"{RUN} --replications 10000"),
    "jobs": (plain(), f"{RUN} --jobs 1000000000 --replications 100000 --set demand.volume=10000/h"),
    "of a map": (
        plain(DEMAND="volume: 1000/h"),
        "tipline map doc.yaml --x demand.volume=1..1000/h:60 --y pools.desk.staff=1..60 --quiet --out out",
    ),
    "of a sensitivity": (
        plain("plausible: {demand.volume: {from: 1/h, to: 1000/h}}\n"),
        "tipline sensitivity doc.yaml --points 65536 --quiet --out out",
    ),
    "of plausible worlds": (
        plain("plausible: {demand.volume: {low: 1/h, likely: 2/h, high: 1000/h}}\n"),
        "tipline plausibility doc.yaml --worlds 65536 --quiet --out out",
    ),
}
"""Documents within the limits of what is read, and the command that is given a budget of 100 MB and 2 s."""

BEYOND: Final[dict[str, tuple[str, str]]] = {
    "tips": (plain(DEMAND="volume: 1e9/s"), "tipline check doc.yaml"),
    "people x dates": (
        plain(POOLS='desk: {shifts: [{from: "08:00", to: "16:00", staff: 1000}]}', RUN=LONG),
        "tipline check doc.yaml",
    ),
    "a trace of faults": (plain(DEMAND="trace: faults.csv"), "tipline check doc.yaml"),
    "a trace of names": (plain(DEMAND="trace: names.csv"), "tipline check doc.yaml"),
    "a trace that is too long": (plain(DEMAND="trace: long.csv"), "tipline check doc.yaml"),
    "a trace whose last row is bad": (plain(DEMAND="trace: last.csv"), "tipline check doc.yaml"),
    "a trace of nothing": (plain(DEMAND="trace: nothing.csv"), "tipline check doc.yaml"),
    "a trace of one line": (plain(DEMAND="trace: line.csv"), "tipline check doc.yaml"),
    "a trace without end": (plain(DEMAND="trace: zero.csv"), "tipline check doc.yaml"),
    "counts of faults": (plain(DEMAND="counts: faults.csv"), "tipline check doc.yaml"),
    "a document of 1 MB": ("a: " + "[" * 1000 + "]" * 1000 + "\n" + "#" * 990_000, "tipline check doc.yaml"),
    "a document of names": ("".join(f"key{n}: 1\n" for n in range(60_000)), "tipline check doc.yaml"),
    "aliases of aliases": (
        "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 30)),
        "tipline check doc.yaml",
    ),
    "changes by --set": (
        plain(),
        "tipline run doc.yaml --out out "
        + " ".join(f"--set pools.dask{number}.staff={number}" for number in range(2000)),
    ),
} | {message: (text, "tipline check doc.yaml") for text, message in PRODUCTS}
"""Documents that are refused as they are read."""


def _files(folder: Path) -> None:
    """Files that documents name."""
    with (folder / "faults.csv").open("w", encoding="utf-8") as file:
        file.write("received,channel\n")
        for _ in range(100):
            file.write("never,nobody\n" * 100_000)
    with (folder / "names.csv").open("w", encoding="utf-8") as file:
        file.write("received,channel\n")
        for n in range(1_000_000):
            file.write(f"2025-01-06 00:01,{'n' * 60}{n}\n")
    with (folder / "long.csv").open("w", encoding="utf-8") as file:
        file.write("received\n")
        for _ in range(110):
            file.write("2025-01-06 00:01\n" * 100_000)
    with (folder / "last.csv").open("w", encoding="utf-8") as file:
        file.write("received\n")
        for _ in range(99):
            file.write("2025-01-06 00:01\n" * 100_000)
        file.write("2025-02-30 00:00\n")
    (folder / "nothing.csv").write_text("received\n" + "\n" * 190_000_000, encoding="utf-8")
    (folder / "line.csv").write_text("received," + "x" * 150_000_000, encoding="utf-8")
    os.truncate(_new(folder / "zero.csv"), 10**12)


def _new(path: Path) -> Path:
    path.touch()
    return path


MEASURE: Final = """
import json, resource, subprocess, sys
code = subprocess.call(sys.argv[2:], stdout=open(sys.argv[1], "wb"), stderr=subprocess.STDOUT)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]))
"""
"""A small process starts the command: a child counts the memory of the process that it was forked from as its own."""


def measured(command: str, folder: Path) -> tuple[int, float, int, str]:
    """Exit code, seconds of processor, bytes at most, and the first line of what a command says."""
    said = folder / "said"
    words = [sys.executable, "-c", MEASURE, str(said), sys.executable, "-m", "sim", *command.split()[1:]]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    told = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout
    code, seconds, most = json.loads(told)
    text = said.read_text(encoding="utf-8", errors="replace")
    return code, seconds, most, next((line for line in text.splitlines() if line.strip()), "")


def main() -> int:
    """Measure, tell, and exit 1 where anything was not refused or took too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    wanted = [word for word in parser.parse_args().only.split(",") if word]
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _files(folder)
        for where, cases in (("limit", BEYOND), ("budget", WITHIN)):
            for case, (text, command) in cases.items():
                if wanted and not any(word in case for word in wanted):
                    continue
                (folder / "doc.yaml").write_text(text, encoding="utf-8")
                begun = time.monotonic()
                budget = ["--budget", "0.1GB,2s"] if where == "budget" else []
                code, seconds, most, said = measured(" ".join([command, *budget]), folder)
                fine = code == 2 and seconds <= MOST_SECONDS and most <= MOST_BYTES
                bad += not fine
                wall = time.monotonic() - begun
                print(
                    f"{where:7}{case[:58]:60}{seconds:5.1f} s {wall:5.1f} s {most / 1e6:5.0f} MB  "
                    f"{'' if fine else f'FELL, exit {code}: '}{said[:220]}",
                    flush=True,
                )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
