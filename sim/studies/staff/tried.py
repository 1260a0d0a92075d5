"""Staffings that were tried: how each came out, what is known to fail because of it, and what the trying has cost.

A staffing is looked at after a few replications, after as many as were asked for, and after four times as many, on the
same tips as every other; it is looked at again only where that may tell more. Nothing here decides what to try next.

A verdict allows for what was not drawn: where every tip of every replication met, many replications are needed before
that counts as met. A search cannot wait for that, and goes by which way each target leans by the replications as they
are. A leaning chooses what is tried next, and proves nothing.

A search picks what came out well, so what it saw of its choice is flattering. What is said of the answer comes from
seeds that no search has seen (`confirm`). Every choice put to that test takes its part of the error, half of what is
left, so that all verdicts given there hold together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from hashlib import sha256
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from sim.measures.estimates import Estimate, Verdict, all_of, each_of, student, verdict
from sim.measures.held import HIGH, LOW, VALUE
from sim.measures.kinds import Replicated
from sim.measures.sample import Sample
from sim.measures.targets import HeldShare, Joint, TargetResult, joint, results
from sim.scenario.arrivals import expected_tips
from sim.scenario.flow import flow
from sim.scenario.profiles import plain_shares
from sim.scenario.schema import Scenario
from sim.studies.replicate import Settings
from sim.studies.staff.staffed import Post, Staffing, cost, more_may_hurt, staffed
from sim.studies.staff.starving import Care, Concern, ratio
from sim.studies.trials import Draws, Trials

LEAST: Final = 1e-3
"""A target that allows nothing counts what fails in thousandths."""
FEW: Final = 4
"""Replications of the first look."""
LAST_LOOK: Final = 4
"""The last look comes after so many times the replications that were asked for."""
SAME: Final = 0.002
"""Of two staffings that differ by no more of what a target allows, on the same tips, one fails if the other does."""
ALIKE: Final = 0.02
"""Of two that differ by no more one fails if the other does clearly, by more than this."""
TELLING: Final = 0.8, 1.2
"""Between these parts it matters how much of what a target allows is used up."""
FIXED_EFFORT: Final = 40_000
"""What a replication costs besides its visits, in visits."""
MOST_STAFFED: Final = 64
"""Staffings for which the scenario is kept that has them on duty."""

Aim = Literal["glance", "exclude", "choose"]
"""What a staffing is tried for: to see how it leans, to show that it fails, or to be chosen."""


@dataclass(frozen=True, slots=True)
class Leaning:
    """One target by a plain interval over replications."""

    value: float
    """A share, or ticks; NaN where nothing was counted."""
    used: float
    """How much of what the target allows is used up: 1 at the threshold."""
    verdict: Verdict
    reach: float = 0.0
    """How much more is used up at the worse end of the interval."""


def leanings(sample: Sample, confidence: float) -> list[Leaning]:
    """How each target leans, in their order; the intervals hold together with `confidence`."""
    targets = sample.frame.targets
    if sample.frame.recorded:
        return [
            Leaning(one.value, one.goal.used(one.value, LEAST), one.verdict) for one in results(sample, in_search=True)
        ]
    each = each_of(confidence, len(targets))
    return [_leaning(sample.of(k), each) for k in range(len(targets))]


def _leaning(one: Replicated, confidence: float) -> Leaning:
    target = one.target
    value, _ = ratio(*one.pairs(VALUE).T, confidence=confidence)
    if math.isnan(value):
        return Leaning(value, 0.0, "met")
    low, reach_low = ratio(*one.pairs(LOW).T, confidence=confidence)
    highest = one.pairs(HIGH)
    high, reach_high = (math.inf, 0.0) if np.isinf(highest).any() else ratio(*highest.T, confidence=confidence)
    interval = Estimate(value, low - reach_low, high + reach_high)
    used = target.goal.used(value, LEAST)
    worse = target.goal.used(interval.low if target.goal.side == "at_least" else interval.high, LEAST)
    goal = target.goal
    leans = verdict(interval, goal.threshold, goal.side, goal.unit)
    return Leaning(value, used, leans, max(worse - used, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """How a staffing came out at the last look at it."""

    staffing: Staffing
    cost: float
    """A week, overtime apart."""
    n_replications: int
    results: tuple[TargetResult, ...]
    """Every target, with intervals that hold together, and at all looks."""
    verdict: Verdict
    """On all targets together, by these intervals, and on all else that is minded."""
    leanings: tuple[Leaning, ...]
    shares: dict[str, HeldShare]
    """The share of runs, months, weeks and days in which every target held."""
    binding: str | None
    """The target that uses up most of what it allows."""
    rejected: bool = False
    """Whether it did not hold on fresh seeds, so that it is not chosen, however it leans."""
    concerns: tuple[Concern, ...] = ()
    """What is minded besides targets: the same things of every staffing of a search."""

    @property
    def leans(self) -> Verdict:
        """How all targets lean together, with all else that is minded; a rejected staffing does not lean to hold."""
        found = all_of([*(one.verdict for one in self.leanings), *(one.verdict for one in self.concerns)])
        return "undecided" if self.rejected and found == "met" else found

    @property
    def used(self) -> NDArray[np.float64]:
        """(n_targets + n_concerns,) how much of what each target allows is used up, and of all else that is minded."""
        return np.array([*(one.used for one in self.leanings), *(one.used for one in self.concerns)])

    @property
    def at_worst(self) -> NDArray[np.float64]:
        """(n_targets + n_concerns,) the same at the worse ends of the intervals: 1 or less of what leans to hold."""
        reach = np.array([*(one.reach for one in self.leanings), *(0.0 for _ in self.concerns)])
        found: NDArray[np.float64] = self.used + reach
        return found

    @property
    def failing(self) -> list[str]:
        """The targets that it misses, and what else it may not do; where nothing is so for certain, what is open."""
        judged: list[TargetResult | Concern] = [*self.results, *self.concerns]
        missed = [_named(one) for one in judged if one.verdict == "missed"]
        found = missed or [_named(one) for one in judged if one.verdict == "undecided" and one.used > 1]
        return list(dict.fromkeys(found))

    @property
    def as_it_stands(self) -> bool:
        """Whether every target holds by its value alone."""
        return bool(np.all(self.used <= 1))


class Tried:
    """The staffings of a scenario that were tried, each on the same tips."""

    def __init__(
        self,
        scenario: Scenario,
        posts: Sequence[Post],
        trials: Trials,
        replications: int,
        *,
        allow_overload: bool = False,
    ):
        """With `allow_overload` a staffing may hold while a line grows without end, or tips give up unminded."""
        self.scenario, self.posts, self.trials = scenario, tuple(posts), trials
        self.replications = replications
        self.care = Care(scenario, {one.pool for one in posts}, allow_overload=allow_overload)
        self.price = np.array([one.cost for one in posts])
        """(n_posts,) cost a week of one person more."""
        self.looks = tuple(sorted({min(FEW, replications), replications, LAST_LOOK * replications}))
        self.confidence = each_of(scenario.run.confidence, len(self.looks))
        """Of all targets together at one look, so that all looks at a staffing hold with the scenario's."""
        self.by_trial = more_may_hurt(scenario)
        """Whether more people may make a target worse, so that nothing follows from a staffing for any other one."""
        self.outcomes: dict[Staffing, Outcome] = {}
        """In the order in which they were tried first."""
        self.used: dict[Staffing, dict[int, NDArray[np.float64]]] = {}
        """How much of what each target allows was used up at each look, by its replications: by the same tips for all
        staffings."""
        self.failed = np.zeros((0, len(self.posts)), np.int64)
        """(n, n_posts) staffings shown to fail, without those that have nowhere more people than another one."""
        self.standing = np.zeros((0, len(self.posts)), np.int64)
        """(n, n_posts) staffings that could not be shown to fail, without those that have nowhere fewer people than
        another one."""
        self.unlikely = np.zeros((0, len(self.posts)), np.int64)
        """(n, n_posts) staffings that did not lean to hold when they were looked at as closely as a choice is, without
        those that have nowhere more people than another one."""
        self._closely: list[Staffing] = []
        """Those that were looked at as often as can be, and not shown to fail."""
        self._staffed = lru_cache(MOST_STAFFED)(partial(staffed, scenario, self.posts))
        """The scenario with a staffing on duty: another look at the same finds what was made for the last."""
        self.effort = 0.0
        """What all looks have cost, in visits to a stage."""
        share = plain_shares(scenario)
        visits = float((flow(scenario).visits @ share).sum())
        self.effort_of_one = FIXED_EFFORT + expected_tips(scenario)[0] * (1 + visits)
        """What one replication costs."""

    def cost(self, staffing: Staffing) -> float:
        """A week, overtime apart."""
        return cost(self.posts, staffing)

    def excluded(self, staffing: Sequence[int] | NDArray[np.int64]) -> bool:
        """Whether it has nowhere more people than a staffing that was shown to fail, or is one `by_trial`."""
        x = np.asarray(staffing)
        return bool(np.all(x == self.failed if self.by_trial else x <= self.failed, axis=1).any())

    def outdone(self, staffing: Staffing) -> bool:
        """Whether it has nowhere more people than one that did not lean to hold, so that it would not either: the tips
        are the same. It may be undecided all the same, and is not shown to fail."""
        return not self.by_trial and bool(np.all(np.array(staffing) <= self.unlikely, axis=1).any())

    def fails(self, staffing: Staffing) -> bool:
        """Whether a staffing is known to fail, or is shown to by trying it.

        It is not tried where it has nowhere fewer people than one that could not be shown to fail.
        """
        if self.excluded(staffing):
            return True
        if self.stands(staffing):
            return False
        if self.look(staffing, "exclude").verdict == "missed":
            return True
        self._note_standing(np.array(staffing))
        return False

    def stands(self, staffing: Staffing) -> bool:
        """Whether it has nowhere fewer people than a staffing that could not be shown to fail, or is one `by_trial`."""
        x = np.array(staffing)
        return bool(np.all(x == self.standing if self.by_trial else x >= self.standing, axis=1).any())

    def full(self, staffing: Staffing) -> Outcome:
        """How a staffing comes out with as many replications as were asked for, or more."""
        found = self.look(staffing, "glance")
        if found.n_replications < self.replications:
            found = self._look(staffing, self.replications)
        return found

    def reject(self, staffing: Staffing) -> None:
        """Note that a staffing did not hold on fresh seeds."""
        self.outcomes[staffing] = replace(self.outcomes[staffing], rejected=True)

    def glance(self, staffing: Staffing) -> NDArray[np.float64]:
        """(n_targets + n_concerns,) `used` of the first look."""
        self.look(staffing, "glance")
        return self.used[staffing][self.looks[0]]

    def foreseen(self, staffing: Staffing) -> float:
        """How much of what a target allows a staffing is likely to use up, at most, at the worse end of the interval
        that it leans by, if it is looked at as often as can be; NaN where nothing tells. What is looked at next goes
        by that, and no verdict.

        Told by the staffing that was looked at so and came out most like it before: by what the two differ on the same
        tips, and what that one then came to.
        """
        if not self._closely:
            return math.nan
        glance = np.clip(self.glance(staffing), *TELLING)
        like = min(self._closely, key=lambda one: float(np.abs(np.clip(self.glance(one), *TELLING) - glance).max()))
        n = max(set(self.used[staffing]) & set(self.used[like]))
        differ = self.used[staffing][n] - self.used[like][n]
        return float(np.max(self.outcomes[like].at_worst + differ, initial=0.0))

    def look(self, staffing: Staffing, aim: Aim) -> Outcome:
        """How a staffing comes out, looked at as often as the aim is worth."""
        found = self.outcomes.get(staffing)
        for n in self.looks:
            if found is None or (n > found.n_replications and self._tells_more(found, n, aim)):
                if aim == "exclude" and found is not None and self._likened(found):
                    break
                found = self._look(staffing, n)
        assert found is not None
        return found

    def _tells_more(self, found: Outcome, n: int, aim: Aim) -> bool:
        """Whether a look at n replications may settle what the last one left open."""
        if aim == "glance" or found.verdict == "missed" or found.rejected:
            return False
        if found.leans == "met":
            return False
        if aim == "choose":
            return found.n_replications < self.replications or found.as_it_stands
        if any(one.verdict == "undecided" for one in found.concerns):
            return True
        last = n if found.n_replications >= self.replications else self.looks[-1]
        each = each_of(self.confidence, len(found.results))
        wide, narrow = (student(each, n - 1) / math.sqrt(n) for n in (found.n_replications, last))
        return any(_may_fail(one, narrow / wide) for one in found.results)

    def _likened(self, found: Outcome) -> bool:
        """Whether every target that a staffing may fail by came out no worse on the same tips than with another one,
        which was looked at as often as can be and does not fail by it: so that this one would not either."""
        over = [int(k) for k in np.flatnonzero(found.used > 1)]
        if any(k >= len(found.results) for k in over):
            return False
        looked = [
            (one.results, found.used - before)
            for one in self.outcomes.values()
            if one.n_replications == self.looks[-1]
            and (before := self.used[one.staffing].get(found.n_replications)) is not None
        ]
        return all(
            any(
                each[k].verdict != "missed"
                and (differ[k] <= SAME or (differ[k] <= ALIKE and each[k].used_at_best + differ[k] <= 1 - ALIKE))
                for each, differ in looked
            )
            for k in over
        )

    def _look(self, staffing: Staffing, n: int) -> Outcome:
        """A look at n replications, and what follows from it for other staffings."""
        before = self.outcomes.get(staffing)
        outcome = self._outcome(staffing, n)
        self.outcomes[staffing] = outcome
        self.used.setdefault(staffing, {})[n] = outcome.used
        if n == self.looks[-1] and outcome.verdict != "missed":
            self._closely.append(staffing)
        self.effort += self.effort_of_one * (n - (before.n_replications if before else 0))
        x = np.array(staffing)
        if outcome.verdict == "missed":
            if not self.excluded(staffing):
                fewer = np.zeros(len(self.failed), np.bool_) if self.by_trial else np.all(self.failed <= x, axis=1)
                self.failed = np.vstack([self.failed[~fewer], x])
        elif outcome.leans == "met" or n >= self.replications:
            self._note_standing(x)
        chosen = any(self._tells_more(outcome, more, "choose") for more in self.looks if more > n)
        if outcome.leans != "met" and outcome.verdict != "missed" and not chosen and not self.outdone(staffing):
            self.unlikely = np.vstack([self.unlikely[~np.all(self.unlikely <= x, axis=1)], x])
        return outcome

    def _note_standing(self, x: NDArray[np.int64]) -> None:
        """Note that a staffing could not be shown to fail."""
        more = np.zeros(len(self.standing), np.bool_) if self.by_trial else np.all(self.standing >= x, axis=1)
        self.standing = np.vstack([self.standing[~more], x])

    def _outcome(self, staffing: Staffing, n: int) -> Outcome:
        scenario = self._staffed(staffing)
        only_targets = self.care.only_targets
        sample = self.trials.sample(scenario, n, only_targets=only_targets)
        found = joint(sample, self.confidence, in_search=True)
        concerns = self.care.concerns(
            scenario, sample, lambda: self.trials.sample(self.scenario, n, only_targets=only_targets)
        )
        return Outcome(
            staffing=staffing,
            cost=self.cost(staffing),
            n_replications=n,
            results=found.results,
            verdict=all_of([found.verdict, *(one.verdict for one in concerns)]),
            leanings=tuple(leanings(sample, self.scenario.run.confidence)),
            shares=found.shares,
            binding=found.binding,
            concerns=concerns,
        )


