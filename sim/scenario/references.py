"""Names that a document gives to its own things, and that must exist where others use them.

They are read from its tree, so that they are known beside any fault.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sim.dynamics.clock import DAY
from sim.scenario import shape
from sim.scenario.branches import Cue, loops
from sim.scenario.calendars import Calendar, Dates, circles
from sim.scenario.demand import ONE_CATEGORY, ONE_CHANNEL, ONE_RISK, TAKEN
from sim.scenario.faults import Fault, at, shown
from sim.scenario.fields import hint, near
from sim.scenario.messages import not_a_key
from sim.scenario.moments import GIVEN
from sim.scenario.pieces import Pieces
from sim.scenario.plausible import Observed, Unknown, fitted_to, groups
from sim.scenario.profiles import never_open
from sim.scenario.routes import asides_of
from sim.scenario.schema import (
    ByAttribute,
    Demand,
    Filter,
    Labeller,
    Milestone,
    Pool,
    Stage,
    Target,
)
from sim.scenario.stages import OTHER, UNLABELLED
from sim.scenario.targets import PLACES, Between, OfPool, OfTips
from sim.scenario.together import DayKind, Incident
from sim.scenario.tree import Node, Path, find, node_at

Known = tuple[str, ...] | None
"""Names in their order; None where the document is too broken there to tell."""


@dataclass(frozen=True, slots=True)
class KnownNames:
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


def names_of(root: Node) -> KnownNames:
    """The names in a tree."""
    demand = root.child("demand")
    channel = _keys(demand, "channels", (ONE_CHANNEL,))
    risk, labeller = _risks(demand), _keys(root, "labels", ())
    return KnownNames(
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


GIVEN_ATTRIBUTES = ("channel", "risk", "tier", "category")
FILTERED = (*GIVEN_ATTRIBUTES, "stage", "labelled_by")


def reference_faults(found: Pieces) -> tuple[list[Fault], set[Path]]:
    """Every name that is used and does not exist, in the parts of a document that can be read at all.

    Beside them the parts in which such names stand, such as ("targets", "rapid"): nothing may be built on them.
    """
    look = _Look(found, names_of(found.root))
    stages: dict[int, Stage] = found["stages"] or {}
    _calendars(look, found["calendars"] or {})
    _demand(look, found["demand"])
    _labels(look, found["labels"] or {}, stages)
    for name, pool in (found["pools"] or {}).items():
        _pool(look, name, pool)
    for index, stage in stages.items():
        _stage(look, index, stage, stages)
    for name, milestone in (found["milestones"] or {}).items():
        _milestone(look, name, milestone)
    for name, target in (found["targets"] or {}).items():
        _target(look, name, target, found["pools"] or {})
    _start(look)
    _observed(look, found)
    return look.faults, look.doubtful


def resolved(target: Target, milestones: dict[str, Milestone]) -> Target:
    """The target with its milestones looked up."""
    if not isinstance(target, Between):
        return target
    ends = {"from_": looked_up(target.from_, milestones), "to": looked_up(target.to, milestones)}
    return target.model_copy(update=ends)


def looked_up(end: Milestone, milestones: dict[str, Milestone]) -> Milestone:
    """The milestone that a target names, or the moments that it gives itself; KeyError when there is none."""
    return end if end.moments else milestones[end.name].model_copy(update={"name": end.name})


@dataclass(slots=True)
class _Look:
    found: Pieces
    names: KnownNames
    faults: list[Fault] = field(default_factory=list)
    doubtful: set[Path] = field(default_factory=set)

    def say(self, path: Path, rule: str, *, key: bool = False, got: Any = None) -> None:
        mark, shown_path = find(self.found.root, path, key=key)
        self.doubtful.add(path[:2])
        self.faults.append(at(mark, shown_path, rule, "" if got is None else shown(got)))

    def known(self, path: Path, name: str, what: str, known: Known, *, key: bool = False) -> bool:
        """Say so when a name does not exist; nothing is said where the names cannot be told."""
        if known is None or name in known:
            return True
        self.say(path, f"there is no {what} '{name}'{hint(name, known)}", key=key)
        return False

    def one_of(self, path: Path, name: str, known: Sequence[str]) -> bool:
        """Say so when a name is none of a few."""
        if name in known:
            return True
        self.say(path, f"must be one of {', '.join(known)}{near(name, known)}", got=name)
        return False


def _filter(look: _Look, path: Path, one: Filter | None, *, stages: bool = False, ages: bool = False) -> None:
    if one is None:
        return
    if one.waited is not None and not ages:
        look.say((*path, "waited"), "only the filters of serve_first ask how long a tip has waited", key=True)
    for key in (*FILTERED, *one.own):
        wanted = one.asked(key)
        if wanted is None:
            continue
        if key in one.own and (look.names.own is None or key not in look.names.own):
            if look.names.own is not None:
                look.say((*path, key), not_a_key(key, path, own=tuple(look.names.own)), key=True)
            continue
        if key == "stage" and not stages:
            look.say((*path, key), "only the filters of serve_first and preempt name a stage", key=True)
            continue
        for name in sorted(wanted):
            what = "labeller" if key == "labelled_by" else key
            look.known(_item(look, (*path, key), name), name, what, look.names.of(key))


def _item(look: _Look, path: Path, name: str) -> Path:
    """The path of a name in a list of names, or of the name alone."""
    node = node_at(look.found.root, path)
    if node is not None and isinstance(node.value, list):
        return (*path, next(index for index, item in enumerate(node.value) if item.value == name))
    return path


def _by(look: _Look, path: Path, value: ByAttribute[Any] | None) -> None:
    """A value by attribute has values for names that there are; which it needs is told by the ways of tips."""
    if value is None or value.by is None:
        return
    if look.names.own is None and value.by not in GIVEN_ATTRIBUTES:
        return
    attributes = (*GIVEN_ATTRIBUTES, *(look.names.own or ()))
    if not look.one_of((*path, "by"), value.by, attributes):
        return
    rest = (OTHER, UNLABELLED) if value.by == "tier" else (OTHER,)
    known = look.names.of(value.by)
    _no_other(look, path, [name for name in value.values if name not in rest], value.by, known)


def _no_other(look: _Look, path: Path, given: Iterable[str], what: str, known: Known) -> None:
    """Every name that is given must be known."""
    for name in given:
        look.known((*path, name), name, what, known, key=True)


def _complete(look: _Look, path: Path, given: Collection[str], what: str, known: Known, rule: str) -> None:
    """Every name must be there, and no other."""
    _no_other(look, path, given, what, known)
    if missing := [f"'{name}'" for name in known or () if name not in given]:
        look.say(path, f"{rule} {what} {', '.join(missing)}")


def _calendars(look: _Look, calendars: dict[str, Calendar]) -> None:
    for path, dates in dated(look.found):
        for row, one in enumerate(dates):
            if one.closed is not None:
                inner: Path = (*path, row) if _is_list(look, path) else path
                look.known((*inner, "closed"), one.closed, "calendar", look.names.calendar)
    for name in circles(calendars):
        look.say(("calendars", name, "closed"), "the dates on which it is closed lead back to itself")


def dated(found: Pieces) -> Iterator[tuple[Path, tuple[Dates, ...]]]:
    """Every place of a document at which dates stand, and the dates."""
    calendars: dict[str, Calendar] = found["calendars"] or {}
    pools: dict[str, Pool] = found["pools"] or {}
    for name, calendar in calendars.items():
        for number, row in enumerate(calendar.open):
            yield ("calendars", name, "open", number, "on"), row.on or ()
        yield ("calendars", name, "closed"), calendar.closed_on
    demand: Demand | None = found["demand"]
    for number, some in enumerate(demand.by_date if demand is not None else ()):
        yield ("demand", "by_date", number, "on"), some.on
    for name, pool in pools.items():
        for number, shift in enumerate(pool.shifts):
            yield ("pools", name, "shifts", number, "on"), shift.on or ()
        for number, block in enumerate(pool.levels.blocks if pool.levels else ()):
            yield ("pools", name, "levels", number, "on"), block.on or ()


def _is_list(look: _Look, path: Path) -> bool:
    node = node_at(look.found.root, path)
    return node is not None and isinstance(node.value, list)


def _demand(look: _Look, demand: Demand | None) -> None:
    if demand is None:
        return
    _complete(look, ("demand", "risk"), demand.risk, "channel", look.names.channel, "is missing a row for")
    for name, rows in demand.attributes.items():
        path: Path = ("demand", "attributes", name)
        _complete(look, path, rows, "channel", look.names.channel, "is missing a row for")
    for name, channel in demand.channels.items():
        if channel.open is not None:
            look.known(("demand", "channels", name, "open"), channel.open, "calendar", look.names.calendar)
    if look.found.sound("calendars"):
        for name, why in never_open(demand, look.found["calendars"]).items():
            look.say(("demand", "channels", name, "open"), why)
    names = [surge.name for surge in demand.surges]
    for row, surge in enumerate(demand.surges):
        path = ("demand", "surges", row)
        if surge.name in names[:row]:
            look.say((*path, "name"), f"two surges are named '{surge.name}'")
        if surge.channel is not None:
            look.known((*path, "channel"), surge.channel, "channel", look.names.channel)
    for name, incident in demand.incidents.items():
        _incident(look, ("demand", "incidents", name), incident)
    for name, kind in demand.day_kinds.items():
        _day_kind(look, ("demand", "day_kinds", name, "factor"), kind)


def _incident(look: _Look, path: Path, incident: Incident) -> None:
    for key, what in (("channels", "channel"), ("risk", "risk"), ("category", "category")):
        _mixed(look, (*path, key), getattr(incident, key), what, look.names.of(what))
    for name, shares in incident.attributes.items():
        if look.names.own is not None and look.known(
            (*path, "attributes", name), name, "attribute", (*look.names.own,)
        ):
            _mixed(look, (*path, "attributes", name), shares, name, look.names.of(name))


def _mixed(look: _Look, path: Path, shares: Mapping[str, float] | None, what: str, known: Known) -> None:
    """Names of shares, or the one name that stands for all of them."""
    node = node_at(look.found.root, path)
    by_name = node is not None and isinstance(node.value, dict)
    for name in shares or ():
        look.known((*path, name) if by_name else path, name, what, known, key=by_name)


def _day_kind(look: _Look, path: Path, kind: DayKind) -> None:
    names = [name for name in kind.factor if name]
    channel, category = look.names.channel, look.names.category
    if channel is None or category is None or {*names} <= {*channel} or {*names} <= {*category}:
        return
    known = (*channel, *category)
    there = [look.known((*path, name), name, "channel or category", known, key=True) for name in names]
    if all(there):
        look.say(path, "factors are given by channel or by category, not by both")


def _labels(look: _Look, labels: dict[str, Labeller], stages: dict[int, Stage]) -> None:
    for name, labeller in labels.items():
        _complete(look, ("labels", name, "assigns"), labeller.assigns, "risk", look.names.risk, "is missing a row for")
    if labels and look.found.sound("stages") and not any(stage.label for stage in stages.values()):
        look.say(("labels",), "no stage labels: name a labeller in the `label` of a stage", key=True)


def _pool(look: _Look, name: str, pool: Pool) -> None:
    for row, one in enumerate(pool.preempt):
        _filter(look, ("pools", name, "preempt", row), one, stages=True)
    for row, rank in enumerate(pool.serve_first):
        for item, one in enumerate(rank):
            _filter(look, ("pools", name, "serve_first", row, item), one, stages=True, ages=True)
    for stage in pool.speed.by_stage:
        look.known(("pools", name, "speed", "by_stage", stage), stage, "stage", look.names.stage, key=True)


def _stage(look: _Look, index: int, stage: Stage, stages: dict[int, Stage]) -> None:
    path: Path = ("stages", index)
    if stage.name in GIVEN or stage.name.isdigit():
        look.say((*path, "name"), "a stage cannot be named arrival, leave, lost or by a number", got=stage.name)
    if any(other.name == stage.name for before, other in stages.items() if before < index):
        look.say((*path, "name"), f"two stages are named '{stage.name}'")
    _filter(look, (*path, "for"), stage.for_)
    for keys, value in stage.by_attribute():
        _by(look, (*path, *keys), value)
    if stage.pool is not None:
        look.known((*path, "pool"), stage.pool, "pool", look.names.pool)
    if stage.label is not None:
        look.known((*path, "label"), stage.label, "labeller", look.names.labeller)
    for row, over in enumerate(stage.overflow):
        to: Path = (*path, "overflow", row, "to")
        look.known(to, over.to, "pool", look.names.pool)
        if over.to == stage.pool:
            look.say(to, "overflow goes to another pool than the stage's own")
    for key in ("gives_up_to", "turned_away_to"):
        _aside(look, (*path, key), getattr(stage, key), index, stages)
    if stage.after is not None:
        _after(look, (*path, "after"), stage.after, index, stages)
    if stage.open is not None:
        look.known((*path, "open"), stage.open, "calendar", look.names.calendar)
    if stage.every is not None and DAY % stage.every and look.found.sound("run") and look.found["run"].zone is not None:
        look.say((*path, "every"), "in a zone the gate opens at times of the day, so this must divide 24 h")
    if stage.rework is not None:
        back = (*path, "rework", "back_to")
        if look.known(back, stage.rework.back_to, "stage", look.names.stage) and not any(
            other.name == stage.rework.back_to for before, other in stages.items() if before <= index
        ):
            look.say(back, "rework goes back to the same or an earlier stage", got=stage.rework.back_to)


def _after(look: _Look, path: Path, cues: tuple[Cue, ...], index: int, stages: dict[int, Stage]) -> None:
    """What a stage begins with are moments of stages written before it, and it is not sent back to in between."""
    at = {stage.name: number for number, stage in reversed(stages.items())}
    several = _is_list(look, path)
    for row, cue in enumerate(cues):
        inner: Path = (*path, row) if several else path
        if cue in cues[:row]:
            look.say(inner, f"'{cue}' is named twice")
        if cue.stage is None or not look.known(inner, cue.stage, "stage", look.names.stage) or cue.stage not in at:
            continue
        if at[cue.stage] == index:
            look.say(inner, "a stage cannot begin with a moment of its own")
        elif at[cue.stage] > index:
            look.say(inner, f"a stage begins after what is written before it, and '{cue.stage}' is written later")
        elif cue.stage in asides_of(stages.values()):
            look.say(inner, f"'{cue.stage}' is reached only in vain, and its end counts as that of the stage given up")
    number = list(stages)
    for first, last in loops(tuple(stages.values())):
        back, from_ = stages[number[first]].name, stages[number[last]].name
        if number[first] < index <= number[last]:
            rule = f"'{from_}' sends tips back to '{back}', and all between them is one branch"
            look.say(path, rule, key=True)
    if stages[index].name in asides_of(stages.values()):
        look.say(path, "what is reached only by giving up or being turned away begins with that", key=True)


def _aside(look: _Look, path: Path, name: str | None, index: int, stages: dict[int, Stage]) -> None:
    """A stage that is reached in no other way than in vain from an earlier one."""
    if name is None or not look.known(path, name, "stage", look.names.stage):
        return
    at = next((number for number, stage in stages.items() if stage.name == name), None)
    if at is None:
        return
    if at <= index:
        look.say(path, "leads to a stage that is written later", got=name)
    if any(stage.rework is not None and stage.rework.back_to == name for stage in stages.values()):
        look.say(
            path, "rework goes back to that stage, and what is reached in vain is reached in no other way", got=name
        )


def _milestone(look: _Look, name: str, milestone: Milestone) -> None:
    if name in GIVEN:
        look.say(("milestones", name), f"'{name}' is given and cannot be named again", key=True)
    _moments(look, ("milestones", name), milestone)


def _moments(look: _Look, path: Path, milestone: Milestone) -> None:
    if not milestone.moments:
        what = "milestone" if path[0] == "targets" else "moment"
        look.known(
            path, milestone.name, what, (*(look.names.milestone or ()), *GIVEN) if what == "milestone" else GIVEN
        )
    for row, one in enumerate(milestone.moments):
        if one.stage is not None:
            of = "first_of" if milestone.first_of else "all_of" if milestone.all_of else None
            inner: Path = (row,) if of is None else (of, row)
            look.known((*path, *inner), one.stage, "stage", look.names.stage)


def _target(look: _Look, name: str, target: Target, pools: dict[str, Pool]) -> None:
    path: Path = ("targets", name)
    if (
        isinstance(target, OfPool)
        and look.known((*path, "pool"), target.pool, "pool", look.names.pool)
        and target.in_each == "centre"
        and (target.pool in pools and pools[target.pool].shared)
    ):
        look.say((*path, "in_each"), f"the pool '{target.pool}' is shared by all centres")
    if target.in_each is not None and look.names.own is not None:
        look.one_of((*path, "in_each"), target.in_each, (*PLACES, *look.names.own))
    if isinstance(target, OfTips):
        _filter(look, (*path, "of"), target.of)
        if target.at_stage is not None:
            look.known((*path, "stage"), target.at_stage, "stage", look.names.stage)
    if target.runs_by is not None:
        look.known((*path, "clock"), target.runs_by, "calendar", look.names.calendar)
    if isinstance(target, Between) and look.names.milestone is not None:
        _moments(look, (*path, "from"), target.from_)
        _moments(look, (*path, "to"), target.to)


def _observed(look: _Look, found: Pieces) -> None:
    """What was observed and what is fitted to it; which of the targets there are is looked up when they are asked."""
    variants = found["variants"] or {}
    seen: dict[str, Observed] = found["observed"] or {}
    unknowns: dict[str, Unknown] = found["fit"] or {}
    given = look.found.root.child("observed")
    known = tuple(given.value) if given and isinstance(given.value, dict) else ()
    both: Iterable[tuple[Path, Observed | Unknown]] = (
        *((("observed", name), one) for name, one in seen.items()),
        *((("fit", name), one) for name, one in unknowns.items()),
    )
    for path, one in both:
        if one.variant is not None:
            look.known((*path, "variant"), one.variant, "variant", tuple(variants))
    for name, unknown in unknowns.items():
        for by in unknown.by:
            if not look.known(("fit", name, "by"), by, "observed value", known) or by not in seen:
                continue
            if unknown.variant is not None and seen[by].variant != unknown.variant:
                look.say(
                    ("fit", name, "by"), f"'{by}' is not of the variant '{unknown.variant}', in which this is fitted"
                )
        if shape.is_whole(tuple(unknown.path.split("."))):
            look.say(("fit", name, "path"), "takes whole numbers only, and a fit tries what lies between them")
        elif unknown.from_ == unknown.to:
            look.say(("fit", name, "to"), "a range to fit in is more than one value")
        twice = (other for other, one in unknowns.items() if (one.path, one.variant) == (unknown.path, unknown.variant))
        if (first := next(twice)) != name:
            look.say(("fit", name, "path"), f"is fitted by '{first}' already")
    for group in groups(unknowns):
        if len(group) > len(values := fitted_to(unknowns, group)):
            rule = f"{len(group)} unknowns ({', '.join(group)}) are fitted to {len(values)} observed; it takes as many"
            look.say(("fit", group[-1], "by"), rule)


def _start(look: _Look) -> None:
    start = look.found.root.child("start_with")
    backlog = start.child("backlog") if start else None
    for name in backlog.value if backlog and isinstance(backlog.value, dict) else ():
        look.known(("start_with", "backlog", name), name, "stage", look.names.stage, key=True)
