"""How far long work has come, told on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(of: str, total: int, *, shown: bool) -> Iterator[Callable[[int], None]]:
    """A bar on stderr with the time left, on a terminal only; called with the number that is done."""
    if not (shown and sys.stderr.isatty()):
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(of, total=total)

        def done(n: int) -> None:
            bar.update(task, completed=n, total=max(n, total))

        yield done
