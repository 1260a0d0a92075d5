"""The order of events, the line and pre-emption, sentence by sentence, in worlds that a pencil can follow."""

from __future__ import annotations

from sim.dynamics.clock import NEVER
from sim.dynamics.log import DONE, PREEMPTED
from sim.dynamics.replication import RESUME
from tests.conftest import Engine
from tests.dynamics.build import LONG, Pool, Row, Stage, Visit, overtime, spells, tip, world

# The order of events within a tick.


def test_a_server_whose_shift_ends_now_takes_no_one(simulate: Engine) -> None:
    """SHIFT before END: tip 0 is done at 10, when its server leaves; tip 1 stays in line."""
    log = simulate(world(pools=[Pool("a", rows=[Row(0, 10)])], stages=[Stage("a")], tips=[tip(0, 10), tip(5, 4)]))
    assert log.end.tolist() == [10, NEVER]
    assert log.start.tolist() == [0, NEVER]
    assert overtime(log) == []


def test_a_server_who_leaves_now_is_gone_before_a_tip_arrives(simulate: Engine) -> None:
    """SHIFT before ARRIVAL, for leavers."""
    log = simulate(world(pools=[Pool("a", rows=[Row(0, 10)])], stages=[Stage("a")], tips=[tip(10, 4)]))
    assert log.start.tolist() == [NEVER]


def test_a_server_who_joins_now_serves_a_tip_whose_patience_ends_now(simulate: Engine) -> None:
    """SHIFT before ABANDON."""
    log = simulate(
        world(pools=[Pool("a", rows=[Row(10, LONG)])], stages=[Stage("a")], tips=[tip(4, Visit(0, 3, patience=[6]))])
    )
    assert log.start.tolist() == [10]
    assert log.lost.tolist() == [NEVER]


def test_a_service_that_ends_now_frees_its_server_for_one_who_waits(simulate: Engine) -> None:
    """END before ARRIVAL: at 5 the server takes tip 1, though tip 2 arrives at 5 with a better rank."""
    tips = [tip(0, 5), tip(2, Visit(0, 3, rank=1)), tip(5, Visit(0, 3, rank=0))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a")], tips=tips))
    assert log.start.tolist() == [0, 5, 8]


def test_a_tip_joins_its_next_line_before_the_freed_server_chooses(simulate: Engine) -> None:
    """Tip 0 is done with stage 0 at 5 and is first in line for stage 1 of the same pool, before tip 1."""
    tips = [tip(0, Visit(0, 5, rank=1), Visit(1, 2, rank=0)), tip(1, Visit(0, 5, rank=1))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a"), Stage("a")], tips=tips))
    assert log.start.tolist() == [0, 5, 7]


def test_a_delay_that_ends_now_joins_the_next_line_before_one_who_arrives_now(simulate: Engine) -> None:
    """END before ARRIVAL, for delays: tip 0 leaves its delay at 5 and takes the server before tip 1 arrives."""
    tips = [tip(0, 5, Visit(1, 4, rank=1)), tip(5, Visit(1, 4, rank=0))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage(), Stage("a")], tips=tips))
    assert log.start.tolist() == [0, 5, 9]


def test_the_last_of_several_delays_ends_in_its_own_turn(simulate: Engine) -> None:
    """At 5 the delay of tip 0 ends before the second one of tip 1, which has the better rank, but is the higher tip."""
    tips = [tip(0, Visit(0, 5), Visit(2, 4, rank=1)), tip(0, 2, 3, Visit(2, 4, rank=0))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage(), Stage(), Stage("a")], tips=tips))
    assert log.enter.tolist() == [0, 5, 0, 2, 5]
    assert log.start.tolist() == [0, 5, 0, 2, 9]


def test_delays_of_no_length_end_before_another_tip_arrives(simulate: Engine) -> None:
    """END before ARRIVAL: at 5 tip 0 has gone through both of its delays, and has the server, when tip 1 arrives."""
    tips = [tip(5, 0, 0, Visit(2, 4, rank=1)), tip(5, Visit(2, 4, rank=0))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage(), Stage(), Stage("a")], tips=tips))
    assert log.start.tolist() == [5, 5, 5, 9]


