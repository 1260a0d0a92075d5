"""A ledger in short, in words and in data: what `check` shows of one without faults."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from sim.text import page

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sim.scenario.ledger import Ledger


def ledger_parts(ledger: Ledger, file: Path) -> list[RenderableType]:
    """How many claims of which kinds there are, and in which forms their readings."""
    kinds = Counter[str](claim.kind for claim in ledger.claims.values())
    forms = _forms(ledger)
    return [
        Text.assemble((ledger.ledger, "bold"), f"  ({file})"),
        page.text(ledger.about),
        "",
        page.facts(
            [
                ("Claims", f"{kinds.total()}: {_counted(kinds)}"),
                ("Readings", f"{forms.total()}: {_counted(forms)}"),
                ("Besides", f"{len(ledger.facts)} facts, {len(ledger.subjects)} subjects, {len(ledger.clocks)} clocks"),
            ]
        ),
        "",
        page.text(f"Audit it on a scenario: tipline claims {file} SCENARIO"),
    ]


def ledger_data(ledger: Ledger, file: Path) -> dict[str, Any]:
    """The same as data."""
    return {
        "file": str(file),
        "ledger": ledger.ledger,
        "claims": {name: claim.kind for name, claim in ledger.claims.items()},
        "readings": dict(_forms(ledger)),
        "faults": [],
    }


def _forms(ledger: Ledger) -> Counter[str]:
    return Counter(one.form for claim in ledger.claims.values() for one in claim.readings.given.values())


def _counted(kinds: Counter[str]) -> str:
    return ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in kinds.items())
