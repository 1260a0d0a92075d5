"""How far long work has come: a bar on stderr, or in a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


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
