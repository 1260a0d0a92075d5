"""Teams, spells, concurrency and centres, sentence by sentence, in worlds that a pencil can follow."""

from __future__ import annotations

import pytest

from sim.dynamics.clock import NEVER
from sim.dynamics.log import CUT, DONE, OPEN, RELIEVED, SERVED, UNREACHED
from sim.dynamics.replication import FINISH, HAND_OVER, RESTART, RESUME
from tests.conftest import Engine
from tests.dynamics.build import Change, Pool, Stage, Visit, overtime, spells, tip, world

INTERRUPTING = pytest.mark.parametrize("rule", [RESUME, HAND_OVER, RESTART], ids=["resume", "hand_over", "restart"])


# Who leaves.


def test_the_idle_leave_first(simulate: Engine) -> None:
    """Two servers, one busy: the idle one leaves, and nobody works overtime."""
    log = simulate(
        world(pools=[Pool("a", 2, [Change(4, leaving=1)])], stages=[Stage("a")], tips=[tip(0, 9), tip(5, 1)])
    )
    assert overtime(log) == []
    assert log.start.tolist() == [0, 9]


def test_then_those_whose_spell_started_earliest(simulate: Engine) -> None:
    """Spells began at 2, 0 and 1: the server of tip 1 leaves first."""
    tips = [tip(0, 2, Visit(1, 20)), tip(0, 0, Visit(1, 20)), tip(0, 1, Visit(1, 20))]
    pools = [Pool("a", 3, [Change(5, leaving=1), Change(6, leaving=1)])]
    log = simulate(world(pools=pools, stages=[Stage(), Stage("a")], tips=tips))
    assert overtime(log) == [(0, 3, 5, 20), (0, 5, 6, 21)]


def test_ties_go_to_the_lower_tip(simulate: Engine) -> None:
    """Spells that began at the same tick."""
    pools = [Pool("a", 3, [Change(5, leaving=2)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 9), tip(0, 9), tip(0, 9)]))
    assert overtime(log) == [(0, 0, 5, 9), (0, 1, 5, 9)]


def test_what_counts_is_the_current_spell(simulate: Engine) -> None:
    """Tip 0 was first, but its spell of now began at 4, after that of tip 1: at 6 the server of tip 1 leaves."""
    pools = [Pool("a", 2, [Change(3, leaving=1), Change(4, joining=1), Change(6, leaving=1)], at_shift_end=RESUME)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 20), tip(1, 20)]))
    assert [row for row in spells(log) if row[4] == RELIEVED] == [(0, 0, 0, 3, RELIEVED), (1, 0, 1, 6, RELIEVED)]


# What becomes of the tip.


def test_under_finish_a_busy_leaver_completes_the_tip_and_takes_no_other(simulate: Engine) -> None:
    """Tip 0 is done in overtime at 10; tip 1 is never served."""
    log = simulate(
        world(pools=[Pool("a", 1, [Change(6, leaving=1)])], stages=[Stage("a")], tips=[tip(0, 10), tip(2, 1)])
    )
    assert spells(log) == [(0, 0, 0, 10, DONE)]
    assert overtime(log) == [(0, 0, 6, 10)]
    assert log.outcome.tolist() == [SERVED, OPEN]


def test_meanwhile_those_on_duty_and_the_next_team_go_on_at_once(simulate: Engine) -> None:
    """The next team takes tip 1 at 6, while tip 0 is still served in overtime."""
    pools = [Pool("a", 1, [Change(6, leaving=1, joining=1)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 10), tip(2, 3), tip(3, 3)]))
    assert log.start.tolist() == [0, 6, 9]


def test_under_resume_the_next_server_does_the_work_left(simulate: Engine) -> None:
    """4 of 10 done, 6 left for the server who comes at 7."""
    pools = [Pool("a", 1, [Change(4, leaving=1), Change(7, joining=1)], at_shift_end=RESUME)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 10)]))
    assert spells(log) == [(0, 0, 0, 4, RELIEVED), (0, 0, 7, 13, DONE)]


def test_under_hand_over_each_hand_over_adds_its_time(simulate: Engine) -> None:
    """4 of 10 done, 6 + 2 left at 7; 3 of these 8 done at 10, 5 + 2 left."""
    changes = [Change(4, leaving=1), Change(7, joining=1), Change(10, leaving=1, joining=1)]
    pools = [Pool("a", 1, changes, at_shift_end=HAND_OVER, hand_over=2)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 10)]))
    assert spells(log) == [(0, 0, 0, 4, RELIEVED), (0, 0, 7, 10, RELIEVED), (0, 0, 10, 17, DONE)]


def test_under_restart_the_whole_drawn_work_is_done_again(simulate: Engine) -> None:
    """9 of 10 done at the relief, and all 10 again."""
    pools = [Pool("a", 1, [Change(9, leaving=1), Change(12, joining=1)], at_shift_end=RESTART)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 10)]))
    assert spells(log) == [(0, 0, 0, 9, RELIEVED), (0, 0, 12, 22, DONE)]


