"""Asides where tips may be in several places at a time: which documents say of all that is written after an aside what
it begins with.

What awaits the end of a stage, and is written after its aside, begins at the end of the aside where the stage is given
up, or turns tips away. Nothing else of a tip's way may depend on that: it is drawn once, whatever is in vain. What
would have it otherwise is told here as a fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sim.scenario.branches import OfAsides, branching, loops
from sim.scenario.pools import Pool
from sim.scenario.stages import Stage

_OF_LABEL: Final = ("tier", "labelled_by")

Place = tuple[int, str]
"""The place of a stage in the order, and the key that is at fault."""


def aside_faults(stages: Sequence[Stage], found: OfAsides, pools: Mapping[str, Pool]) -> Iterator[tuple[Place, str]]:
    """What of a document would depend on what was in vain; `found` is what asides make of the ways of tips."""
    if branching(stages):
        yield from _of_asides(stages)
        yield from _past_rework(stages)
        for number, before, leader, aside in sorted(found.follows):
            names = (stages[at].name for at in (number, before, leader, aside))
            rule = "say with `after` what '{}' begins with: '{}' is not come to where '{}' was in vain, but '{}' is"
            yield (number, "name"), rule.format(*names)
        for number, of in sorted(found.label):
            if key := _asked_at(stages[number], pools):
                rule = (
                    f"asks for the label of '{stages[of].name}', which not all have who come here after something was "
                    "in vain: label all of them in a stage of their own before this one"
                )
                yield (number, key), rule
        for number, of in sorted(found.hangs):
            rule = (
                f"whether '{stages[of].name}' lies on a tip's way is not known where something before it was in vain: "
                "name a moment that lies on the way of all who come here"
            )
            yield (number, "after"), rule


def _of_asides(stages: Sequence[Stage]) -> Iterator[tuple[Place, str]]:
    for number, stage in enumerate(stages):
        leaders = [other.name for other in stages if stage.name in other.asides]
        if leaders and stage.rework is not None:
            yield (
                (number, "rework"),
                "an aside beside branches (`after`) sends no tips back: what follows is drawn once",
            )
        if len(leaders) > 1 and stage.merge is not None:
            rule = f"beside branches (`after`) an aside of several stages ({', '.join(leaders)}) does not merge"
            yield (number, "merge"), rule


def _past_rework(stages: Sequence[Stage]) -> Iterator[tuple[Place, str]]:
    """Who goes past a stage that sends back, and is sent back there later, has not used up what was drawn of it."""
    at = {stage.name: number for number, stage in reversed(list(enumerate(stages)))}
    again = loops(stages)
    for number, stage in enumerate(stages):
        for key in ("gives_up_to", "turned_away_to"):
            aside = at.get(getattr(stage, key) or "", number)
            for first, last in again:
                senders = [sender for back, sender in again if back <= last and aside < sender]
                if number <= last < aside and senders:
                    rule = (
                        f"beside branches (`after`) no aside leads past '{stages[last].name}', which sends tips back "
                        f"to '{stages[first].name}', to where '{stages[senders[0]].name}' sends them back once more"
                    )
                    yield (number, key), rule


def _asked_at(stage: Stage, pools: Mapping[str, Pool]) -> str | None:
    """The key of a stage by which something there depends on the label, if anything does."""
    if stage.for_ is not None and stage.for_.of_label:
        return "for"
    for keys, value in stage.by_attribute():
        if value.by in _OF_LABEL:
            return keys[0]
    for pool in (pools[name] for name in stage.pools if name in pools):
        filters = [*pool.preempt, *(one for rank in pool.serve_first for one in rank)]
        if any(one.of_label for one in filters):
            return "pool"
    return None
