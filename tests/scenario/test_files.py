"""Documents that extend others, and files that no document may reach."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.dynamics.clock import MINUTE
from sim.scenario.faults import ScenarioError
from sim.scenario.loading import LONGEST_CHAIN, load
from tests.scenario.small import SCENARIOS, SMALL, messages


def files(folder: Path, **texts: str) -> Path:
    """Write documents, one a name, and give the path of the first."""
    for name, text in texts.items():
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / f"{next(iter(texts))}.yaml"


def refused(path: Path) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load(path)
    return messages(caught.value)


def test_mappings_merge_lists_replace_and_nothing_takes_away(tmp_path: Path) -> None:
    over = """
extends: base.yaml
scenario: Changed
demand: {volume: 20/h}
pools:
  desk: {staff: 5, serve_first: null}
  night: {shifts: [{from: "20:00", to: "08:00", staff: 2}]}
  spare: {staff: 1}
plausible: null
"""
    scenario = load(files(tmp_path, over=over, base=SMALL))
    assert scenario.scenario == "Changed"
    assert scenario.name == "over"
    assert scenario.demand.volume is not None
    assert scenario.demand.volume.a_day == 480
    assert scenario.demand.risk["call"]["high"] == 0.1
    assert scenario.pools["desk"].staff == 5
    assert scenario.pools["desk"].serve_first == ()
    assert len(scenario.pools["night"].shifts) == 1
    assert list(scenario.pools) == ["desk", "night", "spare"]
    assert scenario.plausible == {}
    assert "extends" not in scenario.tree


def test_a_chain_of_documents(tmp_path: Path) -> None:
    path = files(
        tmp_path,
        last="extends: sub/middle.yaml\nrun: {seed: 3}\n",
        **{"sub/middle": "extends: ../base.yaml\nrun: {seed: 2, replications: 9}\n", "base": SMALL},
    )
    scenario = load(path)
    assert (scenario.run.seed, scenario.run.replications) == (3, 9)
    assert scenario.folder == tmp_path


def test_a_fault_in_a_base_names_the_base(tmp_path: Path) -> None:
    path = files(tmp_path, over="extends: base.yaml\npools: {desk: {staf: 3}}\n", base=SMALL.replace("10/h", "10"))
    assert refused(path) == [
        "base.yaml:4:11: demand.volume: a rate is a number a period, such as 30000/year or 3.4/h (got 10)",
        "over.yaml:2:16: pools.desk.staf: is not a key here; did you mean 'staff'?",
    ]


def test_the_recorded_example_is_laid_on_the_national_one() -> None:
    national, recorded = load(SCENARIOS / "national.yaml"), load(SCENARIOS / "national_recorded.yaml")
    rapid = recorded.targets["rapid"]
    assert rapid.kind == "share"
    assert (rapid.from_name, rapid.to_name, rapid.within) == ("in_system", "rapid_channel", 10 * MINUTE)
    assert recorded.stages == national.stages
    assert recorded.targets["entry"] == national.targets["entry"]


@pytest.mark.parametrize("texts", [{"a": "extends: a.yaml"}, {"a": "extends: b.yaml", "b": "extends: ./a.yaml"}])
def test_a_cycle_is_found(tmp_path: Path, texts: dict[str, str]) -> None:
    (message,) = refused(files(tmp_path, **texts))
    assert message.endswith("yaml')")
    assert ":1:10: extends: leads back to itself (got '" in message


def test_a_long_chain_is_refused(tmp_path: Path) -> None:
    texts = {f"f{n}": f"extends: f{n + 1}.yaml" for n in range(LONGEST_CHAIN + 2)}
    (message,) = refused(files(tmp_path, **texts))
    assert f"makes a chain of more than {LONGEST_CHAIN} files" in message


@pytest.mark.parametrize(
    "name", ["../outside.yaml", "../inner/../outside.yaml", "/etc/passwd", "link.yaml", "linked/outside.yaml"]
)
def test_nothing_outside_the_folder_is_read(tmp_path: Path, name: str) -> None:
    inner = tmp_path / "inner"
    (tmp_path / "outside.yaml").write_text(SMALL, encoding="utf-8")
    path = files(inner, doc=f"extends: {name}\n")
    (inner / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (inner / "linked").symlink_to(tmp_path)
    assert refused(path) == [
        f"doc.yaml:1:10: extends: a file that is read must lie below the scenario's folder (got '{name}')"
    ]


def test_a_base_may_not_leave_the_folder_of_the_first_file(tmp_path: Path) -> None:
    path = files(tmp_path / "inner", doc="extends: sub/base.yaml\n", **{"sub/base": "extends: ../../outside.yaml\n"})
    (tmp_path / "outside.yaml").write_text(SMALL, encoding="utf-8")
    (message,) = refused(path)
    assert "base.yaml:1:10: extends: a file that is read must lie below the scenario's folder" in message


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("none.yaml", "there is no such file below the scenario's folder (got 'none.yaml')"),
        ("sub", "is not a plain file (got 'sub')"),
        ("[a.yaml]", "must name one file"),
        ("''", "must name a file (got '')"),
        ('"a\\0b"', "must name a file (got 'a·b')"),
    ],
)
def test_what_cannot_be_extended(tmp_path: Path, value: str, rule: str) -> None:
    (tmp_path / "sub").mkdir()
    assert refused(files(tmp_path, doc=f"extends: {value}\n")) == [f"doc.yaml:1:10: extends: {rule}"]


def test_a_link_within_the_folder_is_fine(tmp_path: Path) -> None:
    path = files(tmp_path, doc="extends: link.yaml\n", base=SMALL)
    (tmp_path / "link.yaml").symlink_to(tmp_path / "base.yaml")
    assert load(path).scenario == "Small"
