"""Names that must exist elsewhere in the document, looked up where they are used."""

from __future__ import annotations

from pathlib import Path

from sim.scenario.faults import Fault
from sim.scenario.pieces import Pieces
from sim.scenario.schema import MeanTarget, Milestone, ShareTarget, Target


def faults(found: Pieces, folder: Path) -> list[Fault]:
    """Every fault between the parts of a document."""
    return []


def resolved(target: Target, milestones: dict[str, Milestone]) -> Target:
    """The target with its milestones looked up."""
    if not isinstance(target, ShareTarget | MeanTarget):
        return target
    return target.model_copy(
        update={"from_": _looked_up(target.from_, milestones), "to": _looked_up(target.to, milestones)}
    )


def _looked_up(end: Milestone, milestones: dict[str, Milestone]) -> Milestone:
    return end if end.moments else milestones[end.name].model_copy(update={"name": end.name})
