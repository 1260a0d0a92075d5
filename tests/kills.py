"""Commands killed, starved of disk, run twice at once, and run in every kind of surroundings: what they leave is equal.

    python -m tests.kills killed --moments 60                 kill -9 at so many of the calls that change the disk
    python -m tests.kills full --moments 60                   a disk that is full from such a call on
    python -m tests.kills damaged --moments 60                records and results damaged after a kill, in many ways
    python -m tests.kills together                            two at once into one folder
    python -m tests.kills same                                jobs, engines, hash seeds, locales, zones, caches ...
    python -m tests.kills killed --commands run,compare       of these commands
    python -m tests.kills same --only cold,zone               in these surroundings

A command that is interrupted runs in a fork of this process, which has imported and compiled all that it needs; its
figures are stand-ins unless --figures is given, for they take most of the time. Moments are counted in calls that
change the disk, so they are the same each time; where a command has fewer than are asked for, all of them are tried.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
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
from typing import Any, Final, NoReturn

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

OBSERVED: Final = (
    LINE
    + """
observed: {quick: {target: quick, value: 60 %, tolerance: 10 %}}
"""
)

STUDY: Final = """
study: A study
steps:
  base: {title: The base, command: run line.yaml}
  more: {title: More, command: run line.yaml --variant more}
"""

COMMANDS: Final = {
    "run": "run line.yaml --replications 10",
    "compare": "compare line.yaml --variant more --replications 20",
    "staff": "staff line.yaml",
    "map": "map line.yaml --x demand.volume=8/h,14/h --y pools.desk.staff=1..4",
    "sensitivity": "sensitivity line.yaml --points 4",
    "plausibility": "plausibility line.yaml --worlds 6 --replications 2",
    "claims": "claims claims.yaml line.yaml",
    "runway": "runway line.yaml --growth 30% --staff-years 1",
    "validate": "validate observed.yaml --replications 20",
    "study": "study study.yaml",
}
"""Small worlds with many pieces: a command is killed between its writes, not while it reckons."""

CHANGES: Final = ("fsync", "rename", "replace", "link", "unlink", "mkdir", "rmdir")
"""Calls of `os` that change the disk."""

PICTURE: Final = b"a stand-in for a figure\n"


def place(folder: Path) -> Path:
    """A folder with the documents in it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("line", LINE), ("claims", LEDGER), ("observed", OBSERVED), ("study", STUDY)):
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
        # Whoever calls may have put other files in the place of these two, as pytest does.
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
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
    """How many calls that change the disk a command makes; what it imports is imported here, for the forks to come."""
    tally, imported = folder.parent / "tally", folder.parent / "imported"
    tally.write_bytes(b"")
    handle = os.open(tally, os.O_WRONLY | os.O_APPEND)

    def hook() -> None:
        at_call(1, lambda: os.write(handle, b".") and None)()
        plain = os._exit

        def leave(code: int) -> NoReturn:
            imported.write_text("\n".join(sys.modules), encoding="utf-8")
            plain(code)

        os._exit = leave

    status, said = forked(words, folder, hook)
    os.close(handle)
    assert status == 0, (words, status, said)
    for name in imported.read_text(encoding="utf-8").splitlines():
        if name not in sys.modules:
            with contextlib.suppress(Exception):  # some are made as others are imported
                importlib.import_module(name)
    return tally.stat().st_size


def moments_of(command: str, how: str, moments: int, work: Path, jobs: int) -> tuple[str, Counter[str], list[str]]:
    """Interrupt a command at moments spread over its calls, go on, and compare; how many, what came, what fell."""
    words = [*COMMANDS[command].split(), "--out", "out", "--jobs", str(jobs), "--quiet"]
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
    return f"{len(chosen):>4} of {n:>4} calls", counts, fell


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def foreign(path: Path) -> None:
    path.write_text('{"steps": {"../victim": {}, "": {}}, "files": {"../../line.yaml": "", "\\u0000": 1}}')


def swapped(path: Path) -> None:
    """With what a neighbour of the same kind holds."""
    others = [other for other in path.parent.glob(f"*{path.suffix}") if other != path and other.is_file()]
    path.write_bytes(others[0].read_bytes() if others else b"nobody's")


def gone(path: Path) -> None:
    path.unlink()


