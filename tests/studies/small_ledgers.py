"""Ledgers of a few claims, and what is found between them."""

from __future__ import annotations

from typing import Any

from sim.scenario.ledger import Ledger
from sim.studies.claims.rules import relations
from sim.studies.claims.statements import Finding

SUBJECTS: dict[str, dict[str, Any]] = {
    "all": {},
    "part": {"part_of": "all", "by": "matter"},
    "other part": {"part_of": "all", "by": "matter"},
    "seen": {"part_of": "part"},
    "lost": {"part_of": "all", "hinders": ["clock"]},
    "nameless": {"part_of": "all", "hinders": ["answered"]},
    "answered": {"part_of": "all"},
    "staff": {},
    "cost": {},
    "other cost": {},
    "base": {},
    "places": {},
    "covered": {"part_of": "places"},
}
CLOCKS: dict[str, dict[str, Any]] = {
    "clock": {},
    "other clock": {},
    "later": {"ends_after": ["clock"]},
    "only seen": {"reached_by": "seen"},
}


def ledger(claims: dict[str, dict[str, Any]], facts: dict[str, dict[str, Any]] | None = None, **top: Any) -> Ledger:
    """A ledger of these claims; a claim without a subject is on all, one of a time without a clock on the clock."""
    timed = ("share within", "mean", "median", "percentile", "best case")
    return Ledger.model_validate(
        {
            "ledger": "Small",
            "subjects": {name: {"says": name, **given} for name, given in SUBJECTS.items()},
            "clocks": {name: {"says": name, **given} for name, given in CLOCKS.items()},
            "facts": {name: {"source": "known", "says": name, **given} for name, given in (facts or {}).items()},
            "claims": {
                name: {
                    "source": "paper",
                    "says": name,
                    "subject": "all",
                    **({"clock": "clock"} if given["kind"] in timed else {}),
                    **given,
                }
                for name, given in claims.items()
            },
            **top,
        }
    )


def between(*claims: dict[str, Any], facts: dict[str, dict[str, Any]] | None = None, **top: Any) -> list[Finding]:
    """What is found between claims A, B, ... and facts."""
    return relations(ledger(dict(zip("ABCDEFGH", claims, strict=False)), facts, **top))


def told(found: list[Finding]) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Findings in short: relation, about, verdict, conditions."""
    return [(one.relation, one.about, one.verdict, one.conditions) for one in found]


def mean(length: str, **more: Any) -> dict[str, Any]:
    return {"kind": "mean", "quantity": length, **more}


def within(length: str, share: str | float | None, **more: Any) -> dict[str, Any]:
    return {"kind": "share within", "quantity": length, **({} if share is None else {"share": share}), **more}


def best(length: str, **more: Any) -> dict[str, Any]:
    return {"kind": "best case", "quantity": length, **more}


def median(length: str, **more: Any) -> dict[str, Any]:
    return {"kind": "median", "quantity": length, **more}


def percentile(share: str, length: str, **more: Any) -> dict[str, Any]:
    return {"kind": "percentile", "share": share, "quantity": length, **more}


def volume(rate: str, sense: str = "at least", **more: Any) -> dict[str, Any]:
    return {"kind": "volume", "quantity": rate, "sense": sense, **more}


def growth(rate: str, sense: str = "about", **more: Any) -> dict[str, Any]:
    return {"kind": "growth", "quantity": rate, "sense": sense, **more}


def grew(rate: str, first: int, last: int, sense: str = "about", **more: Any) -> dict[str, Any]:
    return {"kind": "growth between", "quantity": rate, "from": first, "to": last, "sense": sense, **more}


def per_head(quantity: float, heads: float, sense: str = "about", **more: Any) -> dict[str, Any]:
    return {"kind": "per head", "of": "places", "quantity": quantity, "heads": heads, "sense": sense, **more}


def a_case(quantity: float, sense: str = "about", **more: Any) -> dict[str, Any]:
    given = {"kind": "money a case", "subject": "cost", "of": "all", "quantity": quantity, "currency": "EUR"}
    return {**given, "sense": sense, **more}


def a_year(quantity: float, sense: str = "about", **more: Any) -> dict[str, Any]:
    given = {"kind": "money a year", "subject": "cost", "quantity": quantity, "currency": "EUR"}
    return {**given, "sense": sense, **more}


def share(quantity: str, subject: str, of: str = "all", sense: str = "about", **more: Any) -> dict[str, Any]:
    return {"kind": "share of a whole", "quantity": quantity, "subject": subject, "of": of, "sense": sense, **more}


def known(subject: str, of: str, low: str, high: str) -> dict[str, Any]:
    return {"kind": "share of a whole", "subject": subject, "of": of, "from": low, "to": high}


def number(subject: str, quantity: float, **more: Any) -> dict[str, Any]:
    return {"kind": "number", "subject": subject, "quantity": quantity, **more}
