"""Times: the work of every visit, and how long each attempt waits and when the next one is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.draw.steps import ShareThresholds, names_of, told_apart
from sim.dynamics.clock import NEVER
from sim.scenario.stages import OTHER, UNLABELLED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.draw.routes import Members, TipBlock
    from sim.draw.streams import Streams, Variates
    from sim.dynamics.replication import Codes, Flags, Ticks
    from sim.scenario.schema import ByAttribute, Law, Scenario


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """A law of times that may differ by an attribute, and the streams it reads."""

    purpose: str
    stage: str
    by: str | None
    laws: Sequence[Law]
    standards: tuple[str, ...]

    @classmethod
    def of(cls, scenario: Scenario, given: ByAttribute[Law], index: int, purpose: str) -> Times:
        """The times of one purpose at the stage of that index: service, wrap_up, repeat, patience and so on."""
        laws = given.listed(names_of(scenario, given.by))
        standards = tuple(dict.fromkeys(standard for law in laws for standard in law.standards))
        return cls(purpose, scenario.stages[index].name, given.by, laws, standards)

    def draw(self, block: TipBlock, tips: Members, tier: Codes, streams: Streams, *nth: int) -> Ticks:
        """The tips' times of the nth visit (and attempt), (n,) or (1,) when all are the same.

        `tier` holds the tips' labels, row by row.
        """
        name = (self.purpose, self.stage, *(str(number + 1) for number in nth))
        rows = {
            standard: streams.stream(standard, *name, standard).rows(block.first, len(block))[tips]
            for standard in self.standards
        }
        if self.by is None:
            return whole(self.laws[0].times(*(rows[standard] for standard in self.laws[0].standards)))
        code = told_apart(tier, len(self.laws)) if self.by == "tier" else block.code(self.by, tier)[tips]
        times = np.empty(code.size)
        for value, law in enumerate(self.laws):
            chosen = np.flatnonzero(code == value)
            if chosen.size:
                times[chosen] = law.times(*(rows[standard][chosen] for standard in law.standards))
        return whole(times)

    def beyond(self, block: TipBlock, tips: Members, tier: Codes, streams: Streams, bears: Ticks) -> Ticks:
        """Times that are longer than `bears`, (n,) ticks, row by row: the law, given that.

        F(t) = F(b) + u (1 - F(b)) is solved for t by halving, for any law by its cdf alone.
        """
        uniform = streams.uniform(self.purpose, self.stage, "beyond").rows(block.first, len(block))[tips]
        code: Codes = np.zeros(len(bears), dtype=np.int32)
        if self.by is not None:
            code = told_apart(tier, len(self.laws)) if self.by == "tier" else block.code(self.by, tier)[tips]
        found = np.empty(len(bears))
        for value, law in enumerate(self.laws):
            rows = np.flatnonzero(code == value)
            if rows.size:
                found[rows] = _beyond(law, uniform[rows], bears[rows].astype(np.float64))
        return np.maximum(whole(found), bears + 1)


def _beyond(law: Law, uniform: Variates, bears: Variates) -> Variates:
    outlived = 1 - law.cdf(bears)
    # Where the law leaves nothing beyond, patience has no end: it was longer than the law knows.
    asked = 1 - (1 - uniform) * outlived
    low, high = bears.copy(), np.full(bears.shape, float(NEVER))
    for _ in range(64):
        middle = low + (high - low) / 2
        reached = law.cdf(middle) >= asked
        high, low = np.where(reached, middle, high), np.where(reached, low, middle)
    return np.where(outlived > 0, high, float(NEVER))


@dataclass(frozen=True, slots=True, eq=False)
class RecordedTimes:
    """What a record tells of tips, (n,) ticks each, a tip of the block a row; of each it is asked once."""

    patience: Ticks
    """NEVER where it is drawn."""
    bears: Ticks
    """The least that the patience is drawn beyond; 0 where nothing is known."""
    wrap_up: Ticks
    """NEVER where it is drawn."""
    waited: Flags
    """Of which tips the patience was asked before, at an earlier stage; this fills it."""
    wrapped: Flags
    """Of which tips the wrap-up was."""

    def waits(
        self, law: Times, block: TipBlock, tips: Members, tier: Codes, streams: Streams, drawn: Ticks | int
    ) -> Ticks:
        """The patience of some tips: as recorded, drawn beyond what they bore, or as drawn."""
        asked = self.waited[tips].copy()
        self.waited[tips] = True
        patience, bears = np.where(asked, NEVER, self.patience[tips]), np.where(asked, 0, self.bears[tips])
        found = np.where(patience < NEVER, patience, drawn)
        rows = np.flatnonzero((bears > 0) & (patience == NEVER))
        if rows.size:
            some = tips[rows] if isinstance(tips, np.ndarray) else rows
            found[rows] = law.beyond(block, some, tier[rows], streams, bears[rows])
        return found

    def wrap_ups(self, tips: Members, drawn: Ticks) -> Ticks:
        """The wrap-ups of some tips: as recorded, or as drawn."""
        given = np.where(self.wrapped[tips], NEVER, self.wrap_up[tips])
        self.wrapped[tips] = True
        return np.where(given < NEVER, given, drawn)


def whole(times: Variates) -> Ticks:
    """Times, which are never negative, to the nearest tick, and at most NEVER."""
    np.minimum(times, NEVER, out=times)
    ticks: Ticks = np.rint(times, out=times).astype(np.int64)
    return ticks


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """All the times of a stage."""

    stage: str
    work: Times
    wrap_up: Times | None = None
    patience: Times | None = None
    again: ShareThresholds | None = None
    after: Times | None = None
    attempts: int = 0
    """Attempts of a visit; 0 where none can be in vain."""
    callback: CallBack | None = None
    due: Lengths | None = None
    repeat: Times | None = None
    """Of who starts when the incident is known."""

    def attempt(
        self, block: TipBlock, tips: Members, tier: Codes, streams: Streams, nth: int, attempt: int
    ) -> tuple[Ticks | int, Ticks | int]:
        """How long an attempt (from 0) of the tips' nth visit waits, and after how long the next is made, or NEVER."""
        waits: Ticks | int = NEVER
        if self.patience is not None:
            waits = self.patience.draw(block, tips, tier, streams, nth, attempt)
        if attempt + 1 == self.attempts or self.again is None or self.after is None or self.again.certain is False:
            return waits, NEVER
        after = self.after.draw(block, tips, tier, streams, nth, attempt)
        if self.again.certain:
            return waits, after
        coin = streams.uniform("retry", self.stage, str(nth + 1), str(attempt + 1))
        again = self.again.heads(coin.rows(block.first, len(block))[tips], None)
        return waits, np.where(again, after, NEVER)

    def called_back(
        self, block: TipBlock, tips: Members, tier: Codes, streams: Streams, nth: int, attempt: int, waits: Ticks
    ) -> Ticks:
        """How long after its entry each attempt accepts a call-back, or NEVER, where it waits so long."""
        offer = self.callback
        if offer is None:
            return np.full(waits.shape, NEVER)
        code = (
            None
            if offer.share.by is None
            else block.code(offer.share.by, tier)[tips]
            if offer.share.by != "tier"
            else tier
        )
        if offer.share.certain is not None:
            accepts = np.full(waits.shape, offer.share.certain)
        else:
            coin = streams.uniform("callback", self.stage, str(nth + 1), str(attempt + 1))
            accepts = offer.share.heads(coin.rows(block.first, len(block))[tips], code)
        return np.where(accepts & (offer.after <= waits), offer.after, NEVER)