def test_a_delay_of_no_length_at_an_earlier_stage_ends_after_the_one_that_led_to_it(simulate: Engine) -> None:
    """At 10 the wrap-up of tip 0 at stage 1 ends before its delay at stage 2, and so does not wait for the delay at
    stage 0 that follows it, whose END would come before both: the server takes tip 1, and tip 0 after that."""
    rounds = tip(0, Visit(1, 4, wrap_up=6), Visit(2, 6), Visit(0, 0), Visit(1, 3))
    stages = [Stage(), Stage("a"), Stage()]
    log = simulate(world(pools=[Pool("a", 1)], stages=stages, tips=[rounds, tip(5, Visit(1, 5, rank=1))]))
    assert log.enter.tolist() == [0, 4, 10, 10, 5]
    assert log.start.tolist() == [0, 4, 10, 15, 10]


def test_patience_that_ends_now_is_served_if_a_server_is_free_now(simulate: Engine) -> None:
    """END before ABANDON: the server is free at 5, when the patience of tip 1 ends."""
    log = simulate(
        world(
            pools=[Pool("a", 1)],
            stages=[Stage("a")],
            tips=[tip(0, Visit(0, 5, patience=[9])), tip(2, Visit(0, 3, patience=[3]))],
        )
    )
    assert log.start.tolist() == [0, 5]


def test_a_gate_that_opens_now_lets_in_a_tip_whose_patience_ends_now(simulate: Engine) -> None:
    """ARRIVAL before ABANDON, for gates."""
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", every=10)], tips=[tip(4, Visit(0, 3, patience=[6]))]))
    assert log.start.tolist() == [10]


def test_no_patience_at_all_is_served_by_a_free_server(simulate: Engine) -> None:
    """ARRIVAL before ABANDON: tip 0 finds a server, tip 1 does not."""
    tips = [tip(4, Visit(0, 3, patience=[0])), tip(4, Visit(0, 3, patience=[0]))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a")], tips=tips))
    assert log.start.tolist() == [4, NEVER]
    assert log.lost.tolist() == [NEVER, 4]


def test_a_tip_that_becomes_visible_now_is_served_though_its_patience_ends_now(simulate: Engine) -> None:
    """ARRIVAL before ABANDON, for overflow: visible to pool b at 3, when the patience ends."""
    stages = [Stage("a", overflow="b", after=3)]
    log = simulate(world(pools=[Pool("a"), Pool("b", 1)], stages=stages, tips=[tip(0, Visit(0, 2, patience=[3]))]))
    assert spells(log) == [(0, 1, 3, 5, DONE)]


def test_of_two_ends_in_a_tick_the_lower_tip_is_first(simulate: Engine) -> None:
    """Both leave their delay at 5; tip 0 takes the server of stage 1 before tip 1, which has the better rank, comes."""
    tips = [tip(0, 5, Visit(1, 4, rank=1)), tip(0, 5, Visit(1, 4, rank=0))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage(), Stage("a")], tips=tips))
    assert log.start.tolist() == [0, 5, 0, 9]


