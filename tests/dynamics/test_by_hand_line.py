"""Orders, ageing, rooms, call-backs, asides and several overflow pools, sentence by sentence."""

from __future__ import annotations

import numpy as np

from sim.dynamics.clock import NEVER
from sim.dynamics.log import ABANDONED, OPEN, SERVED, TURNED_AWAY, UNREACHED
from sim.dynamics.replication import DUE_FIRST, IN_RANDOM_ORDER, LAST_COME, NO_VISIT, RESUME
from tests.conftest import Engine
from tests.dynamics.build import LONG, Pool, Row, Stage, Visit, spells, tip, world

# Order.


def test_the_last_come_are_served_first(simulate: Engine) -> None:
    """Three come at 0, 1 and 10, each takes 20: the third is served before the second."""
    pools = [Pool("desk", 1, order=LAST_COME)]
    log = simulate(world(pools=pools, stages=[Stage("desk")], tips=[tip(0, 20), tip(1, 20), tip(10, 20)]))
    assert log.start.tolist() == [0, 40, 20]


def test_of_the_last_come_of_one_tick_the_lower_tip_is_first(simulate: Engine) -> None:
    pools = [Pool("desk", 1, order=LAST_COME)]
    log = simulate(world(pools=pools, stages=[Stage("desk")], tips=[tip(0, 9), tip(1, 2), tip(1, 2), tip(2, 2)]))
    assert log.start.tolist() == [0, 11, 13, 9]


def test_the_earliest_due_are_served_first_and_who_is_never_due_last(simulate: Engine) -> None:
    """Three wait when the first has ended at 10: due at 40, never, and at 35."""
    visits = [Visit(0, 10, due=due) for due in (99, 38, NEVER, 30)]
    tips = [tip(0, visits[0]), tip(2, visits[1]), tip(2, visits[2]), tip(5, visits[3])]
    log = simulate(world(pools=[Pool("a", 1, order=DUE_FIRST)], stages=[Stage("a")], tips=tips))
    assert log.start.tolist() == [0, 20, 30, 10]


def test_a_tip_is_due_from_its_arrival_or_from_its_entry(simulate: Engine) -> None:
    """Tip 1 enters stage 1 at 2, after a delay, and is due at 20 or 22; tip 2, which enters at 1, is due at 22."""
    tips = [tip(0, Visit(1, 4, due=0)), tip(0, Visit(0, 2), Visit(1, 10, due=20)), tip(1, Visit(1, 10, due=21))]
    for from_enter, starts in ((False, [4, 14]), (True, [14, 4])):
        stages = [Stage(), Stage("a", due_from_enter=from_enter)]
        log = simulate(world(pools=[Pool("a", 1, order=DUE_FIRST)], stages=stages, tips=tips))
        assert log.start.tolist()[2:] == starts


def test_a_random_order_shuffles_anew_at_each_start(simulate: Engine) -> None:
    """Two of rank 0 before one of rank 1; with other lots the two change places."""
    first = set()
    for lot in range(1, 9):
        tips = [
            tip(0, 5),
            *(tip(1, Visit(0, 5, rank=rank, lot=lot * (2 + rank) + at)) for at, rank in enumerate([0, 0, 1])),
        ]
        log = simulate(world(pools=[Pool("a", 1, order=IN_RANDOM_ORDER)], stages=[Stage("a")], tips=tips))
        assert log.start[3] == 15
        first.add(int(np.argmin(log.start[1:])))
    assert first == {0, 1}


def test_who_is_lucky_at_one_start_need_not_be_at_the_next(simulate: Engine) -> None:
    """The same two wait when 1, 2 and up to 8 have started before: now the one is first, now the other."""
    first = set()
    for before in range(1, 9):
        early = [tip(0, Visit(0, 9, lot=1)) for _ in range(before)]
        late = [tip(9 * before - 1, Visit(0, 9, lot=lot)) for lot in (5, 7)]
        log = simulate(world(pools=[Pool("a", 1, order=IN_RANDOM_ORDER)], stages=[Stage("a")], tips=[*early, *late]))
        first.add(bool(log.start[-1] < log.start[-2]))
    assert first == {False, True}


