"""Routes: which stages a tip visits, in which order, and under which label; for a block of tips at once.

A route is walked in rounds. In the first, all tips go down the stages; a tip that is sent back leaves the round and
begins the next one at the stage it is sent back to. No time is drawn here.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.clock import NEVER
from sim.dynamics.replication import NO_LABEL
from sim.scenario.branches import ARRIVAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sim.draw.steps import ShareThresholds, StepDraw
    from sim.draw.streams import Streams, Variates
    from sim.dynamics.replication import Codes, Flags

Rows = NDArray[np.int64]
Members = Rows | slice
"""Some tips of a block, by their position in it; a slice when it is all of them, which numpy then need not copy."""
Nth = Rows | int
"""How many visits to the stage each tip made before; one number when it is the same for all."""

EVERYONE: Final = slice(None)
NOBODY: Final = np.empty(0, dtype=np.int64)
NONE: Final = -1
"""In place of the number of visits before one that a tip does not make."""


@dataclass(frozen=True, slots=True, eq=False)
class TipBlock:
    """Tips that are drawn together: consecutive rows of the streams, with the attributes they arrive with."""

    first: int
    """Row of the first tip in the streams."""
    centre: Codes
    channel: Codes
    risk: Codes
    category: Codes
    own: Mapping[str, Codes] = field(default_factory=dict)
    """Attributes of the scenario's own, by name."""
    incident: Codes | None = None
    """Which incident each is about, or NO_INCIDENT; None where all are about none."""
    told_tier: Codes | None = None
    """The label that a record tells of each, below 0 where it tells none; None where it tells of none."""

    def __len__(self) -> int:
        return int(self.risk.shape[0])

    def code(self, attribute: str, tier: Codes) -> Codes:
        """The codes of an attribute by its name, `tier` being the present labels."""
        return tier if attribute == "tier" else self.given(attribute)

    def given(self, attribute: str) -> Codes:
        """The codes of an attribute that the tips arrive with, by its name."""
        code: Codes = self.own[attribute] if attribute in self.own else getattr(self, attribute)
        return code


@dataclass(frozen=True, slots=True, eq=False)
class Begins:
    """A moment with which visits begin, visit by visit."""

    sequence: Rows
    """How many visits the tip made before the one whose moment it is; NONE where that does not lie on its way."""
    after: int
    """How long after the start of that, and NEVER for its end."""
    instead: Sequence[Rows] = ()
    """Visits to asides of which the end of one may come in place of that end, told in the same way."""

    def of(self, tips: Members) -> Begins:
        """The same for some of the visits."""
        return Begins(self.sequence[tips], self.after, [one[tips] for one in self.instead])


@dataclass(frozen=True, slots=True, eq=False)
class StageRound:
    """Visits of different tips to one stage in one round."""

    tips: Members
    sequence: Rows
    """How many visits the tip made before this one."""
    nth: Nth
    """How many of those were to this stage."""
    tier: Codes
    """The label when the tip reaches the stage."""
    labeller: Codes | None = None
    """Who gave it; None where nobody asks."""
    begins: Sequence[Begins] = ()
    """What the visits begin with, where tips may be in several places at a time."""
    labels_as: Codes | None = None
    """The label that each visit gives, or NO_LABEL; None where tips are in one place at a time."""
    gives: int = NO_LABEL
    """Who labels at the stage, or NO_LABEL."""

    def by_nth(self) -> Iterator[tuple[int, Members]]:
        """For each number of earlier visits to the stage, those of the group's visits that have it."""
        yield from _by_nth(self.nth)


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """The visits of a block's tips, stage by stage."""

    groups: list[list[StageRound]]
    count: Rows
    """(n,) visits of each tip."""
    tier: Codes
    """(n,) the label after the last visit."""
    kept: Members
    """The tips whose visits these are."""
    labeller: Codes | None = None
    """(n,) who gave the label after the last visit; None where nobody asks."""
    tails: Sequence[Tail] = ()
    """What tips do instead where a visit is in vain."""
    asides: Sequence[Aside] = ()
    """The same where tips may be in several places at a time: what is come to instead is among the groups."""

    @property
    def n_tips(self) -> int:
        return int(self.count[self.kept].size)


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """The way on from an aside, for the tips that come to it when their visits are in vain; it has no other visits."""

    tips: Members
    sequence: Rows
    """How many visits each made before the one in vain."""
    given_up: bool
    """Whether giving up leads here, and"""
    turned_away: bool
    """whether being turned away does."""
    route: Route


