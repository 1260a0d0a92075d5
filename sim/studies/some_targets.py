"""Trials of a scenario with few of its targets, taken from those with all of them: each staffing is simulated once,
however many questions are asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.dynamics.replication import Replication
from sim.measures.frame import Frame
from sim.measures.measures import PER_REPLICATION, Measures
from sim.measures.sample import Sample
from sim.studies.trials import Trials

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario, Target

MARK: Final = ":"
"""Sets a choice of targets apart from the document in a hash."""

BY_TARGET: Final = ("counts", "unlabelled", "windows", "units")
"""The measures that have targets along their first axis."""


class SomeTargets(Trials):
    """Trials for scenarios that differ from a whole one in their people and in having fewer of its targets.

    A target may also ask for another share or mean than it does in the whole one.
    """

    def __init__(self, trials: Trials, whole: Scenario):
        self.seed, self.settings, self.n_done = trials.seed, trials.settings, trials.n_done
        self._trials, self._whole = trials, whole

    def sample(
        self,
        scenario: Scenario,
        n: int,
        *,
        key: str | None = None,
        only_targets: bool = False,
        paired: bool = False,
    ) -> Sample:
        """The first n replications; in which periods all targets held is known where there is but one."""
        whole = scenario.model_copy(update={"targets": self._whole.targets})
        document, *roster = (scenario.hash if key is None else key).partition(" ")
        key = "".join([document.partition(MARK)[0], *roster])
        full = self._trials.sample(whole, n, key=key, only_targets=only_targets, paired=paired)
        self.n_done = self._trials.n_done
        names = list(self._whole.targets)
        columns = [names.index(name) for name in scenario.targets]
        found = Sample(Frame(scenario))
        for row in range(len(full)):
            found.add(_with(full, row, columns))
        return found

    def replication(self, scenario: Scenario, index: int) -> Replication:
        return self._trials.replication(scenario, index)


def with_some(whole: Scenario, targets: Mapping[str, Target]) -> Scenario:
    """The scenario with targets of these names alone; what others keep of it under its hash is not mixed up."""
    digest = sha256(repr(sorted(targets.items())).encode()).hexdigest()[:12]
    return whole.model_copy(update={"targets": dict(targets), "hash": f"{whole.hash}{MARK}{digest}"})


def _with(full: Sample, row: int, columns: list[int]) -> Measures:
    """The measures of one replication with these targets only."""
    own = {name: getattr(full, name)[row] for name in PER_REPLICATION}
    own |= {name: own[name][columns] for name in BY_TARGET}
    own["ratio"] = np.concatenate([np.zeros((0, 3, 2)), *(own["ratio"][full.frame.rows[k]] for k in columns)])
    own["joint"] = own["units"][0] if len(columns) == 1 else np.zeros_like(own["joint"])
    extra = tuple(full.extra(k)[row] for k in columns)
    return Measures(index=int(full.index[row]), pooled=None, extra=extra, **own)
