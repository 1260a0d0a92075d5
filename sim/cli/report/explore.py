"""What the script of a page has to know of a table whose rows are points to choose from: cells, points, years.

The figures themselves stand in the page once, in the table; here is only which column is what. Without a script the
page shows the table, and nothing of this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sim.cli.report.results import Folder, TableFile, declared_tables
from sim.scenario.targets import Target
from sim.tables.declared import Column, Family

MOST_GRID: Final = 2
"""Columns that were chosen for a row, where the rows may fill a grid."""

_ROLES: Final = {
    "": "value",
    "_unlimited": "value",
    "_low": "low",
    "_high": "high",
    "_verdict": "verdict",
    "_held": "held",
}
"""What the columns of a target say, by what follows its name in the pattern of the family."""

_SAYS: Final = {
    "verdict": ("verdict", "outcome"),
    "first_to_fail": ("first_to_fail", "first_to_fail_unlimited"),
    "all_held": ("all_held",),
    "replications": ("replications",),
}
"""What a row says as a whole, and how columns are called that say it."""


@dataclass(frozen=True, slots=True)
class Explored:
    """A table to choose rows of."""

    table: TableFile
    title: str
    told: Mapping[str, Any]
    """As JSON: the places of columns in the table, and what targets ask."""


def explored(folder: Folder, table: TableFile, place_of: Callable[[Folder, str], str]) -> Explored | None:
    """What there is to choose in a table of a folder; None where its rows are no points, or are not as declared.

    `place_of` gives the address of a target in the page, "" where it has none.
    """
    declared, heads = declared_tables().get(table.name), table.records.heads
    if declared is None or not len(table.records.rows):
        return None
    chosen = declared.chosen(heads)
    if not chosen or len(set(heads)) < len(heads):
        return None
    columns: dict[str, int] = {}
    targets: list[dict[str, Any]] = []
    of_targets: tuple[str, ...] = ()
    for one, mine in declared.unfolded(heads):
        if isinstance(one, Column):
            columns[one.name] = heads.index(mine[0])
        elif one.pattern.startswith("<target>"):
            targets, of_targets = _targets(one, mine, heads, folder, place_of), mine
    told = {
        "chosen": [heads.index(head) for head in chosen],
        "axes": [heads.index(head) for head in _axes(folder, table, chosen)],
        "grid": _is_grid(table, chosen),
        "present": _present(folder, table, chosen),
        "targets": targets,
        **{what: next((columns[name] for name in names if name in columns), None) for what, names in _SAYS.items()},
        "unlimited": any(head.endswith(("_unlimited_share", "_unlimited_min")) for head in of_targets),
    }
    said = {told[name] for name in _SAYS}
    own = {*chosen, *of_targets}
    told["also"] = [at for at, head in enumerate(heads) if head not in own and at not in said]
    if told["verdict"] is None and not targets:
        return None
    what = "cell" if told["grid"] else "world" if "world" in columns else "point"
    return Explored(table, what, told)


def _targets(
    family: Family[Any],
    mine: tuple[str, ...],
    heads: tuple[str, ...],
    folder: Folder,
    place_of: Callable[[Folder, str], str],
) -> list[dict[str, Any]]:
    """What each target of a row asks, and in which columns it stands."""
    pattern = [part.removeprefix("<target>").removesuffix("_<unit>").removesuffix("_share") for part in _parts(family)]
    roles = [_ROLES.get(part, "") for part in pattern]
    known = folder.scenario.targets if folder.scenario is not None else {}
    found = []
    for at in range(0, len(mine), len(roles)):
        own = mine[at : at + len(roles)]
        name, _, unit = own[0].rpartition("_")
        name = name.removesuffix("_unlimited") if "_unlimited" in pattern else name
        found.append(
            {
                "name": name,
                "unit": unit,
                "place": place_of(folder, name),
                **{role: heads.index(head) for role, head in zip(roles, own, strict=False) if role},
                **(_asked(known[name]) if name in known else {}),
            }
        )
    return found


def _parts(family: Family[Any]) -> list[str]:
    return [part.strip() for part in family.pattern.split(",")]


def _asked(target: Target) -> dict[str, Any]:
    """What a target asks: in words, and as a number on one side of which it holds."""
    goal = target.goal
    return {"asked": target.asked, "threshold": goal.in_unit(goal.threshold), "at_least": goal.side == "at_least"}


def _axes(folder: Folder, table: TableFile, chosen: list[str]) -> tuple[str, str]:
    """What is shown across and up at first: the two ranges that matter most, where that is known, else the first."""
    ranked = folder.notes.get(table.name.partition("_")[0], {}).get("ranked")
    paths = [path for path in ranked if isinstance(path, str)] if isinstance(ranked, list) else []
    most = [head for path in paths for head in chosen if head == path or head.startswith(f"{path}_")]
    first, second, *_ = [*dict.fromkeys([*most, *chosen]), chosen[0]]
    return first, second


def _is_grid(table: TableFile, chosen: list[str]) -> bool:
    """Whether every value of one range meets every value of the other once."""
    if len(chosen) != MOST_GRID or table.records.n_rows > len(table.records.rows):
        return False
    pairs = {tuple(row.get(head) for head in chosen) for row in table.records}
    across, up = ({pair[at] for pair in pairs} for at in (0, 1))
    return len(pairs) == len(table.records.rows) == len(across) * len(up)


def _present(folder: Folder, table: TableFile, chosen: list[str]) -> list[float] | None:
    """Where the scenario as it is stands in a map, as places along its axes; None where it does not."""
    told = folder.notes.get(table.name, {})
    axes = [told.get(name) for name in ("x", "y")]
    places = [one.get("present_place") if isinstance(one, Mapping) else None for one in axes]
    if len(chosen) != MOST_GRID or not all(isinstance(one, int | float) for one in places):
        return None
    return [float(one) for one in places if one is not None]


# What a target asks where nothing judges it


@dataclass(frozen=True, slots=True)
class AskedRow:
    """A target of a scenario, without what it came to."""

    target: str
    claim: str
    asked: str


def asked_rows(folder: Folder) -> list[AskedRow]:
    """The targets of the scenario of a folder; none where it has none."""
    if folder.scenario is None:
        return []
    return [AskedRow(name, one.claim or "", one.asked) for name, one in folder.scenario.targets.items()]
