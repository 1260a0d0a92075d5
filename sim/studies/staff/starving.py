"""What a staffing may not do besides missing a target: let a line grow without end, let tips give up unminded, or leave
a target with nothing, or too little, to judge.

As with targets, what fails so is taken to fail with fewer people too, on average: less of a pool's load is borne, more
tips give up, fewer come to be judged. A pool whose tips are kept away by too few people before it seems to do better
with fewer of these; but then the line before it grows, or more give up there than a target, or this, lets pass. As many
as may give up so are not counted among those of whom a line grows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sim.measures import passes
from sim.measures.estimates import Verdict, residual_variance, student
from sim.measures.held import VALUE
from sim.measures.targets import left_out
from sim.scenario.arrivals import channel_mix
from sim.scenario.branches import loops
from sim.scenario.describe import describe
from sim.scenario.flow import offered_by_stage, reaching, spared_by_stage
from sim.scenario.shifts import week_on_duty
from sim.scenario.targets import MOST_LEFT_OUT, OfTips, Timed
from sim.studies.staff.staffed import minding, unminded_stages

if TYPE_CHECKING:
    from sim.measures.sample import Sample
    from sim.scenario.describe import Description, PoolLoad
    from sim.scenario.schema import Scenario

Floats = NDArray[np.float64]

MOST_GIVEN_UP: Final = 0.05
"""Of those who come to a stage, where no target judges that."""
SURE: Final = 0.999
"""The confidence with which a share is shown to be too large; it comes on top of that of the targets."""
MOST_USED: Final = 1e3
"""What stands for endlessly too much."""

ConcernKind = Literal["grows", "gives up", "nothing", "left out"]


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing that a staffing may not do, and how far it does."""

    kind: ConcernKind
    name: str
    """The pool whose line grows, the stage where tips give up, or the target."""
    value: float
    """The load over the people who are there, or a share of tips; 1 where a target judges nothing."""
    allowed: float
    verdict: Verdict
    """*missed* where that is shown, *undecided* where it only looks so."""

    @property
    def used(self) -> float:
        """How far it is beyond what is allowed, 0 where it is not."""
        return 0.0 if self.verdict == "met" else min(max(self.value / self.allowed, 1.0), MOST_USED)

    @property
    def words(self) -> str:
        """What is wrong, in a few words."""
        share, allowed = f"{100 * self.value:.3g} %", f"{100 * self.allowed:.3g} %"
        match self.kind:
            case "grows":
                return f"the line of {self.name} grows without end"
            case "gives up":
                return f"{share} give up at {self.name}, which no target judges (at most {allowed} may)"
            case "nothing":
                return f"{self.name} has no tip to judge"
            case _:
                return f"{self.name} leaves out {share} of its tips (at most {allowed} may be left out)"


class Care:
    """What a search minds besides targets, in the pools that it decides."""

    def __init__(self, scenario: Scenario, pools: Collection[str], *, allow_overload: bool = False):
        """With `allow_overload` lines may grow, and tips give up unminded."""
        self.scenario = scenario
        self._decided = () if allow_overload else tuple(name for name in scenario.pools if name in pools)
        self._unminded = (
            ()
            if allow_overload
            else tuple(
                number
                for number in unminded_stages(scenario)
                if any(pool in pools for pool in scenario.stages[number].pools)
            )
        )
        self._described: Description | None = describe(scenario) if self._decided else None
        self._work = sure_work(scenario, pools).tolist() if self._decided else []

    @property
    def only_targets(self) -> bool:
        """Whether what targets measure is enough to tell."""
        return not self._unminded and (not self._decided or self.scenario.demand.trace is None)

    def concerns(self, staffed: Scenario, sample: Sample, own: Callable[[], Sample]) -> tuple[Concern, ...]:
        """Everything that is minded of a staffing, in the same order for each; `own` gives a sample of the scenario as
        it is staffed, on the same tips."""
        return (*self._lines(staffed, sample), *self._given_up(sample), *self._judged(sample, own))

    def _lines(self, staffed: Scenario, sample: Sample) -> list[Concern]:
        if self._described is None:
            return []
        growing = _growing(staffed, self._described, self._work)
        if len(sample.places[0]):
            growing |= {name: max(load, growing.get(name, 0.0)) for name, load in _seen_growing(sample).items()}
        return [
            Concern("grows", name, growing.get(name, 0.0), 1.0, "missed" if name in growing else "met")
            for name in self._decided
        ]

    def _given_up(self, sample: Sample) -> list[Concern]:
        found = []
        for number in self._unminded:
            visits = sample.stages[:, number].sum(axis=1).astype(float)
            value, least = _share(visits[:, passes.GAVE_UP], visits[:, passes.REACHED])
            name = self.scenario.stages[number].name
            found.append(Concern("gives up", name, value, MOST_GIVEN_UP, _beyond(value, least, MOST_GIVEN_UP)))
        return found

    def _judged(self, sample: Sample, own: Callable[[], Sample]) -> list[Concern]:
        found = []
        for k, (name, target) in enumerate(self.scenario.targets.items()):
            if not isinstance(target, OfTips):
                continue
            out, named = left_out(sample, k)
            if not sample.of(k).pairs(VALUE)[:, 1].any():
                found.append(Concern("nothing", name, 1.0, MOST_LEFT_OUT, "missed" if named.any() else "undecided"))
                continue
            value, least = _share(out, named)
            allowed = MOST_LEFT_OUT
            if isinstance(target, Timed) and target.left_out is not None:
                allowed = target.left_out
            elif value > allowed:
                allowed = max(allowed, _share(*left_out(own(), k))[0])
            found.append(Concern("left out", name, value, allowed, _beyond(value, least, allowed)))
        return found


