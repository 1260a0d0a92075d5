"""A tip in several places at a time, sentence by sentence, in worlds that a pencil can follow."""

from __future__ import annotations

from sim.dynamics.clock import NEVER
from sim.dynamics.log import ABANDONED, DONE, MERGED, OPEN, PREEMPTED, RELIEVED, SERVED, TURNED_AWAY, UNREACHED
from sim.dynamics.replication import LEAVES, NO_VISIT, REPEATS, RESUME, Replication
from tests.conftest import Engine
from tests.dynamics.build import AT_END, LONG, Pool, Row, Stage, Visit, spells, tip, world


def test_a_label_three_ticks_into_a_call_and_the_review_that_begins_while_it_goes_on(simulate: Engine) -> None:
    """The call of 12 begins at 0; at 3 the label is given, which takes no time, and the review runs from 3 to 8."""
    call = tip(0, 12, Visit(1, 0, awaits=[(0, 3)]), Visit(2, 5, awaits=[(1, AT_END)]))
    log = simulate(world(pools=[Pool("a", 1), Pool("b", 1)], stages=[Stage("a"), Stage(), Stage("b")], tips=[call]))
    assert log.enter.tolist() == [0, 3, 3]
    assert log.start.tolist() == [0, 3, 3]
    assert log.end.tolist() == [12, 3, 8]


def test_two_departments_and_a_join(simulate: Engine) -> None:
    """Police from 4 to 12 and court from 4 to 9 beside it; what awaits both, and the first stage, begins at 12."""
    one = tip(0, 4, 8, Visit(2, 5, awaits=[(0, AT_END)]), Visit(3, 1, awaits=[(0, AT_END), (1, AT_END), (2, AT_END)]))
    stages = [Stage("a"), Stage("police"), Stage("court"), Stage()]
    log = simulate(world(pools=[Pool("a", 1), Pool("police", 1), Pool("court", 1)], stages=stages, tips=[one]))
    assert log.enter.tolist() == [0, 4, 4, 12]
    assert log.end.tolist() == [4, 12, 9, 13]


def test_giving_up_on_one_branch_lets_the_others_go_on(simulate: Engine) -> None:
    """Tip 1 gives up at 5 beside a delay of 20, after which it is served; what awaits both never begins."""
    visits = [
        Visit(0, 3, patience=[4]),
        Visit(1, 20, awaits=()),
        Visit(2, 2),
        Visit(3, 1, awaits=[(0, AT_END), (2, AT_END)]),
    ]
    tips = [tip(0, Visit(0, 50, patience=[9])), tip(1, *visits)]
    log = simulate(
        world(pools=[Pool("a", 1), Pool("b", 1)], stages=[Stage("a"), Stage(), Stage("b"), Stage()], tips=tips)
    )
    assert log.outcome.tolist() == [SERVED, ABANDONED, SERVED, SERVED, UNREACHED]
    assert log.end.tolist()[2:4] == [21, 23]
    assert log.lost.tolist() == [NEVER, 5]


def test_a_tip_is_lost_when_it_first_gives_up(simulate: Engine) -> None:
    """Tip 1 gives up in one line at 7, and in another at 4."""
    tips = [
        tip(0, Visit(0, 50, patience=[9]), Visit(1, 50, patience=[9], awaits=())),
        tip(1, Visit(0, 3, patience=[6]), Visit(1, 3, patience=[3], awaits=())),
    ]
    log = simulate(world(pools=[Pool("a", 1), Pool("b", 1)], stages=[Stage("a"), Stage("b")], tips=tips))
    assert log.outcome.tolist() == [SERVED, SERVED, ABANDONED, ABANDONED]
    assert log.lost.tolist() == [NEVER, 4]


def test_a_mark_later_than_the_end_of_its_stage_comes_at_the_end(simulate: Engine) -> None:
    """Two things hang on 2 and on 9 ticks into 5 ticks of work, and one on the end: in document order at 5."""
    one = tip(0, 5, *(Visit(stage, 4, awaits=[(0, after)]) for stage, after in ((1, 9), (2, 2), (3, AT_END))))
    stages = [Stage("a"), Stage("b"), Stage("b"), Stage("b")]
    log = simulate(world(pools=[Pool("a", 1), Pool("b", 1)], stages=stages, tips=[one]))
    assert log.enter.tolist() == [0, 5, 2, 5]
    assert log.start.tolist() == [0, 6, 2, 10]


