"""A search for staffing with what a full run of its answer showed: loads of the pools, and the hours that bind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sim.measures.use import PoolUse, uses
from sim.scenario.describe import describe
from sim.studies.binding import ENOUGH_UNITS, Stretch, worst_stretch
from sim.studies.replicate import run
from sim.studies.staff.search import Per, Point, points, walk
from sim.studies.staff.staffing import MOST_EFFORT, Answer, staff

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario
    from sim.studies.staff.staffed import Bounds
    from sim.studies.trials import Trials

TIPS_FOR_HOURS: Final = 300_000
"""So many tips of the answer are looked at to see at which hours of the week they fail."""


@dataclass(frozen=True, slots=True)
class Found:
    """An answer with what a full run of it showed."""

    answer: Answer
    pools: tuple[PoolUse, ...] = ()
    """Loads, occupancy and hours of every pool with the answer on duty, on fresh seeds; empty without an answer."""
    stretch: Stretch | None = None
    """The hours in which the binding target fails most."""
    frontier: tuple[Point, ...] = ()
    """Every staffing that was tried in full, where that was asked for."""
    per: Per = "week"
    """The periods of the frontier."""

    @property
    def overloaded(self) -> tuple[str, ...]:
        """The pools to which more work comes than the answer can do, and no target minds."""
        if self.answer.staffing is None:
            return ()
        return tuple(pool.pool for pool in describe(self.answer.staffed).pools if pool.overloaded)

    @property
    def binding(self) -> str | None:
        """The target that uses up most of what it allows."""
        confirmation = self.answer.confirmation
        return confirmation.joint.binding if confirmation else None


def found(
    scenario: Scenario,
    trials: Trials,
    *,
    pools: Mapping[str, Bounds] | None = None,
    effort: float = 1.0,
    frontier: Per | None = None,
    allow_overload: bool = False,
    expect: Callable[[int], None] = lambda _: None,
) -> Found:
    """The cheapest staffing, looked for `effort` times as long as usual, with a full run of it.

    With `allow_overload` lines may grow without end and tips give up unminded; with `frontier` also what a share of
    these periods in which all targets hold costs. QuestionError where nothing can be decided.
    """
    most = effort * MOST_EFFORT
    answer = staff(scenario, pools=pools, trials=trials, most_effort=most, allow_overload=allow_overload, expect=expect)
    confirmation, tried = answer.confirmation, answer.tried
    if answer.staffing is None or confirmation is None or tried is None:
        return Found(answer)
    stretch = _stretch(answer, trials)
    if frontier is not None:
        walk(tried, answer.staffing, frontier)
    return Found(
        answer,
        pools=tuple(uses(confirmation.sample)),
        stretch=stretch,
        frontier=tuple(points(tried, frontier)) if frontier is not None else (),
        per=frontier or "week",
    )


def _stretch(answer: Answer, trials: Trials) -> Stretch | None:
    """The hours in which the binding target fails most: the search keeps no hours, so the answer is run once more."""
    confirmation = answer.confirmation
    assert confirmation is not None
    if confirmation.joint.binding is None:
        return None
    tips = max(float(confirmation.sample.arrived.mean()), 1.0)
    n = min(confirmation.n_replications, max(int(TIPS_FOR_HOURS / tips) + 1, ENOUGH_UNITS))
    here = replace(trials.settings, folder=None, resume=False, count=lambda _: None)
    sample = run(answer.staffed, replications=n, seed=confirmation.seed, settings=here).sample
    return worst_stretch(sample.failing[:, list(answer.scenario.targets).index(confirmation.joint.binding)])
