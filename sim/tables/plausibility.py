"""The tables of the plausibility answer: the share of worlds by outcome, the worlds, what fails first with unlimited
staff, the people it takes, what decides, and how far it hangs on the distributions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sim.measures.estimates import Estimate, by_size
from sim.scenario.choices import UNITS
from sim.studies.plausibility import PlausibilityFound, Quantile, Reweighted, Third
from sim.studies.worlds import OUTCOMES, PlausibleWorld, WorldOutcome
from sim.tables.declared import (
    Column,
    Family,
    Table,
    estimate_columns,
    number,
    of_unknowns,
    people_at_posts,
    range_unit,
    text,
    whole,
    yes,
)

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario
    from sim.studies.sensitivity import PlausibleRange


@dataclass(frozen=True, slots=True)
class OfOutcome:
    """How many worlds have an outcome."""

    outcome: WorldOutcome
    worlds: int
    share: Estimate
    more_than: float


_MEANS: Final = {
    "held": "some staffing of at most so many FTE meets every target",
    "more": "the cheapest staffing found takes more FTE, or the work alone does",
    "no staff": "no staff can: a target is missed with unlimited staff",
    "undecided": "an interval straddles a threshold",
    "impossible": "the document does not allow the world; it is left out",
}

SHARES: Final = Table[OfOutcome](
    "plausibility",
    "an outcome: the share of the plausible worlds that have it",
    "In which plausible worlds some staffing holds",
    (
        text("outcome", lambda row: row.outcome, "held, more, no staff, undecided or impossible"),
        text("means", lambda row: _MEANS[row.outcome], "what it says of a world"),
        number("more_than", "fte", lambda row: row.more_than, "full-time equivalents that were asked about"),
        whole("worlds", "", lambda row: row.worlds, "that have it"),
        *estimate_columns("worlds", "share", lambda row: row.share, "of the worlds that the document allows"),
    ),
)


@dataclass(frozen=True, slots=True)
class OfWorld:
    """A world with its number."""

    index: int
    world: PlausibleWorld
    unknowns: tuple[PlausibleRange, ...]
    scenario: Scenario
    paths: tuple[str, ...]

    @property
    def targets(self) -> tuple[str, ...]:
        return tuple(self.scenario.targets)


def _unlimited(rows: Sequence[OfWorld]) -> Iterable[Column[OfWorld]]:
    for k, (name, target) in enumerate(rows[0].scenario.targets.items() if rows else ()):

        def best(row: OfWorld, k: int = k) -> float | None:
            return row.world.best[k].value if row.world.best else None

        unit = target.goal.unit
        yield number(f"{name}_unlimited", unit, best, "what the target comes to with unlimited staff")


def _killed(row: OfWorld) -> str | None:
    return row.targets[row.world.failing[0]] if row.world.failing else None


WORLDS: Final = Table[OfWorld](
    "plausibility_worlds",
    "a plausible world: the values of the unknowns, and what staff can do in it",
    "The worlds",
    (
        whole("world", "", lambda row: row.index, "its number, from 0"),
        of_unknowns(lambda row: row.unknowns, lambda row: row.world.numbers),
        text("outcome", lambda row: row.world.outcome, "held, more, no staff, undecided or impossible"),
        text(
            "why",
            lambda row: row.world.why or None,
            "why it is not held: beyond staff, closed, load, near, beyond bounds, not confirmed",
        ),
        text("first_to_fail_unlimited", _killed, "the target that fails first with unlimited staff"),
        Family("<target>_unlimited_<unit>", "what each target comes to with unlimited staff", _unlimited),
        number("fte", "", lambda row: row.world.fte, "full-time equivalents of all pools, overtime apart"),
        number("on_duty", "people", lambda row: row.world.on_duty, "on duty at a time, on average over the week"),
        people_at_posts(lambda row: row.paths, lambda row: row.world.people),
        text("binding", lambda row: row.world.binding or None, "the target that uses up most with that staffing"),
        whole("replications", "", lambda row: row.world.replications, "that were run in all"),
    ),
)


@dataclass(frozen=True, slots=True)
class OfKill:
    """What unlimited staff does not mend."""

    target: str
    missed: Estimate
    first: Estimate
    n_missed: int
    n_first: int


KILLS: Final = Table[OfKill](
    "plausibility_kills",
    "a target: in how many worlds unlimited staff misses it, and in how many it fails first",
    "What no staff can mend",
    (
        text("target", lambda row: row.target, "its name"),
        whole("missed_worlds", "", lambda row: row.n_missed, "in which unlimited staff misses it"),
        *estimate_columns("missed", "share", lambda row: row.missed, "of the worlds that the document allows"),
        whole("first_worlds", "", lambda row: row.n_first, "in which it uses up most of what it allows"),
        *estimate_columns("first", "share", lambda row: row.first, "of the worlds that the document allows"),
    ),
)


PLAUSIBILITY_FTE: Final = Table[Quantile](
    "plausibility_fte",
    "a quantile of the people that it takes, over the worlds where some staffing holds",
    "How many people it takes, where it holds",
    (
        number("quantile", "share", lambda row: row.part, "of those worlds lie below"),
        *estimate_columns("fte", "", lambda row: row.fte, "full-time equivalents of all pools, overtime apart"),
        *estimate_columns("on_duty", "people", lambda row: row.on_duty, "on duty at a time, on average over the week"),
    ),
)


@dataclass(frozen=True, slots=True)
class OfEffect:
    """What an unknown does to a result."""

    on: str
    unknown: PlausibleRange
    rank: int | None
    share: Estimate
    correlation: Estimate
    beyond_chance: bool
    points: int


PLAUSIBILITY_UNKNOWNS: Final = Table[OfEffect](
    "plausibility_unknowns",
    "a result and an unknown: how much of it the unknown explains",
    "What decides it",
    (
        text(
            "effect_on",
            lambda row: row.on,
            "`holds`, `any staff can`, `FTE` (where it holds), or what the worst or one target uses up with "
            "unlimited staff, by rank",
        ),
        text("path", lambda row: row.unknown.path, "of the unknown"),
        text("spread", lambda row: row.unknown.range.words, "its range, and how its values are spread"),
        whole("rank", "", lambda row: row.rank, "by what it explains of that result, from 1"),
        *estimate_columns("explained", "share", lambda row: row.share, "of the variance, by itself"),
        *estimate_columns("correlation", "", lambda row: row.correlation, "of ranks, from -1 to 1"),
        yes("beyond_chance", lambda row: row.beyond_chance, "whether it explains more than chance may, of all of them"),
        whole("worlds", "", lambda row: row.points, "that were used"),
    ),
)

THIRDS: Final = Table[Third](
    "plausibility_thirds",
    "a third of the declared values of an unknown: the share of worlds in which some staffing holds",
    "By thirds of each unknown",
    (
        text("path", lambda row: row.unknown.path, "of the unknown"),
        range_unit(lambda row: row.unknown.range),
        text("third", lambda row: row.which, "lower, middle or upper third of the worlds, by its value"),
        number("from_in_unit", "", lambda row: row.low, "the least value among them"),
        number("to_in_unit", "", lambda row: row.high, "the greatest value among them"),
        whole("worlds", "", lambda row: row.worlds, "in it"),
        *estimate_columns("held", "share", lambda row: row.held, "of them, in which some staffing holds"),
        number("fte_median", "", lambda row: row.fte, "where it holds"),
        number(
            "worst_used_median",
            "",
            lambda row: row.worst,
            "of what it allows the worst target uses up so much with unlimited staff: 1 at its threshold",
        ),
    ),
)

ALL_UNKNOWNS: Final = "all"
"""The name of all unknowns together."""

DISTRIBUTIONS: Final = Table[Reweighted](
    "plausibility_distributions",
    "an unknown with another spread over its range: the answer of the same worlds, weighed so",
    "How far it hangs on the distributions",
    (
        text(
            "path",
            lambda row: row.which if isinstance(row.which, str) else row.which.path,
            f"of the unknown; `{ALL_UNKNOWNS}`, or `deciding`: those that decide whether it holds beyond chance",
        ),
        text("spread", lambda row: row.spread, "that it is given in place of its own: uniform or log-uniform"),
        *estimate_columns("held", "share", lambda row: row.held, "of the worlds, in which some staffing holds"),
        number("fte_median", "", lambda row: row.fte, "where it holds"),
        number("effective_worlds", "", lambda row: row.effective, "as many drawn from that spread would say as much"),
        yes("enough", lambda row: row.enough, "whether these are enough to say anything"),
    ),
)


@dataclass(frozen=True, slots=True)
class OfPeriod:
    """A target in the periods of one kind."""

    target: str
    period: str
    judged: int
    share: Estimate


PERIODS: Final = Table[OfPeriod](
    "plausibility_periods",
    "a target and a kind of period: how many of these keep it, at the staffing of the median world",
    "How often each promise is kept, in the world in the middle",
    (
        text("target", lambda row: row.target, f"its name, or `{ALL_UNKNOWNS}`"),
        text("period", lambda row: row.period, "month, week or day"),
        whole("periods", "", lambda row: row.judged, "that were judged"),
        *estimate_columns("kept", "share", lambda row: row.share, "of these"),
    ),
)


def shares(found: PlausibilityFound) -> Iterator[OfOutcome]:
    """Every outcome; what is impossible is none of the others' share."""
    nothing = Estimate(math.nan, math.nan, math.nan)
    for outcome in OUTCOMES:
        share = nothing if outcome == "impossible" else found.share(outcome)
        yield OfOutcome(outcome, found.count(outcome), share, found.more_than)