@dataclass(frozen=True, slots=True, eq=False)
class Aside:
    """Visits that may be in vain, of different tips to one stage, and those to an aside that are then made."""

    tips: Rows
    sequence: Rows
    """How many visits each made before the one in vain, and"""
    to: Rows
    """before that to the aside."""
    given_up: bool
    """Whether giving up leads there, and"""
    turned_away: bool
    """whether being turned away does."""


def among(members: Members, chosen: Members) -> Members:
    """Those of the members that are chosen by their position among them."""
    if isinstance(chosen, slice):
        return members
    return chosen if isinstance(members, slice) else members[chosen]


def _by_nth(nth: Nth) -> Iterator[tuple[int, Members]]:
    if isinstance(nth, int):
        yield nth, EVERYONE
    else:
        for each in np.unique(nth).tolist():
            yield each, np.flatnonzero(nth == each)


class Walk:
    """The walk of one block of tips down the stages."""

    def __init__(
        self, steps: Sequence[StepDraw], block: TipBlock, streams: Streams, labelled: bool, told_by: bool = False
    ) -> None:
        """`labelled` says that the true risk is the label from the start, as it is without labellers; `told_by` that
        somebody asks who gave a label."""
        self.steps = steps
        self.block = block
        self.streams = streams
        self.labelled = labelled
        size = len(block)
        self.tier = block.risk if labelled else np.full(size, NO_LABEL, dtype=np.int32)
        self.labeller = np.full(size, NO_LABEL, dtype=np.int32) if told_by else None
        self.count = np.zeros(size, dtype=np.int64)
        self.groups: list[list[StageRound]] = [[] for _ in steps]
        self.tails: list[Tail] = []
        repeated = [at for at, step in enumerate(steps) if step.repeats]
        self.visited = {at: np.zeros(size, dtype=np.int64) for at in repeated}
        self.tossed = {at: np.zeros(size, dtype=np.int64) for at in repeated if steps[at].share.certain is None}
        self.returned = {at: np.zeros(size, dtype=np.int64) for at in repeated if steps[at].rework is not None}
        self.beside = OnBranches(steps, self) if any(step.cues for step in steps) else None

    def route(self) -> Route:
        """Walk every tip to the end of its route."""
        return self._walk(EVERYONE, {})

    def _walk(self, going: Members, joining: Mapping[int, Sequence[Rows]]) -> Route:
        """Walk the tips on their way, and those that join it at some stages, to the end."""
        while True:
            returning: dict[int, list[Rows]] = defaultdict(list)
            for at, step in enumerate(self.steps):
                if self.beside is not None:
                    going = self._walk_beside(self.beside, at, going, joining, returning)
                    continue
                tips = NOBODY if step.is_aside else self._passing(at, step, going)
                if at in joining:
                    tips, going = _together(tips, joining[at]), _together(going, joining[at])
                if not isinstance(tips, slice) and not tips.size:
                    continue
                nth = self._visit(at, tips)
                for aside in dict.fromkeys(to for to in (step.gives_up_to, step.turned_away_to) if to is not None):
                    self._fork(step, aside, self.groups[at][-1])
                if step.label is not None:
                    self._label(step, tips, nth)
                if step.rework is not None:
                    sent = self._sent_back(at, step, tips, nth)
                    if sent.size:
                        returning[step.rework.to].append(sent)
                        going = self._without(going, sent)
            if not returning:
                if self.beside is not None:
                    last, asides = self.beside.final, self.beside.asides
                    return Route(self.groups, self.count, last.tier, EVERYONE, last.labeller, (), asides)
                return Route(self.groups, self.count, self.tier, EVERYONE, self.labeller, self.tails)
            going, joining = NOBODY, returning

    def _walk_beside(
        self,
        beside: OnBranches,
        at: int,
        going: Members,
        joining: Mapping[int, Sequence[Rows]],
        returning: dict[int, list[Rows]],
    ) -> Members:
        """Let tips come to one stage that may go on beside others; gives who is still on the way in this round."""
        step = self.steps[at]
        if step.is_aside:
            self._walk_aside(beside, at, going)
            return going
        mine = (self.tier, self.labeller, beside.by)
        begins = beside.look(at, self)
        passing = self._passing(at, step, going)
        beside.put_back(self, mine, passing)
        parts = [(passing, begins, beside.apart)]
        if at in joining:
            joined = np.concatenate(joining[at])
            parts, going = [*parts, (joined, [beside.before()], None)], _together(going, [joined])
        for tips, cues, apart in parts:
            if not isinstance(tips, slice) and not tips.size:
                continue
            nth = self._visit(at, tips, [one.of(tips) for one in cues])
            beside.go_on(at, tips, apart, self)
            if step.label is not None:
                self._label(step, tips, nth)
            beside.leave(at, tips, self)
            if step.rework is not None:
                sent = self._sent_back(at, step, tips, nth)
                if sent.size:
                    returning[step.rework.to].append(sent)
                    going = self._without(going, sent)
        return going

    def _walk_aside(self, beside: OnBranches, at: int, going: Members) -> None:
        """Let those come to an aside whose earlier visits lead there in vain; their way stays what it is."""
        step = self.steps[at]
        on_way = np.zeros(len(self.block), dtype=np.bool_)
        on_way[going] = True
        for leader, one in beside.take_in_vain(at, on_way):
            mine = (self.tier, self.labeller, beside.by)
            beside.see(one, self)
            tips = self._passing(at, step, one.tips)
            assert not isinstance(tips, slice)
            if tips.size:
                nth = self._visit(at, tips)
                beside.lead(leader, at, one.of(np.flatnonzero(np.isin(one.tips, tips))), self)
                if step.label is not None:
                    self._label(step, tips, nth)
                beside.leave(at, tips, self)
            self.tier, self.labeller, beside.by = mine

    def _fork(self, step: StepDraw, aside: int, visits: StageRound) -> None:
        """Walk the way on from an aside, as the tips of some visits would if these were in vain."""
        other = Walk(self.steps, self.block, self.streams, self.labelled)
        other.tier = self.tier.copy()
        other.labeller = None if self.labeller is None else self.labeller.copy()
        for of, state in ((other.visited, self.visited), (other.tossed, self.tossed), (other.returned, self.returned)):
            of.update((at, counts.copy()) for at, counts in state.items())
        tips = np.arange(len(self.block)) if isinstance(visits.tips, slice) else visits.tips
        coming = other._passing(aside, self.steps[aside], tips)
        assert not isinstance(coming, slice)
        route = other._walk(NOBODY, {aside: [coming]} if coming.size else {})
        to = aside == step.gives_up_to, aside == step.turned_away_to
        self.tails.append(Tail(visits.tips, visits.sequence, *to, route))

    def _passing(self, at: int, step: StepDraw, going: Members) -> Members:
        """Those of the tips on their way for whom the stage is, and who are in its share."""
        matches: Flags | None = None
        for attribute, table in step.tables.of:
            found = table.take(self._code(attribute)[going], mode="wrap")
            matches = found if matches is None else matches & found
        tips = going if matches is None else among(going, np.flatnonzero(matches))
        if step.share.certain is not None:
            return tips if step.share.certain else NOBODY
        # Coins are counted on their own: a tip that is not in the share this time makes no visit, and may be next time.
        nth: Nth = 0
        if at in self.tossed:
            nth = self.tossed[at][tips].copy()
            self.tossed[at][tips] += 1
        return among(tips, np.flatnonzero(self._coin(step.share, ("share", step.name), tips, nth)))

    def _visit(self, at: int, tips: Members, begins: Sequence[Begins] = ()) -> Nth:
        """Note the visits; how many each of the tips made to the stage before."""
        nth: Nth = 0
        if at in self.visited:
            before = self.visited[at][tips].copy()
            nth = before if before.any() else 0
            self.visited[at][tips] = before + 1
        tier, sequence = self.tier[tips], self.count[tips]
        if isinstance(tips, slice):
            sequence = sequence.copy()
            tier = tier if self.labelled else tier.copy()
        self.count[tips] = sequence + 1
        labeller = None if self.labeller is None else self.labeller[tips].copy()
        as_ = None if self.beside is None else np.full(sequence.size, NO_LABEL, dtype=np.int32)
        label = self.steps[at].label
        gives = NO_LABEL if label is None else label.labeller
        self.groups[at].append(StageRound(tips, sequence, nth, tier, labeller, begins, as_, gives))
        if self.beside is not None:
            self.beside.come(at, tips, self)
        return nth

    def _label(self, step: StepDraw, tips: Members, nth: Nth) -> None:
        """Label the tips at the end of their visits; a tip that the labeller does not decide on keeps its label."""
        assert step.label is not None
        decides, assigns = step.label.decides, step.label.assigns
        if decides.certain is None:
            decided = np.flatnonzero(self._coin(decides, ("label", step.name, "decides"), tips, nth))
            tips, nth = among(tips, decided), nth if isinstance(nth, int) else nth[decided]
        elif not decides.certain:
            return
        if self.labeller is not None:
            self.labeller[tips] = step.label.labeller
        if assigns.certain is not None:
            self.tier[tips] = assigns.certain
        else:
            uniform = self._uniform(("label", step.name, "assigns"), tips, nth)
            self.tier[tips] = assigns.codes(uniform, self.block.risk[tips])
        if self.block.told_tier is not None:
            told = self.block.told_tier[tips]
            self.tier[tips] = np.where(told >= 0, told, self.tier[tips])
        if self.beside is not None:
            self.beside.label(tips, self, step.is_aside)

    def _sent_back(self, at: int, step: StepDraw, tips: Members, nth: Nth) -> Rows:
        """Those of the tips that are sent back at the end of their visits."""
        assert step.rework is not None
        share = step.rework.share
        if share.certain is False:
            return NOBODY
        allowed = np.flatnonzero(self.returned[at][tips] < step.rework.at_most)
        sent, nth = among(tips, allowed), nth if isinstance(nth, int) else nth[allowed]
        if share.certain is None:
            sent = among(sent, np.flatnonzero(self._coin(share, ("rework", step.name), sent, nth)))
        assert not isinstance(sent, slice)
        self.returned[at][sent] += 1
        return sent

    def _coin(self, share: ShareThresholds, name: tuple[str, ...], tips: Members, nth: Nth) -> Flags:
        """Whether each tip is in the share."""
        code = None if share.by is None else self.block.code(share.by, self.tier)[tips]
        return share.heads(self._uniform(name, tips, nth), code)

    def _code(self, attribute: str) -> Codes:
        """The codes of an attribute of all tips, as they are now."""
        if attribute == "labelled_by":
            assert self.labeller is not None
            return self.labeller
        return self.block.code(attribute, self.tier)

    def _uniform(self, name: tuple[str, ...], tips: Members, nth: Nth) -> Variates:
        """The uniforms of the tips, each from the stream for its number of earlier visits."""
        if isinstance(nth, int):
            return self._rows(name, nth)[tips]
        uniform = np.empty(nth.size)
        for each, chosen in _by_nth(nth):
            uniform[chosen] = self._rows(name, each)[among(tips, chosen)]
        return uniform

    def _rows(self, name: tuple[str, ...], nth: int) -> Variates:
        return self.streams.uniform(*name, str(nth + 1)).rows(self.block.first, len(self.block))

    def _without(self, tips: Members, gone: Rows) -> Rows:
        """The tips but those that are gone."""
        stays = np.ones(len(self.block), dtype=np.bool_)
        stays[gone] = False
        return np.flatnonzero(stays) if isinstance(tips, slice) else tips[stays[tips]]


