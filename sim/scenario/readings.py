"""The formal senses that a claim may have: lenient, moderate and strict, each in one of four forms."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import BeforeValidator, Field, ModelWrapValidatorHandler, WithJsonSchema, model_validator

from sim.scenario import units
from sim.scenario.choices import READINGS as READINGS
from sim.scenario.choices import ReadingName as ReadingName
from sim.scenario.fields import AlsoWritten, Name, Part, Text, rule
from sim.scenario.targets import Target

Sense = Literal["at least", "at most", "about"]
"""How a figure is meant."""

Form = Literal["target", "input", "bound", "arithmetic_only"]
FORMS: Final[tuple[Form, ...]] = get_args(Form)


def _figure(given: object) -> object:
    units.split(given)
    return given


Figure = Annotated[Any, BeforeValidator(_figure), WithJsonSchema({"type": ["string", "number"]})]
"""A share, a duration, a rate or a number, as written."""


class Bound(Part):
    """A bound on two quantities: one `of` them is at least, at most or about so many times the other.

    Three quantities are known to the program: `staff`, the price an hour of the cheapest staffing; `work`, the mean
    time that people spend on a tip; and `tip`, one tip. Others are named for the reader.
    """

    of: Text
    """One quantity: `staff`, `work`, `tip`, or one named for the reader. Such as `staff`."""
    to: Text
    """The other. Such as `staff`."""
    at_least: Figure | None = None
    """So many times the other at least. Such as `70 %`."""
    at_most: Figure | None = None
    """So many times the other at most. Such as `2`."""
    about: Figure | None = None
    """About so many times the other. Such as `10`."""
    changed: dict[str, Any] = Field(default_factory=dict)
    """Changes of the scenario, by path, under which the second quantity is taken. Such as `{demand.growth: 0 %}`."""

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if sum(limit is not None for limit in (self.at_least, self.at_most, self.about)) != 1:
            raise rule("a bound needs one of `at_least`, `at_most` and `about`", value=False)
        return self

    @property
    def sense(self) -> Sense:
        return "at least" if self.at_least is not None else "at most" if self.at_most is not None else "about"

    @property
    def text(self) -> str:
        """The limit as written."""
        return str(next(limit for limit in (self.at_least, self.at_most, self.about) if limit is not None))

    @property
    def words(self) -> str:
        """The bound in a sentence without a subject."""
        return f"{self.of} {self.sense} {self.text} of {self.to}"


class Reading(Part):
    """One formal sense: a target, inputs that it fixes, a bound on two quantities, or why there is only arithmetic."""

    says: Text = ""
    """The sense in words, where the form does not say it all. Such as `counted from the first ring`."""
    subject: Name | None = None
    """What is counted, where that is not the claim's own subject. Such as `answered_calls`."""
    target: Target | None = None
    """A target that a run is judged by. Such as `{from: arrival, to: answer.start, mean: 1 min}`."""
    input: Annotated[dict[str, Any], Field(min_length=1, max_length=50)] | None = None
    """Values by path, which the claim fixes in the scenario. Such as `{demand.volume: 30000/year}`."""
    bound: Bound | None = None
    """A bound on two quantities. Such as `{of: staff, to: staff, at_most: 70 %, changed: {demand.growth: 0 %}}`."""
    arithmetic_only: Text | None = None
    """Why no run can test it. Such as `the source names no period`."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = [form for form in FORMS if getattr(self, form) is not None]
        if len(given) != 1:
            what = f", and this has {' and '.join(given)}" if given else ""
            raise rule(f"a reading is one of {', '.join(FORMS)}{what}", value=False)
        return self

    @property
    def form(self) -> Form:
        return next(form for form in FORMS if getattr(self, form) is not None)


OrNamed = Annotated[Reading, AlsoWritten({"enum": list(READINGS)})]
"""A reading, or in a document the name of another."""


class Readings(Part):
    """Up to three senses. One may be named in place of another that is the same: `strict: moderate`."""

    lenient: OrNamed | None = None
    """The sense that is kept most easily."""
    moderate: OrNamed | None = None
    """The sense that a reader takes it in."""
    strict: OrNamed | None = None
    """The sense to the letter."""

    @model_validator(mode="wrap")
    @classmethod
    def _as_named(cls, given: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(given, dict):
            return read(given)
        named = {name: value for name, value in given.items() if isinstance(value, str)}
        for name, value in named.items():
            if value == name or not isinstance(given.get(value), dict):
                raise rule("a reading may name another one that is written out: lenient, moderate or strict", name)
        found = read({name: value for name, value in given.items() if name not in named})
        if not named:
            return found
        return found.model_copy(update={name: getattr(found, value) for name, value in named.items()})

    def get(self, name: ReadingName) -> Reading | None:
        found: Reading | None = getattr(self, name)
        return found

    @property
    def given(self) -> dict[ReadingName, Reading]:
        """Those that there are, by name, the lenient first."""
        return {name: reading for name in READINGS if (reading := self.get(name)) is not None}
