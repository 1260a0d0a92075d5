"""Runway: how many years of growth the present staffing bears before its targets are first missed, and the cheapest
staff that meets every target at the volume of each year.

Year k is a run as the document asks for, at a volume that has grown k times; nothing else changes. All years meet the
same tips, more of them the later, so that their verdicts differ by the growth and not by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sim.measures.estimates import Estimate
from sim.measures.targets import Joint, joint
from sim.scenario import units
from sim.studies.ranges import Variations, as_written, in_unit, rounded
from sim.studies.staff.limits import limits
from sim.studies.staff.staffed import fte, kept, needed_pools, present
from sim.studies.staff.staffing import NO_EXCHANGES, cheapest
from sim.studies.trials import QuestionError

if TYPE_CHECKING:
    from sim.measures.estimates import Verdict
    from sim.scenario.schema import Scenario
    from sim.studies.staff.limits import Limit
    from sim.studies.staff.staffed import Bounds
    from sim.studies.staff.staffing import StaffAnswer
    from sim.studies.trials import Trials


MOST_YEARS: Final = 10
"""Years that are looked at, unless another number is asked for."""

LEAST_YEARS: Final = 2
"""Whole years that are run even where the first is missed, so that one sees where it goes."""

DIGITS: Final = 6
"""Significant digits of a volume."""

VOLUME: Final = "demand.volume"


@dataclass(frozen=True, slots=True)
class GrowthYear:
    """A year of growth: the run at its volume."""

    year: float
    """Years from now, 0 for the volume of the file."""
    volume: float
    """In the unit of the file."""
    replications: int
    joint: Joint
    """All targets, with intervals that hold together."""

    @property
    def verdict(self) -> Verdict:
        return self.joint.verdict

    @property
    def first(self) -> str | None:
        """The target that fails first: it uses up most of what it allows."""
        return self.joint.binding

    @property
    def held(self) -> Estimate:
        """The share of the runs in which all targets hold."""
        return self.joint.shares["run"].share


@dataclass(frozen=True, slots=True)
class Course:
    """The years at one rate of growth."""

    growth: float
    """A year, as a share."""
    years: tuple[GrowthYear, ...]
    """The whole years, up to the first that is missed."""
    tenths: tuple[GrowthYear, ...]
    """The years between that were looked at, in order."""
    most_years: int

    @property
    def every(self) -> list[GrowthYear]:
        """All years that were looked at, in order."""
        return sorted((*self.years, *self.tenths), key=lambda year: year.year)

    @property
    def met_until(self) -> GrowthYear | None:
        """The last year before any is open or missed; None where this one is."""
        met = None
        for year in self.every:
            if year.verdict != "met":
                break
            met = year
        return met

    @property
    def open_from(self) -> GrowthYear | None:
        """The first year that is open or missed; None where none is."""
        return next((year for year in self.every if year.verdict != "met"), None)

    @property
    def missed_from(self) -> GrowthYear | None:
        """The first year that is missed; None where none is."""
        return next((year for year in self.every if year.verdict == "missed"), None)

    @property
    def first_to_fail(self) -> str | None:
        """The target that fails first where the years run out."""
        at = self.missed_from or self.open_from
        return at.first if at else None


@dataclass(frozen=True, slots=True)
class RunwayFound:
    """What the present staffing bears at several rates of growth."""

    scenario: Scenario
    unit: str
    """Of the volumes, as the file writes it: "/year"."""
    courses: tuple[Course, ...]


class Growing:
    """A scenario whose volume grows, and with it the rates of incidents, each volume run once."""

    def __init__(self, scenario: Scenario, replications: int | None = None):
        """QuestionError where there is no target to be missed, or no volume that could grow."""
        if not scenario.targets:
            raise QuestionError("a runway needs targets, and the scenario has none")
        self._variations = Variations(scenario)
        now = self._variations.value(VOLUME)
        if now is None:
            raise QuestionError(f"a runway needs `{VOLUME}`; recorded tips do not grow")
        self.scenario = scenario
        self.replications = scenario.run.replications if replications is None else replications
        self.unit = units.split(now)[1]
        self.now = in_unit(now, self.unit)
        self._also = tuple(self._incidents())

    def _incidents(self) -> Iterator[tuple[str, float, str]]:
        """What grows with the volume: the path of the rate of each kind of incident, its number and its unit."""
        for name in self.scenario.demand.incidents:
            path = f"demand.incidents.{name}.rate"
            rate = self._variations.value(path)
            unit = units.split(rate)[1]
            yield path, in_unit(rate, unit), unit

    def volume(self, growth: float, year: float) -> float:
        """The volume after years of growth, in the unit of the file."""
        return rounded(self.now * (1 + growth) ** year, DIGITS) if year else self.now

    def world(self, growth: float, year: float) -> Scenario:
        """The scenario after years of growth."""
        if not year:
            return self.scenario
        grown = {path: as_written(now * (1 + growth) ** year, unit, whole=False) for path, now, unit in self._also}
        volume = as_written(self.volume(growth, year), self.unit, whole=False)
        return self._variations.at({VOLUME: volume, **grown})

    def year(self, growth: float, year: float, trials: Trials) -> GrowthYear:
        """The run after years of growth."""
        sample = trials.sample(self.world(growth, year), self.replications, only_targets=True)
        return GrowthYear(year, self.volume(growth, year), len(sample), joint(sample))


def runway(
    growing: Growing,
    growths: Sequence[float],
    trials: Trials,
    *,
    most_years: int = MOST_YEARS,
) -> RunwayFound:
    """The years that a scenario bears at each rate of growth (a year, above 0), told to a tenth.

    Whole years are run until one is missed; then, assuming that it gets no better with growth, the tenths between by
    halving.
    """
    if any(growth <= 0 for growth in growths):
        raise ValueError(f"a growth lies above 0 % (got {', '.join(f'{100 * growth:g} %' for growth in growths)})")
    if len(set(growths)) < len(growths):
        raise ValueError("a growth is asked for twice")
    sure = (growing.world(growth, float(k)) for growth in growths for k in range(min(LEAST_YEARS, most_years) + 1))
    trials.ahead(sure, growing.replications, only_targets=True)
    courses = []
    for number, growth in enumerate(growths):
        trials.settings.expect(trials.n_done + (len(growths) - number) * (LEAST_YEARS + 6) * growing.replications)
        courses.append(_course(growing, growth, trials, most_years))
    return RunwayFound(growing.scenario, growing.unit, tuple(courses))


def _course(growing: Growing, growth: float, trials: Trials, most_years: int) -> Course:
    years: list[GrowthYear] = []
    for k in range(most_years + 1):
        if k > LEAST_YEARS and any(year.verdict == "missed" for year in years):
            break
        years.append(growing.year(growth, float(k), trials))
    found = {year.year: year for year in years}
    for is_past in (lambda year: year.verdict != "met", lambda year: year.verdict == "missed"):
        _narrow(found, is_past, lambda at: growing.year(growth, at, trials))
    tenths = tuple(year for at, year in sorted(found.items()) if at != round(at))
    return Course(growth, tuple(years), tenths, most_years)


def _narrow(
    found: dict[float, GrowthYear], is_past: Callable[[GrowthYear], bool], run: Callable[[float], GrowthYear]
) -> None:
    """Look at tenths of years until the first that is past is known to a tenth, if there is one after year 0."""
    order = sorted(found)
    past = next((i for i, at in enumerate(order) if is_past(found[at])), 0)
    if past == 0:
        return
    low, high = round(10 * order[past - 1]), round(10 * order[past])
    while high - low > 1:
        middle = (low + high) // 2
        at = middle / 10
        if at not in found:
            found[at] = run(at)
        if is_past(found[at]):
            high = middle
        else:
            low = middle


# The staff of the years to come


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
        return fte(self.answer.staffed) if self.answer.staffing is not None else float("nan")


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
) -> Needs:
    """The cheapest staffing found for today and the first years at each rate, of every pool that a stage needs.

    `pools` names others to decide, with bounds or None, as in `staff`; with `allow_overload` lines may grow without end
    and tips give up unminded. QuestionError for a pool that is not there, or bounds that are none.

    Volumes are taken in their order, each search setting out from what the last one found.
    """
    scenario = growing.scenario
    nothing = Needs((), {}, fte(scenario), ())
    if n_years < 1:
        return nothing
    pools = dict.fromkeys(needed_pools(scenario)) if pools is None else pools
    spared = kept(scenario, pools)
    best = limits(scenario, trials, growing.replications)
    beyond = tuple(one.name for one in best if one.beyond_staff)
    shut = tuple(one for one in best if one.more_staff == "hours")
    if beyond or shut:
        return Needs(beyond, {}, fte(scenario), (), shut, spared)
    order = [(0.0, 0), *((growth, year) for growth in growths for year in range(1, n_years + 1))]
    asked = sorted((growing.volume(growth, float(year)), growth, year) for growth, year in order)
    found: dict[tuple[float, int], Need] = {}
    start: dict[str, int] = {}
    for number, (volume, growth, year) in enumerate(asked):
        trials.settings.expect(trials.n_done + (len(asked) - number) * TRIALS_OF_A_SEARCH)
        world = growing.world(growth, float(year))
        answer = cheapest(
            world,
            pools=pools,
            trials=trials,
            replications=growing.replications,
            start=start,
            most_effort=NO_EXCHANGES,
            allow_overload=allow_overload,
        )
        start = answer.by_path or start
        found[growth, year] = Need(growth, year, volume, answer)
    ordered = tuple(found[at] for at in order)
    return Needs((), _people_now(scenario, ordered), fte(scenario), ordered, (), spared)


def _people_now(scenario: Scenario, years: Sequence[Need]) -> dict[str, int]:
    posts = years[0].answer.posts if years else ()
    return dict(zip((post.path for post in posts), present(scenario, posts), strict=True))
