"""The compiled engine: the same dynamics as the reference, over arrays.

The loop itself is in `loop.py`, and what plain lines have instead in `stations.py`; here they get their tables, and
what they stamped becomes a Log.
"""

# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"
from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.dynamics import branches as b
from sim.dynamics import hands as h
from sim.dynamics import machinery as m
from sim.dynamics import queues as q
from sim.dynamics import stations as s
from sim.dynamics.clock import NEVER
from sim.dynamics.log import UNREACHED, Log, Overtime, Spells
from sim.dynamics.loop import list_spells, run
from sim.dynamics.order import line_key, serving_key
from sim.dynamics.replication import (
    FIRST_COME,
    FULL_SPEED,
    KEEPS,
    NO_INCIDENT,
    NO_LIMIT,
    NO_PLACE,
    NOBODY,
    Flags,
    Plan,
    Replication,
    Rules,
    Stages,
    WorkSpeeds,
)

borrows = True
"""Whether a world that needs no people is given to the function for those that do, where this process has that one at
hand and not its own: the log is the same, and what each visit takes more is less than loading, let alone compiling, a
second function for the few replications with unlimited staff. Tests of the engine want each world's own."""

STAGE_BY_STAGE: Final[tuple[bool, ...]] = ()
"""The function of `stations`, in the next set."""

_at_hand: Final[set[tuple[bool, ...]]] = set()
"""Of the functions without `queues`, those that this process has called: with people, following delays and knowing who
may pre-empt, or not."""

_large: Final[list[tuple[Rules, int]]] = []
"""The rules by which working tables of the first size were last too small, and the size that was not: the next
replication is mostly one by the same rules."""


def simulate(replication: Replication) -> Log:
    """The log of a replication, equal to the reference engine's in every array."""
    tips, visits, rules = replication.tips, replication.visits, replication.rules
    given = tables(replication)
    *_, places, lines, _ = given
    branch = visits.branch and not only_chains(replication)
    enter, start, end = (np.empty(len(visits), np.int64) for _ in range(3))
    attempt, worked_at = (np.empty(len(visits), np.int32) for _ in range(2))
    lost, gave_up = np.full(len(tips), NEVER, np.int64), np.full(len(visits.patience), NEVER, np.int64)
    log = m.Stamps(enter, start, end, np.empty(len(visits), np.int8), attempt, worked_at, lost, gave_up)
    ordered = branch or needs_queues(replication)
    followed = followed_delays(replication, ordered)
    uses = followed is not None, places.may_preempt is not None
    needs = ordered or needs_people(replication)
    way = None if needs or (borrows and _lent_a_loop()) else s.way_of(replication)
    if way is not None:
        s.stamp(replication, given, log, way)
        _at_hand.add(STAGE_BY_STAGE)
        none = np.empty(0, np.int64)
        spells = spells_of(log, visits.work, None, none.reshape(0, 9), rules.horizon)
        return Log(enter, start, end, log.outcome, attempt, lost, gave_up, none, spells, _overtime(None), none)
    lent = borrows and (True, *uses) in _at_hand and (False, *uses) not in _at_hand
    apart = needs or lent
    roster = _roster(replication) if apart else None
    least = next((room for of, room in _large if of is rules), 0)
    for n_before, room in enumerate(room for room in rooms() if room >= least):
        working = nobody_yet(room, replication, q.N_COLUMNS if ordered else 0, apart)
        lists = empty_lists(replication, lines)
        people, queues, branches = None, None, None
        if ordered:
            queues = q.Queues(_line_rules(replication), _line_state(room, replication))
            for stamp in (enter, start, end):
                stamp.fill(NEVER)
            log.outcome.fill(UNREACHED)
            attempt.fill(0)
            worked_at.fill(NO_PLACE)
        if branch:
            branches = _branches(replication)
        if roster is not None:
            people = h.People(roster, _pace(rules.speeds), _hands(room, replication), _merging(replication))
        clock = rules.gates, rules.horizon, np.array([0, 0, rules.horizon])
        if run(*given, clock, log, lists, nothing_due(room), working, people, queues, branches, followed):
            if n_before:
                _large[:] = [(rules, room)]
            break
    if not ordered:
        _at_hand.add((apart, *uses))
    worked_by = None if people is None else people.hands.worked_by
    spells = spells_of(log, visits.work, worked_by, working.spells[1 : working.spells[0, 0] + 1], rules.horizon)
    merged = np.empty(0, np.int64) if people is None else people.merging.merged
    turned_away = np.full(len(visits.patience) if may_turn_away(rules) else 0, NEVER, np.int64)
    if queues is not None and turned_away.size:
        turned_away = queues.state.turned_away
    stamps = enter, start, end, log.outcome, attempt, lost, gave_up, turned_away
    return Log(*stamps, spells, _overtime(people), merged)


