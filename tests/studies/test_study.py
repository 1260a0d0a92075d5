"""The study as a file: its faults, what each step comes from, what is kept, and that it goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.answers.answer import Plot
from sim.cli import asking, options
from sim.plots import style
from sim.scenario.faults import ScenarioError
from sim.scenario.loading import read
from sim.studies import study
from sim.studies.study import Record, Step, StepLine, record, tidy
from tests.cli.lines import SCENARIOS, tipline
from tests.studies.lines import DESK

STUDY = """\
study: A desk
steps:
  plain:
    title: The desk
    command: run desk.yaml
    tables: [targets.csv, pools.csv]
    figures: [verdicts]
  busy:
    title: A busier desk
    command: run busy.yaml --set pools.desk.staff=3
    figures: []
"""
BUSY = "extends: desk.yaml\ndemand: {volume: 16/h}\n"
TINY = DESK.replace("length: 7 d", "length: 1 d").replace("replications: 10", "replications: 2")

OF_STUDIES = sorted(path for path in SCENARIOS.glob("*.yaml") if "\nsteps:\n" in path.read_text(encoding="utf-8"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study of two steps beside its scenarios."""
    for name, text in (("study.yaml", STUDY), ("desk.yaml", TINY), ("busy.yaml", BUSY)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture(autouse=True)
def small_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures that cost nothing to draw: what is in them is not the study's concern."""

    monkeypatch.setattr(Plot, "draw", lambda plot, _: plot.title)
    monkeypatch.setattr(style, "file_bytes", lambda figure, ending: f"{figure} as {ending}".encode())


def done(folder: Path, *arguments: str) -> tuple[int, str]:
    found = tipline("study", folder / "study.yaml", "--out", folder / "out", "--jobs", "1", *arguments)
    return found.exit_code, found.output


def files(out: Path) -> dict[str, bytes]:
    """Every file below a folder with what is in it, manifests apart."""
    paths = [path for path in sorted(out.rglob("*")) if path.is_file() and path.name != "manifest.json"]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in paths}


def test_a_study_keeps_what_it_lists_and_says_what_it_came_from(folder: Path) -> None:
    code, output = done(folder)
    assert code == options.DONE, output
    out = folder / "out"
    assert sorted(path.name for path in (out / "plain").rglob("*.*") if path.is_file()) == [
        "manifest.json",
        "pools.csv",
        "said.txt",
        "scenario.yaml",
        "targets.csv",
        "verdicts.svg",
    ]
    assert "intervals.csv" in [path.name for path in (out / "busy").iterdir()]
    assert not (out / "busy" / "plots").exists()
    assert "A desk" in (out / "plain" / "said.txt").read_text(encoding="utf-8")
    told = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert list(told["steps"]) == ["plain", "busy"]
    assert list(told["steps"]["busy"]["inputs"]) == ["busy.yaml", "desk.yaml"]
    command = ["tipline", "run", str(folder / "busy.yaml"), "--set", "pools.desk.staff=3", "--out", str(out / "busy")]
    assert told["steps"]["busy"]["command"] == command
    assert json.loads((out / "busy" / "manifest.json").read_text(encoding="utf-8"))["command"] == command


def test_two_runs_leave_the_same_files(folder: Path) -> None:
    done(folder)
    first = files(folder / "out")
    assert done(folder)[0] == options.DONE
    assert files(folder / "out") == first