def test_of_two_arrivals_in_a_tick_the_lower_tip_is_first(simulate: Engine) -> None:
    """Tip 0 takes the server before tip 1, which has the better rank, arrives."""
    tips = [tip(3, Visit(0, 4, rank=1)), tip(3, Visit(0, 4, rank=0))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a")], tips=tips))
    assert log.start.tolist() == [3, 7]


def test_of_two_retries_in_a_tick_the_lower_tip_is_first(simulate: Engine) -> None:
    """Both are back at 5: tip 0 takes the server before tip 1, which has the better rank, is there."""
    tips = [tip(0, Visit(0, 1, rank=1, patience=[3, 9], retry=[2])), tip(1, Visit(0, 1, patience=[2, 9], retry=[2]))]
    log = simulate(world(pools=[Pool("a", rows=[Row(5, LONG)])], stages=[Stage("a")], tips=tips))
    assert log.start.tolist() == [5, 6]


def test_of_two_shift_changes_in_a_tick_the_lower_pool_is_first(simulate: Engine) -> None:
    """A tip waits in both lines; a server joins each pool at 5: pool a, which settles first, takes it."""
    pools = [Pool("a", rows=[Row(5, LONG)]), Pool("b", rows=[Row(5, LONG)])]
    log = simulate(world(pools=pools, stages=[Stage("b", overflow="a")], tips=[tip(0, 4)]))
    assert spells(log) == [(0, 0, 5, 9, DONE)]


def test_the_pools_pass_again_until_a_pass_starts_nothing(simulate: Engine) -> None:
    """Tip 1 displaces tip 0 in pool b at 5; the earlier pool a, idle, takes tip 0 over in the next pass."""
    pools = [Pool("a", rows=[Row(4, LONG)]), Pool("b", 1)]
    stages = [Stage("b", overflow="a", after=1), Stage("b")]
    tips = [tip(0, Visit(0, 9, rank=1)), tip(5, Visit(1, 3, preempts=True))]
    log = simulate(world(pools=pools, stages=stages, tips=tips))
    assert spells(log) == [(0, 1, 0, 5, PREEMPTED), (0, 0, 5, 9, DONE), (1, 1, 5, 8, DONE)]


def test_what_a_gate_releases_is_one_event(simulate: Engine) -> None:
    """Both are released at 10 before the server chooses: the better rank is first, not the lower tip."""
    tips = [tip(1, Visit(0, 4, rank=1)), tip(2, Visit(0, 4, rank=0))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", every=10)], tips=tips))
    assert log.start.tolist() == [14, 10]


def test_what_a_gate_releases_in_all_centres_is_one_event(simulate: Engine) -> None:
    """The shared server chooses between the tips of both centres."""
    tips = [tip(1, Visit(0, 4, rank=1), centre=0), tip(2, Visit(0, 4, rank=0), centre=1)]
    log = simulate(world(pools=[Pool("a", 1, shared=True)], stages=[Stage("a", every=10)], tips=tips, centres=2))
    assert log.start.tolist() == [14, 10]


def test_the_gate_opens_in_the_event_of_the_lowest_tip_still_held(simulate: Engine) -> None:
    """Tip 0 gave up behind the gate, tip 2 is held: so tip 1, back at 10 to retry, is before the opening."""
    tips = [
        tip(1, Visit(0, 4, patience=[5])),
        tip(2, Visit(1, 4, rank=9, patience=[2, 9], retry=[6])),
        tip(3, Visit(0, 4, patience=[99])),
    ]
    pools = [Pool("a", rows=[Row(10, LONG)])]
    log = simulate(world(pools=pools, stages=[Stage("a", every=10), Stage("a")], tips=tips))
    assert log.start.tolist() == [NEVER, 10, 14]


def test_what_the_backlog_brings_is_one_event(simulate: Engine) -> None:
    """The server chooses among the whole backlog: the better rank is first, not the lower tip."""
    tips = [tip(0, Visit(0, 4, rank=1)), tip(0, Visit(0, 4, rank=0))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a")], tips=tips, backlog=2))
    assert log.start.tolist() == [4, 0]


def test_the_plan_rows_of_one_pool_in_a_tick_are_one_event(simulate: Engine) -> None:
    """At 5 one leaves and one joins: tip 0 is relieved before anybody chooses, and the new server takes the better."""
    pools = [Pool("a", rows=[Row(0, 5), Row(5, LONG)], at_shift_end=RESUME)]
    tips = [tip(0, Visit(0, 9, rank=1)), tip(1, Visit(0, 3, rank=0))]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=tips))
    assert log.start.tolist() == [0, 5]
    assert log.end.tolist() == [12, 8]


# The line.


def test_the_best_rank_is_served_first(simulate: Engine) -> None:
    """Ranks 2, 1, 0 come at 1, 2, 3, and go in the opposite order."""
    tips = [tip(0, 5), *(tip(1 + i, Visit(0, 1, rank=2 - i)) for i in range(3))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a")], tips=tips))
    assert log.start.tolist() == [0, 7, 6, 5]


def test_then_the_earliest_entry_to_the_line(simulate: Engine) -> None:
    """Tip 1 arrived first, but tip 2 was in the line of the second stage before it."""
    tips = [tip(0, Visit(1, 9)), tip(1, Visit(0, 5), Visit(1, 1)), tip(2, Visit(1, 1))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage(), Stage("a")], tips=tips))
    assert log.enter.tolist() == [0, 1, 6, 2]
    assert log.start.tolist() == [0, 1, 10, 9]


