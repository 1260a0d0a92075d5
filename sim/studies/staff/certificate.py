"""The certificate of a staffing: what is known of those that cost less, which fail, which were tried, which are open.

It rests on one assumption, which holds on average and not tip by tip: more people at one post, and no fewer at any
other, do not make a target worse. So what has nowhere more people than a staffing shown to fail, fails too. A staffing
that fails because a line grows without end, because tips give up unminded, or because a target is left with too little
to judge, fails by the same assumption with fewer people too (`starving.py`).

Where tips are turned away, merge, or go another way when they give up, more people may make a target worse: then every
staffing is tried, and nothing follows from another one.

Boxes of staffings are closed from their tops: the top of a box has at every post as many people as any staffing of the
box that costs less than the chosen one. If it fails, all of them do; if not, the box is cut in two. A box of few is not
cut where its top does not lean to hold: then nothing in it does, on the same tips, and whether all of it surely fails
is not worth the trials. These are told as undecided, and as not tried.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.studies.staff.search import OFF
from sim.studies.staff.staffed import Staffing
from sim.studies.staff.tried import Outcome, Tried

Ints = NDArray[np.int64]

CHEAPER: Final = 1e-9
"""Costs that differ by less than this part are the same."""
MOST_LISTED: Final = 2_000_000
"""Boxes with more staffings are counted by their costs, not one by one."""
NOT_WORTH: Final = 100
"""A box of so many staffings or fewer is not worth more trials to show that it fails, once it leans to hold nowhere."""
WORTH: Final = 4
"""So many staffings are worth trials to show that they fail, if these are likely to be few."""
STEPS_OF_COST: Final = 200_000


@dataclass(frozen=True, slots=True)
class StaffBox:
    """All staffings between two."""

    least: Staffing
    most: Staffing


@dataclass(frozen=True, slots=True)
class Remainder:
    """What the proof left of the staffings that cost less than the chosen one."""

    cheaper: int
    """How many there are within the bounds, tried or not."""
    open: int
    """How many of them are neither tried nor excluded."""
    exactly: bool
    """Whether the two numbers are counted, or only known not to be larger."""
    least_cost: float
    """No open one costs less than this; the cost of the chosen one where none is open."""


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """What is known of the staffings within the bounds that cost less than the answer."""

    neighbours: tuple[Outcome | None, ...]
    """For each post, how the answer comes out with one person less there; None where it is at its lower bound."""
    remainder: Remainder
    n_within: int
    """Staffings within the bounds."""
    n_failed: int
    """Staffings that were shown to fail."""
    n_unsure: int
    """Cheaper staffings that were tried and neither hold nor fail for certain."""
    n_outdone: int
    """Cheaper staffings that were not tried, for one with nowhere fewer people does not lean to hold; they need not
    fail for certain."""
    against: tuple[Staffing, ...]
    """Staffings that lean to hold although one with nowhere fewer people was shown to fail: they tell against the
    assumption that the certificate rests on."""
    effort: float
    """How many times as long as usual the search could take."""
    by_trial: bool = False
    """Whether more people may make a target worse, so that every cheaper staffing had to be tried."""

    @property
    def closed(self) -> bool:
        """Whether every cheaper staffing was tried, or one with nowhere fewer people fails or does not lean to hold."""
        return self.remainder.open == 0


class Proof:
    """The boxes of staffings that cost less than a bound and are not yet closed."""

    def __init__(self, tried: Tried, cost: float):
        """Everything within the bounds that costs less than `cost` is open at first."""
        self.tried = tried
        self.cost = cost
        self._boxes: list[tuple[float, int, StaffBox]] = []
        self._n_made = 0
        self._outdone: list[StaffBox] = []
        self._add(StaffBox(tuple(post.least for post in tried.posts), tuple(post.most for post in tried.posts)))

    def __bool__(self) -> bool:
        """Whether anything is open."""
        return bool(self._boxes)

    @property
    def least_cost(self) -> float:
        """No open staffing costs less."""
        return self._boxes[0][0] if self._boxes else self.cost

    @property
    def boxes(self) -> list[StaffBox]:
        """The open ones, the cheapest first; no staffing is in two of them."""
        return [box for _, _, box in sorted(self._boxes)]

    def bound(self, cost: float) -> None:
        """A cheaper staffing was found: what costs as much or more need not be looked at."""
        self.cost = min(cost, self.cost)

    def close(self, around: Staffing, most_effort: float) -> Staffing | None:
        """Close boxes until none is open or the effort is spent; gives a cheaper staffing that leans to hold, if one is
        met on the way. Boxes are cut first at the numbers of the staffing `around` which the proof is made."""
        while self._boxes and self.tried.effort < most_effort:
            _, _, box = heapq.heappop(self._boxes)
            tight = self._tightened(box)
            if tight is None:
                continue
            if tight.least == tight.most:
                if self.tried.outdone(tight.least):
                    self._outdone.append(tight)
                elif self.tried.look(tight.least, "choose").leans == "met":
                    return tight.least
            elif self.tried.by_trial:
                self._cut(tight, around)
            elif self._is_small(tight) and self.tried.outdone(tight.most):
                worth = _twice_short(tight.most, around) and self._count(tight, open_only=True)[0] >= WORTH
                if not (worth and self.tried.fails(tight.most)):
                    self._outdone.append(tight)
            elif not self._fails(tight.most, around):
                small = self._is_small(tight)
                if small and self._leans_to_hold(tight.most, around) and self._is_cheaper(tight.most):
                    # What else is in the box may cost less still than what comes of its top.
                    self._cut(tight, around)
                    return tight.most
                if small and self.tried.outdone(tight.most):
                    self._outdone.append(tight)
                else:
                    self._cut(tight, around)
        return None

    def _leans_to_hold(self, top: Staffing, around: Staffing) -> bool:
        """Whether the top of a box leans to hold, told by a look at it where that matters.

        It does not for one that costs too much and is foreseen to hold, for its box has to be cut anyway. One that
        holds by its value alone, but is foreseen not to with its interval, takes many replications to tell: it is
        looked at with as many people elsewhere as make no difference, for what does not hold then outdoes other boxes.
        """
        likely = self.tried.foreseen(top)
        if likely <= 1 and not self._is_cheaper(top):
            return True
        if likely > 1 + OFF and self.tried.look(top, "glance").as_it_stands:
            lifted = self._lifted(top, around)
            if lifted != top:
                self.tried.look(lifted, "choose")
                if self.tried.outdone(top):
                    return False
        return self.tried.look(top, "choose").leans == "met"

    def _lifted(self, top: Staffing, around: Staffing) -> Staffing:
        """A staffing with more people at some posts, as many as there may be, that is foreseen not to hold either."""
        posts = range(len(top))
        more = [i for i in posts if top[i] > around[i]]
        same = [i for i in posts if top[i] == around[i]]
        short = [i for i in posts if top[i] < around[i]]
        one_by_one = [[i] for i in (*same, *(short if len(short) > 1 else ()))]
        found = top
        for some in (more, *one_by_one):
            higher = tuple(post.most if i in some else found[i] for i, post in enumerate(self.tried.posts))
            if higher != found and self.tried.foreseen(higher) > 1 + OFF:
                found = higher
        return found

    @property
    def n_outdone(self) -> int:
        """Cheaper staffings that were not tried, for one with nowhere fewer people does not lean to hold."""
        boxes = [tight for box in self._outdone if (tight := self._tightened(box)) is not None]
        return sum(self._count(box, open_only=True)[0] for box in boxes)

    def _cut(self, box: StaffBox, around: Staffing) -> None:
        """Open the two parts of a box in its place."""
        post, people = _where(box, around)
        self._add(StaffBox(box.least, _set(box.most, post, people)))
        self._add(StaffBox(_set(box.least, post, people + 1), box.most))

    def _is_cheaper(self, staffing: Staffing) -> bool:
        """Whether a staffing costs less than the bound."""
        return self.tried.cost(staffing) < self.cost * (1 - CHEAPER)

    def _is_small(self, box: StaffBox) -> bool:
        """Whether a box has so few staffings that it is not worth a trial to show that they fail."""
        return math.prod(most - least + 1 for least, most in zip(box.least, box.most, strict=True)) <= NOT_WORTH

    def _fails(self, top: Staffing, around: Staffing) -> bool:
        """Whether the top of a box fails, and with it the box.

        A top that has fewer people than the staffing at one post only is first tried with as many as there may be at
        all others: if that fails, so does everything with as few at that post.
        """
        short = [i for i, people in enumerate(top) if people < around[i]]
        if len(short) == 1 and not self.tried.stands(top):
            lifted = _set(tuple(post.most for post in self.tried.posts), short[0], top[short[0]])
            if self.tried.fails(lifted):
                return True
        return self.tried.fails(top)

    def _add(self, box: StaffBox) -> None:
        tight = self._tightened(box)
        if tight is not None:
            self._n_made += 1
            heapq.heappush(self._boxes, (self.tried.cost(tight.least), self._n_made, tight))

    def _tightened(self, box: StaffBox) -> StaffBox | None:
        """What is open of a box; None where nothing is."""
        least, most = np.array(box.least), np.array(box.most)
        price, failed = self.tried.price, self.tried.failed
        while True:
            room = self.cost * (1 - CHEAPER) - float(price @ least)
            if room <= 0 or np.any(least > most):
                return None
            with np.errstate(divide="ignore"):
                more = np.where(price > 0, np.floor(room / np.maximum(price, 1e-300)), np.inf)
            most = np.minimum(most, least + np.minimum(more, most - least).astype(np.int64))
            if self.tried.by_trial:
                return StaffBox(_staffing(least), _staffing(most))
            # A staffing that fails and is short of the top at one post only rules out the numbers up to its own there.
            over = most > failed
            if len(failed) and not over.any(axis=1).all():
                return None
            alone = failed[over.sum(axis=1) == 1]
            where = over[over.sum(axis=1) == 1]
            raised = least.copy()
            if len(alone):
                raised = np.maximum(least, np.where(where, alone + 1, 0).max(axis=0))
            if np.array_equal(raised, least):
                return StaffBox(_staffing(least), _staffing(most))
            least = raised

    def remainder(self) -> Remainder:
        """What is left: all that cost less than the chosen one, and those of them that are open."""
        whole = StaffBox(tuple(post.least for post in self.tried.posts), tuple(post.most for post in self.tried.posts))
        cheaper, exact = self._count(whole, open_only=False)
        boxes = [tight for box in self.boxes if (tight := self._tightened(box)) is not None]
        n_open, least = 0, self.cost
        for box in boxes:
            n, exactly = self._count(box, open_only=True)
            n_open, exact = n_open + n, exact and exactly
            if n:
                least = min(least, self.tried.cost(box.least))
        return Remainder(cheaper, n_open, exact, least)

    def _count(self, box: StaffBox, *, open_only: bool) -> tuple[int, bool]:
        """Staffings of a box that cost less than the bound, and whether that is counted exactly."""
        sizes = [high - low + 1 for low, high in zip(box.least, box.most, strict=True)]
        if math.prod(sizes) > MOST_LISTED:
            return _counted_by_cost(box, self.tried.price, self.cost, sizes), False
        # Only posts at which there is a choice have an axis.
        free = [i for i, size in enumerate(sizes) if size > 1]
        least, price = np.array(box.least), self.tried.price
        costs = np.array(price @ least)
        for i in free:
            costs = np.add.outer(costs, price[i] * np.arange(sizes[i]))
        counted = np.asarray(costs < self.cost * (1 - CHEAPER))
        if open_only:
            for failed in () if self.tried.by_trial else self._above(least):
                counted[tuple(slice(failed[i] - least[i] + 1) for i in free)] = False
            for staffing in self._tried_in(box):
                counted[tuple(staffing[i] - least[i] for i in free)] = False
        return int(np.count_nonzero(counted)), True

    def _above(self, least: Ints) -> Ints:
        """(n, n_posts) the staffings shown to fail that have nowhere fewer people than this one."""
        failed = self.tried.failed
        return failed[np.all(failed >= least, axis=1)]

    def _tried_in(self, box: StaffBox) -> Iterator[Staffing]:
        """The staffings of a box that were tried."""
        for staffing in self.tried.outcomes:
            if all(low <= n <= high for low, n, high in zip(box.least, staffing, box.most, strict=True)):
                yield staffing


def _where(box: StaffBox, around: Staffing) -> tuple[int, int]:
    """At which post a box is cut, and the most people there in its lower part.

    First where the box has fewer people than a staffing that holds, and as many or more, at one less: most likely that
    fails. Then, where it has fewer only, at one less than its top, which was not shown to fail. Else in the middle.
    """
    posts = [
        (most - least, i, least, most, people)
        for i, (least, most, people) in enumerate(zip(box.least, box.most, around, strict=True))
        if least < most
    ]
    for chosen in (
        [(width, -i, people - 1) for width, i, least, most, people in posts if least < people <= most],
        [(width, -i, most - 1) for width, i, _, most, people in posts if most < people],
    ):
        if chosen:
            _, post, people = max(chosen)
            return -post, people
    width, post = max((width, -i) for width, i, *_ in posts)
    return -post, box.least[-post] + (width - 1) // 2


def _counted_by_cost(box: StaffBox, price: NDArray[np.float64], cost: float, sizes: Sequence[int]) -> int:
    """Staffings of a box that cost less than a bound, or a few more: costs are rounded down to steps."""
    room = cost * (1 - CHEAPER) - float(price @ np.array(box.least))
    if room <= 0:
        return 0
    step = room / STEPS_OF_COST
    ways = np.zeros(STEPS_OF_COST + 1)
    ways[0] = 1
    for size, one in zip(sizes, price, strict=True):
        found = np.zeros_like(ways)
        for more in range(size):
            shift = math.floor(more * float(one) / step)
            if shift > STEPS_OF_COST:
                break
            found[shift:] += ways[: len(ways) - shift]
        ways = found
    return round(float(ways.sum()))


def _twice_short(top: Staffing, around: Staffing) -> bool:
    """Whether a staffing has fewer people than another one at several posts, so that few replications may show that it
    fails."""
    return sum(people < there for people, there in zip(top, around, strict=True)) > 1


def _set(staffing: Staffing, post: int, people: int) -> Staffing:
    return (*staffing[:post], people, *staffing[post + 1 :])


def _staffing(people: Ints) -> Staffing:
    return tuple(int(n) for n in people)