def _lent_a_loop() -> bool:
    """Whether a plain world is given to the loop, which this process has at hand, and `stations` it has not."""
    return STAGE_BY_STAGE not in _at_hand and not _at_hand.isdisjoint({(False, False, False), (True, False, False)})


def tables(replication: Replication) -> tuple[Any, ...]:
    """What the loop reads of a replication, in the order in which it takes it, but for the clock; the lines are last
    but one."""
    return *tables_of_tips(replication), *tables_of_rules(replication.rules, replication.plan)


def tables_of_tips(replication: Replication) -> tuple[Any, ...]:
    """The first two of them."""
    tips, visits = replication.tips, replication.visits
    return (
        m.TipTable(tips.arrival, tips.centre, tips.first_visit, tips.n_backlog),
        m.VisitTable(visits.kind, visits.work, visits.first_attempt, visits.patience, visits.retry_after),
    )


def tables_of_rules(rules: Rules, plan: Plan) -> tuple[Any, ...]:
    """The others, which are the same whatever the tips."""
    places = rules.places
    kinds, lines = _lines(rules)
    may_preempt = np.logical_or.reduce(lines.preempts.reshape(-1, lines.n_ranks), axis=1)
    return (
        kinds,
        _stages(rules.stages),
        m.PlaceTable(
            places.at_shift_end, places.hand_over, places.concurrency, may_preempt if may_preempt.any() else None
        ),
        lines,
        m.PlanTable(plan.tick, plan.place.astype(np.int64), plan.heads),
    )


def empty_lists(replication: Replication, lines: m.Lines) -> m.Lists:
    """Nobody stands anywhere yet."""
    rules = replication.rules
    sizes = len(lines.place), len(rules.places.pool), len(rules.stages.every)
    return m.Lists(*(np.full((n, 2), m.NIL) for n in sizes))


def needs_people(replication: Replication) -> bool:
    """Whether a replication needs more than heads at full speed that are free when the tip goes on."""
    rules = replication.rules
    people = rules.places.tells_apart.any() or rules.speeds.varies.any() or replication.visits.wrap_up.any()
    return bool(people or replication.may_merge)


def may_turn_away(rules: Rules) -> bool:
    """Whether the room of any stage has a limit."""
    return bool((rules.stages.waiting_room != NO_LIMIT).any() or (rules.stages.lines != NO_LIMIT).any())


def needs_queues(replication: Replication) -> bool:
    """Whether more is asked of lines than first come, first served, in one overflow pool at most."""
    rules, visits = replication.rules, replication.visits
    stages = rules.stages
    return bool(
        (rules.places.order != FIRST_COME).any()
        or rules.kinds.moves_after.size
        or may_turn_away(rules)
        or visits.called_back.size
        or visits.follows.size
        or ((stages.place == NO_PLACE) & (stages.attempts > 0)).any()
        or stages.overflow.shape[1] > 1
    )


def only_chains(replication: Replication) -> bool:
    """Whether each visit of a world with branches awaits the end of the one before it, and nothing else.

    Then it is a world without: `after` says in it what would hold anyhow.
    """
    tips, visits = replication.tips, replication.visits
    first, beyond = tips.first_visit[:-1], tips.first_visit[1:]
    makes_any = first < beyond
    begins, ends = np.zeros((2, len(visits)), np.bool_)
    begins[first[makes_any]] = True
    ends[beyond[makes_any] - 1] = True
    return bool(
        not visits.given_up_to.size
        and np.array_equal(visits.awaits, ~begins)
        and (visits.moment_after == NEVER).all()
        and np.array_equal(np.diff(visits.first_moment), ~ends)
        and np.array_equal(visits.sets_off, np.flatnonzero(~begins))
    )


