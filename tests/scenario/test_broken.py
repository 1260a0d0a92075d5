"""Broken documents give every fault at once, each with exactly its message, and never a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from sim.scenario.faults import ScenarioError
from sim.scenario.loading import load, read
from sim.scenario.tree import MOST_VALUES
from tests.scenario.small import SMALL, loaded, messages, small

BROKEN: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(
    (Path(__file__).parent / "broken.yaml").read_text("utf-8")
)


@pytest.mark.parametrize("case", BROKEN, ids=[case["put"][:40] for case in BROKEN])
def test_a_broken_document_gives_exactly_these_messages(tmp_path: Path, case: dict[str, Any]) -> None:
    path = tmp_path / "doc.yaml"
    assert case["instead"] in SMALL
    path.write_text(SMALL.replace(case["instead"], case["put"], 1), encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(path)
    heads = [str(fault).split("\n")[0].removeprefix(f"{path}:") for fault in caught.value.faults]
    assert heads == case["gives"]


def test_all_faults_come_in_one_go_in_the_order_of_the_document(tmp_path: Path) -> None:
    text = (
        SMALL.replace("10/h", "10")
        .replace("staff: 2", "staf: 2")
        .replace("pool: night", "pool: nigth")
        .replace("sort.end", "srt.end")
        .replace("within: 30 min", "within: 30")
        .replace("to: 15 %", "to: 15 min")
    )
    with pytest.raises(ScenarioError) as caught:
        loaded(tmp_path, text)
    assert [(fault.line, fault.column, fault.path) for fault in caught.value.faults] == [
        (4, 11, "demand.volume"),
        (11, 10, "pools.desk.staf"),
        (17, 44, "stages.act.pool"),
        (19, 11, "milestones.sorted"),
        (21, 69, "targets.quick.within"),
        (25, 21, "plausible.demand.risk.high"),
    ]


def test_a_fault_shows_its_line_with_a_caret(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        small(tmp_path, "staff: 2,", "staf: 2,")
    assert str(caught.value) == (
        f"{tmp_path}/doc.yaml:11:10: pools.desk.staf: is not a key here; did you mean 'staff'?\n"
        "    desk: {staf: 2, serve_first: [{tier: urgent}]}\n"
        "           ^"
    )


def test_a_long_line_is_cut_to_a_window_around_the_caret(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        small(tmp_path, "after: 5 min", "after: 5")
    shown, caret = str(caught.value).split("\n")[1:]
    assert shown[caret.index("^")] == "5"
    assert len(shown) < 120


UNREADABLE = {
    "empty": ("", "doc.yaml:1:1: is empty: a scenario needs at least scenario, run, demand, pools and stages"),
    "only a comment": (
        "# hm\n",
        "doc.yaml:1:1: is empty: a scenario needs at least scenario, run, demand, pools and stages",
    ),
    "a list": ("- 1\n", "doc.yaml:1:1: a scenario is a mapping of keys (got a list)"),
    "a word": ("hello", "doc.yaml:1:1: a scenario is a mapping of keys (got 'hello')"),
    "broken flow": ("a: [1, 2", "doc.yaml:1:9: is not YAML: expected ',' or ']', but got '<stream end>'"),
    "a tab": (
        "a:\n\t- b",
        "doc.yaml:2:1: is not YAML: found character '\\t' that cannot start any token; lines are "
        "indented with spaces, not with tabs",
    ),
    "a key without its colon": (
        "demand\n  volume: 3/h\n",
        "doc.yaml:2:9: is not YAML: mapping values are not allowed here; a colon is missing in the line before, or "
        "this line is indented too far",
    ),
    "a value without its colon": (
        "demand:\n  volume 3/h\n  growth: 2 %\n",
        "doc.yaml:3:9: is not YAML: mapping values are not allowed here; a colon is missing in the line before, or "
        "this line is indented too far",
    ),
    "a key without its colon, between keys": (
        "run: 1\ndemand\n",
        "doc.yaml:3:1: is not YAML: could not find expected ':'; a colon is missing in the line before",
    ),
    "a colon in a text": (
        "scenario: A line: of ours\n",
        "doc.yaml:1:17: is not YAML: mapping values are not allowed here; a text with a colon in it stands in quotes: "
        'scenario: "..."',
    ),
    "two documents": ("a: 1\n---\nb: 2\n", "doc.yaml:2:1: holds more than one YAML document"),
    "a python tag": (
        "a: !!python/object:os.system x",
        "doc.yaml:1:4: tags such as !!python/object:os.system are not read",
    ),
    "a tag of its own": ("a: !secret x", "doc.yaml:1:4: tags such as !secret are not read"),
    "an alias to nothing": ("a: *b", "doc.yaml:1:4: the alias *b stands for nothing"),
    "an alias to itself": ("a: &b [*b]", "doc.yaml:1:8: the alias *b stands for nothing"),
    "too deep": ("[" * 5000, "doc.yaml:1:32: is nested more than 30 deep"),
    "a key twice": ("a: 1\nb: 2\na: 3\n", "doc.yaml:3:1: the key 'a' stands here twice (first in line 1)"),
    "a list as a key": ("? [a]\n: 1", "doc.yaml:1:3: a key is a plain word"),
    "half a character": ('a: "\\ud800"', "doc.yaml:1:4: holds half a character (a lone surrogate)"),
}


@pytest.mark.parametrize(("text", "message"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_document_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        loaded(tmp_path, text)
    assert messages(caught.value)[0] == message


def test_an_alias_that_explodes_is_refused_before_it_does(tmp_path: Path) -> None:
    laughs = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    laughs += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(ScenarioError, match=f"holds more than {MOST_VALUES:,} values, with its aliases written out"):
        loaded(tmp_path, "\n".join(laughs))


def test_an_alias_may_be_used(tmp_path: Path) -> None:
    text = SMALL.replace("service: 20 min", "service: &long {exponential: {mean: 20 min}}").replace(
        "service: {exponential: {mean: 5 min}}", "service: 5 min"
    )
    text += "start_with: {backlog: &some {act: 1}}\n"
    assert loaded(tmp_path, text).stage("act").time.of().mean == 20 * 60_000_000


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "doc.yaml:1:1: is not text in UTF-8: here stands the byte 0x89"),
        (b"scenario: \xff\xfe", "doc.yaml:1:11: is not text in UTF-8: here stands the byte 0xff"),
        ("scenario: é\r\n# ä".encode() + b"\xe9", "doc.yaml:2:4: is not text in UTF-8: here stands the byte 0xe9"),
        (
            b"scenario: a\x00b",
            "doc.yaml:1:1: is not YAML: unacceptable character #x0000: special characters are not allowed",
        ),
        (b"#" * 1_000_001, "doc.yaml: is larger than 1 MB"),
        (
            b"PK\x03\x04\x14\x00\x06\x00",
            "doc.yaml: is a workbook, a Word document or another zip archive; a scenario file is plain text",
        ),
        (b"PK\x03\x04" + b"\0" * 1_000_001, "doc.yaml: is a workbook, a Word document or another zip archive"),
        ("scenario: é".encode("utf-16"), "doc.yaml: is text in UTF-16; a scenario file is plain text, saved as UTF-8"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, raw: bytes, message: str) -> None:
    path = tmp_path / "doc.yaml"
    path.write_bytes(raw)
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert messages(caught.value)[0].startswith(message)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path / "none.yaml")
    assert messages(caught.value) == ["none.yaml: there is no such file"]
    with pytest.raises(ScenarioError, match="is a folder, not a scenario file"):
        load(tmp_path)


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "doc.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load(path).pools["desk"].staff == 2


def test_times_of_day_and_words_like_yes_stay_text(tmp_path: Path) -> None:
    scenario = small(tmp_path, 'from: "22:00", to: "06:00"', "from: 22:00, to: 06:00")
    assert scenario.pools["night"].shifts[0].length == 8 * 3_600_000_000
    assert small(tmp_path, "scenario: Small", "scenario: yes").scenario == "yes"


def test_a_reading_needs_targets_from_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "doc.yaml"
    path.write_text(SMALL, encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"^--reading strict: the targets of this document come from no ledger"):
        load(path, reading="strict")


def test_an_unknown_variant_is_named(tmp_path: Path) -> None:
    path = tmp_path / "doc.yaml"
    path.write_text(SMALL, encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"^--variant mor: there is no variant 'mor'; did you mean 'more'\?$"):
        read(path).scenario(variant="mor")


def test_a_message_moves_no_cursor_and_changes_no_colour(tmp_path: Path) -> None:
    path = tmp_path / "doc.yaml"
    keys = ('"\\e[31mred"', '"\\u202eevil"', '"' + "n" * 5000 + '"')
    for key in keys:
        path.write_text(SMALL.replace("  night:", f"  {key}: {{staff: 1}}\n  night:", 1), encoding="utf-8")
        with pytest.raises(ScenarioError) as caught:
            load(path)
        said = str(caught.value)
        assert all(letter.isprintable() or letter == "\n" for letter in said), repr(said)
        assert max(map(len, said.split("\n"))) < 600


@pytest.mark.parametrize("letter", ["\\e[31m", "\\u202e", "\\b", "\\u009b", "\\r"])
def test_a_title_that_does_something_to_a_terminal_is_refused(letter: str, tmp_path: Path) -> None:
    path = tmp_path / "doc.yaml"
    path.write_text(SMALL.replace("scenario: Small", f'scenario: "a{letter}b"', 1), encoding="utf-8")
    with pytest.raises(ScenarioError, match="scenario: holds a character that is no text"):
        load(path)
