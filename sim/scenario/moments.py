"""Moments of a tip's life and the names that a document gives to them: what targets count from, and what to."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from sim.scenario.fields import Name, Part, Several
from sim.scenario.fields import rule as fault

GIVEN: Final = ("arrival", "leave", "lost")
"""Moments that every tip may have without any stage."""

OF_STAGE: Final = ("enter", "start", "end", "merged")
"""Moments of a visit to a stage."""

Where = Literal["enter", "start", "end", "merged", "gave_up", "turned_away", "arrival", "leave", "lost"]
"""What a moment is. When the last attempt was in vain, documents cannot name: trade words ask for it."""


class Moment(Part):
    """A moment of a tip's life: `<stage>.enter`, `.start`, `.end`, `.merged`, or arrival, leave, lost."""

    stage: Name | None
    what: Where

    def __str__(self) -> str:
        return self.what if self.stage is None else f"{self.stage}.{self.what}"


class Milestone(Part):
    """One or several moments: the first one named that the tip has, with `first_of` the earliest, or with `all_of` the
    latest of those on its way, once all of them have come."""

    name: str
    """Its name in `milestones`, or its text where a target gives the moments themselves."""
    moments: Several[Moment]
    """Empty until a milestone that a target names is looked up."""
    first_of: bool = False
    all_of: bool = False

    @model_validator(mode="before")
    @classmethod
    def _as_written(cls, given: Any) -> Any:
        if isinstance(given, Milestone):
            return given
        if isinstance(given, str):
            return {"name": given, "moments": (moment(given),) if "." in given or given in GIVEN else ()}
        form = "a milestone is one moment, a list of moments, {first_of: [...]} or {all_of: [...]}"
        of = next((key for key in ("first_of", "all_of") if isinstance(given, dict) and key in given), None)
        if of is not None and len(given) > 1:
            raise fault(form, value=False)
        texts = given[of] if of is not None else given
        if not isinstance(texts, list | tuple):
            raise fault(form)
        if not 1 <= len(texts) <= 100:
            raise fault("a milestone needs at least one moment (and at most 100)", value=False)
        moments = tuple(moment(text, *((of,) if of is not None else ()), row) for row, text in enumerate(texts))
        ways = {"first_of": of == "first_of", "all_of": of == "all_of"}
        return {"name": ", ".join(texts), "moments": moments, **ways}

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        several = {"type": "array", "items": {"type": "string"}, "minItems": 1}
        of_several = [
            {"type": "object", "properties": {key: several}, "required": [key], "additionalProperties": False}
            for key in ("first_of", "all_of")
        ]
        return {"anyOf": [{"type": "string"}, several, *of_several]}


def of_stage(stage: str, what: Where) -> Milestone:
    """A moment of the first visit to a stage, as a milestone."""
    one = Moment.model_construct(stage=stage, what=what)
    return Milestone.model_construct(name=str(one), moments=(one,), first_of=False, all_of=False)


def moment(text: object, *at: str | int) -> Moment:
    """The moment that a text such as `answer.start` or `arrival` names."""
    if not isinstance(text, str):
        raise fault("a moment is written answer.start, or arrival, leave, lost", *at)
    if text in GIVEN:
        return Moment.model_construct(stage=None, what=text)
    stage, dot, what = text.rpartition(".")
    if not dot or not stage:
        raise fault(f"a moment is written answer.start, or arrival, leave, lost (not '{text[:40]}')", *at, value=False)
    if what not in OF_STAGE:
        raise fault(f"a stage has the moments enter, start, end and merged, not '{what[:40]}'", *at, value=False)
    return Moment.model_construct(stage=stage, what=what)