def foldered(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "within").write_text("something")


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def linked(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


DAMAGES: Final = (emptied, cut, zeroed, flipped, longer, foreign, swapped, gone, foldered, piped, linked)


def damaged(commands: list[str], moments: int, figures: bool) -> int:
    """Kill commands when half is done, damage a file that was kept, go on: the results are as if nothing had been.

    Tables and figures of a step of a study that was done are among these files; its notes are not, which carry no hash.
    """
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        warm(work, figures)
        for command in commands:
            words = [*COMMANDS[command].split(), "--out", "out", "--jobs", "1", "--quiet"]
            whole, half = place(work / command / "whole"), place(work / command / "half")
            n, documents = calls_of(words, whole), set(content(half))
            want = content(whole)
            forked(words, half, at_call(max(n // 2, 1), killed))
            kept = sorted(name for name in content(half) if name not in documents and not _note(name))
            fell: list[str] = []
            tried = [(name, damage) for name in kept for damage in DAMAGES]
            tried = tried[:: max(1, len(tried) // moments)][:moments]
            for name, damage in tried:
                part = work / command / "part"
                shutil.copytree(half, part)
                damage(part / name)
                status, said = forked([*words, "--resume"], part)
                # A folder that no step left is nobody's to take away, and that is said.
                told = damage is foldered and "which no step left there" in said and "Traceback" not in said
                if not told and (status != 0 or content(part) != want):
                    apart = {file for file in {*want, *content(part)} if want.get(file) != content(part).get(file)}
                    fell.append(f"{command} {name} {damage.__name__}: {status} {sorted(apart)} {said[-300:]}")
                shutil.rmtree(part)
            bad += len(fell)
            print(f"{command:14}{len(tried):>4} tried of {len(kept)} files; {len(fell)} fell", flush=True)
            for line in fell[:5]:
                print(f"  {line}")
    return 1 if bad else 0


def _note(name: str) -> bool:
    return name.endswith(".json") and "/" in name.removeprefix("out/")


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


def interrupted(how: str, moments: int, commands: list[str], figures: bool, jobs: int) -> int:
    """Interrupt every command; 1 where any did not come to the same."""
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        warm(work, figures)
        for command in commands:
            begun = time.monotonic()
            tried, counts, fell = moments_of(command, how, moments, work, jobs)
            told = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
            seconds = time.monotonic() - begun
            print(f"{command:14}{tried} tried: {told}; {len(fell)} fell  ({seconds:.0f} s)", flush=True)
            for line in fell[:5]:
                print(f"  {line}")
            bad += len(fell)
    return 1 if bad else 0


def called(words: list[str], folder: Path, **env: str) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    environment = {"PYTHONPATH": str(Path(__file__).parents[1]), **os.environ, **env}
    call = [sys.executable, "-m", "sim", *words]
    return subprocess.Popen(call, cwd=folder, env=environment, text=True, stdout=-1, stderr=-1)


def together(commands: list[str]) -> int:
    """Start two of each command at once into one folder: one is told, and the result is that of one alone."""
    bad = 0
    with tempfile.TemporaryDirectory() as work:
        for command in commands:
            folder = place(Path(work) / command)
            words = [*COMMANDS[command].split(), "--out", "out", "--quiet"]
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
                f"{command:14}exits {codes}; {'one was told, nothing mixed' if fine else f'FELL: {said}'}", flush=True
            )
    return 1 if bad else 0


def same(commands: list[str], only: list[str]) -> int:
    """Run commands in every kind of surroundings; tables and figures have the same bytes, and nothing else is said.

    Notes name the command that was given, which is not the same.
    """
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
        chosen = {name: how for name, how in surroundings.items() if not only or name_in(name, ["plain", *only])}
        for command in commands:
            want: dict[str, bytes] = {}
            for name, (more, env) in chosen.items():
                if command == "study" and "--engine" in more:
                    continue  # its steps say which
                folder = place(Path(work) / command / name.replace(" ", "_"))
                words = [*COMMANDS[command].split(), "--out", "out", "--jobs", "1", *more, "--quiet"]
                done = called(words, folder, **env)
                said = done.communicate()[1]
                found = {file: text for file, text in content(folder / "out").items() if not file.endswith(".json")}
                want = want or found
                apart = sorted(file for file in {*want, *found} if want.get(file) != found.get(file))
                fine = not apart and done.returncode == 0 and not said
                bad += not fine
                told = "the same" if fine else f"FELL: {done.returncode} {apart} {said[-300:]}"
                print(f"{command:14}{name:22}{len(found):>3} files: {told}", flush=True)
    return 1 if bad else 0


def name_in(name: str, parts: list[str]) -> bool:
    """Whether a name has one of the parts in it."""
    return any(part in name for part in parts)


def main() -> int:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("killed", "full", "damaged", "together", "same"))
    parser.add_argument("--moments", type=int, default=60)
    parser.add_argument("--commands", default="", help="all of them, or for `same` run, unless said")
    parser.add_argument("--only", default="", help="of the surroundings of `same`")
    parser.add_argument("--jobs", type=int, default=1, help="of what is interrupted")
    parser.add_argument("--figures", action="store_true")
    asked = parser.parse_args()
    commands = [name for name in asked.commands.split(",") if name] or list(COMMANDS)
    if asked.what == "together":
        return together(commands)
    if asked.what == "same":
        return same(commands if asked.commands else ["run"], [name for name in asked.only.split(",") if name])
    if asked.what == "damaged":
        return damaged(commands, asked.moments, asked.figures)
    return interrupted(asked.what, asked.moments, commands, asked.figures, asked.jobs)


if __name__ == "__main__":
    sys.exit(main())
