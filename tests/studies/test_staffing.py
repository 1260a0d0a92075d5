"""The cheapest staffing: against theory, against trying everything, and where there is none."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sim.measures.targets import joint
from sim.measures.theory import erlang_a, least_servers, wait_above
from sim.scenario.loading import load
from sim.scenario.schema import Scenario
from sim.studies.replicate import Settings
from sim.studies.staff import staffing, tried
from sim.studies.staff.staffed import Post, bounded, cost, decided, hours_of, post, staffed
from sim.studies.staff.staffing import StaffAnswer, cheapest, staff
from sim.studies.staff.tried import Confirmation, Tried, confirm, fresh_seed
from sim.studies.trials import Trials
from tests.cli.lines import SCENARIOS
from tests.scenario.small import SMALL, loaded
from tests.studies.staffings import line, trials, two_pools

RECORDED = SCENARIOS / "national_recorded.yaml"
PATIENCE = ", patience: {exponential: {mean: 2 min}}"


def within_half_a_point(value: float) -> bool:
    return abs(value - 0.8) <= 0.005


@pytest.mark.parametrize("erlangs", [0.5, 2.0, 5.3])
def test_one_line_needs_as_many_as_erlang_says(tmp_path: Path, erlangs: float) -> None:
    scenario = line(tmp_path, erlangs, days=56)
    least = least_servers(erlangs, 3, 1 / 3, 0.8)
    assert not any(within_half_a_point(1 - wait_above(1 / 3, erlangs, n, 3)) for n in (least - 1, least))
    answer = staff(scenario, trials=trials(scenario))
    assert answer.by_path == {"pools.desk.staff": least}
    assert answer.confirmation is not None
    assert answer.confirmation.verdict == "met"
    assert answer.certificate is not None
    assert answer.certificate.closed
    less = answer.certificate.neighbours[0]
    assert less is not None
    assert less.verdict == "missed"


def test_another_look_at_a_staffing_finds_its_scenario_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def counted(*asked: Any) -> Scenario:
        made.append(asked[-1])
        return staffed(*asked)

    monkeypatch.setattr(tried, "staffed", counted)
    scenario = line(tmp_path, 2.0, days=7)
    posts = bounded(scenario, trials(scenario))
    searched = Tried(scenario, posts, trials(scenario), 10)
    for people in (5, 4, 5):
        searched.look((people,), "glance")
        searched.full((people,))
    assert searched.outcomes[(5,)].n_replications == 10
    assert made == [(5,), (4,)]


LOADS = [0.5, 0.7, 0.9, 1, 1.3, 1.7, 1.9, 2.2, 2.7, 3.3, 3.6, 4, 4.7, 5.5, 5.9, 6.3]
LOADS += [7.2, 8.1, 9, 10.3, 11.5, 13, 14.8, 16, 18, 20, 25, 28, 37, 50, 60]


def sizes(erlangs: float) -> dict[str, int]:
    """Days and replications after which the share of one load is known to less than 0.3 points at 99.9 %."""
    if erlangs < 2.5:
        return {"days": 100, "replications": 30}
    return {"days": 50, "replications": 45} if erlangs < 15 else {"days": 40, "replications": 75}


@pytest.mark.slow
@pytest.mark.parametrize("erlangs", LOADS)
def test_erlang_c_over_a_grid_of_loads(tmp_path: Path, erlangs: float) -> None:
    """At 99.9 % confidence a case; so long that the interval reaches less than 0.3 points around the answer."""
    least = least_servers(erlangs, 3, 1 / 3, 0.8)
    values = [1 - wait_above(1 / 3, erlangs, n, 3) for n in (least - 1, least)]
    scenario = line(tmp_path, erlangs, **sizes(erlangs))
    answer = staff(scenario, trials=trials(scenario))
    assert answer.staffing is not None
    assert answer.confirmation is not None
    if any(within_half_a_point(value) for value in values):
        assert answer.staffing[0] in (least - 1, least, least + 1)
        return
    assert answer.staffing == (least,)
    sample = answer.confirmation.sample
    came_to = sample.of(0).estimate(scenario.run.confidence)
    print(f"{erlangs:g} erlangs: {least}, {came_to.low:.4f} to {came_to.high:.4f}, by theory {values[1]:.4f}")
    assert (came_to.high - came_to.low) / 2 < 0.003
    assert came_to.low <= values[1] <= came_to.high


@pytest.mark.slow
@pytest.mark.parametrize("erlangs", [0.5, 1.5, 3, 5, 8, 12, 17, 25, 38, 55])
def test_erlang_a_over_a_grid_of_loads(tmp_path: Path, erlangs: float) -> None:
    def within(n: int) -> float:
        return erlang_a(erlangs, n, 3, 2, within=1 / 3).served_within

    least = next(n for n in itertools.count(1) if within(n) >= 0.8)
    scenario = line(tmp_path, erlangs, days=50, patience=PATIENCE, replications=30)
    answer = staff(scenario, trials=trials(scenario))
    assert answer.staffing is not None
    if within_half_a_point(within(least)) or within_half_a_point(within(least - 1)):
        assert answer.staffing[0] in (least - 1, least, least + 1)
    else:
        assert answer.staffing == (least,)


def test_two_pools_find_what_trying_everything_finds_with_less_than_a_quarter_of_it(tmp_path: Path) -> None:
    scenario = two_pools(tmp_path)
    shared = trials(scenario)
    answer = staff(scenario, trials=shared)
    everything = sorted(itertools.product(range(1, 10), repeat=2), key=lambda one: cost(answer.posts, one))
    best = next(
        one
        for one in everything
        if joint(shared.sample(staffed(scenario, answer.posts, one), 10, only_targets=True)).verdict == "met"
    )
    assert answer.staffing == best
    assert answer.tried is not None
    assert len(answer.tried.outcomes) < len(everything) / 4
    assert answer.certificate is not None
    assert answer.certificate.closed
    assert answer.certificate.against == ()
    cheaper = [one for one in everything if cost(answer.posts, one) < answer.cost - 1e-6]
    assert answer.certificate.remainder.cheaper == len(cheaper)
    assert all(answer.tried.excluded(one) or one in answer.tried.outcomes for one in cheaper)


def test_the_proof_goes_on_when_no_further_choice_may_be_put_to_the_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = two_pools(tmp_path)
    whole = staff(scenario, trials=trials(scenario))
    monkeypatch.setattr(staffing, "MOST_TURNS", 1)
    answer = staff(scenario, trials=trials(scenario))
    assert answer.certificate is not None
    assert answer.certificate.closed
    assert answer.staffing == whole.staffing


def test_a_choice_that_was_refused_is_not_put_to_the_test_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first choice has people to spare, and every other one is refused."""
    scenario = two_pools(tmp_path)
    shared = trials(scenario)

    def generous(tried: Tried, *_: object) -> tuple[int, ...]:
        tried.full((9, 9))
        return (9, 9)

    def only_the_first(*given: object) -> Confirmation:
        found = confirm(*given)  # type: ignore[arg-type]
        return found if given[3] == 0 else replace(found, leans="missed", joint=poor.joint)

    poor = confirm(
        staffed(scenario, [Post(n, None, 1, 9, "", 168.0, 1.0) for n in ("front", "back")], (3, 4)), Settings(), 10
    )
    monkeypatch.setattr(staffing, "cheap", generous)
    monkeypatch.setattr(staffing, "lowered", lambda _, better: better)
    monkeypatch.setattr(staffing, "confirm", only_the_first)
    answer = staff(scenario, trials=shared)
    assert answer.staffing == (9, 9)
    assert {(8, 9), (9, 8)} <= set(answer.rejected)
    assert len(set(answer.rejected)) == len(answer.rejected)


