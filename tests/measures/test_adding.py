"""Replications that are drawn, simulated and counted in slices have the measures that they have in one run."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from sim.draw import draw, draw_slices, preparation
from sim.dynamics.engines import simulate
from sim.dynamics.slices import InSlices
from sim.measures import adding
from sim.measures.adding import Adding, adds_up
from sim.measures.frame import Frame
from sim.measures.kinds import KINDS
from sim.measures.measures import measure
from sim.scenario import size as sizes
from sim.scenario.faults import ScenarioError
from sim.scenario.loading import load
from sim.scenario.schema import Scenario
from sim.scenario.size import Budget, in_memory, size, why_whole
from sim.studies import replicate
from sim.studies.replicate import ReplicationWork
from tests.scenario.small import SCENARIOS, loaded

PLAIN = """\
scenario: Plain
run: {start: 2025-01-06 00:00, length: 9 d, warm_up: 1 d, cool_down: 1 d}
demand:
  volume: 14/h
  channels: {call: 40 %, web: 60 %}
  risk: {high: 10 %, low: 90 %}
  categories: {one: 50 %, other: 50 %}
labels:
  clerk:
    assigns: {high: {urgent: 90 %, calm: 10 %}, low: {urgent: 5 %, calm: 95 %}}
calendars:
  office: {open: [{days: mon-fri, from: '09:00', to: '17:00'}]}
centres: {east: 60 %, west: 40 %}
pools:
  desk: {staff: 1, serve_first: [{tier: urgent}], preempt: [{tier: urgent}]}
  experts: {staff: 1, shared: true}
  more: {staff: 1, shared: true}
stages:
  - {name: answer, for: {channel: call}, pool: desk, service: {exponential: {mean: 3 min}},
     patience: {exponential: {mean: 20 min}}, retry: {share: 50 %, after: 10 min, at_most: 2}}
  - {name: rest, for: {channel: web}, delay: {exponential: {mean: 1 h}}, every: 30 min}
  - {name: sort, pool: desk, service: {lognormal: {mean: 3 min, cv: 1}}, label: clerk}
  - {name: act, for: {tier: urgent}, pool: experts, service: 20 min, overflow: {to: desk, after: 5 min},
     rework: {share: 20 %, back_to: sort, at_most: 1}}
  - {name: file, for: {tier: calm}, pool: more, open: office, service: {exponential: {mean: 1 min}}}