def ready() -> bool:
    """Whether this process has the engine compiled or loaded."""
    # A plain function has none, and is ready.
    return any(getattr(function, "signatures", True) for function in (run, s.run_stages))


def compiling() -> bool:
    """Whether the engine had to be compiled, or is being compiled now, because no compiled one was kept."""
    both = (getattr(function, "stats", None) for function in (run, s.run_stages))  # a plain function has none
    return any(stats is not None and stats.cache_misses for stats in both)


def rooms() -> Iterator[int]:
    """Sizes of the working tables to try in turn: few tips are in the system at once, unless a line grows all year.

    What is not written to takes no memory, so the first size may be ample: each further one runs everything again.
    """
    room = 16_384
    while True:
        yield room
        room *= 8


def nobody_yet(room: int, replication: Replication, columns: int, apart: bool) -> m.Working:
    """Nobody in the system yet, and room for so many tips at once."""
    n_places = len(replication.rules.places.pool)
    free = np.empty(room + 2, np.int64)
    free[:2] = 0
    idle, waiting, to_settle = np.zeros((3, n_places + 1), np.int64)
    slots = np.empty((room, columns or (m.N_COLUMNS_WITH_PEOPLE if apart else m.N_COLUMNS)), np.int64)
    # Each wrap-up is written down, and the spell before it.
    n_spells = 2 * room + 2 * int(np.count_nonzero(replication.visits.wrap_up))
    spells = np.empty((n_spells + 1, 9), np.int64)
    spells[0] = 0
    return m.Working(slots, free, idle, waiting, np.zeros(n_places, np.bool_), to_settle, spells)


def nothing_due(room: int) -> m.Due:
    """Nothing to come yet."""
    heap, soon_tick, soon_slot = np.empty((2 * room + 1, 5), np.int64), *np.zeros((2, m.N_SOON + 1), np.int64)
    heap[0] = 0
    return m.Due(heap, soon_tick, soon_slot)


def _roster(replication: Replication) -> h.Roster:
    """People, with the queues of each place: one for each number of tips in hand with which one may take another."""
    places, plan = replication.rules.places, replication.plan
    most = int(places.concurrency.max(initial=1))
    queue = np.arange(len(places.pool) * most, dtype=np.int64).reshape(-1, most)
    in_order = np.sort(queue, axis=1)
    for row, slots in enumerate(places.concurrency.tolist()):
        in_order[row, :slots] = queue[row, sorted(range(slots), key=lambda in_hand: serving_key(in_hand, 0, 0))]
    return h.Roster(
        places.tells_apart,
        plan.people.place.astype(np.int64),
        queue,
        in_order,
        plan.first_action,
        plan.action,
        plan.person,
        replication.visits.wrap_up,
    )


def _pace(speeds: WorkSpeeds) -> h.Pace:
    by_hand_varies = (speeds.by_hand != FULL_SPEED).any(axis=1)
    steps = speeds.first_step, speeds.tick, speeds.by_tick
    return h.Pace(speeds.varies, by_hand_varies, *steps, speeds.by_stage, speeds.by_hand, speeds.first_step[:-1].copy())


def _hands(room: int, replication: Replication) -> h.Hands:
    """Nobody is there yet."""
    places, n_people = replication.rules.places, len(replication.plan.people)
    n_places = len(places.pool)
    table = np.zeros((n_people, h.N_COLUMNS), np.int64)
    queues = np.full((n_places * int(places.concurrency.max(initial=1)), 2), m.NIL)
    overtime = np.empty((room + 2 * n_people + 1, 4), np.int64)
    overtime[0] = 0
    return h.Hands(
        table,
        queues,
        np.full((n_people, 2), m.NIL),
        np.full((1, 2), m.NIL),
        np.zeros(n_places, np.int64),
        np.empty(len(replication.visits), np.int32),
        overtime,
    )


