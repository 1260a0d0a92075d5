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

NO_VISIT: Final = -1
"""What follows the last visit of a tip."""
BY_WINDOWS: Final = -1
"""In place of the time from one opening of a gate to the next: the gate is open in windows of its own."""

NO_MOMENT: Final = -1
"""In place of the number of moments that a visit awaits: nothing leads to it but another visit in vain."""

NO_LABEL: Final = -1
"""The tier of a tip that nobody has labelled yet."""

NO_INCIDENT: Final = -1
"""The incident of a tip that is about nothing that others are about too."""

NOBODY: Final = -1
"""The person of a spell at a place that does not tell people apart."""

FULL_SPEED: Final = 1_000_000_000
"""Speeds are whole billionths: who works at this one does a tick of work in a tick."""

KEEPS: Final = 0
REPEATS: Final = 1
LEAVES: Final = 2
"""What a stage does with the other tips of an incident once one of them has ended there: nothing; each costs a repeat
when somebody takes it, and then leaves merged; or they leave merged at once."""

FINISH: Final = 0
RESUME: Final = 1
HAND_OVER: Final = 2
RESTART: Final = 3
CLEAR_LINE: Final = 4
"""What happens to the tips that somebody has in hand at the end of a shift: completed in overtime, resumed by the next,
resumed after `hand_over`, or begun anew; or completed in overtime, with all that entered the line before the end."""

FIRST_COME: Final = 0
LAST_COME: Final = 1
IN_RANDOM_ORDER: Final = 2
DUE_FIRST: Final = 3
"""Who is next among those of the best rank in a line: the earliest entry, the latest, anyone, or the earliest due."""

NO_LIMIT: Final = -1
"""The room of a stage that has room for all."""

GOES_HOME: Final = 0
TAKES_BREAK: Final = 1
TAKES_NO_MORE: Final = 2
COMES_BACK: Final = 3
COMES_ON: Final = 4
"""What a person does at a tick of the plan: ends the shift, begins a break, begins the last part of the shift in which
nobody new is taken (`last_start`), is back from a break, begins the shift."""


def none_of_these() -> Ticks:
    """No rows, of what no visit of a world has."""
    return np.zeros(0, np.int64)


