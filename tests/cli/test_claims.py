"""The command `claims`: its files, its table, its closing words, and a picture that can be read."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from sim.answers.staff import Claims
from sim.cli import options
from sim.plots import style
from sim.plots.claims import LOOKS
from sim.plots.claims import claims as plotted
from sim.scenario.claims import Volume
from sim.studies.claims import rules
from sim.studies.claims.audit import STATUSES, Audit, audit
from sim.studies.claims.matches import pairs
from sim.studies.claims.rules import Rule
from sim.studies.claims.statements import CONDITIONS
from sim.tables.claims import RELATIONS, figures
from sim.text.claims import answer, finding, rows, simulation, staffing
from sim.text.dossier import plainly
from tests.cli import pictures
from tests.cli.lines import SCENARIOS, tipline
from tests.studies.test_claims import LEDGER, LINE, laid

TABLES = [f"{one.name}.csv" for one in Claims.leaves]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return audit(laid(tmp_path_factory.mktemp("audit")))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("files")
    ledger, line = folder / "claims.yaml", folder / "line.yaml"
    ledger.write_text(LEDGER, encoding="utf-8")
    line.write_text(LINE, encoding="utf-8")
    return ledger, line


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, files: tuple[Path, Path]) -> tuple[Path, str]:
    """The folder that the command leaves, and what it says."""
    folder = tmp_path_factory.mktemp("ran")
    done = tipline("claims", *files, "--out", folder)
    assert done.exit_code == options.DONE, done.output
    return folder, done.output


def test_a_rule_that_is_added_as_a_row_is_in_the_table_of_relations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy = Rule(
        name="two volumes",
        of=pairs(Volume, Volume, once=True),
        when=lambda m: m.first.subject == m.last.subject,
        bound=lambda m: m.last.quantity / m.first.quantity,
        verdict=lambda m, factor: "at odds" if factor > 1 else None,
        conditions=("levels",),
        formula="v2 / v1",
        figures=lambda m, factor: [("the later over the earlier", factor, "times"), ("no figure", None, "%")],
        says="{last} of {about} are {0} times the {first} of {other}",
    )
    monkeypatch.setattr(rules, "RULES", (*rules.RULES, toy))
    on_line = laid(tmp_path)
    table = RELATIONS.of(figures(Audit(on_line, tuple(rules.relations(on_line.file.ledger)), {}, {}, 1))).frame
    (row,) = table[table["relation"] == "two volumes"].to_dict("records")
    assert (row["about"], row["rests_on"], row["verdict"]) == ("MORE", "MANY", "at odds")
    assert row["only"] == CONDITIONS["levels"]
    assert (row["figure"], row["value"], row["unit"]) == ("the later over the earlier", 1.5, "times")
    assert row["says"] == "78,800 of MORE are 1.5 times the 52,600 of MANY"


def test_the_command_leaves_its_files_and_ends_with_the_answer(ran: tuple[Path, str]) -> None:
    folder, output = ran
    assert max(len(line) for line in output.splitlines()) <= 80
    for name in (*TABLES, "plots/claims.png", "plots/claims.svg", "claims.json", "scenario.yaml"):
        # This ledger has no facts: their table is its head.
        assert (folder / name).stat().st_size > (20 if name == "claims_facts.csv" else 100), name
    assert not list(folder.parent.glob(f".{folder.name}*"))
    text = " ".join(output.split())
    assert "reading arithmetic simulation staffing" in text
    assert "The lenient readings can all hold at once, with " in text
    assert "The strict readings cannot all hold at once: no staffing meets SOON (at best " in text


def test_the_first_sentence_gives_every_reading_and_each_reading_is_told_plainly(found: Audit) -> None:
    assert answer(found)[0] == (
        "All claims at once, on a line with 8.4 full-time people: in the lenient reading they can hold with 12.6 "
        "full-time people; in the moderate reading they cannot hold (1 claim is not so as the line works; all others "
        "would take 12.6 full-time people); in the strict reading they cannot hold (1 of 1 promises is kept by no "
        "number of people)."
    )
    told = {key: plainly(one) for key, one in found.outcomes.items()}
    assert told["SOON", "moderate"].startswith("It does not hold with the people that the line has (6")
    assert told["SOON", "strict"] == "No number of people makes it hold: 0.0 % as it is, 0.0 % at best."
    assert told["WORK", "moderate"] == (
        "It is not so as the line works: it comes to 15 min, beside 14 min that are claimed."
    )
    assert told["STAFF", "moderate"] == "No simulated line can test it: no figures."
    assert told["NONE", "lenient"].endswith("no simulation can show that not one ever fails.")
    assert told["MANY", "lenient"].startswith("It says how the line is, and is taken so")
    for one in told.values():
        assert not any(name in one for name in found.laid.file.ledger.claims), one


def test_the_tables_have_a_row_a_reading_and_a_row_a_figure(ran: tuple[Path, str]) -> None:
    folder, _ = ran
    with (folder / "claims.csv").open(encoding="utf-8") as stream:
        readings = list(csv.DictReader(stream))
    assert Counter(row["reading"] for row in readings) == {"lenient": 7, "strict": 6, "moderate": 4}
    work = next(row for row in readings if (row["claim"], row["reading"]) == ("WORK", "lenient"))
    assert (work["unit"], float(work["value"]), float(work["threshold"])) == ("min", 15.0, 20.0)
    soon = next(row for row in readings if (row["claim"], row["reading"]) == ("SOON", "moderate"))
    assert soon["unit"] == "share"
    assert float(soon["needs_fte"]) > 4
    with (folder / "relations.csv").open(encoding="utf-8") as stream:
        figures = list(csv.DictReader(stream))
    assert {"finding", "relation", "about", "verdict", "figure", "value", "unit"} <= set(figures[0])
    clocked = next(row for row in figures if row["relation"] == "all within a limit")
    assert (clocked["clocks"], clocked["one_clock_in_readings"]) == ("clock", "lenient")
    with (folder / "claims_together.csv").open(encoding="utf-8") as stream:
        whole = {row["reading"]: row for row in csv.DictReader(stream)}
    assert {name: row["holds"] for name, row in whole.items()} == {"lenient": "yes", "moderate": "no", "strict": "no"}
    assert whole["strict"]["out_of_reach"] == "SOON"
    assert whole["lenient"]["inputs"] == "demand.volume = 9/h"
    assert int(whole["strict"]["other_targets"]) == int(whole["strict"]["targets"]) - 1
    bare = {row["figure"] for row in figures if row["figure"] and not row["unit"]}
    assert bare <= {"at sigma", "at gamma shape", "at Weibull shape"}


def test_the_data_say_what_the_table_says_whatever_the_jobs(
    tmp_path: Path, ran: tuple[Path, str], files: tuple[Path, Path]
) -> None:
    done = tipline("claims", *files, "--out", tmp_path, "--json", "--jobs", "1")
    data = json.loads(done.output)
    together = {one["reading"]: one for one in data["claims_together"]}
    assert together["strict"]["out_of_reach"] == "SOON"
    assert together["lenient"]["inputs"] == "demand.volume = 9/h"
    wanted = ("held", "staff", "beyond staff", "open", "input")
    assert {one["status"] for one in data["claims"]} >= {STATUSES[status] for status in wanted}
    assert data["answer"][0].startswith(
        "All claims at once, on a line with 8.4 full-time people: in the lenient reading "
    )
    assert data["answer"][1].startswith("The lenient readings can all hold at once")
    kept = json.loads((tmp_path / "claims.json").read_text(encoding="utf-8"))
    assert (kept["answer"], kept["hash"]) == (data["answer"], data["hash"])
    for file in (*TABLES, "plots/claims.png", "plots/claims.svg"):
        assert (tmp_path / file).read_bytes() == (ran[0] / file).read_bytes(), file


def test_strict_asks_for_every_reading(tmp_path: Path, files: tuple[Path, Path]) -> None:
    done = tipline("claims", *files, "--out", tmp_path, "--quiet", "--strict", "--replications", "2")
    assert done.exit_code == options.NOT_MET


def test_faults_of_either_document_are_told_with_their_places(tmp_path: Path, files: tuple[Path, Path]) -> None:
    ledger = tmp_path / "broken.yaml"
    ledger.write_text(LEDGER.replace("kind: mean", "kind: meen"), encoding="utf-8")
    done = tipline("claims", ledger, files[1], "--out", tmp_path)
    assert done.exit_code == options.BAD_INPUT
    assert "claims.WORK.kind: there is no such kind of claim; did you mean 'mean'?" in done.output
    assert tipline("claims", ledger, tmp_path / "none.yaml").exit_code == options.BAD_INPUT


def test_the_ledger_comes_first(files: tuple[Path, Path]) -> None:
    done = tipline("claims", *reversed(files))
    assert done.exit_code == options.BAD_INPUT
    assert "the ledger comes first" in done.output


def test_a_ledger_can_be_checked(files: tuple[Path, Path]) -> None:
    done = tipline("check", SCENARIOS / "claims.yaml")
    assert done.exit_code == options.DONE
    assert "37: 6 growth, 6 share within, 10 share of a whole, " in " ".join(done.output.split())
    assert json.loads(tipline("check", files[0], "--json").output)["claims"]["WORK"] == "mean"


def test_readings_that_are_one_share_a_row(found: Audit) -> None:
    labels = {(row.claim, row.label) for row in rows(found)}
    assert ("SOON", "moderate") in labels
    shown = {key for row in rows(found) for key in ((row.claim, name) for name in row.readings)}
    assert shown == set(found.outcomes)


def test_every_finding_that_tells_is_shown_once(found: Audit) -> None:
    shown = [one for row in rows(found) for one in row.findings]
    telling = [one for one in found.findings if one.verdict != "independent"]
    assert len(shown) == len(set(map(id, shown)))
    assert {(one.about, one.verdict) for one in shown} == {(one.about, one.verdict) for one in telling}


def test_cells_say_what_a_reading_came_to(found: Audit) -> None:
    cells = {key: (simulation(one), staffing(one)) for key, one in found.outcomes.items()}
    assert cells["SOON", "lenient"][0].startswith("holds: ")
    assert cells["SOON", "moderate"][0].startswith("missed as staffed: ")
    assert cells["SOON", "strict"][0].endswith("(service at act)")
    assert cells["SOON", "strict"][1] == "none"
    assert "which no run can show to be all" in cells["NONE", "lenient"][0]
    assert cells["NONE", "lenient"][1].endswith("FTE for 99.9 %")
    assert cells["MANY", "strict"] == ("fixed: demand.volume = 9/h", "")


def test_the_closing_words_name_staffing_and_what_is_open(found: Audit) -> None:
    text = answer(found)
    assert any("at demand.volume = 9/h" in line for line in text)
    assert any(line.startswith("By arithmetic, ") for line in text)


def test_the_picture_can_be_read(found: Audit) -> None:
    figure = plotted(found)
    assert (
        pictures.title(figure)
        == finding(found)
        == "The claims can hold at once in their lenient readings, in no others"
    )
    assert not pictures.cut_off(figure)
    assert not pictures.overlapping(figure)
    assert not pictures.too_small(figure)
    said = pictures.said(figure)
    assert {"SOON", "NONE", "lenient", "moderate", "strict"} <= set(said)


def test_marks_differ_by_more_than_colour() -> None:
    looks = {name: (look.mark, look.colour == "white") for name, look in LOOKS.items()}
    assert all(one != other for one, other in combinations(looks.values(), 2))


def test_a_grey_print_is_not_empty(found: Audit) -> None:
    picture = imread(io.BytesIO(style.file_bytes(plotted(found), "png")))
    shades = 255 * picture[..., :3] @ np.array([0.299, 0.587, 0.114])
    assert 0.005 < float((shades < 120).mean()) < 0.2