def test_a_person_takes_by_the_order_of_its_own_pool(simulate: Engine) -> None:
    """Both stand in both lines; the overflow pool, free at 10, takes the last come, the own at 12 the first."""
    pools = [Pool("a", 1), Pool("b", 1, order=LAST_COME)]
    stages = [Stage("a", overflow="b"), Stage("b")]
    tips = [tip(0, Visit(0, 12)), tip(0, Visit(1, 10)), tip(1, Visit(0, 1)), tip(2, Visit(0, 1)), tip(3, Visit(0, 9))]
    log = simulate(world(pools=pools, stages=stages, tips=tips))
    assert log.start.tolist() == [0, 0, 12, 13, 10]


# Ageing.


def test_who_has_waited_long_enough_has_the_better_rank(simulate: Engine) -> None:
    """High ones come at 0, 10, 30, 50 and 70, a low one at 1, which is as good as they are once it has waited 30."""
    low = Visit(0, 20, rank=1, moves=[(0, 30, 0)])
    tips = [tip(0, 20), tip(1, low), tip(10, 20), tip(30, 20), tip(50, 20), tip(70, 20)]
    log = simulate(world(pools=[Pool("desk", 1)], stages=[Stage("desk")], tips=tips))
    assert log.start.tolist() == [0, 40, 20, 60, 80, 100]


def test_a_tip_moves_up_at_the_very_tick_after_what_ends_there(simulate: Engine) -> None:
    """At 31 the server is freed first, and takes the high one; a tick earlier the low one would be first."""
    low = Visit(0, 5, rank=1, moves=[(0, 30, 0)])
    for work, starts in ((31, [0, 36, 31]), (32, [0, 32, 37])):
        log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a")], tips=[tip(0, work), tip(1, low), tip(2, 5)]))
        assert log.start.tolist() == starts