def _named(one: TargetResult | Concern) -> str:
    return one.name if isinstance(one, TargetResult) or one.kind in ("nothing", "left out") else one.words


def _may_fail(one: TargetResult, narrower: float) -> bool:
    """Whether an undecided target would be missed by an interval of this part of the width, its value staying the
    same."""
    if one.verdict != "undecided" or one.used <= 1:
        return False
    reach = one.high - one.value if one.side == "at_least" else one.value - one.low
    return abs(one.value - one.threshold) > reach * narrower


# On fresh seeds


TIMES: Final = (1, 4, 16)
"""The looks come after so many times the replications asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Confirmation:
    """How a staffing came out on fresh seeds."""

    seed: int
    confidence: float
    """Of the verdict."""
    sample: Sample
    joint: Joint
    """All targets, with intervals that hold together, at all looks."""
    leans: Verdict
    """By the replications as they are, without allowance for what was not drawn."""
    concerns: tuple[Concern, ...] = ()
    """What a search minds besides targets."""

    @property
    def n_replications(self) -> int:
        return len(self.sample)

    @property
    def verdict(self) -> Verdict:
        return self.joint.verdict

    @property
    def accepted(self) -> bool:
        """Whether the staffing holds, or nothing speaks against it that more replications could tell."""
        if any(one.verdict != "met" for one in self.concerns):
            return False
        return self.verdict == "met" or (self.verdict == "undecided" and self.leans == "met")

    @property
    def unproven(self) -> tuple[str, ...]:
        """The targets of an accepted staffing that so few replications cannot show to hold."""
        return tuple(self.joint.named("undecided"))


def confirm(
    scenario: Scenario, settings: Settings, replications: int, turn: int = 0, care: Care | None = None
) -> Confirmation:
    """Run a scenario on seeds of its own and judge it; `turn` counts the choices that were put to the test before.

    Looks after 1, 4 and 16 times the replications, as far as the next look may tell more. With `care` also by what a
    search minds besides targets.
    """
    seed = fresh_seed(scenario.run.seed, turn)
    error = (1 - scenario.run.confidence) / 2 ** (turn + 1)
    confidence = 1 - error
    folder = None if settings.folder is None else settings.folder / f"fresh-{turn}"
    # Each is met by one staffing, so that none is kept for another.
    trials = Trials(seed, replace(settings, folder=folder, count=lambda _: None), f"fresh {seed}", Draws(0))
    each = each_of(confidence, len(TIMES))
    for times, following in zip(TIMES, (*TIMES[1:], 0), strict=True):
        n = times * replications
        sample = trials.sample(scenario, n)
        found = joint(sample, each, in_search=True)
        leans = all_of([one.verdict for one in leanings(sample, each)])
        if found.verdict != "undecided" or not following:
            break
        if leans == "met":
            if not _would_be_met(sample, TIMES[-1] // times, each):
                break
        elif leans == "missed" or following == TIMES[-1]:
            break
    concerns = () if care is None else care.concerns(scenario, sample, lambda: trials.sample(care.scenario, n))
    return Confirmation(seed, confidence, sample, found, leans, concerns)


def fresh_seed(seed: int, turn: int) -> int:
    """A seed that no search has used: it follows from the scenario's own and the turn."""
    return int.from_bytes(sha256(f"{seed} fresh {turn}".encode()).digest()[:8]) >> 1


def _would_be_met(sample: Sample, times: int, confidence: float) -> bool:
    """Whether all targets would be met if so many times the replications came out as these."""
    targets = sample.frame.targets
    each = each_of(confidence, len(targets))
    for k, target in enumerate(targets):
        repeated, goal = sample.of(k).repeated(times).estimate(each), target.goal
        if verdict(repeated, goal.threshold, goal.side, goal.unit) != "met":
            return False
    return True