def none_of_those() -> Codes:
    """The same for codes."""
    return np.zeros(0, np.int32)


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
    """(n_attempts,) longest wait that the attempt bears; NEVER where it bears any, as once it accepts a call-back."""
    retry_after: Ticks
    """(n_attempts,) how long after giving up, or being turned away, the next is made; NEVER when there is none."""
    final_tier: Codes
    """(n_tips,) the tip's label after its last visit, or NO_LABEL."""
    wrap_up: Ticks = field(default_factory=none_of_these)
    """(n_visits,) work that stays for the person once the tip has gone on, 0 for none; (0,) where no stage has any."""
    labeller: Codes = field(default_factory=none_of_those)
    """(n_visits,) who gave that label when the tip reaches the stage, or NO_LABEL; (0,) where nobody asks."""
    repeat: Ticks = field(default_factory=none_of_these)
    """(n_visits,) work of who starts first when the incident is known there; (0,) where no stage merges."""
    final_labeller: Codes = field(default_factory=none_of_those)
    """(n_tips,) who gave the label after its last visit, or NO_LABEL; (0,) where nobody asks."""
    called_back: Ticks = field(default_factory=none_of_these)
    """(n_attempts,) how long after its entry the attempt accepts a call-back, and from then on fills no room and no
    line; NEVER where it does not. (0,) where no stage offers any."""
    due: Ticks = field(default_factory=none_of_these)
    """(n_visits,) how long after arrival, or entry, the tip is due; NEVER where it never is. (0,) where none is."""
    lot: Ticks = field(default_factory=none_of_these)
    """(n_visits,) what a random order shuffles, below 2**31; (0,) where no line is in random order."""
    follows: Ticks = field(default_factory=none_of_these)
    """(n_visits,) row of the visit that follows when this one has ended, or NO_VISIT after the last.

    (0,) where there are no asides, and the next row of the same tip follows, or where there are branches.
    """
    last_tier: Codes = field(default_factory=none_of_those)
    """(n_visits,) for a visit that nothing follows, the tip's label after it; (0,) where `follows` is."""
    last_labeller: Codes = field(default_factory=none_of_those)
    """(n_visits,) likewise, who gave it; (0,) where `follows` is, or nobody asks."""
    given_up_to: Ticks = field(default_factory=none_of_these)
    """(n_visits,) row of the visit that follows when the tip has given up for good, or NO_VISIT where it is then lost;
    (0,) where there are no asides."""
    turned_away_to: Ticks = field(default_factory=none_of_these)
    """(n_visits,) the same for the tip that was turned away for good."""
    awaits: Ticks = field(default_factory=none_of_these)
    """(n_visits,) how many moments of other visits have to come before it begins, 0 for those that begin when the tip
    arrives, and NO_MOMENT; (0,) where there are no branches, and a visit begins when the one before it has ended.

    Fewer than there are where the end of an aside stands for that of the visit in vain: of these one comes at most.
    What cannot come any more because a visit was in vain that has an aside is awaited no longer; a visit that awaited
    nothing else is not made, and what hangs on it does not come either."""
    first_moment: Ticks = field(default_factory=none_of_these)
    """(n_visits + 1,) row of each visit's first moment in `moment_after` and `sets_off`; its moments end before those
    of the next visit. (0,) where there are no branches."""
    moment_after: Ticks = field(default_factory=none_of_these)
    """(n_moments,) how long after its first start the moment of a visit comes, at its end if that is sooner; NEVER for
    the end itself."""
    sets_off: Ticks = field(default_factory=none_of_these)
    """(n_moments,) row of the visit of the same tip that awaits the moment; ascending for each visit."""
    cue: Ticks = field(default_factory=none_of_these)
    """(n_moments,) which of the moments that the visit awaits it is, from 0; those that stand for one another have one
    number. (0,) where there are no asides, and each has its own."""
    labels_as: Codes = field(default_factory=none_of_those)
    """(n_visits,) the label that the tip has once the visit has ended, NO_LABEL where the visit gives none; of several
    that it was given, the one of the last row holds. (0,) where there are no branches."""

    gives_as: Codes = field(default_factory=none_of_those)
    """(n_visits,) who gave that, or NO_LABEL; (0,) where there are no branches, or nobody asks."""

    @property
    def branch(self) -> bool:
        """Whether a tip may be in several places at a time."""
        return bool(self.awaits.size)

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
    """(n_kinds, the most overflow pools of a stage) rank in the line of each overflow pool; 0 where there is none."""
    overflow_preempts: Flags
    """(n_kinds, the most overflow pools of a stage) whether such a tip may take a server there."""
    first_move: Ticks
    """(n_kinds * n_lines + 1,) where the moves up of a kind begin, line by line, the own one first; they end before
    those of the next line."""
    moves_after: Ticks
    """(n_moves,) after how long a wait in the line a tip moves up; ascending for each line."""
    moves_to: Codes
    """(n_moves,) the better rank that it then has."""


@dataclass(frozen=True, slots=True, eq=False)
class Stages:
    """The fixed facts of each stage, (n_stages,) each."""

    place: Codes
    """The stage's place in the first centre, or NO_PLACE for a delay."""
    place_step: Codes
    """Places from one centre to the next: 1, or 0 for a shared pool."""
    overflow: Codes
    """(n_stages, the most of any) each overflow pool's place in the first centre, or NO_PLACE."""
    overflow_step: Codes
    """As `place_step`, for the overflow pools."""
    overflow_after: Ticks
    """How long a tip waits until it stands in each overflow line too."""
    every: Ticks
    """The gate opens at multiples of this, counted from midnight; 0 where there is no gate, and BY_WINDOWS where the
    windows of Rules say when it is open."""
    attempts: Codes
    """Attempts that a visit may make: 0 where none can be in vain, else 1 and the retries."""
    waiting_room: Codes
    """How many may wait at most, in a centre, or in all where the pool is shared; NO_LIMIT where there is room."""
    lines: Codes
    """How many may wait or be served at most, counted alike."""
    due_from_enter: Flags
    """Whether tips are due from their first entry to the stage, not from their arrival."""
    merges: Codes = field(default_factory=none_of_those)
    """KEEPS, REPEATS or LEAVES; (0,) where no stage merges."""


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """The fixed facts of each place, (n_places,) each."""

    pool: Codes
    """Index of the pool in the scenario."""
    centre: Codes
    """Index of the centre; -1 for a shared pool."""
    at_shift_end: Codes
    """FINISH, RESUME, HAND_OVER, RESTART or CLEAR_LINE."""
    hand_over: Ticks
    """Work added at each hand-over."""
    concurrency: Codes
    """Slots of one person: how many tips one has in hand at most, those in wrap-up counted."""
    order: Codes
    """FIRST_COME, LAST_COME, IN_RANDOM_ORDER or DUE_FIRST."""
    tells_apart: Flags
    """Whether people are told apart here, because they have shifts or slow down with what they have in hand. Elsewhere
    heads are counted: somebody starts while fewer slots are in use than there are, nobody is interrupted when the
    number of heads falls, and a tip may be displaced only while exactly as many slots are in use as there are."""