def test_a_mark_at_the_very_end_of_its_stage_is_part_of_the_end(simulate: Engine) -> None:
    """Both begin at 5, the one written first before the other, though that hangs on the mark."""
    one = tip(0, 5, Visit(1, 4, awaits=[(0, AT_END)]), Visit(2, 4, awaits=[(0, 5)]))
    log = simulate(world(pools=[Pool("a", 1), Pool("b", 1)], stages=[Stage("a"), Stage("b"), Stage("b")], tips=[one]))
    assert log.enter.tolist() == [0, 5, 5]
    assert log.start.tolist() == [0, 5, 9]


def test_a_mark_comes_during_an_interruption(simulate: Engine) -> None:
    """The work of tip 0 is broken off from 2 to 12, and ends at 20; its mark after 6 comes at 6 all the same."""
    tips = [tip(0, Visit(0, 10, rank=1), Visit(1, 3, awaits=[(0, 6)])), tip(2, Visit(0, 10, preempts=True))]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a"), Stage()], tips=tips))
    assert spells(log) == [(0, 0, 0, 2, PREEMPTED), (0, 0, 12, 20, DONE), (2, 0, 2, 12, DONE)]
    assert log.enter.tolist() == [0, 6, 2]


def test_a_mark_counts_from_the_first_start_also_when_work_is_resumed_by_another(simulate: Engine) -> None:
    """Relieved at 4, resumed at 9: the mark after 7 comes at 7."""
    pools = [Pool("a", rows=[Row(0, 4), Row(9, LONG)], at_shift_end=RESUME)]
    one = tip(0, 10, Visit(1, 1, awaits=[(0, 7)]))
    log = simulate(world(pools=pools, stages=[Stage("a"), Stage()], tips=[one]))
    assert spells(log) == [(0, 0, 0, 4, RELIEVED), (0, 0, 9, 15, DONE)]
    assert log.enter.tolist() == [0, 7]


def test_what_hangs_on_a_start_begins_once_that_has_settled(simulate: Engine) -> None:
    """Tip 1 takes the second server at 1; what hangs on that start joins the line then, and starts at 5."""
    tips = [tip(0, 5), tip(1, 9, Visit(1, 3, awaits=[(0, 0)])), tip(2, 4)]
    log = simulate(world(pools=[Pool("a", 2)], stages=[Stage("a"), Stage("a")], tips=tips))
    assert log.start.tolist() == [0, 1, 5, 8]
    assert log.enter.tolist() == [0, 1, 1, 2]


def test_what_hangs_on_a_start_is_an_end_event_and_comes_before_who_arrives(simulate: Engine) -> None:
    """At 5 tip 0 arrives and starts; what hangs on that joins the other line before tip 1, which arrives at 5 too."""
    tips = [tip(5, 9, Visit(1, 3, awaits=[(0, 0)])), tip(5, Visit(1, 3))]
    log = simulate(world(pools=[Pool("a", 1), Pool("b", 1)], stages=[Stage("a"), Stage("b")], tips=tips))
    assert log.start.tolist() == [5, 5, 8]


def test_rework_beside_a_branch(simulate: Engine) -> None:
    """Stage 1 is made twice, from 2 to 5 and from 5 to 8; what hangs on its first end begins at 5, the next at 8."""
    one = tip(0, 2, Visit(1, 3), Visit(1, 3), Visit(2, 4, awaits=[(1, AT_END)]), Visit(3, 1, awaits=[(2, AT_END)]))
    stages = [Stage("a"), Stage("b"), Stage(), Stage()]
    log = simulate(world(pools=[Pool("a", 1), Pool("b", 1)], stages=stages, tips=[one]))
    assert log.enter.tolist() == [0, 2, 5, 5, 8]
    assert log.end.tolist() == [2, 5, 8, 9, 9]