@dataclass(frozen=True, slots=True, eq=False)
class CallBack:
    """The offer to be called back: after how long, and the share that accepts."""

    after: int
    share: ShareThresholds


@dataclass(frozen=True, slots=True, eq=False)
class Lengths:
    """A length of time that may differ by an attribute."""

    by: str | None
    values: Ticks

    def of(self, block: TipBlock, tips: Members, tier: Codes) -> Ticks | int:
        """The tips' lengths; `tier` holds their labels, row by row."""
        if self.by is None:
            return int(self.values[0])
        found: Ticks = self.values[tier if self.by == "tier" else block.code(self.by, tier)[tips]]
        return found


def timings(scenario: Scenario) -> list[Timing]:
    """The times of each stage of a scenario, made ready for drawing."""
    return [_timing(scenario, index) for index in range(len(scenario.stages))]


def _timing(scenario: Scenario, index: int) -> Timing:
    stage = scenario.stages[index]
    patience = None if stage.patience is None else Times.of(scenario, stage.patience, index, "patience")
    again, after = None, None
    if stage.retry is not None:
        again, law = ShareThresholds([stage.retry.share]), stage.retry.after
        after = Times("retry_after", stage.name, None, [law], law.standards)
    offer = stage.callback
    return Timing(
        stage=stage.name,
        work=Times.of(scenario, stage.time, index, "delay" if stage.service is None else "service"),
        wrap_up=None if stage.wrap_up is None else Times.of(scenario, stage.wrap_up, index, "wrap_up"),
        patience=patience,
        again=again,
        after=after,
        attempts=stage.attempts,
        callback=None
        if offer is None
        else CallBack(
            offer.after, ShareThresholds(offer.share.listed(names_of(scenario, offer.share.by)), offer.share.by)
        ),
        due=None if stage.due is None else Lengths(stage.due.by, _due(scenario, stage.due)),
        repeat=None
        if stage.merge is None or stage.merge.repeat is None
        else Times.of(scenario, stage.merge.repeat, index, "repeat"),
    )


def _due(scenario: Scenario, due: ByAttribute[int]) -> Ticks:
    """The lengths of an attribute's names, and of tips without a label; NEVER for those that have none."""
    if due.by is None:
        return np.array([due.values[""]], dtype=np.int64)
    names = [*names_of(scenario, due.by), *([UNLABELLED] if due.by == "tier" else [])]
    return np.array([due.values.get(name, due.values.get(OTHER, NEVER)) for name in names], dtype=np.int64)
