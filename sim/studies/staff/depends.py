"""What targets depend on: the pools on the way to what they judge, and the stages where nobody minds who gives up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sim.scenario.routes import Crowd, crowd, ways
from sim.scenario.schema import LostTarget
from sim.scenario.targets import Between, Milestone, OfPool, OfTips, Target

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.scenario.pools import Filter
    from sim.scenario.schema import Scenario, Stage


def judged_pools(scenario: Scenario, targets: Mapping[str, Target] | None = None) -> frozenset[str]:
    """The pools that the targets depend on, all of the scenario's if none are given.

    A pool counts where some stage of it lies on the way of a tip to the last moment that a target judges, where tips
    may overflow to it on that way, or where its occupancy is judged.
    """
    found: set[str] = set()
    for target in (scenario.targets if targets is None else targets).values():
        if isinstance(target, OfPool):
            found.add(target.pool)
        elif isinstance(target, OfTips):
            for stage in _on_the_way(scenario, target):
                found.update(stage.pools)
        else:
            found.update(scenario.pools)
    return frozenset(found)


def unminded_stages(scenario: Scenario) -> tuple[int, ...]:
    """The stages, by number, where tips may give up and no target judges that of every kind of tip that comes there.

    A target on `lost` judges it, and one on a share that counts a lost tip as a miss, where its last moment is not over
    when the tip comes there.
    """
    stages = scenario.stages
    if not any(stage.patience for stage in stages):
        return ()
    tips = _crowd(scenario, [target.of for target in scenario.targets.values() if isinstance(target, OfTips)])
    entering = [came.any(axis=1) for came in ways(tips, stages).entering]
    found = []
    for number, stage in enumerate(stages):
        if stage.patience is not None and entering[number].any():
            minded = [
                _covered(tips, target.of)
                for target in scenario.targets.values()
                if isinstance(target, OfTips) and _minds(scenario, target, number)
            ]
            if bool(np.any(entering[number] & ~np.any(minded, axis=0))):
                found.append(number)
    return tuple(found)


def _minds(scenario: Scenario, target: OfTips, number: int) -> bool:
    """Whether a tip that gives up at a stage counts against a target that is about it."""
    if isinstance(target, LostTarget):
        return True
    if not isinstance(target, Between) or not target.by_tip or target.lost_tips != "miss":
        return False
    return number <= _last(scenario, target.to)


def _covered(tips: Crowd, of: Filter | None) -> NDArray[np.bool_]:
    """(rows,) the kinds of tips that a filter matches whatever they are labelled."""
    found: NDArray[np.bool_] = np.asarray(tips.of(of).all(axis=1))
    return found


def _crowd(scenario: Scenario, filters: list[Filter | None]) -> Crowd:
    """All kinds of tips that come; of a trace all that may."""
    return crowd(
        scenario.demand, scenario.labels, scenario.stages, filters, only_positive=scenario.demand.trace is None
    )


def _on_the_way(scenario: Scenario, target: OfTips) -> Iterator[Stage]:
    """The stages that tips of a target may come to before it has judged them."""
    # The label that a tip gets in the end says nothing of the way that it came.
    of = None if target.of is None else target.of.model_copy(update={"tier": None, "labelled": None})
    tips = _crowd(scenario, [of])
    tips = replace(tips, alive=tips.alive & tips.of(of))
    comes = [bool(came.any()) for came in ways(tips, scenario.stages).entering]
    last = _last_judged(scenario, target, comes)
    index = {stage.name: number for number, stage in enumerate(scenario.stages)}
    while True:
        # Who is sent back from behind the last moment may pass it again.
        behind = [
            number
            for number, stage in enumerate(scenario.stages)
            if number > last and comes[number] and stage.rework and index[stage.rework.back_to] <= last
        ]
        if not behind:
            break
        last = max(behind)
    for number, stage in enumerate(scenario.stages):
        if number <= last and comes[number]:
            yield stage


def _last_judged(scenario: Scenario, target: OfTips, comes: list[bool]) -> int:
    """The number of the last stage on the way to what a target judges; -1 where there is none."""
    if isinstance(target, Between):
        return max(_last(scenario, target.from_), _last(scenario, target.to))
    patient = [number for number, stage in enumerate(scenario.stages) if comes[number] and stage.patience is not None]
    if isinstance(target, LostTarget):
        return max(patient, default=-1)
    return len(scenario.stages) - 1


def _last(scenario: Scenario, milestone: Milestone) -> int:
    """The number of the last stage that a tip is at before a milestone; -1 where it comes to none."""
    found = -1
    for one in milestone.moments:
        if one.stage is not None:
            found = max(found, scenario.stage_index(one.stage) - (one.what == "enter"))
        elif one.what != "arrival":
            found = len(scenario.stages) - 1
    return found