def _merging(replication: Replication) -> h.Merging:
    """Nothing is known yet."""
    tips, visits, rules = replication.tips, replication.visits, replication.rules
    if not replication.may_merge:
        none, never, no = np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.bool_)
        return h.Merging(none, none, never, never, none, np.empty((0, 0), np.bool_), never, never, never, no, never)
    n_incidents = int(tips.incident.max(initial=-1)) + 1
    member = np.flatnonzero(tips.incident != NO_INCIDENT)
    member = member[np.argsort(tips.incident[member], kind="stable")]
    first_member = tips.incident[member].searchsorted(np.arange(n_incidents + 1))
    return h.Merging(
        rules.stages.merges,
        tips.incident,
        visits.repeat,
        tips.first_visit,
        rules.kinds.stage[visits.kind],
        np.zeros((n_incidents, len(rules.stages.every)), np.bool_),
        first_member,
        member,
        np.full(len(visits), m.NIL),
        np.zeros(len(visits), np.bool_),
        np.full(len(visits), NEVER, np.int64),
    )


def _branches(replication: Replication) -> b.Branches:
    """Nothing has come yet."""
    visits = replication.visits
    return b.Branches(
        visits.awaits,
        visits.first_moment,
        visits.moment_after,
        visits.sets_off,
        visits.awaits.copy(),
        np.zeros(len(visits.sets_off), np.bool_),
        visits.cue,
        np.zeros(len(visits) if visits.given_up_to.size else 0, np.int64),
        np.zeros(len(visits) if visits.given_up_to.size else 0, np.bool_),
        np.zeros(1, np.bool_),
    )


def spells_of(
    log: m.Stamps, work: NDArray[Any], worked_by: NDArray[Any] | None, broken: NDArray[Any], horizon: int
) -> Spells:
    """Every spell in order of visit; `broken` are those written down, those of each visit in turn."""
    broken = broken[np.argsort(broken[:, 0], kind="stable")]
    n_spells = np.count_nonzero(log.worked_at != NO_PLACE) + len(broken)
    n_spells -= np.count_nonzero(broken[1:, 0] != broken[:-1, 0]) + (len(broken) > 0)
    visit, began, ended, done = (np.empty(n_spells, np.int64) for _ in range(4))
    of_attempt, place, why = (np.empty(n_spells, np.int32) for _ in range(3))
    person, wrapping = np.full(n_spells, NOBODY, np.int32), np.zeros(n_spells, np.bool_)
    columns = visit, of_attempt, place, person, began, ended, done, why, wrapping
    list_spells(log, work, worked_by, broken, horizon, columns)
    return Spells(*columns)


def _overtime(people: h.People | None) -> Overtime:
    """Stretches of overtime in order of (from, place, person)."""
    if people is None:
        nothing = np.zeros(0, np.int64)
        return Overtime(nothing.astype(np.int32), nothing.astype(np.int32), nothing, nothing)
    overtime = people.hands.overtime[1 : people.hands.overtime[0, 0] + 1]
    overtime = overtime[np.lexsort((overtime[:, 2], overtime[:, 1], overtime[:, 0]))]
    since, where, who, until = (np.ascontiguousarray(overtime[:, column]) for column in range(4))
    return Overtime(where.astype(np.int32), who.astype(np.int32), since, until)


def _lines(rules: Rules) -> tuple[m.KindTable, m.Lines]:
    """The kinds with the lists in which they wait, and the lists: each place has as many as there are ranks."""
    kinds, stages, pool = rules.kinds, rules.stages, rules.places.pool
    n_ranks = 1 + max(int(of.max(initial=0)) for of in (kinds.rank, kinds.overflow_rank, kinds.moves_to))
    ranks = np.array(sorted(range(n_ranks), key=lambda rank: line_key(rank, 0, 0)))
    list_of = np.argsort(ranks)
    preempts = np.zeros((len(pool), n_ranks), np.bool_)
    first = np.column_stack([stages.place, stages.overflow])[kinds.stage]
    rank = np.column_stack([kinds.rank, kinds.overflow_rank])
    may = np.column_stack([kinds.preempts, kinds.overflow_preempts]) & (first != NO_PLACE)
    for kind, line in np.argwhere(may).tolist():
        row = kind * first.shape[1] + line
        ranks_of = [rank[kind, line], *kinds.moves_to[kinds.first_move[row] : kinds.first_move[row + 1]]]
        preempts[np.ix_(pool == pool[first[kind, line]], list_of[ranks_of])] = True
    place = np.repeat(np.arange(len(pool)), n_ranks)
    lines = m.Lines(place, np.tile(ranks, len(pool)), preempts.ravel(), n_ranks)
    overflow, over = _first(kinds.overflow_rank, 0), _first(kinds.overflow_preempts, False)
    own: NDArray[Any] = list_of[kinds.rank]
    stage = kinds.stage.astype(np.int64)
    return m.KindTable(stage, own, kinds.preempts, list_of[overflow], over), lines


