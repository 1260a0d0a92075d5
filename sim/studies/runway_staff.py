"""The staff that years of growth need: the cheapest that meets every target at the volume of each year."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sim.studies.staff.staffed import fte, kept, paid_by_pool
from sim.studies.staff.staffing import cheapest
from sim.studies.unlimited import limits

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario
    from sim.studies.runway import Growing
    from sim.studies.staff.staffed import Bounds
    from sim.studies.staff.staffing import StaffAnswer
    from sim.studies.trials import Trials
    from sim.studies.unlimited import Limit

EFFORT: Final = 0.0
"""Effort for exchanges of people between posts: none, since each year is one of many."""

TRIALS_OF_A_SEARCH: Final = 250
"""About so many replications a year of growth takes, for the time left."""


@dataclass(frozen=True, slots=True)
class Need:
    """What one year at one rate needs; year 0 is today, at no growth."""

    growth: float
    year: int
    volume: float
    """In the unit of the file."""
    answer: StaffAnswer

    @property
    def people(self) -> dict[str, int]:
        """People by the path of the document; empty where no staffing was found."""
        return self.answer.by_path

    @property
    def full_time(self) -> float:
        """Full-time equivalents of all pools, overtime apart; NaN where no staffing was found."""
        return full_time(self.answer.staffed) if self.answer.staffing is not None else float("nan")


@dataclass(frozen=True, slots=True)
class Needs:
    """The staff of several years of growth."""

    beyond_staff: tuple[str, ...]
    """Targets that are missed at the present volume however many people there are; then nothing is searched."""
    now: dict[str, int]
    """The present people by path, of the posts that the years decide."""
    full_time_now: float
    years: tuple[Need, ...]
    """Year 0, then by rate and by year; empty where nothing was searched."""
    closed: tuple[Limit, ...] = ()
    """Targets that are missed however many people the posts there are get, and are not with people at other hours; then
    nothing is searched either."""
    kept: tuple[str, ...] = ()
    """Pools that keep their people, since no target depends on them."""


def needs(
    growing: Growing,
    growths: Sequence[float],
    n_years: int,
    trials: Trials,
    *,
    pools: Mapping[str, Bounds] | None = None,
    allow_overload: bool = False,
    expect: Callable[[int], None] = lambda _: None,
) -> Needs:
    """The cheapest staffing found for today and the first years at each rate, of every pool that a stage needs.

    `pools` names others to decide, with bounds or None, as in `staff`; with `allow_overload` lines may grow without end
    and tips give up unminded. QuestionError for a pool that is not there, or bounds that are none.

    Volumes are taken in their order, each search setting out from what the last one found.
    """
    scenario = growing.scenario
    nothing = Needs((), {}, full_time(scenario), ())
    if n_years < 1:
        return nothing
    pools = dict.fromkeys(_needed(scenario)) if pools is None else pools
    spared = kept(scenario, pools)
    best = limits(scenario, trials, growing.replications)
    beyond = tuple(one.name for one in best if one.beyond_staff)
    shut = tuple(one for one in best if one.more_staff == "hours")
    if beyond or shut:
        return Needs(beyond, {}, full_time(scenario), (), shut, spared)
    order = [(0.0, 0), *((growth, year) for growth in growths for year in range(1, n_years + 1))]
    asked = sorted((growing.volume(growth, float(year)), growth, year) for growth, year in order)
    found: dict[tuple[float, int], Need] = {}
    start: dict[str, int] = {}
    for number, (volume, growth, year) in enumerate(asked):
        expect(trials.n_done + (len(asked) - number) * TRIALS_OF_A_SEARCH)
        world = growing.world(growth, float(year))
        answer = cheapest(
            world,
            pools=pools,
            trials=trials,
            replications=growing.replications,
            start=start,
            most_effort=EFFORT,
            allow_overload=allow_overload,
        )
        start = answer.by_path or start
        found[growth, year] = Need(growth, year, volume, answer)
    ordered = tuple(found[at] for at in order)
    return Needs((), _people_now(scenario, ordered), full_time(scenario), ordered, (), spared)


def full_time(scenario: Scenario) -> float:
    """Full-time equivalents of all pools, overtime apart."""
    return fte(scenario, sum(paid_by_pool(scenario).values()))


def _needed(scenario: Scenario) -> list[str]:
    """The pools that some stage needs."""
    used = {name for stage in scenario.stages for name in stage.pools}
    return [name for name in scenario.pools if name in used]


def _people_now(scenario: Scenario, years: Sequence[Need]) -> dict[str, int]:
    posts = years[0].answer.posts if years else ()
    return {
        post.path: scenario.pools[post.pool].staff
        if post.shift is None
        else scenario.pools[post.pool].shifts[post.shift].staff
        for post in posts
    }