def test_then_the_lower_tip(simulate: Engine) -> None:
    """Both enter the line at 5: tip 2 from its delay, and only then tip 1, back to retry."""
    tips = [
        tip(0, Visit(1, 9, patience=[0])),
        tip(1, Visit(1, 1, patience=[1, 99], retry=[3])),
        tip(2, 3, Visit(1, 1, patience=[99])),
    ]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage(), Stage("a")], tips=tips))
    assert log.start.tolist() == [0, 9, 2, 10]


def test_a_tip_that_returns_with_work_left_keeps_its_first_entry(simulate: Engine) -> None:
    """Relieved at 4, tip 0 goes on before tip 1, which has waited longer without a break."""
    pools = [Pool("a", rows=[Row(0, 4), Row(6, LONG)], at_shift_end=RESUME)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 7), tip(1, 2)]))
    assert [row[:4] for row in spells(log)] == [(0, 0, 0, 4), (0, 0, 6, 9), (1, 0, 9, 11)]


def test_wait_runs_to_the_first_start(simulate: Engine) -> None:
    """The stamps of an interrupted visit: one start, the first, and the end of the last spell."""
    pools = [Pool("a", rows=[Row(0, 4), Row(6, LONG)], at_shift_end=RESUME)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 7)]))
    assert (log.enter[0], log.start[0], log.end[0]) == (0, 0, 9)


# Pre-emption.


