"""What was seen of the real line, published or logged, and what is to be fitted to some of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from sim.scenario import units
from sim.scenario.fields import Name, Part, Text, as_list, rule
from sim.scenario.plausible import End, Plausible
from sim.scenario.targets import Target

MOST_UNKNOWNS = 12
"""More is no fit: each takes runs of its own at every step, and few values were ever published."""


class Observed(Part):
    """A value that was seen: of a quantity as a target measures it, with how sure it is and who says so.

    The quantity is written as a target whose threshold is what was seen, or names a target of the document.
    """

    quantity: Target | None = None
    """A target of its own: `{stage: answer, asa: 12 min}` says that the mean was 12 min."""
    target: Name | None = None
    """The target of the document that measures the same. Such as `lost`."""
    value: End | None = None
    """What was seen, where a `target` is named whose threshold is another. Such as `3 min`, `12 %`."""
    tolerance: End
    """How far off a run may be: points of a share, a duration, or for a time a share of the value. Such as `2 %`, `1
    min`."""
    give_or_take: End | None = None
    """What the observed value itself may be off by, written as the tolerance is. Such as `1 %`."""
    sure: Annotated[str, Field(max_length=80)] = ""
    """How sure it is: read in the source, reported by others, logged, and so on. Such as `logged`."""
    source: Text = ""
    """Where it was read, for who wants to look it up. Such as `annual report, page 12`."""
    variant: Name | None = None
    """The variant that it is of; the document as it stands if None. Such as `busy_week`."""

    @model_validator(mode="after")
    def _one_quantity(self) -> Self:
        if (self.quantity is None) == (self.target is None):
            raise rule("say what was observed once: a `quantity` written as a target is, or the name of a `target`")
        if self.quantity is not None and self.value is not None:
            raise rule("the threshold of the `quantity` is the value that was observed; leave this out", "value")
        for name in ("tolerance", "give_or_take"):
            size = getattr(self, name)
            if size is not None and (units.split(size)[0] < 0 or (name == "tolerance" and not units.split(size)[0])):
                raise rule("must be above 0" if name == "tolerance" else "must not be below 0", name)
        return self


class Unknown(Plausible):
    """A value that is not known and is fitted, within a range, so that observed values come out."""

    path: Annotated[str, Field(max_length=300)]
    """Where in the document it stands. Such as `stages.answer.patience`."""
    by: Annotated[
        tuple[Name, ...],
        BeforeValidator(as_list),
        Field(strict=False, min_length=1),
        WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
    ]
    """The observed values that it is fitted to. Such as `answered`, `[answered, gone]`."""
    variant: Name | None = None
    """The variant in which it is fitted; one value for all if None. Such as `busy_week`."""


def groups(unknowns: Mapping[str, Unknown]) -> list[list[str]]:
    """The unknowns that are fitted together, for they share an observed value, in the order of the document.

    A group is fitted once those before it are.
    """
    found: list[list[str]] = []
    for name, unknown in unknowns.items():
        mine = [group for group in found if any(set(unknowns[other].by) & set(unknown.by) for other in group)]
        first = mine[0] if mine else []
        if not mine:
            found.append(first)
        for group in mine[1:]:
            first += group
            found.remove(group)
        first.append(name)
    return found


def fitted_to(unknowns: Mapping[str, Unknown], group: Sequence[str]) -> list[str]:
    """The observed values that a group is fitted to, each once."""
    return list(dict.fromkeys(name for unknown in group for name in unknowns[unknown].by))
