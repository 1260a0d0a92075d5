"""The cheapest staffing that meets every target at once, and what is known of all that cost less.

`cheapest` gives a staffing that holds on fresh seeds; `staff` adds what no staff can mend, said before the search, and
the certificate; `found` what a full run of the answer shows: loads of the pools, and the hours that bind. Which numbers
are decided, and between which bounds, is said in `staffed.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from sim.measures.estimates import Verdict
from sim.measures.use import PoolUse, uses
from sim.scenario.choices import Per
from sim.scenario.cost import full_time
from sim.scenario.describe import describe
from sim.scenario.schema import Scenario
from sim.studies.binding import ENOUGH_UNITS, Stretch, worst_stretch
from sim.studies.replicate import run
from sim.studies.staff.certificate import CHEAPER, Certificate, Proof
from sim.studies.staff.limits import Limit, limits
from sim.studies.staff.search import FrontierPoint, cheap, first_guess, lowered, moved, points, walk
from sim.studies.staff.staffed import (
    Bounds,
    Post,
    Staffing,
    bounded,
    changes,
    cost,
    decided,
    kept,
    staffed,
    unlimited,
    with_pools,
)
from sim.studies.staff.tried import Confirmation, Outcome, Tried, confirm, leanings
from sim.studies.trials import QuestionError, Trials

FEWEST_REPLICATIONS: Final = 4
"""Fewer give no interval to choose by."""
MOST_EFFORT: Final = 300e6
"""Visits after which a search looks no further: about a minute on two cores."""
SEARCHING: Final = 0.5
"""The part of the effort that sideways moves may take; the rest is for the certificate."""
NO_EXCHANGES: Final = 0.0
"""The effort for exchanges of people between posts where a search is one of many: none."""
MOST_TURNS: Final = 12
"""Choices that are put to the test on fresh seeds before the search gives up."""

Why = Literal["beyond staff", "closed", "beyond bounds", "not confirmed"]
"""closed: unlimited people at the posts that there are still miss a target, and people at other hours would not."""


@dataclass(frozen=True, slots=True)
class Relief:
    """What more people in one pool would do, beyond the bounds."""

    pool: str
    targets: tuple[str, ...]
    """Those that then lean to hold, and do not within the bounds."""


@dataclass(frozen=True, slots=True, eq=False)
class StaffAnswer:
    """The cheapest staffing found, or why there is none."""

    scenario: Scenario
    posts: tuple[Post, ...]
    limits: tuple[Limit, ...]
    """The best that each target can come to, whatever the staff; empty where that was not asked."""
    tried: Tried | None
    """None where no search took place."""
    staffing: Staffing | None
    why: Why | None
    """Why there is none."""
    confirmation: Confirmation | None = None
    """How the answer came out on fresh seeds."""
    certificate: Certificate | None = None
    rejected: tuple[Staffing, ...] = ()
    """Cheaper choices that did not hold on fresh seeds."""
    top: Outcome | None = None
    """Where the bounds are too narrow: what the most people within them come to."""
    reliefs: tuple[Relief, ...] = ()
    """And which pools would relieve it if they alone had people without limit, around the clock."""
    kept: tuple[str, ...] = ()
    """Pools that keep their people, since no target depends on them."""

    @property
    def changes(self) -> dict[str, str]:
        """What makes the document have this staffing: values by path; empty without an answer."""
        return {} if self.staffing is None else changes(self.scenario, self.posts, self.staffing)

    @property
    def by_path(self) -> dict[str, int]:
        """The number of people at each path of the document; empty without an answer."""
        return {post.path: people for post, people in zip(self.posts, self.staffing or (), strict=False)}

    @property
    def cost(self) -> float:
        """A week, overtime apart; that of the decided posts only."""
        return cost(self.posts, self.staffing) if self.staffing is not None else float("nan")

    @property
    def paid_hours(self) -> float:
        """A week, of the decided posts, overtime apart."""
        return sum(post.paid_hours * people for post, people in zip(self.posts, self.staffing or (), strict=False))

    @property
    def fte(self) -> float:
        """Full-time equivalents of these hours."""
        return full_time(self.scenario, self.paid_hours)

    @property
    def confirmed(self) -> bool:
        """Whether there is a staffing, shown on fresh seeds to meet every target."""
        return self.confirmation is not None and self.confirmation.verdict == "met"

    def verdict_of(self, one: Outcome) -> Verdict:
        """The verdict on a staffing that was tried: on the answer that of fresh seeds, which no search has chosen."""
        if self.confirmation is not None and one.staffing == self.staffing:
            return self.confirmation.verdict
        return one.verdict

    @property
    def most_saved(self) -> float:
        """What the best of the cheaper staffings that the certificate leaves open would save a week."""
        rest = self.certificate.remainder if self.certificate else None
        return self.cost - rest.least_cost if rest is not None and rest.open else 0.0

    @property
    def neighbours(self) -> tuple[Outcome | None, ...]:
        """For each post, how the answer comes out with one person less there; None where that is not known."""
        return self.certificate.neighbours if self.certificate else (None,) * len(self.posts)

    @property
    def staffed(self) -> Scenario:
        """The scenario with the answer on duty; ValueError without one."""
        if self.staffing is None:
            raise ValueError(f"there is no staffing: {self.why}")
        return staffed(self.scenario, self.posts, self.staffing)


def cheapest(
    scenario: Scenario,
    *,
    trials: Trials,
    pools: Mapping[str, Bounds] | None = None,
    replications: int | None = None,
    start: Mapping[str, int] | None = None,
    most_effort: float = MOST_EFFORT * SEARCHING,
    allow_overload: bool = False,
) -> StaffAnswer:
    """A cheap staffing that meets all targets of a scenario on fresh seeds, without a certificate.

    `pools` names the pools that are decided, with bounds or None, as in `staffed.decided`; `start` gives
    numbers by path from which the search sets out, such as the answer to a question much like this one. With
    `allow_overload` lines may grow without end and tips give up unminded.
    Where no target depends on the pools named, the answer has no posts. QuestionError where no pool has staff.
    """
    _check(scenario, pools)
    search = _Search(scenario, trials, pools, replications, most_effort, allow_overload=allow_overload)
    return search.answer(start or {})


def staff(
    scenario: Scenario,
    *,
    trials: Trials,
    pools: Mapping[str, Bounds] | None = None,
    replications: int | None = None,
    most_effort: float = MOST_EFFORT,
    allow_overload: bool = False,
) -> StaffAnswer:
    """The cheapest staffing within the bounds that meets all targets, with its certificate.

    Where unlimited staff misses a target, or does so at the hours of the posts that there are, the answer says so and
    nothing is searched. With `allow_overload` a staffing may hold while a line grows without end, or tips give up
    unminded. `at` of the settings is told what is being done; how long it takes cannot be known. QuestionError where
    nothing can be decided.
    """
    _check(scenario, pools)
    if not decided(scenario, pools):
        spared = ", ".join(kept(scenario, pools))
        raise QuestionError(f"there is nobody to decide about: no target depends on the people of {spared}")
    best = tuple(limits(scenario, trials, enough(scenario, replications), hurried=False))
    if any(one.beyond_staff for one in best):
        return StaffAnswer(scenario, (), best, None, None, "beyond staff")
    if any(one.more_staff == "hours" for one in best):
        return StaffAnswer(scenario, (), best, None, None, "closed")
    search = _Search(scenario, trials, pools, replications, most_effort, allow_overload=allow_overload)
    trials.settings.at("staff: searching for the cheapest that holds")
    answer = replace(search.answer({}), limits=best)
    if answer.staffing is None:
        return answer
    trials.settings.at("staff: proving that nothing cheaper does")
    return search.certified(answer)


def _check(scenario: Scenario, pools: Mapping[str, Bounds] | None) -> None:
    """QuestionError where no staffing could be looked for, said before anything is run."""
    if not scenario.targets:
        raise QuestionError("there are no targets that a staffing could meet")
    if not decided(scenario, pools) and not kept(scenario, pools):
        raise QuestionError("there is nobody to decide about: no pool was named that has staff")


def enough(scenario: Scenario, replications: int | None = None) -> int:
    """Replications that a staffing is judged by at first: as many as asked for, but enough for an interval."""
    return max(scenario.run.replications if replications is None else replications, FEWEST_REPLICATIONS)


class _Search:
    """One search for a staffing, up to its certificate."""

    def __init__(
        self,
        scenario: Scenario,
        trials: Trials,
        pools: Mapping[str, Bounds] | None,
        replications: int | None,
        most_effort: float,
        *,
        allow_overload: bool,
    ):
        self.scenario, self.settings = scenario, trials.settings
        self.posts, self.kept = bounded(scenario, trials, pools), kept(scenario, pools)
        self.replications, self.most_effort = enough(scenario, replications), most_effort
        self.tried = Tried(scenario, self.posts, trials, self.replications, allow_overload=allow_overload)
        self.rejected: list[Staffing] = []
        self.turns = 0

    def answer(self, start: Mapping[str, int]) -> StaffAnswer:
        """A staffing that holds, no one person of which can go, confirmed; or why there is none."""
        guess = first_guess(self.scenario, self.posts)
        wanted = tuple(
            min(max(start.get(post.path, people), post.least), post.most)
            for post, people in zip(self.posts, guess, strict=True)
        )
        effort = self.most_effort * SEARCHING
        none = StaffAnswer(self.scenario, self.posts, (), self.tried, None, None, kept=self.kept)
        found = cheap(self.tried, wanted, effort)
        while found is not None and self._may_choose:
            confirmation = self.confirmed(found)
            if confirmation is not None:
                return replace(none, staffing=found, confirmation=confirmation, rejected=tuple(self.rejected))
            found = cheap(self.tried, found, effort)
        if found is not None:
            return replace(none, why="not confirmed", rejected=tuple(self.rejected))
        top = self.tried.outcomes[tuple(post.most for post in self.posts)]
        return replace(none, why="beyond bounds", top=top, reliefs=self._reliefs(top))

    @property
    def _may_choose(self) -> bool:
        """Whether another choice may be put to the test."""
        return self.turns < MOST_TURNS

    def confirmed(self, staffing: Staffing) -> Confirmation | None:
        """How a staffing comes out on fresh seeds; None where it does not hold there, which is noted."""
        there = staffed(self.scenario, self.posts, staffing)
        found = confirm(there, self.settings, self.replications, self.turns, self.tried.care)
        self.turns += 1
        if found.accepted:
            return found
        self.tried.reject(staffing)
        self.rejected.append(staffing)
        return None

    def certified(self, answer: StaffAnswer) -> StaffAnswer:
        """The answer, or a cheaper one met on the way, with what is known of all that cost less."""
        assert answer.staffing is not None
        chosen, confirmation = answer.staffing, answer.confirmation
        neighbours = self.neighbours(chosen)
        proof = Proof(self.tried, self.tried.cost(chosen))
        while (better := self._better(chosen, neighbours if self._may_choose else (), proof)) is not None:
            # What leans to hold and is no longer put to the test is told as undecided; the proof goes on without it.
            if not self._may_choose:
                continue
            better = lowered(self.tried, better)
            confirmed = self.confirmed(better)
            if confirmed is not None:
                chosen, confirmation = better, confirmed
                neighbours = self.neighbours(chosen)
                proof.bound(self.tried.cost(chosen))
        certificate = Certificate(
            neighbours=tuple(neighbours),
            remainder=proof.remainder(),
            n_within=math.prod(post.most - post.least + 1 for post in self.posts),
            n_failed=sum(one.verdict == "missed" for one in self.tried.outcomes.values()),
            n_unsure=sum(
                one.verdict != "missed" and not self.tried.excluded(staffing)
                for staffing, one in self.tried.outcomes.items()
                if one.cost < self.tried.cost(chosen) * (1 - CHEAPER)
            ),
            n_outdone=proof.n_outdone,
            against=tuple(
                staffing
                for staffing, one in self.tried.outcomes.items()
                if one.leans == "met" and self.tried.excluded(staffing)
            ),
            effort=self.most_effort / MOST_EFFORT,
            by_trial=self.tried.by_trial,
        )
        return replace(
            answer,
            staffing=chosen,
            confirmation=confirmation,
            certificate=certificate,
            rejected=tuple(self.rejected),
        )

    def _reliefs(self, top: Outcome) -> tuple[Relief, ...]:
        """The pools that stand in the way when the most people within the bounds are not enough."""
        names = list(self.scenario.targets)
        short = [k for k, one in enumerate(top.leanings) if one.verdict != "met"]
        highest = staffed(self.scenario, self.posts, top.staffing)
        free = unlimited(self.scenario).pools
        found = []
        for pool in self.scenario.pools:
            freed = with_pools(highest, {**highest.pools, pool: free[pool]})
            sample = self.tried.trials.sample(freed, self.tried.looks[0])
            leans = leanings(sample, self.scenario.run.confidence)
            relieved = tuple(names[k] for k in short if leans[k].verdict == "met")
            if relieved:
                found.append(Relief(pool, relieved))
        return tuple(found)

    def neighbours(self, staffing: Staffing) -> list[Outcome | None]:
        """How a staffing comes out with one person less at each post; None where that is out of bounds."""
        found: list[Outcome | None] = []
        for i, post in enumerate(self.posts):
            less = moved(staffing, i, -1)
            if less[i] < post.least:
                found.append(None)
            else:
                found.append(self.tried.look(less, "exclude" if self.tried.excluded(less) else "choose"))
        return found

    def _better(self, chosen: Staffing, neighbours: Sequence[Outcome | None], proof: Proof) -> Staffing | None:
        """A cheaper staffing that leans to hold; None where none is left, or the effort is spent."""
        for one in neighbours:
            # A neighbour that was refused since then leans to hold no longer.
            if one is None or one.cost >= self.tried.cost(chosen):
                continue
            if self.tried.outcomes[one.staffing].leans == "met":
                return one.staffing
        return proof.close(chosen, self.most_effort)


# With a full run of the answer


TIPS_FOR_HOURS: Final = 300_000
"""So many tips of the answer are looked at to see at which hours of the week they fail."""


@dataclass(frozen=True, slots=True)
class StaffFound:
    """An answer with what a full run of it showed."""

    answer: StaffAnswer
    pools: tuple[PoolUse, ...] = ()
    """Loads, occupancy and hours of every pool with the answer on duty, on fresh seeds; empty without an answer."""
    stretch: Stretch | None = None
    """The hours in which the binding target fails most."""
    frontier: tuple[FrontierPoint, ...] = ()
    """Every staffing that was tried in full, where that was asked for."""
    per: Per = "week"
    """The periods of the frontier."""

    @property
    def scenario(self) -> Scenario:
        return self.answer.scenario

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
) -> StaffFound:
    """The cheapest staffing, looked for `effort` times as long as usual, with a full run of it.

    With `allow_overload` lines may grow without end and tips give up unminded; with `frontier` also what a share of
    these periods in which all targets hold costs. QuestionError where nothing can be decided.
    """
    most = effort * MOST_EFFORT
    answer = staff(scenario, pools=pools, trials=trials, most_effort=most, allow_overload=allow_overload)
    confirmation, tried = answer.confirmation, answer.tried
    if answer.staffing is None or confirmation is None or tried is None:
        return StaffFound(answer)
    stretch = _stretch(answer, trials)
    if frontier is not None:
        walk(tried, answer.staffing, frontier)
    return StaffFound(
        answer,
        pools=tuple(uses(confirmation.sample)),
        stretch=stretch,
        frontier=tuple(points(tried, frontier)) if frontier is not None else (),
        per=frontier or "week",
    )


def _stretch(answer: StaffAnswer, trials: Trials) -> Stretch | None:
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