def test_a_tip_in_three_lines_at_once(simulate: Engine) -> None:
    """Tip 1 waits in three lines of two pools from 1; the one written first is served first where they share a pool."""
    tips = [
        tip(0, 10, Visit(1, 6, awaits=())),
        tip(1, Visit(0, 4), Visit(1, 3, awaits=()), Visit(2, 2, awaits=())),
    ]
    log = simulate(world(pools=[Pool("a", 1), Pool("b", 1)], stages=[Stage("a"), Stage("b"), Stage("a")], tips=tips))
    assert log.enter.tolist() == [0, 0, 1, 1, 1]
    assert log.start.tolist() == [0, 0, 10, 6, 14]


def test_of_equal_rank_the_visit_written_first_gives_way(simulate: Engine) -> None:
    """Both visits of tip 0 were taken at 0 at rank 1: the first of them gives way at 3 to tip 1."""
    both = tip(0, Visit(0, 10, rank=1), Visit(1, 10, rank=1, awaits=()))
    tips = [both, tip(3, Visit(0, 2, preempts=True))]
    log = simulate(world(pools=[Pool("a", 2)], stages=[Stage("a"), Stage("a")], tips=tips))
    assert spells(log) == [(0, 0, 0, 3, PREEMPTED), (0, 0, 5, 12, DONE), (1, 0, 0, 10, DONE), (2, 0, 3, 5, DONE)]


def test_two_visits_behind_gates_pass_in_the_order_of_the_document(simulate: Engine) -> None:
    """Both gates open at 10: the stage written first joins the line first, though the tip came to it later."""
    one = tip(1, Visit(1, 5), Visit(0, 5, awaits=()))
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", every=10), Stage("a", every=10)], tips=[one]))
    assert log.start.tolist() == [15, 10]


def test_the_backlog_may_be_in_several_places(simulate: Engine) -> None:
    one = tip(0, 3, Visit(1, 4, awaits=()), Visit(2, 1, awaits=[(0, AT_END), (1, AT_END)]))
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a"), Stage(), Stage()], tips=[one], backlog=1))
    assert log.enter.tolist() == [0, 0, 4]


def test_merging_ends_its_branch_alone(simulate: Engine) -> None:
    """Tip 1 waits at stage 0 and is merged at 10, when tip 0 has ended there; beside that it goes on until 25."""
    tips = [tip(0, 10, incident=0), tip(1, 10, Visit(1, 24, awaits=()), Visit(2, 1, awaits=[(0, AT_END)]), incident=0)]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", merges=LEAVES), Stage(), Stage()], tips=tips))
    assert log.outcome.tolist() == [SERVED, MERGED, SERVED, UNREACHED]
    assert log.merged.tolist() == [NEVER, 10, NEVER, NEVER]
    assert log.end.tolist()[2] == 25


def test_a_repeat_has_marks_but_no_end(simulate: Engine) -> None:
    """Tip 1 repeats 4 from 10 to 14: its mark after 2 comes at 12, that after 4 does not, for it is merged then."""
    marked = [Visit(0, 9, repeat=4), Visit(1, 1, awaits=[(0, 2)]), Visit(2, 1, awaits=[(0, 4)])]
    tips = [tip(0, 10, incident=0), tip(1, *marked, incident=0)]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", merges=REPEATS), Stage(), Stage()], tips=tips))
    assert log.merged.tolist() == [NEVER, 14, NEVER, NEVER]
    assert log.enter.tolist() == [0, 1, 12, NEVER]


def test_a_delay_that_is_given_up_has_no_later_marks(simulate: Engine) -> None:
    """A menu of 9 is given up at 5: what hangs on its start and on 3 later begins, what hangs on 6 later does not."""
    menu = Visit(0, 9, patience=[5])
    one = tip(0, menu, *(Visit(stage, 1, awaits=[(0, after)]) for stage, after in ((1, 0), (2, 3), (3, 6))))
    log = simulate(world(stages=[Stage(), Stage(), Stage(), Stage()], tips=[one]))
    assert log.enter.tolist() == [0, 0, 3, NEVER]
    assert log.lost.tolist() == [5]