def test_a_cheap_staffing_is_found_without_a_certificate_and_from_a_start(tmp_path: Path) -> None:
    scenario = two_pools(tmp_path)
    found = cheapest(scenario, trials=trials(scenario))
    again = cheapest(scenario, trials=trials(scenario), start={"pools.front.staff": 7, "pools.back.staff": 9})
    assert found.certificate is None
    assert found.staffing == again.staffing
    assert found.staffed.pools["back"].staff == found.by_path["pools.back.staff"]


def test_where_unlimited_staff_misses_a_target_nothing_is_searched() -> None:
    scenario = load(SCENARIOS / "national.yaml", changes=["run.length=91 d", "run.replications=5"])
    answer = staff(scenario, trials=trials(scenario))
    assert (answer.why, answer.staffing, answer.by_path, answer.tried) == ("beyond staff", None, {}, None)
    beyond = {one.name: one for one in answer.limits if one.beyond_staff}
    assert set(beyond) == {"rapid", "transfer"}
    assert (beyond["rapid"].hindrances[0].kind, beyond["rapid"].hindrances[0].name) == ("service", "open")
    with pytest.raises(ValueError, match="no staffing: beyond staff"):
        _ = answer.staffed


def test_where_the_bounds_are_too_narrow_it_says_which_pool_stands_in_the_way(tmp_path: Path) -> None:
    scenario = two_pools(tmp_path)
    answer = staff(scenario, pools={"front": (1, 9), "back": (1, 2)}, trials=trials(scenario))
    assert answer.why == "beyond bounds"
    assert answer.top is not None
    assert answer.top.staffing == (9, 2)
    assert [(one.pool, one.targets) for one in answer.reliefs] == [("back", ("acted",))]


