"""Tips of one incident, sentence by sentence, in worlds that a pencil can follow."""

from __future__ import annotations

from sim.dynamics.clock import NEVER
from sim.dynamics.log import ABANDONED, DONE, MERGED, OPEN, PREEMPTED, RELIEVED, SERVED, UNREACHED, Log
from sim.dynamics.replication import LEAVES, NO_INCIDENT, REPEATS, RESTART, RESUME
from tests.conftest import Engine
from tests.dynamics.build import LONG, Pool, Row, Stage, Visit, people, spells, tip, world


def left_merged(log: Log) -> list[int]:
    """The ticks at which visits were merged, in the order of the visits."""
    return [tick for tick in log.merged.tolist() if tick < NEVER]


def test_once_one_has_ended_the_others_cost_a_repeat_and_leave_merged(simulate: Engine) -> None:
    """The first ends at 10; the second takes 2 in place of 7, and goes on to nothing; the third is about nothing."""
    tips = [tip(0, Visit(0, 10), 1, incident=0), tip(1, Visit(0, 7, repeat=2), 1, incident=0), tip(2, 4, 1)]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", merges=REPEATS), Stage()], tips=tips))
    assert log.start.tolist() == [0, 10, 10, NEVER, 12, 16]
    assert log.end.tolist() == [10, 11, NEVER, NEVER, 16, 17]
    assert log.outcome.tolist() == [SERVED, SERVED, MERGED, UNREACHED, SERVED, SERVED]
    assert left_merged(log) == [12]
    assert log.lost.tolist() == [NEVER] * 3
    assert spells(log) == [(0, 0, 0, 10, DONE), (2, 0, 10, 12, DONE), (4, 0, 12, 16, DONE)]


def test_who_has_started_goes_on_with_its_own_work(simulate: Engine) -> None:
    """Two are in service when the first ends at 3: the other does all of its 9, and is served."""
    tips = [tip(0, 3, incident=0), tip(0, Visit(0, 9, repeat=1), incident=0)]
    log = simulate(world(pools=[Pool("a", 2)], stages=[Stage("a", merges=REPEATS)], tips=tips))
    assert log.end.tolist() == [3, 9]
    assert log.outcome.tolist() == [SERVED, SERVED]


def test_who_has_started_once_keeps_its_own_work_when_interrupted(simulate: Engine) -> None:
    """Tip 0 gives way at 2 to tip 1 of its incident, which ends at 5; the 8 that were left are done until 13."""
    tips = [tip(0, Visit(0, 10, rank=1, repeat=1), incident=0), tip(2, Visit(0, 3, preempts=True), incident=0)]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", merges=REPEATS)], tips=tips))
    assert spells(log) == [(0, 0, 0, 2, PREEMPTED), (0, 0, 5, 13, DONE), (1, 0, 2, 5, DONE)]
    assert log.outcome.tolist() == [SERVED, SERVED]


def test_an_interrupted_repeat_is_begun_anew_as_a_repeat(simulate: Engine) -> None:
    """The repeat of 4 starts at 5, its server goes at 7 and is back at 20: all 4 are to be done again."""
    pools = [Pool("a", rows=[Row(0, 7), Row(20, LONG)], at_shift_end=RESTART)]
    tips = [tip(0, 5, incident=0), tip(1, Visit(0, 50, repeat=4), incident=0)]
    log = simulate(world(pools=pools, stages=[Stage("a", merges=REPEATS)], tips=tips))
    assert spells(log) == [(0, 0, 0, 5, DONE), (1, 0, 5, 7, RELIEVED), (1, 0, 20, 24, DONE)]
    assert left_merged(log) == [24]


def test_merged_tips_are_not_wrapped_up(simulate: Engine) -> None:
    """The first is wrapped up from 5 to 8, then the repeat takes 2, and the next starts at 10."""
    first, second = Visit(0, 5, wrap_up=3), Visit(0, 5, wrap_up=3, repeat=2)
    tips = [tip(0, first, incident=0), tip(1, second, incident=0), tip(2, 1)]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", merges=REPEATS)], tips=tips))
    assert people(log) == [(0, -1, 0, 5, False), (0, -1, 5, 8, True), (1, -1, 8, 10, False), (2, -1, 10, 11, False)]


def test_at_once_those_in_line_and_behind_the_gate_leave_in_that_event(simulate: Engine) -> None:
    """The first ends at 10: tip 1 in line and tip 3 behind the gate leave, tip 2 of another incident is served."""
    stages = [Stage("a", every=6, merges=LEAVES)]
    tips = [tip(0, 10, incident=0), tip(1, 5, incident=0), tip(2, 5, incident=1), tip(9, 5, incident=0)]
    log = simulate(world(pools=[Pool("a", 1)], stages=stages, tips=tips))
    assert log.outcome.tolist() == [SERVED, MERGED, SERVED, MERGED]
    assert left_merged(log) == [10, 10]
    assert log.start.tolist() == [0, NEVER, 10, NEVER]
    assert log.attempt.tolist() == [1, 1, 1, 1]


def test_at_once_those_who_come_later_leave_on_entering_before_the_gate(simulate: Engine) -> None:
    """Tip 1 comes at 7, when the gate is shut and its incident known since 3."""
    tips = [tip(0, 3, incident=0), tip(7, 3, 1, incident=0)]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", every=10, merges=LEAVES), Stage()], tips=tips))
    assert log.enter.tolist() == [0, 7, NEVER]
    assert left_merged(log) == [7]
    assert log.attempt.tolist() == [1, 0, 0]


