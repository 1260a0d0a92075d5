"""The search for a cheap staffing: a first guess, from it up until all targets hold, down again, and sideways.

The guess takes each post on its own: the fewest people by Erlang's formulas in an average hour, each line of Poisson
arrivals and exponential work; a target that spans several lines gives each an equal part of the time and of the misses
that it allows. It saves trials and proves nothing.

What is tried next follows from how much of what the targets allow each person more or less uses up. The search gives a
staffing that holds and none with one person less that does; that there is no cheaper one is for `certificate.py`. From
an answer a walk goes up and down, a person at a time, for what a higher or a lower share of good periods costs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.measures.kinds import Enough, ErlangLine, kind_of
from sim.scenario.choices import Per
from sim.scenario.flow import flow, offered_hours
from sim.scenario.moments import Milestone
from sim.scenario.schema import ByAttribute, Law, Scenario, Stage
from sim.scenario.targets import OfPool, OfTips, Timed
from sim.studies.staff.staffed import Post, Staffing, hours_of, present
from sim.studies.staff.tried import Outcome, Tried

SHORTEST: Final = 0.05
"""Where the work alone takes as long as a target allows, this part of its time is reckoned for waiting."""


def first_guess(scenario: Scenario, posts: Sequence[Post]) -> Staffing:
    """People at each post, within its bounds."""
    load = offered_hours(scenario)
    now = present(scenario, posts)
    found: dict[tuple[str, int | None], int] = {}
    for one in sorted(posts, key=lambda post: post.shift is not None):
        pool, p = scenario.pools[one.pool], scenario.pool_index(one.pool)
        hours = hours_of(scenario, one)
        centres = 1 if pool.shared else len(scenario.centres)
        erlangs = float(load[p] @ hours) / max(float(hours.sum()), 1e-9) / centres
        around = found.get((one.pool, None), pool.staff) if one.shift is not None else 0
        people = math.ceil(_servers(scenario, one.pool, erlangs) / pool.slots) - around
        if one.shift is None and (pool.shifts or pool.levels):
            # Shifts bring the rest: the people around the clock are those that the quietest hour needs.
            quiet = float(load[p].min()) / centres
            people = math.ceil(_servers(scenario, one.pool, quiet) / pool.slots)
        found[one.pool, one.shift] = min(max(people, one.least), one.most)
    assert len(now) == len(posts)
    return tuple(found[one.pool, one.shift] for one in posts)


def _servers(scenario: Scenario, pool: str, erlangs: float) -> int:
    """The fewest servers that every target gives its due, and that bear the load."""
    asked = list(_asked(scenario, pool))
    servers = 0 if erlangs == 0 else math.floor(erlangs) + 1
    if erlangs and any(line.patience for line in _lines(scenario, pool)):
        servers = 1
    ceiling = 10 * servers + 100
    while servers < ceiling and erlangs and not all(enough(erlangs, servers) for enough in asked):
        servers += 1
    return servers


@dataclass(frozen=True, slots=True)
class _PostLine:
    """A stage as the formulas see it."""

    stage: Stage
    service: float
    """Mean, in ticks."""
    patience: float
    """Mean, in ticks; 0 where tips wait for ever."""


def _lines(scenario: Scenario, pool: str | None = None) -> list[_PostLine]:
    """The stages in their order, or those that a pool serves."""
    return [
        _PostLine(stage, _mean(stage.time), _mean(stage.patience) if stage.patience else 0.0)
        for stage in scenario.stages
        if pool is None or stage.pool == pool
    ]


def _mean(law: ByAttribute[Law]) -> float:
    return float(np.mean([one.mean for one in law.values.values()]))


def _asked(scenario: Scenario, pool: str) -> Iterator[Enough]:
    """What the targets ask of the line of a pool."""
    own = _lines(scenario, pool)
    if not own:
        return
    visits = flow(scenario).visits.sum(axis=1)
    weight = [float(visits[scenario.stage_index(line.stage.name)]) for line in own]
    service = float(np.average([line.service for line in own], weights=weight if any(weight) else None))
    patience = next((line.patience for line in own if line.patience), 0.0)
    first = scenario.pools[pool].serve_first or scenario.pools[pool].preempt
    for target in scenario.targets.values():
        line = ErlangLine(service, patience)
        if isinstance(target, OfPool) and target.pool != pool:
            continue
        if isinstance(target, OfTips) and target.at_stage not in (None, *(line.stage.name for line in own)):
            continue
        if isinstance(target, Timed):
            spanned = _spanned(scenario, target.from_, target.to)
            waiting = [line for line, waits, _ in spanned if waits and line.stage.pool is not None]
            if not any(line.stage.pool == pool for line in waiting):
                continue
            if target.of is not None and first:
                continue  # its tips may go first, and then hardly wait
            working = sum(line.service for line, _, works in spanned if works)
            room = max(target.limit - working, SHORTEST * target.limit) / len(waiting)
            line = ErlangLine(service, patience, room, len(waiting))
        if enough := kind_of(target).enough(target, line):
            yield enough


def _spanned(scenario: Scenario, first: Milestone, last: Milestone) -> list[tuple[_PostLine, bool, bool]]:
    """The stages between two milestones, and whether their wait and their work lie between them."""
    begin = _place(scenario, first, latest=False)
    end = _place(scenario, last, latest=True)
    return [
        (line, begin <= 3 * s and 3 * s + 1 <= end, begin <= 3 * s + 1 and 3 * s + 2 <= end)
        for s, line in enumerate(_lines(scenario))
    ]


_STEPS: Final = {"enter": 0, "start": 1, "merged": 1, "end": 2}


def _place(scenario: Scenario, milestone: Milestone, *, latest: bool) -> int:
    """Where on the way a milestone lies: three steps a stage, its enter, start and end."""
    steps = {"arrival": 0, "leave": 3 * len(scenario.stages), "lost": 3 * len(scenario.stages)}
    found = [
        steps[moment.what] if moment.stage is None else 3 * scenario.stage_index(moment.stage) + _STEPS[moment.what]
        for moment in milestone.moments
    ]
    return max(found) if latest else min(found)


Floats = NDArray[np.float64]

# From the guess on


NEARLY: Final = 0.9
"""A target that uses up so much of what it allows or less needs no more people."""
MOST_EXCHANGES: Final = 12
"""Exchanges that are tried from one staffing: those that promise most."""
ENOUGH_FOR_EXCHANGES: Final = 4
"""With fewer posts the proof tries what is left, and finds what is cheaper on its way."""
SHORT_WAY: Final = 3
"""Steps up after which it is made sure that the most people within the bounds would do."""
OFF: Final = 0.005
"""By so much of what a target allows may be off what is foreseen of it."""
PROMISING: Final = 1.05
"""What an exchange is expected to use up at most; the guess is a little off."""
TWICE: Final = 2.3
"""Two people less at one post are expected to cost so much more than one."""

ENOUGH_GOOD: Final = 0.995
TOO_FEW_GOOD: Final = 0.02
"""Shares of good periods beyond which the way is not gone on."""
STEPS_A_POST: Final = 3
"""The way goes so many people up, and as many down, for every post at most."""


def moved(staffing: Staffing, post: int, by: int) -> Staffing:
    """The staffing with so many people more at one post."""
    return (*staffing[:post], staffing[post] + by, *staffing[post + 1 :])


def cheap(tried: Tried, guess: Staffing, most_effort: float) -> Staffing | None:
    """A staffing that leans to hold, no one person of which can go; None where none was found within the bounds.

    Sideways moves stop when the effort is spent; the way up and down is always gone.
    """
    found = risen(tried, guess)
    if found is None:
        return None
    found = lowered(tried, found)
    if len(tried.posts) < ENOUGH_FOR_EXCHANGES:
        return found
    while tried.effort < most_effort and (better := exchanged(tried, found)) is not None:
        found = lowered(tried, better)
    return found


def risen(tried: Tried, staffing: Staffing) -> Staffing | None:
    """From a staffing on, a person more at a time where that helps most for its cost, until all targets hold."""
    gains: dict[int, float] = {}
    top = tuple(post.most for post in tried.posts)
    steps = 0
    while tried.excluded(staffing) or tried.look(staffing, "choose").leans != "met":
        free = [i for i, post in enumerate(tried.posts) if staffing[i] < post.most]
        if not free or (not tried.by_trial and _hopeless(tried, top, steps)):
            return None
        short = _shortfall(tried.glance(staffing))

        def gain(i: int, short: float = short, at: Staffing = staffing) -> float:
            return (short - _shortfall(tried.glance(moved(at, i, 1)))) / max(float(tried.price[i]), 1e-9)

        best = _best(free, gains, gain)
        # Where one person more at any one post helps nothing, one more at each may.
        staffing = moved(staffing, best, 1) if gains[best] > 0 else _raised(tried, staffing)
        steps += 1
    return staffing


def _hopeless(tried: Tried, top: Staffing, steps: int) -> bool:
    """Whether the most people will not do. That is looked at closely only once the way up turns out to be long."""
    if steps == 0:
        return not tried.full(top).as_it_stands
    return steps == SHORT_WAY and tried.look(top, "choose").leans != "met"


def lowered(tried: Tried, staffing: Staffing, *, trusting: bool = True) -> Staffing:
    """From a staffing that holds on, a person less at a time where that saves most for what it uses up.

    One that is foreseen to hold is gone on from, `trusting`, without as close a look; the last is looked at closely,
    and if it does not hold the way is gone again, with a close look at each step.
    """
    held = staffing
    tops = {i for i, post in enumerate(tried.posts) if staffing[i] > post.least}
    worths: dict[int, float] = {}
    while tops:
        now = tried.glance(staffing)

        def worth(i: int, now: Floats = now, at: Staffing = staffing) -> float:
            less = moved(at, i, -1)
            if tried.excluded(less) or tried.look(less, "glance").verdict == "missed":
                return -np.inf
            room = np.maximum(1 - now, 0.02)
            return float(tried.price[i] / (1e-6 + np.sum(np.maximum(tried.glance(less) - now, 0) / room)))

        best = _best(sorted(tops), worths, worth)
        less = moved(staffing, best, -1)
        if (
            worths[best] > -np.inf
            and not tried.outdone(less)
            and ((trusting and tried.foreseen(less) <= 1) or tried.look(less, "choose").leans == "met")
        ):
            staffing = less
            held = staffing if tried.outcomes[staffing].leans == "met" else held
            if staffing[best] > tried.posts[best].least:
                continue
        # With fewer people elsewhere it will not hold either.
        tops.remove(best)
        worths.pop(best, None)
    if tried.look(staffing, "choose").leans == "met":
        return staffing
    return lowered(tried, held, trusting=False)


def exchanged(tried: Tried, staffing: Staffing) -> Staffing | None:
    """A cheaper staffing that holds, with one person more at one post and one or two less at others; None if none."""
    limit = tried.cost(staffing)
    for candidate in _exchanges(tried, staffing):
        if tried.cost(candidate) < limit and not tried.excluded(candidate) and not tried.outdone(candidate):
            seen = tried.look(candidate, "glance")
            near = seen.verdict != "missed" and float(seen.used.max(initial=0)) <= PROMISING
            if near and not tried.foreseen(candidate) > 1 + OFF and tried.look(candidate, "choose").leans == "met":
                return candidate
    return None


def _exchanges(tried: Tried, staffing: Staffing) -> Iterator[Staffing]:
    """The cheaper exchanges that promise to hold, by what single people more and less were seen to do."""
    posts = range(len(staffing))
    now = tried.glance(staffing)
    up = [i for i in posts if staffing[i] < tried.posts[i].most]
    down = [i for i in posts if staffing[i] > tried.posts[i].least]
    less = {i: tried.glance(moved(staffing, i, -1)) - now for i in down}
    more = {i: tried.glance(moved(staffing, i, 1)) - now for i in up}
    found: list[tuple[float, Staffing]] = []
    for i in up:
        pairs = [(j,) for j in down] + list(combinations_with_replacement(down, 2))
        for given in pairs:
            if i in given or float(tried.price[i] - sum(tried.price[j] for j in given)) >= 0:
                continue
            twice = len(given) == 2 and given[0] == given[1]
            if twice and staffing[given[0]] - 2 < tried.posts[given[0]].least:
                continue
            taken = less[given[0]] * TWICE if twice else sum((less[j] for j in given), np.zeros(len(now)))
            expected = float(np.max(now + more[i] + taken, initial=0))
            if expected <= PROMISING:
                candidate = moved(staffing, i, 1)
                for j in given:
                    candidate = moved(candidate, j, -1)
                found.append((expected, candidate))
    found.sort()
    yield from (candidate for _, candidate in found[:MOST_EXCHANGES])


def _shortfall(used: Floats) -> float:
    """How far targets are from holding, in logarithms: a line that grows all year is no infinity."""
    return float(np.sum(np.log(np.maximum(used, NEARLY) / NEARLY)))


def _raised(tried: Tried, staffing: Staffing) -> Staffing:
    return tuple(min(people + 1, post.most) for people, post in zip(staffing, tried.posts, strict=True))


def _best(posts: list[int], known: dict[int, float], value: Callable[[int], float]) -> int:
    """The post of the highest value; one known from before is worked out again only where it leads.

    The next person more helps less than the last, and the next person less costs more: an old value is an upper bound.
    """
    fresh: set[int] = set()
    for i in posts:
        if i not in known:
            known[i] = value(i)
            fresh.add(i)
    while True:
        best = max(posts, key=lambda i: (known[i], -i))
        if best in fresh:
            return best
        known[best] = value(best)
        fresh.add(best)


@dataclass(frozen=True, slots=True, eq=False)
class FrontierPoint:
    """A staffing with the share of periods in which every target held."""

    outcome: Outcome
    share: float
    low: float
    high: float
    best: bool
    """Whether no staffing that was tried has a higher share for as much or less."""


def walk(tried: Tried, staffing: Staffing, per: Per) -> None:
    """Try staffings above and below one, each a step that gains most or loses least of the share for its cost."""
    most = STEPS_A_POST * len(staffing)
    _upwards(tried, staffing, per, most)
    _downwards(tried, staffing, per, most)


def points(tried: Tried, per: Per) -> list[FrontierPoint]:
    """The staffings that were tried in full, the cheapest first, and which of them are worth their cost."""
    found = [one for one in tried.outcomes.values() if one.n_replications >= tried.replications]
    found.sort(key=lambda one: (one.cost, -_share(one, per), one.staffing))
    listed: list[FrontierPoint] = []
    reached = -np.inf
    for one in found:
        share = one.shares[per].share
        listed.append(FrontierPoint(one, share.value, share.low, share.high, share.value > reached))
        reached = max(reached, share.value)
    return listed


def _upwards(tried: Tried, staffing: Staffing, per: Per, most: int) -> None:
    for _ in range(most):
        now = _share(tried.full(staffing), per)
        above = [moved(staffing, i, 1) for i, post in enumerate(tried.posts) if staffing[i] < post.most]
        if now >= ENOUGH_GOOD or not above:
            return
        before = _share(tried.look(staffing, "glance"), per)
        gains = [(_glanced(tried, one, per) - before) / _costs(tried, one, staffing) for one in above]
        if max(gains) <= 0:
            break
        staffing = above[gains.index(max(gains))]
    tried.full(staffing)


def _downwards(tried: Tried, staffing: Staffing, per: Per, most: int) -> None:
    for _ in range(most):
        now = _share(tried.full(staffing), per)
        below = [moved(staffing, i, -1) for i, post in enumerate(tried.posts) if staffing[i] > post.least]
        if now <= TOO_FEW_GOOD or not below:
            return
        losses = [(now - _glanced(tried, one, per)) / _costs(tried, staffing, one) for one in below]
        staffing = below[losses.index(min(losses))]
    tried.full(staffing)


def _costs(tried: Tried, more: Staffing, fewer: Staffing) -> float:
    """What the one costs more than the other; people without a price cost next to nothing."""
    return max(tried.cost(more) - tried.cost(fewer), 1e-9)


def _glanced(tried: Tried, staffing: Staffing, per: Per) -> float:
    return _share(tried.look(staffing, "glance"), per)


def _share(outcome: Outcome, per: Per) -> float:
    """Of the periods in which every target held, 0 where there were none to judge."""
    value = outcome.shares[per].share.value
    return 0.0 if np.isnan(value) else value