def test_an_aside_stands_beside_the_other_branches(simulate: Engine) -> None:
    """Tip 1 gives up at 4 and goes to the aside, from 4 to 6; its other branch runs from 1 to 9."""
    visits = [Visit(0, 3, patience=[3], given_up_to=2), Visit(1, 8, awaits=()), Visit(2, 2, follows=NO_VISIT)]
    tips = [tip(0, Visit(0, 50, patience=[9])), tip(1, *visits)]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a"), Stage(), Stage()], tips=tips))
    assert log.enter.tolist() == [0, 1, 1, 4]
    assert log.end.tolist() == [50, NEVER, 9, 6]
    assert log.lost.tolist() == [NEVER, NEVER]


def test_what_is_wrapped_up_has_ended(simulate: Engine) -> None:
    """Work until 5 and wrap-up until 9: what hangs on the end, and on a mark after 7, begins at 5."""
    one = tip(0, Visit(0, 5, wrap_up=4), Visit(1, 1, awaits=[(0, AT_END)]), Visit(2, 1, awaits=[(0, 7)]))
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a"), Stage(), Stage()], tips=[one]))
    assert log.enter.tolist() == [0, 5, 5]


def test_marks_beyond_the_horizon_do_not_come(simulate: Engine) -> None:
    one = tip(0, 50, Visit(1, 1, awaits=[(0, 5)]), Visit(2, 1, awaits=[(0, 20)]))
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a"), Stage(), Stage()], tips=[one], horizon=20))
    assert log.enter.tolist() == [0, 5, NEVER]
    assert log.outcome.tolist() == [OPEN, SERVED, UNREACHED]


def beside_a_call(*visits: Visit, stages: int, patience: int = 3) -> Replication:
    """Tip 1 comes at 1 to the one person, who is at work on tip 0 until 50, and bears so long a wait."""
    tips = [tip(0, Visit(0, 50, patience=[90])), tip(1, Visit(0, 3, patience=[patience], given_up_to=1), *visits)]
    return world(pools=[Pool("a", 1)], stages=[Stage("a"), *[Stage()] * (stages - 1)], tips=tips)


def test_the_end_of_an_aside_stands_for_that_of_the_stage_given_up(simulate: Engine) -> None:
    """The call is given up at 4, the voicemail lasts until 6; what awaits the call and a delay until 9 begins at 9, and
    what awaits the call alone at 6."""
    log = simulate(
        beside_a_call(
            Visit(1, 2),
            Visit(2, 8, awaits=()),
            Visit(3, 1, awaits=[(0, AT_END), (2, AT_END)], instead=[(1, 0)]),
            Visit(4, 1, awaits=[(0, AT_END)], instead=[(1, 0)]),
            stages=5,
        )
    )
    assert log.outcome.tolist() == [SERVED, ABANDONED, SERVED, SERVED, SERVED, SERVED]
    assert log.enter.tolist() == [0, 1, 4, 1, 9, 6]
    assert log.lost.tolist() == [NEVER, NEVER]


def test_who_is_served_goes_on_without_the_aside(simulate: Engine) -> None:
    """The call is answered at 50, for 3; what awaits its end, or that of the aside, begins once, at 53."""
    log = simulate(
        beside_a_call(Visit(1, 2), Visit(2, 1, awaits=[(0, AT_END)], instead=[(1, 0)]), stages=3, patience=60)
    )
    assert log.enter.tolist() == [0, 1, NEVER, 53]
    assert log.outcome.tolist()[2] == UNREACHED


def test_what_hangs_on_the_start_of_the_stage_given_up_is_not_come_to(simulate: Engine) -> None:
    """Nor is what hangs on that; its other branch goes on, and so does what awaits the stage given up."""
    log = simulate(
        beside_a_call(
            Visit(1, 2),
            Visit(2, 1, awaits=[(0, 0)]),
            Visit(3, 1, awaits=[(2, AT_END)]),
            Visit(4, 1, awaits=[(0, AT_END)], instead=[(1, 0)]),
            stages=5,
        )
    )
    assert log.enter.tolist() == [0, 1, 4, NEVER, NEVER, 6]
    assert log.outcome.tolist()[3:5] == [UNREACHED, UNREACHED]


