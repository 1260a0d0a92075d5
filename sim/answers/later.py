"""What commands leave that have no answers of their own yet: names and titles alone, for the report and the README.

A class goes from here when the command has its own, and the list in this room then names that one.
"""

from __future__ import annotations

from typing import Any

from sim.answers.answer import Answer, Plot
from sim.tables.declared import Table


def _table(name: str, title: str, one_row: str) -> Table[Any]:
    return Table(name, one_row, title, ())


class Claims(Answer[Any]):
    """What `claims` leaves."""

    command = "claims"
    leaves = (
        _table(
            "claims_together",
            "Each reading as a whole",
            "a reading of all claims: whether it can hold at once, what stands against it, what the rest needs",
        ),
        _table(
            "claims",
            "The claims, reading by reading",
            "a reading of a claim: what simulation says, and the staff it takes",
        ),
        _table(
            "relations",
            "What arithmetic says of the claims",
            "a relation between claims: the figures, the formula, the verdict",
        ),
    )
    plots = (
        Plot(
            "claims",
            "The claims",
            "Each claim under its lenient, moderate and strict reading: what arithmetic and what simulation say.",
            "",
            leaves,
        ),
    )


class Map(Answer[Any]):
    """What `map` leaves."""

    command = "map"
    leaves = (
        _table(
            "map",
            "The cells of the map",
            "a cell: the share of runs or periods in which all targets hold, and which fails first",
        ),
    )
    plots = (
        Plot(
            "map",
            "The plausibility map",
            "Where all targets hold over two ranges, how often, and which target fails first.",
            "",
            leaves,
        ),
    )


class Staff(Answer[Any]):
    """What `staff` leaves."""

    command = "staff"
    _staffing = (
        _table(
            "staffing",
            "The staffing, post by post",
            "a post (a pool or one of its shifts): its bounds, the people of the answer, their hours and cost, "
            "what one less does",
        ),
        _table(
            "staff_targets",
            "Its targets, with unlimited staff and on fresh seeds",
            "a target: with unlimited staff, and with the answer on fresh seeds",
        ),
        _table(
            "staff_certificate",
            "What is known of the staffings that cost less",
            "the answer as a whole: hours, cost, how surely it holds, how many cheaper staffings there are and stay "
            "open",
        ),
        _table(
            "staff_pools",
            "Its pools: load, occupancy, hours and cost",
            "a pool of the answer: load, occupancy, hours, cost",
        ),
    )
    _tried = (_table("staff_tried", "Every staffing that was tried", "a staffing that was tried, with its verdict"),)
    _frontier = (
        _table(
            "frontier",
            "Staffings that are worth their cost",
            "a staffing that no cheaper one beats: its cost and the share of periods in which all targets hold",
        ),
    )
    leaves = (*_staffing, *_tried, *_frontier)
    plots = (
        Plot(
            "staffing",
            "The cheapest staffing",
            "The people of the cheapest staffing found, at every post between the bounds of the search, and what one "
            "person less there would do.",
            "",
            _staffing,
        ),
        Plot(
            "staff_tried",
            "What was tried",
            "Every staffing that the search ran: its cost, and how much of what it allows the worst target uses up.",
            "",
            _tried,
        ),
        Plot(
            "frontier",
            "Cost against promise",
            "What it costs to hold all targets in a larger share of the periods.",
            "",
            _frontier,
        ),
    )


class Sensitivity(Answer[Any]):
    """What `sensitivity` leaves."""

    command = "sensitivity"
    _effects = (
        _table("sensitivity", "Effects of each unknown", "an unknown: its effects with intervals"),
        _table(
            "sensitivity_share",
            "The share of the ranges in which all targets hold",
            "the share of the ranges in which all targets hold",
        ),
        _table(
            "sensitivity_turns",
            "Where the verdict turns along each range",
            "an unknown: the value at which the verdict turns, the others as in the scenario",
        ),
    )
    _points = (_table("sensitivity_points", "The points that were run", "a point of the ranges that was run"),)
    leaves = (*_effects, *_points)
    plots = (
        Plot("sensitivity", "What decides it", "Which of the plausible ranges decides the verdict.", "", _effects),
        Plot(
            "sensitivity_points",
            "Points that hold and points that fail",
            "The points of the plausible ranges that were run, by the two unknowns that matter most.",
            "",
            _points,
        ),
    )


class Compare(Answer[Any]):
    """What `compare` leaves."""

    command = "compare"
    leaves = (
        _table(
            "compare",
            "Every target in every scenario",
            "a target in a scenario: its value, and the paired difference from the base with its interval",
        ),
    )
    plots = (
        Plot(
            "compare",
            "Side by side",
            "What every target comes to in each scenario, on the same tips, and how far that is from the base.",
            "",
            leaves,
        ),
    )