@dataclass(slots=True, eq=False)
class Labelled:
    """Labels of all tips of a block: which, by whom, and how many visits the tip made before the one that gave it."""

    tier: Codes
    labeller: Codes | None
    by: Rows

    def copy(self) -> Labelled:
        return Labelled(self.tier.copy(), None if self.labeller is None else self.labeller.copy(), self.by.copy())

    def take(self, tips: Members, other: Labelled) -> None:
        """Let some tips have the label that they have there."""
        self.tier[tips] = other.tier[tips]
        self.by[tips] = other.by[tips]
        if self.labeller is not None and other.labeller is not None:
            self.labeller[tips] = other.labeller[tips]


@dataclass(frozen=True, slots=True, eq=False)
class InVain:
    """Visits of different tips to one stage that may be in vain, so that an aside is come to instead; (n,) each."""

    tips: Rows
    sequence: Rows
    """How many visits each tip made before this one."""
    tier: Codes
    """The label with which it came there,"""
    labeller: Codes | None
    """who gave it, and"""
    by: Rows
    """how many visits lie before the one that gave it."""
    thread: Rows
    """The stretch of its way that it lies on."""
    first: Mapping[int, Flags]
    """By stages that others name: whether the end of the aside comes in place of that of the first visit there."""

    def of(self, rows: Rows) -> InVain:
        """Some of them."""
        return InVain(
            self.tips[rows],
            self.sequence[rows],
            self.tier[rows],
            None if self.labeller is None else self.labeller[rows],
            self.by[rows],
            self.thread[rows],
            {at: flags[rows] for at, flags in self.first.items()},
        )