def test_resume_does_only_what_is_not_done(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done(folder)
    whole = files(folder / "out")
    assert "done before" not in done(folder)[1]
    assert done(folder, "--resume")[1].count("done before") == 2

    (folder / "out" / "plain" / "targets.csv").write_text("spoilt")
    output = done(folder, "--resume")[1]
    assert "1/2 plain: The desk" in output
    assert "2/2 busy: done before" in output
    assert files(folder / "out") == whole

    (folder / "desk.yaml").write_text(TINY.replace("seed: 11", "seed: 12"))
    assert "done before" not in done(folder, "--resume")[1]
    assert files(folder / "out") != whole

    monkeypatch.setattr(study, "program", lambda: "another program")
    assert "done before" not in done(folder, "--resume")[1]


def test_an_interrupted_study_goes_on_with_the_same_results(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done(folder)
    whole = files(folder / "out")
    plain = asking._run

    def interrupted(scenario: object, *given: object) -> object:
        if getattr(scenario, "name", "") == "busy":
            raise KeyboardInterrupt
        return plain(scenario, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as context:
        context.setattr(asking, "_run", interrupted)
        assert done(folder)[0] == options.INTERRUPTED
    assert list(record(folder / "out").steps) == ["plain"]
    code, output = done(folder, "--resume")
    assert code == options.DONE
    assert output.count("done before") == 1
    assert files(folder / "out") == whole


def test_only_the_steps_that_are_wanted_are_done(folder: Path) -> None:
    assert done(folder, "--steps", "busy")[0] == options.DONE
    assert not (folder / "out" / "plain").exists()
    assert list(record(folder / "out").steps) == ["busy"]
    assert "did you mean 'busy'" in " ".join(done(folder, "--steps", "bus")[1].replace("│", " ").split())


def test_results_of_steps_that_the_study_no_longer_has_are_taken_away(folder: Path) -> None:
    done(folder)
    (folder / "out" / "mine").mkdir()
    (folder / "study.yaml").write_text(STUDY[: STUDY.index("  busy:")])
    done(folder, "--resume")
    assert not (folder / "out" / "busy").exists()
    assert (folder / "out" / "mine").exists()
    assert list(record(folder / "out").steps) == ["plain"]


@pytest.fixture
def victims(folder: Path) -> list[Path]:
    """Folders with a file each, beside the folder of results, and a link to one of them in it."""
    found = [folder / "victim", folder / "elsewhere", folder / "linked"]
    for one in found:
        one.mkdir()
        (one / "precious.csv").write_text("1\n")
    return found


def test_a_manifest_with_names_that_are_no_steps_takes_nothing_away(folder: Path, victims: list[Path]) -> None:
    out = folder / "out"
    out.mkdir()
    (out / "mine").mkdir()
    (out / "mine" / "precious.csv").write_text("1\n")
    told = {"files": {}, "key": "", "exit_code": 0}
    names = ["../victim", str(victims[1]), "", ".", "..", "mine/../../victim", "./mine", "MINE", "a\0b"]
    (out / "manifest.json").write_text(json.dumps({"steps": dict.fromkeys(names, told) | {"mine": 3, "plain": []}}))
    for more in ((), ("--resume",)):
        assert done(folder, *more)[0] == options.DONE
        assert all((one / "precious.csv").exists() for one in [*victims, out / "mine"])
        assert list(record(out).steps) == ["plain", "busy"]


@pytest.mark.parametrize("step", ["plain", "gone"])
def test_a_link_in_the_place_of_results_is_refused_and_nothing_is_taken_away(
    folder: Path, victims: list[Path], step: str
) -> None:
    out = folder / "out"
    out.mkdir()
    (out / step).symlink_to(victims[2])
    told = {"files": {"precious.csv": ""}, "key": "", "exit_code": 0}
    (out / "manifest.json").write_text(json.dumps({"steps": {step: told}}))
    code, output = done(folder)
    assert code == options.BAD_INPUT
    assert f"{out / step} is a link: results go into a folder of their own" in output
    assert (victims[2] / "precious.csv").exists()
    assert (out / step).is_symlink()


def test_a_link_among_the_results_of_a_step_goes_and_what_it_leads_to_stays(folder: Path, victims: list[Path]) -> None:
    (folder / "out" / "plain").mkdir(parents=True)
    for name in ("plots", ".in-progress", "targets.csv"):
        to = victims[2] / "precious.csv" if name == "targets.csv" else victims[2]
        (folder / "out" / "plain" / name).symlink_to(to)
    assert done(folder, "--resume")[0] == options.DONE
    assert (victims[2] / "precious.csv").read_text() == "1\n"
    assert not any(path.is_symlink() for path in (folder / "out" / "plain").iterdir())


def test_what_cannot_be_a_step_has_no_place(tmp_path: Path) -> None:
    for name in ("../x", "/x", "", ".", "x/y", "X"):
        with pytest.raises(ValueError, match="cannot be the name of a step"):
            Record(tmp_path).place(name)
    assert Record(tmp_path).place("plain") == tmp_path / "plain"


def test_seed_and_replications_go_for_every_step(folder: Path) -> None:
    done(folder, "--replications", "3", "--seed", "5")
    for name in ("plain", "busy"):
        told = json.loads((folder / "out" / name / "manifest.json").read_text(encoding="utf-8"))
        assert (told["n_replications"], told["seed"]) == (3, 5)


def test_a_set_of_changes_goes_with_each_step_that_names_it(folder: Path) -> None:
    with_two = (
        "sets: {two: {pools.desk.staff: 2, demand.surges: [{name: x, at: 2025-01-06 00:00, lasts: 1 h, factor: 2}]}}"
    )
    (folder / "study.yaml").write_text(
        STUDY.replace("steps:", f"{with_two}\nsteps:").replace("title: The desk", "title: The desk\n    with: two")
    )
    assert done(folder)[0] == options.DONE
    told = json.loads((folder / "out" / "plain" / "manifest.json").read_text(encoding="utf-8"))
    surges = 'demand.surges=[{"name": "x", "at": "2025-01-06 00:00", "lasts": "1 h", "factor": 2}]'
    assert told["command"][3:7] == ["--set", "pools.desk.staff=2", "--set", surges]
    scenario = (folder / "out" / "plain" / "scenario.yaml").read_text(encoding="utf-8")
    assert "staff: 2" in scenario
    assert "factor: 2" in scenario


def test_a_step_that_does_not_leave_what_is_listed_has_failed(folder: Path) -> None:
    (folder / "study.yaml").write_text(STUDY.replace("pools.csv", "pool.csv"))
    code, output = done(folder)
    assert code == options.SOME_FAILED
    assert f"{folder / 'study.yaml'}:5:14: steps.plain.command: did not leave pool.csv" in output
    assert "1 of 2 steps failed: plain" in output
    assert "done before" in done(folder, "--resume")[1].split("2/2")[1]


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("title: The desk", "titel: The desk", "4:5: steps.plain.titel: is not a key here; did you mean 'title'?"),
        ("run desk.yaml", "runn desk.yaml", "5:14: steps.plain.command: 'runn' cannot be a step; did you mean 'run'?"),
        ("run desk.yaml", "study study.yaml", "'study' cannot be a step; there are"),
        ("run desk.yaml", "tipline run desk.yaml", "a command stands without `tipline`"),
        ("run desk.yaml", "'run \"desk.yaml'", "a quotation mark is never closed"),
        ("run desk.yaml", "run", "Missing parameter: files"),
        ("run desk.yaml", "run --help", "asks for help, and does nothing"),
        ("run desk.yaml", "run desk.yaml --sed 3", "No such option: --sed"),
        ("run desk.yaml", "run desk.yaml --jobs 3", "--jobs is the study's to say, not a step's"),
        ("run desk.yaml", "run /etc/passwd", "a file that is read must lie below the scenario's folder"),
        ("run desk.yaml", "run dusk.yaml", "there is no such file below the scenario's folder"),
        ("run desk.yaml", "run desk.yaml --set pools.desc.staff=1", "there is no 'desc' in pools"),
        ("run desk.yaml", "run desk.yaml --variant x", "there is no variant 'x'"),
        ("run desk.yaml", "run desk.yaml --targets quik", "there is no target 'quik'; did you mean 'quick'?"),
        ("targets.csv", "../targets.csv", "6:14: steps.plain.tables.0: must name a file in the folder of the step"),
        ("  plain:", "  ../plain:", "a step is named with small letters"),
        (
            "steps:",
            "answer: {plane: As it is}\nsteps:",
            "2:10: answer.plane: there is no such step; did you mean 'plain'",
        ),
        ("title: The desk", "title: x\n    with: mine", "5:11: steps.plain.with: there is no such set of changes"),
        ("study: A desk", "studie: A desk", ": studie: is not a key here; did you mean 'study'?"),
        (STUDY, "[]", "a study is a mapping of keys"),
        (STUDY, "", "a study needs at least study and steps"),
        (STUDY, TINY, ": scenario: this is a scenario, and no study, which is a file of commands; tipline run "),
        (STUDY, BUSY, ":1:1: extends: this is a scenario, and no study"),
        (STUDY, "ledger: Claims\n", ":1:1: ledger: this is a ledger, and no study"),
    ],
)
def test_a_fault_is_told_at_its_place_before_anything_runs(folder: Path, old: str, new: str, message: str) -> None:
    (folder / "study.yaml").write_text(STUDY.replace(old, new, 1))
    code, output = done(folder)
    assert code == options.BAD_INPUT
    assert message in output
    assert not (folder / "out").exists()


def test_a_quiet_study_tells_nothing_but_what_went_wrong(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LONG", 0.0)
    assert "replications take about" in done(folder, "--steps", "plain")[1]
    assert done(folder, "--steps", "plain", "--quiet") == (options.DONE, "")
    code, output = done(folder, "--steps", "plain", "--quiet", "--budget", "1 MB")
    assert code == options.SOME_FAILED
    assert "of the 1 MB that it may" in output
    assert "1 of 1 steps failed: plain" in output


def test_all_faults_of_all_steps_are_told_at_once(folder: Path) -> None:
    (folder / "study.yaml").write_text(STUDY.replace("run", "rum"))
    assert "2 faults" in done(folder)[1]


def test_the_key_of_a_step_knows_every_file_that_it_reads_and_no_other(folder: Path) -> None:
    line = StepLine("busy", ("run", "busy.yaml"), ("busy.yaml",), folder)
    before = line.key
    (folder / "other.yaml").write_text("a: 1\n")
    assert line.key == before
    (folder / "desk.yaml").write_text(TINY + "# a remark\n")
    assert line.key != before
    assert StepLine("busy", ("run", "busy.yaml", "--seed", "2"), ("busy.yaml",), folder).key != line.key


def test_a_file_that_a_document_names_is_an_input(folder: Path) -> None:
    (folder / "more").mkdir()
    (folder / "more" / "tips.csv").write_text("received\n")
    (folder / "more" / "traced.yaml").write_text(
        "extends: ../desk.yaml\ndemand: {trace: tips.csv, about: /etc/passwd}\n"
    )
    line = StepLine("x", ("run", "more/traced.yaml"), ("more/traced.yaml",), folder)
    assert list(line.inputs) == ["desk.yaml", "more/tips.csv", "more/traced.yaml"]


def test_tidy_keeps_everything_where_nothing_is_said(tmp_path: Path) -> None:
    for name in ("a.csv", "plots/b.svg", "plots/b.png", "events.parquet", "in/c.csv", "in/plots/d.svg", "said.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    step = Step(title="t", command="run x")
    assert tidy(step, tmp_path) == []
    assert list(files(tmp_path)) == ["a.csv", "in/c.csv", "in/plots/d.svg", "plots/b.svg", "said.txt"]
    listed = Step(title="t", command="run x", tables=("in/c.csv",), figures=("in/d", "e"))
    assert tidy(listed, tmp_path) == ["e"]
    assert list(files(tmp_path)) == ["in/c.csv", "in/plots/d.svg", "said.txt"]


@pytest.mark.parametrize("spoil", [str.upper, lambda _: "{}", lambda _: '{"steps": 3}'])
def test_a_manifest_that_cannot_be_read_tells_of_no_step(folder: Path, spoil: Callable[[str], str]) -> None:
    done(folder, "--steps", "plain")
    manifest = folder / "out" / "manifest.json"
    manifest.write_text(spoil(manifest.read_text()))
    assert record(folder / "out").steps == {}


@pytest.mark.parametrize("path", OF_STUDIES, ids=lambda path: path.stem)
def test_a_study_that_ships_has_no_fault(path: Path, tmp_path: Path) -> None:
    # A study is read as a whole before any of its steps is done, so wanting none of them reads it and does nothing.
    found = tipline("study", path, "--out", tmp_path / "out", "--steps", "", "--quiet")
    assert found.exit_code == options.DONE, found.output


def test_every_scenario_that_ships_loads_with_each_of_its_variants() -> None:
    n_variants = 0
    for path in sorted(SCENARIOS.glob("*.yaml")):
        try:
            document = read(path)
        except ScenarioError:
            continue
        if document.root.child("pools") is None:
            continue
        for variant in document.variants:
            assert document.scenario(variant=variant).variant == variant
            n_variants += 1
    assert n_variants > 40