def _first(column: NDArray[Any], otherwise: object) -> NDArray[Any]:
    """What is told of the first overflow line of each row; where there is none anywhere, the same for all."""
    if column.shape[1]:
        return np.ascontiguousarray(column[:, 0])
    return np.full(column.shape[0], otherwise, column.dtype)


def _stages(stages: Stages) -> m.StageTable:
    """The stages with their first overflow pool; of several, `queues` knows."""
    return m.StageTable(
        stages.place,
        stages.place_step,
        _first(stages.overflow, NO_PLACE),
        _first(stages.overflow_step, 0),
        _first(stages.overflow_after, 0),
        stages.every,
        stages.attempts,
    )


def followed_delays(replication: Replication, ordered: bool) -> Flags | None:
    """(n_stages,) which are delays of which nothing but their end can come; None where none is, unless lines are
    `ordered`."""
    stages = replication.rules.stages
    flows: Flags = (stages.place == NO_PLACE) & (stages.every == 0) & (stages.attempts == 0)
    if replication.may_merge:
        flows &= stages.merges == KEEPS
    return flows if ordered or flows.any() else None


def _line_rules(replication: Replication) -> q.LineRules:
    """What lines ask, with the own pool as the first line of each stage and kind."""
    rules, visits = replication.rules, replication.visits
    kinds, stages, places = rules.kinds, rules.stages, rules.places
    n_ranks = 1 + max(int(of.max(initial=0)) for of in (kinds.rank, kinds.overflow_rank, kinds.moves_to))

    def columns(own: NDArray[Any], overflow: NDArray[Any], dtype: type) -> NDArray[Any]:
        return np.ascontiguousarray(np.column_stack([own, overflow]), dtype)

    return q.LineRules(
        places.order,
        columns(stages.place, stages.overflow, np.int64),
        columns(stages.place_step, stages.overflow_step, np.int64),
        columns(np.zeros(len(stages.place)), stages.overflow_after, np.int64),
        columns(kinds.rank, kinds.overflow_rank, np.int64),
        columns(kinds.preempts, kinds.overflow_preempts, np.bool_),
        np.argsort(sorted(range(n_ranks), key=lambda rank: line_key(rank, 0, 0))),
        kinds.first_move,
        kinds.moves_after,
        kinds.moves_to,
        stages.waiting_room,
        stages.lines,
        stages.due_from_enter,
        1 + int(replication.tips.centre.max(initial=0)),
        visits.called_back,
        visits.due,
        visits.lot,
        visits.follows,
        visits.given_up_to,
        visits.turned_away_to,
        rules.gates,
    )


def _line_state(room: int, replication: Replication) -> q.LineState:
    """Nobody waits, and all rooms are empty."""
    n_rooms = len(replication.rules.stages.place) * (1 + int(replication.tips.centre.max(initial=0)))
    joined, pending = np.empty((room + 1, 2), np.int64), np.empty(room + 2, np.int64)
    joined[0], pending[:2] = 0, 0
    return q.LineState(
        np.empty((8 * room, q.N_OF_NODE), np.int64),
        np.zeros(n_rooms, np.int64),
        np.zeros(n_rooms, np.int64),
        joined,
        pending,
        np.zeros(len(replication.rules.places.pool), np.int64),
        np.full(len(replication.visits.patience), NEVER, np.int64),
    )
