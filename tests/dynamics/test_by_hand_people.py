"""People, levels, speeds, wrap-ups and centres, sentence by sentence, in worlds that a pencil can follow."""

from __future__ import annotations

import pytest

from sim.dynamics.clock import NEVER
from sim.dynamics.log import CUT, DONE, OPEN, PREEMPTED, RELIEVED, SERVED, UNREACHED
from sim.dynamics.replication import CLEAR_LINE, FINISH, HAND_OVER, RESTART, RESUME
from tests.conftest import Engine
from tests.dynamics.build import LONG, Pool, Row, Stage, Visit, overtime, people, spells, tip, world

INTERRUPTING = pytest.mark.parametrize("rule", [RESUME, HAND_OVER, RESTART], ids=["resume", "hand_over", "restart"])
EVERY_RULE = pytest.mark.parametrize("rule", [FINISH, RESUME, HAND_OVER, RESTART, CLEAR_LINE])


def who(log: object) -> list[int]:
    """The person of each spell."""
    return [row[1] for row in people(log)]


# Who serves.


def test_the_one_idle_longest_takes_the_tip(simulate: Engine) -> None:
    """Person 0 is done at 3, person 1 at 5, both idle at 6: person 0 takes tip 2, then person 1 takes tip 3."""
    log = simulate(
        world(
            pools=[Pool("a", rows=[Row(0, LONG, staff=2)])],
            stages=[Stage("a")],
            tips=[tip(0, 3), tip(1, 4), tip(6, 9), tip(7, 9)],
        )
    )
    assert who(log) == [0, 1, 0, 1]


def test_coming_on_duty_is_becoming_idle(simulate: Engine) -> None:
    """Person 1 comes on at 4 and has been idle since; person 0 only since 5: person 1 takes the tip of 6."""
    pools = [Pool("a", rows=[Row(0, LONG), Row(4, LONG)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 5), tip(6, 1)]))
    assert who(log) == [0, 1]


def test_so_is_coming_back_from_a_break(simulate: Engine) -> None:
    """Person 0 is back at 5, person 1 idle since 4."""
    pools = [Pool("a", rows=[Row(0, LONG, breaks=[(2, 5)]), Row(0, LONG)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(3, 1), tip(6, 1)]))
    assert who(log) == [1, 1]


def test_ties_go_to_the_earlier_row_then_to_the_lower_number(simulate: Engine) -> None:
    """All idle since 0: those around the clock first, then row 1, number 0 and 1, then row 2."""
    pools = [Pool("a", 1, rows=[Row(0, LONG, staff=2), Row(0, LONG)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(3, 9), tip(3, 9), tip(3, 9), tip(3, 9)]))
    assert who(log) == [0, 1, 2, 3]


def test_fewest_in_hand_goes_before_longest_idle(simulate: Engine) -> None:
    """Two with two slots: each gets one before anybody gets two, though person 1 began later than person 0."""
    pools = [Pool("a", rows=[Row(0, LONG, staff=2)], concurrency=2)]
    tips = [tip(0, 9), tip(1, 9), tip(2, 9), tip(3, 9)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=tips))
    assert who(log) == [0, 1, 0, 1]


def test_with_as_many_in_hand_the_one_who_has_had_so_many_the_longest_takes(simulate: Engine) -> None:
    """Person 0 has had one in hand since 5, when the other was done; person 1 since 1: person 1 takes the tip of 6."""
    pools = [Pool("a", rows=[Row(0, LONG, staff=2)], concurrency=2)]
    tips = [tip(0, 20), tip(1, 20), tip(2, 3), tip(6, 9)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=tips))
    assert who(log) == [0, 1, 0, 1]


def test_who_is_away_does_nothing_and_changes_nothing_for_the_others(simulate: Engine) -> None:
    """Number 1 of three is absent: numbers 0 and 2 serve, and are back from their break at 20, the lower first."""
    pools = [Pool("a", rows=[Row(0, 50, staff=3, away=[1], breaks=[(10, 20)])])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 5), tip(0, 5), tip(0, 5), tip(12, 1)]))
    assert people(log) == [(0, 0, 0, 5, False), (1, 2, 0, 5, False), (2, 0, 5, 10, False), (3, 0, 20, 21, False)]


# Who leaves.


