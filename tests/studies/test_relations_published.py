"""The relations between the claims of the two articles, each found by the program with the figures worked out by hand.

The figures are those of an independent working, to three digits; what a relation rests on besides numbers, such as what
a word means, is not here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from sim.scenario.ledger import load_ledger
from sim.studies.claims.rules import relations
from sim.studies.claims.statements import Finding, three
from tests.scenario.small import SCENARIOS

LEDGER = load_ledger(SCENARIOS / "claims.yaml")
FOUND = relations(LEDGER)


PUBLISHED: dict[str, list[dict[str, Any]]] = YAML(typ="safe", pure=True).load(
    (Path(__file__).parent / "published.yaml").read_text("utf-8")
)


def found(wanted: dict[str, Any]) -> list[Finding]:
    """The findings of these claims, of that kind, in that reading."""
    return [
        one
        for one in FOUND
        if (one.relation, one.about, set(one.rests_on))
        == (wanted["relation"], wanted["about"], set(wanted["rests_on"]))
        and wanted.get("reading", "stated") in one.readings
        and (one.verdict, one.conditions) == (wanted["verdict"], tuple(wanted.get("conditions", ())))
    ]


@pytest.mark.parametrize("relation", PUBLISHED)
def test_each_published_relation_is_found_with_its_figures(relation: str) -> None:
    for wanted in PUBLISHED[relation]:
        (one,) = found(wanted)
        expected = {what: three(value) for what, value in wanted.get("figures", {}).items()}
        assert {what: three(one.figure(what)) for what in expected} == expected


def test_all_published_relations_are_in_the_table() -> None:
    assert [name.split()[0] for name in PUBLISHED] == [f"R{number:02}" for number in range(1, 24)]


def test_claims_are_at_odds_where_they_are_and_nowhere_else() -> None:
    at_odds = {(one.about, one.relation, one.conditions) for one in FOUND if one.verdict == "at odds"}
    just = ("one clock", "levels")
    assert at_odds == {
        ("A02", "tail bounds mean", just),
        ("A18", "tail bounds mean", just),
        ("B10", "tail bounds mean", just),
        ("B04", "mean of a class", just),
        ("A05", "everywhere and coverage", ("levels",)),
        ("A07", "share and what is known", ("levels",)),
        ("A12", "cost ratios", ("one thing",)),
        ("A13", "share out of reach", ("levels", "out of reach")),
        ("A19", "cap of labels", ("out of reach",)),
        ("B01", "volume and share", ("levels",)),
        ("B01", "floor and growth", ("levels",)),
    }


def test_nothing_is_at_odds_whatever_the_words_mean() -> None:
    """The articles leave so much open that every contradiction has a way out."""
    assert all(one.conditions for one in FOUND if one.verdict == "at odds")


def test_the_fast_way_is_not_compared_as_if_it_ended_with_the_transfer() -> None:
    """One of the two clocks ends later, so that they are two."""
    both = [one for one in FOUND if {"A19", "A20"} <= set(one.claims)]
    assert both
    assert {(one.relation, one.verdict, one.on_own_clocks) for one in both} == {
        ("time left between", "independent", None)
    }


@pytest.mark.parametrize("one", FOUND, ids=lambda one: f"{one.relation}: {', '.join(one.claims)}")
def test_every_finding_names_its_claims_clocks_and_figures(one: Finding) -> None:
    known = {*LEDGER.claims, *LEDGER.facts}
    assert set(one.claims) <= known
    assert one.about in LEDGER.claims
    assert set(one.clocks) <= set(LEDGER.clocks)
    assert (one.on_own_clocks is not None) == ("one clock" in one.conditions)
    assert ("one clock" in one.conditions) <= (len(one.clocks) == 2)
    assert one.figures or one.relation == "one figure"
    assert one.says
    assert one.formula