@dataclass(frozen=True, slots=True, eq=False)
class WorkSpeeds:
    """How fast people work, in billionths of full speed; the speed of a spell is the product of three factors.

    The first is that of the place at the tick at which the spell begins, and for a wrap-up that of the spell before it;
    the second that of the stage; the third that of the number of tips in hand, which alone changes during a spell.
    `order.speed` multiplies. When it changes, what is left of the others in hand is reckoned anew in that event, each
    time the number changes, but for those whose work ends at that tick, and those whose speed stays the same.
    """

    varies: Flags
    """(n_places,) whether any of the place's factors is not full speed; where none is, the rest need not be read."""
    first_step: Ticks
    """(n_places + 1,) row of the place's first step in `tick` and `by_tick`; its steps end before the next place's."""
    tick: Ticks
    """(n_steps,) tick from which a factor holds; the first of each place is 0."""
    by_tick: Ticks
    """(n_steps,) the factor from then on."""
    by_stage: Ticks
    """(n_places, n_stages) the factor of each stage."""
    by_hand: Ticks
    """(n_places, the most slots of any) in column k - 1 the factor of who has k in hand; FULL_SPEED past its slots."""


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
    speeds: WorkSpeeds
    windows: Windows = field(default_factory=no_windows)
    """When the gates that go by a calendar are open."""

    @property
    def gates(self) -> Gates:
        """All that is known of the gates of the stages."""
        windows = self.windows
        return Gates(self.stages.every, self.since_midnight, windows.first, windows.opens, windows.closes)


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """All who are on the roster where people are told apart, one row a person, (n_people,) each.

    A person is one of a row of the roster on one date. They lie in the order of place, row, number, start: of two
    people of a place, the lower index is the earlier row, then the lower number, which is how all ties are broken.
    """

    place: Codes
    row: Codes
    """0 for the people around the clock, then the rows of the pool's `shifts` from 1."""
    day: Codes
    """The calendar day on which the shift starts, counted from that of `run.start`; 0 for those around the clock."""
    number: Codes
    """From 0, of those of the same row and date."""
    start: Ticks
    """First tick of the shift, which may lie before `run.start`; 0 for the people around the clock."""
    end: Ticks
    """The tick at which the shift ends; NEVER for the people around the clock."""
    away: Flags
    """Whether the person is absent, and so does nothing in the plan; paid for all the same."""

    def __len__(self) -> int:
        return int(self.place.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Who goes and comes when: one row for each tick and place at which somebody does, by tick, then place.

    Each row is one event of the kind SHIFT. In it, those go whose shift ends or whose break begins; then the number of
    heads changes; then some take no more; then those back from a break return; then those come whose shift begins.
    Actions lie in that order, and each kind of them by person. Before `tick` 0 nothing is told: who is under way at
    `run.start` comes on at 0, and who is on a break then comes back. What falls on the horizon or later is left out.

    A person goes, takes a break or comes in turn, so that every action but the first finds what the one before it left.
    Who is on a break when the shift ends neither comes back nor goes home. TAKES_NO_MORE holds from then on until the
    shift ends, whatever breaks still follow, and may come before the person does.
    """

    tick: Ticks
    """(n_rows,)"""
    place: Codes
    """(n_rows,)"""
    heads: Codes
    """(n_rows,) heads more than before, or fewer, at a place that counts them; 0 where people are told apart."""
    first_action: Ticks
    """(n_rows + 1,) where the actions of the row begin; they end before those of the next."""
    action: Codes
    """(n_actions,) GOES_HOME, TAKES_BREAK, TAKES_NO_MORE, COMES_BACK or COMES_ON."""
    person: Ticks
    """(n_actions,) whose, as a row in People."""
    people: People

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

    @property
    def may_merge(self) -> bool:
        """Whether any stage merges, and any tip is about an incident."""
        return bool(self.rules.stages.merges.any() and self.tips.incident.size)

    seed: int = 0
    """What it was drawn by, so that another staffing can be drawn for the same tips."""


_DUTY: Final = np.zeros(5, np.int32)
_DUTY[[GOES_HOME, TAKES_BREAK, TAKES_NO_MORE, COMES_BACK, COMES_ON]] = [-1, -1, 0, 1, 1]


def changes_of_duty(plan: Plan) -> Codes:
    """(n_rows,) by how many people or heads each row of a plan changes the number on duty."""
    total = np.concatenate([[0], np.cumsum(_DUTY[plan.action])])
    return np.ascontiguousarray(np.diff(total[plan.first_action]) + plan.heads, np.int32)
