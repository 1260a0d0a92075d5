"""Patience, gates, overflow and rework, sentence by sentence, in worlds that a pencil can follow."""

from __future__ import annotations

from sim.dynamics.clock import NEVER
from sim.dynamics.log import ABANDONED, DONE, OPEN, PREEMPTED, RELIEVED, SERVED, UNREACHED
from sim.dynamics.replication import HAND_OVER, RESTART, RESUME
from tests.conftest import Engine
from tests.dynamics.build import LONG, Pool, Row, Stage, Visit, spells, tip, world

# Patience.


def test_patience_runs_from_enter(simulate: Engine) -> None:
    """Tip 1 enters stage 1 at 4 and gives up at 9; what follows is never reached."""
    tips = [tip(0, Visit(1, 20, patience=[1])), tip(1, 3, Visit(1, 1, patience=[5]), 1)]
    stages = [Stage(), Stage("a"), Stage()]
    log = simulate(world(pools=[Pool("a", 1)], stages=stages, tips=tips))
    assert log.lost.tolist() == [NEVER, 9]
    assert log.outcome.tolist() == [SERVED, SERVED, ABANDONED, UNREACHED]


def test_patience_runs_behind_the_gate_too(simulate: Engine) -> None:
    """The gate opens at 10, a server is idle, and the tip gives up at 6."""
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", every=10)], tips=[tip(2, Visit(0, 1, patience=[4]))]))
    assert log.lost.tolist() == log.gave_up.tolist() == [6]
    assert log.start.tolist() == [NEVER]


def test_patience_runs_until_the_first_start_of_the_attempt(simulate: Engine) -> None:
    """Relieved at 2, the tip waits until 50 with a patience of 3: it has been served, and does not give up."""
    pools = [Pool("a", rows=[Row(0, 2), Row(50, LONG)], at_shift_end=RESUME)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, Visit(0, 5, patience=[3]))]))
    assert log.end.tolist() == [53]


def test_a_retry_is_a_new_attempt_of_the_same_visit_at_the_tail(simulate: Engine) -> None:
    """Tip 1 gives up at 4 and is back at 6, behind tip 2 of 5."""
    tips = [
        tip(0, Visit(0, 10, patience=[0])),
        tip(1, Visit(0, 2, patience=[3, 99], retry=[2])),
        tip(5, Visit(0, 2, patience=[99])),
    ]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a")], tips=tips))
    assert log.enter.tolist() == [0, 1, 5]
    assert log.start.tolist() == [0, 12, 10]
    assert log.attempt.tolist() == [1, 2, 1]
    assert log.spells.attempt.tolist() == [1, 2, 1]
    assert [tick for tick in log.gave_up.tolist() if tick < NEVER] == [4]


def test_a_retry_has_fresh_patience(simulate: Engine) -> None:
    """Back at 6 with a patience of 5, the tip gives up at 11."""
    log = simulate(
        world(pools=[Pool("a")], stages=[Stage("a")], tips=[tip(1, Visit(0, 2, patience=[3, 5], retry=[2]))])
    )
    assert log.lost.tolist() == [11]


def test_three_retries_are_four_attempts(simulate: Engine) -> None:
    """Waits of 1, 2, 3, 4 and pauses of 5: given up at 1, 8, 16 and, for good, at 25."""
    tips = [tip(0, Visit(0, 2, patience=[1, 2, 3, 4], retry=[5, 5, 5]))]
    log = simulate(world(pools=[Pool("a")], stages=[Stage("a")], tips=tips))
    assert log.attempt.tolist() == [4]
    assert log.lost.tolist() == [25]
    assert log.gave_up.tolist() == [1, 8, 16, 25]


def test_who_does_not_retry_is_lost_at_once(simulate: Engine) -> None:
    """The stage allows three attempts; tip 0 drew to make one."""
    tips = [tip(0, Visit(0, 2, patience=[4])), tip(0, Visit(0, 2, patience=[4, 4, 4], retry=[1, 1]))]
    log = simulate(world(pools=[Pool("a")], stages=[Stage("a")], tips=tips))
    assert log.lost.tolist() == [4, 14]
    assert [tick for tick in log.gave_up.tolist() if tick < NEVER] == [4, 4, 9, 14]


# Gates.


def test_a_gate_opens_at_multiples_counted_from_midnight(simulate: Engine) -> None:
    """The run starts 7 ticks after midnight: with a gate every 5, tick 3 is the 10th after midnight."""
    log = simulate(
        world(pools=[Pool("a", 9)], stages=[Stage("a", every=5)], tips=[tip(0, 1), tip(4, 1)], since_midnight=7)
    )
    assert log.start.tolist() == [3, 8]


