"""What no staff can mend: each kind of hindrance by a line that has only that one."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.scenario.schema import Scenario
from sim.studies.replicate import Settings
from sim.studies.staff.limits import Limit, limits
from sim.studies.staff.staffed import unlimited
from sim.studies.trials import Trials
from tests.scenario.small import loaded

HEAD = """\
scenario: Hindered
run: {start: 2025-01-06 00:00, length: 7 d, replications: 5}
demand: {volume: 10/h, risk: {high: 40 %, low: 60 %}}
pools: {desk: {shifts: [{from: "08:00", to: "10:00", staff: 1}]}}
"""


def found(scenario: Scenario) -> list[Limit]:
    return limits(scenario, Trials(scenario.run.seed, Settings()))


HINDERED = {
    "service": (
        "stages: [{name: act, pool: desk, service: 12 min}]\n"
        "targets: {late: {from: arrival, to: act.end, within: 10 min, share: 60 %}}\n",
        [("service", "act", 1.0, 12.0)],
    ),
    "gate": (
        "stages: [{name: act, pool: desk, service: 1 min, every: 1 h}]\n"
        "targets: {late: {from: arrival, to: act.start, within: 15 min, share: 60 %}}\n",
        [("gate", "act", 1.0, 37.5)],
    ),
    "delay": (
        "stages: [{name: rest, delay: 30 min}, {name: act, pool: desk, service: 10 min}]\n"
        "targets: {late: {from: arrival, to: act.end, mean: 35 min}}\n",
        [("delay", "rest", 0.75, 30.0), ("service", "act", 0.25, 10.0)],
    ),
    "label": (
        "labels: {clerk: {assigns: {high: {urgent: 50 %, calm: 50 %}, low: {calm: 100 %}}}}\n"
        "stages: [{name: sort, delay: 1 min, label: clerk},"
        " {name: act, for: {tier: urgent}, pool: desk, service: 1 min}]\n"
        "targets: {late: {of: {risk: high}, from: arrival, to: act.end, within: 1 h, share: 70 %}}\n",
        [("label", "clerk", 1.0, 0.0)],
    ),
    "way": (
        "stages: [{name: sort, delay: 1 min}, {name: act, for: {risk: high}, pool: desk, service: 1 min}]\n"
        "targets: {late: {from: arrival, to: act.end, within: 1 h, share: 70 %}}\n",
        [("way", "act", 1.0, 0.0)],
    ),
}


@pytest.mark.parametrize("kind", HINDERED)
def test_what_stands_in_the_way_is_named(tmp_path: Path, kind: str) -> None:
    text, expected = HINDERED[kind]
    [late] = found(loaded(tmp_path, HEAD + text))
    assert late.beyond_staff
    told = [(one.kind, one.name, one.share, one.mean / 60e6) for one in late.hindrances]
    assert [(one[0], one[1]) for one in told] == [(one[0], one[1]) for one in expected]
    for (_, _, share, mean), (_, _, wanted_share, wanted_mean) in zip(told, expected, strict=True):
        assert share == pytest.approx(wanted_share, abs=0.02)
        assert mean == pytest.approx(wanted_mean, rel=0.03)
    assert (late.late > 0, late.never > 0) == (kind in ("service", "gate", "delay"), kind in ("label", "way"))


def test_what_staff_can_mend_has_no_hindrance(tmp_path: Path) -> None:
    """Nobody waits although the roster has one person for two hours a day."""
    text = (
        "stages: [{name: act, pool: desk, service: 10 min}]\n"
        "targets: {soon: {from: arrival, to: act.start, within: 1 s, share: 90 %},"
        " slow: {from: arrival, to: act.end, within: 9 min, share: 90 %}}\n"
    )
    soon, slow = found(loaded(tmp_path, HEAD + text))
    assert (soon.result.value, soon.beyond_staff, soon.hindrances) == (1.0, False, ())
    assert slow.beyond_staff


def test_unlimited_staff_is_there_around_the_clock(tmp_path: Path) -> None:
    text = "stages: [{name: act, pool: desk, service: 10 min}]\n"
    scenario = loaded(tmp_path, HEAD + text)
    free = unlimited(scenario)
    assert free.pools["desk"].shifts == ()
    assert free.hash != scenario.hash
    assert scenario.pools["desk"].shifts[0].staff == 1
