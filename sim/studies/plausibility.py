"""The plausibility answer: in which of the plausible worlds does some staffing hold, and with how many people.

A world has a value for every unknown, drawn from its declared distribution by a sequence that fills them evenly. What
staff can do in one is in `worlds.py`; here all are asked, and told together: shares, people, what decides, and how far
it hangs on the distributions.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sim.measures.cuts import Cut
from sim.measures.estimates import Estimate, by_size, share_interval, units_counted
from sim.measures.frame import Frame
from sim.measures.targets import joint
from sim.scenario import units
from sim.scenario.faults import ScenarioError
from sim.studies.effects import Explained, explained, rank_correlation, ranks
from sim.studies.keeping import Kept, Piece, maker_key
from sim.studies.ranges import Variations
from sim.studies.replicate import Settings, shared_out
from sim.studies.sensitivity import PlausibleRange, try_ends, unknowns, values_at
from sim.studies.staff.staffed import Bounds, decided, kept
from sim.studies.trials import QuestionError, TrialError, Trials
from sim.studies.workers import Failure
from sim.studies.worlds import Look, PlausibleWorld, WorldOutcome, boundless, of_piece

if TYPE_CHECKING:
    from sim.dynamics.engines import Engine
    from sim.measures.targets import HeldShare
    from sim.scenario.plausible import Spread
    from sim.scenario.schema import Scenario

N_WORLDS: Final = 256
"""Unless another number is asked for: a share is then known to some 6 points."""
FEW: Final = 4
"""Replications of a world at first, unless another number is asked for."""
LENGTH: Final = "28 d"
"""What a world is measured for, unless its document says less or another length is asked for."""
MORE_THAN: Final = 100.0
"""Full-time equivalents beyond which a staffing is not looked for, unless another number is asked for."""
TRIALS_OF_A_WORLD: Final = 60
"""About so many replications a world takes, for the time left."""
ENOUGH_WORLDS: Final = 30
"""Fewer effective worlds say nothing of another distribution."""
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)

Which = Literal["lower", "middle", "upper"]
THIRDS: Final[tuple[Which, ...]] = get_args(Which)


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile of the people over the worlds where some staffing holds."""

    part: float
    fte: Estimate
    on_duty: Estimate


@dataclass(frozen=True, slots=True)
class Third:
    """Worlds in the lower, middle or upper third of the declared values of an unknown."""

    unknown: PlausibleRange
    which: Which
    low: float
    high: float
    """The least and the greatest value among them."""
    worlds: int
    held: Estimate
    fte: float
    """The median, where some staffing holds; NaN where in none."""
    worst: float
    """The median of what the worst target uses up of what it allows with unlimited staff."""


@dataclass(frozen=True, slots=True)
class Reweighted:
    """The answer of the same worlds, were unknowns spread otherwise over the same ranges."""

    which: PlausibleRange | Literal["all", "deciding"]
    """An unknown, all of them, or those that decide whether it holds beyond chance."""
    spread: Spread
    held: Estimate
    fte: float
    """The median over the worlds where some staffing holds, weighed so."""
    effective: float
    """As many worlds drawn from that spread would say as much."""

    @property
    def enough(self) -> bool:
        """Whether these are enough to say anything."""
        return self.effective >= ENOUGH_WORLDS


@dataclass(frozen=True, slots=True)
class PeriodsKept:
    """In how many months, weeks and days a target, or all, is kept at the staffing of the median world."""

    target: str
    """Its name, or empty for all together."""
    shares: dict[str, HeldShare]


