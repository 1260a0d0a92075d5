"""What an engine is given: tips whose every random choice is made, the fixed rules, and the plan of who is on duty.

Nothing here draws, reads a file or knows a scenario. All arrays are C-contiguous; every tick is an int64 since
`run.start`. A *place* is one pool in one centre: pool-major, so the pools stay in the order of the scenario and each
pool's centres lie side by side (a shared pool is one place).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ticks = NDArray[np.int64]
Codes = NDArray[np.int32]
Flags = NDArray[np.bool_]

NO_PLACE: Final = -1
"""The place of an unstaffed stage (a delay)."""

BY_WINDOWS: Final = -1
"""In place of the time from one opening of a gate to the next: the gate is open in windows of its own."""

NO_LABEL: Final = -1
"""The tier of a tip that nobody has labelled yet."""

NO_INCIDENT: Final = -1
"""The incident of a tip that is about nothing that others are about too."""

FINISH: Final = 0
RESUME: Final = 1
HAND_OVER: Final = 2
RESTART: Final = 3
"""What happens to a leaver's tip: completed in overtime, resumed, resumed after `hand_over`, or begun anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Tips:
    """The tips of one replication, in order of arrival; row i is tip i. The first `n_backlog` rows are the backlog."""

    arrival: Ticks
    """(n_tips,) tick of arrival, never falling; 0 for the backlog."""
    centre: Codes
    """(n_tips,) index of the centre."""
    channel: Codes
    """(n_tips,) index of the channel."""
    risk: Codes
    """(n_tips,) index of the true risk."""
    category: Codes
    """(n_tips,) index of the category."""
    first_visit: Ticks
    """(n_tips + 1,) row of the tip's first visit in Visits; its visits end before the next tip's first."""
    n_backlog: int = 0
    """How many tips wait at their first stage when the run starts."""
    own: Codes = field(default_factory=lambda: np.empty((0, 0), np.int32))
    """(n_own, n_tips) index of the value of each attribute of the scenario's own."""
    incident: Codes = field(default_factory=lambda: np.empty(0, np.int32))
    """(n_tips,) which incident the tip is about, NO_INCIDENT for none; (0,) where there are no incidents at all."""

    def __len__(self) -> int:
        return int(self.arrival.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class Visits:
    """Every visit to a stage that a tip would make if it never gave up, tip by tip, each tip's in order."""

    kind: Codes
    """(n_visits,) row in Kinds: the stage, and how lines treat such a tip there."""
    work: Ticks
    """(n_visits,) drawn service or delay."""
    tier: Codes
    """(n_visits,) the tip's label when it reaches the stage, or NO_LABEL."""
    first_attempt: Ticks
    """(n_visits,) row of the visit's first attempt in `patience`, where the stage has attempts; 0 elsewhere."""
    patience: Ticks
    """(n_attempts,) longest wait that the attempt bears."""
    retry_after: Ticks
    """(n_attempts,) how long after giving up the next attempt is made; NEVER when the tip is lost."""
    final_tier: Codes
    """(n_tips,) the tip's label after its last visit, or NO_LABEL."""
    labeller: Codes = field(default_factory=lambda: np.empty(0, np.int32))
    """(n_visits,) who gave that label when the tip reaches the stage, or NO_LABEL; (0,) where nobody asks."""
    final_labeller: Codes = field(default_factory=lambda: np.empty(0, np.int32))
    """(n_tips,) who gave the label after its last visit, or NO_LABEL; (0,) where nobody asks."""

    def __len__(self) -> int:
        return int(self.kind.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """What a line needs to know of a visit: one row for each combination of stage and attributes, (n_kinds,) each."""

    stage: Codes
    """Index of the stage."""
    rank: Codes
    """Rank in the line of the stage's own pool; 0 is served first."""
    preempts: Flags
    """Whether such a tip may take the server of a tip of a worse rank there."""
    overflow_rank: Codes
    """Rank in the line of the overflow pool; 0 where there is none."""
    overflow_preempts: Flags
    """Whether such a tip may take a server there."""


@dataclass(frozen=True, slots=True, eq=False)
class Stages:
    """The fixed facts of each stage, (n_stages,) each."""

    place: Codes
    """The stage's place in the first centre, or NO_PLACE for a delay."""
    place_step: Codes
    """Places from one centre to the next: 1, or 0 for a shared pool."""
    overflow: Codes
    """The overflow pool's place in the first centre, or NO_PLACE."""
    overflow_step: Codes
    """As `place_step`, for the overflow pool."""
    overflow_after: Ticks
    """How long a tip waits until it stands in the overflow line too."""
    every: Ticks
    """The gate opens at multiples of this, counted from midnight; 0 where there is no gate, and BY_WINDOWS where the
    windows of Rules say when it is open."""
    attempts: Codes
    """Attempts that a visit may make: 0 where patience is endless, else 1 and the retries."""


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """The fixed facts of each place, (n_places,) each."""

    pool: Codes
    """Index of the pool in the scenario."""
    centre: Codes
    """Index of the centre; -1 for a shared pool."""
    at_shift_end: Codes
    """FINISH, RESUME, HAND_OVER or RESTART."""
    hand_over: Ticks
    """Work added at each hand-over."""
    concurrency: Codes
    """Slots of one person."""


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """When gates are open that go by a calendar: the windows of each stage in turn, disjoint and in order."""

    first: Ticks
    """(n_stages + 1,) row of each stage's first window; its windows end before the next stage's first."""
    opens: Ticks
    """(n_windows,) first tick."""
    closes: Ticks
    """(n_windows,) first tick after it; one later where the gate is open for an instant."""


class Gates(NamedTuple):
    """All that is known of gates, as `order.opening` asks for it."""

    every: Ticks
    since_midnight: int
    first: Ticks
    opens: Ticks
    closes: Ticks


def no_windows() -> Windows:
    """No gate goes by a calendar."""
    return Windows(*(np.zeros(n, dtype=np.int64) for n in (1, 0, 0)))


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """All that is fixed for every replication of a scenario, but the staffing."""

    stages: Stages
    places: Places
    kinds: Kinds
    since_midnight: int
    """Ticks from midnight to `run.start`: the phase of the gates."""
    horizon: int
    """The first tick that is not simulated."""
    windows: Windows = field(default_factory=no_windows)
    """When the gates that go by a calendar are open."""

    @property
    def gates(self) -> Gates:
        """All that is known of the gates of the stages."""
        windows = self.windows
        return Gates(self.stages.every, self.since_midnight, windows.first, windows.opens, windows.closes)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Who leaves and joins when: one row for each tick and place at which somebody does, by tick, then place.

    Within a row the leavers go first, then those back from a break return, then those whose shift begins join.
    Counts are people, not slots.
    """

    tick: Ticks
    place: Codes
    leaving: Codes
    returning: Codes
    joining: Codes

    def __len__(self) -> int:
        return int(self.tick.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class Replication:
    """One run in which every random choice is already made."""

    tips: Tips
    visits: Visits
    rules: Rules
    plan: Plan
    index: int = 0
