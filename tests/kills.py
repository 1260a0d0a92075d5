"""Commands killed, starved of disk, run twice at once, and run in every kind of surroundings: what they leave is equal.

    python -m tests.kills killed --moments 60                 kill -9 at so many of the calls that change the disk
    python -m tests.kills full --moments 60                   a disk that is full from such a call on
    python -m tests.kills together                            two at once into one folder
    python -m tests.kills same                                jobs, engines, hash seeds, locales, zones, caches ...
    python -m tests.kills killed --only run,compare           of these commands

A command runs in a fork of this process, which has imported and compiled all that it needs; its figures are stand-ins
unless --figures is given, for they take most of the time.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

LINE: Final = """
scenario: Line
run: {start: 2025-01-06 00:00, length: 1 d, replications: 3}
demand: {volume: 12/h}
pools: {desk: {staff: 2}}
stages: [{name: answer, pool: desk, service: {exponential: {mean: 6 min}}}]
targets: {quick: {from: arrival, to: answer.start, within: 5 min, share: 70 %}}
variants: {more: {pools.desk.staff: 3}}
plausible: {demand.volume: {from: 8/h, to: 14/h}}
"""

LEDGER: Final = """
ledger: Claims
sources: {report: {title: A report}}
subjects: {calls: {says: calls}}
clocks: {waiting: {says: from arrival to the answer}}
claims:
  first:
    source: report
    says: Calls wait five minutes at most on average.
    kind: mean
    subject: calls
    clock: waiting
    quantity: 5 min
    readings: {moderate: {target: {from: arrival, to: answer.start, mean: 5 min}}}
"""

STUDY: Final = """
study: A study
steps:
  base: {title: The base, command: run line.yaml}
  more: {title: More, command: run line.yaml --variant more}
"""

COMMANDS: Final = {
    "run": "run line.yaml",
    "compare": "compare line.yaml --variant more",
    "staff": "staff line.yaml",
    "map": "map line.yaml --x demand.volume=8/h,14/h --y pools.desk.staff=1,2",
    "sensitivity": "sensitivity line.yaml",
    "claims": "claims claims.yaml line.yaml",
    "runway": "runway line.yaml --growth 30%",
    "study": "study study.yaml",
}

CHANGES: Final = ("fsync", "rename", "replace", "link", "unlink", "mkdir", "rmdir")
"""Calls of `os` that change the disk."""

PICTURE: Final = b"a stand-in for a figure\n"


def place(folder: Path) -> Path:
    """A folder with the documents in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("line", LINE), ("claims", LEDGER), ("study", STUDY)):
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by name."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def forked(words: list[str], folder: Path, hook: Callable[[], None] = lambda: None) -> tuple[int, str]:
    """Run a command in a fork, in a folder; its wait status and what it said on stderr."""
    said = folder.parent / f"{folder.name}.said"
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        text = said.read_text(encoding="utf-8", errors="replace")
        said.unlink()
        return status, text
    code = 70
    try:
        os.chdir(folder)
        handle = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.argv = ["tipline", *words]
        from sim.cli.app import main

        hook()
        main()
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    raise AssertionError


def at_call(number: int, act: Callable[[], None]) -> Callable[[], None]:
    """What makes a process do something at its call of that number that changes the disk, and at those after it."""

    def hook() -> None:
        count, lock = 0, threading.Lock()

        def counted(plain: Callable[..., Any]) -> Callable[..., Any]:
            def call(*given: Any, **named: Any) -> Any:
                nonlocal count
                with lock:
                    count += 1
                if count >= number:
                    act()
                return plain(*given, **named)

            return call

        for name in CHANGES:
            if name not in ("unlink", "rmdir") or act is killed:
                setattr(os, name, counted(getattr(os, name)))

    return hook


def killed() -> None:
    """kill -9."""
    os.kill(os.getpid(), signal.SIGKILL)


