"""What simulates for live pages: the replications of a state one by one, until it is no more wanted.

They are drawn, simulated and measured by what `tipline run` uses (`sim.studies.replicate`), so that the same
replications come to the same. Draws are kept for all pages, and answers that were finished.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from sim.cli.live.world import Asked
from sim.draw import draw_key
from sim.studies.replicate import Done, Settings, growing
from sim.studies.result import Result, asked, looked_at, so_far, told_whole
from sim.studies.trials import Draws

if TYPE_CHECKING:
    from sim.dynamics.replication import Replication
    from sim.measures.sample import Sample
    from sim.scenario.schema import Scenario

MOST_KEPT: Final = 16
"""Finished answers that are at hand, some megabytes each."""

MOST_DRAWS: Final = 100
"""After tips of so many kinds were drawn, what was kept of them goes."""


class UnwantedError(Exception):
    """Nobody waits for this any more."""


@dataclass(frozen=True, slots=True)
class AnswerProgress:
    """How far an answer has come."""

    result: Result
    n: int
    """Replications that are done, those that failed included."""
    of: int
    """Replications that there will be, as far as is known."""
    done: bool
    """Whether there will be no more."""
    whole: bool = False
    """Whether it also has its notes and what more staff could do: it is all that `tipline run` finds."""


class Work:
    """The work for all pages; several threads may ask at once."""

    def __init__(self, jobs: int) -> None:
        """With `jobs` replications at a time for each page."""
        self.jobs = jobs
        self.status = "getting ready"
        """What is being waited for, for people; "" when nothing is."""
        self._ready = threading.Event()
        self._draws, self._kinds = Draws(), set[str]()
        self._kept: OrderedDict[tuple[str, str | None, bool], Result] = OrderedDict()
        self._lock = threading.Lock()

    def warm(self, first: Asked) -> None:
        """Have everything at hand that the first answer needs, the compiled engine above all."""
        try:
            for done in growing(first.scenario, replications=1, settings=Settings(tell=self._tell)):
                if len(done.sample):
                    so_far(done)
        finally:
            self.status = ""
            self._ready.set()

    def _tell(self, what: str) -> None:
        self.status = what

    def steps(self, question: Asked, wanted: Callable[[], bool]) -> Iterator[AnswerProgress]:
        """The answer to a state, after each replication; UnwantedError as soon as it is not `wanted`."""
        while not self._ready.wait(0.1):
            _hold(wanted)
        key = question.scenario.hash, question.scenario.variant, question.state.until_decided
        with self._lock:
            found = self._kept.get(key)
        if found is None:
            for step in self._replications(question, wanted):
                yield step
                found = step.result
            if found is None or not len(found.done.sample):
                return
            here = Settings(jobs=self.jobs, count=lambda _: _hold(wanted))
            found = told_whole(found, here, self._draws)
            with self._lock:
                self._kept[key] = found
                while len(self._kept) > MOST_KEPT:
                    self._kept.popitem(last=False)
        n = len(found.done.sample) + len(found.done.failures)
        yield AnswerProgress(found, n, n, done=True, whole=True)

    def _replications(self, question: Asked, wanted: Callable[[], bool]) -> Iterator[AnswerProgress]:
        scenario, looks, more = question.scenario, 1, None
        if question.state.until_decided:
            scenario, several = looked_at(scenario)
            looks, more = len(several.numbers), asked(several)
        of, n, last = scenario.run.replications, 0, None

        def look(sample: Sample) -> int:
            nonlocal of
            assert more is not None
            of = more(sample)
            return of

        settings, first = Settings(jobs=self.jobs), threading.Event()
        drawn = self._drawn(scenario, wanted, first)
        with closing(growing(scenario, settings=settings, looks=look if more else None, drawn=drawn)) as grown:
            for last in grown:
                first.set()
                _hold(wanted)
                n = len(last.sample) + len(last.failures)
                of = 1 if last.sample.frame.recorded else of
                if n < of and len(last.sample):
                    yield AnswerProgress(so_far(last, looks), n, of, done=False)
        _hold(wanted)
        assert last is not None
        if len(last.sample):
            yield AnswerProgress(so_far(last, looks), n, n, done=True)
        else:
            yield AnswerProgress(_nothing(last), n, n, done=True)

    def _drawn(
        self, scenario: Scenario, wanted: Callable[[], bool], first: threading.Event
    ) -> Callable[[int], Replication]:
        """What draws the replications of a scenario while they are wanted: the others after the `first` is done, which
        is what somebody waits for, and all there is while a slider is dragged."""
        key = draw_key(scenario)
        with self._lock:
            self._kinds.add(key)
            if len(self._kinds) > MOST_DRAWS:
                self._draws, self._kinds = Draws(), {key}
            get = partial(self._draws.get, scenario, seed=scenario.run.seed, draws_by=key)

        def drawn(index: int) -> Replication:
            _hold(wanted)
            while index and not first.wait(0.05):
                _hold(wanted)
            found = get(index)
            _hold(wanted)
            return found

        return drawn


def _hold(wanted: Callable[[], bool]) -> None:
    if not wanted():
        raise UnwantedError


def _nothing(done: Done) -> Result:
    """What replications came to that all failed."""
    from sim.measures.targets import Joint

    return Result(done, (), Joint("undecided", (), {}, None), ())