def test_a_target_that_so_few_replications_cannot_show_is_named(tmp_path: Path) -> None:
    """All tips are served within a day, and 64 small replications are not enough to be sure of 99 % of them."""
    text = SMALL.replace("targets:\n", "targets:\n  day: {from: arrival, to: sorted, within: 1 d, share: 99.5 %}\n")
    scenario = loaded(tmp_path, text.replace("length: 7 d", "length: 3 d, replications: 4"))
    answer = staff(scenario, trials=trials(scenario))
    assert answer.confirmation is not None
    assert answer.confirmation.verdict == "undecided"
    assert "day" in answer.confirmation.unproven


def test_without_a_word_all_pools_are_decided_and_with_ranges_those_that_have_one(tmp_path: Path) -> None:
    small = loaded(tmp_path, SMALL)
    assert [(pool, row, bounds) for pool, row, bounds, _ in decided(small)] == [
        ("desk", None, None),
        ("night", 0, None),
    ]
    ranged = loaded(tmp_path, SMALL + "  pools.night.staff: {from: 1, to: 4}\n")
    assert [(pool, row, bounds) for pool, row, bounds, _ in decided(ranged)] == [("night", 0, (1, 4))]
    named = decided(ranged, {"desk": (2, 5), "night": None})
    assert [(pool, row, bounds) for pool, row, bounds, _ in named] == [("desk", None, (2, 5)), ("night", 0, (1, 4))]
    with pytest.raises(ValueError, match="no pool 'dusk'; there are desk, night"):
        decided(small, {"dusk": None})


def test_bounds_without_a_range_leave_room_for_everyone_who_can_be_busy(tmp_path: Path) -> None:
    text = SMALL.replace("desk: {staff: 2,", "desk: {staff: 2, at_least: 3,")
    scenario = loaded(tmp_path, text)
    desk, night = bounded(scenario, trials(scenario))
    assert (desk.least, night.least) == (3, 0)
    top = staffed(scenario, (desk, night), (desk.most, night.most))
    sample = trials(scenario).sample(top, 3)
    waited = sample.stages[:, :, :, 4].sum(axis=(0, 2))
    assert waited[1] == 0
    assert desk.most < 20


def test_a_person_is_paid_for_seat_hours_and_shrinkage_in_every_centre() -> None:
    scenario = load(SCENARIOS / "national.yaml", changes=["centres=3", "pools.call_takers.price=2"])
    day = post(scenario, "call_takers", 0, 0, 9, "")
    assert day.path == "pools.call_takers.shifts.0.staff"
    assert day.paid_hours == pytest.approx(3 * 7 * 7.5 / 0.7)
    assert day.cost == pytest.approx(2 * day.paid_hours)
    night = hours_of(scenario, post(scenario, "call_takers", 2, 0, 9, ""))
    assert [hour % 24 for hour in range(168) if night[hour] > 0] == [0, 1, 2, 3, 4, 5, 6, 23] * 7


def test_a_staffed_copy_runs_as_its_document_would(tmp_path: Path) -> None:
    scenario = load(RECORDED, changes=["run.length=28 d"])
    posts = [
        post(scenario, "call_takers", 1, 0, 9, ""),
        post(scenario, "analysts", None, 0, 9, ""),
    ]
    copy = staffed(scenario, posts, (1, 4))
    changes = ["run.length=28 d", "pools.call_takers.shifts.1.staff=1", "pools.analysts.staff=4"]
    written = load(RECORDED, changes=changes)
    shared = trials(scenario)
    assert copy.hash not in (scenario.hash, written.hash)
    assert (shared.sample(copy, 2).ratio == shared.sample(written, 2).ratio).all()


