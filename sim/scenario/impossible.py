"""What no tip can do: faults of a document whose names are right and whose ways lead nowhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from sim.scenario.faults import Fault, at
from sim.scenario.moments import of_stage
from sim.scenario.pieces import Pieces
from sim.scenario.references import looked_up
from sim.scenario.routes import FROM, TO, Crowd, crowd, ways
from sim.scenario.schema import Filter, Milestone, Stage
from sim.scenario.stages import OTHER, UNLABELLED
from sim.scenario.targets import Between, OfTips
from sim.scenario.tree import Path, find

NO_INCIDENTS: Final = "`demand` has no `incidents`, and no `trace` that may name any"


def route_faults(found: Pieces, doubtful: set[Path]) -> list[Fault]:
    """Stages that no tip reaches and targets whose moments no tip has.

    `doubtful` are the parts with faults of their own: nothing is said that rests on them.
    """
    if not found.sound("demand", "labels", "stages") or any(
        path[0] in ("demand", "labels", "stages") for path in doubtful
    ):
        return []
    stages: tuple[Stage, ...] = tuple(found["stages"].values())
    if any(stage.label is not None and stage.label not in found["labels"] for stage in stages):
        return []
    targets = {
        name: target
        for name, target in (found["targets"] or {}).items()
        if isinstance(target, OfTips) and ("targets", name) not in doubtful
    }
    tips = crowd(found["demand"], found["labels"], stages, [target.of for target in targets.values()])
    rules = [*_stage_rules(tips, stages), *_target_rules(tips, stages, targets, found["milestones"] or {}, doubtful)]
    return [at(*find(found.root, path), rule) for path, rule in rules]


def _stage_rules(tips: Crowd, stages: Sequence[Stage]) -> Iterator[tuple[Path, str]]:
    found = ways(tips, stages)
    reached = found.entering
    labelling = [bool(stage.label) for stage in stages]
    for number, (stage, entering) in enumerate(zip(stages, reached, strict=True)):
        if not entering.any():
            yield (
                ("stages", number, "for"),
                f"no tip reaches this stage{_why(tips, stage.for_, any(labelling[:number]))}",
            )
            continue
        for nth, cue in enumerate(stage.after or ()):
            if found.met is not None and (number, nth) not in found.met:
                yield ("stages", number, "after"), f"'{cue}' never lies on the way of a tip that comes to this stage"
        if stage.merge is not None and not (entering & tips.of_incidents).any():
            why = "no tip of an incident reaches this stage" if tips.of_incidents.any() else NO_INCIDENTS
            yield ("stages", number, "merge"), f"nothing merges here: {why}"
        for keys, value in stage.by_attribute():
            if value.by is None:
                continue
            names = tips.names[value.by]
            codes = np.unique(np.broadcast_to(tips.codes[value.by], entering.shape)[entering]).tolist()
            if missing := [f"'{names[code]}'" for code in codes if code >= 0 and not value.has(names[code], names)]:
                yield ("stages", number, *keys), f"is missing a value for {value.by} {', '.join(missing)}"
            if codes[0] < 0 and not value.has(None, names):
                rule = f"a tip without a label can reach this stage: `{UNLABELLED}` or `{OTHER}` is to say what it gets"
                yield ("stages", number, *keys, "by"), rule


def _why(tips: Crowd, one: Filter | None, labelled_before: bool) -> str:
    if one is None:
        return ""
    if not tips.labels and one.labelled is False:
        return ": without `labels` the tier of every tip is its true risk"
    if tips.labels and not labelled_before and (one.tier is not None or one.labelled or one.labelled_by is not None):
        return ": no stage before it labels"
    return ": nobody who comes here matches its `for`"


def _target_rules(
    tips: Crowd,
    stages: Sequence[Stage],
    targets: Mapping[str, OfTips],
    milestones: dict[str, Milestone],
    doubtful: set[Path],
) -> Iterator[tuple[Path, str]]:
    known = {}
    for name, target in targets.items():
        ends: dict[str, Milestone] = {}
        if isinstance(target, Between):
            if any(("milestones", end.name) in doubtful for end in (target.from_, target.to)):
                continue
            try:
                ends = {"from": looked_up(target.from_, milestones), "to": looked_up(target.to, milestones)}
            except KeyError:
                continue
        elif target.at_stage is not None:
            ends = {"from": of_stage(target.at_stage, "enter"), "to": of_stage(target.at_stage, "start")}
        key = tuple(end.moments for end in ends.values())
        if key not in known:
            known[key] = ways(tips, stages, ends.get("from"), ends.get("to")).ending
        ending = known[key][tips.of(target.of)]
        if not ending.any():
            yield ("targets", name, "of"), "no tip can be of this kind"
            continue
        if target.at_stage is not None:
            if not ending[:, FROM | TO].any():
                yield ("targets", name, "stage"), f"no tip that this target judges can come to '{target.at_stage}'"
            continue
        for side, bit in (("from", FROM), ("to", TO)) if ends else ():
            if not ending[:, [had for had in range(4) if had & bit]].any():
                why = _no_merging(stages, ends[side])
                yield ("targets", name, side), f"no tip that this target judges can have '{ends[side].name}'{why}"
        if ends and ending[:, FROM].any() and ending[:, TO].any() and not ending[:, FROM | TO].any():
            both = " and ".join(f"'{end.name}'" for end in ends.values())
            yield ("targets", name), f"no tip that this target judges can have both {both}"


def _no_merging(stages: Sequence[Stage], milestone: Milestone) -> str:
    """That a moment of merging is at a stage where nothing merges, where that is why; else ""."""
    keeping = {stage.name for stage in stages if stage.merge is None}
    at = [one.stage for one in milestone.moments if one.what == "merged" and one.stage in keeping]
    return f": '{at[0]}' has no `merge`" if len(at) == len(milestone.moments) else ""
