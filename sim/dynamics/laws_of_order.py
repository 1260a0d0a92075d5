"""The laws of order: who is served, who leaves and who gives way before whom, pair by pair, for small worlds.

Only pairs that stood side by side both before and after a tick are compared: what a stamp does not tell, within a tick,
is left to the comparison of the engines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sim.dynamics import order
from sim.dynamics.log import PREEMPTED, RELIEVED
from sim.dynamics.replication import Ticks
from sim.dynamics.trial import Trial
from sim.dynamics.waits import rank_at


@dataclass(frozen=True, slots=True)
class _Spell:
    """A spell with its overtime, as plain numbers."""

    visit: int
    tip: int
    place: int
    began: int
    ended: int
    why: int
    rank: int
    preempts: bool
    entry: int
    overtime: tuple[tuple[int, int], ...]

    def on_duty_across(self, tick: int) -> bool:
        """Whether it goes on across a tick with its server on duty all along."""
        return self.began < tick < self.ended and not any(began <= tick <= ended for began, ended in self.overtime)


def check(trial: Trial) -> None:
    """Hold a log to the order of lines, of leaving and of giving way."""
    spells = _spells(trial)
    _check_line(trial, spells)
    _check_giving_way(trial, spells)
    _check_leaving(trial, spells)
    _check_returning(trial, spells)


def _spells(trial: Trial) -> list[_Spell]:
    spells, overtime = trial.log.spells, trial.log.overtime
    rank, preempts = rank_at(trial.replication, trial.at, spells.visit, spells.place)
    stretches: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for place, visit, began, ended in zip(
        overtime.place.tolist(), overtime.visit.tolist(), overtime.began.tolist(), overtime.ended.tolist(), strict=True
    ):
        stretches.setdefault((visit, place), []).append((began, ended))
    entry = _entries(trial)
    found = []
    for i in range(len(spells.visit)):
        visit, place, began, ended = (
            int(column[i]) for column in (spells.visit, spells.place, spells.began, spells.ended)
        )
        own = tuple(o for o in stretches.get((visit, place), []) if began <= o[0] and o[1] <= ended)
        tip = int(trial.at.tip[visit])
        found.append(
            _Spell(
                visit,
                tip,
                place,
                began,
                ended,
                int(spells.why[i]),
                int(rank[i]),
                bool(preempts[i]),
                int(entry[visit]),
                own,
            )
        )
    return found


def _entries(trial: Trial) -> Ticks:
    """The entry of each visit's last attempt."""
    entry = np.zeros(len(trial.replication.visits), np.int64)
    entry[trial.tried.visit] = trial.tried.entry
    return entry


def _check_line(trial: Trial, spells: list[_Spell]) -> None:
    """Who is served was first in line: nobody before them waited from before to after."""
    line = trial.line
    rank, may = rank_at(trial.replication, trial.at, line.visit, line.place)
    displaced = {(s.place, s.ended) for s in spells if s.why == PREEMPTED}
    for spell in spells:
        beside = (line.place == spell.place) & (line.began < spell.began) & (spell.began < line.ended)
        if (spell.place, spell.began) in displaced:
            beside &= may
        for row in np.flatnonzero(beside):
            tip = int(trial.at.tip[line.visit[row]])
            if order.line_before(int(rank[row]), int(line.entry[row]), tip, spell.rank, spell.entry, spell.tip):
                trial.accuse(f"tip {spell.tip} is not served before its turn", int(line.visit[row]), spell.began)


def _check_giving_way(trial: Trial, spells: list[_Spell]) -> None:
    """A tip is displaced by a strictly better one, and nobody stays who should have given way instead."""
    for spell in spells:
        if spell.why != PREEMPTED:
            continue
        takers = [s for s in spells if s.place == spell.place and s.began == spell.ended and s.preempts]
        if not any(order.outranks(taker.rank, spell.rank) for taker in takers):
            trial.accuse("a tip is displaced by a strictly better one", spell.visit, spell.ended)

        def gives_way(one: _Spell, other: _Spell) -> bool:
            return order.yields_before(one.rank, one.began, one.tip, other.rank, other.began, other.tip)

        _nobody_first(trial, "the worst and latest gives way", spells, spell, spell.ended, gives_way)


def _check_leaving(trial: Trial, spells: list[_Spell]) -> None:
    """Of the busy, those leave whose spells began earliest."""
    for spell in spells:
        gone = [spell.ended] if spell.why == RELIEVED else []
        for tick in gone + [began for began, _ in spell.overtime]:
            _nobody_first(trial, "the earliest spell leaves", spells, spell, tick, _leaves)


def _check_returning(trial: Trial, spells: list[_Spell]) -> None:
    """Of those in overtime, those go back on duty whose spells began earliest."""
    for spell in spells:
        for tick in {ended for _, ended in spell.overtime if ended < spell.ended}:
            for other in spells:
                stays = other.place == spell.place and any(began < tick < ended for began, ended in other.overtime)
                if stays and _leaves(other, spell):
                    law = f"the earliest spell goes back on duty, before tip {spell.tip}"
                    trial.accuse(law, other.visit, tick)


def _leaves(one: _Spell, other: _Spell) -> bool:
    return order.leaves_before(one.began, one.tip, other.began, other.tip)


def _nobody_first(
    trial: Trial, law: str, spells: list[_Spell], spell: _Spell, tick: int, first: Callable[[_Spell, _Spell], bool]
) -> None:
    """Nobody who stays on duty at a spell's place across a tick comes before it."""
    for other in spells:
        if other.place == spell.place and other is not spell and other.on_duty_across(tick) and first(other, spell):
            trial.accuse(f"{law}, before tip {spell.tip}", other.visit, tick)