def test_own_people_leave_whoever_is_idle(simulate: Engine) -> None:
    """Person 0 of the row that ends at 4 is busy and goes on in overtime; idle person 1 stays, and serves."""
    pools = [Pool("a", rows=[Row(0, 4), Row(0, LONG)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 9), tip(5, 1)]))
    assert people(log) == [(0, 0, 0, 9, False), (1, 1, 5, 6, False)]
    assert overtime(log) == [(0, 0, 4, 9)]


def test_the_idle_go_at_once(simulate: Engine) -> None:
    """Nobody of the row is busy at 4: no overtime, and nobody for the tip of 5."""
    log = simulate(world(pools=[Pool("a", rows=[Row(0, 4)])], stages=[Stage("a")], tips=[tip(0, 3), tip(5, 1)]))
    assert overtime(log) == []
    assert log.start.tolist() == [0, NEVER]


def test_who_is_in_overtime_when_the_next_date_begins_is_somebody_else(simulate: Engine) -> None:
    """The row of one date is still at work at 8, the row of the next begins at 6: two people, both busy."""
    pools = [Pool("a", rows=[Row(0, 5), Row(6, LONG)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 8), tip(1, 4)]))
    assert people(log) == [(0, 0, 0, 8, False), (1, 1, 6, 10, False)]
    assert overtime(log) == [(0, 0, 5, 8)]


def test_a_person_is_in_overtime_once_whatever_is_in_hand(simulate: Engine) -> None:
    """Two tips in hand at 3, done at 5 and 8: one stretch of overtime."""
    pools = [Pool("a", rows=[Row(0, 3)], concurrency=2)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 5), tip(0, 8)]))
    assert overtime(log) == [(0, 0, 3, 8)]


@INTERRUPTING
def test_going_people_leave_all_that_they_have_in_hand(simulate: Engine, rule: int) -> None:
    """Both tips of the one who leaves at 3 are taken over at once by the two slots of the next."""
    pools = [Pool("a", rows=[Row(0, 3), Row(3, LONG)], concurrency=2, at_shift_end=rule)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 5), tip(0, 8)]))
    again = 3 if rule == RESTART else 0
    assert [row[:4] for row in people(log)] == [(0, 0, 0, 3), (0, 1, 3, 5 + again), (1, 0, 0, 3), (1, 1, 3, 8 + again)]


# What becomes of the tip.


def test_under_finish_a_busy_leaver_completes_the_tip_and_takes_no_other(simulate: Engine) -> None:
    """Tip 0 is done in overtime at 10; tip 1 is never served."""
    log = simulate(world(pools=[Pool("a", rows=[Row(0, 6)])], stages=[Stage("a")], tips=[tip(0, 10), tip(2, 1)]))
    assert spells(log) == [(0, 0, 0, 10, DONE)]
    assert overtime(log) == [(0, 0, 6, 10)]
    assert log.outcome.tolist() == [SERVED, OPEN]


def test_meanwhile_those_on_duty_and_the_next_team_go_on_at_once(simulate: Engine) -> None:
    """The next team takes tip 1 at 6, while tip 0 is still served in overtime."""
    pools = [Pool("a", rows=[Row(0, 6), Row(6, LONG)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 10), tip(2, 3), tip(3, 3)]))
    assert log.start.tolist() == [0, 6, 9]


def test_under_resume_the_next_server_does_the_work_left(simulate: Engine) -> None:
    """4 of 10 done, 6 left for the server who comes at 7."""
    pools = [Pool("a", rows=[Row(0, 4), Row(7, LONG)], at_shift_end=RESUME)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 10)]))
    assert spells(log) == [(0, 0, 0, 4, RELIEVED), (0, 0, 7, 13, DONE)]


def test_under_hand_over_each_hand_over_adds_its_time(simulate: Engine) -> None:
    """4 of 10 done, 6 + 2 left at 7; 3 of these 8 done at 10, 5 + 2 left."""
    rows = [Row(0, 4), Row(7, 10), Row(10, LONG)]
    pools = [Pool("a", rows=rows, at_shift_end=HAND_OVER, hand_over=2)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 10)]))
    assert spells(log) == [(0, 0, 0, 4, RELIEVED), (0, 0, 7, 10, RELIEVED), (0, 0, 10, 17, DONE)]


