"""The audit on a line small enough to know: what each reading comes to, what all come to together, at what staff."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.dynamics.clock import MINUTE
from sim.scenario.faults import ScenarioError
from sim.scenario.ledger import read_ledger
from sim.scenario.loading import load, read
from sim.studies.claims.audit import ALL, Audit, SomeTargets, audit, with_some
from sim.studies.claims.laid import Laid, inputs, lay
from sim.studies.replicate import Settings
from sim.studies.trials import Trials
from sim.tables.claims import TOGETHER, as_a_whole
from tests.scenario.small import SCENARIOS

LINE = """\
scenario: A desk
run: {start: 2025-01-06 00:00, warm_up: 1 d, length: 14 d, cool_down: 1 d, replications: 10, seed: 3}
demand: {volume: 6/h, risk: {high: 20 %, low: 80 %}}
labels:
  clerk: {decides: 50 %, assigns: {high: {high: 100 %, low: 0 %}, low: {high: 0 %, low: 100 %}}}
pools:
  desk: {staff: 2}
stages:
  - {name: sort, delay: 1 min, label: clerk}
  - {name: look, for: {labelled: false}, pool: desk, service: 10 min}
  - {name: act, pool: desk, service: 10 min}
milestones: {done: act.end}
plausible:
  pools.desk.staff: {from: 1, to: 8}
"""

LEDGER = """\
ledger: A desk
sources: {paper: {title: A paper}}
subjects: {all: {says: all}, high: {says: high, part_of: all}, staff: {says: staff}}
clocks: {clock: {says: a time}}
claims:
  SOON: {source: paper, says: Soon., kind: share within, subject: all, clock: clock, quantity: 2 h, share: 90 %,
   readings: {
    lenient: {target: {from: arrival, to: done, within: 12 h, share: 90 %}},
    moderate: {target: {from: arrival, to: done, within: 30 min, share: 90 %}},
    strict: {target: {from: arrival, to: done, within: 5 min, share: 90 %}}}}
  NONE: {source: paper, says: None late., kind: share within, subject: all, clock: clock, quantity: 2 h, share: 100 %,
   readings: {
    lenient: {target: {from: arrival, to: done, within: 2 d, share: 100 %}},
    strict: {target: {from: arrival, to: gone, within: 2 d, share: 100 %}}}}
  WORK: {source: paper, says: Little work., kind: mean, subject: all, clock: clock, quantity: 20 min, readings: {
    lenient: {bound: {of: work, to: tip, at_most: 20 min}},
    moderate: {bound: {of: work, to: tip, at_most: 14 min}},
    strict: {bound: {of: work, to: day, at_most: 14 min}}}}
  STAFF: {source: paper, says: Fewer., kind: staffing change, subject: staff, quantity: -20 %, sense: at most,
   readings: {
    lenient: {bound: {of: staff, to: staff, changed: {labels.clerk.decides: 0 %}, at_most: 80 %}},
    moderate: {arithmetic_only: no figures}}}
  MANY: {source: paper, says: Many., kind: volume, subject: all, quantity: 52560/year, sense: at least, readings: {
    lenient: {input: {demand.volume: 6/h}}, strict: {input: {demand.volume: 9/h}}}}
  MORE: {source: paper, says: More., kind: volume, subject: all, quantity: 9/h, sense: at least, readings: {
    lenient: {input: {demand.volume: 9/h}}, strict: {input: {demand.nothing: 1}}}}
  AGAIN: {source: paper, says: Soon., kind: share within, subject: all, clock: clock, quantity: 2 h, repeats: SOON}
"""

GROWING = """\
  GROW: {source: paper, says: It grows., kind: growth, subject: all, quantity: 40 %, sense: about, readings: {
    lenient: {input: {demand.growth: 40 %}}, moderate: {input: {demand.growth: 40 %}}}}
