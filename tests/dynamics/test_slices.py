"""In slices of time every tip has the stamps that it has in one run, however small the slices are."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from sim.dynamics import reference, slices, stations
from sim.dynamics.clock import NEVER
from sim.dynamics.compiled import needs_people, needs_queues, simulate
from sim.dynamics.log import Log, Spells, differences
from sim.dynamics.machinery import N_SOON
from sim.dynamics.replication import Replication, Tips, Visits
from sim.dynamics.slices import OF_ATTEMPT, OF_TIP, OF_VISIT, PLAIN, InSlices
from tests.dynamics.build import Pool, Stage, tip, world
from tests.dynamics.worlds import line_world, random_world

SIZES = (1, 2, 7, 25)
"""Tips of a slice."""


def plain_world(seed: int) -> Replication:
    """A random world without the columns that plain worlds do not have."""
    return bare(random_world(seed, plain=True))


def bare(one: Replication) -> Replication:
    """A plain world as it is drawn for slices."""
    visits = Visits(**{name: getattr(one.visits, name) for name in PLAIN})
    return replace(one, visits=visits, tips=replace(one.tips, incident=np.empty(0, np.int32)))


def handed_in(whole: Replication, first: int, beyond: int) -> tuple[Tips, Visits]:
    """Some of the tips, that follow each other, with their visits, as if there were no others."""
    tips, visits = whole.tips, whole.visits
    rows = slice(int(tips.first_visit[first]), int(tips.first_visit[beyond]))
    attempts = whole.rules.stages.attempts[whole.rules.kinds.stage[visits.kind]]
    begins = np.concatenate([[0], np.cumsum(attempts)])
    of_attempt = slice(int(begins[rows.start]), int(begins[rows.stop]))
    some = {name: getattr(tips, name)[first:beyond] for name in ("arrival", "centre", "channel", "risk", "category")}
    columns = {name: getattr(visits, name)[rows] for name in OF_VISIT if getattr(visits, name).size}
    columns |= {name: getattr(visits, name)[first:beyond] for name in OF_TIP if getattr(visits, name).size}
    columns |= {name: getattr(visits, name)[of_attempt] for name in OF_ATTEMPT}
    first_attempt = visits.first_attempt[rows] - np.where(attempts[rows] > 0, of_attempt.start, 0)
    n_backlog = min(max(whole.tips.n_backlog - first, 0), beyond - first)
    return (
        Tips(
            first_visit=tips.first_visit[first : beyond + 1] - rows.start,
            n_backlog=n_backlog,
            own=tips.own[:, first:beyond],
            **some,
        ),
        Visits(first_attempt=first_attempt, **columns),
    )


def log_in_slices(whole: Replication, size: int) -> tuple[Log, int]:
    """The log of a world that was run in slices of so many tips, as if it had been one run; and how many tips were
    carried over at most."""
    whole = replace(whole, tips=replace(whole.tips, category=np.arange(len(whole.tips), dtype=np.int32)))
    tips, visits = whole.tips, whole.visits
    engine, parts, carried = InSlices(whole.rules, whole.plan), [], 0
    first = 0
    while first < len(tips):
        beyond = min(max(first + size, tips.n_backlog), len(tips))
        parts.append(engine.advance(*handed_in(whole, first, beyond), int(tips.arrival[beyond - 1])))
        first, carried = beyond, max(carried, engine.n_inside)
    parts.append(engine.close())
    # Every tip is over just once, and those of a slice lie in order.
    number = [over.tips.category for over, _ in parts]
    assert np.array_equal(np.sort(np.concatenate(number)), np.arange(len(tips)))
    assert all((np.diff(one) > 0).all() for one in number)
    length = np.diff(tips.first_visit)
    row = [np.concatenate([np.arange(*tips.first_visit[at : at + 2]) for at in one] or [length[:0]]) for one in number]
    attempts = whole.rules.stages.attempts[whole.rules.kinds.stage[visits.kind]]
    begins = np.concatenate([[0], np.cumsum(attempts)])
    of_attempt = [np.concatenate([np.arange(*begins[at : at + 2]) for at in one] or [length[:0]]) for one in row]
    for (over, _), mine, tried in zip(parts, row, of_attempt, strict=True):
        assert np.array_equal(over.visits.kind, visits.kind[mine])
        assert np.array_equal(over.visits.work, visits.work[mine])
        assert np.array_equal(over.visits.patience, visits.patience[tried])
    places = {"lost": number, "gave_up": of_attempt, "turned_away": [of[:0] for of in row], "merged": number}
    found = {}
    for one in fields(Log):
        if one.name not in ("spells", "overtime"):
            columns = [getattr(log, one.name) for _, log in parts]
            where = np.concatenate(places.get(one.name, row))[: sum(map(len, columns))]
            found[one.name] = np.concatenate(columns)[np.argsort(where, kind="stable")]
    spells = {one.name: np.concatenate([getattr(log.spells, one.name) for _, log in parts]) for one in fields(Spells)}
    spells["visit"] = np.concatenate([mine[log.spells.visit] for (_, log), mine in zip(parts, row, strict=True)])
    order = np.argsort(spells["visit"], kind="stable")
    together = Spells(**{name: column[order] for name, column in spells.items()})
    return Log(**found, spells=together, overtime=parts[-1][1].overtime), carried


@pytest.mark.parametrize("first", [0, *(pytest.param(first, marks=pytest.mark.slow) for first in range(10, 300, 10))])
def test_random_worlds_are_the_same_in_slices(first: int) -> None:
    n_carried = 0
    for seed in range(first, first + 10):
        one = plain_world(seed)
        assert not needs_people(one)
        assert not needs_queues(one)
        log = simulate(one)
        for size in SIZES:
            found, carried = log_in_slices(one, size)
            assert not differences(found, log), f"seed {seed} in slices of {size}"
            n_carried += carried
    assert n_carried > 10 * 4 * 3


@pytest.mark.parametrize("seed", range(4))
def test_tables_that_are_too_small_are_made_larger(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def rooms():
        for room in (1, 2, 4, 8, 16, 64, 16_384):
            tried.append(room)
            yield room

    one = plain_world(seed)
    log = simulate(one)
    monkeypatch.setattr(slices, "rooms", rooms)
    found, _ = log_in_slices(one, 3)
    assert not differences(found, log)
    assert len(tried) > 1


MORE_SEEDS = [0, *(pytest.param(first, marks=pytest.mark.slow) for first in range(30, 300, 30))]


@pytest.mark.parametrize("first", MORE_SEEDS)
def test_lines_go_stage_by_stage_in_slices_too(first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """And have the log of the reference, and of the loop in slices, whoever is at work or waits at the edge of a slice:
    at several stages, in the order in which they came there and not in that of their arrival, beyond the horizon, and
    more at once than N_SOON."""
    met = {"works": 0, "waits": 0, "further on": 0, "overtaken": 0, "works beyond the horizon": 0, "many": 0}
    real = stations.stamp

    def stamp(*given: object) -> int:
        _, _, log, way, at, *_ = given
        works, enter, stage = log.start[at] != NEVER, log.enter[at], way.stage[at]
        met["works"] += int(works.sum())
        met["waits"] += int((~works).sum())
        met["further on"] += int((stage > 0).sum())
        same = ~works[1:] & ~works[:-1] & (stage[1:] == stage[:-1])
        met["overtaken"] += int((same & (enter[1:] < enter[:-1])).sum())
        met["works beyond the horizon"] += int((log.end[at][works] == NEVER).sum())
        met["many"] += max(np.bincount(stage[works]), default=0) > N_SOON
        return real(*given)

    for seed in range(first, first + 30):
        one = bare(line_world(seed))
        log = reference.simulate(one)
        for size in SIZES:
            with monkeypatch.context() as patched:
                patched.setattr(stations, "stamp", stamp)
                patched.delattr(slices, "run")
                found, _ = log_in_slices(one, size)
            assert not differences(found, log), f"seed {seed} in slices of {size}"
        with monkeypatch.context() as patched:
            patched.setattr(stations, "way_of", lambda _: None)
            assert not differences(log_in_slices(one, 7)[0], log), f"seed {seed} by the loop"
    assert first > 0 or min(met.values()) > 0, met


@pytest.mark.parametrize("first", MORE_SEEDS)
def test_a_slice_that_cannot_go_stage_by_stage_is_taken_over_by_the_loop(
    first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first work that takes no time on, here, with all who are in the system then."""
    n_taken = 0
    real = slices.take_over

    def take_over(at: np.ndarray, *given: object) -> None:
        nonlocal n_taken
        n_taken += len(at)
        real(at, *given)

    monkeypatch.setattr(slices, "take_over", take_over)
    for seed in range(first, first + 30):
        one = bare(line_world(seed))
        n_visits = len(one.visits)
        work = one.visits.work.copy()
        work[np.random.default_rng(seed).integers(n_visits // 2, n_visits)] = 0
        one = replace(one, visits=replace(one.visits, work=work))
        log = reference.simulate(one)
        for size in SIZES:
            found, _ = log_in_slices(one, size)
            assert not differences(found, log), f"seed {seed} in slices of {size}"
    assert n_taken > 20


def test_other_worlds_are_refused() -> None:
    people = world(pools=[Pool("desk", staff=1, by_hand=[1.0, 0.5], concurrency=2)], stages=[Stage("desk")], tips=[])
    rooms = world(pools=[Pool("desk", staff=1)], stages=[Stage("desk", waiting_room=1)], tips=[tip(0, 10)])
    for one in (people, rooms):
        plain = replace(
            one,
            visits=Visits(**{name: getattr(one.visits, name) for name in PLAIN}),
            tips=replace(one.tips, incident=np.empty(0, np.int32)),
        )
        with pytest.raises(ValueError, match="plain"):
            InSlices(plain.rules, plain.plan).advance(plain.tips, plain.visits, plain.rules.horizon)
    with pytest.raises(ValueError, match="handed in"):
        InSlices(people.rules, people.plan).close()