def test_under_restart_the_whole_drawn_work_is_done_again(simulate: Engine) -> None:
    """9 of 10 done at the relief, and all 10 again."""
    pools = [Pool("a", rows=[Row(0, 9), Row(12, LONG)], at_shift_end=RESTART)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 10)]))
    assert spells(log) == [(0, 0, 0, 9, RELIEVED), (0, 0, 12, 22, DONE)]


@INTERRUPTING
def test_a_relieved_tip_returns_to_the_line(simulate: Engine, rule: int) -> None:
    """Relieved at 4 by one who is replaced at once, tip 0 is behind tip 1 of a better rank."""
    pools = [Pool("a", rows=[Row(0, 4), Row(4, LONG)], at_shift_end=rule)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, Visit(0, 10, rank=1)), tip(1, 3)]))
    assert [row[:3] for row in spells(log)] == [(0, 0, 0), (0, 0, 7), (1, 0, 4)]


@INTERRUPTING
def test_a_tip_with_no_work_left_now_is_not_interrupted(simulate: Engine, rule: int) -> None:
    """Tip 0 is done at 10, when its server leaves: it ends, and the server takes nobody else."""
    pools = [Pool("a", rows=[Row(0, 10)], at_shift_end=rule, hand_over=2)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 10), tip(3, 1)]))
    assert spells(log) == [(0, 0, 0, 10, DONE)]
    assert overtime(log) == []


def test_pre_empted_work_is_not_begun_anew_under_restart(simulate: Engine) -> None:
    """The rule of shift ends is not that of pre-emption, which always leaves the work that is left."""
    tips = [tip(0, Visit(0, 10, rank=1)), tip(4, Visit(0, 2, preempts=True))]
    log = simulate(world(pools=[Pool("a", 1, at_shift_end=RESTART)], stages=[Stage("a")], tips=tips))
    assert log.end.tolist() == [12, 6]


def test_the_work_of_a_visit_is_the_sum_of_its_spells(simulate: Engine) -> None:
    """10 ticks of work in three spells: relieved at 2, displaced at 5, done at 13."""
    pools = [Pool("a", rows=[Row(0, 2), Row(2, LONG)], at_shift_end=RESUME)]
    tips = [tip(0, Visit(0, 10, rank=1)), tip(5, Visit(0, 3, preempts=True))]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=tips))
    assert [(began, ended) for visit, _, began, ended, _ in spells(log) if visit == 0] == [(0, 2), (2, 5), (8, 13)]


# Breaks.


def test_at_a_change_those_who_go_go_before_those_who_come(simulate: Engine) -> None:
    """At 4 the busy person leaves, and the next is idle and takes the tip of 5."""
    pools = [Pool("a", rows=[Row(0, 4), Row(4, LONG)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 9), tip(5, 2)]))
    assert overtime(log) == [(0, 0, 4, 9)]
    assert log.start.tolist() == [0, 5]


def test_a_break_is_a_person_going_and_coming_back(simulate: Engine) -> None:
    """The idle person is away from 3 to 7: the tip of 4 waits until 7."""
    pools = [Pool("a", rows=[Row(0, LONG, breaks=[(3, 7)])])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(4, 2)]))
    assert log.start.tolist() == [7]


def test_finishing_eats_into_the_break_and_who_is_back_is_on_duty_with_that_tip(simulate: Engine) -> None:
    """Overtime from 3 to 6, when the break ends; the person is on duty again, and takes tip 1 when tip 0 is done."""
    pools = [Pool("a", rows=[Row(0, LONG, breaks=[(3, 6)])])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 9), tip(1, 2)]))
    assert overtime(log) == [(0, 0, 3, 6)]
    assert spells(log) == [(0, 0, 0, 9, DONE), (1, 0, 9, 11, DONE)]


def test_who_is_on_a_break_when_the_row_ends_does_not_return(simulate: Engine) -> None:
    """The break from 3 to 8 outlasts the row, which ends at 5: the tip of 6 is never served, nor that of 9."""
    pools = [Pool("a", rows=[Row(0, 5, breaks=[(3, 8)])])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(6, 2), tip(9, 2)]))
    assert log.start.tolist() == [NEVER, NEVER]


@INTERRUPTING
def test_a_break_interrupts_as_the_end_of_a_shift_does(simulate: Engine, rule: int) -> None:
    """The tip is put aside at 3, and gone on with by the same person at 6."""
    pools = [Pool("a", rows=[Row(0, LONG, breaks=[(3, 6)])], at_shift_end=rule, hand_over=2)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 9)]))
    ends = {RESUME: 12, HAND_OVER: 14, RESTART: 15}[rule]
    assert spells(log) == [(0, 0, 0, 3, RELIEVED), (0, 0, 6, ends, DONE)]


