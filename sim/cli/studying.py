"""What the commands that take many scenarios have in common: their trials, their progress, their folder."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.cli.asking import folder_of
from sim.cli.options import Options, say
from sim.studies import maker
from sim.studies.keeping import write_atomic
from sim.studies.replicate import Settings
from sim.studies.trials import Trials
from sim.version import __version__

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from sim.scenario.schema import Scenario


@dataclass
class Counter:
    """A bar on stderr with the time left; nothing where there is no terminal."""

    bar: Progress | None = None
    task: TaskID | None = None
    total: int = field(default=0)

    def count(self, n_done: int) -> None:
        """So many replications are done."""
        self.total = max(self.total, n_done)
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=n_done, total=self.total)

    def at(self, what: str) -> None:
        """This is being done."""
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, description=what)

    def expect(self, total: int) -> None:
        """There are to be so many in all."""
        self.total = total
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, total=total)


@dataclass(frozen=True)
class Study:
    """A study under way: what runs its replications, and where its results go."""

    name: str
    trials: Trials
    folder: Path
    expect: Callable[[int], None]
    at: Callable[[str], None]


@contextmanager
def study(name: str, scenario: Scenario, options: Options) -> Iterator[Study]:
    """Run a study of a scenario; what was kept to resume by goes when its results are written."""
    folder = folder_of(scenario, options, of_several=False)
    pieces = folder / f".in-progress-{name}"
    with _counter(name, shown=not (options.quiet or options.json)) as counter:
        settings = Settings(
            engine=options.engine,
            jobs=options.jobs or len(os.sched_getaffinity(0)),
            cluster=options.cluster,
            folder=pieces,
            resume=options.resume,
            tell=(lambda _: None) if options.quiet else say,
            count=counter.count,
        )
        trials = Trials(scenario.run.seed, settings, f"{name} {__version__} seed {scenario.run.seed}")
        yield Study(name, trials, folder, counter.expect, counter.at)
    shutil.rmtree(pieces, ignore_errors=True)


def noted(name: str, scenario: Scenario, data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The data as JSON can say them; kept as `name`.json, with what it takes to repeat them, beside the tables.

    The scenario as resolved is left there too, unless a run has left one.
    """
    told: dict[str, Any] = finite(data)
    # What was interrupted and taken up again leaves the same files as what was not.
    given = [argument for argument in sys.argv[1:] if argument != "--resume"]
    repeated = {"command": ["tipline", *given], "versions": maker.versions(), "platform": maker.machine()}
    write_atomic(folder / f"{name}.json", (json.dumps(repeated | told, indent=1, default=str) + "\n").encode())
    if not (folder / "scenario.yaml").exists():
        from sim.scenario.loading import to_yaml

        write_atomic(folder / "scenario.yaml", to_yaml(scenario).encode())
    return told


def finite(value: Any) -> Any:
    """Data as JSON can say it: nothing stands for infinity and for what is not there."""
    if isinstance(value, dict):
        return {key: finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def shown_below(answer: Sequence[str], folder: Path, files: Sequence[str]) -> None:
    """The last lines on the terminal: where the files are, then the answer in plain words."""
    from sim.cli.options import show
    from sim.text import page

    show("", page.text(f"Written to {folder}/: {', '.join(files)}"), "", *(page.text(line) for line in answer))


@contextmanager
def _counter(name: str, *, shown: bool) -> Iterator[Counter]:
    if not (shown and sys.stderr.isatty()):
        yield Counter()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield Counter(bar, bar.add_task(name, total=None))