"""


def laid(folder: Path, ledger: str = LEDGER, **options: Any) -> Laid:
    """The ledger on the line, from files in a folder."""
    (folder / "line.yaml").write_text(LINE, encoding="utf-8")
    (folder / "claims.yaml").write_text(ledger, encoding="utf-8")
    return lay(read_ledger(folder / "claims.yaml"), read(folder / "line.yaml"), **options)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return audit(laid(tmp_path_factory.mktemp("audit"), LEDGER + GROWING))


def test_every_reading_comes_to_what_it_must(found: Audit) -> None:
    statuses = {f"{claim} {name}": one.status for (claim, name), one in found.outcomes.items()}
    assert statuses == {
        "SOON lenient": "held",
        "SOON moderate": "staff",
        "SOON strict": "beyond staff",
        "NONE lenient": "open",
        "NONE strict": "words",
        "WORK lenient": "given",
        "WORK moderate": "not given",
        "WORK strict": "words",
        "STAFF lenient": "given",
        "STAFF moderate": "words",
        "MANY lenient": "input",
        "MANY strict": "input",
        "MORE lenient": "input",
        "MORE strict": "words",
        "AGAIN lenient": "held",
        "AGAIN moderate": "staff",
        "AGAIN strict": "beyond staff",
        "GROW lenient": "input",
        "GROW moderate": "input",
    }


def test_what_does_not_fit_the_scenario_says_why(found: Audit) -> None:
    assert "there is no milestone 'gone'" in found.outcomes["NONE", "strict"].says
    assert "demand.nothing" in found.outcomes["MORE", "strict"].says


def test_a_claim_that_repeats_another_is_tested_once(found: Audit) -> None:
    assert list(found.scenario.targets) == ["SOON lenient", "SOON moderate", "SOON strict", "NONE lenient"]
    assert found.outcomes["AGAIN", "strict"].tested is found.outcomes["SOON", "strict"].tested


def test_the_cheapest_staffing_meets_its_claim_and_no_cheaper_one_does(found: Audit) -> None:
    tested = found.outcomes["SOON", "moderate"].tested
    assert tested is not None
    assert tested.answer is not None
    assert tested.answer.staffing is not None
    (people,) = tested.answer.staffing
    assert people > 2
    scenario = with_some(found.scenario, {"SOON moderate": tested.staffed.target})
    sample = {
        n: Trials(3, Settings()).sample(load_with(found, n), 20).ratio[:, 1, 0].sum(axis=0)
        for n in (people - 1, people)
    }
    shares = {n: met / of for n, (met, of) in sample.items()}
    assert shares[people - 1] < 0.9 < shares[people]
    assert list(scenario.targets) == ["SOON moderate"]


def load_with(found: Audit, people: int) -> Any:
    """The tested scenario with other staff, by its document."""
    targets = {name: found.laid.plain(key) for key, name in found.laid.tested_as.items() if key[0] != "AGAIN"}
    return found.laid.with_targets(targets, {"pools.desk.staff": people, "run.cool_down": "1 d"})


def test_the_work_of_a_tip_is_that_of_the_scenario(found: Audit) -> None:
    weighed = found.outcomes["WORK", "lenient"].weighed
    assert weighed is not None
    assert weighed.value == pytest.approx(15)  # ten minutes each, and ten more for half of them


def test_fewer_people_are_needed_with_the_clerk_at_equal_targets(found: Audit) -> None:
    weighed = found.outcomes["STAFF", "lenient"].weighed
    assert weighed is not None
    assert weighed.holds
    assert weighed.value in (1 / 3, 1 / 2, 2 / 3, 3 / 4)
    assert "at equal targets (SOON, NONE)" in weighed.says


def test_no_run_shows_that_none_is_late(found: Audit) -> None:
    tested = found.outcomes["NONE", "lenient"].tested
    assert tested is not None
    assert tested.allows_none
    assert tested.answer is not None
    assert tested.answer.tried is not None
    assert [target.share for target in tested.answer.tried.scenario.targets.values()] == [ALL]  # type: ignore[union-attr]


def test_all_together_with_what_they_fix(found: Audit) -> None:
    lenient, strict = found.together["lenient"], found.together["strict"]
    assert lenient.inputs.changes == {"demand.volume": "9/h"}  # the higher of two floors
    assert lenient.inputs.by == {"demand.volume": ("MANY", "MORE")}
    assert lenient.scenario is not None
    assert lenient.scenario.demand.volume.a_day == 9 * 24
    assert lenient.holds
    assert strict.beyond_staff == ("SOON",)
    assert strict.holds is False
    assert strict.answer is None  # nothing is left to search for
    assert found.together["moderate"].broken == ("WORK",)


def test_inputs_that_no_value_satisfies_are_in_conflict(tmp_path: Path) -> None:
    ledger = LEDGER.replace("quantity: 9/h, sense: at least", "quantity: 9/h, sense: about")
    assert inputs(laid(tmp_path, ledger), "lenient").conflicts == ()
    ledger = ledger.replace("quantity: 52560/year, sense: at least", "quantity: 52560/year, sense: at most")
    (conflict,) = inputs(laid(tmp_path, ledger), "lenient").conflicts
    assert conflict == "demand.volume: MANY says 6/h, MORE says 9/h"


def test_growth_is_not_laid_on_the_number_that_it_came_to(tmp_path: Path) -> None:
    found = laid(tmp_path, LEDGER + GROWING)
    fixed = inputs(found, "lenient")
    assert fixed.changes == {"demand.volume": "9/h"}
    told = "demand.growth = 40 % (GROW) is not laid on demand.volume = 9/h (MANY, MORE)"
    assert fixed.set_aside == {"demand.growth": told}
    assert fixed.conflicts == ()
    scenario = found.with_targets(found.targets("lenient"), fixed.changes)
    assert (scenario.demand.growth, scenario.demand.volume) == (0.0, load_volume(tmp_path, "9/h"))


def test_what_is_set_aside_says_so(found: Audit) -> None:
    told = "demand.growth = 40 % (GROW) is not laid on demand.volume = 9/h (MANY, MORE)"
    assert found.outcomes["GROW", "lenient"].says == f"demand.growth = 40 %; set aside: {told}"
    assert found.outcomes["GROW", "moderate"].says == "demand.growth = 40 %"
    assert [one.set_aside for key, one in found.outcomes.items() if key[0] == "GROW"] == [True, False]
    set_aside = TOGETHER.of(as_a_whole(found)).frame.set_index("reading")["set_aside"]
    assert (set_aside["lenient"], set_aside["moderate"]) == (told, "")


def test_growth_alone_is_fixed(tmp_path: Path) -> None:
    fixed = inputs(laid(tmp_path, LEDGER + GROWING), "moderate")
    assert (fixed.changes, fixed.set_aside) == ({"demand.growth": "40 %"}, {})


def load_volume(folder: Path, rate: str) -> float:
    return load(folder / "line.yaml", changes={"demand.volume": rate}).demand.volume


def test_a_scenario_at_fault_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="there is no 'desks' in pools"):
        laid(tmp_path, changes={"pools.desks.staff": 3})


def test_some_targets_come_to_what_they_do_alone(tmp_path: Path) -> None:
    whole = laid(tmp_path).scenario
    some = with_some(whole, {name: whole.targets[name] for name in ("SOON strict", "SOON lenient")})
    shared = SomeTargets(Trials(3, Settings()), whole).sample(some, 3)
    own = Trials(3, Settings()).sample(some, 3)
    for name in ("ratio", "counts", "windows", "units", "index", "stages"):
        assert np.array_equal(getattr(shared, name), getattr(own, name)), name
    one = with_some(whole, {"SOON moderate": whole.targets["SOON moderate"]})
    assert np.array_equal(SomeTargets(Trials(3, Settings()), whole).sample(one, 3).joint, own_joint(one))
    assert len({scenario.hash for scenario in (whole, some, one)}) == 3


def own_joint(one: Any) -> Any:
    return Trials(3, Settings()).sample(one, 3).joint


def test_an_interrupted_audit_goes_on_and_comes_to_the_same(tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    def stop(what: str) -> None:
        if what.startswith("3 of "):
            raise StopError

    line = laid(tmp_path)
    with pytest.raises(StopError):
        audit(line, Trials(3, Settings(folder=tmp_path / "kept", at=stop), "audit"))
    taken_up: list[int] = []
    steps = Settings(folder=tmp_path / "kept", resume=True, at=lambda _: taken_up.append(resumed.n_done))
    resumed = Trials(3, steps, "audit")
    again = audit(line, resumed)
    plain = audit(line)
    assert {key: one.status for key, one in again.outcomes.items()} == {
        key: one.status for key, one in plain.outcomes.items()
    }
    for key, one in plain.outcomes.items():
        other = again.outcomes[key].tested
        if one.tested is not None and other is not None:
            assert (one.tested.staffed.value, one.tested.staffed.low) == (other.staffed.value, other.staffed.low)
            assert (one.tested.answer and one.tested.answer.staffing) == (other.answer and other.answer.staffing)


def test_a_ledger_on_another_line_tests_what_fits(tmp_path: Path) -> None:
    fitting = lay(read_ledger(SCENARIOS / "claims.yaml"), read(SCENARIOS / "two_stage.yaml"))
    assert list(fitting.scenario.targets) == ["A17 strict"]
    assert "there is no milestone 'disposed'" in fitting.unfit["A18", "moderate"]


@pytest.mark.slow
def test_the_national_line_bears_no_reading_of_all_claims() -> None:
    line = lay(read_ledger(SCENARIOS / "claims.yaml"), read(SCENARIOS / "national.yaml"))
    found = audit(line, Trials(line.scenario.run.seed, Settings(jobs=2)))
    assert found.together["lenient"].beyond_staff == ("A20",)
    assert found.together["moderate"].beyond_staff == ("A13", "A19", "A20")
    assert found.together["strict"].beyond_staff == ("A11", "A13", "A19", "A20")
    assert found.outcomes["A09", "moderate"].status == "not given"
    assert found.outcomes["A11", "moderate"].status == "staff"
    for name in ("A06", "A18"):
        assert {found.outcomes[name, reading].status for reading in ("lenient", "moderate", "strict")} == {"held"}


@pytest.mark.slow
def test_the_emergency_department_bears_some_readings() -> None:
    found = audit(lay(read_ledger(SCENARIOS / "emergency_claims.yaml"), read(SCENARIOS / "emergency.yaml")))
    assert found.together["lenient"].holds
    assert {one.status for one in found.outcomes.values()} >= {"held", "staff", "open", "input", "words", "not given"}


def test_the_emergency_department_takes_its_targets_from_its_ledger() -> None:
    scenario = load(SCENARIOS / "emergency.yaml")
    assert set(scenario.targets) == {"E01", "E02", "E03", "E04", "E05", "E06", "E11"}
    assert scenario.targets["E02"].within == 10 * MINUTE  # type: ignore[union-attr]
    assert load(SCENARIOS / "emergency.yaml", reading="strict").targets["E01"].per == "week"