def full() -> None:
    """A disk without room."""
    raise OSError(errno.ENOSPC, "No space left on device")


def calls_of(words: list[str], folder: Path) -> int:
    """How many calls that change the disk a command makes."""
    tally = folder.parent / "tally"
    tally.write_bytes(b"")
    handle = os.open(tally, os.O_WRONLY | os.O_APPEND)
    status, said = forked(words, folder, at_call(1, lambda: os.write(handle, b".") and None))
    os.close(handle)
    assert status == 0, (words, status, said)
    return tally.stat().st_size


def moments_of(command: str, how: str, moments: int, work: Path) -> tuple[int, Counter[str], list[str]]:
    """Interrupt a command at moments spread over its calls, go on, and compare; how many, what came, what fell."""
    words = [*COMMANDS[command].split(), "--out", "out", "--jobs", "1", "--quiet"]
    whole = place(work / command / "whole")
    n = calls_of(words, whole)
    want = content(whole)
    counts: Counter[str] = Counter()
    fell: list[str] = []
    chosen = sorted({1 + k * n // moments for k in range(moments)})
    for number in chosen:
        folder = place(work / command / "part")
        status, said = forked(words, folder, at_call(number, killed if how == "killed" else full))
        if how == "killed":
            counts["killed" if os.WIFSIGNALED(status) else "ended before"] += 1
        else:
            code = os.waitstatus_to_exitcode(status)
            counts[f"exit {code}"] += 1
            if "Traceback" in said or "fault of the program" in said:
                fell.append(f"{command} {how} at {number}: {said[-300:]}")
        before = set(content(folder / "out")) if (folder / "out").is_dir() else set()
        if command != "study" and before and before != set(content(whole / "out")):
            fell.append(f"{command} {how} at {number}: a part of the result was there: {sorted(before)}")
        status, said = forked([*words, "--resume"], folder)
        if status != 0 or content(folder) != want:
            apart = {name for name in {*want, *content(folder)} if want.get(name) != content(folder).get(name)}
            fell.append(
                f"{command} {how} at {number}: not equal after going on: {status} {sorted(apart)} {said[-300:]}"
            )
        shutil.rmtree(folder)
        print(".", end="", file=sys.stderr, flush=True)
    return len(chosen), counts, fell


def warm(work: Path, figures: bool) -> None:
    """Import and compile what commands need, so that forks have it."""
    from sim.answers.answer import Plot
    from sim.api import run
    from sim.plots import style

    if not figures:
        Plot.draw = lambda self, found: None  # type: ignore[assignment, method-assign, return-value]
        style.file_bytes = lambda figure, ending: PICTURE  # type: ignore[assignment]
    folder = place(work / "warm")
    run(str(folder / "line.yaml"), jobs=1, replications=1)


def interrupted(how: str, moments: int, only: list[str], figures: bool) -> int:
    """Interrupt every command; 1 where any did not come to the same."""
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        warm(work, figures)
        for command in only:
            begun = time.monotonic()
            n, counts, fell = moments_of(command, how, moments, work)
            told = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
            print(f"{command:12}{n:>4} tried: {told}; {len(fell)} fell  ({time.monotonic() - begun:.0f} s)", flush=True)
            for line in fell[:5]:
                print(f"  {line}")
            bad += len(fell)
    return 1 if bad else 0


def called(words: list[str], folder: Path, **env: str) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    environment = {"PYTHONPATH": str(Path(__file__).parents[1]), **os.environ, **env}
    call = [sys.executable, "-m", "sim", *words]
    return subprocess.Popen(call, cwd=folder, env=environment, text=True, stdout=-1, stderr=-1)


def together() -> int:
    """Start two of each command at once into one folder: one is told, and the result is that of one alone."""
    bad = 0
    with tempfile.TemporaryDirectory() as work:
        for command, line in COMMANDS.items():
            folder = place(Path(work) / command)
            words = [*line.split(), "--out", "out", "--quiet"]
            both = [called([*words, "--seed", str(seed)], folder) for seed in (1, 2)]
            said = [one.communicate()[1] for one in both]
            codes = [one.returncode for one in both]
            there = content(folder / "out")
            alone = []
            for seed in (1, 2):
                other = place(Path(work) / f"{command}{seed}")
                called([*words, "--seed", str(seed)], other).communicate()
                alone.append(content(other / "out"))
            fine = there in alone and sum("another tipline" in text for text in said) == 1 and sorted(codes) == [0, 2]
            bad += not fine
            print(
                f"{command:12}exits {codes}; {'one was told, nothing mixed' if fine else f'FELL: {said}'}", flush=True
            )
    return 1 if bad else 0


def same(only: list[str]) -> int:
    """Run in every kind of surroundings; the tables and figures have the same bytes, and the notes but the command."""
    bad = 0
    with tempfile.TemporaryDirectory() as work:
        hostile = Path(work) / "hostile"
        hostile.mkdir()
        (hostile / "matplotlibrc").write_text("font.size: 40\nsavefig.dpi: 7\naxes.facecolor: red\ntext.usetex: true\n")
        cold = Path(work) / "cold"
        surroundings: dict[str, tuple[list[str], dict[str, str]]] = {
            "plain": ([], {}),
            "jobs 2": (["--jobs", "2"], {}),
            "jobs 7": (["--jobs", "7"], {}),
            "reference": (["--engine", "reference"], {}),
            "hash seed 0": ([], {"PYTHONHASHSEED": "0"}),
            "hash seed 4": ([], {"PYTHONHASHSEED": "4"}),
            "locale C": ([], {"LC_ALL": "C", "LANG": "C"}),
            "locale de": ([], {"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"}),
            "locale tr": ([], {"LC_ALL": "tr_TR.UTF-8"}),
            "zone Kiritimati": ([], {"TZ": "Pacific/Kiritimati"}),
            "zone New York": ([], {"TZ": "America/New_York"}),
            "threads 1": ([], {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}),
            "threads 2": ([], {"OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}),
            "hostile matplotlibrc": ([], {"MATPLOTLIBRC": str(hostile), "MPLCONFIGDIR": str(hostile)}),
            "cold cache": ([], {"XDG_CACHE_HOME": str(cold)}),
            "warm cache": ([], {"XDG_CACHE_HOME": str(cold)}),
            "no compiler": ([], {"NUMBA_DISABLE_JIT": "1"}),
        }
        want: dict[str, bytes] = {}
        for name, (more, env) in surroundings.items():
            if only and not any(part in name for part in ("plain", *only)):
                continue
            folder = place(Path(work) / name.replace(" ", "_"))
            done = called(["run", "line.yaml", "--out", "out", "--jobs", "1", *more, "--quiet"], folder, **env)
            said = done.communicate()[1]
            found = {file: text for file, text in content(folder / "out").items() if not file.endswith(".json")}
            want = want or found
            apart = sorted(file for file in {*want, *found} if want.get(file) != found.get(file))
            bad += bool(apart) or done.returncode != 0
            told = (
                "the same" if not apart and done.returncode == 0 else f"FELL: {done.returncode} {apart} {said[-300:]}"
            )
            print(f"{name:22}{len(found):>3} files: {told}", flush=True)
    return 1 if bad else 0


def main() -> int:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("killed", "full", "together", "same"))
    parser.add_argument("--moments", type=int, default=60)
    parser.add_argument("--only", default="")
    parser.add_argument("--figures", action="store_true")
    asked = parser.parse_args()
    only = [name for name in asked.only.split(",") if name]
    if asked.what == "together":
        return together()
    if asked.what == "same":
        return same(only)
    return interrupted(asked.what, asked.moments, only or list(COMMANDS), asked.figures)


if __name__ == "__main__":
    sys.exit(main())
