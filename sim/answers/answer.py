"""What a question came to, as one object: its tables, its sentences, its figures, to be looked at, saved and printed;
and how far a question has come.

Commands print and save answers, Python hands them out. Each kind of answer says what it may leave behind; nothing here
simulates.
"""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from rich.console import RenderableType
    from rich.progress import Progress, TaskID

    from sim.scenario.schema import Scenario
    from sim.tables.declared import Filled, Table


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure that an answer may leave; what it found stands in the title within the figure."""

    name: str
    """Of its files, without the ending."""
    title: str
    caption: str
    """What it shows and how it is read, in one or two sentences."""
    drawn_by: str
    """`module:function` in the room of plots: it takes what was found and gives the figure."""
    tables: tuple[Table[Any], ...] = ()
    """Where its data stand."""

    def drawing(self) -> Callable[[Any], Figure]:
        """What makes the figure of what was found, imported now."""
        module, _, function = self.drawn_by.partition(":")
        found: Callable[[Any], Figure] = getattr(import_module(f"sim.plots.{module}"), function)
        return found

    def draw(self, found: Any) -> Figure:
        """The figure of what was found."""
        return self.drawing()(found)


class Answer(ABC):
    """What a question came to.

    Every table that it left is an attribute of the table's name, a pandas frame with the columns of the CSV file.
    """

    command: ClassVar[str]
    """The command that gives such answers."""
    leaves: ClassVar[tuple[Table[Any], ...]]
    """The tables that it may leave."""
    plots: ClassVar[tuple[Plot, ...]]
    """The figures that it may leave."""

    found: Any
    """What the question came to, as the rooms of tables, text and plots take it."""
    words: tuple[str, ...] | None = None
    """The command line that gives it, where that is not the one that this program was called with."""

    def __init__(self, found: Any):
        self.found = found

    @property
    def scenario(self) -> Scenario:
        """What was asked about: the base where it was several."""
        scenario: Scenario = self.found.scenario
        return scenario

    @property
    @abstractmethod
    def holds(self) -> bool:
        """Whether everything that was judged is met."""

    @abstractmethod
    def filled(self) -> Iterable[Filled]:
        """The tables that it left, in order."""

    @abstractmethod
    def sentences(self) -> list[str]:
        """The answer in plain words."""

    def parts(self) -> list[RenderableType]:
        """What stands on the terminal before the sentences."""
        return []

    def head(self) -> dict[str, Any]:
        """What was asked, and what no table says, as data."""
        scenario = self.scenario
        return {
            "file": str(scenario.path),
            "scenario": scenario.scenario,
            "variant": scenario.variant,
            "hash": scenario.hash,
            "seed": scenario.run.seed,
        }

    def drawn(self) -> Iterator[Plot]:
        """The figures that it left, in order."""
        yield from self.plots

    @property
    def note(self) -> str:
        """The file that says what was asked and answered, and what it takes to repeat it."""
        return f"{self.command}.json"

    def write_more(self, folder: Path) -> list[str]:
        """Write what is neither table nor figure into a folder; the names of the files."""
        return []

    # Looking at it

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table that it left, by name."""
        return {one.name: one.frame for one in self.filled()}

    def __getattr__(self, name: str) -> pd.DataFrame:
        if not name.startswith("_"):
            for one in self.filled():
                if one.name == name:
                    return one.frame
        known = ", ".join(table.name for table in type(self).leaves)
        raise AttributeError(f"a {type(self).__name__} has no '{name}'; its tables are {known}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(one.name for one in self.filled())]

    def data(self) -> dict[str, Any]:
        """All of it as strict JSON can say it: the head, the answer, and the rows of every table by its name."""
        from sim.tables.declared import finite

        told: dict[str, Any] = finite({**self.head(), "answer": self.sentences()})
        return told | {one.name: one.records for one in self.filled()}

    def plot(self, name: str | None = None) -> Figure:
        """A figure, the first if no name is given; ValueError where it left none of that name."""
        there = {plot.name: plot for plot in self.drawn()}
        if not there or (name is not None and name not in there):
            raise ValueError(f"there is no figure '{name or 'at all'}' (there are {', '.join(there) or 'none'})")
        return there[name or next(iter(there))].draw(self.found)

    def save(self, folder: str | Path) -> list[str]:
        """Leave tables and figures in a folder, as the command does; the names of the files."""
        from sim.answers.store import save

        return save(self, Path(folder))

    def __repr__(self) -> str:
        return "\n".join((f"{self.command} of {self.scenario.scenario}", *self.sentences()))

    def _repr_html_(self) -> str:
        said = "".join(f"<p>{html.escape(line)}</p>" for line in self.sentences())
        first = next(iter(self.filled()), None)
        table = "" if first is None else first.frame.to_html(index=False, na_rep="", max_rows=40)
        return f"<h3>{html.escape(self.scenario.scenario)}</h3>{said}{table}"


@dataclass
class Bar:
    """A bar on stderr with the time left; nothing where there is no terminal."""

    bar: Progress | None = None
    task: TaskID | None = None
    total: int = 0

    def _update(self, **told: Any) -> None:
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, **told)

    def count(self, n_done: int) -> None:
        """So many replications are done."""
        self.total = max(self.total, n_done)
        self._update(completed=n_done, total=self.total)

    def at(self, what: str) -> None:
        """This is being done."""
        self._update(description=what)

    def expect(self, total: int) -> None:
        """There are to be so many in all."""
        self.total = total
        self._update(total=total)


@contextmanager
def bar(of: str, total: int | None = None, *, shown: bool) -> Iterator[Bar]:
    """A bar with the time left; one that shows nothing where it is not to be shown."""
    if not shown:
        yield Bar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bar(progress, progress.add_task(of, total=total), total or 0)
