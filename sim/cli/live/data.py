"""What a live page is told of an answer: the tables of a run by their declared columns, its sentences, its curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sim.dynamics.clock import MINUTE
from sim.measures.use import uses
from sim.scenario.chance import is_certain
from sim.studies.compare import changes, cost
from sim.tables import run as tables
from sim.tables.by_time import INTERVALS, intervals
from sim.tables.declared import Filled, finite
from sim.text.run import limit_words, sentences
from sim.text.words import came_to, percent

if TYPE_CHECKING:
    from sim.cli.live.work import AnswerProgress
    from sim.cli.live.world import Asked, Base, LiveWorld
    from sim.studies.result import Result

POOL_COLUMNS: Final = (
    "servers_on_duty_mean",
    "occupancy_share",
    "waiting_tips_mean",
    "paid_h_a_week",
    "fte",
    "cost_a_week",
)
"""Columns of the table of pools that a page shows."""

WEEK_COLUMNS: Final = ("busy_servers", "on_duty_servers", "waiting_tips")
"""Columns of each pool in the table of intervals that a page draws."""


def world_data(world: LiveWorld) -> dict[str, Any]:
    """What a page is told of its file when it opens."""
    scenario = world.first.scenario
    return {
        "title": scenario.scenario,
        "about": scenario.about,
        "file": str(world.file),
        "variants": [{"name": name, "says": says} for name, says in world.variants.items()],
        "readings": list(world.readings),
        "targets": [{"target": name, "asked": one.asked, "claim": one.claim} for name, one in scenario.targets.items()],
        "currency": scenario.run.currency or "",
    }


def asked_data(asked: Asked) -> dict[str, Any]:
    """What a state means: its command, and where every slider stands."""
    return {"command": asked.command, "controls": controls_data(asked.base, asked.values)}


def controls_data(base: Base, values: Mapping[str, float | None]) -> list[dict[str, Any]]:
    """The sliders, each with the number that it stands at."""
    return [
        {
            "path": one.path,
            "label": one.label,
            "group": one.group,
            "unit": one.unit,
            "low": one.low,
            "high": one.high,
            "step": one.step,
            "source": one.source,
            "value": values[one.path],
        }
        for one in base.controls
    ]


def answer_data(step: AnswerProgress, *, curves: bool, beside: Result | None) -> dict[str, Any]:
    """An answer as far as it has come: with `curves` also what is drawn; `beside` is what it is held against.

    Columns and cells of targets, joint shares and pools are those of the tables that `tipline run` leaves.
    """
    found = step.result
    sample = found.done.sample
    told: dict[str, Any] = {
        "n": step.n,
        "of": step.of,
        "done": step.done,
        "whole": step.whole,
        "looks": found.looks,
        "confidence": percent(found.scenario.run.confidence),
        "seed": found.done.seed,
        "failed": [f"replication {index}: {one.error}" for index, one in found.done.failures.items()],
        "together": found.joint.word,
        "sentences": sentences(found),
        "decided": bool(found.targets)
        and "undecided" not in [found.joint.verdict, *(one.verdict for one in found.targets)],
        "binding": found.joint.binding,
        "notes": list(found.notes),
        "staff": [
            limit_words(one)
            for one in found.limits
            if any(target.name == one.name and target.verdict != "met" for target in found.targets)
        ],
    }
    if not len(sample):
        return told
    judged = [tables.JudgedTarget(*both) for both in zip(found.targets, found.joint.results, strict=True)]
    spent = cost(sample)
    told |= {
        "targets": [
            {**row, "asked": one.asked, "came_to": came_to(one), "at_least": one.side == "at_least"}
            for row, one in zip(tables.TARGETS.of(judged).records, found.targets, strict=True)
        ],
        "joint": tables.JOINT.of(found.joint.shares.items()).records,
        "pools": _only(tables.POOLS.of(one for one in uses(sample) if one.whole), ("pool", *POOL_COLUMNS)),
        "totals": {
            "fte": spent.fte,
            "paid_h_a_week": spent.paid_hours,
            "overtime_h_a_week": spent.overtime_hours,
            "cost_a_week": spent.money,
            "priced": bool(found.scenario.run.currency) or spent.money != spent.paid_hours,
        },
    }
    if curves:
        told |= {"response": _response(found), "week": _week(found)}
    if beside is not None and step.done:
        told["changes"] = _changes(beside, found)
    return dict(finite(told))


def day_data(found: Result) -> dict[str, Any] | None:
    """A day of the first replication, which is simulated once more: what `day.js` plays, and what is said of it."""
    from sim.answers.run import RunAnswer
    from sim.cli.report.day import day_json
    from sim.tables.by_time import tables_of_day
    from sim.text.run import day_told

    day = RunAnswer(found).with_day().found.day
    if day is None:
        return None
    told = day_told(day)
    shown = day_json(told, {one.name: one.records for one in tables_of_day(day)})
    return None if shown is None else {"day": shown, "says": told["says"]}


def _only(filled: Filled, heads: tuple[str, ...]) -> list[dict[str, Any]]:
    """Some columns of a table, as its records have them; KeyError where it has no such column."""
    return [{head: row[head] for head in heads} for row in filled.records]


def _response(found: Result) -> list[dict[str, Any]]:
    """The curve of every target on times: minutes, and the share that is through by then; what is asked beside it."""
    rows = tables.RESPONSE.of(tables.response(found.done.sample, found.targets)).cells
    told = []
    for one in found.targets:
        points = [(minutes, share) for name, minutes, share in rows if name == one.name]
        if points:
            limit = one.within_minutes
            told.append(
                {
                    "target": one.name,
                    "time_min": [float(f"{minutes:.6g}") for minutes, _ in points],
                    "through_share": [float(f"{share:.4f}") for _, share in points],
                    "within_min": limit,
                    "threshold": one.threshold if limit is not None and one.target.hold is None else None,
                }
            )
    return told


def _week(found: Result) -> dict[str, Any]:
    """People busy, people on duty and tips waiting of every pool, by interval of the week."""
    sample = found.done.sample
    filled = INTERVALS.of(intervals(sample))
    at = {column.head: number for number, column in enumerate(filled.columns)}

    def of(head: str) -> list[float | None]:
        cells = (finite(float(row[at[head]])) for row in filled.cells)
        return [None if cell is None else float(f"{cell:.4g}") for cell in cells]

    return {
        "interval_min": sample.frame.interval / MINUTE,
        "pools": {name: {column: of(f"{name}_{column}") for column in WEEK_COLUMNS} for name in found.scenario.pools},
    }


def _changes(base: Result, other: Result) -> list[dict[str, Any]]:
    """What each target differs by from the base, on the same tips; nothing where these are not as many."""
    one, two = base.done, other.done
    if len(one.sample) != len(two.sample) or one.seed != two.seed or one.failures or two.failures:
        return []
    certain = is_certain(one.scenario) and is_certain(two.scenario)
    samples = [("A", one.sample), ("B", two.sample)]
    return [
        {
            "target": change.target,
            "difference": change.difference.value / change.scale,
            "low": change.difference.low / change.scale,
            "high": change.difference.high / change.scale,
            "real": change.difference.real,
            "better": change.better,
            "asks_otherwise": change.asks_otherwise,
        }
        for change in changes(samples, other.scenario.run.confidence, certain)
    ]