# The last start, and clearing the line.


def test_in_the_last_part_of_a_shift_nobody_new_is_taken(simulate: Engine) -> None:
    """The shift ends at 10, the last start is before 7: the tip of 6 is served, that of 7 waits for the next person."""
    pools = [Pool("a", rows=[Row(0, 10), Row(12, LONG)], last_start=3)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(6, 1), tip(7, 1)]))
    assert log.start.tolist() == [6, 12]


def test_what_was_begun_before_goes_on_and_is_finished(simulate: Engine) -> None:
    """Begun at 6, done at 14: on duty until 10, then in overtime."""
    pools = [Pool("a", rows=[Row(0, 10)], last_start=3)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(6, 8)]))
    assert overtime(log) == [(0, 0, 10, 14)]


def test_who_takes_nobody_gives_no_tip_to_pre_emption(simulate: Engine) -> None:
    """At 8 the better tip may not displace the one whose person has the last start behind."""
    pools = [Pool("a", rows=[Row(0, 10)], last_start=3)]
    tips = [tip(0, Visit(0, 9, rank=1)), tip(8, Visit(0, 1, preempts=True))]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=tips))
    assert spells(log) == [(0, 0, 0, 9, DONE)]


def test_a_longer_last_start_than_the_shift_takes_nobody(simulate: Engine) -> None:
    pools = [Pool("a", rows=[Row(2, 6)], last_start=5)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(3, 1)]))
    assert log.start.tolist() == [NEVER]


def test_who_clears_the_line_takes_all_who_came_before_the_end(simulate: Engine) -> None:
    """The shift ends at 10: tips of 2 and 3 are served until 19, in overtime; that of 10 is not."""
    pools = [Pool("a", rows=[Row(0, 10)], at_shift_end=CLEAR_LINE)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 9), tip(2, 5), tip(3, 5), tip(10, 1)]))
    assert log.start.tolist() == [0, 9, 14, NEVER]
    assert overtime(log) == [(0, 0, 10, 19)]


def test_who_has_nothing_to_clear_goes_at_once(simulate: Engine) -> None:
    pools = [Pool("a", rows=[Row(0, 10)], at_shift_end=CLEAR_LINE)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 9), tip(11, 1)]))
    assert log.start.tolist() == [0, NEVER]
    assert overtime(log) == []


def test_everybody_on_duty_comes_before_who_clears_the_line(simulate: Engine) -> None:
    """At 10 person 0 ends the shift and person 1 comes on: person 1 takes the first tip, person 0 the next."""
    pools = [Pool("a", rows=[Row(0, 10), Row(10, LONG)], at_shift_end=CLEAR_LINE)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 10), tip(2, 5), tip(3, 5)]))
    assert people(log) == [(0, 0, 0, 10, False), (1, 1, 10, 15, False), (2, 0, 10, 15, False)]
    assert overtime(log) == [(0, 0, 10, 15)]


def test_who_is_on_duty_comes_first_whoever_has_had_as_many_the_longest(simulate: Engine) -> None:
    """Let in at 12, the tip of 7 could go to both: it goes to person 1, on duty, not to person 0, in overtime."""
    pools = [Pool("a", rows=[Row(0, 10), Row(0, LONG)], at_shift_end=CLEAR_LINE, concurrency=2)]
    tips = [tip(0, Visit(0, 20)), tip(1, Visit(0, 20)), tip(7, Visit(1, 5))]
    log = simulate(world(pools=pools, stages=[Stage("a"), Stage("a", every=12)], tips=tips))
    assert people(log) == [(0, 0, 0, 20, False), (1, 1, 1, 21, False), (2, 1, 12, 17, False)]


def test_the_line_is_cleared_in_its_order_but_for_who_came_later(simulate: Engine) -> None:
    """A better rank that came at the end is passed over; of the others the better rank goes first."""
    pools = [Pool("a", rows=[Row(0, 10)], at_shift_end=CLEAR_LINE)]
    tips = [tip(0, 12), tip(2, Visit(0, 2, rank=2)), tip(3, Visit(0, 2, rank=1)), tip(10, Visit(0, 2, rank=0))]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=tips))
    assert log.start.tolist() == [0, 14, 12, NEVER]