def worlds(found: PlausibilityFound) -> Iterator[OfWorld]:
    """Every world in its order."""
    paths = tuple(dict.fromkeys(path for world in found.worlds for path in world.people))
    for index, world in enumerate(found.worlds):
        yield OfWorld(index, world, found.unknowns, found.scenario, paths)


def kills(found: PlausibilityFound) -> Iterator[OfKill]:
    """Every target."""
    for name, (every, first) in found.kills.items():
        k = list(found.kills).index(name)
        missed = found.part([k in world.failing for world in found.possible])
        leading = found.part([world.failing[:1] == [k] for world in found.possible])
        yield OfKill(name, missed, leading, every, first)


def effects(found: PlausibilityFound) -> Iterator[OfEffect]:
    """The effects on every result, the unknown that explains most of it first."""
    for on, told in found.explained.items():
        for rank, i in enumerate(by_size(told.share), start=1):
            yield OfEffect(
                on,
                found.unknowns[i],
                rank if told.known else None,
                told.share[i],
                found.correlation(on, i),
                told.beyond_chance[i],
                told.points,
            )


def periods(found: PlausibilityFound) -> Iterator[OfPeriod]:
    """Every target and all together, by months, weeks and days."""
    for one in found.periods:
        for period in UNITS[1:]:
            share = one.shares[period]
            if share.whole and share.n_judged:
                yield OfPeriod(one.target or ALL_UNKNOWNS, period, share.n_judged, share.share)
