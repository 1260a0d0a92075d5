"""The tables of a search for staffing: the answer post by post, its targets and certificate, and all that was tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sim.measures.estimates import Estimate
from sim.measures.use import PoolUse
from sim.scenario.cost import full_time
from sim.studies.staff.staffed import post_words
from sim.tables.declared import (
    Column,
    Family,
    Table,
    asked_columns,
    came_columns,
    estimate_columns,
    for_each,
    number,
    of,
    people_at_posts,
    per_target,
    text,
    whole,
    yes,
)
from sim.tables.run import POOLS, in_the_way, more_staff_columns

if TYPE_CHECKING:
    from sim.measures.targets import TargetResult
    from sim.studies.staff.certificate import Certificate
    from sim.studies.staff.limits import Limit
    from sim.studies.staff.search import FrontierPoint
    from sim.studies.staff.staffed import Post
    from sim.studies.staff.staffing import StaffAnswer, StaffFound
    from sim.studies.staff.tried import Confirmation, Outcome


@dataclass(frozen=True, slots=True)
class AtPost:
    """A post of the answer; of the search where it found none."""

    answer: StaffAnswer
    post: Post
    people: int | None
    less: Outcome | None
    """What one person less there would do; None where that is below the bounds, or not known."""

    @property
    def one_less(self) -> str | None:
        if self.less is not None:
            return self.less.verdict
        return "below the bounds" if self.answer.certificate else None


def _of_people(get: Callable[[AtPost, int], Any]) -> Callable[[AtPost], Any]:
    return lambda row: None if row.people is None else get(row, row.people)


STAFFING: Final = Table[AtPost](
    "staffing",
    "a post (a pool or one of its shifts): its bounds, the people of the answer, their hours and cost, what one less "
    "does",
    "The staffing, post by post",
    (
        text("path", lambda row: row.post.path, "where a document has the number"),
        text("post", lambda row: post_words(row.answer.scenario, row.post), "the pool, and the hours of its shift"),
        whole("people", "", lambda row: row.people, "of the answer; empty where there is none"),
        whole("least_people", "", lambda row: row.post.least, "the lower bound of the search"),
        whole("most_people", "", lambda row: row.post.most, "its upper bound"),
        text("bounds", lambda row: row.post.source, "where these come from"),
        number("paid", "h_a_week", _of_people(lambda row, n: row.post.paid_hours * n), "overtime apart"),
        number(
            "fte",
            "",
            _of_people(lambda row, n: full_time(row.answer.scenario, row.post.paid_hours * n)),
            "full-time equivalents",
        ),
        number("cost_a_week", "", _of_people(lambda row, n: row.post.cost * n), "paid hours times the price"),
        text("one_less_verdict", lambda row: row.one_less, "the verdict with one person less there"),
        text("one_less_fails", lambda row: ", ".join(row.less.failing) if row.less else "", "what then fails"),
    ),
)


@dataclass(frozen=True, slots=True)
class OfTarget:
    """A target with unlimited staff, and with the answer on fresh seeds."""

    limit: Limit | None
    fresh: TargetResult | None

    @property
    def either(self) -> TargetResult:
        """What it asks is the same in both."""
        if self.fresh is not None:
            return self.fresh
        assert self.limit is not None
        return self.limit.result


STAFF_TARGETS: Final = Table[OfTarget](
    "staff_targets",
    "a target: with unlimited staff, and with the answer on fresh seeds",
    "Its targets, with unlimited staff and on fresh seeds",
    (
        text("target", lambda row: row.either.name, "its name in the document"),
        *asked_columns(lambda row: row.either),
        *came_columns(lambda row: row.limit.result if row.limit else None, "unlimited_"),
        yes("beyond_staff", of(lambda row: row.limit, lambda one: one.beyond_staff), "whether no staffing can meet it"),
        *more_staff_columns(lambda row: row.limit),
        text("in_the_way", lambda row: in_the_way(row.limit) if row.limit else "", "what hinders it"),
        *came_columns(lambda row: row.fresh),
    ),
)


@dataclass(frozen=True, slots=True)
class Whole:
    """The answer as a whole."""

    answer: StaffAnswer
    certificate: Certificate
    fresh: Confirmation


CERTIFICATE: Final = Table[Whole](
    "staff_certificate",
    "the answer as a whole: hours, cost, how surely it holds, how many cheaper staffings there are and stay open",
    "What is known of the staffings that cost less",
    (
        whole("people", "", lambda row: sum(row.answer.staffing or ()), "at all posts"),
        number("paid", "h_a_week", lambda row: row.answer.paid_hours, "overtime apart"),
        number("fte", "", lambda row: row.answer.fte, "full-time equivalents"),
        number("cost_a_week", "", lambda row: row.answer.cost, "paid hours times the prices"),
        whole("fresh_replications", "", lambda row: row.fresh.n_replications, "on seeds that no search has seen"),
        number("confidence", "share", lambda row: row.fresh.confidence, "of the verdict"),
        text("verdict", lambda row: row.fresh.joint.word, "on all targets together, on fresh seeds"),
        text("binding", lambda row: row.fresh.joint.binding, "the target that uses up most of what it allows"),
        whole("staffings_within_bounds", "", lambda row: row.certificate.n_within, "however much they cost"),
        whole("cheaper_staffings", "", lambda row: row.certificate.remainder.cheaper, "those that cost less"),
        whole("cheaper_open_staffings", "", lambda row: row.certificate.remainder.open, "neither tried nor excluded"),
        yes("counted_exactly", lambda row: row.certificate.remainder.exactly, "or at most so many"),
        number("most_saved_a_week", "", lambda row: row.answer.most_saved, "by the best of those that are open"),
        whole("tried_staffings", "", lambda row: len(row.answer.tried.outcomes) if row.answer.tried else 0, "in all"),
        whole("shown_to_fail_staffings", "", lambda row: row.certificate.n_failed, "of those that were tried"),
    ),
)

STAFF_POOLS: Final = Table[PoolUse](
    "staff_pools",
    "a pool of the answer: load, occupancy, hours, cost",
    "Its pools: load, occupancy, hours and cost",
    POOLS.columns,
)


@dataclass(frozen=True, slots=True)
class OfTried:
    """A staffing that was tried."""

    answer: StaffAnswer
    outcome: Outcome
    point: FrontierPoint | None = None
    """The share of good periods that it buys, where that was asked for."""
    per: str = ""
    """These periods."""

    @property
    def people(self) -> dict[str, int]:
        """By the path of each post."""
        return {post.path: n for post, n in zip(self.answer.posts, self.outcome.staffing, strict=True)}

    @property
    def bought(self) -> Estimate:
        """The share of good periods."""
        assert self.point is not None
        return Estimate(self.point.share, self.point.low, self.point.high)


_PEOPLE: Final[Family[OfTried]] = people_at_posts(lambda row: row.people, lambda row: row.people)


TRIED: Final = Table[OfTried](
    "staff_tried",
    "a staffing that was tried, with its verdict",
    "Every staffing that was tried",
    (
        _PEOPLE,
        number("cost_a_week", "", lambda row: row.outcome.cost, "overtime apart"),
        whole("replications", "", lambda row: row.outcome.n_replications, "of the last look at it"),
        text("verdict", lambda row: row.outcome.verdict, "on the tips of the search, allowing for all looks at it"),
        text("leans", lambda row: row.outcome.leans, "the same by the replications alone, which the search goes by"),
        yes("chosen", lambda row: row.outcome.staffing == row.answer.staffing, "whether it is the answer"),
        yes("refused_on_fresh_seeds", lambda row: row.outcome.rejected, "whether it was, and did not hold there"),
        number(
            "all_held_weeks", "share", lambda row: row.outcome.shares["week"].share.value, "weeks in which all held"
        ),
        per_target(lambda row: row.outcome.results),
    ),
)


def _shares(per: str) -> Iterable[Column[OfTried]]:
    return estimate_columns(f"all_held_{per}s", "share", lambda row: row.bought, "periods in which every target held")


FRONTIER: Final = Table[OfTried](
    "frontier",
    "a staffing that no cheaper one beats: its cost and the share of periods in which all targets hold",
    "Staffings that are worth their cost",
    (
        _PEOPLE,
        number("cost_a_week", "", lambda row: row.outcome.cost, "overtime apart"),
        for_each(
            "all_held_<period>s_share, all_held_<period>s_low_share, all_held_<period>s_high_share",
            "periods in which every target held",
            lambda row: [row.per] if row.per else [],
            _shares,
        ),
        yes(
            "worth_its_cost",
            of(lambda row: row.point, lambda point: point.best),
            "whether none tried has a higher share for as much or less",
        ),
        text("verdict", lambda row: row.outcome.verdict, "on the tips of the search"),
        whole("replications", "", lambda row: row.outcome.n_replications, "of the last look at it"),
    ),
)


def posts(answer: StaffAnswer) -> Iterator[AtPost]:
    """Every post that was decided."""
    people = answer.staffing or (None,) * len(answer.posts)
    for post, n, less in zip(answer.posts, people, answer.neighbours, strict=True):
        yield AtPost(answer, post, n, less)


def targets(answer: StaffAnswer) -> Iterator[OfTarget]:
    """Every target that was asked about."""
    best = {one.name: one for one in answer.limits}
    fresh = {one.name: one for one in answer.confirmation.joint.deciding} if answer.confirmation else {}
    for name in dict.fromkeys((*best, *fresh)):
        yield OfTarget(best.get(name), fresh.get(name))


def as_a_whole(answer: StaffAnswer) -> Iterator[Whole]:
    """The answer, where it has a certificate."""
    if answer.certificate is not None and answer.confirmation is not None:
        yield Whole(answer, answer.certificate, answer.confirmation)


def tried(answer: StaffAnswer) -> Iterator[OfTried]:
    """Every staffing that was tried, in that order."""
    for one in answer.tried.outcomes.values() if answer.tried is not None else ():
        yield OfTried(answer, one)


def frontier(found: StaffFound) -> Iterator[OfTried]:
    """Every staffing that was tried in full, the cheapest first."""
    for point in found.frontier:
        yield OfTried(found.answer, point.outcome, point, found.per)