def test_behind_a_gate_is_not_in_line(simulate: Engine) -> None:
    """The tip came at 7 and is let in at 12, after the person has gone at 10."""
    pools = [Pool("a", rows=[Row(0, 10)], at_shift_end=CLEAR_LINE)]
    log = simulate(world(pools=pools, stages=[Stage("a", every=6)], tips=[tip(7, 1)]))
    assert log.start.tolist() == [NEVER]


def test_a_break_clears_no_line(simulate: Engine) -> None:
    """At a break the tip in hand is finished, and the line waits until the person is back."""
    pools = [Pool("a", rows=[Row(0, LONG, breaks=[(5, 20)])], at_shift_end=CLEAR_LINE)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 9), tip(2, 1)]))
    assert log.start.tolist() == [0, 20]
    assert overtime(log) == [(0, 0, 5, 9)]


# Levels.


def test_when_the_level_falls_nobody_starts_while_as_many_are_at_work(simulate: Engine) -> None:
    """From 2 to 1 at 5: tips 0 and 1 are finished at 10 and 12; only then is fewer at work than the level."""
    pools = [Pool("a", 2, heads=[(5, -1)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 10), tip(0, 12), tip(3, 1)]))
    assert log.start.tolist() == [0, 0, 12]
    assert overtime(log) == []


def test_when_the_level_rises_they_start_at_once(simulate: Engine) -> None:
    pools = [Pool("a", 0, heads=[(4, 2), (9, -2), (20, 1)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 3), tip(1, 3), tip(8, 3), tip(9, 3)]))
    assert log.start.tolist() == [4, 4, 8, 20]


def test_a_level_that_goes_down_and_up_again_while_busy_changes_nothing(simulate: Engine) -> None:
    """At 3 down to 1, at 4 back to 2, with two at work all the time: the third starts when the first is done."""
    pools = [Pool("a", 2, heads=[(3, -1), (4, 1)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 6), tip(0, 8), tip(1, 1)]))
    assert log.start.tolist() == [0, 0, 6]


def test_a_tip_is_displaced_only_while_as_many_are_at_work_as_the_level(simulate: Engine) -> None:
    """At 6 two are at work and the level is 1: nobody is displaced; at 10 one is, and the better tip may displace."""
    pools = [Pool("a", 2, heads=[(5, -1)])]
    tips = [tip(0, Visit(0, 10, rank=1)), tip(0, Visit(0, 20, rank=1)), tip(6, Visit(0, 2, preempts=True))]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=tips))
    assert spells(log) == [(0, 0, 0, 10, DONE), (1, 0, 0, 10, PREEMPTED), (1, 0, 12, 22, DONE), (2, 0, 10, 12, DONE)]


def test_a_level_counts_slots(simulate: Engine) -> None:
    """One head with three slots serves three, and a level of 0 lets them end."""
    pools = [Pool("a", 1, heads=[(2, -1)], concurrency=3)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 4), tip(0, 4), tip(1, 4), tip(1, 4)]))
    assert log.start.tolist() == [0, 0, 1, NEVER]


# Speed.


def test_work_at_half_speed_takes_twice_as_long(simulate: Engine) -> None:
    """Half speed from 10 on: what starts at 8 keeps its speed, what starts at 12 takes 10 for 5."""
    pools = [Pool("a", 1, by_tick=[(0, 1.0), (10, 0.5)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(8, 4), tip(9, 5)]))
    assert log.start.tolist() == [8, 12]
    assert log.end.tolist() == [12, 22]


def test_the_time_is_rounded_up(simulate: Engine) -> None:
    """10 of work at 85 % take 12 ticks; at 300 %, 4."""
    for speed, takes in ((0.85, 12), (3.0, 4)):
        log = simulate(world(pools=[Pool("a", 1, by_tick=[(0, speed)])], stages=[Stage("a")], tips=[tip(0, 10)]))
        assert log.end.tolist() == [takes]


def test_a_stage_may_have_its_own_speed(simulate: Engine) -> None:
    """The product of both: 50 % of 40 % is 20 %."""
    pools = [Pool("a", 1, by_tick=[(0, 0.5)], by_stage={1: 0.4})]
    log = simulate(world(pools=pools, stages=[Stage("a"), Stage("a")], tips=[tip(0, 3, 3)]))
    assert log.end.tolist() == [6, 21]