@dataclass(frozen=True)
class PlausibilityFound:
    """The worlds, and what follows from them."""

    scenario: Scenario
    """As it was asked about."""
    length: int
    """Ticks for which a world is measured."""
    unknowns: tuple[PlausibleRange, ...]
    worlds: tuple[PlausibleWorld, ...]
    replications: int
    """Of a world at first."""
    more_than: float
    bounded: bool
    """Whether the pools to decide were named."""
    kept: tuple[str, ...]
    """Pools that keep their people, since no target depends on them."""
    periods: tuple[PeriodsKept, ...]
    """At the staffing of the median world; empty where none holds."""

    @cached_property
    def possible(self) -> tuple[PlausibleWorld, ...]:
        """The worlds that the document allows."""
        return tuple(world for world in self.worlds if world.possible)

    @property
    def held(self) -> list[PlausibleWorld]:
        """Those in which some staffing holds."""
        return [world for world in self.possible if world.outcome == "held"]

    @property
    def confidence(self) -> float:
        return self.scenario.run.confidence

    def count(self, outcome: WorldOutcome) -> int:
        """The worlds of an outcome."""
        return sum(world.outcome == outcome for world in self.worlds)

    def share(self, *outcomes: WorldOutcome) -> Estimate:
        """The share of the possible worlds with one of these outcomes."""
        return self.part([world.outcome in outcomes for world in self.possible])

    def part(self, yes: Sequence[bool]) -> Estimate:
        """The share of worlds of which something is so, with its interval."""
        return _share(yes, self.confidence)

    @property
    def median(self) -> PlausibleWorld | None:
        """The world in the middle of those in which some staffing holds, by full-time equivalents."""
        order = sorted(self.held, key=lambda world: world.fte)
        return order[(len(order) - 1) // 2] if order else None

    @cached_property
    def kills(self) -> dict[str, tuple[int, int]]:
        """For each target the worlds in which unlimited staff misses it, and those in which it fails first."""
        names = list(self.scenario.targets)
        every, first = Counter[int](), Counter[int]()
        for world in self.possible:
            every.update(world.failing)
            first.update(world.failing[:1])
        return {name: (every[k], first[k]) for k, name in enumerate(names)}

    @cached_property
    def quantiles(self) -> tuple[Quantile, ...]:
        """Of the people over the worlds where some staffing holds; none where there are none."""
        held = self.held
        if not held:
            return ()
        by_fte, by_heads = (np.sort([getattr(world, name) for world in held]) for name in ("fte", "on_duty"))
        return tuple(
            Quantile(part, *(quantile(values, part, self.confidence) for values in (by_fte, by_heads)))
            for part in QUANTILES
        )

    @cached_property
    def points(self) -> NDArray[np.float64]:
        """(n_possible, n_unknowns)."""
        found = np.array([world.numbers for world in self.possible])
        return found.reshape(len(self.possible), len(self.unknowns))

    @cached_property
    def results(self) -> dict[str, NDArray[np.float64]]:
        """What the unknowns are said to decide, (n_possible,) each; NaN where that is not known of a world."""
        worlds = self.possible
        holds = [math.nan if one.outcome == "undecided" else float(one.outcome == "held") for one in worlds]
        can = [math.nan if one.outcome == "undecided" else float(one.outcome != "no staff") for one in worlds]
        found = {"holds": np.array(holds), "any staff can": np.array(can)}
        found["FTE"] = np.array([one.fte if one.outcome == "held" else math.nan for one in worlds])
        found["worst with unlimited staff"] = _ranked([one.worst for one in worlds])
        for k, name in enumerate(self.scenario.targets):
            found[f"{name} with unlimited staff"] = _ranked([one.best[k].used for one in worlds])
        return found

    @cached_property
    def explained(self) -> dict[str, Explained]:
        """How much each unknown decides of each of these."""
        seed = self.scenario.run.seed
        return {name: explained(self.points, result, self.confidence, seed) for name, result in self.results.items()}

    def correlation(self, result: str, i: int) -> Estimate:
        """The rank correlation of an unknown with a result."""
        values = self.results[result]
        used = np.isfinite(values)
        return rank_correlation(self.points[used, i], values[used], self.confidence)

    @property
    def decides(self) -> str:
        """The result by which unknowns are ranked: whether it holds, or where that is everywhere the same, how far the
        worst target is from holding with unlimited staff."""
        return "holds" if self.explained["holds"].known else "worst with unlimited staff"

    @cached_property
    def ranked(self) -> list[int]:
        """The unknowns, the one that decides most first."""
        return by_size(self.explained[self.decides].share)

    @cached_property
    def thirds(self) -> tuple[Third, ...]:
        """How often some staffing holds in each third of the declared values of each unknown."""
        found = []
        for i, unknown in enumerate(self.unknowns):
            order = sorted(range(len(self.possible)), key=lambda w: (self.points[w, i], w))
            for which, part in zip(THIRDS, np.array_split(order, 3), strict=True):
                if not len(part):
                    continue
                mine = [self.possible[w] for w in part]
                values = self.points[part, i]
                needed = [one.fte for one in mine if one.outcome == "held"]
                worst = float(np.median([one.worst for one in mine]))
                held = _share([one.outcome == "held" for one in mine], self.confidence)
                middle = float(np.median(needed)) if needed else math.nan
                found.append(
                    Third(unknown, which, float(values.min()), float(values.max()), len(mine), held, middle, worst)
                )
        return tuple(found)

    @cached_property
    def reweighted(self) -> tuple[Reweighted, ...]:
        """The answer were each unknown, those that decide, and all of them, uniform or log-uniform over their ranges.

        What is spread so already, or cannot be, stays as it is declared.
        """
        found = []
        spreads: tuple[Spread, ...] = ("uniform", "log-uniform")
        deciding = self.explained[self.decides].beyond_chance
        for spread in spreads:
            told = {
                i: weight
                for i, unknown in enumerate(self.unknowns)
                if unknown.range.spread != spread and (weight := self._weights(i, spread)) is not None
            }
            found += [self._reweighted(self.unknowns[i], spread, weight) for i, weight in told.items()]
            if mine := [weight for i, weight in told.items() if deciding[i]]:
                found.append(self._reweighted("deciding", spread, np.prod(mine, axis=0)))
            if told:
                found.append(self._reweighted("all", spread, np.prod(list(told.values()), axis=0)))
        return tuple(found)

    def _weights(self, i: int, spread: Spread) -> NDArray[np.float64] | None:
        """(n_possible,) how many times as likely each world were; None where the range cannot be spread so."""
        plausible = self.unknowns[i].range
        try:
            return np.array([plausible.weight(number, spread) for number in self.points[:, i]])
        except ValueError:
            return None

    def _reweighted(
        self, which: PlausibleRange | Literal["all", "deciding"], spread: Spread, weight: NDArray[np.float64]
    ) -> Reweighted:
        held = np.array([world.outcome == "held" for world in self.possible])
        n = len(weight)
        share = share_interval(weight * held, weight, self.confidence, n) if n else Estimate(math.nan, 0.0, 1.0)
        middle = _median(np.array([world.fte for world in self.possible])[held], weight[held])
        return Reweighted(which, spread, share, middle, units_counted(weight, n) if n else 0.0)


def _share(yes: Sequence[bool], confidence: float) -> Estimate:
    return (
        share_interval([float(one) for one in yes], np.ones(len(yes)), confidence, len(yes))
        if yes
        else Estimate(math.nan, 0.0, 1.0)
    )


def _ranked(values: Sequence[float]) -> NDArray[np.float64]:
    """Ranks of what is a number: what targets use up spans decades, and may be without end."""
    told = np.array(values, dtype=float)
    there = ~np.isnan(told)
    found = np.full(len(told), math.nan)
    found[there] = ranks(told[there])
    return found


def _median(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    if not len(values):
        return math.nan
    order = np.argsort(values, kind="stable")
    below = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(below, below[-1] / 2)])


