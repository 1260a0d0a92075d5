"""What measures a replication, compiled by another process while this one compiles the engine.

After an installation the engine takes ten seconds to compile, and what reads its log another five. The two are told
apart by nothing but the types of arrays, so a log in which nothing came about will do for the second: a process of its
own draws a replication, makes such a log and measures it, and what it compiles lies in the folder of kept kernels by
the time this process has the engine. Nothing depends on it: what is not there in time, or not at all, is compiled here
as before, and nobody waits.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from sim.draw import draw
from sim.measures.measures import measure

if TYPE_CHECKING:
    from sim.dynamics.log import Log
    from sim.dynamics.replication import Replication
    from sim.scenario.schema import Scenario

MEASURES: Final = "sim.measures.tallies"
"""A module of which the measures of any scenario with targets need compiled functions."""

COMMAND: Final = "from sim.studies.ahead import compile_told; compile_told()"


class ToMeasure(NamedTuple):
    """Replications that are to be measured, as `measure` is told."""

    scenario: Scenario
    seed: int
    pooled: bool
    only_targets: bool


@contextmanager
def compiled_beside(asked: ToMeasure | None) -> Iterator[None]:
    """While the first replication is done here, another process compiles what measures it."""
    helper = None
    with suppress(OSError):
        helper = _begun(asked) if asked is not None else None
    try:
        yield
    finally:
        if helper is not None:
            # What it has not finished was compiled here meanwhile.
            helper.terminate()
            helper.wait()


def _begun(asked: ToMeasure) -> subprocess.Popen[bytes] | None:
    from sim.dynamics.kernels import lacks

    # Where a file cannot be locked, two processes that keep forms of one function could disturb each other.
    if sys.platform == "win32" or not sys.executable or not lacks(MEASURES):
        return None
    nowhere = subprocess.DEVNULL
    # By a pipe a large trace would have to wait until it is read.
    with tempfile.TemporaryFile() as told:
        pickle.dump(asked, told)
        told.seek(0)
        # It imports from where this process does, and not from the folder that it is called in.
        code = f"import sys; sys.path[:] = {sys.path!r}; {COMMAND}"
        return subprocess.Popen([sys.executable, "-P", "-c", code], stdin=told, stdout=nowhere, stderr=nowhere)


def compile_told() -> None:
    """What the other process does: read from its standard input what is to be measured, and compile that."""
    compile_measures(pickle.load(sys.stdin.buffer))


def compile_measures(asked: ToMeasure) -> None:
    """Have at hand all that measures such replications, though none is simulated."""
    replication = draw(asked.scenario, 0, seed=asked.seed)
    measure(nothing_yet(replication), replication, asked.scenario, pooled=asked.pooled, only_targets=asked.only_targets)


def nothing_yet(replication: Replication) -> Log:
    """A log in which every tip comes and nobody ever serves it, its arrays of the types that the engine gives."""
    import numpy as np

    from sim.dynamics import machinery
    from sim.dynamics.clock import NEVER
    from sim.dynamics.compiled import may_turn_away, needs_people, needs_queues, only_chains, spells_of
    from sim.dynamics.log import OPEN, UNREACHED, Log, Overtime
    from sim.dynamics.replication import NO_PLACE

    tips, visits, rules = replication.tips, replication.visits, replication.rules
    n_visits, n_attempts = len(visits), len(visits.patience)
    enter, start, end = (np.full(n_visits, NEVER, np.int64) for _ in range(3))
    outcome, attempt = np.full(n_visits, UNREACHED, np.int8), np.zeros(n_visits, np.int32)
    comes = tips.first_visit[:-1] < tips.first_visit[1:]
    first = tips.first_visit[:-1][comes]
    enter[first], outcome[first], attempt[first] = np.maximum(tips.arrival[comes], 0), OPEN, 1
    lost, gave_up = np.full(len(tips), NEVER, np.int64), np.full(n_attempts, NEVER, np.int64)
    turned_away = np.full(n_attempts if may_turn_away(rules) else 0, NEVER, np.int64)
    stamps = machinery.Stamps(enter, start, end, outcome, attempt, np.full(n_visits, NO_PLACE, np.int32), lost, gave_up)
    branches = visits.branch and not only_chains(replication)
    told_apart = branches or needs_queues(replication) or needs_people(replication)
    worked_by = np.empty(n_visits, np.int32) if told_apart else None
    spells = spells_of(stamps, visits.work, worked_by, np.empty((0, 9), np.int64), rules.horizon)
    codes, ticks = np.empty(0, np.int32), np.empty(0, np.int64)
    merged = np.full(n_visits if replication.may_merge else 0, NEVER, np.int64)
    overtime = Overtime(codes, codes, ticks, ticks)
    return Log(enter, start, end, outcome, attempt, lost, gave_up, turned_away, spells, overtime, merged)