def test_a_tip_that_arrives_on_the_tick_passes(simulate: Engine) -> None:
    """Tips of 9, 10 and 11 at a gate that opens every 10."""
    tips = [tip(9, 1), tip(10, 1), tip(11, 1)]
    log = simulate(world(pools=[Pool("a", 9)], stages=[Stage("a", every=10)], tips=tips))
    assert log.start.tolist() == [10, 10, 20]


def test_a_gate_with_windows_lets_tips_through_while_one_is_open(simulate: Engine) -> None:
    """Open from 5 to 10 and at 20: tips of 2, 5, 9, 10, 20 and 21, and the last is still there at the end."""
    tips = [tip(at, Visit(1, 1)) for at in (2, 5, 9, 10, 20, 21)]
    stages = [Stage("a", open=[(0, 1)]), Stage("a", open=[(5, 10), (20, 21)])]
    log = simulate(world(pools=[Pool("a", 9)], stages=stages, tips=tips))
    assert log.start.tolist() == [5, 5, 9, 20, 20, NEVER]
    assert log.outcome.tolist()[-1] == OPEN


def test_each_attempt_passes_a_window_anew_while_patience_runs(simulate: Engine) -> None:
    """Given up at 3 behind the closed gate, the tip is back at 12, waits for 20, and is begun then."""
    tips = [tip(1, Visit(0, 1, patience=[2, 30], retry=[9]))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", open=[(5, 10), (20, 30)])], tips=tips))
    assert (log.attempt.tolist(), log.start.tolist()) == ([2], [20])


def test_enter_is_when_it_reaches_the_stage_and_place_in_line_counts_from_there(simulate: Engine) -> None:
    """Tip 1 entered at 2, behind the gate until 5; tip 2 entered the other stage of the pool at 3."""
    tips = [tip(0, Visit(1, 8)), tip(2, Visit(0, 1)), tip(3, Visit(1, 1))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", every=5), Stage("a")], tips=tips))
    assert log.enter.tolist() == [0, 2, 3]
    assert log.start.tolist() == [0, 8, 9]


def test_a_gate_holds_a_delay_too(simulate: Engine) -> None:
    """It starts when the gate opens, and lasts as drawn."""
    log = simulate(world(stages=[Stage(every=5)], tips=[tip(1, 3), tip(5, 0)]))
    assert log.start.tolist() == [5, 5]
    assert log.end.tolist() == [8, 5]


def test_a_retry_passes_the_gate_anew(simulate: Engine) -> None:
    """Released at 10, given up at 12, back at 13: the next gate is at 20, when a server is there."""
    pools = [Pool("a", rows=[Row(14, LONG)])]
    tips = [tip(8, Visit(0, 1, patience=[4, 9], retry=[1]))]
    log = simulate(world(pools=pools, stages=[Stage("a", every=10)], tips=tips))
    assert log.start.tolist() == [20]


# Overflow.


def test_after_runs_from_the_first_entry_to_the_line(simulate: Engine) -> None:
    """Pool b is idle all along, and takes the tip of 2 at 7."""
    log = simulate(world(pools=[Pool("a"), Pool("b", 1)], stages=[Stage("a", "b", after=5)], tips=[tip(2, 4)]))
    assert spells(log) == [(0, 1, 7, 11, DONE)]


def test_after_runs_from_the_release_behind_a_gate(simulate: Engine) -> None:
    """Released at 10, so pool b takes the tip of 2 at 15."""
    log = simulate(
        world(pools=[Pool("a"), Pool("b", 1)], stages=[Stage("a", "b", after=5, every=10)], tips=[tip(2, 4)])
    )
    assert spells(log) == [(0, 1, 15, 19, DONE)]


def test_after_is_never_reset(simulate: Engine) -> None:
    """The first attempt is over at 3; the second stands in the line of pool b from 5, as the first would have."""
    tips = [tip(0, Visit(0, 2, patience=[3, 9], retry=[1]))]
    log = simulate(world(pools=[Pool("a"), Pool("b", 1)], stages=[Stage("a", "b", after=5)], tips=tips))
    assert spells(log) == [(0, 1, 5, 7, DONE)]


def test_after_it_has_run_out_a_retry_stands_in_both_lines_at_once(simulate: Engine) -> None:
    """Visible from 2, given up at 3, back at 8: pool b, on duty from 6, takes it at 8."""
    pools = [Pool("a"), Pool("b", rows=[Row(6, LONG)])]
    tips = [tip(0, Visit(0, 2, patience=[3, 9], retry=[5]))]
    log = simulate(world(pools=pools, stages=[Stage("a", "b", after=2)], tips=tips))
    assert spells(log) == [(0, 1, 8, 10, DONE)]


def test_after_runs_from_a_retry_if_the_first_attempt_never_came_to_the_line(simulate: Engine) -> None:
    """Given up at 3 behind the gate of 10; the retry of 5 is released at 10 and visible from 12."""
    stages = [Stage("a", "b", after=2, every=10)]
    tips = [tip(1, Visit(0, 4, patience=[2, 99], retry=[2]))]
    log = simulate(world(pools=[Pool("a"), Pool("b", 1)], stages=stages, tips=tips))
    assert spells(log) == [(0, 1, 12, 16, DONE)]


def test_it_stands_in_both_lines_until_it_starts(simulate: Engine) -> None:
    """Visible to pool b from 2; its own server is free at 5, before that of pool b at 6, and then is in no line."""
    pools = [Pool("a", rows=[Row(5, LONG)]), Pool("b", rows=[Row(6, LONG)])]
    log = simulate(world(pools=pools, stages=[Stage("a", "b", after=2)], tips=[tip(0, 4)]))
    assert spells(log) == [(0, 0, 5, 9, DONE)]


def test_also_after_an_interruption(simulate: Engine) -> None:
    """Relieved by its own pool at 6, the tip of 0 is taken over by pool b at once, though `after` is 5."""
    pools = [Pool("a", rows=[Row(0, 6)], at_shift_end=RESUME), Pool("b", 1)]
    log = simulate(world(pools=pools, stages=[Stage("a", "b", after=5)], tips=[tip(0, 9)]))
    assert spells(log) == [(0, 0, 0, 6, RELIEVED), (0, 1, 6, 9, DONE)]


def test_an_interruption_does_not_make_it_visible_sooner(simulate: Engine) -> None:
    """Relieved at 2, taken over at 5."""
    pools = [Pool("a", rows=[Row(0, 2)], at_shift_end=RESUME), Pool("b", 1)]
    log = simulate(world(pools=pools, stages=[Stage("a", "b", after=5)], tips=[tip(0, 9)]))
    assert spells(log) == [(0, 0, 0, 2, RELIEVED), (0, 1, 5, 12, DONE)]


def test_whichever_pool_settles_first_takes_it(simulate: Engine) -> None:
    """Back at 8 in both lines with both pools idle: pool a, the overflow pool, is the earlier one."""
    pools = [Pool("a", rows=[Row(6, LONG)]), Pool("b", rows=[Row(6, LONG)])]
    tips = [tip(0, Visit(0, 2, patience=[3, 9], retry=[5]))]
    log = simulate(world(pools=pools, stages=[Stage("b", "a", after=2)], tips=tips))
    assert spells(log) == [(0, 0, 8, 10, DONE)]


def test_a_tip_that_becomes_visible_on_the_tick_on_which_it_is_back_is_visible_first(simulate: Engine) -> None:
    """Given up at 3, back at 8 and visible from 8: pool a takes it, though its own pool b is idle too."""
    pools = [Pool("a", rows=[Row(6, LONG)]), Pool("b", rows=[Row(6, LONG)])]
    tips = [tip(0, Visit(0, 2, patience=[3, 9], retry=[5]))]
    log = simulate(world(pools=pools, stages=[Stage("b", "a", after=8)], tips=tips))
    assert spells(log) == [(0, 0, 8, 10, DONE)]


def test_an_idle_own_pool_takes_it_before_it_is_visible_even_at_once(simulate: Engine) -> None:
    """With `after` 0 the tip still reaches its own line first, in the event of its arrival."""
    log = simulate(world(pools=[Pool("a", 1), Pool("b", 1)], stages=[Stage("b", "a")], tips=[tip(3, 4)]))
    assert spells(log) == [(0, 1, 3, 7, DONE)]


def test_the_rank_is_that_of_the_pool_that_serves(simulate: Engine) -> None:
    """In the line of pool b, tip 0 is behind tip 1; in its own it would be before it."""
    pools = [Pool("a"), Pool("b", rows=[Row(5, LONG)])]
    tips = [tip(0, Visit(0, 4, rank=0, overflow_rank=2)), tip(1, Visit(1, 4, rank=1))]
    log = simulate(world(pools=pools, stages=[Stage("a", "b"), Stage("b")], tips=tips))
    assert log.start.tolist() == [9, 5]


def test_place_in_the_overflow_line_counts_from_enter(simulate: Engine) -> None:
    """Tip 0 entered at 0 and is visible from 4; it is before tip 1, which joined the line of pool b at 2."""
    pools = [Pool("a"), Pool("b", rows=[Row(5, LONG)])]
    tips = [tip(0, 4), tip(2, Visit(1, 4))]
    log = simulate(world(pools=pools, stages=[Stage("a", "b", after=4), Stage("b")], tips=tips))
    assert log.start.tolist() == [5, 9]


def test_the_shift_end_is_that_of_the_pool_that_serves(simulate: Engine) -> None:
    """Pool b hands over with 3 ticks more; its own pool, where tips begin anew, goes on with it."""
    pools = [
        Pool("a", rows=[Row(6, LONG)], at_shift_end=RESTART),
        Pool("b", rows=[Row(0, 4)], at_shift_end=HAND_OVER, hand_over=3),
    ]
    log = simulate(world(pools=pools, stages=[Stage("a", "b")], tips=[tip(0, 9)]))
    assert spells(log) == [(0, 1, 0, 4, RELIEVED), (0, 0, 6, 14, DONE)]


def test_restart_begins_the_drawn_work_anew_wherever_it_was_served(simulate: Engine) -> None:
    """Handed over by pool b with 5 + 3 left, restarted by pool a: all 9, without what the hand-over added."""
    pools = [
        Pool("a", rows=[Row(6, 8), Row(8, LONG)], at_shift_end=RESTART),
        Pool("b", rows=[Row(0, 4)], at_shift_end=HAND_OVER, hand_over=3),
    ]
    log = simulate(world(pools=pools, stages=[Stage("a", "b")], tips=[tip(0, 9)]))
    assert spells(log) == [(0, 1, 0, 4, RELIEVED), (0, 0, 6, 8, RELIEVED), (0, 0, 8, 17, DONE)]


def test_pre_emption_is_by_the_rule_of_the_pool_that_serves(simulate: Engine) -> None:
    """Tip 1 may displace in the overflow pool, where it outranks tip 0, though not in its own."""
    tips = [tip(0, Visit(1, 9, rank=1)), tip(2, Visit(0, 3, rank=5, overflow_rank=0, overflow_preempts=True))]
    log = simulate(world(pools=[Pool("a"), Pool("b", 1)], stages=[Stage("a", "b"), Stage("b")], tips=tips))
    assert spells(log) == [(0, 1, 0, 2, PREEMPTED), (0, 1, 5, 12, DONE), (1, 1, 2, 5, DONE)]


def test_what_the_overflow_pool_serves_gives_way_by_its_rank_there(simulate: Engine) -> None:
    """Tip 0 has rank 0 at home and 7 in pool b, so tip 1 of rank 3 displaces it there."""
    tips = [tip(0, Visit(0, 9, rank=0, overflow_rank=7)), tip(2, Visit(1, 3, rank=3, preempts=True))]
    log = simulate(world(pools=[Pool("a"), Pool("b", 1)], stages=[Stage("a", "b"), Stage("b")], tips=tips))
    assert spells(log) == [(0, 1, 0, 2, PREEMPTED), (0, 1, 5, 12, DONE), (1, 1, 2, 5, DONE)]


# Rework.


def test_a_tip_sent_back_joins_the_tail_of_the_line_with_fresh_work(simulate: Engine) -> None:
    """Tip 0 is back at stage 0 at 3, behind tip 1 of 2, for 5 ticks this time."""
    tips = [tip(0, Visit(0, 2), Visit(1, 1), Visit(0, 5)), tip(2, Visit(0, 4)), tip(4, Visit(0, 1))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a"), Stage()], tips=tips))
    assert log.enter.tolist() == [0, 2, 3, 2, 4]
    assert log.start.tolist() == [0, 2, 6, 2, 11]


def test_a_stage_that_sends_back_to_itself_joins_the_tail(simulate: Engine) -> None:
    """Done at 3 and sent back at 3: the freed server takes tip 1, which waits since 1."""
    tips = [tip(0, Visit(0, 3), Visit(0, 2)), tip(1, Visit(0, 4))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a")], tips=tips))
    assert log.start.tolist() == [0, 7, 3]
