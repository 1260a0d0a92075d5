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

from sim.dynamics.replication import NO_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sim.draw.steps import Share, StepDraw
    from sim.draw.streams import Streams, Variates
    from sim.dynamics.replication import Codes, Flags

Rows = NDArray[np.int64]
Members = Rows | slice
"""Some tips of a block, by their position in it; a slice when it is all of them, which numpy then need not copy."""
Nth = Rows | int
"""How many visits to the stage each tip made before; one number when it is the same for all."""

EVERYONE: Final = slice(None)
NOBODY: Final = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
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
class Group:
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

    def by_nth(self) -> Iterator[tuple[int, Members]]:
        """For each number of earlier visits to the stage, those of the group's visits that have it."""
        yield from _by_nth(self.nth)


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """The visits of a block's tips, stage by stage."""

    groups: list[list[Group]]
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
        self, steps: Sequence[StepDraw], block: Block, streams: Streams, labelled: bool, told_by: bool = False
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
        self.groups: list[list[Group]] = [[] for _ in steps]
        self.tails: list[Tail] = []
        repeated = [at for at, step in enumerate(steps) if step.repeats]
        self.visited = {at: np.zeros(size, dtype=np.int64) for at in repeated}
        self.tossed = {at: np.zeros(size, dtype=np.int64) for at in repeated if steps[at].share.certain is None}
        self.returned = {at: np.zeros(size, dtype=np.int64) for at in repeated if steps[at].rework is not None}

    def route(self) -> Route:
        """Walk every tip to the end of its route."""
        return self._walk(EVERYONE, {})

    def _walk(self, going: Members, joining: Mapping[int, Sequence[Rows]]) -> Route:
        """Walk the tips on their way, and those that join it at some stages, to the end."""
        while True:
            returning: dict[int, list[Rows]] = defaultdict(list)
            for at, step in enumerate(self.steps):
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
                return Route(self.groups, self.count, self.tier, EVERYONE, self.labeller, self.tails)
            going, joining = NOBODY, returning

    def _fork(self, step: StepDraw, aside: int, visits: Group) -> None:
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

    def _visit(self, at: int, tips: Members) -> Nth:
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
        self.groups[at].append(Group(tips, sequence, nth, tier, labeller))
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

    def _coin(self, share: Share, name: tuple[str, ...], tips: Members, nth: Nth) -> Flags:
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


def _together(tips: Members, others: Sequence[Rows]) -> Members:
    """The tips and the others, who are none of them."""
    return tips if isinstance(tips, slice) else np.concatenate([tips, *others])