def ratio(parts: Floats, wholes: Floats, *, confidence: float) -> tuple[float, float]:
    """A ratio over replications and the reach of Student's interval on either side; NaN where nothing was counted."""
    total = float(wholes.sum())
    if total == 0:
        return math.nan, 0.0
    value, weight = float(parts.sum()) / total, wholes / total
    freedom = 1 / float(weight @ weight) - 1
    if freedom < 1e-9:
        return value, math.inf
    return value, student(confidence, freedom) * math.sqrt(residual_variance((parts - value * wholes) / total, weight))


def _share(parts: Floats, wholes: Floats) -> tuple[float, float]:
    """A share over replications, and what it surely is at least; 0 of nothing."""
    value, reach = ratio(parts, wholes, confidence=SURE)
    if math.isnan(value):
        return 0.0, 0.0
    return value, 0.0 if math.isinf(reach) else value - reach


def _beyond(value: float, least: float, allowed: float) -> Verdict:
    if value <= allowed:
        return "met"
    return "missed" if least > allowed else "undecided"


def _growing(staffed: Scenario, described: Description, work: Sequence[float]) -> dict[str, float]:
    """The pools to which, over the week, as much work comes as they can do or more, with load over people.

    Work that may give up makes no line grow; work that may overflow does so only where both pools together cannot do
    it.
    """
    load = {one.pool: replace(one, servers=_servers(staffed, one.pool), offered=0.0) for one in described.pools}
    staying: list[tuple[tuple[str, ...], float]] = []
    for stage, erlangs in zip(staffed.stages, work, strict=True):
        if stage.pool is not None and stage.patience is None and erlangs > 0:
            staying.append((stage.pools, erlangs))
    found: dict[str, float] = {}
    for group in dict.fromkeys([*((one.pool,) for one in described.pools), *(pools for pools, _ in staying)]):
        offered = sum(erlangs for pools, erlangs in staying if set(pools) <= set(group))
        together = replace(load[group[0]], offered=offered, servers=sum(load[name].servers for name in group))
        if together.overloaded:
            for name in group:
                found[name] = max(found.get(name, 0.0), _over(together))
    return found


def sure_work(scenario: Scenario, decided: Collection[str]) -> Floats:
    """(n_stages,): mean erlangs over the week that come to each stage and are not lost there, whoever is at the
    `decided` pools, unless that fails for what is lost; those apart that merging may spare."""
    stages, back = scenario.stages, loops(scenario.stages)
    lost = _lost_at_most(scenario, decided)
    stays = np.ones(lost.shape)
    for number in range(len(stages)):
        until = number
        while (further := max((last for first, last in back if first <= until), default=until)) > until:
            until = further
        stays[number] = np.prod(1 - lost[: until + 1], axis=0)
    work: Floats = np.maximum(offered_by_stage(scenario, stays) - spared_by_stage(scenario), 0.0).mean(axis=1)
    return work


def _lost_at_most(scenario: Scenario, decided: Collection[str]) -> Floats:
    """(n_stages, n_channels): of the tips that come to a stage on a channel, the most that may give up or find no room
    there, unless that makes the staffing fail."""
    found = np.zeros((len(scenario.stages), len(scenario.channels)))
    unminded, mix = unminded_stages(scenario), channel_mix(scenario)
    for number, stage in enumerate(scenario.stages):
        if stage.patience is None and not stage.limited:
            continue
        coming = reaching(scenario, (number,))
        if number in unminded and not stage.limited and any(pool in decided for pool in stage.pools):
            most = MOST_GIVEN_UP
        else:
            most = min(_lost_by_targets(scenario, number, float(coming @ mix), mix), 1.0)
        found[number, coming > 0] = 1.0 if stage.asides else most
    return found


def _lost_by_targets(scenario: Scenario, number: int, coming: float, mix: Floats) -> float:
    """The largest share of those who come to a stage, `coming` of all tips, that its targets let be lost there."""
    found = 1.0
    for target in minding(scenario, number):
        channels = None if target.of is None or target.at_stage is not None else target.of.asked("channel")
        of = np.array([channels is None or name in channels for name in scenario.channels])
        about = coming if target.at_stage is not None else float(mix @ of)
        found = min(found, target.most_lost * about / coming if coming > 0 else 1.0)
    return found


def _over(pool: PoolLoad) -> float:
    return pool.offered / max(pool.servers, pool.offered / MOST_USED)


def _servers(staffed: Scenario, pool: str) -> float:
    return float(np.mean(week_on_duty(staffed, pool))) * staffed.pools[pool].capacity


def _seen_growing(sample: Sample) -> dict[str, float]:
    """The pools to which surely more work came in the runs than their people could do, by all their replications.

    Only those whose tips wait for ever, and for nobody else, and do not merge.
    """
    scenario = sample.frame.scenario
    relieved = {pool for stage in scenario.stages if stage.patience or stage.overflow for pool in stage.pools}
    merging = next((number for number, stage in enumerate(scenario.stages) if stage.merge), len(scenario.stages))
    relieved |= {pool for stage in scenario.stages[merging:] for pool in stage.pools}
    found = {}
    for p, name in enumerate(scenario.pools):
        if name not in relieved:
            ticks = sample.places[:, sample.frame.pool_of_place == p].sum(axis=1).astype(float)
            if not ticks[:, passes.ON_DUTY].any():
                continue
            value, least = _share(ticks[:, passes.OFFERED], ticks[:, passes.ON_DUTY])
            if least >= 1:
                found[name] = value
    return found
