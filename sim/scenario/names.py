"""The names that a document gives to its own things, read from its tree so that they are known beside any fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sim.scenario.demand import ONE_CATEGORY, ONE_CHANNEL, ONE_RISK, TAKEN
from sim.scenario.fields import near
from sim.scenario.tree import Node

Known = tuple[str, ...] | None
"""Names in their order; None where the document is too broken there to tell."""


@dataclass(frozen=True, slots=True)
class Names:
    """What there is, by what it is."""

    pool: Known
    stage: Known
    labeller: Known
    milestone: Known
    channel: Known
    risk: Known
    category: Known
    tier: Known
    calendar: Known
    own: Mapping[str, Known] | None
    """By attribute of the document's own."""

    def of(self, key: str) -> Known:
        """The names that a filter asks for under a key."""
        if self.own is not None and key in self.own:
            return self.own[key]
        known: Known = getattr(self, "labeller" if key == "labelled_by" else key)
        return known


def names_of(root: Node) -> Names:
    """The names in a tree."""
    demand = root.child("demand")
    channel = _keys(demand, "channels", (ONE_CHANNEL,))
    risk, labeller = _risks(demand), _keys(root, "labels", ())
    return Names(
        pool=_keys(root, "pools", None),
        stage=_stages(root.child("stages")),
        labeller=labeller,
        milestone=_keys(root, "milestones", ()),
        channel=channel,
        risk=risk,
        category=_keys(demand, "categories", (ONE_CATEGORY,)),
        own=_own(demand),
        tier=_tiers(root.child("labels"), risk) if labeller is not None else None,
        calendar=_keys(root, "calendars", ()),
    )


def _keys(node: Node | None, key: str, default: Known) -> Known:
    if node is None or not isinstance(node.value, dict):
        return None
    child = node.child(key)
    if child is None:
        # Where the key is misspelt, that is told, and not every name that it would have given.
        return None if any(near(other, [key]) for other in node.value) else default
    return tuple(child.value) if isinstance(child.value, dict) else None


def _stages(node: Node | None) -> Known:
    if node is None or not isinstance(node.value, list):
        return None
    names = [item.child("name") for item in node.value]
    return tuple(str(name.value) for name in names if name is not None) or None


def _risks(demand: Node | None) -> Known:
    node = demand.child("risk") if demand else None
    if node is not None and node.value is None:
        return (ONE_RISK,)  # nothing is written: it is as if the key were not there
    flat = _keys(demand, "risk", (ONE_RISK,))
    if flat is None or node is None or not isinstance(node.value, dict):
        return flat
    return _in_rows(node) or flat


def _in_rows(node: Node) -> Known:
    """The names in a table of shares by channel; None where it is none."""
    if not isinstance(node.value, dict):
        return None
    rows = [row.value for row in node.value.values() if isinstance(row.value, dict)]
    return tuple(dict.fromkeys(name for row in rows for name in row)) if rows else None


def _own(demand: Node | None) -> Mapping[str, Known] | None:
    node = demand.child("attributes") if demand else None
    if node is None or not isinstance(node.value, dict):
        return None if demand is None or node is not None or _keys(demand, "attributes", ()) is None else {}
    own = {name: one for name, one in node.value.items() if name not in TAKEN}
    return {name: _in_rows(one) or _keys(node, name, None) for name, one in own.items()}


def _tiers(labels: Node | None, risk: Known) -> Known:
    if labels is None:
        return risk
    if not isinstance(labels.value, dict):
        return None
    tables = [table for labeller in labels.value.values() if (table := labeller.child("assigns")) is not None]
    if not tables or not all(isinstance(table.value, dict) for table in tables):
        return None
    rows = [row for table in tables if isinstance(table.value, dict) for row in table.value.values()]
    return tuple(dict.fromkeys(name for row in rows if isinstance(row.value, dict) for name in row.value)) or None