class OnBranches:
    """What the walk of tips knows that may be in several places at a time, beside the stage before on their way.

    A stage sees the labels given before it on its own branches: a start hands on what its stage saw, an end what it
    gave, and of several labels the one given last holds.

    Asides lie on nobody's way, and change nothing of it: what is written after one and awaits the end of the visit in
    vain may begin with the end of the aside instead. A stage that says nothing of what it begins with goes on where the
    stage before has ended, or an aside that was come to instead of that: from a visit that does say so on, the visits
    that follow each other lie on one stretch of the way, a thread, of which there is one visit under way at a time.
    """

    def __init__(self, steps: Sequence[StepDraw], walk: Walk) -> None:
        size = len(walk.block)
        self.steps = steps
        self.has_asides = any(step.is_aside for step in steps)
        self.latest = np.full(size, NONE)
        """How many visits each tip made before that to the stage before on its way."""
        self.by = np.full(size, NONE)
        """The same for the visit that gave the label that the walk has of it."""
        self.arriving = self.now(walk).copy()
        self.final = self.now(walk).copy()
        """The label given last on any branch."""
        named = [at for at, step in enumerate(steps) if step.is_named]
        self.first = {at: np.full(size, NONE) for at in named}
        """How many visits each tip made before its first to a stage."""
        self.seen = {at: self.arriving.copy() for at in named}
        self.given = {at: self.arriving.copy() for at in named}
        self.was_first: dict[int, Members] = {}
        self.thread = np.full(size, NONE)
        """The thread of the stage before: how many visits each tip made before the first on it."""
        self.front: list[Rows] = []
        """Visits to asides on it, each the last, whose end comes in place of that of the stage before."""
        self.instead: dict[int, list[Rows]] = {at: [] for at in named}
        """The same in place of the first visit to a stage."""
        self.apart: Flags | None = None
        """Whether each tip would begin a thread at the stage last looked at."""
        self.in_vain: dict[tuple[int, int], list[InVain]] = defaultdict(list)
        """By stage and aside, the visits whose aside the walk has not come to yet."""
        self.asides: list[Aside] = []

    def now(self, walk: Walk) -> Labelled:
        """The labels as the walk has them."""
        return Labelled(walk.tier, walk.labeller, self.by)

    def before(self) -> Begins:
        """The end of the stage before, of all tips."""
        return Begins(self.latest.copy(), NEVER, [one.copy() for one in self.front])

    def look(self, at: int, walk: Walk) -> list[Begins]:
        """Give the walk the labels with which tips would come to a stage; and what it would begin with, of all tips."""
        cues = self.steps[at].cues
        self.apart = None
        if not cues:
            return [self.before()]
        begins = []
        here = self.now(walk).copy()
        found = np.zeros(len(walk.block), dtype=np.bool_)
        for cue in cues:
            if cue.stage == ARRIVAL:
                mine, labelled = np.full(found.size, NONE), self.arriving
                on_way = np.ones(found.size, dtype=np.bool_)
            else:
                mine = self.first[cue.stage]
                labelled = (self.given if cue.after == NEVER else self.seen)[cue.stage]
                on_way = mine != NONE
            here.take(np.flatnonzero(on_way & (~found | (labelled.by > here.by))), labelled)
            found |= on_way
            at_end = cue.stage != ARRIVAL and cue.after == NEVER
            begins.append(Begins(mine, cue.after, [*self.instead[cue.stage]] if at_end else []))
        before = [np.where(found, NONE, one) for one in (self.latest, *self.front)]
        begins.append(Begins(before[0], NEVER, before[1:]))
        self.apart = found
        walk.tier, walk.labeller, self.by = here.tier, here.labeller, here.by
        return begins

    def put_back(self, walk: Walk, mine: tuple[Codes, Codes | None, Rows], passing: Members) -> None:
        """Let those tips that do not go in have the labels that they had before the walk looked at a stage."""
        if walk.tier is mine[0]:
            return
        looked, back = self.now(walk), Labelled(*mine)
        back.take(passing, looked)
        walk.tier, walk.labeller, self.by = back.tier, back.labeller, back.by

    def come(self, at: int, tips: Members, walk: Walk) -> None:
        """Tips have come to a stage."""
        if self.steps[at].is_aside:
            return
        self.latest[tips] = walk.count[tips] - 1
        if at in self.first:
            which = np.flatnonzero(self.first[at][tips] == NONE)
            fresh = among(tips, which)
            self.was_first[at] = fresh
            self.first[at][fresh] = walk.count[fresh] - 1
            self.seen[at].take(fresh, self.now(walk))

    def go_on(self, at: int, tips: Members, apart: Flags | None, walk: Walk) -> None:
        """The way of tips goes on from a stage, on a thread of its own for those who are `apart`."""
        if not self.has_asides:
            return
        for one in self.front:
            one[tips] = NONE
        self.front = [one for one in self.front if (one != NONE).any()]
        if apart is not None:
            begin = among(tips, np.flatnonzero(apart[tips]))
            self.thread[begin] = self.latest[begin]
        group = walk.groups[at][-1]
        whose = np.arange(self.latest.size)[tips]
        first = {at: self.first[at][whose] == group.sequence} if at in self.first else {}
        self._may_be(at, group, self.by[whose], self.thread[whose], first)

    def _may_be(self, at: int, group: StageRound, by: Rows, thread: Rows, first: Mapping[int, Flags]) -> None:
        """Note visits to a stage that may be in vain."""
        for aside in self.steps[at].asides:
            tips = np.arange(self.latest.size)[group.tips]
            one = InVain(tips, group.sequence, group.tier, group.labeller, by, thread, first)
            self.in_vain[at, aside].append(one)

    def take_in_vain(self, aside: int, on_way: Flags) -> list[tuple[int, InVain]]:
        """The visits of some tips that lead to an aside in vain, each with its stage; nobody else will ask for them."""
        found = []
        for leader, to in self.in_vain:
            if to == aside:
                every = self.in_vain[leader, to]
                found += [(leader, one.of(np.flatnonzero(on_way[one.tips]))) for one in every]
                left = [one.of(np.flatnonzero(~on_way[one.tips])) for one in every]
                self.in_vain[leader, to] = [one for one in left if one.tips.size]
        return [(leader, one) for leader, one in found if one.tips.size]

    def see(self, one: InVain, walk: Walk) -> None:
        """Give the walk the labels that tips had when they came to a visit that may be in vain."""
        here = self.now(walk).copy()
        here.tier[one.tips], here.by[one.tips] = one.tier, one.by
        if here.labeller is not None and one.labeller is not None:
            here.labeller[one.tips] = one.labeller
        walk.tier, walk.labeller, self.by = here.tier, here.labeller, here.by

    def lead(self, leader: int, aside: int, one: InVain, walk: Walk) -> None:
        """Visits that may be in vain lead to those to an aside that the walk has just noted."""
        group, step = walk.groups[aside][-1], self.steps[leader]
        to = aside == step.gives_up_to, aside == step.turned_away_to
        self.asides.append(Aside(one.tips, one.sequence, group.sequence, *to))

        def those(flags: Flags) -> list[Rows]:
            found = np.full(self.latest.size, NONE)
            found[one.tips[flags]] = group.sequence[flags]
            return [found] if flags.any() else []

        self.front += those(one.thread == self.thread[one.tips])
        for at, flags in one.first.items():
            self.instead[at] += those(flags)
        self._may_be(aside, group, one.by, one.thread, one.first)

    def label(self, tips: Members, walk: Walk, aside: bool) -> None:
        """Tips have got the labels that the walk has of them, for good but at an aside."""
        self.by[tips] = walk.count[tips] - 1
        if not aside:
            self.final.take(tips, self.now(walk))

    def leave(self, at: int, tips: Members, walk: Walk) -> None:
        """Tips have been served at a stage; what it gave is noted."""
        if at in self.first:
            self.given[at].take(self.was_first[at], self.now(walk))
        group = walk.groups[at][-1]
        if group.labels_as is not None and self.steps[at].label is not None:
            gave = self.by[tips] == walk.count[tips] - 1
            group.labels_as[gave] = walk.tier[tips][gave]


def _together(tips: Members, others: Sequence[Rows]) -> Members:
    """The tips and the others, who are none of them."""
    return tips if isinstance(tips, slice) else np.concatenate([tips, *others])