def test_what_is_left_after_an_interruption_is_work_at_full_speed(simulate: Engine) -> None:
    """At half speed 2 of 10 are done at 4; the 8 left and 3 of hand-over take the next 22 ticks at half speed."""
    pools = [Pool("a", rows=[Row(0, 4), Row(4, LONG)], at_shift_end=HAND_OVER, hand_over=3, by_tick=[(0, 0.5)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 10)]))
    assert spells(log) == [(0, 0, 0, 4, RELIEVED), (0, 0, 4, 26, DONE)]
    assert log.spells.work.tolist() == [2, 11]


def test_what_is_done_until_an_interruption_is_rounded_down(simulate: Engine) -> None:
    """3 ticks at 50 % are 1 of work: 9 are left, and take 18."""
    pools = [Pool("a", rows=[Row(0, 3), Row(3, LONG)], at_shift_end=RESUME, by_tick=[(0, 0.5)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 10)]))
    assert spells(log) == [(0, 0, 0, 3, RELIEVED), (0, 0, 3, 21, DONE)]


def test_the_overflow_pool_has_its_own_speed(simulate: Engine) -> None:
    pools = [Pool("a"), Pool("b", 1, by_tick=[(0, 0.5)])]
    log = simulate(world(pools=pools, stages=[Stage("a", overflow="b")], tips=[tip(0, 5)]))
    assert log.end.tolist() == [10]


def test_with_more_in_hand_each_goes_slower_from_then_on(simulate: Engine) -> None:
    """Alone until 4, then two at half speed; tip 1 is done at 10, and the 3 left of tip 0 take 3."""
    pools = [Pool("a", rows=[Row(0, LONG)], concurrency=2, by_hand=[1.0, 0.5])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 10), tip(4, 3)]))
    assert log.end.tolist() == [13, 10]
    assert spells(log) == [(0, 0, 0, 13, DONE), (1, 0, 4, 10, DONE)]
    assert log.spells.work.tolist() == [10, 3]


def test_what_is_done_is_rounded_down_at_each_change(simulate: Engine) -> None:
    """At 50 % from 0 to 3: 1 of tip 0 is done, and 9 left at full speed from 3 on are done at 12."""
    pools = [Pool("a", rows=[Row(0, LONG)], concurrency=2, by_hand=[1.0, 0.5])]
    tips = [tip(0, 10), tip(0, Visit(0, 1, wrap_up=0))]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=tips))
    assert log.end.tolist() == [11, 2]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 10), tip(1, 1)]))
    assert log.end.tolist() == [11, 3]


def test_those_whose_work_ends_now_are_not_reckoned_anew(simulate: Engine) -> None:
    """At 4 tip 0 is done, as tip 1 comes: END before ARRIVAL, so that it never was slowed down."""
    pools = [Pool("a", rows=[Row(0, LONG)], concurrency=2, by_hand=[1.0, 0.5])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 4), tip(4, 3)]))
    assert log.end.tolist() == [4, 7]
    # Displaced from below: the better tip starts in the tick in which the other ends.
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 4), tip(0, 4), tip(8, 1)]))
    assert log.end.tolist() == [8, 8, 9]


def test_the_time_of_day_of_the_start_stays_when_the_number_changes(simulate: Engine) -> None:
    """Begun at full speed, slowed to half by the second at 12, never by the clock's half speed from 10 on."""
    pools = [Pool("a", rows=[Row(0, LONG)], concurrency=2, by_hand=[1.0, 0.5], by_tick=[(0, 1.0), (10, 0.5)])]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(8, 6), tip(12, 1)]))
    # Tip 0: 4 done at 12, 2 left at half speed take 4. Tip 1: a quarter of full speed, 4 ticks.
    assert log.end.tolist() == [16, 16]


# Wrap-up.


def test_the_tip_goes_on_while_its_person_wraps_up(simulate: Engine) -> None:
    """Served from 0 to 4, wrapped up to 7; the tip is at the next stage at 4, the next tip starts at 7."""
    pools = [Pool("a", 1), Pool("b", 1)]
    tips = [tip(0, Visit(0, 4, wrap_up=3), 5), tip(1, 4)]
    log = simulate(world(pools=pools, stages=[Stage("a"), Stage("b")], tips=tips))
    assert log.end.tolist() == [4, 9, 11]
    assert log.start.tolist() == [0, 4, 7]
    assert [row[2:] for row in people(log)] == [(0, 4, False), (4, 7, True), (4, 9, False), (7, 11, False)]


