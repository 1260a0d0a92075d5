"""What a report shows of a folder: its figures, each with the tables that it was drawn from, in a fixed order.

What is not known here by name is shown all the same, after the rest: a new command needs no line in this file, though
one gives its figure a title.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sim.answers.run import Run
from sim.cli.report.results import Folder, Table


@dataclass(frozen=True, slots=True)
class Kind:
    """A figure that a command leaves, and where its data stand."""

    figure: str
    title: str
    caption: str
    tables: tuple[str, ...]
    command: str = ""
    """The command that leaves it; "" where that is not known."""


def _files(tables: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(f"{one.name}.csv" for one in tables)


KINDS: Final = (
    Kind(
        "claims",
        "The claims",
        "Each claim under its lenient, moderate and strict reading: what arithmetic and what simulation say.",
        ("claims_together.csv", "claims.csv", "relations.csv"),
        "claims",
    ),
    Kind(
        "map",
        "The plausibility map",
        "Where all targets hold over two ranges, how often, and which target fails first.",
        ("map.csv",),
        "map",
    ),
    Kind(
        "staffing",
        "The cheapest staffing",
        "The people of the cheapest staffing found, at every post between the bounds of the search, and what one "
        "person less there would do.",
        ("staffing.csv", "staff_targets.csv", "staff_certificate.csv", "staff_pools.csv"),
        "staff",
    ),
    Kind(
        "staff_tried",
        "What was tried",
        "Every staffing that the search ran: its cost, and how much of what it allows the worst target uses up.",
        ("staff_tried.csv",),
        "staff",
    ),
    Kind(
        "frontier",
        "Cost against promise",
        "What it costs to hold all targets in a larger share of the periods.",
        ("frontier.csv",),
        "staff",
    ),
    Kind(
        "sensitivity",
        "What decides it",
        "Which of the plausible ranges decides the verdict.",
        ("sensitivity.csv", "sensitivity_share.csv", "sensitivity_turns.csv"),
        "sensitivity",
    ),
    Kind(
        "sensitivity_points",
        "Points that hold and points that fail",
        "The points of the plausible ranges that were run, by the two unknowns that matter most.",
        ("sensitivity_points.csv",),
        "sensitivity",
    ),
    Kind(
        "runway",
        "How many years the staffing bears",
        "What every target comes to in each year of growth.",
        ("runway.csv", "runway_lengths.csv", "runway_staff.csv"),
        "runway",
    ),
    Kind(
        "compare",
        "Side by side",
        "What every target comes to in each scenario, on the same tips, and how far that is from the base.",
        ("compare.csv",),
        "compare",
    ),
    *(
        Kind(plot.name, plot.title, plot.caption, tuple(f"{one.name}.csv" for one in plot.tables), "run")
        for plot in Run.plots
    ),
)
"""In the order in which a report shows them."""

TITLES: Final = {
    "targets.csv": "Targets and verdicts",
    "joint.csv": "How often all targets held at once",
    "cohort.csv": "Where each tip is counted",
    "replications.csv": "Each replication",
    "tips.csv": "Tips by channel, true risk and last label",
    "pools.csv": "Pools: load, occupancy, hours and cost",
    "stages.csv": "Stages: visits and waits",
    "hours.csv": "Hours of the week",
    "response.csv": "Shares of tips that are through within a time",
    "unlimited.csv": "With unlimited staff",
    "claims.csv": "The claims, reading by reading",
    "claims_together.csv": "Each reading as a whole",
    "relations.csv": "What arithmetic says of the claims",
    "map.csv": "The cells of the map",
    "staffing.csv": "The staffing, post by post",
    "staff_targets.csv": "Its targets, with unlimited staff and on fresh seeds",
    "staff_certificate.csv": "What is known of the staffings that cost less",
    "staff_pools.csv": "Its pools: load, occupancy, hours and cost",
    "staff_tried.csv": "Every staffing that was tried",
    "frontier.csv": "Staffings that are worth their cost",
    "sensitivity.csv": "Effects of each unknown",
    "sensitivity_share.csv": "The share of the ranges in which all targets hold",
    "sensitivity_turns.csv": "Where the verdict turns along each range",
    "sensitivity_points.csv": "The points that were run",
    "runway.csv": "Each year of growth",
    "runway_lengths.csv": "Years until a target is first missed",
    "runway_staff.csv": "The staff that each year needs",
    "compare.csv": "Every target in every scenario",
}


_SHOWN_WITHOUT_FIGURE: Final = ("claims", "staffing", "sensitivity", "map", "runway", "compare")


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A figure of a folder with its data, or tables that no figure shows."""

    kind: Kind
    folder: Folder
    tables: tuple[Table, ...]
    also: tuple[str, ...] = ()
    """Tables that it was drawn from too, and that stand with an earlier figure."""

    @property
    def command(self) -> tuple[str, ...]:
        """The command that made it, as it was given; empty where that is not recorded."""
        return self.folder.commands.get(self.kind.command, self.folder.command)

    @property
    def has_figure(self) -> bool:
        """Whether there is a picture."""
        return self.kind.figure in self.folder.figures


def exhibits(folder: Folder) -> list[Exhibit]:
    """Everything that a folder has to show, each table once."""
    return list(_exhibits(folder))


def _exhibits(folder: Folder) -> Iterator[Exhibit]:
    left = dict(folder.tables)
    known = {kind.figure for kind in KINDS}
    unknown = (_unknown(name, folder) for name in folder.figures if name not in known)
    for kind in (*KINDS, *unknown):
        there = [name for name in kind.tables if name in folder.tables]
        if kind.figure in folder.figures or (there and kind.figure in _SHOWN_WITHOUT_FIGURE):
            own = tuple(left.pop(name) for name in there if name in left)
            yield Exhibit(kind, folder, own, tuple(name for name in there if folder.tables[name] not in own))
    if left:
        yield Exhibit(Kind("", "Further tables", "", ()), folder, tuple(left.values()))


def _unknown(name: str, folder: Folder) -> Kind:
    """A figure that nothing is known of: its data are the tables that begin as it does."""
    own = tuple(table for table in folder.tables if table.removesuffix(".csv").startswith(name))
    return Kind(name, name.replace("_", " ").capitalize(), "", own)