def quantile(ordered: NDArray[np.float64], part: float, confidence: float = 0.95) -> Estimate:
    """A quantile of values in their order, with the interval that holds whatever their distribution; an end that so few
    do not show is 0 or infinite.

    Source: H. A. David and H. N. Nagaraja, Order Statistics (2003), section 7.1.

    >>> quantile(np.arange(1.0, 101.0), 0.5)
    Estimate(value=50.5, low=40.0, high=61.0)
    """
    from scipy.stats import binom

    n = len(ordered)
    error = (1 - confidence) / 2
    below = int(binom.ppf(error, n, part))
    above = int(binom.ppf(1 - error, n, part)) + 1
    low = float(ordered[below - 1]) if below >= 1 else -math.inf
    high = float(ordered[above - 1]) if above <= n else math.inf
    return Estimate(float(np.quantile(ordered, part)), max(low, 0.0), high)


class PlausibilityQuestion:
    """What is asked: the unknowns with their distributions, and how hard each world is looked at."""

    def __init__(
        self,
        scenario: Scenario,
        *,
        worlds: int = N_WORLDS,
        replications: int | None = None,
        length: str | None = None,
        more_than: float = MORE_THAN,
        pools: Mapping[str, Bounds] | None = None,
        allow_overload: bool = False,
    ):
        """QuestionError where there is no target, no unknown or nobody to decide about; ScenarioError where the
        document does not take an end of a range, or the length.

        Without a `length` a world is measured for four weeks, where the document takes that and says more, and every
        window that a target speaks of comes in them.
        """
        if not scenario.targets:
            raise QuestionError("plausibility needs targets, and the scenario has none")
        self.unknowns = unknowns(scenario, with_staff=False)
        if not self.unknowns:
            raise QuestionError(
                "plausibility needs unknowns other than staff under `plausible:`, and the scenario has none"
            )
        if worlds < 1:
            raise QuestionError(f"there is at least one world (got {worlds})")
        if not more_than > 0:
            raise QuestionError(f"so many people are more than 0 FTE (got {more_than:g})")
        self.document = scenario
        self.scenario = _of_length(scenario, length)
        for name, per in _silent(self.scenario):
            raise QuestionError(
                f"target '{name}' judges each {per.replace('_', ' ')}, and none lies wholly in what a world is "
                "measured for: give a longer --length, or another run.start"
            )
        if not decided(boundless(self.scenario), pools):
            raise QuestionError("there is nobody to decide about: no target depends on any people")
        try_ends(Variations(self.scenario), self.unknowns)
        self.n_worlds, self.more_than, self.pools, self.allow_overload = worlds, more_than, pools, allow_overload
        self.replications = max(2, min(FEW, scenario.run.replications) if replications is None else replications)

    @cached_property
    def points(self) -> tuple[tuple[float, ...], ...]:
        """The numbers of the unknowns in each world: a scrambled Sobol sequence through the inverse of each
        distribution. More worlds go on where fewer ended.

        Source: A. B. Owen, J. Complexity 14 (1998), for the scrambling.
        """
        from scipy.stats import qmc

        engine = qmc.Sobol(len(self.unknowns), scramble=True, seed=self.scenario.run.seed)
        cube = engine.random_base2(max(self.n_worlds - 1, 1).bit_length())[: self.n_worlds]
        return tuple(tuple(u.number(part) for u, part in zip(self.unknowns, point, strict=True)) for point in cube)

    def look(self, engine: Engine) -> Look:
        """The work on its worlds."""
        return Look(
            self.scenario,
            self.unknowns,
            self.points,
            self.replications,
            self.more_than,
            self.pools,
            self.allow_overload,
            engine,
        )

    def work_of(self, worlds: int) -> int:
        """About how many replications of the document's own length so many worlds take."""
        runs = [one.warm_up + one.run.length + one.cool_down for one in (self.scenario, self.document)]
        return math.ceil(worlds * TRIALS_OF_A_WORLD * runs[0] / runs[1])

    @property
    def key(self) -> str:
        """What its worlds depend on."""
        return f"{self.scenario.hash} {self.replications} {self.more_than} {self.pools} {self.allow_overload}"