@EVERY_RULE
def test_a_wrap_up_is_finished_in_overtime_under_every_rule(simulate: Engine, rule: int) -> None:
    """Served from 0 to 4, wrap-up to 9, shift to 6."""
    pools = [Pool("a", rows=[Row(0, 6)], at_shift_end=rule, hand_over=1)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, Visit(0, 4, wrap_up=5))]))
    assert people(log) == [(0, 0, 0, 4, False), (0, 0, 4, 9, True)]
    assert overtime(log) == [(0, 0, 6, 9)]


def test_a_wrap_up_is_finished_before_a_break(simulate: Engine) -> None:
    pools = [Pool("a", rows=[Row(0, LONG, breaks=[(6, 12)])], at_shift_end=RESUME)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, Visit(0, 4, wrap_up=5)), tip(7, 1)]))
    assert overtime(log) == [(0, 0, 6, 9)]
    assert log.start.tolist() == [0, 12]


def test_a_wrap_up_is_not_displaced(simulate: Engine) -> None:
    """The better tip comes at 5, in the wrap-up, and starts when that is done."""
    tips = [tip(0, Visit(0, 4, rank=1, wrap_up=5)), tip(5, Visit(0, 1, preempts=True))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a")], tips=tips))
    assert log.start.tolist() == [0, 9]


def test_a_wrap_up_fills_its_slot_and_goes_at_the_speed_of_the_spell(simulate: Engine) -> None:
    """Begun before the clock slows down: 4 of work and 3 of wrap-up take 7; begun after, they take 14."""
    pools = [Pool("a", 1, by_tick=[(0, 1.0), (2, 0.5)])]
    tips = [tip(0, Visit(0, 4, wrap_up=3)), tip(1, Visit(0, 4, wrap_up=3))]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=tips))
    assert [row[2:4] for row in people(log)] == [(0, 4), (4, 7), (7, 15), (15, 21)]


def test_who_gives_up_leaves_nothing_to_wrap_up(simulate: Engine) -> None:
    tips = [tip(0, Visit(0, 9, patience=[5])), tip(1, Visit(0, 3, patience=[2], wrap_up=4))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a")], tips=tips))
    assert people(log) == [(0, -1, 0, 9, False)]


def test_the_ends_of_one_tip_come_by_stage(simulate: Engine) -> None:
    """At 8 the wrap-up of stage 0 and the service of stage 1 end: stage 0 first, so that its person takes tip 1 first.

    Both people are of one pool, idle from 8: tip 1 goes to the first freed, who is person 0.
    """
    pools = [Pool("a", rows=[Row(0, LONG, staff=2)])]
    tips = [tip(0, Visit(0, 4, wrap_up=4), 4), tip(5, 1), tip(6, 1)]
    log = simulate(world(pools=pools, stages=[Stage("a"), Stage("a")], tips=tips))
    assert [(row[0], row[1], row[2]) for row in people(log)] == [(0, 0, 0), (0, 0, 4), (1, 1, 4), (2, 0, 8), (3, 1, 8)]


# Slots.


def test_a_person_serves_as_many_as_there_are_slots(simulate: Engine) -> None:
    """Two people with two slots serve four at once, none slower than alone; the fifth waits."""
    pools = [Pool("a", 2, concurrency=2)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 4) for _ in range(5)]))
    assert log.end.tolist() == [4, 4, 4, 4, 8]


def test_who_comes_brings_all_their_slots(simulate: Engine) -> None:
    """Nobody until 3, then one person with three slots; from 5 another."""
    pools = [Pool("a", rows=[Row(3, LONG), Row(5, LONG)], concurrency=3)]
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
    pools = [Pool("a", rows=[Row(0, 6)], at_shift_end=rule)]
    log = simulate(world(pools=pools, stages=[Stage("a")], tips=[tip(0, 99)], horizon=10))
    assert spells(log) == [(0, 0, 0, 10, CUT) if rule == FINISH else (0, 0, 0, 6, RELIEVED)]
    assert overtime(log) == ([(0, 0, 6, 10)] if rule == FINISH else [])