def test_what_is_written_between_a_stage_and_its_aside_is_passed_by(simulate: Engine) -> None:
    """The visit written before the aside awaits the end of the call, and never begins; what follows it follows the
    aside instead."""
    between = [Visit(1, 9, awaits=[(0, AT_END)]), Visit(2, 2), Visit(3, 1, awaits=[(1, AT_END)], instead=[(2, 0)])]
    tips = [tip(0, Visit(0, 50, patience=[90])), tip(1, Visit(0, 3, patience=[3], given_up_to=2), *between)]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a"), *[Stage()] * 3], tips=tips))
    assert log.enter.tolist() == [0, 1, NEVER, 4, 6]


def test_what_awaits_others_too_does_without_what_cannot_come(simulate: Engine) -> None:
    """At 4 the call is given up: what hangs on its start will not come; what awaits that and a delay until 9 begins at
    9, and what awaits that and a delay that was over at 2 begins at 4."""
    log = simulate(
        beside_a_call(
            Visit(1, 7),
            Visit(2, 8, awaits=()),
            Visit(3, 1, awaits=()),
            Visit(4, 1, awaits=[(0, 0)]),
            Visit(5, 1, awaits=[(2, AT_END), (4, AT_END)]),
            Visit(6, 1, awaits=[(3, AT_END), (4, AT_END)]),
            stages=7,
        )
    )
    assert log.enter.tolist() == [0, 1, 4, 1, 1, NEVER, 9, 4]


def test_an_aside_may_lead_to_another(simulate: Engine) -> None:
    """The call is given up at 4 to a line that is given up at 6 to a delay of 5: what awaits the call begins at 11."""
    visits = [
        Visit(0, 3, patience=[3], given_up_to=1),
        Visit(1, 1, patience=[2], given_up_to=2),
        Visit(2, 5),
        Visit(3, 1, awaits=[(0, AT_END)], instead=[(1, 0), (2, 0)]),
    ]
    tips = [tip(0, Visit(0, 50, patience=[90]), Visit(1, 50, patience=[90], awaits=())), tip(1, *visits)]
    log = simulate(
        world(pools=[Pool("a", 1), Pool("b", 1)], stages=[Stage("a"), Stage("b"), Stage(), Stage()], tips=tips)
    )
    assert log.enter.tolist() == [0, 0, 1, 4, 6, 11]
    assert log.lost.tolist() == [NEVER, NEVER]


def test_an_aside_that_is_given_up_itself_loses_the_tip(simulate: Engine) -> None:
    """The call is given up at 4 to a line that is given up at 6 to nothing: what awaits the call never begins."""
    visits = [
        Visit(0, 3, patience=[3], given_up_to=1),
        Visit(1, 1, patience=[2]),
        Visit(2, 1, awaits=[(0, AT_END)], instead=[(1, 0)]),
    ]
    tips = [tip(0, Visit(0, 50, patience=[90]), Visit(1, 50, patience=[90], awaits=())), tip(1, *visits)]
    log = simulate(world(pools=[Pool("a", 1), Pool("b", 1)], stages=[Stage("a"), Stage("b"), Stage()], tips=tips))
    assert log.enter.tolist() == [0, 0, 1, 4, NEVER]
    assert log.lost.tolist() == [NEVER, 6]


def test_two_branches_may_be_in_vain_into_the_same_aside(simulate: Engine) -> None:
    """Both are given up at 4: the tip comes to the aside twice at once, and one person takes the visit written first
    from 4 to 6, then the other until 9; what awaits both begins at 9."""
    visits = [
        Visit(0, 3, patience=[3], given_up_to=2),
        Visit(1, 3, patience=[3], given_up_to=3, awaits=()),
        Visit(2, 2),
        Visit(2, 3),
        Visit(3, 1, awaits=[(0, AT_END), (1, AT_END)], instead=[(2, 0), (3, 1)]),
    ]
    tips = [tip(0, Visit(0, 50, patience=[90]), Visit(1, 50, patience=[90], awaits=())), tip(1, *visits)]
    pools, stages = [Pool("a", 1), Pool("b", 1), Pool("c", 1)], [Stage("a"), Stage("b"), Stage("c"), Stage()]
    log = simulate(world(pools=pools, stages=stages, tips=tips))
    assert log.enter.tolist() == [0, 0, 1, 1, 4, 4, 9]
    assert log.start.tolist()[4:6] == [4, 6]