def test_a_choice_that_was_luck_does_not_hold_on_fresh_seeds(tmp_path: Path) -> None:
    scenario = two_pools(tmp_path)
    posts = [Post(name, None, 1, 9, "", 168.0, 1.0) for name in ("front", "back")]
    poor = confirm(staffed(scenario, posts, (4, 5)), Settings(), 10)
    good = confirm(staffed(scenario, posts, (7, 8)), Settings(), 10, turn=1)
    assert (poor.verdict, poor.accepted) == ("missed", False)
    assert (good.verdict, good.accepted) == ("met", True)
    assert poor.confidence == pytest.approx(0.975)
    assert good.confidence == pytest.approx(0.9875)
    assert len({poor.seed, good.seed, scenario.run.seed, fresh_seed(scenario.run.seed, 0)}) == 3


def taken(answer: StaffAnswer) -> list[object]:
    """What a search came to, and the way it took."""
    assert answer.tried is not None
    outcomes = [(one.staffing, one.n_replications, one.verdict) for one in answer.tried.outcomes.values()]
    return [answer.staffing, answer.certificate and answer.certificate.remainder, outcomes]


def test_resumed_it_goes_the_same_way_without_measuring_again(tmp_path: Path) -> None:
    scenario = two_pools(tmp_path)
    whole = staff(scenario, trials=trials(scenario))

    class StoppedError(Exception):
        pass

    def stop(n_done: int) -> None:
        if n_done == 40:
            raise StoppedError

    folder = tmp_path / "kept"
    with pytest.raises(StoppedError):
        staff(scenario, trials=Trials(scenario.run.seed, Settings(folder=folder, count=stop)))
    again = Trials(scenario.run.seed, Settings(jobs=2, folder=folder, resume=True))
    assert taken(staff(scenario, trials=again)) == taken(whole)


FOUR = """\
scenario: Four pools in three shifts
run: {start: 2025-01-06 00:00, warm_up: 7 d, length: 182 d, replications: 10, seed: 7}
demand:
  volume: 30000/year
  by_hour: [.5,.4,.3,.3,.3,.4,.6,.9,1.2,1.5,1.7,1.6,1.4,1.4,1.5,1.5,1.4,1.3,1.2,1.2,1.2,1.1,.9,.7]
  busyness_cv: 0.1
  channels: {call: 40 %, online: 60 %}
  risk: {high: 5 %, low: 35 %, non: 60 %}
pools:
  call_takers: {shrinkage: 30 %, shifts: &shifts [
    {from: "07:00", to: "15:00", staff: 2}, {from: "15:00", to: "23:00", staff: 2},
    {from: "23:00", to: "07:00", staff: 1}]}
  analysts: {serve_first: [{risk: high}], shifts: *shifts}
  officers: {price: 1.5, shifts: *shifts}
  clerks: {price: 0.7, shifts: *shifts}
stages:
  - {name: answer, for: {channel: call}, pool: call_takers, service: {lognormal: {mean: 12 min, cv: 1.0}},
     patience: {exponential: {mean: 5 min}}}
  - {name: open, for: {channel: online}, pool: call_takers, service: {lognormal: {mean: 8 min, cv: 1.0}}}
  - {name: screen, pool: analysts, service: {lognormal: {mean: 6 min, cv: 0.8}}}
  - {name: review, for: {risk: [high, low]}, pool: officers, service: {lognormal: {mean: 15 min, cv: 0.8}}}
  - {name: file, pool: clerks, service: {lognormal: {mean: 10 min, cv: 1.0}}}
targets:
  answered: {of: {channel: call}, from: arrival, to: answer.start, within: 2 min, share: 80 %}
  screened: {from: arrival, to: screen.start, within: 1 h, share: 85 %}
  reviewed: {of: {risk: high}, from: arrival, to: review.start, within: 1 h, share: 80 %}
  done: {from: arrival, to: file.end, within: 3 h, share: 85 %}
  lost: {of: {channel: call}, lost: 8 %}
"""


@pytest.mark.slow
def test_twelve_posts_get_an_answer_with_a_certificate(tmp_path: Path) -> None:
    scenario = loaded(tmp_path, FOUR)
    answer = staff(scenario, trials=trials(scenario))
    assert answer.staffing == (3, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
    assert answer.certificate is not None
    assert answer.certificate.closed
    assert all(less is not None and less.verdict == "missed" for less in answer.certificate.neighbours)