def test_at_once_who_is_in_service_goes_on(simulate: Engine) -> None:
    tips = [tip(0, 3, incident=0), tip(0, 9, incident=0), tip(1, 9, incident=0)]
    log = simulate(world(pools=[Pool("a", 2)], stages=[Stage("a", merges=LEAVES)], tips=tips))
    assert log.outcome.tolist() == [SERVED, SERVED, MERGED]
    assert log.end.tolist() == [3, 9, NEVER]
    assert left_merged(log) == [3]


def test_at_once_who_was_interrupted_and_waits_leaves_too(simulate: Engine) -> None:
    """Relieved at 4, tip 1 waits again when tip 0 ends at 6 at the other centre's desk."""
    pools = [Pool("a", rows=[Row(0, 4, centre=0), Row(0, LONG, centre=1)], at_shift_end=RESUME)]
    tips = [tip(0, 6, incident=0, centre=1), tip(1, 9, incident=0, centre=0)]
    log = simulate(world(pools=pools, stages=[Stage("a", merges=LEAVES)], tips=tips, centres=2))
    assert spells(log) == [(0, 1, 0, 6, DONE), (1, 0, 1, 4, RELIEVED)]
    assert left_merged(log) == [6]


def test_an_incident_is_known_in_all_centres(simulate: Engine) -> None:
    tips = [tip(0, 4, incident=0, centre=0), tip(5, Visit(0, 9, repeat=1), incident=0, centre=1)]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", merges=REPEATS)], tips=tips, centres=2))
    assert left_merged(log) == [6]


def test_who_is_away_leaves_on_coming_back(simulate: Engine) -> None:
    """Tip 1 gives up at 3 and is to come back at 13; tip 0 ends at 10. Tip 2 has given up for good at 4."""
    tips = [
        tip(0, Visit(0, 10, patience=[9]), incident=0),
        tip(1, Visit(0, 5, patience=[2, 9], retry=[10]), incident=0),
        tip(2, Visit(0, 5, patience=[2]), incident=0),
    ]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", merges=LEAVES)], tips=tips))
    assert log.outcome.tolist() == [SERVED, MERGED, ABANDONED]
    assert left_merged(log) == [13]
    assert log.attempt.tolist() == [1, 1, 1]


def test_an_end_comes_before_an_arrival_of_its_tick(simulate: Engine) -> None:
    """Tip 0 ends at 5, in which tip 1 comes: it is merged on entering."""
    tips = [tip(0, 5, incident=0), tip(5, 5, incident=0)]
    log = simulate(world(pools=[Pool("a", 2)], stages=[Stage("a", merges=LEAVES)], tips=tips))
    assert left_merged(log) == [5]


def test_who_has_itself_ended_there_is_never_merged(simulate: Engine) -> None:
    """Tip 0 is sent back and served at stage 0 again, with its own work; so is tip 1, whose first visit was at work."""
    again = [Visit(0, 4, repeat=1), Visit(1, 1), Visit(0, 6, repeat=1)]
    stages = [Stage("a", merges=REPEATS), Stage()]
    log = simulate(world(pools=[Pool("a", 2)], stages=stages, tips=[tip(0, *again, incident=0)]))
    assert log.end.tolist() == [4, 5, 11]
    assert log.outcome.tolist() == [SERVED] * 3


def test_a_delay_merges_those_who_come_once_one_is_through(simulate: Engine) -> None:
    """Of a delay of 5, tip 1 is on its way when tip 0 is through; tip 2 comes later, tip 3 is held by the gate."""
    stages = [Stage(every=4, merges=LEAVES)]
    tips = [tip(0, 5, incident=0), tip(0, 9, incident=0), tip(5, 5, incident=0)]
    log = simulate(world(stages=stages, tips=tips))
    assert log.outcome.tolist() == [SERVED, SERVED, MERGED]
    assert left_merged(log) == [5]
    held = [tip(0, 6, incident=0), tip(1, 5, incident=0), tip(5, 5, incident=0)]
    log = simulate(world(stages=stages, tips=held))
    # Tip 1 is let through at 4 and goes on; tip 2 is behind the gate until 8 when tip 0 is through at 6.
    assert log.end.tolist() == [6, 9, NEVER]
    assert left_merged(log) == [6]


def test_a_line_that_merged_tips_leave_settles_in_that_event(simulate: Engine) -> None:
    """With two desks at a stage beside it, tip 2 starts there as soon as tip 1, first in that line, has left it."""
    tips = [
        tip(0, Visit(0, 9), incident=NO_INCIDENT),
        tip(0, Visit(1, 4), incident=0),
        tip(1, Visit(1, 5), incident=0),
        tip(2, Visit(1, 5), incident=1),
    ]
    stages = [Stage("a"), Stage("b", merges=LEAVES)]
    log = simulate(world(pools=[Pool("a", 1), Pool("b", 1)], stages=stages, tips=tips))
    assert log.start.tolist() == [0, 0, NEVER, 4]
    assert left_merged(log) == [4]


def test_a_repeat_that_is_cut_is_open(simulate: Engine) -> None:
    tips = [tip(0, 5, incident=0), tip(1, Visit(0, 50, repeat=9), incident=0)]
    log = simulate(world(pools=[Pool("a", 1)], stages=[Stage("a", merges=REPEATS)], tips=tips, horizon=10))
    assert log.outcome.tolist() == [SERVED, OPEN]
    assert left_merged(log) == []