def test_an_interrupted_tip_returns_with_the_rank_of_its_age(simulate: Engine) -> None:
    """Displaced at 5 with rank 2, it moves up to 0 at 10 and is served again before one of rank 1."""
    aging = Visit(0, 10, rank=2, moves=[(0, 10, 0)])
    tips = [tip(0, aging), tip(5, Visit(0, 10, preempts=True)), tip(6, Visit(0, 3, rank=1))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a")], tips=tips))
    assert [row[2:4] for row in spells(log) if row[0] == 0] == [(0, 5), (15, 20)]
    assert log.start[2] == 20


def test_a_retry_ages_anew(simulate: Engine) -> None:
    """It gives up at 9 and is back at 10: at 15 it has waited for 5, not 14, and comes after the other."""
    aging = Visit(0, 1, rank=1, moves=[(0, 10, 0)], patience=[8, NEVER], retry=[1])
    tips = [tip(0, Visit(0, 15, patience=[NEVER])), tip(1, aging), tip(12, Visit(0, 1, patience=[NEVER]))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a")], tips=tips))
    assert log.start.tolist() == [0, 16, 15]


# Rooms.


def patient(work: int, **more: object) -> Visit:
    return Visit(0, work, patience=[NEVER], **more)  # type: ignore[arg-type]


def test_who_finds_the_waiting_room_full_is_turned_away_the_highest_first(simulate: Engine) -> None:
    """One is served, one waits; of two who come at 3 each finds no room; of two at 0 only one is to wait."""
    tips = [tip(0, patient(10)), tip(0, patient(10)), tip(0, patient(10)), tip(3, patient(1))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", waiting_room=1)], tips=tips))
    assert log.outcome.tolist() == [SERVED, SERVED, TURNED_AWAY, TURNED_AWAY]
    assert log.lost.tolist() == [NEVER, NEVER, 0, 3]
    assert log.turned_away.tolist() == [NEVER, NEVER, 0, 3]


def test_of_two_who_are_released_in_one_tick_the_higher_is_turned_away(simulate: Engine) -> None:
    """The gate opens at 10 for tips 1 and 2, nobody is idle, and one may wait."""
    tips = [tip(0, patient(15)), tip(3, patient(1)), tip(4, patient(1))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", every=10, waiting_room=1)], tips=tips))
    assert log.start.tolist() == [0, 15, NEVER]
    assert log.turned_away.tolist() == [NEVER, NEVER, 10]


def test_all_who_join_an_aside_in_one_event_are_asked_together(simulate: Engine) -> None:
    """At 5 the gate opens for both, nobody serves, and the aside has room for one, the lower.

    Tip 1 finds no line and is in the aside at once; tip 0 finds no waiting room, and comes there only after settling.
    """
    stages = [Stage("a", every=5, waiting_room=0, lines=1), Stage("a", waiting_room=1)]
    way = Visit(0, 9, patience=[NEVER], follows=NO_VISIT, turned_away_to=1), Visit(1, 9, patience=[NEVER])
    log = simulate(world(pools=[Pool("a")], stages=stages, tips=[tip(1, *way), tip(2, *way)]))
    assert log.enter.tolist() == [1, 5, 2, 5]
    assert log.outcome.tolist() == [TURNED_AWAY, OPEN, TURNED_AWAY, TURNED_AWAY]
    assert log.lost.tolist() == [NEVER, 5]


def test_who_was_turned_away_has_not_joined_the_line(simulate: Engine) -> None:
    """Turned away at 1, tip 1 is back at 2 and waits: the overflow pool sees it at 5, three ticks after that."""
    back = Visit(0, 1, patience=[NEVER] * 2, retry=[1])
    tips = [tip(0, patient(2)), tip(0, patient(9)), tip(1, back)]
    stages = [Stage("a", overflow="b", after=3, waiting_room=1)]
    log = simulate(world(pools=[Pool("a", 1), Pool("b", 1)], stages=stages, tips=tips))
    assert log.enter.tolist() == [0, 0, 1]
    assert log.start.tolist() == [0, 2, 5]


def test_who_overflows_at_once_is_turned_away_only_if_nobody_there_is_free(simulate: Engine) -> None:
    """In a room for none tip 1 goes to the other pool at 1; tip 2 finds nobody, and is back at 12, to its own pool."""
    back = Visit(0, 1, patience=[NEVER] * 2, retry=[10])
    tips = [tip(0, patient(9)), tip(1, patient(9)), tip(2, back)]
    stages = [Stage("a", overflow="b", after=0, waiting_room=0)]
    log = simulate(world(pools=[Pool("b", 1), Pool("a", 1)], stages=stages, tips=tips))
    assert spells(log) == [(0, 1, 0, 9, 0), (1, 0, 1, 10, 0), (2, 1, 12, 13, 0)]


def test_lines_count_who_waits_and_who_is_served(simulate: Engine) -> None:
    """Two lines, one server: the third is turned away until the first has ended at 10."""
    tips = [tip(0, patient(10)), tip(1, patient(10)), tip(2, patient(1)), tip(10, patient(1))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", lines=2)], tips=tips))
    assert log.outcome.tolist() == [SERVED, SERVED, TURNED_AWAY, SERVED]


def test_a_wrap_up_fills_no_line(simulate: Engine) -> None:
    """The only line is free at 5, though its person wraps up until 20."""
    tips = [tip(0, patient(5, wrap_up=15)), tip(6, patient(1))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", lines=1)], tips=tips))
    assert log.outcome.tolist() == [SERVED, SERVED]
    assert log.start.tolist() == [0, 20]


def test_an_interrupted_tip_keeps_its_room_and_the_backlog_has_room_always(simulate: Engine) -> None:
    """At 2 the only person goes: the tip in hand waits in a room for none; who comes at 3 is turned away."""
    pools = [Pool("a", rows=[Row(0, 2), Row(20, LONG)], at_shift_end=RESUME)]
    tips = [tip(0, patient(5)), tip(0, patient(1)), tip(3, patient(1))]
    log = simulate(world(pools=pools, stages=[Stage("a", waiting_room=0)], tips=tips, backlog=2))
    assert log.outcome.tolist() == [SERVED, SERVED, TURNED_AWAY]
    assert log.end.tolist() == [23, 24, NEVER]


def test_who_was_turned_away_retries(simulate: Engine) -> None:
    """Turned away at 1 and again at 4, tip 1 finds room at 11."""
    tips = [tip(0, patient(10)), tip(1, Visit(0, 1, patience=[NEVER] * 3, retry=[3, 7]))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", lines=1)], tips=tips))
    assert log.start.tolist() == [0, 11]
    assert [tick for tick in log.turned_away.tolist() if tick < NEVER] == [1, 4]
    assert log.lost.tolist() == [NEVER, NEVER]


def test_every_centre_has_rooms_of_its_own(simulate: Engine) -> None:
    """One line in each of two centres; where they share the pool they share the line too."""
    for shared, outcome in ((False, SERVED), (True, TURNED_AWAY)):
        tips = [tip(0, patient(5)), tip(1, patient(5), centre=1)]
        one = world(pools=[Pool("a", 1, shared=shared)], stages=[Stage("a", lines=1)], tips=tips, centres=2)
        assert simulate(one).outcome.tolist() == [SERVED, outcome]


def test_who_gives_up_leaves_the_room(simulate: Engine) -> None:
    """Tip 1 gives up at 3, so that tip 2 of 4 finds the second line free."""
    tips = [tip(0, patient(10)), tip(1, Visit(0, 5, patience=[2])), tip(4, patient(5))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", lines=2)], tips=tips))
    assert log.outcome.tolist() == [SERVED, ABANDONED, SERVED]


# Asides.


def test_only_after_the_last_attempt_the_tip_goes_to_the_aside_in_the_same_event(simulate: Engine) -> None:
    """Turned away at 1 and at 3, tip 1 enters the aside at 3, and then what follows it; it is not lost."""
    busy = tip(0, Visit(0, 99, patience=[NEVER], follows=NO_VISIT))
    turned = Visit(0, 1, patience=[NEVER] * 2, retry=[2], follows=NO_VISIT, turned_away_to=1)
    log = simulate(
        world(
            pools=[Pool("a", 1), Pool("b", 1)],
            stages=[Stage("a", lines=1), Stage("b"), Stage()],
            tips=[busy, tip(1, turned, Visit(1, 5), Visit(2, 4, follows=NO_VISIT))],
        )
    )
    assert log.enter.tolist() == [0, 1, 3, 8]
    assert log.end.tolist() == [99, NEVER, 8, 12]
    assert log.outcome.tolist() == [SERVED, TURNED_AWAY, SERVED, SERVED]
    assert log.lost.tolist() == [NEVER, NEVER]


def test_who_gives_up_goes_to_the_aside_and_who_has_none_is_lost(simulate: Engine) -> None:
    """Both lose patience at 5; what is written after the stage is reached by neither but from the aside."""
    given_up = [
        Visit(0, 1, patience=[5], follows=1, given_up_to=2),
        Visit(2, 3, follows=NO_VISIT),
        Visit(1, 4, follows=3),
    ]
    tips = [tip(0, *given_up, Visit(2, 3, follows=NO_VISIT)), tip(0, Visit(0, 1, patience=[5]), Visit(2, 3))]
    log = simulate(world(pools=[Pool("a")], stages=[Stage("a"), Stage(), Stage()], tips=tips))
    assert log.outcome.tolist() == [ABANDONED, UNREACHED, SERVED, SERVED, ABANDONED, UNREACHED]
    assert log.enter.tolist() == [0, NEVER, 5, 9, 0, NEVER]
    assert log.lost.tolist() == [NEVER, 5]


def test_who_is_served_does_not_come_to_the_aside(simulate: Engine) -> None:
    """It leaves at 4, though the visits of the aside are written after the last of its way."""
    way = [
        Visit(0, 1, patience=[5], follows=1, given_up_to=2),
        Visit(2, 3, follows=NO_VISIT),
        Visit(1, 4, follows=NO_VISIT),
    ]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a"), Stage(), Stage()], tips=[tip(0, *way)]))
    assert log.outcome.tolist() == [SERVED, SERVED, UNREACHED]


# Call-backs.


def test_who_accepts_a_call_back_keeps_the_place(simulate: Engine) -> None:
    """Four come at 0, 1, 2 and 4; the second accepts at 3: it starts second all the same, at 10, with no patience."""
    called = Visit(0, 10, patience=[NEVER], called_back=[2])
    holds = Visit(0, 10, patience=[60])
    tips = [tip(0, holds), tip(1, called), tip(2, holds), tip(4, holds)]
    log = simulate(world(pools=[Pool("agents", 1)], stages=[Stage("agents")], tips=tips))
    assert log.start.tolist() == [0, 10, 20, 30]


def test_a_call_back_frees_the_room(simulate: Engine) -> None:
    """Tip 1 fills the room until it accepts at 3: tip 2 of 2 is turned away, tip 3 of 3 comes after it and waits."""
    called = Visit(0, 5, patience=[NEVER], called_back=[2])
    tips = [tip(0, patient(10)), tip(1, called), tip(2, patient(1)), tip(4, patient(1))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", waiting_room=1)], tips=tips))
    assert log.start.tolist() == [0, 10, NEVER, 15]


def test_who_is_called_back_behind_the_gate_needs_no_room_after_it(simulate: Engine) -> None:
    """Tip 1 accepts at 3; the gate opens at 10, when the only line is taken until 30, and it waits all the same."""
    called = Visit(0, 5, patience=[NEVER], called_back=[1])
    log = simulate(
        world(pools=[Pool("a", 1)], stages=[Stage("a", every=10, lines=1)], tips=[tip(0, patient(30)), tip(2, called)])
    )
    assert log.start.tolist() == [0, 30]


# Delays.


def test_patience_in_a_delay_runs_to_its_end_and_the_end_comes_first(simulate: Engine) -> None:
    """A delay from 2 to 7, with patience until 6 or 7."""
    for bears, outcome in ((4, ABANDONED), (5, SERVED)):
        log = simulate(world(stages=[Stage()], tips=[tip(2, Visit(0, 5, patience=[bears]))]))
        assert log.outcome.tolist() == [outcome]
        assert log.start.tolist() == [2]
        assert log.lost.tolist() == [6 if outcome == ABANDONED else NEVER]


def test_a_delay_that_was_given_up_is_begun_anew(simulate: Engine) -> None:
    """Given up at 5, begun again at 8, and over at 14; the start is that of the first attempt."""
    log = simulate(world(stages=[Stage()], tips=[tip(2, Visit(0, 6, patience=[3, 9], retry=[3]))]))
    assert (log.start.tolist(), log.end.tolist(), log.gave_up.tolist()) == ([2], [14], [5, NEVER])


# Overflow.


def test_two_overflow_pools_are_seen_in_the_order_of_the_list(simulate: Engine) -> None:
    """Nobody is in the own pool; both others are idle, and both are seen at 3: the first of the list takes the tip."""
    for to, place in ((["b", "c"], 1), (["c", "b"], 2)):
        pools = [Pool("a"), Pool("b", 1), Pool("c", 1)]
        log = simulate(world(pools=pools, stages=[Stage("a", overflow=to, after=[3, 3])], tips=[tip(0, 5)]))
        assert spells(log) == [(0, place, 3, 8, 0)]


def test_the_second_overflow_pool_is_seen_after_its_own_time(simulate: Engine) -> None:
    """The first is busy until 50, the second is seen from 7."""
    pools = [Pool("a"), Pool("b", 1), Pool("c", 1)]
    tips = [tip(0, Visit(1, 50)), tip(0, Visit(0, 5))]
    log = simulate(world(pools=pools, stages=[Stage("a", overflow=["b", "c"], after=[2, 7]), Stage("b")], tips=tips))
    assert [row[1:4] for row in spells(log) if row[0] == 1] == [(2, 7, 12)]


def test_overflow_counts_from_the_first_attempt_that_joined(simulate: Engine) -> None:
    """Turned away at 1, as tip 0 waits until 3, the tip joins at 5 and is seen at 9 only."""
    stages = [Stage("a", overflow="b", after=4, waiting_room=1)]
    tips = [tip(0, Visit(0, 90, patience=[3])), tip(1, Visit(0, 5, patience=[NEVER] * 2, retry=[4]))]
    log = simulate(world(pools=[Pool("a"), Pool("b", 1)], stages=stages, tips=tips))
    assert log.start.tolist() == [NEVER, 9]
