"""The tables of an audit: a row for each reading of each claim, for each reading as a whole, and for each figure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.scenario.readings import READINGS
from sim.scenario.targets import Between
from sim.studies.claims.audit import ALL, STATUSES, Outcome
from sim.studies.claims.findings import CONDITIONS
from sim.studies.claims.laid import input_text
from sim.text.claims import arithmetic, asks, people, rows, simulation

if TYPE_CHECKING:
    from sim.scenario.readings import ReadingName
    from sim.studies.claims.audit import Audit, Together
    from sim.studies.claims.findings import Finding


def claims(found: Audit) -> pd.DataFrame:
    """One row a reading: what it asks, what arithmetic says, what simulation says, and the staff that it needs."""
    ledger = found.laid.file.ledger
    told = {(row.claim, name): row.findings for row in rows(found) for name in row.readings}
    return pd.DataFrame(
        [
            {
                "claim": one.claim,
                "reading": one.key[1],
                "source": ledger.claims[one.claim].source,
                "says": ledger.claims[one.claim].says,
                "kind": ledger.claims[one.claim].kind,
                "repeats": ledger.claims[one.claim].repeats,
                "form": one.reading.form,
                "asks": asks(one),
                "arithmetic": arithmetic(told.get(one.key, ()), ledger.facts),
                "status": STATUSES[one.status],
                "simulation": simulation(one),
                **_target_cells(one),
                **_staff_cells(one),
                "unclear": ledger.claims[one.claim].unclear,
            }
            for one in found.outcomes.values()
        ]
    )


def _target_cells(one: Outcome) -> dict[str, Any]:
    names = ("unit", "asked", "value", "low", "high", "verdict", "unlimited_value", "unlimited_verdict", "in_the_way")
    tested = one.tested
    if tested is None:
        cells = dict.fromkeys(names)
        if one.weighed is not None and not math.isnan(one.weighed.value):
            bound = one.reading.bound
            unit = "min" if bound is not None and bound.of == "work" else "share"
            cells |= {"unit": unit, "asked": one.weighed.limit, "value": one.weighed.value}
        return cells
    now, best = tested.staffed, tested.limit
    figures = (now.in_unit(figure) for figure in (now.threshold, now.value, now.low, now.high))
    way = best.hindrances[0] if best.hindrances else None
    unlimited = (
        best.result.in_unit(best.result.value),
        best.result.verdict,
        f"{way.kind}: {way.name}" if way else None,
    )
    return dict(zip(names, (now.unit, *figures, now.verdict, *unlimited), strict=True))


def _staff_cells(one: Outcome) -> dict[str, Any]:
    answer = one.tested.answer if one.tested is not None else None
    names = ("needs_fte", "needs_cost_a_week", "needs_people", "searched_share", "no_staffing_because")
    if answer is None or answer.staffing is None:
        why = "beyond staff" if one.status == "beyond staff" else answer.why if answer is not None else None
        return dict.fromkeys(names) | {"no_staffing_because": why}
    share = ALL if one.tested is not None and one.tested.allows_none else None
    return dict(zip(names, (answer.fte, answer.cost, people(answer), share, None), strict=True))


def together(found: Audit) -> pd.DataFrame:
    """One row a reading as a whole: whether it can hold at once, what stands against it, and what the rest needs."""
    return pd.DataFrame([_together_row(found, one) for one in found.together.values()])


def _together_row(found: Audit, one: Together) -> dict[str, Any]:
    answer = one.answer if one.answer is not None and one.answer.staffing is not None else None
    return {
        "reading": one.reading,
        "holds": {True: "yes", False: "no", None: "undecided"}[one.holds],
        "as_staffed": one.staffed.verdict if one.staffed is not None else None,
        "targets": len(one.limits),
        "out_of_reach": ", ".join(one.beyond_staff),
        "not_so": ", ".join(one.broken),
        "conflicts": "; ".join(one.inputs.conflicts),
        "inputs": "; ".join(f"{path} = {input_text(value)}" for path, value in one.inputs.changes.items()),
        "other_targets": len(one.limits) - len(one.beyond_staff),
        "others_need_fte": answer.fte if answer else None,
        "others_need_cost_a_week": answer.cost if answer else None,
        "others_need_people": people(answer) if answer else None,
        "staffed_fte": found.fte,
    }


def one_clock_in(found: Audit, one: Finding) -> list[ReadingName]:
    """The readings in which both claims of a finding on times count between the same moments of this scenario."""
    if not one.clocks or not one.rests_on:
        return []
    return [
        name
        for name in READINGS
        if (ends := _ends(found, one.about, name)) and ends == _ends(found, one.rests_on[0], name)
    ]


def _ends(found: Audit, claim: str, name: ReadingName) -> tuple[str, str] | None:
    outcome = found.outcomes.get((claim, name))
    target = outcome.reading.target if outcome is not None else None
    return (target.from_name, target.to_name) if isinstance(target, Between) else None


def relations(found: Audit) -> pd.DataFrame:
    """One row a figure of a finding; a finding without figures has one row."""
    made = []
    for number, one in enumerate(found.findings, 1):
        head = {
            "finding": number,
            "relation": one.relation,
            "about": one.about,
            "rests_on": ", ".join(one.rests_on),
            "verdict": one.verdict,
            "only": " and ".join(CONDITIONS[condition] for condition in one.conditions),
            "on_own_clocks": one.on_own_clocks,
            "clocks": ", ".join(one.clocks),
            "one_clock_in_readings": ", ".join(one_clock_in(found, one)),
            "readings": ", ".join(one.readings),
            "formula": one.formula,
            "says": one.says,
        }
        made += [{**head, "figure": f.what, "value": f.value, "unit": f.unit} for f in one.figures] or [head]
    return pd.DataFrame(made)