@INTERRUPTING
def test_a_relieved_tip_returns_to_the_line(simulate: Engine, rule: int) -> None:
    """Relieved at 4 by one who is replaced at once, tip 0 is behind tip 1 of a better rank."""
    pools = [Pool("a", 1, [Change(4, leaving=1, joining=1)], at_shift_end=rule)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, Visit(0, 10, rank=1)), tip(1, 3)]))
    assert [row[:3] for row in spells(log)] == [(0, 0, 0), (0, 0, 7), (1, 0, 4)]


@INTERRUPTING
def test_a_tip_with_no_work_left_now_is_not_interrupted(simulate: Engine, rule: int) -> None:
    """Tip 0 is done at 10, when its server leaves: it ends, and the server takes nobody else."""
    pools = [Pool("a", 1, [Change(10, leaving=1)], at_shift_end=rule, hand_over=2)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 10), tip(3, 1)]))
    assert spells(log) == [(0, 0, 0, 10, DONE)]
    assert overtime(log) == [(0, 0, 10, 10)]


def test_pre_empted_work_is_not_begun_anew_under_restart(simulate: Engine) -> None:
    """The rule of shift ends is not that of pre-emption, which always leaves the work that is left."""
    tips = [tip(0, Visit(0, 10, rank=1)), tip(4, Visit(0, 2, preempts=True))]
    log = simulate(world(pools=[Pool("a", 1, at_shift_end=RESTART)], stages=[Stage("a")], tips=tips))
    assert log.end.tolist() == [12, 6]


def test_the_work_of_a_visit_is_the_sum_of_its_spells(simulate: Engine) -> None:
    """10 ticks of work in three spells: relieved at 2, displaced at 5, done at 13."""
    pools = [Pool("a", 1, [Change(2, leaving=1, joining=1)], at_shift_end=RESUME)]
    tips = [tip(0, Visit(0, 10, rank=1)), tip(5, Visit(0, 3, preempts=True))]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=tips))
    assert [(began, ended) for visit, _, began, ended, _ in spells(log) if visit == 0] == [(0, 2), (2, 5), (8, 13)]


# The plan.


def test_leavers_go_before_those_who_join(simulate: Engine) -> None:
    """At 4 the busy server leaves, not the one who joins in the same row and would be idle."""
    pools = [Pool("a", 1, [Change(4, leaving=1, joining=1)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 9), tip(5, 2)]))
    assert overtime(log) == [(0, 0, 4, 9)]
    assert log.start.tolist() == [0, 5]


def test_leavers_go_before_those_who_return(simulate: Engine) -> None:
    """At 4 the only server leaves into overtime, and the one who returns is back with that tip at once."""
    pools = [Pool("a", 2, [Change(1, leaving=1), Change(4, leaving=1, returning=1)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 9), tip(5, 2)]))
    assert overtime(log) == [(0, 0, 4, 4)]
    assert log.start.tolist() == [0, 9]


def test_a_break_is_a_person_leaving_and_returning(simulate: Engine) -> None:
    """The idle server is away from 3 to 7: the tip of 4 waits until 7."""
    pools = [Pool("a", 1, [Change(3, leaving=1), Change(7, returning=1)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(4, 2)]))
    assert log.start.tolist() == [7]


def test_someone_still_in_overtime_when_the_break_ends_goes_back_on_duty_with_that_tip(simulate: Engine) -> None:
    """Overtime from 3 to 6, when the break ends; the server is on duty again, and takes tip 1 when tip 0 is done."""
    pools = [Pool("a", 1, [Change(3, leaving=1), Change(6, returning=1)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 9), tip(1, 2)]))
    assert overtime(log) == [(0, 0, 3, 6)]
    assert spells(log) == [(0, 0, 0, 9, DONE), (1, 0, 9, 11, DONE)]


def test_of_those_in_overtime_the_earliest_spell_goes_back_on_duty(simulate: Engine) -> None:
    """Two work on in overtime since 3, one is back at 5: with tip 0, who began first."""
    pools = [Pool("a", 2, [Change(3, leaving=2), Change(5, returning=1)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 9), tip(1, 9)]))
    assert overtime(log) == [(0, 0, 3, 5), (0, 1, 3, 10)]


def test_the_rest_of_those_who_return_are_free(simulate: Engine) -> None:
    """Two return at 5: one goes on with tip 0, one takes tip 1."""
    pools = [Pool("a", 2, [Change(3, leaving=2), Change(5, returning=2)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 9), tip(4, 1)]))
    assert log.start.tolist() == [0, 5]
    assert overtime(log) == [(0, 0, 3, 5)]


