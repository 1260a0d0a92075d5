"""Changes by path: what they set, what they rescale, and where they lead nowhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.dynamics.clock import DAY, HOUR, MINUTE
from sim.scenario.faults import ScenarioError
from sim.scenario.loading import Document, load, read
from sim.scenario.schema import Scenario
from tests.scenario.small import SCENARIOS, SMALL, messages


@pytest.fixture
def document(tmp_path: Path) -> Document:
    return written(tmp_path, SMALL)


@pytest.fixture(scope="module")
def national() -> Document:
    return read(SCENARIOS / "national.yaml")


def written(folder: Path, text: str) -> Document:
    path = folder / "doc.yaml"
    path.write_text(text, encoding="utf-8")
    return read(path)


def changed(document: Document, *texts: str) -> Scenario:
    return document.scenario(changes=texts)


def refused(document: Document, changes: Any) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        document.scenario(changes=changes)
    return messages(caught.value)


def test_paths_set_what_they_name(national: Document) -> None:
    scenario = changed(
        national,
        "pools.analysts.staff=7",
        "pools.call_takers.shifts.0.staff=9",
        "stages.answer.service.lognormal.mean=14 min",
        "stages.3.delay=90 s",
        "stages.screen.service={exponential: {mean: 5 min}}",
        "run.length=7 d",
        "demand.surges=[{at: 2025-02-01, lasts: 1 d, factor: 2}]",
    )
    assert scenario.pools["analysts"].staff == 7
    assert scenario.pools["call_takers"].shifts[0].staff == 9
    assert scenario.stage("answer").time.of().mean == 14 * MINUTE
    assert scenario.stage("answer").time.of().cv == 1
    assert scenario.stages[3].time.of().mean == 90_000_000
    assert scenario.stage("screen").time.of().cv == 1.0
    assert scenario.length == 7 * DAY
    assert scenario.demand.surges[0].factor == 2
    assert scenario.tree["pools"]["analysts"]["staff"] == 7


def test_the_document_itself_stays_as_it_is(document: Document) -> None:
    before = document.scenario()
    assert changed(document, "pools.desk.staff=9", "demand.risk.high=50 %").hash != before.hash
    assert document.scenario() == before


def test_what_is_missing_on_the_way_is_made(document: Document) -> None:
    scenario = changed(document, "pools.desk.breaks.lasts=10 min", "start_with.backlog.act=5", "run.cool_down=3 h")
    assert scenario.pools["desk"].breaks is not None
    assert scenario.start_with is not None
    assert scenario.start_with.backlog == {"act": 5}
    assert scenario.cool_down == 3 * HOUR


def test_nothing_takes_a_key_away(document: Document) -> None:
    assert changed(document, "pools.desk.serve_first=null").pools["desk"].serve_first == ()
    assert changed(document, "stages.act.overflow=~").stage("act").overflow == ()
    assert list(changed(document, "targets.quick=null").targets) == []


def test_items_of_a_list_go_by_name_or_index(national: Document) -> None:
    changes = ["demand.surges.campaign.factor=5", "demand.surges.0.lasts=2 d"]
    surges = national.scenario(variant="bursts", changes=changes).demand.surges
    assert [surge.factor for surge in surges] == [7.6, 5]
    assert surges[0].lasts == 2 * DAY


@pytest.mark.parametrize(
    ("changes", "shares"),
    [
        (["demand.risk.high=8 %"], [0.08, 0.38 * 0.92 / 0.98, 0.60 * 0.92 / 0.98]),
        (["demand.risk.high=8 %", "demand.risk.low=32 %"], [0.08, 0.32, 0.60]),
        (["demand.risk.low=12 %", "demand.risk.high=8 %"], [0.08, 0.12, 0.80]),
        (["demand.risk.high=100 %"], [1, 0, 0]),
        (["demand.risk.high=0"], [0, 0.38 / 0.98, 0.60 / 0.98]),
        (["demand.risk={low: 50 %, non: 50 %, high: 0}", "demand.risk.high=10 %"], [0.45, 0.45, 0.10]),
        (["demand.risk={low: 0, non: 0, high: 1}", "demand.risk.high=10 %"], [0.45, 0.45, 0.10]),
        (["demand.risk.high=2 %"], [0.02, 0.38, 0.60]),
    ],
)
def test_one_share_of_a_group_rescales_the_others(national: Document, changes: list[str], shares: list[float]) -> None:
    for row in changed(national, *changes).demand.risk.values():
        assert list(row.values()) == pytest.approx(shares, abs=1e-15)


def test_every_kind_of_group_is_rescaled(national: Document) -> None:
    scenario = changed(
        national,
        "demand.channels.call=70 %",
        "demand.categories.other=0.5",
        "labels.analyst.assigns.high.high=90 %",
    )
    assert [channel.share for channel in scenario.demand.channels.values()] == pytest.approx([0.7, 0.05, 0.25])
    assert list(scenario.demand.categories.values()) == pytest.approx([0.3 / 1.4, 0.4 / 1.4, 0.5])
    assert list(scenario.labels["analyst"].assigns["high"].values()) == pytest.approx([0.9, 0.08, 0.02])
    assert scenario.labels["classifier"].assigns["high"]["high"] == 0.8


def test_the_share_of_a_channel_may_be_named_in_full(tmp_path: Path) -> None:
    text = SMALL.replace("call: 40 %,", "call: {share: 40 %, by_weekday: [1, 1, 1, 1, 1, 0, 0]},")
    document = written(tmp_path, text)
    for path in ("demand.channels.call.share", "demand.channels.call"):
        channels = changed(document, f"{path}=10 %").demand.channels
        assert [channel.share for channel in channels.values()] == pytest.approx([0.1, 0.9])
        assert channels["call"].by_weekday is not None
    channels = changed(document, "demand.channels.web.share=10 %").demand.channels
    assert [channel.share for channel in channels.values()] == pytest.approx([0.9, 0.1])


def test_risk_by_channel_and_centres_are_groups_too(tmp_path: Path) -> None:
    risk = "{call: {high: 10 %, low: 90 %}, web: {high: 20 %, low: 80 %}}"
    text = (
        SMALL.replace("{high: 10 %, low: 90 %}", risk).split("plausible:")[0] + "centres: {a: 50 %, b: 30 %, c: 20 %}\n"
    )
    scenario = changed(written(tmp_path, text), "demand.risk.web.high=40 %", "centres.a=0.75")
    assert scenario.demand.risk == {"call": {"high": 0.1, "low": 0.9}, "web": {"high": 0.4, "low": 0.6}}
    assert list(scenario.centres.values()) == pytest.approx([0.75, 0.15, 0.1])


def test_a_variant_and_then_changes(national: Document) -> None:
    scenario = national.scenario(variant="one_more_analyst", changes={"pools.receivers.staff": 2})
    assert (scenario.pools["analysts"].staff, scenario.pools["receivers"].staff) == (3, 2)
    assert scenario.variant == "one_more_analyst"
    assert (
        national.scenario(variant="one_more_analyst", changes={"pools.analysts.staff": 5}).pools["analysts"].staff == 5
    )


def test_values_from_python_are_taken_as_they_are(national: Document) -> None:
    changes = {
        "demand.risk.high": np.float64(0.05),
        "pools.analysts.staff": np.int64(4),
        "pools.receivers.staff": 2.0,
        "stages.classify.delay": "1.5 min",
        "demand.busyness_cv": 0,
    }
    scenario = national.scenario(changes=changes)
    assert scenario.demand.risk["call"]["high"] == 0.05
    assert (scenario.pools["analysts"].staff, scenario.pools["receivers"].staff) == (4, 2)
    assert scenario.stage("classify").time.of().mean == 90_000_000


REFUSED = {
    "pools.desk.staff": "--set pools.desk.staff: a change is written path=value",
    "=3": "--set =3: a change is written path=value",
    "pools.desk.staff=": "--set pools.desk.staff: has no value after the =",
    "pools.desk.staff=@": "--set pools.desk.staff: is not YAML: found character '@' that cannot start any token "
    "(got '@')",
    "pools.desk.staff=x": "--set pools.desk.staff: must be a whole number (got 'x')",
    "pools.desk.staff=2.5": "--set pools.desk.staff: must be a whole number (got 2.5)",
    "pools.desk.staf=2": "--set pools.desk.staf: is not a key here; did you mean 'staff'?",
    "pools.dsk.staff=2": "--set pools.dsk.staff: pools.dsk: there is no 'dsk' in pools; did you mean 'desk'?",
    "pool.desk.staff=2": "--set pool.desk.staff: pool: there is no 'pool'; did you mean 'pools'?",
    "pools.desk.staff.x=2": "--set pools.desk.staff.x: pools.desk.staff: has no parts such as 'x' (got 2)",
    "pools.desk.braks.lasts=2 s": "--set pools.desk.braks.lasts: pools.desk.braks: is not a key here; "
    "did you mean 'breaks'?",
    "pools.desk.breaks.last=2 s": "--set pools.desk.breaks.last: is not a key here; did you mean 'lasts'?",
    "stages.9.share=1": "--set stages.9.share: stages.9: there is no '9' in stages; there are answer, sort, act",
    "stages.acct.share=1": "--set stages.acct.share: stages.acct: there is no 'acct' in stages; did you mean 'act'?",
    "pools.night.shifts.3.staff=1": "--set pools.night.shifts.3.staff: pools.night.shifts.3: there is no '3' in "
    "pools.night.shifts; there are 1, from 0",
    "stages.sort.service.exponential.mean=1 min": "--set stages.sort.service.exponential.mean: "
    "stages.sort.service.exponential: there is no 'exponential' in stages.sort.service; there are lognormal",
    "demand.risk.hihg=3 %": "--set demand.risk.hihg: there is no 'hihg' in demand.risk; did you mean 'high'?",
    "demand.channels.fax=3 %": "--set demand.channels.fax: there is no 'fax' in demand.channels; there are call, web",
    "demand.risk.high=103 %": "--set demand.risk.high: a share lies between 0 and 1 (0 % and 100 %) (got '103 %')",
    "run.length=9": "--set run.length: a duration needs a unit: 30 s, 12 min, 8 h, 7 d or 4 wk (got 9)",
    "run.length=!!python/x 9": "--set run.length: tags such as !!python/x are not read (got '!!python/x 9')",
}


@pytest.mark.parametrize(("text", "message"), REFUSED.items())
def test_paths_that_lead_nowhere_and_values_that_do_not_fit(document: Document, text: str, message: str) -> None:
    assert refused(document, [text]) == [message]


def test_shares_that_cannot_add_up_are_refused(document: Document) -> None:
    assert refused(document, ["demand.risk.high=60 %", "demand.risk.low=60 %"]) == [
        "doc.yaml:6:9: demand.risk: shares must add up to 100 %, and these add up to 120 %"
    ]


def test_every_bad_change_is_named(document: Document) -> None:
    assert refused(document, {"pools.x.staff": 1, "pools.y.staff": 1}) == [
        "--set pools.x.staff: pools.x: there is no 'x' in pools; there are desk, night",
        "--set pools.y.staff: pools.y: there is no 'y' in pools; there are desk, night",
    ]


def test_a_change_that_breaks_a_name_elsewhere_points_there(document: Document) -> None:
    assert refused(document, ["stages.act=null"]) == [
        "doc.yaml:21:50: targets.quick.to: there is no stage 'act'; there are answer, sort"
    ]


def test_ranges_know_their_unit_and_whether_they_are_whole(tmp_path: Path) -> None:
    ranges = """
  pools.desk.staff: {from: 1, to: 12}
  stages.act.service: {from: 90 s, to: 20 min}
  demand.volume: {from: 1/h, to: 48/d}
  stages.sort.service.lognormal.cv: {from: 1, to: 2, source: somewhere}
  centres: {from: 1, to: 3}
