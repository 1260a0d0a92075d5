"""What an engine gives back: the stamps of every visit and every spell of work; `laws.verify` holds them to the laws.

Nothing here interprets: waits, shares and occupancy are read from a Log elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics.replication import Codes, Flags, Ticks

Outcomes = NDArray[np.int8]

UNREACHED: Final = 0
SERVED: Final = 1
ABANDONED: Final = 2
OPEN: Final = 3
MERGED: Final = 4
TURNED_AWAY: Final = 5
"""How a visit ended: never begun, served, given up for good, open at the horizon, left because another tip of its
incident had ended there (the tip goes on to nothing), or turned away for good."""

DONE: Final = 0
RELIEVED: Final = 1
PREEMPTED: Final = 2
CUT: Final = 3
"""Why a spell stopped: work done, its person went off duty, a better tip took the person, or the horizon came."""


@dataclass(frozen=True, slots=True, eq=False)
class Spells:
    """Unbroken work on one visit by one person, in order of (visit, from): (n_spells,) each.

    A wrap-up is the last spell of a visit, and begins at the tick at which the one before it is done. A change of the
    number of tips in hand, and so of speed, breaks no spell.
    """

    visit: Ticks
    """Row of the visit."""
    attempt: Codes
    """Attempt of the visit, from 1."""
    place: Codes
    """Place whose person worked."""
    person: Codes
    """Row in People, or NOBODY where people are not told apart: `lanes` gives them names."""
    began: Ticks
    """First tick of the spell."""
    ended: Ticks
    """Tick at which it stopped; the horizon where it was cut."""
    work: Ticks
    """Work done in it, in ticks of full speed."""
    why: Codes
    """DONE, RELIEVED, PREEMPTED or CUT."""
    wrapping: Flags
    """Whether it is the wrap-up of a visit that has ended."""


@dataclass(frozen=True, slots=True, eq=False)
class Overtime:
    """Stretches of positive length in which somebody was at work off duty, in order of (from, place, person), (n,).

    A person has one stretch at a time, whatever the number of tips in hand; who stays to clear the line is in overtime
    until leaving, in hand or not. Where heads are counted nothing is written down: what is in use beyond the heads is.
    """

    place: Codes
    person: Codes
    """Row in People."""
    began: Ticks
    ended: Ticks
    """When nothing was left to do, the break ended, or the horizon came."""


@dataclass(frozen=True, slots=True, eq=False)
class Log:
    """What happened: one row a visit of the replication, NEVER where it did not happen."""

    enter: Ticks
    """(n_visits,) tick at which the tip first reaches the stage."""
    start: Ticks
    """(n_visits,) tick of the first start, whatever the attempt; of a delay, when it begins (after the gate)."""
    end: Ticks
    """(n_visits,) tick at which the service or delay ends."""
    outcome: Outcomes
    """(n_visits,) UNREACHED, SERVED, ABANDONED, OPEN or MERGED."""
    attempt: Codes
    """(n_visits,) attempts begun; 0 where unreached, or merged on entering."""
    lost: Ticks
    """(n_tips,) tick at which the tip first gave up for good, or was turned away for good, or NEVER."""
    gave_up: Ticks
    """(n_attempts,) tick at which the attempt was given up, or NEVER; rows as in `Visits.patience`."""
    turned_away: Ticks
    """(n_attempts,) tick at which each attempt found no room; (0,) where every stage has room for all."""
    spells: Spells
    overtime: Overtime
    merged: Ticks = field(default_factory=lambda: np.empty(0, np.int64))
    """(n_visits,) tick at which the tip left the visit merged, or NEVER; (0,) where none can."""


def differences(one: Log, other: Log) -> list[str]:
    """The names of the arrays in which two logs of one replication differ; empty when the engines agree.

    A name is a field of Log, or `spells.` or `overtime.` and a field.
    """
    found = []
    for name, a, b in _arrays(one, other):
        if not np.array_equal(a, b):
            found.append(name)
    return found


def _arrays(one: Log, other: Log) -> list[tuple[str, NDArray[np.generic], NDArray[np.generic]]]:
    pairs = []
    for part in fields(Log):
        a, b = getattr(one, part.name), getattr(other, part.name)
        if isinstance(a, Spells | Overtime):
            pairs += [(f"{part.name}.{f.name}", getattr(a, f.name), getattr(b, f.name)) for f in fields(a)]
        else:
            pairs.append((part.name, a, b))
    return pairs
