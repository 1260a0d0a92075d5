"""What follows from a document for every draw: by hand, and that no run ever contradicts it."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from sim.dynamics.clock import HOUR, MINUTE
from sim.measures.frame import Frame
from sim.measures.held import VALUE
from sim.measures.targets import results
from sim.scenario.certain import CertainBounds, value_bounds
from sim.scenario.faults import ScenarioError
from sim.scenario.levels import MOST_STAFF
from sim.scenario.moments import OF_STAGE
from sim.scenario.warnings import warnings
from sim.studies.replicate import run
from sim.studies.staff.staffed import unlimited
from tests.scenario.small import loaded

HEAD = """\
scenario: Certain
run: {{start: 2025-01-06 00:00, length: {length}, cool_down: 2 d, replications: 3}}
demand: {{volume: 8/h, channels: {{call: 50 %, web: 50 %}}, risk: {{high: 30 %, low: 70 %}}{incidents}}}
{labels}pools: {{desk: {{staff: {staff}}}, back: {{staff: {staff}}}}}
stages:
{stages}
targets:
{targets}
"""


def document(folder, stages, targets, *, staff=MOST_STAFF, labels="", length="2 d", incidents=""):
    text = HEAD.format(
        staff=staff,
        labels=labels,
        length=length,
        incidents=incidents,
        stages="\n".join(f"  - {{{one}}}" for one in stages),
        targets="\n".join(f"  t{k}: {{{one}}}" for k, one in enumerate(targets)),
    )
    return loaded(folder, text)


def bounds(*given, **options) -> list[tuple[float, float]]:
    scenario = document(*given, **options)
    return [(found.least, found.most) for found in (value_bounds(scenario, one) for one in scenario.targets.values())]


INCIDENTS = ", incidents: {fire: {rate: 1/h, tips: 3, over: {uniform: {from: 0 s, to: 10 min}}, risk: high}}"
TAKE = "name: take, pool: desk, service: {uniform: {from: 2 min, to: 6 min}}"
SHARE = "from: arrival, to: take.end, share: 90 %, within: "
MET, MISSED, EITHER = (1.0, 1.0), (0.0, 0.0), (0.0, 1.0)


def test_with_unlimited_people_a_service_takes_what_its_law_says(tmp_path):
    found = bounds(tmp_path, [TAKE], [SHARE + "6 min", SHARE + "5 min", SHARE + "119 s"])
    assert found == [MET, EITHER, MISSED]


def test_times_add_up_along_the_longest_way(tmp_path):
    stages = [
        TAKE,
        "name: check, share: 50 %, pool: back, service: 3 min, every: 10 min",
        "name: post, delay: {empirical: {values: [1 min, 4 min], shares: [100 %, 0 %]}}",
    ]
    target = "from: arrival, to: leave, share: 90 %, within: "
    # 6 min, then a gate of up to 10 min and 3 min for some, then 1 min: the 4 min have no share.
    assert bounds(tmp_path, stages, [target + "20 min", target + "19 min", target + "2 min"]) == [MET, EITHER, MISSED]


def test_a_mean_lies_between_the_shortest_and_the_longest_way(tmp_path):
    mean = "from: take.start, to: take.end, mean: 10 min"
    assert bounds(tmp_path, [TAKE], [mean]) == [(2 * MINUTE, 6 * MINUTE)]
    assert bounds(tmp_path, ["name: take, pool: desk, service: {exponential: {mean: 1 min}}"], [mean]) == [
        (0.0, math.inf)
    ]


def test_who_merges_is_not_judged_but_by_a_moment_of_merging(tmp_path):
    first = "from: arrival, to: {first_of: [take.start, take.merged]}, share: 90 %, within: "
    judged = [SHARE + "6 min", first + "0 s", "from: arrival, to: take.end, mean: 6 min", "lost: 5 %"]
    found = bounds(tmp_path, [f"{TAKE}, merge: {{}}"], judged, incidents=INCIDENTS)
    assert found == [MET, MET, (2 * MINUTE, math.inf), MISSED]
    # A repeat takes its time, also of who is not told when it ends.
    again = "from: arrival, to: take.merged, share: 90 %, within: "
    stages = [f"{TAKE}, merge: {{repeat: {{uniform: {{from: 1 min, to: 3 min}}}}}}"]
    found = bounds(tmp_path, stages, [again + "3 min", again + "2 min", again + "59 s"], incidents=INCIDENTS)
    assert found == [EITHER, EITHER, MISSED]


def test_with_some_people_any_wait_may_be_and_nothing_is_certain(tmp_path):
    target = SHARE + "6 min"
    assert bounds(tmp_path, [TAKE], [target], staff=50) == [EITHER]
    # What lies before the line is certain even so, and so is what the service alone makes impossible.
    assert bounds(tmp_path, [TAKE], ["from: arrival, to: take.enter, within: 1 s, share: 100 %"], staff=1) == [MET]
    assert bounds(tmp_path, [TAKE], [SHARE + "90 s"], staff=1) == [MISSED]


def test_with_nobody_nothing_begins(tmp_path):
    targets = [SHARE + "1 h", "lost: 5 %"]
    assert bounds(tmp_path, [TAKE], targets, staff=0) == [MISSED, (0.0, 0.0)]
    assert bounds(tmp_path, [TAKE + ", patience: 5 min"], targets, staff=0) == [MISSED, (1.0, 1.0)]
    helped = TAKE.replace("desk", "desk, overflow: {to: back}")
    assert bounds(tmp_path, [helped + ", patience: 5 min"], targets, staff=0) == [MISSED, (1.0, 1.0)]


def test_nobody_is_lost_where_nobody_waits(tmp_path):
    patient = TAKE + ", patience: {exponential: {mean: 5 min}}"
    assert bounds(tmp_path, [patient], ["lost: 1 %", SHARE + "6 min"]) == [(0.0, 0.0), MET]
    assert bounds(tmp_path, [patient], ["lost: 1 %"], staff=90) == [EITHER]
    # A gate makes them wait, and some give up before it opens.
    assert bounds(tmp_path, [patient + ", every: 30 min"], ["lost: 1 %", SHARE + "36 min"]) == [EITHER, EITHER]
    left_out = SHARE + "36 min, lost_tips: left_out"
    assert bounds(tmp_path, [patient + ", every: 30 min"], [left_out]) == [MET]


def test_shares_and_labels_count_only_where_they_are_all_or_nothing(tmp_path):
    labels = "labels: {clerk: {decides: %s, assigns: {high: {A: 100 %%}, low: {A: %s, B: %s}}}}\n"
    stages = [
        "name: sort, delay: 1 min, label: clerk",
        TAKE.replace("pool", "for: {tier: A}, pool"),
    ]
    of_a, of_high = (f"of: {{{of}}}, {SHARE}1 h" for of in ("tier: A", "risk: high"))
    for decides, a, b, expected in (
        ("100 %", "0 %", "100 %", [MET, MET]),
        ("90 %", "0 %", "100 %", [MET, EITHER]),
        ("100 %", "50 %", "50 %", [MET, MET]),
    ):
        assert bounds(tmp_path, stages, [of_a, of_high], labels=labels % (decides, a, b)) == expected
    none = bounds(tmp_path, ["name: post, delay: 1 min, share: 0 %", TAKE], [SHARE + "6 min"])
    some = bounds(tmp_path, ["name: post, delay: 1 min, share: 1 %", TAKE], [SHARE + "6 min"])
    assert (none, some) == ([MET], [EITHER])


def test_rework_goes_round_as_often_as_it_may(tmp_path):
    stages = [
        "name: write, pool: desk, service: 5 min",
        "name: check, pool: back, service: 1 min, rework: {share: 20 %, back_to: write, at_most: 2}",
    ]
    target = "from: arrival, to: leave, share: 90 %, within: "
    assert bounds(tmp_path, stages, [target + "18 min", target + "17 min", target + "5 min"]) == [MET, EITHER, MISSED]
    # The first time through is what a moment is of.
    assert bounds(tmp_path, stages, ["from: arrival, to: check.end, share: 90 %, within: 6 min"]) == [MET]


def test_the_earliest_of_moments_and_the_one_preferred(tmp_path):
    stages = [TAKE, "name: post, share: 50 %, delay: 1 h"]
    earliest = "from: arrival, to: {first_of: [post.end, take.end]}, within: 6 min, share: 90 %"
    preferred = "from: arrival, to: [take.end, post.end], within: 6 min, share: 90 %"
    may_lack = "from: arrival, to: [post.end, take.end], within: 6 min, share: 90 %"
    assert bounds(tmp_path, stages, [earliest, preferred, may_lack]) == [MET, MET, EITHER]


def test_a_pool_that_no_tip_comes_to_is_never_busy(tmp_path):
    targets = ["pool: desk, occupancy: 50 %", "pool: back, occupancy: 50 %"]
    assert bounds(tmp_path, [TAKE], targets, staff=2) == [EITHER, (0.0, 0.0)]


def test_plenty_of_people_at_some_hours_make_nobody_wait_longer_than_they_are_away(tmp_path):
    text = HEAD.format(
        staff=0,
        labels="",
        incidents="",
        length="7 d",
        stages=f"  - {{{TAKE}}}",
        targets=f"  a: {{{SHARE}62 h + 6 min}}\n  b: {{{SHARE}14 h}}".replace("62 h + 6 min", "3726 min"),
    )
    hours = f'pools: {{desk: {{shifts: [{{from: "08:00", to: "18:00", staff: {MOST_STAFF}, days: mon-fri}}]}}'
    scenario = loaded(tmp_path, text.replace("pools: {desk: {staff: 0}", hours))
    assert [value_bounds(scenario, one) for one in scenario.targets.values()] == [
        CertainBounds(1.0, 1.0),
        CertainBounds(0.0, 1.0),
    ]


def test_a_result_that_is_certain_says_so_and_is_a_point(tmp_path):
    scenario = document(tmp_path, [TAKE + ", patience: 5 min"], ["lost: 10 %", "pool: desk, occupancy: 50 %"], staff=0)
    lost, busy = results(run(scenario).sample)
    assert (lost.verdict, lost.certain, lost.value, lost.low, lost.high) == ("missed", True, 1, 1, 1)
    assert (busy.verdict, busy.certain) == ("undecided", False)


def test_what_no_draw_contradicted_is_not_certain(tmp_path):
    """Forty people for two tips at a time: nothing fails, and nothing is certain but with unlimited people."""
    scenario = document(tmp_path, [TAKE + ", patience: 1 h"], [SHARE + "70 min", "lost: 10 %", "lost: 0 %"], staff=40)
    found = results(run(scenario).sample)
    assert [(one.certain, one.verdict) for one in found] == [(False, "undecided")] * 3
    free = results(run(unlimited(scenario)).sample)
    assert [(one.certain, one.verdict, one.low, one.high) for one in free] == [
        (True, "met", 1.0, 1.0),
        (True, "met", 0.0, 0.0),
        (True, "met", 0.0, 0.0),
    ]


def test_a_delay_is_borne_or_not(tmp_path):
    """A menu of 45 s: nobody hangs up who bears 45 s, all do who bear less, and any may whose law is wider."""
    menu = "name: menu, delay: 45 s, patience: "
    targets = ["lost: 10 %", SHARE + "10 min", "from: arrival, to: menu.end, mean: 1 min"]
    short, borne = 45 * MINUTE / 60, bounds(tmp_path, [menu + "45 s", TAKE], targets)
    assert borne == [MISSED, MET, (short, short)]
    assert bounds(tmp_path, [menu + "44 s", TAKE], targets)[:2] == [MET, MISSED]
    wide = "{exponential: {mean: 4 min}}"
    assert bounds(tmp_path, [menu + wide, TAKE], targets) == [EITHER, EITHER, (short, math.inf)]
    assert bounds(tmp_path, [menu + wide, TAKE], ["stage: menu, abandoned: 5 %"]) == [EITHER]
    again = ", retry: {share: 50 %, after: 5 min}"
    assert bounds(tmp_path, [menu + wide + again, TAKE], [SHARE + "1 d", targets[2]]) == [EITHER, (short, math.inf)]


def test_who_hangs_up_in_a_menu_is_lost_whatever_seems_certain(tmp_path):
    menu = "name: menu, delay: 2 min, patience: {exponential: {mean: 2 min}}"
    scenario = document(tmp_path, [menu, TAKE], ["lost: 5 %", "lost: 5 %, per: day, hold: 90 %"])
    found = results(run(scenario).sample)
    # 1 - 1/e of the tips bear no two minutes.
    assert found[0].value == found[0].counts["lost"] / sum(found[0].counts.values())
    assert 0.5 < found[0].value < 0.75
    assert [(one.verdict, one.certain) for one in found] == [("missed", False)] * 2
    assert found[1].value == 0


def test_a_rule_without_exception_is_told_that_no_simulation_can_show_it(tmp_path):
    targets = [SHARE.replace("90 %", "100 %") + "6 min", SHARE + "6 min", "lost: 0 %", "lost: 1 %"]
    patient = TAKE + ", patience: 5 min"
    told = [
        one.split("'")[1] for one in warnings(document(tmp_path, [patient], targets, staff=3)) if "exception" in one
    ]
    assert told == ["t0", "t2"]
    assert not any("exception" in one for one in warnings(document(tmp_path, [patient], targets)))


LAWS = (
    "3 min",
    "{uniform: {from: 1 min, to: 4 min}}",
    "{exponential: {mean: 2 min}}",
    "{empirical: {values: [2 min, 9 min]}}",
)


def drawn(folder, seed: int):
    """A document of a few stages at random, with targets of all kinds that can be asked of it."""
    for turn in range(100):
        options = scattered(seed + 1000 * turn)
        for _ in range(3):
            try:
                return document(folder, **options)
            except ScenarioError as error:
                bad = {int(found) for fault in error.faults for found in re.findall(r"targets\.t(\d+)", str(fault))}
            options["targets"] = [one for k, one in enumerate(options["targets"]) if k not in bad]
            if not bad or not options["targets"]:
                break
    raise AssertionError(seed)


def scattered(seed: int) -> dict:
    rng = np.random.default_rng(seed)
    pick = lambda *options: options[rng.integers(len(options))]  # noqa: E731
    stages = []
    n_stages = int(rng.integers(1, 5))
    for number in range(n_stages):
        who = pick("", "", ", for: {risk: high}", ", share: 50 %", ", share: 0 %", ", for: {tier: A}")
        label = ", label: clerk" if number == 0 or rng.random() < 0.2 else ""
        if number and rng.random() < 0.3:
            merge = ", merge: {}" if rng.random() < 0.2 else ""
            stage = f"name: s{number}{who}, delay: {pick(*LAWS)}{label}{merge}"
            if rng.random() < 0.4:
                stage += f", patience: {pick(*LAWS)}" + pick("", "", ", retry: {share: 50 %, after: 5 min, at_most: 2}")
                stage += pick("", ", every: 5 min")
            stages.append(stage)
            continue
        stage = f"name: s{number}{who if number else ''}, pool: {pick('desk', 'back')}, service: {pick(*LAWS)}{label}"
        if rng.random() < 0.4:
            stage += f", patience: {pick(*LAWS)}" + pick("", "", ", retry: {share: 50 %, after: 5 min, at_most: 2}")
        stage += pick("", "", ", every: 5 min")
        stage += pick("", "", ", merge: {}", f", merge: {{repeat: {pick(*LAWS)}}}")
        if rng.random() < 0.25:
            stage += f", rework: {{share: {pick('20 %', '100 %')}, back_to: s{rng.integers(number + 1)}, at_most: 2}}"
        stages.append(stage)
    moments = ["arrival", "leave", *(f"s{k}.{what}" for k in range(n_stages) for what in OF_STAGE)]
    targets = []
    for _ in range(20):
        of = pick("", "", "of: {risk: high}, ", "of: {tier: A}, ", "of: {labelled: false}, ")
        first, last = rng.choice(moments, 2)
        to = pick(last, last, f"{{first_of: [{last}, leave]}}", f"[{last}, leave]")
        lost = pick("", ", lost_tips: left_out")
        kind = pick(f"within: {rng.integers(1, 25)} min, share: 50 %", "mean: 6 min")
        at = f"{of}stage: s{rng.integers(n_stages)}, "
        of_stage = pick("abandoned: 10 %", f"service_level: 80 %, within: {rng.integers(0, 9)} min", "asa: 2 min")
        targets.append(pick(f"{of}from: {first}, to: {to}, {kind}{lost}", f"{of}lost: 10 %", f"{at}{of_stage}"))
    assigns = pick("{A: 100 %}", "{A: 60 %, B: 40 %}")
    labels = (
        f"labels: {{clerk: {{decides: {pick('100 %', '80 %')}, assigns: {{high: {assigns}, low: {{B: 100 %}}}}}}}}\n"
    )
    staff = int(pick(0, 1, 3, MOST_STAFF, MOST_STAFF))
    return {
        "stages": stages,
        "targets": targets,
        "staff": staff,
        "labels": labels,
        "length": "6 h",
        "incidents": INCIDENTS,
    }


@pytest.mark.parametrize("seed", range(40))
def test_no_run_contradicts_what_is_certain(tmp_path, seed):
    scenario = drawn(tmp_path, seed)
    frame = Frame(scenario)
    sample = run(scenario).sample
    for target, bound, ratio in zip(frame.targets, frame.bounds, sample.ratio.swapaxes(0, 1), strict=True):
        parts, wholes = ratio[:, VALUE].T
        for part, whole in zip(parts, wholes, strict=True):
            if whole:
                assert bound.least - 1e-9 <= part / whole <= bound.most + 1e-9, (target, target.threshold / HOUR)


def test_such_documents_have_targets_that_are_certain(tmp_path):
    settled = [bound.least == bound.most for seed in range(40) for bound in Frame(drawn(tmp_path, seed)).bounds]
    assert 0.1 < np.mean(settled) < 0.9