"""
RULES = (
    "of: {tier: urgent}, from: arrival, to: act.start, within: 30 min, share: 90 %",
    "from: arrival, to: leave, within: 20 h, share: 60 %, lost_tips: good_if_early",
    "of: {channel: web}, from: arrival, to: sort.end, mean: 90 min",
    "from: arrival, to: sort.end, mean: 8 min, lost_tips: left_out",
    "of: {channel: call}, lost: 20 %",
    "stage: answer, abandoned: 10 %",
    "stage: answer, service_level: 80 %, within: 1 min",
    "stage: sort, asa: 2 min",
    "from: arrival, to: act.end, percentile: 90 %, within: 1 h",
    "of: {channel: call}, from: arrival, to: leave, median: 20 min",
    "from: arrival, to: sort.start, longest: 5 h",
)
WINDOWS = ("", *(f", per: {unit}, hold: 80 %" for unit in ("month", "week", "day", "hour", "half_hour")))
PLACES = ("", *(f", in_each: {place}" for place in ("centre", "tier", "risk", "channel", "weekday", "hour")))
OF_POOLS = (
    "pool: desk, occupancy: 80 %",
    "pool: desk, occupancy: 80 %, in_each: centre, per: half_hour, hold: 50 %",
    "pool: experts, occupancy: 80 %, in_each: hour",
)
WORLDS = {
    "as it is": ("", ""),
    "overloaded": ("volume: 14/h", "volume: 30/h"),
    "calm": ("volume: 14/h", "volume: 4/h"),
    "with a backlog": ("centres:", "start_with: {backlog: {answer: 40, sort: 150}}\ncentres:"),
    "with surges": (
        "volume: 14/h",
        "volume: 10/h\n  busyness_cv: 0.5\n  growth: 300 %\n"
        "  by_hour: [1,1,1,1,1,1,1,1,3,3,3,3,8,8,8,2,2,2,1,1,1,1,1,1]\n"
        "  surges: [{name: one, at: 2025-01-08 09:00, lasts: 1 d, factor: 4}]",
    ),
    "by channel": (
        "channels: {call: 40 %, web: 60 %}",
        "channels: {call: {share: 40 %, by_hour: [1,1,1,1,1,1,1,1,3,3,3,3,8,8,8,2,2,2,1,1,1,1,1,1]}, web: 60 %}",
    ),
    "with nobody": ("desk: {staff: 1", "desk: {staff: 0"),
    "that tells labellers apart": (
        "serve_first: [{tier: urgent}]",
        "serve_first: [{labelled_by: clerk}, {tier: urgent}]",
    ),
    "where the clock is put back": ("start: 2025-01-06 00:00", "start: 2025-10-22 07:30, zone: Europe/Berlin"),
}
NOT_PLAIN = {
    "shifts": ("experts: {staff: 1,", 'experts: {shifts: [{from: "08:00", to: "20:00", staff: 2}],'),
    "levels": ("experts: {staff: 1,", "experts: {levels: {every: 12 h, staff: [1, 2]},"),
    "speeds": ("experts: {staff: 1,", "experts: {staff: 1, speed: 80 %,"),
    "order": ("experts: {staff: 1,", "experts: {staff: 1, order: last_come,"),
    "room": ("name: answer,", "name: answer, waiting_room: 3,"),
    "wrap-up": ("name: answer,", "name: answer, wrap_up: 1 min,"),
    "asides": ("at_most: 2}}", "at_most: 2}, gives_up_to: aside}\n  - {name: aside, delay: 1 min}"),
    "branches": ("name: answer,", "name: answer, after: arrival,"),
    "call-backs": ("name: answer,", "name: answer, callback: {after: 2 min, share: 60 %},"),
    "moving up": ("serve_first: [{tier: urgent}]", "serve_first: [{tier: urgent}, {tier: calm, waited: 1 h}]"),
    "overflow": (
        "overflow: {to: desk, after: 5 min}",
        "overflow: [{to: desk, after: 5 min}, {to: more, after: 9 min}]",
    ),
    "incidents": (
        "  volume: 14/h",
        "  volume: 14/h\n  incidents: {fire: {rate: 1/d, tips: {geometric: {mean: 6}}, over: 1 h}}",
    ),
}


def targets(every: int = 9) -> str:
    """Every rule in some windows and places, all of which come with each other."""
    some = product(RULES, WINDOWS, PLACES)
    asked = [f"{rule}{window}{place}" for rule, window, place in some if window or "longest" not in rule]
    chosen = [*asked[::every], *(f"{rule}, clock: office" for rule in RULES[:4]), *OF_POOLS]
    return "targets:\n" + "".join(f"  t{k}: {{{one}}}\n" for k, one in enumerate(chosen))


def scenario_of(folder: Path, old: str = "", new: str = "") -> Scenario:
    assert old in PLAIN
    return loaded(folder, PLAIN.replace(old, new, 1) + targets())


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slices of a few dozen tips, of worlds of any size."""
    monkeypatch.setattr(preparation, "SIZE", 16)
    monkeypatch.setattr(sizes, "SLICE", 48)
    monkeypatch.setattr(sizes, "LARGE", 0)
    monkeypatch.setattr(sizes, "WORTH", np.inf)


