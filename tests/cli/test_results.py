"""What is published of the study is what the study left: its tables, and every number in the words about them."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.cli import options
from sim.studies.study import SAID, read_study, record
from tests.cli.lines import ROOT, SCENARIOS, tipline

STUDY = ROOT / "results" / "study"
PAGES = {
    "results/README.md": (ROOT / "results" / "README.md").read_text(encoding="utf-8"),
    "README.md": (ROOT / "README.md").read_text(encoding="utf-8").split("\n## ")[0],
}
"""The findings, and the front of the README."""

REPEATED = (
    "described",
    "strict",
    "heard_out",
    "departments",
    "school_safety",
)
"""Steps of the study that are done again."""

LINK = re.compile(r"\]\(([^)]+)\)")
IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
NUMBER = re.compile(r"(?<![\w.])(\d[\d,]*(?:\.\d+)?)(?!\w)\s*(%|hours?\b|min\b|minutes?\b|seconds?\b|s\b)?")
WRITTEN = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e-?\d+)?(?!\w)")
"""A number in the text of a table's cell."""


def blocks() -> Iterator[tuple[str, str]]:
    """Every paragraph, list item and table of the pages with a number in it, by the page."""
    for page, text in PAGES.items():
        for block in re.split(r"\n\s*\n|\n(?=\* )", text):
            if NUMBER.search(plain(block)):
                yield page, block


def plain(block: str) -> str:
    """What a reader reads of a block: no images, no targets of links, no code."""
    said = LINK.sub("]", IMAGE.sub("", block))
    return re.sub(r"`[^`]*`", "", said)


def cited(page: str, block: str) -> list[Path]:
    """The tables that a block links to."""
    links = [(ROOT / page).parent / link for link in LINK.findall(block)]
    return [path.resolve() for path in links if path.suffix == ".csv"]


@cache
def numbers(table: Path) -> np.ndarray:
    """Every number in the cells of a table."""
    with table.open(encoding="utf-8", newline="") as lines:
        cells = [cell for row in csv.reader(lines) for cell in row]
    # A variant is named week_of_1_7 or tips_75000.
    plain = [re.sub(r"(?<=\d)_(?=\d)", ".", cell).replace("_", " ").replace(",", "") for cell in cells]
    return np.unique([float(found) for cell in plain for found in WRITTEN.findall(cell)])


def stands_in(number: str, unit: str, tables: list[Path]) -> bool:
    """Whether a table has the number: as it is, a share for per cent, minutes for hours and seconds."""
    value = float(number.replace(",", ""))
    half = 0.5000001 * 10.0 ** -len(number.partition(".")[2])
    factors = {"%": (1.0, 100.0), "h": (1.0, 1 / 60), "s": (1.0, 60.0)}.get(unit[:1], (1.0,))
    return any(
        bool((np.abs(np.abs(numbers(table)) * factor - value) <= half).any()) for table in tables for factor in factors
    )


@pytest.mark.parametrize("page, block", list(blocks()), ids=lambda text: " ".join(text.split())[:50])
def test_every_number_stands_in_a_table_that_is_cited_beside_it(page: str, block: str) -> None:
    tables = cited(page, block)
    assert tables, "numbers, and no table is cited"
    assert all(table.is_relative_to(STUDY) and table.is_file() for table in tables)
    missing = [number + unit for number, unit in NUMBER.findall(plain(block)) if not stands_in(number, unit, tables)]
    assert not missing


def test_a_number_that_no_table_has_is_noticed(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("target,value,low\nrapid,0.2031672347,-12.5\n,at best 42 %,1440\n")
    there = [("20", "%"), ("20.3", "%"), ("20.32", "%"), ("12.5", ""), ("42", "%"), ("24", "hours"), ("1,440", "min")]
    assert all(stands_in(number, unit, [table]) for number, unit in there)
    absent = [("21", "%"), ("20.4", "%"), ("20.31", "%"), ("20.32", ""), ("13.1", ""), ("43", "%"), ("25", "hours")]
    assert not any(stands_in(number, unit, [table]) for number, unit in absent)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    links = [link for link in LINK.findall(PAGES[page]) if "://" not in link]
    assert links
    assert all(((ROOT / page).parent / link.partition("#")[0]).exists() for link in links)


def test_the_study_was_run_from_the_scenarios_as_they_are() -> None:
    found, known = read_study(SCENARIOS / "study.yaml"), record(STUDY)
    assert list(known.steps) == list(found.study.steps)
    for name, step in known.steps.items():
        assert (step["title"], step["exit_code"]) == (found.study.steps[name].title, 0)
        files = {file: hashlib.sha256((SCENARIOS / file).read_bytes()).hexdigest() for file in step["inputs"]}
        assert step["inputs"] == files, name


def test_nothing_was_changed_by_hand() -> None:
    for name, step in record(STUDY).steps.items():
        there = {path.relative_to(STUDY / name).as_posix(): path for path in (STUDY / name).rglob("*.*")}
        kept = {file: hashlib.sha256(path.read_bytes()).hexdigest() for file, path in there.items() if path.is_file()}
        assert {file: kept.get(file) for file in step["files"]} == step["files"]
        assert {file for file in kept if not file.endswith(".json")} == set(step["files"])


@pytest.mark.slow
def test_a_part_of_the_study_comes_out_again(tmp_path: Path) -> None:
    """Figures to ten digits on one kind of machine; on another a drawn time may differ by a tick."""
    done = tipline("study", SCENARIOS / "study.yaml", "--steps", ",".join(REPEATED), "--out", tmp_path, "--quiet")
    assert done.exit_code == options.DONE, done.output
    for name in REPEATED:
        published = sorted(path.relative_to(STUDY) for path in (STUDY / name).rglob("*.csv"))
        assert published
        assert published == sorted(path.relative_to(tmp_path) for path in (tmp_path / name).rglob("*.csv"))
        for path in published:
            pd.testing.assert_frame_equal(pd.read_csv(tmp_path / path), pd.read_csv(STUDY / path), rtol=1e-4)
        assert (tmp_path / name / SAID).exists()
