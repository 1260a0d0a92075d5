"""Ranges of what is not known, each between two values as the document writes them."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, PrivateAttr, WithJsonSchema, model_validator

from sim.scenario import units
from sim.scenario.fields import Part, Text, rule


def _end(given: object) -> object:
    units.split(given)
    return given


End = Annotated[Any, BeforeValidator(_end), WithJsonSchema({"type": ["string", "number"]})]


class Plausible(Part):
    """A range for the value at a path, from one end `to` the other."""

    given_from: End = Field(alias="from")
    """The lower end. Such as `1 %`, `20000/year`."""
    given_to: End = Field(alias="to")
    """The upper end, of the same kind. Such as `10 %`, `60000/year`."""
    source: Text = ""
    """Where the range comes from. Such as `a guess`."""
    _whole: bool = PrivateAttr(False)

    @model_validator(mode="after")
    def _alike(self) -> Self:
        kinds = {_kind(end) for end in (self.given_from, self.given_to)}
        if len(kinds) > 1:
            raise rule("`from` and `to` must be of one kind (shares, durations, rates or numbers)", value=False)
        if self.from_ > self.to:
            raise rule("`from` must not be above `to`", value=False)
        return self

    @property
    def unit(self) -> str:
        """The unit as written at the upper end: "min", "/year", "%", or "" for a plain number."""
        return units.split(self.given_to)[1] or units.split(self.given_from)[1]

    @property
    def from_(self) -> float:
        """The lower end in `unit`; a share as a fraction."""
        return self._number(self.given_from)

    @property
    def to(self) -> float:
        """The upper end in `unit`; a share as a fraction."""
        return self._number(self.given_to)

    @property
    def from_text(self) -> str:
        return str(self.given_from)

    @property
    def to_text(self) -> str:
        return str(self.given_to)

    @property
    def whole(self) -> bool:
        """Whether the path takes whole numbers only, as staff does."""
        return self._whole

    def told(self, whole: bool) -> Self:
        """The same range, told whether its path takes whole numbers only."""
        if whole == self._whole:
            return self
        found = self.model_copy()
        found._whole = whole
        return found

    def value(self, number: float) -> float | int | str:
        """What to set the path to for a number in `unit`: rounded where it must be whole, else with its unit."""
        if self.whole:
            return round(number)
        return number if self.unit in ("", "%") else f"{number!r} {self.unit}".replace(" /", "/")

    def _number(self, end: object) -> float:
        number, unit = units.split(end)
        if unit == "%":
            return units.percentage(end)
        if unit.startswith("/"):
            return units.rate(end) / units.rate(f"1{self.unit}")
        return units.duration(end) / units.duration(f"1 {self.unit}") if unit else number


def _kind(end: object) -> str:
    unit = units.split(end)[1]
    return "number" if unit in ("", "%") else "rate" if unit.startswith("/") else "duration"