def test_of_two_visits_to_an_aside_the_later_finds_no_room(simulate: Engine) -> None:
    """Both come at 4 to a waiting room for one, where nobody serves: the visit written last is lost."""
    visits = [
        Visit(0, 3, patience=[3], given_up_to=2),
        Visit(1, 3, patience=[3], given_up_to=3, awaits=()),
        Visit(2, 2, patience=[NEVER]),
        Visit(2, 3, patience=[NEVER]),
    ]
    tips = [tip(0, Visit(0, 50, patience=[90]), Visit(1, 50, patience=[90], awaits=())), tip(1, *visits)]
    pools = [Pool("a", 1), Pool("b", 1), Pool("c", 0)]
    stages = [Stage("a"), Stage("b"), Stage("c", waiting_room=1)]
    log = simulate(world(pools=pools, stages=stages, tips=tips))
    assert log.outcome.tolist()[4:] == [OPEN, TURNED_AWAY]
    assert log.lost.tolist() == [NEVER, 4]


def test_who_is_turned_away_goes_to_the_aside_beside_the_other_branches(simulate: Engine) -> None:
    """The one line is taken at 1: tip 1 is in the aside from 1 to 3, and what awaits the call begins at 3."""
    visits = [
        Visit(0, 3, patience=[NEVER], turned_away_to=1),
        Visit(1, 2),
        Visit(2, 9, awaits=()),
        Visit(3, 1, awaits=[(0, AT_END)], instead=[(1, 0)]),
    ]
    tips = [tip(0, Visit(0, 50, patience=[NEVER])), tip(1, *visits)]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", lines=1), *[Stage()] * 3], tips=tips))
    assert log.enter.tolist() == [0, 1, 1, 1, 3]
    assert log.lost.tolist() == [NEVER, NEVER]


def test_a_delay_that_is_given_up_to_an_aside_has_had_its_earlier_marks(simulate: Engine) -> None:
    """A menu of 9 is given up at 5: what hangs on 3 into it begins at 3, what hangs on 6 into it does not, and what
    awaits both of them begins once the first is over and the second will not come."""
    one = tip(
        0,
        Visit(0, 9, patience=[5], given_up_to=3),
        Visit(1, 1, awaits=[(0, 3)]),
        Visit(2, 1, awaits=[(0, 6)]),
        Visit(3, 4),
        Visit(4, 1, awaits=[(1, AT_END), (2, AT_END)]),
    )
    log = simulate(world(stages=[Stage()] * 5, tips=[one]))
    assert log.enter.tolist() == [0, 3, NEVER, 5, 5]
    assert log.lost.tolist() == [NEVER]


def test_what_hangs_on_what_is_not_come_to_is_awaited_no_longer_either(simulate: Engine) -> None:
    """At 4 the call is given up; what follows what hangs on its start is not awaited beside a delay until 9."""
    log = simulate(
        beside_a_call(
            Visit(1, 2),
            Visit(2, 1, awaits=[(0, 0)]),
            Visit(3, 1, awaits=[(2, AT_END)]),
            Visit(4, 8, awaits=()),
            Visit(5, 1, awaits=[(3, AT_END), (4, AT_END)]),
            stages=6,
        )
    )
    assert log.enter.tolist() == [0, 1, 4, NEVER, NEVER, 1, 9]


def test_an_aside_stands_for_the_end_and_not_for_the_start(simulate: Engine) -> None:
    """What awaits both the start and the end of the call does without the start at 4, and begins at 6."""
    log = simulate(beside_a_call(Visit(1, 2), Visit(2, 1, awaits=[(0, 0), (0, AT_END)], instead=[(1, 1)]), stages=3))
    assert log.enter.tolist() == [0, 1, 4, 6]
