"""The laws: each is broken by a log that was tampered with, and the error says where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from types import SimpleNamespace

import numpy as np
import pytest

from sim.dynamics import order, reference
from sim.dynamics.clock import NEVER
from sim.dynamics.laws import LawError, verify
from sim.dynamics.log import DONE, OPEN, RELIEVED, SERVED, Log
from sim.dynamics.replication import NOBODY, RESUME, Replication
from tests.dynamics.build import LONG, Pool, Row, Stage, Visit, overtime, spells, tip, world
from tests.dynamics.mutants import MUTANTS
from tests.dynamics.worlds import random_world

Tamper = Callable[[Log], Log]


def sample() -> Replication:
    """Tip 0 is relieved at 12 and served again from 18, then delayed, then done in overtime; tip 2 is lost at 9."""
    pools = [Pool("a", rows=[Row(0, 12), Row(0, LONG)], at_shift_end=RESUME), Pool("b", rows=[Row(0, 28)])]
    tips = [
        tip(0, Visit(0, 15, patience=[5]), Visit(1, 4), Visit(2, 9)),
        tip(1, Visit(0, 17, patience=[5])),
        tip(3, Visit(0, 2, patience=[6])),
        tip(4, Visit(0, 2, patience=[30])),
    ]
    return world(pools=pools, stages=[Stage("a"), Stage(), Stage("b")], tips=tips, horizon=60)


def put(*values: tuple[str, int, int]) -> Tamper:
    """Other values in rows of arrays, which are named as `differences` names them."""

    def tamper(log: Log) -> Log:
        for name, row, value in values:
            part, _, column = name.rpartition(".")
            whole = getattr(log, part) if part else log
            array = getattr(whole, column).copy()
            array[row] = value
            changed = replace(whole, **{column: array})
            log = replace(log, **{part: changed}) if part else changed
        return log

    return tamper


def without(part: str, row: int) -> Tamper:
    """One spell or stretch of overtime fewer."""

    def tamper(log: Log) -> Log:
        whole = getattr(log, part)
        rows = {one.name: np.delete(getattr(whole, one.name), row) for one in fields(whole)}
        return replace(log, **{part: replace(whole, **rows)})

    return tamper


def served_from(tick: int) -> Tamper:
    """Tip 3 served for its 2 ticks from another tick."""
    return put(("start", 5, tick), ("end", 5, tick + 2), ("spells.began", 4, tick), ("spells.ended", 4, tick + 2))


def test_the_sample_is_what_it_says_and_lawful() -> None:
    log = reference.simulate(sample())
    assert spells(log) == [
        (0, 0, 0, 12, RELIEVED),
        (0, 0, 18, 21, DONE),
        (2, 1, 25, 34, DONE),
        (3, 0, 1, 18, DONE),
        (5, 0, 21, 23, DONE),
    ]
    assert overtime(log) == [(1, 2, 28, 34)]
    assert log.lost.tolist() == [NEVER, NEVER, 9, NEVER]
    verify(log, sample())


@pytest.mark.parametrize(
    "tamper, law",
    [
        (lambda log: replace(log, enter=log.enter[1:]), "enter has shape"),
        (lambda log: replace(log, attempt=log.attempt.astype(np.int64)), "attempt has shape"),
        (put(("end", 0, 60)), "end lies before the horizon"),
        (put(("outcome", 5, OPEN)), "a visit ends if it is served"),
        (put(("outcome", 4, SERVED)), "a visit ends if it is served"),
        (put(("attempt", 1, 0)), "a visit has an attempt if it is reached"),
        (put(("start", 3, 19)), "enter comes no later than start"),
        (put(("start", 4, 8)), "what was given up never started"),
        (put(("enter", 3, 0)), "a first visit begins at the arrival"),
        (put(("enter", 1, 20)), "a visit begins with what it awaits"),
        (put(("lost", 2, NEVER)), "a tip is lost when a visit of its was first given up"),
        (put(("lost", 2, 10)), "a tip is lost where its patience ended"),
        (put(("attempt", 3, 2)), "no more attempts than the stage allows"),
        (put(("gave_up", 2, NEVER)), "an attempt is given up where its patience ended"),
        (put(("gave_up", 2, 8)), "an attempt is given up where its patience ended"),
        (put(("gave_up", 0, 8)), "an attempt is given up where its patience ended"),
        (served_from(35), "an attempt starts between its entry and the end of its patience"),
        (put(("start", 1, 22)), "a delay starts when its gate opens"),
        (put(("end", 1, 24), ("enter", 2, 24)), "a delay ends after what was drawn"),
        (put(("spells.place", 0, 1)), "a spell is at the own pool"),
        (put(("spells.attempt", 0, 2)), "a spell is of the last attempt"),
        (put(("spells.began", 1, 11)), "spells of a visit do not overlap"),
        (put(("spells.why", 0, DONE)), "work goes on after a relief"),
        (without("spells", 1), "the last spell of a visit is DONE"),
        (without("spells", 3), "a staffed visit has a spell"),
        (put(("spells.work", 0, 11)), "spells add up to the work drawn"),
        (put(("spells.work", 3, 16)), "spells add up to the work drawn"),
        (put(("spells.wrapping", 2, 1)), "goes on|DONE if it is served|starts with its first spell"),
        (put(("spells.person", 0, NOBODY)), "a spell has a person if people are told apart"),
        (put(("spells.person", 2, 1)), "a person works at no other place"),
        (put(("spells.person", 4, 0)), "a person works on duty or in overtime"),
        (put(("spells.person", 3, 0)), "a person works on duty or in overtime"),
        (served_from(22), "nobody is idle beside a tip they may take"),
        (served_from(20), "nobody has more in hand than they may"),
        (without("overtime", 0), "a person works on duty or in overtime"),
        (put(("overtime.ended", 0, 35)), "who is in overtime has something in hand"),
        (put(("overtime.place", 0, 0)), "overtime is of a person of its place"),
        (put(("overtime.began", 0, 27)), "a person works on duty or in overtime"),
    ],
)
def test_a_law_is_broken_by_a_log_that_was_tampered_with(tamper: Tamper, law: str) -> None:
    with pytest.raises(LawError, match=law):
        verify(tamper(reference.simulate(sample())), sample())


@pytest.mark.parametrize(
    "fault, law",
    [
        ("the latest entry first", "the first in line is served"),
        ("the best of those in service gives way", "the worst and latest gives way"),
        ("equals are pre-empted", "a tip is displaced by a strictly better one"),
    ],
)
def test_a_law_of_order_is_broken_by_an_engine_with_a_fault(fault: str, law: str) -> None:
    engine = next(mutant for mutant in MUTANTS if mutant.fault.startswith(fault)).engine()
    found = []
    for one in map(random_world, range(100)):
        try:
            verify(engine(one), one)
        except LawError as error:
            found.append(error.law)
    assert any(law in one for one in found)


@pytest.mark.parametrize(
    "rule, faulty, law",
    [
        ("serving_key", lambda in_hand, since, person: (in_hand, -since, person), "the next to serve takes"),
        ("serving_key", lambda in_hand, since, person: (in_hand, since, -person), "the next to serve takes"),
        ("serving_key", lambda in_hand, since, person: (-in_hand, since, person), "the next to serve takes"),
        ("may_clear", lambda entry, end: True, "takes only who came before the shift ended"),
        ("clears_at_shift_end", lambda at_shift_end, action: False, "clears the line before going"),
        ("time_for", lambda left, at: left, "work is done at the speeds of its place"),
    ],
)
def test_a_law_of_people_is_broken_by_an_engine_with_a_fault(
    rule: str, faulty: Callable[..., object], law: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "order", SimpleNamespace(**{**vars(order), rule: faulty}))
    for one in map(random_world, range(60)):
        try:
            verify(reference.simulate(one), one)
        except LawError as error:
            if law in error.law:
                return
    pytest.fail(f"no world breaks the law: {law}")


def test_the_error_names_the_law_the_tip_the_stage_the_tick_and_the_command() -> None:
    log, third = put(("spells.work", 0, 11))(reference.simulate(sample())), replace(sample(), index=3)
    with pytest.raises(LawError) as caught:
        verify(log, third, "tipline explain a.yaml --replication {}".format)
    error = caught.value
    assert (error.tip, error.stage, error.tick) == (0, 0, 21)
    assert str(error) == (
        "law broken: spells add up to the work drawn, and none is interrupted with no work left "
        "(tip 0, stage 0, tick 21); to reproduce: tipline explain a.yaml --replication 3"
    )
    assert isinstance(error, AssertionError)