def test_who_joins_does_not_take_over_what_is_done_in_overtime(simulate: Engine) -> None:
    """A new team leaves the tip to the one who stayed for it, and is free at once."""
    pools = [Pool("a", 1, [Change(3, leaving=1), Change(5, joining=1)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 9), tip(4, 1)]))
    assert log.start.tolist() == [0, 5]
    assert overtime(log) == [(0, 0, 3, 9)]


def test_sixty_five_are_relieved_and_taken_over_at_once(simulate: Engine) -> None:
    """All are done at 10 as if nothing had happened, and go on to the next stage once."""
    pools = [Pool("a", 65, [Change(5, leaving=65, joining=65)], at_shift_end=RESUME)]
    tips = [*[tip(0, Visit(0, 10, rank=1), 7) for _ in range(64)], tip(0, Visit(0, 10, rank=0), 7)]
    log = simulate(world(pools=pools, stages=[Stage("a"), Stage("a")], tips=tips))
    assert log.end.tolist() == [10, 17] * 65


# Concurrency.


def test_people_with_slots_are_so_many_anonymous_slots(simulate: Engine) -> None:
    """Two people with two slots serve four at once, none slower than alone; the fifth waits."""
    pools = [Pool("a", 2, concurrency=2)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 4) for _ in range(5)]))
    assert log.end.tolist() == [4, 4, 4, 4, 8]


def test_a_leaver_takes_all_their_slots_idle_ones_first(simulate: Engine) -> None:
    """Three of four slots are busy when one person leaves: the idle one goes, and that of tip 0 works on."""
    pools = [Pool("a", 2, [Change(2, leaving=1)], concurrency=2)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 9), tip(0, 5), tip(0, 9), tip(3, 1)]))
    assert overtime(log) == [(0, 0, 2, 9)]
    assert log.start.tolist() == [0, 0, 0, 5]


def test_who_returns_or_joins_brings_all_their_slots(simulate: Engine) -> None:
    """Nobody until 3, then one person with three slots; from 5 another."""
    pools = [Pool("a", 0, [Change(3, returning=1), Change(5, joining=1)], concurrency=3)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 9) for _ in range(5)]))
    assert log.start.tolist() == [3, 3, 3, 5, 5]


# Centres.


def test_a_pool_stands_in_each_centre(simulate: Engine) -> None:
    """The server of centre 0 is idle, and yet tip 1 waits for that of its own centre."""
    tips = [tip(0, 5, centre=1), tip(1, 5, centre=1), tip(2, 5, centre=0)]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a")], tips=tips, centres=2))
    assert spells(log) == [(0, 1, 0, 5, DONE), (1, 1, 5, 10, DONE), (2, 0, 2, 7, DONE)]


def test_a_shared_pool_is_one_for_all(simulate: Engine) -> None:
    """Two servers for the tips of three centres."""
    tips = [tip(0, 5, centre=1), tip(1, 5, centre=1), tip(2, 5, centre=2)]
    log = simulate(world(pools=[Pool("a", 2, shared=True)], stages=[Stage("a")], tips=tips, centres=3))
    assert spells(log) == [(0, 0, 0, 5, DONE), (1, 0, 1, 6, DONE), (2, 0, 5, 10, DONE)]


def test_a_pool_of_a_centre_overflows_in_its_centre_or_into_a_shared_pool(simulate: Engine) -> None:
    """Nobody is on duty in the own pools: the tip of centre 1 goes to pool b of centre 1, then to the one pool c."""
    pools = [Pool("a"), Pool("b", 1), Pool("c", 1, shared=True)]
    stages = [Stage("a", overflow="b"), Stage("a", overflow="c")]
    log = simulate(world(pools=pools, stages=stages, tips=[tip(0, 5, 3, centre=1)], centres=2))
    assert [row[1] for row in spells(log)] == [3, 4]


# The horizon.


def test_what_falls_on_the_horizon_does_not_happen(simulate: Engine) -> None:
    """Tip 0 would end, tip 1 would arrive, and the patience of tip 2 would end at 10."""
    tips = [tip(0, 10), tip(1, Visit(1, 1, patience=[9])), tip(10, 1)]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a"), Stage("a")], tips=tips, horizon=10))
    assert log.outcome.tolist() == [OPEN, OPEN, UNREACHED]
    assert log.end.tolist() == [NEVER] * 3
    assert log.lost.tolist() == [NEVER] * 3
    assert spells(log) == [(0, 0, 0, 10, CUT)]


@pytest.mark.parametrize("rule", [FINISH, RESUME])
def test_overtime_is_cut_at_the_horizon(simulate: Engine, rule: int) -> None:
    """Under finish the leaver of 6 is still at work at 10."""
    pools = [Pool("a", 1, [Change(6, leaving=1)], at_shift_end=rule)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 99)], horizon=10))
    assert spells(log) == [(0, 0, 0, 10, CUT) if rule == FINISH else (0, 0, 0, 6, RELIEVED)]
    assert overtime(log) == ([(0, 0, 6, 10)] if rule == FINISH else [])