def _of_length(scenario: Scenario, length: str | None) -> Scenario:
    if length is None and scenario.run.length <= units.duration(LENGTH):
        return scenario
    try:
        short = Variations(scenario).at({"run.length": length or LENGTH})
    except ScenarioError:
        if length is not None:
            raise
        return scenario  # what it names by date needs all of it
    return scenario if length is None and _silent(short) else short


def _silent(scenario: Scenario) -> list[tuple[str, str]]:
    """The targets of windows of which none lies wholly in the measured time, each with its kind of window."""
    frame = Frame(scenario)
    return [
        (name, target.per)
        for name, target in scenario.targets.items()
        if target.hold is not None and not Cut(frame, None, target.per).whole.any()
    ]


def plausibility(question: PlausibilityQuestion, settings: Settings) -> PlausibilityFound:
    """Look at every world; TrialError where one fails.

    Worlds are kept in the folder of the settings as they are done, and taken up from there by `resume`.
    """
    worlds = tuple(of_piece(piece) for piece in _looked_at(question, settings))
    found = PlausibilityFound(
        scenario=question.document,
        length=question.scenario.run.length,
        unknowns=question.unknowns,
        worlds=worlds,
        replications=question.replications,
        more_than=question.more_than,
        bounded=question.pools is not None,
        kept=kept(boundless(question.scenario), question.pools),
        periods=(),
    )
    middle = found.median
    return found if middle is None else replace(found, periods=_periods(question, middle, settings))


def _looked_at(question: PlausibilityQuestion, settings: Settings) -> list[Piece]:
    """The records of all worlds, in their order."""
    there = None
    if settings.folder is not None:
        key = f"{question.key} {maker_key(settings.engine)}"
        there = Kept(settings.folder, key, resume=settings.resume, tell=settings.tell)
    n = question.n_worlds
    settings.expect(question.work_of(n))
    done: dict[int, Piece] = {}
    if there is not None and settings.resume:
        done = {index: piece for index in range(n) if (piece := there.get(str(index))) is not None}
    settings.count(question.work_of(len(done)))
    missing = [index for index in range(n) if index not in done]
    for index, result in shared_out(question.look(settings.engine), missing, settings):
        if isinstance(result, Failure):
            raise TrialError(f"world {index} of {question.scenario.name} failed: {result.error}")
        if there is not None:
            there.put(str(index), result)
        done[index] = result
        settings.at(f"plausibility: {len(done)} of {n} worlds")
        settings.count(question.work_of(len(done)))
    return [done[index] for index in range(n)]


def _periods(question: PlausibilityQuestion, world: PlausibleWorld, settings: Settings) -> tuple[PeriodsKept, ...]:
    """In how many periods each target is kept in a world with its staffing, over the whole length of the document.

    None where the document does not take the staffing as values by path, as of people that a file gives.
    """
    try:
        scenario = Variations(question.document).at(values_at(world.numbers, question.unknowns) | world.people)
    except ScenarioError:
        return ()
    settings.at("plausibility: the months, weeks and days of the median world")
    trials = Trials(scenario.run.seed, Settings(engine=settings.engine, jobs=settings.jobs, cluster=settings.cluster))
    found = joint(trials.sample(scenario, question.replications, only_targets=True), with_alone=True)
    each = [PeriodsKept(one.name, one.held) for one in found.alone]
    return (*each, PeriodsKept("", found.shares))
