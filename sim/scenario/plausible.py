"""What is not known, each with its declared distribution between two values as the document writes them.

And what was seen of the real line, published or logged, with what is to be fitted to some of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, PrivateAttr, WithJsonSchema, model_validator

from sim.scenario import units
from sim.scenario.fields import NAMES_SCHEMA, Name, Part, Text, as_list, rule
from sim.scenario.targets import Target

Spread = Literal["uniform", "log-uniform", "triangular", "log-triangular"]
"""How the values of a range are spread; what ends in a law of logarithms lies above 0."""

FACTOR: Final = 4.0
"""A range with a likely value that spans so many times its lower end, or more, is spread by ratios."""

SPREAD_WORDS: Final = {
    "uniform": "uniform (every value as likely)",
    "log-uniform": "log-uniform (every ratio as likely)",
    "triangular": "triangular",
    "log-triangular": "log-triangular (by ratios)",
}
"""What each means, in a few words."""


def _end(given: object) -> object:
    units.split(given)
    return given


End = Annotated[Any, BeforeValidator(_end), WithJsonSchema({"type": ["string", "number"]})]

_FORMS: Final = (("from", "to"), ("low", "likely", "high"))
ENDS: Final = tuple(name for form in _FORMS for name in form)
"""The keys whose values the path has to take."""


class Plausible(Part):
    """A range for the value at a path: from one end `to` the other, every value as likely; or from `low` to `high`,
    most likely `likely`: triangular, by ratios where the range spans a factor of 4 or more and lies above 0."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": list(form)} for form in _FORMS]})

    given_from: End | None = Field(None, alias="from")
    """The lower end of a range in which every value is as likely. Such as `1 %`, `20000/year`."""
    given_to: End | None = Field(None, alias="to")
    """The upper end, of the same kind. Such as `10 %`, `60000/year`."""
    given_low: End | None = Field(None, alias="low")
    """The least value, where one between is more likely than others. Such as `1 min`, `2 %`."""
    given_likely: End | None = Field(None, alias="likely")
    """The value that is most likely, of the same kind. Such as `3 min`, `5 %`."""
    given_high: End | None = Field(None, alias="high")
    """The greatest value, of the same kind. Such as `8 min`, `20 %`."""
    source: Text = ""
    """Where the range comes from. Such as `a guess`."""
    _whole: bool = PrivateAttr(False)

    @model_validator(mode="after")
    def _alike(self) -> Self:
        given = [name for name in ENDS if getattr(self, f"given_{name}") is not None]
        if tuple(given) not in _FORMS:
            said = ", ".join(f"`{name}`" for name in given) or "nothing"
            raise rule(
                f"a range is given by `from` and `to`, or by `low`, `likely` and `high` (got {said})", value=False
            )
        names = [f"`{name}`" for name in given]
        kinds = {_kind(end) for end in self._given}
        if len(kinds) > 1:
            told = f"{', '.join(names[:-1])} and {names[-1]}"
            raise rule(f"{told} must be of one kind (shares, durations, rates or numbers)", value=False)
        numbers = [self._number(end) for end in self._given]
        for i, (one, other) in enumerate(pairwise(numbers)):
            if one > other:
                raise rule(f"{names[i]} must not be above {names[i + 1]}", value=False)
        return self

    @property
    def _given(self) -> list[object]:
        """The ends as they are written, with the likely value between them where there is one."""
        uniform = [self.given_from, self.given_to]
        return uniform if self.given_from is not None else [self.given_low, self.given_likely, self.given_high]

    @cached_property
    def unit(self) -> str:
        """The unit as written at the upper end: "min", "/year", "%", or "" for a plain number."""
        return next((unit for end in reversed(self._given) if (unit := units.split(end)[1])), "")

    @cached_property
    def from_(self) -> float:
        """The lower end in `unit`; a share as a fraction."""
        return self._number(self._given[0])

    @cached_property
    def to(self) -> float:
        """The upper end in `unit`; a share as a fraction."""
        return self._number(self._given[-1])

    @cached_property
    def likely(self) -> float | None:
        """The most likely value in `unit`; None where every value is as likely."""
        return None if self.given_likely is None else self._number(self.given_likely)

    @property
    def from_text(self) -> str:
        return str(self._given[0])

    @property
    def to_text(self) -> str:
        return str(self._given[-1])

    @property
    def spread(self) -> Spread:
        """How its values are spread.

        >>> Plausible(low=1, likely=2, high=3).spread, Plausible(low=1, likely=2, high=4).spread
        ('triangular', 'log-triangular')
        """
        if self.likely is None:
            return "uniform"
        return "log-triangular" if self.from_ > 0 and self.to >= FACTOR * self.from_ else "triangular"

    @property
    def words(self) -> str:
        """The range and how its values are spread.

        >>> Plausible(**{"from": "1 min", "to": "8 min"}).words
        '1 min to 8 min, uniform (every value as likely)'
        """
        likely = "" if self.given_likely is None else f", most likely {self.given_likely}"
        return f"{self.from_text} to {self.to_text}{likely}, {SPREAD_WORDS[self.spread]}"

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

    # How its values are spread

    def quantile(self, part: float) -> float:
        """The number, in `unit`, that so large a part of the values lies below, from 0 to 1.

        Whole numbers have the part of the values that would be rounded to them; where every value is as likely, each
        has the same.

        >>> [Plausible(low=0, likely=0, high=4).quantile(part) for part in (0, 0.75, 1)]
        [0.0, 2.0, 4.0]
        """
        low, high = self.from_, self.to
        if self.whole:
            if self.spread == "uniform":
                return low + min(math.floor(part * (high - low + 1)), high - low)
            return float(min(max(round(self._quantile(part)), math.ceil(low)), math.floor(high)))
        return min(max(self._quantile(part), low), high)

    def cdf(self, number: float, spread: Spread | None = None) -> float:
        """The part of the values at or below a number in `unit`; with another `spread` over the same range if given.

        >>> Plausible(low=0, likely=0, high=4).cdf(2), Plausible(low=0, likely=0, high=4).cdf(2, "uniform")
        (0.75, 0.5)
        """
        spread = spread or self.spread
        return self._continuous(math.floor(number) + 0.5 if self.whole else number, spread)

    def weight(self, number: float, spread: Spread) -> float:
        """How many times as likely a number would be, were the range spread so; ValueError by ratios from 0.

        Of whole numbers that is a ratio of probabilities, of others one of densities.
        """
        if self.from_ == self.to or spread == self.spread:
            return 1.0
        if self.whole:
            now, then = (self.cdf(number, one) - self.cdf(number - 1, one) for one in (self.spread, spread))
        else:
            now, then = (self._density(number, one) for one in (self.spread, spread))
        return then / now if now > 0 else math.inf

    @property
    def _ends(self) -> tuple[float, float]:
        """The ends between which values lie before they are rounded, where they are."""
        half = 0.5 if self.whole else 0.0
        return self.from_ - half, self.to + half

    def _scaled(self, number: float, spread: Spread) -> float:
        """A number as its law counts it: itself, or its logarithm."""
        if not spread.startswith("log"):
            return number
        if self._ends[0] <= 0:
            raise ValueError(f"a range by ratios lies above 0 (it begins at {self.from_text})")
        return math.log(number)

    def _quantile(self, part: float) -> float:
        low, high = (self._scaled(end, self.spread) for end in self._ends)
        if self.likely is None:
            return low + part * (high - low)
        likely = self._scaled(self.likely, self.spread)
        rising = (likely - low) / (high - low) if high > low else 0.0
        if part < rising:
            found = low + math.sqrt(part * (high - low) * (likely - low))
        else:
            found = high - math.sqrt((1 - part) * (high - low) * (high - likely))
        return math.exp(found) if self.spread.startswith("log") else found

    def _continuous(self, number: float, spread: Spread) -> float:
        first, last = self._ends
        if number <= first or number >= last:
            return float(number >= last)
        low, high, x = (self._scaled(one, spread) for one in (first, last, number))
        if spread.endswith("uniform"):
            return (x - low) / (high - low)
        likely = self._scaled(self.from_ if self.likely is None else self.likely, spread)
        if x <= likely:
            return (x - low) ** 2 / ((high - low) * (likely - low)) if likely > low else 0.0
        return 1 - (high - x) ** 2 / ((high - low) * (high - likely))

    def _density(self, number: float, spread: Spread) -> float:
        low, high, x = (self._scaled(one, spread) for one in (*self._ends, number))
        by_ratio = 1 / number if spread.startswith("log") else 1.0
        if spread.endswith("uniform"):
            return by_ratio / (high - low)
        likely = self._scaled(self.from_ if self.likely is None else self.likely, spread)
        height = 2 / (high - low)
        if x < likely:
            return by_ratio * height * (x - low) / (likely - low)
        return by_ratio * height * ((high - x) / (high - likely) if high > likely else 1.0)

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
        tuple[Name, ...], BeforeValidator(as_list), Field(strict=False, min_length=1), WithJsonSchema(NAMES_SCHEMA)
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
