"""Whatever is done to a document: it loads, or ScenarioError says why. Nothing else may come out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.scenario.describe import describe
from sim.scenario.faults import ScenarioError
from sim.scenario.loading import load, read
from sim.scenario.rules import rules
from sim.scenario.schema import Scenario
from sim.scenario.shifts import plan
from tests.scenario.small import SCENARIOS, SMALL

PIECES = {
    name: re.split(r"(\s+|[{}\[\],:])", text)
    for name, text in (("small", SMALL), ("national", (SCENARIOS / "national.yaml").read_text(encoding="utf-8")))
}
ODD = [
    *("", "-1", "0", "null", "~", "[]", "{}", "true", "1e400", "9" * 50, "'x'", "'", '"', "-", "?", "|", ">", "%", "@"),
    *("&a", "*a", "!!python/x", "\t", "\n", "\x00", "é", "30 s", "2 %", "100 %", "NaN", ".nan", ".inf", "-.inf", "<<"),
    *("call", "tier", "high", "a.b", "from", "to", "by", "{by: tier, high: 1 min}", "arrival", "lost", "999999 d"),
    *("2025-02-30 00:00", "0001-01-01", "9999-12-31", "24:00", "1.5", "1/h", "1" * 4500, "extends", "reading"),
]


def broken(name: str) -> st.SearchStrategy[str]:
    """A document with a few of its pieces replaced by each other, by odd ones, or by anything at all."""
    pieces = PIECES[name]
    put = st.one_of(st.sampled_from(ODD), st.sampled_from(pieces), st.text(max_size=8))
    edits = st.lists(st.tuples(st.integers(0, len(pieces) - 1), put), min_size=1, max_size=4)

    def edited(changes: list[tuple[int, str]]) -> str:
        found = list(pieces)
        for at, text in changes:
            found[at] = text
        return "".join(found)

    return edits.map(edited)


def outcome(make: Callable[[], Scenario]) -> Scenario | ScenarioError:
    """The scenario, or the one error that may come instead."""
    try:
        return make()
    except ScenarioError as error:
        return error


def survives(folder: Path, text: str) -> None:
    path = folder / "doc.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    found = outcome(lambda: load(path))
    if isinstance(found, ScenarioError):
        assert str(found)
        assert all(fault.file and fault.rule for fault in found.faults)
    else:
        describe(found)
        plan(found)
        rules(found)


FUZZ = settings(
    max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FUZZ
@given(text=broken("small"))
def test_a_broken_small_document(tmp_path: Path, text: str) -> None:
    survives(tmp_path, text)


@settings(FUZZ, max_examples=40)
@given(text=broken("national"))
def test_a_broken_national_example(tmp_path: Path, text: str) -> None:
    survives(tmp_path, text)


@pytest.mark.slow
@settings(FUZZ, max_examples=1000)
@given(text=broken("national"))
def test_many_broken_national_examples(tmp_path: Path, text: str) -> None:
    survives(tmp_path, text)


@FUZZ
@given(text=st.text(max_size=200))
def test_any_text_at_all(tmp_path: Path, text: str) -> None:
    survives(tmp_path, text)


@FUZZ
@given(raw=st.binary(max_size=200))
def test_any_bytes_at_all(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "doc.yaml"
    path.write_bytes(raw)
    with pytest.raises(ScenarioError):
        load(path)


NATIONAL = read(SCENARIOS / "national.yaml")


def paths(value: object, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every path of a document."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield from ((*above, key), *paths(child, (*above, key)))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from ((*above, str(index)), *paths(child, (*above, str(index))))


@settings(FUZZ, max_examples=200)
@given(
    path=st.sampled_from(sorted(paths(NATIONAL.root.plain()))),
    odd=st.none() | st.tuples(st.integers(0, 4), st.sampled_from([*ODD, "staff", "high", "3", "mean"])),
    value=st.one_of(st.sampled_from(ODD), st.text(max_size=8)),
)
def test_any_change_by_path(path: tuple[str, ...], odd: tuple[int, str] | None, value: str) -> None:
    steps = list(path)
    if odd is not None:
        steps[odd[0] : odd[0] + 1] = [odd[1]]
    found = outcome(lambda: NATIONAL.scenario(changes=[f"{'.'.join(steps)}={value}"]))
    assert isinstance(found, Scenario) or found.faults
