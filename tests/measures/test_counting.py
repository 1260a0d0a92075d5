"""What is counted in one compiled pass against the same figures by array operations: equal to the last bit."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from sim.draw import draw
from sim.dynamics.engines import simulate
from sim.measures import counting
from sim.measures.cohort import read
from sim.measures.counting import BAD, GOOD, STILL_OPEN, CountedKind
from sim.measures.frame import Frame
from sim.measures.kind_bases import KINDS, RatioKind, Watched, kind_of, tally
from sim.measures.tallies import COLUMNS, NOT_OF, OPEN, Tally
from sim.studies.staff.staffed import Post, staffed
from tests.scenario.small import SMALL, loaded

CALENDAR = "calendars:\n  office: {open: [{days: mon-fri, from: '09:00', to: '17:00'}]}\n"
RULES = (
    "of: {tier: urgent}, from: arrival, to: act.start, within: 30 min, share: 90 %",
    "from: arrival, to: leave, within: 20 min, share: 60 %, lost_tips: good_if_early",
    "of: {channel: web}, from: arrival, to: sort.end, mean: 10 min",
    "from: arrival, to: sort.end, mean: 8 min, lost_tips: left_out",
    "of: {channel: call}, lost: 20 %",
    "stage: answer, abandoned: 10 %",
    "stage: answer, service_level: 80 %, within: 1 min",
    "stage: sort, asa: 2 min",
)
TIMED = RULES[:4]
WINDOWS = ("", *(f", per: {unit}, hold: 80 %" for unit in ("month", "week", "day", "hour", "half_hour")))
PLACES = ("", *(f", in_each: {place}" for place in ("tier", "risk", "channel", "weekday", "hour", "half_hour")))
WORLDS = {
    "plain": ("length: 7 d", "length: 40 d"),
    "cut short": ("length: 7 d", "length: 9 d, cool_down: 0 d"),
    "in no whole period": (
        "start: 2025-01-06 00:00, length: 7 d",
        "start: 2025-01-08 10:30, length: 2 d, cool_down: 0 d",
    ),
    "where the clock is put forward": (
        "start: 2025-01-06 00:00, length: 7 d",
        "start: 2025-03-27 07:30, length: 8 d, zone: Europe/Berlin",
    ),
    "overloaded": ("volume: 10/h", "volume: 45/h"),
}


def targets():
    """Every rule in some windows and places, all of which come with each other."""
    asked = [f"{rule}{window}{place}" for rule, window, place in product(RULES, WINDOWS, PLACES)]
    chosen = asked[::7] + [f"{rule}, clock: office{window}" for rule in TIMED for window in WINDOWS]
    return "targets:\n" + "".join(f"  t{k}: {{{one}}}\n" for k, one in enumerate(chosen))


@pytest.fixture(params=WORLDS)
def world(request, tmp_path):
    head, _, _ = SMALL.partition("targets:\n")
    return loaded(tmp_path, head.replace(*WORLDS[request.param]) + CALENDAR + targets())


def equal(one, other):
    return one.dtype == other.dtype and one.tobytes() == np.ascontiguousarray(other).tobytes()


def both(frame, index):
    """Each target of counted tips with what it sees of a replication."""
    replication = draw(frame.scenario, index)
    cohort = read(simulate(replication), replication, frame)
    for target in frame.targets:
        yield kind_of(target), target, Watched(cohort, None, tally(target, cohort))


def test_one_pass_gives_what_array_operations_give(world):
    frame = Frame(world)
    for index in range(4):
        for kind, target, watched in both(frame, index):
            assert isinstance(kind, CountedKind)
            fast, slow = kind.held(target, watched), RatioKind.held(kind, target, watched)
            assert equal(fast.ratio, slow.ratio), target.asked
            assert equal(fast.windows, slow.windows), target.asked
            assert equal(fast.by_unit, slow.by_unit), target.asked
            for one, other in zip(fast.units, slow.units, strict=True):
                for part in ("speaks", "surely", "possibly"):
                    assert equal(getattr(one, part), getattr(other, part)), target.asked


def test_tips_and_ticks_of_each_cell_are_those_of_its_tips(world):
    frame = Frame(world)
    for kind, target, watched in both(frame, 0):
        cut = frame.cut(target.in_each, "day")
        cell, tips = cut.of_tips(watched.cohort), watched.tips
        counts, ticks = kind._counted(watched, cut)
        good = [column for column in kind.judged if column not in kind.failed]
        for group, columns in ((GOOD, good), (BAD, kind.failed), (STILL_OPEN, (OPEN,))):
            mine = np.isin(tips.column, columns)
            assert counts[:, group].tolist() == np.bincount(cell[mine], minlength=cut.n_cells).tolist()
        if kind.form == counting.MEAN_TIME:
            assert equal(ticks, np.bincount(cell, weights=tips.ticks, minlength=cut.n_cells))
            assert not tips.ticks[tips.column == NOT_OF].any()


@pytest.mark.parametrize("in_turn", [False, True])
def test_every_tip_is_counted_however_many_there_are(in_turn):
    """Those too that are left over where four at a time are looked at."""
    rng = np.random.default_rng(5)
    for n, name in product(range(14), ("mean", "share", "lost")):
        kind = KINDS[name]
        column, ticks, cell = (rng.integers(most, size=n) for most in (len(COLUMNS), 100, 3))
        cell = np.sort(cell) if in_turn else cell
        tips = Tally(column.astype(np.int8), np.zeros(n, np.bool_), ticks, ticks, ticks)
        counts, total = kind.nothing_counted(3)
        kind.add_counts(tips, cell.astype(np.int32), counts, total, in_turn=in_turn)
        good = [one for one in kind.judged if one not in kind.failed]
        for group, columns in ((GOOD, good), (BAD, kind.failed), (STILL_OPEN, (OPEN,))):
            mine = np.isin(column, columns)
            assert counts[:, group].tolist() == np.bincount(cell[mine], minlength=3).tolist()
        assert total.tolist() == (np.bincount(cell, ticks, 3).tolist() if name == "mean" else [])


def test_windows_are_the_same_whether_or_not_the_empty_ones_are_counted(world, monkeypatch):
    frame = Frame(world)
    dense = [kind.held(target, watched) for kind, target, watched in both(frame, 1)]
    monkeypatch.setattr(counting, "MOST_CELLS", 0)
    sparse = [kind.held(target, watched) for kind, target, watched in both(frame, 1)]
    for one, other in zip(dense, sparse, strict=True):
        assert equal(one.ratio, other.ratio)
        assert equal(one.windows, other.windows)


def test_sums_that_are_rounded_are_left_to_array_operations(tmp_path, monkeypatch):
    """Beyond 2^53 ticks a sum depends on its order."""
    head, _, _ = SMALL.partition("targets:\n")
    scenario = loaded(
        tmp_path, head + "targets:\n  mean: {from: arrival, to: sort.end, mean: 8 min, per: day, hold: 80 %}\n"
    )
    [(kind, target, watched)] = both(Frame(scenario), 0)
    fast = kind.held(target, watched)
    monkeypatch.setattr(counting, "EXACT", 1.0)
    called = []
    monkeypatch.setattr(counting, "hold_units", lambda *_: called.append(1))
    slow = kind.held(target, watched)
    assert not called
    assert equal(fast.ratio, slow.ratio)
    assert equal(fast.by_unit, slow.by_unit)


def test_another_staffing_has_a_frame_of_the_same_parts(tmp_path):
    scenario = loaded(tmp_path, SMALL)
    frame = Frame(scenario)
    desk = Post("desk", None, 0, 9, "", 168.0, 1.0)
    for people in (0, 1, 7):
        other = staffed(scenario, [desk], (people,))
        found, anew = frame.restaffed(other), Frame(other)
        assert found is not None
        assert found.scenario is other
        assert (found.bounds, found.units) == (anew.bounds, anew.units)
        assert found.plan.tick.tolist() == anew.plan.tick.tolist()
    assert frame.restaffed(loaded(tmp_path, SMALL, changes=["demand.volume=11/h"])) is None
    assert frame.restaffed(loaded(tmp_path, SMALL)) is None, "read anew, nothing is known to be the same"