def differing(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> list[str]:
    """The names of the arrays that are not the same, byte by byte."""
    assert one.keys() == other.keys()
    return [name for name, a in one.items() if (a.dtype, a.shape, a.tobytes()) != told(other[name])]


def told(array: np.ndarray) -> tuple[np.dtype, tuple[int, ...], bytes]:
    return array.dtype, array.shape, array.tobytes()


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.usefixtures("tiny")
def test_measures_in_slices_are_those_of_the_whole(world: str, tmp_path: Path) -> None:
    scenario = scenario_of(tmp_path, *WORLDS[world])
    frame = Frame(scenario)
    assert frame.slice_size
    assert adds_up(frame)
    for pooled, only_targets in ((True, False), (False, False), (False, True))[: 3 if world == "calm" else 1]:
        work = ReplicationWork(frame, 7, "compiled", pooled=pooled, only_targets=only_targets)
        replication = draw(scenario, 1, seed=7)
        whole = measure(simulate(replication), replication, frame, pooled=pooled, only_targets=only_targets).arrays()
        found = work(1)
        assert whole["cohort"].sum() > 500
        assert differing(found, whole) == []


@pytest.mark.usefixtures("tiny")
def test_tips_are_drawn_in_slices_as_they_are_at_once(tmp_path: Path) -> None:
    scenario = scenario_of(tmp_path, *WORLDS["with a backlog"])
    whole = draw(scenario, 0)
    rules, _, parts = draw_slices(scenario, 0, size=lambda: 100)
    drawn = list(parts)
    assert rules is whole.rules
    assert len(drawn) > 10
    for name in ("arrival", "centre", "channel", "risk", "category"):
        assert np.array_equal(np.concatenate([getattr(tips, name) for tips, _ in drawn]), getattr(whole.tips, name))
    for name in ("kind", "work", "tier", "patience", "retry_after", "final_tier"):
        column = np.concatenate([getattr(visits, name) for _, visits in drawn])
        assert np.array_equal(column, getattr(whole.visits, name))
    assert [tips.n_backlog for tips, _ in drawn][:2] == [190, 0]


@pytest.mark.parametrize("change", NOT_PLAIN)
@pytest.mark.usefixtures("tiny")
def test_worlds_that_are_not_plain_are_held_whole(change: str, tmp_path: Path) -> None:
    scenario = scenario_of(tmp_path, *NOT_PLAIN[change])
    assert why_whole(scenario)
    assert not in_memory(scenario).slice_size
    with pytest.raises(ScenarioError, match=f"with .*{change}.* a replication is in memory whole"):
        Budget.read("1 MB").hold(scenario, 1, 1)


@pytest.mark.usefixtures("tiny")
def test_kinds_of_ones_own_are_measured_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = loaded(tmp_path, PLAIN + "targets:\n  t: {from: arrival, to: leave, median: 1 h}\n")
    assert not why_whole(scenario)
    assert adds_up(Frame(scenario))
    monkeypatch.setattr(sizes, "ONE_BY_ONE", ())
    monkeypatch.setitem(KINDS, "median", object())
    assert why_whole(scenario) == "target 't'"
    assert not adds_up(Frame(scenario))
    with pytest.raises(ValueError, match="adds up"):
        Adding(Frame(scenario))


@pytest.mark.usefixtures("tiny")
def test_sums_that_are_not_exact_are_left_to_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = scenario_of(tmp_path)
    work = ReplicationWork(Frame(scenario), 1, "compiled")
    asked = []

    def whole(*given, **settings):
        asked.append(given)
        return measure(*given, **settings)

    monkeypatch.setattr(replicate, "measure", whole)
    found = work(0)
    assert not asked
    monkeypatch.setattr(adding, "EXACT", 1.0)
    assert differing(work(0), found) == []
    assert len(asked) == 1


@pytest.mark.usefixtures("tiny")
def test_what_reads_the_log_and_the_other_engine_have_it_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(replicate, "draw_slices")
    scenario = scenario_of(tmp_path, "length: 9 d", "length: 2 d")
    work = ReplicationWork(Frame(scenario), 1, "compiled", verify="again")
    work(0)
    replace(work, verify="", engine="reference")(0)
    replace(work, verify="", events_folder=tmp_path)(0)


def test_small_runs_are_held_whole_and_memory_stops_growing(tmp_path: Path) -> None:
    held = {}
    for volume in ("14/h", "5000/h", "50000/h"):
        staff = int(volume.removesuffix("/h"))
        text = PLAIN.replace("volume: 14/h", f"volume: {volume}").replace("staff: 1", f"staff: {staff}")
        held[volume] = loaded(tmp_path, text)
    assert [in_memory(one).slice_size > 0 for one in held.values()] == [False, True, True]
    assert size(held["50000/h"]).bytes < 1.5 * size(held["5000/h"]).bytes
    grows = loaded(tmp_path, PLAIN.replace("volume: 14/h", "volume: 50000/h"))
    assert in_memory(grows).at_a_time == sizes.tips_of(grows)
    assert not in_memory(grows).slice_size


SCENARIO_FILES = sorted(path.name for path in SCENARIOS.glob("*.yaml") if not path.name.endswith("claims.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("file", [name for name in SCENARIO_FILES if name != "study.yaml"])
def test_what_is_told_to_be_plain_can_be_sliced(file: str) -> None:
    scenario = load(SCENARIOS / file)
    if not why_whole(scenario):
        rules, plan, parts = draw_slices(scenario, 0, size=lambda: 64)
        tips, visits = next(iter(parts))
        engine = InSlices(rules, plan)
        over, _ = engine.advance(tips, visits, int(tips.arrival[-1]))
        assert len(over.tips) + engine.n_inside == len(tips)
    assert (why_whole(scenario) == "") == (file == "two_stage.yaml")