def test_a_better_tip_takes_the_server_of_a_worse_one(simulate: Engine) -> None:
    """Tip 1 displaces tip 0 at 3; tip 0 keeps the 7 ticks that are left, and its place."""
    tips = [tip(0, Visit(0, 10, rank=1)), tip(3, Visit(0, 4, rank=0, preempts=True)), tip(4, Visit(0, 1, rank=1))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a")], tips=tips))
    assert spells(log) == [(0, 0, 0, 3, PREEMPTED), (0, 0, 7, 14, DONE), (1, 0, 3, 7, DONE), (2, 0, 14, 15, DONE)]


def test_not_if_a_server_of_the_pool_is_free(simulate: Engine) -> None:
    """Two servers, one busy: nobody is displaced."""
    tips = [tip(0, Visit(0, 10, rank=1)), tip(3, Visit(0, 4, rank=0, preempts=True))]
    log = simulate(world(pools=[Pool("a", 2)], stages=[Stage("a")], tips=tips))
    assert log.start.tolist() == [0, 3]
    assert PREEMPTED not in log.spells.why


def test_only_a_tip_that_it_strictly_outranks(simulate: Engine) -> None:
    """Equal ranks do not displace each other."""
    tips = [tip(0, Visit(0, 10, rank=1)), tip(3, Visit(0, 4, rank=1, preempts=True))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a")], tips=tips))
    assert log.start.tolist() == [0, 10]


def test_only_tips_that_match_preempt(simulate: Engine) -> None:
    """Tip 1 is the best in line but may not displace; tip 2 may, and does."""
    tips = [tip(0, Visit(0, 10, rank=2)), tip(3, Visit(0, 4, rank=0)), tip(5, Visit(0, 1, rank=1, preempts=True))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a")], tips=tips))
    assert log.start.tolist() == [0, 6, 5]


def test_the_worst_rank_gives_way(simulate: Engine) -> None:
    """Of ranks 1, 3, 2 in service, 3 gives way."""
    served = [tip(0, Visit(0, 10, rank=rank)) for rank in (1, 3, 2)]
    log = simulate(world(pools=[Pool("a", 3)], stages=[Stage("a")], tips=[*served, tip(4, Visit(0, 2, preempts=True))]))
    assert [row[0] for row in spells(log) if row[4] == PREEMPTED] == [1]


def test_of_those_the_latest_spell_start(simulate: Engine) -> None:
    """Equal ranks that began at 0, 2 and 1: the one of 2 gives way."""
    served = [tip(0, 1, Visit(1, 10, rank=1)), tip(0, 3, Visit(1, 10, rank=1)), tip(0, 2, Visit(1, 10, rank=1))]
    stages = [Stage(), Stage("a")]
    tips = [*served, tip(4, Visit(1, 2, preempts=True))]
    log = simulate(world(pools=[Pool("a", 3)], stages=stages, tips=tips))
    assert [row[0] for row in spells(log) if row[4] == PREEMPTED] == [3]


def test_then_the_lower_tip_gives_way(simulate: Engine) -> None:
    """Equal ranks that began at the same tick."""
    served = [tip(0, Visit(0, 10, rank=1)) for _ in range(3)]
    log = simulate(world(pools=[Pool("a", 3)], stages=[Stage("a")], tips=[*served, tip(4, Visit(0, 2, preempts=True))]))
    assert [row[0] for row in spells(log) if row[4] == PREEMPTED] == [0]


def test_overtime_is_never_pre_empted(simulate: Engine) -> None:
    """The only server went into overtime at 3; tip 1 waits in vain."""
    tips = [tip(0, Visit(0, 10, rank=1)), tip(5, Visit(0, 2, preempts=True))]
    log = simulate(world(pools=[Pool("a", rows=[Row(0, 3)])], stages=[Stage("a")], tips=tips))
    assert log.end.tolist() == [10, NEVER]


def test_tried_at_every_settle(simulate: Engine) -> None:
    """Tip 1 waits beside a server in overtime, who is back on duty at 7 with the worse tip: it is displaced then."""
    pool = Pool("a", rows=[Row(0, LONG, breaks=[(3, 7)])])
    tips = [tip(0, Visit(0, 10, rank=1)), tip(5, Visit(0, 2, preempts=True))]
    log = simulate(world(pools=[pool], stages=[Stage("a")], tips=tips))
    assert spells(log) == [(0, 0, 0, 7, PREEMPTED), (0, 0, 9, 12, DONE), (1, 0, 7, 9, DONE)]
    assert overtime(log) == [(0, 0, 3, 7)]


def test_work_that_ends_now_is_not_pre_empted(simulate: Engine) -> None:
    """Tips 0 and 1 are done at 5; in the event of tip 0, tip 2 comes to the line and waits for no one but tip 0."""
    stages = [Stage("b"), Stage("a")]
    tips = [tip(0, Visit(0, 5), Visit(1, 3, preempts=True)), tip(0, Visit(1, 5, rank=1))]
    log = simulate(world(pools=[Pool("a", 1), Pool("b", 1)], stages=stages, tips=tips))
    assert spells(log) == [(0, 1, 0, 5, DONE), (1, 0, 5, 8, DONE), (2, 0, 0, 5, DONE)]


def test_what_was_begun_in_this_tick_may_give_way_in_it(simulate: Engine) -> None:
    """Tip 0 begins at 3 and gives way to tip 1, which arrives at 3: a spell without length is kept."""
    tips = [tip(3, Visit(0, 4, rank=1)), tip(3, Visit(0, 2, preempts=True))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a")], tips=tips))
    assert spells(log) == [(0, 0, 3, 3, PREEMPTED), (0, 0, 5, 9, DONE), (1, 0, 3, 5, DONE)]


def test_who_is_displaced_in_this_event_may_have_the_better_claim_to_another_pool(simulate: Engine) -> None:
    """At 5 there is a head less than tips in service at a. At 10 tip 1 is done there and goes to b, whose server is
    idle; but a settles first, tip 2 displaces tip 0, and that stands in the line of b too, in a better rank."""
    stages = [Stage("a", "b", 0), Stage("a"), Stage("b")]
    tips = [
        tip(0, Visit(0, 50, rank=1, overflow_rank=0)),
        tip(0, Visit(1, 10, rank=1), Visit(2, 5, rank=1)),
        tip(6, Visit(1, 4, rank=0, preempts=True)),
    ]
    log = simulate(world(pools=[Pool("a", 2, heads=[(5, -1)]), Pool("b", 1)], stages=stages, tips=tips))
    assert spells(log)[:2] == [(0, 0, 0, 10, PREEMPTED), (0, 1, 10, 50, DONE)]
    assert log.start.tolist() == [0, 0, 50, 10]
