"""Sensitivity as tables: the share of the ranges that holds, the effects, the turns, and every point."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

if TYPE_CHECKING:
    from sim.studies.effects import Effects
    from sim.studies.sensitivity import Along, Sensitivity
    from sim.studies.unknowns import Outcome

TOGETHER: Final = "all together"
"""What the effects on whether all targets hold stand under."""


def share(found: Sensitivity) -> pd.DataFrame:
    """One row: the share of the ranges in which all targets hold, and the points it comes from."""
    sampled = found.sampled
    row = {
        "holding_share": found.share.value,
        "low_share": found.share.low,
        "high_share": found.share.high,
        "points": len(sampled),
        "impossible_points": found.n_impossible,
        **{
            f"{verdict}_points": sum(one.verdict == verdict for one in sampled)
            for verdict in ("met", "undecided", "missed")
        },
        "replications": found.replications,
    }
    return pd.DataFrame([row])


def effects(found: Sensitivity) -> pd.DataFrame:
    """One row a result and range: first-order and total effect, as shares of the variance of the result."""
    rows = list(_effects(found, TOGETHER, found.together))
    for name, one in found.each.items():
        rows += _effects(found, f"margin of {name}", one)
    return pd.DataFrame(rows)


def _effects(found: Sensitivity, on: str, effect: Effects) -> Iterator[dict[str, Any]]:
    """The ranges by their total effect on one result, the one that matters most first."""
    totals = [one.value for one in effect.total]
    order = sorted(range(len(totals)), key=lambda i: (-totals[i] if effect.known else 0.0, i))
    for rank, i in enumerate(order, start=1):
        first, total = effect.first[i], effect.total[i]
        yield {
            "effect_on": on,
            "range": found.unknowns[i].path,
            "rank": rank if effect.known else None,
            "first_order_share": first.value,
            "first_order_low_share": first.low,
            "first_order_high_share": first.high,
            "total_share": total.value,
            "total_low_share": total.low,
            "total_high_share": total.high,
            "rows_used": effect.rows,
        }


def turns(found: Sensitivity) -> pd.DataFrame:
    """One row a turn of the verdict along one range, the others at their present values; one too where none turns it.

    Numbers are in the `unit` of their row, a share as a fraction.
    """
    return pd.DataFrame([row for i, along in enumerate(found.along) for row in _turns(found, i, along)])


def _turns(found: Sensitivity, i: int, along: Along) -> Iterator[dict[str, Any]]:
    own: dict[str, Any] = {
        "range": along.unknown.path,
        "unit": {"%": "share", "": "number"}.get(along.unknown.unit, along.unknown.unit),
        "from_in_unit": along.unknown.range.from_,
        "to_in_unit": along.unknown.range.to,
        "present_in_unit": found.present[i],
    }
    for turn in along.turns:
        yield own | {
            "turns": "yes",
            "turns_at_in_unit": turn.value,
            "turns_above_in_unit": turn.below,
            "turns_below_in_unit": turn.above,
            "holds": "below" if turn.holds_below else "above",
            "first_to_fail": turn.first,
        }
    if not along.turns:
        holds = "everywhere" if all(along.holds_at_ends) else "nowhere"
        nothing = dict.fromkeys(("turns_at_in_unit", "turns_above_in_unit", "turns_below_in_unit"), math.nan)
        yield own | {"turns": "never", **nothing, "holds": holds, "first_to_fail": None}


def points(found: Sensitivity) -> pd.DataFrame:
    """One row a point of the design: its values, and what every target came to."""
    names = ["a", "b", *(f"a with {unknown.path} of b" for unknown in found.unknowns)]
    return pd.DataFrame(
        [
            {"row": number, "point": name, **_point(found, outcome)}
            for number, row in enumerate(found.outcomes)
            for name, outcome in zip(names, row, strict=True)
        ]
    )


def _point(found: Sensitivity, outcome: Outcome) -> dict[str, Any]:
    row: dict[str, Any] = {
        unknown.column: int(number) if unknown.range.whole else number
        for unknown, number in zip(found.unknowns, outcome.numbers, strict=True)
    }
    row |= {
        "replications": outcome.replications,
        "holds": outcome.holds if outcome.possible else None,
        "all_held_share": outcome.held,
        "verdict": outcome.verdict if outcome.possible else None,
        "first_to_fail": outcome.first,
    }
    values = {one.name: one.in_unit(one.value) for one in outcome.targets}
    for name, target in found.scenario.targets.items():
        row[f"{name}_{target.goal.unit}"] = values.get(name, math.nan)
    return row
