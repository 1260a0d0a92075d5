"""What laws of times share, with the types of their parameters; and the laws between bounds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import AfterValidator, Field, model_validator

from sim.scenario.fields import Length, Number, Part, PositiveLength, rule

Floats = NDArray[np.float64]


class OfTimes(Part):
    """A law of times, which may be of any length unless it says otherwise."""

    if TYPE_CHECKING:
        # Of some laws keys of the document, of others reckoned from them.
        @property
        def mean(self) -> float: ...
        @property
        def cv(self) -> float: ...
        @property
        def standards(self) -> tuple[str, ...]: ...
        def times(self, *variates: Floats) -> Floats: ...
        def cdf(self, ticks: ArrayLike) -> Floats: ...

    @property
    def least(self) -> float:
        """Ticks that no time is below."""
        return 0.0

    @property
    def most(self) -> float:
        """Ticks that no time is above."""
        return math.inf


def floats(values: ArrayLike) -> Floats:
    return np.asarray(values, dtype=np.float64)


def from_zero(ticks: ArrayLike) -> Floats:
    return np.maximum(floats(ticks), 0.0)


def branch(shares: Floats, uniform: Floats) -> NDArray[np.intp]:
    """The row whose part of the unit interval holds each uniform variate."""
    return np.minimum(np.searchsorted(np.cumsum(shares), uniform, side="right"), len(shares) - 1)


_LEAST_CV: Final = 1e-6
"""Times that vary less cannot be told from the mean in floating point in the end."""


def _cv(value: float) -> float:
    if not 0 < value <= 100:
        raise ValueError("a cv must be more than 0 and at most 100")
    if value < _LEAST_CV:
        raise ValueError("a cv is at least 0.000001; a time that never varies is written alone")
    return value


def _shape(value: float) -> float:
    if not 0.1 <= value <= 100:
        raise ValueError("a shape lies between 0.1 and 100")
    return value


Cv = Annotated[Number, AfterValidator(_cv)]
Shape = Annotated[Number, AfterValidator(_shape)]


class Deterministic(OfTimes):
    """Always the same time."""

    value: Length
    """The time."""

    @property
    def least(self) -> float:
        return float(self.value)

    @property
    def most(self) -> float:
        return float(self.value)

    @property
    def mean(self) -> int:
        return self.value

    @property
    def cv(self) -> float:
        return 0.0

    @property
    def standards(self) -> tuple[str, ...]:
        return ()

    def times(self, *variates: Floats) -> Floats:
        """One time, as an array of shape (1,) that broadcasts: no variates say how many tips there are."""
        return np.array([float(self.value)])

    def cdf(self, ticks: ArrayLike) -> Floats:
        return (floats(ticks) >= self.value).astype(np.float64)


class Bounded(OfTimes):
    """A law of times between two that the document gives."""

    if TYPE_CHECKING:
        # Each law has them with words of its own.
        @property
        def from_(self) -> int: ...
        @property
        def to(self) -> int: ...

    @property
    def least(self) -> float:
        return float(self.from_)

    @property
    def most(self) -> float:
        return float(self.to)

    @property
    def standards(self) -> tuple[str, ...]:
        return ("uniform",)


class Uniform(Bounded):
    """Any time between `from` and `to`, all alike."""

    from_: Length = Field(alias="from")
    """The shortest."""
    to: PositiveLength
    """The longest."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if self.from_ >= self.to:
            raise rule("`from` must be below `to`", value=False)
        return self

    @property
    def mean(self) -> float:
        return (self.from_ + self.to) / 2

    @property
    def cv(self) -> float:
        return (self.to - self.from_) / math.sqrt(12) / self.mean

    def times(self, *variates: Floats) -> Floats:
        return variates[0] * (self.to - self.from_) + self.from_

    def cdf(self, ticks: ArrayLike) -> Floats:
        return np.clip((floats(ticks) - self.from_) / (self.to - self.from_), 0.0, 1.0)


class Triangular(Bounded):
    """Times between `from` and `to` whose density rises to `mode` and falls again."""

    from_: Length = Field(alias="from")
    """The shortest."""
    mode: Length
    """The likeliest."""
    to: PositiveLength
    """The longest."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.from_ <= self.mode <= self.to or self.from_ == self.to:
            raise rule("`from`, `mode` and `to` must rise", value=False)
        return self

    @property
    def mean(self) -> float:
        return (self.from_ + self.mode + self.to) / 3

    @property
    def cv(self) -> float:
        low, mode, high = float(self.from_), float(self.mode), float(self.to)
        variance = (low**2 + mode**2 + high**2 - low * mode - low * high - mode * high) / 18
        return math.sqrt(variance) / self.mean

    def times(self, *variates: Floats) -> Floats:
        uniform, width = variates[0], float(self.to - self.from_)
        rising = np.sqrt(uniform * width * (self.mode - self.from_)) + self.from_
        falling = self.to - np.sqrt((1 - uniform) * width * (self.to - self.mode))
        return np.where(uniform * width < self.mode - self.from_, rising, falling)

    def cdf(self, ticks: ArrayLike) -> Floats:
        at, width = np.clip(floats(ticks), self.from_, self.to), float(self.to - self.from_)
        rising = (at - self.from_) ** 2 / (width * max(self.mode - self.from_, 1))
        falling = 1 - (self.to - at) ** 2 / (width * max(self.to - self.mode, 1))
        return np.where(at < self.mode, rising, falling)