"""
    found = written(tmp_path, SMALL + ranges.lstrip("\n")).scenario().plausible
    risk = found["demand.risk.high"]
    assert (risk.from_, risk.to, risk.unit, risk.from_text, risk.value(0.07)) == (0.05, 0.15, "%", "5 %", 0.07)
    staff = found["pools.desk.staff"]
    assert (staff.from_, staff.to, staff.whole, staff.value(3.6)) == (1, 12, True, 4)
    service = found["stages.act.service"]
    assert (service.from_, service.to, service.unit, service.value(2.5)) == (1.5, 20, "min", "2.5 min")
    volume = found["demand.volume"]
    assert (volume.from_, volume.to, volume.value(30)) == (pytest.approx(24), pytest.approx(48), "30/d")
    cv = found["stages.sort.service.lognormal.cv"]
    assert (cv.value(1.5), cv.whole, cv.source) == (1.5, False, "somewhere")
    assert found["centres"].value(2.2) == 2


def test_any_value_of_a_range_can_be_set(national: Document) -> None:
    for path, plausible in national.scenario().plausible.items():
        for share in (0, 0.31, 1):
            value = plausible.value(plausible.from_ + share * (plausible.to - plausible.from_))
            national.scenario(changes={path: value})


def test_load_takes_a_variant_and_changes() -> None:
    scenario = load(SCENARIOS / "national.yaml", variant="short_work_first", changes=["run.seed=5"])
    assert scenario.run.seed == 5
    assert scenario.pools["analysts"].serve_first[2][0].tier == {"non"}
