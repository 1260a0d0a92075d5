"""What a search for staffing leaves as tables: the answer post by post, all that was tried, and the frontier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.studies.staff.staffed import fte, post_words
from sim.studies.tables import threshold_minutes
from sim.studies.unlimited_table import hindrance_words

if TYPE_CHECKING:
    from sim.measures.targets import TargetResult
    from sim.studies.staff.frontier import Point
    from sim.studies.staff.staffing import Answer
    from sim.studies.staff.tried import Outcome


def staffing(answer: Answer) -> pd.DataFrame:
    """One row a post: its bounds, the people of the answer, what they cost, and what one person less there would do."""
    rows = []
    neighbours = answer.certificate.neighbours if answer.certificate else (None,) * len(answer.posts)
    for i, post in enumerate(answer.posts):
        people = answer.staffing[i] if answer.staffing is not None else None
        less = neighbours[i]
        rows.append(
            {
                "path": post.path,
                "post": post_words(answer.scenario, post),
                "people": people,
                "least_people": post.least,
                "most_people": post.most,
                "bounds": post.source,
                "paid_h_a_week": None if people is None else post.paid_hours * people,
                "fte": None if people is None else fte(answer.scenario, post.paid_hours * people),
                "cost_a_week": None if people is None else post.cost * people,
                "one_less_verdict": less.verdict if less else "below the bounds" if answer.certificate else None,
                "one_less_fails": ", ".join(failing(less)) if less else "",
            }
        )
    return pd.DataFrame(rows)


def targets(answer: Answer) -> pd.DataFrame:
    """One row a target: what it comes to with unlimited staff, and what the answer came to on fresh seeds."""
    best = {one.name: one for one in answer.limits}
    fresh = {one.name: one for one in answer.confirmation.joint.results} if answer.confirmation else {}
    rows = []
    for name in dict.fromkeys((*best, *fresh)):
        either = fresh.get(name) or best[name].result
        rows.append(
            {
                "target": name,
                "unit": either.unit,
                "threshold_min": threshold_minutes(either),
                "share_or_mean": either.in_unit(either.threshold),
                **_figures("unlimited_", best[name].result if name in best else None),
                "beyond_staff": best[name].beyond_staff if name in best else None,
                "in_the_way": "; ".join(hindrance_words(way) for way in best[name].hindrances) if name in best else "",
                **_figures("", fresh.get(name)),
            }
        )
    return pd.DataFrame(rows)


def _figures(prefix: str, one: TargetResult | None) -> dict[str, Any]:
    """A target's value with its interval and verdict, as columns with a prefix."""
    names = ("value", "low", "high", "verdict")
    if one is None:
        return {f"{prefix}{name}": None for name in names}
    cells = (*(one.in_unit(number) for number in (one.value, one.low, one.high)), one.verdict)
    return {f"{prefix}{name}": cell for name, cell in zip(names, cells, strict=True)}


def certificate(answer: Answer) -> pd.DataFrame:
    """One row: the answer as a whole, how surely it holds, and what is known of the staffings that cost less."""
    found, fresh = answer.certificate, answer.confirmation
    assert found is not None
    assert fresh is not None
    rest = found.remainder
    row = {
        "people": sum(answer.staffing or ()),
        "paid_h_a_week": answer.paid_hours,
        "fte": answer.fte,
        "cost_a_week": answer.cost,
        "fresh_replications": fresh.n_replications,
        "confidence_share": fresh.confidence,
        "verdict": fresh.verdict,
        "binding": fresh.joint.binding,
        "staffings_within_bounds": found.n_within,
        "cheaper_staffings": rest.cheaper,
        "cheaper_open_staffings": rest.open,
        "counted_exactly": rest.exactly,
        "most_saved_a_week": answer.cost - rest.least_cost if rest.open else 0.0,
        "tried_staffings": len(answer.tried.outcomes) if answer.tried is not None else 0,
        "shown_to_fail_staffings": found.n_failed,
    }
    return pd.DataFrame([row])


def failing(outcome: Outcome) -> list[str]:
    """The targets that a staffing misses; where none is missed for certain, those that it leaves open."""
    missed = [one.name for one in outcome.results if one.verdict == "missed"]
    return missed or [one.name for one in outcome.results if one.verdict == "undecided" and one.used > 1]


def tried(answer: Answer) -> pd.DataFrame:
    """One row a staffing that was tried, in the order of trying, with what every target came to."""
    assert answer.tried is not None
    rows = [_tried_row(answer, one) for one in answer.tried.outcomes.values()]
    return pd.DataFrame(rows)


def _tried_row(answer: Answer, one: Outcome) -> dict[str, Any]:
    row: dict[str, Any] = {
        f"{post.path}_people": people for post, people in zip(answer.posts, one.staffing, strict=True)
    }
    row |= {
        "cost_a_week": one.cost,
        "replications": one.n_replications,
        "verdict": one.verdict,
        "leans": one.leans,
        "chosen": one.staffing == answer.staffing,
        "refused_on_fresh_seeds": one.rejected,
        "all_held_weeks_share": one.shares["week"].share.value,
    }
    for result in one.results:
        row |= result_cells(result)
    return row


def result_cells(one: TargetResult) -> dict[str, Any]:
    """A target's value with its interval and verdict, as columns named after it."""
    numbers = {"": one.value, "_low": one.low, "_high": one.high}
    cells: dict[str, Any] = {f"{one.name}{end}_{one.unit}": one.in_unit(number) for end, number in numbers.items()}
    return cells | {f"{one.name}_verdict": one.verdict}


def frontier(answer: Answer, points: Sequence[Point], per: str) -> pd.DataFrame:
    """One row a staffing tried in full: cost, and the share of periods in which every target held."""
    rows = [
        {f"{post.path}_people": people for post, people in zip(answer.posts, one.outcome.staffing, strict=True)}
        | {
            "cost_a_week": one.outcome.cost,
            f"all_held_{per}s_share": one.share,
            f"all_held_{per}s_low_share": one.low,
            f"all_held_{per}s_high_share": one.high,
            "worth_its_cost": one.best,
            "verdict": one.outcome.verdict,
            "replications": one.outcome.n_replications,
        }
        for one in points
    ]
    return pd.DataFrame(rows)
